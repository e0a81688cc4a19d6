//! What the checks and the follower find out, published at once, then logged, counted and saved.
//!
//! Health changes on the runner's task, and so does a reload put its catalog in place: so each snapshot's health table
//! fits its catalog. What is known of names outside the zones comes from the follower's task, and is published only where
//! it fits. Invariant: nothing that can wait is done before publishing.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use crate::clock;
use crate::external::{self, Seen};
use crate::health::board::{self, Notice, SavedVerdict};
use crate::health::observation::NotRun;
use crate::health::table::{HealthTable, Status};
use crate::ids::HealthCheckId;
use crate::prober::ProbeReport;
use crate::prober::runner::{Change, Watcher};
use crate::snapshot::{Published, Snapshot};
use crate::store::{Histories, Store};
use crate::telemetry::{Event, LookupResult, Probed, Telemetry, events};
use crate::zone::external::{ExternalTarget, Externals};

/// Publishes what changes.
pub(super) struct Publisher {
    pub published: Arc<Published>,
    pub telemetry: Arc<Telemetry>,
    pub store: Arc<Store>,
}

/// Publishes what is known of names outside the zones.
pub(super) struct ExternalPublisher {
    pub published: Arc<Published>,
    pub telemetry: Arc<Telemetry>,
}

impl Watcher for Publisher {
    fn changed(&mut self, change: Change) {
        let health = Arc::new(change.table);
        self.published
            .update(|now| Some(Snapshot { health: health.clone(), generation: now.generation + 1, ..Snapshot::clone(now) }));
        let histories = tell(&self.telemetry, &change.events);
        tell_beside(&self.telemetry, change.notices, &change.events, &change.saved);
        self.store.save(change.saved, histories);
        change.gates.into_iter().for_each(|gates| self.store.save_gates(gates));
    }

    fn refreshed(&mut self, table: HealthTable) {
        // Answers go by the same as before: this is no new generation.
        let health = Arc::new(table);
        self.published.update(|now| Some(Snapshot { health: health.clone(), ..Snapshot::clone(now) }));
    }

    fn probed(&mut self, id: &HealthCheckId, report: &ProbeReport) {
        // What was not run says nothing of the endpoint.
        if let Some(passed) = report.observation.outcome.passed() {
            let phases: Vec<_> = report.phases.iter().map(|phase| (phase.name, phase.took)).collect();
            let certificate_not_after = report.certificate_not_after;
            self.telemetry.probed(id, &Probed { passed, phases: &phases, certificate_not_after });
        }
    }

    fn obstructed(&mut self, id: &HealthCheckId, because: Option<&NotRun>) {
        match because {
            Some(because) => events::probes_not_made(id, because),
            None => events::probes_made_again(id),
        }
    }

    fn clock_was_set(&mut self, by: SignedDuration, table: HealthTable) {
        self.refreshed(table);
        let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.telemetry.tell(clock::now(), Event::ClockStepped { by_ms });
    }

    fn lagged(&mut self, worst: Duration) {
        self.telemetry.lagged(worst);
    }

    fn checkpoint(&mut self, saved: Vec<SavedVerdict>) {
        self.store.save_all(saved, Histories::new());
    }
}

impl external::Watcher for ExternalPublisher {
    fn known(&mut self, externals: Arc<Externals>, events: &[(ExternalTarget, external::Event)]) {
        self.published.update(|now| {
            // Between a reload's two steps what is known may be of targets that the snapshot does not have.
            let fits = now.externals.targets() == externals.targets();
            // That everything is a second older is no news.
            let generation = now.generation + u64::from(!events.is_empty());
            fits.then(|| Snapshot { externals: externals.clone(), generation, ..Snapshot::clone(now) })
        });
        for (target, event) in events {
            match event {
                external::Event::Resolved(addresses) => events::alias_resolved(target, addresses),
                external::Event::Gone { because } => events::alias_gone(target, because),
                external::Event::Failed { because } => events::alias_failed(target, because),
                external::Event::Dropped { because } => events::alias_dropped(target, because),
            }
        }
    }

    fn looked(&mut self, target: &ExternalTarget, seen: &Seen) {
        let result = match seen {
            Seen::Addresses { .. } => LookupResult::Addresses,
            Seen::Nothing { .. } => LookupResult::Nothing,
            Seen::Failed(_) => LookupResult::Failed,
        };
        self.telemetry.looked_up(target, result);
    }
}

/// Counts, logs and publishes what brakes and gates did, and the holds that began.
pub(super) fn tell_beside(telemetry: &Telemetry, notices: Vec<Notice>, events: &[board::Event], saved: &[SavedVerdict]) {
    let fell = |saved: &&SavedVerdict| events.iter().any(|event| event.id == saved.id && event.to == Status::Unhealthy);
    let holds = saved.iter().filter(fell).filter_map(Event::hold);
    let now = clock::now();
    holds.chain(notices.into_iter().map(Event::from)).for_each(|event| telemetry.tell(now, event));
}

/// Counts, logs and publishes each transition, and notes it in the check's past; gives the pasts that have changed.
pub(super) fn tell(telemetry: &Telemetry, events: &[board::Event]) -> Histories {
    events.iter().for_each(|event| telemetry.tell(event.since, event.into()));
    telemetry.histories().record(events)
}
