//! A random zone and a random query: the response says what a reader of RFC 1034 §4.3.2 without any cleverness says.
//!
//! The reference below keeps records in a list and looks at all of them for every question: no tree, no compression, no
//! pre-encoding. Responses are decoded by two libraries that did not write them. Nothing is truncated here (TCP).
//! Sources: RFC 1034 §4.3.2, RFC 2308, RFC 4592 §3.3, RFC 6672 §3.2, RFC 8482 §4.2.

#[path = "support/shown.rs"]
mod shown;

use std::collections::BTreeSet;

use proptest::prelude::*;
use waypost::answer::{Asker, Identity, Transport, respond};
use waypost::control::build::build;
use waypost::control::load::load_zones;
use waypost::routing::draw::Draw;
use waypost::snapshot::Snapshot;
use waypost::wire::name::Name;
use waypost::wire::rtype::RecordType;
use waypost::zone::master::{NoFiles, Source};

/// One RR, its rdata as text.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Record {
    owner: Name,
    ttl_secs: u32,
    rtype: RecordType,
    /// The name in the rdata, where it has one.
    target: Option<Name>,
    rdata: String,
}

/// What a response holds, whatever its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Said {
    rcode: &'static str,
    authoritative: bool,
    sections: BTreeSet<String>,
}

const APEX: &str = "zone.example.";
/// CNAMEs and DNAMEs followed in one answer.
const CHAIN_MAX: usize = 8;

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_random_zone_is_answered_as_a_reader_of_the_rfcs_answers_it(
        written in proptest::collection::vec(record(), 0..24),
        asked in proptest::collection::vec((owner(), qtype()), 1..24),
    ) {
        let records = valid(written);
        let snapshot = serve(&records);
        let around = records.iter().flat_map(|record| record.target.iter().chain([&record.owner]));
        let around: Vec<(Name, RecordType)> = around.flat_map(|name| [
            (name.clone(), RecordType::A),
            (name.clone(), RecordType::CNAME),
            (name.child(b"a").unwrap_or_else(|_| name.clone()), RecordType::MX),
        ]).collect();
        for (qname, qtype) in asked.into_iter().chain(around) {
            if qname.is_at_or_below(&name(APEX)) {
                let expected = Reference { records: &records }.answer(&qname, qtype);
                prop_assert_eq!(ask(&snapshot, &qname, qtype), expected, "{} {} of\n{}", qname, qtype, text(&records));
            }
        }
    }
}

fn name(text: &str) -> Name {
    Name::parse(text, None).expect("the test's names are valid")
}

/// A name in the zone, of labels so few that chains, wildcards and cuts meet, or so long that names reach 255 octets.
fn owner() -> impl Strategy<Value = Name> {
    let label = prop_oneof![
        8 => prop_oneof![Just("a".to_owned()), Just("b".to_owned()), Just("C".to_owned())],
        3 => Just("*".to_owned()),
        1 => (40usize..=63).prop_map(|len| "l".repeat(len)),
    ];
    proptest::collection::vec(label, 0..5)
        .prop_map(|labels| labels.iter().rev().fold(name(APEX), |name, label| name.child(label.as_bytes()).unwrap_or(name)))
}

fn target() -> impl Strategy<Value = Name> {
    prop_oneof![9 => owner(), 1 => Just(name("away.example.")), 1 => Just(Name::root())]
}

fn qtype() -> impl Strategy<Value = RecordType> {
    use RecordType as T;
    prop_oneof![
        4 => Just(T::A),
        1 => prop_oneof![Just(T::AAAA), Just(T::NS), Just(T::MX), Just(T::TXT), Just(T::SOA), Just(T::RRSIG)],
        1 => prop_oneof![Just(T::CNAME), Just(T::DNAME), Just(T::DS), Just(T::ANY), Just(RecordType(65_280))],
    ]
}

fn record() -> impl Strategy<Value = Record> {
    use RecordType as T;
    let rtype = prop_oneof![
        3 => Just(T::A), 1 => Just(T::AAAA), 4 => Just(T::CNAME), 1 => Just(T::DNAME), 2 => Just(T::MX), 1 => Just(T::NS),
        1 => Just(T::TXT), 1 => Just(T::DS),
    ];
    (owner(), target(), rtype, 0u8..4, 0u32..600).prop_map(|(owner, target, rtype, number, ttl_secs)| {
        let (target, rdata) = match rtype {
            T::A => (None, format!("192.0.2.{number}")),
            T::AAAA => (None, format!("2001:db8::{}", number + 1)),
            T::TXT => (None, format!("\"{number}\"")),
            T::DS => (None, format!("{number} 13 2 {}", "0123456789abcdef".repeat(4))),
            T::MX => (Some(target.clone()), format!("{number} {target}")),
            _ => (Some(target.clone()), target.to_string()),
        };
        Record { owner, ttl_secs, rtype, target, rdata }
    })
}

/// The zone's own SOA and NS, and of `written` what may stand in one zone beside what comes before it.
fn valid(written: Vec<Record>) -> Vec<Record> {
    let apex = name(APEX);
    let soa = "ns.zone.example. host.zone.example. 1 2 3 4 60".to_owned();
    let ns = name("ns.zone.example.");
    let mut records = vec![
        Record { owner: apex.clone(), ttl_secs: 300, rtype: RecordType::SOA, target: None, rdata: soa },
        Record { owner: apex.clone(), ttl_secs: 300, rtype: RecordType::NS, target: Some(ns.clone()), rdata: ns.to_string() },
        Record { owner: ns, ttl_secs: 300, rtype: RecordType::A, target: None, rdata: "192.0.2.53".to_owned() },
    ];
    for mut record in written {
        use RecordType as T;
        let same_set = records.iter().find(|other| other.owner == record.owner && other.rtype == record.rtype);
        let beside = |rtype| records.iter().any(|other| other.owner == record.owner && other.rtype == rtype);
        let any_beside = records.iter().any(|other| other.owner == record.owner && other.rtype != record.rtype);
        let below =
            |upper: &Record, lower: &Name| upper.rtype == T::DNAME && *lower != upper.owner && lower.is_at_or_below(&upper.owner);
        let is_refused = records.iter().any(|other| below(other, &record.owner) || below(&record, &other.owner))
            || beside(T::CNAME) && record.rtype != T::CNAME
            || record.rtype == T::CNAME && (any_beside || record.owner == apex)
            || [T::CNAME, T::DNAME].contains(&record.rtype) && same_set.is_some()
            || record.rtype == T::NS && (record.owner.is_wildcard() || record.owner == apex)
            || records.iter().any(|other| *other == Record { ttl_secs: other.ttl_secs, ..record.clone() });
        record.ttl_secs = same_set.map_or(record.ttl_secs, |other| other.ttl_secs);
        if !is_refused {
            records.push(record);
        }
    }
    records
}

fn text(records: &[Record]) -> String {
    let line = |record: &Record| format!("{} {} {} {}\n", record.owner, record.ttl_secs, record.rtype, record.rdata);
    records.iter().map(line).collect()
}

fn serve(records: &[Record]) -> Snapshot {
    let source = Source { file: "random.zone".into(), octets: text(records).into_bytes() };
    let (state, problems) = load_zones(vec![source], &mut NoFiles, 1);
    let state = state.unwrap_or_else(|| panic!("{problems}{}", text(records)));
    let built = build(state, &Default::default(), None).expect("a state without problems compiles");
    Snapshot { catalog: built.catalog, ..Snapshot::default() }
}

fn ask(snapshot: &Snapshot, qname: &Name, qtype: RecordType) -> Said {
    let question = [qname.as_wire(), &qtype.0.to_be_bytes(), &[0, 1]].concat();
    let message = [&[0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], &question].concat();
    let mut out = vec![0; 65_535];
    let asker = Asker { address: [192, 0, 2, 53].into(), transport: Transport::Tcp };
    let report = respond(snapshot, &Identity::default(), &message, &asker, 0, Draw::new(7), &mut out);
    let response = &out[..report.len];
    assert_eq!(response[12..12 + question.len()], question, "the question comes back as it was");
    let counted = response[6..12].chunks(2).map(|count| usize::from(count[1])).sum::<usize>();
    let decoded = hickory_proto::op::Message::from_vec(response).expect("hickory reads it");
    assert_eq!(decoded.answers.len() + decoded.authorities.len() + decoded.additionals.len(), counted);
    let mut lines = shown::lines(response).into_iter();
    let head = lines.next().expect("the first line is the rcode");
    let lines: Vec<String> = lines.map(|line| line.to_lowercase()).collect();
    let sections: BTreeSet<String> = lines.iter().cloned().collect();
    assert_eq!(sections.len(), lines.len(), "no record twice: {lines:?}");
    let rcode = ["NOERROR", "NXDOMAIN", "YXDOMAIN"].into_iter().find(|rcode| head.starts_with(rcode)).expect("no other rcode");
    Said { rcode, authoritative: head.ends_with(" aa"), sections }
}

struct Reference<'r> {
    records: &'r [Record],
}

impl<'r> Reference<'r> {
    fn answer(&self, qname: &Name, qtype: RecordType) -> Said {
        let mut said = Said { rcode: "NOERROR", authoritative: true, sections: BTreeSet::new() };
        let mut passed = vec![qname.clone()];
        loop {
            let name = passed.last().expect("it begins with the qname").clone();
            let Some(next) = self.step(&name, qtype, passed.len(), &mut said) else { return said };
            if !next.is_at_or_below(&self::name(APEX)) || passed.contains(&next) {
                return said;
            }
            passed.push(next);
        }
    }

    /// One round of RFC 1034 §4.3.2 step 3; the name to go on with, if there is one.
    fn step(&self, name: &Name, qtype: RecordType, round: usize, said: &mut Said) -> Option<Name> {
        let is_last = round > CHAIN_MAX;
        for node in self.path(name) {
            let is_cut = node != self::name(APEX) && self.has(&node, RecordType::NS);
            if is_cut && !(node == *name && qtype == RecordType::DS) {
                said.authoritative = round > 1;
                self.put_with_addresses("authority", &node, &node, RecordType::NS, said);
                return None;
            }
            if is_cut {
                return self.at_node(name, name, qtype, is_last, said);
            }
            if node != *name && self.has(&node, RecordType::DNAME) {
                return if is_last { None } else { self.redirect(name, &node, qtype, said) };
            }
        }
        let Some(encloser) = std::iter::successors(Some(name.clone()), Name::parent).find(|node| self.exists(node)) else {
            panic!("the apex exists")
        };
        let wildcard = encloser.child(b"*").ok().filter(|wildcard| self.exists(wildcard));
        match wildcard {
            _ if encloser == *name => self.at_node(name, name, qtype, is_last, said),
            Some(wildcard) => self.at_node(name, &wildcard, qtype, is_last, said),
            None => {
                said.rcode = "NXDOMAIN";
                self.put_soa(said);
                None
            }
        }
    }

    /// The names from the apex down to `name`.
    fn path(&self, name: &Name) -> Vec<Name> {
        let apex = self::name(APEX);
        let up = std::iter::successors(Some(name.clone()), Name::parent).take_while(|node| node.is_at_or_below(&apex));
        let mut path: Vec<Name> = up.collect();
        path.reverse();
        path
    }

    fn at_node(&self, name: &Name, node: &Name, qtype: RecordType, is_last: bool, said: &mut Said) -> Option<Name> {
        if self.has(node, qtype) {
            self.put_with_addresses("answer", name, node, qtype, said);
        } else if self.has(node, RecordType::CNAME) {
            if is_last {
                return None;
            }
            self.put_with_addresses("answer", name, node, RecordType::CNAME, said);
            let cname = self.set(node, RecordType::CNAME).next().expect("it is there");
            return cname.target.clone().filter(|_| qtype != RecordType::ANY);
        } else if qtype == RecordType::ANY && self.records.iter().any(|record| record.owner == *node) {
            put("answer", name, 3_600, "HINFO \"RFC8482\" \"\"", said);
        } else {
            self.put_soa(said);
        }
        None
    }

    fn redirect(&self, name: &Name, node: &Name, qtype: RecordType, said: &mut Said) -> Option<Name> {
        self.put_with_addresses("answer", node, node, RecordType::DNAME, said);
        let dname = self.set(node, RecordType::DNAME).next().expect("it is there");
        let target = dname.target.as_ref().expect("a DNAME has one");
        let kept = name.label_count() - node.label_count();
        let labels: Vec<&[u8]> = name.labels().take(kept).collect();
        let renamed = labels.iter().rev().try_fold(target.clone(), |name, label| name.child(label));
        let Ok(renamed) = renamed else {
            said.rcode = "YXDOMAIN";
            return None;
        };
        put("answer", name, dname.ttl_secs, &format!("CNAME {renamed}"), said);
        Some(renamed).filter(|_| qtype != RecordType::CNAME)
    }

    /// The RRset of `node` under `name`, and the addresses of the hosts in it that the zone has.
    fn put_with_addresses(&self, section: &str, name: &Name, node: &Name, rtype: RecordType, said: &mut Said) {
        for record in self.set(node, rtype) {
            put(section, name, record.ttl_secs, &format!("{rtype} {}", record.rdata), said);
            let hosts = record.target.iter().filter(|_| [RecordType::NS, RecordType::MX].contains(&rtype));
            for host in hosts {
                for address in [RecordType::A, RecordType::AAAA] {
                    self.set(host, address).for_each(|record| {
                        put("additional", host, record.ttl_secs, &format!("{address} {}", record.rdata), said);
                    });
                }
            }
        }
    }

    fn put_soa(&self, said: &mut Said) {
        let soa = &self.records[0];
        put("authority", &soa.owner, 60, &format!("SOA {}", soa.rdata), said);
    }

    fn exists(&self, node: &Name) -> bool {
        self.records.iter().any(|record| record.owner.is_at_or_below(node))
    }

    fn has(&self, node: &Name, rtype: RecordType) -> bool {
        self.set(node, rtype).next().is_some()
    }

    fn set(&self, node: &Name, rtype: RecordType) -> impl Iterator<Item = &'r Record> {
        self.records.iter().filter(move |record| record.owner == *node && record.rtype == rtype)
    }
}

fn put(section: &str, owner: &Name, ttl_secs: u32, rest: &str, said: &mut Said) {
    said.sections.insert(format!("{section} {owner} {ttl_secs} {rest}").to_lowercase());
}
