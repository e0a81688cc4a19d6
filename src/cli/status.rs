//! `waypost status`: what a running server knows of its health checks.

use std::io::Write;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde::{Deserialize, Serialize};

use super::client::{BaseUrl, fetch};
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
    checks: Vec<VerdictReport>,
}

pub(super) fn run(args: &StatusArgs, out: &mut dyn Write) -> Result<Ending, Failure> {
    let health: Health = fetch(args.server.page("/v1/health", &[]))?;
    if args.json {
        super::write_json(out, &health)?;
    } else {
        writeln!(out, "{}", table(&health).trim_fmt())?;
    }
    let all_healthy = health.checks.iter().all(|check| check.healthy);
    Ok(if all_healthy { Ending::Held } else { Ending::DidNotHold })
}

fn table(health: &Health) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["CHECK", "STATUS", "SINCE", "BECAUSE"]);
    for check in &health.checks {
        let since = check.since.parse().map_or_else(|_| check.since.clone(), |at: jiff::Timestamp| format!("{at:.0}"));
        table.add_row([&check.id, &check.status, &since, &check.because]);
    }
    table
}
