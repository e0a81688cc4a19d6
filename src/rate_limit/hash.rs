//! From what a response is counted by to the place of its bucket.
//!
//! Keyed: whoever does not know the seeds cannot make two things share a place but by chance. No cryptographic hash: the
//! hashes are never shown, and a bucket that is shared costs somebody a retry over TCP. Names are read 16 octets at
//! a time, with the bit set that upper and lower case differ in: other octets that this makes equal only share a bucket.
//! Source: the folded multiplication of wyhash and foldhash.

/// What a response is counted by.
pub(super) struct Key<'k> {
    pub network: Network,
    /// The limit and what it tells apart beside the name.
    pub what: u64,
    pub name: &'k [u8],
}

/// The bits of a network's addresses that all of them share; the others are 0.
#[derive(Clone, Copy)]
pub(super) enum Network {
    V4(u32),
    V6(u128),
}

impl Key<'_> {
    #[inline]
    pub fn hash(&self, seeds: [u64; 2]) -> u64 {
        let [one, two] = seeds;
        let network = match self.network {
            Network::V4(bits) => bits.into(),
            Network::V6(bits) => mix((bits >> 64) as u64 ^ one, bits as u64 ^ two),
        };
        let mut state = mix(network ^ one, self.what ^ (self.name.len() as u64) << 32 ^ two);
        state = match self.name.last_chunk() {
            Some(last) => {
                for chunk in self.name.as_chunks::<16>().0 {
                    state = mix_chunk(state, chunk, two);
                }
                // It may begin within the one before.
                mix_chunk(state, last, two)
            }
            None => mix_chunk(state, &padded(self.name), two),
        };
        mix(state, one)
    }
}

#[inline]
fn mix_chunk(state: u64, chunk: &[u8; 16], seed: u64) -> u64 {
    let folded = u128::from_le_bytes(*chunk) | CASE;
    mix(state ^ folded as u64, seed ^ (folded >> 64) as u64)
}

/// Every bit depends on every bit of both.
#[inline]
fn mix(one: u64, two: u64) -> u64 {
    let product = u128::from(one) * u128::from(two);
    (product >> 64) as u64 ^ product as u64
}

/// A short name with zeros behind it.
#[inline]
fn padded(name: &[u8]) -> [u8; 16] {
    let mut padded = [0; 16];
    padded[..name.len()].copy_from_slice(name);
    padded
}

/// The bit in which an upper-case letter differs from the lower-case one, in each octet.
const CASE: u128 = u128::from_ne_bytes([0x20; 16]);

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const SEEDS: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xbf58_476d_1ce4_e5b9];

    fn hash(network: u128, what: u64, name: &[u8]) -> u64 {
        Key { network: Network::V6(network), what, name }.hash(SEEDS)
    }

    #[test]
    fn a_name_hashes_alike_in_any_case_and_every_octet_of_it_counts() {
        for len in 0..=255 {
            let lower = vec![b'x'; len];
            assert_eq!(hash(1, 2, &lower), hash(1, 2, &lower.to_ascii_uppercase()), "{len} octets");
            let others: HashSet<u64> = (0..len)
                .map(|at| {
                    let mut other = lower.clone();
                    other[at] = b'y';
                    hash(1, 2, &other)
                })
                .chain([hash(1, 2, &lower), hash(1, 3, &lower), hash(2, 2, &lower), hash(1 << 64, 2, &lower)])
                .collect();
            assert_eq!(others.len(), len + 4, "{len} octets");
        }
    }

    #[test]
    fn other_seeds_are_another_table() {
        let place = |bits, seeds| Key { network: Network::V4(bits), what: 0, name: b"" }.hash(seeds) & 0xff;
        let places = |seeds: [u64; 2]| (0..64).map(|bits| place(bits, seeds)).collect::<Vec<_>>();
        assert_ne!(places(SEEDS), places([SEEDS[0] + 1, SEEDS[1]]));
        assert_ne!(places(SEEDS), places([SEEDS[0], SEEDS[1] + 1]));
    }

    #[test]
    fn neighbours_spread_over_the_table() {
        for network in [|at: u32| Network::V6(u128::from(at) << 72), |at: u32| Network::V4(at << 8)] {
            let mut sets = [0u32; 256];
            for at in 0..25_600 {
                let key = Key { network: network(at), what: 1, name: b"\x07example\x03org\x00" };
                sets[key.hash(SEEDS) as usize & 0xff] += 1;
            }
            // Ten standard deviations of a binomial(25600, 1/256).
            assert!(sets.iter().all(|count| count.abs_diff(100) < 100), "{sets:?}");
        }
    }
}
