//! What both servers are asked: worlds, each a snapshot with its queries, and messages that are hardly queries.
//!
//! Everything in a fixed order. Invariant: every world has the zone example.org., so that one question is known to all.

use std::collections::BTreeMap;
use std::sync::Arc;

use waypost::control::build::build;
use waypost::control::state::State;
use waypost::ids::{CollectionId, LocationName};
use waypost::places::Places;
use waypost::places::cidr::CidrCollection;
use waypost::snapshot::Snapshot;
use waypost::wire::name::Name;
use waypost::wire::rtype::RecordType;
use waypost::zone::hosted_zone::HostedZone;
use waypost::zone::master::{NoFiles, Source, read};
use waypost::zone::record_set::{CidrLocation, RecordSet, RoutingPolicy, Weight};

use crate::queries;
use crate::support::{member, name, record_set, snapshot, snapshot_placed};

pub struct World {
    pub name: &'static str,
    pub snapshot: Snapshot,
    /// Each with what is said of it when it fails.
    pub queries: Vec<(String, Vec<u8>)>,
}

const EVERY_TYPE: &str = include_str!("../zones/every_type.zone");
const DIFFERENTIAL: &str = include_str!("../differential/zone.zone");

pub fn worlds() -> Vec<World> {
    let mut worlds = vec![differential(), every_type(), sizes(), odd()];
    worlds.extend([("all healthy", true, true), ("primary down", false, true), ("all down", false, false)].map(policies));
    worlds
}

/// The zone that answers are compared with Knot's and NSD's by, and the queries over it.
fn differential() -> World {
    let queries = queries::generate(DIFFERENTIAL).into_iter().map(|asked| (asked.to_string(), asked.encode(0))).collect();
    World { name: "differential", snapshot: snapshot_of(DIFFERENTIAL).0, queries }
}

/// Each type that a zone can hold.
fn every_type() -> World {
    let (snapshot, record_sets) = snapshot_of(EVERY_TYPE);
    let asked = record_sets.iter().flat_map(|set| [None, Some(512), Some(4096)].map(|size| ask(&set.name, set.rtype, size, &[])));
    let queries = asked.collect();
    World { name: "every type", snapshot, queries }
}

/// RRsets and additional sections of every length around the limits.
fn sizes() -> World {
    let addresses = |many: u8| (1..=many).map(|at| [192, 0, 2, at]).collect::<Vec<_>>();
    let mut sets = vec![
        record_set("mail.of-some-length", RecordType::A, &addresses(4).iter().map(|a| &a[..]).collect::<Vec<_>>()),
        record_set("mail.of-some-length", RecordType::AAAA, &[&[0x20; 16], &[0x21; 16]]),
    ];
    for many in 1..=80 {
        let rdata = addresses(many);
        sets.push(record_set(&format!("a{many}"), RecordType::A, &rdata.iter().map(|a| &a[..]).collect::<Vec<_>>()));
        let exchanges: Vec<Vec<u8>> =
            (0..many).map(|at| [&[0, at][..], name("mail.of-some-length").as_wire()].concat()).collect();
        sets.push(record_set(&format!("mx{many}"), RecordType::MX, &exchanges.iter().map(Vec::as_slice).collect::<Vec<_>>()));
        let below = format!("cut{many}");
        sets.push(record_set(&below, RecordType::NS, &[name(&format!("ns.{below}")).as_wire()]));
        sets.push(record_set(&format!("ns.{below}"), RecordType::A, &rdata.iter().map(|a| &a[..]).collect::<Vec<_>>()));
    }
    let asked = (1..=80).flat_map(|many| {
        [(format!("a{many}"), RecordType::A), (format!("mx{many}"), RecordType::MX), (format!("x.cut{many}"), RecordType::A)]
    });
    let sized = asked.flat_map(|(owner, rtype)| [None, Some(700), Some(1232)].map(|size| ask(&name(&owner), rtype, size, &[])));
    let queries = sized.collect();
    World { name: "sizes", snapshot: snapshot(sets, &[]), queries }
}

/// Groups of members by policy, asked from here and from subnets.
fn policies((world, primary, secondary): (&'static str, bool, bool)) -> World {
    let weighted = |at: u8| RoutingPolicy::Weighted(Weight::new(at.into()).expect("in range"));
    let collection = || CollectionId::new("offices").expect("not empty");
    let located = |at: Option<&str>| {
        let location = at.map(|at| LocationName::new(at).expect("not empty"));
        RoutingPolicy::IpBased(Box::new(CidrLocation { collection: collection(), location }))
    };
    let checks = ["one", "two"];
    let mut sets = Vec::new();
    for (at, id) in checks.into_iter().enumerate() {
        let address = [192, 0, 2, 10 + at as u8];
        sets.push(member("failover", id, RoutingPolicy::Failover(at as u16), address, Some(id)));
        sets.push(member("weighted", id, weighted(10 + at as u8), address, Some(id)));
        sets.push(member("multivalue", id, RoutingPolicy::Multivalue, address, Some(id)));
        sets.push(member("*.located", id, located([Some("north"), None][at]), address, Some(id)));
    }
    let blocks = [("198.51.100.0/24", "north"), ("2001:db8::/48", "north")];
    let blocks = blocks.map(|(block, at)| (block.parse().unwrap(), LocationName::new(at).expect("not empty")));
    let collections = BTreeMap::from([(collection(), Arc::new(CidrCollection::new(blocks).expect("no block twice")))]);
    let healthy = [(checks[0], primary), (checks[1], secondary)];
    let snapshot = snapshot_placed(sets, &healthy, collections, &Places::default());
    let subnets: [&[u8]; 5] =
        [&[], &[0, 1, 24, 0, 198, 51, 100], &[0, 1, 20, 0, 203, 0, 112], &[0, 2, 48, 0, 0x20, 1, 0xd, 0xb8, 0, 0], &[0, 1, 0, 0]];
    let options = subnets.map(|subnet| if subnet.is_empty() { Vec::new() } else { option(8, subnet) });
    let owners = ["failover", "weighted", "multivalue", "a.located", "B.Located"];
    let queries = owners.iter().flat_map(|owner| {
        let named = |(at, option): (usize, &Vec<u8>)| {
            let (what, query) = ask(&name(owner), RecordType::A, Some(1232), option);
            (format!("{what} from subnet {at}"), query)
        };
        options.iter().enumerate().map(named).collect::<Vec<_>>()
    });
    World { name: world, queries: queries.collect(), snapshot }
}

/// Options, opcodes and classes that are not everyday's, and octets that are no query.
fn odd() -> World {
    let plain = message(0, &[], 1232, 0);
    let mut queries: Vec<(String, Vec<u8>)> =
        option_lists().into_iter().map(|(what, list)| (what.into(), message(0, &list, 1232, 0))).collect();
    queries.extend(
        [0x0001_0000, 0x00ff_0000, 0x8000, 0x7fff, 0xff00_0000]
            .map(|ttl| (format!("OPT TTL {ttl:08x}"), message(0, &[], 1232, ttl))),
    );
    queries.extend(
        (0..16u8).flat_map(|opcode| [0, 1].map(|rd| (format!("opcode {opcode}"), message(opcode << 3 | rd, &[], 1232, 0)))),
    );
    queries.extend([0x80, 0x84, 0x02, 0x04].map(|flags| (format!("flags {flags:02x}"), message(flags, &[], 1232, 0))));
    for (qname, rtype, class) in [
        (&b"\x07version\x04bind\0"[..], 16, 3),
        (b"\x02id\x06server\0", 16, 3),
        (b"\x07EXAMPLE\x03oRg\0", 252, 1),
        (b"\x07example\x03org\0", 251, 1),
        (b"\x07example\x03org\0", 1, 0),
        (b"\x07example\x03org\0", 1, 254),
        (b"\x07example\x03org\0", 255, 255),
        (b"\x07example\x03org\0", 0, 1),
        (b"\x07example\x03org\0", 41, 1),
        (b"\x07example\x03org\0", 250, 1),
    ] {
        let mut message = plain.clone();
        let question = [qname, &u16::to_be_bytes(rtype), &u16::to_be_bytes(class)].concat();
        message.splice(12..12 + QUESTION.len(), question);
        queries.push((format!("type {rtype} class {class}"), message));
    }
    queries.extend(signed());
    queries.extend(counted());
    queries.extend(damaged(&message(0, &[option(10, &[7; 8]), option(8, &[0, 1, 24, 0, 198, 51, 100])].concat(), 1232, 0)));
    World { name: "odd", snapshot: snapshot(vec![record_set("www", RecordType::A, &[&[192, 0, 2, 1]])], &[]), queries }
}

fn option_lists() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("NSID", option(3, &[])),
        ("NSID of 1 octet", option(3, &[1])),
        ("cookie", option(10, &[7; 8])),
        ("cookie of 24", option(10, &[7; 24])),
        ("cookie of 9", option(10, &[7; 9])),
        ("cookie of 0", option(10, &[])),
        ("keepalive", option(11, &[])),
        ("padding", option(12, &[0; 30])),
        ("unknown", option(65_001, b"abc")),
        ("two cookies", [option(10, &[1; 8]), option(10, &[2; 8])].concat()),
        ("NSID, ECS, cookie", [option(3, &[]), option(8, &[0, 1, 8, 0, 10]), option(10, &[3; 8])].concat()),
        ("ECS /0", option(8, &[0, 1, 0, 0])),
        ("ECS IPv6", option(8, &[0, 2, 56, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0])),
        ("ECS with a scope", option(8, &[0, 1, 24, 24, 192, 0, 2])),
        ("ECS with bits beyond", option(8, &[0, 1, 20, 0, 192, 0, 0x1f])),
        ("ECS too short", option(8, &[0, 1, 24, 0, 192, 0])),
        ("ECS too long", option(8, &[0, 1, 8, 0, 192, 0])),
        ("ECS of family 0", option(8, &[0, 0, 0, 0])),
        ("ECS of family 3", option(8, &[0, 3, 8, 0, 1])),
        ("ECS cut", option(8, &[0])),
        ("option longer than OPT", vec![0, 12, 0, 9, 1]),
    ]
}

/// Queries with TSIG: of a key that nobody knows, whole and cut.
fn signed() -> Vec<(String, Vec<u8>)> {
    let rdata = [b"\x0bhmac-sha256\0".as_slice(), &[0, 0, 0x65, 0, 0, 0, 1, 0x2c, 0, 32], &[9; 32], &[0, 7, 0, 0, 0, 0]].concat();
    let tsig =
        |len: usize| [b"\x03kEy\0\x00\xfa\x00\xff\0\0\0\0".as_slice(), &(len as u16).to_be_bytes(), &rdata[..len]].concat();
    let with = |records: &[&[u8]]| {
        let mut message = message(0, &[], 1232, 0);
        message[11] += records.len() as u8;
        [&message[..], &records.concat()].concat()
    };
    let whole = tsig(rdata.len());
    vec![
        ("TSIG".into(), with(&[&whole])),
        ("TSIG cut".into(), with(&[&tsig(rdata.len() - 1)])),
        ("TSIG and a record behind it".into(), with(&[&whole, b"\0\x00\x01\x00\x01\0\0\0\0\x00\x04\x01\x02\x03\x04"])),
    ]
}

/// Messages with other than one question, and with records that queries do not have.
fn counted() -> Vec<(String, Vec<u8>)> {
    let header = |counts: [u8; 4], flags: u8| {
        let [questions, answers, authorities, additionals] = counts;
        vec![0, 0, flags, 0, 0, questions, 0, answers, 0, authorities, 0, additionals]
    };
    let opt = [&OPT[..], &[0; 6]].concat();
    let cookie = [&OPT[..], &[0, 0, 0, 0, 0, 12], &option(10, &[5; 8])].concat();
    let address = b"\xc0\x0c\x00\x01\x00\x01\0\0\0\x3c\x00\x04\x01\x02\x03\x04";
    let parts: [Parts<'_>; 9] = [
        ("no question", vec![], [0; 4]),
        ("no question, OPT", vec![&opt], [0, 0, 0, 1]),
        ("no question, cookie", vec![&cookie], [0, 0, 0, 1]),
        ("two questions", vec![QUESTION, QUESTION], [2, 0, 0, 0]),
        ("two questions, OPT", vec![QUESTION, QUESTION, &opt], [2, 0, 0, 1]),
        ("an answer", vec![QUESTION, address], [1, 1, 0, 0]),
        ("an authority, OPT", vec![QUESTION, address, &opt], [1, 0, 1, 1]),
        ("two OPT", vec![QUESTION, &opt, &opt], [1, 0, 0, 2]),
        ("OPT as an answer", vec![QUESTION, &opt], [1, 1, 0, 0]),
    ];
    let whole = parts.into_iter().map(|(what, parts, counts)| (what.into(), [header(counts, 0), parts.concat()].concat()));
    whole.collect()
}

/// A message cut short and longer, with each bit the other way, and with pairs of octets replaced.
fn damaged(message: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut damaged: Vec<(String, Vec<u8>)> =
        (2..message.len()).map(|len| (format!("first {len} octets"), message[..len].to_vec())).collect();
    damaged.push(("octets behind it".into(), [message, b"\0\0"].concat()));
    for bit in 16..message.len() * 8 {
        let mut changed = message.to_vec();
        changed[bit / 8] ^= 0x80 >> (bit % 8);
        damaged.push((format!("bit {bit} changed"), changed));
    }
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..1_000 {
        let mut changed = message.to_vec();
        for _ in 0..2 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let at = 2 + (seed >> 32) as usize % (message.len() - 2);
            changed[at] = seed as u8;
        }
        damaged.push((format!("{changed:02x?}"), changed));
    }
    damaged
}

/// What a message is, what follows its header, and the counts of its sections.
type Parts<'p> = (&'static str, Vec<&'p [u8]>, [u8; 4]);

/// `www.example.org. A`, in mixed case.
const QUESTION: &[u8] = b"\x03wWw\x07Example\x03org\x00\x00\x01\x00\x01";
/// OPT up to its TTL.
const OPT: [u8; 5] = [0, 0, 41, 4, 208];

/// A query for [`QUESTION`] with EDNS.
fn message(flags: u8, options: &[u8], size: u16, ttl: u32) -> Vec<u8> {
    let header = [0, 0, flags, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    let len = options.len() as u16;
    [&header, QUESTION, &[0, 0, 41], &size.to_be_bytes(), &ttl.to_be_bytes(), &len.to_be_bytes(), options].concat()
}

fn option(code: u16, data: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), &(data.len() as u16).to_be_bytes(), data].concat()
}

fn ask(qname: &Name, qtype: RecordType, size: Option<u16>, options: &[u8]) -> (String, Vec<u8>) {
    let header = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(size.is_some())];
    let mut message = [&header[..], qname.as_wire(), &qtype.0.to_be_bytes(), &[0, 1]].concat();
    if let Some(size) = size {
        message.extend([&[0, 0, 41][..], &size.to_be_bytes(), &[0; 4], &(options.len() as u16).to_be_bytes(), options].concat());
    }
    (format!("{qname} {qtype}, EDNS size {size:?}"), message)
}

/// The zone of a text, and what is in it.
fn snapshot_of(text: &str) -> (Snapshot, Vec<RecordSet>) {
    let source = Source { file: "a test's".into(), octets: text.into() };
    let read = read(source, None, None, &mut NoFiles);
    assert!(read.problems.is_empty(), "{}", read.problems);
    let apex = read.apex.expect("the zone has a SOA");
    let record_sets = read.record_sets.clone();
    let hosted = HostedZone { name: apex, record_sets: read.record_sets, hidden: 0, groups: BTreeMap::new(), files: read.files };
    let built = build(State { zones: vec![hosted.into()], ..State::default() }, &Places::default(), None);
    (Snapshot { catalog: built.expect("the zone compiles").catalog, ..Snapshot::default() }, record_sets)
}
