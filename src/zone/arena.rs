//! The octets of a part of a zone while it is compiled: RRsets encoded one behind the other, and nodes between them.
//!
//! Knows no zone: whoever encodes an RRset tells what its names lead to. `rrset` and `node` say how what is written here
//! lies. Invariant: what has a number begins a unit.
//! Sources: RFC 1035 §4.1.3 and §4.1.4, RFC 2181 §5, RFC 3597 §4.

use super::embedded::embedded;
use super::record_set::{RdataList, Ttl};
use super::rrset::{BEHIND_FLAG, COUNT, HEADER, Header, LINKS_FLAG, RR_FIXED, RrsetRef, STARTS_FLAG, TTL_AT, UNIT};
use super::tree::FAR;
use crate::wire::name::Name;
use crate::wire::qname::label_starts;
use crate::wire::rtype::{Class, RecordType};
use crate::wire::{HEADER_LEN, MESSAGE_MAX};

/// The octets of one part of a zone while it is compiled.
#[derive(Debug, Default)]
pub struct Arena {
    octets: Vec<u8>,
    /// The part of the zone that they are in, in the high bits.
    part: u32,
    /// Where the numbers of linked nodes lie.
    linked: Vec<usize>,
    /// Of the RRset being encoded.
    behind: Behind,
}

/// What goes behind the RRs of an RRset.
#[derive(Debug, Default)]
struct Behind {
    starts: Vec<u16>,
    pointers: Vec<u16>,
    links: Vec<(u16, Link)>,
}

/// Where the additional section finds a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// The node of the name.
    Node(u32),
    /// The key of a name that is in another part of the zone.
    Far(Box<[u8]>),
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
impl Arena {
    /// The arena of a part, whose number is in the high bits of `part`.
    pub(super) fn of_part(part: u32) -> Self {
        Self { part, ..Self::default() }
    }

    /// Appends octets.
    pub(super) fn put(&mut self, octets: &[u8]) {
        self.octets.extend_from_slice(octets);
    }

    /// Fills the unit up.
    pub(super) fn pad(&mut self) {
        self.octets.resize(self.octets.len().next_multiple_of(UNIT), 0);
    }

    /// The number of what is put next, with the part.
    pub(super) fn number(&self) -> u32 {
        let number = u32::try_from(self.octets.len() / UNIT).expect("a zone of 16 GiB of records does not fit one arena");
        number | self.part
    }

    /// Keeps the key of a far name, and says where.
    pub(super) fn put_key(&mut self, key: &[u8]) -> u32 {
        let number = FAR | self.number();
        self.octets.push(key.len() as u8);
        self.octets.extend_from_slice(key);
        self.pad();
        number
    }

    /// Encodes one RRset; `node_of` finds the zone's node for a name in lower case.
    ///
    /// # Errors
    /// [`TooLarge`] above [`RRSET_MAX`] octets.
    pub fn encode(&mut self, source: Source<'_>, node_of: &dyn Fn(&[u8]) -> Option<Link>) -> Result<RrsetRef, TooLarge> {
        let number = self.number();
        let at = self.octets.len();
        let records_at = at + HEADER;
        self.octets.resize(records_at, 0);
        self.behind.clear();
        for rdata in source.rdata.iter() {
            self.behind.starts.push((self.octets.len() - records_at) as u16);
            self.put_record(&source, rdata, records_at, node_of);
        }
        let records_len = self.octets.len() - records_at;
        if records_len > RRSET_MAX {
            self.octets.truncate(at);
            return Err(TooLarge { found: records_len });
        }
        let counted = self.put_behind(records_len);
        self.pad();
        let header = Header::of_rrset(source.rtype, counted, records_len, self.octets.len() - at);
        self.octets[at..records_at].copy_from_slice(&header.to_octets());
        Ok(RrsetRef::of(number))
    }

    fn put_record(&mut self, source: &Source<'_>, rdata: &[u8], records_at: usize, node_of: &dyn Fn(&[u8]) -> Option<Link>) {
        let mut fixed = [0xc0, HEADER_LEN as u8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        fixed[2..4].copy_from_slice(&source.rtype.0.to_be_bytes());
        fixed[4..6].copy_from_slice(&Class::IN.0.to_be_bytes());
        fixed[TTL_AT..RR_FIXED - 2].copy_from_slice(&source.ttl.secs().to_be_bytes());
        self.octets.extend_from_slice(&fixed);
        let rdata_at = self.octets.len();
        self.put_rdata(source, rdata, records_at, node_of);
        let len = (self.octets.len() - rdata_at) as u16;
        self.octets[rdata_at - 2..rdata_at].copy_from_slice(&len.to_be_bytes());
    }

    fn put_rdata(&mut self, source: &Source<'_>, rdata: &[u8], records_at: usize, node_of: &dyn Fn(&[u8]) -> Option<Link>) {
        let Some(names) = embedded(source.rtype) else { return self.octets.extend_from_slice(rdata) };
        let mut copied = 0;
        for range in names.names(rdata) {
            self.octets.extend_from_slice(&rdata[copied..range.start]);
            copied = range.end;
            let name = &rdata[range];
            if names.additional {
                let link = node_of(&name.to_ascii_lowercase());
                self.behind.link((self.octets.len() - records_at) as u16, link);
            }
            match shared_suffix(name, source.owner).filter(|_| names.compressible && source.compress) {
                Some((own, owner_at)) => {
                    self.octets.extend_from_slice(&name[..own]);
                    self.behind.pointers.push((self.octets.len() - records_at) as u16);
                    self.octets.extend_from_slice(&(0xc000 | (HEADER_LEN + owner_at) as u16).to_be_bytes());
                }
                None => self.octets.extend_from_slice(name),
            }
        }
        self.octets.extend_from_slice(&rdata[copied..]);
    }

    /// Puts what goes behind the RRs, and gives their count with its flags.
    fn put_behind(&mut self, records_len: usize) -> u16 {
        let Behind { starts, pointers, links } = std::mem::take(&mut self.behind);
        let has_starts = !is_one_stride(&starts, records_len);
        let flag = |flag, is_set: bool| if is_set { flag } else { 0 };
        let has_any = has_starts || !pointers.is_empty() || !links.is_empty();
        if has_any {
            for number in [pointers.len() as u16, links.len() as u16] {
                self.octets.extend_from_slice(&number.to_le_bytes());
            }
            let own_starts = if has_starts { &starts[..] } else { &[] };
            for number in own_starts.iter().chain(&pointers) {
                self.octets.extend_from_slice(&number.to_le_bytes());
            }
            self.put_links(&links);
        }
        let counted = starts.len() as u16 & COUNT
            | flag(LINKS_FLAG, !links.is_empty())
            | flag(STARTS_FLAG, has_starts)
            | flag(BEHIND_FLAG, has_any);
        self.behind = Behind { starts, pointers, links };
        counted
    }

    /// Puts the links, and behind them the names that are in other parts.
    fn put_links(&mut self, links: &[(u16, Link)]) {
        let mut nodes_at = Vec::with_capacity(links.len());
        for (name_at, link) in links {
            self.octets.extend_from_slice(&name_at.to_le_bytes());
            nodes_at.push(self.octets.len());
            let number = if let Link::Node(node) = link { *node } else { 0 };
            self.octets.extend_from_slice(&number.to_le_bytes());
        }
        for ((_, link), node_at) in links.iter().zip(nodes_at) {
            match link {
                Link::Node(_) => self.linked.push(node_at),
                Link::Far(key) => {
                    self.pad();
                    let number = self.put_key(key);
                    self.octets[node_at..node_at + 4].copy_from_slice(&number.to_le_bytes());
                }
            }
        }
    }

    /// The octets; `number_of` says what nodes are called that were called otherwise when they were linked.
    pub(super) fn finish_with(mut self, number_of: impl Fn(u32) -> u32) -> Vec<u8> {
        for at in self.linked {
            let linked = self.octets[at..].first_chunk_mut().expect("a link was written there");
            *linked = number_of(u32::from_le_bytes(*linked)).to_le_bytes();
        }
        self.octets
    }

    /// The octets, where nodes are called what they were called when they were linked.
    pub fn finish(self) -> Box<[u8]> {
        self.octets.into()
    }
}

impl Behind {
    fn clear(&mut self) {
        self.starts.clear();
        self.pointers.clear();
        self.links.clear();
    }

    /// Adds a link, if there is one, each node's once.
    fn link(&mut self, name_at: u16, link: Option<Link>) {
        let is_new = |link: &Link| self.links.iter().all(|(_, linked)| linked != link);
        if let Some(link) = link.filter(is_new) {
            self.links.push((name_at, link));
        }
    }
}

/// Whether RRs that begin at these places of so many octets all have one length.
fn is_one_stride(starts: &[u16], records_len: usize) -> bool {
    let stride = records_len / starts.len().max(1);
    stride * starts.len() == records_len && starts.iter().enumerate().all(|(at, start)| usize::from(*start) == at * stride)
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

#[cfg(test)]
mod tests {
    use super::super::rrset::Rrset;
    use super::*;

    fn encode(owner: &str, rtype: RecordType, rdata: &[&[u8]], then: impl Fn(Rrset<'_>)) {
        let mut arena = Arena::default();
        let owner = Name::parse(owner, None).expect("the test's names are valid");
        let rdata = RdataList::new(rdata);
        let source = Source { owner: &owner, rtype, ttl: Ttl::new(60).expect("in range"), rdata: &rdata, compress: true };
        let at = arena.encode(source, &|name| (name == b"\x01m\x01x\x00").then_some(Link::Node(7))).expect("small");
        then(Rrset::read(&arena.finish(), at.number() as usize));
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
