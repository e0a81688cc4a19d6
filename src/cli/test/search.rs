//! `--all-failures`: which configurations are searched, who asks, and how the findings are told.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::Serialize;

use super::super::Failure;
use super::super::explain::sentences;
use super::super::problems::counted;
use crate::explain::{Client, ExplainReport};
use crate::problem::Problem;
use crate::scenario::failures::{Finding, Kind, QUESTIONS_MAX, Searched, TooManyQuestions, search};
use crate::scenario::{Scenarios, Setting};

/// One configuration and who asks it.
pub(super) struct Search {
    setting: Arc<Setting>,
    clients: Vec<Client>,
}

/// What one search found.
pub(super) struct Found {
    pub config: String,
    pub failures: usize,
    pub searched: Searched,
}

/// One finding for scripts.
#[derive(Debug, Serialize)]
pub(super) struct JsonFinding<'f> {
    config: &'f str,
    kind: Kind,
    name: String,
    #[serde(rename = "type")]
    rtype: String,
    failed: Vec<&'f str>,
    client: String,
    explanation: &'f ExplainReport,
}

/// How far one search went, for scripts.
#[derive(Debug, Serialize)]
pub(super) struct JsonSearch<'f> {
    config: &'f str,
    failures: usize,
    names: usize,
    combinations: u64,
    questions: u64,
    findings: Vec<JsonFinding<'f>>,
}

impl Search {
    /// A search of `setting`, asked by a resolver on this machine.
    pub fn new(setting: Arc<Setting>) -> Self {
        Self { setting, clients: vec![Client::Resolver(Ipv4Addr::LOCALHOST.into())] }
    }
}

/// Adds the configuration of a scenario file, asked by the clients of its cases too; once, however many files name it.
pub(super) fn add_search(searches: &mut Vec<Search>, file: &Scenarios) {
    let at = searches.iter().position(|known| Arc::ptr_eq(&known.setting, &file.setting)).unwrap_or_else(|| {
        searches.push(Search::new(file.setting.clone()));
        searches.len() - 1
    });
    let clients = &mut searches[at].clients;
    for case in &file.cases {
        if !clients.contains(&case.client) {
            clients.push(case.client);
        }
    }
}

/// Searches each configuration.
///
/// # Errors
/// Bad input when one of them would take too long, with what to lower.
pub(super) fn run_searches(searches: &[Search], failures: usize) -> Result<Vec<Found>, Failure> {
    let run = |search: &Search| match self::search(&search.setting, &search.clients, failures) {
        Ok(searched) => Ok(Found { config: search.setting.config.clone(), failures, searched }),
        Err(too_many) => Err(Failure::bad_input(refused(search, failures, too_many))),
    };
    searches.iter().map(run).collect()
}

fn refused(search: &Search, failures: usize, too_many: TooManyQuestions) -> Problem {
    let TooManyQuestions { found, enough } = too_many;
    let problem = Problem::error(format!(
        "searching {} with up to {} asks {found} questions; at most {QUESTIONS_MAX} are asked",
        search.setting.config,
        counted(failures, "failed check")
    ));
    problem.help(match enough {
        Some(enough) => format!("--all-failures {enough} is accepted"),
        None => "fewer clients in the scenario files, or fewer members in routes that ask where clients are".to_owned(),
    })
}

impl Found {
    pub fn to_json(&self) -> JsonSearch<'_> {
        let Searched { names, combinations, questions, findings, .. } = &self.searched;
        JsonSearch {
            config: &self.config,
            failures: self.failures,
            names: *names,
            combinations: *combinations,
            questions: *questions,
            findings: findings.iter().map(|finding| self.finding(finding)).collect(),
        }
    }

    fn finding<'f>(&'f self, finding: &'f Finding) -> JsonFinding<'f> {
        JsonFinding {
            config: &self.config,
            kind: finding.kind,
            name: finding.name.to_string(),
            rtype: finding.rtype.to_string(),
            failed: finding.failed.iter().map(|id| id.as_str()).collect(),
            client: finding.client.to_string(),
            explanation: &finding.explanation,
        }
    }
}

/// `www.example.org. A gives no answer to 192.0.2.0/26 while fra fails`
pub(super) fn title(finding: &Finding) -> String {
    let Finding { name, rtype, client, .. } = finding;
    let failed: Vec<&str> = finding.failed.iter().map(|id| id.as_str()).collect();
    let while_failed = match failed.len() {
        0 => "even when nothing has failed".to_owned(),
        1 => format!("while {} fails", failed[0]),
        _ => format!("while {} fail", failed.join(", ")),
    };
    match finding.kind {
        Kind::Empty => format!("{name} {rtype} gives no answer to {client}, {while_failed}"),
        Kind::OutsideFence => format!("{name} {rtype} answers {client} from outside its fence, {while_failed}"),
        Kind::OneEndpoint => {
            format!("{name} {rtype} sends everything to one endpoint, though others are healthy, {while_failed}")
        }
    }
}

/// The decision behind a finding.
pub(super) fn reasons(finding: &Finding) -> String {
    sentences(&finding.explanation)
}

/// How far the search went.
impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Searched { names, combinations, questions, not_exhausted, findings } = &self.searched;
        for (name, rtype) in not_exhausted {
            writeln!(f, "{name} {rtype}: chance can fall in too many ways to walk them all")?;
        }
        write!(f, "{}: {}, ", self.config, counted(*names, "routed name"))?;
        write!(f, "{} of up to {} failed checks, ", counted_u64(*combinations, "combination"), self.failures)?;
        writeln!(f, "{}: {}", counted_u64(*questions, "question"), counted(findings.len(), "finding"))
    }
}

fn counted_u64(number: u64, one: &str) -> String {
    counted(usize::try_from(number).unwrap_or(usize::MAX), one)
}
