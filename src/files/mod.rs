//! The operator's files, from disk to what can be served: one call for `serve`, for its reloads, and for the commands.
//!
//! Reads and judges nothing: `config`, `control::load` and `control::build` do. Invariant: all or nothing; what comes
//! back can be served as it is, and every problem in every file is reported in one run.

mod glob;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::{self, Config};
use crate::control::build::{Built, build};
use crate::control::load::load_zones;
use crate::problem::{Problem, Problems};
use crate::zone::master::{Include, Source};

/// What the files say.
#[derive(Debug)]
pub struct Loaded {
    pub config: Config,
    pub built: Built,
    pub warnings: Problems,
    /// Every file that was read, the server's own first.
    pub paths: Vec<PathBuf>,
}

/// Reads the server's file at `config`, its zones and what they include.
///
/// `serial` is for the SOAs that are made, not written; `before` shares the zones that have not changed.
///
/// # Errors
/// Every problem in every file, when one is an error.
pub fn load(config: &Path, serial: u32, before: Option<&Built>) -> Result<Loaded, Problems> {
    let mut reader = Reader { paths: Vec::new() };
    let source = reader.read(config).map_err(|error| unreadable("the configuration", config, &error))?;
    let text = String::from_utf8_lossy(&source.octets);
    let (parsed, mut problems) = config::parse(&source.file, &text);
    let Some(parsed) = parsed else { return Err(problems) };
    let zones = reader.read_zones(config, &parsed, &mut problems);
    let (state, found) = load_zones(zones, &mut reader, serial);
    problems.append(found);
    let Some(state) = state.filter(|_| !problems.has_errors()) else { return Err(problems) };
    match build(state, before) {
        Ok(built) => Ok(Loaded { config: parsed, built, warnings: problems, paths: reader.paths }),
        Err(errors) => {
            errors.into_iter().for_each(|error| problems.push(Problem::error(error.to_string())));
            Err(problems)
        }
    }
}

/// Reads files and remembers which.
struct Reader {
    paths: Vec<PathBuf>,
}

impl Reader {
    fn read(&mut self, path: &Path) -> io::Result<Source> {
        let octets = fs::read(path)?;
        if !self.paths.iter().any(|known| known == path) {
            self.paths.push(path.to_owned());
        }
        Ok(Source { file: path.to_string_lossy().into(), octets })
    }

    /// The zone files that the configuration names, each once.
    fn read_zones(&mut self, config: &Path, parsed: &Config, problems: &mut Problems) -> Vec<Source> {
        let mut sources: Vec<Source> = Vec::new();
        for pattern in &parsed.zones.files {
            for path in expand(directory_of(config), pattern, problems) {
                let is_known = sources.iter().any(|source| *source.file == *path.to_string_lossy());
                match self.read(&path) {
                    Ok(_) if is_known => {}
                    Ok(source) => sources.push(source),
                    Err(error) => problems.append(unreadable("the zone file", &path, &error)),
                }
            }
        }
        sources
    }
}

/// Included files are relative to the file that includes them.
impl Include for Reader {
    fn load(&mut self, path: &str, from: &str) -> Result<Source, String> {
        let path = directory_of(Path::new(from)).join(path);
        self.read(&path).map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// The paths that one entry of `[zones] files` stands for; a path without wildcards stands for itself, there or not.
fn expand(directory: &Path, pattern: &str, problems: &mut Problems) -> Vec<PathBuf> {
    if !glob::is_pattern(pattern) {
        return vec![directory.join(pattern)];
    }
    match glob::expand(directory, pattern) {
        Ok(paths) => {
            if paths.is_empty() {
                let shown = directory.join(pattern);
                problems.push(Problem::warning(format!("no zone file is called {}", shown.display())));
            }
            paths
        }
        Err((path, error)) => {
            problems.append(unreadable("the directory", &path, &error));
            Vec::new()
        }
    }
}

fn unreadable(what: &str, path: &Path, error: &io::Error) -> Problems {
    let problem = Problem::error(format!("reading {what} {}: {error}", path.display()));
    match error.kind() {
        io::ErrorKind::NotFound => problem.help("paths are relative to the file that names them").into(),
        _ => problem.into(),
    }
}

/// Where a file lies; empty for the current directory.
fn directory_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new(""))
}
