//! What one check is found to be: its status before inversion, then after.

use std::sync::Arc;

use jiff::Timestamp;

use super::Board;
use super::slot::Slot;
use crate::health::calculated::{Child, calculate};
use crate::health::check::CheckKind;
use crate::health::machine::State;
use crate::health::table::{Status, Verdict};

/// A status, and what routing would go by if nobody said otherwise.
pub(super) struct Judged {
    pub status: Status,
    pub healthy: bool,
    pub because: Arc<str>,
}

impl Board {
    /// The final status of one check: its raw status, then `disabled`, then inversion.
    pub(super) fn judge(&self, at: usize, now: Timestamp) -> Judged {
        let slot = &self.slots[at];
        let raw = match (&slot.check.kind, &slot.state) {
            _ if slot.check.disabled => Judged::known(Status::Healthy, "disabled".into()),
            (CheckKind::Calculated { health_threshold, .. }, _) => {
                let children = slot.children.iter().map(|&child| as_child(&self.slots[child].verdict));
                let parent = calculate(children, *health_threshold);
                Judged { status: parent.status, healthy: parent.healthy, because: parent.because.into() }
            }
            (CheckKind::Signal(check), _) => {
                let read = slot.standing.read(check.insufficient, now);
                Judged::known(read.status, read.because.into())
            }
            (CheckKind::Endpoint(_), Some(state)) => Judged::observed(state, slot.resumed),
            (CheckKind::Endpoint(_), None) => unreachable!("an enabled endpoint check has a state (Slot::following)"),
        };
        raw.of(slot)
    }
}

/// What a verdict means to the parents.
pub(super) fn as_child(verdict: &Verdict) -> Child {
    // What an operator forces, parents go by too; a brake or a mere observer changes no status.
    let forced = verdict.exception.as_ref().is_some_and(|exception| exception.kind.is_override());
    let status = match (forced, verdict.healthy) {
        (false, _) => verdict.status,
        (true, true) => Status::Healthy,
        (true, false) => Status::Unhealthy,
    };
    Child { status, healthy: verdict.healthy }
}

impl Judged {
    fn known(status: Status, because: Arc<str>) -> Self {
        Self { status, healthy: status != Status::Unhealthy, because }
    }

    fn observed(state: &State, resumed: bool) -> Self {
        let because = match state.counted_at {
            Some(at) if resumed => format!("{} (resumed after a restart, last observed at {at:.0})", state.because).into(),
            _ => state.because.clone(),
        };
        Self::known(state.status, because)
    }

    /// The same after the inversion of a check, if it has one.
    fn of(self, slot: &Slot) -> Self {
        match slot.check.inverted {
            false => self,
            true => {
                let because = format!("{} (inverted)", self.because).into();
                Self { status: self.status.negated(), healthy: !self.healthy, because }
            }
        }
    }

    /// Since when the status is what it is.
    pub fn since(&self, before: &Verdict, now: Timestamp) -> Timestamp {
        if self.status == before.status { before.since } else { now }
    }
}
