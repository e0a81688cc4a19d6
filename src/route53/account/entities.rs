//! What the API keeps beside zones, as plain data: each is one record in the store.
//!
//! Invariant: an entity that exists was accepted by the operation that made it.
//! Source: Route 53 API 2013-04-01, the structures of the same names.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A health check: Route 53's `HealthCheck`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    pub id: String,
    pub caller_reference: String,
    /// From 1; each update adds one.
    pub version: u64,
    pub config: CheckConfig,
    pub tags: BTreeMap<String, String>,
    /// The file it is written in; none for those of the API.
    #[serde(skip)]
    pub file: Option<String>,
}

/// The caller reference of a health check that was deleted: it can't be used again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpentReference {
    pub reference: String,
    pub spent_at: Timestamp,
}

/// Route 53's `HealthCheckConfig`, with defaults filled in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckConfig {
    pub ip_address: Option<String>,
    pub port: Option<u16>,
    /// `HTTP`, `CALCULATED`, …
    pub kind: String,
    pub resource_path: Option<String>,
    pub fully_qualified_domain_name: Option<String>,
    pub search_string: Option<String>,
    /// Seconds.
    pub request_interval: Option<u32>,
    pub failure_threshold: Option<u8>,
    pub measure_latency: Option<bool>,
    pub inverted: bool,
    pub disabled: bool,
    pub health_threshold: Option<u32>,
    pub child_health_checks: Vec<String>,
    pub enable_sni: Option<bool>,
    pub regions: Vec<String>,
    pub alarm: Option<Alarm>,
    /// `Healthy`, `Unhealthy` or `LastKnownStatus`.
    pub insufficient_data_health_status: Option<String>,
    pub routing_control_arn: Option<String>,
}

/// Route 53's `AlarmIdentifier`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    pub region: String,
    pub name: String,
}

/// A CIDR collection: Route 53's `CidrCollection`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collection {
    pub id: String,
    pub name: String,
    pub caller_reference: String,
    /// From 1; each change adds one.
    pub version: u64,
    /// Each location's blocks, as their networks.
    pub locations: BTreeMap<String, Vec<String>>,
    /// The file it is written in; none for those of the API.
    #[serde(skip)]
    pub file: Option<String>,
}

/// One version of a traffic policy: Route 53's `TrafficPolicy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    pub id: String,
    pub version: u32,
    pub name: String,
    /// The type of the records that instances make: `A`, …
    pub kind: String,
    /// As it was sent.
    pub document: String,
    pub comment: Option<String>,
    pub created_at: Timestamp,
    /// A deleted version can be read but is not listed.
    pub deleted: bool,
}

/// A traffic policy made into records: Route 53's `TrafficPolicyInstance`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    pub id: String,
    pub zone: String,
    /// As shown, with its final dot.
    pub name: String,
    pub ttl: u32,
    pub policy: String,
    pub policy_version: u32,
    pub kind: String,
}

/// A reusable delegation set: Route 53's `DelegationSet` with an id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DelegationSet {
    pub id: String,
    pub caller_reference: String,
    pub name_servers: Vec<String>,
}

/// A query logging configuration: Route 53's `QueryLoggingConfig`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryLog {
    pub id: String,
    pub zone: String,
    pub log_group_arn: String,
}

impl QueryLog {
    /// The name of the log group in `arn:aws:logs:us-east-1:123456789012:log-group:NAME`; those of Route 53 are all there.
    pub fn log_group_of(arn: &str) -> Option<&str> {
        let mut parts = arn.splitn(7, ':');
        let mut next = || parts.next();
        let (arn, partition, service, region, account, kind) = (next()?, next()?, next()?, next()?, next()?, next()?);
        let name = next()?;
        let name = name.strip_suffix(":*").unwrap_or(name);
        let is_account = account.len() == 12 && account.bytes().all(|octet| octet.is_ascii_digit());
        let is_name = (1..=512).contains(&name.len())
            && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"_-/.#".contains(&octet));
        let is_arn = (arn, partition, service, region, kind) == ("arn", "aws", "logs", "us-east-1", "log-group");
        (is_arn && is_account && is_name).then_some(name)
    }
}

/// One accepted change, for those who ask whether it is live: it was when they were answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub id: String,
    pub submitted_at: Timestamp,
    /// The name of the zone that was changed, which may be gone; none where the account was.
    #[serde(default)]
    pub zone: Option<String>,
    pub comment: Option<String>,
}
