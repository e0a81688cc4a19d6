//! Why the store cannot be used, and what an error of redb says of the file.
//!
//! Invariant: only errors that say that the file itself is wrong are [`StoreError::Foreign`]; what the disk does is not.

use std::fmt;
use std::path::{Path, PathBuf};

use redb::{DatabaseError, StorageError};

/// Why the store cannot be used.
#[derive(Debug)]
pub enum StoreError {
    /// The file is not a store of ours, or is damaged.
    Foreign { path: PathBuf, found: String },
    /// Another process has it open.
    InUse { path: PathBuf },
    /// The disk or the directory does not let us.
    Disk { path: PathBuf, doing: &'static str, cause: Box<redb::Error> },
    /// A thread could not be started, or it panicked.
    Writer { path: PathBuf, found: String },
}

/// Why redb would not open a file.
pub(super) fn refuse(path: &Path, error: DatabaseError) -> StoreError {
    let path = path.to_owned();
    match error {
        DatabaseError::DatabaseAlreadyOpen => StoreError::InUse { path },
        DatabaseError::Storage(StorageError::Io(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
            StoreError::Foreign { path, found: error.to_string() }
        }
        error => judge(&path, "opening", error.into()),
    }
}

/// What an error says of the file.
pub(super) fn judge(path: &Path, doing: &'static str, error: redb::Error) -> StoreError {
    let path = path.to_owned();
    match error {
        redb::Error::DatabaseAlreadyOpen => StoreError::InUse { path },
        redb::Error::Corrupted(found) => StoreError::Foreign { path, found },
        error @ (redb::Error::UpgradeRequired(_) | redb::Error::TableTypeMismatch { .. } | redb::Error::RepairAborted) => {
            StoreError::Foreign { path, found: error.to_string() }
        }
        cause => StoreError::Disk { path, doing, cause: Box::new(cause) },
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign { path, found } => write!(
                f,
                "opening the store {}: it is not a store of this version of waypost, or it is damaged: {found} (move it \
                 away to start with an empty one, or set another `[store] path`; nothing of it was used)",
                path.display()
            ),
            Self::InUse { path } => write!(
                f,
                "opening the store {}: another process has it open (stop it, or set another `[store] path`)",
                path.display()
            ),
            Self::Disk { path, doing, cause } => write!(f, "{doing} the store {}: {cause}", path.display()),
            Self::Writer { path, found } => write!(f, "the writer of the store {}: {found}", path.display()),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Disk { cause, .. } => Some(&**cause),
            _ => None,
        }
    }
}
