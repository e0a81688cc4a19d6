//! All that the API keeps: zones, health checks, collections, policies, and what hangs on them.
//!
//! Zones and checks that are written in files are here too, so that lists have them, and are marked as a file's.
//! Knows no requests. Invariant: changed only by [`Account::apply`], in whole sets of edits; what the store keeps is
//! exactly the edits' records. Source: Route 53 API 2013-04-01.

pub mod backup;
pub mod edit;
pub mod entities;
pub mod in_files;
mod replaced;
mod rows;
pub mod served;
pub mod sound;
pub mod zone;

use std::collections::BTreeMap;
use std::sync::Arc;

use edit::{Edit, Key, Record};
use entities::{Change, Check, Collection, DelegationSet, Instance, Policy, QueryLog, SpentReference};
use zone::Zone;

/// The account.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// By id.
    pub zones: BTreeMap<String, Arc<Zone>>,
    /// By id.
    pub checks: BTreeMap<String, Arc<Check>>,
    /// Those of deleted health checks, by reference.
    pub spent_references: BTreeMap<String, Arc<SpentReference>>,
    /// By id.
    pub collections: BTreeMap<String, Arc<Collection>>,
    /// By id and version; a deleted version stays and is marked.
    pub policies: BTreeMap<(String, u32), Arc<Policy>>,
    /// By id.
    pub instances: BTreeMap<String, Arc<Instance>>,
    /// The reusable ones, by id.
    pub delegation_sets: BTreeMap<String, Arc<DelegationSet>>,
    /// By id.
    pub query_logs: BTreeMap<String, Arc<QueryLog>>,
    /// By id.
    pub changes: BTreeMap<String, Arc<Change>>,
}

impl Account {
    /// Makes these edits, in their order.
    pub fn apply(&mut self, edits: Vec<Edit>) {
        for edit in edits {
            match edit {
                Edit::Put(record) => self.put(record),
                Edit::Delete(key) => self.delete(&key),
            }
        }
    }

    /// The edits that make the account as it is now, once these have been applied.
    pub fn undoing(&self, edits: &[Edit]) -> Vec<Edit> {
        let mut undo = Vec::with_capacity(edits.len());
        for edit in edits.iter().rev() {
            let key = match edit {
                Edit::Put(record) => record.key(),
                Edit::Delete(key) => key.clone(),
            };
            match self.record(&key) {
                Some(record) => undo.push(Edit::Put(record)),
                None => undo.push(Edit::Delete(key.clone())),
            }
            // A zone takes its record sets with it.
            if let Key::Zone(id) = &key
                && let Some(zone) = self.zones.get(id)
                && matches!(edit, Edit::Delete(_))
            {
                undo.extend(
                    zone.rrsets().values().map(|rrset| Edit::Put(Record::Rrset { zone: id.clone(), rrset: rrset.clone() })),
                );
            }
        }
        undo
    }

    fn record(&self, key: &Key) -> Option<Record> {
        match key {
            Key::Zone(id) => self.zones.get(id).map(|zone| Record::Zone(zone.record.clone())),
            Key::Rrset { zone, key } => {
                let rrset = self.zones.get(zone)?.rrsets().get(key)?.clone();
                Some(Record::Rrset { zone: zone.clone(), rrset })
            }
            Key::Check(id) => self.checks.get(id).cloned().map(Record::Check),
            Key::SpentReference(reference) => self.spent_references.get(reference).cloned().map(Record::SpentReference),
            Key::Collection(id) => self.collections.get(id).cloned().map(Record::Collection),
            Key::Policy(id, version) => self.policies.get(&(id.clone(), *version)).cloned().map(Record::Policy),
            Key::Instance(id) => self.instances.get(id).cloned().map(Record::Instance),
            Key::DelegationSet(id) => self.delegation_sets.get(id).cloned().map(Record::DelegationSet),
            Key::QueryLog(id) => self.query_logs.get(id).cloned().map(Record::QueryLog),
            Key::Change(id) => self.changes.get(id).cloned().map(Record::Change),
        }
    }

    fn put(&mut self, record: Record) {
        match record {
            Record::Zone(record) => match self.zones.get_mut(&record.id) {
                Some(zone) => Arc::make_mut(zone).record = record,
                None => drop(self.zones.insert(record.id.clone(), Arc::new(Zone::new(record)))),
            },
            Record::Rrset { zone, rrset } => {
                if let Some(zone) = self.zones.get_mut(&zone) {
                    Arc::make_mut(zone).put(rrset);
                }
            }
            Record::Check(check) => drop(self.checks.insert(check.id.clone(), check)),
            Record::SpentReference(spent) => drop(self.spent_references.insert(spent.reference.clone(), spent)),
            Record::Collection(collection) => drop(self.collections.insert(collection.id.clone(), collection)),
            Record::Policy(policy) => drop(self.policies.insert((policy.id.clone(), policy.version), policy)),
            Record::Instance(instance) => drop(self.instances.insert(instance.id.clone(), instance)),
            Record::DelegationSet(set) => drop(self.delegation_sets.insert(set.id.clone(), set)),
            Record::QueryLog(log) => drop(self.query_logs.insert(log.id.clone(), log)),
            Record::Change(change) => drop(self.changes.insert(change.id.clone(), change)),
        }
    }

    fn delete(&mut self, key: &Key) {
        match key {
            Key::Zone(id) => drop(self.zones.remove(id)),
            Key::Rrset { zone, key } => {
                if let Some(zone) = self.zones.get_mut(zone) {
                    Arc::make_mut(zone).remove(key);
                }
            }
            Key::Check(id) => drop(self.checks.remove(id)),
            Key::SpentReference(reference) => drop(self.spent_references.remove(reference)),
            Key::Collection(id) => drop(self.collections.remove(id)),
            Key::Policy(id, version) => drop(self.policies.remove(&(id.clone(), *version))),
            Key::Instance(id) => drop(self.instances.remove(id)),
            Key::DelegationSet(id) => drop(self.delegation_sets.remove(id)),
            Key::QueryLog(id) => drop(self.query_logs.remove(id)),
            Key::Change(id) => drop(self.changes.remove(id)),
        }
    }
}

/// An id of Route 53's form: a letter for its kind and 20 letters or digits.
pub(super) fn id(kind: char, number: u128) -> String {
    let mut rest = number;
    let mut id = String::from(kind);
    for _ in 0..20 {
        let digit = (rest % 36) as u32;
        id.push(char::from_digit(digit, 36).expect("a remainder of 36 is a digit").to_ascii_uppercase());
        rest /= 36;
    }
    id
}

/// The UUID that this random number makes (version 4, RFC 9562 §5.4).
pub fn uuid(random: u128) -> String {
    let random = random & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{random:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
