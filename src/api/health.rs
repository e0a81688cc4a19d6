//! `/v1/health`: every health check's status, why, and since when.
//!
//! Reads the published snapshot and nothing else. Invariant: `healthy` is what answers go by at that moment.

use serde::Serialize;

use crate::health::table::Verdict;
use crate::snapshot::Snapshot;
use crate::telemetry::status_word;

/// The body of a response.
#[derive(Serialize)]
pub(super) struct HealthPage<'s> {
    /// Which snapshot this is about.
    generation: u64,
    /// In the order of their ids.
    checks: Vec<CheckStatus<'s>>,
}

#[derive(Serialize)]
struct CheckStatus<'s> {
    id: &'s str,
    status: &'static str,
    healthy: bool,
    /// RFC 3339.
    since: String,
    because: &'s str,
}

impl<'s> From<&'s Snapshot> for HealthPage<'s> {
    fn from(snapshot: &'s Snapshot) -> Self {
        Self { generation: snapshot.generation, checks: snapshot.health.iter().map(CheckStatus::from).collect() }
    }
}

impl<'s> From<&'s Verdict> for CheckStatus<'s> {
    fn from(verdict: &'s Verdict) -> Self {
        Self {
            id: verdict.id.as_str(),
            status: status_word(verdict.status),
            healthy: verdict.healthy,
            since: verdict.since.to_string(),
            because: &verdict.because,
        }
    }
}
