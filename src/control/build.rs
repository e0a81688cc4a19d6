//! A state and the verdicts become a snapshot: the zones compiled, the health table beside them.
//!
//! Checks nothing that `check` checks. What has not changed is shared with the snapshot before, so that a change costs
//! in proportion to itself. Invariant: every health index in the catalog is a place in `State::checks`, or behind them among
//! the gates.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use ipnet::IpNet;

use super::gates::gates_of;
use super::maps::{self, Collections};
use super::state::State;
use crate::health::gate::Gate;
use crate::health::plan::{Plan, table_through};
use crate::health::table::{HealthTable, Verdict};
use crate::ids::{HealthCheckId, HealthIndex, SetIdentifier};
use crate::jobs::{DoJobs, InTurn};
use crate::places::Places;
use crate::places::maps::ClientMaps;
use crate::places::rules::Rules;
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::catalog::Catalog;
use crate::zone::compile::{CompileError, Tables, compile};
use crate::zone::external::{ExternalTarget, Externals};
use crate::zone::hosted_zone::HostedZone;
use crate::zone::parted::PartedZone;
use crate::zone::record_set::RecordSet;
use crate::zone::tree::Zone;

/// A state and the catalog that was built of it.
#[derive(Clone, Debug, Default)]
pub struct Built {
    pub state: State,
    /// The zones of the state, those in parts behind the others.
    pub catalog: Arc<Catalog>,
    pub maps: Arc<ClientMaps>,
    /// The names outside the zones that aliases lead to, with nothing known of them.
    pub externals: Arc<Externals>,
    /// In the order of their ids; their places in every health table follow those of the checks.
    pub gates: Arc<[Gate]>,
    /// What each zone asks of the tables, in the order of the catalog.
    asks: Vec<Arc<Asks>>,
    /// The zones of views, as they were compiled.
    private: Vec<(Arc<HostedZone>, Arc<Zone>)>,
}

/// What a zone's record sets ask of the tables that all zones share.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asks {
    rules: BTreeSet<Rules>,
    externals: BTreeSet<ExternalTarget>,
    /// In the order of their ids.
    gates: Vec<Gate>,
}

/// A zone of the state, in one piece or in parts.
#[derive(Clone, Copy)]
enum Source<'s> {
    Whole(&'s Arc<HostedZone>),
    Parted(&'s Arc<PartedZone>),
}

/// Compiles every zone of `state` and makes the client maps that they need of `places`, sharing what `before` has already.
///
/// # Errors
/// Every reason why a zone cannot be compiled.
pub fn build(state: State, places: &Places, before: Option<&Built>) -> Result<Built, Vec<CompileError>> {
    build_by(&InTurn, state, places, before)
}

/// The same, made by whoever does `jobs`: zones and maps side by side, and the parts of a zone that is in parts.
///
/// # Errors
/// As [`build`].
pub fn build_by(jobs: &impl DoJobs, state: State, places: &Places, before: Option<&Built>) -> Result<Built, Vec<CompileError>> {
    let known = Known::of(before, &state);
    let asks: Vec<Arc<Asks>> = sources(&state).map(|zone| known.asks(zone, &state.collections)).collect();
    let seen = state.views.iter().flat_map(|view| &view.zones);
    let private_asks: Vec<Arc<Asks>> = seen.map(|zone| Arc::new(Source::Whole(zone).asks(&state.collections))).collect();
    let all_asks = || asks.iter().chain(&private_asks);
    let known_maps = before.map(|before| before.maps.clone()).unwrap_or_default();
    let maps = known_maps.next(all_asks().flat_map(|asks| asks.rules.iter().cloned()).collect(), places, jobs);
    let map_index = |sets: &[&RecordSet]| maps.index(&maps::rules_of(sets, &state.collections)?);
    let targets: BTreeSet<ExternalTarget> = all_asks().flat_map(|asks| asks.externals.iter().cloned()).collect();
    let same_externals = before.filter(|before| before.externals.targets().iter().eq(&targets));
    let unresolved = || Arc::new(Externals::unresolved(targets.into_iter().collect()));
    let externals = same_externals.map_or_else(unresolved, |before| before.externals.clone());
    let ids: Vec<&HealthCheckId> = state.checks.keys().collect();
    let health_index = |id: &HealthCheckId| ids.binary_search(&id).ok().map(|at| HealthIndex(at as u32));
    let external = |name: &Name, rtype| externals.index(name, rtype);
    let gates = gates(&asks, before);
    let gate_index = |owner: &Name, identifier: &SetIdentifier, rtype: RecordType| {
        let owner = owner.to_lowercase().to_string();
        let place = |id| gates.binary_search_by(|gate| gate.id.cmp(&id)).ok();
        let own = place(Gate::id_of_type(&owner, identifier.as_str(), &rtype.to_string()));
        let at = own.or_else(|| place(Gate::id_of(&owner, identifier.as_str())))?;
        Some(HealthIndex((ids.len() + at) as u32))
    };
    let tables = Tables { health: &health_index, gate: &gate_index, map: &map_index, external: &external };
    let without_gates = Tables { gate: &|_, _, _| None, ..tables };
    // Indices are places among all checks: they are the same only if the ids are. A zone's map indices follow its
    // collections, which it only names.
    let same_checks = before.is_some_and(|before| {
        let ids = |gates: &Arc<[Gate]>| gates.iter().map(|gate| gate.id.clone()).collect::<Vec<_>>();
        let same_gates = Arc::ptr_eq(&before.gates, &gates) || ids(&before.gates) == ids(&gates);
        same_gates && before.state.checks.keys().eq(state.checks.keys())
    });
    let same_tables = same_checks && known.same_collections && same_externals.is_some();
    let (zones, mut errors) = known.zones(&state, same_tables, [&tables, &without_gates], jobs);
    let mut private: Vec<(Arc<HostedZone>, Arc<Zone>)> = Vec::new();
    for hosted in state.views.iter().flat_map(|view| &view.zones) {
        if compiled_private(&private, hosted).is_some() {
            continue;
        }
        match before.and_then(|before| compiled_private(&before.private, hosted)).filter(|zone| same_tables || !zone.is_bound()) {
            Some(zone) => private.push((hosted.clone(), zone)),
            None => match compile(hosted, &without_gates) {
                Ok(zone) => private.push((hosted.clone(), Arc::new(zone))),
                Err(error) => errors.push(error),
            },
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let views = views(&state, &zones, &private);
    Ok(Built {
        catalog: Arc::new(Catalog::new(zones).with_views(views).with_logged(&state.logged)),
        maps: Arc::new(maps),
        externals,
        gates,
        asks,
        private,
        state,
    })
}

/// The gates of all zones, shared with those before if they are the same.
fn gates(asks: &[Arc<Asks>], before: Option<&Built>) -> Arc<[Gate]> {
    let mut gates: Vec<Gate> = asks.iter().flat_map(|asks| asks.gates.iter().cloned()).collect();
    gates.sort_by(|one, other| one.id.cmp(&other.id));
    match before.filter(|before| *before.gates == *gates) {
        Some(before) => before.gates.clone(),
        None => gates.into(),
    }
}

impl Built {
    /// The same of a state that says the same, and may have let go of record sets.
    pub fn holding(self, state: &State) -> Self {
        Self { state: state.clone(), ..self }
    }

    /// What a board watches.
    pub fn plan(&self) -> Plan {
        Plan { checks: self.state.checks.clone(), gates: self.gates.clone(), brakes: self.state.brakes.clone() }
    }

    /// Whether a board watches the same for both.
    pub fn watches_as(&self, other: &Self) -> bool {
        self.state.checks == other.state.checks && self.gates == other.gates && self.state.brakes == other.state.brakes
    }

    /// The health table of these verdicts on the state's checks, in their order.
    pub fn supposing(&self, verdicts: Vec<Verdict>) -> HealthTable {
        table_through(&self.gates, verdicts)
    }
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

fn sources(state: &State) -> impl Iterator<Item = Source<'_>> {
    state.zones.iter().map(Source::Whole).chain(state.parted.iter().map(Source::Parted))
}

/// What was built before, by the names of its zones.
struct Known<'b> {
    before: Option<&'b Built>,
    places: HashMap<&'b Name, usize>,
    same_collections: bool,
}

impl<'b> Known<'b> {
    fn of(before: Option<&'b Built>, state: &State) -> Self {
        let names = before.into_iter().flat_map(|before| sources(&before.state)).map(|zone| zone.name());
        let places = names.enumerate().map(|(at, name)| (name, at)).collect();
        let same_collections = before.is_some_and(|before| before.state.collections == state.collections);
        Self { before, places, same_collections }
    }

    /// The zone of this name as it was, and its place.
    fn zone(&self, name: &Name) -> Option<(Source<'b>, &'b Built, usize)> {
        let (before, at) = (self.before?, *self.places.get(name)?);
        let whole = before.state.zones.len();
        let source = match at.checked_sub(whole) {
            None => Source::Whole(&before.state.zones[at]),
            Some(at) => Source::Parted(&before.state.parted[at]),
        };
        Some((source, before, at))
    }

    fn asks(&self, zone: Source<'_>, collections: &Collections) -> Arc<Asks> {
        match self.zone(zone.name()) {
            Some((known, before, at)) if self.same_collections && zone.is(known) => before.asks[at].clone(),
            _ => Arc::new(zone.asks(collections)),
        }
    }

    /// The zones of `state` in their order, and why those that are missing could not be compiled. What need not be compiled
    /// anew is as it was, and takes no job.
    fn zones(
        &self,
        state: &State,
        same_tables: bool,
        [tables, without_gates]: [&Tables<'_>; 2],
        jobs: &impl DoJobs,
    ) -> (Vec<Arc<Zone>>, Vec<CompileError>) {
        let mut zones: Vec<_> = sources(state).map(|zone| self.kept(zone, same_tables).map(Ok)).collect();
        let is_new = |(at, _): &(usize, Source<'_>)| zones[*at].is_none();
        let (of_many_jobs, of_one): (Vec<_>, Vec<_>) =
            sources(state).enumerate().filter(is_new).partition(|(_, zone)| zone.is_in_several_parts());
        let tables_of = |zone: Source<'_>| if matches!(zone, Source::Whole(_)) { tables } else { without_gates };
        let of_one = jobs.map(of_one, |(at, zone)| (at, self.compile(zone, tables_of(zone), same_tables, &InTurn)));
        of_one.into_iter().for_each(|(at, zone)| zones[at] = Some(zone));
        for (at, zone) in of_many_jobs {
            zones[at] = Some(self.compile(zone, tables_of(zone), same_tables, jobs));
        }
        let mut errors = Vec::new();
        (zones.into_iter().flatten().filter_map(|zone| zone.map_err(|error| errors.push(error)).ok()).collect(), errors)
    }

    /// The zone as it was compiled, if it would come out the same again.
    fn kept(&self, zone: Source<'_>, same_tables: bool) -> Option<Arc<Zone>> {
        let (known, before, at) = self.zone(zone.name())?;
        let compiled = &before.catalog.zones()[at];
        (zone.is(known) && (same_tables || !compiled.is_bound())).then(|| compiled.clone())
    }

    fn compile(
        &self,
        zone: Source<'_>,
        tables: &Tables<'_>,
        same_tables: bool,
        jobs: &impl DoJobs,
    ) -> Result<Arc<Zone>, CompileError> {
        let parted = match zone {
            Source::Whole(hosted) => return compile(hosted, tables).map(Arc::new),
            Source::Parted(parted) => parted,
        };
        let before = match self.zone(parted.name()) {
            Some((Source::Parted(known), before, at)) => Some((&**known, &*before.catalog.zones()[at])),
            _ => None,
        };
        parted.compile(tables, before, same_tables, jobs).map(Arc::new)
    }
}

impl<'s> Source<'s> {
    fn name(self) -> &'s Name {
        match self {
            Self::Whole(hosted) => &hosted.name,
            Self::Parted(parted) => parted.name(),
        }
    }

    fn is_in_several_parts(self) -> bool {
        matches!(self, Self::Parted(parted) if parted.parts() > 1)
    }

    /// Whether this is that zone, unchanged.
    fn is(self, other: Source<'_>) -> bool {
        match (self, other) {
            (Self::Whole(one), Source::Whole(other)) => Arc::ptr_eq(one, other) || one == other,
            (Self::Parted(one), Source::Parted(other)) => Arc::ptr_eq(one, other) || one == other,
            _ => false,
        }
    }

    fn asks(self, collections: &Collections) -> Asks {
        match self {
            Self::Whole(hosted) => {
                // Of plain values, which most are, nothing asks for anything.
                let sets: Vec<&RecordSet> = hosted.record_sets.iter().filter(|set| set.plain().is_none()).collect();
                let asking = sets.iter().copied().filter(|set| set.policy.of_group().asks_for_client());
                let targets = sets.iter().filter_map(|set| Some((hosted.external(set)?, set.rtype)));
                let externals = targets.map(|(alias, rtype)| ExternalTarget { name: alias.target.clone(), rtype }).collect();
                Asks { rules: maps::rules_of_all(asking, collections), externals, gates: gates_of(hosted, &sets) }
            }
            Self::Parted(parted) => {
                let externals = parted.externals().collect();
                Asks { rules: maps::rules_of_all(parted.asking(), collections), externals, gates: Vec::new() }
            }
        }
    }
}
