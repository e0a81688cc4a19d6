//! What one query can cost at most: no allocation, a reply that is no gain to whom it may be sent instead, and chains and additional
//! data that end.
//!
//! `benches/hostile_callgrind.rs` counts the instructions of the same queries; docs/operations.md has the bounds.

#[path = "../benches/hostile/queries.rs"]
mod hostile;
mod support;

use hostile::{DATAGRAM_MAX, HOSTILE, answer};
use proptest::prelude::*;
use support::{name, query, record_set, snapshot};
use waypost::answer::{Asker, Identity, Transport, respond};
use waypost::routing::draw::Draw;
use waypost::snapshot::Snapshot;
use waypost::wire::header::Rcode;
use waypost::wire::query::MalformedKind;
use waypost::wire::rtype::RecordType;
use waypost::zone::record_set::RecordSet;

#[test]
fn hostile_queries_are_what_they_are_meant_to_be_and_cost_no_allocation_and_no_amplification() {
    let snapshot = hostile::zone();
    let mut out = vec![0; 4_096];
    for (kind, make) in HOSTILE {
        let message = make();
        let mut report = answer(&snapshot, &message, &mut out);
        let counted = allocation_counter::measure(|| report = answer(&snapshot, &message, &mut out));
        assert_eq!(counted.count_total, 0, "{kind}");
        let expected = match kind {
            "plain" | "options" | "cookies" | "records" | "owners" | "wildcard_of_121_labels" => (Rcode::NOERROR, None),
            "questions" => (Rcode::FORMERR, Some(MalformedKind::QuestionCount)),
            "signature" => (Rcode::NOTAUTH, None),
            _ => (Rcode::NXDOMAIN, None),
        };
        assert_eq!((report.rcode, report.malformed), expected, "{kind}");
        assert!(report.len <= message.len() + 2 * 64, "{kind}: {} for {}", report.len, message.len());
        let is_large = !kind.starts_with("plain") && !kind.starts_with("missing") && !kind.starts_with("wildcard");
        assert!(!is_large || message.len() > DATAGRAM_MAX - 100, "{kind}: {}", message.len());
    }
}

/// The owners in the answer section, by its count in the header, and the additional records but OPT.
fn counts(snapshot: &Snapshot, owner: &str, rtype: RecordType) -> (Rcode, u16, u16) {
    let mut out = vec![0; 65_535];
    let report = answer(snapshot, &query(&name(owner), rtype), &mut out);
    let count = |at: usize| u16::from_be_bytes([out[at], out[at + 1]]);
    assert!(!report.truncated, "it is to be seen whole");
    (report.rcode, count(6), count(10) - 1)
}

fn cname(owner: &str, target: &str) -> RecordSet {
    record_set(owner, RecordType::CNAME, &[name(target).as_wire()])
}

#[test]
fn a_chain_is_followed_for_eight_names_and_no_further() {
    let mut sets: Vec<RecordSet> = (0..30).map(|at| cname(&format!("c{at}"), &format!("c{}", at + 1))).collect();
    sets.push(record_set("c30", RecordType::A, &[&[192, 0, 2, 1]]));
    sets.extend([cname("loop1", "loop2"), cname("loop2", "loop1")]);
    // Each name that this gives is two labels longer than the one before.
    sets.push(record_set("grows", RecordType::DNAME, &[name("x.y.grows2").as_wire()]));
    sets.push(record_set("grows2", RecordType::DNAME, &[name("x.y.grows").as_wire()]));
    let snapshot = snapshot(sets, &[]);
    for (owner, expected) in [
        ("c22", (Rcode::NOERROR, 9, 0)), // eight CNAMEs, and the address
        ("c21", (Rcode::NOERROR, 8, 0)),
        ("c0", (Rcode::NOERROR, 8, 0)),
        ("loop1", (Rcode::NOERROR, 2, 0)),
        ("a.grows", (Rcode::NOERROR, 10, 0)), // eight CNAMEs, and each DNAME once
    ] {
        assert_eq!(counts(&snapshot, owner, RecordType::A), expected, "{owner}");
    }
}

#[test]
fn addresses_of_32_names_are_added_and_no_more() {
    let exchanges: Vec<Vec<u8>> = (0..100).map(|at| [&[0, 10], name(&format!("mx{at}")).as_wire()].concat()).collect();
    let exchanges: Vec<&[u8]> = exchanges.iter().map(Vec::as_slice).collect();
    let mut sets = vec![record_set("mail", RecordType::MX, &exchanges)];
    sets.extend((0..100).map(|at| record_set(&format!("mx{at}"), RecordType::A, &[&[192, 0, 2, at]])));
    let mut out = vec![0; 65_535];
    let snapshot = snapshot(sets, &[]);
    // Over TCP, where all of it fits.
    let asker = Asker { address: [192, 0, 2, 53].into(), transport: Transport::Tcp };
    let message = query(&name("mail"), RecordType::MX);
    let draw = Draw::new(0);
    respond(&snapshot, &Identity::default(), &message, &asker, 0, draw, &mut out);
    assert_eq!((u16::from_be_bytes([out[6], out[7]]), u16::from_be_bytes([out[10], out[11]])), (100, 33));
}

proptest! {
    /// Whatever name is asked for below a zone, the answer that it does not exist is as long as the question makes it.
    #[test]
    fn no_random_name_gets_more_than_another(labels in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..20), 1..10)) {
        let mut wire: Vec<u8> = labels.iter().flat_map(|label| [&[label.len() as u8][..], label].concat()).collect();
        wire.extend(b"\x07missing\x07example\x03org\x00");
        prop_assume!(wire.len() <= 255);
        let question = [&wire[..], &[0, 1, 0, 1]].concat();
        let message = [&[0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], &question].concat();
        let shortest = [&[0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], b"\x07missing\x07example\x03org\x00\x00\x01\x00\x01"].concat();
        let snapshot = hostile::zone();
        let mut out = vec![0; 4_096];
        let (long, short) = (answer(&snapshot, &message, &mut out), answer(&snapshot, &shortest, &mut out));
        prop_assert_eq!((long.rcode, long.len - message.len()), (Rcode::NXDOMAIN, short.len - shortest.len()));
    }
}
