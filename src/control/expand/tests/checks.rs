//! Every check that probes, of every kind and with every option that both notations can say.

use std::net::IpAddr;
use std::num::NonZeroU8;
use std::ops::RangeInclusive;
use std::time::Duration;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::control::probed::bracketed;
use crate::health::check::{EndpointCheck, ProxyProtocol, Target, TargetHost, Via};
use crate::health::command::CommandCheck;
use crate::health::profile::Profile;
use crate::health::protocol::Protocol;
use crate::health::protocol::dns::{DnsQuery, QueryType, Rcode, Wired};
use crate::health::protocol::grpc::GrpcCheck;
use crate::health::protocol::http::{Expect, HttpRequest, Method, Pattern, Search};
use crate::health::protocol::tls::{TlsCheck, TlsOptions};
use crate::health::role::{Encryption, Engine, Role, RoleCheck};
use crate::health::timing::{Deadlines, Hold, Thresholds, Timing, Tolerance};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::rdata;

pub(super) fn endpoint_check() -> impl Strategy<Value = EndpointCheck> {
    let port = prop_oneof![Just(53), Just(80), Just(443), 1u16..=65_535];
    let named = option::of("[a-z]{1,8}\\.example");
    let via = (option::of(any::<IpAddr>()), option::of(select(vec![ProxyProtocol::V1, ProxyProtocol::V2])));
    (protocol(), host(), port, named, any::<bool>(), via, timing()).prop_map(
        |(protocol, host, port, named, sni, (source, proxy_protocol), timing)| {
            let port = match &protocol {
                Protocol::Icmp => 0,
                Protocol::Command(command) if !command.needs_port() && sni => 0,
                _ => port,
            };
            let target = Target { host, port };
            let has_connection = !matches!(protocol, Protocol::Icmp | Protocol::Dns(_) | Protocol::Command(_));
            let has_way = !matches!(protocol, Protocol::Command(_));
            let is_reachable = |source: &IpAddr| match &target.host {
                TargetHost::Address(address) => address.is_ipv4() == source.is_ipv4(),
                TargetHost::Name(_) => true,
            };
            let via = Via {
                source: source.filter(is_reachable).filter(|_| has_way),
                proxy_protocol: proxy_protocol.filter(|_| has_connection),
            };
            EndpointCheck { protocol: addressed(protocol, named, &target, sni), target, via, timing }
        },
    )
}

/// The Host header is a name or the address, with the port where due; the server name is a name or nothing.
fn addressed(protocol: Protocol, named: Option<String>, target: &Target, sni: bool) -> Protocol {
    let own = match &target.host {
        TargetHost::Address(address) => bracketed(*address),
        TargetHost::Name(name) => name.clone(),
    };
    let is_name = named.is_some() || matches!(target.host, TargetHost::Name(_));
    let name = named.unwrap_or(own);
    let server_name = (is_name && sni).then(|| name.clone());
    let is_usual = protocol.default_port() == Some(target.port);
    let host = if is_usual { name.clone() } else { format!("{name}:{}", target.port) };
    match protocol {
        Protocol::Http(request) => Protocol::Http(HttpRequest { host, ..request }),
        Protocol::Https(request, tls) => Protocol::Https(HttpRequest { host, ..request }, TlsOptions { server_name, ..tls }),
        // Without SNI the name is not told: there is nothing else that it is for.
        Protocol::Tls(check) => Protocol::Tls(TlsCheck { tls: TlsOptions { server_name, ..check.tls }, ..check }),
        Protocol::Grpc(check) => {
            let tls = check.tls.map(|tls| TlsOptions { server_name, ..tls });
            Protocol::Grpc(GrpcCheck { authority: host, tls, ..check })
        }
        Protocol::Role(mut check) => {
            if let Encryption::On { server_name, .. } = &mut check.encryption {
                *server_name = is_name.then_some(name);
            }
            Protocol::Role(check)
        }
        protocol => protocol,
    }
}

fn host() -> impl Strategy<Value = TargetHost> {
    prop_oneof![
        any::<IpAddr>().prop_map(TargetHost::Address),
        "[a-z][a-z0-9-]{0,9}(\\.[a-z]{1,5}){0,3}".prop_map(TargetHost::Name)
    ]
}

/// A timing as a check can say it.
fn timing() -> impl Strategy<Value = Timing> {
    let profile = select(&Profile::ALL);
    let times =
        (100u64..=3_600_000, 10u64..=60_000, 10u64..=60_000, any::<proptest::sample::Index>(), 0u64..=86_400, 0u64..=86_400);
    let counts = (1u8..=10, 1u8..=10, option::of((11u8..=100, 1u8..=100)));
    (profile, times, counts, any::<[bool; 5]>()).prop_map(
        |(profile, times, (fall, rise, tolerance), [some, retries, other, held, adaptive])| {
            let (interval, timeout, answering, retry, hold, hold_max) = times;
            let millis = Duration::from_millis;
            let named = profile.timing(millis(timeout));
            if some {
                return named;
            }
            let count = |count| NonZeroU8::new(count).expect("not 0");
            let answering = if other { millis(answering) } else { named.deadlines.status };
            Timing {
                interval: millis(interval),
                retry: (retries || named.retry.is_some()).then(|| millis(50 + retry.index(interval as usize - 49) as u64)),
                deadlines: Deadlines {
                    connect: millis(timeout),
                    tls: named.deadlines.tls.map(|_| answering),
                    status: answering,
                    body: answering,
                },
                thresholds: Thresholds { fall: count(fall), rise: count(rise) },
                tolerance: tolerance.map(|(failures, clear)| Tolerance { failures: count(failures), clear: count(clear) }),
                hold: if held { Hold { least: millis(hold.min(hold_max)), max: millis(hold_max) } } else { named.hold },
                adaptive,
            }
        },
    )
}

fn protocol() -> impl Strategy<Value = Protocol> {
    let call = |(service, tls)| GrpcCheck { authority: String::new(), service, tls };
    prop_oneof![
        Just(Protocol::Tcp),
        Just(Protocol::Icmp),
        request().prop_map(Protocol::Http),
        (request(), tls()).prop_map(|(request, tls)| Protocol::Https(request, tls)),
        (tls(), vec("[!-~]{1,10}", 0..3)).prop_map(|(tls, alpn)| Protocol::Tls(TlsCheck { tls, alpn })),
        query().prop_map(Protocol::Dns),
        (".{0,20}", option::of(tls())).prop_map(call).prop_map(Protocol::Grpc),
        role().prop_map(|check| Protocol::Role(Box::new(check))),
        command().prop_map(Protocol::Command),
    ]
}

fn tls() -> impl Strategy<Value = TlsOptions> {
    (any::<bool>(), option::of(1u16..=3_650)).prop_map(|(verify, days_left)| TlsOptions { server_name: None, verify, days_left })
}

fn request() -> impl Strategy<Value = HttpRequest> {
    let headers = btree_map("x-[a-z0-9]{1,8}", "[ -~]{0,20}", 0..3);
    let options = (select(&Method::WORDS), headers, option::of(".{0,40}"), expect(), any::<bool>(), 0u8..=10);
    ("/[!-~]{0,20}", option::of(search()), options).prop_map(|(path, search, (method, headers, body, expect, http2, follow))| {
        let (_, method) = method;
        HttpRequest {
            path,
            method,
            headers: headers.into_iter().collect(),
            body: body.filter(|_| method.takes_body()),
            expect,
            search: search.filter(|_| method != Method::Head),
            http2,
            follow: if method.may_follow() { follow } else { 0 },
            ..HttpRequest::get("", "")
        }
    })
}

fn expect() -> impl Strategy<Value = Expect> {
    let range = (200u16..=999, 200u16..=999).prop_map(|(one, other)| one.min(other)..=one.max(other));
    let one = (200u16..=999).prop_map(|status| status..=status);
    let ranges = |ranges: Vec<RangeInclusive<u16>>| Expect::new(ranges).expect("there is one, and none is empty");
    prop_oneof![Just(Expect::default()), vec(prop_oneof![range, one], 1..4).prop_map(ranges)]
}

fn search() -> impl Strategy<Value = Search> {
    let pattern = select(vec!["ready", "^ok$", "(?i)\"status\": *\"up\"", "\\d+\t[^<]"]);
    prop_oneof![
        ".{1,40}".prop_map(Search::Text),
        pattern.prop_map(|text| Search::Pattern(Pattern::new(text).expect("it is a pattern"))),
    ]
}

fn role() -> impl Strategy<Value = RoleCheck> {
    let word = "[^\u{0}]{1,20}";
    let engine = prop_oneof![word.prop_map(|database| Engine::Postgres { database }), Just(Engine::Mysql), Just(Engine::Redis)];
    let encryption = option::of(any::<bool>()).prop_map(|verify| match verify {
        None => Encryption::Off,
        Some(verify) => Encryption::On { server_name: None, verify },
    });
    let wanted = select(vec![Role::Primary, Role::Replica, Role::Any]);
    (engine, wanted, word, option::of("/[^\u{0}]{0,20}"), encryption).prop_map(
        |(engine, wanted, user, password_file, encryption)| RoleCheck { engine, wanted, user, password_file, encryption },
    )
}

fn command() -> impl Strategy<Value = CommandCheck> {
    let word = prop_oneof!["[^\u{0}]{0,9}".boxed(), Just("{port}".to_owned()).boxed()];
    ("/[^\u{0}]{1,20}", vec(word, 0..4)).prop_map(|(program, arguments)| CommandCheck { program, arguments })
}

fn query() -> impl Strategy<Value = DnsQuery> {
    let name = vec(vec(any::<u8>(), 1..10), 0..4).prop_map(|labels| {
        let whole = labels.iter().try_fold(Name::root(), |name, label| name.child(label));
        let name = whole.expect("it is short");
        Wired { shown: name.to_string(), octets: name.as_wire().to_vec() }
    });
    let octets = |len| vec(any::<u8>(), len);
    let answers = prop_oneof![
        (Just(RecordType::A), vec(octets(4..5), 0..3)),
        (Just(RecordType::AAAA), vec(octets(16..17), 0..3)),
        (Just(RecordType(65_280)), vec(octets(0..20), 0..3)),
        (Just(RecordType::TXT), vec(octets(0..20).prop_map(|text| [&[text.len() as u8][..], &text].concat()), 0..3)),
    ];
    (name, answers, select(&Rcode::WORDS), any::<bool>()).prop_map(|(name, (rtype, values), (_, rcode), recursion)| {
        let wired = |octets: Vec<u8>| Wired { shown: rdata::show(rtype, &octets).to_string(), octets };
        let answers = values.into_iter().map(wired).collect();
        DnsQuery { name, rtype: QueryType { code: rtype.0, word: rtype.to_string() }, rcode, answers, recursion }
    })
}
