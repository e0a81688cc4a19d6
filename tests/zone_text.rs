//! Zone text beside other readers of it: what waypost reads and prints, they read alike.
//!
//! The oracles are the `domain` crate's reader, and nsd and knot where they are installed; without them those tests
//! say so and pass. Where an oracle is known to differ, the difference is named here.

use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;

use domain::base::iana::Class;
use domain::base::rdata::ComposeRecordData;
use domain::zonefile::inplace::{Entry, Zonefile};
use proptest::prelude::*;
use waypost::wire::name::Name;
use waypost::wire::rtype::RecordType;
use waypost::zone::master::{NoFiles, Read, Source, read};
use waypost::zone::print::print;
use waypost::zone::rdata;
use waypost::zone::record_set::{Content, Origin, RdataList, RecordSet, Ttl};

/// A record of each type, in the forms that people write.
const EVERY_TYPE: &str = include_str!("zones/every_type.zone");

fn read_text(text: &[u8]) -> Read {
    read(Source { file: Arc::from("test.zone"), octets: text.to_vec() }, None, None, &mut NoFiles)
}

/// Owner in lower case, type, TTL and rdata of every record, in order of these.
fn records(sets: &[RecordSet]) -> Vec<Record> {
    let mut records = Vec::new();
    for set in sets {
        let Content::Values { ttl, rdata } = &set.content else { panic!("a master file holds no alias") };
        for rdata in rdata.iter() {
            let hex = rdata.iter().map(|octet| format!("{octet:02x}")).collect();
            records.push((set.name.to_lowercase().to_string(), set.rtype, ttl.secs(), hex));
        }
    }
    records.sort();
    records
}

/// The same of what `domain` reads.
fn records_of_domain(text: &str) -> Vec<Record> {
    let mut zonefile = Zonefile::load(&mut text.as_bytes()).expect("reading from memory does not fail");
    zonefile.set_default_class(Class::IN);
    let mut records = Vec::new();
    while let Some(entry) = zonefile.next_entry().unwrap_or_else(|error| panic!("domain: {error}\n{text}")) {
        let Entry::Record(record) = entry else { panic!("domain: an include in\n{text}") };
        let mut octets = Vec::new();
        record.data().compose_rdata(&mut octets).expect("a vector takes all octets");
        let name = Name::parse(&format!("{}.", record.owner()).replace("..", "."), None).expect("domain reads names");
        let hex = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        let rtype = RecordType(domain::base::rdata::RecordData::rtype(record.data()).to_int());
        records.push((name.to_lowercase().to_string(), rtype, record.ttl().as_secs(), hex));
    }
    records.sort();
    records
}

#[test]
fn every_type_is_read_without_a_problem_and_none_is_left_out() {
    let read = read_text(EVERY_TYPE.as_bytes());
    assert!(read.problems.is_empty(), "{}", read.problems);
    let missing: Vec<&str> = RecordType::mnemonics()
        .filter(|mnemonic| mnemonic.parse::<RecordType>().is_ok_and(RecordType::is_data))
        .filter(|mnemonic| !read.record_sets.iter().any(|set| set.rtype.mnemonic() == Some(mnemonic)))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn what_is_printed_reads_back_to_the_same_record_sets() {
    let first = read_text(EVERY_TYPE.as_bytes());
    let second = read_text(print(&first.record_sets).as_bytes());
    assert!(second.problems.is_empty(), "{}", second.problems);
    assert_eq!(records(&second.record_sets), records(&first.record_sets));
    assert_eq!(print(&second.record_sets), print(&first.record_sets));
}

#[test]
fn domain_reads_what_is_printed_as_it_was_meant() {
    let sets = read_text(EVERY_TYPE.as_bytes()).record_sets;
    let (own, generic): (Vec<RecordSet>, Vec<RecordSet>) =
        sets.iter().cloned().partition(|set| HAS_FORM_IN_DOMAIN.contains(&set.rtype));
    let text = print(&own) + &generic.iter().map(print_generic).collect::<String>();
    assert_same(records_of_domain(&text), records(&sets));
}

#[test]
fn domain_reads_plain_service_bindings_as_waypost_does() {
    for text in [
        "0 svc.example.org.",
        "1 . alpn=h2,h3 port=8443 ipv4hint=192.0.2.1,192.0.2.2",
        "16 svc.example.org. mandatory=alpn,ipv4hint ipv4hint=192.0.2.1 alpn=\"h2,h3\" no-default-alpn",
        "1 . ipv6hint=2001:db8::1,2001:db8::53:1 ech=AQIDBA==",
        "1 . key668=\"a b\" key667=\"x\\210\" dohpath=/dns-query{?dns}",
    ] {
        let record = format!("example.org. 5 IN SVCB {text}\n");
        let expected = rdata::parse(RecordType::SVCB, text, None).expect("the texts are valid");
        let hex = expected.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
        assert_eq!(records_of_domain(&record)[0].3, hex, "{text}");
    }
}

#[test]
fn nsd_reads_what_is_printed_as_it_was_meant() {
    let sets = read_text(EVERY_TYPE.as_bytes()).record_sets;
    let file = scratch_file("nsd.zone", print(&sets).as_bytes());
    let Some(output) = run(&["nsd-checkzone", "/usr/sbin/nsd-checkzone"], &["-p", "example.org", &file]) else { return };
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    let zone: String =
        printed.lines().filter(|line| !line.starts_with("zone example.org is ok")).map(|line| format!("{line}\n")).collect();
    let back = read_text(zone.as_bytes());
    assert!(!back.problems.has_errors(), "{}", back.problems);
    // nsd prints names in rdata in lower case.
    let folded =
        |sets: &[RecordSet]| records(sets).into_iter().map(|(name, rtype, ttl, hex)| (name, rtype, ttl, fold(&hex))).collect();
    assert_same(folded(&back.record_sets), folded(&sets));
}

#[test]
fn knot_accepts_what_is_printed() {
    let sets = read_text(EVERY_TYPE.as_bytes()).record_sets;
    let file = scratch_file("knot.zone", print(&sets).as_bytes());
    let directory = env!("CARGO_TARGET_TMPDIR");
    let config = scratch_file(
        "knot.conf",
        format!(
            "server:\n  rundir: \"{directory}\"\ndatabase:\n  storage: \"{directory}\"\nzone:\n  - domain: example.org\n    file: \"{file}\"\n    semantic-checks: off\n"
        )
        .as_bytes(),
    );
    let Some(output) = run(&["knotc", "/usr/sbin/knotc"], &["-c", &config, "zone-check", "example.org"]) else { return };
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && !said.contains("error"), "{said}");
}

type Record = (String, RecordType, u32, String);

/// Compares two lists of records, and shows where they differ only.
fn assert_same(mut found: Vec<Record>, mut expected: Vec<Record>) {
    let both: Vec<Record> = found.iter().filter(|record| expected.contains(record)).cloned().collect();
    found.retain(|record| !both.contains(record));
    expected.retain(|record| !both.contains(record));
    assert_eq!(found, expected);
}

/// Every record of the set as `TYPE731 \# length octets`.
fn print_generic(set: &RecordSet) -> String {
    let records = records(std::slice::from_ref(set)).into_iter();
    records.map(|(name, rtype, ttl, hex)| format!("{name} {ttl} IN TYPE{} \\# {} {hex}\n", rtype.0, hex.len() / 2)).collect()
}

/// The octets with ASCII letters in lower case.
fn fold(hex: &str) -> String {
    let octets =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("records are in hexadecimal"));
    octets.map(|octet| format!("{:02x}", octet.to_ascii_lowercase())).collect()
}

fn scratch_file(name: &str, octets: &[u8]) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("zone_text-{name}"));
    let mut file = std::fs::File::create(&path).expect("the scratch directory can be written");
    file.write_all(octets).expect("the scratch directory can be written");
    path.to_str().expect("the scratch directory's path is UTF-8").to_owned()
}

/// Runs the first of `programs` that is there; none when none is.
fn run(programs: &[&str], arguments: &[&str]) -> Option<Output> {
    let output = programs.iter().find_map(|program| Command::new(program).args(arguments).output().ok());
    if output.is_none() {
        eprintln!("{} is not installed: not compared", programs[0]);
    }
    output
}

/// Type and octets of every record of [`EVERY_TYPE`].
fn every_rdata() -> Vec<(RecordType, Vec<u8>)> {
    let mut found = Vec::new();
    for set in read_text(EVERY_TYPE.as_bytes()).record_sets {
        let Content::Values { rdata, .. } = &set.content else { continue };
        found.extend(rdata.iter().map(|rdata| (set.rtype, rdata.to_vec())));
    }
    found
}

/// A name of labels that may hold any octet, up to the longest.
fn any_name() -> impl Strategy<Value = Name> {
    let label = prop_oneof![prop::collection::vec(any::<u8>(), 1..8), prop::collection::vec(any::<u8>(), 60..64)];
    prop::collection::vec(label, 0..5).prop_map(|labels| {
        let root = Name::root();
        labels.iter().fold(root, |name, label| name.child(label).unwrap_or(name))
    })
}

/// A record set of one or two records of any type.
fn any_record_set() -> impl Strategy<Value = RecordSet> {
    (any_name(), changed_rdata(), any::<bool>(), 0..=i64::from(Ttl::MAX)).prop_filter_map(
        "not valid",
        |(name, (rtype, octets), two, ttl)| {
            let other = every_rdata().into_iter().find(|(other, _)| *other == rtype).map(|(_, octets)| octets);
            let second = other.filter(|other| two && !other.eq_ignore_ascii_case(&octets));
            rdata::check(rtype, &octets).ok()?;
            let rdata = RdataList::new([octets].into_iter().chain(second));
            Some(RecordSet::simple(name, rtype, Ttl::new(ttl).ok()?, rdata))
        },
    )
}

/// Rdata of any type with a few octets changed, taken away or added; a fair part of it is still valid.
fn changed_rdata() -> impl Strategy<Value = (RecordType, Vec<u8>)> {
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..4);
    (prop::sample::select(every_rdata()), prop::collection::vec(change, 1..4)).prop_map(|((rtype, mut octets), changes)| {
        for (at, value, how) in changes {
            let at = at.index(octets.len() + 1);
            match how {
                0 => octets.insert(at, value),
                1 if at < octets.len() => drop(octets.remove(at)),
                _ => octets.iter_mut().skip(at).take(1).for_each(|octet| *octet = value),
            }
        }
        (rtype, octets)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn any_record_sets_that_are_printed_read_back_to_the_same(mut sets in prop::collection::vec(any_record_set(), 0..6)) {
        let mut seen = HashSet::new();
        sets.retain(|set| seen.insert((set.name.clone(), set.rtype)));
        let text = print(&sets);
        let mut back = read(Source { file: Arc::from("z"), octets: text.clone().into_bytes() }, Some(&Name::root()), None, &mut NoFiles);
        prop_assert!(back.problems.is_empty(), "{}{}", back.problems, text);
        back.record_sets.iter_mut().for_each(|set| set.origin = Origin::default());
        prop_assert_eq!(&back.record_sets, &sets);
        prop_assert_eq!(print(&back.record_sets), text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rdata_that_is_shown_reads_back_whether_it_is_valid_or_not((rtype, octets) in changed_rdata()) {
        let shown = rdata::show(rtype, &octets).to_string();
        let read = rdata::parse(rtype, &shown, None);
        match rdata::check(rtype, &octets) {
            Ok(()) => prop_assert_eq!(read.map_err(|invalid| format!("{shown}: {invalid}")), Ok(octets)),
            Err(_) => prop_assert!(shown.starts_with("\\# ") && read.is_err(), "{} {}", rtype, shown),
        }
    }

    #[test]
    fn domain_reads_any_rdata_that_is_shown_as_it_was_meant((rtype, octets) in changed_rdata()) {
        if HAS_FORM_IN_DOMAIN.contains(&rtype) && rdata::check(rtype, &octets).is_ok() {
            let shown = rdata::show(rtype, &octets);
            let found = records_of_domain(&format!("x. 5 IN {rtype} {shown}\n"));
            let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
            prop_assert_eq!(&found[0].3, &hex, "{} {}", rtype, shown);
        }
    }
}

/// The types for which `domain` 0.12.3 has a form of their own that is whole: SVCB and HTTPS lack keys with a 9 or a
/// z, and escapes in `alpn`, so they are compared by what they have (`domain_reads_plain_service_bindings…`).
const HAS_FORM_IN_DOMAIN: &[RecordType] = &[
    RecordType::A,
    RecordType::NS,
    RecordType::CNAME,
    RecordType::PTR,
    RecordType::SOA,
    RecordType::HINFO,
    RecordType::MX,
    RecordType::TXT,
    RecordType::RP,
    RecordType::AAAA,
    RecordType::SRV,
    RecordType::NAPTR,
    RecordType::DNAME,
    RecordType::DS,
    RecordType::SSHFP,
    RecordType::RRSIG,
    RecordType::NSEC,
    RecordType::DNSKEY,
    RecordType::NSEC3,
    RecordType::NSEC3PARAM,
    RecordType::TLSA,
    RecordType::CDS,
    RecordType::CDNSKEY,
    RecordType::OPENPGPKEY,
    RecordType::ZONEMD,
    RecordType::CAA,
];
