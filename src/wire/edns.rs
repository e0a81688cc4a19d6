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
    /// Whether one of the options above is there.
    has_options: bool,
}

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
            has_options: false,
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
        let without = *self;
        let taken = self.take_each(rdata);
        if taken.is_err() {
            *self = without;
        }
        taken
    }

    /// Whether it asks for any option in return.
    #[inline]
    pub fn has_options(&self) -> bool {
        self.has_options
    }

    fn take_each(&mut self, mut rest: &[u8]) -> Result<(), MalformedKind> {
        while !rest.is_empty() {
            let (head, tail) = rest.split_first_chunk::<4>().ok_or(MalformedKind::BadOpt)?;
            let code = u16::from_be_bytes([head[0], head[1]]);
            let len = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let (option, tail) = tail.split_at_checked(len).ok_or(MalformedKind::BadOpt)?;
            self.take_option(code, option)?;
            rest = tail;
        }
        Ok(())
    }

    fn take_option(&mut self, code: u16, option: &[u8]) -> Result<(), MalformedKind> {
        match code {
            NSID => self.nsid = true,
            KEEPALIVE => self.keepalive = true,
            // Of several cookies the first counts (RFC 7873 §5.2), and so for a client subnet.
            COOKIE if self.client_cookie.is_none() => self.take_cookie(option)?,
            CLIENT_SUBNET if self.client_subnet.is_none() => self.client_subnet = Some(ClientSubnet::parse(option)?),
            _ => return Ok(()),
        }
        self.has_options = true;
        Ok(())
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
    fn parse(option: &[u8]) -> Result<Self, MalformedKind> {
        let Some((&[family_high, family_low, source_prefix, 0], octets)) = option.split_first_chunk() else {
            return Err(MalformedKind::BadClientSubnet);
        };
        let bits = match u16::from_be_bytes([family_high, family_low]) {
            0 => 0,
            1 => 32,
            2 => 128,
            _ => return Err(MalformedKind::BadClientSubnet),
        };
        let last_bits = source_prefix % 8;
        let beyond = octets.last().filter(|_| last_bits != 0).map_or(0, |last| last << last_bits);
        if source_prefix > bits || octets.len() != usize::from(source_prefix).div_ceil(8) || beyond != 0 {
            return Err(MalformedKind::BadClientSubnet);
        }
        let mut address = [0; 16];
        address[..octets.len()].copy_from_slice(octets);
        let v4 = || Ipv4Addr::new(address[0], address[1], address[2], address[3]);
        let address = match bits {
            0 => None,
            32 => Some(IpAddr::V4(v4())),
            _ => Some(IpAddr::V6(Ipv6Addr::from(address))),
        };
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
