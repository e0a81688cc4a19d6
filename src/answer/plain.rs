//! The plainest answers: an RRset that stands at the name asked for, and the SOA that says that there is none.
//!
//! Neither takes a choice among members, a client, or another section. Sources: RFC 1034 §4.3.2 step 3a, RFC 2308 §3.

use super::message::{Form, Message, Section};
use super::placement::Placement;
use super::resolve::Owner;
use crate::routing::chance::Chance;
use crate::routing::trace::{Step, Trace};
use crate::wire::qname::QName;
use crate::wire::writer::Full;
use crate::zone::rrset::RrsetRef;
use crate::zone::tree::Zone;

/// Puts in the RRset that stands at the owner found for `name`, which was asked for; its RRs are rotated by chance.
#[inline]
pub(super) fn put_plain(
    zone: &Zone,
    owner: Owner,
    at: RrsetRef,
    name: &QName,
    mut chance: impl Chance,
    message: &mut Message<'_>,
    trace: &mut impl Trace,
) -> Result<(), Full> {
    note_wildcard(zone, owner, trace);
    note_plain(zone, owner, at, trace);
    let rrset = zone.rrset(at);
    let first = match rrset.count() {
        1 => 0,
        count => chance.order(count.into()) as u16,
    };
    let owner = owner.placement(name, Placement::QUESTION);
    message.put_rrset(Section::Answer, &rrset, Form { owner, first, ttl_secs: None }).map(drop)
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

/// Tells that what stands there answers without routing.
#[inline]
pub(super) fn note_plain(zone: &Zone, owner: Owner, at: RrsetRef, trace: &mut impl Trace) {
    trace.note(|| {
        let rrset = zone.rrset(at);
        Step::Plain { name: zone.name_of(owner.node), rtype: rrset.rtype(), values: rrset.count() }
    });
}
