//! Errors as the API gives them: a code that clients act on, a status, and a message for people.
//!
//! Invariant: a code is of the model or one that AWS gives for every service; an error that nothing outside AWS can
//! avoid is never a 5xx. Source: Route 53 API 2013-04-01, each operation's errors.

use std::fmt;

use super::access::Unauthenticated;
use super::value::Struct;

/// Why a request was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    pub code: &'static str,
    pub status: u16,
    pub message: String,
    /// What the error's element holds beside code and message, by the shape of this name.
    pub more: Option<Box<(&'static str, Struct)>>,
}

impl ApiError {
    pub fn new(code: &'static str, status: u16, message: impl Into<String>) -> Self {
        Self { code, status, message: message.into(), more: None }
    }

    /// The request is not as the operation takes it.
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self::new("InvalidInput", 400, message)
    }

    /// A change batch is refused whole, for all of these reasons.
    pub fn invalid_change_batch(messages: &[String]) -> Self {
        Self::new("InvalidChangeBatch", 400, format!("[{}]", messages.join(", ")))
    }

    pub fn no_such_hosted_zone(id: &str) -> Self {
        Self::new("NoSuchHostedZone", 404, format!("No hosted zone found with ID: {id}"))
    }

    pub fn no_such_health_check(id: &str) -> Self {
        Self::new("NoSuchHealthCheck", 404, format!("A health check with id {id} does not exist."))
    }

    /// The zone or check is written in a file, and is changed there.
    pub fn in_a_file(what: &str, file: &str) -> Self {
        Self::new("AccessDenied", 403, format!("{what} is written in the file {file}: change it there."))
    }

    /// Our own fault.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new("InternalFailure", 500, message)
    }
}

impl From<Unauthenticated> for ApiError {
    fn from(refused: Unauthenticated) -> Self {
        Self::new(refused.code(), refused.status(), refused.to_string())
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.code, self.status, self.message)
    }
}

impl std::error::Error for ApiError {}
