//! CIDR collections: named locations, each of some blocks of addresses.
//!
//! Knows no record: which members a location leads to is `map`'s to know. Invariant: no block belongs to two locations,
//! host bits are 0, and IPv4 blocks are /1 to /24, IPv6 blocks /1 to /48.
//! Source: Route 53 API reference, `CidrCollection` and `CidrBlock`; developer guide, "IP-based routing".

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use ipnet::IpNet;

use crate::ids::LocationName;

/// A collection: blocks and the location each belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CidrCollection {
    blocks: BTreeMap<IpNet, LocationName>,
}

/// A block that a collection cannot have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidBlock {
    pub block: IpNet,
    pub location: LocationName,
    pub why: WhyInvalid,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyInvalid {
    /// Bits beyond the prefix are set.
    HostBits,
    /// The prefix is longer than Route 53 accepts, or 0.
    PrefixLen,
    /// Another location has the block.
    InLocation(LocationName),
}

/// The longest prefixes that Route 53 accepts.
const V4_LEN_MAX: u8 = 24;
const V6_LEN_MAX: u8 = 48;

impl CidrCollection {
    /// The collection of these blocks; one that is given twice for one location counts once.
    ///
    /// # Errors
    /// Every block that cannot be in it, in the order given.
    pub fn new(blocks: impl IntoIterator<Item = (IpNet, LocationName)>) -> Result<Self, Vec<InvalidBlock>> {
        let mut collection = Self::default();
        let mut invalid = Vec::new();
        for (block, location) in blocks {
            if let Err(why) = collection.put(block, &location) {
                invalid.push(InvalidBlock { block, location, why });
            }
        }
        if invalid.is_empty() { Ok(collection) } else { Err(invalid) }
    }

    /// Blocks and their locations, by address and then from the widest.
    pub fn blocks(&self) -> impl ExactSizeIterator<Item = (&IpNet, &LocationName)> + Clone {
        self.blocks.iter()
    }

    /// Whether a location has a block.
    pub fn has_location(&self, name: &LocationName) -> bool {
        self.blocks.values().any(|location| location == name)
    }

    fn put(&mut self, block: IpNet, location: &LocationName) -> Result<(), WhyInvalid> {
        if block != block.trunc() {
            return Err(WhyInvalid::HostBits);
        }
        if !(1..=len_max(block)).contains(&block.prefix_len()) {
            return Err(WhyInvalid::PrefixLen);
        }
        match self.blocks.entry(block) {
            Entry::Vacant(vacant) => {
                vacant.insert(location.clone());
                Ok(())
            }
            Entry::Occupied(occupied) if occupied.get() == location => Ok(()),
            Entry::Occupied(occupied) => Err(WhyInvalid::InLocation(occupied.get().clone())),
        }
    }
}

fn len_max(block: IpNet) -> u8 {
    if block.addr().is_ipv4() { V4_LEN_MAX } else { V6_LEN_MAX }
}

impl InvalidBlock {
    /// What would be accepted.
    pub fn accepted(&self) -> String {
        match &self.why {
            WhyInvalid::HostBits => format!("{} has no bits set beyond its prefix", self.block.trunc()),
            WhyInvalid::PrefixLen if self.block.prefix_len() == 0 => {
                "a prefix of 1 or more bits; clients that no block holds get the member of the location *".to_owned()
            }
            WhyInvalid::PrefixLen => format!("/1 to /{} are accepted for this family", len_max(self.block)),
            WhyInvalid::InLocation(_) => "a block belongs to one location of its collection".to_owned(),
        }
    }
}

/// `block 192.0.2.1/24 of location fra has bits set beyond its prefix`
impl fmt::Display for InvalidBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "block {} of location {} ", self.block, self.location)?;
        match &self.why {
            WhyInvalid::HostBits => f.write_str("has bits set beyond its prefix"),
            WhyInvalid::PrefixLen if self.block.prefix_len() == 0 => f.write_str("is everyone"),
            WhyInvalid::PrefixLen => write!(f, "is longer than /{}", len_max(self.block)),
            WhyInvalid::InLocation(other) => write!(f, "is in location {other} already"),
        }
    }
}

impl std::error::Error for InvalidBlock {}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(blocks: &[(&str, &str)]) -> Result<CidrCollection, Vec<InvalidBlock>> {
        CidrCollection::new(
            blocks
                .iter()
                .map(|(block, location)| (block.parse().expect("a block"), LocationName::new(location).expect("a name"))),
        )
    }

    #[test]
    fn every_invalid_block_is_told_with_what_would_be_accepted() {
        let blocks = [
            ("192.0.2.1/24", "fra"),
            ("192.0.2.0/25", "fra"),
            ("2001:db8::/49", "fra"),
            ("0.0.0.0/0", "fra"),
            ("::/0", "fra"),
            ("192.0.2.0/24", "fra"),
            ("192.0.2.0/24", "ams"),
        ];
        let told: Vec<String> = read(&blocks)
            .expect_err("most are invalid")
            .iter()
            .map(|invalid| format!("{invalid} ({})", invalid.accepted()))
            .collect();
        let everyone = "a prefix of 1 or more bits; clients that no block holds get the member of the location *";
        assert_eq!(
            told,
            [
                "block 192.0.2.1/24 of location fra has bits set beyond its prefix (192.0.2.0/24 has no bits set beyond its prefix)",
                "block 192.0.2.0/25 of location fra is longer than /24 (/1 to /24 are accepted for this family)",
                "block 2001:db8::/49 of location fra is longer than /48 (/1 to /48 are accepted for this family)",
                &format!("block 0.0.0.0/0 of location fra is everyone ({everyone})"),
                &format!("block ::/0 of location fra is everyone ({everyone})"),
                "block 192.0.2.0/24 of location ams is in location fra already (a block belongs to one location of its collection)",
            ]
        );
    }

    #[test]
    fn blocks_may_lie_in_each_other_and_come_twice() {
        let blocks =
            [("10.0.0.0/8", "a"), ("10.1.0.0/16", "b"), ("128.0.0.0/1", "a"), ("2001:db8::/48", "a"), ("10.0.0.0/8", "a")];
        let collection = read(&blocks).expect("all are valid");
        assert_eq!(collection.blocks().len(), 4);
        assert!(collection.has_location(&LocationName::new("b").expect("a name")));
        assert!(!collection.has_location(&LocationName::new("c").expect("a name")));
    }
}
