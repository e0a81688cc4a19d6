//! The names of a zone while it is compiled: a node for each owner name and for all that lies between it and the apex.
//!
//! Knows what record sets say of the tree (cuts, DNAMEs, wildcards), not what they answer. Nodes are made parent first, so
//! whatever flows down the tree flows in the order of their places here.
//! Invariant: the parent of a node that queries find comes before it; node 0 is the apex.
//! Sources: RFC 1034 §4.2, RFC 4592 §2.2 (empty non-terminals), RFC 6672 §2.4.

use std::collections::{BTreeMap, HashMap};

use hashbrown::HashTable;

use super::compile::Written;
use super::node::{CUT, DNAME};
use super::record_set::RecordSet;
use super::table::{self, hash};
use super::tree::is_same;
use crate::wire::NAME_MAX;
use crate::wire::name::Name;
use crate::wire::qname::label_starts;
use crate::wire::rtype::RecordType;

/// The nodes of one part.
pub(super) struct Names {
    /// In lower case.
    pub apex: Box<[u8]>,
    nodes: Vec<Named>,
    /// The keys of the nodes, one behind the other.
    keys: Vec<u8>,
    /// The nodes that queries find, by their keys.
    found: HashTable<u32>,
    /// Those that no query finds.
    hidden: HashMap<Box<[u8]>, u32>,
    /// The children `*`, by their parents.
    pub wildcards: BTreeMap<u32, u32>,
    /// Labels of the longest key.
    pub max_labels: usize,
}

/// One node.
struct Named {
    key_at: u32,
    parent: u32,
    key_len: u8,
    flags: u8,
    is_hidden: bool,
}

/// One record set and the node that owns it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub node: u32,
    pub rtype: RecordType,
    pub record_set: u32,
}

/// The place of the apex.
pub(super) const FIRST: u32 = 0;

impl Names {
    /// The nodes for `written`, and which of them owns each of its record sets: those of one node and type together, in the
    /// order written.
    pub fn of(written: Written<'_>, is_redirected: bool) -> (Self, Vec<Entry>) {
        let mut names = Self {
            apex: written.name.as_wire().to_ascii_lowercase().into(),
            nodes: Vec::with_capacity(written.record_sets.len()),
            keys: Vec::new(),
            found: HashTable::with_capacity(written.record_sets.len()),
            hidden: HashMap::new(),
            wildcards: BTreeMap::new(),
            max_labels: 0,
        };
        names.insert(&[], hash(&[]), FIRST);
        names.nodes[0].flags |= if is_redirected { DNAME } else { 0 };
        let mut entries = names.enter(written);
        // Nearly in order: nodes are mostly made in the order of the record sets.
        entries.sort();
        (names, entries)
    }

    fn enter(&mut self, written: Written<'_>) -> Vec<Entry> {
        let record_sets = written.record_sets;
        let found = record_sets.len().saturating_sub(written.hidden);
        let mut entries = Vec::with_capacity(record_sets.len());
        let (mut room, mut last) = ([0; NAME_MAX], FIRST);
        for (at, set) in record_sets.iter().enumerate() {
            let Some(key) = key_in(&mut room, &set.name, &self.apex) else { continue };
            // Record sets of one name mostly follow each other.
            last = match at < found {
                true if is_same(self.key(last), key) && !self.nodes[last as usize].is_hidden => last,
                true => self.node(key),
                false => self.hidden_node(key),
            };
            if at < found {
                self.flag(last, set);
            }
            entries.push(Entry { node: last, rtype: set.rtype, record_set: at as u32 });
        }
        entries
    }

    fn flag(&mut self, node: u32, set: &RecordSet) {
        self.nodes[node as usize].flags |= match set.rtype {
            RecordType::NS if node != FIRST => CUT,
            RecordType::DNAME => DNAME,
            _ => 0,
        };
    }

    /// The node of `key`, made with its ancestors if it is not there: at most 127 of them.
    fn node(&mut self, key: &[u8]) -> u32 {
        let hash = hash(key);
        if let Some(node) = self.find_hashed(key, hash) {
            return node;
        }
        let above = &key[1 + usize::from(key[0])..];
        // Names mostly follow others of the same parent.
        let parent = match self.nodes.last().map(|last| last.parent) {
            Some(parent) if is_same(self.key(parent), above) => parent,
            _ => self.node(above),
        };
        let node = self.insert(key, hash, parent);
        if key.starts_with(&[1, b'*']) {
            self.wildcards.insert(parent, node);
        }
        node
    }

    /// The node of `key` beside the tree.
    fn hidden_node(&mut self, key: &[u8]) -> u32 {
        if let Some(&node) = self.hidden.get(key) {
            return node;
        }
        let node = self.push(key, FIRST, true);
        self.hidden.insert(key.into(), node);
        node
    }

    fn insert(&mut self, key: &[u8], hash: u64, parent: u32) -> u32 {
        let node = self.push(key, parent, false);
        self.max_labels = self.max_labels.max(label_starts(key).count());
        let Self { found, nodes, keys, .. } = self;
        found.insert_unique(hash, node, |&node| table::hash(key_of(nodes, keys, node)));
        node
    }

    fn push(&mut self, key: &[u8], parent: u32, is_hidden: bool) -> u32 {
        let node = self.nodes.len() as u32;
        let key_at = u32::try_from(self.keys.len()).expect("a zone of 4 GiB of names does not fit one table");
        self.keys.extend_from_slice(key);
        let key_len = u8::try_from(key.len()).expect("a name has at most 255 octets");
        self.nodes.push(Named { key_at, parent, key_len, flags: 0, is_hidden });
        node
    }

    /// How many nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The lower-cased name of a node, without the apex.
    pub fn key(&self, node: u32) -> &[u8] {
        key_of(&self.nodes, &self.keys, node)
    }

    pub fn flags(&self, node: u32) -> u8 {
        self.nodes[node as usize].flags
    }

    pub fn is_hidden(&self, node: u32) -> bool {
        self.nodes[node as usize].is_hidden
    }

    /// The node that queries find by this key.
    pub fn find(&self, key: &[u8]) -> Option<u32> {
        self.find_hashed(key, hash(key))
    }

    fn find_hashed(&self, key: &[u8], hash: u64) -> Option<u32> {
        self.found.find(hash, |&node| is_same(self.key(node), key)).copied()
    }

    /// The node of an alias's target, which queries need not find.
    pub fn target(&self, target: &Name) -> Option<u32> {
        let mut room = [0; NAME_MAX];
        let key = key_in(&mut room, target, &self.apex)?;
        self.hidden.get(key).copied().or_else(|| self.find(key))
    }

    /// For every node the cut at or above it, or the DNAME above it: what is below that does not exist. Empty if there are
    /// neither.
    pub fn covers(&self) -> Vec<Option<u32>> {
        let mut covers: Vec<Option<u32>> = Vec::new();
        if self.nodes.iter().all(|node| node.flags == 0) {
            return covers;
        }
        for (at, node) in self.nodes.iter().enumerate() {
            let above = (at > 0).then_some(node.parent);
            let redirected = above.filter(|&above| self.flags(above) & DNAME != 0);
            let inherited = above.and_then(|above| covers[above as usize]).or(redirected);
            covers.push(inherited.or((node.flags & CUT != 0).then_some(at as u32)));
        }
        covers
    }
}

fn key_of<'n>(nodes: &[Named], keys: &'n [u8], node: u32) -> &'n [u8] {
    let node = &nodes[node as usize];
    &keys[node.key_at as usize..][..usize::from(node.key_len)]
}

/// A name in lower case without the apex, if it is at or below that; `room` is where it is made if it is written otherwise.
/// Most are not, and reading at once what was just copied waits for all that was written before it.
fn key_in<'r>(room: &'r mut [u8; NAME_MAX], name: &'r Name, apex: &[u8]) -> Option<&'r [u8]> {
    let wire = name.as_wire();
    if !wire.iter().fold(false, |found, octet| found | octet.is_ascii_uppercase()) {
        return wire.strip_suffix(apex);
    }
    let lower = &mut room[..wire.len()];
    lower.copy_from_slice(wire);
    lower.make_ascii_lowercase();
    lower.strip_suffix(apex)
}
