//! The buckets: one for each network and thing counted, in a table of fixed size.
//!
//! A bucket is one number, the time at which its next response would be due if responses came at the allowed pace: in the
//! past it has credit, at most a second's worth of responses; in the future it is in debt, at most the window. That is a
//! leaky bucket without a tick (the "virtual scheduling algorithm" of ITU-T I.371), and BIND's balance turned around.
//! Invariant: a debit reads and writes one cache line. Where a set is full, the bucket with most credit makes room, so that
//! whoever is in debt is the last to be forgotten.

use std::num::NonZeroUsize;
use std::time::Duration;

/// How a limit fills its buckets, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// From one response to the next.
    interval: u64,
    /// The credit saved up at most.
    credit: u64,
    /// The debt at most.
    debt: u64,
}

/// The table.
#[derive(Debug)]
pub(super) struct Buckets {
    sets: Box<[Set]>,
}

/// The buckets that one hash may lead to: one cache line.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Set([Bucket; WAYS]);

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    /// When its next response is due. 0, long ago: nobody's.
    due: u64,
    /// The half of the hash that did not lead here.
    tag: u32,
    /// How many responses in a row were over the limit.
    over: u32,
}

const WAYS: usize = 4;

impl Pace {
    /// That of one of `workers`; none for a rate of 0, which is no limit.
    ///
    /// A flood comes from random ports, and the kernel spreads it evenly: each worker lets through its share of the rate, and
    /// all together the rate. But the credit is whole for each: somebody who has one port is with one worker, and no
    /// burst of less than the rate is to be limited.
    pub fn new(per_second: u32, window: Duration, workers: NonZeroUsize) -> Option<Self> {
        let second = NANOS * workers.get() as u64;
        let interval = second.checked_div(per_second.into())?.max(1);
        let debt = u64::try_from(window.as_nanos()).unwrap_or(u64::MAX / 4).max(interval);
        Some(Self { interval, credit: interval * u64::from(per_second), debt })
    }
}

impl Buckets {
    /// At least `size` buckets.
    pub fn new(size: usize) -> Self {
        let sets = size.div_ceil(WAYS).next_power_of_two();
        Self { sets: vec![Set::default(); sets].into() }
    }

    /// Debits one response to the bucket of `hash`; how many in a row were over the limit, this one included.
    #[inline]
    pub fn debit(&mut self, hash: u64, pace: Pace, now: u64) -> u32 {
        let last = self.sets.len() - 1;
        let Set(buckets) = &mut self.sets[hash as usize & last];
        let tag = (hash >> 32) as u32;
        let bucket = match buckets.iter().position(|bucket| bucket.tag == tag) {
            Some(at) => &mut buckets[at],
            None => make_room(buckets, tag),
        };
        bucket.due = (bucket.due.max(now - pace.credit) + pace.interval).min(now + pace.debt);
        bucket.over = if bucket.due <= now { 0 } else { bucket.over.saturating_add(1) };
        bucket.over
    }
}

/// A new bucket in the place of the one that nobody is going to miss.
#[inline]
fn make_room(buckets: &mut [Bucket; WAYS], tag: u32) -> &mut Bucket {
    let mut least = 0;
    for at in 1..WAYS {
        if buckets[at].due < buckets[least].due {
            least = at;
        }
    }
    buckets[least] = Bucket { tag, ..Bucket::default() };
    &mut buckets[least]
}

const NANOS: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1 << 60;

    fn pace(per_second: u32, window_secs: u64) -> Pace {
        Pace::new(per_second, Duration::from_secs(window_secs), NonZeroUsize::MIN).unwrap()
    }

    #[test]
    fn a_set_is_a_cache_line() {
        assert_eq!((size_of::<Set>(), align_of::<Set>()), (64, 64));
    }

    #[test]
    fn a_second_of_responses_passes_and_then_so_many_as_time_brings() {
        let mut buckets = Buckets::new(4);
        let passed = |buckets: &mut Buckets, now, count| (0..count).filter(|_| buckets.debit(7, pace(5, 1), now) == 0).count();
        assert_eq!(passed(&mut buckets, NOW, 20), 5);
        // A second pays the debt of the window, and no more.
        assert_eq!(passed(&mut buckets, NOW + NANOS, 1), 0);
        assert_eq!(passed(&mut buckets, NOW + 4 * NANOS, 20), 5);
    }

    #[test]
    fn who_is_in_debt_is_forgotten_last() {
        let mut buckets = Buckets::new(WAYS);
        let debtor = 1 << 32;
        (0..9).for_each(|_| {
            buckets.debit(debtor, pace(5, 9), NOW);
        });
        for other in 2..1_000u64 {
            buckets.debit(other << 32, pace(5, 9), NOW + other);
        }
        assert_eq!(buckets.debit(debtor, pace(5, 9), NOW + 1_000), 5);
    }

    #[test]
    fn a_worker_has_its_share_of_the_rate_and_all_of_the_credit() {
        let shared = Pace::new(8, Duration::from_secs(1), NonZeroUsize::new(4).unwrap()).unwrap();
        let mut buckets = Buckets::new(4);
        assert_eq!((0..20).filter(|_| buckets.debit(7, shared, NOW) == 0).count(), 8);
        let mut buckets = Buckets::new(4);
        // Twice its share, for 100 seconds: 8 of credit, and 2 a second. Debt is what is over the limit: 0.5 s each.
        let passed = (0..400).filter(|at| buckets.debit(7, shared, NOW + at * NANOS / 4) == 0).count();
        assert!((15..=17).contains(&passed), "{passed}: the credit lasts twice as long as it would at once, then nothing passes");
    }
}
