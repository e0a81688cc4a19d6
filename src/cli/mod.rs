//! The command line: what can be asked, and who does it.
//!
//! Each command is a file with its arguments, its help, and `run`; nothing is decided here that a library caller would
//! miss. Data is written to `out`, what is wrong comes back as a [`Failure`]; `main` makes exit statuses of both.

mod client;
mod completions;
mod man;
mod problems;
mod status;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::problem::Problems;

/// An authoritative DNS server that answers with what is up.
///
/// waypost probes your endpoints and answers each query with the primary or the secondary, the weighted pick, or every
/// healthy address, by Route 53's routing model, from files on your own machines.
#[derive(Debug, Parser)]
#[command(name = "waypost", version, propagate_version = true, after_help = AFTER_HELP, max_term_width = 120)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Start here:
  waypost demo                                 a failover in under a minute, on this machine
  waypost check                                is waypost.toml right, and how fast does each name fail over
  waypost explain www.example.org --down fra   what would be answered, and why, if fra were down

Exit status: 0 it held, 1 it did not, 2 bad input. `waypost help COMMAND` has examples.";

#[derive(Debug, Subcommand)]
enum Command {
    Status(status::StatusArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

/// How a command that did its work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Held,
    DidNotHold,
    /// The input was found wrong, and `out` says so (`--json`).
    BadInput,
}

/// Why a command could not do its work.
#[derive(Debug)]
pub enum Failure {
    /// What the operator wrote can't be used.
    BadInput(Problems),
    /// The input was right; the reason lies outside of it.
    Failed(String),
    /// The output could not be written.
    Output(io::Error),
}

/// The server's file.
#[derive(Clone, Debug, Args)]
struct ConfigFile {
    /// The server's configuration
    #[arg(short = 'c', long = "config", value_name = "FILE", default_value = "waypost.toml")]
    config: PathBuf,
}

/// Runs one command, its data going to `out`.
///
/// # Errors
/// [`Failure`] when the command can't do its work; nothing half-started is left behind.
pub fn run(cli: Cli, out: &mut dyn Write) -> Result<Ending, Failure> {
    match cli.command {
        Command::Status(args) => status::run(&args, out),
        Command::Completions(args) => completions::run(&args, out),
        Command::Man(args) => man::run(&args, out),
    }
}

/// The whole command line, for completions and man pages.
fn command() -> clap::Command {
    Cli::command()
}

/// Writes `data` as JSON for scripts, one value on several lines.
fn write_json(out: &mut dyn Write, data: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(data).expect("reports have no key that is not text");
    writeln!(out, "{text}")?;
    Ok(())
}

impl Failure {
    fn bad_input(problems: impl Into<Problems>) -> Self {
        Self::BadInput(problems.into())
    }

    /// The exit status that says so.
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::BadInput(_) => 2,
            Self::Failed(_) | Self::Output(_) => 1,
        }
    }

    /// Tells the operator, on stderr.
    pub fn report(&self) {
        let text = match self {
            Self::BadInput(found) => problems::draw(found, colours(io::stderr().is_terminal())),
            Self::Failed(reason) => format!("error: {reason}\n"),
            Self::Output(error) => format!("error: writing the output: {error}\n"),
        };
        // There is nowhere left to say that stderr is gone.
        let _ = io::stderr().write_all(text.as_bytes());
    }
}

/// Whether to colour what goes to a stream (https://no-color.org).
fn colours(is_terminal: bool) -> bool {
    is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }
}
