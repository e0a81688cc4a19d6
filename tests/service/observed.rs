//! What is only observed decides nothing.

use crate::world::World;

fn zone(observe: bool) -> String {
    format!(
        r#"
[probe.watched]
type = "tcp"
port = 80
interval = "1s"
fall = 1
observe = {observe}
[endpoint.fra]
address = ["192.0.2.1"]
probe = "watched"
[endpoint.iad]
address = ["192.0.2.2"]
probe = "web"
[route.www]
policy = "failover"
members = ["fra", "iad"]
[check.told]
type = "tcp"
ip_address = "192.0.2.3"
port = 80
failure_threshold = 1
region = "aws:eu-central-1"
observe = {observe}
[[record]]
name = "old"
type = "A"
set_identifier = "first"
failover = 0
health_check = "told"
values = ["192.0.2.3"]
[[record]]
name = "old"
type = "A"
set_identifier = "second"
failover = 1
values = ["192.0.2.4"]
"#
    )
}

#[test]
fn an_observed_check_that_fails_is_never_passed_over() {
    for (observe, answers) in [(true, [1, 3]), (false, [2, 4])] {
        let mut world = World::new(&zone(observe));
        for turn in 0..3 {
            world.fail(&["fra", "told"]);
            world.wait(1);
            assert_eq!([world.answer("www"), world.answer("old")], answers, "observe = {observe}, turn {turn}");
            world.pass(&["fra", "told"]);
            world.wait(1);
            assert_eq!([world.answer("www"), world.answer("old")], [1, 3], "observe = {observe}, turn {turn}");
        }
    }
}
