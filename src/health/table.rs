//! The verdicts of one snapshot, dense by [`HealthIndex`], for readers that must not wait.
//!
//! Not where verdicts are made: see `machine` and `calculated`. Invariant: one verdict for each index that the
//! snapshot's zones hold, and the bit read by routing always agrees with the verdict shown to people.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::ids::{HealthCheckId, HealthIndex};

/// What is known of one health check, after calculation, inversion and `disabled`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    Healthy,
    Unhealthy,
    /// Before the first verdict. Routing counts it as healthy (Route 53: no data yet), and an inverted check's as
    /// unhealthy: which of the two is in [`Verdict::healthy`].
    Unknown,
}

impl Status {
    /// The word used in logs, metrics and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Unknown => "unknown",
        }
    }

    /// Healthy for unhealthy and the other way round; what is not known stays so.
    pub fn negated(self) -> Self {
        match self {
            Self::Healthy => Self::Unhealthy,
            Self::Unhealthy => Self::Healthy,
            Self::Unknown => Self::Unknown,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A health check's status, whether routing counts it as healthy, since when, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub id: HealthCheckId,
    pub status: Status,
    /// What routing goes by.
    pub healthy: bool,
    pub since: Timestamp,
    /// In words: `connection refused`, `2 of 3 children are healthy, 2 are needed`.
    pub because: Arc<str>,
}

/// Every verdict of one snapshot.
#[derive(Clone, Debug, Default)]
pub struct HealthTable {
    verdicts: Box<[Verdict]>,
    /// One bit a verdict, its `healthy`: all that a query reads.
    healthy: Box<[u64]>,
}

impl HealthTable {
    /// The table of `verdicts`, whose order gives each its index.
    pub fn new(verdicts: Vec<Verdict>) -> Self {
        let mut healthy = vec![0u64; verdicts.len().div_ceil(64)];
        for (at, verdict) in verdicts.iter().enumerate() {
            healthy[at / 64] |= u64::from(verdict.healthy) << (at % 64);
        }
        Self { verdicts: verdicts.into(), healthy: healthy.into() }
    }

    /// Whether routing may count this check as healthy.
    #[inline]
    pub fn is_healthy(&self, index: HealthIndex) -> bool {
        self.healthy[index.at() / 64] >> (index.at() % 64) & 1 == 1
    }

    /// The verdict in full.
    pub fn verdict(&self, index: HealthIndex) -> &Verdict {
        &self.verdicts[index.at()]
    }

    /// Every verdict, by index.
    pub fn iter(&self) -> impl Iterator<Item = &Verdict> {
        self.verdicts.iter()
    }
}
