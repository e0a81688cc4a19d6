//! Who counts as healthy, and the last resort when nobody does: here and nowhere else.
//!
//! Follows no policy. The rule:
//!
//! ```text
//! own health check   alias target (when evaluated)   counts
//! none or healthy    none or something healthy       yes
//! none or healthy    nothing healthy                 no
//! unhealthy          any                             no
//! nobody counts                                      everybody does, and the group is not healthy
//! ```
//!
//! Invariant: a member that does not count is answered only if no candidate counts; a name never becomes empty because
//! of health. Source: Route 53 developer guide, "How Route 53 chooses records when health checking is configured".

use super::Facts;
use super::trace::{Step, Trace, Unfit};
use crate::zone::group::{AnswerRef, Member, MemberContent, RecordGroup};

/// The members of a group that count for one query.
#[derive(Clone, Copy)]
pub(super) struct Eligible<'s> {
    group: &'s RecordGroup,
    facts: Facts<'s>,
    /// Somebody counts by health; otherwise everybody does.
    pub healthy: bool,
    /// The place of the first member that counts.
    pub first: usize,
}

impl<'s> Eligible<'s> {
    /// Who of `group` counts.
    #[inline]
    pub fn of(group: &'s RecordGroup, facts: Facts<'s>, trace: &mut impl Trace) -> Self {
        let first = group.members.iter().position(|member| counts(member, facts));
        if first.is_none() {
            trace.note(|| Step::LastResort { members: group.members.len() });
        }
        Self { group, facts, healthy: first.is_some(), first: first.unwrap_or(0) }
    }

    /// Whether this member counts.
    #[inline]
    pub fn has(&self, member: &Member) -> bool {
        !self.healthy || counts(member, self.facts)
    }

    /// The members that count, each with its place in the group.
    #[inline]
    pub fn members(self) -> impl Iterator<Item = (usize, &'s Member)> {
        self.group.members.iter().enumerate().filter(move |(_, member)| self.has(member))
    }

    /// Notes each member that health passes over.
    pub fn note_passed_over<T: Trace>(&self, trace: &mut T) {
        if T::LISTENS && self.healthy {
            for member in self.group.members.iter().filter(|member| !self.has(member)) {
                note_unfit(member, self.facts, trace);
            }
        }
    }
}

/// Whether a member is healthy by its own check and, where asked, by what stands behind its alias.
#[inline]
pub(super) fn counts(member: &Member, facts: Facts<'_>) -> bool {
    if member.health_check.is_some_and(|index| !facts.health.is_healthy(index)) {
        return false;
    }
    match member.content {
        MemberContent::Alias { target, evaluate_target_health: true, .. } => target_is_healthy(target, facts),
        _ => true,
    }
}

/// Whether anything healthy stands at an alias's target. Targets form no loop, so this ends.
pub(super) fn target_is_healthy(target: AnswerRef, facts: Facts<'_>) -> bool {
    match target {
        AnswerRef::Rrset(_) => true,
        AnswerRef::Group(at) => facts.zone.group(at).members.iter().any(|member| counts(member, facts)),
    }
}

/// Says why health passes this member over.
pub(super) fn note_unfit(member: &Member, facts: Facts<'_>, trace: &mut impl Trace) {
    trace.note(|| {
        let own = member.health_check.is_some_and(|index| !facts.health.is_healthy(index));
        let reason = match member.content {
            MemberContent::Alias { node, .. } if !own => Unfit::TargetUnhealthy { target: facts.zone.name_of(node) },
            _ => Unfit::Unhealthy,
        };
        Step::PassedOver { member: super::shown(member, facts), reason }
    });
}
