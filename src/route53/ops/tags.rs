//! Tags: words that the operator gives to hosted zones and health checks.
//!
//! Invariant: a tag's key is not empty and is once on a resource.
//! Source: Route 53 API 2013-04-01, ChangeTagsForResource, ListTagsForResource, ListTagsForResources.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Context, Done};
use crate::route53::account::edit::{Edit, Record};
use crate::route53::account::entities::Check;
use crate::route53::account::zone::ZoneRecord;
use crate::route53::error::ApiError;
use crate::route53::value::{Struct, Value};

/// Tags of one resource, under strict rules.
const TAGS_MAX: usize = 10;

type Tags = BTreeMap<String, String>;

pub(super) fn change(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let (kind, id) = (input.word("ResourceType"), input.word("ResourceId"));
    let before = tags(kind, id, context)?.clone();
    let changed = changed(before, input)?;
    if context.settings.rules.strict && changed.len() > TAGS_MAX {
        // The words are waypost's own.
        let message = format!("Number of tags exceeded the limit of {TAGS_MAX} for the resource {id}.");
        return Err(ApiError::invalid_input(message));
    }
    Done::writing(Struct::new(), vec![Edit::Put(tagged(kind, id, changed, context)?)])
}

/// The resource with these tags instead of its own.
fn tagged(kind: &str, id: &str, tags: Tags, context: &Context<'_>) -> Result<Record, ApiError> {
    if kind == "healthcheck" {
        let check = context.own_check(id)?;
        return Ok(Record::Check(Arc::new(Check { tags, ..(**check).clone() })));
    }
    let zone = context.own_zone(id)?;
    Ok(Record::Zone(Arc::new(ZoneRecord { tags, ..(*zone.record).clone() })))
}

/// The tags with those of the request added, and then those removed whose keys it says.
fn changed(mut tags: Tags, input: &Struct) -> Result<Tags, ApiError> {
    if input.list("AddTags").is_empty() && input.list("RemoveTagKeys").is_empty() {
        return Err(ApiError::invalid_input("At least one of AddTags and RemoveTagKeys must be specified."));
    }
    for tag in input.structures("AddTags") {
        let key = tag.word("Key");
        if key.is_empty() {
            return Err(ApiError::invalid_input("A tag's key must not be empty."));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(ApiError::invalid_input(format!("The tag key {key} begins with aws:, which is reserved.")));
        }
        tags.insert(key.to_owned(), tag.word("Value").to_owned());
    }
    for key in input.texts("RemoveTagKeys") {
        tags.remove(key);
    }
    Ok(tags)
}

pub(super) fn list(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let set = tag_set(input.word("ResourceType"), input.word("ResourceId"), context)?;
    Done::reading(Struct::new().with("ResourceTagSet", set))
}

pub(super) fn list_of_several(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let kind = input.word("ResourceType");
    let sets: Result<Vec<Struct>, ApiError> = input.texts("ResourceIds").map(|id| tag_set(kind, id, context)).collect();
    Done::reading(Struct::new().with("ResourceTagSets", sets?))
}

/// Route 53's `ResourceTagSet`.
fn tag_set(kind: &str, id: &str, context: &Context<'_>) -> Result<Struct, ApiError> {
    let tag = |(key, value): (&String, &String)| Struct::new().with("Key", &**key).with("Value", &**value);
    let tags: Value = tags(kind, id, context)?.iter().map(tag).collect();
    Ok(Struct::new().with("ResourceType", kind).with("ResourceId", id).with("Tags", tags))
}

fn tags<'c>(kind: &str, id: &str, context: &Context<'c>) -> Result<&'c Tags, ApiError> {
    match kind {
        "healthcheck" => Ok(&context.check(id)?.tags),
        _ => Ok(&context.zone(id)?.record.tags),
    }
}
