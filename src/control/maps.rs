//! Which rules the record groups of a state have: what their client maps are made by.
//!
//! Invariant: rules stand in the order in which the group's members are compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::state::State;
use crate::ids::CollectionId;
use crate::places::cidr::CidrCollection;
use crate::places::rules::Rules;
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::record_set::{RecordSet, RoutingPolicy};

type Collections = BTreeMap<CollectionId, Arc<CidrCollection>>;

/// The rules of every group of `state` whose policy asks where the client is.
pub(super) fn rules_of_all(state: &State) -> BTreeSet<Rules> {
    let mut all = BTreeSet::new();
    for zone in &state.zones {
        let mut groups: BTreeMap<(&Name, RecordType), Vec<&RecordSet>> = BTreeMap::new();
        for set in zone.record_sets.iter().filter(|set| asks_for_client(&set.policy)) {
            groups.entry((&set.name, set.rtype)).or_default().push(set);
        }
        all.extend(groups.into_values().filter_map(|sets| rules_of(&sets, &state.collections)));
    }
    all
}

fn asks_for_client(policy: &RoutingPolicy) -> bool {
    use RoutingPolicy::{Geolocation, Geoproximity, IpBased, Latency};
    matches!(policy, Latency(_) | Geolocation(_) | Geoproximity(..) | IpBased(_))
}

/// The rules of the group that these record sets are; none where its policy asks for no client.
pub(super) fn rules_of(sets: &[&RecordSet], collections: &Collections) -> Option<Rules> {
    let policies = || sets.iter().map(|set| &set.policy);
    match &sets.first()?.policy {
        RoutingPolicy::Latency(_) => policies()
            .map(|policy| match policy {
                RoutingPolicy::Latency(site) => Some((**site).clone()),
                _ => None,
            })
            .collect::<Option<Vec<_>>>()
            .map(Rules::Latency),
        RoutingPolicy::Geolocation(_) => policies()
            .map(|policy| match policy {
                RoutingPolicy::Geolocation(area) => Some(*area),
                _ => None,
            })
            .collect::<Option<Vec<_>>>()
            .map(Rules::Geolocation),
        RoutingPolicy::Geoproximity(..) => policies()
            .map(|policy| match policy {
                RoutingPolicy::Geoproximity(at, bias) => Some((*at, *bias)),
                _ => None,
            })
            .collect::<Option<Vec<_>>>()
            .map(Rules::Geoproximity),
        RoutingPolicy::IpBased(first) => {
            let locations = policies().map(|policy| match policy {
                RoutingPolicy::IpBased(own) => Some(own.location.clone()),
                _ => None,
            });
            let id = first.collection.clone();
            let collection = collections.get(&id)?.clone();
            Some(Rules::IpBased { id, collection, locations: locations.collect::<Option<_>>()? })
        }
        _ => None,
    }
}
