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

use std::cell::Cell;

use super::eligible::{counts, is_undrained, note_fenced_out, note_unfit, panics};
use super::trace::{Placed, Reason, Step, Trace};
use super::{Choice, Facts, MEMBERS_MAX, Members, shown};
use crate::ids::MapIndex;
use crate::places::map::{First, Found, Standing, explain};
use crate::zone::group::{Member, RecordGroup};

/// The member that answers this client.
#[inline(always)]
pub(super) fn choose<'s>(
    group: &'s RecordGroup,
    map: MapIndex,
    is_whole: bool,
    facts: Facts<'s>,
    trace: &mut impl Trace,
) -> Option<&'s Member> {
    if is_whole && let Some(first) = facts.maps.map(map).first(facts.client) {
        return choose_first(group, map, first, facts, trace);
    }
    choose_walking(group, map, facts, trace)
}

/// The first that counts, when not everybody is known to.
#[inline(never)]
fn choose_walking<'s>(group: &'s RecordGroup, map: MapIndex, facts: Facts<'s>, trace: &mut impl Trace) -> Option<&'s Member> {
    let walk = Walk::of(group, map, facts, trace);
    let chosen = walk.members().find(|(place, _)| walk.has(*place)).map(|(_, member)| member);
    walk.note(1, trace);
    chosen
}

/// The first of the client's order, when everybody counts: for whom else that holds was found out when the map was made.
#[inline]
fn choose_first<'s>(
    group: &'s RecordGroup,
    map: MapIndex,
    first: First,
    facts: Facts<'s>,
    trace: &mut impl Trace,
) -> Option<&'s Member> {
    note_order(group, map, facts, trace);
    facts.depends.on(first.prefix_len);
    let member = &group.members[usize::from(first.member?)];
    trace.note(|| Step::Chosen { member: shown(member, facts), by: Reason::Order { place: 0 } });
    Some(member)
}

/// The nearest members, answered together; all have values (`check`).
pub(super) fn choose_several(group: &RecordGroup, map: MapIndex, facts: Facts<'_>, trace: &mut impl Trace) -> Choice {
    let walk = Walk::of(group, map, facts, trace);
    let wanted = usize::from(group.nearest).min(MEMBERS_MAX);
    let mut chosen = Members::none();
    walk.members().filter(|(place, _)| walk.has(*place)).take(wanted).for_each(|(_, member)| chosen.push(member));
    walk.note(wanted, trace);
    chosen.into_choice()
}

/// One client's order, on its way through.
struct Walk<'s> {
    group: &'s RecordGroup,
    facts: Facts<'s>,
    found: Found<'s>,
    /// The best that any member of the order stands at: those answer.
    best: Standing,
    /// Too little of the group counts: whoever is not drained does.
    panics: bool,
    counting: Counting<'s>,
}

/// Which members of a group count: each of the first 64 is asked once, as what stands behind an alias may be much.
struct Counting<'s> {
    group: &'s RecordGroup,
    facts: Facts<'s>,
    /// A bit for each that was asked, and for each of those that counts.
    asked: Cell<u64>,
    counting: Cell<u64>,
}

impl Counting<'_> {
    #[inline]
    fn has(&self, place: u16) -> bool {
        let bit = 1u64.checked_shl(place.into()).unwrap_or(0);
        if self.asked.get() & bit != 0 {
            return self.counting.get() & bit != 0;
        }
        self.ask(place, bit)
    }

    fn ask(&self, place: u16, bit: u64) -> bool {
        let counts = counts(&self.group.members[usize::from(place)], self.facts);
        self.asked.set(self.asked.get() | bit);
        self.counting.set(self.counting.get() | if counts { bit } else { 0 });
        counts
    }

    fn standing(&self, place: u16, panics: bool) -> Standing {
        let member = &self.group.members[usize::from(place)];
        match (self.has(place), is_undrained(member, self.facts)) {
            _ if member.fenced_out => Standing::Never,
            (true, _) => Standing::Counts,
            (false, true) if panics => Standing::Counts,
            (false, true) => Standing::LastResort,
            (false, false) => Standing::Drained,
        }
    }
}

/// The best that any member of a client's order stands at, where not just the first counts.
#[cold]
fn best_of(found: Found<'_>, counting: &Counting<'_>, panics: bool) -> Standing {
    found.order().map(|place| counting.standing(place, panics)).max().unwrap_or(Standing::Drained)
}

impl<'s> Walk<'s> {
    #[inline]
    fn of(group: &'s RecordGroup, map: MapIndex, facts: Facts<'s>, trace: &mut impl Trace) -> Self {
        let found = facts.maps.map(map).lookup(facts.client);
        note_order(group, map, facts, trace);
        let panics = panics(group, facts);
        let counting = Counting { group, facts, asked: Cell::new(0), counting: Cell::new(0) };
        let best = match panics || !found.order().any(|place| counting.has(place)) {
            true => best_of(found, &counting, panics),
            false => Standing::Counts,
        };
        let walk = Self { group, facts, found, best, panics, counting };
        if facts.depends.is_wanted() {
            facts.depends.on(walk.scope());
        }
        walk
    }

    /// For how many bits of the client's address the decision holds.
    fn scope(&self) -> u8 {
        let count = self.group.nearest.into();
        let by_counting = if self.best == Standing::Counts && !self.panics {
            self.found.scope_of_counting(count, |place| self.counting.has(place))
        } else {
            None
        };
        by_counting.unwrap_or_else(|| self.found.scope_of_first(count, |place| self.standing(place)))
    }

    /// The client's members, best first.
    #[inline]
    fn members(&self) -> impl Iterator<Item = (u16, &'s Member)> + use<'s> {
        let group = self.group;
        self.found.order().map(move |place| (place, &group.members[usize::from(place)]))
    }

    #[inline]
    fn has(&self, place: u16) -> bool {
        match self.best {
            Standing::Counts if !self.panics => self.counting.has(place),
            best => best != Standing::Never && self.standing(place) == best,
        }
    }

    fn standing(&self, place: u16) -> Standing {
        self.counting.standing(place, self.panics)
    }

    /// Tells who was passed over, and who were chosen.
    fn note<T: Trace>(&self, wanted: usize, trace: &mut T) {
        if !T::LISTENS {
            return;
        }
        note_fenced_out(self.group, self.facts, trace);
        let left = self.members().filter(|(place, _)| self.has(*place)).count();
        if self.panics && self.best == Standing::Counts {
            trace.note(|| Step::Panic { members: left, share: self.group.panic });
        } else if self.best != Standing::Counts && left > 0 {
            trace.note(|| Step::LastResort { members: left });
        }
        let mut left = wanted;
        for (rank, (place, member)) in self.members().enumerate().filter(|(_, (_, member))| !member.fenced_out) {
            if left == 0 {
                break;
            }
            if self.has(place) {
                left -= 1;
                trace.note(|| Step::Chosen { member: shown(member, self.facts), by: Reason::Order { place: rank } });
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
