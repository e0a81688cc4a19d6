//! Decides one endpoint's status from its observations, one at a time.
//!
//! Knows nothing of time but the `at` of each observation, and nothing of inversion, `disabled` or other checks: see
//! `board`. Invariants: a known status falls exactly when the last `fall` observations that count all failed, or when
//! `tolerate` have since it rose, with no `clear` passes in a row among them; it rises exactly when the last `rise` passed
//! (`clear`, if that is more, where isolated failures made it fall) and no hold is left.
//!
//! ```text
//! status     seen     in a row   so far       next        transition
//! unknown    passed   any        any          healthy     yes   <- nothing was claimed before: one pass is enough
//! unknown    failed   < fall     < tolerate   unknown     no    <- suspect
//! unknown    failed   = fall     any          unhealthy   yes   held
//! unknown    failed   any        = tolerate   unhealthy   yes   held
//! healthy    passed   < clear    any          healthy     no
//! healthy    passed   >= clear   any          healthy     no    so far: 0
//! healthy    failed   < fall     < tolerate   healthy     no    <- suspect
//! healthy    failed   = fall     any          unhealthy   yes   held
//! healthy    failed   any        = tolerate   unhealthy   yes   held
//! unhealthy  failed   any        -            unhealthy   no
//! unhealthy  passed   < rise     -            unhealthy   no
//! unhealthy  passed   >= rise    -            unhealthy   no    while held
//! unhealthy  passed   >= rise    -            healthy     yes   once the hold is over
//! any        not run  -          -            the same    no    <- the run goes on as if nothing had been seen
//! known      not run  -          -            unknown     yes   <- when nothing has counted for `stale_after`
//! ```
//!
//! A suspect check is probed again at `retry`, until it has fallen or one probe passes.
//!
//! Rejected: one threshold both ways, as Route 53 has (`rise` defaults to `fall`, which is that); a counter that passes
//! only lower by one, whose meaning depends on a past that nobody can see; and a least time in the healthy state, which
//! would answer with what is known to be dead.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::check::EndpointCheck;
use super::distrust::{Distrust, shifted};
use super::observation::{Observation, Outcome};
use super::table::Status;
use super::timing::{Pace, Timing};

/// All that is remembered of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub status: Status,
    /// Since when the status is what it is.
    pub since: Timestamp,
    /// Why, in words.
    pub because: Arc<str>,
    /// When an observation last counted.
    pub counted_at: Option<Timestamp>,
    /// What is held against it.
    pub distrust: Distrust,
    /// How many observations in a row, up to the last, disagree with the status.
    run: u8,
    /// How many in a row, up to the last, passed; no more than forgive isolated failures.
    passes: u8,
}

/// What decides when a status flips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    pub timing: Timing,
    /// How long a status outlives the last observation that counted.
    pub stale_after: Duration,
}

/// One change of status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    pub from: Status,
    pub to: Status,
    pub because: Arc<str>,
    pub since: Timestamp,
}

/// The state after `seen`, and the change of status it brought, if any.
pub fn observe(state: State, seen: &Observation, rules: Rules) -> (State, Option<Transition>) {
    let Some(passed) = seen.outcome.passed() else {
        return not_run(state, seen, rules.stale_after);
    };
    let state = state.counting(passed, seen.at, &rules.timing);
    match turn(&state, passed, seen.at, &rules.timing) {
        None => (state, None),
        Some(turn) => flip(state, turn, seen, &rules.timing),
    }
}

/// When to probe after an observation that left this state.
pub fn pace(state: &State, timing: &Timing, last: &Outcome) -> Pace {
    match timing.retry {
        None => Pace::AfterEnd(timing.interval),
        // What could not be done here is no reason to hurry.
        Some(retry) if state.is_suspect() && last.passed().is_some() => Pace::Confirming(retry.min(timing.interval)),
        Some(_) => Pace::AfterStart(timing.interval),
    }
}

/// A time before which the status cannot change, when the next probe begins at `next_probe_at` and no clock is set.
pub fn earliest_change(state: &State, rules: &Rules, next_probe_at: Timestamp) -> Timestamp {
    let timing = &rules.timing;
    let rising = timing.retry.map_or(Pace::AfterEnd(timing.interval), |_| Pace::AfterStart(timing.interval)).least();
    let falling = timing.retry.map_or(rising, |retry| retry.min(rising));
    let after = |probes: u8, gap: Duration| later(next_probe_at, gap * u32::from(probes.saturating_sub(1)));
    let flips_at = match state.status {
        Status::Unknown => next_probe_at,
        Status::Healthy => {
            let in_a_row = timing.thresholds.fall.get().saturating_sub(state.run);
            let so_far = timing.tolerance.map_or(u8::MAX, |tolerance| tolerance.failures.get());
            after(in_a_row.min(so_far.saturating_sub(state.distrust.accumulated)), falling)
        }
        Status::Unhealthy => {
            let risen = after(passes_to_rise(state, timing).saturating_sub(state.run), rising);
            state.distrust.held_until.map_or(risen, |until| until.max(risen))
        }
    };
    let stale_at = state.counted_at.map_or(next_probe_at, |at| next_probe_at.max(later(at, rules.stale_after)));
    flips_at.min(stale_at)
}

/// A change of status that an observation brings.
enum Turn {
    Rises,
    Falls { unsteady: bool },
}

fn turn(state: &State, passed: bool, at: Timestamp, timing: &Timing) -> Option<Turn> {
    match (state.status, passed) {
        (Status::Healthy, true) | (Status::Unhealthy, false) => None,
        (Status::Unknown, true) => Some(Turn::Rises),
        (Status::Unhealthy, true) => {
            let is_enough = state.run >= passes_to_rise(state, timing) && !state.distrust.is_held(at);
            is_enough.then_some(Turn::Rises)
        }
        (Status::Healthy | Status::Unknown, false) if state.run >= timing.thresholds.fall.get() => {
            Some(Turn::Falls { unsteady: false })
        }
        (Status::Healthy | Status::Unknown, false) => {
            let tolerance = timing.tolerance?;
            (state.distrust.accumulated >= tolerance.failures.get()).then_some(Turn::Falls { unsteady: true })
        }
    }
}

fn passes_to_rise(state: &State, timing: &Timing) -> u8 {
    let steady = timing.tolerance.filter(|_| state.distrust.unsteady).map_or(0, |tolerance| tolerance.clear.get());
    timing.thresholds.rise.get().max(steady)
}

fn flip(state: State, turn: Turn, seen: &Observation, timing: &Timing) -> (State, Option<Transition>) {
    let last = &seen.outcome;
    match turn {
        Turn::Rises => {
            // Before the first verdict a run may be of failures.
            let passes = if state.status == Status::Unknown { 1 } else { state.run };
            let (because, distrust) = (in_a_row(passes, "passes", last), state.distrust.forgiven());
            flip_to(State { distrust, ..state }, Status::Healthy, seen.at, because)
        }
        Turn::Falls { unsteady } => {
            let because = match timing.tolerance.filter(|_| unsteady) {
                Some(tolerance) => {
                    let (failures, clear) = (state.distrust.accumulated, tolerance.clear);
                    format!("{failures} failures without {clear} passes in a row in between, the last: {last}")
                }
                None => in_a_row(state.run, "failures", last),
            };
            let distrust = state.distrust.fallen(seen.at, unsteady, timing.hold);
            flip_to(State { distrust, ..state }, Status::Unhealthy, seen.at, because)
        }
    }
}

/// A probe that could not be made says nothing, except that what is known grows old.
fn not_run(state: State, seen: &Observation, stale_after: Duration) -> (State, Option<Transition>) {
    if state.status == Status::Unknown || !is_stale(state.counted_at, seen.at, stale_after) {
        return (state, None);
    }
    let because = format!("nothing observed for {stale_after:?}; {}", seen.outcome);
    let distrust = state.distrust.forgiven();
    flip_to(State { distrust, ..state }, Status::Unknown, seen.at, because)
}

fn flip_to(state: State, to: Status, at: Timestamp, because: String) -> (State, Option<Transition>) {
    let because: Arc<str> = because.into();
    let transition = Transition { from: state.status, to, because: because.clone(), since: at };
    (State { status: to, since: at, because, run: 0, ..state }, Some(transition))
}

/// Whether what was last observed at `counted_at` is too old at `now` to be called known.
pub fn is_stale(counted_at: Option<Timestamp>, now: Timestamp, stale_after: Duration) -> bool {
    counted_at.is_none_or(|at| now.duration_since(at) > signed(stale_after))
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    shifted(at, signed(by))
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

fn in_a_row(count: u8, what: &str, last: &Outcome) -> String {
    match count {
        0 | 1 => last.to_string(),
        u8::MAX => format!("{count} {what} in a row or more, the last: {last}"),
        _ => format!("{count} {what} in a row, the last: {last}"),
    }
}

impl State {
    /// Before the first observation.
    pub fn unknown(since: Timestamp) -> Self {
        let distrust = Distrust::default();
        Self { status: Status::Unknown, since, because: "not yet probed".into(), counted_at: None, distrust, run: 0, passes: 0 }
    }

    /// A status known from before, with no observation pending against it.
    pub fn known(status: Status, since: Timestamp, because: Arc<str>, counted_at: Timestamp, distrust: Distrust) -> Self {
        Self { status, since, because, counted_at: Some(counted_at), distrust, run: 0, passes: 0 }
    }

    /// Whether failures are pending against it: one more may make it unhealthy.
    pub fn is_suspect(&self) -> bool {
        self.run > 0 && self.status != Status::Unhealthy
    }

    /// The same under a timing that may be another: no hold is longer than that allows.
    pub(super) fn bounded(self, now: Timestamp, timing: &Timing) -> Self {
        Self { distrust: self.distrust.bounded(now, timing.hold), ..self }
    }

    /// The same, were all clocks ahead by `by`.
    pub fn shifted(self, by: SignedDuration) -> Self {
        let counted_at = self.counted_at.map(|at| shifted(at, by));
        Self { since: shifted(self.since, by), counted_at, distrust: self.distrust.shifted(by), ..self }
    }

    /// One more observation that counts, before it is judged.
    fn counting(self, passed: bool, at: Timestamp, timing: &Timing) -> Self {
        let agrees = matches!((self.status, passed), (Status::Healthy, true) | (Status::Unhealthy, false));
        let run = if agrees { 0 } else { self.run.saturating_add(1) };
        let clear = timing.tolerance.map_or(0, |tolerance| tolerance.clear.get());
        let passes = if passed { self.passes.saturating_add(1).min(clear) } else { 0 };
        let is_forgiven = self.status == Status::Unhealthy || (passed && passes == clear);
        let failures = self.distrust.accumulated.saturating_add(u8::from(!passed));
        let accumulated = if is_forgiven || clear == 0 { 0 } else { failures };
        Self { counted_at: Some(at), run, passes, distrust: Distrust { accumulated, ..self.distrust }, ..self }
    }
}

impl From<&EndpointCheck> for Rules {
    fn from(check: &EndpointCheck) -> Self {
        Self { timing: check.timing, stale_after: check.verdict_holds() }
    }
}
