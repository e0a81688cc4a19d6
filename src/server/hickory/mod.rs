//! This server's answers inside somebody else's hickory server: its listeners and its TLS, our zones.
//!
//! A [`Handler`] gives the octets of a request, as they came, to a [`Responder`] and hands what that says to hickory.
//! Decides no answers. Hickory encodes responses itself, so its octets are not ours, and some messages never get here.
//! Known differences from the sockets of `server`, each shown by `tests/hickory.rs`:
//!
//! * Hickory does not compress names against the question, so messages are longer. One that does not fit any more goes
//!   without its additional section, where that is no referral's, or is truncated as a whole (RFC 9471): TC comes sooner.
//! * A message that hickory can't decode gets hickory's FORMERR, without question or OPT, be it a response itself. That is
//!   one with a client subnet of family 0, too, and a datagram of more than 4,096 octets, which is cut.
//! * A stream on which a message deserves no response stays open.
//! * Responses are counted and logged by hickory; of ours, only the query log goes on.
//!
//! Invariant: sections, their order, flags, codes, names' case and options are those of the responder.
//! Sources: RFC 6891 §6.2, RFC 9471 §3, the traits of hickory-server 0.26.

mod response;

use std::cell::RefCell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hickory_server::net::runtime::Time;
use hickory_server::net::xfer::Protocol;
use hickory_server::proto::op::{Header, HeaderCounts, Metadata, ResponseCode};
use hickory_server::proto::serialize::binary::DecodeError;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;

use self::response::Response;
use super::responder::Responder;
use crate::answer::{Asker, Transport};
use crate::snapshot::Published;
use crate::wire::query::{Room, parse_query};
use crate::wire::rtype::Class;
use crate::wire::{MESSAGE_MAX, UDP_MIN};

/// Answers a hickory server's requests.
pub struct Handler<R> {
    responders: Mutex<Responders<R>>,
}

/// One responder for each thread that answers at the moment.
struct Responders<R> {
    first: R,
    idle: Vec<R>,
}

impl<R: Responder> Handler<R> {
    /// Answers as `responder` does, which may be [`super::Answers`].
    pub fn new(responder: R) -> Self {
        Self { responders: Mutex::new(Responders { first: responder, idle: Vec::new() }) }
    }

    /// What is to be sent; none when nothing may be.
    fn answer(&self, request: &Request) -> Option<Result<Response, DecodeError>> {
        let mut responder = self.lock().take();
        let asker = Asker { address: request.src().ip().to_canonical(), transport: transport(request.protocol()) };
        let response = SCRATCH.with_borrow_mut(|scratch| {
            let report = responder.batch()(request.as_slice(), &asker, scratch);
            (report.len > 0).then(|| Response::parse(&scratch[..report.len]))
        });
        self.lock().idle.push(responder);
        response
    }

    /// No responder is called under the lock, so it is never held for long.
    fn lock(&self) -> MutexGuard<'_, Responders<R>> {
        // What was behind the lock at a panic is whole: a fork that did not come about was not kept.
        self.responders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: Responder> Responders<R> {
    fn take(&mut self) -> R {
        self.idle.pop().unwrap_or_else(|| self.first.fork())
    }
}

#[async_trait::async_trait]
impl<R: Responder + Unpin> RequestHandler for Handler<R> {
    async fn handle_request<H: ResponseHandler, T: Time>(&self, request: &Request, mut handle: H) -> ResponseInfo {
        let sent = match self.answer(request) {
            None => return unsent(request),
            Some(Ok(response)) => {
                let limit = limit(request, &response);
                handle.send_response(response.fit(limit).message()).await
            }
            Some(Err(_)) => {
                let failed = MessageResponseBuilder::from_message_request(request);
                handle.send_response(failed.error_msg(&request.metadata, ResponseCode::ServFail)).await
            }
        };
        sent.unwrap_or_else(|_| unsent(request))
    }
}

/// What hickory is told of a response that was not sent; it does not look at it.
fn unsent(request: &Request) -> ResponseInfo {
    let metadata = Metadata::response_from_request(&request.metadata);
    Header { metadata, counts: HeaderCounts::default() }.into()
}

fn transport(protocol: Protocol) -> Transport {
    if protocol.is_datagram() { Transport::Udp } else { Transport::Tcp }
}

/// The most octets that the asker takes (RFC 6891 §6.2.5).
fn limit(request: &Request, response: &Response) -> usize {
    match (transport(request.protocol()), response.payload_size()) {
        (Transport::Tcp, _) => MESSAGE_MAX,
        (Transport::Udp, None) => UDP_MIN,
        (Transport::Udp, Some(ours)) => ours.min(request.max_payload()).into(),
    }
}

/// Answers the queries for this server's zones, and leaves all other requests to another handler: to hickory's
/// `Catalog`, say.
pub struct Beside<R, O> {
    ours: Handler<R>,
    published: Arc<Published>,
    others: O,
}

impl<R: Responder, O> Beside<R, O> {
    /// Which zones are ours is looked up in `published`, from which `responder` answers.
    pub fn new(responder: R, published: Arc<Published>, others: O) -> Self {
        Self { ours: Handler::new(responder), published, others }
    }

    fn is_ours(&self, request: &Request) -> bool {
        let mut room = Room::new();
        parse_query(request.as_slice(), &mut room).is_ok_and(|query| {
            let snapshot = self.published.load();
            let catalog = snapshot.catalog.seen_by(request.src().ip().to_canonical());
            query.question.qclass == Class::IN && catalog.closest(query.question.name).is_some()
        })
    }
}

#[async_trait::async_trait]
impl<R: Responder + Unpin, O: RequestHandler> RequestHandler for Beside<R, O> {
    async fn handle_request<H: ResponseHandler, T: Time>(&self, request: &Request, handle: H) -> ResponseInfo {
        match self.is_ours(request) {
            true => self.ours.handle_request::<H, T>(request, handle).await,
            false => self.others.handle_request::<H, T>(request, handle).await,
        }
    }
}

thread_local! {
    /// Where a response is built: one for each thread, not for each request.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; MESSAGE_MAX].into());
}
