//! One HTTP exchange over a connection that is already there: a request out, the head of a response in.
//!
//! HTTP/1.1 and HTTP/2, for whoever asks over them. Invariants: a response's head is bounded, and whatever was begun for
//! an exchange ends when its [`Turning`] is dropped. Sources: RFC 9112, RFC 9113.

use std::error::Error as _;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::rt::Executor;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;

use super::dial::Stream;
use super::tls;
use crate::health::observation::{Failure, Outcome};

pub(super) type Message = Request<Full<Bytes>>;

/// The other half of a hyper connection: whoever awaits a response or a body must also turn this.
pub(super) struct Turning {
    connection: Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>>,
    /// HTTP/1.1 has none.
    tasks: Option<Tasks>,
}

/// Sends the request and reads the response's head.
pub(super) async fn respond(
    stream: Stream,
    message: Message,
    over_http2: bool,
) -> Result<(Response<Incoming>, Turning), Outcome> {
    let asked = if over_http2 { over_2(stream, message).await } else { over_1(stream, message).await };
    asked.map_err(|error| broken(&error).into())
}

async fn over_1(stream: Stream, message: Message) -> hyper::Result<(Response<Incoming>, Turning)> {
    let handshake = http1::Builder::new()
        .max_header_size(HEAD_MAX)
        .max_buf_size(2 * HEAD_MAX)
        .max_headers(HEAD_MAX / SHORTEST_HEADER)
        .handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await?;
    let mut turning = Turning { connection: Some(Box::pin(connection)), tasks: None };
    let response = turning.driving(sender.send_request(message)).await?;
    Ok((response, turning))
}

async fn over_2(stream: Stream, message: Message) -> hyper::Result<(Response<Incoming>, Turning)> {
    let tasks = Tasks::default();
    let handshake = http2::Builder::new(tasks.clone())
        .max_header_list_size(u32::try_from(HEAD_MAX).expect("it is small"))
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .handshake(TokioIo::new(stream));
    // From here on, dropping it ends the tasks, however this ends.
    let mut turning = Turning { connection: None, tasks: Some(tasks) };
    let (mut sender, connection) = handshake.await?;
    turning.connection = Some(Box::pin(connection));
    let response = turning.driving(sender.send_request(message)).await?;
    Ok((response, turning))
}

impl Turning {
    /// Awaits `wanted` while the connection turns.
    pub(super) async fn driving<T>(&mut self, wanted: impl Future<Output = T>) -> T {
        let mut wanted = pin!(wanted);
        poll_fn(|context| {
            if let Some(turning) = &mut self.connection
                && turning.as_mut().poll(context).is_ready()
            {
                // How it ended reaches `wanted` by hyper's own channel.
                self.connection = None;
            }
            wanted.as_mut().poll(context)
        })
        .await
    }
}

impl Drop for Turning {
    fn drop(&mut self) {
        // The tasks hold on to their set: without this they would keep each other, and the socket.
        if let Some(Tasks(tasks)) = &self.tasks {
            tasks.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
        }
    }
}

/// What hyper runs beside a connection of HTTP/2.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<JoinSet<()>>>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Tasks {
    fn execute(&self, task: F) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).spawn(task);
    }
}

/// What a broken exchange says of the endpoint.
pub(super) fn broken(error: &hyper::Error) -> Failure {
    if let Some(error) = error.source().and_then(|source| source.downcast_ref::<h2::Error>()) {
        return broken_2(error);
    }
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

fn broken_2(error: &h2::Error) -> Failure {
    match error.get_io().and_then(tls::rustls_error) {
        Some(error) => tls::judge(error),
        None if error.is_io() || error.is_go_away() && error.is_remote() => Failure::ConnectionClosed,
        // What h2 finds itself is told by its code only; a head that is too large has no other.
        None if error.is_library() && error.reason() == Some(h2::Reason::PROTOCOL_ERROR) => {
            Failure::MalformedResponse(format!("HTTP/2: an error of protocol, or a head over {HEAD_MAX} octets"))
        }
        None => Failure::MalformedResponse(format!("HTTP/2: {error}")),
    }
}

/// The most octets of a response's head, status line included (Route 53: 16,384 for the headers).
const HEAD_MAX: usize = 16_384;
/// `a:\r\n`
const SHORTEST_HEADER: usize = 4;
/// What an endpoint may send unasked over HTTP/2: the least that there is (RFC 9113 §6.9.2).
const WINDOW: u32 = 65_535;
