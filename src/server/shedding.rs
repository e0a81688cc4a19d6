//! When a worker can't keep up: how long queries wait, and whether the oldest of them are to be answered at all.
//!
//! Receives nothing, and reads no clock. A queue that is full is a queue of the oldest: the kernel drops what comes last, and by the
//! time that the first are answered nobody listens any more. So when what waits would take longer than askers wait,
//! `udp` receives all of it and answers the newest. `docs/decisions/shedding.md` has the numbers.
//! Invariant: without a backlog a full batch costs one reading of the clock, and any other nothing.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::mmsg::{BATCH, ReceiveQueue};
use crate::telemetry::events;

/// What one worker knows of how it keeps up.
#[derive(Debug)]
pub struct Backlog {
    shed_after: Option<Duration>,
    /// Since when every batch was full, and how many datagrams were answered meanwhile.
    window: Option<(Instant, u64)>,
    /// Batches that were not full, since the socket was last looked at.
    unlooked: u32,
}

/// What is to be done before a batch is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    NotNow,
    /// At what the kernel has dropped.
    Drops,
    /// At how much waits, too.
    Queue,
}

/// More waits than can be answered in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overload {
    /// Datagrams that wait, about.
    pub waiting: u64,
    /// How long the last of them would.
    pub wait: Duration,
}

impl Backlog {
    /// `shed_after` is how long a query may wait; none: as long as it takes.
    pub fn new(shed_after: Option<Duration>) -> Self {
        Self { shed_after, window: None, unlooked: 0 }
    }

    /// Takes note of a batch of so many that is about to be answered.
    #[inline]
    pub fn received(&mut self, datagrams: usize, now: impl FnOnce() -> Instant) -> Look {
        if datagrams == BATCH {
            return self.received_full(now());
        }
        // There was nothing left behind it.
        self.window = None;
        self.unlooked += 1;
        match self.unlooked {
            LOOK_AFTER => {
                self.unlooked = 0;
                Look::Drops
            }
            _ => Look::NotNow,
        }
    }

    fn received_full(&mut self, now: Instant) -> Look {
        let (since, answered) = self.window.get_or_insert((now, 0));
        if now - *since >= LOOK_EVERY {
            return Look::Queue;
        }
        *answered += BATCH as u64;
        Look::NotNow
    }

    /// Whether what waits would wait too long, at the pace of the window, which ends.
    pub fn overload(&mut self, queue: &ReceiveQueue, now: Instant) -> Option<Overload> {
        let (since, answered) = self.window.replace((now, BATCH as u64))?;
        let waiting = queue.datagrams();
        let wait_nanos = (now - since).as_nanos() * u128::from(waiting) / u128::from(answered.max(1));
        let wait = Duration::from_nanos(u64::try_from(wait_nanos).unwrap_or(u64::MAX));
        (wait > self.shed_after?).then_some(Overload { waiting, wait })
    }
}

/// The times of shedding of all workers, told as one.
#[derive(Debug, Default)]
pub struct Episodes {
    open: AtomicUsize,
    shed: AtomicU64,
    kernel_dropped: AtomicU64,
}

/// One worker's part in it, from the first that it sheds until it has shed none for a while.
#[derive(Debug, Default)]
pub struct Episode {
    last: Option<Instant>,
    shed: u64,
    kernel_dropped: u64,
}

impl Episode {
    /// So many were shed.
    pub fn shed(&mut self, shed: u64, overload: Overload, now: Instant, all: &Episodes) {
        if self.last.replace(now).is_none() && all.open.fetch_add(1, Ordering::Relaxed) == 0 {
            events::shedding_began(overload.waiting, overload.wait);
        }
        self.shed += shed;
    }

    /// So many were dropped by the kernel; that is told with what is shed.
    pub fn kernel_dropped(&mut self, dropped: u64) {
        if self.last.is_some() {
            self.kernel_dropped += dropped;
        }
    }

    /// Ends it when nothing was shed for `quiet`.
    pub fn end_after(&mut self, quiet: Duration, now: Instant, all: &Episodes) {
        if self.last.is_none_or(|last| now - last < quiet) {
            return;
        }
        let Self { shed, kernel_dropped, .. } = std::mem::take(self);
        all.shed.fetch_add(shed, Ordering::Relaxed);
        all.kernel_dropped.fetch_add(kernel_dropped, Ordering::Relaxed);
        if all.open.fetch_sub(1, Ordering::Relaxed) == 1 {
            events::shedding_ended(all.shed.swap(0, Ordering::Relaxed), all.kernel_dropped.swap(0, Ordering::Relaxed));
        }
    }
}

/// Without shedding for so long, the overload is over.
pub const QUIET: Duration = Duration::from_secs(10);
/// How often the queue is looked at while every batch is full: a system call, as long as a few answers take.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// After so many batches that were not full the kernel's drops are read all the same.
const LOOK_AFTER: u32 = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    /// Full batches at `pace` each, with so many octets waiting: at which of them it is an overload.
    fn overloads(shed_after: Option<Duration>, pace: Duration, octets: u32) -> Vec<u32> {
        let (mut backlog, began) = (Backlog::new(shed_after), Instant::now());
        let queue = ReceiveQueue { octets, limit: 8 << 20, dropped: 0 };
        let at = |batch: u32| began + pace * batch;
        let is_overload = |batch: &u32| {
            let look = backlog.received(BATCH, || at(*batch));
            look == Look::Queue && backlog.overload(&queue, at(*batch)).is_some()
        };
        (0..60).filter(is_overload).collect()
    }

    #[test]
    fn a_full_queue_that_is_soon_answered_is_no_overload() {
        // 300,000 a second: 8 MiB are 8,192 datagrams and more, 27 ms.
        let (half_a_second, full) = (Some(Duration::from_millis(500)), 8 << 20);
        assert!(overloads(half_a_second, Duration::from_micros(213), full).is_empty());
        // 10,000 a second: 0.8 s. The queue is looked at every second batch.
        let found = overloads(half_a_second, Duration::from_micros(6_400), full);
        assert!(found.len() >= 20 && found[0] == 2, "{found:?}");
        assert!(overloads(None, Duration::from_micros(6_400), full).is_empty());
        // The kernel gives memory back late: what may be empty is.
        assert!(overloads(half_a_second, Duration::from_micros(6_400), 2 << 20).is_empty());
    }

    #[test]
    fn time_without_queries_is_no_slow_answer() {
        let (mut backlog, began) = (Backlog::new(Some(Duration::from_millis(50))), Instant::now());
        let after = |secs| began + Duration::from_secs(secs);
        assert_eq!(backlog.received(BATCH, || began), Look::NotNow);
        assert_eq!(backlog.received(3, || unreachable!("no clock is read")), Look::NotNow);
        assert_eq!(backlog.received(BATCH, || after(9)), Look::NotNow);
    }

    #[test]
    fn drops_are_looked_at_now_and_then() {
        let mut backlog = Backlog::new(None);
        let looks = (0..10_000).filter(|_| backlog.received(1, Instant::now) == Look::Drops).count();
        assert_eq!(looks, 10_000 / LOOK_AFTER as usize);
    }

    #[test]
    fn several_workers_are_one_episode() {
        let (all, now, later) = (Episodes::default(), Instant::now(), Instant::now() + QUIET);
        let overload = Overload { waiting: 1, wait: Duration::from_secs(1) };
        let mut workers = [Episode::default(), Episode::default()];
        workers.iter_mut().for_each(|worker| worker.shed(5, overload, now, &all));
        assert_eq!(all.open.load(Ordering::Relaxed), 2);
        workers[0].end_after(QUIET, now, &all);
        assert_eq!(all.open.load(Ordering::Relaxed), 2, "not quiet yet");
        workers[0].end_after(QUIET, later, &all);
        assert_eq!((all.open.load(Ordering::Relaxed), all.shed.load(Ordering::Relaxed)), (1, 5));
        workers.iter_mut().for_each(|worker| worker.end_after(QUIET, later, &all));
        assert_eq!((all.open.load(Ordering::Relaxed), all.shed.load(Ordering::Relaxed)), (0, 0), "told, and begun anew");
    }
}
