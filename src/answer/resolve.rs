//! One step of RFC 1034 §4.3.2: what a zone has to say about one name and type.
//!
//! Looks up and decides the kind of answer; writes nothing. Sources: RFC 1034 §4.3.2 step 3, RFC 4592 §3.3, RFC 4035
//! §3.1.4.1 (DS at a cut), RFC 6672 §3.2 (DNAME), RFC 8482 (ANY).

use super::placement::{ASTERISK_LEN, Placement};
use crate::wire::qname::QName;
use crate::wire::rtype::RecordType;
use crate::wire::{HEADER_LEN, LABEL_MAX};
use crate::zone::group::AnswerRef;
use crate::zone::tree::{Lookup, Zone};

/// What becomes of one name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    /// What stands there for the type asked.
    Hit(Owner, AnswerRef),
    /// A CNAME stands there, and another type was asked.
    Alias(Owner, AnswerRef),
    /// ANY was asked, and something other than a CNAME stands there.
    Any(Owner),
    NoData(Owner),
    NameError,
    /// The node of the zone cut.
    Referral(u32),
    /// The node of the DNAME.
    Redirect(u32),
}

/// The node whose records answer, and the name they answer for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    pub node: u32,
    /// The octets of the closest encloser, when the node is a wildcard.
    pub encloser_len: Option<usize>,
}

/// Looks up `name`, which is in `zone`.
pub(super) fn resolve(zone: &Zone, name: &QName, qtype: RecordType) -> Outcome {
    resolve_found(zone.lookup(name), zone, name, qtype)
}

/// What becomes of `name`, which was looked up in `zone`.
#[inline(always)]
pub(super) fn resolve_found(found: Lookup<'_>, zone: &Zone, name: &QName, qtype: RecordType) -> Outcome {
    match found {
        Lookup::Exact(found) => {
            let owner = Owner { node: found.number(), encloser_len: None };
            match found.answer(qtype) {
                Some(answer) => Outcome::Hit(owner, answer),
                None => other_at_node(zone, owner, qtype),
            }
        }
        Lookup::Wildcard { source, encloser_len } => {
            at_node(zone, Owner { node: source, encloser_len: Some(encloser_len) }, qtype)
        }
        Lookup::Missing => Outcome::NameError,
        Lookup::Redirected { dname } => Outcome::Redirect(dname),
        Lookup::Delegated { cut } => at_cut(zone, cut, name, qtype),
    }
}

/// The parent side of the cut is ours, and DS lives there.
fn at_cut(zone: &Zone, cut: u32, name: &QName, qtype: RecordType) -> Outcome {
    if qtype != RecordType::DS || zone.name_len(cut) != name.as_wire().len() {
        return Outcome::Referral(cut);
    }
    let owner = Owner { node: cut, encloser_len: None };
    zone.answer_at(cut, qtype).map_or(Outcome::NoData(owner), |answer| Outcome::Hit(owner, answer))
}

#[inline]
fn at_node(zone: &Zone, owner: Owner, qtype: RecordType) -> Outcome {
    if let Some(answer) = zone.answer_at(owner.node, qtype) {
        return Outcome::Hit(owner, answer);
    }
    other_at_node(zone, owner, qtype)
}

/// What the node has to say about a type that it does not have.
#[inline(never)]
pub(super) fn other_at_node(zone: &Zone, owner: Owner, qtype: RecordType) -> Outcome {
    match zone.answer_at(owner.node, RecordType::CNAME) {
        Some(answer) if qtype == RecordType::ANY => Outcome::Hit(owner, answer),
        Some(answer) => Outcome::Alias(owner, answer),
        None if qtype == RecordType::ANY && zone.types_at(owner.node).next().is_some() => Outcome::Any(owner),
        None => Outcome::NoData(owner),
    }
}

impl Outcome {
    /// Octets at the end of a name that does not exist, from which it was answered; 0 for one that exists.
    #[inline]
    pub fn source_len(&self, zone: &Zone) -> usize {
        match self {
            Self::Hit(owner, _) | Self::Alias(owner, _) | Self::Any(owner) | Self::NoData(owner) => owner.source_len(),
            Self::Redirect(dname) => zone.name_len(*dname),
            Self::NameError | Self::Referral(_) => 0,
        }
    }
}

impl Owner {
    /// Octets of the closest encloser, from which a name that does not exist was answered; 0 for one that exists.
    #[inline]
    pub fn source_len(&self) -> usize {
        self.encloser_len.unwrap_or(0)
    }

    /// Where the owner's name lies, given where the name that was looked up does.
    #[inline]
    pub fn placement(&self, name: &QName, place: Placement) -> Placement {
        match self.encloser_len {
            None => place,
            Some(encloser_len) => place.wildcard(name.as_wire().len() - encloser_len),
        }
    }

    /// The octets of the name from octet `octet` of the owner's on.
    pub fn suffix<'n>(&self, name: &'n QName, octet: usize) -> &'n [u8] {
        let wire = name.as_wire();
        match self.encloser_len {
            None => &wire[octet..],
            Some(encloser_len) => &wire[wire.len() - encloser_len + octet - ASTERISK_LEN..],
        }
    }
}

/// Where a CNAME leads: its rdata is literal, or goes on in the owner's name by pointer.
pub(super) fn target(rdata: &[u8], owner: Owner, name: &QName) -> Option<QName> {
    let mut end = 0;
    while (1..=LABEL_MAX).contains(&usize::from(rdata[end])) {
        end += 1 + usize::from(rdata[end]);
    }
    match rdata[end] {
        0 => QName::read(rdata),
        _ => {
            let octet = (usize::from(rdata[end] & 0x3f) << 8 | usize::from(rdata[end + 1])) - HEADER_LEN;
            QName::join(&rdata[..end], owner.suffix(name, octet))
        }
    }
}
