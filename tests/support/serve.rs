//! `waypost serve` as a process: started over files of a test's own, asked over its sockets, followed by its log, stopped.
//!
//! Knows nothing of its inside. Waits are reads with a deadline: the log says when something has happened, and a socket
//! when it has been answered. Invariant: no process outlives its value.

#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longer than anything here takes; only a failing test waits for it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Within which every query is answered.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// A folder of a test's own with the files that it serves.
pub struct Site(pub PathBuf);

impl Site {
    /// An empty folder; what an earlier run left there goes.
    pub fn new(test: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("serve").join(test);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// A folder with one zone, served on ports that the system chooses by one worker, with its log as JSON.
    pub fn with_zone(test: &str, zone: &str) -> Self {
        let site = Self::new(test);
        site.write("waypost.toml", CONFIG);
        site.write("example.org.toml", zone);
        site
    }

    /// Writes a file whole: who reads it sees the old text or the new one.
    pub fn write(&self, file: &str, text: &str) {
        self.write_octets(file, text.as_bytes());
    }

    /// As [`Site::write`], of what need not be text.
    pub fn write_octets(&self, file: &str, content: &[u8]) {
        let path = self.0.join(file);
        let unfinished = path.with_extension("unfinished");
        fs::write(&unfinished, content).unwrap();
        fs::rename(unfinished, path).unwrap();
    }

    /// Starts the server in this folder.
    pub fn spawn(&self) -> Process {
        Process::spawn(Command::new(env!("CARGO_BIN_EXE_waypost")).args(["serve", "-c", "waypost.toml"]).current_dir(&self.0))
    }

    /// Starts the server in this folder, and waits until it answers.
    pub fn serve(&self) -> Serving {
        self.serve_by(self.spawn())
    }

    /// Waits until the server that `process` is answers.
    pub fn serve_by(&self, mut process: Process) -> Serving {
        let started = process.await_event("started", |_| true);
        let address = |field: &str| started[field].as_str().unwrap().split(' ').next().unwrap().parse().unwrap();
        let serving = Serving { dns: address("dns"), http: address("http"), process };
        assert_eq!(serving.get("/readyz").0, 200, "a server that has started is ready");
        serving
    }
}

/// A process in a group of its own, whose standard error is read.
pub struct Process {
    child: Child,
    lines: mpsc::Receiver<String>,
    /// What was read by now.
    said: Vec<String>,
}

impl Process {
    pub fn spawn(command: &mut Command) -> Self {
        let piped = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        let mut child = piped.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (line, lines) = mpsc::channel();
        thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|said| line.send(said)));
        Self { child, lines, said: Vec::new() }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A line of what the kernel says of its memory, such as `VmRSS:` or the peak of that, `VmHWM:`, in KiB (proc_pid_status(5)).
    pub fn memory_kib(&self, line: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let found = status.lines().find_map(|at| at.strip_prefix(line)).unwrap_or_else(|| panic!("no {line} in {status}"));
        found.trim_end_matches("kB").trim().parse().unwrap()
    }

    /// A log line about `event` that fits: one that was read already, or the next.
    #[track_caller]
    pub fn find_event(&mut self, event: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let mut entries = self.said.iter().map(|line| serde_json::from_str::<Value>(line).unwrap_or_default());
        match entries.find(|entry| entry["event"] == event && fits(entry)) {
            Some(entry) => entry,
            None => self.await_event(event, fits),
        }
    }

    /// Waits for the next log line about `event` that fits.
    #[track_caller]
    pub fn await_event(&mut self, event: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        while let Ok(line) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            let entry: Value = serde_json::from_str(&line).unwrap_or_default();
            self.said.push(line);
            if entry["event"] == event && fits(&entry) {
                return entry;
            }
        }
        panic!("no such event {event:?} in:\n{}", self.said.join("\n"));
    }

    /// Sends a signal to the process and to what it has started.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{signal} -{}", self.child.id())).status();
        assert!(sent.unwrap().success(), "the process is there to be told {signal}");
    }

    /// Waits until the process has ended by itself; gives its status, and all that it said.
    #[track_caller]
    pub fn ended(mut self) -> (ExitStatus, String) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.said.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("still running; it said:\n{}", self.said.join("\n")),
            }
        }
        (self.child.wait().unwrap(), self.said.join("\n"))
    }

    /// Ends the process and all that it has started, at once.
    pub fn kill(mut self) {
        self.signal("KILL");
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // After a failed assertion; a process that has been waited for is not signalled again.
        if let Ok(None) = self.child.try_wait() {
            self.signal("KILL");
            let _ = self.child.wait();
        }
    }
}

/// A server that answers.
pub struct Serving {
    pub dns: SocketAddr,
    pub http: SocketAddr,
    pub process: Process,
}

impl Serving {
    /// Asks for a page; its status and its text.
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.http).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: waypost\r\nConnection: close\r\n\r\n").unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        let (head, body) = page.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// The sum of the series of `/metrics` that begin so.
    pub fn metric(&self, series: &str) -> f64 {
        let page = self.get("/metrics").1;
        let values = page.lines().filter(|line| line.starts_with(series)).map(|line| line.rsplit(' ').next().unwrap());
        values.map(|value| value.parse::<f64>().unwrap()).sum()
    }

    /// Tells the server to end, and expects that it does so without a complaint.
    #[track_caller]
    pub fn stop(self) {
        self.process.signal("TERM");
        let (status, said) = self.process.ended();
        assert_eq!(status.code(), Some(0), "{said}");
    }
}

/// One client on one UDP socket: one query at a time, every response checked to be that query's.
pub struct Client {
    socket: UdpSocket,
    id: u16,
    pub asked: u64,
}

impl Client {
    pub fn new(server: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(server).unwrap();
        socket.set_read_timeout(Some(ANSWER_WITHIN)).unwrap();
        Self { socket, id: 0, asked: 0 }
    }

    /// The response to a query, which is given an id of its own.
    #[track_caller]
    pub fn ask(&mut self, query: &[u8]) -> Vec<u8> {
        self.id = self.id.wrapping_add(1);
        self.asked += 1;
        let mut query = query.to_vec();
        query[..2].copy_from_slice(&self.id.to_be_bytes());
        let mut response = vec![0; 4_096];
        let len = self.socket.send(&query).and_then(|_| self.socket.recv(&mut response));
        response.truncate(len.unwrap_or_else(|error| panic!("query {} is unanswered: {error}", self.asked)));
        assert_eq!((&response[..2], response[2] & 0x80), (&query[..2], 0x80), "not a response to that query: {response:02x?}");
        response
    }

    /// Waits until `deadline` for what must not come: a second response.
    pub fn hear_nothing_until(&self, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        self.socket.set_read_timeout(Some(left)).unwrap();
        let heard = self.socket.recv(&mut [0; 512]);
        self.socket.set_read_timeout(Some(ANSWER_WITHIN)).unwrap();
        let error = heard.expect_err("one response a query");
        assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    }
}

/// Ports that the system chooses, one worker so that what is asked is answered in order, and a log to be read.
pub const CONFIG: &str = r#"
[server]
listen  = ["127.0.0.1:0"]
workers = 1

[http]
listen = "127.0.0.1:0"

[log]
format = "json"

[zones]
files = ["example.org.toml"]
"#;
