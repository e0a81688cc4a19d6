//! When a check is probed, how long its probes may take, and how many observations flip its status.
//!
//! Plain data; `profile` has sets of it by name, `machine` goes by it. Invariant: intervals and thresholds that exist are
//! within their ranges. Source: Route 53 API reference, `HealthCheckConfig`; waypost allows shorter intervals, and the
//! confirmation, tolerance and holds that Route 53 does not have.

use std::num::NonZeroU8;
use std::time::Duration;

/// What says when to look at an endpoint, and when to believe what was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Between probes while nothing is to be confirmed; 100 ms to 1 hour.
    pub interval: Duration,
    /// Between probes while a failure is to be confirmed, from start to start; with it the interval counts so, too. None:
    /// every probe waits for the interval, from the end of the one before, as Route 53's do.
    pub retry: Option<Duration>,
    pub deadlines: Deadlines,
    pub thresholds: Thresholds,
    /// When isolated failures are too many; none: they never are.
    pub tolerance: Option<Tolerance>,
    pub hold: Hold,
    /// Deadlines follow what the endpoint usually takes, below those configured: see `adaptive`.
    pub adaptive: bool,
}

impl Timing {
    /// Every probe waits for the interval, as Route 53's do, and only failures in a row count.
    pub fn plain(interval: Duration, deadlines: Deadlines, thresholds: Thresholds) -> Self {
        Self { interval, retry: None, deadlines, thresholds, tolerance: None, hold: Hold::NONE, adaptive: false }
    }
}

/// How long each phase of a probe may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// The TCP connection.
    pub connect: Duration,
    /// From there to the end of the TLS handshake; none: what connecting left of `connect`, as at Route 53.
    pub tls: Option<Duration>,
    /// From there to the status line.
    pub status: Duration,
    /// From there to the search string.
    pub body: Duration,
}

impl Deadlines {
    /// The deadline that a TLS handshake has missed that took too long.
    pub fn secure(&self) -> Duration {
        self.tls.unwrap_or(self.connect)
    }

    /// How long a name may take to be resolved. A deadline that is short for one connection would be unfair to a resolver
    /// that has to ask around.
    pub fn resolve(&self) -> Duration {
        self.connect.max(self.tls.unwrap_or_default())
    }
}

/// How many observations in a row flip a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    pub fall: NonZeroU8,
    pub rise: NonZeroU8,
}

/// How many failures with passes between them are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerance {
    /// At so many the check is unhealthy.
    pub failures: NonZeroU8,
    /// So many passes in a row forgive them, and let rise what fell by them.
    pub clear: NonZeroU8,
}

/// How long a check that fell stays unhealthy at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// After a first fall; zero: not at all.
    pub least: Duration,
    /// After however many.
    pub max: Duration,
}

impl Hold {
    /// It rises as soon as it passes often enough.
    pub const NONE: Self = Self { least: Duration::ZERO, max: HOLD_MAX };
}

/// When the probe after this one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// So long after this one's end, to the second as Route 53's: what probes take makes checks drift apart.
    AfterEnd(Duration),
    /// So long after this one's start, or a little less.
    AfterStart(Duration),
    /// So long after this one's start, to confirm what it saw.
    Confirming(Duration),
}

impl Pace {
    /// The shortest time between the starts of this probe and the next.
    pub fn least(self) -> Duration {
        match self {
            Self::AfterEnd(interval) => interval,
            Self::AfterStart(interval) => interval - interval / JITTER_PARTS,
            Self::Confirming(retry) => retry,
        }
    }
}

/// Jitter takes up to one of so many parts of an interval away, and never adds: what is said is an upper bound.
pub(super) const JITTER_PARTS: u32 = 20;

/// How long a verdict holds at least without an observation that upholds it.
pub const VERDICT_HOLDS: Duration = Duration::from_secs(3_600);
/// The shortest interval accepted.
pub const INTERVAL_MIN: Duration = Duration::from_millis(100);
/// The longest interval accepted.
pub const INTERVAL_MAX: Duration = Duration::from_secs(3_600);
/// The largest threshold accepted (Route 53, `FailureThreshold`).
pub const THRESHOLD_MAX: u8 = 10;
/// The longest hold, where nothing else is said.
pub const HOLD_MAX: Duration = Duration::from_secs(1_800);
