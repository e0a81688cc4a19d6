//! Blocks that lie in each other, flattened to disjoint ranges.
//!
//! Two prefixes are apart, or one holds the other: so at any address the blocks that hold it form a chain.
//! Invariant: a range is announced with the whole chain of blocks that hold it, the widest first.

use ipnet::IpNet;

use super::ranges::Address;

/// A prefix with its host bits 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block<A> {
    pub(super) first: A,
    pub(super) len: u8,
}

/// Blocks with their places in the list that they come from, by their first address, then from the widest.
pub(super) type Blocks<A> = [(Block<A>, usize)];

/// The blocks of each family.
pub(super) fn blocks<'n>(networks: impl IntoIterator<Item = &'n IpNet>) -> (Box<Blocks<u32>>, Box<Blocks<u128>>) {
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for (at, network) in networks.into_iter().enumerate() {
        match network {
            IpNet::V4(network) => v4.push((Block { first: network.network().to_bits(), len: network.prefix_len() }, at)),
            IpNet::V6(network) => v6.push((Block { first: network.network().to_bits(), len: network.prefix_len() }, at)),
        }
    }
    v4.sort_by_key(|(block, _)| (block.first, block.len));
    v6.sort_by_key(|(block, _)| (block.first, block.len));
    (v4.into(), v6.into())
}

/// Tells `range` where each range starts and which blocks hold it; each block comes once. Of two ranges with one start,
/// the later one holds.
pub(super) fn flatten<A: Address>(blocks: &Blocks<A>, mut range: impl FnMut(A, &[usize])) {
    let mut chain: Vec<usize> = Vec::new();
    let mut ends: Vec<A> = Vec::new();
    for (block, place) in blocks {
        leave(&mut chain, &mut ends, Some(block.first), &mut range);
        chain.push(*place);
        ends.push(block.first.last_within(block.len));
        range(block.first, &chain);
    }
    leave(&mut chain, &mut ends, None, &mut range);
}

/// Goes out of the blocks that end before an address; of all, if there is none.
fn leave<A: Address>(chain: &mut Vec<usize>, ends: &mut Vec<A>, before: Option<A>, range: &mut impl FnMut(A, &[usize])) {
    while let Some(end) = ends.pop_if(|end| before.is_none_or(|before| *end < before)) {
        chain.pop();
        if let Some(next) = end.next() {
            range(next, chain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_blocks_become_ranges_with_all_that_hold_them() {
        let networks = ["10.0.0.0/8", "10.1.0.0/16", "10.1.0.0/24", "10.255.0.0/16", "255.0.0.0/8"];
        let networks = networks.map(|network| network.parse::<IpNet>().expect("a network"));
        let mut found = Vec::new();
        flatten(&blocks(&networks).0, |start: u32, chain| {
            if found.last().is_some_and(|(last, _)| *last == start) {
                found.pop();
            }
            found.push((start, chain.to_vec()));
        });
        let expected = [
            (0x0A00_0000, vec![0]),
            (0x0A01_0000, vec![0, 1, 2]),
            (0x0A01_0100, vec![0, 1]),
            (0x0A02_0000, vec![0]),
            (0x0AFF_0000, vec![0, 3]),
            (0x0B00_0000, vec![]),
            (0xFF00_0000, vec![4]),
        ];
        assert_eq!(found, expected);
    }
}
