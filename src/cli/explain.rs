//! `waypost explain`: the decision behind one answer, as sentences, and the answer itself.
//!
//! Offline, health is what the operator supposes; with `--server`, it is what the running server knows. Both print the
//! same [`ExplainReport`].

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::net::IpAddr;

use super::client::{BaseUrl, fetch};
use super::{ConfigFile, Ending, Failure, load, write_json};
use crate::answer::Identity;
use crate::clock;
use crate::config::Server;
use crate::control::build::Built;
use crate::explain::{AnswerReport, Client, ExplainReport, ExplainRequest, RecordReport, explain};
use crate::problem::{Problem, Problems};
use crate::scenario::elsewhere::{Elsewhere, Found, find_external};
use crate::scenario::supposed::{Checks, Supposition, find_check};
use crate::snapshot::Snapshot;
use crate::wire::name::{InvalidName, Name};
use crate::wire::rtype::RecordType;
use crate::zone::external::Externals;

/// Say what a query would be answered, and why
///
/// Every health check is supposed to be healthy but for those after --down; nothing is probed and no server is needed.
/// With --server a running one says what it would answer now.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  waypost explain www.example.org                           what is answered when all is well
  waypost explain www.example.org AAAA --down fra           and when fra is down
  waypost explain www.example.org --client 198.51.100.0/24  asked for a client of that subnet (ECS)
  waypost explain www.example.org --client 192.0.2.53       asked by that resolver
  waypost explain eu.example.org --draw 7                   with another random number
  waypost explain www.example.org --server http://127.0.0.1:8053 --json")]
pub(super) struct ExplainArgs {
    /// The name that is asked for; a final dot is not needed
    #[arg(value_parser = parse_name)]
    name: Name,
    /// The type that is asked for
    #[arg(value_name = "TYPE", default_value = "A")]
    rtype: RecordType,
    #[command(flatten)]
    config: ConfigFile,
    /// Who asks: a resolver's address, or, with a length, a client's subnet told by ECS
    #[arg(long, value_name = "ADDR[/LEN]", default_value = "127.0.0.1")]
    client: Client,
    /// Health checks that are supposed to be unhealthy
    #[arg(long, value_name = "CHECK,…", value_delimiter = ',')]
    down: Vec<String>,
    /// An address that a name outside the zones is supposed to have; without any it is not resolved
    #[arg(long, value_name = "NAME=ADDR")]
    external: Vec<String>,
    /// The random number of this query, which weighted and multivalue answers go by
    #[arg(long, value_name = "N", default_value_t = 0)]
    draw: u64,
    /// Ask a running server, at its `[http] listen`
    #[arg(long, value_name = "URL", conflicts_with_all = ["down", "external", "config"])]
    server: Option<BaseUrl>,
    /// Print the same facts as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ExplainArgs, out: &mut dyn Write) -> Result<Ending, Failure> {
    let report = match &args.server {
        Some(server) => ask(server, args)?,
        None => explain_offline(args)?,
    };
    if args.json {
        write_json(out, &report)?;
    } else {
        out.write_all(sentences(&report).as_bytes())?;
    }
    Ok(Ending::Held)
}

fn ask(server: &BaseUrl, args: &ExplainArgs) -> Result<ExplainReport, Failure> {
    let (name, rtype) = (args.name.to_string(), args.rtype.to_string());
    let (client, draw) = (args.client.to_string(), args.draw.to_string());
    fetch(server.page("/v1/explain", &[("name", &name), ("type", &rtype), ("client", &client), ("draw", &draw)]))
}

fn explain_offline(args: &ExplainArgs) -> Result<ExplainReport, Failure> {
    let loaded = load(&args.config)?;
    let checks = &loaded.built.state.checks;
    let supposed = suppose(checks, &args.down).map_err(Failure::BadInput)?;
    let health = loaded.built.supposing(supposed.verdicts(checks, clock::now(), "marked down by --down"));
    let Built { catalog, maps, externals, .. } = &*loaded.built;
    let elsewhere = suppose_external(externals, &args.external).map_err(Failure::BadInput)?;
    let externals = elsewhere.known(externals, clock::now(), NOT_RESOLVED);
    let snapshot = Snapshot { catalog: catalog.clone(), health: health.into(), maps: maps.clone(), externals, generation: 0 };
    let request = ExplainRequest { name: args.name.clone(), rtype: args.rtype, client: args.client, draw: args.draw };
    Ok(explain(&snapshot, &identity(&loaded.config.server), &request))
}

/// That the checks named are down.
///
/// # Errors
/// Each of them that is no check, with the nearest that is.
fn suppose(checks: &Checks, down: &[String]) -> Result<Supposition, Problems> {
    let mut supposed = Supposition::default();
    let mut problems = Problems::default();
    for found in down {
        match find_check(checks, found) {
            Ok(id) => drop(supposed.down.insert(id.clone())),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(supposed) } else { Err(problems) }
}

/// That names outside the zones have these addresses.
///
/// # Errors
/// Each that is not such a name and an address.
fn suppose_external(targets: &Externals, written: &[String]) -> Result<Elsewhere, Problems> {
    let mut found: BTreeMap<Name, Vec<IpAddr>> = BTreeMap::new();
    let mut problems = Problems::default();
    for written in written {
        let (name, address) = written.split_once('=').unwrap_or((written, ""));
        match (find_external(targets, name), address.parse()) {
            (Ok(name), Ok(address)) => found.entry(name).or_default().push(address),
            (Err(problem), _) => problems.push(problem),
            (_, Err(_)) => {
                let problem = Problem::error(format!("--external {written}: {address:?} is no address"));
                problems.push(problem.help(format!("such as --external {name}=192.0.2.1")));
            }
        }
    }
    let mut elsewhere = Elsewhere::default();
    found.into_iter().for_each(|(name, addresses)| elsewhere.suppose(name, Found::Addresses(addresses)));
    if problems.is_empty() { Ok(elsewhere) } else { Err(problems) }
}

/// Why an explanation without a server knows no address of a name outside the zones.
const NOT_RESOLVED: &str = "nothing is resolved offline; --external supposes an address, --server asks a running server";

/// What of the server's presentation an answer without NSID and cookies can show.
pub(super) fn identity(server: &Server) -> Identity {
    Identity { udp_payload_size: server.udp_payload_size, authority: server.authority, ..Identity::default() }
}

/// A name as people type it: complete even without its final dot.
fn parse_name(text: &str) -> Result<Name, InvalidName> {
    Name::parse(text, Some(&Name::root()))
}

/// The report for people: what was asked, each step, the answer as `dig` shows it.
pub(super) fn sentences(report: &ExplainReport) -> String {
    let question = &report.question;
    let mut text = format!("{} {}, asked by {}\n\n", question.name, question.rtype, asker(&question.client));
    for (at, step) in report.steps.iter().enumerate() {
        push(&mut text, format_args!("{:>3}. {}\n", at + 1, step.text));
    }
    push_answer(&mut text, &report.answer);
    text
}

fn asker(client: &str) -> String {
    if client.contains('/') { format!("a resolver for the subnet {client}") } else { format!("the resolver {client}") }
}

fn push_answer(text: &mut String, answer: &AnswerReport) {
    let flags = answer.flags.join(" ");
    push(text, format_args!("\n;; status: {}, flags: {flags}, {} octets\n", answer.rcode, answer.size));
    if answer.truncated_over_udp {
        text.push_str(";; over UDP: truncated (TC), the resolver asks again over TCP\n");
    }
    if let Some(subnet) = &answer.client_subnet {
        let holds = match subnet.scope {
            0 => "holds for every client".to_owned(),
            bits => format!("holds for clients that share its first {bits} bits"),
        };
        push(text, format_args!(";; client subnet: {}/{}, scope {}: {holds}\n", subnet.address, subnet.source, subnet.scope));
    }
    for error in &answer.extended_errors {
        push(text, format_args!(";; extended error: {} ({})\n", error.code, error.text));
    }
    for (title, records) in [("ANSWER", &answer.answer), ("AUTHORITY", &answer.authority), ("ADDITIONAL", &answer.additional)] {
        push_section(text, title, records);
    }
}

fn push_section(text: &mut String, title: &str, records: &[RecordReport]) {
    if records.is_empty() {
        return;
    }
    push(text, format_args!("\n;; {title} SECTION:\n"));
    let name_width = records.iter().map(|record| record.name.chars().count()).max().unwrap_or(0);
    for RecordReport { name, ttl, class, rtype, rdata } in records {
        push(text, format_args!("{name:name_width$}  {ttl:<6} {class}  {rtype:<5}  {rdata}\n"));
    }
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("writing to a string can't fail");
}
