//! The CHAOS class: who this server says it is, if its operator lets it.
//!
//! Source: RFC 4892; refused unless configured, as most operators want it.

use super::Identity;
use super::message::{Message, Section, Synthesized};
use super::opt::ExtendedError;
use super::told::Told;
use crate::wire::HEADER_LEN;
use crate::wire::header::Rcode;
use crate::wire::query::Question;
use crate::wire::rtype::{Class, RecordType};

/// Answers `version.bind`, `version.server`, `id.server` and `hostname.bind`.
#[cold]
pub(super) fn tell(question: Question<'_>, identity: &Identity, message: &mut Message<'_>) -> Told {
    let text = match question.name.as_wire() {
        b"\x07version\x04bind\x00" | b"\x07version\x06server\x00" => identity.version.as_deref(),
        b"\x02id\x06server\x00" | b"\x08hostname\x04bind\x00" => identity.nsid.as_deref(),
        _ => None,
    };
    let Some(text) = text.filter(|_| matches!(question.qtype, RecordType::TXT | RecordType::ANY)) else {
        return Told::only(message, Rcode::REFUSED, Some(ExtendedError::PROHIBITED));
    };
    let text = &text[..text.len().min(255)];
    let rdata = [&[text.len() as u8], text].concat();
    let record = Synthesized { rtype: RecordType::TXT, class: Class::CH, ttl_secs: 0, rdata: &rdata };
    message.set_authoritative(true);
    match message.put_record(Section::Answer, HEADER_LEN as u16, record) {
        Ok(_) => {}
        Err(_) => message.set_truncated(),
    }
    Told::NOTHING_MORE
}
