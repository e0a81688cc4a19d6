//! What a check may ask over HTTP, and which responses pass.

use waypost::health::protocol::Protocol;
use waypost::health::protocol::http::{Expect, HttpRequest, Method, Pattern, Search};

use crate::targets::*;

const OK: &str = "HTTP/1.1 200 OK\r\n\r\n";

fn plain() -> HttpRequest {
    HttpRequest::get("www.example.org", "/")
}

fn matching(pattern: &str) -> HttpRequest {
    HttpRequest { search: Some(Search::Pattern(Pattern::new(pattern).unwrap())), ..plain() }
}

#[tokio::test]
async fn methods_headers_and_bodies_are_sent_as_written() {
    let agent = format!("waypost/{} (health check; +web-fra)", env!("CARGO_PKG_VERSION"));
    let headers = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    for (request, sent) in [
        (
            HttpRequest { method: Method::Head, ..plain() },
            format!("HEAD / HTTP/1.1\r\nhost: www.example.org\r\nuser-agent: {agent}\r\nconnection: close\r\n\r\n"),
        ),
        (
            HttpRequest { headers: headers(&[("accept", "text/plain"), ("user-agent", "probe")]), ..plain() },
            "GET / HTTP/1.1\r\nhost: www.example.org\r\naccept: text/plain\r\nuser-agent: probe\r\nconnection: close\r\n\r\n"
                .to_owned(),
        ),
        (
            HttpRequest { method: Method::Post, body: Some("{}".into()), ..plain() },
            format!(
                "POST / HTTP/1.1\r\nhost: www.example.org\r\nuser-agent: {agent}\r\nconnection: close\r\n\
                 content-length: 2\r\n\r\n"
            ),
        ),
    ] {
        let mut server = Server::answering(OK).await;
        check(server.address, Protocol::Http(request), PATIENTLY, "HTTP status 200").await;
        assert_eq!(server.requests.recv().await.unwrap(), sent);
    }
}

#[tokio::test]
async fn the_statuses_that_pass_are_the_checks_own() {
    let expect = |ranges: &[(u16, u16)]| Expect::new(ranges.iter().map(|(first, last)| *first..=*last).collect()).unwrap();
    for (expect, status, passes) in [
        (expect(&[(200, 299)]), 204, true),
        (expect(&[(200, 299)]), 301, false),
        (expect(&[(401, 401), (403, 403)]), 403, true),
        (expect(&[(401, 401), (403, 403)]), 402, false),
        (expect(&[(200, 200), (500, 599)]), 503, true),
    ] {
        let server = Server::answering(format!("HTTP/1.1 {status} ?\r\nContent-Length: 0\r\n\r\n")).await;
        let report = probe(server.address, Protocol::Http(HttpRequest { expect, ..plain() }), PATIENTLY).await;
        assert_eq!(report.observation.outcome.passed(), Some(passes), "{status}");
        assert_eq!(report.observation.outcome.to_string(), format!("HTTP status {status}"));
    }
}

#[tokio::test]
async fn a_pattern_is_matched_against_the_first_5120_octets_as_a_whole() {
    let (matched, absent) = ("HTTP status 200, pattern matched", "no match of the pattern in the first 5120 octets of the body");
    for (pattern, body, seen) in [
        ("^ok$", "ok".to_owned(), matched),
        ("^ok$", "ok, but slow".to_owned(), absent),
        ("\"lag\": \\d{1,2}[,}]", "{\"lag\": 7}".to_owned(), matched),
        ("\"lag\": \\d{1,2}[,}]", "{\"lag\": 700}".to_owned(), absent),
        ("(?i)READY", "ready".to_owned(), matched),
        ("x$", "x".repeat(9_000), matched),
        ("end", format!("{}end", "x".repeat(5_117)), matched),
        ("end", format!("{}end", "x".repeat(5_118)), absent),
        ("^$", String::new(), matched),
    ] {
        let server = Server::answering(format!("{OK}{body}")).await;
        check(server.address, Protocol::Http(matching(pattern)), PATIENTLY, seen).await;
    }
}

#[tokio::test]
async fn http2_is_spoken_with_prior_knowledge_or_by_alpn() {
    let rule = |request: hyper::Request<Vec<u8>>| {
        let seen = format!("{} {} {:?}", request.method(), request.uri(), request.version());
        hyper::Response::new(http_body_util::Full::from(seen))
    };
    let post = HttpRequest { method: Method::Post, body: Some("hi".into()), http2: true, ..matching("^POST http") };
    let over_tls = HttpRequest { http2: true, ..matching("^GET https://www.example.org/ HTTP/2.0$") };
    let tls = tls_options(Some("www.example.org"), true);

    let in_clear = serve_http2(None, rule).await;
    check(in_clear, Protocol::Http(post), PATIENTLY, "HTTP status 200, pattern matched").await;
    let acceptor = Certificate::issued("www.example.org", 2000, 4000).acceptor(&["h2"]);
    let secured = serve_http2(Some(acceptor), rule).await;
    let report = probe(secured, Protocol::Https(over_tls.clone(), tls.clone()), PATIENTLY).await;
    assert_eq!(report.observation.outcome.to_string(), "HTTP status 200, pattern matched");
    assert_eq!(summary(&report), "passed: connect tls status body");

    let old = Server::choosing(OK, Certificate::issued("www.example.org", 2000, 4000), &["http/1.1"]).await;
    let report = probe(old.address, Protocol::Https(over_tls.clone(), tls.clone()), PATIENTLY).await;
    assert_eq!(summary(&report), "tls_handshake: connect tls", "{}", report.observation.outcome);
    let older = Server::secured(OK, Certificate::issued("www.example.org", 2000, 4000)).await;
    let seen = "TLS handshake failed: the endpoint chose none of the protocols h2";
    check(older.address, Protocol::Https(over_tls, tls), PATIENTLY, seen).await;
}

#[tokio::test]
async fn a_server_of_http1_fails_a_check_of_http2_and_the_other_way_round() {
    let server = Server::holding("HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let report = probe(server.address, Protocol::Http(HttpRequest { http2: true, ..plain() }), PATIENTLY).await;
    assert_eq!(report.observation.outcome.code(), "malformed_response", "{}", report.observation.outcome);
    let server = serve_http2(None, |_| hyper::Response::new(http_body_util::Empty::new())).await;
    let report = probe(server, Protocol::Http(plain()), PATIENTLY).await;
    assert_eq!(report.observation.outcome.passed(), Some(false), "{}", report.observation.outcome);
}
