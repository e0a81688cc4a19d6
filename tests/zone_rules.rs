//! The rules of zones, as pairs of files: `zones/broken/NAME.toml` (or `.zone`, or a directory of files loaded
//! together) and the problems it has in `zones/broken/NAME.expected`. `UPDATE_CASES=1` rewrites the expectations.
//!
//! A good zone is any file directly in `zones/`: it loads without an error, and expanded and read back it is the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use waypost::control::expand::expand;
use waypost::control::failover_time::failover_times;
use waypost::control::load::load_zones;
use waypost::control::state::State;
use waypost::problem::Problems;
use waypost::zone::hosted_zone::HostedZone;
use waypost::zone::master::{Include, NoFiles, Source};
use waypost::zone::record_set::Origin;

/// Loads files that lie beside the including one.
struct Beside(PathBuf);

impl Include for Beside {
    fn load(&mut self, path: &str, _from: &str) -> Result<Source, String> {
        let octets = fs::read(self.0.join(path)).map_err(|error| error.to_string())?;
        Ok(Source { file: path.into(), octets })
    }
}

#[test]
fn every_broken_zone_has_exactly_the_problems_written_beside_it() {
    let mut differing = Vec::new();
    for case in entries(&root("zones/broken")).filter(|path| path.extension().is_none_or(|kind| kind != "expected")) {
        let (_, problems) = load(&case);
        assert!(!problems.is_empty(), "{} has no problem", case.display());
        let shown: String = problems
            .iter()
            .map(|problem| {
                // Only what is not there has no line: a master file without SOA.
                let line = problem.place.as_ref().map_or("(no line)", |place| place.text.trim());
                format!("{problem}\n    {line}\n")
            })
            .collect();
        let expectation = case.with_extension("expected");
        if std::env::var_os("UPDATE_CASES").is_some() {
            fs::write(&expectation, &shown).expect("the expectation is writable");
        }
        let expected = fs::read_to_string(&expectation).unwrap_or_default();
        if shown != expected {
            differing.push(format!("{}\n--- expected\n{expected}--- found\n{shown}", case.display()));
        }
    }
    assert!(differing.is_empty(), "UPDATE_CASES=1 accepts what was found\n{}", differing.join("\n"));
}

#[test]
fn every_good_zone_loads_without_a_problem() {
    for file in good_zones() {
        let (state, problems) = load(&file);
        assert_eq!(problems.to_string(), "", "{}", file.display());
        assert_eq!(state.expect("no problem is an error").zones.len(), 1);
    }
}

#[test]
fn every_zone_that_loads_is_the_same_when_expanded_and_read_back() {
    let broken = entries(&root("zones/broken")).filter(|path| path.extension().is_none_or(|kind| kind != "expected"));
    let mut compared = 0;
    for file in good_zones().chain(broken) {
        let (Some(state), _) = load(&file) else { continue };
        let texts = expand(&state);
        let sources = texts.iter().map(|text| Source { file: "expanded.toml".into(), octets: text.text.clone().into() });
        let (again, problems) = load_zones(sources.collect(), &mut NoFiles, 1);
        let again = again.unwrap_or_else(|| panic!("{}: expanded, it has problems\n{problems}", file.display()));
        assert_eq!(without_places(again), without_places(state), "{}", file.display());
        compared += 1;
    }
    assert!(compared > 10, "only {compared} zones were compared");
}

#[test]
fn all_good_zones_load_together() {
    let sources: Vec<Source> = good_zones()
        .map(|file| Source { file: file.to_string_lossy().into(), octets: fs::read(&file).expect("the zone is readable") })
        .collect();
    let zones = sources.len();
    let (state, problems) = load_zones(sources, &mut Beside(root("zones")), 7);
    assert_eq!(problems.to_string(), "");
    assert_eq!(state.expect("no problem is an error").zones.len(), zones);
}

#[test]
fn the_time_to_fail_over_is_fall_times_interval_and_deadlines_and_then_the_ttl() {
    // 2 × (1 s interval + 1 s to connect + 1 s for the status line), TTL 10 s.
    check_times("zones/example.org.toml", &["www.example.org. [A, AAAA] failover 6s + 10s"]);
}

#[test]
fn a_tree_takes_as_long_as_the_slowest_check_below_it() {
    // Frankfurt: 3 × (2 s + 1 s to connect + 1 s + 1 s for status and body); Ashburn, by TCP in the default profile:
    // 2 s and 3 × 0.4 s to connect.
    check_times(
        "zones/failover.toml",
        &[
            "www.failover.example. [A, AAAA] failover 15s + 30s",
            "fra.failover.example. [A, AAAA] weighted 15s + 30s",
            "api.failover.example. [A] failover 15s + 30s",
            "shop.failover.example. [A] simple 15s + 30s",
        ],
    );
}

#[test]
fn a_database_takes_its_login_and_its_query_and_a_command_its_timeout() {
    // By role: 2 × (2 s + 4 s to connect + 2 s + 2 s), 2 s + 3 × (0.4 s + 3 × 1 s); by command: 2 s + 3 × 10 s, 3 × (30 s + 10 s).
    check_times(
        "zones/writer.toml",
        &[
            "db.databases.example. [A] failover 20s + 5s",
            "db-read.databases.example. [A] multivalue 12.2s + 60s",
            "other.databases.example. [A] failover 32s + 60s",
            "seven.databases.example. [A] multivalue 120s + 60s",
        ],
    );
}

#[test]
fn what_waits_for_somebody_takes_as_long_as_they_may_and_never_ends_where_they_must() {
    // 5 s and 3 × 5 s (1 s to connect, 2 s each for TLS and the status line), two minutes to confirm; what follows is let go of within 20 s.
    check_times(
        "zones/waiting.toml",
        &["db.waiting.example. [A] failover 140s + 20s", "www.waiting.example. [A] weighted 20s + 60s"],
    );
}

fn check_times(zone: &str, expected: &[&str]) {
    let (state, _) = load(&root(zone));
    let times = failover_times(&state.expect("the sample is good"));
    let shown: Vec<String> = times
        .iter()
        .map(|time| format!("{} {:?} {} {:?} + {:?}", time.name, time.rtypes, time.policy, time.detect, time.cache))
        .collect();
    assert_eq!(shown, expected, "{zone}");
}

#[test]
fn routes_become_the_record_sets_and_options_that_they_mean() {
    let (state, _) = load(&root("zones/geolocation.toml"));
    let text = expand(&state.expect("the sample is good")).remove(0).text;
    let tables = text.split("\n\n").filter(|table| table.contains("type = \"A\""));
    let shown = tables.map(|table| table.lines().skip(1).collect::<Vec<_>>().join("; ")).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(shown, @r##"
    name = "www.geolocation.example."; type = "A"; set_identifier = "eu"; geo_location = { continent_code = "EU" }; alias = { name = "eu.geolocation.example.", evaluate_target_health = false }
    name = "www.geolocation.example."; type = "A"; set_identifier = "iad"; geo_location = { country_code = "*" }; place = { country = "US", subdivision = "VA" }; ttl = 60; values = ["198.51.100.10"]
    name = "eu.geolocation.example."; type = "A"; set_identifier = "fra"; region = "aws:eu-central-1"; place = { country = "DE" }; ttl = 60; values = ["192.0.2.10"]
    name = "eu.geolocation.example."; type = "A"; set_identifier = "par"; region = "aws:eu-west-3"; place = { country = "FR" }; ttl = 60; values = ["192.0.2.20"]
    name = "eu.geolocation.example."; type = "A"; set_identifier = "ber"; region = "home:charlottenburg"; location = [52.51, 13.3]; place = { country = "DE" }; ttl = 60; values = ["192.0.2.30"]
    name = "eu._via.www.geolocation.example."; type = "A"; alias = { name = "eu.geolocation.example.", evaluate_target_health = false }
    name = "iad._via.www.geolocation.example."; type = "A"; place = { country = "US", subdivision = "VA" }; ttl = 60; values = ["198.51.100.10"]
    name = "fra._via.eu.geolocation.example."; type = "A"; place = { country = "DE" }; ttl = 60; values = ["192.0.2.10"]
    name = "par._via.eu.geolocation.example."; type = "A"; place = { country = "FR" }; ttl = 60; values = ["192.0.2.20"]
    name = "ber._via.eu.geolocation.example."; type = "A"; place = { country = "DE" }; ttl = 60; values = ["192.0.2.30"]
    name = "api.geolocation.example."; type = "A"; set_identifier = "california"; geo_location = { country_code = "US", subdivision_code = "CA" }; ttl = 60; values = ["198.51.100.20"]
    name = "api.geolocation.example."; type = "A"; set_identifier = "everywhere"; geo_location = { country_code = "*" }; place = { country = "US", subdivision = "VA" }; ttl = 60; values = ["198.51.100.30"]
    name = "api.geolocation.example."; type = "A"; min_healthy = 2
    name = "eu.geolocation.example."; type = "A"; min_healthy = "50%"; fence = [{ continent = "EU" }]; nearest = 2
    "##);
}

#[test]
fn a_member_is_called_unreachable_exactly_when_no_client_is_in_its_area_and_in_the_branchs() {
    // The areas that a client is in, however much of its place is known.
    let clients = [
        vec!["*"],
        vec!["*", "EU"],
        vec!["*", "EU", "DE"],
        vec!["*", "EU", "FR"],
        vec!["*", "NA", "US"],
        vec!["*", "NA", "US", "US-CA"],
        vec!["*", "NA", "US", "US-TX"],
    ];
    let areas = [
        ("*", "default = true"),
        ("EU", "continent = \"EU\""),
        ("NA", "continent = \"NA\""),
        ("DE", "country = \"DE\""),
        ("US", "country = \"US\""),
        ("US-CA", "country = \"US\", subdivision = \"CA\""),
        ("US-TX", "country = \"US\", subdivision = \"TX\""),
    ];
    for (outer, outer_keys) in areas {
        for (inner, inner_keys) in areas {
            let content = format!(
                "zone = \"example.org.\"\nns = [\"ns.example.net.\"]\n[endpoint.a]\naddress = [\"192.0.2.1\"]\n\
                 [route.top]\npolicy = \"geolocation\"\nmembers = [{{ use = \"route:branch\", {outer_keys} }}]\n\
                 [route.branch]\npolicy = \"geolocation\"\nmembers = [{{ use = \"a\", {inner_keys} }}]\n"
            );
            let (_, problems) = load_zones(vec![Source { file: "f".into(), octets: content.into() }], &mut NoFiles, 1);
            assert!(!problems.has_errors(), "{problems}");
            let is_reached = clients.iter().any(|areas| areas.contains(&outer) && areas.contains(&inner));
            let is_warned = problems.iter().any(|problem| problem.message.contains("come here"));
            assert_eq!(is_warned, !is_reached, "{inner} below {outer}: {problems}");
        }
    }
}

#[test]
fn the_zones_that_the_documentation_shows_have_no_problem() {
    for page in ["docs/zone-files.md", "docs/health.md"] {
        let text = fs::read_to_string(root(page)).expect("the page is readable");
        let (_, block) = text.split_once("```toml\nzone").expect("the page shows a zone");
        let (content, _) = block.split_once("```").expect("the block ends");
        let source = Source { file: page.into(), octets: format!("zone{content}").into() };
        let (state, problems) = load_zones(vec![source], &mut NoFiles, 1);
        assert_eq!(problems.to_string(), "");
        assert!(state.is_some());
    }
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

/// Loads a file, or all files of a directory together, under their names beside the expectation.
fn load(case: &Path) -> (Option<State>, Problems) {
    let files: Vec<PathBuf> = if case.is_dir() { entries(case).collect() } else { vec![case.to_owned()] };
    let beside = files[0].parent().expect("a file is in a directory").to_owned();
    let sources = files.iter().map(|file| Source {
        file: file.file_name().expect("a file has a name").to_string_lossy().into(),
        octets: fs::read(file).expect("the zone is readable"),
    });
    load_zones(sources.collect(), &mut Beside(beside), 2_026_010_101)
}

fn good_zones() -> impl Iterator<Item = PathBuf> {
    // A master file that is included is no zone by itself.
    entries(&root("zones")).filter(|path| path.is_file() && !path.ends_with("example.org.zone"))
}

fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(directory).expect("the directory is readable");
    let sorted: BTreeSet<PathBuf> = entries.map(|entry| entry.expect("the entry is readable").path()).collect();
    sorted.into_iter()
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
