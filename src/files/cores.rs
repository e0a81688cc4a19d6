//! The machine's cores, doing jobs side by side.
//!
//! Knows nothing of what the jobs are. Invariant: as many threads as there are cores to have, and no more than jobs; all have
//! ended when the jobs are done.

use std::iter::Enumerate;
use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::vec::IntoIter;

use crate::jobs::DoJobs;

/// Does each job on the first core that has time for it.
#[derive(Clone, Copy, Debug)]
pub struct OnAllCores;

impl DoJobs for OnAllCores {
    fn map<I: Send, T: Send>(&self, items: Vec<I>, job: impl Fn(I) -> T + Sync) -> Vec<T> {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(items.len());
        let queue = Mutex::new(items.into_iter().enumerate());
        let mut done: Vec<(usize, T)> = Vec::new();
        thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(|| do_some(&queue, &job))).collect();
            done = do_some(&queue, &job);
            for other in others {
                done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
            }
        });
        done.sort_by_key(|(at, _)| *at);
        done.into_iter().map(|(_, made)| made).collect()
    }
}

/// Does jobs from the queue until it is empty.
fn do_some<I, T>(queue: &Mutex<Enumerate<IntoIter<I>>>, job: &impl Fn(I) -> T) -> Vec<(usize, T)> {
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    std::iter::from_fn(|| next().map(|(at, item)| (at, job(item)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::InTurn;

    #[test]
    fn what_comes_of_jobs_does_not_depend_on_who_does_them() {
        for len in [0, 1, 2, 3, 1_000] {
            let squares = |item: u64| item * item;
            let items: Vec<u64> = (0..len).collect();
            assert_eq!(OnAllCores.map(items.clone(), squares), InTurn.map(items, squares));
        }
    }
}
