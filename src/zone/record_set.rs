//! Record sets: what one name answers for one type, as configured, whatever notation it came from.
//!
//! Plain data whose constructors refuse the invalid; knows nothing of health, clients or wire compression.
//! Invariant: a value that exists is within Route 53's limits for its field.
//! Source: Route 53 API reference, `ResourceRecordSet`.

use std::fmt;

use super::group::GroupPolicy;
use crate::geography::area::Area;
use crate::geography::coordinates::Coordinates;
use crate::geography::site::{Bias, Site};
use crate::ids::{CollectionId, HealthCheckId, LocationName, SetIdentifier};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;

/// One record set: Route 53's `ResourceRecordSet`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordSet {
    /// The owner name.
    pub name: Name,
    pub rtype: RecordType,
    /// Tells it from the other members of its record group; none exactly when the policy is simple.
    pub set_identifier: Option<SetIdentifier>,
    pub policy: RoutingPolicy,
    pub content: Content,
    pub health_check: Option<HealthCheckId>,
    /// Where what is answered stands, for fences: a country or a subdivision.
    pub place: Option<Area>,
    pub origin: Origin,
}

/// How one member takes part in its record group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoutingPolicy {
    Simple,
    Multivalue,
    Weighted(Weight),
    /// The tier: 0 is Route 53's PRIMARY, 1 its SECONDARY; waypost goes on from there.
    Failover(u16),
    /// Route 53's `Region`; coordinates serve where no latency is known.
    Latency(Box<Site>),
    /// The clients' area.
    Geolocation(Area),
    Geoproximity(Coordinates, Bias),
    IpBased(Box<CidrLocation>),
}

/// The clients of one location of a CIDR collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CidrLocation {
    pub collection: CollectionId,
    /// None is Route 53's `*`: clients that no other member is for.
    pub location: Option<LocationName>,
}

/// What a member answers with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Values { ttl: Ttl, rdata: RdataList },
    Alias(Box<Alias>),
}

/// Answers as another record set of the same zone and type does, or with the addresses of a name outside the zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    pub target: Name,
    /// Whether the target's health counts as the alias's own.
    pub evaluate_target_health: bool,
}

/// A weight within 0 to 255 (Route 53, `Weight`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight(u8);

/// Seconds within 0 to 2,147,483,647 (RFC 2181 §8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ttl(u32);

/// A number outside its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange {
    pub found: i64,
    pub max: i64,
}

/// The rdata of the records of one set, in wire form with names uncompressed, in the order written.
#[derive(Clone)]
pub struct RdataList(Listed);

/// Each rdata behind its length in two octets. Most lists are one address, which takes no memory of its own.
#[derive(Clone)]
enum Listed {
    Short { len: u8, octets: [u8; SHORT] },
    Long(Box<[u8]>),
}

/// As many as fit where a long list has its address and length.
const SHORT: usize = 22;

/// Where a record set was written: a file of its zone (by its place in [`HostedZone::files`]) and a line from 1.
///
/// [`HostedZone::files`]: super::hosted_zone::HostedZone
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    pub file: u16,
    pub line: u32,
}

impl RecordSet {
    /// One of policy simple that says nothing but its values, and is written nowhere.
    pub fn simple(name: Name, rtype: RecordType, ttl: Ttl, rdata: RdataList) -> Self {
        Self {
            name,
            rtype,
            set_identifier: None,
            policy: RoutingPolicy::Simple,
            content: Content::Values { ttl, rdata },
            health_check: None,
            place: None,
            origin: Origin::default(),
        }
    }

    /// What it answers whoever asks and whatever is healthy: the values of a record set of policy simple.
    pub fn plain(&self) -> Option<(Ttl, &RdataList)> {
        match (&self.policy, &self.content) {
            (RoutingPolicy::Simple, Content::Values { ttl, rdata }) => Some((*ttl, rdata)),
            _ => None,
        }
    }

    /// The alias that it is, if it leads out of the zone of this apex.
    pub fn external(&self, apex: &Name) -> Option<&Alias> {
        match &self.content {
            Content::Alias(alias) => Some(&**alias).filter(|alias| !alias.target.is_at_or_below(apex)),
            Content::Values { .. } => None,
        }
    }
}

impl RoutingPolicy {
    /// The policy that all members of a group share, without what this member says for itself.
    pub fn of_group(&self) -> GroupPolicy {
        match self {
            Self::Simple => GroupPolicy::Simple,
            Self::Multivalue => GroupPolicy::Multivalue,
            Self::Weighted(_) => GroupPolicy::Weighted,
            Self::Failover(_) => GroupPolicy::Failover,
            Self::Latency(_) => GroupPolicy::Latency,
            Self::Geolocation(_) => GroupPolicy::Geolocation,
            Self::Geoproximity(..) => GroupPolicy::Geoproximity,
            Self::IpBased(_) => GroupPolicy::IpBased,
        }
    }

    /// The policy's word, as in the files.
    pub fn word(&self) -> &'static str {
        self.of_group().word()
    }
}

impl Weight {
    /// # Errors
    /// [`OutOfRange`] outside 0 to 255.
    pub fn new(found: i64) -> Result<Self, OutOfRange> {
        u8::try_from(found).map(Self).map_err(|_| OutOfRange { found, max: u8::MAX.into() })
    }

    pub fn get(self) -> u8 {
        self.0
    }
}

impl Ttl {
    pub const MAX: u32 = i32::MAX as u32;
    /// Not to be kept.
    pub const ZERO: Self = Self(0);

    /// # Errors
    /// [`OutOfRange`] outside 0 to 2,147,483,647.
    pub fn new(found: i64) -> Result<Self, OutOfRange> {
        match u32::try_from(found) {
            Ok(secs) if secs <= Self::MAX => Ok(Self(secs)),
            _ => Err(OutOfRange { found, max: Self::MAX.into() }),
        }
    }

    /// The seconds.
    pub fn secs(self) -> u32 {
        self.0
    }
}

impl RdataList {
    /// The list of `rdata`; each at most 65,535 octets, which every reader of rdata ensures.
    pub fn new<R: AsRef<[u8]>>(rdata: impl IntoIterator<Item = R>) -> Self {
        let mut octets = Vec::new();
        rdata.into_iter().for_each(|one| put_listed(&mut octets, one.as_ref()));
        Self::of_listed(&octets)
    }

    /// The list of one rdata.
    pub(super) fn of_one(rdata: &[u8]) -> Self {
        if rdata.len() + 2 > SHORT {
            return Self::new([rdata]);
        }
        let mut octets = [0; SHORT];
        octets[1] = rdata.len() as u8;
        octets[2..][..rdata.len()].copy_from_slice(rdata);
        Self(Listed::Short { len: rdata.len() as u8 + 2, octets })
    }

    /// The list of what [`put_listed`] wrote.
    pub(super) fn of_listed(listed: &[u8]) -> Self {
        if listed.len() > SHORT {
            return Self(Listed::Long(listed.into()));
        }
        let mut octets = [0; SHORT];
        octets[..listed.len()].copy_from_slice(listed);
        Self(Listed::Short { len: listed.len() as u8, octets })
    }

    /// Each rdata behind its length, as [`put_listed`] writes them.
    pub(super) fn as_listed(&self) -> &[u8] {
        match &self.0 {
            Listed::Short { len, octets } => &octets[..usize::from(*len)],
            Listed::Long(octets) => octets,
        }
    }

    /// Each rdata in the order written.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> + Clone {
        let mut rest = self.as_listed();
        std::iter::from_fn(move || {
            let (len, tail) = rest.split_first_chunk::<2>()?;
            let (rdata, tail) = tail.split_at(u16::from_be_bytes(*len).into());
            rest = tail;
            Some(rdata)
        })
    }

    pub fn len(&self) -> usize {
        self.iter().count()
    }

    pub fn is_empty(&self) -> bool {
        self.as_listed().is_empty()
    }
}

/// Writes an rdata behind those of a list.
pub(super) fn put_listed(listed: &mut Vec<u8>, rdata: &[u8]) {
    let len = u16::try_from(rdata.len()).expect("readers of rdata refuse more than 65,535 octets");
    listed.extend_from_slice(&len.to_be_bytes());
    listed.extend_from_slice(rdata);
}

impl Default for RdataList {
    fn default() -> Self {
        Self::of_listed(&[])
    }
}

impl PartialEq for RdataList {
    fn eq(&self, other: &Self) -> bool {
        self.as_listed() == other.as_listed()
    }
}

impl Eq for RdataList {}

impl fmt::Debug for RdataList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not within 0-{}", self.found, self.max)
    }
}

impl std::error::Error for OutOfRange {}
