//! An HTTP endpoint that can be killed and brought back.
//!
//! Serves one page to the server's probes. Invariant: while it is down nothing listens on its port, so connections are
//! refused, as when a real server's process has died.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// One endpoint on loopback.
pub(super) struct Endpoint {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Endpoint {
    /// Starts on a port that the system chooses.
    pub async fn start() -> io::Result<Self> {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into()).await
    }

    async fn start_at(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { address, serving: tokio::spawn(serve(listener)) })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the listener and every connection; returns when that is done.
    pub async fn kill(&mut self) {
        self.serving.abort();
        // It ends by being aborted, which is what was asked for.
        let _ = (&mut self.serving).await;
    }

    /// Listens on the same port again.
    pub async fn revive(&mut self) -> io::Result<()> {
        *self = Self::start_at(self.address).await?;
        Ok(())
    }
}

/// Accepts until it is aborted; the connections end with it.
async fn serve(listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        // Connections that have ended are forgotten as new ones come.
        while connections.try_join_next().is_some() {}
        let Ok((io, _)) = listener.accept().await else { continue };
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(io), service_fn(page)));
    }
}

async fn page<B>(_: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(b"ready\n"))))
}
