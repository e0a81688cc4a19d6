//! Paths with `*` and `?`, as `[zones] files` has them.
//!
//! `*` stands for any characters of one path component and `?` for one; neither matches a leading dot, so that what
//! editors leave behind is no zone. There is no `**`. Invariant: matches come sorted, so that two runs see one order.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Whether a pattern stands for more than one path.
pub(super) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// The files that `pattern`, relative to `directory`, stands for.
///
/// # Errors
/// A directory that can't be read, with its path.
pub(super) fn expand(directory: &Path, pattern: &str) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let mut found = vec![directory.to_owned()];
    for component in Path::new(pattern).components() {
        let Component::Normal(name) = component else {
            // The root replaces the directory; `.` and `..` go on from it.
            found.iter_mut().for_each(|path| path.push(component));
            continue;
        };
        match name.to_str().filter(|name| is_pattern(name)) {
            None => found.iter_mut().for_each(|path| path.push(name)),
            Some(name) => found = matching_in(&found, name)?,
        }
    }
    found.retain(|path| path.is_file());
    found.sort();
    Ok(found)
}

/// What in these directories is called so.
fn matching_in(directories: &[PathBuf], pattern: &str) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let mut found = Vec::new();
    for directory in directories.iter().filter(|path| path.is_dir() || path.as_os_str().is_empty()) {
        let listed = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let entries = fs::read_dir(listed).map_err(|error| (listed.to_owned(), error))?;
        for entry in entries {
            let name = entry.map_err(|error| (listed.to_owned(), error))?.file_name();
            if name.to_str().is_some_and(|name| matches(pattern, name)) {
                found.push(directory.join(name));
            }
        }
    }
    Ok(found)
}

fn matches(pattern: &str, name: &str) -> bool {
    let hidden = name.starts_with('.') && !pattern.starts_with('.');
    !hidden && matches_rest(&pattern.chars().collect::<Vec<_>>(), &name.chars().collect::<Vec<_>>())
}

/// Tries the last `*` with ever more characters; that is enough, as earlier ones gain nothing from growing.
fn matches_rest(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                p = at + 1;
                n = taken + 1;
            }
        }
    }
    pattern[p..].iter().all(|&rest| rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_match_within_a_name() {
        for (pattern, name, expected) in [
            ("*.toml", "a.toml", true),
            ("*.toml", ".toml", false),
            ("*.toml", ".a.toml", false),
            (".*", ".a", true),
            ("*.toml", "a.toml~", false),
            ("a*b*c", "a1b2b3c", true),
            ("a*b*c", "a1b2b3", false),
            ("?.zone", "ä.zone", true),
            ("?.zone", "ab.zone", false),
            ("*", "", true),
            ("**", "x", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
