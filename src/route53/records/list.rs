//! Pages of a zone's record sets: from a place in their order on, so many at most.
//!
//! Knows no request but its three places. Invariant: a page costs what it holds, wherever in the zone it begins, and the
//! pages from the first on are all record sets, each once. Source: Route 53 API 2013-04-01, `ListResourceRecordSets`.

use std::ops::Bound;
use std::sync::Arc;

use super::rrset::{Rrset, RrsetKey, TypeKey};
use super::rrsets::Rrsets;
use super::said;
use crate::ids::SetIdentifier;
use crate::route53::error::ApiError;
use crate::route53::name::{NameKey, parse_name};
use crate::route53::value::{Struct, Value};

/// Answers a `ListResourceRecordSetsRequest` from the zone's record sets, with so many at most.
///
/// # Errors
/// `InvalidInput` for a place that is none, or has a type without a name or an identifier without a type.
pub fn list(rrsets: &Rrsets, request: &Struct, max: usize) -> Result<Struct, ApiError> {
    let start = read_start(request)?;
    let (page, next) = page(rrsets, start.as_ref(), max);
    Ok(Struct::new()
        .with("ResourceRecordSets", page.iter().map(|rrset| said::put(rrset)).collect::<Value>())
        .with("IsTruncated", next.is_some())
        .with_some("NextRecordName", next.map(|next| &*next.said.name))
        .with_some("NextRecordType", next.map(|next| &*next.said.kind))
        .with_some("NextRecordIdentifier", next.and_then(|next| next.said.set_identifier.as_deref()))
        .with("MaxItems", max))
}

/// The record sets from a place on, and the first behind them.
pub fn page<'r>(rrsets: &'r Rrsets, start: Option<&RrsetKey>, max: usize) -> (Vec<&'r Arc<Rrset>>, Option<&'r Arc<Rrset>>) {
    let mut from = rrsets.from(start.map_or(Bound::Unbounded, Bound::Included)).map(|(_, rrset)| rrset);
    let page = from.by_ref().take(max).collect();
    (page, from.next())
}

/// Where the page begins; none for the first of all.
fn read_start(request: &Struct) -> Result<Option<RrsetKey>, ApiError> {
    let (name, rtype) = (request.text("StartRecordName"), request.text("StartRecordType"));
    let identifier = request.text("StartRecordIdentifier");
    // The words of these two are made after the pattern of Route 53's others.
    if name.is_none() && rtype.is_some() {
        return Err(ApiError::invalid_input("Invalid request: Missing field 'StartRecordName': 'StartRecordType' needs it"));
    }
    if identifier.is_some() && rtype.is_none() {
        return Err(ApiError::invalid_input(
            "Invalid request: Missing field 'StartRecordType': 'StartRecordIdentifier' needs it",
        ));
    }
    let Some(name) = name else { return Ok(None) };
    let name = parse_name(name).map_err(|fatal| ApiError::invalid_input(fatal.to_string()))?;
    let rtype = match rtype {
        Some(rtype) => TypeKey(rtype.parse().map_err(|unknown| ApiError::invalid_input(format!("Invalid request: {unknown}")))?),
        None => TypeKey::FIRST,
    };
    let identifier = identifier.map(SetIdentifier::new).transpose();
    let set_identifier =
        identifier.map_err(|invalid| ApiError::invalid_input(format!("Invalid request: StartRecordIdentifier {invalid}")))?;
    Ok(Some(RrsetKey { name: NameKey::new(&name), rtype, set_identifier }))
}
