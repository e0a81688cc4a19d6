//! CIDR collections: named locations, each of some blocks of addresses.
//!
//! Invariant: no block belongs to two locations. Source: Route 53 API reference, `CidrCollection`.

use std::collections::BTreeMap;

use ipnet::IpNet;

use crate::ids::LocationName;

/// A collection: blocks and the location each belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CidrCollection {
    /// Blocks with their host bits 0.
    pub blocks: BTreeMap<IpNet, LocationName>,
}
