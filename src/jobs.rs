//! Jobs that do not depend on each other, and who does them: one after the other, or on all cores.
//!
//! The core says what may be done side by side, and has no threads; an edge that has some hands them in (`files::cores`).
//! Invariant: what comes of the jobs stands in the order of their items, whoever did them and whenever.

/// Whoever does jobs.
pub trait DoJobs {
    /// What `job` makes of each of the items, in their order.
    fn map<I: Send, T: Send>(&self, items: Vec<I>, job: impl Fn(I) -> T + Sync) -> Vec<T>;
}

/// Does one job after the other.
#[derive(Clone, Copy, Debug)]
pub struct InTurn;

impl DoJobs for InTurn {
    fn map<I: Send, T: Send>(&self, items: Vec<I>, job: impl Fn(I) -> T + Sync) -> Vec<T> {
        items.into_iter().map(job).collect()
    }
}
