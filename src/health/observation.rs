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
    /// It did, and its body held a match of the pattern.
    PatternMatched(u16),
    /// TLS was established.
    Secured,
    /// A DNS query was answered with this response code, and all that was expected.
    Answered(String),
    /// An ICMP echo request was replied to.
    EchoReplied,
    /// The health service of gRPC said SERVING.
    Serving,
    /// The database answered, and its role is one that passes; the detail says which it has.
    Role(String),
    /// The command ended with status 0; the detail is the first line that it wrote.
    Command(String),
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
    /// The certificate expires, or has expired, at a time that leaves fewer whole days than it should.
    CertificateExpires {
        not_after: Timestamp,
        days_left: u16,
    },
    StatusTimeout(Duration),
    BadStatus(u16),
    MalformedResponse(String),
    HeadersTooLarge,
    BodyTimeout(Duration),
    SearchStringAbsent,
    PatternAbsent,
    /// A redirect that leads nowhere, or too far.
    BadRedirect(String),
    /// No answer to a query, an echo request or a call.
    AnswerTimeout(Duration),
    /// What was answered cannot be read.
    MalformedAnswer(String),
    /// A DNS response code other than the expected one.
    BadRcode {
        found: String,
        expected: String,
    },
    /// What a DNS answer lacks, and what it has.
    AnswerAbsent {
        expected: String,
        found: String,
    },
    /// The health service of gRPC answered something else than SERVING.
    NotServing(String),
    /// A gRPC call failed: its code and message.
    GrpcStatus(String),
    /// Closed or reset before all that was needed had been read.
    ConnectionClosed,
    /// The database let us not in: the user, the password, or what the user may do.
    LoginRefused(String),
    LoginTimeout(Duration),
    QueryTimeout(Duration),
    /// The database answered with an error of its own: starting up, shutting down, too many connections.
    DatabaseError(String),
    WrongRole {
        wanted: String,
        found: String,
    },
    /// The command was killed at its deadline.
    CommandTimeout(Duration),
    /// The command ended with another status than 0, or by a signal; the detail says which, and the first line it wrote.
    CommandFailed(String),
}

/// Why a probe could not be made here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotRun {
    /// No descriptor, no memory, no local port.
    OutOfResources(String),
    /// This machine has no route, or not the address family, or forbids the connection.
    NoRoute(String),
    /// The local address that the check names cannot be used.
    SourceAddress(String),
    /// This process may not send what the probe is made of.
    NotPermitted(String),
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
            Self::NotRun(NotRun::SourceAddress(_)) => "not_run_source",
            Self::NotRun(NotRun::NotPermitted(_)) => "not_run_permission",
            Self::NotRun(NotRun::ResolverUnreachable(_)) => "not_run_resolver",
            Self::NotRun(NotRun::Impossible(_)) => "not_run_impossible",
            Self::NotRun(NotRun::Doubted(_)) => "not_run_doubted",
        }
    }
}

impl Failure {
    /// Whether all that was seen is that something took too long.
    pub fn is_timeout(&self) -> bool {
        matches!(
            self,
            Self::ConnectTimeout(_)
                | Self::TlsTimeout(_)
                | Self::StatusTimeout(_)
                | Self::BodyTimeout(_)
                | Self::AnswerTimeout(_)
                | Self::LoginTimeout(_)
                | Self::QueryTimeout(_)
                | Self::CommandTimeout(_)
        )
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
            Self::CertificateExpires { .. } => "certificate_expires",
            Self::StatusTimeout(_) => "status_timeout",
            Self::BadStatus(_) => "bad_status",
            Self::MalformedResponse(_) => "malformed_response",
            Self::HeadersTooLarge => "headers_too_large",
            Self::BodyTimeout(_) => "body_timeout",
            Self::SearchStringAbsent => "search_string_absent",
            Self::PatternAbsent => "pattern_absent",
            Self::BadRedirect(_) => "bad_redirect",
            Self::AnswerTimeout(_) => "answer_timeout",
            Self::MalformedAnswer(_) => "malformed_answer",
            Self::BadRcode { .. } => "bad_rcode",
            Self::AnswerAbsent { .. } => "answer_absent",
            Self::NotServing(_) => "not_serving",
            Self::GrpcStatus(_) => "grpc_status",
            Self::ConnectionClosed => "connection_closed",
            Self::LoginRefused(_) => "login_refused",
            Self::LoginTimeout(_) => "login_timeout",
            Self::QueryTimeout(_) => "query_timeout",
            Self::DatabaseError(_) => "database_error",
            Self::WrongRole { .. } => "wrong_role",
            Self::CommandTimeout(_) => "command_timeout",
            Self::CommandFailed(_) => "command_failed",
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
            Self::PatternMatched(code) => write!(f, "HTTP status {code}, pattern matched"),
            Self::Secured => f.write_str("TLS established"),
            Self::Answered(rcode) => write!(f, "answered {rcode}"),
            Self::EchoReplied => f.write_str("echo replied"),
            Self::Serving => f.write_str("SERVING"),
            Self::Role(detail) => f.write_str(detail),
            Self::Command(line) if line.is_empty() => f.write_str("command passed"),
            Self::Command(line) => f.write_str(line),
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
            Self::CertificateExpires { not_after, days_left } => {
                write!(f, "certificate expires at {not_after}: fewer than {days_left} days are left")
            }
            Self::StatusTimeout(limit) => write!(f, "no HTTP status within {limit:?}"),
            Self::BadStatus(code) => write!(f, "HTTP status {code}"),
            Self::MalformedResponse(detail) => write!(f, "malformed HTTP response: {detail}"),
            Self::HeadersTooLarge => f.write_str("HTTP response head over 16384 octets"),
            Self::BodyTimeout(limit) => write!(f, "search string not seen within {limit:?}"),
            Self::SearchStringAbsent => f.write_str("search string absent from the first 5120 octets of the body"),
            Self::PatternAbsent => f.write_str("no match of the pattern in the first 5120 octets of the body"),
            Self::BadRedirect(detail) => write!(f, "redirect not followed: {detail}"),
            Self::AnswerTimeout(limit) => write!(f, "no answer within {limit:?}"),
            Self::MalformedAnswer(detail) => write!(f, "malformed answer: {detail}"),
            Self::BadRcode { found, expected } => write!(f, "answered {found}, expected {expected}"),
            Self::AnswerAbsent { expected, found } => write!(f, "{expected} is not in the answer, which is {found}"),
            Self::NotServing(word) => f.write_str(word),
            Self::GrpcStatus(status) => write!(f, "gRPC status {status}"),
            Self::ConnectionClosed => f.write_str("connection closed before the response was complete"),
            Self::LoginRefused(detail) => write!(f, "login refused: {detail}"),
            Self::LoginTimeout(limit) => write!(f, "connected, but not logged in within {limit:?}"),
            Self::QueryTimeout(limit) => write!(f, "logged in, but role not told within {limit:?}"),
            Self::DatabaseError(detail) => write!(f, "database error: {detail}"),
            Self::WrongRole { wanted, found } => write!(f, "wrong role: {found}; wanted is {wanted}"),
            Self::CommandTimeout(limit) => write!(f, "command not ended within {limit:?}"),
            Self::CommandFailed(detail) => write!(f, "command failed: {detail}"),
        }
    }
}

impl fmt::Display for NotRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, detail) = match self {
            Self::OutOfResources(detail) => ("out of local resources", detail),
            Self::NoRoute(detail) => ("no way out from here", detail),
            Self::SourceAddress(detail) => ("the source address cannot be used", detail),
            Self::NotPermitted(detail) => ("not permitted here", detail),
            Self::ResolverUnreachable(detail) => ("own resolver does not answer", detail),
            Self::Impossible(detail) => ("impossible", detail),
            Self::Doubted(detail) => ("not believed", detail),
        };
        write!(f, "probe not made: {what}: {detail}")
    }
}
