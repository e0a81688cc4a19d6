//! How many instructions one answer takes, counted by callgrind: the same on every run, however busy the machine.
//!
//! Needs valgrind and `gungraun-runner` of the version in `Cargo.lock`. Each bench answers [`TIMES`] times, so divide. Some
//! fail above a limit: the goal for a static name (600) and for three levels (1,500), a step above what was counted last for others.

mod scenes;

use std::hint::black_box;

use gungraun::{Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};
use scenes::Scene;

/// Answers a bench.
const TIMES: u64 = 1_000;

fn plain(scene: &str) -> Scene {
    Scene::new(scene, false)
}

fn with_cookie(scene: &str) -> Scene {
    Scene::new(scene, true)
}

/// The run fails if an answer takes more instructions than these.
fn at_most(instructions: u64) -> LibraryBenchmarkConfig {
    let mut callgrind = Callgrind::default();
    callgrind.hard_limits([(EventKind::Ir, instructions * TIMES)]);
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(callgrind);
    config
}

#[library_benchmark(setup = plain)]
#[bench::static_name(args = ("static"), config = at_most(600))]
#[bench::nodata("nodata")]
#[bench::nxdomain(args = ("nxdomain"), config = at_most(820))]
#[bench::wildcard("wildcard")]
#[bench::referral("referral")]
#[bench::mx("mx")]
#[bench::failover("failover")]
#[bench::weighted("weighted")]
#[bench::multivalue_of_8("multivalue_of_8")]
#[bench::tree_of_3("tree_of_3")]
#[bench::geolocation("geolocation")]
#[bench::geolocation_with_ecs("geolocation_with_ecs")]
#[bench::latency_with_ecs("latency_with_ecs")]
#[bench::geoproximity("geoproximity")]
#[bench::geoproximity_with_ecs("geoproximity_with_ecs")]
#[bench::ip_based("ip_based")]
#[bench::three_levels_with_ecs(args = ("three_levels_with_ecs"), config = at_most(1_500))]
#[bench::latency_one_down_with_ecs("latency_one_down_with_ecs")]
#[bench::three_levels_one_down_with_ecs(args = ("three_levels_one_down_with_ecs"), config = at_most(3_600))]
fn answer(mut scene: Scene) -> Scene {
    for draw in 0..TIMES {
        black_box(scene.answer(black_box(draw)));
    }
    scene
}

#[library_benchmark(setup = with_cookie)]
#[bench::static_name("static")]
#[bench::nodata("nodata")]
#[bench::nxdomain("nxdomain")]
#[bench::wildcard("wildcard")]
#[bench::referral("referral")]
#[bench::mx("mx")]
#[bench::failover("failover")]
#[bench::weighted("weighted")]
#[bench::multivalue_of_8("multivalue_of_8")]
#[bench::tree_of_3("tree_of_3")]
#[bench::geolocation_with_ecs("geolocation_with_ecs")]
#[bench::latency_with_ecs("latency_with_ecs")]
#[bench::geoproximity_with_ecs("geoproximity_with_ecs")]
#[bench::ip_based("ip_based")]
#[bench::three_levels_with_ecs("three_levels_with_ecs")]
#[bench::latency_one_down_with_ecs("latency_one_down_with_ecs")]
#[bench::three_levels_one_down_with_ecs("three_levels_one_down_with_ecs")]
fn answer_with_cookie(mut scene: Scene) -> Scene {
    for draw in 0..TIMES {
        black_box(scene.answer(black_box(draw)));
    }
    scene
}

library_benchmark_group!(name = answers; benchmarks = answer, answer_with_cookie);
main!(library_benchmark_groups = answers);
