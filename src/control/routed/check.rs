//! What is wrong with endpoints and routes before they are expanded: members that nobody defines or that their policy
//! can't have, and what was defined for nothing.
//!
//! Everything that can be seen in record sets as well is `zone::check`'s question.

use std::collections::{BTreeMap, BTreeSet};

use super::route::{Member, Part, Route, To};
use super::{Sugar, nearest_or};
use crate::control::probed::Probe;
use crate::geography::site::Site;
use crate::problem::Problem;
use crate::zone::group::GroupPolicy as Policy;

impl Sugar<'_> {
    /// Reports members that nobody defines, or that their route's policy can't have.
    pub(super) fn check_members(&self) {
        for (name, route) in &self.routes {
            for member in &route.members {
                self.check_member(member);
            }
            self.check_policy(name, route);
            self.check_sites(route);
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
        let has_alias = |member: &Member<'_>| match member.to {
            To::Endpoint(name) => self.endpoints.get(name).is_some_and(|endpoint| endpoint.alias.is_some()),
            To::Route(_) => false,
        };
        let problem = match route.policy {
            Some(Policy::Multivalue) if has_route => {
                Problem::error(format!("[route.{name}]: a multivalue route has endpoints as members, no routes"))
            }
            Some(Policy::Simple) if has_route && route.members.len() > 1 => {
                Problem::error(format!("[route.{name}]: a simple route has endpoints as members, or one route"))
            }
            Some(Policy::Simple) if route.members.len() > 1 && route.members.iter().any(has_alias) => {
                let message = format!("[route.{name}]: an endpoint with an alias answers alone");
                Problem::error(message).help("the only member of a simple route, or a policy that chooses one")
            }
            Some(Policy::Simple) if route.members.len() > 1 && route.members.iter().any(has_probe) => {
                let message = format!("[route.{name}]: a simple route answers with all members, healthy or not");
                Problem::warning(message).help("policy = \"multivalue\" leaves the unhealthy out")
            }
            _ => return,
        };
        self.document.report(&route.span, problem);
    }

    /// A member that is chosen by where it stands stands somewhere.
    fn check_sites(&self, route: &Route<'_>) {
        for member in &route.members {
            let Some(Part::Site(None, _)) = &member.part else { continue };
            let (message, help) = match member.to {
                To::Endpoint(name) => {
                    let is_nowhere = |endpoint: &super::Endpoint| endpoint.site == Some(Site::default());
                    if !self.endpoints.get(name).is_some_and(is_nowhere) {
                        continue;
                    }
                    (format!("nothing says where {name:?} stands"), "region or location, in the endpoint or here".to_owned())
                }
                To::Route(name) => {
                    let help = format!("{{ use = \"route:{name}\", region = \"aws:eu-central-1\" }}, or location");
                    (format!("nothing says where the route {name:?} stands"), help)
                }
            };
            self.document.report(&member.span, Problem::error(message).help(help));
        }
    }

    /// Warns of what was defined for nothing.
    pub(super) fn check_unused(&self, probes: &BTreeMap<&str, Option<Probe>>, probes_used: &BTreeSet<&str>) {
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
}
