//! Every short history against a specification that looks at all of it.

use std::num::NonZeroU8;
use std::time::Duration;

use jiff::Timestamp;
use waypost::health::machine::{Rules, State, earliest_change, observe, pace};
use waypost::health::observation::Observation;
use waypost::health::table::Status;
use waypost::health::timing::{Hold, Pace, Thresholds, Timing, Tolerance};

use super::{DEADLINES, at, observation, thresholds};

/// One observation: whether it passed, none if it could not be made; and when, in seconds.
type Seen = (Option<bool>, i64);

/// What a whole history amounts to, and until when a hold lasts that the last fall brought.
///
/// Each status ends with the first observation at which, of those that counted since it began,
///
/// * healthy or unknown: the last `fall` failed; or `tolerate` failed that no `clear` passes in a row came after;
/// * unknown: the last passed;
/// * unhealthy: the last `rise` passed (`clear`, where isolated failures made it fall and that is more), and `hold` is over,
///   doubled for each fall before, one of 15 minutes ago counting half;
/// * healthy or unhealthy: none could be made, and the last that counted is too long ago.
fn specification(history: &[Seen], rules: &Rules) -> (Status, f64) {
    let Timing { thresholds, tolerance, hold, .. } = rules.timing;
    let (mut status, mut since, mut falls, mut held_until, mut is_unsteady) = (Status::Unknown, 0, Vec::new(), 0.0, false);
    for (end, (passed, now)) in history.iter().enumerate().map(|(at, seen)| (at + 1, *seen)) {
        let counted: Vec<bool> = history[since..end].iter().filter_map(|(passed, _)| *passed).collect();
        let last = |count: NonZeroU8, passed| {
            counted.len().checked_sub(count.get().into()).is_some_and(|from| counted[from..].iter().all(|seen| *seen == passed))
        };
        let next = match (status, passed) {
            (Status::Unknown, None) => None,
            (_, None) => {
                let counted_at = history[..end].iter().rev().find(|(passed, _)| passed.is_some()).map_or(0, |(_, at)| *at);
                (now - counted_at > rules.stale_after.as_secs() as i64).then_some(Status::Unknown)
            }
            (Status::Unknown, Some(true)) => Some(Status::Healthy),
            (Status::Healthy, Some(true)) | (Status::Unhealthy, Some(false)) => None,
            (Status::Unhealthy, Some(true)) => {
                let steady = tolerance.filter(|_| is_unsteady).map_or(thresholds.rise, |tolerance| tolerance.clear);
                (last(thresholds.rise.max(steady), true) && now as f64 >= held_until).then_some(Status::Healthy)
            }
            (Status::Unknown | Status::Healthy, Some(false)) => {
                let in_a_row = last(thresholds.fall, false);
                is_unsteady = !in_a_row;
                let too_many = |tolerance: Tolerance| unforgiven(&counted, tolerance.clear) >= tolerance.failures.get().into();
                (in_a_row || tolerance.is_some_and(too_many)).then_some(Status::Unhealthy)
            }
        };
        let Some(next) = next else { continue };
        (status, since) = (next, end);
        if status == Status::Unhealthy {
            let weight = |fall: &i64| (-(now - fall) as f64 / 900.0).exp2();
            let doubled: f64 = falls.iter().map(weight).sum();
            held_until = now as f64 + (hold.least.as_secs_f64() * doubled.exp2()).min(hold.max.as_secs_f64());
            falls.push(now);
        }
    }
    (status, held_until)
}

/// Failures that no `clear` passes in a row came after.
fn unforgiven(counted: &[bool], clear: NonZeroU8) -> usize {
    let forgiven = counted.windows(clear.get().into()).rposition(|passes| passes.iter().all(|passed| *passed)).unwrap_or(0);
    counted[forgiven..].iter().filter(|passed| !**passed).count()
}

/// Walks every history up to `longest` over `letters`, each an observation and the seconds before it, and compares after
/// each.
fn compare(state: State, history: &mut Vec<Seen>, longest: usize, letters: &[(Option<bool>, i64)], rules: Rules) -> usize {
    if longest == 0 {
        return 1;
    }
    let mut histories = 0;
    for (passed, later) in letters {
        let now = history.last().map_or(0, |(_, at)| *at) + later;
        let (next, transition) = observe(state.clone(), &observation(*passed, now), rules);
        history.push((*passed, now));
        let (status, held_until) = specification(history, &rules);
        assert_eq!(next.status, status, "{history:?} {rules:?}");
        let found = next.distrust.held_until.map(|until| until.duration_since(at(0)).as_secs_f64());
        let is_same = match (status, rules.timing.hold.least.is_zero()) {
            (Status::Unhealthy, false) => found.is_some_and(|found| (found - held_until).abs() < 0.1),
            _ => found.is_none(),
        };
        assert!(is_same, "{found:?} {held_until} {history:?} {rules:?}");
        let expected = (state.status != next.status).then_some((state.status, next.status, at(now)));
        assert_eq!(transition.map(|change| (change.from, change.to, change.since)), expected, "{history:?} {rules:?}");
        histories += compare(next, history, longest - 1, letters, rules);
        history.pop();
    }
    histories
}

const BOTH: [Option<bool>; 2] = [Some(true), Some(false)];
const ALL: [Option<bool>; 3] = [Some(true), Some(false), None];
const START: fn() -> State = || State::unknown(at(0));

/// How every combination of small thresholds is judged: none or one of tolerance, none or one of hold.
fn every_rule(thresholds_up_to: u8) -> impl Iterator<Item = Rules> {
    let tolerances = (2..=4).flat_map(|failures| (1..=3).map(move |clear| Some(tolerance(failures, clear))));
    let tolerances: Vec<_> = tolerances.chain([None]).collect();
    let pairs = (1..=thresholds_up_to).flat_map(move |fall| (1..=thresholds_up_to).map(move |rise| thresholds(fall, rise)));
    pairs.flat_map(move |thresholds| {
        tolerances
            .clone()
            .into_iter()
            .flat_map(move |tolerance| [Hold::NONE, HELD].map(|hold| rules(Timing { tolerance, hold, ..plain(thresholds) })))
    })
}

/// Two observations' time, three seconds apart; the third fall in a row reaches the longest.
const HELD: Hold = Hold { least: Duration::from_secs(6), max: Duration::from_secs(20) };

#[test]
fn every_history_of_twelve_observations_agrees_with_the_specification() {
    let letters = BOTH.map(|passed| (passed, 3));
    for rules in every_rule(3) {
        assert_eq!(compare(START(), &mut Vec::new(), 12, &letters, rules), 1 << 12);
    }
}

#[test]
fn probes_that_could_not_be_made_count_neither_way() {
    let letters = ALL.map(|passed| (passed, 3));
    let chosen = [
        Timing { hold: HELD, tolerance: Some(tolerance(4, 3)), ..plain(thresholds(3, 2)) },
        Timing { tolerance: Some(tolerance(3, 2)), ..plain(thresholds(2, 1)) },
    ];
    for timing in chosen {
        assert_eq!(compare(START(), &mut Vec::new(), 12, &letters, rules(timing)), 3usize.pow(12));
    }
    for rules in every_rule(2) {
        compare(START(), &mut Vec::new(), 7, &letters, rules);
    }
}

/// Holds, half-lives and staleness, whatever passes between observations.
#[test]
fn every_history_agrees_however_far_apart_its_observations_are() {
    let letters: Vec<_> = ALL.into_iter().flat_map(|passed| [1, 7, 400].map(|later| (passed, later))).collect();
    for tolerance in [None, Some(tolerance(3, 2))] {
        let rules =
            Rules { stale_after: Duration::from_secs(500), ..rules(Timing { hold: HELD, tolerance, ..plain(thresholds(2, 2)) }) };
        assert_eq!(compare(START(), &mut Vec::new(), 6, &letters, rules), 9usize.pow(6));
    }
}

/// Route 53's own example: failure threshold 3.
#[test]
fn three_in_a_row_flip_a_status_both_ways() {
    let mut state = START();
    let mut statuses = Vec::new();
    for passed in [false, false, true, false, false, false, true, true, true] {
        state = observe(state, &observation(Some(passed), 0), rules(plain(thresholds(3, 3)))).0;
        statuses.push(state.status.as_str());
    }
    let expected = "unknown unknown healthy healthy healthy unhealthy unhealthy unhealthy healthy";
    assert_eq!(statuses.join(" "), expected);
}

#[test]
fn what_fell_by_isolated_failures_says_so_and_rises_only_by_a_longer_run() {
    let rules = rules(Timing { tolerance: Some(tolerance(3, 4)), ..plain(thresholds(2, 1)) });
    let mut state = START();
    let mut changes = Vec::new();
    for (at, letter) in "ppfpfppfpppfpppp".chars().enumerate() {
        let (next, transition) = observe(state, &observation(Some(letter == 'p'), at as i64), rules);
        state = next;
        changes.extend(transition.map(|change| format!("{at} {}: {}", change.to, change.because)));
    }
    assert_eq!(
        changes,
        [
            "0 healthy: HTTP status 200",
            "7 unhealthy: 3 failures without 4 passes in a row in between, the last: connection refused",
            "15 healthy: 4 passes in a row, the last: HTTP status 200",
        ]
    );
}

#[test]
fn only_a_suspect_that_was_probed_is_probed_again_at_once() {
    let timing = Timing { retry: Some(RETRY), ..plain(thresholds(3, 3)) };
    let mut state = START();
    let mut paces = Vec::new();
    for passed in [Some(true), Some(false), None, Some(false), Some(true), Some(false), Some(false), Some(false), Some(true)] {
        let seen = observation(passed, 0);
        state = observe(state, &seen, rules(timing)).0;
        paces.push(match pace(&state, &timing, &seen.outcome) {
            Pace::Confirming(RETRY) => 'c',
            Pace::AfterStart(INTERVAL) => 's',
            other => panic!("{other:?}"),
        });
        let unconfirmed = Timing { retry: None, ..timing };
        assert_eq!(pace(&state, &unconfirmed, &seen.outcome), Pace::AfterEnd(INTERVAL));
    }
    assert_eq!(paces.into_iter().collect::<String>(), "scscsccss");
}

/// Walks every history as fast as probes can follow each other, and holds every change against what was foretold before it.
/// Returns when the status first changes at the earliest.
fn foretell(state: &State, next_at: Timestamp, longest: usize, rules: &Rules) -> Option<Timestamp> {
    let foretold = earliest_change(state, rules, next_at);
    if longest == 0 {
        return None;
    }
    let mut first: Option<Timestamp> = None;
    for passed in ALL {
        let seen = Observation { at: next_at, outcome: observation(passed, 0).outcome };
        let (next, transition) = observe(state.clone(), &seen, *rules);
        let gap = pace(&next, &rules.timing, &seen.outcome).least();
        let below = foretell(&next, next_at + gap, longest - 1, rules);
        first = first.into_iter().chain(if transition.is_some() { Some(next_at) } else { below }).min();
    }
    assert!(first.is_none_or(|first| first >= foretold), "{first:?} {foretold} {state:?} {rules:?}");
    // Worth something: what falls does so at the time foretold, unless it is forgotten before.
    if state.status == Status::Healthy && longest >= 4 && rules.stale_after > LONG {
        assert_eq!(first, Some(foretold), "{state:?} {rules:?}");
    }
    first
}

#[test]
fn no_status_changes_before_the_earliest_time_foretold() {
    let start = at(0);
    for retry in [None, Some(RETRY)] {
        for (fall, rise) in [(1, 1), (3, 2), (2, 4)] {
            for tolerance in [None, Some(tolerance(4, 3))] {
                for hold in [Hold::NONE, HELD] {
                    let timing = Timing { retry, hold, tolerance, ..plain(thresholds(fall, rise)) };
                    for stale_after in [Duration::from_secs(8), LONG * 2] {
                        foretell(&START(), start, 8, &Rules { timing, stale_after });
                    }
                }
            }
        }
    }
}

const INTERVAL: Duration = Duration::from_secs(2);
/// More than the histories last that are walked here.
const LONG: Duration = Duration::from_secs(3_600);
const RETRY: Duration = Duration::from_millis(250);

fn plain(thresholds: Thresholds) -> Timing {
    Timing::plain(INTERVAL, DEADLINES, thresholds)
}

fn rules(timing: Timing) -> Rules {
    Rules { timing, stale_after: Duration::from_secs(3_600) }
}

fn tolerance(failures: u8, clear: u8) -> Tolerance {
    Tolerance { failures: NonZeroU8::new(failures).unwrap(), clear: NonZeroU8::new(clear).unwrap() }
}
