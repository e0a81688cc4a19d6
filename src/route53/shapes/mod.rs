//! What the Route 53 API takes and gives: every operation and shape, read from one table.
//!
//! The table is data (`model.txt`), made from the model that the clients are generated from and compared with it by a
//! test, so that neither reading a request nor writing a response can drift from what the clients speak. Invariant: every
//! shape that a member, list or operation names is in the table. Source: Route 53 API 2013-04-01.

mod parse;

use std::collections::HashMap;

use regex::Regex;

/// Operations and shapes, by name.
#[derive(Debug)]
pub struct Model {
    operations: Vec<Operation>,
    shapes: HashMap<&'static str, Shape>,
}

/// One operation: where it is asked for, and what it takes and gives.
#[derive(Debug)]
pub struct Operation {
    pub name: &'static str,
    pub method: &'static str,
    /// Below the version, without empty segments: `hostedzone`, `{Id}`, `rrset`.
    pub path: Vec<Segment>,
    /// The status of a success.
    pub status: u16,
    pub input: Option<&'static str>,
    pub output: Option<&'static str>,
    /// The errors it may answer with, and their statuses.
    pub errors: Vec<(&'static str, u16)>,
}

/// One segment of an operation's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    Literal(&'static str),
    Parameter(&'static str),
}

/// One shape.
#[derive(Debug)]
pub struct Shape {
    pub name: &'static str,
    pub kind: Kind,
    /// Of a number its value, of a string its length in characters, of a list its items.
    pub min: Option<i64>,
    pub max: Option<i64>,
    /// The values of an enumeration; empty for other shapes.
    pub choices: Vec<&'static str>,
    /// Matched by the whole string.
    pub pattern: Option<Regex>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    Structure(Vec<Member>),
    /// Each item is an element `item` of the shape `of`.
    List {
        of: &'static str,
        item: &'static str,
    },
    String,
    Integer,
    Long,
    Double,
    Boolean,
    Timestamp,
}

/// One member of a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    pub name: &'static str,
    pub shape: &'static str,
    pub required: bool,
    pub place: Place,
}

/// Where a member is in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Body,
    Uri(&'static str),
    Query(&'static str),
    Header(&'static str),
}

impl Model {
    /// The model of this version of the API.
    pub fn new() -> Self {
        parse::parse(include_str!("model.txt"))
    }

    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.name == name)
    }

    /// The shape of this name; the table has every shape that it names.
    pub fn shape(&self, name: &str) -> &Shape {
        self.shapes.get(name).expect("the table of shapes names only shapes that it has")
    }

    /// The shape of the body of the operation's requests; none where all that it takes is in the path and the query.
    pub fn body_of(&self, operation: &Operation) -> Option<&'static str> {
        let is_in_body = |member: &Member| member.place == Place::Body;
        operation.input.filter(|input| operation.method == "POST" && self.members(input).iter().any(is_in_body))
    }

    /// The members of a structure; none for other shapes.
    pub fn members(&self, name: &str) -> &[Member] {
        match &self.shape(name).kind {
            Kind::Structure(members) => members,
            _ => &[],
        }
    }
}

impl Default for Model {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        let model = Model::new();
        assert_eq!(model.operations().len(), 74);
        for operation in model.operations() {
            for shape in operation.input.iter().chain(&operation.output) {
                check(&model, shape, &mut Vec::new());
            }
        }
    }

    fn check(model: &Model, name: &'static str, above: &mut Vec<&'static str>) {
        assert!(!above.contains(&name), "{name} contains itself");
        above.push(name);
        match &model.shape(name).kind {
            Kind::Structure(members) => members.iter().for_each(|member| check(model, member.shape, above)),
            Kind::List { of, .. } => check(model, of, above),
            _ => {}
        }
        above.pop();
    }

    #[test]
    fn an_operation_says_all_that_the_model_does() {
        let model = Model::new();
        let change = model.operation("ChangeResourceRecordSets").unwrap();
        assert_eq!((change.method, change.status), ("POST", 200));
        assert_eq!(change.path, [Segment::Literal("hostedzone"), Segment::Parameter("Id"), Segment::Literal("rrset")]);
        assert!(change.errors.contains(&("NoSuchHostedZone", 404)));
        let action = model.shape("ChangeAction");
        assert_eq!(action.choices, ["CREATE", "DELETE", "UPSERT"]);
        let uuid = model.shape("UUID").pattern.as_ref().unwrap();
        assert!(uuid.is_match("11111111-2222-3333-4444-555555555555"));
        assert!(!uuid.is_match("x11111111-2222-3333-4444-555555555555"));
    }
}
