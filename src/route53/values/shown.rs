//! Rdata as Route 53 shows it: for zones that were not written through its API.
//!
//! What was written through the API is shown as it was written. Types that Route 53 does not have are shown as in
//! master files. Source: Route 53 developer guide, "Supported DNS record types".

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::name::show_name_as_written;
use super::forms::{Field, Kind, fields};
use super::texts::push_quoted;
use crate::wire::name::{Name, wire_len};
use crate::wire::rtype::RecordType;
use crate::zone::rdata;

/// The text of one record's rdata.
pub fn show_value(rtype: RecordType, rdata: &[u8]) -> String {
    let fields = fields(rtype).filter(|_| rdata::check(rtype, rdata).is_ok());
    match fields.and_then(|fields| show_fields(rtype, fields, rdata)) {
        Some(shown) => shown,
        None => rdata::show(rtype, rdata).to_string(),
    }
}

/// None where a field does not fit, which `check` has ruled out.
fn show_fields(rtype: RecordType, fields: &[Field], rdata: &[u8]) -> Option<String> {
    let mut shown = String::new();
    let mut rest = rdata;
    for field in fields {
        let (octets, tail) = rest.split_at_checked(field_len(field.kind, rest)?)?;
        if !(field.kind == Kind::SvcParams && octets.is_empty()) {
            shown.push_str(if shown.is_empty() { "" } else { " " });
            show_field(rtype, field.kind, octets, &mut shown)?;
        }
        rest = tail;
    }
    Some(shown)
}

fn field_len(kind: Kind, rest: &[u8]) -> Option<usize> {
    match kind {
        Kind::Ipv4 => Some(4),
        Kind::Ipv6 => Some(16),
        Kind::Number(octets) => Some(octets),
        Kind::Host => wire_len(rest),
        Kind::Text | Kind::Tag => Some(1 + usize::from(*rest.first()?)),
        Kind::Texts | Kind::Rest | Kind::Hex | Kind::SvcParams => Some(rest.len()),
    }
}

fn show_field(rtype: RecordType, kind: Kind, octets: &[u8], out: &mut String) -> Option<()> {
    match kind {
        Kind::Ipv4 => write!(out, "{}", Ipv4Addr::from(<[u8; 4]>::try_from(octets).ok()?)).ok()?,
        Kind::Ipv6 => write!(out, "{}", Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?)).ok()?,
        Kind::Number(_) => write!(out, "{}", octets.iter().fold(0u32, |number, octet| number << 8 | u32::from(*octet))).ok()?,
        Kind::Host => out.push_str(&show_name_as_written(&Name::from_wire(octets).ok()?)),
        Kind::Text => push_quoted(out, &octets[1..]),
        Kind::Texts => show_texts(octets, out)?,
        Kind::Rest => push_quoted(out, octets),
        Kind::Tag => out.push_str(std::str::from_utf8(&octets[1..]).ok()?),
        Kind::Hex => octets.iter().try_for_each(|octet| write!(out, "{octet:02X}")).ok()?,
        Kind::SvcParams => {
            let record = [&[0, 1, 0], octets].concat();
            out.push_str(rdata::show(rtype, &record).to_string().strip_prefix("1 . ")?);
        }
    }
    Some(())
}

fn show_texts(octets: &[u8], out: &mut String) -> Option<()> {
    let mut rest = octets;
    while let Some((len, tail)) = rest.split_first() {
        let (text, tail) = tail.split_at_checked(usize::from(*len))?;
        out.push_str(if rest.len() == octets.len() { "" } else { " " });
        push_quoted(out, text);
        rest = tail;
    }
    Some(())
}
