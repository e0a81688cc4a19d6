//! The ECS scope of a decision: the shortest prefix inside which nobody is decided otherwise.
//!
//! Knows no decision: the caller says which orders lead to the same. Walks from the client's range both ways to where it
//! would be another, over whole blocks of ranges where all orders in them are known to lead to the same.
//! Allocates nothing: what is known of an order is kept for the most frequent ones, and asked again for the rest.
//! Invariant: what is skipped was asked. Source: RFC 7871 §7.2.1.
//!
//! With blocks of a CIDR collection an order also depends on how many bits are known. An order *holds from* the least
//! number of bits q for which it leads to the same, with q and with any more bits. A prefix of s bits of the client's address
//! is a scope if every order in it holds from at most s. An order that stands outside of the first c bits that it has in
//! common with the client therefore asks for s > c, or for s at which it holds: the scope is the greatest, over all
//! orders, of the lesser of these.

use super::{OrderRef, Orders};
use crate::places::ranges::{Address, Ranges};

/// Which orders occur in blocks of ranges, and in blocks of blocks.
#[derive(Clone, Debug)]
pub(super) struct Skips {
    levels: Box<[Box<[Orderset]>]>,
}

/// Ranges in a block, and blocks in a block above.
const FAN_OUT: usize = 64;

/// A set of orders; all those from [`RARE`] on are one.
#[derive(Clone, Copy, Debug, Default)]
struct Orderset([u64; 4]);

/// Orders from here on are too rare to be remembered.
const RARE: usize = 255;

impl Skips {
    pub(super) fn new(values: &[u32]) -> Self {
        let mut levels: Vec<Box<[Orderset]>> = Vec::new();
        let mut level: Box<[Orderset]> = values.chunks_exact(FAN_OUT).map(Orderset::of).collect();
        while !level.is_empty() {
            let above = level.chunks_exact(FAN_OUT).map(Orderset::union).collect();
            levels.push(std::mem::replace(&mut level, above));
        }
        Self { levels: levels.into() }
    }

    pub(super) fn memory_octets(&self) -> usize {
        self.levels.iter().map(|level| size_of_val(&**level)).sum()
    }
}

impl Orderset {
    fn of(orders: &[u32]) -> Self {
        orders.iter().fold(Self::default(), |set, order| set.with((*order as usize).min(RARE)))
    }

    fn union(sets: &[Self]) -> Self {
        let both = |one: Self, other: &Self| Self(std::array::from_fn(|word| one.0[word] | other.0[word]));
        sets.iter().fold(Self::default(), both)
    }

    fn with(mut self, order: usize) -> Self {
        self.0[order / 64] |= 1 << (order % 64);
        self
    }

    fn without(self, other: Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] & !other.0[word]))
    }

    fn first(self) -> Option<usize> {
        let word = self.0.iter().position(|word| *word != 0)?;
        Some(word * 64 + self.0[word].trailing_zeros() as usize)
    }
}

/// The scope of the decision for the client at `address`, which lies in the range `at`.
pub(super) fn scope<'m, A: Address>(
    ranges: &Ranges<A>,
    skips: &Skips,
    orders: &'m Orders,
    at: usize,
    address: A,
    same: impl FnMut(OrderRef<'m>) -> bool,
) -> u8 {
    let mut asked = Asked { orders, same, known: [UNKNOWN; RARE], held: Orderset::default() };
    let own = asked.holds_from(ranges.value(at));
    if own == NEVER {
        return ranges.prefix_len(at, address).max(orders.get(ranges.value(at)).longest());
    }
    let mut walk = Walk { ranges, skips, address, asked, scope: own };
    walk.down(at);
    walk.up(at + 1);
    walk.scope
}

/// What is known of orders.
struct Asked<'m, S> {
    orders: &'m Orders,
    same: S,
    /// From how many bits each order holds.
    known: [u8; RARE],
    /// Orders that hold from the scope.
    held: Orderset,
}

/// Nobody has asked.
const UNKNOWN: u8 = 255;
/// The order leads elsewhere, however much is known of the client.
const NEVER: u8 = 254;

impl<'m, S: FnMut(OrderRef<'m>) -> bool> Asked<'m, S> {
    /// From how many known bits on an order leads to the decision.
    fn holds_from(&mut self, order: u32) -> u8 {
        let Some(known) = self.known.get(order as usize).copied() else {
            return self.ask(order);
        };
        if known != UNKNOWN {
            return known;
        }
        let from = self.ask(order);
        self.known[order as usize] = from;
        from
    }

    /// Asks for the whole order, then for what of it less known clients have.
    fn ask(&mut self, order: u32) -> u8 {
        let mut order = self.orders.get(order);
        let mut from = NEVER;
        while (self.same)(order) {
            from = order.longest();
            if from == 0 {
                break;
            }
            order = order.known_to(from - 1);
        }
        from
    }

    /// Whether all orders of a set hold from `scope`.
    fn hold_from(&mut self, set: Orderset, scope: u8) -> bool {
        while let Some(order) = set.without(self.held).first() {
            if order == RARE || self.holds_from(order as u32) > scope {
                return false;
            }
            self.held = self.held.with(order);
        }
        true
    }
}

/// A walk over ranges, away from the client.
struct Walk<'w, 'm, A, S> {
    ranges: &'w Ranges<A>,
    skips: &'w Skips,
    address: A,
    asked: Asked<'m, S>,
    /// The scope as far as was walked.
    scope: u8,
}

impl<'m, A: Address, S: FnMut(OrderRef<'m>) -> bool> Walk<'_, 'm, A, S> {
    /// To lower addresses, from before the range `at`.
    fn down(&mut self, mut at: usize) {
        while at > 0 && self.matters(self.ranges.last(at - 1)) {
            let skipped = self.skippable(|size| at.is_multiple_of(size).then(|| at / size - 1));
            if skipped == 0 {
                self.meet(at - 1, self.ranges.last(at - 1));
            }
            at -= skipped.max(1);
        }
    }

    /// To higher addresses, from the range `at` on.
    fn up(&mut self, mut at: usize) {
        while at < self.ranges.len() && self.matters(self.ranges.start(at)) {
            let skipped = self.skippable(|size| at.is_multiple_of(size).then(|| at / size));
            if skipped == 0 {
                self.meet(at, self.ranges.start(at));
            }
            at += skipped.max(1);
        }
    }

    /// Whether what is at `nearest` or beyond can make the scope longer.
    fn matters(&self, nearest: A) -> bool {
        self.address.common_len(nearest) >= self.scope
    }

    /// Takes one range, whose address `nearest` is nearest to the client.
    fn meet(&mut self, at: usize, nearest: A) {
        let outside = self.address.common_len(nearest) + 1;
        let from = self.asked.holds_from(self.ranges.value(at));
        self.scope = self.scope.max(outside.min(from));
    }

    /// The size of the largest block at `place` in which all orders hold, where there is one; else 0.
    fn skippable(&mut self, place: impl Fn(usize) -> Option<usize>) -> usize {
        let (mut size, mut skippable) = (1, 0);
        for level in &self.skips.levels {
            size *= FAN_OUT;
            let Some(set) = place(size).and_then(|place| level.get(place)) else { break };
            if !self.asked.hold_from(*set, self.scope) {
                break;
            }
            skippable = size;
        }
        skippable
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Entry;
    use super::*;
    use crate::places::ranges::Builder;

    /// More orders than are remembered, and ranges for three levels of blocks.
    const ORDERS: u32 = 300;
    const RANGES: u32 = 9_000;

    /// Ranges of unequal sizes; most have an order that is frequent.
    fn ranges(mut seed: u64, rare_one_in: u64) -> Ranges<u32> {
        let mut builder = Builder::new(0);
        for at in 1..RANGES {
            seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            let random = seed >> 33;
            let orders = if random.is_multiple_of(rare_one_in) { ORDERS } else { 4 };
            builder.push(at * (u32::MAX / RANGES) + (random as u32 & 0xffff), (random / 7) as u32 % orders);
        }
        builder.finish()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn skipping_blocks_changes_no_scope(
            seed in any::<u64>(),
            rare_one_in in prop_oneof![Just(2u64), Just(100), Just(3_000)],
            clients in proptest::collection::vec(any::<u32>(), 20),
            others in proptest::collection::btree_set(0..ORDERS as u16, 0..4),
        ) {
            let ranges = ranges(seed, rare_one_in);
            let orders: Vec<Box<[Entry]>> = (0..ORDERS as u16).map(|member| Box::from([Entry { member, prefix_len: 0 }])).collect();
            let orders = Orders::new(&orders);
            let (skips, none) = (Skips::new(ranges.values()), Skips { levels: Box::default() });
            prop_assert_eq!(skips.levels.len(), 2);
            for address in clients {
                let at = ranges.find(address);
                let own = ranges.value(at) as u16;
                let same = |order: OrderRef<'_>| order.into_iter().all(|member| member == own || !others.contains(&member));
                let (mut asked, mut walked) = (0, 0);
                let skipping = scope(&ranges, &skips, &orders, at, address, |order| { asked += 1; same(order) });
                prop_assert_eq!(skipping, scope(&ranges, &none, &orders, at, address, |order| { walked += 1; same(order) }));
                prop_assert!(asked <= walked + RARE);
            }
        }
    }
}
