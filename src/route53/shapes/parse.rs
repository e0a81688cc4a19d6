//! The table of shapes as text, line by line.
//!
//! ```text
//! operation NAME METHOD PATH STATUS      structure NAME            kind NAME key=value …
//!   input SHAPE                            MEMBER[*] SHAPE [uri=|query=|header=NAME]
//! ```
//!
//! Panics on a line that is none of these: the table is part of the program, and a test reads it.

use std::collections::HashMap;

use regex::Regex;

use super::{Kind, Member, Model, Operation, Place, Segment, Shape};

/// Reads the whole table.
pub(super) fn parse(text: &'static str) -> Model {
    let mut model = Model { operations: Vec::new(), shapes: HashMap::new() };
    let mut owner = Owner::None;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match line.strip_prefix("  ") {
            Some(detail) => put_detail(&mut model, owner, detail),
            None => owner = put_head(&mut model, line),
        }
    }
    model
}

/// What indented lines belong to.
#[derive(Clone, Copy)]
enum Owner {
    None,
    Operation,
    Structure(&'static str),
}

fn put_head(model: &mut Model, line: &'static str) -> Owner {
    let (head, rest) = line.split_once(' ').expect("a line of the table has a name");
    if head == "operation" {
        model.operations.push(operation(rest));
        return Owner::Operation;
    }
    let shape = shape(head, rest);
    let name = shape.name;
    let owner = if head == "structure" { Owner::Structure(name) } else { Owner::None };
    model.shapes.insert(name, shape);
    owner
}

fn put_detail(model: &mut Model, owner: Owner, detail: &'static str) {
    match owner {
        Owner::Operation => {
            let operation = model.operations.last_mut().expect("a detail follows its operation");
            match *words(detail) {
                ["input", shape] => operation.input = Some(shape),
                ["output", shape] => operation.output = Some(shape),
                ["error", code, status] => operation.errors.push((code, number(status))),
                _ => panic!("no detail of an operation: {detail}"),
            }
        }
        Owner::Structure(name) => {
            let shape = model.shapes.get_mut(name).expect("a member follows its structure");
            let Kind::Structure(members) = &mut shape.kind else { panic!("{name} is no structure") };
            members.push(member(detail));
        }
        Owner::None => panic!("a detail of nothing: {detail}"),
    }
}

fn operation(line: &'static str) -> Operation {
    let [name, method, path, status] = *words(line) else { panic!("no operation: {line}") };
    let path = path.split('/').filter(|segment| !segment.is_empty()).skip(1);
    let segment = |segment: &'static str| match segment.strip_prefix('{') {
        Some(parameter) => Segment::Parameter(parameter.trim_end_matches('}')),
        None => Segment::Literal(segment),
    };
    let path = path.map(segment).collect();
    Operation { name, method, path, status: number(status), input: None, output: None, errors: Vec::new() }
}

fn member(line: &'static str) -> Member {
    let mut words = line.split(' ');
    let (Some(name), Some(shape)) = (words.next(), words.next()) else { panic!("no member: {line}") };
    let place = words.next().map_or(Place::Body, |place| match place.split_once('=') {
        Some(("uri", name)) => Place::Uri(name),
        Some(("query", name)) => Place::Query(name),
        Some(("header", name)) => Place::Header(name),
        _ => panic!("no place: {line}"),
    });
    Member { name: name.trim_end_matches('*'), shape, required: name.ends_with('*'), place }
}

fn shape(kind: &'static str, line: &'static str) -> Shape {
    // A pattern is the last, and may hold spaces.
    let (line, pattern) = match line.split_once(" pattern=") {
        Some((line, pattern)) => (line, Some(whole(pattern))),
        None => (line, None),
    };
    let mut words = line.split(' ');
    let name = words.next().expect("a shape has a name");
    let kind = match kind {
        "structure" => Kind::Structure(Vec::new()),
        "list" => Kind::List { of: words.next().expect("a list says of what"), item: "member" },
        "string" => Kind::String,
        "integer" => Kind::Integer,
        "long" => Kind::Long,
        "double" => Kind::Double,
        "boolean" => Kind::Boolean,
        "timestamp" => Kind::Timestamp,
        other => panic!("no kind of shape: {other}"),
    };
    let mut shape = Shape { name, kind, min: None, max: None, choices: Vec::new(), pattern };
    for word in words {
        match (word.split_once('='), &mut shape.kind) {
            (Some(("min", bound)), _) => shape.min = Some(number(bound)),
            (Some(("max", bound)), _) => shape.max = Some(number(bound)),
            (Some(("enum", choices)), _) => shape.choices = choices.split('|').collect(),
            (Some(("item", name)), Kind::List { item, .. }) => *item = name,
            _ => panic!("no facet of {name}: {word}"),
        }
    }
    shape
}

/// A pattern of the model as one that must match the whole string; the model writes Java's.
fn whole(pattern: &str) -> Regex {
    let pattern = pattern.replace(r"\p{ASCII}", "[[:ascii:]]");
    Regex::new(&format!("^(?:{pattern})$")).expect("the patterns of the model are regular expressions")
}

fn words(line: &'static str) -> Box<[&'static str]> {
    line.split(' ').collect()
}

fn number<N: std::str::FromStr>(word: &str) -> N {
    word.parse().unwrap_or_else(|_| panic!("no number: {word}"))
}
