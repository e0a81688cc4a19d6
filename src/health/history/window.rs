//! A window over the past, what it adds up to, and what is left of an objective.
//!
//! Invariants: the parts of a [`Summary`] add up to what the window covers; a ratio is within 0 and 1.

use std::time::Duration;

use super::{Change, DAY_MS, Day};
use crate::health::table::Status;

/// How far back to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Window {
    Day,
    Week,
    Month,
    Year,
}

/// What became of a check within a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    pub healthy: Duration,
    pub unhealthy: Duration,
    pub unknown: Duration,
    /// Times that it became unhealthy, the one under way at the window's beginning included.
    pub failures: u64,
    /// The window does not begin amid changes of which only a sum is kept.
    pub exact: bool,
}

/// The share of time that a check is to be healthy, in millionths: more than none and less than all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Objective(u32);

/// How long a check may be unhealthy within a window, and how long it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    pub allowed: Duration,
    pub spent: Duration,
}

/// A summary being made.
pub(super) struct Sum {
    start: i64,
    healthy_ms: i64,
    unhealthy_ms: i64,
    unknown_ms: i64,
    failures: u64,
    /// The status before the start; none where only a sum is known of that moment.
    at_start: Option<Status>,
}

impl Window {
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Year];

    /// Its name in metrics and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Year => "365d",
        }
    }

    pub(super) fn ms(self) -> i64 {
        DAY_MS
            * match self {
                Self::Day => 1,
                Self::Week => 7,
                Self::Month => 30,
                Self::Year => 365,
            }
    }
}

impl Summary {
    /// The share of the known time that it was healthy; none where nothing is known.
    pub fn uptime(&self) -> Option<f64> {
        let known = self.healthy + self.unhealthy;
        (!known.is_zero()).then(|| self.healthy.div_duration_f64(known))
    }

    /// Mean time between failures: healthy time for each.
    pub fn mtbf(&self) -> Option<Duration> {
        self.per_failure(self.healthy)
    }

    /// Mean time to recovery: unhealthy time for each failure.
    pub fn mttr(&self) -> Option<Duration> {
        self.per_failure(self.unhealthy)
    }

    fn per_failure(&self, time: Duration) -> Option<Duration> {
        (self.failures > 0).then(|| time.div_f64(self.failures as f64))
    }
}

impl Objective {
    /// The objective of so many percent, to four decimals.
    pub fn percent(percent: f64) -> Option<Self> {
        // Out of range, or no number: saturates, and is refused below.
        let millionths = (percent * 10_000.0).round() as u32;
        (1..MILLION).contains(&millionths).then_some(Self(millionths))
    }

    pub fn as_percent(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }

    /// How much of what it allows within a window has been spent.
    pub fn budget(self, window: Window, summary: &Summary) -> Budget {
        let allowed = window.ms().unsigned_abs() * u64::from(MILLION - self.0) / u64::from(MILLION);
        Budget { allowed: Duration::from_millis(allowed), spent: summary.unhealthy }
    }
}

impl Budget {
    /// What is left, in seconds; negative once more is spent than allowed.
    pub fn left_secs(&self) -> f64 {
        self.allowed.as_secs_f64() - self.spent.as_secs_f64()
    }
}

impl Sum {
    /// Nothing yet, of a window that begins at `start`, within a past that begins with the status `first`.
    pub fn new(start: i64, first: Status) -> Self {
        Self { start, healthy_ms: 0, unhealthy_ms: 0, unknown_ms: 0, failures: 0, at_start: Some(first) }
    }

    /// Adds the time of one status, from one change to the next.
    pub fn add(&mut self, status: Status, from: i64, to: i64) {
        if from < self.start {
            self.at_start = Some(status);
        }
        let passed = (to - from.max(self.start)).max(0);
        *match status {
            Status::Healthy => &mut self.healthy_ms,
            Status::Unhealthy => &mut self.unhealthy_ms,
            Status::Unknown => &mut self.unknown_ms,
        } += passed;
    }

    /// Counts a change.
    pub fn count(&mut self, change: &Change) {
        self.failures += u64::from(change.at >= self.start && change.to == Status::Unhealthy);
    }

    /// Adds what is known of a day from its beginning, or the past's, to its last change; in proportion where the window
    /// begins in between.
    pub fn add_day(&mut self, day: &Day, from: i64) {
        let (all, within) = (day.last - from, (day.last - from.max(self.start)).max(0));
        if from < self.start && self.start <= day.last {
            self.at_start = None;
        }
        let part = |of: u32| match from < self.start {
            true => i64::from(of) * within / all.max(1),
            false => i64::from(of),
        };
        let (healthy, unhealthy) = (part(day.healthy_ms), part(day.unhealthy_ms));
        self.healthy_ms += healthy;
        self.unhealthy_ms += unhealthy;
        self.unknown_ms += within - healthy - unhealthy;
        self.failures += part(day.failures).unsigned_abs();
    }

    pub fn summary(self) -> Summary {
        let duration = |ms: i64| Duration::from_millis(ms.unsigned_abs());
        Summary {
            healthy: duration(self.healthy_ms),
            unhealthy: duration(self.unhealthy_ms),
            unknown: duration(self.unknown_ms),
            failures: self.failures + u64::from(self.at_start == Some(Status::Unhealthy)),
            exact: self.at_start.is_some(),
        }
    }
}

const MILLION: u32 = 1_000_000;
