//! `[cidr.NAME]` tables: collections of blocks of addresses, by location.
//!
//! Reads one file's; that equal names mean equal collections over all files is `load`'s question.
//! Invariant: a collection that is read has at least one location, each location a block, and no block two locations.
//! Source: Route 53 API reference, `CidrCollection` (IPv4 /1 to /24, IPv6 /1 to /48).

use std::collections::BTreeMap;

use ipnet::IpNet;

use crate::ids::{CollectionId, LocationName};
use crate::places::cidr::CidrCollection;
use crate::problem::{Place, Problem};
use crate::toml_table::{Document, Span, Table, Value};

/// A collection that a file names, with its place; none inside when it could not be read.
pub(super) struct DefinedCollection {
    pub id: CollectionId,
    pub place: Place,
    pub collection: Option<CidrCollection>,
}

/// The `[cidr.NAME]` tables.
pub(super) fn read_collections(root: &mut Table<'_>) -> Vec<DefinedCollection> {
    let named = root.named_tables("cidr").into_iter();
    named
        .filter_map(|(name, span, table)| {
            let place = table.document().place(&span);
            let id = read_collection_id(name).map_err(|message| table.error(&message)).ok()?;
            Some(DefinedCollection { collection: read_collection(table), id, place })
        })
        .collect()
}

fn read_collection_id(name: &str) -> Result<CollectionId, String> {
    CollectionId::new(name).map_err(|error| format!("the name {error}"))
}

/// Reads the name of a location, as a member gives it.
pub(super) fn read_location_name(value: &Value<'_>) -> Option<LocationName> {
    LocationName::new(value.string()?).map_err(|error| value.error(format_args!("the name of a location {error}"))).ok()
}

/// Reads the name of a collection, as a route or record gives it.
pub(super) fn read_collection_name(value: &Value<'_>) -> Option<CollectionId> {
    read_collection_id(value.string()?).map_err(|message| value.error(message)).ok()
}

/// A block as it was written.
type Written = BTreeMap<IpNet, (LocationName, Span)>;

fn read_collection(table: Table<'_>) -> Option<CidrCollection> {
    let document = table.document();
    let mut blocks = Written::new();
    let mut is_right = true;
    let locations = table.entries();
    if locations.is_empty() {
        table.error("has no locations; such as berlin = [\"192.0.2.0/24\"]");
        return None;
    }
    for (name, span, value) in locations {
        match LocationName::new(name) {
            Ok(name) => is_right &= read_blocks(&name, &value, document, &mut blocks),
            Err(error) => {
                document.error(&span, format!("the name of the location {name:?} {error}"));
                is_right = false;
            }
        }
    }
    warn_of_covered(&blocks, document);
    let blocks = blocks.into_iter().map(|(block, (name, _))| (block, name));
    is_right.then(|| CidrCollection::new(blocks).expect("each block was checked as it was read (read_block)"))
}

/// Adds the blocks of one location; whether all of them were right.
fn read_blocks(location: &LocationName, value: &Value<'_>, document: &Document<'_>, blocks: &mut Written) -> bool {
    if value.is_empty_array() {
        value.wrong("the location has no blocks", "such as [\"192.0.2.0/24\", \"2001:db8::/40\"]");
        return false;
    }
    let items = value.items();
    let mut is_right = !items.is_empty();
    for item in items {
        let Some(block) = read_block(&item) else {
            is_right = false;
            continue;
        };
        if let Some((first, span)) = blocks.get(&block) {
            let line = document.line(span);
            item.error(format_args!("{block} is in the location {:?} already, on line {line}", first.as_str()));
            is_right = false;
        } else {
            blocks.insert(block, (location.clone(), item.span.clone()));
        }
    }
    is_right
}

fn read_block(item: &Value<'_>) -> Option<IpNet> {
    let written = item.string()?;
    let Ok(block) = written.parse::<IpNet>() else {
        item.wrong(format_args!("{written:?} is no block of addresses"), "such as 192.0.2.0/24 or 2001:db8::/40");
        return None;
    };
    let longest = if block.addr().is_ipv4() { 24 } else { 48 };
    if !(1..=longest).contains(&block.prefix_len()) {
        item.wrong(format_args!("{written}: the length is not within /1 to /{longest}"), "as Route 53 has it");
        return None;
    }
    if block.trunc() != block {
        item.wrong(format_args!("{written} has bits set behind its length"), format!("{}", block.trunc()));
        return None;
    }
    Some(block)
}

/// Warns of blocks that decide for nobody: the longest block decides, and longer ones of other locations are all of it.
fn warn_of_covered(blocks: &Written, document: &Document<'_>) {
    for (block, (location, span)) in blocks {
        let inside = inside(block, blocks);
        let size: u128 = inside.iter().map(|(block, _)| size(block)).sum();
        if size == self::size(block) && inside.iter().any(|(_, other)| *other != location) {
            let message = format!("{block}: longer blocks, of other locations too, cover all of it, so it decides for nobody");
            document.report(span, Problem::warning(message));
        }
    }
}

/// The widest of the blocks inside another, with their locations. The map's order has them behind it, each before
/// those inside itself.
fn inside<'b>(block: &IpNet, blocks: &'b Written) -> Vec<(&'b IpNet, &'b LocationName)> {
    let mut widest: Vec<(&IpNet, &LocationName)> = Vec::new();
    let behind = blocks.range((std::ops::Bound::Excluded(block), std::ops::Bound::Unbounded));
    for (other, (location, _)) in behind.take_while(|(other, _)| block.contains(*other)) {
        if widest.last().is_none_or(|(last, _)| !last.contains(other)) {
            widest.push((other, location));
        }
    }
    widest
}

/// Addresses in a block; none has a length of 0.
fn size(block: &IpNet) -> u128 {
    1 << (block.max_prefix_len() - block.prefix_len())
}
