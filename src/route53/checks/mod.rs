//! Health checks of the API, and what the prober makes of them.
//!
//! Invariant: a check means here what it means in Route 53, to the second. Source: Route 53 API 2013-04-01,
//! `HealthCheckConfig`; developer guide, "How Route 53 determines whether a health check is healthy".

pub mod config;
pub mod observed;
pub mod rules;

use std::net::IpAddr;
use std::num::NonZeroU8;
use std::time::Duration;

use crate::health::check::{CheckKind, EndpointCheck, HealthCheck, Target, TargetHost};
use crate::health::profile::route53_deadlines;
use crate::health::protocol::Protocol;
use crate::health::protocol::http::{HttpRequest, Search};
use crate::health::protocol::tls::TlsOptions;
use crate::health::signal::{Insufficient, SignalCheck, SignalSource};
use crate::health::timing::{Deadlines, Thresholds, Timing};
use crate::ids::HealthCheckId;
use crate::route53::account::entities::CheckConfig;

/// The check that this configuration means.
pub fn meaning(id: HealthCheckId, config: &CheckConfig) -> HealthCheck {
    let kind = match &*config.kind {
        "CALCULATED" => CheckKind::Calculated {
            children: config.child_health_checks.iter().filter_map(|child| HealthCheckId::new(child).ok()).collect(),
            health_threshold: config.health_threshold.unwrap_or_default(),
        },
        "CLOUDWATCH_METRIC" | "RECOVERY_CONTROL" => CheckKind::Signal(signal(config)),
        _ => CheckKind::Endpoint(Box::new(endpoint(config))),
    };
    HealthCheck { inverted: config.inverted, disabled: config.disabled, ..HealthCheck::plain(id, kind) }
}

/// An alarm or a routing control: what it says is pushed to waypost, and holds until the next that is pushed.
fn signal(config: &CheckConfig) -> SignalCheck {
    let source = match (&config.alarm, &config.routing_control_arn) {
        (Some(alarm), _) => SignalSource::Alarm { region: alarm.region.as_str().into(), name: alarm.name.as_str().into() },
        (None, Some(arn)) => SignalSource::Control(arn.as_str().into()),
        (None, None) => SignalSource::Check,
    };
    let insufficient = match config.insufficient_data_health_status.as_deref() {
        Some("Healthy") => Insufficient::Healthy,
        Some("Unhealthy") => Insufficient::Unhealthy,
        _ => Insufficient::LastKnown,
    };
    SignalCheck { source, lease: None, insufficient }
}

fn endpoint(config: &CheckConfig) -> EndpointCheck {
    let is_https = is_https(&config.kind);
    let default_port = if is_https { 443 } else { 80 };
    let port = config.port.unwrap_or(default_port);
    let name = config.fully_qualified_domain_name.clone();
    let address = config.ip_address.as_ref().and_then(|text| text.parse().ok());
    let host = match (address, &name) {
        (Some(address), _) => TargetHost::Address(address),
        (None, name) => TargetHost::Name(name.clone().unwrap_or_default()),
    };
    let said_host = match (&name, address) {
        (Some(name), _) => name.clone(),
        // Between brackets, as its colons are not the port's (RFC 3986 §3.2.2).
        (None, Some(IpAddr::V6(address))) => format!("[{address}]"),
        (None, address) => address.map(|address: IpAddr| address.to_string()).unwrap_or_default(),
    };
    let said_host = if port == default_port { said_host } else { format!("{said_host}:{port}") };
    let request = HttpRequest {
        search: config.search_string.clone().filter(|search| !search.is_empty()).map(Search::Text),
        ..HttpRequest::get(said_host, path(config.resource_path.as_deref().unwrap_or_default()))
    };
    let protocol = match is_https {
        _ if config.kind == "TCP" => Protocol::Tcp,
        false => Protocol::Http(request),
        true => {
            let server_name = name.filter(|_| config.enable_sni.unwrap_or(true));
            // Route 53 does not validate certificates.
            Protocol::Https(request, TlsOptions { server_name, verify: false, days_left: None })
        }
    };
    let threshold = config.failure_threshold.and_then(NonZeroU8::new).unwrap_or(FAILURE_THRESHOLD);
    let interval = Duration::from_secs(config.request_interval.unwrap_or(REQUEST_INTERVAL_SECS).into());
    let timing = Timing::plain(interval, deadlines(&protocol), Thresholds { fall: threshold, rise: threshold });
    EndpointCheck::plain(Target { host, port }, protocol, timing)
}

/// Whether checks of this type probe.
pub fn is_endpoint(kind: &str) -> bool {
    !matches!(kind, "CALCULATED" | "CLOUDWATCH_METRIC" | "RECOVERY_CONTROL")
}

fn is_https(kind: &str) -> bool {
    kind.starts_with("HTTPS")
}

/// A path with the slash that Route 53 adds where it is missing.
fn path(said: &str) -> String {
    if said.starts_with('/') { said.to_owned() } else { format!("/{said}") }
}

/// How long Route 53 waits: 10 s for a TCP check; 4 s for a connection, 2 s for the status, 2 s for the body.
fn deadlines(protocol: &Protocol) -> Deadlines {
    route53_deadlines(Duration::from_secs(if matches!(protocol, Protocol::Tcp) { 10 } else { 4 }))
}

/// Route 53's default.
pub const REQUEST_INTERVAL_SECS: u32 = 30;
/// Route 53's default.
pub const FAILURE_THRESHOLD: NonZeroU8 = NonZeroU8::new(3).expect("3 is not 0");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_header_has_the_port_unless_it_is_the_protocols_own() {
        let cases = [
            ("HTTP", "192.0.2.1", "www.example.org", 80, "www.example.org"),
            ("HTTP", "192.0.2.1", "www.example.org", 443, "www.example.org:443"),
            ("HTTPS", "192.0.2.1", "www.example.org", 443, "www.example.org"),
            ("HTTPS", "192.0.2.1", "www.example.org", 80, "www.example.org:80"),
            ("HTTP", "192.0.2.1", "", 80, "192.0.2.1"),
            ("HTTP", "192.0.2.1", "", 8080, "192.0.2.1:8080"),
            ("HTTP", "2001:db8:0:0:0:0:0:1", "", 8080, "[2001:db8::1]:8080"),
            ("HTTP", "2001:db8:0:0:0:0:0:1", "", 80, "[2001:db8::1]"),
        ];
        for (kind, address, name, port, expected) in cases {
            let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            let config = CheckConfig {
                kind: kind.to_owned(),
                ip_address: text(address),
                fully_qualified_domain_name: text(name),
                port: Some(port),
                ..CheckConfig::default()
            };
            let (Protocol::Http(request) | Protocol::Https(request, _)) = endpoint(&config).protocol else {
                panic!("{kind} asks for a page");
            };
            assert_eq!(request.host, expected, "{kind} {address} {name} {port}");
        }
    }
}
