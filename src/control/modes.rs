//! The keys that say how members leave service and come back, and as text again.
//!
//! Invariant: what is printed reads back the same.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::modes::{Decision, Failback, Failover, Modes};
use crate::toml_table::{Table, Value, show_duration};

/// Reads `failover`, `failback` and `slow_start`; what is wrong is left out.
pub(super) fn read_modes(table: &mut Table<'_>) -> Modes {
    let failover = table.optional("failover").and_then(|value| read_failover(&value));
    let failback = table.optional("failback").and_then(|value| read_failback(&value));
    let slow_start = table.optional_duration("slow_start", SLOW_STARTS);
    Modes {
        failover: failover.unwrap_or_default(),
        failback: failback.unwrap_or_default(),
        slow_start: slow_start.unwrap_or_default(),
    }
}

/// `"auto"`, `"manual"`, `"confirm"`, or how a confirmation ends that nobody gives: `{ confirm = "5m", else = "approve" }`.
fn read_failover(value: &Value<'_>) -> Option<Failover> {
    if !value.is_table() {
        let words = [("auto", Failover::Auto), ("manual", Failover::Manual), ("confirm", CONFIRM)];
        return value.word(&words);
    }
    let mut table = value.table()?;
    let within = table.required("confirm", "\"5m\"").and_then(|value| value.duration(DELAYS));
    let then = table.required("else", "\"approve\"");
    let then = then.and_then(|value| value.word(&[("approve", Decision::Approve), ("refuse", Decision::Refuse)]));
    table.finish();
    Some(Failover::Confirm { within: within?, then: then? })
}

/// `"auto"`, `"manual"`, `"delayed"`, or how long: `{ delayed = "10m" }`.
fn read_failback(value: &Value<'_>) -> Option<Failback> {
    if !value.is_table() {
        let words = [("auto", Failback::Auto), ("manual", Failback::Manual), ("delayed", Failback::Delayed(DELAY))];
        return value.word(&words);
    }
    let mut table = value.table()?;
    let delay = table.required("delayed", "\"10m\"").and_then(|value| value.duration(DELAYS));
    table.finish();
    Some(Failback::Delayed(delay?))
}

/// The lines that say these modes, as key and value; none for what is as it is by default.
pub(super) fn lines(modes: &Modes) -> Vec<(&'static str, String)> {
    let failover = match modes.failover {
        Failover::Auto => None,
        Failover::Manual => Some("\"manual\"".to_owned()),
        Failover::Confirm { within, then } => {
            let then = if then == Decision::Approve { "approve" } else { "refuse" };
            Some(format!("{{ confirm = \"{}\", else = \"{then}\" }}", show_duration(within)))
        }
    };
    let failback = match modes.failback {
        Failback::Auto => None,
        Failback::Manual => Some("\"manual\"".to_owned()),
        Failback::Delayed(delay) => Some(format!("{{ delayed = \"{}\" }}", show_duration(delay))),
    };
    let slow_start = (!modes.slow_start.is_zero()).then(|| format!("\"{}\"", show_duration(modes.slow_start)));
    let lines = [("failover", failover), ("failback", failback), ("slow_start", slow_start)];
    lines.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

/// What `failover = "confirm"` means: five minutes, and then what "auto" would have done.
const CONFIRM: Failover = Failover::Confirm { within: Duration::from_secs(300), then: Decision::Approve };
/// What `failback = "delayed"` means.
const DELAY: Duration = Duration::from_secs(300);
const DELAYS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(30 * 24 * 3_600);
const SLOW_STARTS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(24 * 3_600);
