//! How long the last probes took, and their percentiles.
//!
//! One sketch is of one phase of one check. It remembers the last [`REMEMBERED`] durations in the order they came, and
//! nothing of those before. Invariants: at most 256 octets a sketch, none of them on the heap before the first record; a
//! percentile is the duration of a real probe, rounded down by less than 1 part in 1,024.
//!
//! Rejected: a histogram with halved counts, whose idea of "recent" depends on how even the durations are.

use std::time::Duration;

/// The last durations of one phase.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LatencySketch {
    /// As `encode` writes them; once full, a ring.
    recent: Vec<u16>,
    /// What is overwritten next, once full.
    next: u8,
}

/// How many durations a sketch remembers.
pub const REMEMBERED: usize = 100;

impl LatencySketch {
    /// Adds a duration; the oldest goes when there are too many.
    pub fn record(&mut self, took: Duration) {
        let encoded = encode(took);
        if self.recent.len() < REMEMBERED {
            self.recent.reserve_exact(REMEMBERED - self.recent.len());
            self.recent.push(encoded);
            return;
        }
        self.recent[usize::from(self.next)] = encoded;
        self.next = (self.next + 1) % REMEMBERED as u8;
    }

    /// How many durations are remembered.
    pub fn len(&self) -> usize {
        self.recent.len()
    }

    /// Whether nothing has been recorded.
    pub fn is_empty(&self) -> bool {
        self.recent.is_empty()
    }

    /// The least remembered duration that at least this share of them, 0 to 1, does not exceed; none when there are none.
    ///
    /// `percentile(0.95)` is the p95, by nearest rank.
    pub fn percentile(&self, share: f64) -> Option<Duration> {
        let rank = (share * self.recent.len() as f64).ceil() as usize;
        let at = rank.clamp(1, self.recent.len().max(1)) - 1;
        let mut sorted = self.recent.clone();
        (at < sorted.len()).then(|| decode(*sorted.select_nth_unstable(at).1))
    }
}

/// Microseconds as eleven significant bits and how far they are shifted, in an order that is the durations' own.
fn encode(took: Duration) -> u16 {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).min(MICROS_MAX);
    let shift = (u64::BITS - micros.leading_zeros()).saturating_sub(DIGITS);
    (shift << DIGITS) as u16 | (micros >> shift) as u16
}

fn decode(encoded: u16) -> Duration {
    let (shift, digits) = (encoded >> DIGITS, encoded & ((1 << DIGITS) - 1));
    Duration::from_micros(u64::from(digits) << shift)
}

const DIGITS: u32 = 11;
/// What five bits of shift can hold, and some; over an hour.
const MICROS_MAX: u64 = (1 << (DIGITS + 31)) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(micros: impl IntoIterator<Item = u64>) -> LatencySketch {
        let mut sketch = LatencySketch::default();
        micros.into_iter().for_each(|micros| sketch.record(Duration::from_micros(micros)));
        sketch
    }

    #[test]
    fn percentiles_are_by_nearest_rank_over_the_last_hundred() {
        assert_eq!(of([]).percentile(0.5), None);
        for share in [0.0, 0.5, 1.0] {
            assert_eq!(of([7]).percentile(share), Some(Duration::from_micros(7)));
        }
        for (of, share, expected) in [
            (of(1..=100), 0.5, 50),
            (of(1..=100), 0.95, 95),
            (of(1..=100), 0.99, 99),
            (of((1..=100).rev()), 0.95, 95),
            (of(1..=10), 0.95, 10),
            (of(1..=1_000), 0.0, 901),
            (of(1..=1_000), 0.5, 950),
            (of((0..1_000).map(|at| u64::from(at < 900))), 1.0, 0),
        ] {
            assert_eq!(of.percentile(share), Some(Duration::from_micros(expected)), "{share}");
        }
    }

    #[test]
    fn durations_keep_their_order_and_eleven_digits() {
        let mut last = (0, Duration::ZERO);
        let mut micros = 1u64;
        while micros < MICROS_MAX {
            let took = Duration::from_micros(micros);
            let encoded = encode(took);
            let decoded = decode(encoded);
            assert!(decoded <= took && took - decoded <= took / 1_024, "{took:?} {decoded:?}");
            assert!(encoded >= last.0 && decoded >= last.1);
            last = (encoded, decoded);
            micros += micros / 100 + 1;
        }
        assert_eq!(encode(Duration::MAX), encode(Duration::from_micros(MICROS_MAX)));
    }

    #[test]
    fn a_sketch_is_small_and_an_empty_one_smaller() {
        let full = of(0..1_000);
        let octets = size_of::<LatencySketch>() + full.recent.capacity() * size_of::<u16>();
        assert!(octets <= 256, "{octets}");
        assert_eq!(LatencySketch::default().recent.capacity(), 0);
    }
}
