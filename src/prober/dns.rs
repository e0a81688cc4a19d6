//! A DNS check: one query over UDP, once more over TCP if the answer did not fit, and whether the answer will do.
//!
//! An answer that is not to this query is passed over, as a stranger's. Nothing is sent twice: a lost packet is what the
//! thresholds are for. Sources: RFC 1035 §4.2, RFC 5452 §4 and §9 (id, port and question), RFC 7766.

use std::io;
use std::net::{IpAddr, SocketAddr};

use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RData, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, Restrict};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::Log;
use super::connect::{answered, bind_source, here};
use super::dial::Way;
use crate::clock;
use crate::health::check::Via;
use crate::health::observation::{Failure, NotRun, Outcome, Passed};
use crate::health::protocol::dns::{DnsQuery, Rcode, Wired};
use crate::health::timing::Deadlines;

/// Asks the name server at `address`, and judges its answer.
pub(super) async fn ask(
    address: SocketAddr,
    via: Via,
    query: &DnsQuery,
    deadlines: Deadlines,
    log: &mut Log,
) -> Result<Passed, Outcome> {
    let message = message(query)?;
    let asked = timeout(deadlines.status, ask_over_udp(address, via.source, &message)).await;
    log.end("query");
    let mut response = asked.map_err(|_| Failure::AnswerTimeout(deadlines.status))??;
    if response.metadata.truncation {
        let way = Way { address, via, tls: None, alpn: &[], deadlines };
        let (stream, _) = way.connect(log).await?;
        let asked = timeout(deadlines.status, ask_over_tcp(stream, &message)).await;
        log.end("query");
        response = asked.map_err(|_| Failure::AnswerTimeout(deadlines.status))??;
    }
    judge(query, &response)
}

fn message(query: &DnsQuery) -> Result<Message, NotRun> {
    let impossible = |error: &dyn std::fmt::Display| NotRun::Impossible(format!("{}: {error}", query.name));
    let id = u16::try_from(clock::random_u64() & 0xFFFF).expect("16 bits");
    let name = Name::read(&mut BinDecoder::new(&query.name.octets)).map_err(|error| impossible(&error))?;
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = query.recursion;
    message.add_query(Query::query(name, RecordType::from(query.rtype.code)));
    Ok(message)
}

async fn ask_over_udp(address: SocketAddr, source: Option<IpAddr>, message: &Message) -> Result<Message, Outcome> {
    let socket = open(address, source)?;
    socket.send(&encoded(message)?).await.map_err(|error| here(&error))?;
    let mut datagram = vec![0; DATAGRAM_MAX];
    loop {
        let len = socket.recv(&mut datagram).await.map_err(|error| answered(&error))?;
        // Anybody can send a datagram; only one that can be read, and answers this query, is the server's.
        if let Ok(response) = Message::from_vec(&datagram[..len])
            && is_answer(&response, message)
        {
            return Ok(response);
        }
    }
}

/// A socket with a port of the system's choice, that hears `address` only.
fn open(address: SocketAddr, source: Option<IpAddr>) -> Result<UdpSocket, Outcome> {
    let kind = Type::DGRAM.nonblocking().cloexec();
    let socket = Socket::new(Domain::for_address(address), kind, Some(Protocol::UDP)).map_err(|error| here(&error))?;
    bind_source(&socket, address.ip(), source)?;
    socket.connect(&address.into()).map_err(|error| here(&error))?;
    UdpSocket::from_std(socket.into()).map_err(|error| here(&error))
}

async fn ask_over_tcp(mut stream: TcpStream, message: &Message) -> Result<Message, Outcome> {
    let encoded = encoded(message)?;
    let len = u16::try_from(encoded.len()).expect("a question is short");
    let sent = [&len.to_be_bytes()[..], &encoded].concat();
    stream.write_all(&sent).await.map_err(|error| closed(&error))?;
    let len = stream.read_u16().await.map_err(|error| closed(&error))?;
    let mut octets = vec![0; len.into()];
    stream.read_exact(&mut octets).await.map_err(|error| closed(&error))?;
    let response = Message::from_vec(&octets).map_err(|error| Failure::MalformedAnswer(error.to_string()))?;
    if !is_answer(&response, message) {
        return Err(Failure::MalformedAnswer("it is to another question".into()).into());
    }
    Ok(response)
}

fn encoded(message: &Message) -> Result<Vec<u8>, NotRun> {
    message.to_vec().map_err(|error| NotRun::Impossible(error.to_string()))
}

fn closed(_: &io::Error) -> Failure {
    Failure::ConnectionClosed
}

/// Whether a message is the response to a query: its id and its question say so (RFC 5452 §9.1).
fn is_answer(response: &Message, query: &Message) -> bool {
    let is_response = response.metadata.message_type == MessageType::Response;
    // Servers that cannot read a query may leave the question out.
    let asked = response.queries.is_empty() && response.metadata.response_code != 0.into() || response.queries == query.queries;
    is_response && response.metadata.id == query.metadata.id && asked
}

fn judge(query: &DnsQuery, response: &Message) -> Result<Passed, Outcome> {
    let rcode = Rcode(response.metadata.response_code.into());
    if rcode != query.rcode {
        return Err(Failure::BadRcode { found: rcode.to_string(), expected: query.rcode.to_string() }.into());
    }
    let rtype = RecordType::from(query.rtype.code);
    let found: Vec<&RData> =
        response.answers.iter().filter(|record| record.record_type() == rtype).map(|record| &record.data).collect();
    for expected in &query.answers {
        if !found.contains(&&read(expected, rtype)?) {
            let found: Vec<String> = found.iter().map(|data| data.to_string()).collect();
            let found = if found.is_empty() { "empty".to_owned() } else { shorten(&found.join(", ")) };
            return Err(Failure::AnswerAbsent { expected: expected.to_string(), found }.into());
        }
    }
    Ok(Passed::Answered(rcode.to_string()))
}

/// A value as the decoder of responses understands it, so that what is compared was read in one way.
fn read(value: &Wired, rtype: RecordType) -> Result<RData, NotRun> {
    let len = u16::try_from(value.octets.len()).expect("rdata is at most 65,535 octets");
    RData::read(&mut BinDecoder::new(&value.octets), rtype, Restrict::new(len))
        .map_err(|error| NotRun::Impossible(format!("{value}: {error}")))
}

fn shorten(text: &str) -> String {
    text.chars().take(SHOWN_MAX).collect()
}

/// The largest datagram that there is.
const DATAGRAM_MAX: usize = 65_535;
/// Characters of an answer that a message shows.
const SHOWN_MAX: usize = 200;
