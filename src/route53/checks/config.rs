//! A check's configuration: out of a request, changed by one, and into a response.
//!
//! Judges nothing: see `rules`. Empty texts and lists count as absent, as some clients send them. Invariant: what is
//! shown has the defaults filled in that Route 53 fills in, as clients compare it with what they want.
//! Source: Route 53 API 2013-04-01, `HealthCheckConfig`, UpdateHealthCheck.

use std::net::{IpAddr, Ipv6Addr};

use super::{FAILURE_THRESHOLD, REQUEST_INTERVAL_SECS, is_endpoint, is_https};
use crate::route53::account::entities::{Alarm, CheckConfig};
use crate::route53::value::{Struct, Value};

/// Reads a `HealthCheckConfig`, and fills in the defaults.
pub fn read(input: &Struct) -> CheckConfig {
    let mut config = CheckConfig {
        kind: input.word("Type").to_owned(),
        request_interval: input.number("RequestInterval").and_then(|secs| secs.try_into().ok()),
        measure_latency: input.flag("MeasureLatency"),
        routing_control_arn: text(input, "RoutingControlArn"),
        ..CheckConfig::default()
    };
    merge(&mut config, input);
    fill_in(&mut config);
    config
}

/// The configuration after an `UpdateHealthCheck`: what is reset first, then what is said; the rest stays.
pub fn updated(before: &CheckConfig, input: &Struct) -> CheckConfig {
    let mut config = before.clone();
    for element in input.texts("ResetElements") {
        match element {
            "FullyQualifiedDomainName" => config.fully_qualified_domain_name = None,
            "Regions" => config.regions.clear(),
            "ResourcePath" => config.resource_path = None,
            _ => config.child_health_checks.clear(),
        }
    }
    merge(&mut config, input);
    config
}

/// Takes what both a configuration and an update can say.
fn merge(config: &mut CheckConfig, input: &Struct) {
    fn put<T>(field: &mut Option<T>, said: Option<T>) {
        if said.is_some() {
            *field = said;
        }
    }
    let number = |name: &str| input.number(name);
    put(&mut config.ip_address, text(input, "IPAddress").map(|text| address_text(&text)));
    put(&mut config.port, number("Port").and_then(|port| port.try_into().ok()));
    put(&mut config.resource_path, text(input, "ResourcePath"));
    put(&mut config.fully_qualified_domain_name, text(input, "FullyQualifiedDomainName"));
    put(&mut config.search_string, text(input, "SearchString"));
    put(&mut config.failure_threshold, number("FailureThreshold").and_then(|count| count.try_into().ok()));
    put(&mut config.health_threshold, number("HealthThreshold").and_then(|count| count.try_into().ok()));
    put(&mut config.enable_sni, input.flag("EnableSNI"));
    put(&mut config.insufficient_data_health_status, text(input, "InsufficientDataHealthStatus"));
    put(&mut config.alarm, input.structure("AlarmIdentifier").map(alarm));
    config.inverted = input.flag("Inverted").unwrap_or(config.inverted);
    config.disabled = input.flag("Disabled").unwrap_or(config.disabled);
    for (list, name) in [(&mut config.child_health_checks, "ChildHealthChecks"), (&mut config.regions, "Regions")] {
        if !input.list(name).is_empty() {
            *list = input.texts(name).map(str::to_owned).collect();
        }
    }
}

fn fill_in(config: &mut CheckConfig) {
    if is_endpoint(&config.kind) {
        config.port = config.port.or(match &*config.kind {
            "TCP" => None,
            kind => Some(if is_https(kind) { 443 } else { 80 }),
        });
        config.request_interval.get_or_insert(REQUEST_INTERVAL_SECS);
        config.failure_threshold.get_or_insert(FAILURE_THRESHOLD.get());
        config.measure_latency.get_or_insert(false);
        config.enable_sni.get_or_insert(is_https(&config.kind));
    }
    if config.kind == "CLOUDWATCH_METRIC" {
        config.insufficient_data_health_status.get_or_insert_with(|| "LastKnownStatus".to_owned());
    }
}

/// Route 53's `HealthCheckConfig`.
pub fn put(config: &CheckConfig) -> Struct {
    let list = |items: &[String]| (!items.is_empty()).then(|| items.iter().map(|item| &**item).collect::<Value>());
    let is_calculated = config.kind == "CALCULATED";
    let children = is_calculated.then(|| config.child_health_checks.iter().map(|child| &**child).collect::<Value>());
    let alarm = config.alarm.as_ref();
    Struct::new()
        .with_some("IPAddress", config.ip_address.as_deref())
        .with_some("Port", config.port.map(u32::from))
        .with("Type", &*config.kind)
        .with_some("ResourcePath", config.resource_path.as_deref())
        .with_some("FullyQualifiedDomainName", config.fully_qualified_domain_name.as_deref())
        .with_some("SearchString", config.search_string.as_deref())
        .with_some("RequestInterval", config.request_interval)
        .with_some("FailureThreshold", config.failure_threshold.map(u32::from))
        .with_some("MeasureLatency", config.measure_latency)
        .with("Inverted", config.inverted)
        .with("Disabled", config.disabled)
        .with_some("HealthThreshold", config.health_threshold)
        .with_some("ChildHealthChecks", children)
        .with_some("EnableSNI", config.enable_sni)
        .with_some("Regions", list(&config.regions))
        .with_some("AlarmIdentifier", alarm.map(|alarm| Struct::new().with("Region", &*alarm.region).with("Name", &*alarm.name)))
        .with_some("InsufficientDataHealthStatus", config.insufficient_data_health_status.as_deref())
        .with_some("RoutingControlArn", config.routing_control_arn.as_deref())
}

fn text(input: &Struct, name: &str) -> Option<String> {
    input.text(name).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn alarm(input: &Struct) -> Alarm {
    Alarm { region: input.word("Region").to_owned(), name: input.word("Name").to_owned() }
}

/// An address as Route 53 shows it: IPv6 in eight groups, none left out; what is no address, as it is.
fn address_text(text: &str) -> String {
    match text.parse() {
        Ok(IpAddr::V4(address)) => address.to_string(),
        Ok(IpAddr::V6(address)) => groups(address),
        Err(_) => text.to_owned(),
    }
}

fn groups(address: Ipv6Addr) -> String {
    address.segments().map(|group| format!("{group:x}")).join(":")
}
