//! Which rules the record groups of a state have: what their client maps are made by.
//!
//! Invariant: rules stand in the order in which the group's members are compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::ids::CollectionId;
use crate::places::cidr::CidrCollection;
use crate::places::rules::Rules;
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::record_set::{RecordSet, RoutingPolicy};

pub(super) type Collections = BTreeMap<CollectionId, Arc<CidrCollection>>;

/// The rules of every group of these record sets, of which those that ask where the client is are `asking`.
pub(super) fn rules_of_all<'s>(asking: impl Iterator<Item = &'s RecordSet>, collections: &Collections) -> BTreeSet<Rules> {
    let mut groups: BTreeMap<(&Name, RecordType), Vec<&RecordSet>> = BTreeMap::new();
    asking.for_each(|set| groups.entry((&set.name, set.rtype)).or_default().push(set));
    groups.into_values().filter_map(|sets| rules_of(&sets, collections)).collect()
}

/// The rules of the group that these record sets are; none where its policy asks for no client.
pub(super) fn rules_of(sets: &[&RecordSet], collections: &Collections) -> Option<Rules> {
    let rules = match &sets.first()?.policy {
        RoutingPolicy::Latency(_) => Rules::Latency(each(sets, |policy| match policy {
            RoutingPolicy::Latency(site) => Some((**site).clone()),
            _ => None,
        })?),
        RoutingPolicy::Geolocation(_) => Rules::Geolocation(each(sets, |policy| match policy {
            RoutingPolicy::Geolocation(area) => Some(*area),
            _ => None,
        })?),
        RoutingPolicy::Geoproximity(..) => Rules::Geoproximity(each(sets, |policy| match policy {
            RoutingPolicy::Geoproximity(at, bias) => Some((*at, *bias)),
            _ => None,
        })?),
        RoutingPolicy::IpBased(first) => {
            let locations = each(sets, |policy| match policy {
                RoutingPolicy::IpBased(own) => Some(own.location.clone()),
                _ => None,
            })?;
            let id = first.collection.clone();
            let collection = collections.get(&id)?.clone();
            Rules::IpBased { id, collection, locations }
        }
        _ => return None,
    };
    Some(rules)
}

/// What each member's policy says for itself; none if one has another policy, which `check` refuses.
fn each<T>(sets: &[&RecordSet], said: impl Fn(&RoutingPolicy) -> Option<T>) -> Option<Vec<T>> {
    sets.iter().map(|set| said(&set.policy)).collect()
}
