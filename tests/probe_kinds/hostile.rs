//! Endpoints that break off, go on for ever, or answer an octet at a time: each probe ends, by its deadline or before.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use waypost::health::protocol::Protocol;
use waypost::health::protocol::http::{HttpRequest, Search};
use waypost::health::timing::Deadlines;

use crate::targets::*;

fn searching() -> HttpRequest {
    HttpRequest { search: Some(Search::Text("healthy".into())), ..HttpRequest::get("www.example.org", "/") }
}

fn over_2() -> Protocol {
    Protocol::Http(HttpRequest { http2: true, ..searching() })
}

/// Serves one connection after the first octets of a request have come.
async fn once<F: Future<Output = ()> + Send>(serve: impl FnOnce(TcpStream) -> F + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        serve(stream).await;
    });
    address
}

/// Sends `start`, and then `more` until nobody takes it; says how many octets were taken.
async fn endless(start: Vec<u8>, more: Vec<u8>) -> (SocketAddr, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = taken.clone();
    let address = once(|mut stream| async move {
        let mut next = start;
        while let Ok(len) = stream.write(&next).await {
            counter.fetch_add(len, Ordering::Relaxed);
            next = more.clone();
        }
    })
    .await;
    (address, taken)
}

/// A frame of HTTP/2 (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

#[tokio::test]
async fn headers_without_end_are_not_read_to_the_end() {
    let (address, taken) = endless(b"HTTP/1.1 200 OK\r\n".to_vec(), b"a: b\r\n".repeat(1_000)).await;
    check(address, Protocol::Http(searching()), PATIENTLY, "HTTP response head over 16384 octets").await;
    assert!(taken.load(Ordering::Relaxed) > 16_384);

    // HEADERS that does not end, and then CONTINUATION for ever.
    let start = [frame(4, 0, 0, &[]), frame(1, 0, 1, &[0x88])].concat();
    let (address, _) = endless(start, frame(9, 0, 1, &[0x88; 16_000])).await;
    let report = probe(address, over_2(), PATIENTLY).await;
    assert_eq!(summary(&report), "malformed_response: connect status", "{}", report.observation.outcome);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_no_head_over_http2_either() {
    let with_headers = |count: usize| {
        move |_| {
            let named = (0..count).map(|number| format!("x-{number:04}"));
            let builder = named.fold(hyper::Response::builder(), |builder, name| builder.header(name, "y".repeat(62)));
            builder.body(http_body_util::Full::from("healthy")).unwrap()
        }
    };
    // 100 octets each, as HTTP/2 counts them (RFC 9113 §6.5.2).
    let small = serve_http2(None, with_headers(150)).await;
    check(small, over_2(), PATIENTLY, "HTTP status 200, search string found").await;
    let large = serve_http2(None, with_headers(170)).await;
    let seen = "malformed HTTP response: HTTP/2: an error of protocol, or a head over 16384 octets";
    check(large, over_2(), PATIENTLY, seen).await;
}

#[tokio::test]
async fn a_body_that_would_unpack_without_end_is_searched_as_it_is_sent() {
    let start = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0".to_vec();
    let (address, _) = endless(start, vec![0; 60_000]).await;
    let absent = "search string absent from the first 5120 octets of the body";
    check(address, Protocol::Http(searching()), PATIENTLY, absent).await;

    // :status 200, and DATA for ever.
    let start = [frame(4, 0, 0, &[]), frame(1, 4, 1, &[0x88])].concat();
    let (address, _) = endless(start, frame(0, 0, 1, &[0; 16_000])).await;
    check(address, over_2(), PATIENTLY, absent).await;
}

#[tokio::test]
async fn an_octet_at_a_time_ends_with_the_deadline_of_its_phase() {
    let drip = |before: &'static [u8]| {
        once(move |mut stream| async move {
            stream.write_all(before).await.unwrap();
            let mut every = tokio::time::interval(Duration::from_millis(10));
            while stream.write_all(b"x").await.is_ok() {
                every.tick().await;
            }
        })
    };
    let short = Deadlines { status: SHORT, body: SHORT, ..PATIENTLY };
    let head = drip(b"HTTP/1.1 200 OK\r\nx: ").await;
    check(head, Protocol::Http(searching()), short, "no HTTP status within 150ms").await;
    let body = drip(b"HTTP/1.1 200 OK\r\n\r\n").await;
    let patient_head = Deadlines { body: SHORT, ..PATIENTLY };
    check(body, Protocol::Http(searching()), patient_head, "search string not seen within 150ms").await;
}

#[tokio::test]
async fn connections_of_http2_that_break_off_fail_as_what_they_are() {
    let settings = frame(4, 0, 0, &[]);
    let goaway = frame(7, 0, 0, &[0; 8]);
    let goaway_broken = frame(7, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 2]);
    let absent = "search string absent from the first 5120 octets of the body";
    let reset = frame(3, 0, 1, &[0, 0, 0, 2]);
    let half = [frame(1, 4, 1, &[0x88]), frame(0, 0, 1, b"heal")].concat();
    let closed = "connection closed before the response was complete";
    for (frames, seen) in [
        (goaway.clone(), closed),
        (goaway_broken.clone(), closed),
        // Without an error it says that there is no more.
        ([half.clone(), goaway].concat(), absent),
        ([half.clone(), goaway_broken].concat(), closed),
        (reset.clone(), "malformed HTTP response: HTTP/2: stream error received: unexpected internal error encountered"),
        (
            [half.clone(), reset].concat(),
            "malformed HTTP response: HTTP/2: stream error received: unexpected internal error encountered",
        ),
        (half, "search string not seen within 150ms"),
    ] {
        let server = Server::holding([settings.clone(), frames].concat()).await;
        check(server.address, over_2(), Deadlines { body: SHORT, ..PATIENTLY }, seen).await;
    }
    let server = Server::answering(settings).await;
    check(server.address, over_2(), PATIENTLY, closed).await;
    let mute = Server::holding("").await;
    check(mute.address, over_2(), Deadlines { status: SHORT, ..PATIENTLY }, "no HTTP status within 150ms").await;
}

#[tokio::test]
async fn what_a_probe_began_ends_with_it() {
    let (left, leaving) = tokio::sync::oneshot::channel();
    let address = once(|mut stream| async move {
        stream.write_all(&frame(4, 0, 0, &[])).await.unwrap();
        let mut rest = Vec::new();
        // The end, or a reset.
        let _ = stream.read_to_end(&mut rest).await;
        left.send(()).unwrap();
    })
    .await;
    check(address, over_2(), Deadlines { status: SHORT, ..PATIENTLY }, "no HTTP status within 150ms").await;
    leaving.await.unwrap();
}
