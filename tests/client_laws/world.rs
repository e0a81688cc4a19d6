//! Small worlds of clients: what a geo database, a latency table and a CIDR collection say of 10.0.0.0/21.
//!
//! Everything is told apart by the first [`KNOWN_BITS`] bits, so [`addresses`] has somebody of every kind: each /25 inside,
//! and one address outside for each bit in which it may first differ. Source: RFC 7871 §7.2.1.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use ipnet::IpNet;
use proptest::prelude::*;
use waypost::places::Places;
use waypost::places::database::Database;
use waypost::places::latency::LatencyTable;
use waypost::text::Text;

use crate::mmdb::{self, Place};

/// What there is, as it was written.
#[derive(Clone, Debug)]
pub struct World {
    pub networks: Vec<(IpNet, Place)>,
    pub rows: Vec<(IpNet, &'static str, u32)>,
    pub blocks: Vec<(IpNet, &'static str)>,
}

/// Networks of databases and tables are at most so long.
const KNOWN_BITS: u8 = 25;
/// Blocks of CIDR collections are at most so long (Route 53).
const BLOCK_BITS: u8 = 24;
const FIRST: u32 = 0x0a00_0000;
const UNIVERSE_BITS: u8 = 21;
const SLOTS: u32 = 1 << (KNOWN_BITS - UNIVERSE_BITS);

pub const REGIONS: [&str; 5] = ["aws:eu-central-1", "aws:us-east-1", "gcp:asia-northeast1", "azure:westeurope", "aws:sa-east-1"];
pub const LOCATIONS: [&str; 3] = ["one", "two", "three"];

pub const CALIFORNIA: Place = place("NA", "US", Some("CA"), (37.4, -122.1));
pub const AMERICA: Place = place("NA", "US", None, (39.8, -98.6));
pub const GERMANY: Place = place("EU", "DE", None, (50.1, 8.7));
pub const FRANCE: Place = place("EU", "FR", None, (48.9, 2.4));
pub const JAPAN: Place = place("AS", "JP", None, (35.7, 139.7));
const PLACES: [Place; 5] = [CALIFORNIA, AMERICA, GERMANY, FRANCE, JAPAN];

const fn place(continent: &'static str, country: &'static str, subdivision: Option<&'static str>, at: (f64, f64)) -> Place {
    Place { continent: Some(continent), country: Some(country), subdivision, coordinates: Some(at), city: None }
}

/// Any world.
pub fn worlds() -> impl Strategy<Value = World> {
    let networks = each(KNOWN_BITS, prop::sample::select(&PLACES[..]), 12);
    let rows = each(KNOWN_BITS, proptest::collection::btree_map(prop::sample::select(&REGIONS[..]), 0u32..200, 1..3), 10);
    let blocks = each(BLOCK_BITS, prop::sample::select(&LOCATIONS[..]), 8);
    (networks, rows, blocks).prop_map(|(networks, rows, blocks)| {
        let rows = rows.into_iter().flat_map(|(network, rows)| rows.into_iter().map(move |(region, ms)| (network, region, ms)));
        World { networks, rows: rows.collect(), blocks }
    })
}

/// Each network once: most inside, some around.
fn each<V: Clone + std::fmt::Debug>(
    longest: u8,
    value: impl Strategy<Value = V>,
    max: usize,
) -> impl Strategy<Value = Vec<(IpNet, V)>> {
    let len = prop_oneof![1 => 8..UNIVERSE_BITS, 4 => UNIVERSE_BITS..=longest];
    let network = (0..SLOTS, len).prop_map(|(slot, len)| known(inside(slot), len));
    proptest::collection::btree_map(network, value, 1..max).prop_map(|map| map.into_iter().collect())
}

fn inside(slot: u32) -> IpAddr {
    Ipv4Addr::from_bits(FIRST | slot << (32 - KNOWN_BITS)).into()
}

/// A client of whom so many bits are known.
pub fn known(address: IpAddr, prefix_len: u8) -> IpNet {
    IpNet::new(address, prefix_len).expect("IPv4 has 32 bits").trunc()
}

/// One address of each kind: inside, then outside.
pub fn addresses() -> Vec<IpAddr> {
    (0..SLOTS).map(inside).chain((0..UNIVERSE_BITS).map(outside)).collect()
}

/// Somebody who differs from everyone inside from this bit on.
fn outside(bit: u8) -> IpAddr {
    Ipv4Addr::from_bits(FIRST ^ 1 << (31 - bit)).into()
}

/// Clients of each kind, each once: known to any number of bits inside, to as few as tell them apart and in full outside.
pub fn clients() -> Vec<IpNet> {
    let inside = (0..SLOTS).flat_map(|slot| (1..=KNOWN_BITS + 1).chain([32]).map(move |len| known(inside(slot), len)));
    let outside = (0..UNIVERSE_BITS).flat_map(|bit| [bit + 1, 32].map(|len| known(outside(bit), len)));
    inside.chain(outside).collect::<BTreeSet<IpNet>>().into_iter().collect()
}

impl World {
    pub fn places(&self) -> Places {
        let database = || Database::read(mmdb::write_with(mmdb::Layout::default(), &self.networks)).expect("a database");
        let lines: String = self.rows.iter().map(|(network, region, ms)| format!("{network},{region},{ms}\n")).collect();
        let (latency, problems) = LatencyTable::read(&Text::new("latency.csv".into(), lines));
        assert!(problems.is_empty(), "{problems}");
        let database = (!self.networks.is_empty()).then(|| Arc::new(database()));
        Places { database, latency: latency.map(Arc::new), margin_micros: 0 }
    }

    /// The collection `blocks` as a zone file has it; a location without blocks has one where nobody asks from.
    pub fn collection(&self) -> String {
        let location = |(at, name): (usize, &&str)| {
            let blocks = self.blocks.iter().filter(|(_, of)| of == name).map(|(block, _)| format!("\"{block}\""));
            let blocks: Vec<String> = blocks.collect();
            let elsewhere = vec![format!("\"192.0.{at}.0/24\"")];
            format!("{name} = [{}]\n", if blocks.is_empty() { elsewhere } else { blocks }.join(", "))
        };
        format!("[cidr.blocks]\n{}", LOCATIONS.iter().enumerate().map(location).collect::<String>())
    }

    /// Where the database says that somebody is.
    pub fn place(&self, address: IpAddr) -> Option<Place> {
        let holding = self.networks.iter().filter(|(network, _)| network.contains(&address));
        holding.max_by_key(|(network, _)| network.prefix_len()).map(|(_, place)| *place)
    }

    /// Whether a block of the location holds somebody.
    pub fn is_in(&self, location: &str, address: IpAddr) -> bool {
        self.blocks.iter().any(|(block, of)| *of == location && block.contains(&address))
    }
}
