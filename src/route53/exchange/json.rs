//! Structures as JSON, as the AWS CLI has them: a member a name, scalars as their kind.
//!
//! Knows shapes, and no operation. Invariant: what is written reads back the same, and what is read is of its shape.
//! Source: AWS CLI user guide, "JSON output format".

use serde_json::Value as Json;

use crate::route53::bounds::{self, Broken, Rules};
use crate::route53::shapes::{Kind, Member, Model, Shape};
use crate::route53::value::{Struct, Value};

/// Reads a value of this shape; what is wrong is added with its path, which begins with `at`.
pub fn read(model: &Model, shape: &str, json: &Json, at: &str, wrong: &mut Vec<String>) -> Option<Value> {
    let shape = model.shape(shape);
    match (&shape.kind, json) {
        (Kind::Structure(members), Json::Object(object)) => {
            for name in object.keys().filter(|name| !members.iter().any(|member| member.name == **name)) {
                wrong.push(format!("{at}.{name}: {} has no such member", shape.name));
            }
            let member = |member: &Member| read_member(model, member, object.get(member.name), at, wrong);
            // All of them, so that all that is wrong is told.
            let read: Vec<_> = members.iter().map(member).collect();
            read.into_iter().collect::<Option<Vec<_>>>().map(|read| {
                let read = read.into_iter().flatten();
                Value::Struct(read.fold(Struct::new(), |all, (name, value)| all.with(name, value)))
            })
        }
        (Kind::List { of, .. }, Json::Array(items)) => {
            let item = |(at_item, item): (usize, &Json)| read(model, of, item, &format!("{at}[{at_item}]"), wrong);
            let items: Vec<Option<Value>> = items.iter().enumerate().map(item).collect();
            items.into_iter().collect::<Option<Vec<_>>>().map(Value::List)
        }
        _ => read_scalar(shape, json).map_err(|what| wrong.push(format!("{at}: {what}"))).ok().map(Value::Text),
    }
}

/// A member that is there, or that need not be; none for one that is wrong.
fn read_member(
    model: &Model,
    member: &Member,
    json: Option<&Json>,
    at: &str,
    wrong: &mut Vec<String>,
) -> Option<Option<(&'static str, Value)>> {
    match json.filter(|json| !json.is_null()) {
        Some(json) => {
            read(model, member.shape, json, &format!("{at}.{}", member.name), wrong).map(|value| Some((member.name, value)))
        }
        None if member.required => {
            wrong.push(format!("{at}: {} is missing", member.name));
            None
        }
        None => Some(None),
    }
}

fn read_scalar(shape: &Shape, json: &Json) -> Result<String, String> {
    let (text, is_kind) = match json {
        Json::String(text) => (text.clone(), matches!(shape.kind, Kind::String | Kind::Timestamp)),
        Json::Number(number) => {
            (number.to_string(), matches!(shape.kind, Kind::Integer | Kind::Long | Kind::Double | Kind::Timestamp))
        }
        Json::Bool(flag) => (flag.to_string(), shape.kind == Kind::Boolean),
        _ => (String::new(), false),
    };
    if !is_kind {
        return Err(format!("{} is expected, not {json}", word(&shape.kind)));
    }
    if shape.kind == Kind::Timestamp {
        return Ok(text);
    }
    bounds::scalar(shape, &text, Rules::default()).or_else(|broken| match broken {
        // Only AWS's own ids have patterns, and zones of files name checks and collections otherwise.
        Broken::Pattern(_) => Ok(text.clone()),
        Broken::Kind(kind) => Err(format!("{text:?} is no {kind}")),
        Broken::Choice => Err(format!("{text:?} is none of {}", shape.choices.join(", "))),
        Broken::Min(bound) => Err(format!("{text:?} is less than {bound}, in length or size")),
        Broken::Max(bound) => Err(format!("{text:?} is more than {bound}, in length or size")),
    })
}

fn word(kind: &Kind) -> &'static str {
    match kind {
        Kind::Structure(_) => "an object",
        Kind::List { .. } => "an array",
        Kind::String | Kind::Timestamp => "a text",
        Kind::Integer | Kind::Long | Kind::Double => "a number",
        Kind::Boolean => "true or false",
    }
}

/// The text of a value of this shape, its members in the order of the shape, indented as the AWS CLI does.
pub fn show(model: &Model, shape: &str, value: &Value) -> String {
    let mut text = String::new();
    put(model, shape, value, 0, &mut text);
    text.push('\n');
    text
}

fn put(model: &Model, shape: &str, value: &Value, depth: usize, out: &mut String) {
    let shape = model.shape(shape);
    match (value, &shape.kind) {
        (Value::Struct(says), Kind::Structure(members)) => {
            let said = members.iter().filter_map(|member| Some((member, says.get(member.name)?)));
            let item = |(member, value): (&Member, &Value), out: &mut String| {
                out.push_str(&format!("{}: ", quoted(member.name)));
                put(model, member.shape, value, depth + 1, out);
            };
            put_items(['{', '}'], said, depth, out, item);
        }
        (Value::List(items), Kind::List { of, .. }) => {
            put_items(['[', ']'], items.iter(), depth, out, |value, out| put(model, of, value, depth + 1, out));
        }
        (Value::Text(text), Kind::Integer | Kind::Long | Kind::Double | Kind::Boolean) => out.push_str(text),
        (Value::Text(text), _) => out.push_str(&quoted(text)),
        // What an operation says is of its shape.
        (Value::Struct(_) | Value::List(_), _) => debug_assert!(false, "{} is no such value: {value:?}", shape.name),
    }
}

fn put_items<T>(
    [open, close]: [char; 2],
    items: impl Iterator<Item = T>,
    depth: usize,
    out: &mut String,
    item: impl Fn(T, &mut String),
) {
    out.push(open);
    let mut separator = "";
    for one in items {
        out.push_str(&format!("{separator}\n{}", "    ".repeat(depth + 1)));
        item(one, out);
        separator = ",";
    }
    if !separator.is_empty() {
        out.push_str(&format!("\n{}", "    ".repeat(depth)));
    }
    out.push(close);
}

fn quoted(text: &str) -> String {
    Json::String(text.to_owned()).to_string()
}
