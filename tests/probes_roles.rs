//! Probes of a database's role against endpoints that are no databases, or hostile ones.
//!
//! Real servers are in `tests/roles_*.rs`; here is what they never do. MySQL's own login method is here, too, since
//! Debian has no MySQL: the server of these tests knows the account's hash and its own RSA key, and no more.

#[path = "support/probing.rs"]
mod probing;

use std::net::SocketAddr;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeySize, OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use domain::utils::base64;
use probing::{PATIENTLY, SHORT, endpoint, id, prober, role, told};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use waypost::health::protocol::Protocol;
use waypost::health::role::{Encryption, Engine, RoleCheck};
use waypost::health::timing::Deadlines;

#[tokio::test]
async fn who_says_something_else_than_a_database_would_has_malformed_replies() {
    let http = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".as_bytes();
    let endless = |unit: &[u8]| unit.repeat(200_000 / unit.len());
    let notice = b"N\0\0\x03\xe8Snote\0\0".iter().copied().chain([b'x'; 989]).collect::<Vec<u8>>();
    for (engine, said, expected) in [
        (postgres(), b"Z\0\0\0\x05I".to_vec(), "unexpected message from server"),
        (postgres(), b"R\xff\xff\xff\xff".to_vec(), "invalid message length: header length < 4"),
        (postgres(), endless(b"R\x7f\xff\xff\xff"), "more than 65536 octets"),
        (postgres(), [b"R\0\0\0\x08\0\0\0\0", &*endless(&notice)].concat(), "more than 65536 octets"),
        (Engine::Mysql, http.to_vec(), "a packet of no likely length"),
        (Engine::Mysql, endless(b"\0\0\0\0"), "a packet of no likely length"),
        (Engine::Mysql, b"\x01\0\0\x07x".to_vec(), "a packet out of sequence"),
        (Engine::Mysql, b"\x02\0\0\0\x09x".to_vec(), "no greeting of protocol 10"),
        (Engine::Redis, http.to_vec(), "no array in \"HTTP/1.1 400 Bad Request\""),
        (Engine::Redis, endless(b"x"), &format!("no end of line in {:?}", "x".repeat(200))),
        (Engine::Redis, b"*1\r\n$5\r\nqueen\r\n".to_vec(), "no role in \"queen\""),
    ] {
        let server = saying(said, Then::Hold).await;
        let expected = format!("malformed answer: {expected}");
        check(server, role(engine), PATIENTLY, &expected, "malformed_answer").await;
    }
}

#[tokio::test]
async fn who_closes_the_connection_is_said_to_have() {
    for engine in [postgres(), Engine::Mysql, Engine::Redis] {
        for said in [&b""[..], b"*"] {
            let server = saying(said.to_vec(), Then::Close).await;
            let expected = "connection closed before the response was complete";
            check(server, role(engine.clone()), PATIENTLY, expected, "connection_closed").await;
        }
    }
}

#[tokio::test]
async fn who_is_silent_ends_with_the_phases_own_deadline() {
    let encrypted = |engine| RoleCheck { encryption: Encryption::On { server_name: None, verify: false }, ..role(engine) };
    let (login, query) = (Deadlines { status: SHORT, ..PATIENTLY }, Deadlines { body: SHORT, ..PATIENTLY });
    let connect = Deadlines { connect: SHORT, ..PATIENTLY };
    let no_login = "connected, but not logged in within 150ms";
    let no_tls = "connected, but TLS not established within 150ms";
    let no_role = "logged in, but role not told within 150ms";
    // Logged in, and ready for a query.
    let ready = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I".to_vec();
    for (role, said, deadlines, expected, code) in [
        (role(postgres()), Vec::new(), login, no_login, "login_timeout"),
        (role(Engine::Mysql), Vec::new(), login, no_login, "login_timeout"),
        (RoleCheck { user: "waypost".into(), ..role(Engine::Redis) }, Vec::new(), login, no_login, "login_timeout"),
        (encrypted(postgres()), Vec::new(), connect, no_tls, "tls_timeout"),
        (encrypted(postgres()), b"S".to_vec(), connect, no_tls, "tls_timeout"),
        (encrypted(Engine::Mysql), Vec::new(), connect, no_tls, "tls_timeout"),
        (encrypted(Engine::Redis), Vec::new(), connect, no_tls, "tls_timeout"),
        (role(postgres()), ready, query, no_role, "query_timeout"),
        (RoleCheck { user: "default".into(), ..role(Engine::Redis) }, Vec::new(), query, no_role, "query_timeout"),
    ] {
        let server = saying(said, Then::Hold).await;
        check(server, role, deadlines, expected, code).await;
    }
}

#[tokio::test]
async fn a_server_that_wants_an_endless_computation_is_refused_it() {
    // SCRAM-SHA-256 with two thousand million rounds.
    let offer = b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0".to_vec();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(&offer).await.unwrap();
        let mut said = Vec::new();
        // The client's nonce comes in its first message.
        while !said.windows(2).any(|window| window == b"r=") {
            stream.read_buf(&mut said).await.unwrap();
        }
        let at = said.windows(2).position(|window| window == b"r=").unwrap();
        let nonce = String::from_utf8_lossy(&said[at + 2..]).into_owned();
        let reply = format!("r={nonce}x,s=c2FsdA==,i=2000000000");
        let length = u32::try_from(reply.len() + 8).unwrap().to_be_bytes();
        stream.write_all(&[b"R", &length[..], &[0, 0, 0, 11], reply.as_bytes()].concat()).await.unwrap();
        stream.read_to_end(&mut said).await.unwrap();
    });
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("probes_roles.password");
    std::fs::write(&file, "secret").unwrap();
    let role = RoleCheck { password_file: Some(file.display().to_string()), ..role(postgres()) };
    let report = prober(Vec::new()).probe(&id(), &endpoint(address, Protocol::Role(Box::new(role)), PATIENTLY)).await;
    let (words, _, code) = told(&report);
    assert_eq!(code, "malformed_answer", "{words}");
    serving.await.unwrap();
}

#[tokio::test]
async fn mysqls_own_method_proves_the_password_or_tells_it_under_the_servers_key() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("probes_roles.mysql.password");
    std::fs::write(&file, "secret\n").unwrap();
    let good = RoleCheck { password_file: Some(file.display().to_string()), ..role(Engine::Mysql) };
    for remembers in [true, false] {
        let server = caching(remembers).await;
        check(server, good.clone(), PATIENTLY, "primary", "passed").await;
        let server = caching(remembers).await;
        let none = RoleCheck { password_file: None, ..good.clone() };
        check(server, none, PATIENTLY, "login refused: Access denied (1045)", "login_refused").await;
    }
}

// What the tests are made of

fn postgres() -> Engine {
    Engine::Postgres { database: "postgres".into() }
}

async fn check(server: SocketAddr, role: RoleCheck, deadlines: Deadlines, expected: &str, code: &str) {
    let what = format!("{role:?}");
    let (prober, id) = (prober(Vec::new()), id());
    let check = endpoint(server, Protocol::Role(Box::new(role)), deadlines);
    let probing = tokio::time::timeout(Duration::from_secs(60), prober.probe(&id, &check));
    let report = probing.await.expect("a probe ends");
    let (words, _, found) = told(&report);
    assert_eq!((&*words, found), (expected, code), "{what}");
}

#[derive(Clone, Copy)]
enum Then {
    Hold,
    Close,
}

/// A server that says this to whoever connects, whatever it hears.
async fn saying(said: Vec<u8>, then: Then) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.write_all(&said).await;
        match then {
            Then::Hold => drop(stream.read_to_end(&mut Vec::new()).await),
            Then::Close => drop(stream.shutdown().await),
        }
    });
    address
}

/// A MySQL 8 for one connection, with an account whose password is `secret`, which it `remembers` or has to be told.
async fn caching(remembers: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let greeting = b"\x0a8.0.36\0\x05\0\0\0abcdefgh\0\xff\xf7\x2d\x02\0\xff\xdf\x15\0\0\0\0\0\0\0\0\0\0";
        send(&mut stream, 0, &[&greeting[..], b"ijklmnopqrst\0caching_sha2_password\0"].concat()).await;
        let login = receive(&mut stream).await;
        // 32 octets of capabilities, the user and a NUL, and the proof behind its length.
        let proof = &login[32 + b"waypost\0".len()..];
        let proof = &proof[1..1 + usize::from(proof[0])];
        if !is_proof(proof) {
            return send(&mut stream, 2, b"\xff\x15\x04#28000Access denied").await;
        }
        let sequence = if remembers {
            send(&mut stream, 2, &[1, 3]).await;
            3
        } else {
            send(&mut stream, 2, &[1, 4]).await;
            assert_eq!(receive(&mut stream).await, [2], "it asks for the key");
            let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
            let public = AsDer::<PublicKeyX509Der<'_>>::as_der(&private.public_key()).unwrap();
            let body = base64::encode_string(public.as_ref());
            let pem = format!("\x01-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n");
            send(&mut stream, 4, pem.as_bytes()).await;
            let sent = receive(&mut stream).await;
            let private = OaepPrivateDecryptingKey::new(private).unwrap();
            let mut told = vec![0; private.min_output_size()];
            let told = private.decrypt(&OAEP_SHA1_MGF1SHA1, &sent, &mut told, None).unwrap();
            let told: Vec<u8> = told.iter().zip(NONCE.iter().cycle()).map(|(told, nonce)| told ^ nonce).collect();
            assert_eq!(told, b"secret\0");
            6
        };
        send(&mut stream, sequence, &[0, 0, 0, 2, 0, 0, 0]).await;
        assert_eq!(receive(&mut stream).await, b"\x03SELECT @@global.read_only");
        let definition = b"\x03def\0\0\0\x12@@global.read_only\0\x0c\x3f\0\x01\0\0\0\x08\x80\0\0\0\0";
        for (sequence, packet) in
            [&b"\x01"[..], definition, b"\xfe\0\0\x02\0", b"\x010", b"\xfe\0\0\x02\0"].into_iter().enumerate()
        {
            send(&mut stream, u8::try_from(sequence).unwrap() + 1, packet).await;
        }
        assert_eq!(receive(&mut stream).await, [1], "it says goodbye");
    });
    address
}

/// Whether this proves a password whose double hash is that of `secret`: all that a server keeps.
fn is_proof(proof: &[u8]) -> bool {
    let kept = digest(&SHA256, digest(&SHA256, b"secret").as_ref());
    let mask = digest(&SHA256, &[kept.as_ref(), NONCE].concat());
    let undone: Vec<u8> = proof.iter().zip(mask.as_ref()).map(|(proof, mask)| proof ^ mask).collect();
    digest(&SHA256, &undone).as_ref() == kept.as_ref()
}

async fn send(stream: &mut TcpStream, sequence: u8, packet: &[u8]) {
    let length = u32::try_from(packet.len()).unwrap().to_le_bytes();
    let _ = stream.write_all(&[&length[..3], &[sequence], packet].concat()).await;
}

async fn receive(stream: &mut TcpStream) -> Vec<u8> {
    let mut header = [0; 4];
    stream.read_exact(&mut header).await.unwrap();
    let mut packet = vec![0; usize::from(header[0]) | usize::from(header[1]) << 8];
    stream.read_exact(&mut packet).await.unwrap();
    packet
}

const NONCE: &[u8] = b"abcdefghijklmnopqrst";
