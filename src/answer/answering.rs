//! RFC 1034 §4.3.2 from step 3 on: one zone, one question, and the sections they fill.
//!
//! Decides what goes in and in which order; `resolve` looks up, `routing` chooses, `message` writes.
//! Invariant: a section that does not fit empties the message and sets TC, except additional data nobody needs.
//! Sources: RFC 1034 §4.3.2, RFC 2308 §2, RFC 6604 (rcode at the end of a chain), RFC 6672 §3, RFC 8482 §4.2, RFC 9471.

use super::message::{Form, Message, Put, Section, Synthesized};
use super::opt::ExtendedError;
use super::placement::Placement;
use super::plain::{note_plain, note_wildcard, put_soa};
use super::resolve::{Outcome, Owner, resolve, target};
use super::told::{Told, counted};
use super::{Context, name_of};
use crate::rate_limit::{Counted, Limit};
use crate::routing::chance::Chance;
use crate::routing::trace::{NoTrace, Step, Trace};
use crate::routing::{Choice, Facts, MEMBERS_MAX, choose};
use crate::wire::header::Rcode;
use crate::wire::qname::QName;
use crate::wire::rtype::{Class, RecordType};
use crate::wire::writer::Full;
use crate::zone::catalog::Catalog;
use crate::zone::external::{Known, Resolved};
use crate::zone::group::AnswerRef;
use crate::zone::rrset::{RR_FIXED, RrsetRef};
use crate::zone::tree::{APEX, Zone};

/// One answer in the making.
pub(super) struct Answering<'a, 'w, C, T> {
    zone: &'a Zone,
    catalog: &'a Catalog,
    facts: Facts<'a>,
    /// Whether positive answers carry the apex NS.
    with_authority: bool,
    chance: C,
    message: &'a mut Message<'w>,
    trace: &'a mut T,
    /// RRsets whose names may want their addresses in the additional section.
    linked: Linked,
    /// The zone cut that is referred to.
    cut: Option<u32>,
    /// The DNAMEs given, if any.
    redirected: Option<[Option<u32>; CHAIN_MAX]>,
    /// The node and type of the answer, when its owner is that node.
    answered: Option<(u32, RecordType)>,
    error: Option<ExtendedError>,
    /// Octets at the end of the name asked for that answer for it: 0 for all of them, else a source of synthesis or a DNAME.
    source_len: usize,
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

impl Linked {
    fn push(&mut self, rrset: RrsetRef, put: Put) {
        self.put[self.len] = (rrset, put);
        self.len += 1;
    }
}

impl<'a, 'w, C: Chance, T: Trace> Answering<'a, 'w, C, T> {
    #[inline]
    pub fn new(
        facts: Facts<'a>,
        catalog: &'a Catalog,
        context: &Context<'a>,
        chance: C,
        message: &'a mut Message<'w>,
        trace: &'a mut T,
    ) -> Self {
        let with_authority = context.identity.authority;
        Self {
            zone: facts.zone,
            catalog,
            facts,
            with_authority,
            chance,
            message,
            trace,
            linked: Linked::default(),
            cut: None,
            redirected: None,
            answered: None,
            error: None,
            source_len: 0,
        }
    }

    /// Fills the sections by what was found for the name asked for, which is in the zone.
    pub fn answer(&mut self, outcome: Outcome, name: &QName, qtype: RecordType) -> Told {
        self.source_len = outcome.source_len(self.zone);
        let put = self.put_chain(outcome, name, qtype);
        self.tell(put, name)
    }

    /// The same where what answers at the name is chosen already.
    pub fn answer_chosen(&mut self, owner: Owner, answer: AnswerRef, choice: &Choice, name: &QName, qtype: RecordType) -> Told {
        self.source_len = owner.source_len();
        let put = self.put_chosen(owner, answer, choice, qtype, name, Placement::QUESTION);
        self.tell(put, name)
    }

    fn tell(&mut self, put: Result<(), Full>, name: &QName) -> Told {
        if put.is_err() {
            self.message.set_truncated();
        }
        let counted = self.counted(name);
        Told { scope_prefix: self.facts.depends.prefix_len(), error: self.error, zone: None, counted }
    }

    /// What the response is for a limit on their rate: NXDOMAIN counts by zone and a referral by its cut, and a name that
    /// does not exist as what answers for it, so that random names are one thing.
    fn counted(&self, name: &QName) -> Counted {
        match (self.message.rcode, self.cut) {
            (Rcode::NOERROR, _) if self.message.has_answer() => counted(Limit::Responses, name, self.source_len),
            (Rcode::NOERROR, Some(cut)) => counted(Limit::Referrals, name, self.zone.name_len(cut)),
            (Rcode::NOERROR, None) if self.message.is_truncated() => counted(Limit::Responses, name, self.source_len),
            (Rcode::NOERROR, None) => counted(Limit::NoData, name, self.source_len),
            (Rcode::NXDOMAIN, _) => counted(Limit::NxDomains, name, self.zone.apex_len()),
            _ => Counted::ERROR,
        }
    }

    /// What becomes of the name asked for, and again of each CNAME's target.
    #[inline(never)]
    fn put_chain(&mut self, mut outcome: Outcome, asked: &QName, qtype: RecordType) -> Result<(), Full> {
        let (mut name, mut place) = (asked, Placement::QUESTION);
        let mut followed: Hop;
        // Where the names already asked for are written.
        let mut written = [Placement::QUESTION; CHAIN_MAX];
        for hop in 0..=CHAIN_MAX {
            let next = match outcome {
                Outcome::Hit(owner, answer) => return self.put_answer(owner, answer, qtype, name, place), // step 3a
                Outcome::NoData(_) => return self.put_no_data(qtype, name, place),                        // RFC 2308 §2.2
                Outcome::NameError => return self.put_name_error(name, place), // step 3c, RFC 2308 §2.1
                Outcome::Referral(cut) => return self.put_referral(cut, name, place, hop), // step 3b
                Outcome::Any(_) => return self.put_any(place),
                Outcome::Redirect(_) | Outcome::Alias(..) if hop == CHAIN_MAX => return self.end_chain(name),
                Outcome::Redirect(dname) => self.put_dname(dname, name, place)?, // step 3c, RFC 6672 §3.2
                Outcome::Alias(owner, cname) => self.put_cname(owner, cname, name, place)?, // step 3a, "change QNAME"
            };
            let Some(next) = next else { return Ok(()) };
            // The CNAME made of a DNAME answers as one that is there does: it is not followed when it was asked for.
            if qtype == RecordType::CNAME {
                return Ok(());
            }
            written[hop] = place;
            if written[..=hop].iter().any(|place| place.holds(&next.name, self.message.written())) {
                return self.end_chain(&next.name);
            }
            self.trace.note(|| Step::Follow { target: name_of(next.name.as_wire()) });
            followed = next;
            (name, place) = (&followed.name, followed.place);
            outcome = resolve(self.zone, name, qtype);
        }
        Ok(())
    }

    #[inline]
    fn put_answer(
        &mut self,
        owner: Owner,
        answer: AnswerRef,
        qtype: RecordType,
        name: &QName,
        place: Placement,
    ) -> Result<(), Full> {
        note_wildcard(self.zone, owner, self.trace);
        if self.answers_by_redirecting(owner, qtype) {
            return Ok(());
        }
        let choice = self.choose(answer, owner);
        self.put_chosen(owner, answer, &choice, qtype, name, place)
    }

    /// Puts in what was chosen for the name, and what goes with it.
    #[inline]
    fn put_chosen(
        &mut self,
        owner: Owner,
        answer: AnswerRef,
        choice: &Choice,
        qtype: RecordType,
        name: &QName,
        place: Placement,
    ) -> Result<(), Full> {
        self.answered = owner.encloser_len.is_none().then_some((owner.node, qtype));
        let owner_place = owner.placement(name, place);
        match choice.rrsets() {
            [] => return self.put_other(choice, answer, owner_place, name, place),
            [one] => self.put_rrset(Section::Answer, *one, owner_place, choice.bounded(self.zone.rrset(*one).ttl_secs()))?,
            _ => self.put_choice(choice, Section::Answer, owner_place)?,
        }
        if self.with_authority {
            self.put_apex_ns(answer, name, place);
        }
        self.put_additional()
    }

    /// Whether the answer is a DNAME that the chain came by, and that is given already.
    fn answers_by_redirecting(&self, owner: Owner, qtype: RecordType) -> bool {
        qtype == RecordType::DNAME && owner.encloser_len.is_none() && self.is_redirected(owner.node)
    }

    /// Whether this DNAME is given already.
    fn is_redirected(&self, dname: u32) -> bool {
        self.redirected.is_some_and(|given| given.contains(&Some(dname)))
    }

    /// Asks routing.
    #[inline]
    fn choose(&mut self, answer: AnswerRef, owner: Owner) -> Choice {
        match answer {
            AnswerRef::Rrset(rrset) => note_plain(self.zone, owner, rrset, self.trace),
            AnswerRef::Group(_) => choose(answer, self.facts, &mut self.chance, self.trace),
        }
    }

    /// Puts in what is chosen where the zone has no RRset: the addresses of a name outside of it, or that there are none.
    #[cold]
    fn put_other(
        &mut self,
        choice: &Choice,
        answer: AnswerRef,
        owner: Placement,
        name: &QName,
        place: Placement,
    ) -> Result<(), Full> {
        let facts = self.facts;
        match choice.external().map(|target| facts.externals.known(target)) {
            Some(Known::Addresses(resolved)) => {
                self.put_external(resolved, choice, Section::Answer, owner)?;
                if self.with_authority {
                    self.put_apex_ns(answer, name, place);
                }
                Ok(())
            }
            // NODATA would be kept by the resolver, which may find another server that knows more.
            Some(Known::Unresolved { .. }) => {
                self.message.set_failed();
                self.error = Some(ExtendedError::NO_REACHABLE_AUTHORITY);
                Ok(())
            }
            // None: nobody is for this client. RFC 2308 §2.2
            Some(Known::Nothing { .. }) | None => put_soa(self.zone, name, place, self.message),
        }
    }

    /// Puts in the addresses of a name outside the zone as an RRset of `owner`, rotated by chance.
    fn put_external(&mut self, resolved: &Resolved, choice: &Choice, section: Section, owner: Placement) -> Result<(), Full> {
        let rrset = resolved.addresses.rrset();
        let first = match rrset.count() {
            1 => 0,
            count => self.chance.order(count.into()) as u16,
        };
        let ttl_secs = choice.bounded(resolved.ttl_secs).unwrap_or(resolved.ttl_secs);
        self.message.put_rrset(section, &rrset, Form { owner, first, ttl_secs: Some(ttl_secs) })?;
        if section == Section::Answer && resolved.stale.is_some() {
            self.error = Some(ExtendedError::STALE_ANSWER);
        }
        Ok(())
    }

    /// Puts what was chosen into a section as one RRset.
    #[inline(never)]
    fn put_choice(&mut self, choice: &Choice, section: Section, owner: Placement) -> Result<(), Full> {
        let several = match choice.rrsets() {
            [one] => return self.put_rrset(section, *one, owner, choice.bounded(self.zone.rrset(*one).ttl_secs())),
            [] => return self.put_external_of(choice, section, owner),
            several => several,
        };
        let (from, mut least, mut greatest) = (self.message.written().len(), u32::MAX, 0);
        for (place, at) in several.iter().enumerate() {
            // Members that say the same share one RRset: no RR is in an RRset twice (RFC 2181 §5).
            if choice.has_twins() && several[..place].contains(at) {
                continue;
            }
            let rrset = self.zone.rrset(*at);
            (least, greatest) = (rrset.ttl_secs().min(least), rrset.ttl_secs().max(greatest));
            self.put_rrset(section, *at, owner, None)?;
        }
        // One RRset has one TTL (RFC 2181 §5.2): the smallest.
        let ttl_secs = choice.bounded(least).unwrap_or(least);
        if ttl_secs != greatest {
            self.message.set_ttls(from, ttl_secs);
        }
        Ok(())
    }

    /// Puts what stands somewhere into a section beside the answer, which nobody asks to have explained.
    #[inline(never)]
    fn put_beside(&mut self, answer: AnswerRef, section: Section, owner: Placement) -> Result<(), Full> {
        match answer {
            AnswerRef::Rrset(rrset) => self.put_rrset(section, rrset, owner, None),
            AnswerRef::Group(_) => {
                let choice = choose(answer, self.facts, &mut self.chance, &mut NoTrace);
                self.put_choice(&choice, section, owner)
            }
        }
    }

    /// Puts in the addresses of a name outside the zone where some are chosen and known.
    #[cold]
    fn put_external_of(&mut self, choice: &Choice, section: Section, owner: Placement) -> Result<(), Full> {
        let facts = self.facts;
        match choice.external().and_then(|target| facts.externals.known(target).addresses()) {
            Some(resolved) => self.put_external(resolved, choice, section, owner),
            None => Ok(()),
        }
    }

    /// Puts one RRset in, its RRs rotated by chance.
    #[inline(always)]
    fn put_rrset(&mut self, section: Section, at: RrsetRef, owner: Placement, ttl_secs: Option<u32>) -> Result<(), Full> {
        let rrset = self.zone.rrset(at);
        let first = match rrset.count() {
            1 => 0,
            count => self.chance.order(count.into()) as u16,
        };
        let ttl_secs = ttl_secs.filter(|secs| *secs != rrset.ttl_secs());
        let put = self.message.put_rrset(section, &rrset, Form { owner, first, ttl_secs })?;
        if rrset.has_links() {
            self.linked.push(at, put);
        }
        Ok(())
    }

    /// Puts a CNAME in, and says where its target goes on.
    fn put_cname(&mut self, owner: Owner, cname: AnswerRef, name: &QName, place: Placement) -> Result<Option<Hop>, Full> {
        note_wildcard(self.zone, owner, self.trace);
        let choice = self.choose(cname, owner);
        let Some(&chosen) = choice.rrsets().first() else {
            put_soa(self.zone, name, place, self.message)?;
            return Ok(None);
        };
        let rrset = self.zone.rrset(chosen);
        let form = Form { ttl_secs: choice.bounded(rrset.ttl_secs()), ..Form::at(owner.placement(name, place)) };
        let put = self.message.put_rrset(Section::Answer, &rrset, form)?;
        let target = target(rrset.first_rdata(), owner, name);
        Ok(target.and_then(|target| self.go_on(target, put.at(RR_FIXED))))
    }

    /// The next hop, whose name is written at `at`, if this zone is the one to answer for it.
    fn go_on(&mut self, target: QName, at: usize) -> Option<Hop> {
        let closest = self.catalog.closest(&target);
        if !closest.is_some_and(|closest| std::ptr::eq(closest, self.zone)) {
            self.trace.note(|| Step::LeavesZone { target: name_of(target.as_wire()) });
            return None;
        }
        // A chain is far shorter than what a pointer can say.
        Some(Hop { name: target, place: Placement::whole(at as u16) })
    }

    /// Puts a DNAME in and the CNAME made of it (RFC 6672 §3.1).
    fn put_dname(&mut self, dname: u32, name: &QName, place: Placement) -> Result<Option<Hop>, Full> {
        let Some(answer) = self.zone.answer_at(dname, RecordType::DNAME) else { return Ok(None) };
        let owner = Owner { node: dname, encloser_len: None };
        let choice = self.choose(answer, owner);
        let Some(&chosen) = choice.rrsets().first() else {
            put_soa(self.zone, name, place, self.message)?;
            return Ok(None);
        };
        let rrset = self.zone.rrset(chosen);
        let wire = name.as_wire();
        let prefix_len = wire.len() - self.zone.name_len(dname);
        // A chain may come by one DNAME twice; it is given once.
        if !self.is_redirected(dname) {
            let owner = place.suffix(prefix_len, self.message.written());
            self.message.put_rrset(Section::Answer, &rrset, Form::at(owner))?;
            let free = self.redirected.get_or_insert_default().iter_mut().find(|dname| dname.is_none());
            *free.expect("there is a place for each hop") = Some(dname);
        }
        let Some(target) = QName::join(&wire[..prefix_len], rrset.first_rdata()) else {
            self.message.rcode = Rcode::YXDOMAIN; // RFC 6672 §2.2: the new name would be too long
            return Ok(None);
        };
        let zone = self.zone;
        self.trace.note(|| Step::Redirect { dname: zone.name_of(dname), target: name_of(target.as_wire()) });
        let cname =
            Synthesized { rtype: RecordType::CNAME, class: Class::IN, ttl_secs: rrset.ttl_secs(), rdata: target.as_wire() };
        let rdata_at = self.message.put_record(Section::Answer, place.first(), cname)?;
        Ok(self.go_on(target, rdata_at))
    }

    fn end_chain(&mut self, name: &QName) -> Result<(), Full> {
        self.trace.note(|| Step::ChainEnds { target: name_of(name.as_wire()) });
        Ok(())
    }

    fn put_no_data(&mut self, rtype: RecordType, name: &QName, place: Placement) -> Result<(), Full> {
        self.trace.note(|| Step::NoData { name: name_of(name.as_wire()), rtype });
        put_soa(self.zone, name, place, self.message)
    }

    fn put_name_error(&mut self, name: &QName, place: Placement) -> Result<(), Full> {
        self.trace.note(|| Step::NameError { name: name_of(name.as_wire()) });
        self.message.rcode = Rcode::NXDOMAIN;
        put_soa(self.zone, name, place, self.message)
    }

    /// The NS of a cut, and the addresses without which they cannot be reached. AA only says that the CNAMEs before it
    /// are ours.
    fn put_referral(&mut self, cut: u32, name: &QName, place: Placement, hop: usize) -> Result<(), Full> {
        let zone = self.zone;
        self.trace.note(|| Step::Referral { cut: zone.name_of(cut) });
        self.message.set_authoritative(hop > 0);
        let Some(answer) = zone.answer_at(cut, RecordType::NS) else { return Ok(()) };
        let cut_place = place.suffix(name.as_wire().len() - zone.name_len(cut), self.message.written());
        // `check` refuses policies on NS: there is one RRset, and no choice to explain.
        self.put_beside(answer, Section::Authority, cut_place)?;
        self.cut = Some(cut);
        self.put_additional()
    }

    /// The smallest answer to ANY that is one (RFC 8482 §4.2).
    fn put_any(&mut self, place: Placement) -> Result<(), Full> {
        let hinfo = Synthesized { rtype: RecordType::HINFO, class: Class::IN, ttl_secs: ANY_TTL_SECS, rdata: b"\x07RFC8482\x00" };
        self.message.put_record(Section::Answer, place.first(), hinfo).map(drop)
    }

    /// The apex NS beside a positive answer, unless they are the answer or do not fit.
    fn put_apex_ns(&mut self, answer: AnswerRef, name: &QName, place: Placement) {
        let Some(ns) = self.zone.answer_at(APEX, RecordType::NS) else { return };
        if answer == ns {
            return;
        }
        let apex = place.suffix(name.as_wire().len() - self.zone.apex_len(), self.message.written());
        let mark = self.message.mark();
        if self.put_beside(ns, Section::Authority, apex).is_err() {
            self.message.take_back(mark);
        }
    }

    /// Adds the addresses of the names just put, each once. They are left out when they do not fit, but for those that
    /// a referral needs: then TC says so (RFC 9471 §3.1).
    #[inline]
    fn put_additional(&mut self) -> Result<(), Full> {
        let mut added = 0;
        for place in 0..self.linked.len {
            let (rrset, at) = self.linked.put[place];
            for (name_at, node) in self.zone.links(rrset) {
                let needed = self.cut.is_some_and(|cut| self.zone.is_below(node, cut));
                let Some(owner) = at.pointable(name_at) else { continue };
                if (added >= ADDITIONAL_MAX && !needed) || self.names_node(place, node) {
                    continue;
                }
                added += 1;
                match self.put_addresses(node, Placement::whole(owner)) {
                    Err(Full) if needed => return Err(Full),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Whether one of the first `count` RRsets that may want addresses names `node`.
    fn names_node(&self, count: usize, node: u32) -> bool {
        self.linked.put[..count].iter().any(|(rrset, _)| self.zone.links(*rrset).any(|(_, linked)| linked == node))
    }

    /// Adds the addresses of one node, but for those that are the answer.
    fn put_addresses(&mut self, node: u32, owner: Placement) -> Result<(), Full> {
        for rtype in [RecordType::A, RecordType::AAAA] {
            let Some(answer) = self.zone.answer_at(node, rtype).filter(|_| self.answered != Some((node, rtype))) else {
                continue;
            };
            let mark = self.message.mark();
            if let Err(full) = self.put_beside(answer, Section::Additional, owner) {
                self.message.take_back(mark);
                return Err(full);
            }
        }
        Ok(())
    }
}
