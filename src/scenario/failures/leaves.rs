//! What a routed name may answer with, and what that depends on: its record sets as configured, followed down its aliases.
//!
//! Reads the record sets that the operator wrote and not what was compiled of them, so that a mistake of the compiler would
//! be found. Invariant: `probed` holds each check that is probed and can change an answer of the name, once.

use std::collections::{BTreeMap, BTreeSet};

use super::super::supposed::Checks;
use crate::geography::area::Area;
use crate::geography::countries::continent_of;
use crate::health::check::CheckKind;
use crate::ids::HealthCheckId;
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::hosted_zone::HostedZone;
use crate::zone::rdata;
use crate::zone::record_set::{Content, RecordSet};

/// A zone's record sets by name and type.
pub(super) struct RecordSets<'z> {
    hosted: &'z HostedZone,
    groups: BTreeMap<(&'z Name, RecordType), Vec<&'z RecordSet>>,
}

/// All that one name leads to.
#[derive(Debug, Default)]
pub(super) struct Leaves {
    pub leaves: Vec<Leaf>,
    pub probed: BTreeSet<HealthCheckId>,
}

/// One record set with values or a name outside the zone, and the way to it.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// In presentation form, sorted.
    pub values: Vec<String>,
    /// Those of the record sets on the way.
    pub checks: Vec<HealthCheckId>,
    /// It is not known to stand outside of a fence on the way.
    pub inside: bool,
}

/// What was passed on the way to a leaf.
#[derive(Clone, Default)]
struct Way<'z> {
    checks: Vec<HealthCheckId>,
    fences: Vec<&'z [Area]>,
}

impl<'z> RecordSets<'z> {
    pub fn of(hosted: &'z HostedZone) -> Self {
        let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for set in &hosted.record_sets {
            groups.entry((&set.name, set.rtype)).or_default().push(set);
        }
        Self { hosted, groups }
    }

    /// Each name and type.
    pub fn names(&self) -> impl Iterator<Item = (&'z Name, RecordType)> {
        self.groups.keys().copied()
    }

    /// All that `name` leads to.
    pub fn leaves(&self, name: &Name, rtype: RecordType, checks: &Checks) -> Leaves {
        let mut leaves = Leaves::default();
        self.follow(name, rtype, &Way::default(), &mut leaves);
        let named: Vec<HealthCheckId> = leaves.leaves.iter().flat_map(|leaf| leaf.checks.iter().cloned()).collect();
        named.iter().for_each(|id| add_probed(checks, id, &mut leaves.probed));
        leaves
    }

    /// Aliases form no loop (`zone::check`), so this ends.
    fn follow(&self, name: &Name, rtype: RecordType, way: &Way<'z>, leaves: &mut Leaves) {
        let fence =
            self.hosted.groups.get(&(name.clone(), rtype)).map(|options| &options.fence[..]).filter(|fence| !fence.is_empty());
        for set in self.groups.get(&(name, rtype)).into_iter().flatten() {
            let mut way = way.clone();
            way.fences.extend(fence);
            way.checks.extend(set.health_check.clone());
            match &set.content {
                Content::Alias(alias) if self.hosted.external(set).is_some() => {
                    leaves.leaves.push(leaf(external_values(&alias.target), set, way));
                }
                Content::Alias(alias) => self.follow(&alias.target, rtype, &way, leaves),
                Content::Values { rdata, .. } => {
                    let mut values: Vec<String> = rdata.iter().map(|octets| rdata::show(rtype, octets).to_string()).collect();
                    values.sort();
                    leaves.leaves.push(leaf(values, set, way));
                }
            }
        }
    }
}

fn leaf(values: Vec<String>, set: &RecordSet, way: Way<'_>) -> Leaf {
    let inside = way.fences.iter().all(|fence| !is_outside(set.place, fence));
    Leaf { values, checks: way.checks, inside }
}

/// What stands for the addresses of a name outside the zone, which are not known here.
pub(super) fn external_values(name: &Name) -> Vec<String> {
    vec![format!("the addresses of {}", name.to_lowercase())]
}

/// Adds the probed checks that the status of `id` comes from.
fn add_probed(checks: &Checks, id: &HealthCheckId, probed: &mut BTreeSet<HealthCheckId>) {
    let Some(check) = checks.get(id) else { return };
    match &check.kind {
        _ if check.disabled => {}
        CheckKind::Endpoint(_) | CheckKind::Signal(_) => drop(probed.insert(id.clone())),
        CheckKind::Calculated { children, .. } => children.iter().for_each(|child| add_probed(checks, child, probed)),
    }
}

/// Whether `place` is known and in none of the areas.
fn is_outside(place: Option<Area>, fence: &[Area]) -> bool {
    place.is_some_and(|place| !fence.iter().any(|area| holds(*area, place)))
}

/// Whether all of `place` lies in `area`.
fn holds(area: Area, place: Area) -> bool {
    match (area, place) {
        (Area::Anywhere, _) => true,
        (Area::Continent(continent), Area::Country(country) | Area::Subdivision(country, _)) => {
            continent_of(country) == Some(continent)
        }
        (Area::Country(area), Area::Subdivision(country, _)) => area == country,
        _ => area == place,
    }
}
