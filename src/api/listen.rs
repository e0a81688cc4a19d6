//! HTTP/1.1 on one listener, with bounds on what a peer may cost.
//!
//! Knows no pages. hyper is driven here rather than by `axum::serve`, which bounds neither the time for a request's
//! header nor the number of connections. Invariant: at most [`HttpLimits::connections`] at once, each for at most
//! twice [`HttpLimits::connection`], and what a page has asked for by [`Stay`]: peers that never send, or never read, cost no
//! more than that.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock;

/// What peers may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// Connections served at once; those beyond wait in the kernel.
    pub connections: usize,
    /// From the opening of a connection, or the last response, to the end of the next request's header.
    pub header: Duration,
    /// For all requests of a connection; then the one that has begun is answered, within as long again, and clients open
    /// another.
    pub connection: Duration,
}

impl Default for HttpLimits {
    /// For scrapers, load balancers and a few people.
    fn default() -> Self {
        Self { connections: 128, header: Duration::from_secs(10), connection: Duration::from_secs(60) }
    }
}

/// Whose request it is: an extension of each.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// How long its connection may stay: an extension of each request, for a page that is written for long.
#[derive(Clone, Debug)]
pub(super) struct Stay {
    longer: Arc<watch::Sender<Duration>>,
    stop: CancellationToken,
}

impl Stay {
    /// That of a new connection, and where it is heard what a page asks for.
    pub fn new(stop: CancellationToken) -> (Self, watch::Receiver<Duration>) {
        let (longer, asked) = watch::channel(Duration::ZERO);
        (Self { longer: Arc::new(longer), stop }, asked)
    }

    /// Lets the connection be open for so much longer than others.
    pub fn longer(&self, time: Duration) {
        self.longer.send_replace(time);
    }

    /// Waits until the server stops.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }
}

/// Serves `router` until `stop`; then finishes the requests that have begun.
///
/// # Errors
/// When the listener can't be handed to the runtime.
pub async fn serve(
    listener: std::net::TcpListener,
    router: Router,
    limits: HttpLimits,
    stop: CancellationToken,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let places = Arc::new(Semaphore::new(limits.connections));
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = async {
                // Taken before accepting: connections beyond the bound wait in the kernel.
                let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
                listener.accept().await.map(|(io, peer)| (io, peer, place))
            } => accepted,
        };
        match accepted {
            Ok((io, peer, place)) => {
                let router = router.clone().layer(Extension(Peer(peer.ip())));
                let served = serve_connection(io, router, limits, stop.clone());
                connections.spawn(async move {
                    served.await;
                    drop(place);
                });
            }
            Err(_) => sleep(AFTER_FAILURE).await,
        }
    }
    connections.close();
    // Idle connections end at once; one request's time is enough for the others.
    let _ = timeout(limits.header, connections.wait()).await;
    Ok(())
}

async fn serve_connection(io: TcpStream, router: Router, limits: HttpLimits, stop: CancellationToken) {
    let opened = clock::monotonic();
    let (stay, asked) = Stay::new(stop.clone());
    let router = router.layer(Extension(stay));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_buf_size(BUFFER_MAX)
        .serve_connection(TokioIo::new(io), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // What ends a connection early is the peer's business: there is nobody to tell.
        _ = connection.as_mut() => return,
        () = stop.cancelled() => {}
        () = time_over(opened + limits.connection, asked) => {}
    }
    // A request that has begun is still answered: a change that was made must not look as if it had not been.
    connection.as_mut().graceful_shutdown();
    let _ = timeout(limits.connection, connection).await;
}

/// Waits for the end of a connection's time, which may be put off meanwhile.
async fn time_over(end: Instant, mut longer: watch::Receiver<Duration>) {
    loop {
        let end = end + *longer.borrow_and_update();
        tokio::select! {
            () = sleep_until(end.into()) => return,
            Ok(()) = longer.changed() => {}
        }
    }
}

/// Octets of a request's header.
const BUFFER_MAX: usize = 16 << 10;
/// The pause after a failed accept (descriptors ran out, most likely).
const AFTER_FAILURE: Duration = Duration::from_millis(100);
