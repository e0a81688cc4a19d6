//! The pasts of health checks on disk, and until when waypost is known to have run.
//!
//! Not where they are made: see `health::history`. A past is one row, written anew with each change: it has a stated maximum,
//! and a row half as old is of no use. Written in the transaction of the verdict that changed. Invariant: a row that cannot
//! be read is a past forgotten, and no reason not to start.
//!
//! ```text
//! history   check id    the past, as JSON
//! times     "running"   when the file was last written: µs since 1970
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use crate::clock;
use crate::health::history::History;
use crate::ids::HealthCheckId;

/// What is known of each check.
pub type Histories = BTreeMap<HealthCheckId, Arc<History>>;

/// What an earlier run knew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    pub histories: Histories,
    /// Until when that run is known to have gone on; none of a file that no run has written to.
    pub until: Option<Timestamp>,
}

/// The changed pasts that wait to be written.
#[derive(Default)]
pub(super) struct Waiting {
    changed: Histories,
    /// The checks whose pasts are kept; none where all are.
    kept: Option<BTreeSet<HealthCheckId>>,
}

impl Waiting {
    pub fn change(&mut self, changed: Histories) {
        self.changed.extend(changed);
    }

    /// Forgets the pasts of other checks.
    pub fn keep(&mut self, kept: BTreeSet<HealthCheckId>) {
        self.changed.retain(|id, _| kept.contains(id));
        self.kept = Some(kept);
    }

    pub fn write(&self, transaction: &WriteTransaction) -> Result<(), redb::Error> {
        let mut table = transaction.open_table(HISTORY)?;
        if let Some(kept) = &self.kept {
            let is_kept = |id: &str| HealthCheckId::new(id).is_ok_and(|id| kept.contains(&id));
            table.retain(|id, _| is_kept(id))?;
        }
        for (id, history) in &self.changed {
            let json = serde_json::to_vec(&**history).expect("a history is a structure of texts and numbers");
            table.insert(id.as_str(), &*json)?;
        }
        transaction.open_table(TIMES)?.insert(RUNNING, clock::now().as_microsecond())?;
        Ok(())
    }
}

/// Makes the tables where there are none.
pub(super) fn prepare(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(HISTORY)?;
    transaction.open_table(TIMES)?;
    Ok(())
}

pub(super) fn read(database: &Database) -> Result<Past, redb::Error> {
    let transaction = database.begin_read()?;
    let mut histories = Histories::new();
    for row in transaction.open_table(HISTORY)?.iter()? {
        let (id, history) = row?;
        if let (Ok(id), Ok(history)) = (HealthCheckId::new(id.value()), serde_json::from_slice(history.value())) {
            histories.insert(id, Arc::new(history));
        }
    }
    let until = transaction.open_table(TIMES)?.get(RUNNING)?;
    Ok(Past { histories, until: until.and_then(|until| Timestamp::from_microsecond(until.value()).ok()) })
}

const HISTORY: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("history");
const TIMES: TableDefinition<'_, &str, i64> = TableDefinition::new("times");
const RUNNING: &str = "running";
