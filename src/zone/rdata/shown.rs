//! Rdata as text: what `text` reads back to the same octets.
//!
//! Names are absolute, strings are quoted, numbers are decimal. What is not valid for its type, or has no form of
//! its own, is shown in the generic form.
//! Sources: RFC 1035 §5.1, RFC 3597 §5.

use std::fmt::{self, Display, Formatter, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

use domain::utils::{base32, base64};

use super::grammar::{Field, Kind, fields};
use super::wire::{check, split};
use super::{apl, loc, number, svcb};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;

/// Rdata that prints as its presentation form.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'r> {
    /// None: the generic form.
    fields: Option<&'static [Field]>,
    rdata: &'r [u8],
}

impl<'r> Shown<'r> {
    pub(super) fn new(rtype: RecordType, rdata: &'r [u8]) -> Self {
        let valid = !rdata.is_empty() && check(rtype, rdata).is_ok();
        Self { fields: fields(rtype).filter(|_| valid), rdata }
    }

    /// Whether this is the generic form, `\# length octets`.
    pub fn is_generic(&self) -> bool {
        self.fields.is_none()
    }
}

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(fields) = self.fields else { return show_generic(f, self.rdata) };
        let mut outcome = Ok(());
        let mut separator = "";
        split(fields, self.rdata, |field, octets| {
            if !is_blank(field.kind, octets) && outcome.is_ok() {
                outcome = f.write_str(separator).and_then(|()| show_field(f, field.kind, octets));
                separator = " ";
            }
            Ok(())
        })
        .expect("only rdata that passed check has fields");
        outcome
    }
}

/// `\# length octets` (RFC 3597 §5).
fn show_generic(f: &mut Formatter<'_>, rdata: &[u8]) -> fmt::Result {
    write!(f, "\\# {}", rdata.len())?;
    if !rdata.is_empty() {
        f.write_char(' ')?;
    }
    show_hex(f, rdata)
}

/// Whether a field has no word of its own: an empty list.
fn is_blank(kind: Kind, octets: &[u8]) -> bool {
    octets.is_empty() && matches!(kind, Kind::Types | Kind::Prefixes | Kind::SvcParams)
}

fn show_field(f: &mut Formatter<'_>, kind: Kind, octets: &[u8]) -> fmt::Result {
    match kind {
        Kind::U8 | Kind::U16 | Kind::U32 | Kind::Period | Kind::Algorithm | Kind::CertificateType => {
            write!(f, "{}", big_endian(octets))
        }
        Kind::Name => Name::from_wire(octets).map_err(|_| fmt::Error)?.fmt(f),
        Kind::Ipv4 => Ipv4Addr::from(exactly(octets)?).fmt(f),
        Kind::Ipv6 => Ipv6Addr::from(exactly(octets)?).fmt(f),
        Kind::Text => show_quoted(f, &octets[1..]),
        Kind::Texts => show_texts(f, octets),
        Kind::Rest(_) => show_quoted(f, octets),
        Kind::Tag => f.write_str(&String::from_utf8_lossy(&octets[1..])),
        Kind::Hex => show_hex(f, octets),
        Kind::Base64 => base64::display(octets, f),
        Kind::Salt if octets.len() == 1 => f.write_char('-'),
        Kind::Salt => show_hex(f, &octets[1..]),
        Kind::Hash => base32::display_hex(&octets[1..], f),
        Kind::Type => RecordType(big_endian(octets) as u16).fmt(f),
        Kind::Types => show_types(f, octets),
        Kind::Time => f.write_str(&number::show_time(big_endian(octets))),
        Kind::Eui(_) => show_eui(f, octets),
        Kind::Location => loc::show(f, octets),
        Kind::Prefixes => apl::show(f, octets),
        Kind::SvcParams => svcb::show(f, octets),
    }
}

fn big_endian(octets: &[u8]) -> u32 {
    octets.iter().fold(0, |value, octet| value << 8 | u32::from(*octet))
}

fn exactly<const LEN: usize>(octets: &[u8]) -> Result<[u8; LEN], fmt::Error> {
    octets.try_into().map_err(|_| fmt::Error)
}

fn show_hex(f: &mut Formatter<'_>, octets: &[u8]) -> fmt::Result {
    octets.iter().try_for_each(|octet| write!(f, "{octet:02X}"))
}

/// Writes octets between quotation marks; what is not printable ASCII as `\DDD`.
pub(super) fn show_quoted(f: &mut impl Write, octets: &[u8]) -> fmt::Result {
    f.write_char('"')?;
    for &octet in octets {
        match octet {
            b'"' | b'\\' => write!(f, "\\{}", octet as char)?,
            b' '..=b'~' => f.write_char(octet as char)?,
            _ => write!(f, "\\{octet:03}")?,
        }
    }
    f.write_char('"')
}

fn show_texts(f: &mut Formatter<'_>, mut octets: &[u8]) -> fmt::Result {
    let mut separator = "";
    while let Some((&len, rest)) = octets.split_first() {
        let (text, rest) = rest.split_at(len as usize);
        f.write_str(separator)?;
        show_quoted(f, text)?;
        separator = " ";
        octets = rest;
    }
    Ok(())
}

fn show_types(f: &mut Formatter<'_>, mut octets: &[u8]) -> fmt::Result {
    let mut separator = "";
    while let [window, len, rest @ ..] = octets {
        let (bits, rest) = rest.split_at(*len as usize);
        for low in (0..bits.len() as u16 * 8).filter(|low| bits[*low as usize / 8] & 0x80 >> (low % 8) != 0) {
            write!(f, "{separator}{}", RecordType(u16::from(*window) << 8 | low))?;
            separator = " ";
        }
        octets = rest;
    }
    Ok(())
}

fn show_eui(f: &mut Formatter<'_>, octets: &[u8]) -> fmt::Result {
    for (place, octet) in octets.iter().enumerate() {
        write!(f, "{}{octet:02x}", if place == 0 { "" } else { "-" })?;
    }
    Ok(())
}
