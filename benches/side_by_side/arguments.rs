//! What is to be compared, and how long.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

/// Puts waypost beside its peers: one server after the other on one core, the load on the other, every answer checked.
#[derive(Debug, Parser)]
pub struct Arguments {
    /// Cases to run, comma-separated; all of them otherwise
    #[arg(long, value_delimiter = ',')]
    pub cases: Vec<String>,
    /// Servers to run, comma-separated; all that can be had otherwise
    #[arg(long, value_delimiter = ',')]
    pub peers: Vec<String>,
    /// Rounds; each loads each server once
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// Seconds that a server is loaded for in a round
    #[arg(long, default_value_t = 3.0)]
    pub secs: f64,
    /// Queries in flight: more than a socket's default buffer takes would be dropped by servers that leave it so
    #[arg(long, default_value_t = 256)]
    pub window: usize,
    /// Share of a core that others may have before a run is repeated, and then marked
    #[arg(long, default_value_t = 0.05)]
    pub foreign_at_most: f64,
    /// Another build of waypost, which is compared as `before`
    #[arg(long)]
    pub before: Option<PathBuf>,
    /// Writes the tables there, too
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Takes what is installed, and installs nothing
    #[arg(long)]
    pub no_install: bool,
    /// A second's worth of waypost and the echo, to see that all works; measures nothing
    #[arg(long)]
    pub quick: bool,
    /// Is the echo, at this address
    #[arg(long, hide = true)]
    pub echo: Option<std::net::SocketAddr>,
    /// What cargo says to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    pub fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.secs)
    }
}
