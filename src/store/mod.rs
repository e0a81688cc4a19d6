//! What outlives the process, in one redb file: verdicts and pasts of health checks, the Route 53 account, what operators
//! decided and signals told, the audit log.
//!
//! Knows no probes and decides nothing; a verdict read back is judged by `health::board` (too old, another endpoint).
//! Writing happens on a thread of its own, so a slow disk delays neither probes nor answers; what waits to be written is
//! merged, so it never grows beyond one verdict and one past a check. Without a path nothing is kept and nothing is written.
//! Invariant: the file holds whole transactions only (redb); a file that is not ours is refused and left as it is.
//!
//! ```text
//! table      key       value
//! waypost    "format"  1
//! verdicts   check id  (status: 1 healthy, 2 unhealthy; since, counted at: µs since 1970; because; subject)
//! failures   check id  the last probe that failed, as JSON
//! distrust   check id  what is held against the endpoint, and what routing went by where that was another than the
//!                      status, as JSON; none: nothing
//! history, times       the pasts of checks: see `history`
//! account    the Route 53 account: see `account`
//! audit      what operators did: see `audit`
//! overrides  what operators decided: see `overrides`
//! signals    what checks were told: see `overrides`
//! gates      what members of groups are at that do not merely follow health: see `gates`
//! ```

mod account;
mod audit;
mod error;
mod file;
mod gates;
mod history;
mod overrides;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::panic;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use jiff::Timestamp;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableHandle};
use serde::{Deserialize, Serialize};

use crate::health::board::{SavedGate, SavedVerdict};
use crate::health::distrust::Distrust;
use crate::health::overrides::Overrides;
use crate::health::signal::SavedStanding;
use crate::health::table::Status;
use crate::ids::HealthCheckId;
use crate::route53::account::Account;
use crate::route53::account::edit::Edit;
use crate::telemetry::events;
use audit::Audit;
use error::{judge, refuse};
use file::File;

pub use audit::AuditEntry;
pub use error::StoreError;
pub use history::{Histories, Past};

/// The store, open for one process.
#[derive(Debug, Default)]
pub struct Store {
    /// What the file held when it was opened, until it is taken.
    held: Contents,
    audit: Audit,
    /// None where nothing is kept.
    open: Option<OpenStore>,
}

/// What a file holds.
#[derive(Debug, Default)]
struct Contents {
    saved: Vec<SavedVerdict>,
    account: Account,
    overrides: Overrides,
    signals: Vec<(HealthCheckId, SavedStanding)>,
    past: Past,
    gates: Vec<SavedGate>,
}

#[derive(Debug)]
struct OpenStore {
    file: Arc<File>,
    orders: mpsc::Sender<Order>,
    writer: JoinHandle<Result<(), StoreError>>,
}

impl Store {
    /// Opens the store at `path`, making it if there is none; without a path, one that keeps nothing.
    ///
    /// # Errors
    /// [`StoreError`] when the file is not ours, in use, or cannot be read or written.
    pub fn open(path: Option<&Path>) -> Result<Self, StoreError> {
        let Some(path) = path else { return Ok(Self::default()) };
        // redb checks sums where it reads a page as part of a repair, but panics on some pages that were damaged since.
        let (database, held, audit) = panic::catch_unwind(|| open(path)).unwrap_or_else(|_| {
            Err(StoreError::Foreign { path: path.to_owned(), found: "its pages do not fit together".into() })
        })?;
        let file = Arc::new(File::new(path, database));
        let (orders, waiting) = mpsc::channel();
        let writer = thread::Builder::new().name("store".into()).spawn({
            let file = file.clone();
            move || write_all(&file, &waiting)
        });
        match writer {
            Ok(writer) => Ok(Self { held, audit, open: Some(OpenStore { file, orders, writer }) }),
            Err(error) => Err(StoreError::Writer { path: path.to_owned(), found: error.to_string() }),
        }
    }

    /// Takes the verdicts that the store held when it was opened.
    pub fn take_saved(&mut self) -> Vec<SavedVerdict> {
        std::mem::take(&mut self.held.saved)
    }

    /// Takes the account that the store held when it was opened.
    pub fn take_account(&mut self) -> Account {
        std::mem::take(&mut self.held.account)
    }

    /// Takes the overrides that the store held when it was opened.
    pub fn take_overrides(&mut self) -> Overrides {
        std::mem::take(&mut self.held.overrides)
    }

    /// Takes what checks had been told when the store was opened.
    pub fn take_signals(&mut self) -> Vec<(HealthCheckId, SavedStanding)> {
        std::mem::take(&mut self.held.signals)
    }

    /// Makes these the overrides that are kept, with the entry of the audit log that says why, and waits until both are
    /// on the disk.
    ///
    /// # Errors
    /// [`StoreError`]: neither counts. A crash before the next change that is written may leave both.
    pub fn change_overrides(&self, overrides: &Overrides, entry: AuditEntry) -> Result<(), StoreError> {
        self.audit.append(self.file(), entry, |transaction| overrides::write(transaction, overrides))
    }

    /// Keeps what these checks were told, and waits until it is on the disk, with an entry of the audit log if there is
    /// one.
    ///
    /// # Errors
    /// As [`Store::change_overrides`].
    pub fn save_signals(&self, told: &[(HealthCheckId, SavedStanding)], entry: Option<AuditEntry>) -> Result<(), StoreError> {
        match (entry, self.file()) {
            (Some(entry), file) => self.audit.append(file, entry, |transaction| overrides::write_signals(transaction, told)),
            (None, Some(file)) => file.change(|transaction| overrides::write_signals(transaction, told)),
            (None, None) => Ok(()),
        }
    }

    /// Forgets what was told of checks that are not these.
    ///
    /// # Errors
    /// [`StoreError`] when that could not be written.
    pub fn retain_signals(&self, is_kept: impl Fn(&str) -> bool) -> Result<(), StoreError> {
        let Some(file) = self.file() else { return Ok(()) };
        file.change(|transaction| overrides::retain_signals(transaction, is_kept))
    }

    fn file(&self) -> Option<&File> {
        self.open.as_ref().map(|open| &*open.file)
    }

    /// Takes the pasts of health checks that the store held when it was opened.
    pub fn take_past(&mut self) -> Past {
        std::mem::take(&mut self.held.past)
    }

    /// Writes edits of the account, and waits until they are on the disk; `undo` takes them back.
    ///
    /// # Errors
    /// [`StoreError`]: the account is without them, now and after the next that is written. A crash before that may leave
    /// all of them: a disk that fails does not say how far it came.
    pub fn commit(&self, edits: &[Edit], undo: &[Edit]) -> Result<(), StoreError> {
        let Some(open) = &self.open else { return Ok(()) };
        open.file.commit(edits, undo)
    }

    /// Writes an entry of the audit log, and waits until it is on the disk.
    ///
    /// # Errors
    /// [`StoreError`] when it could not be written: then it is not in the log.
    pub fn append_audit(&self, entry: AuditEntry) -> Result<(), StoreError> {
        self.audit.append(self.file(), entry, |_| Ok(()))
    }

    /// At most `limit` entries of the audit log from before a time, the newest first.
    pub fn audit(&self, limit: usize, before: Option<Timestamp>) -> Vec<AuditEntry> {
        self.audit.newest(limit, before)
    }

    /// Hands changed verdicts to the writer, with the pasts that the changes are in, and does not wait for it.
    pub fn save(&self, changed: Vec<SavedVerdict>, histories: Histories) {
        if !changed.is_empty() || !histories.is_empty() {
            self.order(Order { verdicts: changed, histories, ..Order::default() });
        }
    }

    /// Hands what gates are at to the writer, all that are remarkable, and does not wait for it.
    pub fn save_gates(&self, gates: Vec<SavedGate>) {
        self.order(Order { gates: Some(gates), ..Order::default() });
    }

    /// Makes this what gates are at, with the entry of the audit log that says why, and waits until both are on the disk.
    ///
    /// # Errors
    /// [`StoreError`]: neither counts, unless a crash comes before the next change that is written.
    pub fn change_gates(&self, gates: &[SavedGate], entry: AuditEntry) -> Result<(), StoreError> {
        self.audit.append(self.file(), entry, |transaction| gates::write(transaction, gates))
    }

    /// Takes what gates were at when the store was opened.
    pub fn take_gates(&mut self) -> Vec<SavedGate> {
        std::mem::take(&mut self.held.gates)
    }

    /// Hands all verdicts to the writer, and changed pasts; does not wait for it. Verdicts on other checks are forgotten.
    pub fn save_all(&self, all: Vec<SavedVerdict>, histories: Histories) {
        self.order(Order { verdicts: all, are_all: true, histories, ..Order::default() });
    }

    /// Has the writer forget the pasts of all but these checks, and does not wait for it.
    pub fn keep_histories(&self, kept: BTreeSet<HealthCheckId>) {
        self.order(Order { kept: Some(kept), ..Order::default() });
    }

    fn order(&self, order: Order) {
        let Some(open) = &self.open else { return };
        if open.orders.send(order).is_err() {
            tracing::error!(path = %open.file.path().display(), "verdicts not saved: the store's writer has ended");
        }
    }

    /// Writes what waits, and closes the file.
    ///
    /// # Errors
    /// [`StoreError`] when the last of it could not be written.
    pub fn close(self) -> Result<(), StoreError> {
        let Some(OpenStore { file, orders, writer }) = self.open else { return Ok(()) };
        let path = file.path().to_owned();
        drop(file);
        drop(orders);
        writer.join().unwrap_or_else(|_| Err(StoreError::Writer { path, found: "it panicked".into() }))
    }
}

/// What is to be written.
#[derive(Default)]
struct Order {
    verdicts: Vec<SavedVerdict>,
    /// No other verdicts are to be kept.
    are_all: bool,
    histories: Histories,
    /// No other gates are to be kept.
    gates: Option<Vec<SavedGate>>,
    /// No other checks' pasts are to be kept.
    kept: Option<BTreeSet<HealthCheckId>>,
}

/// What is written beside a verdict, where there is anything to write.
#[derive(Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Beside {
    #[serde(flatten)]
    distrust: Distrust,
    kept_at: Option<bool>,
}

/// What waits to be written: the last verdict on each check, and its past.
#[derive(Default)]
struct Waiting {
    verdicts: BTreeMap<HealthCheckId, SavedVerdict>,
    are_all: bool,
    histories: history::Waiting,
    gates: Option<Vec<SavedGate>>,
}

impl Waiting {
    fn merge(&mut self, order: Order) {
        if order.are_all {
            (self.verdicts, self.are_all) = (BTreeMap::new(), true);
        }
        if let Some(kept) = order.kept {
            self.histories.keep(kept);
        }
        self.histories.change(order.histories);
        self.gates = order.gates.or(self.gates.take());
        self.verdicts.extend(order.verdicts.into_iter().map(|verdict| (verdict.id.clone(), verdict)));
    }
}

/// Writes orders until the store is closed; what could not be written is tried again with the next, and that is told once.
fn write_all(file: &File, orders: &mpsc::Receiver<Order>) -> Result<(), StoreError> {
    let mut waiting = Waiting::default();
    let mut last: Result<(), StoreError> = Ok(());
    while let Ok(first) = orders.recv() {
        waiting.merge(first);
        orders.try_iter().for_each(|order| waiting.merge(order));
        let written = file.write(|database| write(database, &waiting));
        match (&last, &written) {
            (Ok(()), Err(error)) => events::store_failed(error),
            (Err(_), Ok(())) => events::store_resumed(),
            _ => {}
        }
        if written.is_ok() {
            waiting = Waiting::default();
        }
        last = written;
    }
    last
}

fn write(database: &Database, waiting: &Waiting) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    if waiting.are_all {
        transaction.delete_table(VERDICTS)?;
        transaction.delete_table(FAILURES)?;
        transaction.delete_table(DISTRUST)?;
    }
    {
        let mut table = transaction.open_table(VERDICTS)?;
        let mut failures = transaction.open_table(FAILURES)?;
        let mut distrust = transaction.open_table(DISTRUST)?;
        for (id, verdict) in &waiting.verdicts {
            let Some(status) = number(verdict.status) else { continue };
            let (since, counted_at) = (verdict.since.as_microsecond(), verdict.counted_at.as_microsecond());
            table.insert(id.as_str(), (status, since, counted_at, &*verdict.because, &*verdict.subject))?;
            match &verdict.last_failure {
                Some(failure) => {
                    let json = serde_json::to_vec(&**failure).expect("an observation is a structure of texts and numbers");
                    failures.insert(id.as_str(), &*json)?;
                }
                None => drop(failures.remove(id.as_str())?),
            }
            let beside = Beside { distrust: verdict.distrust, kept_at: verdict.kept_at };
            if beside == Beside::default() {
                drop(distrust.remove(id.as_str())?);
            } else {
                let json = serde_json::to_vec(&beside).expect("it is a structure of numbers and times");
                distrust.insert(id.as_str(), &*json)?;
            }
        }
    }
    if let Some(gates) = &waiting.gates {
        gates::write(&transaction, gates)?;
    }
    waiting.histories.write(&transaction)?;
    Ok(transaction.commit()?)
}

/// Opens or makes the file, and reads all of it.
fn open(path: &Path) -> Result<(Database, Contents, Audit), StoreError> {
    let database = Database::create(path).map_err(|error| refuse(path, error))?;
    prepare(&database).map_err(|error| judge(path, "opening", error))?;
    let unread = |error| judge(path, "reading", error);
    let saved = read(&database).map_err(unread)?;
    let account = account::read(&database).map_err(unread)?;
    let past = history::read(&database).map_err(unread)?;
    let audit = Audit::read(&database).map_err(unread)?;
    let (overrides, signals) = (overrides::read(&database).map_err(unread)?, overrides::read_signals(&database).map_err(unread)?);
    let gates = gates::read(&database).map_err(unread)?;
    Ok((database, Contents { saved, account, overrides, signals, past, gates }, audit))
}

/// Marks a new file as ours, and sees whether an old one is.
fn prepare(database: &Database) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    let tables: Vec<String> = transaction.list_tables()?.map(|table| table.name().to_owned()).collect();
    if !tables.is_empty() && !tables.iter().any(|name| name == WAYPOST.name()) {
        return Err(redb::Error::Corrupted(format!("another program's tables: {}", tables.join(", "))));
    }
    {
        let mut table = transaction.open_table(WAYPOST)?;
        let found = table.get("format")?.map(|format| format.value());
        match found {
            Some(FORMAT) => {}
            Some(other) => return Err(redb::Error::Corrupted(format!("format {other}; this version reads {FORMAT}"))),
            None => {
                table.insert("format", FORMAT)?;
            }
        }
        transaction.open_table(VERDICTS)?;
        transaction.open_table(FAILURES)?;
        transaction.open_table(DISTRUST)?;
        transaction.open_table(account::ACCOUNT)?;
    }
    audit::prepare(&transaction)?;
    overrides::prepare(&transaction)?;
    history::prepare(&transaction)?;
    gates::prepare(&transaction)?;
    Ok(transaction.commit()?)
}

fn read(database: &Database) -> Result<Vec<SavedVerdict>, redb::Error> {
    let transaction = database.begin_read()?;
    let (table, failures) = (transaction.open_table(VERDICTS)?, transaction.open_table(FAILURES)?);
    let held = transaction.open_table(DISTRUST)?;
    let mut saved = Vec::new();
    for row in table.iter()? {
        let (id, verdict) = row?;
        let mut verdict = parse(id.value(), verdict.value()).map_err(redb::Error::Corrupted)?;
        // One that cannot be read is only a word less for people.
        let failure = failures.get(id.value())?;
        verdict.last_failure = failure.and_then(|failure| serde_json::from_slice(failure.value()).ok()).map(Arc::new);
        // One that cannot be read shortens a hold.
        let distrust = held.get(id.value())?;
        let beside: Beside = distrust.and_then(|held| serde_json::from_slice(held.value()).ok()).unwrap_or_default();
        (verdict.distrust, verdict.kept_at) = (beside.distrust, beside.kept_at);
        saved.push(verdict);
    }
    Ok(saved)
}

fn parse(id: &str, verdict: Row<'_>) -> Result<SavedVerdict, String> {
    let (status, since, counted_at, because, subject) = verdict;
    let wrong = |what: &dyn fmt::Display| format!("the verdict on {id:?}: {what}");
    let status = match status {
        1 => Status::Healthy,
        2 => Status::Unhealthy,
        other => return Err(wrong(&format_args!("status {other}"))),
    };
    Ok(SavedVerdict {
        id: HealthCheckId::new(id).map_err(|error| wrong(&error))?,
        status,
        since: Timestamp::from_microsecond(since).map_err(|error| wrong(&error))?,
        counted_at: Timestamp::from_microsecond(counted_at).map_err(|error| wrong(&error))?,
        because: because.into(),
        subject: subject.into(),
        distrust: Distrust::default(),
        last_failure: None,
        kept_at: None,
    })
}

/// How a status is written; what is unknown is not worth saving.
fn number(status: Status) -> Option<u8> {
    match status {
        Status::Healthy => Some(1),
        Status::Unhealthy => Some(2),
        Status::Unknown => None,
    }
}

type Row<'r> = (u8, i64, i64, &'r str, &'r str);

const WAYPOST: TableDefinition<'_, &str, u32> = TableDefinition::new("waypost");
const VERDICTS: TableDefinition<'_, &str, (u8, i64, i64, &str, &str)> = TableDefinition::new("verdicts");
const FAILURES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("failures");
const DISTRUST: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("distrust");
/// Raised when a table changes its meaning.
const FORMAT: u32 = 1;

#[cfg(test)]
mod tests;
