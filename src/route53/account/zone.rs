//! A hosted zone of the account: what is said of it, and its record sets in the order of the API's lists.
//!
//! Invariant: each record set stands under its own key.
//! Source: Route 53 API 2013-04-01, `HostedZone`; `ListResourceRecordSets` for the order.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::route53::name::parse_name;
use crate::route53::records::rrset::{Rrset, RrsetKey};
use crate::route53::records::rrsets::Rrsets;
use crate::wire::name::Name;
use crate::zone::hosted_zone::HostedZone;
use crate::zone::parted::PartedZone;

/// A hosted zone and its record sets.
#[derive(Clone, Debug)]
pub struct Zone {
    pub record: Arc<ZoneRecord>,
    /// In the order of the API's lists.
    pub rrsets: Rrsets,
    /// The same as they are served; nothing for a zone of a file.
    pub(super) parted: Arc<PartedZone>,
    /// The same in one piece, where that was asked for since the last change.
    pub(super) hosted: Option<Arc<HostedZone>>,
}

/// What is said of a zone as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneRecord {
    /// Bare: `Z0123456789ABCDEFGHIJ`.
    pub id: String,
    /// As shown, with its final dot.
    pub name: String,
    pub caller_reference: String,
    pub comment: Option<String>,
    pub private: bool,
    /// The reusable delegation set that it was made with.
    pub delegation_set: Option<String>,
    pub name_servers: Vec<String>,
    pub vpcs: Vec<Vpc>,
    /// Networks of other accounts that may be associated.
    pub vpc_authorizations: Vec<Vpc>,
    pub accelerated_recovery: bool,
    pub tags: BTreeMap<String, String>,
    pub is_signing: bool,
    pub signing_keys: Vec<SigningKey>,
    /// The record sets that no change may touch.
    pub protections: Vec<Protection>,
    pub created_at: Timestamp,
    /// The file it is written in; none for those of the API.
    #[serde(skip)]
    pub file: Option<String>,
}

/// Route 53's `VPC`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Vpc {
    pub region: String,
    pub id: String,
}

/// Route 53's `KeySigningKey`, as far as its state goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningKey {
    pub name: String,
    pub kms_arn: String,
    pub caller_reference: String,
    pub is_active: bool,
    pub created_at: Timestamp,
    pub changed_at: Timestamp,
}

/// Route 53's `ResourceRecordSetProtection`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protection {
    /// As shown, with its final dot.
    pub name: String,
    pub kind: String,
    pub comment: Option<String>,
    pub created_at: Timestamp,
}

impl ZoneRecord {
    /// Which of several zones of one name answers: the one that comes first.
    pub fn rank(&self) -> (bool, Timestamp, &str) {
        (self.file.is_none(), self.created_at, &self.id)
    }
}

impl Zone {
    /// A zone without record sets.
    pub fn new(record: Arc<ZoneRecord>) -> Self {
        let name = parse_name(&record.name).unwrap_or_else(|_| Name::root());
        Self { record, rrsets: Rrsets::new(), parted: Arc::new(PartedZone::new(name, [])), hosted: None }
    }

    /// Adds a record set, or replaces the one of its key.
    pub fn put(&mut self, rrset: Arc<Rrset>) {
        // What is a file's is served from the file.
        if self.record.file.is_none() {
            Arc::make_mut(&mut self.parted).put(rrset.set.clone());
        }
        self.hosted = None;
        self.rrsets.put(rrset);
    }

    pub fn remove(&mut self, key: &RrsetKey) {
        if let Some(removed) = self.rrsets.remove(key) {
            let set = &removed.set;
            self.hosted = None;
            Arc::make_mut(&mut self.parted).remove(&set.name, set.rtype, set.set_identifier.as_ref());
        }
    }
}
