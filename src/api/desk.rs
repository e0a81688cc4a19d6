//! Who keeps overrides, signals and the audit log: what the pages for operators ask for.
//!
//! Only the seam: the pages read requests and write responses, `node` keeps and applies. Invariant: what has been
//! answered with success is kept and in use.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::config::http::Tokens;
use crate::health::gate::Order;
use crate::health::overrides::{NewOverride, Override};
use crate::health::remark::Remark;
use crate::health::signal::SignalState;
use crate::ids::HealthCheckId;

/// What comes of asking.
pub type Reply<T> = Pin<Box<dyn Future<Output = Result<T, Refused>> + Send>>;

/// Who keeps what operators decide.
pub trait Desk: Send + Sync + 'static {
    /// Who may change things; may change with each reload.
    fn tokens(&self) -> Arc<Tokens>;
    /// The overrides that hold now, in their order.
    fn overrides(self: Arc<Self>) -> Reply<Vec<Standing>>;
    /// Adds an override behind the others.
    fn make(self: Arc<Self>, new: NewOverride) -> Reply<Override>;
    /// Removes an override.
    fn remove(self: Arc<Self>, id: u64, author: Remark, reason: Remark) -> Reply<Override>;
    /// At most so many entries of the audit log from before a time, the newest first.
    fn audit(&self, limit: usize, before: Option<Timestamp>) -> Vec<AuditLine>;
    /// Carries out an order for the members of a group, and says what it did.
    fn order(self: Arc<Self>, order: RouteOrder) -> Reply<Vec<Moved>>;
    /// Tells checks how things stand.
    fn signal(self: Arc<Self>, push: Push) -> Reply<Vec<Told>>;
}

/// An override with what it decides for.
#[derive(Clone, Debug)]
pub struct Standing {
    pub known: Override,
    /// Those of its checks for which no later override decides, the first of them; none where its target is no check's
    /// fact.
    pub checks: Option<Vec<HealthCheckId>>,
    /// How many there are.
    pub checks_total: usize,
}

/// What an operator orders of the members of a group, or of one.
#[derive(Clone, Debug)]
pub struct RouteOrder {
    pub route: String,
    pub member: Option<String>,
    pub order: Order,
    pub author: Remark,
    pub reason: Remark,
}

/// What became of one member.
#[derive(Clone, Debug, Serialize)]
pub struct Moved {
    pub route: String,
    pub member: String,
    /// `in_service`, `out` or `kept`.
    pub became: &'static str,
}

/// One entry of the audit log.
#[derive(Clone, Debug, Serialize)]
pub struct AuditLine {
    pub at: Timestamp,
    pub author: String,
    pub action: String,
    pub target: String,
    pub reason: String,
    pub detail: String,
}

/// A signal on its way.
#[derive(Clone, Debug)]
pub struct Push {
    pub to: Addressee,
    pub state: SignalState,
    pub reason: Remark,
    pub author: Remark,
    /// How long it holds; none: as long as the check says.
    pub lease: Option<Duration>,
}

/// The checks that a signal is for.
#[derive(Clone, Debug)]
pub enum Addressee {
    Check(HealthCheckId),
    /// Every check of a CloudWatch alarm.
    Alarm {
        region: String,
        name: String,
    },
    /// Every check of a routing control.
    Control(String),
}

/// What one check was told.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    pub check: String,
    pub state: &'static str,
    pub until: Option<Timestamp>,
}

/// Why a request is not done: a status, and what was found and would be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub status: u16,
    pub error: String,
}

impl Refused {
    pub fn new(status: u16, error: impl Into<String>) -> Self {
        Self { status, error: error.into() }
    }

    pub fn bad_request(error: impl Into<String>) -> Self {
        Self::new(400, error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(json!({ "error": self.error }))).into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
