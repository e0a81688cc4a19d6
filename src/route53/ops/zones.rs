//! Hosted zones: made, listed, commented, deleted.
//!
//! Sources: Route 53 API 2013-04-01, the operations of these names; developer guide, "NS and SOA records that Route 53
//! creates for a public hosted zone".

use std::collections::BTreeMap;
use std::sync::Arc;

use super::common::{page, page_size};
use super::vpcs::{check_free, valid_vpc};
use super::{Context, Done};
use crate::route53::account::edit::{Edit, Key, Record};
use crate::route53::account::zone::{Vpc, Zone, ZoneRecord};
use crate::route53::error::ApiError;
use crate::route53::name::{NameKey, parse_name, show_name};
use crate::route53::records::rrset::{Rrset, Said};
use crate::route53::request::bare;
use crate::route53::value::{Struct, Value};

/// Zones of one page at most.
const PAGE_MAX: usize = 100;
/// The TTL of a new zone's NS records, in seconds.
const NS_TTL: u32 = 172_800;
/// The TTL of a new zone's SOA record, in seconds.
const SOA_TTL: u32 = 900;

pub(super) fn create(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let name = zone_name(input.word("Name"), context)?;
    let reference = input.word("CallerReference");
    // Those of zones that the caller does not see are somebody else's.
    if context.zones().any(|zone| zone.record.caller_reference == reference) {
        let message = "A hosted zone has already been created with the specified caller reference.";
        return Err(ApiError::new("HostedZoneAlreadyExists", 409, message));
    }
    let config = input.structure("HostedZoneConfig");
    let vpc = input.structure("VPC").map(|_| valid_vpc(input, context)).transpose()?;
    vpc.iter().try_for_each(|vpc| check_free(&name, vpc, context))?;
    let record = ZoneRecord {
        id: context.new_id('Z'),
        name,
        caller_reference: reference.to_owned(),
        comment: config.and_then(|config| config.text("Comment")).filter(|text| !text.is_empty()).map(str::to_owned),
        private: vpc.is_some() || config.and_then(|config| config.flag("PrivateZone")) == Some(true),
        delegation_set: None,
        name_servers: context.settings.name_servers.clone(),
        vpcs: vpc.into_iter().collect(),
        vpc_authorizations: Vec::new(),
        accelerated_recovery: false,
        tags: BTreeMap::new(),
        is_signing: false,
        signing_keys: Vec::new(),
        protections: Vec::new(),
        created_at: context.now,
        file: None,
    };
    let record = delegated(record, input.text("DelegationSetId"), context)?;
    if record.private && record.vpcs.is_empty() {
        let message = "When you're creating a private hosted zone (when you specify true for PrivateZone), you must also specify values for VPCId and VPCRegion.";
        return Err(ApiError::invalid_input(message));
    }
    let (info, mut edits) = context.change(Some(&record), None);
    let (id, record) = (record.id.clone(), Arc::new(record));
    edits.push(Edit::Put(Record::Zone(record.clone())));
    for said in [ns(&record), soa(&record)] {
        let rrset = Arc::new(Rrset::new(said).map_err(|invalid| ApiError::internal(invalid.to_string()))?);
        edits.push(Edit::Put(Record::Rrset { zone: id.clone(), rrset }));
    }
    let output = Struct::new()
        .with("HostedZone", hosted_zone(&record, 2))
        .with("ChangeInfo", info)
        .with("DelegationSet", delegation_set(&record, context))
        .with_some("VPC", record.vpcs.first().map(vpc_value));
    Done::creating(format!("hostedzone/{id}"), output, edits)
}

/// The name of a new zone, as shown.
fn zone_name(said: &str, context: &Context<'_>) -> Result<String, ApiError> {
    let invalid = |message: String| ApiError::new("InvalidDomainName", 400, message);
    let name = parse_name(said).map_err(|fatal| invalid(fatal.to_string()))?;
    let shown = show_name(&name);
    let labels = name.labels().count();
    if labels == 0 || (labels == 1 && context.settings.rules.strict) {
        return Err(invalid(format!("{shown} is a top-level domain or the root, which can't be hosted.")));
    }
    if name.labels().next() == Some(b"*") {
        return Err(invalid(format!("{shown} begins with an asterisk, which a hosted zone can't.")));
    }
    let in_a_file = |zone: &&Arc<Zone>| zone.record.file.is_some() && zone.record.name == shown;
    match context.account.zones.values().find(in_a_file).and_then(|zone| zone.record.file.as_deref()) {
        Some(file) => {
            let message = format!("The zone {shown} is written in the file {file}, which answers for it.");
            Err(ApiError::new("ConflictingDomainExists", 400, message))
        }
        None => Ok(shown),
    }
}

/// The zone with the reusable delegation set that was asked for.
fn delegated(record: ZoneRecord, set: Option<&str>, context: &Context<'_>) -> Result<ZoneRecord, ApiError> {
    let Some(id) = set.map(bare).filter(|id| !id.is_empty()) else { return Ok(record) };
    let no_such = || ApiError::new("NoSuchDelegationSet", 400, format!("No delegation set found with ID: {id}"));
    let set = context.account.delegation_sets.get(id).ok_or_else(no_such)?;
    if record.private {
        return Err(ApiError::invalid_input("A private hosted zone can't have a reusable delegation set."));
    }
    let shares = |zone: &&Arc<Zone>| zone.record.delegation_set.as_deref() == Some(id);
    let overlaps = |zone: &Arc<Zone>| overlap(&zone.record.name, &record.name);
    if context.zones().filter(shares).any(overlaps) {
        let message = format!(
            "Cannot create hosted zone with DelegationSetId DelegationSetId:{id} as the DNSName {} conflicts with existing ones sharing the delegation set",
            record.name
        );
        return Err(ApiError::new("ConflictingDomainExists", 400, message));
    }
    Ok(ZoneRecord { delegation_set: Some(id.to_owned()), name_servers: set.name_servers.clone(), ..record })
}

/// Whether one of two names as shown is at or below the other.
fn overlap(one: &str, other: &str) -> bool {
    one == other || one.ends_with(&format!(".{other}")) || other.ends_with(&format!(".{one}"))
}

fn ns(zone: &ZoneRecord) -> Said {
    let (kind, ttl) = ("NS".to_owned(), Some(NS_TTL));
    let values = zone.name_servers.iter().map(|name| format!("{}.", name.trim_end_matches('.'))).collect();
    Said { name: zone.name.clone(), kind, ttl, values, ..Said::default() }
}

fn soa(zone: &ZoneRecord) -> Said {
    let primary = zone.name_servers.first().map(|name| name.trim_end_matches('.')).unwrap_or_default();
    let value = format!("{primary}. hostmaster.{} 1 7200 900 1209600 86400", zone.name);
    Said { name: zone.name.clone(), kind: "SOA".to_owned(), ttl: Some(SOA_TTL), values: vec![value], ..Said::default() }
}

pub(super) fn get(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let zone = context.zone(input.word("Id"))?;
    let mut output = Struct::new().with("HostedZone", hosted_zone(&zone.record, zone.rrset_count()));
    match zone.record.private {
        true => output.set("VPCs", zone.record.vpcs.iter().map(vpc_value).collect::<Value>()),
        false => output.set("DelegationSet", delegation_set(&zone.record, context)),
    }
    Done::reading(output)
}

pub(super) fn count(_: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    Done::reading(Struct::new().with("HostedZoneCount", context.zones().count()))
}

pub(super) fn update_comment(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let zone = context.own_zone(input.word("Id"))?;
    let comment = input.text("Comment").filter(|comment| !comment.is_empty()).map(str::to_owned);
    let record = Arc::new(ZoneRecord { comment, ..(*zone.record).clone() });
    let output = Struct::new().with("HostedZone", hosted_zone(&record, zone.rrset_count()));
    Done::writing(output, vec![Edit::Put(Record::Zone(record))])
}

/// Keeps the flag, which means nothing outside AWS: there is no region to recover from.
pub(super) fn update_features(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let zone = context.own_zone(input.word("HostedZoneId"))?;
    let accelerated_recovery = input.flag("EnableAcceleratedRecovery").unwrap_or(zone.record.accelerated_recovery);
    if accelerated_recovery && zone.record.private {
        return Err(ApiError::invalid_input("Accelerated recovery is only supported for public hosted zones."));
    }
    let record = Arc::new(ZoneRecord { accelerated_recovery, ..(*zone.record).clone() });
    Done::writing(Struct::new(), vec![Edit::Put(Record::Zone(record))])
}

pub(super) fn delete(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let zone = context.own_zone(input.word("Id"))?;
    let refuse = |message: &str| Err(ApiError::new("HostedZoneNotEmpty", 400, message));
    let required = |said: &Said| said.name == zone.record.name && matches!(&*said.kind, "NS" | "SOA");
    if zone.rrsets().values().any(|rrset| !required(&rrset.said)) {
        return refuse("The specified hosted zone contains non-required resource record sets and so cannot be deleted.");
    }
    if !zone.record.signing_keys.is_empty() {
        return refuse("The specified hosted zone contains DNSSEC Key Signing Keys and so cannot be deleted.");
    }
    if !zone.record.protections.is_empty() {
        return refuse("The specified hosted zone contains resource record set protections and so cannot be deleted.");
    }
    let logs = context.account.query_logs.values().filter(|log| log.zone == zone.record.id);
    let mut gone: Vec<Edit> = logs.map(|log| Edit::Delete(Key::QueryLog(log.id.clone()))).collect();
    // Those whose record set was deleted by a change batch; no other zone has a deletion come this far.
    let instances = context.account.instances.values().filter(|instance| instance.zone == zone.record.id);
    gone.extend(instances.map(|instance| Edit::Delete(Key::Instance(instance.id.clone()))));
    gone.push(Edit::Delete(Key::Zone(zone.record.id.clone())));
    let (info, mut edits) = context.change(Some(&zone.record), None);
    edits.extend(gone);
    Done::writing(Struct::new().with("ChangeInfo", info), edits)
}

pub(super) fn list(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let size = page_size(input, "MaxItems", PAGE_MAX, PAGE_MAX)?;
    let marker = input.text("Marker").map(bare).unwrap_or_default();
    if !marker.is_empty() && !context.account.zones.get(marker).is_some_and(|zone| context.sees(zone)) {
        return Err(ApiError::invalid_input("The specified marker is not valid."));
    }
    let set = input.text("DelegationSetId").map(bare).filter(|id| !id.is_empty());
    if let Some(id) = set
        && !context.account.delegation_sets.contains_key(id)
    {
        return Err(ApiError::new("NoSuchDelegationSet", 400, format!("No delegation set found with ID: {id}")));
    }
    let only_private = input.text("HostedZoneType") == Some("PrivateHostedZone");
    let zones = context.account.zones.range(marker.to_owned()..).map(|(_, zone)| zone);
    let zones = zones.filter(|zone| context.sees(zone));
    let zones = zones.filter(|zone| set.is_none_or(|id| zone.record.delegation_set.as_deref() == Some(id)));
    let (zones, next) = page(zones.filter(|zone| !only_private || zone.record.private), size);
    let output = Struct::new()
        .with("HostedZones", zones.into_iter().map(|zone| hosted_zone(&zone.record, zone.rrset_count())).collect::<Value>())
        .with_some("Marker", input.text("Marker"))
        .with("IsTruncated", next.is_some())
        .with_some("NextMarker", next.map(|zone| &*zone.record.id))
        .with("MaxItems", size);
    Done::reading(output)
}

pub(super) fn list_by_name(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let size = page_size(input, "MaxItems", PAGE_MAX, PAGE_MAX)?;
    let first_name = match input.text("DNSName").filter(|name| !name.is_empty()) {
        Some(said) => {
            let name = parse_name(said).map_err(|fatal| ApiError::new("InvalidDomainName", 400, fatal.to_string()))?;
            Some(NameKey::new(&name))
        }
        None => None,
    };
    let first_id = input.text("HostedZoneId").map(bare).filter(|id| !id.is_empty());
    if first_id.is_some() && first_name.is_none() {
        let message = "The ListHostedZonesByName request included a hosted zone ID but no domain name.";
        return Err(ApiError::invalid_input(message));
    }
    let key = |zone: &Arc<Zone>| parse_name(&zone.record.name).ok().map(|name| (NameKey::new(&name), zone.record.id.clone()));
    let mut zones: Vec<_> = context.zones().filter_map(|zone| Some((key(zone)?, zone))).collect();
    zones.sort_by(|a, b| a.0.cmp(&b.0));
    let first = first_name.map(|name| (name, first_id.unwrap_or_default().to_owned()));
    let from = first.map_or(0, |first| zones.partition_point(|(key, _)| *key < first));
    let (zones, next) = page(zones[from..].iter().map(|(_, zone)| zone), size);
    let output = Struct::new()
        .with("HostedZones", zones.into_iter().map(|zone| hosted_zone(&zone.record, zone.rrset_count())).collect::<Value>())
        .with_some("DNSName", input.text("DNSName"))
        .with_some("HostedZoneId", input.text("HostedZoneId"))
        .with("IsTruncated", next.is_some())
        .with_some("NextDNSName", next.map(|zone| &*zone.record.name))
        .with_some("NextHostedZoneId", next.map(|zone| &*zone.record.id))
        .with("MaxItems", size);
    Done::reading(output)
}

/// Route 53's `HostedZone`.
pub(super) fn hosted_zone(record: &ZoneRecord, rrsets: usize) -> Struct {
    let config = Struct::new().with_some("Comment", record.comment.as_deref()).with("PrivateZone", record.private);
    let features = Struct::new().with("AcceleratedRecoveryStatus", "ENABLED");
    Struct::new()
        .with("Id", format!("/hostedzone/{}", record.id))
        .with("Name", &*record.name)
        .with("CallerReference", &*record.caller_reference)
        .with("Config", config)
        .with("ResourceRecordSetCount", rrsets)
        .with_some("Features", record.accelerated_recovery.then_some(features))
}

/// Route 53's `DelegationSet` of a zone: with an id if it is reusable.
fn delegation_set(zone: &ZoneRecord, context: &Context<'_>) -> Struct {
    let set = zone.delegation_set.as_ref().and_then(|id| context.account.delegation_sets.get(id));
    Struct::new()
        .with_some("Id", set.map(|set| format!("/delegationset/{}", set.id)))
        .with_some("CallerReference", set.map(|set| &*set.caller_reference))
        .with("NameServers", zone.name_servers.iter().map(|name| name.trim_end_matches('.')).collect::<Value>())
}

pub(super) fn read_vpc(input: &Struct) -> Vpc {
    Vpc { region: input.word("VPCRegion").to_owned(), id: input.word("VPCId").to_owned() }
}

pub(super) fn vpc_value(vpc: &Vpc) -> Struct {
    Struct::new().with("VPCRegion", &*vpc.region).with("VPCId", &*vpc.id)
}
