//! How many instructions a query takes that is made to take many, counted by callgrind, beside a plain one and a name that does
//! not exist.
//!
//! Needs valgrind and `gungraun-runner` of the version in `Cargo.lock`. Each bench answers [`TIMES`] times, so divide.

#[path = "hostile/queries.rs"]
mod hostile;
#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group, main};
use hostile::HOSTILE;
use waypost::snapshot::Snapshot;

/// Answers a bench.
const TIMES: u64 = 100;

fn prepare(kind: &str) -> (Snapshot, Vec<u8>, Vec<u8>) {
    let (_, make) = HOSTILE.iter().find(|(name, _)| *name == kind).expect("a kind of the table");
    (hostile::zone(), make(), vec![0; 4_096])
}

#[library_benchmark(setup = prepare)]
#[bench::plain("plain")]
#[bench::missing("missing")]
#[bench::missing_of_123_labels("missing_of_123_labels")]
#[bench::missing_of_255_octets("missing_of_255_octets")]
#[bench::wildcard_of_121_labels("wildcard_of_121_labels")]
#[bench::options("options")]
#[bench::cookies("cookies")]
#[bench::records("records")]
#[bench::owners("owners")]
#[bench::questions("questions")]
#[bench::signature("signature")]
fn answer((snapshot, message, mut out): (Snapshot, Vec<u8>, Vec<u8>)) -> (Snapshot, Vec<u8>, Vec<u8>) {
    for _ in 0..TIMES {
        black_box(hostile::answer(&snapshot, black_box(&message), &mut out));
    }
    (snapshot, message, out)
}

library_benchmark_group!(name = answers; benchmarks = answer);
main!(library_benchmark_groups = answers);
