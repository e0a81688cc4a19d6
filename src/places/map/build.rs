//! Builds a client map: an order for each kind of client, then the ranges of addresses that have it.
//!
//! Decides nothing about a single client: `ranking` does. Clients are of one kind if nothing tells them apart that the
//! rules look at, so that millions of networks cost some thousands of orders.
//! Invariant: a map built twice of the same is the same.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use super::blocks::Blocks as RangeBlocks;
use super::holding;
use super::ranking::{Latencies, by_distance, chain, position};
use super::{ClientMap, Entry, FirstMembers, NOBODY, Orders};
use crate::ids::LocationName;
use crate::places::Places;
use crate::places::cidr::CidrCollection;
use crate::places::database::Place;
use crate::places::nested::{Blocks, blocks, flatten};
use crate::places::numbered::{Hasher, Numbered};
use crate::places::ranges::{Address, Builder, Families, Ranges, joined};
use crate::places::rules::Rules;

impl ClientMap {
    /// The map of a group.
    ///
    /// `before` is the map that these rules had with the places before: by latency, an order changes only where somebody
    /// gains more than the margin.
    pub fn build(rules: &Rules, places: &Places, before: Option<&ClientMap>) -> ClientMap {
        match rules {
            Rules::Geolocation(areas) => {
                let area = |place: Option<&Place>| place.map(|place| (place.continent, place.country, place.subdivision));
                by_place(places, area, |place| chain(areas, place))
            }
            Rules::Geoproximity(sites) => by_place(places, position, |place| by_distance(sites, position(place))),
            Rules::Latency(sites) => {
                let latencies = Latencies::new(sites, places.latency.as_deref());
                by_latency(&latencies, places, before.filter(|_| places.margin_micros > 0))
            }
            Rules::IpBased { collection, locations, .. } => by_block(collection, locations),
        }
    }
}

/// Orders that depend on the place alone, and of that on `kind`.
fn by_place<K: Eq + Hash>(
    places: &Places,
    kind: impl Fn(Option<&Place>) -> K,
    order: impl Fn(Option<&Place>) -> Vec<u16>,
) -> ClientMap {
    let mut orders = Numbered::default();
    let mut of_kind: HashMap<K, u32, Hasher> = HashMap::default();
    let mut number = |place| *of_kind.entry(kind(place)).or_insert_with(|| orders.number(unbounded(order(place))));
    let unknown = number(None);
    let Some(database) = &places.database else {
        return finish(Families::of(unknown), orders);
    };
    let of_place: Vec<u32> = database.places().iter().map(|place| number(Some(place))).collect();
    let value = |place: u32| of_place.get(place as usize).copied().unwrap_or(unknown);
    let families = Families { v4: database.families().v4.map(value), v6: database.families().v6.map(value) };
    finish(families, orders)
}

/// Orders that depend on the position, the rows of the latency table, and perhaps on the order before.
fn by_latency(latencies: &Latencies<'_>, places: &Places, before: Option<&ClientMap>) -> ClientMap {
    let mut positions = Numbered::default();
    let unlocated = positions.number(None);
    let located = places.database.as_ref().map(|database| (database.families(), database.places()));
    let of_place: Vec<u32> =
        located.map_or(&[][..], |(_, places)| places).iter().map(|place| positions.number(position(Some(place)))).collect();
    let mut orders = Numbered::default();
    let mut numbers: HashMap<(u32, u32, u32), u32, Hasher> = HashMap::default();
    let mut number = |[place, set, old]: [u32; 3]| {
        let at = of_place.get(place as usize).copied().unwrap_or(unlocated);
        *numbers.entry((at, set, old)).or_insert_with(|| {
            let before = before.map(|map| (map.orders.get(old).into_iter().collect(), places.margin_micros));
            orders.number(unbounded(latencies.order(set, *positions.get(at), before)))
        })
    };
    let one = Families::of(0);
    let located = located.map_or(&one, |(families, _)| families);
    let measured = places.latency.as_ref().map_or(&one, |table| table.families());
    let ordered = before.map_or(&one, |map| &map.families);
    let families = Families {
        v4: joined([&located.v4, &measured.v4, &ordered.v4], &mut number),
        v6: joined([&located.v6, &measured.v6, &ordered.v6], &mut number),
    };
    finish(families, orders)
}

/// Orders by the blocks of a collection: nested blocks flattened, longest first, then the members for everyone else.
fn by_block(collection: &CidrCollection, locations: &[Option<LocationName>]) -> ClientMap {
    let named: Vec<&LocationName> = collection.blocks().map(|(_, location)| location).collect();
    let mut orders = Numbered::default();
    let (v4, v6) = blocks(collection.blocks().map(|(block, _)| block));
    let families =
        Families { v4: flattened(&v4, &named, locations, &mut orders), v6: flattened(&v6, &named, locations, &mut orders) };
    finish(families, orders)
}

fn flattened<A: Address>(
    blocks: &Blocks<A>,
    named: &[&LocationName],
    locations: &[Option<LocationName>],
    orders: &mut Numbered<Box<[Entry]>>,
) -> Ranges<A> {
    let lens: HashMap<usize, u8, Hasher> = blocks.iter().map(|(block, at)| (*at, block.len)).collect();
    let mut builder = Builder::new(orders.number(by_chain(std::iter::empty(), locations)));
    flatten(blocks, |start, chain| {
        let longest_first = chain.iter().rev().map(|at| (named[*at], lens[at]));
        builder.push(start, orders.number(by_chain(longest_first, locations)));
    });
    builder.finish()
}

/// The order of clients whom the blocks of a chain hold.
fn by_chain<'l>(chain: impl Iterator<Item = (&'l LocationName, u8)>, locations: &[Option<LocationName>]) -> Box<[Entry]> {
    let mut entries: Vec<Entry> = Vec::new();
    for (name, prefix_len) in chain.map(|(name, len)| (Some(name), len)).chain([(None, 0)]) {
        for (member, _) in (0..).zip(locations).filter(|(_, location)| location.as_ref() == name) {
            // Whoever is in the longer block is in the shorter one too.
            entries.pop_if(|last| last.member == member);
            entries.push(Entry { member, prefix_len });
        }
    }
    entries.into()
}

fn unbounded(order: Vec<u16>) -> Box<[Entry]> {
    order.into_iter().map(|member| Entry { member, prefix_len: 0 }).collect()
}

/// Numbers orders by how many ranges have them, and puts the map together.
fn finish(families: Families, orders: Numbered<Box<[Entry]>>) -> ClientMap {
    let orders = orders.finish();
    let mut counts = vec![0u32; orders.len()];
    for order in families.v4.values().chain(families.v6.values()) {
        counts[order as usize] += 1;
    }
    let mut by_count: Vec<u32> = (0..).take(orders.len()).filter(|order| counts[*order as usize] > 0).collect();
    by_count.sort_by_key(|order| std::cmp::Reverse(counts[*order as usize]));
    let mut numbers = vec![0; orders.len()];
    for (number, order) in (0..).zip(&by_count) {
        numbers[*order as usize] = number;
    }
    let families =
        Families { v4: families.v4.map(|order| numbers[order as usize]), v6: families.v6.map(|order| numbers[order as usize]) };
    let orders: Vec<Box<[Entry]>> = by_count.into_iter().map(|order| orders[order as usize].clone()).collect();
    let orders = Orders::new(&orders);
    ClientMap {
        firsts: first_members(&families, &orders),
        blocks_v4: RangeBlocks::new(families.v4.values(), &orders),
        blocks_v6: RangeBlocks::new(families.v6.values(), &orders),
        families,
        orders,
    }
}

/// Where first members are found: a table takes as much as the ranges of orders do, unless it has fewer of them.
fn first_members(families: &Families, orders: &Orders) -> FirstMembers {
    let first = |order: u32| orders.get(order).into_iter().next().map_or(NOBODY, u32::from);
    let count = orders.ends.len();
    if !orders.hold_for_all() {
        let holding = |order: u32| holding::of_order(orders.get(order));
        FirstMembers::Holding(Families { v4: families.v4.map(holding), v6: families.v6.map(holding) })
    } else if (0..).take(count).map(first).collect::<HashSet<u32>>().len() == count {
        FirstMembers::OfOrders
    } else {
        FirstMembers::Table(Families { v4: families.v4.map(first), v6: families.v6.map(first) })
    }
}
