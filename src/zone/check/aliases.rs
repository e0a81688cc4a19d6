//! Rules of aliases: where they lead, in how many steps, past how many members, and what can never be reached.
//!
//! Invariant: every walk here ends, whatever loops there are. Source: Route 53 API reference, `AliasTarget`.

use std::collections::{HashMap, HashSet};

use super::{Findings, GroupKey, Index, label};
use crate::geography::area::Area;
use crate::problem::nearest;
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::external::ExternalTarget;
use crate::zone::group_options::MinHealthy;
use crate::zone::record_set::{Alias, Content, RecordSet, RoutingPolicy};

/// SOA and NS are neither aliases nor their targets (Route 53 API, `AliasTarget`).
pub(super) fn check_alias_types(index: &Index, found: &mut Findings) {
    for (set, _) in aliases(index) {
        if [RecordType::SOA, RecordType::NS].contains(&set.rtype) {
            found.error(set, format!("{} can't be an alias; SOA and NS have values", label(set)));
        }
    }
}

/// An alias answers as a record set of its zone and its own type does (Route 53 API, `AliasTarget`), or with the addresses
/// of a name elsewhere.
pub(super) fn check_alias_targets(index: &Index, found: &mut Findings) {
    for (set, alias) in aliases(index) {
        let target = &alias.target;
        if index.zone.external(set).is_some() {
            check_external_type(set, target, index, found);
            continue;
        }
        let Some(groups) = index.groups_at(target) else {
            let message = format!("{} is an alias to {target}, which the zone does not have", label(set));
            found.error_with_help(set, message, nearby_name(index, target));
            continue;
        };
        let types: Vec<RecordType> = groups.map(|group| group[0].rtype).collect();
        if !types.contains(&set.rtype) {
            let types: Vec<String> = types.iter().map(ToString::to_string).collect();
            let message = format!("{} is an alias to {target}, which has no {} but {}", label(set), set.rtype, types.join(", "));
            found.error(set, message);
        }
    }
}

/// What is resolved of a name elsewhere are addresses.
fn check_external_type(set: &RecordSet, target: &Name, index: &Index, found: &mut Findings) {
    if !ExternalTarget::is_type(set.rtype) {
        let message = format!("{} is an alias to {target}, which is outside the zone {}", label(set), index.zone.name);
        found.error_with_help(set, message, "a name in the zone, or type A or AAAA, whose addresses are resolved; or a CNAME");
    }
}

/// What might have been meant by `target`; in a large zone comparing it with every name would take too long.
fn nearby_name(index: &Index, target: &Name) -> String {
    let searched = if index.names_len() <= NAMES_COMPARED { index.names_len() } else { 0 };
    let mut known: Vec<String> = index.names().take(searched).map(|name| name.to_string()).collect();
    known.sort();
    match nearest(&target.to_string(), known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None => "a name in the zone".to_owned(),
    }
}

const NAMES_COMPARED: usize = 1_000;

pub(super) fn aliases<'z>(index: &Index<'z>) -> impl Iterator<Item = (&'z RecordSet, &'z Alias)> {
    index.noted().filter_map(|set| match &set.content {
        Content::Alias(alias) => Some((set, &**alias)),
        Content::Values { .. } => None,
    })
}

/// The groups that aliases lead from and to.
#[derive(Default)]
pub(super) struct Walk<'z> {
    /// Each behind all that its aliases lead to, as far as there are no loops.
    pub order: Vec<GroupKey<'z>>,
    /// The aliases that close a loop, each with the way around it.
    pub loops: Vec<(&'z RecordSet, String)>,
}

/// Follows every alias of the zone.
pub(super) fn walk<'z>(index: &Index<'z>) -> Walk<'z> {
    let Walk { mut order, mut loops } = Walk::default();
    let mut seen: HashSet<GroupKey> = HashSet::new();
    for (start, _) in aliases(index) {
        // Depth first without recursion: a chain may be as long as the zone.
        let mut path: Vec<(&RecordSet, usize)> = vec![(start, 0)];
        let mut on_path = HashSet::from([(&start.name, start.rtype)]);
        while let Some((set, next)) = path.last_mut() {
            let (name, rtype) = (&set.name, set.rtype);
            let step = index.group(name, rtype).and_then(|group| group.get(*next).copied());
            *next += 1;
            let Some(member) = step.filter(|_| !seen.contains(&(name, rtype))) else {
                path.pop();
                on_path.remove(&(name, rtype));
                if seen.insert((name, rtype)) {
                    order.push((name, rtype));
                }
                continue;
            };
            let Some(target) = index.target(member).map(|group| group[0]) else { continue };
            if on_path.insert((&target.name, rtype)) {
                path.push((target, 0));
            } else {
                let way = path.iter().map(|(set, _)| set.name.to_string()).skip_while(|name| *name != target.name.to_string());
                let way: Vec<String> = way.chain([target.name.to_string()]).collect();
                loops.push((member, way.join(" -> ")));
            }
        }
    }
    Walk { order, loops }
}

/// Aliases lead to values, never back to themselves (Route 53 API, `AliasTarget`); a loop is reported once, at the
/// member that closes it.
pub(super) fn check_alias_loops(index: &Index, found: &mut Findings) {
    for (member, way) in &index.walk.loops {
        found.error(member, format!("{} closes a loop of aliases: {way}", label(member)));
    }
}

/// Each query follows aliases to values: in few steps.
pub(super) fn check_alias_depth(index: &Index, found: &mut Findings) {
    let mut depths: HashMap<GroupKey, usize> = HashMap::new();
    for &(name, rtype) in &index.walk.order {
        let group = index.group(name, rtype).unwrap_or_default();
        let targets = group.iter().filter_map(|set| match &set.content {
            Content::Alias(alias) => Some(1 + depths.get(&(&alias.target, set.rtype)).copied().unwrap_or(0)),
            Content::Values { .. } => None,
        });
        let depth = targets.max().unwrap_or(0);
        // Once a chain: what leads to it is deeper still.
        if depth == ALIASES_MAX + 1 {
            let message = format!("{name} {rtype} leads through {depth} aliases to values; at most {ALIASES_MAX} may");
            found.error(group[0], message);
        }
        depths.insert((name, rtype), depth);
    }
}

/// Aliases that one query may follow.
pub const ALIASES_MAX: usize = 32;

/// One query may look at every member of the tree below its name, as often as aliases lead there.
pub(super) fn check_tree_size(index: &Index, found: &mut Findings) {
    let mut sizes: HashMap<GroupKey, usize> = HashMap::new();
    for &(name, rtype) in &index.walk.order {
        let group = index.group(name, rtype).unwrap_or_default();
        let below = group.iter().filter_map(|set| index.target(set)).map(|target| {
            let first = target[0];
            sizes.get(&(&first.name, first.rtype)).copied().unwrap_or(target.len())
        });
        let below: Vec<usize> = below.collect();
        let size = below.iter().fold(group.len(), |sum, size| sum.saturating_add(*size));
        if size > MEMBERS_MAX && below.iter().all(|size| *size <= MEMBERS_MAX) {
            let message = format!("the tree below {name} {rtype} looks at {size} members; at most {MEMBERS_MAX} are accepted");
            found.error_with_help(group[0], message, "a member counts each time that an alias leads to it");
        }
        sizes.insert((name, rtype), size);
    }
}

/// Members that the decisions below one name may look at.
pub const MEMBERS_MAX: usize = 4_096;

/// A failover member that is always healthy leaves the tiers after it nothing to answer.
pub(super) fn check_unreachable_tiers(index: &Index, found: &mut Findings) {
    let always = always_healthy(index);
    for group in index.deciding() {
        let mut tiers: Vec<(u16, &RecordSet)> = Vec::new();
        for &set in group {
            if let RoutingPolicy::Failover(tier) = set.policy {
                tiers.push((tier, set));
            }
        }
        tiers.sort_by_key(|(tier, _)| *tier);
        let Some(first) = tiers.iter().position(|(_, set)| is_always_healthy(set, &always)) else { continue };
        let (_, before) = tiers[first];
        let because = match &before.content {
            Content::Alias(alias) if alias.evaluate_target_health => {
                format!("what it leads to, {}, is always healthy", alias.target)
            }
            Content::Alias(_) => "does not evaluate the health of what it leads to".to_owned(),
            Content::Values { .. } => "has no health check".to_owned(),
        };
        for (_, set) in &tiers[first + 1..] {
            found.warning(set, format!("{} never answers: {} comes before it and {because}", label(set), label(before)));
        }
    }
}

/// The groups that an alias evaluating them always finds healthy, whatever any health check says.
///
/// Where it depends on the client, on a fence or on a share, a group is left out, though it may be.
fn always_healthy<'z>(index: &Index<'z>) -> HashSet<GroupKey<'z>> {
    let mut always = HashSet::new();
    // Around a loop nothing is known, and it is reported.
    for &(name, rtype) in index.walk.order.iter().filter(|_| index.walk.loops.is_empty()) {
        if is_group_always_healthy(index, name, rtype, &always) {
            always.insert((name, rtype));
        }
    }
    always
}

fn is_group_always_healthy(index: &Index, name: &Name, rtype: RecordType, always: &HashSet<GroupKey>) -> bool {
    let options = index.options((name, rtype));
    let Some(group) = index.group(name, rtype).filter(|_| options.fence.is_empty()) else { return false };
    let is_for_all = |set: &&&RecordSet| match &set.policy {
        RoutingPolicy::Geolocation(area) => *area == Area::Anywhere,
        RoutingPolicy::IpBased(cidr) => cidr.location.is_none(),
        _ => true,
    };
    let healthy = group.iter().filter(is_for_all).filter(|set| is_always_healthy(set, always)).count();
    match options.min_healthy {
        MinHealthy::Count(least) => healthy >= least.into(),
        MinHealthy::Share(_) => healthy == group.len(),
    }
}

fn is_always_healthy(set: &RecordSet, always: &HashSet<GroupKey>) -> bool {
    set.health_check.is_none() && evaluated(set).is_none_or(|target| always.contains(&(target, set.rtype)))
}

/// The target whose health counts as the record set's own.
fn evaluated(set: &RecordSet) -> Option<&Name> {
    match &set.content {
        Content::Alias(alias) if alias.evaluate_target_health => Some(&alias.target),
        _ => None,
    }
}
