//! What a health check's configuration may say, by its type.
//!
//! ```text
//!                      HTTP(S)  *_STR_MATCH  TCP       CALCULATED  CLOUDWATCH_METRIC  RECOVERY_CONTROL
//! address or name      one      one          one       -           -                  -
//! Port                 yes      yes          needed    -           -                  -
//! ResourcePath         yes      yes          -         -           -                  -
//! SearchString         -        needed       -         -           -                  -
//! interval, threshold  yes      yes          yes       -           -                  -
//! HealthThreshold      -        -            -         needed      -                  -
//! ChildHealthChecks    -        -            -         yes         -                  -
//! AlarmIdentifier      -        -            -         -           needed             -
//! RoutingControlArn    -        -            -         -           -                  needed
//! ```
//!
//! The sentences follow those that users of Route 53 have logged: "Basic health checks must not have an metric region
//! specified", "TCP health checks must not have a resource path specified", "Calculated health checks must not have a
//! failure threshold specified"; where none was found, the words are waypost's own in the same form.
//! Invariant: the first rule that is broken is told, in the order of the fields.
//! Sources: Route 53 API 2013-04-01, `HealthCheckConfig`; RFC 5735, RFC 6598, RFC 5156.

use std::net::IpAddr;

use ipnet::IpNet;

use super::is_endpoint;
use crate::route53::account::entities::CheckConfig;
use crate::route53::bounds::Rules;
use crate::route53::name::parse_name;

/// Why the configuration is refused, as the message of an `InvalidInput`; none when it is not.
pub fn check(config: &CheckConfig, rules: Rules) -> Option<String> {
    let class = class(&config.kind);
    let unwanted = FIELDS.iter().find(|field| (field.is_said)(config) && !field.kinds.fits(&config.kind));
    if let Some(field) = unwanted {
        // AWS writes "an metric region", and clients may look for it.
        return Some(format!("{class} health checks must not have {} specified.", field.words));
    }
    let needed = FIELDS.iter().find(|field| !(field.is_said)(config) && field.needed.fits(&config.kind));
    if let Some(field) = needed {
        return Some(format!("{class} health checks must have {} specified.", field.words));
    }
    if !is_endpoint(&config.kind) {
        return None;
    }
    target(config, class, rules).or_else(|| texts(config)).or_else(|| interval(config, rules))
}

/// How AWS calls the checks of a type.
fn class(kind: &str) -> &'static str {
    match kind {
        "TCP" => "TCP",
        "CALCULATED" => "Calculated",
        "CLOUDWATCH_METRIC" => "Invalid parameter : CloudWatch metric",
        "RECOVERY_CONTROL" => "Invalid parameter : Recovery control",
        _ => "Invalid parameter : Basic",
    }
}

/// A field that not every type has.
struct Field {
    words: &'static str,
    is_said: fn(&CheckConfig) -> bool,
    /// The types that may have it.
    kinds: Kinds,
    /// The types that must.
    needed: Kinds,
}

/// Some types of check.
enum Kinds {
    None,
    Only(&'static str),
    Endpoints,
    Http,
    Searching,
}

impl Kinds {
    fn fits(&self, kind: &str) -> bool {
        match self {
            Self::None => false,
            Self::Only(only) => *only == kind,
            Self::Endpoints => is_endpoint(kind),
            Self::Http => is_endpoint(kind) && kind != "TCP",
            Self::Searching => kind.ends_with("_STR_MATCH"),
        }
    }
}

static FIELDS: &[Field] = &[
    field("an IP address", |config| config.ip_address.is_some(), Kinds::Endpoints, Kinds::None),
    field("a port", |config| config.port.is_some(), Kinds::Endpoints, Kinds::Only("TCP")),
    field("a resource path", |config| config.resource_path.is_some(), Kinds::Http, Kinds::None),
    field("a fully qualified domain name", |config| config.fully_qualified_domain_name.is_some(), Kinds::Endpoints, Kinds::None),
    field("a search string", |config| config.search_string.is_some(), Kinds::Searching, Kinds::Searching),
    field("a request interval", |config| config.request_interval.is_some(), Kinds::Endpoints, Kinds::None),
    field("a failure threshold", |config| config.failure_threshold.is_some(), Kinds::Endpoints, Kinds::None),
    field("latency measurement", |config| config.measure_latency == Some(true), Kinds::Endpoints, Kinds::None),
    field("a health threshold", |config| config.health_threshold.is_some(), Kinds::Only("CALCULATED"), Kinds::Only("CALCULATED")),
    field("child health checks", |config| !config.child_health_checks.is_empty(), Kinds::Only("CALCULATED"), Kinds::None),
    field("regions", |config| !config.regions.is_empty(), Kinds::Endpoints, Kinds::None),
    field(
        "an metric region",
        |config| config.alarm.is_some(),
        Kinds::Only("CLOUDWATCH_METRIC"),
        Kinds::Only("CLOUDWATCH_METRIC"),
    ),
    field(
        "an insufficient data health state",
        |config| config.insufficient_data_health_status.is_some(),
        Kinds::Only("CLOUDWATCH_METRIC"),
        Kinds::None,
    ),
    field(
        "a routing control ARN",
        |config| config.routing_control_arn.is_some(),
        Kinds::Only("RECOVERY_CONTROL"),
        Kinds::Only("RECOVERY_CONTROL"),
    ),
];

const fn field(words: &'static str, is_said: fn(&CheckConfig) -> bool, kinds: Kinds, needed: Kinds) -> Field {
    Field { words, is_said, kinds, needed }
}

/// What is probed: an address or a name, and one that may be.
fn target(config: &CheckConfig, class: &str, rules: Rules) -> Option<String> {
    let Some(address) = &config.ip_address else {
        let has_name = config.fully_qualified_domain_name.is_some();
        return (!has_name)
            .then(|| format!("{class} health checks must have an IP address or a fully qualified domain name specified."));
    };
    if config.kind == "TCP" && config.fully_qualified_domain_name.is_some() {
        let message = "TCP health checks that have IP address must not have a fully qualified domain name specified.";
        return Some(message.to_owned());
    }
    let Ok(parsed) = address.parse::<IpAddr>() else {
        return Some(format!("Invalid parameter : The IP address {address} is not valid."));
    };
    (rules.strict && is_special(parsed)).then(|| {
        format!(
            "Invalid parameter : The IP address {address} is in a local, private, nonroutable or multicast range, which can't be checked."
        )
    })
}

/// Addresses that Route 53's checkers can't reach.
fn is_special(address: IpAddr) -> bool {
    SPECIAL.iter().any(|block| block.parse::<IpNet>().is_ok_and(|block| block.contains(&address)))
}

const SPECIAL: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/128",
    "::1/128",
    "::ffff:0:0/96",
    "2001:db8::/32",
    "2001:10::/28",
    "2002::/16",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
];

/// What goes into a request as it is: a name that is one, and a path without what would end its line.
fn texts(config: &CheckConfig) -> Option<String> {
    let is_name = |name: &str| name.chars().all(|c| c.is_ascii_graphic() && c != '/') && parse_name(name).is_ok();
    let name = config.fully_qualified_domain_name.as_deref().filter(|name| !is_name(name));
    if let Some(name) = name {
        return Some(format!("Invalid parameter : The fully qualified domain name {name} is not valid."));
    }
    let is_path = |path: &str| path.chars().all(|c| !c.is_control() && c != ' ');
    let path = config.resource_path.as_deref().filter(|path| !is_path(path))?;
    Some(format!("Invalid parameter : The resource path {path} is not valid."))
}

fn interval(config: &CheckConfig, rules: Rules) -> Option<String> {
    let secs = config.request_interval?;
    let (is_valid, accepted) = match rules.strict {
        true => (matches!(secs, 10 | 30), "10 or 30 seconds"),
        false => ((1..=INTERVAL_MAX_SECS).contains(&secs), "1 to 3600 seconds"),
    };
    (!is_valid).then(|| format!("Invalid parameter : The request interval {secs} is not valid. Valid values are {accepted}."))
}

/// An hour.
const INTERVAL_MAX_SECS: u32 = 3_600;
