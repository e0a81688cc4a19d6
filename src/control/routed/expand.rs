//! Routes as record sets and options of their groups.
//!
//! What could not be read is left out: it is reported, and no state comes of it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::endpoint::{Endpoint, Family};
use super::route::{Member, Part, Route, To};
use super::{Families, Sugar};
use crate::geography::area::Area;
use crate::ids::{HealthCheckId, SetIdentifier};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::group::GroupPolicy as Policy;
use crate::zone::group_options::GroupOptions;
use crate::zone::record_set::{Alias, CidrLocation, Content, Origin, RecordSet, RoutingPolicy, Ttl};

type Groups = BTreeMap<(Name, RecordType), GroupOptions>;

/// What a member becomes, but for its policy.
struct Target<'d> {
    id: &'d str,
    content: Content,
    health_check: Option<HealthCheckId>,
    place: Option<Area>,
}

impl<'d> Sugar<'d> {
    /// The record groups of every route, and the options of those that have any.
    pub(super) fn expand(&self) -> (Vec<RecordSet>, Groups) {
        let families = self.families();
        let mut record_sets = Vec::new();
        let mut groups = Groups::new();
        for (name, route) in &self.routes {
            let (Some(owner), Some(policy)) = (&route.owner, route.policy) else { continue };
            let own = &families[name];
            if own.is_empty() && !route.members.is_empty() && self.are_members_known(route) {
                let message =
                    format!("[route.{name}]: no member leads to an address, as routes that use only each other never do");
                self.document.error(&route.span, message);
            }
            for family in own {
                let before = record_sets.len();
                self.expand_group(owner, route, policy, *family, &families, &mut record_sets);
                if record_sets.len() > before && route.options != GroupOptions::default() {
                    groups.insert((owner.clone(), family.rtype()), route.options.clone());
                }
            }
        }
        (record_sets, groups)
    }

    fn are_members_known(&self, route: &Route<'_>) -> bool {
        route.members.iter().all(|member| match member.to {
            To::Endpoint(name) => self.endpoints.get(name).is_some_and(|endpoint| !endpoint.families().is_empty()),
            To::Route(name) => self.route(name).is_some_and(|route| route.policy.is_some()),
        })
    }

    /// Appends the record group of one route and family.
    fn expand_group(
        &self,
        owner: &Name,
        route: &Route<'d>,
        policy: Policy,
        family: Family,
        families: &Families<'d>,
        record_sets: &mut Vec<RecordSet>,
    ) {
        if policy == Policy::Simple && route.members.len() > 1 {
            record_sets.push(self.expand_simple(owner, route, family));
            return;
        }
        for (at, member) in route.members.iter().enumerate() {
            if !self.member_families(member.to, families).contains(&family) {
                continue;
            }
            let Some(Target { id, content, health_check, place }) = self.target(member.to, route.ttl, family) else { continue };
            let Some(policy) = self.policy_of(route, policy, at, member) else { continue };
            let id = identifier(route, member, id);
            let set_identifier = match (&policy, SetIdentifier::new(&id)) {
                (RoutingPolicy::Simple, _) => None,
                (_, Ok(id)) => Some(id),
                (_, Err(error)) => {
                    self.document.error(&member.span, format!("the set identifier {id:?} {error}"));
                    continue;
                }
            };
            let (name, rtype, origin) = (owner.clone(), family.rtype(), self.origin_of(member));
            record_sets.push(RecordSet { name, rtype, set_identifier, policy, content, health_check, place, origin });
        }
    }

    /// The policy of the member at a place among its route's.
    fn policy_of(&self, route: &Route<'_>, policy: Policy, at: usize, member: &Member<'_>) -> Option<RoutingPolicy> {
        Some(match (policy, member.part.as_ref()?) {
            (Policy::Simple, _) => RoutingPolicy::Simple,
            (Policy::Multivalue, _) => RoutingPolicy::Multivalue,
            (Policy::Failover, _) => RoutingPolicy::Failover(u16::try_from(at).unwrap_or(u16::MAX)),
            (_, Part::Weight(weight)) => RoutingPolicy::Weighted(*weight),
            (_, Part::Area(area)) => RoutingPolicy::Geolocation(*area),
            (_, Part::Location(location)) => {
                RoutingPolicy::IpBased(Box::new(CidrLocation { collection: route.cidr.clone()?, location: location.clone() }))
            }
            (policy, Part::Site(own, bias)) => {
                let of_endpoint = || match member.to {
                    To::Endpoint(name) => self.endpoints.get(name)?.site.clone(),
                    To::Route(_) => None,
                };
                let site = own.clone().or_else(of_endpoint)?;
                match policy {
                    Policy::Geoproximity => RoutingPolicy::Geoproximity(site.coordinates?, *bias),
                    _ => RoutingPolicy::Latency(Box::new(site)),
                }
            }
            (_, Part::Plain) => return None,
        })
    }

    /// All members' addresses in one record set.
    fn expand_simple(&self, owner: &Name, route: &Route<'_>, family: Family) -> RecordSet {
        let endpoints = route.members.iter().filter_map(|member| match member.to {
            To::Endpoint(name) => self.endpoints.get(name),
            To::Route(_) => None,
        });
        let answered = endpoints.filter(|endpoint| endpoint.addresses.iter().any(|address| Family::of(address) == family));
        let answered: Vec<&Endpoint> = answered.collect();
        let addresses: Vec<IpAddr> = answered.iter().flat_map(|endpoint| endpoint.addresses.iter().copied()).collect();
        RecordSet {
            place: common_place(&answered),
            origin: Origin { file: 0, line: self.document.line(&route.span) },
            ..RecordSet::simple(owner.clone(), family.rtype(), route.ttl, family.rdata_of(&addresses))
        }
    }

    fn target<'a>(&self, to: To<'a>, ttl: Ttl, family: Family) -> Option<Target<'a>> {
        match to {
            To::Endpoint(id) => {
                let endpoint = self.endpoints.get(id)?;
                let content = endpoint.content(family, ttl, true);
                Some(Target { id, content, health_check: endpoint.health_check.clone(), place: endpoint.place })
            }
            To::Route(id) => {
                let route = self.route(id)?;
                // A decision that entered a fence does not leave it, so what stands inside can't be evaluated from above.
                let evaluate_target_health = route.options.fence.is_empty();
                let content = Content::Alias(Box::new(Alias { target: route.owner.clone()?, evaluate_target_health }));
                Some(Target { id, content, health_check: None, place: None })
            }
        }
    }

    pub(super) fn origin_of(&self, member: &Member<'_>) -> Origin {
        Origin { file: 0, line: self.document.line(&member.span) }
    }
}

/// A member's set identifier: its name, and what it is for where the route has others of that name (`iad-US`,
/// `iad-default`).
fn identifier(route: &Route<'_>, member: &Member<'_>, name: &str) -> String {
    let is_repeated = route.members.iter().filter(|other| other.to == member.to).count() > 1;
    match &member.part {
        Some(Part::Area(Area::Anywhere) | Part::Location(None)) if is_repeated => format!("{name}-default"),
        Some(Part::Area(area)) if is_repeated => format!("{name}-{area}"),
        Some(Part::Location(Some(location))) if is_repeated => format!("{name}-{location}"),
        _ => name.to_owned(),
    }
}

/// The smallest place that all endpoints stand in; none where there is none smaller than a continent.
fn common_place(endpoints: &[&Endpoint]) -> Option<Area> {
    let first = endpoints.first()?.place?;
    let country = |area: Area| match area {
        Area::Country(country) | Area::Subdivision(country, _) => Some(country),
        Area::Anywhere | Area::Continent(_) => None,
    };
    if endpoints.iter().all(|endpoint| endpoint.place == Some(first)) {
        return Some(first);
    }
    let in_one = endpoints.iter().all(|endpoint| endpoint.place.and_then(country) == country(first));
    country(first).filter(|_| in_one).map(Area::Country)
}
