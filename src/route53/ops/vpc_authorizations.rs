//! Networks of other accounts that may be associated with a private hosted zone: authorized, listed, no longer authorized.
//!
//! With one account they are a list and no more: whoever may write may associate any network.
//! Source: Route 53 API 2013-04-01, the operations of these names; the messages are unverified.

use std::sync::Arc;

use super::common::{page, page_size};
use super::vpcs::valid_vpc;
use super::zones::vpc_value;
use super::{Context, Done};
use crate::route53::account::edit::{Edit, Record};
use crate::route53::account::zone::{Vpc, ZoneRecord};
use crate::route53::error::ApiError;
use crate::route53::value::{Struct, Value};

/// Authorizations of one page at most.
const PAGE_MAX: usize = 50;
/// Route 53's quota.
const AUTHORIZATIONS_MAX: usize = 1_000;

pub(super) fn create(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let zone = context.own_zone(input.word("HostedZoneId"))?;
    let vpc = valid_vpc(input, context)?;
    if !zone.record.private {
        return Err(ApiError::invalid_input("VPCs are only associated with private hosted zones."));
    }
    let output = Struct::new().with("HostedZoneId", &*zone.record.id).with("VPC", vpc_value(&vpc));
    let mut vpc_authorizations = zone.record.vpc_authorizations.clone();
    let Err(at) = vpc_authorizations.binary_search(&vpc) else { return Done::reading(output) };
    if context.settings.rules.strict && vpc_authorizations.len() >= AUTHORIZATIONS_MAX {
        let message = format!("The limit of {AUTHORIZATIONS_MAX} authorizations of one hosted zone has been reached.");
        return Err(ApiError::new("TooManyVPCAssociationAuthorizations", 400, message));
    }
    vpc_authorizations.insert(at, vpc);
    Done::writing(output, vec![put(&zone.record, vpc_authorizations)])
}

pub(super) fn delete(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let zone = context.own_zone(input.word("HostedZoneId"))?;
    let vpc = valid_vpc(input, context)?;
    let mut vpc_authorizations = zone.record.vpc_authorizations.clone();
    let Ok(at) = vpc_authorizations.binary_search(&vpc) else {
        let message = format!("The VPC {} in region {} is not authorized for association.", vpc.id, vpc.region);
        return Err(ApiError::new("VPCAssociationAuthorizationNotFound", 404, message));
    };
    vpc_authorizations.remove(at);
    Done::writing(Struct::new(), vec![put(&zone.record, vpc_authorizations)])
}

/// In the order of the list, so that pages and searches go by it.
fn put(record: &ZoneRecord, vpc_authorizations: Vec<Vpc>) -> Edit {
    Edit::Put(Record::Zone(Arc::new(ZoneRecord { vpc_authorizations, ..record.clone() })))
}

pub(super) fn list(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let size = page_size(input, "MaxResults", PAGE_MAX, PAGE_MAX)?;
    let zone = context.zone(input.word("HostedZoneId"))?;
    let all = &zone.record.vpc_authorizations;
    let from = match input.text("NextToken").filter(|token| !token.is_empty()) {
        None => 0,
        Some(token) => start(all, token)?,
    };
    let (vpcs, next) = page(all[from..].iter(), size);
    let output = Struct::new()
        .with("HostedZoneId", &*zone.record.id)
        .with_some("NextToken", next.map(|vpc| format!("{}/{}", vpc.region, vpc.id)))
        .with("VPCs", vpcs.into_iter().map(vpc_value).collect::<Value>());
    Done::reading(output)
}

/// Where the page of a token begins: at its network, or where that would be.
fn start(all: &[Vpc], token: &str) -> Result<usize, ApiError> {
    let invalid = || ApiError::new("InvalidPaginationToken", 400, "The specified pagination token is invalid.");
    let (region, id) = token.split_once('/').ok_or_else(invalid)?;
    let vpc = Vpc { region: region.to_owned(), id: id.to_owned() };
    Ok(all.binary_search(&vpc).unwrap_or_else(|at| at))
}
