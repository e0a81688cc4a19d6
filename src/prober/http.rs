//! One HTTP/1.1 request over a connection that is already there, and whether the response passes.
//!
//! Follows no redirect, sends no `Accept-Encoding`, reads no more than it needs. 2xx and 3xx pass; the search string must
//! lie wholly within the first 5,120 octets of the body. Sources: RFC 9112; Route 53 developer guide, "How Route 53
//! determines whether a health check is healthy".

use std::error::Error as _;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::{Log, tls};
use crate::health::observation::{Failure, NotRun, Outcome, Passed};
use crate::health::protocol::{HttpRequest, SEARCH_WITHIN};
use crate::health::timing::Deadlines;
use crate::ids::HealthCheckId;

/// Asks once, and judges the response.
pub(super) async fn ask(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: &HttpRequest,
    id: &HealthCheckId,
    deadlines: Deadlines,
    log: &mut Log,
) -> Result<Passed, Outcome> {
    let message = message(request, id)?;
    let asked = timeout(deadlines.status, respond(stream, message)).await;
    log.end("status");
    let (response, mut connection) = asked.map_err(|_| Failure::StatusTimeout(deadlines.status))??;
    let status = response.status().as_u16();
    if !(200..400).contains(&status) {
        return Err(Failure::BadStatus(status).into());
    }
    let Some(search) = request.search.as_deref().filter(|search| !search.is_empty()) else {
        return Ok(Passed::Status(status));
    };
    let body = response.into_body();
    let found = timeout(deadlines.body, driving(&mut connection, find(body, search.as_bytes()))).await;
    log.end("body");
    found.map_err(|_| Failure::BodyTimeout(deadlines.body))??;
    Ok(Passed::SearchStringFound(status))
}

/// The request as Route 53 would send it, but for the name.
fn message(request: &HttpRequest, id: &HealthCheckId) -> Result<Request<Empty<Bytes>>, NotRun> {
    let plain: String = id.as_str().chars().map(|char| if char.is_ascii_graphic() { char } else { '?' }).collect();
    Request::get(escaped(&request.path))
        .header(HOST, &request.host)
        .header(USER_AGENT, format!("waypost/{} (health check; +{plain})", env!("CARGO_PKG_VERSION")))
        .header(CONNECTION, "close")
        .body(Empty::new())
        .map_err(|error| NotRun::Impossible(format!("GET {} Host: {}: {error}", request.path, request.host)))
}

/// The path and query as a request line may have them: what RFC 3986 §3.3 and §3.4 do not allow there, written as `%XX`.
fn escaped(path: &str) -> String {
    let is_allowed = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&octet);
    let mut written = String::with_capacity(path.len());
    for octet in path.bytes() {
        match is_allowed(octet) {
            true => written.push(octet.into()),
            false => written.push_str(&format!("%{octet:02X}")),
        }
    }
    written
}

/// The other half of a hyper connection: whoever awaits a response or a body must also turn this.
type Connection = Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>>;

/// Sends the request and reads the response's head.
async fn respond(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    message: Request<Empty<Bytes>>,
) -> Result<(Response<Incoming>, Connection), Outcome> {
    let handshake = http1::Builder::new()
        .max_header_size(HEAD_MAX)
        .max_buf_size(2 * HEAD_MAX)
        .max_headers(HEAD_MAX / SHORTEST_HEADER)
        .handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(|error| broken(&error))?;
    let mut connection: Connection = Some(Box::pin(connection));
    let response = driving(&mut connection, sender.send_request(message)).await;
    Ok((response.map_err(|error| broken(&error))?, connection))
}

/// Awaits `wanted` while the connection turns; no task is spawned, so dropping the probe drops the socket.
async fn driving<T>(connection: &mut Connection, wanted: impl Future<Output = T>) -> T {
    let mut wanted = pin!(wanted);
    poll_fn(|context| {
        if let Some(turning) = connection
            && turning.as_mut().poll(context).is_ready()
        {
            // How it ended reaches `wanted` by hyper's own channel.
            *connection = None;
        }
        wanted.as_mut().poll(context)
    })
    .await
}

/// Reads until the search string is found, or can no longer lie within the first 5,120 octets.
async fn find(mut body: Incoming, search: &[u8]) -> Result<(), Failure> {
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(&error))?;
        let Some(data) = frame.data_ref() else { continue };
        let searched = read.len().saturating_sub(search.len() - 1);
        read.extend_from_slice(&data[..data.len().min(SEARCH_WITHIN - read.len())]);
        if read[searched..].windows(search.len()).any(|window| window == search) {
            return Ok(());
        }
        if read.len() == SEARCH_WITHIN {
            break;
        }
    }
    Err(Failure::SearchStringAbsent)
}

/// What a broken exchange says of the endpoint.
fn broken(error: &hyper::Error) -> Failure {
    let cause = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    if let Some(error) = cause.and_then(tls::rustls_error) {
        return tls::judge(error);
    }
    match cause.map(io::Error::kind) {
        _ if error.is_parse_too_large() => Failure::HeadersTooLarge,
        _ if error.is_parse() => Failure::MalformedResponse(error.to_string()),
        Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
            Failure::MalformedResponse("the body's framing is broken".into())
        }
        _ => Failure::ConnectionClosed,
    }
}

/// The most octets of a response's head, status line included (Route 53: 16,384 for the headers).
const HEAD_MAX: usize = 16_384;
/// `a:\r\n`
const SHORTEST_HEADER: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_asked_for_whatever_is_in_it() {
        assert_eq!(escaped("/a/b;c=1?d=%20&e=(f)"), "/a/b;c=1?d=%20&e=(f)");
        assert_eq!(escaped("/<a>#\"{b}|\u{e9}"), "/%3Ca%3E%23%22%7Bb%7D%7C%C3%A9");
        let every: String = (1..=0x10FF).filter_map(char::from_u32).collect();
        let request = HttpRequest { host: "a".into(), path: format!("/{every}"), search: None };
        assert!(message(&request, &HealthCheckId::new("a").unwrap()).is_ok());
    }
}
