//! A gate against a specification, over every sequence of what it may see and be told.

use std::time::Duration;

use waypost::health::gate::{Gated, Input, Order};
use waypost::modes::{Decision, Failback, Failover, Modes};

use crate::world::at;

/// What a gate sees in one second: its member's health, and what an operator orders then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    healthy: bool,
    known: bool,
    order: Option<Order>,
}

const LETTERS: [Seen; 9] = [
    seen(true, true, None),
    seen(false, true, None),
    seen(true, false, None),
    seen(true, true, Some(Order::BringBack)),
    seen(true, true, Some(Order::TakeOut)),
    seen(false, true, Some(Order::TakeOut)),
    seen(false, true, Some(Order::Keep)),
    seen(false, true, Some(Order::BringBack)),
    seen(true, false, Some(Order::BringBack)),
];

const fn seen(healthy: bool, known: bool, order: Option<Order>) -> Seen {
    Seen { healthy, known, order }
}

const FAILOVERS: [Failover; 4] = [
    Failover::Auto,
    Failover::Manual,
    Failover::Confirm { within: Duration::from_secs(2), then: Decision::Approve },
    Failover::Confirm { within: Duration::from_secs(2), then: Decision::Refuse },
];
const FAILBACKS: [Failback; 3] = [Failback::Auto, Failback::Delayed(Duration::from_secs(2)), Failback::Manual];

/// Whether the member is in service after all of `history`, by what the table in the documentation says of each step.
fn specification(history: &[Seen], modes: &Modes) -> bool {
    (1..=history.len()).fold(true, |in_service, until| {
        let history = &history[..until];
        if in_service { stays(history, modes) } else { returns(history, modes) }
    })
}

/// A member in service leaves by itself, by order, or at the deadline of a proposal that nobody refused.
fn stays(history: &[Seen], modes: &Modes) -> bool {
    let now = history[history.len() - 1];
    if now.healthy {
        return true;
    }
    // Since it became unhealthy, while it was in service; it left nothing behind when it came back.
    let failing = history.iter().rev().take_while(|seen| !seen.healthy).count();
    let failing = &history[history.len() - failing..];
    match modes.failover {
        Failover::Auto => false,
        Failover::Manual => now.order != Some(Order::TakeOut),
        Failover::Confirm { within, then } => {
            let refused_at = failing.iter().position(|seen| seen.order == Some(Order::Keep));
            let due = within.as_secs() as usize;
            let leaves_now = failing.len() == due + 1 && then == Decision::Approve && refused_at.is_none_or(|at| at >= due);
            !leaves_now && now.order != Some(Order::TakeOut)
        }
    }
}

/// A member that is out comes back by itself, by order, or after as long as was said without a failure.
fn returns(history: &[Seen], modes: &Modes) -> bool {
    let now = history[history.len() - 1];
    if !now.healthy {
        return false;
    }
    if now.order == Some(Order::BringBack) {
        return true;
    }
    let steady = history.iter().rev().take_while(|seen| seen.healthy);
    match modes.failback {
        Failback::Auto => true,
        Failback::Manual => false,
        Failback::Delayed(delay) => {
            // From the first second in which it was known to be healthy.
            let steady: Vec<&Seen> = steady.collect();
            let known = steady.iter().rposition(|seen| seen.known);
            now.known && known.is_some_and(|since| since as u64 >= delay.as_secs())
        }
    }
}

fn step(gated: Gated, seen: Seen, modes: &Modes, second: i64) -> Gated {
    let input = Input { healthy: seen.healthy, is_known: seen.known };
    let (next, _) = gated.step(modes, input, at(second));
    let obeyed = seen.order.and_then(|order| next.obey(order, modes, input, at(second)));
    obeyed.map_or(next, |(next, _)| next)
}

fn compare(gated: Gated, history: &mut Vec<Seen>, longest: usize, modes: &Modes) -> usize {
    if longest == 0 {
        return 1;
    }
    let mut compared = 0;
    for letter in LETTERS {
        let next = step(gated, letter, modes, history.len() as i64);
        history.push(letter);
        assert_eq!(next.in_service, specification(history, modes), "{modes:?}\n{history:?}");
        compared += compare(next, history, longest - 1, modes);
        history.pop();
    }
    compared
}

#[test]
fn a_gate_is_what_its_table_says_for_every_history() {
    let mut compared = 0;
    for failover in FAILOVERS {
        for failback in FAILBACKS {
            let modes = Modes { failover, failback, slow_start: Duration::ZERO };
            compared += compare(Gated::in_service(at(0)), &mut Vec::new(), 5, &modes);
        }
    }
    assert_eq!(compared, 12 * 9usize.pow(5));
}

#[test]
fn a_weight_ramps_up_from_a_tenth_and_never_down() {
    let modes = Modes { slow_start: Duration::from_secs(60), ..Modes::default() };
    let known = |healthy| Input { healthy, is_known: true };
    let out = Gated::in_service(at(0)).step(&modes, known(false), at(1)).0;
    let back = out.step(&modes, known(true), at(2)).0;
    let shares: Vec<u8> = (2..70).map(|second| back.share(&modes, at(second))).collect();
    assert_eq!((shares[0], shares[30], shares[60], shares[67]), (10, 55, 100, 100));
    assert!(shares.is_sorted());
    assert_eq!(back.share(&modes, at(0)), 10, "a clock that was set back does no harm");
}
