//! The phases before anything is asked: connecting and, where it is wanted, TLS.
//!
//! Invariant: each ends within its deadline, or both within one, which counts from the first packet.

use std::net::SocketAddr;
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{timeout, timeout_at};

use super::{Log, Prober, certificate, connect};
use crate::clock;
use crate::health::check::Via;
use crate::health::observation::{Failure, Outcome};
use crate::health::protocol::tls::TlsOptions;
use crate::health::timing::Deadlines;

/// Where to connect to, and how.
#[derive(Clone, Copy)]
pub(super) struct Way<'w> {
    pub address: SocketAddr,
    pub via: Via,
    pub tls: Option<&'w TlsOptions>,
    /// What is offered over TLS; the endpoint must choose one of them.
    pub alpn: &'w [&'w str],
    pub deadlines: Deadlines,
}

/// A connection, in the clear or not.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

pub(super) type Stream = Box<dyn Duplex>;

impl Way<'_> {
    /// Connects. Beside the connection: until when TLS must be established.
    pub(super) async fn connect(&self, log: &mut Log) -> Result<(TcpStream, Instant), Outcome> {
        let Deadlines { connect: limit, tls, .. } = self.deadlines;
        let by = clock::monotonic() + limit;
        let connected = timeout(limit, connect::connect(self.address, self.via)).await;
        log.end("connect");
        let stream = connected.map_err(|_| Failure::ConnectTimeout(limit))??;
        Ok((stream, tls.map_or(by, |tls| clock::monotonic() + tls)))
    }
}

impl Prober {
    /// Connects, speaks TLS if that is the way, and judges the certificate.
    pub(super) async fn dial(&self, way: &Way<'_>, log: &mut Log) -> Result<Stream, Outcome> {
        let (stream, by) = way.connect(log).await?;
        let Some(options) = way.tls else { return Ok(Box::new(stream)) };
        let handshake = self.tls.connect(stream, way.address, options, way.alpn);
        let secured = timeout_at(by.into(), handshake).await;
        log.end("tls");
        let (stream, not_after) = secured.map_err(|_| Failure::TlsTimeout(way.deadlines.secure()))?;
        log.certificate_not_after = log.certificate_not_after.or(not_after);
        let stream = stream?;
        certificate::check_days(not_after, options.days_left, clock::now())?;
        Ok(Box::new(stream))
    }
}
