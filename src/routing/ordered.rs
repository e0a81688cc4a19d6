//! Latency, geolocation, geoproximity and IP-based: the first of the client's order that counts.
//!
//! The order was made when the map was (`places::map`); here health walks it.
//!
//! ```text
//! policy         the client's order
//! latency        every member, by milliseconds to its region: measured, else estimated from the distance
//! geolocation    the members for the client's subdivision, country, continent, and everywhere, as far as there are
//! geoproximity   every member, by distance after its bias
//! ip_based       the members for the blocks that hold the client, the longest first, then `*`
//!
//! in that order                     chosen
//! somebody counts                   the first that does
//! nobody counts, somebody inside    the first          <- the last resort
//! empty                             nobody: NODATA
//! ```
//!
//! Sources: Route 53 developer guide, "Latency-based routing", "Geolocation routing", "Geoproximity routing", "IP-based
//! routing".

use super::eligible::{counts, note_fenced_out, note_unfit};
use super::trace::{Placed, Reason, Step, Trace};
use super::{Choice, Facts, MEMBERS_MAX, Members, shown};
use crate::ids::MapIndex;
use crate::places::map::{Found, Standing, explain};
use crate::zone::group::{Member, RecordGroup};

/// The member that answers this client.
#[inline]
pub(super) fn choose<'s>(group: &'s RecordGroup, map: MapIndex, facts: Facts<'s>, trace: &mut impl Trace) -> Option<&'s Member> {
    let walk = Walk::of(group, map, facts, trace);
    let chosen = walk.members().find(|member| walk.has(member));
    walk.note(1, trace);
    chosen
}

/// The nearest members, answered together; all have values (`check`).
pub(super) fn choose_several(group: &RecordGroup, map: MapIndex, facts: Facts<'_>, trace: &mut impl Trace) -> Choice {
    let walk = Walk::of(group, map, facts, trace);
    let wanted = usize::from(group.nearest).min(MEMBERS_MAX);
    let mut chosen = Members::none();
    walk.members().filter(|member| walk.has(member)).take(wanted).for_each(|member| chosen.push(member));
    walk.note(wanted, trace);
    chosen.into_choice()
}

/// One client's order, on its way through.
struct Walk<'s> {
    group: &'s RecordGroup,
    facts: Facts<'s>,
    found: Found<'s>,
    /// Somebody in the order counts.
    healthy: bool,
}

impl<'s> Walk<'s> {
    #[inline]
    fn of(group: &'s RecordGroup, map: MapIndex, facts: Facts<'s>, trace: &mut impl Trace) -> Self {
        let found = facts.maps.map(map).lookup(facts.client);
        note_order(group, map, facts, trace);
        let mut walk = Self { group, facts, found, healthy: true };
        walk.healthy = walk.members().any(|member| counts(member, facts));
        if facts.depends.is_wanted() {
            facts.depends.on(found.scope_of_first(group.nearest.into(), |place| walk.standing(place)));
        }
        walk
    }

    /// The client's members, best first.
    #[inline]
    fn members(&self) -> impl Iterator<Item = &'s Member> + use<'s> {
        let group = self.group;
        self.found.order().map(move |place| &group.members[usize::from(place)])
    }

    #[inline]
    fn has(&self, member: &Member) -> bool {
        if self.healthy { counts(member, self.facts) } else { !member.fenced_out }
    }

    fn standing(&self, place: u16) -> Standing {
        let member = &self.group.members[usize::from(place)];
        match (member.fenced_out, counts(member, self.facts)) {
            (true, _) => Standing::Never,
            (false, true) => Standing::Counts,
            (false, false) => Standing::LastResort,
        }
    }

    /// Tells who was passed over, and who were chosen.
    fn note<T: Trace>(&self, wanted: usize, trace: &mut T) {
        if !T::LISTENS {
            return;
        }
        note_fenced_out(self.group, self.facts, trace);
        let inside = self.members().filter(|member| !member.fenced_out).count();
        if !self.healthy && inside > 0 {
            trace.note(|| Step::LastResort { members: inside });
        }
        let mut left = wanted;
        for (place, member) in self.members().enumerate().filter(|(_, member)| !member.fenced_out) {
            if left == 0 {
                break;
            }
            if self.has(member) {
                left -= 1;
                trace.note(|| Step::Chosen { member: shown(member, self.facts), by: Reason::Order { place } });
            } else {
                note_unfit(member, self.facts, trace);
            }
        }
    }
}

/// Tells where the client is, and which members that puts in which order.
fn note_order<T: Trace>(group: &RecordGroup, map: MapIndex, facts: Facts<'_>, trace: &mut T) {
    if !T::LISTENS {
        return;
    }
    let explained = explain(facts.maps.rules(map), facts.maps.places(), facts.maps.map(map), facts.client);
    trace.note(|| Step::Client { client: *facts.client, located: explained.located });
    let name = |place: u16| super::name_of(&group.members[usize::from(place)]).to_owned();
    let members = explained.members.into_iter().map(|member| Placed { name: name(member.member), reason: member.reason });
    trace.note(|| Step::Order { members: members.collect() });
}
