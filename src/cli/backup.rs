//! `waypost backup` and `waypost restore`: what the Route 53 API keeps, out of a running server and into one.
//!
//! Knows no record: a backup is made and judged by the server. Invariant: a backup that is not whole is neither kept
//! under its name nor sent.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde::Deserialize;

use super::api::Api;
use super::client::BaseUrl;
use super::problems::counted;
use super::{Ending, Failure};
use crate::problem::{Problem, Problems};
use crate::route53::account::backup;

/// Save what the Route 53 API of a running server keeps
///
/// Zones, record sets, health checks and all else that was made through the API, as of one moment, while the server
/// goes on answering and changing. Zones that are written in files are not in it: their files are their backup.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 when FILE holds the whole backup, 1 when the server does not answer or refuses.

Where the server has access keys, it takes one with write access to all zones: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY.

Examples:
  waypost backup account.jsonl
  waypost backup - --server http://127.0.0.1:8053 | zstd > account.jsonl.zst")]
pub(super) struct BackupArgs {
    /// Where to; - for standard output
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The server's `[http] listen`, as a URL
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8053")]
    server: BaseUrl,
}

/// Put a backup in the place of what the Route 53 API of a running server keeps
///
/// All of it or nothing: the backup is checked first, and everything that is wrong with it is told. What the API keeps
/// and the backup does not have is gone afterwards. Queries are answered all the while, from the old or from the new.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 when the backup is in use, 1 when the server does not answer, 2 when the backup is refused; then nothing was
changed.

Examples:
  waypost restore account.jsonl
  zstd -dc account.jsonl.zst | waypost restore - --server http://127.0.0.1:8053")]
pub(super) struct RestoreArgs {
    /// A file that `waypost backup` wrote; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The server's `[http] listen`, as a URL
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8053")]
    server: BaseUrl,
}

pub(super) fn run(args: &BackupArgs, out: &mut dyn Write) -> Result<Ending, Failure> {
    let api = Api::new(&args.server)?;
    let url = api.page("/v1/route53/backup");
    let (status, body) = api.send(Method::GET, url.clone(), Vec::new())?;
    if !status.is_success() {
        return Err(Refused::parse(&body).into_failure(&format!("asking {url}: {status}")));
    }
    if let Err(wrong) = backup::read(&body) {
        return Err(Failure::Failed(format!("asking {url}: the answer is no whole backup: {}", wrong[0])));
    }
    if args.file == Path::new("-") {
        out.write_all(&body)?;
        return Ok(Ending::Held);
    }
    write_whole(&args.file, &body).map_err(|error| Failure::Failed(format!("writing {}: {error}", args.file.display())))?;
    let records = body.iter().filter(|octet| **octet == b'\n').count() - 2;
    writeln!(out, "{}: {}, {} octets", args.file.display(), counted(records, "record"), body.len())?;
    Ok(Ending::Held)
}

/// Under another name first, so that a backup from before stays until this one is on the disk.
fn write_whole(file: &Path, octets: &[u8]) -> io::Result<()> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".unfinished");
    let unfinished = file.with_file_name(name);
    let written = fs::File::create(&unfinished).and_then(|mut to| {
        to.write_all(octets)?;
        to.sync_all()
    });
    written.and_then(|()| fs::rename(&unfinished, file)).inspect_err(|_| drop(fs::remove_file(&unfinished)))
}

/// What the server says of a restore.
#[derive(Deserialize)]
struct Answer {
    restored: Restored,
    changed: usize,
}

#[derive(Deserialize)]
struct Restored {
    zones: usize,
    record_sets: usize,
    health_checks: usize,
}

pub(super) fn run_restore(args: &RestoreArgs, out: &mut dyn Write) -> Result<Ending, Failure> {
    let name = args.file.display().to_string();
    let octets = read(&args.file).map_err(|error| Failure::bad_input(Problem::error(format!("reading {name}: {error}"))))?;
    backup::read(&octets).map_err(|wrong| refused(&name, &wrong))?;
    let api = Api::new(&args.server)?;
    let url = api.page("/v1/route53/restore");
    let (status, body) = api.send(Method::PUT, url.clone(), octets)?;
    if !status.is_success() {
        let said = Refused::parse(&body);
        return Err(match said.problems.is_empty() {
            true => said.into_failure(&format!("asking {url}: {status}")),
            false => refused(&name, &said.problems),
        });
    }
    let answer: Answer = serde_json::from_slice(&body)
        .map_err(|error| Failure::Failed(format!("asking {url}: the server answered what is no such page: {error}")))?;
    let Restored { zones, record_sets, health_checks } = answer.restored;
    let (zones, record_sets) = (counted(zones, "zone"), counted(record_sets, "record set"));
    let (checks, changed) = (counted(health_checks, "health check"), counted(answer.changed, "change"));
    writeln!(out, "restored {zones}, {record_sets}, {checks}: {changed}")?;
    Ok(Ending::Held)
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    if file != Path::new("-") {
        return fs::read(file);
    }
    let mut octets = Vec::new();
    io::stdin().read_to_end(&mut octets)?;
    Ok(octets)
}

fn refused(file: &str, wrong: &[String]) -> Failure {
    let mut problems = Problems::default();
    wrong.iter().for_each(|what| problems.push(Problem::error(format!("{file}: {what}"))));
    Failure::BadInput(problems)
}

/// What a page says when it is refused.
#[derive(Default, Deserialize)]
struct Refused {
    #[serde(default)]
    error: String,
    #[serde(default)]
    problems: Vec<String>,
}

impl Refused {
    fn parse(body: &[u8]) -> Self {
        let text = || String::from_utf8_lossy(body).trim().to_owned();
        serde_json::from_slice(body).unwrap_or_else(|_| Self { error: text(), problems: Vec::new() })
    }

    fn into_failure(self, doing: &str) -> Failure {
        Failure::Failed(format!("{doing}: {}", self.error))
    }
}
