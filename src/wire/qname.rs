//! A name in lower case on the stack: what a query asks for, ready to be looked up.
//!
//! Not a [`Name`](super::name::Name): it borrows nothing, allocates nothing and has lost its case, which only the
//! question's own octets keep. Where every eighth label begins is noted as they are read, so that no search of the names
//! above it walks over more than seven. Invariants: `octets[..len]` is one uncompressed name without upper-case ASCII;
//! octet `at` of the marks says where its label `8 * at` begins, if it has that, the root's counted.
//! Sources: RFC 1035 §3.1, RFC 4343 §3 (comparison).

use super::{LABEL_MAX, NAME_MAX};

/// A lower-cased absolute name of at most 255 octets.
#[derive(Clone)]
pub struct QName {
    octets: [u8; NAME_MAX + 1],
    /// One number: an array beside an array is zeroed and moved by calls.
    marks: u128,
    len: u8,
    labels: u8,
}

/// Labels from one mark to the next, and bits of a mark.
const STRIDE: usize = 8;
/// Marks of no label. Not zeros, so that a new name is not zeroed by a call either.
const UNMARKED: u128 = u128::MAX;

impl QName {
    /// The root, to be read over.
    #[inline]
    pub fn root() -> Self {
        Self { octets: [0; NAME_MAX + 1], marks: UNMARKED, len: 1, labels: 0 }
    }

    /// The uncompressed name at the start of `from`; none when it is cut short, too long or compressed.
    pub fn read(from: &[u8]) -> Option<Self> {
        let mut name = Self::root();
        name.replace(from).map(|()| name)
    }

    /// Becomes the uncompressed name at the start of `from`, or stays as it is. Names are large: the hot path reads
    /// them where they stay.
    #[inline(always)]
    pub fn replace(&mut self, from: &[u8]) -> Option<()> {
        let from = &from[..from.len().min(NAME_MAX)];
        let (root, labels, marks) = mark(from)?;
        match from.get(..=root | 15) {
            Some(chunks) => self.fold(chunks),
            None => self.fold_last(&from[..=root]),
        }
        (self.marks, self.len, self.labels) = (marks, root as u8 + 1, labels);
        Some(())
    }

    /// Takes whole chunks, folded: what lies behind the name does not matter. Length octets are at most 63, below `A`, so
    /// folding the whole name leaves them alone.
    #[inline(always)]
    fn fold(&mut self, from: &[u8]) {
        for (to, from) in self.octets.as_chunks_mut::<16>().0.iter_mut().zip(from.as_chunks::<16>().0) {
            let mut chunk = *from;
            chunk.make_ascii_lowercase();
            *to = chunk;
        }
    }

    /// Takes a name with less than a chunk behind it: in a message, a query without EDNS.
    #[inline(never)]
    fn fold_last(&mut self, from: &[u8]) {
        let mut padded = [0; NAME_MAX + 1];
        padded[..from.len()].copy_from_slice(from);
        self.fold(&padded);
    }

    /// The name made of `prefix`, whole labels without a root, and the name `tail`; none when longer than 255 octets.
    pub fn join(prefix: &[u8], tail: &[u8]) -> Option<Self> {
        let mut octets = [0; NAME_MAX + 1];
        let len = prefix.len() + tail.len();
        if len > NAME_MAX {
            return None;
        }
        octets[..prefix.len()].copy_from_slice(prefix);
        octets[prefix.len()..len].copy_from_slice(tail);
        Self::read(&octets[..len])
    }

    /// The octets, root label included.
    #[inline]
    pub fn as_wire(&self) -> &[u8] {
        &self.octets[..usize::from(self.len)]
    }

    /// How many labels, root not counted.
    #[inline]
    pub fn labels(&self) -> usize {
        usize::from(self.labels)
    }

    /// The name of its last so many labels, which it must have.
    #[inline]
    pub fn last_labels(&self, labels: usize) -> &[u8] {
        &self.as_wire()[self.start_of_last(labels)..]
    }

    /// Where the last so many labels begin, which it must have.
    #[inline]
    pub fn start_of_last(&self, labels: usize) -> usize {
        let before = self.labels() - labels;
        let mut at = match before / STRIDE {
            0 => 0,
            mark => usize::from((self.marks >> (STRIDE * mark)) as u8),
        };
        for _ in 0..before % STRIDE {
            at += 1 + usize::from(self.octets[at]);
        }
        at
    }
}

/// Walks over the labels of at most 255 octets: where the root's begins, how many are before it, and the marks.
#[inline(always)]
fn mark(from: &[u8]) -> Option<(usize, u8, u128)> {
    let mut at = 0;
    for labels in 0..STRIDE as u8 {
        match usize::from(*from.get(at)?) {
            0 => return Some((at, labels, 0)),
            len if len > LABEL_MAX => return None,
            len => at += 1 + len,
        }
    }
    mark_on(from, at)
}

/// The same from the second mark on, which few names come to.
#[inline(never)]
fn mark_on(from: &[u8], mut at: usize) -> Option<(usize, u8, u128)> {
    let (mut labels, mut marks) = (STRIDE as u8, 0);
    loop {
        let len = usize::from(*from.get(at)?);
        if usize::from(labels) % STRIDE == 0 {
            marks |= (at as u128) << labels;
        }
        match len {
            0 => return Some((at, labels, marks)),
            len if len > LABEL_MAX => return None,
            len => at += 1 + len,
        }
        labels += 1;
    }
}

/// Where the labels of the uncompressed name `wire` begin, from the left, the root's not included.
#[inline]
pub fn label_starts(wire: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let len = usize::from(*wire.get(at).filter(|len| **len != 0)?);
        let start = at;
        at += 1 + len;
        Some(start)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_in_lower_case_and_counted() {
        let name = QName::read(b"\x03WwW\x07exAmple\x03org\x00rest").expect("it is whole");
        assert_eq!(name.as_wire(), b"\x03www\x07example\x03org\x00");
        assert_eq!(name.labels(), 3);
        assert_eq!(label_starts(name.as_wire()).collect::<Vec<_>>(), [0, 4, 12]);
    }

    #[test]
    fn labels_are_found_from_the_right_where_the_walk_from_the_left_finds_them() {
        let mut name = QName::root();
        // Over a longer one, as the hot path reads.
        for count in (0..=127).rev() {
            let wire = [&b"\x01a".repeat(count)[..], &[0]].concat();
            name.replace(&wire).expect("it is whole");
            let starts: Vec<usize> = label_starts(&wire).chain([wire.len() - 1]).collect();
            assert_eq!(name.labels(), count);
            assert!((0..=count).all(|last| name.start_of_last(last) == starts[count - last]));
            assert!((0..=count).all(|last| *name.last_labels(last) == wire[starts[count - last]..]));
        }
        assert!(name.replace(&b"\x01a".repeat(3)).is_none());
        assert!(name.replace(&b"\x01a".repeat(128)).is_none());
        assert_eq!((name.as_wire(), name.last_labels(0)), (&b"\0"[..], &b"\0"[..]));
    }

    #[test]
    fn what_is_cut_short_compressed_or_too_long_is_no_name() {
        let mut longest = [b"\x3f".as_slice(), &[b'a'; 63]].concat().repeat(3);
        longest.extend([&[61][..], &[b'b'; 61], &[0]].concat());
        assert_eq!(QName::read(&longest).map(|name| name.as_wire().len()), Some(255));
        let too_long = [[&[62][..], &[b'b'; 62]].concat(), longest[..192].to_vec(), vec![0]].concat();
        for wire in [&b""[..], b"\x03ww", b"\x03www", b"\x03www\xc0\x0c", b"\x40", &too_long] {
            assert!(QName::read(wire).is_none(), "{wire:?}");
        }
    }
}
