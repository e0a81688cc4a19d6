//! Multivalue answer: up to eight of the members that count, in random order.
//!
//! ```text
//! members that count     answered
//! 1 to 8                 all of them
//! more than 8            a random 8 of them, each subset equally likely
//! none                   as if all counted   <- the last resort
//! ```
//!
//! The limit is on members, not on values. Source: Route 53 developer guide, "Multivalue answer routing".

use super::chance::Chance;
use super::eligible::Eligible;
use super::trace::{Reason, Step, Trace, Unfit};
use super::{Choice, Facts, MEMBERS_MAX, Members, shown};
use crate::zone::group::RecordGroup;

/// The members that answer together; none when all are outside the fence.
#[inline]
pub(super) fn choose(
    group: &RecordGroup,
    is_whole: bool,
    facts: Facts<'_>,
    chance: &mut impl Chance,
    trace: &mut impl Trace,
) -> Choice {
    let eligible = Eligible::of(group, is_whole, facts, trace);
    eligible.note_passed_over(trace);
    let of = eligible.count() as u32;
    let wanted = of.min(MEMBERS_MAX as u32);
    let (mut left, mut missing) = (of, wanted);
    let mut chosen = Members { has_twins: group.has_twins, ..Members::none() };
    for (_, member) in eligible.members() {
        // Knuth's algorithm S: each of the `left` is one of the `missing` with equal chance.
        if missing == left || chance.happens(missing, left) {
            chosen.push(member);
            missing -= 1;
            trace.note(|| Step::Chosen { member: shown(member, facts), by: Reason::Together { chosen: wanted, of } });
        } else {
            trace.note(|| Step::PassedOver { member: shown(member, facts), reason: Unfit::NotDrawn });
        }
        left -= 1;
    }
    chosen.shuffle(chance);
    chosen.into_choice()
}
