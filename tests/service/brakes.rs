//! Brakes over every sequence of events in a small world, and what each is for.

use std::time::Duration;

use waypost::health::board::Notice;
use waypost::health::brakes::{AssertionRule, BrakeRules, Velocity};
use waypost::health::doubt::DoubtRules;
use waypost::health::overrides::Action;
use waypost::health::table::{ExceptionKind, Status};
use waypost::ids::HealthCheckId;

use crate::world::World;

const CHECKS: [&str; 4] = ["a1", "a2", "b1", "b2"];
const ZONE: &str = r#"
[endpoint.a1]
address = ["192.0.2.1"]
region = "aws:eu-west-1"
probe = "web"
[endpoint.a2]
address = ["192.0.2.2"]
region = "aws:eu-west-1"
probe = "web"
[endpoint.b1]
address = ["192.0.2.3"]
region = "aws:us-east-1"
probe = "web"
[endpoint.b2]
address = ["192.0.2.4"]
region = "aws:us-east-1"
probe = "web"
[route.www]
policy = "failover"
members = ["a1", "a2", "b1", "b2"]
"#;
const WINDOW: i64 = 60;

fn velocity(at_least: u32) -> Option<Velocity> {
    Some(Velocity { percent: 1, at_least, per: Duration::from_secs(WINDOW as u64) })
}

fn rule(at_least: u32, of: &[&str]) -> AssertionRule {
    AssertionRule { name: "some stay".into(), at_least, of: of.iter().map(|thing| thing.parse().unwrap()).collect() }
}

/// At most two of the fleet and one of a region a minute, and one of a1 and b1 always.
fn brakes() -> BrakeRules {
    let rules = vec![rule(1, &["check:a1", "check:b1"])];
    BrakeRules { fleet: velocity(2), region: velocity(1), rules, ..BrakeRules::default() }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Letter {
    Fail(usize),
    Pass(usize),
    Wait,
}

fn letters() -> Vec<Letter> {
    let each = |letter: fn(usize) -> Letter| (0..CHECKS.len()).map(letter);
    each(Letter::Fail).chain(each(Letter::Pass)).chain([Letter::Wait]).collect()
}

/// Which checks are in service, and which are held there.
fn looked_at(world: &World) -> Vec<(Status, bool, bool)> {
    let verdict = |check: &&str| {
        let index = world.board.index(&HealthCheckId::new(check).unwrap()).unwrap();
        let verdict = world.board.verdict(index);
        let held = verdict.exception.as_ref().is_some_and(|exception| exception.kind == ExceptionKind::Held);
        (verdict.status, verdict.healthy, held)
    };
    CHECKS.iter().map(verdict).collect()
}

/// When each check was taken out, and how long ago the last minute began.
#[derive(Clone, Default)]
struct Taken(Vec<(i64, usize)>);

fn explore(world: &World, taken: &Taken, now: i64, left: usize, explored: &mut usize) {
    for letter in letters() {
        let mut next = world.fork();
        let (mut taken, mut now) = (taken.clone(), now);
        let before = looked_at(world);
        match letter {
            Letter::Fail(at) => next.fail(&[CHECKS[at]]),
            Letter::Pass(at) => next.pass(&[CHECKS[at]]),
            Letter::Wait => {
                next.wait(WINDOW / 2);
                now += WINDOW / 2;
            }
        }
        let after = looked_at(&next);
        for (at, (old, new)) in before.iter().zip(&after).enumerate() {
            if old.1 && !new.1 {
                taken.0.push((now, at));
            }
        }
        check(&after, &taken, now);
        *explored += 1;
        if left > 1 {
            explore(&next, &taken, now, left - 1, explored);
        }
    }
}

fn check(after: &[(Status, bool, bool)], taken: &Taken, now: i64) {
    for (at, (status, healthy, held)) in after.iter().enumerate() {
        assert!(*status == Status::Unhealthy || *healthy, "{}: a brake never takes out", CHECKS[at]);
        assert_eq!(*held, *status == Status::Unhealthy && *healthy, "{}: what is kept in says so", CHECKS[at]);
    }
    assert!(after[0].1 || after[2].1, "the rule holds");
    let lately = |places: &[usize]| taken.0.iter().filter(|(then, at)| now - then < WINDOW && places.contains(at)).count();
    assert!(lately(&[0, 1, 2, 3]) <= 2, "the fleet's velocity");
    assert!(lately(&[0, 1]) <= 1 && lately(&[2, 3]) <= 1, "the regions' velocities");
}

#[test]
fn brakes_hold_over_every_sequence_of_events() {
    let mut explored = 0;
    explore(&World::braked(ZONE, brakes()), &Taken::default(), 0, 4, &mut explored);
    assert_eq!(explored, 9 + 81 + 729 + 6_561);
}

#[test]
fn in_the_end_everything_leaves_but_what_a_rule_keeps() {
    let mut world = World::braked(ZONE, brakes());
    world.fail(&CHECKS);
    world.wait(10 * WINDOW);
    let (out, kept): (Vec<_>, Vec<_>) = looked_at(&world).into_iter().partition(|(_, healthy, _)| !healthy);
    assert_eq!((out.len(), kept.len()), (3, 1));
    world.pass(&["a1", "b1"]);
    assert!(looked_at(&world)[0].1 && looked_at(&world)[2].1);
}

#[test]
fn by_default_a_handful_of_endpoints_is_as_under_route_53() {
    let mut world = World::new(ZONE);
    world.fail(&CHECKS);
    assert!(looked_at(&world).iter().all(|(_, healthy, held)| !healthy && !held));
    assert_eq!(world.answer("www"), 1, "the last resort");
}

#[test]
fn a_group_loses_so_many_members_a_minute() {
    let rules = BrakeRules { group: velocity(1), ..BrakeRules::default() };
    let mut world = World::braked(ZONE, rules);
    world.fail(&["a1"]);
    assert_eq!(world.answer("www"), 2);
    world.fail(&["a2"]);
    assert_eq!(world.answer("www"), 2, "held");
    assert!(world.explained("www").contains("1 of the 4 members of www.example.org. have left in 60s, and no more may"));
    world.wait(WINDOW);
    assert_eq!(world.answer("www"), 3);
}

#[test]
fn a_rule_is_for_people_too() {
    let rules = BrakeRules { rules: vec![rule(1, &["endpoint:a1", "endpoint:a2"])], ..BrakeRules::default() };
    let mut world = World::braked(ZONE, rules);
    assert_eq!(world.would_break(Action::Down, "endpoint:a1"), [""; 0]);
    assert_eq!(world.would_break(Action::Drain, "endpoint:a*"), ["some stay"]);
    world.fail(&["a1"]);
    assert_eq!(world.would_break(Action::Down, "endpoint:a2"), ["some stay"]);
    assert_eq!(world.would_break(Action::Up, "endpoint:a2"), [""; 0]);
}

#[test]
fn an_override_is_not_held_by_a_brake() {
    let mut world = World::braked(ZONE, BrakeRules { fleet: velocity(1), ..BrakeRules::default() });
    world.say(Action::Down, "endpoint:*", None);
    assert!(looked_at(&world).iter().all(|(_, healthy, _)| !healthy));
}

/// Twelve endpoints in three regions, and a canary.
fn many() -> String {
    let endpoint = |at: usize| {
        let region = ["eu-west-1", "us-east-1", "ap-south-1"][at % 3];
        format!("[endpoint.e{at}]\naddress = [\"192.0.2.{}\"]\nregion = \"aws:{region}\"\nprobe = \"web\"\n", at + 1)
    };
    let members = (0..12).map(|at| format!("\"e{at}\"")).collect::<Vec<_>>().join(", ");
    let canaries = "[check.c1]\ntype = \"tcp\"\nport = 53\nip_address = \"192.0.2.101\"\nfailure_threshold = 1\n\
                    [check.c2]\ntype = \"tcp\"\nport = 53\nip_address = \"192.0.2.102\"\nfailure_threshold = 1\n\
                    [check.c3]\ntype = \"tcp\"\nport = 53\nip_address = \"192.0.2.103\"\nfailure_threshold = 1\n";
    let endpoints: String = (0..12).map(endpoint).collect();
    format!("{endpoints}{canaries}[route.www]\npolicy = \"multivalue\"\nmembers = [{members}]\n")
}

fn out_of(world: &World) -> usize {
    world.board.table().iter().filter(|verdict| verdict.id.as_str().starts_with('e') && !verdict.healthy).count()
}

fn names(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|at| format!("e{at}")).collect()
}

fn fail_all(world: &mut World, names: &[String]) {
    world.fail(&names.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn a_checker_whose_canaries_fail_doubts_itself() {
    let canaries = ["c1", "c2", "c3"].map(|id| HealthCheckId::new(id).unwrap()).into();
    let doubt = DoubtRules { canaries, ..DoubtRules::default() };
    let mut world = World::braked(&many(), BrakeRules { doubt, ..BrakeRules::default() });
    world.fail(&["c1", "c2"]);
    fail_all(&mut world, &names(0..5));
    world.wait(1);
    assert_eq!(out_of(&world), 0);
    assert!(world.notices().iter().any(|notice| matches!(notice, Notice::Doubt(Some(_)))));
    world.pass(&["c1"]);
    fail_all(&mut world, &names(0..5));
    assert_eq!(out_of(&world), 5, "one failing canary of three is the canary's own fault");
}

#[test]
fn many_that_begin_to_fail_at_once_are_doubted_once() {
    let mut world = World::new(&many());
    fail_all(&mut world, &names(0..12));
    let first = out_of(&world);
    assert!(first <= 9, "{first}: those that failed before it was a mass");
    world.wait(9);
    fail_all(&mut world, &names(0..12));
    assert_eq!(out_of(&world), first);
    world.wait(2);
    fail_all(&mut world, &names(0..12));
    assert_eq!(out_of(&world), 10, "believed in the end, as far as the fleet's velocity admits");
    world.wait(61);
    assert_eq!(out_of(&world), 12);
}

#[test]
fn a_few_that_fail_at_once_are_believed() {
    let mut world = World::new(&many());
    fail_all(&mut world, &names(0..9));
    assert_eq!(out_of(&world), 9);
}

#[test]
fn a_loop_that_is_late_makes_time_outs_doubtful_and_refusals_not() {
    use waypost::health::observation::{Failure, Observation};
    let mut world = World::new(ZONE);
    let now = crate::world::at(0);
    world.board.lagged(Duration::from_millis(300), now);
    let index = world.board.index(&HealthCheckId::new("a1").unwrap()).unwrap();
    let timed_out = Observation { at: now, outcome: Failure::ConnectTimeout(Duration::from_secs(1)).into() };
    assert!(world.board.observe(index, &timed_out).is_empty());
    assert_eq!(world.board.observe(index, &Observation { at: now, outcome: Failure::Refused.into() }).len(), 1);
}
