//! Health as the operator supposes it: some checks down, all others healthy.
//!
//! Nothing is probed. A check that is named is unhealthy whatever its kind; a calculated check that is not follows from
//! its children, so that `--down` shows what it would do in earnest.

use std::collections::BTreeMap;

use crate::clock;
use crate::health::calculated::{Child, calculate};
use crate::health::check::{CheckKind, HealthCheck};
use crate::health::table::{HealthTable, Status, Verdict};
use crate::ids::HealthCheckId;
use crate::problem::{Problem, nearest};

type Checks = BTreeMap<HealthCheckId, HealthCheck>;

/// The verdicts on `checks` if those in `down` were unhealthy.
///
/// # Errors
/// Each of `down` that is no check, with the nearest that is.
pub(super) fn suppose(checks: &Checks, down: &[String]) -> Result<HealthTable, crate::problem::Problems> {
    check_ids(checks, down)?;
    let since = clock::now();
    let verdicts = checks.values().map(|check| {
        let (status, because) = status(checks, down, check);
        let healthy = status == Status::Healthy;
        Verdict { id: check.id.clone(), status, healthy, since, because: because.into() }
    });
    Ok(HealthTable::new(verdicts.collect()))
}

/// `fra` is no health check: the problem, and what would be accepted.
pub(super) fn unknown_check(checks: &Checks, found: &str) -> Problem {
    let known = || checks.keys().map(HealthCheckId::as_str);
    let help = match nearest(found, known()) {
        Some(near) => format!("did you mean {near:?}?"),
        None if checks.is_empty() => "the configuration defines none".to_owned(),
        None => format!("these are defined: {}", known().collect::<Vec<_>>().join(", ")),
    };
    Problem::error(format!("{found:?} is no health check")).help(help)
}

fn check_ids(checks: &Checks, down: &[String]) -> Result<(), crate::problem::Problems> {
    let mut problems = crate::problem::Problems::default();
    for id in down.iter().filter(|id| !checks.keys().any(|known| known.as_str() == **id)) {
        problems.push(unknown_check(checks, id));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// One check's final status. Calculated checks form no loop (`control::state::State`), so this ends.
fn status(checks: &Checks, down: &[String], check: &HealthCheck) -> (Status, String) {
    if down.iter().any(|id| id == check.id.as_str()) {
        return (Status::Unhealthy, "marked down by --down".to_owned());
    }
    let CheckKind::Calculated { children, health_threshold } = &check.kind else {
        return (Status::Healthy, "not marked down".to_owned());
    };
    if check.disabled {
        return inverted(check, Status::Healthy, "disabled".to_owned());
    }
    let children = children.iter().filter_map(|id| checks.get(id)).map(|child| {
        let status = status(checks, down, child).0;
        Child { status, healthy: status == Status::Healthy }
    });
    let calculated = calculate(children, *health_threshold);
    inverted(check, calculated.status, calculated.because)
}

fn inverted(check: &HealthCheck, status: Status, because: String) -> (Status, String) {
    match (check.inverted, status) {
        (false, _) => (status, because),
        (true, Status::Healthy) => (Status::Unhealthy, format!("{because} (inverted)")),
        (true, _) => (Status::Healthy, format!("{because} (inverted)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> HealthCheckId {
        HealthCheckId::new(text).unwrap()
    }

    fn checks() -> Checks {
        let calculated = |name: &str, children: &[&str], health_threshold, inverted| {
            let kind = CheckKind::Calculated { children: children.iter().map(|child| id(child)).collect(), health_threshold };
            (id(name), HealthCheck { id: id(name), kind, inverted, disabled: false })
        };
        // A calculated check without children and a threshold of 0 is healthy, as an endpoint's is supposed to be.
        [
            calculated("ams", &[], 0, false),
            calculated("fra", &[], 0, false),
            calculated("any", &["ams", "fra"], 1, false),
            calculated("both", &["ams", "fra"], 2, false),
            calculated("outage", &["any"], 1, true),
        ]
        .into()
    }

    fn healthy(down: &[&str]) -> Vec<String> {
        let down: Vec<String> = down.iter().map(|id| (*id).to_owned()).collect();
        let table = suppose(&checks(), &down).unwrap();
        table.iter().filter(|verdict| verdict.healthy).map(|verdict| verdict.id.to_string()).collect()
    }

    #[test]
    fn calculated_checks_follow_from_what_is_down() {
        assert_eq!(healthy(&[]), ["ams", "any", "both", "fra"]);
        assert_eq!(healthy(&["fra"]), ["ams", "any"]);
        assert_eq!(healthy(&["fra", "ams"]), ["outage"]);
        assert_eq!(healthy(&["any"]), ["ams", "both", "fra", "outage"]);
    }

    #[test]
    fn every_unknown_check_is_reported_with_the_nearest() {
        let problems = suppose(&checks(), &["frra".into(), "ams".into(), "xyzzy".into()]).unwrap_err();
        let text = problems.to_string();
        assert!(text.contains("\"frra\" is no health check (did you mean \"fra\"?)"), "{text}");
        assert!(text.contains("\"xyzzy\" is no health check (these are defined: ams, any, both, fra, outage)"), "{text}");
        assert_eq!(problems.errors(), 2);
    }
}
