//! The desired state: hosted zones and health checks, whatever notation they came from.
//!
//! The one input of `build`; nothing behind it knows a notation. Invariant: every name, health check and alias
//! target that a record set refers to exists, and references form no loop (`check` has seen to it).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::health::check::HealthCheck;
use crate::ids::{CollectionId, HealthCheckId};
use crate::places::cidr::CidrCollection;
use crate::zone::hosted_zone::HostedZone;

/// All that is configured. Cloning shares every zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// In the order configured; no two have one name.
    pub zones: Vec<Arc<HostedZone>>,
    /// In the order of their ids, which is the order of their indices in every table.
    pub checks: BTreeMap<HealthCheckId, HealthCheck>,
    /// CIDR collections, which all zones share.
    pub collections: BTreeMap<CollectionId, Arc<CidrCollection>>,
}
