//! Two UDP workers write no cache line in common while they answer, shown by a trace of every access to memory.
//!
//! The server runs under valgrind's lackey, with its own sockets, threads and counters, and a worker for each of two
//! addresses. They take turns: while one goes through its whole loop (answer a batch, count, send, receive), the other waits. What
//! one has stored to and the other has loaded from or stored to is a line that would travel between their cores for each
//! batch. One line is shared on purpose, and must be found. Invariant: kinds of answers are all in each batch.

use std::env;
use std::io::{BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

#[path = "cores/program.rs"]
mod program;
#[path = "support/mod.rs"]
mod support;
#[path = "cores/trace.rs"]
mod trace;

use trace::Trace;

/// Says to this binary, when it is run again, that it is the program to be traced.
const TRACED: &str = "WAYPOST_CORES_TRACED";
/// Octets that travel together: lines have 64, and processors fetch them in pairs.
const LINE: u64 = 128;

#[test]
fn workers_write_no_line_that_another_touches() {
    if env::var_os(TRACED).is_some() {
        return program::run();
    }
    if env::var_os("RUN_SLOW_TESTS").is_none() {
        return println!("not traced: that takes 20 s of two cores, and is done when RUN_SLOW_TESTS is set");
    }
    if !Path::new("/usr/bin/valgrind").exists() {
        assert!(env::var_os("CI").is_none(), "valgrind is needed (.ci/install)");
        return println!("not traced: valgrind is needed (apt-get install valgrind)");
    }
    let trace = run_traced();
    let shared = trace.shared(LINE);
    let on_purpose = trace.on_purpose.expect("the program says where its shared counter is") / LINE;
    println!("{trace}");
    let accidental: Vec<String> = shared.iter().filter(|found| found.line != on_purpose).map(ToString::to_string).collect();
    assert!(accidental.is_empty(), "{} lines are shared:\n{}", accidental.len(), accidental.join("\n"));
    assert!(shared.iter().any(|found| found.line == on_purpose), "the line that is shared on purpose was not found");
    assert!(trace.windows.iter().all(|window| window.accesses > 100_000), "too little was traced: {trace}");
}

/// Runs this test once more, as the program, under valgrind.
fn run_traced() -> Trace {
    let mut child = Command::new("valgrind")
        .args(["--tool=lackey", "--trace-mem=yes"])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "workers_write_no_line_that_another_touches", "--test-threads=1", "--nocapture"])
        .env(TRACED, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::with_capacity(1 << 20, child.stderr.take().unwrap());
    let trace = Trace::read(&mut lines);
    lines.read_to_end(&mut Vec::new()).unwrap();
    assert!(child.wait().unwrap().success(), "the traced program failed:\n{}", trace.said.join("\n"));
    trace
}
