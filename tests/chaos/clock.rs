//! A wall clock that jumps by an hour, in either direction, on a virtual clock: holds keep their length.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
use waypost::clock;
use waypost::control::build::build;
use waypost::control::load::load_zones;
use waypost::health::board::{Board, SavedVerdict};
use waypost::health::check::EndpointCheck;
use waypost::health::observation::{Failure, Observation, Outcome, Passed};
use waypost::health::plan::Plan;
use waypost::health::table::Status;
use waypost::ids::HealthCheckId;
use waypost::prober::ProbeReport;
use waypost::prober::runner::{Change, Probe, RunnerHandle, Watcher};
use waypost::zone::master::{NoFiles, Source};

const ZONE: &str = r#"
zone = "example.org."
ns   = ["ns1.example.net."]

[probe.web]
type     = "tcp"
port     = 80
profile  = "fast"
interval = "1s"
hold     = "5m"

[endpoint.fra]
address = ["192.0.2.1"]
probe   = "web"

[endpoint.iad]
address = ["192.0.2.2"]
probe   = "web"

[route.www]
policy  = "failover"
members = ["fra", "iad"]
"#;

const HOLD: Duration = Duration::from_secs(300);
const HOUR_SECS: i64 = 3_600;

/// `iad` is always up; `fra` as the test says.
struct Script(Arc<AtomicBool>);

impl Probe for Script {
    async fn probe(&self, id: &HealthCheckId, _check: &EndpointCheck) -> ProbeReport {
        sleep(Duration::from_millis(1)).await;
        let outcome = match id.as_str() == "iad" || self.0.load(Relaxed) {
            true => Outcome::Passed(Passed::Connected),
            false => Failure::Refused.into(),
        };
        let observation = Observation { at: Timestamp::UNIX_EPOCH, outcome };
        ProbeReport { observation, phases: Vec::new(), address: None, certificate_not_after: None }
    }
}

/// Tells each change of a status, and when it came.
struct Ears(mpsc::UnboundedSender<(Instant, String, Status)>);

impl Watcher for Ears {
    fn changed(&mut self, change: Change) {
        for event in change.events {
            // Who hears nothing any more has ended.
            let _ = self.0.send((Instant::now(), event.id.to_string(), event.to));
        }
    }

    fn probed(&mut self, _id: &HealthCheckId, _report: &ProbeReport) {}

    fn checkpoint(&mut self, _saved: Vec<SavedVerdict>) {}
}

fn plan() -> Plan {
    let source = Source { file: "example.org.toml".into(), octets: ZONE.into() };
    let (state, problems) = load_zones(vec![source], &mut NoFiles, 1);
    build(state.unwrap_or_else(|| panic!("{problems}")), &Default::default(), None).unwrap().plan()
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_by_an_hour_changes_no_status_and_no_holds_length() {
    for jump in [HOUR_SECS, -HOUR_SECS] {
        let (is_up, ahead) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicI64::new(0)));
        let (tell, mut changes) = mpsc::unbounded_channel();
        let (start, began, wall_ahead) = (clock::now(), Instant::now(), ahead.clone());
        let wall = move || start + began.elapsed() + SignedDuration::from_secs(wall_ahead.load(Relaxed));
        let board = Board::new(plan(), start);
        let _runner = RunnerHandle::spawn_by(board, Arc::new(Script(is_up.clone())), Ears(tell), 10, wall);
        for _ in 0..2 {
            assert_eq!(changes.recv().await.unwrap().2, Status::Healthy);
        }
        is_up.store(false, Relaxed);
        let (fell, id, to) = changes.recv().await.unwrap();
        assert_eq!((&*id, to), ("fra", Status::Unhealthy));
        is_up.store(true, Relaxed);
        sleep_until(fell + HOLD / 3).await;
        ahead.store(jump, Relaxed);
        sleep_until(fell + HOLD * 2 / 3).await;
        // And back again, before the hold has ended.
        ahead.store(0, Relaxed);
        assert!(changes.try_recv().is_err(), "no status changed");
        let (rose, id, to) = changes.recv().await.unwrap();
        assert_eq!((&*id, to), ("fra", Status::Healthy));
        // A wall clock is followed within a second's difference, and probes are an interval apart.
        let held = (rose - fell).as_secs_f64() - HOLD.as_secs_f64();
        assert!((-1.1..3.0).contains(&held), "held {held} s longer than said, jump {jump}");
    }
}
