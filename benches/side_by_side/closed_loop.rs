//! Load in a closed loop: so many queries are always in flight, and each response brings the next query.
//!
//! The server's own batches turned round: what a server does with queries, this does with responses. Every response is
//! checked; one that is wrong ends the run. A query that is not answered in time is asked again. Invariant: a slot of the
//! window has one query in flight; the id says which slot, and which of its queries.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use waypost::server::mmsg::{BATCH, Batch, Wait};

use super::check::{Answerer, Wrong, check};
use super::questions::{Chance, Questions, scaled};
use super::stop;

/// What a run brought.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Right answers.
    pub answered: u64,
    /// Queries not answered in time.
    pub lost: u64,
    /// Answers to queries that counted as lost.
    pub late: u64,
    pub took: Duration,
}

impl Tally {
    pub fn per_second(&self) -> f64 {
        self.answered as f64 / self.took.as_secs_f64()
    }
}

/// What ends a run before its time.
#[derive(Debug)]
pub enum LoadError {
    Wrong(Box<Wrong>),
    Io(io::Error),
    Stopped,
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Wrong(wrong) => wrong.fmt(f),
            Self::Io(error) => write!(f, "the load generator's socket: {error}"),
            Self::Stopped => write!(f, "told to stop"),
        }
    }
}

impl std::error::Error for LoadError {}

impl From<io::Error> for LoadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A UDP socket of a client of `server`, with room for what a window can bring.
pub fn client(server: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(server)?;
    // The kernel grants no more than net.core.rmem_max.
    socket2::SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER)?;
    Ok(socket)
}

/// The client of one server.
pub struct ClosedLoop<'q> {
    socket: UdpSocket,
    questions: &'q Questions,
    answerer: Answerer,
    window: Vec<Slot>,
    chance: Chance,
    tally: Tally,
    wrong: Option<Box<Wrong>>,
}

/// One query in flight.
struct Slot {
    octets: [u8; QUERY_ROOM],
    len: usize,
    number: u32,
    network: u32,
    sent: Instant,
}

impl<'q> ClosedLoop<'q> {
    /// `window` queries in flight, of this seed's sequence.
    ///
    /// # Errors
    /// When there is no socket.
    pub fn new(server: SocketAddr, questions: &'q Questions, answerer: Answerer, window: usize, seed: u64) -> io::Result<Self> {
        assert!((1..=WINDOW_MAX).contains(&window), "a window of {window} queries; 1 to {WINDOW_MAX} are accepted");
        let now = Instant::now();
        let slot = |_| Slot { octets: [0; QUERY_ROOM], len: 0, number: 0, network: 0, sent: now };
        Ok(Self {
            socket: client(server)?,
            questions,
            answerer,
            window: (0..window).map(slot).collect(),
            chance: Chance(seed),
            tally: Tally::default(),
            wrong: None,
        })
    }

    /// Asks for so long; then waits for what is in flight, uncounted, so that the server is idle when this returns.
    ///
    /// # Errors
    /// A wrong answer, or the socket's.
    pub fn run(&mut self, duration: Duration) -> Result<Tally, LoadError> {
        let mut batch = Batch::for_peer();
        let began = Instant::now();
        self.tally = Tally::default();
        for at in 0..self.window.len() {
            self.window[at].next(at, self.questions, &mut self.chance, began);
            self.socket.send(self.window[at].query())?;
        }
        let mut looked = began;
        loop {
            let now = self.turn(&mut batch, true)?;
            if now - looked > LOOK_EVERY {
                if stop::is_asked() {
                    return Err(LoadError::Stopped);
                }
                self.ask_lost_again(now)?;
                looked = now;
            }
            if now - began >= duration {
                self.tally.took = now - began;
                break;
            }
        }
        let tally = self.tally;
        let ended = Instant::now();
        let mut quiet_since = ended;
        while quiet_since.elapsed() < QUIET && ended.elapsed() < LOST_AFTER {
            let before = self.tally.answered;
            let now = self.turn(&mut batch, false)?;
            if self.tally.answered > before {
                quiet_since = now;
            }
        }
        Ok(tally)
    }

    /// Takes the responses that are there, and asks the next queries if it is to; gives when that was.
    fn turn(&mut self, batch: &mut Batch, ask: bool) -> Result<Instant, LoadError> {
        let received = match batch.receive(&self.socket, Wait::No) {
            Ok(received) => received,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => 0,
            Err(error) => return Err(error.into()),
        };
        let now = Instant::now();
        for at in 0..received {
            batch.answer(at, |datagram, out| self.take(datagram.octets, out, ask, now));
        }
        if let Some(wrong) = self.wrong.take() {
            return Err(LoadError::Wrong(wrong));
        }
        // What could not be sent is lost, and asked again as such.
        batch.send(&self.socket);
        Ok(now)
    }

    /// Checks one response; the length of the query that follows it in `out`, or 0.
    #[inline]
    fn take(&mut self, response: &[u8], out: &mut [u8], ask: bool, now: Instant) -> usize {
        let Some(id) = response.first_chunk::<2>() else { return 0 };
        let at = usize::from(u16::from_be_bytes(*id)) % SLOTS;
        let Some(slot) = self.window.get_mut(at).filter(|slot| slot.octets[..2] == id[..]) else {
            self.tally.late += 1;
            return 0;
        };
        let expected = self.questions.expected(slot.number, slot.network);
        if let Err(wrong) = check(self.answerer, slot.query(), response, expected) {
            self.wrong = Some(Box::new(wrong));
            return 0;
        }
        self.tally.answered += 1;
        slot.next(at, self.questions, &mut self.chance, now);
        if !ask {
            return 0;
        }
        out[..slot.len].copy_from_slice(slot.query());
        slot.len
    }

    fn ask_lost_again(&mut self, now: Instant) -> Result<(), LoadError> {
        for at in 0..self.window.len() {
            if now - self.window[at].sent > LOST_AFTER {
                self.tally.lost += 1;
                self.window[at].next(at, self.questions, &mut self.chance, now);
                self.socket.send(self.window[at].query())?;
            }
        }
        Ok(())
    }
}

impl Slot {
    fn query(&self) -> &[u8] {
        &self.octets[..self.len]
    }

    /// The slot's next query, which is of another id.
    #[inline]
    fn next(&mut self, at: usize, questions: &Questions, chance: &mut Chance, now: Instant) {
        let [high, low] = self.octets[..2] else { unreachable!("a slot has room for an id") };
        let generation = u16::from_be_bytes([high, low]) / SLOTS as u16;
        let random = chance.next();
        self.number = scaled(random as u32, questions.count);
        self.network = (random >> 32) as u32;
        self.len = questions.put(self.number, self.network, &mut self.octets);
        let id = (generation.wrapping_add(1) % GENERATIONS) * SLOTS as u16 + at as u16;
        self.octets[..2].copy_from_slice(&id.to_be_bytes());
        self.sent = now;
    }
}

/// The lower bits of an id say which slot; the others count the slot's queries.
const SLOTS: usize = 1_024;
pub const WINDOW_MAX: usize = SLOTS;
const GENERATIONS: u16 = (65_536 / SLOTS) as u16;
/// No query of ours is longer.
const QUERY_ROOM: usize = 104;
const RECEIVE_BUFFER: usize = 4 << 20;
/// A query that has not been answered by then never will be: the slowest server here has a window's answers sooner.
const LOST_AFTER: Duration = Duration::from_secs(1);
/// How often lost queries are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A server that has been quiet for so long has answered what it got.
const QUIET: Duration = Duration::from_millis(20);
const _: () = assert!(BATCH <= SLOTS);
