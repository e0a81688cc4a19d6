//! `[endpoint]` and `[route]` tables, expanded to record sets and health checks.
//!
//! Sugar only: whatever is written here could be written as `[[record]]` and `[check]`, and `expand` prints it so.
//! Invariant: a route makes one record group for each address family that its members lead to; a member's set
//! identifier is its endpoint's or route's name, and its failover tier its place among the members.
//! Source: Route 53 developer guide, "Choosing a routing policy" and "Configuring failover in a complex configuration".

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::probed::{DefinedCheck, Probe, read_target};
use super::raw_record::{read_ttl, read_weight};
use crate::ids::{HealthCheckId, SetIdentifier};
use crate::problem::{Problem, nearest};
use crate::toml_table::{Document, Span, Table, Value};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::record_set::{Alias, Content, Origin, RdataList, RecordSet, RoutingPolicy, Ttl, Weight};

/// What the sugar of one file stands for.
pub(super) struct Routed {
    pub record_sets: Vec<RecordSet>,
    pub checks: Vec<DefinedCheck>,
}

struct Endpoint {
    span: Span,
    addresses: Vec<IpAddr>,
    /// The id of the check its probe makes.
    health_check: Option<HealthCheckId>,
}

struct Route<'d> {
    span: Span,
    owner: Option<Name>,
    policy: Option<Policy>,
    ttl: Ttl,
    members: Vec<Member<'d>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Policy {
    Simple,
    Multivalue,
    Weighted,
    Failover,
}

struct Member<'d> {
    to: To<'d>,
    weight: Option<Weight>,
    span: Span,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum To<'d> {
    Endpoint(&'d str),
    Route(&'d str),
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    V4,
    V6,
}

/// Reads the endpoints and routes of a file and expands them.
pub(super) fn read_routed<'d>(
    root: &mut Table<'d>,
    zone: &Name,
    default_ttl: Ttl,
    probes: &BTreeMap<&str, Option<Probe>>,
) -> Routed {
    let document = root.document();
    let mut checks = Vec::new();
    let mut endpoints = BTreeMap::new();
    let mut probes_used = BTreeSet::new();
    for (name, span, table) in root.named_tables("endpoint") {
        endpoints.insert(name, read_endpoint(name, span, table, probes, &mut checks, &mut probes_used));
    }
    let tables = root.named_tables("route");
    let routes = tables.into_iter().map(|(name, span, table)| (name, read_route(name, span, table, zone, default_ttl)));
    let routes: Vec<_> = routes.collect();
    let route_places = routes.iter().enumerate().map(|(place, (name, _))| (*name, place)).collect();
    let sugar = Sugar { document, endpoints, routes, route_places };
    sugar.check_members();
    sugar.check_unused(probes, &probes_used);
    Routed { record_sets: sugar.record_sets(), checks }
}

fn read_endpoint<'d>(
    name: &'d str,
    span: Span,
    mut table: Table<'d>,
    probes: &BTreeMap<&str, Option<Probe>>,
    checks: &mut Vec<DefinedCheck>,
    probes_used: &mut BTreeSet<&'d str>,
) -> Endpoint {
    let written = table.required("address", "[\"192.0.2.10\"]");
    if let Some(value) = written.as_ref().filter(|value| value.is_empty_array()) {
        value.wrong("the endpoint has no address", "such as address = [\"192.0.2.10\", \"2001:db8::10\"]");
    }
    let items = written.map(|value| value.items()).unwrap_or_default();
    let addresses: Vec<IpAddr> = items.iter().filter_map(|item| item.parsed("such as 192.0.2.10 or 2001:db8::10")).collect();
    read_region(&mut table);
    let probe = table.optional("probe").and_then(|value| Some((value.string()?, value)));
    let target = table.optional("target").map(|value| read_target(&value));
    let id = HealthCheckId::new(name).map_err(|error| table.error(&format!("the name {error}"))).ok();
    let document = table.document();
    if target.is_some() && probe.is_none() {
        table.refuse("target", "means something only with a probe");
    }
    table.finish();
    let Some((word, value)) = probe else { return Endpoint { span, addresses, health_check: None } };
    probes_used.insert(word);
    let check = match probes.get(word) {
        None => {
            let help = nearest_or(word, probes.keys().copied(), "define it as [probe.NAME]");
            value.wrong(format_args!("no probe is named {word:?}"), help);
            None
        }
        Some(probe) => probe.as_ref().zip(addresses.first()).zip(id.clone()).and_then(|((probe, address), id)| {
            let check = probe.check(id, *address, target.flatten());
            if check.is_none() {
                value.wrong(
                    format_args!("nothing says which port the tcp probe {word:?} connects to"),
                    "port in the probe, or in target",
                );
            }
            check
        }),
    };
    checks.extend(id.clone().map(|id| DefinedCheck { id, place: document.place(&span), check }));
    Endpoint { span, addresses, health_check: id }
}

/// Where the endpoint is: read for its form, and used by no policy of this version.
fn read_region(table: &mut Table<'_>) {
    if let Some(region) = table.optional("region")
        && region.string() == Some("")
    {
        region.wrong("the region is empty", "such as aws:eu-central-1");
    }
    if let Some(location) = table.optional("location") {
        let degrees: Vec<f64> = location.items().iter().filter_map(|item| item.number()).collect();
        let is_place = matches!(degrees[..], [north, east] if north.abs() <= 90.0 && east.abs() <= 180.0);
        if !is_place {
            location.wrong("is no place on Earth", "degrees north and east, such as [50.11, 8.68]");
        }
    }
}

fn read_route<'d>(name: &'d str, span: Span, mut table: Table<'d>, zone: &Name, default_ttl: Ttl) -> Route<'d> {
    let owner = Name::parse(name, Some(zone)).map_err(|error| table.error(&error.to_string())).ok();
    let policy = table.required("policy", "\"failover\"").and_then(|value| read_policy(&value));
    let ttl = table.optional("ttl").and_then(|value| read_ttl(&value)).unwrap_or(default_ttl);
    let written = table.required("members", "[\"fra\", \"iad\"]");
    let items = written.as_ref().map(|value| value.items()).unwrap_or_default();
    if let Some(value) = written.filter(|value| value.is_empty_array()) {
        value.wrong("the route has no members", "the names of endpoints, or route:NAME");
    }
    let members = items.iter().filter_map(|item| read_member(item, policy)).collect();
    table.finish();
    Route { span, owner, policy, ttl, members }
}

fn read_policy(value: &Value<'_>) -> Option<Policy> {
    const HAS: &str = "this version has simple, multivalue, weighted, failover";
    let found = value.string()?;
    let known = [
        ("simple", Policy::Simple),
        ("multivalue", Policy::Multivalue),
        ("weighted", Policy::Weighted),
        ("failover", Policy::Failover),
    ];
    if let Some((_, policy)) = known.iter().find(|(word, _)| *word == found) {
        return Some(*policy);
    }
    if ["latency", "geolocation", "geoproximity", "ip_based"].contains(&found) {
        value.wrong(format_args!("this version does not have the policy {found}"), HAS);
    } else {
        let help = nearest_or(found, known.iter().map(|(word, _)| *word), HAS);
        value.wrong(format_args!("{found:?} is no routing policy"), help);
    }
    None
}

/// A member: a name, or a table of the name and its weight.
fn read_member<'d>(item: &Value<'d>, policy: Option<Policy>) -> Option<Member<'d>> {
    let mut weight = None;
    let mut has_weight = false;
    let used = if item.is_table() {
        let mut table = item.table()?;
        let used = table.required("use", "\"fra\"").and_then(|value| value.string());
        let written = table.optional("weight");
        has_weight = written.is_some();
        weight = written.and_then(|value| read_weight(&value));
        // The keys of a policy that could not be read are unknown.
        if policy.is_some() {
            if policy != Some(Policy::Weighted) {
                table.refuse("weight", "means something only with policy = \"weighted\"");
            }
            table.finish();
        }
        used?
    } else {
        item.string()?
    };
    if policy == Some(Policy::Weighted) && !has_weight {
        item.wrong(format_args!("{used:?} has no weight"), format!("{{ use = {used:?}, weight = 1 }}"));
    }
    let to = used.strip_prefix("route:").map_or(To::Endpoint(used), To::Route);
    Some(Member { to, weight, span: item.span.clone() })
}

/// The known word that was likely meant, or what to do instead.
fn nearest_or<'k>(found: &str, known: impl IntoIterator<Item = &'k str>, otherwise: &str) -> String {
    nearest(found, known).map_or_else(|| otherwise.to_owned(), |near| format!("did you mean {near:?}?"))
}

/// The endpoints and routes of one file.
struct Sugar<'d> {
    document: &'d Document<'d>,
    endpoints: BTreeMap<&'d str, Endpoint>,
    /// In the order written.
    routes: Vec<(&'d str, Route<'d>)>,
    /// Where each route is among them.
    route_places: BTreeMap<&'d str, usize>,
}

impl<'d> Sugar<'d> {
    fn route(&self, name: &str) -> Option<&Route<'d>> {
        self.route_places.get(name).map(|place| &self.routes[*place].1)
    }

    /// Reports members that nobody defines, or that their route's policy can't have.
    fn check_members(&self) {
        for (name, route) in &self.routes {
            for member in &route.members {
                self.check_member(member);
            }
            self.check_policy(name, route);
        }
    }

    fn check_member(&self, member: &Member<'_>) {
        let (message, help) = match member.to {
            To::Endpoint(name) if !self.endpoints.contains_key(name) => {
                let help = match self.route(name) {
                    Some(_) => format!("\"route:{name}\" is the route"),
                    None => nearest_or(name, self.endpoints.keys().copied(), "define it as [endpoint.NAME]"),
                };
                (format!("no endpoint is named {name:?}"), help)
            }
            To::Route(name) if self.route(name).is_none() => {
                let known = self.routes.iter().map(|(name, _)| *name);
                (format!("no route is named {name:?}"), nearest_or(name, known, "define it as [route.NAME]"))
            }
            To::Endpoint(_) | To::Route(_) => return,
        };
        self.document.report(&member.span, Problem::error(message).help(help));
    }

    fn check_policy(&self, name: &str, route: &Route<'_>) {
        let has_route = route.members.iter().any(|member| matches!(member.to, To::Route(_)));
        let has_probe = |member: &Member<'_>| match member.to {
            To::Endpoint(name) => self.endpoints.get(name).is_some_and(|endpoint| endpoint.health_check.is_some()),
            To::Route(_) => false,
        };
        let problem = match route.policy {
            Some(Policy::Multivalue) if has_route => {
                Problem::error(format!("[route.{name}]: a multivalue route has endpoints as members, no routes"))
            }
            Some(Policy::Simple) if has_route && route.members.len() > 1 => {
                Problem::error(format!("[route.{name}]: a simple route has endpoints as members, or one route"))
            }
            Some(Policy::Simple) if route.members.len() > 1 && route.members.iter().any(has_probe) => {
                let message = format!("[route.{name}]: a simple route answers with all members, healthy or not");
                Problem::warning(message).help("policy = \"multivalue\" leaves the unhealthy out")
            }
            _ => return,
        };
        self.document.report(&route.span, problem);
    }

    /// Warns of what was defined for nothing.
    fn check_unused(&self, probes: &BTreeMap<&str, Option<Probe>>, probes_used: &BTreeSet<&str>) {
        let used: BTreeSet<To<'_>> = self.routes.iter().flat_map(|(_, route)| &route.members).map(|member| member.to).collect();
        for (name, endpoint) in &self.endpoints {
            if !used.contains(&To::Endpoint(name)) {
                self.document.report(&endpoint.span, Problem::warning(format!("no route uses the endpoint {name:?}")));
            }
        }
        for (name, probe) in probes {
            if let Some(probe) = probe.as_ref().filter(|_| !probes_used.contains(name)) {
                self.document.report(&probe.span, Problem::warning(format!("no endpoint uses the probe {name:?}")));
            }
        }
    }

    /// The record groups of every route.
    fn record_sets(&self) -> Vec<RecordSet> {
        let families = self.families();
        let mut record_sets = Vec::new();
        for (name, route) in &self.routes {
            let (Some(owner), Some(policy)) = (&route.owner, route.policy) else { continue };
            let own = &families[name];
            let members_known = route.members.iter().all(|member| match member.to {
                To::Endpoint(name) => self.endpoints.get(name).is_some_and(|endpoint| !endpoint.addresses.is_empty()),
                To::Route(name) => self.route(name).is_some_and(|route| route.policy.is_some()),
            });
            if own.is_empty() && members_known && !route.members.is_empty() {
                let message =
                    format!("[route.{name}]: no member leads to an address, as routes that use only each other never do");
                self.document.error(&route.span, message);
            }
            for family in own {
                self.expand(owner, route, policy, *family, &families, &mut record_sets);
            }
        }
        record_sets
    }

    /// The families that each route's members lead to: what its endpoints have, handed on to the routes that use it
    /// until nothing is new. A loop of routes ends so, too; as aliases it is reported by `zone::check`.
    fn families(&self) -> BTreeMap<&'d str, BTreeSet<Family>> {
        let mut families = BTreeMap::new();
        let mut users: BTreeMap<&str, Vec<&'d str>> = BTreeMap::new();
        for (name, route) in &self.routes {
            let direct = route.members.iter().flat_map(|member| self.member_families(member.to, &BTreeMap::new()));
            families.insert(*name, direct.collect::<BTreeSet<Family>>());
            for member in &route.members {
                if let To::Route(used) = member.to {
                    users.entry(used).or_default().push(name);
                }
            }
        }
        let mut left: Vec<&str> = families.keys().copied().collect();
        while let Some(name) = left.pop() {
            let Some(handed_on) = families.get(name).cloned() else { continue };
            for user in users.get(name).into_iter().flatten() {
                let own = families.entry(user).or_default();
                let before = own.len();
                own.extend(&handed_on);
                if own.len() > before {
                    left.push(user);
                }
            }
        }
        families
    }

    fn member_families(&self, to: To<'_>, routes: &BTreeMap<&str, BTreeSet<Family>>) -> BTreeSet<Family> {
        match to {
            To::Endpoint(name) => {
                self.endpoints.get(name).into_iter().flat_map(|endpoint| endpoint.addresses.iter().map(family_of)).collect()
            }
            To::Route(name) => routes.get(name).cloned().unwrap_or_default(),
        }
    }

    /// Appends the record group of one route and family.
    fn expand(
        &self,
        owner: &Name,
        route: &Route<'_>,
        policy: Policy,
        family: Family,
        families: &BTreeMap<&str, BTreeSet<Family>>,
        record_sets: &mut Vec<RecordSet>,
    ) {
        if policy == Policy::Simple && route.members.len() > 1 {
            record_sets.extend(self.expand_simple(owner, route, family));
            return;
        }
        for (place, member) in route.members.iter().enumerate() {
            if !self.member_families(member.to, families).contains(&family) {
                continue;
            }
            let Some((id, content, health_check)) = self.member_content(member.to, route.ttl, family) else { continue };
            let policy = match policy {
                Policy::Simple => RoutingPolicy::Simple,
                Policy::Multivalue => RoutingPolicy::Multivalue,
                Policy::Failover => RoutingPolicy::Failover(u16::try_from(place).unwrap_or(u16::MAX)),
                Policy::Weighted => match member.weight {
                    Some(weight) => RoutingPolicy::Weighted(weight),
                    None => continue,
                },
            };
            let set_identifier = match (&policy, SetIdentifier::new(id)) {
                (RoutingPolicy::Simple, _) => None,
                (_, Ok(id)) => Some(id),
                (_, Err(error)) => {
                    self.document.error(&member.span, format!("the set identifier {id:?} {error}"));
                    continue;
                }
            };
            let origin = Origin { file: 0, line: self.document.line(&member.span) };
            let (name, rtype) = (owner.clone(), rtype_of(family));
            record_sets.push(RecordSet { name, rtype, set_identifier, policy, content, health_check, place: None, origin });
        }
    }

    /// All members' addresses in one record set.
    fn expand_simple(&self, owner: &Name, route: &Route<'_>, family: Family) -> Option<RecordSet> {
        let endpoints = route.members.iter().filter_map(|member| match member.to {
            To::Endpoint(name) => self.endpoints.get(name),
            To::Route(_) => None,
        });
        let addresses: Vec<IpAddr> = endpoints.flat_map(|endpoint| endpoint.addresses.iter().copied()).collect();
        let origin = Origin { file: 0, line: self.document.line(&route.span) };
        Some(RecordSet {
            name: owner.clone(),
            rtype: rtype_of(family),
            set_identifier: None,
            policy: RoutingPolicy::Simple,
            content: Content::Values { ttl: route.ttl, rdata: rdata_of(&addresses, family) },
            health_check: None,
            place: None,
            origin,
        })
    }

    fn member_content<'a>(&self, to: To<'a>, ttl: Ttl, family: Family) -> Option<(&'a str, Content, Option<HealthCheckId>)> {
        match to {
            To::Endpoint(name) => {
                let endpoint = self.endpoints.get(name)?;
                let rdata = rdata_of(&endpoint.addresses, family);
                Some((name, Content::Values { ttl, rdata }, endpoint.health_check.clone()))
            }
            To::Route(name) => {
                let target = self.route(name)?.owner.clone()?;
                Some((name, Content::Alias(Box::new(Alias { target, evaluate_target_health: true })), None))
            }
        }
    }
}

fn family_of(address: &IpAddr) -> Family {
    if address.is_ipv4() { Family::V4 } else { Family::V6 }
}

fn rtype_of(family: Family) -> RecordType {
    match family {
        Family::V4 => RecordType::A,
        Family::V6 => RecordType::AAAA,
    }
}

/// The addresses of one family as rdata.
fn rdata_of(addresses: &[IpAddr], family: Family) -> RdataList {
    RdataList::new(addresses.iter().filter(|address| family_of(address) == family).map(|address| match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }))
}
