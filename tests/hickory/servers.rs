//! The two servers: waypost's own sockets and hickory's, on loopback, over one responder.
//!
//! A query is followed by a question that both answer, on the same socket, so that silence is known without waiting for it.
//! Invariant: both answer one query after the other.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::num::NonZeroUsize;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use hickory_server::Server;
use tokio::runtime;
use tokio_util::sync::CancellationToken;
use waypost::server::hickory::Handler;
use waypost::server::{Limits, Listeners, Responder};
use waypost::telemetry::Telemetry;

/// Longer than anything here takes; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that runs until the value goes.
pub struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    thread: Option<thread::JoinHandle<()>>,
    udp: UdpSocket,
    /// What both answer; its id is no other query's.
    known: Vec<u8>,
}

impl Running {
    /// waypost's own sockets.
    pub fn waypost(responder: impl Responder, known: &[u8]) -> Self {
        Self::start(known, move |address, stop| async move {
            let listeners = Listeners::bind(&["127.0.0.1:0".parse().unwrap()], None, NonZeroUsize::MIN).unwrap();
            address.send(listeners.addresses().next().unwrap()).unwrap();
            let running = listeners.start(responder, Limits::default(), &Arc::new(Telemetry::new())).unwrap();
            stop.cancelled().await;
            running.drain(Duration::ZERO).await;
        })
    }

    /// Hickory's, on one thread, so that its tasks take turns.
    pub fn hickory(responder: impl Responder + Unpin, known: &[u8]) -> Self {
        Self::start(known, move |address, stop| async move {
            let mut server = Server::new(Handler::new(responder));
            let (udp, tcp) = bind().await;
            address.send(udp.local_addr().unwrap()).unwrap();
            server.register_socket(udp);
            server.register_listener(tcp, PATIENCE, 2 * TOGETHER);
            stop.cancelled().await;
            server.shutdown_gracefully().await.unwrap();
        })
    }

    fn start<F: Future<Output = ()>>(
        known: &[u8],
        serve: impl FnOnce(mpsc::Sender<SocketAddr>, CancellationToken) -> F + Send + 'static,
    ) -> Self {
        let stop = CancellationToken::new();
        let (address, bound) = mpsc::channel();
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(serve(address, stopped))
        });
        let address = bound.recv_timeout(PATIENCE).unwrap();
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        udp.connect(address).unwrap();
        udp.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { address, stop, thread: Some(thread), udp, known: known.into() }
    }

    /// The response to a datagram; none when there is none.
    pub fn ask_udp(&self, query: &[u8]) -> Option<Vec<u8>> {
        let mut octets = [0; 65_535];
        let mut found = None;
        self.udp.send(query).unwrap();
        self.udp.send(&self.known).unwrap();
        loop {
            let len = self.udp.recv(&mut octets).unwrap();
            if octets[..2] == self.known[..2] {
                return found;
            }
            assert_eq!(found.replace(octets[..len].to_vec()), None, "one query has two responses");
        }
    }

    /// The responses on streams; none where there is none, or the stream is closed instead.
    ///
    /// Many queries are sent together: hickory writes a length and its message apart, and each would wait for the other's
    /// acknowledgement.
    pub fn ask_tcp(&self, queries: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        let mut left = queries;
        let mut responses = Vec::new();
        while !left.is_empty() {
            let together = left.len().min(TOGETHER);
            let found = self.ask_stream(&left[..together]);
            left = &left[found.len()..];
            responses.extend(found);
        }
        responses
    }

    /// The responses on one stream, up to the first query at which it was closed.
    pub fn ask_stream(&self, queries: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        let mut stream = connect(self.address);
        let known = std::iter::once(&self.known);
        let octets: Vec<u8> = queries.iter().chain(known).flat_map(|message| framed(message)).collect();
        let mut writer = stream.try_clone().unwrap();
        // What the other end closes before it has read all is not written to the end.
        let writing = thread::spawn(move || drop(writer.write_all(&octets)));
        let mut responses = vec![None; queries.len()];
        let mut answered = 0;
        let whole = loop {
            match read_message(&mut stream) {
                Some(message) if message[..2] == self.known[..2] => break true,
                Some(message) => {
                    let at = queries.iter().position(|query| query[..2] == message[..2]).expect("a query has this id");
                    assert!(at >= answered && responses[at].replace(message).is_none(), "responses are in their queries' order");
                    answered = at + 1;
                }
                None => break false,
            }
        };
        writing.join().unwrap();
        responses.truncate(if whole { queries.len() } else { answered + 1 });
        responses
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
        let ended = self.thread.take().map(thread::JoinHandle::join);
        assert!(thread::panicking() || matches!(ended, Some(Ok(()))), "the server panicked");
    }
}

/// How many queries are sent over a stream together.
const TOGETHER: usize = 250;

fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes(), message].concat()
}

/// Both protocols on one port.
async fn bind() -> (tokio::net::UdpSocket, tokio::net::TcpListener) {
    loop {
        let udp = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(tcp) = tokio::net::TcpListener::bind(udp.local_addr().unwrap()).await {
            return (udp, tcp);
        }
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// The next message; none when the stream is at its end.
fn read_message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut len = [0; 2];
    match stream.read_exact(&mut len) {
        Ok(()) => {}
        Err(error) if [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset].contains(&error.kind()) => return None,
        Err(error) => panic!("no message within {PATIENCE:?}: {error}"),
    }
    let mut message = vec![0; u16::from_be_bytes(len).into()];
    stream.read_exact(&mut message).unwrap();
    Some(message)
}
