//! All zones of a snapshot, by apex: the closest one that encloses a name.
//!
//! Knows no records. Invariant: no two zones have one apex. Source: RFC 1034 §4.3.2 step 2.

use std::sync::Arc;

use super::table::Table;
use super::tree::{Zone, hash, is_same};
use crate::wire::LABELS_MAX;
use crate::wire::qname::QName;

/// The zones that are served.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    zones: Vec<Arc<Zone>>,
    by_apex: Table,
    /// Whether an apex has so many labels: other suffixes need no look.
    has_labels: LabelCounts,
}

/// True at each number of labels that occurs.
#[derive(Clone, Debug)]
struct LabelCounts([bool; LABELS_MAX + 1]);

impl Default for LabelCounts {
    fn default() -> Self {
        Self([false; LABELS_MAX + 1])
    }
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
        self.has_labels.0[zone.apex().label_count()] = true;
        self.by_apex.insert(hash(&zone.apex_key), at);
        self.zones.push(zone);
    }

    #[inline]
    fn at(&self, apex: &[u8]) -> Option<&Arc<Zone>> {
        let at = self.by_apex.find(hash(apex), |at| is_same(&self.zones[at as usize].apex_key, apex))?;
        Some(&self.zones[at as usize])
    }

    /// The closest zone that `name` is at or below.
    #[inline]
    pub fn closest(&self, name: &QName) -> Option<&Zone> {
        self.closest_to(name.as_wire(), name.labels())
    }

    /// The closest zone that `name` is below.
    pub fn above(&self, name: &QName) -> Option<&Zone> {
        let parent = name.as_wire().get(1 + usize::from(name.as_wire()[0])..)?;
        self.closest_to(parent, name.labels().checked_sub(1)?)
    }

    /// The same for a name of `labels` labels in wire form and lower case.
    #[inline]
    fn closest_to(&self, mut name: &[u8], mut labels: usize) -> Option<&Zone> {
        loop {
            if self.has_labels.0[labels]
                && let Some(zone) = self.at(name)
            {
                return Some(zone);
            }
            labels = labels.checked_sub(1)?;
            name = &name[1 + usize::from(name[0])..];
        }
    }

    pub fn zones(&self) -> &[Arc<Zone>] {
        &self.zones
    }
}
