//! What the checks find out, published at once, then logged, counted and saved.
//!
//! Called on the runner's task, and the only writer of snapshots besides a reload, which runs on that task too: so each
//! snapshot's health table fits its catalog. Invariant: nothing that can wait is done before publishing.

use std::sync::Arc;

use crate::health::board::{Event, SavedVerdict};
use crate::health::table::HealthTable;
use crate::ids::HealthCheckId;
use crate::prober::ProbeReport;
use crate::prober::runner::{Change, Watcher};
use crate::snapshot::{Published, Snapshot};
use crate::store::Store;
use crate::telemetry::{Telemetry, Transition};

/// Publishes what changes.
#[derive(Clone)]
pub(super) struct Publisher {
    pub published: Arc<Published>,
    pub telemetry: Arc<Telemetry>,
    pub store: Arc<Store>,
}

impl Watcher for Publisher {
    fn changed(&mut self, change: Change) {
        let now = self.published.load();
        let next = Snapshot { health: Arc::new(change.table), generation: now.generation + 1, ..Snapshot::clone(&now) };
        self.published.publish(next);
        tell(&self.telemetry, &change.events);
        self.store.save(change.saved);
    }

    fn refreshed(&mut self, table: HealthTable) {
        // Answers go by the same as before: this is no new generation.
        let next = Snapshot { health: Arc::new(table), ..Snapshot::clone(&self.published.load()) };
        self.published.publish(next);
    }

    fn probed(&mut self, id: &HealthCheckId, report: &ProbeReport) {
        // What was not run says nothing of the endpoint.
        if let Some(passed) = report.observation.outcome.passed() {
            self.telemetry.probed(id, passed, report.phases.iter().map(|phase| phase.took).sum());
        }
    }

    fn checkpoint(&mut self, saved: Vec<SavedVerdict>) {
        self.store.save_all(saved);
    }
}

/// Counts and logs each transition.
pub(super) fn tell(telemetry: &Telemetry, events: &[Event]) {
    for Event { id, from, to, healthy, because, since } in events {
        telemetry.transition(Transition { check: id, from: *from, to: *to, healthy: *healthy, because, since: *since });
    }
}
