//! Problems as people see them: the file, the line's text, a caret, what would be accepted, and how many there were.
//!
//! Finds no problems. The one-line form is `Problem`'s own `Display`; the form for scripts is [`ProblemReport`].

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use crate::problem::{Place, Problem, Problems, Severity};

/// One problem for scripts.
#[derive(Debug, Serialize)]
pub(super) struct ProblemReport<'p> {
    severity: &'static str,
    message: &'p str,
    help: Option<&'p str>,
    file: Option<&'p str>,
    line: Option<u32>,
    column: Option<u32>,
}

/// Draws every problem, and below them how many there were.
pub(super) fn draw(problems: &Problems, colours: bool) -> String {
    let renderer = if colours { Renderer::styled() } else { Renderer::plain() };
    let mut text = String::new();
    for problem in problems.iter() {
        text.push_str(&renderer.render(&[group(problem)]));
        text.push_str("\n\n");
    }
    if problems.iter().nth(1).is_some() {
        text.push_str(&count(problems));
        text.push('\n');
    }
    text
}

/// `2 errors, 1 warning`
pub(super) fn count(problems: &Problems) -> String {
    let errors = problems.errors();
    let warnings = problems.iter().count() - errors;
    format!("{}, {}", counted(errors, "error"), counted(warnings, "warning"))
}

/// `1 record`, `2 records`
pub(super) fn counted(number: usize, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    }
}

fn group(problem: &Problem) -> Group<'_> {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(problem.message.as_str());
    let mut group = Group::with_title(title);
    if let Some(place) = &problem.place {
        let caret = AnnotationKind::Primary.span(octets(place));
        let snippet = Snippet::source(&*place.text).line_start(place.line as usize).path(&*place.file).annotation(caret);
        group = group.element(snippet);
    }
    match &problem.help {
        Some(help) => group.element(Level::HELP.message(help.as_str())),
        None => group,
    }
}

/// A place's columns, which are characters, as octets of its line.
fn octets(place: &Place) -> Range<usize> {
    let at = |column: usize| place.text.char_indices().nth(column).map_or(place.text.len(), |(at, _)| at);
    let first = place.column.saturating_sub(1) as usize;
    at(first)..at(first + place.width as usize)
}

impl<'p> From<&'p Problem> for ProblemReport<'p> {
    fn from(problem: &'p Problem) -> Self {
        let place = problem.place.as_ref();
        Self {
            severity: match problem.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            message: &problem.message,
            help: problem.help.as_deref(),
            file: place.map(|place| &*place.file),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(problem: Problem) -> String {
        draw(&problem.into(), false)
    }

    #[test]
    fn a_problem_is_drawn_with_its_line_and_a_caret_under_what_is_meant() {
        let text = "zone = \"example.org.\"\nwäight = 300\n";
        let place = Place::of_span(&"z.toml".into(), text, 22..29);
        let problem = Problem::error("unknown key `wäight`").help("did you mean `weight`?").at(place);
        let expected = "\
error: unknown key `wäight`
 --> z.toml:2:1
  |
2 | wäight = 300
  | ^^^^^^
  |
  = help: did you mean `weight`?

";
        assert_eq!(drawn(problem), expected);
    }

    #[test]
    fn a_problem_without_a_place_is_drawn_without_a_line() {
        assert_eq!(drawn(Problem::warning("nothing is served")), "warning: nothing is served\n\n");
    }

    #[test]
    fn several_problems_are_counted() {
        let mut problems = Problems::default();
        problems.push(Problem::error("a"));
        problems.push(Problem::warning("b"));
        problems.push(Problem::error("c"));
        assert!(draw(&problems, false).ends_with("\n2 errors, 1 warning\n"));
    }
}
