//! The Route 53 account on disk: each record one row, each set of edits one transaction.
//!
//! Knows records, not operations. Invariant: the rows are exactly what the committed edits made of them; a set of edits
//! is on the disk when [`commit`] returns, and a crash leaves all of it or none.
//!
//! ```text
//! account    kind NUL id [NUL …]                                     JSON
//!            rrset NUL zone NUL name, reversed NUL type NUL set id   {"name": …}
//! ```

use redb::{Database, ReadableDatabase, ReadableTable, Table, TableDefinition};

use crate::route53::account::Account;
use crate::route53::account::edit::{Edit, Key, Record};

pub(super) const ACCOUNT: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("account");

/// Writes the edits, and waits for the disk.
pub(super) fn commit<'e>(database: &Database, edits: impl IntoIterator<Item = &'e Edit>) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    {
        let mut table = transaction.open_table(ACCOUNT)?;
        edits.into_iter().try_for_each(|edit| write(&mut table, edit))?;
    }
    Ok(transaction.commit()?)
}

fn write(table: &mut Table<'_, &str, &[u8]>, edit: &Edit) -> Result<(), redb::Error> {
    match edit {
        Edit::Put(record) => {
            table.insert(&*row_key(&record.key()), record.json().as_bytes())?;
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
        let mut parts = key.value().split('\0');
        let (kind, zone) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let record = Record::parse_row(kind, zone, value.value()).map_err(|what| {
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
