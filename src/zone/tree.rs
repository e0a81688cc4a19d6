//! The compiled zone: every owner name and empty non-terminal as a node, found by hash, with what it answers linked.
//!
//! Cuts, occlusion, wildcard children and glue were worked out by `compile`; a lookup only reads. Immutable. A large zone
//! that changes record by record is in parts, each compiled by itself: all that is at or below one child of the apex is in
//! one part, so that what a name is depends on its part and the apex only. What leads from one part to another is found by
//! name at each query (`far`), so that a part can be replaced alone.
//! Invariant: a node's parent exists, so the nodes above a name are exactly those that RFC 4592 calls existing; the apex is
//! in part 0 with its wildcard. Every number of a node, RRset or group has its part in its high bits.
//! Sources: RFC 1034 §4.3.2, RFC 4592 §3.3.1, RFC 8020, RFC 9499 §7.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::Arc;

use super::group::{AnswerRef, Member, MemberContent, RecordGroup};
pub use super::node::{APEX, Found};
use super::node::{CUT, DNAME, NONE, Node};
use super::region::Region;
use super::rrset::{Rrset, RrsetRef, UNIT};
use super::table::{Place, Search, Table, hash};
use crate::wire::name::Name;
use crate::wire::qname::{QName, label_starts};
use crate::wire::rtype::RecordType;

/// A zone as it is looked up.
#[derive(Debug)]
pub struct Zone {
    pub(super) apex: Name,
    /// The same in lower case.
    pub(super) apex_key: Box<[u8]>,
    pub(super) apex_labels: usize,
    /// All of it, if it is in one piece.
    whole: Part,
    /// None if it is in one piece, else a power of two of them.
    pub(super) parts: Box<[Arc<Part>]>,
    /// Bits of a number that are its part's own.
    shift: u32,
    /// Labels below the apex of the longest name.
    max_labels: usize,
    pub(super) soa: ZoneSoa,
}

/// Tells the zones of one snapshot apart: where a zone lies. Means nothing to another snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ZoneKey(NonZeroUsize);

/// A part of a zone.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// Nodes with their RRsets, keys of far names, and behind them the places of the table.
    pub octets: Region,
    /// Nodes by their keys.
    table: Table,
    /// Where the places of the table begin.
    places_at: usize,
    groups: Box<[RecordGroup]>,
    /// Labels of the longest key.
    max_labels: usize,
    /// Numbers of the snapshot's tables are in it, so it is good for those tables only.
    pub is_bound: bool,
}

/// The zone's SOA, as answered and as put into negative responses.
#[derive(Clone, Copy, Debug)]
pub struct ZoneSoa {
    /// With a TTL of min(SOA TTL, minimum), which is how long a negative answer may be kept (RFC 2308 §3).
    pub negative: RrsetRef,
    pub serial: u32,
}

/// Octets that memory is read by.
const LINE: usize = 64;
/// Set in the number of what is found by a name that the part's octets have.
pub(super) const FAR: u32 = 1 << 31;

/// What is known of a name.
#[derive(Clone, Copy)]
pub enum Lookup<'z> {
    /// The name exists, perhaps as an empty non-terminal.
    Exact(Found<'z>),
    /// The name does not exist and `source` is the source of synthesis; the closest encloser's name has `encloser_len`
    /// octets (RFC 4592 §3.3.1).
    Wildcard { source: u32, encloser_len: usize },
    /// Neither the name nor a wildcard that covers it exists.
    Missing,
    /// The name is at or below this zone cut.
    Delegated { cut: u32 },
    /// The name is below this DNAME.
    Redirected { dname: u32 },
}

/// Why a name is not in the zone itself: the node that covers it, or none, as there is no such name.
#[derive(Clone, Copy)]
pub struct NotExact(u32);

impl Zone {
    /// The zone in one piece.
    pub(super) fn of_whole(apex: &Name, whole: Part, soa: ZoneSoa) -> Self {
        let (apex_key, apex_labels) = (apex.as_wire().to_ascii_lowercase().into(), apex.label_count());
        let max_labels = whole.max_labels;
        Self { apex: apex.clone(), apex_key, apex_labels, whole, parts: Box::default(), shift: 31, max_labels, soa }
    }

    /// The zone of these parts, the first of which has the apex.
    pub(super) fn of_parts(apex: &Name, parts: Box<[Arc<Part>]>, soa: ZoneSoa) -> Self {
        let max_labels = parts.iter().map(|part| part.max_labels).max().unwrap_or_default();
        let shift = shift_for(parts.len());
        Self { parts, shift, max_labels, ..Self::of_whole(apex, Part::default(), soa) }
    }

    /// Whether it has numbers of the snapshot's tables, and so is good for those tables only.
    pub fn is_bound(&self) -> bool {
        self.whole.is_bound || self.parts.iter().any(|part| part.is_bound)
    }

    /// The apex with the case it was written in.
    pub fn apex(&self) -> &Name {
        &self.apex
    }

    #[inline]
    pub fn zone_key(&self) -> ZoneKey {
        ZoneKey(NonNull::from(self).addr())
    }

    /// Whether a lower-cased name in wire form is the apex.
    #[inline]
    pub(super) fn has_apex(&self, wire: &[u8]) -> bool {
        is_same(&self.apex_key, wire)
    }

    /// Octets of the apex.
    #[inline]
    pub fn apex_len(&self) -> usize {
        self.apex_key.len()
    }

    pub fn soa(&self) -> ZoneSoa {
        self.soa
    }

    /// Looks up a name that is at or below the apex.
    #[inline(always)]
    pub fn lookup(&self, name: &QName) -> Lookup<'_> {
        match self.exact(name) {
            Ok(found) => Lookup::Exact(found),
            Err(other) => self.other(name, other),
        }
    }

    /// A name that is at or below the apex and exists in this zone, which most do.
    ///
    /// # Errors
    /// What [`Zone::other`] goes on from.
    #[inline(always)]
    pub fn exact(&self, name: &QName) -> Result<Found<'_>, NotExact> {
        let wire = name.as_wire();
        let key = &wire[..wire.len() - self.apex_key.len()];
        let labels = name.labels() - self.apex_labels;
        let found = if labels <= self.max_labels { self.node_at(key) } else { None };
        let found = found.ok_or(NotExact(NONE))?;
        match found.node.cover(found.number) {
            NONE => Ok(found),
            cover => Err(NotExact(cover)),
        }
    }

    /// What is known of a name that is not [`Zone::exact`].
    pub fn other(&self, name: &QName, NotExact(cover): NotExact) -> Lookup<'_> {
        match cover {
            NONE => self.lookup_encloser(name),
            cover => self.covered(cover),
        }
    }

    /// What becomes of a name that does not exist: its closest encloser decides.
    fn lookup_encloser(&self, name: &QName) -> Lookup<'_> {
        let wire = name.as_wire();
        let (encloser, key_len) = self.closest_encloser(name, &wire[..wire.len() - self.apex_key.len()]);
        let node = self.node(encloser);
        match node.cover(encloser) {
            NONE if node.flags() & DNAME != 0 => Lookup::Redirected { dname: encloser },
            NONE => match node.wildcard() {
                NONE => Lookup::Missing,
                source => Lookup::Wildcard { source, encloser_len: key_len + self.apex_key.len() },
            },
            cover => self.covered(cover),
        }
    }

    /// The node of the closest encloser of a name that does not exist, and the octets of its key. All names above one that
    /// exists do: so the longest is searched for by halves.
    fn closest_encloser(&self, name: &QName, key: &[u8]) -> (u32, usize) {
        let (part, number) = self.part_with(key);
        let (mut exists, mut most) = (0, part.max_labels.min(name.labels() - self.apex_labels - 1));
        let mut closest = (APEX, 0);
        while exists < most {
            let labels = (exists + most).div_ceil(2);
            let key = &key[name.start_of_last(self.apex_labels + labels)..];
            match part.find(key, number) {
                Some(found) => (exists, closest) = (labels, (found.number, key.len())),
                None => most = labels - 1,
            }
        }
        closest
    }

    fn covered(&self, cover: u32) -> Lookup<'_> {
        match self.node(cover).flags() & CUT {
            0 => Lookup::Redirected { dname: cover },
            _ => Lookup::Delegated { cut: cover },
        }
    }

    /// Octets that lookups read.
    pub(super) fn octets(&self) -> usize {
        self.whole.octets.len() + self.parts.iter().map(|part| part.octets.len()).sum::<usize>()
    }

    /// Reads what every lookup reads of the zone itself.
    #[inline]
    pub(super) fn touch(&self) {
        black_box((self.apex_key.first().copied(), self.whole.places_at));
    }

    /// Where the search for a name begins, and in which part; none for names that are shorter than the apex.
    #[inline]
    pub(super) fn search(&self, name: &QName) -> Option<(&Part, Search)> {
        let wire = name.as_wire();
        let key = &wire[..wire.len().checked_sub(self.apex_key.len())?];
        let (part, _) = self.part_with(key);
        Some((part, part.table.search(key)))
    }

    #[inline(always)]
    fn node_at(&self, key: &[u8]) -> Option<Found<'_>> {
        match self.parts.is_empty() {
            true => self.whole.find(key, 0),
            false => {
                let number = self.number_in_parts(key)?;
                let (part, own) = self.part(number);
                Some(Found { node: Node::read(&part.octets, own), number, part: number - own })
            }
        }
    }

    /// A number fits a register: more of what is found would have to lie in memory wherever it was found.
    #[inline(never)]
    fn number_in_parts(&self, key: &[u8]) -> Option<u32> {
        let (part, number) = self.part_with(key);
        part.find(key, number).map(Found::number)
    }

    /// The part that a key belongs to, and its number.
    fn part_with(&self, key: &[u8]) -> (&Part, u32) {
        if self.parts.is_empty() {
            return (&self.whole, 0);
        }
        let at = part_of(key, self.parts.len());
        (&self.parts[at], (at << self.shift) as u32)
    }

    /// The part of a number, and the number without it.
    #[inline]
    fn part(&self, number: u32) -> (&Part, u32) {
        match self.parts.is_empty() {
            true => (&self.whole, number),
            false => self.one_of_parts(number),
        }
    }

    fn one_of_parts(&self, number: u32) -> (&Part, u32) {
        (&self.parts[(number >> self.shift) as usize], number & ((1 << self.shift) - 1))
    }

    #[inline]
    fn node(&self, number: u32) -> Node<'_> {
        let (part, own) = self.part(number);
        Node::read(&part.octets, own)
    }

    /// The node that a far link or alias leads to; none if it has been deleted since.
    fn far(&self, at: u32) -> Option<u32> {
        let (part, own) = self.part(at & !FAR);
        let octets = &part.octets[own as usize * UNIT..];
        self.node_at(&octets[1..][..usize::from(octets[0])]).map(Found::number)
    }

    /// What the additional section wants beside an RRset: where the name lies in its RRs, and the node of that name.
    #[inline]
    pub fn links(&self, rrset: RrsetRef) -> impl Iterator<Item = (usize, u32)> + '_ {
        let is_far = |node: u32| node & FAR != 0;
        let near = move |(at, node)| Some((at, if is_far(node) { self.far(node)? } else { node }));
        self.rrset(rrset).links().filter_map(near)
    }

    /// What a member answers with, where an alias of another part of the zone is like one of its own.
    #[inline]
    pub fn content(&self, member: &Member) -> MemberContent {
        match member.content {
            MemberContent::Far { at, rtype, evaluate_target_health } => self.far_alias(at, rtype, evaluate_target_health),
            content => content,
        }
    }

    #[cold]
    fn far_alias(&self, at: u32, rtype: RecordType, evaluate_target_health: bool) -> MemberContent {
        let found = self.far(at).and_then(|node| Some((node, self.answer_at(node, rtype)?)));
        match found {
            Some((node, target)) => MemberContent::Alias { target, node, evaluate_target_health },
            None => MemberContent::Far { at, rtype, evaluate_target_health },
        }
    }

    /// Whether a lower-cased name in wire form is at or below the apex.
    pub fn encloses(&self, wire: &[u8]) -> bool {
        let start = wire.len().checked_sub(self.apex_key.len());
        start.is_some_and(|start| {
            wire[start..] == *self.apex_key && (label_starts(wire).any(|at| at == start) || start == wire.len() - 1)
        })
    }

    /// Whether `name`, which is at or below the apex, is delegated by this zone.
    pub fn has_cut(&self, name: &QName) -> bool {
        matches!(self.lookup(name), Lookup::Delegated { cut } if self.name_len(cut) == name.as_wire().len())
    }

    /// Whether `node` is at or below the zone cut `cut`.
    pub fn is_below(&self, node: u32, cut: u32) -> bool {
        self.node(node).cover(node) == cut
    }

    /// The node of a lower-cased name in wire form, even below a cut.
    pub fn node_of(&self, wire: &[u8]) -> Option<u32> {
        let key = wire.strip_suffix(&*self.apex_key)?;
        self.node_at(key).map(Found::number)
    }

    /// What stands at `node` for `rtype`.
    #[inline]
    pub fn answer_at(&self, node: u32, rtype: RecordType) -> Option<AnswerRef> {
        let (part, own) = self.part(node);
        Node::read(&part.octets, own).answer(rtype, node - own)
    }

    /// The types at `node`, ascending.
    pub fn types_at(&self, node: u32) -> impl Iterator<Item = RecordType> + '_ {
        self.node(node).types()
    }

    /// Octets of the node's name.
    #[inline]
    pub fn name_len(&self, node: u32) -> usize {
        self.node(node).key_len() + self.apex_key.len()
    }

    /// The node's name, in lower case; for people.
    pub fn name_of(&self, node: u32) -> Name {
        let wire = [self.node(node).key(), &self.apex_key].concat();
        Name::from_wire(&wire).expect("the names of a compiled zone are valid")
    }

    #[inline(always)]
    pub fn rrset(&self, at: RrsetRef) -> Rrset<'_> {
        let (part, own) = self.part(at.number());
        Rrset::read(&part.octets, own as usize)
    }

    #[inline]
    pub fn group(&self, at: u32) -> &RecordGroup {
        let (part, own) = self.part(at);
        &part.groups[own as usize]
    }

    /// Every record group that chooses.
    pub fn groups(&self) -> impl Iterator<Item = &RecordGroup> {
        self.whole.groups.iter().chain(self.parts.iter().flat_map(|part| &part.groups))
    }
}

impl Part {
    /// The part of these octets, where nodes of the numbers `found` are found by their keys.
    pub fn new(octets: &[u8], found: &[u32], groups: Box<[RecordGroup]>, max_labels: usize, is_bound: bool) -> Self {
        let (table, places) = Table::lay(found, |node| Node::read(octets, node).key());
        let octets_and_places = Region::of(&[octets, places.as_flattened()]);
        Self { octets: octets_and_places, table, places_at: octets.len(), groups, max_labels, is_bound }
    }

    /// Reads where a search begins.
    #[inline]
    pub fn touch(&self, search: Search) {
        Table::touch(self.places(), search);
    }

    /// The node that a search comes to first: that of its key, if there is one, but for chance.
    #[inline]
    pub fn first(&self, search: Search) -> Option<u32> {
        self.table.candidates_of(self.places(), search).next()
    }

    /// Reads the node that a search comes to first.
    #[inline]
    pub fn touch_node(&self, search: Search) {
        let node = self.first(search).map(|number| &self.octets[number as usize * UNIT..]);
        black_box(node.map(|node| (node[0], node[node.len().min(LINE) - 1])));
    }

    #[inline(always)]
    fn places(&self) -> &[Place] {
        self.octets[self.places_at..].as_chunks().0
    }

    /// The node of a key; `part` is the part's number.
    #[inline(always)]
    fn find(&self, key: &[u8], part: u32) -> Option<Found<'_>> {
        let octets = &*self.octets;
        let (places, _) = octets[self.places_at..].as_chunks();
        for number in self.table.candidates(places, key) {
            let node = Node::read(octets, number);
            if is_same(node.key(), key) {
                return Some(Found { node, number: number | part, part });
            }
        }
        None
    }
}

/// Bits of a number that are its own part's, where there are so many `parts`: a power of two.
pub(super) fn shift_for(parts: usize) -> u32 {
    31 - parts.ilog2()
}

/// Which of `parts` parts a key belongs to: that of the child of the apex that it is at or below.
#[inline]
pub(super) fn part_of(key: &[u8], parts: usize) -> usize {
    if parts == 1 {
        return 0;
    }
    let child = label_starts(key).last().map_or(&[][..], |start| &key[start..]);
    match child {
        [] | [1, b'*'] => 0,
        child => hash(child) as usize & (parts - 1),
    }
}

/// Whether two keys are equal. Most are short: comparing them in two words, which may overlap, takes less than calling a
/// function that can do it faster.
#[inline]
pub(super) fn is_same(one: &[u8], other: &[u8]) -> bool {
    match one.len() {
        len if len != other.len() => false,
        4..8 => is_same_at_ends::<4>(one, other),
        8..=16 => is_same_at_ends::<8>(one, other),
        _ => one == other,
    }
}

/// Whether the first `N` octets are equal and the last `N` are; false where there are not so many.
#[inline]
fn is_same_at_ends<const N: usize>(one: &[u8], other: &[u8]) -> bool {
    let (Some(first), Some(last)) = (one.first_chunk::<N>(), one.last_chunk::<N>()) else { return false };
    let (Some(other_first), Some(other_last)) = (other.first_chunk(), other.last_chunk()) else { return false };
    first == other_first && last == other_last
}
