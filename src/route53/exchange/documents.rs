//! What the AWS CLI prints and takes, read: lists of record sets, change batches, health checks, CIDR blocks.
//!
//! One text may hold several documents, as the pages of one list do. Members that only tell of pages are passed over.
//! Invariant: everything that is wrong with a text is told in one run, each with its path in it.

use std::collections::BTreeMap;

use serde_json::{Deserializer, Value as Json};

use super::json;
use crate::route53::account::entities::{CheckConfig, Collection};
use crate::route53::bounds::Rules;
use crate::route53::checks::{config, rules};
use crate::route53::records::shape::{Change, read_changes};
use crate::route53::request::bare;
use crate::route53::shapes::Model;
use crate::route53::value::{Struct, Value};

/// What a text says of record sets.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Of a list of record sets, their creations.
    pub changes: Vec<Change>,
    /// Whether they came as changes.
    pub is_batch: bool,
    /// What was passed over, in words.
    pub warnings: Vec<String>,
}

/// Reads `list-resource-record-sets`, or a `ChangeBatch` alone or with its `HostedZoneId`.
///
/// # Errors
/// Everything that is wrong.
pub fn read_record_sets(model: &Model, text: &str) -> Result<Said, Vec<String>> {
    let mut said = Said::default();
    let mut wrong = Vec::new();
    for (number, document) in parse(text)?.iter().enumerate() {
        let document = document.get("ChangeBatch").unwrap_or(document);
        let at = if number == 0 { String::new() } else { format!("document {}: ", number + 1) };
        let batch = match (document.get("ResourceRecordSets"), document.get("Changes")) {
            (Some(list), _) => {
                let list = json::read(model, "ResourceRecordSets", list, &format!("{at}ResourceRecordSets"), &mut wrong);
                list.map(|list| created(list, &mut said.warnings))
            }
            (None, Some(changes)) => {
                said.is_batch = true;
                let changes = json::read(model, "Changes", changes, &format!("{at}Changes"), &mut wrong);
                changes.map(|changes| Struct::new().with("Changes", changes))
            }
            (None, None) => {
                wrong.push(format!(
                    "{at}there are neither ResourceRecordSets nor Changes; what `aws route53 list-resource-record-sets` prints \
                     and `change-resource-record-sets --change-batch` takes is accepted"
                ));
                None
            }
        };
        match batch.map(|batch| read_changes(&batch, Rules::default())) {
            Some(Ok(changes)) => said.changes.extend(changes),
            Some(Err(error)) => wrong.push(format!("{at}{}", error.message)),
            None => {}
        }
    }
    if wrong.is_empty() { Ok(said) } else { Err(wrong) }
}

/// A batch that creates the listed record sets. Of what a traffic policy made its records are taken, and not its policy.
fn created(list: Value, warnings: &mut Vec<String>) -> Struct {
    let Value::List(items) = list else { return Struct::new() };
    let sets = items.into_iter().filter_map(|item| match item {
        Value::Struct(set) => Some(set),
        _ => None,
    });
    let change = |set: Struct| {
        if let Some(instance) = set.text("TrafficPolicyInstanceId") {
            let (name, kind) = (set.word("Name"), set.word("Type"));
            warnings.push(format!(
                "{name} {kind}: its records are taken, and not the traffic policy instance {instance} that made them"
            ));
        }
        Struct::new().with("Action", "CREATE").with("ResourceRecordSet", set.without("TrafficPolicyInstanceId"))
    };
    Struct::new().with("Changes", sets.map(change).collect::<Value>())
}

/// Reads `list-health-checks`: each check's configuration, by its id.
///
/// # Errors
/// Everything that is wrong.
pub fn read_health_checks(model: &Model, text: &str) -> Result<BTreeMap<String, CheckConfig>, Vec<String>> {
    let mut checks = BTreeMap::new();
    let mut wrong = Vec::new();
    for item in items(text, "HealthChecks", &mut wrong)? {
        let id = item.get("Id").and_then(Json::as_str).unwrap_or_default();
        let Some(said) = item.get("HealthCheckConfig").filter(|_| !id.is_empty()) else {
            wrong.push(format!("HealthChecks: {item} has not both Id and HealthCheckConfig"));
            continue;
        };
        let at = format!("health check {id}");
        if let Some(Value::Struct(said)) = json::read(model, "HealthCheckConfig", said, &at, &mut wrong) {
            let config = config::read(&said);
            wrong.extend(rules::check(&config, Rules::default()).map(|message| format!("{at}: {message}")));
            checks.insert(bare(id).to_owned(), config);
        }
    }
    if wrong.is_empty() { Ok(checks) } else { Err(wrong) }
}

/// Reads `list-cidr-blocks`: the collection of this id.
///
/// # Errors
/// Everything that is wrong.
pub fn read_cidr_blocks(id: &str, text: &str) -> Result<Collection, Vec<String>> {
    let mut locations: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for item in items(text, "CidrBlocks", &mut wrong)? {
        match (item.get("CidrBlock").and_then(Json::as_str), item.get("LocationName").and_then(Json::as_str)) {
            (Some(block), Some(location)) => locations.entry(location.to_owned()).or_default().push(block.to_owned()),
            _ => wrong.push(format!("CidrBlocks: {item} has not both CidrBlock and LocationName")),
        }
    }
    let id = id.to_owned();
    let collection = Collection { name: id.clone(), caller_reference: id.clone(), id, version: 1, locations, file: None };
    if wrong.is_empty() { Ok(collection) } else { Err(wrong) }
}

/// The items of this member in all documents.
fn items(text: &str, member: &str, wrong: &mut Vec<String>) -> Result<Vec<Json>, Vec<String>> {
    let mut all = Vec::new();
    for document in parse(text)? {
        match document.get(member) {
            Some(Json::Array(items)) => all.extend(items.iter().cloned()),
            _ => wrong.push(format!("there is no list of {member}")),
        }
    }
    Ok(all)
}

/// The documents of a text; those of an array, as `jq -s` makes one of pages.
fn parse(text: &str) -> Result<Vec<Json>, Vec<String>> {
    let documents: Result<Vec<Json>, _> = Deserializer::from_str(text).into_iter().collect();
    let documents = documents.map_err(|error| vec![format!("reading JSON: {error}")])?;
    match documents.is_empty() {
        true => Err(vec!["there is nothing in it".to_owned()]),
        false => Ok(documents
            .into_iter()
            .flat_map(|document| match document {
                Json::Array(documents) => documents,
                document => vec![document],
            })
            .collect()),
    }
}
