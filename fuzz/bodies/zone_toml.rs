//! Any octets are read as zone TOML and as `waypost.toml`, with problems or without, and never with a panic.
//!
//! Not a test of what is read: see `tests/zone_rules.rs`. Loads no file: the one that can be included is below.
//! Invariants: nothing is refused without an error, every problem says where it is; a state that comes back compiles,
//! and is the same when it is printed and read back. Source: docs/zone-files.md, docs/configuration.md.

use std::sync::Arc;

use waypost::config;
use waypost::control::build::build;
use waypost::control::expand::expand;
use waypost::control::load::load_zones;
use waypost::control::state::State;
use waypost::problem::Problems;
use waypost::zone::hosted_zone::HostedZone;
use waypost::zone::master::{Include, Source};
use waypost::zone::record_set::Origin;

pub fn run(octets: &[u8]) {
    let (state, problems) = load(vec![octets.to_vec()]);
    check_problems(&problems, state.is_some());
    if let Some(state) = state {
        build(state.clone(), &Default::default(), None)
            .unwrap_or_else(|errors| panic!("loads, and does not compile: {errors:?}"));
        check_expanded(state);
    }
    if let Ok(text) = str::from_utf8(octets) {
        let (config, problems) = config::parse(&FILE.into(), text);
        check_problems(&problems, config.is_some());
    }
}

const FILE: &str = "fuzz.toml";

fn load(texts: Vec<Vec<u8>>) -> (Option<State>, Problems) {
    let sources = texts.into_iter().map(|octets| Source { file: FILE.into(), octets }).collect();
    load_zones(sources, &mut OneFile, 1)
}

/// Either something came of the text or an error says why not; every problem has its place in a text that was read.
fn check_problems(problems: &Problems, came: bool) {
    assert_eq!(came, !problems.has_errors(), "{problems}");
    for place in problems.iter().filter_map(|problem| problem.place.as_ref()) {
        assert!([FILE, INCLUDED].contains(&&*place.file), "{}: a file that was not read", place.file);
        assert!(place.line > 0 && place.column > 0 && place.width > 0, "{place:?}");
    }
}

fn check_expanded(state: State) {
    let texts: Vec<String> = expand(&state).into_iter().map(|expanded| expanded.text).collect();
    let (again, problems) = load(texts.iter().map(|text| text.clone().into_bytes()).collect());
    let again = again.unwrap_or_else(|| panic!("printed, it has problems\n{problems}{}", texts.join("\n")));
    assert_eq!(without_places(again), without_places(state), "printed as\n{}", texts.join("\n"));
}

/// The state without what says where it was written.
fn without_places(mut state: State) -> State {
    for zone in &mut state.zones {
        let mut record_sets = zone.record_sets.clone();
        record_sets.iter_mut().for_each(|set| set.origin = Origin::default());
        *zone = Arc::new(HostedZone {
            name: zone.name.clone(),
            record_sets,
            hidden: 0,
            groups: zone.groups.clone(),
            files: Vec::new(),
        });
    }
    state
}

struct OneFile;

const INCLUDED: &str = "other.zone";

impl Include for OneFile {
    fn load(&mut self, path: &str, _from: &str) -> Result<Source, String> {
        match path {
            INCLUDED => Ok(Source { file: path.into(), octets: b"included 60 A 192.0.2.9\n@ 60 TXT text\n".to_vec() }),
            _ => Err("it is not there".to_owned()),
        }
    }
}
