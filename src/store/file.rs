//! The store's file while it is open: written by one at a time, and opened again after the disk has failed.
//!
//! redb writes nothing more after an error of the disk, and does not know whether what it was writing is on the disk. So the
//! file is opened again for the next write, and that write first takes back what is in doubt. Invariant: when a write of
//! the account has succeeded, the file says of it what the server does.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use redb::{Database, WriteTransaction};

use super::account;
use super::error::{StoreError, judge, refuse};
use crate::route53::account::edit::Edit;

/// One database file.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// None after an error.
    database: Option<Database>,
    /// What takes back edits that were refused, and may be on the disk all the same.
    doubtful: Vec<Edit>,
}

impl File {
    pub fn new(path: &Path, database: Database) -> Self {
        Self { path: path.to_owned(), state: Mutex::new(State { database: Some(database), doubtful: Vec::new() }) }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes by `write`, one transaction.
    ///
    /// # Errors
    /// [`StoreError`] where the file could not be opened again, or not be written.
    pub fn write(&self, write: impl FnOnce(&Database) -> Result<(), redb::Error>) -> Result<(), StoreError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.write_to(&mut state.database, write)
    }

    /// Makes one transaction of what `write` writes.
    ///
    /// # Errors
    /// As [`File::write`].
    pub fn change(&self, write: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>) -> Result<(), StoreError> {
        self.write(|database| {
            let transaction = database.begin_write()?;
            write(&transaction)?;
            Ok(transaction.commit()?)
        })
    }

    /// Writes edits of the account; `undo` takes them back.
    ///
    /// # Errors
    /// As [`File::write`]; what may have been written all the same is taken back by the next that succeeds.
    pub fn commit(&self, edits: &[Edit], undo: &[Edit]) -> Result<(), StoreError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { database, doubtful } = &mut *state;
        let known = doubtful.len();
        // Before writing, which may panic too.
        doubtful.extend_from_slice(undo);
        let all = doubtful[..known].iter().chain(edits);
        self.write_to(database, |database| account::commit(database, all))?;
        doubtful.clear();
        Ok(())
    }

    fn write_to(
        &self,
        known: &mut Option<Database>,
        write: impl FnOnce(&Database) -> Result<(), redb::Error>,
    ) -> Result<(), StoreError> {
        let database = match known.take() {
            Some(database) => database,
            None => Database::open(&self.path).map_err(|error| refuse(&self.path, error))?,
        };
        // One that failed is closed.
        write(&database).map_err(|error| judge(&self.path, "writing", error))?;
        *known = Some(database);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::route53::account::edit::{Key, Record};
    use crate::route53::account::entities::SpentReference;

    fn put(reference: &str) -> Edit {
        let spent_at = jiff::Timestamp::UNIX_EPOCH;
        Edit::Put(Record::SpentReference(Arc::new(SpentReference { reference: reference.to_owned(), spent_at })))
    }

    fn delete(reference: &str) -> Edit {
        Edit::Delete(Key::SpentReference(reference.to_owned()))
    }

    #[test]
    fn what_was_refused_and_is_on_the_disk_all_the_same_is_taken_back_by_the_next_write() {
        let path = std::env::temp_dir().join(format!("waypost-doubtful-{}.redb", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let mut file = File::new(&path, Database::create(&path).unwrap());
        file.commit(&[put("kept")], &[delete("kept")]).unwrap();
        // As if the disk had failed with the last of a transaction: the file can't be had, and holds what was refused.
        let database = file.state.get_mut().unwrap().database.take().unwrap();
        account::commit(&database, &[put("refused"), delete("kept")]).unwrap();
        drop(database);
        file.path = path.with_extension("gone");
        assert!(file.commit(&[put("refused"), delete("kept")], &[put("kept"), delete("refused")]).is_err());
        assert!(file.commit(&[put("too")], &[delete("too")]).is_err());
        file.path = path.clone();
        file.commit(&[put("next")], &[delete("next")]).unwrap();
        let account = file.state.get_mut().unwrap().database.as_ref().map(account::read).unwrap().unwrap();
        assert_eq!(account.spent_references.keys().collect::<Vec<_>>(), ["kept", "next"]);
        assert!(file.state.get_mut().unwrap().doubtful.is_empty());
        std::fs::remove_file(path).unwrap();
    }
}
