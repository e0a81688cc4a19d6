//! What a response says beside its sections.
//!
//! Fills no section: see `answering`. Sources: RFC 7871 §7.2.1, RFC 8914; `rate_limit` for what a response counts as.

use super::message::Message;
use super::opt::ExtendedError;
use crate::rate_limit::{Counted, Limit};
use crate::wire::HEADER_LEN;
use crate::wire::header::Rcode;
use crate::wire::qname::QName;
use crate::zone::tree::ZoneKey;

/// What the response says beside its sections.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    /// For how many bits of the client's subnet it holds.
    pub scope_prefix: u8,
    pub error: Option<ExtendedError>,
    /// The zone that was asked.
    pub zone: Option<ZoneKey>,
    pub counted: Counted,
}

impl Told {
    pub const NOTHING_MORE: Self = Self { scope_prefix: 0, error: None, zone: None, counted: Counted::ERROR };

    /// A response without sections.
    pub fn only(message: &mut Message<'_>, rcode: Rcode, error: Option<ExtendedError>) -> Self {
        message.rcode = rcode;
        Self { error, ..Self::NOTHING_MORE }
    }
}

/// What a response counts as that is for the last `len` octets of the name asked for; for all of it, if that is 0.
#[inline]
pub(super) fn counted(limit: Limit, name: &QName, len: usize) -> Counted {
    let name_len = name.as_wire().len();
    let len = if len == 0 { name_len } else { len };
    Counted { limit, name_at: (HEADER_LEN + name_len - len) as u16, name_len: len as u8 }
}
