//! The machine that measures: which core runs what, and how much of it others took.
//!
//! Invariant: a measurement says how busy the machine was meanwhile. Sources: sched_setaffinity(2), proc_stat(5).

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The core of all servers, and that of the load generator.
pub const SERVERS: usize = 0;
pub const GENERATOR: usize = 1;

/// Does something with this thread on one core, and whatever it starts; then the thread is where it was.
pub fn on_core<T>(core: Option<usize>, what: impl FnOnce() -> T) -> T {
    let Some(core) = core else { return what() };
    let before = sched_getaffinity(None).expect("a thread knows where it may run");
    let mut alone = CpuSet::new();
    alone.set(core);
    sched_setaffinity(None, &alone).unwrap_or_else(|error| panic!("core {core} can't be had: {error}; two are needed"));
    let done = what();
    sched_setaffinity(None, &before).expect("where the thread was before");
    done
}

/// Time that a core has worked by now, for whomever.
pub fn busy(core: usize) -> Duration {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("cpu{core} "))).unwrap_or_default();
    let ticks: Vec<u64> = line.split_whitespace().map(|number| number.parse().unwrap_or(0)).collect();
    // user nice system (idle iowait) irq softirq steal
    let busy: u64 = [0, 1, 2, 5, 6, 7].iter().filter_map(|at| ticks.get(*at)).sum();
    Duration::from_millis(busy * 10)
}

/// Time that this thread has run by now.
pub fn own() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}

/// How long a cache line takes from one of the two cores to the other: where a hypervisor moves them, this tells two
/// measurements apart that are not comparable.
pub fn between_cores() -> Duration {
    let turn = AtomicU32::new(0);
    let play = |core: usize, parity: u32| {
        on_core(Some(core), || {
            let began = Instant::now();
            for _ in 0..TURNS / 2 {
                while turn.load(Ordering::Acquire) % 2 != parity {
                    std::hint::spin_loop();
                }
                turn.fetch_add(1, Ordering::Release);
            }
            began.elapsed()
        })
    };
    let took = thread::scope(|scope| {
        let other = scope.spawn(|| play(SERVERS, 1));
        let own = play(GENERATOR, 0);
        other.join().map_or(own, |other| own.max(other))
    });
    took / TURNS
}

/// The load average of a minute.
pub fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("unknown").to_owned()
}

/// What the processor and the kernel say they are.
pub fn name() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let models = cpus.lines().filter_map(|line| line.strip_prefix("model name"));
    let models: Vec<&str> = models.map(|rest| rest.trim_start_matches([':', '\t', ' '])).collect();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{} × {}, Linux {}", models.len(), models.first().unwrap_or(&"a processor"), kernel.trim())
}

/// Enough of them for two threads to find each other, and for the clock.
const TURNS: u32 = 20_000;
