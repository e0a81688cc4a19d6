//! A client that never stops asking for several names, and remembers when which answer changed.
//!
//! Invariant: each query is answered, and each answer is the primary or the backup, or the thread that asks panics, and
//! with it whoever waits for what it says.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use waypost::wire::rtype::RecordType;

use crate::serve::Client;
use crate::support::{last_octets, name, query};

/// The last octets of the two addresses that a name may have.
pub const PRIMARY: u8 = 1;
pub const BACKUP: u8 = 2;

/// A change of an answer.
struct Heard {
    name: &'static str,
    at: Instant,
    member: u8,
}

/// A thread that asks.
pub struct Asking {
    heard: mpsc::Receiver<Heard>,
    history: BTreeMap<&'static str, Vec<(Instant, u8)>>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Asking {
    /// Asks for each of `names`, one after the other, over and over.
    pub fn start(server: SocketAddr, names: Vec<&'static str>) -> Self {
        let (tell, heard) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let history = names.iter().map(|name| (*name, Vec::new())).collect();
        let stopped = stop.clone();
        let thread = thread::spawn(move || ask(server, &names, &stopped, &tell));
        Self { heard, history, stop, thread }
    }

    /// Waits until `name` has this answer; how long after `since` that was.
    #[track_caller]
    pub fn await_answer(&mut self, name: &str, member: u8, since: Instant, within: Duration) -> Duration {
        loop {
            match self.history[name].last() {
                Some((at, last)) if *last == member => return at.saturating_duration_since(since),
                _ => {}
            }
            let heard = self.hear(since + within);
            assert!(heard, "{name} is not .{member} within {within:?}: {:?}", self.history[name]);
        }
    }

    /// Listens for as long as that.
    pub fn listen_until(&mut self, deadline: Instant) {
        while self.hear(deadline) {}
    }

    /// The changes of a name's answer after `since`.
    pub fn changes(&self, name: &str, since: Instant) -> Vec<(Instant, u8)> {
        self.history[name].iter().copied().filter(|(at, _)| *at > since).collect()
    }

    /// How many queries were asked, all of them answered.
    pub fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("every query had its answer")
    }

    /// Hears of one more change; not before the deadline, else.
    fn hear(&mut self, deadline: Instant) -> bool {
        match self.heard.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Heard { name, at, member }) => {
                self.history.get_mut(name).expect("it is asked for").push((at, member));
                true
            }
            Err(mpsc::RecvTimeoutError::Timeout) => false,
            Err(mpsc::RecvTimeoutError::Disconnected) => panic!("a query had no answer, or none of the two"),
        }
    }
}

fn ask(server: SocketAddr, names: &[&'static str], stop: &AtomicBool, tell: &mpsc::Sender<Heard>) -> u64 {
    let mut client = Client::new(server);
    let mut last = BTreeMap::new();
    while !stop.load(Ordering::Relaxed) {
        for name in names {
            let member = answer(&mut client, name);
            if last.insert(*name, member) != Some(member) && tell.send(Heard { name, at: Instant::now(), member }).is_err() {
                return client.asked;
            }
        }
        client.hear_nothing_until(Instant::now() + PAUSE);
    }
    client.asked
}

/// Which of the two is answered.
#[track_caller]
pub fn answer(client: &mut Client, owner: &str) -> u8 {
    let response = client.ask(&query(&name(owner), RecordType::A));
    match last_octets(&response)[..] {
        [member @ (PRIMARY | BACKUP)] => member,
        _ => panic!("{owner}: neither of the two alone: {response:02x?}"),
    }
}

/// Between rounds, so that the endpoints and the server have the machine.
const PAUSE: Duration = Duration::from_millis(5);
