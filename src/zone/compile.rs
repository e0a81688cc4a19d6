//! A hosted zone becomes a [`Zone`]: names to nodes, record sets to RRsets and groups, aliases and addresses to links.
//!
//! Checks nothing that `check` checks. Invariant of the steps: nodes are made parent first, so whatever flows down the
//! tree (cuts, DNAMEs) flows in the order of their numbers.
//! Sources: RFC 1034 §4.2 and §4.3.2, RFC 4592 §2.2 (empty non-terminals), RFC 2308 §3 (negative TTL).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::hash::Hasher;

use siphasher::sip::SipHasher24;

use super::fence;
use super::group::{AnswerRef, Follows, Member, MemberContent, RecordGroup};
use super::group_options::{GroupOptions, MinHealthy};
use super::hosted_zone::HostedZone;
use super::record_set::{Alias, Content, RdataList, RecordSet, RoutingPolicy, Ttl};
use super::rrset::{Arena, Link, RrsetRef, Source, TooLarge};
use super::soa::{self, SoaNumbers};
use super::table::Table;
use super::tree::{APEX, CUT, DNAME, NONE, Node, Part, Slot, Zone, ZoneSoa, hash, part_of};
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

/// What a compiled zone refers to outside itself.
pub struct Tables<'t> {
    /// A health check's place in the snapshot's table.
    pub health: &'t dyn Fn(&HealthCheckId) -> Option<HealthIndex>,
    /// The place of a member's gate in it, where it has one: by its group's owner name, its set identifier
    /// and its group's type.
    pub gate: &'t dyn Fn(&Name, &SetIdentifier, RecordType) -> Option<HealthIndex>,
    /// The place of the map that orders these members of a group, for the policies that have one.
    pub map: &'t dyn Fn(&[&RecordSet]) -> Option<MapIndex>,
    /// The place of a name outside the zone among those that are resolved.
    pub external: &'t dyn Fn(&Name, RecordType) -> Option<ExternalIndex>,
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
    pub fn shift(&self) -> u32 {
        31 - self.parts.ilog2()
    }

    /// The number of the part, in the high bits of all that is in it.
    fn number(&self) -> u32 {
        (self.at as u32).checked_shl(self.shift()).unwrap_or_default()
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
    let mut names = Names::new(written.name);
    names.nodes[APEX as usize].flags |= if place.is_redirected { DNAME } else { 0 };
    let mut entries = names.enter(written);
    entries.sort_unstable_by_key(|entry| (entry.node, entry.rtype, entry.record_set));
    names.flow_down();
    let arena = Arena::of_part(place.number());
    let mut answers = Answers { written, place, names: &names, tables, arena, groups: Vec::new(), pending: Vec::new() };
    let mut slots = answers.encode(&entries)?;
    let soa = if place.at == 0 { Some(answers.negative_soa()?) } else { None };
    answers.link_aliases(&entries, &slots)?;
    let Answers { arena, mut groups, .. } = answers;
    fence::apply_fences(&mut groups);
    find_whole(&mut groups);
    let mut nodes = place_slots(names.nodes, &entries);
    number(&mut nodes, &mut slots, &mut groups, place.number());
    let is_bound = groups.iter().any(RecordGroup::is_bound);
    let rrsets = arena.finish();
    let most = 1 << place.shift();
    if [rrsets.len(), nodes.len(), groups.len()].into_iter().any(|len| len > most) {
        return Err(CompileError::PartFull { zone: written.name.clone() });
    }
    let part = Part {
        table: names.table,
        nodes: nodes.into(),
        keys: names.keys.into(),
        slots: slots.into(),
        rrsets,
        groups: groups.into(),
        max_labels: names.max_labels,
        is_bound,
    };
    Ok((part, soa))
}

/// Puts the part's number into all that leads to its nodes and groups from outside. RRsets have it already, and the
/// apex's is 0 everywhere.
fn number(nodes: &mut [Node], slots: &mut [Slot], groups: &mut [RecordGroup], part: u32) {
    if part == 0 {
        return;
    }
    let numbered = |node: &mut u32| *node |= if matches!(*node, NONE | APEX) { 0 } else { part };
    let answer = |answer: &mut AnswerRef| {
        if let AnswerRef::Group(at) = answer {
            *at |= part;
        }
    };
    nodes.iter_mut().for_each(|node| [&mut node.cover, &mut node.wildcard].into_iter().for_each(numbered));
    slots.iter_mut().for_each(|slot| answer(&mut slot.answer));
    for group in groups {
        numbered(&mut group.node);
        for member in &mut group.members {
            if let MemberContent::Alias { target, node, .. } = &mut member.content {
                answer(target);
                numbered(node);
            }
        }
    }
}

/// One record set and the node that owns it.
#[derive(Clone, Copy)]
struct Entry {
    node: u32,
    rtype: RecordType,
    record_set: u32,
}

/// The nodes, while they are made.
struct Names {
    /// In lower case.
    apex: Vec<u8>,
    table: Table,
    /// The nodes that no query finds, by their keys.
    hidden: HashMap<Box<[u8]>, u32>,
    nodes: Vec<Node>,
    parents: Vec<u32>,
    keys: Vec<u8>,
    /// Labels of the longest key.
    max_labels: usize,
}

impl Names {
    fn new(apex: &Name) -> Self {
        let mut names = Self {
            apex: apex.as_wire().to_ascii_lowercase(),
            table: Table::default(),
            hidden: HashMap::new(),
            nodes: Vec::new(),
            parents: Vec::new(),
            keys: Vec::new(),
            max_labels: 0,
        };
        names.insert(&[], APEX);
        names
    }

    /// Makes a node for each owner name and, where queries find it, for all that lies between it and the apex.
    fn enter(&mut self, hosted: Written<'_>) -> Vec<Entry> {
        let record_sets = hosted.record_sets;
        let found = record_sets.len().saturating_sub(hosted.hidden);
        let mut entries = Vec::with_capacity(record_sets.len());
        for (at, set) in record_sets.iter().enumerate() {
            let key = set.name.as_wire().to_ascii_lowercase();
            let Some(key) = key.strip_suffix(&*self.apex) else { continue };
            if at >= found {
                entries.push(Entry { node: self.hidden_node(key), rtype: set.rtype, record_set: at as u32 });
                continue;
            }
            let node = self.node(key);
            self.nodes[node as usize].flags |= match set.rtype {
                RecordType::NS if node != APEX => CUT,
                RecordType::DNAME => DNAME,
                _ => 0,
            };
            entries.push(Entry { node, rtype: set.rtype, record_set: at as u32 });
        }
        entries
    }

    /// The node of `key`, made with its ancestors if it is not there: at most 127 of them.
    fn node(&mut self, key: &[u8]) -> u32 {
        if let Some(node) = self.find(key) {
            return node;
        }
        let label = 1 + usize::from(key[0]);
        let parent = self.node(&key[label..]);
        let node = self.insert(key, parent);
        if key.starts_with(&[1, b'*']) {
            self.nodes[parent as usize].wildcard = node;
        }
        node
    }

    /// The node of `key` beside the tree.
    fn hidden_node(&mut self, key: &[u8]) -> u32 {
        if let Some(&node) = self.hidden.get(key) {
            return node;
        }
        let node = self.push(key, APEX);
        self.hidden.insert(key.into(), node);
        node
    }

    fn find(&self, key: &[u8]) -> Option<u32> {
        self.table.find(hash(key), |node| self.key(node) == key)
    }

    fn key(&self, node: u32) -> &[u8] {
        let node = &self.nodes[node as usize];
        &self.keys[node.key_at as usize..][..usize::from(node.key_len)]
    }

    fn push(&mut self, key: &[u8], parent: u32) -> u32 {
        let node = self.nodes.len() as u32;
        let key_at = u32::try_from(self.keys.len()).expect("a zone of 4 GiB of names does not fit one table");
        self.keys.extend_from_slice(key);
        let key_len = u8::try_from(key.len()).expect("a name has at most 255 octets");
        self.nodes.push(Node { key_at, slots_at: 0, cover: NONE, wildcard: NONE, slots: 0, key_len, flags: 0 });
        self.parents.push(parent);
        node
    }

    fn insert(&mut self, key: &[u8], parent: u32) -> u32 {
        let node = self.push(key, parent);
        self.max_labels = self.max_labels.max(crate::wire::qname::label_starts(key).count());
        self.table.insert(hash(key), node);
        node
    }

    /// Tells every node of the cut at or above it, or the DNAME above it (RFC 6672 §2.4: what is below does not exist).
    fn flow_down(&mut self) {
        for at in 1..self.nodes.len() {
            let above = self.parents[at];
            let parent = &self.nodes[above as usize];
            let inherited = match parent.cover {
                NONE if parent.flags & DNAME != 0 => above,
                cover => cover,
            };
            let is_cut = self.nodes[at].flags & CUT != 0;
            self.nodes[at].cover = if inherited == NONE && is_cut { at as u32 } else { inherited };
        }
    }

    /// The node of an alias's target, which queries need not find.
    fn target(&self, target: &Name) -> Option<u32> {
        let wire = target.as_wire().to_ascii_lowercase();
        let key = wire.strip_suffix(&*self.apex)?;
        self.hidden.get(key).copied().or_else(|| self.find(key))
    }
}

/// The runs of entries with one node and type: each becomes a slot.
fn runs(entries: &[Entry]) -> impl Iterator<Item = &[Entry]> {
    entries.chunk_by(|a, b| (a.node, a.rtype) == (b.node, b.rtype))
}

/// Gives each node its slots, which stand in the order of the runs.
fn place_slots(mut nodes: Vec<Node>, entries: &[Entry]) -> Vec<Node> {
    for (at, run) in runs(entries).enumerate() {
        let node = &mut nodes[run[0].node as usize];
        if node.slots == 0 {
            node.slots_at = at as u32;
        }
        node.slots += 1;
    }
    nodes
}

/// RRsets and groups, while they are made.
struct Answers<'h> {
    written: Written<'h>,
    place: Place<'h>,
    names: &'h Names,
    tables: &'h Tables<'h>,
    arena: Arena,
    groups: Vec<RecordGroup>,
    /// Aliases whose target has yet to be found: group, member, record set.
    pending: Vec<(u32, u32, u32)>,
}

impl<'h> Answers<'h> {
    fn encode(&mut self, entries: &[Entry]) -> Result<Vec<Slot>, CompileError> {
        let targets = self.alias_targets();
        let mut slots = Vec::with_capacity(entries.len());
        for run in runs(entries) {
            let compress = !targets.contains(&(run[0].node, run[0].rtype));
            slots.push(Slot { rtype: run[0].rtype, answer: self.encode_run(run, compress)? });
        }
        Ok(slots)
    }

    /// Names and types that are answered under other owner names too.
    fn alias_targets(&self) -> HashSet<(u32, RecordType)> {
        let aliases = self.written.record_sets.iter().filter_map(|set| match &set.content {
            Content::Alias(alias) => Some((self.names.target(&alias.target)?, set.rtype)),
            Content::Values { .. } => None,
        });
        let far = self.place.targets.iter();
        aliases.chain(far.filter_map(|(target, rtype)| Some((self.names.target(target)?, *rtype)))).collect()
    }

    fn encode_run(&mut self, run: &[Entry], compress: bool) -> Result<AnswerRef, CompileError> {
        let first = &self.written.record_sets[run[0].record_set as usize];
        if let ([_], RoutingPolicy::Simple, Content::Values { ttl, rdata }) = (run, &first.policy, &first.content) {
            return Ok(AnswerRef::Rrset(self.encode_rrset(first, *ttl, rdata, compress)?));
        }
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
            let twin = (first.policy == RoutingPolicy::Multivalue).then(|| self.twin(&sets[..at], record_set)).flatten();
            if let Some(twin) = twin {
                let earlier: &Member = &members[twin];
                member.content = earlier.content;
            }
            members.push(member);
        }
        let compiled = self.group(run[0], &sets, members.into());
        self.groups.push(compiled);
        Ok(AnswerRef::Group(group))
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
            names.find(key).map(|node| Link::Node(node | place.number()))
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

    fn link_aliases(&mut self, entries: &[Entry], slots: &[Slot]) -> Result<(), CompileError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let stands = |run: &[Entry], slot: &Slot| (slot.answer, self.written.record_sets[run[0].record_set as usize].place);
        let found: HashMap<(u32, RecordType), (AnswerRef, Option<Area>)> =
            runs(entries).zip(slots).map(|(run, slot)| ((run[0].node, run[0].rtype), stands(run, slot))).collect();
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
            let target = node.and_then(|node| Some((node, *found.get(&(node, set.rtype))?)));
            let (node, (target, place)) = target.ok_or_else(|| CompileError::NoTarget {
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
                let max = super::rrset::RRSET_MAX;
                write!(f, "the {rtype} records of {name} take {octets} octets; at most {max} fit into a message")
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
