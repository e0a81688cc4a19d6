//! An ICMP check: one echo request, and its reply.
//!
//! The kernel's own ping socket where this process may have one, else a raw socket. Invariant: a reply counts only if it
//! carries the token of this request, which nobody can guess. Sources: RFC 792, RFC 4443 §4; icmp(7).

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::Log;
use super::connect::{bind_source, here};
use crate::clock;
use crate::health::observation::{Failure, NotRun, Outcome, Passed};

/// Sends an echo request to `address`, and waits for the reply.
pub(super) async fn ask(address: IpAddr, source: Option<IpAddr>, limit: Duration, log: &mut Log) -> Result<Passed, Outcome> {
    let asked = timeout(limit, echo(address, source)).await;
    log.end("echo");
    asked.map_err(|_| Failure::AnswerTimeout(limit))?.map(|()| Passed::EchoReplied)
}

async fn echo(address: IpAddr, source: Option<IpAddr>) -> Result<(), Outcome> {
    let socket = open(address)?;
    bind_source(&socket, address, source)?;
    socket.connect(&SocketAddr::new(address, 0).into()).map_err(|error| here(&error))?;
    // Whatever the protocol, a datagram is sent and heard in the same way.
    let socket = UdpSocket::from_std(socket.into()).map_err(|error| here(&error))?;
    let token = clock::random_u128().to_be_bytes();
    socket.send(&request(address, token)).await.map_err(|error| here(&error))?;
    let mut packet = [0; PACKET_MAX];
    loop {
        let len = socket.recv(&mut packet).await.map_err(|error| answered(&error))?;
        if is_reply(address, &packet[..len], token) {
            return Ok(());
        }
    }
}

/// A ping socket, or a raw one: both send and hear echo messages, and the second more than that.
fn open(address: IpAddr) -> Result<Socket, Outcome> {
    let (domain, protocol) = match address {
        IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
        IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
    };
    let socket = |kind: Type| Socket::new(domain, kind.nonblocking().cloexec(), Some(protocol));
    socket(Type::DGRAM).or_else(|_| socket(Type::RAW)).map_err(|error| match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => NotRun::NotPermitted(PERMISSION.into()).into(),
        _ => here(&error),
    })
}

/// What came back instead of a reply.
fn answered(error: &io::Error) -> Outcome {
    match error.raw_os_error() {
        Some(libc::ECONNREFUSED | libc::EHOSTUNREACH | libc::ENETUNREACH | libc::EHOSTDOWN | libc::ENOPROTOOPT) => {
            Failure::Unreachable.into()
        }
        _ => here(error),
    }
}

/// An echo request: type, code 0, checksum, identifier, sequence number, and the token as data.
fn request(address: IpAddr, token: [u8; 16]) -> [u8; 24] {
    let mut packet = [0; HEADER + 16];
    packet[0] = types(address).0;
    // The identifier, for routers that translate addresses go by it; a ping socket replaces it.
    packet[4..6].copy_from_slice(&token[..2]);
    packet[HEADER..].copy_from_slice(&token);
    let sum = checksum(&packet);
    // The kernel sums again where it knows more: that of ICMPv6 covers the addresses too (RFC 4443 §2.3).
    packet[2..4].copy_from_slice(&sum.to_be_bytes());
    packet
}

/// Whether a packet is the reply to the request with this token.
fn is_reply(address: IpAddr, packet: &[u8], token: [u8; 16]) -> bool {
    let message = without_ip_header(address, packet);
    message.len() >= HEADER + token.len()
        && message[..2] == [types(address).1, 0]
        && message[HEADER..HEADER + token.len()] == token
}

/// A raw socket of IPv4 gives the IP header too. No echo message begins as one does: with version 4 and a length of 5 or more.
fn without_ip_header(address: IpAddr, packet: &[u8]) -> &[u8] {
    match packet.first() {
        Some(first) if address.is_ipv4() && first >> 4 == 4 => packet.get(usize::from(first & 15) * 4..).unwrap_or_default(),
        _ => packet,
    }
}

/// Echo request and echo reply.
fn types(address: IpAddr) -> (u8, u8) {
    if address.is_ipv4() { (8, 0) } else { (128, 129) }
}

/// The complement of the sum in ones' complement (RFC 1071).
fn checksum(packet: &[u8]) -> u16 {
    let words = packet.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
    let mut sum: u32 = words.sum();
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    !u16::try_from(sum).expect("it was folded")
}

/// Octets before an echo message's data.
const HEADER: usize = 8;
/// Room for the longest IP header, and the reply.
const PACKET_MAX: usize = 128;
const PERMISSION: &str = "ICMP needs a group of this process within the sysctl net.ipv4.ping_group_range, or CAP_NET_RAW";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const V4: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const V6: IpAddr = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);

    #[test]
    fn a_request_sums_to_nothing() {
        for address in [V4, V6] {
            assert_eq!(checksum(&request(address, [7; 16])), 0);
        }
        assert_eq!(checksum(&[0, 1, 0xf2, 3, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2, "the example of RFC 1071 §3");
    }

    proptest! {
        #[test]
        fn a_reply_counts_with_its_token_only(token: [u8; 16], other: [u8; 16], options in 0usize..=10) {
            for address in [V4, V6] {
                let mut reply = request(address, token);
                prop_assert!(!is_reply(address, &reply, token), "a request, heard by a raw socket on loopback");
                reply[0] = types(address).1;
                prop_assert!(is_reply(address, &reply, token));
                prop_assert_eq!(is_reply(address, &reply, other), token == other);
                prop_assert!(!is_reply(address, &reply[..23], token));
            }
            let mut reply = request(V4, token);
            reply[0] = 0;
            let header = [&[0x45 + u8::try_from(options).expect("small")][..], &vec![1; 19 + 4 * options]].concat();
            prop_assert!(is_reply(V4, &[&header[..], &reply].concat(), token));
        }

        #[test]
        fn whatever_comes_is_read(packet in proptest::collection::vec(any::<u8>(), 0..PACKET_MAX), token: [u8; 16]) {
            prop_assert!(!is_reply(V4, &packet, token));
            prop_assert!(!is_reply(V6, &packet, token));
        }
    }
}
