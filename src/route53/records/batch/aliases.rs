//! Rules of aliases: that their targets are there and stay there, that they form no loop, and how much they lead to.
//!
//! Looks at what the changes reach and nothing else: what leads from a changed group, and, where that grew, what leads to
//! it. Invariant: every walk ends, whatever loops there are. Source: Route 53 API 2013-04-01, `AliasTarget`.

use std::collections::{BTreeMap, BTreeSet};

use super::scratch::{Member, Scratch};
use super::{Context, Refused, words};
use crate::route53::name::{NameKey, parse_name, show_name};
use crate::route53::records::rrset::{Rrset, RrsetKey, TypeKey};
use crate::route53::records::rrsets::{GroupKey, target};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::check::{ALIASES_MAX, MEMBERS_MAX};
use crate::zone::record_set::{Alias, Content};

/// Judges the aliases that changes put, and those that answered as what changes took away.
pub(super) fn check(
    context: &Context,
    scratch: &Scratch,
    keys: &[RrsetKey],
    groups: &BTreeSet<GroupKey>,
    unread: &BTreeSet<(String, String)>,
    refused: &mut Refused,
) {
    for (key, rrset, by) in keys.iter().filter_map(|key| scratch.changed_by(key)) {
        match rrset {
            Some(rrset) => check_target(context, scratch, rrset, by, unread, refused),
            None => check_unused(context, scratch, key, by, refused),
        }
    }
    // Most groups hold values that nothing answers as: they are on no way.
    let on_a_way = |group: &&GroupKey| scratch.aliases_of(group).next().is_some() || !leads_to(scratch, group).is_empty();
    let groups: BTreeSet<GroupKey> = groups.iter().filter(on_a_way).cloned().collect();
    let (_, loops) = walk(scratch, &groups);
    loops.iter().for_each(|path| refuse_loop(scratch, path, refused));
    if loops.is_empty() {
        check_trees(context, scratch, &groups, refused);
    }
}

/// An alias leads to a record group of its own type in its zone, or to the addresses of a name outside of it.
fn check_target(
    context: &Context,
    scratch: &Scratch,
    rrset: &Rrset,
    by: usize,
    unread: &BTreeSet<(String, String)>,
    refused: &mut Refused,
) {
    let (Content::Alias(alias), Some(said)) = (&rrset.set.content, &rrset.said.alias_target) else { return };
    let rtype = rrset.set.rtype;
    if matches!(rtype, RecordType::SOA | RecordType::NS) {
        return refused.add(by, words::alias_of_type(rrset));
    }
    let group = (NameKey::new(&alias.target), TypeKey(rtype));
    let is_in_zone = alias.target.is_at_or_below(&context.apex);
    let (is_within, is_there) = if said.hosted_zone_id == context.zone.record.id {
        let is_unread = || unread.contains(&(show_name(&alias.target), rrset.said.kind.clone()));
        (is_in_zone, is_in_zone && (scratch.has_group(&group) || is_unread()))
    } else {
        if !is_in_zone && !matches!(rtype, RecordType::A | RecordType::AAAA) {
            refused.add(by, words::no_addresses(rrset));
        }
        is_elsewhere(context, &said.hosted_zone_id, alias, &group, !is_in_zone)
    };
    if !is_within {
        refused.add(by, words::target_outside(rrset));
    }
    if !is_there {
        refused.add(by, words::target_not_found(rrset));
    }
}

/// Whether a target lies within the zone that it is said to be in, and is there. Of zones that are not the account's,
/// such as those of AWS's services, nobody knows: their names are resolved. Nor does the caller know of those that they
/// may not see.
fn is_elsewhere(context: &Context, zone: &str, alias: &Alias, group: &GroupKey, is_outside: bool) -> (bool, bool) {
    let other = context.account.zones.get(zone).filter(|other| context.caller.sees_shown(&other.record.name));
    let Some(other) = other else { return (is_outside, true) };
    let apex = parse_name(&other.record.name).unwrap_or_else(|_| Name::root());
    let is_within = is_outside && alias.target.is_at_or_below(&apex);
    // Route 53 has no aliases from one of an account's zones to another.
    let is_there = !context.rules.strict && other.rrsets().group(group).next().is_some();
    (is_within, is_within && is_there)
}

/// What aliases answer as stays. Where all is judged at the end, `check_target` tells of those that the batch put.
fn check_unused(context: &Context, scratch: &Scratch, key: &RrsetKey, by: usize, refused: &mut Refused) {
    let group = (key.name.clone(), key.rtype);
    if scratch.has_group(&group) {
        return;
    }
    let stays = |alias: &&RrsetKey| context.rules.strict || scratch.changed_by(alias).is_none();
    let alias = scratch.aliases_of(&group).find(stays).and_then(|alias| scratch.get(alias));
    if let (Some(alias), Some(deleted)) = (alias, scratch.before(key)) {
        refused.add(by, words::still_targeted(deleted, alias));
    }
}

/// The groups that one group leads to: by aliases, and by CNAMEs.
fn leads_to(scratch: &Scratch, group: &GroupKey) -> Vec<GroupKey> {
    scratch.group(group).iter().flat_map(|member| targets(member)).collect()
}

fn targets(member: &Member) -> Vec<GroupKey> {
    let set = &member.rrset.set;
    match &set.content {
        Content::Alias(_) => target(set).into_iter().collect(),
        Content::Values { rdata, .. } if set.rtype == RecordType::CNAME => {
            let names = rdata.iter().filter_map(|rdata| Name::from_wire(rdata).ok());
            names.map(|name| (NameKey::new(&name), TypeKey(RecordType::CNAME))).collect()
        }
        Content::Values { .. } => Vec::new(),
    }
}

/// Follows aliases and CNAMEs from these groups: what was reached, each group behind all that it leads to, and the
/// loops, each as the groups on it. Depth first without recursion: a chain may be as long as a batch.
fn walk(scratch: &Scratch, from: &BTreeSet<GroupKey>) -> (Vec<GroupKey>, Vec<Vec<GroupKey>>) {
    let (mut order, mut loops) = (Vec::new(), Vec::new());
    let mut seen: BTreeMap<GroupKey, Place> = BTreeMap::new();
    for start in from {
        let mut path: Vec<(GroupKey, Vec<GroupKey>)> = Vec::new();
        let mut next = Some(start.clone());
        loop {
            if let Some(group) = next.take() {
                match seen.get(&group) {
                    Some(Place::OnPath) => {
                        loops.push(path.iter().map(|(on, _)| on.clone()).skip_while(|on| *on != group).collect())
                    }
                    Some(Place::Behind) => {}
                    None => {
                        seen.insert(group.clone(), Place::OnPath);
                        let leads_to = leads_to(scratch, &group);
                        path.push((group, leads_to));
                    }
                }
            }
            let Some((_, leads_to)) = path.last_mut() else { break };
            next = leads_to.pop();
            if next.is_none()
                && let Some((group, _)) = path.pop()
            {
                seen.insert(group.clone(), Place::Behind);
                order.push(group);
            }
        }
    }
    (order, loops)
}

enum Place {
    OnPath,
    Behind,
}

/// Refuses the last change that put a part of the loop.
fn refuse_loop(scratch: &Scratch, groups: &[GroupKey], refused: &mut Refused) {
    let members: Vec<Member> = groups.iter().flat_map(|group| scratch.group(group)).collect();
    if let Some(member) = members.iter().filter(|member| !targets(member).is_empty()).max_by_key(|member| member.by)
        && let Some(by) = member.by
    {
        refused.add(by, words::in_a_loop(member.rrset));
    }
}

/// How much may be looked at to answer one name, as `zone::check` has it: aliases one behind the other, and members in
/// all, each counted as often as aliases lead there.
fn check_trees(context: &Context, scratch: &Scratch, groups: &BTreeSet<GroupKey>, refused: &mut Refused) {
    let before = Scratch::new(context.zone.rrsets());
    let (was, is) = (measure(&before, groups), measure(scratch, groups));
    let grown = |group: &&GroupKey| {
        let (was, is) = (was.get(*group).copied().unwrap_or_default(), is.get(*group).copied().unwrap_or_default());
        is.aliases > was.aliases || is.members > was.members
    };
    let grown: BTreeSet<GroupKey> = groups.iter().filter(grown).cloned().collect();
    let trees = measure(scratch, &above(scratch, &grown));
    let aliases = trees.values().map(|tree| tree.aliases).max().unwrap_or_default();
    let members = trees.values().map(|tree| tree.members).max().unwrap_or_default();
    let changed: Vec<Member> = grown.iter().flat_map(|group| scratch.group(group)).collect();
    let Some((last, by)) = changed.iter().filter_map(|member| Some((member, member.by?))).max_by_key(|(_, by)| *by) else {
        return;
    };
    if aliases > ALIASES_MAX {
        refused.add(by, words::too_deep(last.rrset, aliases, ALIASES_MAX));
    }
    if members > MEMBERS_MAX {
        refused.add(by, words::too_wide(last.rrset, members, MEMBERS_MAX));
    }
}

/// What is below a group.
#[derive(Clone, Copy, Default)]
struct Tree {
    aliases: usize,
    members: usize,
}

/// The trees of these groups and of all that they lead to.
fn measure(scratch: &Scratch, groups: &BTreeSet<GroupKey>) -> BTreeMap<GroupKey, Tree> {
    let mut trees: BTreeMap<GroupKey, Tree> = BTreeMap::new();
    for group in walk(scratch, groups).0 {
        let members = scratch.group(&group);
        let mut tree = Tree { aliases: 0, members: members.len() };
        for target in members.iter().filter_map(|member| target(&member.rrset.set)) {
            let below = trees.get(&target).copied().unwrap_or_default();
            tree.aliases = tree.aliases.max(1 + below.aliases);
            tree.members = tree.members.saturating_add(below.members);
        }
        trees.insert(group, tree);
    }
    trees
}

/// These groups, and all whose aliases lead to them.
fn above(scratch: &Scratch, groups: &BTreeSet<GroupKey>) -> BTreeSet<GroupKey> {
    let mut all = groups.clone();
    let mut left: Vec<GroupKey> = groups.iter().cloned().collect();
    while let Some(group) = left.pop() {
        for alias in scratch.aliases_of(&group) {
            let source = (alias.name.clone(), alias.rtype);
            if all.insert(source.clone()) {
                left.push(source);
            }
        }
    }
    all
}
