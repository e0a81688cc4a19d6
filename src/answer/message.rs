//! The response being written: header, question and three sections, RRset by RRset.
//!
//! Every RR enters a message through [`Message::put_rrset`]. Knows RRsets and placements, neither zones nor policies.
//! Invariant: an RRset is in the message whole or not at all, and its counts are right at every moment.
//! Sources: RFC 1035 §4.1, RFC 2181 §5 and §9.

use super::placement::{POINTER_MAX, Placement};
use crate::wire::HEADER_LEN;
use crate::wire::header::{AA, QR, RD, Rcode, TC};
use crate::wire::rtype::{Class, RecordType};
use crate::wire::writer::{Full, Writer};
use crate::zone::rrset::{Rrset, TTL_AT};

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
    counts: [u16; 3],
    questions: u16,
    authoritative: bool,
    truncated: bool,
    pub rcode: Rcode,
}

/// A state of the message to come back to.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    len: usize,
    counts: [u16; 3],
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
        let written = writer.claim(HEADER_LEN + question.len()).map(|claimed| claimed[HEADER_LEN..].copy_from_slice(question));
        debug_assert_eq!(written, Ok(()), "header and question fit into 512 octets");
        let body = writer.len();
        let questions = u16::from(!question.is_empty());
        Self { writer, body, counts: [0; 3], questions, authoritative: false, truncated: false, rcode: Rcode::NOERROR }
    }

    /// Says that the answer comes from a zone of ours (AA).
    #[inline]
    pub fn set_authoritative(&mut self, authoritative: bool) {
        self.authoritative = authoritative;
    }

    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// Whether something is in the answer section.
    #[inline]
    pub fn has_answer(&self) -> bool {
        self.counts[Section::Answer as usize] > 0
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
        self.writer.truncate(self.body);
        self.counts = [0; 3];
        self.truncated = true;
    }

    /// Takes all sections back and says that the answer is not to be had here and now.
    #[cold]
    pub fn set_failed(&mut self) {
        self.writer.truncate(self.body);
        self.counts = [0; 3];
        self.authoritative = false;
        self.rcode = Rcode::SERVFAIL;
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
        self.counts[section as usize] += rrset.count();
        Ok(put)
    }

    /// Turns pointers into the owner name as if it lay at offset 12 into pointers to where it lies.
    #[inline(never)]
    fn relocate(&mut self, rrset: &Rrset<'_>, owner: Placement, put: Put) {
        for rr in 0..rrset.count() {
            self.writer.patch(put.at(rrset.start(rr)), pointer(owner.first()));
        }
        for at in rrset.pointers() {
            let target = u16::from_be_bytes([rrset.records[at] & 0x3f, rrset.records[at + 1]]);
            let octet = usize::from(target) - HEADER_LEN;
            self.writer.patch(put.at(at), pointer(owner.locate(octet, self.writer.written())));
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
        self.counts[section as usize] += 1;
        Ok(mark + fixed.len())
    }

    /// Puts in one record that is about the message, in parts, if it fits.
    pub fn put_meta(&mut self, parts: &[&[u8]]) {
        let mark = self.writer.len();
        match parts.iter().try_for_each(|part| self.writer.put(part)) {
            Ok(()) => self.counts[Section::Additional as usize] += 1,
            Err(Full) => self.writer.truncate(mark),
        }
    }

    /// Counts an OPT record that was written to the end.
    pub fn count_opt(&mut self) {
        self.counts[Section::Additional as usize] += 1;
    }

    /// Writes the header; `flags` is the query's third octet. Gives the length of the message.
    #[inline]
    pub fn finish(&mut self, id: [u8; 2], flags: u8) -> usize {
        let mut header = [0; HEADER_LEN];
        header[..2].copy_from_slice(&id);
        header[2] = QR | (flags & (crate::wire::header::OPCODE | RD));
        header[2] |= if self.authoritative { AA } else { 0 } | if self.truncated { TC } else { 0 };
        header[3] = (self.rcode.0 & 0x0f) as u8;
        for (at, count) in [self.questions, self.counts[0], self.counts[1], self.counts[2]].into_iter().enumerate() {
            header[4 + 2 * at..6 + 2 * at].copy_from_slice(&count.to_be_bytes());
        }
        self.writer.patch(0, header);
        self.writer.len()
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

/// A compression pointer to `at`.
fn pointer(at: u16) -> [u8; 2] {
    (0xc000 | at).to_be_bytes()
}
