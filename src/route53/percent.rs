//! Percent-encoding, for those who verify a request and for those who read it: they take it for the same.
//!
//! Source: RFC 3986 §2.1 and §2.3; "Create a signed AWS API request", step 1, `UriEncode`.

/// Encodes everything but unreserved characters; the slash too, unless it separates.
pub(super) fn encode(octets: &[u8], keeps_slash: bool) -> String {
    let mut text = String::with_capacity(octets.len());
    for &octet in octets {
        match octet {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(octet.into()),
            b'/' if keeps_slash => text.push('/'),
            _ => {
                text.push('%');
                text.push(DIGITS[usize::from(octet >> 4)].into());
                text.push(DIGITS[usize::from(octet & 15)].into());
            }
        }
    }
    text
}

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// Decodes a part of a query, where a plus is a space; an escape without its two digits stands for itself.
pub(super) fn decode_query(text: &str) -> Vec<u8> {
    decode(text, b' ')
}

/// Decodes a segment of a path, where a plus is a plus.
pub(super) fn decode_segment(text: &str) -> Vec<u8> {
    decode(text, b'+')
}

fn decode(text: &str, plus: u8) -> Vec<u8> {
    let mut rest = text.as_bytes();
    let mut octets = Vec::with_capacity(rest.len());
    while let Some((&first, tail)) = rest.split_first() {
        let (octet, tail) = match first {
            b'+' => (plus, tail),
            b'%' => parse_escape(tail).unwrap_or((b'%', tail)),
            _ => (first, tail),
        };
        octets.push(octet);
        rest = tail;
    }
    octets
}

fn parse_escape(after: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = after.split_at_checked(2)?;
    let digit = |octet: u8| char::from(octet).to_digit(16);
    let value = digit(digits[0])? * 16 + digit(digits[1])?;
    Some((u8::try_from(value).expect("two hexadecimal digits are at most 255"), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_characters_stay() {
        assert_eq!(encode("-._~aZ0 /%+=&ሴ".as_bytes(), false), "-._~aZ0%20%2F%25%2B%3D%26%E1%88%B4");
        assert_eq!(encode(b"/a/%2F/", true), "/a/%252F/");
    }

    #[test]
    fn what_is_encoded_decodes_to_itself_and_broken_escapes_stay() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decode_query(&encode(&all, false)), all);
        assert_eq!(decode_query("a+b%2fc%2%zz%"), b"a b/c%2%zz%");
        assert_eq!(decode_segment("a+b%2fc%2%zz%"), b"a+b/c%2%zz%");
    }
}
