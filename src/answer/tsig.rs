//! The TSIG record of a response to a signed query: this server has no key, and says so.
//!
//! Verifies and signs nothing. Source: RFC 8945 §5.2.1 (BADKEY) and §5.3.2 (what goes into an unsigned TSIG).

use super::message::Message;
use crate::wire::query::Signature;
use crate::wire::rtype::{Class, RecordType};

/// The error for a key that is not known (RFC 8945 §3).
const BADKEY: u16 = 17;
/// Octets of an RR between its owner and its rdata.
const FIXED: usize = 10;
/// Octets of the rdata behind the algorithm's name, with neither MAC nor other data.
const BEHIND_ALGORITHM: usize = 16;

/// Puts the record in, last, without a MAC. A key's name so long that it does not fit is left unsaid: NOTAUTH tells.
#[cold]
pub(super) fn put_unknown_key(message: &mut Message<'_>, signature: Signature<'_>) {
    let (Some(key_name), Some((algorithm, times, id))) = (signature.key_name(), signature.parts()) else { return };
    let mut fixed = [0; FIXED];
    fixed[..2].copy_from_slice(&RecordType::TSIG.0.to_be_bytes());
    fixed[2..4].copy_from_slice(&Class::ANY.0.to_be_bytes());
    fixed[8..].copy_from_slice(&((algorithm.len() + BEHIND_ALGORITHM) as u16).to_be_bytes());
    let [error_high, error_low] = BADKEY.to_be_bytes();
    let behind = [0, 0, id[0], id[1], error_high, error_low, 0, 0];
    let parts = [key_name.as_wire(), &fixed, algorithm, &times, &behind];
    message.put_meta(&parts);
}
