//! What probes are aimed at in tests: servers on loopback, each as broken as the test says, and a prober that trusts them.

#![allow(dead_code, reason = "each test file uses its part")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::num::NonZeroU8;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use waypost::clock;
use waypost::health::check::{EndpointCheck, Target, TargetHost, Via};
use waypost::health::protocol::Protocol;
use waypost::health::protocol::tls::TlsOptions;
use waypost::health::timing::{Deadlines, Thresholds, Timing};
use waypost::ids::HealthCheckId;
use waypost::prober::{ProbeReport, Prober, Trust};
use waypost::resolver::NameServers;

/// Long enough for loopback on a loaded machine.
pub const PATIENT: Duration = Duration::from_secs(20);
/// For what never comes.
pub const SHORT: Duration = Duration::from_millis(150);

pub const PATIENTLY: Deadlines = Deadlines { connect: PATIENT, tls: None, status: PATIENT, body: PATIENT };

pub async fn check(address: SocketAddr, protocol: Protocol, deadlines: Deadlines, expected: &str) {
    let what = format!("{protocol:?}");
    let report = probe(address, protocol, deadlines).await;
    assert_eq!(report.observation.outcome.to_string(), expected, "{what}");
}

pub async fn probe(address: SocketAddr, protocol: Protocol, deadlines: Deadlines) -> ProbeReport {
    let trust = Trust::Only(vec![AUTHORITY.der().clone()]);
    let (prober, _) = Prober::new(trust, &NameServers::Only(vec![SocketAddr::from(([127, 0, 0, 1], 53))]));
    let target = Target { host: TargetHost::Address(address.ip()), port: address.port() };
    prober.probe(&id(), &endpoint(target, protocol, deadlines)).await
}

/// Probes by a way of the check's own choice.
pub async fn probe_via(address: SocketAddr, protocol: Protocol, via: Via) -> ProbeReport {
    let trust = Trust::Only(vec![AUTHORITY.der().clone()]);
    let (prober, _) = Prober::new(trust, &NameServers::Only(vec![SocketAddr::from(([127, 0, 0, 1], 53))]));
    let target = Target { host: TargetHost::Address(address.ip()), port: address.port() };
    prober.probe(&id(), &EndpointCheck { via, ..endpoint(target, protocol, PATIENTLY) }).await
}

/// The outcome's code, and the phases that ran.
pub fn summary(report: &ProbeReport) -> String {
    let phases: Vec<_> = report.phases.iter().map(|phase| phase.name).collect();
    format!("{}: {}", report.observation.outcome.code(), phases.join(" "))
}

/// A port where nobody listens.
pub async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

pub fn tls_options(server_name: Option<&str>, verify: bool) -> TlsOptions {
    TlsOptions { server_name: server_name.map(str::to_owned), verify, days_left: None }
}

pub fn id() -> HealthCheckId {
    HealthCheckId::new("web-fra").unwrap()
}

pub fn named(name: &str, port: u16) -> Target {
    Target { host: TargetHost::Name(name.into()), port }
}

pub fn endpoint(target: Target, protocol: Protocol, deadlines: Deadlines) -> EndpointCheck {
    let thresholds = Thresholds { fall: NonZeroU8::MIN, rise: NonZeroU8::MIN };
    EndpointCheck::plain(target, protocol, Timing::plain(PATIENT, deadlines, thresholds))
}

/// A server that reads a request and then sends what it was told to, whatever was asked.
pub struct Server {
    pub address: SocketAddr,
    pub requests: mpsc::UnboundedReceiver<String>,
    pub server_names: mpsc::UnboundedReceiver<Option<String>>,
}

#[derive(Clone)]
pub struct Manners {
    response: Vec<u8>,
    /// Leaves the connection open afterwards.
    holds: bool,
    tls: Option<TlsAcceptor>,
}

impl Server {
    pub async fn answering(response: impl Into<Vec<u8>>) -> Self {
        Self::start(Manners { response: response.into(), holds: false, tls: None }).await
    }

    pub async fn holding(response: impl Into<Vec<u8>>) -> Self {
        Self::start(Manners { response: response.into(), holds: true, tls: None }).await
    }

    pub async fn secured(response: &str, certificate: Certificate) -> Self {
        let tls = Some(certificate.acceptor(&[]));
        Self::start(Manners { response: response.into(), holds: false, tls }).await
    }

    /// Chooses one of these protocols, or refuses what does not offer it.
    pub async fn choosing(response: &str, certificate: Certificate, alpn: &[&str]) -> Self {
        let tls = Some(certificate.acceptor(alpn));
        Self::start(Manners { response: response.into(), holds: false, tls }).await
    }

    pub async fn start(manners: Manners) -> Self {
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
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
    let _ = stream.shutdown().await;
}

/// A server of HTTP/2 that answers by one rule, over TLS where there is an acceptor.
pub async fn serve_http2<B>(
    tls: Option<TlsAcceptor>,
    rule: impl Fn(Request<Vec<u8>>) -> Response<B> + Clone + Send + 'static,
) -> SocketAddr
where
    B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (tls, rule) = (tls.clone(), rule.clone());
            tokio::spawn(async move {
                match tls {
                    None => serve_connection(stream, rule).await,
                    Some(tls) => {
                        // A probe that does not like the certificate leaves.
                        let Ok(stream) = tls.accept(stream).await else { return };
                        serve_connection(stream, rule).await;
                    }
                }
            });
        }
    });
    address
}

async fn serve_connection<B>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    rule: impl Fn(Request<Vec<u8>>) -> Response<B> + Clone + Send + 'static,
) where
    B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let rule = rule.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes().to_vec();
            Ok::<_, hyper::Error>(rule(Request::from_parts(parts, body)))
        }
    });
    // Ends when the probe leaves.
    let _ = http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

/// A listener whose queue is full: the kernel drops what else wants to connect.
pub struct BlackHole {
    pub address: SocketAddr,
    _listener: Socket,
    _fillers: Vec<Socket>,
}

impl BlackHole {
    pub fn dig() -> Self {
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
pub static AUTHORITY: LazyLock<CertifiedIssuer<'static, KeyPair>> = LazyLock::new(|| {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "the authority of these tests");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(4000, 1, 1);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
});

pub struct Certificate {
    pub shown: CertificateDer<'static>,
    pub key: PrivateKeyDer<'static>,
}

impl Certificate {
    pub fn issued(name: &str, from: i32, to: i32) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        Self { shown: params.signed_by(&key, &AUTHORITY).unwrap().into(), key: key.into() }
    }

    /// Valid for so many hours from now on.
    pub fn expiring(name: &str, hours: u64) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(clock::unix_secs() + 3_600 * hours);
        Self { shown: params.signed_by(&key, &AUTHORITY).unwrap().into(), key: key.into() }
    }

    pub fn acceptor(self, alpn: &[&str]) -> TlsAcceptor {
        let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.shown], self.key)
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }

    pub fn self_signed(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        Self { shown: params.self_signed(&key).unwrap().into(), key: key.into() }
    }
}

pub const LOOPBACK_V6: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/// A name server that answers every question by one rule: query type -> rcode and addresses, or silence.
pub struct Names {
    pub address: SocketAddr,
    /// The types asked for.
    pub asked: mpsc::UnboundedReceiver<u16>,
}

impl Names {
    pub async fn answering(rule: impl Fn(u16) -> Option<(u8, Vec<Vec<u8>>)> + Send + 'static) -> Self {
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
