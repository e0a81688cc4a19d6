//! What many checks cost: a runner with real probes of a local HTTP endpoint, at 10,000 checks every 10 s and 100,000 every 60 s.
//!
//! A measurement on this machine, not a test: `cargo bench --bench probes`. The endpoint, and each size, is a process of its
//! own, so that neither the endpoint's work nor an earlier size counts. The runner has one thread. A probe's lateness is from
//! when it was due to when its own code began to run. At last, what the board takes for what stops the runner meanwhile:
//! the largest size, no sockets. Results: docs/performance.md.

use std::fmt;
use std::fs;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use waypost::clock;
use waypost::control::build::build;
use waypost::control::load::load_zones;
use waypost::health::board::{Board, SavedVerdict};
use waypost::health::check::EndpointCheck;
use waypost::health::observation::{Failure, Observation, Outcome, Passed};
use waypost::health::overrides::{Action, NewOverride, Overrides};
use waypost::health::plan::Plan;
use waypost::health::remark::Remark;
use waypost::health::table::HealthTable;
use waypost::ids::{HealthCheckId, HealthIndex};
use waypost::prober::runner::{Change, PROBES_MAX, Probe, RunnerHandle, Watcher};
use waypost::prober::{ProbeReport, Prober, Trust};
use waypost::resolver::NameServers;
use waypost::store::{Histories, Store};
use waypost::telemetry::{Probed, Telemetry};
use waypost::zone::master::{NoFiles, Source};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments[at].parse::<usize>().expect("a number");
    match arguments.first().map(String::as_str) {
        Some("respond") => one_thread().block_on(respond()),
        Some("measure") => measure(&Size { checks: number(1), interval_secs: number(2), for_secs: number(3) }),
        Some("board") => measure_board(number(1)),
        // `cargo bench` hands its own arguments to every bench.
        _ => {
            for Size { checks, interval_secs, for_secs } in SIZES {
                run_self(&["measure".into(), checks.to_string(), interval_secs.to_string(), for_secs.to_string()]);
            }
            run_self(&["board".into(), SIZES[1].checks.to_string()]);
        }
    }
}

/// How many checks, how often, and for how long to watch them once each has been probed.
struct Size {
    checks: usize,
    interval_secs: usize,
    for_secs: usize,
}

const SIZES: [Size; 2] =
    [Size { checks: 10_000, interval_secs: 10, for_secs: 30 }, Size { checks: 100_000, interval_secs: 60, for_secs: 60 }];

fn run_self(arguments: &[String]) {
    let ended = Command::new(std::env::current_exe().expect("this program has a file")).args(arguments).status();
    assert!(ended.expect("it starts").success());
}

fn one_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

// The endpoint

/// Answers every request on several addresses, which it prints, until its standard input ends.
async fn respond() {
    for at in 0..ADDRESSES {
        let listener = TcpListener::bind((format!("127.{at}.0.1"), 0)).await.expect("a loopback socket");
        println!("{}", listener.local_addr().expect("it is bound"));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream));
            }
        });
    }
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await.expect("it ends").expect("a pipe");
}

/// Answers one request. Who does not send one whole has none to be answered.
async fn answer(mut stream: TcpStream) -> Option<()> {
    let (mut request, mut len) = ([0; 1_024], 0);
    while !request[..len].ends_with(b"\r\n\r\n") {
        len += stream.read(&mut request[len..]).await.ok().filter(|len| *len > 0)?;
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n").await.ok()
}

struct Endpoint {
    process: Child,
    said: BufReader<ChildStdout>,
}

impl Endpoint {
    fn start() -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program has a file"));
        let mut process = command.arg("respond").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let said = BufReader::new(process.stdout.take().expect("it is piped"));
        Self { process, said }
    }

    fn addresses(&mut self) -> Vec<SocketAddr> {
        let lines = self.said.by_ref().lines().take(ADDRESSES);
        lines.map(|line| line.expect("a line").parse().expect("an address")).collect()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

// What is run

/// So many checks, and as many gates: the members of failover pairs.
fn plan(checks: usize, interval_secs: usize, endpoints: &[SocketAddr]) -> Plan {
    let mut zone = format!(
        "zone = \"example.org.\"\nns = [\"ns1.example.net.\"]\n\
         [probe.web]\ntype = \"http\"\ninterval = \"{interval_secs}s\"\npath = \"/healthz\"\n"
    );
    for (at, endpoint) in (0..checks).zip(endpoints.iter().cycle()) {
        zone += &format!("[endpoint.e{at:06}]\naddress = [\"192.0.2.1\"]\nprobe = \"web\"\ntarget = \"{endpoint}\"\n");
        if at % 2 == 1 {
            zone += &format!("[route.r{at:06}]\npolicy = \"failover\"\nmembers = [\"e{:06}\", \"e{at:06}\"]\n", at - 1);
        }
    }
    let source = Source { file: "zone.toml".into(), octets: zone.into() };
    let (state, problems) = load_zones(vec![source], &mut NoFiles, 1);
    let state = state.unwrap_or_else(|| panic!("{problems}"));
    let plan = build(state, &Default::default(), None).expect("a state without problems compiles").plan();
    assert_eq!((plan.checks.len(), plan.gates.len()), (checks, checks));
    plan
}

/// What is counted while the runner runs.
struct Seen {
    /// When each check's probe was due, in nanoseconds since the start.
    due: Vec<AtomicU64>,
    began: Instant,
    /// In microseconds.
    lateness: Mutex<Vec<u32>>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    passed: AtomicUsize,
    other: AtomicUsize,
}

impl Seen {
    fn new(checks: usize) -> Self {
        Self {
            due: (0..checks).map(|_| AtomicU64::new(0)).collect(),
            began: Instant::now(),
            lateness: Mutex::default(),
            under_way: AtomicUsize::new(0),
            most_under_way: AtomicUsize::new(0),
            passed: AtomicUsize::new(0),
            other: AtomicUsize::new(0),
        }
    }

    fn since_began(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).expect("a bench does not run for centuries")
    }

    /// Forgets what was counted by now.
    fn reset(&self) {
        self.lateness.lock().expect("nobody panics").clear();
        [&self.most_under_way, &self.passed, &self.other].iter().for_each(|count| count.store(0, Relaxed));
    }
}

fn number_of(id: &HealthCheckId) -> usize {
    id.as_str()[1..].parse().expect("an e and a number")
}

/// A prober that notes when its probes begin.
struct Timed {
    prober: Prober,
    seen: Arc<Seen>,
}

impl Probe for Timed {
    async fn probe(&self, id: &HealthCheckId, check: &EndpointCheck) -> ProbeReport {
        let seen = &self.seen;
        let late = seen.since_began().saturating_sub(seen.due[number_of(id)].load(Relaxed)) / 1_000;
        seen.lateness.lock().expect("nobody panics").push(u32::try_from(late).unwrap_or(u32::MAX));
        let under_way = seen.under_way.fetch_add(1, Relaxed) + 1;
        seen.most_under_way.fetch_max(under_way, Relaxed);
        let report = self.prober.probe(id, check).await;
        seen.under_way.fetch_sub(1, Relaxed);
        let count = if report.observation.outcome.passed() == Some(true) { &seen.passed } else { &seen.other };
        count.fetch_add(1, Relaxed);
        report
    }
}

/// Publishes, counts and saves, as the server does.
struct Ears {
    seen: Arc<Seen>,
    published: Arc<Mutex<Arc<HealthTable>>>,
    telemetry: Arc<Telemetry>,
    store: Store,
}

impl Ears {
    fn publish(&self, table: HealthTable) {
        *self.published.lock().expect("nobody panics") = Arc::new(table);
    }
}

impl Watcher for Ears {
    fn begins(&mut self, id: &HealthCheckId, late: Duration) {
        let late = u64::try_from(late.as_nanos()).unwrap_or(u64::MAX);
        self.seen.due[number_of(id)].store(self.seen.since_began().saturating_sub(late), Relaxed);
    }

    fn changed(&mut self, change: Change) {
        self.publish(change.table);
        self.store.save(change.saved, Histories::new());
    }

    fn refreshed(&mut self, table: HealthTable) {
        self.publish(table);
    }

    fn probed(&mut self, id: &HealthCheckId, report: &ProbeReport) {
        let Some(passed) = report.observation.outcome.passed() else { return };
        let phases: Vec<_> = report.phases.iter().map(|phase| (phase.name, phase.took)).collect();
        self.telemetry.probed(id, &Probed { passed, phases: &phases, certificate_not_after: None });
    }

    fn checkpoint(&mut self, saved: Vec<SavedVerdict>) {
        self.store.save_all(saved, Histories::new());
    }
}

fn measure(size: &Size) {
    let Size { checks, interval_secs, for_secs } = *size;
    let rss_before = rss();
    let mut endpoint = Endpoint::start();
    let plan = plan(checks, interval_secs, &endpoint.addresses());
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("probes");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    let store = Store::open(Some(&folder.join("waypost.redb"))).expect("a new store");
    let seen = Arc::new(Seen::new(checks));
    let telemetry = Arc::new(Telemetry::new());
    let ears = Ears { seen: seen.clone(), published: Arc::default(), telemetry, store };
    let prober = Timed { prober: Prober::new(Trust::Only(Vec::new()), &NameServers::System).0, seen: seen.clone() };
    one_thread().block_on(async {
        let runner = RunnerHandle::spawn(Board::new(plan, clock::now()), Arc::new(prober), ears, PROBES_MAX);
        runner.first_round().await;
        seen.reset();
        let (cpu_before, began) = (cpu(), Instant::now());
        tokio::time::sleep(Duration::from_secs(for_secs as u64)).await;
        let (cpu, took, rss) = (cpu() - cpu_before, began.elapsed().as_secs_f64(), rss());
        let probes = seen.passed.load(Relaxed) + seen.other.load(Relaxed);
        println!("{checks} checks at {interval_secs} s, {took:.1} s after their first round");
        println!("  probes      {probes}, {:.0}/s, each check {:.2} times", probes as f64 / took, probes as f64 / checks as f64);
        println!("  not passed  {}", seen.other.load(Relaxed));
        println!("  CPU         {:.1} % of a core, {:.0} µs a probe", cpu / took * 100.0, cpu / probes as f64 * 1e6);
        println!("  lateness    {}", Spread::of(&mut seen.lateness.lock().expect("nobody panics")));
        println!("  under way   {} at most", seen.most_under_way.load(Relaxed));
        println!(
            "  memory      {:.1} KiB a check ({} MiB more)",
            (rss - rss_before) / 1_024.0 / checks as f64,
            (rss - rss_before) as usize >> 20
        );
        runner.stop().await;
    });
}

/// How numbers are spread, in microseconds.
struct Spread([u32; 4]);

impl Spread {
    fn of(numbers: &mut [u32]) -> Self {
        numbers.sort_unstable();
        // The nearest rank, in thousandths.
        let at = |part: usize| numbers[(numbers.len() * part).div_ceil(1_000).max(1) - 1];
        Self([500, 990, 999, 1_000].map(at))
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [median, p99, p999, max] = self.0;
        write!(f, "median {median} µs, p99 {p99} µs, p99.9 {p999} µs, max {max} µs")
    }
}

/// What this process has used of a core by now, in seconds.
fn cpu() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    // Behind the name, which may hold anything: the 12th and 13th, in hundredths of a second.
    let fields: Vec<&str> = stat.rsplit_once(')').expect("a name").1.split_ascii_whitespace().collect();
    [11, 12].map(|at| fields[at].parse::<f64>().expect("a number")).iter().sum::<f64>() / 100.0
}

/// What this process has in memory, in octets.
fn rss() -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is said");
    line.trim_end_matches("kB").trim().parse::<f64>().expect("a number") * 1_024.0
}

// The board alone

fn measure_board(checks: usize) {
    let endpoints: Vec<SocketAddr> = (0..ADDRESSES).map(|at| SocketAddr::from(([127, at as u8, 0, 1], 80))).collect();
    let plan = plan(checks, 60, &endpoints);
    let mut now = clock::now();
    let mut board = Board::new(plan.clone(), now);
    let passed = Outcome::Passed(Passed::Connected);
    for at in 0..checks {
        board.observe(HealthIndex(at as u32), &Observation { at: now, outcome: passed.clone() });
    }
    println!("the board of {checks} checks and gates, the slowest of several turns");
    time("a moment passes", 20, || {
        now = later(now, 250);
        board.tick(now)
    });
    time("the table for a snapshot", 20, || board.table());
    time("what a restart should know", 5, || board.saved());
    time("what a restart should know of gates", 5, || board.saved_gates(now));
    let mut at = 0;
    time("a probe that changes nothing, a table published before", 1_000, || {
        (at, now) = ((at + 7) % checks, later(now, 1));
        let table = board.table();
        board.observe(HealthIndex(at as u32), &Observation { at: now, outcome: passed.clone() });
        table
    });
    time("a check leaves service", 100, || {
        at += 1;
        now = later(now, 60_000);
        let failed = Observation { at: now, outcome: Failure::Refused.into() };
        (0..3).flat_map(|_| board.observe(HealthIndex(at as u32), &failed)).collect::<Vec<_>>()
    });
    let (mut said, made_at) = (Overrides::default(), now);
    let add = |said: &mut Overrides, target: &str| {
        let remark = Remark::new("bench").expect("a remark");
        let target = target.parse().expect("a pattern");
        let (reason, author) = (remark.clone(), remark);
        let new = NewOverride { action: Action::Drain, target, reason, author, made_at, expires_at: None };
        said.add(new).expect("there is room").id
    };
    type Pattern = fn(usize) -> String;
    let patterns: [(&str, Pattern); 3] = [
        ("one check each", |turn| format!("check:e{turn:06}")),
        ("ten checks each", |turn| format!("check:e0{turn:03}*7")),
        ("ten routes each", |turn| format!("route:r0{turn:03}*7.example.org")),
    ];
    for (what, pattern) in patterns {
        let mut turns = 0..;
        time(&format!("one more of 330 overrides of {what}"), 330, || {
            add(&mut said, &pattern(turns.next().expect("endless")));
            board.set_overrides(said.clone(), now)
        });
    }
    time("a check leaves service under 990 overrides", 100, || {
        at += 1;
        now = later(now, 60_000);
        let failed = Observation { at: now, outcome: Failure::Refused.into() };
        (0..3).flat_map(|_| board.observe(HealthIndex(at as u32), &failed)).collect::<Vec<_>>()
    });
    time("whether they would break a rule", 3, || board.broken_by(said.clone(), now));
    let all = add(&mut said, "check:*");
    time("an override of everything", 1, || board.set_overrides(said.clone(), now));
    said.remove(all);
    time("it is removed", 1, || board.set_overrides(said.clone(), now));
    time("990 are removed at once", 1, || board.set_overrides(Overrides::default(), now));
    time("990 are set at once", 1, || board.set_overrides(said.clone(), now));
    time("a reload that changes nothing", 2, || board.replace(plan.clone(), now));
}

/// Prints the slowest of so many turns, and their median.
fn time<T>(what: &str, turns: usize, mut turn: impl FnMut() -> T) {
    let timed = (0..turns).map(|_| {
        let began = Instant::now();
        black_box(turn());
        u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX)
    });
    let Spread([median, .., max]) = Spread::of(&mut timed.collect::<Vec<_>>());
    println!("  {what:<60} {max:>9} µs, median {median:>9} µs");
}

fn later(now: Timestamp, millis: u64) -> Timestamp {
    now + Duration::from_millis(millis)
}

/// Of the endpoint; each in a network of its own, so that ports are not what there is too little of.
const ADDRESSES: usize = 64;
