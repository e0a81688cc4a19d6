//! The trees for scripts: the same facts as fields, named as in the zone files.
//!
//! Invariant: a field that says nothing is left out, but for times, where null means never.

use serde::Serialize;

use crate::control::branches::{Branch, Drawn, Group, LeadsTo, Tree};
use crate::control::failover_time::BranchTime;
use crate::geography::area::Area;
use crate::zone::group_options::{GroupOptions, MinHealthy, Share};
use crate::zone::record_set::RoutingPolicy;

#[derive(Debug, Serialize)]
pub(super) struct TreeReport {
    zone: String,
    types: Vec<String>,
    #[serde(flatten)]
    root: GroupReport,
}

#[derive(Debug, Serialize)]
struct GroupReport {
    name: String,
    policy: &'static str,
    #[serde(flatten)]
    options: OptionsReport,
    #[serde(flatten)]
    time: TimeReport,
    members: Vec<BranchReport>,
}

#[derive(Debug, Serialize)]
struct OptionsReport {
    #[serde(skip_serializing_if = "Option::is_none")]
    min_healthy: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_healthy_percent: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fence: Vec<AreaReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trickle_percent: Option<f64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    sticky: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest: Option<u8>,
}

#[derive(Debug, Serialize)]
struct TimeReport {
    detect_ms: Option<u128>,
    cache_ms: u128,
    total_ms: Option<u128>,
}

#[derive(Debug, Serialize)]
struct BranchReport {
    #[serde(skip_serializing_if = "Option::is_none")]
    set_identifier: Option<String>,
    #[serde(flatten)]
    part: PartReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    health_check: Option<String>,
    #[serde(flatten)]
    time: TimeReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<AliasReport>,
}

/// What a member says of its part in the decision.
#[derive(Debug, Default, Serialize)]
struct PartReport {
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<u8>,
    /// 0 is the primary.
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    /// Degrees north and east.
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<[f64; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bias: Option<i8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    area: Option<AreaReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cidr: Option<CidrReport>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum AreaReport {
    Default(bool),
    Continent(String),
    Country(String),
    /// `US-CA`
    Subdivision(String),
}

#[derive(Debug, Serialize)]
struct CidrReport {
    collection: String,
    /// None is for clients that no other member is for.
    location: Option<String>,
}

#[derive(Debug, Serialize)]
struct AliasReport {
    target: String,
    evaluate_target_health: bool,
    /// `here`, with its `group`; `above`; `plain`, where nothing is decided; or `outside` the zone.
    drawn: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<GroupReport>,
}

impl TreeReport {
    pub(super) fn of(tree: &Tree) -> Self {
        let types = tree.rtypes.iter().map(ToString::to_string).collect();
        Self { zone: tree.zone.to_string(), types, root: GroupReport::of(&tree.root) }
    }
}

impl GroupReport {
    fn of(group: &Group) -> Self {
        Self {
            name: group.name.to_string(),
            policy: group.policy,
            options: OptionsReport::of(&group.options),
            time: TimeReport::of(group.time),
            members: group.branches.iter().map(BranchReport::of).collect(),
        }
    }
}

impl OptionsReport {
    fn of(options: &GroupOptions) -> Self {
        let (min_healthy, min_healthy_percent) = match options.min_healthy {
            least if least == MinHealthy::default() => (None, None),
            MinHealthy::Count(count) => (Some(count), None),
            MinHealthy::Share(share) => (None, Some(share.percent())),
        };
        Self {
            min_healthy,
            min_healthy_percent,
            fence: options.fence.iter().map(AreaReport::of).collect(),
            trickle_percent: (options.trickle != Share::default()).then(|| options.trickle.percent()),
            sticky: options.sticky,
            nearest: (options.nearest > 1).then_some(options.nearest),
        }
    }
}

impl TimeReport {
    fn of(time: BranchTime) -> Self {
        Self {
            detect_ms: time.detect.map(|detect| detect.as_millis()),
            cache_ms: time.cache.as_millis(),
            total_ms: time.total().map(|total| total.as_millis()),
        }
    }
}

impl BranchReport {
    fn of(branch: &Branch) -> Self {
        Self {
            set_identifier: branch.set_identifier.as_ref().map(|identifier| identifier.as_str().to_owned()),
            part: PartReport::of(&branch.policy),
            health_check: branch.health_check.as_ref().map(ToString::to_string),
            time: TimeReport::of(branch.time),
            alias: AliasReport::of(&branch.leads_to),
        }
    }
}

impl PartReport {
    fn of(policy: &RoutingPolicy) -> Self {
        let mut part = Self::default();
        match policy {
            RoutingPolicy::Simple | RoutingPolicy::Multivalue => {}
            RoutingPolicy::Weighted(weight) => part.weight = Some(weight.get()),
            RoutingPolicy::Failover(tier) => part.tier = Some(*tier),
            RoutingPolicy::Latency(site) => {
                part.region = site.region.as_ref().map(ToString::to_string);
                part.location = site.coordinates.map(|place| [place.north(), place.east()]);
            }
            RoutingPolicy::Geolocation(area) => part.area = Some(AreaReport::of(area)),
            RoutingPolicy::Geoproximity(place, bias) => {
                part.location = Some([place.north(), place.east()]);
                part.bias = Some(bias.percent());
            }
            RoutingPolicy::IpBased(cidr) => {
                let location = cidr.location.as_ref().map(ToString::to_string);
                part.cidr = Some(CidrReport { collection: cidr.collection.to_string(), location });
            }
        }
        part
    }
}

impl AreaReport {
    fn of(area: &Area) -> Self {
        match area {
            Area::Anywhere => Self::Default(true),
            Area::Continent(_) => Self::Continent(area.to_string()),
            Area::Country(_) => Self::Country(area.to_string()),
            Area::Subdivision(..) => Self::Subdivision(area.to_string()),
        }
    }
}

impl AliasReport {
    fn of(leads_to: &LeadsTo) -> Option<Self> {
        let LeadsTo::Alias { target, evaluate_target_health, drawn } = leads_to else { return None };
        let (drawn, group) = match drawn {
            Drawn::Plain => ("plain", None),
            Drawn::Here(group) => ("here", Some(GroupReport::of(group))),
            Drawn::Above => ("above", None),
            Drawn::Outside => ("outside", None),
        };
        Some(Self { target: target.to_string(), evaluate_target_health: *evaluate_target_health, drawn, group })
    }
}
