//! What a change of a CIDR collection makes of its blocks.
//!
//! Knows no account. Changes are made in their order and judged by what comes of them, so a block can move from one
//! location to another in one request, whichever is said first. Invariant: blocks are networks, each in one location,
//! and a location has at least one. Source: Route 53 API 2013-04-01, ChangeCidrCollection; developer guide, "IP-based
//! routing".

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::error::ApiError;
use super::value::Struct;
use crate::ids::LocationName;
use crate::places::cidr::CidrCollection;

/// Each location's blocks, by address.
pub type Locations = BTreeMap<String, Vec<String>>;

/// The locations after these changes, each a `CidrCollectionChange`.
///
/// # Errors
/// `InvalidInput` for blocks that are none, `CidrBlockInUseException` for one that would be in two locations. The words
/// are waypost's own.
pub fn changed<'s>(before: &Locations, changes: impl Iterator<Item = &'s Struct>) -> Result<Locations, ApiError> {
    let mut held = held(before);
    for change in changes {
        let location = change.word("LocationName");
        for block in change.texts("CidrList") {
            let block = parse_block(block, location)?;
            match change.word("Action") {
                "PUT" => drop(held.entry(block).or_default().insert(location)),
                _ => {
                    held.get_mut(&block).map(|locations| locations.remove(location));
                }
            }
        }
    }
    let mut after = Locations::new();
    for (block, locations) in held {
        if let [one, other, ..] = *locations.iter().copied().collect::<Vec<_>>() {
            let message = format!("The CIDR block {block} is already in use: it would be in the locations {one} and {other}.");
            return Err(ApiError::new("CidrBlockInUseException", 400, message));
        }
        for location in locations {
            after.entry(location.to_owned()).or_default().push(block.to_string());
        }
    }
    Ok(after)
}

/// Which location each block is in.
fn held(locations: &Locations) -> BTreeMap<IpNet, BTreeSet<&str>> {
    let mut held: BTreeMap<IpNet, BTreeSet<&str>> = BTreeMap::new();
    for (location, blocks) in locations {
        for block in blocks.iter().filter_map(|block| block.parse().ok()) {
            held.entry(block).or_default().insert(location);
        }
    }
    held
}

/// A block as its network: bits beyond the prefix are cleared.
fn parse_block(text: &str, location: &str) -> Result<IpNet, ApiError> {
    let none = || ApiError::invalid_input(format!("The CIDR block {text} is not valid: an address, a slash and a length are."));
    let block = text.trim().parse::<IpNet>().map_err(|_| none())?.trunc();
    let location = LocationName::new(location).map_err(|error| ApiError::invalid_input(error.to_string()))?;
    match CidrCollection::new([(block, location)]) {
        Ok(_) => Ok(block),
        Err(invalid) => {
            let accepted = invalid.first().map(|invalid| invalid.accepted()).unwrap_or_default();
            Err(ApiError::invalid_input(format!("The CIDR block {text} is not valid: {accepted}.")))
        }
    }
}
