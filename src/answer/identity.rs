//! How the server presents itself.
//!
//! Not who may ask, nor what is answered. Invariant: the same for every query until the next reload. Sources: RFC 4892,
//! RFC 5001, RFC 6891 §6.2.5, RFC 7828, RFC 9018.

/// How the server presents itself and what it accepts; the same for every query until the next reload.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Answered to NSID (RFC 5001) and, as text, to `id.server. CH TXT` (RFC 4892); refused when none.
    pub nsid: Option<Box<[u8]>>,
    /// Answered to `version.bind.` and `version.server. CH TXT`; refused when none.
    pub version: Option<Box<[u8]>>,
    /// The largest UDP response sent, and the size announced in OPT (RFC 6891 §6.2.5); at least 512.
    pub udp_payload_size: u16,
    /// The secret behind server cookies (RFC 9018 §4).
    pub cookie_secret: [u8; 16],
    /// Adds the apex NS to positive answers, as Route 53 does.
    pub authority: bool,
    /// The idle timeout of streams in tenths of a second, for those who ask (RFC 7828).
    pub keepalive_tenths: u16,
}

/// The UDP payload size that avoids fragments on all but odd paths (DNS flag day 2020).
pub const UDP_PAYLOAD_SIZE: u16 = 1232;

impl Default for Identity {
    /// Says nothing of itself; the secret is no secret until it is set.
    fn default() -> Self {
        Self {
            nsid: None,
            version: None,
            udp_payload_size: UDP_PAYLOAD_SIZE,
            cookie_secret: [0; 16],
            authority: false,
            keepalive_tenths: 0,
        }
    }
}
