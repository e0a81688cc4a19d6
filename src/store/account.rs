//! The Route 53 account on disk: each record one row, each set of edits one transaction.
//!
//! Knows records, not operations. Invariant: the rows are exactly what the committed edits made of them; a set of edits
//! is on the disk when [`commit`] returns, and a crash leaves all of it or none.
//!
//! ```text
//! account    kind NUL id [NUL …]                                     JSON
//!            rrset NUL zone NUL name, reversed NUL type NUL set id   {"name": …}
//! ```

use std::sync::Arc;

use redb::{Database, ReadableDatabase, ReadableTable, Table, TableDefinition};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::route53::account::Account;
use crate::route53::account::edit::{Edit, Key, Record};
use crate::route53::records::rrset::{Rrset, Said};

pub(super) const ACCOUNT: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("account");

/// Writes the edits, and waits for the disk.
pub(super) fn commit(database: &Database, edits: &[Edit]) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    {
        let mut table = transaction.open_table(ACCOUNT)?;
        edits.iter().try_for_each(|edit| write(&mut table, edit))?;
    }
    Ok(transaction.commit()?)
}

fn write(table: &mut Table<'_, &str, &[u8]>, edit: &Edit) -> Result<(), redb::Error> {
    match edit {
        Edit::Put(record) => {
            table.insert(&*row_key(&record.key()), &*row_value(record))?;
        }
        Edit::Delete(key) => {
            table.remove(&*row_key(key))?;
            if let Key::Zone(id) = key {
                let (from, to) = (format!("rrset\0{id}\0"), format!("rrset\0{id}\u{1}"));
                table.retain_in::<&str, _>(&*from..&*to, |_, _| false)?;
            }
        }
    }
    Ok(())
}

/// Reads the account.
pub(super) fn read(database: &Database) -> Result<Account, redb::Error> {
    let table = database.begin_read()?.open_table(ACCOUNT)?;
    let (mut zones, mut others) = (Vec::new(), Vec::new());
    for row in table.iter()? {
        let (key, value) = row?;
        let record = parse(key.value(), value.value()).map_err(|what| {
            redb::Error::Corrupted(format!("the record {:?} of the account: {what}", key.value().replace('\0', " ")))
        })?;
        match record {
            Record::Zone(_) => zones.push(Edit::Put(record)),
            _ => others.push(Edit::Put(record)),
        }
    }
    let mut account = Account::default();
    // Record sets are put into their zones, which come behind them by key.
    account.apply(zones);
    account.apply(others);
    Ok(account)
}

fn row_key(key: &Key) -> String {
    match key {
        Key::Zone(id) => format!("zone\0{id}"),
        Key::Rrset { zone, key } => {
            let rtype = key.rtype.0.mnemonic().unwrap_or_default();
            let set_identifier = key.set_identifier.as_ref().map_or("", |id| id.as_str());
            format!("rrset\0{zone}\0{}\0{rtype}\0{set_identifier}", key.name)
        }
        Key::Check(id) => format!("check\0{id}"),
        Key::SpentReference(reference) => format!("spent\0{reference}"),
        Key::Collection(id) => format!("collection\0{id}"),
        Key::Policy(id, version) => format!("policy\0{id}\0{version:04}"),
        Key::Instance(id) => format!("instance\0{id}"),
        Key::DelegationSet(id) => format!("delegationset\0{id}"),
        Key::QueryLog(id) => format!("querylog\0{id}"),
        Key::Change(id) => format!("change\0{id}"),
    }
}

fn row_value(record: &Record) -> Vec<u8> {
    match record {
        Record::Zone(zone) => json(&**zone),
        Record::Rrset { rrset, .. } => json(&rrset.said),
        Record::Check(check) => json(&**check),
        Record::SpentReference(spent) => json(&**spent),
        Record::Collection(collection) => json(&**collection),
        Record::Policy(policy) => json(&**policy),
        Record::Instance(instance) => json(&**instance),
        Record::DelegationSet(set) => json(&**set),
        Record::QueryLog(log) => json(&**log),
        Record::Change(change) => json(&**change),
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("records are structures of texts, numbers and lists")
}

fn parse(key: &str, value: &[u8]) -> Result<Record, String> {
    let mut parts = key.split('\0');
    Ok(match parts.next().unwrap_or_default() {
        "zone" => Record::Zone(parsed(value)?),
        "rrset" => {
            let said: Said = parsed::<Said>(value).map(Arc::unwrap_or_clone)?;
            let rrset = Rrset::new(said).map_err(|invalid| invalid.to_string())?;
            Record::Rrset { zone: parts.next().unwrap_or_default().to_owned(), rrset: Arc::new(rrset) }
        }
        "check" => Record::Check(parsed(value)?),
        "spent" => Record::SpentReference(parsed(value)?),
        "collection" => Record::Collection(parsed(value)?),
        "policy" => Record::Policy(parsed(value)?),
        "instance" => Record::Instance(parsed(value)?),
        "delegationset" => Record::DelegationSet(parsed(value)?),
        "querylog" => Record::QueryLog(parsed(value)?),
        "change" => Record::Change(parsed(value)?),
        other => return Err(format!("{other:?} is no kind of record")),
    })
}

fn parsed<T: DeserializeOwned>(value: &[u8]) -> Result<Arc<T>, String> {
    serde_json::from_slice(value).map(Arc::new).map_err(|error| error.to_string())
}
