//! The zone files, read and checked side by side where there are several and the machine has cores for them.
//!
//! Judges nothing: `control::load` does. Invariant: what comes back, problems too, does not depend on how many threads read.

use std::iter::Enumerate;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::vec::IntoIter;

use crate::config::Files;
use crate::control::load::{ReadZone, join_zones, read_zone};
use crate::control::state::State;
use crate::problem::Problems;
use crate::zone::master::Source;

/// Reads all of `sources`, as `control::load::load_zones` does.
pub(super) fn load(sources: Vec<Source>, serial: u32) -> (Option<State>, Problems) {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(sources.len());
    let queue = Mutex::new(sources.into_iter().enumerate());
    let mut read: Vec<(usize, ReadZone)> = Vec::new();
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(|| read_some(&queue, serial))).collect();
        read = read_some(&queue, serial);
        for other in others {
            read.extend(other.join().expect("reading zones does not panic"));
        }
    });
    read.sort_by_key(|(at, _)| *at);
    join_zones(read.into_iter().map(|(_, zone)| zone).collect())
}

/// Reads from the queue until it is empty.
fn read_some(queue: &Mutex<Enumerate<IntoIter<Source>>>, serial: u32) -> Vec<(usize, ReadZone)> {
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    std::iter::from_fn(|| next().map(|(at, source)| (at, read_zone(source, &mut Files, serial)))).collect()
}
