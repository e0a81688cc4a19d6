//! What looking up names will read, asked of memory for all that came together.
//!
//! A lookup is a chain of reads, each of which says where the next one is. Where there are more names than a core's caches
//! hold, it waits for memory at each of them. Names that came together do not depend on each other: here the first read is
//! done for all of them, then the second for all, so that a core waits once where it would have waited for each.
//! Decides nothing: a lookup reads what it has to, whether or not it was read before, and what only hashes say may be wrong
//! here. Invariant: no name leads out of what is there.

use std::sync::Arc;

use super::catalog::Catalog;
use super::table::{Search, Table};
use super::tree::{Part, Zone};
use crate::wire::qname::QName;

/// Names that are read ahead for at once: about as many reads as a core has under way.
pub const TOGETHER: usize = 16;
/// Octets of zones from which it pays: a core's own caches hold what is less.
const PAYS_FROM: usize = 1 << 20;

/// How far the lookup of one name has come.
#[derive(Clone, Copy, Default)]
struct Lookup<'c> {
    zone: Option<&'c Zone>,
    /// That for the zone, then that for the name in its part of the zone.
    search: Option<Search>,
    part: Option<&'c Part>,
}

/// Whether reading ahead in these zones pays.
pub(super) fn pays(zones: &[Arc<Zone>]) -> bool {
    zones.iter().map(|zone| size_of::<Zone>() + zone.octets()).sum::<usize>() >= PAYS_FROM
}

impl Catalog {
    /// Reads what looking up each of at most [`TOGETHER`] names will read.
    #[inline(never)]
    pub fn read_ahead(&self, names: &[QName]) {
        let mut lookups = [Lookup::default(); TOGETHER];
        let lookups = &mut lookups[..names.len()];
        self.find_nodes(names, lookups);
        for Lookup { search, part, .. } in lookups {
            part.iter().zip(*search).for_each(|(part, search)| part.touch_node(search));
        }
    }

    /// Finds where in which part the node of each name is, as far as hashes tell, and reads that.
    fn find_nodes<'c>(&'c self, names: &[QName], lookups: &mut [Lookup<'c>]) {
        match &self.zones[..] {
            [only] => lookups.iter_mut().for_each(|lookup| lookup.zone = Some(only)),
            _ => self.find_zones(names, lookups),
        }
        lookups.iter().filter_map(|lookup| lookup.zone).for_each(Zone::touch);
        for (name, lookup) in names.iter().zip(lookups) {
            (lookup.part, lookup.search) = lookup.zone.and_then(|zone| zone.search(name)).unzip();
            lookup.part.iter().zip(lookup.search).for_each(|(part, search)| part.touch(search));
        }
    }

    /// Finds the zone of each name, as far as hashes tell.
    fn find_zones<'c>(&'c self, names: &[QName], lookups: &mut [Lookup<'c>]) {
        for labels in self.label_counts.iter().map(|labels| usize::from(*labels)) {
            let is_sought = |name: &QName, lookup: &Lookup<'_>| lookup.zone.is_none() && name.labels() >= labels;
            for (name, lookup) in names.iter().zip(&mut *lookups) {
                lookup.search = is_sought(name, lookup).then(|| self.by_apex.search(name.last_labels(labels)));
                lookup.search.iter().for_each(|search| Table::touch(&self.places, *search));
            }
            for lookup in &mut *lookups {
                let number = lookup.search.and_then(|search| self.by_apex.candidates_of(&self.places, search).next());
                lookup.zone = number.map(|number| &*self.zones[number as usize - 1]).or(lookup.zone);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::jobs::InTurn;
    use crate::wire::name::Name;
    use crate::wire::rtype::RecordType;
    use crate::zone::compile::{Tables, compile};
    use crate::zone::hosted_zone::HostedZone;
    use crate::zone::node::Node;
    use crate::zone::parted::PartedZone;
    use crate::zone::record_set::{RdataList, RecordSet, Ttl};

    /// The zone of this apex with these owners, in parts if there are enough of them.
    fn zone(apex: &str, owners: &[&str], filling: usize) -> Arc<Zone> {
        let name = |owner: &str| Name::parse(&format!("{owner}{apex}"), None).expect("a name");
        let set =
            |name, rtype, rdata: &[u8]| RecordSet::simple(name, rtype, Ttl::new(60).expect("in range"), RdataList::new([rdata]));
        let soa = [name("").as_wire(), name("").as_wire(), &[0; 20]].concat();
        let owners = owners.iter().map(|owner| (*owner).to_owned()).chain((0..filling).map(|at| format!("filling{at}.")));
        let mut sets = vec![set(name(""), RecordType::SOA, &soa), set(name(""), RecordType::NS, name("").as_wire())];
        sets.extend(owners.map(|owner| set(name(&owner), RecordType::A, &[192, 0, 2, 1])));
        let tables = Tables { health: &|_| None, gate: &|_, _, _| None, map: &|_| None, external: &|_, _| None };
        let parted = PartedZone::new(name(""), sets.clone());
        let hosted = HostedZone { name: name(""), record_sets: sets, hidden: 0, groups: BTreeMap::new(), files: Vec::new() };
        let zone = if parted.parts() > 1 { parted.compile(&tables, None, true, &InTurn) } else { compile(&hosted, &tables) };
        Arc::new(zone.expect("the zone compiles"))
    }

    static CATALOGS: LazyLock<[Catalog; 4]> = LazyLock::new(|| {
        let parted = || zone("large.test.", &["www.", "a.b.", "*."], 3_000);
        assert!(!parted().parts.is_empty());
        let nested = || vec![zone("test.", &["www."], 0), zone("a.test.", &["www.", "x.y.z."], 0), zone("b.a.test.", &["*."], 0)];
        [Vec::new(), vec![parted()], nested(), [vec![parted(), zone(".", &["org"], 0)], nested()].concat()].map(Catalog::new)
    });

    /// A name in wire form.
    fn any_name() -> impl Strategy<Value = Vec<u8>> {
        const LABELS: [&str; 12] = ["www", "a", "b", "x", "y", "z", "*", "filling7", "filling2999", "large", "test", "org"];
        let label = prop_oneof![9 => prop::sample::select(&LABELS[..]).prop_map(str::to_owned), 1 => "[a-z]{1,63}"];
        prop::collection::vec(label, 0..5).prop_map(|labels| {
            labels
                .iter()
                .map(String::as_bytes)
                .chain([&[][..]])
                .flat_map(|label| [&[label.len() as u8], label].concat())
                .collect()
        })
    }

    proptest! {
        #[test]
        fn what_is_read_ahead_is_what_the_lookup_reads(names in prop::collection::vec(any_name(), 0..=TOGETHER)) {
            let names: Vec<QName> = names.iter().filter_map(|name| QName::read(name)).collect();
            for catalog in &*CATALOGS {
                catalog.read_ahead(&names);
                let mut lookups = vec![Lookup::default(); names.len()];
                catalog.find_nodes(&names, &mut lookups);
                for (name, lookup) in names.iter().zip(&lookups) {
                    let Some(zone) = catalog.closest(name) else { continue };
                    prop_assert!(lookup.zone.is_some_and(|found| found.zone_key() == zone.zone_key()));
                    if zone.node_of(name.as_wire()).is_some() {
                        let (part, search) = lookup.part.zip(lookup.search).expect("the zone has it");
                        let node = part.first(search).map(|number| Node::read(&part.octets, number));
                        prop_assert_eq!(node.map(Node::key), name.as_wire().strip_suffix(&*zone.apex_key));
                    }
                }
            }
        }
    }

    #[test]
    fn it_pays_where_zones_are_more_than_caches_hold() {
        let pays = |zones| Catalog::new(zones).reads_ahead();
        assert!(!pays(vec![]) && !pays(vec![zone("test.", &[], 10_000)]) && pays(vec![zone("test.", &[], 40_000)]));
        assert!(pays((0..4_000).map(|at| zone(&format!("zone{at}.test."), &["a.", "b.", "c.", "d."], 0)).collect()));
    }
}
