//! How long a failure can go on being answered: the time to detect it, and what caches hold on to.
//!
//! Arithmetic on a state; measures nothing. Invariant: an upper bound, with an endpoint that stops answering right
//! after a probe and every probe then taking all of its deadlines; a prober that waits between probes for longer
//! than the interval, and resolvers that keep answers beyond their TTL, are not in it.
//! Source: Route 53 developer guide, "How Amazon Route 53 determines whether a health check is healthy".

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::state::State;
use crate::health::check::{CheckKind, Deadlines, EndpointCheck, Protocol};
use crate::ids::HealthCheckId;
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::branch::is_branch_name;
use crate::zone::hosted_zone::HostedZone;
use crate::zone::record_set::{Content, RecordSet};

/// One routed name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailoverTime {
    pub name: Name,
    /// The types for which the times are these.
    pub rtypes: Vec<RecordType>,
    /// The policy's word.
    pub policy: &'static str,
    /// Until the slowest of its health checks has turned.
    pub detect: Duration,
    /// Until caches have let go of the last answer before that: the longest TTL answered.
    pub cache: Duration,
}

impl FailoverTime {
    /// From the failure to the last client led away.
    pub fn total(&self) -> Duration {
        self.detect + self.cache
    }
}

/// The times of every record group that depends on a health check, in the order written.
pub fn failover_times(state: &State) -> Vec<FailoverTime> {
    state.zones.iter().flat_map(|zone| of_zone(zone, state)).collect()
}

fn of_zone(zone: &HostedZone, state: &State) -> Vec<FailoverTime> {
    let mut groups: BTreeMap<(&Name, RecordType), Vec<&RecordSet>> = BTreeMap::new();
    let mut order = Vec::new();
    for set in &zone.record_sets {
        // What only checks by dig ask for fails over for nobody.
        if is_branch_name(&set.name) {
            continue;
        }
        let group = groups.entry((&set.name, set.rtype)).or_default();
        if group.is_empty() {
            order.push((&set.name, set.rtype));
        }
        group.push(set);
    }
    let mut times: Vec<FailoverTime> = Vec::new();
    for (name, rtype) in order {
        let policy = groups[&(name, rtype)][0].policy.word();
        let Some((detect, cache)) = of_group(&groups, name, rtype, state) else { continue };
        let same = |time: &&mut FailoverTime| time.name == *name && (time.detect, time.cache) == (detect, cache);
        match times.iter_mut().rev().take(TYPES_COMPARED).find(same).filter(|time| time.policy == policy) {
            Some(time) => time.rtypes.push(rtype),
            None => times.push(FailoverTime { name: name.clone(), rtypes: vec![rtype], policy, detect, cache }),
        }
    }
    times
}

/// How many rows back a row for the same name is looked for: as many as a route makes groups.
const TYPES_COMPARED: usize = 2;

/// The slowest check and the longest TTL of the group and of all that its aliases lead to; none without a check.
fn of_group(
    groups: &BTreeMap<(&Name, RecordType), Vec<&RecordSet>>,
    name: &Name,
    rtype: RecordType,
    state: &State,
) -> Option<(Duration, Duration)> {
    let (mut detect, mut cache) = (None, Duration::ZERO);
    let mut seen = BTreeSet::from([name]);
    let mut left = vec![name];
    while let Some(name) = left.pop() {
        for set in groups.get(&(name, rtype)).into_iter().flatten() {
            // Health counts below an alias that does not evaluate it, too: within the target's own group.
            detect = detect.max(set.health_check.as_ref().and_then(|id| time_to_detect(state, id)));
            match &set.content {
                Content::Values { ttl, .. } => cache = cache.max(Duration::from_secs(ttl.secs().into())),
                Content::Alias(alias) if seen.insert(&alias.target) => left.push(&alias.target),
                Content::Alias(_) => {}
            }
        }
    }
    Some((detect?, cache))
}

/// Until `fall` probes in a row have failed, or those of the slowest child; none for what is never probed.
fn time_to_detect(state: &State, id: &HealthCheckId) -> Option<Duration> {
    let check = state.checks.get(id).filter(|check| !check.disabled)?;
    match &check.kind {
        CheckKind::Endpoint(endpoint) => Some(failing(endpoint)),
        CheckKind::Calculated { children, .. } => {
            let probed = children.iter().filter_map(|child| state.checks.get(child)).filter(|child| !child.disabled);
            let times = probed.filter_map(|child| match &child.kind {
                CheckKind::Endpoint(endpoint) => Some(failing(endpoint)),
                CheckKind::Calculated { .. } => None,
            });
            times.max()
        }
    }
}

/// An interval and a probe that takes as long as it may, `fall` times.
fn failing(check: &EndpointCheck) -> Duration {
    (check.interval + longest_probe(check)) * u32::from(check.thresholds.fall.get())
}

/// The deadlines of the phases that the protocol has.
fn longest_probe(check: &EndpointCheck) -> Duration {
    let Deadlines { connect, status, body } = check.deadlines;
    match &check.protocol {
        Protocol::Tcp => connect,
        Protocol::Http(request) | Protocol::Https { request, .. } if request.search.is_some() => connect + status + body,
        Protocol::Http(_) | Protocol::Https { .. } => connect + status,
    }
}
