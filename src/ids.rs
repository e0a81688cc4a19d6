//! The words every layer shares: identifiers as types, so that no two kinds of name can be swapped.
//!
//! Knows nothing of zones, probes or messages. Invariant: an identifier that exists is valid for its kind.
//! Source: `SetIdentifier` and health check ids as in the Route 53 API reference (ResourceRecordSet, HealthCheck).

use std::fmt;
use std::sync::Arc;

/// Names one health check, as the operator wrote it: `fra`, `all-eu`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HealthCheckId(Arc<str>);

/// Tells apart the members of one record group; 1 to 128 characters (Route 53, `SetIdentifier`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SetIdentifier(Arc<str>);

/// Names one collection of CIDR blocks, as the operator wrote it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CollectionId(Arc<str>);

/// Names one location of a CIDR collection; 1 to 16 characters, letters, digits, `-` and `_` (Route 53).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocationName(Arc<str>);

/// A place in the health table of one snapshot; means nothing in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HealthIndex(pub u32);

/// Health checks of one snapshot, as the words and bits of its health table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthSet(Box<[(u32, u64)]>);

/// A place among the client maps of one snapshot; means nothing in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MapIndex(pub u32);

/// A place among the external targets of one snapshot; means nothing in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExternalIndex(pub u32);

/// The longest set identifier, in characters (Route 53).
pub const SET_IDENTIFIER_MAX: usize = 128;
/// The longest name of a CIDR location (Route 53).
pub const LOCATION_NAME_MAX: usize = 16;

/// An identifier that cannot be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidId {
    /// Nothing was written.
    Empty,
    /// More characters than the kind allows.
    TooLong { found: usize, max: usize },
    /// A character that the kind does not allow.
    Character(char),
}

impl HealthSet {
    /// The set of these checks.
    pub fn new(indices: impl IntoIterator<Item = HealthIndex>) -> Self {
        let mut words: Vec<(u32, u64)> = Vec::new();
        for HealthIndex(at) in indices {
            let (word, bit) = (at / 64, 1 << (at % 64));
            match words.iter_mut().find(|(known, _)| *known == word) {
                Some((_, bits)) => *bits |= bit,
                None => words.push((word, bit)),
            }
        }
        Self(words.into())
    }

    /// Each word of the table that has checks of the set, and their bits in it.
    #[inline]
    pub fn words(&self) -> impl Iterator<Item = (usize, u64)> {
        self.0.iter().map(|(word, bits)| (*word as usize, *bits))
    }
}

impl HealthCheckId {
    /// Makes an id of any non-empty text.
    ///
    /// # Errors
    /// [`InvalidId::Empty`] for an empty text.
    pub fn new(text: &str) -> Result<Self, InvalidId> {
        not_empty(text).map(Self)
    }

    /// The id as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SetIdentifier {
    /// Makes an identifier of 1 to 128 characters.
    ///
    /// # Errors
    /// [`InvalidId`] when the text is empty or too long.
    pub fn new(text: &str) -> Result<Self, InvalidId> {
        let found = text.chars().count();
        match found {
            0 => Err(InvalidId::Empty),
            1..=SET_IDENTIFIER_MAX => Ok(Self(text.into())),
            _ => Err(InvalidId::TooLong { found, max: SET_IDENTIFIER_MAX }),
        }
    }

    /// The identifier as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl CollectionId {
    /// Makes an id of any non-empty text.
    ///
    /// # Errors
    /// [`InvalidId::Empty`] for an empty text.
    pub fn new(text: &str) -> Result<Self, InvalidId> {
        not_empty(text).map(Self)
    }

    /// The id as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl LocationName {
    /// Makes a name of 1 to 16 letters, digits, `-` and `_`.
    ///
    /// # Errors
    /// [`InvalidId`] when the text is empty, too long, or has another character.
    pub fn new(text: &str) -> Result<Self, InvalidId> {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if let Some(c) = text.chars().find(|&c| !is_allowed(c)) {
            return Err(InvalidId::Character(c));
        }
        match text.len() {
            0 => Err(InvalidId::Empty),
            1..=LOCATION_NAME_MAX => Ok(Self(text.into())),
            found => Err(InvalidId::TooLong { found, max: LOCATION_NAME_MAX }),
        }
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn not_empty(text: &str) -> Result<Arc<str>, InvalidId> {
    if text.is_empty() { Err(InvalidId::Empty) } else { Ok(text.into()) }
}

impl MapIndex {
    /// The index as a place in a slice.
    pub fn at(self) -> usize {
        self.0 as usize
    }
}

impl HealthIndex {
    /// The index as a place in a slice.
    pub fn at(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for HealthCheckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for SetIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for CollectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for LocationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty; at least one character is needed"),
            Self::TooLong { found, max } => write!(f, "has {found} characters; at most {max} are accepted"),
            Self::Character(c) => write!(f, "has the character {c:?}; letters, digits, - and _ are accepted"),
        }
    }
}

impl std::error::Error for InvalidId {}
