//! Any octets are read as a master file, with problems or without, and never with a panic.
//!
//! Not a test of what is read: see `zone::master`. Loads no file: the one that can be included is below.
//! Invariants: what was read is printed and read back as the same record sets; every problem says where it is.
//! Source: RFC 1035 §5.

use waypost::wire::name::Name;
use waypost::zone::master::{Include, Read, Source, read};
use waypost::zone::print::print;
use waypost::zone::record_set::{RecordSet, Ttl};

pub fn run(octets: &[u8]) {
    let zone = Name::parse("example.org.", None).expect("a valid name");
    for zone in [Some(&zone), None] {
        let read = read_octets(octets.to_vec(), zone);
        check_problems(&read);
        check_printed(&read.record_sets, zone);
    }
}

fn read_octets(octets: Vec<u8>, zone: Option<&Name>) -> Read {
    let default_ttl = Ttl::new(300).expect("in range");
    read(Source { file: "fuzz".into(), octets }, zone, Some(default_ttl), &mut OneFile)
}

/// Every problem of a text has its place in one of the texts that were read.
fn check_problems(read: &Read) {
    for place in read.problems.iter().filter_map(|problem| problem.place.as_ref()) {
        assert!(read.files.contains(&place.file), "{}: a file that was not read", place.file);
        assert!(place.line > 0 && place.column > 0 && place.width > 0, "{place:?}");
    }
}

fn check_printed(record_sets: &[RecordSet], zone: Option<&Name>) {
    let printed = print(record_sets);
    let again = read_octets(printed.clone().into_bytes(), zone);
    let content =
        |sets: &[RecordSet]| -> Vec<_> { sets.iter().map(|set| (set.name.clone(), set.rtype, set.content.clone())).collect() };
    assert_eq!(content(record_sets), content(&again.record_sets), "printed as\n{printed}\n{}", again.problems);
}

struct OneFile;

impl Include for OneFile {
    fn load(&mut self, path: &str, _from: &str) -> Result<Source, String> {
        match path {
            "other.zone" => Ok(Source { file: path.into(), octets: b"included 60 A 192.0.2.9\n$INCLUDE other.zone\n".to_vec() }),
            _ => Err("it is not there".to_owned()),
        }
    }
}
