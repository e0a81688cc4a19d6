//! The keys that say when a check is probed, and when what was seen is believed.
//!
//! Invariant: every limit of `health::timing` holds of what is read here.

use std::num::NonZeroU8;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::health::timing::{Deadlines, INTERVAL_MAX, INTERVAL_MIN, THRESHOLD_MAX, Thresholds, Timing};
use crate::toml_table::{Table, Value};

/// Reads a check's timing. `keys` are the notation's words for the interval and the failure threshold; `interval` and
/// `timeout` are its defaults.
pub(super) fn read_timing(table: &mut Table<'_>, keys: [&'static str; 2], interval: Duration, timeout: Duration) -> Timing {
    let [interval_key, fall_key] = keys;
    let interval = table.optional(interval_key).and_then(|value| read_interval(&value)).unwrap_or(interval);
    let timeout = table.optional_duration("timeout", TIMEOUTS).unwrap_or(timeout);
    let fall = table.optional_int(fall_key, 1..=THRESHOLD_MAX.into()).unwrap_or(3);
    let rise = table.optional_int("rise", 1..=THRESHOLD_MAX.into()).unwrap_or(fall);
    let threshold = |count: i64| u8::try_from(count).ok().and_then(NonZeroU8::new).expect("1 to 10");
    Timing::plain(interval, deadlines(timeout), Thresholds { fall: threshold(fall), rise: threshold(rise) })
}

/// An interval: seconds as a number, as Route 53 has it, or a duration.
fn read_interval(value: &Value<'_>) -> Option<Duration> {
    if value.is_int() {
        let secs = value.int(1..=INTERVAL_MAX.as_secs().cast_signed())?;
        return Some(Duration::from_secs(secs.unsigned_abs()));
    }
    value.duration(INTERVAL_MIN..=INTERVAL_MAX)
}

/// `timeout` bounds connecting; Route 53 gives the status line and the body 2 s each.
pub(in crate::control) fn deadlines(timeout: Duration) -> Deadlines {
    let answering = timeout.min(Duration::from_secs(2));
    Deadlines { connect: timeout, status: answering, body: answering }
}

const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(60);
