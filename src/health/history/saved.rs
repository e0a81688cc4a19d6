//! A history as it is kept on disk: short, and judged when it is read.
//!
//! Invariant: what is read back is what was written, or an error; whatever is read, nothing of `history` can panic on it.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{CHANGES_MAX, Change, DAY_MS, DAYS_BACK, Day, History};
use crate::health::table::Status;

/// `{"began":…,"first":"h","days":[[number,last,"h",…]],"recent":[[at,"u","connection refused"]]}`
#[derive(Serialize, Deserialize)]
struct Saved {
    began: i64,
    first: char,
    days: Vec<(i64, i64, char, u32, u32, u32)>,
    recent: Vec<(i64, char, String)>,
}

impl Serialize for History {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let days = self.days.iter().map(|day| {
            let Day { number, last, ends, healthy_ms, unhealthy_ms, failures } = *day;
            (number, last, letter(ends), healthy_ms, unhealthy_ms, failures)
        });
        let recent = self.recent.iter().map(|change| (change.at, letter(change.to), change.because.to_string()));
        let (began, first) = (self.began, letter(self.first));
        Saved { began, first, days: days.collect(), recent: recent.collect() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for History {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let saved = Saved::deserialize(deserializer)?;
        saved.history().ok_or_else(|| serde::de::Error::custom("a history out of order"))
    }
}

impl Saved {
    fn history(self) -> Option<History> {
        let days = self.days.into_iter().map(|(number, last, ends, healthy_ms, unhealthy_ms, failures)| {
            Some(Day { number, last, ends: status(ends)?, healthy_ms, unhealthy_ms, failures })
        });
        let recent =
            self.recent.into_iter().map(|(at, to, because)| Some(Change { at, to: status(to)?, because: Arc::from(because) }));
        let (days, recent) = (days.collect::<Option<_>>()?, recent.collect::<Option<_>>()?);
        let history = History { began: self.began, first: status(self.first)?, days, recent };
        history.is_sound().then_some(history)
    }
}

impl History {
    /// Whether all times are times, in order, and no more is known of a day than it is long.
    fn is_sound(&self) -> bool {
        let days = self.days.iter().map(|day| day.last);
        let times: Vec<i64> = [self.began].into_iter().chain(days).chain(self.recent.iter().map(|change| change.at)).collect();
        let numbers: Vec<i64> = self.days.iter().map(|day| day.number).collect();
        times.is_sorted()
            && times.iter().all(|at| (Timestamp::MIN.as_millisecond()..=Timestamp::MAX.as_millisecond()).contains(at))
            && numbers.is_sorted_by(|one, next| one < next)
            && numbers.first().zip(numbers.last()).is_none_or(|(first, last)| last.saturating_sub(*first) <= DAYS_BACK)
            && self.days.iter().zip(&times).all(|(day, before)| day.is_sound(*before))
            && self.recent.len() <= CHANGES_MAX
    }
}

impl Day {
    fn is_sound(&self, before: i64) -> bool {
        let known = i64::from(self.healthy_ms) + i64::from(self.unhealthy_ms);
        self.last.div_euclid(DAY_MS) == self.number && known <= self.last - before.max(self.start())
    }
}

fn letter(status: Status) -> char {
    match status {
        Status::Healthy => 'h',
        Status::Unhealthy => 'u',
        Status::Unknown => '?',
    }
}

fn status(letter: char) -> Option<Status> {
    [Status::Healthy, Status::Unhealthy, Status::Unknown].into_iter().find(|status| self::letter(*status) == letter)
}
