//! EDNS: what a query's OPT record asks for.
//!
//! Options that are not named here are ignored, as RFC 6891 §6.1.2 has it. Invariant: an option that exists was
//! well-formed by its own RFC. Sources: RFC 6891, RFC 5001 (NSID), RFC 7871 (client subnet), RFC 7873 (cookies),
//! RFC 7828 (keepalive), RFC 8914 (extended errors).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::query::MalformedKind;

/// Option codes.
pub const NSID: u16 = 3;
pub const CLIENT_SUBNET: u16 = 8;
const CLIENT_SUBNET_LOW: u8 = CLIENT_SUBNET as u8;
pub const COOKIE: u16 = 10;
pub const KEEPALIVE: u16 = 11;
pub const EXTENDED_ERROR: u16 = 15;

/// Octets of a client cookie (RFC 7873 §4).
pub const CLIENT_COOKIE_LEN: usize = 8;
/// Octets of a server cookie that this server may have made (RFC 9018 §4).
pub const SERVER_COOKIE_LEN: usize = 16;

/// What one OPT record said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edns {
    /// The largest UDP response the asker takes, as it said; below 512 means 512 (RFC 6891 §6.2.3).
    pub payload_size: u16,
    pub version: u8,
    /// DNSSEC answers are wanted.
    pub dnssec_ok: bool,
    /// The name server's identity is wanted.
    pub nsid: bool,
    /// The idle timeout of the stream is wanted.
    pub keepalive: bool,
    pub client_cookie: Option<[u8; CLIENT_COOKIE_LEN]>,
    /// The server cookie behind it, if this server may have made it.
    pub server_cookie: Option<[u8; SERVER_COOKIE_LEN]>,
    pub client_subnet: Option<ClientSubnet>,
    /// Which of the options above are there: a bit for each.
    asked: u8,
}

/// Bits of [`Edns::asked`].
const ASKED_SUBNET: u8 = 1;
const ASKED_ELSE: u8 = 2;

/// The ECS option of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientSubnet {
    /// All octets beyond the source prefix are 0. None for family 0, which carries no address.
    pub address: Option<IpAddr>,
    /// The source prefix length, in bits.
    pub source_prefix: u8,
}

impl Edns {
    /// What an OPT record says by its class and TTL, before its options.
    #[inline]
    pub fn fixed(class: u16, ttl: u32) -> Self {
        Self {
            payload_size: class,
            version: (ttl >> 16) as u8,
            dnssec_ok: ttl & 0x8000 != 0,
            nsid: false,
            keepalive: false,
            client_cookie: None,
            server_cookie: None,
            client_subnet: None,
            asked: 0,
        }
    }

    /// Reads the options. Of a version that is not known here they may mean anything, and are passed over: what is owed
    /// is BADVERS (RFC 6891 §6.1.3).
    ///
    /// # Errors
    /// The kind of malformation, when the options are cut short or one of those above breaks its RFC; then none holds.
    #[inline]
    pub fn take_options(&mut self, rdata: &[u8]) -> Result<(), MalformedKind> {
        if rdata.is_empty() || self.version != 0 {
            return Ok(());
        }
        // What resolvers send, if any: the client's subnet of 24 bits and nothing else.
        if let &[0, CLIENT_SUBNET_LOW, 0, 7, 0, 1, 24, 0, a, b, c] = rdata {
            let address = Some(IpAddr::V4(Ipv4Addr::new(a, b, c, 0)));
            self.client_subnet = Some(ClientSubnet { address, source_prefix: 24 });
            self.asked = ASKED_SUBNET;
            return Ok(());
        }
        self.take_each(rdata)
    }

    /// Whether it asks for any option in return.
    #[inline]
    pub fn has_options(&self) -> bool {
        self.asked != 0
    }

    /// The client's subnet, if it is the only option asked for.
    #[inline]
    pub fn sole_subnet(&self) -> Option<&ClientSubnet> {
        self.client_subnet.as_ref().filter(|_| self.asked == ASKED_SUBNET)
    }

    #[inline(never)]
    fn take_each(&mut self, mut rest: &[u8]) -> Result<(), MalformedKind> {
        while !rest.is_empty() {
            let taken = self.take_first(rest);
            match taken {
                Ok(tail) => rest = tail,
                Err(kind) => return Err(self.forget_options(kind)),
            }
        }
        Ok(())
    }

    /// Takes the option that `rest` begins with, and gives what is behind it.
    #[inline]
    fn take_first<'r>(&mut self, rest: &'r [u8]) -> Result<&'r [u8], MalformedKind> {
        let (&[code_high, code_low, len_high, len_low], tail) = rest.split_first_chunk().ok_or(MalformedKind::BadOpt)?;
        let len = usize::from(u16::from_be_bytes([len_high, len_low]));
        let (option, tail) = tail.split_at_checked(len).ok_or(MalformedKind::BadOpt)?;
        match u16::from_be_bytes([code_high, code_low]) {
            NSID => self.nsid = true,
            KEEPALIVE => self.keepalive = true,
            // Of several cookies the first counts (RFC 7873 §5.2), and so for a client subnet.
            COOKIE if self.client_cookie.is_none() => self.take_cookie(option)?,
            CLIENT_SUBNET if self.client_subnet.is_none() => {
                self.client_subnet = Some(ClientSubnet::parse(option)?);
                self.asked |= ASKED_SUBNET;
                return Ok(tail);
            }
            _ => return Ok(tail),
        }
        self.asked |= ASKED_ELSE;
        Ok(tail)
    }

    /// Says only what it did before its options, of which one was malformed.
    #[cold]
    fn forget_options(&mut self, kind: MalformedKind) -> MalformedKind {
        let Self { payload_size, version, dnssec_ok, .. } = *self;
        *self = Self { version, dnssec_ok, ..Self::fixed(payload_size, 0) };
        kind
    }

    /// Takes the client's part and what may be ours behind it (RFC 7873 §5.2: 8, or 16 to 40 octets).
    fn take_cookie(&mut self, option: &[u8]) -> Result<(), MalformedKind> {
        let (client, server) = match (option.split_first_chunk(), option.len()) {
            (Some(parts), 8 | 16..=40) => parts,
            _ => return Err(MalformedKind::BadCookie),
        };
        (self.client_cookie, self.server_cookie) = (Some(*client), server.try_into().ok());
        Ok(())
    }
}

impl ClientSubnet {
    /// Reads the option (RFC 7871 §6): as many address octets as the source prefix needs, all bits beyond it 0, and a
    /// scope prefix of 0.
    #[inline]
    fn parse(option: &[u8]) -> Result<Self, MalformedKind> {
        let Some((&[family_high, family_low, source_prefix, 0], octets)) = option.split_first_chunk() else {
            return Err(MalformedKind::BadClientSubnet);
        };
        if octets.len() != usize::from(source_prefix).div_ceil(8) {
            return Err(MalformedKind::BadClientSubnet);
        }
        let address = match u16::from_be_bytes([family_high, family_low]) {
            1 => parse_v4(octets, source_prefix),
            other => parse_other(other, octets, source_prefix),
        };
        let address = address.ok_or(MalformedKind::BadClientSubnet)?;
        Ok(Self { address, source_prefix })
    }

    /// The option's address family (RFC 7871 §6).
    pub fn family(&self) -> u16 {
        match self.address {
            None => 0,
            Some(IpAddr::V4(_)) => 1,
            Some(IpAddr::V6(_)) => 2,
        }
    }
}

/// As many octets of an IPv4 address as `source_prefix` bits take.
#[inline]
fn parse_v4(octets: &[u8], source_prefix: u8) -> Option<Option<IpAddr>> {
    let address = match *octets {
        // What resolvers send.
        [a, b, c] => [a, b, c, 0],
        [] => [0; 4],
        [a] => [a, 0, 0, 0],
        [a, b] => [a, b, 0, 0],
        [a, b, c, d] => [a, b, c, d],
        _ => return None,
    };
    let bits = u32::from_be_bytes(address);
    let beyond = bits.checked_shl(source_prefix.into()).unwrap_or(0);
    (source_prefix <= 32 && beyond == 0).then_some(Some(IpAddr::V4(Ipv4Addr::from_bits(bits))))
}

/// The same of an IPv6 address; of no address, for family 0; none for families that are not known.
fn parse_other(family: u16, octets: &[u8], source_prefix: u8) -> Option<Option<IpAddr>> {
    match family {
        0 => (source_prefix == 0).then_some(None),
        2 => {
            let missing = 16usize.checked_sub(octets.len())?;
            let high = octets.iter().fold(0u128, |high, octet| high << 8 | u128::from(*octet));
            let bits = high.checked_shl(8 * missing as u32).unwrap_or(0);
            let beyond = bits.checked_shl(source_prefix.into()).unwrap_or(0);
            (source_prefix <= 128 && beyond == 0).then_some(Some(IpAddr::V6(Ipv6Addr::from_bits(bits))))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_subnet_is_read_only_as_rfc_7871_writes_it() {
        let parsed = |option: &[u8]| ClientSubnet::parse(option).ok().map(|subnet| (subnet.address, subnet.source_prefix));
        let v4 = |octets: [u8; 4]| Some(IpAddr::from(octets));
        for (option, expected) in [
            (&[0, 1, 24, 0, 192, 0, 2][..], Some((v4([192, 0, 2, 0]), 24))),
            (&[0, 1, 0, 0], Some((v4([0, 0, 0, 0]), 0))),
            (&[0, 0, 0, 0], Some((None, 0))),
            (&[0, 1, 20, 0, 192, 0, 0x20], Some((v4([192, 0, 32, 0]), 20))),
            (&[0, 2, 8, 0, 0x20], Some((Some("2000::".parse().expect("an address")), 8))),
            (&[0, 1, 20, 0, 192, 0, 0x21], None), // a bit beyond the prefix
            (&[0, 1, 24, 24, 192, 0, 2], None),   // a scope in a query
            (&[0, 1, 24, 0, 192, 0], None),       // too few octets
            (&[0, 1, 24, 0, 192, 0, 2, 0], None), // too many
            (&[0, 1, 33, 0, 192, 0, 2, 0, 0], None),
            (&[0, 3, 0, 0], None),
            (&[0, 1, 0], None),
            (&[], None),
        ] {
            assert_eq!(parsed(option), expected, "{option:?}");
        }
    }

    #[test]
    fn a_cookie_is_8_or_16_to_40_octets() {
        for len in 0..=48 {
            let mut edns = Edns::fixed(1232, 0);
            assert_eq!(edns.take_cookie(&vec![7; len]).is_ok(), len == 8 || (16..=40).contains(&len), "{len}");
            assert_eq!(edns.server_cookie.is_some(), len == 24, "{len}");
        }
    }

    #[test]
    fn unknown_options_are_passed_over_and_cut_ones_refused() {
        let mut edns = Edns::fixed(1232, 0x8000);
        assert_eq!(edns.take_options(&[0xff, 0xfe, 0, 2, 1, 2, 0, 3, 0, 0]), Ok(()));
        assert!(edns.nsid && edns.dnssec_ok && edns.version == 0);
        for cut in [&[0, 3, 0, 0, 0, 3, 0, 1][..], &[0, 3, 0]] {
            let mut edns = Edns::fixed(1232, 0);
            assert_eq!(edns.take_options(cut), Err(MalformedKind::BadOpt));
            assert_eq!(edns, Edns::fixed(1232, 0));
        }
    }
}
