//! Names for checks by dig, that lead past the decision above them: `fra._via.www` is what `[route.www]` answers when it
//! chooses `fra`.
//!
//! Made for routes with `branch_names = true`, and for the routes below those. No health counts here: an endpoint's
//! name has its addresses and no health check, a route's is an alias that does not evaluate it.
//! Invariant: a branch name collides with nothing; as two record sets of one name `zone::check` reports it.

use std::collections::BTreeSet;

use super::Sugar;
use super::endpoint::Family;
use super::route::{Member, Route, To};
use crate::wire::name::Name;
use crate::zone::branch::VIA;
use crate::zone::record_set::{Alias, Content, RecordSet, RoutingPolicy};

impl<'d> Sugar<'d> {
    /// The record sets of all branch names.
    pub(super) fn branch_names(&self) -> Vec<RecordSet> {
        let families = self.families();
        let mut record_sets = Vec::new();
        let with_names = self.with_branch_names();
        for (name, route) in self.routes.iter().filter(|(name, _)| with_names.contains(name)) {
            let Some(via) = self.via(name, route) else { continue };
            for (at, member) in route.members.iter().enumerate() {
                // One that is a member twice, for two areas, is one branch.
                if route.members[..at].iter().any(|before| before.to == member.to) {
                    continue;
                }
                let Some(owner) = self.branch_name(member, &via) else { continue };
                for family in self.member_families(member.to, &families) {
                    record_sets.extend(self.branch(owner.clone(), route, member, family));
                }
            }
        }
        record_sets
    }

    /// The routes that ask for branch names, and those they lead to.
    fn with_branch_names(&self) -> BTreeSet<&'d str> {
        let asking = self.routes.iter().filter(|(_, route)| route.branch_names);
        let mut left: Vec<&str> = asking.map(|(name, _)| *name).collect();
        let mut reached = BTreeSet::new();
        while let Some(name) = left.pop() {
            let Some(route) = self.route(name).filter(|_| reached.insert(name)) else { continue };
            left.extend(route.members.iter().filter_map(|member| match member.to {
                To::Route(name) => Some(name),
                To::Endpoint(_) => None,
            }));
        }
        reached
    }

    /// The name that a route's branches stand below.
    fn via(&self, name: &str, route: &Route<'_>) -> Option<Name> {
        let owner = route.owner.as_ref()?;
        if owner.is_wildcard() {
            self.document
                .error(&route.span, format!("[route.{name}]: a wildcard has no branch names; nobody could ask for them"));
            return None;
        }
        let via = owner.child(VIA);
        via.map_err(|error| self.document.error(&route.span, format!("[route.{name}]: making branch names: {error}"))).ok()
    }

    fn branch_name(&self, member: &Member<'_>, via: &Name) -> Option<Name> {
        let (To::Endpoint(name) | To::Route(name)) = member.to;
        let owner = Name::parse(name, Some(via)).map_err(|error| error.to_string());
        let owner = owner.and_then(|owner| match owner != *via && owner.is_at_or_below(via) {
            true => Ok(owner),
            false => Err(format!("it would be {owner}; a route or endpoint of another name can have one")),
        });
        let report = |error| self.document.error(&member.span, format!("{name:?} can't have a branch name: {error}"));
        owner.map_err(report).ok()
    }

    fn branch(&self, owner: Name, route: &Route<'_>, member: &Member<'_>, family: Family) -> Option<RecordSet> {
        let (content, place) = match member.to {
            To::Endpoint(name) => {
                let endpoint = self.endpoints.get(name)?;
                (endpoint.content(family, route.ttl, false), endpoint.place)
            }
            To::Route(name) => {
                let target = self.route(name)?.owner.clone()?;
                (Content::Alias(Box::new(Alias { target, evaluate_target_health: false })), None)
            }
        };
        Some(RecordSet {
            name: owner,
            rtype: family.rtype(),
            set_identifier: None,
            policy: RoutingPolicy::Simple,
            content,
            health_check: None,
            place,
            origin: self.origin_of(member),
        })
    }
}
