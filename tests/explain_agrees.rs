//! `explain` against the running server: what it says is answered is what a UDP socket answers, whoever asks and
//! whatever is healthy; and its steps tell the truth about health and about who answered.
//!
//! The server is asked over loopback, from resolvers of 127.0.0.0/8, and its responses are decoded by hickory-proto;
//! `explain` is read from its JSON. The order of records is chance, so they are compared as sets; where more is left to chance, the
//! answer must be one of those that `explain` has over all paths of it. Sources: RFC 7871 §7.2.1; Route 53 developer
//! guide, "Choosing a routing policy".

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use waypost::answer::Identity;
use waypost::control::build::{Built, build};
use waypost::control::load::load_zones;
use waypost::explain::{Client, ExplainReport, ExplainRequest, StepFacts, StepReport, UnfitReport, explain, explain_by};
use waypost::places::Places;
use waypost::places::database::Database;
use waypost::places::latency::LatencyTable;
use waypost::routing::chance::Paths;
use waypost::routing::draw::Draw;
use waypost::server::{Answers, Limits, Listeners, Running};
use waypost::snapshot::{Published, Snapshot};
use waypost::telemetry::Telemetry;
use waypost::text::Text;
use waypost::wire::rtype::RecordType;
use waypost::zone::master::{NoFiles, Source};

#[path = "support/mmdb.rs"]
mod mmdb;
mod support;

use mmdb::Place;
use support::{name, query, verdict};

/// Answers that agree, in each test.
const CASES: u32 = 1_000;
/// Longer than any answer takes; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Names and addresses of the endpoints, and where they stand.
const ENDPOINTS: [(&str, &str, &str); 10] = [
    ("fra", r#""192.0.2.1", "2001:db8:ffff::1""#, "aws:eu-central-1"),
    ("ham", r#""192.0.2.2""#, "gcp:europe-west3"),
    ("par", r#""192.0.2.3", "192.0.2.33""#, "aws:eu-west-3"),
    ("lyo", r#""192.0.2.4""#, "azure:francecentral"),
    ("lon", r#""192.0.2.5", "2001:db8:ffff::5""#, "aws:eu-west-2"),
    ("iad", r#""192.0.2.6", "2001:db8:ffff::6""#, "aws:us-east-1"),
    ("pdx", r#""192.0.2.7""#, "aws:us-west-2"),
    ("nrt", r#""192.0.2.8", "2001:db8:ffff::8""#, "aws:ap-northeast-1"),
    ("gru", r#""192.0.2.9""#, "aws:sa-east-1"),
    ("syd", r#""192.0.2.10""#, "aws:ap-southeast-2"),
];

const ROUTES: &str = r#"
[route.www]
policy       = "geolocation"
members      = [{ use = "route:eu", continent = "EU" }, { use = "route:na", continent = "NA" }, { use = "gru", country = "BR" },
                { use = "pdx", country = "US", subdivision = "CA" }, { use = "route:rest", default = true }]
ttl          = 20
branch_names = true

[route.eu]
policy  = "latency"
members = [{ use = "route:de", region = "aws:eu-central-1" }, { use = "route:fr", region = "aws:eu-west-3" }, "lon"]
min_healthy = 2

[route.de]
policy  = "failover"
members = ["fra", "ham"]
ttl     = 5

[route.fr]
policy  = "failover"
members = ["par", "lyo", "ham"]
ttl     = 300

[route.na]
policy  = "latency"
members = ["iad", "pdx"]

[route.rest]
policy  = "failover"
members = ["nrt", "syd"]

[route.near]
policy  = "geoproximity"
members = [{ use = "fra", bias = 20 }, "iad", { use = "nrt", bias = -50 }, { use = "route:fr", location = [48.9, 2.4] }]

[route.nearest]
policy  = "latency"
members = ["fra", "par", "lon", "iad"]
nearest = 2

[route.office]
policy  = "ip_based"
cidr    = "offices"
members = [{ use = "fra", location = "berlin" }, { use = "route:fr", location = "lyon" }, { use = "iad", default = true }]

[route.fenced]
policy  = "latency"
members = ["fra", "par", "iad", "nrt"]
fence   = [{ continent = "EU" }]

[route.half]
policy  = "failover"
members = ["iad", "lon", "par"]
fence   = [{ continent = "EU" }]

[route.inside]
policy  = "geolocation"
members = [{ use = "route:fenced", continent = "EU" }, { use = "syd", default = true }]

[route.american]
policy  = "geolocation"
members = [{ use = "iad", country = "US" }, { use = "gru", country = "BR" }]

[route.sticky]
policy  = "weighted"
members = [{ use = "fra", weight = 3 }, { use = "par", weight = 1 }, { use = "iad", weight = 2 }]
sticky  = true

[route.strong]
policy      = "failover"
members     = ["fra", "par", "lon"]
min_healthy = 2

[route.enough]
policy  = "failover"
members = ["route:strong", "nrt", "syd"]

[route.mixed]
policy  = "weighted"
members = [{ use = "route:near", weight = 2 }, { use = "iad", weight = 1 }, { use = "syd", weight = 0 }]

[route.many]
policy  = "multivalue"
members = ["fra", "ham", "par", "lyo", "lon", "iad", "pdx", "nrt", "gru", "syd"]

[route.warm]
policy  = "failover"
members = ["fra", "par"]
trickle = "5%"

[route.far]
policy  = "geolocation"
members = [{ use = "route:mixed", continent = "EU" }, { use = "route:warm", default = true }]
"#;

/// What is asked for where nothing is left to chance.
const CERTAIN: [&str; 16] = [
    "www",
    "eu",
    "fr",
    "na",
    "near",
    "nearest",
    "office",
    "fenced",
    "half",
    "inside",
    "american",
    "sticky",
    "enough",
    "nothing",
    "eu._via.www",
    "gru._via.www",
];
/// And where the draw decides too.
const DRAWN: [&str; 4] = ["mixed", "many", "warm", "far"];

const PLACES: [Place; 7] = [
    Place {
        continent: Some("EU"),
        country: Some("DE"),
        subdivision: None,
        coordinates: Some((50.1, 8.7)),
        city: Some("Frankfurt"),
    },
    Place { continent: Some("EU"), country: Some("FR"), subdivision: None, coordinates: Some((45.8, 4.8)), city: None },
    Place { continent: Some("EU"), country: Some("GB"), subdivision: None, coordinates: None, city: None },
    Place { continent: Some("NA"), country: Some("US"), subdivision: Some("CA"), coordinates: Some((37.4, -122.1)), city: None },
    Place { continent: Some("NA"), country: Some("US"), subdivision: None, coordinates: Some((39.8, -98.6)), city: None },
    Place { continent: Some("SA"), country: Some("BR"), subdivision: None, coordinates: Some((-10.0, -55.0)), city: None },
    Place { continent: Some("AS"), country: Some("JP"), subdivision: None, coordinates: Some((35.7, 139.7)), city: None },
];

/// Who asks for what, and what is healthy meanwhile.
#[derive(Clone, Debug)]
struct Case {
    owner: &'static str,
    rtype: RecordType,
    resolver: Ipv4Addr,
    subnet: Option<IpNet>,
    /// A bit for each health check.
    healthy: u16,
    draw: u64,
}

/// What a response says that does not depend on the order of its records.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Answered {
    rcode: String,
    /// Owner, TTL, type and rdata.
    records: BTreeSet<(String, u64, String, String)>,
    /// The subnet with its source and scope prefix lengths.
    subnet: Option<(String, u64, u64)>,
}

/// A server of the zone, whose health the test decides.
struct World {
    built: Built,
    published: Arc<Published>,
    running: Running,
    dns: SocketAddr,
    /// How often what was seen.
    seen: RefCell<BTreeMap<String, usize>>,
}

#[tokio::test]
async fn where_nothing_is_left_to_chance_explain_and_the_socket_say_the_same() {
    let world = World::start();
    world.run(&CERTAIN, |case, snapshot, answered| {
        let report = explained(snapshot, case);
        assert_eq!(read_json(&report), *answered, "{report:#?}");
        check_steps(&report, case, &world);
    });
    let wanted =
        ["passed over: unhealthy", "passed over: target", "passed over: fence", "last resort", "nobody", "a scope", "NXDOMAIN"];
    world.assert_seen(CERTAIN.into_iter().filter(|owner| *owner != "nothing").chain(wanted));
    world.running.drain(PATIENCE).await;
}

#[tokio::test]
async fn what_is_drawn_is_one_of_the_answers_that_explain_has() {
    let world = World::start();
    world.run(&DRAWN, |case, snapshot, answered| {
        let mut paths = Paths::new();
        let mut possible = BTreeSet::new();
        loop {
            let report = explain_by(snapshot, &Identity::default(), &case.request(), case.resolver.into(), &mut paths);
            check_steps(&report, case, &world);
            possible.insert(read_json(&report));
            if !paths.next_path() {
                break;
            }
        }
        assert!(possible.contains(answered), "{answered:#?} is none of {possible:#?}");
        if possible.len() > 1 {
            world.saw("chance");
        }
        let drawn = explained(snapshot, case);
        check_steps(&drawn, case, &world);
        assert!(possible.contains(&read_json(&drawn)), "{drawn:#?} is none of {possible:#?}");
    });
    world.assert_seen(DRAWN.into_iter().chain(["chance", "passed over: unhealthy", "last resort", "a scope"]));
    world.running.drain(PATIENCE).await;
}

impl World {
    fn start() -> Self {
        let source = Source { file: "example.org.toml".into(), octets: zone().into() };
        let (state, problems) = load_zones(vec![source], &mut NoFiles, 1);
        let state = state.unwrap_or_else(|| panic!("{problems}"));
        let built = build(state, &places(), None).expect("a state without problems compiles");
        let published = Arc::new(Published::default());
        let listeners =
            Listeners::bind(&["127.0.0.1:0".parse().unwrap()], None, NonZeroUsize::new(1).unwrap()).expect("a loopback socket");
        let dns = listeners.addresses().next().expect("one was asked for");
        let answers = Answers::new(published.clone(), Arc::new(ArcSwap::from_pointee(Identity::default())));
        let running = listeners.start(answers, Limits::default(), &Arc::new(Telemetry::new())).expect("threads");
        Self { built, published, running, dns, seen: RefCell::default() }
    }

    /// Publishes each case's health, asks the server, and lets `check` judge its answer.
    fn run(&self, owners: &'static [&'static str], check: impl Fn(&Case, &Snapshot, &Answered)) {
        let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
        let agreed = TestRunner::new(config).run(&case(owners), |case| {
            let snapshot = self.snapshot(case.healthy);
            self.published.publish(snapshot.clone());
            let answered = read_response(&self.ask(&case));
            check(&case, &snapshot, &answered);
            if !answered.records.is_empty() {
                self.saw(case.owner);
            }
            if answered.subnet.as_ref().is_some_and(|(.., scope)| *scope > 0) {
                self.saw("a scope");
            }
            self.saw(&answered.rcode);
            Ok(())
        });
        agreed.unwrap_or_else(|failed| panic!("{failed}"));
    }

    fn snapshot(&self, healthy: u16) -> Snapshot {
        let ids = self.built.state.checks.keys().cloned();
        let verdicts = ids.map(|id| {
            let is_healthy = is_healthy(healthy, id.as_str());
            verdict(id, is_healthy)
        });
        let health = Arc::new(self.built.supposing(verdicts.collect()));
        let Built { catalog, maps, externals, .. } = self.built.clone();
        Snapshot { catalog, health, maps, externals, generation: 0 }
    }

    /// The server's response over UDP.
    fn ask(&self, case: &Case) -> Vec<u8> {
        let socket = UdpSocket::bind((case.resolver, 0)).expect("all of 127.0.0.0/8 is this host");
        socket.connect(self.dns).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.send(&case.query()).unwrap();
        let mut response = vec![0; 4_096];
        let len = socket.recv(&mut response).unwrap_or_else(|error| panic!("unanswered: {case:?}: {error}"));
        response.truncate(len);
        response
    }

    fn saw(&self, what: &str) {
        *self.seen.borrow_mut().entry(what.to_owned()).or_default() += 1;
    }

    /// A test that never met these would have shown nothing of them.
    fn assert_seen(&self, wanted: impl IntoIterator<Item = &'static str>) {
        let seen = self.seen.borrow();
        for what in wanted {
            assert!(seen.contains_key(what), "{what} never came: {seen:#?}");
        }
    }
}

impl Case {
    fn request(&self) -> ExplainRequest {
        let client = self.subnet.map_or(Client::Resolver(self.resolver.into()), Client::Subnet);
        ExplainRequest { name: name(self.owner), rtype: self.rtype, client, draw: self.draw }
    }

    /// With the client's subnet, if it is told (RFC 7871 §6).
    fn query(&self) -> Vec<u8> {
        let mut query = query(&name(self.owner), self.rtype);
        let Some(subnet) = self.subnet else { return query };
        let (family, octets) = match subnet.addr() {
            IpAddr::V4(address) => (1, address.octets().to_vec()),
            IpAddr::V6(address) => (2, address.octets().to_vec()),
        };
        let octets = &octets[..usize::from(subnet.prefix_len().div_ceil(8))];
        let len = octets.len() as u8 + 4;
        // OPT is last, without options yet: its last octets are the length of them.
        *query.last_mut().expect("queries have an OPT record") = len + 4;
        query.extend([0, 8, 0, len, 0, family, subnet.prefix_len(), 0]);
        query.extend(octets);
        query
    }
}

/// What `explain` says; of a subnet of no length, which asks for the resolver, as asked by this resolver.
fn explained(snapshot: &Snapshot, case: &Case) -> ExplainReport {
    let request = case.request();
    match case.subnet {
        Some(subnet) if subnet.prefix_len() == 0 => {
            explain_by(snapshot, &Identity::default(), &request, case.resolver.into(), Draw::new(case.draw))
        }
        _ => explain(snapshot, &Identity::default(), &request),
    }
}

/// A bit of `healthy` is an endpoint's place in the table.
fn is_healthy(healthy: u16, id: &str) -> bool {
    let at = ENDPOINTS.iter().position(|(name, ..)| *name == id).expect("every health check is an endpoint's");
    healthy >> at & 1 == 1
}

/// Every verdict shown is what was published, who is passed over deserves it, and who is chosen last is who answers.
fn check_steps(report: &ExplainReport, case: &Case, world: &World) {
    let mut last_resort = false;
    for StepReport { facts, .. } in &report.steps {
        match facts {
            StepFacts::Group { .. } => last_resort = false,
            StepFacts::LastResort { .. } => {
                last_resort = true;
                world.saw("last resort");
            }
            StepFacts::Nobody => world.saw("nobody"),
            StepFacts::PassedOver { member, reason } => {
                let own = member.health_check.as_ref().map(|check| check.healthy);
                match reason {
                    UnfitReport::Unhealthy => {
                        assert_eq!(own, Some(false), "{report:#?}");
                        world.saw("passed over: unhealthy");
                    }
                    UnfitReport::TargetUnhealthy { target } | UnfitReport::TargetUnresolved { target } => {
                        let shown = member.target.as_ref().map(|target| (&target.name, target.healthy));
                        assert_eq!(shown, Some((target, false)), "{report:#?}");
                        world.saw("passed over: target");
                    }
                    UnfitReport::OutsideFence { .. } => world.saw("passed over: fence"),
                    UnfitReport::Reserve | UnfitReport::NotDrawn | UnfitReport::Drained => {}
                }
            }
            StepFacts::Chosen { member, .. } if !last_resort => {
                assert!(member.health_check.as_ref().is_none_or(|check| check.healthy), "{report:#?}");
                assert!(member.target.as_ref().is_none_or(|target| target.healthy), "{report:#?}");
            }
            _ => {}
        }
        if let StepFacts::PassedOver { member, .. } | StepFacts::Chosen { member, .. } = facts {
            let Some(check) = &member.health_check else { continue };
            assert_eq!(check.id, member.name, "an endpoint's check is named after it");
            assert_eq!(check.healthy, is_healthy(case.healthy, &check.id), "{report:#?}");
        }
    }
    check_chosen(report);
}

/// Who is chosen in the last group is whose addresses are answered, all of them.
fn check_chosen(report: &ExplainReport) {
    let Some(last) = report.steps.iter().rposition(|step| matches!(step.facts, StepFacts::Group { .. })) else { return };
    let chosen: BTreeSet<&str> = report.steps[last..]
        .iter()
        .filter_map(|step| match &step.facts {
            StepFacts::Chosen { member, .. } => Some(member.name.as_str()),
            _ => None,
        })
        .collect();
    let rdata: BTreeSet<&str> = report.answer.answer.iter().map(|record| record.rdata.as_str()).collect();
    let is_v6 = report.question.rtype == "AAAA";
    let of_chosen = ENDPOINTS.iter().filter(|(name, ..)| chosen.contains(name));
    let expected: BTreeSet<&str> = of_chosen
        .flat_map(|(_, addresses, _)| addresses.split(", ").map(|address| address.trim_matches('"')))
        .filter(|address| address.contains(':') == is_v6)
        .collect();
    assert_eq!(rdata, expected, "{report:#?}");
}

/// From the response's octets.
fn read_response(octets: &[u8]) -> Answered {
    let message = Message::from_vec(octets).expect("the response decodes");
    let rcode = match message.metadata.response_code {
        ResponseCode::NoError => "NOERROR",
        ResponseCode::NXDomain => "NXDOMAIN",
        other => panic!("no such response code was expected: {other:?}"),
    };
    let record = |record: &hickory_proto::rr::Record| {
        (record.name.to_string(), record.ttl.into(), record.record_type().to_string(), record.data.to_string())
    };
    let subnet = message.edns.as_ref().and_then(|edns| edns.option(EdnsCode::Subnet)).map(|option| match option {
        EdnsOption::Subnet(subnet) => (subnet.addr().to_string(), subnet.source_prefix().into(), subnet.scope_prefix().into()),
        other => panic!("no client subnet: {other:?}"),
    });
    let records: Vec<_> = message.answers.iter().map(record).collect();
    let answered = Answered { rcode: rcode.into(), records: records.iter().cloned().collect(), subnet };
    assert_eq!(answered.records.len(), records.len(), "no record is answered twice");
    answered
}

/// From the JSON of an explanation, which goes back to what it was made of.
fn read_json(report: &ExplainReport) -> Answered {
    let json = serde_json::to_value(report).expect("a report is JSON");
    assert_eq!(serde_json::from_value::<ExplainReport>(json.clone()).expect("it reads back"), *report);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let number = |value: &Value| value.as_u64().expect("a number");
    let answer = &json["answer"];
    let records = answer["answer"].as_array().expect("a list").iter();
    let subnet = answer.get("client_subnet");
    Answered {
        rcode: text(&answer["rcode"]),
        records: records.map(|one| (text(&one["name"]), number(&one["ttl"]), text(&one["type"]), text(&one["rdata"]))).collect(),
        subnet: subnet.map(|subnet| (text(&subnet["address"]), number(&subnet["source"]), number(&subnet["scope"]))),
    }
}

fn case(owners: &'static [&'static str]) -> impl Strategy<Value = Case> {
    // Most clients are in networks that something is known of.
    let v4 = (prop_oneof![4 => Just(Some(10u8)), 1 => Just(None)], any::<u32>(), 0..=32u8).prop_map(|(known, address, len)| {
        let address = known.map_or(address, |first| u32::from(first) << 24 | address >> 8);
        IpNet::V4(Ipv4Net::new(address.into(), len).expect("a length of IPv4").trunc())
    });
    let v6 = (any::<u128>(), 0..=128u8).prop_map(|(address, len)| {
        let address: Ipv6Addr = (0x2001_0db8u128 << 96 | (address & 0x3f) << 80 | address >> 48).into();
        IpNet::V6(Ipv6Net::new(address, len).expect("a length of IPv6").trunc())
    });
    let subnet = prop_oneof![2 => Just(None), 5 => v4.prop_map(Some), 2 => v6.prop_map(Some)];
    let rtype = prop_oneof![4 => Just(RecordType::A), 1 => Just(RecordType::AAAA)];
    let resolver = (0u8..64, any::<u8>(), 1u8..255).prop_map(|(b, c, d)| Ipv4Addr::new(127, b, c, d));
    let asked = (prop::sample::select(owners), rtype, resolver, subnet, any::<u16>(), any::<u64>());
    asked.prop_map(|(owner, rtype, resolver, subnet, healthy, draw)| Case { owner, rtype, resolver, subnet, healthy, draw })
}

fn zone() -> String {
    let mut zone = String::from("zone = \"example.org.\"\nns = [\"ns1.example.net.\"]\n");
    zone += "[cidr.offices]\nberlin = [\"10.0.0.0/9\", \"10.130.0.0/16\", \"127.8.0.0/13\", \"2001:db8::/44\"]\n";
    zone += "lyon = [\"10.16.0.0/12\", \"10.130.7.0/24\", \"127.9.128.0/17\", \"2001:db8:3::/48\"]\n";
    zone += "[probe.web]\ntype = \"http\"\n";
    for (name, addresses, region) in ENDPOINTS {
        zone += &format!("[endpoint.{name}]\naddress = [{addresses}]\nregion = \"{region}\"\nprobe = \"web\"\n");
    }
    zone + ROUTES
}

/// Networks of clients and of resolvers in different places, some inside others; some of unknown place.
fn places() -> Places {
    let place = |at: u32| PLACES.get((at.wrapping_mul(2_654_435_761) >> 16) as usize % (PLACES.len() + 1)).copied();
    let mut networks = Vec::new();
    let mut rows = String::new();
    for at in 0..256u32 {
        let wide = [format!("10.{at}.0.0/16"), format!("127.{at}.0.0/16"), format!("2001:db8:{at:x}::/48")];
        let inner = [format!("10.{at}.{at}.0/24"), format!("127.{at}.128.0/17"), format!("2001:db8:{at:x}:8000::/50")];
        for (within, network) in wide.iter().chain(&inner).enumerate() {
            let place = place(at * 7 + within as u32 * 1_000);
            networks.extend(place.map(|place| (network.parse::<IpNet>().expect("a network"), place)));
        }
        for (_, _, region) in ENDPOINTS.iter().skip(at as usize % 3).step_by(3) {
            let ms = (at.wrapping_mul(40_503) >> 4) % 90 + region.len() as u32;
            rows += &format!("{},{region},{ms}\n{},{region},{}\n", wide[at as usize % 3], inner[at as usize % 2], ms / 2 + 20);
        }
    }
    let database = Database::read(mmdb::write_with(mmdb::Layout::default(), &networks)).expect("the test writes a database");
    let (latency, problems) = LatencyTable::read(&Text::new("latency.csv".into(), rows));
    assert!(problems.is_empty(), "{problems}");
    Places { database: Some(Arc::new(database)), latency: latency.map(Arc::new), margin_micros: 0 }
}
