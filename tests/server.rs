//! The sockets, over loopback, with an echo in the answers' place: what is promised to peers, and what peers can't do.

use std::collections::HashSet;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use waypost::answer::{Asker, Identity, Report};
use waypost::api::{self, Admin, HttpLimits, Readiness};
use waypost::health::board;
use waypost::health::table::{Exception, ExceptionKind, HealthTable, Status, Verdict};
use waypost::ids::HealthCheckId;
use waypost::problem::Problems;
use waypost::server::{Answers, Caps, Limits, Listeners, Responder, Running, StreamLimits};
use waypost::snapshot::{Published, Snapshot};
use waypost::telemetry::report::HealthReport;
use waypost::telemetry::scrape::Scraper;
use waypost::telemetry::{Event, Telemetry, catalog};
use waypost::wire::rtype::RecordType;

#[path = "server/admin.rs"]
mod admin;
#[path = "server/events.rs"]
mod events;
#[path = "server/shedding.rs"]
mod shedding;
#[path = "server/streams.rs"]
mod streams;

/// Longer than anything here takes; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A deadline that tests wait for.
const SHORT: Duration = Duration::from_millis(50);

const NOTHING: [u8; 0] = [];

/// Answers with the message itself; nothing to what begins with 0xFF; panics at what begins with 0xFE.
fn echo(message: &[u8], _asker: &Asker, out: &mut [u8]) -> Report {
    let len = if message.first() == Some(&0xFF) { 0 } else { message.len() };
    assert_ne!(message.first(), Some(&0xFE), "a defect, on purpose");
    out[..len].copy_from_slice(&message[..len]);
    Report { len, qtype: Some(RecordType::A), ..Report::UNANSWERED }
}

struct Server {
    running: Running,
    address: SocketAddr,
    telemetry: Arc<Telemetry>,
}

fn bind(addresses: &[&str], workers: usize) -> Listeners {
    let addresses: Vec<SocketAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
    Listeners::bind(&addresses, None, NonZeroUsize::new(workers).unwrap()).unwrap()
}

fn start(listeners: Listeners, responder: impl Responder, limits: Limits) -> Server {
    let telemetry = Arc::new(Telemetry::new());
    let address = listeners.addresses().next().unwrap();
    Server { running: listeners.start(responder, limits, &telemetry).unwrap(), address, telemetry }
}

fn echo_server(limits: Limits) -> Server {
    start(bind(&["127.0.0.1:0"], 1), echo, limits)
}

impl Server {
    /// Stops the server and tells what it counted.
    async fn stop(self) -> String {
        assert_eq!(self.running.drain(PATIENCE).await.cut, 0);
        scrape(&self.telemetry)
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

fn scrape(telemetry: &Arc<Telemetry>) -> String {
    Scraper::new(telemetry.clone(), Arc::default()).render(Timestamp::UNIX_EPOCH)
}

#[track_caller]
fn assert_counted(scrape: &str, lines: &[&str]) {
    for line in lines {
        assert!(scrape.lines().any(|found| found == *line), "{line} is not in\n{scrape}");
    }
}

fn client(address: &str) -> UdpSocket {
    let client = UdpSocket::bind(address).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client
}

/// What is left to read until the server closes; a reset counts as closing.
async fn read_to_close(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    match tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("the server closes") {
        Ok(_) => rest,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => rest,
        Err(error) => panic!("{error}"),
    }
}

// UDP

#[tokio::test]
async fn replies_leave_from_the_address_that_was_asked_on_a_wildcard_bind() {
    let server = start(bind(&["0.0.0.0:0"], 2), echo, Limits::default());
    for asked in ["127.0.0.1", "127.0.0.53", "127.1.2.3"] {
        let client = client("127.0.0.1:0");
        let asked = SocketAddr::new(asked.parse().unwrap(), server.address.port());
        client.send_to(b"where", asked).unwrap();
        let mut reply = [0; 16];
        assert_eq!(client.recv_from(&mut reply).unwrap(), (5, asked));
    }
    server.stop().await;
}

#[tokio::test]
async fn replies_leave_from_the_address_that_was_asked_on_an_ipv6_wildcard_bind() {
    let server = start(bind(&["[::]:0"], 2), echo, Limits::default());
    let client = client("[::1]:0");
    let asked = SocketAddr::new(Ipv6Addr::LOCALHOST.into(), server.address.port());
    client.send_to(b"where", asked).unwrap();
    let mut reply = [0; 16];
    assert_eq!(client.recv_from(&mut reply).unwrap(), (5, asked));
    let counted = server.stop().await;
    assert_counted(&counted, &[r#"waypost_queries_total{transport="udp",family="ipv6"} 1"#]);
}

#[tokio::test]
async fn an_ipv6_wildcard_leaves_ipv4_to_another_listener() {
    // Another test may hold this port or that for IPv4, but not each one tried.
    let left = (0..10).any(|_| {
        let v6 = bind(&["[::]:0"], 1);
        let port = v6.addresses().next().unwrap().port();
        Listeners::bind(&[(Ipv4Addr::UNSPECIFIED, port).into()], None, NonZeroUsize::MIN).is_ok()
    });
    assert!(left, "no port of ten could be bound for IPv4 too");
}

#[tokio::test]
async fn ten_thousand_queries_have_ten_thousand_replies() {
    const QUERIES: u32 = 10_000;
    const WINDOW: u32 = 100;
    let server = start(bind(&["127.0.0.1:0"], 2), echo, Limits::default());
    let client = client("127.0.0.1:0");
    client.connect(server.address).unwrap();
    let mut seen = HashSet::new();
    let mut reply = [0; 64];
    for number in 0..QUERIES + WINDOW {
        if number < QUERIES {
            client.send(&number.to_be_bytes()).unwrap();
        }
        if number >= WINDOW {
            assert_eq!(client.recv(&mut reply).unwrap(), 4);
            assert!(seen.insert(u32::from_be_bytes(reply[..4].try_into().unwrap())), "a reply came twice");
        }
    }
    assert_eq!(seen.len(), QUERIES as usize);
    let counted = server.stop().await;
    assert_counted(
        &counted,
        &[
            r#"waypost_queries_total{transport="udp",family="ipv4"} 10000"#,
            r#"waypost_responses_total{transport="udp",rcode="NOERROR"} 10000"#,
            r#"waypost_query_types_total{transport="udp",qtype="A"} 10000"#,
        ],
    );
}

#[tokio::test]
async fn every_worker_has_its_share_of_the_clients() {
    let workers = Arc::new(Mutex::new(HashSet::new()));
    let seen = workers.clone();
    let noting = move |message: &[u8], asker: &Asker, out: &mut [u8]| {
        seen.lock().unwrap().insert(std::thread::current().id());
        echo(message, asker, out)
    };
    let server = start(bind(&["127.0.0.1:0"], 3), noting, Limits::default());
    // The kernel hashes the ports: 200 of them miss one of three sockets with probability 1e-35.
    for _ in 0..200 {
        let client = client("127.0.0.1:0");
        client.send_to(b"x", server.address).unwrap();
        client.recv(&mut [0; 8]).unwrap();
    }
    server.stop().await;
    assert_eq!(workers.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn garbage_and_defects_cost_no_other_query_its_reply() {
    let server = echo_server(Limits::default());
    let client = client("127.0.0.1:0");
    client.connect(server.address).unwrap();
    let mut reply = [0; 8];
    let oversize = vec![1; 4_097];
    for number in 0..50 {
        for message in [&[][..], &[0xFF, 1], &[0xFE, 1], &oversize, &[number]] {
            client.send(message).unwrap();
        }
        assert_eq!((client.recv(&mut reply).unwrap(), reply[0]), (1, number));
    }
    let counted = server.stop().await;
    assert_counted(
        &counted,
        &[
            r#"waypost_dropped_total{transport="udp",reason="unanswerable"} 100"#,
            r#"waypost_dropped_total{transport="udp",reason="panicked"} 50"#,
            r#"waypost_dropped_total{transport="udp",reason="oversize"} 50"#,
            r#"waypost_responses_total{transport="udp",rcode="NOERROR"} 50"#,
        ],
    );
}

#[tokio::test]
async fn what_was_received_before_a_drain_is_answered() {
    // As many as the client's own socket can hold.
    const QUERIES: usize = 200;
    let (at_work, worker_is_at_work) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = Arc::new(Mutex::new(released));
    let waiting = move |message: &[u8], asker: &Asker, out: &mut [u8]| {
        if message == b"wait" {
            at_work.send(()).unwrap();
            released.lock().unwrap().recv().unwrap();
        }
        echo(message, asker, out)
    };
    let server = start(bind(&["127.0.0.1:0"], 1), waiting, Limits::default());
    let client = client("127.0.0.1:0");
    client.connect(server.address).unwrap();
    client.send(b"wait").unwrap();
    worker_is_at_work.recv_timeout(PATIENCE).unwrap();
    for _ in 0..QUERIES {
        client.send(b"queued").unwrap();
    }
    let mut drain = std::pin::pin!(server.running.drain(PATIENCE));
    tokio::select! {
        biased;
        _ = &mut drain => panic!("the worker is at work"),
        () = std::future::ready(()) => release.send(()).unwrap(),
    }
    drain.await;
    for _ in 0..QUERIES + 1 {
        client.recv(&mut [0; 16]).unwrap();
    }
    let after = client.send(b"too late").and_then(|_| client.recv(&mut [0; 16]));
    assert_eq!(after.unwrap_err().kind(), ErrorKind::ConnectionRefused, "the socket is closed");
}

#[tokio::test]
async fn a_drain_ends_although_queries_never_pause() {
    let listeners = bind(&["127.0.0.1:0"], 1);
    let address = listeners.addresses().next().unwrap();
    let peer = Arc::new(client("127.0.0.1:0"));
    let (sender, began) = (peer.clone(), Instant::now());
    // Each query is followed by the next before it is answered; nobody reads the answers.
    let server = start(
        listeners,
        move |message: &[u8], asker: &Asker, out: &mut [u8]| {
            if began.elapsed() < PATIENCE / 4 {
                sender.send_to(b"more", address).unwrap();
            }
            echo(message, asker, out)
        },
        Limits::default(),
    );
    peer.send_to(b"first", address).unwrap();
    peer.recv(&mut [0; 16]).unwrap();
    server.stop().await;
    assert!(began.elapsed() < PATIENCE / 5, "it took {:?}", began.elapsed());
}

#[tokio::test]
async fn the_real_answers_come_by_both_transports() {
    let identity = Identity {
        nsid: None,
        version: None,
        udp_payload_size: 1_232,
        cookie_secret: [7; 16],
        authority: false,
        keepalive_tenths: 100,
    };
    let answers = Answers::new(Arc::default(), Arc::new(ArcSwap::from_pointee(identity)));
    let server = start(bind(&["127.0.0.1:0"], 1), answers, Limits::default());
    // `example.org. A`, to a server without zones: REFUSED.
    let query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03org\x00\x00\x01\x00\x01";
    let refused = [&[0x12, 0x34, 0x81, 0x05], &query[4..]].concat();
    let response = [&[0x12, 0x34, 0x81, 0x00], &query[4..]].concat();
    let client = client("127.0.0.1:0");
    client.connect(server.address).unwrap();
    // A response is never answered: the first reply is the query's.
    client.send(&response).unwrap();
    client.send(query).unwrap();
    let mut reply = [0; 512];
    let len = client.recv(&mut reply).unwrap();
    assert_eq!(reply[..len], refused);
    let mut stream = server.connect().await;
    stream.write_all(&[&[0, query.len() as u8], &query[..]].concat()).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(read_to_close(&mut stream).await, [&[0, refused.len() as u8], &refused[..]].concat());
    let counted = server.stop().await;
    assert_counted(
        &counted,
        &[
            r#"waypost_responses_total{transport="udp",rcode="REFUSED"} 1"#,
            r#"waypost_responses_total{transport="tcp",rcode="REFUSED"} 1"#,
            r#"waypost_malformed_total{transport="udp",kind="response"} 1"#,
            r#"waypost_dropped_total{transport="udp",reason="unanswerable"} 1"#,
        ],
    );
}

// Binding

fn bind_error(addresses: &[SocketAddr], http: Option<SocketAddr>) -> (String, Vec<String>) {
    let error = Listeners::bind(addresses, http, NonZeroUsize::MIN).unwrap_err();
    let text = error.to_string();
    let helps = Problems::from(error).iter().map(|problem| problem.help.clone().unwrap_or_default()).collect();
    (text, helps)
}

#[test]
fn an_address_in_use_is_named_for_each_protocol_and_nothing_stays_bound() {
    let (holder, address) = held_for_tcp_only();
    let (text, helps) = bind_error(&[address], None);
    assert_eq!(text, format!("binding TCP {address}: Address already in use (os error 98)"));
    assert!(helps[0].contains(&format!("has port {}: stop it", address.port())), "{helps:?}");
    UdpSocket::bind(address).expect("the UDP socket was let go");
    drop(holder);
}

/// Somebody who has a port for TCP, which nobody has for UDP. The system chooses it for TCP, where connections that have
/// ended keep ports for a while that look free to UDP.
fn held_for_tcp_only() -> (TcpListener, SocketAddr) {
    let held = || {
        let holder = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = holder.local_addr().unwrap();
        UdpSocket::bind(address).ok().map(|_| (holder, address))
    };
    (0..100).find_map(|_| held()).expect("of a hundred ports UDP has not each")
}

#[test]
fn another_server_that_would_share_the_port_is_an_address_in_use() {
    let other = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    other.set_reuse_port(true).unwrap();
    other.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    let address = other.local_addr().unwrap().as_socket().unwrap();
    let (text, _) = bind_error(&[address], None);
    assert_eq!(text, format!("binding UDP {address}: Address already in use (os error 98)"));
}

#[test]
fn every_address_that_cannot_be_bound_is_listed() {
    let http = TcpListener::bind("127.0.0.1:0").unwrap();
    let http_address = http.local_addr().unwrap();
    // TEST-NET-1 is nobody's.
    let foreign: SocketAddr = "192.0.2.1:5300".parse().unwrap();
    let free: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let (text, helps) = bind_error(&[foreign, free], Some(http_address));
    assert_eq!(
        text,
        format!(
            "binding UDP 192.0.2.1:5300: Cannot assign requested address (os error 99); \
             binding HTTP {http_address}: Address already in use (os error 98)"
        )
    );
    assert!(helps[0].starts_with("192.0.2.1 is not an address of this machine"), "{helps:?}");
}

#[test]
fn a_port_of_the_systems_choice_is_one_port_for_udp_and_tcp() {
    let listeners = bind(&["127.0.0.1:0", "[::1]:0"], 2);
    for address in listeners.addresses() {
        assert_ne!(address.port(), 0);
        for taken in [UdpSocket::bind(address).map(drop), TcpListener::bind(address).map(drop)] {
            assert_eq!(taken.unwrap_err().kind(), ErrorKind::AddrInUse);
        }
    }
}

#[test]
fn loopback_has_both_families() {
    for address in [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)] {
        UdpSocket::bind((address, 0)).unwrap_or_else(|error| panic!("these tests need {address}: {error}"));
    }
}
