//! The client maps of one snapshot, found by their index.
//!
//! Immutable: other rules or other places make another value, which shares the maps that stay as they were.
//! Invariant: a map's index stays the same for as long as some group has its rules, so that a zone which did not change
//! need not be compiled again.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Places;
use super::map::ClientMap;
use super::rules::Rules;
use crate::ids::MapIndex;
use crate::jobs::DoJobs;

/// Every map, and what they were made of.
#[derive(Clone, Debug, Default)]
pub struct ClientMaps {
    places: Places,
    /// Empty where no group has the rules any more.
    slots: Vec<Option<(Rules, Arc<ClientMap>)>>,
}

impl ClientMaps {
    /// Maps for exactly the `wanted` rules, made of `places`; what neither changes is shared with these.
    pub fn next(&self, wanted: BTreeSet<Rules>, places: &Places, jobs: &impl DoJobs) -> Self {
        let is_same = self.places.is_same(places);
        let mut missing = wanted;
        let mut slots: Vec<Option<(Rules, Option<Arc<ClientMap>>)>> = Vec::with_capacity(self.slots.len());
        for slot in &self.slots {
            let kept = slot.as_ref().filter(|(rules, _)| missing.remove(rules));
            slots.push(kept.map(|(rules, map)| (rules.clone(), Some(map.clone()))));
        }
        for rules in missing {
            match slots.iter().position(Option::is_none) {
                Some(free) => slots[free] = Some((rules, None)),
                None => slots.push(Some((rules, None))),
            }
        }
        let made = jobs.map(slots, |slot| {
            let (rules, before) = slot?;
            let map = match before {
                Some(map) if is_same => map,
                before => Arc::new(ClientMap::build(&rules, places, before.as_deref())),
            };
            Some((rules, map))
        });
        Self { places: places.clone(), slots: made }
    }

    /// What the maps were made of.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// The index of the map for these rules.
    pub fn index(&self, rules: &Rules) -> Option<MapIndex> {
        let at = self.slots.iter().position(|slot| slot.as_ref().is_some_and(|(own, _)| own == rules));
        at.map(|at| MapIndex(at as u32))
    }

    /// The map at an index that came from this snapshot's zones.
    #[inline]
    pub fn map(&self, at: MapIndex) -> &ClientMap {
        &self.slot(at).1
    }

    /// The rules that the map at an index was made by.
    pub fn rules(&self, at: MapIndex) -> &Rules {
        &self.slot(at).0
    }

    #[inline]
    fn slot(&self, at: MapIndex) -> &(Rules, Arc<ClientMap>) {
        self.slots[at.at()].as_ref().expect("zones are compiled with the maps of their snapshot (control::build)")
    }
}
