//! Who says that an order leads to the decision that was made.
//!
//! `Asked` knows nothing of decisions and asks its caller, order by order. `Firsts` knows that the first members that count
//! are what is decided, and can pass thousands of orders by what stands before what in them; `FirstOf` knows the same of
//! one member that counts, which takes a few steps an order.
//! Both keep what they know on the stack. Invariant: a member or a frequent order is asked for once.

use super::blocks::{Blocks, OrderSet, RARE};
use super::scope::{Judge, NEVER};
use super::{OrderRef, Orders};

/// Asks of each order whether it leads to the same.
pub(super) struct Asked<'m, S> {
    orders: &'m Orders,
    same: S,
    /// From how many bits each of the frequent orders holds.
    known: [u8; RARE],
    /// Orders that hold from the scope.
    held: OrderSet,
}

/// Nobody has asked.
const UNKNOWN: u8 = 255;

impl<'m, S: FnMut(OrderRef<'m>) -> bool> Asked<'m, S> {
    pub(super) fn new(orders: &'m Orders, same: S) -> Self {
        Self { orders, same, known: [UNKNOWN; RARE], held: OrderSet::default() }
    }

    /// Asks for the whole order, then for what of it less known clients have.
    fn ask(&mut self, order: u32) -> u8 {
        self.orders.get(order).holds_from(&mut self.same)
    }
}

impl<'m, S: FnMut(OrderRef<'m>) -> bool> Judge for Asked<'m, S> {
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

    fn block_holds(&mut self, blocks: &Blocks, level: usize, place: usize, scope: u8) -> bool {
        let set = blocks.orders(level, place);
        while let Some(order) = set.first_outside(self.held) {
            if order == RARE || self.holds_from(order as u32) > scope {
                return false;
            }
            self.held.put(order);
        }
        true
    }
}

/// The first members that count, in their order, are the decision; every order is of all members.
pub(super) struct Firsts<'m, C> {
    orders: &'m Orders,
    counts: Counts<C>,
    firsts: [u16; FIRSTS_MAX],
    len: usize,
}

/// So many first members are told at most.
pub(super) const FIRSTS_MAX: usize = 8;

/// Whether members count: each is asked for once.
struct Counts<C> {
    counts: C,
    asked: u64,
    counting: u64,
}

impl<'m, C: FnMut(u16) -> bool> Firsts<'m, C> {
    /// The decision for `order` is its first `count` members that count, at most [`FIRSTS_MAX`].
    pub(super) fn new(orders: &'m Orders, order: OrderRef<'m>, count: usize, counts: C) -> Self {
        let mut counts = Counts { counts, asked: 0, counting: 0 };
        let (mut firsts, mut len) = ([0; FIRSTS_MAX], 0);
        for member in order {
            if len == count.min(FIRSTS_MAX) {
                break;
            }
            if counts.of(1 << member) != 0 {
                firsts[len] = member;
                len += 1;
            }
        }
        Self { orders, counts, firsts, len }
    }
}

impl<C: FnMut(u16) -> bool> Counts<C> {
    /// Those of the members that count.
    fn of(&mut self, members: u64) -> u64 {
        let mut unasked = members & !self.asked;
        while unasked != 0 {
            let member = unasked.trailing_zeros();
            self.counting |= u64::from((self.counts)(member as u16)) << member;
            unasked &= unasked - 1;
        }
        self.asked |= members;
        self.counting & members
    }
}

/// The first member that counts is the decision, and there is one; orders may be of some members only.
pub(super) struct FirstOf<'m, C> {
    orders: &'m Orders,
    counts: C,
    first: u16,
    /// Orders that lead to it, where blocks are judged by their orders.
    held: OrderSet,
}

impl<'m, C: FnMut(u16) -> bool> FirstOf<'m, C> {
    /// The decision is the first member of `order` that counts; all orders hold for all clients.
    #[inline]
    pub(super) fn new(orders: &'m Orders, order: OrderRef<'m>, mut counts: C) -> Self {
        let first = order.into_iter().find(|member| counts(*member)).unwrap_or(u16::MAX);
        Self { orders, counts, first, held: OrderSet::default() }
    }

    /// Whether nobody of these members, as bits, counts.
    fn is_none_of(&mut self, mut members: u64) -> bool {
        while members != 0 {
            if (self.counts)(members.trailing_zeros() as u16) {
                return false;
            }
            members &= members - 1;
        }
        true
    }
}

impl<C: FnMut(u16) -> bool> Judge for FirstOf<'_, C> {
    #[inline]
    fn holds_from(&mut self, order: u32) -> u8 {
        for member in self.orders.get(order) {
            if member == self.first {
                return 0;
            }
            if (self.counts)(member) {
                return NEVER;
            }
        }
        // Nobody of this order counts: its last resort is not a member that does.
        NEVER
    }

    fn block_holds(&mut self, blocks: &Blocks, level: usize, place: usize, _: u8) -> bool {
        if self.orders.permuted > 0 {
            return self.is_none_of(blocks.before(level, place, self.first));
        }
        let set = blocks.orders(level, place);
        while let Some(order) = set.first_outside(self.held) {
            if order == RARE || self.holds_from(order as u32) == NEVER {
                return false;
            }
            self.held.put(order);
        }
        true
    }
}

impl<C: FnMut(u16) -> bool> Judge for Firsts<'_, C> {
    fn holds_from(&mut self, order: u32) -> u8 {
        let mut firsts = self.firsts[..self.len].iter();
        let mut next = firsts.next();
        for member in self.orders.get(order) {
            match next {
                None => break,
                Some(first) if *first == member => next = firsts.next(),
                Some(_) if self.counts.of(1 << member) != 0 => return NEVER,
                Some(_) => {}
            }
        }
        0
    }

    fn block_holds(&mut self, blocks: &Blocks, level: usize, place: usize, _: u8) -> bool {
        let mut passed = 0;
        self.firsts[..self.len].iter().all(|first| {
            let before = blocks.before(level, place, *first) & !passed;
            passed |= 1 << first;
            self.counts.of(before) == 0
        })
    }
}
