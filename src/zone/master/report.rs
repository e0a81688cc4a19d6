//! The problems of one run: placed in their files, and not more of them than a person will read.
//!
//! Invariant: however many problems there are, the time to report them grows with their number and the length of
//! their lines, not with the length of the file. An error is never hidden altogether: when there are
//! more errors than are shown, the last problem is an error that says how many.

use std::ops::Range;
use std::sync::Arc;

use crate::problem::{Place, Problem, Problems, Severity};
use crate::zone::rdata::InvalidRdata;

/// How many errors, and how many warnings, are shown.
pub(super) const SHOWN_MAX: usize = 100;
/// How many characters of a line are shown.
const LINE_MAX: usize = 1_000;

/// The entry that a problem is in.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub file: u16,
    /// Where in the file the entry begins.
    pub entry_start: usize,
    /// The line of that.
    pub entry_line: u32,
}

/// Files, each with what it says.
type Texts = Vec<(Arc<str>, Arc<Vec<u8>>)>;

#[derive(Default)]
pub(super) struct Report {
    files: Texts,
    problems: Problems,
    errors: usize,
    warnings: usize,
}

impl Report {
    /// Takes a file that is read from now on; says its number.
    pub fn add_file(&mut self, file: Arc<str>, octets: Arc<Vec<u8>>) -> u16 {
        self.files.push((file, octets));
        u16::try_from(self.files.len() - 1).expect("fewer files than that are included")
    }

    /// How many files were read.
    pub fn file_count(&self) -> usize {
        self.files.len()
    }

    /// A problem of the octets `span` of the entry's file.
    pub fn problem(&mut self, at: At, span: Range<usize>, problem: Problem) {
        if self.counts(problem.severity) {
            let place = self.place(at, span);
            self.problems.push(problem.at(place));
        }
    }

    /// A problem of a file as a whole.
    pub fn unplaced(&mut self, problem: Problem) {
        if self.counts(problem.severity) {
            self.problems.push(problem);
        }
    }

    /// An error that reading words or rdata gave.
    pub fn invalid(&mut self, at: At, invalid: InvalidRdata) {
        let problem = Problem::error(invalid.message);
        let problem = match invalid.help {
            Some(help) => problem.help(help),
            None => problem,
        };
        self.problem(at, invalid.span, problem);
    }

    /// The files with their texts and the problems, with what was not shown as the last.
    pub fn finish(mut self) -> (Texts, Problems) {
        let (errors, warnings) = (self.errors.saturating_sub(SHOWN_MAX), self.warnings.saturating_sub(SHOWN_MAX));
        if errors > 0 {
            self.problems.push(Problem::error(format!("{errors} more errors are not shown")));
        }
        if warnings > 0 {
            self.problems.push(Problem::warning(format!("{warnings} more warnings are not shown")));
        }
        (self.files, self.problems)
    }

    /// Counts a problem; says whether it is to be shown.
    fn counts(&mut self, severity: Severity) -> bool {
        let count = match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count += 1;
        *count <= SHOWN_MAX
    }

    fn place(&self, at: At, span: Range<usize>) -> Place {
        let (file, octets) = &self.files[at.file as usize];
        let start = span.start.clamp(at.entry_start, octets.len());
        // What is missing at the end of a line is shown there, not at the start of the next.
        let start = if start > at.entry_start && octets.get(start - 1) == Some(&b'\n') { start - 1 } else { start };
        let feeds = octets[at.entry_start..start].iter().filter(|&&octet| octet == b'\n').count();
        let line_start = octets[..start].iter().rposition(|&octet| octet == b'\n').map_or(0, |feed| feed + 1);
        let line_end = octets[start..].iter().position(|&octet| octet == b'\n').map_or(octets.len(), |len| start + len);
        let line = octets[line_start..line_end].strip_suffix(b"\r").unwrap_or(&octets[line_start..line_end]);
        let chars = |octets: &[u8]| String::from_utf8_lossy(octets).chars().count() as u32;
        Place {
            file: file.clone(),
            line: at.entry_line + feeds as u32,
            column: chars(&octets[line_start..start]) + 1,
            width: chars(&octets[start..span.end.clamp(start, line_end)]).max(1),
            text: String::from_utf8_lossy(line).chars().take(LINE_MAX).collect::<String>().into(),
        }
    }
}
