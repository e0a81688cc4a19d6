//! Laws of what is exchanged: batches hold everything once and in an order that works, JSON reads back as it was.

use std::sync::Arc;

use proptest::prelude::*;

use super::batches::{Size, Step, changes, in_order, put, split};
use super::documents::{read_cidr_blocks, read_health_checks, read_record_sets};
use super::json;
use super::words;
use crate::control::expand::expand;
use crate::control::load::load_zones;
use crate::control::state::State;
use crate::route53::bounds::Rules;
use crate::route53::name::parse_name;
use crate::route53::records::batch::fixture::Fixture;
use crate::route53::records::batch::laws::any_batches;
use crate::route53::records::rrset::Rrset;
use crate::route53::records::rrsets::Rrsets;
use crate::route53::records::shape::{Action, read_changes};
use crate::route53::shapes::Model;
use crate::route53::value::Value;
use crate::zone::hosted_zone::HostedZone;
use crate::zone::master::{NoFiles, Source};
use crate::zone::record_set::{Origin, RecordSet};

/// The record sets that these batches leave, but for those that a zone has from the first.
fn record_sets(batches: &[Vec<String>]) -> Rrsets {
    let mut fixture = Fixture::new(&[]);
    for batch in batches {
        let _ = fixture.apply(&batch.iter().map(String::as_str).collect::<Vec<_>>());
    }
    fixture.zone().rrsets().values().filter(|rrset| !is_apex(rrset)).cloned().collect()
}

fn is_apex(rrset: &Rrset) -> bool {
    rrset.said.name == "example.org." && matches!(&*rrset.said.kind, "SOA" | "NS")
}

fn created(rrsets: &Rrsets) -> Vec<Step> {
    let ordered = in_order(rrsets.values().cloned()).into_iter();
    ordered.map(|rrset| Step { action: Action::Create, rrset }).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_zone_in_batches_of_any_size_is_accepted_strictly_and_is_the_zone(batches in any_batches(), size in 1usize..5) {
        let zone = record_sets(&batches);
        // What only AWS refuses of one by one: a primary without a check.
        let mut fixture = Fixture::new(&[]);
        for batch in split(created(&zone), Size::Changes(size)) {
            prop_assert!(batch.len() <= size);
            let edits = fixture.judge(&put(&batch));
            prop_assert!(edits.is_ok(), "{:?} of {:?}", edits, zone);
            fixture.account.apply(edits.expect("just asserted"));
        }
        let made: Rrsets = fixture.zone().rrsets().values().filter(|rrset| !is_apex(rrset)).cloned().collect();
        prop_assert_eq!(format!("{:?}", made), format!("{:?}", zone));
    }

    #[test]
    fn a_zone_of_the_api_as_zone_toml_reads_back_as_the_same_record_sets(batches in any_batches()) {
        let mut fixture = Fixture::new(&[]);
        batches.iter().for_each(|batch| drop(fixture.apply(&batch.iter().map(String::as_str).collect::<Vec<_>>())));
        let record_sets = fixture.zone().rrsets().values().map(|rrset| rrset.set.clone()).collect();
        let name = parse_name("example.org").expect("a name");
        let zone = HostedZone { name, record_sets, groups: Default::default(), files: vec!["zone".into()], hidden: Default::default() };
        let state = fixture.account.served(&State::default()).of_zone(&Arc::new(zone));
        let text = expand(&state).remove(0).text;
        let source = Source { file: "zone.toml".into(), octets: text.clone().into_bytes() };
        let (read, problems) = load_zones(vec![source], &mut NoFiles, 1);
        prop_assert!(read.is_some(), "{}\n{}", problems, text);
        let read = read.expect("just asserted");
        prop_assert_eq!(&read.collections, &state.collections);
        let sets = |state: &State| -> Vec<RecordSet> {
            state.zones[0].record_sets.iter().map(|set| RecordSet { origin: Origin::default(), ..set.clone() }).collect()
        };
        prop_assert_eq!(sets(&read), sets(&state));
        // And what the API would be told of them is what it was told.
        let back = read.zones[0].record_sets.iter().map(|set| words::rrset(set, &read.zones[0], "Z1"));
        for (rrset, lost) in back {
            prop_assert_eq!(lost, Vec::<String>::new());
            let rrset = rrset.expect("nothing is lost");
            let known = fixture.zone().rrsets().get(&rrset.key()).expect("it is from there");
            prop_assert_eq!(&rrset.set, &RecordSet { origin: rrset.set.origin, ..known.set.clone() });
        }
    }

    #[test]
    fn the_changes_from_one_zone_to_another_make_it_that(before in any_batches(), now in any_batches()) {
        let now = record_sets(&now);
        let mut fixture = Fixture::new(&[]);
        before.iter().for_each(|batch| drop(fixture.apply(&batch.iter().map(String::as_str).collect::<Vec<_>>())));
        let steps = changes(fixture.zone().rrsets(), &now, |key| fixture.zone().rrsets().get(key).is_some_and(|rrset| is_apex(rrset)));
        if !steps.is_empty() {
            let edits = fixture.judge(&put(&steps));
            prop_assert!(edits.is_ok(), "{:?}", edits);
            fixture.account.apply(edits.expect("just asserted"));
        }
        let made: Vec<_> = fixture.zone().rrsets().values().filter(|rrset| !is_apex(rrset)).collect();
        prop_assert_eq!(made.len(), now.len());
        for rrset in made {
            prop_assert!(now.get(&rrset.key()).is_some_and(|other| other.is_same(rrset)));
        }
    }

    #[test]
    fn batches_of_aws_hold_everything_once_within_the_limits(
        sizes in prop::collection::vec((1usize..60, 1usize..200, any::<bool>()), 1..60),
    ) {
        let steps: Vec<Step> = sizes.iter().enumerate().map(|(at, (values, len, upsert))| {
            let value = |number: usize| format!("\"{number:0len$}\"");
            let said = crate::route53::records::rrset::Said {
                name: format!("n{at}.example.org."), kind: "TXT".into(), ttl: Some(1),
                values: (0..*values).map(value).collect(), ..Default::default()
            };
            let action = if *upsert { Action::Upsert } else { Action::Create };
            Step { action, rrset: Arc::new(Rrset::new(said).expect("texts are right")) }
        }).collect();
        let parts = split(steps.clone(), Size::Aws);
        prop_assert_eq!(parts.concat(), steps);
        for part in parts.iter().filter(|part| part.len() > 1) {
            let changes = read_changes(&put(part), Rules { strict: true });
            prop_assert!(changes.is_ok());
            let weight = |step: &Step| if step.action == Action::Upsert { 2 } else { 1 };
            let records: usize = part.iter().map(|step| weight(step) * step.rrset.said.values.len()).sum();
            let characters: usize = part.iter().map(|step| weight(step) * step.rrset.said.values.iter().map(String::len).sum::<usize>()).sum();
            prop_assert!(records <= 1_000 && characters <= 32_000);
        }
    }

    #[test]
    fn a_batch_as_json_reads_back_and_so_do_lists(batches in any_batches()) {
        let (model, zone) = (Model::new(), record_sets(&batches));
        let steps = created(&zone);
        let batch = put(&steps);
        let text = json::show(&model, "ChangeBatch", &batch.clone().into());
        if steps.is_empty() {
            return Ok(());
        }
        let read = read_record_sets(&model, &text).expect("what was shown reads back");
        prop_assert!(read.is_batch);
        prop_assert_eq!(&read.changes, &read_changes(&batch, Rules::default()).expect("right"));
        // The same as two pages of a list.
        let pages: Vec<String> = steps.chunks(steps.len().div_ceil(2)).map(|page| {
            let sets: Value = page.iter().map(|step| crate::route53::records::said::put(&step.rrset)).collect();
            format!("{{\"ResourceRecordSets\": {}, \"NextToken\": \"x\"}}", json::show(&model, "ResourceRecordSets", &sets))
        }).collect();
        let listed = read_record_sets(&model, &pages.concat()).expect("pages read");
        prop_assert!(!listed.is_batch);
        prop_assert_eq!(&listed.changes, &read.changes);
        prop_assert_eq!(read_record_sets(&model, &format!("[{}]", pages.join(","))), Ok(listed));
    }
}

#[track_caller]
fn refused(text: &str, expected: &[&str]) {
    let wrong = read_record_sets(&Model::new(), text).expect_err(text);
    assert_eq!(wrong.len(), expected.len(), "{wrong:#?}");
    wrong.iter().zip(expected).for_each(|(found, expected)| assert!(found.contains(expected), "{expected:?} is not in {found}"));
}

#[test]
fn everything_that_is_wrong_with_a_text_is_told_with_its_path() {
    refused("", &["there is nothing in it"]);
    refused("{", &["reading JSON: EOF"]);
    refused("{}", &["neither ResourceRecordSets nor Changes"]);
    refused(
        r#"{"ResourceRecordSets": [{"Name": "a.", "Type": "AX"}, {"Type": "A", "TTL": "60"}, {"Name": "b.", "Type": "A", "Ttl": 1}, 7]}"#,
        &[
            "ResourceRecordSets[0].Type: \"AX\" is none of SOA",
            "ResourceRecordSets[1]: Name is missing",
            "ResourceRecordSets[1].TTL: a number is expected, not \"60\"",
            "ResourceRecordSets[2].Ttl: ResourceRecordSet has no such member",
            "ResourceRecordSets[3]: an object is expected, not 7",
        ],
    );
    refused(r#"{"ResourceRecordSets": [{"Name": "a.", "Type": "A"}]}"#, &["Expected exactly one of"]);
}

#[test]
fn what_traffic_policies_made_is_taken_and_told() {
    let text = r#"{"ResourceRecordSets": [{"Name": "a.", "Type": "A", "TTL": 60, "TrafficPolicyInstanceId": "i-1",
        "ResourceRecords": [{"Value": "192.0.2.1"}]}]}"#;
    let said = read_record_sets(&Model::new(), text).unwrap();
    assert_eq!((said.changes.len(), &said.changes[0].said.traffic_policy_instance_id), (1, &None));
    assert!(said.warnings[0].contains("i-1"), "{:?}", said.warnings);
}

#[test]
fn health_checks_and_blocks_are_read_as_the_cli_prints_them() {
    let text = r#"{"HealthChecks": [{"Id": "11111111-2222-3333-4444-555555555555", "CallerReference": "x", "HealthCheckVersion": 1,
        "HealthCheckConfig": {"IPAddress": "192.0.2.1", "Port": 80, "Type": "HTTP", "ResourcePath": "/", "RequestInterval": 30,
        "FailureThreshold": 3, "MeasureLatency": false, "Inverted": false, "Disabled": false, "EnableSNI": false}}]}"#;
    let checks = read_health_checks(&Model::new(), text).unwrap();
    let config = &checks["11111111-2222-3333-4444-555555555555"];
    assert_eq!((config.port, &*config.kind, config.failure_threshold), (Some(80), "HTTP", Some(3)));
    let wrong = read_health_checks(&Model::new(), &text.replace("\"HTTP\"", "\"TCP\"")).unwrap_err();
    assert!(wrong[0].contains("TCP health checks must not have"), "{wrong:?}");
    let blocks = r#"{"CidrBlocks": [{"CidrBlock": "192.0.2.0/24", "LocationName": "berlin"}]}"#;
    assert_eq!(read_cidr_blocks("c", blocks).unwrap().locations["berlin"], ["192.0.2.0/24"]);
    assert!(read_cidr_blocks("c", "{\"CidrBlocks\": [{}]}").is_err());
}
