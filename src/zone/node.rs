//! A name of a compiled zone as it lies in memory: its key, what it answers for each type, and its RRsets, in one place.
//!
//! ```text
//! above |  key octets  flags  answers | key …  pad | answer, answer, …
//! u32      u8          u8     u16
//!
//! an answer:  an RRset (see `rrset`), or a group:  type  0    0    units  number
//!                                                  u16   u16  u16  u16    u32
//! ```
//!
//! All are whole units of four octets and little-endian; the number of a node is the place of its header in units. What
//! `above` is the flags say: the number of the cut or DNAME that covers the node, or of the wildcard below it, which no
//! covered node needs to know; most nodes have neither, and no `above`. Answers stand in the order of their types.
//! Invariant: what is read at the number of a node was written by [`put_node`].

use super::arena::Arena;
use super::group::AnswerRef;
use super::rrset::{HEADER, Header, RrsetRef, UNIT, Unit};
use crate::wire::rtype::RecordType;

/// One name of a part.
#[derive(Clone, Copy)]
pub(super) struct Node<'z> {
    /// Those of the part.
    units: &'z [Unit],
    at: usize,
    head: u32,
}

/// A name that exists.
#[derive(Clone, Copy)]
pub struct Found<'z> {
    pub(super) node: Node<'z>,
    pub(super) number: u32,
    /// The number's part, in its high bits.
    pub(super) part: u32,
}

/// The node owns NS below the apex: a zone cut.
pub(super) const CUT: u8 = 1;
/// The node owns a DNAME.
pub(super) const DNAME: u8 = 2;
/// A cut or a DNAME is above the node, and `above` is its number.
const COVERED: u8 = 4;
/// The node has a child `*`, and `above` is its number.
const WILDCARD: u8 = 8;
/// No node.
pub(super) const NONE: u32 = u32::MAX;
/// The apex's node: there is room for its wildcard's number before it.
pub const APEX: u32 = 1;
/// Octets of a group's answer.
const GROUP: usize = HEADER + 4;

impl<'z> Node<'z> {
    /// The node of this number, without the part, in the octets of its part.
    #[inline]
    pub fn read(octets: &'z [u8], number: u32) -> Self {
        let (units, _) = octets.as_chunks();
        let at = number as usize;
        Self { units, at, head: u32::from_le_bytes(units[at]) }
    }

    /// The lower-cased name without the apex.
    #[inline]
    pub fn key(self) -> &'z [u8] {
        &self.units[self.at + 1..].as_flattened()[..self.key_len()]
    }

    #[inline]
    pub fn key_len(self) -> usize {
        (self.head & 0xff) as usize
    }

    #[inline]
    pub fn flags(self) -> u8 {
        (self.head >> 8) as u8
    }

    /// The cut at or above this node, or the DNAME above it; `own` is its number.
    #[inline]
    pub fn cover(self, own: u32) -> u32 {
        match self.flags() & (COVERED | CUT) {
            0 => NONE,
            CUT => own,
            _ => self.above(),
        }
    }

    /// The child `*`, of a node that is not covered.
    #[inline]
    pub fn wildcard(self) -> u32 {
        match self.flags() & WILDCARD {
            0 => NONE,
            _ => self.above(),
        }
    }

    fn above(self) -> u32 {
        self.unit(self.at - 1)
    }

    /// What stands here for `rtype`; `part` is the part's number.
    #[inline]
    pub fn answer(self, rtype: RecordType, part: u32) -> Option<AnswerRef> {
        let mut at = self.answers_at();
        for _ in 0..self.head >> 16 {
            let first = self.unit(at);
            if first as u16 == rtype.0 {
                return Some(self.answer_of(Header(first, 0), at, part));
            }
            at += Header(first, self.unit(at + 1)).units();
        }
        None
    }

    /// The types that stand here, ascending.
    pub fn types(self) -> impl Iterator<Item = RecordType> + use<'z> {
        let mut at = self.answers_at();
        (0..self.head >> 16).map(move |_| {
            let header = Header(self.unit(at), self.unit(at + 1));
            at += header.units();
            header.rtype()
        })
    }

    #[inline]
    fn answer_of(self, header: Header, at: usize, part: u32) -> AnswerRef {
        match header.is_group() {
            false => AnswerRef::Rrset(RrsetRef::of(at as u32 | part)),
            true => AnswerRef::Group(self.unit(at + HEADER / UNIT)),
        }
    }

    /// Where the answers begin, in units.
    #[inline]
    fn answers_at(self) -> usize {
        self.at + 1 + self.key_len().div_ceil(UNIT)
    }

    #[inline]
    fn unit(self, at: usize) -> u32 {
        u32::from_le_bytes(self.units[at])
    }
}

impl Found<'_> {
    /// The number of the name's node.
    #[inline]
    pub fn number(self) -> u32 {
        self.number
    }

    /// What stands at the name for `rtype`.
    #[inline]
    pub fn answer(self, rtype: RecordType) -> Option<AnswerRef> {
        self.node.answer(rtype, self.part)
    }
}

/// Begins a node with so many answers, which the caller puts behind it; gives its number. What it is covered by is known,
/// and has not the node's own number; whether it has a child `*` is too, and [`set_wildcard`] says which when that is made.
pub(super) fn put_node(arena: &mut Arena, key: &[u8], flags: u8, cover: Option<u32>, has_wildcard: bool, answers: usize) -> u32 {
    let above = match cover {
        Some(cover) => Some((COVERED, cover)),
        None => has_wildcard.then_some((WILDCARD, NONE)),
    };
    if let Some((_, number)) = above {
        arena.put(&number.to_le_bytes());
    }
    let number = arena.number();
    let key_len = u8::try_from(key.len()).expect("a name has at most 255 octets");
    let answers = u16::try_from(answers).expect("there are 65,536 types, and none is 0");
    let [low, high] = answers.to_le_bytes();
    arena.put(&[key_len, flags | above.map_or(0, |(flag, _)| flag), low, high]);
    arena.put(key);
    arena.pad();
    number
}

/// Says which node is the child `*` of an uncovered node.
pub(super) fn set_wildcard(octets: &mut [u8], number: u32, wildcard: u32) {
    let at = number as usize * UNIT;
    if Node::read(octets, number).flags() & WILDCARD != 0 {
        octets[at - UNIT..at].copy_from_slice(&wildcard.to_le_bytes());
    }
}

/// Puts the number of a group as the answer for `rtype`.
pub(super) fn put_group(arena: &mut Arena, rtype: RecordType, group: u32) {
    arena.put(&Header::of_group(rtype, GROUP).to_octets());
    arena.put(&group.to_le_bytes());
}
