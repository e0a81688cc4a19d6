//! What became of one health check: its changes of status, and what they add up to over a day, a week, a month, a year.
//!
//! Knows no clock and decides nothing. The newest [`CHANGES_MAX`] changes are kept as they were; older ones are folded into
//! a sum for each day (UTC) that had one, for a year. So a check costs at most 80 KiB however often it flaps, and one that
//! never changes next to nothing. A window is exact unless it begins amid the changes of a day that has only its sum: that
//! day then counts in proportion, and [`Summary::exact`] says so. Invariants: changes are in the order of their times, and
//! each changes the status; times that go backwards count as no time passed; healthy, unhealthy and unknown time add up to
//! what the window covers.

mod saved;
mod window;

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;

use super::table::Status;

use window::Sum;

pub use window::{Budget, Objective, Summary, Window};

/// One health check's past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// When the past that is known begins: ms since 1970, as all times here.
    began: i64,
    /// The status then.
    first: Status,
    /// Sums of what is not in `recent` any more, by day; days on which nothing changed have none.
    days: VecDeque<Day>,
    /// The newest changes, oldest first.
    recent: VecDeque<Change>,
}

/// One change of the status.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Change {
    at: i64,
    to: Status,
    because: Arc<str>,
}

/// What one day's changes add up to, from its first moment to the last of them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Day {
    /// Since 1970.
    number: i64,
    /// When the last change was.
    last: i64,
    /// The status from then on.
    ends: Status,
    healthy_ms: u32,
    unhealthy_ms: u32,
    /// Changes to unhealthy.
    failures: u32,
}

/// One change of the status, for readers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    pub at: Timestamp,
    pub from: Status,
    pub to: Status,
    pub because: Arc<str>,
}

impl History {
    /// The past of a check that is first looked at now.
    pub fn new(now: Timestamp, status: Status) -> Self {
        Self { began: now.as_millisecond(), first: status, days: VecDeque::new(), recent: VecDeque::new() }
    }

    /// The status after the last change.
    pub fn status(&self) -> Status {
        self.last().1
    }

    /// Notes that the status is another, and says whether it is.
    ///
    /// A time before that of the last change counts as the same time. One that is days before it shows that the clock was
    /// wrong then: the past begins anew.
    pub fn record(&mut self, at: Timestamp, to: Status, because: &str) -> bool {
        let (last, status) = self.last();
        let at = at.as_millisecond();
        if last - at > BACK_MAX_MS {
            *self = Self { began: at, first: status, days: VecDeque::new(), recent: VecDeque::new() };
        }
        if status == to {
            return false;
        }
        let at = at.max(self.last().0);
        if self.recent.len() == CHANGES_MAX
            && let Some(oldest) = self.recent.pop_front()
        {
            self.fold(&oldest);
        }
        self.recent.push_back(Change { at, to, because: shortened(because).into() });
        true
    }

    /// The changes that are kept as they were, newest first.
    pub fn transitions(&self) -> impl Iterator<Item = Transition> {
        let before = |at: usize| at.checked_sub(1).map_or_else(|| self.folded().1, |before| self.recent[before].to);
        self.recent.iter().enumerate().rev().map(move |(at, change)| Transition {
            at: Timestamp::from_millisecond(change.at).unwrap_or(Timestamp::MAX),
            from: before(at),
            to: change.to,
            because: change.because.clone(),
        })
    }

    /// What the changes add up to over a window that ends now.
    pub fn summary(&self, window: Window, now: Timestamp) -> Summary {
        let now = now.as_millisecond().max(self.last().0);
        let mut sum = Sum::new((now - window.ms()).max(self.began), self.first);
        let (mut at, mut status) = (self.began, self.first);
        for day in &self.days {
            let from = at.max(day.start());
            sum.add(status, at, from);
            sum.add_day(day, from);
            (at, status) = (day.last, day.ends);
        }
        for change in &self.recent {
            sum.add(status, at, change.at);
            sum.count(change);
            (at, status) = (change.at, change.to);
        }
        sum.add(status, at, now);
        sum.summary()
    }

    /// When the last change was, and what it changed to.
    fn last(&self) -> (i64, Status) {
        self.recent.back().map_or_else(|| self.folded(), |change| (change.at, change.to))
    }

    /// The same, of the changes that are not kept as they were.
    fn folded(&self) -> (i64, Status) {
        self.days.back().map_or((self.began, self.first), |day| (day.last, day.ends))
    }

    /// Adds a change to the sum of its day.
    fn fold(&mut self, change: &Change) {
        let (at, status) = self.folded();
        let number = change.at.div_euclid(DAY_MS);
        if self.days.back().is_none_or(|day| day.number != number) {
            let last = at.max(number * DAY_MS);
            self.days.push_back(Day { number, last, ends: status, healthy_ms: 0, unhealthy_ms: 0, failures: 0 });
        }
        if let Some(day) = self.days.back_mut() {
            day.add(change);
        }
        // No window reaches back behind the newest day by more.
        while let Some(oldest) = self.days.pop_front_if(|day| day.number < number - DAYS_BACK) {
            (self.began, self.first) = (oldest.last, oldest.ends);
        }
    }
}

impl Day {
    fn start(&self) -> i64 {
        self.number * DAY_MS
    }

    fn add(&mut self, change: &Change) {
        let passed = u32::try_from(change.at - self.last).expect("changes are in order, and a day's milliseconds fit");
        match self.ends {
            Status::Healthy => self.healthy_ms += passed,
            Status::Unhealthy => self.unhealthy_ms += passed,
            Status::Unknown => {}
        }
        self.failures = self.failures.saturating_add(u32::from(change.to == Status::Unhealthy));
        (self.last, self.ends) = (change.at, change.to);
    }
}

/// The beginning of a reason, at most [`BECAUSE_MAX`] octets.
fn shortened(because: &str) -> &str {
    &because[..because.floor_char_boundary(BECAUSE_MAX)]
}

/// Changes of one check that are kept as they were.
pub const CHANGES_MAX: usize = 256;
/// Octets of a change's reason that are kept.
const BECAUSE_MAX: usize = 200;
/// Days before the newest of which a sum is kept: the longest window.
const DAYS_BACK: i64 = 365;
const DAY_MS: i64 = 86_400_000;
/// How far a clock may go back for the past to be kept.
const BACK_MAX_MS: i64 = DAY_MS;

#[cfg(test)]
mod tests;
