//! How soon an answer follows the verdict, and what is lost, while the program answers 50,000 queries a second and more.
//!
//! A measurement of the whole program on this machine, not a test: `cargo bench --bench flip_under_load`. The primary's
//! health flips with every probe, every 100 ms. One worker answers; one client keeps a window of queries in flight, at
//! a pace, and checks each response. A delay begins before the endpoint sends the response that decides, and ends when
//! the client has read the first changed answer. Results: docs/performance.md.

#[path = "../tests/support/endpoint.rs"]
mod endpoint;
#[path = "../tests/support/serve.rs"]
mod serve;
#[path = "../tests/support/mod.rs"]
mod support;

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use endpoint::Endpoint;
use serve::Site;
use support::{name, query};
use waypost::wire::rtype::RecordType;

fn main() {
    // `cargo bench` hands its own arguments to every bench; the one that is ours is a rate.
    let rate = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(RATE);
    let (primary, secondary) = (Endpoint::start(), Endpoint::start());
    let server = Site::with_zone("flip_under_load", &zone(primary.port, secondary.port)).serve();
    let stop = Arc::new(AtomicBool::new(false));
    let (stopped, dns) = (stop.clone(), server.dns);
    let client = thread::spawn(move || Load::new(dns).run(rate, &stopped));
    let decided = flip(&primary, DURATION);
    stop.store(true, Ordering::Relaxed);
    let load = client.join().expect("the client checks what it gets");
    server.stop();
    report(&load, &decided, rate);
}

/// Makes each probe decide the other way; when each was told.
fn flip(primary: &Endpoint, duration: Duration) -> Vec<(Instant, u8)> {
    let began = Instant::now();
    let mut decided = Vec::new();
    while began.elapsed() < duration {
        for (healthy, member) in [(false, SECONDARY), (true, PRIMARY)] {
            primary.set_healthy(healthy);
            decided.push((primary.first_told(healthy), member));
        }
    }
    // The last of them is still to be seen by the client.
    primary.first_told(true);
    decided
}

/// One client's socket, and what came of it.
struct Load {
    socket: UdpSocket,
    message: Vec<u8>,
    next: u16,
    asked: u64,
    lost: u64,
    took: Duration,
    changes: Vec<(Instant, u8)>,
}

impl Load {
    fn new(server: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a loopback socket");
        socket.connect(server).expect("an address");
        socket.set_read_timeout(Some(serve::ANSWER_WITHIN)).expect("not zero");
        let message = query(&name("www"), RecordType::A);
        Self { socket, message, next: 0, asked: 0, lost: 0, took: Duration::ZERO, changes: Vec::new() }
    }

    /// Asks a window at a time, at `rate` queries a second where the server keeps up, until it is told to stop.
    fn run(mut self, rate: u64, stop: &AtomicBool) -> Self {
        let began = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            self.ask_window();
            let due = began + Duration::from_nanos(self.asked * 1_000_000_000 / rate);
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        self.took = began.elapsed();
        self
    }

    fn ask_window(&mut self) {
        let first = self.next;
        for _ in 0..WINDOW {
            self.message[..2].copy_from_slice(&self.next.to_be_bytes());
            self.socket.send(&self.message).expect("the server's port is open");
            self.next = self.next.wrapping_add(1);
        }
        self.asked += u64::from(WINDOW);
        let mut response = [0; 1_232];
        for at in 0..WINDOW {
            let Ok(len) = self.socket.recv(&mut response) else {
                self.lost += u64::from(WINDOW - at);
                return;
            };
            assert_eq!(response[..2], first.wrapping_add(at).to_be_bytes(), "one worker answers in order");
            self.take(&response[..len]);
        }
    }

    /// The address is the end of the one answer: behind header, question and the fixed part of the record.
    fn take(&mut self, response: &[u8]) {
        let question = self.message.len() - 12 - OPT_LEN;
        let member = response[12 + question + 15];
        assert_eq!((&response[3..8], member == PRIMARY || member == SECONDARY), (&[0, 0, 1, 0, 1][..], true));
        if self.changes.last().is_none_or(|(_, last)| *last != member) {
            self.changes.push((Instant::now(), member));
        }
    }
}

fn report(load: &Load, decided: &[(Instant, u8)], rate: u64) {
    let mut delays: Vec<Duration> = decided
        .iter()
        .filter_map(|(at, member)| {
            let seen = load.changes.iter().find(|(seen, now)| seen >= at && now == member)?;
            Some(seen.0 - *at)
        })
        .collect();
    delays.sort_unstable();
    // The nearest rank, in thousandths.
    let at = |part: usize| delays[(delays.len() * part).div_ceil(1_000).max(1) - 1].as_micros();
    println!("asked for {rate} queries/s, one client with {WINDOW} in flight, one worker");
    println!("reached {:.0} queries/s: {} in {:?}", load.asked as f64 / load.took.as_secs_f64(), load.asked, load.took);
    println!("lost {}", load.lost);
    println!("{} flips decided, {} seen in the answers", decided.len(), delays.len());
    println!("delay in µs: min {}, median {}, p99 {}, max {}", at(0), at(500), at(990), at(1_000));
    let late = delays.iter().filter(|delay| **delay > Duration::from_millis(5)).count();
    println!("above 5 ms: {late}");
}

fn zone(primary: u16, secondary: u16) -> String {
    format!(
        r#"
zone = "example.org."
ns   = ["ns1.example.net."]

[probe.web]
type     = "http"
interval = "100ms"
fall     = 1

[endpoint.primary]
address = ["192.0.2.{PRIMARY}"]
probe   = "web"
target  = "127.0.0.1:{primary}"

[endpoint.secondary]
address = ["192.0.2.{SECONDARY}"]
probe   = "web"
target  = "127.0.0.1:{secondary}"

[route.www]
policy  = "failover"
members = ["primary", "secondary"]
"#
    )
}

const PRIMARY: u8 = 1;
const SECONDARY: u8 = 2;
/// Queries a second, where the arguments name none.
const RATE: u64 = 60_000;
/// Queries in flight.
const WINDOW: u16 = 16;
const DURATION: Duration = Duration::from_secs(10);
/// The OPT record that `query` appends.
const OPT_LEN: usize = 11;
