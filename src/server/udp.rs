//! One UDP worker: receive a batch, answer it, send the replies, until told to stop.
//!
//! Decides nothing about the answers. A query costs no system call, lock or allocation here: all three are the
//! batch's, and the snapshot is loaded once for it. Invariant: what was received before the stop is answered, unless more was
//! received than can be answered in time (`shedding`).

use std::io;
use std::mem;
use std::net::UdpSocket;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::mmsg::{BATCH, Batch, Datagram, ReceiveQueue, Wait};
use super::responder::Responder;
use super::shedding::{Backlog, Episode, Episodes, Look, Overload, QUIET};
use crate::answer::{Asker, Report, Transport};
use crate::clock;
use crate::telemetry::counts::{Counts, Slot, alone};
use crate::telemetry::events;

/// One socket, its thread's share of the counters, and what answers.
///
/// Wherever it lies, on its thread's stack or in what was allocated for the thread's start, nothing else is on its lines.
#[repr(align(128))]
pub struct Worker<R> {
    pub socket: UdpSocket,
    pub responder: R,
    /// Written by this worker alone.
    pub counts: Arc<Counts>,
    pub stop: Arc<AtomicBool>,
    pub load: Load,
}

/// What a worker does about more queries than it can answer.
pub struct Load {
    backlog: Backlog,
    episode: Episode,
    all: Arc<Episodes>,
    /// What the kernel had dropped when it was last looked at.
    dropped: u32,
}

/// The batch that is answered, and another from when it is needed first.
struct Batches {
    batch: Batch,
    spare: Option<Batch>,
}

impl Load {
    /// Shedding what waits for longer than `shed_after`; `all` is what the workers share.
    pub fn new(shed_after: Option<Duration>, all: Arc<Episodes>) -> Self {
        Self { backlog: Backlog::new(shed_after), episode: Episode::default(), all, dropped: 0 }
    }
}

impl<R: Responder> Worker<R> {
    /// Serves until `stop` is set, then answers what is left in the socket and closes it.
    ///
    /// # Errors
    /// When the socket does not know its own address: it was never bound.
    pub fn run(mut self) -> io::Result<()> {
        let wildcard = self.socket.local_addr()?.ip().is_unspecified();
        let mut batches = Batches { batch: Batch::new(wildcard), spare: None };
        while !self.stop.load(Ordering::Relaxed) {
            self.serve_batch(&mut batches, Wait::First);
        }
        // Senders who never pause must not keep us from stopping.
        let until = clock::monotonic() + DRAIN_AT_MOST;
        while self.serve_batch(&mut batches, Wait::No) && clock::monotonic() < until {}
        self.look_at_drops();
        self.load.episode.end_after(Duration::ZERO, clock::monotonic(), &self.load.all);
        Ok(())
    }

    /// Whether there was a batch.
    fn serve_batch(&mut self, batches: &mut Batches, wait: Wait) -> bool {
        match batches.batch.receive(&self.socket, wait) {
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                self.look_at_drops();
                return false;
            }
            Err(_) => {
                self.counts.count(Slot::RECEIVE_FAILED, 1, alone);
                thread::sleep(AFTER_FAILURE);
                return false;
            }
        }
        // What is in the socket at the stop is answered, however much it is.
        let look = match wait {
            Wait::First => self.load.backlog.received(batches.batch.len(), clock::monotonic),
            Wait::No => Look::NotNow,
        };
        if look != Look::NotNow {
            self.look(look, batches);
        }
        self.answer(&mut batches.batch);
        true
    }

    fn answer(&mut self, batch: &mut Batch) {
        answer(batch, &mut self.responder, &self.counts);
        let failed = batch.send(&self.socket).failed;
        if failed > 0 {
            self.counts.count(Slot::UNSENT, failed as u64, alone);
        }
    }

    /// Looks at the socket, and sheds what waits too long.
    #[cold]
    fn look(&mut self, look: Look, batches: &mut Batches) {
        let Some(queue) = self.look_at_drops() else { return };
        if look == Look::Queue
            && let Some(overload) = self.load.backlog.overload(&queue, clock::monotonic())
        {
            self.shed(batches, overload, queue.datagrams_max());
        }
    }

    /// Counts what the kernel has dropped since the last time; none where it does not tell.
    #[cold]
    fn look_at_drops(&mut self) -> Option<ReceiveQueue> {
        let queue = ReceiveQueue::of(&self.socket).ok()?;
        let dropped = u64::from(queue.dropped.wrapping_sub(self.load.dropped));
        self.load.dropped = queue.dropped;
        self.load.episode.kernel_dropped(dropped);
        self.counts.count(Slot::KERNEL_DROPPED, dropped, alone);
        self.load.episode.end_after(QUIET, clock::monotonic(), &self.load.all);
        Some(queue)
    }

    /// Receives what waits, `most` and the like, oldest first, and leaves the newest in `batch`; what is older is not answered. A
    /// batch that was not full is answered here, behind the one before it.
    #[cold]
    fn shed(&mut self, Batches { batch, spare }: &mut Batches, overload: Overload, most: u64) {
        let newer = spare.get_or_insert_with(|| batch.another());
        let mut shed = 0;
        // Senders who are faster than a receive must not keep us from answering.
        for _ in 0..=most.div_ceil(BATCH as u64) {
            match newer.receive(&self.socket, Wait::No) {
                Ok(BATCH) => {
                    shed += batch.len() as u64;
                    mem::swap(batch, newer);
                }
                Ok(_) => {
                    self.answer(batch);
                    mem::swap(batch, newer);
                    break;
                }
                Err(_) => break,
            }
        }
        self.counts.count(Slot::SHED, shed, alone);
        self.load.episode.shed(shed, overload, clock::monotonic(), &self.load.all);
    }
}

/// Answers every datagram of a batch. A panic costs the datagram that caused it, not the worker.
fn answer<R: Responder>(batch: &mut Batch, responder: &mut R, counts: &Counts) {
    // One alone would wait as often as without.
    let (mut next, mut is_ahead) = (0, batch.len() == 1);
    while next < batch.len() {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            if !mem::replace(&mut is_ahead, true) {
                responder.read_ahead(batch.received());
            }
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
