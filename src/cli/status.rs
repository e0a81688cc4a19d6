//! `waypost status`: what a running server knows of its health checks.

use std::io::Write;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde::{Deserialize, Serialize};

use super::client::{BaseUrl, fetch};
use super::overrides::to_the_second;
use super::{Ending, Failure};
use crate::explain::VerdictReport;

/// Show the health checks of a running server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 when all are healthy or unknown, 1 when one is unhealthy or the server does not answer.

Examples:
  waypost status --server http://127.0.0.1:8053
  waypost status --server http://127.0.0.1:8053 --json | jq -r '.checks[] | select(.healthy | not).id'")]
pub(super) struct StatusArgs {
    /// The server's `[http] listen`, as a URL
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8053")]
    server: BaseUrl,
    /// Print what the server said, as JSON
    #[arg(long)]
    json: bool,
}

/// `GET /v1/health`
#[derive(Debug, Serialize, Deserialize)]
struct Health {
    generation: u64,
    checks: Vec<CheckReport>,
}

#[derive(Debug, Serialize, Deserialize)]
struct CheckReport {
    #[serde(flatten)]
    verdict: VerdictReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failure: Option<LastFailure>,
}

/// The last probe that failed.
#[derive(Debug, Serialize, Deserialize)]
struct LastFailure {
    at: String,
    because: String,
}

pub(super) fn run(args: &StatusArgs, out: &mut dyn Write) -> Result<Ending, Failure> {
    let health: Health = fetch(args.server.page("/v1/health", &[]))?;
    if args.json {
        super::write_json(out, &health)?;
    } else {
        writeln!(out, "{}", table(&health).trim_fmt())?;
    }
    let all_healthy = health.checks.iter().all(|check| check.verdict.healthy);
    Ok(if all_healthy { Ending::Held } else { Ending::DidNotHold })
}

fn table(health: &Health) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["CHECK", "STATUS", "SINCE", "BECAUSE", "LAST FAILURE"]);
    for CheckReport { verdict, last_failure } in &health.checks {
        let failure = last_failure.as_ref();
        let failure = failure.map_or_else(|| "-".to_owned(), |last| format!("{} {}", to_the_second(&last.at), last.because));
        table.add_row([&verdict.id, &verdict.status, &to_the_second(&verdict.since), &verdict.because, &failure]);
    }
    table
}
