//! Which member of a record group answers, and why.
//!
//! [`choose`] is the decision and the explanation at once: queries run it with [`NoTrace`], people with
//! [`Explanation`]. It knows nothing of messages. Laws that hold (`tests/routing_laws.rs`): an unhealthy member is
//! chosen only if no candidate is healthy; a weight of 0 only if nothing weightier is; equal arguments give equal
//! choices; a choice is empty only where no member is for this client, or inside the fence.
//! Source: Route 53 developer guide, "Choosing a routing policy"; each policy's file has its truth table.
//!
//! [`NoTrace`]: trace::NoTrace
//! [`Explanation`]: trace::Explanation

pub mod chance;
pub mod dependence;
pub mod draw;
mod eligible;
mod failover;
mod multivalue;
mod ordered;
mod sticky;
pub mod trace;
mod weighted;

use self::chance::Chance;
use self::dependence::Dependence;
use self::trace::{Reason, Step, Trace};
use crate::health::table::HealthTable;
use crate::ids::ExternalIndex;
use crate::places::client::Client;
use crate::places::maps::ClientMaps;
use crate::zone::external::Externals;
use crate::zone::group::{AnswerRef, Follows, GroupPolicy, Member, MemberContent, RecordGroup};
use crate::zone::rrset::RrsetRef;
use crate::zone::tree::Zone;

/// What a decision may depend on, besides chance.
#[derive(Clone, Copy)]
pub struct Facts<'s> {
    pub zone: &'s Zone,
    pub health: &'s HealthTable,
    pub maps: &'s ClientMaps,
    pub externals: &'s Externals,
    pub client: &'s Client,
    /// Takes note of how much of the client's address mattered.
    pub depends: &'s Dependence,
}

/// What answers: RRsets of one type that go out as one, or in their place what is known of a name outside the zone.
/// Neither is NODATA: the group is not for this client.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    chosen: Chosen,
    /// No TTL of the answer is above this.
    ttl_max: u32,
}

/// What was chosen: most often one RRset, which takes no room for eight.
#[derive(Clone, Copy, Debug)]
enum Chosen {
    One(RrsetRef),
    Several(Members),
    External(ExternalIndex),
}

/// The most members answered together (Route 53, multivalue).
pub const MEMBERS_MAX: usize = 8;

/// Chooses what answers at `answer`.
#[inline]
pub fn choose<'s>(answer: AnswerRef, facts: Facts<'s>, chance: &mut impl Chance, trace: &mut impl Trace) -> Choice {
    match answer {
        AnswerRef::Rrset(rrset) => Choice::one(rrset),
        AnswerRef::Group(at) => choose_in(facts.zone.group(at), facts, chance, trace),
    }
}

/// Follows the policies from `group` down its aliases, which form no loop, to RRsets.
#[inline(always)]
fn choose_in<'s>(mut group: &'s RecordGroup, facts: Facts<'s>, chance: &mut impl Chance, trace: &mut impl Trace) -> Choice {
    let mut is_whole = false;
    let mut ttl_max = u32::MAX;
    loop {
        note_group(group, facts, trace);
        if let Some(follows) = &group.follows {
            ttl_max = ttl_max.min(ttl_of(follows, facts, trace));
        }
        is_whole = is_whole || eligible::is_whole(group, facts);
        let chosen = match (group.policy, group.map) {
            (_, Some(map)) if group.nearest > 1 => return ordered::choose_several(group, map, facts, trace).within(ttl_max),
            (_, Some(map)) => ordered::choose(group, map, is_whole, facts, trace),
            (GroupPolicy::Multivalue, _) => return multivalue::choose(group, is_whole, facts, chance, trace).within(ttl_max),
            (GroupPolicy::Weighted, _) => weighted::choose(group, is_whole, facts, chance, trace),
            (GroupPolicy::Failover, _) => failover::choose(group, is_whole, facts, chance, trace),
            _ => only_member(group, facts, trace),
        };
        let Some(member) = chosen else {
            trace.note(|| Step::Nobody);
            return Choice::of(Chosen::Several(Members::none()));
        };
        match facts.zone.content(member) {
            MemberContent::Rrset(rrset) => return Choice::one(rrset).within(ttl_max),
            MemberContent::Alias { target, node, evaluate_target_health } => {
                // A group is whole only if what its members' health depends on is, too.
                is_whole &= evaluate_target_health;
                trace.note(|| Step::Alias { target: facts.zone.name_of(node), rtype: group.rtype });
                match target {
                    AnswerRef::Rrset(rrset) => return Choice::one(rrset).within(ttl_max),
                    AnswerRef::Group(at) => group = facts.zone.group(at),
                }
            }
            // Its target has been deleted: as if the group were not there.
            MemberContent::Far { .. } => return Choice::of(Chosen::Several(Members::none())),
            MemberContent::External { target, .. } => {
                note_external(target, facts, trace);
                return Choice::of(Chosen::External(target)).within(ttl_max);
            }
        }
    }
}

/// The greatest TTL of a group whose TTL follows how soon its answer could change.
#[cold]
fn ttl_of(follows: &Follows, facts: Facts<'_>, trace: &mut impl Trace) -> u32 {
    let range = follows.range;
    // Where nothing of the group is known to change by itself, nothing speaks against the greatest.
    let secs = facts.health.changes_in_secs(&follows.checks).map_or(range.max, |secs| secs.clamp(range.min, range.max));
    trace.note(|| Step::Ttl { secs, range });
    secs
}

/// Simple routing has one record set, and health does not matter to it (Route 53: it fails open at once).
fn only_member<'s>(group: &'s RecordGroup, facts: Facts<'s>, trace: &mut impl Trace) -> Option<&'s Member> {
    eligible::note_fenced_out(group, facts, trace);
    let member = group.members.first().filter(|member| !member.fenced_out)?;
    trace.note(|| Step::Chosen { member: shown(member, facts), by: Reason::OnlyMember });
    Some(member)
}

#[inline]
fn note_group(group: &RecordGroup, facts: Facts<'_>, trace: &mut impl Trace) {
    trace.note(|| Step::Group {
        name: facts.zone.name_of(group.node),
        rtype: group.rtype,
        policy: group.policy,
        members: group.members.len(),
    });
}

fn note_external(target: ExternalIndex, facts: Facts<'_>, trace: &mut impl Trace) {
    trace
        .note(|| Step::External { target: facts.externals.target(target).clone(), known: facts.externals.known(target).clone() });
}

/// A member as an explanation shows it.
fn shown(member: &Member, facts: Facts<'_>) -> trace::Member {
    let target = match facts.zone.content(member) {
        MemberContent::Alias { target, node, evaluate_target_health: true } => {
            Some(trace::Target { name: facts.zone.name_of(node), healthy: eligible::target_is_healthy(target, facts) })
        }
        MemberContent::External { target, evaluate_target_health: true } => {
            let name = facts.externals.target(target).name.clone();
            Some(trace::Target { name, healthy: facts.externals.has_address(target) })
        }
        _ => None,
    };
    let verdict = member.health_check.and_then(|index| facts.health.told(index)).cloned();
    trace::Member { name: name_of(member).to_owned(), verdict, target }
}

fn name_of(member: &Member) -> &str {
    member.set_identifier.as_ref().map_or("the record set", |identifier| identifier.as_str())
}

impl Choice {
    #[inline]
    fn of(chosen: Chosen) -> Self {
        Self { chosen, ttl_max: u32::MAX }
    }

    /// The choice where there is none.
    #[inline]
    pub fn one(rrset: RrsetRef) -> Self {
        Self::of(Chosen::One(rrset))
    }

    #[inline]
    fn within(self, ttl_max: u32) -> Self {
        Self { ttl_max, ..self }
    }

    /// The TTL that an RRset of `ttl_secs` goes out with, if it is another.
    #[inline]
    pub fn bounded(&self, ttl_secs: u32) -> Option<u32> {
        (self.ttl_max < ttl_secs).then_some(self.ttl_max)
    }

    /// What goes out as one RRset.
    #[inline]
    pub fn rrsets(&self) -> &[RrsetRef] {
        match &self.chosen {
            Chosen::One(rrset) => std::slice::from_ref(rrset),
            Chosen::Several(members) => members.rrsets(),
            Chosen::External(_) => &[],
        }
    }

    /// Whether one RRset may be there twice, as members say the same.
    #[inline]
    pub fn has_twins(&self) -> bool {
        matches!(&self.chosen, Chosen::Several(members) if members.has_twins)
    }

    /// The name outside the zone whose addresses answer; only where there are no RRsets.
    pub fn external(&self) -> Option<ExternalIndex> {
        match self.chosen {
            Chosen::External(target) => Some(target),
            Chosen::One(_) | Chosen::Several(_) => None,
        }
    }
}

/// Members answered together: the first `len` of `rrsets`.
#[derive(Clone, Copy, Debug)]
struct Members {
    rrsets: [RrsetRef; MEMBERS_MAX],
    len: u8,
    /// One may be there twice.
    has_twins: bool,
}

impl Members {
    fn none() -> Self {
        Self { rrsets: [RrsetRef::default(); MEMBERS_MAX], len: 0, has_twins: false }
    }

    #[inline]
    fn push(&mut self, member: &Member) {
        // `check` refuses aliases in groups that answer with several members.
        if let MemberContent::Rrset(rrset) = member.content {
            self.rrsets[usize::from(self.len)] = rrset;
            self.len += 1;
        }
    }

    #[inline]
    fn rrsets(&self) -> &[RrsetRef] {
        &self.rrsets[..usize::from(self.len)]
    }

    /// Fisher and Yates.
    fn shuffle(&mut self, chance: &mut impl Chance) {
        for last in (1..usize::from(self.len)).rev() {
            self.rrsets.swap(last, chance.order(last as u32 + 1) as usize);
        }
    }

    #[inline]
    fn into_choice(self) -> Choice {
        Choice::of(Chosen::Several(self))
    }
}
