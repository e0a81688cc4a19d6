//! The files of `[geo]` while they change: answers follow, what stayed is shared, and what is wrong changes nothing.
//!
//! The databases are made by `support/mmdb.rs`; who asks is 127.0.0.1, which they place. What the files may hold is tested
//! in `geo_database`, and what maps make of them in `client_maps`.

#[path = "support/mmdb.rs"]
mod mmdb;
#[path = "support/serve.rs"]
mod serve;
mod support;

use std::sync::Arc;

use mmdb::Place;
use serde_json::Value;
use serve::{CONFIG, Client, Serving, Site};
use support::{last_octets, name, query};
use waypost::files::{Loaded, load};
use waypost::ids::MapIndex;
use waypost::places;
use waypost::problem::Problems;
use waypost::wire::rtype::RecordType;

/// `where` asks for the country, `quick` for the latency. Nothing is probed.
const ZONE: &str = r#"
zone = "example.org."
ns   = ["ns1.example.net."]

[endpoint.fra]
address = ["192.0.2.1"]
region  = "aws:eu-central-1"

[endpoint.iad]
address = ["192.0.2.2"]
region  = "aws:us-east-1"

[route.where]
policy  = "geolocation"
members = [{ use = "fra", country = "DE" }, { use = "iad", default = true }]

[route.quick]
policy  = "latency"
members = ["fra", "iad"]
"#;

const FRA: u8 = 1;
const IAD: u8 = 2;

fn site(test: &str, margin: &str) -> Site {
    let site = Site::with_zone(test, ZONE);
    site.write("waypost.toml", &config(margin));
    site.write_octets("city.mmdb", &database("DE"));
    site.write("latency.csv", &latency(20, 90));
    site
}

fn config(margin: &str) -> String {
    format!("{CONFIG}[geo]\nmmdb = \"city.mmdb\"\nlatency = \"latency.csv\"\nmargin = \"{margin}\"\n")
}

/// A database in which this machine stands in a country.
fn database(country: &'static str) -> Vec<u8> {
    mmdb::write(&[("127.0.0.0/8", Place { country: Some(country), ..Place::default() })])
}

/// A table of how far this machine is from both regions.
fn latency(fra: u32, iad: u32) -> String {
    format!("prefix,region,ms\n127.0.0.0/8,aws:eu-central-1,{fra}\n127.0.0.0/8,aws:us-east-1,{iad}\n")
}

/// What this machine is answered, by the country and by the latency.
fn answers(server: &Serving) -> (Vec<u8>, Vec<u8>) {
    let mut client = Client::new(server.dns);
    let mut ask = |owner| last_octets(&client.ask(&query(&name(owner), RecordType::A)));
    (ask("where"), ask("quick"))
}

#[test]
fn a_database_and_a_table_that_are_replaced_change_the_answers() {
    let site = site("geo-replaced", "0ms");
    let mut server = site.serve();
    assert_eq!(answers(&server), (vec![FRA], vec![FRA]));
    assert_eq!(server.metric("waypost_geo_database_build_timestamp_seconds"), mmdb::BUILD_EPOCH as f64);
    assert_eq!(server.metric("waypost_geo_database_networks"), 1.0);
    assert_eq!(server.metric("waypost_latency_table_rows"), 2.0);
    site.write_octets("city.mmdb", &database("US"));
    server.process.await_event("reloaded", |_| true);
    assert_eq!(answers(&server), (vec![IAD], vec![FRA]));
    site.write("latency.csv", &latency(90, 20));
    server.process.await_event("reloaded", |_| true);
    assert_eq!(answers(&server), (vec![IAD], vec![IAD]));
    assert_eq!(server.metric("waypost_reloads_total{result=\"failure\"}"), 0.0);
    server.stop();
}

#[test]
fn a_database_and_a_table_that_are_wrong_leave_the_old_ones_and_say_why() {
    let site = site("geo-wrong", "0ms");
    let mut server = site.serve();
    let cut = database("US");
    let refusals: [(&str, Vec<u8>, &[&str]); 4] = [
        (
            "city.mmdb",
            cut[..cut.len() / 2].to_vec(),
            &["waypost.toml:", "city.mmdb is no geo database, or cut off", "MaxMind format"],
        ),
        ("city.mmdb", b"GeoLite2".to_vec(), &["waypost.toml:", "city.mmdb is no geo database"]),
        ("latency.csv", latency(90, 20).replace(",90", ",fast").into(), &["latency.csv:2:30", "\"fast\"", "decimal number"]),
        ("latency.csv", b"127.0.0.0/8,aws:us-east-1,1\n\xFF\n".to_vec(), &["latency.csv:2:1", "not UTF-8"]),
    ];
    let good = [("city.mmdb", database("DE")), ("latency.csv", latency(20, 90).into_bytes())];
    for (at, (file, content, saying)) in refusals.iter().enumerate() {
        site.write_octets(file, content);
        let says = |event: &Value| saying.iter().all(|said| event["problems"].as_str().is_some_and(|text| text.contains(said)));
        server.process.await_event("reload_failed", says);
        assert_eq!(answers(&server), (vec![FRA], vec![FRA]), "{file}");
        assert_eq!(server.metric("waypost_last_reload_success"), 0.0);
        assert!(server.metric("waypost_reloads_total{result=\"failure\"}") >= (at + 1) as f64);
        let (_, content) = good.iter().find(|(name, _)| name == file).expect("both files have good contents");
        site.write_octets(file, content);
        server.process.await_event("reloaded", |_| true);
        assert_eq!(server.metric("waypost_last_reload_success"), 1.0);
    }
    server.stop();
}

/// What the files say, `before` being served.
fn loaded(site: &Site, before: Option<&Loaded>) -> Result<Loaded, Problems> {
    load(&site.0.join("waypost.toml"), 1, before)
}

#[test]
fn what_is_not_there_is_told_with_every_other_problem() {
    let site = site("geo-missing", "0ms");
    site.write("waypost.toml", &config("0ms").replace("city.mmdb", "town.mmdb").replace("latency.csv", "."));
    site.write("example.org.toml", &ZONE.replace("192.0.2.1", "192.0.2.300"));
    let problems = loaded(&site, None).expect_err("nothing of it is right").to_string();
    for expected in
        ["waypost.toml:15:8: error: reading ", "town.mmdb: No such file", "waypost.toml:16:11: error: reading ", "192.0.2.300"]
    {
        assert!(problems.contains(expected), "{expected} in:\n{problems}");
    }
}

#[test]
fn tables_are_read_again_and_maps_made_again_only_when_the_files_differ() {
    let site = site("geo-shared", "0ms");
    let first = loaded(&site, None).expect("the files are right");
    let places = |loaded: &Loaded| loaded.built.maps.places().clone();
    let map = |loaded: &Loaded| std::ptr::from_ref(loaded.built.maps.map(MapIndex(0)));

    site.write("example.org.toml", &ZONE.replace("192.0.2.1", "192.0.2.3"));
    site.write_octets("city.mmdb", &database("DE"));
    let edited = loaded(&site, Some(&first)).expect("the files are right");
    assert_ne!(first.built.state, edited.built.state);
    assert!(places(&first).is_same(&places(&edited)), "a zone's edit reads no table");
    assert_eq!(map(&first), map(&edited));

    site.write_octets("city.mmdb", &database("FR"));
    let moved = loaded(&site, Some(&edited)).expect("the files are right");
    let (before, after) = (places(&edited), places(&moved));
    let same_database = Arc::ptr_eq(&before.database.expect("read"), &after.database.expect("read"));
    let same_latency = Arc::ptr_eq(&before.latency.expect("read"), &after.latency.expect("read"));
    assert_eq!((same_database, same_latency), (false, true));
    assert_ne!(map(&edited), map(&moved));
    let zone = |loaded: &Loaded| loaded.built.catalog.zones()[0].clone();
    assert!(Arc::ptr_eq(&zone(&edited), &zone(&moved)), "zones are not compiled again");
}

/// The member that comes first for this machine by latency: fra is 0, iad 1.
fn quickest(loaded: &Loaded) -> u16 {
    let client = places::client::Client::of(None, [127, 0, 0, 1].into());
    let latency = |at: &MapIndex| matches!(loaded.built.maps.rules(*at), places::rules::Rules::Latency(_));
    let map = (0..2).map(MapIndex).find(latency).expect("a group asks for the latency");
    let mut order = loaded.built.maps.map(map).lookup(&client).order();
    order.next().expect("latency orders have every member")
}

#[test]
fn a_table_that_gains_no_more_than_the_margin_changes_no_order() {
    for (margin, next, expected) in [("0ms", (21, 20), 1), ("5ms", (21, 20), 0), ("5ms", (25, 20), 0), ("5ms", (26, 20), 1)] {
        let site = site("geo-margin", margin);
        let first = loaded(&site, None).expect("the files are right");
        assert_eq!(quickest(&first), 0);
        site.write("latency.csv", &latency(next.0, next.1));
        let second = loaded(&site, Some(&first)).expect("the files are right");
        assert_eq!(quickest(&second), expected, "{margin} {next:?}");
        let fresh = loaded(&site, None).expect("the files are right");
        assert_eq!(quickest(&fresh), 1, "without a load before there is nothing to keep");
    }
}
