//! Names as Route 53 writes them: always absolute, in lower case, with octal escapes; and the order it lists them in.
//!
//! Master files escape in decimal and have relative names: `wire::name` reads those. Invariant: [`parse_name`] of what
//! [`show_name`] shows is the same name, and two names have one [`NameKey`] exactly when they are equal.
//! Sources: Route 53 developer guide, "DNS domain name format"; API reference, `ListResourceRecordSets` (order).

use std::fmt;

use super::fatal::Fatal;
use crate::wire::name::{InvalidName, Name};

/// Reads a name with or without its final dot, which is absolute either way; in lower case.
///
/// # Errors
/// [`Fatal`] in Route 53's words.
pub fn parse_name(text: &str) -> Result<Name, Fatal> {
    parse_name_as_written(text).map(|name| name.to_lowercase())
}

/// As [`parse_name`], in the case that it was written in: names in values keep it.
///
/// # Errors
/// [`Fatal`] in Route 53's words.
pub fn parse_name_as_written(text: &str) -> Result<Name, Fatal> {
    if text == "." {
        return Ok(Name::root());
    }
    let mut wire = Vec::with_capacity(text.len() + 2);
    for label in text.strip_suffix('.').unwrap_or(text).split('.') {
        let start = wire.len();
        wire.push(0);
        parse_label(label, &mut wire)?;
        match u8::try_from(wire.len() - start - 1) {
            Ok(0) => return Err(Fatal::new("DomainLabelEmpty", "Domain label is empty", text)),
            Ok(len) if len <= LABEL_MAX => wire[start] = len,
            _ => return Err(Fatal::new("DomainLabelTooLong", "Domain label is too long", label)),
        }
    }
    wire.push(0);
    // The token and the reason of a name that is too long as a whole are waypost's own.
    Name::from_wire(&wire).map_err(|_: InvalidName| Fatal::new("DomainNameTooLong", "Domain name is too long", text))
}

/// The longest label, in octets (RFC 1035 §2.3.4).
const LABEL_MAX: u8 = 63;

fn parse_label(label: &str, out: &mut Vec<u8>) -> Result<(), Fatal> {
    let mut rest = label;
    while let Some(character) = rest.chars().next() {
        let (octet, len) = match character {
            '\\' => (parse_octal(&rest[1..]).ok_or_else(|| Fatal::bad_escape(label))?, 4),
            '!'..='~' => (character as u8, 1),
            _ => return Err(Fatal::unsupported(character)),
        };
        out.push(octet);
        rest = &rest[len..];
    }
    Ok(())
}

/// The octet that the three octal digits at the start of `text` stand for.
pub(super) fn parse_octal(text: &str) -> Option<u8> {
    let digits = text.as_bytes().get(..3)?.iter().map(|digit| char::from(*digit).to_digit(8));
    let value = digits.reduce(|value, digit| Some(value? * 8 + digit?))??;
    u8::try_from(value).ok()
}

/// The name in lower case with its final dot; whatever is not a letter, a digit, `-` or `_` as `\ooo`.
pub fn show_name(name: &Name) -> String {
    show_name_as_written(&name.to_lowercase())
}

/// As [`show_name`], in the case that the name has.
pub fn show_name_as_written(name: &Name) -> String {
    join(name.labels(), name.as_wire().len())
}

fn join<'n>(labels: impl Iterator<Item = &'n [u8]>, capacity: usize) -> String {
    let mut shown = String::with_capacity(capacity);
    for label in labels {
        for &octet in label {
            push_octet(&mut shown, octet);
        }
        shown.push('.');
    }
    if shown.is_empty() {
        shown.push('.');
    }
    shown
}

fn push_octet(out: &mut String, octet: u8) {
    if octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_') {
        out.push(octet.into());
    } else {
        push_octal(out, octet);
    }
}

/// Appends `\ooo`.
pub(super) fn push_octal(out: &mut String, octet: u8) {
    out.push('\\');
    out.extend([octet >> 6, octet >> 3, octet].map(|digits| char::from(b'0' + (digits & 7))));
}

/// Where a name stands in Route 53's lists: the text that it shows with the labels reversed, as `com.example.www.`.
///
/// Texts are compared character by character, dots too: `com.example-x.` comes before `com.example.`, for `-` comes
/// before the dot. All names below one have its key as the beginning of theirs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameKey(String);

impl NameKey {
    pub fn new(name: &Name) -> Self {
        let name = name.to_lowercase();
        let mut labels: Vec<&[u8]> = name.labels().collect();
        labels.reverse();
        Self(join(labels.into_iter(), name.as_wire().len()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NameKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        parse_name(text).map_or_else(|fatal| fatal.to_string(), |name| show_name(&name))
    }

    #[test]
    fn names_are_absolute_in_lower_case_and_escaped_in_octal() {
        for (text, expected) in [
            ("WWW.Example.com", "www.example.com."),
            ("www.example.com.", "www.example.com."),
            ("*.ex.com", "\\052.ex.com."),
            ("\\052.ex.com", "\\052.ex.com."),
            ("\\101bc.com", "abc.com."),
            ("a@b/c.com", "a\\100b\\057c.com."),
            ("a\\056b.com", "a\\056b.com."),
            ("_sip._tcp.x-1.com", "_sip._tcp.x-1.com."),
            ("\\000\\377.x", "\\000\\377.x."),
            (".", "."),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused_in_the_words_of_route_53() {
        let long = "a".repeat(64);
        let fatal = |token, reason, found: &str| format!("FATAL problem: {token} ({reason}) encountered with '{found}'");
        let unsupported = |found| fatal("UnsupportedCharacter", "Value contains unsupported characters", found);
        let empty = |found| fatal("DomainLabelEmpty", "Domain label is empty", found);
        for (text, expected) in [
            ("bü.com", unsupported("ü")),
            ("a b.com", unsupported(" ")),
            ("a\tb.com", unsupported("\t")),
            ("a\u{7f}", unsupported("\u{7f}")),
            ("", empty("")),
            ("a..b", empty("a..b")),
            (".a", empty(".a")),
            ("a.b..", empty("a.b..")),
            (&format!("x.{long}.com"), fatal("DomainLabelTooLong", "Domain label is too long", &long)),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
        for text in ["a\\", "a\\05", "a\\400.com", "a\\08x", "a\\.b", "\\ü12"] {
            assert!(shown(text).contains("InvalidEscapeSequence"), "{text}");
        }
        let longest = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(61));
        assert_eq!(shown(&longest), format!("{longest}."));
        assert!(shown(&format!("{longest}b")).contains("DomainNameTooLong"));
        assert!(shown(&format!("{longest}.{longest}")).contains("DomainNameTooLong"));
    }

    #[test]
    fn names_are_listed_by_the_characters_of_their_reversed_labels() {
        let ordered =
            ["com", "example-x.com", "example.com", "\\052.example.com", "a.example.com", "b.a.example.com", "b.example.com"];
        let mut keys = ordered.map(|text| NameKey::new(&parse_name(text).expect("the test's names are valid")));
        let expected = keys.clone();
        keys.reverse();
        keys.sort();
        assert_eq!(keys, expected);
        assert_eq!(keys[3].as_str(), "com.example.\\052.");
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(labels in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..=63), 0..4)) {
            let name = labels.iter().rev().try_fold(Name::root(), |name, label| name.child(label));
            let Ok(name) = name else { return Ok(()) };
            prop_assert_eq!(parse_name(&show_name(&name)), Ok(name.clone()));
            let written = parse_name_as_written(&show_name_as_written(&name)).expect("it was shown");
            prop_assert_eq!(written.as_wire(), name.as_wire());
        }

        #[test]
        fn equal_names_and_only_they_have_one_key(one in "[a-cA-C.\\\\0-2-]{1,9}", other in "[a-cA-C.\\\\0-2-]{1,9}") {
            if let (Ok(one), Ok(other)) = (parse_name_as_written(&one), parse_name_as_written(&other)) {
                prop_assert_eq!(one == other, NameKey::new(&one) == NameKey::new(&other));
                let below = NameKey::new(&one).as_str().starts_with(NameKey::new(&other).as_str());
                prop_assert_eq!(one.is_at_or_below(&other) && !other.is_root(), below && !other.is_root());
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}|[\\\\a0-9.]{0,20}") {
            if let Ok(name) = parse_name(&text) {
                prop_assert_eq!(parse_name(&show_name(&name)), Ok(name));
            }
        }
    }
}
