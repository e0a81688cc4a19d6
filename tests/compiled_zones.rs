//! What is compiled is found as it was written, and takes as little memory as it should.
//!
//! The reference is a map of names to types to rdata; what is no name of the zone has no node. What queries are answered,
//! with wildcards, cuts and chains, is the matter of `naive`, and of `parted_zones` for zones in parts.
//! Sources: RFC 4592 §2.2 (which names exist), RFC 1035 §3.2.1 (the form of an RR).

mod support;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use support::{apex, name, record_set};
use waypost::wire::name::Name;
use waypost::wire::rtype::RecordType;
use waypost::zone::compile::{Tables, compile};
use waypost::zone::group::AnswerRef;
use waypost::zone::hosted_zone::HostedZone;
use waypost::zone::record_set::RecordSet;
use waypost::zone::tree::Zone;

/// Rdata by name and type.
type Written = BTreeMap<Name, BTreeMap<RecordType, Vec<Vec<u8>>>>;

fn hosted(own: impl Iterator<Item = RecordSet>) -> HostedZone {
    let record_sets = apex().into_iter().chain(own).collect();
    let files = vec!["made in a test".into()];
    HostedZone { name: name("@"), record_sets, hidden: 0, groups: BTreeMap::new(), files }
}

fn compiled(hosted: &HostedZone) -> Zone {
    let tables = Tables { health: &|_| None, gate: &|_, _, _| None, map: &|_| None, external: &|_, _| None };
    compile(hosted, &tables).expect("the test's zones are valid")
}

fn any_owner() -> impl Strategy<Value = Name> {
    let label = prop_oneof![
        6 => "[a-dA-D]{1,2}",
        2 => "[a-z0-9-]{1,63}",
        1 => Just("*".to_owned()),
    ];
    prop::collection::vec(label, 0..5).prop_map(|labels| {
        let child = |name: Name, label: &String| name.child(label.as_bytes()).unwrap_or(name);
        labels.iter().fold(name("@"), child)
    })
}

/// Types whose rdata holds no names, so that it stays as it is.
fn any_set() -> impl Strategy<Value = (Name, RecordType, Vec<Vec<u8>>)> {
    let rtype = prop_oneof![Just(RecordType::A), Just(RecordType::TXT), (65_280u16..65_300).prop_map(RecordType)];
    let rdata = prop_oneof![prop::collection::vec(any::<u8>(), 4..=4), prop::collection::vec(any::<u8>(), 0..300)];
    (any_owner(), rtype, prop::collection::vec(rdata, 1..4))
}

/// The name and all between it and the apex.
fn existing(owner: &Name) -> impl Iterator<Item = Name> {
    let apex = name("@");
    std::iter::successors(Some(owner.clone()), Name::parent).take_while(move |name| name.is_at_or_below(&apex))
}

/// The rdata of one type at a node.
fn rdata(zone: &Zone, node: u32, rtype: RecordType) -> Vec<Vec<u8>> {
    let Some(AnswerRef::Rrset(at)) = zone.answer_at(node, rtype) else { panic!("{rtype} is an RRset") };
    let rrset = zone.rrset(at);
    assert_eq!((rrset.rtype(), rrset.ttl_secs(), rrset.has_links()), (rtype, 60, false));
    let start = |rr: u16| if rr == rrset.count() { rrset.records.len() } else { rrset.start(rr) };
    (0..rrset.count()).map(|rr| rrset.records[start(rr) + 12..start(rr + 1)].to_vec()).collect()
}

fn node_of(zone: &Zone, name: &Name) -> Option<u32> {
    zone.node_of(name.to_lowercase().as_wire())
}

proptest! {
    #[test]
    fn every_name_has_what_was_written_there_and_no_other_name_exists(
        sets in prop::collection::vec(any_set(), 0..60),
        asked in prop::collection::vec(any_owner(), 0..60),
    ) {
        let mut written = Written::new();
        for (owner, rtype, rdata) in sets {
            written.entry(owner).or_default().insert(rtype, rdata);
        }
        let own = written.iter().flat_map(|(owner, types)| types.iter().map(move |(rtype, rdata)| {
            let rdata: Vec<&[u8]> = rdata.iter().map(Vec::as_slice).collect();
            RecordSet { name: owner.clone(), ..record_set("@", *rtype, &rdata) }
        }));
        let zone = compiled(&hosted(own));
        let names: BTreeSet<Name> = written.keys().chain([&name("@")]).flat_map(existing).collect();
        for name in names.iter().chain(&asked) {
            let node = node_of(&zone, name);
            prop_assert_eq!(node.is_some(), names.contains(name), "{}", name);
            let Some(node) = node else { continue };
            prop_assert_eq!(zone.name_of(node), name.clone());
            prop_assert_eq!(zone.name_len(node), name.as_wire().len());
            let own = |rtype: &RecordType| ![RecordType::SOA, RecordType::NS].contains(rtype);
            prop_assert!(zone.types_at(node).is_sorted());
            let found: BTreeMap<_, _> = zone.types_at(node).filter(own).map(|rtype| (rtype, rdata(&zone, node, rtype))).collect();
            let expected = written.get(name).cloned().unwrap_or_default();
            prop_assert_eq!(found, expected, "{}", name);
        }
    }
}

/// Octets a name that a compiled zone may take: 8 of the table, 4 of the node's head, some 10 of its key, 24 of its RRset.
const OCTETS_A_NAME: u64 = 52;
/// Octets a name that compiling may take at once, what comes of it included.
const OCTETS_AT_ONCE: u64 = 200;
/// Not so many that their memory is mapped beside the allocator, which counts here.
const NAMES: u32 = 80_000;

#[test]
fn a_name_with_an_address_takes_few_octets() {
    let hosts = (0..NAMES).map(|at| record_set(&format!("host{at:06}"), RecordType::A, &[&at.to_be_bytes()]));
    let hosted = hosted(hosts);
    let mut zone = None;
    let counted = allocation_counter::measure(|| zone = Some(compiled(&hosted)));
    assert!(zone.is_some_and(|zone| node_of(&zone, &name("host079999")).is_some()));
    let (kept, at_once) = (counted.bytes_current as u64 / u64::from(NAMES), counted.bytes_max / u64::from(NAMES));
    assert!(kept > 40, "{kept} octets a name are too few to be counted right");
    assert!(kept <= OCTETS_A_NAME, "{kept} octets a name");
    assert!(at_once <= OCTETS_AT_ONCE, "{at_once} octets a name at once");
}
