//! RRsets as they go on the wire, encoded once when a zone is compiled.
//!
//! ```text
//! type  count  octets  units | RR RR RR … | pointers  links  start start …  pointer …  link link …  key …
//! u16   u16    u16     u16     as sent      u16       u16    if RRs differ  u16 each   u16 u32 each
//!                                                            in length
//! ```
//!
//! Flags in the count say what there is behind the RRs. Each RR's owner is the pointer 0xC00C, and compression pointers in
//! rdata refer to octets of the owner name as if that lay at offset 12, where a question has it. The answer that puts the
//! RRset elsewhere moves the pointers. A link says: the additional section wants the addresses of the node `u32`, whose name
//! lies `u16` octets into the RRs; names of other parts of the zone are behind the links, each behind its length.
//! Numbers are little-endian; an RRset is whole units of four octets, and its own number is its place in units.
//! Invariant: what an [`RrsetRef`] refers to was written by `Arena::encode` for the same zone.
//! Sources: RFC 1035 §4.1.3 and §4.1.4, RFC 2181 §5.

use crate::wire::rtype::RecordType;

/// Where an RRset lies in its zone: its number, with the part in the high bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RrsetRef(u32);

/// One RRset, ready to be sent. Most answers read only its RRs, so the rest is found when it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Rrset<'z> {
    /// The RRs one behind the other.
    pub records: &'z [u8],
    /// What lies behind them in the part.
    behind: &'z [u8],
    /// The count and the flags.
    counted: u16,
}

/// The first eight octets of an RRset, or of the answer that a group is: type and count, and how long it is.
#[derive(Clone, Copy)]
pub(super) struct Header(pub u32, pub u32);

/// Octets as they are numbered.
pub(super) type Unit = [u8; UNIT];

/// Octets of an RR before its rdata, with its owner compressed.
pub const RR_FIXED: usize = 12;
/// Where the TTL lies in such an RR.
pub const TTL_AT: usize = 6;
/// Octets of what has a number.
pub(super) const UNIT: usize = 4;
/// Octets of a [`Header`].
pub(super) const HEADER: usize = 8;
/// Octets of the two counts behind the RRs.
pub(super) const COUNTS: usize = 4;
pub(super) const LINK: usize = 6;
/// The bits of a count; as many octets as a message has hold fewer RRs.
pub(super) const COUNT: u16 = 0x1fff;
/// The additional section wants something.
pub(super) const LINKS_FLAG: u16 = 0x2000;
/// There are starts.
pub(super) const STARTS_FLAG: u16 = 0x4000;
/// There is something behind the RRs.
pub(super) const BEHIND_FLAG: u16 = 0x8000;

impl Header {
    pub fn of_rrset(rtype: RecordType, counted: u16, records_len: usize, len: usize) -> Self {
        let lengths = records_len as u32 | ((len / UNIT) as u32) << 16;
        Self(u32::from(rtype.0) | u32::from(counted) << 16, lengths)
    }

    /// The header of a group's answer of so many octets: it counts no RRs.
    pub fn of_group(rtype: RecordType, len: usize) -> Self {
        Self::of_rrset(rtype, 0, 0, len)
    }

    pub fn to_octets(self) -> [u8; HEADER] {
        (u64::from(self.0) | u64::from(self.1) << 32).to_le_bytes()
    }

    #[inline]
    pub fn rtype(self) -> RecordType {
        RecordType(self.0 as u16)
    }

    #[inline]
    pub fn is_group(self) -> bool {
        self.counted() == 0
    }

    /// Units of the whole.
    #[inline]
    pub fn units(self) -> usize {
        (self.1 >> 16) as usize
    }

    #[inline]
    fn counted(self) -> u16 {
        (self.0 >> 16) as u16
    }

    #[inline]
    fn records_len(self) -> usize {
        usize::from(self.1 as u16)
    }
}

impl RrsetRef {
    /// What has this number, with its part.
    #[inline]
    pub(super) fn of(number: u32) -> Self {
        Self(number)
    }

    /// With the part in its high bits.
    #[inline]
    pub(super) fn number(self) -> u32 {
        self.0
    }
}

impl<'z> Rrset<'z> {
    /// The RRset of this number, without the part, in the octets of its part.
    #[inline]
    pub fn read(octets: &'z [u8], number: usize) -> Self {
        let (units, _) = octets.as_chunks::<UNIT>();
        let ([first, second], rest) = units[number..].split_first_chunk().expect("an RRset begins with its header");
        let header = Header(u32::from_le_bytes(*first), u32::from_le_bytes(*second));
        let (records, behind) = rest.as_flattened().split_at(header.records_len());
        Self { records, behind, counted: header.counted() }
    }

    /// How many RRs.
    #[inline]
    pub fn count(&self) -> u16 {
        self.counted & COUNT
    }

    /// Octets of the starts: two for each RR, none when all have one length.
    #[inline]
    fn starts_len(&self) -> usize {
        if self.counted & STARTS_FLAG == 0 { 0 } else { usize::from(self.count()) * 2 }
    }

    /// Where RR number `at` begins in [`Rrset::records`].
    #[inline]
    pub fn start(&self, at: u16) -> usize {
        match (at, self.starts_len()) {
            (0, _) => 0,
            (_, 0) => self.records.len() / usize::from(self.count()) * usize::from(at),
            _ => usize::from(read_u16(self.behind, COUNTS + usize::from(at) * 2)),
        }
    }

    /// Where the compression pointers of the rdata lie in [`Rrset::records`].
    #[inline]
    pub fn pointers(&self) -> impl Iterator<Item = usize> + use<'z> {
        let pointers: &[[u8; 2]] = match self.counted & BEHIND_FLAG {
            0 => &[],
            _ => &self.behind[COUNTS + self.starts_len()..].as_chunks().0[..usize::from(read_u16(self.behind, 0))],
        };
        pointers.iter().map(|pointer| usize::from(u16::from_le_bytes(*pointer)))
    }

    /// Whether the additional section wants anything.
    #[inline]
    pub fn has_links(&self) -> bool {
        self.counted & LINKS_FLAG != 0
    }

    /// What the additional section wants: where the name lies in [`Rrset::records`], and the node of that name.
    #[inline]
    pub fn links(&self) -> impl Iterator<Item = (usize, u32)> + use<'z> {
        let links = match self.counted & LINKS_FLAG {
            0 => &[],
            _ => {
                let (pointers, links) = (read_u16(self.behind, 0), read_u16(self.behind, 2));
                &self.behind[COUNTS + self.starts_len() + usize::from(pointers) * 2..][..usize::from(links) * LINK]
            }
        };
        links.chunks_exact(LINK).map(|link| {
            let node = u32::from_le_bytes([link[2], link[3], link[4], link[5]]);
            (usize::from(read_u16(link, 0)), node)
        })
    }

    /// The TTL, in seconds.
    #[inline]
    pub fn ttl_secs(&self) -> u32 {
        let ttl = self.records[TTL_AT..].first_chunk().expect("an RRset has at least one RR");
        u32::from_be_bytes(*ttl)
    }

    /// The type of the RRs.
    pub fn rtype(&self) -> RecordType {
        RecordType(u16::from_be_bytes([self.records[2], self.records[3]]))
    }

    /// The rdata of the first RR.
    pub fn first_rdata(&self) -> &'z [u8] {
        let len = usize::from(u16::from_be_bytes([self.records[RR_FIXED - 2], self.records[RR_FIXED - 1]]));
        &self.records[RR_FIXED..RR_FIXED + len]
    }
}

#[inline]
fn read_u16(octets: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([octets[at], octets[at + 1]])
}
