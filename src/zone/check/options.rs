//! Rules of what a group does beyond its policy, fences among it.
//!
//! Findings are at the group's first member: options have no place of their own. waypost's own; Route 53 has none.

use std::collections::HashSet;

use super::{Findings, GroupKey, Index, label};
use crate::geography::area::Area;
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::group_options::{GroupOptions, MinHealthy};
use crate::zone::record_set::{Content, RecordSet, RoutingPolicy};

/// The groups with options, each with at least one member.
fn groups_with_options<'i>(
    index: &'i Index<'_>,
) -> impl Iterator<Item = (&'i Name, RecordType, &'i [&'i RecordSet], &'i GroupOptions)> {
    index.zone.groups.iter().filter_map(|((name, rtype), options)| {
        let group = index.group(name, *rtype)?;
        Some((name, *rtype, group, options))
    })
}

/// An option means something to its own policies only.
pub(super) fn check_option_policies(index: &Index, found: &mut Findings) {
    for (name, rtype, group, options) in groups_with_options(index) {
        let policy = &group[0].policy;
        let is_near = matches!(policy, RoutingPolicy::Latency(_) | RoutingPolicy::Geoproximity(..));
        for (option, is_set, is_meant, policies) in [
            ("trickle", options.trickle.parts() > 0, matches!(policy, RoutingPolicy::Failover(_)), "failover"),
            ("slow_start", !options.modes.slow_start.is_zero(), matches!(policy, RoutingPolicy::Weighted(_)), "weighted"),
            ("sticky", options.sticky, matches!(policy, RoutingPolicy::Weighted(_)), "weighted"),
            ("nearest", options.nearest > 0, is_near, "latency or geoproximity"),
        ] {
            if is_set && !is_meant {
                let message = format!("{name} {rtype}: {option} means something only with the policy {policies}");
                found.error_with_help(group[0], message, format!("this group's is {}", policy.word()));
            }
        }
    }
}

/// A group can have as many healthy members as it has members.
pub(super) fn check_min_healthy(index: &Index, found: &mut Findings) {
    for (name, rtype, group, options) in groups_with_options(index) {
        let MinHealthy::Count(least) = options.min_healthy else { continue };
        if usize::from(least) > group.len() {
            let message = format!("{name} {rtype}: min_healthy {least} of {} members is never reached", group.len());
            found.error_with_help(group[0], message, "a share, such as \"50%\", fits every number of members");
        }
    }
}

/// Several of the nearest are answered in one RRset, so each has values.
pub(super) fn check_nearest(index: &Index, found: &mut Findings) {
    for (.., group, options) in groups_with_options(index).filter(|(.., options)| options.nearest > 1) {
        for set in group.iter().filter(|set| matches!(set.content, Content::Alias(_))) {
            let message = format!("{} is an alias, but the {} nearest are answered together", label(set), options.nearest);
            found.error_with_help(set, message, "members with values, which are endpoints; or nearest = 1");
        }
    }
}

/// Where a place is, as a fence sees it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    Inside,
    Outside,
    /// Part of it is inside.
    Unknown,
}

fn stands(place: Area, fence: &[Area]) -> Stands {
    if fence.iter().any(|area| area.holds(place)) {
        Stands::Inside
    } else if fence.iter().any(|area| place.holds(*area)) {
        Stands::Unknown
    } else {
        Stands::Outside
    }
}

fn is_outside(set: &RecordSet, options: &GroupOptions) -> bool {
    set.place.is_some_and(|place| stands(place, &options.fence) == Stands::Outside)
}

/// What stands outside a fence never answers inside it; a fence that leaves nothing is a mistake.
pub(super) fn check_fences(index: &Index, found: &mut Findings) {
    for (name, rtype, group, options) in groups_with_options(index).filter(|(.., options)| !options.fence.is_empty()) {
        let below = values_below(index, (name, rtype));
        let outside = below.iter().filter(|set| is_outside(set, options)).copied().collect::<Vec<_>>();
        if !below.is_empty() && outside.len() == below.len() {
            let fence = list(&options.fence);
            found.error(group[0], format!("{name} {rtype} never answers: nothing below it stands inside its fence, {fence}"));
            continue;
        }
        for (set, place) in outside.into_iter().filter_map(|set| Some((set, set.place?))) {
            let here = if set.name == *name { "here".to_owned() } else { format!("below {name}") };
            let fence = list(&options.fence);
            let message = format!("{} never answers {here}: it stands in {place}, outside the fence of {name}", label(set));
            found.warning_with_help(set, message, format!("inside are {fence}"));
        }
    }
}

/// Whether a member stands inside a fence can be told.
pub(super) fn check_places_known(index: &Index, found: &mut Findings) {
    for (name, rtype, _, options) in groups_with_options(index).filter(|(.., options)| !options.fence.is_empty()) {
        for set in values_below(index, (name, rtype)) {
            let (known, help) = match set.place {
                None => ("where it stands is not known".to_owned(), "country or region in its endpoint, or place in its record"),
                Some(place) if stands(place, &options.fence) == Stands::Unknown => {
                    (format!("it is known to stand in {place} only"), "a subdivision tells")
                }
                Some(_) => continue,
            };
            let fence = list(&options.fence);
            found.error_with_help(set, format!("{} is inside the fence of {name}, {fence}, but {known}", label(set)), help);
        }
    }
}

/// The record sets with values, or names outside the zone, that decisions from a group may come to.
fn values_below<'i>(index: &'i Index<'_>, from: GroupKey<'i>) -> Vec<&'i RecordSet> {
    let mut seen = HashSet::from([from]);
    let mut left = vec![from];
    let mut values = Vec::new();
    while let Some((name, rtype)) = left.pop() {
        for &set in index.group(name, rtype).into_iter().flatten() {
            match &set.content {
                Content::Values { .. } => values.push(set),
                Content::Alias(_) if index.zone.external(set).is_some() => values.push(set),
                Content::Alias(alias) if seen.insert((&alias.target, rtype)) => left.push((&alias.target, rtype)),
                Content::Alias(_) => {}
            }
        }
    }
    values
}

fn list(areas: &[Area]) -> String {
    areas.iter().map(Area::to_string).collect::<Vec<_>>().join(", ")
}
