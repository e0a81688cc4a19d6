//! What a kill leaves: a server that starts again goes on as it was, and answers with nothing that was out.

use std::time::Duration;

use waypost::health::brakes::{BrakeRules, Velocity};
use waypost::health::gate::Order;
use waypost::health::overrides::Action;
use waypost::health::signal::SignalState;

use crate::world::World;

const HEAD: &str = r#"
[endpoint.fra]
address = ["192.0.2.1"]
probe = "web"
[endpoint.iad]
address = ["192.0.2.2"]
probe = "web"
[endpoint.dub]
address = ["192.0.2.3"]
probe = "web"
"#;

fn route(options: &str) -> String {
    format!("{HEAD}\n[route.www]\npolicy = \"failover\"\nmembers = [\"fra\", \"iad\", \"dub\"]\n{options}\n")
}

/// Two record sets whose checks are a sum of two endpoints and one that is told.
fn checks(group: &str) -> String {
    format!(
        r#"{HEAD}
[check.sum]
type = "calculated"
children = ["fra", "iad"]
health_threshold = 1
[check.told]
type = "signal"
[[record]]
name = "sum"
type = "A"
set_identifier = "one"
failover = "PRIMARY"
values = ["192.0.2.11"]
health_check = "sum"
[[record]]
name = "sum"
type = "A"
set_identifier = "two"
failover = "SECONDARY"
values = ["192.0.2.12"]
[[record]]
name = "told"
type = "A"
set_identifier = "one"
failover = "PRIMARY"
values = ["192.0.2.21"]
health_check = "told"
[[record]]
name = "told"
type = "A"
set_identifier = "two"
failover = "SECONDARY"
values = ["192.0.2.22"]
[[group]]
name = "told"
type = "A"
{group}
"#
    )
}

#[test]
fn what_had_left_before_a_restart_is_not_counted_as_leaving_again() {
    let group = Some(Velocity { percent: 1, at_least: 1, per: Duration::from_secs(60) });
    let mut world = World::braked(&route(""), BrakeRules { group, ..BrakeRules::none() });
    world.fail(&["fra"]);
    world.wait(61);
    world.fail(&["iad"]);
    assert_eq!(world.answer("www"), 3);
    assert_eq!(world.restarted().answer("www"), 3);
}

#[test]
fn a_new_route_takes_nobody_out_who_has_left_already() {
    let group = Some(Velocity { percent: 1, at_least: 1, per: Duration::from_secs(60) });
    let brakes = BrakeRules { group, ..BrakeRules::none() };
    let mut world = World::braked(HEAD, brakes.clone());
    world.fail(&["fra", "iad"]);
    world.reload(&route(""), brakes);
    assert_eq!(world.answer("www"), 3);
}

#[test]
fn what_is_frozen_out_stays_out_whatever_kind_of_check_it_has() {
    let mut world = World::new(&checks(""));
    world.fail(&["fra", "iad"]);
    world.tell("told", SignalState::Alarm);
    assert_eq!((world.answer("sum"), world.answer("told")), (12, 22));
    world.say(Action::Freeze, "check:*", None);
    world.pass(&["fra", "iad"]);
    world.tell("told", SignalState::Ok);
    assert_eq!((world.answer("sum"), world.answer("told")), (12, 22));
    let world = world.restarted();
    assert_eq!((world.answer("sum"), world.answer("told")), (12, 22));
}

#[test]
fn a_member_that_was_frozen_out_stays_out() {
    for target in ["endpoint:fra", "check:fra", "check:*"] {
        let mut world = World::new(&route(""));
        world.fail(&["fra"]);
        world.say(Action::Freeze, target, None);
        assert_eq!(world.restarted().answer("www"), 2, "{target}");
        world.pass(&["fra"]);
        assert_eq!(world.restarted().answer("www"), 2, "{target}");
    }
}

#[test]
fn what_an_operator_took_out_is_not_brought_back_by_a_restart_while_it_is_told_to_fail() {
    let mut world = World::new(&checks(r#"failover = "manual""#));
    world.tell("told", SignalState::Alarm);
    assert_eq!(world.answer("told"), 21);
    assert_eq!(world.order("told", Order::TakeOut), 1);
    assert_eq!(world.answer("told"), 22);
    assert_eq!(world.restarted().answer("told"), 22);
}

#[test]
fn a_weight_goes_on_ramping_up() {
    let mut world = World::new(&format!(
        "{HEAD}\n[route.www]\npolicy = \"weighted\"\nslow_start = \"90s\"\n\
         members = [{{ use = \"fra\", weight = 1 }}, {{ use = \"iad\", weight = 1 }}]\n"
    ));
    world.fail(&["fra"]);
    world.pass(&["fra"]);
    world.wait(45);
    assert_eq!(world.shares("www", 155), [(1, 55), (2, 100)]);
    assert_eq!(world.restarted().shares("www", 155), [(1, 55), (2, 100)]);
}

#[test]
fn a_delayed_failback_waits_no_longer_for_a_restart() {
    let mut world = World::new(&route(r#"failback = { delayed = "60s" }"#));
    world.fail(&["fra"]);
    world.wait(5);
    world.pass(&["fra"]);
    world.wait(40);
    let mut world = world.restarted();
    world.wait(19);
    assert_eq!(world.answer("www"), 2);
    world.wait(1);
    assert_eq!(world.answer("www"), 1);
}

#[test]
fn what_a_check_was_told_is_known_when_the_check_comes_back() {
    let mut world = World::new(&checks(""));
    world.tell("told", SignalState::Alarm);
    assert_eq!(world.answer("told"), 22);
    world.reload(HEAD, BrakeRules::default());
    world.reload(&checks(""), BrakeRules::default());
    assert_eq!(world.answer("told"), 22);
    assert_eq!(world.restarted().answer("told"), 22);
}

const OPTIONS: [&str; 6] = [
    "",
    "failback = \"manual\"",
    "failover = \"manual\"",
    "failback = { delayed = \"3s\" }",
    "failover = { confirm = \"3s\", else = \"approve\" }",
    "failover = { confirm = \"3s\", else = \"refuse\" }\nfailback = \"manual\"",
];
const TARGETS: [&str; 7] = ["check:fra", "endpoint:fra", "check:*", "region:aws:eu-*", "route:www", "check:sum", "check:told"];

/// Routes in two levels, a sum, and a check that is told.
fn everything(low: &str, high: &str, group: &str) -> String {
    let zone = checks(group).replacen("address", "region = \"aws:eu-west-1\"\naddress", 1);
    format!(
        "{zone}\n[route.www]\npolicy = \"failover\"\nmembers = [\"fra\", \"iad\"]\n{low}\n\
         [route.top]\npolicy = \"failover\"\nmembers = [\"route:www\", \"dub\"]\n{high}\n"
    )
}

/// One thing that happens, by two numbers.
fn happens(world: &mut World, said: &mut Vec<u64>, what: u8, which: usize) {
    match what {
        0 | 1 => world.fail(&[["fra", "iad", "dub"][which % 3]]),
        2 | 3 => world.pass(&[["fra", "iad", "dub"][which % 3]]),
        4 => world.tell("told", [SignalState::Ok, SignalState::Alarm, SignalState::Insufficient][which % 3]),
        5 => world.wait(which as i64 % 4),
        6 => drop(world.order(["www", "top", "told"][which % 3], [Order::TakeOut, Order::Keep, Order::BringBack][which / 3 % 3])),
        7 => said.push(world.say(Action::ALL[which % 4], TARGETS[which / 4 % 7], None)),
        8 => said.push(world.say(Action::Freeze, TARGETS[which % 7], None)),
        _ => said.pop().into_iter().for_each(|id| world.unsay(id)),
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 96, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_restart_changes_no_answer(
        options in [0..6usize, 0..6usize, 0..6usize],
        steps in proptest::collection::vec((0..10u8, 0..1_000usize), 1..24),
    ) {
        let [low, high, group] = options.map(|at| OPTIONS[at]);
        let mut world = World::braked(&everything(low, high, group), BrakeRules::none());
        world.tell("told", SignalState::Ok);
        let mut said = Vec::new();
        for (what, which) in steps {
            happens(&mut world, &mut said, what, which);
            let answers = |world: &World| ["www", "top", "sum", "told"].map(|name| world.answer(name));
            proptest::prop_assert_eq!(answers(&world), answers(&world.restarted()), "after {} {}", what, which);
        }
    }
}
