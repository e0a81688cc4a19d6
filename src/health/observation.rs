//! The outcome of one probe: the one table of what can be seen, its short code and its words.
//!
//! Not where outcomes are judged (see `machine`) or made (the prober). Invariant: every outcome either passed, failed,
//! or says that the probe could not be made *here*; the last counts neither way, since it tells nothing of the endpoint.
//! Source: Route 53 developer guide, "How Route 53 determines whether a health check is healthy".

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What one probe saw, and when it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    pub at: Timestamp,
    pub outcome: Outcome,
}

/// How a probe ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    Passed(Passed),
    Failed(Failure),
    NotRun(NotRun),
}

/// What made a probe pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Passed {
    /// The TCP connection was accepted.
    Connected,
    /// The response had a status of 2xx or 3xx.
    Status(u16),
    /// It did, and its body held the search string.
    SearchStringFound(u16),
}

/// What made a probe fail, all of it the endpoint's doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// The target's name has no address; the detail says what the resolver answered.
    NameNotResolved(String),
    Refused,
    ConnectTimeout(Duration),
    Unreachable,
    TlsTimeout(Duration),
    TlsHandshake(String),
    CertificateInvalid(String),
    StatusTimeout(Duration),
    BadStatus(u16),
    MalformedResponse(String),
    HeadersTooLarge,
    BodyTimeout(Duration),
    SearchStringAbsent,
    /// Closed or reset before all that was needed had been read.
    ConnectionClosed,
}

/// Why a probe could not be made here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotRun {
    /// No descriptor, no memory, no local port.
    OutOfResources(String),
    /// This machine has no route, or not the address family, or forbids the connection.
    NoRoute(String),
    /// Our own resolver does not answer.
    ResolverUnreachable(String),
    /// The request cannot be written, or a fault of our own.
    Impossible(String),
    /// It failed while this checker doubted itself.
    Doubted(String),
}

impl Outcome {
    /// Whether the probe passed; none when it counts neither way.
    pub fn passed(&self) -> Option<bool> {
        match self {
            Self::Passed(_) => Some(true),
            Self::Failed(_) => Some(false),
            Self::NotRun(_) => None,
        }
    }

    /// A short, stable word for metrics and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Passed(_) => "passed",
            Self::Failed(failure) => failure.code(),
            Self::NotRun(NotRun::OutOfResources(_)) => "not_run_resources",
            Self::NotRun(NotRun::NoRoute(_)) => "not_run_route",
            Self::NotRun(NotRun::ResolverUnreachable(_)) => "not_run_resolver",
            Self::NotRun(NotRun::Impossible(_)) => "not_run_impossible",
            Self::NotRun(NotRun::Doubted(_)) => "not_run_doubted",
        }
    }
}

impl Failure {
    /// Whether all that was seen is that something took too long.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::ConnectTimeout(_) | Self::TlsTimeout(_) | Self::StatusTimeout(_) | Self::BodyTimeout(_))
    }

    /// A short, stable word for metrics and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NameNotResolved(_) => "name_not_resolved",
            Self::Refused => "refused",
            Self::ConnectTimeout(_) => "connect_timeout",
            Self::Unreachable => "unreachable",
            Self::TlsTimeout(_) => "tls_timeout",
            Self::TlsHandshake(_) => "tls_handshake",
            Self::CertificateInvalid(_) => "certificate_invalid",
            Self::StatusTimeout(_) => "status_timeout",
            Self::BadStatus(_) => "bad_status",
            Self::MalformedResponse(_) => "malformed_response",
            Self::HeadersTooLarge => "headers_too_large",
            Self::BodyTimeout(_) => "body_timeout",
            Self::SearchStringAbsent => "search_string_absent",
            Self::ConnectionClosed => "connection_closed",
        }
    }
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<NotRun> for Outcome {
    fn from(reason: NotRun) -> Self {
        Self::NotRun(reason)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed(passed) => passed.fmt(f),
            Self::Failed(failure) => failure.fmt(f),
            Self::NotRun(reason) => reason.fmt(f),
        }
    }
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected => f.write_str("connected"),
            Self::Status(code) => write!(f, "HTTP status {code}"),
            Self::SearchStringFound(code) => write!(f, "HTTP status {code}, search string found"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameNotResolved(detail) => write!(f, "name not resolved: {detail}"),
            Self::Refused => f.write_str("connection refused"),
            Self::ConnectTimeout(limit) => write!(f, "not connected within {limit:?}"),
            Self::Unreachable => f.write_str("host unreachable"),
            Self::TlsTimeout(limit) => write!(f, "connected, but TLS not established within {limit:?}"),
            Self::TlsHandshake(detail) => write!(f, "TLS handshake failed: {detail}"),
            Self::CertificateInvalid(detail) => write!(f, "certificate not valid: {detail}"),
            Self::StatusTimeout(limit) => write!(f, "no HTTP status within {limit:?}"),
            Self::BadStatus(code) => write!(f, "HTTP status {code}"),
            Self::MalformedResponse(detail) => write!(f, "malformed HTTP response: {detail}"),
            Self::HeadersTooLarge => f.write_str("HTTP response head over 16384 octets"),
            Self::BodyTimeout(limit) => write!(f, "search string not seen within {limit:?}"),
            Self::SearchStringAbsent => f.write_str("search string absent from the first 5120 octets of the body"),
            Self::ConnectionClosed => f.write_str("connection closed before the response was complete"),
        }
    }
}

impl fmt::Display for NotRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, detail) = match self {
            Self::OutOfResources(detail) => ("out of local resources", detail),
            Self::NoRoute(detail) => ("no way out from here", detail),
            Self::ResolverUnreachable(detail) => ("own resolver does not answer", detail),
            Self::Impossible(detail) => ("impossible", detail),
            Self::Doubted(detail) => ("not believed", detail),
        };
        write!(f, "probe not made: {what}: {detail}")
    }
}
