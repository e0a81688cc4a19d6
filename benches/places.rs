//! What it costs to know where clients are: a geo database of 3 million networks, and client maps made of it.
//!
//! The database is synthetic: 2 million IPv4 networks side by side, as real ones lie, and a million in a few hundred of the
//! prefixes that registries give out. Sizes are printed before the times. Wall time: compare within one run only.

use std::hint::black_box;
use std::net::IpAddr;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use waypost::geography::area::Area;
use waypost::geography::regions::regions;
use waypost::geography::site::{Bias, RegionName, Site};
use waypost::places::Places;
use waypost::places::client::{Client, ClientSource};
use waypost::places::database::Database;
use waypost::places::map::{ClientMap, Standing};
use waypost::places::rules::Rules;

#[path = "../tests/support/mmdb.rs"]
mod mmdb;

const V4_NETWORKS: usize = 2_000_000;
const V6_NETWORKS: usize = 1_000_000;
/// Different coordinates in it.
const COORDINATES: u64 = 50_000;
const COUNTRIES: [&str; 12] = ["US", "DE", "JP", "BR", "ZA", "AU", "IN", "FR", "GB", "CN", "NG", "RU"];

/// Numbers that look random, the same in each run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn place(&mut self) -> mmdb::Place {
        let at = self.next() % COORDINATES;
        let (north, east) = ((at % 170) as f64 - 85.0, (at * 7_919 % 36_000) as f64 / 100.0 - 180.0);
        let country = Some(COUNTRIES[(at % 12) as usize]);
        mmdb::Place { country, coordinates: Some((north, east)), ..mmdb::Place::default() }
    }

    fn v4(&mut self) -> Vec<(IpNet, mmdb::Place)> {
        let mut first = 0x0100_0000u32;
        let network = |_| {
            // As long as wanted, and aligned to itself.
            let len = (19 + self.next() % 8).max(32 - u64::from(first.trailing_zeros().min(16))) as u8;
            let network = Ipv4Net::new(first.into(), len).expect("a length of IPv4");
            first = first.checked_add(1 << (32 - len))?;
            Some((IpNet::V4(network), self.place()))
        };
        (0..V4_NETWORKS).map_while(network).collect()
    }

    fn v6(&mut self) -> Vec<(IpNet, mmdb::Place)> {
        let registries = [0x2001u128, 0x2400, 0x2600, 0x2800, 0x2a00, 0x2c00];
        let mut first = 0u128;
        let network = |at: usize| {
            // Side by side within a /32, of which every nineteenth is in use.
            if at.is_multiple_of(100) || first.trailing_zeros() >= 96 {
                let holder = at as u128 / 100;
                first = (registries[(holder % 6) as usize] << 112) + ((holder / 6 * 19 + 1) << 96);
            }
            let len = (36 + self.next() % 13).max(128 - u64::from(first.trailing_zeros().min(92))) as u8;
            let network = Ipv6Net::new(first.into(), len).expect("a length of IPv6");
            first += 1 << (128 - len);
            (IpNet::V6(network), self.place())
        };
        (0..V6_NETWORKS).map(network).collect()
    }

    fn clients(&mut self, networks: &[(IpNet, mmdb::Place)]) -> Vec<Client> {
        let client = |_| {
            let (network, _) = networks[self.next() as usize % networks.len()];
            Client { address: network.addr(), prefix_len: network.prefix_len(), source: ClientSource::Subnet }
        };
        (0..1 << 16).map(client).collect()
    }
}

fn database(v4: &[(IpNet, mmdb::Place)], v6: &[(IpNet, mmdb::Place)]) -> Database {
    let layout = mmdb::Layout { record_bits: 32, ..mmdb::Layout::default() };
    let octets = mmdb::write_with(layout, &[v4, v6].concat());
    let database = Database::read(octets).expect("the bench writes a database");
    let (networks, places, mib) = (database.network_count(), database.place_count(), mib(database.memory_octets()));
    println!("database: {networks} networks, {places} places, {mib:.1} MiB");
    database
}

fn mib(octets: usize) -> f64 {
    octets as f64 / f64::from(1 << 20)
}

/// Groups of every policy that asks where the client is.
fn groups() -> [(&'static str, Rules); 4] {
    let named = |wanted: &[&str]| {
        let site = |name: &&str| Site { region: Some(RegionName::parse(name).expect("a region's name")), coordinates: None };
        Rules::Latency(wanted.iter().map(site).collect())
    };
    let countries = COUNTRIES.map(|code| Area::Country(code.parse().expect("a country")));
    let sites = regions().iter().step_by(20).map(|region| (region.coordinates, Bias::default())).collect();
    let all: Vec<&str> = regions().iter().map(|region| region.name).filter(|name| name.starts_with("aws:")).collect();
    [
        ("geolocation, 13 members", Rules::Geolocation([&countries[..], &[Area::Anywhere]].concat())),
        ("geoproximity, 8 members", Rules::Geoproximity(sites)),
        ("latency, 3 members", named(&["aws:eu-central-1", "aws:us-east-1", "aws:ap-northeast-1"])),
        ("latency, 39 members", named(&all)),
    ]
}

fn places(criterion: &mut Criterion) {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let (v4, v6) = (numbers.v4(), numbers.v6());
    let database = Arc::new(database(&v4, &v6));
    let families = [("IPv4", numbers.clients(&v4)), ("IPv6", numbers.clients(&v6))];
    let mut group = criterion.benchmark_group("database lookup");
    for (family, clients) in &families {
        let mut next = clients.iter().cycle();
        let mut address = || next.next().map_or(IpAddr::V4(0.into()), |client| client.address);
        group.bench_function(*family, |bencher| bencher.iter(|| black_box(database.lookup(address()).prefix_len)));
    }
    group.finish();
    let places = Places { database: Some(database), ..Places::default() };
    for (name, rules) in groups() {
        map(criterion, name, &rules, &places, &families);
    }
}

fn map(criterion: &mut Criterion, name: &str, rules: &Rules, places: &Places, families: &[(&str, Vec<Client>)]) {
    let map = ClientMap::build(rules, places, None);
    println!("{name}: {} ranges, {} orders, {:.1} MiB", map.range_count(), map.order_count(), mib(map.memory_octets()));
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10).bench_function("build", |bencher| bencher.iter(|| ClientMap::build(rules, places, None)));
    group.sample_size(50);
    for (family, clients) in families {
        let mut next = clients.iter().cycle();
        let mut found = || map.lookup(next.next().expect("a cycle does not end"));
        group.bench_function(format!("{family} lookup"), |bencher| bencher.iter(|| black_box(found().order().next())));
        let mut next = clients.iter().cycle();
        let mut first = || map.first(next.next().expect("a cycle does not end")).map(|first| first.prefix_len);
        group.bench_function(format!("{family} first of all, with its scope"), |bencher| bencher.iter(|| black_box(first())));
        for (health, healthy) in [("all", u64::MAX), ("every second", 0x5555_5555_5555_5555), ("one", 1)] {
            let standing = |member| if healthy >> u32::from(member) & 1 == 1 { Standing::Counts } else { Standing::LastResort };
            group.bench_function(format!("{family} scope, {health} healthy"), |bencher| {
                bencher.iter(|| black_box(found().scope_of_first(1, standing)))
            });
        }
    }
    group.finish();
}

criterion_group!(benches, places);
criterion_main!(benches);
