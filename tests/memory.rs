//! What reading a zone takes goes back to the system once the zone is served: the server at rest is a fraction of its peak. What
//! only the API's users ask for is not made before they do.
//!
//! Of the real program, as tests have another allocator. Numbers are the kernel's.

#[path = "support/serve.rs"]
mod serve;
mod support;

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::thread;
use std::time::Instant;

use serve::{CONFIG, Client, PATIENCE, Serving, Site};
use support::{last_octets, name, query};
use waypost::wire::rtype::RecordType;

const NAMES: u32 = 200_000;
/// That only reading takes, at the least.
const OCTETS_A_NAME: u32 = 80;
/// A name's at the most, where the API is on: compiled, and as the file says it, packed. As the API shows it, it takes a KiB.
const OCTETS_A_NAME_WITH_API: u32 = 115;
/// What the program takes without a zone, at the most.
const PROGRAM_KIB: u64 = 52 * 1024;

#[test]
fn a_server_at_rest_has_given_back_what_reading_took() {
    let server = served("memory", "\n[route53]\nenabled = false\n");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (peak, now) = (server.process.memory_kib("VmHWM:"), server.process.memory_kib("VmRSS:"));
        if (peak - now) * 1024 >= u64::from(NAMES * OCTETS_A_NAME) {
            return;
        }
        assert!(Instant::now() < deadline, "{now} KiB of {peak} are in use still");
        thread::yield_now();
    }
}

#[test]
fn a_file_takes_its_own_memory_while_nobody_asks_the_api_for_it() {
    let server = served("memory_with_api", "");
    let deadline = Instant::now() + PATIENCE;
    let most_kib = u64::from(NAMES * OCTETS_A_NAME_WITH_API) / 1024 + PROGRAM_KIB;
    while server.process.memory_kib("VmRSS:") > most_kib {
        assert!(Instant::now() < deadline, "{} KiB are in use, not {most_kib}", server.process.memory_kib("VmRSS:"));
        thread::yield_now();
    }
}

/// Serves the zone, and has had its last name's address.
fn served(site: &str, config: &str) -> Serving {
    let site = Site::new(site);
    site.write("waypost.toml", &[&CONFIG.replace("example.org.toml", "example.org.zone"), config].concat());
    site.write("example.org.zone", &zone());
    let server = site.serve();
    let asked = query(&name(&format!("h{}", NAMES - 1)), RecordType::A);
    assert_eq!(last_octets(&Client::new(server.dns).ask(&asked)), [(NAMES - 1) as u8]);
    server
}

fn zone() -> String {
    let mut zone =
        String::from("$ORIGIN example.org.\n$TTL 300\n@ SOA ns1 host 1 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.1\n");
    for at in 0..NAMES {
        writeln!(zone, "h{at} A {}", Ipv4Addr::from(0x0a00_0000 + at)).unwrap();
    }
    zone
}
