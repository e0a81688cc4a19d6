//! What an answer may depend on, immutable and whole, and the one cell it is published in.
//!
//! Invariant: the indices held by the catalog's zones index this snapshot's tables and maps; a reader sees one
//! snapshot or the next, never parts of both, and never waits.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::health::table::HealthTable;
use crate::places::maps::ClientMaps;
use crate::zone::catalog::Catalog;

/// Everything that a query reads.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub catalog: Arc<Catalog>,
    pub health: Arc<HealthTable>,
    pub maps: Arc<ClientMaps>,
    /// Counts the changes of what answers go by since start; for logs and metrics.
    pub generation: u64,
}

/// The snapshot being served: loaded by readers, replaced by one writer.
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

    /// Replaces the snapshot; queries that are being answered finish with the old one.
    pub fn publish(&self, next: Snapshot) {
        self.0.store(Arc::new(next));
    }
}
