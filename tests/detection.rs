//! How long it takes from a failure to the verdict: the percentiles of `docs/health.md`, on a virtual clock.
//!
//! The schedule and the machine are the server's; probes are scripts. Failures fall evenly into a long stretch of passing
//! probes with the jitter that a server draws, so every phase has its turn. A check is counted as failed from the moment
//! at which its endpoint stops answering; no probe is under way then. The same over real sockets: `benches/detection.rs`.

use std::time::Duration;

use jiff::Timestamp;
use waypost::health::machine::{Rules, State, observe, pace};
use waypost::health::observation::{Failure, Observation, Outcome, Passed};
use waypost::health::profile::Profile;
use waypost::health::schedule::Schedule;
use waypost::health::table::Status;
use waypost::health::timing::Timing;
use waypost::ids::HealthCheckId;

/// How the endpoint fails.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fails {
    /// Refuses connections, a round trip later.
    Refuses,
    /// Swallows packets: a probe takes its deadline for connecting.
    Swallows,
}

/// From the failure at `fails_at` to the verdict.
fn detect(timing: Timing, fails: Fails, fails_at: Duration, draws: &mut Draws) -> Duration {
    let (id, rules) = (HealthCheckId::new("a").unwrap(), Rules { timing, stale_after: Duration::from_secs(3_600) });
    let (mut schedule, mut state) = (Schedule::default(), State::unknown(Timestamp::UNIX_EPOCH));
    schedule.replace(vec![(id.clone(), timing.interval)], Duration::ZERO, |_| false);
    loop {
        let began = schedule.next_due().expect("it waits when it is not probed");
        let (took, outcome) = match fails {
            _ if began < fails_at => (ROUND_TRIP, Outcome::Passed(Passed::Connected)),
            Fails::Refuses => (ROUND_TRIP, Failure::Refused.into()),
            Fails::Swallows => (timing.deadlines.connect, Failure::ConnectTimeout(timing.deadlines.connect).into()),
        };
        let ended = began + took;
        schedule.take_due(began);
        let seen = Observation { at: Timestamp::UNIX_EPOCH + ended, outcome };
        state = observe(state, &seen, rules).0;
        if state.status == Status::Unhealthy {
            return ended - fails_at;
        }
        schedule.finished(&id, ended, pace(&state, &timing, &seen.outcome), draws.next());
    }
}

/// The p50, p95, p99 and the longest, over failures that come evenly between the tenth and the thirtieth probe.
fn percentiles(timing: Timing, fails: Fails) -> [Duration; 4] {
    let mut draws = Draws(1);
    let phase = |at: u32| timing.interval * 10 + timing.interval * 20 * at / FAILURES;
    let mut times: Vec<Duration> = (0..FAILURES).map(|at| detect(timing, fails, phase(at), &mut draws)).collect();
    times.sort_unstable();
    [50, 95, 99, 100].map(|percent| times[(FAILURES * percent / 100) as usize - 1])
}

/// Evenly over all 64 bits, and the same every time (Knuth's MMIX).
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // The lowest bits of such a sequence are poor.
        self.0.rotate_left(32)
    }
}

const ROUND_TRIP: Duration = Duration::from_millis(1);
const FAILURES: u32 = 4_000;

/// What Route 53 lets an HTTP check connect.
const ROUTE53_CONNECT: Duration = Duration::from_secs(4);

#[test]
fn the_default_profile_notices_in_2_5_s_what_refuses_and_in_3_4_s_what_swallows() {
    let timing = Profile::Default.timing(ROUTE53_CONNECT);
    for (fails, millis) in [(Fails::Refuses, 2_500), (Fails::Swallows, 3_400)] {
        let [_, _, p99, _] = percentiles(timing, fails);
        assert!(p99 <= Duration::from_millis(millis), "{p99:?}");
    }
}

/// Three probes 30 s apart, each counted from the end of the one before, and not an observation less.
#[test]
fn route53s_profile_takes_route53s_time() {
    let timing = Profile::Route53.timing(ROUTE53_CONNECT);
    let [_, _, _, longest] = percentiles(timing, Fails::Refuses);
    assert!(longest <= Duration::from_millis(90_003) && longest > Duration::from_secs(85), "{longest:?}");
    let [_, _, _, longest] = percentiles(timing, Fails::Swallows);
    assert!(longest <= Duration::from_millis(102_003) && longest > Duration::from_secs(96), "{longest:?}");
}

#[test]
fn the_page_says_how_long_each_profile_takes() {
    let mut table = String::from(
        "| profile | refused: p50 | p95 | p99 | swallowed: p50 | p95 | p99 | longest |\n|---|---|---|---|---|---|---|---|\n",
    );
    let seconds = |duration: Duration| format!("{:.1} s", duration.as_secs_f64());
    for profile in Profile::ALL {
        let timing = profile.timing(ROUTE53_CONNECT);
        let refused = percentiles(timing, Fails::Refuses);
        let swallowed = percentiles(timing, Fails::Swallows);
        let cells: Vec<String> = refused[..3].iter().chain(&swallowed).map(|time| seconds(*time)).collect();
        table += &format!("| `{}` | {} |\n", profile.word(), cells.join(" | "));
    }
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/health.md")).unwrap();
    assert!(page.contains(&table), "docs/health.md should have this table:\n{table}");
}
