//! Rust source as the checks read it: comments and the contents of literals blanked, test code marked.
//!
//! Not a parser: knows just enough of the lexical grammar to never mistake a comment or a literal for code.
//! Invariant: blanking keeps every line where it was, so the line numbers reported are those of the file.
//! Source: The Rust Reference, "Comments", "Tokens" and "Conditional compilation".

use std::fs;
use std::path::{Path, PathBuf};

/// One file of the repository.
pub struct Source {
    /// From the repository's root, with `/`.
    pub path: String,
    /// As written.
    pub text: String,
    /// The code alone: comments and the contents of literals are blanks.
    pub code: String,
    /// The code alone, without items under `#[cfg(test)]`; nothing of a `tests.rs` within `src`.
    pub shipped: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let code = blank_text(text);
        let shipped = if path.starts_with("src/") && path.ends_with("/tests.rs") { blank_all(&code) } else { blank_tests(&code) };
        Self { path: path.to_owned(), text: text.to_owned(), code, shipped }
    }

    /// The module of `src` that the file belongs to: `zone` for `src/zone/tree.rs`, `ids` for `src/ids.rs`.
    pub fn module(&self) -> Option<&str> {
        let inner = self.path.strip_prefix("src/")?;
        let first = inner.split('/').next()?;
        Some(first.strip_suffix(".rs").unwrap_or(first))
    }

    /// How many modules deep the file is: 1 for `src/ids.rs` and `src/zone/mod.rs`, 2 for `src/zone/tree.rs`.
    pub fn depth(&self) -> usize {
        let parts = self.path.split('/').count() - 1;
        if self.path.ends_with("/mod.rs") || self.path == "src/lib.rs" { parts - 1 } else { parts }
    }
}

/// Every Rust file under the named folders of the repository; folders that do not exist hold none.
pub fn read(folders: &[&str]) -> Vec<Source> {
    let mut paths = Vec::new();
    for folder in folders {
        collect(&root().join(folder), &mut paths);
    }
    paths.sort();
    paths.iter().map(|path| load(path)).collect()
}

/// The repository's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Reads one text of the repository, which must exist.
pub fn read_text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path} is needed: {error}"))
}

fn load(path: &Path) -> Source {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let name = path.strip_prefix(root()).expect("collected below the root").to_string_lossy().replace('\\', "/");
    Source::new(&name, &text)
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("a folder that opened can be listed").path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target") {
                collect(&path, paths);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// The text with comments and the contents of string and character literals as blanks.
fn blank_text(text: &str) -> String {
    let mut out = text.as_bytes().to_vec();
    let mut at = 0;
    while at < out.len() {
        let end = match token(&text.as_bytes()[at..], at.checked_sub(1).map(|before| text.as_bytes()[before])) {
            Token::Code(len) => {
                at += len;
                continue;
            }
            Token::Blank(len) => at + len,
        };
        blank(&mut out[at..end]);
        at = end;
    }
    String::from_utf8(out).expect("whole literals and comments were blanked")
}

enum Token {
    /// Octets to keep.
    Code(usize),
    /// Octets to blank: a comment or a literal.
    Blank(usize),
}

fn token(rest: &[u8], before: Option<u8>) -> Token {
    let in_word = before.is_some_and(|octet| octet.is_ascii_alphanumeric() || octet == b'_');
    match rest {
        [b'/', b'/', ..] => Token::Blank(rest.iter().position(|&octet| octet == b'\n').unwrap_or(rest.len())),
        [b'/', b'*', ..] => Token::Blank(block_comment(rest)),
        [b'"', ..] => Token::Blank(string(rest)),
        [b'r', b'"' | b'#', ..] if !in_word || before == Some(b'b') => raw_string(rest).map_or(Token::Code(1), Token::Blank),
        [b'\'', b'\\', ..] => Token::Blank(escaped_character(rest)),
        [b'\'', ..] => character(rest).map_or(Token::Code(1), Token::Blank),
        _ => Token::Code(1),
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at.min(rest.len())
}

fn string(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != b'"' {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

fn raw_string(rest: &[u8]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|&&octet| octet == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return None; // a raw identifier
    }
    let end: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let body = 2 + hashes;
    let len = rest[body..].windows(end.len()).position(|window| window == end);
    Some(len.map_or(rest.len(), |len| body + len + end.len()))
}

fn escaped_character(rest: &[u8]) -> usize {
    let close = rest.iter().skip(3).position(|&octet| octet == b'\'');
    close.map_or(rest.len(), |at| at + 4)
}

/// A character literal; none for a lifetime.
fn character(rest: &[u8]) -> Option<usize> {
    let close = rest.iter().skip(1).take(5).position(|&octet| octet == b'\'')? + 1;
    let one = std::str::from_utf8(&rest[1..close]).ok()?;
    (one.chars().count() == 1).then_some(close + 1)
}

/// The code without the items that `#[cfg(test)]` stands before.
fn blank_tests(code: &str) -> String {
    let mut out = code.as_bytes().to_vec();
    let mut from = 0;
    while let Some(start) = code[from..].find("#[cfg(test)]").map(|at| from + at) {
        let end = item_end(code.as_bytes(), start);
        blank(&mut out[start..end]);
        from = end;
    }
    String::from_utf8(out).expect("the items end at ASCII")
}

fn blank_all(code: &str) -> String {
    code.lines().map(|_| "\n").collect()
}

/// Where the item at `start` ends: at its closing brace, or at a semicolon before any brace.
pub fn item_end(code: &[u8], start: usize) -> usize {
    let mut depth = 0;
    for (at, octet) in code.iter().enumerate().skip(start) {
        match octet {
            b'{' => depth += 1,
            b'}' if depth == 1 => return at + 1,
            b'}' => depth -= 1,
            b';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

fn blank(octets: &mut [u8]) {
    octets.iter_mut().filter(|octet| **octet != b'\n').for_each(|octet| *octet = b' ');
}

#[test]
fn comments_and_literals_are_not_code() {
    for (text, expected) in [
        ("a // b\nc", "a     \nc"),
        ("a /* b /* c */ d */ e", "a                   e"),
        ("a(\"b // \\\" c\") d", "a(           ) d"),
        ("r#\"x \" y\"# z", "           z"),
        ("r#type", "r#type"),
        ("f('{', '\\'', b'\\n')", "f(   ,     , b    )"),
        ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
        ("'ö' x", "     x"),
    ] {
        assert_eq!(blank_text(text), expected, "{text}");
    }
}

#[test]
fn what_is_under_cfg_test_is_not_shipped() {
    let source = Source::new("src/x.rs", "a\n#[cfg(test)]\nmod t { fn f() { b } }\nc\n#[cfg(test)]\nuse d;\ne");
    assert_eq!(source.shipped.split_whitespace().collect::<String>(), "ace");
    assert_eq!(source.shipped.lines().count(), 7);
    let tests = Source::new("src/x/tests.rs", "fn f() {}\n\nfn g() {}");
    assert_eq!(tests.shipped, "\n\n\n");
}

#[test]
fn paths_tell_module_and_depth() {
    for (path, module, depth) in [
        ("src/ids.rs", Some("ids"), 1),
        ("src/zone/mod.rs", Some("zone"), 1),
        ("src/zone/tree.rs", Some("zone"), 2),
        ("src/lib.rs", Some("lib"), 0),
        ("tests/tidy.rs", None, 1),
    ] {
        let source = Source::new(path, "");
        assert_eq!((source.module(), source.depth()), (module, depth), "{path}");
    }
}
