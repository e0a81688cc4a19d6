//! What operators say goes before what probes say, and the truth stays visible.

use waypost::health::overrides::Action;
use waypost::health::table::{ExceptionKind, Status};
use waypost::ids::HealthCheckId;

use crate::world::World;

const ZONE: &str = r#"
[endpoint.fra]
address = ["192.0.2.1"]
region = "aws:eu-central-1"
probe = "web"
[endpoint.dub]
address = ["192.0.2.2"]
region = "aws:eu-west-1"
probe = "web"
[endpoint.iad]
address = ["192.0.2.3"]
region = "aws:us-east-1"
[route.www]
policy = "failover"
members = ["fra", "dub", "iad"]
[route.eu]
policy = "failover"
members = ["fra", "dub"]
[route.top]
policy = "failover"
members = ["route:eu", "iad"]
"#;

#[test]
fn what_is_forced_down_is_passed_over_while_it_passes_its_probes() {
    let mut world = World::new(ZONE);
    assert_eq!(world.answer("www"), 1);
    let id = world.say(Action::Down, "endpoint:fra", None);
    assert_eq!(world.answer("www"), 2);
    let index = world.board.index(&HealthCheckId::new("fra").unwrap()).unwrap();
    let verdict = world.board.verdict(index);
    assert_eq!((verdict.status, verdict.healthy), (Status::Healthy, false), "the truth stays visible");
    assert_eq!(verdict.exception.as_ref().unwrap().kind, ExceptionKind::Down);
    assert!(world.explained("www").contains("forced down by ops: a test"), "{}", world.explained("www"));
    world.unsay(id);
    assert_eq!(world.answer("www"), 1);
}

#[test]
fn what_is_forced_up_is_answered_while_it_fails() {
    let mut world = World::new(ZONE);
    world.fail(&["fra"]);
    assert_eq!(world.answer("www"), 2);
    world.say(Action::Up, "check:fra", Some(60));
    assert_eq!(world.answer("www"), 1);
    world.wait(59);
    assert_eq!(world.answer("www"), 1);
    world.wait(1);
    assert_eq!(world.answer("www"), 2, "it expires");
}

#[test]
fn what_is_drained_is_answered_only_where_all_others_are() {
    let mut world = World::new(ZONE);
    world.say(Action::Drain, "endpoint:fra", None);
    assert_eq!(world.answer("eu"), 2);
    world.fail(&["dub", "fra"]);
    assert_eq!(world.answer("eu"), 2, "the last resort leaves out what is drained");
    world.say(Action::Drain, "endpoint:dub", None);
    assert_eq!(world.answer("eu"), 1, "where all are drained, all count again");
}

#[test]
fn an_endpoint_without_a_probe_can_be_drained() {
    let mut world = World::new(ZONE);
    world.fail(&["fra", "dub"]);
    assert_eq!(world.answer("www"), 3);
    world.say(Action::Drain, "endpoint:iad", None);
    assert_eq!(world.answer("www"), 1);
    assert!(world.explained("www").contains("drained by ops"), "{}", world.explained("www"));
}

#[test]
fn a_region_is_all_that_stands_in_it() {
    let mut world = World::new(ZONE);
    world.say(Action::Drain, "region:aws:eu-*", None);
    assert_eq!(world.answer("www"), 3);
    assert_eq!(world.answer("top"), 3, "nothing healthy is left behind the route");
}

#[test]
fn a_route_is_forced_where_it_is_a_member_and_answers_on_its_own() {
    let mut world = World::new(ZONE);
    assert_eq!(world.answer("top"), 1);
    for target in ["route:eu", "route:eu.example.org", "route:EU.example.org."] {
        let id = world.say(Action::Down, target, None);
        assert_eq!((world.answer("top"), world.answer("eu")), (3, 1), "{target}");
        world.unsay(id);
    }
    world.fail(&["fra", "dub"]);
    assert_eq!(world.answer("top"), 3);
    world.say(Action::Up, "route:eu", None);
    assert_eq!(world.answer("top"), 1, "kept in service whatever stands behind it");
}

#[test]
fn what_is_frozen_stays_as_it_was_and_over_a_restart() {
    let mut world = World::new(ZONE);
    world.fail(&["fra"]);
    let id = world.say(Action::Freeze, "check:*", None);
    world.pass(&["fra"]);
    world.fail(&["dub"]);
    assert_eq!(world.answer("www"), 2);
    let mut world = world.restarted();
    assert_eq!(world.answer("www"), 2);
    world.unsay(id);
    assert_eq!(world.answer("www"), 1);
}

#[test]
fn the_last_that_matches_wins() {
    let mut world = World::new(ZONE);
    world.say(Action::Down, "endpoint:*", None);
    world.say(Action::Up, "endpoint:dub", None);
    assert_eq!(world.answer("www"), 2);
    world.say(Action::Drain, "endpoint:d?b", None);
    assert_eq!(world.answer("www"), 1, "down, but not drained");
}
