//! The sockets, over loopback, with an echo in the answers' place: what is promised to peers, and what peers can't do.

use std::collections::HashSet;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use waypost::answer::{Asker, Report};
use waypost::api::{self, Admin, HttpLimits, Readiness};
use waypost::health::table::{HealthTable, Status, Verdict};
use waypost::ids::HealthCheckId;
use waypost::problem::Problems;
use waypost::server::{Caps, Limits, Listeners, Responder, Running, StreamLimits};
use waypost::snapshot::{Published, Snapshot};
use waypost::telemetry::scrape::Scraper;
use waypost::telemetry::{Telemetry, catalog};
use waypost::wire::rtype::RecordType;

/// Longer than anything here takes; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

const NOTHING: [u8; 0] = [];

/// Answers with the message itself; nothing to what begins with 0xFF; panics at what begins with 0xFE.
fn echo(message: &[u8], _asker: &Asker, out: &mut [u8]) -> Report {
    let len = if message.first() == Some(&0xFF) { 0 } else { message.len() };
    assert_ne!(message.first(), Some(&0xFE), "a defect, on purpose");
    out[..len].copy_from_slice(&message[..len]);
    Report { len, rcode: 0, qtype: Some(RecordType::A), truncated: false, malformed: None }
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
    Scraper::new(telemetry.clone(), Arc::default()).render()
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

fn framed(message: &[u8]) -> Vec<u8> {
    [&u16::try_from(message.len()).unwrap().to_be_bytes(), message].concat()
}

async fn read_framed(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let len = stream.read_u16().await?;
    let mut message = vec![0; len.into()];
    stream.read_exact(&mut message).await?;
    Ok(message)
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
    let v6 = bind(&["[::]:0"], 1);
    let port = v6.addresses().next().unwrap().port();
    bind(&[&format!("0.0.0.0:{port}")], 1);
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

// Binding

fn bind_error(addresses: &[SocketAddr], http: Option<SocketAddr>) -> (String, Vec<String>) {
    let error = Listeners::bind(addresses, http, NonZeroUsize::MIN).unwrap_err();
    let text = error.to_string();
    let helps = Problems::from(error).iter().map(|problem| problem.help.clone().unwrap_or_default()).collect();
    (text, helps)
}

#[test]
fn an_address_in_use_is_named_for_each_protocol_and_nothing_stays_bound() {
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let holder = TcpListener::bind(udp).unwrap();
    let (text, helps) = bind_error(&[udp], None);
    assert_eq!(text, format!("binding TCP {udp}: Address already in use (os error 98)"));
    assert!(helps[0].contains(&format!("has port {}: stop it", udp.port())), "{helps:?}");
    UdpSocket::bind(udp).expect("the UDP socket was let go");
    drop(holder);
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

// Streams

fn limits(streams: StreamLimits) -> Limits {
    Limits { streams, ..Limits::default() }
}

const SHORT: Duration = Duration::from_millis(50);

fn patient() -> StreamLimits {
    StreamLimits { idle: PATIENCE, read: PATIENCE, write: PATIENCE }
}

#[tokio::test]
async fn a_thousand_pipelined_queries_are_answered_in_order() {
    let server = echo_server(limits(patient()));
    let (mut read, mut write) = server.connect().await.into_split();
    let sent = tokio::spawn(async move {
        let queries: Vec<u8> = (0..1_000u16).flat_map(|number| framed(&number.to_be_bytes().repeat(100))).collect();
        write.write_all(&queries).await.unwrap();
        write
    });
    for number in 0..1_000u16 {
        assert_eq!(read.read_u16().await.unwrap(), 200);
        let mut message = [0; 200];
        read.read_exact(&mut message).await.unwrap();
        assert_eq!(message[..2], number.to_be_bytes());
    }
    drop((read, sent.await.unwrap()));
    let counted = server.stop().await;
    assert_counted(
        &counted,
        &[
            r#"waypost_queries_total{transport="tcp",family="ipv4"} 1000"#,
            r#"waypost_tcp_connections_closed_total{reason="peer"} 1"#,
            "waypost_tcp_connections 0",
        ],
    );
}

#[tokio::test]
async fn a_query_may_come_octet_by_octet_and_be_as_long_as_its_length_can_say() {
    let server = echo_server(limits(patient()));
    let mut stream = server.connect().await;
    stream.set_nodelay(true).unwrap();
    for octet in framed(b"slow") {
        stream.write_all(&[octet]).await.unwrap();
    }
    assert_eq!(read_framed(&mut stream).await.unwrap(), b"slow");
    let long = vec![7; 65_535];
    stream.write_all(&framed(&long)).await.unwrap();
    assert_eq!(read_framed(&mut stream).await.unwrap(), long);
    drop(stream);
    server.stop().await;
}

#[tokio::test]
async fn a_half_closed_connection_gets_all_of_its_answers() {
    let server = echo_server(limits(patient()));
    let mut stream = server.connect().await;
    let queries = [framed(b"one"), framed(b"two"), vec![0, 9, 1]].concat();
    stream.write_all(&queries).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(read_to_close(&mut stream).await, [framed(b"one"), framed(b"two")].concat());
    server.stop().await;
}

/// What the server sends, until it closes, to a client that sends `octets` and then keeps still.
async fn closed_after(streams: StreamLimits, octets: &[u8], reason: &str) -> Vec<u8> {
    let server = echo_server(limits(streams));
    let mut stream = server.connect().await;
    stream.write_all(octets).await.unwrap();
    let received = read_to_close(&mut stream).await;
    let counted = server.stop().await;
    assert_counted(&counted, &[&format!("waypost_tcp_connections_closed_total{{reason=\"{reason}\"}} 1")]);
    received
}

#[tokio::test]
async fn connections_that_ask_nothing_are_closed() {
    let short = StreamLimits { idle: SHORT, ..patient() };
    assert_eq!(closed_after(short, &[], "idle").await, NOTHING);
    assert_eq!(closed_after(short, &framed(b"one"), "idle").await, framed(b"one"));
}

#[tokio::test]
async fn a_query_that_is_begun_and_not_finished_is_closed() {
    let short = StreamLimits { read: SHORT, ..patient() };
    assert_eq!(closed_after(short, &[0], "read_deadline").await, NOTHING);
    assert_eq!(closed_after(short, &[&framed(b"one")[..], &[0, 9, 1]].concat(), "read_deadline").await, framed(b"one"));
}

#[tokio::test]
async fn octets_that_trickle_in_do_not_move_the_deadline() {
    let server = echo_server(limits(StreamLimits { read: SHORT, ..patient() }));
    let (mut read, mut write) = server.connect().await.into_split();
    write.write_all(&60_000u16.to_be_bytes()).await.unwrap();
    // Sends for as long as the server listens.
    let trickle = tokio::spawn(async move {
        let mut pace = tokio::time::interval(SHORT / 10);
        while write.write_all(&[1]).await.is_ok() {
            pace.tick().await;
        }
    });
    let closed = tokio::time::timeout(PATIENCE, read.read(&mut [0])).await.expect("the server closes");
    assert!(matches!(closed, Ok(0) | Err(_)), "{closed:?}");
    trickle.await.unwrap();
    let counted = server.stop().await;
    assert_counted(&counted, &[r#"waypost_tcp_connections_closed_total{reason="read_deadline"} 1"#]);
}

#[tokio::test]
async fn who_does_not_read_is_read_from_no_more_and_closed() {
    let server = echo_server(limits(StreamLimits { write: SHORT, ..patient() }));
    let mut stream = server.connect().await;
    let query = framed(&[7; 60_000]);
    // Ends by an error, because the server stops reading and then closes: it never takes in all of it.
    let endless = async {
        let mut sent = 0usize;
        while sent < 1 << 30 && stream.write_all(&query).await.is_ok() {
            sent += query.len();
        }
        sent
    };
    let sent = tokio::time::timeout(PATIENCE, endless).await.expect("the server closes");
    assert!(sent < 1 << 30, "the server took everything");
    let counted = server.stop().await;
    assert_counted(&counted, &[r#"waypost_tcp_connections_closed_total{reason="write_deadline"} 1"#]);
}

#[tokio::test]
async fn a_message_of_no_octets_or_without_an_answer_ends_the_connection() {
    let unanswerable = framed(&[0xFF, 1]);
    for garbage in [&[0, 0][..], &unanswerable] {
        let octets = [&framed(b"one")[..], garbage, &framed(b"never")].concat();
        assert_eq!(closed_after(patient(), &octets, "garbage").await, framed(b"one"));
    }
}

#[tokio::test]
async fn a_defect_costs_its_connection_and_no_other() {
    let server = echo_server(limits(patient()));
    let (mut hurt, mut whole) = (server.connect().await, server.connect().await);
    hurt.write_all(&framed(&[0xFE, 1])).await.unwrap();
    assert_eq!(read_to_close(&mut hurt).await, NOTHING);
    whole.write_all(&framed(b"one")).await.unwrap();
    assert_eq!(read_framed(&mut whole).await.unwrap(), b"one");
    drop(whole);
    let counted = server.stop().await;
    assert_counted(&counted, &[r#"waypost_dropped_total{transport="tcp",reason="panicked"} 1"#]);
}

#[tokio::test]
async fn a_client_has_no_more_connections_than_its_cap() {
    let connections = Caps { total: 9, per_client: 2 };
    let server = echo_server(Limits { connections, streams: patient() });
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = server.connect().await;
        stream.write_all(&framed(b"one")).await.unwrap();
        assert_eq!(read_framed(&mut stream).await.unwrap(), b"one");
        open.push(stream);
    }
    assert_eq!(read_to_close(&mut server.connect().await).await, NOTHING);
    open[0].write_all(&framed(b"still")).await.unwrap();
    assert_eq!(read_framed(&mut open[0]).await.unwrap(), b"still");
    drop(open);
    let counted = server.stop().await;
    assert_counted(&counted, &[r#"waypost_tcp_connections_refused_total{cap="client"} 1"#]);
}

#[tokio::test]
async fn when_all_places_are_taken_the_longest_idle_gives_way() {
    let connections = Caps { total: 2, per_client: 9 };
    let server = echo_server(Limits { connections, streams: patient() });
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut stream = server.connect().await;
        stream.write_all(&framed(b"one")).await.unwrap();
        assert_eq!(read_framed(&mut stream).await.unwrap(), b"one");
        open.push(stream);
    }
    assert_eq!(read_to_close(&mut open[0]).await, NOTHING, "the first gave way");
    for stream in &mut open[1..] {
        stream.write_all(&framed(b"two")).await.unwrap();
        assert_eq!(read_framed(stream).await.unwrap(), b"two");
    }
    drop(open);
    server.stop().await;
}

#[tokio::test]
async fn a_drain_answers_what_was_sent_closes_the_idle_and_cuts_the_unfinished() {
    let server = echo_server(limits(patient()));
    let (mut idle, mut asking, mut unfinished) = (server.connect().await, server.connect().await, server.connect().await);
    for stream in [&mut idle, &mut asking, &mut unfinished] {
        stream.write_all(&framed(b"one")).await.unwrap();
        assert_eq!(read_framed(stream).await.unwrap(), b"one");
    }
    asking.write_all(&framed(b"two")).await.unwrap();
    unfinished.write_all(&[0, 9, 1]).await.unwrap();
    let address = server.address;
    let drained = server.running.drain(SHORT * 10).await;
    assert_eq!(drained.cut, 1, "the unfinished");
    assert_eq!(read_to_close(&mut asking).await, framed(b"two"));
    assert_eq!(read_to_close(&mut idle).await, NOTHING);
    assert_eq!(TcpStream::connect(address).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert_eq!(read_to_close(&mut unfinished).await, NOTHING, "cut, not left open");
}

#[tokio::test]
async fn connections_that_the_kernel_completed_before_a_drain_are_answered() {
    let listeners = bind(&["127.0.0.1:0"], 1);
    let address = listeners.addresses().next().unwrap();
    let mut waiting = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&framed(b"waiting")).await.unwrap();
        waiting.push(stream);
    }
    // Nobody has accepted yet.
    let server = start(listeners, echo, limits(patient()));
    server.stop().await;
    for stream in &mut waiting {
        assert_eq!(read_to_close(stream).await, framed(b"waiting"));
    }
}

/// Runs itself again in a process with few descriptors, because the limit is the process's.
#[test]
fn when_descriptors_run_out_an_idle_connection_gives_way() {
    const NAME: &str = "when_descriptors_run_out_an_idle_connection_gives_way";
    const MARK: &str = "WAYPOST_TEST_FEW_DESCRIPTORS";
    if std::env::var_os(MARK).is_some() {
        return tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(without_descriptors());
    }
    let output = std::process::Command::new("sh")
        .args(["-c", "ulimit -n 64 && exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(MARK, "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
}

async fn without_descriptors() {
    let server = echo_server(limits(patient()));
    let mut idle = server.connect().await;
    idle.write_all(&framed(b"one")).await.unwrap();
    assert_eq!(read_framed(&mut idle).await.unwrap(), b"one");
    let mut all = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        all.push(file);
    }
    // One for the client's end; there is none for the server's.
    all.pop();
    let mut newcomer = server.connect().await;
    newcomer.write_all(&framed(b"two")).await.unwrap();
    assert_eq!(read_framed(&mut newcomer).await.unwrap(), b"two");
    assert_eq!(read_to_close(&mut idle).await, NOTHING);
    all.clear();
    drop(newcomer);
    let counted = server.stop().await;
    let failures = counted.lines().find_map(|line| line.strip_prefix("waypost_tcp_accept_failures_total ")).unwrap();
    assert!((1..20).contains(&failures.parse::<u32>().unwrap()), "{failures} failed accepts");
}

// HTTP

struct Http {
    address: SocketAddr,
    readiness: Arc<Readiness>,
    stop: CancellationToken,
    served: tokio::task::JoinHandle<io::Result<()>>,
}

fn http() -> Http {
    http_within(HttpLimits::default())
}

fn http_within(limits: HttpLimits) -> Http {
    let since = Timestamp::from_second(1_700_000_000).unwrap();
    let id = HealthCheckId::new("fra").unwrap();
    let verdict = Verdict { id, status: Status::Unhealthy, healthy: false, since, because: "connection refused".into() };
    let snapshot = Snapshot { health: Arc::new(HealthTable::new(vec![verdict])), generation: 3 };
    let readiness = Arc::new(Readiness::default());
    let admin = Admin::new(Arc::new(Published::new(snapshot)), Arc::new(Telemetry::new()), readiness.clone());
    let mut listeners = Listeners::bind(&[], Some("127.0.0.1:0".parse().unwrap()), NonZeroUsize::MIN).unwrap();
    let address = listeners.http_address().unwrap();
    let stop = CancellationToken::new();
    let served = tokio::spawn(api::serve(listeners.take_http().unwrap(), admin.router(), limits, stop.clone()));
    Http { address, readiness, stop, served }
}

impl Http {
    async fn get(&self, path: &str) -> (u16, String) {
        let response = reqwest::get(format!("http://{}{path}", self.address)).await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }
}

#[tokio::test]
async fn readiness_follows_the_servers_life() {
    let http = http();
    assert_eq!(http.get("/healthz").await, (200, "ok\n".to_owned()));
    assert_eq!(http.get("/readyz").await, (503, "starting: the first round of health checks is not over\n".to_owned()));
    http.readiness.set_ready();
    assert_eq!(http.get("/readyz").await, (200, "ready\n".to_owned()));
    http.readiness.set_draining();
    assert_eq!(http.get("/readyz").await, (503, "draining: this server was told to stop\n".to_owned()));
    assert_eq!(http.get("/healthz").await.0, 200);
}

#[tokio::test]
async fn health_is_told_with_its_reason() {
    let expected = r#"{"generation":3,"checks":[{"id":"fra","status":"unhealthy","healthy":false,"since":"2023-11-14T22:13:20Z","because":"connection refused"}]}"#;
    assert_eq!(http().get("/v1/health").await, (200, expected.to_owned()));
}

#[tokio::test]
async fn metrics_are_openmetrics_text() {
    let http = http();
    let response = reqwest::get(format!("http://{}/metrics", http.address)).await.unwrap();
    let media_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert_eq!(media_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let text = response.text().await.unwrap();
    assert_counted(&text, &[r#"waypost_health_status{check="fra"} 0"#, "# EOF"]);
}

#[tokio::test]
async fn an_unknown_path_says_which_there_are() {
    let (status, body) = http().get("/metric").await;
    assert_eq!(
        (status, body.as_str()),
        (404, r#"{"error":"/metric is no page here; /healthz, /readyz, /metrics and /v1/health are"}"#)
    );
}

#[tokio::test]
async fn a_header_without_end_is_refused() {
    let mut stream = TcpStream::connect(http().address).await.unwrap();
    let _ = stream.write_all(&[b"GET /healthz HTTP/1.1\r\nx: ".as_slice(), &[b'y'; 32 << 10]].concat()).await;
    let response = read_to_close(&mut stream).await;
    assert!(response.is_empty() || response.starts_with(b"HTTP/1.1 431"), "{}", String::from_utf8_lossy(&response));
}

#[tokio::test]
async fn a_request_that_is_begun_and_not_finished_is_closed() {
    let http = http_within(HttpLimits { header: SHORT, ..HttpLimits::default() });
    for begun in ["", "GET /healthz HTTP/1.1\r\nhost:"] {
        let mut stream = TcpStream::connect(http.address).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        assert!(!read_to_close(&mut stream).await.starts_with(b"HTTP/1.1 200"));
    }
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_for_a_place() {
    let http = http_within(HttpLimits { connections: 1, connection: SHORT, ..HttpLimits::default() });
    let mut first = TcpStream::connect(http.address).await.unwrap();
    assert_eq!(http.get("/healthz").await.0, 200, "answered when the first one's time was over");
    assert_eq!(read_to_close(&mut first).await, NOTHING);
}

#[tokio::test]
async fn the_listener_stops_although_a_connection_idles() {
    let http = http();
    let mut stream = TcpStream::connect(http.address).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    stream.read_u8().await.unwrap();
    http.stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), http.served).await.expect("it stops").unwrap().unwrap();
}

// The page

#[test]
fn the_operations_page_lists_every_metric_and_event() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations.md");
    let page = std::fs::read_to_string(path).unwrap();
    let tables = [("## Metrics", catalog::metrics_table()), ("## Log", catalog::events_table())];
    if std::env::var_os("UPDATE_CASES").is_some() {
        let updated = tables.iter().fold(page, |page, (section, table)| page.replace(table_after(&page, section), table));
        return std::fs::write(path, updated).unwrap();
    }
    for (section, table) in tables {
        assert_eq!(table_after(&page, section), table, "UPDATE_CASES=1 cargo test --test server rewrites the table");
    }
}

/// The first table after a heading.
fn table_after<'p>(page: &'p str, heading: &str) -> &'p str {
    let section = &page[page.find(heading).unwrap_or_else(|| panic!("{heading} is missing"))..];
    let start = section.find("\n|").unwrap_or_else(|| panic!("{heading} has no table")) + 1;
    let end = section[start..].find("\n\n").map_or(section.len(), |end| start + end + 1);
    &section[start..end]
}

#[test]
fn loopback_has_both_families() {
    for address in [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)] {
        UdpSocket::bind((address, 0)).unwrap_or_else(|error| panic!("these tests need {address}: {error}"));
    }
}
