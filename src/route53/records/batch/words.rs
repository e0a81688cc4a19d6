//! What Route 53 says of changes that it refuses, word by word: clients match on these.
//!
//! Knows no rule. Those that clients have logged come first; those after the line are made after their pattern.
//! Source: messages of Route 53 in the issues and logs of its clients.

use crate::geography::area::Area;
use crate::route53::records::rrset::Rrset;
use crate::zone::record_set::RoutingPolicy;

/// `[name='www.example.org.', type='A', set-identifier='blue']`
fn brackets(rrset: &Rrset) -> String {
    let said = &rrset.said;
    let id = said.set_identifier.as_ref().map(|id| format!(", set-identifier='{id}'")).unwrap_or_default();
    format!("[name='{}', type='{}'{id}]", said.name, said.kind)
}

/// `RRSet of type A with DNS name www.example.org.`
fn of_type(rrset: &Rrset) -> String {
    format!("RRSet of type {} with DNS name {}", rrset.said.kind, rrset.said.name)
}

pub(super) fn already_exists(rrset: &Rrset) -> String {
    format!("Tried to create resource record set {} but it already exists", brackets(rrset))
}

pub(super) fn not_found(rrset: &Rrset) -> String {
    format!("Tried to delete resource record set {} but it was not found", brackets(rrset))
}

pub(super) fn differs(rrset: &Rrset) -> String {
    format!("Tried to delete resource record set {} but the values provided do not match the current values", brackets(rrset))
}

pub(super) fn outside_zone(rrset: &Rrset, zone: &str) -> String {
    format!("RRSet with DNS name {} is not permitted in zone {zone}", rrset.said.name)
}

pub(super) fn at_apex(rrset: &Rrset, zone: &str) -> String {
    format!("{} is not permitted at apex in zone {zone}", of_type(rrset))
}

pub(super) fn cname_beside_others(rrset: &Rrset, zone: &str) -> String {
    let conflict = "as it conflicts with other records with the same DNS name";
    format!("{} is not permitted {conflict} in zone {zone}", of_type(rrset))
}

pub(super) fn beside_cname(rrset: &Rrset, zone: &str) -> String {
    let conflict = "because a conflicting RRSet of type CNAME with the same DNS name already exists";
    format!("{} is not permitted {conflict} in zone {zone}", of_type(rrset))
}

pub(super) fn in_a_loop(rrset: &Rrset) -> String {
    format!("{} is not permitted as it creates a CNAME or alias loop in the zone.", of_type(rrset))
}

pub(super) const NO_APEX_NS: &str = "A HostedZone must contain at least one NS record for the zone itself.";
pub(super) const NO_SOA: &str = "A HostedZone must contain exactly one SOA record.";

pub(super) fn duplicate(value: &str) -> String {
    format!("Duplicate Resource Record: '{value}'")
}

pub(super) fn target_outside(rrset: &Rrset) -> String {
    format!("{}, but the alias target name does not lie within the target zone", tried_alias(rrset))
}

pub(super) fn target_not_found(rrset: &Rrset) -> String {
    format!("{}, but that target was not found", tried_alias(rrset))
}

fn tried_alias(rrset: &Rrset) -> String {
    let (name, zone) = rrset.said.alias_target.as_ref().map_or(("", ""), |alias| (&*alias.dns_name, &*alias.hosted_zone_id));
    format!("Tried to create an alias that targets {name}, type {} in zone {zone}", rrset.said.kind)
}

pub(super) fn primary_without_check() -> String {
    "A non-alias primary ResourceRecordSet must have an associated health check. No changes made.".to_owned()
}

pub(super) fn too_many_records(max: usize) -> String {
    format!("Number of records limit of {max} exceeded.")
}

pub(super) fn too_many_values(max: usize) -> String {
    format!("Cannot have more than {max} records in a RRSet.")
}

/// A member of another policy than its group has.
pub(super) fn other_policy(rrset: &Rrset) -> String {
    let exists = "with the same name and type";
    match &rrset.set.policy {
        RoutingPolicy::Simple => {
            let said = &rrset.said;
            format!("RRSet with DNS name {}, type {} cannot be created as other RRSets exist {exists}.", said.name, said.kind)
        }
        RoutingPolicy::Weighted(_) => format!("{} cannot be created as a non-weighted set exists {exists}.", member(rrset)),
        RoutingPolicy::Multivalue => {
            format!("{} cannot be created because a non multivalue answer rrset exists {exists}.", member(rrset))
        }
        RoutingPolicy::Latency(_) => format!("{}non-latency RRSet {exists} already exists.", claimed(rrset)),
        RoutingPolicy::Geolocation(_) => format!("{}non-GEO RRSet {exists} already exists", claimed(rrset)),
        RoutingPolicy::Failover(_) => format!("{}non-failover RRSet {exists} already exists", claimed(rrset)),
        // Not seen.
        RoutingPolicy::Geoproximity(..) => format!("{}non-geoproximity RRSet {exists} already exists.", claimed(rrset)),
        RoutingPolicy::IpBased(_) => format!("{}non-CIDR RRSet {exists} already exists.", claimed(rrset)),
    }
}

pub(super) fn other_ttl(rrset: &Rrset) -> String {
    let said = &rrset.said;
    let id = said.set_identifier.as_deref().unwrap_or_default();
    let name = format!("RRSet with DNS name {} and type {}, SetIdentifier {id}", said.name, said.kind);
    format!("{name} cannot be created as weighted sets must contain the same TTL.")
}

/// `RRSet with DNS name www.example.org., type A, SetIdentifier blue`
fn member(rrset: &Rrset) -> String {
    let said = &rrset.said;
    let id = said.set_identifier.as_deref().unwrap_or_default();
    format!("RRSet with DNS name {}, type {}, SetIdentifier {id}", said.name, said.kind)
}

/// A member with the clients it is for, up to `because a `.
fn claimed(rrset: &Rrset) -> String {
    let said = &rrset.said;
    let claim = match &rrset.set.policy {
        RoutingPolicy::Latency(_) => format!(", and Region Name={}", said.region.as_deref().unwrap_or_default()),
        RoutingPolicy::Geolocation(area) => format!(", and routing to [{}]", place(*area)),
        RoutingPolicy::Failover(0) => ", and marked as primary".to_owned(),
        RoutingPolicy::Failover(_) => ", and marked as secondary".to_owned(),
        RoutingPolicy::IpBased(cidr) => {
            format!(", and location {}", cidr.location.as_ref().map_or("*", |location| location.as_str()))
        }
        _ => String::new(),
    };
    format!("{}{claim} cannot be created because a ", member(rrset))
}

/// `continent = (NA, North America)`
fn place(area: Area) -> String {
    match area {
        Area::Anywhere => "default".to_owned(),
        Area::Continent(continent) => {
            let name = match continent.as_str() {
                "AF" => "Africa",
                "AN" => "Antarctica",
                "AS" => "Asia",
                "EU" => "Europe",
                "NA" => "North America",
                "OC" => "Oceania",
                _ => "South America",
            };
            format!("continent = ({continent}, {name})")
        }
        Area::Country(country) => format!("country = ({country})"),
        Area::Subdivision(country, subdivision) => format!("country = ({country}), subdivision = ({subdivision})"),
    }
}

// Not seen: made after the pattern of those above.

/// A member for the same clients as another.
pub(super) fn same_claim(rrset: &Rrset) -> String {
    format!("{}RRSet with the same name and type that is for the same clients already exists.", claimed(rrset))
}

pub(super) fn other_collection(rrset: &Rrset) -> String {
    format!("{} cannot be created as CIDR sets must refer to the same collection.", member(rrset))
}

pub(super) fn shared_value(rrset: &Rrset, value: &str) -> String {
    format!("{} cannot be created as another multivalue answer rrset has its value {value}.", member(rrset))
}

pub(super) fn too_many_members(rrset: &Rrset, max: usize) -> String {
    format!("{} cannot be created as more than {max} RRSets would exist with the same name and type.", member(rrset))
}

pub(super) fn no_collection(rrset: &Rrset, id: &str) -> String {
    format!("{} cannot be created as the CIDR collection {id} does not exist.", member(rrset))
}

pub(super) fn no_location(rrset: &Rrset, name: &str) -> String {
    format!("{} cannot be created as its CIDR collection has no location {name}.", member(rrset))
}

pub(super) fn not_simple(rrset: &Rrset) -> String {
    format!("{} cannot be created as sets of type {} may only be simple.", member(rrset), rrset.said.kind)
}

pub(super) fn multivalue_cname(rrset: &Rrset) -> String {
    format!("{} cannot be created as sets of type CNAME can't be multivalue answer rrsets.", member(rrset))
}

pub(super) fn only_one_value(rrset: &Rrset, zone: &str) -> String {
    format!("{} is not permitted with more than one value in zone {zone}", of_type(rrset))
}

pub(super) fn only_at_apex(rrset: &Rrset, zone: &str) -> String {
    format!("{} is only permitted at apex in zone {zone}", of_type(rrset))
}

pub(super) fn at_wildcard(rrset: &Rrset, zone: &str) -> String {
    format!("{} is not permitted at a wildcard in zone {zone}", of_type(rrset))
}

pub(super) fn ds_without_ns(rrset: &Rrset, zone: &str) -> String {
    format!("{} is not permitted without an RRSet of type NS with the same DNS name in zone {zone}", of_type(rrset))
}

pub(super) fn alias_of_type(rrset: &Rrset) -> String {
    format!("{}, but sets of type {} can't be aliases", tried_alias(rrset), rrset.said.kind)
}

pub(super) fn no_addresses(rrset: &Rrset) -> String {
    format!("{}, but of a target in another zone only types A and AAAA can be answered", tried_alias(rrset))
}

pub(super) fn still_targeted(rrset: &Rrset, by: &Rrset) -> String {
    let deleted = format!("Tried to delete resource record set {}", brackets(rrset));
    format!("{deleted} but it is the target of the alias {}", brackets(by))
}

pub(super) fn too_deep(rrset: &Rrset, found: usize, max: usize) -> String {
    format!("{} is not permitted as {found} aliases would lead from one name to its values; at most {max} may.", of_type(rrset))
}

pub(super) fn too_wide(rrset: &Rrset, found: usize, max: usize) -> String {
    let tree = "answer for one name; at most";
    format!("{} is not permitted as {found} RRSets would be looked at to {tree} {max} may.", of_type(rrset))
}

pub(super) fn of_an_instance(rrset: &Rrset, instance: &str) -> String {
    let belongs = format!("it belongs to the traffic policy instance {instance}");
    format!("Tried to change resource record set {} but {belongs}, which is changed instead", brackets(rrset))
}

pub(super) fn protected(rrset: &Rrset, comment: Option<&str>) -> String {
    let because = comment.map(|comment| format!(": {comment}")).unwrap_or_default();
    format!("Tried to change resource record set {} but it is protected{because}", brackets(rrset))
}

pub(super) fn too_many_characters(max: usize) -> String {
    format!("Number of characters limit of {max} exceeded.")
}

pub(super) fn too_many_rrsets(max: usize) -> String {
    format!("Number of resource record sets limit of {max} exceeded.")
}
