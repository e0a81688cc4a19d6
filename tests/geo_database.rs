//! Geo databases: what is read of every form, and that no octets whatever end in more than an error.
//!
//! Databases are written by `support/mmdb.rs`. Source: MaxMind DB file format 2.0.

use std::net::IpAddr;

use ipnet::IpNet;
use proptest::prelude::*;
use waypost::places::database::{Database, ReadError};

#[path = "support/mmdb.rs"]
mod mmdb;

use mmdb::{Form, Layout, Place};

const FRANKFURT: Place = Place {
    continent: Some("EU"),
    country: Some("DE"),
    subdivision: Some("HE"),
    coordinates: Some((50.1188, 8.6843)),
    city: Some("Frankfurt am Main"),
};
const TURKEY: Place = Place { continent: Some("AS"), country: Some("TR"), subdivision: None, coordinates: None, city: None };
const WESTERN_SAHARA: Place = Place { continent: Some("AF"), country: Some("EH"), ..TURKEY };
const SOMEWHERE: Place = Place { continent: Some("AS"), country: None, ..TURKEY };

fn networks() -> Vec<(IpNet, Place)> {
    let networks = [
        ("192.0.2.0/24", FRANKFURT),
        ("192.0.2.128/25", TURKEY),
        ("192.0.3.0/24", FRANKFURT),
        ("198.51.100.0/32", WESTERN_SAHARA),
        ("255.255.255.255/32", SOMEWHERE),
        ("0.0.0.0/32", SOMEWHERE),
    ];
    networks.map(|(network, place)| (network.parse().unwrap(), place)).to_vec()
}

fn networks_of_both() -> Vec<(IpNet, Place)> {
    let wide = [("2001:db8::/32", FRANKFURT), ("2001:db8:1::/128", TURKEY), ("ffff:ffff::/32", SOMEWHERE)];
    networks().into_iter().chain(wide.map(|(network, place)| (network.parse().unwrap(), place))).collect()
}

/// The entry for an address: its place in words, and the prefix.
fn entry(database: &Database, address: &str) -> (String, u8) {
    let located = database.lookup(address.parse().unwrap());
    (located.place.map(ToString::to_string).unwrap_or_default(), located.prefix_len)
}

#[test]
fn every_layout_has_the_same_places() {
    for record_bits in [24, 28, 32] {
        for ip_version in [4, 6] {
            let layout = Layout { ip_version, record_bits, ..Layout::default() };
            let networks = if ip_version == 4 { networks() } else { networks_of_both() };
            let database = Database::read(mmdb::write_with(layout, &networks)).unwrap();
            let frankfurt = "Frankfurt am Main, DE-HE, continent EU, at 50.1188, 8.6843";
            let expected = [
                ("192.0.2.1", frankfurt, 25),
                ("192.0.2.128", "TR, continent EU", 25),
                ("192.0.3.9", frankfurt, 24),
                ("192.0.4.0", "", 22),
                ("198.51.100.0", "EH, continent AF", 32),
                ("198.51.100.1", "", 32),
                ("0.0.0.0", "continent AS", 32),
                ("0.0.0.1", "", 32),
                ("255.255.255.255", "continent AS", 32),
                ("::ffff:192.0.2.128", "TR, continent EU", 25),
            ];
            for (address, place, prefix_len) in expected {
                assert_eq!(entry(&database, address), (place.to_owned(), prefix_len), "{address} {layout:?}");
            }
            let wide =
                if ip_version == 4 { [("", 0); 3] } else { [(frankfurt, 48), ("TR, continent EU", 128), ("continent AS", 32)] };
            for (address, (place, prefix_len)) in ["2001:db8::1", "2001:db8:1::", "ffff:ffff:1::"].into_iter().zip(wide) {
                assert_eq!(entry(&database, address), (place.to_owned(), prefix_len), "{address} {layout:?}");
            }
            assert_eq!(database.database_type(), "Test-City");
            assert_eq!(database.build_epoch(), mmdb::BUILD_EPOCH);
            assert_eq!(database.place_count(), 4);
        }
    }
}

#[test]
fn flat_records_and_states_written_out_are_read() {
    let state =
        Place { country: Some("US"), subdivision: Some("California"), coordinates: Some((37.422, -122.085)), ..Place::default() };
    let none = Place { city: Some(""), coordinates: Some((0.0, 0.0)), ..Place::default() };
    let elsewhere = Place { country: Some("DE"), subdivision: Some("Hesse"), ..Place::default() };
    let networks = [("192.0.2.0/24", state), ("198.51.100.0/24", none), ("203.0.113.0/24", elsewhere)];
    let networks = networks.map(|(network, place)| (network.parse().unwrap(), place));
    let layout = Layout { ip_version: 4, form: Form::Flat, ..Layout::default() };
    let database = Database::read(mmdb::write_with(layout, &networks)).unwrap();
    assert_eq!(entry(&database, "192.0.2.1").0, "US-CA, continent NA, at 37.422, -122.085");
    assert_eq!(entry(&database, "198.51.100.1").0, "");
    assert_eq!(entry(&database, "203.0.113.1").0, "DE, continent EU");
}

#[test]
fn what_is_no_database_of_places_is_refused_with_what_is() {
    let whole = mmdb::write_with(Layout::default(), &networks_of_both());
    let refused = |octets: &[u8]| Database::read(octets.to_vec()).unwrap_err().to_string();
    let accepted = "; a whole Country or City database in MaxMind format (.mmdb) is accepted";
    for octets in [&b""[..], b"prefix,region,ms\n", &[0; 4_096], &whole[..whole.len() / 2]] {
        let told = refused(octets);
        assert!(told.starts_with("is no geo database, or cut off: ") && told.ends_with(accepted), "{told}");
    }
    let layout = Layout { form: Form::AutonomousSystem, database_type: "GeoLite2-ASN", ..Layout::default() };
    let told = refused(&mmdb::write_with(layout, &networks_of_both()));
    assert_eq!(told, format!("has no place in any of its 104 networks, being of the type \"GeoLite2-ASN\"{accepted}"));
    let told = refused(&mmdb::write(&[]));
    assert_eq!(told, format!("has no place in any of its 0 networks, being of the type \"Test-City\"{accepted}"));
}

#[test]
fn a_tree_that_uses_its_nodes_twice_is_refused_at_once() {
    // Each node's halves are both the next node: 2 to the 30 networks, of 30 nodes.
    let place = Place { country: Some("DE"), ..Place::default() };
    let layout = Layout { ip_version: 4, record_bits: 32, ..Layout::default() };
    let mut octets = mmdb::write_with(layout, &[("0.0.0.0/30".parse().unwrap(), place)]);
    for node in 0..29u32 {
        let at = node as usize * 8;
        let next = (node + 1).to_be_bytes();
        octets[at..at + 8].copy_from_slice(&[next, next].concat());
    }
    assert!(matches!(Database::read(octets), Err(ReadError::Shared { .. })));
}

#[test]
fn every_truncation_is_refused() {
    let whole = mmdb::write_with(Layout::default(), &networks_of_both());
    for len in 0..whole.len() {
        assert!(Database::read(whole[..len].to_vec()).is_err(), "{len} of {} octets", whole.len());
    }
}

proptest! {
    #[test]
    fn flipped_octets_are_a_database_or_an_error(
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        ip_version in prop_oneof![Just(4), Just(6)],
        record_bits in prop_oneof![Just(24), Just(28), Just(32)],
        form in prop_oneof![Just(Form::Nested), Just(Form::Flat)],
    ) {
        let networks = if ip_version == 4 { networks() } else { networks_of_both() };
        let mut octets = mmdb::write_with(Layout { ip_version, record_bits, form, ..Layout::default() }, &networks);
        for (at, octet) in flips {
            let at = at.index(octets.len());
            octets[at] ^= octet;
        }
        match Database::read(octets) {
            Ok(database) => {
                for address in ["0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "2001:db8::1", "ffff::1"] {
                    let address: IpAddr = address.parse().unwrap();
                    let bits = if address.is_ipv4() { 32 } else { 128 };
                    prop_assert!(database.lookup(address).prefix_len <= bits);
                }
            }
            Err(error) => prop_assert!(error.to_string().contains("is accepted")),
        }
    }

    #[test]
    fn random_octets_are_refused(octets in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert!(Database::read(octets).is_err());
    }

    #[test]
    fn the_place_of_the_longest_network_is_found(
        networks in proptest::collection::vec((any::<u8>(), any::<bool>(), 1u8..=10, 0usize..4), 1..60),
        asked in proptest::collection::vec(any::<(u16, bool)>(), 50),
    ) {
        let places = [FRANKFURT, TURKEY, WESTERN_SAHARA, SOMEWHERE];
        let mut written: Vec<(IpNet, Place)> = Vec::new();
        for (bits, wide, len, place) in networks {
            let network = IpNet::new(address(u16::from(bits) << 8, wide), if wide { len + 16 } else { len }).unwrap().trunc();
            // A network that comes twice holds what was written last.
            written.retain(|(before, _)| *before != network);
            written.push((network, places[place]));
        }
        let database = Database::read(mmdb::write_with(Layout::default(), &written)).unwrap();
        for (bits, wide) in asked {
            let address = address(bits, wide);
            let holds = written.iter().filter(|(network, _)| network.contains(&address));
            let expected = holds.max_by_key(|(network, _)| network.prefix_len()).map(|(_, place)| place.country);
            let located = database.lookup(address);
            let found = located.place.map(|place| place.country.map(|country| country.to_string()));
            prop_assert_eq!(found, expected.map(|country| country.map(str::to_owned)));
        }
    }
}

/// An address whose varying bits are the first, or in IPv6 those behind 2001.
fn address(bits: u16, wide: bool) -> IpAddr {
    if wide { IpAddr::V6([0x2001, bits, 0, 0, 0, 0, 0, 0].into()) } else { IpAddr::V4((u32::from(bits) << 16).into()) }
}
