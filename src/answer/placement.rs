//! Where the octets of a name lie in the message being written, so that pointers to its suffixes can be written.
//!
//! A name in a message may be literal at its start and go on by pointer: a placement lists those pieces.
//! Invariant: pieces are ordered by `from`, the first begins at 0, and every offset can be a compression pointer.
//! Source: RFC 1035 §4.1.4.

use crate::wire::HEADER_LEN;

/// The pieces of one name in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placement {
    pieces: [Piece; PIECES_MAX],
    len: u8,
}

/// From octet `from` of the name on, its octets lie at `at` in the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Piece {
    from: u8,
    at: u16,
}

/// A name in more pieces is not pointed into.
const PIECES_MAX: usize = 4;
/// The last offset a pointer can say (14 bits).
pub(super) const POINTER_MAX: usize = 0x3fff;

impl Placement {
    /// The name of the question, right behind the header.
    pub const QUESTION: Self = Self::whole(HEADER_LEN as u16);

    /// A name written at `at` without a pointer.
    pub const fn whole(at: u16) -> Self {
        Self { pieces: [Piece { from: 0, at }; PIECES_MAX], len: 1 }
    }

    /// Whether RRsets encoded for a name at offset 12 can go out as they are.
    #[inline]
    pub fn is_question(&self) -> bool {
        self.len == 1 && self.pieces[0].at == HEADER_LEN as u16
    }

    /// Where octet `octet` of the name lies.
    pub fn locate(&self, octet: usize) -> u16 {
        let mut holds = self.pieces[0];
        for later in &self.pieces[1..usize::from(self.len)] {
            if usize::from(later.from) <= octet {
                holds = *later;
            }
        }
        holds.at + (octet - usize::from(holds.from)) as u16
    }

    /// The placement of the name's suffix that begins at octet `octet`.
    pub fn suffix(&self, octet: usize) -> Self {
        let later = self.pieces[..usize::from(self.len)].iter().filter(|piece| usize::from(piece.from) > octet);
        let mut suffix = Self::whole(self.locate(octet));
        for piece in later {
            // There is room: the piece that holds `octet` is not among the later ones.
            suffix.pieces[usize::from(suffix.len)] = Piece { from: piece.from - octet as u8, at: piece.at };
            suffix.len += 1;
        }
        suffix
    }

    /// The placement of a name whose first `literal` octets lie at `at` and that goes on as `self`; none when it would
    /// have too many pieces.
    pub fn behind(&self, literal: usize, at: u16) -> Option<Self> {
        let mut whole = Self::whole(at);
        for piece in &self.pieces[..usize::from(self.len)] {
            *whole.pieces.get_mut(usize::from(whole.len))? = Piece { from: piece.from + literal as u8, at: piece.at };
            whole.len += 1;
        }
        Some(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_and_prefixes_keep_every_octet_where_it_is() {
        // www.example. at 12; then "a" at 40 going on as example. (octet 4 of the question's name).
        let tail = Placement::QUESTION.suffix(4);
        let name = tail.behind(2, 40).expect("two pieces");
        assert_eq!([0, 1, 2, 3, 10].map(|octet| name.locate(octet)), [40, 41, 16, 17, 24]);
        assert_eq!([0, 1].map(|octet| name.suffix(2).locate(octet)), [16, 17]);
        assert_eq!(name.suffix(1).locate(1), 16);
        assert!(Placement::QUESTION.is_question() && !name.is_question());
    }

    #[test]
    fn a_name_in_too_many_pieces_is_not_placed() {
        let mut name = Placement::QUESTION;
        for at in [40, 50, 60] {
            name = name.behind(2, at).expect("at most four pieces");
        }
        assert_eq!(name.behind(2, 70), None);
    }
}
