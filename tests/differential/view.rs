//! A response as it is compared: code, flags and sections, whatever the order, the case and the compression.
//!
//! Decodes with hickory-proto, so that no two of the compared share a decoder. OPT is held apart: its presence, version
//! and extended code are compared, its size is each server's own.
//! Invariant: two responses that a resolver would treat alike have equal views.
//! Sources: RFC 2181 §5 (RRsets have no order), RFC 4343 (names have no case), RFC 3597 §6.

use std::collections::BTreeSet;
use std::fmt;

use hickory_proto::op::{Message, MessageType};
use hickory_proto::rr::{RData, Record};

/// What is compared of a response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    pub rcode: String,
    pub authoritative: bool,
    pub truncated: bool,
    pub recursion_desired: bool,
    /// The OPT's version; none without OPT.
    pub edns: Option<u8>,
    pub answer: BTreeSet<String>,
    pub authority: BTreeSet<String>,
    pub additional: BTreeSet<String>,
}

impl View {
    /// Decodes a response to `query`.
    ///
    /// # Errors
    /// What makes it no such response.
    pub fn of(query: &[u8], response: &[u8]) -> Result<Self, String> {
        let message = Message::from_vec(response).map_err(|error| format!("does not decode: {error}"))?;
        let metadata = &message.metadata;
        if metadata.message_type != MessageType::Response || response[..2] != query[..2] {
            return Err("is no response to this query".to_owned());
        }
        if !echoes_question(query, response) {
            return Err("does not echo the question's octets".to_owned());
        }
        if metadata.recursion_available {
            return Err("offers recursion".to_owned());
        }
        Ok(Self {
            rcode: format!("{:?}", metadata.response_code),
            authoritative: metadata.authoritative,
            truncated: metadata.truncation,
            recursion_desired: metadata.recursion_desired,
            edns: message.edns.as_ref().map(|edns| edns.version()),
            answer: section(&message.answers),
            authority: section(&message.authorities),
            additional: section(&message.additionals),
        })
    }
}

/// Whether the question comes back as it was sent, case and all; a response may also have none.
fn echoes_question(query: &[u8], response: &[u8]) -> bool {
    let end = 12 + query[12..].iter().scan(0, label_octets).take_while(|more| *more).count() + 5;
    response[4..6] == [0, 0] || response.get(12..end) == Some(&query[12..end])
}

/// Steps over a name octet by octet: false at its root label. The state is how much of a label is left.
fn label_octets(left: &mut usize, octet: &u8) -> Option<bool> {
    match *left {
        0 if *octet == 0 => Some(false),
        0 => {
            *left = usize::from(*octet);
            Some(true)
        }
        _ => {
            *left -= 1;
            Some(true)
        }
    }
}

fn section(records: &[Record]) -> BTreeSet<String> {
    records.iter().map(line).collect()
}

fn line(record: &Record) -> String {
    let owner = record.name.to_string().to_lowercase();
    format!("{owner} {} {} {} {}", record.ttl, record.dns_class, record.data.record_type(), rdata(&record.data))
}

/// The rdata as text; in lower case where it is made of names.
fn rdata(data: &RData) -> String {
    match data {
        RData::NS(_) | RData::CNAME(_) | RData::PTR(_) | RData::SOA(_) | RData::MX(_) | RData::SRV(_) => {
            data.to_string().to_lowercase()
        }
        RData::A(address) => address.to_string(),
        RData::AAAA(address) => address.to_string(),
        // Not its text, which some types make the same of different octets.
        _ => format!("{data:?}"),
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.rcode)?;
        for (flag, set) in [("aa", self.authoritative), ("tc", self.truncated), ("rd", self.recursion_desired)] {
            if set {
                write!(f, " {flag}")?;
            }
        }
        match self.edns {
            Some(version) => writeln!(f, " edns{version}")?,
            None => writeln!(f)?,
        }
        for (name, section) in [("answer", &self.answer), ("authority", &self.authority), ("additional", &self.additional)] {
            for record in section {
                writeln!(f, "      {name}: {record}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &[u8] = b"\x00\x07\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01X\x00\x00\x01\x00\x01";

    fn response(question: &[u8], address: u8) -> Vec<u8> {
        let header = b"\x00\x07\x84\x00\x00\x01\x00\x01\x00\x00\x00\x00";
        [&header[..], question, b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02", &[address]].concat()
    }

    #[test]
    fn another_address_is_another_view_and_another_case_in_the_question_is_none() {
        let question = &QUERY[12..];
        assert_eq!(View::of(QUERY, &response(question, 1)), View::of(QUERY, &response(question, 1)));
        assert_ne!(View::of(QUERY, &response(question, 1)), View::of(QUERY, &response(question, 2)));
        assert!(View::of(QUERY, &response(b"\x01x\x00\x00\x01\x00\x01", 1)).is_err_and(|error| error.contains("echo")));
        assert!(View::of(QUERY, QUERY).is_err_and(|error| error.contains("no response")));
    }
}
