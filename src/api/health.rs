//! `/v1/health`: every health check's status, why, and since when.
//!
//! Reads the published snapshot and nothing else. Invariant: `healthy` is what answers go by at that moment.

use serde::Serialize;

use crate::health::table::{Seen, Verdict};
use crate::ids::HealthIndex;
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
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failure: Option<LastFailure>,
}

/// The last probe that failed, whether or not the endpoint has recovered since.
#[derive(Serialize)]
struct LastFailure {
    /// RFC 3339.
    at: String,
    because: String,
}

impl<'s> From<&'s Snapshot> for HealthPage<'s> {
    fn from(snapshot: &'s Snapshot) -> Self {
        let (health, places) = (&snapshot.health, (0..).map(HealthIndex));
        let checks = health.iter().zip(places).map(|(verdict, at)| CheckStatus::of(verdict, health.seen(at))).collect();
        Self { generation: snapshot.generation, checks }
    }
}

impl<'s> CheckStatus<'s> {
    fn of(verdict: &'s Verdict, seen: &Seen) -> Self {
        let last_failure = seen.last_failure.as_ref();
        Self {
            id: verdict.id.as_str(),
            status: status_word(verdict.status),
            healthy: verdict.healthy,
            since: verdict.since.to_string(),
            because: &verdict.because,
            last_failure: last_failure.map(|seen| LastFailure { at: seen.at.to_string(), because: seen.outcome.to_string() }),
        }
    }
}
