//! A query in octets, for those who ask this server itself: with EDNS, and the client's subnet where one is told.
//!
//! Sources: RFC 1035 §4.1, RFC 6891 §6.1.2, RFC 7871 §6.

use std::net::IpAddr;

use ipnet::IpNet;

use super::edns::CLIENT_SUBNET;
use super::name::Name;
use super::rtype::{Class, RecordType};

/// The query with an OPT record, so that the response may say a scope and an extended error.
pub fn encode_query(name: &Name, rtype: RecordType, client: Option<IpNet>) -> Vec<u8> {
    let options = client.map(encode_client_subnet).unwrap_or_default();
    let mut query = vec![0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    query.extend_from_slice(name.as_wire());
    query.extend_from_slice(&rtype.0.to_be_bytes());
    query.extend_from_slice(&Class::IN.0.to_be_bytes());
    query.push(0);
    query.extend_from_slice(&RecordType::OPT.0.to_be_bytes());
    query.extend_from_slice(&u16::MAX.to_be_bytes());
    query.extend_from_slice(&[0; 4]);
    query.extend_from_slice(&(options.len() as u16).to_be_bytes());
    query.extend_from_slice(&options);
    query
}

/// Family, source prefix length, scope prefix length 0, and no more octets than the length needs (RFC 7871 §6).
fn encode_client_subnet(subnet: IpNet) -> Vec<u8> {
    let (family, octets): (u16, Vec<u8>) = match subnet.network() {
        IpAddr::V4(address) => (1, address.octets().into()),
        IpAddr::V6(address) => (2, address.octets().into()),
    };
    let address = &octets[..usize::from(subnet.prefix_len()).div_ceil(8)];
    let [family_high, family_low] = family.to_be_bytes();
    let [code_high, code_low] = CLIENT_SUBNET.to_be_bytes();
    let mut option = vec![code_high, code_low, 0, 4 + address.len() as u8, family_high, family_low, subnet.prefix_len(), 0];
    option.extend_from_slice(address);
    option
}
