//! RFC 1034 §4.3.2 from step 3 on: one zone, one question, and the sections they fill.
//!
//! Decides what goes in and in which order; `resolve` looks up, `routing` chooses, `message` writes.
//! Invariant: a section that does not fit empties the message and sets TC, except additional data nobody needs.
//! Sources: RFC 1034 §4.3.2, RFC 2308 §2, RFC 6604 (rcode at the end of a chain), RFC 6672 §3, RFC 8482 §4.2, RFC 9471.

use super::message::{Form, Message, Put, Section, Synthesized};
use super::opt::ExtendedError;
use super::placement::Placement;
use super::resolve::{Outcome, Owner, resolve};
use super::{Context, name_of};
use crate::routing::draw::Draw;
use crate::routing::trace::{NoTrace, Step, Trace};
use crate::routing::{Choice, Facts, MEMBERS_MAX, choose};
use crate::wire::header::Rcode;
use crate::wire::qname::QName;
use crate::wire::query::Question;
use crate::wire::rtype::{Class, RecordType};
use crate::wire::writer::Full;
use crate::wire::{HEADER_LEN, LABEL_MAX};
use crate::zone::group::AnswerRef;
use crate::zone::rrset::{RR_FIXED, RrsetRef};
use crate::zone::tree::{APEX, Zone};

/// What the response says beside its sections.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    /// For how many bits of the client's subnet it holds.
    pub scope_prefix: u8,
    pub error: Option<ExtendedError>,
}

/// One answer in the making.
pub(super) struct Answering<'a, 'w, T> {
    zone: &'a Zone,
    facts: Facts<'a>,
    /// Whether positive answers carry the apex NS.
    with_authority: bool,
    draw: Draw,
    message: &'a mut Message<'w>,
    trace: &'a mut T,
    scope_prefix: u8,
    /// RRsets whose names may want their addresses in the additional section.
    linked: Option<Linked>,
    /// The zone cut that is referred to.
    cut: Option<u32>,
}

/// RRsets that were put in, and where: the first `len` of `put`.
#[derive(Default)]
struct Linked {
    put: [(RrsetRef, Put); PUTS_MAX],
    len: usize,
}

/// A name on its way through a chain of CNAMEs.
struct Hop {
    name: QName,
    place: Placement,
}

/// CNAMEs and DNAMEs followed within one answer; RFC 1034 says not how many.
const CHAIN_MAX: usize = 8;
/// What is chosen for the answer, and the apex NS beside it.
const PUTS_MAX: usize = MEMBERS_MAX + 1;
/// Names whose addresses are added to one response.
const ADDITIONAL_MAX: usize = 32;
/// The TTL of the answer to ANY, in seconds: long, as nobody should ask (RFC 8482 §4.2).
const ANY_TTL_SECS: u32 = 3_600;

impl Told {
    pub const NOTHING_MORE: Self = Self { scope_prefix: 0, error: None };

    /// A response without sections.
    pub fn only(message: &mut Message<'_>, rcode: Rcode, error: Option<ExtendedError>) -> Self {
        message.rcode = rcode;
        Self { scope_prefix: 0, error }
    }
}

impl Linked {
    fn push(&mut self, rrset: RrsetRef, put: Put) {
        self.put[self.len] = (rrset, put);
        self.len += 1;
    }
}

impl<'a, 'w, T: Trace> Answering<'a, 'w, T> {
    #[inline]
    pub fn new(zone: &'a Zone, context: &Context<'a>, draw: Draw, message: &'a mut Message<'w>, trace: &'a mut T) -> Self {
        let facts = Facts { zone, health: &context.snapshot.health };
        let with_authority = context.identity.authority;
        Self { zone, facts, with_authority, draw, message, trace, scope_prefix: 0, linked: None, cut: None }
    }

    /// Fills the sections for `question`, which is in the zone.
    #[inline]
    pub fn answer(mut self, question: &Question<'_>) -> Told {
        if self.put_sections(question).is_err() {
            self.message.set_truncated();
        }
        Told { scope_prefix: self.scope_prefix, error: None }
    }

    /// RFC 1034 §4.3.2 step 3, again for each CNAME.
    #[inline]
    fn put_sections(&mut self, question: &Question<'_>) -> Result<(), Full> {
        self.message.set_authoritative(true);
        let mut followed: Option<Hop> = None;
        let mut visited = [APEX; CHAIN_MAX];
        let mut hop = 0;
        loop {
            let (name, place) = followed.as_ref().map_or((question.name, Placement::QUESTION), |hop| (&hop.name, hop.place));
            let next = match resolve(self.zone, name, question.qtype) {
                Outcome::Hit(owner, answer) => return self.put_answer(owner, answer, name, place), // step 3a
                Outcome::NoData => return self.put_no_data(question.qtype, name, place),           // RFC 2308 §2.2
                Outcome::NameError => return self.put_name_error(name, place),                     // step 3c, RFC 2308 §2.1
                Outcome::Referral(cut) => return self.put_referral(cut, name, place, hop),         // step 3b
                Outcome::Any => return self.put_any(place),
                Outcome::Redirect(dname) if hop < CHAIN_MAX => self.put_dname(dname, name, place)?,
                Outcome::Alias(owner, cname) if hop < CHAIN_MAX && !visited[..hop].contains(&owner.node) => {
                    visited[hop] = owner.node;
                    self.put_cname(owner, cname, name, place)? // step 3a, "change QNAME to the canonical name"
                }
                Outcome::Redirect(_) | Outcome::Alias(..) => return self.end_chain(name),
            };
            let Some(next) = next else { return Ok(()) };
            followed = Some(next);
            hop += 1;
        }
    }

    #[inline]
    fn put_answer(&mut self, owner: Owner, answer: AnswerRef, name: &QName, place: Placement) -> Result<(), Full> {
        self.note_owner(owner);
        let Some(owner_place) = owner.placement(name, place) else { return self.end_chain(name) };
        match answer {
            AnswerRef::Rrset(rrset) => {
                self.note_plain(rrset, owner);
                self.put_rrset(Section::Answer, rrset, owner_place, None)?;
            }
            AnswerRef::Group(_) => {
                let choice = self.choose(answer, owner);
                self.put_choice(&choice, Section::Answer, owner_place)?;
            }
        }
        if self.with_authority {
            self.put_apex_ns(answer, name, place)?;
        }
        self.put_additional()
    }

    fn note_owner(&mut self, owner: Owner) {
        if owner.encloser_len.is_some() {
            let zone = self.zone;
            self.trace.note(|| Step::Wildcard { source: zone.name_of(owner.node) });
        }
    }

    fn note_plain(&mut self, rrset: RrsetRef, owner: Owner) {
        let zone = self.zone;
        self.trace.note(|| {
            let rrset = zone.rrset(rrset);
            Step::Plain { name: zone.name_of(owner.node), rtype: rrset.rtype(), values: rrset.count() }
        });
    }

    /// Asks routing, and widens the scope by what the choice depended on.
    #[inline]
    fn choose(&mut self, answer: AnswerRef, owner: Owner) -> Choice {
        if let AnswerRef::Rrset(rrset) = answer {
            self.note_plain(rrset, owner);
        }
        let choice = choose(answer, self.facts, &mut self.draw, self.trace);
        self.scope_prefix = self.scope_prefix.max(choice.scope_prefix);
        choice
    }

    /// Puts what was chosen into a section as one RRset.
    fn put_choice(&mut self, choice: &Choice, section: Section, owner: Placement) -> Result<(), Full> {
        match choice.rrsets() {
            [one] => self.put_rrset(section, *one, owner, None),
            several => {
                // One RRset has one TTL (RFC 2181 §5.2): the smallest.
                let ttl_secs = several.iter().map(|&rrset| self.zone.rrset(rrset).ttl_secs()).min();
                several.iter().try_for_each(|&rrset| self.put_rrset(section, rrset, owner, ttl_secs))
            }
        }
    }

    /// Puts one RRset in, its RRs rotated by chance.
    #[inline]
    fn put_rrset(&mut self, section: Section, at: RrsetRef, owner: Placement, ttl_secs: Option<u32>) -> Result<(), Full> {
        let rrset = self.zone.rrset(at);
        let first = match rrset.count() {
            1 => 0,
            count => self.draw.below(count.into()) as u16,
        };
        let ttl_secs = ttl_secs.filter(|secs| *secs != rrset.ttl_secs());
        let put = self.message.put_rrset(section, &rrset, Form { owner, first, ttl_secs })?;
        if rrset.has_links() {
            self.linked.get_or_insert_default().push(at, put);
        }
        Ok(())
    }

    /// Puts a CNAME in, and says where its target goes on.
    fn put_cname(&mut self, owner: Owner, cname: AnswerRef, name: &QName, place: Placement) -> Result<Option<Hop>, Full> {
        self.note_owner(owner);
        let Some(owner_place) = owner.placement(name, place) else { return self.end_chain(name).map(|()| None) };
        let choice = self.choose(cname, owner);
        let rrset = self.zone.rrset(choice.rrsets()[0]);
        let put = self.message.put_rrset(Section::Answer, &rrset, Form::at(owner_place))?;
        let rdata_at = put.at(RR_FIXED) as u16;
        Ok(self.target(rrset.first_rdata(), owner, name, owner_place, rdata_at))
    }

    /// Where a CNAME leads: its rdata is literal, or goes on in the owner's name by pointer.
    fn target(&mut self, rdata: &[u8], owner: Owner, name: &QName, owner_place: Placement, at: u16) -> Option<Hop> {
        let mut end = 0;
        while (1..=LABEL_MAX).contains(&usize::from(rdata[end])) {
            end += 1 + usize::from(rdata[end]);
        }
        let (target, place) = match rdata[end] {
            0 => (QName::read(rdata)?, Some(Placement::whole(at))),
            _ => {
                let octet = (usize::from(rdata[end] & 0x3f) << 8 | usize::from(rdata[end + 1])) - HEADER_LEN;
                let tail = owner.suffix(name, octet);
                (QName::join(&rdata[..end], tail)?, owner_place.suffix(octet).behind(end, at))
            }
        };
        self.go_on(target, place)
    }

    /// The next hop, if it is in this zone.
    fn go_on(&mut self, target: QName, place: Option<Placement>) -> Option<Hop> {
        if !self.zone.encloses(target.as_wire()) {
            self.trace.note(|| Step::LeavesZone { target: name_of(target.as_wire()) });
            return None;
        }
        let Some(place) = place else {
            self.trace.note(|| Step::ChainEnds { target: name_of(target.as_wire()) });
            return None;
        };
        self.trace.note(|| Step::Follow { target: name_of(target.as_wire()) });
        Some(Hop { name: target, place })
    }

    /// Puts a DNAME in and the CNAME made of it (RFC 6672 §3.1).
    fn put_dname(&mut self, dname: u32, name: &QName, place: Placement) -> Result<Option<Hop>, Full> {
        let Some(answer) = self.zone.answer_at(dname, RecordType::DNAME) else { return Ok(None) };
        let owner = Owner { node: dname, encloser_len: None };
        let choice = self.choose(answer, owner);
        let rrset = self.zone.rrset(choice.rrsets()[0]);
        let wire = name.as_wire();
        let prefix_len = wire.len() - self.zone.name_len(dname);
        self.message.put_rrset(Section::Answer, &rrset, Form::at(place.suffix(prefix_len)))?;
        let Some(target) = QName::join(&wire[..prefix_len], rrset.first_rdata()) else {
            self.message.rcode = Rcode::YXDOMAIN; // RFC 6672 §2.2: the new name would be too long
            return Ok(None);
        };
        let zone = self.zone;
        self.trace.note(|| Step::Redirect { dname: zone.name_of(dname), target: name_of(target.as_wire()) });
        let cname =
            Synthesized { rtype: RecordType::CNAME, class: Class::IN, ttl_secs: rrset.ttl_secs(), rdata: target.as_wire() };
        let rdata_at = self.message.put_record(Section::Answer, place.locate(0), cname)?;
        Ok(self.go_on(target, Some(Placement::whole(rdata_at as u16))))
    }

    fn end_chain(&mut self, name: &QName) -> Result<(), Full> {
        self.trace.note(|| Step::ChainEnds { target: name_of(name.as_wire()) });
        Ok(())
    }

    fn put_no_data(&mut self, rtype: RecordType, name: &QName, place: Placement) -> Result<(), Full> {
        self.trace.note(|| Step::NoData { name: name_of(name.as_wire()), rtype });
        self.put_soa(name, place)
    }

    fn put_name_error(&mut self, name: &QName, place: Placement) -> Result<(), Full> {
        self.trace.note(|| Step::NameError { name: name_of(name.as_wire()) });
        self.message.rcode = Rcode::NXDOMAIN;
        self.put_soa(name, place)
    }

    /// The SOA that says how long a negative answer holds (RFC 2308 §3).
    fn put_soa(&mut self, name: &QName, place: Placement) -> Result<(), Full> {
        let soa = self.zone.rrset(self.zone.soa().negative);
        let apex = place.suffix(name.as_wire().len() - self.zone.apex_len());
        self.message.put_rrset(Section::Authority, &soa, Form::at(apex)).map(drop)
    }

    /// The NS of a cut, and the addresses without which they cannot be reached. AA only says that the CNAMEs before it
    /// are ours.
    fn put_referral(&mut self, cut: u32, name: &QName, place: Placement, hop: usize) -> Result<(), Full> {
        let zone = self.zone;
        self.trace.note(|| Step::Referral { cut: zone.name_of(cut) });
        self.message.set_authoritative(hop > 0);
        let Some(answer) = zone.answer_at(cut, RecordType::NS) else { return Ok(()) };
        let cut_place = place.suffix(name.as_wire().len() - zone.name_len(cut));
        // `check` refuses policies on NS: there is one RRset, and no choice to explain.
        let choice = choose(answer, self.facts, &mut self.draw, &mut NoTrace);
        self.put_choice(&choice, Section::Authority, cut_place)?;
        self.cut = Some(cut);
        self.put_additional()
    }

    /// The smallest answer to ANY that is one (RFC 8482 §4.2).
    fn put_any(&mut self, place: Placement) -> Result<(), Full> {
        let hinfo = Synthesized { rtype: RecordType::HINFO, class: Class::IN, ttl_secs: ANY_TTL_SECS, rdata: b"\x07RFC8482\x00" };
        self.message.put_record(Section::Answer, place.locate(0), hinfo).map(drop)
    }

    /// The apex NS beside a positive answer, unless they are the answer.
    fn put_apex_ns(&mut self, answer: AnswerRef, name: &QName, place: Placement) -> Result<(), Full> {
        let Some(ns) = self.zone.answer_at(APEX, RecordType::NS) else { return Ok(()) };
        if answer == ns {
            return Ok(());
        }
        let apex = place.suffix(name.as_wire().len() - self.zone.apex_len());
        let choice = choose(ns, self.facts, &mut self.draw, &mut NoTrace);
        self.put_choice(&choice, Section::Authority, apex)
    }

    /// Adds the addresses of the names just put. They are left out when they do not fit, but for those that a referral
    /// needs: then TC says so (RFC 9471 §3.1).
    #[inline]
    fn put_additional(&mut self) -> Result<(), Full> {
        let Some(linked) = self.linked.take() else { return Ok(()) };
        let mut added = 0;
        for &(rrset, put) in &linked.put[..linked.len] {
            for (name_at, node) in self.zone.rrset(rrset).links() {
                let Some(owner) = put.pointable(name_at).filter(|_| added < ADDITIONAL_MAX) else { break };
                added += 1;
                let needed = self.cut.is_some_and(|cut| self.zone.is_below(node, cut));
                match self.put_addresses(node, Placement::whole(owner)) {
                    Err(Full) if needed => return Err(Full),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn put_addresses(&mut self, node: u32, owner: Placement) -> Result<(), Full> {
        for rtype in [RecordType::A, RecordType::AAAA] {
            let Some(answer) = self.zone.answer_at(node, rtype) else { continue };
            let choice = choose(answer, self.facts, &mut self.draw, &mut NoTrace);
            self.scope_prefix = self.scope_prefix.max(choice.scope_prefix);
            for &rrset in choice.rrsets() {
                self.message.put_rrset(Section::Additional, &self.zone.rrset(rrset), Form::at(owner))?;
            }
        }
        Ok(())
    }
}
