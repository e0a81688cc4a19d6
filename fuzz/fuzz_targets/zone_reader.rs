//! Feeds libFuzzer's octets to the body shared with `tests/fuzz_seeds.rs`: see there.
#![no_main]

#[path = "../bodies/zone_reader.rs"]
mod zone_reader;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| zone_reader::run(octets));
