//! Knot and NSD from Debian, each on a loopback port of its own, over the zone of this folder.
//!
//! Knows nothing of answers: octets out, octets in. Each runs in the foreground, in a folder of its own, and is ended
//! and its folder removed when the value goes. Readiness is an answer, not a time.
//! Sources: knot.conf(5), nsd.conf(5).

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// A name server that was started for this test.
pub struct Peer {
    pub name: &'static str,
    /// None once it has ended.
    child: Option<Child>,
    folder: PathBuf,
    socket: UdpSocket,
}

/// How a peer is started: its program, its arguments and its configuration.
pub struct Kind {
    pub name: &'static str,
    pub program: &'static str,
    arguments: &'static [&'static str],
    configuration: &'static str,
}

/// `{folder}`, `{port}` and `{zone}` are filled in.
pub const KNOT: Kind = Kind {
    name: "knot",
    program: "/usr/sbin/knotd",
    arguments: &["-c"],
    configuration: r#"
server:
    rundir: "{folder}"
    listen: "127.0.0.1@{port}"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    udp-max-payload: 4096
    automatic-acl: off
log:
  - target: stderr
    any: warning
database:
    storage: "{folder}"
template:
  - id: default
    storage: "{folder}"
    file: "{zone}"
    zonefile-sync: -1
    journal-content: none
    semantic-checks: off
zone:
  - domain: example.org
"#,
};

pub const NSD: Kind = Kind {
    name: "nsd",
    program: "/usr/sbin/nsd",
    arguments: &["-d", "-c"],
    configuration: r#"
server:
    ip-address: 127.0.0.1@{port}
    server-count: 1
    username: ""
    zonesdir: "{folder}"
    database: ""
    pidfile: "{folder}/nsd.pid"
    xfrdfile: "{folder}/xfrd.state"
    zonelistfile: "{folder}/zone.list"
    xfrdir: "{folder}"
    logfile: "{folder}/nsd.log"
    ipv4-edns-size: 4096
    minimal-responses: yes
    hide-version: yes
    rrl-ratelimit: 0
remote-control:
    control-enable: no
zone:
    name: example.org
    zonefile: "{zone}"
"#,
};

/// How long a peer may take to answer first, and how long to answer once it does.
const START_WITHIN: Duration = Duration::from_secs(30);
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How long a peer may take to end by itself.
const END_WITHIN: Duration = Duration::from_secs(10);
/// Ports that may be lost to another process between finding and using them.
const PORTS_TRIED: usize = 5;

impl Peer {
    /// Starts the peer over the zone; waits until it answers `ready`.
    pub fn start(kind: &Kind, zone: &Path, ready: &[u8]) -> Result<Peer, String> {
        let mut last = String::new();
        for _ in 0..PORTS_TRIED {
            match Self::start_once(kind, zone, ready) {
                Ok(peer) => return Ok(peer),
                Err(error) => last = error,
            }
        }
        Err(format!("{} does not start: {last}", kind.name))
    }

    fn start_once(kind: &Kind, zone: &Path, ready: &[u8]) -> Result<Peer, String> {
        let port = free_port();
        let folder = std::env::temp_dir().join(format!("waypost-differential-{}-{}", kind.name, port));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let configuration = kind
            .configuration
            .replace("{folder}", &folder.to_string_lossy())
            .replace("{port}", &port.to_string())
            .replace("{zone}", &zone.to_string_lossy());
        let file = folder.join("peer.conf");
        fs::write(&file, configuration).map_err(|error| format!("{}: {error}", file.display()))?;
        let log = fs::File::create(folder.join("peer.log")).map_err(|error| error.to_string())?;
        let child = Command::new(kind.program)
            .args(kind.arguments)
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(|error| error.to_string())?)
            .stderr(log)
            .spawn()
            .map_err(|error| format!("{}: {error}", kind.program))?;
        let mut peer = Peer { name: kind.name, child: Some(child), folder, socket: socket_to(port) };
        peer.await_first_answer(port, ready)?;
        Ok(peer)
    }

    /// Asks until there is an answer. An unconnected socket: a connected one would report each refusal at once,
    /// and this would spin.
    fn await_first_answer(&mut self, port: u16, ready: &[u8]) -> Result<(), String> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback socket");
        socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout that is not zero");
        let deadline = Instant::now() + START_WITHIN;
        while Instant::now() < deadline {
            if let Some(Ok(Some(status))) = self.child.as_mut().map(Child::try_wait) {
                return Err(format!("it ended with {status}\n{}", self.log()));
            }
            let _ = socket.send_to(ready, (Ipv4Addr::LOCALHOST, port));
            if socket.recv_from(&mut [0; 4096]).is_ok() {
                return Ok(());
            }
        }
        Err(format!("no answer within {START_WITHIN:?}\n{}", self.log()))
    }

    /// The response to a query; none if there is none in time.
    pub fn ask(&self, query: &[u8]) -> Option<Vec<u8>> {
        let mut octets = vec![0; 65_535];
        self.socket.send(query).expect("the peer's port is open");
        loop {
            match self.socket.recv(&mut octets) {
                Ok(len) if octets[..2] == query[..2] => {
                    octets.truncate(len);
                    return Some(octets);
                }
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return None,
                Err(error) => panic!("{} went away: {error}\n{}", self.name, self.log()),
            }
        }
    }

    fn log(&self) -> String {
        ["peer.log", "nsd.log"].iter().filter_map(|file| fs::read_to_string(self.folder.join(file)).ok()).collect()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            end(child.id(), child);
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Asks the process to end, so that it ends its own children, and insists when it does not.
fn end(pid: u32, mut child: Child) {
    signal("-TERM", pid);
    let (ended, end) = mpsc::channel();
    let waiting = thread::spawn(move || ended.send(child.wait()));
    if end.recv_timeout(END_WITHIN).is_err() {
        signal("-KILL", pid);
    }
    let _ = waiting.join();
}

fn signal(which: &str, pid: u32) {
    let _ = Command::new("kill").args([which, &pid.to_string()]).status();
}

fn socket_to(port: u16) -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback socket");
    socket.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).expect("a loopback address");
    socket.set_read_timeout(Some(ANSWER_WITHIN)).expect("a timeout that is not zero");
    socket
}

/// A port that was free for UDP and TCP a moment ago.
fn free_port() -> u16 {
    loop {
        let stream = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
        let port = stream.local_addr().expect("a bound socket has an address").port();
        if UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
