//! The plainest lines of a master file, which most lines of a large one are: `owner [ttl] [class] A address`, or AAAA.
//!
//! Reports nothing and guesses nothing: a line with anything else in it, or anything wrong with it, is left to the words and
//! fields that every line is made of. Invariant: what is read here reads there as the same record (`tests` compares them).
//! Source: RFC 1035 §5.1.

use std::net::Ipv6Addr;

use super::report::At;
use super::{Owner, Reader};
use crate::wire::rtype::RecordType;
use crate::wire::{LABEL_MAX, NAME_MAX};
use crate::zone::rdata::words::Lexer;
use crate::zone::record_set::Ttl;

/// What a plain line says.
struct Plain<'s> {
    /// As written.
    owner: &'s [u8],
    ttl: Option<Ttl>,
    rtype: RecordType,
    address: &'s [u8],
    /// Octets of the line, its end included.
    len: usize,
}

impl Reader<'_> {
    /// Reads lines into the record sets for as long as they are plain.
    pub(super) fn plain_lines(&mut self, file: u16, lexer: &mut Lexer<'_>) {
        loop {
            let (rest, entry_start, entry_line) = lexer.rest();
            let Some(len) = self.plain_line(rest, At { file, entry_start, entry_line }) else { return };
            lexer.skip_line(len);
        }
    }

    /// Reads the first line of `rest`, if it is plain; says how long it is.
    fn plain_line(&mut self, rest: &[u8], at: At) -> Option<usize> {
        let Plain { owner, ttl, rtype, address, len } = split(rest)?;
        let mut wire = Wire { octets: [0; NAME_MAX], len: 0 };
        if !wire.put_labels(owner)? {
            wire.put(self.context.origin.as_ref()?.as_wire())?;
        }
        let set_ttl = ttl.or(self.directive_ttl).or(self.last_ttl).or(self.default_ttl)?;
        let rdata = self.gathered.scratch();
        match rtype {
            RecordType::A => rdata.extend_from_slice(&read_ipv4(address)?),
            _ => rdata.extend_from_slice(&std::str::from_utf8(address).ok()?.parse::<Ipv6Addr>().ok()?.octets()),
        }
        // From here on it is a record: nothing may be left half done.
        self.last_ttl = ttl.or(self.last_ttl);
        let set = self.gathered.add(&wire.octets[..wire.len], rtype, set_ttl, at, &mut self.report);
        self.context.owner = Owner::Of(set);
        self.context.spelled.clear();
        self.context.spelled.extend_from_slice(owner);
        Some(len)
    }
}

/// Takes the first line apart, if it has the words of a plain one.
fn split(rest: &[u8]) -> Option<Plain<'_>> {
    let mut words = Words { rest, at: 0 };
    let owner = words.next()?;
    let (mut ttl, mut class, mut word) = (None, false, words.next()?);
    loop {
        match word {
            [first, ..] if ttl.is_none() && first.is_ascii_digit() => ttl = Some(read_ttl(word)?),
            [b'I' | b'i', b'N' | b'n'] if !class => class = true,
            _ => break,
        }
        word = words.next()?;
    }
    let rtype = match word {
        [b'A' | b'a'] => RecordType::A,
        _ if word.eq_ignore_ascii_case(b"AAAA") => RecordType::AAAA,
        _ => return None,
    };
    let address = words.next()?;
    Some(Plain { owner, ttl, rtype, address, len: words.end()? })
}

/// The words of a line that has none but plain octets and blanks.
struct Words<'s> {
    rest: &'s [u8],
    at: usize,
}

impl<'s> Words<'s> {
    /// The word that begins here, with the blanks behind it passed over; none if no word does.
    fn next(&mut self) -> Option<&'s [u8]> {
        let start = self.at;
        let mut end = start;
        while PLAIN[usize::from(*self.rest.get(end)?)] {
            end += 1;
        }
        self.at = end;
        while self.rest.get(self.at).is_some_and(|octet| is_blank(*octet)) {
            self.at += 1;
        }
        Some(&self.rest[start..end]).filter(|word| !word.is_empty())
    }

    /// Octets of the line with its end, which is here.
    fn end(&self) -> Option<usize> {
        match self.rest.get(self.at) {
            None => Some(self.at),
            Some(b'\n') => Some(self.at + 1),
            Some(_) => None,
        }
    }
}

fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r')
}

/// A name while it is put together.
struct Wire {
    octets: [u8; NAME_MAX],
    len: usize,
}

impl Wire {
    /// Appends the labels of a plain word; says whether the name is absolute.
    fn put_labels(&mut self, text: &[u8]) -> Option<bool> {
        let is_absolute = text.ends_with(b".");
        let text = text.strip_suffix(b".").unwrap_or(text);
        for label in text.split(|octet| *octet == b'.') {
            let len = u8::try_from(label.len()).ok().filter(|len| (1..=LABEL_MAX as u8).contains(len))?;
            self.put(&[len])?;
            self.put(label)?;
        }
        if is_absolute {
            self.put(&[0])?;
        }
        Some(is_absolute)
    }

    fn put(&mut self, octets: &[u8]) -> Option<()> {
        self.octets.get_mut(self.len..self.len + octets.len())?.copy_from_slice(octets);
        self.len += octets.len();
        Some(())
    }
}

/// Seconds in digits alone.
fn read_ttl(word: &[u8]) -> Option<Ttl> {
    if word.len() > 10 || !word.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Ttl::new(word.iter().fold(0, |secs, digit| secs * 10 + i64::from(digit - b'0'))).ok()
}

/// Four numbers up to 255, none with a zero before it.
fn read_ipv4(word: &[u8]) -> Option<[u8; 4]> {
    let mut octets = [0; 4];
    let (mut place, mut number, mut digits) = (0, 0, 0);
    for &octet in word {
        match octet {
            b'0'..=b'9' if digits == 0 || (number > 0 && digits < 3) => {
                number = number * 10 + u16::from(octet - b'0');
                digits += 1;
            }
            b'.' if digits > 0 && place < 3 => {
                octets[place] = u8::try_from(number).ok()?;
                (place, number, digits) = (place + 1, 0, 0);
            }
            _ => return None,
        }
    }
    octets[3] = u8::try_from(number).ok()?;
    (place == 3 && digits > 0).then_some(octets)
}

/// What plain words are made of: nothing that quotes, escapes, comments, groups, directs or stands for the origin.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut octet = 0;
    while octet < 256 {
        plain[octet] = (octet as u8).is_ascii_alphanumeric();
        octet += 1;
    }
    let mut others: &[u8] = b"-_*.:/";
    while let [first, rest @ ..] = others {
        plain[*first as usize] = true;
        others = rest;
    }
    plain
};
