//! `examples/multi-cloud`: its data are what its scenarios count on, and these hold.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use waypost::places::database::Database;
use waypost::places::latency::LatencyTable;
use waypost::text::Text;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/multi-cloud").join(name)
}

#[test]
fn the_example_says_where_its_clients_are_and_how_far_from_each_region() {
    let database = Database::read(fs::read(file("places.mmdb")).unwrap()).unwrap();
    let country = |address: &str| {
        let place = database.lookup(address.parse().unwrap()).place;
        place.and_then(|place| place.country).map(|country| country.to_string())
    };
    for (address, expected) in [
        ("192.0.2.1", Some("DE")),
        ("192.0.2.64", Some("BE")),
        ("192.0.2.128", Some("NL")),
        ("192.0.2.255", Some("FI")),
        ("198.51.100.200", Some("US")),
        ("203.0.113.1", Some("BR")),
        ("2001:db8::1", Some("DE")),
        ("10.1.2.3", None),
    ] {
        assert_eq!(country(address).as_deref(), expected, "{address}");
    }
    let (table, problems) =
        LatencyTable::read(&Text::new("latency.csv".into(), fs::read_to_string(file("latency.csv")).unwrap()));
    assert_eq!((problems.to_string().as_str(), table.unwrap().row_count()), ("", 12));
}

#[test]
fn its_scenarios_hold_whatever_two_checks_fail() {
    let mut waypost = Command::new(env!("CARGO_BIN_EXE_waypost"));
    let ran = waypost.args(["test", "--all-failures", "2"]).arg(file("scenarios.toml")).output().unwrap();
    let said = String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap();
    assert_eq!(ran.status.code(), Some(0), "{said}");
    assert!(said.contains("21 cases: all hold") && said.contains(": 0 findings"), "{said}");
}
