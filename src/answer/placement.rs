//! Where the octets of a name lie in the message being written, so that pointers to its suffixes can be written.
//!
//! A name in a message may be literal at its start and go on by pointer, again and again; a placement says where it
//! begins, and the message itself says the rest. Invariant: every offset can be a compression pointer, and the octet
//! asked for begins a label. Source: RFC 1035 §4.1.4.

use crate::wire::HEADER_LEN;
use crate::wire::qname::QName;

/// Where one name lies in the message: its first octet at `first`, and octet *n* > 0 where octet *n* + `shift` of the
/// name written at `at` lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placement {
    first: u16,
    at: u16,
    shift: u8,
}

/// The last offset a pointer can say (14 bits).
pub(super) const POINTER_MAX: usize = 0x3fff;

impl Placement {
    /// The name of the question, right behind the header.
    pub const QUESTION: Self = Self::whole(HEADER_LEN as u16);

    /// The name written at `at`.
    pub const fn whole(at: u16) -> Self {
        Self { first: at, at, shift: 0 }
    }

    /// Whether RRsets encoded for a name at offset 12 can go out as they are.
    #[inline]
    pub fn is_question(&self) -> bool {
        *self == Self::QUESTION
    }

    /// Where the name begins.
    #[inline]
    pub fn first(&self) -> u16 {
        self.first
    }

    /// Where the label that begins at octet `octet` of the name lies in `message`.
    #[inline]
    pub fn locate(&self, octet: usize, message: &[u8]) -> u16 {
        let octets = octet + usize::from(self.shift);
        match octet {
            0 => self.first,
            // The name of the question is literal to its end.
            _ if self.at == Self::QUESTION.at => self.at + octets as u16,
            _ => locate(message, self.at.into(), octets) as u16,
        }
    }

    /// By how much further on than in a question all but the name's first octet lie, if they are in the question.
    #[inline]
    pub fn moved(&self) -> Option<u16> {
        (self.at == Self::QUESTION.at).then_some(self.shift.into())
    }

    /// The placement of the name's suffix that begins at octet `octet`.
    #[inline]
    pub fn suffix(&self, octet: usize, message: &[u8]) -> Self {
        match octet {
            0 => *self,
            _ => Self { first: self.locate(octet, message), shift: self.shift + octet as u8, ..*self },
        }
    }

    /// The placement of a wildcard's name, whose asterisk nothing points to, when this is that of the name it answers
    /// for: behind its first two octets, the asterisk's label, it goes on as this does from octet `encloser` on.
    pub fn wildcard(&self, encloser: usize) -> Self {
        // The encloser is at least one label of two octets further on.
        Self { shift: self.shift + encloser as u8 - ASTERISK_LEN as u8, ..*self }
    }

    /// Whether `name` is what is written here, whatever the case it is written in.
    pub fn holds(&self, name: &QName, message: &[u8]) -> bool {
        let (mut at, mut rest) = (usize::from(self.first), name.as_wire());
        loop {
            let len = usize::from(message[at]);
            if len & 0xc0 != 0 {
                at = (len & 0x3f) << 8 | usize::from(message[at + 1]);
                continue;
            }
            let Some((label, tail)) = rest.split_at_checked(1 + len) else { return false };
            if !message[at..=at + len].eq_ignore_ascii_case(label) {
                return false;
            }
            if len == 0 {
                return true;
            }
            (at, rest) = (at + 1 + len, tail);
        }
    }
}

/// Octets of the label `*`.
pub(super) const ASTERISK_LEN: usize = 2;

/// Where the label lies that begins `octets` octets into the name at `at`, pointers followed.
fn locate(message: &[u8], mut at: usize, mut octets: usize) -> usize {
    loop {
        let len = usize::from(message[at]);
        if len & 0xc0 != 0 {
            at = (len & 0x3f) << 8 | usize::from(message[at + 1]);
        } else if octets == 0 {
            return at;
        } else {
            at += 1 + len;
            octets -= 1 + len;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `www.example.` at 12; at 25 `a` and a pointer to `example.`; at 29 `b` and a pointer to 25.
    const MESSAGE: &[u8] = b"------------\x03www\x07example\x00\x01a\xc0\x10\x01b\xc0\x19";

    #[test]
    fn a_name_is_followed_through_its_pointers() {
        let name = Placement::whole(29);
        assert_eq!([0, 2, 4, 12].map(|octet| name.locate(octet, MESSAGE)), [29, 25, 16, 24]);
        let suffix = name.suffix(2, MESSAGE);
        assert_eq!([0, 2, 10].map(|octet| suffix.locate(octet, MESSAGE)), [25, 16, 24]);
        assert!(Placement::QUESTION.is_question() && !name.is_question() && !suffix.is_question());
    }

    #[test]
    fn a_wildcard_begins_where_the_name_does_and_goes_on_as_its_encloser() {
        // b.a.example. answered by *.example.
        let wildcard = Placement::whole(29).wildcard(4);
        assert_eq!([0, 2, 10].map(|octet| wildcard.locate(octet, MESSAGE)), [29, 16, 24]);
    }
}
