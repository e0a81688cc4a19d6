//! The sockets: UDP and TCP on every listening address, all asking one responder.
//!
//! ```text
//! Listeners::bind ── start ──> Running ── drain ──> nothing lost that was received
//!   bind: every socket or none   udp: a thread per worker and address    mmsg: its batches (the only unsafe)
//!                                shedding: who waits too long            limiter: whose responses are held back
//!                                tcp: accept loops ── connections: who may ── stream: one connection's messages
//! ```
//!
//! Decides no answers: see [`responder`]. HTTP is bound here, and served by `api`. [`hickory`] is the same for somebody
//! else's sockets.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout_at;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock;
use crate::telemetry::Telemetry;

pub use bind::{BindError, BindFailure, Listeners, workers};
pub use connections::Caps;
pub use limiter::RateLimits;
pub use mmsg::REPLY_MAX as UDP_REPLY_MAX;
pub use responder::{Answers, Responder};
pub use stream::StreamLimits;

mod bind;
pub mod connections;
pub mod hickory;
mod limiter;
pub mod mmsg;
pub mod responder;
mod shedding;
pub mod stream;
mod tcp;
mod udp;

/// What a server may spend on its peers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub streams: StreamLimits,
    pub connections: Caps,
    /// How long a query may wait before the oldest are not answered; none: as long as it takes.
    pub shed_after: Option<Duration>,
}

/// A server that answers.
#[must_use = "a server is stopped by draining it"]
pub struct Running {
    workers: Vec<thread::JoinHandle<io::Result<()>>>,
    accepting: Vec<JoinHandle<()>>,
    connections: TaskTracker,
    stop_workers: Arc<AtomicBool>,
    stop_streams: CancellationToken,
    cut_streams: CancellationToken,
}

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Streams that were still in the middle of something at the deadline, and were cut.
    pub cut: usize,
}

impl Listeners {
    /// Starts the UDP workers and, on the current tokio runtime, the TCP listeners.
    ///
    /// # Errors
    /// When the system has no more threads, or a listener can't be handed to the runtime; then nothing runs.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start<R: Responder>(self, mut responder: R, limits: Limits, telemetry: &Arc<Telemetry>) -> io::Result<Running> {
        let mut running = Running {
            workers: Vec::new(),
            accepting: Vec::new(),
            connections: TaskTracker::new(),
            stop_workers: Arc::default(),
            stop_streams: CancellationToken::new(),
            cut_streams: CancellationToken::new(),
        };
        let service = tcp::TcpService {
            connections: Arc::new(connections::Connections::new(limits.connections)),
            limits: limits.streams,
            telemetry: telemetry.clone(),
            stop: running.stop_streams.clone(),
            cut: running.cut_streams.clone(),
            tasks: running.connections.clone(),
        };
        let episodes = Arc::default();
        for listener in self.dns {
            let tcp = TcpListener::from_std(listener.tcp)?;
            for socket in listener.udp {
                let worker = udp::Worker {
                    socket,
                    responder: responder.fork(),
                    counts: telemetry.worker(),
                    stop: running.stop_workers.clone(),
                    load: udp::Load::new(limits.shed_after, Arc::clone(&episodes)),
                };
                running.workers.push(thread::Builder::new().name("udp".into()).spawn(move || worker.run())?);
            }
            let accept = service.clone().accept(tcp, responder.fork());
            running.accepting.push(tokio::spawn(accept));
        }
        Ok(running)
    }
}

impl Running {
    /// Stops: takes no more connections, answers what was received, closes idle streams at once and the others when
    /// they are done, or cuts them after `within`.
    pub async fn drain(mut self, within: Duration) -> Drained {
        let deadline = (clock::monotonic() + within).into();
        self.stop();
        let workers = std::mem::take(&mut self.workers);
        // The workers stop by themselves, soon (`bind::WAKE_EVERY`, `udp::DRAIN_AT_MOST`).
        let joined = tokio::task::spawn_blocking(move || {
            workers.into_iter().for_each(|worker| {
                let _ = worker.join();
            });
        });
        for accepting in &mut self.accepting {
            let _ = accepting.await;
        }
        self.connections.close();
        let cut = match timeout_at(deadline, self.connections.wait()).await {
            Ok(()) => 0,
            Err(_) => self.connections.len(),
        };
        self.cut_streams.cancel();
        self.connections.wait().await;
        let _ = joined.await;
        Drained { cut }
    }

    fn stop(&self) {
        self.stop_workers.store(true, Ordering::Relaxed);
        self.stop_streams.cancel();
    }
}

impl Drop for Running {
    /// A server that could not start whole, or was never drained, leaves no thread and no accept loop behind.
    fn drop(&mut self) {
        self.stop();
        for accepting in &self.accepting {
            accepting.abort();
        }
    }
}
