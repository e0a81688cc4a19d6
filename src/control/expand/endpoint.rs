//! Checks that probe, printed as `[check]` tables.
//!
//! Invariant: a key is printed only where its type has it, and where its default would say something else.

use std::time::Duration;

use super::{Printer, list, quoted};
use crate::control::probed::bracketed;
use crate::health::check::{EndpointCheck, Target, TargetHost};
use crate::health::profile::Profile;
use crate::health::protocol::Protocol;
use crate::health::protocol::dns::{DnsQuery, Rcode};
use crate::health::protocol::grpc::GrpcCheck;
use crate::health::protocol::http::{Expect, HttpRequest, Method, Search};
use crate::health::protocol::tls::TlsOptions;
use crate::health::role::{Encryption, Engine, RoleCheck};
use crate::health::timing::{Timing, Tolerance};
use crate::toml_table::show_duration;

impl Printer {
    pub(super) fn endpoint_check(&mut self, check: &EndpointCheck) {
        self.protocol(check);
        if check.target.port != 0 {
            self.line("port", &check.target.port.to_string());
        }
        if let Some(source) = check.via.source {
            self.line("source", &quoted(&source.to_string()));
        }
        if let Some(version) = check.via.proxy_protocol {
            self.line("proxy_protocol", &quoted(version.word()));
        }
        self.timing(&check.timing);
    }

    /// Every knob that is not what the profile would make it, and those that Route 53 has.
    fn timing(&mut self, timing: &Timing) {
        let base = match timing.deadlines.tls {
            None => Profile::Route53,
            Some(_) => Profile::ALL.into_iter().find(|named| named.timing(Duration::ZERO) == *timing).unwrap_or(Profile::Default),
        };
        let knobs = base.timing(timing.deadlines.connect);
        if base != Profile::Route53 {
            self.line("profile", &quoted(base.word()));
        }
        let secs = timing.interval.as_secs();
        let is_whole = timing.interval.subsec_nanos() == 0;
        let interval = if is_whole { secs.to_string() } else { quoted(&show_duration(timing.interval)) };
        self.line("request_interval", &interval);
        self.duration("timeout", timing.deadlines.connect, None);
        self.duration("answer_timeout", timing.deadlines.status, Some(knobs.deadlines.status));
        self.line("failure_threshold", &timing.thresholds.fall.to_string());
        self.line("rise", &timing.thresholds.rise.to_string());
        if let Some(retry) = timing.retry {
            self.duration("retry", retry, knobs.retry);
        }
        self.tolerance(timing.tolerance, knobs.tolerance);
        self.duration("hold", timing.hold.least, Some(knobs.hold.least));
        self.duration("hold_max", timing.hold.max, Some(knobs.hold.max));
        if timing.adaptive {
            self.line("adaptive", "true");
        }
    }

    fn tolerance(&mut self, tolerance: Option<Tolerance>, of_profile: Option<Tolerance>) {
        match tolerance {
            _ if tolerance == of_profile => {}
            None => self.line("tolerate", "0"),
            Some(Tolerance { failures, clear }) => {
                self.line("tolerate", &failures.to_string());
                self.line("clear", &clear.to_string());
            }
        }
    }

    /// Prints a duration, unless it is what it is anyway.
    fn duration(&mut self, key: &str, duration: Duration, otherwise: Option<Duration>) {
        if otherwise != Some(duration) {
            self.line(key, &quoted(&show_duration(duration)));
        }
    }

    fn protocol(&mut self, check: &EndpointCheck) {
        let word = check.protocol.word();
        match &check.protocol {
            Protocol::Tcp => {
                self.line("type", &quoted(word));
                self.target_of_tcp(&check.target.host);
            }
            Protocol::Http(request) => self.request(check, request),
            Protocol::Https(request, tls) => {
                self.request(check, request);
                self.tls(tls);
            }
            Protocol::Tls(tls) => {
                self.own_kind(check);
                self.named(tls.tls.server_name.as_deref(), &check.target);
                self.tls(&tls.tls);
                self.list("alpn", tls.alpn.iter().map(|name| quoted(name)));
            }
            Protocol::Dns(query) => {
                self.own_kind(check);
                self.query(query);
            }
            Protocol::Icmp => self.own_kind(check),
            Protocol::Grpc(call) => {
                self.own_kind(check);
                self.call(call, check);
            }
            Protocol::Role(role) => {
                self.own_kind(check);
                self.role(role, &check.target);
            }
            Protocol::Command(command) => {
                self.own_kind(check);
                let words = std::iter::once(&command.program).chain(&command.arguments);
                self.list("command", words.map(|word| quoted(word)));
            }
        }
    }

    /// The type and the target of a kind that Route 53 does not have.
    fn own_kind(&mut self, check: &EndpointCheck) {
        self.line("type", &quoted(check.protocol.word()));
        match &check.target.host {
            TargetHost::Address(address) => self.line("target", &quoted(&address.to_string())),
            TargetHost::Name(name) => self.line("target", &quoted(name)),
        }
    }

    /// The host that is named, where it is not what is connected to.
    fn named(&mut self, name: Option<&str>, target: &Target) {
        if let Some(name) = name.filter(|name| !is_own(name, target)) {
            self.line("host", &quoted(name));
        }
    }

    fn target_of_tcp(&mut self, host: &TargetHost) {
        match host {
            TargetHost::Address(address) => self.line("ip_address", &quoted(&address.to_string())),
            TargetHost::Name(name) => self.line("fully_qualified_domain_name", &quoted(name)),
        }
    }

    fn request(&mut self, check: &EndpointCheck, request: &HttpRequest) {
        let matched = if matches!(request.search, Some(Search::Text(_))) { "_str_match" } else { "" };
        self.line("type", &quoted(&format!("{}{matched}", check.protocol.word())));
        let host = host_without_port(&request.host, check);
        match &check.target.host {
            TargetHost::Address(address) => self.line("ip_address", &quoted(&address.to_string())),
            TargetHost::Name(name) if name != host => self.line("target", &quoted(name)),
            TargetHost::Name(_) => {}
        }
        // A name is always told: without one there would be nothing to probe.
        if matches!(check.target.host, TargetHost::Name(_)) || !is_own(host, &check.target) {
            self.line("fully_qualified_domain_name", &quoted(host));
        }
        self.line("resource_path", &quoted(&request.path));
        match &request.search {
            Some(Search::Text(text)) => self.line("search_string", &quoted(text)),
            Some(Search::Pattern(pattern)) => self.line("matches", &quoted(pattern.as_str())),
            None => {}
        }
        self.options(request);
    }

    /// What Route 53's requests do not have.
    fn options(&mut self, request: &HttpRequest) {
        if request.method != Method::Get {
            self.line("method", &quoted(request.method.as_str()));
        }
        if !request.headers.is_empty() {
            let headers = request.headers.iter().map(|(name, value)| format!("{} = {}", quoted(name), quoted(value)));
            self.line("headers", &format!("{{ {} }}", headers.collect::<Vec<_>>().join(", ")));
        }
        if let Some(body) = &request.body {
            self.line("body", &quoted(body));
        }
        if request.expect != Expect::default() {
            self.list(
                "expect",
                request.expect.ranges().iter().map(|range| match (range.start(), range.end()) {
                    (start, end) if start == end => start.to_string(),
                    (start, end) => quoted(&format!("{start}-{end}")),
                }),
            );
        }
        if request.http2 {
            self.line("http2", "true");
        }
        if request.follow > 0 {
            self.line("follow", &request.follow.to_string());
        }
    }

    fn tls(&mut self, tls: &TlsOptions) {
        if tls.server_name.is_none() {
            self.line("enable_sni", "false");
        }
        self.line("verify", &tls.verify.to_string());
        if let Some(days) = tls.days_left {
            self.line("days_left", &days.to_string());
        }
    }

    fn query(&mut self, query: &DnsQuery) {
        self.line("query", &quoted(&format!("{} {}", query.name, query.rtype.word)));
        if query.rcode != Rcode::NOERROR {
            self.line("expect_rcode", &quoted(&query.rcode.to_string()));
        }
        self.list("answer", query.answers.iter().map(|answer| quoted(&answer.shown)));
        if query.recursion {
            self.line("recursion", "true");
        }
    }

    fn call(&mut self, call: &GrpcCheck, check: &EndpointCheck) {
        self.named(Some(host_without_port(&call.authority, check)), &check.target);
        if !call.service.is_empty() {
            self.line("service", &quoted(&call.service));
        }
        if let Some(tls) = &call.tls {
            self.line("tls", "true");
            self.tls(tls);
        }
    }

    fn role(&mut self, role: &RoleCheck, target: &Target) {
        self.line("role", &quoted(role.wanted.word()));
        self.line("user", &quoted(&role.user));
        if let Engine::Postgres { database } = &role.engine {
            self.line("database", &quoted(database));
        }
        if let Some(file) = &role.password_file {
            self.line("password_file", &quoted(file));
        }
        self.line("tls", &quoted(role.encryption.word()));
        if let Encryption::On { server_name, .. } = &role.encryption {
            self.named(server_name.as_deref(), target);
        }
    }

    /// A list, unless it is empty.
    fn list(&mut self, key: &str, items: impl Iterator<Item = String>) {
        let mut items = items.peekable();
        if items.peek().is_some() {
            self.line(key, &list(items));
        }
    }
}

/// Whether a host is what is connected to.
fn is_own(host: &str, target: &Target) -> bool {
    match &target.host {
        TargetHost::Address(address) => host == bracketed(*address),
        TargetHost::Name(name) => host == name,
    }
}

/// A host as it was before the port was added to it.
fn host_without_port<'h>(host: &'h str, check: &EndpointCheck) -> &'h str {
    if check.protocol.default_port() == Some(check.target.port) {
        return host;
    }
    host.strip_suffix(&format!(":{}", check.target.port)).unwrap_or(host)
}
