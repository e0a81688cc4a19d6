//! What is written in files, as the account shows it: zones, checks and collections that the API lists and never changes.
//!
//! Invariant: an id is the same as long as what it names has the same name, whatever else the files say.
//! Sources: Route 53 API 2013-04-01; `control::state` for what files become.

use std::collections::BTreeMap;
use std::hash::Hasher;
use std::mem;
use std::sync::Arc;

use jiff::Timestamp;
use siphasher::sip128::{Hasher128, SipHasher24};

use super::Account;
use super::entities::{Alarm, Check, CheckConfig, Collection};
use super::zone::{FileSays, Zone, ZoneRecord};
use crate::control::state::State;
use crate::health::check::{CheckKind, EndpointCheck, HealthCheck, TargetHost};
use crate::health::protocol::Protocol;
use crate::health::protocol::http::Search;
use crate::health::signal::{Insufficient, SignalCheck, SignalSource};
use crate::places::cidr::CidrCollection;
use crate::route53::name::show_name;
use crate::route53::records::of_file;
use crate::wire::rtype::RecordType;
use crate::zone::hosted_zone::HostedZone;

impl Account {
    /// Makes what the files say now the files' part of the account.
    pub fn adopt_files(&mut self, state: &State) {
        let is_of_file = |zone: &Arc<Zone>| zone.record.file.is_some();
        let (before, own) = mem::take(&mut self.zones).into_iter().partition(|(_, zone)| is_of_file(zone));
        self.zones = own;
        self.checks.retain(|_, check| check.file.is_none());
        self.collections.retain(|_, collection| collection.file.is_none());
        for hosted in &state.zones {
            let (id, zone) = self::zone(hosted, state, &before);
            self.zones.insert(id, zone);
        }
        let file = state.zones.first().and_then(|zone| zone.files.first()).map_or("a zone file", |file| file);
        for check in state.checks.values() {
            self.checks.insert(check.id.as_str().to_owned(), Arc::new(self::check(check, file)));
        }
        for (id, blocks) in &state.collections {
            self.collections.insert(id.as_str().to_owned(), Arc::new(collection(id.as_str(), blocks, file)));
        }
    }
}

/// A zone and its id: one of those `before`, if it still says the same.
fn zone(hosted: &Arc<HostedZone>, state: &State, before: &BTreeMap<String, Arc<Zone>>) -> (String, Arc<Zone>) {
    let name = show_name(&hosted.name);
    let id = zone_id(&name);
    let packed = state.let_go.get(&hosted.name).and_then(|let_go| let_go.said.clone());
    if let (Some(packed), Some(before)) = (&packed, before.get(&id))
        && before.shows(packed)
    {
        return (id, before.clone());
    }
    let said = packed.map_or_else(|| FileSays::Whole(hosted.clone()), FileSays::Packed);
    let record = record(id.clone(), name, hosted, &said);
    (id, Arc::new(Zone::of_file(Arc::new(record), said)))
}

fn record(id: String, name: String, hosted: &HostedZone, said: &FileSays) -> ZoneRecord {
    let file = hosted.files.first().map_or_else(String::new, |file| file.to_string());
    let ns = said.sets().find(|set| set.rtype == RecordType::NS && set.name == hosted.name);
    let name_servers = ns.map(|set| of_file::rrset(&set, &id).said.values);
    ZoneRecord {
        id,
        caller_reference: name.clone(),
        name,
        comment: Some(format!("written in the file {file}").chars().take(COMMENT_MAX).collect()),
        private: false,
        delegation_set: None,
        name_servers: name_servers.unwrap_or_default(),
        vpcs: Vec::new(),
        vpc_authorizations: Vec::new(),
        accelerated_recovery: false,
        tags: BTreeMap::new(),
        is_signing: false,
        signing_keys: Vec::new(),
        protections: Vec::new(),
        created_at: Timestamp::UNIX_EPOCH,
        file: Some(file),
    }
}

/// An id of Route 53's form that follows from the zone's name.
fn zone_id(name: &str) -> String {
    let mut hasher = SipHasher24::new_with_key(b"waypost zone id.");
    hasher.write(name.as_bytes());
    super::id('Z', hasher.finish128().as_u128())
}

fn check(check: &HealthCheck, file: &str) -> Check {
    Check {
        id: check.id.as_str().to_owned(),
        caller_reference: check.id.as_str().to_owned(),
        version: 1,
        config: config(check),
        tags: BTreeMap::new(),
        file: Some(file.to_owned()),
    }
}

/// The check as the API would have been told of it, as far as Route 53 has words for it.
pub fn config(check: &HealthCheck) -> CheckConfig {
    let config = match &check.kind {
        CheckKind::Endpoint(endpoint) => config_of(endpoint),
        CheckKind::Calculated { children, health_threshold } => CheckConfig {
            kind: "CALCULATED".to_owned(),
            child_health_checks: children.iter().map(|child| child.as_str().to_owned()).collect(),
            health_threshold: Some(*health_threshold),
            ..CheckConfig::default()
        },
        CheckKind::Signal(signal) => config_of_signal(check, signal),
    };
    CheckConfig { inverted: check.inverted, disabled: check.disabled, ..config }
}

/// Whether nothing that Route 53 checks comes near to what is asked.
pub fn has_no_likeness(protocol: &Protocol) -> bool {
    matches!(protocol, Protocol::Icmp | Protocol::Command(_))
}

/// The kinds that Route 53 does not have are shown as the TCP check of the same port. Of what has no port, nothing can be
/// said in its words: it is shown as a calculated check of no children.
/// One that nothing but waypost tells is shown as an alarm of the check's own name.
fn config_of_signal(check: &HealthCheck, signal: &SignalCheck) -> CheckConfig {
    let insufficient = match signal.insufficient {
        Insufficient::Healthy => "Healthy",
        Insufficient::Unhealthy => "Unhealthy",
        Insufficient::LastKnown => "LastKnownStatus",
    };
    let of_alarm = |region: &str, name: &str| CheckConfig {
        kind: "CLOUDWATCH_METRIC".to_owned(),
        alarm: Some(Alarm { region: region.to_owned(), name: name.to_owned() }),
        insufficient_data_health_status: Some(insufficient.to_owned()),
        ..CheckConfig::default()
    };
    match &signal.source {
        SignalSource::Check => of_alarm("us-east-1", check.id.as_str()),
        SignalSource::Alarm { region, name } => of_alarm(region, name),
        SignalSource::Control(arn) => CheckConfig {
            kind: "RECOVERY_CONTROL".to_owned(),
            routing_control_arn: Some(arn.to_string()),
            ..CheckConfig::default()
        },
    }
}

fn config_of(endpoint: &EndpointCheck) -> CheckConfig {
    if has_no_likeness(&endpoint.protocol) {
        return CheckConfig { kind: "CALCULATED".to_owned(), health_threshold: Some(0), ..CheckConfig::default() };
    }
    let (request, server_name) = match &endpoint.protocol {
        Protocol::Http(request) => (Some(request), None),
        Protocol::Https(request, tls) => (Some(request), Some(&tls.server_name)),
        _ => (None, None),
    };
    let search = request.and_then(|request| match &request.search {
        Some(Search::Text(text)) => Some(text.clone()),
        _ => None,
    });
    let kind = match (request, server_name, &search) {
        (None, ..) => "TCP",
        (_, None, None) => "HTTP",
        (_, None, Some(_)) => "HTTP_STR_MATCH",
        (_, Some(_), None) => "HTTPS",
        (_, Some(_), Some(_)) => "HTTPS_STR_MATCH",
    };
    let (ip_address, name) = match &endpoint.target.host {
        TargetHost::Address(address) => (Some(address.to_string()), None),
        TargetHost::Name(name) => (None, Some(name.clone())),
    };
    let said_host = request.map(|request| request.host.rsplit_once(':').map_or(&*request.host, |(host, _)| host).to_owned());
    CheckConfig {
        fully_qualified_domain_name: name.or(said_host.filter(|host| Some(host) != ip_address.as_ref())),
        ip_address,
        port: Some(endpoint.target.port),
        kind: kind.to_owned(),
        resource_path: request.map(|request| request.path.clone()),
        search_string: search,
        request_interval: Some(endpoint.timing.interval.as_secs().max(1) as u32),
        failure_threshold: Some(endpoint.timing.thresholds.fall.get()),
        measure_latency: Some(false),
        enable_sni: Some(server_name.is_some_and(|name| name.is_some())),
        ..CheckConfig::default()
    }
}

fn collection(id: &str, blocks: &CidrCollection, file: &str) -> Collection {
    let mut locations: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (block, location) in blocks.blocks() {
        locations.entry(location.as_str().to_owned()).or_default().push(block.to_string());
    }
    let (id, file) = (id.to_owned(), Some(file.to_owned()));
    Collection { name: id.clone(), caller_reference: id.clone(), id, version: 1, locations, file }
}

/// Route 53's longest comment, in characters.
const COMMENT_MAX: usize = 256;
