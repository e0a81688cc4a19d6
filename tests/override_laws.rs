//! Overrides that come and go one by one, between probes, leave a board as it is when all of it is settled anew.
//!
//! The board settles only what an override is for. Here a clone of it takes up its own plan again after every step, which
//! settles everything, and both must show the same of every check and gate.

use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use waypost::control::build::build;
use waypost::control::load::load_zones;
use waypost::health::board::Board;
use waypost::health::observation::{Failure, Observation, Outcome, Passed};
use waypost::health::overrides::{Action, NewOverride, Overrides};
use waypost::health::plan::Plan;
use waypost::health::remark::Remark;
use waypost::health::table::{ExceptionKind, HealthTable, Status};
use waypost::ids::HealthCheckId;
use waypost::zone::master::{NoFiles, Source};

/// Checks with parents, one of them inverted; groups in groups, of each way to come back.
const ZONE: &str = r#"
zone = "example.org."
ns   = ["ns1.example.net."]

[probe.web]
type     = "http"
interval = "1s"
fall     = 1

[endpoint.a]
address = ["192.0.2.1"]
probe   = "web"
region  = "aws:eu-central-1"

[endpoint.b]
address = ["192.0.2.2"]
probe   = "web"
region  = "aws:us-east-1"

[endpoint.c]
address = ["192.0.2.3"]
probe   = "web"

[endpoint.d]
address = ["192.0.2.4"]

[check.both]
type             = "calculated"
children         = ["a", "b"]
health_threshold = 2

[check.neither]
type             = "calculated"
children         = ["b", "c"]
health_threshold = 1
inverted         = true

[route.eu]
policy   = "failover"
members  = ["a", "c"]
failback = "manual"

[route.us]
policy   = "weighted"
members  = [{ use = "b", weight = 1 }, { use = "d", weight = 1 }]
failback = { delayed = "30s" }

[route.www]
policy  = "failover"
members = ["route:eu", "route:us"]
"#;

const TARGETS: [&str; 10] = [
    "check:*",
    "check:a",
    "check:both",
    "endpoint:b",
    "endpoint:d",
    "region:aws:*",
    "route:eu*",
    "route:us.example.org",
    "route:*",
    "check:[bc]",
];

#[derive(Clone, Debug)]
enum Step {
    Probed {
        check: usize,
        passed: bool,
    },
    Made {
        action: usize,
        target: usize,
        for_secs: Option<u64>,
    },
    /// The one at this place, if there are so many.
    Removed(usize),
    Passes {
        secs: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3_usize, any::<bool>()).prop_map(|(check, passed)| Step::Probed { check, passed }),
        (0..4_usize, 0..TARGETS.len(), proptest::option::of(1..60_u64)).prop_map(|(action, target, for_secs)| Step::Made {
            action,
            target,
            for_secs
        }),
        (0..4_usize).prop_map(Step::Removed),
        (0..40_u64).prop_map(|secs| Step::Passes { secs }),
    ]
}

fn plan() -> Plan {
    let source = Source { file: "example.org.toml".into(), octets: ZONE.into() };
    let (state, problems) = load_zones(vec![source], &mut NoFiles, 1);
    build(state.unwrap_or_else(|| panic!("{problems}")), &Default::default(), None).unwrap().plan()
}

/// What is shown of each check and gate.
fn shown(table: &HealthTable) -> Vec<(HealthCheckId, Status, bool, Option<ExceptionKind>)> {
    let all = table.iter().chain(table.gates());
    all.map(|verdict| {
        let exception = verdict.exception.as_ref().map(|exception| exception.kind);
        (verdict.id.clone(), verdict.status, verdict.healthy, exception)
    })
    .collect()
}

fn take(board: &mut Board, overrides: &mut Overrides, step: &Step, now: &mut Timestamp) {
    match *step {
        Step::Probed { check, passed } => {
            let index = board.index(&HealthCheckId::new(["a", "b", "c"][check]).unwrap()).unwrap();
            let outcome = if passed { Outcome::Passed(Passed::Connected) } else { Failure::Refused.into() };
            board.observe(index, &Observation { at: *now, outcome });
        }
        Step::Made { action, target, for_secs } => {
            let (reason, author) = (Remark::new("a test").unwrap(), Remark::new("ops").unwrap());
            let expires_at = for_secs.map(|secs| *now + Duration::from_secs(secs));
            let (action, target) = (Action::ALL[action], TARGETS[target].parse().unwrap());
            overrides.add(NewOverride { action, target, reason, author, made_at: *now, expires_at }).unwrap();
            board.set_overrides(overrides.clone(), *now);
        }
        Step::Removed(at) => {
            let Some(id) = overrides.iter().nth(at).map(|known| known.id) else { return };
            overrides.remove(id);
            board.set_overrides(overrides.clone(), *now);
        }
        Step::Passes { secs } => *now += Duration::from_secs(secs),
    }
    overrides.expire(*now);
    board.tick(*now);
}

proptest! {
    #[test]
    fn a_board_that_settles_what_an_override_is_for_shows_what_one_shows_that_settles_all(
        steps in proptest::collection::vec(step(), 1..30),
    ) {
        let plan = plan();
        let mut now: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
        let (mut board, mut overrides) = (Board::new(plan.clone(), now), Overrides::default());
        for (at, step) in steps.iter().enumerate() {
            take(&mut board, &mut overrides, step, &mut now);
            let mut anew = board.clone();
            anew.replace(plan.clone(), now);
            prop_assert_eq!(shown(&board.table()), shown(&anew.table()), "after step {}: {:?}", at, step);
        }
    }
}
