//! A request's line becomes an operation and the parameters in its path and query.
//!
//! Knows no bodies. Ids are taken with or without the kind before them (`/hostedzone/Z1`), as the clients send them.
//! Invariant: of two operations that a path fits, the one with more literal segments is asked for.
//! Source: Route 53 API 2013-04-01, each operation's request syntax.

use super::bounds::{self, Broken, Rules};
use super::error::ApiError;
use super::percent::{decode_query, decode_segment};
use super::shapes::{Kind, Model, Operation, Place, Segment, Shape};
use super::value::Struct;

/// What version of the API a path is of.
pub const VERSION: &str = "2013-04-01";

/// Finds the operation, and what its path and query say.
///
/// # Errors
/// A path or method that is no operation's, and parameters that are not of their shapes.
pub fn read<'m>(
    model: &'m Model,
    method: &str,
    path: &str,
    query: &str,
    rules: Rules,
) -> Result<(&'m Operation, Struct), ApiError> {
    let segments = segments(path);
    let (version, rest) = segments.split_first().ok_or_else(|| unknown(404, method, path))?;
    // A signature may have been made for the path without them.
    let has_dots = path.split('/').any(|segment| matches!(segment, "." | ".."));
    if version != VERSION || has_dots {
        return Err(unknown(404, method, path));
    }
    let fits = |operation: &&Operation| fits(operation, rest);
    let literals = |operation: &&Operation| operation.path.iter().filter(|s| matches!(s, Segment::Literal(_))).count();
    let mut known = model.operations().iter().filter(fits).peekable();
    if known.peek().is_none() {
        return Err(unknown(404, method, path));
    }
    let operation = known.filter(|operation| operation.method == method).max_by_key(literals);
    let operation = operation.ok_or_else(|| unknown(405, method, path))?;
    let mut says = Struct::new();
    for member in operation.input.map(|input| model.members(input)).unwrap_or_default() {
        let shape = model.shape(member.shape);
        let found = match member.place {
            Place::Uri(name) => parameter(operation, rest, name),
            Place::Query(name) => form_urlencoded(query).find(|(known, _)| known == name).map(|(_, value)| value),
            Place::Body | Place::Header(_) => continue,
        };
        match found {
            Some(found) => says.set(member.name, scalar(shape, member.name, found, rules)?),
            None if member.required => return Err(ApiError::invalid_input(is_null(member.name))),
            None => {}
        }
    }
    Ok((operation, says))
}

fn unknown(status: u16, method: &str, path: &str) -> ApiError {
    ApiError::new("UnknownOperationException", status, format!("{method} {path} is no operation of Route 53 {VERSION}."))
}

/// The path's segments, decoded, without empty ones; a kind that is written twice (`hostedzone//hostedzone/Z1`) once.
fn segments(path: &str) -> Vec<String> {
    let mut segments: Vec<String> = Vec::new();
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        let segment = text(decode_segment(segment));
        if segments.len() != 2 || segments[1] != segment {
            segments.push(segment);
        }
    }
    segments
}

fn fits(operation: &Operation, segments: &[String]) -> bool {
    operation.path.len() == segments.len()
        && operation.path.iter().zip(segments).all(|(expected, found)| match expected {
            Segment::Literal(literal) => literal == found,
            Segment::Parameter(_) => true,
        })
}

fn parameter(operation: &Operation, segments: &[String], name: &str) -> Option<String> {
    let at = operation.path.iter().position(|segment| matches!(segment, Segment::Parameter(known) if *known == name))?;
    segments.get(at).cloned()
}

/// A parameter that is of its shape; ids without the kind before them.
fn scalar(shape: &Shape, name: &str, found: String, rules: Rules) -> Result<String, ApiError> {
    let found = match is_prefixed_id(shape.name) {
        true => bare(&found).to_owned(),
        false => found,
    };
    let text = bounds::scalar(shape, &found, rules);
    text.map_err(|broken| ApiError::invalid_input(failed(shape, name, &found, &broken)))
}

/// Whether values of this shape may carry their kind, as in `/hostedzone/Z1`.
pub fn is_prefixed_id(shape: &str) -> bool {
    matches!(shape, "ResourceId" | "DelegationSetId" | "ChangeId")
}

/// An id without the kind before it.
pub fn bare(id: &str) -> &str {
    id.rsplit_once('/').map_or(id, |(_, bare)| bare)
}

/// What AWS says of a parameter that breaks a constraint.
fn failed(shape: &Shape, name: &str, value: &str, broken: &Broken) -> String {
    let is_size = shape.kind != Kind::String;
    let must = match broken {
        Broken::Kind(kind) => format!("Member must be of type {kind}"),
        Broken::Choice => format!("Member must satisfy enum value set: [{}]", shape.choices.join(", ")),
        Broken::Min(bound) if is_size => format!("Member must have value greater than or equal to {bound}"),
        Broken::Max(bound) if is_size => format!("Member must have value less than or equal to {bound}"),
        Broken::Min(bound) => format!("Member must have length greater than or equal to {bound}"),
        Broken::Max(bound) => format!("Member must have length less than or equal to {bound}"),
        Broken::Pattern(pattern) => format!("Member must satisfy regular expression pattern: {pattern}"),
    };
    unsatisfied(name, value, &must)
}

/// What AWS says of a member whose value is not as it must be.
pub(super) fn unsatisfied(name: &str, value: &str, must: &str) -> String {
    let name = in_camel_case(name);
    format!("1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: {must}")
}

fn is_null(name: &str) -> String {
    let name = in_camel_case(name);
    format!("1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null")
}

fn in_camel_case(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

/// The names and values of a query, in its order.
fn form_urlencoded(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (text(decode_query(name)), text(decode_query(value)))
    })
}

/// As text; what does not decode to UTF-8 is replaced, so that nothing it could be taken for fits it.
fn text(octets: Vec<u8>) -> String {
    String::from_utf8(octets).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(method: &str, path: &str, query: &str) -> Result<(&'static str, Struct), ApiError> {
        let model = Model::new();
        read(&model, method, path, query, Rules::default()).map(|(operation, says)| (operation.name, says))
    }

    #[test]
    fn ids_come_bare_prefixed_and_escaped() {
        let paths = [
            "/2013-04-01/hostedzone/Z1/rrset",
            "/2013-04-01/hostedzone/Z1/rrset/",
            "/2013-04-01/hostedzone//hostedzone/Z1/rrset",
            "/2013-04-01/hostedzone/%2Fhostedzone%2FZ1/rrset",
            "//2013-04-01//hostedzone/Z1//rrset",
        ];
        for path in paths {
            let (name, says) = ask("GET", path, "name=%5C052.example.org&maxitems=5").expect(path);
            assert_eq!((name, says.word("HostedZoneId")), ("ListResourceRecordSets", "Z1"), "{path}");
            assert_eq!(says.word("StartRecordName"), r"\052.example.org");
        }
    }

    #[test]
    fn literal_segments_are_preferred() {
        assert_eq!(
            ask("GET", "/2013-04-01/trafficpolicyinstances/hostedzone", "id=Z1").unwrap().0,
            "ListTrafficPolicyInstancesByHostedZone"
        );
        assert_eq!(ask("GET", "/2013-04-01/hostedzone", "").unwrap().0, "ListHostedZones");
        assert_eq!(ask("POST", "/2013-04-01/hostedzone/Z1", "").unwrap().0, "UpdateHostedZoneComment");
    }

    #[test]
    fn every_operation_is_found_by_its_own_path() {
        let model = Model::new();
        for operation in model.operations() {
            let segments = operation.path.iter().map(|segment| match segment {
                Segment::Literal(literal) => (*literal).to_owned(),
                Segment::Parameter(name) => sample(&model, operation, name).to_owned(),
            });
            let path = format!("/{VERSION}/{}", segments.collect::<Vec<_>>().join("/"));
            let query: Vec<String> = model
                .members(operation.input.unwrap_or("Change"))
                .iter()
                .filter_map(|member| match member.place {
                    Place::Query(name) if member.required => Some(format!("{name}={}", sample(&model, operation, name))),
                    _ => None,
                })
                .collect();
            let found = read(&model, operation.method, &path, &query.join("&"), Rules::default()).map(|(found, _)| found.name);
            assert_eq!(found, Ok(operation.name), "{path}");
        }
    }

    /// A value that the parameter's shape takes.
    fn sample(model: &Model, operation: &Operation, name: &str) -> &'static str {
        let members = model.members(operation.input.expect("an operation with parameters has an input"));
        let is_it = |member: &&crate::route53::shapes::Member| match member.place {
            Place::Uri(known) | Place::Query(known) => known == name,
            _ => false,
        };
        let member = members.iter().find(is_it);
        let shape = model.shape(member.expect("each parameter is a member").shape);
        match (shape.choices.first(), &shape.kind, &shape.pattern) {
            (Some(choice), ..) => choice,
            (_, Kind::Integer, _) => "1",
            (.., Some(_)) => "11111111-2222-3333-4444-555555555555",
            _ => "Z123",
        }
    }

    #[test]
    fn an_escape_without_two_digits_stands_for_itself() {
        for (text, decoded) in [("%41%4a", "AJ"), ("%+1", "%+1"), ("%", "%"), ("%4", "%4"), ("%zz", "%zz"), ("%ff", "\u{fffd}")] {
            assert_eq!(super::text(decode_segment(text)), decoded, "{text}");
        }
    }

    #[test]
    fn what_is_no_operation_says_so() {
        assert_eq!(ask("GET", "/2013-04-01/nothing", "").unwrap_err().status, 404);
        assert_eq!(ask("GET", "/2012-12-12/hostedzone", "").unwrap_err().status, 404);
        assert_eq!(ask("PUT", "/2013-04-01/hostedzone", "").unwrap_err().status, 405);
    }

    #[test]
    fn a_parameter_out_of_bounds_is_told_as_aws_does() {
        let long = "Z".repeat(33);
        let error = ask("GET", &format!("/2013-04-01/hostedzone/{long}"), "").unwrap_err();
        let expected = format!(
            "1 validation error detected: Value '{long}' at 'id' failed to satisfy constraint: Member must have length less than or equal to 32"
        );
        assert_eq!(error, ApiError::invalid_input(expected));
    }
}
