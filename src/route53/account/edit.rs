//! Edits: what an operation asks to be kept, changed or forgotten; the unit that the store writes.
//!
//! Invariant: applying the edits to the account and writing them to the store say the same.

use std::fmt;
use std::sync::Arc;

use super::entities::{Change, Check, Collection, DelegationSet, Instance, Policy, QueryLog, SpentReference};
use super::zone::ZoneRecord;
use crate::route53::records::rrset::{Rrset, RrsetKey};

/// One step of a change.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Adds the record, or replaces the one of its key.
    Put(Record),
    Delete(Key),
}

/// Something that is kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    Zone(Arc<ZoneRecord>),
    Rrset { zone: String, rrset: Arc<Rrset> },
    Check(Arc<Check>),
    SpentReference(Arc<SpentReference>),
    Collection(Arc<Collection>),
    Policy(Arc<Policy>),
    Instance(Arc<Instance>),
    DelegationSet(Arc<DelegationSet>),
    QueryLog(Arc<QueryLog>),
    Change(Arc<Change>),
}

/// What names a record. Deleting a zone deletes its record sets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Zone(String),
    Rrset { zone: String, key: RrsetKey },
    Check(String),
    SpentReference(String),
    Collection(String),
    Policy(String, u32),
    Instance(String),
    DelegationSet(String),
    QueryLog(String),
    Change(String),
}

impl Record {
    pub fn key(&self) -> Key {
        match self {
            Self::Zone(zone) => Key::Zone(zone.id.clone()),
            Self::Rrset { zone, rrset } => Key::Rrset { zone: zone.clone(), key: rrset.key() },
            Self::Check(check) => Key::Check(check.id.clone()),
            Self::SpentReference(spent) => Key::SpentReference(spent.reference.clone()),
            Self::Collection(collection) => Key::Collection(collection.id.clone()),
            Self::Policy(policy) => Key::Policy(policy.id.clone(), policy.version),
            Self::Instance(instance) => Key::Instance(instance.id.clone()),
            Self::DelegationSet(set) => Key::DelegationSet(set.id.clone()),
            Self::QueryLog(log) => Key::QueryLog(log.id.clone()),
            Self::Change(change) => Key::Change(change.id.clone()),
        }
    }
}

/// For the audit log: `put check 1f0c…: {"id": …}`, `delete rrset org.example.www. A in zone Z1`.
impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put(record) => write!(f, "put {}: {}", record.key(), record.json()),
            Self::Delete(key) => write!(f, "delete {key}"),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zone(id) => write!(f, "zone {id}"),
            Self::Rrset { zone, key } => write!(f, "rrset {key} in zone {zone}"),
            Self::Check(id) => write!(f, "check {id}"),
            Self::SpentReference(reference) => write!(f, "spent reference {reference}"),
            Self::Collection(id) => write!(f, "collection {id}"),
            Self::Policy(id, version) => write!(f, "policy {id} version {version}"),
            Self::Instance(id) => write!(f, "policy instance {id}"),
            Self::DelegationSet(id) => write!(f, "delegation set {id}"),
            Self::QueryLog(id) => write!(f, "query log {id}"),
            Self::Change(id) => write!(f, "change {id}"),
        }
    }
}
