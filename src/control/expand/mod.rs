//! A state printed as zone TOML without sugar: `[[record]]`, `[[group]]`, `[check]` and `[cidr]` tables only.
//!
//! Invariant: the printed texts, read back, give the same state, but for where things were written. The health
//! checks and CIDR collections, which are shared by all zones, are in the first zone's text.

mod endpoint;
mod record;
#[cfg(test)]
mod tests;

use std::fmt::Write;

use super::probed::{INSUFFICIENT, INSUFFICIENT_DATA};
use super::state::State;
use crate::health::check::{CheckKind, HealthCheck};
use crate::health::signal::{Insufficient, SignalCheck, SignalSource};
use crate::toml_table::show_duration;
use crate::wire::name::Name;

/// One zone's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expanded {
    pub zone: Name,
    pub text: String,
}

/// Prints `state`, one text a zone.
pub fn expand(state: &State) -> Vec<Expanded> {
    let mut texts = Vec::with_capacity(state.zones.len());
    for (place, zone) in state.zones.iter().enumerate() {
        let mut table = Printer(String::new());
        table.line("zone", &quoted(&zone.name.to_string()));
        if place == 0 {
            state.checks.values().for_each(|check| table.check(check));
            state.collections.iter().for_each(|(id, collection)| table.collection(id, collection));
        }
        zone.record_sets.iter().for_each(|set| table.record_set(set));
        zone.groups.iter().for_each(|((name, rtype), options)| table.group(name, *rtype, options));
        texts.push(Expanded { zone: zone.name.clone(), text: table.0 });
    }
    texts
}

struct Printer(String);

impl Printer {
    fn line(&mut self, key: &str, value: &str) {
        writeln!(self.0, "{key} = {value}").expect("a String takes all that is written");
    }

    fn header(&mut self, header: &str) {
        writeln!(self.0, "\n{header}").expect("a String takes all that is written");
    }

    fn check(&mut self, check: &HealthCheck) {
        self.header(&format!("[check.{}]", key(check.id.as_str())));
        match &check.kind {
            CheckKind::Endpoint(endpoint) => self.endpoint_check(endpoint),
            CheckKind::Calculated { children, health_threshold } => {
                self.line("type", "\"calculated\"");
                self.line("children", &list(children.iter().map(|child| quoted(child.as_str()))));
                self.line("health_threshold", &health_threshold.to_string());
            }
            CheckKind::Signal(signal) => self.signal_check(signal),
        }
        for (key, is_set) in [("inverted", check.inverted), ("disabled", check.disabled), ("observe", check.observe)] {
            if is_set {
                self.line(key, "true");
            }
        }
        if let Some(region) = &check.region {
            self.line("region", &quoted(region));
        }
        if let Some(objective) = check.objective {
            self.line("objective", &objective.as_percent().to_string());
        }
    }

    fn signal_check(&mut self, check: &SignalCheck) {
        let word = |words: &[(&str, Insufficient)]| {
            let known = words.iter().find(|(_, known)| *known == check.insufficient);
            quoted(known.expect("each notation has a word for each").0)
        };
        match &check.source {
            SignalSource::Check => {
                self.line("type", "\"signal\"");
                self.line("insufficient", &word(&INSUFFICIENT));
            }
            SignalSource::Alarm { region, name } => {
                self.line("type", "\"cloudwatch_metric\"");
                self.line("alarm_identifier", &format!("{{ region = {}, name = {} }}", quoted(region), quoted(name)));
                self.line("insufficient_data_health_status", &word(&INSUFFICIENT_DATA));
            }
            // Which has no word for it: a switch is on or off.
            SignalSource::Control(arn) => {
                self.line("type", "\"recovery_control\"");
                self.line("routing_control_arn", &quoted(arn));
            }
        }
        if let Some(lease) = check.lease {
            self.line("lease", &quoted(&show_duration(lease)));
        }
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// A basic string (TOML 1.0): control characters, quotes and backslashes escaped.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            _ if c.is_control() => write!(out, "\\u{:04X}", u32::from(c)).expect("a String takes all that is written"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A key, bare where it may be.
fn key(text: &str) -> String {
    let is_bare = text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(&octet));
    if is_bare { text.to_owned() } else { quoted(text) }
}
