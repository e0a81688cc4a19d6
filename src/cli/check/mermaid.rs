//! The trees as a mermaid flowchart, for documents that draw those.
//!
//! Invariant: no text of an operator's ends a label or means anything to mermaid: what could is an entity.
//! Source: mermaid's documentation, "Flowcharts - Basic Syntax", "Entity codes to escape characters".

use std::fmt::Write;

use super::nodes::{Kind, Node};

/// Draws each tree from left to right.
pub(super) fn draw(nodes: &[Node]) -> String {
    let mut text = String::from("flowchart LR\n");
    let mut count = 0;
    for node in nodes {
        put(node, &mut count, &mut text);
    }
    text.push_str("    classDef elsewhere stroke-dasharray: 4\n");
    text
}

/// Writes a node, all below it and the arrows to those; gives its number.
fn put(node: &Node, count: &mut usize, text: &mut String) -> usize {
    let number = *count;
    *count += 1;
    let lines: Vec<String> = node.lines.iter().map(|line| escaped(line)).collect();
    let label = lines.join("<br/>");
    let shape = match node.kind {
        Kind::Group => format!("[\"{label}\"]"),
        Kind::Values => format!("(\"{label}\")"),
        Kind::Elsewhere => format!("[\"{label}\"]:::elsewhere"),
    };
    writeln!(text, "    n{number}{shape}").expect(INFALLIBLE);
    for child in &node.below {
        let below = put(child, count, text);
        let arrow = if child.evaluates { "-->" } else { "-.->" };
        writeln!(text, "    n{number} {arrow} n{below}").expect(INFALLIBLE);
    }
    number
}

const INFALLIBLE: &str = "a String takes all that is written";

/// Letters, digits and what is common in names and times stand for themselves.
fn escaped(line: &str) -> String {
    let mut text = String::new();
    for c in line.chars() {
        if c.is_alphanumeric() || " .,:-_()%+/".contains(c) {
            text.push(c);
        } else {
            write!(text, "#{};", u32::from(c)).expect(INFALLIBLE);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_says_nothing_to_mermaid() {
        assert_eq!(escaped("fra: primary, at 50.11, 8.68"), "fra: primary, at 50.11, 8.68");
        assert_eq!(escaped("\"]; <b>#`&\n"), "#34;#93;#59; #60;b#62;#35;#96;#38;#10;");
    }
}
