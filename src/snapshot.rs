//! What an answer may depend on, immutable and whole, and the one cell it is published in.
//!
//! Invariant: the indices held by the catalog's zones index this snapshot's tables and maps; a reader sees one
//! snapshot or the next, never parts of both, and never waits.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::health::table::HealthTable;
use crate::places::maps::ClientMaps;
use crate::zone::catalog::Catalog;
use crate::zone::external::Externals;

/// Everything that a query reads.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub catalog: Arc<Catalog>,
    pub health: Arc<HealthTable>,
    pub maps: Arc<ClientMaps>,
    pub externals: Arc<Externals>,
    /// Counts the changes of what answers go by since start; for logs and metrics.
    pub generation: u64,
}

/// The snapshot being served: loaded by readers, replaced by few writers, each of its part.
#[derive(Debug, Default)]
pub struct Published(ArcSwap<Snapshot>);

impl Published {
    pub fn new(first: Snapshot) -> Self {
        Self(ArcSwap::from_pointee(first))
    }

    /// The snapshot as of now.
    pub fn load(&self) -> arc_swap::Guard<Arc<Snapshot>> {
        self.0.load()
    }

    /// Replaces the snapshot by what `next` makes of it, or leaves it where that is none. Another writer may come first:
    /// then `next` is asked again, so that no change is lost.
    pub fn update(&self, mut next: impl FnMut(&Snapshot) -> Option<Snapshot>) {
        self.0.rcu(|now| next(now).map_or_else(|| now.clone(), Arc::new));
    }

    /// Replaces the snapshot; queries that are being answered finish with the old one.
    pub fn publish(&self, next: Snapshot) {
        self.0.store(Arc::new(next));
    }
}
