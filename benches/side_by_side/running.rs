//! A server that answers: started, waited for, measured.
//!
//! Invariant: what is measured has answered its last name right before.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::check::{Answerer, check};
use crate::closed_loop::{ClosedLoop, LoadError};
use crate::content::Content;
use crate::machine;
use crate::peers::{Peer, Site};
use crate::process::{Group, Used};
use crate::questions::Questions;
use crate::stop;

/// A server that serves a case.
pub struct Running {
    pub name: &'static str,
    pub answerer: Answerer,
    pub address: SocketAddr,
    group: Group,
    pub loaded: Loaded,
}

/// What loading took, from its start to the first right answer for the last name.
#[derive(Clone, Copy, Debug)]
pub struct Loaded {
    pub within: Duration,
    /// The CPU time of it, which does not depend on what else the machine does.
    pub cpu: Duration,
    /// What it has then.
    pub memory_kib: u64,
}

/// What the machine did while something was measured.
#[derive(Clone, Copy, Debug)]
pub struct Meanwhile {
    pub server: Used,
    /// Shares of the two cores that neither the server nor the generator had.
    pub foreign: [f64; 2],
    /// The share of its core that the server used: where that is not nearly all of it, the generator was the limit, or others.
    pub busy: f64,
}

impl Running {
    /// Starts it; nothing when it can't serve that.
    ///
    /// # Errors
    /// When it does not start, ends, or does not answer right in time: with what it said.
    pub fn start(peer: &Peer, case: &Case<'_>) -> Result<Option<Self>, String> {
        let folder = case.folder.join(peer.name);
        let _ = fs::remove_dir_all(&folder);
        let context = |error: io::Error| format!("{}: {}: {error}", peer.name, folder.display());
        fs::create_dir_all(&folder).map_err(context)?;
        let address = free_address().map_err(context)?;
        let Case { zones, content, endpoint, before, .. } = *case;
        let site = Site { folder: &folder, zones, content, address, endpoint, before };
        let Some(mut command) = peer.configure(&site).map_err(context)? else { return Ok(None) };
        let started = Instant::now();
        let core = case.pinned.then_some(machine::SERVERS);
        let mut group = Group::start(&mut command, &folder, core).map_err(|error| format!("{command:?}: {error}"))?;
        let answers = await_answer(&mut group, peer.answerer, address, case);
        answers.map_err(|why| format!("{}: {why}; it said:\n{}", peer.name, group.said()))?;
        let loaded = Loaded { within: started.elapsed(), cpu: group.used().in_all(), memory_kib: group.memory_kib() };
        Ok(Some(Self { name: peer.name, answerer: peer.answerer, address, group, loaded }))
    }

    /// Does something that loads the server, and says what it cost. The generator has its core to itself.
    pub fn measure<T>(&self, pinned: bool, load: impl FnOnce() -> Result<T, LoadError>) -> Result<(T, Meanwhile), String> {
        machine::on_core(pinned.then_some(machine::GENERATOR), || {
            let cores = [machine::SERVERS, machine::GENERATOR];
            let (began, before, own, busy) = (Instant::now(), self.group.used(), machine::own(), cores.map(machine::busy));
            let brought = load().map_err(|error| format!("{}: {error}\nit said:\n{}", self.name, self.group.said()))?;
            let server = self.group.used() - before;
            let own = machine::own() - own;
            let took = began.elapsed();
            let mine = [server.ran, own];
            let foreign = [0, 1].map(|at| {
                let others = (machine::busy(cores[at]) - busy[at]).saturating_sub(mine[at]);
                others.as_secs_f64() / took.as_secs_f64()
            });
            let busy = server.ran.as_secs_f64() / took.as_secs_f64();
            Ok((brought, Meanwhile { server, foreign, busy }))
        })
    }

    /// A closed loop at this server.
    ///
    /// # Errors
    /// When there is no socket.
    pub fn closed_loop<'q>(&self, questions: &'q Questions, window: usize, seed: u64) -> Result<ClosedLoop<'q>, String> {
        ClosedLoop::new(self.address, questions, self.answerer, window, seed).map_err(|error| format!("{}: {error}", self.name))
    }
}

/// What is served, and where.
pub struct Case<'c> {
    pub folder: &'c Path,
    pub zones: &'c Path,
    pub content: Content,
    pub endpoint: SocketAddr,
    /// Another build of waypost to compare with.
    pub before: Option<&'c Path>,
    pub pinned: bool,
}

/// Asks for the last name until the answer is right.
fn await_answer(group: &mut Group, answerer: Answerer, server: SocketAddr, case: &Case<'_>) -> Result<(), String> {
    let questions = case.content.questions();
    let mut query = [0; 512];
    let len = questions.put(case.content.last(), 0, &mut query);
    let query = &query[..len];
    let expected = questions.expected(case.content.last(), 0);
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
    socket.set_read_timeout(Some(ASK_EVERY)).map_err(|error| error.to_string())?;
    let (began, mut response, mut last) = (Instant::now(), [0; 4_096], "no answer".to_owned());
    while began.elapsed() < LOAD_WITHIN {
        if group.has_ended() {
            return Err(format!("it has ended; before that: {last}"));
        }
        if stop::is_asked() {
            return Err("told to stop".to_owned());
        }
        // An unconnected socket: a connected one would report each refusal at once, and ask as fast.
        socket.send_to(query, server).map_err(|error| error.to_string())?;
        if let Ok(len) = socket.recv(&mut response) {
            match check(answerer, query, &response[..len], expected) {
                Ok(()) => return Ok(()),
                Err(wrong) => last = wrong.to_string(),
            }
            std::thread::sleep(ASK_EVERY);
        }
    }
    Err(format!("no right answer within {LOAD_WITHIN:?}; {last}"))
}

/// An address of loopback with a port that nobody has, for both protocols.
fn free_address() -> io::Result<SocketAddr> {
    loop {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = udp.local_addr()?;
        if std::net::TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
}

/// How often a server that loads is asked: the resolution of the time it takes.
const ASK_EVERY: Duration = Duration::from_millis(2);
const LOAD_WITHIN: Duration = Duration::from_secs(120);
