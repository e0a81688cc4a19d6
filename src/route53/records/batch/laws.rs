//! Laws of batches, on small zones where names, types and policies collide often.
//!
//! Whatever is accepted leaves a zone that can be served; what is refused changes nothing; the order of changes to
//! different record sets does not matter, and `strict` accepts nothing that is refused without it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::select;

use super::fixture::Fixture;
use crate::problem::Severity;
use crate::route53::bounds::Rules;
use crate::route53::records::rrsets::Rrsets;
use crate::zone;
use crate::zone::hosted_zone::HostedZone;

/// One change as the fixture writes it, of few names, so that changes meet.
fn any_change() -> impl Strategy<Value = String> {
    let name = select(vec!["@", "a", "b", "c.a", "*"]);
    let policy = select(vec![
        "",
        "",
        "",
        "id=1 weight=1 ",
        "id=2 weight=0 ",
        "id=1 failover=PRIMARY ",
        "id=2 failover=SECONDARY ",
        "id=1 multi=true ",
        "id=2 multi=true ",
        "id=1 region=eu-west-1 ",
        "id=2 region=eu-west-1 ",
        "id=1 geo=EU ",
        "id=2 geo=* ",
        "id=1 cidr=offices/berlin ",
        "id=2 cidr=offices/* ",
        "id=1 near=eu-west-1 ",
    ]);
    let content = select(vec![
        "A ? ttl=60 192.0.2.1",
        "A ? ttl=60 192.0.2.1|192.0.2.2",
        "A ? ttl=61 192.0.2.3",
        "A ? alias=Z1/a/true",
        "A ? alias=Z1/b/true",
        "A ? alias=Z1/c.a/false",
        "A ? alias=ZELB/lb.x./true",
        "CNAME ? ttl=60 a.example.org",
        "CNAME ? ttl=60 b.example.org",
        "CNAME ? ttl=60 x.y",
        "CNAME ? alias=Z1/b/true",
        "NS ? ttl=60 ns.x",
        "TXT ? ttl=60 \"x\"",
        "SOA ? ttl=60 ns. h. 1 2 3 4 5",
        "A ? ttl=60 x",
        "DS ? ttl=60 1 13 2 00",
    ]);
    let action = select(vec!["CREATE", "UPSERT", "UPSERT", "DELETE"]);
    (action, name, policy, content)
        .prop_map(|(action, name, policy, content)| format!("{action} {name} {}", content.replace("? ", policy)))
}

pub(crate) fn any_batches() -> impl Strategy<Value = Vec<Vec<String>>> {
    prop::collection::vec(prop::collection::vec(any_change(), 1..5), 1..25)
}

fn any_changes_of_different_record_sets() -> impl Strategy<Value = Vec<String>> {
    let key = |line: &String| {
        let words: Vec<&str> = line.split(' ').skip(1).take(3).collect();
        (words[0].to_owned(), words[1].to_owned(), words[2].strip_prefix("id=").map(str::to_owned))
    };
    prop::collection::vec(any_change(), 1..6).prop_map(move |mut batch| {
        let mut seen = BTreeSet::new();
        batch.retain(|line| seen.insert(key(line)));
        batch
    })
}

fn lines(batch: &[String]) -> Vec<&str> {
    batch.iter().map(String::as_str).collect()
}

/// All that the zone holds, and what its index says of aliases.
fn all(fixture: &Fixture) -> BTreeMap<String, String> {
    let rrsets = fixture.zone().rrsets();
    rrsets.values().map(|rrset| (format!("{:?}", rrset.key()), format!("{:?}", rrset.said))).collect()
}

/// The errors of the zone as it would be compiled.
fn errors(fixture: &Fixture) -> Vec<String> {
    let name = crate::route53::name::parse_name("example.org").expect("valid");
    let record_sets = fixture.zone().rrsets().values().map(|rrset| rrset.set.clone());
    let zone =
        HostedZone { name, record_sets: record_sets.collect(), hidden: 0, groups: BTreeMap::new(), files: vec!["zone".into()] };
    let found = zone::check::check(&zone).into_iter().filter(|finding| finding.problem.severity == Severity::Error);
    found.map(|finding| finding.problem.message).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_accepted_can_be_served_and_what_is_refused_changes_nothing(batches in any_batches(), strict in any::<bool>()) {
        let mut fixture = Fixture::new(&[]);
        fixture.rules = Rules { strict };
        for batch in &batches {
            let before = all(&fixture);
            let outcome = fixture.apply(&lines(batch));
            if outcome != "ok" {
                prop_assert!(outcome.starts_with(['[', 'I']) && outcome.len() > 2, "{:?}: {}", batch, outcome);
                prop_assert_eq!(&before, &all(&fixture));
            }
            prop_assert_eq!(errors(&fixture), Vec::<String>::new(), "{:?} of {:?}", batch, batches);
            let again: Rrsets = fixture.zone().rrsets().values().cloned().collect();
            prop_assert_eq!(format!("{:?}", again), format!("{:?}", fixture.zone().rrsets()));
        }
    }

    #[test]
    fn what_is_accepted_when_strict_is_accepted_otherwise_with_the_same_outcome(batches in any_batches()) {
        let mut strict = Fixture::strict(&[]);
        for batch in &batches {
            let mut lenient = Fixture { account: strict.account.clone(), rules: Rules::default() };
            if strict.apply(&lines(batch)) == "ok" {
                prop_assert_eq!(lenient.apply(&lines(batch)), "ok", "{:?}", batch);
                prop_assert_eq!(all(&strict), all(&lenient));
            }
        }
    }

    #[test]
    fn the_order_of_changes_to_different_record_sets_does_not_matter(
        batches in any_batches(),
        (batch, shuffled) in any_changes_of_different_record_sets().prop_flat_map(|batch| (Just(batch.clone()), Just(batch).prop_shuffle())),
    ) {
        let mut fixture = Fixture::new(&[]);
        batches.iter().for_each(|batch| drop(fixture.apply(&lines(batch))));
        let mut other = Fixture { account: fixture.account.clone(), rules: fixture.rules };
        let (one, two) = (fixture.apply(&lines(&batch)), other.apply(&lines(&shuffled)));
        prop_assert_eq!(one == "ok", two == "ok", "{} and {}", one, two);
        prop_assert_eq!(all(&fixture), all(&other));
    }
}
