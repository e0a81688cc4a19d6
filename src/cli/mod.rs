//! The command line: what can be asked, and who does it.
//!
//! Each command is a file with its arguments, its help, and `run`; nothing is decided here that a library caller would
//! miss. Data is written to `out`, what is wrong comes back as a [`Failure`]; `main` makes exit statuses of both.

mod api;
mod backup;
mod check;
mod client;
mod completions;
mod demo;
mod explain;
mod export;
mod import;
mod man;
mod orders;
mod overrides;
mod probe;
mod problems;
mod serve;
mod signal;
mod status;
mod test;
mod zones;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::clock;
use crate::files::{self, Loaded};
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
    Serve(serve::ServeArgs),
    Check(check::CheckArgs),
    Explain(explain::ExplainArgs),
    Test(test::TestArgs),
    Probe(probe::ProbeArgs),
    Status(status::StatusArgs),
    Override(overrides::OverrideArgs),
    Signal(signal::SignalArgs),
    Failover(orders::FailoverArgs),
    Failback(orders::FailbackArgs),
    Import(Box<import::ImportArgs>),
    Export(Box<export::ExportArgs>),
    Backup(backup::BackupArgs),
    Restore(backup::RestoreArgs),
    Demo(demo::DemoArgs),
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
        Command::Serve(args) => serve::run(&args),
        Command::Check(args) => check::run(&args, out),
        Command::Explain(args) => explain::run(&args, out),
        Command::Test(args) => test::run(&args, out),
        Command::Probe(args) => probe::run(&args, out),
        Command::Status(args) => status::run(&args, out),
        Command::Override(args) => overrides::run(&args, out),
        Command::Signal(args) => signal::run(&args, out),
        Command::Failover(args) => orders::fail_over(&args, out),
        Command::Failback(args) => orders::fail_back(&args, out),
        Command::Import(args) => import::run(&args, out),
        Command::Export(args) => export::run(&args, out),
        Command::Backup(args) => backup::run(&args, out),
        Command::Restore(args) => backup::run_restore(&args, out),
        Command::Demo(args) => demo::run(&args, out),
        Command::Completions(args) => completions::run(&args, out),
        Command::Man(args) => man::run(&args, out),
    }
}

/// The whole command line, for completions and man pages.
fn command() -> clap::Command {
    Cli::command()
}

/// Reads the server's file and all that it names, and draws the warnings.
fn load(file: &ConfigFile) -> Result<Loaded, Failure> {
    let loaded = read_files(file).map_err(Failure::BadInput)?;
    warn(&loaded.warnings);
    Ok(loaded)
}

fn read_files(file: &ConfigFile) -> Result<Loaded, Problems> {
    // Serials are what this second makes them, in 32 bits (RFC 1982).
    files::load(&file.config, clock::unix_secs() as u32, None)
}

/// Draws warnings on stderr.
fn warn(warnings: &Problems) {
    tell(&problems::draw(warnings, colours(io::stderr().is_terminal())));
}

/// Runs a future to its end.
fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.map_err(|error| Failure::Failed(format!("starting a runtime: {error}")))?.block_on(future))
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
        tell(&text);
    }
}

/// Writes to stderr.
fn tell(text: &str) {
    // There is nowhere left to say that stderr is gone.
    let _ = io::stderr().write_all(text.as_bytes());
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
