//! Record sets in an order in which a server takes them, in batches of a size that it takes.
//!
//! Judges nothing. Invariant: an alias comes behind all that it leads to, deletions in the reverse of that; no change is
//! lost or made twice. Source: Route 53 developer guide, "Quotas" (1,000 records and 32,000 characters a batch; an UPSERT
//! counts double); API 2013-04-01, ChangeResourceRecordSets (each change is judged as the zone is then).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::route53::records::rrset::{Rrset, RrsetKey};
use crate::route53::records::rrsets::{GroupKey, Rrsets, target};
use crate::route53::records::said;
use crate::route53::records::shape::Action;
use crate::route53::value::{Struct, Value};

/// One change, and what it is of.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub action: Action,
    pub rrset: Arc<Rrset>,
}

/// How much a batch may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// As much as AWS takes.
    Aws,
    /// So many changes.
    Changes(usize),
}

/// The record sets, each behind all that it leads to as an alias.
pub fn in_order(rrsets: impl IntoIterator<Item = Arc<Rrset>>) -> Vec<Arc<Rrset>> {
    let all: Rrsets = rrsets.into_iter().collect();
    let mut depths = BTreeMap::new();
    let mut ordered: Vec<(usize, Arc<Rrset>)> =
        all.values().map(|rrset| (depth(&all, rrset, &mut depths, DEPTH_MAX), rrset.clone())).collect();
    ordered.sort_by_key(|(depth, _)| *depth);
    ordered.into_iter().map(|(_, rrset)| rrset).collect()
}

/// How many aliases one behind the other lead from a record set; a loop, which no zone has, ends where it closes.
fn depth(all: &Rrsets, rrset: &Rrset, known: &mut BTreeMap<GroupKey, usize>, most: usize) -> usize {
    let Some(group) = target(&rrset.set).filter(|_| most > 0) else { return 0 };
    if let Some(depth) = known.get(&group) {
        return 1 + depth;
    }
    known.insert(group.clone(), 0);
    let depth = all.group(&group).map(|(_, member)| depth(all, member, known, most - 1)).max().unwrap_or_default();
    known.insert(group, depth);
    1 + depth
}

/// Far more aliases than any server follows.
const DEPTH_MAX: usize = 1_000;

/// What makes `now` of `before`: deletions first, aliases before what they lead to; what is the same is left alone.
///
/// Record sets for which `is_kept` holds are neither deleted nor put.
pub fn changes(before: &Rrsets, now: &Rrsets, is_kept: impl Fn(&RrsetKey) -> bool) -> Vec<Step> {
    let differs = |rrset: &Arc<Rrset>| before.get(&rrset.key()).is_none_or(|known| !known.is_same(rrset));
    let gone = before.values().filter(|rrset| !is_kept(&rrset.key()) && now.get(&rrset.key()).is_none()).cloned();
    let put = now.values().filter(|rrset| !is_kept(&rrset.key()) && differs(rrset)).cloned();
    let deletions = in_order(gone).into_iter().rev().map(|rrset| Step { action: Action::Delete, rrset });
    let puts = in_order(put).into_iter().map(|rrset| Step { action: Action::Upsert, rrset });
    deletions.chain(puts).collect()
}

/// The steps in their order, in batches of at most this size, each as full as it may be.
pub fn split(steps: Vec<Step>, size: Size) -> Vec<Vec<Step>> {
    let mut batches: Vec<Vec<Step>> = Vec::new();
    let (mut records, mut characters) = (0, 0);
    for step in steps {
        let (own_records, own_characters) = weight(&step);
        records += own_records;
        characters += own_characters;
        let fits = |batch: &Vec<Step>| match size {
            Size::Aws => records <= RECORDS_MAX && characters <= CHARACTERS_MAX,
            Size::Changes(most) => batch.len() < most.max(1),
        };
        match batches.last_mut() {
            Some(batch) if fits(batch) => batch.push(step),
            _ => {
                batches.push(vec![step]);
                (records, characters) = (own_records, own_characters);
            }
        }
    }
    batches
}

/// How many records and characters a change counts as.
fn weight(step: &Step) -> (usize, usize) {
    let said = &step.rrset.said;
    let times = if step.action == Action::Upsert { 2 } else { 1 };
    (times * said.values.len().max(1), times * said.values.iter().map(|value| value.chars().count()).sum::<usize>())
}

/// Of one batch.
pub const RECORDS_MAX: usize = 1_000;
/// Of all values of one batch.
pub const CHARACTERS_MAX: usize = 32_000;

/// Route 53's `ChangeBatch`.
pub fn put(steps: &[Step]) -> Struct {
    let change = |step: &Step| {
        let action = match step.action {
            Action::Create => "CREATE",
            Action::Delete => "DELETE",
            Action::Upsert => "UPSERT",
        };
        Struct::new().with("Action", action).with("ResourceRecordSet", said::put(&step.rrset))
    };
    Struct::new().with("Changes", steps.iter().map(change).collect::<Value>())
}
