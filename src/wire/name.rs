//! Domain names: wire form in memory, presentation form for people, comparison without regard to case.
//!
//! A [`Name`] is absolute, uncompressed, 1 to 255 octets, with the case it was written in; labels may hold any
//! octet. No other module takes a name apart as text.
//! Sources: RFC 1035 §3.1 and §5.1 (escapes), RFC 4343 (case), RFC 4034 §6.1 (canonical order).

use std::cmp::Ordering;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::fast::FixedState;

use super::{LABEL_MAX, NAME_MAX};

/// An absolute domain name.
#[derive(Clone)]
pub struct Name(Box<[u8]>);

/// Why a text or octets are no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidName {
    /// Nothing was written.
    Empty,
    /// Two dots in a row, or a dot at the start.
    EmptyLabel,
    LabelTooLong {
        found: usize,
    },
    NameTooLong,
    /// A backslash followed by neither a character nor three digits up to 255.
    BadEscape,
    /// A name without its final dot, where there is no origin to complete it.
    Relative,
    /// Octets that end before the root label, or hold a pointer or go on after it.
    BadWire,
}

impl Name {
    /// The root.
    pub fn root() -> Self {
        Self(Box::new([0]))
    }

    /// Reads presentation form; a name without final dot is completed with `origin`, and `@` is the origin itself.
    ///
    /// # Errors
    /// [`InvalidName`] says which rule of RFC 1035 §2.3.4 or §5.1 the text breaks.
    pub fn parse(text: &str, origin: Option<&Name>) -> Result<Self, InvalidName> {
        Self::parse_octets(text.as_bytes(), origin)
    }

    /// As [`Name::parse`], for text that need not be UTF-8: master files may hold any octet.
    pub fn parse_octets(text: &[u8], origin: Option<&Name>) -> Result<Self, InvalidName> {
        match text {
            b"" => return Err(InvalidName::Empty),
            b"@" => return origin.cloned().ok_or(InvalidName::Relative),
            b"." => return Ok(Self::root()),
            _ => {}
        }
        let mut wire = Vec::with_capacity(text.len() + 2);
        let absolute = parse_labels(text, &mut wire)?;
        match (absolute, origin) {
            (true, _) => wire.push(0),
            (false, Some(origin)) => wire.extend_from_slice(origin.as_wire()),
            (false, None) => return Err(InvalidName::Relative),
        }
        if wire.len() > NAME_MAX {
            return Err(InvalidName::NameTooLong);
        }
        Ok(Self(wire.into()))
    }

    /// Takes uncompressed wire form, all of `wire`.
    ///
    /// # Errors
    /// [`InvalidName::BadWire`] or [`InvalidName::NameTooLong`].
    pub fn from_wire(wire: &[u8]) -> Result<Self, InvalidName> {
        match wire_len(wire) {
            Some(len) if len == wire.len() => Ok(Self(wire.into())),
            Some(_) => Err(InvalidName::BadWire),
            None if wire.len() > NAME_MAX => Err(InvalidName::NameTooLong),
            None => Err(InvalidName::BadWire),
        }
    }

    /// The octets, root label included.
    pub fn as_wire(&self) -> &[u8] {
        &self.0
    }

    /// The labels from the left, root not included.
    pub fn labels(&self) -> Labels<'_> {
        Labels(&self.0)
    }

    /// How many labels, root not counted.
    pub fn label_count(&self) -> usize {
        self.labels().count()
    }

    pub fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// Whether the leftmost label is `*`, whole (RFC 4592 §2.1.1).
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with(&[1, b'*'])
    }

    /// The name without its leftmost label; none for the root.
    pub fn parent(&self) -> Option<Name> {
        (!self.is_root()).then(|| Self(self.0[1 + self.0[0] as usize..].into()))
    }

    /// Whether this is `ancestor` or below it.
    pub fn is_at_or_below(&self, ancestor: &Name) -> bool {
        let Some(start) = self.0.len().checked_sub(ancestor.0.len()) else { return false };
        self.0[start..].eq_ignore_ascii_case(&ancestor.0) && is_label_start(&self.0, start)
    }

    /// The name with this label put before it.
    ///
    /// # Errors
    /// [`InvalidName`] when the label or the whole would be too long.
    pub fn child(&self, label: &[u8]) -> Result<Name, InvalidName> {
        match label.len() {
            0 => return Err(InvalidName::EmptyLabel),
            1..=LABEL_MAX => {}
            found => return Err(InvalidName::LabelTooLong { found }),
        }
        if label.len() + 1 + self.0.len() > NAME_MAX {
            return Err(InvalidName::NameTooLong);
        }
        let mut wire = Vec::with_capacity(label.len() + 1 + self.0.len());
        wire.push(label.len() as u8);
        wire.extend_from_slice(label);
        wire.extend_from_slice(&self.0);
        Ok(Self(wire.into()))
    }

    /// The name in lower case (RFC 4343 §2.1: ASCII letters only).
    pub fn to_lowercase(&self) -> Name {
        Self(self.0.to_ascii_lowercase().into())
    }
}

/// The labels of a name from the left.
#[derive(Clone)]
pub struct Labels<'n>(&'n [u8]);

impl<'n> Iterator for Labels<'n> {
    type Item = &'n [u8];

    fn next(&mut self) -> Option<&'n [u8]> {
        let (&len, rest) = self.0.split_first().filter(|(len, _)| **len != 0)?;
        let (label, rest) = rest.split_at(len as usize);
        self.0 = rest;
        Some(label)
    }
}

/// How many octets the uncompressed name at the start of `octets` takes; none if it is no name.
pub fn wire_len(octets: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match *octets.get(at)? {
            0 => return Some(at + 1),
            len if len as usize > LABEL_MAX => return None,
            len => at += 1 + len as usize,
        }
        if at >= NAME_MAX {
            return None;
        }
    }
}

/// A hash of octets that is the same whatever the case of ASCII letters. Its seed is fixed: whoever writes a zone can do worse
/// to its server than to slow its loading.
pub fn hash_folded(octets: &[u8]) -> u64 {
    let mut hasher = HASH.build_hasher();
    hasher.write_usize(octets.len());
    let (words, rest) = octets.as_chunks();
    words.iter().for_each(|word| hasher.write_u64(fold_word(u64::from_le_bytes(*word))));
    match octets.last_chunk() {
        _ if rest.is_empty() => {}
        // The last word begins within the one before.
        Some(last) => hasher.write_u64(fold_word(u64::from_le_bytes(*last))),
        None => hasher.write_u64(fold_word(rest.iter().fold(0, |word, octet| word << 8 | u64::from(*octet)))),
    }
    hasher.finish()
}

/// Eight octets with their upper case ASCII letters in lower case.
fn fold_word(word: u64) -> u64 {
    const EACH: u64 = u64::MAX / 0xff;
    let low = word & (EACH * 0x7f);
    let from_a = low + EACH * u64::from(0x80 - b'A');
    let behind_z = low + EACH * u64::from(0x80 - b'Z' - 1);
    word | (from_a & !behind_z & !word & (EACH * 0x80)) >> 2
}

const HASH: FixedState = FixedState::with_seed(0x9e37_79b9_7f4a_7c15);

/// Whether `at` is where a label of the name `wire` begins.
fn is_label_start(wire: &[u8], at: usize) -> bool {
    let mut start = 0;
    while start < at {
        start += 1 + wire[start] as usize;
    }
    start == at
}

/// Appends the labels of `text`; true when it ends with an unescaped dot.
fn parse_labels(text: &[u8], wire: &mut Vec<u8>) -> Result<bool, InvalidName> {
    let mut rest = text;
    let mut label_at = wire.len();
    wire.push(0);
    while let Some((&octet, tail)) = rest.split_first() {
        rest = tail;
        match octet {
            b'.' => {
                end_label(wire, label_at)?;
                if rest.is_empty() {
                    return Ok(true);
                }
                label_at = wire.len();
                wire.push(0);
            }
            b'\\' => {
                let (value, tail) = parse_escape(rest).ok_or(InvalidName::BadEscape)?;
                wire.push(value);
                rest = tail;
            }
            _ => wire.push(octet),
        }
    }
    end_label(wire, label_at)?;
    Ok(false)
}

/// Writes the length of the label that began at `label_at`.
fn end_label(wire: &mut [u8], label_at: usize) -> Result<(), InvalidName> {
    match wire.len() - label_at - 1 {
        0 => Err(InvalidName::EmptyLabel),
        found @ 1..=LABEL_MAX => {
            wire[label_at] = found as u8;
            Ok(())
        }
        found => Err(InvalidName::LabelTooLong { found }),
    }
}

/// Reads what follows a backslash: `DDD` in decimal, or any other character as itself (RFC 1035 §5.1).
pub fn parse_escape(after: &[u8]) -> Option<(u8, &[u8])> {
    let (&first, rest) = after.split_first()?;
    if !first.is_ascii_digit() {
        return Some((first, rest));
    }
    let digits = after.get(..3).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    let value = digits.iter().fold(0u16, |value, digit| value * 10 + u16::from(digit - b'0'));
    Some((u8::try_from(value).ok()?, &after[3..]))
}

/// The lower-cased labels from the right, so that order compares parents first.
fn reversed(name: &Name) -> impl Iterator<Item = Vec<u8>> {
    let mut labels: Vec<&[u8]> = name.labels().collect();
    labels.reverse();
    labels.into_iter().map(<[u8]>::to_ascii_lowercase)
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        // Length octets are below 64, so folding ASCII letters cannot make two different lengths equal.
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(hash_folded(&self.0));
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    /// Canonical order (RFC 4034 §6.1).
    fn cmp(&self, other: &Self) -> Ordering {
        reversed(self).cmp(reversed(other))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_name(f, self.as_wire())
    }
}

/// Writes a name that is in wire form, as [`Name`] shows itself.
pub fn write_name(f: &mut impl fmt::Write, wire: &[u8]) -> fmt::Result {
    if let [0] = wire {
        return f.write_char('.');
    }
    for label in Labels(wire) {
        write_label(f, label)?;
        f.write_char('.')?;
    }
    Ok(())
}

/// Writes one label with what master files need escaped (RFC 1035 §5.1).
fn write_label(f: &mut impl fmt::Write, label: &[u8]) -> fmt::Result {
    for &octet in label {
        match octet {
            b'.' | b';' | b'\\' | b'"' | b'(' | b')' | b'@' | b'$' => write!(f, "\\{}", octet as char)?,
            0x21..=0x7e => f.write_char(octet as char)?,
            _ => write!(f, "\\{octet:03}")?,
        }
    }
    Ok(())
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the name is empty; a name such as www.example.org. is needed"),
            Self::EmptyLabel => f.write_str("the name has an empty label (two dots in a row, or a dot at the start)"),
            Self::LabelTooLong { found } => write!(f, "a label has {found} octets; at most {LABEL_MAX} are accepted"),
            Self::NameTooLong => write!(f, "the name has more than {NAME_MAX} octets"),
            Self::BadEscape => f.write_str("a backslash must be followed by a character, or by three digits from 000 to 255"),
            Self::Relative => f.write_str("the name does not end with a dot, and no origin is known to complete it"),
            Self::BadWire => f.write_str("the octets are not one uncompressed name"),
        }
    }
}

impl std::error::Error for InvalidName {}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text, None).expect("the test's names are valid")
    }

    #[test]
    fn presentation_form_reads_back_as_written() {
        for text in [".", "www.Example.org.", "a\\.b.example.", "\\000\\255.x.", "\\@.\\;.x.", "*.x."] {
            assert_eq!(name(text).to_string(), text);
        }
        assert_eq!(name("\\065bc.").to_string(), "Abc.");
    }

    #[test]
    fn bad_texts_are_refused_by_their_rule() {
        let origin = name("example.org.");
        let long = "a".repeat(64);
        for (text, expected) in [
            ("", InvalidName::Empty),
            ("a..b.", InvalidName::EmptyLabel),
            (".a.", InvalidName::EmptyLabel),
            (long.as_str(), InvalidName::LabelTooLong { found: 64 }),
            ("a\\", InvalidName::BadEscape),
            ("a\\25", InvalidName::BadEscape),
            ("a\\256", InvalidName::BadEscape),
        ] {
            assert_eq!(Name::parse(text, Some(&origin)), Err(expected), "{text}");
        }
        assert_eq!(Name::parse("www", None), Err(InvalidName::Relative));
    }

    #[test]
    fn names_of_255_octets_are_the_longest() {
        let longest = format!("{0}.{0}.{0}.{1}.", "a".repeat(63), "b".repeat(61));
        assert_eq!(name(&longest).as_wire().len(), 255);
        assert_eq!(Name::parse(&format!("c{longest}"), None), Err(InvalidName::LabelTooLong { found: 64 }));
        let longer = format!("{0}.{0}.{0}.{1}.", "a".repeat(63), "b".repeat(62));
        assert_eq!(Name::parse(&longer, None), Err(InvalidName::NameTooLong));
        assert_eq!(Name::from_wire(name(&longest).as_wire()), Ok(name(&longest)));
    }

    #[test]
    fn case_does_not_tell_names_apart_and_label_boundaries_do() {
        assert_eq!(name("WWW.example.ORG."), name("www.Example.org."));
        assert!(name("a.example.org.").is_at_or_below(&name("EXAMPLE.org.")));
        assert!(!name("aexample.org.").is_at_or_below(&name("example.org.")));
        assert!(name("x.").is_at_or_below(&Name::root()));
        assert!(!name("x\\003org.").is_at_or_below(&name("org.")));
    }

    #[test]
    fn hashes_fold_exactly_the_letters() {
        for octet in 0..=u8::MAX {
            let each = u64::from_le_bytes([octet; 8]);
            assert_eq!(fold_word(each), u64::from_le_bytes([octet.to_ascii_lowercase(); 8]), "{octet}");
        }
        let octets: Vec<u8> = (0..40).map(|at| b'A' + at % 26).collect();
        for len in 0..octets.len() {
            let (one, changed) = (&octets[..len], [&octets[..len], b"x"].concat());
            assert_eq!(hash_folded(one), hash_folded(&one.to_ascii_lowercase()), "{len} octets");
            assert_ne!(hash_folded(one), hash_folded(&changed), "{len} octets");
        }
    }

    #[test]
    fn canonical_order_is_that_of_rfc_4034() {
        let ordered = [
            "example.",
            "a.example.",
            "yljkjljk.a.example.",
            "Z.a.example.",
            "zABC.a.EXAMPLE.",
            "z.example.",
            "\\001.z.example.",
            "*.z.example.",
            "\\200.z.example.",
        ];
        let mut names: Vec<Name> = ordered.iter().rev().map(|text| name(text)).collect();
        names.sort();
        assert_eq!(names, ordered.map(name));
    }
}
