//! `[probe]` and `[check]` tables, made into health checks.
//!
//! Two notations for one thing: a probe says how to check and gets its address from an endpoint; a check is Route
//! 53's `HealthCheckConfig` with its field names in snake_case, and waypost's own kinds beside it. Both fill a
//! [`Spec`], so what they mean can't differ. Invariant: every limit of `health::check` holds of what is made here.
//! Source: Route 53 API reference, `HealthCheckConfig`; developer guide, "How Route 53 determines whether a health
//! check is healthy" (deadlines, Host header, SNI).

mod check;
mod command;
mod dns;
mod http;
mod roles;
mod signal;
mod spec;
mod target;
mod timing;
mod tls;
mod via;

use std::collections::BTreeMap;
use std::time::Duration;

use self::spec::{Spec, TYPES, Words, read_spec, refuse_others};
use self::timing::{Notation, Patience, read_timing};
use self::via::{mismatch, read_via};
use crate::health::check::{CheckKind, EndpointCheck, HealthCheck, Target, TargetHost, Via};
use crate::health::history::Objective;
use crate::health::timing::Timing;
use crate::ids::HealthCheckId;
use crate::problem::Place;
use crate::toml_table::{Span, Table, Value};

pub(super) use self::check::{read_checks, read_id};
pub(super) use self::signal::{INSUFFICIENT, INSUFFICIENT_DATA};
pub(super) use self::target::{bracketed, read_target};

/// A health check that a file names, with its place; none inside when it could not be read.
pub(super) struct DefinedCheck {
    pub id: HealthCheckId,
    pub place: Place,
    pub check: Option<HealthCheck>,
}

/// How to check, with no address in it.
pub(super) struct Probe {
    pub span: Span,
    spec: Spec,
    port: Option<u16>,
    via: Via,
    timing: Timing,
    standing: Standing,
}

/// What a check is beside what it asks, in both notations.
#[derive(Clone, Copy)]
struct Standing {
    inverted: bool,
    disabled: bool,
    observe: bool,
    objective: Option<Objective>,
}

impl Standing {
    fn read(table: &mut Table<'_>) -> Self {
        Self {
            inverted: table.bool_or("inverted", false),
            disabled: table.bool_or("disabled", false),
            observe: table.bool_or("observe", false),
            objective: read_objective(table),
        }
    }

    /// The check of this kind.
    fn of(self, id: HealthCheckId, kind: CheckKind) -> HealthCheck {
        let Self { inverted, disabled, observe, objective } = self;
        HealthCheck { inverted, disabled, observe, objective, ..HealthCheck::plain(id, kind) }
    }
}

/// Why a probe makes no check of an endpoint, and what would do.
pub(super) struct Unfit {
    pub message: String,
    pub help: &'static str,
}

/// The `[probe.NAME]` tables by name; none where one could not be read.
pub(super) fn read_probes<'d>(root: &mut Table<'d>) -> BTreeMap<&'d str, Option<Probe>> {
    root.named_tables("probe").into_iter().map(|(name, span, table)| (name, read_probe(span, table))).collect()
}

impl Probe {
    /// The health check of an endpoint at `own`, or at the `target` written for it, by the probe of this name.
    pub(super) fn check(
        &self,
        name: &str,
        id: HealthCheckId,
        own: TargetHost,
        target: Option<(TargetHost, Option<u16>)>,
    ) -> Result<HealthCheck, Unfit> {
        let (host, port) = target.unwrap_or((own, None));
        let (usual, word) = (self.spec.protocol.default_port(), self.spec.protocol.word());
        if port.is_some() && !self.spec.protocol.has_ports() {
            let message = format!("the {word} probe {name:?} knows no ports");
            return Err(Unfit { message, help: "the target without its port" });
        }
        let port = port.or(self.port).or(usual).ok_or_else(|| Unfit {
            message: format!("nothing says which port the {word} probe {name:?} connects to"),
            help: "port in the probe, or in target",
        })?;
        let target = Target { host, port };
        if let Some(message) = mismatch(self.via, &target) {
            return Err(Unfit { message, help: "a target of the source's family, or another source" });
        }
        let check = EndpointCheck { protocol: self.spec.protocol_for(&target), target, via: self.via, timing: self.timing };
        let kind = CheckKind::Endpoint(Box::new(check));
        Ok(self.standing.of(id, kind))
    }
}

fn read_probe(span: Span, mut table: Table<'_>) -> Option<Probe> {
    let word = table.required("type", "\"https\"").and_then(|value| read_type(&value));
    refuse_others(&mut table, word, Words::PROBE);
    let spec = word.and_then(|word| read_spec(&mut table, word, Words::PROBE));
    let port = if word == Some("icmp") { None } else { read_port(&mut table) };
    let via = read_via(&mut table, word.is_none_or(has_connection));
    let timing = read_timing(&mut table, Notation::Probe, patience(word));
    let standing = Standing::read(&mut table);
    table.finish();
    Some(Probe { span, spec: spec?, port, via, timing, standing })
}

fn read_type(value: &Value<'_>) -> Option<&'static str> {
    let found = value.string()?;
    let word = TYPES.into_iter().find(|word| *word == found);
    if word.is_none() {
        let accepted = format!("accepted are {}; search = \"…\" makes http and https match a string", TYPES.join(", "));
        value.wrong(format_args!("{found:?} is no type of probe"), accepted);
    }
    word
}

fn read_port(table: &mut Table<'_>) -> Option<u16> {
    table.optional_int("port", 1..=65_535).map(|port| u16::try_from(port).expect("1 to 65535"))
}

/// Reads how much of the time a check is to be healthy.
fn read_objective(table: &mut Table<'_>) -> Option<Objective> {
    let value = table.optional("objective")?;
    let objective = Objective::percent(value.number()?);
    if objective.is_none() {
        value.wrong("an objective is more than 0 and less than 100 percent", "objective = 99.9, with up to four decimals");
    }
    objective
}

/// Route 53's deadlines for connecting; that of HTTP for the kinds it does not have. A command may run for as long as
/// monitoring plugins let themselves.
fn patience(word: Option<&str>) -> Patience {
    match word {
        Some("command") => Patience::Always(Duration::from_secs(10)),
        Some("tcp") => Patience::Route53(Duration::from_secs(10)),
        _ => Patience::Route53(Duration::from_secs(4)),
    }
}

/// Whether the type speaks over a connection.
fn has_connection(word: &str) -> bool {
    !["dns", "icmp", "command"].contains(&word)
}
