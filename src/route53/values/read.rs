//! Values from text: the words of a value to the octets of its fields.
//!
//! Tokens and reasons that Route 53's clients have logged: `ARRDATAIllegalIPv4Address`, `ARRDATANotSingleField`,
//! `AAAARRDATAIllegalIPv6Address`, `MXRRDATANotTwoFields`, `InvalidCharacterString`, `CharacterStringTooLong`,
//! `TXTRDATATooLong`, `UnsupportedCharacter`, `DomainLabelEmpty`, `DomainLabelTooLong`. All others are made after their
//! pattern and unverified. Source: Route 53 developer guide, "Supported DNS record types".

use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::fatal::Fatal;
use super::super::name::parse_name_as_written;
use super::VALUE_MAX;
use super::forms::{Field, Kind, fields};
use super::texts::{parse_quoted, parse_text, split_words};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::rdata;

pub(super) fn parse(rtype: RecordType, value: &str) -> Result<Vec<u8>, Fatal> {
    if let Some(character) = value.chars().find(|character| !matches!(character, ' '..='~')) {
        return Err(Fatal::unsupported(character));
    }
    if value.len() > VALUE_MAX {
        return Err(Fatal::new(format!("{rtype}RDATATooLong"), "Value is too long", value));
    }
    let Some(fields) = fields(rtype) else {
        return Err(Fatal::new("UnsupportedType", "Value is of a type that can't be read", value));
    };
    let mut rdata = Vec::new();
    for (field, words) in fields.iter().zip(assign(rtype, fields, value)?) {
        parse_field(rtype, field, &words, &mut rdata)?;
    }
    rdata::check(rtype, &rdata).map_err(|invalid| Fatal::new(format!("{rtype}RRDATAIllegalValue"), invalid.message, value))?;
    Ok(rdata)
}

/// The words of each field: one, but for a last field that takes all that are left.
fn assign<'v>(rtype: RecordType, fields: &[Field], value: &'v str) -> Result<Vec<Vec<&'v str>>, Fatal> {
    if let [Field { kind: Kind::Ipv4 | Kind::Ipv6 | Kind::Host, .. }] = fields {
        return match value.contains(' ') {
            true => Err(Fatal::new(format!("{rtype}RRDATANotSingleField"), "Value contains spaces", value)),
            false => Ok(vec![vec![value]]),
        };
    }
    let words = split_words(value);
    let last = fields[fields.len() - 1].kind;
    let fits = match last {
        // A text without any word is one without quotation marks.
        Kind::Texts if words.is_empty() => return Ok(vec![vec![value]]),
        Kind::Texts | Kind::Hex => words.len() >= fields.len(),
        Kind::SvcParams => words.len() + 1 >= fields.len(),
        _ => words.len() == fields.len(),
    };
    if !fits {
        return Err(wrong_count(rtype, fields.len() - usize::from(last == Kind::SvcParams), value));
    }
    let (heads, rest) = words.split_at(fields.len() - 1);
    Ok(heads.iter().map(|word| vec![*word]).chain([rest.to_vec()]).collect())
}

fn wrong_count(rtype: RecordType, count: usize, value: &str) -> Fatal {
    let number = ["Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven"][count];
    Fatal::new(format!("{rtype}RRDATANot{number}Fields"), format!("{rtype} record doesn't have {count} fields"), value)
}

fn parse_field(rtype: RecordType, field: &Field, words: &[&str], out: &mut Vec<u8>) -> Result<(), Fatal> {
    let word = words.first().copied().unwrap_or_default();
    let illegal = |reason: String| Fatal::new(format!("{rtype}RRDATAIllegal{}", field.name), reason, words.join(" "));
    match field.kind {
        Kind::Ipv4 => {
            let address: Ipv4Addr = word.parse().map_err(|_| illegal("Value is not a valid IPv4 address".to_owned()))?;
            out.extend_from_slice(&address.octets());
        }
        Kind::Ipv6 => {
            let address: Ipv6Addr = word.parse().map_err(|_| illegal("Value is not a valid IPv6 address".to_owned()))?;
            out.extend_from_slice(&address.octets());
        }
        Kind::Number(octets) => {
            let max = u32::MAX >> (32 - 8 * octets);
            let number = parse_number(word).filter(|number| *number <= max);
            let number = number.ok_or_else(|| illegal(format!("Value is not a number from 0 to {max}")))?;
            out.extend_from_slice(&number.to_be_bytes()[4 - octets..]);
        }
        Kind::Host => out.extend_from_slice(parse_name_as_written(word)?.as_wire()),
        Kind::Text => parse_text(word, out)?,
        Kind::Texts => words.iter().try_for_each(|word| parse_text(word, out))?,
        Kind::Rest => out.extend_from_slice(&parse_quoted(word)?),
        Kind::Tag => {
            let len = u8::try_from(word.len()).ok().filter(|_| word.bytes().all(|octet| octet.is_ascii_alphanumeric()));
            out.push(len.ok_or_else(|| illegal("Value is not a word of letters and digits".to_owned()))?);
            out.extend_from_slice(word.as_bytes());
        }
        Kind::Hex => {
            let digits = words.concat();
            let octets =
                parse_hex(&digits).ok_or_else(|| illegal("Value is not in hexadecimal, two digits an octet".to_owned()))?;
            out.extend_from_slice(&octets);
        }
        Kind::SvcParams => out.extend_from_slice(&parse_parameters(rtype, words).map_err(illegal)?),
    }
    Ok(())
}

fn parse_number(word: &str) -> Option<u32> {
    // `u32::from_str` takes a sign.
    word.bytes().all(|octet| octet.is_ascii_digit()).then(|| word.parse().ok()).flatten()
}

fn parse_hex(digits: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    let pairs = digits.as_bytes().chunks(2).map(|pair| match *pair {
        [high, low] => Some(value(high)? << 4 | value(low)?),
        _ => None,
    });
    pairs.collect()
}

/// Parameters are written as in master files (RFC 9460 §2.1): they are read behind the shortest record that has some.
fn parse_parameters(rtype: RecordType, words: &[&str]) -> Result<Vec<u8>, String> {
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let text = format!("1 . {}", words.join(" "));
    let read = rdata::parse(rtype, &text, Some(&Name::root())).map_err(|invalid| invalid.to_string())?;
    Ok(read[PRIORITY_AND_ROOT_LEN..].to_vec())
}

/// Two octets of priority, and the root.
const PRIORITY_AND_ROOT_LEN: usize = 3;
