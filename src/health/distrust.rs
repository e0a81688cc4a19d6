//! What an endpoint's past counts for, beyond its last observations: isolated failures, flaps, and the hold they earn.
//!
//! A value that outlives restarts. Says how much, not when to flip: `machine` does. Invariant: a hold is never longer than
//! `hold_max`, and only an unhealthy check has one. Source of the decaying penalty: RFC 2439 §2.2 (BGP route flap damping),
//! whose half-life is 15 minutes, too; unlike there it never keeps out what has not just failed.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::timing::Hold;

/// What is held against an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Distrust {
    /// Failures since the status last changed, or since so many passes in a row that they are forgiven.
    pub accumulated: u8,
    /// It is unhealthy for isolated failures: only a longer run of passes lets it rise.
    pub unsteady: bool,
    /// Until when it stays unhealthy, however well it passes.
    pub held_until: Option<Timestamp>,
    pub penalty: Penalty,
}

/// How often it fell of late: each fall adds one, and half of all is forgotten every 15 minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Penalty {
    /// In thousandths, as of the last fall.
    milli: u32,
    /// When that was.
    at: Timestamp,
}

impl Distrust {
    /// After a fall at `at`: held for twice as long as after the fall before, if that was just now.
    pub(super) fn fallen(self, at: Timestamp, unsteady: bool, hold: Hold) -> Self {
        let held_until = (!hold.least.is_zero()).then(|| later(at, held_for(hold, self.penalty.at(at))));
        Self { accumulated: 0, unsteady, held_until, penalty: self.penalty.fallen(at) }
    }

    /// After any other change of status.
    pub(super) fn forgiven(self) -> Self {
        Self { penalty: self.penalty, ..Self::default() }
    }

    /// Whether it may not rise yet.
    pub fn is_held(&self, now: Timestamp) -> bool {
        self.held_until.is_some_and(|until| now < until)
    }

    /// The same, were all clocks ahead by `by`.
    pub(super) fn shifted(self, by: SignedDuration) -> Self {
        let penalty = self.penalty.shifted(by);
        Self { held_until: self.held_until.map(|until| shifted(until, by)), penalty, ..self }
    }

    /// The same, with no hold beyond what `hold` allows from `now` on: it may be another than the one that was earned, and a
    /// clock may have been set back while nothing ran.
    pub(super) fn bounded(self, now: Timestamp, hold: Hold) -> Self {
        let held_until = self.held_until.filter(|_| !hold.least.is_zero());
        Self { held_until: held_until.map(|until| until.min(later(now, hold.max))), ..self }
    }
}

impl Penalty {
    /// What is left of it.
    pub fn at(&self, now: Timestamp) -> f64 {
        let half_lives = now.duration_since(self.at).as_secs_f64().max(0.0) / HALF_LIFE.as_secs_f64();
        f64::from(self.milli) / 1_000.0 * (-half_lives).exp2()
    }

    fn shifted(self, by: SignedDuration) -> Self {
        if self.milli == 0 { self } else { Self { at: shifted(self.at, by), ..self } }
    }

    fn fallen(self, at: Timestamp) -> Self {
        Self { milli: ((self.at(at) + 1.0).min(PENALTY_MAX) * 1_000.0).round() as u32, at }
    }
}

fn held_for(hold: Hold, penalty: f64) -> Duration {
    // Milliseconds are enough, and are the same on every machine.
    let millis = (hold.least.as_secs_f64() * penalty.exp2() * 1_000.0).round();
    Duration::from_millis(millis as u64).min(hold.max)
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    shifted(at, SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX))
}

/// `at` and `by` more, or the end of time.
pub(super) fn shifted(at: Timestamp, by: SignedDuration) -> Timestamp {
    let end = if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX };
    at.checked_add(by).unwrap_or(end)
}

/// In which half of a penalty is forgotten.
const HALF_LIFE: Duration = Duration::from_secs(900);
/// Holds are at their longest long before.
const PENALTY_MAX: f64 = 16.0;

#[cfg(test)]
mod tests {
    use super::*;

    const HOLD: Hold = Hold { least: Duration::from_secs(10), max: Duration::from_secs(1_800) };

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(1_000_000_000 + secs).unwrap()
    }

    fn holds(falls: &[i64], hold: Hold) -> Vec<i64> {
        let mut distrust = Distrust::default();
        let held = |fall: &i64| {
            distrust = distrust.fallen(at(*fall), false, hold);
            distrust.held_until.map_or(0, |until| until.duration_since(at(*fall)).as_secs())
        };
        falls.iter().map(held).collect()
    }

    #[test]
    fn each_fall_in_a_row_doubles_the_hold_up_to_the_longest() {
        assert_eq!(holds(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0], HOLD), [10, 20, 40, 80, 160, 320, 640, 1_280, 1_800, 1_800]);
        assert_eq!(holds(&[0; 100], HOLD)[99], 1_800);
        assert_eq!(holds(&[0; 100], Hold::NONE), [0; 100]);
    }

    #[test]
    fn half_a_penalty_is_forgotten_in_fifteen_minutes() {
        // 10 s × 2^(1/2), 2^(1/4), and after a day none of it.
        assert_eq!(holds(&[0, 900], HOLD)[1], 14);
        assert_eq!(holds(&[0, 1_800], HOLD)[1], 11);
        assert_eq!(holds(&[0, 86_400], HOLD)[1], 10);
        let fallen = Distrust::default().fallen(at(0), false, HOLD).fallen(at(0), false, HOLD);
        assert_eq!((fallen.penalty.at(at(0)), fallen.penalty.at(at(900)), fallen.penalty.at(at(-5))), (2.0, 1.0, 2.0));
    }

    #[test]
    fn a_hold_saved_under_another_clock_ends_in_time() {
        let held = Distrust::default().fallen(at(1_000_000), false, HOLD);
        assert_eq!(held.bounded(at(0), HOLD).held_until, Some(at(1_800)));
        assert_eq!(held.bounded(at(1_000_005), HOLD), held);
        assert_eq!(held.bounded(at(1_000_005), Hold::NONE).held_until, None);
    }

    #[test]
    fn what_an_older_version_saved_is_read() {
        let read: Distrust = serde_json::from_str(r#"{"accumulated":3,"unheard_of":1}"#).unwrap();
        assert_eq!(read, Distrust { accumulated: 3, ..Distrust::default() });
        let held = Distrust::default().fallen(at(7), true, HOLD);
        assert_eq!(serde_json::from_str::<Distrust>(&serde_json::to_string(&held).unwrap()).unwrap(), held);
    }
}
