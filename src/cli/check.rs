//! `waypost check`: everything that is wrong with the files, and what they promise when nothing is.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use super::problems::{ProblemReport, count, counted};
use super::{ConfigFile, Ending, Failure, read_files, warn, write_json};
use crate::control::build::Built;
use crate::control::expand::expand;
use crate::control::failover_time::{FailoverTime, failover_times};
use crate::files::Loaded;
use crate::problem::Problems;
use crate::zone::hosted_zone::HostedZone;
use crate::zone::record_set::Content;
use crate::zone::tree::Zone;

/// Report every problem of the configuration and its zones
///
/// Reads what `serve` would read and binds nothing. When all is well, says how long each routed name takes to fail over:
/// the time until its slowest health check has turned, and the time until caches have let go of the old answer.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 when `serve` would accept the files (warnings allowed), else 2.

Examples:
  waypost check                         ./waypost.toml
  waypost check -c /etc/waypost.toml    another one
  waypost check --expand                the zones as Route 53's record sets
  waypost check --json                  for scripts and CI")]
pub(super) struct CheckArgs {
    #[command(flatten)]
    config: ConfigFile,
    /// Print each zone without sugar: [[record]] and [check] tables only
    #[arg(long)]
    expand: bool,
    /// Print problems, zones and times as JSON
    #[arg(long)]
    json: bool,
}

/// All that `check` finds, for scripts.
#[derive(Debug, Serialize)]
struct CheckReport<'l> {
    /// `serve` would accept the files.
    accepted: bool,
    problems: Vec<ProblemReport<'l>>,
    zones: Vec<ZoneReport>,
    failover_times: Vec<TimeReport>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    expanded: Vec<ExpandedReport>,
}

#[derive(Debug, Serialize)]
struct ZoneReport {
    zone: String,
    /// Records in all record sets.
    records: usize,
    record_sets: usize,
    /// Record groups in which something is chosen.
    groups: usize,
    serial: u32,
    files: Vec<String>,
}

#[derive(Debug, Serialize)]
struct TimeReport {
    name: String,
    types: Vec<String>,
    policy: &'static str,
    detect_ms: u128,
    cache_ms: u128,
    total_ms: u128,
}

#[derive(Debug, Serialize)]
struct ExpandedReport {
    zone: String,
    text: String,
}

pub(super) fn run(args: &CheckArgs, out: &mut dyn Write) -> Result<Ending, Failure> {
    match read_files(&args.config) {
        Ok(loaded) if args.json => write_json(out, &CheckReport::of(&loaded, args.expand)).map(|()| Ending::Held),
        Ok(loaded) if args.expand => print_expanded(&loaded, out),
        Ok(loaded) => print(&loaded, &args.config.config, out),
        Err(problems) if args.json => {
            write_json(out, &CheckReport::of_problems(&problems))?;
            Ok(Ending::BadInput)
        }
        Err(problems) => Err(Failure::BadInput(problems)),
    }
}

fn print_expanded(loaded: &Loaded, out: &mut dyn Write) -> Result<Ending, Failure> {
    warn(&loaded.warnings);
    for (at, expanded) in expand(&loaded.built.state).iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        write!(out, "# {}\n{}", expanded.zone, expanded.text)?;
    }
    Ok(Ending::Held)
}

fn print(loaded: &Loaded, config: &Path, out: &mut dyn Write) -> Result<Ending, Failure> {
    warn(&loaded.warnings);
    for zone in zones(&loaded.built) {
        let (records, groups) = (counted(zone.records, "record"), counted(zone.groups, "record group"));
        writeln!(out, "zone {}  {records}, {groups}, serial {}", zone.zone, zone.serial)?;
    }
    writeln!(out, "{}", counted(loaded.built.state.checks.len(), "health check"))?;
    let times = failover_times(&loaded.built.state);
    if !times.is_empty() {
        writeln!(out, "\n{}\n", time_table(&times))?;
        writeln!(out, "At most: an endpoint that hangs right after a probe, resolvers that keep answers for their TTL.")?;
    }
    writeln!(out, "\n{}: {}", config.display(), count(&loaded.warnings))?;
    Ok(Ending::Held)
}

fn time_table(times: &[FailoverTime]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["NAME", "TYPES", "POLICY", "DETECT", "+ CACHES", "= FAIL OVER"]);
    for time in times {
        let types = time.rtypes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let [detect, cache, total] = [time.detect, time.cache, time.total()].map(seconds);
        table.add_row([time.name.to_string(), types, time.policy.to_owned(), detect, cache, total]);
    }
    table.column_iter_mut().skip(3).for_each(|column| {
        column.set_cell_alignment(CellAlignment::Right);
    });
    table.trim_fmt()
}

/// `42 s`, `0.9 s`
fn seconds(duration: Duration) -> String {
    match duration.subsec_millis() {
        0 => format!("{} s", duration.as_secs()),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}

fn zones(built: &Built) -> impl Iterator<Item = ZoneReport> {
    built.state.zones.iter().zip(built.catalog.zones()).map(|(hosted, zone)| ZoneReport::of(hosted, zone))
}

impl ZoneReport {
    fn of(hosted: &HostedZone, zone: &Zone) -> Self {
        Self {
            zone: hosted.name.to_string(),
            records: hosted.record_sets.iter().map(|set| values(&set.content)).sum(),
            record_sets: hosted.record_sets.len(),
            groups: zone.groups().len(),
            serial: zone.soa().serial,
            files: hosted.files.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Records of a record set of its own; an alias has none.
fn values(content: &Content) -> usize {
    match content {
        Content::Values { rdata, .. } => rdata.len(),
        Content::Alias(_) => 0,
    }
}

impl<'l> CheckReport<'l> {
    fn of(loaded: &'l Loaded, with_expanded: bool) -> Self {
        let state = &loaded.built.state;
        let expanded = if with_expanded { expand(state) } else { Vec::new() };
        Self {
            accepted: true,
            problems: loaded.warnings.iter().map(ProblemReport::from).collect(),
            zones: zones(&loaded.built).collect(),
            failover_times: failover_times(state).iter().map(TimeReport::of).collect(),
            expanded: expanded
                .into_iter()
                .map(|expanded| ExpandedReport { zone: expanded.zone.to_string(), text: expanded.text })
                .collect(),
        }
    }

    fn of_problems(problems: &'l Problems) -> Self {
        let problems = problems.iter().map(ProblemReport::from).collect();
        Self { accepted: false, problems, zones: Vec::new(), failover_times: Vec::new(), expanded: Vec::new() }
    }
}

impl TimeReport {
    fn of(time: &FailoverTime) -> Self {
        Self {
            name: time.name.to_string(),
            types: time.rtypes.iter().map(ToString::to_string).collect(),
            policy: time.policy,
            detect_ms: time.detect.as_millis(),
            cache_ms: time.cache.as_millis(),
            total_ms: time.total().as_millis(),
        }
    }
}
