//! A state and the verdicts become a snapshot: the zones compiled, the health table beside them.
//!
//! Checks nothing that `check` checks. What has not changed is shared with the snapshot before, so that a change costs
//! in proportion to itself. Invariant: every health index in the catalog is a place in `State::checks`.

use std::sync::Arc;

use super::state::State;
use crate::ids::{HealthCheckId, HealthIndex};
use crate::zone::catalog::Catalog;
use crate::zone::compile::{CompileError, Tables, compile};
use crate::zone::hosted_zone::HostedZone;

/// A state and the catalog that was built of it.
#[derive(Clone, Debug, Default)]
pub struct Built {
    pub state: State,
    pub catalog: Arc<Catalog>,
}

/// Compiles every zone of `state`, sharing those that `before` has already.
///
/// # Errors
/// Every reason why a zone cannot be compiled.
pub fn build(state: State, before: Option<&Built>) -> Result<Built, Vec<CompileError>> {
    // Indices are places among all checks: they are the same only if the ids are.
    let before = before.filter(|before| before.state.checks.keys().eq(state.checks.keys()));
    let ids: Vec<&HealthCheckId> = state.checks.keys().collect();
    let health_index = |id: &HealthCheckId| ids.binary_search(&id).ok().map(|at| HealthIndex(at as u32));
    let mut zones = Vec::with_capacity(state.zones.len());
    let mut errors = Vec::new();
    for hosted in &state.zones {
        match before.and_then(|before| before.compiled(hosted)) {
            Some(zone) => zones.push(zone),
            None => match compile(hosted, &Tables { health: &health_index, map: &|_| None }) {
                Ok(zone) => zones.push(Arc::new(zone)),
                Err(error) => errors.push(error),
            },
        }
    }
    match errors.is_empty() {
        true => Ok(Built { state, catalog: Arc::new(Catalog::new(zones)) }),
        false => Err(errors),
    }
}

impl Built {
    /// The zone compiled of exactly this hosted zone, if there is one.
    fn compiled(&self, hosted: &Arc<HostedZone>) -> Option<Arc<crate::zone::tree::Zone>> {
        let at = self.state.zones.iter().position(|known| known.name == hosted.name)?;
        let same = Arc::ptr_eq(&self.state.zones[at], hosted) || self.state.zones[at] == *hosted;
        same.then(|| self.catalog.zones().get(at).cloned()).flatten()
    }
}
