//! The plainest answers: one RRset for the name asked for, several members of a group, or the SOA that says that there is
//! none.
//!
//! Takes no other name and no second section: see `answering`. Most are written here in one go, as what goes in is known
//! and so is whether it fits; the others by [`Plain::put`] or in `answering`, RR by RR as all else is. Invariant: where
//! both can write an answer they write the same. Sources: RFC 1034 §4.3.2 step 3a, RFC 2308 §3.

use std::ops::Range;

use super::message::{Form, Message, ONE_QUESTION, Section, header, move_pointers};
use super::opt::{opt_len, write_opt};
use super::placement::Placement;
use super::resolve::Owner;
use super::told::counted;
use super::{Context, Report, is_plain, size_limit};
use crate::rate_limit::Limit;
use crate::routing::Choice;
use crate::routing::chance::Chance;
use crate::routing::trace::{Step, Trace};
use crate::wire::header::{AA, Rcode};
use crate::wire::qname::QName;
use crate::wire::query::Query;
use crate::wire::writer::{Full, copy};
use crate::wire::{HEADER_LEN, UDP_MIN};
use crate::zone::rrset::{Rrset, RrsetRef};
use crate::zone::tree::Zone;

/// An answer of one RRset.
#[derive(Clone, Copy)]
pub(super) struct Plain<'z> {
    rrset: Rrset<'z>,
    section: Section,
    /// Where the owner's name lies: in the question.
    place: Placement,
    /// Seconds instead of the RRset's own.
    ttl_secs: Option<u32>,
    /// For how many bits of the client's subnet it holds.
    pub scope_prefix: u8,
    pub rcode: Rcode,
    /// What it counts as where the rate of responses is limited, and by how many octets at the name's end.
    pub limit: Limit,
    pub counted_len: usize,
}

impl<'z> Plain<'z> {
    /// An RRset that stands at `owner`, for `name`.
    #[inline]
    pub fn answer(rrset: Rrset<'z>, owner: Owner, name: &QName) -> Self {
        Self {
            rrset,
            section: Section::Answer,
            place: owner.placement(name, Placement::QUESTION),
            ttl_secs: None,
            scope_prefix: 0,
            rcode: Rcode::NOERROR,
            limit: Limit::Responses,
            counted_len: owner.source_len(),
        }
    }

    /// There is nothing of the type asked for.
    #[inline]
    pub fn no_data(zone: &'z Zone, owner: Owner, name: &QName) -> Self {
        let (rcode, limit, counted_len) = (Rcode::NOERROR, Limit::NoData, owner.source_len());
        Self { rcode, limit, counted_len, ..Self::name_error(zone, name) }
    }

    /// There is no such name.
    #[inline(always)]
    pub fn name_error(zone: &'z Zone, name: &QName) -> Self {
        Self {
            rrset: zone.rrset(zone.soa().negative),
            section: Section::Authority,
            place: Placement::QUESTION.suffix(name.as_wire().len() - zone.apex_len(), &[]),
            ttl_secs: None,
            scope_prefix: 0,
            rcode: Rcode::NXDOMAIN,
            limit: Limit::NxDomains,
            counted_len: zone.apex_len(),
        }
    }

    /// The same with another TTL, and for clients that share so many bits of their address with this one.
    #[inline]
    pub fn within(self, ttl_secs: Option<u32>, scope_prefix: u8) -> Self {
        Self { ttl_secs, scope_prefix, ..self }
    }

    /// Writes the whole response. None if it does not fit or more is to be done: [`Plain::put`] does that.
    #[inline(always)]
    pub fn respond(self, query: &Query<'_>, zone: &Zone, context: &Context<'_>, out: &mut [u8]) -> Option<Report> {
        let Self { rrset, section, scope_prefix, rcode, limit, counted_len, .. } = self;
        if rrset.count() != 1 || self.ttl_secs.is_some() {
            return None;
        }
        let (out, records) = begin(query, rrset.records.len(), context, out)?;
        copy(&mut out[records.clone()], rrset.records);
        if !self.place.is_question() {
            move_pointers(&mut out[records.clone()], rrset, self.place.first(), self.place.moved()?);
        }
        let around = Around { counts: ONE_QUESTION + section.one(), scope_prefix, rcode, limit, counted_len };
        Some(around.finish(query, records.end, zone, context, out))
    }

    /// Puts the RRset in; its RRs are rotated by chance.
    pub fn put(&self, chance: &mut impl Chance, message: &mut Message<'_>) -> Result<(), Full> {
        let first = match self.rrset.count() {
            1 => 0,
            count => chance.order(count.into()) as u16,
        };
        let form = Form { owner: self.place, first, ttl_secs: self.ttl_secs };
        message.put_rrset(self.section, &self.rrset, form).map(drop)
    }
}

/// What goes around the records of a response that is written in one go.
struct Around {
    /// Of the question and the records.
    counts: u64,
    scope_prefix: u8,
    rcode: Rcode,
    limit: Limit,
    counted_len: usize,
}

/// Writes the question, and gives the octets of the response and where in them the records go; None if they do not fit.
#[inline(always)]
fn begin<'o>(
    query: &Query<'_>,
    records_len: usize,
    context: &Context<'_>,
    out: &'o mut [u8],
) -> Option<(&'o mut [u8], Range<usize>)> {
    let question = query.question.octets;
    let body = HEADER_LEN + question.len();
    let end = body + records_len;
    // `map_or` is called, where this is inlined.
    let opt_len = match query.edns {
        Some(edns) => opt_len(edns, context),
        None => 0,
    };
    let len = end + opt_len;
    let fits = len <= UDP_MIN || len <= size_limit(query.edns, context);
    if !fits {
        return None;
    }
    let out = out.get_mut(..len)?;
    copy(&mut out[HEADER_LEN..body], question);
    Some((out, body..end))
}

impl Around {
    /// Writes what is behind the records, which end at `end`, and the header.
    #[inline(always)]
    fn finish(self, query: &Query<'_>, end: usize, zone: &Zone, context: &Context<'_>, out: &mut [u8]) -> Report {
        let Self { mut counts, scope_prefix, rcode, limit, counted_len } = self;
        let mut has_cookie = false;
        if let Some(edns) = query.edns {
            has_cookie = write_opt(out, end, edns, context, rcode, scope_prefix);
            counts += Section::Additional.one();
        }
        out[..HEADER_LEN].copy_from_slice(&header(query.id, query.flags, AA, rcode, counts));
        Report {
            len: out.len(),
            rcode,
            qtype: Some(query.question.qtype),
            zone: Some(zone.zone_key()),
            counted: counted(limit, query.question.name, counted_len),
            has_cookie,
            ..Report::UNANSWERED
        }
    }
}

/// Writes the whole response with several members of a group that stands at the name: RRsets of one RR each, and of one TTL.
/// None if it does not fit or more is to be done.
#[inline(never)]
pub(super) fn respond_several(
    query: &Query<'_>,
    (choice, scope_prefix): (&Choice, u8),
    zone: &Zone,
    context: &Context<'_>,
    out: &mut [u8],
) -> Option<Report> {
    let rrsets = choice.rrsets();
    let ttl_secs = zone.rrset(*rrsets.first()?).ttl_secs();
    if choice.has_twins() || choice.bounded(ttl_secs).is_some() {
        return None;
    }
    let mut records_len = 0;
    for at in rrsets {
        let rrset = zone.rrset(*at);
        if rrset.count() != 1 || rrset.ttl_secs() != ttl_secs || !is_plain(&rrset, context) {
            return None;
        }
        records_len += rrset.records.len();
    }
    let (out, Range { start: mut at, end }) = begin(query, records_len, context, out)?;
    for rrset in rrsets {
        let records = zone.rrset(*rrset).records;
        copy(&mut out[at..at + records.len()], records);
        at += records.len();
    }
    let counts = ONE_QUESTION + Section::Answer.one() * rrsets.len() as u64;
    let around = Around { counts, scope_prefix, rcode: Rcode::NOERROR, limit: Limit::Responses, counted_len: 0 };
    Some(around.finish(query, end, zone, context, out))
}

/// The SOA that says how long a negative answer holds (RFC 2308 §3); `name` lies at `place`.
pub(super) fn put_soa(zone: &Zone, name: &QName, place: Placement, message: &mut Message<'_>) -> Result<(), Full> {
    let soa = zone.rrset(zone.soa().negative);
    let apex = place.suffix(name.as_wire().len() - zone.apex_len(), message.written());
    message.put_rrset(Section::Authority, &soa, Form::at(apex)).map(drop)
}

/// Tells which wildcard answers, if one does.
#[inline]
pub(super) fn note_wildcard(zone: &Zone, owner: Owner, trace: &mut impl Trace) {
    if owner.encloser_len.is_some() {
        trace.note(|| Step::Wildcard { source: zone.name_of(owner.node) });
    }
}

/// An RRset that stands at the owner answers without routing.
#[inline]
pub(super) fn note_plain(zone: &Zone, owner: Owner, at: RrsetRef, trace: &mut impl Trace) -> Choice {
    trace.note(|| {
        let rrset = zone.rrset(at);
        Step::Plain { name: zone.name_of(owner.node), rtype: rrset.rtype(), values: rrset.count() }
    });
    Choice::one(at)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::answer::{Asked, Asker, Identity, Transport, resolve, respond_at_length, respond_otherwise, route};
    use crate::ids::SetIdentifier;
    use crate::routing::draw::Draw;
    use crate::routing::trace::NoTrace;
    use crate::snapshot::Snapshot;
    use crate::wire::name::Name;
    use crate::wire::query::{Question, Room, parse_plain};
    use crate::wire::rtype::RecordType;
    use crate::zone::compile::{Tables, compile};
    use crate::zone::group::AnswerRef;
    use crate::zone::hosted_zone::HostedZone;
    use crate::zone::record_set::{RdataList, RecordSet, RoutingPolicy, Ttl};

    fn name(text: &str) -> Name {
        let origin = Name::parse("example.org.", None).expect("a valid name");
        Name::parse(text, Some(&origin)).expect("the test's names are valid")
    }

    fn record_set(owner: &str, rtype: RecordType, rdata: &[u8]) -> RecordSet {
        RecordSet::simple(name(owner), rtype, Ttl::new(60).expect("in range"), RdataList::new([rdata]))
    }

    /// A multivalue member.
    fn member(owner: &str, last: u8, ttl_secs: i64) -> RecordSet {
        let (ttl, rdata) = (Ttl::new(ttl_secs).expect("in range"), RdataList::new([[192, 0, 2, last]]));
        RecordSet {
            set_identifier: SetIdentifier::new(&last.to_string()).ok(),
            policy: RoutingPolicy::Multivalue,
            ..RecordSet::simple(name(owner), RecordType::A, ttl, rdata)
        }
    }

    fn zone() -> Zone {
        let soa = [name("ns1").as_wire(), name("hostmaster").as_wire(), &[0; 20]].concat();
        let record_sets = vec![
            record_set("@", RecordType::SOA, &soa),
            record_set("@", RecordType::NS, name("ns1").as_wire()),
            record_set("www", RecordType::A, &[192, 0, 2, 1]),
            record_set("www", RecordType::TXT, &[[200].as_slice(), &[b'x'; 200]].concat()),
            record_set("*.wild", RecordType::A, &[192, 0, 2, 2]),
            record_set("*.wild", RecordType::PTR, name("a.wild").as_wire()),
            member("many", 1, 60),
            member("many", 2, 60),
            member("many", 3, 60),
            member("twins", 1, 60),
            RecordSet { set_identifier: SetIdentifier::new("2").ok(), ..member("twins", 1, 60) },
            member("ttls", 1, 60),
            member("ttls", 2, 61),
        ];
        let hosted =
            HostedZone { name: name("@"), record_sets, hidden: 0, groups: BTreeMap::new(), files: vec![Arc::from("a test")] };
        let tables = Tables { health: &|_| None, gate: &|_, _, _| None, map: &|_| None, external: &|_, _| None };
        compile(&hosted, &tables).expect("the test's zone compiles")
    }

    /// What is said of the name and type, if it is said plainly.
    fn plain<'z>(zone: &'z Zone, name: &QName, qtype: RecordType) -> Plain<'z> {
        match resolve::resolve(zone, name, qtype) {
            resolve::Outcome::Hit(owner, AnswerRef::Rrset(at)) => Plain::answer(zone.rrset(at), owner, name),
            resolve::Outcome::NoData(owner) => Plain::no_data(zone, owner, name),
            resolve::Outcome::NameError => Plain::name_error(zone, name),
            other => panic!("{other:?} is not plain"),
        }
    }

    /// Queries for it with and without EDNS, with options and without.
    fn queries(owner: &str, qtype: RecordType) -> Vec<Vec<u8>> {
        let options: [&[u8]; 4] =
            [&[], &[0, 3, 0, 0], &[0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8], &[0, 8, 0, 7, 0, 1, 24, 0, 192, 0, 2]];
        let query = |options: Option<&[u8]>| {
            let mut message = vec![7, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(options.is_some())];
            message.extend([name(owner).as_wire(), &qtype.0.to_be_bytes(), &[0, 1]].concat());
            if let Some(options) = options {
                message.extend([&[0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, options.len() as u8], options].concat());
            }
            message
        };
        [None].into_iter().chain(options.map(Some)).map(query).collect()
    }

    #[test]
    fn what_is_written_in_one_go_is_what_is_put_in_rr_by_rr() {
        let (zone, snapshot) = (zone(), Snapshot::default());
        let identity = Identity { nsid: Some(b"here".as_slice().into()), ..Identity::default() };
        let mut written = 0;
        let owners = ["www", "x.wild", "y.x.wild", "wild", "missing", "x.www", "@"];
        let types = [RecordType::A, RecordType::TXT, RecordType::PTR];
        for (owner, qtype) in owners.iter().flat_map(|owner| types.map(|qtype| (*owner, qtype))) {
            for (message, transport) in
                queries(owner, qtype).iter().flat_map(|message| [(message, Transport::Udp), (message, Transport::Tcp)])
            {
                let asker = Asker { address: [192, 0, 2, 53].into(), transport };
                let context = Context { snapshot: &snapshot, identity: &identity, asker: &asker, now_secs: 1_700_000_000 };
                let mut room = Room::new();
                let query = parse_plain(message, &mut room).expect("it is plain");
                let plain = plain(&zone, query.question.name, qtype).within(None, 20);
                for room in [512, 250, 65_535] {
                    let (mut at_once, mut put) = (vec![0xaa; room], vec![0x55; room]);
                    let Some(one) = plain.respond(&query, &zone, &context, &mut at_once) else { continue };
                    let other = respond_otherwise(query, plain, &zone, context, &mut Draw::new(5), &mut put);
                    assert_eq!(one, other, "{message:?}");
                    assert_eq!(at_once[..one.len], put[..one.len], "{message:?}");
                    written += 1;
                }
            }
        }
        assert!(written > 500, "{written}");
    }

    #[test]
    fn members_written_in_one_go_are_put_in_alike_one_by_one() {
        let (zone, snapshot, identity) = (zone(), Snapshot::default(), Identity::default());
        let asker = Asker { address: [192, 0, 2, 53].into(), transport: Transport::Udp };
        let context = Context { snapshot: &snapshot, identity: &identity, asker: &asker, now_secs: 1_700_000_000 };
        let mut written = 0;
        for (owner, number) in ["many", "twins", "ttls"].iter().flat_map(|owner| (0..40).map(move |number| (*owner, number))) {
            for message in queries(owner, RecordType::A) {
                let mut room = Room::new();
                let query = parse_plain(&message, &mut room).expect("it is plain");
                let Question { name, qtype, .. } = query.question;
                let subnet = query.edns.and_then(|edns| edns.client_subnet.as_ref());
                let asked = Asked { zone: &zone, catalog: &snapshot.catalog, name, qtype, subnet };
                let resolve::Outcome::Hit(owner, answer) = resolve::resolve(&zone, name, qtype) else { panic!("it is there") };
                let draw = || Draw::new(u64::MAX / 41 * number);
                let choice = route(answer, &asked, context, &mut 0, &mut draw(), &mut NoTrace);
                for room in [512, 80, 4_096] {
                    let (mut at_once, mut put) = (vec![0xaa; room], vec![0x55; room]);
                    let Some(one) = respond_several(&query, (&choice, 20), &zone, &context, &mut at_once) else { continue };
                    let chosen = (resolve::Outcome::Hit(owner, answer), Some((choice, 20)));
                    let other = respond_at_length(query, chosen, &asked, context, &mut draw(), &mut put, &mut NoTrace);
                    assert_eq!(one, other, "{message:?}");
                    assert_eq!(at_once[..one.len], put[..one.len], "{message:?}");
                    written += 1;
                }
            }
        }
        assert_eq!(written, 40 * 5 * 2, "those of `many`, where there is room");
    }
}
