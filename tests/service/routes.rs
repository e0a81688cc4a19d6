//! How members leave and come back, how their weight ramps up, when a group panics, and what a TTL follows.

use waypost::health::board::Notice;
use waypost::health::gate::Order;
use waypost::health::overrides::Action;

use crate::world::World;

fn zone(options: &str) -> String {
    format!(
        r#"
[endpoint.fra]
address = ["192.0.2.1"]
probe = "web"
[endpoint.iad]
address = ["192.0.2.2"]
probe = "web"
[route.www]
policy = "failover"
members = ["fra", "iad"]
{options}
[route.top]
policy = "failover"
members = ["route:www", "last"]
{options}
[endpoint.last]
address = ["192.0.2.9"]
"#
    )
}

#[test]
fn by_default_members_leave_and_come_back_at_once() {
    let mut world = World::new(&zone(""));
    world.fail(&["fra"]);
    assert_eq!(world.answer("www"), 2);
    world.pass(&["fra"]);
    assert_eq!(world.answer("www"), 1);
    assert_eq!(world.notices(), [], "nothing but transitions is told");
}

#[test]
fn a_manual_failback_waits_for_an_operator_and_outlives_a_restart() {
    let mut world = World::new(&zone(r#"failback = "manual""#));
    world.fail(&["fra"]);
    world.pass(&["fra"]);
    assert_eq!(world.answer("www"), 2);
    assert!(world.explained("www").contains("back in service only by `waypost failback www.example.org.`"));
    world.wait(86_400);
    let mut world = world.restarted();
    assert_eq!(world.answer("www"), 2);
    assert_eq!(world.order("www", Order::BringBack), 1);
    assert_eq!(world.answer("www"), 1);
    assert_eq!(world.order("www", Order::BringBack), 0, "there is nothing more to do");
}

#[test]
fn a_manual_failback_brings_back_nothing_that_is_unhealthy() {
    let mut world = World::new(&zone(r#"failback = "manual""#));
    world.fail(&["fra"]);
    assert_eq!(world.order("www.example.org", Order::BringBack), 0);
    assert_eq!(world.answer("www"), 2);
}

#[test]
fn a_delayed_failback_comes_after_as_long_without_a_failure() {
    let mut world = World::new(&zone(r#"failback = { delayed = "60s" }"#));
    world.fail(&["fra"]);
    world.pass(&["fra"]);
    world.wait(40);
    world.fail(&["fra"]);
    world.pass(&["fra"]);
    world.wait(59);
    assert_eq!(world.answer("www"), 2, "the failure began the time anew");
    world.wait(1);
    assert_eq!(world.answer("www"), 1);
}

#[test]
fn a_manual_failover_keeps_what_fails_until_an_operator_says_so() {
    let mut world = World::new(&zone(r#"failover = "manual""#));
    world.fail(&["fra"]);
    world.wait(3_600);
    assert_eq!(world.answer("www"), 1);
    assert!(world.explained("www").contains("kept in service until `waypost failover www.example.org.`"));
    assert_eq!(world.order("www", Order::TakeOut), 1);
    assert_eq!(world.answer("www"), 2);
    world.pass(&["fra"]);
    assert_eq!(world.answer("www"), 1, "it comes back by itself, which is the other key's business");
}

#[test]
fn a_confirmed_failover_goes_by_the_answer_or_by_the_deadline() {
    for (then, order, expected) in [
        ("approve", None, [1, 2]),
        ("refuse", None, [1, 1]),
        ("refuse", Some(Order::Approve), [2, 2]),
        ("approve", Some(Order::Keep), [1, 1]),
        ("refuse", Some(Order::TakeOut), [2, 2]),
    ] {
        let mut world = World::new(&zone(&format!(r#"failover = {{ confirm = "5m", else = "{then}" }}"#)));
        world.fail(&["fra"]);
        assert!(matches!(&world.notices()[..], [Notice::Passed { .. }, ..]), "a proposal is told");
        world.wait(299);
        assert_eq!(world.answer("www"), 1);
        if let Some(order) = order {
            assert_eq!(world.order("www", order), 1);
        }
        let at_once = world.answer("www");
        world.wait(1);
        assert_eq!([at_once, world.answer("www")], expected, "{then} {order:?}");
    }
}

#[test]
fn a_refused_failover_is_proposed_again_only_after_a_recovery() {
    let mut world = World::new(&zone(r#"failover = { confirm = "10s", else = "refuse" }"#));
    world.fail(&["fra"]);
    world.wait(10);
    world.notices();
    world.fail(&["fra"]);
    world.wait(3_600);
    assert_eq!((world.answer("www"), world.notices()), (1, vec![]));
    assert_eq!(world.order("www", Order::Approve), 0, "a program's late approval counts for nothing");
    world.pass(&["fra"]);
    world.fail(&["fra"]);
    assert_eq!(world.notices().len(), 1);
}

#[test]
fn a_route_as_a_member_leaves_when_nothing_behind_it_is_in_service() {
    let mut world = World::new(&zone(r#"failback = "manual""#));
    world.fail(&["fra", "iad"]);
    assert_eq!(world.answer("top"), 9);
    world.pass(&["fra", "iad"]);
    assert_eq!(world.answer("top"), 9, "the members behind it have not been brought back");
    assert_eq!(world.order("www", Order::BringBack), 2);
    assert_eq!(world.answer("top"), 9, "nor has the route itself");
    assert_eq!(world.order("top", Order::BringBack), 1);
    assert_eq!(world.answer("top"), 1);
}

#[test]
fn what_an_operator_forces_up_waits_for_nobody() {
    let mut world = World::new(&zone(r#"failback = "manual""#));
    world.fail(&["fra"]);
    world.pass(&["fra"]);
    world.say(Action::Up, "endpoint:fra", None);
    assert_eq!(world.answer("www"), 1);
}

#[test]
fn a_name_that_may_be_two_routes_is_refused() {
    let mut world = World::new(&zone(""));
    let refused =
        |world: &mut World, name| world.board.order(name, None, Order::BringBack, crate::world::at(0)).unwrap_err().to_string();
    assert_eq!(refused(&mut world, "wwww"), "\"wwww\" is no routed name; these are: top.example.org., www.example.org.");
}

const WEIGHTED: &str = r#"
[endpoint.a]
address = ["192.0.2.1"]
probe = "web"
[endpoint.b]
address = ["192.0.2.2"]
probe = "web"
[endpoint.c]
address = ["192.0.2.3"]
probe = "web"
[route.www]
policy = "weighted"
members = [{ use = "a", weight = 1 }, { use = "b", weight = 1 }, { use = "c", weight = 2 }]
"#;

#[test]
fn a_member_that_comes_back_ramps_up_its_weight() {
    let mut world = World::new(&format!("{WEIGHTED}\nslow_start = \"90s\"\n"));
    assert_eq!(world.shares("www", 4), [(1, 1), (2, 1), (3, 2)], "not at the start");
    world.fail(&["a"]);
    assert_eq!(world.shares("www", 3), [(2, 1), (3, 2)]);
    world.pass(&["a"]);
    assert_eq!(world.shares("www", 310), [(1, 10), (2, 100), (3, 200)]);
    world.wait(45);
    assert_eq!(world.shares("www", 355), [(1, 55), (2, 100), (3, 200)]);
    world.wait(45);
    assert_eq!(world.shares("www", 4), [(1, 1), (2, 1), (3, 2)]);
}

#[test]
fn a_group_in_panic_answers_with_all_that_are_not_drained() {
    let mut world = World::new(&format!("{WEIGHTED}\npanic = \"50%\"\n"));
    world.fail(&["a", "b"]);
    assert_eq!(world.shares("www", 4), [(3, 4)], "half of the weight is left");
    world.pass(&["b"]);
    world.fail(&["c"]);
    assert_eq!(world.shares("www", 4), [(1, 1), (2, 1), (3, 2)], "a quarter is not enough");
    assert!(world.explained("www").contains("less than 50 % of the group is healthy"));
    world.say(Action::Drain, "endpoint:c", None);
    assert_eq!(world.shares("www", 2), [(2, 2)], "what is drained is no part of it: half of the rest is left");
}

#[test]
fn without_panic_the_last_healthy_one_has_it_all() {
    let mut world = World::new(WEIGHTED);
    world.fail(&["b", "c"]);
    assert_eq!(world.shares("www", 4), [(1, 4)]);
}

#[test]
fn a_ttl_that_follows_is_never_longer_than_until_the_earliest_change() {
    let slow = r#"
[probe.slow]
type = "tcp"
port = 80
interval = "60s"
fall = 3
timeout = "1s"
[endpoint.s]
address = ["192.0.2.1"]
probe = "slow"
[endpoint.t]
address = ["192.0.2.2"]
probe = "slow"
[route.www]
policy = "failover"
members = ["s", "t"]
ttl = { max = 300, min = 20 }
"#;
    let mut world = World::new(slow);
    world.wait(1);
    // Three failures are needed, an interval apart, the first of them a minute after what was seen a second ago.
    assert_eq!(world.ttl("www"), 179);
    world.fail(&["s"]);
    world.wait(1);
    assert_eq!(world.ttl("www"), 119);
    world.fail(&["s"]);
    world.wait(1);
    assert_eq!(world.ttl("www"), 59);
    world.say(Action::Freeze, "check:*", Some(100));
    world.wait(1);
    assert_eq!(world.ttl("www"), 99, "nothing moves before the freeze ends");
    world.wait(95);
    assert_eq!(world.ttl("www"), 20, "and never below the least");
}

#[test]
fn a_ttl_knows_when_a_delayed_failback_is_due() {
    let mut world = World::new(&zone("failback = { delayed = \"100s\" }\nttl = { max = 300, min = 5 }"));
    world.fail(&["fra"]);
    world.pass(&["fra"]);
    world.wait(40);
    // The secondary may fail within a second.
    assert_eq!(world.ttl("www"), 5);
}

/// Two slow endpoints behind a route of these modes, whose TTL follows.
fn followed(modes: &str) -> String {
    format!(
        r#"
[probe.slow]
type = "tcp"
port = 80
interval = "40s"
fall = 2
rise = 2
timeout = "1s"
hold = "90s"
[endpoint.s]
address = ["192.0.2.1"]
probe = "slow"
[endpoint.t]
address = ["192.0.2.2"]
probe = "slow"
[route.www]
policy = "failover"
members = ["s", "t"]
ttl = {{ max = 300, min = 20 }}
{modes}
"#
    )
}

/// Probes of both at random times that the schedule allows, with random outcomes; `steps` says both.
fn no_answer_outlives_its_ttl(modes: &str, steps: &[(bool, bool, u8)]) -> Result<(), proptest::test_runner::TestCaseError> {
    let mut world = World::new(&followed(modes));
    // When each is probed next: an interval after the last, or a little later.
    let mut due = [40, 41];
    let mut now = 0;
    let mut given: Vec<(i64, u32, u8)> = Vec::new();
    for (which, passed, jitter) in steps {
        let at = usize::from(*which);
        let then = due[at].max(now);
        while now < then {
            world.wait(1);
            now += 1;
            let answered = world.answer("www");
            for (given_at, ttl, answer) in given.iter().filter(|(_, _, answer)| *answer != answered) {
                let is_over = given_at + i64::from(*ttl) <= now;
                proptest::prop_assert!(is_over || *ttl == 20, "{answer} given at {given_at} for {ttl} s, another at {now}");
            }
            given.retain(|(given_at, ttl, _)| given_at + i64::from(*ttl) > now);
            given.push((now, world.ttl("www"), answered));
        }
        let check = [["s"], ["t"]][at];
        if *passed {
            world.pass(&check)
        } else {
            world.fail(&check)
        }
        due[at] = now + 40 + i64::from(jitter % 3);
    }
    Ok(())
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 48, ..Default::default() })]

    #[test]
    fn no_answer_outlives_its_ttl_but_by_the_least(
        modes in 0..3usize,
        steps in proptest::collection::vec((proptest::prelude::any::<bool>(), proptest::bool::weighted(0.6), 0..3u8), 1..16),
    ) {
        let modes = ["", "failback = { delayed = \"50s\" }", "failover = { confirm = \"70s\", else = \"approve\" }"][modes];
        no_answer_outlives_its_ttl(modes, &steps)?;
    }
}
