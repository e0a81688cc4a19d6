//! The trees as text: a line a branch, with its times in columns beside it.
//!
//! Invariant: a line's columns begin where every other's do, whatever the trees' depth.

use std::time::Duration;

use crate::control::branches::{Branch, Drawn, Group, LeadsTo, Tree};
use crate::control::failover_time::BranchTime;

/// One line of the table.
struct Row {
    text: String,
    time: BranchTime,
}

/// Draws the trees below one header.
pub(super) fn draw(trees: &[Tree]) -> String {
    let mut rows = Vec::new();
    for tree in trees {
        rows.push(Row { text: format!("{} {}", tree.title(), tree.root.rule()), time: tree.root.time });
        put_branches(&tree.root, "", &mut rows);
    }
    let width = rows.iter().map(|row| row.text.chars().count()).max().unwrap_or(0);
    let mut text = line("ROUTED NAME", width, ["DETECT", "+ CACHES", "= FAIL OVER"].map(str::to_owned));
    for row in &rows {
        let BranchTime { detect, cache } = row.time;
        text.push('\n');
        text.push_str(&line(&row.text, width, [maybe(detect), seconds(cache), maybe(row.time.total())]));
    }
    text
}

fn line(text: &str, width: usize, [detect, cache, total]: [String; 3]) -> String {
    format!(" {text:width$}  {detect:>8}  {cache:>8}  {total:>11}")
}

fn put_branches(group: &Group, indent: &str, rows: &mut Vec<Row>) {
    let last = group.branches.len() - 1;
    for (at, branch) in group.branches.iter().enumerate() {
        let (here, below) = if at == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        rows.push(Row { text: format!("{indent}{here}{}", words(branch)), time: branch.time });
        if let LeadsTo::Alias { drawn: Drawn::Here(group), .. } = &branch.leads_to {
            put_branches(group, &format!("{indent}{below}"), rows);
        }
    }
}

/// `eu: continent EU → eu.example.org. latency`
fn words(branch: &Branch) -> String {
    let target = branch.target().map(|target| format!("→ {target}"));
    let words: Vec<String> = Some(branch.part()).filter(|part| !part.is_empty()).into_iter().chain(target).collect();
    words.join(" ")
}

/// No time is one that never comes.
fn maybe(duration: Option<Duration>) -> String {
    duration.map_or_else(|| "never".to_owned(), seconds)
}

/// `42 s`, `0.9 s`
pub(super) fn seconds(duration: Duration) -> String {
    match duration.subsec_millis() {
        0 => format!("{} s", duration.as_secs()),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}
