//! Binds every socket before anything starts.
//!
//! Serves nothing. Invariant: either all sockets are bound or none is kept, and the failure lists all that can't
//! be. UDP and TCP of one address share the port, also when the system chose it.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::num::NonZeroUsize;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::mmsg;
use crate::problem::{Problem, Problems};

/// Bound sockets that nobody reads yet.
#[derive(Debug)]
pub struct Listeners {
    pub(super) dns: Vec<Listener>,
    http: Option<(SocketAddr, TcpListener)>,
}

/// The sockets of one address.
#[derive(Debug)]
pub(super) struct Listener {
    pub address: SocketAddr,
    /// One for each worker.
    pub udp: Vec<UdpSocket>,
    pub tcp: TcpListener,
}

/// What could not be bound.
#[derive(Debug)]
pub struct BindError(Vec<BindFailure>);

/// One address that could not be bound, for one protocol.
#[derive(Debug)]
pub struct BindFailure {
    pub what: &'static str,
    pub address: SocketAddr,
    pub source: io::Error,
}

impl Listeners {
    /// Binds UDP (a socket for each of `workers`) and TCP on each of `addresses`, and HTTP.
    ///
    /// # Errors
    /// [`BindError`] with every address that can't be bound; then none is.
    pub fn bind(addresses: &[SocketAddr], http: Option<SocketAddr>, workers: NonZeroUsize) -> Result<Self, BindError> {
        let mut failures = Vec::new();
        let mut dns = Vec::new();
        for address in addresses {
            match bind_dns(*address, workers) {
                Ok(listener) => dns.push(listener),
                Err(failure) => failures.push(failure),
            }
        }
        let http = http.and_then(|address| bind_tcp("HTTP", address).map_err(|failure| failures.push(failure)).ok());
        if failures.is_empty() { Ok(Self { dns, http }) } else { Err(BindError(failures)) }
    }

    /// The DNS addresses, with the ports that the system chose.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.dns.iter().map(|listener| listener.address)
    }

    /// Where HTTP is served.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http.as_ref().map(|(address, _)| *address)
    }

    /// Hands over the HTTP listener.
    pub fn take_http(&mut self) -> Option<TcpListener> {
        self.http.take().map(|(_, listener)| listener)
    }
}

/// The number of workers for a configured number: 0 is one for each core that this process may use.
pub fn workers(configured: usize) -> NonZeroUsize {
    NonZeroUsize::new(configured).or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
}

fn bind_dns(address: SocketAddr, workers: NonZeroUsize) -> Result<Listener, BindFailure> {
    let mut attempt = 1;
    loop {
        let udp = bind_udp(address, workers).map_err(|source| BindFailure { what: "UDP", address, source })?;
        let bound = udp[0].local_addr().map_err(|source| BindFailure { what: "UDP", address, source })?;
        match bind_tcp("TCP", bound) {
            Ok((address, tcp)) => return Ok(Listener { address, udp, tcp }),
            // The port that the system chose for UDP is another's for TCP.
            Err(_) if address.port() == 0 && attempt < PORT_ATTEMPTS => attempt += 1,
            Err(failure) => return Err(failure),
        }
    }
}

/// Binds one socket a worker to the same address.
///
/// The first is bound without SO_REUSEPORT, and gets it afterwards: with it, binding would succeed beside another
/// server's socket that has it too, and the two would silently share the queries.
fn bind_udp(address: SocketAddr, workers: NonZeroUsize) -> io::Result<Vec<UdpSocket>> {
    let first = udp_socket(address)?;
    first.bind(&address.into())?;
    first.set_reuse_port(true)?;
    let first = UdpSocket::from(first);
    let address = first.local_addr()?;
    let mut sockets = vec![first];
    while sockets.len() < workers.get() {
        let next = udp_socket(address)?;
        next.set_reuse_port(true)?;
        next.bind(&address.into())?;
        sockets.push(next.into());
    }
    Ok(sockets)
}

fn udp_socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    mmsg::prepare(&socket, &address)?;
    // The kernel grants no more than net.core.rmem_max; what it grants is still the best there is.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    socket.set_read_timeout(Some(WAKE_EVERY))?;
    socket.set_write_timeout(Some(WAKE_EVERY))?;
    Ok(socket)
}

fn bind_tcp(what: &'static str, address: SocketAddr) -> Result<(SocketAddr, TcpListener), BindFailure> {
    let bind = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        // Connections of a previous run in TIME_WAIT don't hold the port; a listener does.
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from(socket);
        Ok((listener.local_addr()?, listener))
    };
    bind().map_err(|source| BindFailure { what, address, source })
}

/// Octets of queries that may wait in each UDP socket.
const RECEIVE_BUFFER: usize = 4 << 20;
/// How soon a worker that waits for queries notices that it must stop. A receive timeout is documented behaviour
/// everywhere; shutdown(2) wakes receivers of an unconnected UDP socket on Linux only, by accident, with ENOTCONN.
pub(super) const WAKE_EVERY: Duration = Duration::from_millis(200);
/// Connections that the kernel completes before they are accepted.
const BACKLOG: i32 = 1_024;
/// Ports tried for one that is free for both UDP and TCP.
const PORT_ATTEMPTS: u32 = 32;

impl BindError {
    /// Each failure.
    pub fn failures(&self) -> &[BindFailure] {
        &self.0
    }
}

impl BindFailure {
    /// What to do about it.
    fn help(&self) -> Option<String> {
        let (ip, port) = (self.address.ip(), self.address.port());
        Some(match self.source.kind() {
            io::ErrorKind::AddrInUse => format!(
                "another process, or another of our listen addresses, has port {port}: stop it (`ss -lntup 'sport = :{port}'` names it) or listen on another address or port"
            ),
            io::ErrorKind::PermissionDenied if port < 1_024 => format!(
                "ports below 1024 need CAP_NET_BIND_SERVICE (in a systemd unit: AmbientCapabilities=CAP_NET_BIND_SERVICE), or listen on a port above 1023 instead of {port}"
            ),
            io::ErrorKind::AddrNotAvailable => format!(
                "{ip} is not an address of this machine (`ip address` lists them); {} is all of them",
                if ip.is_ipv4() { "0.0.0.0" } else { "[::]" }
            ),
            _ => return None,
        })
    }
}

impl fmt::Display for BindFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "binding {} {}: {}", self.what, self.address, self.source)
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, failure) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "; " };
            write!(f, "{separator}{failure}")?;
        }
        Ok(())
    }
}

impl std::error::Error for BindError {}

impl From<BindError> for Problems {
    fn from(error: BindError) -> Self {
        let mut problems = Self::default();
        for failure in &error.0 {
            let problem = Problem::error(failure.to_string());
            problems.push(match failure.help() {
                Some(help) => problem.help(help),
                None => problem,
            });
        }
        problems
    }
}
