//! Rdata in wire form, field by field: where each ends, and whether it is valid.
//!
//! Knows no text. Invariant: the fields that [`split`] gives, put together, are all of the rdata.
//! Source: the RFC that `grammar` names for the type; digests as long as their algorithm makes them.

use super::grammar::{Field, Kind, fields};
use super::{apl, loc, svcb};
use crate::wire::name::wire_len;
use crate::wire::rtype::RecordType;

/// The most octets of rdata: what its two-octet length can say (RFC 1035 §3.2.1).
pub(super) const RDATA_MAX: usize = 65_535;

/// Checks octets against the form of their type; the error is a sentence.
pub(super) fn check(rtype: RecordType, rdata: &[u8]) -> Result<(), String> {
    if !rtype.is_data() {
        return Err(format!("{rtype} is a type of queries and messages; no zone can hold it"));
    }
    if rdata.len() > RDATA_MAX {
        return Err(format!("{rtype}: the rdata has {} octets; at most {RDATA_MAX} are accepted", rdata.len()));
    }
    let Some(fields) = fields(rtype) else { return Ok(()) };
    split(fields, rdata, |_, _| Ok(())).map_err(|reason| format!("{rtype} {reason}"))?;
    check_digest(rtype, rdata).map_err(|reason| format!("{rtype} {reason}"))
}

/// Hands each field with its octets to `each`, in order.
pub(super) fn split<'r>(
    fields: &'static [Field],
    rdata: &'r [u8],
    mut each: impl FnMut(&'static Field, &'r [u8]) -> Result<(), String>,
) -> Result<(), String> {
    let mut rest = rdata;
    for field in fields {
        let len = field_len(field.kind, rest).map_err(|reason| format!("{}: {reason}", field.name))?;
        let (octets, tail) = rest.split_at(len);
        each(field, octets)?;
        rest = tail;
    }
    match rest.len() {
        0 => Ok(()),
        more => Err(format!("has {more} octets behind its last field")),
    }
}

/// How many octets the field at the start of `rest` takes; at most all.
fn field_len(kind: Kind, rest: &[u8]) -> Result<usize, String> {
    match kind {
        Kind::U8 | Kind::Algorithm => fixed(1, rest),
        Kind::U16 | Kind::Type | Kind::CertificateType => fixed(2, rest),
        Kind::U32 | Kind::Period | Kind::Time | Kind::Ipv4 => fixed(4, rest),
        Kind::Ipv6 => fixed(16, rest),
        Kind::Eui(len) => fixed(len, rest),
        Kind::Name => wire_len(rest).ok_or_else(|| "the octets are not an uncompressed name".to_owned()),
        Kind::Text | Kind::Salt => length_prefixed(rest, 0),
        Kind::Hash => length_prefixed(rest, 1),
        Kind::Tag => tag_len(rest),
        Kind::Texts => texts_len(rest),
        Kind::Rest(min) => at_least(min, rest),
        Kind::Hex | Kind::Base64 => at_least(1, rest),
        Kind::Types => check_bitmap(rest).map(|()| rest.len()),
        Kind::Location => loc::check(rest).map(|()| rest.len()),
        Kind::Prefixes => apl::check(rest).map(|()| rest.len()),
        Kind::SvcParams => svcb::check(rest).map(|()| rest.len()),
    }
}

fn fixed(len: usize, rest: &[u8]) -> Result<usize, String> {
    match rest.len() >= len {
        true => Ok(len),
        false => Err(format!("{} octets are left, and it takes {len}", rest.len())),
    }
}

fn at_least(min: usize, rest: &[u8]) -> Result<usize, String> {
    fixed(min, rest).map(|_| rest.len())
}

fn length_prefixed(rest: &[u8], min: usize) -> Result<usize, String> {
    let len = *rest.first().ok_or("no octets are left")? as usize;
    fixed(1 + len.max(min), rest)?;
    match len >= min {
        true => Ok(1 + len),
        false => Err("it is empty".to_owned()),
    }
}

fn tag_len(rest: &[u8]) -> Result<usize, String> {
    let len = length_prefixed(rest, 1)?;
    match rest[1..len].iter().all(u8::is_ascii_alphanumeric) {
        true => Ok(len),
        false => Err("it holds other octets than letters and digits".to_owned()),
    }
}

fn texts_len(rest: &[u8]) -> Result<usize, String> {
    let mut at = 0;
    while at < rest.len() || at == 0 {
        at += length_prefixed(&rest[at..], 0)?;
    }
    Ok(at)
}

/// Windows in ascending order, each of 1 to 32 octets of which the last is not zero (RFC 4034 §4.1.2).
fn check_bitmap(mut rest: &[u8]) -> Result<(), String> {
    let mut last = None;
    while let [window, len, tail @ ..] = rest {
        let len = *len as usize;
        let in_order = last.is_none_or(|last| last < *window);
        if *window == 0 && tail.first().is_some_and(|bits| bits & 0x80 != 0) {
            return Err("the bitmap lists type 0, which is no type (RFC 6895 §3.1)".to_owned());
        }
        if !in_order || !(1..=32).contains(&len) || tail.len() < len || tail[len - 1] == 0 {
            return Err("the bitmap of types is not well-formed".to_owned());
        }
        last = Some(*window);
        rest = &tail[len..];
    }
    match rest.is_empty() {
        true => Ok(()),
        false => Err("the bitmap of types is cut short".to_owned()),
    }
}

/// A digest of a known algorithm has that algorithm's length.
fn check_digest(rtype: RecordType, rdata: &[u8]) -> Result<(), String> {
    let (algorithm, digest) = match rtype {
        RecordType::DS | RecordType::CDS => (rdata[3], &rdata[4..]),
        RecordType::SSHFP => (rdata[1], &rdata[2..]),
        RecordType::TLSA | RecordType::SMIMEA => (rdata[2], &rdata[3..]),
        RecordType::ZONEMD => (rdata[5], &rdata[6..]),
        _ => return Ok(()),
    };
    let expected = match (rtype, algorithm) {
        (RecordType::DS | RecordType::CDS | RecordType::SSHFP, 1) => 20,
        (RecordType::DS | RecordType::CDS | RecordType::SSHFP, 2) => 32,
        (RecordType::DS | RecordType::CDS, 4) => 48,
        (RecordType::TLSA | RecordType::SMIMEA, 1) => 32,
        (RecordType::TLSA | RecordType::SMIMEA, 2) => 64,
        (RecordType::ZONEMD, 1) => 48,
        (RecordType::ZONEMD, 2) => 64,
        // RFC 8976 §2.2.4: shorter ones must not be.
        (RecordType::ZONEMD, _) if digest.len() < 12 => return Err("digest: fewer than 12 octets".to_owned()),
        _ => return Ok(()),
    };
    match digest.len() {
        found if found == expected => Ok(()),
        found => Err(format!("digest: {found} octets, and algorithm {algorithm} makes {expected}")),
    }
}

/// The same rdata with its names in lower case, for comparison (RFC 2181 §5, RFC 4343 §3).
pub fn fold_names(rtype: RecordType, rdata: &[u8]) -> Vec<u8> {
    let mut folded = Vec::with_capacity(rdata.len());
    let split = split(fields(rtype).unwrap_or_default(), rdata, |field, octets| {
        match field.kind {
            Kind::Name => folded.extend(octets.iter().map(u8::to_ascii_lowercase)),
            _ => folded.extend_from_slice(octets),
        }
        Ok(())
    });
    match split {
        Ok(()) => folded,
        Err(_) => rdata.to_vec(),
    }
}
