//! The files that `[geo]` names, from disk to [`Places`].
//!
//! Decodes nothing itself: `places::database` and `places::latency` do. Invariant: a file with the octets of the load
//! before is not decoded again, and its table is the very same: by that it is known which client maps still hold
//! (`Places::is_same`).

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::Path;
use std::sync::Arc;

use crate::config::{Geo, NamedFile, beside};
use crate::places::Places;
use crate::places::database::Database;
use crate::places::latency::LatencyTable;
use crate::problem::{Problem, Problems};
use crate::text::Text;

/// The tables of one load, each with what tells its octets from others.
#[derive(Clone, Debug, Default)]
pub(super) struct GeoFiles {
    database: Option<Kept<Database>>,
    latency: Option<Kept<LatencyTable>>,
}

impl GeoFiles {
    /// Reads the files that `geo` names; what has a problem is missing. `config_path` is where `geo` was read.
    pub fn read(geo: &Geo, config_path: &Path, before: &Self) -> (Self, Problems) {
        let mut problems = Problems::default();
        let database = geo.mmdb.as_ref().map(|file| read_table(file, config_path, before.database.as_ref(), read_database));
        let latency = geo.latency.as_ref().map(|file| read_table(file, config_path, before.latency.as_ref(), read_latency));
        let files = Self {
            database: database.and_then(|read| read.map_err(|found| problems.append(found)).ok()),
            latency: latency.and_then(|read| read.map_err(|found| problems.append(found)).ok()),
        };
        (files, problems)
    }

    /// What client maps are made of.
    pub fn places(&self, geo: &Geo) -> Places {
        Places {
            database: self.database.as_ref().map(|kept| kept.table.clone()),
            latency: self.latency.as_ref().map(|kept| kept.table.clone()),
            margin_micros: u32::try_from(geo.margin.as_micros()).expect("a margin is at most a minute (config::read_geo)"),
        }
    }
}

/// A table and the octets that it was read from.
#[derive(Debug)]
struct Kept<T> {
    octets: Fingerprint,
    table: Arc<T>,
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self { octets: self.octets, table: self.table.clone() }
    }
}

/// Stands for octets, which may be a hundred megabytes. Times and sizes of files would not do: a file may be written twice
/// within one tick of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fingerprint {
    len: usize,
    hash: u64,
}

impl Fingerprint {
    fn of(octets: &[u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(octets);
        Self { len: octets.len(), hash: hasher.finish() }
    }
}

/// The table before if the file has its octets, else what `decode` makes of them.
fn read_table<T>(
    file: &NamedFile,
    config_path: &Path,
    before: Option<&Kept<T>>,
    decode: impl FnOnce(&NamedFile, &Path, Vec<u8>) -> Result<T, Problems>,
) -> Result<Kept<T>, Problems> {
    let path = beside(config_path, &file.path);
    let content = fs::read(&path).map_err(|error| {
        let problem = Problem::error(format!("reading {}: {error}", path.display()));
        problem.help(format!("paths are relative to {}", beside(config_path, ".").display())).at(file.place.clone())
    })?;
    let octets = Fingerprint::of(&content);
    if let Some(known) = before.filter(|known| known.octets == octets) {
        return Ok(known.clone());
    }
    Ok(Kept { octets, table: Arc::new(decode(file, &path, content)?) })
}

fn read_database(file: &NamedFile, path: &Path, octets: Vec<u8>) -> Result<Database, Problems> {
    Database::read(octets).map_err(|error| {
        let problem = Problem::error(format!("reading the geo database: {} {error}", path.display()));
        problem.at(file.place.clone()).into()
    })
}

fn read_latency(_: &NamedFile, path: &Path, octets: Vec<u8>) -> Result<LatencyTable, Problems> {
    let file: Arc<str> = path.to_string_lossy().into();
    let content = String::from_utf8(octets).map_err(|error| {
        let (at, text) = (error.utf8_error().valid_up_to(), String::from_utf8_lossy(error.as_bytes()));
        let place = Text::new(file.clone(), &*text).place(at..at + 1);
        Problem::error("reading the latency table: an octet that is not UTF-8").help("a text file in UTF-8").at(place)
    })?;
    let (table, problems) = LatencyTable::read(&Text::new(file, content));
    table.ok_or(problems)
}
