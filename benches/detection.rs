//! How long it takes from a real endpoint's failure to the verdict, with real sockets and the server's own runner.
//!
//! A measurement on this machine, not a test: `cargo bench --bench detection`, perhaps with how many endpoints. Each is a
//! listener on loopback with a TCP check of the profile; each fails at a moment of its own, evenly spread over several
//! intervals: it closes, so that the kernel refuses, or lets its queue fill up, so that the kernel drops what comes. The
//! time begins with the failure and ends when the watcher is told of the verdict. Results: docs/performance.md; the same on
//! a virtual clock: `tests/detection.rs`.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep_until;
use waypost::clock;
use waypost::health::board::{Board, SavedVerdict};
use waypost::health::check::{CheckKind, EndpointCheck, HealthCheck, Target, TargetHost};
use waypost::health::profile::Profile;
use waypost::health::protocol::Protocol;
use waypost::health::table::Status;
use waypost::health::timing::Timing;
use waypost::ids::HealthCheckId;
use waypost::prober::runner::{Change, RunnerHandle, Watcher};
use waypost::prober::{ProbeReport, Prober, Trust};
use waypost::resolver::NameServers;

/// How an endpoint fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fails {
    Refuses,
    Swallows,
}

fn main() {
    // `cargo bench` hands its own arguments to every bench; the one that is ours is a number.
    let endpoints = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(ENDPOINTS);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("two threads can be had");
    println!("| profile | endpoints | fails | p50 | p95 | p99 | longest | probes late by at most |");
    println!("|---|---|---|---|---|---|---|---|");
    for profile in [Profile::Fast, Profile::Default] {
        for fails in [Fails::Refuses, Fails::Swallows] {
            let (mut times, lag) = runtime.block_on(measure(profile, fails, endpoints));
            times.sort_unstable();
            let percentile = |percent: usize| millis(times[(times.len() * percent).div_ceil(100) - 1]);
            let word = match fails {
                Fails::Refuses => "refuses",
                Fails::Swallows => "swallows",
            };
            let [p50, p95, p99, longest] = [50, 95, 99, 100].map(percentile);
            println!("| `{}` | {} | {word} | {p50} | {p95} | {p99} | {longest} | {} |", profile.word(), times.len(), millis(lag));
        }
    }
}

fn millis(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1e3)
}

/// The time from each endpoint's failure to its verdict, and the worst lag of the runner.
async fn measure(profile: Profile, fails: Fails, endpoints: u32) -> (Vec<Duration>, Duration) {
    let timing = profile.timing(Duration::from_secs(4));
    let mut checks = BTreeMap::new();
    let mut listening = Vec::new();
    for at in 0..endpoints {
        let endpoint = Endpoint::listen();
        let check = endpoint.check(&format!("{at:05}"), timing);
        listening.push((check.id.clone(), endpoint));
        checks.insert(check.id.clone(), check);
    }
    let (prober, _) = Prober::new(Trust::Only(Vec::new()), &NameServers::Only(vec![([127, 0, 0, 1], 53).into()]));
    let (told, mut heard) = mpsc::unbounded_channel();
    let ears = Ears { told, worst_lag: Duration::ZERO };
    let runner = RunnerHandle::spawn(Board::new(&checks, clock::now()), Arc::new(prober), ears, 4_096);
    runner.first_round().await;
    // All of them have their own phase by then.
    let start = Instant::now() + timing.interval * 3;
    let mut failing = JoinSet::new();
    for (at, (id, endpoint)) in (0u32..).zip(listening) {
        let fails_at = start + timing.interval * 5 * at / endpoints;
        failing.spawn(async move { (id, endpoint.serve_until(fails_at, fails).await) });
    }
    let mut failed = HashMap::new();
    let mut kept = Vec::new();
    while let Some(ended) = failing.join_next().await {
        let (id, (failed_at, sockets)) = ended.expect("an endpoint does not panic");
        failed.insert(id, failed_at);
        kept.push(sockets);
    }
    let (mut times, mut lag) = (Vec::new(), Duration::ZERO);
    while times.len() < endpoints as usize {
        match heard.recv().await.expect("the runner goes on") {
            Heard::Unhealthy(id, at) => times.push(at.saturating_duration_since(failed[&id])),
            Heard::Lag(worst) => lag = worst,
        }
    }
    runner.stop().await;
    (times, lag)
}

/// One listener, with a queue as short as the kernel makes it.
struct Endpoint {
    listener: TcpListener,
    address: SocketAddr,
}

impl Endpoint {
    fn listen() -> Self {
        let listener = socket();
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("loopback has a free port");
        listener.listen(0).expect("a bound socket listens");
        let listener = TcpListener::from_std(listener.into()).expect("the runtime takes a socket");
        let address = listener.local_addr().expect("a bound socket has an address");
        Self { listener, address }
    }

    fn check(&self, name: &str, timing: Timing) -> HealthCheck {
        let id = HealthCheckId::new(name).expect("digits are an id");
        let target = Target { host: TargetHost::Address(self.address.ip()), port: self.address.port() };
        let check = EndpointCheck::plain(target, Protocol::Tcp, timing);
        HealthCheck::plain(id, CheckKind::Endpoint(Box::new(check)))
    }

    /// Accepts until then, and fails; when that was, and what must be kept for it to last.
    async fn serve_until(self, fails_at: Instant, fails: Fails) -> (Instant, Vec<Socket>) {
        let Self { listener, address } = self;
        let accepting = async {
            while let Ok((stream, _)) = listener.accept().await {
                drop(stream);
            }
        };
        tokio::select! {
            () = accepting => {}
            () = sleep_until(fails_at.into()) => {}
        }
        let kept = match fails {
            Fails::Refuses => {
                drop(listener);
                Vec::new()
            }
            Fails::Swallows => {
                let fillers: Vec<Socket> = (0..4).map(|_| socket()).collect();
                for filler in &fillers {
                    // In progress, or in the queue.
                    let _ = filler.connect(&address.into());
                }
                let listener = listener.into_std().expect("the runtime gives the socket back");
                fillers.into_iter().chain([Socket::from(listener)]).collect()
            }
        };
        (Instant::now(), kept)
    }
}

fn socket() -> Socket {
    Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None).expect("there are descriptors left")
}

enum Heard {
    Unhealthy(HealthCheckId, Instant),
    /// The worst so far.
    Lag(Duration),
}

struct Ears {
    told: mpsc::UnboundedSender<Heard>,
    worst_lag: Duration,
}

impl Watcher for Ears {
    fn changed(&mut self, change: Change) {
        let now = Instant::now();
        for event in change.events.into_iter().filter(|event| event.to == Status::Unhealthy) {
            // Nobody listening any more is the end of a measurement.
            let _ = self.told.send(Heard::Unhealthy(event.id, now));
        }
    }

    fn lagged(&mut self, worst: Duration) {
        self.worst_lag = self.worst_lag.max(worst);
        let _ = self.told.send(Heard::Lag(self.worst_lag));
    }

    fn probed(&mut self, _id: &HealthCheckId, _report: &ProbeReport) {}

    fn checkpoint(&mut self, _saved: Vec<SavedVerdict>) {}
}

/// As many as descriptors normally allow, with room.
const ENDPOINTS: u32 = 150;
