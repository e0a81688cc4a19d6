//! Every health check of a state with what is known of it: observations in, verdicts and events out.
//!
//! Neither probes nor publishes. The machine decides an endpoint's status, `calculated` a parent's; here `disabled` and
//! inversion are applied, in that order, and changes are carried upward. Then what routing goes by: an operator's word
//! before a brake's before the status, and at last each member's gate. Invariants: index *i* is the *i*-th check by id,
//! those of gates follow; each change of a final status is exactly one event; a parent is settled after all of its
//! children, and a gate after its check, so neither ever shows a status between two. Source: Route 53 API reference, `HealthCheckConfig` (`Inverted`, `Disabled`,
//! `ChildHealthChecks`).
//!
//! ```text
//! disabled  inverted  raw status   final status  counts as healthy
//! no        no        s            s             s is healthy or unknown
//! no        yes       s            not s         s is unhealthy
//! yes       no        -            healthy       yes
//! yes       yes       -            unhealthy     no   <- how Route 53 stops routing to a check
//! ```
//!
//! ```text
//! operator says        check only observed  status     a brake holds  counts as healthy
//! up                   any                  any        any            yes
//! down, drain          any                  any        any            no
//! freeze               any                  any        any            as it did when this was said
//! nothing              yes                  any        any            yes
//! nothing              no                   healthy    any            yes
//! nothing              no                   unhealthy  yes            yes
//! nothing              no                   unhealthy  no             no
//! ```

mod braking;
mod gates;
mod judge;
mod notice;
mod settle;
mod slot;
mod soon;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use self::braking::Braking;
use self::gates::{GateSlot, Pending};
use self::judge::Judged;
use self::settle::heights;
use self::slot::Slot;
use super::check::{CheckKind, EndpointCheck, HealthCheck};
use super::distrust::Distrust;
use super::gate::Gated;
use super::machine::{self, Rules, State};
use super::observation::{NotRun, Observation, Outcome};
use super::overrides::Overrides;
use super::plan::Plan;
use super::signal::{SavedStanding, Signal, Standing};
use super::table::{HealthTable, Status, Verdict};
use super::timing::Pace;
use crate::ids::{HealthCheckId, HealthIndex};

pub use self::gates::{NoSuchRoute, Obeyed};
pub use self::notice::Notice;

/// All health checks and what is known of them.
#[derive(Clone, Debug, Default)]
pub struct Board {
    /// By id.
    slots: Vec<Slot>,
    /// By id.
    gates: Vec<GateSlot>,
    pending: Pending,
    /// The slots' verdicts and the gates', for readers.
    table: HealthTable,
    /// How many enabled endpoint checks have never been observed.
    awaited: usize,
    /// Where the checks are of which somebody tells us.
    signalled: Vec<usize>,
    overrides: Overrides,
    braking: Braking,
    /// What has happened and nobody has taken yet.
    notices: Vec<Notice>,
    /// What routing goes by has changed since somebody asked.
    has_changed: bool,
    /// What [`Board::saved_gates`] says has changed since somebody asked.
    gates_moved: bool,
    /// What was last told of each check, those that are gone or told by another source now included: as the store has it.
    told: BTreeMap<HealthCheckId, SavedStanding>,
}

/// One change of a health check's final status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub id: HealthCheckId,
    pub from: Status,
    pub to: Status,
    /// What routing goes by from now on.
    pub healthy: bool,
    pub because: Arc<str>,
    pub since: Timestamp,
}

/// What a new set of checks brought about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replaced {
    pub events: Vec<Event>,
    /// The probed checks of which nothing is known, because they are new or probe something else now.
    pub fresh: BTreeSet<HealthCheckId>,
}

/// What a restart needs to know of one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedVerdict {
    pub id: HealthCheckId,
    /// What was probed: a verdict on something else is not resumed.
    pub subject: Arc<str>,
    /// Before inversion.
    pub status: Status,
    pub since: Timestamp,
    pub because: Arc<str>,
    /// When an observation last counted.
    pub counted_at: Timestamp,
    /// Holds and what they follow from: a restart shortens none.
    pub distrust: Distrust,
    /// The last probe that failed.
    pub last_failure: Option<Arc<Observation>>,
    /// What routing went by, where a brake or an operator's freeze made that another than the status.
    pub kept_at: Option<bool>,
}

/// What a restart needs to know of one gate, or of a check that is not probed and frozen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedGate {
    pub id: HealthCheckId,
    pub gated: Gated,
    /// When this was so.
    pub at: Timestamp,
}

impl Board {
    /// The board of a plan, with nothing known.
    pub fn new(plan: impl Into<Plan>, now: Timestamp) -> Self {
        let mut board = Self::default();
        board.replace(plan, now);
        board.forget_news();
        board
    }

    /// Takes up the verdicts of an earlier run, and says how many: those not too old, on checks that still probe the same.
    /// What operators say and what was told is set before, so that what is frozen is found as it was; gates come after.
    pub fn resume(&mut self, saved: impl IntoIterator<Item = SavedVerdict>, now: Timestamp) -> usize {
        self.slots.iter_mut().for_each(|slot| slot.frozen = None);
        let mut count = 0;
        for saved in saved {
            let Some(index) = self.index(&saved.id) else { continue };
            count += usize::from(self.slots[index.at()].resume(saved, now));
        }
        // First as it would be if nobody said anything: that is what is frozen where nothing else was kept.
        let said = std::mem::take(&mut self.overrides);
        self.settle_checks(now, |slot| slot.frozen.is_none());
        self.begin_gates(now);
        self.overrides = said;
        self.settle_all(now);
        count
    }

    /// Takes up what gates were at in an earlier run: what an operator or a delay has out of service stays so. Comes last.
    pub fn resume_gates(&mut self, saved: impl IntoIterator<Item = SavedGate>, now: Timestamp) {
        for saved in saved {
            if let Ok(at) = self.gates.binary_search_by(|known| known.gate.id.cmp(&saved.id)) {
                self.gates[at].resume(saved);
            } else if let Some(at) = self.position(&saved.id).filter(|&at| self.slots[at].state.is_none()) {
                self.slots[at].frozen = Some(saved.gated.in_service);
            }
        }
        self.settle_all(now);
        self.forget_news();
    }

    fn forget_news(&mut self) {
        self.notices.clear();
        (self.has_changed, self.gates_moved) = (false, false);
    }

    /// Takes up what was told in an earlier run, of checks that are still told by the same source.
    pub fn resume_signals(&mut self, saved: impl IntoIterator<Item = (HealthCheckId, SavedStanding)>, now: Timestamp) {
        for (id, saved) in saved {
            self.told.insert(id.clone(), saved.clone());
            let Some(index) = self.index(&id) else { continue };
            let slot = &mut self.slots[index.at()];
            if slot.check.signalled().is_some_and(|check| *check.source.to_string() == *saved.source) {
                slot.standing = saved.into();
                let since = slot.standing.since(now).unwrap_or(now);
                // Nothing changes now: the status has been what it is since then.
                let Judged { status, .. } = self.judge(index.at(), now);
                let verdict = &mut self.slots[index.at()].verdict;
                (verdict.status, verdict.since) = (status, since);
            }
        }
        self.settle_all(now);
    }

    /// Makes this the plan. A check that probes the same as before keeps what is known of it, whatever its thresholds,
    /// interval and deadlines are now; so does the gate of a member that keeps its name, and a check that is told by whom it
    /// was told before.
    pub fn replace(&mut self, plan: impl Into<Plan>, now: Timestamp) -> Replaced {
        let plan = plan.into();
        let before = std::mem::take(&mut self.slots);
        let before: BTreeMap<_, _> = before.into_iter().map(|slot| (slot.check.id.clone(), slot)).collect();
        let mut fresh = BTreeSet::new();
        for (id, check) in &plan.checks {
            let mut slot = Slot::following(before.get(id), check, now);
            if let (Some(signal), Some(told)) = (check.signalled(), self.told.get(id))
                && *told.source == *signal.source.to_string()
            {
                slot.standing = told.clone().into();
            }
            if slot.state.is_some() && before.get(id).is_none_or(|old| old.state.is_none() || !slot.observes_as(old)) {
                fresh.insert(id.clone());
            }
            self.slots.push(slot);
        }
        self.link();
        self.replace_gates(&plan.gates, now);
        self.replace_brakes(plan.brakes);
        // Where a check is new, there was nothing to change from.
        let events = self.settle_all(now).into_iter().filter(|event| before.contains_key(&event.id)).collect();
        Replaced { events, fresh }
    }

    /// Takes one observation, and returns the changes it brought: the check's own first, then those of its parents.
    ///
    /// A failure that this checker has reason to doubt is taken as a probe that could not be made.
    pub fn observe(&mut self, index: HealthIndex, seen: &Observation) -> Vec<Event> {
        let at = index.at();
        let doubted = self.doubt(at, seen);
        let seen = doubted.as_ref().unwrap_or(seen);
        let slot = &mut self.slots[at];
        let (Some(state), Some(rules)) = (slot.state.take(), slot.check.probed().map(Rules::from)) else {
            return Vec::new();
        };
        slot.state = Some(machine::observe(state, seen, rules).0);
        slot.resumed &= seen.outcome.passed().is_none();
        self.awaited -= usize::from(!slot.observed);
        slot.observed = true;
        slot.note(seen);
        self.table.set_seen(index, slot.seen.clone());
        self.settle_from(at, seen.at)
    }

    /// Takes one signal for a check that is told, and returns the changes it brought, as [`Board::observe`] does.
    pub fn signal(&mut self, index: HealthIndex, signal: Signal, now: Timestamp) -> Vec<Event> {
        let slot = &mut self.slots[index.at()];
        if slot.check.signalled().is_none() {
            return Vec::new();
        }
        slot.standing = slot.standing.observe(signal);
        slot.lease_is_over = false;
        if let Some(saved) = slot.check.signalled().and_then(|check| slot.standing.saved(&check.source)) {
            self.told.insert(slot.check.id.clone(), saved);
        }
        self.settle_from(index.at(), now)
    }

    /// What was last told of a check that is told.
    pub fn standing(&self, index: HealthIndex) -> &Standing {
        &self.slots[index.at()].standing
    }

    /// When to probe a check again after `last`; none when it is not probed.
    pub fn pace(&self, index: HealthIndex, last: &Outcome) -> Option<Pace> {
        let slot = &self.slots[index.at()];
        Some(machine::pace(slot.state.as_ref()?, &slot.check.probed()?.timing, last))
    }

    /// What is known of an endpoint; none when nothing is probed.
    pub fn state(&self, index: HealthIndex) -> Option<&State> {
        self.slots[index.at()].state.as_ref()
    }

    /// Moves every time that is known by `by`, because the clock that they were read from was wrong by that: durations
    /// stay what they are, and nothing changes its status. What operators said until a time keeps its time.
    pub fn shift(&mut self, by: SignedDuration, now: Timestamp) {
        self.slots.iter_mut().for_each(|slot| slot.shift(by));
        self.shift_gates(by);
        self.braking.shift(by);
        self.rebuild_table(now);
    }

    /// The observation as this checker's own failing, where it has reason to doubt itself.
    fn doubt(&mut self, at: usize, seen: &Observation) -> Option<Observation> {
        let passed = seen.outcome.passed()?;
        let was_failing = std::mem::replace(&mut self.slots[at].is_failing, !passed);
        self.note_failing(at, was_failing, seen.at);
        let Outcome::Failed(failure) = &seen.outcome else { return None };
        let sign = self.doubted(at, failure)?;
        let outcome = NotRun::Doubted(format!("{}: {}", sign.as_str(), seen.outcome)).into();
        Some(Observation { at: seen.at, outcome })
    }

    /// Time passes: overrides and leases end, brakes let go, delays and deadlines end, weights ramp up. To be called a few
    /// times a second.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Event> {
        let expired = self.overrides.expire(now);
        let mut events = if expired.is_empty() { Vec::new() } else { self.settle_said(&expired, now) };
        events.extend(self.tick_brakes(now));
        let ends = |slot: &Slot| !slot.lease_is_over && slot.standing.until().is_some_and(|until| until <= now);
        let ended: Vec<usize> = self.signalled.iter().copied().filter(|&at| ends(&self.slots[at])).collect();
        for at in ended {
            self.slots[at].lease_is_over = true;
            events.extend(self.settle_from(at, now));
        }
        self.tick_gates(now);
        events
    }

    /// The loop that probes was late by so much.
    pub fn lagged(&mut self, lag: Duration, now: Timestamp) {
        self.braking.lagged(lag, now);
    }

    /// Makes this what operators say.
    pub fn set_overrides(&mut self, overrides: Overrides, now: Timestamp) -> Vec<Event> {
        let before = std::mem::replace(&mut self.overrides, overrides);
        let changed = before.differing(&self.overrides);
        self.settle_said(&changed, now)
    }

    /// What operators say.
    pub fn overrides(&self) -> &Overrides {
        &self.overrides
    }

    /// The rules that would be broken if this were what operators say, and are not now.
    pub fn broken_by(&self, overrides: Overrides, now: Timestamp) -> Vec<Arc<str>> {
        if self.braking.has_no_rules() {
            return Vec::new();
        }
        let broken = self.broken_rules();
        let mut supposed = self.clone();
        supposed.set_overrides(overrides, now);
        supposed.broken_rules().into_iter().filter(|rule| !broken.contains(rule)).collect()
    }

    /// What has happened beside changes of status, since somebody last asked.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// Whether what routing goes by has changed since somebody last asked.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.has_changed)
    }

    /// The place of a check in every table of this board, until the next [`Board::replace`].
    pub fn index(&self, id: &HealthCheckId) -> Option<HealthIndex> {
        self.position(id).map(|at| HealthIndex(at as u32))
    }

    /// The check, as configured.
    pub fn check(&self, index: HealthIndex) -> &Arc<HealthCheck> {
        &self.slots[index.at()].check
    }

    /// The check's verdict, as of the last observation.
    pub fn verdict(&self, index: HealthIndex) -> &Verdict {
        &self.slots[index.at()].verdict
    }

    /// The checks that are to be probed.
    pub fn probed(&self) -> impl Iterator<Item = (&HealthCheckId, &EndpointCheck)> {
        self.slots.iter().filter_map(|slot| Some((&slot.check.id, slot.check.probed()?)))
    }

    /// Whether each check that is probed has been observed at least once.
    pub fn first_round_done(&self) -> bool {
        self.awaited == 0
    }

    /// Every verdict, for a snapshot; shares all that has not changed since the last.
    pub fn table(&self) -> HealthTable {
        self.table.clone()
    }

    /// What a restart should know: every endpoint whose status is known.
    pub fn saved(&self) -> Vec<SavedVerdict> {
        self.slots.iter().filter_map(Slot::saved).collect()
    }

    /// What a restart should know of one endpoint.
    pub fn saved_of(&self, id: &HealthCheckId) -> Option<SavedVerdict> {
        self.slots[self.position(id)?].saved()
    }

    /// What a restart should know of gates: those that do not merely follow health; and of checks that are not probed.
    pub fn saved_gates(&self, now: Timestamp) -> Vec<SavedGate> {
        let unprobed = self.slots.iter().filter(|slot| slot.state.is_none());
        let frozen = unprobed.filter_map(|slot| {
            let gated = Gated { in_service: slot.frozen?, ..Gated::in_service(now) };
            Some(SavedGate { id: slot.check.id.clone(), gated, at: now })
        });
        self.pending.remarkable.iter().filter_map(|&at| self.gates[at].saved(now)).chain(frozen).collect()
    }

    /// The same, if it has changed since somebody last asked.
    pub fn take_moved_gates(&mut self, now: Timestamp) -> Option<Vec<SavedGate>> {
        std::mem::take(&mut self.gates_moved).then(|| self.saved_gates(now))
    }

    fn position(&self, id: &HealthCheckId) -> Option<usize> {
        self.slots.binary_search_by(|slot| slot.check.id.cmp(id)).ok()
    }

    /// Links children and parents, and finds each check's height, from the bottom up.
    ///
    /// Children that do not exist count as not healthy, and members of a loop never get a height and stay unknown:
    /// the readers of texts refuse both.
    fn link(&mut self) {
        self.signalled = (0..self.slots.len()).filter(|&at| self.slots[at].check.signalled().is_some()).collect();
        self.awaited = self.slots.iter().filter(|slot| slot.state.is_some() && !slot.observed).count();
        for at in 0..self.slots.len() {
            let children = match &self.slots[at].check.kind {
                CheckKind::Calculated { children, .. } => children.iter().filter_map(|id| self.position(id)).collect(),
                CheckKind::Endpoint(_) | CheckKind::Signal(_) => Vec::new(),
            };
            for &child in &children {
                self.slots[child].parents.push(at);
            }
            self.slots[at].children = children;
        }
        let below: Vec<&[usize]> = self.slots.iter().map(|slot| &*slot.children).collect();
        let heights = heights(&below);
        self.slots.iter_mut().zip(heights).for_each(|(slot, height)| slot.height = height);
    }
}

/// `fra: healthy -> unhealthy: 3 failures in a row, the last: connection refused`
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} -> {}: {}", self.id, self.from, self.to, self.because)
    }
}
