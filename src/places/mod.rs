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
