//! What is wrong with a document, in the words of a validating parser, as Route 53 passes them on.
//!
//! Invariant: every message is an `InvalidInput` whose text begins with `Invalid XML ; `.
//! Sources: messages of Route 53 in its users' logs; XML Schema 1.0 Part 1, appendix C (the `cvc-` constraints).

use std::borrow::Cow;

use super::NAMESPACE;
use crate::route53::error::ApiError;

/// A place in a document: octets from its start. Line and column are counted only when there is something to tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct At(pub usize);

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Invalid {
    at: At,
    what: String,
}

impl At {
    /// Line and column, from 1.
    fn line_and_column(self, document: &[u8]) -> (usize, usize) {
        let before = &document[..self.0.min(document.len())];
        let line_start = before.iter().rposition(|&octet| octet == b'\n').map_or(0, |at| at + 1);
        (1 + before.iter().filter(|&&octet| octet == b'\n').count(), 1 + before.len() - line_start)
    }
}

impl Invalid {
    pub fn syntax(at: At, what: &str) -> Self {
        Self { at, what: what.to_owned() }
    }

    /// The document begins with an element that no operation takes here.
    pub fn root(at: At, found: &str) -> Self {
        Self { at, what: format!("cvc-elt.1: Cannot find the declaration of element '{}'.", shown(found)) }
    }

    pub fn unexpected(at: At, found: &str, expected: &[&str]) -> Self {
        let expected = qualified(expected.iter().copied());
        let found = shown(found);
        let what = format!(
            "cvc-complex-type.2.4.a: Invalid content was found starting with element '{found}'. One of '{{{expected}}}' is expected."
        );
        Self { at, what }
    }

    pub fn missing(at: At, of: &str, missing: &[&str]) -> Self {
        let expected = qualified(missing.iter().copied());
        let what = format!(
            "cvc-complex-type.2.4.b: The content of element '{of}' is not complete. One of '{{{expected}}}' is expected."
        );
        Self { at, what }
    }

    pub fn characters(at: At, of: &str) -> Self {
        let what = format!(
            "cvc-complex-type.2.3: Element '{of}' cannot have character [children], because the type's content type is element-only."
        );
        Self { at, what }
    }

    pub fn enumeration(at: At, value: &str, choices: &[&str]) -> Self {
        let (value, choices) = (shown(value), choices.join(", "));
        let what = format!(
            "cvc-enumeration-valid: Value '{value}' is not facet-valid with respect to enumeration '[{choices}]'. It must be a value from the enumeration."
        );
        Self { at, what }
    }

    pub fn length(at: At, value: &str, facet: &str, bound: i64, shape: &str) -> Self {
        let (len, value) = (value.chars().count(), shown(value));
        let what = format!(
            "cvc-{facet}-valid: Value '{value}' with length = '{len}' is not facet-valid with respect to {facet} '{bound}' for type '{shape}'."
        );
        Self { at, what }
    }

    pub fn bound(at: At, value: &str, facet: &str, bound: i64, shape: &str) -> Self {
        let value = shown(value);
        let what = format!(
            "cvc-{facet}-valid: Value '{value}' is not facet-valid with respect to {facet} '{bound}' for type '{shape}'."
        );
        Self { at, what }
    }

    pub fn pattern(at: At, value: &str, pattern: &str, shape: &str) -> Self {
        let value = shown(value);
        let what = format!(
            "cvc-pattern-valid: Value '{value}' is not facet-valid with respect to pattern '{pattern}' for type '{shape}'."
        );
        Self { at, what }
    }

    pub fn datatype(at: At, value: &str, datatype: &str) -> Self {
        Self { at, what: format!("cvc-datatype-valid.1.2.1: '{}' is not a valid value for '{datatype}'.", shown(value)) }
    }
}

/// A name or value of the document as told: the first of it will do to find it.
fn shown(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((at, _)) => Cow::Owned(format!("{}…", &text[..at])),
        None => Cow::Borrowed(text),
    }
}

/// Characters of a value that are told: more than the longest value that the API takes.
const SHOWN_MAX: usize = 4_096;

fn qualified<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.map(|name| format!("\"{NAMESPACE}\":{name}")).collect::<Vec<_>>().join(", ")
}

impl Invalid {
    /// The error that says so of this document.
    pub fn of(self, document: &[u8]) -> ApiError {
        let (line, column) = self.at.line_and_column(document);
        let what = self.what;
        ApiError::invalid_input(format!(
            "Invalid XML ; javax.xml.stream.XMLStreamException: org.xml.sax.SAXParseException; lineNumber: {line}; columnNumber: {column}; {what}"
        ))
    }
}
