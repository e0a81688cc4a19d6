//! An HTTP endpoint of the test's own, whose health the test decides, and which notes when it told it.
//!
//! Answers any request with 200 or 503 and closes. Invariant: the instant noted is before the first octet of that
//! response is sent, so a delay counted from it leaves nothing of the probe out.

#![allow(dead_code, reason = "each test file uses its part")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// A listening endpoint; it lives as long as the test's process.
pub struct Endpoint {
    pub port: u16,
    healthy: Arc<AtomicBool>,
    told: mpsc::Receiver<(Instant, bool)>,
}

impl Endpoint {
    /// Starts an endpoint that is healthy.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback socket");
        let port = listener.local_addr().expect("bound").port();
        let healthy = Arc::new(AtomicBool::new(true));
        let (tell, told) = mpsc::channel();
        let health = healthy.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let healthy = health.load(Ordering::SeqCst);
                // Who hears nothing any more has ended.
                let Some(at) = answer(stream.expect("accepted"), healthy) else { continue };
                if tell.send((at, healthy)).is_err() {
                    return;
                }
            }
        });
        Self { port, healthy, told }
    }

    /// What the next probes are told.
    pub fn set_healthy(&self, healthy: bool) {
        self.healthy.store(healthy, Ordering::SeqCst);
    }

    /// When a probe was first told so; what was told before is forgotten.
    pub fn first_told(&self, healthy: bool) -> Instant {
        loop {
            let (at, told) = self.told.recv_timeout(WITHIN).expect("the endpoint is probed");
            if told == healthy {
                return at;
            }
        }
    }
}

/// Answers one request; when. None when the peer went away, which is what a server does that stops.
fn answer(mut stream: TcpStream, healthy: bool) -> Option<Instant> {
    stream.set_read_timeout(Some(WITHIN)).ok()?;
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut octets = [0; 1_024];
        match stream.read(&mut octets).ok()? {
            0 => return None,
            len => request.extend_from_slice(&octets[..len]),
        }
    }
    let status = if healthy { "200 OK" } else { "503 Service Unavailable" };
    let at = Instant::now();
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").ok()?;
    Some(at)
}

/// Within which a probe comes, and sends its request.
const WITHIN: Duration = Duration::from_secs(20);
