//! What must hold between the rules and endpoints of a document.
//!
//! Invariant: every walk ends, whatever loops there are. Sources: Route 53 API reference, "Traffic Policy Document
//! Format"; how much one query may look at is `zone::check`'s.

use std::collections::{BTreeMap, BTreeSet};

use super::compile::record_set;
use super::document::{Document, Endpoint, InvalidDocument, Reference, Rule, Target};
use crate::route53::name::parse_name;
use crate::route53::values::parse_value;
use crate::wire::name::Name;
use crate::zone::check::{ALIASES_MAX, MEMBERS_MAX};
use crate::zone::record_set::Ttl;

/// Everything that is wrong with how the parts of `document` fit together.
pub(super) fn check(document: &Document) -> Result<(), InvalidDocument> {
    let mut wrong = Vec::new();
    if !is_there(document, &document.start) {
        wrong.push(format!("The start, {}, is not in the document.", shown(&document.start)));
    }
    for (id, endpoint) in &document.endpoints {
        check_endpoint(document, id, endpoint, &mut wrong);
    }
    for (id, rule) in &document.rules {
        check_rule(document, id, rule, &mut wrong);
    }
    if wrong.is_empty() {
        wrong.extend(measure(document).err());
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(InvalidDocument(wrong)),
    }
}

fn is_there(document: &Document, target: &Target) -> bool {
    match target {
        Target::Endpoint(id) => document.endpoints.contains_key(id),
        Target::Rule(id) => document.rules.contains_key(id),
    }
}

fn shown(target: &Target) -> String {
    match target {
        Target::Endpoint(id) => format!("endpoint {id}"),
        Target::Rule(id) => format!("rule {id}"),
    }
}

fn check_endpoint(document: &Document, id: &str, endpoint: &Endpoint, wrong: &mut Vec<String>) {
    let fatal = match endpoint {
        Endpoint::Value(value) => parse_value(document.rtype, value).err().map(|error| error.to_string()),
        Endpoint::Name(name) => parse_name(name).err().map(|error| error.to_string()),
    };
    wrong.extend(fatal.map(|fatal| format!("{id}: Value is not valid: {fatal}.")));
}

fn check_rule(document: &Document, id: &str, rule: &Rule, wrong: &mut Vec<String>) {
    let mut claimed = BTreeSet::new();
    for reference in &rule.references {
        let place = &reference.place;
        if !is_there(document, &reference.target) {
            wrong.push(format!("{id}: {place} leads to {}, which is not in the document.", shown(&reference.target)));
            continue;
        }
        if reference.policy.multi_value_answer.is_some() && !is_value(document, &reference.target) {
            wrong.push(format!("{id}: {place} does not lead to an endpoint of type value, as those of multivalue rules do."));
        }
        if !claims(reference).is_none_or(|claim| claimed.insert(claim)) {
            wrong.push(format!("{id}: {place} is for the same clients as one before it."));
        }
        // Its endpoint has been seen to: what is left is what it says of clients and health.
        let alone = Reference { target: Target::Rule(String::new()), ..reference.clone() };
        if let Err(invalid) = record_set(document, &alone, "1", &Name::root(), Ttl::ZERO, None) {
            wrong.extend(invalid.0.into_iter().map(|what| format!("{id}: {place}: {}.", what.trim_end_matches('.'))));
        }
    }
}

fn is_value(document: &Document, target: &Target) -> bool {
    matches!(target, Target::Endpoint(id) if matches!(document.endpoints.get(id), Some(Endpoint::Value(_))))
}

/// The clients that a reference is for, where no two may be for the same.
fn claims(reference: &Reference) -> Option<String> {
    let geo = reference.policy.geo_location.as_ref().map(|geo| format!("{geo:?}"));
    geo.or_else(|| reference.policy.region.clone())
}

/// Whether rules lead back to themselves, or to more than one query may look at.
fn measure(document: &Document) -> Result<(), String> {
    // Rules whose targets are all measured are measured, until none is left: what is left is on loops, or leads to one.
    let mut sizes: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    loop {
        let ready = document.rules.iter().filter(|(id, _)| !sizes.contains_key(id.as_str()));
        let ready: Vec<_> = ready.filter_map(|(id, rule)| Some((id.as_str(), size(rule, &sizes)?))).collect();
        if ready.is_empty() {
            break;
        }
        sizes.extend(ready);
    }
    if let Some(id) = document.rules.keys().find(|id| !sizes.contains_key(id.as_str())) {
        return Err(format!("{id}: Rule leads back to itself, or to one that does."));
    }
    for (id, (depth, members)) in sizes {
        if depth > ALIASES_MAX {
            return Err(format!("{id}: Rule leads through {depth} references to endpoints; at most {ALIASES_MAX} may."));
        }
        if members > MEMBERS_MAX {
            return Err(format!("{id}: Rule leads to {members} references; at most {MEMBERS_MAX} may."));
        }
    }
    Ok(())
}

/// How many references lead one behind the other from a rule to its endpoints, and how many there are in all.
fn size(rule: &Rule, known: &BTreeMap<&str, (usize, usize)>) -> Option<(usize, usize)> {
    let mut all = (1, rule.references.len());
    for reference in &rule.references {
        if let Target::Rule(id) = &reference.target {
            let (depth, members) = known.get(id.as_str())?;
            all = (all.0.max(1 + depth), all.1.saturating_add(*members));
        }
    }
    Some(all)
}
