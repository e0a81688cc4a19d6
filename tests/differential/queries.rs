//! The queries that are compared: every name of the zone and names around it, times types, sizes, classes and case.
//!
//! Generated in a fixed order from the zone's text, so that a failure is found again. Sends nothing.
//! Invariant: no query twice.

use std::collections::{BTreeSet, HashSet};
use std::fmt;

use waypost::wire::name::Name;
use waypost::wire::rtype::{Class, RecordType};

/// One query.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Asked {
    pub qname: Name,
    pub qtype: RecordType,
    pub class: u16,
    /// The EDNS buffer size; none without EDNS.
    pub edns: Option<u16>,
    pub recursion_desired: bool,
    /// The qname as sent has its letters in alternating case.
    pub mixed_case: bool,
}

/// The zone's apex.
pub const APEX: &str = "example.org.";

/// Types asked at each owner and at the names above it, besides those that are there.
const AT_OWNERS: &[RecordType] = &[
    RecordType::A,
    RecordType::AAAA,
    RecordType::NS,
    RecordType::SOA,
    RecordType::CNAME,
    RecordType::DNAME,
    RecordType::MX,
    RecordType::TXT,
    RecordType::SRV,
    RecordType::DS,
    RecordType::ANY,
    RecordType::HTTPS,
    RecordType(65_280),
];

/// Types asked at the names around those.
const AROUND: &[RecordType] =
    &[RecordType::A, RecordType::NS, RecordType::CNAME, RecordType::MX, RecordType::DS, RecordType::ANY];

impl Asked {
    pub fn new(qname: Name, qtype: RecordType) -> Self {
        Self { qname, qtype, class: Class::IN.0, edns: Some(1232), recursion_desired: false, mixed_case: false }
    }

    /// The message.
    pub fn encode(&self, id: u16) -> Vec<u8> {
        let flags: u16 = if self.recursion_desired { 0x0100 } else { 0 };
        let counts = [1, 0, 0, u16::from(self.edns.is_some())];
        let mut octets: Vec<u8> = [id, flags].into_iter().chain(counts).flat_map(u16::to_be_bytes).collect();
        octets.extend(self.qname_octets());
        octets.extend(self.qtype.0.to_be_bytes());
        octets.extend(self.class.to_be_bytes());
        if let Some(size) = self.edns {
            octets.extend([0, 0, 41]);
            octets.extend(size.to_be_bytes());
            octets.extend([0; 6]);
        }
        octets
    }

    fn qname_octets(&self) -> Vec<u8> {
        let wire = self.qname.as_wire().iter().enumerate();
        let alternate =
            |(at, octet): (usize, &u8)| if at % 2 == 0 { octet.to_ascii_uppercase() } else { octet.to_ascii_lowercase() };
        if self.mixed_case { wire.map(alternate).collect() } else { self.qname.as_wire().to_vec() }
    }
}

/// `www.example.org. A` and what else is not usual.
impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.qname, self.qtype)?;
        if self.class != Class::IN.0 {
            write!(f, " {}", Class(self.class))?;
        }
        match self.edns {
            Some(1232) => {}
            Some(size) => write!(f, " bufsize {size}")?,
            None => write!(f, " noedns")?,
        }
        write!(f, "{}{}", if self.recursion_desired { " rd" } else { "" }, if self.mixed_case { " mixed case" } else { "" })
    }
}

/// Every query over a zone's text.
pub fn generate(zone: &str) -> Vec<Asked> {
    let owners = owners(zone);
    let existing = existing(&owners);
    let mut queries = HashSet::new();
    for name in &existing {
        queries.extend(AT_OWNERS.iter().map(|&qtype| Asked::new(name.clone(), qtype)));
        for name in around(name) {
            queries.extend(AROUND.iter().map(|&qtype| Asked::new(name.clone(), qtype)));
        }
    }
    for text in OUTSIDE {
        queries.insert(Asked::new(Name::parse(text, None).expect("a valid name"), RecordType::A));
    }
    for (name, qtype) in &owners {
        queries.extend(at_an_owner(&Asked::new(name.clone(), *qtype)));
    }
    let mut queries: Vec<Asked> = queries.into_iter().collect();
    queries.sort_by_cached_key(Asked::to_string);
    queries
}

/// Names outside the zone, near and far.
const OUTSIDE: &[&str] = &["example.net.", "org.", ".", "xample.org.", "a.example.organ."];

/// The ways in which a record that exists is asked for.
fn at_an_owner(asked: &Asked) -> Vec<Asked> {
    let sizes = [None, Some(0), Some(512), Some(1232), Some(4096)];
    let mut all: Vec<Asked> = sizes.iter().map(|&edns| Asked { edns, ..asked.clone() }).collect();
    all.extend([Class::CH.0, Class::ANY.0, 4].map(|class| Asked { class, ..asked.clone() }));
    all.push(Asked { recursion_desired: true, ..asked.clone() });
    all.push(Asked { mixed_case: true, ..asked.clone() });
    all.push(Asked { mixed_case: true, edns: None, recursion_desired: true, ..asked.clone() });
    all
}

/// The owners with their types, read off the zone's text: a record begins with its owner there.
fn owners(zone: &str) -> BTreeSet<(Name, RecordType)> {
    let apex = Name::parse(APEX, None).expect("a valid name");
    let records = zone.lines().filter(|line| !line.is_empty() && !line.starts_with([';', '$']));
    records
        .map(|line| {
            let (owner, rest) = split_owner(line);
            let name = Name::parse(owner, Some(&apex)).unwrap_or_else(|error| panic!("{line}: {error}"));
            let mut words = rest.split_whitespace().skip_while(|word| *word != "IN").skip(1);
            let qtype = words.next().and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("{line}: no type"));
            (name, qtype)
        })
        .collect()
}

/// The owner, which ends at the first blank that no backslash stands before.
fn split_owner(line: &str) -> (&str, &str) {
    let blank = |(at, octet): &(usize, u8)| *octet == b' ' && (*at == 0 || line.as_bytes()[at - 1] != b'\\');
    let end = line.bytes().enumerate().find(blank).map_or(line.len(), |(at, _)| at);
    line.split_at(end)
}

/// The owners and the names above them, down to the apex: all that exist.
fn existing(owners: &BTreeSet<(Name, RecordType)>) -> HashSet<Name> {
    let apex = Name::parse(APEX, None).expect("a valid name");
    let mut names = HashSet::new();
    for (owner, _) in owners {
        let mut above = Some(owner.clone());
        while let Some(name) = above.filter(|name| name.is_at_or_below(&apex)) {
            above = name.parent();
            names.insert(name);
        }
    }
    names
}

/// One and two labels below a name, the wildcard below it and the name beside it; those too long are left out.
fn around(name: &Name) -> Vec<Name> {
    let below = name.child(b"nx").ok();
    let deeper = below.as_ref().and_then(|below| below.child(b"a").ok());
    let beside = name.parent().and_then(|parent| parent.child(b"nx-beside").ok());
    let long = name.child(&[b'z'; 63]).ok();
    let known = name.child(b"x").ok();
    [below, deeper, name.child(b"*").ok(), beside, long, known].into_iter().flatten().collect()
}
