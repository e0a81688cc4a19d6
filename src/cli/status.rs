//! `waypost status`: what a running server knows of its health checks, and what became of one of them.

use std::io::Write;

use comfy_table::Table;
use comfy_table::presets::NOTHING;

use super::client::{BaseUrl, fetch};
use super::overrides::to_the_second;
use super::{Ending, Failure};
use crate::telemetry::report::{CheckInFull, CheckReport, HealthReport, HistoryReport, PhaseReport, WindowReport};

/// Show the health checks of a running server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 when all that is shown is healthy or unknown, 1 when one is unhealthy or the server does not answer.

Examples:
  waypost status --server http://127.0.0.1:8053
  waypost status fra --server http://127.0.0.1:8053
  waypost status fra --history --json --server http://127.0.0.1:8053
  waypost status --server http://127.0.0.1:8053 --json | jq -r '.checks[] | select(.healthy | not).id'")]
pub(super) struct StatusArgs {
    /// One check in full: windows, latencies, its last changes; left out: all checks, a line each
    #[arg(value_name = "CHECK")]
    check: Option<String>,
    /// The server's `[http] listen`, as a URL
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8053")]
    server: BaseUrl,
    /// Print what the server said, as JSON
    #[arg(long)]
    json: bool,
    /// All changes of the check's status that the server keeps
    #[arg(long, requires = "check")]
    history: bool,
}

pub(super) fn run(args: &StatusArgs, out: &mut dyn Write) -> Result<Ending, Failure> {
    let are_healthy = match &args.check {
        None => show_all(args, out)?,
        Some(check) => show_one(args, check, out)?,
    };
    Ok(if are_healthy { Ending::Held } else { Ending::DidNotHold })
}

fn show_all(args: &StatusArgs, out: &mut dyn Write) -> Result<bool, Failure> {
    let health: HealthReport = fetch(args.server.at("/v1/health"))?;
    if args.json {
        super::write_json(out, &health)?;
    } else {
        writeln!(out, "{}", table_of_checks(&health.checks).trim_fmt())?;
    }
    Ok(health.checks.iter().all(|check| check.healthy))
}

fn show_one(args: &StatusArgs, check: &str, out: &mut dyn Write) -> Result<bool, Failure> {
    let path = ["v1", "checks", check];
    let full: CheckInFull = fetch(args.server.below(&path))?;
    let is_healthy = full.check.healthy;
    if args.json && !args.history {
        super::write_json(out, &full)?;
        return Ok(is_healthy);
    }
    let history: HistoryReport = fetch(args.server.below(&[&path[..], &["history"]].concat()))?;
    if args.json {
        super::write_json(out, &history)?;
    } else {
        let shown = if args.history { usize::MAX } else { CHANGES_SHOWN };
        write_in_full(out, &full, &history, shown)?;
    }
    Ok(is_healthy)
}

fn write_in_full(out: &mut dyn Write, full: &CheckInFull, history: &HistoryReport, shown: usize) -> Result<(), Failure> {
    let CheckReport { id, status, healthy, since, because, exception, last_failure, .. } = &full.check;
    writeln!(out, "{id} is {status} since {}: {because}", to_the_second(&since.to_string()))?;
    if let Some(exception) = exception {
        let counts = if *healthy { "healthy" } else { "unhealthy" };
        writeln!(out, "counts as {counts}, {}: {}", exception.kind, exception.because)?;
    }
    if let Some(last) = last_failure {
        writeln!(out, "last failure {}: {}", to_the_second(&last.at.to_string()), last.because)?;
    }
    if let Some(until) = &full.certificate_not_after {
        writeln!(out, "certificate valid until {}", to_the_second(&until.to_string()))?;
    }
    if let Some(objective) = full.objective {
        writeln!(out, "objective {objective} % healthy")?;
    }
    writeln!(out, "\n{}", table_of_windows(&full.windows).trim_fmt())?;
    if !full.windows.iter().all(|window| window.exact) {
        writeln!(out, " ~ begins amid changes of which only the day's sum is kept")?;
    }
    if !full.phases.is_empty() {
        writeln!(out, "\n{}", table_of_phases(&full.phases).trim_fmt())?;
    }
    writeln!(out, "\n{}", table_of_changes(history, shown).trim_fmt())?;
    let hidden = history.transitions.len().saturating_sub(shown);
    if hidden > 0 {
        writeln!(out, " {hidden} more with --history")?;
    }
    Ok(())
}

fn table_of_checks(checks: &[CheckReport]) -> Table {
    let mut table = headed(["CHECK", "STATUS", "SINCE", "BECAUSE", "LAST FAILURE"]);
    for CheckReport { id, status, since, because, exception, last_failure, .. } in checks {
        let mark = exception.as_ref().map_or_else(String::new, |exception| format!(" ({})", exception.kind));
        let status = format!("{status}{mark}");
        let failure = last_failure.as_ref().map(|last| format!("{} {}", to_the_second(&last.at.to_string()), last.because));
        table.add_row([id, &status, &to_the_second(&since.to_string()), because, &or_dash(failure)]);
    }
    table
}

fn table_of_windows(windows: &[WindowReport]) -> Table {
    let mut table = headed(["WITHIN", "UPTIME", "UNHEALTHY", "UNKNOWN", "FAILURES", "MTBF", "MTTR", "BUDGET LEFT"]);
    for window in windows {
        let mark = if window.exact { "" } else { " ~" };
        let uptime = window.uptime.map(|uptime| format!("{:.4} %{mark}", uptime * 100.0));
        let budget = window.budget.as_ref();
        table.add_row([
            window.window.clone(),
            or_dash(uptime),
            spoken(window.unhealthy_secs),
            spoken(window.unknown_secs),
            window.failures.to_string(),
            or_dash(window.mtbf_secs.map(spoken)),
            or_dash(window.mttr_secs.map(spoken)),
            or_dash(budget.map(|budget| format!("{} of {}", spoken(budget.left_secs), spoken(budget.allowed_secs)))),
        ]);
    }
    table
}

fn table_of_phases(phases: &[PhaseReport]) -> Table {
    let mut table = headed(["PHASE", "P50", "P95", "P99", "PROBES"]);
    for PhaseReport { phase, p50_ms, p95_ms, p99_ms, probes } in phases {
        let [p50, p95, p99] = [p50_ms, p95_ms, p99_ms].map(|ms| format!("{ms:.1} ms"));
        table.add_row([phase, &p50, &p95, &p99, &probes.to_string()]);
    }
    table
}

fn table_of_changes(history: &HistoryReport, shown: usize) -> Table {
    let mut table = headed(["CHANGED", "FROM", "TO", "BECAUSE"]);
    for change in history.transitions.iter().take(shown) {
        table.add_row([&to_the_second(&change.at.to_string()), &change.from, &change.to, &change.because]);
    }
    table
}

fn headed<const N: usize>(titles: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(titles);
    table
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".to_owned())
}

/// A length of time by its two largest units: `3 d 4 h`, `2 min 5 s`, `0.3 s`; `-` before one that is overdrawn.
fn spoken(secs: f64) -> String {
    let sign = if secs < 0.0 { "-" } else { "" };
    let whole = secs.abs() as u64;
    let (days, hours, minutes, seconds) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60, whole % 60);
    let text = match (days, hours, minutes, seconds) {
        (0, 0, 0, 0..10) => format!("{:.1} s", secs.abs()),
        (0, 0, 0, seconds) => format!("{seconds} s"),
        (0, 0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (0, hours, minutes, _) => format!("{hours} h {minutes} min"),
        (days, hours, ..) => format!("{days} d {hours} h"),
    };
    format!("{sign}{text}")
}

/// The last changes that are shown where not all are asked for.
const CHANGES_SHOWN: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_told_by_their_largest_units() {
        for (secs, expected) in [
            (0.0, "0.0 s"),
            (0.25, "0.2 s"),
            (59.9, "59 s"),
            (125.0, "2 min 5 s"),
            (7_500.0, "2 h 5 min"),
            (273_600.0, "3 d 4 h"),
            (-125.0, "-2 min 5 s"),
        ] {
            assert_eq!(spoken(secs), expected);
        }
    }
}
