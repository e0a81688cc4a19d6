//! The fuzz targets' bodies over their committed seeds, and over each seed cut short, altered and joined.
//!
//! Proves what the targets prove, for these inputs, without a fuzzer; a crash found by fuzzing becomes a seed.
//! Invariant: every seed of every target is read. What holds is asserted by the bodies themselves.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[path = "../fuzz/bodies/places.rs"]
mod places;
#[path = "../fuzz/bodies/query.rs"]
mod query;
#[path = "../fuzz/bodies/route53.rs"]
mod route53;
#[path = "../fuzz/bodies/sigv4.rs"]
mod sigv4;
#[path = "../fuzz/bodies/zone_reader.rs"]
mod zone_reader;
#[path = "../fuzz/bodies/zone_toml.rs"]
mod zone_toml;

#[test]
fn query_seeds_and_their_alterations_are_answered_soundly() {
    check("query", 60, query::run);
}

#[test]
fn zone_seeds_and_their_alterations_are_read_soundly() {
    check("zone_reader", 40, zone_reader::run);
}

#[test]
fn geo_databases_latency_tables_and_scenarios_and_their_alterations_are_read_soundly() {
    check("places", 8, places::run);
}

#[test]
fn requests_of_the_api_and_their_alterations_are_done_soundly() {
    check("route53", 20, route53::run);
}

#[test]
fn signed_requests_and_their_alterations_are_verified_soundly() {
    check("sigv4", 40, sigv4::run);
}

#[test]
fn zone_toml_and_configuration_seeds_and_their_alterations_are_read_soundly() {
    check("zone_toml", 12, zone_toml::run);
}

/// Runs the body over what comes of each seed, of which there are at least so many; names the input that fails.
fn check(target: &str, at_least: usize, run: fn(&[u8])) {
    let seeds = seeds(target);
    assert!(seeds.len() >= at_least, "{} seeds of {target}", seeds.len());
    for (name, seed) in &seeds {
        for (altered, octets) in alterations(seed) {
            if catch_unwind(AssertUnwindSafe(|| run(&octets))).is_err() {
                panic!("fuzz/seeds/{target}/{name}, {altered}: {octets:02x?}");
            }
        }
    }
    for pair in seeds.windows(2) {
        run(&[&pair[0].1[..], &pair[1].1[..]].concat()); // joined
    }
}

fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = format!("{}/fuzz/seeds/{target}", env!("CARGO_MANIFEST_DIR"));
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut seeds: Vec<(String, Vec<u8>)> = entries
        .map(|entry| {
            let path = entry.expect("an open folder can be listed").path();
            let name = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
            (name, fs::read(&path).expect("a seed can be read"))
        })
        .collect();
    seeds.sort();
    seeds
}

/// The seed itself, cut at each of its first octets, and with each of them altered in three ways.
fn alterations(seed: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut all = vec![("whole".to_owned(), seed.to_vec())];
    for at in 0..seed.len().min(ALTERED_OCTETS) {
        all.push((format!("cut at {at}"), seed[..at].to_vec()));
        for (how, octet) in [("inverted", !seed[at]), ("zero", 0), ("one more", seed[at].wrapping_add(1))] {
            let mut octets = seed.to_vec();
            octets[at] = octet;
            all.push((format!("octet {at} {how}"), octets));
        }
    }
    all
}

/// How far into a seed alterations go: past the question and the options of a query.
const ALTERED_OCTETS: usize = 160;
