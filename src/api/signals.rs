//! `PUT /v1/signals/CHECK`, `?alarm=REGION/NAME` and `?control=ARN`: checks that are told how things stand.
//!
//! Reads requests; the [`Desk`] keeps and applies. Invariant: a signal is read only after who sends it is known.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::routing::put;
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Peer;
use super::auth::admit_changer;
use super::desk::{Addressee, Desk, Push, Refused};
use super::overrides::{read_json, read_reason};
use crate::config::http::Permission;
use crate::config::{parse_duration, show_duration};
use crate::health::signal::{LEASE_MAX, LEASE_MIN};
use crate::ids::HealthCheckId;

/// The body of a `PUT`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    state: String,
    reason: String,
    author: Option<String>,
    lease: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    alarm: Option<String>,
    control: Option<String>,
}

/// The pages, by path.
pub(super) fn router() -> Router<Arc<dyn Desk>> {
    Router::new().route("/v1/signals", put(signal_source)).route("/v1/signals/{check}", put(signal_check))
}

async fn signal_check(
    State(desk): State<Arc<dyn Desk>>,
    Extension(peer): Extension<Peer>,
    Path(check): Path<String>,
    request: Request,
) -> Result<Json<Value>, Refused> {
    let check = HealthCheckId::new(&check).map_err(|error| Refused::bad_request(format!("the check's name {error}")));
    push(desk, peer, check.map(Addressee::Check), request).await
}

async fn signal_source(
    State(desk): State<Arc<dyn Desk>>,
    Extension(peer): Extension<Peer>,
    parameters: Result<Query<Parameters>, QueryRejection>,
    request: Request,
) -> Result<Json<Value>, Refused> {
    push(desk, peer, read_source(parameters), request).await
}

async fn push(desk: Arc<dyn Desk>, peer: Peer, to: Result<Addressee, Refused>, request: Request) -> Result<Json<Value>, Refused> {
    let (parts, body) = request.into_parts();
    let caller = admit_changer(&desk.tokens(), &parts.headers, peer, Permission::Signal)?;
    let said: Said = read_json(&parts.headers, body).await?;
    let author = caller.author(said.author.as_deref())?;
    let state = said.state.parse().map_err(|error| Refused::bad_request(format!("state: {error}")))?;
    let (reason, lease) = (read_reason(&said.reason)?, said.lease.as_deref().map(read_lease).transpose()?);
    let told = desk.signal(Push { to: to?, state, reason, author, lease }).await?;
    Ok(Json(json!({ "signalled": told })))
}

fn read_source(parameters: Result<Query<Parameters>, QueryRejection>) -> Result<Addressee, Refused> {
    const ACCEPTED: &str = "/v1/signals/CHECK, /v1/signals?alarm=REGION/NAME and /v1/signals?control=ARN are accepted";
    let Query(asked) = parameters.map_err(|error| Refused::bad_request(format!("{}; {ACCEPTED}", error.body_text())))?;
    match (asked.alarm, asked.control) {
        (Some(alarm), None) => {
            let (region, name) = alarm
                .split_once('/')
                .ok_or_else(|| Refused::bad_request(format!("alarm {alarm:?} has no region; such as alarm=us-east-1/errors")))?;
            Ok(Addressee::Alarm { region: region.to_owned(), name: name.to_owned() })
        }
        (None, Some(arn)) => Ok(Addressee::Control(arn)),
        _ => Err(Refused::bad_request(format!("nothing says which checks are told, or too much does; {ACCEPTED}"))),
    }
}

fn read_lease(text: &str) -> Result<Duration, Refused> {
    parse_duration(text).filter(|lease| (LEASE_MIN..=LEASE_MAX).contains(lease)).ok_or_else(|| {
        let (min, max) = (show_duration(LEASE_MIN), show_duration(LEASE_MAX));
        Refused::bad_request(format!("lease {text:?} is not within {min} to {max}, such as 90s"))
    })
}
