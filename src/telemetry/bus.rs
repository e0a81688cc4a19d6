//! The last events, and those who wait for the next.
//!
//! Writes to nobody: a reader comes for what it has not read, from a ring that holds the last [`EVENTS_KEPT`]. So publishing
//! costs the same whether nobody listens, or many, or one that never reads; who comes too late is told that events are
//! lost. Invariants: ids increase by one within a run, and those of a later run are greater; no memory grows with readers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;

use super::event::Event;
use super::lock;

/// Where events are published, and read.
#[derive(Debug, Default)]
pub struct EventBus {
    kept: Mutex<VecDeque<Arc<Told>>>,
    /// The id of the newest event; of the one before the first, at the start.
    newest: watch::Sender<u64>,
}

/// An event that was published.
#[derive(Debug, Serialize)]
pub struct Told {
    #[serde(skip)]
    pub id: u64,
    pub at: Timestamp,
    #[serde(flatten)]
    pub event: Event,
}

/// What a reader has not read yet.
#[derive(Debug)]
pub struct Unread {
    /// Oldest first.
    pub events: Vec<Arc<Told>>,
    /// There were others before these, which are not kept any more.
    pub lost: bool,
    /// The id of the newest event, after which the next reading begins.
    pub newest: u64,
}

/// Events that are kept for readers.
pub const EVENTS_KEPT: usize = 1_024;

impl EventBus {
    /// A bus whose ids follow those of any run that began earlier: a million a second are left for each.
    pub fn new(now: Timestamp) -> Self {
        let before_first = u64::try_from(now.as_second()).unwrap_or(0) * 1_000_000;
        Self { kept: Mutex::default(), newest: watch::Sender::new(before_first) }
    }

    /// Puts an event before all readers.
    pub fn publish(&self, at: Timestamp, event: Event) {
        let mut kept = lock(&self.kept);
        if kept.len() == EVENTS_KEPT {
            kept.pop_front();
        }
        let id = *self.newest.borrow() + 1;
        kept.push_back(Arc::new(Told { id, at, event }));
        // Within the lock: who hears of an id finds the event.
        self.newest.send_replace(id);
    }

    /// The id of the newest event.
    pub fn newest(&self) -> u64 {
        *self.newest.borrow()
    }

    /// The events after the one of that id. An id of an earlier run, or none of ours, is followed by all there are.
    pub fn after(&self, id: u64) -> Unread {
        let kept = lock(&self.kept);
        let newest = self.newest();
        let next = newest + 1;
        let oldest = next - kept.len() as u64;
        let from = if id < next { (id + 1).max(oldest) } else { oldest };
        // Nobody has read the event 0.
        let lost = id != 0 && from != id.saturating_add(1);
        Unread { events: kept.iter().skip((from - oldest) as usize).cloned().collect(), lost, newest }
    }

    /// Tells of each newest id.
    pub fn listen(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(by_ms: i64) -> Event {
        Event::ClockStepped { by_ms }
    }

    fn bus(events: i64) -> EventBus {
        let bus = EventBus::new(Timestamp::from_second(7).unwrap());
        (1..=events).for_each(|at| bus.publish(Timestamp::UNIX_EPOCH, event(at)));
        bus
    }

    /// The numbers of the first and the last event after `id`, how many there are, and whether any are lost.
    fn after(bus: &EventBus, id: u64) -> (Option<u64>, usize, bool) {
        let Unread { events, lost, newest } = bus.after(id);
        assert!(events.windows(2).all(|pair| pair[0].id + 1 == pair[1].id));
        assert!(events.last().is_none_or(|last| last.id == newest));
        (events.first().map(|first| first.id), events.len(), lost)
    }

    #[test]
    fn a_reader_goes_on_where_it_stopped_or_hears_that_events_are_lost() {
        let first = 7_000_001;
        for (events, id, expected) in [
            (0, 0, (None, 0, false)),
            (0, 7_000_000, (None, 0, false)),
            (3, 7_000_000, (Some(first), 3, false)),
            (3, 7_000_002, (Some(first + 2), 1, false)),
            (3, 7_000_003, (None, 0, false)),
            // From the beginning.
            (3, 0, (Some(first), 3, false)),
            (2_000, 0, (Some(first + 976), 1_024, false)),
            // Of an earlier run; of none.
            (3, 6_000_009, (Some(first), 3, true)),
            (3, 9_000_000, (Some(first), 3, true)),
            (3, u64::MAX, (Some(first), 3, true)),
            // Too late, and just not.
            (1_026, 7_000_001, (Some(first + 2), 1_024, true)),
            (1_026, 7_000_002, (Some(first + 2), 1_024, false)),
        ] {
            assert_eq!(after(&bus(events), id), expected, "{events} events, after {id}");
        }
    }

    #[test]
    fn readers_hear_of_what_they_find() {
        let bus = bus(0);
        let mut newest = bus.listen();
        bus.publish(Timestamp::UNIX_EPOCH, event(1));
        assert!(newest.has_changed().unwrap());
        let id = *newest.borrow_and_update();
        assert_eq!(bus.after(id - 1).events[0].event, event(1));
    }
}
