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

/// Maps are slow to make where nothing is optimized: so many cases, and twenty times as many when slow tests run.
fn config(cases: u32) -> ProptestConfig {
    let cases = if std::env::var_os("RUN_SLOW_TESTS").is_some() { cases * 20 } else { cases };
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
    #![proptest_config(config(16))]

    #[test]
    fn inside_a_scope_everybody_gets_the_same_answer(
        world in world::worlds(),
        tree in tree::trees(&tree::ALL, &tree::OPTIONS),
        tried in any::<[(u64, u64); 6]>(),
    ) {
        let served = Served::new(&world, &tree);
        // All healthy, as most of the time: then routing asks no member.
        for (healthy, draw) in tried.into_iter().chain([(u64::MAX, 0)]) {
            let all = told(&served.with(healthy), &world::clients(), draw);
            for (client, said) in all.iter().filter(|(client, said)| said.scope <= client.prefix_len()) {
                for (other, also) in within(&all, *client, said.scope) {
                    prop_assert_eq!(
                        &said.answer, &also.answer,
                        "{} (scope {}) and {}, {:b} healthy, draw {}", client, said.scope, other, healthy, draw
                    );
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(config(16))]

    #[test]
    fn inside_a_scope_everybody_gets_the_same_answer_whatever_operators_say(
        world in world::worlds(),
        tree in tree::trees(&tree::ALL, &tree::PANICS),
        tried in any::<[(u64, u64, u64); 6]>(),
    ) {
        let served = Served::new(&world, &tree);
        // Much drained, much down.
        let all = tried.into_iter().flat_map(|(one, other, draw)| [(one, other, draw), (one | (!0 / 3), other, draw), (one | (!0 / 3 * 2), other & one, draw)]);
        for (endpoints, routes, draw) in all {
            let all = told(&served.forced(endpoints, routes), &world::clients(), draw);
            for (client, said) in all.iter().filter(|(client, said)| said.scope <= client.prefix_len()) {
                for (other, also) in within(&all, *client, said.scope) {
                    prop_assert_eq!(
                        &said.answer, &also.answer,
                        "{} (scope {}) and {}, endpoints {:b}, routes {:b}, draw {}", client, said.scope, other, endpoints, routes, draw
                    );
                }
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
    let any = Served::new(&corpus_world(), &leaves::<1>("failover"));
    for tree in corpus() {
        let served = any.replaced(&tree);
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

/// Somebody with these last octets below 10, of whom 24 bits are known.
fn subnet(at: u32) -> IpNet {
    world::known(IpAddr::from(std::net::Ipv4Addr::from_bits(10 << 24 | at << 8)), 24)
}

/// A sticky route of endpoints with these weights.
fn sticky(weights: &[u8]) -> Served {
    let member = |weight| Member { says: format!("weight = {weight}"), node: leaf() };
    Served::new(&corpus_world(), &route("sticky", weights.iter().map(member).collect()))
}

/// The member that each /24 of 10.0.0.0/12 sticks to.
fn stuck(served: &Served, healthy: u64, draw: u64) -> Vec<usize> {
    let snapshot = served.with(healthy);
    let chosen = |at| ask(&snapshot, subnet(at), draw).answer.endpoints;
    (0..1 << 12).map(|at| chosen(at)[..].try_into().map(|[chosen]: [usize; 1]| chosen).expect("one answers")).collect()
}

#[test]
fn subnets_stick_in_proportion_to_the_weights() {
    for weights in [&[1, 1][..], &[1, 2, 5, 0], &[200, 55]] {
        let chosen = stuck(&sticky(weights), !0, 7);
        let whole: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
        for (at, weight) in weights.iter().enumerate() {
            let share = chosen.iter().filter(|one| **one == at).count() as f64 / chosen.len() as f64;
            assert!((share - f64::from(*weight) / whole).abs() < 0.02, "{at} of {weights:?} has {share}");
        }
    }
}

#[test]
fn only_the_subnets_of_a_member_that_goes_move_and_they_return() {
    let served = sticky(&[1, 2, 5, 0]);
    let before = stuck(&served, 0b1111, 0);
    for gone in 0..3 {
        let without = stuck(&served, 0b1111 & !(1 << gone), 1 + gone as u64);
        for (at, (before, now)) in before.iter().zip(&without).enumerate() {
            let stays = before == now;
            assert_eq!(stays, *before != gone, "{}: {before}, without {gone} {now}", subnet(at as u32));
            assert_ne!(*now, 3, "the reserve waits: {}", subnet(at as u32));
        }
    }
    assert_eq!(stuck(&served, 0b1111, u64::MAX), before, "whatever the draw");
    assert_eq!(stuck(&served, 0b1000, 1), [3; 1 << 12], "only the reserve is healthy");
    assert_eq!(stuck(&served, 0, 1), before, "the last resort: everybody as if healthy");
}

#[test]
fn the_standby_has_exactly_its_share() {
    for (trickle, parts) in [("0.01%", 1), ("1%", 100), ("12.34%", 1_234), ("50%", 5_000)] {
        let options = format!("trickle = \"{trickle}\"");
        let served = Served::new(&corpus_world(), &Route { options, ..leaves::<3>("failover") });
        let standbys = |healthy| {
            let snapshot = served.with(healthy);
            let chosen = (0..10_000).map(|draw| ask(&snapshot, subnet(0), draw).answer.endpoints);
            let mut counted = [0; 3];
            chosen.for_each(|chosen| counted[chosen[0]] += 1);
            counted
        };
        assert_eq!(standbys(0b011), [10_000 - parts, parts, 0], "{trickle}");
        if parts == 100 {
            assert_eq!(standbys(0b001), [10_000, 0, 0], "nobody stands by");
            assert_eq!(standbys(0b101), [10_000 - parts, 0, parts], "the next one that is healthy stands by");
            assert_eq!(standbys(0b110), [0, 10_000 - parts, parts], "one tier further");
            assert_eq!(standbys(0b010), [0, 10_000, 0], "the standby is all there is");
        }
    }
}

/// The members in this client's order: whoever answers is made unhealthy until nobody is left.
fn order(served: &Served, client: IpNet) -> Vec<usize> {
    let mut healthy = (1u64 << served.endpoints) - 1;
    let mut order = Vec::new();
    while healthy != 0 {
        let first = ask(&served.with(healthy), client, 0).answer.endpoints[0];
        assert!(healthy >> first & 1 == 1, "{client} is told of {first}, healthy are {healthy:b}");
        order.push(first);
        healthy &= !(1 << first);
    }
    order
}

#[test]
fn the_nearest_are_the_first_healthy_of_the_order() {
    for policy in ["latency", "geoproximity"] {
        let one = Served::new(&corpus_world(), &leaves::<4>(policy));
        for nearest in 1..=5 {
            let options = format!("nearest = {nearest}");
            let several = one.replaced(&Route { options, ..leaves::<4>(policy) });
            for client in world::addresses().into_iter().step_by(3).map(|address| world::known(address, 32)) {
                let order = order(&one, client);
                for healthy in several.healths() {
                    let has = |at: &usize| healthy == 0 || healthy >> at & 1 == 1;
                    let mut expected: Vec<usize> = order.iter().copied().filter(has).take(nearest).collect();
                    let mut found = ask(&several.with(healthy), client, 3).answer.endpoints;
                    expected.sort();
                    found.sort();
                    assert_eq!(found, expected, "{client} of {policy}, {healthy:b} healthy, order {order:?}");
                }
            }
        }
    }
}

/// All health states of a few endpoints; of many, these few with all down and all up.
fn healths(served: &Served, few: [u64; 6]) -> Vec<u64> {
    if served.endpoints <= 4 { served.healths().collect() } else { [0, !0].into_iter().chain(few).collect() }
}

/// A few clients of each kind.
fn some_clients() -> impl Iterator<Item = IpNet> {
    world::addresses().into_iter().step_by(4).flat_map(|address| [24, 32].map(|len| world::known(address, len)))
}

proptest! {
    #![proptest_config(config(10))]

    #[test]
    fn nothing_outside_a_fence_is_ever_answered(
        world in world::worlds(),
        tree in tree::trees(&tree::ALL, &tree::LEASTS),
        fence in prop::sample::select(&["EU", "NA"][..]),
        few in any::<[u64; 6]>(),
        draw in any::<u64>(),
    ) {
        let options = format!("{}\nfence = [{{ continent = \"{fence}\" }}]", tree.options);
        let served = Served::new(&world, &Route { options, ..tree });
        for healthy in healths(&served, few) {
            let snapshot = served.with(healthy);
            for client in some_clients() {
                let answer = ask(&snapshot, client, draw).answer;
                prop_assert_eq!(answer.rcode, 0);
                for at in answer.endpoints {
                    prop_assert_eq!(tree::STANDS[at % 4].1, fence, "{} is told of {}", client, at);
                }
            }
        }
    }

    #[test]
    fn where_every_member_is_for_everybody_what_is_healthy_inside_the_fence_answers(
        world in world::worlds(),
        tree in tree::trees(&tree::TOTAL, &tree::LEASTS[..1]),
        few in any::<[u64; 6]>(),
        draw in any::<u64>(),
    ) {
        let options = format!("{}\nfence = [{{ continent = \"EU\" }}]", tree.options);
        let served = Served::new(&world, &Route { options, ..tree });
        let is_inside = |at: &usize| tree::STANDS[at % 4].1 == "EU";
        for healthy in healths(&served, few) {
            let is_healthy = |at: &usize| healthy >> at & 1 == 1;
            let anybody = (0..served.endpoints).any(|at| is_inside(&at) && is_healthy(&at));
            let snapshot = served.with(healthy);
            for client in some_clients().filter(|_| anybody) {
                let chosen = ask(&snapshot, client, draw).answer.endpoints;
                let is_fit = |at: &usize| is_inside(at) && is_healthy(at);
                prop_assert!(chosen.len() == 1 && chosen.iter().all(is_fit), "{} is told of {:?}", client, chosen);
            }
        }
    }
}

/// Whether a member that says this is for somebody, by plain reading.
fn is_candidate(world: &World, policy: &str, says: &str, client: IpAddr) -> bool {
    let value = |key: &str| says.split_once(&format!("{key} = \"")).and_then(|(_, rest)| rest.split('"').next());
    let place = world.place(client);
    match policy {
        _ if says == "default = true" => true,
        "ip_based" => world.is_in(value("location").expect("each has one"), client),
        "geolocation" => place.is_some_and(|place| {
            let is = |key, own| value(key).is_none_or(|asked| own == Some(asked));
            is("continent", place.continent) && is("country", place.country) && is("subdivision", place.subdivision)
        }),
        _ => true,
    }
}

proptest! {
    #![proptest_config(config(8))]

    #[test]
    fn an_unhealthy_member_answers_only_clients_without_a_healthy_candidate(
        world in world::worlds(),
        policy in prop::sample::select(&tree::BY_CLIENT[..]),
        turn in 0usize..8,
        biases in proptest::collection::vec(any::<u8>(), 2..=4),
    ) {
        let says: Vec<String> = biases.iter().enumerate().map(|(at, own)| says(policy, at + turn, *own)).collect();
        let member = |says: &String| Member { says: says.clone(), node: leaf() };
        let members: Vec<Member> = says.iter().map(member).collect();
        let served = Served::new(&world, &route(policy, members.clone()));
        let without = |gone: usize| {
            let kept = members.iter().enumerate().filter(|(at, _)| *at != gone).map(|(_, member)| member.clone());
            served.replaced(&route(policy, kept.collect()))
        };
        let without: Vec<Served> = (0..members.len()).map(without).collect();
        for healthy in served.healths() {
            let snapshot = served.with(healthy);
            let is_healthy = |at: usize| healthy >> at & 1 == 1;
            let gone = (0..members.len()).find(|at| !is_healthy(*at));
            // Those behind the one that is gone move up.
            let fewer = gone.map(|gone| (gone, without[gone].with(healthy & ((1 << gone) - 1) | (healthy >> (gone + 1)) << gone)));
            for address in world::addresses().into_iter().step_by(2) {
                let client = world::known(address, 32);
                let candidates: Vec<usize> =
                    (0..members.len()).filter(|at| is_candidate(&world, policy, &says[*at], address)).collect();
                let found = ask(&snapshot, client, 0).answer.endpoints;
                let anybody = candidates.iter().any(|at| is_healthy(*at));
                prop_assert_eq!(found.len(), usize::from(!candidates.is_empty()), "{} of {:?}", client, candidates);
                prop_assert!(found.iter().all(|at| candidates.contains(at) && (is_healthy(*at) || !anybody)), "{} {:?}", client, found);
                if let Some((gone, fewer)) = fewer.as_ref().filter(|_| anybody) {
                    let places = ask(fewer, client, 0).answer.endpoints.into_iter();
                    let same: Vec<usize> = places.map(|at| if at < *gone { at } else { at + 1 }).collect();
                    prop_assert_eq!(found, same, "{} without {}", client, gone);
                }
            }
        }
    }
}

/// A failover from a route of endpoints with these weights to one that is always healthy, two levels up.
fn guarded(before: &Served, policy: &'static str, weights: &[u8], min_healthy: &str) -> Served {
    let says = |(at, weight): (usize, &u8)| if policy == "weighted" { format!("weight = {weight}") } else { says(policy, at, 1) };
    let member = |part| Member { says: says(part), node: leaf() };
    let members = weights.iter().enumerate().map(member).collect();
    let inner = Route { options: format!("min_healthy = {min_healthy}"), ..route(policy, members) };
    before.replaced(&branch("failover", [below("failover", [Node::Route(inner)]), leaf()]))
}

#[test]
fn a_route_with_too_few_healthy_members_is_left() {
    let client = subnet(0);
    let check = |served: &Served, is_enough: &dyn Fn(u64) -> bool, about: &str| {
        let standby = served.endpoints - 1;
        for healthy in 0..1u64 << standby {
            let answer = ask(&served.with(healthy | 1 << standby), client, 5).answer;
            assert_eq!(answer.endpoints != [standby], is_enough(healthy), "{healthy:b} healthy, {about}");
        }
    };
    let any = Served::new(&corpus_world(), &leaves::<1>("failover"));
    for size in 1..=4 {
        for policy in ["failover", "weighted", "latency", "geoproximity"] {
            let before = guarded(&any, policy, &[1; 4][..size], "1");
            for least in 1..=size {
                let served = guarded(&before, policy, &[1, 2, 0, 3][..size], &least.to_string());
                check(&served, &|healthy| healthy.count_ones() as usize >= least, &format!("{least} of {size} asked, {policy}"));
            }
            for percent in [1, 25, 34, 50, 67, 100] {
                let weights = if policy == "weighted" { [1, 2, 0, 3] } else { [1; 4] };
                let served = guarded(&before, policy, &weights[..size], &format!("\"{percent}%\""));
                let sum =
                    |healthy: u64| (0..size).filter(|at| healthy >> at & 1 == 1).map(|at| u64::from(weights[at])).sum::<u64>();
                let is_enough = |healthy| sum(healthy) > 0 && sum(healthy) * 100 >= sum(!0) * percent;
                check(&served, &is_enough, &format!("{percent} % of {size} asked, {policy}"));
            }
        }
    }
}
