//! `waypost override`: what operators decide in the place of the checks of a running server.
//!
//! Decides nothing: the server keeps, applies and logs. What it says against a request is bad input where the request is
//! wrong, and a failure where it may not be done now or not by this caller.

use std::io::Write;

use clap::{Args, Subcommand};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::client::{Author, Remote};
use super::{Ending, Failure, write_json};
use crate::health::overrides::{Action, Pattern};

/// Decide in the place of the checks of a running server: force up or down, drain, freeze
///
/// Each override has a reason, an author and an end. Where several match, the last one made decides. What the checks see
/// goes on being probed and shown beside it.
#[derive(Debug, Args)]
#[command(after_help = "\
TARGET is check:NAME, endpoint:NAME, region:NAME or route:NAME; in NAME, * stands for any characters, ? for one, [a-c]
for one of several.

Exit status: 0 done, 1 the server does not answer or refuses, 2 bad input.

Examples:
  waypost override down endpoint:fra --reason 'moving racks' --for 30m
  waypost override drain region:aws:eu-* --reason 'INC-4711' --until 2030-03-01T10:00:00Z
  waypost override up check:iad --reason 'the check is wrong, the site works' --forever
  waypost override list
  waypost override remove 1 --reason 'back in service'
  waypost override log")]
pub(super) struct OverrideArgs {
    #[command(subcommand)]
    command: OverrideCommand,
}

#[derive(Debug, Subcommand)]
enum OverrideCommand {
    /// Count what matches as healthy, whatever its checks see
    Up(MakeArgs),
    /// Count what matches as unhealthy, whatever its checks see
    Down(MakeArgs),
    /// Answer with what matches only where nothing else is left
    Drain(MakeArgs),
    /// Leave what matches as it is now, whatever its checks see from now on
    Freeze(MakeArgs),
    /// List the overrides, in the order in which they were made
    List(ListArgs),
    /// Remove an override before its time
    Remove(RemoveArgs),
    /// Show the audit log: who did what, and why, the newest first
    Log(LogArgs),
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("end").required(true))]
struct MakeArgs {
    /// What it is for: check:NAME, endpoint:NAME, region:NAME or route:NAME
    #[arg(value_name = "TARGET")]
    target: Pattern,
    /// Why, for the audit log and for whoever looks at the status
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// How long it holds, such as 30m or 24h
    #[arg(long = "for", value_name = "DURATION", group = "end")]
    lasts: Option<String>,
    /// Until when it holds, such as 2030-03-01T10:00:00Z
    #[arg(long, value_name = "TIME", group = "end")]
    until: Option<String>,
    /// It holds until it is removed
    #[arg(long, group = "end")]
    forever: bool,
    #[command(flatten)]
    author: Author,
    #[command(flatten)]
    remote: Remote,
    /// Print the override as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    remote: Remote,
    /// Print what the server said, as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct RemoveArgs {
    /// The override's number, as `waypost override list` shows it
    #[arg(value_name = "ID")]
    id: u64,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    author: Author,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, Args)]
struct LogArgs {
    /// How many entries, 1 to 10000
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    remote: Remote,
    /// Print what the server said, as JSON
    #[arg(long)]
    json: bool,
}

/// An override as the server shows it.
#[derive(Debug, Serialize, Deserialize)]
struct Shown {
    id: u64,
    action: String,
    target: String,
    reason: String,
    author: String,
    made_at: String,
    expires_at: Option<String>,
    /// Which checks it decides for, and how many; none for what is no check's business.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checks: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checks_total: Option<usize>,
}

/// `GET /v1/overrides`
#[derive(Debug, Serialize, Deserialize)]
struct List {
    overrides: Vec<Shown>,
}

/// `GET /v1/audit`
#[derive(Debug, Serialize, Deserialize)]
struct AuditLog {
    entries: Vec<AuditEntry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct AuditEntry {
    at: String,
    author: String,
    action: String,
    target: String,
    reason: String,
    detail: String,
}

pub(super) fn run(args: &OverrideArgs, out: &mut dyn Write) -> Result<Ending, Failure> {
    match &args.command {
        OverrideCommand::Up(args) => make(Action::Up, args, out),
        OverrideCommand::Down(args) => make(Action::Down, args, out),
        OverrideCommand::Drain(args) => make(Action::Drain, args, out),
        OverrideCommand::Freeze(args) => make(Action::Freeze, args, out),
        OverrideCommand::List(args) => list(args, out),
        OverrideCommand::Remove(args) => remove(args, out),
        OverrideCommand::Log(args) => log(args, out),
    }?;
    Ok(Ending::Held)
}

fn make(action: Action, args: &MakeArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let mut wanted = json!({
        "action": action.as_str(),
        "target": args.target.to_string(),
        "reason": args.reason,
        "author": args.author.name(),
        "forever": args.forever,
    });
    for (key, said) in [("expires_in", &args.lasts), ("expires_at", &args.until)] {
        if let Some(said) = said {
            wanted[key] = said.as_str().into();
        }
    }
    let made: Shown = args.remote.ask(Method::POST, args.remote.at(&["v1", "overrides"]), Some(&wanted))?;
    if args.json {
        return write_json(out, &made);
    }
    let end = made.expires_at.as_ref().map_or_else(|| "for ever".to_owned(), |end| format!("until {}", to_the_second(end)));
    writeln!(out, "override {}: {} {} {end}", made.id, made.action, made.target)?;
    Ok(())
}

fn list(args: &ListArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let list: List = args.remote.ask(Method::GET, args.remote.at(&["v1", "overrides"]), None)?;
    if args.json {
        return write_json(out, &list);
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["ID", "ACTION", "TARGET", "UNTIL", "DECIDES FOR", "AUTHOR", "REASON"]);
    for shown in &list.overrides {
        let until = shown.expires_at.as_deref().map_or_else(|| "for ever".to_owned(), to_the_second);
        let id = shown.id.to_string();
        table.add_row([&id, &shown.action, &shown.target, &until, &decides_for(shown), &shown.author, &shown.reason]);
    }
    writeln!(out, "{}", table.trim_fmt())?;
    Ok(())
}

/// The checks by name while they are few.
fn decides_for(shown: &Shown) -> String {
    match (&shown.checks, shown.checks_total) {
        (Some(checks), _) if checks.is_empty() => "nothing".to_owned(),
        (Some(checks), Some(total)) if checks.len() == total && total <= NAMED_MAX => checks.join(", "),
        (_, Some(total)) => format!("{total} checks"),
        (_, None) => "-".to_owned(),
    }
}

fn remove(args: &RemoveArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let url = args.remote.at(&["v1", "overrides", &args.id.to_string()]);
    let said = json!({ "reason": args.reason, "author": args.author.name() });
    let removed: Shown = args.remote.ask(Method::DELETE, url, Some(&said))?;
    writeln!(out, "override {} is removed: {} {}", removed.id, removed.action, removed.target)?;
    Ok(())
}

fn log(args: &LogArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let mut url = args.remote.at(&["v1", "audit"]);
    url.query_pairs_mut().append_pair("limit", &args.limit.to_string());
    let log: AuditLog = args.remote.ask(Method::GET, url, None)?;
    if args.json {
        return write_json(out, &log);
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["AT", "AUTHOR", "DID", "TO", "DETAIL", "REASON"]);
    for entry in &log.entries {
        let AuditEntry { author, action, target, reason, detail, .. } = entry;
        table.add_row([&to_the_second(&entry.at), author, action, target, detail, reason]);
    }
    writeln!(out, "{}", table.trim_fmt())?;
    Ok(())
}

/// A time without its fraction; what is none, as it is.
pub(super) fn to_the_second(at: &str) -> String {
    at.parse().map_or_else(|_| at.to_owned(), |at: jiff::Timestamp| format!("{at:.0}"))
}

/// Checks that are listed by name in one line.
const NAMED_MAX: usize = 4;
