//! The way to the target: the local address, and what proxies say first.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use waypost::health::check::{ProxyProtocol, Via};
use waypost::health::protocol::Protocol;
use waypost::health::protocol::dns::{DnsQuery, QueryType, Rcode, Wired};
use waypost::health::protocol::http::HttpRequest;

use crate::targets::*;

fn from(source: &str) -> Via {
    Via { source: Some(source.parse().unwrap()), ..Via::default() }
}

fn query() -> DnsQuery {
    let name = Wired { shown: ".".into(), octets: vec![0] };
    let rtype = QueryType { code: 2, word: "NS".into() };
    DnsQuery { name, rtype, rcode: Rcode::NOERROR, answers: Vec::new(), recursion: false }
}

#[tokio::test]
async fn a_probe_comes_from_the_address_it_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let report = probe_via(address, Protocol::Tcp, from("127.0.0.2")).await;
    assert_eq!(report.observation.outcome.to_string(), "connected");
    let (_, peer) = listener.accept().await.unwrap();
    assert_eq!(peer.ip().to_string(), "127.0.0.2");
}

#[tokio::test]
async fn a_source_that_cannot_be_used_is_our_trouble() {
    let server = Server::answering("").await;
    for (protocol, phases) in [(Protocol::Tcp, "connect"), (Protocol::Dns(query()), "query")] {
        let report = probe_via(server.address, protocol.clone(), from("192.0.2.1")).await;
        assert_eq!(summary(&report), format!("not_run_source: {phases}"));
        let said = report.observation.outcome.to_string();
        assert!(said.starts_with("probe not made: the source address cannot be used: 192.0.2.1: "), "{said}");
        let report = probe_via(server.address, protocol, from("::1")).await;
        let said = "probe not made: the source address cannot be used: ::1: 127.0.0.1 is of the other family";
        assert_eq!(report.observation.outcome.to_string(), said);
    }
}

#[tokio::test]
async fn what_proxies_say_comes_first_and_once() {
    for (version, header) in
        [(ProxyProtocol::V1, &b"PROXY UNKNOWN\r\n"[..]), (ProxyProtocol::V2, b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0")]
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut told = vec![0; header.len() + 14];
            stream.read_exact(&mut told).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            told
        });
        let via = Via { proxy_protocol: Some(version), ..Via::default() };
        let report = probe_via(address, Protocol::Http(HttpRequest::get("a", "/")), via).await;
        assert_eq!(report.observation.outcome.to_string(), "HTTP status 200");
        assert_eq!(serving.await.unwrap(), [header, b"GET / HTTP/1.1"].concat());
    }
}

#[tokio::test]
async fn a_tcp_check_says_it_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let via = Via { proxy_protocol: Some(ProxyProtocol::V1), ..Via::default() };
    let report = probe_via(address, Protocol::Tcp, via).await;
    assert_eq!(summary(&report), "passed: connect");
    let mut told = Vec::new();
    listener.accept().await.unwrap().0.read_to_end(&mut told).await.unwrap();
    assert_eq!(told, b"PROXY UNKNOWN\r\n");
}
