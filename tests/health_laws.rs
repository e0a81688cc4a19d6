//! Laws of health checks: what becomes of observations, up to the verdicts. `machine` has the proof of a single check's
//! status, `loss` what lost packets do to it.

use std::collections::BTreeMap;
use std::num::NonZeroU8;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use waypost::health::board::{Board, SavedVerdict};
use waypost::health::check::{CheckKind, EndpointCheck, HealthCheck, Target, TargetHost, Via};
use waypost::health::distrust::Distrust;
use waypost::health::machine::{Rules, State, observe};
use waypost::health::observation::{Failure, NotRun, Observation, Outcome, Passed};
use waypost::health::protocol::Protocol;
use waypost::health::table::Status;
use waypost::health::timing::{Deadlines, Hold, Thresholds, Timing};
use waypost::ids::HealthCheckId;

#[path = "health_laws/loss.rs"]
mod loss;
#[path = "health_laws/machine.rs"]
mod machine;

#[test]
fn a_verdict_that_nothing_upholds_for_an_hour_is_no_longer_known() {
    let rules = rules(thresholds(1, 1));
    let (down, _) = observe(State::unknown(at(0)), &observation(Some(false), 0), rules);
    let (still, none) = observe(down, &observation(None, 3_600), rules);
    assert_eq!((still.status, none), (Status::Unhealthy, None));
    let (stale, transition) = observe(still, &observation(None, 3_601), rules);
    assert_eq!(stale.status, Status::Unknown);
    assert_eq!(
        &*transition.unwrap().because,
        "nothing observed for 3600s; probe not made: no way out from here: network is unreachable"
    );
}

#[test]
fn a_transition_says_why_in_words() {
    let (_, transition) = observe(State::unknown(at(0)), &observation(Some(true), 0), rules(thresholds(2, 2)));
    assert_eq!(&*transition.unwrap().because, "HTTP status 200");
    let (failed, _) = observe(State::unknown(at(0)), &observation(Some(false), 0), rules(thresholds(2, 2)));
    let (_, transition) = observe(failed, &observation(Some(true), 1), rules(thresholds(2, 2)));
    assert_eq!(&*transition.unwrap().because, "HTTP status 200", "one pass, after a failure");
    let (state, none) = observe(State::unknown(at(0)), &observation(Some(false), 1), rules(thresholds(2, 2)));
    assert_eq!(none, None);
    let (_, transition) = observe(state, &observation(Some(false), 2), rules(thresholds(2, 2)));
    let transition = transition.unwrap();
    assert_eq!(&*transition.because, "2 failures in a row, the last: connection refused");
    assert_eq!(transition.since, at(2));
}

#[test]
fn disabled_and_inverted_follow_route_53() {
    for (disabled, inverted, status, healthy) in [
        (false, false, Status::Unknown, true),
        (false, true, Status::Unknown, false),
        (true, false, Status::Healthy, true),
        (true, true, Status::Unhealthy, false),
    ] {
        let board = board([HealthCheck { disabled, inverted, ..endpoint("a", 80) }]);
        let verdict = verdict(&board, "a");
        assert_eq!((verdict.0, verdict.1), (status, healthy), "disabled {disabled} inverted {inverted}");
        assert_eq!(board.first_round_done(), disabled);
    }
}

#[test]
fn an_inverted_check_is_unhealthy_when_its_endpoint_works() {
    let mut board = board([HealthCheck { inverted: true, ..endpoint("a", 80) }]);
    assert_eq!(see(&mut board, "a", Some(true), 1), ["a: unknown -> unhealthy: HTTP status 200 (inverted)"]);
    assert_eq!(see(&mut board, "a", Some(false), 2), ["a: unhealthy -> healthy: connection refused (inverted)"]);
}

#[test]
fn a_change_reaches_parents_once_and_in_order() {
    let checks = [
        endpoint("a", 80),
        endpoint("b", 81),
        calculated("both", &["a", "b"], 2),
        calculated("one", &["a", "b"], 1),
        // Sorted before its children, and over two ways down to `a`.
        calculated("0-all", &["both", "one", "a"], 3),
    ];
    let mut board = board(checks);
    see(&mut board, "a", Some(true), 1);
    assert_eq!(
        see(&mut board, "b", Some(true), 2),
        [
            "b: unknown -> healthy: HTTP status 200",
            "both: unknown -> healthy: 2 of 2 children are healthy, 2 are needed",
            "0-all: unknown -> healthy: 3 of 3 children are healthy, 3 are needed",
        ]
    );
    assert_eq!(
        see(&mut board, "a", Some(false), 3),
        [
            "a: healthy -> unhealthy: connection refused",
            "both: healthy -> unhealthy: 1 of 2 children is healthy, 2 are needed",
            "0-all: healthy -> unhealthy: 1 of 3 children is healthy, 3 are needed",
        ]
    );
    assert_eq!(verdict(&board, "one"), (Status::Healthy, true, at(1), "1 of 2 children is healthy, 1 is needed".into()));
}

#[test]
fn a_loop_of_calculated_checks_stays_unknown_and_does_not_run_for_ever() {
    let mut board = board([endpoint("a", 80), calculated("x", &["y", "a"], 1), calculated("y", &["x"], 1)]);
    assert_eq!(see(&mut board, "a", Some(true), 1).len(), 1);
    assert_eq!(verdict(&board, "x").0, Status::Unknown);
}

#[test]
fn a_reload_keeps_what_is_known_of_checks_that_probe_the_same() {
    let mut board = board([endpoint("kept", 80), endpoint("moved", 81), endpoint("gone", 82), endpoint("off", 83)]);
    for id in ["kept", "moved", "gone", "off"] {
        see(&mut board, id, Some(false), 1);
    }
    let mut stricter = endpoint("kept", 80);
    let CheckKind::Endpoint(check) = &mut stricter.kind else { unreachable!() };
    check.timing.thresholds = thresholds(5, 5);
    check.timing.interval *= 2;
    let disabled = HealthCheck { disabled: true, ..endpoint("off", 83) };
    let replaced = board.replace(set([stricter, endpoint("moved", 8_081), endpoint("new", 84), disabled]), at(9));
    assert_eq!(words(&replaced.events), ["moved: unhealthy -> unknown: not yet probed", "off: unhealthy -> healthy: disabled"]);
    assert_eq!(replaced.fresh.iter().map(HealthCheckId::as_str).collect::<Vec<_>>(), ["moved", "new"]);
    assert_eq!(verdict(&board, "kept"), (Status::Unhealthy, false, at(1), "connection refused".into()));
    let statuses: Vec<_> = board.table().iter().map(|verdict| format!("{} {}", verdict.id, verdict.status)).collect();
    assert_eq!(statuses, ["kept unhealthy", "moved unknown", "new unknown", "off healthy"]);
}

#[test]
fn a_check_enabled_again_starts_from_nothing() {
    let mut board = board([endpoint("a", 80)]);
    see(&mut board, "a", Some(false), 1);
    board.replace(set([HealthCheck { disabled: true, ..endpoint("a", 80) }]), at(2));
    let replaced = board.replace(set([endpoint("a", 80)]), at(3));
    assert_eq!(words(&replaced.events), ["a: healthy -> unknown: not yet probed"]);
    assert_eq!(replaced.fresh.len(), 1);
}

#[test]
fn a_restart_resumes_verdicts_with_their_age() {
    let mut before = board([endpoint("a", 80), endpoint("b", 81), calculated("c", &["a"], 1)]);
    see(&mut before, "a", Some(false), 10);
    see(&mut before, "b", Some(true), 10);
    see(&mut before, "a", Some(false), 100);
    let checks = [endpoint("a", 80), endpoint("b", 9_999), calculated("c", &["a"], 1)];
    let mut after = board(checks.clone());
    assert_eq!(after.resume(before.saved(), at(200)), 1);
    let because = "connection refused (resumed after a restart, last observed at 1970-01-01T00:01:40Z)";
    assert_eq!(verdict(&after, "a"), (Status::Unhealthy, false, at(10), because.into()));
    assert_eq!(verdict(&after, "b").0, Status::Unknown, "it probes another port now");
    assert_eq!(verdict(&after, "c").0, Status::Unhealthy);
    assert!(!after.first_round_done(), "nothing has been observed since");
    assert!(see(&mut after, "a", Some(false), 201).is_empty());
    assert_eq!(verdict(&after, "a"), (Status::Unhealthy, false, at(10), "connection refused".into()));

    let mut late = board(checks);
    assert_eq!(late.resume(before.saved(), at(100 + 3_601)), 0);
    assert_eq!(verdict(&late, "a").0, Status::Unknown);
}

#[test]
fn a_restart_loses_no_hold_and_no_penalty_and_a_clock_set_back_meanwhile_lengthens_none() {
    let held = Hold { least: Duration::from_secs(10), max: Duration::from_secs(60) };
    let mut check = endpoint("a", 80);
    let CheckKind::Endpoint(probed) = &mut check.kind else { unreachable!() };
    probed.timing.hold = held;
    let mut before = board([check.clone()]);
    for (passed, secs) in [(false, 1_000), (true, 1_010), (false, 1_020)] {
        see(&mut before, "a", Some(passed), secs);
    }
    let mut after = board([check.clone()]);
    after.resume(before.saved(), at(1_025));
    assert_eq!(after.saved(), before.saved());
    // Twice the hold of 10 s, less what has been forgotten of the first fall in 20 s.
    assert!(see(&mut after, "a", Some(true), 1_039).is_empty());
    assert_eq!(
        see(&mut after, "a", Some(true), 1_040),
        ["a: unhealthy -> healthy: 2 passes in a row, the last: HTTP status 200"]
    );
    // The next fall has it twice again.
    see(&mut after, "a", Some(false), 1_041);
    let until = after.saved()[0].distrust.held_until.unwrap();
    assert_eq!(until.duration_since(at(1_041)).as_secs(), 38);

    let mut early = board([check]);
    early.resume(before.saved(), at(5));
    assert_eq!(early.saved()[0].distrust.held_until, Some(at(65)));
    // Without a hold in the configuration there is none, whatever was earned before.
    early.replace(set([endpoint("a", 80)]), at(6));
    assert_eq!(see(&mut early, "a", Some(true), 7).len(), 1);
}

#[test]
fn a_shift_of_the_clock_moves_every_time_and_changes_nothing_else() {
    let mut check = endpoint("a", 80);
    let CheckKind::Endpoint(probed) = &mut check.kind else { unreachable!() };
    probed.timing.hold = Hold { least: Duration::from_secs(10), max: Duration::from_secs(60) };
    let checks = [check, endpoint("b", 81), calculated("c", &["a", "b"], 2)];
    let history = |board: &mut Board, from: i64| {
        see(board, "a", Some(true), from + 1);
        see(board, "a", Some(false), from + 2);
        see(board, "b", Some(true), from + 3);
    };
    let hour = 3_600;
    let (mut shifted, mut expected) = (board(checks.clone()), Board::new(set(checks), at(hour)));
    history(&mut shifted, 0);
    history(&mut expected, hour);
    shifted.shift(SignedDuration::from_secs(hour), at(hour + 3));
    assert_eq!(shifted.saved(), expected.saved());
    for (one, other) in shifted.table().iter().zip(expected.table().iter()) {
        assert_eq!(one, other);
        let index = shifted.table().index(&one.id).unwrap();
        assert_eq!(shifted.table().seen(index), expected.table().seen(index));
        assert_eq!(shifted.verdict(index), one);
    }
    // Held until then, by the new clock.
    assert!(see(&mut shifted, "a", Some(true), hour + 11).is_empty());
    assert_eq!(see(&mut shifted, "a", Some(true), hour + 12).len(), 2);
}

#[test]
fn what_is_saved_is_the_status_before_inversion() {
    let mut board = board([HealthCheck { inverted: true, ..endpoint("a", 80) }]);
    assert_eq!(board.saved(), []);
    see(&mut board, "a", Some(true), 5);
    let expected = SavedVerdict {
        id: id("a"),
        subject: "tcp 127.0.0.1:80".into(),
        status: Status::Healthy,
        since: at(5),
        because: "HTTP status 200".into(),
        counted_at: at(5),
        distrust: Distrust::default(),
        last_failure: None,
        kept_at: None,
    };
    assert_eq!(board.saved(), std::slice::from_ref(&expected));
    let checks = [HealthCheck { inverted: true, ..endpoint("a", 80) }];
    let mut after = self::board(checks);
    after.resume([expected], at(6));
    assert_eq!((verdict(&after, "a").0, verdict(&after, "a").2), (Status::Unhealthy, at(5)));
}

#[test]
fn the_first_round_is_done_when_each_probed_check_was_observed_even_if_not_counted() {
    let mut board = board([endpoint("a", 80), endpoint("b", 81), calculated("c", &["a"], 1)]);
    see(&mut board, "a", Some(true), 1);
    see(&mut board, "a", Some(true), 2);
    assert!(!board.first_round_done());
    see(&mut board, "b", None, 3);
    assert!(board.first_round_done());
    board.replace(set([endpoint("a", 80), endpoint("new", 82)]), at(4));
    assert!(!board.first_round_done());
}

/// However observations fall, the bit that routing reads agrees with the status shown, and events add up to it.
#[test]
fn events_add_up_to_the_table() {
    let checks = [
        endpoint("a", 80),
        HealthCheck { inverted: true, ..endpoint("b", 81) },
        calculated("c", &["a", "b"], 1),
        HealthCheck { inverted: true, ..calculated("d", &["a", "b", "c"], 2) },
    ];
    for sequence in 0..6usize.pow(5) {
        let mut board = board(checks.clone());
        let mut shown: BTreeMap<_, _> = board.table().iter().map(|verdict| (verdict.id.clone(), verdict.status)).collect();
        for step in 0..5u32 {
            let letter = sequence / 6usize.pow(step) % 6;
            let outcome = [Some(true), Some(false), None][letter % 3];
            let index = board.index(&id(["a", "b"][letter / 3])).unwrap();
            for event in board.observe(index, &observation(outcome, i64::from(step))) {
                assert_eq!(shown.insert(event.id.clone(), event.to), Some(event.from), "{sequence} {event}");
                assert_ne!(event.from, event.to);
            }
        }
        for verdict in board.table().iter() {
            assert_eq!(shown[&verdict.id], verdict.status, "{sequence}");
            let agrees = verdict.status == Status::Unknown || (verdict.status == Status::Healthy) == verdict.healthy;
            assert!(agrees, "{sequence} {verdict:?}");
            assert_eq!(verdict, board.verdict(board.index(&verdict.id).unwrap()), "{sequence}");
        }
    }
}

fn id(text: &str) -> HealthCheckId {
    HealthCheckId::new(text).unwrap()
}

fn at(secs: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(secs)
}

fn thresholds(fall: u8, rise: u8) -> Thresholds {
    Thresholds { fall: NonZeroU8::new(fall).unwrap(), rise: NonZeroU8::new(rise).unwrap() }
}

fn rules(thresholds: Thresholds) -> Rules {
    let second = Duration::from_secs(1);
    Rules { timing: Timing::plain(second, DEADLINES, thresholds), stale_after: Duration::from_secs(3_600) }
}

const DEADLINES: Deadlines = {
    let second = Duration::from_secs(1);
    Deadlines { connect: second, tls: None, status: second, body: second }
};

fn observation(passed: Option<bool>, secs: i64) -> Observation {
    let outcome = match passed {
        Some(true) => Outcome::Passed(Passed::Status(200)),
        Some(false) => Outcome::Failed(Failure::Refused),
        None => Outcome::NotRun(NotRun::NoRoute("network is unreachable".into())),
    };
    Observation { at: at(secs), outcome }
}

fn endpoint(name: &str, port: u16) -> HealthCheck {
    let second = Duration::from_secs(1);
    let check = EndpointCheck {
        target: Target { host: TargetHost::Address([127, 0, 0, 1].into()), port },
        protocol: Protocol::Tcp,
        via: Via::default(),
        timing: Timing::plain(second, DEADLINES, thresholds(1, 1)),
    };
    HealthCheck::plain(id(name), CheckKind::Endpoint(Box::new(check)))
}

fn calculated(name: &str, children: &[&str], health_threshold: u32) -> HealthCheck {
    let children = children.iter().map(|child| id(child)).collect();
    HealthCheck::plain(id(name), CheckKind::Calculated { children, health_threshold })
}

fn set(checks: impl IntoIterator<Item = HealthCheck>) -> BTreeMap<HealthCheckId, HealthCheck> {
    checks.into_iter().map(|check| (check.id.clone(), check)).collect()
}

fn board(checks: impl IntoIterator<Item = HealthCheck>) -> Board {
    Board::new(set(checks), at(0))
}

fn see(board: &mut Board, name: &str, passed: Option<bool>, secs: i64) -> Vec<String> {
    let index = board.index(&id(name)).unwrap();
    words(&board.observe(index, &observation(passed, secs)))
}

fn words(events: &[waypost::health::board::Event]) -> Vec<String> {
    events.iter().map(ToString::to_string).collect()
}

fn verdict(board: &Board, name: &str) -> (Status, bool, Timestamp, String) {
    let verdict = board.verdict(board.index(&id(name)).unwrap());
    (verdict.status, verdict.healthy, verdict.since, verdict.because.to_string())
}

fn health_page() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/health.md")).unwrap()
}
