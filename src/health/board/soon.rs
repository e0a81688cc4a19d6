//! How soon what is answered could change: what a TTL may follow.
//!
//! Invariant: a lower bound, as long as no operator does anything and no signal is pushed, for both of which nobody can
//! tell when. Source: gdnsd's manual, `gdnsd.zonefile(5)`, "Dynamic TTLs".

use jiff::{SignedDuration, Timestamp};

use super::Board;
use crate::health::check::{CheckKind, EndpointCheck};
use crate::health::distrust::shifted;
use crate::health::machine::{self, Rules, State};
use crate::health::observation::Observation;
use crate::health::table::ExceptionKind;
use crate::health::timing::Pace;
use crate::ids::HealthIndex;
use crate::modes::Failback;

impl Board {
    /// Brings what the table says of changes up to date; to be called once a second where any TTL follows.
    pub fn refresh_changes(&mut self, now: Timestamp) {
        let followed = self.gates.iter().enumerate().filter(|(_, gate)| gate.gate.ttl_follows);
        let changes = followed.map(|(at, _)| {
            let secs = self.gate_changes_at(at, now).duration_since(now).as_secs().max(0);
            (self.gate_index(at), u32::try_from(secs).unwrap_or(u32::MAX))
        });
        let changes: Vec<(HealthIndex, u32)> = changes.collect();
        self.table.set_changes(&changes);
    }

    /// Whether any TTL follows what is known.
    pub fn is_followed(&self) -> bool {
        self.gates.iter().any(|gate| gate.gate.ttl_follows)
    }

    /// The earliest time at which a member could come into service or leave it.
    fn gate_changes_at(&self, at: usize, now: Timestamp) -> Timestamp {
        let slot = &self.gates[at];
        match slot.verdict.exception.as_ref().map(|exception| exception.kind) {
            // The first end of any override is early enough.
            Some(kind) if kind.is_override() => return self.overrides.next_expiry(now).unwrap_or(Timestamp::MAX),
            Some(ExceptionKind::Held) => return now,
            _ => {}
        }
        let of_check = slot.check.map_or(Timestamp::MAX, |check| self.check_changes_at(check, now));
        let of_below = slot.below.iter().map(|&lower| self.gate_changes_at(lower, now)).min().unwrap_or(Timestamp::MAX);
        let health = of_check.min(of_below);
        let due = slot.gated.due_at(&slot.gate.modes);
        match (slot.gated.in_service, slot.gate.modes.failback) {
            (true, _) => due.map_or(health, |due| due.min(health)),
            (false, Failback::Auto) => health,
            (false, Failback::Delayed(delay)) => due.unwrap_or_else(|| health.saturating_add(delay).unwrap_or(Timestamp::MAX)),
            (false, Failback::Manual) => Timestamp::MAX,
        }
    }

    /// The earliest time at which a check's verdict could change.
    fn check_changes_at(&self, at: usize, now: Timestamp) -> Timestamp {
        let slot = &self.slots[at];
        let until = self.overrides.next_expiry(now).unwrap_or(Timestamp::MAX);
        match slot.verdict.exception.as_ref().map(|exception| exception.kind) {
            Some(kind) if kind.is_override() => return until,
            Some(ExceptionKind::Held) => return now,
            _ => {}
        }
        if slot.check.disabled || slot.check.observe {
            return Timestamp::MAX;
        }
        match (&slot.check.kind, &slot.state) {
            (CheckKind::Calculated { .. }, _) => {
                slot.children.iter().map(|&child| self.check_changes_at(child, now)).min().unwrap_or(Timestamp::MAX)
            }
            (CheckKind::Endpoint(check), Some(state)) => {
                let next = slot.seen.last.as_ref().map_or(now, |last| next_probe_at(state, check, last));
                machine::earliest_change(state, &Rules::from(&**check), next.max(now))
            }
            (CheckKind::Signal(_), _) => slot.standing.until().unwrap_or(Timestamp::MAX),
            (CheckKind::Endpoint(_), None) => Timestamp::MAX,
        }
    }
}

/// A time before which the next probe does not begin.
fn next_probe_at(state: &State, check: &EndpointCheck, last: &Observation) -> Timestamp {
    let pace = machine::pace(state, &check.timing, &last.outcome);
    let wait = match pace {
        Pace::AfterEnd(_) => pace.least(),
        // When the last began is not known here; it took no longer than it may.
        Pace::AfterStart(_) | Pace::Confirming(_) => pace.least().saturating_sub(check.longest()),
    };
    shifted(last.at, SignedDuration::try_from(wait).unwrap_or(SignedDuration::ZERO))
}
