//! Backup and restore of what the Route 53 API owns, while the server runs.
//!
//! Knows no record. Who may write everything may do both. Invariants: a backup is the account at one moment; a restore
//! puts all of it in the place of what is there, or, for whatever reason, nothing. A body is read only after who sent it
//! is known, and one at a time.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Extension, Json, Router};
use hyper::body::Frame;
use serde_json::json;
use tokio::sync::Semaphore;

use super::Peer;
use super::route53::{Ledger, signed_request};
use crate::clock;
use crate::route53::access::{Action, Principal, Unauthenticated};
use crate::route53::account::backup::{self, Lines, PROBLEMS_MAX};
use crate::route53::error::ApiError;
use crate::route53::sigv4;

/// The two pages.
#[derive(Clone)]
struct Backups {
    ledger: Arc<dyn Ledger>,
    /// Held while a restore's body is in memory.
    turn: Arc<Semaphore>,
}

/// The two pages, by path.
pub(super) fn router(ledger: Arc<dyn Ledger>) -> Router {
    let backups = Backups { ledger, turn: Arc::new(Semaphore::new(1)) };
    Router::new()
        .route("/v1/route53/backup", get(answer_backup))
        .route("/v1/route53/restore", put(answer_restore))
        .with_state(backups)
}

/// Why a page is not answered: an error, and of a refused backup everything that is wrong with it.
struct Refused(ApiError, Vec<String>);

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self(error, Vec::new())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(error, problems) = self;
        let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(json!({ "code": error.code, "error": error.message, "problems": problems }))).into_response()
    }
}

async fn answer_backup(State(backups): State<Backups>, Extension(peer): Extension<Peer>, request: Request) -> Response {
    match backups.backup(peer, request).await {
        Ok(lines) => ([(header::CONTENT_TYPE, "application/jsonl")], Body::new(LineBody(lines))).into_response(),
        Err(refused) => refused.into_response(),
    }
}

async fn answer_restore(State(backups): State<Backups>, Extension(peer): Extension<Peer>, request: Request) -> Response {
    match backups.restore(peer, request).await {
        Ok(restored) => Json(restored).into_response(),
        Err(refused) => refused.into_response(),
    }
}

impl Backups {
    async fn backup(&self, peer: Peer, request: Request) -> Result<Lines, Refused> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, 0).await.map_err(|_| ApiError::invalid_input("A backup is asked for without a body."))?;
        let terms = self.ledger.terms().enabled()?;
        let caller = terms.keys.authenticate(&signed_request(&parts, &headers(&parts), &body), peer.0, clock::unix_secs());
        permit(&caller.map_err(ApiError::from)?)?;
        let account = self.ledger.clone().held().await?;
        Ok(Lines::new(account, clock::now()))
    }

    async fn restore(&self, peer: Peer, request: Request) -> Result<serde_json::Value, Refused> {
        let (parts, body) = request.into_parts();
        let terms = self.ledger.terms().enabled()?;
        let known = terms.keys.authenticate_head(&signed_request(&parts, &headers(&parts), &[]), peer.0, clock::unix_secs());
        let (caller, hash) = known.map_err(ApiError::from)?;
        permit(&caller)?;
        let _turn = self.turn.acquire().await.map_err(|error| ApiError::internal(error.to_string()))?;
        let body = read(body).await?;
        if hash.is_some_and(|hash| !sigv4::has_hash(&body, &hash)) {
            return Err(ApiError::from(Unauthenticated::Signature(sigv4::Refusal::WrongBody)).into());
        }
        let read = tokio::task::spawn_blocking(move || backup::read(&body)).await;
        let account = read.map_err(|error| ApiError::internal(error.to_string()))?.map_err(refuse)?;
        let held = json!({
            "zones": account.zones.len(),
            "record_sets": account.zones.values().map(|zone| zone.rrset_count()).sum::<usize>(),
            "health_checks": account.checks.len(),
        });
        let changed = self.ledger.clone().restore(account, caller).await?.map_err(refuse)?;
        Ok(json!({ "restored": held, "changed": changed }))
    }
}

fn headers(parts: &Parts) -> Vec<(&str, &[u8])> {
    parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}

/// Both pages are about everything.
fn permit(caller: &Principal) -> Result<(), ApiError> {
    match caller.permits(Action::Write, None) {
        true => Ok(()),
        false => {
            let message =
                format!("User: {} is not authorized to back up and restore: it takes write access to all zones", caller.name);
            Err(ApiError::new("AccessDenied", 403, message))
        }
    }
}

fn refuse(mut problems: Vec<String>) -> Refused {
    let count = problems.len();
    problems.truncate(PROBLEMS_MAX);
    let message = format!("The backup is refused and nothing was changed: {count} problems, the first: {}", problems[0]);
    Refused(ApiError::new("InvalidBackup", 400, message), problems)
}

async fn read(body: Body) -> Result<Bytes, ApiError> {
    let too_large = |_| ApiError::new("RequestEntityTooLarge", 413, format!("A backup has at most {BACKUP_MAX} octets."));
    to_bytes(body, BACKUP_MAX).await.map_err(too_large)
}

/// A backup as it is sent: some lines a frame, made when they are asked for.
struct LineBody(Lines);

impl hyper::body::Body for LineBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let mut chunk = String::new();
        while chunk.len() < FRAME_MIN
            && let Some(line) = self.0.next()
        {
            chunk.push_str(&line);
        }
        Poll::Ready((!chunk.is_empty()).then(|| Ok(Frame::data(chunk.into()))))
    }
}

/// Octets of one frame, and less than a line more: so few that a runtime's thread is not held for long.
const FRAME_MIN: usize = 64 << 10;
/// Octets of a backup that is restored: about five million record sets.
const BACKUP_MAX: usize = 1 << 30;
