//! Every address of one family, cut into ranges of equal value: the table that a query looks its client up in.
//!
//! Knows nothing of what the values mean. Values are numbers, so that a table is an array of plain data.
//! Invariant: the first range starts at the lowest address, starts ascend, neighbours differ in value: the ranges are
//! disjoint, cover all addresses, and are as few as can be.

use std::net::IpAddr;

/// An address as a number: `u32` for IPv4, `u128` for IPv6.
pub(super) trait Address: Copy + Ord {
    const LOWEST: Self;
    /// The form it is kept in, without gaps for alignment.
    type Kept: Copy + std::fmt::Debug + Eq;

    fn kept(self) -> Self::Kept;
    fn of_kept(kept: Self::Kept) -> Self;

    /// The bits from one place up to another, 1 to 32 of them.
    fn bits(self, from: u8, to: u8) -> usize;
    /// How many leading bits the two have in common.
    fn common_len(self, other: Self) -> u8;
    /// The address after this one.
    fn next(self) -> Option<Self>;
    /// The address before this one.
    fn previous(self) -> Option<Self>;
    /// The last address that shares the first `len` bits.
    fn last_within(self, len: u8) -> Self;
}

macro_rules! address {
    ($number:ty, $kept:ty, $keep:expr, $take:expr) => {
        impl Address for $number {
            const LOWEST: Self = 0;
            type Kept = $kept;

            #[inline]
            fn kept(self) -> $kept {
                $keep(self)
            }

            #[inline]
            fn of_kept(kept: $kept) -> Self {
                $take(kept)
            }

            #[inline]
            fn bits(self, from: u8, to: u8) -> usize {
                ((self << from) >> (<$number>::BITS - u32::from(to - from))) as usize
            }

            #[inline]
            fn common_len(self, other: Self) -> u8 {
                (self ^ other).leading_zeros() as u8
            }

            #[inline]
            fn next(self) -> Option<Self> {
                self.checked_add(1)
            }

            #[inline]
            fn previous(self) -> Option<Self> {
                self.checked_sub(1)
            }

            #[inline]
            fn last_within(self, len: u8) -> Self {
                self | <$number>::MAX.checked_shr(len.into()).unwrap_or(0)
            }
        }
    };
}

address!(u32, u32, |address| address, |kept| kept);
address!(u128, [u64; 2], |address| [(address >> 64) as u64, address as u64], |[high, low]: [u64; 2]| u128::from(high) << 64
    | u128::from(low));

/// The ranges of one family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ranges<A: Address> {
    ranges: Box<[Range<A>]>,
    /// How many first bits are looked at first.
    top_bits: u8,
    /// For each value of those, and one more; none for a table of a few ranges.
    tops: Box<[Top]>,
    /// The finer indices, one behind the other: each has, for the bits that follow, the last range that starts
    /// before any address with them; and one more.
    fine: Box<[u32]>,
}

/// One range: it ends where the next one starts. A value lies beside its start, in the same line of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range<A: Address> {
    start: A::Kept,
    value: u32,
}

impl<A: Address> Range<A> {
    #[inline]
    fn start(&self) -> A {
        A::of_kept(self.start)
    }
}

/// Where addresses with the same first bits are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Top {
    /// The last range that starts before any of them.
    first: u32,
    /// Where its finer index begins.
    fine: u32,
    /// Up to which bit that goes; 0 where there is none.
    fine_to: u8,
}

/// The most first bits that are looked at first.
const TOP_BITS_MAX: u32 = 16;
/// The last bit that an index may look at.
const INDEXED_BITS: u8 = 32;
/// Ranges that are searched without an index.
const UNINDEXED_MAX: usize = 16;
/// Ranges that are searched at once, and need no finer index.
const WINDOW: usize = 4;

/// Puts ranges together, in the order of their starts.
#[derive(Clone, Debug)]
pub(super) struct Builder<A: Address> {
    ranges: Vec<Range<A>>,
}

impl<A: Address> Builder<A> {
    /// All addresses have `value`.
    pub(super) fn new(value: u32) -> Self {
        Self { ranges: vec![Range { start: A::LOWEST.kept(), value }] }
    }

    /// From `start` on, addresses have `value`. Starts never go back; the later of equal ones holds.
    pub(super) fn push(&mut self, start: A, value: u32) {
        self.ranges.pop_if(|last| last.start() == start);
        if self.ranges.last().is_none_or(|last| last.value != value) {
            self.ranges.push(Range { start: start.kept(), value });
        }
    }

    pub(super) fn finish(self) -> Ranges<A> {
        let ranges: Box<[Range<A>]> = self.ranges.into();
        if ranges.len() <= UNINDEXED_MAX {
            return Ranges { ranges, top_bits: 0, tops: Box::default(), fine: Box::default() };
        }
        // As many entries as there are ranges, at most: an index is no larger than what it is of.
        let top_bits = ranges.len().ilog2().min(TOP_BITS_MAX) as u8;
        let is_before = |range: &Range<A>, top| range.start().bits(0, top_bits) < top;
        let last = ranges.len() - 1;
        let mut tops: Vec<Top> = Vec::with_capacity((1 << top_bits) + 1);
        let mut at = 0;
        for top in 0..1 << top_bits {
            at += ranges[at + 1..].iter().take_while(|range| is_before(range, top)).count();
            tops.push(Top { first: at as u32, ..Top::default() });
        }
        tops.push(Top { first: last as u32, ..Top::default() });
        let fine = refine(&mut tops, top_bits, &ranges);
        Ranges { ranges, top_bits, tops: tops.into(), fine }
    }
}

/// Adds finer indices where many ranges share their first bits, as all of IPv6 shares a few.
fn refine<A: Address>(tops: &mut [Top], top_bits: u8, ranges: &[Range<A>]) -> Box<[u32]> {
    let mut fine = Vec::new();
    for top in 0..tops.len() - 1 {
        let (first, last) = (tops[top].first as usize, tops[top + 1].first as usize);
        if last - first <= WINDOW {
            continue;
        }
        // No more entries than ranges.
        let fine_to = INDEXED_BITS.min(top_bits + (last - first).ilog2() as u8);
        tops[top] = Top { fine: fine.len() as u32, fine_to, ..tops[top] };
        let mut at = first;
        for entry in 0..1 << (fine_to - top_bits) {
            let is_before =
                |range: &&Range<A>| range.start().bits(0, top_bits) < top || range.start().bits(top_bits, fine_to) < entry;
            at += ranges[at + 1..=last].iter().take_while(is_before).count();
            fine.push(at as u32);
        }
        fine.push(last as u32);
    }
    fine.into()
}

impl<A: Address> Ranges<A> {
    /// The range that holds `address`.
    #[inline]
    pub(super) fn find(&self, address: A) -> usize {
        let starts_by_then = |range: &Range<A>| range.start() <= address;
        if self.tops.is_empty() {
            return self.ranges.partition_point(starts_by_then) - 1;
        }
        let top = address.bits(0, self.top_bits);
        let (this, next) = (self.tops[top], self.tops[top + 1]);
        // `low` starts before the address or at it; the last range that may is `last`.
        let (low, last) = if this.fine_to == 0 {
            (this.first as usize, next.first as usize)
        } else {
            let entry = this.fine as usize + address.bits(self.top_bits, this.fine_to);
            (self.fine[entry] as usize, self.fine[entry + 1] as usize)
        };
        // Counting in a window of fixed size takes no branch that has to be guessed, and waits for memory once. What it has of
        // other ranges is before `low` or behind the address.
        let window = (low + 1).min(self.ranges.len().saturating_sub(WINDOW));
        match self.ranges[window..].first_chunk::<WINDOW>() {
            Some(ranges) if last - low <= WINDOW => window + ranges.iter().filter(|range| starts_by_then(range)).count() - 1,
            _ => low + self.ranges[low + 1..=last].partition_point(starts_by_then),
        }
    }

    #[inline]
    pub(super) fn value(&self, at: usize) -> u32 {
        self.ranges[at].value
    }

    pub(super) fn len(&self) -> usize {
        self.ranges.len()
    }

    #[inline]
    pub(super) fn start(&self, at: usize) -> A {
        self.ranges[at].start()
    }

    /// The last address of a range.
    #[inline]
    pub(super) fn last(&self, at: usize) -> A {
        self.ranges.get(at + 1).and_then(|next| next.start().previous()).unwrap_or_else(|| A::LOWEST.last_within(0))
    }

    pub(super) fn values(&self) -> impl ExactSizeIterator<Item = u32> {
        self.ranges.iter().map(|range| range.value)
    }

    /// The same ranges with other values, which may be equal where these differ.
    pub(super) fn map(&self, mut value: impl FnMut(u32) -> u32) -> Self {
        let mut builder = Builder::new(value(self.ranges[0].value));
        for range in &self.ranges[1..] {
            builder.push(range.start(), value(range.value));
        }
        builder.finish()
    }

    /// The length of the shortest prefix of `address` that lies in the range `at`, which holds it.
    #[inline]
    pub(super) fn prefix_len(&self, at: usize, address: A) -> u8 {
        let below = self.start(at).previous().map_or(0, |outside| address.common_len(outside) + 1);
        let above = self.ranges.get(at + 1).map_or(0, |outside| address.common_len(outside.start()) + 1);
        below.max(above)
    }

    /// What the table takes in memory, in octets.
    pub(super) fn memory_octets(&self) -> usize {
        size_of_val(&*self.ranges) + size_of_val(&*self.tops) + size_of_val(&*self.fine)
    }
}

/// The ranges in which none of three tables changes, with a value made of theirs.
pub(super) fn joined<A: Address>(tables: [&Ranges<A>; 3], mut value: impl FnMut([u32; 3]) -> u32) -> Ranges<A> {
    let mut at = [0; 3];
    let mut values = tables.map(|table| table.value(0));
    let mut builder = Builder::new(value(values));
    let next = |at: &[usize; 3]| (0..3).filter_map(|table| tables[table].ranges.get(at[table] + 1)).map(Range::start).min();
    while let Some(start) = next(&at) {
        for (table, ranges) in tables.iter().enumerate() {
            if ranges.ranges.get(at[table] + 1).is_some_and(|range| range.start() == start) {
                at[table] += 1;
                values[table] = ranges.value(at[table]);
            }
        }
        builder.push(start, value(values));
    }
    builder.finish()
}

/// One table for each family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Families {
    pub(super) v4: Ranges<u32>,
    pub(super) v6: Ranges<u128>,
}

impl Families {
    /// All addresses have one value.
    pub(super) fn of(value: u32) -> Self {
        Self { v4: Builder::new(value).finish(), v6: Builder::new(value).finish() }
    }

    /// The value for an address, and the length of the shortest prefix of it inside which all addresses have this value.
    #[inline]
    pub(super) fn lookup(&self, address: IpAddr) -> (u32, u8) {
        #[inline]
        fn lookup<A: Address>(ranges: &Ranges<A>, address: A) -> (u32, u8) {
            let at = ranges.find(address);
            (ranges.value(at), ranges.prefix_len(at, address))
        }
        match address {
            IpAddr::V4(address) => lookup(&self.v4, address.to_bits()),
            IpAddr::V6(address) => lookup(&self.v6, address.to_bits()),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.v4.len() + self.v6.len()
    }

    pub(super) fn memory_octets(&self) -> usize {
        self.v4.memory_octets() + self.v6.memory_octets()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Starts that are near each other, near both ends and far apart.
    fn starts() -> impl Strategy<Value = Vec<(u32, u32)>> {
        let start = prop_oneof![
            0u32..200,
            any::<u32>(),
            (0u32..200).prop_map(|back| u32::MAX - back),
            0x0A00_0000u32..0x0A00_0200,
            0x0A00_0000u32..0x0A01_0000
        ];
        proptest::collection::vec((start, 0u32..4), 0..600)
    }

    proptest! {
        #[test]
        fn each_address_is_found_in_the_range_that_a_walk_finds(mut pushed in starts(), asked in starts()) {
            pushed.sort_by_key(|(start, _)| *start);
            let mut builder = Builder::new(9);
            let mut wide = Builder::new(9);
            for (start, value) in &pushed {
                builder.push(*start, *value);
                wide.push(u128::from(*start) << 90, *value);
            }
            let (ranges, wide) = (builder.finish(), wide.finish());
            for address in asked.iter().chain(&pushed).map(|(address, _)| *address) {
                let expected = pushed.iter().rfind(|(start, _)| *start <= address).map_or(9, |(_, value)| *value);
                let at = ranges.find(address);
                prop_assert_eq!(ranges.value(at), expected);
                prop_assert!(ranges.start(at) <= address && address <= ranges.last(at));
                prop_assert_eq!(wide.value(wide.find(u128::from(address) << 90)), expected);
            }
        }

        #[test]
        fn a_prefix_is_the_shortest_inside_its_range(mut pushed in starts(), asked in starts()) {
            pushed.sort_by_key(|(start, _)| *start);
            let mut builder = Builder::new(9);
            pushed.iter().for_each(|(start, value)| builder.push(*start, *value));
            let ranges = builder.finish();
            for (address, _) in asked {
                let at = ranges.find(address);
                let fits = |len: u8| {
                    let last = address.last_within(len);
                    let first = !(!address).last_within(len);
                    ranges.start(at) <= first && last <= ranges.last(at)
                };
                let found = ranges.prefix_len(at, address);
                prop_assert!(fits(found));
                prop_assert!(found == 0 || !fits(found - 1));
            }
        }
    }
}
