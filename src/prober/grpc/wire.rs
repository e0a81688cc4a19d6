//! The two messages of `grpc.health.v1`, as octets.
//!
//! As much of protocol buffers as they need. Invariant: whatever an endpoint sends is read without a panic, and unknown
//! fields are passed over. Sources: protobuf.dev, "Encoding"; gRPC's `PROTOCOL-HTTP2.md`, "Length-Prefixed-Message".

/// `HealthCheckRequest { service = 1 }`, with its prefix.
pub(super) fn request(service: &str) -> Vec<u8> {
    let mut message = Vec::new();
    if !service.is_empty() {
        // Field 1, of a length.
        message.push(1 << 3 | 2);
        put_varint(&mut message, service.len() as u64);
        message.extend(service.as_bytes());
    }
    let len = u32::try_from(message.len()).expect("the name of a service is short");
    // Not compressed.
    [&[0][..], &len.to_be_bytes(), &message].concat()
}

/// The status in a `HealthCheckResponse { status = 1 }` with its prefix, by its name; none when it is no such message.
pub(super) fn serving(framed: &[u8]) -> Option<&'static str> {
    let (prefix, mut message) = framed.split_at_checked(5)?;
    let len = u32::from_be_bytes(prefix[1..].try_into().ok()?);
    if prefix[0] != 0 || message.len() != usize::try_from(len).ok()? {
        return None;
    }
    // What is not there has its default.
    let mut status = 0;
    while !message.is_empty() {
        let key = take_varint(&mut message)?;
        match (key >> 3, key & 7) {
            (0, _) => return None,
            (1, 0) => status = take_varint(&mut message)?,
            (_, 0) => drop(take_varint(&mut message)?),
            (_, 1) => drop(take(&mut message, 8)?),
            (_, 2) => {
                let len = take_varint(&mut message)?;
                take(&mut message, usize::try_from(len).ok()?)?;
            }
            (_, 5) => drop(take(&mut message, 4)?),
            _ => return None,
        }
    }
    let words = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
    Some(usize::try_from(status).ok().and_then(|status| words.get(status)).unwrap_or(&"a status of no name"))
}

/// A status message, of which octets may be written as `%XX`, as at most so many characters without control codes.
pub(super) fn message(written: &[u8], most: usize) -> String {
    let mut octets = Vec::new();
    let mut left = written;
    while let Some((&octet, rest)) = left.split_first() {
        let escaped = rest.get(..2).filter(|_| octet == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(meant) => {
                octets.push(meant);
                left = &rest[2..];
            }
            None => {
                octets.push(octet);
                left = rest;
            }
        }
    }
    String::from_utf8_lossy(&octets).chars().map(|char| if char.is_control() { ' ' } else { char }).take(most).collect()
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7F {
        out.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads seven bits an octet, the lowest first.
fn take_varint(from: &mut &[u8]) -> Option<u64> {
    let mut value: u64 = 0;
    for shift in (0..64).step_by(7) {
        let octet = take(from, 1)?[0];
        value |= u64::from(octet & 0x7F) << shift;
        if octet < 0x80 {
            return Some(value);
        }
    }
    None
}

fn take<'m>(from: &mut &'m [u8], len: usize) -> Option<&'m [u8]> {
    let (taken, rest) = from.split_at_checked(len)?;
    *from = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn framed(message: &[u8]) -> Vec<u8> {
        [&[0][..], &(message.len() as u32).to_be_bytes(), message].concat()
    }

    #[test]
    fn requests_are_as_protoc_writes_them() {
        assert_eq!(request(""), [0, 0, 0, 0, 0]);
        assert_eq!(request("a.B"), [0, 0, 0, 0, 5, 0x0a, 3, b'a', b'.', b'B']);
        assert_eq!(request(&"x".repeat(200))[..8], [0, 0, 0, 0, 203, 0x0a, 0xc8, 1]);
    }

    #[test]
    fn statuses_are_named_and_other_fields_passed_over() {
        for (message, status) in [
            (&[][..], Some("UNKNOWN")),
            (&[8, 1], Some("SERVING")),
            (&[8, 2], Some("NOT_SERVING")),
            (&[8, 3], Some("SERVICE_UNKNOWN")),
            (&[8, 9], Some("a status of no name")),
            (&[0x12, 2, b'h', b'i', 8, 1], Some("SERVING")),
            (&[0x19, 1, 2, 3, 4, 5, 6, 7, 8, 0x25, 1, 2, 3, 4, 0x28, 5, 8, 1], Some("SERVING")),
            (&[8], None),
            (&[8, 0x80], None),
            (&[0x12, 9, 1], None),
            (&[0, 1], None),
            (&[8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1], None),
        ] {
            assert_eq!(serving(&framed(message)), status, "{message:?}");
        }
        for broken in [&[][..], &[0, 0, 0, 0], &[1, 0, 0, 0, 2, 8, 1], &[0, 0, 0, 0, 3, 8, 1], &[0, 0, 0, 0, 1, 8, 1]] {
            assert_eq!(serving(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn messages_are_decoded_as_far_as_they_can_be() {
        assert_eq!(message(b"no%20such%C3%A9", 99), "no such\u{e9}");
        assert_eq!(message(b"100%, 5%zz%4", 99), "100%, 5%zz%4");
        assert_eq!(message(b"a%0Ab", 2), "a ");
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read(octets in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = serving(&octets);
            let _ = serving(&framed(&octets));
            prop_assert!(message(&octets, 10).chars().count() <= 10);
        }

        #[test]
        fn a_status_is_read_wherever_it_stands(before in 2u64..1000, value: u64, status in 0u64..4) {
            let mut octets = Vec::new();
            for number in [before << 3, value, 8, status] {
                put_varint(&mut octets, number);
            }
            let words = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
            prop_assert_eq!(serving(&framed(&octets)), Some(words[status as usize]));
        }
    }
}
