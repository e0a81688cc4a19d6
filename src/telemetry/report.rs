//! What is told of health checks as JSON: written by the pages, read by `waypost status`.
//!
//! Decides nothing. Fields are only ever added. Invariant: `healthy` is what answers go by at that moment.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{PhaseLatency, Telemetry};
use crate::health::history::{History, Objective, Summary, Transition, Window};
use crate::health::table::{Seen, Verdict};
use crate::ids::{HealthCheckId, HealthIndex};
use crate::snapshot::Snapshot;

/// `GET /v1/health`
#[derive(Debug, Serialize, Deserialize)]
pub struct HealthReport {
    /// Which snapshot this is about.
    pub generation: u64,
    /// In the order of their ids.
    pub checks: Vec<CheckReport>,
}

/// One check as it is now.
#[derive(Debug, Serialize, Deserialize)]
pub struct CheckReport {
    pub id: String,
    /// `healthy`, `unhealthy` or `unknown`.
    pub status: String,
    /// What routing goes by.
    pub healthy: bool,
    pub since: Timestamp,
    pub because: String,
    /// The same in a short, stable word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Why routing goes by something else than the status, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<ExceptionReport>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<LastFailure>,
}

/// What routing goes by in the place of a status.
#[derive(Debug, Serialize, Deserialize)]
pub struct ExceptionReport {
    /// `forced_up`, `drained`, `held`, …
    pub kind: String,
    pub because: String,
}

/// The last probe that failed, whether or not the endpoint has recovered since.
#[derive(Debug, Serialize, Deserialize)]
pub struct LastFailure {
    pub at: Timestamp,
    pub because: String,
}

/// `GET /v1/checks/ID`
#[derive(Debug, Serialize, Deserialize)]
pub struct CheckInFull {
    #[serde(flatten)]
    pub check: CheckReport,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_not_after: Option<Timestamp>,
    /// In percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective: Option<f64>,
    pub windows: Vec<WindowReport>,
    /// How long the phases of the last probes took.
    pub phases: Vec<PhaseReport>,
}

/// What became of a check within a window that ends now. Times are in seconds.
#[derive(Debug, Serialize, Deserialize)]
pub struct WindowReport {
    /// `24h`, `7d`, `30d` or `365d`.
    pub window: String,
    /// The share of the known time that it was healthy; none where nothing is known.
    pub uptime: Option<f64>,
    pub healthy_secs: f64,
    pub unhealthy_secs: f64,
    pub unknown_secs: f64,
    pub failures: u64,
    /// Mean time between failures; none where nothing failed.
    pub mtbf_secs: Option<f64>,
    /// Mean time to recovery.
    pub mttr_secs: Option<f64>,
    /// False where the window begins amid changes of which only a sum is kept.
    pub exact: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<BudgetReport>,
}

/// How long a check may be unhealthy within a window.
#[derive(Debug, Serialize, Deserialize)]
pub struct BudgetReport {
    pub allowed_secs: f64,
    /// Negative once more is spent than allowed.
    pub left_secs: f64,
}

/// One phase of a check's last probes.
#[derive(Debug, Serialize, Deserialize)]
pub struct PhaseReport {
    pub phase: String,
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    /// How many probes that is of.
    pub probes: usize,
}

/// `GET /v1/checks/ID/history`
#[derive(Debug, Serialize, Deserialize)]
pub struct HistoryReport {
    pub id: String,
    /// Newest first.
    pub transitions: Vec<TransitionReport>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct TransitionReport {
    pub at: Timestamp,
    pub from: String,
    pub to: String,
    pub because: String,
}

impl HealthReport {
    /// Every check of a snapshot.
    pub fn of(snapshot: &Snapshot, telemetry: &Telemetry) -> Self {
        let (health, places) = (&snapshot.health, (0..).map(HealthIndex));
        let report = |(verdict, at)| CheckReport::of(verdict, health.seen(at), telemetry);
        Self { generation: snapshot.generation, checks: health.iter().zip(places).map(report).collect() }
    }
}

impl CheckReport {
    fn of(verdict: &Verdict, seen: &Seen, telemetry: &Telemetry) -> Self {
        let last_failure = seen.last_failure.as_ref();
        Self {
            id: verdict.id.to_string(),
            status: verdict.status.as_str().to_owned(),
            healthy: verdict.healthy,
            since: verdict.since,
            because: verdict.because.to_string(),
            exception: verdict.exception.as_ref().map(|exception| ExceptionReport {
                kind: exception.kind.as_str().to_owned(),
                because: exception.because.to_string(),
            }),
            code: telemetry.reason(verdict, seen).map(str::to_owned),
            last_failure: last_failure.map(|seen| LastFailure { at: seen.at, because: seen.outcome.to_string() }),
        }
    }
}

impl CheckInFull {
    /// All that is known of one check; none where the snapshot has no such check.
    pub fn of(id: &HealthCheckId, snapshot: &Snapshot, telemetry: &Telemetry, now: Timestamp) -> Option<Self> {
        let at = snapshot.health.index(id)?;
        let objective = telemetry.objective(id);
        let history = telemetry.histories().of(id);
        let window = |history: &History| {
            let report = |window| WindowReport::of(window, &history.summary(window, now), objective);
            Window::ALL.map(report).into()
        };
        Some(Self {
            check: CheckReport::of(snapshot.health.verdict(at), snapshot.health.seen(at), telemetry),
            certificate_not_after: telemetry.certificate_not_after(id),
            objective: objective.map(Objective::as_percent),
            windows: history.as_deref().map(window).unwrap_or_default(),
            phases: telemetry.latencies(id).iter().map(PhaseReport::of).collect(),
        })
    }
}

impl WindowReport {
    fn of(window: Window, summary: &Summary, objective: Option<Objective>) -> Self {
        let budget = objective.map(|objective| objective.budget(window, summary));
        Self {
            window: window.word().to_owned(),
            uptime: summary.uptime(),
            healthy_secs: summary.healthy.as_secs_f64(),
            unhealthy_secs: summary.unhealthy.as_secs_f64(),
            unknown_secs: summary.unknown.as_secs_f64(),
            failures: summary.failures,
            mtbf_secs: summary.mtbf().map(|time| time.as_secs_f64()),
            mttr_secs: summary.mttr().map(|time| time.as_secs_f64()),
            exact: summary.exact,
            budget: budget
                .map(|budget| BudgetReport { allowed_secs: budget.allowed.as_secs_f64(), left_secs: budget.left_secs() }),
        }
    }
}

impl PhaseReport {
    fn of(latency: &PhaseLatency) -> Self {
        let [p50_ms, p95_ms, p99_ms] = [latency.p50, latency.p95, latency.p99].map(|took| took.as_secs_f64() * 1e3);
        Self { phase: latency.phase.to_owned(), p50_ms, p95_ms, p99_ms, probes: latency.probes }
    }
}

impl HistoryReport {
    pub fn of(id: &HealthCheckId, history: Option<&History>) -> Self {
        let transitions = history.map(|history| history.transitions().map(TransitionReport::of).collect());
        Self { id: id.to_string(), transitions: transitions.unwrap_or_default() }
    }
}

impl TransitionReport {
    fn of(Transition { at, from, to, because }: Transition) -> Self {
        let [from, to] = [from, to].map(|status| status.as_str().to_owned());
        Self { at, from, to, because: because.to_string() }
    }
}
