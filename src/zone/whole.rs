//! What of a group's health is a matter of a few words of the health table, worked out when a zone is compiled, so that a
//! query need not ask each member in turn.
//!
//! Most of the time everything is up, and a whole group decides as if it had no health checks. Where something is down,
//! what most aliases lead to is healthy enough if any check of it is. Says nothing of a group that is neither: `routing`
//! asks its members then. Invariants: if all checks of [`RecordGroup::whole_if`] are healthy, every member counts, for every
//! client; some member counts, for every client, exactly if any check of [`RecordGroup::enough_if_any`] is healthy.

use std::collections::HashSet;

use super::group::{AnswerRef, GroupPolicy, Member, MemberContent, RecordGroup};
use super::group_options::MinHealthy;
use crate::ids::{HealthIndex, HealthSet};

/// Tells each group what it is whole by. Its fences are up.
pub(super) fn find_whole(groups: &mut [RecordGroup]) {
    let (all, any) = (of_each(groups, all_of), of_each(groups, any_of));
    for ((group, all), any) in groups.iter_mut().zip(all).zip(any) {
        group.whole_if = all.map(HealthSet::new);
        group.enough_if_any = any.map(HealthSet::new);
        group.has_twins = group.policy == GroupPolicy::Multivalue && has_twins(&group.members);
    }
}

/// Whether two members answer with one RRset.
fn has_twins(members: &[Member]) -> bool {
    let mut rrsets = HashSet::new();
    members.iter().any(|member| matches!(member.content, MemberContent::Rrset(rrset) if !rrsets.insert(rrset)))
}

/// What `of` makes of each group.
fn of_each(groups: &[RecordGroup], of: Of) -> Vec<Checks> {
    let mut known = vec![None; groups.len()];
    (0..groups.len()).map(|at| below(groups, at, &mut known, of)).collect()
}

/// What `of` makes of the group at `at`, once. Aliases form no loop, so this ends.
fn below(groups: &[RecordGroup], at: usize, known: &mut [Option<Checks>], of: Of) -> Checks {
    if let Some(checks) = &known[at] {
        return checks.clone();
    }
    let mut checks = of(groups, at, known);
    if let Some(checks) = &mut checks {
        checks.sort_unstable();
        checks.dedup();
    }
    known[at] = Some(checks.clone());
    checks
}

/// The checks that must be healthy for the group at `at` to be whole; none if it never is.
fn all_of(groups: &[RecordGroup], at: usize, known: &mut [Option<Checks>]) -> Checks {
    let mut checks = Some(Vec::new());
    for member in &groups[at].members {
        let own = if member.fenced_out { None } else { Some(Vec::from_iter(member.health_check)) };
        let behind = match member.content {
            MemberContent::Alias { target: AnswerRef::Group(target), evaluate_target_health: true, .. } => {
                let target = target as usize;
                below(groups, target, known, all_of).filter(|_| groups[target].is_enough_when_whole)
            }
            // Whether it has addresses is no matter of health checks.
            MemberContent::External { evaluate_target_health: true, .. } => None,
            // Another part may change without this one.
            MemberContent::Far { evaluate_target_health: true, .. } => None,
            _ => Some(Vec::new()),
        };
        checks = checks.zip(own).zip(behind).map(|((all, own), behind)| [all, own, behind].concat());
    }
    checks
}

/// The checks of which any must be healthy for some member of the group at `at` to count, and for that to be enough; none if
/// it depends on more than that, or on nothing.
fn any_of(groups: &[RecordGroup], at: usize, known: &mut [Option<Checks>]) -> Checks {
    let group = &groups[at];
    let mut checks = (group.min_healthy == MinHealthy::Count(1) && group.is_for_all()).then(Vec::new);
    for member in group.members.iter().filter(|member| !member.fenced_out) {
        let own = match (member.content, member.health_check) {
            (MemberContent::Alias { target: AnswerRef::Group(target), evaluate_target_health: true, .. }, None) => {
                below(groups, target as usize, known, any_of)
            }
            (MemberContent::Alias { target: AnswerRef::Group(_), evaluate_target_health: true, .. }, _) => None,
            (MemberContent::External { evaluate_target_health: true, .. }, _) => None,
            (MemberContent::Far { evaluate_target_health: true, .. }, _) => None,
            (_, own) => own.map(|check| vec![check]),
        };
        checks = checks.zip(own).map(|(all, own)| [all, own].concat());
    }
    checks
}

type Checks = Option<Vec<HealthIndex>>;
/// What is found of the group at a place, given what is known of others.
type Of = fn(&[RecordGroup], usize, &mut [Option<Checks>]) -> Checks;
