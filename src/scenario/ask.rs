//! One question asked over every way that chance can fall: each response, and how likely it is.
//!
//! Samples nothing. Invariant: there is one response for each path of chance, and their probabilities sum to 1.

use super::case::Case;
use crate::answer::Identity;
use crate::explain::{ExplainReport, ExplainRequest, explain_by};
use crate::routing::chance::Paths;
use crate::snapshot::Snapshot;

/// One response that a query may get, and how likely that is.
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
    let resolver = case.resolver.unwrap_or(case.client.resolver());
    let mut responses = Vec::new();
    // A share is over all clients: what sticks to each of them is shared out by weight.
    let paths = if case.expect.share.is_empty() { Paths::new() } else { Paths::over_clients() };
    walk(paths, PATHS_MAX, |paths| {
        let report = explain_by(snapshot, identity, &request, resolver, &mut *paths);
        responses.push(Response { probability: paths.probability(), report });
    })?;
    Ok(responses)
}

/// Calls `on_path` once for each way that chance can fall, from `paths` on.
///
/// # Errors
/// [`TooManyPaths`] when there are more than `max`; `on_path` was called for so many.
pub(super) fn walk(mut paths: Paths, max: usize, mut on_path: impl FnMut(&mut Paths)) -> Result<(), TooManyPaths> {
    for _ in 0..max {
        on_path(&mut paths);
        if !paths.next_path() {
            return Ok(());
        }
    }
    Err(TooManyPaths { max })
}

/// How many ways chance may fall for one question.
pub(super) const PATHS_MAX: usize = 4_096;
