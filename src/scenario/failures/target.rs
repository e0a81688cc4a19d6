//! One routed name: who asks it, and what is wrong with what they get.
//!
//! Answers come from `routing::choose`; this compares them with what the record sets allow (`leaves`). Invariant: a kind of
//! finding is told once.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use super::super::ask::{PATHS_MAX, walk};
use super::super::case::Setting;
use super::super::elsewhere::all_resolved;
use super::super::read::rdata_text;
use super::leaves::{Leaf, RecordSets, external_values};
use super::{Kind, combinations_up_to};
use crate::explain::{Client, decode};
use crate::health::board::Board;
use crate::health::table::HealthTable;
use crate::ids::{ExternalIndex, HealthCheckId, MapIndex};
use crate::places;
use crate::places::maps::ClientMaps;
use crate::routing::chance::Paths;
use crate::routing::dependence::Dependence;
use crate::routing::trace::NoTrace;
use crate::routing::{Choice, Facts, choose};
use crate::wire::name::Name;
use crate::wire::rtype::{Class, RecordType};
use crate::zone::external::Externals;
use crate::zone::group::{AnswerRef, MemberContent};
use crate::zone::rrset::RrsetRef;
use crate::zone::tree::Zone;

/// One name and type that chooses.
pub(super) struct Target<'s> {
    pub name: &'s Name,
    pub rtype: RecordType,
    /// The probed checks that it depends on.
    pub checks: Vec<HealthCheckId>,
    pub clients: Vec<Client>,
    /// Chance can fall in more ways than were walked.
    pub not_exhausted: bool,
    zone: &'s Zone,
    maps: &'s ClientMaps,
    /// Every name outside the zones has an address.
    pub externals: Arc<Externals>,
    answer: AnswerRef,
    leaves: Vec<Leaf>,
    /// The leaf that has an RRset's values; none: no leaf has.
    leaf_of: HashMap<RrsetRef, Option<usize>>,
    /// Answers differ when nothing has failed.
    spreads: bool,
    found: Vec<Kind>,
}

/// One answer that nobody wants, and how it came about.
pub(super) struct Wrong {
    pub kind: Kind,
    pub client: Client,
    pub path: Paths,
}

/// What is answered over all clients and every path of chance.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answered {
    Nothing,
    /// One member's values, always: those of this leaf.
    One(usize),
    Several,
}

/// Each name of the setting's zones that chooses, asked by `clients` and by one more for each order that its maps hold.
pub(super) fn targets<'s>(setting: &'s Setting, clients: &[Client]) -> Vec<Target<'s>> {
    let state = &setting.built.state;
    let externals = all_resolved(&setting.built.externals);
    let mut targets = Vec::new();
    for (hosted, zone) in state.zones.iter().zip(setting.built.catalog.zones()) {
        let sets = RecordSets::of(hosted);
        for (name, rtype) in sets.names() {
            let node = zone.node_of(name.to_lowercase().as_wire());
            let Some(answer @ AnswerRef::Group(_)) = node.and_then(|node| zone.answer_at(node, rtype)) else { continue };
            let found = sets.leaves(name, rtype, &state.checks);
            targets.push(Target {
                name,
                rtype,
                checks: found.probed.into_iter().collect(),
                clients: with_examples(clients, &maps_below(zone, answer), &setting.built.maps),
                not_exhausted: false,
                zone,
                maps: &setting.built.maps,
                externals: externals.clone(),
                answer,
                leaves: found.leaves,
                leaf_of: HashMap::new(),
                spreads: false,
                found: Vec::new(),
            });
        }
    }
    targets
}

/// These clients, and one resolver for each order of members that the maps hold.
fn with_examples(clients: &[Client], of: &BTreeSet<MapIndex>, maps: &ClientMaps) -> Vec<Client> {
    let examples: BTreeSet<IpAddr> = of.iter().flat_map(|map| maps.map(*map).examples()).collect();
    let more = examples.into_iter().map(Client::Resolver).filter(|client| !clients.contains(client));
    clients.iter().copied().chain(more).collect()
}

/// The maps of every group that an answer is chosen in.
fn maps_below(zone: &Zone, answer: AnswerRef) -> BTreeSet<MapIndex> {
    let (mut maps, mut seen, mut waiting) = (BTreeSet::new(), BTreeSet::new(), vec![answer]);
    while let Some(answer) = waiting.pop() {
        let AnswerRef::Group(at) = answer else { continue };
        if !seen.insert(at) {
            continue;
        }
        let group = zone.group(at);
        maps.extend(group.map);
        waiting.extend(group.members.iter().filter_map(|member| match zone.content(member) {
            MemberContent::Alias { target, .. } => Some(target),
            MemberContent::Rrset(_) | MemberContent::External { .. } | MemberContent::Far { .. } => None,
        }));
    }
    maps
}

impl Target<'_> {
    /// How many questions the search of up to `failures` failed checks asks.
    pub fn questions(&self, failures: usize) -> u64 {
        combinations_up_to(self.checks.len(), failures).saturating_mul(self.clients.len() as u64)
    }

    /// What is wrong with the answers as of `board`, on which `failed` checks fail, but for kinds that were found before.
    pub fn judge(&mut self, board: &Board, failed: usize) -> Vec<Wrong> {
        let health = board.table();
        let mut found = Vec::new();
        let mut answered = Answered::Nothing;
        for client in self.clients.clone() {
            self.ask(&health, client, &mut answered, &mut found);
        }
        match answered {
            Answered::Several if failed == 0 => self.spreads = true,
            Answered::One(leaf) if self.spreads && self.has_other_healthy(leaf, board) => {
                found.extend(self.first(Kind::OneEndpoint, self.clients[0], &Paths::new()));
            }
            _ => {}
        }
        found
    }

    /// Adds what this client is answered, over every path of chance, and what is wrong with it.
    fn ask(&mut self, health: &HealthTable, client: Client, answered: &mut Answered, found: &mut Vec<Wrong>) {
        let asking = match client {
            Client::Resolver(address) => places::client::Client::of(None, address),
            Client::Subnet(subnet) => places::client::Client::of(Some((subnet.addr(), subnet.prefix_len())), client.resolver()),
        };
        let depends = Dependence::default();
        let externals = self.externals.clone();
        let facts = Facts { zone: self.zone, health, maps: self.maps, externals: &externals, client: &asking, depends: &depends };
        let walked = walk(Paths::over_clients(), PATHS_MAX, |paths| {
            let choice = choose(self.answer, facts, paths, &mut NoTrace);
            let wrong = self.look_at(&choice, answered);
            found.extend(wrong.and_then(|kind| self.first(kind, client, paths)));
        });
        if walked.is_err() {
            // What was not walked may differ.
            *answered = Answered::Several;
            self.not_exhausted = true;
        }
    }

    /// The finding, if it is the first of its kind.
    fn first(&mut self, kind: Kind, client: Client, path: &Paths) -> Option<Wrong> {
        let is_new = !self.found.contains(&kind);
        self.found.extend(is_new.then_some(kind));
        is_new.then(|| Wrong { kind, client, path: path.clone() })
    }

    /// Adds one choice to what is answered, and says what is wrong with it.
    fn look_at(&mut self, choice: &Choice, answered: &mut Answered) -> Option<Kind> {
        let of_zone = choice.rrsets().iter().map(|rrset| self.leaf_of(*rrset));
        let mut leaves: Vec<Option<usize>> = of_zone.collect();
        leaves.extend(choice.external().map(|at| self.leaf_of_external(at)));
        *answered = match (&leaves[..], *answered) {
            ([], _) => return Some(Kind::Empty),
            ([Some(leaf)], Answered::Nothing) => Answered::One(*leaf),
            ([Some(leaf)], Answered::One(known)) if *leaf == known => Answered::One(known),
            _ => Answered::Several,
        };
        let all_inside = leaves.into_iter().all(|leaf| self.is_inside(leaf));
        (!all_inside).then_some(Kind::OutsideFence)
    }

    fn is_inside(&self, leaf: Option<usize>) -> bool {
        let values = leaf.map(|leaf| &self.leaves[leaf].values);
        values.is_some_and(|values| self.leaves.iter().any(|leaf| leaf.inside && leaf.values == *values))
    }

    /// Whether somebody else's health checks are healthy.
    fn has_other_healthy(&self, leaf: usize, board: &Board) -> bool {
        let is_healthy = |id: &HealthCheckId| board.index(id).is_none_or(|index| board.verdict(index).healthy);
        let values = &self.leaves[leaf].values;
        self.leaves.iter().any(|other| other.values != *values && other.checks.iter().all(is_healthy))
    }

    /// The first leaf with the values of an RRset.
    fn leaf_of(&mut self, rrset: RrsetRef) -> Option<usize> {
        if let Some(known) = self.leaf_of.get(&rrset) {
            return *known;
        }
        let values = values_of(self.zone, rrset, self.name, self.rtype);
        let leaf = self.leaves.iter().position(|leaf| leaf.values == values);
        self.leaf_of.insert(rrset, leaf);
        leaf
    }

    /// The first leaf that is an alias of a name outside the zone.
    fn leaf_of_external(&self, at: ExternalIndex) -> Option<usize> {
        let name = external_values(&self.externals.target(at).name);
        self.leaves.iter().position(|leaf| leaf.values == name)
    }
}

/// The values of an RRset that answers `name`, in presentation form, sorted.
fn values_of(zone: &Zone, rrset: RrsetRef, name: &Name, rtype: RecordType) -> Vec<String> {
    // As a message has it: the pointers in an RRset are those into a question (`zone::rrset`).
    let rrset = zone.rrset(rrset);
    let mut message = vec![0, 0, 0x80, 0, 0, 1];
    message.extend_from_slice(&rrset.count().to_be_bytes());
    message.extend_from_slice(&[0; 4]);
    message.extend_from_slice(name.as_wire());
    message.extend_from_slice(&rtype.0.to_be_bytes());
    message.extend_from_slice(&Class::IN.0.to_be_bytes());
    message.extend_from_slice(rrset.records);
    let answer = decode(&message).expect("an RRset of a compiled zone is well-formed (Arena::encode)").answer;
    let text = |rdata: &String| rdata_text(rtype, rdata).unwrap_or_else(|_| rdata.clone());
    let mut values: Vec<String> = answer.iter().map(|record| text(&record.rdata)).collect();
    values.sort();
    values
}
