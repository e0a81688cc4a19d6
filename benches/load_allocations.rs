//! What loading zones asks of the allocator: the same zones as `load`, counted instead of timed.
//!
//! A measurement, not a test: `cargo bench --bench load_allocations [-- NAMES]`. Its own program, as what counts takes the place
//! of the allocator. Results: docs/performance.md.

#[path = "load/zones.rs"]
mod zones;

use waypost::control::build::build;
use waypost::control::load::load_zones;
use waypost::places::Places;
use waypost::zone::check::check;
use waypost::zone::compile::{Tables, compile};
use waypost::zone::hosted_zone::HostedZone;
use waypost::zone::master::{self, NoFiles};

const NAMES: usize = 1_000_000;
const ZONES: usize = 10_000;

fn main() {
    // `cargo bench` hands its own arguments to every bench; the one that is ours is a number.
    let names = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(NAMES);
    println!("one zone of {names} names");
    let source = zones::one_zone(names);
    let read = step("read", || master::read(source, None, None, &mut NoFiles));
    let name = read.apex.expect("the zone has an SOA");
    let hosted = HostedZone { name, record_sets: read.record_sets, hidden: 0, groups: Default::default(), files: read.files };
    assert!(step("check", || check(&hosted)).is_empty());
    let tables = Tables { health: &|_| None, gate: &|_, _, _| None, map: &|_| None, external: &|_, _| None };
    let zone = step("compile", || compile(&hosted, &tables).expect("the zone was checked"));
    step("let the record sets go", || drop(hosted));
    drop(zone);
    println!("{ZONES} zones of ten names");
    let sources = zones::many_zones(ZONES);
    let state = step("read and check", || load_zones(sources, &mut NoFiles, 1).0.expect("the zones are valid"));
    step("compile", || build(state, &Places::default(), None).expect("the zones were checked"));
}

fn step<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let mut done = None;
    let counted = allocation_counter::measure(|| done = Some(work()));
    let mib = |octets: i64| octets as f64 / f64::from(1 << 20);
    let (count, kept, most) = (counted.count_total, mib(counted.bytes_current), mib(counted.bytes_max as i64));
    println!("  {what:<24} {count:>10} allocations, {kept:>7.1} MiB kept, {most:>7.1} MiB at most");
    done.expect("the work was done")
}
