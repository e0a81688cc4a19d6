//! `[probe]` and `[check]` tables, made into health checks.
//!
//! Two notations for one thing: a probe says how to check and gets its address from an endpoint; a check is Route
//! 53's `HealthCheckConfig` with its field names in snake_case. Both fill an [`EndpointSpec`], so what they mean
//! can't differ. Invariant: every limit of `health::check` holds of what is made here.
//! Source: Route 53 API reference, `HealthCheckConfig`; developer guide, "How Route 53 determines whether a health
//! check is healthy" (deadlines, Host header, SNI).

mod signal;
mod target;
mod timing;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use self::signal::{SIGNAL_TYPES, read_signal};
use self::target::{address_of, read_host, target_host};
use self::timing::{Notation, read_timing};
use crate::health::check::{CheckKind, EndpointCheck, HealthCheck, Target, TargetHost};
use crate::health::history::Objective;
use crate::health::protocol::{HttpRequest, Protocol};
use crate::health::timing::Timing;
use crate::ids::HealthCheckId;
use crate::problem::{Place, nearest};
use crate::toml_table::{Span, Table, Value};

pub(super) use self::signal::{INSUFFICIENT, INSUFFICIENT_DATA};
pub(super) use self::target::{bracketed, read_target};

/// A health check that a file names, with its place; none inside when it could not be read.
pub(super) struct DefinedCheck {
    pub id: HealthCheckId,
    pub place: Place,
    pub check: Option<HealthCheck>,
}

/// How to check, with no address in it.
pub(super) struct Probe {
    pub span: Span,
    scheme: Scheme,
    port: Option<u16>,
    request: Request,
    verify: bool,
    timing: Timing,
    inverted: bool,
    disabled: bool,
    objective: Option<Objective>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Tcp,
    Http,
    Https,
}

/// The HTTP part of both notations.
struct Request {
    /// Host header and SNI.
    host: Option<String>,
    path: String,
    search: Option<String>,
}

/// Everything that makes an [`EndpointCheck`], whichever notation it was written in.
struct EndpointSpec<'s> {
    scheme: Scheme,
    target: Target,
    request: &'s Request,
    enable_sni: bool,
    verify: bool,
    timing: Timing,
}

/// The `[probe.NAME]` tables by name; none where one could not be read.
pub(super) fn read_probes<'d>(root: &mut Table<'d>) -> BTreeMap<&'d str, Option<Probe>> {
    root.named_tables("probe").into_iter().map(|(name, span, table)| (name, read_probe(span, table))).collect()
}

/// The `[check.NAME]` tables.
pub(super) fn read_checks(root: &mut Table<'_>) -> Vec<DefinedCheck> {
    let named = root.named_tables("check").into_iter();
    named
        .filter_map(|(name, span, table)| {
            let place = table.document().place(&span);
            let id = HealthCheckId::new(name).map_err(|error| table.error(&format!("the name {error}"))).ok()?;
            Some(DefinedCheck { check: read_check(&id, table), id, place })
        })
        .collect()
}

impl Probe {
    /// The health check of an endpoint at `own`, or at the `target` written for it.
    pub fn check(&self, id: HealthCheckId, own: TargetHost, target: Option<(TargetHost, Option<u16>)>) -> Option<HealthCheck> {
        let (host, port) = target.unwrap_or((own, None));
        let port = port.or(self.port).or(self.scheme.default_port())?;
        let spec = EndpointSpec {
            scheme: self.scheme,
            target: Target { host, port },
            request: &self.request,
            enable_sni: true,
            verify: self.verify,
            timing: self.timing,
        };
        let kind = CheckKind::Endpoint(Box::new(spec.check()));
        let Self { inverted, disabled, objective, .. } = *self;
        Some(HealthCheck { inverted, disabled, objective, ..HealthCheck::plain(id, kind) })
    }
}

impl Scheme {
    fn default_port(self) -> Option<u16> {
        match self {
            Self::Tcp => None,
            Self::Http => Some(80),
            Self::Https => Some(443),
        }
    }

    fn default_timeout(self) -> Duration {
        if self == Self::Tcp { TIMEOUT_TCP } else { TIMEOUT_HTTP }
    }
}

impl EndpointSpec<'_> {
    fn check(self) -> EndpointCheck {
        EndpointCheck { protocol: self.protocol(), target: self.target, timing: self.timing }
    }

    fn protocol(&self) -> Protocol {
        let host = self.request.host.clone().unwrap_or_else(|| match &self.target.host {
            TargetHost::Address(address) => bracketed(*address),
            TargetHost::Name(name) => name.clone(),
        });
        // SNI holds host names, no addresses (RFC 6066 §3).
        let server_name = Some(&host).filter(|host| self.enable_sni && address_of(host).is_none()).cloned();
        // The port is told unless it is the scheme's own (RFC 9110 §7.2; Route 53 does the same).
        let is_default = self.scheme.default_port() == Some(self.target.port);
        let host = if is_default { host } else { format!("{host}:{}", self.target.port) };
        let request = HttpRequest { host, path: self.request.path.clone(), search: self.request.search.clone() };
        match self.scheme {
            Scheme::Tcp => Protocol::Tcp,
            Scheme::Http => Protocol::Http(request),
            Scheme::Https => Protocol::Https { request, server_name, verify: self.verify },
        }
    }
}

fn read_probe(span: Span, mut table: Table<'_>) -> Option<Probe> {
    let scheme = table.required("type", "\"https\"").and_then(|value| {
        let found = value.string()?;
        let scheme = [("http", Scheme::Http), ("https", Scheme::Https), ("tcp", Scheme::Tcp)]
            .into_iter()
            .find(|(word, _)| *word == found)
            .map(|(_, scheme)| scheme);
        if scheme.is_none() {
            value.wrong(
                format_args!("{found:?} is no type of probe"),
                "accepted are http, https, tcp; search = \"…\" makes the first two match a string",
            );
        }
        scheme
    });
    let for_http = scheme.is_none_or(|scheme| scheme != Scheme::Tcp);
    let request = read_request(&mut table, ["host", "path", "search"], for_http);
    if scheme.is_some_and(|scheme| scheme != Scheme::Https) {
        table.refuse("verify", "means something only with type = \"https\"");
    }
    let verify = table.bool_or("verify", true);
    let port = read_port(&mut table);
    let timing = {
        let scheme = scheme.unwrap_or(Scheme::Https);
        read_timing(&mut table, Notation::Probe, scheme.default_timeout())
    };
    let (inverted, disabled) = (table.bool_or("inverted", false), table.bool_or("disabled", false));
    let objective = read_objective(&mut table);
    table.finish();
    Some(Probe { span, scheme: scheme?, port, request, verify, timing, inverted, disabled, objective })
}

fn read_check(id: &HealthCheckId, mut table: Table<'_>) -> Option<HealthCheck> {
    let value = table.required("type", "\"https\"")?;
    let found = value.string()?;
    let word = found.to_ascii_lowercase();
    // Without a known type nothing is known of the other keys.
    if !TYPES.contains(&word.as_str()) {
        refuse_type(&value, found, &word);
        return None;
    }
    let kind = match word.as_str() {
        "calculated" => read_calculated(&mut table),
        word if SIGNAL_TYPES.contains(&word) => read_signal(word, &mut table).map(CheckKind::Signal),
        word => read_endpoint_check(&value, word, &mut table),
    };
    let (inverted, disabled) = (table.bool_or("inverted", false), table.bool_or("disabled", false));
    let objective = read_objective(&mut table);
    table.finish();
    Some(HealthCheck { inverted, disabled, objective, ..HealthCheck::plain(id.clone(), kind?) })
}

/// Reads how much of the time a check is to be healthy.
fn read_objective(table: &mut Table<'_>) -> Option<Objective> {
    let value = table.optional("objective")?;
    let objective = Objective::percent(value.number()?);
    if objective.is_none() {
        value.wrong("an objective is more than 0 and less than 100 percent", "objective = 99.9, with up to four decimals");
    }
    objective
}

fn read_calculated(table: &mut Table<'_>) -> Option<CheckKind> {
    let children = table.required("children", "[\"fra\", \"iad\"]");
    let threshold = table.required("health_threshold", "1").and_then(|value| value.int(0..=CHILDREN_MAX));
    let children: Vec<_> = children?.items().into_iter().filter_map(|item| read_id(&item)).collect();
    Some(CheckKind::Calculated { children, health_threshold: u32::try_from(threshold?).expect("0 to 256") })
}

/// Reads a reference to a health check.
pub(super) fn read_id(value: &Value<'_>) -> Option<HealthCheckId> {
    HealthCheckId::new(value.string()?).map_err(|error| value.error(format_args!("the name {error}"))).ok()
}

fn read_endpoint_check(value: &Value<'_>, word: &str, table: &mut Table<'_>) -> Option<CheckKind> {
    let protocol = word.strip_suffix("_str_match");
    let matches = protocol.is_some();
    let scheme = match protocol.unwrap_or(word) {
        "tcp" => Scheme::Tcp,
        "http" => Scheme::Http,
        _ => Scheme::Https,
    };
    let keys = ["fully_qualified_domain_name", "resource_path", "search_string"];
    let request = read_request(table, keys, scheme != Scheme::Tcp);
    match (matches, &request.search) {
        (true, None) => value.error(format_args!("{word} needs a search_string")),
        (false, Some(_)) => value.wrong(format_args!("{word} takes no search_string"), format!("type = \"{word}_str_match\"")),
        _ => {}
    }
    if scheme != Scheme::Https {
        table.refuse("enable_sni", "means something only with type https");
        table.refuse("verify", "means something only with type https");
    }
    let enable_sni = table.bool_or("enable_sni", true);
    let verify = table.bool_or("verify", false);
    let port = read_port(table);
    let timing = read_timing(table, Notation::Check, scheme.default_timeout());
    let host = read_check_host(table, &request);
    let Some(port) = port.or(scheme.default_port()) else {
        table.error("port is missing; a tcp check has no usual one");
        return None;
    };
    let target = Target { host: host?, port };
    let spec = EndpointSpec { scheme, target, request: &request, enable_sni, verify, timing };
    Some(CheckKind::Endpoint(Box::new(spec.check())))
}

fn refuse_type(value: &Value<'_>, found: &str, word: &str) {
    let help = match nearest(word, TYPES) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("accepted are {}", TYPES.join(", ")),
    };
    value.wrong(format_args!("{found:?} is no type of health check"), help);
}

/// What a check connects to: `target` (waypost's own), else `ip_address`, else the domain name.
fn read_check_host(table: &mut Table<'_>, request: &Request) -> Option<TargetHost> {
    let target = table.optional("target").and_then(|value| read_host(&value)).map(|host| target_host(&host));
    let address = table.optional_parsed::<IpAddr>("ip_address", "such as 192.0.2.10 or 2001:db8::10").map(TargetHost::Address);
    let host = target.or(address).or_else(|| request.host.as_deref().map(target_host));
    if host.is_none() && table.optional("ip_address").is_none() && table.optional("fully_qualified_domain_name").is_none() {
        table.error("ip_address or fully_qualified_domain_name is needed: nothing says what to probe");
    }
    host
}

/// Reads the keys of the Host header, the path and the search string, each by the notation's own word.
fn read_request(table: &mut Table<'_>, keys: [&'static str; 3], for_http: bool) -> Request {
    let [host, path, search] = keys;
    if !for_http {
        // Of a TCP check in Route 53's words the domain name is what is probed.
        let is_route53 = host == "fully_qualified_domain_name";
        for key in keys.into_iter().skip(usize::from(is_route53)) {
            table.refuse(key, "means something only with type http or https");
        }
        let host = if is_route53 { table.optional(host).and_then(|value| read_host(&value)) } else { None };
        return Request { host, path: "/".to_owned(), search: None };
    }
    Request {
        host: table.optional(host).and_then(|value| read_host(&value)),
        path: table.optional(path).and_then(|value| read_path(&value)).unwrap_or_else(|| "/".to_owned()),
        search: table.optional(search).and_then(|value| read_search(&value)),
    }
}

fn read_port(table: &mut Table<'_>) -> Option<u16> {
    table.optional_int("port", 1..=65_535).map(|port| u16::try_from(port).expect("1 to 65535"))
}

fn read_path(value: &Value<'_>) -> Option<String> {
    let written = value.string()?;
    if written.len() > 255 || !written.bytes().all(|octet| octet.is_ascii_graphic()) {
        value.wrong(
            format_args!("{written:?} is no path"),
            "at most 255 printable ASCII characters without blanks; others as %XX",
        );
        return None;
    }
    Some(if written.starts_with('/') { written.to_owned() } else { format!("/{written}") })
}

fn read_search(value: &Value<'_>) -> Option<String> {
    let written = value.string()?;
    let found = written.chars().count();
    if !(1..=255).contains(&found) {
        value.error(format_args!("a search string has 1 to 255 characters, not {found}"));
        return None;
    }
    Some(written.to_owned())
}

/// The types of `[check]`.
const TYPES: [&str; 9] = [
    "http",
    "https",
    "tcp",
    "http_str_match",
    "https_str_match",
    "calculated",
    "signal",
    "cloudwatch_metric",
    "recovery_control",
];
/// The most children of a calculated check (Route 53, `ChildHealthChecks`).
const CHILDREN_MAX: i64 = 256;
/// Route 53's deadline for connecting, of HTTP and HTTPS checks.
const TIMEOUT_HTTP: Duration = Duration::from_secs(4);
/// The same, of TCP checks.
const TIMEOUT_TCP: Duration = Duration::from_secs(10);
