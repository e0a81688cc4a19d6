//! A response as people read it: flags by name, records in presentation form.
//!
//! Decodes with `domain`, whose presentation form escapes every octet and knows every type that zones may hold;
//! hickory-proto's lacks some of them. Source: RFC 1035 §4.1 and §5.1, RFC 3597 §5.

use domain::base::message::RecordSection;
use domain::base::opt::AllOptData;
use domain::base::wire::ParseError;
use domain::base::zonefile_fmt::{DisplayKind, ZonefileFmt};
use domain::base::{Message, ParsedRecord, UnknownRecordData};
use domain::rdata::AllRecordData;

use super::report::{AnswerReport, ExtendedErrorReport, RecordReport, Scope};
use crate::wire::name::Name;
use crate::wire::rtype::{Class, RecordType};

/// Decodes the response `octets`.
///
/// # Errors
/// Where they are no DNS message.
pub fn decode(octets: &[u8]) -> Result<AnswerReport, ParseError> {
    let message = Message::from_octets(octets).map_err(|_| ParseError::ShortInput)?;
    let (_, answer, authority, additional) = message.sections()?;
    let mut report = AnswerReport {
        rcode: message.header().rcode().to_string(),
        flags: flags(&message),
        size: octets.len(),
        answer: records(answer)?,
        authority: records(authority)?,
        additional: records(additional)?,
        ..AnswerReport::default()
    };
    read_options(&message, &mut report);
    Ok(report)
}

fn flags(message: &Message<&[u8]>) -> Vec<String> {
    let header = message.header();
    let known = [("qr", header.qr()), ("aa", header.aa()), ("tc", header.tc()), ("rd", header.rd()), ("ra", header.ra())];
    known.into_iter().filter(|(_, set)| *set).map(|(name, _)| name.to_owned()).collect()
}

fn records(section: RecordSection<'_, &[u8]>) -> Result<Vec<RecordReport>, ParseError> {
    let mut reports = Vec::new();
    for record in section {
        let record = record?;
        if record.rtype().to_int() != RecordType::OPT.0 {
            reports.push(report_of(&record)?);
        }
    }
    Ok(reports)
}

fn report_of(record: &ParsedRecord<'_, &[u8]>) -> Result<RecordReport, ParseError> {
    let owner: Vec<u8> = record.owner().iter().flat_map(|label| [&[label.len() as u8], label.as_slice()].concat()).collect();
    let name = Name::from_wire(&owner).map_err(|_| ParseError::form_error("owner name"))?;
    Ok(RecordReport {
        name: name.to_string(),
        ttl: record.ttl().as_secs(),
        class: Class(record.class().to_int()).to_string(),
        rtype: RecordType(record.rtype().to_int()).to_string(),
        rdata: rdata(record)?,
    })
}

/// By its type's own form; as octets where the rdata is not what the type asks for (RFC 3597 §5).
fn rdata(record: &ParsedRecord<'_, &[u8]>) -> Result<String, ParseError> {
    if let Ok(known) = record.to_any_record::<AllRecordData<_, _>>() {
        return Ok(known.data().display_zonefile(DisplayKind::Simple).to_string());
    }
    let unknown = record.to_record::<UnknownRecordData<_>>()?.ok_or(ParseError::form_error("rdata"))?;
    Ok(unknown.data().display_zonefile(DisplayKind::Simple).to_string())
}

fn read_options(message: &Message<&[u8]>, report: &mut AnswerReport) {
    let Some(opt) = message.opt() else { return };
    for option in opt.opt().iter::<AllOptData<_, _>>().flatten() {
        match option {
            AllOptData::ClientSubnet(subnet) => {
                let (source, scope) = (subnet.source_prefix_len(), subnet.scope_prefix_len());
                report.client_subnet = Some(Scope { address: subnet.addr().to_string(), source, scope });
            }
            AllOptData::ExtendedError(error) => {
                report.extended_errors.push(ExtendedErrorReport { code: error.code().to_int(), text: error.to_string() });
            }
            _ => {}
        }
    }
}
