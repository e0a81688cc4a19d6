//! Traffic policy instances: a version of a policy made into the records of one name.
//!
//! The zone has one record set for an instance, which stands for all that it makes (see `account::served`): it is what
//! lists show, and what later changes meet. It is Applied before the request is answered. Invariant: what an instance
//! makes was compiled before it was accepted, so that it can be served.
//! Source: Route 53 API 2013-04-01, the operations of these names; the messages are unverified.

use std::sync::Arc;

use super::common::{page, page_size};
use super::{Context, Done, policies};
use crate::route53::account::Account;
use crate::route53::account::edit::{Edit, Key, Record};
use crate::route53::account::entities::{Instance, Policy};
use crate::route53::account::zone::Zone;
use crate::route53::error::ApiError;
use crate::route53::name::{NameKey, parse_name, show_name};
use crate::route53::policy::Document;
use crate::route53::policy::compile::{Placed, compile};
use crate::route53::records::rrset::{Rrset, Said, TypeKey};
use crate::route53::request::bare;
use crate::route53::value::{Struct, Value};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::record_set::Ttl;

/// Instances of one page at most.
const PAGE_MAX: usize = 100;
/// Route 53's quota.
const INSTANCES_MAX: usize = 5;

pub(super) fn create(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let zone = context.own_zone(input.word("HostedZoneId"))?;
    let policy = find_policy(input, context.account)?;
    let name = parse_name(input.word("Name")).map_err(|fatal| ApiError::invalid_input(fatal.to_string()))?;
    let shown = show_name(&name);
    let is_there =
        |instance: &Arc<Instance>| instance.zone == zone.record.id && instance.name == shown && instance.kind == policy.kind;
    if context.account.instances.values().any(is_there) {
        let message = format!("A traffic policy instance already exists with the name {shown} and the type {}.", policy.kind);
        return Err(ApiError::new("TrafficPolicyInstanceAlreadyExists", 409, message));
    }
    if context.settings.rules.strict && context.account.instances.len() >= INSTANCES_MAX {
        let message = format!("The limit of {INSTANCES_MAX} traffic policy instances has been reached.");
        return Err(ApiError::new("TooManyTrafficPolicyInstances", 400, message));
    }
    let instance = Instance {
        id: context.new_uuid(),
        zone: zone.record.id.clone(),
        name: shown,
        ttl: ttl(input),
        policy: policy.id.clone(),
        policy_version: policy.version,
        kind: policy.kind.clone(),
    };
    check_place(zone, &name, &instance)?;
    let edits = put(context.account, zone, policy, &instance)?;
    Done::creating(format!("trafficpolicyinstance/{}", instance.id), output(&instance), edits)
}

pub(super) fn update(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let instance = find(input.word("Id"), context.account)?;
    let zone = context.own_zone(&instance.zone)?;
    let policy = find_policy(input, context.account)?;
    if policy.kind != instance.kind {
        let (found, old) = (&policy.kind, &instance.kind);
        let message = format!("The traffic policy makes records of type {found}, and the instance has records of type {old}.");
        return Err(ApiError::new("ConflictingTypes", 400, message));
    }
    let (policy_id, policy_version) = (policy.id.clone(), policy.version);
    let instance = Instance { ttl: ttl(input), policy: policy_id, policy_version, ..(**instance).clone() };
    // Its record set may have been deleted by a change batch, and something else put there.
    let name = parse_name(&instance.name).map_err(|fatal| ApiError::internal(fatal.to_string()))?;
    check_place(zone, &name, &instance)?;
    let edits = put(context.account, zone, policy, &instance)?;
    Done::writing(output(&instance), edits)
}

fn find_policy<'a>(input: &Struct, account: &'a Account) -> Result<&'a Arc<Policy>, ApiError> {
    let version = policies::version(input, "TrafficPolicyVersion");
    policies::find_live(input.word("TrafficPolicyId"), version, account)
}

fn ttl(input: &Struct) -> u32 {
    input.number("TTL").and_then(|ttl| ttl.try_into().ok()).unwrap_or_default()
}

/// Whether the zone has room for the instance's record set: what a change batch would be refused for.
fn check_place(zone: &Zone, name: &Name, instance: &Instance) -> Result<(), ApiError> {
    let (apex, shown) = (apex(zone)?, &instance.name);
    let zone_name = &zone.record.name;
    let refuse = |why: String| Err(ApiError::invalid_input(why));
    if !name.is_at_or_below(&apex) {
        return refuse(format!("RRSet with DNS name {shown} is not permitted in zone {zone_name}"));
    }
    let kind = &instance.kind;
    if kind == "CNAME" && *name == apex {
        return refuse(format!("RRSet of type CNAME with DNS name {shown} is not permitted at apex in zone {zone_name}"));
    }
    if zone.record.protections.iter().any(|protected| protected.name == *shown && protected.kind == *kind) {
        return refuse(format!("The resource record set [name='{shown}', type='{kind}'] is protected"));
    }
    let key = NameKey::new(name);
    for (_, rrset) in zone.rrsets().at_name(&key) {
        let other = &rrset.said.kind;
        let is_own = rrset.said.traffic_policy_instance_id.as_deref() == Some(&*instance.id);
        if other == kind && !is_own {
            let set = format!("[name='{shown}', type='{kind}']");
            return refuse(format!("Tried to create resource record set {set} but it already exists"));
        }
        if other != kind && (other == "CNAME" || kind == "CNAME") {
            return refuse(format!(
                "RRSet of type {kind} with DNS name {shown} is not permitted as it conflicts with other records with the same DNS name in zone {zone_name}"
            ));
        }
    }
    Ok(())
}

fn apex(zone: &Zone) -> Result<Name, ApiError> {
    parse_name(&zone.record.name).map_err(|fatal| ApiError::internal(fatal.to_string()))
}

/// The edits that make the zone answer as the instance says.
fn put(account: &Account, zone: &Zone, policy: &Policy, instance: &Instance) -> Result<Vec<Edit>, ApiError> {
    let invalid = |what: String| ApiError::invalid_input(what);
    let document = Document::parse(&policy.document).map_err(|invalid| ApiError::internal(invalid.to_string()))?;
    if let Some(id) = document.health_checks().into_iter().find(|id| !account.checks.contains_key(*id)) {
        return Err(invalid(format!("A health check with id {id} does not exist.")));
    }
    let (apex, name) = (apex(zone)?, parse_name(&instance.name).map_err(|fatal| ApiError::internal(fatal.to_string()))?);
    for (id, target) in document.names() {
        let is_within = parse_name(target).is_ok_and(|target| target.is_at_or_below(&apex));
        if is_within {
            let zone = &zone.record.name;
            return Err(invalid(format!("The endpoint {id} is {target}, which lies in the zone {zone} itself.")));
        }
    }
    let ttl = Ttl::new(instance.ttl.into()).map_err(|error| invalid(format!("TTL {error}")))?;
    let placed = Placed { id: &instance.id, apex: &apex, name: &name, ttl };
    compile(&document, &placed).map_err(|error| invalid(error.to_string()))?;
    let said = Said {
        name: instance.name.clone(),
        kind: instance.kind.clone(),
        traffic_policy_instance_id: Some(instance.id.clone()),
        ..Said::default()
    };
    let rrset = Rrset::new(said).map_err(|error| ApiError::internal(error.to_string()))?;
    // The record set is put even where it is there: the zone is compiled again for it.
    Ok(vec![
        Edit::Put(Record::Instance(Arc::new(instance.clone()))),
        Edit::Put(Record::Rrset { zone: zone.record.id.clone(), rrset: Arc::new(rrset) }),
    ])
}

pub(super) fn delete(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let instance = find(input.word("Id"), context.account)?;
    let zone = context.own_zone(&instance.zone)?;
    let mut edits = vec![Edit::Delete(Key::Instance(instance.id.clone()))];
    let is_own = |rrset: &&Arc<Rrset>| rrset.said.traffic_policy_instance_id.as_deref() == Some(&*instance.id);
    let name = parse_name(&instance.name).map_err(|fatal| ApiError::internal(fatal.to_string()))?;
    let group = (NameKey::new(&name), TypeKey(instance.kind.parse().unwrap_or(RecordType::A)));
    let own = zone.rrsets().group(&group).map(|(_, rrset)| rrset).find(is_own);
    if let Some(own) = own {
        if let Some(alias) = zone.rrsets().aliases_of(&group).find_map(|key| zone.rrsets().get(key)) {
            let message = format!("The instance {} is the target of the alias {}", instance.id, alias.said.name);
            return Err(ApiError::invalid_input(message));
        }
        edits.push(Edit::Delete(Key::Rrset { zone: zone.record.id.clone(), key: own.key() }));
    }
    Done::writing(Struct::new(), edits)
}

pub(super) fn get(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    find(input.word("Id"), context.account).and_then(|instance| Done::reading(output(instance)))
}

pub(super) fn count(_: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    Done::reading(Struct::new().with("TrafficPolicyInstanceCount", seen(context)))
}

/// How many the caller may see.
pub(super) fn seen(context: &Context<'_>) -> usize {
    context.account.instances.values().filter(|instance| context.sees_in(&instance.zone)).count()
}

fn find<'a>(id: &str, account: &'a Account) -> Result<&'a Arc<Instance>, ApiError> {
    let no_such = || {
        let message = format!("No traffic policy instance exists with id {id}.");
        ApiError::new("NoSuchTrafficPolicyInstance", 404, message)
    };
    account.instances.get(id).ok_or_else(no_such)
}

pub(super) fn list(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    if input.has("TrafficPolicyInstanceNameMarker") && !input.has("HostedZoneIdMarker") {
        return Err(missing("HostedZoneIdMarker", "TrafficPolicyInstanceNameMarker"));
    }
    listed(input, true, context, |_| true)
}

pub(super) fn list_by_zone(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let id = &context.zone(input.word("HostedZoneId"))?.record.id;
    listed(input, false, context, |instance| instance.zone == *id)
}

pub(super) fn list_by_policy(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let version = policies::version(input, "TrafficPolicyVersion");
    let policy = policies::find(input.word("TrafficPolicyId"), version, context.account)?;
    let is_of = |instance: &Instance| instance.policy == policy.id && instance.policy_version == policy.version;
    listed(input, true, context, is_of)
}

fn missing(field: &str, needed_by: &str) -> ApiError {
    ApiError::invalid_input(format!("Invalid request: Missing field '{field}': '{needed_by}' needs it"))
}

/// One page of the instances that `is_of` lets through, by zone, name and type, from the place that the markers say.
fn listed(input: &Struct, by_zone: bool, context: &Context<'_>, is_of: impl Fn(&Instance) -> bool) -> Result<Done, ApiError> {
    let size = page_size(input, "MaxItems", PAGE_MAX, PAGE_MAX)?;
    let (name, kind) = (input.text("TrafficPolicyInstanceNameMarker"), input.text("TrafficPolicyInstanceTypeMarker"));
    if kind.is_some() && name.is_none() {
        return Err(missing("TrafficPolicyInstanceNameMarker", "TrafficPolicyInstanceTypeMarker"));
    }
    let name = name.map(parse_name).transpose().map_err(|fatal| ApiError::invalid_input(fatal.to_string()))?;
    let zone = input.text("HostedZoneIdMarker").map(bare).filter(|_| by_zone);
    let place = |instance: &Instance| {
        let name = parse_name(&instance.name).unwrap_or_else(|_| Name::root());
        (by_zone.then(|| instance.zone.clone()), Some(NameKey::new(&name)), Some(instance.kind.clone()))
    };
    let from = (zone.map(str::to_owned), name.map(|name| NameKey::new(&name)), kind.map(str::to_owned));
    let all = context.account.instances.values().filter(|instance| is_of(instance) && context.sees_in(&instance.zone));
    let all = all.map(|instance| (place(instance), instance));
    let mut all: Vec<_> = all.filter(|(place, _)| *place >= from).collect();
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    let (instances, next) = page(all.into_iter().map(|(_, instance)| instance), size);
    let output = Struct::new()
        .with(
            "TrafficPolicyInstances",
            instances.into_iter().map(|instance| traffic_policy_instance(instance)).collect::<Value>(),
        )
        .with_some("HostedZoneIdMarker", next.filter(|_| by_zone).map(|next| &*next.zone))
        .with_some("TrafficPolicyInstanceNameMarker", next.map(|next| &*next.name))
        .with_some("TrafficPolicyInstanceTypeMarker", next.map(|next| &*next.kind))
        .with("IsTruncated", next.is_some())
        .with("MaxItems", size);
    Done::reading(output)
}

fn output(instance: &Instance) -> Struct {
    Struct::new().with("TrafficPolicyInstance", traffic_policy_instance(instance))
}

/// Route 53's `TrafficPolicyInstance`.
fn traffic_policy_instance(instance: &Instance) -> Struct {
    Struct::new()
        .with("Id", &*instance.id)
        .with("HostedZoneId", &*instance.zone)
        .with("Name", &*instance.name)
        .with("TTL", instance.ttl)
        .with("State", "Applied")
        .with("Message", "")
        .with("TrafficPolicyId", &*instance.policy)
        .with("TrafficPolicyVersion", instance.policy_version)
        .with("TrafficPolicyType", &*instance.kind)
}
