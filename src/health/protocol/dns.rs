//! What is asked over DNS, and which answers pass.
//!
//! Plain data: names and values as text for people, and as octets to compare. Invariant: both say the same; who makes
//! them sees to it. Sources: RFC 1035 §4.1; RFC 6895 §2.3 for the codes.

use std::fmt;
use std::str::FromStr;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsQuery {
    pub name: Wired,
    pub rtype: QueryType,
    /// The response code that passes.
    pub rcode: Rcode,
    /// All of these must be in the answer section.
    pub answers: Vec<Wired>,
    /// Recursion is desired.
    pub recursion: bool,
}

/// A name or a value, in presentation form and as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wired {
    pub shown: String,
    /// Without compression.
    pub octets: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryType {
    pub code: u16,
    pub word: String,
}

/// A response code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rcode(pub u16);

/// Not among the codes that have a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownRcode;

impl Rcode {
    pub const NOERROR: Self = Self(0);

    /// Every code that a name server may answer a query with.
    pub const WORDS: [(&str, Self); 10] = [
        ("NOERROR", Self::NOERROR),
        ("FORMERR", Self(1)),
        ("SERVFAIL", Self(2)),
        ("NXDOMAIN", Self(3)),
        ("NOTIMP", Self(4)),
        ("REFUSED", Self(5)),
        ("YXDOMAIN", Self(6)),
        ("NOTAUTH", Self(9)),
        ("BADVERS", Self(16)),
        ("BADCOOKIE", Self(23)),
    ];
}

impl FromStr for Rcode {
    type Err = UnknownRcode;

    fn from_str(text: &str) -> Result<Self, UnknownRcode> {
        Self::WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, rcode)| *rcode).ok_or(UnknownRcode)
    }
}

impl fmt::Display for UnknownRcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no response code is named so")
    }
}

/// Its name, or `RCODE7`.
impl fmt::Display for Rcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::WORDS.iter().find(|(_, rcode)| rcode == self) {
            Some((word, _)) => f.write_str(word),
            None => write!(f, "RCODE{}", self.0),
        }
    }
}

impl fmt::Display for Wired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// `www.example.org. A NOERROR answer=["192.0.2.1"]`
impl fmt::Display for DnsQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.name, self.rtype.word, self.rcode)?;
        if !self.answers.is_empty() {
            let shown: Vec<&str> = self.answers.iter().map(|answer| answer.shown.as_str()).collect();
            write!(f, " answer={shown:?}")?;
        }
        if self.recursion { f.write_str(" recursion") } else { Ok(()) }
    }
}
