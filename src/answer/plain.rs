//! The plainest answers: one RRset for the name asked for, or the SOA that says that there is none.
//!
//! Takes no other name and no second section: see `answering`. Most are written here in one go, as what goes in is known
//! and so is whether it fits; the others by [`Plain::put`], RR by RR as all else is. Invariant: where both can write an
//! answer they write the same. Sources: RFC 1034 §4.3.2 step 3a, RFC 2308 §3.

use super::message::{Form, Message, ONE_QUESTION, Section, header, move_pointers};
use super::opt::{opt_len, write_opt};
use super::placement::Placement;
use super::resolve::Owner;
use super::told::counted;
use super::{Context, Report, size_limit};
use crate::rate_limit::Limit;
use crate::routing::Choice;
use crate::routing::chance::Chance;
use crate::routing::trace::{Step, Trace};
use crate::wire::header::{AA, Rcode};
use crate::wire::qname::QName;
use crate::wire::query::{Query, Question};
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
    #[inline]
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
        let Question { octets: question, name, qtype, .. } = query.question;
        let records = self.rrset.records;
        let body = HEADER_LEN + question.len();
        let end = body + records.len();
        let len = end + query.edns.map_or(0, |edns| opt_len(edns, context));
        let fits = len <= UDP_MIN || len <= size_limit(query.edns, context);
        if !fits || self.rrset.count() != 1 || self.ttl_secs.is_some() {
            return None;
        }
        let out = out.get_mut(..len)?;
        copy(&mut out[HEADER_LEN..body], question);
        copy(&mut out[body..end], records);
        if !self.place.is_question() {
            move_pointers(&mut out[body..end], self.rrset, self.place.first(), self.place.moved()?);
        }
        let mut counts = ONE_QUESTION + self.section.one();
        let mut has_cookie = false;
        if let Some(edns) = query.edns {
            has_cookie = write_opt(out, end, edns, context, self.rcode, self.scope_prefix);
            counts += Section::Additional.one();
        }
        *out.first_chunk_mut()? = header(query.id, query.flags, AA, self.rcode, counts);
        Some(Report {
            len,
            rcode: self.rcode,
            qtype: Some(qtype),
            zone: Some(zone.zone_key()),
            counted: counted(self.limit, name, self.counted_len),
            has_cookie,
            ..Report::UNANSWERED
        })
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
