//! Feeds libFuzzer's octets to the body shared with `tests/fuzz_seeds.rs`: see there.
#![no_main]

#[path = "../bodies/sigv4.rs"]
mod sigv4;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| sigv4::run(octets));
