//! Probes against real servers on loopback, each as broken as the test says.

#[path = "support/targets.rs"]
mod targets;

use std::net::{Ipv4Addr, SocketAddr};

use targets::*;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, UdpSocket};
use waypost::health::protocol::Protocol;
use waypost::health::protocol::http::{HttpRequest, Search};
use waypost::health::protocol::tls::TlsOptions;
use waypost::health::timing::Deadlines;
use waypost::prober::{Prober, Trust};
use waypost::resolver::NameServers;

// TCP

#[tokio::test]
async fn an_accepted_connection_passes() {
    let server = Server::answering("").await;
    check(server.address, Protocol::Tcp, PATIENTLY, "connected").await;
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    check(address, Protocol::Tcp, PATIENTLY, "connection refused").await;
}

#[tokio::test]
async fn an_endpoint_that_answers_no_packet_ends_with_the_connect_deadline() {
    let hole = BlackHole::dig();
    let deadlines = Deadlines { connect: SHORT, ..PATIENTLY };
    check(hole.address, Protocol::Tcp, deadlines, "not connected within 150ms").await;
}

#[tokio::test]
async fn an_address_that_this_machine_cannot_connect_to_is_not_held_against_it() {
    let report = probe(SocketAddr::from((Ipv4Addr::new(224, 0, 0, 1), 80)), Protocol::Tcp, PATIENTLY).await;
    assert_eq!(report.observation.outcome.code(), "not_run_route", "{}", report.observation.outcome);
    assert_eq!(report.observation.outcome.passed(), None);
}

// HTTP

#[tokio::test]
async fn statuses_of_2xx_and_3xx_pass_and_redirects_are_not_followed() {
    for (status, seen) in [
        ("200 OK", "HTTP status 200"),
        ("204 No Content", "HTTP status 204"),
        ("301 Moved Permanently\r\nLocation: http://127.0.0.1:1/", "HTTP status 301"),
        ("399 ?", "HTTP status 399"),
        ("400 Bad Request", "HTTP status 400"),
        ("404 Not Found", "HTTP status 404"),
        ("503 Service Unavailable", "HTTP status 503"),
    ] {
        let server = Server::answering(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")).await;
        let report = probe(server.address, http(None), PATIENTLY).await;
        assert_eq!(report.observation.outcome.to_string(), seen);
        assert_eq!(report.observation.outcome.passed(), Some(status < "400"), "{status}");
    }
}

#[tokio::test]
async fn responses_that_are_no_http_fail_by_name() {
    for (response, seen) in [
        ("", "connection closed before the response was complete"),
        ("HTTP/1.1 200", "connection closed before the response was complete"),
        ("HTTP/1.1 200 OK\r\nContent-Le", "connection closed before the response was complete"),
        ("SSH-2.0-OpenSSH_9.6\r\n\r\n", "malformed HTTP response: invalid HTTP version parsed"),
        ("HTTP/1.1 2x0 OK\r\n\r\n", "malformed HTTP response: invalid HTTP status-code parsed"),
        ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "malformed HTTP response: invalid HTTP header parsed"),
    ] {
        let server = Server::answering(response).await;
        check(server.address, http(None), PATIENTLY, seen).await;
    }
}

#[tokio::test]
async fn an_interim_response_and_http_1_0_are_understood() {
    for response in ["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n"] {
        let server = Server::answering(response).await;
        check(server.address, http(None), PATIENTLY, "HTTP status 200").await;
    }
}

#[tokio::test]
async fn a_response_head_may_have_16384_octets_and_no_more() {
    for (octets, seen) in [(16_384, "HTTP status 200"), (16_385, "HTTP response head over 16384 octets")] {
        for most_in_one in [false, true] {
            let response = head_of(octets, most_in_one);
            assert_eq!(response.len(), octets);
            let server = Server::answering(response).await;
            check(server.address, http(None), PATIENTLY, seen).await;
        }
    }
}

#[tokio::test]
async fn a_status_that_does_not_come_ends_with_its_own_deadline() {
    let server = Server::holding("").await;
    let deadlines = Deadlines { status: SHORT, ..PATIENTLY };
    check(server.address, http(None), deadlines, "no HTTP status within 150ms").await;
}

#[tokio::test]
async fn a_connection_that_is_reset_counts_as_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        stream.set_zero_linger().unwrap();
    });
    check(address, http(None), PATIENTLY, "connection closed before the response was complete").await;
}

#[tokio::test]
async fn the_request_is_a_get_that_says_who_asks() {
    let mut server = Server::answering("HTTP/1.1 200 OK\r\n\r\n").await;
    let request = HttpRequest::get("www.example.org:8080", "/healthz?deep=1");
    check(server.address, Protocol::Http(request), PATIENTLY, "HTTP status 200").await;
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        server.requests.recv().await.unwrap(),
        format!(
            "GET /healthz?deep=1 HTTP/1.1\r\nhost: www.example.org:8080\r\n\
             user-agent: waypost/{version} (health check; +web-fra)\r\nconnection: close\r\n\r\n"
        )
    );
}

#[tokio::test]
async fn a_request_that_cannot_be_written_is_our_fault() {
    let server = Server::answering("HTTP/1.1 200 OK\r\n\r\n").await;
    let request = HttpRequest::get("a\nb", "/");
    let report = probe(server.address, Protocol::Http(request), PATIENTLY).await;
    assert_eq!(report.observation.outcome.code(), "not_run_impossible");
}

// The search string

#[tokio::test]
async fn the_search_string_must_lie_within_the_first_5120_octets() {
    let found = "HTTP status 200, search string found";
    let absent = "search string absent from the first 5120 octets of the body";
    let body = |at: usize| format!("{}healthy {}", "x".repeat(at), "y".repeat(9_000));
    for (response, seen) in [
        (with_length("healthy"), found),
        (with_length("all are healthy here"), found),
        (with_length("Healthy"), absent),
        (with_length(""), absent),
        (with_length(&body(0)), found),
        (with_length(&body(5_120 - 7)), found),
        (with_length(&body(5_120 - 6)), absent),
        (with_length(&body(5_120)), absent),
        (until_closed("it is healthy"), found),
        (until_closed("it is not"), absent),
        (chunked(&["hea", "lt", "hy"]), found),
        (chunked(&["x".repeat(5_110).as_str(), "heal", "thy"]), found),
        (chunked(&["x".repeat(5_115).as_str(), "healthy"]), absent),
    ] {
        let server = Server::answering(response.clone()).await;
        let report = probe(server.address, http(Some("healthy")), PATIENTLY).await;
        assert_eq!(report.observation.outcome.to_string(), seen, "{}", &response[..response.len().min(120)]);
    }
}

#[tokio::test]
async fn the_body_of_a_redirect_is_searched_and_that_of_an_error_is_not() {
    for (response, seen) in [
        ("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\nhealthy", "HTTP status 302, search string found"),
        ("HTTP/1.1 500 Oops\r\n\r\nhealthy", "HTTP status 500"),
    ] {
        let server = Server::answering(response).await;
        check(server.address, http(Some("healthy")), PATIENTLY, seen).await;
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_fails_as_what_it_is() {
    for (response, seen) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nheal", "connection closed before the response was complete"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "malformed HTTP response: the body's framing is broken"),
    ] {
        let server = Server::answering(response).await;
        check(server.address, http(Some("healthy")), PATIENTLY, seen).await;
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_ends_with_its_own_deadline_but_what_came_counts() {
    let deadlines = Deadlines { body: SHORT, ..PATIENTLY };
    for (sent, seen) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nheal", "search string not seen within 150ms"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nhealthy", "HTTP status 200, search string found"),
    ] {
        let server = Server::holding(sent).await;
        check(server.address, http(Some("healthy")), deadlines, seen).await;
    }
}

#[tokio::test]
async fn without_a_search_string_the_body_is_not_awaited() {
    let server = Server::holding("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n").await;
    check(server.address, http(None), PATIENTLY, "HTTP status 200").await;
}

// TLS

#[tokio::test]
async fn certificates_are_verified_unless_the_check_says_otherwise() {
    let good = Certificate::issued("www.example.org", 2000, 4000);
    let expired = Certificate::issued("www.example.org", 2000, 2001);
    let future = Certificate::issued("www.example.org", 3999, 4000);
    let other = Certificate::issued("other.example.org", 2000, 4000);
    let own = Certificate::self_signed("www.example.org");
    let wrong_name = "certificate not valid: certificate not valid for name \"www.example.org\"; \
                      certificate is only valid for DnsName(\"other.example.org\")";
    for (certificate, verified) in [
        (good, "HTTP status 200"),
        (expired, "certificate not valid: expired"),
        (future, "certificate not valid: not valid yet"),
        (other, wrong_name),
        (own, "certificate not valid: issued by an unknown authority"),
    ] {
        let server = Server::secured("HTTP/1.1 200 OK\r\n\r\n", certificate).await;
        check(server.address, https(Some("www.example.org"), true), PATIENTLY, verified).await;
        check(server.address, https(Some("www.example.org"), false), PATIENTLY, "HTTP status 200").await;
    }
}

#[tokio::test]
async fn without_a_server_name_none_is_sent_and_the_certificate_is_the_addresss() {
    let mut named = Server::secured("HTTP/1.1 200 OK\r\n\r\n", Certificate::issued("www.example.org", 2000, 4000)).await;
    check(named.address, https(Some("www.example.org"), true), PATIENTLY, "HTTP status 200").await;
    assert_eq!(named.server_names.recv().await.unwrap().as_deref(), Some("www.example.org"));
    check(named.address, https(None, false), PATIENTLY, "HTTP status 200").await;
    assert_eq!(named.server_names.recv().await.unwrap(), None);
    let report = probe(named.address, https(None, true), PATIENTLY).await;
    assert_eq!(report.observation.outcome.code(), "certificate_invalid");

    let addressed = Server::secured("HTTP/1.1 200 OK\r\n\r\n", Certificate::issued("127.0.0.1", 2000, 4000)).await;
    check(addressed.address, https(None, true), PATIENTLY, "HTTP status 200").await;
}

#[tokio::test]
async fn an_endpoint_that_does_not_speak_tls_fails_the_handshake() {
    let plain = Server::answering("HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let report = probe(plain.address, https(Some("www.example.org"), true), PATIENTLY).await;
    assert_eq!(report.observation.outcome.code(), "tls_handshake", "{}", report.observation.outcome);
    // The kernel accepts, and nobody speaks.
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let deadlines = Deadlines { connect: SHORT, ..PATIENTLY };
    let seen = "connected, but TLS not established within 150ms";
    check(mute.local_addr().unwrap(), https(Some("www.example.org"), false), deadlines, seen).await;
}

// Names

#[tokio::test]
async fn a_target_by_name_is_resolved_at_each_probe() {
    let server = Server::answering("HTTP/1.1 200 OK\r\n\r\n").await;
    let mut names = Names::answering(|_| Some((0, vec![vec![127, 0, 0, 1]]))).await;
    let (prober, _) = Prober::new(Trust::Only(Vec::new()), &NameServers::Only(vec![names.address]));
    for _ in 0..2 {
        let report = prober.probe(&id(), &endpoint(named("web.test.", server.address.port()), http(None), PATIENTLY)).await;
        assert_eq!(report.observation.outcome.to_string(), "HTTP status 200");
        assert_eq!(report.address, Some(server.address));
        assert_eq!(names.asked.recv().await.unwrap(), 1, "A before AAAA");
    }
    assert!(names.asked.try_recv().is_err(), "AAAA is not asked for when there is an A");
}

#[tokio::test]
async fn a_name_without_address_fails_and_a_resolver_that_is_silent_is_our_trouble() {
    let deadlines = Deadlines { connect: SHORT, ..PATIENTLY };
    for (rcode, seen, code) in [
        (Some(3), "name not resolved: web.test. does not exist", "name_not_resolved"),
        (Some(0), "name not resolved: web.test. has no address", "name_not_resolved"),
        (
            Some(2),
            "probe not made: own resolver does not answer: it cannot resolve web.test.: error response: Server Failure",
            "not_run_resolver",
        ),
        (Some(5), "probe not made: own resolver does not answer: it refuses to resolve web.test.", "not_run_resolver"),
        (None, "probe not made: own resolver does not answer: no answer for web.test. within 150ms", "not_run_resolver"),
    ] {
        let names = Names::answering(move |_| rcode.map(|rcode| (rcode, Vec::new()))).await;
        let (prober, _) = Prober::new(Trust::Only(Vec::new()), &NameServers::Only(vec![names.address]));
        let deadlines = if rcode.is_some() { PATIENTLY } else { deadlines };
        let report = prober.probe(&id(), &endpoint(named("web.test.", 80), http(None), deadlines)).await;
        assert_eq!(report.observation.outcome.to_string(), seen);
        assert_eq!(report.observation.outcome.code(), code);
    }
}

#[tokio::test]
async fn a_resolver_that_is_not_there_is_our_trouble() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    drop(socket);
    let (prober, _) = Prober::new(Trust::Only(Vec::new()), &NameServers::Only(vec![address]));
    let deadlines = Deadlines { connect: SHORT, ..PATIENTLY };
    let report = prober.probe(&id(), &endpoint(named("web.test.", 80), http(None), deadlines)).await;
    assert_eq!(report.observation.outcome.code(), "not_run_resolver", "{}", report.observation.outcome);
}

#[tokio::test]
async fn ipv6_is_taken_where_there_is_no_ipv4() {
    let names = Names::answering(|rtype| Some((0, if rtype == 28 { vec![LOOPBACK_V6.to_vec()] } else { Vec::new() }))).await;
    let (prober, _) = Prober::new(Trust::Only(Vec::new()), &NameServers::Only(vec![names.address]));
    let report = prober.probe(&id(), &endpoint(named("web.test.", 9), Protocol::Tcp, PATIENTLY)).await;
    assert_eq!(report.address, Some("[::1]:9".parse().unwrap()), "{}", report.observation.outcome);
}

// The report

#[tokio::test]
async fn the_report_names_each_phase_that_ran_and_the_address() {
    let response = "HTTP/1.1 200 OK\r\n\r\nhealthy";
    let plain = Server::answering(response).await;
    let secured = Server::secured(response, Certificate::issued("www.example.org", 2000, 4000)).await;
    let search = |protocol| match protocol {
        Protocol::Https(request, tls) => {
            Protocol::Https(HttpRequest { search: Some(Search::Text("healthy".into())), ..request }, tls)
        }
        other => other,
    };
    for (address, protocol, phases) in [
        (plain.address, Protocol::Tcp, "connect"),
        (plain.address, http(None), "connect status"),
        (plain.address, http(Some("healthy")), "connect status body"),
        (secured.address, search(https(Some("www.example.org"), true)), "connect tls status body"),
        (plain.address, https(None, true), "connect tls"),
    ] {
        let report = probe(address, protocol, PATIENTLY).await;
        let names: Vec<_> = report.phases.iter().map(|phase| phase.name).collect();
        assert_eq!(names.join(" "), phases);
        assert_eq!(report.address, Some(address));
    }
}

#[test]
fn without_authorities_and_with_them_the_prober_says_what_will_not_work() {
    let (_, warnings) = Prober::new(Trust::Only(Vec::new()), &NameServers::Only(vec![SocketAddr::from(([127, 0, 0, 1], 53))]));
    assert_eq!(warnings, ["no trusted certificate authority found; https checks with `verify = true` will fail"]);
    let authority = vec![AUTHORITY.der().clone()];
    let (_, warnings) = Prober::new(Trust::Only(authority), &NameServers::Only(vec![SocketAddr::from(([127, 0, 0, 1], 53))]));
    assert_eq!(warnings, [] as [&str; 0]);
}

// What the tests are made of

fn request(search: Option<&str>) -> HttpRequest {
    HttpRequest { search: search.map(|text| Search::Text(text.to_owned())), ..HttpRequest::get("www.example.org", "/") }
}

fn http(search: Option<&str>) -> Protocol {
    Protocol::Http(request(search))
}

fn https(server_name: Option<&str>, verify: bool) -> Protocol {
    Protocol::Https(request(None), TlsOptions { server_name: server_name.map(str::to_owned), verify, days_left: None })
}

fn with_length(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn until_closed(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n\r\n{body}")
}

fn chunked(chunks: &[&str]) -> String {
    let chunks: String = chunks.iter().map(|chunk| format!("{:x}\r\n{chunk}\r\n", chunk.len())).collect();
    format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n")
}

/// A response head of so many octets, in one long header or in very many short ones.
fn head_of(octets: usize, in_one: bool) -> String {
    let (start, end) = ("HTTP/1.1 200 OK\r\n", "\r\n");
    let mut room = octets - start.len() - end.len();
    let mut headers = String::new();
    while !in_one && room >= 20 {
        headers.push_str("a: b\r\n");
        room -= 6;
    }
    headers.push_str(&format!("x: {}\r\n", "y".repeat(room - 5)));
    format!("{start}{headers}{end}")
}
