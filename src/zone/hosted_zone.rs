//! A hosted zone: a name and the record sets under it, with where each was written.
//!
//! Not the DNS zone that answers: that is compiled from this one (see `compile`).
//! Invariant: none yet; `check` tells what must hold before a hosted zone may be compiled.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::group_options::GroupOptions;
use super::record_set::{Alias, RecordSet};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;

/// A zone as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostedZone {
    /// The apex.
    pub name: Name,
    /// In the order written.
    pub record_sets: Vec<RecordSet>,
    /// How many of the last record sets are answered through aliases only: no query finds them, and their names are no
    /// names of the zone.
    pub hidden: usize,
    /// The record groups that do more than their policy says, by name and type.
    pub groups: BTreeMap<(Name, RecordType), GroupOptions>,
    /// The files that record sets came from; the first is the zone's own.
    pub files: Vec<Arc<str>>,
}

impl HostedZone {
    /// The alias that a record set of this zone is, if it leads out of the zone.
    pub fn external<'s>(&self, set: &'s RecordSet) -> Option<&'s Alias> {
        set.external(&self.name)
    }
}
