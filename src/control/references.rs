//! What refers to health checks: record sets, and calculated checks to their children.
//!
//! Knows nothing of notations. Invariant: when it finds no error, every reference has its health check and no
//! calculated check has a calculated child, so none can loop.
//! Source: Route 53 API reference, `HealthCheckConfig` (`ChildHealthChecks`, `HealthThreshold`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::load::Texts;
use super::probed::DefinedCheck;
use crate::health::check::CheckKind;
use crate::problem::{Problem, Problems, nearest};
use crate::zone::check::Finding;
use crate::zone::hosted_zone::HostedZone;

/// Checks all references; unknown ones only when `is_whole`, as the definition may be among what was not read.
pub(super) fn check_references(
    zones: &[Arc<HostedZone>],
    defined: &[DefinedCheck],
    is_whole: bool,
    texts: &Texts<'_>,
    problems: &mut Problems,
) {
    let known: Known = defined.iter().map(|check| (check.id.as_str(), check)).collect();
    if is_whole {
        check_record_sets(zones, &known, texts, problems);
    }
    for check in defined {
        check_children(check, &known, is_whole, problems);
    }
}

type Known<'d> = BTreeMap<&'d str, &'d DefinedCheck>;

/// A record set's health check exists (Route 53 API, `HealthCheckId`).
fn check_record_sets(zones: &[Arc<HostedZone>], known: &Known, texts: &Texts<'_>, problems: &mut Problems) {
    for zone in zones {
        for set in &zone.record_sets {
            let Some(id) = set.health_check.as_ref().filter(|id| !known.contains_key(id.as_str())) else { continue };
            let message = format!("{} {}: no health check is named {:?}", set.name, set.rtype, id.as_str());
            let problem = Problem::error(message).help(help(id.as_str(), known));
            problems.push(texts.finding(zone, Finding { at: set.origin, problem }));
        }
    }
}

/// Children exist and are not calculated themselves, and the threshold can be reached.
fn check_children(check: &DefinedCheck, known: &Known, is_whole: bool, problems: &mut Problems) {
    let Some(CheckKind::Calculated { children, health_threshold }) = check.check.as_ref().map(|check| &check.kind) else {
        return;
    };
    let title = format!("[check.{}]", check.id);
    let mut report = |problem: Problem| problems.push(problem.at(check.place.clone()));
    for (at, child) in children.iter().enumerate() {
        let Some(found) = known.get(child.as_str()) else {
            if is_whole {
                let problem = Problem::error(format!("{title}: no health check is named {:?}", child.as_str()));
                report(problem.help(help(child.as_str(), known)));
            }
            continue;
        };
        if matches!(found.check.as_ref().map(|check| &check.kind), Some(CheckKind::Calculated { .. })) {
            let message = format!("{title}: its child {:?} is calculated too", child.as_str());
            report(
                Problem::error(message).help("children are checks that probe, as with Route 53; list its children here instead"),
            );
        }
        if children[..at].contains(child) {
            report(Problem::error(format!("{title}: its child {:?} is listed twice", child.as_str())));
        }
    }
    if children.is_empty() {
        report(Problem::error(format!("{title}: it has no children")));
    } else if *health_threshold as usize > children.len() {
        let message = format!("{title}: health_threshold {health_threshold} of {} children is never reached", children.len());
        report(Problem::warning(message).help("the check is always unhealthy"));
    } else if *health_threshold == 0 {
        report(Problem::warning(format!("{title}: with health_threshold 0 the check is always healthy")));
    }
}

fn help(found: &str, known: &Known) -> String {
    match nearest(found, known.keys().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => "an endpoint with a probe, or a [check.NAME]".to_owned(),
    }
}
