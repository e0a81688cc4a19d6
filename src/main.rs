//! The program: runs one command, and turns how it ended into an exit status.
//!
//! Exit statuses are an interface: 0 it held, 1 it did not (or could not be found out), 2 bad input. Data goes to
//! stdout, what is wrong to stderr. A usage error is bad input too; `clap` prints it and exits with 2 itself.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::Parser;
use libmimalloc_sys::{mi_option_set, mi_option_t, mi_option_use_numa_nodes};
use waypost::cli::{Cli, Ending, Failure, run};

/// What a zone's reading takes goes back to the system once the zone is compiled: see [`give_memory_back_at_once`].
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    give_memory_back_at_once();
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

/// Has what is freed go back to the system at once. By itself the allocator keeps it for ten seconds, and then until something
/// else is allocated: for a server at rest, for ever. Reading a zone takes several times what stays of it.
fn give_memory_back_at_once() {
    /// `mi_option_purge_delay`, in milliseconds, for which the crate has no name: it comes before the one below.
    const PURGE_DELAY: mi_option_t = mi_option_use_numa_nodes - 1;
    // SAFETY: sets a number, which the allocator looks at when something is freed; any moment will do.
    unsafe { mi_option_set(PURGE_DELAY, 0) };
}
