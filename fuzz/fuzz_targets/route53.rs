//! Feeds libFuzzer's octets to the body shared with `tests/fuzz_seeds.rs`: see there.
#![no_main]

#[path = "../bodies/route53.rs"]
mod route53;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| route53::run(octets));
