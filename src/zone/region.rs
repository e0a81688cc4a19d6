//! Octets that stay as they are for as long as a zone is served, in huge pages if there are many.
//!
//! A lookup in a large zone reads a few octets anywhere in it. With pages of 4 KiB each of them costs a walk through page
//! tables that are not cached either. A large region is mapped by itself: the system is asked for huge pages, and has the
//! memory back as soon as the zone is gone. Where there are none, ordinary pages do.
//! Invariant: what is read is what the region was made of.
//! Source: the kernel's admin guide, "Transparent Hugepage Support".

use std::fmt;
use std::ops::Deref;

use memmap2::{Mmap, MmapMut};

/// Octets in memory of their own.
pub(super) enum Region {
    Small(Box<[u8]>),
    Mapped(Mmap),
}

/// Octets from which a region is mapped: two huge pages, of which it fills one at least.
const MAPPED_MIN: usize = 4 << 20;

impl Region {
    /// The region of these octets, one behind the other.
    pub fn of(parts: &[&[u8]]) -> Self {
        let len = parts.iter().map(|part| part.len()).sum();
        let mapped = if len < MAPPED_MIN { None } else { map(len) };
        let Some(mut octets) = mapped else { return Self::Small(parts.concat().into()) };
        let mut free = &mut octets[..];
        for part in parts {
            let (own, behind) = free.split_at_mut(part.len());
            own.copy_from_slice(part);
            free = behind;
        }
        match octets.make_read_only() {
            Ok(octets) => Self::Mapped(octets),
            Err(_) => Self::Small(parts.concat().into()),
        }
    }
}

/// Memory of its own, in huge pages where the system has them.
fn map(len: usize) -> Option<MmapMut> {
    let octets = MmapMut::map_anon(len).ok()?;
    #[cfg(target_os = "linux")]
    let _ = octets.advise(memmap2::Advice::HugePage);
    Some(octets)
}

impl Deref for Region {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Small(octets) => octets,
            Self::Mapped(octets) => octets,
        }
    }
}

impl Default for Region {
    fn default() -> Self {
        Self::Small(Box::default())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} octets", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_large_regions_hold_what_they_were_made_of() {
        for len in [0, 1, MAPPED_MIN - 3, MAPPED_MIN, MAPPED_MIN + 4_097] {
            let octets: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
            let (first, last) = octets.split_at(len / 3);
            let region = Region::of(&[first, &[], last]);
            assert!(*region == *octets, "{len} octets");
            assert_eq!(matches!(region, Region::Mapped(_)), len >= MAPPED_MIN, "{len} octets");
        }
    }
}
