//! Whether a scalar is of its shape: kind, length or size, enumeration, pattern.
//!
//! Knows not where the scalar came from; bodies and parameters word what is wrong differently. Invariant: an accepted
//! scalar's text parses as its kind. Source: the model's facets.

use super::shapes::{Kind, Shape};

/// How strictly to take the bounds that protect AWS and nobody else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Everything as in AWS.
    pub strict: bool,
}

/// Which facet a scalar breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// It is no value of this datatype.
    Kind(&'static str),
    Choice,
    Min(i64),
    Max(i64),
    /// As the model writes it.
    Pattern(String),
}

/// Shapes whose bounds AWS needs and we do not: probes may be closer together, and a list may be shorter.
const ONLY_AWS: &[&str] = &["RequestInterval", "HealthCheckRegionList", "ResourceTagSet"];

/// The scalar's text as it will be read: numbers and booleans without space around them.
///
/// # Errors
/// The first facet that it breaks.
pub fn scalar(shape: &Shape, text: &str, rules: Rules) -> Result<String, Broken> {
    let trimmed = text.trim_matches([' ', '\t', '\r', '\n']);
    match shape.kind {
        Kind::Integer => number(shape, trimmed, i32::MIN.into(), i32::MAX.into(), "integer", rules),
        Kind::Long => number(shape, trimmed, i64::MIN, i64::MAX, "long", rules),
        Kind::Double => trimmed.parse::<f64>().map(|_| trimmed.to_owned()).map_err(|_| Broken::Kind("double")),
        Kind::Boolean => match trimmed {
            "true" | "1" => Ok("true".to_owned()),
            "false" | "0" => Ok("false".to_owned()),
            _ => Err(Broken::Kind("boolean")),
        },
        Kind::Timestamp => trimmed.parse::<jiff::Timestamp>().map(|_| trimmed.to_owned()).map_err(|_| Broken::Kind("dateTime")),
        Kind::String | Kind::Structure(_) | Kind::List { .. } => string(shape, text, rules).map(|()| text.to_owned()),
    }
}

fn number(shape: &Shape, text: &str, least: i64, most: i64, kind: &'static str, rules: Rules) -> Result<String, Broken> {
    match text.trim_start_matches('+').parse::<i64>() {
        Ok(found) if (least..=most).contains(&found) => count(shape, found, rules).map(|()| found.to_string()),
        _ => Err(Broken::Kind(kind)),
    }
}

fn string(shape: &Shape, text: &str, rules: Rules) -> Result<(), Broken> {
    if !shape.choices.is_empty() && !shape.choices.contains(&text) {
        return Err(Broken::Choice);
    }
    count(shape, text.chars().count() as i64, rules)?;
    match &shape.pattern {
        Some(pattern) if !pattern.is_match(text) => {
            let written = pattern.as_str().trim_start_matches("^(?:").trim_end_matches(")$");
            Err(Broken::Pattern(written.replace("[[:ascii:]]", r"\p{ASCII}")))
        }
        _ => Ok(()),
    }
}

/// Whether a size lies within the shape's bounds.
///
/// # Errors
/// The bound that it breaks.
pub fn count(shape: &Shape, found: i64, rules: Rules) -> Result<(), Broken> {
    let lenient = !rules.strict && ONLY_AWS.contains(&shape.name);
    match (shape.min, shape.max) {
        (Some(min), _) if found < if lenient { 1 } else { min } => Err(Broken::Min(min)),
        (_, Some(max)) if found > max && !lenient => Err(Broken::Max(max)),
        _ => Ok(()),
    }
}
