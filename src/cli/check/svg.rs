//! The trees as one SVG picture: a column a level, a row a leaf, each node beside the middle of what it leads to.
//!
//! Measures no font: text is monospaced, and a box is as wide as its longest line. Invariants: boxes never overlap;
//! equal trees make equal pictures; the text is well-formed XML whatever operators write.
//! Source: SVG 1.1 (W3C), XML 1.0 §2.2 (which characters there are).

use std::fmt::Write;

use super::nodes::{Kind, Node};

/// Draws the trees, one below the other.
pub(super) fn draw(nodes: &[Node]) -> String {
    let mut columns = Vec::new();
    nodes.iter().for_each(|node| measure(node, 0, &mut columns));
    let mut picture = Picture { columns, next_row: MARGIN, boxes: String::new(), paths: String::new() };
    for node in nodes {
        picture.put(node, 0);
        picture.next_row += BETWEEN_TREES;
    }
    picture.finished()
}

/// The width that each column needs.
fn measure(node: &Node, depth: usize, columns: &mut Vec<usize>) {
    if columns.len() == depth {
        columns.push(0);
    }
    columns[depth] = columns[depth].max(width(node));
    node.below.iter().for_each(|child| measure(child, depth + 1, columns));
}

fn width(node: &Node) -> usize {
    let longest = node.lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    longest * CHARACTER + 2 * PADDING
}

fn height(node: &Node) -> usize {
    node.lines.len() * LINE + 2 * PADDING
}

/// A picture in the making; all lengths are pixels.
struct Picture {
    /// The width of each column's widest box.
    columns: Vec<usize>,
    /// Where the next leaf's top is.
    next_row: usize,
    boxes: String,
    paths: String,
}

impl Picture {
    /// Places a node beside all below it; gives the height of its middle.
    fn put(&mut self, node: &Node, depth: usize) -> usize {
        let x = self.columns[..depth].iter().map(|width| width + BETWEEN_COLUMNS).sum::<usize>() + MARGIN;
        let top = self.next_row;
        let middles: Vec<usize> = node.below.iter().map(|child| self.put(child, depth + 1)).collect();
        let middle = match (middles.first(), middles.last()) {
            // A box higher than its one leaf must not reach into what is above.
            (Some(first), Some(last)) => ((first + last) / 2).max(top + height(node) / 2),
            _ => top + height(node) / 2,
        };
        self.next_row = self.next_row.max(middle - height(node) / 2 + height(node) + BETWEEN_ROWS);
        self.put_box(node, x, middle - height(node) / 2);
        for (child, below) in node.below.iter().zip(middles) {
            self.put_path(child, (x + width(node), middle), (x + self.columns[depth] + BETWEEN_COLUMNS, below));
        }
        middle
    }

    fn put_box(&mut self, node: &Node, x: usize, y: usize) {
        let class = match node.kind {
            Kind::Group => "group",
            Kind::Values => "values",
            Kind::Elsewhere => "elsewhere",
        };
        let (width, height) = (width(node), height(node));
        writeln!(self.boxes, r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}" rx="4"/>"#)
            .expect(INFALLIBLE);
        for (at, line) in node.lines.iter().enumerate() {
            let (x, y) = (x + PADDING, y + PADDING + at * LINE + BASELINE);
            writeln!(self.boxes, r#"<text x="{x}" y="{y}">{}</text>"#, escaped(line)).expect(INFALLIBLE);
        }
    }

    fn put_path(&mut self, child: &Node, (x, y): (usize, usize), (to_x, to_y): (usize, usize)) {
        let class = if child.evaluates { "evaluated" } else { "unevaluated" };
        let half = to_x - BETWEEN_COLUMNS / 2;
        writeln!(
            self.paths,
            r#"<path class="{class}" d="M{x} {y}H{}C{half} {y} {half} {to_y} {to_x} {to_y}"/>"#,
            to_x - BETWEEN_COLUMNS
        )
        .expect(INFALLIBLE);
    }

    fn finished(self) -> String {
        let columns = self.columns.iter().map(|width| width + BETWEEN_COLUMNS).sum::<usize>();
        let width = 2 * MARGIN + columns.saturating_sub(BETWEEN_COLUMNS);
        let height = self.next_row + MARGIN;
        let Self { boxes, paths, .. } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
             <title>Routed names</title>\n<style>{STYLE}</style>\n<rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n\
             {paths}{boxes}</svg>\n"
        )
    }
}

const MARGIN: usize = 16;
const PADDING: usize = 8;
/// From one line of a box to the next, and from a line's top to its baseline.
const LINE: usize = 16;
const BASELINE: usize = 12;
/// As wide as a character of a monospaced font of 12 pixels gets.
const CHARACTER: usize = 8;
const BETWEEN_COLUMNS: usize = 48;
const BETWEEN_ROWS: usize = 10;
const BETWEEN_TREES: usize = 14;
const INFALLIBLE: &str = "a String takes all that is written";
const STYLE: &str = "\
text{font-family:monospace;font-size:12px;fill:#1b1f24}\
rect{fill:#f6f8fa;stroke:#57606a}\
.ground{fill:#fff;stroke:none}\
.group{fill:#ddf4ff}\
.elsewhere{stroke-dasharray:4}\
path{fill:none;stroke:#57606a}\
.unevaluated{stroke-dasharray:4}";

/// Text as XML has it; characters that XML has none of become U+FFFD.
fn escaped(line: &str) -> String {
    let mut text = String::new();
    for c in line.chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '\u{fffe}' | '\u{ffff}' => text.push(char::REPLACEMENT_CHARACTER),
            _ if c.is_control() => text.push(char::REPLACEMENT_CHARACTER),
            _ => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_text_whatever_it_says() {
        assert_eq!(escaped("a <b> & \"c\"\u{1}\u{ffff}"), "a &lt;b&gt; &amp; \"c\"\u{fffd}\u{fffd}");
    }
}
