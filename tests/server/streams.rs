//! Streams of queries over TCP: order, deadlines, caps, and what a drain leaves of them.

use super::*;

fn framed(message: &[u8]) -> Vec<u8> {
    [&u16::try_from(message.len()).unwrap().to_be_bytes(), message].concat()
}

async fn read_framed(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let len = stream.read_u16().await?;
    let mut message = vec![0; len.into()];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

fn limits(streams: StreamLimits) -> Limits {
    Limits { streams, ..Limits::default() }
}

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
    let server = echo_server(Limits { connections, streams: patient(), ..Limits::default() });
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
    let server = echo_server(Limits { connections, streams: patient(), ..Limits::default() });
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
    const NAME: &str = "streams::when_descriptors_run_out_an_idle_connection_gives_way";
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
