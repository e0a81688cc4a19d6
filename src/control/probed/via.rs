//! The way from here to the target, as written: the local address, and the header that proxies send.

use std::net::IpAddr;

use crate::health::check::{ProxyProtocol, Target, TargetHost, Via};
use crate::toml_table::Table;

/// Reads the way; `has_connection` where there is one that a header can be sent on.
pub(super) fn read_via(table: &mut Table<'_>, has_connection: bool) -> Via {
    let source = table.optional_parsed::<IpAddr>("source", "an address of this machine, such as 192.0.2.1");
    let proxy_protocol = if has_connection { table.optional("proxy_protocol") } else { None };
    Via { source, proxy_protocol: proxy_protocol.and_then(|value| value.word(&ProxyProtocol::WORDS)) }
}

/// Why the target cannot be reached from the source, if it is of the other family.
pub(super) fn mismatch(via: Via, target: &Target) -> Option<String> {
    match (via.source, &target.host) {
        (Some(source), TargetHost::Address(address)) if source.is_ipv4() != address.is_ipv4() => {
            Some(format!("{address} cannot be probed from {source}: they are of two families"))
        }
        _ => None,
    }
}
