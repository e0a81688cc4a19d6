//! A client that asks the same question over and over by UDP, and counts what is not answered.
//!
//! A query counts as unanswered when no response to it came within [`ANSWER_WITHIN`], or one that is no positive answer.
//! Nothing is asked twice. Invariant: `sent = answered + unanswered`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};

use crate::clock;

/// A client at work in its own thread.
pub(super) struct Asker {
    changes: Receiver<Change>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<io::Result<Tally>>,
}

/// The answer became another one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub answer: IpAddr,
    pub at: Instant,
}

/// What became of the queries.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub sent: u64,
    pub answered: u64,
    /// The longest that an answered query waited.
    pub slowest: Duration,
}

/// Whether one query of its own is answered.
pub(super) fn is_answered(server: SocketAddr, name: &Name) -> io::Result<bool> {
    Ok(Client::connect(server, name)?.ask()?.is_some())
}

impl Tally {
    pub fn unanswered(&self) -> u64 {
        self.sent - self.answered
    }
}

impl Asker {
    /// Starts asking `server` for the A of `name`.
    pub fn start(server: SocketAddr, name: &Name) -> io::Result<Self> {
        let mut client = Client::connect(server, name)?;
        let (sender, changes) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::spawn(move || client.ask_until(&stopped, &sender));
        Ok(Self { changes, stop, thread })
    }

    /// Waits until the answer is `expected`; none when it is not within `limit`.
    pub fn await_answer(&self, expected: IpAddr, limit: Duration) -> Option<Change> {
        let until = clock::monotonic() + limit;
        loop {
            match self.changes.recv_timeout(until.saturating_duration_since(clock::monotonic())) {
                Ok(change) if change.answer == expected => return Some(change),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Stops asking, and tells what became of the queries.
    pub fn finish(self) -> io::Result<Tally> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the client's thread does not panic")
    }
}

struct Client {
    socket: UdpSocket,
    question: Query,
    id: u16,
    tally: Tally,
}

impl Client {
    fn connect(server: SocketAddr, name: &Name) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.connect(server)?;
        let question = Query::query(name.clone(), RecordType::A);
        Ok(Self { socket, question, id: 0, tally: Tally::default() })
    }

    fn ask_until(&mut self, stop: &AtomicBool, changes: &Sender<Change>) -> io::Result<Tally> {
        let mut last = None;
        while !stop.load(Ordering::Relaxed) {
            let answer = self.ask()?;
            if answer.is_some() && answer != last {
                last = answer;
                // Nobody waits for changes once the story is told.
                let _ = answer.map(|answer| changes.send(Change { answer, at: clock::monotonic() }));
            }
            thread::sleep(BETWEEN);
        }
        Ok(self.tally)
    }

    /// One query; none when it went unanswered.
    fn ask(&mut self) -> io::Result<Option<IpAddr>> {
        self.id = self.id.wrapping_add(1);
        let mut query = Message::query();
        query.metadata.id = self.id;
        query.add_query(self.question.clone());
        let octets = query.to_vec().map_err(io::Error::other)?;
        let asked = clock::monotonic();
        self.tally.sent += 1;
        if self.socket.send(&octets).is_err() {
            return Ok(None);
        }
        let answer = self.receive(asked + ANSWER_WITHIN)?;
        if answer.is_some() {
            self.tally.answered += 1;
            self.tally.slowest = self.tally.slowest.max(clock::monotonic() - asked);
        }
        Ok(answer)
    }

    /// The address in the response to the last query; late responses to earlier ones are passed over.
    fn receive(&self, until: Instant) -> io::Result<Option<IpAddr>> {
        let mut octets = [0; 4_096];
        loop {
            let left = until.saturating_duration_since(clock::monotonic());
            if left.is_zero() {
                return Ok(None);
            }
            self.socket.set_read_timeout(Some(left))?;
            // An error is a timeout, or ICMP saying that nobody listens: either way there is no answer.
            let Ok(len) = self.socket.recv(&mut octets) else { return Ok(None) };
            match Message::from_vec(&octets[..len]) {
                Ok(response) if response.metadata.id == self.id => return Ok(address_in(&response)),
                _ => {}
            }
        }
    }
}

fn address_in(response: &Message) -> Option<IpAddr> {
    if response.metadata.response_code != ResponseCode::NoError {
        return None;
    }
    response.answers.iter().find_map(|record| match &record.data {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        _ => None,
    })
}

/// Stub resolvers wait longer; a server on loopback has no excuse.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// The pause between two queries.
const BETWEEN: Duration = Duration::from_millis(1);
