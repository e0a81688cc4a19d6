//! The tree of each routed name: who decides what, where each branch leads, and how long its failure is answered.
//!
//! A picture of the state; decides nothing, knows no client and no verdict. Invariant: each group that routes is
//! drawn in full exactly once for each type: within the first group that leads to it, or at a root of its own if
//! none does; any other alias says its name. So the trees are never larger than their zone. Names that are nothing
//! but an alias come last, so that what is drawn elsewhere is drawn above.
//! Source: Route 53 developer guide, "How Amazon Route 53 chooses records in complex configurations".

mod words;

use std::collections::BTreeSet;

use super::failover_time::{BranchTime, time_of};
use super::grouped::{GroupKey, Groups};
use super::state::State;
use crate::ids::{HealthCheckId, SetIdentifier};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::group_options::GroupOptions;
use crate::zone::hosted_zone::HostedZone;
use crate::zone::record_set::{Content, RecordSet, RoutingPolicy};

/// A routed name that no other leads to, with all that it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// The apex of its zone.
    pub zone: Name,
    /// The types whose trees are equal but for values.
    pub rtypes: Vec<RecordType>,
    pub root: Group,
}

/// A record group as a node of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub name: Name,
    /// The policy's word.
    pub policy: &'static str,
    pub options: GroupOptions,
    /// For a failure of any of its branches.
    pub time: BranchTime,
    /// In the order written; of a failover group, in the order tried.
    pub branches: Vec<Branch>,
}

/// A member of a group, with what it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// None in a simple group.
    pub set_identifier: Option<SetIdentifier>,
    /// What the member says of its part.
    pub policy: RoutingPolicy,
    pub health_check: Option<HealthCheckId>,
    pub time: BranchTime,
    pub leads_to: LeadsTo,
}

/// What a branch answers with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeadsTo {
    /// Values of its own.
    Values,
    Alias {
        target: Name,
        evaluate_target_health: bool,
        drawn: Drawn,
    },
}

/// How an alias's target is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drawn {
    /// Nothing is decided there: a name with values.
    Plain,
    Here(Box<Group>),
    /// Before this alias, in this tree or another of its zone.
    Above,
    /// Not at all: a name outside the zone, whose addresses are resolved.
    Outside,
}

/// The trees of all zones, in the order written.
pub fn trees(state: &State) -> Vec<Tree> {
    state.zones.iter().flat_map(|zone| of_zone(zone, state)).collect()
}

fn of_zone(zone: &HostedZone, state: &State) -> Vec<Tree> {
    let groups = Groups::of(zone);
    let led_to = led_to(&groups);
    let mut drawing = Drawing { zone, state, groups: &groups, drawn: BTreeSet::new() };
    let mut trees: Vec<Tree> = Vec::new();
    let roots = groups.order.iter().filter(|key| !led_to.contains(*key) && is_routed(**key, &groups));
    let (aliases, deciders): (Vec<_>, Vec<_>) = roots.partition(|key| passes_on(**key, &groups).is_some());
    for &(name, rtype) in deciders.into_iter().chain(aliases) {
        if drawing.drawn.contains(&(name, rtype)) {
            continue;
        }
        let root = drawing.group((name, rtype));
        match trees.iter_mut().rev().take(TYPES_COMPARED).find(|tree| tree.root == root) {
            Some(tree) => tree.rtypes.push(rtype),
            None => trees.push(Tree { zone: zone.name.clone(), rtypes: vec![rtype], root }),
        }
    }
    trees
}

/// How many trees back an equal one is looked for: one name's types are mostly written together.
const TYPES_COMPARED: usize = 8;

/// The groups that groups which decide lead to.
fn led_to<'s>(groups: &Groups<'s>) -> BTreeSet<GroupKey<'s>> {
    let mut found = BTreeSet::new();
    for &key in groups.order.iter().filter(|key| passes_on(**key, groups).is_none()) {
        for mut next in groups.members(key).iter().filter_map(|set| target(set)) {
            while found.insert(next)
                && let Some(behind) = passes_on(next, groups)
            {
                next = behind;
            }
        }
    }
    found
}

/// The group that a record set is an alias of.
fn target(set: &RecordSet) -> Option<GroupKey<'_>> {
    match &set.content {
        Content::Alias(alias) => Some((&alias.target, set.rtype)),
        Content::Values { .. } => None,
    }
}

/// The target of a group that decides nothing: an alias alone, without a health check.
fn passes_on<'s>(key: GroupKey<'s>, groups: &Groups<'s>) -> Option<GroupKey<'s>> {
    match groups.members(key) {
        [set] if set.policy == RoutingPolicy::Simple && set.health_check.is_none() && !groups.is_external(set) => target(set),
        _ => None,
    }
}

/// Whether anything is decided at a group, or behind the alias that it is; what a name outside the zone answers is.
fn is_routed<'s>(mut key: GroupKey<'s>, groups: &Groups<'s>) -> bool {
    // Aliases form no loop: `check` has seen to it.
    while let Some(next) = passes_on(key, groups) {
        key = next;
    }
    let members = groups.members(key);
    members.iter().any(|set| set.policy != RoutingPolicy::Simple || set.health_check.is_some() || groups.is_external(set))
}

/// The trees of one zone in the making.
struct Drawing<'s> {
    zone: &'s HostedZone,
    state: &'s State,
    groups: &'s Groups<'s>,
    /// The groups that need not be drawn again.
    drawn: BTreeSet<GroupKey<'s>>,
}

impl<'s> Drawing<'s> {
    fn group(&mut self, key: GroupKey<'s>) -> Group {
        let groups = self.groups;
        let mut members = groups.members(key).to_vec();
        members.sort_by_key(|set| match set.policy {
            RoutingPolicy::Failover(tier) => tier,
            _ => 0,
        });
        self.drawn.insert(key);
        Group {
            name: key.0.clone(),
            policy: members[0].policy.word(),
            options: self.zone.groups.get(&(key.0.clone(), key.1)).cloned().unwrap_or_default(),
            time: time_of(&members, groups, self.state),
            branches: members.into_iter().map(|set| self.branch(set)).collect(),
        }
    }

    fn branch(&mut self, set: &'s RecordSet) -> Branch {
        let leads_to = match &set.content {
            Content::Values { .. } => LeadsTo::Values,
            Content::Alias(alias) => LeadsTo::Alias {
                target: alias.target.clone(),
                evaluate_target_health: alias.evaluate_target_health,
                drawn: match self.groups.is_external(set) {
                    true => Drawn::Outside,
                    false => self.target((&alias.target, set.rtype)),
                },
            },
        };
        Branch {
            set_identifier: set.set_identifier.clone(),
            policy: set.policy.clone(),
            health_check: set.health_check.clone(),
            time: time_of(&[set], self.groups, self.state),
            leads_to,
        }
    }

    fn target(&mut self, key: GroupKey<'s>) -> Drawn {
        if !is_routed(key, self.groups) {
            Drawn::Plain
        } else if self.drawn.contains(&key) {
            Drawn::Above
        } else {
            Drawn::Here(Box::new(self.group(key)))
        }
    }
}
