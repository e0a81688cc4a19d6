//! gRPC checks against health services that serve, do not, fail, or speak something else.

use std::future::ready;

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes};
use hyper::header::{HeaderMap, HeaderValue};
use hyper::{Request, Response};
use waypost::health::protocol::Protocol;
use waypost::health::protocol::grpc::GrpcCheck;
use waypost::health::timing::Deadlines;

use crate::targets::*;

fn check_of(service: &str) -> GrpcCheck {
    GrpcCheck { authority: "www.example.org:50051".into(), service: service.into(), tls: None }
}

/// A health service: of the server, of `shop.Cart`, which is down, and of nothing else.
fn health(request: Request<Vec<u8>>) -> Response<impl Body<Data = Bytes, Error = std::convert::Infallible> + Send> {
    assert_eq!(request.uri(), "http://www.example.org:50051/grpc.health.v1.Health/Check");
    assert_eq!(request.headers()["content-type"], "application/grpc");
    assert_eq!(request.headers()["te"], "trailers");
    match request.body().as_slice() {
        [0, 0, 0, 0, 0] => answer(&[0, 0, 0, 0, 2, 8, 1], "0", None),
        [0, 0, 0, 0, 11, 0x0a, 9, service @ ..] if service == b"shop.Cart" => answer(&[0, 0, 0, 0, 2, 8, 2], "0", None),
        _ => answer(&[], "5", Some("no%20such service")),
    }
}

/// A message, and how the call ended.
fn answer(
    message: &'static [u8],
    status: &'static str,
    said: Option<&'static str>,
) -> Response<impl Body<Data = Bytes, Error = std::convert::Infallible> + Send> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(status));
    if let Some(said) = said {
        trailers.insert("grpc-message", HeaderValue::from_static(said));
    }
    let body = Full::new(Bytes::from_static(message)).with_trailers(ready(Some(Ok(trailers))));
    Response::builder().header("content-type", "application/grpc").body(body).unwrap()
}

#[tokio::test]
async fn a_service_passes_when_it_is_serving_and_fails_by_its_word() {
    let server = serve_http2(None, health).await;
    for (service, seen, code) in [
        ("", "SERVING", "passed"),
        ("shop.Cart", "NOT_SERVING", "not_serving"),
        ("shop.Till", "gRPC status 5 NOT_FOUND: no such service", "grpc_status"),
    ] {
        let report = probe(server, Protocol::Grpc(check_of(service)), PATIENTLY).await;
        assert_eq!(report.observation.outcome.to_string(), seen);
        assert_eq!(summary(&report), format!("{code}: connect call"));
    }
}

#[tokio::test]
async fn a_call_that_fails_at_once_says_so_in_its_head() {
    let server = serve_http2(None, |_| {
        Response::builder()
            .header("grpc-status", "12")
            .header("grpc-message", "unknown service")
            .body(Full::<Bytes>::default())
            .unwrap()
    })
    .await;
    check(server, Protocol::Grpc(check_of("")), PATIENTLY, "gRPC status 12 UNIMPLEMENTED: unknown service").await;
}

#[tokio::test]
async fn over_tls_the_certificate_counts_as_for_https() {
    let serving = |_| answer(&[0, 0, 0, 0, 2, 8, 1], "0", None);
    let certificate = || Certificate::issued("www.example.org", 2000, 4000);
    let server = serve_http2(Some(certificate().acceptor(&["h2"])), serving).await;
    let over_tls = |name| GrpcCheck { tls: Some(tls_options(Some(name), true)), ..check_of("") };
    let report = probe(server, Protocol::Grpc(over_tls("www.example.org")), PATIENTLY).await;
    assert_eq!(summary(&report), "passed: connect tls call", "{}", report.observation.outcome);
    assert!(report.certificate_not_after.is_some());
    let report = probe(server, Protocol::Grpc(over_tls("other.example.org")), PATIENTLY).await;
    assert_eq!(summary(&report), "certificate_invalid: connect tls");
    let without_alpn = serve_http2(Some(certificate().acceptor(&[])), serving).await;
    let report = probe(without_alpn, Protocol::Grpc(over_tls("www.example.org")), PATIENTLY).await;
    assert_eq!(summary(&report), "tls_handshake: connect tls");
}

#[tokio::test]
async fn what_is_no_health_service_fails_as_what_it_is() {
    let page = serve_http2(None, |_| Response::builder().status(404).body(Full::<Bytes>::default()).unwrap()).await;
    check(page, Protocol::Grpc(check_of("")), PATIENTLY, "HTTP status 404").await;
    let text = serve_http2(None, |_| Response::new(Full::new(Bytes::from_static(b"hello")))).await;
    check(text, Protocol::Grpc(check_of("")), PATIENTLY, "malformed answer: it has no grpc-status").await;
    let other = serve_http2(None, |_| answer(b"hello", "0", None)).await;
    check(other, Protocol::Grpc(check_of("")), PATIENTLY, "malformed answer: it is no HealthCheckResponse").await;
    let long = serve_http2(None, |_| Response::new(Full::new(Bytes::from(vec![0; 100_000])))).await;
    check(long, Protocol::Grpc(check_of("")), PATIENTLY, "malformed answer: it has more than 1024 octets").await;
    let old = Server::holding("HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let report = probe(old.address, Protocol::Grpc(check_of("")), PATIENTLY).await;
    assert_eq!(summary(&report), "malformed_response: connect call", "{}", report.observation.outcome);
}

#[tokio::test]
async fn each_phase_ends_with_its_deadline() {
    let any = || Protocol::Grpc(check_of(""));
    check(nobody().await, any(), PATIENTLY, "connection refused").await;
    check(BlackHole::dig().address, any(), Deadlines { connect: SHORT, ..PATIENTLY }, "not connected within 150ms").await;
    let mute = Server::holding("").await;
    let report = probe(mute.address, any(), Deadlines { status: SHORT, ..PATIENTLY }).await;
    assert_eq!(summary(&report), "answer_timeout: connect call");
    assert_eq!(report.observation.outcome.to_string(), "no answer within 150ms");
}
