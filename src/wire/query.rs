//! One datagram or frame -> a query, or a named reason why it is none.
//!
//! Answers nothing: each [`MalformedKind`] says what is owed to the sender, `answer` writes it. Two readers: of plain
//! queries, which are most, and of everything. Invariants: what both read they read alike; parsing allocates nothing, reads
//! each octet a bounded number of times, and never panics.
//! Sources: RFC 1035 §4.1, RFC 6891 §6.1 and §7, RFC 8906 §3 (what servers get wrong), RFC 8945 §5 (TSIG), RFC 9619
//! (one question).

use super::edns::Edns;
use super::header::{OPCODE, QR};
pub use super::malformed::{Disposition, Malformed, MalformedKind};
use super::name::wire_len;
use super::qname::QName;
use super::rtype::{Class, RecordType};
use super::{HEADER_LEN, NAME_MAX};

/// A query that can be answered.
#[derive(Clone, Copy)]
pub struct Query<'m> {
    pub id: [u8; 2],
    /// The header's third octet: opcode and RD.
    pub flags: u8,
    pub question: Question<'m>,
    pub edns: Option<&'m Edns>,
    /// Its TSIG record, where it was signed.
    pub signature: Option<Signature<'m>>,
}

/// Where the parts of a query stand that are too large to be handed on: they are read into it, and stay.
#[derive(Clone)]
pub struct Room {
    name: QName,
    edns: Edns,
}

/// The question, as asked and as looked up.
#[derive(Clone, Copy)]
pub struct Question<'m> {
    /// Name, type and class with the case they came in; echoed.
    pub octets: &'m [u8],
    pub name: &'m QName,
    pub qtype: RecordType,
    pub qclass: Class,
}

/// A TSIG record as it stands in its message: no key is known here, so nothing but its names and times matters.
#[derive(Clone, Copy, Debug)]
pub struct Signature<'m> {
    message: &'m [u8],
    /// Where the record begins, with the key's name.
    at: usize,
    rdata: &'m [u8],
}

impl Room {
    /// Nothing was read yet.
    #[inline]
    pub fn new() -> Self {
        Self { name: QName::root(), edns: Edns::fixed(0, 0) }
    }
}

impl Default for Room {
    fn default() -> Self {
        Self::new()
    }
}

/// Reads the plainest queries, which are most: one question, and nothing behind it but perhaps an OPT record.
///
/// None for all else, right or wrong: that is for [`parse_query`], which reads these alike.
#[inline(always)]
pub fn parse_plain<'m>(message: &'m [u8], room: &'m mut Room) -> Option<Query<'m>> {
    let (header, rest) = message.split_first_chunk::<HEADER_LEN>()?;
    // Two octets at once: nothing but the answer asks what they are.
    let id = *header.first_chunk()?;
    let &[_, _, flags, _, ref counts @ ..] = header;
    let counts = u64::from_be_bytes(*counts);
    if flags & (QR | OPCODE) != 0 || counts & !ONE_ADDITIONAL != ONE_QUESTION {
        return None;
    }
    let Room { name, edns } = room;
    let mut cursor = Cursor { message: rest, at: 0 };
    let question = cursor.question(name)?;
    let rest = &rest[cursor.at..];
    let edns = match counts & ONE_ADDITIONAL {
        0 if rest.is_empty() => None,
        0 => return None,
        _ => Some(parse_sole_opt(rest, edns)?),
    };
    Some(Query { id, flags, question, edns, signature: None })
}

/// The OPT record that is all of `rest`.
#[inline]
fn parse_sole_opt<'m>(rest: &[u8], edns: &'m mut Edns) -> Option<&'m Edns> {
    let (fixed, options) = rest.split_first_chunk::<OPT_FIXED>()?;
    let &[root, type_high, type_low, size_high, size_low, rcode, version, flags_high, flags_low, len_high, len_low] = fixed;
    let is_opt = u32::from_be_bytes([0, root, type_high, type_low]) == u32::from(RecordType::OPT.0);
    if !is_opt || options.len() != usize::from(u16::from_be_bytes([len_high, len_low])) {
        return None;
    }
    let class = u16::from_be_bytes([size_high, size_low]);
    *edns = Edns::fixed(class, u32::from_be_bytes([rcode, version, flags_high, flags_low]));
    edns.take_options(options).ok()?;
    Some(edns)
}

/// The section counts of a message with one question and nothing else.
const ONE_QUESTION: u64 = 1 << 48;
/// What one record in the additional section adds to them.
const ONE_ADDITIONAL: u64 = 1;

/// Reads one message into `room`.
///
/// # Errors
/// [`Malformed`] with all that could still be read of it.
pub fn parse_query<'m>(message: &'m [u8], room: &'m mut Room) -> Result<Query<'m>, Malformed<'m>> {
    let Some(header) = message.first_chunk::<HEADER_LEN>() else {
        return Err(refuse(MalformedKind::Short, &[0; HEADER_LEN], None, None));
    };
    if header[2] & QR != 0 {
        return Err(refuse(MalformedKind::Response, header, None, None));
    }
    let Room { name, edns } = room;
    let mut cursor = Cursor { message, at: HEADER_LEN };
    let question = if count(header, 4) == 1 { cursor.question(name) } else { None };
    let question = match question {
        Some(question) if header[2] & OPCODE == 0 => question,
        question => return Err(cursor.refuse_before_records(header, question, edns)),
    };
    let mut found = Records::default();
    let read = cursor.records(header, &mut found);
    let edns = found.edns.map(|found| {
        *edns = found;
        &*edns
    });
    let (id, flags) = ([header[0], header[1]], header[2]);
    match read {
        Ok(()) => Ok(Query { id, flags, question, edns, signature: found.signature }),
        Err(kind) => Err(refuse(kind, header, Some(question), edns)),
    }
}

#[cold]
fn refuse<'m>(
    kind: MalformedKind,
    header: &[u8; HEADER_LEN],
    question: Option<Question<'m>>,
    edns: Option<&'m Edns>,
) -> Malformed<'m> {
    Malformed { kind, id: [header[0], header[1]], flags: header[2], question, edns, is_questionless: false }
}

/// The section count that begins at octet `at` of the header.
fn count(header: &[u8; HEADER_LEN], at: usize) -> u16 {
    u16::from_be_bytes([header[at], header[at + 1]])
}

/// What the records after the question said.
#[derive(Default)]
struct Records<'m> {
    edns: Option<Edns>,
    signature: Option<Signature<'m>>,
}

/// A reader that only goes forward.
struct Cursor<'m> {
    message: &'m [u8],
    at: usize,
}

impl<'m> Cursor<'m> {
    #[inline(always)]
    fn question(&mut self, name: &'m mut QName) -> Option<Question<'m>> {
        let rest = &self.message[self.at..];
        name.replace(rest)?;
        let len = name.as_wire().len();
        let fixed = rest.get(len..)?.first_chunk::<4>()?;
        self.at += len + 4;
        Some(Question {
            octets: &rest[..len + 4],
            name,
            qtype: RecordType(u16::from_be_bytes([fixed[0], fixed[1]])),
            qclass: Class(u16::from_be_bytes([fixed[2], fixed[3]])),
        })
    }

    /// Passes over one question.
    fn skip_question(&mut self) -> Option<()> {
        let rest = &self.message[self.at..];
        self.at += wire_len(rest).filter(|len| rest.len() >= len + 4)? + 4;
        Some(())
    }

    /// Refuses a message that has no question to answer, or another opcode. Its OPT record is looked for all the same:
    /// EDNS is answered with EDNS (RFC 6891 §6.1.1).
    #[cold]
    fn refuse_before_records(
        &mut self,
        header: &[u8; HEADER_LEN],
        question: Option<Question<'m>>,
        edns: &'m mut Edns,
    ) -> Malformed<'m> {
        let questions = count(header, 4);
        let kind = match questions {
            _ if header[2] & OPCODE != 0 => MalformedKind::Opcode,
            1 => MalformedKind::BadQuestion,
            _ => MalformedKind::QuestionCount,
        };
        let mut found = Records::default();
        let is_whole = match questions {
            1 => question.is_some(),
            _ => (0..questions).all(|_| self.skip_question().is_some()),
        };
        let is_whole = is_whole && self.records(header, &mut found).is_ok();
        let edns = found.edns.map(|found| {
            *edns = found;
            &*edns
        });
        Malformed {
            is_questionless: questions == 0 && is_whole && kind == MalformedKind::QuestionCount,
            ..refuse(kind, header, question, edns)
        }
    }

    /// Walks every record after the question, keeping OPT and the signature; what was kept before a malformation stays.
    #[inline(never)]
    fn records(&mut self, header: &[u8; HEADER_LEN], found: &mut Records<'m>) -> Result<(), MalformedKind> {
        let passed_over = usize::from(count(header, 6)) + usize::from(count(header, 8));
        for number in 0..passed_over + usize::from(count(header, 10)) {
            let at = self.at;
            let record = self.record()?;
            if found.signature.is_some() {
                return Err(MalformedKind::BadRecord);
            }
            match record.rtype {
                _ if number < passed_over => {}
                RecordType::OPT if found.edns.is_some() || !record.at_root => return Err(MalformedKind::BadOpt),
                RecordType::OPT => {
                    let edns = found.edns.insert(Edns::fixed(record.class, record.ttl));
                    edns.take_options(record.rdata)?;
                }
                RecordType::TSIG => {
                    let signature = Signature { message: self.message, at, rdata: record.rdata };
                    signature.parts().ok_or(MalformedKind::BadRecord)?;
                    found.signature = Some(signature);
                }
                _ => {}
            }
        }
        match self.at == self.message.len() {
            true => Ok(()),
            false => Err(MalformedKind::TrailingOctets),
        }
    }

    #[inline]
    fn record(&mut self) -> Result<Record<'m>, MalformedKind> {
        let rest = &self.message[self.at..];
        let name_len = match rest {
            [0, ..] => 1,
            _ => owner_len(rest).ok_or(MalformedKind::BadRecord)?,
        };
        let fixed = rest[name_len..].first_chunk::<10>().ok_or(MalformedKind::BadRecord)?;
        let len = usize::from(u16::from_be_bytes([fixed[8], fixed[9]]));
        let rdata = rest[name_len + 10..].get(..len).ok_or(MalformedKind::BadRecord)?;
        self.at += name_len + 10 + len;
        Ok(Record {
            at_root: rest[0] == 0,
            rtype: RecordType(u16::from_be_bytes([fixed[0], fixed[1]])),
            class: u16::from_be_bytes([fixed[2], fixed[3]]),
            ttl: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            rdata,
        })
    }
}

impl Signature<'_> {
    /// The name of the key, which may be compressed.
    pub fn key_name(&self) -> Option<QName> {
        let (mut name, mut at) = ([0; NAME_MAX], self.at);
        let mut len = 0;
        loop {
            let label = usize::from(*self.message.get(at)?);
            if label & 0xc0 == 0xc0 {
                let target = (label & 0x3f) << 8 | usize::from(*self.message.get(at + 1)?);
                // Pointers lead back, so this ends (RFC 1035 §4.1.4: a prior occurrence).
                at = Some(target).filter(|target| *target < at)?;
                continue;
            }
            name.get_mut(len..=len + label)?.copy_from_slice(self.message.get(at..=at + label)?);
            len += 1 + label;
            at += 1 + label;
            if label == 0 {
                return QName::read(&name[..len]);
            }
        }
    }

    /// The algorithm's name, the time signed with the fudge, and the original id (RFC 8945 §4.2).
    pub fn parts(&self) -> Option<(&[u8], [u8; 8], [u8; 2])> {
        let (algorithm, rest) = self.rdata.split_at(wire_len(self.rdata)?);
        let (times, rest) = rest.split_first_chunk::<8>()?;
        let (mac_len, rest) = rest.split_first_chunk::<2>()?;
        let rest = rest.get(usize::from(u16::from_be_bytes(*mac_len))..)?;
        let (&[id_high, id_low, _, _, other_high, other_low], other) = rest.split_first_chunk::<6>()?;
        let is_whole = other.len() == usize::from(u16::from_be_bytes([other_high, other_low]));
        is_whole.then_some((algorithm, *times, [id_high, id_low]))
    }
}

/// Octets of an OPT record before its options.
const OPT_FIXED: usize = 11;

/// A record as it stands in the message.
struct Record<'m> {
    at_root: bool,
    rtype: RecordType,
    class: u16,
    ttl: u32,
    rdata: &'m [u8],
}

/// Octets of an owner name, which may end in a pointer; where it points does not matter here.
fn owner_len(octets: &[u8]) -> Option<usize> {
    if let Some(len) = wire_len(octets) {
        return Some(len);
    }
    let mut at = 0;
    loop {
        match *octets.get(at)? {
            len if len & 0xc0 == 0xc0 => return (octets.len() > at + 1).then_some(at + 2),
            len if len & 0xc0 != 0 || len == 0 => return None,
            len => at += 1 + usize::from(len),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const QUESTION: &[u8] = b"\x03wWw\x07example\x03org\x00\x00\x01\x00\x01";

    fn message(header: [u8; 12], rest: &[&[u8]]) -> Vec<u8> {
        [header.to_vec(), rest.concat()].concat()
    }

    fn kind(message: &[u8]) -> Option<MalformedKind> {
        parse_query(message, &mut Room::new()).err().map(|malformed| malformed.kind)
    }

    #[test]
    fn a_plain_query_is_read_with_its_case_kept_in_the_question() {
        let message = message([1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0], &[QUESTION]);
        let mut name = Room::new();
        let query = parse_query(&message, &mut name).ok().expect("well-formed");
        assert_eq!((query.id, query.question.octets), ([1, 2], QUESTION));
        assert_eq!(query.question.name.as_wire(), b"\x03www\x07example\x03org\x00");
        assert_eq!((query.question.qtype, query.question.qclass), (RecordType::A, Class::IN));
        assert!(query.edns.is_none());
    }

    #[test]
    fn each_malformation_has_its_name() {
        let opt: &[u8] = &[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];
        let owned_opt: &[u8] = &[1, b'x', 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];
        let ecs: &[u8] = &[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 8, 0, 8, 0, 4, 0, 9, 0, 0];
        let cookie: &[u8] = &[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 6, 0, 10, 0, 2, 1, 2];
        let pointer: &[u8] = b"\x03www\xc0\x0c\x00\x01\x00\x01";
        let header = |questions, additional| [0, 0, 0, 0, 0, questions, 0, 0, 0, 0, 0, additional];
        for (message, expected) in [
            (vec![0; 11], MalformedKind::Short),
            (message([0, 0, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0], &[QUESTION]), MalformedKind::Response),
            (message([0, 0, 0x28, 0, 0, 1, 0, 0, 0, 0, 0, 0], &[QUESTION]), MalformedKind::Opcode),
            (message(header(2, 0), &[QUESTION, QUESTION]), MalformedKind::QuestionCount),
            (message(header(0, 0), &[]), MalformedKind::QuestionCount),
            (message(header(1, 0), &[&QUESTION[..10]]), MalformedKind::BadQuestion),
            (message(header(1, 0), &[pointer]), MalformedKind::BadQuestion),
            (message(header(1, 1), &[QUESTION]), MalformedKind::BadRecord),
            (message(header(1, 1), &[QUESTION, &opt[..8]]), MalformedKind::BadRecord),
            (message(header(1, 2), &[QUESTION, opt, opt]), MalformedKind::BadOpt),
            (message(header(1, 1), &[QUESTION, owned_opt]), MalformedKind::BadOpt),
            (message(header(1, 1), &[QUESTION, ecs]), MalformedKind::BadClientSubnet),
            (message(header(1, 1), &[QUESTION, cookie]), MalformedKind::BadCookie),
            (message(header(1, 0), &[QUESTION, &[0]]), MalformedKind::TrailingOctets),
        ] {
            assert_eq!(kind(&message), Some(expected), "{message:?}");
        }
    }

    /// Whatever is read as a plain query is read alike by the one that reads all.
    fn check_plain(message: &[u8]) -> bool {
        let (mut plain_room, mut room) = (Room::new(), Room::new());
        let Some(plain) = parse_plain(message, &mut plain_room) else { return false };
        let query = parse_query(message, &mut room).ok().expect("what is plain is well-formed");
        assert_eq!((plain.id, plain.flags, plain.edns), (query.id, query.flags, query.edns), "{message:?}");
        assert_eq!(plain.question.octets, query.question.octets, "{message:?}");
        assert_eq!(plain.question.name.as_wire(), query.question.name.as_wire(), "{message:?}");
        assert_eq!(plain.question.name.labels(), query.question.name.labels(), "{message:?}");
        assert_eq!((plain.question.qtype, plain.question.qclass), (query.question.qtype, query.question.qclass));
        assert!(plain.signature.is_none() && query.signature.is_none(), "{message:?}");
        true
    }

    /// Messages as they come: with EDNS or without, and with some of its options.
    fn plain_messages() -> Vec<Vec<u8>> {
        let ecs: &[u8] = &[0, 8, 0, 7, 0, 1, 24, 0, 192, 0, 2];
        let (cookie, nsid): (&[u8], &[u8]) = (&[0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8], &[0, 3, 0, 0]);
        let without = message([1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0], &[QUESTION]);
        let with = |options: &[&[u8]]| {
            let options = options.concat();
            let opt = [0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, options.len() as u8];
            message([1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1], &[QUESTION, &opt, &options])
        };
        vec![without, with(&[]), with(&[ecs]), with(&[cookie]), with(&[nsid, cookie, ecs]), with(&[ecs, ecs])]
    }

    #[test]
    fn plain_queries_are_read_as_all_others_are() {
        for message in plain_messages() {
            assert!(check_plain(&message), "{message:?}");
            // Every octet with every value, and every length.
            for at in 0..message.len() {
                let mut other = message.clone();
                for value in 0..=u8::MAX {
                    other[at] = value;
                    check_plain(&other);
                }
                check_plain(&message[..at]);
                check_plain(&[&message[..], &[0]].concat());
            }
        }
    }

    proptest! {
        #[test]
        fn changed_queries_are_read_alike(
            which in 0..6usize,
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            cut in proptest::option::of(any::<prop::sample::Index>()),
        ) {
            let mut message = plain_messages().swap_remove(which);
            for (at, value) in changes {
                let at = at.index(message.len());
                message[at] = value;
            }
            if let Some(cut) = cut {
                message.truncate(cut.index(message.len() + 1));
            }
            check_plain(&message);
        }
    }
}
