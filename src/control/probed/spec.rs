//! What a check asks, before it is known of whom; and which keys say so, in both notations.
//!
//! Invariant: a key that means nothing to the type is refused, whichever notation it is written in.

use super::command::read_command;
use super::dns::read_query;
use super::http::read_request;
use super::roles::{named_role, read_role};
use super::target::{address_of, bracketed, read_host};
use super::tls::{read_alpn, read_tls};
use crate::health::check::{Target, TargetHost};
use crate::health::protocol::Protocol;
use crate::health::protocol::grpc::GrpcCheck;
use crate::health::protocol::http::HttpRequest;
use crate::health::protocol::tls::{TlsCheck, TlsOptions};
use crate::toml_table::Table;

/// What is asked of any target. The protocol lacks what follows from the target: Host header and server name.
pub(super) struct Spec {
    pub protocol: Protocol,
    /// Host header and SNI.
    pub host: Option<String>,
    enable_sni: bool,
}

/// The words of a notation, where they differ.
#[derive(Clone, Copy)]
pub(super) struct Words {
    pub path: &'static str,
    pub search: &'static str,
    is_route53: bool,
}

impl Words {
    pub const PROBE: Self = Self { path: "path", search: "search", is_route53: false };
    pub const CHECK: Self = Self { path: "resource_path", search: "search_string", is_route53: true };

    /// The key of the Host header and of SNI.
    fn host(self, word: &str) -> &'static str {
        if self.is_route53 && HTTP.contains(&word) { "fully_qualified_domain_name" } else { "host" }
    }

    /// Route 53 does not verify; waypost's own kinds do in either notation.
    fn verify(self, word: &str) -> bool {
        !self.is_route53 || word != "https"
    }
}

/// Reads the keys of one type.
pub(super) fn read_spec(table: &mut Table<'_>, word: &'static str, words: Words) -> Option<Spec> {
    let mut host = None;
    if HOSTED.contains(&word) {
        host = table.optional(words.host(word)).and_then(|value| read_host(&value));
    }
    let enable_sni = !words.is_route53 || !TLS.contains(&word) || table.bool_or("enable_sni", true);
    let protocol = match word {
        "tcp" => Protocol::Tcp,
        "icmp" => Protocol::Icmp,
        "dns" => Protocol::Dns(read_query(table)?),
        "http" => Protocol::Http(read_request(table, words)),
        "https" => Protocol::Https(read_request(table, words), read_tls(table, words.verify(word))),
        "tls" => Protocol::Tls(TlsCheck { tls: read_tls(table, true), alpn: read_alpn(table) }),
        "grpc" => Protocol::Grpc(read_grpc(table)),
        "command" => Protocol::Command(read_command(table)?),
        engine => Protocol::Role(Box::new(read_role(engine, table)?)),
    };
    Some(Spec { protocol, host, enable_sni })
}

fn read_grpc(table: &mut Table<'_>) -> GrpcCheck {
    let service = table.optional("service").and_then(|value| value.string()).unwrap_or_default().to_owned();
    let tls = if table.bool_or("tls", false) {
        Some(read_tls(table, true))
    } else {
        for key in ["verify", "days_left", "enable_sni"] {
            table.refuse(key, "means something only with tls = true");
        }
        None
    };
    GrpcCheck { authority: String::new(), service, tls }
}

impl Spec {
    /// What is asked of `target`.
    pub(super) fn protocol_for(&self, target: &Target) -> Protocol {
        let host = self.host.clone().unwrap_or_else(|| match &target.host {
            TargetHost::Address(address) => bracketed(*address),
            TargetHost::Name(name) => name.clone(),
        });
        // SNI holds host names, no addresses (RFC 6066 §3).
        let server_name = Some(&host).filter(|host| self.enable_sni && address_of(host).is_none()).cloned();
        let named = |tls: TlsOptions| TlsOptions { server_name, ..tls };
        // The port is told unless it is the scheme's own (RFC 9110 §7.2; Route 53 does the same).
        let is_default = self.protocol.default_port() == Some(target.port);
        let host = if is_default { host } else { format!("{host}:{}", target.port) };
        match self.protocol.clone() {
            Protocol::Http(request) => Protocol::Http(HttpRequest { host, ..request }),
            Protocol::Https(request, tls) => Protocol::Https(HttpRequest { host, ..request }, named(tls)),
            Protocol::Tls(check) => Protocol::Tls(TlsCheck { tls: named(check.tls), ..check }),
            Protocol::Grpc(check) => Protocol::Grpc(GrpcCheck { authority: host, tls: check.tls.map(named), ..check }),
            Protocol::Role(check) => Protocol::Role(Box::new(named_role(*check, self.host.as_deref(), target))),
            protocol @ (Protocol::Tcp | Protocol::Dns(_) | Protocol::Icmp | Protocol::Command(_)) => protocol,
        }
    }

    /// The request over HTTP, if it is one.
    pub(super) fn request(&self) -> Option<&HttpRequest> {
        match &self.protocol {
            Protocol::Http(request) | Protocol::Https(request, _) => Some(request),
            _ => None,
        }
    }
}

/// Refuses the keys that mean nothing to the type; without a type only notes that they exist.
pub(super) fn refuse_others(table: &mut Table<'_>, word: Option<&str>, words: Words) {
    let of_notation = if words.is_route53 { ONLY_CHECK } else { ONLY_PROBE };
    for (key, types) in ONLY.iter().chain(of_notation) {
        match word {
            None => drop(table.optional(key)),
            Some(word) if types.contains(&word) => {}
            Some(_) => table.refuse(key, &format!("means something only with type {}", types.join(" or "))),
        }
    }
}

/// The types that both notations have.
pub(super) const TYPES: [&str; 11] =
    ["http", "https", "tcp", "tls", "dns", "icmp", "grpc", "postgres", "mysql", "redis", "command"];

const HTTP: &[&str] = &["http", "https"];
const TLS: &[&str] = &["https", "tls", "grpc"];
const DNS: &[&str] = &["dns"];
const GRPC: &[&str] = &["grpc"];
const ROLES: &[&str] = &["postgres", "mysql", "redis"];
const COMMAND: &[&str] = &["command"];
const HOSTED: &[&str] = &["http", "https", "tls", "grpc", "postgres", "mysql", "redis"];
const ROUTE53: &[&str] = &["http", "https", "tcp"];

/// Which types have which keys; what is not here, all have.
const ONLY: &[(&str, &[&str])] = &[
    ("port", &["http", "https", "tcp", "tls", "dns", "grpc", "postgres", "mysql", "redis", "command"]),
    ("source", &["http", "https", "tcp", "tls", "dns", "icmp", "grpc", "postgres", "mysql", "redis"]),
    ("proxy_protocol", &["http", "https", "tcp", "tls", "grpc", "postgres", "mysql", "redis"]),
    ("method", HTTP),
    ("headers", HTTP),
    ("body", HTTP),
    ("expect", HTTP),
    ("matches", HTTP),
    ("http2", HTTP),
    ("follow", HTTP),
    ("verify", TLS),
    ("days_left", TLS),
    ("alpn", &["tls"]),
    ("query", DNS),
    ("expect_rcode", DNS),
    ("answer", DNS),
    ("recursion", DNS),
    ("service", GRPC),
    ("tls", &["grpc", "postgres", "mysql", "redis"]),
    ("role", ROLES),
    ("user", ROLES),
    ("password_file", ROLES),
    ("database", &["postgres"]),
    ("command", COMMAND),
];
const ONLY_PROBE: &[(&str, &[&str])] = &[("host", HOSTED), ("path", HTTP), ("search", HTTP)];
const ONLY_CHECK: &[(&str, &[&str])] = &[
    ("fully_qualified_domain_name", ROUTE53),
    ("ip_address", ROUTE53),
    ("resource_path", HTTP),
    ("search_string", HTTP),
    ("enable_sni", TLS),
    ("host", &["tls", "grpc", "postgres", "mysql", "redis"]),
];
