//! What an alias of a name outside its zone answers with: that name, and what is known of it just now.
//!
//! Resolves nothing and reads no clock: who does publishes a new table whenever an answer changes or ages, so the TTLs
//! and ages in here are those of the moment it was published. Invariants: one [`Known`] for each [`ExternalIndex`] that
//! the snapshot's zones hold; addresses are of the target's type, each once, and fit into a message.
//! Sources: Route 53 API reference, `AliasTarget`; RFC 8767 §4 for what is stale. Names elsewhere are waypost's own:
//! Route 53 has its own load balancers only.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;

use super::arena::{Arena, Source};
use super::record_set::{RdataList, Ttl};
use super::rrset::{Rrset, RrsetRef};
use crate::ids::ExternalIndex;
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;

/// A name outside the zone of the aliases that lead to it, and the type that is asked of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExternalTarget {
    pub name: Name,
    /// A or AAAA.
    pub rtype: RecordType,
}

/// What is known of one external target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// There was no answer yet, or the last has become too old to be given.
    Unresolved {
        because: Arc<str>,
    },
    Addresses(Resolved),
    /// Those who know say that there is no address: the name does not exist, or not with this type.
    Nothing {
        exists: bool,
        at: Timestamp,
        age_secs: u64,
    },
}

/// Addresses, and how good they still are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    pub addresses: Arc<Addresses>,
    /// What an answer made now says.
    pub ttl_secs: u32,
    pub at: Timestamp,
    pub age_secs: u64,
    /// Why they were not replaced or confirmed when their TTL was over; none as long as they are fresh.
    pub stale: Option<Arc<str>>,
}

/// The addresses of one target, ready to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Addresses {
    octets: Box<[u8]>,
    rrset: RrsetRef,
    /// Ascending.
    list: Box<[IpAddr]>,
}

/// What is known of every external target of one snapshot.
#[derive(Clone, Debug, Default)]
pub struct Externals {
    targets: Arc<[ExternalTarget]>,
    known: Box<[Known]>,
}

impl ExternalTarget {
    /// Whether aliases of this type may lead out of their zone: what is resolved are addresses.
    pub fn is_type(rtype: RecordType) -> bool {
        [RecordType::A, RecordType::AAAA].contains(&rtype)
    }
}

impl Known {
    /// What is known before the first answer.
    pub fn not_yet() -> Self {
        Self::Unresolved { because: "it has not been resolved yet".into() }
    }

    pub fn addresses(&self) -> Option<&Resolved> {
        match self {
            Self::Addresses(resolved) => Some(resolved),
            Self::Unresolved { .. } | Self::Nothing { .. } => None,
        }
    }

    /// When those who know were reached.
    pub fn resolved_at(&self) -> Option<Timestamp> {
        match self {
            Self::Unresolved { .. } => None,
            Self::Addresses(Resolved { at, .. }) | Self::Nothing { at, .. } => Some(*at),
        }
    }
}

impl Addresses {
    /// Those of `found` that are of type `rtype`, each once, and no more than [`ADDRESSES_MAX`]; none if none are.
    pub fn new(rtype: RecordType, found: impl IntoIterator<Item = IpAddr>) -> Option<Self> {
        let mut list: Vec<IpAddr> = found.into_iter().filter(|address| type_of(*address) == rtype).collect();
        list.sort_unstable();
        list.dedup();
        // The smallest, so that one answer in another order is the same answer.
        list.truncate(ADDRESSES_MAX);
        if list.is_empty() {
            return None;
        }
        let rdata = RdataList::new(list.iter().map(|address| match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        }));
        let mut arena = Arena::default();
        // Each answer says its own TTL, and rdata without names needs no owner to be compressed against.
        let source = Source { owner: &Name::root(), rtype, ttl: Ttl::default(), rdata: &rdata, compress: false };
        let rrset = arena.encode(source, &|_| None).expect("ADDRESSES_MAX records are far from the limit of a message");
        Some(Self { octets: arena.finish(), rrset, list: list.into() })
    }

    /// The RRset, to be given with the TTL beside it.
    pub fn rrset(&self) -> Rrset<'_> {
        Rrset::read(&self.octets, self.rrset.number() as usize)
    }

    /// Each address, ascending.
    pub fn list(&self) -> &[IpAddr] {
        &self.list
    }
}

fn type_of(address: IpAddr) -> RecordType {
    if address.is_ipv4() { RecordType::A } else { RecordType::AAAA }
}

/// The longest TTL of an answer, so that a target that moves is followed within a minute or two.
pub const TTL_MAX_SECS: u32 = 60;
/// The most addresses taken of one answer: more than any load balancer gives, and far below what a message can hold.
pub const ADDRESSES_MAX: usize = 64;

impl Externals {
    /// Nothing is known yet of `targets`, whose order gives each its index.
    pub fn unresolved(targets: Arc<[ExternalTarget]>) -> Self {
        let known = targets.iter().map(|_| Known::not_yet()).collect();
        Self { targets, known }
    }

    /// The same targets with what `know` says of each.
    pub fn with(&self, mut know: impl FnMut(ExternalIndex, &ExternalTarget) -> Known) -> Self {
        let targets = self.targets.iter().enumerate();
        let known = targets.map(|(at, target)| know(ExternalIndex(at as u32), target)).collect();
        Self { targets: self.targets.clone(), known }
    }

    pub fn targets(&self) -> &Arc<[ExternalTarget]> {
        &self.targets
    }

    pub fn target(&self, index: ExternalIndex) -> &ExternalTarget {
        &self.targets[index.0 as usize]
    }

    #[inline]
    pub fn known(&self, index: ExternalIndex) -> &Known {
        &self.known[index.0 as usize]
    }

    /// Whether an alias of this target has an address to answer with.
    #[inline]
    pub fn has_address(&self, index: ExternalIndex) -> bool {
        matches!(self.known(index), Known::Addresses(_))
    }

    /// The place of a target.
    pub fn index(&self, name: &Name, rtype: RecordType) -> Option<ExternalIndex> {
        let found = self.targets.binary_search_by(|target| (&target.name, target.rtype).cmp(&(name, rtype)));
        found.ok().map(|at| ExternalIndex(at as u32))
    }

    /// Every target with what is known of it, by index.
    pub fn iter(&self) -> impl Iterator<Item = (&ExternalTarget, &Known)> {
        self.targets.iter().zip(&self.known)
    }
}

/// `lb.example.net. A`
impl fmt::Display for ExternalTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.rtype)
    }
}

impl fmt::Debug for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.list).finish()
    }
}

/// `192.0.2.1, 192.0.2.2`, and how many more where there are many.
impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<String> = self.list.iter().take(SHOWN_MAX).map(IpAddr::to_string).collect();
        f.write_str(&shown.join(", "))?;
        match self.list.len().saturating_sub(SHOWN_MAX) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// Addresses that fit into a sentence.
const SHOWN_MAX: usize = 8;

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unresolved { because } => write!(f, "no address is known: {because}"),
            Self::Addresses(Resolved { addresses, at, age_secs, stale, .. }) => {
                write!(f, "{addresses}, resolved at {at:.0}, {age_secs} s ago")?;
                stale.as_ref().map_or(Ok(()), |because| write!(f, "; stale: {because}"))
            }
            Self::Nothing { exists, at, age_secs } => {
                let what = if *exists { "it has none" } else { "it does not exist" };
                write!(f, "{what}, as resolved at {at:.0}, {age_secs} s ago")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(rtype: RecordType, found: &[&str]) -> Option<Addresses> {
        Addresses::new(rtype, found.iter().map(|address| address.parse().unwrap()))
    }

    #[test]
    fn addresses_are_those_of_the_type_each_once_whatever_their_order() {
        let found = ["192.0.2.2", "2001:db8::1", "192.0.2.1", "192.0.2.2"];
        let a = addresses(RecordType::A, &found).unwrap();
        assert_eq!((a.to_string(), a.rrset().count()), ("192.0.2.1, 192.0.2.2".to_owned(), 2));
        assert_eq!(addresses(RecordType::AAAA, &found).unwrap().to_string(), "2001:db8::1");
        assert_eq!(addresses(RecordType::A, &["192.0.2.1", "192.0.2.2"]), Some(a));
        assert_eq!(addresses(RecordType::A, &["2001:db8::1"]), None);
    }

    #[test]
    fn no_answer_is_too_long() {
        let many = |octets: u16| IpAddr::from([10, 0, (octets >> 8) as u8, octets as u8]);
        let found = Addresses::new(RecordType::A, (0..1_000).rev().map(many)).unwrap();
        assert_eq!(found.list().len(), ADDRESSES_MAX);
        assert_eq!(found.list()[63], many(63));
        assert_eq!(found.rrset().records.len(), 64 * 16);
        assert!(found.to_string().ends_with("10.0.0.7 and 56 more"), "{found}");
    }

    #[test]
    fn a_target_is_found_by_name_in_any_case_and_type() {
        let target = |name: &str, rtype| ExternalTarget { name: Name::parse(name, None).unwrap(), rtype };
        let mut targets = vec![
            target("lb.example.net.", RecordType::AAAA),
            target("lb.example.net.", RecordType::A),
            target("a.example.com.", RecordType::A),
        ];
        targets.sort();
        let externals = Externals::unresolved(targets.into());
        for (at, (target, known)) in externals.iter().enumerate() {
            let name = Name::parse(&target.name.to_string().to_uppercase(), None).unwrap();
            assert_eq!(externals.index(&name, target.rtype), Some(ExternalIndex(at as u32)));
            assert_eq!(known, &Known::not_yet());
        }
        assert_eq!(externals.index(&Name::root(), RecordType::A), None);
    }
}
