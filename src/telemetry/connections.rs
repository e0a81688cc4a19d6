//! What connections came to: admitted, refused, ended, and why.
//!
//! Decides none of it: the server does. Invariant: `open` is the number of [`Open`]s that exist.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// The counters of all connections.
#[derive(Debug, Default)]
pub struct ConnectionCounts {
    pub(super) accepted: AtomicU64,
    pub(super) refused: [AtomicU64; Refused::ALL.len()],
    pub(super) closed: [AtomicU64; Closed::ALL.len()],
    pub(super) open: AtomicI64,
    pub(super) accept_failures: AtomicU64,
}

/// A connection that is counted as open until this is dropped.
#[must_use]
pub struct Open<'t>(&'t ConnectionCounts);

/// Why a connection was not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The client has as many as it may.
    Client,
    /// All places are taken by connections in use.
    Total,
}

impl Refused {
    pub const ALL: [Self; 2] = [Self::Client, Self::Total];

    /// Its word in counters.
    pub fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Total => "total",
        }
    }
}

/// Why a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The peer had no more to ask.
    ByPeer,
    /// Nothing was asked for too long.
    Idle,
    /// A message was begun and not finished in time.
    ReadDeadline,
    /// The responses were not taken in time.
    WriteDeadline,
    /// A message of no octets, or one that deserves no answer: what follows can't be trusted either.
    Garbage,
    /// The server stops, or needs the place for another.
    Stopped,
    /// The connection broke.
    Failed,
}

impl Closed {
    pub const ALL: [Self; 7] =
        [Self::ByPeer, Self::Idle, Self::ReadDeadline, Self::WriteDeadline, Self::Garbage, Self::Stopped, Self::Failed];

    /// Its word in counters.
    pub fn word(self) -> &'static str {
        match self {
            Self::ByPeer => "peer",
            Self::Idle => "idle",
            Self::ReadDeadline => "read_deadline",
            Self::WriteDeadline => "write_deadline",
            Self::Garbage => "garbage",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }
}

impl ConnectionCounts {
    /// Counts a connection that was admitted.
    pub fn opened(&self) -> Open<'_> {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
        Open(self)
    }

    /// Counts a connection that was not.
    pub fn refused(&self, refused: Refused) {
        self.refused[refused as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an accept that failed.
    pub fn accept_failed(&self) {
        self.accept_failures.fetch_add(1, Ordering::Relaxed);
    }
}

impl Open<'_> {
    /// The connection ended, and why.
    pub fn closed(self, closed: Closed) {
        self.0.closed[closed as usize].fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}
