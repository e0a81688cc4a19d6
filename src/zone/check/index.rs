//! A zone's record sets by name and type, for the rules to look at: made in one pass, without a copy of any name.
//!
//! Judges nothing, but says what rules need not look at: most of a large zone are plain addresses, each alone at its name,
//! of which no rule but those of zone cuts and DNAMEs has anything to say.
//! Invariants: the record sets of one name stand together, by type and then in the order written; what is not among `noted`
//! is plain, and what is not among `deciding` is a group of one plain member.

use hashbrown::HashTable;

use super::GroupKey;
use super::aliases::{self, Walk};
use crate::wire::name::{Name, hash_folded};
use crate::wire::qname::label_starts;
use crate::wire::rtype::RecordType;
use crate::zone::group_options::GroupOptions;
use crate::zone::hosted_zone::HostedZone;
use crate::zone::record_set::{Content, RecordSet, RoutingPolicy};

pub(super) struct Index<'z> {
    pub zone: &'z HostedZone,
    /// Every record set, name by name.
    members: Vec<&'z RecordSet>,
    nodes: Vec<Node<'z>>,
    /// Places in `nodes`, each with the low half of its name's hash.
    by_name: HashTable<(u32, u32)>,
    /// The record sets that are not plain, in the order written.
    noted: Vec<&'z RecordSet>,
    /// The groups that have several members or a policy: where they are in `members`.
    deciding: Vec<(u32, u32)>,
    has_cuts: bool,
    pub walk: Walk<'z>,
}

/// One name.
struct Node<'z> {
    name: &'z Name,
    /// Where its record sets begin in `members`.
    start: u32,
    len: u32,
    /// Holds NS and is not the apex.
    is_cut: bool,
}

impl<'z> Index<'z> {
    pub fn new(zone: &'z HostedZone) -> Self {
        let noted = zone.record_sets.iter().filter(|set| !is_plain(set, &zone.name)).collect();
        let mut index = Self {
            zone,
            members: Vec::new(),
            nodes: Vec::with_capacity(zone.record_sets.len()),
            by_name: HashTable::with_capacity(zone.record_sets.len()),
            noted,
            deciding: Vec::new(),
            has_cuts: false,
            walk: Walk::default(),
        };
        index.enter();
        index.find_deciding();
        index.walk = aliases::walk(&index);
        index
    }

    /// Puts the record sets of each name together.
    fn enter(&mut self) {
        let sets = &self.zone.record_sets;
        let nodes: Vec<u32> = sets.iter().map(|set| self.node_for(&set.name)).collect();
        let mut start = 0;
        for node in &mut self.nodes {
            node.start = start;
            start += std::mem::take(&mut node.len);
        }
        // Names of one record set each, in the order written, are where they belong already.
        self.members = sets.iter().collect();
        for (set, node) in sets.iter().zip(nodes) {
            let node = &mut self.nodes[node as usize];
            self.members[(node.start + node.len) as usize] = set;
            node.len += 1;
            if set.rtype == RecordType::NS && set.name != self.zone.name {
                node.is_cut = true;
                self.has_cuts = true;
            }
        }
    }

    /// The node of a name, made if it is not there; it counts what is entered.
    fn node_for(&mut self, name: &'z Name) -> u32 {
        let hash = hash_folded(name.as_wire());
        let nodes = &mut self.nodes;
        let is_it = |(low, node): &(u32, u32)| *low == hash as u32 && nodes[*node as usize].name == name;
        if let Some((_, node)) = self.by_name.find(hash, is_it) {
            nodes[*node as usize].len += 1;
            return *node;
        }
        let node = nodes.len() as u32;
        nodes.push(Node { name, start: 0, len: 1, is_cut: false });
        let hash_of = |(_, node): &(u32, u32)| hash_folded(nodes[*node as usize].name.as_wire());
        self.by_name.insert_unique(hash, (hash as u32, node), hash_of);
        node
    }

    fn find_deciding(&mut self) {
        for node in &self.nodes {
            let members = &mut self.members[node.start as usize..][..node.len as usize];
            if let [set] = members {
                if set.policy != RoutingPolicy::Simple {
                    self.deciding.push((node.start, 1));
                }
                continue;
            }
            members.sort_by_key(|set| set.rtype);
            let mut start = node.start;
            for group in members.chunk_by(same_type) {
                let len = group.len() as u32;
                if len > 1 || group[0].policy != RoutingPolicy::Simple {
                    self.deciding.push((start, len));
                }
                start += len;
            }
        }
    }

    /// Every record group that has several members or a policy; each has at least one member.
    pub fn deciding(&self) -> impl Iterator<Item = &[&'z RecordSet]> {
        self.deciding.iter().map(|(start, len)| &self.members[*start as usize..][..*len as usize])
    }

    /// Every record set that is not plain, in the order written.
    pub fn noted(&self) -> impl Iterator<Item = &'z RecordSet> {
        self.noted.iter().copied()
    }

    /// Every record set.
    pub fn sets(&self) -> impl Iterator<Item = &'z RecordSet> {
        self.zone.record_sets.iter()
    }

    /// How many names have record sets.
    pub fn names_len(&self) -> usize {
        self.nodes.len()
    }

    /// Every name that has record sets.
    pub fn names(&self) -> impl Iterator<Item = &'z Name> {
        self.nodes.iter().map(|node| node.name)
    }

    /// The groups at a name, by type; none where the name has no record sets.
    pub fn groups_at(&self, name: &Name) -> Option<impl Iterator<Item = &[&'z RecordSet]>> {
        Some(self.members_of(self.node(name.as_wire())?).chunk_by(same_type))
    }

    pub fn group(&self, name: &Name, rtype: RecordType) -> Option<&[&'z RecordSet]> {
        self.group_of(self.node(name.as_wire())?, rtype)
    }

    /// The group that an alias leads to, if it is there.
    pub fn target(&self, set: &RecordSet) -> Option<&[&'z RecordSet]> {
        match &set.content {
            Content::Alias(alias) => self.group(&alias.target, set.rtype),
            Content::Values { .. } => None,
        }
    }

    /// What a group does beyond its policy.
    pub fn options(&self, (name, rtype): GroupKey<'_>) -> GroupOptions {
        match self.zone.groups.is_empty() {
            true => GroupOptions::default(),
            false => self.zone.groups.get(&(name.clone(), rtype)).cloned().unwrap_or_default(),
        }
    }

    pub fn is_apex(&self, name: &Name) -> bool {
        *name == self.zone.name
    }

    /// Whether the zone delegates anything.
    pub fn has_cuts(&self) -> bool {
        self.has_cuts
    }

    /// Whether a name other than the apex holds NS.
    pub fn is_cut(&self, name: &Name) -> bool {
        self.node(name.as_wire()).is_some_and(|node| node.is_cut)
    }

    /// The topmost cut at or above `name`, if `name` is not the zone's own.
    pub fn cut_above(&self, name: &Name) -> Option<&'z Name> {
        if !self.has_cuts {
            return None;
        }
        let at_or_above = self.below_apex(name).filter_map(|wire| self.node(wire)).filter(|node| node.is_cut);
        at_or_above.last().map(|node| node.name)
    }

    /// The nearest name above `name` that holds a DNAME.
    pub fn dname_above(&self, name: &Name) -> Option<&'z Name> {
        let wire = name.as_wire();
        let above = label_starts(wire).skip(1).map(|start| &wire[start..]).chain((!name.is_root()).then_some(ROOT));
        let mut dnames = above.filter_map(|wire| self.node(wire)).filter(|node| self.has_dname(node));
        dnames.next().map(|node| node.name)
    }

    pub fn has_address(&self, name: &Name) -> bool {
        [RecordType::A, RecordType::AAAA].iter().any(|rtype| self.group(name, *rtype).is_some())
    }

    /// Whether a query for `name` finds a node, a wildcard, a delegation or a DNAME rather than NXDOMAIN.
    pub fn is_answered(&self, name: &Name) -> bool {
        let apex = self.zone.name.as_wire();
        self.node(name.as_wire()).is_some()
            || self.cut_above(name).is_some()
            || self.below_apex(name).skip(1).chain((!self.is_apex(name)).then_some(apex)).any(|above| {
                let wildcard = [&[1, b'*'], above].concat();
                self.node(&wildcard).is_some() || self.node(above).is_some_and(|node| self.has_dname(node))
            })
    }

    /// The name and those above it, as far as they have more labels than the apex.
    fn below_apex<'n>(&self, name: &'n Name) -> impl Iterator<Item = &'n [u8]> + use<'n> {
        let wire = name.as_wire();
        let depth = name.label_count().saturating_sub(self.zone.name.label_count());
        label_starts(wire).take(depth).map(|start| &wire[start..])
    }

    fn node(&self, wire: &[u8]) -> Option<&Node<'z>> {
        let hash = hash_folded(wire);
        let is_it = |(low, node): &(u32, u32)| {
            *low == hash as u32 && self.nodes[*node as usize].name.as_wire().eq_ignore_ascii_case(wire)
        };
        self.by_name.find(hash, is_it).map(|(_, node)| &self.nodes[*node as usize])
    }

    fn members_of(&self, node: &Node<'z>) -> &[&'z RecordSet] {
        &self.members[node.start as usize..][..node.len as usize]
    }

    fn group_of(&self, node: &Node<'z>, rtype: RecordType) -> Option<&[&'z RecordSet]> {
        self.members_of(node).chunk_by(same_type).find(|group| group[0].rtype == rtype)
    }

    fn has_dname(&self, node: &Node<'z>) -> bool {
        self.group_of(node, RecordType::DNAME).is_some()
    }
}

fn same_type(one: &&RecordSet, other: &&RecordSet) -> bool {
    one.rtype == other.rtype
}

/// Whether it is one value of a type that says nothing of other names, in the zone of this apex, and nothing else.
fn is_plain(set: &RecordSet, apex: &Name) -> bool {
    set.plain().is_some_and(|(_, rdata)| rdata.len() == 1)
        && set.set_identifier.is_none()
        && !NOTED_TYPES.contains(&set.rtype)
        && set.name.is_at_or_below(apex)
}

/// Types of which a rule says something: at which names they may be, beside what, how often, or where they point.
const NOTED_TYPES: [RecordType; 6] =
    [RecordType::SOA, RecordType::NS, RecordType::CNAME, RecordType::DNAME, RecordType::MX, RecordType::SRV];
const ROOT: &[u8] = &[0];
