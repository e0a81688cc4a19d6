//! Whatever state there is, printed and read back it is the same.

mod checks;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use self::checks::endpoint_check;
use super::*;
use crate::control::load::load_zones;
use crate::geography::area::{Area, Continent, Country};
use crate::geography::coordinates::Coordinates;
use crate::geography::regions::regions;
use crate::geography::site::{Bias, RegionName, Site};
use crate::health::history::Objective;
use crate::ids::{CollectionId, HealthCheckId, LocationName, SetIdentifier};
use crate::modes::{Decision, Failback, Failover, Modes};
use crate::places::cidr::CidrCollection;
use crate::wire::rtype::RecordType;
use crate::zone::group_options::{GroupOptions, MinHealthy, Share, TtlRange};
use crate::zone::hosted_zone::HostedZone;
use crate::zone::master::{NoFiles, Source};
use crate::zone::record_set::{Alias, CidrLocation, Content, Origin, RdataList, RecordSet, RoutingPolicy, Ttl, Weight};

fn coordinates() -> impl Strategy<Value = Coordinates> {
    (-90.0..=90.0, -180.0..=180.0).prop_map(|(north, east)| Coordinates::new(north, east).expect("on Earth"))
}

/// Every area of a few countries, and all continents.
fn area() -> impl Strategy<Value = Area> {
    let country = proptest::sample::select(vec!["DE", "US", "CH", "NA"]);
    let country = country.prop_map(|code| code.parse::<Country>().expect("a country")).boxed();
    prop_oneof![
        proptest::sample::select(&Continent::ALL).prop_map(Area::Continent),
        country.clone().prop_map(Area::Country),
        (country, "[A-Z0-9]{1,3}").prop_map(|(country, code)| Area::Subdivision(country, code.parse().expect("a subdivision"))),
    ]
}

/// A region that is built in, one that is not, or none; only the first may go without coordinates of its own.
fn site() -> impl Strategy<Value = Site> {
    let built_in = proptest::sample::select(regions()).prop_map(|region| (region.name.to_string(), region.coordinates));
    let region = |name: String| RegionName::parse(&name).expect("a name");
    prop_oneof![
        built_in.prop_map(move |(name, place)| Site { region: Some(region(name)), coordinates: Some(place) }),
        (proptest::option::of("[a-z]{1,5}:[a-z0-9-]{1,9}"), coordinates())
            .prop_map(move |(name, place)| Site { region: name.map(region), coordinates: Some(place) }),
    ]
}

fn policy() -> impl Strategy<Value = RoutingPolicy> {
    let weight = |weight: u8| RoutingPolicy::Weighted(Weight::new(weight.into()).expect("0 to 255"));
    let bias = (-99i64..=99).prop_map(|percent| Bias::new(percent).expect("-99 to 99"));
    let location = |name: Option<&str>| name.map(|name| LocationName::new(name).expect("a name"));
    let cidr = move |name| Box::new(CidrLocation { collection: collection().0, location: location(name) });
    prop_oneof![
        Just(RoutingPolicy::Simple),
        Just(RoutingPolicy::Multivalue),
        any::<u8>().prop_map(weight),
        any::<u16>().prop_map(RoutingPolicy::Failover),
        site().prop_map(|site| RoutingPolicy::Latency(Box::new(site))),
        area().prop_map(RoutingPolicy::Geolocation),
        Just(RoutingPolicy::Geolocation(Area::Anywhere)),
        (coordinates(), bias).prop_map(|(place, bias)| RoutingPolicy::Geoproximity(place, bias)),
        proptest::option::of(Just("berlin")).prop_map(move |name| RoutingPolicy::IpBased(cidr(name))),
    ]
}

/// The collection that records of these tests name.
fn collection() -> (CollectionId, CidrCollection) {
    let location = |name| LocationName::new(name).expect("a name");
    let blocks = [("192.0.2.0/24", "berlin"), ("2001:db8::/40", "berlin"), ("192.0.0.0/16", "all_others")];
    let blocks = blocks.map(|(block, name)| (block.parse().expect("a block"), location(name)));
    (CollectionId::new("the \"offices\"").expect("not empty"), CidrCollection::new(blocks).expect("the blocks are right"))
}

/// Options that a group of one member with this policy may have; `parts` are free numbers.
fn options(policy: &RoutingPolicy, place: Option<Area>, (share, count): (u16, u8)) -> GroupOptions {
    let share_of = |max: u16| Share::new(f64::from(1 + share % max) / f64::from(Share::WHOLE)).expect("at most the whole");
    let is_near = matches!(policy, RoutingPolicy::Latency(_) | RoutingPolicy::Geoproximity(..));
    GroupOptions {
        min_healthy: if share.is_multiple_of(2) { MinHealthy::default() } else { MinHealthy::Share(share_of(Share::WHOLE)) },
        fence: place.into_iter().filter(|_| count.is_multiple_of(2)).collect(),
        trickle: if matches!(policy, RoutingPolicy::Failover(_)) { share_of(Share::WHOLE / 2) } else { Share::default() },
        panic: if share.is_multiple_of(5) { share_of(Share::WHOLE) } else { Share::default() },
        ttl: share.is_multiple_of(3).then(|| TtlRange { min: count.into(), max: 300 }),
        modes: Modes {
            failover: [
                Failover::Auto,
                Failover::Manual,
                Failover::Confirm { within: Duration::from_secs(share.max(1).into()), then: Decision::Refuse },
                Failover::Confirm { within: Duration::from_millis(1_500), then: Decision::Approve },
            ][usize::from(count % 4)],
            failback: [Failback::Auto, Failback::Manual, Failback::Delayed(Duration::from_secs(share.max(1).into()))]
                [usize::from(share % 3)],
            slow_start: Duration::from_secs(if matches!(policy, RoutingPolicy::Weighted(_)) { count.into() } else { 0 }),
        },
        sticky: matches!(policy, RoutingPolicy::Weighted(_)) && count.is_multiple_of(3),
        nearest: if is_near { count % 9 } else { 0 },
    }
}

/// Rdata of a type, the opaque one for types that nobody knows.
fn values() -> impl Strategy<Value = (RecordType, Vec<Vec<u8>>)> {
    let octets = |len| proptest::collection::vec(any::<u8>(), len);
    prop_oneof![
        octets(4..5).prop_map(|address| (RecordType::A, vec![address])),
        octets(16..17).prop_map(|address| (RecordType::AAAA, vec![address])),
        octets(0..200).prop_map(|text| (RecordType::TXT, vec![[&[text.len() as u8], &text[..]].concat()])),
        // A set: no value stands twice in one record set.
        proptest::collection::btree_set(octets(0..50), 1..4).prop_map(|rdata| (RecordType(65_280), rdata.into_iter().collect())),
    ]
}

/// A check that probes, or one that is told.
fn check_kind() -> impl Strategy<Value = CheckKind> {
    prop_oneof![
        3 => endpoint_check().prop_map(|endpoint| CheckKind::Endpoint(Box::new(endpoint))),
        1 => signal_check().prop_map(CheckKind::Signal),
    ]
}

fn signal_check() -> impl Strategy<Value = SignalCheck> {
    let source = prop_oneof![
        Just(SignalSource::Check),
        ("\\PC{1,9}", "\\PC{0,9}").prop_map(|(region, name)| SignalSource::Alarm { region: region.into(), name: name.into() }),
        "\\PC{1,20}".prop_map(|arn| SignalSource::Control(arn.into())),
    ];
    let insufficient = prop::sample::select(vec![Insufficient::Healthy, Insufficient::Unhealthy, Insufficient::LastKnown]);
    let lease = prop::option::of((1u64..=86_400).prop_map(Duration::from_secs));
    (source, insufficient, lease).prop_map(|(source, insufficient, lease)| match source {
        // What notation it has says nothing of that.
        SignalSource::Control(_) => SignalCheck { source, insufficient: Insufficient::LastKnown, lease },
        _ => SignalCheck { source, insufficient, lease },
    })
}

/// A state of one zone: record sets each at a name of its own, and a check for each.
fn state() -> impl Strategy<Value = State> {
    let id = "[^\u{fffe}]{1,20}";
    let label = proptest::collection::vec(any::<u8>(), 1..20);
    let ttl = 0..=i64::from(Ttl::MAX);
    let place = area().prop_map(|place| Some(place).filter(|place| !matches!(place, Area::Continent(_))));
    let group = (place, any::<(u16, u8)>());
    let one = (label, policy(), id, values(), ttl, any::<[bool; 5]>(), check_kind(), group);
    proptest::collection::vec(one, 1..8).prop_map(|parts| {
        let apex = Name::parse("example.", None).expect("a name");
        let mut checks = BTreeMap::new();
        let mut record_sets = apex_records(&apex);
        let mut groups = BTreeMap::new();
        for (
            at,
            (label, policy, id, (rtype, rdata), ttl, [inverted, disabled, alias, observe, stands], kind, (place, numbers)),
        ) in parts.into_iter().enumerate()
        {
            let check_id = HealthCheckId::new(&format!("{id}{at}")).expect("not empty");
            let objective = Objective::percent((ttl % 1_000_000) as f64 / 10_000.0);
            let region = stands.then(|| "aws:eu-central-1".into());
            let plain = HealthCheck::plain(check_id.clone(), kind);
            checks.insert(check_id.clone(), HealthCheck { inverted, disabled, observe, region, objective, ..plain });
            let name = apex.child(format!("n{at}").as_bytes()).and_then(|name| name.child(&label)).expect("short");
            let options = options(&policy, place, numbers);
            if options != GroupOptions::default() {
                groups.insert((name.clone(), rtype), options);
            }
            let set = RecordSet {
                name: name.clone(),
                rtype,
                set_identifier: (policy != RoutingPolicy::Simple).then(|| SetIdentifier::new(&id).expect("1 to 20")),
                policy,
                content: Content::Values { ttl: Ttl::new(ttl).expect("in range"), rdata: RdataList::new(rdata) },
                health_check: Some(check_id),
                place,
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
        let zone = HostedZone { name: apex, record_sets, hidden: 0, groups, files: Vec::new() };
        let (id, collection) = collection();
        let collections = BTreeMap::from([(id, Arc::new(collection))]);
        State { zones: vec![Arc::new(zone)], checks, collections, ..State::default() }
    })
}

fn apex_records(apex: &Name) -> Vec<RecordSet> {
    let soa = [apex.as_wire(), apex.as_wire(), &[0; 20]].concat();
    [(RecordType::SOA, soa), (RecordType::NS, b"\x02ns\x03net\0".to_vec())]
        .map(|(rtype, rdata)| RecordSet::simple(apex.clone(), rtype, Ttl::new(60).expect("in range"), RdataList::new([rdata])))
        .into()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_reads_back_as_the_same_state(state in state()) {
        let text = expand(&state).remove(0).text;
        let source = Source { file: "printed.toml".into(), octets: text.clone().into() };
        let (again, problems) = load_zones(vec![source], &mut NoFiles, 1);
        prop_assert!(again.is_some(), "{}\n{}", problems, text);
        let again = again.expect("just asserted");
        prop_assert_eq!(&again.checks, &state.checks);
        prop_assert_eq!(&again.collections, &state.collections);
        prop_assert_eq!(&again.zones[0].groups, &state.zones[0].groups);
        let found: Vec<RecordSet> =
            again.zones[0].record_sets.iter().map(|set| RecordSet { origin: Origin::default(), ..set.clone() }).collect();
        prop_assert_eq!(&found, &state.zones[0].record_sets);
    }
}
