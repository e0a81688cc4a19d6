//! Rules of one change's fields: which exclude each other, and which need each other.
//!
//! Knows no zone and reads no value. Invariant: a [`Change`] that exists has the fields of exactly one kind of record
//! set and of at most one routing policy.
//! Source: Route 53 API 2013-04-01, `ResourceRecordSet`; messages as clients have logged them, and after their pattern
//! where they have not (geolocation, geoproximity, multivalue aliases).

use super::rrset::Said;
use super::said;
use crate::route53::bounds::Rules;
use crate::route53::error::ApiError;
use crate::route53::value::Struct;

/// One change of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub action: Action,
    pub said: Said,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Create,
    Delete,
    Upsert,
}

/// The changes of a `ChangeBatch`, in its order.
///
/// # Errors
/// `InvalidInput` with what is wrong in every change.
pub fn read_changes(batch: &Struct, rules: Rules) -> Result<Vec<Change>, ApiError> {
    let mut changes = Vec::new();
    let mut wrong = Vec::new();
    for change in batch.structures("Changes") {
        let action = match change.word("Action") {
            "CREATE" => Action::Create,
            "DELETE" => Action::Delete,
            _ => Action::Upsert,
        };
        let nothing = Struct::new();
        let set = change.structure("ResourceRecordSet").unwrap_or(&nothing);
        wrong.extend(check(change.word("Action"), set, rules));
        let said = said::read(set);
        // False means no more than leaving it out.
        changes.push(Change { action, said: Said { multi_value_answer: said.multi_value_answer.filter(|is| *is), ..said } });
    }
    match wrong.is_empty() {
        true => Ok(changes),
        false => Err(ApiError::invalid_input(format!("Invalid request: {}", wrong.join(", ")))),
    }
}

/// What is wrong with the fields of one record set.
fn check(action: &str, set: &Struct, rules: Rules) -> Vec<String> {
    let id = set.text("SetIdentifier");
    let change = format!(
        "in Change with [Action={action}, Name={}, Type={}, SetIdentifier={}]",
        set.word("Name"),
        set.word("Type"),
        id.unwrap_or("null")
    );
    let exactly_one = |of: &str, found: usize| match found {
        1 => None,
        0 => Some(format!("Expected exactly one of [{of}], but found none {change}")),
        _ => Some(format!("Expected exactly one of [{of}], but found more than one {change}")),
    };
    let missing = |field: &str| format!("Missing field '{field}' {change}");
    let unexpected = |field: &str, with: &str| format!("Unexpected field '{field}' with {with} {change}");

    let policies = POLICIES.iter().filter(|field| has_policy(set, field)).count();
    let mut wrong: Vec<String> =
        exactly_one("AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId", contents(set))
            .into_iter()
            .collect();
    match id {
        None if policies == 1 => wrong.push(missing("SetIdentifier")),
        None if policies == 0 => {}
        _ => wrong.extend(exactly_one(
            "Weight, Region, Failover, GeoLocation, MultiValueAnswer, GeoProximityLocation, or CidrRoutingConfig",
            policies,
        )),
    }
    if has_policy(set, "MultiValueAnswer") && set.has("AliasTarget") {
        wrong.push(unexpected("AliasTarget", "MultiValueAnswer"));
    }
    if let Some(geo) = set.structure("GeoLocation") {
        let country = geo.text("CountryCode");
        wrong.extend(exactly_one("ContinentCode, or CountryCode", count(geo, &["ContinentCode", "CountryCode"])));
        match country {
            _ if !geo.has("SubdivisionCode") => {}
            None => wrong.push(missing("CountryCode")),
            // Route 53 tells subdivisions of the US and Ukraine only; waypost, those of every country.
            Some(country) if country == "*" || (rules.strict && !matches!(country, "US" | "UA")) => {
                wrong.push(unexpected("SubdivisionCode", &format!("CountryCode {country}")));
            }
            Some(_) => {}
        }
    }
    if let Some(proximity) = set.structure("GeoProximityLocation") {
        let places = count(proximity, &["AWSRegion", "LocalZoneGroup", "Coordinates"]);
        wrong.extend(exactly_one("AWSRegion, LocalZoneGroup, or Coordinates", places));
    }
    wrong
}

/// How many kinds of content a record set has; values count only with their TTL, and beside another kind either does.
fn contents(set: &Struct) -> usize {
    let others = count(set, &["AliasTarget", "TrafficPolicyInstanceId"]);
    let of_values = count(set, &["TTL", "ResourceRecords"]);
    others + usize::from(if others == 0 { of_values == 2 } else { of_values > 0 })
}

fn count(set: &Struct, names: &[&str]) -> usize {
    names.iter().filter(|name| set.has(name)).count()
}

fn has_policy(set: &Struct, field: &str) -> bool {
    match field {
        "MultiValueAnswer" => set.flag(field) == Some(true),
        _ => set.has(field),
    }
}

const POLICIES: [&str; 7] =
    ["Weight", "Region", "Failover", "GeoLocation", "MultiValueAnswer", "GeoProximityLocation", "CidrRoutingConfig"];
