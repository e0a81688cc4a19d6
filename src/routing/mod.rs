//! Which member of a record group answers, and why.
//!
//! [`choose`] is the decision and the explanation at once: queries run it with [`NoTrace`], people with
//! [`Explanation`]. It knows nothing of messages. Laws that hold (`tests/routing_laws.rs`): an unhealthy member is
//! chosen only if no candidate is healthy; a weight of 0 only if nothing weightier is; equal arguments give equal
//! choices; a choice is never empty.
//! Source: Route 53 developer guide, "Choosing a routing policy"; each policy's file has its truth table.
//!
//! [`NoTrace`]: trace::NoTrace
//! [`Explanation`]: trace::Explanation

pub mod chance;
pub mod draw;
mod eligible;
mod failover;
mod multivalue;
pub mod trace;
mod weighted;

use self::chance::Chance;
use self::trace::{Reason, Step, Trace};
use crate::health::table::HealthTable;
use crate::zone::group::{AnswerRef, GroupPolicy, Member, MemberContent, RecordGroup};
use crate::zone::rrset::RrsetRef;
use crate::zone::tree::Zone;

/// What a decision may depend on, besides client and chance.
#[derive(Clone, Copy)]
pub struct Facts<'s> {
    pub zone: &'s Zone,
    pub health: &'s HealthTable,
}

/// What answers: RRsets of one type that go out as one.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// The first `len` of them, never none.
    rrsets: [RrsetRef; MEMBERS_MAX],
    len: u8,
    /// For how many bits of the client's address the choice holds: 0, as no policy here looks at the client.
    pub scope_prefix: u8,
    /// False when the last resort answers, so that an alias above can move on.
    pub healthy: bool,
}

/// The most members answered together (Route 53, multivalue).
pub const MEMBERS_MAX: usize = 8;

/// Chooses what answers at `answer`.
#[inline]
pub fn choose<'s>(answer: AnswerRef, facts: Facts<'s>, chance: &mut impl Chance, trace: &mut impl Trace) -> Choice {
    match answer {
        AnswerRef::Rrset(rrset) => Choice::one(rrset, true),
        AnswerRef::Group(at) => choose_in(facts.zone.group(at), facts, chance, trace),
    }
}

/// Follows the policies from `group` down its aliases, which form no loop, to RRsets.
fn choose_in<'s>(mut group: &'s RecordGroup, facts: Facts<'s>, chance: &mut impl Chance, trace: &mut impl Trace) -> Choice {
    let mut healthy = true;
    loop {
        note_group(group, facts, trace);
        let (member, counts) = match group.policy {
            GroupPolicy::Multivalue => {
                let (members, counts) = multivalue::choose(group, facts, chance, trace);
                return members.into_choice(healthy && counts);
            }
            GroupPolicy::Weighted => weighted::choose(group, facts, chance, trace),
            GroupPolicy::Failover => failover::choose(group, facts, trace),
            _ => only_member(group, facts, trace),
        };
        healthy &= counts;
        match member.content {
            MemberContent::Rrset(rrset) => return Choice::one(rrset, healthy),
            MemberContent::Alias { target, node, .. } => {
                trace.note(|| Step::Alias { target: facts.zone.name_of(node), rtype: group.rtype });
                match target {
                    AnswerRef::Rrset(rrset) => return Choice::one(rrset, healthy),
                    AnswerRef::Group(at) => group = facts.zone.group(at),
                }
            }
        }
    }
}

/// Simple routing has one record set, and health does not matter to it (Route 53: it fails open at once).
fn only_member<'s>(group: &'s RecordGroup, facts: Facts<'s>, trace: &mut impl Trace) -> (&'s Member, bool) {
    let member = &group.members[0];
    trace.note(|| Step::Chosen { member: shown(member, facts), by: Reason::OnlyMember });
    (member, eligible::counts(member, facts))
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

/// A member as an explanation shows it.
fn shown(member: &Member, facts: Facts<'_>) -> trace::Member {
    let name = member.set_identifier.as_ref().map_or("the record set", |identifier| identifier.as_str());
    let target = match member.content {
        MemberContent::Alias { target, node, evaluate_target_health: true } => {
            Some(trace::Target { name: facts.zone.name_of(node), healthy: eligible::target_is_healthy(target, facts) })
        }
        _ => None,
    };
    let verdict = member.health_check.map(|index| facts.health.verdict(index).clone());
    trace::Member { name: name.to_owned(), verdict, target }
}

impl Choice {
    #[inline]
    fn one(rrset: RrsetRef, healthy: bool) -> Self {
        Self { rrsets: [rrset; MEMBERS_MAX], len: 1, scope_prefix: 0, healthy }
    }

    /// What goes out as one RRset; never nothing.
    #[inline]
    pub fn rrsets(&self) -> &[RrsetRef] {
        &self.rrsets[..usize::from(self.len)]
    }
}

/// Members answered together: the first `len` of `rrsets`.
struct Members {
    rrsets: [RrsetRef; MEMBERS_MAX],
    len: usize,
}

impl Members {
    fn none() -> Self {
        Self { rrsets: [RrsetRef::default(); MEMBERS_MAX], len: 0 }
    }

    fn push(&mut self, member: &Member) {
        // `check` refuses aliases in multivalue groups, as Route 53 does.
        if let MemberContent::Rrset(rrset) = member.content {
            self.rrsets[self.len] = rrset;
            self.len += 1;
        }
    }

    /// Fisher and Yates.
    fn shuffle(&mut self, chance: &mut impl Chance) {
        for last in (1..self.len).rev() {
            self.rrsets.swap(last, chance.order(last as u32 + 1) as usize);
        }
    }

    fn into_choice(self, healthy: bool) -> Choice {
        Choice { rrsets: self.rrsets, len: self.len as u8, scope_prefix: 0, healthy }
    }
}
