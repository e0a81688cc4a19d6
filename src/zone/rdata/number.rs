//! Numbers in text: decimal, seconds with units, hexadecimal, and times of day in UTC.
//!
//! Text in, number out, and the way back where printing has a form of its own; knows no record type.
//! Sources: RFC 1035 §5.1; BIND's TTL units; RFC 4034 §3.2 (times).

/// Reads decimal digits, all of `text`, up to `max`.
pub(in crate::zone) fn parse_decimal(text: &[u8], max: u64) -> Option<u64> {
    let (&first, _) = text.split_first()?;
    first.is_ascii_digit().then_some(())?;
    text.iter().try_fold(0u64, |value, octet| {
        let digit = octet.is_ascii_digit().then(|| u64::from(octet - b'0'))?;
        value.checked_mul(10)?.checked_add(digit).filter(|value| *value <= max)
    })
}

/// Reads seconds: decimal digits, or groups of digits and unit such as `1w2d3h4m5s`, in any case.
pub(in crate::zone) fn parse_period(text: &[u8], max: u64) -> Option<u64> {
    let digits = |text: &[u8]| text.iter().position(|octet| !octet.is_ascii_digit());
    let mut rest = text;
    let mut total = 0u64;
    while let Some(len) = digits(rest) {
        let unit = match rest[len].to_ascii_lowercase() {
            b's' => 1,
            b'm' => 60,
            b'h' => 3_600,
            b'd' => 86_400,
            b'w' => 604_800,
            _ => return None,
        };
        let part = parse_decimal(&rest[..len], max)?.checked_mul(unit)?;
        total = total.checked_add(part).filter(|total| *total <= max)?;
        rest = &rest[len + 1..];
    }
    match (rest.is_empty(), rest.len() == text.len()) {
        (true, false) => Some(total),
        // Digits without a unit stand alone: `1h30` is not clear.
        (false, true) => parse_decimal(text, max),
        _ => None,
    }
}

/// Appends the octets that pairs of hexadecimal digits stand for.
pub(super) fn parse_hex(digits: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let value = |digit: u8| (digit as char).to_digit(16).map(|value| value as u8);
    for pair in digits.chunks(2) {
        let [high, low] = *pair else { return None };
        out.push(value(high)? << 4 | value(low)?);
    }
    Some(())
}

/// Reads `YYYYMMDDHHmmSS`, or seconds since 1970 in decimal, into 32 bits (RFC 4034 §3.2).
pub(super) fn parse_time(text: &[u8]) -> Option<u32> {
    if text.len() != 14 {
        return parse_decimal(text, u32::MAX.into()).map(|secs| secs as u32);
    }
    let part = |range: std::ops::Range<usize>, min: u64, max: u64| parse_decimal(&text[range], max).filter(|part| *part >= min);
    let (year, month, day) = (part(0..4, 1970, 2106)?, part(4..6, 1, 12)?, part(6..8, 1, 31)?);
    let days = days_before(year, month) + day - 1;
    if date_of(days) != (year, month, day) {
        return None;
    }
    let secs = days * 86_400 + part(8..10, 0, 23)? * 3_600 + part(10..12, 0, 59)? * 60 + part(12..14, 0, 59)?;
    u32::try_from(secs).ok()
}

/// The time as `YYYYMMDDHHmmSS`.
pub(super) fn show_time(secs: u32) -> String {
    let (year, month, day) = date_of(u64::from(secs) / 86_400);
    let of_day = secs % 86_400;
    format!("{year:04}{month:02}{day:02}{:02}{:02}{:02}", of_day / 3_600, of_day / 60 % 60, of_day % 60)
}

/// Days from 1970-01-01 to the first of the month.
fn days_before(year: u64, month: u64) -> u64 {
    let years: u64 = (1970..year).map(|year| 365 + u64::from(is_leap(year))).sum();
    years + (1..month).map(|month| month_len(year, month)).sum::<u64>()
}

fn date_of(mut days: u64) -> (u64, u64, u64) {
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let mut month = 1;
    while days >= month_len(year, month) {
        days -= month_len(year, month);
        month += 1;
    }
    (year, month, days + 1)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn month_len(year: u64, month: u64) -> u64 {
    match month {
        2 => 28 + u64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_take_units_in_any_case_and_nothing_half_said() {
        for (text, expected) in [
            ("0", Some(0)),
            ("3600", Some(3600)),
            ("1h30m", Some(5400)),
            ("1W2D3h4m5S", Some(788_645)),
            ("2147483647", Some(2_147_483_647)),
            ("2147483648", None),
            ("4000w", None),
            ("1h30", None),
            ("h", None),
            ("", None),
            ("1x", None),
            ("-1", None),
            ("99999999999999999999999", None),
        ] {
            assert_eq!(parse_period(text.as_bytes(), i32::MAX as u64), expected, "{text}");
        }
    }

    #[test]
    fn times_are_utc_dates() {
        for (text, secs) in [("19700101000000", 0), ("20240229235959", 1_709_251_199), ("21060207062815", u32::MAX)] {
            assert_eq!((parse_time(text.as_bytes()), show_time(secs).as_str()), (Some(secs), text));
        }
        for text in ["20230229000000", "21060207062816", "20241301000000", "2024010100000x", "4294967296"] {
            assert_eq!(parse_time(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse_time(b"1709251199"), Some(1_709_251_199));
    }
}
