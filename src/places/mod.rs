//! Who asks, and from where: resolver address or ECS subnet, and which member of a group is best for it.
//!
//! Knows no zone and no health. Invariant: the subnet that a resolver sent on behalf of its client is never taken for
//! the resolver's own address, nor the other way round.
//! Sources: RFC 7871; Route 53 developer guide, "How Route 53 uses EDNS0 to estimate the location of a user".

pub mod cidr;
pub mod client;
pub mod rules;
