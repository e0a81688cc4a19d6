//! What the board makes of signals: every short history, against a reading of the rules that shares no code with it.
//!
//! Invariants: a check that is told is what the rules say after each step, whether or not the server was restarted there;
//! each change of status is one event. Source: docs/health.md, "Signals".

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use waypost::health::board::Board;
use waypost::health::check::{CheckKind, HealthCheck};
use waypost::health::remark::Remark;
use waypost::health::signal::{Insufficient, Signal, SignalCheck, SignalSource, SignalState};
use waypost::health::table::Status;
use waypost::ids::HealthCheckId;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Said(SignalState),
    /// Longer than a lease.
    Time,
}

const STEPS: [Step; 4] =
    [Step::Said(SignalState::Ok), Step::Said(SignalState::Alarm), Step::Said(SignalState::Insufficient), Step::Time];
const LEASE: Duration = Duration::from_secs(60);

fn id() -> HealthCheckId {
    HealthCheckId::new("told").unwrap()
}

/// Each way to configure a check, by everything that matters to its status.
fn checks() -> Vec<HealthCheck> {
    let mut checks = Vec::new();
    for insufficient in [Insufficient::Healthy, Insufficient::Unhealthy, Insufficient::LastKnown] {
        for lease in [None, Some(LEASE)] {
            for (inverted, disabled) in [(false, false), (true, false), (false, true), (true, true)] {
                let kind = CheckKind::Signal(SignalCheck { source: SignalSource::Check, lease, insufficient });
                checks.push(HealthCheck { inverted, disabled, ..HealthCheck::plain(id(), kind) });
            }
        }
    }
    checks
}

/// Every history of up to four steps.
fn histories() -> Vec<Vec<Step>> {
    let mut all = vec![Vec::new()];
    let mut last = all.clone();
    for _ in 0..4 {
        last = last.iter().flat_map(|history| STEPS.map(|step| [&history[..], &[step]].concat())).collect();
        all.extend(last.clone());
    }
    all
}

/// What the rules say: the final status, and whether routing counts it as healthy.
fn expected(check: &HealthCheck, history: &[Step]) -> (Status, bool) {
    let CheckKind::Signal(signal) = &check.kind else { unreachable!() };
    let says = |step: &Step| match step {
        Step::Said(SignalState::Ok) => Some(Status::Healthy),
        Step::Said(SignalState::Alarm) => Some(Status::Unhealthy),
        _ => None,
    };
    // Without a lease time changes nothing.
    let mut counted = history.iter().filter(|step| signal.lease.is_some() || **step != Step::Time);
    let raw = match (check.disabled, counted.next_back().and_then(says), signal.insufficient) {
        (true, ..) => Status::Healthy,
        (_, Some(said), _) => said,
        (_, None, Insufficient::Healthy) => Status::Healthy,
        (_, None, Insufficient::Unhealthy) => Status::Unhealthy,
        (_, None, Insufficient::LastKnown) => history.iter().rev().find_map(says).unwrap_or(Status::Unknown),
    };
    let healthy = (raw != Status::Unhealthy) != check.inverted;
    (if check.inverted { raw.negated() } else { raw }, healthy)
}

fn signal(check: &HealthCheck, state: SignalState, at: Timestamp) -> Signal {
    let remark = |text| Remark::new(text).unwrap();
    let until = check.signalled().unwrap().end_of_lease(None, at);
    Signal { state, reason: remark("r"), author: remark("ci"), at, until }
}

/// The board after a restart that took no time.
fn restarted(board: &Board, checks: &BTreeMap<HealthCheckId, HealthCheck>, now: Timestamp) -> Board {
    let index = board.index(&id()).unwrap();
    let saved = board.standing(index).saved(&SignalSource::Check);
    let mut after = Board::new(checks, now);
    after.resume_signals(saved.map(|saved| (id(), saved)), now);
    after
}

#[test]
fn every_history_is_what_the_rules_say_with_or_without_restarts() {
    for check in checks() {
        let checks = BTreeMap::from([(id(), check.clone())]);
        for history in histories() {
            let mut now = Timestamp::from_second(1_000_000).unwrap();
            let mut board = Board::new(&checks, now);
            let mut status = board.verdict(board.index(&id()).unwrap()).status;
            for (at, step) in history.iter().enumerate() {
                now += SignedDuration::from_secs(1);
                let index = board.index(&id()).unwrap();
                let events = match step {
                    Step::Said(state) => board.signal(index, signal(&check, *state, now), now),
                    Step::Time => {
                        now += SignedDuration::try_from(LEASE).unwrap();
                        board.tick(now)
                    }
                };
                let (verdict, so_far) = (board.verdict(index), &history[..=at]);
                assert_eq!((verdict.status, verdict.healthy), expected(&check, so_far), "{check:?} {so_far:?}");
                assert_eq!(board.table().is_healthy(index), verdict.healthy);
                let changed: Vec<_> = events.iter().map(|event| (event.from, event.to)).collect();
                let change = (status, verdict.status);
                assert_eq!(changed, if change.0 == change.1 { vec![] } else { vec![change] }, "{check:?} {so_far:?}");
                status = verdict.status;
                let again = restarted(&board, &checks, now);
                let resumed = again.verdict(index);
                assert_eq!((resumed.status, resumed.healthy), (status, verdict.healthy), "{check:?} {so_far:?}");
                board = if at % 2 == 0 { again } else { board };
            }
        }
    }
}

#[test]
fn a_reload_keeps_what_was_told_unless_another_source_tells_it() {
    let now = Timestamp::UNIX_EPOCH;
    let of = |source: SignalSource, insufficient| {
        let kind = CheckKind::Signal(SignalCheck { source, lease: None, insufficient });
        BTreeMap::from([(id(), HealthCheck::plain(id(), kind))])
    };
    let alarm = |name: &str| SignalSource::Alarm { region: "eu-central-1".into(), name: name.into() };
    let mut board = Board::new(of(alarm("a"), Insufficient::LastKnown), now);
    let index = board.index(&id()).unwrap();
    let check = board.check(index).clone();
    board.signal(index, signal(&check, SignalState::Alarm, now), now);
    assert_eq!(board.replace(of(alarm("a"), Insufficient::Healthy), now).events, []);
    assert_eq!(board.verdict(index).status, Status::Unhealthy);
    board.replace(of(alarm("b"), Insufficient::LastKnown), now);
    assert_eq!(board.verdict(index).status, Status::Unknown);
}
