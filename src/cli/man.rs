//! `waypost man`: the manual pages, made of the same texts as `--help`.

use std::io::Write;
use std::path::PathBuf;

use clap_mangen::Man;

use super::{Ending, Failure};
use crate::problem::Problem;

/// Print the manual page, or write all of them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  waypost man | man -l -                          read the main page
  waypost man /usr/local/share/man/man1           write waypost.1, waypost-check.1, … there")]
pub(super) struct ManArgs {
    /// Write every page into this directory, which must exist
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

pub(super) fn run(args: &ManArgs, out: &mut dyn Write) -> Result<Ending, Failure> {
    let command = super::command();
    match &args.directory {
        None => {
            let mut page = Vec::new();
            Man::new(command).render(&mut page)?;
            out.write_all(&page)?;
        }
        Some(directory) => clap_mangen::generate_to(command, directory).map_err(|error| {
            let message = format!("writing manual pages to {}: {error}", directory.display());
            Failure::bad_input(Problem::error(message).help("an existing, writable directory is accepted"))
        })?,
    }
    Ok(Ending::Held)
}
