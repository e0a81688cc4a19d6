//! Rules of one record group: what its members may be beside each other.
//!
//! A member is refused for what was there before its change. One walk over the group judges all of its changed members,
//! so that many changes of one group cost what the group has once. Source: Route 53 API 2013-04-01, `ResourceRecordSet`.

use std::collections::{BTreeMap, BTreeSet};

use super::scratch::{Member, Scratch};
use super::{Context, Refused, words};
use crate::geography::area::Area;
use crate::ids::{CollectionId, LocationName};
use crate::route53::records::rrset::Rrset;
use crate::route53::records::rrsets::GroupKey;
use crate::route53::values::canonical;
use crate::zone::group::GroupPolicy;
use crate::zone::record_set::{Content, RoutingPolicy, Ttl};

/// Judges the members of one group.
pub(super) fn check(context: &Context, scratch: &Scratch, group: &GroupKey, refused: &mut Refused) {
    let members = scratch.group(group);
    let Some(first) = members.first() else { return };
    let policy = first.rrset.set.policy.of_group();
    check_claims(&members, policy, refused);
    match policy {
        GroupPolicy::Weighted => check_ttls(&members, refused),
        GroupPolicy::Multivalue => check_shared_values(&members, refused),
        GroupPolicy::IpBased => check_collections(&members, refused),
        _ => {}
    }
    let max = if policy == GroupPolicy::Geoproximity { GEOPROXIMITY_MAX } else { MEMBERS_MAX };
    if context.rules.strict {
        for member in members.iter().skip(max) {
            refuse(member, refused, words::too_many_members(member.rrset, max));
        }
    }
}

/// The most members of one group (Route 53 developer guide, "Quotas").
const MEMBERS_MAX: usize = 100;
const GEOPROXIMITY_MAX: usize = 30;

fn refuse(member: &Member, refused: &mut Refused, message: String) {
    if let Some(by) = member.by {
        refused.add(by, message);
    }
}

/// All members have one policy, of simple ones there is one, and no two are for the same clients.
fn check_claims(members: &[Member], policy: GroupPolicy, refused: &mut Refused) {
    let mut claims = BTreeSet::new();
    for member in members {
        if member.rrset.set.policy.of_group() != policy {
            refuse(member, refused, words::other_policy(member.rrset));
        } else if claim(member.rrset).is_some_and(|claim| !claims.insert(claim)) {
            refuse(member, refused, words::same_claim(member.rrset));
        }
    }
}

/// Whom a member is for, where only one may be.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Claim<'r> {
    Region(&'r str),
    Area(Area),
    Tier(u16),
    Location(Option<&'r LocationName>),
}

fn claim(rrset: &Rrset) -> Option<Claim<'_>> {
    match &rrset.set.policy {
        RoutingPolicy::Latency(site) => site.region.as_ref().map(|region| Claim::Region(region.as_str())),
        RoutingPolicy::Geolocation(area) => Some(Claim::Area(*area)),
        RoutingPolicy::Failover(tier) => Some(Claim::Tier(*tier)),
        RoutingPolicy::IpBased(cidr) => Some(Claim::Location(cidr.location.as_ref())),
        RoutingPolicy::Simple | RoutingPolicy::Multivalue | RoutingPolicy::Weighted(_) | RoutingPolicy::Geoproximity(..) => None,
    }
}

/// Weighted members with values have one TTL, or caches would skew the shares.
fn check_ttls(members: &[Member], refused: &mut Refused) {
    let mut common: Option<Ttl> = None;
    for member in members {
        let Content::Values { ttl, .. } = &member.rrset.set.content else { continue };
        if *common.get_or_insert(*ttl) != *ttl {
            refuse(member, refused, words::other_ttl(member.rrset));
        }
    }
}

/// Multivalue members are answered together, and an RRset holds no value twice (RFC 2181 §5); with all values alike
/// one of them is answered.
fn check_shared_values(members: &[Member], refused: &mut Refused) {
    let mut first: BTreeMap<Vec<u8>, &Content> = BTreeMap::new();
    for member in members {
        let content = &member.rrset.set.content;
        let Content::Values { rdata, .. } = content else { continue };
        for (rdata, value) in rdata.iter().zip(&member.rrset.said.values) {
            let earlier = *first.entry(canonical(member.rrset.set.rtype, rdata)).or_insert(content);
            if !is_same_values(earlier, content) {
                refuse(member, refused, words::shared_value(member.rrset, value));
            }
        }
    }
}

fn is_same_values(one: &Content, other: &Content) -> bool {
    match (one, other) {
        (Content::Values { rdata, .. }, Content::Values { rdata: other, .. }) => rdata == other,
        _ => false,
    }
}

/// All members name one collection.
fn check_collections(members: &[Member], refused: &mut Refused) {
    let mut common: Option<&CollectionId> = None;
    for member in members {
        let RoutingPolicy::IpBased(cidr) = &member.rrset.set.policy else { continue };
        if *common.get_or_insert(&cidr.collection) != &cidr.collection {
            refuse(member, refused, words::other_collection(member.rrset));
        }
    }
}
