//! Load at a pace: queries leave at random moments of a given rate, whether or not earlier ones have been answered.
//!
//! Latency counts from the moment a query was due, so that a server that stalls pays for all that were due meanwhile (no
//! coordinated omission). Every response is checked. Invariant: an id is not used again before [`LOST_AFTER`].

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use waypost::server::mmsg::{Batch, Wait};

use super::check::{Answerer, check};
use super::closed_loop::{LoadError, client};
use super::questions::{Chance, Questions, scaled};
use super::stop;

/// What a run brought.
#[derive(Clone, Debug)]
pub struct Latencies {
    /// Nanoseconds from when each query was due to its answer, sorted.
    sorted: Vec<u64>,
    pub lost: u64,
}

impl Latencies {
    pub fn answered(&self) -> u64 {
        self.sorted.len() as u64
    }

    /// In microseconds: the nearest rank, in ten-thousandths; none when nothing was answered.
    pub fn percentile(&self, part: usize) -> Option<f64> {
        let rank = (self.sorted.len() * part).div_ceil(10_000).max(1);
        self.sorted.get(rank - 1).map(|nanos| *nanos as f64 / 1_000.0)
    }
}

/// A query that has been sent.
#[derive(Clone, Copy)]
struct Sent {
    due: Instant,
    number: u32,
    network: u32,
}

/// Asks `rate` queries a second for so long.
///
/// # Errors
/// A wrong answer, or the socket's.
pub fn run(
    server: SocketAddr,
    questions: &Questions,
    answerer: Answerer,
    rate: f64,
    duration: Duration,
    seed: u64,
) -> Result<Latencies, LoadError> {
    let socket = client(server)?;
    let mut paced = Paced { questions, answerer, asked: vec![None; IDS], query: [0; QUERY_ROOM], nanos: Vec::new(), lost: 0 };
    let mut batch = Batch::for_peer();
    let mut chance = Chance(seed);
    let began = Instant::now();
    let (mut due, mut id) = (began, 0);
    loop {
        let now = Instant::now();
        while due <= now && due < began + duration {
            paced.ask(&socket, id, due, &mut chance)?;
            id = id.wrapping_add(1);
            due += Duration::from_secs_f64(chance.exponential(1.0 / rate));
        }
        paced.take_all(&socket, &mut batch)?;
        let all_asked = due >= began + duration;
        if all_asked && (paced.open() == 0 || now - began > duration + LOST_AFTER) {
            break;
        }
        if stop::is_asked() {
            return Err(LoadError::Stopped);
        }
    }
    let lost = paced.lost + paced.open();
    paced.nanos.sort_unstable();
    Ok(Latencies { sorted: paced.nanos, lost })
}

struct Paced<'q> {
    questions: &'q Questions,
    answerer: Answerer,
    /// By id.
    asked: Vec<Option<Sent>>,
    query: [u8; QUERY_ROOM],
    nanos: Vec<u64>,
    lost: u64,
}

impl Paced<'_> {
    fn ask(&mut self, socket: &UdpSocket, id: u16, due: Instant, chance: &mut Chance) -> io::Result<()> {
        let random = chance.next();
        let (number, network) = (scaled(random as u32, self.questions.count), (random >> 32) as u32);
        let len = self.questions.put(number, network, &mut self.query);
        self.query[..2].copy_from_slice(&id.to_be_bytes());
        self.lost += u64::from(self.asked[usize::from(id)].is_some());
        self.asked[usize::from(id)] = Some(Sent { due, number, network });
        socket.send(&self.query[..len]).map(|_| ())
    }

    /// Takes what has come, without waiting.
    fn take_all(&mut self, socket: &UdpSocket, batch: &mut Batch) -> Result<(), LoadError> {
        let received = match batch.receive(socket, Wait::No) {
            Ok(received) => received,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let now = Instant::now();
        let mut outcome = Ok(());
        for at in 0..received {
            batch.answer(at, |datagram, _| {
                outcome = std::mem::replace(&mut outcome, Ok(())).and_then(|()| self.take(datagram.octets, now));
                0
            });
        }
        outcome
    }

    fn take(&mut self, response: &[u8], now: Instant) -> Result<(), LoadError> {
        let Some(id) = response.first_chunk::<2>() else { return Ok(()) };
        // One that counted as lost, come late.
        let Some(sent) = self.asked[usize::from(u16::from_be_bytes(*id))].take() else { return Ok(()) };
        let len = self.questions.put(sent.number, sent.network, &mut self.query);
        let expected = self.questions.expected(sent.number, sent.network);
        check(self.answerer, &self.query[..len], response, expected).map_err(|wrong| LoadError::Wrong(Box::new(wrong)))?;
        self.nanos.push((now - sent.due).as_nanos() as u64);
        Ok(())
    }

    /// How many are not answered yet.
    fn open(&self) -> u64 {
        self.asked.iter().flatten().count() as u64
    }
}

const IDS: usize = 65_536;
/// No query of ours is longer.
const QUERY_ROOM: usize = 104;
/// How long the last answers are waited for.
const LOST_AFTER: Duration = Duration::from_secs(1);
