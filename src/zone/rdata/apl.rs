//! APL: address prefixes, each included or excluded (RFC 3123).
//!
//! Invariant: the octets of an address end with one that is not zero (§4).

use std::fmt::{self, Formatter};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::number::parse_decimal;

/// Appends one item, `[!]afi:address/prefix`.
pub(super) fn parse(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (negation, text) = match text.strip_prefix(b"!") {
        Some(text) => (0x80, text),
        None => (0, text),
    };
    let (family, rest) = std::str::from_utf8(text).ok()?.split_once(':')?;
    let (address, prefix) = rest.split_once('/')?;
    let (octets, bits): (Vec<u8>, u64) = match family {
        "1" => (address.parse::<Ipv4Addr>().ok()?.octets().into(), 32),
        "2" => (address.parse::<Ipv6Addr>().ok()?.octets().into(), 128),
        _ => return None,
    };
    let prefix = parse_decimal(prefix.as_bytes(), bits)? as u8;
    let len = octets.iter().rposition(|&octet| octet != 0).map_or(0, |last| last + 1);
    out.extend_from_slice(&[0, family.as_bytes()[0] - b'0', prefix, negation | len as u8]);
    out.extend_from_slice(&octets[..len]);
    Some(())
}

pub(super) fn check(mut rest: &[u8]) -> Result<(), String> {
    while !rest.is_empty() {
        let (.., tail) = split_item(rest).ok_or("an item is no IPv4 or IPv6 prefix")?;
        rest = tail;
    }
    Ok(())
}

pub(super) fn show(f: &mut Formatter<'_>, mut rest: &[u8]) -> fmt::Result {
    let mut separator = "";
    while !rest.is_empty() {
        let (negated, address, prefix, tail) = split_item(rest).ok_or(fmt::Error)?;
        let family = if address.is_ipv4() { 1 } else { 2 };
        write!(f, "{separator}{}{family}:{address}/{prefix}", if negated { "!" } else { "" })?;
        separator = " ";
        rest = tail;
    }
    Ok(())
}

/// The first item: whether it is negated, its address and prefix length, and the octets behind it.
fn split_item(octets: &[u8]) -> Option<(bool, IpAddr, u8, &[u8])> {
    let [0, family, prefix, flags, rest @ ..] = octets else { return None };
    let (part, tail) = rest.split_at_checked((flags & 0x7f).into())?;
    if part.last() == Some(&0) {
        return None;
    }
    let address = match family {
        1 if *prefix <= 32 => IpAddr::from(padded::<4>(part)?),
        2 if *prefix <= 128 => IpAddr::from(padded::<16>(part)?),
        _ => return None,
    };
    Some((flags & 0x80 != 0, address, *prefix, tail))
}

fn padded<const LEN: usize>(part: &[u8]) -> Option<[u8; LEN]> {
    let mut octets = [0; LEN];
    octets.get_mut(..part.len())?.copy_from_slice(part);
    Some(octets)
}
