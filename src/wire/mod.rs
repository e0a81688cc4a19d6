//! Bytes and messages: what one DNS message may hold, and the limits that keep it so.
//!
//! Knows no zone. Everything here is total: any octets in, a value or a named refusal out, never a panic.
//! Sources: RFC 1035 §2.3.4 and §4, RFC 6891 (EDNS), RFC 7873 (cookies), RFC 7871 (client subnet).

pub mod ask;
pub mod edns;
pub mod header;
pub mod malformed;
pub mod name;
pub mod qname;
pub mod query;
pub mod rtype;
pub mod writer;

/// Octets of a message header (RFC 1035 §4.1.1).
pub const HEADER_LEN: usize = 12;
/// The most octets of a name in wire form, root label included (RFC 1035 §2.3.4).
pub const NAME_MAX: usize = 255;
/// The most octets of one label (RFC 1035 §2.3.4).
pub const LABEL_MAX: usize = 63;
/// The most labels of a name, root label not counted: 255 octets of one-octet labels.
pub const LABELS_MAX: usize = 127;
/// The most octets of a UDP response to an asker without EDNS (RFC 1035 §2.3.4).
pub const UDP_MIN: usize = 512;
/// The most octets of any message: what the two-octet length of a stream can say (RFC 1035 §4.2.2).
pub const MESSAGE_MAX: usize = 65_535;
