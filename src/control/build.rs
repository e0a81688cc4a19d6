//! A state and the verdicts become a snapshot: the zones compiled, the health table beside them.
//!
//! Checks nothing that `check` checks. What has not changed is shared with the snapshot before, so that a change costs
//! in proportion to itself. Invariant: every health index in the catalog is a place in `State::checks`.

use std::collections::BTreeSet;
use std::sync::Arc;

use ipnet::IpNet;

use super::maps;
use super::state::State;
use crate::ids::{HealthCheckId, HealthIndex};
use crate::places::Places;
use crate::places::maps::ClientMaps;
use crate::wire::name::Name;
use crate::zone::catalog::Catalog;
use crate::zone::compile::{CompileError, Tables, compile};
use crate::zone::external::{ExternalTarget, Externals};
use crate::zone::hosted_zone::HostedZone;
use crate::zone::record_set::RecordSet;
use crate::zone::tree::Zone;

/// A state and the catalog that was built of it.
#[derive(Clone, Debug, Default)]
pub struct Built {
    pub state: State,
    pub catalog: Arc<Catalog>,
    pub maps: Arc<ClientMaps>,
    /// The names outside their zones that aliases lead to; nothing is known of them here.
    pub externals: Arc<Externals>,
    /// The zones of views, as they were compiled.
    private: Vec<(Arc<HostedZone>, Arc<Zone>)>,
}

/// Compiles every zone of `state` and makes the client maps that they need of `places`, sharing what `before` has already.
///
/// # Errors
/// Every reason why a zone cannot be compiled.
pub fn build(state: State, places: &Places, before: Option<&Built>) -> Result<Built, Vec<CompileError>> {
    // Indices are places among all checks: they are the same only if the ids are.
    let known_maps = before.map(|before| before.maps.clone()).unwrap_or_default();
    let maps = known_maps.next(maps::rules_of_all(&state), places);
    let map_index = |sets: &[&RecordSet]| maps.index(&maps::rules_of(sets, &state.collections)?);
    let before = before.filter(|before| before.state.checks.keys().eq(state.checks.keys()));
    // A zone's map indices follow its collections, which it only names.
    let before = before.filter(|before| before.state.collections == state.collections);
    let targets = external_targets(&state);
    let before = before.filter(|before| before.externals.targets()[..] == targets[..]);
    let unresolved = || Arc::new(Externals::unresolved(targets.into()));
    let externals = before.map_or_else(unresolved, |before| before.externals.clone());
    let ids: Vec<&HealthCheckId> = state.checks.keys().collect();
    let health_index = |id: &HealthCheckId| ids.binary_search(&id).ok().map(|at| HealthIndex(at as u32));
    let external = |name: &Name, rtype| externals.index(name, rtype);
    let tables = Tables { health: &health_index, map: &map_index, external: &external };
    let mut zones = Vec::with_capacity(state.zones.len());
    let mut errors = Vec::new();
    for hosted in &state.zones {
        match before.and_then(|before| before.compiled(hosted)) {
            Some(zone) => zones.push(zone),
            None => match compile(hosted, &tables) {
                Ok(zone) => zones.push(Arc::new(zone)),
                Err(error) => errors.push(error),
            },
        }
    }
    let mut private: Vec<(Arc<HostedZone>, Arc<Zone>)> = Vec::new();
    for hosted in state.views.iter().flat_map(|view| &view.zones) {
        if compiled_private(&private, hosted).is_some() {
            continue;
        }
        match before.and_then(|before| compiled_private(&before.private, hosted)) {
            Some(zone) => private.push((hosted.clone(), zone)),
            None => match compile(hosted, &tables) {
                Ok(zone) => private.push((hosted.clone(), Arc::new(zone))),
                Err(error) => errors.push(error),
            },
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let views = views(&state, &zones, &private);
    Ok(Built { catalog: Arc::new(Catalog::new(zones).with_views(views)), maps: Arc::new(maps), externals, private, state })
}

fn compiled_private(private: &[(Arc<HostedZone>, Arc<Zone>)], hosted: &Arc<HostedZone>) -> Option<Arc<Zone>> {
    private.iter().find(|(known, _)| Arc::ptr_eq(known, hosted)).map(|(_, zone)| zone.clone())
}

/// The networks whose clients may see more than the public `zones`, and what they see; networks that see the same share it.
fn views(state: &State, zones: &[Arc<Zone>], private: &[(Arc<HostedZone>, Arc<Zone>)]) -> Vec<(IpNet, Option<Arc<Catalog>>)> {
    let mut made: Vec<(&[Arc<HostedZone>], Arc<Catalog>)> = Vec::new();
    let mut views = Vec::new();
    for view in &state.views {
        let is_same = |own: &[Arc<HostedZone>]| own.iter().map(Arc::as_ptr).eq(view.zones.iter().map(Arc::as_ptr));
        let known = made.iter().find(|(own, _)| is_same(own)).map(|(_, catalog)| catalog.clone());
        let catalog = (!view.zones.is_empty()).then(|| {
            known.unwrap_or_else(|| {
                let own = view.zones.iter().filter_map(|hosted| compiled_private(private, hosted));
                let catalog = Arc::new(Catalog::new(own.chain(zones.iter().cloned()).collect()));
                made.push((&view.zones, catalog.clone()));
                catalog
            })
        });
        views.extend(view.networks.iter().map(|network| (*network, catalog.clone())));
    }
    views
}

/// Each name and type outside its zone that an alias leads to, once.
fn external_targets(state: &State) -> Vec<ExternalTarget> {
    let of_zone = |hosted: &HostedZone| -> Vec<ExternalTarget> {
        let targets = hosted.record_sets.iter().filter_map(|set| Some((hosted.external(set)?, set.rtype)));
        targets.map(|(alias, rtype)| ExternalTarget { name: alias.target.clone(), rtype }).collect()
    };
    let targets: BTreeSet<ExternalTarget> = state.all_zones().flat_map(|hosted| of_zone(hosted)).collect();
    targets.into_iter().collect()
}

impl Built {
    /// The zone compiled of exactly this hosted zone, if there is one.
    fn compiled(&self, hosted: &Arc<HostedZone>) -> Option<Arc<Zone>> {
        let at = self.state.zones.iter().position(|known| known.name == hosted.name)?;
        let same = Arc::ptr_eq(&self.state.zones[at], hosted) || self.state.zones[at] == *hosted;
        same.then(|| self.catalog.zones().get(at).cloned()).flatten()
    }
}
