//! Rules of who can reach what: clients that get no answer, and members that no client comes to.
//!
//! Knows areas and places, and no client of its own: where addresses are is `places`' question. A name may be asked for
//! directly, too; a group that aliases lead to is judged by the clients that come by way of those.
//! Source: Route 53 developer guide, "Geolocation routing", "Geoproximity routing", "IP-based routing".

use std::collections::{BTreeSet, HashMap};

use super::{Findings, GroupKey, Index, label};
use crate::geography::area::{Area, Continent, Country};
use crate::geography::countries::{continent_of, countries};
use crate::zone::branch::is_branch_name;
use crate::zone::record_set::{RecordSet, RoutingPolicy};

/// The part of both areas, if there is one; of two areas that overlap one is inside the other.
fn common(one: Area, other: Area) -> Option<Area> {
    match (other.holds(one), one.holds(other)) {
        (true, _) => Some(one),
        (_, true) => Some(other),
        _ => None,
    }
}

/// Countries that Route 53 takes no geolocation record for.
pub const NOT_OF_ROUTE53: [&str; 4] = ["BV", "CX", "EH", "HM"];

/// Route 53 has most countries, not all (developer guide, "Values specific for geolocation records").
pub(super) fn check_countries(index: &Index, found: &mut Findings) {
    for set in index.noted() {
        let RoutingPolicy::Geolocation(Area::Country(country) | Area::Subdivision(country, _)) = &set.policy else { continue };
        if NOT_OF_ROUTE53.contains(&country.as_str()) {
            found.warning(set, format!("{} is for {country}, which Route 53 does not support", label(set)));
        }
    }
}

/// The areas of a geolocation group's members; none of another policy.
fn areas_of(group: &[&RecordSet]) -> Option<Vec<Area>> {
    let area = |set: &&RecordSet| match &set.policy {
        RoutingPolicy::Geolocation(area) => Some(*area),
        _ => None,
    };
    group.iter().map(area).collect()
}

/// A continent's member answers nobody while each of its countries has a healthy member of its own.
pub(super) fn check_continents(index: &Index, found: &mut Findings) {
    for group in index.deciding() {
        let Some(areas) = areas_of(group) else { continue };
        let areas: BTreeSet<Area> = areas.into_iter().collect();
        for set in group {
            let RoutingPolicy::Geolocation(Area::Continent(continent)) = set.policy else { continue };
            if countries_of(continent).all(|country| areas.contains(&Area::Country(country))) {
                let nobody = "answers only clients whose own member is unhealthy or whose country is not known";
                found.warning(set, format!("{} {nobody}: every country of {continent} has a member", label(set)));
            }
        }
    }
}

/// The countries of a continent, as far as Route 53 has them.
fn countries_of(continent: Continent) -> impl Iterator<Item = Country> {
    countries().filter(move |country| continent_of(*country) == Some(continent))
}

/// Of members at one place the one with the greatest bias answers; the others, while it is unhealthy.
///
/// Two regions at one place may differ in what is measured, so of latency members only those without a region count.
pub(super) fn check_same_place(index: &Index, found: &mut Findings) {
    for group in index.deciding() {
        let first = group[0];
        if matches!(first.policy, RoutingPolicy::Simple) || index.options((&first.name, first.rtype)).nearest > 1 {
            continue;
        }
        let placed = group.iter().filter_map(|set| match &set.policy {
            RoutingPolicy::Geoproximity(place, bias) => Some((*place, bias.percent(), *set)),
            RoutingPolicy::Latency(site) if site.region.is_none() => Some((site.coordinates?, 0, *set)),
            _ => None,
        });
        let mut best: HashMap<_, (i8, &RecordSet)> = HashMap::new();
        for (place, bias, set) in placed {
            let Some((first_bias, first)) = best.insert(place, (bias, set)) else { continue };
            let (over, under) = if bias > first_bias { (set, first) } else { (first, set) };
            best.insert(place, (bias.max(first_bias), over));
            let message = format!("{} answers only while {} is unhealthy: both stand at {place}", label(under), label(over));
            found.warning(under, message);
        }
    }
}

/// Where the clients are that come to a group by way of aliases, and the first of those.
struct Coming<'z> {
    from: BTreeSet<Area>,
    by: &'z RecordSet,
}

/// The groups that aliases lead to. Branch names count for nobody: no client asks for them.
fn coming<'z>(index: &Index<'z>) -> HashMap<GroupKey<'z>, Coming<'z>> {
    let mut coming: HashMap<GroupKey, Coming> = HashMap::new();
    if !index.walk.loops.is_empty() {
        return coming;
    }
    for &(name, rtype) in index.walk.order.iter().rev().filter(|(name, _)| !is_branch_name(name)) {
        let from = coming.get(&(name, rtype)).map_or_else(|| BTreeSet::from([Area::Anywhere]), |coming| coming.from.clone());
        for &set in index.group(name, rtype).into_iter().flatten() {
            let Some(target) = index.target(set).map(|group| group[0]) else { continue };
            let handed_on = from.iter().filter_map(|area| match &set.policy {
                RoutingPolicy::Geolocation(own) => common(*area, *own),
                _ => Some(*area),
            });
            let entry = coming.entry((&target.name, rtype)).or_insert(Coming { from: BTreeSet::new(), by: set });
            entry.from.extend(handed_on);
        }
    }
    coming
}

/// A member of a branch is for clients that the decision above hands to the branch.
pub(super) fn check_handed_on(index: &Index, found: &mut Findings) {
    for ((name, rtype), Coming { from, by }) in coming(index).iter().filter(|(_, coming)| !coming.from.is_empty()) {
        for set in index.group(name, *rtype).into_iter().flatten() {
            let RoutingPolicy::Geolocation(area) = set.policy else { continue };
            if !from.iter().any(|come| common(*come, area).is_some()) {
                let come = list(from.iter());
                let message = format!("{} is for {area}, but only clients in {come} come here, by {}", label(set), label(by));
                found.warning_with_help(set, message, "no client gets this answer but by asking for the name itself");
            }
        }
    }
}

/// Without a default a decision has no answer for some clients.
pub(super) fn check_defaults(index: &Index, found: &mut Findings) {
    let coming = coming(index);
    for group in index.deciding() {
        let (first, name, rtype) = (group[0], &group[0].name, group[0].rtype);
        let Some(outside) = uncovered(group, coming.get(&(name, rtype))).or_else(|| blocks_only(group)) else { continue };
        found.warning(first, format!("{name} {rtype} has no default: clients {outside} get no data"));
    }
}

/// The clients of a geolocation group that no member is for.
fn uncovered(group: &[&RecordSet], coming: Option<&Coming>) -> Option<String> {
    let areas = areas_of(group)?;
    let is_covered = |come: &Area| areas.iter().any(|area| area.holds(*come));
    if coming.map_or(areas.contains(&Area::Anywhere), |coming| coming.from.iter().all(is_covered)) {
        return None;
    }
    if Continent::ALL.iter().all(|continent| areas.contains(&Area::Continent(*continent))) {
        return Some("of unknown place".to_owned());
    }
    Some(format!("outside {}, and those of unknown place,", list(areas.iter())))
}

/// The clients of an ip_based group without default.
fn blocks_only(group: &[&RecordSet]) -> Option<String> {
    let location = |set: &&RecordSet| match &set.policy {
        RoutingPolicy::IpBased(cidr) => Some(cidr.location.as_ref()?.as_str().to_owned()),
        _ => None,
    };
    let locations: Vec<String> = group.iter().map(location).collect::<Option<_>>()?;
    Some(format!("outside the blocks of {}", list(locations.iter())))
}

/// The first few, and how many more there are.
fn list<T: ToString>(items: impl ExactSizeIterator<Item = T>) -> String {
    let more = items.len().saturating_sub(LISTED);
    let listed = items.take(LISTED).map(|item| item.to_string()).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{listed} and {more} more") } else { listed }
}

const LISTED: usize = 8;
