//! The ECS scope of a decision: the shortest prefix inside which nobody is decided otherwise.
//!
//! Knows no decision: a judge says which orders lead to the same (see `judges`). Walks from the client's range both ways to
//! where it would be another, over whole blocks of ranges that the judge can pass at once. Allocates nothing.
//! Invariant: what is skipped was judged. Source: RFC 7871 §7.2.1.
//!
//! With blocks of a CIDR collection an order also depends on how many bits are known. An order *holds from* the least
//! number of bits q for which it leads to the same, with q and with any more bits. A prefix of s bits of the client's address
//! is a scope if every order in it holds from at most s. An order that stands outside of the first c bits that it has in
//! common with the client therefore asks for s > c, or for s at which it holds: the scope is the greatest, over all
//! orders, of the lesser of these.

use super::Orders;
use super::blocks::{Blocks, FAN_OUT};
use crate::places::ranges::{Address, Ranges};

/// Says which orders lead to the decision that was made.
pub(super) trait Judge {
    /// From how many known bits on an order leads to it; [`NEVER`] if it leads elsewhere.
    fn holds_from(&mut self, order: u32) -> u8;

    /// Whether all orders in a block hold from `scope`: in the block `place` of `level`. May say no without knowing.
    fn block_holds(&mut self, blocks: &Blocks, level: usize, place: usize, scope: u8) -> bool;
}

/// The order leads elsewhere, however much is known of the client.
pub(super) const NEVER: u8 = 254;

/// The scope of the decision for the client at `address`, which lies in the range `at`.
pub(super) fn scope<A: Address>(
    ranges: &Ranges<A>,
    blocks: &Blocks,
    orders: &Orders,
    at: usize,
    address: A,
    mut judge: impl Judge,
) -> u8 {
    let own = judge.holds_from(ranges.value(at));
    if own == NEVER {
        return ranges.prefix_len(at, address).max(orders.get(ranges.value(at)).longest());
    }
    let mut walk = Walk { ranges, blocks, address, judge, scope: own, steps_left: STEPS_MAX };
    walk.down(at);
    walk.up(at + 1);
    walk.scope
}

/// A walk over ranges, away from the client.
struct Walk<'w, A: Address, J> {
    ranges: &'w Ranges<A>,
    blocks: &'w Blocks,
    address: A,
    judge: J,
    /// The scope as far as was walked.
    scope: u8,
    steps_left: u32,
}

/// How many ranges a walk meets one by one, so that no query costs milliseconds. Only groups of hundreds of orders that
/// cannot be judged by the block come so far; their scope is then longer than it need be, and still right.
const STEPS_MAX: u32 = 16_384;

impl<A: Address, J: Judge> Walk<'_, A, J> {
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
        let Some(left) = self.steps_left.checked_sub(1) else {
            self.scope = self.scope.max(outside);
            return;
        };
        self.steps_left = left;
        let from = self.judge.holds_from(self.ranges.value(at));
        self.scope = self.scope.max(outside.min(from));
    }

    /// The size of the largest block that begins (or ends) here and can be passed; 0 if there is none.
    fn skippable(&mut self, place: impl Fn(usize) -> Option<usize>) -> usize {
        let (mut size, mut skippable) = (1, 0);
        for level in 0..self.blocks.level_count() {
            size *= FAN_OUT;
            let Some(place) = place(size).filter(|place| *place < self.blocks.len(level)) else { break };
            if !self.judge.block_holds(self.blocks, level, place, self.scope) {
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

    use super::super::blocks::RARE;
    use super::super::judges::{Asked, Firsts};
    use super::super::{Entry, OrderRef};
    use super::*;
    use crate::places::ranges::Builder;

    /// More orders than are remembered, and ranges for two levels of blocks; fewer than a walk gives up after.
    const ORDERS: u32 = 300;
    const RANGES: u32 = 8_000;

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
            let (blocks, none) = (Blocks::new(ranges.values(), &orders), Blocks::new(std::iter::empty(), &orders));
            prop_assert_eq!(blocks.level_count(), 2);
            for address in clients {
                let at = ranges.find(address);
                let own = ranges.value(at) as u16;
                let same = |order: OrderRef<'_>| order.into_iter().all(|member| member == own || !others.contains(&member));
                let (mut asked, mut walked) = (0, 0);
                let judge = Asked::new(&orders, |order| { asked += 1; same(order) });
                let skipping = scope(&ranges, &blocks, &orders, at, address, judge);
                let judge = Asked::new(&orders, |order| { walked += 1; same(order) });
                prop_assert_eq!(skipping, scope(&ranges, &none, &orders, at, address, judge));
                prop_assert!(asked <= walked + RARE);
            }
        }

        #[test]
        fn what_stands_before_the_first_tells_as_much_as_asking(
            seed in any::<u64>(),
            rare_one_in in prop_oneof![Just(2u64), Just(100), Just(3_000)],
            clients in proptest::collection::vec(any::<u32>(), 20),
            counting in any::<[bool; 6]>(),
            count in 1usize..4,
        ) {
            let ranges = ranges(seed, rare_one_in);
            let orders: Vec<Box<[Entry]>> = (0..ORDERS).map(permutation).collect();
            let orders = Orders::new(&orders);
            prop_assert_eq!(orders.permuted, 6);
            let blocks = Blocks::new(ranges.values(), &orders);
            let counts = |member: &u16| counting[usize::from(*member)];
            let firsts = |order: OrderRef<'_>| order.into_iter().filter(counts).take(count).collect::<Vec<u16>>();
            for address in clients {
                let at = ranges.find(address);
                let own = orders.get(ranges.value(at));
                let made = firsts(own);
                let asked = scope(&ranges, &blocks, &orders, at, address, Asked::new(&orders, |order| firsts(order) == made));
                let judge = Firsts::new(&orders, own, count, |member| counts(&member));
                prop_assert_eq!(scope(&ranges, &blocks, &orders, at, address, judge), asked);
            }
        }
    }

    /// One of the orders of six members; the first few begin alike.
    fn permutation(mut number: u32) -> Box<[Entry]> {
        let mut left: Vec<u16> = (0..6).collect();
        let mut order: Vec<u16> = Vec::new();
        while !left.is_empty() {
            let count = left.len() as u32;
            order.push(left.remove((number % count) as usize));
            number /= count;
        }
        order.into_iter().rev().map(|member| Entry { member, prefix_len: 0 }).collect()
    }
}
