//! The pasts of all health checks, for whoever shows them.
//!
//! What a past is, `health::history` says; the store keeps it over a restart. A reader takes a share of a past and works on
//! that, so nobody who reads keeps the runner waiting. Invariant: a check has a past as long as it is configured.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use super::{lock, rows};
use crate::health::board;
use crate::health::history::History;
use crate::health::table::{HealthTable, Status};
use crate::ids::HealthCheckId;

/// Every check's past.
#[derive(Debug, Default)]
pub struct Histories(Mutex<BTreeMap<HealthCheckId, Arc<History>>>);

impl Histories {
    /// Takes up the pasts of an earlier run that is known to have gone on until `until`, beside the verdicts as they are
    /// now; gives those that have changed.
    ///
    /// A verdict that was resumed is taken to have held meanwhile. What became of another check is not known from `until`
    /// on; one that has no past begins now.
    pub fn resume(
        &self,
        past: BTreeMap<HealthCheckId, Arc<History>>,
        until: Option<Timestamp>,
        table: &HealthTable,
        now: Timestamp,
    ) -> BTreeMap<HealthCheckId, Arc<History>> {
        let mut histories = lock(&self.0);
        *histories = past;
        let mut changed = BTreeMap::new();
        for verdict in table.iter() {
            let history = entry(&mut histories, &verdict.id, || History::new(now, Status::Unknown));
            if history.status() == verdict.status {
                continue;
            }
            let history_now = Arc::make_mut(history);
            history_now.record(until.unwrap_or(now).min(now), Status::Unknown, "waypost was not running");
            history_now.record(now, verdict.status, &verdict.because);
            changed.insert(verdict.id.clone(), history.clone());
        }
        changed
    }

    /// Notes changes of status; gives the pasts that they are in.
    pub fn record(&self, events: &[board::Event]) -> BTreeMap<HealthCheckId, Arc<History>> {
        let mut histories = lock(&self.0);
        let mut changed = BTreeMap::new();
        for event in events {
            let history = entry(&mut histories, &event.id, || History::new(event.since, event.from));
            Arc::make_mut(history).record(event.since, event.to, &event.because);
            changed.insert(event.id.clone(), history.clone());
        }
        changed
    }

    /// Begins the past of checks that have none, and forgets that of checks that are not configured.
    pub fn keep(&self, configured: &BTreeSet<HealthCheckId>, now: Timestamp) {
        let mut histories = lock(&self.0);
        histories.retain(|id, _| configured.contains(id));
        for id in configured {
            entry(&mut histories, id, || History::new(now, Status::Unknown));
        }
    }

    /// The past of one check.
    pub fn of(&self, check: &HealthCheckId) -> Option<Arc<History>> {
        lock(&self.0).get(check).cloned()
    }

    /// The past of every check, by id.
    pub fn all(&self) -> Vec<(HealthCheckId, Arc<History>)> {
        rows(&self.0, |histories| histories, |id, history| (id.clone(), history.clone()))
    }
}

fn entry<'h>(
    histories: &'h mut BTreeMap<HealthCheckId, Arc<History>>,
    id: &HealthCheckId,
    first: impl FnOnce() -> History,
) -> &'h mut Arc<History> {
    histories.entry(id.clone()).or_insert_with(|| Arc::new(first()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::history::Window;
    use crate::health::table::Verdict;

    fn id(text: &str) -> HealthCheckId {
        HealthCheckId::new(text).unwrap()
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(secs).unwrap()
    }

    fn table(verdicts: &[(&str, Status)]) -> HealthTable {
        let verdict = |(name, status): &(&str, Status)| Verdict::plain(id(name), *status, at(0), "as the test has it".into());
        HealthTable::new(verdicts.iter().map(verdict).collect())
    }

    fn past(checks: &[(&str, Status)]) -> BTreeMap<HealthCheckId, Arc<History>> {
        let history = |status: &Status| {
            let mut history = History::new(at(0), Status::Unknown);
            history.record(at(0), *status, "up and down");
            Arc::new(history)
        };
        checks.iter().map(|(name, status)| (id(name), history(status))).collect()
    }

    /// Seconds healthy, unhealthy and unknown, by `now`.
    fn seconds(histories: &Histories, check: &str, now: i64) -> [u64; 3] {
        let summary = histories.of(&id(check)).unwrap().summary(Window::Day, at(now));
        [summary.healthy, summary.unhealthy, summary.unknown].map(|part| part.as_secs())
    }

    #[test]
    fn a_restart_is_unknown_time_but_for_verdicts_that_are_resumed() {
        let histories = Histories::default();
        let known = past(&[("resumed", Status::Unhealthy), ("stale", Status::Healthy), ("turned", Status::Healthy)]);
        let found = table(&[
            ("fresh", Status::Unknown),
            ("resumed", Status::Unhealthy),
            ("stale", Status::Unknown),
            ("turned", Status::Unhealthy),
        ]);
        let changed = histories.resume(known, Some(at(100)), &found, at(300));
        assert_eq!(changed.keys().map(HealthCheckId::as_str).collect::<Vec<_>>(), ["stale", "turned"]);
        assert_eq!(seconds(&histories, "resumed", 400), [0, 400, 0]);
        assert_eq!(seconds(&histories, "stale", 400), [100, 0, 300]);
        assert_eq!(seconds(&histories, "turned", 400), [100, 100, 200]);
        assert_eq!(seconds(&histories, "fresh", 400), [0, 0, 100]);
    }

    #[test]
    fn an_end_later_than_now_is_taken_as_now() {
        let histories = Histories::default();
        histories.resume(past(&[("a", Status::Healthy)]), Some(at(5_000)), &table(&[("a", Status::Unknown)]), at(300));
        assert_eq!(seconds(&histories, "a", 400), [300, 0, 100]);
    }
}
