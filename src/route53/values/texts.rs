//! Quoted strings of values: `"…"` with `\"`, `\\` and octal escapes, one or several with spaces between them.
//!
//! A backslash before any other character stands for that character, as BIND writes `\;`: clients send such texts.
//! Invariant: [`push_quoted`] writes what [`parse_quoted`] reads as the same octets.
//! Source: Route 53 developer guide, "TXT record type".

use super::super::fatal::Fatal;
use super::super::name::{parse_octal, push_octal};

/// The words of a value: what spaces take apart that stand outside of quotation marks.
pub(super) fn split_words(value: &str) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    let words = value.split(move |character| {
        let is_mark = character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        quoted ^= is_mark;
        character == ' ' && !quoted
    });
    words.filter(|word| !word.is_empty()).collect()
}

/// The octets of one quoted word.
pub(super) fn parse_quoted(word: &str) -> Result<Vec<u8>, Fatal> {
    let inner = word.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(|| not_quoted(word))?;
    let mut octets = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(&octet) = rest.as_bytes().first() {
        let (octet, len) = match (octet, rest.as_bytes().get(1)) {
            (b'"', _) | (b'\\', None) => return Err(not_quoted(word)),
            (b'\\', Some(b'0'..=b'9')) => (parse_octal(&rest[1..]).ok_or_else(|| Fatal::bad_escape(word))?, 4),
            (b'\\', Some(escaped)) => (*escaped, 2),
            _ => (octet, 1),
        };
        octets.push(octet);
        rest = &rest[len..];
    }
    Ok(octets)
}

/// Appends the octets of a word behind their length.
pub(super) fn parse_text(word: &str, out: &mut Vec<u8>) -> Result<(), Fatal> {
    let octets = parse_quoted(word)?;
    let len = u8::try_from(octets.len()).map_err(|_| Fatal::new("CharacterStringTooLong", "Value is too long", word))?;
    out.push(len);
    out.extend_from_slice(&octets);
    Ok(())
}

fn not_quoted(word: &str) -> Fatal {
    Fatal::new("InvalidCharacterString", "Value should be enclosed in quotation marks", word)
}

/// Appends octets between quotation marks; what is not printable ASCII in octal.
pub(super) fn push_quoted(out: &mut String, octets: &[u8]) {
    out.push('"');
    for &octet in octets {
        match octet {
            b'"' | b'\\' => out.extend(['\\', octet.into()]),
            b' '..=b'~' => out.push(octet.into()),
            _ => push_octal(out, octet),
        }
    }
    out.push('"');
}
