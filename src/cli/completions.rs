//! `waypost completions`: what a shell needs to complete commands and options.

use std::io::Write;

use clap_complete::Shell;

use super::{Ending, Failure};

/// Print completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  waypost completions bash > ~/.local/share/bash-completion/completions/waypost
  waypost completions zsh  > ~/.zfunc/_waypost
  waypost completions fish > ~/.config/fish/completions/waypost.fish")]
pub(super) struct CompletionsArgs {
    /// The shell to print for
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs, out: &mut dyn Write) -> Result<Ending, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "waypost", &mut script);
    out.write_all(&script)?;
    Ok(Ending::Held)
}
