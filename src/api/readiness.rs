//! Whether this server should be sent queries, and if not, why.
//!
//! Decides nothing: `node` says what it has reached. Invariant: once draining, never ready again.

use std::sync::atomic::{AtomicU8, Ordering};

/// How far a server is in its life; shared by who moves it and who asks.
#[derive(Debug, Default)]
pub struct Readiness(AtomicU8);

/// A part of a server's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The first round of probes is not over.
    Starting,
    Ready,
    Draining,
}

impl Readiness {
    /// The first round of probes is over, or was waited for long enough.
    pub fn set_ready(&self) {
        // Not from DRAINING: who was told to stop while starting stays stopped.
        let _ = self.0.compare_exchange(STARTING, READY, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// The server was told to stop.
    pub fn set_draining(&self) {
        self.0.store(DRAINING, Ordering::Relaxed);
    }

    pub fn phase(&self) -> Phase {
        match self.0.load(Ordering::Relaxed) {
            STARTING => Phase::Starting,
            READY => Phase::Ready,
            _ => Phase::Draining,
        }
    }
}

impl Phase {
    /// Why queries should go elsewhere, where they should.
    pub fn unready_because(self) -> Option<&'static str> {
        match self {
            Self::Starting => Some("starting: the first round of health checks is not over"),
            Self::Ready => None,
            Self::Draining => Some("draining: this server was told to stop"),
        }
    }
}

const STARTING: u8 = 0;
const READY: u8 = 1;
const DRAINING: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draining_server_is_never_ready_again() {
        let readiness = Readiness::default();
        assert_eq!(readiness.phase(), Phase::Starting);
        readiness.set_ready();
        assert_eq!(readiness.phase(), Phase::Ready);
        readiness.set_draining();
        readiness.set_ready();
        assert_eq!(readiness.phase(), Phase::Draining);
    }
}
