//! Reloading while queries run: whole zones only, old or new, and never fewer answers; what is wrong changes nothing.
//!
//! Every record of the large zone tells which version of the file it is from, so a response whose parts are of two
//! versions would show itself: a chain, an MX with its addresses, a name's absence with its SOA. Reading of texts is
//! tested elsewhere. Invariant: one client that asks one query at a time never sees an older version than before.

#[path = "support/serve.rs"]
mod serve;
mod support;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, Record};
use serde_json::Value;
use serve::{Client, PATIENCE, Serving, Site};
use support::{name, query};
use waypost::wire::rtype::RecordType;

/// Each group is an MX, an address for it, a CNAME and what it points to: four records.
const GROUPS: u32 = 25_000;

/// The whole zone of one version: `version` is the serial, in each address, each preference and each CNAME's TTL, and
/// one name exists in this version only.
fn master_file(version: u8) -> String {
    let mut text = format!("$TTL 60\n@ SOA ns1 hostmaster {version} 7200 900 1209600 60\n NS ns1\nns1 A 10.0.0.{version}\n");
    writeln!(text, "only{version} A 10.0.0.{version}").unwrap();
    for group in 0..GROUPS {
        let (high, low) = (group >> 8, group & 0xFF);
        writeln!(text, "mail{group} MX {version} mx{group}").unwrap();
        writeln!(text, "mx{group} A 10.{high}.{low}.{version}").unwrap();
        writeln!(text, "alias{group} {} CNAME host{group}", 1_000 + u32::from(version)).unwrap();
        writeln!(text, "host{group} A 10.{high}.{low}.{version}").unwrap();
    }
    text
}

const LARGE: &str = "zone = \"example.org.\"\ninclude = [\"example.org.zone\"]\n";

/// Every version that a record tells.
fn versions(record: &Record) -> Vec<u32> {
    match &record.data {
        RData::A(address) => vec![address.0.octets()[3].into()],
        RData::MX(mx) => vec![mx.preference.into()],
        RData::SOA(soa) => vec![soa.serial],
        RData::CNAME(_) => vec![record.ttl - 1_000],
        _ => Vec::new(),
    }
}

/// The one version that a whole response is of.
#[track_caller]
fn version_of(response: &[u8], records: usize) -> u8 {
    let message = Message::from_vec(response).unwrap();
    let sections = message.answers.iter().chain(&message.authorities).chain(&message.additionals);
    let told: Vec<u32> = sections.flat_map(versions).collect();
    assert_eq!(told.len(), records, "{message}");
    assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "parts of two versions: {message}");
    told[0].try_into().unwrap()
}

/// What is asked of group number `at`, and how many records of the response tell their version.
fn question(at: u32) -> (Vec<u8>, usize) {
    let group = at.wrapping_mul(7_919) % GROUPS;
    let (owner, rtype, records) = match at % 4 {
        0 => (format!("mail{group}"), RecordType::MX, 2),
        1 => (format!("alias{group}"), RecordType::A, 2),
        2 => ("@".to_owned(), RecordType::NS, 1),
        _ => (format!("host{group}"), RecordType::AAAA, 1), // NODATA, with the SOA
    };
    (query(&name(&owner), rtype), records)
}

/// A client that asks one thing after another, and the version that it saw last.
struct Asker {
    client: Client,
    at: u32,
    version: u8,
}

impl Asker {
    fn new(dns: SocketAddr) -> Self {
        Self { client: Client::new(dns), at: 0, version: 0 }
    }

    /// Asks the next thing, and checks that the response is whole and of no older version than the last.
    fn ask(&mut self) {
        let (message, records) = question(self.at);
        self.at += 1;
        let version = version_of(&self.client.ask(&message), records);
        assert!(version >= self.version, "version {version} after {}", self.version);
        self.version = version;
        check_existence(&mut self.client, version);
    }
}

/// The name of a version exists in that version; where it does not, the SOA beside its absence is of another.
fn check_existence(client: &mut Client, version: u8) {
    let response = client.ask(&query(&name(&format!("only{version}")), RecordType::A));
    let of = version_of(&response, 1);
    let exists = Message::from_vec(&response).unwrap().metadata.response_code == ResponseCode::NoError;
    assert_eq!(exists, of == version, "only{version} in version {of}");
}

#[test]
fn a_zone_of_100_000_records_is_reloaded_again_and_again_and_every_query_is_answered_from_a_whole_zone() {
    const VERSIONS: u8 = 5;
    let site = Site::with_zone("large", LARGE);
    site.write("example.org.zone", &master_file(1));
    let server = site.serve();
    let (stop, dns) = (Arc::new(AtomicBool::new(false)), server.dns);
    let stopped = stop.clone();
    let other = thread::spawn(move || {
        let mut asker = Asker::new(dns);
        while !stopped.load(Ordering::Relaxed) {
            asker.ask();
        }
        asker.client.asked
    });
    let mut asker = Asker::new(dns);
    for version in 2..=VERSIONS {
        site.write("example.org.zone", &master_file(version));
        let told = Instant::now();
        server.process.signal("HUP");
        while asker.version != version {
            assert!(told.elapsed() < PATIENCE, "version {version} never comes");
            asker.ask();
        }
        println!("version {version} answers {:?} after SIGHUP", told.elapsed());
    }
    stop.store(true, Ordering::Relaxed);
    let asked = asker.client.asked + other.join().expect("every response was whole");
    println!("{asked} queries over {} reloads, 0 unanswered", VERSIONS - 1);
    server.stop();
}

/// A small zone; `serial` may be anything, and `address` too.
fn small(serial: u32, address: &str) -> String {
    format!("$TTL 60\n@ SOA ns1 hostmaster {serial} 7200 900 1209600 60\n  NS ns1\nns1 A 10.0.0.1\nwww A {address}\n")
}

/// Writes the file, asks for a reload, and expects that it changes nothing and says why.
#[track_caller]
fn refused(site: &Site, server: &mut Serving, text: &str, saying: &[&str]) {
    site.write("example.org.zone", text);
    server.process.signal("HUP");
    let says = |event: &Value| saying.iter().all(|said| event["problems"].as_str().is_some_and(|text| text.contains(said)));
    server.process.await_event("reload_failed", says);
    assert_eq!(server.metric("waypost_last_reload_success"), 0.0);
    assert!(server.metric("waypost_reloads_total{result=\"failure\"}") >= 1.0);
    let mut client = Client::new(server.dns);
    let soa = version_of(&client.ask(&query(&name("@"), RecordType::SOA)), 1);
    let www = version_of(&client.ask(&query(&name("www"), RecordType::A)), 1);
    assert_eq!((soa, www), (7, 7), "the old zone answers");
    assert_eq!(server.get("/readyz").0, 200);
}

#[test]
fn a_broken_file_and_a_serial_that_goes_back_leave_the_old_zone_and_say_why() {
    let site = Site::with_zone("broken", LARGE);
    site.write("example.org.zone", &small(7, "10.0.0.7"));
    let mut server = site.serve();
    assert_eq!(server.metric("waypost_last_reload_success"), 1.0);
    refused(&site, &mut server, &small(8, "10.0.0.300"), &["example.org.zone:5:", "10.0.0.300"]);
    let back = ["example.org.zone:", "has the serial 6", "and 7 is being served: a serial never goes back", "greater than 7"];
    refused(&site, &mut server, &small(6, "10.0.0.6"), &back);
    // All or nothing: the zone is good now, and its new neighbour is not.
    site.write("waypost.toml", &serve::CONFIG.replace("\"example.org.toml\"", "\"example.org.toml\", \"missing.toml\""));
    refused(&site, &mut server, &small(8, "10.0.0.8"), &["missing.toml", "No such file"]);
    site.write("waypost.toml", serve::CONFIG);
    server.process.signal("HUP");
    server.process.await_event("reloaded", |_| true);
    assert_eq!(server.metric("waypost_last_reload_success"), 1.0);
    let response = Client::new(server.dns).ask(&query(&name("www"), RecordType::A));
    assert_eq!(version_of(&response, 1), 8);
    server.stop();
}

#[test]
fn a_file_is_read_when_its_writer_has_closed_it_and_not_half_written() {
    let site = Site::with_zone("half-written", LARGE);
    site.write("example.org.zone", &small(7, "10.0.0.7"));
    let mut server = site.serve();
    let mut client = Client::new(server.dns);
    let www = query(&name("www"), RecordType::A);
    let next = small(8, "10.0.0.8");
    let (head, rest) = next.split_at(next.find("www").unwrap());
    let mut file = fs::File::create(site.0.join("example.org.zone")).unwrap();
    file.write_all(head.as_bytes()).unwrap();
    let began = Instant::now();
    while began.elapsed() < WRITER_PAUSES {
        assert_eq!(version_of(&client.ask(&www), 1), 7, "the file is still being written");
        client.hear_nothing_until(Instant::now() + Duration::from_millis(10));
    }
    file.write_all(rest.as_bytes()).unwrap();
    drop(file);
    server.process.await_event("reloaded", |_| true);
    assert_eq!(version_of(&client.ask(&www), 1), 8);
    assert_eq!(server.metric("waypost_reloads_total{result=\"failure\"}"), 0.0);
    server.stop();
}

#[test]
fn a_file_that_changes_during_the_first_round_is_noticed() {
    // It takes connections and never answers: the first round lasts until the probe gives up.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let zone = |ttl: u32| {
        format!(
            "zone = \"example.org.\"\nns = [\"ns1.example.net.\"]\n\n[probe.web]\ntype = \"http\"\ntimeout = \"500ms\"\nfall = 1\n\n\
             [endpoint.fra]\naddress = [\"10.0.0.7\"]\nprobe = \"web\"\ntarget = \"{}\"\n\n\
             [route.www]\npolicy = \"failover\"\nmembers = [\"fra\"]\nttl = {ttl}\n",
            silent.local_addr().unwrap()
        )
    };
    let site = Site::with_zone("first-round-change", &zone(30));
    let mut process = site.spawn();
    let (_probe, _) = silent.accept().unwrap();
    site.write("example.org.toml", &zone(31));
    process.await_event("reloaded", |_| true);
    process.signal("TERM");
    assert_eq!(process.ended().0.code(), Some(0));
}

/// Longer than changes of files must pause before they are read.
const WRITER_PAUSES: Duration = Duration::from_millis(700);

/// A zone with an endpoint for each target; probed once at the start, and then not for an hour.
fn probed(endpoints: &[(&str, SocketAddr)]) -> String {
    let mut text = "zone = \"example.org.\"\nns = [\"ns1.example.net.\"]\n\n[probe.tcp]\ntype = \"tcp\"\n\
                    timeout = \"2s\"\ninterval = \"1h\"\nfall = 1\n"
        .to_owned();
    let ids: Vec<String> = endpoints.iter().map(|(id, _)| format!("{id:?}")).collect();
    for (id, target) in endpoints {
        writeln!(text, "\n[endpoint.{id}]\naddress = [\"192.0.2.1\"]\nprobe = \"tcp\"\ntarget = \"{target}\"").unwrap();
    }
    writeln!(text, "\n[route.www]\npolicy = \"failover\"\nmembers = [{}]", ids.join(", ")).unwrap();
    text
}

/// What `/v1/health` says of each check: its id, its status, and since when.
fn health(server: &Serving) -> Vec<(String, String, String)> {
    let page: Value = serde_json::from_str(&server.get("/v1/health").1).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let checks = page["checks"].as_array().unwrap();
    checks.iter().map(|check| (text(&check["id"]), text(&check["status"]), text(&check["since"]))).collect()
}

#[test]
fn a_reload_that_adds_and_removes_health_checks_keeps_what_is_known_of_the_others() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let up = listener.local_addr().unwrap();
    let down = free_address();
    let site = Site::with_zone("checks", &probed(&[("gone", up), ("kept", down), ("stays", up)]));
    let mut server = site.serve();
    let before = health(&server);
    let statuses: Vec<(&str, &str)> = before.iter().map(|(id, status, _)| (&**id, &**status)).collect();
    assert_eq!(statuses, [("gone", "healthy"), ("kept", "unhealthy"), ("stays", "healthy")]);
    site.write("example.org.toml", &probed(&[("added", down), ("kept", down), ("stays", up)]));
    server.process.signal("HUP");
    // The probe of a new check may be over before the reload is.
    server.process.await_event("health_transition", |event| event["check"] == "added" && event["to"] == "unhealthy");
    server.process.find_event("reloaded", |event| event["checks"] == 3);
    let after = health(&server);
    assert_eq!(after.iter().map(|(id, ..)| &**id).collect::<Vec<_>>(), ["added", "kept", "stays"]);
    assert_eq!(after[0].1, "unhealthy");
    assert_eq!(after[1..], before[1..], "status and since when are as they were");
    server.stop();
}

/// An address where nobody listens.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
