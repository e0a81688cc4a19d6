//! The address that an answer is tailored to.
//!
//! Invariant: octets beyond `prefix_len` are 0; an IPv4 address mapped into IPv6 is IPv4 here.
//! Source: RFC 7871 §7.1.2 and §7.2.1 (a source prefix of 0 asks for an answer that looks at the resolver only).

use std::fmt;
use std::net::IpAddr;

/// Who an answer is for, as far as the query tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    pub address: IpAddr,
    /// How many bits of it are known: all of a resolver's, the source prefix of an ECS subnet.
    pub prefix_len: u8,
    pub source: ClientSource,
}

/// Where a client's address comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientSource {
    /// It is the address that the query came from.
    Resolver,
    /// The resolver sent it in an ECS option.
    Subnet,
}

impl Client {
    /// The client of a query from `resolver`, which sent `subnet` (an address and its source prefix length).
    #[inline]
    pub fn of(subnet: Option<(IpAddr, u8)>, resolver: IpAddr) -> Self {
        match subnet {
            Some((address, prefix_len)) if prefix_len > 0 => Self { address, prefix_len, source: ClientSource::Subnet },
            _ => {
                let address = if resolver.is_ipv4() { resolver } else { canonical(resolver) };
                Self { address, prefix_len: bits(address), source: ClientSource::Resolver }
            }
        }
    }
}

/// Not inlined: where the compiler sees that octets may move, it copies every address octet by octet.
#[inline(never)]
fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// Bits of an address of this family.
#[inline]
pub fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// `198.51.100.0/24 (ECS)`, `192.0.2.53 (resolver)`
impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source {
            ClientSource::Subnet => write!(f, "{}/{} (ECS)", self.address, self.prefix_len),
            ClientSource::Resolver => write!(f, "{} (resolver)", self.address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_is_never_taken_for_the_resolver() {
        let resolver = "192.0.2.53".parse().expect("an address");
        let subnet: IpAddr = "198.51.100.0".parse().expect("an address");
        assert_eq!(Client::of(Some((subnet, 24)), resolver).to_string(), "198.51.100.0/24 (ECS)");
        assert_eq!(Client::of(Some((subnet, 0)), resolver).to_string(), "192.0.2.53 (resolver)");
        assert_eq!(Client::of(None, resolver).to_string(), "192.0.2.53 (resolver)");
        let mapped = "::ffff:192.0.2.53".parse().expect("an address");
        assert_eq!(Client::of(None, mapped).to_string(), "192.0.2.53 (resolver)");
    }
}
