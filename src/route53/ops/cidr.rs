//! CIDR collections: made, changed, listed, deleted.
//!
//! Beyond AWS's text: the last block of a location that a record set names can't be deleted, as the record set would
//! answer nobody. Invariant: each change adds one to its collection's version.
//! Source: Route 53 API 2013-04-01, the operations of these names.

use std::sync::Arc;

use super::common::{page, page_size};
use super::limits::{BLOCKS_MAX, COLLECTIONS_MAX};
use super::{Context, Done};
use crate::route53::account::edit::{Edit, Key, Record};
use crate::route53::account::entities::Collection;
use crate::route53::cidr::{Locations, changed};
use crate::route53::error::ApiError;
use crate::route53::value::{Struct, Value};

/// Items of one page at most, and of a page that does not say.
const PAGE_MAX: usize = 100;

impl<'c> Context<'c> {
    fn collection(&self, id: &str) -> Result<&'c Arc<Collection>, ApiError> {
        let no_such = || {
            let message = format!("No CIDR collection exists with the ID: {id}");
            ApiError::new("NoSuchCidrCollectionException", 404, message)
        };
        self.account.collections.get(id).ok_or_else(no_such)
    }

    /// The collection, which must not be written in a file.
    fn own_collection(&self, id: &str) -> Result<&'c Arc<Collection>, ApiError> {
        let collection = self.collection(id)?;
        match &collection.file {
            Some(file) => Err(ApiError::in_a_file(&format!("The CIDR collection {}", collection.name), file)),
            None => Ok(collection),
        }
    }

    /// The record sets that name a collection: their names, and the location each names.
    fn routed_by(&self, collection: &str) -> impl Iterator<Item = (&'c str, &'c str)> {
        let rrsets = self.account.zones.values().flat_map(|zone| zone.rrsets().values());
        rrsets.filter_map(move |rrset| {
            let config = rrset.said.cidr_routing_config.as_ref()?;
            (config.collection_id == collection).then_some((&*rrset.said.name, &*config.location_name))
        })
    }
}

pub(super) fn create(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let (name, reference) = (input.word("Name"), input.word("CallerReference"));
    let same = |known: &&Arc<Collection>| known.name == name || known.caller_reference == reference;
    if let Some(known) = context.account.collections.values().find(same) {
        if known.name == name && known.caller_reference == reference {
            return Done::creating(location(known), Struct::new().with("Collection", collection(known)), Vec::new());
        }
        let message = format!("A CIDR collection with the name {name} or the caller reference {reference} already exists.");
        return Err(ApiError::new("CidrCollectionAlreadyExistsException", 400, message));
    }
    if context.settings.rules.strict && context.account.collections.len() >= COLLECTIONS_MAX {
        let message = format!("The limit of {COLLECTIONS_MAX} CIDR collections has been reached.");
        return Err(ApiError::new("LimitsExceeded", 400, message));
    }
    let (name, caller_reference) = (name.to_owned(), reference.to_owned());
    let id = context.new_uuid();
    let made = Arc::new(Collection { id, name, caller_reference, version: 1, locations: Locations::new(), file: None });
    let output = Struct::new().with("Collection", collection(&made));
    Done::creating(location(&made), output, vec![Edit::Put(Record::Collection(made))])
}

pub(super) fn change(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let known = context.own_collection(input.word("Id"))?;
    if input.number("CollectionVersion").is_some_and(|version| u64::try_from(version) != Ok(known.version)) {
        let message = format!(
            "The CIDR collection version you provided, {}, doesn't match the collection's current version, {}.",
            input.word("CollectionVersion"),
            known.version
        );
        return Err(ApiError::new("CidrCollectionVersionMismatchException", 409, message));
    }
    let locations = changed(&known.locations, input.structures("Changes"))?;
    if context.settings.rules.strict && locations.values().map(Vec::len).sum::<usize>() > BLOCKS_MAX {
        let message = format!("The limit of {BLOCKS_MAX} CIDR blocks in a collection has been reached.");
        return Err(ApiError::new("LimitsExceeded", 400, message));
    }
    let gone = |location: &str| known.locations.contains_key(location) && !locations.contains_key(location);
    if known.locations.keys().any(|location| gone(location))
        && let Some((name, location)) = context.routed_by(&known.id).find(|(_, location)| gone(location))
    {
        let message = format!("The last CIDR block of the location {location} is in use by the record set {name}");
        return Err(ApiError::new("CidrBlockInUseException", 400, message));
    }
    let next = Collection { version: known.version + 1, locations, ..(**known).clone() };
    let (info, mut edits) = context.change(None, None);
    edits.push(Edit::Put(Record::Collection(Arc::new(next))));
    Done::writing(Struct::new().with_some("Id", info.text("Id")), edits)
}

pub(super) fn delete(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let known = context.own_collection(input.word("Id"))?;
    let in_use = |message: String| Err(ApiError::new("CidrCollectionInUseException", 400, message));
    if !known.locations.is_empty() {
        return in_use(format!("The CIDR collection {} is in use, and isn't empty.", known.id));
    }
    if let Some((name, _)) = context.routed_by(&known.id).next() {
        return in_use(format!("The CIDR collection {} is in use by the record set {name}", known.id));
    }
    Done::writing(Struct::new(), vec![Edit::Delete(Key::Collection(known.id.clone()))])
}

pub(super) fn list(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let size = page_size(input, "MaxResults", PAGE_MAX, PAGE_MAX)?;
    let from = input.text("NextToken").unwrap_or_default().to_owned();
    let (collections, next) = page(context.account.collections.range(from..).map(|(_, known)| known), size);
    let output = Struct::new()
        .with_some("NextToken", next.map(|next| &*next.id))
        .with("CidrCollections", collections.into_iter().map(|known| collection(known)).collect::<Value>());
    Done::reading(output)
}

pub(super) fn list_locations(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let size = page_size(input, "MaxResults", PAGE_MAX, PAGE_MAX)?;
    let known = context.collection(input.word("CollectionId"))?;
    let from = input.text("NextToken").unwrap_or_default().to_owned();
    let (names, next) = page(known.locations.range(from..).map(|(name, _)| &**name), size);
    let output = Struct::new()
        .with_some("NextToken", next)
        .with("CidrLocations", names.into_iter().map(|name| Struct::new().with("LocationName", name)).collect::<Value>());
    Done::reading(output)
}

/// The blocks of one location or of all, by location and address; a token says a location and how many of its blocks
/// have been listed.
pub(super) fn list_blocks(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let size = page_size(input, "MaxResults", PAGE_MAX, PAGE_MAX)?;
    let known = context.collection(input.word("CollectionId"))?;
    let only = input.text("LocationName");
    if let Some(location) = only.filter(|location| !known.locations.contains_key(*location)) {
        let message = format!("The CIDR collection {} has no location {location}.", known.id);
        return Err(ApiError::new("NoSuchCidrLocationException", 404, message));
    }
    let first = read_token(input.text("NextToken"))?;
    let blocks = known.locations.iter().filter(|(location, _)| only.is_none_or(|only| only == *location));
    let blocks =
        blocks.flat_map(|(location, blocks)| blocks.iter().enumerate().map(move |(at, block)| ((&**location, at), &**block)));
    let (blocks, next) = page(blocks.filter(|(place, _)| *place >= first), size);
    let block =
        |((location, _), block): ((&str, usize), &str)| Struct::new().with("CidrBlock", block).with("LocationName", location);
    let output = Struct::new()
        .with_some("NextToken", next.map(|((location, at), _)| format!("{location}/{at}")))
        .with("CidrBlocks", blocks.into_iter().map(block).collect::<Value>());
    Done::reading(output)
}

fn read_token(token: Option<&str>) -> Result<(&str, usize), ApiError> {
    let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(("", 0)) };
    let parts = token.rsplit_once('/').and_then(|(location, at)| Some((location, at.parse().ok()?)));
    parts.ok_or_else(|| ApiError::invalid_input("The specified pagination token is not valid."))
}

/// Route 53's `CidrCollection`, and its `CollectionSummary`.
fn collection(known: &Collection) -> Struct {
    Struct::new()
        .with("Arn", format!("arn:aws:route53:::cidrcollection/{}", known.id))
        .with("Id", &*known.id)
        .with("Name", &*known.name)
        .with("Version", known.version)
}

fn location(known: &Collection) -> String {
    format!("cidrcollection/{}", known.id)
}
