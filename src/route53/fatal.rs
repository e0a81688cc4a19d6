//! What Route 53 says of a text that it can't read: `FATAL problem: Token (Reason) encountered with 'text'`.
//!
//! Knows no name and no value, only the form of the sentence. Clients match on tokens, so a token is never reworded.
//! Source: error messages of Route 53 as its clients have logged them; what is not from there says so where it is made.

use std::borrow::Cow;
use std::fmt;

/// One text that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fatal {
    /// `ARRDATAIllegalIPv4Address`.
    pub token: Cow<'static, str>,
    /// `Value is not a valid IPv4 address`.
    pub reason: Cow<'static, str>,
    /// The text, or the part of it that is wrong.
    pub found: String,
}

impl Fatal {
    pub fn new(token: impl Into<Cow<'static, str>>, reason: impl Into<Cow<'static, str>>, found: impl Into<String>) -> Self {
        Self { token: token.into(), reason: reason.into(), found: found.into() }
    }

    /// A character that must be written as an escape, or in Punycode.
    pub fn unsupported(character: char) -> Self {
        Self::new("UnsupportedCharacter", "Value contains unsupported characters", character)
    }

    /// A backslash without what must follow it (the words are waypost's own).
    pub fn bad_escape(found: impl Into<String>) -> Self {
        Self::new("InvalidEscapeSequence", "Value contains a backslash without three octal digits from 000 to 377", found)
    }
}

impl fmt::Display for Fatal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FATAL problem: {} ({}) encountered with '{}'", self.token, self.reason, self.found)
    }
}

impl std::error::Error for Fatal {}
