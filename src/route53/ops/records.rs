//! Record sets: changed in batches, listed in pages; and the status of changes.
//!
//! Source: Route 53 API 2013-04-01, the operations of these names.

use std::sync::Arc;

use super::common::{change_info, page_size};
use super::{Context, Done};
use crate::route53::account::entities::Change;
use crate::route53::error::ApiError;
use crate::route53::records::batch;
use crate::route53::records::list::list as list_page;
use crate::route53::records::shape::read_changes;
use crate::route53::request::bare;
use crate::route53::value::Struct;

pub(super) fn change(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let nothing = Struct::new();
    let asked = input.structure("ChangeBatch").unwrap_or(&nothing);
    let rules = context.settings.rules;
    let changes = read_changes(asked, rules)?;
    let zone = context.own_zone(input.word("HostedZoneId"))?;
    let mut edits = batch::check(context.account, context.caller, zone, changes, rules)?;
    let (info, kept) = context.change(Some(&zone.record), asked.text("Comment"));
    edits.extend(kept);
    Done::writing(Struct::new().with("ChangeInfo", info), edits)
}

pub(super) fn list(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let zone = context.zone(input.word("HostedZoneId"))?;
    let most = if context.settings.rules.strict { PAGE_MAX_STRICT } else { PAGE_MAX };
    let size = page_size(input, "MaxItems", PAGE_DEFAULT, most)?;
    Done::reading(list_page(zone.rrsets(), input, size)?)
}

/// Record sets of one page: when nothing is said, at most, and at most in Route 53, where it protects nobody but AWS.
const PAGE_DEFAULT: usize = 100;
const PAGE_MAX: usize = 10_000;
const PAGE_MAX_STRICT: usize = 300;

pub(super) fn get_change(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let id = bare(input.word("Id"));
    let is_seen = |change: &&Arc<Change>| change.zone.as_deref().is_none_or(|zone| context.caller.sees_shown(zone));
    match context.account.changes.get(id).filter(is_seen) {
        Some(change) => Done::reading(Struct::new().with("ChangeInfo", change_info(change))),
        None => Err(ApiError::new("NoSuchChange", 404, format!("Could not find resource with ID: {id}"))),
    }
}

#[cfg(test)]
mod tests;
