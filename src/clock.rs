//! The one file that reads a clock or a random source.
//!
//! Everything below the edges takes time and chance as arguments; the edges take them from here, so that what depends
//! on them can be found by looking at who calls this file. Under a paused tokio runtime [`monotonic`] is virtual time.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// The wall clock, for people: it may jump.
#[expect(clippy::disallowed_methods, reason = "the one place where the wall clock is read")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// A clock that never goes back, for measuring and waiting.
pub fn monotonic() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Wall-clock time that goes on evenly: a wall clock that is set moves it only when whoever uses it says so.
///
/// Between two readings lies what has passed, whatever became of the wall clock meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Steady {
    wall_at_start: Timestamp,
    began: Instant,
    /// Since when the wall clock has shown another time.
    off_since: Option<Instant>,
}

impl Steady {
    /// Now it is `wall`.
    pub fn starting(wall: Timestamp) -> Self {
        Self { wall_at_start: wall, began: monotonic(), off_since: None }
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(monotonic() - self.began).unwrap_or(SignedDuration::MAX);
        self.wall_at_start.checked_add(passed).unwrap_or(Timestamp::MAX)
    }

    /// Compares with the wall clock, to be done about once a second. When that has been ahead or behind by more than a
    /// second for two, follows it and returns by how much: every time read before is to be moved by that.
    pub fn follow(&mut self, wall: Timestamp) -> Option<SignedDuration> {
        let ahead = wall.duration_since(self.now());
        if ahead.unsigned_abs() <= STEADY_WITHIN {
            self.off_since = None;
            return None;
        }
        let off_since = *self.off_since.get_or_insert_with(monotonic);
        if monotonic() - off_since < FOLLOWS_AFTER {
            return None;
        }
        *self = Self::starting(wall);
        Some(ahead)
    }
}

/// What a wall clock that is slewed may be off by.
const STEADY_WITHIN: Duration = Duration::from_secs(1);
/// A clock that was set wrong for a moment is not followed.
const FOLLOWS_AFTER: Duration = Duration::from_secs(2);

/// Whole seconds since 1970-01-01T00:00:00Z, as cookies (RFC 9018 §4.3) and serials count them.
pub fn unix_secs() -> u64 {
    u64::try_from(now().as_second()).unwrap_or(0)
}

/// Octets that nobody can guess: secrets, seeds.
pub fn fill_random(octets: &mut [u8]) {
    // The kernel's source does not fail once it is seeded; without it there is no secret to be had. aws-lc's own, made of it,
    // measures the jitter of the clock first, for some 50 ms of every start.
    getrandom::fill(octets).expect("the system has a random source");
}

/// A number that nobody can guess.
pub fn random_u64() -> u64 {
    let mut octets = [0; 8];
    fill_random(&mut octets);
    u64::from_ne_bytes(octets)
}

/// The same, twice as long.
pub fn random_u128() -> u128 {
    let mut octets = [0; 16];
    fill_random(&mut octets);
    u128::from_le_bytes(octets)
}

/// Draws for one thread: fast and even, and no secret (wyrand).
///
/// Seeded from the system's source, then independent of it: a draw costs a multiplication.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// A sequence of its own.
    pub fn new() -> Self {
        Self(random_u64())
    }

    /// The sequence of `seed`, for those who must know it.
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// A sequence apart from this one.
    pub fn fork(&mut self) -> Self {
        Self(self.next())
    }

    /// The next draw, even over all 64 bits.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "an endless sequence; `Iterator` would make each draw an Option")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0xa076_1d64_78bd_642f);
        let product = u128::from(self.0) * u128::from(self.0 ^ 0xe703_7ed1_a0b4_28db);
        (product >> 64) as u64 ^ product as u64
    }
}

impl Default for Chance {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_even() {
        let mut chance = Chance(1);
        let mut counts = [0u32; 16];
        for _ in 0..160_000 {
            counts[(chance.next() >> 60) as usize] += 1;
        }
        // Twelve standard deviations of a binomial(160000, 1/16).
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 1_200), "{counts:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_steady_clock_follows_the_wall_clock_only_when_that_stays_away() {
        let start = Timestamp::from_second(1_000_000_000).unwrap();
        let mut steady = Steady::starting(start);
        let mut by_second = Vec::new();
        // How far the wall clock is ahead, by the second.
        for ahead in [0, 1, -1, 3_600, 0, 3_600, 3_600, 3_600, 3_600, 3_595, 3_595, 3_595] {
            tokio::time::advance(Duration::from_secs(1)).await;
            let elapsed = by_second.len() as i64 + 1;
            let wall = start + SignedDuration::from_secs(elapsed + ahead);
            by_second.push(steady.follow(wall).map_or(0, |by| by.as_secs()));
        }
        assert_eq!(by_second, [0, 0, 0, 0, 0, 0, 0, 3_600, 0, 0, 0, -5]);
        assert_eq!(steady.now(), start + SignedDuration::from_secs(12 + 3_595));
    }

    #[test]
    fn two_sequences_differ() {
        assert_ne!(Chance::new().next(), Chance::new().next());
    }
}
