//! Probes against real servers on loopback, each as broken as the test says.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU8;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use waypost::health::check::{EndpointCheck, Target, TargetHost};
use waypost::health::protocol::{HttpRequest, Protocol};
use waypost::health::timing::{Deadlines, Thresholds, Timing};
use waypost::ids::HealthCheckId;
use waypost::prober::{ProbeReport, Prober, Trust};
use waypost::resolver::NameServers;

/// Long enough for loopback on a loaded machine.
const PATIENT: Duration = Duration::from_secs(20);
/// For what never comes.
const SHORT: Duration = Duration::from_millis(150);

const PATIENTLY: Deadlines = Deadlines { connect: PATIENT, tls: None, status: PATIENT, body: PATIENT };

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
    let request = HttpRequest { host: "www.example.org:8080".into(), path: "/healthz?deep=1".into(), search: None };
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
    let request = HttpRequest { host: "a\nb".into(), path: "/".into(), search: None };
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
        Protocol::Https { request, server_name, verify } => {
            Protocol::Https { request: HttpRequest { search: Some("healthy".into()), ..request }, server_name, verify }
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

async fn check(address: SocketAddr, protocol: Protocol, deadlines: Deadlines, expected: &str) {
    let what = format!("{protocol:?}");
    let report = probe(address, protocol, deadlines).await;
    assert_eq!(report.observation.outcome.to_string(), expected, "{what}");
}

async fn probe(address: SocketAddr, protocol: Protocol, deadlines: Deadlines) -> ProbeReport {
    let trust = Trust::Only(vec![AUTHORITY.der().clone()]);
    let (prober, _) = Prober::new(trust, &NameServers::Only(vec![SocketAddr::from(([127, 0, 0, 1], 53))]));
    let target = Target { host: TargetHost::Address(address.ip()), port: address.port() };
    prober.probe(&id(), &endpoint(target, protocol, deadlines)).await
}

fn id() -> HealthCheckId {
    HealthCheckId::new("web-fra").unwrap()
}

fn named(name: &str, port: u16) -> Target {
    Target { host: TargetHost::Name(name.into()), port }
}

fn endpoint(target: Target, protocol: Protocol, deadlines: Deadlines) -> EndpointCheck {
    let thresholds = Thresholds { fall: NonZeroU8::MIN, rise: NonZeroU8::MIN };
    EndpointCheck { target, protocol, timing: Timing::plain(PATIENT, deadlines, thresholds) }
}

fn request(search: Option<&str>) -> HttpRequest {
    HttpRequest { host: "www.example.org".into(), path: "/".into(), search: search.map(str::to_owned) }
}

fn http(search: Option<&str>) -> Protocol {
    Protocol::Http(request(search))
}

fn https(server_name: Option<&str>, verify: bool) -> Protocol {
    Protocol::Https { request: request(None), server_name: server_name.map(str::to_owned), verify }
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

/// A server that reads a request and then sends what it was told to, whatever was asked.
struct Server {
    address: SocketAddr,
    requests: mpsc::UnboundedReceiver<String>,
    server_names: mpsc::UnboundedReceiver<Option<String>>,
}

#[derive(Clone)]
struct Manners {
    response: Vec<u8>,
    /// Leaves the connection open afterwards.
    holds: bool,
    tls: Option<TlsAcceptor>,
}

impl Server {
    async fn answering(response: impl Into<String>) -> Self {
        Self::start(Manners { response: response.into().into_bytes(), holds: false, tls: None }).await
    }

    async fn holding(response: &str) -> Self {
        Self::start(Manners { response: response.into(), holds: true, tls: None }).await
    }

    async fn secured(response: &str, certificate: Certificate) -> Self {
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.shown], certificate.key)
            .unwrap();
        let tls = Some(TlsAcceptor::from(Arc::new(config)));
        Self::start(Manners { response: response.into(), holds: false, tls }).await
    }

    async fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, requests) = mpsc::unbounded_channel();
        let (named, server_names) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (manners, asked, named) = (manners.clone(), asked.clone(), named.clone());
                tokio::spawn(async move {
                    match &manners.tls {
                        None => serve(stream, &manners, asked).await,
                        Some(tls) => {
                            // A probe that does not like the certificate leaves.
                            let Ok(stream) = tls.accept(stream).await else { return };
                            let _ = named.send(stream.get_ref().1.server_name().map(str::to_owned));
                            serve(stream, &manners, asked).await;
                        }
                    }
                });
            }
        });
        Self { address, requests, server_names }
    }
}

/// Errors are the probe's leaving early, which some tests are about.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, manners: &Manners, asked: mpsc::UnboundedSender<String>) {
    let mut request = Vec::new();
    // As nginx does, it answers as soon as it sees that this is no HTTP but a TLS handshake (record type 22).
    while !request.ends_with(b"\r\n\r\n") && !request.starts_with(&[22]) {
        let Ok(octet) = stream.read_u8().await else { break };
        request.push(octet);
    }
    let _ = asked.send(String::from_utf8(request).unwrap());
    let _ = stream.write_all(&manners.response).await;
    let _ = stream.flush().await;
    if manners.holds {
        let _ = stream.read_u8().await;
    }
    let _ = stream.shutdown().await;
}

/// A listener whose queue is full: the kernel drops what else wants to connect.
struct BlackHole {
    address: SocketAddr,
    _listener: Socket,
    _fillers: Vec<Socket>,
}

impl BlackHole {
    fn dig() -> Self {
        let socket = || Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None).unwrap();
        let listener = socket();
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let fillers = (0..4).map(|_| socket()).collect::<Vec<_>>();
        for filler in &fillers {
            // In progress, or in the queue.
            let _ = filler.connect(&address);
        }
        Self { address: address.as_socket().unwrap(), _listener: listener, _fillers: fillers }
    }
}

/// The authority that the tests' prober trusts.
static AUTHORITY: LazyLock<CertifiedIssuer<'static, KeyPair>> = LazyLock::new(|| {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "the authority of these tests");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(4000, 1, 1);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
});

struct Certificate {
    shown: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Certificate {
    fn issued(name: &str, from: i32, to: i32) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        Self { shown: params.signed_by(&key, &AUTHORITY).unwrap().into(), key: key.into() }
    }

    fn self_signed(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        Self { shown: params.self_signed(&key).unwrap().into(), key: key.into() }
    }
}

const LOOPBACK_V6: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/// A name server that answers every question by one rule: query type -> rcode and addresses, or silence.
struct Names {
    address: SocketAddr,
    /// The types asked for.
    asked: mpsc::UnboundedReceiver<u16>,
}

impl Names {
    async fn answering(rule: impl Fn(u16) -> Option<(u8, Vec<Vec<u8>>)> + Send + 'static) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let (told, asked) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut query = [0; 512];
            while let Ok((_, from)) = socket.recv_from(&mut query).await {
                let name_end = 12 + query[12..].iter().position(|&octet| octet == 0).unwrap() + 1;
                let rtype = u16::from_be_bytes([query[name_end], query[name_end + 1]]);
                let _ = told.send(rtype);
                let Some((rcode, addresses)) = rule(rtype) else { continue };
                let counts = [0, 1, 0, addresses.len() as u8, 0, 0, 0, 0];
                let mut response = [&query[..2], &[0x81, 0x80 | rcode], &counts, &query[12..name_end + 4]].concat();
                for address in addresses {
                    // The qname, the type asked for, IN, TTL 3600.
                    response.extend([0xc0, 12, 0, rtype as u8, 0, 1, 0, 0, 14, 16, 0, address.len() as u8]);
                    response.extend(address);
                }
                socket.send_to(&response, from).await.unwrap();
            }
        });
        Self { address, asked }
    }
}
