//! The desired state: hosted zones and health checks, whatever notation they came from.
//!
//! The one input of `build`; nothing behind it knows a notation. Invariant: every name, health check and alias
//! target that a record set refers to exists, and references form no loop (`check` has seen to it).

use std::collections::BTreeMap;
use std::sync::Arc;

use ipnet::IpNet;

use super::let_go::LetGo;
use crate::health::brakes::BrakeRules;
use crate::health::check::{CheckKind, HealthCheck};
use crate::ids::{CollectionId, HealthCheckId};
use crate::places::cidr::CidrCollection;
use crate::wire::name::Name;
use crate::zone::catalog::LoggedAs;
use crate::zone::hosted_zone::HostedZone;
use crate::zone::parted::PartedZone;
use crate::zone::record_set::RoutingPolicy;

/// All that is configured. Cloning shares every zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// In the order configured; no two have one name.
    pub zones: Vec<Arc<HostedZone>>,
    /// Those of `zones` whose record sets were let go of, and by what they are known again.
    pub let_go: BTreeMap<Name, LetGo>,
    /// Those that change record set by record set: of the API. None has the name of one of `zones`.
    pub parted: Vec<Arc<PartedZone>>,
    /// In the order of their ids, which is the order of their indices in every table.
    pub checks: BTreeMap<HealthCheckId, HealthCheck>,
    /// What keeps automation from taking too much out of service.
    pub brakes: Arc<BrakeRules>,
    /// CIDR collections, which all zones share.
    pub collections: BTreeMap<CollectionId, Arc<CidrCollection>>,
    /// What clients of some networks see besides.
    pub views: Vec<View>,
    /// The zones whose queries are logged, by name; of `zones` and `parted`.
    pub logged: BTreeMap<Name, Arc<LoggedAs>>,
}

/// A network of clients, and the zones that only they see: Route 53's VPC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    pub region: String,
    pub id: String,
    pub networks: Vec<IpNet>,
    /// No two have one name; before a zone of that name which everybody sees.
    pub zones: Vec<Arc<HostedZone>>,
}

impl State {
    /// One zone alone, with the health checks and CIDR collections that it needs.
    pub fn of_zone(&self, zone: &Arc<HostedZone>) -> Self {
        let mut checks = BTreeMap::new();
        let mut needed: Vec<&HealthCheckId> = zone.record_sets.iter().filter_map(|set| set.health_check.as_ref()).collect();
        while let Some(id) = needed.pop() {
            let Some(check) = self.checks.get(id) else { continue };
            if checks.insert(id.clone(), check.clone()).is_none()
                && let CheckKind::Calculated { children, .. } = &check.kind
            {
                needed.extend(children);
            }
        }
        let named = zone.record_sets.iter().filter_map(|set| match &set.policy {
            RoutingPolicy::IpBased(cidr) => Some(&cidr.collection),
            _ => None,
        });
        let collections = named.filter_map(|id| Some((id.clone(), self.collections.get(id)?.clone()))).collect();
        Self { zones: vec![zone.clone()], checks, collections, ..Self::default() }
    }
}
