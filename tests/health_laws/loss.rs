//! What lost packets do to a check: exactly, by the Markov chain that the machine is when each probe fails by chance.
//!
//! The chain is found by asking the machine itself. A probe that passes takes no time, one that is lost its deadline, and
//! jitter is left out. The table is the one of `docs/health.md`.

use std::collections::HashMap;
use std::time::Duration;

use waypost::health::machine::{Rules, State, observe, pace};
use waypost::health::profile::Profile;
use waypost::health::table::Status;
use waypost::health::timing::{Pace, Timing};

use super::{at, observation};

/// One state of the chain: where a lost probe and one that passes lead, and how long after this one's start the next begins.
struct Step {
    lost: (Option<usize>, f64),
    passed: (Option<usize>, f64),
}

/// The mean time from one change of status to the next, in seconds, when this share of probes is lost.
fn mean_time(timing: Timing, unsteady: bool, from: Status, loss: f64) -> f64 {
    let rules = Rules { timing, stale_after: Duration::from_secs(3_600) };
    let steps = chain(rules, from, unsteady);
    // Mean times satisfy t = step + Σ p × t', which Gauss and Jordan solve.
    let mut rows: Vec<Vec<f64>> = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let mut row = vec![0.0; steps.len() + 1];
        row[at] = 1.0;
        for ((next, secs), share) in [(step.lost, loss), (step.passed, 1.0 - loss)] {
            row[steps.len()] += share * if next.is_some() { secs } else { 0.0 };
            if let Some(next) = next {
                row[next] -= share;
            }
        }
        rows.push(row);
    }
    solve(rows)
}

/// The unknown of the first row.
fn solve(mut rows: Vec<Vec<f64>>) -> f64 {
    let size = rows.len();
    for column in 0..size {
        let pivot = (column..size).max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs())).unwrap();
        rows.swap(column, pivot);
        let row: Vec<f64> = rows[column].iter().map(|value| value / rows[column][column]).collect();
        for (at, other) in rows.iter_mut().enumerate() {
            let by = other[column];
            if at != column && by != 0.0 {
                other.iter_mut().zip(&row).for_each(|(value, of_row)| *value -= by * of_row);
            }
        }
        rows[column] = row;
    }
    rows[0][size]
}

/// Every state that a check passes through before its status changes, from the first on.
fn chain(rules: Rules, from: Status, unsteady: bool) -> Vec<Step> {
    let first = first_state(rules, from, unsteady);
    let (mut places, mut states, mut steps) = (HashMap::from([(format!("{first:?}"), 0)]), vec![first], Vec::new());
    while let Some(state) = states.get(steps.len()).cloned() {
        let mut next = |passed| {
            let seen = observation(Some(passed), 0);
            let (next, transition) = observe(state.clone(), &seen, rules);
            let took = if passed { 0.0 } else { rules.timing.deadlines.connect.as_secs_f64() };
            let secs = match pace(&next, &rules.timing, &seen.outcome) {
                Pace::AfterEnd(interval) => took + interval.as_secs_f64(),
                Pace::AfterStart(gap) | Pace::Confirming(gap) => gap.as_secs_f64().max(took),
            };
            if transition.is_some() {
                return (None, secs);
            }
            let place = *places.entry(format!("{next:?}")).or_insert_with(|| {
                states.push(next);
                states.len() - 1
            });
            (Some(place), secs)
        };
        let (lost, passed) = (next(false), next(true));
        steps.push(Step { lost, passed });
    }
    steps
}

/// A check that has just risen, or fallen in a row or by isolated failures; nothing is held.
fn first_state(rules: Rules, from: Status, unsteady: bool) -> State {
    let mut state = observe(State::unknown(at(0)), &observation(Some(true), 0), rules).0;
    while from == Status::Unhealthy && state.status == Status::Healthy {
        state = observe(state, &observation(Some(false), 0), rules).0;
    }
    state.distrust.unsteady = unsteady;
    state.distrust.held_until = None;
    state
}

fn shown(secs: f64) -> String {
    match secs {
        _ if secs < 100.0 => format!("{secs:.0} s"),
        _ if secs < 6_000.0 => format!("{:.0} min", secs / 60.0),
        _ if secs < 48.0 * 3_600.0 => format!("{:.0} h", secs / 3_600.0),
        _ if secs < 1_000.0 * 86_400.0 => format!("{:.0} d", secs / 86_400.0),
        _ => format!("{:.0} y", secs / (365.25 * 86_400.0)),
    }
}

#[test]
fn the_page_says_how_long_each_profile_bears_with_loss() {
    let mut table = String::from("| loss | fast | default | calm | economy | route53 |\n|---|---|---|---|---|---|\n");
    for percent in [1, 10, 30, 50] {
        table += &format!("| {percent} % |");
        for profile in Profile::ALL {
            let timing = profile.timing(Duration::from_secs(4));
            table += &format!(" {} |", shown(mean_time(timing, false, Status::Healthy, f64::from(percent) / 100.0)));
        }
        table += "\n";
    }
    println!("{table}");
    assert!(super::health_page().contains(&table), "docs/health.md should have this table:\n{table}");
}

/// Without tolerance, half of all probes lost is noticed by luck alone, and forgotten by the next.
#[test]
fn tolerance_keeps_out_what_fails_half_its_probes() {
    let timing = Profile::Default.timing(Duration::from_secs(4));
    let plain = Timing { tolerance: None, ..timing };
    for (loss, down_share) in [(0.3, 0.6), (0.5, 0.9)] {
        let share = |timing, unsteady| {
            let (up, down) =
                (mean_time(timing, false, Status::Healthy, loss), mean_time(timing, unsteady, Status::Unhealthy, loss));
            down / (up + down)
        };
        assert!(share(timing, true) > down_share, "{loss}: {}", share(timing, true));
        assert!(share(plain, false) < share(timing, true), "{loss}: {}", share(plain, false));
    }
}
