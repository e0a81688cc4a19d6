//! How long a failure can go on being answered: the time to detect it, and what caches hold on to.
//!
//! Arithmetic on a state; measures nothing. Invariant: an upper bound, with an endpoint that stops answering right
//! after a probe and every probe then taking all of its deadlines; a prober that waits between probes for longer
//! than the interval, and resolvers that keep answers beyond their TTL, are not in it.
//! Source: Route 53 developer guide, "How Amazon Route 53 determines whether a health check is healthy".

use std::collections::BTreeSet;
use std::time::Duration;

use super::grouped::Groups;
use super::state::State;
use crate::health::check::{CheckKind, EndpointCheck};
use crate::health::timing::Timing;
use crate::ids::HealthCheckId;
use crate::modes::{Decision, Failover};
use crate::toml_table::parse_duration;
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::external::TTL_MAX_SECS;
use crate::zone::group_options::GroupOptions;
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

/// One branch: a member of a group, or a whole group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BranchTime {
    /// Until the slowest of its health checks has turned, and whoever is asked has had the time to answer; none where
    /// nothing is probed, or nothing leaves before an operator says so.
    pub detect: Option<Duration>,
    /// Until caches have let go of the last answer before that: the longest TTL answered.
    pub cache: Duration,
}

impl BranchTime {
    /// From the failure to the last client led away; none where no failure is noticed.
    pub fn total(&self) -> Option<Duration> {
        Some(self.detect? + self.cache)
    }
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
    let groups = Groups::of(zone);
    let mut times: Vec<FailoverTime> = Vec::new();
    for &(name, rtype) in &groups.order {
        let members = groups.members((name, rtype));
        let policy = members[0].policy.word();
        let BranchTime { detect: Some(detect), cache } = time_of(members, &groups, state) else { continue };
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

/// The longest TTL answered for a name outside the zone.
const EXTERNAL_TTL_MAX: Duration = Duration::from_secs(TTL_MAX_SECS as u64);

/// How long members wait for somebody once they are known to fail: none for ever.
fn waits(options: Option<&GroupOptions>) -> Option<Duration> {
    match options.map(|options| options.modes.failover).unwrap_or_default() {
        Failover::Auto => Some(Duration::ZERO),
        Failover::Confirm { within, then: Decision::Approve } => Some(within),
        Failover::Confirm { then: Decision::Refuse, .. } | Failover::Manual => None,
    }
}

/// The slowest check and the longest TTL of these members of a group, and of all that their aliases lead to.
pub(super) fn time_of<'s>(members: &[&'s RecordSet], groups: &Groups<'s>, state: &State) -> BranchTime {
    let mut time = BranchTime::default();
    let mut seen = BTreeSet::new();
    let own = members.first().and_then(|set| groups.options((&set.name, set.rtype)));
    let mut waited = waits(own);
    let mut left: Vec<&'s RecordSet> = members.to_vec();
    while let Some(set) = left.pop() {
        // Health counts below an alias that does not evaluate it, too: within the target's own group.
        time.detect = time.detect.max(set.health_check.as_ref().and_then(|id| time_to_detect(state, id)));
        match &set.content {
            Content::Values { ttl, .. } => time.cache = time.cache.max(Duration::from_secs(ttl.secs().into())),
            Content::Alias(_) if groups.is_external(set) => time.cache = time.cache.max(EXTERNAL_TTL_MAX),
            Content::Alias(alias) if seen.insert(&alias.target) => {
                let target = (&alias.target, set.rtype);
                waited = waited.zip(waits(groups.options(target))).map(|(one, other)| one.max(other));
                left.extend(groups.members(target));
            }
            Content::Alias(_) => {}
        }
    }
    time.detect = time.detect.zip(waited).map(|(detect, waited)| detect + waited);
    if let Some(range) = own.and_then(|options| options.ttl) {
        // What was answered before is let go of when the answer could change, or so long after.
        time.cache = time.cache.min(Duration::from_secs(range.min.into()));
    }
    time
}

/// Until `fall` probes in a row have failed, or those of the slowest child; none for what is never probed.
fn time_to_detect(state: &State, id: &HealthCheckId) -> Option<Duration> {
    let check = state.checks.get(id).filter(|check| !check.disabled)?;
    match &check.kind {
        CheckKind::Endpoint(endpoint) => Some(failing(endpoint)),
        // As soon as somebody says so.
        CheckKind::Signal(_) => Some(Duration::ZERO),
        CheckKind::Calculated { children, .. } => {
            let probed = children.iter().filter_map(|child| state.checks.get(child)).filter(|child| !child.disabled);
            let times = probed.filter_map(|child| match &child.kind {
                CheckKind::Endpoint(endpoint) => Some(failing(endpoint)),
                CheckKind::Signal(_) => Some(Duration::ZERO),
                CheckKind::Calculated { .. } => None,
            });
            times.max()
        }
    }
}

/// From the failure, right after a probe that passed, to the last of `fall` probes that each take as long as they may.
fn failing(check: &EndpointCheck) -> Duration {
    let Timing { interval, retry, thresholds, deadlines, .. } = check.timing;
    let (fall, longest) = (u32::from(thresholds.fall.get()), check.protocol.longest(deadlines));
    match retry {
        None => (interval + longest) * fall,
        // A probe that takes longer than the retry is followed by the next at once.
        Some(retry) => interval + retry.max(longest) * (fall - 1) + longest,
    }
}

/// Health checks that would notice a failure much sooner if their probes were repeated after one that fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlowChecks {
    /// In the order of their names.
    pub checks: Vec<HealthCheckId>,
    /// Until they have turned, at most.
    pub detect: Duration,
    /// The same with [`RETRY_HINTED`].
    pub with_retry: Duration,
}

/// What `check` hints at, as it is written.
pub const RETRY_HINTED: &str = "250ms";

/// The checks whose failures are noticed late because each probe waits for the interval, those alike together.
pub fn slow_checks(state: &State) -> Vec<SlowChecks> {
    let mut slow: Vec<SlowChecks> = Vec::new();
    for (id, check) in &state.checks {
        let Some(endpoint) = check.probed().filter(|endpoint| is_slow(&endpoint.timing)) else { continue };
        let timing = Timing { retry: parse_duration(RETRY_HINTED), ..endpoint.timing };
        let with_retry = failing(&EndpointCheck { timing, ..endpoint.clone() });
        let detect = failing(endpoint);
        match slow.iter_mut().find(|slow| (slow.detect, slow.with_retry) == (detect, with_retry)) {
            Some(slow) => slow.checks.push(id.clone()),
            None => slow.push(SlowChecks { checks: vec![id.clone()], detect, with_retry }),
        }
    }
    slow
}

fn is_slow(timing: &Timing) -> bool {
    let fall = u32::from(timing.thresholds.fall.get());
    timing.retry.is_none() && fall > 1 && timing.interval * fall > SLOW_ABOVE
}

/// Detecting a failure within this is no reason for a hint.
const SLOW_ABOVE: Duration = Duration::from_secs(10);
