//! Who counts as healthy, and the last resort when nobody does: here and nowhere else.
//!
//! Follows no policy. The rule:
//!
//! ```text
//! fence     own health check   alias target (when evaluated)   counts
//! outside   any                any                             never, not even as the last resort
//! inside    none or healthy    none or healthy enough          yes
//! inside    none or healthy    not healthy enough              no
//! inside    none or healthy    outside the zone, no address    no
//! inside    unhealthy          any                             no
//! nobody counts                                                everybody inside does
//! ```
//!
//! Among everybody, those that an operator drains come last: they answer only where all others are drained, too. A group
//! with a `panic` share takes the last resort already where less than that share of its weight counts (Envoy's panic
//! threshold); Route 53 has none. What an operator keeps in service counts whatever stands behind its alias.
//!
//! A target is healthy enough when at least `min_healthy` of the members that it has for this client count: one, unless
//! more are asked for. Invariant: a member that does not count is answered only if no candidate counts; a name never
//! becomes empty because of health. Source: Route 53 developer guide, "How Route 53 chooses records when health checking
//! is configured".

use super::Facts;
use super::trace::{Step, Trace, Unfit};
use crate::health::gate::WHOLE;
use crate::places::map::Found;
use crate::zone::group::{AnswerRef, Member, MemberContent, RecordGroup};
use crate::zone::group_options::{MinHealthy, Share};

/// The members of a group that count for one query, where the client's place does not matter.
#[derive(Clone, Copy)]
pub(super) struct Eligible<'s> {
    group: &'s RecordGroup,
    facts: Facts<'s>,
    who: Who,
    /// The place of the first member that counts; none when all are outside the fence.
    pub first: Option<usize>,
}

/// Which members count.
#[derive(Clone, Copy)]
enum Who {
    /// All: the group is whole.
    Everybody,
    /// Those that are healthy.
    Healthy,
    /// Those inside the fence that nobody drains, as nobody is healthy, or too few are.
    Undrained,
    /// Those inside the fence, as all are drained.
    Inside,
}

impl<'s> Eligible<'s> {
    /// Who of `group`, which may be known to be whole, counts.
    #[inline]
    pub fn of(group: &'s RecordGroup, is_whole: bool, facts: Facts<'s>, trace: &mut impl Trace) -> Self {
        if is_whole {
            return Self { group, facts, who: Who::Everybody, first: Some(0) };
        }
        Self::by_health(group, facts, trace)
    }

    /// Asks each member.
    #[inline(never)]
    fn by_health(group: &'s RecordGroup, facts: Facts<'s>, trace: &mut impl Trace) -> Self {
        note_fenced_out(group, facts, trace);
        let first = group.members.iter().position(|member| counts(member, facts));
        let panics = first.is_some() && panics(group, facts);
        if first.is_some() && !panics {
            return Self { group, facts, who: Who::Healthy, first };
        }
        let first = group.members.iter().position(|member| is_undrained(member, facts));
        if first.is_some() {
            let left = || group.members.iter().filter(|member| is_undrained(member, facts)).count();
            trace.note(|| match panics {
                true => Step::Panic { members: left(), share: group.panic },
                false => Step::LastResort { members: left() },
            });
            note_drained(group, facts, trace);
            return Self { group, facts, who: Who::Undrained, first };
        }
        let first = group.members.iter().position(|member| !member.fenced_out);
        if first.is_some() {
            trace.note(|| Step::LastResort { members: group.members.iter().filter(|member| !member.fenced_out).count() });
        }
        Self { group, facts, who: Who::Inside, first }
    }

    /// Whether the weight of some member of some group is on its way up; not where every member has its own.
    #[inline]
    pub fn is_ramping(&self) -> bool {
        matches!(self.who, Who::Healthy) && self.facts.health.is_ramping()
    }

    /// How much of its weight a member has, in percent.
    pub fn share_percent(&self, member: &Member) -> u32 {
        member.health_check.map_or(WHOLE, |index| self.facts.health.share_percent(index)).into()
    }

    /// Whether this member counts.
    #[inline]
    pub fn has(&self, member: &Member) -> bool {
        match self.who {
            Who::Everybody => true,
            Who::Healthy => counts(member, self.facts),
            Who::Undrained => is_undrained(member, self.facts),
            Who::Inside => !member.fenced_out,
        }
    }

    /// How many members count.
    #[inline]
    pub fn count(&self) -> usize {
        match self.who {
            Who::Everybody => self.group.members.len(),
            _ => self.members().count(),
        }
    }

    /// The members that count, each with its place in the group.
    #[inline]
    pub fn members(self) -> impl Iterator<Item = (usize, &'s Member)> + Clone {
        self.group.members.iter().enumerate().filter(move |(_, member)| self.has(member))
    }

    /// Notes each member that health passes over.
    pub fn note_passed_over<T: Trace>(&self, trace: &mut T) {
        if T::LISTENS && matches!(self.who, Who::Healthy) {
            for member in self.group.members.iter().filter(|member| !member.fenced_out && !self.has(member)) {
                note_unfit(member, self.facts, trace);
            }
        }
    }
}

/// Whether every member counts, by what was found out when the zone was compiled (`zone::whole`).
#[inline]
pub(super) fn is_whole(group: &RecordGroup, facts: Facts<'_>) -> bool {
    group.whole_if.as_ref().is_some_and(|checks| facts.health.are_whole(checks))
}

/// Whether a member is inside its fence, and healthy by its own check and, where asked, by what stands behind its alias.
#[inline]
pub(super) fn counts(member: &Member, facts: Facts<'_>) -> bool {
    if member.fenced_out || member.health_check.is_some_and(|index| !facts.health.is_healthy(index)) {
        return false;
    }
    match member.content {
        MemberContent::Rrset(_) | MemberContent::Alias { evaluate_target_health: false, .. } => true,
        MemberContent::Alias { target, .. } => is_kept(member, facts) || target_is_healthy(target, facts),
        MemberContent::Far { .. } | MemberContent::External { .. } => elsewhere_counts(member, facts),
    }
}

/// The same for what is in another part of the zone, or outside of it.
#[cold]
fn elsewhere_counts(member: &Member, facts: Facts<'_>) -> bool {
    match facts.zone.content(member) {
        MemberContent::Alias { target, evaluate_target_health: true, .. } => {
            is_kept(member, facts) || target_is_healthy(target, facts)
        }
        MemberContent::External { target, evaluate_target_health: true } => facts.externals.has_address(target),
        MemberContent::Far { .. } => false,
        _ => true,
    }
}

/// Whether a member is in service whatever stands behind its alias.
fn is_kept(member: &Member, facts: Facts<'_>) -> bool {
    member.health_check.is_some_and(|index| facts.health.is_kept(index))
}

/// Whether a member may answer in a last resort.
pub(super) fn is_undrained(member: &Member, facts: Facts<'_>) -> bool {
    !member.fenced_out && member.health_check.is_none_or(|index| !facts.health.is_drained(index))
}

/// Whether less of the group counts than it may lose before everybody answers. Drained members are no part of it: they
/// have been taken out on purpose.
pub(super) fn panics(group: &RecordGroup, facts: Facts<'_>) -> bool {
    group.panic.parts() > 0 && {
        let members = &mut group.members.iter().filter(|member| is_undrained(member, facts));
        !has_share(group, members, group.panic, facts)
    }
}

/// Whether what stands at an alias's target is healthy enough for this client. Targets form no loop, and `check` bounds
/// how many members there are to look at.
pub(super) fn target_is_healthy(target: AnswerRef, facts: Facts<'_>) -> bool {
    let AnswerRef::Group(at) = target else { return true };
    let group = facts.zone.group(at);
    if group.is_enough_when_whole && is_whole(group, facts) {
        return true;
    }
    if let Some(checks) = &group.enough_if_any {
        return facts.health.is_any_healthy(checks);
    }
    if group.is_for_all() && group.min_healthy == MinHealthy::Count(1) {
        return group.members.iter().any(|member| counts(member, facts));
    }
    let is_enough = |members: &mut dyn Iterator<Item = &Member>| has_enough(group, members, facts);
    let Some(map) = group.map.filter(|_| !group.is_for_all()) else { return is_enough(&mut group.members.iter()) };
    let found = facts.maps.map(map).lookup(facts.client);
    let healthy = is_enough(&mut members_of(group, found));
    if facts.depends.is_wanted() {
        let of_order = |order| group_members(group, order);
        facts.depends.on(found.scope(|order| is_enough(&mut of_order(order)) == healthy));
    }
    healthy
}

/// A client's members, best first, each once.
fn members_of<'s>(group: &'s RecordGroup, found: Found<'s>) -> impl Iterator<Item = &'s Member> {
    group_members(group, found.order())
}

/// A member may come twice in an order, by two blocks: it is one member all the same.
fn group_members<I>(group: &RecordGroup, order: I) -> impl Iterator<Item = &Member>
where
    I: IntoIterator<Item = u16, IntoIter: Clone>,
{
    let order = order.into_iter();
    let earlier = order.clone();
    let first_places = order.enumerate().filter(move |(at, place)| !earlier.clone().take(*at).any(|other| other == *place));
    first_places.map(|(_, place)| &group.members[usize::from(place)])
}

/// Whether as many of `members` count as the group asks for.
fn has_enough(group: &RecordGroup, members: &mut dyn Iterator<Item = &Member>, facts: Facts<'_>) -> bool {
    match group.min_healthy {
        MinHealthy::Count(least) => members.filter(|member| counts(member, facts)).take(least.into()).count() >= least.into(),
        MinHealthy::Share(share) => has_share(group, members, share, facts),
    }
}

/// Whether at least this share of `members` counts: of their weight, where the group has weights.
fn has_share(group: &RecordGroup, members: &mut dyn Iterator<Item = &Member>, share: Share, facts: Facts<'_>) -> bool {
    let has_weights = group.members.iter().any(|member| member.weight > 0);
    let weight = |member: &Member| if has_weights { u64::from(member.weight) } else { 1 };
    let (healthy, all) = members.fold((0, 0), |(healthy, all), member| {
        let own = weight(member);
        (healthy + if counts(member, facts) { own } else { 0 }, all + own)
    });
    healthy > 0 && healthy * u64::from(Share::WHOLE) >= all * u64::from(share.parts())
}

/// Notes each member that stands outside the fence.
pub(super) fn note_fenced_out<T: Trace>(group: &RecordGroup, facts: Facts<'_>, trace: &mut T) {
    if !T::LISTENS {
        return;
    }
    for member in group.members.iter().filter(|member| member.fenced_out) {
        let reason = Unfit::OutsideFence { fence: group.fence.clone() };
        trace.note(|| Step::PassedOver { member: super::shown(member, facts), reason });
    }
}

/// Notes each member that not even the last resort answers with.
fn note_drained<T: Trace>(group: &RecordGroup, facts: Facts<'_>, trace: &mut T) {
    if !T::LISTENS {
        return;
    }
    for member in group.members.iter().filter(|member| !member.fenced_out && !is_undrained(member, facts)) {
        trace.note(|| Step::PassedOver { member: super::shown(member, facts), reason: Unfit::Drained });
    }
}

/// Says why health passes this member over.
pub(super) fn note_unfit(member: &Member, facts: Facts<'_>, trace: &mut impl Trace) {
    trace.note(|| {
        let own = member.health_check.is_some_and(|index| !facts.health.is_healthy(index));
        let reason = match facts.zone.content(member) {
            MemberContent::Alias { node, target: AnswerRef::Group(at), .. } if !own => {
                Unfit::TargetUnhealthy { target: facts.zone.name_of(node), asked: facts.zone.group(at).min_healthy }
            }
            MemberContent::External { target, .. } if !own => {
                Unfit::TargetUnresolved { target: facts.externals.target(target).name.clone() }
            }
            _ => Unfit::Unhealthy,
        };
        Step::PassedOver { member: super::shown(member, facts), reason }
    });
}
