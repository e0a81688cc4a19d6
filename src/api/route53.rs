//! The Route 53 API over HTTP: octets in, an operation asked for, octets out.
//!
//! Decides nothing that an operation decides. Invariant: every response has a request id, and one that is no success has
//! an error's body, whatever was sent. Source: Route 53 API 2013-04-01, REST-XML.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;

use crate::clock;
use crate::route53::bounds::Rules;
use crate::route53::error::ApiError;
use crate::route53::ops::{self, Context, Done};
use crate::route53::request::{self, VERSION};
use crate::route53::shapes::{Model, Operation};
use crate::route53::value::Struct;
use crate::route53::xml;

/// What comes of asking.
pub type Replied = Pin<Box<dyn Future<Output = Result<Done, ApiError>> + Send>>;

/// Who keeps the account.
pub trait Ledger: Send + Sync + 'static {
    /// Asks for an operation that only reads.
    fn read(self: Arc<Self>, ask: Ask) -> Replied;
    /// Asks for one that may change something; what it changed is kept and served when this ends.
    fn write(self: Arc<Self>, ask: Ask) -> Replied;
}

/// An operation and what was said with it.
pub struct Ask {
    model: Arc<Model>,
    operation: &'static str,
    input: Struct,
}

impl Ask {
    /// Does it, in this context.
    ///
    /// # Errors
    /// The operation's own.
    pub fn perform(&self, context: &mut Context<'_>) -> Result<Done, ApiError> {
        ops::perform(self.operation(), &self.input, context)
    }

    fn operation(&self) -> &Operation {
        self.model.operation(self.operation).expect("what is asked for is an operation of the model")
    }
}

/// The API, as a page among the others.
#[derive(Clone)]
pub struct Route53 {
    model: Arc<Model>,
    ledger: Arc<dyn Ledger>,
    rules: Rules,
}

impl Route53 {
    pub fn new(ledger: Arc<dyn Ledger>, rules: Rules) -> Self {
        Self { model: Arc::new(Model::new()), ledger, rules }
    }

    /// Everything below the version's path.
    pub fn router(self) -> Router {
        let base = format!("/{VERSION}");
        Router::new().route(&base, any(answer)).route(&format!("{base}/{{*rest}}"), any(answer)).with_state(self)
    }

    async fn reply(&self, request: Request) -> Result<(Arc<Ask>, Done, String), ApiError> {
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost").to_owned();
        let (parts, body) = request.into_parts();
        let body = read_body(body).await?;
        let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
        let (operation, mut input) = request::read(&self.model, parts.method.as_str(), path, query, self.rules)?;
        let takes_body = operation.method == "POST" && operation.input.is_some();
        if takes_body && self.has_body(operation) {
            let shape = operation.input.unwrap_or_default();
            let said = xml::read::read(&self.model, shape, &body, self.rules)?;
            input.take(said);
        }
        let (name, reads) = (operation.name, ops::only_reads(operation));
        let ask = || Ask { model: self.model.clone(), operation: name, input: input.clone() };
        let done = match reads {
            true => self.ledger.clone().read(ask()).await?,
            false => self.ledger.clone().write(ask()).await?,
        };
        Ok((Arc::new(ask()), done, host))
    }

    /// Whether any member of the operation's input is in its body.
    fn has_body(&self, operation: &Operation) -> bool {
        use crate::route53::shapes::Place;
        self.model.members(operation.input.unwrap_or_default()).iter().any(|member| member.place == Place::Body)
    }

    fn respond(&self, replied: Result<(Arc<Ask>, Done, String), ApiError>) -> Response {
        let request_id = new_request_id();
        let mut response = match replied {
            Ok((ask, done, host)) => {
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

async fn answer(State(api): State<Route53>, request: Request) -> Response {
    let replied = api.reply(request).await;
    api.respond(replied)
}

async fn read_body(body: Body) -> Result<axum::body::Bytes, ApiError> {
    let too_large = |_| ApiError::new("RequestEntityTooLarge", 413, format!("A request's body has at most {BODY_MAX} octets."));
    to_bytes(body, BODY_MAX).await.map_err(too_large)
}

fn new_request_id() -> String {
    let (high, low) = (clock::random_u64(), clock::random_u64());
    let hex = format!("{high:016x}{low:016x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Octets of a request's body: a batch of 1,000 records of 4,000 characters, and its XML.
const BODY_MAX: usize = 16 << 20;
