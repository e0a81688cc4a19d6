//! The parameters of SVCB and HTTPS (RFC 9460).
//!
//! Invariant: keys ascend and none comes twice (§2.2); a parameter that waypost knows has the form of its key; what
//! `mandatory` lists is there (§8). AliasMode with parameters is accepted: clients ignore them (§2.4.2).

use std::fmt::{self, Formatter, Write};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use domain::utils::base64;

use super::InvalidRdata;
use super::number::parse_decimal;
use super::shown::show_quoted;
use super::words::Word;

/// Appends the parameters that the words say, in the order of the wire.
pub(super) fn parse(words: &[Word<'_>], out: &mut Vec<u8>) -> Result<(), InvalidRdata> {
    let mut parameters = Vec::new();
    for group in words.chunk_by(|_, next| next.glued) {
        parameters.push(parse_parameter(group)?);
    }
    parameters.sort_by_key(|parameter| parameter.key);
    if let Some([_, twice]) = parameters.windows(2).find(|pair| pair[0].key == pair[1].key) {
        return Err(InvalidRdata::new(twice.span.clone(), format!("{} is given twice", KeyName(twice.key)))
            .help("each parameter is accepted once"));
    }
    let start = out.len();
    for parameter in &parameters {
        let len = u16::try_from(parameter.value.len())
            .map_err(|_| InvalidRdata::new(parameter.span.clone(), "a parameter is longer than 65,535 octets"))?;
        out.extend_from_slice(&parameter.key.to_be_bytes());
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(&parameter.value);
    }
    check(&out[start..]).map_err(|reason| InvalidRdata::new(span_of(words), reason))
}

struct Parameter {
    key: u16,
    value: Vec<u8>,
    span: Range<usize>,
}

/// One parameter: a word, and the quotation glued to it if there is one.
fn parse_parameter(words: &[Word<'_>]) -> Result<Parameter, InvalidRdata> {
    let (span, first) = (span_of(words), words[0].text);
    let equals = first.iter().position(|&octet| octet == b'=');
    let key_text = String::from_utf8_lossy(&first[..equals.unwrap_or(first.len())]);
    let key = parse_key(&key_text).ok_or_else(|| unknown_key(&key_text, span.clone()))?;
    let mut text = Vec::new();
    if let Some(equals) = equals {
        let at = words[0].at + equals + 1;
        text.extend_from_slice(&Word { text: &first[equals + 1..], at, ..words[0] }.decoded()?);
    }
    for word in &words[1..] {
        text.extend_from_slice(&word.decoded()?);
    }
    match (equals.is_some() || words.len() == 1).then(|| parse_value(key, &key_text, text)).flatten() {
        Some(value) => Ok(Parameter { key, value, span }),
        None => Err(InvalidRdata::new(span, format!("the value of {key_text} is not valid")).help(expected_value(key))),
    }
}

fn span_of(words: &[Word<'_>]) -> Range<usize> {
    match words {
        [] => 0..0,
        [first, ..] => first.span().start..words[words.len() - 1].span().end,
    }
}

fn unknown_key(found: &str, span: Range<usize>) -> InvalidRdata {
    let help = match crate::problem::nearest(found, KEYS.iter().copied()) {
        Some(known) => format!("did you mean {known}?"),
        None => format!("{} or key and a number to 65534 are accepted, in lower case", KEYS.join(", ")),
    };
    InvalidRdata::new(span, format!("{found:?} is not a service parameter")).help(help)
}

fn parse_key(text: &str) -> Option<u16> {
    if let Some(known) = KEYS.iter().position(|known| *known == text) {
        return Some(known as u16);
    }
    let digits = text.strip_prefix("key").filter(|digits| *digits == "0" || !digits.starts_with('0'))?;
    parse_decimal(digits.as_bytes(), 65_534).map(|key| key as u16)
}

/// The octets of a value; under `keyN` they are given as they are (§2.1).
fn parse_value(key: u16, key_text: &str, text: Vec<u8>) -> Option<Vec<u8>> {
    if KEYS.get(key as usize) != Some(&key_text) {
        return Some(text);
    }
    let mut value = Vec::new();
    match key {
        MANDATORY => {
            let mut keys =
                split_list(&text)?.iter().map(|item| parse_key(std::str::from_utf8(item).ok()?)).collect::<Option<Vec<u16>>>()?;
            keys.sort_unstable();
            value.extend(keys.iter().flat_map(|key| key.to_be_bytes()));
        }
        ALPN => {
            for item in split_list(&text)? {
                value.push(u8::try_from(item.len()).ok()?);
                value.extend_from_slice(&item);
            }
        }
        PORT => value.extend_from_slice(&(parse_decimal(&text, u16::MAX.into())? as u16).to_be_bytes()),
        IPV4HINT => {
            for item in std::str::from_utf8(&text).ok()?.split(',') {
                value.extend_from_slice(&item.parse::<Ipv4Addr>().ok()?.octets());
            }
        }
        ECH => value = base64::decode(std::str::from_utf8(&text).ok()?).ok()?,
        IPV6HINT => {
            for item in std::str::from_utf8(&text).ok()?.split(',') {
                value.extend_from_slice(&item.parse::<Ipv6Addr>().ok()?.octets());
            }
        }
        _ => value = text,
    }
    Some(value)
}

/// The items of a comma-separated list, in which `\,` and `\\` stand for themselves (appendix A.1); none is empty.
fn split_list(text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut items = vec![Vec::new()];
    let mut octets = text.iter();
    while let Some(&octet) = octets.next() {
        let item = items.last_mut()?;
        match octet {
            b',' => items.push(Vec::new()),
            b'\\' => item.push(*octets.next().filter(|octet| matches!(octet, b',' | b'\\'))?),
            _ => item.push(octet),
        }
    }
    items.iter().all(|item| !item.is_empty()).then_some(items)
}

/// Checks the wire form of all parameters.
pub(super) fn check(octets: &[u8]) -> Result<(), String> {
    let mut keys = Vec::new();
    let mut rest = octets;
    while !rest.is_empty() {
        let (key, value, tail) = split_parameter(rest).ok_or("a parameter is cut short")?;
        if keys.last().is_some_and(|last| *last >= key) || key == INVALID_KEY {
            return Err(format!("{} is not allowed here; keys ascend and come once, and 65535 is reserved", KeyName(key)));
        }
        if !is_valid_value(key, value) {
            return Err(format!("the value of {} is not valid: {}", KeyName(key), expected_value(key)));
        }
        keys.push(key);
        rest = tail;
    }
    check_together(octets, &keys)
}

/// The rules between parameters: what `mandatory` lists is there (§8), `no-default-alpn` needs `alpn` (§7.1.1).
fn check_together(octets: &[u8], keys: &[u16]) -> Result<(), String> {
    if let Some((MANDATORY, listed, _)) = split_parameter(octets) {
        let missing = listed.as_chunks::<2>().0.iter().map(|key| u16::from_be_bytes(*key)).find(|key| !keys.contains(key));
        if let Some(key) = missing {
            return Err(format!("mandatory lists {}, which is not given", KeyName(key)));
        }
    }
    match keys.contains(&NO_DEFAULT_ALPN) && !keys.contains(&ALPN) {
        true => Err("no-default-alpn is given without alpn".to_owned()),
        false => Ok(()),
    }
}

fn is_valid_value(key: u16, value: &[u8]) -> bool {
    match key {
        MANDATORY => {
            let (keys, odd) = value.as_chunks::<2>();
            odd.is_empty() && !keys.is_empty() && keys.is_sorted_by(|a, b| a < b) && keys[0] != [0, 0]
        }
        ALPN => !value.is_empty() && alpn_ids(value).is_some(),
        NO_DEFAULT_ALPN | OHTTP => value.is_empty(),
        PORT => value.len() == 2,
        IPV4HINT => !value.is_empty() && value.len().is_multiple_of(4),
        IPV6HINT => !value.is_empty() && value.len().is_multiple_of(16),
        ECH => !value.is_empty(),
        DOHPATH => !value.is_empty() && std::str::from_utf8(value).is_ok(),
        _ => true,
    }
}

fn alpn_ids(mut value: &[u8]) -> Option<Vec<&[u8]>> {
    let mut ids = Vec::new();
    while let Some((&len, rest)) = value.split_first() {
        let (id, rest) = rest.split_at_checked(len.into()).filter(|(id, _)| !id.is_empty())?;
        ids.push(id);
        value = rest;
    }
    Some(ids)
}

fn split_parameter(octets: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (head, rest) = octets.split_first_chunk::<4>()?;
    let (value, rest) = rest.split_at_checked(u16::from_be_bytes([head[2], head[3]]).into())?;
    Some((u16::from_be_bytes([head[0], head[1]]), value, rest))
}

fn expected_value(key: u16) -> &'static str {
    match key {
        MANDATORY => "keys with commas between them, each once and not mandatory itself",
        ALPN => "protocol names of 1 to 255 octets with commas between them, such as h2,h3",
        NO_DEFAULT_ALPN | OHTTP => "no value",
        PORT => "a number from 0 to 65535",
        IPV4HINT => "IPv4 addresses with commas between them",
        IPV6HINT => "IPv6 addresses with commas between them",
        ECH => "base64",
        DOHPATH => "a URI template in UTF-8",
        _ => "octets, given behind an equals sign",
    }
}

/// Prints all parameters, valid as [`check`] has them.
pub(super) fn show(f: &mut Formatter<'_>, mut octets: &[u8]) -> fmt::Result {
    let mut separator = "";
    while let Some((key, value, rest)) = split_parameter(octets) {
        write!(f, "{separator}{}", KeyName(key))?;
        if !value.is_empty() {
            f.write_char('=')?;
            show_value(f, key, value)?;
        }
        separator = " ";
        octets = rest;
    }
    Ok(())
}

fn show_value(f: &mut Formatter<'_>, key: u16, value: &[u8]) -> fmt::Result {
    match key {
        MANDATORY => show_list(f, value.as_chunks::<2>().0.iter().map(|key| KeyName(u16::from_be_bytes(*key)))),
        ALPN => show_quoted(f, &join_list(&alpn_ids(value).ok_or(fmt::Error)?)),
        PORT => write!(f, "{}", u16::from_be_bytes([value[0], value[1]])),
        IPV4HINT => show_list(f, value.as_chunks::<4>().0.iter().map(|octets| Ipv4Addr::from(*octets))),
        IPV6HINT => show_list(f, value.as_chunks::<16>().0.iter().map(|octets| Ipv6Addr::from(*octets))),
        ECH => base64::display(value, f),
        _ => show_quoted(f, value),
    }
}

fn show_list(f: &mut Formatter<'_>, items: impl Iterator<Item = impl fmt::Display>) -> fmt::Result {
    for (place, item) in items.enumerate() {
        write!(f, "{}{item}", if place == 0 { "" } else { "," })?;
    }
    Ok(())
}

fn join_list(items: &[&[u8]]) -> Vec<u8> {
    let mut joined = Vec::new();
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            joined.push(b',');
        }
        for &octet in *item {
            if matches!(octet, b',' | b'\\') {
                joined.push(b'\\');
            }
            joined.push(octet);
        }
    }
    joined
}

/// A key as text: its name, or `key` and its number.
struct KeyName(u16);

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match KEYS.get(self.0 as usize) {
            Some(name) => f.write_str(name),
            None => write!(f, "key{}", self.0),
        }
    }
}

/// The keys by number (IANA "Service Parameter Keys"): RFC 9460, RFC 9461 (dohpath), RFC 9540 (ohttp).
const KEYS: [&str; 9] = ["mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint", "dohpath", "ohttp"];
const MANDATORY: u16 = 0;
const ALPN: u16 = 1;
const NO_DEFAULT_ALPN: u16 = 2;
const PORT: u16 = 3;
const IPV4HINT: u16 = 4;
const ECH: u16 = 5;
const IPV6HINT: u16 = 6;
const DOHPATH: u16 = 7;
const OHTTP: u16 = 8;
/// Reserved, "Invalid key" (§14.3.2).
const INVALID_KEY: u16 = 65_535;
