//! Laws of backups: what is read is what was written, what is not whole is refused, and one account in the place of
//! another is that account.

use proptest::prelude::*;

use super::*;
use crate::route53::account::entities::CheckConfig;
use crate::route53::account::sound;
use crate::route53::records::batch::fixture::Fixture;
use crate::route53::records::batch::laws::any_batches;

fn account(batches: &[Vec<String>]) -> Account {
    let mut fixture = Fixture::new(&[]);
    for batch in batches {
        // Whether one is accepted is another law's business.
        let _ = fixture.apply(&batch.iter().map(String::as_str).collect::<Vec<_>>());
    }
    fixture.account
}

fn backup(account: &Account) -> String {
    Lines::new(account.clone(), Timestamp::UNIX_EPOCH).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_written_reads_back(batches in any_batches()) {
        let text = backup(&account(&batches));
        let read = read(text.as_bytes());
        prop_assert!(read.is_ok(), "{:?}", read.err());
        prop_assert_eq!(backup(&read.expect("just asserted")), text);
    }

    #[test]
    fn one_account_in_the_place_of_another_is_that_account(before in any_batches(), next in any_batches()) {
        let (mut before, next) = (account(&before), account(&next));
        let (was, edits) = (backup(&before), before.replacing(&next));
        let undo = before.undoing(&edits);
        before.apply(edits);
        prop_assert_eq!(backup(&before), backup(&next));
        prop_assert_eq!(before.replacing(&next), vec![]);
        before.apply(undo);
        prop_assert_eq!(backup(&before), was);
    }

    #[test]
    fn what_batches_make_is_sound(batches in any_batches()) {
        let mut account = account(&batches);
        // The fixture's own shortcuts: a zone without SOA, a check of no type.
        account.zones.remove("Z2");
        let http = CheckConfig { kind: "HTTP".into(), ip_address: Some("192.0.2.1".into()), port: Some(80), ..CheckConfig::default() };
        let check = super::super::entities::Check { config: http, ..(*account.checks["check"]).clone() };
        account.checks.insert("check".into(), Arc::new(check));
        prop_assert_eq!(sound::check(&account, &Account::default()), Vec::<String>::new());
    }
}

#[test]
fn a_zone_that_is_gone_or_new_is_deleted_or_put_with_its_record_sets() {
    let batch = vec![vec!["CREATE www A ttl=60 192.0.2.1".to_owned()]];
    let (mut full, empty) = (account(&batch), Account::default());
    let whole = backup(&full);
    let edits = full.replacing(&empty);
    let undo = full.undoing(&edits);
    full.apply(edits);
    assert_eq!(backup(&full), backup(&empty));
    full.apply(undo);
    assert_eq!(backup(&full), whole);
    let mut other = empty.clone();
    other.apply(empty.replacing(&full));
    assert_eq!(backup(&other), whole);
}

#[test]
fn what_files_own_is_neither_backed_up_nor_replaced() {
    let mut account = account(&[]);
    let own = Account::default();
    for zone in account.zones.values_mut() {
        let zone = Arc::make_mut(zone);
        Arc::make_mut(&mut zone.record).file = Some("example.org.toml".into());
    }
    assert!(!backup(&account).contains("\"zone\""), "{}", backup(&account));
    assert!(account.replacing(&own).iter().all(|edit| !matches!(edit, Edit::Delete(Key::Zone(_)))));
}

#[test]
fn a_backup_that_is_cut_off_or_changed_anywhere_is_refused() {
    let whole = backup(&account(&[vec!["CREATE www A ttl=60 192.0.2.1".to_owned()]]));
    assert!(read(whole.as_bytes()).is_ok());
    for len in 0..whole.len() {
        let wrong = read(&whole.as_bytes()[..len]).expect_err("a part is no whole");
        assert_eq!(wrong.len(), 1, "{len}: {wrong:?}");
    }
    for at in 0..whole.len() {
        for with in [b'0', b'\n', b' ', b'x', 0xFF] {
            let mut damaged = whole.clone().into_bytes();
            if damaged[at] != with {
                damaged[at] = with;
                let is_when = whole[..at].contains("made_at") && !whole[..at].contains('\n');
                assert!(is_when || read(&damaged).is_err(), "octet {at} as {with}");
                assert!(read(&damaged).is_err(), "octet {at} as {with}");
            }
        }
    }
    for (more, why) in [("\n", "a line"), ("{}\n", "a record"), (&whole, "another backup")] {
        assert!(read(format!("{whole}{more}").as_bytes()).is_err(), "{why} behind it");
    }
}

#[test]
fn everything_that_is_wrong_with_its_lines_is_told_at_once() {
    let lines = [
        r#"{"kind":"zone","record":{"id":"Z1"}}"#,
        r#"{"kind":"rrset","zone":"Z9","record":{"name":"a.example.org.","type":"A","ttl":1,"values":["192.0.2.1"]}}"#,
        r#"{"kind":"rrset","zone":"Z9","record":{"name":"a.example.org.","type":"A","ttl":1,"values":["192.0.2.300"]}}"#,
        r#"{"kind":"house","record":{}}"#,
        r#"{"kind":"spent","record":{"reference":"r","spent_at":"1970-01-01T00:00:00Z"}}"#,
        r#"{"kind":"spent","record":{"reference":"r","spent_at":"1970-01-01T00:00:00Z"}}"#,
        "nothing",
    ];
    let text = sealed(&lines);
    let wrong = read(text.as_bytes()).expect_err("six lines are wrong");
    let told = [
        "line 2: missing field",
        "line 3: a.example.org. A is in the zone Z9",
        "line 4: ",
        "line 5: \"house\"",
        "line 7: ",
        "line 8: ",
    ];
    assert_eq!(wrong.len(), told.len(), "{wrong:#?}");
    wrong.iter().zip(told).for_each(|(found, told)| assert!(found.starts_with(told), "{found}"));
    assert!(wrong[4].contains("is there twice"), "{}", wrong[4]);
}

/// A backup of these lines that is whole.
fn sealed(lines: &[&str]) -> String {
    let mut text = "{\"waypost\":\"backup\",\"format\":1,\"made_at\":\"1970-01-01T00:00:00Z\"}\n".to_owned();
    lines.iter().for_each(|line| text.push_str(&format!("{line}\n")));
    let mut digest = Context::new(&SHA256);
    digest.update(text.as_bytes());
    format!("{text}{{\"records\":{},\"sha256\":\"{}\"}}\n", lines.len(), hex(digest))
}

#[test]
fn an_account_with_a_policy_instance_and_an_alias_of_it_is_sound_as_long_as_the_policy_is_there() {
    let mut zone = serde_json::to_value(crate::route53::account::zone::ZoneRecord::default()).unwrap();
    zone["id"] = "Z1".into();
    zone["name"] = "example.org.".into();
    let record = |rest: &str| format!("{{\"kind\":\"rrset\",\"zone\":\"Z1\",\"record\":{{{rest}}}}}");
    let alias = r#"{"hosted_zone_id":"Z1","dns_name":"www.example.org.","evaluate_target_health":false}"#;
    let policy = r#"{"kind":"policy","record":{"id":"p","version":1,"name":"n","kind":"A","document":"{}","comment":null,"created_at":"1970-01-01T00:00:00Z","deleted":false}}"#;
    let mut lines = vec![
        format!("{{\"kind\":\"zone\",\"record\":{zone}}}"),
        record(r#""name":"example.org.","type":"SOA","ttl":1,"values":["a. b. 1 2 3 4 5"]"#),
        record(r#""name":"example.org.","type":"NS","ttl":1,"values":["a."]"#),
        record(r#""name":"www.example.org.","type":"A","traffic_policy_instance_id":"i""#),
        record(&format!(r#""name":"x.example.org.","type":"A","alias_target":{alias}"#)),
        r#"{"kind":"instance","record":{"id":"i","zone":"Z1","name":"www.example.org.","ttl":1,"policy":"p","policy_version":1,"kind":"A"}}"#.to_owned(),
        policy.to_owned(),
    ];
    let check = |lines: &[String]| {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        sound::check(&read(sealed(&lines).as_bytes()).expect("it is whole"), &Account::default())
    };
    assert_eq!(check(&lines), Vec::<String>::new());
    lines.pop();
    assert_eq!(check(&lines), ["policy instance i: there is no policy p of version 1"]);
    lines.pop();
    assert_eq!(check(&lines), ["zone Z1: www.example.org.: there is no policy instance i"]);
}

#[test]
fn an_account_that_no_operation_could_have_made_is_not_sound() {
    let zone = |id: &str| {
        let mut zone = serde_json::to_value(crate::route53::account::zone::ZoneRecord::default()).unwrap();
        zone["id"] = id.into();
        zone["name"] = "example.org.".into();
        format!("{{\"kind\":\"zone\",\"record\":{zone}}}")
    };
    let record = |rest: &str| format!("{{\"kind\":\"rrset\",\"zone\":\"Z1\",\"record\":{{\"name\":\"example.org.\",{rest}}}}}");
    let lines = [
        zone("Z1"),
        record(r#""type":"SOA","ttl":1,"values":["a. b. 1 2 3 4 5"]"#),
        record(r#""type":"NS","ttl":1,"values":["a."]"#),
        record(r#""type":"CNAME","ttl":1,"values":["a."]"#),
        record(r#""type":"A","ttl":1,"values":["192.0.2.1"],"health_check_id":"nobody""#),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let account = read(sealed(&lines).as_bytes()).unwrap();
    let wrong = sound::check(&account, &Account::default()).join("\n");
    assert!(wrong.contains("CNAME") && wrong.contains("there is no health check nobody"), "{wrong}");
    let owned = {
        let mut files = account.clone();
        let zone = Arc::make_mut(files.zones.get_mut("Z1").unwrap());
        Arc::make_mut(&mut zone.record).file = Some("f.toml".into());
        files
    };
    assert!(sound::check(&account, &owned).join("\n").contains("zone Z1 is written in a file"));
    let mut renamed = account.clone();
    let zone = Arc::make_mut(renamed.zones.get_mut("Z1").unwrap());
    Arc::make_mut(&mut zone.record).name = "other.example.".into();
    assert!(sound::check(&account, &renamed).join("\n").contains("zone Z1: it is example.org. here, and other.example."));
}
