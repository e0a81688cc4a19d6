//! Everything that is counted and logged.
//!
//! ```text
//! catalog   every metric and event: name, meaning             logs     where log lines go, as text or JSON
//!                                                             query_log  who asked what, in files
//! counts    per writer, without locks ──┐                     events   the log lines
//! Telemetry the rest, by whoever knows ─┴─ scrape ──> text
//! ```
//!
//! Decides nothing. Health and the snapshot's generation are not counted here: a scrape reads them from the
//! published snapshot, so that they can't disagree with what is served.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::metrics::histogram::Histogram;

use crate::health::table::Status;
use crate::ids::HealthCheckId;
use crate::zone::external::ExternalTarget;
use connections::ConnectionCounts;
use counts::Counts;
use query_log::QueryLogCounts;

pub mod catalog;
pub mod connections;
pub mod counts;
pub mod events;
pub mod logs;
pub mod query_log;
pub mod scrape;

/// The counters of one process.
#[derive(Debug, Default)]
pub struct Telemetry {
    workers: Mutex<Vec<Arc<Counts>>>,
    streams: Counts,
    connections: ConnectionCounts,
    checks: Mutex<BTreeMap<HealthCheckId, CheckCounts>>,
    probe_lag_micros: AtomicU64,
    /// By result, for each name outside the zones.
    lookups: Mutex<BTreeMap<ExternalTarget, [u64; LookupResult::ALL.len()]>>,
    reloads: ReloadCounts,
    query_log: Arc<QueryLogCounts>,
}

/// What resolving a name outside the zones came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupResult {
    Addresses,
    Nothing,
    Failed,
}

/// One health check's probes and transitions.
#[derive(Debug)]
struct CheckCounts {
    passed: u64,
    failed: u64,
    duration: Histogram,
    transitions: [u64; STATUSES.len()],
}

#[derive(Debug, Default)]
struct ReloadCounts {
    succeeded: AtomicU64,
    failed: AtomicU64,
    last_success_secs: AtomicI64,
    last_failed: AtomicU64,
}

/// A change of one health check's status.
#[derive(Clone, Copy, Debug)]
pub struct Transition<'t> {
    pub check: &'t HealthCheckId,
    pub from: Status,
    pub to: Status,
    /// What routing goes by from now on.
    pub healthy: bool,
    pub because: &'t str,
    pub since: Timestamp,
}

impl Telemetry {
    pub fn new() -> Self {
        Self::default()
    }

    /// Counters for one more UDP worker, to be written by it alone.
    pub fn worker(&self) -> Arc<Counts> {
        let counts = Arc::new(Counts::default());
        lock(&self.workers).push(counts.clone());
        counts
    }

    /// The counters that all streams share.
    pub fn streams(&self) -> &Counts {
        &self.streams
    }

    /// What the streams' connections came to.
    pub fn connections(&self) -> &ConnectionCounts {
        &self.connections
    }

    /// What became of the lines of query logs.
    pub fn query_log(&self) -> Arc<QueryLogCounts> {
        self.query_log.clone()
    }

    /// Counts a probe that ended.
    pub fn probed(&self, check: &HealthCheckId, passed: bool, took: Duration) {
        self.with_check(check, |counts| {
            *(if passed { &mut counts.passed } else { &mut counts.failed }) += 1;
            counts.duration.observe(took.as_secs_f64());
        });
    }

    /// Notes how late probes begin of late.
    pub fn lagged(&self, worst: Duration) {
        self.probe_lag_micros.store(u64::try_from(worst.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Counts and logs a change of status.
    pub fn transition(&self, transition: Transition<'_>) {
        self.with_check(transition.check, |counts| counts.transitions[status_place(transition.to)] += 1);
        events::transition(transition);
    }

    /// Counts a configuration that is in use from `now` on; the first counts as well.
    pub fn reloaded(&self, now: Timestamp) {
        self.reloads.succeeded.fetch_add(1, Ordering::Relaxed);
        self.reloads.last_success_secs.store(now.as_second(), Ordering::Relaxed);
        self.reloads.last_failed.store(0, Ordering::Relaxed);
    }

    /// Counts a configuration that could not be used.
    pub fn reload_failed(&self) {
        self.reloads.failed.fetch_add(1, Ordering::Relaxed);
        self.reloads.last_failed.store(1, Ordering::Relaxed);
    }

    /// Forgets the checks that are no longer configured.
    pub fn keep_checks(&self, configured: &BTreeSet<HealthCheckId>) {
        lock(&self.checks).retain(|check, _| configured.contains(check));
    }

    /// Counts an attempt to resolve a name outside the zones.
    pub fn looked_up(&self, target: &ExternalTarget, result: LookupResult) {
        lock(&self.lookups).entry(target.clone()).or_default()[result as usize] += 1;
    }

    /// Forgets the names outside the zones that no alias leads to any more.
    pub fn keep_targets(&self, configured: &[ExternalTarget]) {
        lock(&self.lookups).retain(|target, _| configured.contains(target));
    }

    fn with_check(&self, check: &HealthCheckId, count: impl FnOnce(&mut CheckCounts)) {
        let mut checks = lock(&self.checks);
        match checks.get_mut(check) {
            Some(counts) => count(counts),
            None => count(checks.entry(check.clone()).or_default()),
        }
    }
}

impl LookupResult {
    const ALL: [Self; 3] = [Self::Addresses, Self::Nothing, Self::Failed];

    fn word(self) -> &'static str {
        match self {
            Self::Addresses => "addresses",
            Self::Nothing => "nothing",
            Self::Failed => "failed",
        }
    }
}

impl Default for CheckCounts {
    fn default() -> Self {
        Self { passed: 0, failed: 0, duration: Histogram::new(PROBE_BUCKETS), transitions: [0; STATUSES.len()] }
    }
}

/// Every status, and its word in counters and logs.
const STATUSES: [(Status, &str); 3] =
    [(Status::Healthy, "healthy"), (Status::Unhealthy, "unhealthy"), (Status::Unknown, "unknown")];

/// A status' word in counters, logs and JSON.
pub fn status_word(status: Status) -> &'static str {
    STATUSES[status_place(status)].1
}

fn status_place(status: Status) -> usize {
    STATUSES.iter().position(|(listed, _)| *listed == status).expect("every status is listed")
}

/// Upper bounds in seconds: from an endpoint in the same rack to the longest deadline.
const PROBE_BUCKETS: [f64; 13] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 10.0];

fn lock<T>(counts: &Mutex<T>) -> MutexGuard<'_, T> {
    // A count half made is better than none.
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}
