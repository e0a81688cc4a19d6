//! What the benches ask: one zone of ten thousand names with each kind of answer in it, and a query for each kind.
//!
//! Shared by `answer.rs` (time) and `answer_callgrind.rs` (instructions), so that both measure the same.

#[path = "scenes/clients.rs"]
mod clients;
#[path = "../tests/support/mod.rs"]
pub mod support;

use std::sync::LazyLock;

use support::{member, name, query, record_set, snapshot_placed};
use waypost::answer::{Answerer, Asker, Identity, Report, Transport};
use waypost::health::table::{HealthTable, Verdict};
use waypost::ids::SetIdentifier;
use waypost::routing::draw::Draw;
use waypost::snapshot::Snapshot;
use waypost::wire::query::Room;
use waypost::wire::rtype::RecordType;
use waypost::zone::record_set::{Alias, Content, RecordSet, RoutingPolicy, Weight};

/// A query to be answered again and again.
pub struct Scene {
    snapshot: Snapshot,
    identity: Identity,
    asker: Asker,
    message: Vec<u8>,
    room: Room,
    out: Vec<u8>,
}

/// Every kind of answer, by name: owner, type. Those that say so tell the client's subnet, or have one health check down:
/// of the nearest member by latency; of no member that answers in the three levels.
pub const SCENES: [(&str, &str, RecordType); 19] = [
    ("static", "host5000", RecordType::A),
    ("nodata", "host5000", RecordType::AAAA),
    ("nxdomain", "nothing", RecordType::A),
    ("wildcard", "anything.wild", RecordType::A),
    ("referral", "www.sub", RecordType::A),
    ("mx", "mail", RecordType::MX),
    ("failover", "failover", RecordType::A),
    ("weighted", "weighted", RecordType::A),
    ("multivalue_of_8", "multivalue", RecordType::A),
    ("tree_of_3", "tree", RecordType::A),
    ("geolocation", "geolocation", RecordType::A),
    ("geolocation_with_ecs", "geolocation", RecordType::A),
    ("latency_with_ecs", "latency", RecordType::A),
    ("geoproximity", "geoproximity", RecordType::A),
    ("geoproximity_with_ecs", "geoproximity", RecordType::A),
    ("ip_based", "ip-based", RecordType::A),
    ("three_levels_with_ecs", "levels", RecordType::A),
    ("latency_one_down_with_ecs", "latency", RecordType::A),
    ("three_levels_one_down_with_ecs", "levels", RecordType::A),
];

impl Scene {
    /// The scene of this name, with or without a cookie in the query.
    pub fn new(scene: &str, cookie: bool) -> Self {
        let (_, owner, rtype) = SCENES.iter().find(|(name, ..)| *name == scene).expect("a scene of the table");
        let mut message = query(&name(owner), *rtype);
        if cookie {
            put_option(&mut message, &[0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
        }
        if scene.ends_with("_with_ecs") {
            let [a, b, c, _] = clients::SUBNET.octets();
            put_option(&mut message, &[0, 8, 0, 7, 0, 1, 24, 0, a, b, c]);
        }
        let mut snapshot = ZONE.clone();
        if scene.contains("_one_down") {
            let down = |verdict: &Verdict| Verdict { healthy: verdict.id.as_str() != "member1", ..verdict.clone() };
            let (checks, gates) = (snapshot.health.iter().map(down), snapshot.health.gates().map(down));
            snapshot.health = HealthTable::with_gates(checks.collect(), gates.collect()).into();
        }
        let asker = Asker { address: clients::RESOLVER.into(), transport: Transport::Udp };
        Self { snapshot, identity: Identity::default(), asker, message, room: Room::new(), out: vec![0; 65_535] }
    }

    /// Answers once.
    pub fn answer(&mut self, draw: u64) -> Report {
        self.answer_octets(self.message.len(), draw)
    }

    /// Octets of the query.
    #[allow(dead_code, reason = "for those who cut it short")]
    pub fn message_len(&self) -> usize {
        self.message.len()
    }

    /// Answers what the query's first `len` octets are.
    #[allow(dead_code, reason = "for those who cut it short")]
    pub fn answer_first(&mut self, len: usize) -> Report {
        self.answer_octets(len, 0)
    }

    fn answer_octets(&mut self, len: usize, draw: u64) -> Report {
        let Self { snapshot, identity, asker, message, room, out } = self;
        let mut answerer = Answerer { snapshot, identity, now_secs: 1_700_000_000, room };
        answerer.respond(&message[..len], asker, Draw::new(draw), out)
    }
}

/// Puts an option behind those of the OPT record, which is last and has its length before its options.
fn put_option(message: &mut Vec<u8>, option: &[u8]) {
    let opt = message.windows(5).rposition(|octets| octets == [0, 0, 41, 4, 208]).expect("queries have EDNS");
    message[opt + 10] += option.len() as u8;
    message.extend_from_slice(option);
}

/// Made once, as it is of some size.
static ZONE: LazyLock<Snapshot> = LazyLock::new(zone);

fn zone() -> Snapshot {
    let hosts = (0..10_000u32).map(|at| record_set(&format!("host{at}"), RecordType::A, &[&at.to_be_bytes()]));
    let mut sets: Vec<RecordSet> = hosts.collect();
    sets.push(record_set("*.wild", RecordType::A, &[&[192, 0, 2, 1]]));
    sets.push(record_set("sub", RecordType::NS, &[name("ns.sub").as_wire(), name("ns1").as_wire()]));
    sets.push(record_set("ns.sub", RecordType::A, &[&[192, 0, 2, 2]]));
    sets.push(record_set("ns1", RecordType::A, &[&[192, 0, 2, 3]]));
    sets.push(record_set("mail", RecordType::MX, &[&[&[0, 10], name("ns1").as_wire()].concat()]));
    let weighted = |at: u8| RoutingPolicy::Weighted(Weight::new(at.into()).expect("in range"));
    for at in 0..2 {
        let (identifier, address) = (format!("member{at}"), [192, 0, 2, 10 + at]);
        sets.push(member("failover", &identifier, RoutingPolicy::Failover(at.into()), address, Some(&identifier)));
        sets.push(member("weighted", &identifier, weighted(90 + at), address, Some(&identifier)));
    }
    for at in 0..8 {
        let identifier = format!("member{at}");
        sets.push(member("multivalue", &identifier, RoutingPolicy::Multivalue, [192, 0, 2, 20 + at], Some(&identifier)));
    }
    sets.extend([("tree", "tree-eu"), ("tree-eu", "weighted")].iter().flat_map(|(owner, target)| branch(owner, target)));
    sets.extend(clients::record_sets());
    let checks: Vec<String> = (0..8).map(|at| format!("member{at}")).collect();
    let checks: Vec<(&str, bool)> = checks.iter().map(|id| (id.as_str(), true)).collect();
    snapshot_placed(sets, &checks, clients::collections(), &clients::places())
}

/// A failover whose primary is another group, and whose secondary is an address.
fn branch(owner: &str, target: &str) -> [RecordSet; 2] {
    let alias = Alias { target: name(target), evaluate_target_health: true };
    let secondary = member(owner, "secondary", RoutingPolicy::Failover(1), [192, 0, 2, 30], None);
    let primary = RecordSet {
        set_identifier: Some(SetIdentifier::new("primary").expect("not empty")),
        policy: RoutingPolicy::Failover(0),
        content: Content::Alias(Box::new(alias)),
        ..secondary.clone()
    };
    [primary, secondary]
}
