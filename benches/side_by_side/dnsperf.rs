//! The same servers under Debian's dnsperf: another's generator beside ours, to check ours by.
//!
//! It needs more time a query than the fastest servers, and then measures itself: what it says of those is the least that
//! they can do. Its answers are not checked. Source: dnsperf(1).

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::arguments::Arguments;
use crate::machine;
use crate::questions::{Chance, HEADER_LEN, Questions, scaled};
use crate::running::{Case, Running};

pub const PROGRAM: &str = "/usr/bin/dnsperf";
pub const PACKAGE: &str = "dnsperf";

/// Queries a second that it gets from a server, with so many in flight as ours has.
///
/// # Errors
/// When it can't be run, or says something else.
pub fn run(server: &Running, case: &Case<'_>, arguments: &Arguments) -> Result<f64, String> {
    let names = case.folder.join("dnsperf.names");
    write_names(&case.content.questions(), &names).map_err(|error| format!("{}: {error}", names.display()))?;
    let secs = (arguments.secs.ceil() as u64).to_string();
    let (window, port) = (arguments.window.to_string(), server.address.port().to_string());
    let mut command = Command::new(PROGRAM);
    command.args(["-s", "127.0.0.1", "-p", &port, "-l", &secs, "-q", &window, "-c", "1", "-T", "1", "-d"]).arg(&names);
    let core = case.pinned.then_some(machine::GENERATOR);
    let output = machine::on_core(core, || command.output()).map_err(|error| format!("{command:?}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    per_second(&said).ok_or_else(|| format!("{command:?}: it says nothing of queries per second: {said}"))
}

/// The rate that its report ends with.
pub fn per_second(report: &str) -> Option<f64> {
    report.lines().find_map(|line| line.trim().strip_prefix("Queries per second:"))?.trim().parse().ok()
}

/// As many names as are asked for, or enough of them, in random order.
fn write_names(questions: &Questions, file: &Path) -> std::io::Result<()> {
    let mut chance = Chance(1);
    let lines = (0..NAMES).map(|_| {
        let mut octets = [0; 512];
        questions.put(scaled(chance.next() as u32, questions.count), 0, &mut octets);
        format!("{} A\n", name(&octets))
    });
    fs::write(file, lines.collect::<String>())
}

/// The name that a query asks for.
fn name(query: &[u8]) -> String {
    let (mut text, mut at) = (String::new(), HEADER_LEN);
    while query[at] != 0 {
        let end = at + 1 + usize::from(query[at]);
        text.push_str(&String::from_utf8_lossy(&query[at + 1..end]));
        text.push('.');
        at = end;
    }
    text
}

const NAMES: u32 = 100_000;
