//! Rdata from text: the words of a record to the octets of its fields.
//!
//! Every error points at the word that does not fit and says what its field takes.
//! Sources: RFC 1035 §5.1, RFC 3597 §5, and the RFC each row of `grammar` names.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use domain::base::iana::SecurityAlgorithm;
use domain::utils::{base32, base64};

use super::grammar::{Field, Kind, fields, usage};
use super::number::{parse_decimal, parse_hex, parse_period, parse_time};
use super::words::Word;
use super::{InvalidRdata, apl, loc, svcb, wire};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;

/// Appends the rdata that `words` say to `out`; `end` is where in the source a missing word would stand.
/// After an error `out` may hold a part of it.
pub(in crate::zone) fn parse_words(
    rtype: RecordType,
    words: &[Word<'_>],
    end: usize,
    origin: Option<&Name>,
    out: &mut Vec<u8>,
) -> Result<(), InvalidRdata> {
    let start = out.len();
    let span = whole(words, end);
    if words.first().is_some_and(|word| word.is("\\#")) {
        parse_generic(&words[1..], end, out).map_err(|invalid| in_context(invalid, rtype, None))?;
        return wire::check(rtype, &out[start..]).map_err(|reason| InvalidRdata::new(span, reason).help(usage(rtype)));
    }
    let Some(fields) = fields(rtype).filter(|_| rtype.is_data()) else {
        return Err(InvalidRdata::new(span, format!("{rtype} has no form of its own here")).help(usage(rtype)));
    };
    let mut reader = Reader { words, at: 0, end, origin };
    for field in fields {
        reader.field(field, out).map_err(|invalid| in_context(invalid, rtype, Some(field)))?;
    }
    if let Some(more) = words.get(reader.at) {
        let message = format!("{rtype}: {} is more than the record takes", quoted(more.text));
        return Err(InvalidRdata::new(more.span(), message).help(usage(rtype)));
    }
    wire::check(rtype, &out[start..]).map_err(|reason| InvalidRdata::new(span, reason))
}

/// Says which type and field the error is about, and how the type is written where the error does not say better.
fn in_context(mut invalid: InvalidRdata, rtype: RecordType, field: Option<&Field>) -> InvalidRdata {
    invalid.message = match field {
        Some(field) => format!("{rtype} {}: {}", field.name, invalid.message),
        None => format!("{rtype}: {}", invalid.message),
    };
    invalid.help = invalid.help.or_else(|| Some(usage(rtype)));
    invalid
}

/// `length octets`, behind `\#` (RFC 3597 §5).
fn parse_generic(words: &[Word<'_>], end: usize, out: &mut Vec<u8>) -> Result<(), InvalidRdata> {
    let (length, digits) = words.split_first().ok_or_else(|| InvalidRdata::new(end..end, "the length behind \\# is missing"))?;
    let expected = parse_decimal(length.text, wire::RDATA_MAX as u64)
        .ok_or_else(|| InvalidRdata::new(length.span(), format!("{} is not a length from 0 to 65535", quoted(length.text))))?;
    let joined: Vec<u8> = digits.iter().flat_map(|word| word.text).copied().collect();
    let start = out.len();
    parse_hex(&joined, out)
        .ok_or_else(|| InvalidRdata::new(whole(digits, end), "the octets are not pairs of hexadecimal digits"))?;
    match out.len() - start {
        found if found as u64 == expected => Ok(()),
        found => Err(InvalidRdata::new(length.span(), format!("the length says {expected} octets, and {found} follow"))),
    }
}

/// A cursor over the words of one record.
struct Reader<'w, 's> {
    words: &'w [Word<'s>],
    at: usize,
    end: usize,
    origin: Option<&'w Name>,
}

impl<'w, 's> Reader<'w, 's> {
    fn field(&mut self, field: &Field, out: &mut Vec<u8>) -> Result<(), InvalidRdata> {
        match field.kind {
            Kind::U8 => out.push(self.decimal(u8::MAX.into())? as u8),
            Kind::U16 => out.extend_from_slice(&(self.decimal(u16::MAX.into())? as u16).to_be_bytes()),
            Kind::U32 => out.extend_from_slice(&(self.decimal(u32::MAX.into())? as u32).to_be_bytes()),
            Kind::Period => {
                out.extend_from_slice(&self.value(PERIOD, |text| parse_period(text, u32::MAX.into()))?.to_be_bytes()[4..])
            }
            Kind::Name => self.name(out)?,
            Kind::Ipv4 => out.extend_from_slice(&self.value(IPV4, parse_ipv4)?.octets()),
            Kind::Ipv6 => out.extend_from_slice(&self.value(IPV6, parse_ipv6)?.octets()),
            Kind::Text => self.text(out)?,
            Kind::Texts => self.texts(out)?,
            Kind::Rest(min) => self.rest(min, out)?,
            Kind::Tag => self.tag(out)?,
            Kind::Hex => self.joined(out, "hexadecimal digits, two an octet", parse_hex)?,
            Kind::Base64 => self.joined(out, "base64", parse_base64)?,
            Kind::Salt => self.salt(out)?,
            Kind::Hash => self.hash(out)?,
            Kind::Type => out.extend_from_slice(&self.value(TYPE, parse_type)?.0.to_be_bytes()),
            Kind::Types => self.record_types(out)?,
            Kind::Time => {
                out.extend_from_slice(&self.value("YYYYMMDDHHmmSS in UTC, or seconds since 1970", parse_time)?.to_be_bytes())
            }
            Kind::Algorithm => out.push(self.value("an algorithm's mnemonic, or a number from 0 to 255", parse_algorithm)?),
            Kind::CertificateType => out.extend_from_slice(&self.value(CERTIFICATE_TYPE, parse_certificate_type)?.to_be_bytes()),
            Kind::Eui(len) => {
                out.extend(self.value("pairs of hexadecimal digits with hyphens between them", |text| parse_eui(text, len))?)
            }
            Kind::Location => self.location(out)?,
            Kind::Prefixes => self.prefixes(out)?,
            Kind::SvcParams => svcb::parse(self.take_all(), out)?,
        }
        Ok(())
    }

    fn next(&mut self) -> Result<&'w Word<'s>, InvalidRdata> {
        let word = self.words.get(self.at).ok_or_else(|| InvalidRdata::new(self.end..self.end, "it is missing"))?;
        self.at += 1;
        Ok(word)
    }

    fn take_all(&mut self) -> &'w [Word<'s>] {
        let words = &self.words[self.at..];
        self.at = self.words.len();
        words
    }

    /// The next word as `parse` reads it.
    fn value<T>(&mut self, accepted: &str, parse: impl FnOnce(&[u8]) -> Option<T>) -> Result<T, InvalidRdata> {
        let word = self.next()?;
        parse(&word.decoded()?).ok_or_else(|| unfit(word, accepted))
    }

    fn decimal(&mut self, max: u64) -> Result<u64, InvalidRdata> {
        let word = self.next()?;
        parse_decimal(word.text, max).ok_or_else(|| unfit(word, &format!("a number from 0 to {max}")))
    }

    fn name(&mut self, out: &mut Vec<u8>) -> Result<(), InvalidRdata> {
        let word = self.next()?;
        let name = Name::parse_octets(word.text, self.origin).map_err(|reason| {
            InvalidRdata::new(word.span(), format!("{}: {reason}", quoted(word.text)))
                .help("a name such as www.example.org. is accepted")
        })?;
        out.extend_from_slice(name.as_wire());
        Ok(())
    }

    fn text(&mut self, out: &mut Vec<u8>) -> Result<(), InvalidRdata> {
        let word = self.next()?;
        let octets = word.decoded()?;
        let len = u8::try_from(octets.len()).map_err(|_| {
            InvalidRdata::new(word.span(), format!("a character string has {} octets; it can hold 255", octets.len())).help(
                "a longer text is split into several strings, \"like \" \"this\", which readers join; each of them is quoted by itself",
            )
        })?;
        out.push(len);
        out.extend_from_slice(&octets);
        Ok(())
    }

    fn texts(&mut self, out: &mut Vec<u8>) -> Result<(), InvalidRdata> {
        self.text(out)?;
        while self.at < self.words.len() {
            self.text(out)?;
        }
        Ok(())
    }

    fn rest(&mut self, min: usize, out: &mut Vec<u8>) -> Result<(), InvalidRdata> {
        let word = self.next()?;
        let octets = word.decoded()?;
        if octets.len() < min {
            return Err(InvalidRdata::new(word.span(), "it is empty"));
        }
        out.extend_from_slice(&octets);
        Ok(())
    }

    fn tag(&mut self, out: &mut Vec<u8>) -> Result<(), InvalidRdata> {
        let word = self.next()?;
        let octets = word.decoded()?;
        if !(1..=255).contains(&octets.len()) || !octets.iter().all(u8::is_ascii_alphanumeric) {
            return Err(unfit(word, "letters and digits, such as issue, issuewild or iodef"));
        }
        out.push(octets.len() as u8);
        out.extend_from_slice(&octets);
        Ok(())
    }

    /// All words that are left, put together; blanks may stand between the digits.
    fn joined(
        &mut self,
        out: &mut Vec<u8>,
        accepted: &str,
        parse: impl FnOnce(&[u8], &mut Vec<u8>) -> Option<()>,
    ) -> Result<(), InvalidRdata> {
        let first = self.next()?;
        let rest = self.take_all();
        let span = first.span().start..rest.last().unwrap_or(first).span().end;
        let joined: Vec<u8> = std::iter::once(first).chain(rest).flat_map(|word| word.text).copied().collect();
        let start = out.len();
        match parse(&joined, out) {
            Some(()) if out.len() > start => Ok(()),
            _ => Err(InvalidRdata::new(span, format!("{} is not {accepted}", quoted(&joined)))),
        }
    }

    fn salt(&mut self, out: &mut Vec<u8>) -> Result<(), InvalidRdata> {
        let salt = self.value("up to 255 octets in hexadecimal, or - for none", |text| {
            let mut salt = Vec::new();
            parse_hex(if text == b"-" { b"" } else { text }, &mut salt).filter(|()| salt.len() <= 255 && !text.is_empty())?;
            Some(salt)
        })?;
        out.push(salt.len() as u8);
        out.extend(salt);
        Ok(())
    }

    fn hash(&mut self, out: &mut Vec<u8>) -> Result<(), InvalidRdata> {
        let hash = self.value("1 to 255 octets in base32hex", |text| {
            let hash: Vec<u8> = base32::decode_hex(std::str::from_utf8(text).ok()?).ok()?;
            (1..=255).contains(&hash.len()).then_some(hash)
        })?;
        out.push(hash.len() as u8);
        out.extend(hash);
        Ok(())
    }

    fn record_types(&mut self, out: &mut Vec<u8>) -> Result<(), InvalidRdata> {
        let mut types = Vec::new();
        while self.at < self.words.len() {
            types.push(self.value(TYPE, parse_type)?.0);
        }
        types.sort_unstable();
        for window in types.chunk_by(|a, b| a >> 8 == b >> 8) {
            let mut bits = [0u8; 32];
            window.iter().for_each(|code| bits[(code & 255) as usize / 8] |= 0x80 >> (code % 8));
            let len = (window[window.len() - 1] & 255) / 8 + 1;
            out.extend_from_slice(&[(window[0] >> 8) as u8, len as u8]);
            out.extend_from_slice(&bits[..len.into()]);
        }
        Ok(())
    }

    fn location(&mut self, out: &mut Vec<u8>) -> Result<(), InvalidRdata> {
        let words = self.take_all();
        let texts: Vec<&[u8]> = words.iter().map(|word| word.text).collect();
        loc::parse(&texts, out).map_err(|(at, accepted)| match words.get(at) {
            Some(word) => unfit(word, accepted),
            None => InvalidRdata::new(self.end..self.end, "it ends too early").help(format!("{accepted} is accepted")),
        })
    }

    fn prefixes(&mut self, out: &mut Vec<u8>) -> Result<(), InvalidRdata> {
        for word in self.take_all() {
            apl::parse(&word.decoded()?, out)
                .ok_or_else(|| unfit(word, "1:192.0.2.0/24 or 2:2001:db8::/32, behind ! if it is excluded,"))?;
        }
        Ok(())
    }
}

fn unfit(word: &Word<'_>, accepted: &str) -> InvalidRdata {
    InvalidRdata::new(word.span(), format!("{} does not fit", quoted(word.text))).help(format!("{accepted} is accepted"))
}

fn whole(words: &[Word<'_>], end: usize) -> Range<usize> {
    match words {
        [] => end..end,
        [first, ..] => first.span().start..words[words.len() - 1].span().end,
    }
}

/// What was found, between quotation marks and not too long for a message.
pub(in crate::zone) fn quoted(text: &[u8]) -> String {
    const SHOWN: usize = 40;
    let shown = String::from_utf8_lossy(&text[..text.len().min(SHOWN)]).into_owned();
    format!("{:?}", if text.len() > SHOWN { shown + "…" } else { shown })
}

fn parse_ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn parse_ipv6(text: &[u8]) -> Option<Ipv6Addr> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn parse_type(text: &[u8]) -> Option<RecordType> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn parse_base64(digits: &[u8], out: &mut Vec<u8>) -> Option<()> {
    out.extend(base64::decode::<Vec<u8>>(std::str::from_utf8(digits).ok()?).ok()?);
    Some(())
}

fn parse_algorithm(text: &[u8]) -> Option<u8> {
    let number = parse_decimal(text, u8::MAX.into()).map(|number| number as u8);
    number.or_else(|| SecurityAlgorithm::from_mnemonic(&text.to_ascii_uppercase()).map(|algorithm| algorithm.to_int()))
}

fn parse_certificate_type(text: &[u8]) -> Option<u16> {
    let number = parse_decimal(text, u16::MAX.into()).map(|number| number as u16);
    let known = || CERTIFICATE_TYPES.iter().find(|(_, mnemonic)| mnemonic.as_bytes().eq_ignore_ascii_case(text));
    number.or_else(|| known().map(|(number, _)| *number))
}

fn parse_eui(text: &[u8], len: usize) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(len);
    for pair in text.split(|&octet| octet == b'-') {
        parse_hex(pair, &mut octets).filter(|()| pair.len() == 2)?;
    }
    (octets.len() == len).then_some(octets)
}

const PERIOD: &str = "seconds, or a duration such as 1h30m or 2w,";
const IPV4: &str = "an IPv4 address such as 192.0.2.1";
const IPV6: &str = "an IPv6 address such as 2001:db8::1";
const TYPE: &str = "a record type's mnemonic, or TYPE and a number,";
const CERTIFICATE_TYPE: &str = "PKIX, SPKI, PGP, IPKIX, ISPKI, IPGP, ACPKIX, IACPKIX, URI, OID or a number from 0 to 65535";
/// RFC 4398 §2.1.
const CERTIFICATE_TYPES: [(u16, &str); 10] = [
    (1, "PKIX"),
    (2, "SPKI"),
    (3, "PGP"),
    (4, "IPKIX"),
    (5, "ISPKI"),
    (6, "IPGP"),
    (7, "ACPKIX"),
    (8, "IACPKIX"),
    (253, "URI"),
    (254, "OID"),
];
