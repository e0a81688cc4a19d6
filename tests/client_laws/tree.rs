//! Trees of routes as zone files, served without a socket: every endpoint stands in one place of its tree.
//!
//! Not a second implementation: what a tree answers comes from `answer::respond`. Endpoints are numbered in the order in
//! which they are written, which is also the last octet of their addresses. Source: docs/zone-files.md.

use std::net::IpAddr;
use std::sync::Arc;

use hickory_proto::op::Message;
use hickory_proto::rr::RData;
use ipnet::IpNet;
use jiff::Timestamp;
use proptest::prelude::*;
use waypost::answer::{Asker, Identity, Transport, respond};
use waypost::control::build::{Built, build};
use waypost::control::load::load_zones;
use waypost::health::board::Board;
use waypost::health::overrides::{Action, NewOverride, Overrides};
use waypost::health::remark::Remark;
use waypost::health::table::{Status, Verdict};
use waypost::ids::HealthCheckId;
use waypost::places::Places;
use waypost::routing::draw::Draw;
use waypost::snapshot::Snapshot;
use waypost::wire::name::Name;
use waypost::zone::master::{NoFiles, Source};

use crate::world::{LOCATIONS, REGIONS, World};

/// An endpoint, or a route to more.
#[derive(Clone, Debug)]
pub enum Node {
    Endpoint,
    Route(Route),
}

#[derive(Clone, Debug)]
pub struct Route {
    pub policy: &'static str,
    /// What the route says beside its members: `sticky = true`.
    pub options: String,
    pub members: Vec<Member>,
}

/// What a route says of a member, and the member: `country = "DE"`.
#[derive(Clone, Debug)]
pub struct Member {
    pub says: String,
    pub node: Node,
}

/// What members of a geolocation may be for.
pub const AREAS: [&str; 8] = [
    "continent = \"EU\"",
    "default = true",
    "country = \"US\"",
    "country = \"DE\"",
    "country = \"US\", subdivision = \"CA\"",
    "continent = \"NA\"",
    "country = \"FR\"",
    "continent = \"AS\"",
];

/// Where endpoints stand, in turn: region, continent.
pub const STANDS: [(&str, &str); 4] =
    [("aws:eu-central-1", "EU"), ("aws:us-east-1", "NA"), ("aws:eu-west-3", "EU"), ("aws:ap-northeast-1", "AS")];

/// The policies that ask where the client is.
pub const BY_CLIENT: [&str; 4] = ["latency", "geolocation", "geoproximity", "ip_based"];
/// Those that have every member for every client.
pub const TOTAL: [&str; 5] = ["latency", "geoproximity", "weighted", "sticky", "failover"];
pub const ALL: [&str; 7] = ["latency", "geolocation", "geoproximity", "ip_based", "weighted", "sticky", "failover"];

/// What routes say of how many of their members must be healthy.
pub const LEASTS: [&str; 3] = ["", "min_healthy = 2", "min_healthy = \"60%\""];
/// The same, and fences; of any two endpoints written one after the other, one stands in Europe.
pub const OPTIONS: [&str; 4] = ["", "min_healthy = 2", "min_healthy = \"60%\"", "fence = [{ continent = \"EU\" }]"];

/// What routes say of when all answer again, of how many must be healthy, and fences.
pub const PANICS: [&str; 4] = ["", "panic = \"50%\"", "min_healthy = 2", "panic = \"80%\"\nfence = [{ continent = \"EU\" }]"];

/// Trees of one to three levels of routes with these policies (`sticky` is `weighted`, and sticky) and these options.
pub fn trees(policies: &'static [&'static str], options: &'static [&'static str]) -> impl Strategy<Value = Route> {
    let below = move |node| routes(policies, options, node).prop_map(Node::Route);
    let node = Just(Node::Endpoint).prop_recursive(2, 12, 3, below);
    routes(policies, options, node.boxed())
}

fn routes(
    policies: &'static [&'static str],
    options: &'static [&'static str],
    node: BoxedStrategy<Node>,
) -> impl Strategy<Value = Route> {
    let members = proptest::collection::vec((node, any::<u8>()), 2..=4);
    let kind = (prop::sample::select(policies), prop::sample::select(options), any::<bool>());
    (kind, members, any::<u8>()).prop_map(|((policy, option, is_warm), members, turn)| {
        let says = |at, own| says(policy, at + usize::from(turn), own);
        let member = |(at, (node, own))| Member { says: says(at, own), node };
        let route = route(policy, members.into_iter().enumerate().map(member).collect());
        let trickle = if is_warm && policy == "failover" { "trickle = \"40%\"" } else { "" };
        Route { options: format!("{}\n{option}\n{trickle}", route.options), ..route }
    })
}

/// A route, `sticky` being a policy.
pub fn route(policy: &'static str, members: Vec<Member>) -> Route {
    match policy {
        "sticky" => Route { policy: "weighted", options: "sticky = true".into(), members },
        _ => Route { policy, options: String::new(), members },
    }
}

/// What the member at `at` says under this policy; different for different members.
pub fn says(policy: &str, at: usize, own: u8) -> String {
    let region = REGIONS[at % REGIONS.len()];
    match policy {
        "latency" => format!("region = \"{region}\""),
        "geoproximity" => format!("region = \"{region}\", bias = {}", i16::from(own % 61) - 30),
        "geolocation" => AREAS[at % AREAS.len()].to_owned(),
        "ip_based" => match LOCATIONS.get(at % 4) {
            Some(location) => format!("location = \"{location}\""),
            None => "default = true".to_owned(),
        },
        "weighted" | "sticky" => format!("weight = {}", own % 4),
        _ => String::new(),
    }
}

/// A zone text in the making.
#[derive(Default)]
struct Written {
    text: String,
    endpoints: usize,
    routes: usize,
}

impl Written {
    fn write(&mut self, name: &str, route: &Route) {
        let members: String = route.members.iter().map(|member| self.member(member)).collect();
        let cidr = if route.policy == "ip_based" { "cidr = \"blocks\"\n" } else { "" };
        let Route { policy, options, .. } = route;
        self.text.push_str(&format!("[route.{name}]\npolicy = \"{policy}\"\n{cidr}{options}\nmembers = [{members}]\n"));
    }

    fn member(&mut self, member: &Member) -> String {
        let used = match &member.node {
            Node::Endpoint => {
                let at = self.endpoints;
                self.endpoints += 1;
                let region = STANDS[at % STANDS.len()].0;
                let endpoint =
                    format!("[endpoint.e{at}]\naddress = [\"192.0.2.{at}\"]\nregion = \"{region}\"\nprobe = \"web\"\n");
                self.text.push_str(&endpoint);
                format!("e{at}")
            }
            Node::Route(route) => {
                self.routes += 1;
                let name = format!("r{}", self.routes);
                self.write(&name, route);
                format!("route:{name}")
            }
        };
        let comma = if member.says.is_empty() { "" } else { ", " };
        format!("{{ use = \"{used}\"{comma}{} }}, ", member.says)
    }
}

/// A tree at www.example.org., compiled.
pub struct Served {
    world: World,
    places: Places,
    built: Built,
    pub endpoints: usize,
    routes: usize,
}

/// What a response says, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub answer: Answer,
    pub scope: u8,
}

/// The endpoints that answer; none are NODATA or NXDOMAIN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub rcode: u8,
    pub endpoints: Vec<usize>,
}

impl Served {
    pub fn new(world: &World, tree: &Route) -> Self {
        Self::build(world, world.places(), None, tree)
    }

    /// Another tree in the same world; maps that both need are made once.
    pub fn replaced(&self, tree: &Route) -> Self {
        Self::build(&self.world, self.places.clone(), Some(&self.built), tree)
    }

    fn build(world: &World, places: Places, before: Option<&Built>, tree: &Route) -> Self {
        let mut written = Written::default();
        written.write("www", tree);
        let head = "zone = \"example.org.\"\nns = [\"ns1.example.net.\"]\n[probe.web]\ntype = \"tcp\"\nport = 80\n";
        let text = format!("{head}{}{}", world.collection(), written.text);
        let source = Source { file: "made.toml".into(), octets: text.clone().into_bytes() };
        let (state, problems) = load_zones(vec![source], &mut NoFiles, 1);
        let state = state.unwrap_or_else(|| panic!("{problems}\n{text}"));
        let built = build(state, &places, before).expect("a state without problems compiles");
        Self { world: world.clone(), places, built, endpoints: written.endpoints, routes: written.routes }
    }

    /// With these endpoints healthy: each has its bit.
    pub fn with(&self, healthy: u64) -> Snapshot {
        let verdict = |id: &HealthCheckId| {
            let at: u32 = id.as_str().strip_prefix('e').and_then(|at| at.parse().ok()).expect("checks are of endpoints");
            let healthy = healthy >> at & 1 == 1;
            let status = if healthy { Status::Healthy } else { Status::Unhealthy };
            Verdict::plain(id.clone(), status, Timestamp::UNIX_EPOCH, "the test says so".into())
        };
        let verdicts = self.built.state.checks.keys().map(verdict).collect();
        let health = Arc::new(self.built.supposing(verdicts));
        let Built { catalog, maps, externals, .. } = self.built.clone();
        Snapshot { catalog, health, maps, externals, generation: 0 }
    }

    /// With overrides for endpoints and for routes that are members, as two bits each say: none, up, down, drain.
    pub fn forced(&self, endpoints: u64, routes: u64) -> Snapshot {
        let mut overrides = Overrides::default();
        for (kind, bits, count) in [("check:e", endpoints, self.endpoints), ("route:r", routes, self.routes + 1)] {
            for at in 0..count.min(32) {
                let action = [None, Some(Action::Up), Some(Action::Down), Some(Action::Drain)][(bits >> (2 * at) & 3) as usize];
                let (target, remark) = (format!("{kind}{at}"), || Remark::new("the test says so").unwrap());
                let (reason, author, made_at) = (remark(), remark(), Timestamp::UNIX_EPOCH);
                let new =
                    |action| NewOverride { action, target: target.parse().unwrap(), reason, author, made_at, expires_at: None };
                action.map(|action| overrides.add(new(action)).unwrap());
            }
        }
        let mut board = Board::new(self.built.plan(), Timestamp::UNIX_EPOCH);
        board.set_overrides(overrides, Timestamp::UNIX_EPOCH);
        Snapshot { health: Arc::new(board.table()), ..self.with(0) }
    }

    /// Every health that the endpoints can have.
    pub fn healths(&self) -> std::ops::Range<u64> {
        0..1 << self.endpoints
    }
}

/// What www.example.org. A says for a client.
pub fn ask(snapshot: &Snapshot, client: IpNet, draw: u64) -> Said {
    ask_for("www.example.org.", snapshot, client, draw)
}

/// What a name's A says for a client.
pub fn ask_for(qname: &str, snapshot: &Snapshot, client: IpNet, draw: u64) -> Said {
    let IpAddr::V4(address) = client.addr() else { panic!("{client} is of no world") };
    let kept = usize::from(client.prefix_len()).div_ceil(8);
    let subnet = [&[0, 1, client.prefix_len(), 0], &address.octets()[..kept]].concat();
    let option = [&[0, 8, 0, subnet.len() as u8], &subnet[..]].concat();
    let qname = Name::parse(qname, None).expect("a valid name");
    let opt = [&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, option.len() as u8], &option[..]].concat();
    let message = [&[0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1], qname.as_wire(), &[0, 1, 0, 1], &opt].concat();
    let asker = Asker { address: [192, 0, 2, 53].into(), transport: Transport::Udp };
    let mut out = [0; 1232];
    let report = respond(snapshot, &Identity::default(), &message, &asker, 0, Draw::new(draw), &mut out);
    said(&out[..report.len], &option)
}

/// Reads a response, whose last octets are the ECS option that was sent, with its scope.
fn said(response: &[u8], sent: &[u8]) -> Said {
    let (rest, echoed) = response.split_at(response.len() - sent.len());
    assert!(echoed[..7] == sent[..7] && echoed[8..] == sent[8..], "{echoed:?} after {rest:?} echoes {sent:?}");
    let message = Message::from_vec(response).expect("responses decode");
    let endpoint = |record: &hickory_proto::rr::Record| match record.data {
        RData::A(address) => usize::from(address.0.octets()[3]),
        ref other => panic!("an address was asked for, not {other:?}"),
    };
    let endpoints = message.answers.iter().map(endpoint).collect();
    Said { answer: Answer { rcode: response[3] & 15, endpoints }, scope: echoed[7] }
}
