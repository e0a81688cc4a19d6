//! What the response to a message says.
//!
//! [`respond`] is the whole server without a socket: octets in, octets out, and a [`Report`] of what happened for those
//! who count. Pure: the snapshot, the seconds and the draw are arguments, and equal arguments give equal octets.
//! Path of a query: `parse_query` -> `respond_to` -> `Answering::answer` -> `resolve` -> `routing::choose` ->
//! `Message::put_rrset` -> `put_opt`.
//! Sources: RFC 1034 §4.3.2, RFC 2308, RFC 6891, RFC 8906, RFC 9471.

mod answering;
mod chaos;
mod curtail;
mod message;
mod opt;
mod placement;
mod resolve;
mod tsig;

use std::net::IpAddr;

pub use self::curtail::curtail;

use self::answering::{Answering, Told};
use self::message::Message;
use self::opt::{ExtendedError, opt_len, put_opt};
use crate::places::client::{Client, ClientSource};
use crate::rate_limit::{Counted, Limited};
use crate::routing::Facts;
use crate::routing::chance::Chance;
use crate::routing::dependence::Dependence;
use crate::routing::draw::Draw;
use crate::routing::trace::{NoTrace, Step, Trace};
use crate::snapshot::Snapshot;
use crate::wire::edns::Edns;
use crate::wire::header::Rcode;
use crate::wire::name::Name;
use crate::wire::query::{Disposition, Malformed, MalformedKind, Query, Room, Signature, parse_query};
use crate::wire::rtype::{Class, RecordType};
use crate::wire::writer::Writer;
use crate::wire::{MESSAGE_MAX, UDP_MIN};
use crate::zone::tree::ZoneKey;

/// How the server presents itself and what it accepts; the same for every query until the next reload.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Answered to NSID (RFC 5001) and, as text, to `id.server. CH TXT` (RFC 4892); refused when none.
    pub nsid: Option<Box<[u8]>>,
    /// Answered to `version.bind.` and `version.server. CH TXT`; refused when none.
    pub version: Option<Box<[u8]>>,
    /// The largest UDP response sent, and the size announced in OPT (RFC 6891 §6.2.5); at least 512.
    pub udp_payload_size: u16,
    /// The secret behind server cookies (RFC 9018 §4).
    pub cookie_secret: [u8; 16],
    /// Adds the apex NS to positive answers, as Route 53 does.
    pub authority: bool,
    /// The idle timeout of streams in tenths of a second, for those who ask (RFC 7828).
    pub keepalive_tenths: u16,
}

/// Who asks, and by which transport.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    pub address: IpAddr,
    pub transport: Transport,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Udp,
    Tcp,
}

/// What became of one message, for counters and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Octets written to the output; 0 when nothing may be sent.
    pub len: usize,
    /// The extended response code; meaningless when nothing is sent.
    pub rcode: Rcode,
    /// The query type, where the message had a readable question.
    pub qtype: Option<RecordType>,
    /// TC was set.
    pub truncated: bool,
    /// Why the message was no query.
    pub malformed: Option<MalformedKind>,
    /// The zone that the question was put to, where it got that far.
    pub zone: Option<ZoneKey>,
    /// What it counts as where the rate of responses is limited.
    pub counted: Counted,
    /// The query had a server cookie that this server gave to this asker: it is who it says.
    pub has_cookie: bool,
    /// What the limit on the rate made of it, where it was over.
    pub limited: Option<Limited>,
}

/// All that an answer depends on besides the message and the draw.
#[derive(Clone, Copy)]
struct Context<'c> {
    snapshot: &'c Snapshot,
    identity: &'c Identity,
    asker: Asker,
    now_secs: u32,
}

/// The UDP payload size that avoids fragments on all but odd paths (DNS flag day 2020).
pub const UDP_PAYLOAD_SIZE: u16 = 1232;

/// Answers one message into `out`, which must hold at least 512 octets for UDP and should hold 65,535 for streams.
///
/// `now_secs` are seconds since 1970 (for cookies), `draw` the chance this query is given.
#[inline]
pub fn respond(
    snapshot: &Snapshot,
    identity: &Identity,
    message: &[u8],
    asker: &Asker,
    now_secs: u32,
    draw: Draw,
    out: &mut [u8],
) -> Report {
    respond_traced(snapshot, identity, message, asker, now_secs, draw, out, &mut NoTrace)
}

/// As [`respond`], telling `trace` why.
#[expect(clippy::too_many_arguments, reason = "purity: what an answer depends on is passed, and the trace beside it")]
#[inline]
pub fn respond_traced(
    snapshot: &Snapshot,
    identity: &Identity,
    message: &[u8],
    asker: &Asker,
    now_secs: u32,
    chance: impl Chance,
    out: &mut [u8],
    trace: &mut impl Trace,
) -> Report {
    let context = Context { snapshot, identity, asker: *asker, now_secs };
    let mut room = Room::new();
    match parse_query(message, &mut room) {
        Ok(query) => respond_to(&query, &context, chance, out, trace),
        Err(malformed) => refuse(&malformed, &context, out),
    }
}

/// Answers a well-formed query.
#[inline]
fn respond_to(query: &Query<'_>, context: &Context<'_>, chance: impl Chance, out: &mut [u8], trace: &mut impl Trace) -> Report {
    let edns = query.edns;
    let limit = size_limit(edns, context).min(out.len());
    let mut message = Message::begin(Writer::new(out, limit), Some(query.question.octets));
    let reserved = edns.map_or(0, |edns| opt_len(edns, context));
    message.writer.reserve(reserved);
    let told = tell(query, context, chance, &mut message, trace);
    message.writer.release(reserved);
    let report = |message: &Message<'_>| Report {
        len: 0,
        rcode: message.rcode,
        qtype: Some(query.question.qtype),
        truncated: message.is_truncated(),
        zone: told.zone,
        counted: told.counted,
        ..Report::UNANSWERED
    };
    finish(&mut message, edns, context, told, query.signature, (query.id, query.flags), report)
}

/// Puts OPT in, TSIG behind it, and the header on.
#[inline]
fn finish(
    message: &mut Message<'_>,
    edns: Option<&Edns>,
    context: &Context<'_>,
    told: Told,
    signature: Option<Signature<'_>>,
    (id, flags): ([u8; 2], u8),
    report: impl FnOnce(&Message<'_>) -> Report,
) -> Report {
    let mut has_cookie = false;
    if let Some(edns) = edns {
        let put = put_opt(message, edns, context, told.scope_prefix, told.error);
        debug_assert!(put.is_ok(), "room for OPT was reserved");
        has_cookie = put.unwrap_or(false);
    }
    if let Some(signature) = signature {
        tsig::put_unknown_key(message, signature);
    }
    let report = report(message);
    Report { len: message.finish(id, flags), has_cookie, ..report }
}

/// The most octets this asker takes.
#[inline]
fn size_limit(edns: Option<&Edns>, context: &Context<'_>) -> usize {
    match context.asker.transport {
        Transport::Tcp => MESSAGE_MAX,
        Transport::Udp => {
            let asked = edns.map_or(0, |edns| edns.payload_size);
            usize::from(asked.min(context.identity.udp_payload_size)).max(UDP_MIN)
        }
    }
}

/// Fills the sections, or says in the response code why not.
#[inline]
fn tell(
    query: &Query<'_>,
    context: &Context<'_>,
    chance: impl Chance,
    message: &mut Message<'_>,
    trace: &mut impl Trace,
) -> Told {
    let question = &query.question;
    if query.signature.is_some() {
        return Told::only(message, Rcode::NOTAUTH, None);
    }
    if query.edns.is_some_and(|edns| edns.version != 0) {
        return Told::only(message, Rcode::BADVERS, None);
    }
    match (question.qclass, question.qtype) {
        (Class::IN, RecordType::AXFR | RecordType::IXFR) => Told::only(message, Rcode::REFUSED, Some(ExtendedError::PROHIBITED)),
        (Class::IN, _) => tell_zone(query, context, chance, message, trace),
        (Class::CH, _) => chaos::tell(*question, context.identity, message),
        _ => Told::only(message, Rcode::REFUSED, None),
    }
}

/// RFC 1034 §4.3.2 step 2: the closest enclosing zone, or none of ours.
#[inline]
fn tell_zone(
    query: &Query<'_>,
    context: &Context<'_>,
    chance: impl Chance,
    message: &mut Message<'_>,
    trace: &mut impl Trace,
) -> Told {
    let question = &query.question;
    let catalog = context.snapshot.catalog.seen_by(context.asker.address);
    let Some(mut zone) = catalog.closest(question.name) else {
        trace.note(|| Step::NotOurs { name: name_of(question.name.as_wire()) });
        return Told::only(message, Rcode::REFUSED, Some(ExtendedError::NOT_AUTHORITATIVE));
    };
    // DS of an apex lives on the parent's side of the cut (RFC 4035 §3.1.4.1): in the next zone, if the cut is there.
    if question.qtype == RecordType::DS && zone.apex_len() == question.name.as_wire().len() {
        zone = catalog.above(question.name).filter(|parent| parent.has_cut(question.name)).unwrap_or(zone);
    }
    trace.note(|| Step::Zone { apex: zone.apex().clone() });
    let subnet = query.edns.and_then(|edns| edns.client_subnet.as_ref());
    let client = Client::of(subnet.and_then(|subnet| Some((subnet.address?, subnet.source_prefix))), context.asker.address);
    let depends = Dependence::new(client.source == ClientSource::Subnet);
    let Snapshot { health, maps, externals, .. } = context.snapshot;
    let facts = Facts { zone, health, maps, externals, client: &client, depends: &depends };
    Told { zone: Some(zone.zone_key()), ..Answering::new(facts, catalog, context, chance, message, trace).answer(question) }
}

/// Says to the sender of a malformed message what it is owed.
#[cold]
fn refuse(malformed: &Malformed<'_>, context: &Context<'_>, out: &mut [u8]) -> Report {
    let report = Report {
        rcode: Rcode::FORMERR,
        qtype: malformed.question.as_ref().map(|question| question.qtype),
        malformed: Some(malformed.kind),
        ..Report::UNANSWERED
    };
    let rcode = match malformed.kind.disposition() {
        Disposition::Drop => return report,
        // A message with EDNS and no question fetches a cookie (RFC 7873 §5.4).
        Disposition::Respond(_) if malformed.is_questionless && has_cookie(malformed) => Rcode::NOERROR,
        Disposition::Respond(rcode) => rcode,
    };
    let edns = malformed.edns;
    let writer = Writer::new(out, size_limit(edns, context));
    let mut message = Message::begin(writer, malformed.question.as_ref().map(|question| question.octets));
    let told = Told::only(&mut message, rcode, None);
    finish(&mut message, edns, context, told, None, (malformed.id, malformed.flags), |_| Report { rcode, ..report })
}

fn has_cookie(malformed: &Malformed<'_>) -> bool {
    malformed.edns.is_some_and(|edns| edns.client_cookie.is_some())
}

/// A looked-up name, for people.
fn name_of(wire: &[u8]) -> Name {
    Name::from_wire(wire).expect("a name that was parsed is valid")
}

impl Report {
    /// Nothing is sent, and nothing is known.
    pub const UNANSWERED: Self = Self {
        len: 0,
        rcode: Rcode::NOERROR,
        qtype: None,
        truncated: false,
        malformed: None,
        zone: None,
        counted: Counted::ERROR,
        has_cookie: false,
        limited: None,
    };
}

impl Default for Identity {
    /// Says nothing of itself; the secret is no secret until it is set.
    fn default() -> Self {
        Self {
            nsid: None,
            version: None,
            udp_payload_size: UDP_PAYLOAD_SIZE,
            cookie_secret: [0; 16],
            authority: false,
            keepalive_tenths: 0,
        }
    }
}
