//! Rules of aliases: where they lead, in how many steps, past how many members, and what can never be reached.
//!
//! Invariant: every walk here ends, whatever loops there are. Source: Route 53 API reference, `AliasTarget`.

use std::collections::{HashMap, HashSet};

use super::{Findings, Index, label};
use crate::problem::nearest;
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::record_set::{Alias, Content, RecordSet, RoutingPolicy};

/// SOA and NS are neither aliases nor their targets (Route 53 API, `AliasTarget`).
pub(super) fn check_alias_types(index: &Index, found: &mut Findings) {
    for (set, _) in aliases(index) {
        if [RecordType::SOA, RecordType::NS].contains(&set.rtype) {
            found.error(set, format!("{} can't be an alias; SOA and NS have values", label(set)));
        }
    }
}

/// An alias answers as a record set of its zone and its own type does (Route 53 API, `AliasTarget`).
pub(super) fn check_alias_targets(index: &Index, found: &mut Findings) {
    for (set, alias) in aliases(index) {
        let target = &alias.target;
        if !target.is_at_or_below(&index.zone.name) {
            let message = format!("{} is an alias to {target}, which is outside the zone {}", label(set), index.zone.name);
            found.error_with_help(set, message, "a name in the zone; for a name elsewhere, a CNAME");
            continue;
        }
        let Some(node) = index.nodes.get(target) else {
            let message = format!("{} is an alias to {target}, which the zone does not have", label(set));
            found.error_with_help(set, message, nearby_name(index, target));
            continue;
        };
        if !node.contains_key(&set.rtype) {
            let types: Vec<String> = node.keys().map(ToString::to_string).collect();
            let message = format!("{} is an alias to {target}, which has no {} but {}", label(set), set.rtype, types.join(", "));
            found.error(set, message);
        }
    }
}

/// What might have been meant by `target`; in a large zone comparing it with every name would take too long.
fn nearby_name(index: &Index, target: &Name) -> String {
    let searched = if index.nodes.len() <= NAMES_COMPARED { index.nodes.len() } else { 0 };
    let mut known: Vec<String> = index.nodes.keys().take(searched).map(|name| name.to_string()).collect();
    known.sort();
    match nearest(&target.to_string(), known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None => "a name in the zone".to_owned(),
    }
}

const NAMES_COMPARED: usize = 1_000;

fn aliases<'z>(index: &Index<'z>) -> impl Iterator<Item = (&'z RecordSet, &'z Alias)> {
    index.sets().filter_map(|set| match &set.content {
        Content::Alias(alias) => Some((set, &**alias)),
        Content::Values { .. } => None,
    })
}

/// Aliases lead to values, never back to themselves (Route 53 API, `AliasTarget`), and in few steps: each query follows
/// them. Both are reported once, a loop at the member that closes it.
pub(super) fn check_alias_loops(index: &Index, found: &mut Findings) {
    // How many aliases lead on from a group whose aliases have all been followed.
    let mut depths: HashMap<(&Name, RecordType), usize> = HashMap::new();
    for (start, _) in aliases(index) {
        // Depth first without recursion: a chain may be as long as the zone.
        let mut path: Vec<(&RecordSet, usize)> = vec![(start, 0)];
        let mut on_path = HashSet::from([(&start.name, start.rtype)]);
        while let Some((set, next)) = path.last_mut() {
            let (name, rtype) = (&set.name, set.rtype);
            let group = index.group(name, rtype).map_or(&[][..], Vec::as_slice);
            let step = group.get(*next).copied();
            *next += 1;
            let Some(member) = step.filter(|_| !depths.contains_key(&(name, rtype))) else {
                path.pop();
                on_path.remove(&(name, rtype));
                let depth = depth_of(group, &depths);
                if depths.insert((name, rtype), depth).is_none() && depth == ALIASES_MAX + 1 {
                    let message = format!("{name} {rtype} leads through {depth} aliases to values; at most {ALIASES_MAX} may");
                    found.error(group[0], message);
                }
                continue;
            };
            let Content::Alias(alias) = &member.content else { continue };
            let Some(target) = index.group(&alias.target, rtype).map(|group| group[0]) else { continue };
            if !on_path.insert((&target.name, rtype)) {
                let way = path.iter().map(|(set, _)| set.name.to_string()).skip_while(|name| *name != target.name.to_string());
                let way: Vec<String> = way.chain([target.name.to_string()]).collect();
                found.error(member, format!("{} closes a loop of aliases: {}", label(member), way.join(" -> ")));
            } else {
                path.push((target, 0));
            }
        }
    }
}

/// One more than the deepest target of a group's aliases; 0 without aliases.
fn depth_of(group: &[&RecordSet], depths: &HashMap<(&Name, RecordType), usize>) -> usize {
    let targets = group.iter().filter_map(|set| match &set.content {
        Content::Alias(alias) => Some(1 + depths.get(&(&alias.target, set.rtype)).copied().unwrap_or(0)),
        Content::Values { .. } => None,
    });
    targets.max().unwrap_or(0)
}

/// Aliases that one query may follow.
const ALIASES_MAX: usize = 32;

/// A failover member without a health check is always healthy, so the tiers after it never answer.
pub(super) fn check_unreachable_tiers(index: &Index, found: &mut Findings) {
    for group in index.groups() {
        let mut tiers: Vec<(u16, &RecordSet)> = Vec::new();
        for &set in group {
            if let RoutingPolicy::Failover(tier) = set.policy {
                tiers.push((tier, set));
            }
        }
        tiers.sort_by_key(|(tier, _)| *tier);
        if let Some(always) = tiers.iter().position(|(_, set)| is_always_healthy(set)) {
            for (_, set) in &tiers[always + 1..] {
                let before = label(tiers[always].1);
                found.warning(set, format!("{} never answers: {before} comes before it and has no health check", label(set)));
            }
        }
    }
}

fn is_always_healthy(set: &RecordSet) -> bool {
    let evaluates = matches!(&set.content, Content::Alias(alias) if alias.evaluate_target_health);
    set.health_check.is_none() && !evaluates
}
