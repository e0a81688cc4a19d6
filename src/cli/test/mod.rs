//! `waypost test`: scenario files, run; and every combination of failed checks, searched.
//!
//! Reads the files and prints what comes of them; `scenario` runs them. Nothing runs when one of the files is wrong.

mod junit;
mod report;
mod search;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::report::{Ran, Report};
use self::search::{Search, add_search, run_searches};
use super::explain::identity;
use super::{ConfigFile, Ending, Failure, read_files, warn, write_json};
use crate::problem::{Problem, Problems};
use crate::scenario::{Scenarios, Setting, Stage};
use crate::text::Text;

/// Test what would be answered, offline, as scenario files say it should be
///
/// Each case says which health checks are down, or what probes see on a virtual clock, who asks what, and what is
/// expected. The code that serves answers; nothing is probed, bound or waited for. A case that fails shows the decision.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 when all cases hold, 1 when one fails, 2 when a file is wrong (then none is run).

Examples:
  waypost test scenarios.toml                             every case of the file
  waypost test tests/*.toml --only 'fra down'             those whose name has this text
  waypost test scenarios.toml --junit report.xml          and a report for CI
  waypost test --all-failures 2 -c waypost.toml           is any name ever empty, whatever two checks fail?")]
pub(super) struct TestArgs {
    /// Scenario files
    #[arg(value_name = "FILE", required_unless_present = "config")]
    files: Vec<PathBuf>,
    /// Search every combination of up to K failed checks for names that are empty, outside their fence, or on one endpoint
    #[arg(long, value_name = "K")]
    all_failures: Option<usize>,
    /// The server's configuration to search, where there is no scenario file
    #[arg(short = 'c', long = "config", value_name = "FILE", requires = "all_failures", conflicts_with = "files")]
    config: Option<PathBuf>,
    /// Run only the cases whose name contains this text
    #[arg(long, value_name = "TEXT", conflicts_with = "config")]
    only: Option<String>,
    /// Write a report in JUnit's XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Print every case with what it found as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &TestArgs, out: &mut dyn Write) -> Result<Ending, Failure> {
    let mut reader = Reader::default();
    let mut files: Vec<Scenarios> = args.files.iter().filter_map(|file| reader.scenarios(file)).collect();
    let mut searches: Vec<Search> = args.config.iter().filter_map(|file| reader.search(file)).collect();
    if reader.problems.has_errors() {
        return Err(Failure::BadInput(reader.problems));
    }
    warn(&reader.problems);
    if let Some(text) = &args.only {
        files.iter_mut().for_each(|file| file.cases.retain(|case| case.name.contains(text.as_str())));
        if files.iter().all(|file| file.cases.is_empty()) {
            let problem = Problem::error(format!("no case has {text:?} in its name, so nothing would be tested"));
            return Err(Failure::bad_input(problem.help("a text that a case's name contains, capitals counting")));
        }
    }
    files.iter().for_each(|file| add_search(&mut searches, file));
    let searched = args.all_failures.map(|failures| run_searches(&searches, failures)).transpose()?;
    let report = Report { cases: files.iter().flat_map(run_cases).collect(), searched: searched.unwrap_or_default() };
    if let Some(file) = &args.junit {
        fs::write(file, junit::document(&report))
            .map_err(|error| Failure::Failed(format!("writing the report to {}: {error}", file.display())))?;
    }
    match args.json {
        true => write_json(out, &report.to_json())?,
        false => out.write_all(report.to_string().as_bytes())?,
    }
    Ok(if report.holds() { Ending::Held } else { Ending::DidNotHold })
}

fn run_cases(file: &Scenarios) -> Vec<Ran<'_>> {
    let mut stage = Stage::new(&file.setting);
    file.cases.iter().map(|case| Ran { case, outcome: stage.run(case) }).collect()
}

/// The files of one run, each configuration read once.
#[derive(Default)]
struct Reader {
    settings: BTreeMap<PathBuf, Option<Arc<Setting>>>,
    problems: Problems,
}

impl Reader {
    fn scenarios(&mut self, path: &Path) -> Option<Scenarios> {
        let content = fs::read(path).map_err(|error| error.to_string());
        let content = content.and_then(|octets| String::from_utf8(octets).map_err(|_| "it is not UTF-8".to_owned()));
        let content = content.map_err(|error| {
            let problem = Problem::error(format!("reading the scenario file {}: {error}", path.display()));
            self.problems.push(problem.help("a readable TOML file"));
        });
        let text = Text::new(path.display().to_string().into(), content.ok()?);
        let directory = path.parent().unwrap_or(Path::new(""));
        let (scenarios, problems) = crate::scenario::read(&text, |config| self.setting(&directory.join(config)));
        self.problems.append(problems);
        scenarios
    }

    /// A search of the configuration at `path`.
    fn search(&mut self, path: &Path) -> Option<Search> {
        Some(Search::new(self.setting(path)?))
    }

    /// What the configuration at `path` would serve.
    fn setting(&mut self, path: &Path) -> Option<Arc<Setting>> {
        let file = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if let Some(known) = self.settings.get(&file) {
            return known.clone();
        }
        let setting = match read_files(&ConfigFile { config: path.to_owned() }) {
            Ok(loaded) => {
                self.problems.append(loaded.warnings);
                let (config, identity) = (path.display().to_string(), identity(&loaded.config.server));
                Some(Arc::new(Setting { config, identity, built: Arc::unwrap_or_clone(loaded.built) }))
            }
            Err(problems) => {
                self.problems.append(problems);
                None
            }
        };
        self.settings.insert(file, setting.clone());
        setting
    }
}
