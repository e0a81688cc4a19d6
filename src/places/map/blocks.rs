//! Blocks of neighbouring ranges, blocks of blocks, and what is known of all orders in each.
//!
//! A walk that looks for the nearest order that decides otherwise passes whole blocks by what is kept here.
//! Invariant: only whole blocks are kept; what is known of a block is known of every order in it.

use super::Orders;

/// Ranges in a block, and blocks in a block above.
pub(super) const FAN_OUT: usize = 64;
/// Orders from here on are too rare to be told apart.
pub(super) const RARE: usize = 255;

/// Blocks of all levels, the smallest first.
#[derive(Clone, Debug)]
pub(super) struct Blocks {
    sets: Box<[Box<[OrderSet]>]>,
    /// For each level, block and member, the members that stand before it in some order of the block. Empty unless every
    /// order is of all members.
    precedence: Box<[Box<[u64]>]>,
    members: usize,
}

/// A set of orders; all those from [`RARE`] on are one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OrderSet([u64; 4]);

impl Blocks {
    /// The blocks of ranges with these orders.
    pub(super) fn new(ranges: impl Iterator<Item = u32>, orders: &Orders) -> Self {
        let values: Vec<u32> = ranges.collect();
        let sets = levels(values.chunks_exact(FAN_OUT).map(OrderSet::of).collect(), 1, OrderSet::union);
        let members = orders.permuted;
        let mut precedence = Vec::new();
        if members > 0 {
            let smallest = values.chunks_exact(FAN_OUT).flat_map(|block| preceding(block, orders, members)).collect();
            precedence = levels(smallest, members, |rows| rows.iter().fold(0, |all, row| all | row));
        }
        Self { sets: sets.into(), precedence: precedence.into(), members }
    }

    pub(super) fn level_count(&self) -> usize {
        self.sets.len()
    }

    /// How many blocks a level has.
    pub(super) fn len(&self, level: usize) -> usize {
        self.sets[level].len()
    }

    /// The orders that occur in a block.
    pub(super) fn orders(&self, level: usize, place: usize) -> OrderSet {
        self.sets[level][place]
    }

    /// The members, as bits, that stand before `member` in some order of a block.
    pub(super) fn before(&self, level: usize, place: usize, member: u16) -> u64 {
        self.precedence[level][place * self.members + usize::from(member)]
    }

    pub(super) fn memory_octets(&self) -> usize {
        let sets: usize = self.sets.iter().map(|level| size_of_val(&**level)).sum();
        sets + self.precedence.iter().map(|level| size_of_val(&**level)).sum::<usize>()
    }
}

/// The levels above the smallest. A block has `width` columns; a column of a block above is `join`ed of those below.
fn levels<T: Copy>(smallest: Box<[T]>, width: usize, join: impl Fn(&[T]) -> T) -> Vec<Box<[T]>> {
    let mut levels = Vec::new();
    let mut level = smallest;
    while !level.is_empty() {
        let block = |blocks: &[T]| -> Vec<T> {
            let column = |at: usize| join(&blocks.iter().copied().skip(at).step_by(width).collect::<Vec<T>>());
            (0..width).map(column).collect()
        };
        let above = level.chunks_exact(FAN_OUT * width).flat_map(block).collect();
        levels.push(std::mem::replace(&mut level, above));
    }
    levels
}

/// For each member, the members that stand before it in some of these orders.
fn preceding(block: &[u32], orders: &Orders, members: usize) -> Vec<u64> {
    let mut before = vec![0; members];
    for order in block {
        let mut passed = 0u64;
        for member in orders.get(*order) {
            before[usize::from(member)] |= passed;
            passed |= 1 << member;
        }
    }
    before
}

impl OrderSet {
    fn of(orders: &[u32]) -> Self {
        let mut set = Self::default();
        orders.iter().for_each(|order| set.put((*order as usize).min(RARE)));
        set
    }

    fn union(sets: &[Self]) -> Self {
        let both = |one: Self, other: &Self| Self(std::array::from_fn(|word| one.0[word] | other.0[word]));
        sets.iter().fold(Self::default(), both)
    }

    pub(super) fn put(&mut self, order: usize) {
        self.0[order / 64] |= 1 << (order % 64);
    }

    /// The first that is not in `other`.
    pub(super) fn first_outside(self, other: Self) -> Option<usize> {
        let outside = |word: usize| self.0[word] & !other.0[word];
        let word = (0..self.0.len()).find(|word| outside(*word) != 0)?;
        Some(word * 64 + outside(word).trailing_zeros() as usize)
    }
}
