//! All zone files to one state, all or nothing.
//!
//! Opens no file: included ones come from the caller. Invariant: a state is returned exactly when no problem is
//! an error, and then every name, health check and alias target in it exists and no reference loops.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use super::references;
use super::state::State;
use super::zone_file::{self, ZoneFile};
use crate::problem::{Place, Problem, Problems};
use crate::text::Text;
use crate::wire::name::Name;
use crate::zone::check;
use crate::zone::hosted_zone::HostedZone;
use crate::zone::master::{Include, Source};

/// Reads `files`, zone TOML or (`*.zone`) master files. `serial` is for the SOAs that are made, not written.
///
/// The state is none when a problem is an error; warnings leave it.
pub fn load_zones(files: Vec<Source>, include: &mut dyn Include, serial: u32) -> (Option<State>, Problems) {
    join_zones(files.into_iter().map(|source| read_zone(source, include, serial)).collect())
}

/// One file and what it includes, read and checked by itself: in whatever order, and beside others.
pub struct ReadZone {
    read: ZoneFile,
    /// What the rules say of the zone.
    found: Problems,
    texts: Texts,
}

/// Reads one file, as [`load_zones`] does.
pub fn read_zone(source: Source, include: &mut dyn Include, serial: u32) -> ReadZone {
    let mut texts = Texts::default();
    let read = zone_file::read(source, &mut Reading { inner: include, texts: &mut texts }, serial);
    let mut found = Problems::default();
    if let Some(zone) = &read.zone {
        // A file that could not be read in full lacks what it may well hold, so nothing is called missing.
        let findings = if read.problems.has_errors() { check::check_partial(zone) } else { check::check(zone) };
        findings.into_iter().for_each(|finding| found.push(texts.finding(zone, finding)));
    }
    ReadZone { read, found, texts }
}

/// One state of all files, in the order in which they are named.
pub fn join_zones(files: Vec<ReadZone>) -> (Option<State>, Problems) {
    let mut texts = Texts::default();
    let mut problems = Problems::default();
    let mut zones: Vec<Arc<HostedZone>> = Vec::new();
    let mut names: HashMap<Name, Arc<str>> = HashMap::new();
    let mut defined = Vec::new();
    let mut collections = Vec::new();
    let mut is_whole = true;
    for ReadZone { read, found, texts: own_texts } in files {
        let ZoneFile { zone, place, checks, collections: own_collections, problems: own_problems } = read;
        collections.extend(own_collections);
        is_whole &= !own_problems.has_errors();
        problems.append(own_problems);
        defined.extend(checks);
        texts.kept.extend(own_texts.kept);
        let Some(zone) = zone else { continue };
        problems.append(found);
        if let Some(first) = names.insert(zone.name.clone(), zone.files[0].clone()) {
            let problem = Problem::error(format!("the zone {} is already defined in {first}", zone.name));
            problems.push(match place {
                Some(place) => problem.at(place),
                None => problem,
            });
        }
        zones.push(Arc::new(zone));
    }
    references::check_references(&zones, &defined, is_whole, &texts, &mut problems);
    references::check_collections(&zones, &collections, is_whole, &texts, &mut problems);
    let checks = defined.into_iter().map(|defined| (defined.id, defined.place, defined.check));
    let checks = gather(checks, "health check", CHECKS_SPACE, &mut problems);
    let collections = collections.into_iter().map(|defined| (defined.id, defined.place, defined.collection));
    let collections = gather(collections, "CIDR collection", COLLECTIONS_SPACE, &mut problems);
    let collections = collections.into_iter().map(|(id, collection)| (id, Arc::new(collection))).collect();
    let state = (!problems.has_errors()).then_some(State { zones, checks, collections, ..State::default() });
    (state, problems)
}

/// One map of all that is defined. One name may be defined in several files, if all say the same: it is one thing then.
fn gather<Id: Ord + Clone + fmt::Display, T: PartialEq>(
    defined: impl Iterator<Item = (Id, Place, Option<T>)>,
    noun: &str,
    help: &str,
    problems: &mut Problems,
) -> BTreeMap<Id, T> {
    let mut first_places = BTreeMap::new();
    let mut gathered = BTreeMap::new();
    for (id, place, value) in defined {
        let Some(value) = value else { continue };
        let Some(first) = gathered.get(&id) else {
            first_places.insert(id.clone(), (place.file, place.line));
            gathered.insert(id, value);
            continue;
        };
        if *first != value {
            let (file, line) = &first_places[&id];
            let message = format!("the {noun} {:?} is defined otherwise at {file}:{line}", id.to_string());
            problems.push(Problem::error(message).help(help).at(place));
        }
    }
    gathered
}

const CHECKS_SPACE: &str = "names of endpoints and checks are one space over all zone files; equal definitions are one check";
const COLLECTIONS_SPACE: &str = "names of collections are one space over all zone files; equal definitions are one collection";

/// What each file said, for the lines that problems show.
#[derive(Default)]
pub(super) struct Texts {
    kept: HashMap<Arc<str>, Kept>,
}

/// A file's octets; as text from when a problem first shows a line of it.
struct Kept {
    octets: Arc<Vec<u8>>,
    text: OnceCell<Text>,
}

impl Texts {
    /// The place of a line, from 1, of a file that was read.
    pub fn place_of_line(&self, file: &Arc<str>, line: u32) -> Place {
        let Some(kept) = self.kept.get(file) else { return Text::new(file.clone(), "").place_of_line(line) };
        let text = kept.text.get_or_init(|| Text::new(file.clone(), String::from_utf8_lossy(&kept.octets)));
        text.place_of_line(line)
    }

    /// A finding as a problem with its place.
    pub fn finding(&self, zone: &HostedZone, finding: check::Finding) -> Problem {
        let file = &zone.files[usize::from(finding.at.file).min(zone.files.len() - 1)];
        finding.problem.at(self.place_of_line(file, finding.at.line))
    }
}

/// Loads included files, with what was read kept.
pub(super) struct Reading<'i> {
    inner: &'i mut dyn Include,
    texts: &'i mut Texts,
}

impl Reading<'_> {
    pub fn keep(&mut self, file: &Arc<str>, octets: Arc<Vec<u8>>) {
        self.texts.kept.insert(file.clone(), Kept { octets, text: OnceCell::new() });
    }

    /// The place of a line, from 1, of a file that was read.
    pub fn place_of_line(&self, file: &Arc<str>, line: u32) -> Place {
        self.texts.place_of_line(file, line)
    }
}

impl Include for Reading<'_> {
    fn load(&mut self, path: &str, from: &str) -> Result<Source, String> {
        self.inner.load(path, from)
    }
}
