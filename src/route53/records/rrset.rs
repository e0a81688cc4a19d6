//! One record set: as it was said, which is what lists and deletions go by, and as the zone takes it.
//!
//! Knows no other record set. Invariant: `set` is what `said` means, and `said.name` is as shown.
//! Source: Route 53 API 2013-04-01, `ResourceRecordSet`; developer guide, "Choosing a routing policy".

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::places::{area, geoproximity, site};
use crate::ids::{CollectionId, HealthCheckId, LocationName, SetIdentifier};
use crate::route53::name::{NameKey, parse_name, show_name};
use crate::route53::values::{canonical, parse_value};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::record_set::{Alias, CidrLocation, Content, Origin, RdataList, RecordSet, RoutingPolicy, Ttl, Weight};

/// A record set of the account.
#[derive(Clone, Debug, PartialEq)]
pub struct Rrset {
    pub said: Said,
    pub set: RecordSet,
}

/// Where a record set stands in its zone, and what names it there: name, type and set identifier, in the order of the
/// API's lists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RrsetKey {
    pub name: NameKey,
    pub rtype: TypeKey,
    pub set_identifier: Option<SetIdentifier>,
}

/// A type, in the order of its mnemonic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeKey(pub RecordType);

/// The fields of Route 53's `ResourceRecordSet`; absent ones are none or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Said {
    /// As shown: in lower case, escaped, with its final dot.
    pub name: String,
    /// `A`, …
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_identifier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geo_location: Option<GeoLocation>,
    /// `PRIMARY` or `SECONDARY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failover: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_value_answer: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
    /// As they were sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias_target: Option<AliasTarget>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic_policy_instance_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cidr_routing_config: Option<CidrRoutingConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geo_proximity_location: Option<GeoProximityLocation>,
}

/// Route 53's `GeoLocation`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeoLocation {
    pub continent_code: Option<String>,
    /// `*` is the default location.
    pub country_code: Option<String>,
    pub subdivision_code: Option<String>,
}

/// Route 53's `AliasTarget`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasTarget {
    /// Bare.
    pub hosted_zone_id: String,
    /// As shown.
    pub dns_name: String,
    pub evaluate_target_health: bool,
}

/// Route 53's `CidrRoutingConfig`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CidrRoutingConfig {
    pub collection_id: String,
    /// `*` is the default location.
    pub location_name: String,
}

/// Route 53's `GeoProximityLocation`: one of a region, a local zone group and coordinates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeoProximityLocation {
    pub aws_region: Option<String>,
    pub local_zone_group: Option<String>,
    /// Latitude and longitude, as they were sent.
    pub coordinates: Option<(String, String)>,
    pub bias: Option<i8>,
}

/// What of a record set has no meaning, each in Route 53's words where they are known; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidRrset(pub Vec<String>);

impl Rrset {
    /// The record set that `said` means, its names as they are shown; the shape rules have been seen to.
    ///
    /// # Errors
    /// Every name, value and code that has no meaning.
    pub fn new(mut said: Said) -> Result<Self, InvalidRrset> {
        let mut wrong = Vec::new();
        let name = keep(parse_name(&said.name), &mut wrong);
        let rtype: Option<RecordType> = keep(said.kind.parse(), &mut wrong);
        let content = rtype.and_then(|rtype| content(&said, rtype, &mut wrong));
        let policy = keep(policy(&said), &mut wrong);
        let set_identifier = keep(id(said.set_identifier.as_deref(), SetIdentifier::new), &mut wrong);
        let health_check = keep(id(said.health_check_id.as_deref(), HealthCheckId::new), &mut wrong);
        let (Some(name), Some(rtype), Some(content), Some(policy), Some(set_identifier), Some(health_check)) =
            (name, rtype, content, policy, set_identifier, health_check)
        else {
            return Err(InvalidRrset(wrong));
        };
        said.name = show_name(&name);
        if let (Some(alias), Content::Alias(target)) = (&mut said.alias_target, &content) {
            alias.dns_name = show_name(&target.target);
        }
        let set =
            RecordSet { name, rtype, set_identifier, policy, content, health_check, place: None, origin: Origin::default() };
        Ok(Self { said, set })
    }

    pub fn key(&self) -> RrsetKey {
        RrsetKey::new(&self.set.name, self.set.rtype, self.set.set_identifier.clone())
    }

    /// Whether both say the same, in whatever order, case and notation of names and addresses: what a deletion asks.
    pub fn is_same(&self, other: &Self) -> bool {
        if self.said.traffic_policy_instance_id.is_some() || other.said.traffic_policy_instance_id.is_some() {
            return self.key() == other.key() && self.said.traffic_policy_instance_id == other.said.traffic_policy_instance_id;
        }
        let zone = |rrset: &Self| rrset.said.alias_target.as_ref().map(|alias| alias.hosted_zone_id.clone());
        self.key() == other.key()
            && self.set.policy == other.set.policy
            && self.set.health_check == other.set.health_check
            && zone(self) == zone(other)
            && is_same_content(self, other)
    }
}

fn is_same_content(one: &Rrset, other: &Rrset) -> bool {
    match (&one.set.content, &other.set.content) {
        (Content::Values { ttl, rdata }, Content::Values { ttl: other_ttl, rdata: other_rdata }) => {
            let sorted = |rdata: &RdataList| {
                let mut values: Vec<Vec<u8>> = rdata.iter().map(|rdata| canonical(one.set.rtype, rdata)).collect();
                values.sort_unstable();
                values
            };
            ttl == other_ttl && sorted(rdata) == sorted(other_rdata)
        }
        (one, other) => one == other,
    }
}

/// The value, or none and one message more.
fn keep<T>(read: Result<T, impl ToString>, wrong: &mut Vec<String>) -> Option<T> {
    read.map_err(|error| wrong.push(error.to_string())).ok()
}

impl RrsetKey {
    pub fn new(name: &Name, rtype: RecordType, set_identifier: Option<SetIdentifier>) -> Self {
        Self { name: NameKey::new(name), rtype: TypeKey(rtype), set_identifier }
    }
}

impl fmt::Display for InvalidRrset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

impl std::error::Error for InvalidRrset {}

/// `com.example.www. A blue`: the name reversed, as it is ordered.
impl fmt::Display for RrsetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.rtype.0)?;
        self.set_identifier.iter().try_for_each(|id| write!(f, " {}", id.as_str()))
    }
}

impl Ord for TypeKey {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0.mnemonic(), self.0.0).cmp(&(other.0.mnemonic(), other.0.0))
    }
}

impl TypeKey {
    /// Before every type.
    pub const FIRST: Self = Self(RecordType(0));
}

impl PartialOrd for TypeKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn id<I, E: ToString>(text: Option<&str>, new: impl Fn(&str) -> Result<I, E>) -> Result<Option<I>, String> {
    text.map(|text| new(text).map_err(|error| error.to_string())).transpose()
}

fn content(said: &Said, rtype: RecordType, wrong: &mut Vec<String>) -> Option<Content> {
    if let Some(alias) = &said.alias_target {
        let target = keep(parse_name(&alias.dns_name), wrong)?;
        return Some(Content::Alias(Box::new(Alias { target, evaluate_target_health: alias.evaluate_target_health })));
    }
    let ttl = keep(Ttl::new(said.ttl.unwrap_or_default().into()), wrong);
    let rdata: Vec<Vec<u8>> = said.values.iter().filter_map(|value| keep(parse_value(rtype, value), wrong)).collect();
    Some(Content::Values { ttl: ttl?, rdata: (rdata.len() == said.values.len()).then(|| RdataList::new(rdata))? })
}

fn policy(said: &Said) -> Result<RoutingPolicy, String> {
    if let Some(weight) = said.weight {
        return Weight::new(weight.into()).map(RoutingPolicy::Weighted).map_err(|error| error.to_string());
    }
    if let Some(failover) = &said.failover {
        return Ok(RoutingPolicy::Failover(u16::from(failover != "PRIMARY")));
    }
    if let Some(region) = &said.region {
        return Ok(RoutingPolicy::Latency(Box::new(site(region)?)));
    }
    if let Some(geo) = &said.geo_location {
        return area(geo).map(RoutingPolicy::Geolocation);
    }
    if let Some(proximity) = &said.geo_proximity_location {
        return geoproximity(proximity);
    }
    if let Some(cidr) = &said.cidr_routing_config {
        return ip_based(cidr);
    }
    match said.multi_value_answer {
        Some(true) => Ok(RoutingPolicy::Multivalue),
        _ => Ok(RoutingPolicy::Simple),
    }
}

fn ip_based(cidr: &CidrRoutingConfig) -> Result<RoutingPolicy, String> {
    let collection = CollectionId::new(&cidr.collection_id).map_err(|error| error.to_string())?;
    let location = match &*cidr.location_name {
        "*" => None,
        name => Some(LocationName::new(name).map_err(|error| error.to_string())?),
    };
    Ok(RoutingPolicy::IpBased(Box::new(CidrLocation { collection, location })))
}
