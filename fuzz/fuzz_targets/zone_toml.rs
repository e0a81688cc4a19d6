//! Feeds libFuzzer's octets to the body shared with `tests/fuzz_seeds.rs`: see there.
#![no_main]

#[path = "../bodies/zone_toml.rs"]
mod zone_toml;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| zone_toml::run(octets));
