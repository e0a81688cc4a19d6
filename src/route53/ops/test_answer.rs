//! TestDNSAnswer: what a client would be answered now.
//!
//! The answer is the one that the answering code gives to the query of that client, read back out of its octets.
//! Invariant: nothing is decided here. Source: Route 53 API 2013-04-01, TestDNSAnswer.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use domain::base::rdata::ComposeRecordData;
use domain::base::wire::ParseError;
use domain::base::{Message, ParsedRecord, UnknownRecordData};
use domain::rdata::AllRecordData;
use ipnet::IpNet;

use super::{Context, Done};
use crate::answer::{Asker, Identity, Report, Transport, respond};
use crate::route53::account::zone::Zone;
use crate::route53::error::ApiError;
use crate::route53::name::parse_name;
use crate::route53::value::{Struct, Value};
use crate::route53::values::show_value;
use crate::routing::draw::Draw;
use crate::snapshot::Snapshot;
use crate::wire::MESSAGE_MAX;
use crate::wire::ask::encode_query;
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::catalog::Catalog;

pub(super) fn test(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let zone = context.zone(input.word("HostedZoneId"))?;
    let (said, kind) = (input.word("RecordName"), input.word("RecordType"));
    let name = parse_name(said).map_err(|fatal| ApiError::invalid_input(fatal.to_string()))?;
    let snapshot = only(zone, &name, context)?;
    let rtype: RecordType = kind.parse().map_err(|_| ApiError::invalid_input(format!("{kind} is no type of record.")))?;
    let subnet = input.text("EDNS0ClientSubnetIP").map(|ip| subnet(ip, input.text("EDNS0ClientSubnetMask"))).transpose()?;
    let resolver = input.text("ResolverIP").map_or(Ok(RESOLVER), address)?;
    let draw = Draw::new((context.random)() as u64);
    let query = encode_query(&name, rtype, subnet);
    let ask = |transport| ask(&snapshot, &query, Asker { address: resolver, transport }, draw);
    let over_udp = ask(Transport::Udp);
    let ((response, report), protocol) = match over_udp.1.truncated {
        true => (ask(Transport::Tcp), "TCP"),
        false => (over_udp, "UDP"),
    };
    let name_server = zone.record.name_servers.first().map_or("", |name| name.trim_end_matches('.'));
    let output = Struct::new()
        .with("Nameserver", name_server)
        .with("RecordName", said)
        .with("RecordType", kind)
        .with("RecordData", record_data(&response)?)
        .with("ResponseCode", report.rcode.to_string())
        .with("Protocol", protocol);
    Done::reading(output)
}

/// What is being served, without any other zone: this one is asked, whichever lie below or above it.
fn only(zone: &Zone, name: &Name, context: &Context<'_>) -> Result<Snapshot, ApiError> {
    // The words are waypost's own.
    let record = &zone.record;
    if record.private {
        return Err(ApiError::invalid_input("TestDNSAnswer supports public hosted zones only."));
    }
    let apex = parse_name(&record.name).map_err(|fatal| ApiError::internal(fatal.to_string()))?;
    if !name.is_at_or_below(&apex) {
        return Err(ApiError::invalid_input(format!("The record name is not in the hosted zone {}", record.name)));
    }
    let served = context.snapshot.catalog.zones().iter().find(|served| served.apex().to_lowercase() == apex);
    match served.filter(|_| context.account.is_served(record)) {
        Some(served) => Ok(Snapshot { catalog: Arc::new(Catalog::new(vec![served.clone()])), ..context.snapshot.clone() }),
        None => {
            let message = format!("The hosted zone {} is not served: an older one has the same name, {}", record.id, record.name);
            Err(ApiError::invalid_input(message))
        }
    }
}

fn ask(snapshot: &Snapshot, query: &[u8], asker: Asker, draw: Draw) -> (Vec<u8>, Report) {
    let mut out = vec![0; MESSAGE_MAX];
    // The query carries no cookie, so the time it is asked at does not matter.
    let now_secs = 0;
    let report = respond(snapshot, &Identity::default(), query, &asker, now_secs, draw, &mut out);
    out.truncate(report.len);
    (out, report)
}

/// The client's subnet: of 24 or 64 bits where no mask says otherwise.
fn subnet(ip: &str, mask: Option<&str>) -> Result<IpNet, ApiError> {
    let address = address(ip)?;
    let (default, most) = if address.is_ipv4() { (24, 32) } else { (64, 128) };
    let mask = mask.filter(|mask| !mask.is_empty());
    let len = mask.map_or(Ok(default), |mask| mask.trim().parse::<u8>().map_err(|_| ()));
    let net = len.and_then(|len| IpNet::new(address, len).map_err(|_| ()));
    net.map(|net| net.trunc()).map_err(|()| {
        let mask = mask.unwrap_or_default();
        ApiError::invalid_input(format!("The subnet mask {mask} is not valid: it must be between 0 and {most}."))
    })
}

fn address(ip: &str) -> Result<IpAddr, ApiError> {
    ip.parse().map_err(|_| ApiError::invalid_input(format!("The IP address {ip} is not valid.")))
}

/// Each record of the answer section, in the text form of its type.
fn record_data(response: &[u8]) -> Result<Value, ApiError> {
    let unread = |error: &dyn std::fmt::Display| ApiError::internal(format!("reading our own response: {error}"));
    let message = Message::from_octets(response).map_err(|error| unread(&error))?;
    let answer = message.answer().map_err(|error| unread(&error))?;
    let shown = answer.map(|record| {
        let record = record.map_err(|error| unread(&error))?;
        rdata(&record).map(|octets| show_value(RecordType(record.rtype().to_int()), &octets)).map_err(|error| unread(&error))
    });
    shown.collect::<Result<Vec<String>, ApiError>>().map(Value::from)
}

/// The rdata in octets, its names whole.
fn rdata(record: &ParsedRecord<'_, &[u8]>) -> Result<Vec<u8>, ParseError> {
    let mut octets = Vec::new();
    if let Ok(known) = record.to_any_record::<AllRecordData<_, _>>() {
        let Ok(()) = known.data().compose_rdata(&mut octets);
        return Ok(octets);
    }
    // Of no form that names can be compressed in.
    let unknown = record.to_record::<UnknownRecordData<_>>()?.ok_or(ParseError::form_error("rdata"))?;
    octets.extend_from_slice(unknown.data().data());
    Ok(octets)
}

/// Who asks where no resolver is said: one of no known place, where AWS takes one of its own in us-east-1.
const RESOLVER: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
