//! What a store holds after it was closed, killed, damaged, or made by another.

use std::path::PathBuf;

use super::*;
use crate::health::history::History;
use crate::health::observation::{Failure, Observation};

/// A path that no other test uses, gone with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("waypost-store-{}-{name}.redb", std::process::id()));
        let _ = std::fs::remove_file(&path);
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// An unhealthy one has failed; a healthy one has not.
fn verdict(id: &str, status: Status, counted_at: i64) -> SavedVerdict {
    let failure = Observation { at: Timestamp::from_second(6).unwrap(), outcome: Failure::BadStatus(503).into() };
    SavedVerdict {
        last_failure: (status == Status::Unhealthy).then(|| Arc::new(failure)),
        id: HealthCheckId::new(id).unwrap(),
        subject: "tcp 127.0.0.1:80".into(),
        status,
        since: Timestamp::from_second(7).unwrap(),
        because: "connection refused".into(),
        counted_at: Timestamp::from_second(counted_at).unwrap(),
        kept_at: None,
        distrust: Distrust {
            held_until: (status == Status::Unhealthy).then(|| Timestamp::from_second(counted_at + 10).unwrap()),
            ..Distrust::default()
        },
    }
}

#[test]
fn what_was_saved_last_is_there_after_a_restart() {
    let scratch = Scratch::new("again");
    let mut store = Store::open(Some(&scratch.0)).unwrap();
    assert_eq!(store.take_saved(), []);
    store.save(vec![verdict("a", Status::Healthy, 8), verdict("b", Status::Unhealthy, 9)], Histories::new());
    store.save(vec![verdict("a", Status::Unhealthy, 10), verdict("c", Status::Unknown, 11)], Histories::new());
    store.close().unwrap();
    let mut store = Store::open(Some(&scratch.0)).unwrap();
    let expected = [verdict("a", Status::Unhealthy, 10), verdict("b", Status::Unhealthy, 9)];
    assert_eq!(store.take_saved(), expected);
    store.close().unwrap();
}

#[test]
fn saving_all_forgets_checks_that_are_gone() {
    let scratch = Scratch::new("all");
    let store = Store::open(Some(&scratch.0)).unwrap();
    store.save(vec![verdict("gone", Status::Healthy, 8)], Histories::new());
    store.save_all(vec![verdict("a", Status::Healthy, 8)], Histories::new());
    store.save(vec![verdict("b", Status::Healthy, 9)], Histories::new());
    store.close().unwrap();
    let mut store = Store::open(Some(&scratch.0)).unwrap();
    assert_eq!(store.take_saved(), [verdict("a", Status::Healthy, 8), verdict("b", Status::Healthy, 9)]);
    store.close().unwrap();
}

#[test]
fn gates_that_follow_health_again_are_forgotten() {
    let scratch = Scratch::new("gates");
    let store = Store::open(Some(&scratch.0)).unwrap();
    let (now, id) = (Timestamp::from_second(9).unwrap(), HealthCheckId::new("~www.example.org./fra").unwrap());
    let gate = SavedGate { id, gated: crate::health::gate::Gated::in_service(now), at: now };
    store.save_gates(vec![gate.clone()]);
    store.close().unwrap();
    let mut store = Store::open(Some(&scratch.0)).unwrap();
    assert_eq!(store.take_gates(), [gate]);
    store.save_gates(Vec::new());
    store.close().unwrap();
    let mut store = Store::open(Some(&scratch.0)).unwrap();
    assert_eq!(store.take_gates(), []);
    store.close().unwrap();
}

fn histories(status: Status, ids: &[&str]) -> Histories {
    let history = Arc::new(History::new(Timestamp::from_second(9).unwrap(), status));
    ids.iter().map(|id| (HealthCheckId::new(id).unwrap(), history.clone())).collect()
}

#[test]
fn pasts_are_kept_as_they_were_last_and_only_those_of_checks_that_stay() {
    let scratch = Scratch::new("pasts");
    let mut store = Store::open(Some(&scratch.0)).unwrap();
    assert_eq!(store.take_past(), Past::default());
    store.save(Vec::new(), histories(Status::Healthy, &["a", "b", "gone"]));
    store.close().unwrap();
    let store = Store::open(Some(&scratch.0)).unwrap();
    store.save(vec![verdict("b", Status::Unhealthy, 9)], histories(Status::Unhealthy, &["b", "gone"]));
    store.keep_histories(histories(Status::Healthy, &["a", "b", "c"]).into_keys().collect());
    store.save_all(Vec::new(), histories(Status::Unhealthy, &["c"]));
    store.close().unwrap();
    let mut store = Store::open(Some(&scratch.0)).unwrap();
    let past = store.take_past();
    let mut expected = histories(Status::Unhealthy, &["b", "c"]);
    expected.extend(histories(Status::Healthy, &["a"]));
    assert_eq!(past.histories, expected);
    assert!(past.until.is_some_and(|until| until > Timestamp::from_second(1_700_000_000).unwrap()));
    store.close().unwrap();
}

/// A store that was made before there were histories and an audit log.
#[test]
fn a_store_without_the_newer_tables_opens() {
    let scratch = Scratch::new("older");
    let database = Database::create(&scratch.0).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(WAYPOST).unwrap().insert("format", FORMAT).unwrap();
    let row = (2, 7_000_000, 9_000_000, "connection refused", "tcp 127.0.0.1:80");
    transaction.open_table(VERDICTS).unwrap().insert("a", row).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let mut store = Store::open(Some(&scratch.0)).unwrap();
    let known = verdict("a", Status::Unhealthy, 9);
    let expected = SavedVerdict { last_failure: None, distrust: Distrust::default(), ..known };
    assert_eq!((store.take_saved(), store.take_past()), (vec![expected], Past::default()));
    assert_eq!(store.audit(9, None), []);
    store.close().unwrap();
}

#[test]
fn a_damaged_store_is_an_error_or_opens_but_never_panics() {
    let scratch = Scratch::new("damaged");
    let store = Store::open(Some(&scratch.0)).unwrap();
    store.save(vec![verdict("a", Status::Healthy, 8)], Histories::new());
    store.close().unwrap();
    let whole = std::fs::read(&scratch.0).unwrap();
    let halved = &whole[..whole.len() / 2];
    std::fs::write(&scratch.0, halved).unwrap();
    let message = Store::open(Some(&scratch.0)).unwrap_err().to_string();
    assert!(message.contains(scratch.0.to_str().unwrap()), "{message}");
    for at in (0..whole.len()).step_by(whole.len() / 64) {
        let mut damaged = whole.clone();
        damaged[at..(at + 64).min(whole.len())].fill(0xa5);
        std::fs::write(&scratch.0, &damaged).unwrap();
        match Store::open(Some(&scratch.0)) {
            // What redb stumbles over only when it closes the file is an error too.
            Ok(store) => {
                let closed = store.close();
                assert!(closed.is_ok() || matches!(closed, Err(StoreError::Writer { .. })), "octet {at}: {closed:?}");
            }
            Err(error) => assert!(error.to_string().contains("move it away"), "octet {at}: {error}"),
        }
    }
}

#[test]
fn without_a_path_nothing_is_kept() {
    let mut store = Store::open(None).unwrap();
    store.save(vec![verdict("a", Status::Healthy, 8)], Histories::new());
    assert_eq!(store.take_saved(), []);
    store.close().unwrap();
}

#[test]
fn a_file_that_is_not_ours_is_refused_by_name_and_left_alone() {
    let text = "zone = \"example.org.\"\n".repeat(500);
    for (name, content) in [("text", text.as_bytes()), ("short", &b"x"[..])] {
        let scratch = Scratch::new(name);
        std::fs::write(&scratch.0, content).unwrap();
        let message = Store::open(Some(&scratch.0)).unwrap_err().to_string();
        assert!(message.contains(scratch.0.to_str().unwrap()), "{message}");
        assert!(message.contains("move it away"), "{message}");
        assert_eq!(std::fs::read(&scratch.0).unwrap(), content);
    }
}

#[test]
fn a_store_of_another_format_is_refused() {
    let scratch = Scratch::new("format");
    let database = Database::create(&scratch.0).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(WAYPOST).unwrap().insert("format", 99).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let message = Store::open(Some(&scratch.0)).unwrap_err().to_string();
    assert!(message.contains("format 99; this version reads 1"), "{message}");
}

#[test]
fn the_database_of_another_program_is_refused_and_gets_no_tables_of_ours() {
    let scratch = Scratch::new("another");
    let theirs: TableDefinition<'_, &str, u32> = TableDefinition::new("cache");
    let database = Database::create(&scratch.0).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(theirs).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let message = Store::open(Some(&scratch.0)).unwrap_err().to_string();
    assert!(message.contains("another program's tables: cache"), "{message}");
    let database = Database::create(&scratch.0).unwrap();
    assert_eq!(database.begin_read().unwrap().list_tables().unwrap().count(), 1);
}

#[test]
fn a_store_in_use_says_so() {
    let scratch = Scratch::new("in-use");
    let store = Store::open(Some(&scratch.0)).unwrap();
    let error = Store::open(Some(&scratch.0)).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    store.close().unwrap();
}

#[test]
fn a_missing_directory_is_named_with_its_cause() {
    let path = std::env::temp_dir().join("waypost-no-such-directory/waypost.redb");
    let message = Store::open(Some(&path)).unwrap_err().to_string();
    assert!(message.contains(path.to_str().unwrap()) && message.contains("No such file"), "{message}");
}

#[test]
fn a_store_from_before_holds_were_kept_is_read() {
    let scratch = Scratch::new("older");
    let store = Store::open(Some(&scratch.0)).unwrap();
    let held = verdict("a", Status::Unhealthy, 8);
    store.save(vec![held.clone()], Histories::new());
    store.close().unwrap();
    let database = Database::create(&scratch.0).unwrap();
    let transaction = database.begin_write().unwrap();
    assert!(transaction.delete_table(DISTRUST).unwrap());
    transaction.commit().unwrap();
    drop(database);
    let mut store = Store::open(Some(&scratch.0)).unwrap();
    assert_eq!(store.take_saved(), [SavedVerdict { distrust: Distrust::default(), ..held }]);
    store.close().unwrap();
}
