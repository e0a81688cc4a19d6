//! Lint as test: layers, banned calls, file headers and sizes, and documents that name what exists.
//!
//! Reads the repository's own text and nothing else. Each check has a test of itself, with a sample that it must
//! catch; the tables are in `tidy/layers.rs` and `tidy/calls.rs`.
//! Invariant: a check that finds nothing to read fails.
//! Source: docs/ARCHITECTURE.md, "Layers".

#[path = "tidy/calls.rs"]
mod calls;
#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/source.rs"]
mod source;

use source::{Source, read, read_text};

/// Where the project's own Rust is.
const FOLDERS: &[&str] = &["src", "tests", "benches", "examples", "fuzz"];

/// Lines from which a file is listed, and from which it fails.
const LINES_LISTED: usize = 400;
const LINES_MAX: usize = 600;

#[test]
fn arrows_between_modules_go_down_only() {
    refuse(each(&["src"], layers::check_layers));
}

#[test]
fn nothing_says_what_is_banned_there() {
    refuse(each(FOLDERS, calls::check_calls));
}

#[test]
fn unsafe_code_is_denied_by_the_compiler_too() {
    let library = Source::new("src/lib.rs", &read_text("src/lib.rs"));
    assert!(denies_unsafe(&library), "src/lib.rs: `#![deny(unsafe_code)]` is needed");
}

#[test]
fn every_file_opens_by_saying_what_it_is() {
    refuse(each(FOLDERS, check_header));
}

#[test]
fn files_are_one_idea_long() {
    let files = read(FOLDERS);
    for file in files.iter().filter(|file| lines(file) > LINES_LISTED) {
        println!("{}: {} lines", file.path, lines(file));
    }
    refuse(each(FOLDERS, check_size));
}

fn check_header(file: &Source) -> Vec<String> {
    if file.text.starts_with("//! ") {
        return Vec::new();
    }
    vec![format!("{}: opens without `//!`: what it is, what it is not, its invariant, its source", file.path)]
}

fn check_size(file: &Source) -> Vec<String> {
    if lines(file) <= LINES_MAX {
        return Vec::new();
    }
    vec![format!("{}: {} lines; at most {LINES_MAX} are accepted: split it where a name appears", file.path, lines(file))]
}

fn denies_unsafe(library: &Source) -> bool {
    ["#![deny(unsafe_code)]", "#![forbid(unsafe_code)]"].iter().any(|lint| library.code.contains(lint))
}

fn lines(file: &Source) -> usize {
    file.text.lines().count()
}

/// What a check finds in every file of the folders.
fn each(folders: &[&str], check: impl Fn(&Source) -> Vec<String>) -> Vec<String> {
    let files = read(folders);
    assert!(!files.is_empty(), "no Rust files under {folders:?}");
    files.iter().flat_map(check).collect()
}

/// Fails with every problem found, not the first.
fn refuse(found: Vec<String>) {
    assert!(found.is_empty(), "{} found:\n{}", found.len(), found.join("\n"));
}

/// What a check finds in a sample that is as it should be.
const NOTHING: [&str; 0] = [];

#[test]
fn a_file_without_a_header_is_caught() {
    for text in ["", "use x;\n//! late", "/// an item's", "//!no space"] {
        assert_eq!(check_header(&Source::new("src/x.rs", text)).len(), 1, "{text:?}");
    }
    assert_eq!(check_header(&Source::new("src/x.rs", "//! What it is.")), NOTHING);
}

#[test]
fn a_file_too_long_is_caught() {
    assert_eq!(check_size(&Source::new("src/x.rs", &"\n".repeat(LINES_MAX + 1))).len(), 1);
    assert_eq!(check_size(&Source::new("src/x.rs", &"\n".repeat(LINES_MAX))), NOTHING);
}

#[test]
fn a_mention_of_the_lint_does_not_deny_unsafe() {
    assert!(denies_unsafe(&Source::new("src/lib.rs", "#![deny(unsafe_code)]")));
    assert!(!denies_unsafe(&Source::new("src/lib.rs", "//! has #![deny(unsafe_code)]")));
}
