//! Rules of one record set by itself: where it may be in the zone, and what it may hold.
//!
//! Knows no other record set. Source: Route 53 API 2013-04-01, `ResourceRecordSet`; developer guide, "Supported DNS record
//! types"; RFC 1034 §4.2, RFC 4592 §4.2 (NS at wildcards).

use std::collections::BTreeSet;

use super::{Context, words};
use crate::route53::records::rrset::Rrset;
use crate::route53::records::shape::Action;
use crate::route53::values::canonical;
use crate::wire::rtype::RecordType;
use crate::zone::record_set::{Content, RoutingPolicy};

/// What is wrong with `rrset`, if it is to be put into the zone or taken out of it.
pub(super) fn check(context: &Context, action: Action, rrset: &Rrset) -> Vec<String> {
    let zone = context.zone_name();
    let mut wrong = Vec::new();
    if !rrset.set.name.is_at_or_below(&context.apex) {
        wrong.push(words::outside_zone(rrset, zone));
        return wrong;
    }
    if let Some(comment) = context.protections.get(&(&*rrset.said.name, &*rrset.said.kind)) {
        wrong.push(words::protected(rrset, *comment));
    }
    if action == Action::Delete {
        return wrong;
    }
    if let Some(instance) = &rrset.said.traffic_policy_instance_id {
        wrong.push(words::of_an_instance(rrset, instance));
    }
    check_place(context, rrset, &mut wrong);
    check_values(context, rrset, &mut wrong);
    check_policy(context, rrset, &mut wrong);
    wrong
}

/// Which types may be at the apex, only there, or not at a wildcard.
fn check_place(context: &Context, rrset: &Rrset, wrong: &mut Vec<String>) {
    let zone = context.zone_name();
    let is_apex = rrset.set.name == context.apex;
    match rrset.set.rtype {
        RecordType::CNAME | RecordType::DS if is_apex => wrong.push(words::at_apex(rrset, zone)),
        RecordType::SOA if !is_apex => wrong.push(words::only_at_apex(rrset, zone)),
        RecordType::NS if rrset.set.name.is_wildcard() => wrong.push(words::at_wildcard(rrset, zone)),
        _ => {}
    }
}

/// Each value once; of CNAME and SOA one.
fn check_values(context: &Context, rrset: &Rrset, wrong: &mut Vec<String>) {
    let Content::Values { rdata, .. } = &rrset.set.content else { return };
    let mut seen = BTreeSet::new();
    for (rdata, value) in rdata.iter().zip(&rrset.said.values) {
        if !seen.insert(canonical(rrset.set.rtype, rdata)) {
            wrong.push(words::duplicate(value));
        }
    }
    if matches!(rrset.set.rtype, RecordType::CNAME | RecordType::SOA) && rrset.said.values.len() > 1 {
        wrong.push(words::only_one_value(rrset, context.zone_name()));
    }
    if context.rules.strict && rrset.said.values.len() > VALUES_MAX {
        wrong.push(words::too_many_values(VALUES_MAX));
    }
}

/// The most values of one record set (Route 53 developer guide, "Quotas").
const VALUES_MAX: usize = 400;

fn check_policy(context: &Context, rrset: &Rrset, wrong: &mut Vec<String>) {
    let is_alias = matches!(rrset.set.content, Content::Alias(_));
    match (&rrset.set.policy, rrset.set.rtype) {
        (RoutingPolicy::Simple, _) => {}
        (_, RecordType::SOA | RecordType::NS | RecordType::DS) => wrong.push(words::not_simple(rrset)),
        (RoutingPolicy::Multivalue, RecordType::CNAME) => wrong.push(words::multivalue_cname(rrset)),
        // Only AWS insists: without a health check a primary is always healthy, which is what was asked for.
        (RoutingPolicy::Failover(0), _) if context.rules.strict && !is_alias && rrset.set.health_check.is_none() => {
            wrong.push(words::primary_without_check());
        }
        (RoutingPolicy::IpBased(cidr), _) => match context.account.collections.get(cidr.collection.as_str()) {
            None => wrong.push(words::no_collection(rrset, cidr.collection.as_str())),
            Some(collection) => {
                let location = cidr.location.as_ref().map(|location| location.as_str());
                if let Some(location) = location.filter(|location| !collection.locations.contains_key(*location)) {
                    wrong.push(words::no_location(rrset, location));
                }
            }
        },
        _ => {}
    }
}
