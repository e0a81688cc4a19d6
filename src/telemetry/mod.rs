//! Everything that is counted and logged.
//!
//! ```text
//! catalog   every metric and event: name, meaning             logs     where log lines go, as text or JSON
//!                                                             query_log  who asked what, in files
//! counts    per writer, without locks ──┐                     histories  what became of each check
//! checks    per health check            ├─ scrape ──> text
//! Telemetry the rest, by whoever knows ─┘
//!
//! Event ─ Telemetry::tell ─┬─> counted    events  the log lines
//!                          ├─> logged     bus     the last events, for readers
//!                          └─> published
//! ```
//!
//! Decides nothing. Health and the snapshot's generation are not counted here: a scrape reads them from the
//! published snapshot, so that they can't disagree with what is served.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::health::brakes::Brake;
use crate::health::check::HealthCheck;
use crate::health::history::Objective;
use crate::health::table::{Seen, Status, Verdict};
use crate::ids::HealthCheckId;
use crate::zone::external::ExternalTarget;
use bus::EventBus;
use checks::Checks;
use connections::ConnectionCounts;
use counts::Counts;
use histories::Histories;
use query_log::QueryLogCounts;

pub use checks::{PhaseLatency, Probed};
pub use event::Event;

pub mod bus;
pub mod catalog;
mod checks;
pub mod connections;
pub mod counts;
mod event;
pub mod events;
pub mod histories;
pub mod logs;
pub mod query_log;
pub mod report;
pub mod scrape;

/// The counters of one process.
#[derive(Debug, Default)]
pub struct Telemetry {
    workers: Mutex<Vec<Arc<Counts>>>,
    streams: Counts,
    connections: ConnectionCounts,
    probe_lag_micros: AtomicU64,
    checks: Mutex<Checks>,
    /// How often each brake was put on.
    brakes: [AtomicU64; Brake::ALL.len()],
    histories: Histories,
    bus: EventBus,
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

#[derive(Debug, Default)]
struct ReloadCounts {
    succeeded: AtomicU64,
    failed: AtomicU64,
    last_success_secs: AtomicI64,
    last_failed: AtomicU64,
}

impl Telemetry {
    pub fn new() -> Self {
        Self::default()
    }

    /// That of a run that begins now: ids of its events follow those of the runs before.
    pub fn of_run(now: Timestamp) -> Self {
        Self { bus: EventBus::new(now), ..Self::default() }
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

    /// What became of each check.
    pub fn histories(&self) -> &Histories {
        &self.histories
    }

    /// Notes how late probes begin of late.
    pub fn lagged(&self, worst: Duration) {
        self.probe_lag_micros.store(u64::try_from(worst.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The last events.
    pub fn bus(&self) -> &EventBus {
        &self.bus
    }

    /// Counts, logs and publishes what happened.
    pub fn tell(&self, at: Timestamp, event: Event) {
        if let Some(Ok(check)) = event.check().map(HealthCheckId::new) {
            lock(&self.checks).tell(&check, &event);
        }
        if let Event::Brake { brake, engaged: true, .. } = event {
            self.brakes[brake as usize].fetch_add(1, Ordering::Relaxed);
        }
        events::tell(&event);
        self.bus.publish(at, event);
    }

    /// Counts a probe that passed or failed.
    pub fn probed(&self, check: &HealthCheckId, probed: &Probed<'_>) {
        lock(&self.checks).probed(check, probed);
    }

    /// Makes these the checks; what was counted of others is forgotten.
    pub fn configure(&self, checks: &BTreeMap<HealthCheckId, HealthCheck>, now: Timestamp) {
        lock(&self.checks).configure(checks);
        self.histories.keep(&checks.keys().cloned().collect(), now);
    }

    /// A short, stable word for why a check's status is what it is; none for one that is not configured.
    pub fn reason(&self, verdict: &Verdict, seen: &Seen) -> Option<&'static str> {
        Some(lock(&self.checks).by_id.get(&verdict.id)?.reason(verdict, seen))
    }

    /// How long the phases of a check's last probes took.
    pub fn latencies(&self, check: &HealthCheckId) -> Vec<PhaseLatency> {
        lock(&self.checks).by_id.get(check).map(|counts| counts.latencies()).unwrap_or_default()
    }

    /// The share of time that a check is to be healthy.
    pub fn objective(&self, check: &HealthCheckId) -> Option<Objective> {
        lock(&self.checks).by_id.get(check)?.objective
    }

    /// Until when the certificate that a check's endpoint showed last is valid.
    pub fn certificate_not_after(&self, check: &HealthCheckId) -> Option<Timestamp> {
        lock(&self.checks).by_id.get(check)?.sums.certificate_not_after
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

    /// Counts an attempt to resolve a name outside the zones.
    pub fn looked_up(&self, target: &ExternalTarget, result: LookupResult) {
        lock(&self.lookups).entry(target.clone()).or_default()[result as usize] += 1;
    }

    /// Forgets the names outside the zones that no alias leads to any more.
    pub fn keep_targets(&self, configured: &[ExternalTarget]) {
        lock(&self.lookups).retain(|target, _| configured.contains(target));
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

/// Every status, and its word in counters and logs.
const STATUSES: [(Status, &str); 3] =
    [(Status::Healthy, "healthy"), (Status::Unhealthy, "unhealthy"), (Status::Unknown, "unknown")];

/// A status' word in counters, logs and JSON.
pub fn status_word(status: Status) -> &'static str {
    status.as_str()
}

/// A row of each entry, by id; taken a few at a time, so that nobody waits long for the map.
fn rows<M, V, R>(
    shared: &Mutex<M>,
    map: impl Fn(&M) -> &BTreeMap<HealthCheckId, V>,
    row: impl Fn(&HealthCheckId, &V) -> R,
) -> Vec<R> {
    // Not to be moved while the map is held.
    let mut rows = Vec::with_capacity(map(&lock(shared)).len());
    let mut last = None;
    loop {
        let shared = lock(shared);
        let from = last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let some = map(&shared).range::<HealthCheckId, _>((from, Bound::Unbounded)).take(ROWS_AT_A_TIME);
        let before = rows.len();
        let mut newest = None;
        rows.extend(some.map(|(id, value)| {
            newest = Some(id);
            row(id, value)
        }));
        if rows.len() == before {
            return rows;
        }
        last = newest.cloned();
    }
}

const ROWS_AT_A_TIME: usize = 512;

fn lock<T>(counts: &Mutex<T>) -> MutexGuard<'_, T> {
    // A count half made is better than none.
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}
