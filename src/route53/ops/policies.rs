//! Traffic policies: made in versions, read, commented, listed, deleted.
//!
//! Not what they are made into: see `instances`. A deleted version can be read and is not listed, and its number is never
//! given again. Source: Route 53 API 2013-04-01, the operations of these names; the messages are unverified.

use std::sync::Arc;

use super::common::{page, page_size};
use super::{Context, Done};
use crate::route53::account::Account;
use crate::route53::account::edit::{Edit, Record};
use crate::route53::account::entities::Policy;
use crate::route53::error::ApiError;
use crate::route53::policy::Document;
use crate::route53::value::{Struct, Value};

/// Policies, or versions, of one page at most.
const PAGE_MAX: usize = 100;
/// Route 53's quotas; the number of versions is bounded by what the API can say too.
const POLICIES_MAX: usize = 50;
const VERSIONS_MAX: u32 = 1_000;

pub(super) fn create(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let name = input.word("Name");
    let live = || context.account.policies.values().filter(|policy| !policy.deleted);
    if live().any(|policy| policy.name == name) {
        let message = format!("A traffic policy already exists with the name {name}.");
        return Err(ApiError::new("TrafficPolicyAlreadyExists", 409, message));
    }
    if context.settings.rules.strict && latest(context.account).len() >= POLICIES_MAX {
        let message = format!("The limit of {POLICIES_MAX} traffic policies has been reached.");
        return Err(ApiError::new("TooManyTrafficPolicies", 400, message));
    }
    let document = read_document(input)?;
    let policy = Policy {
        id: context.new_uuid(),
        version: 1,
        name: name.to_owned(),
        kind: document.rtype.to_string(),
        document: input.word("Document").to_owned(),
        comment: input.text("Comment").map(str::to_owned),
        created_at: context.now,
        deleted: false,
    };
    created(policy)
}

pub(super) fn create_version(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let id = input.word("Id");
    let versions = || context.account.policies.range((id.to_owned(), 0)..=(id.to_owned(), u32::MAX)).map(|(_, policy)| policy);
    let live = versions().rfind(|policy| !policy.deleted).ok_or_else(|| no_such(id, None))?;
    let last = versions().next_back().map_or(0, |policy| policy.version);
    if last >= VERSIONS_MAX {
        let message = format!("The traffic policy {id} has had {VERSIONS_MAX} versions: make a new traffic policy.");
        return Err(ApiError::new("TooManyTrafficPolicyVersionsForCurrentPolicy", 400, message));
    }
    let document = read_document(input)?;
    let policy = Policy {
        version: last + 1,
        kind: document.rtype.to_string(),
        document: input.word("Document").to_owned(),
        comment: input.text("Comment").map(str::to_owned),
        created_at: context.now,
        ..(**live).clone()
    };
    created(policy)
}

fn read_document(input: &Struct) -> Result<Document, ApiError> {
    let invalid = |invalid: crate::route53::policy::InvalidDocument| {
        ApiError::new("InvalidTrafficPolicyDocument", 400, invalid.to_string())
    };
    Document::parse(input.word("Document")).map_err(invalid)
}

fn created(policy: Policy) -> Result<Done, ApiError> {
    let location = format!("trafficpolicy/{}/{}", policy.id, policy.version);
    let output = Struct::new().with("TrafficPolicy", traffic_policy(&policy));
    Done::creating(location, output, vec![Edit::Put(Record::Policy(Arc::new(policy)))])
}

pub(super) fn get(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let policy = find(input.word("Id"), version(input, "Version"), context.account)?;
    Done::reading(Struct::new().with("TrafficPolicy", traffic_policy(policy)))
}

pub(super) fn update_comment(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let policy = find_live(input.word("Id"), version(input, "Version"), context.account)?;
    let policy = Policy { comment: Some(input.word("Comment").to_owned()), ..(**policy).clone() };
    let output = Struct::new().with("TrafficPolicy", traffic_policy(&policy));
    Done::writing(output, vec![Edit::Put(Record::Policy(Arc::new(policy)))])
}

pub(super) fn delete(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let policy = find_live(input.word("Id"), version(input, "Version"), context.account)?;
    let mut instances = context.account.instances.values();
    let uses = |instance: &&Arc<_>| is_of(instance, policy);
    if let Some(instance) = instances.find(uses) {
        let (id, version) = (&policy.id, policy.version);
        let message = format!("Version {version} of the traffic policy {id} is in use by the instance {}.", instance.id);
        return Err(ApiError::new("TrafficPolicyInUse", 400, message));
    }
    let policy = Policy { deleted: true, ..(**policy).clone() };
    Done::writing(Struct::new(), vec![Edit::Put(Record::Policy(Arc::new(policy)))])
}

fn is_of(instance: &crate::route53::account::entities::Instance, policy: &Policy) -> bool {
    instance.policy == policy.id && instance.policy_version == policy.version
}

pub(super) fn list(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let size = page_size(input, "MaxItems", PAGE_MAX, PAGE_MAX)?;
    let latest = latest(context.account);
    let from = match input.text("TrafficPolicyIdMarker") {
        None => 0,
        Some(marker) => latest.iter().position(|(policy, _)| policy.id == marker).ok_or_else(|| no_such_marker(marker))?,
    };
    let (policies, next) = page(latest[from..].iter(), size);
    let output = Struct::new()
        .with("TrafficPolicySummaries", policies.into_iter().map(|(policy, count)| summary(policy, *count)).collect::<Value>())
        .with("IsTruncated", next.is_some())
        .with("TrafficPolicyIdMarker", next.map_or("", |(policy, _)| &*policy.id))
        .with("MaxItems", size);
    Done::reading(output)
}

fn no_such_marker(marker: &str) -> ApiError {
    ApiError::invalid_input(format!("The marker {marker} is not valid: list from the beginning."))
}

pub(super) fn list_versions(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let size = page_size(input, "MaxItems", PAGE_MAX, PAGE_MAX)?;
    let id = input.word("Id");
    let from = match input.text("TrafficPolicyVersionMarker").filter(|marker| !marker.is_empty()) {
        None => 0,
        Some(marker) => marker.parse::<u32>().map_err(|_| no_such_marker(marker))?,
    };
    let versions = |from| context.account.policies.range((id.to_owned(), from)..=(id.to_owned(), u32::MAX));
    if versions(0).all(|(_, policy)| policy.deleted) {
        return Err(no_such(id, None));
    }
    let (versions, next) = page(versions(from).map(|(_, policy)| policy).filter(|policy| !policy.deleted), size);
    let output = Struct::new()
        .with("TrafficPolicies", versions.into_iter().map(|policy| traffic_policy(policy)).collect::<Value>())
        .with("IsTruncated", next.is_some())
        .with("TrafficPolicyVersionMarker", next.map_or(String::new(), |policy| policy.version.to_string()))
        .with("MaxItems", size);
    Done::reading(output)
}

/// The latest version of each policy and how many versions it has, in the order in which the policies were made.
fn latest(account: &Account) -> Vec<(&Arc<Policy>, usize)> {
    let mut all: Vec<(&Policy, &Arc<Policy>, usize)> = Vec::new();
    for policy in account.policies.values() {
        match all.last_mut() {
            Some((_, latest, count)) if latest.id == policy.id => {
                if !policy.deleted {
                    (*latest, *count) = (policy, *count + 1);
                }
            }
            _ => all.push((policy, policy, usize::from(!policy.deleted))),
        }
    }
    all.retain(|(.., count)| *count > 0);
    all.sort_by_key(|(first, ..)| (first.created_at, &first.id));
    all.into_iter().map(|(_, latest, count)| (latest, count)).collect()
}

/// A version of a policy, whose input member is called `name`.
pub(super) fn version(input: &Struct, name: &str) -> u32 {
    input.number(name).and_then(|version| version.try_into().ok()).unwrap_or_default()
}

/// A version, deleted or not.
pub(super) fn find<'a>(id: &str, version: u32, account: &'a Account) -> Result<&'a Arc<Policy>, ApiError> {
    account.policies.get(&(id.to_owned(), version)).ok_or_else(|| no_such(id, Some(version)))
}

/// A version that was not deleted.
pub(super) fn find_live<'a>(id: &str, version: u32, account: &'a Account) -> Result<&'a Arc<Policy>, ApiError> {
    let policy = find(id, version, account).ok().filter(|policy| !policy.deleted);
    policy.ok_or_else(|| no_such(id, Some(version)))
}

fn no_such(id: &str, version: Option<u32>) -> ApiError {
    let version = version.map(|version| format!(" and version {version}")).unwrap_or_default();
    ApiError::new("NoSuchTrafficPolicy", 404, format!("No traffic policy exists with id {id}{version}."))
}

/// Route 53's `TrafficPolicy`.
fn traffic_policy(policy: &Policy) -> Struct {
    Struct::new()
        .with("Id", &*policy.id)
        .with("Version", policy.version)
        .with("Name", &*policy.name)
        .with("Type", &*policy.kind)
        .with("Document", &*policy.document)
        .with_some("Comment", policy.comment.as_deref())
}

/// Route 53's `TrafficPolicySummary`.
fn summary(policy: &Policy, count: usize) -> Struct {
    Struct::new()
        .with("Id", &*policy.id)
        .with("Name", &*policy.name)
        .with("Type", &*policy.kind)
        .with("LatestVersion", policy.version)
        .with("TrafficPolicyCount", count)
}
