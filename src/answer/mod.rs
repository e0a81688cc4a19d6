//! What the response to a query says.

use std::net::IpAddr;

use crate::routing::draw::Draw;
use crate::snapshot::Snapshot;
use crate::wire::query::MalformedKind;
use crate::wire::rtype::RecordType;

/// How the server presents itself and what it accepts; the same for every query until the next reload.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Answered to NSID (RFC 5001) and, when set, to `id.server. CH TXT` (RFC 4892).
    pub nsid: Option<Box<[u8]>>,
    /// Answered to `version.bind.` and `version.server. CH TXT`; refused when none.
    pub version: Option<Box<[u8]>>,
    /// The largest UDP response sent, and the size announced in OPT (RFC 6891 §6.2.5).
    pub udp_payload_size: u16,
    /// The secret behind server cookies (RFC 9018 §4).
    pub cookie_secret: [u8; 16],
    /// Adds the apex NS to positive answers, as Route 53 does.
    pub authority: bool,
}

/// Who asks, and by which transport.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    pub address: IpAddr,
    pub transport: Transport,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Udp,
    Tcp,
}

/// What became of one message, for counters and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Octets written to the output; 0 when nothing may be sent.
    pub len: usize,
    /// The extended response code; meaningless when nothing is sent.
    pub rcode: u16,
    /// The query type, where the message had a readable question.
    pub qtype: Option<RecordType>,
    /// TC was set.
    pub truncated: bool,
    /// What was wrong with the message, where something was.
    pub malformed: Option<MalformedKind>,
}

/// Answers one message into `out`, which must hold at least 512 octets for UDP and 65,535 for streams.
///
/// `now_secs` are seconds since 1970 (for cookies), `draw` the chance this query is given.
pub fn respond(
    _snapshot: &Snapshot,
    _identity: &Identity,
    _message: &[u8],
    _asker: &Asker,
    _now_secs: u32,
    _draw: Draw,
    _out: &mut [u8],
) -> Report {
    Report { len: 0, rcode: 0, qtype: None, truncated: false, malformed: None }
}
