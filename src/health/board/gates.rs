//! The gates of a board: what each member of a record group is at, above its check.
//!
//! ```text
//! operator says        gate                          health     counts   whatever stands behind it
//! up                   any                           any        yes      yes
//! down, drain          any                           any        no       -
//! freeze               any                           any        as then  as then
//! nothing              in service                    healthy    yes      no
//! nothing              in service, awaits somebody   unhealthy  yes      yes
//! nothing              in service, a brake holds it  unhealthy  yes      yes
//! nothing              out                           any        no       -
//! ```
//!
//! What an operator forces for a check goes before what its gate remembers. A member that is an alias of another group
//! is asked about that group by routing, for each client; a gate looks at it only where its group waits for somebody, or
//! one above it does: then it is healthy while a member of that group is in service.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::braking::Thing;
use super::settle::{heights, overridden, said_by};
use super::{Board, Notice, SavedGate};
use crate::health::brakes::Brake;
use crate::health::gate::{Gate, Gated, Input, Order, Passage, WHOLE};
use crate::health::overrides::{Override, Subject};
use crate::health::plan::unchecked;
use crate::health::table::{Exception, ExceptionKind, Marks, Status, Verdict};
use crate::ids::HealthIndex;
use crate::modes::{Failback, Failover};

/// One gate.
#[derive(Clone, Debug)]
pub(super) struct GateSlot {
    pub gate: Gate,
    /// The check's place on the board.
    pub check: Option<usize>,
    /// The check's region.
    region: Option<Arc<str>>,
    /// The gates of the group that the member is an alias of.
    pub below: Vec<usize>,
    above: Vec<usize>,
    /// Its health is whether anything below is in service: it waits for somebody, or a gate above it does.
    looks_below: bool,
    /// How many gates its group has.
    group_size: usize,
    height: Option<u32>,
    pub gated: Gated,
    pub verdict: Verdict,
    pub marks: Marks,
    held: Option<Brake>,
    frozen: Option<bool>,
}

/// The gates to look at when nothing but time has passed: a board may have very many.
#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    /// Something is to happen at a time, or a brake holds.
    due: BTreeSet<usize>,
    /// Its weight ramps up, or has.
    ramping: BTreeSet<usize>,
    /// A restart should know of it.
    pub remarkable: BTreeSet<usize>,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obeyed {
    /// The group's owner name.
    pub owner: Arc<str>,
    pub member: Arc<str>,
    pub passage: Passage,
}

/// No group of gates, or more than one, has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoSuchRoute {
    pub found: String,
    /// The owner names that there are, or those that the name may mean.
    pub known: Vec<Arc<str>>,
    pub is_ambiguous: bool,
}

impl GateSlot {
    fn new(gate: &Gate, now: Timestamp) -> Self {
        Self {
            verdict: unchecked(gate),
            gate: gate.clone(),
            check: None,
            region: None,
            below: Vec::new(),
            above: Vec::new(),
            looks_below: false,
            group_size: 0,
            height: None,
            gated: Gated::in_service(now),
            marks: Marks::default(),
            held: None,
            frozen: None,
        }
    }

    /// What overrides and rules may be for: the member by itself, and the group that it leads to, by its name there and
    /// its name here.
    pub fn subjects(&self) -> [Subject<'_>; 2] {
        let (check, member) = (self.gate.check.as_ref().map(|id| id.as_str()), &*self.gate.member);
        match &self.gate.uses {
            None => {
                let region = self.region.as_deref();
                [Subject { check, endpoint: Some(member), region, route: None }, Subject::default()]
            }
            Some(owner) => {
                let by = |name| Subject { route: Some(name), ..Subject::default() };
                [by(&**owner), by(member)]
            }
        }
    }

    pub fn resume(&mut self, saved: SavedGate) {
        self.gated = saved.gated;
        // Only where an operator's freeze still holds: else it is forgotten when the gate is settled.
        self.frozen = Some(saved.gated.in_service);
    }

    /// What a restart should know; none where health alone says it.
    pub fn saved(&self, now: Timestamp) -> Option<SavedGate> {
        let gated = self.remarkable()?;
        Some(SavedGate { id: self.gate.id.clone(), gated, at: now })
    }

    /// What it is at, where health alone does not say it.
    fn remarkable(&self) -> Option<Gated> {
        let gated = Gated { in_service: self.frozen.unwrap_or(self.gated.in_service), ..self.gated };
        self.is_remarkable().then_some(gated)
    }

    fn is_remarkable(&self) -> bool {
        self.gate.modes != Default::default() || self.frozen.is_some() || self.held.is_some()
    }

    /// Whether a brake keeps it in service.
    pub fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// Begins where its check is, if it goes by health alone: what has left already does not leave again.
    fn begin_at(&mut self, in_service: bool) {
        if self.gate.modes.failover == Failover::Auto {
            self.gated.in_service = in_service;
        }
    }

    fn waits_for_somebody(&self) -> bool {
        self.gate.modes.failover != Failover::Auto || self.gate.modes.failback != Failback::Auto
    }
}

impl Board {
    /// Makes these the gates, and finds what they stand above. Checks are those of now.
    pub(super) fn replace_gates(&mut self, gates: &[Gate], now: Timestamp) {
        let mut before = std::mem::take(&mut self.gates).into_iter().peekable();
        let mut fresh = Vec::new();
        for gate in gates {
            while before.next_if(|old| old.gate.id < gate.id).is_some() {}
            let old = before.next_if(|old| old.gate.id == gate.id);
            let slot = GateSlot::new(gate, now);
            self.gates.push(match old {
                Some(old) => {
                    let GateSlot { gated, verdict, marks, held, frozen, .. } = old;
                    GateSlot { gated, verdict, marks, held, frozen, ..slot }
                }
                None => {
                    fresh.push(self.gates.len());
                    slot
                }
            });
        }
        self.link_gates();
        fresh.into_iter().for_each(|at| self.begin_gate(at));
        self.gates_moved = true;
    }

    fn begin_gate(&mut self, at: usize) {
        if let Some(check) = self.gates[at].check {
            let in_service = self.slots[check].in_service;
            self.gates[at].begin_at(in_service);
        }
    }

    /// Begins every gate anew, by what its check is at, and shows what that comes to without any override.
    pub(super) fn begin_gates(&mut self, now: Timestamp) {
        (0..self.gates.len()).for_each(|at| self.begin_gate(at));
        let begun: Vec<Gated> = self.gates.iter().map(|slot| slot.gated).collect();
        self.settle_all_gates(now);
        // What is forced may keep a route in service: nobody leaves before that is known.
        self.gates.iter_mut().zip(begun).for_each(|(slot, begun)| slot.gated = begun);
    }

    fn link_gates(&mut self) {
        // Of other gates than those of now; settling finds them.
        self.pending = Pending::default();
        self.slots.iter_mut().for_each(|slot| slot.gates.clear());
        for at in 0..self.gates.len() {
            let gate = &self.gates[at].gate;
            let check = gate.check.as_ref().and_then(|id| self.position(id));
            let below = gate.uses.as_ref().map(|owner| self.gates_of(owner)).unwrap_or_default();
            let group_size = self.gates_of(&gate.owner).len();
            if let Some(check) = check {
                self.slots[check].gates.push(at);
            }
            let slot = &mut self.gates[at];
            slot.region = check.and_then(|check| self.slots[check].check.region.clone());
            (slot.check, slot.below, slot.group_size) = (check, below, group_size);
        }
        let below: Vec<&[usize]> = self.gates.iter().map(|gate| &*gate.below).collect();
        let heights = heights(&below);
        for (at, height) in heights.into_iter().enumerate() {
            self.gates[at].height = height;
            for lower in self.gates[at].below.clone() {
                self.gates[lower].above.push(at);
            }
        }
        let mut from_above: Vec<usize> = (0..self.gates.len()).collect();
        from_above.sort_by_key(|at| std::cmp::Reverse(self.gates[*at].height));
        for at in from_above {
            let GateSlot { below, above, .. } = &self.gates[at];
            let is_asked = above.iter().any(|&upper| self.gates[upper].looks_below);
            self.gates[at].looks_below = !below.is_empty() && (is_asked || self.gates[at].waits_for_somebody());
        }
    }

    /// The gates of the group of this owner name: their ids begin alike.
    fn gates_of(&self, owner: &str) -> Vec<usize> {
        let prefix = format!("~{owner}/");
        let first = self.gates.partition_point(|gate| gate.gate.id.as_str() < prefix.as_str());
        let own = self.gates[first..].iter().take_while(|gate| gate.gate.id.as_str().starts_with(&prefix));
        (first..).zip(own).map(|(at, _)| at).collect()
    }

    /// Settles every gate, the lower first. The table is made anew afterwards.
    pub(super) fn settle_all_gates(&mut self, now: Timestamp) {
        let mut order: Vec<_> = self.gates.iter().enumerate().map(|(at, gate)| (gate.height, at)).collect();
        order.sort_unstable();
        for (_, at) in order {
            self.settle_gate(at, now);
        }
    }

    /// Settles these gates, and those above as long as anything changes.
    pub(super) fn settle_gates(&mut self, gates: BTreeSet<usize>, now: Timestamp) {
        let mut pending: BTreeSet<_> = gates.into_iter().map(|at| (self.gates[at].height, at)).collect();
        let has_gates = !pending.is_empty();
        while let Some((_, at)) = pending.pop_first() {
            let (before, marks) = (self.gates[at].verdict.clone(), self.gates[at].marks);
            self.settle_gate(at, now);
            let gate = &self.gates[at];
            if gate.verdict == before && gate.marks == marks {
                continue;
            }
            self.has_changed |= gate.verdict.healthy != before.healthy || gate.marks != marks;
            if gate.verdict.healthy != before.healthy {
                pending.extend(gate.above.iter().map(|&upper| (self.gates[upper].height, upper)));
            }
            self.table.set(self.gate_index(at), gate.verdict.clone(), gate.marks);
        }
        if has_gates {
            self.refresh_shares(now);
        }
    }

    /// Brings one gate's verdict up to date with its check or the group behind it, with operators and brakes.
    fn settle_gate(&mut self, at: usize, now: Timestamp) {
        let before = (self.gates[at].remarkable(), self.gates[at].frozen);
        let base = self.base_of(at);
        let own = self.said_of(at, now).map(said_by);
        let of_check = base.exception.clone().filter(|exception| exception.kind.is_override());
        let slot = &mut self.gates[at];
        let (healthy, exception, marks) = match (own, of_check) {
            (Some(exception), _) => {
                let healthy = overridden(exception.kind, &mut slot.frozen, slot.verdict.healthy);
                let marks = Marks { drained: exception.kind == ExceptionKind::Drained, kept: healthy };
                (healthy, Some(exception), marks)
            }
            (None, Some(exception)) if exception.kind == ExceptionKind::Frozen => {
                let healthy = overridden(exception.kind, &mut slot.frozen, slot.verdict.healthy);
                (healthy, Some(exception), Marks { drained: false, ..slot.marks })
            }
            (None, Some(exception)) => {
                slot.frozen = None;
                let drained = exception.kind == ExceptionKind::Drained;
                (base.healthy, Some(exception), Marks { drained, kept: false })
            }
            (None, None) => {
                slot.frozen = None;
                self.pass(at, &base, now)
            }
        };
        let exception = exception.or(base.exception.clone());
        let slot = &mut self.gates[at];
        (slot.verdict, slot.marks) = (Verdict { healthy, exception, ..base }, marks);
        self.gates_moved |= (slot.remarkable(), slot.frozen) != before;
        self.note_pending(at);
    }

    /// Remembers whether time alone may do anything to a gate.
    fn note_pending(&mut self, at: usize) {
        let slot = &self.gates[at];
        let is_due = slot.is_held() || slot.gated.due_at(&slot.gate.modes).is_some();
        for (set, is_in) in [
            (&mut self.pending.due, is_due),
            (&mut self.pending.ramping, slot.gated.ramps_from.is_some()),
            (&mut self.pending.remarkable, slot.is_remarkable()),
        ] {
            if is_in {
                set.insert(at);
            } else {
                set.remove(&at);
            }
        }
    }

    /// The override that is for a gate.
    fn said_of(&self, at: usize, now: Timestamp) -> Option<&Override> {
        let of = |subject: &Subject<'_>| self.overrides.of(subject, now);
        self.gates[at].subjects().iter().filter_map(of).max_by_key(|said| said.id)
    }

    /// What health says of a member, whatever its gate does.
    fn base_of(&self, at: usize) -> Verdict {
        let slot = &self.gates[at];
        let own = match slot.check {
            Some(check) => self.slots[check].verdict.clone(),
            None => unchecked(&slot.gate),
        };
        if !slot.looks_below || !own.healthy {
            return own;
        }
        let in_service = slot.below.iter().filter(|&&lower| self.gates[lower].verdict.healthy).count();
        let status = if in_service > 0 { Status::Healthy } else { Status::Unhealthy };
        let because = format!("{in_service} of the {} members behind it are in service", slot.below.len()).into();
        Verdict { status, healthy: in_service > 0, because, ..own }
    }

    /// What the gate makes of its member's health.
    fn pass(&mut self, at: usize, base: &Verdict, now: Timestamp) -> (bool, Option<Exception>, Marks) {
        let input = input(base);
        let slot = &self.gates[at];
        let (modes, before) = (slot.gate.modes, slot.gated);
        let (mut next, mut passage) = before.step(&modes, input, now);
        let mut held = None;
        if passage.is_some_and(|passage| matches!(passage, Passage::Out(_))) {
            held = self.holds_gate(at, now);
            if held.is_some() {
                (next, passage) = (before, None);
            }
        }
        self.note_gate(at, passage, held.as_ref(), base);
        let slot = &mut self.gates[at];
        slot.gated = next;
        slot.held = held.as_ref().map(|(brake, _)| *brake);
        let (owner, kept) = (slot.gate.owner.clone(), next.in_service && !input.healthy);
        let exception = match (held, next.in_service, input.healthy) {
            (Some((_, because)), ..) => Some(Exception { kind: ExceptionKind::Held, because: because.into() }),
            (None, true, false) => Some(awaits_failover(&next, &owner)),
            (None, false, true) => Some(awaits_failback(&next, &modes.failback, &owner)),
            _ => None,
        };
        (next.in_service, exception, Marks { drained: false, kept })
    }

    /// Which brake holds a member that would leave, and why.
    fn holds_gate(&mut self, at: usize, now: Timestamp) -> Option<(Brake, String)> {
        if let Some(rule) = self.rule_against(Thing::Gate(at)) {
            return Some((Brake::Rule, format!("kept in service by the rule {:?}", &*rule.name)));
        }
        let velocity = self.braking.group_velocity()?;
        let slot = &self.gates[at];
        let (owner, size) = (slot.gate.owner.clone(), slot.group_size);
        let taken = self.braking.groups.entry(owner.clone()).or_default();
        if taken.take(velocity, size, now) {
            return None;
        }
        let (allowed, per) = (velocity.allowed(size), velocity.per);
        let because =
            format!("kept in service: {allowed} of the {size} members of {owner} have left in {per:?}, and no more may");
        Some((Brake::GroupVelocity, because))
    }

    fn note_gate(&mut self, at: usize, passage: Option<Passage>, held: Option<&(Brake, String)>, base: &Verdict) {
        let GateSlot { gate, held: before, .. } = &self.gates[at];
        let (id, owner, member) = (gate.id.clone(), gate.owner.clone(), gate.member.clone());
        match (*before, held) {
            (was, Some((brake, because))) if was != Some(*brake) => {
                self.notices.push(Notice::Held { id, brake: *brake, because: because.as_str().into() });
            }
            (Some(brake), None) => self.notices.push(Notice::Released { id, brake }),
            _ => {}
        }
        // A group that says nothing follows its checks, whose events tell it all.
        let tells = self.gates[at].waits_for_somebody();
        if let Some(passage) = passage.filter(|_| tells) {
            self.notices.push(Notice::Passed { owner, member, passage, because: base.because.clone() });
        }
    }

    /// Carries out an operator's order for a group, or for one member of it. Says what it did.
    ///
    /// # Errors
    /// When no group has gates under that name, or several may be meant.
    pub fn order(&mut self, route: &str, member: Option<&str>, order: Order, now: Timestamp) -> Result<Vec<Obeyed>, NoSuchRoute> {
        let owner = self.route_named(route)?;
        let mut obeyed = Vec::new();
        for at in self.gates_of(&owner) {
            let input = input(&self.base_of(at));
            let GateSlot { gate, gated, .. } = &self.gates[at];
            if member.is_some_and(|member| *member != *gate.member) {
                continue;
            }
            let Some((next, passage)) = gated.obey(order, &gate.modes, input, now) else { continue };
            if matches!(order, Order::TakeOut | Order::Approve) && self.rule_against(Thing::Gate(at)).is_some() {
                continue;
            }
            let (owner, member) = (gate.owner.clone(), gate.member.clone());
            let because = "an operator said so".into();
            self.notices.push(Notice::Passed { owner: owner.clone(), member: member.clone(), passage, because });
            obeyed.push(Obeyed { owner, member, passage });
            (self.gates[at].gated, self.gates_moved) = (next, true);
            // Before the next, for whom a rule may say otherwise now.
            self.settle_gates(BTreeSet::from([at]), now);
        }
        Ok(obeyed)
    }

    /// The owner name that a route's name means: as written, or without the zone where only one begins so.
    fn route_named(&self, found: &str) -> Result<Arc<str>, NoSuchRoute> {
        let wanted = found.trim_end_matches('.').to_ascii_lowercase();
        let owners: BTreeSet<&Arc<str>> = self.gates.iter().map(|gate| &gate.gate.owner).collect();
        let is = |owner: &str| owner.trim_end_matches('.').eq_ignore_ascii_case(&wanted);
        if let Some(owner) = owners.iter().find(|owner| is(owner)) {
            return Ok(Arc::clone(owner));
        }
        let begins = |owner: &str| owner.to_ascii_lowercase().strip_prefix(&wanted).is_some_and(|rest| rest.starts_with('.'));
        let meant: Vec<Arc<str>> = owners.iter().filter(|owner| begins(owner)).map(|owner| Arc::clone(owner)).collect();
        match meant.as_slice() {
            [owner] => Ok(owner.clone()),
            [] => {
                let known = owners.into_iter().cloned().collect();
                Err(NoSuchRoute { found: found.to_owned(), known, is_ambiguous: false })
            }
            _ => Err(NoSuchRoute { found: found.to_owned(), known: meant, is_ambiguous: true }),
        }
    }

    /// Moves the gates whose time has come, and the weights that ramp up.
    pub(super) fn tick_gates(&mut self, now: Timestamp) {
        let is_due = |at: &usize| {
            let gate = &self.gates[*at];
            gate.is_held() || gate.gated.due_at(&gate.gate.modes).is_some_and(|due| due <= now)
        };
        let due: BTreeSet<usize> = self.pending.due.iter().copied().filter(is_due).collect();
        self.settle_gates(due, now);
        self.refresh_shares(now);
    }

    /// Brings the table's shares up to date.
    pub(super) fn refresh_shares(&mut self, now: Timestamp) {
        let share = |&at: &usize| {
            let gate = &self.gates[at];
            let share = gate.gated.share(&gate.gate.modes, now);
            (share != WHOLE).then(|| (self.gate_index(at), share))
        };
        let shares: Vec<(HealthIndex, u8)> = self.pending.ramping.iter().filter_map(share).collect();
        self.has_changed |= self.table.set_shares(&shares);
    }

    /// The place of a gate in every table of this board.
    pub(super) fn gate_index(&self, at: usize) -> HealthIndex {
        HealthIndex((self.slots.len() + at) as u32)
    }

    /// Moves every time that gates remember, because the clock was wrong by that.
    pub(super) fn shift_gates(&mut self, by: SignedDuration) {
        self.gates.iter_mut().for_each(|slot| slot.gated.shift(by));
        self.gates_moved |= self.gates.iter().any(|slot| slot.remarkable().is_some());
    }
}

/// A member's health, as its gate sees it.
fn input(base: &Verdict) -> Input {
    Input { healthy: base.healthy, is_known: base.status != Status::Unknown }
}

fn awaits_failover(gated: &Gated, owner: &str) -> Exception {
    let because = match gated.proposal.map(|proposal| proposal.due_at) {
        Some(Some(due_at)) => {
            format!("kept in service: to be taken out with `waypost failover {owner}`, or decided at {due_at:.0}")
        }
        Some(None) => "kept in service: taking it out was refused".to_owned(),
        None => format!("kept in service until `waypost failover {owner}`"),
    };
    Exception { kind: ExceptionKind::AwaitsFailover, because: because.into() }
}

fn awaits_failback(gated: &Gated, failback: &Failback, owner: &str) -> Exception {
    let because = match (failback, gated.recovered_at) {
        (Failback::Delayed(delay), Some(at)) => {
            format!("healthy since {at:.0}; back in service after {delay:?} without a failure")
        }
        _ => format!("back in service only by `waypost failback {owner}`"),
    };
    Exception { kind: ExceptionKind::AwaitsFailback, because: because.into() }
}

impl fmt::Display for NoSuchRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { found, known, is_ambiguous } = self;
        match (is_ambiguous, known.as_slice()) {
            (true, known) => write!(f, "{found:?} may be any of {}", known.join(", ")),
            (false, []) => write!(f, "{found:?} is no routed name; there are none"),
            (false, known) => write!(f, "{found:?} is no routed name; these are: {}", known.join(", ")),
        }
    }
}

impl std::error::Error for NoSuchRoute {}
