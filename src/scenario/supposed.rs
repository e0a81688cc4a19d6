//! Health as somebody supposes it: some checks down, some unknown, all others healthy.
//!
//! Nothing is probed. A check that is named has the verdict named whatever its kind; a calculated check that is not
//! follows from its children by the code that serves, so that supposing one down shows what it would do in earnest.
//! Invariant: no check is both down and unknown.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::health::calculated::{Child, calculate};
use crate::health::check::{CheckKind, HealthCheck};
use crate::health::table::{Status, Verdict};
use crate::ids::HealthCheckId;
use crate::problem::{Problem, nearest};

/// All health checks of a configuration.
pub type Checks = BTreeMap<HealthCheckId, HealthCheck>;

/// Which checks are supposed not to be healthy.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Supposition {
    pub down: BTreeSet<HealthCheckId>,
    pub unknown: BTreeSet<HealthCheckId>,
}

impl Supposition {
    /// The verdicts on `checks`, in their order, as of `since`. `said` tells whoever reads an explanation why a check is down: `marked
    /// down by --down`.
    pub fn verdicts(&self, checks: &Checks, since: Timestamp, said: &str) -> Vec<Verdict> {
        let verdicts = checks.values().map(|check| {
            let Supposed { status, healthy, because } = self.status(checks, check, said);
            Verdict { healthy, ..Verdict::plain(check.id.clone(), status, since, because.into()) }
        });
        verdicts.collect()
    }

    /// One check's final status. Calculated checks form no loop (`control::state::State`), so this ends.
    fn status(&self, checks: &Checks, check: &HealthCheck, said: &str) -> Supposed {
        if self.down.contains(&check.id) {
            return Supposed { status: Status::Unhealthy, healthy: false, because: said.to_owned() };
        }
        if self.unknown.contains(&check.id) {
            return Supposed { status: Status::Unknown, healthy: !check.inverted, because: "supposed to be unknown".to_owned() };
        }
        let CheckKind::Calculated { children, health_threshold } = &check.kind else {
            return Supposed::healthy("not marked down".to_owned());
        };
        if check.disabled {
            return Supposed::healthy("disabled".to_owned()).inverted(check);
        }
        let children = children.iter().filter_map(|id| checks.get(id)).map(|child| {
            let Supposed { status, healthy, .. } = self.status(checks, child, said);
            Child { status, healthy }
        });
        let calculated = calculate(children, *health_threshold);
        Supposed { status: calculated.status, healthy: calculated.healthy, because: calculated.because }.inverted(check)
    }
}

/// What is supposed of one check.
struct Supposed {
    status: Status,
    healthy: bool,
    because: String,
}

impl Supposed {
    fn healthy(because: String) -> Self {
        Self { status: Status::Healthy, healthy: true, because }
    }

    /// The same after the inversion of `check`, if it has one.
    fn inverted(self, check: &HealthCheck) -> Self {
        match check.inverted {
            false => self,
            true => {
                Self { status: self.status.negated(), healthy: !self.healthy, because: format!("{} (inverted)", self.because) }
            }
        }
    }
}

/// `fra` is no health check: the problem, and what would be accepted.
pub fn unknown_check(checks: &Checks, found: &str) -> Problem {
    let known = || checks.keys().map(HealthCheckId::as_str);
    let help = match nearest(found, known()) {
        Some(near) => format!("did you mean {near:?}?"),
        None if checks.is_empty() => "the configuration defines none".to_owned(),
        None => format!("these are defined: {}", known().collect::<Vec<_>>().join(", ")),
    };
    Problem::error(format!("{found:?} is no health check")).help(help)
}

/// The check that is named `found`.
///
/// # Errors
/// The problem that there is none, with the nearest that is.
pub fn find_check<'c>(checks: &'c Checks, found: &str) -> Result<&'c HealthCheckId, Problem> {
    let id = HealthCheckId::new(found).ok();
    let known = id.and_then(|id| checks.get_key_value(&id));
    known.map(|(id, _)| id).ok_or_else(|| unknown_check(checks, found))
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
            (id(name), HealthCheck { inverted, ..HealthCheck::plain(id(name), kind) })
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

    fn supposed(down: &[&str], unknown: &[&str]) -> Vec<Verdict> {
        let ids = |names: &[&str]| names.iter().map(|name| id(name)).collect();
        let supposition = Supposition { down: ids(down), unknown: ids(unknown) };
        supposition.verdicts(&checks(), Timestamp::UNIX_EPOCH, "down")
    }

    fn healthy(down: &[&str], unknown: &[&str]) -> Vec<String> {
        let table = supposed(down, unknown);
        table.iter().filter(|verdict| verdict.healthy).map(|verdict| verdict.id.to_string()).collect()
    }

    #[test]
    fn calculated_checks_follow_from_what_is_down() {
        assert_eq!(healthy(&[], &[]), ["ams", "any", "both", "fra"]);
        assert_eq!(healthy(&["fra"], &[]), ["ams", "any"]);
        assert_eq!(healthy(&["fra", "ams"], &[]), ["outage"]);
        assert_eq!(healthy(&["any"], &[]), ["ams", "both", "fra", "outage"]);
    }

    #[test]
    fn what_is_unknown_counts_as_healthy_and_makes_its_parents_unknown() {
        assert_eq!(healthy(&["ams"], &["fra"]), ["any", "fra"]);
        let statuses = |table: Vec<Verdict>| table.iter().map(|verdict| verdict.status.as_str()).collect::<Vec<_>>().join(" ");
        // ams any both fra outage
        assert_eq!(statuses(supposed(&[], &["fra"])), "healthy healthy unknown unknown unhealthy");
        assert_eq!(statuses(supposed(&["ams"], &["fra"])), "unhealthy unknown unhealthy unknown unknown");
    }

    #[test]
    fn an_unknown_check_is_told_with_the_nearest() {
        let text = |found| find_check(&checks(), found).unwrap_err().to_string();
        assert_eq!(text("frra"), "error: \"frra\" is no health check (did you mean \"fra\"?)");
        assert_eq!(text("xyzzy"), "error: \"xyzzy\" is no health check (these are defined: ams, any, both, fra, outage)");
        assert_eq!(find_check(&checks(), "fra").unwrap(), &id("fra"));
    }
}
