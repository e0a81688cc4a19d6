//! What several operations need: zones by id, changes, pages, new ids.
//!
//! Source: Route 53 API 2013-04-01.

use std::sync::Arc;

use super::Context;
use crate::route53::access::Zones;
use crate::route53::account;
use crate::route53::account::edit::{Edit, Key, Record};
use crate::route53::account::entities::Change;
use crate::route53::account::zone::{Zone, ZoneRecord};
use crate::route53::error::ApiError;
use crate::route53::request::{bare, unsatisfied};
use crate::route53::value::{Struct, timestamp};

/// How many changes can be asked about; older ones are forgotten.
const CHANGES_MAX: usize = 10_000;

impl<'c> Context<'c> {
    /// The zone of an id, bare or with its kind.
    pub(super) fn zone(&self, id: &str) -> Result<&'c Arc<Zone>, ApiError> {
        let id = bare(id);
        self.account.zones.get(id).ok_or_else(|| ApiError::no_such_hosted_zone(id))
    }

    /// The zone of an id, which must not be written in a file.
    pub(super) fn own_zone(&self, id: &str) -> Result<&'c Arc<Zone>, ApiError> {
        let zone = self.zone(id)?;
        match &zone.record.file {
            Some(file) => Err(ApiError::in_a_file(&format!("The hosted zone {}", zone.record.name), file)),
            None => Ok(zone),
        }
    }

    /// Every zone that the caller may see.
    pub(super) fn zones(&self) -> impl Iterator<Item = &'c Arc<Zone>> + use<'_, 'c> {
        self.account.zones.values().filter(|zone| self.sees(zone))
    }

    /// Whether the caller may see the zone.
    pub(super) fn sees(&self, zone: &Zone) -> bool {
        self.caller.sees_shown(&zone.record.name)
    }

    /// Whether the caller may see what belongs to the zone of this id.
    pub(super) fn sees_in(&self, zone: &str) -> bool {
        self.caller.zones == Zones::All || self.account.zones.get(zone).is_some_and(|zone| self.sees(zone))
    }

    /// A new id of Route 53's form: a letter for its kind and 20 letters or digits.
    pub(super) fn new_id(&mut self, kind: char) -> String {
        account::id(kind, (self.random)())
    }

    /// A new UUID.
    pub(super) fn new_uuid(&mut self) -> String {
        account::uuid((self.random)())
    }

    /// A new change, of a zone or of the account: what is answered of it, and the edits that keep it.
    pub(super) fn change(&mut self, zone: Option<&ZoneRecord>, comment: Option<&str>) -> (Struct, Vec<Edit>) {
        let id = self.new_id('C');
        let zone = zone.map(|zone| zone.name.clone());
        let change = Change { id, submitted_at: self.now, zone, comment: comment.map(str::to_owned) };
        let info = change_info(&change);
        let mut edits = vec![Edit::Put(Record::Change(Arc::new(change)))];
        if self.account.changes.len() >= CHANGES_MAX {
            let oldest = self.account.changes.values().min_by_key(|change| change.submitted_at);
            edits.extend(oldest.map(|oldest| Edit::Delete(Key::Change(oldest.id.clone()))));
        }
        (info, edits)
    }
}

/// Route 53's `ChangeInfo`: a change is served before its request is answered, so it is INSYNC from the first.
pub(super) fn change_info(change: &Change) -> Struct {
    Struct::new()
        .with("Id", format!("/change/{}", change.id))
        .with("Status", "INSYNC")
        .with("SubmittedAt", timestamp(change.submitted_at))
        .with_some("Comment", change.comment.as_deref())
}

/// How many items to answer: `member` says it in decimal; more than `most` are `most`.
///
/// # Errors
/// `InvalidInput` for what is no positive number.
pub(super) fn page_size(input: &Struct, member: &str, default: usize, most: usize) -> Result<usize, ApiError> {
    let Some(said) = input.text(member) else { return Ok(default) };
    match said.trim().parse::<usize>() {
        Ok(number) if number > 0 => Ok(number.min(most)),
        _ => Err(ApiError::invalid_input(unsatisfied(member, said, "Member must be a positive number"))),
    }
}

/// The first `size` of `items`, and the one behind them if there is one.
pub(super) fn page<T>(items: impl Iterator<Item = T>, size: usize) -> (Vec<T>, Option<T>) {
    let mut items = items;
    let page: Vec<T> = items.by_ref().take(size).collect();
    (page, items.next())
}
