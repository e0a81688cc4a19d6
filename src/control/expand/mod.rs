//! A state printed as zone TOML without sugar: `[[record]]`, `[[group]]`, `[check]` and `[cidr]` tables only.
//!
//! Invariant: the printed texts, read back, give the same state, but for where things were written. The health
//! checks and CIDR collections, which are shared by all zones, are in the first zone's text.

mod record;
#[cfg(test)]
mod tests;

use std::fmt::Write;
use std::time::Duration;

use super::probed::{INSUFFICIENT, INSUFFICIENT_DATA, bracketed};
use super::state::State;
use crate::health::check::{CheckKind, EndpointCheck, HealthCheck, TargetHost};
use crate::health::profile::Profile;
use crate::health::protocol::{HttpRequest, Protocol};
use crate::health::signal::{Insufficient, SignalCheck, SignalSource};
use crate::health::timing::{Timing, Tolerance};
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
        for (key, is_set) in [("inverted", check.inverted), ("disabled", check.disabled)] {
            if is_set {
                self.line(key, "true");
            }
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

    fn endpoint_check(&mut self, check: &EndpointCheck) {
        match &check.protocol {
            Protocol::Tcp => {
                self.line("type", "\"tcp\"");
                self.target_of_tcp(&check.target.host);
            }
            Protocol::Http(request) => self.request("http", check, request),
            Protocol::Https { request, server_name, verify } => {
                self.request("https", check, request);
                if server_name.is_none() {
                    self.line("enable_sni", "false");
                }
                self.line("verify", &verify.to_string());
            }
        }
        self.line("port", &check.target.port.to_string());
        self.timing(&check.timing);
    }

    /// Every knob that is not what the profile would make it, and those that Route 53 has.
    fn timing(&mut self, timing: &Timing) {
        let base = match timing.deadlines.tls {
            None => Profile::Route53,
            Some(_) => Profile::ALL.into_iter().find(|named| named.timing(Duration::ZERO) == *timing).unwrap_or(Profile::Default),
        };
        let knobs = base.timing(timing.deadlines.connect);
        if base != Profile::Route53 {
            self.line("profile", &quoted(base.word()));
        }
        let secs = timing.interval.as_secs();
        let is_whole = timing.interval.subsec_nanos() == 0;
        let interval = if is_whole { secs.to_string() } else { quoted(&show_duration(timing.interval)) };
        self.line("request_interval", &interval);
        self.duration("timeout", timing.deadlines.connect, None);
        self.duration("answer_timeout", timing.deadlines.status, Some(knobs.deadlines.status));
        self.line("failure_threshold", &timing.thresholds.fall.to_string());
        self.line("rise", &timing.thresholds.rise.to_string());
        if let Some(retry) = timing.retry {
            self.duration("retry", retry, knobs.retry);
        }
        self.tolerance(timing.tolerance, knobs.tolerance);
        self.duration("hold", timing.hold.least, Some(knobs.hold.least));
        self.duration("hold_max", timing.hold.max, Some(knobs.hold.max));
        if timing.adaptive {
            self.line("adaptive", "true");
        }
    }

    fn tolerance(&mut self, tolerance: Option<Tolerance>, of_profile: Option<Tolerance>) {
        match tolerance {
            _ if tolerance == of_profile => {}
            None => self.line("tolerate", "0"),
            Some(Tolerance { failures, clear }) => {
                self.line("tolerate", &failures.to_string());
                self.line("clear", &clear.to_string());
            }
        }
    }

    /// Prints a duration, unless it is what it is anyway.
    fn duration(&mut self, key: &str, duration: Duration, otherwise: Option<Duration>) {
        if otherwise != Some(duration) {
            self.line(key, &quoted(&show_duration(duration)));
        }
    }

    fn target_of_tcp(&mut self, host: &TargetHost) {
        match host {
            TargetHost::Address(address) => self.line("ip_address", &quoted(&address.to_string())),
            TargetHost::Name(name) => self.line("fully_qualified_domain_name", &quoted(name)),
        }
    }

    fn request(&mut self, scheme: &str, check: &EndpointCheck, request: &HttpRequest) {
        let matched = if request.search.is_some() { "_str_match" } else { "" };
        self.line("type", &quoted(&format!("{scheme}{matched}")));
        let host = host_without_port(scheme, check, request);
        let own = match &check.target.host {
            TargetHost::Address(address) => {
                self.line("ip_address", &quoted(&address.to_string()));
                bracketed(*address)
            }
            TargetHost::Name(name) => {
                if name != host {
                    self.line("target", &quoted(name));
                }
                // A name is always told: without one there would be nothing to probe.
                String::new()
            }
        };
        if host != own {
            self.line("fully_qualified_domain_name", &quoted(host));
        }
        self.line("resource_path", &quoted(&request.path));
        if let Some(search) = &request.search {
            self.line("search_string", &quoted(search));
        }
    }
}

/// The Host header as it was before the port was added to it.
fn host_without_port<'r>(scheme: &str, check: &EndpointCheck, request: &'r HttpRequest) -> &'r str {
    let usual = if scheme == "http" { 80 } else { 443 };
    if check.target.port == usual {
        return &request.host;
    }
    request.host.strip_suffix(&format!(":{}", check.target.port)).unwrap_or(&request.host)
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
