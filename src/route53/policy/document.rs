//! A traffic policy document: rules that lead to rules and endpoints, from one of them on.
//!
//! Invariant: every reference leads to a rule or endpoint of the document, rules lead back to themselves by no way, what
//! an endpoint says is a value or a name of the document's type, and one query looks at no more than any other may.
//! Source: Route 53 API reference, "Traffic Policy Document Format".

use std::collections::BTreeMap;
use std::fmt;

use super::{check, read};
use crate::route53::records::rrset::Said;
use crate::wire::rtype::RecordType;

/// A document that means something.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The type of all its records.
    pub rtype: RecordType,
    pub(super) start: Target,
    pub(super) endpoints: BTreeMap<String, Endpoint>,
    pub(super) rules: BTreeMap<String, Rule>,
}

/// What a reference leads to, by its id in the document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    Endpoint(String),
    Rule(String),
}

/// What is answered in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// Of type `value`: as records have it.
    Value(String),
    /// Of the types of AWS's services: whatever this name answers.
    Name(String),
}

/// How one of several is chosen.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rule {
    /// Becomes a record group's members, in this order.
    pub references: Vec<Reference>,
}

/// One way out of a rule.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reference {
    /// Where it stands in its rule: `Locations[2]`.
    pub place: String,
    pub target: Target,
    pub evaluate_target_health: bool,
    pub health_check: Option<String>,
    /// What the record set says of its routing policy; nothing else of it is said.
    pub policy: Said,
}

/// Everything that is wrong with a document, each behind the id of the rule or endpoint that it is about; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidDocument(pub Vec<String>);

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// [`InvalidDocument`], with all that is wrong.
    pub fn parse(text: &str) -> Result<Self, InvalidDocument> {
        let document = read::read(text)?;
        check::check(&document)?;
        Ok(document)
    }

    /// The health checks that its rules name, each once.
    pub fn health_checks(&self) -> std::collections::BTreeSet<&str> {
        let references = self.rules.values().flat_map(|rule| &rule.references);
        references.filter_map(|reference| reference.health_check.as_deref()).collect()
    }

    /// The endpoints that are names, with their ids.
    pub fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.endpoints.iter().filter_map(|(id, endpoint)| match endpoint {
            Endpoint::Name(name) => Some((&**id, &**name)),
            Endpoint::Value(_) => None,
        })
    }
}

impl fmt::Display for InvalidDocument {
    /// As Route 53 joins them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(";"))
    }
}

impl std::error::Error for InvalidDocument {}
