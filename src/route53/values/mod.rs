//! Values of resource records as Route 53 writes them: text to rdata, and rdata to text.
//!
//! Near to master files and not the same: names are absolute without their final dot, escapes are octal, strings are
//! always quoted, numbers are decimal without units. Each type is a row of `forms`; reading (`read`) and showing
//! (`shown`) follow it. Invariant: what [`parse_value`] returns is valid for its type, and reads back from
//! [`show_value`] as it was.
//! Source: Route 53 developer guide, "Supported DNS record types".

mod forms;
mod read;
mod shown;
mod texts;

use std::fmt;

use super::fatal::Fatal;
use crate::wire::rtype::RecordType;
use crate::zone::rdata;

pub use forms::TYPES;
pub use shown::show_value;

/// The longest value, in characters (Route 53 API, `ResourceRecord`).
pub const VALUE_MAX: usize = 4_000;

/// A value that Route 53 refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidValue(pub Fatal);

/// Reads the value of one record.
///
/// # Errors
/// [`InvalidValue`] in Route 53's words.
pub fn parse_value(rtype: RecordType, value: &str) -> Result<Vec<u8>, InvalidValue> {
    read::parse(rtype, value).map_err(InvalidValue)
}

/// The rdata in the form in which two values that mean the same are equal: names in lower case.
pub fn canonical(rtype: RecordType, rdata: &[u8]) -> Vec<u8> {
    rdata::fold_names(rtype, rdata)
}

impl fmt::Display for InvalidValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invalid Resource Record: '{}'", self.0)
    }
}

impl std::error::Error for InvalidValue {}

#[cfg(test)]
mod tests;
