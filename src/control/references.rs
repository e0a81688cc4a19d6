//! What refers to health checks and CIDR collections: record sets, and calculated checks to their children.
//!
//! Knows nothing of notations. Invariant: when it finds no error, every reference has its health check or location, and
//! no calculated check has a calculated child, so none can loop.
//! Source: Route 53 API reference, `HealthCheckConfig` (`ChildHealthChecks`, `HealthThreshold`), `CidrRoutingConfig`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::collections::DefinedCollection;
use super::load::Texts;
use super::probed::DefinedCheck;
use crate::health::check::CheckKind;
use crate::problem::{Problem, Problems, nearest};
use crate::zone::check::Finding;
use crate::zone::hosted_zone::HostedZone;
use crate::zone::record_set::{CidrLocation, RoutingPolicy};

/// Checks all references; unknown ones only when `is_whole`, as the definition may be among what was not read.
pub(super) fn check_references(
    zones: &[Arc<HostedZone>],
    defined: &[DefinedCheck],
    is_whole: bool,
    texts: &Texts,
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
fn check_record_sets(zones: &[Arc<HostedZone>], known: &Known, texts: &Texts, problems: &mut Problems) {
    for zone in zones {
        for set in &zone.record_sets {
            let Some(id) = set.health_check.as_ref().filter(|id| !known.contains_key(id.as_str())) else { continue };
            let message = format!("{} {}: no health check is named {:?}", set.name, set.rtype, id.as_str());
            let problem = Problem::error(message).help(help(id.as_str(), known));
            problems.push(texts.finding(zone, Finding { at: set.origin, problem }));
        }
    }
}

/// A record set's collection and location exist (Route 53 API, `CidrRoutingConfig`); unknown ones only when `is_whole`.
pub(super) fn check_collections(
    zones: &[Arc<HostedZone>],
    defined: &[DefinedCollection],
    is_whole: bool,
    texts: &Texts,
    problems: &mut Problems,
) {
    if !is_whole {
        return;
    }
    let known: BTreeMap<&str, &DefinedCollection> = defined.iter().map(|defined| (defined.id.as_str(), defined)).collect();
    for zone in zones {
        // All members of a group name one collection, so each of them would say the same.
        let mut said = BTreeSet::new();
        for set in &zone.record_sets {
            let RoutingPolicy::IpBased(cidr) = &set.policy else { continue };
            let Some((message, help)) = missing_location(cidr, &known) else { continue };
            let problem = Problem::error(format!("{} {}: {message}", set.name, set.rtype)).help(help);
            if !said.insert(problem.message.clone()) {
                continue;
            }
            problems.push(texts.finding(zone, Finding { at: set.origin, problem }));
        }
    }
}

/// What is missing of a location, and what might have been meant.
fn missing_location(cidr: &CidrLocation, known: &BTreeMap<&str, &DefinedCollection>) -> Option<(String, String)> {
    let id = cidr.collection.as_str();
    let Some(collection) = known.get(id) else {
        let help = meant(id, known.keys().copied(), "define it as [cidr.NAME]");
        return Some((format!("no CIDR collection is named {id:?}"), help));
    };
    let (location, collection) = (cidr.location.as_ref()?, collection.collection.as_ref()?);
    if collection.has_location(location) {
        return None;
    }
    let locations: BTreeSet<&str> = collection.blocks().map(|(_, location)| location.as_str()).collect();
    let help = meant(location.as_str(), locations, "write its blocks there");
    Some((format!("no location of [cidr.{id}] is named {:?}", location.as_str()), help))
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
    meant(found, known.keys().copied(), "an endpoint with a probe, or a [check.NAME]")
}

fn meant<'k>(found: &str, known: impl IntoIterator<Item = &'k str>, otherwise: &str) -> String {
    nearest(found, known).map_or_else(|| otherwise.to_owned(), |near| format!("did you mean {near:?}?"))
}
