//! A change batch: what it would make of a zone, or every reason why it may not.
//!
//! ```text
//! each change in order    fields, values, key: exists, is missing, differs        (here, own)
//!        │ laid over the zone                                                      (scratch)
//!        ▼
//! the zone as it would be  names, groups, aliases, apex                            (names, groups, aliases)
//! ```
//!
//! Route 53 looks at each change as the zone is then. Here what concerns several record sets is judged at the end,
//! which accepts more; `strict` judges it after each change, and adds the limits that protect AWS.
//! Invariant: nothing is changed here; the edits are for one accepted batch, and cost what the batch touches.
//! Source: Route 53 API 2013-04-01, `ChangeResourceRecordSets`.

mod aliases;
mod groups;
mod names;
mod own;
mod scratch;
mod words;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
pub(crate) mod laws;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::rrset::{Rrset, RrsetKey, TypeKey};
use super::shape::{Action, Change};
use crate::route53::access::Principal;
use crate::route53::account::Account;
use crate::route53::account::edit::{Edit, Key, Record};
use crate::route53::account::zone::Zone;
use crate::route53::bounds::Rules;
use crate::route53::error::ApiError;
use crate::route53::name::{parse_name, show_name};
use crate::route53::values::VALUE_MAX;
use crate::wire::name::Name;
use scratch::Scratch;

/// The edits that make `zone` what the changes ask for.
///
/// # Errors
/// `NoSuchHealthCheck`, or `InvalidChangeBatch` with everything that is wrong, in the order of the changes.
pub fn check(
    account: &Account,
    caller: &Principal,
    zone: &Zone,
    changes: Vec<Change>,
    rules: Rules,
) -> Result<Vec<Edit>, ApiError> {
    check_limits(&changes, rules)?;
    check_health_checks(account, &changes)?;
    let context = Context::new(account, caller, zone, rules)?;
    let mut batch = Batch { scratch: Scratch::new(zone.rrsets()), refused: Refused::default(), unread: BTreeSet::new() };
    for (at, change) in changes.into_iter().enumerate() {
        let key = batch.apply(&context, change, at);
        if let Some(key) = key.filter(|_| rules.strict) {
            judge(&context, &mut batch, &[key]);
        }
    }
    let touched: Vec<RrsetKey> = batch.scratch.changed().map(|(key, ..)| key.clone()).collect();
    if !rules.strict {
        judge(&context, &mut batch, &touched);
    }
    names::check_apex(&context, &batch.scratch, &touched, &mut batch.refused);
    check_size(&context, &mut batch);
    match batch.refused.0.is_empty() {
        true => Ok(edits(zone, &batch.scratch)),
        false => Err(ApiError::invalid_change_batch(&batch.refused.in_order())),
    }
}

/// What changes are judged by, beside each other.
struct Context<'a> {
    account: &'a Account,
    /// Who learns of other zones of the account from what is refused.
    caller: &'a Principal,
    zone: &'a Zone,
    apex: Name,
    rules: Rules,
    /// Comments of protections, by what is protected.
    protections: BTreeMap<(&'a str, &'a str), Option<&'a str>>,
}

/// A batch while it is judged.
struct Batch<'z> {
    scratch: Scratch<'z>,
    refused: Refused,
    /// What changes that were refused by themselves would have put: not to be missed.
    unread: BTreeSet<(String, String)>,
}

/// What is wrong, by the change that it is about.
#[derive(Default)]
struct Refused(BTreeMap<usize, Vec<String>>);

impl<'a> Context<'a> {
    fn new(account: &'a Account, caller: &'a Principal, zone: &'a Zone, rules: Rules) -> Result<Self, ApiError> {
        let apex = parse_name(&zone.record.name).map_err(|fatal| ApiError::internal(fatal.to_string()))?;
        let protections = zone.record.protections.iter();
        let protections = protections.map(|one| ((&*one.name, &*one.kind), one.comment.as_deref())).collect();
        Ok(Self { account, caller, zone, apex, rules, protections })
    }

    /// As shown, with its final dot.
    fn zone_name(&self) -> &str {
        &self.zone.record.name
    }
}

impl Refused {
    fn add(&mut self, by: usize, message: String) {
        let messages = self.0.entry(by).or_default();
        if !messages.contains(&message) {
            messages.push(message);
        }
    }

    fn in_order(self) -> Vec<String> {
        self.0.into_values().flatten().collect()
    }
}

impl Batch<'_> {
    /// Lays one change over the zone, unless it is wrong by itself; the key that it is about.
    fn apply(&mut self, context: &Context, change: Change, at: usize) -> Option<RrsetKey> {
        let action = change.action;
        let named = (change.said.name.clone(), change.said.kind.clone());
        let rrset = match Rrset::new(change.said) {
            Ok(rrset) => rrset,
            Err(invalid) => {
                invalid.0.into_iter().for_each(|message| self.refused.add(at, message));
                let shown = parse_name(&named.0).map_or(named.0, |name| show_name(&name));
                self.unread.insert((shown, named.1));
                return None;
            }
        };
        let key = rrset.key();
        let mut wrong = own::check(context, action, &rrset);
        wrong.extend(self.check_key(&rrset, &key, action));
        if wrong.is_empty() {
            match action {
                Action::Delete => self.scratch.remove(key.clone(), at),
                Action::Create | Action::Upsert => self.scratch.put(key.clone(), Arc::new(rrset), at),
            }
            return Some(key);
        }
        self.unread.insert((rrset.said.name, rrset.said.kind));
        wrong.into_iter().for_each(|message| self.refused.add(at, message));
        None
    }

    /// Whether what the action needs to be there is there.
    fn check_key(&self, rrset: &Rrset, key: &RrsetKey, action: Action) -> Option<String> {
        let there = self.scratch.get(key);
        let instance = there.and_then(|there| there.said.traffic_policy_instance_id.as_deref());
        match (action, there) {
            (Action::Create, Some(_)) => Some(words::already_exists(rrset)),
            (Action::Delete, None) => Some(words::not_found(rrset)),
            (Action::Delete, Some(there)) if !there.is_same(rrset) => Some(words::differs(rrset)),
            (Action::Upsert, Some(_)) => instance.map(|instance| words::of_an_instance(rrset, instance)),
            (Action::Create, None) | (Action::Delete, Some(_)) | (Action::Upsert, None) => None,
        }
    }
}

/// Judges the zone as it is now, as far as these keys are concerned.
fn judge(context: &Context, batch: &mut Batch, keys: &[RrsetKey]) {
    let mut names = BTreeSet::new();
    let mut groups = BTreeSet::new();
    for key in keys {
        names.insert(key.name.clone());
        groups.insert((key.name.clone(), key.rtype));
    }
    let Batch { scratch, refused, unread } = batch;
    names.iter().for_each(|name| names::check(context, scratch, name, refused));
    groups.iter().for_each(|group| groups::check(context, scratch, group, refused));
    aliases::check(context, scratch, keys, &groups, unread, refused);
}

/// The edits from the zone to the scratch, in the order of keys.
fn edits(zone: &Zone, scratch: &Scratch) -> Vec<Edit> {
    let id = &zone.record.id;
    let edit = |(key, rrset, _): (&RrsetKey, Option<&Arc<Rrset>>, usize)| match rrset {
        Some(rrset) => Some(Edit::Put(Record::Rrset { zone: id.clone(), rrset: rrset.clone() })),
        None => {
            let key = zone.rrsets().get(key).map(|_| key.clone())?;
            Some(Edit::Delete(Key::Rrset { zone: id.clone(), key }))
        }
    };
    scratch.changed().filter_map(edit).collect()
}

/// How much one batch may hold; an UPSERT counts double (Route 53 developer guide, "Quotas").
fn check_limits(changes: &[Change], rules: Rules) -> Result<(), ApiError> {
    if !rules.strict {
        return Ok(());
    }
    let times = |change: &Change| if change.action == Action::Upsert { 2 } else { 1 };
    let records: usize = changes.iter().map(|change| times(change) * change.said.values.len().max(1)).sum();
    let length = |change: &Change| change.said.values.iter().map(|value| value.chars().count()).sum::<usize>();
    let characters: usize = changes.iter().map(|change| times(change) * length(change)).sum();
    let mut wrong = Vec::new();
    if records > RECORDS_MAX {
        wrong.push(words::too_many_records(RECORDS_MAX));
    }
    if characters > CHARACTERS_MAX {
        wrong.push(words::too_many_characters(CHARACTERS_MAX));
    }
    if wrong.is_empty() { Ok(()) } else { Err(ApiError::invalid_change_batch(&wrong)) }
}

const RECORDS_MAX: usize = 1_000;
const CHARACTERS_MAX: usize = 8 * VALUE_MAX;

/// How many record sets a zone may hold (Route 53 developer guide, "Quotas"); the words are not Route 53's.
fn check_size(context: &Context, batch: &mut Batch) {
    let there = |key: &RrsetKey| usize::from(context.zone.rrsets().get(key).is_some());
    let (gone, put) = batch
        .scratch
        .changed()
        .fold((0, 0), |(gone, put), (key, rrset, _)| (gone + there(key), put + usize::from(rrset.is_some())));
    if context.rules.strict && context.zone.rrset_count() + put > RRSETS_MAX + gone && put > gone {
        batch.refused.add(usize::MAX, words::too_many_rrsets(RRSETS_MAX));
    }
}

const RRSETS_MAX: usize = 10_000;

/// A record set may only name a health check that exists.
fn check_health_checks(account: &Account, changes: &[Change]) -> Result<(), ApiError> {
    let named = changes.iter().filter(|change| change.action != Action::Delete).filter_map(|c| c.said.health_check_id.as_deref());
    match named.into_iter().find(|id| !account.checks.contains_key(*id)) {
        Some(id) => Err(ApiError::no_such_health_check(id)),
        None => Ok(()),
    }
}
