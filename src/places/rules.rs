//! What a record group's order of members depends on, once its client is known.
//!
//! Plain data: a group's policy with what each member says for itself, in the order of the members.
//! Groups with equal rules share one map. Source: Route 53 developer guide, "Choosing a routing policy".

use std::sync::Arc;

use super::cidr::CidrCollection;
use crate::geography::area::Area;
use crate::geography::coordinates::Coordinates;
use crate::geography::site::{Bias, Site};
use crate::ids::{CollectionId, LocationName};

/// The rules of one group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rules {
    /// The areas, from the smallest that holds the client to the widest.
    Geolocation(Vec<Area>),
    /// Measured latency to the region, else the distance to its coordinates.
    Latency(Vec<Site>),
    /// The biased distance.
    Geoproximity(Vec<(Coordinates, Bias)>),
    /// The location of the longest block that holds the client, then of the shorter ones, then the default (none).
    IpBased { id: CollectionId, collection: Arc<CidrCollection>, locations: Vec<Option<LocationName>> },
}
