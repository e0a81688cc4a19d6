//! Gathers records into record sets, whatever order they come in.
//!
//! Invariant: a record set's records are all different, names in their rdata compared without regard to case, and
//! its TTL is the smallest that was given: all of an RRset have one TTL (RFC 2181 §5.2).

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::report::{At, Report};
use crate::problem::Problem;
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::rdata::{fold_names, show};
use crate::zone::record_set::{Content, Origin, RdataList, RecordSet, RoutingPolicy, Ttl};

/// The record sets so far.
#[derive(Default)]
pub(super) struct Gathered {
    sets: Vec<Set>,
    /// Places in `sets`, by owner name and type.
    by_name: HashTable<u32>,
    records: Vec<Record>,
    /// Places in `records` of all but the first of each set, by set and rdata.
    by_rdata: HashTable<u32>,
    /// The octets of all rdata.
    rdata: Vec<u8>,
}

struct Set {
    name: Name,
    rtype: RecordType,
    ttl: Ttl,
    ttl_differs: bool,
    at: At,
    outside: bool,
    first: u32,
    last: u32,
}

struct Record {
    set: u32,
    at: usize,
    len: u16,
    /// The next of its set.
    next: Option<u32>,
}

impl Gathered {
    /// Where the rdata of the next record is written; given back to [`Gathered::add`] as the place it begins at.
    pub fn scratch(&mut self) -> (usize, &mut Vec<u8>) {
        (self.rdata.len(), &mut self.rdata)
    }

    /// Forgets the rdata written from `start`.
    pub fn discard(&mut self, start: usize) {
        self.rdata.truncate(start);
    }

    /// Adds the record whose rdata was written from `start`.
    pub fn add(&mut self, name: &Name, rtype: RecordType, ttl: Ttl, start: usize, at: At, report: &mut Report) {
        let hash = hash_name(name, rtype);
        let known = |set: &u32| self.sets[*set as usize].rtype == rtype && self.sets[*set as usize].name == *name;
        let Some(&set) = self.by_name.find(hash, known) else { return self.begin_set(hash, name, rtype, ttl, start, at) };
        self.settle_ttl(set, ttl, at, report);
        let hash = hash_folded(set, &self.rdata[start..]);
        if !self.is_twice(set, start, hash) {
            return self.extend_set(set, start, hash);
        }
        let written = show(rtype, &self.rdata[start..]);
        let problem = Problem::warning(format!("{name} {rtype} {written} is given twice")).help("it is answered once");
        report.problem(at, at.entry_start..at.entry_start, problem);
        self.rdata.truncate(start);
    }

    fn begin_set(&mut self, hash: u64, name: &Name, rtype: RecordType, ttl: Ttl, start: usize, at: At) {
        let set = self.sets.len() as u32;
        let first = self.push_record(set, start);
        let name = name.clone();
        self.sets.push(Set { name, rtype, ttl, ttl_differs: false, at, outside: false, first, last: first });
        let sets = &self.sets;
        self.by_name.insert_unique(hash, set, |set| hash_name(&sets[*set as usize].name, sets[*set as usize].rtype));
    }

    fn extend_set(&mut self, set: u32, start: usize, hash: u64) {
        let record = self.push_record(set, start);
        let previous = std::mem::replace(&mut self.sets[set as usize].last, record);
        self.records[previous as usize].next = Some(record);
        let (records, rdata) = (&self.records, &self.rdata);
        self.by_rdata.insert_unique(hash, record, |record| {
            let record = &records[*record as usize];
            hash_folded(record.set, &rdata[record.at..][..record.len.into()])
        });
    }

    fn push_record(&mut self, set: u32, start: usize) -> u32 {
        let len = u16::try_from(self.rdata.len() - start).expect("readers of rdata refuse more than 65,535 octets");
        self.records.push(Record { set, at: start, len, next: None });
        (self.records.len() - 1) as u32
    }

    /// The owner of the first SOA.
    pub fn apex(&self) -> Option<&Name> {
        self.sets.iter().find(|set| set.rtype == RecordType::SOA).map(|set| &set.name)
    }

    /// Reports and leaves out what is not at or below the apex.
    pub fn drop_outside(&mut self, zone: &Name, report: &mut Report) {
        for set in self.sets.iter_mut().filter(|set| !set.name.is_at_or_below(zone)) {
            set.outside = true;
            let problem = Problem::error(format!("{} {}: the owner is not within the zone {zone}", set.name, set.rtype))
                .help(format!("names at or below {zone} are accepted; a name without a final dot is completed with the origin"));
            report.problem(set.at, set.at.entry_start..set.at.entry_start, problem);
        }
    }

    /// The record sets, in the order of their first records.
    pub fn into_record_sets(self) -> Vec<RecordSet> {
        let Self { sets, records, rdata, .. } = self;
        let rdata_of = |set: &Set| {
            let first = Some(&records[set.first as usize]);
            let records = std::iter::successors(first, |record| record.next.map(|next| &records[next as usize]));
            RdataList::new(records.map(|record| &rdata[record.at..][..record.len.into()]))
        };
        let record_set = |set: Set| RecordSet {
            content: Content::Values { ttl: set.ttl, rdata: rdata_of(&set) },
            name: set.name,
            rtype: set.rtype,
            set_identifier: None,
            policy: RoutingPolicy::Simple,
            health_check: None,
            place: None,
            origin: Origin { file: set.at.file, line: set.at.entry_line },
        };
        sets.into_iter().filter(|set| !set.outside).map(record_set).collect()
    }

    /// Takes the smaller TTL. RRSIGs of one name are no RRset in this: each has the TTL of what it covers
    /// (RFC 4034 §3).
    fn settle_ttl(&mut self, set: u32, ttl: Ttl, at: At, report: &mut Report) {
        let set = &mut self.sets[set as usize];
        if set.ttl != ttl && !set.ttl_differs && set.rtype != RecordType::RRSIG {
            set.ttl_differs = true;
            let (name, rtype, first, found) = (&set.name, set.rtype, set.ttl.secs(), ttl.secs());
            let problem =
                Problem::warning(format!("{name} {rtype}: this record has the TTL {found}, and the one before it {first}"))
                    .help(format!("all records of one name and type have one TTL; the smallest is used ({})", first.min(found)));
            report.problem(at, at.entry_start..at.entry_start, problem);
        }
        set.ttl = set.ttl.min(ttl);
    }

    /// Whether the set already has the rdata written from `start`.
    fn is_twice(&self, set: u32, start: usize, hash: u64) -> bool {
        let rtype = self.sets[set as usize].rtype;
        let new = &self.rdata[start..];
        let same = |record: u32| {
            let record = &self.records[record as usize];
            let old = &self.rdata[record.at..][..record.len.into()];
            record.set == set && old.eq_ignore_ascii_case(new) && (old == new || fold_names(rtype, old) == fold_names(rtype, new))
        };
        same(self.sets[set as usize].first) || self.by_rdata.find(hash, |record| same(*record)).is_some()
    }
}

fn hash_name(name: &Name, rtype: RecordType) -> u64 {
    hash_folded(rtype.0.into(), name.as_wire())
}

/// Hashes octets without regard to the case of ASCII letters, in pieces of a size that needs no memory of its own.
fn hash_folded(seed: u32, octets: &[u8]) -> u64 {
    let mut hasher = FixedState::with_seed(SEED).build_hasher();
    hasher.write_u32(seed);
    let mut folded = [0; 64];
    for piece in octets.chunks(folded.len()) {
        let folded = &mut folded[..piece.len()];
        folded.copy_from_slice(piece);
        folded.make_ascii_lowercase();
        hasher.write(folded);
    }
    hasher.finish()
}

/// Any number does: whoever writes a zone file can do worse to its server than to slow its loading.
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
