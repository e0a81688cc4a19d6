//! Any octets are answered within the buffer or not at all, over UDP and over TCP, and never with a panic.
//!
//! Not a test of what is answered: see `tests/cases` and `tests/differential.rs`.
//! Invariants: a response (QR=1) is never answered; an answer is the asker's (id, QR) and fits its transport.
//! Sources: RFC 1035 §4.1.1, RFC 6891 §6.2.3, RFC 7766 §8.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use waypost::answer::{Asker, Identity, Transport, respond};
use waypost::control::build::build;
use waypost::control::state::State;
use waypost::routing::draw::Draw;
use waypost::snapshot::Snapshot;
use waypost::zone::hosted_zone::HostedZone;
use waypost::zone::master::{Include, Source, read};

/// The size announced, which is the largest UDP response.
const UDP_PAYLOAD_SIZE: u16 = 1232;

pub fn run(octets: &[u8]) {
    for (transport, limit) in [(Transport::Udp, usize::from(UDP_PAYLOAD_SIZE)), (Transport::Tcp, usize::from(u16::MAX))] {
        answer(&SNAPSHOT, octets, transport, limit);
    }
}

fn answer(snapshot: &Snapshot, octets: &[u8], transport: Transport, limit: usize) {
    let mut out = vec![0; limit];
    let asker = Asker { address: IpAddr::V4(Ipv4Addr::LOCALHOST), transport };
    let draw = Draw::new(octets.len() as u64);
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

/// The zone that is asked: one of each thing that a lookup can find.
const ZONE: &str = r#"
$ORIGIN example.org.
$TTL 60
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

static SNAPSHOT: LazyLock<Snapshot> = LazyLock::new(|| {
    let source = Source { file: "fuzz.zone".into(), octets: ZONE.as_bytes().to_vec() };
    let read = read(source, None, None, &mut NoFiles);
    assert!(read.problems.is_empty(), "{}", read.problems);
    let name = read.apex.expect("the zone has a SOA");
    let hosted = HostedZone { name, record_sets: read.record_sets, files: read.files };
    let built = build(State { zones: vec![hosted.into()], checks: Default::default() }, None).expect("the zone compiles");
    Snapshot { catalog: built.catalog, ..Snapshot::default() }
});

struct NoFiles;

impl Include for NoFiles {
    fn load(&mut self, path: &str, _from: &str) -> Result<Source, String> {
        Err(format!("{path} is not there"))
    }
}

fn identity() -> Identity {
    let nsid = Some(b"fuzz".as_slice().into());
    Identity { nsid, udp_payload_size: UDP_PAYLOAD_SIZE, cookie_secret: *b"sixteen octets!!", ..Identity::default() }
}
