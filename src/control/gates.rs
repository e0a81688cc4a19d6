//! The gates of a zone: one for each member of each record group that chooses, above the member's health check.
//!
//! Knows what is configured, not what is known. Invariant: the gates are in the order of their ids, and the types of one
//! name share theirs where their members have the same name and health and do not say otherwise; else each has its own. Groups of the Route 53 API have none: a zone of a
//! million record sets changes record set by record set, and overrides reach its health checks.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::health::gate::Gate;
use crate::ids::HealthCheckId;
use crate::modes::Modes;
use crate::wire::name::Name;
use crate::zone::group::GroupPolicy;
use crate::zone::group_options::GroupOptions;
use crate::zone::hosted_zone::HostedZone;
use crate::zone::record_set::{Content, RecordSet};

/// The gates of one zone, of which `sets` are all record sets that are not simple, perhaps among others.
pub(super) fn gates_of(zone: &HostedZone, sets: &[&RecordSet]) -> Vec<Gate> {
    let mut gates: BTreeMap<HealthCheckId, Gate> = BTreeMap::new();
    for &set in sets.iter().filter(|set| set.policy.of_group() != GroupPolicy::Simple) {
        let Some(identifier) = &set.set_identifier else { continue };
        let owner: Arc<str> = set.name.to_lowercase().to_string().into();
        let (check, uses) = (set.health_check.clone(), group_behind(zone, set));
        let options = zone.groups.get(&(set.name.clone(), set.rtype));
        let GroupOptions { modes, ttl, .. } = options.cloned().unwrap_or_default();
        let id = Gate::id_of(&owner, identifier.as_str());
        let member = identifier.as_str().into();
        let mut gate = Gate { id: id.clone(), owner, member, check, uses, modes, ttl_follows: ttl.is_some() };
        match gates.get_mut(&id) {
            Some(known) if is_shared(known, &gate) => {
                // What one type says, the others say too, where they say nothing else.
                known.modes = if known.modes == Modes::default() { modes } else { known.modes };
                known.ttl_follows |= gate.ttl_follows;
            }
            Some(_) => {
                gate.id = Gate::id_of_type(&gate.owner, &gate.member, &set.rtype.to_string());
                gates.insert(gate.id.clone(), gate);
            }
            None => drop(gates.insert(id, gate)),
        }
    }
    gates.into_values().collect()
}

/// Whether one gate serves for the members of two types.
fn is_shared(known: &Gate, other: &Gate) -> bool {
    let says_nothing = |gate: &Gate| gate.modes == Modes::default();
    let same_modes = known.modes == other.modes || says_nothing(known) || says_nothing(other);
    same_modes && (&known.check, &known.uses) == (&other.check, &other.uses)
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
