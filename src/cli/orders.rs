//! `waypost failover` and `waypost failback`: moves members of a running server's routes that wait for somebody.

use std::io::Write;

use clap::Args;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::client::{Author, Remote};
use super::{Ending, Failure, write_json};

/// Take what fails out of a running server's route, or keep it in
///
/// For routes with failover = "manual" or "confirm": approves what is proposed. Members that are healthy stay.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status: 0 something moved, 1 nothing did, or the server does not answer or refuses, 2 bad input.

Examples:
  waypost failover www.example.org --reason 'fra is down for the night'
  waypost failover www.example.org --refuse --reason 'a glitch of the provider'")]
pub(super) struct FailoverArgs {
    #[command(flatten)]
    order: OrderArgs,
    /// Keep in service what is proposed to leave
    #[arg(long)]
    refuse: bool,
}

/// Bring back into a running server's route what is healthy again
///
/// For routes with failback = "manual" or "delayed". Members that are unhealthy stay out.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status: 0 something moved, 1 nothing did, or the server does not answer or refuses, 2 bad input.

Examples:
  waypost failback www.example.org --reason 'replication has caught up'
  waypost failback www.example.org --member fra --reason 'only this one'")]
pub(super) struct FailbackArgs {
    #[command(flatten)]
    order: OrderArgs,
}

#[derive(Debug, Args)]
struct OrderArgs {
    /// The route's name, with or without its zone
    #[arg(value_name = "ROUTE")]
    route: String,
    /// Only this member, by its set identifier: all of them if left out
    #[arg(long, value_name = "MEMBER")]
    member: Option<String>,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    author: Author,
    #[command(flatten)]
    remote: Remote,
    /// Print what the server said, as JSON
    #[arg(long)]
    json: bool,
}

/// What the server did.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    moved: Vec<Moved>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Moved {
    route: String,
    member: String,
    became: String,
}

pub(super) fn fail_over(args: &FailoverArgs, out: &mut dyn Write) -> Result<Ending, Failure> {
    ask("failover", &args.order, args.refuse, out)
}

pub(super) fn fail_back(args: &FailbackArgs, out: &mut dyn Write) -> Result<Ending, Failure> {
    ask("failback", &args.order, false, out)
}

fn ask(page: &str, args: &OrderArgs, refuse: bool, out: &mut dyn Write) -> Result<Ending, Failure> {
    let mut wanted = json!({ "route": args.route, "reason": args.reason, "author": args.author.name() });
    if let Some(member) = &args.member {
        wanted["member"] = member.as_str().into();
    }
    if refuse {
        wanted["refuse"] = true.into();
    }
    let answer: Answer = args.remote.ask(Method::POST, args.remote.at(&["v1", page]), Some(&wanted))?;
    if args.json {
        write_json(out, &answer)?;
    } else if answer.moved.is_empty() {
        writeln!(out, "nothing moved: no member of {} waits for this", args.route)?;
    }
    for Moved { route, member, became } in answer.moved.iter().filter(|_| !args.json) {
        writeln!(out, "{route} {member}: {}", became.replace('_', " "))?;
    }
    Ok(if answer.moved.is_empty() { Ending::DidNotHold } else { Ending::Held })
}
