//! What a run of `waypost test` found, for people and for scripts.
//!
//! A case that holds is only counted; one that fails is told with all there is to know. Invariant: the text, the JSON and
//! the JUnit report are of the same outcomes.

use std::fmt;

use serde::Serialize;

use super::super::explain::sentences;
use super::super::problems::counted;
use crate::explain::ExplainReport;
use crate::scenario::{Case, Mismatch, Outcome};

/// Everything that was run.
pub(super) struct Report<'c> {
    pub cases: Vec<Ran<'c>>,
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
        self.failed() == 0
    }

    fn failed(&self) -> usize {
        self.cases.iter().filter(|ran| !ran.holds()).count()
    }

    pub fn to_json(&self) -> JsonReport<'_> {
        JsonReport { held: self.holds(), cases: self.cases.iter().map(JsonCase::of).collect() }
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

/// Each case that fails, then how many there were.
impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ran in self.cases.iter().filter(|ran| !ran.holds()) {
            let Case { name, place, .. } = ran.case;
            writeln!(f, "FAILED {}:{}: {name}", place.file, place.line)?;
            for line in ran.reasons().lines() {
                let indent = if line.is_empty() { "" } else { "  " };
                writeln!(f, "{indent}{line}")?;
            }
            writeln!(f)?;
        }
        let (all, failed) = (self.cases.len(), self.failed());
        match failed {
            0 => writeln!(f, "{}: all hold", counted(all, "case")),
            _ => writeln!(f, "{}: {} hold, {failed} failed", counted(all, "case"), all - failed),
        }
    }
}
