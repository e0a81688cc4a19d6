//! Weighted: in proportion to the weights of those that count; weight 0 is a reserve.
//!
//! ```text
//! weights above 0           weights of 0        chosen
//! some healthy              any                 by weight among the healthy
//! none healthy              some healthy        evenly among the healthy reserve
//! none healthy              none healthy        by weight among all above 0   <- the last resort
//! all weights are 0         some healthy        evenly among the healthy
//! all weights are 0         none healthy        evenly among all
//! ```
//!
//! Invariant: over one full period of draws each candidate comes up exactly as often as its weight says.
//! Source: Route 53 developer guide, "Weighted routing"; how the reserve shares is not documented: evenly.

use super::chance::Chance;
use super::eligible::Eligible;
use super::trace::{Reason, Step, Trace, Unfit};
use super::{Facts, shown};
use crate::zone::group::{Member, RecordGroup};

/// The member that answers, and whether it is healthy.
#[inline]
pub(super) fn choose<'s>(
    group: &'s RecordGroup,
    facts: Facts<'s>,
    chance: &mut impl Chance,
    trace: &mut impl Trace,
) -> (&'s Member, bool) {
    let eligible = Eligible::of(group, facts, trace);
    eligible.note_passed_over(trace);
    let total: u32 = eligible.members().map(|(_, member)| u32::from(member.weight)).sum();
    if total > 0 {
        note_reserve(eligible, facts, trace);
        let member = chance.share(total, eligible.members().map(|(_, member)| (member, u32::from(member.weight))));
        trace.note(|| Step::Chosen {
            member: shown(member, facts),
            by: Reason::Weight { weight: member.weight.into(), of: total },
        });
        return (member, eligible.healthy);
    }
    let among = eligible.members().count() as u32;
    let member = chance.share(among, eligible.members().map(|(_, member)| (member, 1)));
    trace.note(|| Step::Chosen { member: shown(member, facts), by: Reason::Even { among } });
    (member, eligible.healthy)
}

fn note_reserve<T: Trace>(eligible: Eligible<'_>, facts: Facts<'_>, trace: &mut T) {
    if !T::LISTENS {
        return;
    }
    for (_, member) in eligible.members().filter(|(_, member)| member.weight == 0) {
        trace.note(|| Step::PassedOver { member: shown(member, facts), reason: Unfit::Reserve });
    }
}
