//! `waypost serve`: the server, from start to drain.
//!
//! All of it is `node`'s; here are the arguments and the exit status.

use super::{ConfigFile, Ending, Failure};
use crate::node::{self, ServeError};

/// Answer queries, and probe endpoints all the while
///
/// Runs in the foreground until SIGTERM or Ctrl-C, and then answers what it has received before it ends. SIGHUP, or a
/// change of a file, reloads: all or nothing, with the reason in the log when it is nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 after a drain, 2 when a file has an error or an address can't be bound, 1 otherwise.

Examples:
  waypost serve                         ./waypost.toml
  waypost serve -c /etc/waypost.toml
  dig @127.0.0.1 -p 5300 www.example.org")]
pub(super) struct ServeArgs {
    #[command(flatten)]
    config: ConfigFile,
}

pub(super) fn run(args: &ServeArgs) -> Result<Ending, Failure> {
    node::serve(&args.config.config).map(|()| Ending::Held).map_err(Failure::from)
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::BadInput(problems) => Self::BadInput(problems),
            failed @ ServeError::Failed { .. } => Self::Failed(failed.to_string()),
        }
    }
}
