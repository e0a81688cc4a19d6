//! A structure becomes the body of a response, in the order of its shape.
//!
//! Members that are absent are left out, lists that are required are written even when empty: several clients index them
//! without asking. Invariant: only members of the shape are written. Source: Route 53 API 2013-04-01, recorded answers.

use std::fmt::Write;

use super::NAMESPACE;
use crate::route53::error::ApiError;
use crate::route53::shapes::{Kind, Member, Model, Place};
use crate::route53::value::{Struct, Value};

/// The first line of every body.
const DECLARATION: &str = "<?xml version=\"1.0\"?>\n";

/// The body of a response of this shape.
pub fn response(model: &Model, shape: &'static str, says: &Struct) -> String {
    let mut body = DECLARATION.to_owned();
    let mut inner = String::new();
    put_members(model, shape, says, &mut inner);
    put_element(&mut body, shape, &format!(" xmlns=\"{NAMESPACE}\""), &inner);
    body
}

/// The body of a response to an operation whose output has no members.
pub fn empty(name: &str) -> String {
    format!("{DECLARATION}<{name} xmlns=\"{NAMESPACE}\"/>")
}

/// The body of an error.
pub fn error(model: &Model, error: &ApiError, request_id: &str) -> String {
    let kind = if error.status < 500 { "Sender" } else { "Receiver" };
    let mut inner = format!("<Type>{kind}</Type><Code>{}</Code>", error.code);
    put_scalar(&mut inner, "Message", &error.message);
    if let Some(more) = &error.more {
        put_members(model, more.0, &more.1, &mut inner);
    }
    let mut body = DECLARATION.to_owned();
    let _ = write!(body, "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error>{inner}</Error>");
    put_scalar(&mut body, "RequestId", request_id);
    body.push_str("</ErrorResponse>");
    body
}

fn put_members(model: &Model, shape: &str, says: &Struct, out: &mut String) {
    let members = model.members(shape);
    debug_assert!(
        says.names().all(|name| members.iter().any(|member| member.name == name)),
        "{shape} has no such member: {says:?}"
    );
    for member in members.iter().filter(|member| !matches!(member.place, Place::Header(_))) {
        put_member(model, member, says.get(member.name), out);
    }
}

fn put_member(model: &Model, member: &Member, value: Option<&Value>, out: &mut String) {
    match (&model.shape(member.shape).kind, value) {
        (Kind::List { of, item }, Some(Value::List(items))) => {
            let mut inner = String::new();
            items.iter().for_each(|value| put_value(model, of, item, value, &mut inner));
            put_element(out, member.name, "", &inner);
        }
        (Kind::List { .. }, None) if member.required => put_element(out, member.name, "", ""),
        (_, Some(value)) => put_value(model, member.shape, member.name, value, out),
        (_, None) => {}
    }
}

fn put_value(model: &Model, shape: &str, name: &str, value: &Value, out: &mut String) {
    match value {
        Value::Text(text) => put_scalar(out, name, text),
        Value::Struct(says) => {
            let mut inner = String::new();
            put_members(model, shape, says, &mut inner);
            put_element(out, name, "", &inner);
        }
        // No shape of this API is a list of lists.
        Value::List(_) => debug_assert!(false, "{shape} is no list"),
    }
}

fn put_element(out: &mut String, name: &str, attributes: &str, inner: &str) {
    let _ = match inner {
        "" => write!(out, "<{name}{attributes}/>"),
        _ => write!(out, "<{name}{attributes}>{inner}</{name}>"),
    };
}

fn put_scalar(out: &mut String, name: &str, text: &str) {
    let _ = write!(out, "<{name}>");
    escape(text, out);
    let _ = write!(out, "</{name}>");
}

/// Text as XML 1.0 can hold it: what it cannot hold at all is replaced.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#xD;"),
            '\t' | '\n' => out.push(c),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}
