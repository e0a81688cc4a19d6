//! Whether an account can be served as it is: what every operation sees to for its own part, asked of the whole.
//!
//! For accounts that no operation made: backups. Invariant: a sound account builds, and nothing in it refers to what is
//! not there. Sources: those of `zone::check`, `checks::rules` and `cidr`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Account;
use super::entities::{Check, Collection};
use super::zone::Zone;
use crate::ids::{CollectionId, HealthCheckId, LocationName};
use crate::places::cidr::CidrCollection;
use crate::problem::Severity;
use crate::route53::bounds::Rules;
use crate::route53::checks::rules;
use crate::route53::name::parse_name;
use crate::route53::records::rrset::{Rrset, Said};
use crate::zone::check::check as check_zone;
use crate::zone::hosted_zone::HostedZone;
use crate::zone::record_set::{RecordSet, RoutingPolicy};

/// Everything in `account` that could not be put in the place of what the API owns of `present`, in words.
pub fn check(account: &Account, present: &Account) -> Vec<String> {
    let mut wrong = Vec::new();
    for zone in account.zones.values() {
        check_zone_of(zone, account, &mut wrong);
    }
    for check in account.checks.values() {
        check_check(check, account, &mut wrong);
    }
    for collection in account.collections.values() {
        check_collection(collection, &mut wrong);
    }
    for instance in account.instances.values() {
        if !account.zones.contains_key(&instance.zone) {
            wrong.push(format!("policy instance {}: there is no zone {}", instance.id, instance.zone));
        }
        if !account.policies.contains_key(&(instance.policy.clone(), instance.policy_version)) {
            let (id, version) = (&instance.policy, instance.policy_version);
            wrong.push(format!("policy instance {}: there is no policy {id} of version {version}", instance.id));
        }
    }
    let is_file =
        |is_owned: bool, what: &str, id: &str| is_owned.then(|| format!("{what} {id} is written in a file of this server"));
    let zones = account.zones.keys().filter_map(|id| is_file(present.zones.get(id)?.record.file.is_some(), "zone", id));
    let checks = account.checks.keys().filter_map(|id| is_file(present.checks.get(id)?.file.is_some(), "health check", id));
    let collections =
        account.collections.keys().filter_map(|id| is_file(present.collections.get(id)?.file.is_some(), "CIDR collection", id));
    wrong.extend(zones.chain(checks).chain(collections));
    for (id, zone) in &account.zones {
        // Ids are good for one zone, and never given to another.
        let name = present.zones.get(id).map(|present| &present.record.name).filter(|name| **name != zone.record.name);
        wrong.extend(name.map(|name| format!("zone {id}: it is {} here, and {name} on this server", zone.record.name)));
    }
    wrong
}

fn check_zone_of(zone: &Zone, account: &Account, wrong: &mut Vec<String>) {
    let id = &zone.record.id;
    let name = match parse_name(&zone.record.name) {
        Ok(name) => name,
        Err(fatal) => return wrong.push(format!("zone {id}: {fatal}")),
    };
    let is_made = |rrset: &&Arc<Rrset>| rrset.said.traffic_policy_instance_id.is_some();
    let set = |rrset: &Arc<Rrset>| if is_made(&rrset) { stand_in(rrset) } else { rrset.set.clone() };
    let record_sets: Vec<_> = zone.rrsets().values().map(set).collect();
    for rrset in zone.rrsets().values().filter(is_made) {
        let instance = rrset.said.traffic_policy_instance_id.as_ref().filter(|id| !account.instances.contains_key(*id));
        wrong.extend(instance.map(|instance| format!("zone {id}: {}: there is no policy instance {instance}", rrset.said.name)));
    }
    for set in &record_sets {
        let named = format!("zone {id}: {} {}", set.name, set.rtype);
        if let Some(check) = set.health_check.as_ref().filter(|check| !account.checks.contains_key(check.as_str())) {
            wrong.push(format!("{named}: there is no health check {check}"));
        }
        if let RoutingPolicy::IpBased(cidr) = &set.policy {
            let location = cidr.location.as_ref();
            let collection = account.collections.get(cidr.collection.as_str());
            let has = |collection: &Collection| location.is_none_or(|name| collection.locations.contains_key(name.as_str()));
            if !collection.is_some_and(|collection| has(collection)) {
                wrong.push(format!("{named}: there is no such location of a CIDR collection {}", cidr.collection));
            }
        }
    }
    let hosted = HostedZone { name, record_sets, groups: Default::default(), files: vec!["".into()], hidden: Default::default() };
    let errors = check_zone(&hosted).into_iter().filter(|finding| finding.problem.severity == Severity::Error);
    wrong.extend(errors.map(|finding| format!("zone {id}: {}", finding.problem.message)));
}

/// For what a policy instance makes, which was judged with its policy: something of its name and type to lead to.
fn stand_in(made: &Rrset) -> RecordSet {
    let value = match &*made.said.kind {
        "A" => "192.0.2.1",
        "AAAA" => "2001:db8::1",
        "CAA" => "0 issue \"ca.example\"",
        "MX" => "0 mail.example",
        "SRV" => "0 0 0 host.example",
        "TXT" | "SPF" => "\"\"",
        _ => "host.example",
    };
    let (name, kind) = (made.said.name.clone(), made.said.kind.clone());
    let said = Said { name, kind, ttl: Some(0), values: vec![value.to_owned()], ..Said::default() };
    Rrset::new(said).map_or_else(|_| made.set.clone(), |rrset| rrset.set)
}

fn check_check(check: &Check, account: &Account, wrong: &mut Vec<String>) {
    let id = &check.id;
    wrong.extend(HealthCheckId::new(id).err().map(|error| format!("health check {id}: {error}")));
    wrong.extend(rules::check(&check.config, Rules::default()).map(|message| format!("health check {id}: {message}")));
    for child in check.config.child_health_checks.iter().filter(|child| !account.checks.contains_key(*child)) {
        wrong.push(format!("health check {id}: there is no health check {child}"));
    }
    if depends_on(id, check, account) {
        wrong.push(format!("health check {id}: it depends on itself"));
    }
}

/// Whether `check` depends on the one of this id, by whatever children.
fn depends_on(id: &str, check: &Check, account: &Account) -> bool {
    let mut left: Vec<&String> = check.config.child_health_checks.iter().collect();
    let mut seen = BTreeSet::new();
    while let Some(child) = left.pop() {
        if child == id {
            return true;
        }
        if seen.insert(child) {
            left.extend(account.checks.get(child).iter().flat_map(|check| &check.config.child_health_checks));
        }
    }
    false
}

fn check_collection(collection: &Collection, wrong: &mut Vec<String>) {
    let id = &collection.id;
    wrong.extend(CollectionId::new(id).err().map(|error| format!("CIDR collection {id}: {error}")));
    let mut blocks = Vec::new();
    for (location, written) in &collection.locations {
        for block in written {
            match (block.parse(), LocationName::new(location)) {
                (Ok(block), Ok(location)) => blocks.push((block, location)),
                _ => wrong.push(format!("CIDR collection {id}: {block} in {location:?} is no block of a location")),
            }
        }
    }
    if CidrCollection::new(blocks).is_err() {
        wrong.push(format!("CIDR collection {id}: a block is in two locations, or has a length that none may have"));
    }
}
