//! When a group is whole, worked out when a zone is compiled, so that a query need not ask each member in turn.
//!
//! Most of the time everything is up. A whole group decides as if it had no health checks, and whether it is whole is a
//! few words of the health table. Says nothing of a group that is not: `routing` asks its members then.
//! Invariant: if all checks of [`RecordGroup::whole_if`] are healthy, every member counts, for every client.

use super::group::{AnswerRef, MemberContent, RecordGroup};
use crate::ids::{HealthIndex, HealthSet};

/// Tells each group what it is whole by. Its fences are up.
pub(super) fn find_whole(groups: &mut [RecordGroup]) {
    let mut known = vec![None; groups.len()];
    for at in 0..groups.len() {
        checks_below(groups, at, &mut known);
    }
    for (group, checks) in groups.iter_mut().zip(known) {
        group.whole_if = checks.flatten().map(HealthSet::new);
    }
}

/// The checks that must be healthy for the group at `at` to be whole; none if it never is. Aliases form no loop, so this
/// ends.
fn checks_below(groups: &[RecordGroup], at: usize, known: &mut [Option<Checks>]) -> Checks {
    if let Some(checks) = &known[at] {
        return checks.clone();
    }
    let mut checks = Some(Vec::new());
    for member in &groups[at].members {
        let own = if member.fenced_out { None } else { Some(Vec::from_iter(member.health_check)) };
        let behind = match member.content {
            MemberContent::Alias { target: AnswerRef::Group(target), evaluate_target_health: true, .. } => {
                let target = target as usize;
                checks_below(groups, target, known).filter(|_| groups[target].is_enough_when_whole)
            }
            // Whether it has addresses is no matter of health checks.
            MemberContent::External { evaluate_target_health: true, .. } => None,
            // Another part may change without this one.
            MemberContent::Far { evaluate_target_health: true, .. } => None,
            _ => Some(Vec::new()),
        };
        checks = checks.zip(own).zip(behind).map(|((all, own), behind)| [all, own, behind].concat());
    }
    if let Some(checks) = &mut checks {
        checks.sort_unstable();
        checks.dedup();
    }
    known[at] = Some(checks.clone());
    checks
}

type Checks = Option<Vec<HealthIndex>>;
