//! What of an account is served: its public zones, checks and collections, in the form that every notation becomes.
//!
//! Private zones are not: nobody outside their networks may learn of them. Of zones of one name the oldest is served, as
//! no resolver would be sent to the others. Invariant: what files own is left to their own reader.
//! Source: Route 53 developer guide, "Working with hosted zones".

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Account;
use super::entities::Collection;
use super::zone::{Zone, ZoneRecord};
use crate::control::state::State;
use crate::ids::{CollectionId, HealthCheckId, LocationName};
use crate::places::cidr::CidrCollection;
use crate::route53::checks::meaning;
use crate::wire::name::Name;

impl Account {
    /// `files` and all that the API owns, as one state.
    ///
    /// Zones that have not changed since they were last served are shared.
    pub fn served(&self, files: &State) -> State {
        let mut state = files.clone();
        let mut names: BTreeSet<Name> = state.zones.iter().map(|zone| zone.name.to_lowercase()).collect();
        let mut own: Vec<&Arc<Zone>> =
            self.zones.values().filter(|zone| zone.record.file.is_none() && !zone.record.private).collect();
        own.sort_by(|a, b| (a.record.created_at, &a.record.id).cmp(&(b.record.created_at, &b.record.id)));
        for zone in own {
            if names.insert(zone.parted.name().to_lowercase()) {
                state.parted.push(zone.parted.clone());
            }
        }
        for check in self.checks.values().filter(|check| check.file.is_none()) {
            if let Ok(id) = HealthCheckId::new(&check.id) {
                state.checks.insert(id.clone(), meaning(id, &check.config));
            }
        }
        for collection in self.collections.values().filter(|collection| collection.file.is_none()) {
            if let Some((id, blocks)) = blocks(collection) {
                state.collections.insert(id, blocks);
            }
        }
        state
    }

    /// Whether queries are answered from this zone: it is public, and no other of its name comes before it.
    pub fn is_served(&self, zone: &ZoneRecord) -> bool {
        let rank = |zone: &ZoneRecord| (zone.file.is_none(), zone.created_at, zone.id.clone());
        let others = self.zones.values().map(|other| &other.record);
        let before = |other: &ZoneRecord| !other.private && other.name == zone.name && rank(other) < rank(zone);
        !zone.private && !others.into_iter().any(|other| before(other))
    }
}

fn blocks(collection: &Collection) -> Option<(CollectionId, Arc<CidrCollection>)> {
    let blocks = collection.locations.iter().flat_map(|(location, blocks)| {
        blocks.iter().filter_map(|block| Some((block.parse().ok()?, LocationName::new(location).ok()?)))
    });
    Some((CollectionId::new(&collection.id).ok()?, Arc::new(CidrCollection::new(blocks).ok()?)))
}
