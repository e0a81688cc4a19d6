//! What a run of `waypost test` found, for people and for scripts.
//!
//! A case that holds is only counted; one that fails is told with all there is to know. Invariant: the text, the JSON and
//! the JUnit report are of the same outcomes.

use std::fmt;

use serde::Serialize;

use super::super::explain::sentences;
use super::super::problems::counted;
use super::search::{Found, JsonSearch, reasons, title};
use crate::explain::ExplainReport;
use crate::scenario::failures::Finding;
use crate::scenario::{Case, Mismatch, Outcome};

/// Everything that was run.
pub(super) struct Report<'c> {
    pub cases: Vec<Ran<'c>>,
    pub searched: Vec<Found>,
}

/// One case and how it ended.
pub(super) struct Ran<'c> {
    pub case: &'c Case,
    pub outcome: Outcome,
}

/// The report for scripts.
#[derive(Debug, Serialize)]
pub(super) struct JsonReport<'r> {
    held: bool,
    cases: Vec<JsonCase<'r>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    searches: Vec<JsonSearch<'r>>,
}

#[derive(Debug, Serialize)]
struct JsonCase<'r> {
    file: &'r str,
    line: u32,
    name: &'r str,
    held: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    mismatches: &'r [Mismatch],
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<&'r ExplainReport>,
}

impl Report<'_> {
    pub fn holds(&self) -> bool {
        self.failed() == 0 && self.findings().next().is_none()
    }

    fn failed(&self) -> usize {
        self.cases.iter().filter(|ran| !ran.holds()).count()
    }

    /// What the searches found, with the configuration it was found in.
    pub fn findings(&self) -> impl Iterator<Item = (&str, &Finding)> {
        self.searched.iter().flat_map(|found| found.searched.findings.iter().map(|finding| (found.config.as_str(), finding)))
    }

    pub fn to_json(&self) -> JsonReport<'_> {
        JsonReport {
            held: self.holds(),
            cases: self.cases.iter().map(JsonCase::of).collect(),
            searches: self.searched.iter().map(Found::to_json).collect(),
        }
    }
}

impl<'r> JsonCase<'r> {
    fn of(ran: &'r Ran<'_>) -> Self {
        Self {
            file: &ran.case.place.file,
            line: ran.case.place.line,
            name: &ran.case.name,
            held: ran.holds(),
            mismatches: &ran.outcome.mismatches,
            explanation: ran.outcome.explanation.as_ref(),
        }
    }
}

impl Ran<'_> {
    pub fn holds(&self) -> bool {
        self.outcome.mismatches.is_empty()
    }

    /// What does not hold, a line each, and why: the whole explanation.
    pub fn reasons(&self) -> String {
        let mismatches = self.outcome.mismatches.iter().map(|mismatch| format!("{mismatch}\n"));
        let mut text: String = mismatches.collect();
        if let Some(explanation) = &self.outcome.explanation {
            text.push('\n');
            text.push_str(&sentences(explanation));
        }
        text
    }
}

/// Each case that fails and each finding, then how many there were.
impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ran in self.cases.iter().filter(|ran| !ran.holds()) {
            let Case { name, place, .. } = ran.case;
            writeln!(f, "FAILED {}:{}: {name}", place.file, place.line)?;
            write_indented(f, &ran.reasons())?;
        }
        for (config, finding) in self.findings() {
            writeln!(f, "FOUND {config}: {}\n", title(finding))?;
            write_indented(f, &reasons(finding))?;
        }
        self.searched.iter().try_for_each(|found| found.fmt(f))?;
        let (all, failed) = (self.cases.len(), self.failed());
        match failed {
            _ if all == 0 => Ok(()),
            0 => writeln!(f, "{}: all hold", counted(all, "case")),
            _ => writeln!(f, "{}: {} hold, {failed} failed", counted(all, "case"), all - failed),
        }
    }
}

/// Some lines below the one they belong to, and an empty one.
fn write_indented(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for line in text.lines() {
        let indent = if line.is_empty() { "" } else { "  " };
        writeln!(f, "{indent}{line}")?;
    }
    writeln!(f)
}
