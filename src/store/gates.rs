//! What members of record groups are at, on disk: each gate one row, and only those that do not merely follow health.
//!
//! Judges nothing. Invariant: the rows are exactly those that were written last; a row that cannot be read is left out,
//! and its member follows its health again.
//!
//! ```text
//! gates   a gate's id   {"in_service": …, "since": …, "at": …, …}
//! ```

use jiff::Timestamp;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};

use crate::health::board::SavedGate;
use crate::health::gate::Gated;
use crate::ids::HealthCheckId;

/// One gate, as it is written.
#[derive(Serialize, Deserialize)]
struct Row {
    #[serde(flatten)]
    gated: Gated,
    at: Timestamp,
}

/// Makes the table where there is none.
pub(super) fn prepare(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(GATES)?;
    Ok(())
}

/// Makes these the gates that are kept.
pub(super) fn write(transaction: &WriteTransaction, gates: &[SavedGate]) -> Result<(), redb::Error> {
    transaction.delete_table(GATES)?;
    let mut table = transaction.open_table(GATES)?;
    for SavedGate { id, gated, at } in gates {
        let row = serde_json::to_vec(&Row { gated: *gated, at: *at }).expect("it is a structure of times");
        table.insert(id.as_str(), &*row)?;
    }
    Ok(())
}

/// The gates that were kept.
pub(super) fn read(database: &Database) -> Result<Vec<SavedGate>, redb::Error> {
    let table = database.begin_read()?.open_table(GATES)?;
    let mut gates = Vec::new();
    for row in table.iter()? {
        let (id, row) = row?;
        let read = HealthCheckId::new(id.value()).ok().zip(serde_json::from_slice(row.value()).ok());
        gates.extend(read.map(|(id, Row { gated, at })| SavedGate { id, gated, at }));
    }
    Ok(gates)
}

const GATES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("gates");
