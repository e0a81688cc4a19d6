//! Gathers records into record sets, whatever order they come in.
//!
//! Invariant: a record set's records are all different, names in their rdata compared without regard to case, and
//! its TTL is the smallest that was given: all of an RRset have one TTL (RFC 2181 §5.2).

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashTable};

use super::report::{At, Report};
use crate::problem::Problem;
use crate::wire::name::{Name, hash_folded};
use crate::wire::rtype::RecordType;
use crate::zone::rdata::{fold_names, show};
use crate::zone::record_set::{Content, Origin, RdataList, RecordSet, Ttl, put_listed};

/// The record sets so far.
pub(super) struct Gathered {
    /// Of those in `several`, only the first record is in here.
    sets: Vec<RecordSet>,
    /// Places in `sets`, by owner name and type, each with the low half of its hash.
    by_name: HashTable<(u32, u32)>,
    /// The record sets for which there was a second record.
    several: HashMap<u32, Several, FixedState>,
    /// The rdata of those, by their set and its place there.
    by_rdata: HashTable<(u32, u32)>,
    /// Where a record's rdata is written before it is added.
    scratch: Vec<u8>,
    /// What all is within, if it was said, or the owner of the first SOA.
    zone: Option<Name>,
    /// The owner of the first SOA.
    apex: Option<Name>,
    /// The record sets that are outside the zone, or came before it was known.
    doubted: Vec<(u32, At)>,
    /// Those that are left out, in ascending order.
    outside: Vec<u32>,
}

/// The records of a set that may have more than one.
struct Several {
    /// As a list of rdata has them.
    listed: Vec<u8>,
    ttl_differs: bool,
}

impl Gathered {
    /// Nothing, of a zone that is named or not.
    pub fn of(zone: Option<&Name>) -> Self {
        Self {
            sets: Vec::new(),
            by_name: HashTable::new(),
            several: HashMap::with_hasher(FixedState::with_seed(SEED)),
            by_rdata: HashTable::new(),
            scratch: Vec::new(),
            zone: zone.cloned(),
            apex: None,
            doubted: Vec::new(),
            outside: Vec::new(),
        }
    }

    /// Makes room for so many more record sets, so that they need not be moved.
    pub fn reserve(&mut self, sets: usize) {
        self.sets.reserve_exact(sets);
        self.by_name.reserve(sets, |(_, set)| hash_name(self.sets[*set as usize].name.as_wire(), self.sets[*set as usize].rtype));
    }

    /// Where the rdata of the next record is written, from its start.
    pub fn scratch(&mut self) -> &mut Vec<u8> {
        self.scratch.clear();
        &mut self.scratch
    }

    /// The owner name of a record set.
    pub fn owner(&self, set: u32) -> &Name {
        &self.sets[set as usize].name
    }

    /// Adds the record whose rdata was written to the scratch; says to which record set.
    pub fn add(&mut self, owner: &[u8], rtype: RecordType, ttl: Ttl, at: At, report: &mut Report) -> u32 {
        let hash = hash_name(owner, rtype);
        let is_it = |(low, set): &(u32, u32)| {
            let same = |set: &RecordSet| set.rtype == rtype && set.name.as_wire().eq_ignore_ascii_case(owner);
            *low == hash as u32 && same(&self.sets[*set as usize])
        };
        let Some(&(_, set)) = self.by_name.find(hash, is_it) else { return self.begin_set(hash, owner, rtype, ttl, at) };
        self.expect_several(set);
        self.settle_ttl(set, ttl, at, report);
        if !self.extend_set(set) {
            let written = show(rtype, &self.scratch);
            let message = format!("{} {rtype} {written} is given twice", self.owner(set));
            report.problem(at, at.entry_start..at.entry_start, Problem::warning(message).help("it is answered once"));
        }
        set
    }

    fn begin_set(&mut self, hash: u64, owner: &[u8], rtype: RecordType, ttl: Ttl, at: At) -> u32 {
        let set = self.sets.len() as u32;
        let name = Name::from_wire(owner).expect("an owner was read as a name");
        if rtype == RecordType::SOA && self.apex.is_none() {
            self.apex = Some(name.clone());
            self.zone.get_or_insert_with(|| name.clone());
        }
        if self.zone.as_ref().is_none_or(|zone| !name.is_at_or_below(zone)) {
            self.doubted.push((set, at));
        }
        let origin = Origin { file: at.file, line: at.entry_line };
        self.sets.push(RecordSet { origin, ..RecordSet::simple(name, rtype, ttl, RdataList::of_one(&self.scratch)) });
        let sets = &self.sets;
        let hash_of = |(_, set): &(u32, u32)| hash_name(sets[*set as usize].name.as_wire(), sets[*set as usize].rtype);
        self.by_name.insert_unique(hash, (hash as u32, set), hash_of);
        set
    }

    /// Makes the record set one that may have several records.
    fn expect_several(&mut self, set: u32) {
        let Self { sets, several, by_rdata, .. } = self;
        if several.contains_key(&set) {
            return;
        }
        let Content::Values { rdata, .. } = &sets[set as usize].content else { unreachable!("a master file has no aliases") };
        let listed = rdata.as_listed().to_vec();
        let hash = hash_rdata(set, &listed[2..]);
        several.insert(set, Several { listed, ttl_differs: false });
        by_rdata.insert_unique(hash, (set, 0), |(set, place)| hash_rdata(*set, listed_at(&several[set].listed, *place)));
    }

    /// Adds the record in the scratch to its set, unless the set has it already.
    fn extend_set(&mut self, set: u32) -> bool {
        let hash = hash_rdata(set, &self.scratch);
        if self.is_twice(set, hash) {
            return false;
        }
        let Self { several, by_rdata, scratch, .. } = self;
        let known = several.get_mut(&set).expect("it was made one of several");
        let place = known.listed.len() as u32;
        put_listed(&mut known.listed, scratch);
        by_rdata.insert_unique(hash, (set, place), |(set, place)| hash_rdata(*set, listed_at(&several[set].listed, *place)));
        true
    }

    /// The owner of the first SOA.
    pub fn apex(&self) -> Option<&Name> {
        self.apex.as_ref()
    }

    /// Reports and leaves out what is not at or below the apex.
    pub fn drop_outside(&mut self, zone: &Name, report: &mut Report) {
        for &(set, at) in &self.doubted {
            let RecordSet { name, rtype, .. } = &self.sets[set as usize];
            if name.is_at_or_below(zone) {
                continue;
            }
            self.outside.push(set);
            let problem = Problem::error(format!("{name} {rtype}: the owner is not within the zone {zone}"))
                .help(format!("names at or below {zone} are accepted; a name without a final dot is completed with the origin"));
            report.problem(at, at.entry_start..at.entry_start, problem);
        }
    }

    /// The record sets, in the order of their first records.
    pub fn into_record_sets(self) -> Vec<RecordSet> {
        let Self { mut sets, several, outside, .. } = self;
        for (set, Several { listed, .. }) in several {
            if let Content::Values { rdata, .. } = &mut sets[set as usize].content {
                *rdata = RdataList::of_listed(&listed);
            }
        }
        if !outside.is_empty() {
            let mut outside = outside.into_iter().peekable();
            let mut numbers = 0..;
            sets.retain(|_| outside.peek().copied() != numbers.next() || outside.next().is_none());
        }
        sets
    }

    /// Takes the smaller TTL. RRSIGs of one name are no RRset in this: each has the TTL of what it covers
    /// (RFC 4034 §3).
    fn settle_ttl(&mut self, set: u32, ttl: Ttl, at: At, report: &mut Report) {
        let RecordSet { name, rtype, content, .. } = &mut self.sets[set as usize];
        let Content::Values { ttl: known, .. } = content else { unreachable!("a master file has no aliases") };
        let several = self.several.get_mut(&set).expect("it was made one of several");
        if *known != ttl && !several.ttl_differs && *rtype != RecordType::RRSIG {
            several.ttl_differs = true;
            let (first, found) = (known.secs(), ttl.secs());
            let problem =
                Problem::warning(format!("{name} {rtype}: this record has the TTL {found}, and the one before it {first}"))
                    .help(format!("all records of one name and type have one TTL; the smallest is used ({})", first.min(found)));
            report.problem(at, at.entry_start..at.entry_start, problem);
        }
        *known = ttl.min(*known);
    }

    /// Whether the set already has the rdata in the scratch.
    fn is_twice(&self, set: u32, hash: u64) -> bool {
        let rtype = self.sets[set as usize].rtype;
        let new = &self.scratch[..];
        let same = |(other, place): &(u32, u32)| {
            let old = listed_at(&self.several[other].listed, *place);
            *other == set && old.eq_ignore_ascii_case(new) && (old == new || fold_names(rtype, old) == fold_names(rtype, new))
        };
        self.by_rdata.find(hash, same).is_some()
    }
}

fn hash_name(owner: &[u8], rtype: RecordType) -> u64 {
    hash_folded(owner).rotate_left(u32::from(rtype.0))
}

fn hash_rdata(set: u32, rdata: &[u8]) -> u64 {
    hash_folded(rdata) ^ u64::from(set).wrapping_mul(SEED)
}

/// The rdata that begins at a place of a list.
fn listed_at(listed: &[u8], place: u32) -> &[u8] {
    let (len, rest) = listed[place as usize..].split_first_chunk().expect("each rdata is behind its length");
    &rest[..usize::from(u16::from_be_bytes(*len))]
}

/// Any number does: whoever writes a zone file can do worse to its server than to slow its loading.
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
