//! What operators did, and why: the newest [`ENTRIES_MAX`] entries, in the order in which they were written.
//!
//! Not the log of the Route 53 API, which is a log line each (`account_changed`). An entry is on the disk before anybody is
//! told that it was made; all of them are in memory too, so that reading never waits for a disk, and never fails. Invariant:
//! what [`Audit::newest`] gives is on the disk, where there is one.
//!
//! ```text
//! audit   number, increasing   the entry, as JSON
//! ```

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::file::File;

/// One thing that somebody did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    pub at: Timestamp,
    pub author: String,
    /// A verb, such as `override`.
    pub action: String,
    /// What it was done to, such as `check:fra`.
    pub target: String,
    /// Why, in the author's words.
    pub reason: String,
    /// What else there is to know, such as until when it holds.
    pub detail: String,
}

/// The entries that are kept.
const ENTRIES_MAX: usize = 10_000;

/// The audit log in memory, and the way to the disk.
#[derive(Debug, Default)]
pub(super) struct Audit(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// Oldest first.
    entries: VecDeque<AuditEntry>,
    /// The number of the next entry.
    next: u64,
}

impl Audit {
    /// What the file holds.
    pub fn read(database: &Database) -> Result<Self, redb::Error> {
        let table = database.begin_read()?.open_table(AUDIT)?;
        let mut kept = Kept::default();
        for row in table.iter()? {
            let (number, entry) = row?;
            let wrong = |error| redb::Error::Corrupted(format!("entry {} of the audit log: {error}", number.value()));
            kept.push(serde_json::from_slice(entry.value()).map_err(wrong)?);
            kept.next = number.value() + 1;
        }
        Ok(Self(Mutex::new(kept)))
    }

    /// Writes an entry, and in the same transaction whatever `also` writes; in memory only without a file.
    pub fn append(
        &self,
        file: Option<&File>,
        entry: AuditEntry,
        also: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), StoreError> {
        // Held while writing: the entries' numbers are in the order of their transactions.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = file {
            let number = kept.next;
            file.write(|database| {
                let transaction = database.begin_write()?;
                write(&transaction, number, &entry)?;
                also(&transaction)?;
                Ok(transaction.commit()?)
            })?;
        }
        kept.next += 1;
        kept.push(entry);
        Ok(())
    }

    /// At most `limit` entries from before a time, the newest first.
    pub fn newest(&self, limit: usize, before: Option<Timestamp>) -> Vec<AuditEntry> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = kept.entries.iter().rev().filter(|entry| before.is_none_or(|before| entry.at < before));
        entries.take(limit).cloned().collect()
    }
}

impl Kept {
    fn push(&mut self, entry: AuditEntry) {
        if self.entries.len() == ENTRIES_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }
}

/// Makes the table where there is none.
pub(super) fn prepare(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(AUDIT)?;
    Ok(())
}

/// Writes one entry, and forgets those that are too many.
fn write(transaction: &WriteTransaction, number: u64, entry: &AuditEntry) -> Result<(), redb::Error> {
    let mut table = transaction.open_table(AUDIT)?;
    let json = serde_json::to_vec(entry).expect("an entry is a structure of texts");
    table.insert(number, &*json)?;
    let oldest = (number + 1).saturating_sub(ENTRIES_MAX as u64);
    table.retain_in(..oldest, |_, _| false)?;
    Ok(())
}

const AUDIT: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("audit");

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: usize) -> AuditEntry {
        let text = |what: &str| format!("{what} {number}");
        AuditEntry {
            at: Timestamp::from_second(number as i64).unwrap(),
            author: text("author"),
            action: "override".to_owned(),
            target: text("check"),
            reason: text("because"),
            detail: String::new(),
        }
    }

    fn numbers(entries: &[AuditEntry]) -> Vec<i64> {
        entries.iter().map(|entry| entry.at.as_second()).collect()
    }

    #[test]
    fn the_newest_are_kept_in_memory_and_on_the_disk() {
        let path = std::env::temp_dir().join(format!("waypost-audit-{}.redb", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let database = Database::create(&path).unwrap();
        let transaction = database.begin_write().unwrap();
        prepare(&transaction).unwrap();
        // As many as are kept, at once.
        (0..ENTRIES_MAX).try_for_each(|at| write(&transaction, at as u64, &entry(at))).unwrap();
        transaction.commit().unwrap();
        let audit = Audit::read(&database).unwrap();
        let file = File::new(&path, database);
        audit.append(Some(&file), entry(ENTRIES_MAX), |_| Ok(())).unwrap();
        audit.append(Some(&file), entry(ENTRIES_MAX + 1), |_| Ok(())).unwrap();
        let all = audit.newest(usize::MAX, None);
        drop(file);
        let again = Audit::read(&Database::open(&path).unwrap()).unwrap().newest(usize::MAX, None);
        assert_eq!((all.len(), all.last()), (ENTRIES_MAX, Some(&entry(2))));
        assert_eq!(all, again);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn pages_go_back_in_time() {
        let audit = Audit::default();
        (0..10).try_for_each(|at| audit.append(None, entry(at), |_| Ok(()))).unwrap();
        assert_eq!(numbers(&audit.newest(3, None)), [9, 8, 7]);
        assert_eq!(numbers(&audit.newest(3, Some(entry(7).at))), [6, 5, 4]);
        assert_eq!(numbers(&audit.newest(3, Some(entry(1).at))), [0]);
        assert_eq!(audit.newest(3, Some(entry(0).at)), []);
    }

    #[test]
    fn what_could_not_be_written_with_an_entry_takes_the_entry_with_it() {
        let path = std::env::temp_dir().join(format!("waypost-audit-both-{}.redb", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let file = File::new(&path, Database::create(&path).unwrap());
        let audit = Audit::default();
        let refused = audit.append(Some(&file), entry(1), |_| Err(redb::Error::Corrupted("as the test has it".into())));
        assert!(refused.is_err());
        audit.append(Some(&file), entry(2), |_| Ok(())).unwrap();
        drop(file);
        let written = Audit::read(&Database::open(&path).unwrap()).unwrap();
        assert_eq!(numbers(&written.newest(9, None)), [2]);
        assert_eq!(numbers(&audit.newest(9, None)), [2]);
        std::fs::remove_file(path).unwrap();
    }
}
