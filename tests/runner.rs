//! The runner on a virtual clock: probes are scripts that take as long as they say, and nothing really waits.
//! One test, the last, runs it with real probes.

use std::collections::BTreeMap;
use std::num::NonZeroU8;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use waypost::clock;
use waypost::health::board::{Board, SavedVerdict};
use waypost::health::check::{CheckKind, EndpointCheck, HealthCheck, Target, TargetHost};
use waypost::health::observation::{Failure, Observation, Outcome, Passed};
use waypost::health::protocol::{HttpRequest, Protocol};
use waypost::health::table::{HealthTable, Status};
use waypost::health::timing::{Deadlines, Thresholds, Timing};
use waypost::ids::HealthCheckId;
use waypost::prober::runner::{Change, Probe, RunnerHandle, Watcher};
use waypost::prober::{ProbeReport, Prober, Trust};
use waypost::resolver::NameServers;

const SECOND: Duration = Duration::from_secs(1);

/// A check whose name begins with `slow` hangs for three seconds and fails; others are answered in a millisecond, and
/// fail from `fails_from` on.
#[derive(Clone)]
struct Script {
    began: Instant,
    fails_from: Duration,
    probes: Arc<Mutex<Vec<(String, Duration)>>>,
    at_once: Arc<Mutex<(usize, usize)>>,
}

impl Probe for Script {
    async fn probe(&self, id: &HealthCheckId, _check: &EndpointCheck) -> ProbeReport {
        self.probes.lock().unwrap().push((id.to_string(), self.began.elapsed()));
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
        sleep(if slow { SECOND * 3 } else { Duration::from_millis(1) }).await;
        self.at_once.lock().unwrap().0 -= 1;
        let fails = slow || self.began.elapsed() >= self.fails_from;
        let outcome = if fails { Outcome::Failed(Failure::Refused) } else { Outcome::Passed(Passed::Connected) };
        ProbeReport {
            observation: Observation { at: clock::now(), outcome },
            phases: Vec::new(),
            address: None,
            certificate_not_after: None,
        }
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
}

impl Watcher for Ears {
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
}

impl Stage {
    fn set(checks: impl IntoIterator<Item = HealthCheck>, fails_from: Duration, probes_max: usize) -> Self {
        let began = Instant::now();
        let (told, changes) = mpsc::unbounded_channel();
        let (marked, checkpoints) = mpsc::unbounded_channel();
        let script = Script { began, fails_from, probes: Arc::default(), at_once: Arc::default() };
        let (probed, refreshed) = (Arc::default(), Arc::default());
        let (own_probed, own_refreshed) = (Arc::clone(&probed), Arc::clone(&refreshed));
        let ears = Ears { began, changes: told, checkpoints: marked, probed: own_probed, refreshed: own_refreshed };
        let board = Board::new(&set(checks), clock::now());
        let runner = RunnerHandle::spawn(board, Arc::new(script.clone()), ears, probes_max);
        Self { runner, script, changes, checkpoints, probed, refreshed }
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
    assert_eq!(stage.probes_of("off"), []);
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
    probed.protocol = Protocol::Http(HttpRequest { host: "web.test".into(), path: "/".into(), search: None });
    probed.timing.thresholds = Thresholds { fall: NonZeroU8::MIN, rise: NonZeroU8::MIN };
    let (changes, mut told) = mpsc::unbounded_channel();
    let (prober, _) = Prober::new(Trust::Only(Vec::new()), &NameServers::Only(vec![([127, 0, 0, 1], 53).into()]));
    let board = Board::new(&set([check]), clock::now());
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
        timing: Timing::plain(
            interval,
            Deadlines { connect: SECOND, status: SECOND, body: SECOND },
            Thresholds { fall: three, rise: three },
        ),
    };
    let id = HealthCheckId::new(name).unwrap();
    HealthCheck::plain(id, CheckKind::Endpoint(Box::new(check)))
}

fn set(checks: impl IntoIterator<Item = HealthCheck>) -> BTreeMap<HealthCheckId, HealthCheck> {
    checks.into_iter().map(|check| (check.id.clone(), check)).collect()
}
