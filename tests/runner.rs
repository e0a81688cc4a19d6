//! The runner on a virtual clock: probes are scripts that take as long as they say, and nothing really waits.
//! One test, the last, runs it with real probes.

use std::collections::BTreeMap;
use std::num::NonZeroU8;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use waypost::clock;
use waypost::health::board::{Board, SavedVerdict};
use waypost::health::check::{CheckKind, EndpointCheck, HealthCheck, Target, TargetHost, Via};
use waypost::health::observation::{Failure, NotRun, Observation, Outcome, Passed};
use waypost::health::overrides::{Action, NewOverride, Overrides};
use waypost::health::profile::Profile;
use waypost::health::protocol::Protocol;
use waypost::health::protocol::http::HttpRequest;
use waypost::health::remark::Remark;
use waypost::health::table::{HealthTable, Status};
use waypost::health::timing::{Deadlines, Thresholds, Timing};
use waypost::ids::HealthCheckId;
use waypost::prober::runner::{Change, Probe, RunnerHandle, Watcher};
use waypost::prober::{Phase, ProbeReport, Prober, Trust};
use waypost::resolver::NameServers;

const SECOND: Duration = Duration::from_secs(1);

/// A check whose name begins with `slow` hangs for three seconds and fails; others are answered in a millisecond, and
/// fail from `fails_from` on: `hole` by hanging for as long as it may. `stuck` cannot be probed before, and passes then.
#[derive(Clone)]
struct Script {
    began: Instant,
    fails_from: Duration,
    probes: Arc<Mutex<Vec<(String, Duration)>>>,
    /// How long each was allowed to connect.
    deadlines: Arc<Mutex<Vec<Duration>>>,
    at_once: Arc<Mutex<(usize, usize)>>,
}

impl Probe for Script {
    async fn probe(&self, id: &HealthCheckId, check: &EndpointCheck) -> ProbeReport {
        let connect = check.timing.deadlines.connect;
        self.probes.lock().unwrap().push((id.to_string(), self.began.elapsed()));
        self.deadlines.lock().unwrap().push(connect);
        {
            let mut at_once = self.at_once.lock().unwrap();
            at_once.0 += 1;
            at_once.1 = at_once.1.max(at_once.0);
        }
        if id.as_str() == "panics" {
            self.at_once.lock().unwrap().0 -= 1;
            panic!("a fault of ours");
        }
        let slow = id.as_str().starts_with("slow");
        let late = self.began.elapsed() >= self.fails_from;
        sleep(match id.as_str() {
            "hole" if late => connect,
            _ if slow => SECOND * 3,
            _ => Duration::from_millis(1),
        })
        .await;
        self.at_once.lock().unwrap().0 -= 1;
        let outcome = match id.as_str() {
            "stuck" if !late => NotRun::NoRoute("network is unreachable".into()).into(),
            "stuck" => Outcome::Passed(Passed::Connected),
            _ if slow || self.began.elapsed() >= self.fails_from => Failure::Refused.into(),
            _ => Outcome::Passed(Passed::Connected),
        };
        let phases = vec![Phase { name: "connect", took: Duration::from_millis(1) }];
        // Of another time, which the runner replaces by its own.
        ProbeReport { phases, ..ProbeReport::of(Observation { at: Timestamp::UNIX_EPOCH, outcome }) }
    }
}

/// Passes on all that it is told, with the virtual time it was told at.
struct Ears {
    began: Instant,
    changes: mpsc::UnboundedSender<(Duration, Change)>,
    checkpoints: mpsc::UnboundedSender<Vec<SavedVerdict>>,
    probed: Arc<Mutex<Vec<(String, &'static str)>>>,
    /// When a table came without an event, and that table.
    refreshed: Arc<Mutex<Vec<(Duration, HealthTable)>>>,
    told: Arc<Mutex<Told>>,
}

/// What else a watcher is told.
#[derive(Default)]
struct Told {
    /// Each second's.
    lags: Vec<Duration>,
    obstructed: Vec<String>,
    clock_set: Vec<(SignedDuration, HealthTable)>,
}

impl Watcher for Ears {
    fn lagged(&mut self, worst: Duration) {
        self.told.lock().unwrap().lags.push(worst);
    }

    fn obstructed(&mut self, id: &HealthCheckId, because: Option<&NotRun>) {
        let because = because.map_or("no more".to_owned(), |because| because.to_string());
        self.told.lock().unwrap().obstructed.push(format!("{id}: {because}"));
    }

    fn clock_was_set(&mut self, by: SignedDuration, table: HealthTable) {
        self.told.lock().unwrap().clock_set.push((by, table));
    }

    fn refreshed(&mut self, table: HealthTable) {
        self.refreshed.lock().unwrap().push((self.began.elapsed(), table));
    }

    fn changed(&mut self, change: Change) {
        let _ = self.changes.send((self.began.elapsed(), change));
    }

    fn probed(&mut self, id: &HealthCheckId, report: &ProbeReport) {
        self.probed.lock().unwrap().push((id.to_string(), report.observation.outcome.code()));
    }

    fn checkpoint(&mut self, saved: Vec<SavedVerdict>) {
        let _ = self.checkpoints.send(saved);
    }
}

struct Stage {
    runner: RunnerHandle,
    script: Script,
    changes: mpsc::UnboundedReceiver<(Duration, Change)>,
    checkpoints: mpsc::UnboundedReceiver<Vec<SavedVerdict>>,
    probed: Arc<Mutex<Vec<(String, &'static str)>>>,
    refreshed: Arc<Mutex<Vec<(Duration, HealthTable)>>>,
    told: Arc<Mutex<Told>>,
    /// By how many seconds the wall clock is ahead.
    ahead: Arc<AtomicI64>,
}

impl Stage {
    fn set(checks: impl IntoIterator<Item = HealthCheck>, fails_from: Duration, probes_max: usize) -> Self {
        let began = Instant::now();
        let (sender, changes) = mpsc::unbounded_channel();
        let (marked, checkpoints) = mpsc::unbounded_channel();
        let script = Script { began, fails_from, probes: Arc::default(), deadlines: Arc::default(), at_once: Arc::default() };
        let (probed, refreshed, told) = (Arc::default(), Arc::default(), Arc::<Mutex<Told>>::default());
        let (own_probed, own_refreshed) = (Arc::clone(&probed), Arc::clone(&refreshed));
        let ears = Ears {
            began,
            changes: sender,
            checkpoints: marked,
            probed: own_probed,
            refreshed: own_refreshed,
            told: told.clone(),
        };
        let (start, own_ahead) = (clock::now(), Arc::<AtomicI64>::default());
        let ahead = own_ahead.clone();
        // A wall clock that goes with virtual time, and can be set.
        let wall = move || start + began.elapsed() + SignedDuration::from_secs(own_ahead.load(Relaxed));
        let board = Board::new(set(checks), start);
        let runner = RunnerHandle::spawn_by(board, Arc::new(script.clone()), ears, probes_max, wall);
        Self { runner, script, changes, checkpoints, probed, refreshed, told, ahead }
    }

    fn probes_of(&self, name: &str) -> Vec<Duration> {
        let probes = self.script.probes.lock().unwrap();
        probes.iter().filter(|(id, _)| id == name).map(|(_, at)| *at).collect()
    }

    async fn next_event(&mut self) -> (Duration, String) {
        let (at, change) = self.changes.recv().await.unwrap();
        (at, change.events.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    }
}

#[tokio::test(start_paused = true)]
async fn three_failures_in_a_row_reach_the_watcher_with_the_probe_that_decided() {
    let mut stage = Stage::set([endpoint("a", SECOND * 10)], SECOND * 15, 10);
    let (at, event) = stage.next_event().await;
    assert_eq!((at.as_millis(), &*event), (1, "a: unknown -> healthy: connected"));
    let (at, event) = stage.next_event().await;
    assert_eq!(event, "a: healthy -> unhealthy: 3 failures in a row, the last: connection refused");
    let probes = stage.probes_of("a");
    let decisive = probes.last().unwrap();
    assert_eq!(at, *decisive + Duration::from_millis(1), "no time passes between the probe's end and the event");
    assert_eq!(probes.len(), 5);
    for pair in probes.windows(2) {
        let gap = (pair[1] - pair[0]).as_secs_f64();
        assert!((9.5..=10.51).contains(&gap), "interval with 5 % jitter: {gap}");
    }
}

/// The default profile: probes every 2 s, then every 250 ms, none beside another.
#[tokio::test(start_paused = true)]
async fn a_suspect_is_probed_again_at_once_until_it_has_fallen() {
    for (name, between, took) in [("refused", 250, 1), ("hole", 400, 400)] {
        let mut check = endpoint(name, SECOND);
        let CheckKind::Endpoint(probed) = &mut check.kind else { unreachable!() };
        probed.timing = Profile::Default.timing(SECOND * 4);
        let mut stage = Stage::set([check], SECOND * 15, 10);
        stage.next_event().await;
        let (at, event) = stage.next_event().await;
        assert!(event.contains("healthy -> unhealthy: 3 failures in a row"), "{event}");
        let probes = stage.probes_of(name);
        let gaps: Vec<u128> = probes.windows(2).map(|pair| (pair[1] - pair[0]).as_millis()).collect();
        let (before, confirming) = gaps.split_at(gaps.len() - 2);
        assert!(before.iter().all(|gap| (1_900..=2_000).contains(gap)), "{gaps:?}");
        assert!(confirming.iter().all(|gap| gap.abs_diff(between) <= 1), "{gaps:?}");
        assert!((at - *probes.last().unwrap()).as_millis().abs_diff(took) <= 1);
        assert!(at <= SECOND * 15 + Duration::from_millis(if name == "hole" { 3_210 } else { 2_510 }), "{at:?}");
        assert_eq!(stage.script.at_once.lock().unwrap().1, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_is_set_moves_times_and_no_verdict() {
    for jump in [3_600, -3_600] {
        let mut stage = Stage::set([endpoint("a", SECOND)], SECOND * 1_000, 10);
        let (_, change) = stage.changes.recv().await.unwrap();
        let since = change.events[0].since;
        sleep(SECOND * 10).await;
        stage.ahead.store(jump, Relaxed);
        sleep(SECOND * 10).await;
        let told = stage.told.lock().unwrap();
        assert_eq!(told.clock_set.len(), 1);
        let (by, table) = &told.clock_set[0];
        let moved = since + *by;
        assert!((by.as_secs_f64() - jump as f64).abs() < 0.1, "{by:?}");
        let verdict = table.iter().next().unwrap();
        assert_eq!((verdict.status, verdict.since), (Status::Healthy, moved));
        let seen = table.seen(table.index(&verdict.id).unwrap()).last.clone().unwrap();
        assert!((10..15).contains(&seen.at.duration_since(moved).as_secs()), "{seen:?}");
        // From then on, by the clock that was set.
        let refreshed = stage.refreshed.lock().unwrap();
        let (_, last) = refreshed.last().unwrap();
        let seen = last.seen(last.index(&verdict.id).unwrap()).last.clone().unwrap();
        assert!((18..21).contains(&seen.at.duration_since(moved).as_secs()), "{seen:?}");
        assert!(stage.changes.try_recv().is_err(), "no status changed");
    }
}

#[tokio::test(start_paused = true)]
async fn probes_that_begin_late_are_noticed() {
    let stage = Stage::set([endpoint("a", SECOND)], SECOND * 1_000, 10);
    sleep(SECOND * 10).await;
    let on_time = *stage.told.lock().unwrap().lags.iter().max().unwrap();
    assert!(on_time <= Duration::from_millis(2), "{on_time:?}");
    // As if the process had not run for five seconds.
    tokio::time::advance(SECOND * 5).await;
    sleep(SECOND * 5).await;
    let worst = *stage.told.lock().unwrap().lags.iter().max().unwrap();
    assert!((4.0..5.0).contains(&worst.as_secs_f64()), "{worst:?}");
    sleep(SECOND * 5).await;
    let again = *stage.told.lock().unwrap().lags.last().unwrap();
    assert!(again <= Duration::from_millis(2), "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn that_probes_cannot_be_made_is_said_once_and_so_is_that_they_can_again() {
    let stage = Stage::set([endpoint("stuck", SECOND)], SECOND * 60, 10);
    sleep(SECOND * 50).await;
    let said = ["stuck: probe not made: no way out from here: network is unreachable"];
    assert_eq!(stage.told.lock().unwrap().obstructed, said);
    sleep(SECOND * 50).await;
    assert_eq!(stage.told.lock().unwrap().obstructed, [said[0], "stuck: no more"]);
}

#[tokio::test(start_paused = true)]
async fn deadlines_adapt_to_a_healthy_check_and_are_those_configured_once_it_fell() {
    let mut check = endpoint("a", SECOND);
    let CheckKind::Endpoint(probed) = &mut check.kind else { unreachable!() };
    probed.timing.adaptive = true;
    let mut stage = Stage::set([check], SECOND * 40, 10);
    stage.next_event().await;
    stage.next_event().await;
    sleep(SECOND * 2).await;
    let deadlines: Vec<u128> = stage.script.deadlines.lock().unwrap().iter().map(Duration::as_millis).collect();
    let changes: Vec<_> = deadlines.chunk_by(|one, other| one == other).map(|run| (run.len(), run[0])).collect();
    let [(20, 1_000), (_, 200), (1.., 1_000)] = changes[..] else { panic!("{changes:?}") };
}

#[tokio::test(start_paused = true)]
async fn what_probes_saw_is_handed_over_soon_and_at_most_once_a_second() {
    let checks = (0..20).map(|at| endpoint(&format!("a{at:02}"), Duration::from_millis(100)));
    let stage = Stage::set(checks, SECOND * 5, 100);
    sleep(SECOND * 20).await;
    let refreshed = stage.refreshed.lock().unwrap();
    assert!((18..=20).contains(&refreshed.len()), "{}", refreshed.len());
    for (at, table) in refreshed.iter() {
        for verdict in table.iter() {
            let seen = table.seen(table.index(&verdict.id).unwrap());
            let failed = seen.last.as_ref().unwrap().outcome.passed() == Some(false);
            // The first probe that fails begins at 5 s.
            assert_eq!(failed, *at > SECOND * 6 || seen.last_failure.is_some(), "{at:?} {}", verdict.id);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn endpoints_that_hang_delay_no_other() {
    let hanging = (0..500).map(|at| endpoint(&format!("slow{at}"), SECOND));
    let mut stage = Stage::set(hanging.chain([endpoint("a", SECOND)]), SECOND * 100, 1_000);
    stage.next_event().await;
    sleep(SECOND * 60).await;
    let probes = stage.probes_of("a");
    assert!((58..=63).contains(&probes.len()), "{}", probes.len());
    let widest = probes.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert!(widest <= SECOND * 105 / 100 + Duration::from_millis(3), "{widest:?}");
}

#[tokio::test(start_paused = true)]
async fn no_more_probes_run_at_once_than_allowed_and_all_get_their_turn() {
    let mut checks: Vec<_> = (0..20).map(|at| endpoint(&format!("slow{at:02}"), SECOND)).collect();
    checks.push(endpoint("a", SECOND));
    let stage = Stage::set(checks, SECOND * 100, 5);
    sleep(SECOND * 60).await;
    assert_eq!(stage.script.at_once.lock().unwrap().1, 5);
    for at in 0..20 {
        assert!(stage.probes_of(&format!("slow{at:02}")).len() >= 4);
    }
    assert!(stage.probes_of("a").len() >= 4);
}

#[tokio::test(start_paused = true)]
async fn the_first_round_ends_when_the_slowest_check_was_observed() {
    let stage = Stage::set([endpoint("a", SECOND), endpoint("slow", SECOND)], SECOND * 100, 10);
    let waited = Instant::now();
    stage.runner.first_round().await;
    assert!((3_000..3_010).contains(&waited.elapsed().as_millis()), "{:?}", waited.elapsed());
}

#[tokio::test(start_paused = true)]
async fn without_checks_the_first_round_is_over_at_once() {
    let stage = Stage::set([], SECOND, 10);
    timeout(SECOND, stage.runner.first_round()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_disabled_check_is_never_probed() {
    let disabled = HealthCheck { disabled: true, ..endpoint("off", SECOND) };
    let stage = Stage::set([disabled, endpoint("a", SECOND)], SECOND * 100, 10);
    sleep(SECOND * 20).await;
    assert!(stage.probes_of("off").is_empty());
    assert!(!stage.probes_of("a").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_reload_keeps_verdicts_drops_probes_of_what_changed_and_adopts_before_any_new_table() {
    let mut stage = Stage::set([endpoint("a", SECOND), endpoint("slow", SECOND)], SECOND * 100, 10);
    assert_eq!(stage.next_event().await.1, "a: unknown -> healthy: connected");
    sleep(SECOND).await;
    // `slow` is being probed; under its name comes another endpoint.
    let mut moved = endpoint("slow", SECOND);
    let CheckKind::Endpoint(check) = &mut moved.kind else { unreachable!() };
    check.target.port = 9;
    let (told, adopted) = tokio::sync::oneshot::channel();
    let checks = set([endpoint("a", SECOND), endpoint("b", SECOND), moved]);
    stage.runner.replace(checks, move |change| told.send(change).unwrap()).await;
    let change = adopted.await.unwrap();
    let table: Vec<_> = change.table.iter().map(|verdict| format!("{} {}", verdict.id, verdict.status)).collect();
    assert_eq!(table, ["a healthy", "b unknown", "slow unknown"]);
    assert_eq!(stage.next_event().await.1, "b: unknown -> healthy: connected");
    let seen = stage.probed.lock().unwrap().iter().filter(|(id, _)| id == "slow").count();
    assert_eq!(seen, 0, "the probe under way at the reload must not count");
    let probes = stage.probes_of("slow");
    assert_eq!(probes.len(), 2, "{probes:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_frozen_is_handed_over_to_be_kept_at_once() {
    let mut stage = Stage::set([HealthCheck { disabled: true, ..endpoint("off", SECOND) }], SECOND * 1_000, 10);
    let remark = || Remark::new("a test").unwrap();
    let (reason, author, made_at) = (remark(), remark(), clock::now());
    let mut overrides = Overrides::default();
    let target = "check:*".parse().unwrap();
    overrides.add(NewOverride { action: Action::Freeze, target, reason, author, made_at, expires_at: None }).unwrap();
    stage.runner.override_with(overrides).await;
    let (_, change) = stage.changes.recv().await.unwrap();
    let kept = change.gates.expect("a freeze is to be kept");
    assert_eq!(kept.iter().map(|gate| (gate.id.as_str(), gate.gated.in_service)).collect::<Vec<_>>(), [("off", true)]);
    stage.runner.override_with(Overrides::default()).await;
    let (_, change) = stage.changes.recv().await.unwrap();
    assert_eq!(change.gates, Some(Vec::new()), "and forgotten when it has ended");
}

#[tokio::test(start_paused = true)]
async fn a_removed_check_is_probed_no_more() {
    let mut stage = Stage::set([endpoint("a", SECOND), endpoint("b", SECOND)], SECOND * 100, 10);
    stage.next_event().await;
    stage.runner.replace(set([endpoint("b", SECOND)]), |_| {}).await;
    let before = stage.probes_of("a").len();
    sleep(SECOND * 10).await;
    assert_eq!(stage.probes_of("a").len(), before);
    assert!(stage.probes_of("b").len() >= 9);
}

#[tokio::test(start_paused = true)]
async fn stopping_returns_what_a_restart_should_know_and_ends_all_probes() {
    let mut stage = Stage::set([endpoint("a", SECOND), endpoint("slow", SECOND)], SECOND * 100, 10);
    stage.next_event().await;
    let Stage { runner, script, mut changes, .. } = stage;
    let saved = runner.stop().await;
    assert_eq!(saved.iter().map(|verdict| (verdict.id.as_str(), verdict.status)).collect::<Vec<_>>(), [("a", Status::Healthy)]);
    let probes = script.probes.lock().unwrap().len();
    assert!(changes.recv().await.is_none());
    sleep(SECOND * 30).await;
    assert_eq!(script.probes.lock().unwrap().len(), probes);
}

#[tokio::test(start_paused = true)]
async fn everything_known_is_handed_over_once_a_minute() {
    let mut stage = Stage::set([endpoint("a", SECOND)], SECOND * 1_000, 10);
    let began = Instant::now();
    let first = stage.checkpoints.recv().await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 60);
    assert_eq!(first.len(), 1);
    let second = stage.checkpoints.recv().await.unwrap();
    assert!(second[0].counted_at >= first[0].counted_at);
    assert_eq!(second[0].since, first[0].since);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_panics_counts_neither_way_and_its_check_goes_on() {
    let stage = Stage::set([endpoint("panics", SECOND)], SECOND * 100, 10);
    stage.runner.first_round().await;
    sleep(SECOND * 10).await;
    assert!(stage.probes_of("panics").len() >= 9);
    assert_eq!(stage.probed.lock().unwrap()[0], ("panics".into(), "not_run_impossible"));
}

/// Real sockets, real time: an endpoint whose status is switched ten times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verdicts_follow_a_real_endpoint_within_milliseconds_of_the_deciding_probe() {
    let works = Arc::new(AtomicBool::new(true));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn({
        let works = works.clone();
        async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                // Closing with the request unread would reset the connection.
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(stream.read_u8().await.unwrap());
                }
                let status = if works.load(Relaxed) { "200 OK" } else { "503 Service Unavailable" };
                stream.write_all(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes()).await.unwrap();
            }
        }
    });
    let mut check = endpoint("web", Duration::from_millis(100));
    let CheckKind::Endpoint(probed) = &mut check.kind else { unreachable!() };
    probed.target.port = port;
    probed.protocol = Protocol::Http(HttpRequest::get("web.test", "/"));
    probed.timing.thresholds = Thresholds { fall: NonZeroU8::MIN, rise: NonZeroU8::MIN };
    let (changes, mut told) = mpsc::unbounded_channel();
    let (prober, _) = Prober::new(Trust::Only(Vec::new()), &NameServers::Only(vec![([127, 0, 0, 1], 53).into()]));
    let board = Board::new(set([check]), clock::now());
    let _runner = RunnerHandle::spawn(board, Arc::new(prober), Delays(changes), 10);
    let mut delays = Vec::new();
    for turn in 0..10 {
        let (status, delay) = told.recv().await.unwrap();
        assert_eq!(status, if turn % 2 == 0 { Status::Healthy } else { Status::Unhealthy });
        delays.push(delay);
        works.store(turn % 2 == 1, Relaxed);
    }
    // A busy machine delays some; a delay of our own would be in all of them.
    let best = delays.iter().min().unwrap();
    assert!(*best < SignedDuration::from_millis(5), "{delays:?}");
}

/// How long after the deciding observation each change arrived.
struct Delays(mpsc::UnboundedSender<(Status, SignedDuration)>);

impl Watcher for Delays {
    fn changed(&mut self, change: Change) {
        let _ = self.0.send((change.events[0].to, clock::now().duration_since(change.events[0].since)));
    }

    fn probed(&mut self, _id: &HealthCheckId, _report: &ProbeReport) {}

    fn checkpoint(&mut self, _saved: Vec<SavedVerdict>) {}
}

fn endpoint(name: &str, interval: Duration) -> HealthCheck {
    let three = NonZeroU8::new(3).unwrap();
    let check = EndpointCheck {
        target: Target { host: TargetHost::Address([127, 0, 0, 1].into()), port: 80 },
        protocol: Protocol::Tcp,
        via: Via::default(),
        timing: Timing::plain(
            interval,
            Deadlines { connect: SECOND, tls: None, status: SECOND, body: SECOND },
            Thresholds { fall: three, rise: three },
        ),
    };
    let id = HealthCheckId::new(name).unwrap();
    HealthCheck::plain(id, CheckKind::Endpoint(Box::new(check)))
}

fn set(checks: impl IntoIterator<Item = HealthCheck>) -> BTreeMap<HealthCheckId, HealthCheck> {
    checks.into_iter().map(|check| (check.id.clone(), check)).collect()
}
