//! Failover: the first tier that counts.
//!
//! ```text
//! primary    secondary            chosen
//! healthy    any                  primary
//! unhealthy  healthy or no check  secondary
//! unhealthy  unhealthy            primary     <- the last resort: everybody counts
//! no check   any                  primary
//! -          any                  secondary   <- a lone secondary is a group like any other
//! healthy    healthy              now and then secondary, where the group has a trickle
//! ```
//!
//! Any number of tiers: members stand in the order of theirs. Failback is immediate.
//! Source: Route 53 developer guide, "Active-passive failover"; the rows of a lone record are inferred, the trickle is
//! ours: a standby that serves nobody is found broken when it is needed.

use super::chance::Chance;
use super::eligible::{Eligible, note_unfit};
use super::trace::{Reason, Step, Trace};
use super::{Facts, shown};
use crate::zone::group::{Member, RecordGroup};
use crate::zone::group_options::Share;

/// The member that answers; none when all are outside the fence.
#[inline]
pub(super) fn choose<'s>(
    group: &'s RecordGroup,
    is_whole: bool,
    facts: Facts<'s>,
    chance: &mut impl Chance,
    trace: &mut impl Trace,
) -> Option<&'s Member> {
    let eligible = Eligible::of(group, is_whole, facts, trace);
    let first = eligible.first?;
    for passed_over in group.members[..first].iter().filter(|member| !member.fenced_out) {
        note_unfit(passed_over, facts, trace);
    }
    let trickle = group.trickle.parts();
    if trickle > 0
        && let Some((_, standby)) = eligible.members().nth(1)
        && chance.happens(trickle.into(), Share::WHOLE.into())
    {
        trace.note(|| Step::Chosen { member: shown(standby, facts), by: Reason::Trickle { share: group.trickle } });
        return Some(standby);
    }
    let chosen = &group.members[first];
    trace.note(|| Step::Chosen { member: shown(chosen, facts), by: Reason::Tier(chosen.tier.into()) });
    Some(chosen)
}
