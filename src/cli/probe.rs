//! `waypost probe`: one attempt now, phase by phase.
//!
//! The prober is the server's own, so what is seen here is what the server sees from this machine. Nothing is decided:
//! one attempt is no verdict.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;

use super::{ConfigFile, Ending, Failure, load, tell, write_json};
use crate::control::state::State;
use crate::health::check::{CheckKind, EndpointCheck, HealthCheck};
use crate::ids::HealthCheckId;
use crate::prober::{ProbeReport, Prober, Trust};
use crate::problem::Problem;
use crate::resolver::NameServers;
use crate::scenario::supposed::unknown_check;

/// Probe the endpoint of one health check now
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 when the probe passed, 1 when it failed or could not be made, 2 for a check that is not defined.

Examples:
  waypost probe fra
  waypost probe fra -c /etc/waypost.toml --json")]
pub(super) struct ProbeArgs {
    /// The health check, by its id; an endpoint's is the endpoint's name
    #[arg(value_name = "CHECK")]
    check: String,
    #[command(flatten)]
    config: ConfigFile,
    /// Print the outcome and the phases as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Probed {
    health_check: String,
    target: String,
    /// What was connected to.
    address: Option<String>,
    /// None when the probe could not be made here, which says nothing of the endpoint.
    passed: Option<bool>,
    /// A stable word.
    code: &'static str,
    /// The outcome in words.
    outcome: String,
    phases: Vec<PhaseReport>,
    /// When the certificate that was shown expires.
    certificate_not_after: Option<String>,
    at: String,
}

#[derive(Debug, Serialize)]
struct PhaseReport {
    name: &'static str,
    took_ms: f64,
}

pub(super) fn run(args: &ProbeArgs, out: &mut dyn Write) -> Result<Ending, Failure> {
    let loaded = load(&args.config)?;
    let (check, endpoint) = find(&loaded.built.state, &args.check).map_err(Failure::bad_input)?;
    let (prober, warnings) = Prober::new(Trust::System, &NameServers::of(&loaded.config.resolver.servers));
    for warning in warnings {
        tell(&format!("warning: {warning}\n"));
    }
    let report = super::block_on(prober.probe(&check.id, endpoint))?;
    let probed = Probed::of(&check.id, endpoint, &report);
    if args.json {
        write_json(out, &probed)?;
    } else {
        out.write_all(probed.sentences().as_bytes())?;
    }
    Ok(if probed.passed == Some(true) { Ending::Held } else { Ending::DidNotHold })
}

/// The check of this id, which must probe something.
fn find<'s>(state: &'s State, id: &str) -> Result<(&'s HealthCheck, &'s EndpointCheck), Problem> {
    let check = state.checks.values().find(|check| check.id.as_str() == id).ok_or_else(|| unknown_check(&state.checks, id))?;
    match &check.kind {
        CheckKind::Endpoint(endpoint) => Ok((check, endpoint)),
        CheckKind::Signal(_) => {
            let problem = Problem::error(format!("{id:?} is told by signals: it has no endpoint to probe"));
            Err(problem.help("waypost signal tells a running server"))
        }
        CheckKind::Calculated { children, .. } => {
            let children = children.iter().map(HealthCheckId::as_str).collect::<Vec<_>>().join(", ");
            let help = format!("probe one of its children: {children}");
            Err(Problem::error(format!("{id:?} is calculated: it has no endpoint to probe")).help(help))
        }
    }
}

impl Probed {
    fn of(id: &HealthCheckId, check: &EndpointCheck, report: &ProbeReport) -> Self {
        let outcome = &report.observation.outcome;
        Self {
            health_check: id.to_string(),
            target: check.protocol.words(&check.target),
            address: report.address.map(shown),
            passed: outcome.passed(),
            code: outcome.code(),
            outcome: outcome.to_string(),
            phases: report.phases.iter().map(|phase| PhaseReport { name: phase.name, took_ms: millis(phase.took) }).collect(),
            certificate_not_after: report.certificate_not_after.map(|time| time.to_string()),
            at: report.observation.at.to_string(),
        }
    }

    fn sentences(&self) -> String {
        let mut text = format!("health check {}: {}\n", self.health_check, self.target);
        if let Some(address) = &self.address {
            text.push_str(&format!("  to       {address}\n"));
        }
        for PhaseReport { name, took_ms } in &self.phases {
            text.push_str(&format!("  {name:<8} {took_ms:>9.3} ms\n"));
        }
        if let Some(time) = &self.certificate_not_after {
            text.push_str(&format!("  the certificate expires at {time}\n"));
        }
        let passed = match self.passed {
            Some(true) => "passed",
            Some(false) => "failed",
            None => "not made, which counts neither way",
        };
        text.push_str(&format!("{passed}: {}\n", self.outcome));
        text
    }
}

/// An address, with its port where the kind of check knows ports.
fn shown(address: SocketAddr) -> String {
    if address.port() == 0 { address.ip().to_string() } else { address.to_string() }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
