//! The plainest answers: one RRset for the name asked for, and the SOA that says that there is none.
//!
//! Neither takes another name or section: see `answering`. Sources: RFC 1034 §4.3.2 step 3a, RFC 2308 §3.

use super::message::{Form, Message, Section};
use super::placement::Placement;
use super::resolve::Owner;
use crate::routing::Choice;
use crate::routing::chance::Chance;
use crate::routing::trace::{Step, Trace};
use crate::wire::qname::QName;
use crate::wire::writer::Full;
use crate::zone::rrset::RrsetRef;
use crate::zone::tree::Zone;

/// Puts in the one RRset chosen for `name`, which was asked for; its RRs are rotated by chance.
#[inline]
pub(super) fn put_plain(
    (zone, at): (&Zone, RrsetRef),
    owner: Owner,
    name: &QName,
    choice: &Choice,
    mut chance: impl Chance,
    message: &mut Message<'_>,
) -> Result<(), Full> {
    let rrset = zone.rrset(at);
    let first = match rrset.count() {
        1 => 0,
        count => chance.order(count.into()) as u16,
    };
    let form = Form { owner: owner.placement(name, Placement::QUESTION), first, ttl_secs: choice.bounded(rrset.ttl_secs()) };
    message.put_rrset(Section::Answer, &rrset, form).map(drop)
}

/// The SOA that says how long a negative answer holds (RFC 2308 §3); `name` lies at `place`.
#[inline(never)]
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
