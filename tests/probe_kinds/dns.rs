//! DNS checks against name servers that answer truly, falsely, shortly, or not at all.

use std::net::SocketAddr;

use hickory_proto::op::{Message, MessageType, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, Record, RecordType, rdata};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::mpsc;
use waypost::health::protocol::Protocol;
use waypost::health::protocol::dns::{DnsQuery, QueryType, Rcode, Wired};
use waypost::health::timing::Deadlines;

use crate::targets::*;

/// Makes the messages that answer one.
type Rule = fn(&Message) -> Vec<Message>;

/// Answers over UDP by one rule, and over TCP by another.
struct NameServer {
    address: SocketAddr,
    /// The queries over UDP, and who sent them.
    asked: mpsc::UnboundedReceiver<(Message, SocketAddr)>,
}

impl NameServer {
    async fn answering(over_udp: Rule, over_tcp: Rule) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let socket = UdpSocket::bind(address).await.unwrap();
        let (told, asked) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut query = [0; 512];
            while let Ok((len, from)) = socket.recv_from(&mut query).await {
                let query = Message::from_vec(&query[..len]).unwrap();
                for answer in over_udp(&query) {
                    socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
                }
                let _ = told.send((query, from));
            }
        });
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut query = vec![0; stream.read_u16().await.unwrap().into()];
                stream.read_exact(&mut query).await.unwrap();
                for answer in over_tcp(&Message::from_vec(&query).unwrap()) {
                    let answer = answer.to_vec().unwrap();
                    stream.write_all(&[&(answer.len() as u16).to_be_bytes()[..], &answer].concat()).await.unwrap();
                }
            }
        });
        Self { address, asked }
    }
}

fn nothing(_: &Message) -> Vec<Message> {
    Vec::new()
}

fn answer(query: &Message) -> Message {
    let mut answer = Message::response(query.metadata.id, query.metadata.op_code);
    answer.add_queries(query.queries.clone());
    answer
}

/// The addresses 192.0.2.1 and 192.0.2.2, behind an alias.
fn addresses(query: &Message) -> Vec<Message> {
    let mut answer = answer(query);
    let name = query.queries[0].name().clone();
    let host = Name::from_ascii("host.example.org.").unwrap();
    answer.add_answer(Record::from_rdata(name, 60, RData::CNAME(rdata::CNAME(host.clone()))));
    for last in [1, 2] {
        answer.add_answer(Record::from_rdata(host.clone(), 60, RData::A(rdata::A::new(192, 0, 2, last))));
    }
    vec![answer]
}

fn refusing(query: &Message) -> Vec<Message> {
    let mut answer = answer(query);
    answer.metadata.response_code = ResponseCode::Refused;
    vec![answer]
}

fn truncated(query: &Message) -> Vec<Message> {
    let mut answer = answer(query);
    answer.metadata.truncation = true;
    vec![answer]
}

/// Answers to other queries, and no answers, before the right one.
fn after_strangers(query: &Message) -> Vec<Message> {
    let right = addresses(query).remove(0);
    let mut other_id = right.clone();
    other_id.metadata.id ^= 1;
    let mut other_question = refusing(query).remove(0);
    other_question.queries = vec![Query::query(Name::from_ascii("other.example.org.").unwrap(), RecordType::A)];
    let mut no_response = refusing(query).remove(0);
    no_response.metadata.message_type = MessageType::Query;
    let mut without_question = right.clone();
    without_question.queries.clear();
    without_question.answers.clear();
    vec![other_id, other_question, no_response, without_question, right]
}

fn wired(shown: &str, octets: &[u8]) -> Wired {
    Wired { shown: shown.into(), octets: octets.into() }
}

/// Asks for the addresses of www.example.org.
fn query(answers: &[[u8; 4]]) -> DnsQuery {
    let shown = |octets: &[u8; 4]| wired(&std::net::Ipv4Addr::from(*octets).to_string(), octets);
    DnsQuery {
        name: wired("www.example.org.", b"\x03www\x07example\x03org\0"),
        rtype: QueryType { code: 1, word: "A".into() },
        rcode: Rcode::NOERROR,
        answers: answers.iter().map(shown).collect(),
        recursion: false,
    }
}

#[tokio::test]
async fn all_that_is_expected_must_be_in_the_answer() {
    let server = NameServer::answering(addresses, nothing).await;
    for (answers, seen) in [
        (&[][..], "answered NOERROR"),
        (&[[192, 0, 2, 1]], "answered NOERROR"),
        (&[[192, 0, 2, 2], [192, 0, 2, 1]], "answered NOERROR"),
        (&[[192, 0, 2, 1], [192, 0, 2, 3]], "192.0.2.3 is not in the answer, which is 192.0.2.1, 192.0.2.2"),
    ] {
        check(server.address, Protocol::Dns(query(answers)), PATIENTLY, seen).await;
    }
    let empty = NameServer::answering(|query| vec![answer(query)], nothing).await;
    let report = probe(empty.address, Protocol::Dns(query(&[[192, 0, 2, 1]])), PATIENTLY).await;
    assert_eq!(summary(&report), "answer_absent: query");
    assert_eq!(report.observation.outcome.to_string(), "192.0.2.1 is not in the answer, which is empty");
}

#[tokio::test]
async fn values_of_every_type_are_compared_as_values() {
    let server = NameServer::answering(
        |query| {
            let mut answer = answer(query);
            let name = query.queries[0].name().clone();
            let data = match query.queries[0].query_type() {
                RecordType::MX => RData::MX(rdata::MX::new(10, Name::from_ascii("Mail.Example.ORG.").unwrap())),
                RecordType::TXT => RData::TXT(rdata::TXT::new(vec!["v=spf1 -all".into()])),
                rtype => RData::Unknown { code: rtype, rdata: rdata::NULL::with(vec![1, 2, 3]) },
            };
            answer.add_answer(Record::from_rdata(name, 60, data));
            vec![answer]
        },
        nothing,
    )
    .await;
    for (code, expected, passes) in [
        (15, wired("10 mail.example.org.", b"\0\x0a\x04mail\x07example\x03org\0"), true),
        (15, wired("20 mail.example.org.", b"\0\x14\x04mail\x07example\x03org\0"), false),
        (16, wired("\"v=spf1 -all\"", b"\x0bv=spf1 -all"), true),
        (16, wired("\"v=SPF1 -all\"", b"\x0bv=SPF1 -all"), false),
        (65_280, wired("\\# 3 010203", &[1, 2, 3]), true),
        (65_280, wired("\\# 2 0102", &[1, 2]), false),
    ] {
        let asked = DnsQuery { rtype: QueryType { code, word: code.to_string() }, answers: vec![expected], ..query(&[]) };
        let report = probe(server.address, Protocol::Dns(asked), PATIENTLY).await;
        assert_eq!(report.observation.outcome.passed(), Some(passes), "{}", report.observation.outcome);
    }
}

#[tokio::test]
async fn the_response_code_must_be_the_expected_one() {
    let server = NameServer::answering(refusing, nothing).await;
    let report = probe(server.address, Protocol::Dns(query(&[])), PATIENTLY).await;
    assert_eq!(summary(&report), "bad_rcode: query");
    assert_eq!(report.observation.outcome.to_string(), "answered REFUSED, expected NOERROR");
    let expecting = DnsQuery { rcode: "REFUSED".parse().unwrap(), ..query(&[]) };
    check(server.address, Protocol::Dns(expecting), PATIENTLY, "answered REFUSED").await;
}

#[tokio::test]
async fn a_query_says_what_the_check_says_and_nobody_can_guess_the_rest() {
    let mut server = NameServer::answering(addresses, nothing).await;
    let mut seen = std::collections::BTreeSet::new();
    for recursion in [false, true, false, true] {
        check(server.address, Protocol::Dns(DnsQuery { recursion, ..query(&[]) }), PATIENTLY, "answered NOERROR").await;
        let (asked, from) = server.asked.recv().await.unwrap();
        assert_eq!(asked.metadata.recursion_desired, recursion);
        assert_eq!(asked.queries[0].to_string(), "www.example.org. IN A");
        seen.insert((asked.metadata.id, from.port()));
    }
    assert_eq!(seen.len(), 4, "{seen:?}");
}

#[tokio::test]
async fn what_is_truncated_is_asked_for_over_tcp() {
    let server = NameServer::answering(truncated, addresses).await;
    let report = probe(server.address, Protocol::Dns(query(&[[192, 0, 2, 2]])), PATIENTLY).await;
    assert_eq!(summary(&report), "passed: query connect query", "{}", report.observation.outcome);

    let mute = NameServer::answering(truncated, nothing).await;
    let closed = "connection closed before the response was complete";
    check(mute.address, Protocol::Dns(query(&[])), PATIENTLY, closed).await;
    let strange = NameServer::answering(truncated, |query| after_strangers(query)[..1].to_vec()).await;
    check(strange.address, Protocol::Dns(query(&[])), PATIENTLY, "malformed answer: it is to another question").await;
}

#[tokio::test]
async fn a_tcp_side_that_is_missing_or_mute_fails_as_what_it_is() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    tokio::spawn(async move {
        let mut octets = [0; 512];
        while let Ok((len, from)) = silent.recv_from(&mut octets).await {
            let answer = truncated(&Message::from_vec(&octets[..len]).unwrap()).remove(0);
            silent.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
        }
    });
    check(address, Protocol::Dns(query(&[])), PATIENTLY, "connection refused").await;
    // The kernel accepts, and nobody answers.
    let _mute = TcpListener::bind(address).await.unwrap();
    let report = probe(address, Protocol::Dns(query(&[])), Deadlines { status: SHORT, ..PATIENTLY }).await;
    assert_eq!(summary(&report), "answer_timeout: query connect query");
}

#[tokio::test]
async fn what_strangers_send_is_passed_over() {
    let server = NameServer::answering(after_strangers, nothing).await;
    check(server.address, Protocol::Dns(query(&[[192, 0, 2, 1]])), PATIENTLY, "answered NOERROR").await;
    let only_strangers = NameServer::answering(|query| after_strangers(query)[..4].to_vec(), nothing).await;
    let deadlines = Deadlines { status: SHORT, ..PATIENTLY };
    check(only_strangers.address, Protocol::Dns(query(&[])), deadlines, "no answer within 150ms").await;
}

#[tokio::test]
async fn silence_and_a_closed_port_are_told_apart() {
    let mute = NameServer::answering(nothing, nothing).await;
    let report = probe(mute.address, Protocol::Dns(query(&[])), Deadlines { status: SHORT, ..PATIENTLY }).await;
    assert_eq!(summary(&report), "answer_timeout: query");
    check(nobody().await, Protocol::Dns(query(&[])), PATIENTLY, "connection refused").await;
    let nowhere = SocketAddr::from(([255, 255, 255, 255], 53));
    let report = probe(nowhere, Protocol::Dns(query(&[])), PATIENTLY).await;
    assert_eq!(report.observation.outcome.passed(), None, "{}", report.observation.outcome);
}
