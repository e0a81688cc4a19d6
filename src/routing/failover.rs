//! Failover: the first tier that counts.
//!
//! ```text
//! primary    secondary            chosen
//! healthy    any                  primary
//! unhealthy  healthy or no check  secondary
//! unhealthy  unhealthy            primary     <- the last resort: everybody counts
//! no check   any                  primary
//! -          any                  secondary   <- a lone secondary is a group like any other
//! ```
//!
//! Any number of tiers: members stand in the order of theirs. Failback is immediate.
//! Source: Route 53 developer guide, "Active-passive failover"; the rows of a lone record are inferred.

use super::eligible::{Eligible, note_unfit};
use super::trace::{Reason, Step, Trace};
use super::{Facts, shown};
use crate::zone::group::{Member, RecordGroup};

/// The member that answers, and whether it is healthy.
#[inline]
pub(super) fn choose<'s>(group: &'s RecordGroup, facts: Facts<'s>, trace: &mut impl Trace) -> (&'s Member, bool) {
    let eligible = Eligible::of(group, facts, trace);
    for passed_over in &group.members[..eligible.first] {
        note_unfit(passed_over, facts, trace);
    }
    let chosen = &group.members[eligible.first];
    trace.note(|| Step::Chosen { member: shown(chosen, facts), by: Reason::Tier(chosen.tier.into()) });
    (chosen, eligible.healthy)
}
