//! The keys that say when a check is probed, and when what was seen is believed.
//!
//! A profile sets all of them, and each key beside it sets its own. Where no profile is named:
//!
//! ```text
//! [check]                    route53    its words are Route 53's, and so are its times
//! [probe] without interval   default
//! [probe] with interval      route53    whoever counts in intervals is not to be hurried; `retry` alone adds confirmation
//! ```
//!
//! Invariant: every limit of `health::timing` holds of what is read here. The reasons: `docs/decisions/detection.md`.

use std::num::NonZeroU8;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::health::profile::{CLEAR, Profile, route53_deadlines};
use crate::health::timing::{Deadlines, Hold, INTERVAL_MAX, INTERVAL_MIN, THRESHOLD_MAX, Thresholds, Timing, Tolerance};
use crate::toml_table::{Table, Value, show_duration};

/// Whose words a table is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notation {
    /// `[probe]`
    Probe,
    /// `[check]`: Route 53's.
    Check,
}

impl Notation {
    fn interval_key(self) -> &'static str {
        match self {
            Self::Probe => "interval",
            Self::Check => "request_interval",
        }
    }

    fn fall_key(self) -> &'static str {
        match self {
            Self::Probe => "fall",
            Self::Check => "failure_threshold",
        }
    }
}

/// How long a kind of check waits where `timeout` is not written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Patience {
    /// To connect, in Route 53's profile; the others have their own.
    Route53(Duration),
    /// In every profile: what it waits for is no connection.
    Always(Duration),
}

impl Patience {
    fn timing(self, profile: Profile) -> Timing {
        match self {
            Self::Route53(connect) => profile.timing(connect),
            Self::Always(connect) => {
                let timing = profile.timing(connect);
                Timing { deadlines: Deadlines { connect, ..timing.deadlines }, ..timing }
            }
        }
    }
}

/// Reads a check's timing.
pub(super) fn read_timing(table: &mut Table<'_>, notation: Notation, patience: Patience) -> Timing {
    let interval = table.optional(notation.interval_key());
    let profile = table.optional("profile").and_then(|value| value.word(&PROFILES));
    let profile = profile.unwrap_or(match (notation, &interval) {
        (Notation::Probe, None) => Profile::Default,
        (Notation::Probe, Some(_)) | (Notation::Check, _) => Profile::Route53,
    });
    let base = patience.timing(profile);
    let interval = interval.and_then(|value| read_interval(&value)).unwrap_or(base.interval);
    let retry = read_retry(table, interval).or(base.retry.map(|retry| retry.min(interval)));
    let thresholds = read_thresholds(table, notation, profile, base.thresholds);
    Timing {
        interval,
        retry,
        deadlines: read_deadlines(table, base.deadlines),
        thresholds,
        tolerance: read_tolerance(table, thresholds.fall, base.tolerance),
        hold: read_hold(table, base.hold),
        adaptive: table.bool_or("adaptive", base.adaptive),
    }
}

/// An interval: seconds as a number, as Route 53 has it, or a duration.
fn read_interval(value: &Value<'_>) -> Option<Duration> {
    if value.is_int() {
        let secs = value.int(1..=INTERVAL_MAX.as_secs().cast_signed())?;
        return Some(Duration::from_secs(secs.unsigned_abs()));
    }
    value.duration(INTERVAL_MIN..=INTERVAL_MAX)
}

fn read_retry(table: &mut Table<'_>, interval: Duration) -> Option<Duration> {
    let value = table.optional("retry")?;
    let retry = value.duration(RETRIES)?;
    if retry > interval {
        let (retry, interval) = (show_duration(retry), show_duration(interval));
        value.wrong(format_args!("{retry} is longer than the interval, {interval}"), "a duration up to the interval");
        return None;
    }
    Some(retry)
}

fn read_thresholds(table: &mut Table<'_>, notation: Notation, profile: Profile, base: Thresholds) -> Thresholds {
    let fall = read_count(table, notation.fall_key(), 1).unwrap_or(base.fall);
    // Route 53 has one threshold for both ways.
    let rise = if profile == Profile::Route53 { fall } else { base.rise };
    Thresholds { fall, rise: read_count(table, "rise", 1).unwrap_or(rise) }
}

/// `timeout` bounds connecting: with TLS where a profile has one deadline for both. `answer_timeout` bounds each phase
/// after that.
fn read_deadlines(table: &mut Table<'_>, base: Deadlines) -> Deadlines {
    let connect = table.optional_duration("timeout", TIMEOUTS);
    let deadlines = match (connect, base.tls) {
        (None, _) => base,
        (Some(connect), None) => route53_deadlines(connect),
        (Some(connect), Some(_)) => Deadlines { connect, ..base },
    };
    match table.optional_duration("answer_timeout", TIMEOUTS) {
        None => deadlines,
        Some(answering) => Deadlines { tls: deadlines.tls.map(|_| answering), status: answering, body: answering, ..deadlines },
    }
}

fn read_tolerance(table: &mut Table<'_>, fall: NonZeroU8, base: Option<Tolerance>) -> Option<Tolerance> {
    let written = table.optional("tolerate");
    let failures = match &written {
        // A profile's is for the profile's `fall`.
        None => base.map(|base| base.failures.max(fall.saturating_add(1))),
        Some(value) => value.int(0..=TOLERATE_MAX).and_then(to_count),
    };
    if let (Some(value), Some(failures)) = (&written, failures)
        && failures <= fall
    {
        value.wrong(
            format_args!("{failures} is not more than the failures in a row that suffice, {fall}"),
            "a larger number, or 0: isolated failures are never too many",
        );
    }
    if failures.is_none() {
        table.refuse("clear", "means something only with tolerate");
        return None;
    }
    let clear = read_count_up_to(table, "clear", 1, CLEAR_MAX).or(base.map(|base| base.clear)).unwrap_or(CLEAR);
    Some(Tolerance { failures: failures?, clear })
}

fn read_hold(table: &mut Table<'_>, base: Hold) -> Hold {
    let least = table.optional_duration("hold", Duration::ZERO..=HOLDS_MAX).unwrap_or(base.least);
    let Some(value) = table.optional("hold_max") else {
        return Hold { least, max: base.max.max(least) };
    };
    let max = value.duration(Duration::ZERO..=HOLDS_MAX).unwrap_or(base.max);
    if max < least {
        let (max, least) = (show_duration(max), show_duration(least));
        value.wrong(format_args!("{max} is shorter than hold, {least}"), "the longest that a hold becomes by doubling");
    }
    Hold { least, max: max.max(least) }
}

fn read_count(table: &mut Table<'_>, key: &'static str, least: i64) -> Option<NonZeroU8> {
    read_count_up_to(table, key, least, THRESHOLD_MAX.into())
}

fn read_count_up_to(table: &mut Table<'_>, key: &'static str, least: i64, most: i64) -> Option<NonZeroU8> {
    to_count(table.optional_int(key, least..=most)?)
}

/// A count that is not 0.
fn to_count(count: i64) -> Option<NonZeroU8> {
    u8::try_from(count).ok().and_then(NonZeroU8::new)
}

const PROFILES: [(&str, Profile); 5] = [
    ("fast", Profile::Fast),
    ("default", Profile::Default),
    ("calm", Profile::Calm),
    ("economy", Profile::Economy),
    ("route53", Profile::Route53),
];
const RETRIES: RangeInclusive<Duration> = Duration::from_millis(50)..=INTERVAL_MAX;
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(60);
/// So that counting octets suffices, and what falls by them can rise.
const TOLERATE_MAX: i64 = 100;
const CLEAR_MAX: i64 = 100;
/// The longest hold accepted.
const HOLDS_MAX: Duration = Duration::from_secs(86_400);
