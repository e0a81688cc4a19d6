//! All zones of a snapshot, by apex: the closest one that encloses a name; which of them whom is shown, and which log
//! their queries.
//!
//! Knows no records. Invariant: no two zones that one asker sees have one apex. Sources: RFC 1034 §4.3.2 step 2; Route 53
//! developer guide, "Working with private hosted zones".

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::ahead;
use super::table::{Place, Table};
use super::tree::{Zone, ZoneKey};
use crate::wire::name::Name;
use crate::wire::qname::QName;

/// The zones that are served.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    pub(super) zones: Vec<Arc<Zone>>,
    /// Their places in `zones`, from 1, by apex.
    pub(super) by_apex: Table,
    pub(super) places: Box<[Place]>,
    /// How many labels apexes have, the most first: other suffixes need no look.
    pub(super) label_counts: Box<[u8]>,
    /// Whether reading ahead in them pays.
    reads_ahead: bool,
    /// What askers of some networks see instead; none in a view itself.
    views: Option<Box<Views>>,
    /// The zones that log their queries, in the order of their keys; a view has none of its own.
    logged: Box<[(ZoneKey, Arc<LoggedAs>)]>,
}

/// What a zone's queries are logged as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedAs {
    /// The hosted zone's id.
    pub zone_id: Box<str>,
    pub log_group: Box<str>,
}

/// Catalogs by the network of whoever asks.
#[derive(Clone, Debug)]
struct Views {
    /// None for networks that see what everybody does, within those that see more.
    by_network: HashMap<IpNet, Option<Arc<Catalog>>>,
    /// The lengths of the networks, the longest first.
    prefix_lens: Vec<u8>,
}

impl Views {
    fn seen_by(&self, asker: IpAddr) -> Option<&Catalog> {
        let network = |len: &u8| IpNet::new(asker, *len).ok().map(|network| network.trunc());
        self.prefix_lens.iter().filter_map(network).find_map(|network| self.by_network.get(&network))?.as_deref()
    }
}

impl Catalog {
    /// The catalog of `zones`; of two with one apex the first is served.
    pub fn new(mut zones: Vec<Arc<Zone>>) -> Self {
        let mut known = HashSet::new();
        zones.retain(|zone| known.insert(zone.apex_key.clone()));
        let numbers: Vec<u32> = (1..=zones.len() as u32).collect();
        let (by_apex, places) = Table::lay(&numbers, |number| &zones[number as usize - 1].apex_key);
        let label_counts: BTreeSet<u8> = zones.iter().map(|zone| zone.apex_labels as u8).collect();
        let label_counts = label_counts.into_iter().rev().collect();
        let reads_ahead = ahead::pays(&zones);
        Self { zones, by_apex, places: places.into(), label_counts, reads_ahead, ..Self::default() }
    }

    /// The same with what askers of these networks see instead, if it is something else; of networks that lie in each
    /// other the smallest says.
    pub fn with_views(self, views: Vec<(IpNet, Option<Arc<Catalog>>)>) -> Self {
        if views.iter().all(|(_, view)| view.is_none()) {
            return self;
        }
        let by_network: HashMap<IpNet, _> = views.into_iter().map(|(network, view)| (network.trunc(), view)).collect();
        let mut prefix_lens: Vec<u8> = by_network.keys().map(IpNet::prefix_len).collect();
        prefix_lens.sort_unstable_by_key(|len| Reverse(*len));
        prefix_lens.dedup();
        Self { views: Some(Box::new(Views { by_network, prefix_lens })), ..self }
    }

    /// The same where the zones of these names that everybody sees log their queries; a private zone of such a name does not.
    pub fn with_logged(self, logged: &BTreeMap<Name, Arc<LoggedAs>>) -> Self {
        let key = |name: &Name| self.at(&name.as_wire().to_ascii_lowercase()).map(|zone| zone.zone_key());
        let by_key = logged.iter().filter_map(|(name, logged)| Some((key(name)?, logged.clone())));
        let mut by_key: Vec<_> = by_key.collect();
        by_key.sort_unstable_by_key(|(key, _)| *key);
        Self { logged: by_key.into(), ..self }
    }

    /// Whether reading ahead in the zones pays.
    #[inline]
    pub fn reads_ahead(&self) -> bool {
        self.reads_ahead
    }

    /// Whether any zone logs its queries.
    #[inline]
    pub fn has_logged(&self) -> bool {
        !self.logged.is_empty()
    }

    /// What the queries of a zone are logged as, if they are: a zone of this catalog or of its views.
    pub fn logged(&self, zone: ZoneKey) -> Option<&Arc<LoggedAs>> {
        let at = self.logged.binary_search_by_key(&zone, |(key, _)| *key).ok()?;
        Some(&self.logged[at].1)
    }

    /// What whoever asks from this address sees.
    #[inline]
    pub fn seen_by(&self, asker: IpAddr) -> &Self {
        match &self.views {
            None => self,
            Some(views) => views.seen_by(asker.to_canonical()).unwrap_or(self),
        }
    }

    #[inline]
    fn at(&self, apex: &[u8]) -> Option<&Arc<Zone>> {
        let mut zones = self.by_apex.candidates(&self.places, apex).map(|number| &self.zones[number as usize - 1]);
        zones.find(|zone| zone.has_apex(apex))
    }

    /// The closest zone that `name` is at or below.
    #[inline(always)]
    pub fn closest(&self, name: &QName) -> Option<&Zone> {
        self.closest_within(name, name.labels())
    }

    /// The closest zone that `name` is below.
    pub fn above(&self, name: &QName) -> Option<&Zone> {
        self.closest_within(name, name.labels().checked_sub(1)?)
    }

    /// The closest zone that `name` is at or below, with an apex of at most so many labels.
    #[inline(always)]
    fn closest_within(&self, name: &QName, most: usize) -> Option<&Zone> {
        match &self.zones[..] {
            [only] if only.apex_labels <= most && only.has_apex(name.last_labels(only.apex_labels)) => Some(only),
            [_] => None,
            _ => self.closest_of_many(name, most),
        }
    }

    #[inline(never)]
    fn closest_of_many(&self, name: &QName, most: usize) -> Option<&Zone> {
        let mut counts = self.label_counts.iter().map(|labels| usize::from(*labels)).filter(|labels| *labels <= most);
        counts.find_map(|labels| self.at(name.last_labels(labels))).map(|zone| &**zone)
    }

    pub fn zones(&self) -> &[Arc<Zone>] {
        &self.zones
    }
}
