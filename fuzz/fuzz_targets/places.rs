//! Feeds libFuzzer's octets to the body shared with `tests/fuzz_seeds.rs`: see there.
#![no_main]

#[path = "../bodies/places.rs"]
mod places;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| places::run(octets));
