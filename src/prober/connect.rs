//! One TCP connection to one address, and whose fault it is when there is none.
//!
//! Sets no deadline: the caller does. An error that `connect` gives at once was found by this machine alone, without a
//! packet's answer; that is how "we have no route" is told from "their network is unreachable", which carry one number.

use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::health::check::{ProxyProtocol, Via};
use crate::health::observation::{Failure, NotRun, Outcome};

/// Connects to `address`, and says first what proxies say, where that is wanted.
pub(super) async fn connect(address: SocketAddr, via: Via) -> Result<TcpStream, Outcome> {
    let mut stream = start(address, via.source)?;
    stream.writable().await.map_err(|error| here(&error))?;
    match stream.take_error() {
        Ok(None) => {}
        Ok(Some(error)) | Err(error) => return Err(answered(&error)),
    }
    if let Some(version) = via.proxy_protocol {
        stream.write_all(proxy_header(version)).await.map_err(|_| Failure::ConnectionClosed)?;
    }
    Ok(stream)
}

/// Of a connection that the proxy makes for itself, as a probe is: no client stands behind it (PROXY protocol, §2.1 and §2.2).
fn proxy_header(version: ProxyProtocol) -> &'static [u8] {
    match version {
        ProxyProtocol::V1 => b"PROXY UNKNOWN\r\n",
        // The signature; version 2, LOCAL; no family; no addresses.
        ProxyProtocol::V2 => b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00",
    }
}

/// Makes `source`, if there is one, the local address of a socket that is to reach `address`.
pub(super) fn bind_source(socket: &Socket, address: IpAddr, source: Option<IpAddr>) -> Result<(), Outcome> {
    let Some(source) = source else { return Ok(()) };
    if source.is_ipv4() != address.is_ipv4() {
        return Err(NotRun::SourceAddress(format!("{source}: {address} is of the other family")).into());
    }
    socket.bind(&SocketAddr::new(source, 0).into()).map_err(|error| match error.raw_os_error() {
        Some(libc::EADDRINUSE | libc::ENOBUFS | libc::ENOMEM) => NotRun::OutOfResources(error.to_string()).into(),
        _ => NotRun::SourceAddress(format!("{source}: {error}")).into(),
    })
}

/// Sends the first packet; the stream is writable once it is answered.
fn start(address: SocketAddr, source: Option<IpAddr>) -> Result<TcpStream, Outcome> {
    let kind = Type::STREAM.nonblocking().cloexec();
    let socket = Socket::new(Domain::for_address(address), kind, Some(Protocol::TCP)).map_err(|error| here(&error))?;
    // With a source, ports of connections that have ended, and wait for their last packets, may be used again.
    socket.set_reuse_address(source.is_some()).map_err(|error| here(&error))?;
    bind_source(&socket, address.ip(), source)?;
    match socket.connect(&address.into()) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => return Err(at_once(&error)),
        _ => {}
    }
    // A request is one small write; nothing is gained by waiting for more.
    socket.set_tcp_nodelay(true).map_err(|error| here(&error))?;
    TcpStream::from_std(socket.into()).map_err(|error| here(&error))
}

/// An error found before any packet was answered.
fn at_once(error: &io::Error) -> Outcome {
    match error.raw_os_error() {
        // On loopback and for our own addresses the answer is immediate.
        Some(libc::ECONNREFUSED) => Failure::Refused.into(),
        _ => here(error),
    }
}

/// An error that an answer, or the lack of one, brought.
pub(super) fn answered(error: &io::Error) -> Outcome {
    match error.raw_os_error() {
        Some(libc::ECONNREFUSED) => Failure::Refused.into(),
        Some(libc::ECONNRESET) => Failure::ConnectionClosed.into(),
        // The kernel gives up after its own, longer deadline; ours has normally passed before.
        Some(libc::ETIMEDOUT | libc::EHOSTUNREACH | libc::ENETUNREACH | libc::EHOSTDOWN) => Failure::Unreachable.into(),
        _ => here(error),
    }
}

/// An error of this machine.
pub(super) fn here(error: &io::Error) -> Outcome {
    let detail = error.to_string();
    match error.raw_os_error() {
        Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM | libc::EADDRNOTAVAIL | libc::EAGAIN) => {
            NotRun::OutOfResources(detail).into()
        }
        Some(libc::ENETUNREACH | libc::EHOSTUNREACH | libc::EAFNOSUPPORT | libc::EACCES | libc::EPERM | libc::ENETDOWN) => {
            NotRun::NoRoute(detail).into()
        }
        _ => NotRun::Impossible(detail).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_answered_is_the_endpoints_fault() {
        for (number, first, later) in [
            (libc::ECONNREFUSED, "refused", "refused"),
            (libc::ENETUNREACH, "not_run_route", "unreachable"),
            (libc::EHOSTUNREACH, "not_run_route", "unreachable"),
            (libc::ETIMEDOUT, "not_run_impossible", "unreachable"),
            (libc::EADDRNOTAVAIL, "not_run_resources", "not_run_resources"),
            (libc::EMFILE, "not_run_resources", "not_run_resources"),
            (libc::ENFILE, "not_run_resources", "not_run_resources"),
            (libc::ENOBUFS, "not_run_resources", "not_run_resources"),
            (libc::EAGAIN, "not_run_resources", "not_run_resources"),
            (libc::ENETDOWN, "not_run_route", "not_run_route"),
            (libc::EAFNOSUPPORT, "not_run_route", "not_run_route"),
            // A local firewall that drops, and one that forbids.
            (libc::EPERM, "not_run_route", "not_run_route"),
            (libc::EACCES, "not_run_route", "not_run_route"),
        ] {
            let error = io::Error::from_raw_os_error(number);
            assert_eq!((at_once(&error).code(), answered(&error).code()), (first, later), "{error}");
        }
    }
}
