//! What of an account is served: its zones, checks and collections, in the form that every notation becomes.
//!
//! Private zones are shown to clients of their networks, where the configuration has these: nobody else may learn of them.
//! Of zones of one name the oldest is served, as no resolver would be sent to the others. Zones are served in parts, so that
//! a change costs little, but for private ones and those with traffic policy instances. Invariant: what files own is left to their own reader.
//! Source: Route 53 developer guide, "Working with hosted zones".

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Account;
use super::entities::{Collection, Instance, Policy, QueryLog};
use super::zone::{Zone, ZoneRecord};
use crate::control::state::State;
use crate::ids::{CollectionId, HealthCheckId, LocationName};
use crate::places::cidr::CidrCollection;
use crate::route53::checks::meaning;
use crate::route53::name::parse_name;
use crate::route53::policy::Document;
use crate::route53::policy::compile::{Compiled, Placed, compile};
use crate::wire::name::Name;
use crate::zone::catalog::LoggedAs;
use crate::zone::hosted_zone::HostedZone;
use crate::zone::record_set::Ttl;

impl Account {
    /// `files` and all that the API owns, as one state.
    ///
    /// Zones that have not changed since they were last served are shared.
    pub fn served(&mut self, files: &State) -> State {
        let mut state = files.clone();
        let policies = Policies { instances: &self.instances, versions: &self.policies };
        let in_one_piece: BTreeSet<&str> = self.instances.values().map(|instance| &*instance.zone).collect();
        let mut names: BTreeSet<Name> = state.zones.iter().map(|zone| zone.name.to_lowercase()).collect();
        let mut own: Vec<&mut Arc<Zone>> =
            self.zones.values_mut().filter(|zone| zone.record.file.is_none() && !zone.record.private).collect();
        own.sort_by(|a, b| a.record.rank().cmp(&b.record.rank()));
        let logs: BTreeMap<&str, &QueryLog> = self.query_logs.values().map(|log| (&*log.zone, &**log)).collect();
        for zone in own {
            let name = zone.parted.name().to_lowercase();
            if !names.insert(name.clone()) {
                continue;
            }
            if let Some(log_group) = logs.get(&*zone.record.id).and_then(|log| QueryLog::log_group_of(&log.log_group_arn)) {
                let logged = LoggedAs { zone_id: (&*zone.record.id).into(), log_group: log_group.into() };
                state.logged.insert(name, Arc::new(logged));
            }
            // What an instance makes has names that are in no part.
            match in_one_piece.contains(&*zone.record.id) {
                true => state.zones.push(hosted(zone, &policies)),
                false => state.parted.push(zone.parted.clone()),
            }
        }
        for view in &mut state.views {
            let is_seen = |zone: &&mut Arc<Zone>| {
                let record = &zone.record;
                record.file.is_none() && record.vpcs.iter().any(|vpc| vpc.id == view.id && vpc.region == view.region)
            };
            view.zones = self.zones.values_mut().filter(is_seen).map(|zone| hosted(zone, &policies)).collect();
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
        let others = self.zones.values().map(|other| &other.record);
        let before = |other: &ZoneRecord| !other.private && other.name == zone.name && other.rank() < zone.rank();
        !zone.private && !others.into_iter().any(|other| before(other))
    }
}

/// The traffic policies of the account, and what was made of them.
struct Policies<'a> {
    instances: &'a BTreeMap<String, Arc<Instance>>,
    versions: &'a BTreeMap<(String, u32), Arc<Policy>>,
}

impl Policies<'_> {
    /// What the instance of this id makes in its zone.
    fn compiled(&self, id: &str, apex: &Name) -> Option<Compiled> {
        let instance = self.instances.get(id)?;
        let version = self.versions.get(&(instance.policy.clone(), instance.policy_version))?;
        let name = parse_name(&instance.name).ok()?;
        let placed = Placed { id, apex, name: &name, ttl: Ttl::new(instance.ttl.into()).ok()? };
        compile(&Document::parse(&version.document).ok()?, &placed).ok()
    }
}

/// The zone as it is compiled, made again only after a change. The record set of a traffic policy instance stands for all
/// that the instance makes.
fn hosted(zone: &mut Arc<Zone>, policies: &Policies<'_>) -> Arc<HostedZone> {
    if let Some(hosted) = &zone.hosted {
        return hosted.clone();
    }
    let name = parse_name(&zone.record.name).expect("an account's zones have names that were read");
    let mut record_sets = Vec::with_capacity(zone.rrset_count());
    let mut hidden = Vec::new();
    for rrset in zone.rrsets().values() {
        match &rrset.said.traffic_policy_instance_id {
            None => record_sets.push(rrset.set.clone()),
            Some(id) => {
                // An instance was compiled before it was accepted, so there is one.
                let Some(compiled) = policies.compiled(id, &name) else { continue };
                record_sets.extend(compiled.root);
                hidden.extend(compiled.hidden);
            }
        }
    }
    let hidden_len = hidden.len();
    record_sets.append(&mut hidden);
    let hosted = Arc::new(HostedZone {
        name,
        record_sets,
        hidden: hidden_len,
        groups: BTreeMap::new(),
        files: vec![format!("hosted zone {}", zone.record.id).into()],
    });
    Arc::make_mut(zone).hosted = Some(hosted.clone());
    hosted
}

fn blocks(collection: &Collection) -> Option<(CollectionId, Arc<CidrCollection>)> {
    let blocks = collection.locations.iter().flat_map(|(location, blocks)| {
        blocks.iter().filter_map(|block| Some((block.parse().ok()?, LocationName::new(location).ok()?)))
    });
    Some((CollectionId::new(&collection.id).ok()?, Arc::new(CidrCollection::new(blocks).ok()?)))
}
