//! A text that the operator wrote, with its lines indexed: from octets or lines to places, at once.
//!
//! Knows no notation. `Place::of_span` walks the text from its start for each place; a reader of large texts
//! asks here instead. Invariant: `starts` holds where each line begins, in ascending order, and is never empty.

use std::ops::Range;
use std::sync::Arc;

use crate::problem::Place;

/// One file's text.
#[derive(Clone, Debug)]
pub struct Text {
    file: Arc<str>,
    content: Arc<str>,
    starts: Vec<usize>,
}

impl Text {
    pub fn new(file: Arc<str>, content: impl Into<Arc<str>>) -> Self {
        let content = content.into();
        let after_ends = content.bytes().enumerate().filter(|(_, octet)| *octet == b'\n').map(|(at, _)| at + 1);
        let starts = std::iter::once(0).chain(after_ends).collect();
        Self { file, content, starts }
    }

    /// The file as the operator would name it.
    pub fn file(&self) -> &Arc<str> {
        &self.file
    }

    pub fn content(&self) -> &str {
        &self.content
    }

    /// The line, from 1, that the octet `at` lies on.
    pub fn line_at(&self, at: usize) -> u32 {
        self.starts.partition_point(|start| *start <= at) as u32
    }

    /// The place of the octets `span`; what lies beyond the first line is left out.
    pub fn place(&self, span: Range<usize>) -> Place {
        let line = self.line_at(span.start);
        let start = self.starts[line as usize - 1];
        let within = span.start - start..span.end.saturating_sub(start);
        Place { line, ..Place::of_span(&self.file, self.line(line), within) }
    }

    /// The place of a whole line, from 1.
    pub fn place_of_line(&self, line: u32) -> Place {
        Place { line, ..Place::of_line(&self.file, self.line(line), 1) }
    }

    /// A line from 1, without its end; empty past the last.
    fn line(&self, line: u32) -> &str {
        let at = line.saturating_sub(1) as usize;
        let Some(&start) = self.starts.get(at) else { return "" };
        let end = self.starts.get(at + 1).map_or(self.content.len(), |next| next - 1);
        let line = &self.content[start..end];
        line.strip_suffix('\r').unwrap_or(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_span_has_the_place_that_a_walk_from_the_start_finds() {
        let content = "one\n  twö three\r\n\nlast";
        let text = Text::new("f".into(), content);
        for start in (0..=content.len()).filter(|at| content.is_char_boundary(*at)) {
            // Between \r and \n there is nothing an operator wrote.
            if content[..start].ends_with('\r') {
                continue;
            }
            assert_eq!(text.place(start..start + 1), Place::of_span(text.file(), content, start..start + 1), "{start}");
        }
        for line in 1..6 {
            assert_eq!(text.place_of_line(line), Place::of_line(text.file(), content, line), "{line}");
        }
    }
}
