//! As many requests in a second as AWS takes from one account, where the operator wants its limits.
//!
//! A bucket that fills evenly: a second's worth may come at once. Invariant: in any span of seconds no more are let
//! through than fit it and one second. Source: Route 53 developer guide, "Quotas": five requests a second.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Requests in a second, all operations together.
const PER_SECOND: f64 = 5.0;

/// The bucket.
#[derive(Debug)]
pub(super) struct Throttle(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Requests that may come now.
    left: f64,
    at: Option<Instant>,
}

impl Throttle {
    /// A full one.
    pub fn new() -> Self {
        Self(Mutex::new(State { left: PER_SECOND, at: None }))
    }

    /// Whether one more request may be done at `now`.
    pub fn admits(&self, now: Instant) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = state.at.map_or(0.0, |at| now.saturating_duration_since(at).as_secs_f64());
        state.left = (state.left + passed * PER_SECOND).min(PER_SECOND);
        state.at = Some(now);
        let admitted = state.left >= 1.0;
        if admitted {
            state.left -= 1.0;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock;

    #[test]
    fn five_come_at_once_and_then_one_every_fifth_of_a_second() {
        let (throttle, start) = (Throttle::new(), clock::monotonic());
        let admitted = |millis| throttle.admits(start + Duration::from_millis(millis));
        assert_eq!((0..7).filter(|_| admitted(0)).count(), 5);
        assert_eq!([100, 201, 202, 401].map(admitted), [false, true, false, true]);
        assert_eq!((0..9).filter(|_| admitted(60_000)).count(), 5);
    }
}
