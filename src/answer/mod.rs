//! What the response to a message says.
//!
//! [`Answerer::respond`] is the whole server without a socket: octets in, octets out, and a [`Report`] of what happened for
//! those who count. Pure: the snapshot, the seconds and the draw are arguments, and equal arguments give equal octets.
//! Path of a query: `parse_plain` -> `respond_to` -> `zone_of` -> `Zone::exact` -> `routing::choose` -> `Plain::respond`. All
//! of it is one function when compiled, [`Answerer::respond`]. What few queries need is kept out, in functions of its own:
//! `respond_to_any`, and `respond_at_length` with `Answering`.
//! Sources: RFC 1034 §4.3.2, RFC 2308, RFC 6891, RFC 8906, RFC 9471.

mod ahead;
mod answering;
mod chaos;
mod curtail;
mod identity;
mod message;
mod opt;
mod placement;
mod plain;
mod report;
mod resolve;
mod told;
mod tsig;

use std::net::IpAddr;

pub use self::ahead::Ahead;
pub use self::curtail::curtail;
pub use self::identity::{Identity, UDP_PAYLOAD_SIZE};
pub use self::report::Report;

use self::answering::Answering;
use self::message::Message;
use self::opt::{ExtendedError, opt_len, put_opt};
use self::plain::{Plain, note_plain, note_wildcard, respond_several};
use self::resolve::{Outcome, Owner, other_at_node, resolve_found};
use self::told::{Told, counted};
use crate::places::client::{Client, ClientSource};
use crate::rate_limit::Limit;
use crate::routing::chance::Chance;
use crate::routing::dependence::Dependence;
use crate::routing::draw::Draw;
use crate::routing::trace::{NoTrace, Step, Trace};
use crate::routing::{Choice, Facts, choose};
use crate::snapshot::Snapshot;
use crate::wire::edns::{ClientSubnet, Edns};
use crate::wire::header::Rcode;
use crate::wire::name::Name;
use crate::wire::qname::QName;
use crate::wire::query::{Disposition, Malformed, Query, Question, Room, Signature, parse_plain, parse_query};
use crate::wire::rtype::{Class, RecordType};
use crate::wire::writer::Writer;
use crate::wire::{MESSAGE_MAX, UDP_MIN};
use crate::zone::catalog::Catalog;
use crate::zone::group::AnswerRef;
use crate::zone::rrset::Rrset;
use crate::zone::tree::Zone;

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

/// All that an answer depends on besides the message and the draw.
#[derive(Clone, Copy)]
struct Context<'c> {
    snapshot: &'c Snapshot,
    identity: &'c Identity,
    asker: &'c Asker,
    now_secs: u32,
}

/// What answers depend on that come together, and the room that one message after the other is read into.
pub struct Answerer<'s> {
    pub snapshot: &'s Snapshot,
    pub identity: &'s Identity,
    /// Seconds since 1970, for cookies.
    pub now_secs: u32,
    pub room: &'s mut Room,
}

impl Answerer<'_> {
    /// Answers one message into `out`, which must hold at least 512 octets for UDP and should hold 65,535 for streams;
    /// `draw` is the chance this query is given.
    #[inline(never)]
    pub fn respond(&mut self, message: &[u8], asker: &Asker, draw: Draw, out: &mut [u8]) -> Report {
        self.respond_traced(message, asker, draw, out, &mut NoTrace)
    }

    /// As [`Answerer::respond`], telling `trace` why.
    #[inline]
    pub fn respond_traced(
        &mut self,
        message: &[u8],
        asker: &Asker,
        mut chance: impl Chance,
        out: &mut [u8],
        trace: &mut impl Trace,
    ) -> Report {
        let context = Context { snapshot: self.snapshot, identity: self.identity, asker, now_secs: self.now_secs };
        match parse_plain(message, self.room) {
            Some(query) => respond_to(&query, &context, &mut chance, out, trace),
            None => respond_to_any(message, context, &mut chance, out, trace),
        }
    }
}

/// As [`Answerer::respond`], to a message that came alone.
pub fn respond(
    snapshot: &Snapshot,
    identity: &Identity,
    message: &[u8],
    asker: &Asker,
    now_secs: u32,
    draw: Draw,
    out: &mut [u8],
) -> Report {
    Answerer { snapshot, identity, now_secs, room: &mut Room::new() }.respond(message, asker, draw, out)
}

/// As [`respond`], telling `trace` why.
#[expect(clippy::too_many_arguments, reason = "purity: what an answer depends on is passed, and the trace beside it")]
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
    Answerer { snapshot, identity, now_secs, room: &mut Room::new() }.respond_traced(message, asker, chance, out, trace)
}

/// Answers what is no plain query, or says why not.
#[cold]
#[inline(never)]
fn respond_to_any(
    message: &[u8],
    context: Context<'_>,
    chance: &mut impl Chance,
    out: &mut [u8],
    trace: &mut impl Trace,
) -> Report {
    let mut room = Room::new();
    match parse_query(message, &mut room) {
        Ok(query) => respond_to(&query, &context, chance, out, trace),
        Err(malformed) => refuse(&malformed, &context, out),
    }
}

/// Answers a well-formed query: RFC 1034 §4.3.2 step 2, the closest enclosing zone, or none of ours; then step 3.
#[inline(always)]
fn respond_to(
    query: &Query<'_>,
    context: &Context<'_>,
    chance: &mut impl Chance,
    out: &mut [u8],
    trace: &mut impl Trace,
) -> Report {
    let Some((zone, catalog)) = zone_of(query, context) else {
        return respond_refused(*query, *context, out, trace);
    };
    trace.note(|| Step::Zone { apex: zone.apex().clone() });
    let (name, qtype) = (query.question.name, query.question.qtype);
    let asked = || Asked { zone, catalog, name, qtype, subnet: query.edns.and_then(|edns| edns.client_subnet.as_ref()) };
    let outcome = match respond_at_once(query, zone, context, out, trace) {
        Ok(report) => return report,
        Err(outcome) => outcome,
    };
    let plain = match outcome {
        Outcome::Hit(owner, answer) => {
            note_wildcard(zone, owner, trace);
            let mut scope_prefix = 0;
            let choice = match answer {
                AnswerRef::Rrset(at) => note_plain(zone, owner, at, trace),
                AnswerRef::Group(_) => route(answer, &asked(), *context, &mut scope_prefix, chance, trace),
            };
            match choice.rrsets() {
                &[one] if is_plain(&zone.rrset(one), context) => {
                    let rrset = zone.rrset(one);
                    let ttl_secs = choice.bounded(rrset.ttl_secs());
                    Plain::answer(rrset, owner, name).within(ttl_secs, scope_prefix)
                }
                several => {
                    if several.len() > 1
                        && owner.encloser_len.is_none()
                        && let Some(report) = respond_several(query, (&choice, scope_prefix), zone, context, out)
                    {
                        return report;
                    }
                    let chosen = (Outcome::Hit(owner, answer), Some((choice, scope_prefix)));
                    return respond_at_length(*query, chosen, &asked(), *context, chance, out, trace);
                }
            }
        }
        Outcome::NoData(owner) => {
            trace.note(|| Step::NoData { name: name_of(name.as_wire()), rtype: qtype });
            Plain::no_data(zone, owner, name) // RFC 2308 §2.2
        }
        Outcome::NameError => {
            trace.note(|| Step::NameError { name: name_of(name.as_wire()) });
            Plain::name_error(zone, name) // step 3c, RFC 2308 §2.1
        }
        outcome => return respond_at_length(*query, (outcome, None), &asked(), *context, chance, out, trace),
    };
    match plain.respond(query, zone, context, out) {
        Some(report) => report,
        None => respond_otherwise(*query, plain, zone, *context, chance, out),
    }
}

/// Answers what most ask for, an RRset that stands at the name and of which nothing is known only now; else says what
/// becomes of the name.
#[inline(always)]
fn respond_at_once(
    query: &Query<'_>,
    zone: &Zone,
    context: &Context<'_>,
    out: &mut [u8],
    trace: &mut impl Trace,
) -> Result<Report, Outcome> {
    let (name, qtype) = (query.question.name, query.question.qtype);
    let found = match zone.exact(name) {
        Ok(found) => found,
        Err(other) => return Err(resolve_found(zone.other(name, other), zone, name, qtype)),
    };
    let owner = Owner { node: found.number(), encloser_len: None };
    let Some(answer) = found.answer(qtype) else { return Err(other_at_node(zone, owner, qtype)) };
    if let AnswerRef::Rrset(at) = answer
        && let rrset = zone.rrset(at)
        && is_plain(&rrset, context)
        && let Some(report) = Plain::answer(rrset, owner, name).respond(query, zone, context, out)
    {
        note_plain(zone, owner, at, trace);
        return Ok(report);
    }
    Err(Outcome::Hit(owner, answer))
}

/// The zone that the question is put to, and where it was found; none if it is not answered.
#[inline(always)]
fn zone_of<'c>(query: &Query<'_>, context: &Context<'c>) -> Option<(&'c Zone, &'c Catalog)> {
    let Question { name, qtype, qclass, .. } = query.question;
    let is_refused = query.signature.is_some()
        || query.edns.is_some_and(|edns| edns.version != 0)
        || qclass != Class::IN
        || matches!(qtype, RecordType::AXFR | RecordType::IXFR);
    if is_refused {
        return None;
    }
    let catalog = context.snapshot.catalog.seen_by(context.asker.address);
    let zone = catalog.closest(name)?;
    let zone = if qtype == RecordType::DS { zone_of_ds(zone, catalog, name) } else { zone };
    Some((zone, catalog))
}

/// Says why the question is put to no zone.
#[inline(never)]
fn respond_refused(query: Query<'_>, context: Context<'_>, out: &mut [u8], trace: &mut impl Trace) -> Report {
    let question = query.question;
    respond_with(&query, &context, out, |message| match (question.qclass, question.qtype) {
        _ if query.signature.is_some() => Told::only(message, Rcode::NOTAUTH, None),
        _ if query.edns.is_some_and(|edns| edns.version != 0) => Told::only(message, Rcode::BADVERS, None),
        (Class::IN, RecordType::AXFR | RecordType::IXFR) => Told::only(message, Rcode::REFUSED, Some(ExtendedError::PROHIBITED)),
        (Class::IN, _) => {
            trace.note(|| Step::NotOurs { name: name_of(question.name.as_wire()) });
            Told::only(message, Rcode::REFUSED, Some(ExtendedError::NOT_AUTHORITATIVE))
        }
        (Class::CH, _) => chaos::tell(question, context.identity, message),
        _ => Told::only(message, Rcode::REFUSED, None),
    })
}

/// Answers with one RRset whose RRs are rotated by chance, or have another TTL, or do not fit.
#[inline(never)]
fn respond_otherwise(
    query: Query<'_>,
    plain: Plain<'_>,
    zone: &Zone,
    context: Context<'_>,
    chance: &mut impl Chance,
    out: &mut [u8],
) -> Report {
    respond_with(&query, &context, out, |message| {
        message.set_authoritative(true);
        message.rcode = plain.rcode;
        let is_put = plain.put(chance, message).is_ok();
        if !is_put {
            message.set_truncated();
        }
        // Nobody is told that there is no data where the SOA does not fit.
        let limit = if is_put || plain.limit != Limit::NoData { plain.limit } else { Limit::Responses };
        let counted = counted(limit, query.question.name, plain.counted_len);
        Told { scope_prefix: plain.scope_prefix, error: None, zone: Some(zone.zone_key()), counted }
    })
}

/// Writes the response whose sections `tell` fills.
#[inline]
fn respond_with(query: &Query<'_>, context: &Context<'_>, out: &mut [u8], tell: impl FnOnce(&mut Message<'_>) -> Told) -> Report {
    let edns = query.edns;
    let limit = size_limit(edns, context).min(out.len());
    let mut message = Message::begin(Writer::new(out, limit), Some(query.question.octets));
    let reserved = edns.map_or(0, |edns| opt_len(edns, context));
    message.writer.reserve(reserved);
    let told = tell(&mut message);
    message.writer.release();
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

/// What was asked, of whom, and for whom.
struct Asked<'a> {
    zone: &'a Zone,
    catalog: &'a Catalog,
    name: &'a QName,
    qtype: RecordType,
    subnet: Option<&'a ClientSubnet>,
}

/// Whether nothing goes out beside the RRset.
#[inline]
fn is_plain(rrset: &Rrset<'_>, context: &Context<'_>) -> bool {
    !context.identity.authority && !rrset.has_links()
}

/// Asks routing, and says for how many bits of the client's subnet that holds.
#[inline(never)]
fn route(
    answer: AnswerRef,
    asked: &Asked<'_>,
    context: Context<'_>,
    scope_prefix: &mut u8,
    chance: &mut impl Chance,
    trace: &mut impl Trace,
) -> Choice {
    let client = client(asked, &context);
    let depends = Dependence::new(client.source == ClientSource::Subnet);
    let choice = choose(answer, facts(asked, &context, &client, &depends), chance, trace);
    *scope_prefix = depends.prefix_len();
    choice
}

/// Answers what takes more than one name or section; what routing chose for the name asked for is known already.
#[inline(never)]
fn respond_at_length(
    query: Query<'_>,
    (outcome, chosen): (Outcome, Option<(Choice, u8)>),
    asked: &Asked<'_>,
    context: Context<'_>,
    chance: &mut impl Chance,
    out: &mut [u8],
    trace: &mut impl Trace,
) -> Report {
    let client = client(asked, &context);
    let depends = Dependence::new(client.source == ClientSource::Subnet);
    let facts = facts(asked, &context, &client, &depends);
    respond_with(&query, &context, out, |message| {
        message.set_authoritative(true);
        let mut answering = Answering::new(facts, asked.catalog, &context, chance, message, trace);
        let told = match (outcome, chosen) {
            (Outcome::Hit(owner, answer), Some((choice, scope_prefix))) => {
                depends.on(scope_prefix);
                answering.answer_chosen(owner, answer, &choice, asked.name, asked.qtype)
            }
            (outcome, _) => answering.answer(outcome, asked.name, asked.qtype),
        };
        Told { zone: Some(asked.zone.zone_key()), ..told }
    })
}

#[inline(always)]
fn client(asked: &Asked<'_>, context: &Context<'_>) -> Client {
    match asked.subnet {
        Some(&ClientSubnet { address: Some(address), source_prefix }) => {
            Client::of(Some((address, source_prefix)), context.asker.address)
        }
        _ => Client::of(None, context.asker.address),
    }
}

#[inline]
fn facts<'f>(asked: &Asked<'f>, context: &Context<'f>, client: &'f Client, depends: &'f Dependence) -> Facts<'f> {
    let Snapshot { health, maps, externals, .. } = context.snapshot;
    Facts { zone: asked.zone, health, maps, externals, client, depends }
}

/// DS of an apex lives on the parent's side of the cut (RFC 4035 §3.1.4.1): in the next zone, if the cut is there.
#[cold]
fn zone_of_ds<'c>(zone: &'c Zone, catalog: &'c Catalog, name: &QName) -> &'c Zone {
    if zone.apex_len() != name.as_wire().len() {
        return zone;
    }
    catalog.above(name).filter(|parent| parent.has_cut(name)).unwrap_or(zone)
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
