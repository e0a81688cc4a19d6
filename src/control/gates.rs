//! The gates of a zone: one for each member of each record group that chooses, above the member's health check.
//!
//! Knows what is configured, not what is known. Invariant: the gates are in the order of their ids, and the types of one
//! name share theirs, as they share what their members are called. Groups of the Route 53 API have none: a zone of a
//! million record sets changes record set by record set, and overrides reach its health checks.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::health::gate::Gate;
use crate::wire::name::Name;
use crate::zone::group::GroupPolicy;
use crate::zone::group_options::GroupOptions;
use crate::zone::hosted_zone::HostedZone;
use crate::zone::record_set::{Content, RecordSet};

/// The gates of one zone.
pub(super) fn gates_of(zone: &HostedZone) -> Vec<Gate> {
    let mut gates = BTreeMap::new();
    for set in zone.record_sets.iter().filter(|set| set.policy.of_group() != GroupPolicy::Simple) {
        let Some(identifier) = &set.set_identifier else { continue };
        let owner: Arc<str> = set.name.to_lowercase().to_string().into();
        let id = Gate::id_of(&owner, identifier.as_str());
        let gate = gates.entry(id.clone()).or_insert_with(|| {
            let options = zone.groups.get(&(set.name.clone(), set.rtype));
            let GroupOptions { modes, ttl, .. } = options.cloned().unwrap_or_default();
            let member = identifier.as_str().into();
            Gate { id, owner, member, check: None, uses: None, modes, ttl_follows: ttl.is_some() }
        });
        // What one type has, the others have too, where they say nothing else.
        gate.check = gate.check.take().or_else(|| set.health_check.clone());
        gate.uses = gate.uses.take().or_else(|| group_behind(zone, set));
    }
    gates.into_values().collect()
}

/// The owner name of the group that a member is an alias of, where that group's health is its own.
fn group_behind(zone: &HostedZone, set: &RecordSet) -> Option<Arc<str>> {
    match &set.content {
        Content::Alias(alias) if alias.evaluate_target_health && is_inside(zone, &alias.target) => {
            Some(alias.target.to_lowercase().to_string().into())
        }
        _ => None,
    }
}

fn is_inside(zone: &HostedZone, name: &Name) -> bool {
    name.is_at_or_below(&zone.name)
}
