//! What operators decided and what was told, on disk: each override one row, each told check one row.
//!
//! Judges nothing: what is read back is made by the constructors of `health`, so that a row that cannot be is found.
//! Invariant: the rows of overrides are exactly those of the list that was written last.
//!
//! ```text
//! overrides   0                             {"next_id": …}
//!             an override's id              {"action": …, "target": …, …}
//! signals     a health check's id           {"source": …, "state": …, …}
//! ```

use jiff::Timestamp;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};

use crate::health::overrides::{Override, Overrides};
use crate::health::remark::Remark;
use crate::health::signal::{SavedStanding, Signal};
use crate::ids::HealthCheckId;

/// One override, as it is written.
#[derive(Serialize, Deserialize)]
struct OverrideRow {
    action: String,
    target: String,
    reason: String,
    author: String,
    made_at: Timestamp,
    expires_at: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
struct Counter {
    next_id: u64,
}

/// What one check was told last, as it is written.
#[derive(Serialize, Deserialize)]
struct SignalRow {
    source: String,
    state: String,
    reason: String,
    author: String,
    at: Timestamp,
    until: Option<Timestamp>,
    known_ok: Option<bool>,
}

/// Makes the tables where there are none.
pub(super) fn prepare(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(OVERRIDES)?;
    transaction.open_table(SIGNALS)?;
    Ok(())
}

/// Makes these the overrides that are kept.
pub(super) fn write(transaction: &WriteTransaction, overrides: &Overrides) -> Result<(), redb::Error> {
    let mut table = transaction.open_table(OVERRIDES)?;
    let kept: Vec<u64> = overrides.iter().map(|known| known.id).collect();
    table.retain(|id, _| kept.binary_search(&id).is_ok())?;
    table.insert(COUNTER, &*json(&Counter { next_id: overrides.next_id() }))?;
    for known in overrides.iter() {
        let row = json(&OverrideRow::of(known));
        // What was refused and is on the disk all the same may have the id of another.
        let is_kept = table.get(known.id)?.is_some_and(|kept| kept.value() == row);
        if !is_kept {
            table.insert(known.id, &*row)?;
        }
    }
    Ok(())
}

/// Keeps what these checks were told.
pub(super) fn write_signals<'s>(
    transaction: &WriteTransaction,
    standings: impl IntoIterator<Item = &'s (HealthCheckId, SavedStanding)>,
) -> Result<(), redb::Error> {
    let mut table = transaction.open_table(SIGNALS)?;
    for (id, standing) in standings {
        table.insert(id.as_str(), &*json(&SignalRow::of(standing)))?;
    }
    Ok(())
}

/// Forgets what was told of checks that are not these.
pub(super) fn retain_signals(transaction: &WriteTransaction, is_kept: impl Fn(&str) -> bool) -> Result<(), redb::Error> {
    Ok(transaction.open_table(SIGNALS)?.retain(|id, _| is_kept(id))?)
}

/// Reads the overrides.
pub(super) fn read(database: &Database) -> Result<Overrides, redb::Error> {
    let table = database.begin_read()?.open_table(OVERRIDES)?;
    let (mut list, mut next_id) = (Vec::new(), 1);
    for row in table.iter()? {
        let (id, value) = row?;
        let id = id.value();
        let wrong = |what: String| redb::Error::Corrupted(format!("the override {id}: {what}"));
        if id == COUNTER {
            next_id = serde_json::from_slice::<Counter>(value.value()).map_err(|error| wrong(error.to_string()))?.next_id;
            continue;
        }
        let row: OverrideRow = serde_json::from_slice(value.value()).map_err(|error| wrong(error.to_string()))?;
        list.push(row.parse(id).map_err(wrong)?);
    }
    Overrides::restore(list, next_id).map_err(|error| redb::Error::Corrupted(error.to_string()))
}

/// Reads what checks were told.
pub(super) fn read_signals(database: &Database) -> Result<Vec<(HealthCheckId, SavedStanding)>, redb::Error> {
    let table = database.begin_read()?.open_table(SIGNALS)?;
    let mut standings = Vec::new();
    for row in table.iter()? {
        let (id, value) = row?;
        let wrong = |what: String| redb::Error::Corrupted(format!("the signal of {:?}: {what}", id.value()));
        let row: SignalRow = serde_json::from_slice(value.value()).map_err(|error| wrong(error.to_string()))?;
        let id = HealthCheckId::new(id.value()).map_err(|error| wrong(error.to_string()))?;
        standings.push((id, row.parse().map_err(wrong)?));
    }
    Ok(standings)
}

impl OverrideRow {
    fn of(known: &Override) -> Self {
        Self {
            action: known.action.to_string(),
            target: known.target.to_string(),
            reason: known.reason.to_string(),
            author: known.author.to_string(),
            made_at: known.made_at,
            expires_at: known.expires_at,
        }
    }

    fn parse(self, id: u64) -> Result<Override, String> {
        let Self { action, target, reason, author, made_at, expires_at } = self;
        Ok(Override {
            id,
            action: action.parse().map_err(|error| format!("{error}"))?,
            target: target.parse().map_err(|error| format!("its target {target:?} {error}"))?,
            reason: remark(&reason)?,
            author: remark(&author)?,
            made_at,
            expires_at,
        })
    }
}

impl SignalRow {
    fn of(standing: &SavedStanding) -> Self {
        let SavedStanding { source, last, known_ok } = standing;
        Self {
            source: source.to_string(),
            state: last.state.to_string(),
            reason: last.reason.to_string(),
            author: last.author.to_string(),
            at: last.at,
            until: last.until,
            known_ok: *known_ok,
        }
    }

    fn parse(self) -> Result<SavedStanding, String> {
        let Self { source, state, reason, author, at, until, known_ok } = self;
        let state = state.parse().map_err(|error| format!("{error}"))?;
        let last = Signal { state, reason: remark(&reason)?, author: remark(&author)?, at, until };
        Ok(SavedStanding { source: source.into(), last, known_ok })
    }
}

fn remark(text: &str) -> Result<Remark, String> {
    Remark::new(text).map_err(|error| format!("the remark {text:?} {error}"))
}

fn json(row: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(row).expect("a row is a structure of texts and numbers")
}

const OVERRIDES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("overrides");
const SIGNALS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("signals");
/// Where the next id is; overrides begin at 1.
const COUNTER: u64 = 0;

#[cfg(test)]
mod tests {
    use crate::health::overrides::{Action, NewOverride};
    use crate::health::signal::SignalState;

    use super::*;

    fn remark(text: &str) -> Remark {
        Remark::new(text).unwrap()
    }

    fn new(target: &str, expires_at: Option<i64>) -> NewOverride {
        let at = |secs| Timestamp::from_second(secs).unwrap();
        let (reason, author) = (remark("moving \"racks\""), remark("ops (alice)"));
        let expires_at = expires_at.map(at);
        NewOverride { action: Action::Drain, target: target.parse().unwrap(), reason, author, made_at: at(7), expires_at }
    }

    /// A database that no other test uses, with the tables.
    fn scratch(name: &str) -> Database {
        let path = std::env::temp_dir().join(format!("waypost-overrides-{}-{name}.redb", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let database = Database::create(&path).unwrap();
        // The file goes with the last handle to it.
        std::fs::remove_file(&path).unwrap();
        change(&database, prepare);
        database
    }

    fn change(database: &Database, write: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>) {
        let transaction = database.begin_write().unwrap();
        write(&transaction).unwrap();
        transaction.commit().unwrap();
    }

    #[test]
    fn what_is_written_reads_back_and_what_was_removed_does_not() {
        let database = scratch("list");
        assert_eq!(read(&database).unwrap(), Overrides::default());
        let mut overrides = Overrides::default();
        for (target, expires_at) in [("check:fra*", Some(9)), ("region:aws:eu-*", None), ("route:www.example.org", None)] {
            overrides.add(new(target, expires_at)).unwrap();
        }
        change(&database, |transaction| write(transaction, &overrides));
        assert_eq!(read(&database).unwrap(), overrides);
        for id in [3, 1, 2] {
            overrides.remove(id).unwrap();
            change(&database, |transaction| write(transaction, &overrides));
            assert_eq!(read(&database).unwrap(), overrides);
        }
        assert_eq!((overrides.is_empty(), overrides.next_id()), (true, 4));
    }

    #[test]
    fn signals_read_back_with_their_lease() {
        let database = scratch("signals");
        let at = |secs| Timestamp::from_second(secs).unwrap();
        let standing = |state, until: Option<i64>, known_ok| {
            let last = Signal { state, reason: remark("r"), author: remark("ci"), at: at(1), until: until.map(at) };
            SavedStanding { source: "its own".into(), last, known_ok }
        };
        let id = |text| HealthCheckId::new(text).unwrap();
        let kept = vec![
            (id("a"), standing(SignalState::Ok, Some(9), Some(true))),
            (id("b"), standing(SignalState::Insufficient, None, None)),
        ];
        change(&database, |transaction| write_signals(transaction, &kept));
        assert_eq!(read_signals(&database).unwrap(), kept);
        change(&database, |transaction| retain_signals(transaction, |id| id == "b"));
        assert_eq!(read_signals(&database).unwrap(), kept[1..]);
    }

    #[test]
    fn a_row_that_cannot_be_is_named() {
        let database = scratch("wrong");
        for (id, row, expected) in [
            (1u64, "{}", "the override 1: missing field"),
            (
                2,
                r#"{"action":"up","target":"fra","reason":"r","author":"a","made_at":"2026-01-01T00:00:00Z","expires_at":null}"#,
                "the override 2: its target \"fra\" does not say what it is for",
            ),
        ] {
            change(&database, |transaction| {
                let mut table = transaction.open_table(OVERRIDES)?;
                table.retain(|_, _| false)?;
                table.insert(id, row.as_bytes())?;
                Ok(())
            });
            let message = read(&database).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
