//! A gRPC check: one call of `grpc.health.v1.Health/Check`, and whether the service is SERVING.
//!
//! Sources: <https://github.com/grpc/grpc/blob/master/doc/health-checking.md>, `PROTOCOL-HTTP2.md` beside it.

mod wire;

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap, TE, USER_AGENT};
use hyper::{Request, Response};
use tokio::time::timeout;

use super::dial::Way;
use super::exchange::{Message, broken, respond};
use super::{Log, Prober};
use crate::health::observation::{Failure, NotRun, Outcome, Passed};
use crate::health::protocol::grpc::GrpcCheck;

/// Calls the health service at the end of `way`.
pub(super) async fn ask(
    prober: &Prober,
    way: Way<'_>,
    check: &GrpcCheck,
    limit: Duration,
    log: &mut Log,
) -> Result<Passed, Outcome> {
    let message = message(check)?;
    let way = Way { alpn: if way.tls.is_some() { &["h2"] } else { &[] }, ..way };
    let stream = prober.dial(&way, log).await?;
    let called = timeout(limit, async {
        let (response, mut turning) = respond(stream, message, true).await?;
        turning.driving(judge(response)).await
    });
    let called = called.await;
    log.end("call");
    called.map_err(|_| Failure::AnswerTimeout(limit))?
}

fn message(check: &GrpcCheck) -> Result<Message, NotRun> {
    let scheme = if check.tls.is_some() { "https" } else { "http" };
    Request::post(format!("{scheme}://{}/grpc.health.v1.Health/Check", check.authority))
        .header(CONTENT_TYPE, "application/grpc")
        .header(TE, "trailers")
        .header(USER_AGENT, concat!("grpc-waypost/", env!("CARGO_PKG_VERSION")))
        .body(Full::new(Bytes::from(wire::request(&check.service))))
        .map_err(|error| NotRun::Impossible(format!("a call of {}: {error}", check.authority)))
}

/// The status of the call comes with the head when there is no message, else after it.
async fn judge(response: Response<Incoming>) -> Result<Passed, Outcome> {
    let status = response.status().as_u16();
    if status != 200 {
        return Err(Failure::BadStatus(status).into());
    }
    let is_over = check_status(response.headers())?;
    let body = Limited::new(response.into_body(), BODY_MAX).collect().await.map_err(|error| unread(&*error))?;
    let is_over = is_over || body.trailers().map_or(Ok(false), check_status)?;
    if !is_over {
        return Err(Failure::MalformedAnswer("it has no grpc-status".into()).into());
    }
    match wire::serving(&body.to_bytes()) {
        Some("SERVING") => Ok(Passed::Serving),
        Some(word) => Err(Failure::NotServing(word.to_owned()).into()),
        None => Err(Failure::MalformedAnswer("it is no HealthCheckResponse".into()).into()),
    }
}

/// Whether a status is there; fails when it is not OK.
fn check_status(headers: &HeaderMap) -> Result<bool, Failure> {
    let Some(status) = headers.get("grpc-status") else { return Ok(false) };
    if status == "0" {
        return Ok(true);
    }
    let code = String::from_utf8_lossy(status.as_bytes()).into_owned();
    let name = code.parse().ok().and_then(|code: usize| STATUSES.get(code)).unwrap_or(&"of an unknown kind");
    let said = headers.get("grpc-message").map(|said| format!(": {}", wire::message(said.as_bytes(), MESSAGE_MAX)));
    Err(Failure::GrpcStatus(format!("{code} {name}{}", said.unwrap_or_default())))
}

fn unread(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Failure {
    match error.downcast_ref() {
        Some(error) => broken(error),
        None => Failure::MalformedAnswer(format!("it has more than {BODY_MAX} octets")),
    }
}

/// The codes of gRPC, by number.
const STATUSES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];
/// A HealthCheckResponse has two octets.
const BODY_MAX: usize = 1_024;
/// Characters of a server's message that are shown.
const MESSAGE_MAX: usize = 200;
