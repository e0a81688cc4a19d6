//! What must hold before a hosted zone may be compiled, one function a rule.
//!
//! ```text
//! names      what the DNS allows at a name, and below it
//! groups     members beside each other
//! options    what a group does beyond its policy
//! aliases    where aliases lead
//! clients    which client can reach what
//! ```
//!
//! Knows record sets only: whether a health check exists is `control`'s question, how rdata is written its
//! reader's. Invariant: every rule runs, whatever another found; findings come back in the order of their lines.
//! Sources: RFC 1034, 2181, 4592, 6672, 9499; Route 53 API reference, `ResourceRecordSet`; each rule cites its own.

mod aliases;
mod clients;
mod groups;
mod index;
mod names;
mod options;

pub use aliases::{ALIASES_MAX, MEMBERS_MAX};
pub use clients::NOT_OF_ROUTE53;

use self::index::Index;
use super::hosted_zone::HostedZone;
use super::record_set::{Origin, RecordSet};
use crate::problem::Problem;
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;

/// A problem, and the record set it was found at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub at: Origin,
    pub problem: Problem,
}

/// Everything that is wrong with `zone`.
pub fn check(zone: &HostedZone) -> Vec<Finding> {
    run(zone, RULES.iter().chain(&RULES_OF_PRESENCE))
}

/// What is wrong with the part of `zone` that could be read: what is not there may be in the other part.
pub fn check_partial(zone: &HostedZone) -> Vec<Finding> {
    run(zone, RULES.iter())
}

type Rule = fn(&Index, &mut Findings);

fn run<'r>(zone: &HostedZone, rules: impl Iterator<Item = &'r Rule>) -> Vec<Finding> {
    let index = Index::new(zone);
    let mut found = Findings(Vec::new());
    rules.for_each(|rule| rule(&index, &mut found));
    // Groups are walked in no particular order, so the text decides where the line does not.
    let key = |finding: &Finding| (finding.at.file, finding.at.line, finding.problem.message.clone());
    found.0.sort_by_cached_key(key);
    found.0
}

const RULES: [Rule; 29] = [
    names::check_within_zone,
    names::check_soa_only_at_apex,
    names::check_cname_alone,
    names::check_singletons,
    names::check_below_dname,
    names::check_wildcard_ns,
    names::check_occluded,
    groups::check_duplicates,
    groups::check_one_policy_a_group,
    groups::check_set_identifiers,
    groups::check_tiers,
    groups::check_claims,
    groups::check_one_collection,
    groups::check_group_ttls,
    groups::check_policy_types,
    groups::check_multivalue_content,
    groups::check_shared_values,
    groups::check_duplicate_values,
    aliases::check_alias_types,
    aliases::check_alias_loops,
    aliases::check_alias_depth,
    aliases::check_tree_size,
    aliases::check_unreachable_tiers,
    clients::check_countries,
    clients::check_continents,
    clients::check_same_place,
    clients::check_handed_on,
    options::check_option_policies,
    options::check_nearest,
];

/// Rules that something is there.
const RULES_OF_PRESENCE: [Rule; 9] = [
    names::check_apex,
    names::check_targets,
    names::check_glue,
    aliases::check_alias_targets,
    groups::check_not_empty,
    clients::check_defaults,
    options::check_min_healthy,
    options::check_fences,
    options::check_places_known,
];

/// A record group: its name and type.
type GroupKey<'z> = (&'z Name, RecordType);

struct Findings(Vec<Finding>);

impl Findings {
    fn error(&mut self, at: &RecordSet, message: String) {
        self.0.push(Finding { at: at.origin, problem: Problem::error(message) });
    }

    fn error_with_help(&mut self, at: &RecordSet, message: String, help: impl Into<String>) {
        self.0.push(Finding { at: at.origin, problem: Problem::error(message).help(help) });
    }

    fn warning_with_help(&mut self, at: &RecordSet, message: String, help: impl Into<String>) {
        self.0.push(Finding { at: at.origin, problem: Problem::warning(message).help(help) });
    }

    fn warning(&mut self, at: &RecordSet, message: String) {
        self.0.push(Finding { at: at.origin, problem: Problem::warning(message) });
    }
}

/// As messages name a record set: `www.example.org. A`, `www.example.org. A "fra"`.
fn label(set: &RecordSet) -> String {
    match &set.set_identifier {
        Some(id) => format!("{} {} {:?}", set.name, set.rtype, id.as_str()),
        None => format!("{} {}", set.name, set.rtype),
    }
}
