//! Whether a response is what its question must bring.
//!
//! Reads only what is compared, so that checking every response costs a load generator little. A response that differs is
//! wrong, whatever else a resolver could make of it. Source: RFC 1035 §4.1.

use std::fmt;
use std::net::Ipv4Addr;

use super::questions::{Expected, HEADER_LEN};

/// Who answers, and so what can be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answerer {
    /// A name server: everything.
    Server,
    /// A reflector: the question alone.
    Echo,
}

/// A response that is not the right one.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    pub why: &'static str,
    pub query: Vec<u8>,
    pub response: Vec<u8>,
    pub expected: Expected,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { why, query, response, expected } = self;
        write!(f, "wrong answer: {why}\nquery    {query:02x?}\nresponse {response:02x?}\nexpected {expected:?}")
    }
}

impl std::error::Error for Wrong {}

/// Checks a response against its query and what it must bring. The id has been found right already.
#[inline]
pub fn check(answerer: Answerer, query: &[u8], response: &[u8], expected: Expected) -> Result<(), Wrong> {
    let found = match answerer {
        Answerer::Server => check_question(query, response).and_then(|end| check_answer(response, end, expected)),
        Answerer::Echo => check_question(query, response).map(|_| ()),
    };
    found.map_err(|why| Wrong { why, query: query.to_vec(), response: response.to_vec(), expected })
}

/// The question is the query's octet by octet, its case included; gives where it ends.
#[inline]
fn check_question(query: &[u8], response: &[u8]) -> Result<usize, &'static str> {
    let mut end = HEADER_LEN;
    while query[end] != 0 {
        end += 1 + usize::from(query[end]);
    }
    end += 5;
    if response.len() < end || response[HEADER_LEN..end] != query[HEADER_LEN..end] || response[4..6] != [0, 1] {
        return Err("the question is not the one asked");
    }
    Ok(end)
}

#[inline]
fn check_answer(response: &[u8], question_end: usize, expected: Expected) -> Result<(), &'static str> {
    // QR, opcode QUERY, AA, no TC.
    if response[2] & 0b1111_1110 != 0b1000_0100 {
        return Err("not a whole authoritative response");
    }
    let (rcode, count) = (response[3] & 15, u16::from_be_bytes([response[6], response[7]]));
    let (first, addresses, wanted) = match expected {
        Expected::Nothing if (rcode, count) == (NXDOMAIN, 0) => return Ok(()),
        Expected::Nothing => return Err("not NXDOMAIN"),
        Expected::Address(address) => (address, 1, 1),
        Expected::OneOf(first, addresses) => (first, addresses, 1),
        Expected::All(first, addresses) => (first, addresses, addresses),
    };
    if rcode != 0 || u32::from(count) != wanted {
        return Err("not NOERROR with as many records as there must be");
    }
    let (mut at, mut seen) = (question_end, 0u64);
    for _ in 0..count {
        let (address, end) = read_address(response, at).ok_or("a record that is not the question's A")?;
        let member = u32::from(address).wrapping_sub(first.into());
        if member >= addresses || seen & (1 << member) != 0 {
            return Err("an address that is not one of those expected, or is there twice");
        }
        seen |= 1 << member;
        at = end;
    }
    Ok(())
}

/// The A record at `at`, whose owner is the question's name, and where it ends.
#[inline]
fn read_address(response: &[u8], at: usize) -> Option<(Ipv4Addr, usize)> {
    let record = response.get(at..at + RECORD_LEN)?;
    let is_address = record[..6] == [0xc0, HEADER_LEN as u8, 0, 1, 0, 1] && record[10..12] == [0, 4];
    is_address.then(|| (Ipv4Addr::new(record[12], record[13], record[14], record[15]), at + RECORD_LEN))
}

const NXDOMAIN: u8 = 3;
/// A pointer, type, class, TTL, length and an address.
const RECORD_LEN: usize = 16;
