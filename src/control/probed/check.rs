//! `[check]` tables: Route 53's fields and types, waypost's own kinds, and checks of checks.
//!
//! Source: Route 53 API reference, `HealthCheckConfig`.

use std::net::IpAddr;
use std::sync::Arc;

use super::signal::{SIGNAL_TYPES, read_signal};
use super::spec::{Spec, TYPES, Words, read_spec, refuse_others};
use super::target::{read_host, target_host};
use super::timing::{Notation, read_timing};
use super::via::{mismatch, read_via};
use super::{DefinedCheck, Standing, has_connection, patience, read_port};
use crate::geography::site::RegionName;
use crate::health::check::{CheckKind, EndpointCheck, HealthCheck, Target, TargetHost};
use crate::health::protocol::http::Search;
use crate::ids::HealthCheckId;
use crate::problem::nearest;
use crate::toml_table::{Table, Value};

/// The `[check.NAME]` tables.
pub(in crate::control) fn read_checks(root: &mut Table<'_>) -> Vec<DefinedCheck> {
    let named = root.named_tables("check").into_iter();
    named
        .filter_map(|(name, span, table)| {
            let place = table.document().place(&span);
            let id = HealthCheckId::new(name).map_err(|error| table.error(&format!("the name {error}"))).ok()?;
            Some(DefinedCheck { check: read_check(&id, table), id, place })
        })
        .collect()
}

fn read_check(id: &HealthCheckId, mut table: Table<'_>) -> Option<HealthCheck> {
    let value = table.required("type", "\"https\"")?;
    let found = value.string()?;
    let word = found.to_ascii_lowercase();
    // Without a known type nothing is known of the other keys.
    if !types().any(|known| known == word) {
        refuse_type(&value, found, &word);
        return None;
    }
    let kind = match word.as_str() {
        "calculated" => read_calculated(&mut table),
        word if SIGNAL_TYPES.contains(&word) => read_signal(word, &mut table).map(CheckKind::Signal),
        word => read_endpoint_check(&value, word, &mut table),
    };
    let standing = Standing::read(&mut table);
    let region = read_region(&mut table);
    table.finish();
    Some(HealthCheck { region, ..standing.of(id.clone(), kind?) })
}

/// Reads where the endpoint stands; an endpoint's own table says it for a probe.
fn read_region(table: &mut Table<'_>) -> Option<Arc<str>> {
    let value = table.optional("region")?;
    let region = RegionName::parse(value.string()?);
    region.map_err(|error| value.wrong(error, "such as \"aws:eu-central-1\"")).ok().map(|region| region.as_str().into())
}

fn read_calculated(table: &mut Table<'_>) -> Option<CheckKind> {
    let children = table.required("children", "[\"fra\", \"iad\"]");
    let threshold = table.required("health_threshold", "1").and_then(|value| value.int(0..=CHILDREN_MAX));
    let children: Vec<_> = children?.items().into_iter().filter_map(|item| read_id(&item)).collect();
    Some(CheckKind::Calculated { children, health_threshold: u32::try_from(threshold?).expect("0 to 256") })
}

/// Reads a reference to a health check.
pub(in crate::control) fn read_id(value: &Value<'_>) -> Option<HealthCheckId> {
    HealthCheckId::new(value.string()?).map_err(|error| value.error(format_args!("the name {error}"))).ok()
}

fn read_endpoint_check(value: &Value<'_>, found: &str, table: &mut Table<'_>) -> Option<CheckKind> {
    let word = TYPES.into_iter().find(|word| found.strip_suffix("_str_match").unwrap_or(found) == *word)?;
    refuse_others(table, Some(word), Words::CHECK);
    let spec = read_spec(table, word, Words::CHECK);
    let search = spec.as_ref().and_then(|spec| spec.request()).and_then(|request| request.search.as_ref());
    match (word != found, search) {
        (true, None | Some(Search::Pattern(_))) => value.error(format_args!("{found} needs a search_string")),
        (false, Some(Search::Text(_))) => {
            value.wrong(format_args!("{found} takes no search_string"), format!("type = \"{found}_str_match\""));
        }
        _ => {}
    }
    let port = if word == "icmp" { None } else { read_port(table) };
    let via = read_via(table, has_connection(word));
    let timing = read_timing(table, Notation::Check, patience(Some(word)));
    let host = read_check_host(table, word, spec.as_ref());
    let spec = spec?;
    let Some(port) = port.or(spec.protocol.default_port()) else {
        table.error(&format!("port is missing; a {word} check has no usual one"));
        return None;
    };
    let target = Target { host: host?, port };
    if let Some(message) = mismatch(via, &target) {
        table.error(&message);
    }
    let check = EndpointCheck { protocol: spec.protocol_for(&target), target, via, timing };
    Some(CheckKind::Endpoint(Box::new(check)))
}

fn refuse_type(value: &Value<'_>, found: &str, word: &str) {
    let accepted = || format!("accepted are {}", types().collect::<Vec<_>>().join(", "));
    let help = match nearest(word, types()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => accepted(),
    };
    value.wrong(format_args!("{found:?} is no type of health check"), help);
}

/// What a check connects to: `target` (waypost's own), else, of Route 53's types, `ip_address` or the domain name.
fn read_check_host(table: &mut Table<'_>, word: &str, spec: Option<&Spec>) -> Option<TargetHost> {
    let target = table.optional("target");
    let is_said = target.is_some();
    let target = target.and_then(|value| read_host(&value)).map(|host| target_host(&host));
    if !["http", "https", "tcp"].contains(&word) {
        if !is_said {
            table.error("target is needed: nothing says what to probe");
        }
        return target;
    }
    let address = table.optional_parsed::<IpAddr>("ip_address", "such as 192.0.2.10 or 2001:db8::10").map(TargetHost::Address);
    // Of a TCP check in Route 53's words the domain name is what is probed, and no Host header.
    let name = table.optional("fully_qualified_domain_name");
    let is_named = name.is_some();
    let name = if word == "tcp" { name.and_then(|value| read_host(&value)) } else { spec.and_then(|spec| spec.host.clone()) };
    let host = target.or(address).or_else(|| name.as_deref().map(target_host));
    if host.is_none() && !is_said && !is_named && table.optional("ip_address").is_none() {
        table.error("ip_address or fully_qualified_domain_name is needed: nothing says what to probe");
    }
    host
}

/// Route 53's types, and waypost's own.
fn types() -> impl Iterator<Item = &'static str> {
    TYPES.into_iter().chain(["http_str_match", "https_str_match", "calculated"]).chain(SIGNAL_TYPES)
}

/// The most children of a calculated check (Route 53, `ChildHealthChecks`).
const CHILDREN_MAX: i64 = 256;
