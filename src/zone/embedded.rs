//! Names inside rdata: where they lie, whether they may be compressed, and whether their addresses are worth adding.
//!
//! One table, for compression, additional data and checks alike. Types that are not here hold no name that
//! matters to an answer. Sources: RFC 1035 §3.3 (and §4.1.4: only its own types may be compressed, RFC 3597 §4),
//! RFC 2782 (SRV), RFC 6672 (DNAME), RFC 9460 §4.1 (SVCB).

use std::ops::Range;

use crate::wire::name::wire_len;
use crate::wire::rtype::RecordType;

/// What the rdata of one type holds of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Embedded {
    /// Octets before the first name.
    skip: usize,
    /// How many names follow one another.
    count: usize,
    /// Whether they may be compressed when sent.
    pub compressible: bool,
    /// Whether the addresses of the (one) name belong into the additional section.
    pub additional: bool,
}

/// The names in rdata of `rtype`, if it holds any.
pub fn embedded(rtype: RecordType) -> Option<Embedded> {
    let (skip, count, compressible, additional) = match rtype {
        RecordType::NS => (0, 1, true, true),
        RecordType::CNAME | RecordType::PTR => (0, 1, true, false),
        RecordType::SOA => (0, 2, true, false),
        RecordType::MX => (2, 1, true, true),
        RecordType::SRV => (6, 1, false, true),
        RecordType::SVCB | RecordType::HTTPS => (2, 1, false, true),
        RecordType::AFSDB | RecordType::KX => (2, 1, false, true),
        RecordType::DNAME => (0, 1, false, false),
        _ => return None,
    };
    Some(Embedded { skip, count, compressible, additional })
}

impl Embedded {
    /// Where each name lies in `rdata`, which must be valid for the type.
    pub fn names(self, rdata: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
        let mut at = self.skip;
        std::iter::repeat_with(move || {
            let start = at;
            at += wire_len(rdata.get(start..)?)?;
            Some(start..at)
        })
        .take(self.count)
        .map_while(|range| range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_where_their_type_has_them() {
        let soa = [b"\x02ns\x00\x01h\x01x\x00".as_slice(), &[0; 20]].concat();
        let found = |rtype, rdata: &[u8]| embedded(rtype).map(|names| names.names(rdata).collect::<Vec<_>>());
        assert_eq!(found(RecordType::SOA, &soa), Some(vec![0..4, 4..9]));
        assert_eq!(found(RecordType::MX, b"\x00\x0a\x01m\x00").as_deref(), Some(std::slice::from_ref(&(2..5))));
        assert_eq!(found(RecordType::A, &[192, 0, 2, 1]), None);
    }
}
