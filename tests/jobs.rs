//! What is built on all cores is what one core builds: zones in their order, parts, maps, and every reason why not.
//!
//! Not a test of what is right: `tests/cases` and `tests/parted_zones.rs` say that of what one core builds, the latter of
//! what all cores do, too.

use std::collections::BTreeMap;
use std::sync::Arc;

use waypost::control::build::{Built, build, build_by};
use waypost::control::load::load_zones;
use waypost::control::state::State;
use waypost::files::OnAllCores;
use waypost::jobs::{DoJobs, InTurn};
use waypost::places::Places;
use waypost::wire::name::Name;
use waypost::wire::rtype::RecordType;
use waypost::zone::compile::CompileError;
use waypost::zone::hosted_zone::HostedZone;
use waypost::zone::master::{NoFiles, Source};
use waypost::zone::parted::PartedZone;
use waypost::zone::record_set::{Alias, Content, RecordSet, RoutingPolicy};

mod support;
use support::{apex, member, name, record_set};

/// Does the last job first.
struct Backwards;

impl DoJobs for Backwards {
    fn map<I: Send, T: Send>(&self, items: Vec<I>, job: impl Fn(I) -> T + Sync) -> Vec<T> {
        let mut made: Vec<T> = items.into_iter().rev().map(job).collect();
        made.reverse();
        made
    }
}

/// Zones that ask for maps, each of its own and of those that all have.
fn routed() -> State {
    let zone = |at: usize| {
        let member = |id: &str, region: &str| {
            format!(
                "[[record]]\nname = \"www\"\ntype = \"A\"\nset_identifier = \"{id}\"\nregion = \"{region}\"\nvalues = [\"192.0.2.{at}\"]\n"
            )
        };
        let regions = ["aws:eu-central-1", "aws:us-east-1", "aws:ap-northeast-1"];
        let text = format!(
            "zone = \"z{at}.example.\"\nns = [\"ns1.example.net.\"]\n{}{}",
            member("one", regions[at % 3]),
            member("two", regions[(at + 1) % 3])
        );
        Source { file: format!("z{at}.toml").into(), octets: text.into_bytes() }
    };
    let (state, problems) = load_zones((0..40).map(zone).collect(), &mut NoFiles, 1);
    state.unwrap_or_else(|| panic!("{problems}"))
}

/// One zone in several parts, and one that is in one.
fn parted() -> Vec<Arc<PartedZone>> {
    let filling = (0..3_000_u32).map(|at| record_set(&format!("host-{at}"), RecordType::A, &[&at.to_be_bytes()]));
    let large = PartedZone::new(name("@"), apex().into_iter().chain(filling));
    let below = apex().map(|set| RecordSet { name: name("small"), ..set });
    let small = PartedZone::new(name("small"), below);
    assert!(small.parts() == 1 && large.parts() > 4);
    vec![Arc::new(large), Arc::new(small)]
}

/// A zone without an SOA, which cannot be compiled.
fn headless(apex: &str) -> HostedZone {
    let name = Name::parse(apex, None).expect("a name");
    HostedZone { name, record_sets: Vec::new(), hidden: 0, groups: BTreeMap::new(), files: vec!["made in a test".into()] }
}

/// As all that a build is made of reads.
fn shown(built: Result<Built, Vec<CompileError>>) -> String {
    match built {
        Ok(Built { catalog, maps, externals, gates, .. }) => format!("{catalog:?}\n{maps:?}\n{externals:?}\n{gates:?}"),
        Err(errors) => format!("{errors:?}"),
    }
}

fn compare(state: &State, places: &Places) -> Result<Built, Vec<CompileError>> {
    let alone = build(state.clone(), places, None);
    let expected = shown(alone.clone());
    assert!(expected == shown(build_by(&InTurn, state.clone(), places, None)));
    assert!(expected == shown(build_by(&Backwards, state.clone(), places, None)));
    assert!(expected == shown(build_by(&OnAllCores, state.clone(), places, None)));
    alone
}

#[test]
fn zones_and_maps_are_the_same_whoever_makes_them() {
    let state = State { parted: parted(), ..routed() };
    let built = compare(&state, &Places::default()).expect("the zones compile");
    let apexes: Vec<String> = built.catalog.zones().iter().map(|zone| zone.apex().to_string()).collect();
    assert_eq!(apexes.len(), 42);
    assert_eq!(apexes[..2], ["z0.example.", "z1.example."]);
}

#[test]
fn every_reason_why_zones_cannot_be_compiled_is_told_in_their_order() {
    let mut zones = routed().zones;
    zones.insert(3, Arc::new(headless("first.example.")));
    zones.push(Arc::new(headless("last.example.")));
    let alias = Content::Alias(Box::new(Alias { target: name("nowhere"), evaluate_target_health: false }));
    let dangling = RecordSet { content: alias, ..member("www", "one", RoutingPolicy::Failover(0), [0; 4], None) };
    let mut broken = PartedZone::clone(&parted()[0]);
    broken.put(dangling);
    let state = State { zones, parted: vec![Arc::new(broken)], ..routed() };
    let errors = compare(&state, &Places::default()).expect_err("three zones cannot be compiled");
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert!(
        matches!(&told[..], [first, last, broken] if first.starts_with("first.example. has no SOA")
        && last.starts_with("last.example. has no SOA") && broken.contains("nowhere")),
        "{told:?}"
    );
}

/// What did not change is what was there before, not made again by anybody.
#[test]
fn what_has_not_changed_takes_no_job() {
    struct Nobody;
    impl DoJobs for Nobody {
        fn map<I: Send, T: Send>(&self, items: Vec<I>, job: impl Fn(I) -> T + Sync) -> Vec<T> {
            // Maps are asked for, and kept.
            assert!(items.len() <= 3, "{} jobs", items.len());
            InTurn.map(items, job)
        }
    }
    let state = State { parted: parted(), ..routed() };
    let built = build(state.clone(), &Places::default(), None).expect("the zones compile");
    let again = build_by(&Nobody, state, &Places::default(), Some(&built)).expect("the same");
    assert!(built.catalog.zones().iter().zip(again.catalog.zones()).all(|(one, other)| Arc::ptr_eq(one, other)));
}
