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
//! A member that has just come back may have a part of its weight only (`health::gate`).
//!
//! Invariant: over one full period of draws each candidate comes up exactly as often as its weight says.
//! Source: Route 53 developer guide, "Weighted routing"; how the reserve shares is not documented: evenly.

use super::chance::Chance;
use super::eligible::Eligible;
use super::trace::{Reason, Step, Trace, Unfit};
use super::{Facts, shown, sticky};
use crate::zone::group::{Member, RecordGroup};

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
    eligible.first?;
    eligible.note_passed_over(trace);
    let total: u32 = eligible.members().map(|(_, member)| weight(eligible, member)).sum();
    if total > 0 {
        note_reserve(eligible, facts, trace);
    }
    if group.sticky && !chance.is_over_clients() {
        let member = sticky::choose(eligible, total, facts)?;
        let by = Reason::Sticky { weight: weight(eligible, member), of: total };
        trace.note(|| Step::Chosen { member: shown(member, facts), by });
        return Some(member);
    }
    Some(draw(eligible, total, facts, chance, trace))
}

/// The member that chance gives to this query.
#[inline]
fn draw<'s>(
    eligible: Eligible<'s>,
    total: u32,
    facts: Facts<'s>,
    chance: &mut impl Chance,
    trace: &mut impl Trace,
) -> &'s Member {
    if total > 0 {
        let member = chance.share(total, eligible.members().map(|(_, member)| (member, weight(eligible, member))));
        trace.note(|| Step::Chosen {
            member: shown(member, facts),
            by: Reason::Weight { weight: weight(eligible, member), of: total },
        });
        return member;
    }
    let among = eligible.members().count() as u32;
    let member = chance.share(among, eligible.members().map(|(_, member)| (member, 1)));
    trace.note(|| Step::Chosen { member: shown(member, facts), by: Reason::Even { among } });
    member
}

/// A member's weight at present, in hundredths while any ramps up: then the parts are exact.
#[inline]
pub(super) fn weight(eligible: Eligible<'_>, member: &Member) -> u32 {
    match eligible.is_ramping() {
        false => member.weight.into(),
        true => u32::from(member.weight) * eligible.share_percent(member),
    }
}

fn note_reserve<T: Trace>(eligible: Eligible<'_>, facts: Facts<'_>, trace: &mut T) {
    if !T::LISTENS {
        return;
    }
    for (_, member) in eligible.members().filter(|(_, member)| member.weight == 0) {
        trace.note(|| Step::PassedOver { member: shown(member, facts), reason: Unfit::Reserve });
    }
}
