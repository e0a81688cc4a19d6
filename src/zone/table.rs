//! Numbers found by the hash of their keys: one array, searched from where the hash says.
//!
//! Holds no keys: whoever looks says whether a number is the one. Made at once of all its numbers, and never changed. An
//! entry is a number with as much of its hash before it as there is room for, so sixteen of them are in one line of memory.
//! At least half of the places are empty, and what shares a place stands beside it: as good as always a search reads one
//! line, and keys that are not the one asked for are hardly ever read.
//! Invariant: the last place is empty, so every search ends; from the place of a hash to its entry no place is empty.

use std::hash::{BuildHasher, Hasher};
use std::hint::black_box;

use foldhash::fast::FixedState;

/// Numbers by hash: how their places are to be read.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// How many places hashes lead to; behind them are those for what does not fit into the last of them.
    homes: u32,
    /// The bits of an entry that are its number's.
    number_mask: u32,
    hasher: FixedState,
}

/// Where a search for a key begins, and what its entry is told by.
#[derive(Clone, Copy, Default)]
pub(super) struct Search {
    home: usize,
    tag: u32,
}

/// A place: an entry, or zeros.
pub(super) type Place = [u8; 4];

/// Places for each number.
const SPARSENESS: usize = 2;
/// Places that a search may have to read before keys are hashed in another way: four lines of memory.
const SEARCH_MAX: usize = 64;
/// How many ways of hashing are tried. Chance needs one; whoever chose keys against it would have to know of the next.
const SEEDS: u64 = 4;

impl Default for Table {
    fn default() -> Self {
        Self { homes: 0, number_mask: 0, hasher: hasher(0) }
    }
}

impl Table {
    /// The table of these numbers, each above 0, and its places; `key` gives the key of a number.
    pub fn lay<'k>(numbers: &[u32], key: impl Fn(u32) -> &'k [u8]) -> (Self, Vec<Place>) {
        let mut best = Self::lay_with(hasher(0), numbers, &key);
        for seed in 1..SEEDS {
            if best.2 <= SEARCH_MAX {
                break;
            }
            let other = Self::lay_with(hasher(seed), numbers, &key);
            if other.2 < best.2 {
                best = other;
            }
        }
        (best.0, best.1)
    }

    /// The same with one way of hashing, and how many places the longest search reads to find a number.
    fn lay_with<'k>(hasher: FixedState, numbers: &[u32], key: &impl Fn(u32) -> &'k [u8]) -> (Self, Vec<Place>, usize) {
        let highest = numbers.iter().copied().max().unwrap_or_default();
        let homes = numbers.len() * SPARSENESS;
        let number_mask = u32::MAX.checked_shr(highest.leading_zeros()).unwrap_or_default();
        let table = Self { homes: homes as u32, number_mask, hasher };
        let entry = |&number: &u32| {
            let hash = table.hash(key(number));
            (table.home(hash) as u64) << 32 | u64::from(table.tag(hash) | number)
        };
        // In the order of their places, what shares one stays as near to it as can be, and memory is written in order.
        let mut entries: Vec<u64> = numbers.iter().map(entry).collect();
        entries.sort_unstable();
        let mut places = vec![[0; 4]; homes + 1];
        let (mut free, mut longest) = (0, 0);
        for entry in entries {
            let home = (entry >> 32) as usize;
            let at = free.max(home);
            free = at + 1;
            longest = longest.max(free - home);
            if free == places.len() {
                places.push([0; 4]);
            }
            places[at] = (entry as u32).to_le_bytes();
        }
        (table, places, longest)
    }

    /// The numbers that may be this key's, in the order they came in: most often the one and no other.
    #[inline(always)]
    pub fn candidates(&self, places: &[Place], key: &[u8]) -> impl Iterator<Item = u32> {
        self.candidates_of(places, self.search(key))
    }

    /// Where a search for this key begins.
    #[inline(always)]
    pub fn search(&self, key: &[u8]) -> Search {
        let hash = self.hash(key);
        Search { home: self.home(hash), tag: self.tag(hash) }
    }

    /// As [`Table::candidates`], for the key of a search.
    #[inline(always)]
    pub fn candidates_of(&self, places: &[Place], Search { home, tag }: Search) -> impl Iterator<Item = u32> {
        let number_mask = self.number_mask;
        let places = places.get(home..).unwrap_or(&[]);
        let entries = places.iter().map(|place| u32::from_le_bytes(*place)).take_while(|entry| *entry != 0);
        entries.map(move |entry| entry ^ tag).filter(move |number| *number <= number_mask)
    }

    /// Reads the first place of a search.
    #[inline]
    pub fn touch(places: &[Place], search: Search) {
        black_box(places.get(search.home).copied());
    }

    /// The first place of a hash.
    #[inline]
    fn home(&self, hash: u64) -> usize {
        ((u64::from(hash as u32) * u64::from(self.homes)) >> 32) as usize
    }

    /// What of a hash is in its entries.
    #[inline]
    fn tag(&self, hash: u64) -> u32 {
        (hash >> 32) as u32 & !self.number_mask
    }

    #[inline]
    fn hash(&self, key: &[u8]) -> u64 {
        hash_with(&self.hasher, key)
    }
}

/// The hash of a key, whatever the table.
#[inline]
pub(super) fn hash(key: &[u8]) -> u64 {
    hash_with(&hasher(0), key)
}

#[inline]
fn hash_with(hasher: &FixedState, key: &[u8]) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(key);
    hasher.finish()
}

/// Seeds are fixed: keys are the operator's data, and a query only chooses which to look for.
#[inline]
fn hasher(seed: u64) -> FixedState {
    FixedState::with_seed(0x7761_7970_6f73_7400 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How many places a search for `key` reads.
    fn places_read(table: &Table, places: &[Place], key: &[u8]) -> usize {
        let from = &places[table.home(table.hash(key))..];
        1 + from.iter().position(|place| *place == [0; 4]).expect("the last place is empty")
    }

    fn find(table: &Table, places: &[Place], keys: &[Vec<u8>], key: &[u8]) -> Option<u32> {
        table.candidates(places, key).find(|number| keys[*number as usize - 1] == key)
    }

    proptest! {
        #[test]
        fn what_is_in_it_is_found_and_nothing_else(
            keys in prop::collection::hash_set(prop::collection::vec(any::<u8>(), 0..24), 0..300),
            missing in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..24), 0..300),
        ) {
            let keys: Vec<Vec<u8>> = keys.into_iter().collect();
            let numbers: Vec<u32> = (1..=keys.len() as u32).collect();
            let (table, places) = Table::lay(&numbers, |number| &keys[number as usize - 1]);
            for (at, key) in keys.iter().enumerate() {
                prop_assert_eq!(find(&table, &places, &keys, key), Some(numbers[at]));
            }
            for key in missing.iter().filter(|key| !keys.contains(key)) {
                prop_assert_eq!(find(&table, &places, &keys, key), None);
            }
        }
    }

    #[test]
    fn searches_among_many_read_few_places() {
        let keys: Vec<Vec<u8>> = (0..100_000).map(|at| format!("host-{at}").into_bytes()).collect();
        let numbers: Vec<u32> = (1..=keys.len() as u32).collect();
        let (table, places) = Table::lay(&numbers, |number| &keys[number as usize - 1]);
        assert!(places.len() <= SPARSENESS * keys.len() + SEARCH_MAX);
        let searches = (0..100_000).map(|at| places_read(&table, &places, format!("missing-{at}").as_bytes()));
        let (total, longest) = searches.fold((0, 0), |(total, longest), read| (total + read, read.max(longest)));
        assert!(longest <= SEARCH_MAX, "{longest} places");
        // Knuth, The Art of Computer Programming, volume 3, section 6.4: 2.5 for a table half full.
        assert!((2.3..2.7).contains(&(total as f64 / 100_000.0)), "{total} places");
    }

    /// As if all keys had been chosen to have one hash.
    #[test]
    fn keys_of_one_hash_are_hashed_in_another_way() {
        let named = (0..1_000_000).map(|at| format!("host-{at}").into_bytes());
        let keys: Vec<Vec<u8>> = named.filter(|key| hash(key) as u32 >> 20 == 7).take(200).collect();
        let numbers: Vec<u32> = (1..=200).collect();
        let (first, places, longest) = Table::lay_with(hasher(0), &numbers, &|number| &keys[number as usize - 1]);
        assert!(longest > SEARCH_MAX && find(&first, &places, &keys, &keys[199]) == Some(200));
        let (table, places) = Table::lay(&numbers, |number| &keys[number as usize - 1]);
        assert!(keys.iter().all(|key| places_read(&table, &places, key) <= SEARCH_MAX));
    }
}
