//! The report in JUnit's XML, as CI systems read it: a suite a file, a test case a case.
//!
//! Knows only the elements that every reader knows (`testsuites`, `testsuite`, `testcase`, `failure`). Times are left
//! out: nothing waits. Invariant: the document is well-formed whatever the names are; what XML 1.0 can't say is replaced.
//! Source: XML 1.0 §2.2 (characters), §2.4 (escapes).

use std::fmt::Write as _;

use super::report::{Ran, Report};
use super::search::{reasons, title};
use crate::scenario::failures::Finding;

/// The whole document.
pub(super) fn document(report: &Report<'_>) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let findings: Vec<_> = report.findings().collect();
    let failures = failed(&report.cases) + findings.len();
    let tests = report.cases.len() + findings.len();
    push(&mut text, format_args!("<testsuites name=\"waypost\" tests=\"{tests}\" failures=\"{failures}\">\n"));
    for suite in report.cases.chunk_by(|a, b| a.case.place.file == b.case.place.file) {
        let file = attribute(&suite[0].case.place.file);
        push_suite(&mut text, &file, suite.len(), failed(suite));
        suite.iter().for_each(|ran| push_case(&mut text, &file, ran));
        text.push_str("  </testsuite>\n");
    }
    for suite in findings.chunk_by(|(a, _), (b, _)| a == b) {
        let config = attribute(suite[0].0);
        push_suite(&mut text, &config, suite.len(), suite.len());
        suite.iter().for_each(|(_, finding)| push_finding(&mut text, &config, finding));
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn failed(cases: &[Ran<'_>]) -> usize {
    cases.iter().filter(|ran| !ran.holds()).count()
}

fn push_suite(text: &mut String, name: &str, tests: usize, failures: usize) {
    push(text, format_args!("  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\">\n"));
}

fn push_finding(text: &mut String, config: &str, finding: &Finding) {
    let title = title(finding);
    push(text, format_args!("    <testcase name=\"{}\" classname=\"{config}\">\n", attribute(&title)));
    push(text, format_args!("      <failure message=\"{}\">{}</failure>\n", attribute(&title), escaped(&reasons(finding))));
    text.push_str("    </testcase>\n");
}

fn push_case(text: &mut String, file: &str, ran: &Ran<'_>) {
    let (name, line) = (attribute(&ran.case.name), ran.case.place.line);
    push(text, format_args!("    <testcase name=\"{name}\" classname=\"{file}\" file=\"{file}\" line=\"{line}\""));
    if ran.holds() {
        text.push_str("/>\n");
        return;
    }
    let message = ran.outcome.mismatches.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    push(text, format_args!(">\n      <failure message=\"{}\">{}</failure>\n", attribute(&message), escaped(&ran.reasons())));
    text.push_str("    </testcase>\n");
}

/// A text within an attribute, where a reader would make spaces of line ends and tabs (XML 1.0 §3.3.3).
fn attribute(text: &str) -> String {
    escaped(text).replace('\n', "&#10;").replace('\t', "&#9;")
}

/// A text within an element, or within an attribute on one line.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\r' => escaped.push_str("&#13;"),
            '\t' | '\n' => escaped.push(character),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push(char::REPLACEMENT_CHARACTER),
            _ => escaped.push(character),
        }
    }
    escaped
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("writing to a string can't fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_say_is_replaced_and_the_rest_is_escaped() {
        assert_eq!(escaped("a<b> & \"c\"\u{1b}[1m\r\n"), "a&lt;b&gt; &amp; &quot;c&quot;\u{fffd}[1m&#13;\n");
        assert_eq!(attribute("a\n\tb"), "a&#10;&#9;b");
    }
}
