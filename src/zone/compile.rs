//! A hosted zone becomes a [`Zone`]: names to nodes, record sets to RRsets and groups, aliases and addresses to links.
//!
//! Checks nothing that `check` checks. `names` makes the tree; here each name is encoded with what it answers, in one go, and
//! what leads from one to another is put right when all have their numbers.
//! Invariant of the steps: until then, nodes are called by their places among the names.
//! Sources: RFC 1034 §4.2 and §4.3.2, RFC 2308 §3 (negative TTL).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::hash::Hasher;

use siphasher::sip::SipHasher24;

use super::arena::{Arena, Link, RRSET_MAX, Source, TooLarge};
use super::fence;
use super::group::{AnswerRef, Follows, Member, MemberContent, RecordGroup};
use super::group_options::{GroupOptions, MinHealthy};
use super::hosted_zone::HostedZone;
use super::names::{Entry, FIRST, Names};
use super::node::{APEX, NONE, put_group, put_node, set_wildcard};
use super::record_set::{Alias, Content, RdataList, RecordSet, RoutingPolicy, Ttl};
use super::rrset::{RrsetRef, UNIT};
use super::soa::{self, SoaNumbers};
use super::tree::{Part, Zone, ZoneSoa, part_of, shift_for};
use super::whole::find_whole;
use crate::geography::area::Area;
use crate::ids::{ExternalIndex, HealthCheckId, HealthIndex, HealthSet, MapIndex, SetIdentifier};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;

/// Why a hosted zone cannot be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompileError {
    /// No SOA at the apex, or one without values.
    NoSoa { zone: Name },
    /// More records at one name and type than a message can hold.
    TooLarge { name: Name, rtype: RecordType, octets: usize },
    /// An alias to a name or type that is not there.
    NoTarget { name: Name, target: Name, rtype: RecordType },
    /// A part of the zone has more names than its numbers can tell apart.
    PartFull { zone: Name },
    /// A health check that is not configured.
    NoHealthCheck { name: Name, health_check: HealthCheckId },
}

/// What a compiled zone refers to outside itself. Several zones may ask at once.
pub struct Tables<'t> {
    /// A health check's place in the snapshot's table.
    pub health: &'t (dyn Fn(&HealthCheckId) -> Option<HealthIndex> + Sync),
    /// The place of a member's gate in it, where it has one: by its group's owner name, its set identifier
    /// and its group's type.
    pub gate: &'t (dyn Fn(&Name, &SetIdentifier, RecordType) -> Option<HealthIndex> + Sync),
    /// The place of the map that orders these members of a group, for the policies that have one.
    pub map: &'t (dyn Fn(&[&RecordSet]) -> Option<MapIndex> + Sync),
    /// The place of a name outside the zone among those that are resolved.
    pub external: &'t (dyn Fn(&Name, RecordType) -> Option<ExternalIndex> + Sync),
}

/// What is compiled: a zone as written, or a part of one.
#[derive(Clone, Copy)]
pub(super) struct Written<'h> {
    /// The apex of the whole zone.
    pub name: &'h Name,
    pub record_sets: &'h [RecordSet],
    /// How many of the last of them no query finds.
    pub hidden: usize,
    pub groups: &'h BTreeMap<(Name, RecordType), GroupOptions>,
}

/// Where a part stands among those of its zone, and what it has to know of the others.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    pub at: usize,
    /// How many parts there are: a power of two.
    pub parts: usize,
    /// Whether the apex owns a DNAME, below which nothing exists.
    pub is_redirected: bool,
    /// The names and types of this part that aliases of other parts lead to.
    pub targets: &'p BTreeSet<(Name, RecordType)>,
    /// Whether another part has this name and type.
    pub has: &'p dyn Fn(&Name, RecordType) -> bool,
}

impl Place<'_> {
    /// Bits of a number that are its part's own.
    fn shift(&self) -> u32 {
        shift_for(self.parts)
    }

    /// The number of the part, in the high bits of all that is in it.
    fn number(&self) -> u32 {
        (self.at as u32).checked_shl(self.shift()).unwrap_or_default()
    }

    /// The bits of a number that are the part's own.
    fn mask(&self) -> u32 {
        u32::MAX >> (u32::BITS - self.shift())
    }

    /// Whether a key belongs to another part.
    fn is_far(&self, key: &[u8]) -> bool {
        part_of(key, self.parts) != self.at
    }
}

/// Compiles a hosted zone; `tables` finds what it refers to.
///
/// # Errors
/// [`CompileError`] for what `check` would have refused.
pub fn compile(hosted: &HostedZone, tables: &Tables<'_>) -> Result<Zone, CompileError> {
    whole(Written { name: &hosted.name, record_sets: &hosted.record_sets, hidden: hosted.hidden, groups: &hosted.groups }, tables)
}

/// Compiles a zone of these record sets in one piece.
pub(super) fn compile_whole(name: &Name, record_sets: &[RecordSet], tables: &Tables<'_>) -> Result<Zone, CompileError> {
    whole(Written { name, record_sets, hidden: 0, groups: &BTreeMap::new() }, tables)
}

fn whole(written: Written<'_>, tables: &Tables<'_>) -> Result<Zone, CompileError> {
    let place = Place { at: 0, parts: 1, is_redirected: false, targets: &BTreeSet::new(), has: &|_, _| false };
    let (part, soa) = compile_part(written, tables, place)?;
    let soa = soa.ok_or_else(|| CompileError::NoSoa { zone: written.name.clone() })?;
    Ok(Zone::of_whole(written.name, part, soa))
}

/// Compiles one part of a zone, and the SOA if that is in it.
pub(super) fn compile_part(
    written: Written<'_>,
    tables: &Tables<'_>,
    place: Place<'_>,
) -> Result<(Part, Option<ZoneSoa>), CompileError> {
    let (names, entries) = Names::of(written, place.is_redirected);
    let mut answers = Answers::new(written, place, &names, tables);
    let numbers = answers.encode(&entries)?;
    drop(entries);
    let soa = if place.at == 0 { Some(answers.negative_soa()?) } else { None };
    answers.link_aliases()?;
    let Answers { arena, mut groups, .. } = answers;
    fence::apply_fences(&mut groups);
    find_whole(&mut groups);
    number(&mut groups, &numbers, place.number());
    let mut octets = arena.finish_with(|node| numbers[node as usize]);
    for (parent, wildcard) in &names.wildcards {
        set_wildcard(&mut octets, numbers[*parent as usize] & place.mask(), numbers[*wildcard as usize]);
    }
    if [octets.len() / UNIT, groups.len()].into_iter().any(|len| len > 1 << place.shift()) {
        return Err(CompileError::PartFull { zone: written.name.clone() });
    }
    let is_bound = groups.iter().any(RecordGroup::is_bound);
    let found: Vec<u32> = (0..names.len() as u32)
        .filter(|&node| !names.is_hidden(node))
        .map(|node| numbers[node as usize] & place.mask())
        .collect();
    let max_labels = names.max_labels;
    // In a large zone they are as large as what it becomes, which is not there yet.
    drop((names, numbers));
    Ok((Part::new(&octets, &found, groups.into(), max_labels, is_bound), soa))
}

/// Puts the numbers of nodes instead of their places among the names, and the part's number into those of groups.
fn number(groups: &mut [RecordGroup], numbers: &[u32], part: u32) {
    for group in groups {
        group.node = numbers[group.node as usize];
        for member in &mut group.members {
            if let MemberContent::Alias { target, node, .. } = &mut member.content {
                *node = numbers[*node as usize];
                if let AnswerRef::Group(at) = target {
                    *at |= part;
                }
            }
        }
    }
}

/// The runs of entries with one node and type: each becomes an answer.
fn runs(entries: &[Entry]) -> impl Iterator<Item = &[Entry]> {
    entries.chunk_by(|a, b| (a.node, a.rtype) == (b.node, b.rtype))
}

/// What stands at a name for a type, as aliases find it.
#[derive(Clone, Copy)]
struct Target {
    answer: AnswerRef,
    place: Option<Area>,
}

/// Nodes, RRsets and groups, while they are made.
struct Answers<'h> {
    written: Written<'h>,
    place: Place<'h>,
    names: &'h Names,
    tables: &'h Tables<'h>,
    arena: Arena,
    groups: Vec<RecordGroup>,
    /// Aliases whose target has yet to be found: group, member, record set.
    pending: Vec<(u32, u32, u32)>,
    /// The names and types that aliases lead to, and what stands there as soon as it is known.
    targets: HashMap<(u32, RecordType), Option<Target>>,
}

impl<'h> Answers<'h> {
    fn new(written: Written<'h>, place: Place<'h>, names: &'h Names, tables: &'h Tables<'h>) -> Self {
        let arena = Arena::of_part(place.number());
        let (groups, pending, targets) = (Vec::new(), Vec::new(), alias_targets(written, place, names));
        Self { written, place, names, tables, arena, groups, pending, targets }
    }

    /// Encodes every node with what it answers, and gives their numbers.
    fn encode(&mut self, entries: &[Entry]) -> Result<Vec<u32>, CompileError> {
        let mut numbers = Vec::with_capacity(self.names.len());
        let covers = self.names.covers();
        let mut rest = entries;
        for node in 0..self.names.len() as u32 {
            let own = rest.iter().take_while(|entry| entry.node == node).count();
            let (own, behind) = rest.split_at(own);
            rest = behind;
            let cover = covers.get(node as usize).copied().flatten();
            // A cut is covered by itself, which its flag says.
            let cover = cover.filter(|cover| *cover != node).map(|cover| numbers[cover as usize]);
            numbers.push(self.encode_node(node, own, cover)?);
        }
        Ok(numbers)
    }

    /// Encodes one node, its own answers behind each other, and behind them what the members of its groups answer.
    fn encode_node(&mut self, node: u32, entries: &[Entry], cover: Option<u32>) -> Result<u32, CompileError> {
        let (flags, answers) = (self.names.flags(node), runs(entries).count());
        // The apex's number is the same whether it has a wildcard or not.
        let has_wildcard = node == FIRST || self.names.wildcards.contains_key(&node);
        let number = put_node(&mut self.arena, self.names.key(node), flags, cover, has_wildcard, answers);
        let mut next_group = self.groups.len() as u32;
        for run in runs(entries) {
            let answer = match self.plain(run) {
                Some((set, ttl, rdata)) => AnswerRef::Rrset(self.encode_rrset(set, ttl, rdata, self.compresses(run))?),
                None => {
                    next_group += 1;
                    put_group(&mut self.arena, run[0].rtype, (next_group - 1) | self.place.number());
                    AnswerRef::Group(next_group - 1)
                }
            };
            self.note_target(run, answer);
        }
        for run in runs(entries) {
            if self.plain(run).is_none() {
                self.encode_group(run)?;
            }
        }
        // The apex is in one part only, whatever part has its node.
        Ok(if node == FIRST { APEX } else { number })
    }

    /// Whether what a run answers is answered under its own name only.
    fn compresses(&self, run: &[Entry]) -> bool {
        !self.targets.contains_key(&(run[0].node, run[0].rtype))
    }

    fn note_target(&mut self, run: &[Entry], answer: AnswerRef) {
        if self.targets.is_empty() {
            return;
        }
        if let Some(target) = self.targets.get_mut(&(run[0].node, run[0].rtype)) {
            let place = self.written.record_sets[run[0].record_set as usize].place;
            *target = Some(Target { answer, place });
        }
    }

    /// The one record set of a run that is an RRset as it stands.
    fn plain(&self, run: &[Entry]) -> Option<(&'h RecordSet, Ttl, &'h RdataList)> {
        let [one] = run else { return None };
        let set = &self.written.record_sets[one.record_set as usize];
        set.plain().map(|(ttl, rdata)| (set, ttl, rdata))
    }

    /// Encodes what the members of a run answer, and makes a group of them.
    fn encode_group(&mut self, run: &[Entry]) -> Result<(), CompileError> {
        let compress = self.compresses(run);
        let policy = &self.written.record_sets[run[0].record_set as usize].policy;
        let mut sets: Vec<u32> = run.iter().map(|entry| entry.record_set).collect();
        // In the order of their tiers; for other policies in the order written.
        sets.sort_by_key(|&at| match self.written.record_sets[at as usize].policy {
            RoutingPolicy::Failover(tier) => tier,
            _ => 0,
        });
        let group = self.groups.len() as u32;
        let mut members = Vec::with_capacity(sets.len());
        for (at, &record_set) in sets.iter().enumerate() {
            let mut member: Member = self.member((group, at as u32, record_set), compress)?;
            // Members answered together that say the same share one RRset, so that it is answered once.
            let twin = (*policy == RoutingPolicy::Multivalue).then(|| self.twin(&sets[..at], record_set)).flatten();
            if let Some(twin) = twin {
                let earlier: &Member = &members[twin];
                member.content = earlier.content;
            }
            members.push(member);
        }
        let compiled = self.group(run[0], &sets, members.into());
        self.groups.push(compiled);
        Ok(())
    }

    /// The group of `members`, which are the record sets at `sets` in that order.
    fn group(&self, entry: Entry, sets: &[u32], members: Box<[Member]>) -> RecordGroup {
        let sets: Vec<&RecordSet> = sets.iter().map(|&at| &self.written.record_sets[at as usize]).collect();
        let options = self.options(sets[0]);
        let checks = || HealthSet::new(members.iter().filter_map(|member| member.health_check));
        let follows = options.ttl.map(|range| Box::new(Follows { range, checks: checks() }));
        RecordGroup {
            node: entry.node,
            rtype: entry.rtype,
            policy: sets[0].policy.of_group(),
            is_enough_when_whole: is_enough(options.min_healthy, sets_for_all(&sets)),
            whole_if: None, // found when all groups are made
            enough_if_any: None,
            has_twins: false,
            members,
            map: (self.tables.map)(&sets),
            min_healthy: options.min_healthy,
            trickle: options.trickle,
            panic: options.panic,
            follows,
            sticky: options.sticky,
            nearest: options.nearest.max(1),
            fence: options.fence.into(),
        }
    }

    fn options(&self, set: &RecordSet) -> GroupOptions {
        match self.written.groups.is_empty() {
            true => GroupOptions::default(),
            false => self.written.groups.get(&(set.name.clone(), set.rtype)).cloned().unwrap_or_default(),
        }
    }

    /// Which of the `earlier` record sets has the values of this one.
    fn twin(&self, earlier: &[u32], record_set: u32) -> Option<usize> {
        let content = |at: u32| &self.written.record_sets[at as usize].content;
        let Content::Values { rdata, .. } = content(record_set) else { return None };
        earlier.iter().position(|&at| matches!(content(at), Content::Values { rdata: other, .. } if other == rdata))
    }

    fn member(&mut self, place: (u32, u32, u32), compress: bool) -> Result<Member, CompileError> {
        let set = &self.written.record_sets[place.2 as usize];
        let gate = set.set_identifier.as_ref().and_then(|identifier| (self.tables.gate)(&set.name, identifier, set.rtype));
        let health_check = set.health_check.as_ref().filter(|_| gate.is_none()).map(|id| {
            (self.tables.health)(id)
                .ok_or_else(|| CompileError::NoHealthCheck { name: set.name.clone(), health_check: id.clone() })
        });
        let content = match &set.content {
            Content::Values { ttl, rdata } => MemberContent::Rrset(self.encode_rrset(set, *ttl, rdata, compress)?),
            Content::Alias(alias) if set.external(self.written.name).is_some() => self.external(set, alias)?,
            Content::Alias(alias) => {
                self.pending.push(place);
                // Replaced by `link_aliases`, or the zone is refused.
                MemberContent::Alias {
                    target: AnswerRef::Group(NONE),
                    node: NONE,
                    evaluate_target_health: alias.evaluate_target_health,
                }
            }
        };
        let (weight, tier) = match set.policy {
            RoutingPolicy::Weighted(weight) => (weight.get(), 0),
            RoutingPolicy::Failover(tier) => (0, tier),
            _ => (0, 0),
        };
        let set_identifier = set.set_identifier.clone();
        Ok(Member {
            key: set_identifier.as_ref().map_or(0, |identifier| sticky_key(identifier.as_str())),
            set_identifier,
            weight,
            tier,
            health_check: gate.or(health_check.transpose()?),
            place: set.place,
            fenced_out: false,
            content,
        })
    }

    /// What an alias out of the zone answers with.
    fn external(&self, set: &RecordSet, alias: &Alias) -> Result<MemberContent, CompileError> {
        let Alias { target, evaluate_target_health } = alias;
        match (self.tables.external)(target, set.rtype) {
            Some(at) => Ok(MemberContent::External { target: at, evaluate_target_health: *evaluate_target_health }),
            None => Err(CompileError::NoTarget { name: set.name.clone(), target: target.clone(), rtype: set.rtype }),
        }
    }

    fn encode_rrset(&mut self, set: &RecordSet, ttl: Ttl, rdata: &RdataList, compress: bool) -> Result<RrsetRef, CompileError> {
        let source = Source { owner: &set.name, rtype: set.rtype, ttl, rdata, compress };
        let (names, place) = (self.names, self.place);
        let link = |name: &[u8]| {
            let key = name.strip_suffix(&*names.apex)?;
            if place.is_far(key) {
                return Some(Link::Far(key.into()));
            }
            names.find(key).map(Link::Node)
        };
        self.arena.encode(source, &link).map_err(|TooLarge { found }| CompileError::TooLarge {
            name: set.name.clone(),
            rtype: set.rtype,
            octets: found,
        })
    }

    fn negative_soa(&mut self) -> Result<ZoneSoa, CompileError> {
        let hosted = self.written;
        let soa = hosted.record_sets.iter().find(|set| set.rtype == RecordType::SOA && set.name == *hosted.name);
        let Some((set, Content::Values { ttl, rdata })) = soa.map(|set| (set, &set.content)) else {
            return Err(CompileError::NoSoa { zone: hosted.name.clone() });
        };
        let numbers = rdata.iter().next().and_then(soa::numbers);
        let SoaNumbers { serial, minimum } = numbers.ok_or_else(|| CompileError::NoSoa { zone: hosted.name.clone() })?;
        let negative_ttl = Ttl::new(i64::from(minimum.min(ttl.secs()))).unwrap_or(*ttl);
        Ok(ZoneSoa { negative: self.encode_rrset(set, negative_ttl, rdata, true)?, serial })
    }

    fn link_aliases(&mut self) -> Result<(), CompileError> {
        for (group, member, record_set) in std::mem::take(&mut self.pending) {
            let set = &self.written.record_sets[record_set as usize];
            let Content::Alias(alias) = &set.content else { continue };
            let wire = alias.target.as_wire().to_ascii_lowercase();
            let key = wire.strip_suffix(&*self.names.apex).unwrap_or_default();
            if self.place.is_far(key) && (self.place.has)(&alias.target, set.rtype) {
                let evaluate_target_health = alias.evaluate_target_health;
                let content = MemberContent::Far { at: self.arena.put_key(key), rtype: set.rtype, evaluate_target_health };
                self.groups[group as usize].members[member as usize].content = content;
                continue;
            }
            let node = self.names.target(&alias.target);
            let target = node.and_then(|node| Some((node, (*self.targets.get(&(node, set.rtype))?)?)));
            let (node, Target { answer: target, place }) = target.ok_or_else(|| CompileError::NoTarget {
                name: set.name.clone(),
                target: alias.target.clone(),
                rtype: set.rtype,
            })?;
            let content = MemberContent::Alias { target, node, evaluate_target_health: alias.evaluate_target_health };
            let member = &mut self.groups[group as usize].members[member as usize];
            member.content = content;
            if let AnswerRef::Rrset(_) = target {
                member.place = member.place.or(place);
            }
        }
        Ok(())
    }
}

/// Names and types that are answered under other owner names too.
fn alias_targets(written: Written<'_>, place: Place<'_>, names: &Names) -> HashMap<(u32, RecordType), Option<Target>> {
    let aliases = written.record_sets.iter().filter_map(|set| match &set.content {
        Content::Alias(alias) => Some((names.target(&alias.target)?, set.rtype)),
        Content::Values { .. } => None,
    });
    let far = place.targets.iter().filter_map(|(target, rtype)| Some((names.target(target)?, *rtype)));
    aliases.chain(far).map(|target| (target, None)).collect()
}

/// How many of the members are for every client.
fn sets_for_all(sets: &[&RecordSet]) -> usize {
    let is_for_all = |set: &&&RecordSet| match &set.policy {
        RoutingPolicy::Geolocation(area) => *area == Area::Anywhere,
        RoutingPolicy::IpBased(cidr) => cidr.location.is_none(),
        _ => true,
    };
    sets.iter().filter(is_for_all).count()
}

/// Whether so many members that count are as many as are asked for, and whatever share.
fn is_enough(min_healthy: MinHealthy, members: usize) -> bool {
    match min_healthy {
        MinHealthy::Count(least) => members >= least.into(),
        MinHealthy::Share(_) => members > 0,
    }
}

/// SipHash-2-4 with a key of zeros: a hash that stays what it is.
fn sticky_key(identifier: &str) -> u64 {
    let mut hasher = SipHasher24::new();
    hasher.write(identifier.as_bytes());
    hasher.finish()
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSoa { zone } => write!(f, "{zone} has no SOA at its apex; one is needed"),
            Self::TooLarge { name, rtype, octets } => {
                write!(f, "the {rtype} records of {name} take {octets} octets; at most {RRSET_MAX} fit into a message")
            }
            Self::NoTarget { name, target, rtype } => {
                write!(f, "{name} {rtype} is an alias of {target}, which has no {rtype} in this zone")
            }
            Self::PartFull { zone } => write!(f, "{zone} has too many names below one of its own"),
            Self::NoHealthCheck { name, health_check } => {
                write!(f, "{name} names the health check {health_check}, which nobody defines")
            }
        }
    }
}

impl std::error::Error for CompileError {}
