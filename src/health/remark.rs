//! What a person says beside a change: a reason, or who they are.
//!
//! Invariant: a remark that exists is one line of 1 to [`REMARK_MAX`] characters, none of them a control character, so
//! that it can stand in a log, on a terminal and in an audit entry as it is.

use std::fmt;
use std::sync::Arc;

/// One line of text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Remark(Arc<str>);

/// The longest remark, in characters.
pub const REMARK_MAX: usize = 255;

/// A text that is no remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidRemark {
    /// Nothing, or nothing but blanks.
    Empty,
    TooLong {
        found: usize,
    },
    Control(char),
}

impl Remark {
    /// Takes a text, without the blanks around it.
    ///
    /// # Errors
    /// [`InvalidRemark`] when nothing is left, or too much, or more than a line.
    pub fn new(text: &str) -> Result<Self, InvalidRemark> {
        let text = text.trim();
        if let Some(c) = text.chars().find(|c| c.is_control() || is_bidi_control(*c)) {
            return Err(InvalidRemark::Control(c));
        }
        match text.chars().count() {
            0 => Err(InvalidRemark::Empty),
            1..=REMARK_MAX => Ok(Self(text.into())),
            found => Err(InvalidRemark::TooLong { found }),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Characters that make a line read in another order than it was written in, and so hide what it says (UAX #9).
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for InvalidRemark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "is empty; 1 to {REMARK_MAX} characters are accepted"),
            Self::TooLong { found } => write!(f, "has {found} characters; 1 to {REMARK_MAX} are accepted"),
            Self::Control(c) => write!(f, "has the control character {c:?}; one line of printable characters is accepted"),
        }
    }
}

impl std::error::Error for InvalidRemark {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remark_is_one_readable_line() {
        assert_eq!(Remark::new("  moving racks ").unwrap().as_str(), "moving racks");
        assert!(Remark::new(&"ö".repeat(255)).is_ok());
        for (text, error) in [
            ("", InvalidRemark::Empty),
            (" \t ", InvalidRemark::Empty),
            ("two\nlines", InvalidRemark::Control('\n')),
            ("\u{1b}[31mred", InvalidRemark::Control('\u{1b}')),
            ("a\u{202e}b", InvalidRemark::Control('\u{202e}')),
        ] {
            assert_eq!(Remark::new(text).unwrap_err(), error, "{text:?}");
        }
        assert_eq!(Remark::new(&"ö".repeat(256)).unwrap_err(), InvalidRemark::TooLong { found: 256 });
    }
}
