//! The times in a signed request: ISO 8601's basic format, and HTTP dates.
//!
//! Reads no clock. Times are seconds since 1970. Source: ISO 8601 §5.4.2; RFC 9110 §5.6.7.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;

/// Reads `20150830T123600Z`.
pub(super) fn parse_basic(text: &str) -> Option<i64> {
    let octets = text.as_bytes();
    let is_shaped = octets.iter().enumerate().all(|(at, octet)| match at {
        8 => *octet == b'T',
        15 => *octet == b'Z',
        _ => octet.is_ascii_digit(),
    });
    if !is_shaped || octets.len() != 16 {
        return None;
    }
    let two = |at: usize| text[at..at + 2].parse::<i8>().ok();
    let year = text[..4].parse::<i16>().ok()?;
    let time = DateTime::new(year, two(4)?, two(6)?, two(9)?, two(11)?, two(13)?, 0).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

/// Reads a Date header: `Sun, 30 Aug 2015 12:36:00 GMT`, or the basic format.
pub(super) fn parse_header(text: &str) -> Option<i64> {
    let parse_http = || rfc2822::DateTimeParser::new().parse_timestamp(text).ok().map(Timestamp::as_second);
    parse_basic(text).or_else(parse_http)
}

/// Writes `20150830T123600Z`; the last second there is for what lies beyond.
pub(super) fn show(secs: i64) -> String {
    let time = Timestamp::from_second(secs).unwrap_or(Timestamp::MAX);
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_basic_format_reads_back_as_written_and_nothing_else_is_read() {
        for (text, secs) in [("20150830T123600Z", 1_440_938_160), ("19700101T000000Z", 0), ("20240229T235959Z", 1_709_251_199)] {
            assert_eq!(parse_basic(text), Some(secs), "{text}");
            assert_eq!(show(secs), text);
        }
        let wrong = [
            "",
            "20150830T123600",
            "20150830T123600z",
            "20150830t123600Z",
            "20150830T123600Z0",
            "20150230T123600Z",
            "20150830T243600Z",
            "20150830T123660Z",
            "2015-08-30T12:36Z",
            "+0150830T123600Z",
            "2015083ÖT12360Z",
        ];
        for text in wrong {
            assert_eq!(parse_basic(text), None, "{text}");
        }
    }

    #[test]
    fn the_date_header_may_be_in_either_format() {
        for text in ["Sun, 30 Aug 2015 12:36:00 GMT", "Sun, 30 Aug 2015 12:36:00 -0000", "20150830T123600Z"] {
            assert_eq!(parse_header(text), Some(1_440_938_160), "{text}");
        }
        assert_eq!(parse_header("yesterday"), None);
    }

    #[test]
    fn no_number_of_seconds_is_too_large_to_show() {
        assert_eq!(show(i64::MAX), show(i64::MAX - 1));
    }
}
