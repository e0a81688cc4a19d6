//! A document becomes the record sets of one instance of it.
//!
//! ```text
//! www.example.org.                    the start's members; values with the instance's TTL
//!   ├─ alias ──> rule.instance.example.org.     hidden: one group a rule, however many references lead to it
//!   └─ alias ──> lb.elb.amazonaws.com.          an endpoint that is no value
//! ```
//!
//! Invariant: aliases of a rule lead to a hidden record set that is made with them.
//! Source: Route 53 developer guide, "Using traffic flow to route DNS traffic"; the hidden names are waypost's own.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{Document, Endpoint, Reference, Rule, Target};
use crate::route53::name::show_name;
use crate::route53::records::rrset::{AliasTarget, InvalidRrset, Rrset, Said};
use crate::wire::name::{InvalidName, Name};
use crate::zone::record_set::{RecordSet, Ttl};

/// What an instance makes of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled {
    /// At the instance's name.
    pub root: Vec<RecordSet>,
    /// At names that nobody may ask for.
    pub hidden: Vec<RecordSet>,
}

/// Where a document is put.
#[derive(Clone, Copy, Debug)]
pub struct Placed<'p> {
    /// The instance's id.
    pub id: &'p str,
    pub apex: &'p Name,
    pub name: &'p Name,
    pub ttl: Ttl,
}

/// The record sets that `document` makes, where it is put.
///
/// # Errors
/// Names of rules that are too long below this apex, and what else no record set can say.
pub fn compile(document: &Document, placed: &Placed<'_>) -> Result<Compiled, InvalidRrset> {
    let names = names(document, placed).map_err(|invalid| InvalidRrset(vec![invalid.to_string()]))?;
    let root = match &document.start {
        Target::Rule(id) => group(document, id, placed.name, placed.ttl, &names)?,
        start => vec![record_set(document, &simple(start.clone()), "", placed.name, placed.ttl, None)?],
    };
    let mut hidden = Vec::new();
    for (id, name) in &names {
        hidden.extend(group(document, id, name, placed.ttl, &names)?);
    }
    Ok(Compiled { root, hidden })
}

/// A reference that is alone.
fn simple(target: Target) -> Reference {
    Reference { place: String::new(), target, evaluate_target_health: true, health_check: None, policy: Said::default() }
}

/// The hidden names of the rules that other rules lead to.
fn names<'d>(document: &'d Document, placed: &Placed<'_>) -> Result<BTreeMap<&'d str, Name>, InvalidName> {
    let parent = placed.apex.child(placed.id.as_bytes())?;
    let mut taken = BTreeSet::new();
    reached(document).into_iter().map(|id| Ok((id, parent.child(label(id, &mut taken).as_bytes())?))).collect()
}

/// The rules that other rules lead to, from the start on.
fn reached(document: &Document) -> BTreeSet<&str> {
    let mut reached = BTreeSet::new();
    let mut left: Vec<&str> = match &document.start {
        Target::Rule(id) => vec![id],
        Target::Endpoint(_) => Vec::new(),
    };
    while let Some(id) = left.pop() {
        for reference in document.rules.get(id).into_iter().flat_map(|rule| &rule.references) {
            if let Target::Rule(id) = &reference.target
                && reached.insert(id.as_str())
            {
                left.push(id);
            }
        }
    }
    reached
}

/// A label that shows the rule's id as far as labels can, and that no other rule has.
fn label(id: &str, taken: &mut BTreeSet<String>) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c.to_ascii_lowercase() } else { '-' };
    let plain: String = id.chars().take(LABEL_MAX).map(letter).collect();
    let numbered = (2..).map(|number| format!("{plain}-{number}"));
    let label = std::iter::once(plain.clone()).chain(numbered).find(|label| !label.is_empty() && !taken.contains(label));
    let label = label.expect("of infinitely many labels one is not taken");
    taken.insert(label.clone());
    label
}

/// Characters of a rule's id in its label, which leave room for a number.
const LABEL_MAX: usize = 40;

/// The record group of one rule, at `name`.
fn group(
    document: &Document,
    rule: &str,
    name: &Name,
    ttl: Ttl,
    names: &BTreeMap<&str, Name>,
) -> Result<Vec<RecordSet>, InvalidRrset> {
    let none = Rule::default();
    let references = &document.rules.get(rule).unwrap_or(&none).references;
    let mut sets = Vec::with_capacity(references.len());
    for (at, reference) in references.iter().enumerate() {
        let target = match &reference.target {
            Target::Rule(id) => names.get(id.as_str()),
            Target::Endpoint(_) => None,
        };
        sets.push(record_set(document, reference, &identifier(reference, at, references), name, ttl, target)?);
    }
    Ok(sets)
}

/// What tells a member from the others: where it leads, and its place where several lead there.
fn identifier(reference: &Reference, at: usize, all: &[Reference]) -> String {
    let (Target::Endpoint(id) | Target::Rule(id)) = &reference.target;
    let is_alone = all.iter().filter(|other| other.target == reference.target).count() == 1;
    let id: String = id.chars().take(IDENTIFIER_MAX).collect();
    // An endpoint and a rule may have one id.
    let clashes = all.iter().any(|other| {
        let (Target::Endpoint(other_id) | Target::Rule(other_id)) = &other.target;
        other.target != reference.target && other_id.chars().take(IDENTIFIER_MAX).eq(id.chars())
    });
    match is_alone && !clashes && !id.is_empty() {
        true => id,
        false => format!("{id} {}", at + 1),
    }
}

/// Characters of an id in a set identifier, which leave room for a number.
const IDENTIFIER_MAX: usize = 100;

/// The record set of one reference; `hidden` is the name of the rule that it leads to.
pub(super) fn record_set(
    document: &Document,
    reference: &Reference,
    identifier: &str,
    name: &Name,
    ttl: Ttl,
    hidden: Option<&Name>,
) -> Result<RecordSet, InvalidRrset> {
    let mut said = Said {
        name: show_name(name),
        kind: document.rtype.to_string(),
        set_identifier: Some(identifier.to_owned()).filter(|identifier| !identifier.is_empty()),
        health_check_id: reference.health_check.clone(),
        ..reference.policy.clone()
    };
    let target = match &reference.target {
        Target::Endpoint(id) => match document.endpoints.get(id) {
            Some(Endpoint::Value(value)) => {
                said.ttl = Some(ttl.secs());
                said.values = vec![value.clone()];
                return Ok(Rrset::new(said)?.set);
            }
            Some(Endpoint::Name(name)) => Some(name.clone()),
            None => None,
        },
        Target::Rule(_) => hidden.map(show_name),
    };
    said.alias_target = Some(AliasTarget {
        hosted_zone_id: String::new(),
        dns_name: target.unwrap_or_else(|| ".".to_owned()),
        evaluate_target_health: reference.evaluate_target_health,
    });
    Ok(Rrset::new(said)?.set)
}
