//! Records as the store's rows and a backup's lines have them: a word for their kind, and JSON.
//!
//! Knows no file. Invariant: what [`Record::parse_row`] makes of a record's kind, zone and JSON is that record.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::edit::Record;
use crate::route53::records::rrset::{Rrset, Said};

impl Record {
    /// The word for what it is.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Zone(_) => "zone",
            Self::Rrset { .. } => "rrset",
            Self::Check(_) => "check",
            Self::SpentReference(_) => "spent",
            Self::Collection(_) => "collection",
            Self::Policy(_) => "policy",
            Self::Instance(_) => "instance",
            Self::DelegationSet(_) => "delegationset",
            Self::QueryLog(_) => "querylog",
            Self::Change(_) => "change",
        }
    }

    /// What is kept of it beside its kind and, of a record set, its zone.
    pub fn json(&self) -> String {
        match self {
            Self::Zone(zone) => json(&**zone),
            Self::Rrset { rrset, .. } => json(&rrset.said),
            Self::Check(check) => json(&**check),
            Self::SpentReference(spent) => json(&**spent),
            Self::Collection(collection) => json(&**collection),
            Self::Policy(policy) => json(&**policy),
            Self::Instance(instance) => json(&**instance),
            Self::DelegationSet(set) => json(&**set),
            Self::QueryLog(log) => json(&**log),
            Self::Change(change) => json(&**change),
        }
    }

    /// Reads a record of this kind; `zone` is the id of the zone that a record set is in.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse_row(kind: &str, zone: &str, json: &[u8]) -> Result<Self, String> {
        Ok(match kind {
            "zone" => Self::Zone(parsed(json)?),
            "rrset" => {
                let said: Said = parsed::<Said>(json).map(Arc::unwrap_or_clone)?;
                let rrset = Rrset::new(said).map_err(|invalid| invalid.to_string())?;
                Self::Rrset { zone: zone.to_owned(), rrset: Arc::new(rrset) }
            }
            "check" => Self::Check(parsed(json)?),
            "spent" => Self::SpentReference(parsed(json)?),
            "collection" => Self::Collection(parsed(json)?),
            "policy" => Self::Policy(parsed(json)?),
            "instance" => Self::Instance(parsed(json)?),
            "delegationset" => Self::DelegationSet(parsed(json)?),
            "querylog" => Self::QueryLog(parsed(json)?),
            "change" => Self::Change(parsed(json)?),
            other => return Err(format!("{other:?} is no kind of record")),
        })
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("records are structures of texts, numbers and lists")
}

fn parsed<T: DeserializeOwned>(json: &[u8]) -> Result<Arc<T>, String> {
    serde_json::from_slice(json).map(Arc::new).map_err(|error| error.to_string())
}
