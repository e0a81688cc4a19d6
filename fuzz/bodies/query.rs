//! Any octets are answered within the buffer or not at all, over UDP and over TCP, and never with a panic.
//!
//! Not a test of what is answered: see `tests/cases` and `tests/differential.rs`.
//! Invariants: a response (QR=1) is never answered; an answer is the asker's (id, QR) and fits its transport.
//! Sources: RFC 1035 §4.1.1, RFC 6891 §6.2.3, RFC 7766 §8.

use std::net::{IpAddr, Ipv4Addr};

use waypost::answer::{Asker, Identity, Transport, respond};
use waypost::routing::draw::Draw;
use waypost::snapshot::Snapshot;

/// The size announced, which is the largest UDP response.
const UDP_PAYLOAD_SIZE: u16 = 1232;

pub fn run(octets: &[u8]) {
    let snapshot = Snapshot::default();
    for (transport, limit) in [(Transport::Udp, usize::from(UDP_PAYLOAD_SIZE)), (Transport::Tcp, usize::from(u16::MAX))] {
        answer(&snapshot, octets, transport, limit);
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

fn identity() -> Identity {
    Identity {
        nsid: Some(b"fuzz".as_slice().into()),
        version: None,
        udp_payload_size: UDP_PAYLOAD_SIZE,
        cookie_secret: *b"sixteen octets!!",
        authority: false,
    }
}
