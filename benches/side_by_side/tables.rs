//! Measurements as tables of markdown, ready for docs/performance.md.

use std::fmt::Write as _;

use crate::arguments::Arguments;
use crate::compare::{Paced, Results, Sample};
use crate::running::{Loaded, Meanwhile};
use crate::stats::{Spread, share};

/// One row a server; ratios are medians of those of each round.
pub fn throughput(results: &[Results], arguments: &Arguments) -> String {
    let with_loads = results.iter().any(|results| results.loads.len() > 1);
    let mut table = String::from("| server | 1,000 queries/s | of the echo | waypost is | CPU µs a query | of it user | lost |");
    table.push_str(if with_loads { " loaded in s | CPU s of it | MiB |\n" } else { "\n" });
    table.push_str(&"|---".repeat(if with_loads { 10 } else { 7 }));
    table.push_str("|\n");
    for server in results {
        let rates = Spread::of(server.samples.iter().map(|sample| sample.tally.per_second()));
        let cpu = Spread::of(server.samples.iter().map(cpu_micros));
        let lost: u64 = server.samples.iter().map(|sample| sample.tally.lost).sum();
        let cells = [
            server.name.to_owned(),
            shown(rates, Spread::show_thousands),
            ratio(server, results, "echo").unwrap_or_default(),
            results
                .iter()
                .find(|other| other.name == "waypost")
                .and_then(|waypost| ratio_of(waypost, server))
                .unwrap_or_default(),
            shown(cpu, |spread| spread.show(2)),
            user(&server.samples),
            lost.to_string(),
        ];
        write!(table, "| {} |", cells.join(" | ")).expect("a string takes everything");
        if with_loads {
            let of = |number: fn(&Loaded) -> f64, digits| shown(Spread::of(server.loads.iter().map(number)), |s| s.show(digits));
            let cells = [
                of(|loaded| loaded.within.as_secs_f64(), 2),
                of(|loaded| loaded.cpu.as_secs_f64(), 2),
                of(|loaded| (loaded.memory_kib >> 10) as f64, 0),
            ];
            write!(table, " {} |", cells.join(" | ")).expect("a string takes everything");
        }
        table.push('\n');
    }
    table + &busy(results, arguments)
}

/// How busy the machine was with other things, and how often too busy.
fn busy(results: &[Results], arguments: &Arguments) -> String {
    let samples: Vec<&Sample> = results.iter().flat_map(|results| &results.samples).collect();
    let between = shown(Spread::of(samples.iter().map(|sample| sample.between_cores.as_secs_f64() * 1e9)), |s| s.show(0));
    let noisy = samples.iter().filter(|sample| sample.noisy).count();
    format!(
        "{} A cache line took {between} ns from one to the other. {noisy} of {} runs of {} s had more than {:.0} % of a core \
         taken, twice in a row.\n",
        taken(samples.iter().map(|sample| &sample.meanwhile)),
        samples.len(),
        arguments.secs,
        arguments.foreign_at_most * 100.0
    )
}

/// How much of the two cores others had, and the servers of theirs.
fn taken<'m>(meanwhile: impl Iterator<Item = &'m Meanwhile> + Clone) -> String {
    let percent = |of: fn(&Meanwhile) -> f64| shown(Spread::of(meanwhile.clone().map(|each| of(each) * 100.0)), |s| s.show(0));
    format!(
        "\nOthers had {} % of the servers' core and {} % of the generator's; each server had {} % of its.",
        percent(|each| each.foreign[0]),
        percent(|each| each.foreign[1]),
        percent(|each| each.busy)
    )
}

fn cpu_micros(sample: &Sample) -> f64 {
    sample.meanwhile.server.ran.as_secs_f64() * 1e6 / sample.tally.answered as f64
}

/// User time a query of all rounds together, with its standard error.
fn user(samples: &[Sample]) -> String {
    let sum = |ticks: fn(&Sample) -> u64| samples.iter().map(ticks).sum::<u64>();
    let (user, system) = (sum(|sample| sample.meanwhile.server.user_ticks), sum(|sample| sample.meanwhile.server.system_ticks));
    let (share, error) = share(user, system);
    let ran: f64 = samples.iter().map(|sample| sample.meanwhile.server.ran.as_secs_f64()).sum();
    let micros = ran * 1e6 / sum(|sample| sample.tally.answered) as f64;
    format!("{:.2} ± {:.2}", share * micros, error * micros)
}

fn ratio(server: &Results, results: &[Results], to: &str) -> Option<String> {
    results.iter().find(|other| other.name == to).and_then(|other| ratio_of(server, other))
}

/// How many times the other's rate the one's is, round by round.
fn ratio_of(server: &Results, other: &Results) -> Option<String> {
    let rounds = server.samples.iter().zip(&other.samples);
    Spread::of(rounds.map(|(one, other)| one.tally.per_second() / other.tally.per_second())).map(|spread| spread.show(2))
}

/// One row a server, medians of all rounds.
pub fn latency(results: &[(&str, Vec<Paced>)]) -> String {
    let mut table =
        String::from("| server | p50 µs | p90 µs | p99 µs | p99.9 µs | CPU µs a query | lost |\n|---|---|---|---|---|---|---|\n");
    for (name, rounds) in results {
        let percentiles =
            [0, 1, 2, 3].map(|at| shown(Spread::of(rounds.iter().map(|round| round.percentiles[at])), |s| s.show(0)));
        let cpu = shown(Spread::of(rounds.iter().map(|round| round.cpu)), |spread| spread.show(1));
        let lost: u64 = rounds.iter().map(|round| round.lost).sum();
        writeln!(table, "| {name} | {} | {cpu} | {lost} |", percentiles.join(" | ")).expect("a string takes everything");
    }
    table + &taken(results.iter().flat_map(|(_, rounds)| rounds).map(|round| &round.meanwhile)) + "\n"
}

/// One row a server: what our generator gets from it, and what dnsperf does.
pub fn cross_check(results: &[(&str, Vec<[f64; 2]>)]) -> String {
    let mut table = String::from("| server | 1,000 queries/s | with dnsperf |\n|---|---|---|\n");
    for (name, rounds) in results {
        let [ours, theirs] = [0, 1].map(|at| shown(Spread::of(rounds.iter().map(|round| round[at])), Spread::show_thousands));
        writeln!(table, "| {name} | {ours} | {theirs} |").expect("a string takes everything");
    }
    table
}

fn shown(spread: Option<Spread>, show: impl FnOnce(Spread) -> String) -> String {
    spread.map(show).unwrap_or_default()
}
