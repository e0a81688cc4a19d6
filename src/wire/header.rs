//! The message header: flags, opcodes and response codes by name.
//!
//! Sources: RFC 1035 §4.1.1, RFC 2136 §2.2, RFC 6891 §6.1.3 (extended codes), RFC 7873 §8.

use std::fmt;

/// Query or response (in the third octet).
pub const QR: u8 = 0x80;
/// Authoritative answer (third octet).
pub const AA: u8 = 0x04;
/// Truncated (third octet).
pub const TC: u8 = 0x02;
/// Recursion desired (third octet); copied into the response.
pub const RD: u8 = 0x01;
/// Where the opcode lies in the third octet.
pub const OPCODE: u8 = 0x78;

/// A response code; those above 15 need EDNS to be sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rcode(pub u16);

impl Rcode {
    pub const NOERROR: Self = Self(0);
    pub const FORMERR: Self = Self(1);
    pub const SERVFAIL: Self = Self(2);
    pub const NXDOMAIN: Self = Self(3);
    pub const NOTIMP: Self = Self(4);
    pub const REFUSED: Self = Self(5);
    pub const YXDOMAIN: Self = Self(6);
    pub const NOTAUTH: Self = Self(9);
    pub const BADVERS: Self = Self(16);
    pub const BADCOOKIE: Self = Self(23);

    /// Every code that this server sends, for counters.
    pub const ALL: [Self; 10] = [
        Self::NOERROR,
        Self::FORMERR,
        Self::SERVFAIL,
        Self::NXDOMAIN,
        Self::NOTIMP,
        Self::REFUSED,
        Self::YXDOMAIN,
        Self::NOTAUTH,
        Self::BADVERS,
        Self::BADCOOKIE,
    ];

    /// The mnemonic, where this server knows one.
    pub fn mnemonic(self) -> Option<&'static str> {
        Some(match self {
            Self::NOERROR => "NOERROR",
            Self::FORMERR => "FORMERR",
            Self::SERVFAIL => "SERVFAIL",
            Self::NXDOMAIN => "NXDOMAIN",
            Self::NOTIMP => "NOTIMP",
            Self::REFUSED => "REFUSED",
            Self::YXDOMAIN => "YXDOMAIN",
            Self::NOTAUTH => "NOTAUTH",
            Self::BADVERS => "BADVERS",
            Self::BADCOOKIE => "BADCOOKIE",
            _ => return None,
        })
    }
}

impl fmt::Display for Rcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mnemonic() {
            Some(mnemonic) => f.pad(mnemonic),
            None => write!(f, "RCODE{}", self.0),
        }
    }
}

impl fmt::Debug for Rcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
