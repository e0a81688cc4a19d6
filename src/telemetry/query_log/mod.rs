//! Query logs: a line for each answered query of the zones that log theirs, handed to the thread that writes it.
//!
//! Opens no file: see `writer`. Invariant: who answers queries never waits; what is handed over and not yet written takes
//! at most [`QUEUED_MAX`] octets, and lines beyond are counted and gone.
//! Source: Route 53 developer guide, "Public DNS query logging", for the format.

mod line;
mod writer;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use jiff::Timestamp;

use crate::zone::catalog::LoggedAs;
pub use line::Answered;

/// Octets of lines that wait to be written.
pub const QUEUED_MAX: usize = 16 << 20;

/// The lines that were made, by what became of them.
#[derive(Debug, Default)]
pub struct QueryLogCounts {
    pub(super) written: AtomicU64,
    /// Too many were waiting.
    pub(super) dropped: AtomicU64,
    /// Their file would not take them.
    pub(super) failed: AtomicU64,
}

/// The thread that writes, and what is on its way to it.
pub struct QueryLogs(Arc<Shared>);

/// Where one worker or connection puts its lines; they are handed over batch by batch.
pub struct QueryLog {
    shared: Arc<Shared>,
    /// The lines of one batch, and whose they are.
    lines: Lines,
    /// The time of the batch, as shown, once it has a line.
    time: String,
}

struct Shared {
    sender: mpsc::Sender<Message>,
    /// Octets that were sent and are not yet written.
    queued: AtomicUsize,
    /// Whether there is a directory to write to.
    is_on: AtomicBool,
    counts: Arc<QueryLogCounts>,
}

enum Message {
    Lines(Lines),
    /// Where the files are from now on.
    Directory(Option<PathBuf>),
    /// To be told once all that came before is written; then the thread ends.
    Stop(mpsc::Sender<()>),
}

/// Lines of several zones, one behind the other.
#[derive(Clone, Default)]
struct Lines {
    text: String,
    /// What each stretch of the text is logged as, and where it ends.
    stretches: Vec<(Arc<LoggedAs>, usize)>,
    count: u64,
}

impl QueryLogs {
    /// Starts the thread; it writes once it has a directory.
    ///
    /// # Errors
    /// When the system has no more threads.
    pub fn spawn(counts: Arc<QueryLogCounts>) -> io::Result<Self> {
        let (sender, received) = mpsc::channel();
        let shared = Arc::new(Shared { sender, queued: AtomicUsize::new(0), is_on: AtomicBool::new(false), counts });
        writer::spawn(received, &shared)?;
        Ok(Self(shared))
    }

    /// Writes to files in `directory` from now on; to none where there is none.
    pub fn set_directory(&self, directory: Option<PathBuf>) {
        self.0.is_on.store(directory.is_some(), Ordering::Relaxed);
        // Without a thread there is nobody to be told.
        let _ = self.0.sender.send(Message::Directory(directory));
    }

    /// A place for a worker's lines.
    pub fn log(&self) -> QueryLog {
        QueryLog::new(self.0.clone())
    }

    /// Waits, at most so long, until all lines are written; false when they are not: the disk hangs.
    pub fn stop(self, within: Duration) -> bool {
        let (done, stopped) = mpsc::channel();
        self.0.sender.send(Message::Stop(done)).is_ok() && stopped.recv_timeout(within).is_ok()
    }
}

impl QueryLog {
    fn new(shared: Arc<Shared>) -> Self {
        Self { shared, lines: Lines::default(), time: String::new() }
    }

    /// Another, for another worker.
    pub fn fork(&self) -> Self {
        Self::new(self.shared.clone())
    }

    /// Whether lines are written at all.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.shared.is_on.load(Ordering::Relaxed)
    }

    /// Begins the lines of queries that were answered together.
    pub fn batch(&mut self, now: Timestamp) -> Batch<'_> {
        self.time.clear();
        Batch { log: self, now }
    }

    fn hand_over(&mut self) {
        let lines = &mut self.lines;
        if lines.count == 0 {
            return;
        }
        let len = lines.cost();
        let shared = &self.shared;
        let queued = shared.queued.fetch_add(len, Ordering::Relaxed);
        // The worker's own space stays with it; what is sent has no more than it needs.
        if queued + len > QUEUED_MAX || shared.sender.send(Message::Lines(lines.clone())).is_err() {
            shared.queued.fetch_sub(len, Ordering::Relaxed);
            shared.counts.dropped.fetch_add(lines.count, Ordering::Relaxed);
        }
        lines.clear();
    }
}

/// The lines of one batch, handed over when it is dropped.
pub struct Batch<'l> {
    log: &'l mut QueryLog,
    now: Timestamp,
}

impl Batch<'_> {
    /// Adds a query's line.
    pub fn put(&mut self, logged: &Arc<LoggedAs>, answered: &Answered<'_>) {
        let log = &mut *self.log;
        if log.time.is_empty() {
            line::put_time(&mut log.time, self.now);
        }
        if line::put(&mut log.lines.text, &log.time, &logged.zone_id, answered) {
            log.lines.end_line(logged);
        }
        if log.lines.text.len() >= BATCH_ENOUGH {
            log.hand_over();
        }
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.log.hand_over();
    }
}

impl Lines {
    /// Says what the text since the last line is logged as.
    fn end_line(&mut self, logged: &Arc<LoggedAs>) {
        self.count += 1;
        let end = self.text.len();
        match self.stretches.last_mut() {
            Some((last, last_end)) if Arc::ptr_eq(last, logged) => *last_end = end,
            _ => self.stretches.push((logged.clone(), end)),
        }
    }

    /// Octets that it takes while it waits.
    fn cost(&self) -> usize {
        self.text.len() + self.stretches.len() * size_of::<(Arc<LoggedAs>, usize)>() + size_of::<Message>()
    }

    fn clear(&mut self) {
        self.text.clear();
        self.stretches.clear();
        self.count = 0;
    }
}

/// Octets of lines after which a batch is handed over before its end.
const BATCH_ENOUGH: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    use std::net::Ipv4Addr;

    use crate::answer::{Asker, Report, Transport};

    #[test]
    fn what_waits_has_a_bound_and_lines_beyond_it_are_counted() {
        let (sender, received) = mpsc::channel();
        let counts = Arc::new(QueryLogCounts::default());
        let (queued, is_on) = (AtomicUsize::new(0), AtomicBool::new(true));
        let shared = Arc::new(Shared { sender, queued, is_on, counts: counts.clone() });
        let message = b"\0\x01\0\0\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01";
        let asker = Asker { address: Ipv4Addr::LOCALHOST.into(), transport: Transport::Udp };
        let report = Report { len: 12, ..Report::UNANSWERED };
        let answered = Answered { message, asker: &asker, report: &report, edge: None };
        let logged = ["one", "two"].map(|log_group| Arc::new(LoggedAs { zone_id: "Z1".into(), log_group: log_group.into() }));
        let mut log = QueryLog::new(shared.clone());
        let mut put = 0;
        while counts.dropped.load(Ordering::Relaxed) == 0 {
            let mut batch = log.batch(Timestamp::UNIX_EPOCH);
            for at in 0..1_000 {
                batch.put(&logged[at / 10 % 2], &answered);
                put += 1;
            }
        }
        let messages: Vec<Message> = received.try_iter().collect();
        let lines = messages.iter().map(|message| match message {
            Message::Lines(lines) => lines,
            Message::Directory(_) | Message::Stop(_) => panic!("nobody said so"),
        });
        let cost: usize = lines.clone().map(Lines::cost).sum();
        assert_eq!(cost, shared.queued.load(Ordering::Relaxed));
        assert!(cost <= QUEUED_MAX && cost > QUEUED_MAX - 2 * BATCH_ENOUGH, "{cost}");
        let waiting: u64 = lines.map(|lines| lines.count).sum();
        assert_eq!(waiting + counts.dropped.load(Ordering::Relaxed), put);
    }
}
