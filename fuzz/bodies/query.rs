//! Any octets are answered within the buffer or not at all, over UDP and over TCP, and never with a panic.
//!
//! Not a test of what is answered: see `tests/cases` and `tests/differential.rs`. The message's id, which means nothing
//! to the answer, says what is healthy (its first octet) and what is drawn (its second).
//! Invariants: both readers of queries agree; a response (QR=1) is never answered; an answer is the asker's (id, QR) and fits its transport.
//! Sources: RFC 1035 §4.1.1, RFC 6891 §6.2.3, RFC 7766 §8.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use waypost::answer::{Asker, Identity, Transport, respond};
use waypost::control::build::{Built, build};
use waypost::control::load::load_zones;
use waypost::health::table::{Status, Verdict};
use waypost::ids::HealthCheckId;
use waypost::routing::draw::Draw;
use waypost::snapshot::Snapshot;
use waypost::wire::qname::QName;
use waypost::wire::query::{Room, parse_plain, parse_query};
use waypost::zone::master::{Include, Source};

/// The size announced, which is the largest UDP response.
const UDP_PAYLOAD_SIZE: u16 = 1232;

pub fn run(octets: &[u8]) {
    check_readings(octets);
    let snapshot = &SNAPSHOTS[usize::from(octets.first().copied().unwrap_or_default())];
    for (transport, limit) in [(Transport::Udp, usize::from(UDP_PAYLOAD_SIZE)), (Transport::Tcp, usize::from(u16::MAX))] {
        answer(snapshot, octets, transport, limit);
    }
}

/// A plain query is read as the reader of all messages reads it, whatever was read into the same room before.
fn check_readings(octets: &[u8]) {
    let (mut plain_room, mut room) = (USED.clone(), Room::new());
    let Some(plain) = parse_plain(octets, &mut plain_room) else { return };
    let query = parse_query(octets, &mut room).ok().expect("what is plain is well-formed");
    assert_eq!((plain.id, plain.flags, plain.edns), (query.id, query.flags, query.edns));
    let (plain, query) = (plain.question, query.question);
    assert_eq!((plain.octets, plain.qtype, plain.qclass), (query.octets, query.qtype, query.qclass));
    assert_eq!(plain.name.as_wire(), query.name.as_wire());
    let starts = |name: &QName| (0..=name.labels()).map(|labels| name.start_of_last(labels)).collect::<Vec<_>>();
    assert_eq!(starts(plain.name), starts(query.name));
}

/// Room that the longest name and every option were read into.
static USED: LazyLock<Room> = LazyLock::new(|| {
    let options = [&[0, 3, 0, 0, 0, 11, 0, 0, 0, 8, 0, 7, 0, 1, 24, 0, 192, 0, 2][..], &[0, 10, 0, 24], &[7; 24]].concat();
    let question = [&b"\x01a".repeat(127)[..], &[0, 0, 255, 0, 3]].concat();
    let header = [1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    let message = [&header, &question[..], &[0, 0, 41, 255, 255, 1, 0, 0x80, 0, 0, options.len() as u8], &options].concat();
    let mut room = Room::new();
    assert!(parse_plain(&message, &mut room).is_some(), "it is a plain query");
    room
});

fn answer(snapshot: &Snapshot, octets: &[u8], transport: Transport, limit: usize) {
    let mut out = vec![0; limit];
    let asker = Asker { address: IpAddr::V4(Ipv4Addr::LOCALHOST), transport };
    let draw = Draw::new(u64::from_be_bytes([octets.get(1).copied().unwrap_or_default(); 8]));
    let report = respond(snapshot, &identity(), octets, &asker, 1_700_000_000, draw, &mut out);
    assert!(report.len <= limit, "{} octets in a buffer of {limit}", report.len);
    if report.len > 0 {
        check_header(octets, &out[..report.len]);
    }
}

fn check_header(query: &[u8], response: &[u8]) {
    assert!(query.len() >= 12, "answered {} octets, which are no header", query.len());
    assert!(query[2] & 0x80 == 0, "answered a response");
    assert!(response.len() >= 12 && response[2] & 0x80 != 0, "the answer is no response");
    assert_eq!(response[..2], query[..2], "the answer has another id");
}

/// The zone that is asked: a record group of each policy and kind of member, and, included, one of each other thing
/// that a lookup can find.
const ZONE: &str = r#"
zone    = "example.org."
ttl     = 60
include = ["plain.zone"]

[probe.tcp]
type = "tcp"
port = 80

[endpoint.a]
address = ["192.0.2.1", "2001:db8::1"]
probe   = "tcp"

[endpoint.b]
address = ["192.0.2.2"]
probe   = "tcp"

[endpoint.c]
address = ["192.0.2.3", "2001:db8::3"]
probe   = "tcp"

[endpoint.unprobed]
address = ["192.0.2.4"]

[check.two]
type             = "calculated"
children         = ["a", "b", "c"]
health_threshold = 2

[route.failover]
policy  = "failover"
members = ["route:weighted", "route:multivalue", "unprobed"]

[route.weighted]
policy  = "weighted"
members = [{ use = "a", weight = 90 }, { use = "b", weight = 10 }, { use = "c", weight = 0 }]

[route.multivalue]
policy  = "multivalue"
members = ["a", "b", "c"]

[[record]]
name           = "cdn"
type           = "CNAME"
set_identifier = "first"
failover       = "PRIMARY"
health_check   = "two"
values         = ["www"]

[[record]]
name           = "cdn"
type           = "CNAME"
set_identifier = "second"
failover       = "SECONDARY"
values         = ["big"]

[[record]]
name           = "*.any"
type           = "TXT"
set_identifier = "one"
weight         = 1
health_check   = "a"
values         = ['"one"']

[[record]]
name           = "*.any"
type           = "TXT"
set_identifier = "other"
weight         = 1
values         = ['"other"']

[[record]]
name  = "@"
type  = "A"
alias = { name = "failover", evaluate_target_health = true }
"#;

const PLAIN: &str = r#"
@          SOA   ns1 hostmaster 1 7200 900 1209600 300
@          NS    ns1
@          MX    10 mail
ns1        A     192.0.2.53
mail       A     192.0.2.25
www        A     192.0.2.10
www        A     192.0.2.11
www        AAAA  2001:db8::10
cname      CNAME www
loop       CNAME loop
out        CNAME www.example.net.
dname      DNAME target
www.target A     192.0.2.12
dnamelong  DNAME aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
*.wild     MX    10 mail
*.wild     CAA   0 issue "ca.example.net"
a.ent      TXT   "below an empty non-terminal"
cut        NS    ns.cut
cut        DS    1 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
ns.cut     A     192.0.2.60
_sip._tcp  SRV   1 2 5060 mail
svc        HTTPS 1 www alpn=h2
unknown    TYPE65280 \# 4 01020304
$GENERATE 1-60 big A 198.51.100.$
"#;

/// The zone with every combination of health, by the octet that says it.
static SNAPSHOTS: LazyLock<Vec<Snapshot>> = LazyLock::new(|| {
    let zone = Source { file: "fuzz.toml".into(), octets: ZONE.as_bytes().to_vec() };
    let (state, problems) = load_zones(vec![zone], &mut Plain, 1);
    let built = build(state.unwrap_or_else(|| panic!("{problems}")), &Default::default(), None).expect("the zone compiles");
    (0..=u8::MAX).map(|healthy| snapshot(&built, healthy)).collect()
});

/// The built zone where the check of index *i* is healthy if bit *i* of `healthy` is set.
fn snapshot(built: &Built, healthy: u8) -> Snapshot {
    let verdict = |(at, id): (usize, &HealthCheckId)| {
        let healthy = healthy >> at & 1 == 1;
        let status = if healthy { Status::Healthy } else { Status::Unhealthy };
        Verdict::plain(id.clone(), status, Timestamp::UNIX_EPOCH, "".into())
    };
    let verdicts = built.state.checks.keys().enumerate().map(verdict).collect();
    Snapshot {
        catalog: built.catalog.clone(),
        health: Arc::new(built.supposing(verdicts)),
        maps: built.maps.clone(),
        externals: built.externals.clone(),
        generation: 0,
    }
}

/// Has the one file that the zone includes.
struct Plain;

impl Include for Plain {
    fn load(&mut self, path: &str, _from: &str) -> Result<Source, String> {
        match path {
            "plain.zone" => Ok(Source { file: path.into(), octets: PLAIN.as_bytes().to_vec() }),
            _ => Err("it is not there".to_owned()),
        }
    }
}

fn identity() -> Identity {
    let nsid = Some(b"fuzz".as_slice().into());
    Identity { nsid, udp_payload_size: UDP_PAYLOAD_SIZE, cookie_secret: *b"sixteen octets!!", ..Identity::default() }
}
