//! One account put in the place of another: what must be deleted and put, and nothing that is the same in both.
//!
//! Invariant: after [`Account::replacing`]'s edits the account holds what files own of the old, and all of the new.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Account;
use super::edit::{Edit, Key, Record};
use super::zone::Zone;
use crate::route53::records::rrset::Rrset;

impl Account {
    /// The edits that make `next` of what the API owns; what files own stays.
    pub fn replacing(&self, next: &Self) -> Vec<Edit> {
        let mut edits = Vec::new();
        let own = self.zones.iter().filter(|(_, zone)| zone.record.file.is_none());
        let gone = own.clone().filter(|(id, _)| !next.zones.contains_key(*id));
        edits.extend(gone.map(|(id, _)| Edit::Delete(Key::Zone(id.clone()))));
        for (id, zone) in &next.zones {
            replace_zone(self.zones.get(id), zone, &mut edits);
        }
        let own_checks = self.checks.iter().filter(|(_, check)| check.file.is_none());
        replace(own_checks, &next.checks, |id| Key::Check(id.clone()), Record::Check, &mut edits);
        let own_collections = self.collections.iter().filter(|(_, collection)| collection.file.is_none());
        replace(own_collections, &next.collections, |id| Key::Collection(id.clone()), Record::Collection, &mut edits);
        let spent = self.spent_references.iter();
        replace(spent, &next.spent_references, |of| Key::SpentReference(of.clone()), Record::SpentReference, &mut edits);
        let policies = self.policies.iter();
        replace(policies, &next.policies, |(id, version)| Key::Policy(id.clone(), *version), Record::Policy, &mut edits);
        replace(self.instances.iter(), &next.instances, |id| Key::Instance(id.clone()), Record::Instance, &mut edits);
        let sets = self.delegation_sets.iter();
        replace(sets, &next.delegation_sets, |id| Key::DelegationSet(id.clone()), Record::DelegationSet, &mut edits);
        replace(self.query_logs.iter(), &next.query_logs, |id| Key::QueryLog(id.clone()), Record::QueryLog, &mut edits);
        replace(self.changes.iter(), &next.changes, |id| Key::Change(id.clone()), Record::Change, &mut edits);
        edits
    }
}

fn replace_zone(known: Option<&Arc<Zone>>, next: &Zone, edits: &mut Vec<Edit>) {
    let id = &next.record.id;
    if known.is_none_or(|known| known.record != next.record) {
        edits.push(Edit::Put(Record::Zone(next.record.clone())));
    }
    let put = |rrset: &Arc<Rrset>| Edit::Put(Record::Rrset { zone: id.clone(), rrset: rrset.clone() });
    let Some(known) = known else { return edits.extend(next.rrsets().values().map(put)) };
    for key in known.rrsets().values().map(|rrset| rrset.key()).filter(|key| next.rrsets().get(key).is_none()) {
        edits.push(Edit::Delete(Key::Rrset { zone: id.clone(), key }));
    }
    let differs = |rrset: &&Arc<Rrset>| known.rrsets().get(&rrset.key()) != Some(*rrset);
    edits.extend(next.rrsets().values().filter(differs).map(put));
}

/// What is gone of one kind, then what is new or differs.
fn replace<'a, Id: Ord + 'a, T: PartialEq + 'a>(
    known: impl Iterator<Item = (&'a Id, &'a Arc<T>)> + Clone,
    next: &BTreeMap<Id, Arc<T>>,
    key: impl Fn(&Id) -> Key,
    record: impl Fn(Arc<T>) -> Record,
    edits: &mut Vec<Edit>,
) {
    let known: BTreeMap<&Id, &Arc<T>> = known.collect();
    edits.extend(known.keys().filter(|id| !next.contains_key(**id)).map(|id| Edit::Delete(key(id))));
    let differs = |(id, value): &(&Id, &Arc<T>)| known.get(id) != Some(value);
    edits.extend(next.iter().filter(differs).map(|(_, value)| Edit::Put(record(value.clone()))));
}
