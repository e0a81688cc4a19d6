//! A problem in a text that the operator wrote: where it is, what was found, what would be accepted.
//!
//! Knows no file format and prints no colours (the command line draws the snippet). Every reader of text
//! collects all of its problems in a [`Problems`], so that one run reports them all.
//! Invariant: a problem with a place carries the text of the line it points at.

use std::fmt;
use std::sync::Arc;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The text cannot be used.
    Error,
    /// The text can be used, but likely does not mean what was meant.
    Warning,
}

/// A place in a text: the line, and the columns within it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file as the operator would name it.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The first column, in characters from 1.
    pub column: u32,
    /// How many characters are meant, at least 1.
    pub width: u32,
    /// The text of the line, without its end.
    pub text: Box<str>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    /// What was being done and what was found; lower case, no full stop.
    pub message: String,
    /// What would be accepted, where it is not plain from the message.
    pub help: Option<String>,
    pub place: Option<Place>,
}

/// Every problem found in one run, in the order found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problem {
    /// An error without a place.
    pub fn error(message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, message: message.into(), help: None, place: None }
    }

    /// A warning without a place.
    pub fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    /// The same problem, saying what would be accepted.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same problem, at a place.
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }
}

impl Place {
    /// The place of `line` (from 1) in `text`, whole.
    pub fn of_line(file: &Arc<str>, text: &str, line: u32) -> Self {
        let content = text.lines().nth(line.saturating_sub(1) as usize).unwrap_or_default();
        let width = content.trim_start().trim_end().chars().count().max(1) as u32;
        let column = (content.chars().count() - content.trim_start().chars().count()) as u32 + 1;
        Self { file: file.clone(), line, column, width, text: content.into() }
    }

    /// The place of the octets `span` in `text`; what lies beyond the first line is left out.
    pub fn of_span(file: &Arc<str>, text: &str, span: std::ops::Range<usize>) -> Self {
        let start = text.floor_char_boundary(span.start);
        let before = &text.as_bytes()[..start];
        let line = before.iter().filter(|&&octet| octet == b'\n').count() as u32 + 1;
        let line_start = before.iter().rposition(|&octet| octet == b'\n').map_or(0, |at| at + 1);
        let content = text[line_start..].lines().next().unwrap_or_default();
        let line_end = line_start + content.len();
        let column = text[line_start..start.min(line_end)].chars().count() as u32 + 1;
        let end = span.end.clamp(start, line_end.max(start));
        let width = text.get(start..end).map_or(1, |meant| meant.chars().count().max(1)) as u32;
        Self { file: file.clone(), line, column, width, text: content.into() }
    }
}

impl Problems {
    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Adds all of another run.
    pub fn append(&mut self, mut other: Problems) {
        self.0.append(&mut other.0);
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// How many are errors.
    pub fn errors(&self) -> usize {
        self.0.iter().filter(|problem| problem.severity == Severity::Error).count()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// `zones/example.org.toml:12:3: error: weight 300 is not within 0-255 (…)`
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{}:{}:{}: ", place.file, place.line, place.column)?;
        }
        write!(f, "{}: {}", self.severity, self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// One line a problem.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.0 {
            writeln!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// The known word nearest to `found`, if one is near enough to be a slip of the finger.
pub fn nearest<'k>(found: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let known: Vec<&str> = known.into_iter().take(WORDS_COMPARED + 1).collect();
    if known.len() > WORDS_COMPARED {
        return None;
    }
    known
        .into_iter()
        .map(|word| (edit_distance(found, word), word))
        .filter(|(distance, word)| *distance <= 1 + word.chars().count() / 3)
        .min()
        .map(|(_, word)| word)
}

/// With more words than this, each of many problems would be compared with all of them for longer than anyone waits.
const WORDS_COMPARED: usize = 1_000;

/// Insertions, deletions, replacements and swaps of neighbours that make one word of the other
/// (optimal string alignment).
fn edit_distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + changed);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn among_very_many_words_none_is_suggested() {
        let words = |count: usize| (0..count).map(|at| format!("word{at}")).collect::<Vec<_>>();
        for (count, expected) in [(WORDS_COMPARED, Some("word0")), (WORDS_COMPARED + 1, None)] {
            assert_eq!(nearest("words0", words(count).iter().map(String::as_str)), expected);
        }
    }

    #[test]
    fn a_slip_of_the_finger_finds_its_word_and_another_word_does_not() {
        let known = ["interval", "timeout", "path", "port"];
        for (found, expected) in
            [("intervall", Some("interval")), ("tiemout", Some("timeout")), ("pth", Some("path")), ("weight", None)]
        {
            assert_eq!(nearest(found, known), expected, "{found}");
        }
    }

    #[test]
    fn a_span_becomes_its_line_and_columns() {
        let place = Place::of_span(&"f".into(), "one\n  twö three\n", 7..10);
        assert_eq!((place.line, place.column, place.width, &*place.text), (2, 4, 2, "  twö three"));
    }

    #[test]
    fn a_span_past_the_end_points_at_the_end() {
        let place = Place::of_span(&"f".into(), "one", 90..95);
        assert_eq!((place.line, place.column, place.width), (1, 4, 1));
    }
}
