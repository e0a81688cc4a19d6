//! `/v1/overrides` and `/v1/audit`: what operators have decided, made, removed and looked up.
//!
//! Reads requests and writes responses; the [`Desk`] keeps and applies. Invariants: a change is read only after who asks
//! is known; an override ends unless `forever` is said.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use axum::{Extension, Json, Router};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::auth::{admit_changer, admit_reader};
use super::desk::{Desk, Refused, Standing};
use super::{Peer, orders, signals};
use crate::clock;
use crate::config::http::Permission;
use crate::config::parse_duration;
use crate::health::overrides::{Action, NewOverride, Override, Pattern};
use crate::health::remark::Remark;

/// The pages for operators, by path.
pub fn router(desk: Arc<dyn Desk>) -> Router {
    Router::new()
        .route("/v1/overrides", get(list).post(make))
        .route("/v1/overrides/{id}", delete(remove))
        .route("/v1/audit", get(audit))
        .merge(signals::router())
        .merge(orders::router())
        .with_state(desk)
}

/// The body of a `POST`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    action: String,
    target: String,
    reason: String,
    author: Option<String>,
    expires_in: Option<String>,
    expires_at: Option<String>,
    #[serde(default)]
    forever: bool,
}

/// The body of a `DELETE`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Removal {
    reason: String,
    author: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuditParameters {
    limit: Option<usize>,
    before: Option<Timestamp>,
}

/// An override as it is shown.
#[derive(Serialize)]
struct Shown<'o> {
    id: u64,
    action: &'static str,
    target: String,
    reason: &'o str,
    author: &'o str,
    made_at: Timestamp,
    expires_at: Option<Timestamp>,
}

async fn list(State(desk): State<Arc<dyn Desk>>, headers: HeaderMap) -> Result<Json<Value>, Refused> {
    admit_reader(&desk.tokens(), &headers)?;
    let list: Vec<Value> = desk.overrides().await?.iter().map(show_standing).collect();
    Ok(Json(json!({ "overrides": list })))
}

async fn make(
    State(desk): State<Arc<dyn Desk>>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Result<Response, Refused> {
    let (parts, body) = request.into_parts();
    let caller = admit_changer(&desk.tokens(), &parts.headers, peer, Permission::Override)?;
    let wanted: Wanted = read_json(&parts.headers, body).await?;
    let author = caller.author(wanted.author.as_deref())?;
    let made = desk.make(wanted.parse(author, clock::now())?).await?;
    Ok((StatusCode::CREATED, Json(Shown::of(&made))).into_response())
}

async fn remove(
    State(desk): State<Arc<dyn Desk>>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Refused> {
    let (parts, body) = request.into_parts();
    let caller = admit_changer(&desk.tokens(), &parts.headers, peer, Permission::Override)?;
    let removal: Removal = read_json(&parts.headers, body).await?;
    let id = id.parse().map_err(|_| Refused::bad_request(format!("{id:?} is no override's id; a whole number is accepted")))?;
    let (author, reason) = (caller.author(removal.author.as_deref())?, read_reason(&removal.reason)?);
    let removed = desk.remove(id, author, reason).await?;
    Ok(Json(Shown::of(&removed)).into_response())
}

async fn audit(
    State(desk): State<Arc<dyn Desk>>,
    headers: HeaderMap,
    parameters: Result<Query<AuditParameters>, QueryRejection>,
) -> Result<Json<Value>, Refused> {
    admit_reader(&desk.tokens(), &headers)?;
    let Query(asked) = parameters.map_err(|error| {
        Refused::bad_request(format!(
            "{}; limit and before, a time such as 2026-03-01T10:00:00Z, are accepted",
            error.body_text()
        ))
    })?;
    let limit = asked.limit.unwrap_or(AUDIT_DEFAULT);
    if !(1..=AUDIT_MAX).contains(&limit) {
        return Err(Refused::bad_request(format!("limit {limit} is not within 1-{AUDIT_MAX}")));
    }
    Ok(Json(json!({ "entries": desk.audit(limit, asked.before) })))
}

impl Wanted {
    fn parse(&self, author: Remark, now: Timestamp) -> Result<NewOverride, Refused> {
        let action: Action = self.action.parse().map_err(|error| Refused::bad_request(format!("action: {error}")))?;
        let target: Pattern =
            self.target.parse().map_err(|error| Refused::bad_request(format!("target {:?} {error}", self.target)))?;
        let reason = read_reason(&self.reason)?;
        Ok(NewOverride { action, target, reason, author, made_at: now, expires_at: self.expiry(now)? })
    }

    /// When it ends; that is said in one of three ways.
    fn expiry(&self, now: Timestamp) -> Result<Option<Timestamp>, Refused> {
        match (&self.expires_in, &self.expires_at, self.forever) {
            (Some(text), None, false) => {
                let lasts = parse_duration(text).filter(|lasts| LASTS.contains(lasts)).ok_or_else(|| {
                    Refused::bad_request(format!("expires_in {text:?} is not within 1s to 8784h, such as 30m or 24h"))
                })?;
                let end = now.checked_add(lasts).map_err(|error| Refused::bad_request(format!("expires_in: {error}")))?;
                Ok(Some(end))
            }
            (None, Some(text), false) => {
                let accepted = "a time to come is accepted, such as 2030-03-01T10:00:00Z";
                let end: Timestamp =
                    text.parse().map_err(|_| Refused::bad_request(format!("expires_at {text:?} is no time; {accepted}")))?;
                match end > now {
                    true => Ok(Some(end)),
                    false => Err(Refused::bad_request(format!("expires_at {end} is over; {accepted}"))),
                }
            }
            (None, None, true) => Ok(None),
            (None, None, false) => Err(Refused::bad_request(
                "nothing says when the override ends; one of expires_in, expires_at and forever is needed",
            )),
            _ => Err(Refused::bad_request("only one of expires_in, expires_at and forever is accepted")),
        }
    }
}

impl<'o> Shown<'o> {
    fn of(known: &'o Override) -> Self {
        Self {
            id: known.id,
            action: known.action.as_str(),
            target: known.target.to_string(),
            reason: known.reason.as_str(),
            author: known.author.as_str(),
            made_at: known.made_at,
            expires_at: known.expires_at,
        }
    }
}

fn show_standing(standing: &Standing) -> Value {
    let mut shown = json!(Shown::of(&standing.known));
    if let Some(checks) = &standing.checks {
        shown["checks"] = checks.iter().map(|id| id.as_str()).collect();
        shown["checks_total"] = standing.checks_total.into();
    }
    shown
}

pub(super) fn read_reason(text: &str) -> Result<Remark, Refused> {
    Remark::new(text).map_err(|error| Refused::bad_request(format!("reason {error}")))
}

/// Reads a body that says that it is JSON: what a page elsewhere can make a browser send without asking does not.
pub(super) async fn read_json<T: DeserializeOwned>(headers: &HeaderMap, body: Body) -> Result<T, Refused> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_json = kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    if !is_json {
        return Err(Refused::new(415, format!("the Content-Type is {kind:?}; application/json is accepted")));
    }
    let too_long = |_| Refused::new(413, format!("the body could not be read; at most {BODY_MAX} octets are accepted"));
    let octets: Bytes = to_bytes(body, BODY_MAX).await.map_err(too_long)?;
    serde_json::from_slice(&octets).map_err(|error| Refused::bad_request(format!("the body: {error}")))
}

/// Octets of a request's body.
const BODY_MAX: usize = 16 << 10;
/// How long an override may last that is not to last for ever: up to a year.
const LASTS: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(366 * 86_400);
/// Entries of the audit log where nobody says how many.
const AUDIT_DEFAULT: usize = 100;
/// Entries of the audit log at most.
const AUDIT_MAX: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn expiry(json: Value) -> Result<Option<i64>, String> {
        let mut body = json!({ "action": "up", "target": "check:a", "reason": "r" });
        body.as_object_mut().unwrap().extend(json.as_object().unwrap().clone());
        let wanted: Wanted = serde_json::from_value(body).unwrap();
        let author = Remark::new("ops").unwrap();
        let parsed = wanted.parse(author, Timestamp::UNIX_EPOCH).map_err(|refused| refused.error)?;
        Ok(parsed.expires_at.map(Timestamp::as_second))
    }

    #[test]
    fn an_override_ends_when_it_says_and_must_say_when() {
        assert_eq!(expiry(json!({ "expires_in": "30m" })), Ok(Some(1_800)));
        assert_eq!(expiry(json!({ "expires_at": "1970-01-01T00:01:00Z" })), Ok(Some(60)));
        assert_eq!(expiry(json!({ "expires_at": "1970-01-01T02:01:00+02:00" })), Ok(Some(60)));
        assert_eq!(expiry(json!({ "forever": true })), Ok(None));
        for (body, words) in [
            (json!({}), "nothing says when the override ends"),
            (json!({ "forever": true, "expires_in": "1m" }), "only one of"),
            (json!({ "expires_in": "1m", "expires_at": "2030-01-01T00:00:00Z" }), "only one of"),
            (json!({ "expires_in": "0s" }), "expires_in \"0s\" is not within"),
            (json!({ "expires_in": "soon" }), "expires_in \"soon\" is not within"),
            (json!({ "expires_in": "9999999h" }), "expires_in \"9999999h\" is not within"),
            (json!({ "expires_at": "1970-01-01T00:00:00Z" }), "expires_at 1970-01-01T00:00:00Z is over"),
            (json!({ "expires_at": "tomorrow" }), "expires_at \"tomorrow\" is no time"),
        ] {
            let error = expiry(body.clone()).unwrap_err();
            assert!(error.starts_with(words), "{body}: {error}");
        }
    }
}
