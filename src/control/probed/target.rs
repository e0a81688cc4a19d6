//! What a check connects to, as written: addresses, host names, ports.
//!
//! Invariant: a host name that is accepted can be looked up, and can stand in a Host header.

use std::net::{IpAddr, SocketAddr};

use crate::health::check::TargetHost;
use crate::toml_table::Value;

/// Reads what an endpoint's probe connects to: an address or a host name, with or without a port.
pub(in crate::control) fn read_target(value: &Value<'_>) -> Option<(TargetHost, Option<u16>)> {
    let written = value.string()?;
    let target = parse_target(written);
    if target.is_none() {
        value.wrong(
            format_args!("{written:?} is nothing to connect to"),
            "such as 127.0.0.1:8081, [::1]:8081, www.example.org:8081; without a port, the probe's",
        );
    }
    target
}

fn parse_target(text: &str) -> Option<(TargetHost, Option<u16>)> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return (address.port() != 0).then(|| (TargetHost::Address(address.ip()), Some(address.port())));
    }
    if let Some(address) = address_of(text) {
        return Some((TargetHost::Address(address), None));
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok().filter(|port| *port != 0)?)),
        None => (text, None),
    };
    Some((target_host(&parse_host(host)?), port))
}

/// A host name or an address, without a final dot.
pub(super) fn read_host(value: &Value<'_>) -> Option<String> {
    let written = value.string()?;
    let host = parse_host(written);
    if host.is_none() {
        value.wrong(format_args!("{written:?} is no host name"), "such as www.example.org");
    }
    host
}

fn parse_host(text: &str) -> Option<String> {
    if let Some(address) = address_of(text) {
        return Some(bracketed(address));
    }
    let host = text.strip_suffix('.').unwrap_or(text);
    let is_name = host.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_.".contains(&octet));
    let is_valid = is_name && !host.contains("..") && !host.starts_with('.');
    ((1..=255).contains(&host.len()) && is_valid).then(|| host.to_owned())
}

/// An address as a Host header has it (RFC 3986 §3.2.2).
pub(in crate::control) fn bracketed(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// The address that a host is, if it is one, in brackets or without.
pub(super) fn address_of(host: &str) -> Option<IpAddr> {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse().ok()
}

pub(super) fn target_host(host: &str) -> TargetHost {
    address_of(host).map_or_else(|| TargetHost::Name(host.to_owned()), TargetHost::Address)
}
