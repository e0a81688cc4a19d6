//! What several words together come to: overrides of different kinds, trees of routes, reloads that change the words.

use std::time::Duration;

use waypost::health::brakes::{AssertionRule, BrakeRules};
use waypost::health::doubt::DoubtRules;
use waypost::health::gate::Order;
use waypost::health::overrides::Action;
use waypost::ids::HealthCheckId;

use crate::world::World;

const ENDPOINTS: &str = r#"
[endpoint.fra]
address = ["192.0.2.1"]
region = "aws:eu-central-1"
probe = "web"
[endpoint.iad]
address = ["192.0.2.2"]
region = "aws:us-east-1"
probe = "web"
[endpoint.last]
address = ["192.0.2.9"]
"#;

fn www(options: &str) -> String {
    format!("{ENDPOINTS}\n[route.www]\npolicy = \"failover\"\nmembers = [\"fra\", \"iad\"]\n{options}\n")
}

#[test]
fn the_last_override_wins_whatever_it_is_for() {
    let mut world = World::new(&www(""));
    world.say(Action::Down, "endpoint:fra", None);
    world.say(Action::Up, "region:aws:eu-*", None);
    assert_eq!(world.answer("www"), 1);
    world.say(Action::Drain, "check:fra", None);
    assert_eq!(world.answer("www"), 2);
    world.say(Action::Up, "region:aws:eu-*", None);
    assert_eq!(world.answer("www"), 1);
}

#[test]
fn a_freeze_moves_nobody() {
    for target in ["check:*", "endpoint:fra", "region:aws:eu-central-1"] {
        let mut world = World::new(&www(r#"failback = "manual""#));
        world.fail(&["fra"]);
        world.pass(&["fra"]);
        assert_eq!(world.answer("www"), 2);
        world.say(Action::Freeze, target, None);
        assert_eq!(world.answer("www"), 2, "{target}");
    }
}

#[test]
fn a_member_waits_for_an_operator_however_deep_the_tree_below_it_is() {
    let tree = |modes: &str| {
        format!(
            "{ENDPOINTS}\n[route.low]\npolicy = \"failover\"\nmembers = [\"fra\", \"iad\"]\n\
             [route.mid]\npolicy = \"failover\"\nmembers = [\"route:low\"]\n\
             [route.www]\npolicy = \"failover\"\nmembers = [\"route:mid\", \"last\"]\n{modes}\n"
        )
    };
    let mut world = World::new(&tree(r#"failover = "manual""#));
    world.fail(&["fra", "iad"]);
    assert_eq!(world.answer("www"), 1, "nobody has taken it out");
    assert_eq!(world.order("www", Order::TakeOut), 1);
    assert_eq!(world.answer("www"), 9);

    let mut world = World::new(&tree(r#"failback = "manual""#));
    world.fail(&["fra", "iad"]);
    assert_eq!(world.answer("www"), 9);
    world.pass(&["fra", "iad"]);
    assert_eq!((world.answer("mid"), world.answer("www")), (1, 9), "nobody has brought it back");
    assert_eq!(world.order("www", Order::BringBack), 1);
    assert_eq!(world.answer("www"), 1);
}

#[test]
fn names_are_one_name_in_any_case() {
    let zone = |low: &str| {
        let member = |owner: &str, identifier: &str, failover: &str, rest: &str| {
            format!(
                "[[record]]\nname = \"{owner}\"\ntype = \"A\"\nset_identifier = \"{identifier}\"\n\
                 failover = \"{failover}\"\n{rest}\n"
            )
        };
        [
            ENDPOINTS,
            "[check.told]\ntype = \"signal\"\n",
            &member("low", "one", "PRIMARY", "values = [\"192.0.2.1\"]\nhealth_check = \"fra\""),
            &member("www", "low", "PRIMARY", &format!("alias = {{ name = \"{low}\", evaluate_target_health = true }}")),
            &member("www", "last", "SECONDARY", "values = [\"192.0.2.9\"]"),
            "[[group]]\nname = \"www\"\ntype = \"A\"\nfailover = \"manual\"\n",
        ]
        .concat()
    };
    for low in ["low", "LOW"] {
        let mut world = World::new(&zone(low));
        world.fail(&["fra"]);
        assert_eq!(world.answer("www"), 1, "{low}");
        assert_eq!(world.order("www", Order::TakeOut), 1, "{low}");
        assert_eq!(world.answer("www"), 9, "{low}");
    }
}

/// Members of one name and identifier for both types, with the check that each has.
fn both_types(a: &str, aaaa: &str) -> String {
    let record = |rtype: &str, identifier: &str, failover: &str, value: &str, check: &str| {
        format!(
            "[[record]]\nname = \"www\"\ntype = \"{rtype}\"\nset_identifier = \"{identifier}\"\n\
             failover = \"{failover}\"\nvalues = [\"{value}\"]\n{check}\n"
        )
    };
    [
        ENDPOINTS,
        &record("A", "one", "PRIMARY", "192.0.2.1", a),
        &record("A", "two", "SECONDARY", "192.0.2.2", ""),
        &record("AAAA", "one", "PRIMARY", "2001:db8::1", aaaa),
        &record("AAAA", "two", "SECONDARY", "2001:db8::2", ""),
        "[[group]]\nname = \"www\"\ntype = \"A\"\nfailback = \"manual\"\n",
        "[[group]]\nname = \"www\"\ntype = \"AAAA\"\nfailback = \"manual\"\n",
    ]
    .concat()
}

#[test]
fn each_type_of_a_name_has_the_check_that_it_says() {
    let (fra, iad) = ("health_check = \"fra\"", "health_check = \"iad\"");
    for (a, aaaa, fails, expected) in [
        (fra, fra, "fra", (2, 2)),
        (fra, iad, "fra", (2, 1)),
        (fra, iad, "iad", (1, 2)),
        (fra, "", "fra", (2, 1)),
        ("", fra, "fra", (1, 2)),
    ] {
        let mut world = World::new(&both_types(a, aaaa));
        world.fail(&[fails]);
        assert_eq!((world.answer("www"), world.answer_aaaa("www")), expected, "{a:?} {aaaa:?} {fails}");
        world.pass(&[fails]);
        assert_eq!((world.answer("www"), world.answer_aaaa("www")), expected, "{a:?} {aaaa:?} {fails}");
        world.order("www", Order::BringBack);
        assert_eq!((world.answer("www"), world.answer_aaaa("www")), (1, 1), "{a:?} {aaaa:?} {fails}");
    }
}

#[test]
fn what_the_group_of_either_type_says_counts() {
    let fra = "health_check = \"fra\"";
    let said = ("type = \"A\"\nfailback = \"manual\"", "type = \"A\"\nttl = { max = 300, min = 1 }");
    let zone = both_types(fra, fra).replacen(said.0, said.1, 1);
    let mut world = World::new(&zone);
    world.fail(&["fra"]);
    world.pass(&["fra"]);
    assert_eq!((world.answer("www"), world.answer_aaaa("www")), (2, 2), "they move together");

    let groups = both_types(fra, fra);
    let swapped = groups.replace("type = \"AAAA\"\nfailback = \"manual\"", "type = \"AAAA\"\nttl = { max = 300, min = 1 }");
    let mut world = World::new(&swapped);
    world.wait(1);
    assert!(world.ttl_aaaa("www") < world.ttl("www"), "an endpoint that is probed each second may fail soon");
}

#[test]
fn an_operator_takes_nothing_out_that_a_rule_keeps() {
    let of = vec!["route:low".parse().unwrap()];
    let rules = vec![AssertionRule { name: "low stays".into(), at_least: 1, of }];
    let zone = format!(
        "{ENDPOINTS}\n[route.low]\npolicy = \"failover\"\nmembers = [\"fra\", \"iad\"]\n\
         [route.www]\npolicy = \"failover\"\nmembers = [\"route:low\", \"last\"]\nfailover = \"manual\"\n"
    );
    let mut world = World::braked(&zone, BrakeRules { rules, ..BrakeRules::none() });
    world.fail(&["fra", "iad"]);
    assert_eq!(world.order("www", Order::TakeOut), 0);
    assert_eq!(world.answer("www"), 1);
}

#[test]
fn doubt_ends_with_the_canaries_that_it_came_from() {
    let canaries = ["iad"].map(|id| HealthCheckId::new(id).unwrap()).into_iter().collect();
    let doubt = DoubtRules { canaries, ..DoubtRules::default() };
    let mut world = World::braked(&www(""), BrakeRules { doubt, ..BrakeRules::none() });
    world.fail(&["iad"]);
    world.fail(&["fra"]);
    assert_eq!(world.answer("www"), 1, "in doubt nobody leaves");
    world.reload(&www(""), BrakeRules::none());
    world.wait(60);
    world.fail(&["fra", "iad"]);
    world.pass(&["iad"]);
    assert_eq!(world.answer("www"), 2);
}

#[test]
fn a_proposal_is_dropped_with_the_word_that_made_it() {
    let mut world = World::new(&www(r#"failover = { confirm = "60s", else = "approve" }"#));
    world.fail(&["fra"]);
    world.reload(&www("failover = \"manual\"\n"), BrakeRules::default());
    world.wait(3_600);
    assert_eq!(world.answer("www"), 1);
    let explained = world.explained("www");
    assert!(explained.contains("kept in service until `waypost failover www.example.org.`"), "{explained}");
}

#[test]
fn a_clock_that_is_set_lets_nobody_past_a_brake() {
    use waypost::health::brakes::Velocity;
    let group = Some(Velocity { percent: 1, at_least: 1, per: Duration::from_secs(60) });
    let mut world = World::braked(&www(""), BrakeRules { group, ..BrakeRules::none() });
    world.fail(&["fra", "iad"]);
    assert_eq!(world.answer("www"), 2);
    world.set_clock(3_600);
    world.wait(30);
    assert_eq!(world.answer("www"), 2, "half a minute has passed");
    world.wait(31);
    assert_eq!(world.answer("www"), 1, "nobody is left: the last resort");
}
