//! The networks that a private hosted zone is for: associated, dissociated, listed.
//!
//! Not those of other accounts that may be associated: see `vpc_authorizations`. Invariant: a private zone has at least
//! one network, and no network has two zones of one name.
//! Source: Route 53 API 2013-04-01, the operations of these names; the messages are those of its documentation, or
//! unverified.

use std::sync::Arc;

use super::common::{page, page_size};
use super::zones::read_vpc;
use super::{Context, Done};
use crate::route53::account::edit::{Edit, Record};
use crate::route53::account::zone::{Vpc, Zone, ZoneRecord};
use crate::route53::error::ApiError;
use crate::route53::value::{Struct, Value};

/// Zones of one page at most.
const PAGE_MAX: usize = 100;
/// Route 53's quota.
const VPCS_MAX: usize = 300;
/// Whose all zones are: the API serves one account, which has no number of its own.
const ACCOUNT: &str = "000000000000";

pub(super) fn associate(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let zone = context.own_zone(input.word("HostedZoneId"))?;
    if !zone.record.private {
        let message = "You're trying to associate a VPC with a public hosted zone. Amazon Route 53 doesn't support associating a VPC with a public hosted zone.";
        return Err(ApiError::new("PublicZoneVPCAssociation", 400, message));
    }
    let vpc = valid_vpc(input, context)?;
    check_free(&zone.record.name, &vpc, context)?;
    if context.settings.rules.strict && zone.record.vpcs.len() >= VPCS_MAX {
        let message = format!("The limit of {VPCS_MAX} VPCs of one hosted zone has been reached.");
        return Err(ApiError::new("LimitsExceeded", 400, message));
    }
    let vpcs = zone.record.vpcs.iter().cloned().chain([vpc]).collect();
    changed(input, context, ZoneRecord { vpcs, ..(*zone.record).clone() })
}

/// No network has two zones of one name.
pub(super) fn check_free(name: &str, vpc: &Vpc, context: &Context<'_>) -> Result<(), ApiError> {
    let is_taken = |other: &&Arc<Zone>| other.record.name == name && other.record.vpcs.contains(vpc);
    match context.account.zones.values().find(is_taken) {
        Some(other) => {
            let message = format!(
                "The VPC {} in region {} has already been associated with the hosted zone {} with the same domain name.",
                vpc.id, vpc.region, other.record.id
            );
            Err(ApiError::new("ConflictingDomainExists", 400, message))
        }
        None => Ok(()),
    }
}

pub(super) fn disassociate(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let zone = context.own_zone(input.word("HostedZoneId"))?;
    let vpc = valid_vpc(input, context)?;
    let vpcs: Vec<Vpc> = zone.record.vpcs.iter().filter(|known| **known != vpc).cloned().collect();
    if vpcs.len() == zone.record.vpcs.len() {
        let message =
            format!("The VPC {} in region {} is not associated with the hosted zone {}.", vpc.id, vpc.region, zone.record.id);
        return Err(ApiError::new("VPCAssociationNotFound", 404, message));
    }
    if vpcs.is_empty() {
        let message = "The VPC that you're trying to disassociate from the private hosted zone is the last VPC that is associated with the hosted zone. Amazon Route 53 doesn't support disassociating the last VPC from a hosted zone.";
        return Err(ApiError::new("LastVPCAssociation", 400, message));
    }
    changed(input, context, ZoneRecord { vpcs, ..(*zone.record).clone() })
}

fn changed(input: &Struct, context: &mut Context<'_>, record: ZoneRecord) -> Result<Done, ApiError> {
    let (info, mut edits) = context.change(Some(&record), input.text("Comment"));
    edits.push(Edit::Put(Record::Zone(Arc::new(record))));
    Done::writing(Struct::new().with("ChangeInfo", info), edits)
}

/// The network that a request is about. Any id will do; `strict` wants one that AWS could have given.
pub(super) fn valid_vpc(input: &Struct, context: &Context<'_>) -> Result<Vpc, ApiError> {
    let vpc = input.structure("VPC").map(read_vpc).unwrap_or_else(|| Vpc { region: String::new(), id: String::new() });
    let is_aws = |digits: &str| matches!(digits.len(), 8 | 17) && digits.bytes().all(|octet| octet.is_ascii_hexdigit());
    let is_valid = !vpc.id.is_empty() && !vpc.region.is_empty();
    match is_valid && (!context.settings.rules.strict || vpc.id.strip_prefix("vpc-").is_some_and(is_aws)) {
        true => Ok(vpc),
        false => Err(ApiError::new("InvalidVPCId", 400, format!("The VPC ID is invalid: {}", vpc.id))),
    }
}

pub(super) fn list_zones(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let size = page_size(input, "MaxItems", PAGE_MAX, PAGE_MAX)?;
    let vpc = Vpc { region: input.word("VPCRegion").to_owned(), id: input.word("VPCId").to_owned() };
    let token = input.text("NextToken").unwrap_or_default();
    if !token.is_empty() && !context.account.zones.get(token).is_some_and(|zone| context.sees(zone)) {
        return Err(ApiError::new("InvalidPaginationToken", 400, "The specified pagination token is invalid."));
    }
    let zones = context.account.zones.range(token.to_owned()..).map(|(_, zone)| zone);
    let (zones, next) = page(zones.filter(|zone| zone.record.vpcs.contains(&vpc) && context.sees(zone)), size);
    let output = Struct::new()
        .with("HostedZoneSummaries", zones.into_iter().map(|zone| summary(&zone.record)).collect::<Value>())
        .with("MaxItems", size)
        .with_some("NextToken", next.map(|zone| &*zone.record.id));
    Done::reading(output)
}

/// Route 53's `HostedZoneSummary`.
fn summary(record: &ZoneRecord) -> Struct {
    Struct::new()
        .with("HostedZoneId", &*record.id)
        .with("Name", &*record.name)
        .with("Owner", Struct::new().with("OwningAccount", ACCOUNT))
}
