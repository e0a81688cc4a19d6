//! Queries made to cost the server as much as they can, each as large as a datagram may be: shared by the bench that counts
//! instructions and the test that bounds what comes back.
//!
//! Not malformed at random: that is `tests/flood.rs`. Each repeats what a message may have many of.

use std::net::IpAddr;

use waypost::answer::{Asker, Identity, Report, Transport, respond};
use waypost::routing::draw::Draw;
use waypost::snapshot::Snapshot;
use waypost::wire::rtype::RecordType;

use crate::support::{record_set, snapshot};

/// The longest datagram that is looked at.
pub const DATAGRAM_MAX: usize = 4_096;

/// What each repeats.
pub const HOSTILE: [(&str, Make); 11] = [
    ("plain", || message(&labels(&[b"host5000"]), 1, &[OPT])),
    ("missing", || message(&labels(&[b"nothing"]), 1, &[OPT])),
    ("missing_of_123_labels", || message(&labels(&[&b"a"[..]; 121]), 1, &[OPT])),
    ("missing_of_255_octets", || message(&labels(&[&[b'a'; 63], &[b'b'; 63], &[b'c'; 63], &[b'd'; 49]]), 1, &[OPT])),
    ("wildcard_of_121_labels", || message(&labels(&[&[&b"a"[..]; 118][..], &[b"wild"]].concat()), 1, &[OPT])),
    ("options", || message(&labels(&[b"host5000"]), 1, &[&opt(&[0xff, 0xfe, 0, 0].repeat(1_011))])),
    ("cookies", || message(&labels(&[b"host5000"]), 1, &[&opt(&[&[0, 10, 0, 24][..], &[1; 24]].concat().repeat(144))])),
    ("records", || message(&labels(&[b"host5000"]), 1, &vec![&[0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0][..]; 367])),
    ("owners", || message(&labels(&[b"host5000"]), 1, &vec![&owned_record()[..]; 15])),
    ("questions", || message(&labels(&[b"host5000"]), 800, &vec![&[0, 0, 1, 0, 1][..]; 799])),
    ("signature", signature),
];

type Make = fn() -> Vec<u8>;

const OPT: &[u8] = &[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];

/// A zone with a name and a wildcard that are asked for.
pub fn zone() -> Snapshot {
    let sets = [("host5000", [192, 0, 2, 1]), ("*.wild", [192, 0, 2, 2])];
    snapshot(sets.iter().map(|(owner, address)| record_set(owner, RecordType::A, &[address])).collect(), &[])
}

/// A name below the zone.
fn labels(labels: &[&[u8]]) -> Vec<u8> {
    let below = labels.iter().flat_map(|label| [&[label.len() as u8][..], label].concat());
    below.chain(*b"\x07example\x03org\x00").collect()
}

/// A query of type A with so many questions, the others of which are among `behind`, and what else is behind it as additional.
fn message(name: &[u8], questions: u16, behind: &[&[u8]]) -> Vec<u8> {
    let additional = if questions == 1 { behind.len() as u16 } else { 0 };
    let header = [&[0, 7, 0, 0][..], &questions.to_be_bytes(), &[0; 4], &additional.to_be_bytes()].concat();
    let message = [&header[..], name, &[0, 1, 0, 1], &behind.concat()].concat();
    assert!(message.len() <= DATAGRAM_MAX, "{}", message.len());
    message
}

/// An OPT record with options.
fn opt(options: &[u8]) -> Vec<u8> {
    [&OPT[..9], &(options.len() as u16).to_be_bytes(), options].concat()
}

/// A record whose owner is as long as names get.
fn owned_record() -> Vec<u8> {
    [&[1, b'a'].repeat(127)[..], &[0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]].concat()
}

/// A TSIG record whose owner's every label is a walk back through pointers to pointers.
fn signature() -> Vec<u8> {
    let mut message = message(&labels(&[b"host5000"]), 1, &[]);
    message[11] = 2;
    // The first additional record: rdata of nothing but pointers, each to the one before it, the first to the question's name.
    message.extend([0, 0, 16, 0, 1, 0, 0, 0, 0]);
    let pointers = 1_960;
    message.extend((2 * pointers as u16).to_be_bytes());
    let mut target = 12u16;
    for _ in 0..pointers {
        let at = message.len() as u16;
        message.extend((0xc000 | target).to_be_bytes());
        target = at;
    }
    message.extend((0xc000 | target).to_be_bytes());
    let rdata = [&[0][..], &[0; 8], &[0, 0], &[0, 7, 0, 0, 0, 0]].concat();
    message.extend([0, 250, 0, 255, 0, 0, 0, 0]);
    message.extend((rdata.len() as u16).to_be_bytes());
    message.extend(rdata);
    assert!(message.len() <= DATAGRAM_MAX, "{}", message.len());
    message
}

/// Answers a message over UDP.
pub fn answer(snapshot: &Snapshot, message: &[u8], out: &mut [u8]) -> Report {
    let asker = Asker { address: IpAddr::from([192, 0, 2, 53]), transport: Transport::Udp };
    respond(snapshot, &Identity::default(), message, &asker, 1_700_000_000, Draw::new(0), out)
}
