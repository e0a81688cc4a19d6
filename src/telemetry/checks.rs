//! What is counted of each health check: its probes, how long their phases took, its changes of status.
//!
//! The verdict itself is not here: a scrape reads it from the published snapshot. Invariant: memory is bounded by the checks
//! that are configured.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::metrics::histogram::Histogram;

use super::{Event, STATUSES};
use crate::health::check::{CheckKind, HealthCheck};
use crate::health::history::Objective;
use crate::health::latency::LatencySketch;
use crate::health::table::{Seen, Status, Verdict};
use crate::ids::HealthCheckId;

/// A probe that passed or failed.
#[derive(Clone, Debug)]
pub struct Probed<'p> {
    pub passed: bool,
    /// Each phase that was begun, and how long it took.
    pub phases: &'p [(&'static str, Duration)],
    /// Until when the certificate that was shown is valid.
    pub certificate_not_after: Option<Timestamp>,
}

/// How long one phase of a check's last probes took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseLatency {
    pub phase: &'static str,
    pub p50: Duration,
    pub p95: Duration,
    pub p99: Duration,
    /// The probes that this is of, at most.
    pub probes: usize,
}

/// Every check, and their phases taken together.
#[derive(Debug, Default)]
pub(super) struct Checks {
    pub by_id: BTreeMap<HealthCheckId, CheckCounts>,
    /// By type of check and phase.
    pub phases: BTreeMap<(&'static str, &'static str), Histogram>,
}

/// One health check's probes and transitions.
#[derive(Debug, Default)]
pub(super) struct CheckCounts {
    pub sums: Sums,
    pub objective: Option<Objective>,
    /// In the order in which they were first seen.
    phases: Vec<(&'static str, LatencySketch)>,
    /// The status that it left last, and when.
    left: Option<(&'static str, Timestamp)>,
    configured: Configured,
}

/// What a scrape shows of a check; a clone shares the histogram.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    pub passed: u64,
    pub failed: u64,
    pub duration: Histogram,
    pub transitions: [u64; STATUSES.len()],
    pub flaps: u64,
    pub holds: u64,
    pub certificate_not_after: Option<Timestamp>,
}

/// What the configuration says of a check that words for its status need.
#[derive(Clone, Copy, Debug, Default)]
struct Configured {
    /// `tcp`, `http`, …; none before it is known.
    kind: Option<&'static str>,
    inverted: bool,
    disabled: bool,
}

impl Checks {
    /// Makes these the checks; the others are forgotten.
    pub fn configure(&mut self, checks: &BTreeMap<HealthCheckId, HealthCheck>) {
        self.by_id.retain(|id, _| checks.contains_key(id));
        for (id, check) in checks {
            let counts = self.by_id.entry(id.clone()).or_default();
            counts.objective = check.objective;
            let (inverted, disabled) = (check.inverted, check.disabled);
            counts.configured = Configured { kind: Some(kind_word(&check.kind)), inverted, disabled };
        }
    }

    pub fn probed(&mut self, check: &HealthCheckId, probed: &Probed<'_>) {
        let counts = self.of(check);
        let sums = &mut counts.sums;
        *(if probed.passed { &mut sums.passed } else { &mut sums.failed }) += 1;
        sums.duration.observe(probed.phases.iter().map(|(_, took)| took.as_secs_f64()).sum());
        // A probe that failed before the handshake saw none.
        sums.certificate_not_after = probed.certificate_not_after.or(sums.certificate_not_after);
        probed.phases.iter().for_each(|(phase, took)| counts.phase(phase).record(*took));
        let Some(kind) = counts.configured.kind else { return };
        for (phase, took) in probed.phases {
            self.phases.entry((kind, *phase)).or_insert_with(seconds).observe(took.as_secs_f64());
        }
    }

    /// Counts an event that is about a check.
    pub fn tell(&mut self, id: &HealthCheckId, event: &Event) {
        let counts = self.of(id);
        match event {
            Event::HealthTransition { from, to, since, .. } => counts.changed(from, to, *since),
            Event::HealthHold { .. } => counts.sums.holds += 1,
            _ => {}
        }
    }

    fn of(&mut self, check: &HealthCheckId) -> &mut CheckCounts {
        // Looked up twice, so that no id is copied for a check that is known.
        if !self.by_id.contains_key(check) {
            self.by_id.insert(check.clone(), CheckCounts::default());
        }
        self.by_id.get_mut(check).expect("it was put there where it was missing")
    }
}

impl CheckCounts {
    /// The last probes' phases that have been seen, with their percentiles.
    pub fn latencies(&self) -> Vec<PhaseLatency> {
        let of = |(phase, sketch): &(&'static str, LatencySketch)| {
            let [p50, p95, p99] = [0.5, 0.95, 0.99].map(|share| sketch.percentile(share));
            Some(PhaseLatency { phase, p50: p50?, p95: p95?, p99: p99?, probes: sketch.len() })
        };
        self.phases.iter().filter_map(of).collect()
    }

    /// A short, stable word for why the status is what it is.
    pub fn reason(&self, verdict: &Verdict, seen: &Seen) -> &'static str {
        let Configured { kind, inverted, disabled } = self.configured;
        let raw = if inverted { verdict.status.negated() } else { verdict.status };
        match (kind, raw) {
            _ if disabled => "disabled",
            (_, Status::Unknown) => "unknown",
            (Some("calculated"), _) => "calculated",
            (_, Status::Healthy) => "passed",
            (_, Status::Unhealthy) => seen.last_failure.as_ref().map_or("failed", |failure| failure.outcome.code()),
        }
    }

    fn phase(&mut self, phase: &'static str) -> &mut LatencySketch {
        let at = self.phases.iter().position(|(listed, _)| *listed == phase).unwrap_or_else(|| {
            self.phases.push((phase, LatencySketch::default()));
            self.phases.len() - 1
        });
        &mut self.phases[at].1
    }

    fn changed(&mut self, from: &'static str, to: &'static str, since: Timestamp) {
        self.sums.transitions[STATUSES.iter().position(|(_, word)| *word == to).unwrap_or_default()] += 1;
        let is_back = |(left, at): (&str, Timestamp)| left == to && since.duration_since(at) <= FLAP_WITHIN;
        self.sums.flaps += u64::from(to != Status::Unknown.as_str() && self.left.is_some_and(is_back));
        self.left = Some((from, since));
    }
}

impl Default for Sums {
    fn default() -> Self {
        let (transitions, certificate_not_after) = ([0; STATUSES.len()], None);
        Self { passed: 0, failed: 0, duration: seconds(), transitions, flaps: 0, holds: 0, certificate_not_after }
    }
}

fn kind_word(kind: &CheckKind) -> &'static str {
    match kind {
        CheckKind::Endpoint(check) => check.protocol.word(),
        CheckKind::Calculated { .. } => "calculated",
        CheckKind::Signal(_) => "signal",
    }
}

fn seconds() -> Histogram {
    Histogram::new(PROBE_BUCKETS)
}

/// Upper bounds in seconds: from an endpoint in the same rack to the longest deadline.
const PROBE_BUCKETS: [f64; 13] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 10.0];
/// A check that is back at a status that it left no longer ago has flapped.
const FLAP_WITHIN: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);
