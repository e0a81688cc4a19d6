//! `/v1/explain?name=&type=&client=&draw=`: what a query would be answered now, and why.
//!
//! Reads a question out of parameters; [`crate::explain`] does the rest, as for the command line. Invariant: asking
//! changes nothing, and counts as no query.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use serde::Deserialize;

use crate::explain::{Client, ExplainRequest};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;

/// The parameters as they came.
#[derive(Deserialize)]
pub(super) struct Parameters {
    name: String,
    #[serde(rename = "type", default = "default_type")]
    rtype: String,
    #[serde(default = "default_client")]
    client: String,
    #[serde(default)]
    draw: u64,
}

fn default_type() -> String {
    "A".to_owned()
}

fn default_client() -> String {
    "127.0.0.1".to_owned()
}

/// What is asked.
///
/// # Errors
/// Which parameter is wrong, and what would be accepted.
pub(super) fn read_request(parameters: Result<Query<Parameters>, QueryRejection>) -> Result<ExplainRequest, String> {
    let Query(asked) = parameters.map_err(|error| format!("{error}; name is needed, type, client and draw are accepted"))?;
    let name = Name::parse(&asked.name, Some(&Name::root())).map_err(|error| format!("name {:?}: {error}", asked.name))?;
    let rtype: RecordType = asked.rtype.parse().map_err(|error| format!("type: {error}"))?;
    let client: Client = asked.client.parse().map_err(|error| format!("client: {error}"))?;
    Ok(ExplainRequest { name, rtype, client, draw: asked.draw })
}
