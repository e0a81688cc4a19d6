//! Which probe is due next.
//!
//! Neither waits nor probes: the runner asks, sleeps and tells when a probe has ended. Time is the duration since the
//! runner's start, chance is a draw. Invariants: a check is waiting or being probed, never both; a check that is not
//! scheduled is never due. Source: Route 53 API reference, `RequestInterval`: it counts from the response to the next
//! request, so a slow endpoint is probed less often and never twice at a time. Where failures are confirmed it counts from
//! request to request, and a probe that takes longer is followed by the next at once.
//!
//! The heap holds stale entries after `replace`; they are told apart by the due time that the map holds and skipped.
//! Rejected: a timer wheel (the heap costs under a microsecond at 100,000 checks) and a task per check (memory).

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use super::timing::{JITTER_PARTS, Pace};
use crate::ids::HealthCheckId;

/// The checks to be probed, and when.
#[derive(Debug, Default)]
pub struct Schedule {
    slots: HashMap<HealthCheckId, Slot>,
    due: BinaryHeap<Reverse<(Duration, HealthCheckId)>>,
}

#[derive(Debug)]
struct Slot {
    /// When the last probe began.
    began: Duration,
    /// None while a probe is under way.
    due: Option<Duration>,
}

impl Schedule {
    /// Schedules exactly `checks`: one that is scheduled already keeps its turn, unless `fresh` says that it is another
    /// check under an old name; new ones are spread evenly over a short time from `now`.
    pub fn replace(&mut self, checks: Vec<(HealthCheckId, Duration)>, now: Duration, fresh: impl Fn(&HealthCheckId) -> bool) {
        let mut old = std::mem::take(&mut self.slots);
        self.due.clear();
        let (kept, new): (Vec<_>, Vec<_>) = checks.into_iter().partition(|(id, _)| old.contains_key(id) && !fresh(id));
        for (id, interval) in kept {
            let Some(slot) = old.remove(&id) else { continue };
            let due = slot.due.map(|due| due.min(now + interval));
            self.put(id, Slot { due, ..slot });
        }
        let count = u32::try_from(new.len()).unwrap_or(u32::MAX);
        for (at, (id, interval)) in (0..count).zip(new) {
            let window = interval.min(START_SPACING * count);
            self.put(id, Slot { began: now, due: Some(now + window * at / count) });
        }
    }

    /// When the next probe is due; none when nothing waits.
    pub fn next_due(&mut self) -> Option<Duration> {
        while let Some(Reverse((due, id))) = self.due.peek() {
            if self.slots.get(id).is_some_and(|slot| slot.due == Some(*due)) {
                return Some(*due);
            }
            self.due.pop();
        }
        None
    }

    /// Takes a check that is due at `now`, to be probed; it is not due again before [`Schedule::finished`].
    pub fn take_due(&mut self, now: Duration) -> Option<HealthCheckId> {
        self.next_due().filter(|due| *due <= now)?;
        let Reverse((_, id)) = self.due.pop()?;
        let slot = self.slots.get_mut(&id)?;
        (slot.began, slot.due) = (now, None);
        Some(id)
    }

    /// The probe of `id` ended at `now`: the next is due as `pace` says, less the jitter that `draw` picks.
    pub fn finished(&mut self, id: &HealthCheckId, now: Duration, pace: Pace, draw: u64) {
        let Some(slot) = self.slots.get_mut(id).filter(|slot| slot.due.is_none()) else {
            return;
        };
        let due = match pace {
            Pace::AfterEnd(interval) => now + interval,
            Pace::AfterStart(interval) => now.max(slot.began + jittered(interval, draw)),
            Pace::Confirming(retry) => now.max(slot.began + retry),
        };
        slot.due = Some(due);
        self.due.push(Reverse((due, id.clone())));
    }

    fn put(&mut self, id: HealthCheckId, slot: Slot) {
        if let Some(due) = slot.due {
            self.due.push(Reverse((due, id.clone())));
        }
        self.slots.insert(id, slot);
    }
}

/// `interval` less up to 5 %, evenly, so that checks which started together drift apart.
fn jittered(interval: Duration, draw: u64) -> Duration {
    let span = interval / JITTER_PARTS;
    let part = (u128::from(draw) * span.as_nanos()) >> 64;
    interval - Duration::from_nanos(u64::try_from(part).expect("a part of a span that is one"))
}

/// The time between two first probes at start, when their intervals allow it: a thousand checks a second.
const START_SPACING: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> HealthCheckId {
        HealthCheckId::new(text).unwrap()
    }

    fn checks(count: usize, interval: Duration) -> Vec<(HealthCheckId, Duration)> {
        (0..count).map(|at| (id(&format!("{at:06}")), interval)).collect()
    }

    fn started(checks: Vec<(HealthCheckId, Duration)>) -> Schedule {
        let mut schedule = Schedule::default();
        schedule.replace(checks, Duration::ZERO, |_| false);
        schedule
    }

    const SECOND: Duration = Duration::from_secs(1);
    const NO_JITTER: u64 = 0;

    #[test]
    fn first_probes_are_spread_evenly() {
        for (count, interval, last_due) in
            [(1, SECOND, 0), (4, SECOND, 3_000), (1_000, SECOND, 999_000), (4_000, SECOND, 999_750), (4, SECOND / 500, 1_500)]
        {
            let mut schedule = started(checks(count, interval));
            let mut dues = Vec::new();
            while let Some(due) = schedule.next_due() {
                dues.push(due.as_micros());
                schedule.take_due(due).unwrap();
            }
            assert_eq!((dues.len(), dues[0], *dues.last().unwrap()), (count, 0, last_due), "{count} each {interval:?}");
            let steps: Vec<_> = dues.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!(steps.iter().max() == steps.iter().min(), "{count}: {steps:?}");
        }
    }

    #[test]
    fn the_interval_counts_from_the_end_of_a_probe() {
        let mut schedule = started(checks(1, SECOND));
        let taken = schedule.take_due(Duration::ZERO).unwrap();
        assert_eq!(schedule.next_due(), None);
        schedule.finished(&taken, SECOND * 7, Pace::AfterEnd(SECOND), NO_JITTER);
        assert_eq!(schedule.next_due(), Some(SECOND * 8));
    }

    #[test]
    fn confirmations_and_their_intervals_count_from_the_start_of_a_probe_which_no_other_overlaps() {
        let retry = SECOND / 4;
        for (pace, took, due) in [
            (Pace::Confirming(retry), Duration::ZERO, retry),
            (Pace::Confirming(retry), retry / 2, retry),
            (Pace::Confirming(retry), SECOND, SECOND),
            (Pace::AfterStart(SECOND), SECOND / 2, SECOND),
            (Pace::AfterStart(SECOND), SECOND * 3, SECOND * 3),
        ] {
            let mut schedule = started(checks(1, SECOND));
            let taken = schedule.take_due(Duration::ZERO).unwrap();
            schedule.finished(&taken, took, pace, NO_JITTER);
            assert_eq!(schedule.next_due(), Some(due), "{pace:?} after {took:?}");
        }
    }

    #[test]
    fn jitter_takes_at_most_five_percent_and_adds_nothing() {
        for (draw, millis) in [(0, 1_000), (1 << 63, 975), (u64::MAX, 950)] {
            assert_eq!(jittered(SECOND, draw).as_millis(), millis);
        }
        assert!(jittered(SECOND, u64::MAX) >= Pace::AfterStart(SECOND).least());
    }

    #[test]
    fn replacing_keeps_turns_adds_new_checks_and_drops_old_ones() {
        let mut schedule = started(vec![(id("gone"), SECOND), (id("kept"), SECOND)]);
        while let Some(taken) = schedule.take_due(SECOND) {
            schedule.finished(&taken, SECOND, Pace::AfterEnd(SECOND), NO_JITTER);
        }
        schedule.replace(vec![(id("kept"), SECOND), (id("new"), SECOND)], SECOND, |_| false);
        assert_eq!(schedule.take_due(SECOND), Some(id("new")));
        assert_eq!(schedule.take_due(SECOND * 2), Some(id("kept")));
        assert_eq!(schedule.take_due(SECOND * 99), None);
    }

    #[test]
    fn a_shorter_interval_takes_effect_at_once() {
        let mut schedule = started(vec![(id("a"), SECOND * 3_600)]);
        let taken = schedule.take_due(Duration::ZERO).unwrap();
        schedule.finished(&taken, Duration::ZERO, Pace::AfterEnd(SECOND * 3_600), NO_JITTER);
        schedule.replace(vec![(id("a"), SECOND)], SECOND, |_| false);
        assert_eq!(schedule.next_due(), Some(SECOND * 2));
    }

    #[test]
    fn a_check_replaced_while_probed_is_not_scheduled_twice() {
        let mut schedule = started(vec![(id("a"), SECOND)]);
        let taken = schedule.take_due(Duration::ZERO).unwrap();
        schedule.replace(vec![(id("a"), SECOND)], SECOND, |_| true);
        schedule.finished(&taken, SECOND, Pace::AfterEnd(SECOND), NO_JITTER);
        assert_eq!(schedule.take_due(SECOND), Some(id("a")));
        assert_eq!(schedule.next_due(), None);
    }

    #[test]
    fn a_hundred_thousand_checks_each_get_their_turn() {
        let mut schedule = started(checks(100_000, SECOND * 10));
        let (mut now, mut taken, mut draw) = (Duration::ZERO, 0usize, 1u64);
        while let Some(due) = schedule.next_due().filter(|due| *due < SECOND * 30) {
            now = now.max(due);
            let id = schedule.take_due(now).unwrap();
            draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            schedule.finished(&id, now, Pace::AfterEnd(SECOND * 10), draw);
            taken += 1;
        }
        assert!((300_000..=320_000).contains(&taken), "{taken}");
    }
}
