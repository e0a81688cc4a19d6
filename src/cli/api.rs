//! Asking a running server for the Route 53 API's operations, and for its backups.
//!
//! Requests are signed when the environment has keys, as the AWS CLI's are: `AWS_ACCESS_KEY_ID`,
//! `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION`. Reads no other file of credentials. What a server says
//! against a request is a [`Failure::Failed`]. Source: Route 53 API 2013-04-01, REST-XML.

use std::env;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response, StatusCode, Url, redirect};
use tokio::runtime::Runtime;

use super::Failure;
use super::client::{BaseUrl, in_full};
use crate::clock;
use crate::route53::request::VERSION;
use crate::route53::shapes::{Model, Operation, Place, Segment};
use crate::route53::sigv4::{self, AccessKey, Secret};
use crate::route53::value::Struct;
use crate::route53::xml;

/// A server that is asked, and with which key.
pub(super) struct Api {
    runtime: Runtime,
    client: Client,
    base: BaseUrl,
    key: Option<AccessKey>,
    region: String,
    model: Model,
}

/// Why an operation was not done.
pub(super) enum Unanswered {
    /// The API said so: its code and its message.
    Refused {
        operation: &'static str,
        code: String,
        message: String,
    },
    Failed(Failure),
}

impl From<Unanswered> for Failure {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Failed(failure) => failure,
            Unanswered::Refused { operation, code, message } => Self::Failed(format!("{operation}: {code}: {message}")),
        }
    }
}

impl Api {
    pub fn new(base: &BaseUrl) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::Failed(format!("starting a runtime: {error}")))?;
        let client =
            Client::builder().connect_timeout(CONNECT_WITHIN).read_timeout(SILENT_AT_MOST).redirect(redirect::Policy::none());
        let client = client.build().map_err(|error| Failure::Failed(format!("starting a client: {}", in_full(&error))))?;
        let region = text("AWS_REGION").or_else(|| text("AWS_DEFAULT_REGION")).unwrap_or_else(|| "us-east-1".to_owned());
        Ok(Self { runtime, client, base: base.clone(), key: key_of_environment()?, region, model: Model::new() })
    }

    /// Asks for an operation; what the API says against it is a failure.
    pub fn ask(&self, operation: &'static str, input: &Struct) -> Result<Struct, Failure> {
        self.try_ask(operation, input).map_err(Failure::from)
    }

    /// Asks for an operation.
    pub fn try_ask(&self, operation: &'static str, input: &Struct) -> Result<Struct, Unanswered> {
        let operation = self.model.operation(operation).expect("the model has every operation that is asked for");
        let url = self.url(operation, input);
        let body = self.body(operation, input);
        let method = operation.method.parse().expect("the model's methods are those of HTTP");
        let (status, body) = self.send(method, url.clone(), body).map_err(Unanswered::Failed)?;
        if status.is_success() {
            let Some(output) = operation.output else { return Ok(Struct::new()) };
            return xml::read::response(&self.model, output, &body)
                .map_err(|error| Unanswered::Failed(failed(&url, &format!("the answer cannot be read: {}", error.message))));
        }
        match xml::read::error(&body) {
            Some((code, message)) => Err(Unanswered::Refused { operation: operation.name, code, message }),
            None => Err(Unanswered::Failed(failed(&url, &format!("{status}: {}", String::from_utf8_lossy(&body).trim())))),
        }
    }

    /// The URL of an operation, with what of its input is in path and query.
    fn url(&self, operation: &Operation, input: &Struct) -> Url {
        let members = self.model.members(operation.input.unwrap_or("ChangeBatch"));
        let in_path = |name: &str| {
            let member = members.iter().find(|member| matches!(member.place, Place::Uri(known) if known == name));
            escape(member.and_then(|member| input.text(member.name)).unwrap_or_default())
        };
        let segments = operation.path.iter().map(|segment| match segment {
            Segment::Literal(literal) => (*literal).to_owned(),
            Segment::Parameter(name) => in_path(name),
        });
        let mut url = self.base.at(&format!("/{VERSION}/{}", segments.collect::<Vec<_>>().join("/")));
        let query: Vec<String> = members
            .iter()
            .filter_map(|member| match member.place {
                Place::Query(name) => Some(format!("{name}={}", escape(input.text(member.name)?))),
                _ => None,
            })
            .collect();
        url.set_query((!query.is_empty()).then(|| query.join("&")).as_deref());
        url
    }

    /// The body of an operation that has one; empty for others.
    fn body(&self, operation: &Operation, input: &Struct) -> Vec<u8> {
        let Some(shape) = operation.input.filter(|_| operation.method == "POST") else { return Vec::new() };
        let is_elsewhere =
            |name: &str| self.model.members(shape).iter().any(|member| member.name == name && member.place != Place::Body);
        let elsewhere: Vec<&str> = input.names().filter(|name| is_elsewhere(name)).collect();
        let inside = elsewhere.into_iter().fold(input.clone(), |input, name| input.without(name));
        xml::write::response(&self.model, shape, &inside).into_bytes()
    }

    /// Sends a signed request, and reads all of the answer.
    pub fn send(&self, method: Method, url: Url, body: Vec<u8>) -> Result<(StatusCode, Vec<u8>), Failure> {
        self.runtime.block_on(async {
            let response = self.begin(method, &url, body).await?;
            let status = response.status();
            let body = response.bytes().await.map_err(|error| failed(&url, &in_full(&error)))?;
            Ok((status, body.to_vec()))
        })
    }

    /// A page of the server.
    pub fn page(&self, path: &str) -> Url {
        self.base.at(path)
    }

    async fn begin(&self, method: Method, url: &Url, body: Vec<u8>) -> Result<Response, Failure> {
        let headers = self.headers(&method, url, &body).map_err(|what| failed(url, &what))?;
        let request = self.client.request(method, url.clone()).headers(headers).body(body);
        request.send().await.map_err(|error| failed(url, &in_full(&error)))
    }

    /// The headers that sign the request, where there is a key.
    fn headers(&self, method: &Method, url: &Url, body: &[u8]) -> Result<HeaderMap, String> {
        let mut headers = HeaderMap::new();
        let Some(key) = &self.key else { return Ok(headers) };
        let host = host(url);
        let own: [(&str, &[u8]); 1] = [("host", host.as_bytes())];
        let (path, query) = (url.path(), url.query().unwrap_or_default());
        let request = sigv4::Request { method: method.as_str(), path, query, headers: &own, body };
        let added = sigv4::sign(&request, key, &self.region, clock::unix_secs()).map_err(|refusal| refusal.to_string())?;
        for (name, value) in added {
            let value = HeaderValue::try_from(value).map_err(|_| format!("{name}: the environment's key is no text of ASCII"))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        Ok(headers)
    }
}

/// The Host header that the client sends: with the port where that is not the scheme's own.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn failed(url: &Url, what: &str) -> Failure {
    Failure::Failed(format!("asking {url}: {what}"))
}

/// The key that the environment has, if it has one.
fn key_of_environment() -> Result<Option<AccessKey>, Failure> {
    let session_token = text("AWS_SESSION_TOKEN").map(|token| Secret::new(&token));
    match (text("AWS_ACCESS_KEY_ID"), text("AWS_SECRET_ACCESS_KEY")) {
        (Some(id), Some(secret)) => Ok(Some(AccessKey { id, secret: Secret::new(&secret), session_token })),
        (None, None) => Ok(None),
        _ => Err(Failure::Failed(
            "the environment has one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and not the other".to_owned(),
        )),
    }
}

fn text(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Percent-encodes everything but unreserved characters (RFC 3986 §2.3).
fn escape(text: &str) -> String {
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~".contains(&octet);
    text.bytes().map(|octet| if is_plain(octet) { char::from(octet).to_string() } else { format!("%{octet:02X}") }).collect()
}

/// How long a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How long the server may say nothing: a large restore is built and written before it is answered.
const SILENT_AT_MOST: Duration = Duration::from_secs(300);
