//! How late probes begin: a measure of whether this process gets to run in time.
//!
//! Acts on nothing. Invariant: a probe that waited for room, because as many as allowed were under way, was not late for
//! want of time and does not count.

use std::time::Duration;

/// The worst lag of the last second, to within one.
#[derive(Debug)]
pub(super) struct LagMeter {
    /// The second that is being measured.
    second: u64,
    worst_now: Duration,
    worst_before: Duration,
    had_room: bool,
}

impl Default for LagMeter {
    fn default() -> Self {
        Self { second: 0, worst_now: Duration::ZERO, worst_before: Duration::ZERO, had_room: true }
    }
}

impl LagMeter {
    /// Notes that at `now` probes were begun of which the latest was `late`, and whether there is room for more.
    pub fn note(&mut self, now: Duration, late: Duration, has_room: bool) {
        let counts = std::mem::replace(&mut self.had_room, has_room);
        self.turn_to(now);
        if counts {
            self.worst_now = self.worst_now.max(late);
        }
    }

    /// The worst of this second and the one before.
    pub fn worst(&mut self, now: Duration) -> Duration {
        self.turn_to(now);
        self.worst_now.max(self.worst_before)
    }

    fn turn_to(&mut self, now: Duration) {
        let before = std::mem::replace(&mut self.second, now.as_secs());
        match self.second - before {
            0 => {}
            1 => self.worst_before = std::mem::take(&mut self.worst_now),
            _ => (self.worst_before, self.worst_now) = (Duration::ZERO, Duration::ZERO),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_is_remembered_for_a_second_and_waiting_for_room_is_not_lag() {
        let millis = Duration::from_millis;
        let mut meter = LagMeter::default();
        let mut seen = Vec::new();
        for (at, late, has_room) in [
            (100, 5, true),
            (200, 3, true),
            (900, 1, false),
            (950, 700, true),
            (1_100, 2, true),
            (2_100, 0, true),
            (9_000, 4, true),
        ] {
            meter.note(millis(at), millis(late), has_room);
            seen.push(meter.worst(millis(at)).as_millis());
        }
        assert_eq!(seen, [5, 5, 5, 5, 5, 2, 4]);
        assert_eq!(meter.worst(millis(60_000)), Duration::ZERO);
    }
}
