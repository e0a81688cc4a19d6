//! The response being written: header, question and three sections, RRset by RRset.
//!
//! Every RR enters a message through [`Message::put_rrset`]. Knows RRsets and placements, neither zones nor policies.
//! Invariant: an RRset is in the message whole or not at all, and its counts are right at every moment.
//! Sources: RFC 1035 §4.1, RFC 2181 §5 and §9.

use super::placement::{POINTER_MAX, Placement};
use crate::wire::HEADER_LEN;
use crate::wire::header::{AA, OPCODE, QR, RD, Rcode, TC};
use crate::wire::rtype::{Class, RecordType};
use crate::wire::writer::{Full, Writer, copy};
use crate::zone::rrset::{RR_FIXED, Rrset, TTL_AT};

/// A section that RRs go into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Answer,
    Authority,
    Additional,
}

/// A response on its way.
pub(super) struct Message<'w> {
    pub writer: Writer<'w>,
    /// Where the question ends and the sections begin.
    body: usize,
    /// The header's four counts, in its order from the highest bits down.
    counts: u64,
    /// AA and TC, as they stand in the header's third octet.
    flags: u8,
    pub rcode: Rcode,
}

/// A state of the message to come back to.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    len: usize,
    counts: u64,
}

/// Where an RRset was put, for those who need its names.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Put {
    base: u16,
    /// The octets of the RRset before this one went out last.
    split: u16,
    len: u16,
}

/// How an RRset goes out.
#[derive(Clone, Copy)]
pub(super) struct Form {
    /// Where the owner name lies.
    pub owner: Placement,
    /// The RR that goes first.
    pub first: u16,
    /// Seconds instead of the RRset's own.
    pub ttl_secs: Option<u32>,
}

impl<'w> Message<'w> {
    /// Begins a response with `question` (none for a message that had no readable one).
    #[inline]
    pub fn begin(mut writer: Writer<'w>, question: Option<&[u8]>) -> Self {
        let question = question.unwrap_or_default();
        // This cannot fail: the smallest limit is 512 octets, and a question has at most 259. The header comes last.
        let written = writer.claim(HEADER_LEN + question.len()).map(|claimed| copy(&mut claimed[HEADER_LEN..], question));
        debug_assert_eq!(written, Ok(()), "header and question fit into 512 octets");
        let body = writer.len();
        let counts = if question.is_empty() { 0 } else { ONE_QUESTION };
        Self { writer, body, counts, flags: 0, rcode: Rcode::NOERROR }
    }

    /// Says that the answer comes from a zone of ours (AA).
    #[inline]
    pub fn set_authoritative(&mut self, authoritative: bool) {
        self.flags = self.flags & !AA | if authoritative { AA } else { 0 };
    }

    #[inline]
    pub fn is_truncated(&self) -> bool {
        self.flags & TC != 0
    }

    /// Whether something is in the answer section.
    #[inline]
    pub fn has_answer(&self) -> bool {
        self.counts >> 32 & 0xffff != 0
    }

    /// What is written so far.
    pub fn written(&self) -> &[u8] {
        self.writer.written()
    }

    /// How far the message is, to come back to.
    pub fn mark(&self) -> Mark {
        Mark { len: self.writer.len(), counts: self.counts }
    }

    /// Takes back all that was put in since `mark`.
    pub fn take_back(&mut self, mark: Mark) {
        self.writer.truncate(mark.len);
        self.counts = mark.counts;
    }

    /// Takes all sections back and sets TC: truncation is complete or empty, never part of an RRset.
    #[cold]
    pub fn set_truncated(&mut self) {
        self.empty();
        self.flags |= TC;
    }

    /// Takes all sections back and says that the answer is not to be had here and now.
    #[cold]
    pub fn set_failed(&mut self) {
        self.empty();
        self.set_authoritative(false);
        self.rcode = Rcode::SERVFAIL;
    }

    fn empty(&mut self) {
        self.writer.truncate(self.body);
        self.counts &= u64::MAX << 48;
    }

    #[inline]
    fn count(&mut self, section: Section, records: u16) {
        self.counts += u64::from(records) * section.one();
    }

    /// Gives all RRs from `from` on one TTL; their owners are pointers.
    #[cold]
    pub fn set_ttls(&mut self, from: usize, ttl_secs: u32) {
        let mut at = from;
        while at < self.writer.len() {
            self.writer.patch(at + TTL_AT, ttl_secs.to_be_bytes());
            at += RR_FIXED + usize::from(self.writer.number(at + RR_FIXED - 2));
        }
    }

    /// Puts one RRset in, whole.
    ///
    /// # Errors
    /// [`Full`] when it does not fit; the message is as it was.
    #[inline(always)]
    pub fn put_rrset(&mut self, section: Section, rrset: &Rrset<'_>, form: Form) -> Result<Put, Full> {
        let base = self.writer.len();
        let mut split = 0;
        if form.first == 0 {
            self.writer.put(rrset.records)?;
        } else {
            split = rrset.start(form.first);
            let (last, first) = rrset.records.split_at(split);
            let claimed = self.writer.claim(rrset.records.len())?;
            claimed[..first.len()].copy_from_slice(first);
            claimed[first.len()..].copy_from_slice(last);
        }
        let put = Put { base: base as u16, split: split as u16, len: rrset.records.len() as u16 };
        if !form.owner.is_question() {
            self.relocate(rrset, form.owner, put);
        }
        if let Some(ttl_secs) = form.ttl_secs {
            self.set_ttl(rrset, ttl_secs, put);
        }
        self.count(section, rrset.count());
        Ok(put)
    }

    /// Turns pointers into the owner name as if it lay at offset 12 into pointers to where it lies.
    #[inline(never)]
    fn relocate(&mut self, rrset: &Rrset<'_>, owner: Placement, put: Put) {
        match owner.moved() {
            Some(moved) if put.split == 0 => {
                move_pointers(self.writer.written_from(put.base.into()), *rrset, owner.first(), moved)
            }
            _ => self.relocate_to(rrset, owner, put),
        }
    }

    /// The same for RRs that are rotated, or whose owner goes on by pointer itself.
    fn relocate_to(&mut self, rrset: &Rrset<'_>, owner: Placement, put: Put) {
        for rr in 0..rrset.count() {
            self.writer.patch(put.at(rrset.start(rr)), pointer(owner.first()));
        }
        for at in rrset.pointers() {
            let at = put.at(at);
            let octet = usize::from(self.writer.number(at) & !POINTER) - HEADER_LEN;
            self.writer.patch(at, pointer(owner.locate(octet, self.writer.written())));
        }
    }

    #[inline(never)]
    fn set_ttl(&mut self, rrset: &Rrset<'_>, ttl_secs: u32, put: Put) {
        for rr in 0..rrset.count() {
            self.writer.patch(put.at(rrset.start(rr)) + TTL_AT, ttl_secs.to_be_bytes());
        }
    }

    /// Puts in one RR that no zone holds; its owner is at `owner`.
    ///
    /// # Errors
    /// [`Full`] when it does not fit; the message is as it was. Otherwise where the rdata lies.
    pub fn put_record(&mut self, section: Section, owner: u16, record: Synthesized<'_>) -> Result<usize, Full> {
        let mark = self.writer.len();
        let Synthesized { rtype, class, ttl_secs, rdata } = record;
        let mut fixed = [0; 12];
        fixed[..2].copy_from_slice(&pointer(owner));
        fixed[2..4].copy_from_slice(&rtype.0.to_be_bytes());
        fixed[4..6].copy_from_slice(&class.0.to_be_bytes());
        fixed[6..10].copy_from_slice(&ttl_secs.to_be_bytes());
        fixed[10..].copy_from_slice(&(rdata.len() as u16).to_be_bytes());
        if let Err(full) = self.writer.put(&fixed).and_then(|()| self.writer.put(rdata)) {
            self.writer.truncate(mark);
            return Err(full);
        }
        self.count(section, 1);
        Ok(mark + fixed.len())
    }

    /// Puts in one record that is about the message, in parts, if it fits.
    pub fn put_meta(&mut self, parts: &[&[u8]]) {
        let mark = self.writer.len();
        match parts.iter().try_for_each(|part| self.writer.put(part)) {
            Ok(()) => self.count(Section::Additional, 1),
            Err(Full) => self.writer.truncate(mark),
        }
    }

    /// Counts an OPT record that was written to the end.
    #[inline]
    pub fn count_opt(&mut self) {
        self.count(Section::Additional, 1);
    }

    /// Writes the header; `flags` is the query's third octet. Gives the length of the message.
    #[inline]
    pub fn finish(&mut self, id: [u8; 2], flags: u8) -> usize {
        self.writer.patch(0, header(id, flags, self.flags, self.rcode, self.counts));
        self.writer.len()
    }
}

/// The header of a response: `flags` is the query's third octet, `own` what goes into it of ours.
#[inline]
pub(super) fn header(id: [u8; 2], flags: u8, own: u8, rcode: Rcode, counts: u64) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    header[..4].copy_from_slice(&[id[0], id[1], QR | own | flags & (OPCODE | RD), (rcode.0 & 0x0f) as u8]);
    header[4..].copy_from_slice(&counts.to_be_bytes());
    header
}

/// The header's counts when there is a question and nothing else.
pub(super) const ONE_QUESTION: u64 = 1 << 48;

impl Section {
    /// What one RR in this section adds to the header's counts.
    #[inline]
    pub fn one(self) -> u64 {
        1 << (32 - 16 * self as u32)
    }
}

/// A record made for one answer.
#[derive(Clone, Copy)]
pub(super) struct Synthesized<'r> {
    pub rtype: RecordType,
    pub class: Class,
    pub ttl_secs: u32,
    pub rdata: &'r [u8],
}

impl Form {
    /// As encoded, for a name that lies at `owner`.
    pub const fn at(owner: Placement) -> Self {
        Self { owner, first: 0, ttl_secs: None }
    }
}

impl Put {
    /// Where octet `at` of the RRset's records went.
    #[inline]
    pub fn at(&self, at: usize) -> usize {
        let (base, split) = (usize::from(self.base), usize::from(self.split));
        match at.checked_sub(split) {
            Some(behind) => base + behind,
            None => base + usize::from(self.len) - split + at,
        }
    }

    /// The same, where a pointer can point to it.
    pub fn pointable(&self, at: usize) -> Option<u16> {
        Some(self.at(at)).filter(|at| *at <= POINTER_MAX).map(|at| at as u16)
    }
}

/// Puts `first` into the owners of `records`, and moves each pointer behind a name's first octet.
#[inline(never)]
pub(super) fn move_pointers(records: &mut [u8], rrset: Rrset<'_>, first: u16, moved: u16) {
    for rr in 0..rrset.count() {
        *pointer_at(records, rrset.start(rr)) = pointer(first);
    }
    for at in rrset.pointers() {
        let found = pointer_at(records, at);
        *found = match u16::from_be_bytes(*found) {
            TO_QUESTION => pointer(first),
            target => (target + moved).to_be_bytes(),
        };
    }
}

#[inline]
fn pointer_at(records: &mut [u8], at: usize) -> &mut [u8; 2] {
    records[at..].first_chunk_mut().expect("pointers lie in the records")
}

/// The pointer to the name of a question.
const TO_QUESTION: u16 = POINTER | HEADER_LEN as u16;

/// A compression pointer to `at`.
fn pointer(at: u16) -> [u8; 2] {
    (POINTER | at).to_be_bytes()
}

/// The bits that make a pointer of an offset.
const POINTER: u16 = 0xc000;
