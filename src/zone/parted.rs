//! A zone that changes record set by record set: in parts, so that a change costs its part and not the zone.
//!
//! What is at or below one child of the apex is in one part (`tree::part_of`). A clone shares every part; a change makes
//! the one that it falls into anew. Judges nothing: whoever changes it sees to it that alias targets exist.
//! Invariants: each record set is in the part of its name, in the order of names, types and set identifiers; `targets` of
//! a part are the names and types in it that aliases lead to, from wherever.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::compile::{CompileError, Place, Tables, Written, compile_part, compile_whole};
use super::external::ExternalTarget;
use super::record_set::{Content, RecordSet};
use super::tree::{Part, Zone, ZoneSoa, part_of};
use crate::ids::SetIdentifier;
use crate::jobs::DoJobs;
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;

/// A zone in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartedZone {
    name: Name,
    /// A power of two of them.
    parts: Vec<Arc<PartSets>>,
    len: usize,
    /// How many aliases lead to each name and type, in the zone and out of it.
    targets: BTreeMap<(Name, RecordType), u32>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct PartSets {
    sets: Vec<RecordSet>,
    targets: BTreeSet<(Name, RecordType)>,
    /// How many of the sets ask where the client is.
    asking: usize,
}

/// Record sets of a part, where there are enough for several.
const PART: usize = 256;
/// The most parts: more would make a clone dear.
const PARTS_MAX: usize = 2_048;

impl PartedZone {
    /// A zone of these record sets.
    pub fn new(name: Name, sets: impl IntoIterator<Item = RecordSet>) -> Self {
        let sets: Vec<RecordSet> = sets.into_iter().collect();
        let mut zone = Self { name, parts: vec![Arc::default(); parts_for(sets.len())], len: 0, targets: BTreeMap::new() };
        sets.into_iter().for_each(|set| zone.insert(set));
        zone
    }

    /// The apex.
    pub fn name(&self) -> &Name {
        &self.name
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many parts it is in.
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// How many of its parts are the very same as the other's.
    pub fn shared_with(&self, other: &Self) -> usize {
        self.parts.iter().zip(&other.parts).filter(|(one, other)| Arc::ptr_eq(one, other)).count()
    }

    /// Every record set, part by part.
    pub fn iter(&self) -> impl Iterator<Item = &RecordSet> {
        self.parts.iter().flat_map(|part| &part.sets)
    }

    /// Those that ask where the client is; parts without any cost nothing.
    pub fn asking(&self) -> impl Iterator<Item = &RecordSet> {
        self.parts.iter().filter(|part| part.asking > 0).flat_map(|part| &part.sets).filter(|set| asks(set))
    }

    /// The names outside the zone that aliases lead to.
    pub fn externals(&self) -> impl Iterator<Item = ExternalTarget> {
        let outside = self.targets.keys().filter(|(target, _)| !target.is_at_or_below(&self.name));
        outside.map(|(name, rtype)| ExternalTarget { name: name.clone(), rtype: *rtype })
    }

    /// Adds a record set, or replaces the one of its name, type and set identifier.
    pub fn put(&mut self, set: RecordSet) {
        self.remove(&set.name, set.rtype, set.set_identifier.as_ref());
        self.insert(set);
        if self.len > 2 * PART * self.parts.len() && self.parts.len() < PARTS_MAX {
            let sets: Vec<RecordSet> = self.iter().cloned().collect();
            *self = Self::new(self.name.clone(), sets);
        }
    }

    /// Takes a record set away, if it is there.
    pub fn remove(&mut self, name: &Name, rtype: RecordType, identifier: Option<&SetIdentifier>) {
        let at = self.part_at(name);
        let key = key_of(name, rtype, identifier);
        let Ok(place) = self.parts[at].sets.binary_search_by(|set| key_of_set(set).cmp(&key)) else { return };
        let part = Arc::make_mut(&mut self.parts[at]);
        let removed = part.sets.remove(place);
        part.asking -= usize::from(asks(&removed));
        self.len -= 1;
        if let Some(target) = target_of(&removed) {
            self.count_target(target, |count| count - 1);
        }
    }

    fn insert(&mut self, set: RecordSet) {
        let at = self.part_at(&set.name);
        let key = key_of_set(&set);
        let place = self.parts[at].sets.partition_point(|known| key_of_set(known) < key);
        let target = target_of(&set);
        let part = Arc::make_mut(&mut self.parts[at]);
        part.asking += usize::from(asks(&set));
        part.sets.insert(place, set);
        self.len += 1;
        if let Some(target) = target {
            self.count_target(target, |count| count + 1);
        }
    }

    /// Counts the aliases of a target, and tells its part of the first and the last.
    fn count_target(&mut self, target: (Name, RecordType), changed: impl Fn(u32) -> u32) {
        let before = self.targets.get(&target).copied().unwrap_or_default();
        let after = changed(before);
        if target.0.is_at_or_below(&self.name) && (before == 0) != (after == 0) {
            let at = self.part_at(&target.0);
            let targets = &mut Arc::make_mut(&mut self.parts[at]).targets;
            let _ = if after == 0 { targets.remove(&target) } else { targets.insert(target.clone()) };
        }
        match after {
            0 => drop(self.targets.remove(&target)),
            _ => drop(self.targets.insert(target, after)),
        }
    }

    fn part_at(&self, name: &Name) -> usize {
        let wire = name.as_wire().to_ascii_lowercase();
        let apex = self.name.as_wire().len();
        part_of(&wire[..wire.len().saturating_sub(apex)], self.parts.len())
    }

    /// Whether there is a record set of this name and type.
    fn has(&self, name: &Name, rtype: RecordType) -> bool {
        let sets = &self.parts[self.part_at(name)].sets;
        let key = key_of(name, rtype, None);
        let first = sets.get(sets.partition_point(|set| key_of_set(set) < key));
        first.is_some_and(|set| set.rtype == rtype && set.name.to_lowercase() == name.to_lowercase())
    }

    /// Compiles what has changed since `before` was compiled of its parted zone; `same_tables` says that numbers of
    /// the tables mean what they meant then. Parts are compiled by whoever does `jobs`.
    ///
    /// # Errors
    /// [`CompileError`] for what whoever changed the zone should have refused.
    pub fn compile(
        &self,
        tables: &Tables<'_>,
        before: Option<(&Self, &Zone)>,
        same_tables: bool,
        jobs: &impl DoJobs,
    ) -> Result<Zone, CompileError> {
        if let [part] = &self.parts[..] {
            return compile_whole(&self.name, &part.sets, tables);
        }
        let is_redirected = self.has(&self.name, RecordType::DNAME);
        let before = before.filter(|(parted, zone)| {
            let is_alike = parted.name == self.name && [parted.parts.len(), zone.parts.len()] == [self.parts.len(); 2];
            is_alike && parted.has(&parted.name, RecordType::DNAME) == is_redirected
        });
        let kept = |(at, part): (usize, &Arc<PartSets>)| {
            let (parted, zone) = before?;
            let is_same = Arc::ptr_eq(&parted.parts[at], part) || parted.parts[at] == *part;
            let known = &zone.parts[at];
            (is_same && (same_tables || !known.is_bound)).then(|| known.clone())
        };
        let kept = (self.parts.iter().enumerate().map(kept).collect(), before.map(|(_, zone)| zone.soa()));
        match self.compile_missing(kept, is_redirected, tables, jobs) {
            Err(CompileError::PartFull { .. }) => {
                let sets: Vec<RecordSet> = self.iter().cloned().collect();
                compile_whole(&self.name, &sets, tables)
            }
            compiled => compiled,
        }
    }

    /// The zone of the parts that are there already, and of those that are compiled now.
    fn compile_missing(
        &self,
        (mut parts, mut soa): (Vec<Option<Arc<Part>>>, Option<ZoneSoa>),
        is_redirected: bool,
        tables: &Tables<'_>,
        jobs: &impl DoJobs,
    ) -> Result<Zone, CompileError> {
        let missing: Vec<usize> = (0..parts.len()).filter(|at| parts[*at].is_none()).collect();
        for (at, compiled) in jobs.map(missing, |at| (at, self.compile_one(at, is_redirected, tables))) {
            let (part, own_soa) = compiled?;
            soa = own_soa.or(soa);
            parts[at] = Some(Arc::new(part));
        }
        let parts = parts.into_iter().flatten().collect();
        let soa = soa.ok_or_else(|| CompileError::NoSoa { zone: self.name.clone() })?;
        Ok(Zone::of_parts(&self.name, parts, soa))
    }

    fn compile_one(&self, at: usize, is_redirected: bool, tables: &Tables<'_>) -> Result<(Part, Option<ZoneSoa>), CompileError> {
        let PartSets { sets, targets, .. } = &*self.parts[at];
        let has = |name: &Name, rtype| self.has(name, rtype);
        let written = Written { name: &self.name, record_sets: sets, hidden: 0, groups: &BTreeMap::new() };
        compile_part(written, tables, Place { at, parts: self.parts.len(), is_redirected, targets, has: &has })
    }
}

/// How many parts a zone of so many record sets is in.
fn parts_for(sets: usize) -> usize {
    (sets / PART).next_power_of_two().min(PARTS_MAX)
}

fn asks(set: &RecordSet) -> bool {
    set.policy.of_group().asks_for_client()
}

fn target_of(set: &RecordSet) -> Option<(Name, RecordType)> {
    match &set.content {
        Content::Alias(alias) => Some((alias.target.to_lowercase(), set.rtype)),
        Content::Values { .. } => None,
    }
}

type SetKey = (Vec<u8>, RecordType, Option<SetIdentifier>);

fn key_of(name: &Name, rtype: RecordType, identifier: Option<&SetIdentifier>) -> SetKey {
    (name.as_wire().to_ascii_lowercase(), rtype, identifier.cloned())
}

fn key_of_set(set: &RecordSet) -> SetKey {
    key_of(&set.name, set.rtype, set.set_identifier.as_ref())
}
