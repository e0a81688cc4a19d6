//! Who asks, and from where: resolver address or ECS subnet, and which member of a group is best for it.
//!
//! Knows no zone and no health. Invariant: the subnet that a resolver sent on behalf of its client is never taken for
//! the resolver's own address, nor the other way round.
//! Sources: RFC 7871; Route 53 developer guide, "How Route 53 uses EDNS0 to estimate the location of a user".

use std::sync::Arc;

use database::Database;
use latency::LatencyTable;

pub mod cidr;
pub mod client;
pub mod database;
pub mod latency;
pub mod map;
pub mod maps;
mod nested;
mod numbered;
mod ranges;
pub mod rules;

/// What is known of clients: what maps are made of.
#[derive(Clone, Debug, Default)]
pub struct Places {
    pub database: Option<Arc<Database>>,
    pub latency: Option<Arc<LatencyTable>>,
    /// By how much less a member's latency must be before it takes another's place in an order.
    pub margin_micros: u32,
}

impl Places {
    /// Whether these are the very same tables.
    pub fn is_same(&self, other: &Self) -> bool {
        let same_database = match (&self.database, &other.database) {
            (Some(own), Some(other)) => Arc::ptr_eq(own, other),
            (own, other) => own.is_none() && other.is_none(),
        };
        let same_latency = match (&self.latency, &other.latency) {
            (Some(own), Some(other)) => Arc::ptr_eq(own, other),
            (own, other) => own.is_none() && other.is_none(),
        };
        same_database && same_latency && self.margin_micros == other.margin_micros
    }
}
