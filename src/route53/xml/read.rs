//! Elements become the structure that an operation takes, each member seen to be of its shape.
//!
//! Members may come in any order. Invariant: a structure that is returned has every required member of its body, and
//! each scalar parses as its kind and lies within its bounds.

use super::element::{Element, is_space, parse};
use super::invalid::{At, Invalid};
use crate::route53::bounds::{self, Broken, Rules};
use crate::route53::error::ApiError;
use crate::route53::request::{bare, is_prefixed_id};
use crate::route53::shapes::{Kind, Member, Model, Place, Shape};
use crate::route53::value::{Struct, Value};

/// Reads a request's body, whose root is named like its shape. No body is as good as a root with nothing in it where no
/// member is required: botocore sends none then.
///
/// # Errors
/// `InvalidInput`, with the place of the first fault.
pub fn read(model: &Model, shape: &'static str, body: &[u8], rules: Rules) -> Result<Struct, ApiError> {
    let mut members = model.members(shape).iter().filter(|member| member.place == Place::Body);
    if body.is_empty() && !members.any(|member| member.required) {
        return Ok(Struct::new());
    }
    Reader { model, rules, is_bounded: true }.root(shape, body).map_err(|invalid| invalid.of(body))
}

/// Reads a response's body, whose root is named like its shape; its values are taken as they are.
///
/// # Errors
/// `InvalidInput`, with the place of the first fault.
pub fn response(model: &Model, shape: &'static str, body: &[u8]) -> Result<Struct, ApiError> {
    let reader = Reader { model, rules: Rules::default(), is_bounded: false };
    reader.root(shape, body).map_err(|invalid| invalid.of(body))
}

/// The code and the message of an error's body, if it is one.
pub fn error(body: &[u8]) -> Option<(String, String)> {
    let root = parse(std::str::from_utf8(body).ok()?).ok()?;
    let child = |of: &Element, name: &str| of.children.iter().position(|child| child.name == name);
    let error = &root.children[child(&root, "Error")?];
    let text = |name: &str| Some(error.children[child(error, name)?].text.clone());
    Some((text("Code")?, text("Message").unwrap_or_default()))
}

struct Reader<'m> {
    model: &'m Model,
    rules: Rules,
    /// Whether values must lie within the bounds of their shapes.
    is_bounded: bool,
}

impl Reader<'_> {
    fn root(&self, shape: &'static str, body: &[u8]) -> Result<Struct, Invalid> {
        let no_utf8 = |error: std::str::Utf8Error| Invalid::syntax(At(error.valid_up_to()), "Invalid byte of UTF-8 sequence.");
        let root = parse(std::str::from_utf8(body).map_err(no_utf8)?)?;
        match root.name == shape && root.ours {
            true => self.structure(shape, &root),
            false => Err(Invalid::root(root.end, &root.name)),
        }
    }

    fn structure(&self, shape: &str, element: &Element) -> Result<Struct, Invalid> {
        let members: Vec<&Member> = self.model.members(shape).iter().filter(|member| member.place == Place::Body).collect();
        refuse_text(element)?;
        let mut read = Struct::new();
        for child in &element.children {
            let member = members.iter().find(|member| child.ours && member.name == child.name && !read.has(member.name));
            let Some(member) = member else {
                let expected: Vec<&str> = members.iter().map(|member| member.name).filter(|name| !read.has(name)).collect();
                return Err(Invalid::unexpected(child.end, &child.name, &expected));
            };
            read.set(member.name, self.value(self.model.shape(member.shape), child)?);
        }
        let missing: Vec<&str> =
            members.iter().filter(|member| member.required && !read.has(member.name)).map(|member| member.name).collect();
        match missing.is_empty() {
            true => Ok(read),
            false => Err(Invalid::missing(element.end, &element.name, &missing)),
        }
    }

    fn value(&self, shape: &Shape, element: &Element) -> Result<Value, Invalid> {
        match &shape.kind {
            Kind::Structure(_) => self.structure(shape.name, element).map(Value::Struct),
            Kind::List { of, item } => self.list(shape, of, item, element),
            _ => match element.children.first() {
                Some(child) => Err(Invalid::unexpected(child.end, &child.name, &[])),
                None => self.scalar(shape, element),
            },
        }
    }

    fn list(&self, shape: &Shape, of: &str, item: &'static str, element: &Element) -> Result<Value, Invalid> {
        refuse_text(element)?;
        let of = self.model.shape(of);
        let mut items = Vec::with_capacity(element.children.len());
        for child in &element.children {
            if child.name != item || !child.ours {
                return Err(Invalid::unexpected(child.end, &child.name, &[item]));
            }
            items.push(self.value(of, child)?);
        }
        let len = items.len() as i64;
        match bounds::count(shape, len, self.rules) {
            _ if !self.is_bounded => Ok(Value::List(items)),
            Ok(()) => Ok(Value::List(items)),
            Err(Broken::Min(_)) => Err(Invalid::missing(element.end, &element.name, &[item])),
            Err(_) => Err(Invalid::unexpected(element.end, item, &[])),
        }
    }

    fn scalar(&self, shape: &Shape, element: &Element) -> Result<Value, Invalid> {
        let at = element.end;
        // Ids may have their kind before them here as well as in a path.
        let text = if is_prefixed_id(shape.name) { bare(&element.text) } else { &element.text };
        let is_string = shape.kind == Kind::String;
        match bounds::scalar(shape, text, self.rules) {
            _ if !self.is_bounded => Ok(Value::Text(text.to_owned())),
            Ok(text) => Ok(Value::Text(text)),
            Err(Broken::Kind(datatype)) => Err(Invalid::datatype(at, text, datatype)),
            Err(Broken::Choice) => Err(Invalid::enumeration(at, text, &shape.choices)),
            Err(Broken::Min(bound)) if is_string => Err(Invalid::length(at, text, "minLength", bound, shape.name)),
            Err(Broken::Max(bound)) if is_string => Err(Invalid::length(at, text, "maxLength", bound, shape.name)),
            Err(Broken::Min(bound)) => Err(Invalid::bound(at, text, "minInclusive", bound, shape.name)),
            Err(Broken::Max(bound)) => Err(Invalid::bound(at, text, "maxInclusive", bound, shape.name)),
            Err(Broken::Pattern(pattern)) => Err(Invalid::pattern(at, text, &pattern, shape.name)),
        }
    }
}

/// Structures and lists hold elements, and only space between them.
fn refuse_text(element: &Element) -> Result<(), Invalid> {
    match is_space(&element.text) {
        true => Ok(()),
        false => Err(Invalid::characters(element.end, &element.name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_body_is_a_structure_without_members_unless_one_is_required() {
        let model = Model::new();
        let read = |shape| read(&model, shape, b"", Rules::default());
        assert_eq!(read("UpdateHostedZoneCommentRequest"), Ok(Struct::new()));
        let error = read("ChangeResourceRecordSetsRequest").unwrap_err();
        assert!(error.to_string().contains("Premature end of file."), "{error}");
    }
}
