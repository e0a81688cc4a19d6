//! Reusable delegation sets: name servers that several zones share.
//!
//! waypost has one set of name servers, so sets differ in their ids and in which zones have them, not in their servers,
//! unless they were taken from a zone that was made with others.
//! Source: Route 53 API 2013-04-01, the operations of these names; the messages are unverified.

use std::sync::Arc;

use super::common::{page, page_size};
use super::{Context, Done};
use crate::route53::account::Account;
use crate::route53::account::edit::{Edit, Key, Record};
use crate::route53::account::entities::DelegationSet;
use crate::route53::account::zone::{Zone, ZoneRecord};
use crate::route53::error::ApiError;
use crate::route53::request::bare;
use crate::route53::value::{Struct, Value};

/// Sets of one page at most.
const PAGE_MAX: usize = 100;
/// Route 53's quota.
const SETS_MAX: usize = 100;

pub(super) fn create(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let reference = input.word("CallerReference");
    if context.account.delegation_sets.values().any(|set| set.caller_reference == reference) {
        let message = "A delegation set with the same owner and caller reference combination has already been created.";
        return Err(ApiError::new("DelegationSetAlreadyCreated", 400, message));
    }
    if context.settings.rules.strict && context.account.delegation_sets.len() >= SETS_MAX {
        let message = format!("The limit of {SETS_MAX} reusable delegation sets has been reached.");
        return Err(ApiError::new("LimitsExceeded", 400, message));
    }
    let zone = input.text("HostedZoneId").map(|id| zone_to_mark(id, context)).transpose()?;
    let set = DelegationSet {
        id: context.new_id('N'),
        caller_reference: reference.to_owned(),
        name_servers: zone.map_or(&context.settings.name_servers, |zone| &zone.record.name_servers).clone(),
    };
    let location = format!("delegationset/{}", set.id);
    let output = Struct::new().with("DelegationSet", delegation_set(&set));
    let marked = zone.map(|zone| ZoneRecord { delegation_set: Some(set.id.clone()), ..(*zone.record).clone() });
    let mut edits = vec![Edit::Put(Record::DelegationSet(Arc::new(set)))];
    edits.extend(marked.map(|record| Edit::Put(Record::Zone(Arc::new(record)))));
    Done::creating(location, output, edits)
}

/// The zone whose name servers become reusable.
fn zone_to_mark<'c>(id: &str, context: &Context<'c>) -> Result<&'c Arc<Zone>, ApiError> {
    let id = bare(id);
    if !context.account.zones.contains_key(id) {
        return Err(ApiError::new("HostedZoneNotFound", 400, format!("The specified HostedZone can't be found: {id}")));
    }
    let zone = context.own_zone(id)?;
    if zone.record.private {
        return Err(ApiError::new("InvalidArgument", 400, "A private hosted zone has no delegation set."));
    }
    match &zone.record.delegation_set {
        Some(set) => {
            let message = format!("The delegation set of the hosted zone {id} is reusable already: {set}");
            Err(ApiError::new("DelegationSetAlreadyReusable", 400, message))
        }
        None => Ok(zone),
    }
}

pub(super) fn get(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let set = find(input.word("Id"), context.account)?;
    Done::reading(Struct::new().with("DelegationSet", delegation_set(set)))
}

pub(super) fn delete(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let set = find(input.word("Id"), context.account)?;
    let uses = |zone: &&Arc<Zone>| zone.record.delegation_set.as_deref() == Some(&*set.id);
    if let Some(zone) = context.account.zones.values().find(uses) {
        let message = format!("The delegation set {} is in use by the hosted zone {}.", set.id, zone.record.id);
        return Err(ApiError::new("DelegationSetInUse", 400, message));
    }
    Done::writing(Struct::new(), vec![Edit::Delete(Key::DelegationSet(set.id.clone()))])
}

fn find<'a>(id: &str, account: &'a Account) -> Result<&'a Arc<DelegationSet>, ApiError> {
    let id = bare(id);
    let no_such = || ApiError::new("NoSuchDelegationSet", 400, format!("No delegation set found with ID: {id}"));
    account.delegation_sets.get(id).ok_or_else(no_such)
}

pub(super) fn list(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let size = page_size(input, "MaxItems", PAGE_MAX, PAGE_MAX)?;
    let marker = input.text("Marker").map(bare).unwrap_or_default();
    if !marker.is_empty() && !context.account.delegation_sets.contains_key(marker) {
        return Err(ApiError::invalid_input("The specified marker is not valid."));
    }
    let sets = context.account.delegation_sets.range(marker.to_owned()..).map(|(_, set)| set);
    let (sets, next) = page(sets, size);
    let output = Struct::new()
        .with("DelegationSets", sets.into_iter().map(|set| delegation_set(set)).collect::<Value>())
        .with("Marker", marker)
        .with("IsTruncated", next.is_some())
        .with_some("NextMarker", next.map(|set| &*set.id))
        .with("MaxItems", size);
    Done::reading(output)
}

/// Route 53's `DelegationSet`.
fn delegation_set(set: &DelegationSet) -> Struct {
    Struct::new()
        .with("Id", format!("/delegationset/{}", set.id))
        .with("CallerReference", &*set.caller_reference)
        .with("NameServers", set.name_servers.iter().map(|name| name.trim_end_matches('.')).collect::<Value>())
}
