//! One record of a master file: `[owner] [ttl] [class] type rdata`, TTL and class in either order.
//!
//! Source: RFC 1035 §5.1.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::report::At;
use super::{Owner, Reader};
use crate::problem::nearest;
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::rdata::words::{Entry, Word};
use crate::zone::rdata::{InvalidRdata, number, parse_words, quoted};
use crate::zone::record_set::Ttl;

/// What stands before a record's type, and the type.
pub(super) struct Head {
    ttl: Option<Ttl>,
    rtype: RecordType,
    /// How many words that was.
    pub len: usize,
}

impl Reader<'_> {
    /// Reads one record into the record sets, or reports what is wrong with it.
    pub(super) fn record(&mut self, at: At, entry: &Entry<'_>) {
        let outcome = self.parse_record(at, entry);
        if let Err(invalid) = outcome {
            self.report.invalid(at, invalid);
        }
    }

    pub(super) fn parse_record(&mut self, at: At, entry: &Entry<'_>) -> Result<(), InvalidRdata> {
        let words = match entry.indented {
            true => &entry.words[..],
            false => {
                self.set_owner(&entry.words[0])?;
                &entry.words[1..]
            }
        };
        let end = entry.words[entry.words.len() - 1].span().end;
        let head = parse_head(words, end)?;
        self.last_ttl = head.ttl.or(self.last_ttl);
        if let Owner::None = self.context.owner {
            return Err(InvalidRdata::new(whole(words), "the first record of a file begins with a blank, so it has no owner")
                .help("an owner name at the start of the line, or @ for the origin, is accepted"));
        }
        let Some(ttl) = head.ttl.or(self.directive_ttl).or(self.last_ttl).or(self.default_ttl) else {
            return Err(InvalidRdata::new(
                whole(words),
                format!("{}: the record has no TTL, and none was given before it", head.rtype),
            )
            .help("$TTL 3600 before the first record, or a TTL in the record itself, is accepted"));
        };
        let rdata = self.gathered.scratch();
        parse_rdata(head.rtype, &words[head.len..], end, self.context.origin.as_ref(), rdata)?;
        if let Owner::Of(set) = self.context.owner {
            self.context.owner = Owner::Known(self.gathered.owner(set).clone());
        }
        if let Owner::Known(name) = &self.context.owner {
            self.gathered.add(name.as_wire(), head.rtype, ttl, at, &mut self.report);
        }
        Ok(())
    }

    /// Makes the word's name the owner of this record and of those that follow without one.
    fn set_owner(&mut self, word: &Word<'_>) -> Result<(), InvalidRdata> {
        let spelled = &mut self.context.spelled;
        if matches!(self.context.owner, Owner::Known(_) | Owner::Of(_)) && !word.text.is_empty() && *spelled == word.text {
            return Ok(());
        }
        spelled.clear();
        self.context.owner = Owner::Invalid;
        self.context.owner = Owner::Known(parse_name(word, self.context.origin.as_ref())?);
        spelled.extend_from_slice(word.text);
        Ok(())
    }
}

/// Reads a word as a name; the error says what an origin would do.
pub(super) fn parse_name(word: &Word<'_>, origin: Option<&Name>) -> Result<Name, InvalidRdata> {
    Name::parse_octets(word.text, origin).map_err(|reason| {
        let help = match origin {
            Some(_) => "a name such as www, or www.example.org. with a final dot, is accepted",
            None => "$ORIGIN and an absolute name before it, or a name with a final dot, is accepted",
        };
        InvalidRdata::new(word.span(), format!("{}: {reason}", quoted(word.text))).help(help)
    })
}

/// Reads the TTL and the class, in either order and each if it is there, and the type.
pub(super) fn parse_head(words: &[Word<'_>], end: usize) -> Result<Head, InvalidRdata> {
    let (mut ttl, mut class) = (None, false);
    for (place, word) in words.iter().enumerate() {
        let text = word.text;
        if ttl.is_none() && text.first().is_some_and(u8::is_ascii_digit) {
            ttl = Some(parse_ttl(word)?);
        } else if !class && is_class(text) {
            class = true;
            check_class(word)?;
        } else {
            return Ok(Head { ttl, rtype: parse_type(word)?, len: place + 1 });
        }
    }
    Err(InvalidRdata::new(end..end, "the record's type is missing")
        .help("a record is written: owner, TTL, class, type, rdata; owner, TTL and class can be left out"))
}

/// Reads seconds, with units if wished, up to 2^31 - 1 (RFC 2181 §8).
pub(super) fn parse_ttl(word: &Word<'_>) -> Result<Ttl, InvalidRdata> {
    number::parse_period(word.text, Ttl::MAX.into()).and_then(|secs| Ttl::new(secs as i64).ok()).ok_or_else(|| {
        InvalidRdata::new(word.span(), format!("{} is not a TTL", quoted(word.text)))
            .help("seconds from 0 to 2147483647, or a duration such as 1h30m or 2w, are accepted")
    })
}

fn is_class(text: &[u8]) -> bool {
    let generic = || text.len() > 5 && text[..5].eq_ignore_ascii_case(b"CLASS") && text[5..].iter().all(u8::is_ascii_digit);
    text.len() == 2 && CLASSES.iter().any(|class| class.eq_ignore_ascii_case(text)) || generic()
}

fn check_class(word: &Word<'_>) -> Result<(), InvalidRdata> {
    let is_in =
        word.text.eq_ignore_ascii_case(b"IN") || number::parse_decimal(&word.text[word.text.len().min(5)..], 1) == Some(1);
    match is_in {
        true => Ok(()),
        false => Err(InvalidRdata::new(word.span(), format!("the class {} is not served", quoted(word.text)))
            .help("IN is accepted, or no class")),
    }
}

fn parse_type(word: &Word<'_>) -> Result<RecordType, InvalidRdata> {
    let text = std::str::from_utf8(word.text).unwrap_or_default();
    match text.parse::<RecordType>() {
        Ok(rtype) if rtype.is_data() => Ok(rtype),
        Ok(rtype) => {
            Err(InvalidRdata::new(word.span(), format!("{rtype} is a type of queries and messages; no zone can hold it")))
        }
        Err(_) => {
            Err(InvalidRdata::new(word.span(), format!("{} is not a record type", quoted(word.text))).help(type_help(text)))
        }
    }
}

fn type_help(found: &str) -> String {
    match nearest(&found.to_ascii_uppercase(), RecordType::mnemonics()).filter(|_| found.len() <= 12) {
        Some(known) => format!("did you mean {known}? {ANY_TYPE}"),
        None => ANY_TYPE.to_owned(),
    }
}

/// Reads the rdata; addresses, which most records are, without a detour.
fn parse_rdata(
    rtype: RecordType,
    words: &[Word<'_>],
    end: usize,
    origin: Option<&Name>,
    out: &mut Vec<u8>,
) -> Result<(), InvalidRdata> {
    if let [word] = words {
        let text = std::str::from_utf8(word.text);
        match (rtype, text) {
            (RecordType::A, Ok(text)) => {
                if let Ok(address) = text.parse::<Ipv4Addr>() {
                    out.extend_from_slice(&address.octets());
                    return Ok(());
                }
            }
            (RecordType::AAAA, Ok(text)) => {
                if let Ok(address) = text.parse::<Ipv6Addr>() {
                    out.extend_from_slice(&address.octets());
                    return Ok(());
                }
            }
            _ => {}
        }
    }
    parse_words(rtype, words, end, origin, out)
}

fn whole(words: &[Word<'_>]) -> Range<usize> {
    match words {
        [] => 0..0,
        [first, ..] => first.span().start..words[words.len() - 1].span().end,
    }
}

/// The classes that a master file can name (RFC 1035 §3.2.4), besides `CLASS` and a number.
const CLASSES: [&[u8]; 4] = [b"IN", b"CH", b"HS", b"CS"];

const ANY_TYPE: &str = "a mnemonic such as A or MX, or TYPE and a number with rdata in the form \\# length octets, is accepted";
