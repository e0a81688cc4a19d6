//! Numbers found by the hash of their keys: one array, searched from where the hash says.
//!
//! Holds no keys: whoever looks says whether a number is the one. A lookup reads one line of memory, as good as always:
//! at least half of the places are empty, so what is not at its own place is beside it.
//! Invariant: there is an empty place, so every search ends; from the place of a hash to its entry no place is empty.

/// Numbers by hash.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// A power of two, or none at all.
    places: Box<[Entry]>,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u32,
    number: u32,
}

/// Nothing has this number.
const EMPTY: u32 = u32::MAX;
/// The first size.
const PLACES_MIN: usize = 4;

impl Table {
    /// The number with this hash that is the one asked for.
    #[inline]
    pub(super) fn find(&self, hash: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mut at = hash as usize;
        loop {
            let Entry { hash: found, number } = *self.places.get(at & self.places.len().wrapping_sub(1))?;
            if number == EMPTY {
                return None;
            }
            if found == hash && is_it(number) {
                return Some(number);
            }
            at += 1;
        }
    }

    /// Enters a number below [`u32::MAX`].
    pub(super) fn insert(&mut self, hash: u32, number: u32) {
        if self.len * 2 >= self.places.len() {
            self.grow();
        }
        self.len += 1;
        self.place(Entry { hash, number });
    }

    fn grow(&mut self) {
        let places = (self.places.len() * 2).max(PLACES_MIN);
        let old = std::mem::replace(&mut self.places, vec![Entry { hash: 0, number: EMPTY }; places].into());
        old.into_iter().filter(|entry| entry.number != EMPTY).for_each(|entry| self.place(entry));
    }

    fn place(&mut self, entry: Entry) {
        let last = self.places.len() - 1;
        let mut at = entry.hash as usize & last;
        while self.places[at].number != EMPTY {
            at = (at + 1) & last;
        }
        self.places[at] = entry;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_entered_is_found_whatever_the_hashes() {
        for shift in [0, 3, 31] {
            let hash = |number: u32| number.wrapping_mul(0x9e37_79b9) >> shift;
            let mut table = Table::default();
            for number in 0..1_000 {
                assert_eq!(table.find(hash(number), |found| found == number), None);
                table.insert(hash(number), number);
                assert!(table.len * 2 <= table.places.len());
            }
            for number in 0..1_000 {
                assert_eq!(table.find(hash(number), |found| found == number), Some(number), "shifted by {shift}");
            }
        }
    }
}
