//! A state printed as zone TOML without sugar: `[[record]]` and `[check]` tables only.
//!
//! Invariant: the printed texts, read back, give the same state, but for where things were written. The health
//! checks, which are shared by all zones, are in the first zone's text.

use std::fmt::Write;

use super::probed::bracketed;
use super::state::State;
use crate::health::check::{CheckKind, EndpointCheck, HealthCheck, HttpRequest, Protocol, TargetHost};
use crate::toml_table::show_duration;
use crate::wire::name::Name;
use crate::zone::rdata;
use crate::zone::record_set::{Content, RecordSet, RoutingPolicy};

/// One zone's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expanded {
    pub zone: Name,
    pub text: String,
}

/// Prints `state`, one text a zone.
pub fn expand(state: &State) -> Vec<Expanded> {
    let mut texts = Vec::with_capacity(state.zones.len());
    for (place, zone) in state.zones.iter().enumerate() {
        let mut table = Printer(String::new());
        table.line("zone", &quoted(&zone.name.to_string()));
        if place == 0 {
            state.checks.values().for_each(|check| table.check(check));
        }
        zone.record_sets.iter().for_each(|set| table.record_set(set));
        texts.push(Expanded { zone: zone.name.clone(), text: table.0 });
    }
    texts
}

struct Printer(String);

impl Printer {
    fn line(&mut self, key: &str, value: &str) {
        writeln!(self.0, "{key} = {value}").expect("a String takes all that is written");
    }

    fn header(&mut self, header: &str) {
        writeln!(self.0, "\n{header}").expect("a String takes all that is written");
    }

    fn check(&mut self, check: &HealthCheck) {
        self.header(&format!("[check.{}]", key(check.id.as_str())));
        match &check.kind {
            CheckKind::Endpoint(endpoint) => self.endpoint_check(endpoint),
            CheckKind::Calculated { children, health_threshold } => {
                self.line("type", "\"calculated\"");
                self.line("children", &list(children.iter().map(|child| quoted(child.as_str()))));
                self.line("health_threshold", &health_threshold.to_string());
            }
        }
        for (key, is_set) in [("inverted", check.inverted), ("disabled", check.disabled)] {
            if is_set {
                self.line(key, "true");
            }
        }
    }

    fn endpoint_check(&mut self, check: &EndpointCheck) {
        match &check.protocol {
            Protocol::Tcp => {
                self.line("type", "\"tcp\"");
                self.target_of_tcp(&check.target.host);
            }
            Protocol::Http(request) => self.request("http", check, request),
            Protocol::Https { request, server_name, verify } => {
                self.request("https", check, request);
                if server_name.is_none() {
                    self.line("enable_sni", "false");
                }
                self.line("verify", &verify.to_string());
            }
        }
        self.line("port", &check.target.port.to_string());
        let secs = check.interval.as_secs();
        let is_whole = check.interval.subsec_nanos() == 0;
        let interval = if is_whole { secs.to_string() } else { quoted(&show_duration(check.interval)) };
        self.line("request_interval", &interval);
        self.line("timeout", &quoted(&show_duration(check.deadlines.connect)));
        self.line("failure_threshold", &check.thresholds.fall.to_string());
        self.line("rise", &check.thresholds.rise.to_string());
    }

    fn target_of_tcp(&mut self, host: &TargetHost) {
        match host {
            TargetHost::Address(address) => self.line("ip_address", &quoted(&address.to_string())),
            TargetHost::Name(name) => self.line("fully_qualified_domain_name", &quoted(name)),
        }
    }

    fn request(&mut self, scheme: &str, check: &EndpointCheck, request: &HttpRequest) {
        let matched = if request.search.is_some() { "_str_match" } else { "" };
        self.line("type", &quoted(&format!("{scheme}{matched}")));
        let host = host_without_port(scheme, check, request);
        let own = match &check.target.host {
            TargetHost::Address(address) => {
                self.line("ip_address", &quoted(&address.to_string()));
                bracketed(*address)
            }
            TargetHost::Name(name) => {
                if name != host {
                    self.line("target", &quoted(name));
                }
                // A name is always told: without one there would be nothing to probe.
                String::new()
            }
        };
        if host != own {
            self.line("fully_qualified_domain_name", &quoted(host));
        }
        self.line("resource_path", &quoted(&request.path));
        if let Some(search) = &request.search {
            self.line("search_string", &quoted(search));
        }
    }

    fn record_set(&mut self, set: &RecordSet) {
        self.header("[[record]]");
        self.line("name", &quoted(&set.name.to_string()));
        self.line("type", &quoted(&set.rtype.to_string()));
        if let Some(id) = &set.set_identifier {
            self.line("set_identifier", &quoted(id.as_str()));
        }
        match set.policy {
            RoutingPolicy::Simple => {}
            RoutingPolicy::Multivalue => self.line("multivalue_answer", "true"),
            RoutingPolicy::Weighted(weight) => self.line("weight", &weight.get().to_string()),
            RoutingPolicy::Failover(0) => self.line("failover", "\"PRIMARY\""),
            RoutingPolicy::Failover(1) => self.line("failover", "\"SECONDARY\""),
            RoutingPolicy::Failover(tier) => self.line("failover", &tier.to_string()),
            _ => unreachable!("not yet read"),
        }
        if let Some(id) = &set.health_check {
            self.line("health_check", &quoted(id.as_str()));
        }
        match &set.content {
            Content::Values { ttl, rdata } => {
                self.line("ttl", &ttl.secs().to_string());
                let values = rdata.iter().map(|rdata| quoted(&rdata::show(set.rtype, rdata).to_string()));
                self.line("values", &list(values));
            }
            Content::Alias(alias) => {
                let (target, evaluates) = (quoted(&alias.target.to_string()), alias.evaluate_target_health);
                self.line("alias", &format!("{{ name = {target}, evaluate_target_health = {evaluates} }}"));
            }
        }
    }
}

/// The Host header as it was before the port was added to it.
fn host_without_port<'r>(scheme: &str, check: &EndpointCheck, request: &'r HttpRequest) -> &'r str {
    let usual = if scheme == "http" { 80 } else { 443 };
    if check.target.port == usual {
        return &request.host;
    }
    request.host.strip_suffix(&format!(":{}", check.target.port)).unwrap_or(&request.host)
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// A basic string (TOML 1.0): control characters, quotes and backslashes escaped.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            _ if c.is_control() => write!(out, "\\u{:04X}", u32::from(c)).expect("a String takes all that is written"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A key, bare where it may be.
fn key(text: &str) -> String {
    let is_bare = text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(&octet));
    if is_bare { text.to_owned() } else { quoted(text) }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::num::NonZeroU8;
    use std::sync::Arc;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::load::load_zones;
    use super::super::probed::deadlines;
    use super::*;
    use crate::health::check::{Target, Thresholds};
    use crate::ids::{HealthCheckId, SetIdentifier};
    use crate::wire::rtype::RecordType;
    use crate::zone::hosted_zone::HostedZone;
    use crate::zone::master::{Include, Source};
    use crate::zone::record_set::{Alias, Origin, RdataList, Ttl, Weight};

    struct Nothing;

    impl Include for Nothing {
        fn load(&mut self, path: &str, _from: &str) -> Result<Source, String> {
            Err(format!("{path} is not there"))
        }
    }

    fn host() -> impl Strategy<Value = TargetHost> {
        prop_oneof![
            any::<IpAddr>().prop_map(TargetHost::Address),
            "[a-z][a-z0-9-]{0,9}(\\.[a-z]{1,5}){0,3}".prop_map(TargetHost::Name)
        ]
    }

    fn timing() -> impl Strategy<Value = (Duration, Duration, Thresholds)> {
        (100u64..=3_600_000, 10u64..=60_000, 1u8..=10, 1u8..=10).prop_map(|(interval, timeout, fall, rise)| {
            let count = |count| NonZeroU8::new(count).expect("1 to 10");
            let thresholds = Thresholds { fall: count(fall), rise: count(rise) };
            (Duration::from_millis(interval), Duration::from_millis(timeout), thresholds)
        })
    }

    /// A protocol as both notations can make it: the Host header is a name or the address, with the port where due.
    fn endpoint_check() -> impl Strategy<Value = EndpointCheck> {
        let port = prop_oneof![Just(80), Just(443), 1u16..=65_535];
        let request = (proptest::option::of("[a-z]{1,8}\\.example"), "/[!-~]{0,20}", proptest::option::of(".{1,40}"));
        (0..3, host(), port, request, any::<bool>(), any::<bool>(), timing()).prop_map(
            |(kind, host, port, (named, path, search), sni, verify, (interval, timeout, thresholds))| {
                let own = match &host {
                    TargetHost::Address(address) => bracketed(*address),
                    TargetHost::Name(name) => name.clone(),
                };
                let is_name = named.is_some() || matches!(host, TargetHost::Name(_));
                let name = named.unwrap_or(own);
                let server_name = (is_name && sni).then(|| name.clone());
                let usual = if kind == 1 { 80 } else { 443 };
                let header = if port == usual { name } else { format!("{name}:{port}") };
                let request = HttpRequest { host: header, path, search };
                let protocol = match kind {
                    0 => Protocol::Tcp,
                    1 => Protocol::Http(request),
                    _ => Protocol::Https { request, server_name, verify },
                };
                let target = Target { host, port };
                EndpointCheck { target, protocol, interval, deadlines: deadlines(timeout), thresholds }
            },
        )
    }

    fn policy() -> impl Strategy<Value = RoutingPolicy> {
        let weight = |weight: u8| RoutingPolicy::Weighted(Weight::new(weight.into()).expect("0 to 255"));
        prop_oneof![
            Just(RoutingPolicy::Simple),
            Just(RoutingPolicy::Multivalue),
            any::<u8>().prop_map(weight),
            any::<u16>().prop_map(RoutingPolicy::Failover)
        ]
    }

    /// Rdata of a type, the opaque one for types that nobody knows.
    fn values() -> impl Strategy<Value = (RecordType, Vec<Vec<u8>>)> {
        let octets = |len| proptest::collection::vec(any::<u8>(), len);
        prop_oneof![
            octets(4..5).prop_map(|address| (RecordType::A, vec![address])),
            octets(16..17).prop_map(|address| (RecordType::AAAA, vec![address])),
            octets(0..200).prop_map(|text| (RecordType::TXT, vec![[&[text.len() as u8], &text[..]].concat()])),
            // A set: no value stands twice in one record set.
            proptest::collection::btree_set(octets(0..50), 1..4)
                .prop_map(|rdata| (RecordType(65_280), rdata.into_iter().collect())),
        ]
    }

    /// A state of one zone: record sets each at a name of its own, and a check for each.
    fn state() -> impl Strategy<Value = State> {
        let id = "[^\u{fffe}]{1,20}";
        let label = proptest::collection::vec(any::<u8>(), 1..20);
        let ttl = 0..=i64::from(Ttl::MAX);
        let one = (label, policy(), id, values(), ttl, any::<(bool, bool, bool)>(), endpoint_check());
        proptest::collection::vec(one, 1..8).prop_map(|parts| {
            let apex = Name::parse("example.", None).expect("a name");
            let mut checks = std::collections::BTreeMap::new();
            let mut record_sets = apex_records(&apex);
            for (at, (label, policy, id, (rtype, rdata), ttl, (inverted, disabled, alias), endpoint)) in
                parts.into_iter().enumerate()
            {
                let check_id = HealthCheckId::new(&format!("{id}{at}")).expect("not empty");
                let kind = CheckKind::Endpoint(Box::new(endpoint));
                checks.insert(check_id.clone(), HealthCheck { id: check_id.clone(), kind, inverted, disabled });
                let name = apex.child(format!("n{at}").as_bytes()).and_then(|name| name.child(&label)).expect("short");
                let set = RecordSet {
                    name: name.clone(),
                    rtype,
                    set_identifier: (policy != RoutingPolicy::Simple).then(|| SetIdentifier::new(&id).expect("1 to 20")),
                    policy,
                    content: Content::Values { ttl: Ttl::new(ttl).expect("in range"), rdata: RdataList::new(rdata) },
                    health_check: Some(check_id),
                    place: None,
                    origin: Origin::default(),
                };
                let alias_to = Alias { target: name, evaluate_target_health: disabled };
                let aliased = RecordSet {
                    name: apex.child(format!("alias{at}").as_bytes()).expect("short"),
                    set_identifier: None,
                    policy: RoutingPolicy::Simple,
                    content: Content::Alias(Box::new(alias_to)),
                    ..set.clone()
                };
                record_sets.push(set);
                record_sets.extend(alias.then_some(aliased));
            }
            let zone = HostedZone { name: apex, record_sets, groups: Default::default(), files: Vec::new() };
            State { zones: vec![Arc::new(zone)], checks, ..State::default() }
        })
    }

    fn apex_records(apex: &Name) -> Vec<RecordSet> {
        let soa = [apex.as_wire(), apex.as_wire(), &[0; 20]].concat();
        [(RecordType::SOA, soa), (RecordType::NS, b"\x02ns\x03net\0".to_vec())]
            .map(|(rtype, rdata)| RecordSet {
                name: apex.clone(),
                rtype,
                set_identifier: None,
                policy: RoutingPolicy::Simple,
                content: Content::Values { ttl: Ttl::new(60).expect("in range"), rdata: RdataList::new([rdata]) },
                health_check: None,
                place: None,
                origin: Origin::default(),
            })
            .into()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_printed_reads_back_as_the_same_state(state in state()) {
            let text = expand(&state).remove(0).text;
            let source = Source { file: "printed.toml".into(), octets: text.clone().into() };
            let (again, problems) = load_zones(vec![source], &mut Nothing, 1);
            prop_assert!(again.is_some(), "{}\n{}", problems, text);
            let again = again.expect("just asserted");
            prop_assert_eq!(&again.checks, &state.checks);
            let found: Vec<RecordSet> =
                again.zones[0].record_sets.iter().map(|set| RecordSet { origin: Origin::default(), ..set.clone() }).collect();
            prop_assert_eq!(&found, &state.zones[0].record_sets);
        }
    }
}
