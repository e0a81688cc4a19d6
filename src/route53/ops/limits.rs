//! Limits: how many of a kind there may be, and how many there are.
//!
//! Without strict rules there are none: what is answered then is a number that no client reaches.
//! Sources: Route 53 API 2013-04-01, GetAccountLimit, GetHostedZoneLimit, GetReusableDelegationSetLimit; developer guide,
//! "Quotas".

use super::{Context, Done, instances};
use crate::route53::error::ApiError;
use crate::route53::request::bare;
use crate::route53::value::Struct;

/// Health checks of an account, under strict rules.
pub(super) const CHECKS_MAX: usize = 200;
/// CIDR collections of an account, under strict rules.
pub(super) const COLLECTIONS_MAX: usize = 5;
/// Blocks of a CIDR collection, under strict rules.
pub(super) const BLOCKS_MAX: usize = 1_000;
/// What is said where there is no limit: the most that every client can read.
const NO_LIMIT: usize = i32::MAX as usize;

pub(super) fn account(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let account = context.account;
    let kind = input.word("Type");
    let (limit, count) = match kind {
        "MAX_HEALTH_CHECKS_BY_OWNER" => (CHECKS_MAX, account.checks.len()),
        "MAX_HOSTED_ZONES_BY_OWNER" => (500, context.zones().count()),
        "MAX_TRAFFIC_POLICY_INSTANCES_BY_OWNER" => (5, instances::seen(context)),
        "MAX_REUSABLE_DELEGATION_SETS_BY_OWNER" => (100, account.delegation_sets.len()),
        _ => (50, policies(context)),
    };
    limited(kind, limit, count, context)
}

/// Policies, however many versions each has.
fn policies(context: &Context<'_>) -> usize {
    let mut ids: Vec<&str> =
        context.account.policies.values().filter(|policy| !policy.deleted).map(|policy| &*policy.id).collect();
    ids.dedup();
    ids.len()
}

pub(super) fn hosted_zone(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let zone = context.zone(input.word("HostedZoneId"))?;
    let kind = input.word("Type");
    match kind {
        "MAX_VPCS_ASSOCIATED_BY_ZONE" if !zone.record.private => {
            let message =
                format!("The hosted zone {} is public: only private hosted zones are associated with VPCs.", zone.record.id);
            Err(ApiError::new("HostedZoneNotPrivate", 400, message))
        }
        "MAX_VPCS_ASSOCIATED_BY_ZONE" => limited(kind, 300, zone.record.vpcs.len(), context),
        _ => limited(kind, 10_000, zone.rrset_count(), context),
    }
}

pub(super) fn delegation_set(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let id = bare(input.word("DelegationSetId"));
    if !context.account.delegation_sets.contains_key(id) {
        return Err(ApiError::new("NoSuchDelegationSet", 400, format!("No delegation set found with ID: {id}")));
    }
    let count = context.zones().filter(|zone| zone.record.delegation_set.as_deref() == Some(id)).count();
    limited(input.word("Type"), 100, count, context)
}

fn limited(kind: &str, limit: usize, count: usize, context: &Context<'_>) -> Result<Done, ApiError> {
    let value = if context.settings.rules.strict { limit } else { NO_LIMIT };
    let limit = Struct::new().with("Type", kind).with("Value", value);
    Done::reading(Struct::new().with("Limit", limit).with("Count", count))
}
