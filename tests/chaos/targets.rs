//! Endpoints that misbehave as the test says, over loopback: one socket each, whose fault can change at any time.
//!
//! Each answers `GET` with 200 and `ready` when nothing ails it. What is random elsewhere is a pattern here: who loses half
//! of all connections loses every other. Invariant: the port stays the endpoint's own, whether it listens or not.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;

/// What ails an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// Nobody listens.
    Crashed,
    /// Connections are accepted, and that is all.
    Hangs,
    /// It answers as late as that.
    Slow(Duration),
    /// The connection ends in the middle of the body.
    HalfBody,
    /// Connections are reset once the request is there.
    Resets,
    /// Every other connection is reset at once.
    LosesHalf,
    /// Up for half of this time, then down for the other.
    Flaps(Duration),
    /// Its certificate has expired; of endpoints with TLS.
    Expired,
    /// The body is small on the wire and a gigabyte when it is decoded.
    GzipBomb,
    /// Headers without end.
    EndlessHeaders,
    /// A body of an octet now and then, without end.
    Drips,
}

/// One endpoint; it lives as long as its [`Town`].
pub struct Target {
    pub port: u16,
    fault: watch::Sender<Fault>,
}

/// Where all endpoints of a test live.
pub struct Town {
    runtime: Runtime,
    certificates: Certificates,
}

impl Target {
    pub fn suffers(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }
}

impl Town {
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Self { runtime, certificates: Certificates::new() }
    }

    /// An endpoint that nothing ails.
    pub fn target(&self) -> Target {
        self.open(None)
    }

    /// An endpoint that speaks TLS, as `127.0.0.1`.
    pub fn secure_target(&self) -> Target {
        self.open(Some(self.certificates.clone()))
    }

    /// Writes the authority that the endpoints' certificates are of.
    pub fn write_authority(&self, path: &Path) {
        fs::write(path, &self.certificates.authority).unwrap();
    }

    fn open(&self, certificates: Option<Certificates>) -> Target {
        let (fault, faults) = watch::channel(Fault::None);
        let socket = socket(0);
        let port = socket.local_addr().unwrap().as_socket().unwrap().port();
        self.runtime.spawn(live(socket, faults, certificates));
        Target { port, fault }
    }
}

/// A socket that has a port and does not listen: who connects is refused.
fn socket(port: u16) -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], port)).into()).unwrap();
    socket
}

async fn live(first: Socket, mut faults: watch::Receiver<Fault>, certificates: Option<Certificates>) {
    let (began, count) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let mut own = first;
    loop {
        let port = own.local_addr().unwrap().as_socket().unwrap().port();
        if faults.wait_for(|fault| *fault != Fault::Crashed).await.is_err() {
            return;
        }
        own.listen(1_024).unwrap();
        let listener = TcpListener::from_std(own.into()).unwrap();
        while *faults.borrow_and_update() != Fault::Crashed {
            tokio::select! {
                accepted = listener.accept() => {
                    let Ok((stream, _)) = accepted else { continue };
                    let now = Now { fault: *faults.borrow(), number: count.fetch_add(1, Ordering::Relaxed), since: began.elapsed() };
                    tokio::spawn(receive(stream, now, certificates.clone()));
                }
                changed = faults.changed() => if changed.is_err() { return },
            }
        }
        drop(listener);
        own = socket(port);
    }
}

/// What a connection is met with.
#[derive(Clone, Copy)]
struct Now {
    fault: Fault,
    /// How many connections there were before.
    number: u64,
    /// How long there has been this endpoint.
    since: Duration,
}

impl Now {
    fn resets_at_once(&self) -> bool {
        match self.fault {
            Fault::LosesHalf => self.number % 2 == 1,
            Fault::Flaps(period) => self.since.as_millis() % period.as_millis() >= period.as_millis() / 2,
            _ => false,
        }
    }
}

/// Errors are the probe's leaving early.
async fn receive(stream: TcpStream, now: Now, certificates: Option<Certificates>) {
    if now.resets_at_once() || now.fault == Fault::Resets {
        let mut stream = stream;
        if now.fault == Fault::Resets {
            read_request(&mut stream).await;
        }
        stream.set_zero_linger().unwrap();
        return;
    }
    match certificates {
        None => answer(stream, now.fault).await,
        Some(certificates) => {
            let acceptor = if now.fault == Fault::Expired { certificates.expired } else { certificates.valid };
            let Ok(stream) = acceptor.accept(stream).await else { return };
            answer(stream, now.fault).await
        }
    };
}

async fn read_request(stream: &mut (impl AsyncRead + Unpin)) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(octet) => request.push(octet),
            Err(_) => return,
        }
    }
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, fault: Fault) -> Option<()> {
    read_request(&mut stream).await;
    match fault {
        Fault::Hangs => {
            // Until the probe has left.
            stream.read_u8().await.ok();
        }
        Fault::Slow(late) => {
            // Or until the probe has left.
            let _ = timeout(late, stream.read_u8()).await;
            stream.write_all(READY).await.ok()?;
        }
        Fault::HalfBody => stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nalmos").await.ok()?,
        Fault::GzipBomb => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n").await.ok()?;
            stream.write_all(&gzip_bomb()).await.ok()?;
        }
        Fault::EndlessHeaders => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n").await.ok()?;
            loop {
                stream.write_all(b"X-More: and more, and more, and more, and more, and more\r\n").await.ok()?;
            }
        }
        Fault::Drips => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n").await.ok()?;
            loop {
                stream.write_all(b".").await.ok()?;
                let _ = timeout(Duration::from_millis(50), stream.read_u8()).await;
            }
        }
        _ => stream.write_all(READY).await.ok()?,
    }
    stream.shutdown().await.ok()
}

/// A gigabyte of zeros: one, then copies of 258 octets each, from a distance of 1 (RFC 1951 §3.2.6, fixed codes).
fn gzip_bomb() -> Vec<u8> {
    let copy = [1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0];
    // The block's kind, the code of a zero, and one copy are three octets; eight copies are thirteen.
    let start = [&[1, 1, 0][..], &[0, 0, 1, 1, 0, 0, 0, 0], &copy].concat();
    let octets = |bits: &[u8]| -> Vec<u8> {
        bits.chunks(8).map(|bits| bits.iter().rev().fold(0, |octet, bit| octet << 1 | bit)).collect()
    };
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    [&header[..], &octets(&start), &octets(&copy.repeat(8)).repeat(COPIES_BY_EIGHT)].concat()
}

/// 6.8 MB on the wire.
const COPIES_BY_EIGHT: usize = 520_000;

const READY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nready";

/// A certificate that is valid and one that was, and who says so.
#[derive(Clone)]
struct Certificates {
    authority: String,
    valid: TlsAcceptor,
    expired: TlsAcceptor,
}

impl Certificates {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "the authority of these tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(4000, 1, 1));
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let acceptor = |until| {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
            (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(until, 1, 1));
            let shown: CertificateDer<'static> = params.signed_by(&key, &authority).unwrap().into();
            let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
            let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
            TlsAcceptor::from(Arc::new(config.with_single_cert(vec![shown], key.into()).unwrap()))
        };
        Self { authority: authority.pem(), valid: acceptor(4000), expired: acceptor(2001) }
    }
}
