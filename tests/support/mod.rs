//! What several test files share: zones made in code, verdicts by name, and questions asked without a socket.
//!
//! Not a second implementation of anything: answers come from `answer::respond_traced`, decoding from hickory-proto.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::sync::Arc;

use hickory_proto::op::Message;
use jiff::Timestamp;
use waypost::answer::{Asker, Identity, Report, Transport, respond_traced};
use waypost::control::build::build;
use waypost::control::state::State;
use waypost::health::check::HealthCheck;
use waypost::health::table::{Status, Verdict};
use waypost::ids::{CollectionId, HealthCheckId, SetIdentifier};
use waypost::places::Places;
use waypost::places::cidr::CidrCollection;
use waypost::routing::draw::Draw;
use waypost::routing::trace::Explanation;
use waypost::snapshot::Snapshot;
use waypost::wire::name::Name;
use waypost::wire::rtype::RecordType;
use waypost::zone::hosted_zone::HostedZone;
use waypost::zone::record_set::{RdataList, RecordSet, RoutingPolicy, Ttl};

/// A name below example.org., or an absolute one.
pub fn name(text: &str) -> Name {
    let origin = Name::parse("example.org.", None).expect("a valid name");
    Name::parse(text, Some(&origin)).expect("the test's names are valid")
}

/// A record set with values.
pub fn record_set(owner: &str, rtype: RecordType, rdata: &[&[u8]]) -> RecordSet {
    let ttl = Ttl::new(60).expect("in range");
    RecordSet::simple(name(owner), rtype, ttl, RdataList::new(rdata))
}

/// A member of a record group of type A.
pub fn member(owner: &str, identifier: &str, policy: RoutingPolicy, address: [u8; 4], health_check: Option<&str>) -> RecordSet {
    RecordSet {
        set_identifier: Some(SetIdentifier::new(identifier).expect("not empty")),
        policy,
        health_check: health_check.map(|id| HealthCheckId::new(id).expect("not empty")),
        place: None,
        ..record_set(owner, RecordType::A, &[&address])
    }
}

/// SOA and NS, without which no zone answers.
pub fn apex() -> [RecordSet; 2] {
    let timers = [1u32, 7_200, 900, 1_209_600, 60].map(u32::to_be_bytes).concat();
    let soa = [name("ns1").as_wire(), name("hostmaster").as_wire(), &timers].concat();
    [record_set("@", RecordType::SOA, &[&soa]), record_set("@", RecordType::NS, &[name("ns1").as_wire()])]
}

/// A snapshot of one zone, example.org., with the health checks of `checks`: their ids, and whether each is healthy.
pub fn snapshot(record_sets: Vec<RecordSet>, checks: &[(&str, bool)]) -> Snapshot {
    snapshot_placed(record_sets, checks, BTreeMap::new(), &Places::default())
}

/// As [`snapshot`], with CIDR collections, and with what is known of where clients are.
pub fn snapshot_placed(
    record_sets: Vec<RecordSet>,
    checks: &[(&str, bool)],
    collections: BTreeMap<CollectionId, Arc<CidrCollection>>,
    places: &Places,
) -> Snapshot {
    let hosted = HostedZone {
        name: name("@"),
        record_sets: apex().into_iter().chain(record_sets).collect(),
        hidden: 0,
        groups: BTreeMap::new(),
        files: vec!["made in a test".into()],
    };
    let checks: BTreeMap<HealthCheckId, bool> =
        checks.iter().map(|(id, healthy)| (HealthCheckId::new(id).expect("not empty"), *healthy)).collect();
    let configured = checks.keys().map(|id| (id.clone(), always(id))).collect();
    let state = State { zones: vec![Arc::new(hosted)], checks: configured, collections, ..State::default() };
    let built = build(state, places, None).expect("the test's zones compile");
    let verdicts = checks.into_iter().map(|(id, healthy)| verdict(id, healthy)).collect();
    let health = Arc::new(built.supposing(verdicts));
    let (catalog, maps, externals) = (built.catalog, built.maps, built.externals);
    Snapshot { catalog, health, maps, externals, generation: 0 }
}

/// A check that no test probes.
fn always(id: &HealthCheckId) -> HealthCheck {
    let kind = waypost::health::check::CheckKind::Calculated { children: Vec::new(), health_threshold: 0 };
    HealthCheck::plain(id.clone(), kind)
}

/// A verdict as the test wants it.
pub fn verdict(id: HealthCheckId, healthy: bool) -> Verdict {
    let status = if healthy { Status::Healthy } else { Status::Unhealthy };
    Verdict::plain(id, status, Timestamp::UNIX_EPOCH, "the test says so".into())
}

/// A query for one name and type, with EDNS.
pub fn query(qname: &Name, rtype: RecordType) -> Vec<u8> {
    let header = [0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    let opt = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];
    [&header[..], qname.as_wire(), &rtype.0.to_be_bytes(), &[0, 1], &opt].concat()
}

/// Asks over UDP from 192.0.2.53; gives the octets, what was reported, and why.
pub fn ask(snapshot: &Snapshot, message: &[u8], draw: u64) -> (Vec<u8>, Report, Explanation) {
    let mut out = vec![0; 65_535];
    let mut explanation = Explanation::default();
    let asker = Asker { address: [192, 0, 2, 53].into(), transport: Transport::Udp };
    let identity = Identity::default();
    let report = respond_traced(snapshot, &identity, message, &asker, 0, Draw::new(draw), &mut out, &mut explanation);
    out.truncate(report.len);
    (out, report, explanation)
}

/// The last octets of the A records in a response's answer section, in order.
pub fn last_octets(response: &[u8]) -> Vec<u8> {
    let message = Message::from_vec(response).expect("responses decode");
    let address = |record: &hickory_proto::rr::Record| match record.data {
        hickory_proto::rr::RData::A(address) => address.0.octets()[3],
        ref other => panic!("an address was asked for, not {other:?}"),
    };
    message.answers.iter().map(address).collect()
}
