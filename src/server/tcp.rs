//! Accepts TCP connections and serves each as a stream.
//!
//! Knows no messages: see `stream`. Who is admitted is `connections`' decision. Invariant: the accept loop ends only
//! when told to, and never spins: when descriptors or memory run out it makes an idle connection give way, and
//! waits longer each time.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::{timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connections::{Admitted, Connections};
use super::responder::Responder;
use super::stream::{STOP_GRACE, Session, StreamLimits, serve_stream};
use crate::answer::Transport;
use crate::clock;
use crate::telemetry::connections::Closed;
use crate::telemetry::counts::{Slot, shared};
use crate::telemetry::{Telemetry, events};

/// What the connections of all TCP listeners share.
#[derive(Clone)]
pub struct TcpService {
    pub connections: Arc<Connections>,
    pub limits: StreamLimits,
    pub telemetry: Arc<Telemetry>,
    /// Ends accepting, and each connection once it is between messages.
    pub stop: CancellationToken,
    /// Ends each connection at once, whatever it is doing.
    pub cut: CancellationToken,
    /// Knows every connection that is still open.
    pub tasks: TaskTracker,
}

impl TcpService {
    /// Accepts connections until told to stop, and then those that the kernel has completed already.
    pub async fn accept<R: Responder>(self, listener: TcpListener, mut responder: R) {
        let mut back_off = BACK_OFF_FIRST;
        let stopped = loop {
            let accepted = tokio::select! {
                biased;
                () = self.stop.cancelled() => break clock::monotonic(),
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((io, peer)) => {
                    back_off = BACK_OFF_FIRST;
                    self.admit(io, peer, &mut responder);
                }
                Err(error) => back_off = self.pause(&error, back_off).await,
            }
        };
        // Closing the listener would reset these, with the queries that they may have sent.
        while let Ok(Ok((io, peer))) = timeout_at((stopped + STOP_GRACE).into(), listener.accept()).await {
            self.admit(io, peer, &mut responder);
        }
    }

    /// Waits when the system is out of something; returns how long to wait the next time.
    async fn pause(&self, error: &io::Error, back_off: Duration) -> Duration {
        self.telemetry.connections().accept_failed();
        if !is_exhaustion(error) {
            // The connection was gone before it was accepted (accept(2) lists these); the next may be well.
            return back_off;
        }
        if back_off == BACK_OFF_FIRST {
            events::accept_paused(error);
        }
        self.connections.stop_longest_idle();
        // The stop need not wait for the pause.
        let _ = timeout(back_off, self.stop.cancelled()).await;
        (back_off * 2).min(BACK_OFF_MOST)
    }

    /// Serves a connection, or closes it when there is no place for it.
    fn admit<R: Responder>(&self, io: TcpStream, peer: SocketAddr, responder: &mut R) {
        match self.connections.admit(peer.ip(), &self.stop) {
            Ok(admitted) => {
                let service = self.clone();
                let responder = responder.fork();
                self.tasks.spawn(async move { service.serve(io, peer, admitted, responder).await });
            }
            Err(refused) => self.telemetry.connections().refused(refused),
        }
    }

    async fn serve<R: Responder>(self, io: TcpStream, peer: SocketAddr, admitted: Admitted, responder: R) {
        // A response is one write; waiting for more to send would only delay it.
        let _ = io.set_nodelay(true);
        let open = self.telemetry.connections().opened();
        let session = Session {
            peer: peer.ip(),
            transport: Transport::Tcp,
            limits: self.limits,
            counts: self.telemetry.streams(),
            stop: admitted.stop(),
            idle: &|idle| admitted.set_idle(idle),
        };
        let panicked = OnPanic(|| {
            self.telemetry.streams().count(Slot::PANICKED, 1, shared);
            events::panicked(Transport::Tcp);
        });
        let closed = tokio::select! {
            biased;
            closed = serve_stream(io, responder, session) => closed,
            () = self.cut.cancelled() => Closed::Stopped,
        };
        drop(panicked);
        open.closed(closed);
    }
}

/// Reports when a panic passes; it ends its connection, and nothing else.
struct OnPanic<F: Fn()>(F);

impl<F: Fn()> Drop for OnPanic<F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            (self.0)();
        }
    }
}

/// Whether the system is out of something, so that the next accept would fail as well.
fn is_exhaustion(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM))
}

const BACK_OFF_FIRST: Duration = Duration::from_millis(10);
const BACK_OFF_MOST: Duration = Duration::from_secs(1);
