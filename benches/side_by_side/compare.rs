//! Servers in turn, some rounds of it, and what that says: one case, from its zones to its table.
//!
//! Every round loads every server once, in the same order; ratios are taken within a round, so that a machine that changes
//! between rounds changes no ratio. Invariant: a table says how busy the machine was while it was measured.

use std::time::Duration;

use crate::arguments::Arguments;
use crate::closed_loop::Tally;
use crate::dnsperf;
use crate::machine;
use crate::paced;
use crate::peers::Peer;
use crate::running::{Case, Loaded, Meanwhile, Running};
use crate::tables;

/// What one server did in one round.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub tally: Tally,
    pub meanwhile: Meanwhile,
    /// From one core to the other, before it.
    pub between_cores: Duration,
    /// Whether others had too much of a core, also when it was tried again.
    pub noisy: bool,
}

/// One server and its rounds.
pub struct Results {
    pub name: &'static str,
    pub samples: Vec<Sample>,
    pub loads: Vec<Loaded>,
}

/// What one server did in one round at a pace.
#[derive(Clone, Copy, Debug)]
pub struct Paced {
    /// 50, 90, 99 and 99.9 of a hundred, in µs.
    pub percentiles: [f64; 4],
    pub lost: u64,
    /// CPU time a query in µs.
    pub cpu: f64,
    pub meanwhile: Meanwhile,
}

/// Throughput of each server: the table, as markdown.
///
/// # Errors
/// When a server does not start, or answers wrong.
pub fn throughput(peers: &[&Peer], case: &Case<'_>, arguments: &Arguments, loads: usize) -> Result<String, String> {
    let (servers, mut results) = start(peers, case, loads)?;
    let questions = case.content.questions();
    for server in &servers {
        // Warms caches up, and finds wrong answers early.
        server.closed_loop(&questions, arguments.window, 0)?.run(WARM_UP).map_err(|error| format!("{}: {error}", server.name))?;
    }
    for round in 0..arguments.rounds {
        for (server, results) in servers.iter().zip(&mut results) {
            let mut sample = one(server, case, arguments, round)?;
            if sample.noisy {
                sample = one(server, case, arguments, round)?;
            }
            let rate = sample.tally.per_second();
            eprintln!("  round {round}: {:<8} {rate:>8.0}/s{}", server.name, if sample.noisy { ", noisy" } else { "" });
            results.samples.push(sample);
        }
    }
    Ok(tables::throughput(&results, arguments))
}

/// Starts all of them, each as often as its loading is to be measured; the last of them stay.
fn start(peers: &[&Peer], case: &Case<'_>, loads: usize) -> Result<(Vec<Running>, Vec<Results>), String> {
    let (mut servers, mut results) = (Vec::new(), Vec::<Results>::new());
    for load in 0..loads {
        servers.clear();
        for peer in peers {
            let Some(server) = Running::start(peer, case)? else { continue };
            let (name, loaded) = (server.name, server.loaded);
            eprintln!("  {name} answers after {:.3} s, {} MiB", loaded.within.as_secs_f64(), loaded.memory_kib >> 10);
            match results.iter_mut().find(|results| results.name == name) {
                Some(results) => results.loads.push(loaded),
                None => results.push(Results { name, samples: Vec::new(), loads: vec![loaded] }),
            }
            // Loading is measured alone, all others stopped.
            if load + 1 == loads {
                servers.push(server);
            }
        }
    }
    Ok((servers, results))
}

fn one(server: &Running, case: &Case<'_>, arguments: &Arguments, round: usize) -> Result<Sample, String> {
    let questions = case.content.questions();
    let mut generator = server.closed_loop(&questions, arguments.window, round as u64 + 1)?;
    let between_cores = if case.pinned { machine::between_cores() } else { Duration::ZERO };
    let (tally, meanwhile) = server.measure(case.pinned, || generator.run(arguments.duration()))?;
    let noisy = meanwhile.foreign.iter().any(|share| *share > arguments.foreign_at_most);
    Ok(Sample { tally, meanwhile, between_cores, noisy })
}

/// Latency of each server at a pace: the table, as markdown.
///
/// # Errors
/// When a server does not start, or answers wrong.
pub fn latency(peers: &[&Peer], case: &Case<'_>, arguments: &Arguments, rate: f64) -> Result<String, String> {
    let (servers, _) = start(peers, case, 1)?;
    let questions = case.content.questions();
    let mut results: Vec<(&str, Vec<Paced>)> = servers.iter().map(|server| (server.name, Vec::new())).collect();
    for round in 0..arguments.rounds {
        for (server, (_, rounds)) in servers.iter().zip(&mut results) {
            let seed = round as u64 + 1;
            let load = || paced::run(server.address, &questions, server.answerer, rate, arguments.duration(), seed);
            let (latencies, meanwhile) = server.measure(case.pinned, load)?;
            let percentiles = [5_000, 9_000, 9_900, 9_990].map(|part| latencies.percentile(part).unwrap_or(f64::NAN));
            let cpu = meanwhile.server.ran.as_secs_f64() * 1e6 / latencies.answered() as f64;
            eprintln!("  round {round}: {:<8} p50 {:.0} µs, p99 {:.0} µs", server.name, percentiles[0], percentiles[2]);
            rounds.push(Paced { percentiles, lost: latencies.lost, cpu, meanwhile });
        }
    }
    Ok(tables::latency(&results))
}

/// Throughput as dnsperf has it, beside ours: the table, as markdown.
///
/// # Errors
/// When a server does not start or answers wrong, or dnsperf can't be run.
pub fn cross_check(peers: &[&Peer], case: &Case<'_>, arguments: &Arguments) -> Result<String, String> {
    let (servers, _) = start(peers, case, 1)?;
    let mut results: Vec<(&str, Vec<[f64; 2]>)> = servers.iter().map(|server| (server.name, Vec::new())).collect();
    for round in 0..arguments.rounds {
        for (server, (name, rounds)) in servers.iter().zip(&mut results) {
            let ours = one(server, case, arguments, round)?.tally.per_second();
            let theirs = dnsperf::run(server, case, arguments)?;
            eprintln!("  round {round}: {name:<8} {ours:>8.0}/s, dnsperf {theirs:>8.0}/s");
            rounds.push([ours, theirs]);
        }
    }
    Ok(tables::cross_check(&results))
}

const WARM_UP: Duration = Duration::from_millis(300);
