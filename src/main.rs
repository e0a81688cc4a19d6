//! The program: runs one command, and turns how it ended into an exit status.
//!
//! Exit statuses are an interface: 0 it held, 1 it did not (or could not be found out), 2 bad input. Data goes to
//! stdout, what is wrong to stderr. A usage error is bad input too; `clap` prints it and exits with 2 itself.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::Parser;
use waypost::cli::{Cli, Ending, Failure, run};

/// What a zone's reading takes goes back to the system once the zone is compiled.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut out = io::BufWriter::new(io::stdout().lock());
    let ended = run(cli, &mut out).and_then(|ending| {
        out.flush()?;
        Ok(ending)
    });
    match ended {
        Ok(Ending::Held) => ExitCode::SUCCESS,
        Ok(Ending::DidNotHold) => ExitCode::from(1),
        Ok(Ending::BadInput) => ExitCode::from(2),
        // `waypost check | head`: the reader has seen what it wanted.
        Err(Failure::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report();
            ExitCode::from(failure.exit_status())
        }
    }
}
