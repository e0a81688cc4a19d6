//! Client maps: for every client address, the members of a group from the best to the worst.
//!
//! Knows no health: the caller takes the first of an order that counts. Everything is worked out when the map is built, so
//! that a query costs one search. Parts: `build` makes maps, by the numbers of `ranking`; `scope` tells for which prefix a
//! decision holds; `explain` says where the numbers came from.
//! Invariant: an order never names one member twice in a row; equal orders are kept once, the most frequent first.
//! Source: Route 53 developer guide, "Choosing a routing policy"; RFC 7871 §7.2.1 for scopes.

mod blocks;
mod build;
mod explain;
mod holding;
mod judges;
mod ranking;
mod scope;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub use explain::{Explained, ExplainedMember, Reason, explain};

use super::client::Client;
use super::ranges::{Address, Families, Ranges};
use blocks::Blocks;
use judges::{Asked, FIRSTS_MAX, FirstOf, Firsts};
use scope::{Judge, NEVER};

/// The orders of one group's members.
#[derive(Clone, Debug)]
pub struct ClientMap {
    /// For each address, its place among the orders.
    families: Families,
    blocks_v4: Blocks,
    blocks_v6: Blocks,
    orders: Orders,
    firsts: FirstMembers,
}

/// Where the first member of a client's order stands, in ranges as wide as can be.
#[derive(Clone, Debug)]
enum FirstMembers {
    /// In the order: no two orders have one first member, so the ranges of orders are as wide.
    OfOrders,
    /// In a table of its own: the member, or [`NOBODY`].
    Table(Families),
    /// Orders depend on how many bits are known: the member, and from how many bits on it comes first (see `holding`).
    Holding(Families),
}

/// Nobody is for these clients.
const NOBODY: u32 = u32::MAX;

/// The first member of a client's order, for a decision to which all members are alike.
#[derive(Clone, Copy, Debug)]
pub struct First {
    /// None where no member is for this client.
    pub member: Option<u16>,
    /// The shortest prefix of the client's address inside which all have this member.
    pub prefix_len: u8,
}

/// What a map has for one client.
#[derive(Clone, Copy, Debug)]
pub struct Found<'m> {
    map: &'m ClientMap,
    /// The range that holds the client's address.
    at: usize,
    address: IpAddr,
    order: OrderRef<'m>,
}

/// Members from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRef<'m> {
    entries: &'m [Entry],
}

/// Whether a member may be the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Never,
    /// Only if everybody who may be a decision at all is drained.
    Drained,
    /// Only if nobody counts.
    LastResort,
    /// It is, if it comes first.
    Counts,
}

/// The members of an order.
#[derive(Clone, Debug)]
pub struct Members<'m> {
    entries: std::slice::Iter<'m, Entry>,
}

/// One place in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Entry {
    member: u16,
    /// For clients that are known to at least so many bits; the longest stand first.
    prefix_len: u8,
}

/// Every order that some client has.
#[derive(Clone, Debug)]
struct Orders {
    entries: Box<[Entry]>,
    /// Where each order ends in `entries`; it begins where the one before ends.
    ends: Box<[u32]>,
    /// How many members there are, if every order is of all of them for every client, and they fit a word; else 0.
    permuted: usize,
    /// No order depends on how many bits are known, and its members fit a word.
    is_simple: bool,
}

impl ClientMap {
    /// What the map has for a client.
    #[inline]
    pub fn lookup(&self, client: &Client) -> Found<'_> {
        let (at, order) = match client.address {
            IpAddr::V4(address) => find(&self.families.v4, address.to_bits()),
            IpAddr::V6(address) => find(&self.families.v6, address.to_bits()),
        };
        let order = self.orders.get(order).known_to(client.prefix_len);
        Found { map: self, at, address: client.address, order }
    }

    /// The first member of a client's order; none where that takes more than a look, in a map of CIDR blocks.
    #[inline]
    pub fn first(&self, client: &Client) -> Option<First> {
        match &self.firsts {
            FirstMembers::OfOrders => {
                let (order, prefix_len) = self.families.lookup(client.address);
                Some(First { member: self.orders.get(order).into_iter().next(), prefix_len })
            }
            FirstMembers::Table(table) => {
                let (member, prefix_len) = table.lookup(client.address);
                Some(First { member: u16::try_from(member).ok(), prefix_len })
            }
            FirstMembers::Holding(table) => holding::first(table, client),
        }
    }

    /// One address for each different order, the lowest that has it: who to ask to see all that the map can say. Orders of
    /// one sequence differ where they hold from different prefix lengths on.
    pub fn examples(&self) -> Vec<IpAddr> {
        let mut seen = vec![false; self.order_count()];
        let v4 = (0..self.families.v4.len()).map(|at| (self.families.v4.value(at), self.families.v4.start(at).into()));
        let v6 = (0..self.families.v6.len()).map(|at| (self.families.v6.value(at), self.families.v6.start(at).into()));
        let ranges = v4.map(|(order, start): (u32, Ipv4Addr)| (order, IpAddr::from(start)));
        let ranges = ranges.chain(v6.map(|(order, start): (u32, Ipv6Addr)| (order, IpAddr::from(start))));
        ranges.filter(|(order, _)| !std::mem::replace(&mut seen[*order as usize], true)).map(|(_, address)| address).collect()
    }

    /// How many ranges of addresses are told apart.
    pub fn range_count(&self) -> usize {
        self.families.len()
    }

    /// How many different orders there are.
    pub fn order_count(&self) -> usize {
        self.orders.ends.len()
    }

    /// What the map takes in memory, in octets.
    pub fn memory_octets(&self) -> usize {
        let orders = size_of_val(&*self.orders.entries) + size_of_val(&*self.orders.ends);
        let firsts = match &self.firsts {
            FirstMembers::OfOrders => 0,
            FirstMembers::Table(table) | FirstMembers::Holding(table) => table.memory_octets(),
        };
        self.families.memory_octets() + firsts + self.blocks_v4.memory_octets() + self.blocks_v6.memory_octets() + orders
    }
}

#[inline]
fn find<A: Address>(ranges: &Ranges<A>, address: A) -> (usize, u32) {
    let at = ranges.find(address);
    (at, ranges.value(at))
}

impl<'m> Found<'m> {
    /// The members, best first. In a map of CIDR blocks those longer than what is known of the client are left
    /// out (Route 53), and a member may come again: only its first place counts.
    #[inline]
    pub fn order(&self) -> Members<'m> {
        self.order.into_iter()
    }

    /// The shortest prefix of the client's address inside which `same` holds for the order of every client that is
    /// known to at least so many bits.
    ///
    /// `same` says whether an order leads to the decision that was made; it holds for this client's own. The prefix may be
    /// longer than what is known of this client (RFC 7871 §7.2.1). Where those who are known better are decided
    /// otherwise even at the very address that is known, it is the shortest in which all of them have one order.
    ///
    /// With more than some hundred orders it may cost a fraction of a millisecond, and after thousands of ranges that could not
    /// be passed at once the prefix is longer than it need be: where it serves, ask [`scope_of_first`].
    ///
    /// [`scope_of_first`]: Found::scope_of_first
    pub fn scope(&self, same: impl FnMut(OrderRef<'m>) -> bool) -> u8 {
        self.judged(Asked::new(&self.map.orders, same))
    }

    /// The [`scope`](Found::scope) of Route 53's decision, found without asking for each order: the first `count` members
    /// that count, in their order; where none does, the first of the last resort.
    pub fn scope_of_first(&self, count: usize, mut standing: impl FnMut(u16) -> Standing) -> u8 {
        let (orders, own) = (&self.map.orders, self.order);
        let chosen = own.chosen(&mut standing);
        if orders.permuted > 0 && count <= FIRSTS_MAX {
            return self.judged(Firsts::new(orders, own, count, |member| standing(member) == chosen));
        }
        self.scope(move |other| {
            let also = other.chosen(&mut standing);
            let (mut own, mut other) = (own.into_iter(), other.into_iter());
            (0..count).all(|_| own.find(|m| standing(*m) == chosen) == other.find(|m| standing(*m) == also))
        })
    }

    /// The same where the first that counts is in the client's order: then whoever is decided alike has it first, too. None
    /// in maps for which that cannot be told member by member.
    #[inline]
    pub fn scope_of_counting(&self, count: usize, counts: impl FnMut(u16) -> bool) -> Option<u8> {
        let orders = &self.map.orders;
        let is_told = orders.is_simple && count == 1;
        is_told.then(|| self.judged(FirstOf::new(orders, self.order, counts)))
    }

    fn judged(&self, judge: impl Judge) -> u8 {
        let (map, at) = (self.map, self.at);
        match self.address {
            IpAddr::V4(address) => scope::scope(&map.families.v4, &map.blocks_v4, &map.orders, at, address.to_bits(), judge),
            IpAddr::V6(address) => scope::scope(&map.families.v6, &map.blocks_v6, &map.orders, at, address.to_bits(), judge),
        }
    }
}

impl<'m> OrderRef<'m> {
    /// The order for clients of whom so many bits are known.
    #[inline]
    fn known_to(self, prefix_len: u8) -> Self {
        let unknown = self.entries.iter().take_while(|entry| entry.prefix_len > prefix_len).count();
        Self { entries: &self.entries[unknown..] }
    }

    /// From among which members is chosen.
    fn chosen(self, standing: &mut impl FnMut(u16) -> Standing) -> Standing {
        let mut best = Standing::Drained;
        for member in self {
            best = best.max(standing(member));
            if best == Standing::Counts {
                break;
            }
        }
        best
    }

    /// From how many known bits on `same` holds for the order of a client; [`NEVER`] if it does not for the whole order.
    fn holds_from(mut self, mut same: impl FnMut(Self) -> bool) -> u8 {
        let mut from = NEVER;
        while same(self) {
            from = self.longest();
            if from == 0 {
                break;
            }
            self = self.known_to(from - 1);
        }
        from
    }

    /// How many bits must be known of a client for the whole order.
    fn longest(self) -> u8 {
        self.entries.first().map_or(0, |entry| entry.prefix_len)
    }
}

impl<'m> IntoIterator for OrderRef<'m> {
    type Item = u16;
    type IntoIter = Members<'m>;

    #[inline]
    fn into_iter(self) -> Members<'m> {
        Members { entries: self.entries.iter() }
    }
}

impl Iterator for Members<'_> {
    type Item = u16;

    #[inline]
    fn next(&mut self) -> Option<u16> {
        self.entries.next().map(|entry| entry.member)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }
}

impl ExactSizeIterator for Members<'_> {}

impl Orders {
    fn new(orders: &[Box<[Entry]>]) -> Self {
        let ends = orders.iter().scan(0, |end, order| {
            *end += order.len() as u32;
            Some(*end)
        });
        let is_simple = orders.iter().flatten().all(|entry| entry.prefix_len == 0 && u32::from(entry.member) < u64::BITS);
        Self { ends: ends.collect(), entries: orders.concat().into(), permuted: permuted(orders), is_simple }
    }

    /// Whether no order depends on how many bits are known.
    fn hold_for_all(&self) -> bool {
        self.entries.iter().all(|entry| entry.prefix_len == 0)
    }

    #[inline]
    fn get(&self, order: u32) -> OrderRef<'_> {
        let order = order as usize;
        let start = order.checked_sub(1).map_or(0, |before| self.ends[before]);
        OrderRef { entries: &self.entries[start as usize..self.ends[order] as usize] }
    }
}

/// How many members all these orders are of; 0 unless they have the same ones, from the first on, whoever asks.
fn permuted(orders: &[Box<[Entry]>]) -> usize {
    let members = orders.first().map_or(0, |order| order.len());
    let has_all = |order: &[Entry]| {
        let each_once = order.iter().fold(0u64, |seen, entry| seen | 1u64.checked_shl(entry.member.into()).unwrap_or(0));
        order.len() == members && each_once.trailing_ones() as usize == members && order.iter().all(|entry| entry.prefix_len == 0)
    };
    if orders.iter().all(|order| has_all(order)) { members } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CollectionId, LocationName};
    use crate::places::Places;
    use crate::places::cidr::CidrCollection;
    use crate::places::rules::Rules;

    #[test]
    fn examples_have_every_order_once() {
        let location = |name| LocationName::new(name).expect("a name");
        let blocks = [("192.0.2.0/24", "a"), ("198.51.100.0/24", "a"), ("203.0.113.0/24", "b"), ("10.0.0.0/24", "b")];
        let blocks = blocks.map(|(block, name)| (block.parse().expect("a block"), location(name)));
        let rules = Rules::IpBased {
            id: CollectionId::new("offices").expect("a name"),
            collection: CidrCollection::new(blocks).expect("the blocks are right").into(),
            locations: vec![Some(location("a")), Some(location("b")), None],
        };
        let map = ClientMap::build(&rules, &Places::default(), None);
        let order = |address: &IpAddr| {
            let client = Client::of(None, *address);
            map.lookup(&client).order().collect::<Vec<_>>()
        };
        let mut orders: Vec<Vec<u16>> = map.examples().iter().map(order).collect();
        assert_eq!(orders.len(), map.order_count());
        orders.sort();
        assert_eq!(orders, [vec![0, 2], vec![1, 2], vec![2]]);
    }
}
