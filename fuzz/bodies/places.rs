//! Any octets as a geo database, as a latency table and as a scenario file; what can be read is asked.
//!
//! What must hold: nothing panics; a prefix is one of its family; the client maps made of what was read say what their
//! explanation says, and give no scope longer than an address.

use std::net::IpAddr;
use std::sync::Arc;

use waypost::geography::area::Area;
use waypost::geography::regions::regions;
use waypost::geography::site::{RegionName, Site};
use waypost::places::Places;
use waypost::places::client::Client;
use waypost::places::database::Database;
use waypost::places::latency::LatencyTable;
use waypost::places::map::{ClientMap, explain};
use waypost::places::rules::Rules;
use waypost::scenario;
use waypost::text::Text;

/// Runs one input.
pub fn run(octets: &[u8]) {
    let database = Database::read(octets.to_vec()).ok().map(Arc::new);
    let text = Text::new("input".into(), String::from_utf8_lossy(octets).into_owned());
    let (latency, _) = LatencyTable::read(&text);
    let _ = scenario::read(&text, |_| None);
    let places = Places { database, latency: latency.map(Arc::new), margin_micros: 0 };
    if places.database.is_none() && places.latency.is_none() {
        return;
    }
    for rules in [geolocation(), latency_to(&["aws:eu-central-1", "aws:us-east-1", "gcp:europe-west3"])] {
        let map = ClientMap::build(&rules, &places, None);
        for client in clients(octets) {
            ask(&rules, &places, &map, &client);
        }
    }
}

fn ask(rules: &Rules, places: &Places, map: &ClientMap, client: &Client) {
    let max = if client.address.is_ipv4() { 32 } else { 128 };
    if let Some(database) = &places.database {
        assert!(database.lookup(client.address).prefix_len <= max);
    }
    let found = map.lookup(client);
    let explained = explain(rules, places, map, client);
    assert!(explained.members.iter().map(|member| member.member).eq(found.order()));
    assert!(found.scope(|order| order.into_iter().eq(found.order())) <= max);
}

fn geolocation() -> Rules {
    let country = |code: &str| Area::Country(code.parse().expect("a code"));
    let europe = Area::Continent("EU".parse().expect("a code"));
    Rules::Geolocation(vec![country("DE"), country("US"), europe, Area::Anywhere])
}

fn latency_to(names: &[&str]) -> Rules {
    let site = |name: &&str| {
        let known = regions().iter().find(|region| region.name == *name).expect("a built-in region");
        Site { region: RegionName::parse(name).ok(), coordinates: Some(known.coordinates) }
    };
    Rules::Latency(names.iter().map(site).collect())
}

/// Addresses that the input is likely to speak of, and some made of its octets.
fn clients(octets: &[u8]) -> Vec<Client> {
    let fixed = ["203.0.113.7", "198.51.100.7", "10.0.0.1", "2001:db8::7", "255.255.255.255", "::"];
    let fixed = fixed.iter().map(|address| address.parse::<IpAddr>().expect("an address"));
    let made = octets.chunks_exact(16).take(16).map(|chunk| IpAddr::from(<[u8; 16]>::try_from(chunk).expect("16 octets")));
    let short = octets.chunks_exact(4).take(16).map(|chunk| IpAddr::from(<[u8; 4]>::try_from(chunk).expect("4 octets")));
    fixed.chain(made).chain(short).map(|address| Client::of(None, address)).collect()
}
