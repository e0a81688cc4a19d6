//! `/v1/health`, `/v1/checks/ID` and `/v1/checks/ID/history`: what is known of health checks, and what became of them.
//!
//! Reads the published snapshot and what telemetry remembers; `telemetry::report` says what is told. Invariant: `healthy` is
//! what answers go by at that moment.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Admin;
use crate::clock;
use crate::ids::HealthCheckId;
use crate::telemetry::report::{CheckInFull, HealthReport, HistoryReport};

pub(super) async fn all(State(admin): State<Admin>) -> Response {
    Json(HealthReport::of(&admin.published.load(), &admin.telemetry)).into_response()
}

pub(super) async fn one(State(admin): State<Admin>, Path(id): Path<String>) -> Response {
    let report =
        HealthCheckId::new(&id).ok().and_then(|id| CheckInFull::of(&id, &admin.published.load(), &admin.telemetry, clock::now()));
    report.map_or_else(|| unknown(&id), |report| Json(report).into_response())
}

pub(super) async fn history(State(admin): State<Admin>, Path(name): Path<String>) -> Response {
    match HealthCheckId::new(&name) {
        Ok(id) if admin.published.load().health.index(&id).is_some() => {
            let history = admin.telemetry.histories().of(&id);
            Json(HistoryReport::of(&id, history.as_deref())).into_response()
        }
        _ => unknown(&name),
    }
}

fn unknown(id: &str) -> Response {
    let detail = format!("there is no health check {id:?}; /v1/health has those there are");
    (StatusCode::NOT_FOUND, Json(json!({ "error": detail }))).into_response()
}
