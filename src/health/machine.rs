//! Decides one endpoint's status from its observations, one at a time.
//!
//! Knows nothing of time but the `at` of each observation, and nothing of inversion, `disabled` or other checks: see
//! `board`. Invariant: a known status flips exactly when the last `fall` (or `rise`) observations that count all
//! disagree with it.
//!
//! ```text
//! status     seen     in a row   next        transition
//! unknown    passed   any        healthy     yes   <- nothing was claimed before: one pass is enough
//! unknown    failed   < fall     unknown     no
//! unknown    failed   = fall     unhealthy   yes
//! healthy    passed   any        healthy     no
//! healthy    failed   < fall     healthy     no
//! healthy    failed   = fall     unhealthy   yes
//! unhealthy  failed   any        unhealthy   no
//! unhealthy  passed   < rise     unhealthy   no
//! unhealthy  passed   = rise     healthy     yes
//! any        not run  -          the same    no    <- the run goes on as if nothing had been seen
//! known      not run  -          unknown     yes   <- when nothing has counted for `holds`
//! ```
//!
//! Rejected: one threshold both ways, as Route 53 has (`rise` defaults to `fall`, which is that); and a counter that
//! passes only lower by one, which catches an endpoint that fails half its probes but makes the time to detect depend
//! on a past that nobody can see.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::check::EndpointCheck;
use super::observation::{Observation, Outcome};
use super::table::Status;
use super::timing::Thresholds;

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
    /// How many observations in a row, up to the last, disagree with the status.
    run: u8,
}

/// What decides when a status flips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    pub thresholds: Thresholds,
    /// How long a status outlives the last observation that counted.
    pub holds: Duration,
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
        return not_run(state, seen, rules.holds);
    };
    let state = State { counted_at: Some(seen.at), ..state };
    let needed = match (state.status, passed) {
        (Status::Healthy, true) | (Status::Unhealthy, false) => return (State { run: 0, ..state }, None),
        (Status::Unknown, true) => 1,
        (Status::Unhealthy, true) => rules.thresholds.rise.get(),
        (Status::Healthy | Status::Unknown, false) => rules.thresholds.fall.get(),
    };
    let run = state.run.saturating_add(1);
    if run < needed {
        return (State { run, ..state }, None);
    }
    let to = if passed { Status::Healthy } else { Status::Unhealthy };
    flip(state, to, seen.at, words(&seen.outcome, needed))
}

/// A probe that could not be made says nothing, except that what is known grows old.
fn not_run(state: State, seen: &Observation, holds: Duration) -> (State, Option<Transition>) {
    if state.status == Status::Unknown || !is_stale(state.counted_at, seen.at, holds) {
        return (state, None);
    }
    let because = format!("nothing observed for {holds:?}; {}", seen.outcome);
    flip(state, Status::Unknown, seen.at, because)
}

fn flip(state: State, to: Status, at: Timestamp, because: String) -> (State, Option<Transition>) {
    let because: Arc<str> = because.into();
    let transition = Transition { from: state.status, to, because: because.clone(), since: at };
    (State { status: to, since: at, because, run: 0, ..state }, Some(transition))
}

/// Whether what was last observed at `counted_at` is too old at `now` to be called known.
pub fn is_stale(counted_at: Option<Timestamp>, now: Timestamp, holds: Duration) -> bool {
    let holds = SignedDuration::try_from(holds).unwrap_or(SignedDuration::MAX);
    counted_at.is_none_or(|at| now.duration_since(at) > holds)
}

fn words(last: &Outcome, in_a_row: u8) -> String {
    match (in_a_row, last.passed()) {
        (0 | 1, _) => last.to_string(),
        (count, Some(true)) => format!("{count} passes in a row, the last: {last}"),
        (count, _) => format!("{count} failures in a row, the last: {last}"),
    }
}

impl State {
    /// Before the first observation.
    pub fn unknown(since: Timestamp) -> Self {
        Self { status: Status::Unknown, since, because: "not yet probed".into(), counted_at: None, run: 0 }
    }

    /// A status known from before, with no observation pending against it.
    pub fn known(status: Status, since: Timestamp, because: Arc<str>, counted_at: Timestamp) -> Self {
        Self { status, since, because, counted_at: Some(counted_at), run: 0 }
    }
}

impl From<&EndpointCheck> for Rules {
    fn from(check: &EndpointCheck) -> Self {
        Self { thresholds: check.timing.thresholds, holds: check.verdict_holds() }
    }
}
