//! What routing goes by, brought up to date from the bottom up: checks, the checks above them, and the gates of all.
//!
//! Invariant: each is settled after all that it stands on, so none ever shows a status between two.

use std::collections::{BTreeSet, VecDeque};

use jiff::Timestamp;

use super::gates::GateSlot;
use super::judge::{Judged, as_child};
use super::slot::Slot;
use super::{Board, Event};
use crate::health::overrides::{Action, Override, Subject};
use crate::health::table::{Exception, ExceptionKind, HealthTable, Marks, Seen, Verdict};
use crate::ids::HealthIndex;

/// When a check is settled: the lower first; of one height, those that are out first, so that a rule keeps what failed last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    height: u32,
    in_service: bool,
    since: Timestamp,
    at: usize,
}

impl Board {
    /// Settles every check, children first, then every gate.
    pub(super) fn settle_all(&mut self, now: Timestamp) -> Vec<Event> {
        let events = self.settle_checks(now, |_| true);
        self.settle_all_gates(now);
        self.rebuild_table(now);
        self.has_changed = true;
        events
    }

    /// Settles what these overrides are for, whether they have come or gone, and what a brake holds: one thing fewer may be
    /// in its way. All other checks and gates are as they were.
    pub(super) fn settle_said(&mut self, changed: &[Override], now: Timestamp) -> Vec<Event> {
        let is_said = |subject: &Subject<'_>| changed.iter().any(|said| said.target.matches(subject));
        let checks = self.slots.iter().enumerate().filter(|(_, slot)| slot.held.is_some() || is_said(&slot.as_subject()));
        let checks: Vec<usize> = checks.map(|(at, _)| at).collect();
        let is_concerned = |gate: &GateSlot| gate.is_held() || gate.subjects().iter().any(is_said);
        let gates = self.gates.iter().enumerate().filter(|(_, gate)| is_concerned(gate)).map(|(at, _)| at).collect();
        let events = self.settle_those(checks, gates, now);
        self.refresh_changes(now);
        self.has_changed = true;
        events
    }

    /// Settles these checks, children first. The table is made anew afterwards.
    pub(super) fn settle_checks(&mut self, now: Timestamp, is_wanted: impl Fn(&Slot) -> bool) -> Vec<Event> {
        let wanted = (0..self.slots.len()).filter(|&at| is_wanted(&self.slots[at]));
        let mut order: Vec<_> = wanted.filter_map(|at| self.turn_of(at)).collect();
        order.sort_unstable();
        order.into_iter().filter_map(|turn| self.settle(turn.at, now)).collect()
    }

    /// Makes the table anew of all that is settled.
    pub(super) fn rebuild_table(&mut self, now: Timestamp) {
        let checks = self.slots.iter().map(|slot| (slot.verdict.clone(), slot.marks)).collect();
        let seen: Vec<Seen> = self.slots.iter().map(|slot| slot.seen.clone()).collect();
        let gates = self.gates.iter().map(|gate| (gate.verdict.clone(), gate.marks)).collect();
        self.table = HealthTable::with_seen(checks, &seen, gates);
        self.refresh_shares(now);
        self.refresh_changes(now);
    }

    /// Settles one check and, as long as that changes anything, those above it, and the gates of all of them.
    pub(super) fn settle_from(&mut self, at: usize, now: Timestamp) -> Vec<Event> {
        self.settle_those(vec![at], BTreeSet::new(), now)
    }

    /// The same from several checks, each after all of its children; `gates` are settled, too.
    fn settle_those(&mut self, checks: Vec<usize>, mut gates: BTreeSet<usize>, now: Timestamp) -> Vec<Event> {
        let mut events = Vec::new();
        let mut pending: BTreeSet<Turn> = checks.into_iter().filter_map(|at| self.turn_of(at)).collect();
        while let Some(Turn { at, .. }) = pending.pop_first() {
            let (before, marks) = (self.slots[at].verdict.clone(), self.slots[at].marks);
            events.extend(self.settle(at, now));
            let slot = &self.slots[at];
            if slot.verdict != before || slot.marks != marks {
                self.has_changed |= slot.verdict.healthy != before.healthy || slot.marks != marks;
                self.table.set(HealthIndex(at as u32), slot.verdict.clone(), slot.marks);
                gates.extend(slot.gates.iter().copied());
            }
            if as_child(&slot.verdict) != as_child(&before) {
                pending.extend(slot.parents.iter().filter_map(|&parent| self.turn_of(parent)));
            }
        }
        self.settle_gates(gates, now);
        events
    }

    /// When a check is settled among others; none for a member of a loop.
    fn turn_of(&self, at: usize) -> Option<Turn> {
        let slot = &self.slots[at];
        Some(Turn { height: slot.height?, in_service: slot.in_service, since: slot.verdict.since, at })
    }

    /// Brings one check's verdict up to date with its state or its children, with operators and brakes.
    fn settle(&mut self, at: usize, now: Timestamp) -> Option<Event> {
        let judged = self.judge(at, now);
        let (healthy, exception) = self.decide(at, &judged, now);
        let slot = &mut self.slots[at];
        let since = judged.since(&slot.verdict, now);
        let id = slot.verdict.id.clone();
        let next = Verdict { id, status: judged.status, healthy, since, because: judged.because, exception };
        slot.marks = marks_of(&next);
        let from = std::mem::replace(&mut slot.verdict, next).status;
        let Verdict { id, status: to, healthy, because, since, .. } = slot.verdict.clone();
        (from != to).then_some(Event { id, from, to, healthy, because, since })
    }

    /// What routing goes by, and why that is not the status where it is not.
    fn decide(&mut self, at: usize, judged: &Judged, now: Timestamp) -> (bool, Option<Exception>) {
        let said = self.overrides.of(&self.slots[at].as_subject(), now).map(said_by);
        let slot = &mut self.slots[at];
        let frozen = slot.frozen;
        let healthy = said.as_ref().map(|said| overridden(said.kind, &mut slot.frozen, slot.verdict.healthy));
        if healthy.is_none() {
            slot.frozen = None;
        }
        // Of probed checks it is kept with their verdicts.
        self.gates_moved |= slot.state.is_none() && slot.frozen != frozen;
        if let Some(healthy) = healthy {
            return (healthy, said);
        }
        if self.slots[at].check.observe {
            let because = "it reports and decides nothing (observe)".into();
            return (true, Some(Exception { kind: ExceptionKind::Observed, because }));
        }
        self.brake(at, judged.healthy, now)
    }
}

/// What an operator said, as an exception.
pub(super) fn said_by(said: &Override) -> Exception {
    let (kind, word) = match said.action {
        Action::Up => (ExceptionKind::Up, "forced up"),
        Action::Down => (ExceptionKind::Down, "forced down"),
        Action::Drain => (ExceptionKind::Drained, "drained"),
        Action::Freeze => (ExceptionKind::Frozen, "frozen"),
    };
    let until = match said.expires_at {
        Some(at) => format!(" until {at:.0}"),
        None => String::new(),
    };
    let because = format!("{word} by {}{until}: {}", said.author, said.reason).into();
    Exception { kind, because }
}

/// What routing goes by under an override; `present` is what it went by before.
pub(super) fn overridden(kind: ExceptionKind, frozen: &mut Option<bool>, present: bool) -> bool {
    if kind != ExceptionKind::Frozen {
        *frozen = None;
    }
    match kind {
        ExceptionKind::Up => true,
        ExceptionKind::Frozen => *frozen.get_or_insert(present),
        _ => false,
    }
}

/// The marks of a check's verdict: what stands behind a member is its gate's business.
fn marks_of(verdict: &Verdict) -> Marks {
    let is_drained = |exception: &Exception| exception.kind == ExceptionKind::Drained;
    Marks { drained: verdict.exception.as_ref().is_some_and(is_drained), kept: false }
}

/// The longest way down from each to one that has nothing below; none for members of a loop, and what is above them.
pub(super) fn heights(below: &[&[usize]]) -> Vec<Option<u32>> {
    let mut above = vec![Vec::new(); below.len()];
    for (at, list) in below.iter().enumerate() {
        list.iter().for_each(|&lower| above[lower].push(at));
    }
    let mut heights: Vec<Option<u32>> = vec![None; below.len()];
    let mut missing: Vec<usize> = below.iter().map(|list| list.len()).collect();
    let mut ready: VecDeque<usize> = (0..missing.len()).filter(|&at| missing[at] == 0).collect();
    while let Some(at) = ready.pop_front() {
        let lower = below[at].iter().filter_map(|&lower| heights[lower]).max();
        heights[at] = Some(lower.map_or(0, |height| height + 1));
        for &upper in &above[at] {
            missing[upper] -= 1;
            if missing[upper] == 0 {
                ready.push_back(upper);
            }
        }
    }
    heights
}
