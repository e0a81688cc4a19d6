//! `waypost check`: everything that is wrong with the files, and what they promise when nothing is.

mod mermaid;
mod nodes;
mod svg;
mod tree;
mod tree_report;

use std::io::Write;
use std::path::Path;

use clap::ValueEnum;
use serde::Serialize;

use self::nodes::Node;
use self::tree_report::TreeReport;
use super::problems::{ProblemReport, count, counted};
use super::{ConfigFile, Ending, Failure, read_files, warn, write_json};
use crate::control::branches::trees;
use crate::control::build::Built;
use crate::control::expand::expand;
use crate::control::failover_time::{FailoverTime, RETRY_HINTED, SlowChecks, failover_times, slow_checks};
use crate::files::Loaded;
use crate::problem::Problems;
use crate::zone::hosted_zone::HostedZone;
use crate::zone::record_set::Content;
use crate::zone::tree::Zone;

/// Report every problem of the configuration and its zones
///
/// Reads what `serve` would read and binds nothing. When all is well, prints the tree of each routed name, and for
/// each branch how long it takes to fail over: the time until its slowest health check has turned, and the time until
/// caches have let go of the old answer.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 when `serve` would accept the files (warnings allowed), else 2.

Examples:
  waypost check                         ./waypost.toml
  waypost check -c /etc/waypost.toml    another one
  waypost check --graph svg             the trees as a picture
  waypost check --expand                the zones as Route 53's record sets
  waypost check --json                  for scripts and CI")]
pub(super) struct CheckArgs {
    #[command(flatten)]
    config: ConfigFile,
    /// Print each zone without sugar: [[record]] and [check] tables only
    #[arg(long)]
    expand: bool,
    /// Print the trees alone, as a drawing
    #[arg(long, value_name = "FORMAT", conflicts_with_all = ["expand", "json"])]
    graph: Option<Graph>,
    /// Print problems, zones, trees and times as JSON
    #[arg(long)]
    json: bool,
}

/// What draws the trees.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Graph {
    /// A flowchart for Markdown pages
    Mermaid,
    /// A picture
    Svg,
}

/// All that `check` finds, for scripts.
#[derive(Debug, Serialize)]
struct CheckReport<'l> {
    /// `serve` would accept the files.
    accepted: bool,
    problems: Vec<ProblemReport<'l>>,
    zones: Vec<ZoneReport>,
    trees: Vec<TreeReport>,
    failover_times: Vec<TimeReport>,
    /// What could be better, and is nothing wrong.
    hints: Vec<String>,
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
        Ok(loaded) if let Some(graph) = args.graph => print_graph(&loaded, graph, out),
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

fn print_graph(loaded: &Loaded, graph: Graph, out: &mut dyn Write) -> Result<Ending, Failure> {
    warn(&loaded.warnings);
    let nodes: Vec<Node> = trees(&loaded.built.state).iter().map(Node::of_tree).collect();
    let text = match graph {
        Graph::Mermaid => mermaid::draw(&nodes),
        Graph::Svg => svg::draw(&nodes),
    };
    out.write_all(text.as_bytes())?;
    Ok(Ending::Held)
}

fn print(loaded: &Loaded, config: &Path, out: &mut dyn Write) -> Result<Ending, Failure> {
    warn(&loaded.warnings);
    for zone in zones(&loaded.built) {
        let (records, groups) = (counted(zone.records, "record"), counted(zone.groups, "record group"));
        writeln!(out, "zone {}  {records}, {groups}, serial {}", zone.zone, zone.serial)?;
    }
    writeln!(out, "{}", counted(loaded.built.state.checks.len(), "health check"))?;
    let trees = trees(&loaded.built.state);
    if !trees.is_empty() {
        writeln!(out, "\n{}\n", tree::draw(&trees))?;
        writeln!(out, "At most: an endpoint that hangs right after a probe, resolvers that keep answers for their TTL.")?;
    }
    for slow in slow_checks(&loaded.built.state) {
        writeln!(out, "\nhint: {}", hint(&slow))?;
    }
    writeln!(out, "\n{}: {}", config.display(), count(&loaded.warnings))?;
    Ok(Ending::Held)
}

/// What would make these checks notice a failure sooner.
fn hint(slow: &SlowChecks) -> String {
    let (first, others) = slow.checks.split_first().expect("slow checks are listed because there is one");
    let whose = match others.len() {
        0 => first.to_string(),
        others => format!("{first} and {}", counted(others, "other check")),
    };
    let [now, then] = [slow.detect, slow.with_retry].map(tree::seconds);
    format!("{whose}: a failure is noticed within {now}; with retry = \"{RETRY_HINTED}\" it would be within {then}")
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
            groups: zone.groups().count(),
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
            trees: trees(state).iter().map(TreeReport::of).collect(),
            failover_times: failover_times(state).iter().map(TimeReport::of).collect(),
            hints: slow_checks(state).iter().map(hint).collect(),
            expanded: expanded
                .into_iter()
                .map(|expanded| ExpandedReport { zone: expanded.zone.to_string(), text: expanded.text })
                .collect(),
        }
    }

    fn of_problems(problems: &'l Problems) -> Self {
        let problems = problems.iter().map(ProblemReport::from).collect();
        Self {
            accepted: false,
            problems,
            zones: Vec::new(),
            trees: Vec::new(),
            failover_times: Vec::new(),
            hints: Vec::new(),
            expanded: Vec::new(),
        }
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
