//! RRsets as they go on the wire, encoded once when a zone is compiled.
//!
//! ```text
//! in the arena:   count  octets  pointers  links | RR RR RR … | start start … | pointer … | link link …
//!                 u16    u16     u16       u16     as sent      if RRs differ   u16 each    u16 u32 each
//!                                                               in length
//! ```
//!
//! Each RR's owner is the pointer 0xC00C, and compression pointers in rdata refer to octets of the owner name as if
//! that lay at offset 12, where a question has it. The answer that puts the RRset elsewhere moves the pointers.
//! A link says: the additional section wants the addresses of the node `u32`, whose name lies `u16` octets into the RRs.
//! Invariant: what an [`RrsetRef`] refers to was written by [`Arena::encode`] of the same zone.
//! Sources: RFC 1035 §4.1.3 and §4.1.4, RFC 2181 §5.

use super::embedded::embedded;
use super::record_set::{RdataList, Ttl};
use super::tree::FAR;
use crate::wire::name::Name;
use crate::wire::qname::label_starts;
use crate::wire::rtype::{Class, RecordType};
use crate::wire::{HEADER_LEN, MESSAGE_MAX};

/// The RRsets of one zone while it is compiled.
#[derive(Debug, Default)]
pub struct Arena {
    octets: Vec<u8>,
    /// The part of the zone that they are in, in the high bits.
    part: u32,
}

/// Where the additional section finds a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// The node of the name.
    Node(u32),
    /// The key of a name that is in another part of the zone.
    Far(Box<[u8]>),
}

/// Where an RRset lies in its zone's arena.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RrsetRef(u32);

/// One RRset, ready to be sent. Most answers read only its RRs, so the rest is found when it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Rrset<'z> {
    /// The RRs one behind the other.
    pub records: &'z [u8],
    /// What lies behind them in the arena: starts, pointers, links, and other RRsets.
    behind: &'z [u8],
    count: u16,
    pointers: u16,
    /// With the flag that says whether there are starts.
    links: u16,
}

/// What is to be encoded.
#[derive(Clone, Copy, Debug)]
pub struct Source<'s> {
    pub owner: &'s Name,
    pub rtype: RecordType,
    pub ttl: Ttl,
    pub rdata: &'s RdataList,
    /// False for an RRset that is answered under other owner names too, as the target of an alias is.
    pub compress: bool,
}

/// An RRset that no message can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// Octets of the RRs.
    pub found: usize,
}

/// The most octets of one RRset: what is left of a message beside header, question and OPT.
pub const RRSET_MAX: usize = MESSAGE_MAX - 512;
/// Octets of an RR before its rdata, with its owner compressed.
pub const RR_FIXED: usize = 12;
/// Where the TTL lies in such an RR.
pub const TTL_AT: usize = 6;
const HEADER: usize = 8;
const LINK: usize = 6;
const STARTS_FLAG: u16 = 0x8000;

impl Arena {
    /// The arena of a part, whose number is in the high bits of `part`.
    pub fn of_part(part: u32) -> Self {
        Self { octets: Vec::new(), part }
    }

    /// Keeps the key of a far name, and says where.
    pub fn put_key(&mut self, key: &[u8]) -> u32 {
        let at = FAR | self.part | self.octets.len() as u32;
        self.octets.push(key.len() as u8);
        self.octets.extend_from_slice(key);
        at
    }

    /// Encodes one RRset; `node_of` finds the zone's node for a name in lower case.
    ///
    /// # Errors
    /// [`TooLarge`] above [`RRSET_MAX`] octets.
    pub fn encode(&mut self, source: Source<'_>, node_of: &dyn Fn(&[u8]) -> Option<Link>) -> Result<RrsetRef, TooLarge> {
        let mut encoded = Encoded::default();
        for rdata in source.rdata.iter() {
            encoded.put_record(&source, rdata, node_of);
        }
        match encoded.records.len() {
            found if found > RRSET_MAX => Err(TooLarge { found }),
            _ => Ok(self.append(&encoded)),
        }
    }

    fn append(&mut self, encoded: &Encoded) -> RrsetRef {
        let links: Vec<(u16, u32)> = encoded
            .links
            .iter()
            .map(|(name_at, link)| match link {
                Link::Node(node) => (*name_at, *node),
                Link::Far(key) => (*name_at, self.put_key(key)),
            })
            .collect();
        let at = u32::try_from(self.octets.len()).expect("a zone of 4 GiB of records does not fit one arena");
        let starts_flag = if encoded.has_one_stride() { 0 } else { STARTS_FLAG };
        let flagged = links.len() as u16 | starts_flag;
        for number in [encoded.starts.len() as u16, encoded.records.len() as u16, encoded.pointers.len() as u16, flagged] {
            self.octets.extend_from_slice(&number.to_be_bytes());
        }
        self.octets.extend_from_slice(&encoded.records);
        let starts = if starts_flag == 0 { &[][..] } else { &encoded.starts };
        for number in starts.iter().chain(&encoded.pointers) {
            self.octets.extend_from_slice(&number.to_be_bytes());
        }
        for (name_at, node) in &links {
            self.octets.extend_from_slice(&name_at.to_be_bytes());
            self.octets.extend_from_slice(&node.to_be_bytes());
        }
        RrsetRef(self.part | at)
    }

    /// The arena as its zone keeps it.
    pub fn finish(self) -> Box<[u8]> {
        self.octets.into()
    }
}

/// One RRset on its way into the arena.
#[derive(Default)]
struct Encoded {
    records: Vec<u8>,
    starts: Vec<u16>,
    pointers: Vec<u16>,
    links: Vec<(u16, Link)>,
}

impl Encoded {
    fn put_record(&mut self, source: &Source<'_>, rdata: &[u8], node_of: &dyn Fn(&[u8]) -> Option<Link>) {
        self.starts.push(self.records.len() as u16);
        self.records.extend_from_slice(&[0xc0, HEADER_LEN as u8]);
        self.records.extend_from_slice(&source.rtype.0.to_be_bytes());
        self.records.extend_from_slice(&Class::IN.0.to_be_bytes());
        self.records.extend_from_slice(&source.ttl.secs().to_be_bytes());
        let len_at = self.records.len();
        self.records.extend_from_slice(&[0, 0]);
        self.put_rdata(source, rdata, node_of);
        let len = (self.records.len() - len_at - 2) as u16;
        self.records[len_at..len_at + 2].copy_from_slice(&len.to_be_bytes());
    }

    fn put_rdata(&mut self, source: &Source<'_>, rdata: &[u8], node_of: &dyn Fn(&[u8]) -> Option<Link>) {
        let Some(names) = embedded(source.rtype) else { return self.records.extend_from_slice(rdata) };
        let mut copied = 0;
        for range in names.names(rdata) {
            self.records.extend_from_slice(&rdata[copied..range.start]);
            copied = range.end;
            let name = &rdata[range];
            if names.additional {
                self.link(&name.to_ascii_lowercase(), node_of);
            }
            match shared_suffix(name, source.owner).filter(|_| names.compressible && source.compress) {
                Some((own, owner_at)) => {
                    self.records.extend_from_slice(&name[..own]);
                    self.pointers.push(self.records.len() as u16);
                    self.records.extend_from_slice(&(0xc000 | (HEADER_LEN + owner_at) as u16).to_be_bytes());
                }
                None => self.records.extend_from_slice(name),
            }
        }
        self.records.extend_from_slice(&rdata[copied..]);
    }

    fn link(&mut self, name: &[u8], node_of: &dyn Fn(&[u8]) -> Option<Link>) {
        let Some(link) = node_of(name) else { return };
        if !self.links.iter().any(|(_, linked)| *linked == link) {
            self.links.push((self.records.len() as u16, link));
        }
    }

    fn has_one_stride(&self) -> bool {
        let stride = self.records.len() / self.starts.len().max(1);
        self.starts.iter().enumerate().all(|(at, start)| usize::from(*start) == at * stride)
    }
}

/// The longest whole-label suffix that `name` shares with `owner`: octets of `name` before it, and where it begins in
/// `owner`. The root is not worth a pointer, and the asterisk of a wildcard is not in the question.
fn shared_suffix(name: &[u8], owner: &Name) -> Option<(usize, usize)> {
    let owner = owner.as_wire();
    let skip_asterisk = usize::from(owner.starts_with(&[1, b'*']));
    label_starts(name).find_map(|own| {
        let suffix = &name[own..];
        label_starts(owner)
            .skip(skip_asterisk)
            .find(|&at| owner[at..].eq_ignore_ascii_case(suffix))
            .map(|owner_at| (own, owner_at))
    })
}

impl RrsetRef {
    /// With the part in its high bits.
    #[inline]
    pub(super) fn number(self) -> u32 {
        self.0
    }
}

impl<'z> Rrset<'z> {
    /// The RRset at `at` in the octets of an arena.
    #[inline]
    pub fn read(octets: &'z [u8], at: usize) -> Self {
        let (header, rest) = octets[at..].split_first_chunk::<HEADER>().expect("an RRset begins with its header");
        let number = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let (records, behind) = rest.split_at(usize::from(number(2)));
        Self { records, behind, count: number(0), pointers: number(4), links: number(6) }
    }

    /// How many RRs.
    #[inline]
    pub fn count(&self) -> u16 {
        self.count
    }

    /// Octets of the starts: two for each RR, none when all have one length.
    #[inline]
    fn starts_len(&self) -> usize {
        if self.links & STARTS_FLAG == 0 { 0 } else { usize::from(self.count) * 2 }
    }

    /// Where RR number `at` begins in [`Rrset::records`].
    #[inline]
    pub fn start(&self, at: u16) -> usize {
        match (at, self.starts_len()) {
            (0, _) => 0,
            (_, 0) => self.records.len() / usize::from(self.count) * usize::from(at),
            _ => usize::from(read_u16(self.behind, usize::from(at) * 2)),
        }
    }

    /// Where the compression pointers of the rdata lie in [`Rrset::records`].
    #[inline]
    pub fn pointers(&self) -> impl Iterator<Item = usize> + use<'z> {
        let pointers = &self.behind[self.starts_len()..][..usize::from(self.pointers) * 2];
        pointers.chunks_exact(2).map(|pointer| usize::from(read_u16(pointer, 0)))
    }

    /// Whether the additional section wants anything.
    #[inline]
    pub fn has_links(&self) -> bool {
        self.links & !STARTS_FLAG != 0
    }

    /// What the additional section wants: where the name lies in [`Rrset::records`], and the node of that name.
    #[inline]
    pub fn links(&self) -> impl Iterator<Item = (usize, u32)> + use<'z> {
        let links = &self.behind[self.starts_len() + usize::from(self.pointers) * 2..];
        let links = &links[..usize::from(self.links & !STARTS_FLAG) * LINK];
        links.chunks_exact(LINK).map(|link| {
            let node = u32::from_be_bytes([link[2], link[3], link[4], link[5]]);
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
        RecordType(read_u16(self.records, 2))
    }

    /// The rdata of the first RR.
    pub fn first_rdata(&self) -> &'z [u8] {
        let len = usize::from(read_u16(self.records, RR_FIXED - 2));
        &self.records[RR_FIXED..RR_FIXED + len]
    }
}

#[inline]
fn read_u16(octets: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([octets[at], octets[at + 1]])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(owner: &str, rtype: RecordType, rdata: &[&[u8]], then: impl Fn(Rrset<'_>)) {
        let mut arena = Arena::default();
        let owner = Name::parse(owner, None).expect("the test's names are valid");
        let rdata = RdataList::new(rdata);
        let source = Source { owner: &owner, rtype, ttl: Ttl::new(60).expect("in range"), rdata: &rdata, compress: true };
        let at = arena.encode(source, &|name| (name == b"\x01m\x01x\x00").then_some(Link::Node(7))).expect("small");
        then(Rrset::read(&arena.finish(), at.0 as usize));
    }

    #[test]
    fn addresses_lie_at_one_stride() {
        encode("x.", RecordType::A, &[&[1, 2, 3, 4], &[5, 6, 7, 8]], |rrset| {
            assert_eq!(rrset.records[..16], [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 1, 2, 3, 4]);
            assert_eq!((rrset.count(), rrset.start(1), rrset.ttl_secs()), (2, 16, 60));
        });
    }

    #[test]
    fn names_are_compressed_against_the_owner_and_linked_to_their_nodes() {
        encode("a.X.", RecordType::MX, &[b"\x00\x0a\x01M\x01x\x00", b"\x00\x14\x02mm\x01y\x00"], |rrset| {
            assert_eq!(rrset.records[12..18], [0, 10, 1, b'M', 0xc0, 14]);
            assert_eq!(rrset.pointers().collect::<Vec<_>>(), [16]);
            assert_eq!(rrset.links().collect::<Vec<_>>(), [(14, 7)]);
            assert_eq!(rrset.start(1), 18);
        });
    }

    #[test]
    fn nothing_points_at_the_asterisk_of_a_wildcard() {
        encode("*.x.", RecordType::CNAME, &[b"\x01*\x01x\x00"], |rrset| {
            assert_eq!(rrset.records[12..], [1, b'*', 0xc0, 14]);
        });
    }
}
