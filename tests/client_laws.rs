//! Laws of decisions by client, over made-up trees in a small world where every client can be asked.
//!
//! Proved through the one door: zone text, verdicts and an ECS query in, a response out. Scopes are compared with what
//! other clients are told, never with how they were found.
//! Sources: RFC 7871 §7.2.1; Route 53 developer guide, "How Route 53 chooses records when health checking is configured".

#[path = "support/mmdb.rs"]
mod mmdb;
#[path = "client_laws/tree.rs"]
mod tree;
#[path = "client_laws/world.rs"]
mod world;

use std::net::IpAddr;

use ipnet::IpNet;
use proptest::prelude::*;
use tree::{Answer, Member, Node, Route, Said, Served, ask, ask_for, route, says};
use waypost::snapshot::Snapshot;
use world::World;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// What everybody is told.
fn told(snapshot: &Snapshot, clients: &[IpNet], draw: u64) -> Vec<(IpNet, Said)> {
    clients.iter().map(|client| (*client, ask(snapshot, *client, draw))).collect()
}

/// Everyone in the first bits of the client's address of whom as many are known.
fn within(all: &[(IpNet, Said)], client: IpNet, prefix_len: u8) -> impl Iterator<Item = &(IpNet, Said)> {
    let prefix = world::known(client.addr(), prefix_len);
    all.iter().filter(move |(other, _)| other.prefix_len() >= prefix_len && prefix.contains(&other.addr()))
}

proptest! {
    #![proptest_config(config(96))]

    #[test]
    fn inside_a_scope_everybody_gets_the_same_answer(
        world in world::worlds(),
        tree in tree::trees(&tree::ALL),
        healthy in any::<u64>(),
        draw in any::<u64>(),
    ) {
        let snapshot = Served::new(&world, &tree).with(healthy);
        let all = told(&snapshot, &world::clients(), draw);
        for (client, said) in all.iter().filter(|(client, said)| said.scope <= client.prefix_len()) {
            for (other, also) in within(&all, *client, said.scope) {
                prop_assert_eq!(&said.answer, &also.answer, "{} (scope {}) and {}", client, said.scope, other);
            }
        }
    }
}

/// A world in which each level of a tree has something to tell apart.
fn corpus_world() -> World {
    let network = |text: &str| text.parse::<IpNet>().expect("a prefix");
    World {
        networks: [
            ("10.0.0.0/21", world::GERMANY),
            ("10.0.1.0/24", world::FRANCE),
            ("10.0.4.0/22", world::AMERICA),
            ("10.0.5.0/25", world::CALIFORNIA),
            ("10.0.7.0/24", world::JAPAN),
            ("10.0.0.0/14", world::FRANCE),
        ]
        .map(|(text, place)| (network(text), place))
        .to_vec(),
        rows: [
            ("10.0.0.0/22", "aws:eu-central-1", 10),
            ("10.0.0.0/22", "aws:us-east-1", 90),
            ("10.0.2.0/24", "aws:us-east-1", 5),
            ("10.0.6.128/25", "gcp:asia-northeast1", 1),
            ("10.0.0.0/12", "aws:sa-east-1", 80),
        ]
        .map(|(text, region, ms)| (network(text), region, ms))
        .to_vec(),
        blocks: [("10.0.0.0/22", "one"), ("10.0.1.0/24", "two"), ("10.0.4.0/23", "two"), ("10.0.0.0/16", "three")]
            .map(|(text, location)| (network(text), location))
            .to_vec(),
    }
}

/// A route with these members, as the policy has them in turn.
fn branch<const N: usize>(policy: &'static str, nodes: [Node; N]) -> Route {
    let member = |(at, node)| Member { says: says(policy, at, 1), node };
    route(policy, nodes.into_iter().enumerate().map(member).collect())
}

fn leaf() -> Node {
    Node::Endpoint
}

fn below<const N: usize>(policy: &'static str, nodes: [Node; N]) -> Node {
    Node::Route(branch(policy, nodes))
}

fn leaves<const N: usize>(policy: &'static str) -> Route {
    branch(policy, [(); N].map(|()| leaf()))
}

/// Trees in which nothing but the deciding levels depends on the client.
fn corpus() -> Vec<Route> {
    let pair = |policy| below(policy, [leaf(), leaf()]);
    vec![
        leaves::<3>("latency"),
        leaves::<5>("geolocation"),
        leaves::<3>("geoproximity"),
        leaves::<4>("ip_based"),
        leaves::<2>("ip_based"),
        branch("geolocation", [pair("latency"), pair("latency"), leaf()]),
        branch("geolocation", [pair("geoproximity"), leaf(), pair("latency")]),
        branch("ip_based", [pair("latency"), leaf(), leaf(), pair("weighted")]),
        branch("latency", [pair("failover"), pair("weighted"), leaf()]),
        branch("weighted", [pair("latency"), pair("geoproximity")]),
        branch("failover", [pair("latency"), pair("geoproximity")]),
        branch("geoproximity", [pair("latency"), pair("latency"), leaf()]),
    ]
}

#[test]
fn a_scope_is_no_longer_than_needed() {
    let clients = world::clients();
    for tree in corpus() {
        let served = Served::new(&corpus_world(), &tree);
        let mut scopes = std::collections::BTreeSet::new();
        for healthy in served.healths() {
            let all = told(&served.with(healthy), &clients, 1);
            for (client, said) in all.iter().filter(|(_, said)| said.scope > 0) {
                scopes.insert(said.scope);
                let different = within(&all, *client, said.scope - 1).any(|(_, also)| also.answer != said.answer);
                assert!(different, "{client} is told {said:?}, healthy are {healthy:b} of {tree:?}");
            }
        }
        assert!(scopes.len() > 2, "clients matter to {tree:?}: {scopes:?}");
    }
}

#[test]
fn a_scope_is_0_where_the_client_does_not_matter() {
    let trees = ["failover", "weighted", "multivalue"].map(leaves::<3>);
    let nested = branch("failover", [below("weighted", [leaf(), leaf()]), leaf()]);
    for tree in trees.iter().chain([&nested]) {
        let served = Served::new(&corpus_world(), tree);
        for healthy in served.healths() {
            let snapshot = served.with(healthy);
            for client in world::clients() {
                assert_eq!(ask(&snapshot, client, 1).scope, 0, "{client} of {tree:?}");
                let nobody = ask_for("nobody.example.org.", &snapshot, client, 1);
                assert_eq!(nobody, Said { answer: Answer { rcode: 3, endpoints: vec![] }, scope: 0 });
            }
        }
    }
    let by_client = Served::new(&corpus_world(), &leaves::<3>("latency")).with(!0);
    let plain = ask_for("example.org.", &by_client, world::known(world::addresses()[0], 24), 0);
    assert_eq!(plain, Said { answer: Answer { rcode: 0, endpoints: vec![] }, scope: 0 }, "the apex has no A");
}
