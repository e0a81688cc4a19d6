//! Protections of record sets: names and types that no change batch may touch while they are protected.
//!
//! Invariant: the protections of a zone are in the order of lists, each name and type once.
//! Source: Route 53 API 2013-04-01, the operations of these names. The messages of single entries are waypost's own.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::common::{page, page_size};
use super::{Context, Done};
use crate::route53::account::edit::{Edit, Record};
use crate::route53::account::zone::{Protection, Zone, ZoneRecord};
use crate::route53::error::ApiError;
use crate::route53::name::{NameKey, parse_name, show_name};
use crate::route53::records::rrset::TypeKey;
use crate::route53::value::{Struct, Value};
use crate::wire::name::Name;

/// What a protection is of, in the order of lists.
type ProtectionKey = (NameKey, TypeKey);

/// One valid entry of a request.
struct Entry<'i> {
    key: ProtectionKey,
    /// As shown.
    name: String,
    asked: &'i Struct,
}

pub(super) fn create(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let zone = context.own_zone(input.word("HostedZoneId"))?;
    let asked = read_entries(zone, input, context)?;
    let known: BTreeSet<ProtectionKey> = zone.record.protections.iter().filter_map(key_of).collect();
    let existing = asked.iter().filter(|entry| known.contains(&entry.key));
    let existing: Vec<Struct> = existing.map(|entry| failed(entry.asked, "ProtectionAlreadyExists", EXISTS.to_owned())).collect();
    if !existing.is_empty() && existing.len() == asked.len() {
        let message = "A protection already exists for every name and type in the request.";
        return Err(with_errors(ApiError::new("ProtectionAlreadyExists", 409, message), existing));
    }
    refuse(existing)?;
    let now = context.now;
    let added = asked.into_iter().map(|entry| Protection {
        name: entry.name,
        kind: entry.key.1.0.to_string(),
        comment: entry.asked.text("Comment").map(str::to_owned),
        created_at: now,
    });
    let mut protections: Vec<Protection> = zone.record.protections.iter().cloned().chain(added).collect();
    protections.sort_by_cached_key(key_of);
    Done::writing(Struct::new(), keep(zone, protections))
}

pub(super) fn delete(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let zone = context.own_zone(input.word("HostedZoneId"))?;
    let asked = read_entries(zone, input, context)?;
    let known: BTreeSet<ProtectionKey> = zone.record.protections.iter().filter_map(key_of).collect();
    let unknown = asked.iter().filter(|entry| !known.contains(&entry.key));
    refuse(unknown.map(|entry| failed(entry.asked, "ProtectionNotFound", NOT_FOUND.to_owned())).collect())?;
    let gone: BTreeSet<ProtectionKey> = asked.into_iter().map(|entry| entry.key).collect();
    let stays = |protection: &&Protection| key_of(protection).is_none_or(|key| !gone.contains(&key));
    let protections = zone.record.protections.iter().filter(stays).cloned().collect();
    Done::writing(Struct::new(), keep(zone, protections))
}

pub(super) fn list(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let zone = context.zone(input.word("HostedZoneId"))?;
    let start = read_start(input)?;
    let size = page_size(input, "MaxResults", PAGE_MAX, PAGE_MAX)?;
    let from = zone.record.protections.iter().skip_while(|protection| key_of(protection) < start);
    let (items, next) = page(from, size);
    let items = items.iter().map(|protection| {
        Struct::new()
            .with("RecordName", &*protection.name)
            .with("RecordType", &*protection.kind)
            .with_some("Comment", protection.comment.as_deref())
    });
    let output = Struct::new()
        .with("ResourceRecordSetProtections", items.collect::<Value>())
        .with_some("NextToken", next.map(|next| format!("{}:{}", next.kind, next.name)));
    Done::reading(output)
}

const EXISTS: &str = "A protection already exists for this name and type.";
const NOT_FOUND: &str = "No protection exists for this name and type.";
const TWICE: &str = "The same name and type appear more than once in the request.";

/// Protections of one page at most.
const PAGE_MAX: usize = 300;
/// Entries of one request at most, in Route 53.
const ENTRIES_MAX: usize = 100;

/// The entries, if all of them are valid.
fn read_entries<'i>(zone: &Zone, input: &'i Struct, context: &Context<'_>) -> Result<Vec<Entry<'i>>, ApiError> {
    let apex = parse_name(&zone.record.name).map_err(|fatal| ApiError::internal(fatal.to_string()))?;
    if context.settings.rules.strict && input.list("Protections").len() > ENTRIES_MAX {
        return Err(ApiError::invalid_input(format!("A request can't have more than {ENTRIES_MAX} protections.")));
    }
    let (mut read, mut invalid) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for asked in input.structures("Protections") {
        match read_entry(asked, &apex) {
            Ok(entry) if seen.insert(entry.key.clone()) => read.push(entry),
            Ok(_) => invalid.push(failed(asked, "InvalidInput", TWICE.to_owned())),
            Err(why) => invalid.push(failed(asked, "InvalidInput", why)),
        }
    }
    refuse(invalid)?;
    Ok(read)
}

fn read_entry<'i>(asked: &'i Struct, apex: &Name) -> Result<Entry<'i>, String> {
    let name = parse_name(asked.word("RecordName")).map_err(|fatal| fatal.to_string())?;
    if !name.is_at_or_below(apex) {
        return Err(format!("The name {} is not in the hosted zone {}", show_name(&name), show_name(apex)));
    }
    let rtype = asked.word("RecordType").parse().map_err(|_| format!("{} is no type of record.", asked.word("RecordType")))?;
    Ok(Entry { key: (NameKey::new(&name), TypeKey(rtype)), name: show_name(&name), asked })
}

fn key_of(protection: &Protection) -> Option<ProtectionKey> {
    Some((NameKey::new(&parse_name(&protection.name).ok()?), TypeKey(protection.kind.parse().ok()?)))
}

/// Where the page begins: at the token, else at the name and type; none is the first of all.
fn read_start(input: &Struct) -> Result<Option<ProtectionKey>, ApiError> {
    if let Some(token) = input.text("NextToken") {
        let key = token
            .split_once(':')
            .and_then(|(rtype, name)| Some((NameKey::new(&parse_name(name).ok()?), TypeKey(rtype.parse().ok()?))));
        let invalid = || ApiError::new("InvalidPaginationToken", 400, "The value that you specified for NextToken isn't valid.");
        return key.map(Some).ok_or_else(invalid);
    }
    let (name, rtype) = (input.text("StartRecordName"), input.text("StartRecordType"));
    let Some(name) = name else {
        return match rtype {
            Some(_) => {
                Err(ApiError::invalid_input("Invalid request: Missing field 'StartRecordName': 'StartRecordType' needs it"))
            }
            None => Ok(None),
        };
    };
    let name = parse_name(name).map_err(|fatal| ApiError::invalid_input(fatal.to_string()))?;
    let rtype = rtype.map(|rtype| rtype.parse().map_err(|_| ApiError::invalid_input(format!("{rtype} is no type of record."))));
    Ok(Some((NameKey::new(&name), rtype.transpose()?.map_or(TypeKey::FIRST, TypeKey))))
}

/// Route 53's `ProtectionError`.
fn failed(entry: &Struct, code: &'static str, message: String) -> Struct {
    Struct::new()
        .with("RecordName", entry.word("RecordName"))
        .with("RecordType", entry.word("RecordType"))
        .with("Code", code)
        .with("Message", message)
}

/// Refuses the request for these entries, if there are some.
fn refuse(errors: Vec<Struct>) -> Result<(), ApiError> {
    if errors.is_empty() {
        return Ok(());
    }
    let message = "One or more entries in the request couldn't be processed.";
    Err(with_errors(ApiError::new("InvalidResourceRecordSetProtectionBatch", 400, message), errors))
}

fn with_errors(error: ApiError, errors: Vec<Struct>) -> ApiError {
    let more = Struct::new().with("Errors", errors);
    ApiError { more: Some(Box::new((error.code, more))), ..error }
}

/// The edit that gives the zone these protections.
fn keep(zone: &Zone, protections: Vec<Protection>) -> Vec<Edit> {
    let record = ZoneRecord { protections, ..(*zone.record).clone() };
    vec![Edit::Put(Record::Zone(Arc::new(record)))]
}
