//! The commands that the documents show, run.
//!
//! A block that opens with "```sh run" is run line by line, from the top of the repository, each by `sh -c` with the
//! built binary first in PATH; `cargo run … -- ARGUMENTS` means `waypost ARGUMENTS`. Lines that are empty or begin with `#` are passed
//! over; any other line is a mistake in the document. Each command must exit with 0 and say something.
//! Invariant: docs/commands.md has such blocks, so that the test can't run nothing.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One command and where it is shown.
struct Shown {
    place: String,
    command: String,
}

#[test]
fn the_commands_that_the_documents_show_hold() {
    let shown: Vec<Shown> = documents().iter().flat_map(|document| commands_in(document)).collect();
    assert!(shown.iter().any(|shown| shown.place.starts_with("docs/commands.md")), "docs/commands.md shows no command to run");
    let failed: Vec<String> = shown.iter().filter_map(|shown| run(shown).err()).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// README.md, where there is one, and every page of docs.
fn documents() -> Vec<PathBuf> {
    let mut documents: Vec<PathBuf> =
        [PathBuf::from("README.md")].into_iter().filter(|readme| root().join(readme).exists()).collect();
    let pages = fs::read_dir(root().join("docs")).unwrap().map(|entry| Path::new("docs").join(entry.unwrap().file_name()));
    documents.extend(pages.filter(|page| page.extension().is_some_and(|extension| extension == "md")));
    documents
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn commands_in(document: &Path) -> Vec<Shown> {
    let text = fs::read_to_string(root().join(document)).unwrap();
    let mut shown = Vec::new();
    let mut inside = false;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        match line.strip_prefix("```") {
            Some(info) => inside = !inside && info == "sh run",
            None if inside && !line.is_empty() && !line.starts_with('#') => {
                let place = format!("{}:{}", document.display(), at + 1);
                let command = command_of(line).unwrap_or_else(|| panic!("{place}: {line:?} runs neither waypost nor cargo run"));
                shown.push(Shown { place, command });
            }
            None => {}
        }
    }
    shown
}

/// The command as it is run here: the binary is built already.
fn command_of(line: &str) -> Option<String> {
    if line.starts_with("waypost ") {
        return Some(line.to_owned());
    }
    let (_, arguments) = line.strip_prefix("cargo run ")?.split_once("-- ")?;
    Some(format!("waypost {arguments}"))
}

fn run(shown: &Shown) -> Result<(), String> {
    let binary = Path::new(env!("CARGO_BIN_EXE_waypost")).parent().unwrap().to_owned();
    let path = env::join_paths([binary].into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap()))).unwrap();
    let ran = Command::new("sh").args(["-c", &shown.command]).env("PATH", path).current_dir(root()).stdin(Stdio::null()).output();
    let ran = ran.unwrap();
    if ran.status.success() && !ran.stdout.is_empty() {
        return Ok(());
    }
    let said = [ran.stdout, ran.stderr].concat();
    Err(format!("{}: {}: {}\n{}", shown.place, shown.command, ran.status, String::from_utf8_lossy(&said)))
}

#[test]
fn commands_are_found_as_they_are_written() {
    assert_eq!(command_of("waypost check").as_deref(), Some("waypost check"));
    assert_eq!(command_of("cargo run --release -- demo --keep").as_deref(), Some("waypost demo --keep"));
    assert_eq!(command_of("rm -r /"), None);
}

#[test]
fn a_command_that_fails_is_told_with_its_place() {
    let shown = Shown { place: "docs/x.md:7".into(), command: "waypost chekc".into() };
    assert!(run(&shown).unwrap_err().starts_with("docs/x.md:7: waypost chekc: exit status: 2"));
}
