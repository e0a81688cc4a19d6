//! The part of the benches' zone that asks where clients are: a group of each policy, and what is known of clients.
//!
//! The world is synthetic: 20,000 networks, 16 neighbours in one country, as real ones lie; 2,000 of them measured.
//! Invariant: the same in each run.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net};
use waypost::geography::area::Area;
use waypost::geography::coordinates::Coordinates;
use waypost::geography::site::{Bias, RegionName, Site};
use waypost::ids::{CollectionId, LocationName, SetIdentifier};
use waypost::places::Places;
use waypost::places::cidr::CidrCollection;
use waypost::places::database::Database;
use waypost::places::latency::LatencyTable;
use waypost::text::Text;
use waypost::zone::record_set::{Alias, CidrLocation, Content, RecordSet, RoutingPolicy};

use super::support::{member, name};

#[path = "../../tests/support/mmdb.rs"]
mod mmdb;

/// The resolver that asks: in one of the networks, and in a block of the collection.
pub const RESOLVER: Ipv4Addr = Ipv4Addr::new(11, 77, 7, 53);
/// The client's subnet, of 24 bits: in a European network that was measured.
pub const SUBNET: Ipv4Addr = Ipv4Addr::new(12, 33, 7, 0);

const NETWORKS: u32 = 20_000;
/// The networks lie side by side from here, of 4,096 addresses each.
const FIRST: u32 = 10 << 24;
/// Countries, and degrees north and east in them.
const COUNTRIES: [(&str, f64, f64); 8] = [
    ("DE", 51.0, 10.0),
    ("US", 39.0, -98.0),
    ("FR", 46.0, 2.0),
    ("JP", 36.0, 138.0),
    ("GB", 54.0, -2.0),
    ("BR", -10.0, -55.0),
    ("PL", 52.0, 20.0),
    ("AU", -25.0, 134.0),
];
/// Where endpoints stand.
const REGIONS: [(&str, f64, f64); 6] = [
    ("eu-central-1", 50.1, 8.7),
    ("eu-west-3", 48.9, 2.4),
    ("us-east-1", 38.9, -77.4),
    ("us-west-2", 45.8, -119.7),
    ("ap-northeast-1", 35.7, 139.7),
    ("sa-east-1", -23.5, -46.6),
];

fn network(at: u32) -> Ipv4Net {
    Ipv4Net::new((FIRST + (at << 12)).into(), 20).expect("a length of IPv4")
}

/// A geo database and a latency table.
pub fn places() -> Places {
    let place = |at: u32| {
        // Sixteen neighbours in one country, spread over it.
        let (country, north, east) = COUNTRIES[((at / 16).wrapping_mul(2_654_435_761) >> 29) as usize];
        let spread = f64::from(at % 16) / 4.0;
        mmdb::Place { country: Some(country), coordinates: Some((north + spread, east - spread)), ..mmdb::Place::default() }
    };
    let networks: Vec<(IpNet, mmdb::Place)> = (0..NETWORKS).map(|at| (network(at).into(), place(at))).collect();
    let database = Database::read(mmdb::write_with(mmdb::Layout::default(), &networks)).expect("the bench writes a database");
    let rows = (0..NETWORKS).step_by(10).flat_map(|at| {
        let ms = move |region: usize| at.wrapping_mul(40_503).wrapping_add(region as u32 * 7_919) % 150 + 5;
        REGIONS.iter().enumerate().map(move |(region, (name, ..))| format!("{},{name},{}\n", network(at), ms(region)))
    });
    let (latency, problems) = LatencyTable::read(&Text::new("latency.csv".into(), rows.collect::<String>()));
    assert!(problems.is_empty(), "{problems}");
    Places { database: Some(Arc::new(database)), latency: latency.map(Arc::new), margin_micros: 0 }
}

/// One collection: 1,000 blocks of four locations.
pub fn collections() -> BTreeMap<CollectionId, Arc<CidrCollection>> {
    let blocks = (0..1_000u32).map(|at| {
        let block = Ipv4Net::new((FIRST + (at << 15)).into(), 18).expect("a length of IPv4");
        (block.into(), location(at as usize % 4))
    });
    BTreeMap::from([(collection(), Arc::new(CidrCollection::new(blocks).expect("no block twice")))])
}

fn collection() -> CollectionId {
    CollectionId::new("offices").expect("not empty")
}

fn location(at: usize) -> LocationName {
    LocationName::new(&format!("office{at}")).expect("not empty")
}

/// Groups by policy, each of members with health checks; and failover inside latency inside geolocation.
pub fn record_sets() -> Vec<RecordSet> {
    let area = |code: &str| match code {
        "" => Area::Anywhere,
        "EU" | "NA" | "AS" => Area::Continent(code.parse().expect("a continent")),
        _ => Area::Country(code.parse().expect("a country")),
    };
    let areas = ["EU", "NA", "AS", "DE", "US", ""];
    let mut sets = Vec::new();
    for (at, (code, (_, north, east))) in areas.into_iter().zip(REGIONS).enumerate() {
        let bias = Bias::new(at as i64 * 10 - 20).expect("in range");
        let near = Coordinates::new(north, east).expect("on Earth");
        let cidr = CidrLocation { collection: collection(), location: (at < 4).then(|| location(at)) };
        sets.push(endpoint("geolocation", at, RoutingPolicy::Geolocation(area(code))));
        sets.push(endpoint("latency", at, RoutingPolicy::Latency(Box::new(site(at)))));
        sets.push(endpoint("geoproximity", at, RoutingPolicy::Geoproximity(near, bias)));
        if at < 5 {
            sets.push(endpoint("ip-based", at, RoutingPolicy::IpBased(Box::new(cidr))));
        }
        let branch = format!("levels-{at}");
        sets.push(alias("levels-nearest", at, RoutingPolicy::Latency(Box::new(site(at))), &branch));
        sets.extend((0..2).map(|tier| endpoint(&branch, tier, RoutingPolicy::Failover(tier as u16))));
    }
    sets.push(alias("levels", 0, RoutingPolicy::Geolocation(area("EU")), "levels-nearest"));
    sets.push(endpoint("levels", 1, RoutingPolicy::Geolocation(Area::Anywhere)));
    sets
}

fn site(at: usize) -> Site {
    let (region, north, east) = REGIONS[at];
    Site { region: RegionName::parse(region).ok(), coordinates: Coordinates::new(north, east) }
}

/// A member with an address and a health check.
fn endpoint(owner: &str, at: usize, policy: RoutingPolicy) -> RecordSet {
    let identifier = format!("member{at}");
    member(owner, &identifier, policy, [198, 51, 100, at as u8], Some(&identifier))
}

/// A member that is as healthy as what it leads to.
fn alias(owner: &str, at: usize, policy: RoutingPolicy, target: &str) -> RecordSet {
    let content = Content::Alias(Box::new(Alias { target: name(target), evaluate_target_health: true }));
    RecordSet {
        set_identifier: Some(SetIdentifier::new(&format!("branch{at}")).expect("not empty")),
        health_check: None,
        content,
        ..endpoint(owner, at, policy)
    }
}
