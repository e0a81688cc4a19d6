//! The Route 53 API over HTTP: octets in, an operation asked for, octets out.
//!
//! Decides nothing that an operation decides. Invariant: every response has a request id, and one that is no success has
//! an error's body, whatever was sent. Source: Route 53 API 2013-04-01, REST-XML.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Extension, Router};
use http_body_util::LengthLimitError;
use tokio::sync::Semaphore;

use super::throttle::Throttle;
use super::{Peer, backup};
use crate::clock;
use crate::route53::access::{Keys, Principal};
use crate::route53::account::{Account, uuid};
use crate::route53::bounds::Rules;
use crate::route53::error::ApiError;
use crate::route53::ops::{self, Context, Done};
use crate::route53::request::{self, VERSION};
use crate::route53::shapes::{Model, Operation};
use crate::route53::sigv4;
use crate::route53::value::Struct;
use crate::route53::xml;

/// What comes of asking.
pub type Replied = Pin<Box<dyn Future<Output = Result<Done, ApiError>> + Send>>;

/// Who keeps the account.
pub trait Ledger: Send + Sync + 'static {
    /// Who may ask, and what the operator has decided.
    fn terms(&self) -> Terms;
    /// Asks for an operation that only reads.
    fn read(self: Arc<Self>, ask: Ask) -> Replied;
    /// Asks for one that may change something; what it changed is kept and served when this ends.
    fn write(self: Arc<Self>, ask: Ask) -> Replied;
    /// The account as it is: whole sets of edits, and no part of one.
    fn held(self: Arc<Self>) -> Held;
    /// Puts this account in the place of what the API owns; what is not sound changes nothing.
    fn restore(self: Arc<Self>, account: Account, caller: Principal) -> Restored;
}

/// What comes of asking for the account.
pub type Held = Pin<Box<dyn Future<Output = Result<Account, ApiError>> + Send>>;
/// What comes of a restore: how many edits it took, or everything that is wrong with the account.
pub type Restored = Pin<Box<dyn Future<Output = Result<Result<usize, Vec<String>>, ApiError>> + Send>>;

/// Who may ask, and how strictly what they say is taken; may change with each reload.
#[derive(Clone)]
pub struct Terms {
    pub keys: Arc<Keys>,
    pub enabled: bool,
    pub rules: Rules,
}

impl Terms {
    /// These terms, where the API is not switched off.
    pub(super) fn enabled(self) -> Result<Self, ApiError> {
        match self.enabled {
            true => Ok(self),
            false => Err(ApiError::new("AccessDenied", 403, "The Route 53 API is switched off: [route53] enabled = false.")),
        }
    }
}

/// An operation, what was said with it, and by whom.
#[derive(Clone)]
pub struct Ask {
    model: Arc<Model>,
    operation: &'static str,
    input: Struct,
    pub caller: Principal,
}

impl Ask {
    /// Does it, in this context.
    ///
    /// # Errors
    /// The operation's own.
    pub fn perform(&self, context: &mut Context<'_>) -> Result<Done, ApiError> {
        ops::perform(self.operation(), &self.input, context)
    }

    /// Which operation it is.
    pub fn operation(&self) -> &Operation {
        self.model.operation(self.operation).expect("what is asked for is an operation of the model")
    }
}

/// The API, as a page among the others.
#[derive(Clone)]
pub struct Route53 {
    model: Arc<Model>,
    ledger: Arc<dyn Ledger>,
    throttle: Arc<Throttle>,
    /// Turns to read large bodies.
    large_bodies: Arc<Semaphore>,
}

impl Route53 {
    pub fn new(ledger: Arc<dyn Ledger>) -> Self {
        Self {
            model: Arc::new(Model::new()),
            ledger,
            throttle: Arc::new(Throttle::new()),
            large_bodies: Arc::new(Semaphore::new(LARGE_BODIES_MAX)),
        }
    }

    /// Everything below the version's path, and the pages for backups.
    pub fn router(self) -> Router {
        let base = format!("/{VERSION}");
        let backups = backup::router(self.ledger.clone());
        let paths = [base.clone(), format!("{base}/"), format!("{base}/{{*rest}}")];
        let api = paths.iter().fold(Router::new(), |router, path| router.route(path, any(answer)));
        api.with_state(self).merge(backups)
    }

    async fn reply(&self, peer: Peer, request: Request) -> Result<(Ask, Done), ApiError> {
        let terms = self.ledger.terms().enabled()?;
        let (parts, body) = request.into_parts();
        let body = read_body(body).await?;
        let caller = authenticate(&terms.keys, &parts, &body, peer)?;
        if terms.rules.strict && !self.throttle.admits(clock::monotonic()) {
            return Err(ApiError::new("Throttling", 400, "Rate exceeded"));
        }
        let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
        let (operation, mut input) = request::read(&self.model, parts.method.as_str(), path, query, terms.rules)?;
        if let Some(shape) = self.model.body_of(operation) {
            input.take(self.read_input(shape, body, terms.rules).await?);
        }
        let ask = Ask { model: self.model.clone(), operation: operation.name, input, caller };
        let done = match ops::only_reads(operation) {
            true => self.ledger.clone().read(ask.clone()).await?,
            false => self.ledger.clone().write(ask.clone()).await?,
        };
        Ok((ask, done))
    }

    /// Reads a body: a large one off the runtime's threads and with few others, for it takes many times its own memory.
    async fn read_input(&self, shape: &'static str, body: Bytes, rules: Rules) -> Result<Struct, ApiError> {
        if body.len() <= SMALL_BODY_MAX {
            return xml::read::read(&self.model, shape, &body, rules);
        }
        let _turn = self.large_bodies.acquire().await.expect("the semaphore is never closed");
        let model = self.model.clone();
        let read = tokio::task::spawn_blocking(move || xml::read::read(&model, shape, &body, rules));
        read.await.unwrap_or_else(|error| Err(ApiError::internal(error.to_string())))
    }

    fn respond(&self, replied: Result<(Ask, Done), ApiError>, host: &str) -> Response {
        let request_id = uuid(clock::random_u128());
        let mut response = match replied {
            Ok((ask, done)) => {
                let operation = ask.operation();
                let body = match operation.output {
                    Some(output) => xml::write::response(&self.model, output, &done.output),
                    None => xml::write::empty(&format!("{}Response", operation.name)),
                };
                let status = StatusCode::from_u16(operation.status).unwrap_or(StatusCode::OK);
                let mut response = (status, body).into_response();
                let location = done.location.map(|path| format!("http://{host}/{VERSION}/{path}"));
                if let Some(Ok(location)) = location.map(HeaderValue::try_from) {
                    response.headers_mut().insert(header::LOCATION, location);
                }
                response
            }
            Err(error) => {
                let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                (status, xml::write::error(&self.model, &error, &request_id)).into_response()
            }
        };
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
        if let Ok(id) = HeaderValue::try_from(request_id) {
            response.headers_mut().insert("x-amzn-RequestId", id);
        }
        response
    }
}

async fn answer(State(api): State<Route53>, Extension(peer): Extension<Peer>, request: Request) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost").to_owned();
    let replied = api.reply(peer, request).await;
    api.respond(replied, &host)
}

/// Who sent the request.
fn authenticate(keys: &Keys, parts: &Parts, body: &[u8], peer: Peer) -> Result<Principal, ApiError> {
    let headers: Vec<(&str, &[u8])> = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    keys.authenticate(&signed_request(parts, &headers, body), peer.0, clock::unix_secs()).map_err(ApiError::from)
}

/// The request as signatures see it.
pub(super) fn signed_request<'r>(parts: &'r Parts, headers: &'r [(&'r str, &'r [u8])], body: &'r [u8]) -> sigv4::Request<'r> {
    let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
    sigv4::Request { method: parts.method.as_str(), path, query, headers, body }
}

async fn read_body(body: Body) -> Result<Bytes, ApiError> {
    let refuse = |error: axum::Error| match error.into_inner().downcast_ref::<LengthLimitError>() {
        Some(_) => ApiError::new("RequestEntityTooLarge", 413, format!("A request's body has at most {BODY_MAX} octets.")),
        // Whoever ended it early, or wrote a chunk that is none.
        None => ApiError::new("IncompleteBody", 400, "The request's body ends before the end that its header says."),
    };
    to_bytes(body, BODY_MAX).await.map_err(refuse)
}

/// Octets of a request's body: a batch of 1,000 records of 4,000 characters, and its XML.
const BODY_MAX: usize = 16 << 20;
/// Octets of a body that is read at once.
const SMALL_BODY_MAX: usize = 64 << 10;
/// Larger bodies that are read at the same time.
const LARGE_BODIES_MAX: usize = 4;
