//! One UDP worker: receive a batch, answer it, send the replies, until told to stop.
//!
//! Decides nothing about the answers. A query costs no system call, lock or allocation here: all three are the
//! batch's, and the snapshot is loaded once for it. Invariant: what was received before the stop is answered.

use std::io;
use std::net::UdpSocket;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::mmsg::{Batch, Datagram, Wait};
use super::responder::Responder;
use crate::answer::{Asker, Report, Transport};
use crate::clock;
use crate::telemetry::counts::{Counts, Slot, alone};
use crate::telemetry::events;

/// One socket, its thread's share of the counters, and what answers.
pub struct Worker<R> {
    pub socket: UdpSocket,
    pub responder: R,
    /// Written by this worker alone.
    pub counts: Arc<Counts>,
    pub stop: Arc<AtomicBool>,
}

impl<R: Responder> Worker<R> {
    /// Serves until `stop` is set, then answers what is left in the socket and closes it.
    ///
    /// # Errors
    /// When the socket does not know its own address: it was never bound.
    pub fn run(mut self) -> io::Result<()> {
        let wildcard = self.socket.local_addr()?.ip().is_unspecified();
        let mut batch = Batch::new(wildcard);
        while !self.stop.load(Ordering::Relaxed) {
            self.serve_batch(&mut batch, Wait::First);
        }
        // Senders who never pause must not keep us from stopping.
        let until = clock::monotonic() + DRAIN_AT_MOST;
        while self.serve_batch(&mut batch, Wait::No) && clock::monotonic() < until {}
        Ok(())
    }

    /// Whether there was a batch.
    fn serve_batch(&mut self, batch: &mut Batch, wait: Wait) -> bool {
        match batch.receive(&self.socket, wait) {
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => return false,
            Err(_) => {
                self.counts.count(Slot::RECEIVE_FAILED, 1, alone);
                thread::sleep(AFTER_FAILURE);
                return false;
            }
        }
        answer(batch, &mut self.responder, &self.counts);
        let failed = batch.send(&self.socket).failed;
        if failed > 0 {
            self.counts.count(Slot::UNSENT, failed as u64, alone);
        }
        true
    }
}

/// Answers every datagram of a batch. A panic costs the datagram that caused it, not the worker.
fn answer<R: Responder>(batch: &mut Batch, responder: &mut R, counts: &Counts) {
    let mut next = 0;
    while next < batch.len() {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let mut respond = responder.batch();
            while next < batch.len() {
                next += 1;
                batch.answer(next - 1, |datagram, out| answer_one(&datagram, &mut respond, out, counts));
            }
        }));
        if outcome.is_err() {
            counts.count(Slot::PANICKED, 1, alone);
            events::panicked(Transport::Udp);
        }
    }
}

/// Answers one datagram; 0 when nothing is to be sent.
#[inline]
fn answer_one(
    datagram: &Datagram<'_>,
    respond: &mut impl FnMut(&[u8], &Asker, &mut [u8]) -> Report,
    out: &mut [u8],
    counts: &Counts,
) -> usize {
    if datagram.source.port() == 0 {
        counts.count(Slot::PORT_ZERO, 1, alone);
        return 0;
    }
    if datagram.cut {
        counts.count(Slot::OVERSIZE, 1, alone);
        return 0;
    }
    let asker = Asker { address: datagram.source.ip(), transport: Transport::Udp };
    let report = respond(datagram.octets, &asker, out);
    counts.record(asker.address, &report, alone);
    report.len
}

/// How long a worker that was told to stop goes on answering a socket that never empties.
const DRAIN_AT_MOST: Duration = Duration::from_secs(1);
/// The pause after a receive that failed for another reason than having nothing to read, so that a broken network
/// stack costs no full core.
const AFTER_FAILURE: Duration = Duration::from_millis(20);
