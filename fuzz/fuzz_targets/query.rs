//! Feeds libFuzzer's octets to the body shared with `tests/fuzz_seeds.rs`: see there.
#![no_main]

#[path = "../bodies/query.rs"]
mod query;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| query::run(octets));
