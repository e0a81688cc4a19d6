//! What a board watches: the checks, the gates above them, and the brakes.
//!
//! Plain data. Invariants: gates are in the order of their ids, and no two have one; what a gate names as its check is one
//! of the checks, or counts as nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::brakes::BrakeRules;
use super::check::HealthCheck;
use super::gate::Gate;
use super::table::{HealthTable, Status, Verdict};
use crate::ids::HealthCheckId;
use crate::modes::Modes;

/// All that is configured of health.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// In the order of their ids, which is the order of their indices.
    pub checks: BTreeMap<HealthCheckId, HealthCheck>,
    /// Their indices follow those of the checks.
    pub gates: Arc<[Gate]>,
    pub brakes: Arc<BrakeRules>,
}

impl Plan {
    /// The same where health alone decides: nothing waits for an operator or a time, and nothing brakes.
    pub fn unguarded(self) -> Self {
        let gates = self.gates.iter().map(|gate| Gate { modes: Modes::default(), ..gate.clone() }).collect();
        Self { gates, brakes: Arc::new(BrakeRules::none()), ..self }
    }
}

impl From<&BTreeMap<HealthCheckId, HealthCheck>> for Plan {
    /// Checks alone.
    fn from(checks: &BTreeMap<HealthCheckId, HealthCheck>) -> Self {
        Self { checks: checks.clone(), ..Self::default() }
    }
}

impl From<BTreeMap<HealthCheckId, HealthCheck>> for Plan {
    /// Checks alone.
    fn from(checks: BTreeMap<HealthCheckId, HealthCheck>) -> Self {
        Self { checks, ..Self::default() }
    }
}

/// The table of these verdicts on checks, in the order of the checks' ids, and of `gates` that let them through as they are.
pub fn table_through(gates: &[Gate], verdicts: Vec<Verdict>) -> HealthTable {
    let through = gates.iter().map(|gate| {
        let known = |id: &HealthCheckId| verdicts.binary_search_by(|verdict| verdict.id.cmp(id)).ok().map(|at| &verdicts[at]);
        gate.check.as_ref().and_then(known).cloned().unwrap_or_else(|| unchecked(gate))
    });
    let through = through.collect();
    HealthTable::with_gates(verdicts, through)
}

/// What is said of a gate that has no check: it is in service, and there is nothing to say of it.
pub(super) fn unchecked(gate: &Gate) -> Verdict {
    Verdict::plain(gate.id.clone(), Status::Healthy, jiff::Timestamp::UNIX_EPOCH, "".into())
}
