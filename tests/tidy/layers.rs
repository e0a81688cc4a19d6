//! The layers, as data, and the paths in the code that cross them.
//!
//! Arrows go down only, never sideways; a new one needs a page in `docs/decisions/`. Unit tests obey the table too:
//! what needs more than its module may see is tested in `tests/`.
//! Invariant: every module of `src` has exactly one row.

use crate::NOTHING;
use crate::source::Source;

/// A module, its layer, and the modules that it may name.
pub struct Row {
    pub module: &'static str,
    pub layer: Layer,
    pub may_use: &'static [&'static str],
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// A pure function of its arguments: no clock, I/O, chance, async, lock or log.
    Core,
    /// Sockets, disk, async.
    Edge,
    /// Names what it needs to name; decides nothing.
    Top,
}

use Layer::{Core, Edge, Top};

/// What the edges may know of the core.
const BELOW_THE_LINE: &[&str] = &[
    "ids",
    "modes",
    "problem",
    "geography",
    "rate_limit",
    "wire",
    "zone",
    "health",
    "places",
    "routing",
    "snapshot",
    "answer",
    "control",
    "route53",
];

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    // 1: bytes and words
    row("ids",       Core, &[]),
    row("problem",   Core, &[]),
    row("geography", Core, &[]),
    row("modes",     Core, &[]),
    row("wire",      Core, &[]),
    row("text",      Core, &["problem"]),
    row("toml_table", Core, &["problem", "text"]),
    row("rate_limit", Core, &[]),
    row("jobs",      Core, &[]),
    // 2: what is configured, what is known, who asks from where
    row("zone",      Core, &["ids", "jobs", "modes", "problem", "geography", "wire"]),
    row("health",    Core, &["ids", "modes", "problem"]),
    row("places",    Core, &["ids", "jobs", "problem", "text", "geography"]),
    // 3: which member, and why; what an answer may depend on
    row("routing",   Core, &["ids", "modes", "problem", "geography", "wire", "zone", "health", "places"]),
    row("snapshot",  Core, &["ids", "modes", "problem", "geography", "wire", "zone", "health", "places"]),
    // 4: the read side, the write side, and who may use which
    row("answer",    Core, &["ids", "modes", "problem", "geography", "rate_limit", "wire", "zone", "health", "places", "routing", "snapshot"]),
    row("control",   Core, &["ids", "jobs", "modes", "problem", "geography", "text", "toml_table", "wire", "zone", "health", "places", "routing", "snapshot"]),
    // above both: an API's notation for them
    row("route53",   Core, &["ids", "modes", "problem", "geography", "wire", "zone", "health", "places", "routing", "snapshot", "answer", "control"]),
    // beside layer 5: the services of the edges
    row("clock",     Edge, &["ids"]),
    row("telemetry", Edge, BELOW_THE_LINE),
    row("resolver",  Edge, &[]),
    row("explain",   Edge, &["ids", "modes", "places", "wire", "zone", "health", "routing", "snapshot", "answer"]),
    row("scenario",  Edge, &["ids", "modes", "problem", "geography", "text", "toml_table", "wire", "zone", "health", "places", "routing", "snapshot",
                             "answer", "control", "explain"]),
    row("config",    Edge, &["ids", "modes", "problem", "geography", "rate_limit", "text", "toml_table", "wire", "zone", "health", "places", "control", "route53"]),
    row("files",     Edge, &["jobs", "problem", "text", "zone", "places", "control", "config", "route53"]),
    // 5: sockets, disk, async; edges do not see each other
    row("server",    Edge, &["ids", "problem", "geography", "rate_limit", "wire", "places", "routing", "snapshot", "answer", "clock", "telemetry", "config"]),
    row("prober",    Edge, &["ids", "modes", "problem", "health", "clock", "telemetry", "resolver", "config"]),
    row("external",  Edge, &["ids", "wire", "zone", "clock", "resolver"]),
    row("store",     Edge, &["ids", "modes", "problem", "geography", "wire", "zone", "health", "control", "route53", "clock", "telemetry", "config"]),
    row("cluster",   Edge, &["ids", "modes", "problem", "health", "control", "clock", "telemetry", "config"]),
    row("api",       Edge, &["ids", "modes", "problem", "geography", "wire", "zone", "health", "places", "routing", "snapshot", "answer", "control", "route53",
                             "explain", "clock", "telemetry", "config"]),
    row("dashboard", Edge, &["ids", "modes", "wire", "zone", "health", "routing", "snapshot", "answer", "telemetry"]),
    // 6: wiring
    row("node",      Top,  &["ids", "modes", "problem", "geography", "rate_limit", "wire", "zone", "health", "places", "routing", "snapshot", "answer", "control", "route53",
                             "clock", "telemetry", "resolver", "config", "files", "server", "prober", "external", "store", "cluster", "api", "dashboard"]),
    // 7: the commands; `prober` for `waypost probe`, which is one attempt and no node
    row("cli",       Top,  &["ids", "modes", "problem", "geography", "text", "wire", "zone", "health", "places", "routing", "snapshot", "answer", "control", "route53",
                             "explain", "scenario", "clock", "telemetry", "resolver", "config", "files", "prober", "node"]),
    row("main",      Top,  &["cli"]),
];

const fn row(module: &'static str, layer: Layer, may_use: &'static [&'static str]) -> Row {
    Row { module, layer, may_use }
}

/// The row of a module; `lib` has none, for it only declares.
pub fn row_of(module: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.module == module)
}

/// Each path of the file that the table does not allow, in words.
pub fn check_layers(source: &Source) -> Vec<String> {
    let Some(module) = source.module().filter(|module| *module != "lib") else { return Vec::new() };
    let Some(row) = row_of(module) else {
        return vec![format!("{}: the module `{module}` has no row in tests/tidy/layers.rs", source.path)];
    };
    named_modules(source)
        .into_iter()
        .filter(|(_, named)| named != module && row_of(named).is_some() && !row.may_use.contains(&named.as_str()))
        .map(|(line, named)| {
            let may = if row.may_use.is_empty() { "nothing".to_owned() } else { row.may_use.join(", ") };
            format!("{}:{line}: `{module}` names `{named}`; it may use {may}", source.path)
        })
        .collect()
}

/// The first segment of each path from the crate's root, with its line.
fn named_modules(source: &Source) -> Vec<(usize, String)> {
    let above = "super::".repeat(source.depth());
    let mut roots = vec!["crate::", "waypost::"];
    if !above.is_empty() {
        roots.push(&above);
    }
    let mut found = Vec::new();
    for root in roots {
        for (at, _) in source.code.match_indices(root) {
            if source.code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':') {
                continue;
            }
            let line = source.code[..at].matches('\n').count() + 1;
            let rest = &source.code[at + root.len()..];
            found.extend(first_segments(rest).into_iter().map(|segment| (line, segment)));
        }
    }
    found
}

/// `a` of `a::b`; `a` and `c` of `{a::{b}, c}`.
fn first_segments(path: &str) -> Vec<String> {
    let Some(group) = path.strip_prefix('{') else { return vec![word(path)] };
    let mut depth = 1;
    let mut segments = vec![word(group)];
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => segments.push(word(&group[at + 1..])),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    segments
}

fn word(text: &str) -> String {
    text.trim_start().chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}

#[test]
fn an_arrow_upward_or_sideways_is_caught_in_every_spelling() {
    for (path, text) in [
        ("src/zone/tree.rs", "use crate::health::table::HealthTable;"),
        ("src/zone/tree.rs", "use crate::{ids::X, wire::{name, rtype}, answer};"),
        ("src/zone/tree.rs", "fn f() { let _ = crate::routing::draw::Draw::new(0); }"),
        ("src/zone/tree.rs", "use super::super::routing;"),
        ("src/zone/mod.rs", "use super::routing;"),
        ("src/wire/name.rs", "use crate::ids;"),
        ("src/ids.rs", "pub(in crate::zone) fn f() {}"),
        ("src/main.rs", "fn main() { waypost::server::run() }"),
        ("src/server/udp.rs", "use crate::prober;"),
        ("src/nowhere.rs", ""),
    ] {
        assert_eq!(check_layers(&Source::new(path, text)).len(), 1, "{path}: {text}");
    }
}

#[test]
fn an_arrow_downward_and_a_mention_are_not() {
    for (path, text) in [
        ("src/zone/tree.rs", "use crate::{ids::X, wire::{name, rtype}};\nuse super::catalog;"),
        ("src/zone/tree.rs", "//! see [`crate::answer`]\nconst X: &str = \"crate::answer\";"),
        ("src/control/build.rs", "use crate::routing::x;"),
        ("src/main.rs", "fn main() { waypost::cli::run() }"),
        ("src/lib.rs", "pub mod answer;"),
        ("tests/x.rs", "use waypost::answer;"),
    ] {
        assert_eq!(check_layers(&Source::new(path, text)), NOTHING, "{path}: {text}");
    }
}

#[test]
fn rows_name_only_rows_and_never_each_other() {
    for row in ROWS {
        for used in row.may_use {
            let below = row_of(used).unwrap_or_else(|| panic!("{} may use {used}, which has no row", row.module));
            assert!(!below.may_use.contains(&row.module), "{} and {used} name each other", row.module);
            assert!(row.layer != Core || below.layer == Core, "{} is core and {used} is not", row.module);
        }
    }
}
