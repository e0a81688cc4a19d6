//! One line of a query log.
//!
//! Pure. Invariant: whatever was asked, a line is one line of ten fields with a space between them.
//! Source: Route 53 developer guide, "Values that appear in DNS query logs"; version 1.0.

use std::fmt::Write;

use jiff::Timestamp;

use crate::answer::{Asker, Report, Transport};
use crate::wire::edns::ClientSubnet;
use crate::wire::name::write_name;
use crate::wire::query::{Room, parse_query};

/// A query that was answered.
#[derive(Clone, Copy)]
pub struct Answered<'q> {
    pub message: &'q [u8],
    pub asker: &'q Asker,
    pub report: &'q Report,
    /// Which server answered.
    pub edge: Option<&'q [u8]>,
}

/// Appends a time with its milliseconds, as lines show it.
pub(super) fn put_time(text: &mut String, now: Timestamp) {
    write!(text, "{now:.3}").expect(IN_MEMORY);
}

/// Appends a query's line; false for what was no query, of which there is none.
pub(super) fn put(text: &mut String, time: &str, zone_id: &str, answered: &Answered<'_>) -> bool {
    let Answered { message, asker, report, edge } = *answered;
    let mut room = Room::new();
    // It was read once to be answered; what the answer did not need is read again by those who log only.
    let Ok(query) = parse_query(message, &mut room) else { return false };
    let question = query.question;
    let (name, _type_and_class) = question.octets.split_at(question.octets.len() - 4);
    write!(text, "1.0 {time} {zone_id} ").and_then(|()| write_name(text, name)).expect(IN_MEMORY);
    if name != [0] {
        // Route 53 shows names without their final dot.
        text.pop();
    }
    let transport = match asker.transport {
        Transport::Udp => "UDP",
        Transport::Tcp => "TCP",
    };
    write!(text, " {} {} {transport} ", question.qtype, report.rcode).expect(IN_MEMORY);
    put_edge(text, edge.unwrap_or_default());
    write!(text, " {} ", asker.address.to_canonical()).expect(IN_MEMORY);
    match query.edns.and_then(|edns| edns.client_subnet) {
        Some(ClientSubnet { address: Some(address), source_prefix }) => write!(text, "{address}/{source_prefix}"),
        _ => write!(text, "-"),
    }
    .expect(IN_MEMORY);
    text.push('\n');
    true
}

/// The server's identity, which may be any octets, as one field.
fn put_edge(text: &mut String, edge: &[u8]) {
    if edge.is_empty() {
        text.push('-');
    }
    text.extend(edge.iter().map(|octet| if octet.is_ascii_graphic() { char::from(*octet) } else { '_' }));
}

const IN_MEMORY: &str = "writing to memory can't fail";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::header::Rcode;
    use crate::wire::rtype::RecordType;

    /// A query for `name` in wire form, with `opt` as the octets of its OPT record, if any.
    fn query(name: &[u8], rtype: u16, opt: &[u8]) -> Vec<u8> {
        let header = [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(!opt.is_empty())];
        [&header, name, &rtype.to_be_bytes(), &[0, 1], opt].concat()
    }

    /// An OPT record with one client subnet option.
    fn subnet(family: u8, source_prefix: u8, address: &[u8]) -> Vec<u8> {
        let len = address.len() as u8;
        let fixed = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, len + 8, 0, 8, 0, len + 4, 0, family, source_prefix, 0];
        [&fixed, address].concat()
    }

    #[track_caller]
    fn check(message: &[u8], asker: (&str, Transport), edge: Option<&[u8]>, rcode: Rcode, expected: &str) {
        let asker = Asker { address: asker.0.parse().unwrap(), transport: asker.1 };
        let qtype = Some(RecordType::A);
        let report = Report { len: 12, rcode, qtype, ..Report::UNANSWERED };
        let (mut time, mut text) = (String::new(), String::new());
        put_time(&mut time, "2017-12-13T08:15:50.2359Z".parse().unwrap());
        let answered = Answered { message, asker: &asker, report: &report, edge };
        assert!(put(&mut text, &time, "Z123412341234", &answered));
        assert_eq!(text, format!("1.0 2017-12-13T08:15:50.235Z Z123412341234 {expected}\n"));
    }

    #[test]
    fn a_line_is_as_route_53_documents_it() {
        const NAME: &[u8] = b"\x07example\x03com\x00";
        let with_subnet = query(NAME, 28, &subnet(1, 24, &[192, 168, 222]));
        let (udp, tcp) = (Transport::Udp, Transport::Tcp);
        let expected = "example.com AAAA NOERROR TCP IAD12 192.168.3.1 192.168.222.0/24";
        check(&with_subnet, ("192.168.3.1", tcp), Some(b"IAD12"), Rcode::NOERROR, expected);
        let expected = "example.com ANY NXDOMAIN UDP - 2001:db8::1 -";
        check(&query(NAME, 255, &[]), ("2001:db8::1", udp), None, Rcode::NXDOMAIN, expected);
        let with_subnet = query(NAME, 1, &subnet(2, 32, &[0x20, 1, 0xd, 0xb8]));
        let expected = "example.com A SERVFAIL UDP - 192.0.2.1 2001:db8::/32";
        check(&with_subnet, ("::ffff:192.0.2.1", udp), None, Rcode::SERVFAIL, expected);
        // Who asks not to be located says so with a length of 0; family 0 has no address to show.
        let expected = "example.com A NOERROR UDP - 192.0.2.1 0.0.0.0/0";
        check(&query(NAME, 1, &subnet(1, 0, &[])), ("192.0.2.1", udp), None, Rcode::NOERROR, expected);
        let expected = "example.com A NOERROR UDP - 192.0.2.1 -";
        check(&query(NAME, 1, &subnet(0, 0, &[])), ("192.0.2.1", udp), None, Rcode::NOERROR, expected);
    }

    #[test]
    fn nothing_that_is_asked_or_configured_breaks_a_line_or_a_field() {
        let from = ("192.0.2.1", Transport::Udp);
        let name = b"\x05a b\n\xff\x03c.d\x00";
        let expected = "a\\032b\\010\\255.c\\.d TYPE65280 NOERROR UDP rack_7___ 192.0.2.1 -";
        check(&query(name, 65_280, &[]), from, Some(b"rack 7\n\xc3\xa9"), Rcode::NOERROR, expected);
        check(&query(b"\x00", 2, &[]), from, Some(b""), Rcode::NOERROR, ". NS NOERROR UDP - 192.0.2.1 -");
        check(&query(b"\x01A\x00", 2, &[]), from, None, Rcode(77), "A NS RCODE77 UDP - 192.0.2.1 -");
    }
}
