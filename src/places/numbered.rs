//! Values that are kept once and known by number.
//!
//! Invariant: no two numbers have equal values; numbers count up from 0.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// The hasher of tables made here: what is hashed is the operator's, so a fixed seed will do.
pub(super) type Hasher = FixedState;

/// Values while they are numbered.
#[derive(Clone, Debug)]
pub(super) struct Numbered<T> {
    values: Vec<T>,
    numbers: HashTable<u32>,
    hasher: Hasher,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self { values: Vec::new(), numbers: HashTable::new(), hasher: Hasher::default() }
    }
}

impl<T: Eq + Hash> Numbered<T> {
    /// The number of a value: the one that it has, or the next.
    pub(super) fn number(&mut self, value: T) -> u32 {
        let Self { values, numbers, hasher } = self;
        let hash = hasher.hash_one(&value);
        let is_it = |number: &u32| values[*number as usize] == value;
        match numbers.entry(hash, is_it, |number| hasher.hash_one(&values[*number as usize])) {
            Entry::Occupied(occupied) => *occupied.get(),
            Entry::Vacant(vacant) => {
                let number = values.len() as u32;
                vacant.insert(number);
                values.push(value);
                number
            }
        }
    }

    pub(super) fn get(&self, number: u32) -> &T {
        &self.values[number as usize]
    }

    /// The values, each at its number.
    pub(super) fn finish(self) -> Box<[T]> {
        self.values.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_one_number() {
        let mut numbered = Numbered::default();
        let numbers: Vec<u32> = (0..1_000).map(|value| numbered.number(format!("{}", value % 70))).collect();
        assert!(numbers.iter().enumerate().all(|(at, number)| *number == at as u32 % 70));
        assert_eq!(numbered.get(69), "69");
        assert_eq!(numbered.finish().len(), 70);
    }
}
