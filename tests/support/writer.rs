//! A name that leads to whichever of two databases is the primary, and a client that never stops asking for it.
//!
//! Knows no database. Invariant: every response has one address, and that of one of the two.

#![allow(dead_code, reason = "each test file uses its part")]

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;
use waypost::wire::rtype::RecordType;

use crate::serve::{self, Client, PATIENCE, Serving, Site};
use crate::support::{last_octets, name, query};

/// The last octets of the two databases' addresses, and the names of their checks.
pub const A: u8 = 1;
pub const B: u8 = 2;

/// The name of a database's check.
pub fn check_of(database: u8) -> &'static str {
    if database == A { "a" } else { "b" }
}

/// Serves the name `db`, whose probe has these keys and whose databases listen on these ports.
pub fn serve(site: &Site, probe: &str, ports: [u16; 2]) -> Serving {
    let [a, b] = ports;
    let zone = format!(
        r#"
zone = "example.org."
ns   = ["ns1.example.net."]

[probe.writer]
interval = "200ms"
timeout  = "2s"
fall     = 2
rise     = 2
{probe}

[endpoint.a]
address = ["192.0.2.{A}"]
probe   = "writer"
target  = "127.0.0.1:{a}"

[endpoint.b]
address = ["192.0.2.{B}"]
probe   = "writer"
target  = "127.0.0.1:{b}"

[route.db]
policy  = "failover"
members = ["a", "b"]
ttl     = 5
"#
    );
    site.write("waypost.toml", serve::CONFIG);
    site.write("example.org.toml", &zone);
    site.serve()
}

/// Waits until the check of a database has become `status`.
pub fn await_status(server: &mut Serving, database: u8, status: &str) {
    let name = check_of(database);
    server.process.await_event("health_transition", |event| event["check"] == name && event["to"] == status);
}

/// Waits until the last failure that the server saw of a database is `because`, and was seen five times more.
pub fn await_failures(server: &Serving, database: u8, because: &str) {
    let deadline = Instant::now() + PATIENCE;
    let wait_for = |met: &dyn Fn() -> bool, what: &str| {
        while !met() {
            assert!(Instant::now() < deadline, "{what} is not seen of {}:\n{}", check_of(database), server.get("/v1/health").1);
        }
    };
    let last_failure = || {
        let page: Value = serde_json::from_str(&server.get("/v1/health").1).unwrap();
        let checks = page["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["id"] == check_of(database)).unwrap();
        check["last_failure"]["because"].as_str().unwrap_or_default().to_owned()
    };
    wait_for(&|| last_failure() == because, because);
    let series = format!("waypost_probes_total{{check=\"{}\",result=\"failed\"}}", check_of(database));
    let failed = server.metric(&series);
    wait_for(&|| server.metric(&series) >= failed + 5.0, "another failure");
    assert_eq!(last_failure(), because);
}

/// A client that asks for the name until it is told to stop.
pub struct Follower {
    stop: Arc<AtomicBool>,
    changes: mpsc::Receiver<u8>,
    asking: JoinHandle<u64>,
    seen: Vec<u8>,
}

impl Follower {
    pub fn start(dns: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (changed, changes) = mpsc::channel();
        let stopped = stop.clone();
        let asking = thread::spawn(move || {
            let mut client = Client::new(dns);
            let mut last = None;
            while !stopped.load(Ordering::Relaxed) {
                let answered = ask(&mut client);
                if last.replace(answered) != Some(answered) {
                    changed.send(answered).expect("the test listens until the end");
                }
            }
            client.asked
        });
        Self { stop, changes, asking, seen: Vec::new() }
    }

    /// Waits for the next change of the answer, which must be this.
    #[track_caller]
    pub fn await_answer(&mut self, expected: u8) {
        let answered = self.changes.recv_timeout(PATIENCE).expect("the answer changes");
        self.seen.push(answered);
        assert_eq!(answered, expected, "after {:?}", self.seen);
    }

    /// Expects that the answer has not changed since.
    #[track_caller]
    pub fn assert_unchanged(&mut self) {
        assert_eq!(self.changes.try_recv(), Err(mpsc::TryRecvError::Empty), "after {:?}", self.seen);
    }

    /// Stops; how many queries were asked.
    pub fn stop(mut self) -> u64 {
        self.assert_unchanged();
        self.stop.store(true, Ordering::Relaxed);
        self.asking.join().expect("every query had its response")
    }
}

/// Asks for the address of db; which database's it is.
fn ask(client: &mut Client) -> u8 {
    let response = client.ask(&query(&name("db"), RecordType::A));
    match last_octets(&response)[..] {
        [database @ (A | B)] => database,
        _ => panic!("neither database alone: {response:02x?}"),
    }
}

/// A port that nobody has now; a database is the one to bind it, and again after it was down. It is below those that the
/// system gives to clients, which could take it meanwhile.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id() % 20_000 * 97;
    let mut ports = (0..20_000).map(|_| 10_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000);
    let is_free = |port: &u32| TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], u16::try_from(*port).unwrap()))).is_ok();
    u16::try_from(ports.find(is_free).expect("one of them is free")).unwrap()
}

/// Whether a program is there. CI must not skip what needs it.
pub fn is_there(program: &Path) -> bool {
    let there = program.exists();
    if !there {
        let program = program.display();
        assert!(std::env::var_os("CI").is_none(), "{program} is missing, and CI must not skip this test");
        println!("{program} is missing: nothing is tested");
    }
    there
}

/// Waits until somebody listens on a port.
pub fn await_listener(port: u16) {
    let deadline = Instant::now() + PATIENCE;
    while std::net::TcpStream::connect_timeout(&([127, 0, 0, 1], port).into(), Duration::from_secs(1)).is_err() {
        assert!(Instant::now() < deadline, "nobody listens on port {port}");
        thread::yield_now();
    }
}
