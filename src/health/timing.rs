//! When a check is probed, how long its probes may take, and how many observations flip its status.
//!
//! Plain data. Invariant: intervals and thresholds that exist are within their ranges.
//! Source: Route 53 API reference, `HealthCheckConfig`; waypost allows shorter intervals.

use std::num::NonZeroU8;
use std::time::Duration;

/// What says when to look at an endpoint, and when to believe what was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// From the end of one probe to the start of the next; 100 ms to 1 hour.
    pub interval: Duration,
    pub deadlines: Deadlines,
    pub thresholds: Thresholds,
}

impl Timing {
    /// Every probe waits for the interval, as Route 53's do.
    pub fn plain(interval: Duration, deadlines: Deadlines, thresholds: Thresholds) -> Self {
        Self { interval, deadlines, thresholds }
    }
}

/// How long each phase of a probe may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// TCP connection and, for HTTPS, the TLS handshake.
    pub connect: Duration,
    /// From there to the status line.
    pub status: Duration,
    /// From there to the search string.
    pub body: Duration,
}

/// How many observations in a row flip a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    pub fall: NonZeroU8,
    pub rise: NonZeroU8,
}

/// How long a verdict holds at least without an observation that upholds it.
pub const VERDICT_HOLDS: Duration = Duration::from_secs(3_600);
/// The shortest interval accepted.
pub const INTERVAL_MIN: Duration = Duration::from_millis(100);
/// The longest interval accepted.
pub const INTERVAL_MAX: Duration = Duration::from_secs(3_600);
/// The largest threshold accepted (Route 53, `FailureThreshold`).
pub const THRESHOLD_MAX: u8 = 10;
