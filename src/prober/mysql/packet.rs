//! MySQL's packets: their frame, and what the few that a login and one question take have in them.
//!
//! Invariants: reading never panics, whatever came; a packet has at most [`PACKET_MAX`] octets, and a frame's sequence
//! number follows the one before. Source: MySQL internals, "Client/Server Protocol".

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::health::observation::{Failure, Outcome};
use crate::prober::roles::{broken, said};

/// What packets travel on.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire for S {}

/// A connection as packets.
pub(super) struct Channel<S> {
    stream: S,
    /// Of the next packet, in whichever direction.
    sequence: u8,
}

impl<S> Channel<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, sequence: 0 }
    }

    /// Goes on where another channel has ended.
    pub fn resume(stream: S, sequence: u8) -> Self {
        Self { stream, sequence }
    }

    pub fn into_parts(self) -> (S, u8) {
        (self.stream, self.sequence)
    }

    /// Begins a command.
    pub fn begin(&mut self) {
        self.sequence = 0;
    }
}

impl<S: Wire> Channel<S> {
    /// Sends one packet, shorter than any that would have to be cut.
    pub async fn send(&mut self, content: &[u8]) -> Result<(), Outcome> {
        let length = u32::try_from(content.len()).expect("what is sent is a few kilobytes at most").to_le_bytes();
        let frame = [&length[..3], &[self.sequence], content].concat();
        self.sequence = self.sequence.wrapping_add(1);
        self.stream.write_all(&frame).await.map_err(|error| broken(&error))?;
        self.stream.flush().await.map_err(|error| broken(&error))
    }

    /// Takes the next packet; it is never empty.
    pub async fn receive(&mut self) -> Result<Vec<u8>, Outcome> {
        let mut header = [0; 4];
        self.stream.read_exact(&mut header).await.map_err(|error| broken(&error))?;
        let [low, middle, high, sequence] = header;
        let length = u32::from_le_bytes([low, middle, high, 0]) as usize;
        if !(1..=PACKET_MAX).contains(&length) {
            return Err(malformed("a packet of no likely length"));
        }
        if sequence != self.sequence {
            return Err(malformed("a packet out of sequence"));
        }
        self.sequence = sequence.wrapping_add(1);
        let mut content = vec![0; length];
        self.stream.read_exact(&mut content).await.map_err(|error| broken(&error))?;
        Ok(content)
    }
}

/// How a server presents itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Greeting {
    pub has_tls: bool,
    /// How it would like the password to be proved.
    pub method: String,
    /// What the proof is of, beside the password.
    pub nonce: Vec<u8>,
}

impl Greeting {
    /// `HandshakeV10`.
    pub fn read(packet: &[u8]) -> Result<Self, Outcome> {
        if let Some(outcome) = read_error(packet) {
            return Err(outcome);
        }
        Self::parse(packet).ok_or_else(|| malformed("no greeting of protocol 10"))
    }

    fn parse(packet: &[u8]) -> Option<Self> {
        let rest = packet.strip_prefix(&[10])?;
        let (_version, rest) = split_at_nul(rest)?;
        let (_thread, rest) = rest.split_at_checked(4)?;
        let (first, rest) = rest.split_at_checked(8)?;
        let (&[_, low, lower, _charset, _, _, high, higher, length], rest) = rest.split_first_chunk::<9>()?;
        let (_reserved, rest) = rest.split_at_checked(10)?;
        let capabilities = u32::from_le_bytes([low, lower, high, higher]);
        if capabilities & PROTOCOL_41 == 0 || capabilities & SECURE_CONNECTION == 0 {
            return None;
        }
        // The nonce has 20 octets and a NUL; `length` is that of both parts.
        let (second, rest) = rest.split_at_checked(usize::from(length).saturating_sub(8).max(13))?;
        let nonce = [first, second].concat();
        let method = if capabilities & PLUGIN_AUTH == 0 { NATIVE.to_owned() } else { text(split_at_nul(rest)?.0) };
        Some(Self { has_tls: capabilities & SSL != 0, method, nonce: nonce.strip_suffix(b"\0").unwrap_or(&nonce).to_vec() })
    }
}

/// What a server says to a proof.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Auth {
    Passed,
    Refused(Outcome),
    /// Another method, please.
    Switch {
        method: String,
        nonce: Vec<u8>,
    },
    /// What the method itself has to say.
    More(Vec<u8>),
}

/// `OK_Packet`, `ERR_Packet`, `AuthSwitchRequest` or `AuthMoreData`.
pub(super) fn read_auth(packet: &[u8]) -> Result<Auth, Outcome> {
    match packet {
        [0x00, ..] => Ok(Auth::Passed),
        [0x01, data @ ..] => Ok(Auth::More(data.to_vec())),
        [0xFE, rest @ ..] => {
            let (method, nonce) = split_at_nul(rest).ok_or_else(|| malformed("a login method without a name"))?;
            Ok(Auth::Switch { method: text(method), nonce: nonce.strip_suffix(b"\0").unwrap_or(nonce).to_vec() })
        }
        _ => read_error(packet).map(Auth::Refused).ok_or_else(|| malformed("no answer to a login")),
    }
}

/// What an `ERR_Packet` says of the server; none of another packet.
pub(super) fn read_error(packet: &[u8]) -> Option<Outcome> {
    let [0xFF, low, high, rest @ ..] = packet else { return None };
    let code = u16::from_le_bytes([*low, *high]);
    // `#` and five octets of SQLSTATE, but before the greeting is answered.
    let message = rest.strip_prefix(b"#").and_then(|rest| rest.get(5..)).unwrap_or(rest);
    let words = format!("{} ({code})", said(message));
    Some(if REFUSALS.contains(&code) { Failure::LoginRefused(words).into() } else { Failure::DatabaseError(words).into() })
}

/// The one value of a row of text.
pub(super) fn read_row(packet: &[u8]) -> Result<&[u8], Outcome> {
    if let Some(outcome) = read_error(packet) {
        return Err(outcome);
    }
    match packet {
        // Longer values have their length in more than one octet.
        [length @ 0..=250, value @ ..] if value.len() == usize::from(*length) => Ok(value),
        _ => Err(malformed("a row that is not one short value")),
    }
}

/// `SSLRequest`: the beginning of a login, and then TLS.
pub(super) fn ssl_request() -> Vec<u8> {
    login_head(true)
}

/// `HandshakeResponse41`.
pub(super) fn login(user: &str, proof: &[u8], method: &str, is_encrypted: bool) -> Vec<u8> {
    let length = u8::try_from(proof.len()).expect("proofs have 32 octets at most");
    [&login_head(is_encrypted), user.as_bytes(), b"\0", &[length], proof, method.as_bytes(), b"\0"].concat()
}

fn login_head(is_encrypted: bool) -> Vec<u8> {
    let tls = if is_encrypted { SSL } else { 0 };
    let capabilities = LONG_PASSWORD | PROTOCOL_41 | SECURE_CONNECTION | PLUGIN_AUTH | tls;
    let packet_max = u32::try_from(PACKET_MAX).expect("a small constant");
    [&capabilities.to_le_bytes()[..], &packet_max.to_le_bytes(), &[UTF8], &[0; 23]].concat()
}

pub(super) fn malformed(what: &str) -> Outcome {
    Failure::MalformedAnswer(what.to_owned()).into()
}

fn split_at_nul(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = octets.iter().position(|octet| *octet == 0)?;
    Some((&octets[..at], &octets[at + 1..]))
}

fn text(octets: &[u8]) -> String {
    said(octets)
}

/// The method of servers that know no other.
pub(super) const NATIVE: &str = "mysql_native_password";
/// Octets of a packet.
const PACKET_MAX: usize = 16_384;
/// `utf8_general_ci`
const UTF8: u8 = 33;
const LONG_PASSWORD: u32 = 1;
const PROTOCOL_41: u32 = 0x200;
const SSL: u32 = 0x800;
const SECURE_CONNECTION: u32 = 0x8000;
const PLUGIN_AUTH: u32 = 0x8_0000;
/// Access denied for the user, to the database, without the password, to an account that is locked or has expired.
const REFUSALS: [u16; 7] = [1_044, 1_045, 1_698, 1_820, 1_862, 3_118, 4_151];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// MariaDB 10.11's greeting, as it comes.
    fn greeting() -> Vec<u8> {
        let head = b"\x0a5.5.5-10.11.6-MariaDB\0\x05\0\0\0abcdefgh\0\xfe\xff\x2d\x02\0\xff\x81\x15\0\0\0\0\0\0\x1d\0\0\0";
        [&head[..], b"ijklmnopqrst\0mysql_native_password\0"].concat()
    }

    #[test]
    fn a_greeting_tells_the_method_and_the_whole_nonce() {
        let read = Greeting::read(&greeting()).unwrap();
        let nonce = b"abcdefghijklmnopqrst".to_vec();
        assert_eq!(read, Greeting { has_tls: true, method: NATIVE.into(), nonce });
    }

    #[test]
    fn errors_are_refusals_or_the_servers_own_trouble() {
        for (packet, expected) in [
            (&b"\xff\x15\x04#28000Access denied for user 'a'"[..], "login refused: Access denied for user 'a' (1045)"),
            (b"\xff\x10\x04Too many connections", "database error: Too many connections (1040)"),
            (b"\xff\x10\x04#08", "database error: #08 (1040)"),
        ] {
            assert_eq!(read_error(packet).unwrap().to_string(), expected);
            assert_eq!(Greeting::read(packet).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn a_greeting_cut_anywhere_is_none() {
        let whole = greeting();
        for length in 0..whole.len() {
            assert!(Greeting::read(&whole[..length]).is_err(), "{length} octets");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(octets in proptest::collection::vec(any::<u8>(), 0..200), at in 0usize..100, octet: u8) {
            let mut bent = greeting();
            let at = at % bent.len();
            bent[at] = octet;
            for packet in [&octets, &bent] {
                let _ = Greeting::read(packet);
                let _ = read_auth(packet);
                let _ = read_row(packet);
            }
        }

        #[test]
        fn a_stream_of_anything_ends(octets in proptest::collection::vec(any::<u8>(), 0..500)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let mut channel = Channel::new(tokio::io::join(&octets[..], tokio::io::sink()));
            runtime.block_on(async { while channel.receive().await.is_ok() {} });
        }
    }
}
