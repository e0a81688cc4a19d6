//! Documents that name what exists: the modules in `docs/ARCHITECTURE.md`, the crates in `docs/dependencies.md`.
//!
//! Reads a name where a document gives it a place of its own: in backticks, first in a row of a table.
//! Invariant: what is named exists, and what exists is named.

use std::collections::BTreeSet;

use crate::source::{read, read_text};
use crate::{NOTHING, refuse};

/// Lines of the map, so that it stays one.
const MAP_LINES_MAX: usize = 200;

#[test]
fn the_architecture_names_every_module_and_no_dead_one() {
    let map = read_text("docs/ARCHITECTURE.md");
    let modules = read(&["src"]).iter().filter_map(|file| file.module().map(str::to_owned)).collect();
    let mut found = compare("docs/ARCHITECTURE.md", &first_cells(section(&map, "## Modules")), "src", &modules);
    found.extend(check_length(&map));
    refuse(found);
}

#[test]
fn every_dependency_is_listed_with_its_reason() {
    let document = read_text("docs/dependencies.md");
    let mut crates = dependencies(&read_text("Cargo.toml"));
    crates.append(&mut dependencies(&read_text("fuzz/Cargo.toml")));
    crates.remove("waypost");
    let mut found = compare("docs/dependencies.md", &first_cells(&document), "Cargo.toml", &crates);
    found.extend(rows_without_reason(&document));
    refuse(found);
}

/// The names that only one of two places has.
fn compare(document: &str, named: &BTreeSet<String>, place: &str, existing: &BTreeSet<String>) -> Vec<String> {
    let missing = existing.difference(named).map(|name| format!("{document}: `{name}` is in {place} and has no row"));
    let dead = named.difference(existing).map(|name| format!("{document}: `{name}` has a row and is not in {place}"));
    missing.chain(dead).collect()
}

/// The text from a heading to the next of its level.
fn section<'t>(text: &'t str, heading: &str) -> &'t str {
    let Some(start) = text.find(heading) else { return "" };
    let body = &text[start + heading.len()..];
    body.find("\n## ").map_or(body, |end| &body[..end])
}

/// The names in backticks in the first cell of each row of a table: `a` and `b` of ``| `a`, `b` | … |``.
fn first_cells(text: &str) -> BTreeSet<String> {
    text.lines().filter_map(cells).flat_map(|cells| names(cells[0])).collect()
}

/// The cells of a table's row.
fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.split('|').map(str::trim).collect())
}

fn names(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The rows of crates that leave the reason or the rejected alternative out.
fn rows_without_reason(document: &str) -> Vec<String> {
    let rows = document.lines().filter_map(cells).filter(|cells| !names(cells[0]).is_empty());
    rows.filter(|cells| cells.len() < 3 || cells[1..3].iter().any(|cell| cell.is_empty()))
        .map(|cells| format!("docs/dependencies.md: {}: a reason and a rejected alternative are needed", cells[0]))
        .collect()
}

/// The crates that a manifest depends on, in whatever table.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let manifest: toml::Table = manifest.parse().expect("cargo has read the manifest");
    ["dependencies", "dev-dependencies", "build-dependencies"]
        .iter()
        .filter_map(|kind| manifest.get(*kind)?.as_table())
        .flat_map(|table| table.keys().cloned())
        .collect()
}

fn check_length(map: &str) -> Option<String> {
    let lines = map.lines().count();
    (lines >= MAP_LINES_MAX).then(|| format!("docs/ARCHITECTURE.md: {lines} lines; fewer than {MAP_LINES_MAX} are accepted"))
}

#[test]
fn a_module_left_out_and_a_dead_one_are_caught() {
    let map = "## Modules\n| `ids` | words |\n| `gone`, `wire` | bytes |\n## Later\n| `other` | x |\n";
    let named = first_cells(section(map, "## Modules"));
    let existing = ["ids", "wire", "zone"].map(str::to_owned).into();
    let found = compare("map", &named, "src", &existing);
    assert_eq!(found, ["map: `zone` is in src and has no row", "map: `gone` has a row and is not in src"]);
}

#[test]
fn a_map_too_long_is_caught() {
    assert!(check_length(&"\n".repeat(MAP_LINES_MAX)).is_some());
    assert!(check_length(&"\n".repeat(MAP_LINES_MAX - 1)).is_none());
}

#[test]
fn dependencies_of_every_kind_are_seen() {
    let manifest = "[dependencies]\na = \"1\"\n[dev-dependencies]\nb = { version = \"2\" }\n[profile.dev]\nc = 1\n";
    assert_eq!(dependencies(manifest), ["a", "b"].map(str::to_owned).into());
}

#[test]
fn a_crate_without_reason_or_alternative_is_caught() {
    for row in ["| `a` | because | |", "| `a` | | b |", "| `a` | because |"] {
        assert_eq!(rows_without_reason(row).len(), 1, "{row}");
    }
    assert_eq!(rows_without_reason("| crate | for | not |\n|---|---|---|\n| `a` | x | y |"), NOTHING);
}
