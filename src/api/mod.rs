//! The admin HTTP listener: is it alive, is it ready, what does it count, what does it know, what happens.
//!
//! Not DNS over HTTPS. These pages change nothing, so they ask nobody who they are: listen on loopback, or where only
//! operators reach it. Those that change something are in `overrides`, `signals`, `backup` and `route53`. Invariant: a
//! response tells of one snapshot.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, http::Uri};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::answer::Identity;
use crate::clock;
use crate::snapshot::Published;
use crate::telemetry::Telemetry;
use crate::telemetry::scrape::{self, Scraper};

use explain::{Parameters, read_request};

pub use listen::{HttpLimits, Peer, serve};
pub use readiness::{Phase, Readiness};

mod auth;
mod backup;
pub mod desk;
mod events;
mod explain;
mod health;
mod listen;
mod orders;
pub mod overrides;
mod readiness;
pub mod route53;
mod signals;
mod throttle;

/// What the pages show.
#[derive(Clone)]
pub struct Admin {
    published: Arc<Published>,
    identity: Arc<ArcSwap<Identity>>,
    readiness: Arc<Readiness>,
    telemetry: Arc<Telemetry>,
    scraper: Arc<Scraper>,
    /// Places for those who follow events.
    streams: Arc<Semaphore>,
}

impl Admin {
    pub fn new(published: Arc<Published>, telemetry: Arc<Telemetry>, readiness: Arc<Readiness>) -> Self {
        let scraper = Arc::new(Scraper::new(telemetry.clone(), published.clone()));
        let streams = Arc::new(Semaphore::new(events::STREAMS_MAX));
        Self { published, identity: Arc::default(), readiness, telemetry, scraper, streams }
    }

    /// The same pages, explaining answers as the server of this identity gives them.
    pub fn answering_as(self, identity: Arc<ArcSwap<Identity>>) -> Self {
        Self { identity, ..self }
    }

    /// The pages, by path.
    pub fn router(self) -> Router {
        Router::new()
            .route("/healthz", get(healthz))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics))
            .route("/v1/health", get(health::all))
            .route("/v1/checks/{id}", get(health::one))
            .route("/v1/checks/{id}/history", get(health::history))
            .route("/v1/events", get(events::answer))
            .route("/v1/explain", get(explain))
            .fallback(not_found)
            .layer(DefaultBodyLimit::max(BODY_MAX))
            .with_state(self)
    }
}

/// The process runs; whether it should be sent queries is [`readyz`]'s business.
async fn healthz() -> &'static str {
    "ok\n"
}

async fn readyz(State(admin): State<Admin>) -> Response {
    match admin.readiness.phase().unready_because() {
        None => "ready\n".into_response(),
        Some(because) => (StatusCode::SERVICE_UNAVAILABLE, format!("{because}\n")).into_response(),
    }
}

async fn metrics(State(admin): State<Admin>) -> impl IntoResponse {
    // Of many checks it takes a while: off the threads that probes run on.
    let text = tokio::task::spawn_blocking(move || admin.scraper.render(clock::now())).await;
    ([(header::CONTENT_TYPE, scrape::CONTENT_TYPE)], text.expect("a scrape does not panic, and the runtime outlives it"))
}

async fn explain(State(admin): State<Admin>, parameters: Result<Query<Parameters>, QueryRejection>) -> Response {
    match read_request(parameters) {
        Ok(request) => Json(crate::explain::explain(&admin.published.load(), &admin.identity.load(), &request)).into_response(),
        Err(detail) => (StatusCode::BAD_REQUEST, Json(json!({ "error": detail }))).into_response(),
    }
}

async fn not_found(uri: Uri) -> Response {
    let detail = format!(
        "{} is no page here; /healthz, /readyz, /metrics, /v1/health, /v1/checks/ID, /v1/checks/ID/history, /v1/events, \
         /v1/explain, /v1/overrides, /v1/audit, /v1/signals, /v1/failback and /v1/failover are",
        uri.path()
    );
    (StatusCode::NOT_FOUND, Json(json!({ "error": detail }))).into_response()
}

/// Octets of a request body; none of these pages takes one.
const BODY_MAX: usize = 64 << 10;
