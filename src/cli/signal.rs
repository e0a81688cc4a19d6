//! `waypost signal`: tells a running server how a check stands that nobody probes.

use std::io::Write;
use std::str::FromStr;

use clap::Args;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::client::{Author, Remote};
use super::overrides::to_the_second;
use super::{Ending, Failure, write_json};
use crate::health::signal::SignalState;

/// Tell a running server how a check stands that nobody probes
///
/// For checks of the types signal, cloudwatch_metric and recovery_control. What is told holds until it is told anew, or
/// until its lease ends.
#[derive(Debug, Args)]
#[command(after_help = "\
CHECK is a check's name; alarm=REGION/NAME is every check of a CloudWatch alarm, control=ARN of a routing control.

Exit status: 0 done, 1 the server does not answer or refuses, 2 bad input.

Examples:
  waypost signal queue-depth ok --reason 'depth 12' --lease 90s
  waypost signal queue-depth alarm --reason 'depth 40000'
  waypost signal alarm=eu-central-1/errors alarm --reason 'from EventBridge'")]
pub(super) struct SignalArgs {
    /// Which check is told: its name, alarm=REGION/NAME or control=ARN
    #[arg(value_name = "CHECK")]
    check: Addressee,
    /// What it is told: ok, alarm or insufficient; on or off
    #[arg(value_name = "STATE")]
    state: SignalState,
    /// Why, for the audit log and for whoever looks at the status
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// How long it holds, such as 90s; as long as the check's configuration says if left out
    #[arg(long, value_name = "DURATION")]
    lease: Option<String>,
    #[command(flatten)]
    author: Author,
    #[command(flatten)]
    remote: Remote,
    /// Print what the server said, as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Debug)]
enum Addressee {
    Check(String),
    /// A parameter of the page, and its value.
    Source(&'static str, String),
}

impl FromStr for Addressee {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let source = |name| text.strip_prefix(name)?.strip_prefix('=').map(|value| Self::Source(name, value.to_owned()));
        Ok(source("alarm").or_else(|| source("control")).unwrap_or_else(|| Self::Check(text.to_owned())))
    }
}

/// `PUT /v1/signals`
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    signalled: Vec<Told>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Told {
    check: String,
    state: String,
    until: Option<String>,
}

pub(super) fn run(args: &SignalArgs, out: &mut dyn Write) -> Result<Ending, Failure> {
    let url = match &args.check {
        Addressee::Check(name) => args.remote.at(&["v1", "signals", name]),
        Addressee::Source(parameter, value) => {
            let mut url = args.remote.at(&["v1", "signals"]);
            url.query_pairs_mut().append_pair(parameter, value);
            url
        }
    };
    let mut said = json!({ "state": args.state.as_str(), "reason": args.reason, "author": args.author.name() });
    if let Some(lease) = &args.lease {
        said["lease"] = lease.as_str().into();
    }
    let answer: Answer = args.remote.ask(Method::PUT, url, Some(&said))?;
    if args.json {
        write_json(out, &answer)?;
        return Ok(Ending::Held);
    }
    for told in &answer.signalled {
        let until =
            told.until.as_ref().map_or_else(|| "until the next".to_owned(), |end| format!("until {}", to_the_second(end)));
        writeln!(out, "{}: {} {until}", told.check, told.state)?;
    }
    Ok(Ending::Held)
}
