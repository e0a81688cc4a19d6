//! Rdata: presentation form to wire octets and back, for every type that a zone can hold.
//!
//! Each type is a row of `grammar`: the fields it is made of. Reading text (`text`), checking octets (`wire`) and
//! showing them (`shown`) all follow that row, so they cannot disagree about a type's form. A type without a row
//! has the generic form `\# length hex`, which the others take too.
//! Invariant: what [`parse`] returns passes [`check`], and `parse(rtype, &show(rtype, rdata))` is `rdata`.
//! Sources: RFC 1035 §3.3 and §5.1, RFC 3597 §5, and the RFC each row names.

mod apl;
mod grammar;
mod loc;
pub(super) mod number;
mod shown;
mod svcb;
mod text;
mod wire;
pub(super) mod words;

use std::fmt;
use std::ops::Range;

pub use shown::Shown;
pub(super) use text::{parse_words, quoted};
pub use wire::fold_names;

use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use words::{Entry, Lexer};

/// Why a text or octets are no rdata of their type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidRdata {
    /// Which octets of the text are meant; empty for octets that came without text.
    pub span: Range<usize>,
    /// What was being read, and what was found.
    pub message: String,
    /// What would be accepted.
    pub help: Option<String>,
}

/// Reads presentation form, one line without a comment; names come out uncompressed, relative ones completed with `origin`.
///
/// # Errors
/// [`InvalidRdata`] says which part of the text does not fit the type, and what would.
pub fn parse(rtype: RecordType, text: &str, origin: Option<&Name>) -> Result<Vec<u8>, InvalidRdata> {
    let mut lexer = Lexer::new(text.as_bytes());
    let mut entry = Entry::default();
    if let Some(outcome) = lexer.next_entry(&mut entry) {
        outcome?;
    }
    let end = entry.words.last().map_or(0, |word| word.span().end);
    if text.as_bytes()[end..].contains(&b';') {
        return Err(InvalidRdata::new(end..text.len(), format!("{rtype}: a semicolon begins a comment, and a value has none"))
            .help("a text that holds a semicolon is written between quotation marks"));
    }
    if lexer.next_entry(&mut Entry::default()).is_some() {
        return Err(InvalidRdata::new(0..text.len(), format!("{rtype}: the value has more than one line")));
    }
    let mut rdata = Vec::new();
    parse_words(rtype, &entry.words, text.len(), origin, &mut rdata)?;
    Ok(rdata)
}

/// The presentation form of `rdata`, with absolute names; the generic form where it is not valid for its type.
pub fn show(rtype: RecordType, rdata: &[u8]) -> Shown<'_> {
    Shown::new(rtype, rdata)
}

/// Checks that wire form, names uncompressed, is valid for its type. Any octets are valid for a type that waypost
/// does not know.
///
/// # Errors
/// [`InvalidRdata`] with an empty span.
pub fn check(rtype: RecordType, rdata: &[u8]) -> Result<(), InvalidRdata> {
    wire::check(rtype, rdata).map_err(|message| InvalidRdata::new(0..0, message))
}

impl InvalidRdata {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None }
    }

    /// The same, saying what would be accepted.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for InvalidRdata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.help {
            Some(help) => write!(f, "{} ({help})", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for InvalidRdata {}

#[cfg(test)]
mod tests;
