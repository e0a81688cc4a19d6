//! LOC: a place on Earth, in degrees and metres (RFC 1876).
//!
//! Invariant: a size and a precision are a digit times a power of ten, of centimetres, as §2 encodes them.

use std::fmt::{self, Formatter};

use super::number::parse_decimal;

/// Appends the location that the words say: `d m s N d m s E alt size hp vp`, of which m, s and what follows the
/// altitude can be left out. The error is the place of the word that does not fit, or is missing, and what would.
pub(super) fn parse(words: &[&[u8]], out: &mut Vec<u8>) -> Result<(), (usize, &'static str)> {
    let mut at = 0;
    let latitude = parse_angle(words, &mut at, 90, b"NS")?;
    let longitude = parse_angle(words, &mut at, 180, b"EW")?;
    let altitude = words.get(at).ok_or((at, ALTITUDE))?;
    let altitude = parse_metres(altitude).and_then(|cm| u32::try_from(cm + SEA_LEVEL).ok()).ok_or((at, ALTITUDE))?;
    let mut sizes = DEFAULT_SIZES;
    for (size, word) in sizes.iter_mut().zip(words.iter().skip(at + 1)) {
        at += 1;
        *size = parse_metres(word).and_then(encode_size).ok_or((at, SIZE))?;
    }
    if words.len() > at + 1 {
        return Err((at + 1, "nothing more: a location ends with the vertical precision"));
    }
    out.push(0);
    out.extend_from_slice(&sizes);
    for value in [latitude, longitude, altitude] {
        out.extend_from_slice(&value.to_be_bytes());
    }
    Ok(())
}

/// Degrees, then minutes and seconds if given, then one of two letters.
fn parse_angle(words: &[&[u8]], at: &mut usize, max: u64, letters: &[u8; 2]) -> Result<u32, (usize, &'static str)> {
    let expected = if max == 90 { LATITUDE } else { LONGITUDE };
    let letter = |word: &[u8]| match word {
        [letter] => letters.iter().position(|known| letter.eq_ignore_ascii_case(known)),
        _ => None,
    };
    let mut thousandths = 0;
    for (place, unit) in [3_600_000, 60_000, 1_000].into_iter().enumerate() {
        let word = words.get(*at).ok_or((*at, expected))?;
        if place > 0 && letter(word).is_some() {
            break;
        }
        let parsed = match place {
            0 => parse_decimal(word, max).map(|degrees| degrees * unit),
            1 => parse_decimal(word, 59).map(|minutes| minutes * unit),
            _ => parse_fraction(word, 3).filter(|seconds| *seconds < 60_000),
        };
        thousandths += parsed.ok_or((*at, expected))?;
        *at += 1;
    }
    let side = words.get(*at).and_then(|word| letter(word)).ok_or((*at, expected))?;
    if thousandths > max * 3_600_000 {
        return Err((*at, expected));
    }
    *at += 1;
    Ok(if side == 0 { EQUATOR + thousandths as u32 } else { EQUATOR - thousandths as u32 })
}

/// A decimal number as a whole number of its smallest places: `1.5` of 2 places is 150.
fn parse_fraction(text: &[u8], places: usize) -> Option<u64> {
    let (whole, fraction) = match text.iter().position(|&octet| octet == b'.') {
        Some(dot) => (&text[..dot], &text[dot + 1..]),
        None => (text, &b"0"[..]),
    };
    let (true, scale) = (fraction.len() <= places, 10u64.pow(places as u32)) else { return None };
    let fraction = parse_decimal(fraction, scale)? * 10u64.pow((places - fraction.len()) as u32);
    Some(parse_decimal(whole, u32::MAX.into())? * scale + fraction)
}

/// Metres, with or without an `m`, as centimetres.
fn parse_metres(text: &[u8]) -> Option<i64> {
    let text = text.strip_suffix(b"m").or(text.strip_suffix(b"M")).unwrap_or(text);
    match text.strip_prefix(b"-") {
        Some(below) => parse_fraction(below, 2).map(|cm| -(cm as i64)),
        None => parse_fraction(text, 2).map(|cm| cm as i64),
    }
}

/// A digit and a power of ten, in four bits each; digits behind the first are lost, as the encoding has it.
fn encode_size(cm: i64) -> Option<u8> {
    let mut base = u64::try_from(cm).ok()?;
    let mut exponent = 0;
    while base > 9 {
        base /= 10;
        exponent += 1;
    }
    (exponent <= 9).then_some((base as u8) << 4 | exponent)
}

/// Version 0, and values that text can say.
pub(super) fn check(octets: &[u8]) -> Result<(), String> {
    let Ok::<&[u8; 16], _>(octets) = octets.try_into() else { return Err(format!("{} octets, and it takes 16", octets.len())) };
    if octets[0] != 0 {
        return Err(format!("version {}; only version 0 is known", octets[0]));
    }
    if octets[1..4].iter().any(|size| size >> 4 > 9 || size & 15 > 9 || size >> 4 == 0 && size & 15 != 0) {
        return Err("a size or precision is not a digit times a power of ten".to_owned());
    }
    let within = |at: usize, degrees: u32| word(octets, at).abs_diff(EQUATOR) <= degrees * 3_600_000;
    match within(4, 90) && within(8, 180) {
        true => Ok(()),
        false => Err("more than 90 degrees of latitude, or 180 of longitude".to_owned()),
    }
}

pub(super) fn show(f: &mut Formatter<'_>, octets: &[u8]) -> fmt::Result {
    let octets: &[u8; 16] = octets.try_into().map_err(|_| fmt::Error)?;
    show_angle(f, word(octets, 4), ['N', 'S'])?;
    show_angle(f, word(octets, 8), ['E', 'W'])?;
    show_metres(f, i64::from(word(octets, 12)) - SEA_LEVEL)?;
    for size in &octets[1..4] {
        write!(f, " ")?;
        show_metres(f, i64::from(size >> 4) * 10i64.pow(u32::from(size & 15)))?;
    }
    Ok(())
}

fn show_angle(f: &mut Formatter<'_>, value: u32, letters: [char; 2]) -> fmt::Result {
    let thousandths = value.abs_diff(EQUATOR);
    let (minutes, seconds) = (thousandths / 60_000, thousandths % 60_000);
    let letter = letters[usize::from(value < EQUATOR)];
    write!(f, "{} {} {}.{:03} {letter} ", minutes / 60, minutes % 60, seconds / 1000, seconds % 1000)
}

fn show_metres(f: &mut Formatter<'_>, cm: i64) -> fmt::Result {
    let sign = if cm < 0 { "-" } else { "" };
    write!(f, "{sign}{}.{:02}m", cm.abs() / 100, cm.abs() % 100)
}

fn word(octets: &[u8; 16], at: usize) -> u32 {
    octets[at..at + 4].iter().fold(0, |value, octet| value << 8 | u32::from(*octet))
}

/// The equator and the prime meridian, in thousandths of a second of arc.
const EQUATOR: u32 = 1 << 31;
/// Centimetres from the lowest altitude to the ellipsoid.
const SEA_LEVEL: i64 = 10_000_000;
/// Size 1 m, horizontal precision 10,000 m, vertical precision 10 m (§3).
const DEFAULT_SIZES: [u8; 3] = [0x12, 0x16, 0x13];

const LATITUDE: &str = "a latitude such as 50 6 36.000 N: degrees to 90, minutes, seconds, then N or S";
const LONGITUDE: &str = "a longitude such as 8 40 55.000 E: degrees to 180, minutes, seconds, then E or W";
const ALTITUDE: &str = "an altitude in metres such as 112.00m, from -100000.00 to 42849672.95";
const SIZE: &str = "a size in metres such as 10m, up to 90000000.00";
