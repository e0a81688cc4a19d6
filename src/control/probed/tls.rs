//! The keys that say how TLS is spoken, and which certificates will do.

use crate::health::protocol::tls::TlsOptions;
use crate::toml_table::{Table, Value};

/// Reads what every kind over TLS has; the server name follows from the target.
pub(super) fn read_tls(table: &mut Table<'_>, verify: bool) -> TlsOptions {
    let verify = table.bool_or("verify", verify);
    let days_left = table.optional_int("days_left", 1..=3_650);
    TlsOptions { server_name: None, verify, days_left: days_left.map(|days| u16::try_from(days).expect("1 to 3650")) }
}

/// Reads the names of the protocols that are offered.
pub(super) fn read_alpn(table: &mut Table<'_>) -> Vec<String> {
    table.array("alpn").iter().filter_map(read_protocol).collect()
}

fn read_protocol(value: &Value<'_>) -> Option<String> {
    let written = value.string()?;
    // RFC 7301 §3.1; names in use are printable.
    if !(1..=255).contains(&written.len()) || !written.bytes().all(|octet| octet.is_ascii_graphic()) {
        value.wrong(format_args!("{written:?} is no name of a protocol"), "such as \"h2\" or \"http/1.1\"");
        return None;
    }
    Some(written.to_owned())
}
