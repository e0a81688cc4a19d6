//! An answer allocates nothing: every kind of answer that the benches ask for, counted by the allocator.
//!
//! Says nothing of the sockets, whose buffers are allocated once; refusals of malformed messages are counted too.

#[path = "../benches/scenes.rs"]
mod scenes;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use scenes::support::{name, query, record_set};
use scenes::{SCENES, Scene};
use waypost::answer::{Asker, Identity, Transport};
use waypost::control::build::build;
use waypost::control::state::State;
use waypost::places::Places;
use waypost::server::{Answers, Responder};
use waypost::snapshot::{Published, Snapshot};
use waypost::telemetry::query_log::QueryLogs;
use waypost::wire::rtype::RecordType;
use waypost::zone::catalog::LoggedAs;
use waypost::zone::hosted_zone::HostedZone;
use waypost::zone::record_set::RecordSet;

#[test]
fn no_answer_allocates() {
    for (scene, ..) in SCENES {
        for cookie in [false, true] {
            let mut asked = Scene::new(scene, cookie);
            let counted = allocation_counter::measure(|| {
                for draw in 0..100 {
                    assert!(asked.answer(draw).len > 0);
                }
            });
            assert_eq!(counted.count_total, 0, "{scene}, with cookie: {cookie}");
        }
    }
}

#[test]
fn no_refusal_allocates() {
    let mut asked = Scene::new("static", false);
    for cut in 0..asked.message_len() {
        let counted = allocation_counter::measure(|| {
            asked.answer_first(cut);
        });
        assert_eq!(counted.count_total, 0, "the first {cut} octets");
    }
}

/// A zone with one address, at its apex.
fn zone(apex: &str) -> Arc<HostedZone> {
    zone_with(apex, Vec::new())
}

/// The same with more record sets.
fn zone_with(apex: &str, more: Vec<RecordSet>) -> Arc<HostedZone> {
    let soa = [name("ns1").as_wire(), name("hostmaster").as_wire(), &[0; 20]].concat();
    let mut record_sets = vec![
        record_set(apex, RecordType::SOA, &[&soa]),
        record_set(apex, RecordType::NS, &[name("ns1").as_wire()]),
        record_set(apex, RecordType::A, &[&[192, 0, 2, 1]]),
    ];
    record_sets.extend(more);
    Arc::new(HostedZone { name: name(apex), record_sets, hidden: 0, groups: BTreeMap::new(), files: vec!["a test's".into()] })
}

#[test]
fn while_another_zone_logs_its_queries_no_answer_allocates_and_those_of_that_zone_by_the_batch_only() {
    let logged = Arc::new(LoggedAs { zone_id: "Z1".into(), log_group: "allocations".into() });
    let zones = ["silent", "logged"].map(zone).to_vec();
    let state = State { zones, logged: [(name("logged"), logged)].into(), ..State::default() };
    let catalog = build(state, &Places::default(), None).expect("the zones compile").catalog;
    let published = Arc::new(Published::new(Snapshot { catalog, ..Snapshot::default() }));
    let logs = QueryLogs::spawn(Arc::default()).expect("there are threads");
    logs.set_directory(Some(Path::new(env!("CARGO_TARGET_TMPDIR")).to_owned()));
    let identity = Arc::new(ArcSwap::from_pointee(Identity::default()));
    let mut answers = Answers::new(published, identity).logging_to(logs.log());
    let asker = Asker { address: [192, 0, 2, 53].into(), transport: Transport::Udp };
    let mut out = vec![0; 1_232];
    let mut allocated = |zone: &str| {
        let message = query(&name(zone), RecordType::A);
        let mut batch = || {
            let mut respond = answers.batch();
            (0..64).for_each(|_| assert!(respond(&message, &asker, &mut out).len > 0));
        };
        // The buffers, which stay.
        batch();
        allocation_counter::measure(batch).count_total
    };
    assert_eq!(allocated("silent"), 0);
    // The lines, whose they are, and at times a block of the queue.
    let of_logged = allocated("logged");
    assert!((2..=3).contains(&of_logged), "{of_logged}");
}

#[test]
fn reading_ahead_allocates_once_whatever_was_received() {
    let host = |at: u32| record_set(&format!("host{at}.large"), RecordType::A, &[&at.to_be_bytes()]);
    let zones = vec![zone("small"), zone_with("large", (0..40_000).map(host).collect())];
    let catalog = build(State { zones, ..State::default() }, &Places::default(), None).expect("the zones compile").catalog;
    assert!(catalog.reads_ahead());
    let published = Arc::new(Published::new(Snapshot { catalog, ..Snapshot::default() }));
    let mut answers = Answers::new(published, Arc::new(ArcSwap::from_pointee(Identity::default())));
    let asked = ["small", "host7.large", "HOST39999.Large", "missing.large", "a.host7.large", "@", "large"];
    let mut messages: Vec<Vec<u8>> = asked.map(|owner| query(&name(owner), RecordType::A)).into();
    messages.extend([vec![], vec![0; 11], vec![0; 12], vec![0xff; 300], vec![0; 4_096], [&[0; 12][..], &[63]].concat()]);
    let whole = messages[1].clone();
    messages.extend((0..whole.len()).map(|len| whole[..len].to_vec()));
    let mut read = || (0..messages.len()).for_each(|count| answers.read_ahead(messages[..count].iter().map(Vec::as_slice)));
    assert!(allocation_counter::measure(&mut read).count_total > 0);
    assert_eq!(allocation_counter::measure(&mut read).count_total, 0);
    let asker = Asker { address: [192, 0, 2, 53].into(), transport: Transport::Udp };
    let mut out = vec![0; 1_232];
    let report = answers.batch()(&whole, &asker, &mut out);
    assert!(out[..report.len].windows(6).any(|rdata| rdata == [0, 4, 0, 0, 0, 7]));
}
