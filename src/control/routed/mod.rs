//! `[endpoint]` and `[route]` tables, expanded to record sets, group options and health checks.
//!
//! ```text
//! [endpoint] ── endpoint ─┐
//! [route] ───── route ────┴ check ── expand, branches ──> RecordSet, GroupOptions
//! ```
//!
//! Sugar only: whatever is written here could be written as `[[record]]`, `[[group]]` and `[check]`, and
//! `control::expand` prints it so. Invariant: a route makes one record group for each address family that its members
//! lead to; a member's set identifier begins with its endpoint's or route's name, and its failover tier is its place.
//! Source: Route 53 developer guide, "Choosing a routing policy" and "Configuring failover in a complex configuration".

mod branches;
mod check;
mod endpoint;
mod expand;
mod route;

use std::collections::{BTreeMap, BTreeSet};

use super::probed::{DefinedCheck, Probe};
use crate::problem::nearest;
use crate::toml_table::{Document, Table};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::group_options::GroupOptions;
use crate::zone::record_set::{RecordSet, Ttl};
use endpoint::{Endpoint, Family, Probing};
use route::{Route, To, read_route};

/// What the sugar of one file stands for.
pub(super) struct Routed {
    pub record_sets: Vec<RecordSet>,
    /// Of the groups that do more than their policy says.
    pub groups: BTreeMap<(Name, RecordType), GroupOptions>,
    pub checks: Vec<DefinedCheck>,
}

/// Reads the endpoints and routes of a file and expands them.
pub(super) fn read_routed<'d>(
    root: &mut Table<'d>,
    zone: &Name,
    default_ttl: Ttl,
    probes: &BTreeMap<&'d str, Option<Probe>>,
) -> Routed {
    let document = root.document();
    let mut probing = Probing { zone, probes, used: BTreeSet::new(), checks: Vec::new() };
    let endpoints = root.named_tables("endpoint").into_iter();
    let endpoints = endpoints.map(|(name, span, table)| (name, probing.read_endpoint(name, span, table))).collect();
    let tables = root.named_tables("route");
    let routes = tables.into_iter().map(|(name, span, table)| (name, read_route(name, span, table, zone, default_ttl)));
    let routes: Vec<_> = routes.collect();
    let route_places = routes.iter().enumerate().map(|(place, (name, _))| (*name, place)).collect();
    let sugar = Sugar { document, endpoints, routes, route_places };
    sugar.check_members();
    sugar.check_unused(probes, &probing.used);
    let (mut record_sets, groups) = sugar.expand();
    record_sets.extend(sugar.branch_names());
    Routed { record_sets, groups, checks: probing.checks }
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

/// The families that each route's members lead to.
type Families<'d> = BTreeMap<&'d str, BTreeSet<Family>>;

impl<'d> Sugar<'d> {
    fn route(&self, name: &str) -> Option<&Route<'d>> {
        self.route_places.get(name).map(|place| &self.routes[*place].1)
    }

    /// The families of every route: what its endpoints have, handed on to the routes that use it until nothing is new.
    /// A loop of routes ends so, too; as aliases it is reported by `zone::check`.
    fn families(&self) -> Families<'d> {
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

    fn member_families(&self, to: To<'_>, routes: &Families<'_>) -> BTreeSet<Family> {
        match to {
            To::Endpoint(name) => self.endpoints.get(name).map(Endpoint::families).unwrap_or_default(),
            To::Route(name) => routes.get(name).cloned().unwrap_or_default(),
        }
    }
}

/// The known word that was likely meant, or what to do instead.
fn nearest_or<'k>(found: &str, known: impl IntoIterator<Item = &'k str>, otherwise: &str) -> String {
    nearest(found, known).map_or_else(|| otherwise.to_owned(), |near| format!("did you mean {near:?}?"))
}
