//! Messages that are no queries: what is wrong with one, and what its sender is owed.
//!
//! Reads nothing: see `query`. A response is never answered, or two servers could talk to each other for ever.
//! Sources: RFC 1035 §4.1, RFC 6891 §6.1 and §7, RFC 7873 §5.4, RFC 8906 §3, RFC 8945 §5, RFC 9619.

use super::edns::Edns;
use super::header::Rcode;
use super::query::Question;

/// A message that is no query, with what a response to it needs.
#[derive(Clone)]
pub struct Malformed<'m> {
    pub kind: MalformedKind,
    pub id: [u8; 2],
    pub flags: u8,
    /// The question, where it could be read.
    pub question: Option<Question<'m>>,
    /// The OPT record, where there was one; without its options, where those could not be read.
    pub edns: Option<&'m Edns>,
    /// It asks no question, and is whole: it may be there to fetch a cookie (RFC 7873 §5.4).
    pub is_questionless: bool,
}

/// Everything that can be wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MalformedKind {
    /// Fewer octets than a header.
    Short,
    /// QR is set.
    Response,
    /// An opcode other than QUERY.
    Opcode,
    /// Other than one question (RFC 9619).
    QuestionCount,
    /// A question whose name is compressed, too long or cut short, or that has no type and class.
    BadQuestion,
    /// A record after the question is cut short, or a TSIG record is not whole or not the last (RFC 8945 §5.1).
    BadRecord,
    /// Two OPT records, one not owned by the root, or options that are cut short.
    BadOpt,
    /// A cookie of a length that RFC 7873 does not know.
    BadCookie,
    /// A client subnet that RFC 7871 §7.1.2 calls malformed.
    BadClientSubnet,
    /// Octets after the last record.
    TrailingOctets,
}

/// What the sender of a malformed message gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    Drop,
    Respond(Rcode),
}

impl MalformedKind {
    pub const ALL: [Self; 10] = [
        Self::Short,
        Self::Response,
        Self::Opcode,
        Self::QuestionCount,
        Self::BadQuestion,
        Self::BadRecord,
        Self::BadOpt,
        Self::BadCookie,
        Self::BadClientSubnet,
        Self::TrailingOctets,
    ];

    /// Its place in [`MalformedKind::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// Its word in counters and logs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::Response => "response",
            Self::Opcode => "opcode",
            Self::QuestionCount => "question_count",
            Self::BadQuestion => "bad_question",
            Self::BadRecord => "bad_record",
            Self::BadOpt => "bad_opt",
            Self::BadCookie => "bad_cookie",
            Self::BadClientSubnet => "bad_client_subnet",
            Self::TrailingOctets => "trailing_octets",
        }
    }

    /// The one table of what each malformation earns.
    pub fn disposition(self) -> Disposition {
        match self {
            Self::Short | Self::Response => Disposition::Drop,
            Self::Opcode => Disposition::Respond(Rcode::NOTIMP),
            Self::QuestionCount
            | Self::BadQuestion
            | Self::BadRecord
            | Self::BadOpt
            | Self::BadCookie
            | Self::BadClientSubnet
            | Self::TrailingOctets => Disposition::Respond(Rcode::FORMERR),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_stands_at_its_index() {
        for (at, kind) in MalformedKind::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), at, "{}", kind.word());
        }
    }
}
