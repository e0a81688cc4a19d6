//! Rules of one record group: what its members may be beside each other, and what each may hold.
//!
//! Follows no alias (`aliases`) and asks no client (`clients`).
//! Source: Route 53 API reference, `ResourceRecordSet`.

use std::collections::{HashMap, HashSet};

use super::{Findings, Index, label};
use crate::geography::area::Area;
use crate::wire::rtype::RecordType;
use crate::zone::rdata;
use crate::zone::record_set::{Content, RdataList, RecordSet, RoutingPolicy};

/// Name, type and set identifier name one record set (Route 53 API, `ResourceRecordSet`).
pub(super) fn check_duplicates(index: &Index, found: &mut Findings) {
    for group in index.deciding() {
        let mut first: HashMap<Option<&str>, &RecordSet> = HashMap::new();
        for &set in group {
            let id = set.set_identifier.as_ref().map(|id| id.as_str());
            if let Some(earlier) = first.get(&id) {
                let file = index.zone.files.get(usize::from(earlier.origin.file)).map_or("", |file| file);
                found.error(set, format!("{} is already defined at {file}:{}", label(set), earlier.origin.line));
            } else {
                first.insert(id, set);
            }
        }
    }
}

/// All members of a record group have one routing policy (Route 53 developer guide, "Choosing a routing policy").
pub(super) fn check_one_policy_a_group(index: &Index, found: &mut Findings) {
    for group in index.deciding() {
        let first = group[0];
        for set in group.iter().filter(|set| set.policy.word() != first.policy.word()) {
            let (own, other) = (set.policy.word(), first.policy.word());
            found
                .error(set, format!("{} has policy {own}, but {} has {other}; a group has one policy", label(set), label(first)));
        }
    }
}

/// Every policy but simple tells its members apart (Route 53 API, `SetIdentifier`).
pub(super) fn check_set_identifiers(index: &Index, found: &mut Findings) {
    for set in index.noted() {
        match (&set.policy, &set.set_identifier) {
            (RoutingPolicy::Simple, Some(_)) => {
                let help = "give a policy, such as weight or failover, or leave set_identifier out";
                found.error_with_help(set, format!("{} has a set identifier but no policy", label(set)), help);
            }
            (RoutingPolicy::Simple, None) | (_, Some(_)) => {}
            (policy, None) => found.error(set, format!("{} has policy {} but no set_identifier", label(set), policy.word())),
        }
    }
}

/// One member a tier: a second PRIMARY is one too many (Route 53 API, `Failover`).
pub(super) fn check_tiers(index: &Index, found: &mut Findings) {
    for group in index.deciding() {
        let mut tiers: HashMap<u16, &RecordSet> = HashMap::new();
        for &set in group {
            let RoutingPolicy::Failover(tier) = set.policy else { continue };
            if let Some(earlier) = tiers.insert(tier, set) {
                found.error(set, format!("{} has failover tier {tier}, as {} has", label(set), label(earlier)));
            }
        }
    }
}

/// No two members of a group are for the same clients (Route 53 API, `Region`, `GeoLocation`, `CidrRoutingConfig`).
pub(super) fn check_claims(index: &Index, found: &mut Findings) {
    for group in index.deciding() {
        let mut first: HashMap<String, &RecordSet> = HashMap::new();
        for &set in group {
            let Some(claim) = claim(&set.policy) else { continue };
            if let Some(earlier) = first.get(&claim) {
                found.error(set, format!("{} is for {claim}, as {} is", label(set), label(earlier)));
            } else {
                first.insert(claim, set);
            }
        }
    }
}

/// Whom a member is for, where only one may be.
fn claim(policy: &RoutingPolicy) -> Option<String> {
    match policy {
        RoutingPolicy::Latency(site) => site.region.as_ref().map(|region| format!("the region {region}")),
        RoutingPolicy::Geolocation(Area::Anywhere) => Some("everywhere else".to_owned()),
        RoutingPolicy::Geolocation(Area::Continent(continent)) => Some(format!("the continent {continent}")),
        RoutingPolicy::Geolocation(area) => Some(area.to_string()),
        RoutingPolicy::IpBased(cidr) => Some(match &cidr.location {
            Some(location) => format!("the location {location}"),
            None => "everywhere else".to_owned(),
        }),
        RoutingPolicy::Simple
        | RoutingPolicy::Multivalue
        | RoutingPolicy::Weighted(_)
        | RoutingPolicy::Failover(_)
        | RoutingPolicy::Geoproximity(..) => None,
    }
}

/// All members of an ip_based group name one collection (Route 53 API, `CidrRoutingConfig`).
pub(super) fn check_one_collection(index: &Index, found: &mut Findings) {
    for group in index.deciding() {
        let mut named = group.iter().filter_map(|set| match &set.policy {
            RoutingPolicy::IpBased(cidr) => Some((*set, &cidr.collection)),
            _ => None,
        });
        let Some((first, collection)) = named.next() else { continue };
        for (set, other) in named.filter(|(_, other)| *other != collection) {
            let message = format!("{} is of the collection {other}, but {} of {collection}", label(set), label(first));
            found.error_with_help(set, message, "a group has one collection");
        }
    }
}

/// Members of a weighted group have one TTL, or caches would skew the shares (Route 53 API, `TTL`: an error there);
/// multivalue answers join several members' values in one RRset, whose TTL is one (RFC 2181 §5.2).
pub(super) fn check_group_ttls(index: &Index, found: &mut Findings) {
    for group in index.deciding() {
        let mut ttls = group.iter().filter_map(|set| match set.content {
            Content::Values { ttl, .. } => Some((*set, ttl)),
            Content::Alias(_) => None,
        });
        let Some((first, ttl)) = ttls.next() else { continue };
        for (set, other) in ttls.filter(|(_, other)| *other != ttl) {
            let message = format!("{} has TTL {}, but {} has {}", label(set), other.secs(), label(first), ttl.secs());
            match set.policy {
                RoutingPolicy::Weighted(_) => found.error(set, message),
                RoutingPolicy::Multivalue => found.warning(set, format!("{message}; the least is answered")),
                _ => {}
            }
        }
    }
}

/// SOA, NS and DS have no policy but simple (Route 53 developer guide, "Supported DNS record types").
pub(super) fn check_policy_types(index: &Index, found: &mut Findings) {
    for set in index.noted().filter(|set| set.policy != RoutingPolicy::Simple) {
        if [RecordType::SOA, RecordType::NS, RecordType::DS].contains(&set.rtype) {
            found.error(set, format!("{} has policy {}; {} may only be simple", label(set), set.policy.word(), set.rtype));
        }
    }
}

/// A multivalue answer joins values: no alias, no CNAME (Route 53 API, `MultiValueAnswer`).
pub(super) fn check_multivalue_content(index: &Index, found: &mut Findings) {
    for set in index.noted().filter(|set| set.policy == RoutingPolicy::Multivalue) {
        if matches!(set.content, Content::Alias(_)) {
            found.error(set, format!("{} is multivalue and an alias; multivalue members have values", label(set)));
        }
        if set.rtype == RecordType::CNAME {
            found.error(set, format!("{} is multivalue; a CNAME can't have several values", label(set)));
        }
    }
}

/// Members answered together don't share a value, or an RRset would hold it twice (RFC 2181 §5). Members with the very
/// same values may be: of those one is answered.
pub(super) fn check_shared_values(index: &Index, found: &mut Findings) {
    for group in index.deciding().filter(|group| group[0].policy == RoutingPolicy::Multivalue) {
        let mut first: HashMap<&[u8], (&RecordSet, &RdataList)> = HashMap::new();
        for &set in group {
            let Content::Values { rdata: own, .. } = &set.content else { continue };
            let sharing = own.iter().map(|rdata| *first.entry(rdata).or_insert((set, own)));
            let sharing: Vec<_> = sharing.filter(|(_, theirs)| *theirs != own).collect();
            if let Some((earlier, _)) = sharing.first() {
                let (own, other) = (label(set), label(earlier));
                found.error(set, format!("{own} has a value that {other} has too; one answer would hold it twice"));
            }
        }
    }
}

/// A value stands once in a record set (Route 53 API, `ResourceRecords`; RFC 2181 §5).
pub(super) fn check_duplicate_values(index: &Index, found: &mut Findings) {
    for set in index.noted() {
        let Content::Values { rdata, .. } = &set.content else { continue };
        let mut seen = HashSet::with_capacity(rdata.len());
        if let Some(twice) = rdata.iter().find(|rdata| !seen.insert(*rdata)) {
            found.error(set, format!("{} has the value {} twice", label(set), rdata::show(set.rtype, twice)));
        }
    }
}

/// A record set has at least one value (Route 53 API, `ResourceRecords`).
pub(super) fn check_not_empty(index: &Index, found: &mut Findings) {
    for set in index.noted() {
        if matches!(&set.content, Content::Values { rdata, .. } if rdata.is_empty()) {
            found.error(set, format!("{} has no values", label(set)));
        }
    }
}
