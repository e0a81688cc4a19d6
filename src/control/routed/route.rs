//! `[route]` tables as written: an owner name, a policy, options, and members with what the policy asks of each.
//!
//! Does not know what members lead to. Invariant: a member's part is of its route's policy.

use super::nearest_or;
use crate::control::collections::{read_collection_name, read_location_name};
use crate::control::located::{AREA_KEYS, read_area, read_bias, read_site};
use crate::control::options::{read_options, read_ttl_range};
use crate::control::raw_record::{read_ttl, read_weight};
use crate::geography::area::Area;
use crate::geography::site::{Bias, Site};
use crate::ids::{CollectionId, LocationName};
use crate::toml_table::{Span, Table, Value};
use crate::wire::name::Name;
use crate::zone::group::GroupPolicy as Policy;
use crate::zone::group_options::{GroupOptions, TtlRange};
use crate::zone::record_set::{Ttl, Weight};

pub(super) struct Route<'d> {
    pub span: Span,
    pub owner: Option<Name>,
    pub policy: Option<Policy>,
    pub ttl: Ttl,
    /// The CIDR collection of an ip_based route.
    pub cidr: Option<CollectionId>,
    pub options: GroupOptions,
    pub branch_names: bool,
    pub members: Vec<Member<'d>>,
}

pub(super) struct Member<'d> {
    pub to: To<'d>,
    /// None where it could not be read.
    pub part: Option<Part>,
    pub span: Span,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum To<'d> {
    Endpoint(&'d str),
    Route(&'d str),
}

/// What a member says of its part in the policy.
pub(super) enum Part {
    /// Nothing: the policy asks nothing.
    Plain,
    Weight(Weight),
    /// Where it stands; none where its endpoint says so.
    Site(Option<Site>, Bias),
    Area(Area),
    /// A location of the route's collection; none for clients that no other member is for.
    Location(Option<LocationName>),
}

pub(super) fn read_route<'d>(name: &'d str, span: Span, mut table: Table<'d>, zone: &Name, default_ttl: Ttl) -> Route<'d> {
    let owner = Name::parse(name, Some(zone)).map_err(|error| table.error(&error.to_string())).ok();
    let policy = table.required("policy", "\"failover\"").and_then(|value| read_policy(&value));
    let (ttl, range) = read_route_ttl(&mut table, default_ttl);
    let cidr = read_cidr(&mut table, policy);
    let options = GroupOptions { ttl: range, ..read_options(&mut table) };
    let branch_names = table.bool_or("branch_names", false);
    let written = table.required("members", "[\"fra\", \"iad\"]");
    let items = written.as_ref().map(|value| value.items()).unwrap_or_default();
    if let Some(value) = written.filter(|value| value.is_empty_array()) {
        value.wrong("the route has no members", "the names of endpoints, or route:NAME");
    }
    let members = items.iter().filter_map(|item| read_member(item, policy)).collect();
    table.finish();
    Route { span, owner, policy, ttl, cidr, options, branch_names, members }
}

/// The TTL of what the route answers, and the range in which it follows how soon that could change, if it does.
fn read_route_ttl(table: &mut Table<'_>, default_ttl: Ttl) -> (Ttl, Option<TtlRange>) {
    match table.optional("ttl") {
        None => (default_ttl, None),
        Some(value) if value.is_table() => {
            let range = read_ttl_range(&value);
            (range.and_then(|range| Ttl::new(range.max.into()).ok()).unwrap_or(default_ttl), range)
        }
        Some(value) => (read_ttl(&value).unwrap_or(default_ttl), None),
    }
}

fn read_policy(value: &Value<'_>) -> Option<Policy> {
    let found = value.string()?;
    let known = Policy::ALL.iter().find(|policy| policy.word() == found);
    if known.is_none() {
        let words: Vec<&str> = Policy::ALL.iter().map(|policy| policy.word()).collect();
        let help = nearest_or(found, words.iter().copied(), &words.join(", "));
        value.wrong(format_args!("{found:?} is no routing policy"), help);
    }
    known.copied()
}

/// The collection whose locations the members name.
fn read_cidr(table: &mut Table<'_>, policy: Option<Policy>) -> Option<CollectionId> {
    match policy {
        Some(Policy::IpBased) => table.required("cidr", "\"offices\"").and_then(|value| read_collection_name(&value)),
        Some(_) => {
            table.refuse("cidr", "means something only with policy = \"ip_based\"");
            None
        }
        None => table.optional("cidr").and_then(|value| read_collection_name(&value)),
    }
}

/// A member: a name, or a table of the name and its part.
fn read_member<'d>(item: &Value<'d>, policy: Option<Policy>) -> Option<Member<'d>> {
    let (used, written) = if item.is_table() {
        let mut table = item.table()?;
        let used = table.required("use", "\"fra\"").and_then(|value| value.string());
        let written = match policy {
            Some(policy) => read_whole_part(table, policy),
            // The keys of a policy that could not be read are unknown.
            None => None,
        };
        (used?, written)
    } else {
        (item.string()?, Some(None))
    };
    let part = match (written, policy) {
        (Some(None), Some(policy)) => part_unsaid(policy, used).map_err(|(lack, help)| item.wrong(lack, help)).ok(),
        (written, _) => written.flatten(),
    };
    let to = used.strip_prefix("route:").map_or(To::Endpoint(used), To::Route);
    Some(Member { to, part, span: item.span.clone() })
}

/// The part that a member's table says: `Some(None)` when it says nothing, none when it is wrong.
fn read_whole_part(mut table: Table<'_>, policy: Policy) -> Option<Option<Part>> {
    let part = read_part(&mut table, policy);
    for (key, policies) in PART_KEYS.iter().filter(|(_, policies)| !policies.contains(&policy)) {
        let words: Vec<String> = policies.iter().map(|policy| format!("{:?}", policy.word())).collect();
        table.refuse(key, &format!("means something only with policy = {}", words.join(" or ")));
    }
    table.finish();
    part
}

/// Every key of a member, and the policies that it means something to.
const PART_KEYS: [(&str, &[Policy]); 8] = [
    ("weight", &[Policy::Weighted]),
    ("region", &[Policy::Latency, Policy::Geoproximity]),
    ("location", &[Policy::Latency, Policy::Geoproximity, Policy::IpBased]),
    ("bias", &[Policy::Geoproximity]),
    ("continent", &[Policy::Geolocation]),
    ("country", &[Policy::Geolocation]),
    ("subdivision", &[Policy::Geolocation]),
    ("default", &[Policy::Geolocation, Policy::IpBased]),
];

fn read_part(table: &mut Table<'_>, policy: Policy) -> Option<Option<Part>> {
    match policy {
        Policy::Simple | Policy::Multivalue | Policy::Failover => Some(None),
        Policy::Weighted => {
            table.optional("weight").map_or(Some(None), |value| read_weight(&value).map(|weight| Some(Part::Weight(weight))))
        }
        Policy::Latency => Some(Some(Part::Site(read_own_site(table)?, Bias::default()))),
        Policy::Geoproximity => {
            let bias = table.optional("bias").map_or(Some(Bias::default()), |value| read_bias(&value));
            Some(Some(Part::Site(read_own_site(table)?, bias?)))
        }
        Policy::Geolocation => {
            let area = read_area(table, &AREA_KEYS).map(|area| area.map(Part::Area));
            or_default(table, area, Part::Area(Area::Anywhere))
        }
        Policy::IpBased => {
            let location = table.optional("location").map(|value| read_location_name(&value));
            let location = location.map_or(Some(None), |location| location.map(|name| Some(Part::Location(Some(name)))));
            or_default(table, location, Part::Location(None))
        }
    }
}

/// The site that the member says in its endpoint's stead; `Some(None)` when it says none.
fn read_own_site(table: &mut Table<'_>) -> Option<Option<Site>> {
    let site = read_site(table)?;
    Some((site != Site::default()).then_some(site))
}

/// The part read, or `default` where the member is for everybody else.
fn or_default(table: &mut Table<'_>, read: Option<Option<Part>>, default: Part) -> Option<Option<Part>> {
    if !table.bool_or("default", false) {
        return read;
    }
    if read?.is_some() {
        table.refuse("default", "is for clients that no other member is for; this one says which it is for");
        return None;
    }
    Some(Some(default))
}

/// The part of a member that says nothing of it; else what it lacks, and what would do.
fn part_unsaid(policy: Policy, used: &str) -> Result<Part, (String, String)> {
    let lacks = |what: &str, example: &str| Err((format!("{used:?} has no {what}"), format!("{{ use = {used:?}, {example} }}")));
    match policy {
        Policy::Simple | Policy::Multivalue | Policy::Failover => Ok(Part::Plain),
        Policy::Latency | Policy::Geoproximity => Ok(Part::Site(None, Bias::default())),
        Policy::Weighted => lacks("weight", "weight = 1"),
        Policy::Geolocation => lacks("area", "continent = \"EU\" }, { …, country = \"DE\" } or { …, default = true"),
        Policy::IpBased => lacks("location", "location = \"berlin\" } or { …, default = true"),
    }
}
