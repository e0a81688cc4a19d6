//! All zones of a snapshot, by apex: the closest one that encloses a name.
//!
//! Knows no records. Invariant: no two zones have one apex. Source: RFC 1034 §4.3.2 step 2.

use std::sync::Arc;

use hashbrown::HashTable;

use super::tree::{Zone, hash};
use crate::wire::qname::QName;

/// The zones that are served.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    zones: Vec<Arc<Zone>>,
    by_apex: HashTable<u32>,
    /// One bit for each number of labels that an apex has: other suffixes need no look.
    label_counts: u128,
}

impl Catalog {
    /// The catalog of `zones`; of two with one apex the first is served.
    pub fn new(zones: Vec<Arc<Zone>>) -> Self {
        let mut catalog = Self::default();
        for zone in zones {
            catalog.insert(zone);
        }
        catalog
    }

    fn insert(&mut self, zone: Arc<Zone>) {
        if self.at(&zone.apex_key).is_some() {
            return;
        }
        let at = self.zones.len() as u32;
        self.label_counts |= 1 << zone.apex().label_count();
        self.zones.push(zone);
        let zones = &self.zones;
        let key = |at: &u32| &zones[*at as usize].apex_key;
        self.by_apex.insert_unique(hash(key(&at)), at, |at| hash(key(at)));
    }

    #[inline]
    fn at(&self, apex: &[u8]) -> Option<&Arc<Zone>> {
        let at = self.by_apex.find(hash(apex), |&at| *self.zones[at as usize].apex_key == *apex)?;
        Some(&self.zones[*at as usize])
    }

    /// The zones that `name` is at or below, the closest first.
    #[inline]
    pub fn enclosing<'c, 'n>(&'c self, name: &'n QName) -> impl Iterator<Item = &'c Zone> + use<'c, 'n> {
        let mut suffix = Some((name.as_wire(), name.labels()));
        std::iter::from_fn(move || {
            while let Some((wire, labels)) = suffix {
                suffix = labels.checked_sub(1).map(|fewer| (&wire[1 + usize::from(wire[0])..], fewer));
                let zone = if self.label_counts >> labels & 1 == 1 { self.at(wire) } else { None };
                if let Some(zone) = zone {
                    return Some(&**zone);
                }
            }
            None
        })
    }

    pub fn zones(&self) -> &[Arc<Zone>] {
        &self.zones
    }
}
