//! Every health check of a state with what is known of it: observations in, verdicts and events out.
//!
//! Neither probes nor publishes. The machine decides an endpoint's status, `calculated` a parent's; here `disabled` and
//! inversion are applied, in that order, and changes are carried upward. Invariants: index *i* is the *i*-th check by
//! id; each change of a final status is exactly one event; a parent is settled after all of its children, so it never
//! shows a status between two. Source: Route 53 API reference, `HealthCheckConfig` (`Inverted`, `Disabled`,
//! `ChildHealthChecks`).
//!
//! ```text
//! disabled  inverted  raw status   final status  counts as healthy
//! no        no        s            s             s is healthy or unknown
//! no        yes       s            not s         s is unhealthy
//! yes       no        -            healthy       yes
//! yes       yes       -            unhealthy     no   <- how Route 53 stops routing to a check
//! ```

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::calculated::{Child, calculate};
use super::check::{CheckKind, EndpointCheck, HealthCheck};
use super::distrust::{Distrust, shifted};
use super::machine::{self, Rules, State};
use super::observation::{Observation, Outcome};
use super::table::{HealthTable, Seen, Status, Verdict};
use super::timing::Pace;
use crate::ids::{HealthCheckId, HealthIndex};

/// All health checks and what is known of them.
#[derive(Clone, Debug, Default)]
pub struct Board {
    /// By id.
    slots: Vec<Slot>,
    /// The slots' verdicts, for readers.
    table: HealthTable,
    /// How many enabled endpoint checks have never been observed.
    awaited: usize,
}

#[derive(Clone, Debug)]
struct Slot {
    check: Arc<HealthCheck>,
    /// What is probed; empty when nothing is.
    subject: Arc<str>,
    /// What is known of the endpoint; none when nothing is probed.
    state: Option<State>,
    /// An observation of this endpoint has been made since the start.
    observed: bool,
    /// The state is from before the start and no observation has counted since.
    resumed: bool,
    verdict: Verdict,
    /// What was last seen of this endpoint.
    seen: Seen,
    /// Longest way down to a check that is not calculated; none for a member of a loop.
    height: Option<u32>,
    children: Vec<usize>,
    parents: Vec<usize>,
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
}

impl Board {
    /// The board of `checks`, with nothing known.
    pub fn new(checks: &BTreeMap<HealthCheckId, HealthCheck>, now: Timestamp) -> Self {
        let mut board = Self::default();
        board.replace(checks, now);
        board
    }

    /// Takes up the verdicts of an earlier run, and says how many: those not too old, on checks that still probe the same.
    pub fn resume(&mut self, saved: impl IntoIterator<Item = SavedVerdict>, now: Timestamp) -> usize {
        let mut count = 0;
        for saved in saved {
            let Some(index) = self.index(&saved.id) else { continue };
            count += usize::from(self.slots[index.at()].resume(saved, now));
        }
        self.settle_all(now);
        count
    }

    /// Makes these the checks. A check that probes the same as before keeps what is known of it, whatever its
    /// thresholds, interval and deadlines are now.
    pub fn replace(&mut self, checks: &BTreeMap<HealthCheckId, HealthCheck>, now: Timestamp) -> Replaced {
        let before = std::mem::take(&mut self.slots);
        let before: BTreeMap<_, _> = before.into_iter().map(|slot| (slot.check.id.clone(), slot)).collect();
        let mut fresh = BTreeSet::new();
        for (id, check) in checks {
            let slot = Slot::following(before.get(id), check, now);
            if slot.state.is_some() && before.get(id).is_none_or(|old| old.state.is_none() || !slot.observes_as(old)) {
                fresh.insert(id.clone());
            }
            self.slots.push(slot);
        }
        self.link();
        // Where a check is new, there was nothing to change from.
        let events = self.settle_all(now).into_iter().filter(|event| before.contains_key(&event.id)).collect();
        Replaced { events, fresh }
    }

    /// Takes one observation, and returns the changes it brought: the check's own first, then those of its parents.
    pub fn observe(&mut self, index: HealthIndex, seen: &Observation) -> Vec<Event> {
        let slot = &mut self.slots[index.at()];
        let (Some(state), Some(rules)) = (slot.state.take(), slot.check.probed().map(Rules::from)) else {
            return Vec::new();
        };
        slot.state = Some(machine::observe(state, seen, rules).0);
        slot.resumed &= seen.outcome.passed().is_none();
        self.awaited -= usize::from(!slot.observed);
        slot.observed = true;
        slot.note(seen);
        self.table.set_seen(index, slot.seen.clone());
        self.settle_from(index.at(), seen.at)
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
    /// stay what they are, and nothing changes its status.
    pub fn shift(&mut self, by: SignedDuration) {
        self.slots.iter_mut().for_each(|slot| slot.shift(by));
        self.rebuild_table();
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

    fn position(&self, id: &HealthCheckId) -> Option<usize> {
        self.slots.binary_search_by(|slot| slot.check.id.cmp(id)).ok()
    }

    /// Links children and parents, and finds each check's height, from the bottom up.
    ///
    /// Children that do not exist count as not healthy, and members of a loop never get a height and stay unknown:
    /// the readers of texts refuse both.
    fn link(&mut self) {
        self.awaited = self.slots.iter().filter(|slot| slot.state.is_some() && !slot.observed).count();
        for at in 0..self.slots.len() {
            let children = match &self.slots[at].check.kind {
                CheckKind::Calculated { children, .. } => children.iter().filter_map(|id| self.position(id)).collect(),
                CheckKind::Endpoint(_) => Vec::new(),
            };
            for &child in &children {
                self.slots[child].parents.push(at);
            }
            self.slots[at].children = children;
        }
        let mut missing: Vec<usize> = self.slots.iter().map(|slot| slot.children.len()).collect();
        let mut ready: VecDeque<usize> = (0..missing.len()).filter(|&at| missing[at] == 0).collect();
        while let Some(at) = ready.pop_front() {
            let below = self.slots[at].children.iter().filter_map(|&child| self.slots[child].height).max();
            self.slots[at].height = Some(below.map_or(0, |height| height + 1));
            for &parent in &self.slots[at].parents {
                missing[parent] -= 1;
                if missing[parent] == 0 {
                    ready.push_back(parent);
                }
            }
        }
    }

    /// Settles every check, children first.
    fn settle_all(&mut self, now: Timestamp) -> Vec<Event> {
        let mut order: Vec<_> = self.slots.iter().enumerate().filter_map(|(at, slot)| Some((slot.height?, at))).collect();
        order.sort_unstable();
        let events = order.into_iter().filter_map(|(_, at)| self.settle(at, now)).collect();
        self.rebuild_table();
        events
    }

    fn rebuild_table(&mut self) {
        let (verdicts, seen): (_, Vec<Seen>) = self.slots.iter().map(|slot| (slot.verdict.clone(), slot.seen.clone())).unzip();
        self.table = HealthTable::with_seen(verdicts, &seen);
    }

    /// Settles one check and, as long as that changes anything, those above it.
    fn settle_from(&mut self, at: usize, now: Timestamp) -> Vec<Event> {
        let mut events = Vec::new();
        let mut pending = BTreeSet::from([(0, at)]);
        while let Some((_, at)) = pending.pop_first() {
            let before = self.slots[at].verdict.clone();
            events.extend(self.settle(at, now));
            let slot = &self.slots[at];
            if slot.verdict != before {
                self.table.set(HealthIndex(at as u32), slot.verdict.clone());
            }
            if as_child(&slot.verdict) != as_child(&before) {
                let above = slot.parents.iter().filter_map(|&parent| Some((self.slots[parent].height?, parent)));
                pending.extend(above);
            }
        }
        events
    }

    /// Brings one check's verdict up to date with its state or its children.
    fn settle(&mut self, at: usize, now: Timestamp) -> Option<Event> {
        let next = self.judge(at, now);
        let slot = &mut self.slots[at];
        let from = std::mem::replace(&mut slot.verdict, next).status;
        let Verdict { id, status: to, healthy, since, because } = slot.verdict.clone();
        (from != to).then_some(Event { id, from, to, healthy, because, since })
    }

    /// The final verdict on one check: its raw status, then `disabled`, then inversion.
    fn judge(&self, at: usize, now: Timestamp) -> Verdict {
        let slot = &self.slots[at];
        let raw = match (&slot.check.kind, &slot.state) {
            _ if slot.check.disabled => Raw::known(Status::Healthy, "disabled".into()),
            (CheckKind::Calculated { health_threshold, .. }, _) => {
                let children = slot.children.iter().map(|&child| as_child(&self.slots[child].verdict));
                let parent = calculate(children, *health_threshold);
                Raw { status: parent.status, healthy: parent.healthy, because: parent.because.into() }
            }
            (CheckKind::Endpoint(_), Some(state)) => Raw::observed(state, slot.resumed),
            (CheckKind::Endpoint(_), None) => unreachable!("an enabled endpoint check has a state (Slot::following)"),
        };
        slot.conclude(raw, now)
    }
}

/// What a verdict means to the parents.
fn as_child(verdict: &Verdict) -> Child {
    Child { status: verdict.status, healthy: verdict.healthy }
}

/// A status before inversion.
struct Raw {
    status: Status,
    healthy: bool,
    because: Arc<str>,
}

impl Raw {
    fn known(status: Status, because: Arc<str>) -> Self {
        Self { status, healthy: status != Status::Unhealthy, because }
    }

    fn observed(state: &State, resumed: bool) -> Self {
        let because = match state.counted_at {
            Some(at) if resumed => format!("{} (resumed after a restart, last observed at {at:.0})", state.because).into(),
            _ => state.because.clone(),
        };
        Self::known(state.status, because)
    }
}

impl Slot {
    /// The slot of `check`, with what `before` knew if it probed the same.
    fn following(before: Option<&Slot>, check: &HealthCheck, now: Timestamp) -> Self {
        let unknown = State::unknown(now);
        let because = unknown.because.clone();
        let status = Status::Unknown;
        let verdict = Verdict { id: check.id.clone(), status, healthy: !check.inverted, since: now, because };
        let slot = Self {
            check: Arc::new(check.clone()),
            subject: check.probed().map(EndpointCheck::subject).unwrap_or_default().into(),
            state: check.probed().map(|_| unknown),
            observed: false,
            resumed: false,
            verdict,
            seen: Seen::default(),
            height: None,
            children: Vec::new(),
            parents: Vec::new(),
        };
        match before {
            Some(old) if old.state.is_some() && slot.observes_as(old) => {
                let bounded = |(state, check): (&State, &EndpointCheck)| state.clone().bounded(now, &check.timing);
                let (state, seen) = (old.state.as_ref().zip(check.probed()).map(bounded), old.seen.clone());
                Self { state, seen, observed: old.observed, resumed: old.resumed, ..slot }.showing(old)
            }
            Some(old) => slot.showing(old),
            None => slot,
        }
    }

    /// The same slot, showing the old verdict until it is settled.
    fn showing(self, old: &Slot) -> Self {
        Self { verdict: old.verdict.clone(), ..self }
    }

    /// Keeps what was seen, if it says anything of the endpoint.
    fn note(&mut self, seen: &Observation) {
        let Some(passed) = seen.outcome.passed() else { return };
        let seen = Arc::new(seen.clone());
        if !passed {
            self.seen.last_failure = Some(seen.clone());
        }
        self.seen.last = Some(seen);
    }

    /// Whether both probe, and probe the same.
    fn observes_as(&self, old: &Slot) -> bool {
        match (self.check.probed(), old.check.probed()) {
            (Some(new), Some(old)) => new.target == old.target && new.protocol == old.protocol,
            _ => false,
        }
    }

    /// Takes up a saved verdict, unless it is on something else, or too old.
    fn resume(&mut self, saved: SavedVerdict, now: Timestamp) -> bool {
        let Some(check) = self.check.probed() else { return false };
        let too_old = machine::is_stale(Some(saved.counted_at), now, check.verdict_holds());
        if too_old || self.observed || saved.status == Status::Unknown || saved.subject != self.subject {
            return false;
        }
        let state = State::known(saved.status, saved.since, saved.because, saved.counted_at, saved.distrust);
        self.state = Some(state.bounded(now, &check.timing));
        self.resumed = true;
        self.seen.last_failure = saved.last_failure;
        // Nothing changes now: the status has been what it is since then.
        let status = if self.check.inverted { saved.status.negated() } else { saved.status };
        self.verdict = Verdict { status, since: saved.since, ..self.verdict.clone() };
        true
    }

    fn saved(&self) -> Option<SavedVerdict> {
        let state = self.state.as_ref()?;
        let counted_at = state.counted_at.filter(|_| state.status != Status::Unknown)?;
        let State { status, since, because, distrust, .. } = state.clone();
        let (id, subject) = (self.check.id.clone(), self.subject.clone());
        let last_failure = self.seen.last_failure.clone();
        Some(SavedVerdict { id, subject, status, since, because, counted_at, distrust, last_failure })
    }

    fn shift(&mut self, by: SignedDuration) {
        self.state = self.state.take().map(|state| state.shifted(by));
        self.verdict.since = shifted(self.verdict.since, by);
        for seen in [&mut self.seen.last, &mut self.seen.last_failure].into_iter().flatten() {
            *seen = Arc::new(Observation { at: shifted(seen.at, by), outcome: seen.outcome.clone() });
        }
    }

    fn conclude(&self, raw: Raw, now: Timestamp) -> Verdict {
        let id = self.check.id.clone();
        let (status, healthy, because) = match self.check.inverted {
            false => (raw.status, raw.healthy, raw.because),
            true => (raw.status.negated(), !raw.healthy, format!("{} (inverted)", raw.because).into()),
        };
        let since = if status == self.verdict.status { self.verdict.since } else { now };
        Verdict { id, status, healthy, since, because }
    }
}

/// `fra: healthy -> unhealthy: 3 failures in a row, the last: connection refused`
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} -> {}: {}", self.id, self.from, self.to, self.because)
    }
}
