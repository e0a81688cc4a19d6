//! How long it takes from the text of zones to what answers, and how much memory is left in use.
//!
//! A measurement, not a test: `cargo bench --bench load [-- NAMES]`. One zone of a million names, step by step on one thread;
//! 10,000 zones of ten names, by one core and by all; and a zone in parts, the same. Each is a process of its own, so that neither finds the
//! memory of the other; the CPU time is the thread's own, so that other work on the machine counts little. What is allocated is counted
//! by `load_allocations`. Results: docs/performance.md.

#[path = "load/zones.rs"]
mod zones;

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use waypost::control::build::{build, build_by};
use waypost::control::load::load_zones;
use waypost::control::state::State;
use waypost::files::OnAllCores;
use waypost::places::Places;
use waypost::zone::check::check;
use waypost::zone::compile::{Tables, compile};
use waypost::zone::hosted_zone::HostedZone;
use waypost::zone::master::{self, NoFiles};
use waypost::zone::parted::PartedZone;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const NAMES: usize = 1_000_000;
const ZONES: usize = 10_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["one-zone", names] => measure_one_zone(names.parse().expect("a number")),
        ["many-zones", zones] => measure_many_zones(zones.parse().expect("a number")),
        ["parts", names] => measure_parts(names.parse().expect("a number")),
        // `cargo bench` hands its own arguments to every bench; the one that is ours is a number.
        _ => {
            let names = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(NAMES);
            run_self(&["one-zone", &names.to_string()]);
            run_self(&["many-zones", &ZONES.to_string()]);
            run_self(&["parts", &names.to_string()]);
        }
    }
}

fn run_self(arguments: &[&str]) {
    let program = std::env::current_exe().expect("a program knows its own file");
    let status = Command::new(program).args(arguments).status().expect("this program starts again");
    assert!(status.success());
}

fn measure_one_zone(names: usize) {
    println!("one zone of {names} names");
    let source = zones::one_zone(names);
    println!("  the text has {:.1} MiB", mib(source.octets.len()));
    let mut steps = Steps::new();
    let read = steps.step("read", || master::read(source, None, None, &mut NoFiles));
    assert!(read.problems.is_empty(), "{}", read.problems);
    let name = read.apex.expect("the zone has an SOA");
    let hosted = HostedZone { name, record_sets: read.record_sets, hidden: 0, groups: Default::default(), files: read.files };
    let findings = steps.step("check", || check(&hosted));
    assert!(findings.is_empty());
    let tables = Tables { health: &|_| None, gate: &|_, _, _| None, map: &|_| None, external: &|_, _| None };
    let zone = steps.step("compile", || compile(&hosted, &tables).expect("the zone was checked"));
    steps.step("let the record sets go", || drop(hosted));
    steps.total();
    drop(zone);
}

fn measure_many_zones(zones: usize) {
    println!("{zones} zones of ten names");
    let sources = zones::many_zones(zones);
    let mut steps = Steps::new();
    let state = steps.step("read and check", || {
        let (state, problems) = load_zones(sources, &mut NoFiles, 1);
        state.unwrap_or_else(|| panic!("{problems}"))
    });
    let built = steps.step("compile", || build(state, &Places::default(), None).expect("the zones were checked"));
    steps.total();
    assert_eq!(built.catalog.zones().len(), zones);
    let state = built.state.clone();
    steps.step("compile, all cores", || build_by(&OnAllCores, state, &Places::default(), None).expect("the zones were checked"));
}

/// A zone as the Route 53 API keeps it, when the server starts.
fn measure_parts(names: usize) {
    println!("one zone of {names} names, in parts");
    let read = master::read(zones::one_zone(names), None, None, &mut NoFiles);
    let parted = PartedZone::new(read.apex.expect("the zone has an SOA"), read.record_sets);
    let state = || State { parted: vec![Arc::new(parted.clone())], ..State::default() };
    let mut steps = Steps::new();
    steps.step("compile", || build(state(), &Places::default(), None).expect("the zone was checked"));
    steps.step("compile, all cores", || build_by(&OnAllCores, state(), &Places::default(), None).expect("the zone was checked"));
}

/// What each step took, printed as it ends.
struct Steps {
    wall: Duration,
    thread: Duration,
}

impl Steps {
    fn new() -> Self {
        println!("  {:<24} {:>9} {:>12} {:>10} {:>12}", "", "wall", "thread's CPU", "PSS after", "at most ever");
        Self { wall: Duration::ZERO, thread: Duration::ZERO }
    }

    fn step<T>(&mut self, what: &str, work: impl FnOnce() -> T) -> T {
        let (began, began_thread) = (Instant::now(), thread_time());
        let done = work();
        let (wall, thread) = (began.elapsed(), thread_time() - began_thread);
        self.wall += wall;
        self.thread += thread;
        print(what, wall, thread);
        done
    }

    fn total(&self) {
        print("in all", self.wall, self.thread);
    }
}

fn print(what: &str, wall: Duration, thread: Duration) {
    let [wall, thread] = [wall, thread].map(|took| format!("{:.1} ms", took.as_secs_f64() * 1e3));
    let [now, most] = [kib_of("smaps_rollup", "Pss:"), kib_of("status", "VmHWM:")].map(|kib| mib(kib * 1_024));
    println!("  {what:<24} {wall:>9} {thread:>12} {now:>6.1} MiB {most:>8.1} MiB");
}

/// How long this thread has run: the first number of its `schedstat`, in nanoseconds.
fn thread_time() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells a thread's time");
    let nanos = text.split(' ').next().and_then(|word| word.parse().ok());
    Duration::from_nanos(nanos.expect("the first word is a number"))
}

/// A number of KiB from one of this process's files in /proc.
fn kib_of(file: &str, key: &str) -> usize {
    let text = fs::read_to_string(format!("/proc/self/{file}")).expect("Linux tells a process's memory");
    let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
    line.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or_default()
}

fn mib(octets: usize) -> f64 {
    octets as f64 / f64::from(1 << 20)
}
