//! A backup: every record that the API owns, a line each, between a line that says what it is and one that proves it whole.
//!
//! ```text
//! {"waypost":"backup","format":1,"made_at":"2026-11-21T08:00:00Z"}
//! {"kind":"zone","record":{"id":"Z1", …}}
//! {"kind":"rrset","zone":"Z1","record":{"name":"www.example.org.","type":"A", …}}
//! …
//! {"records":2,"sha256":"…"}          of all octets before this line
//! ```
//!
//! What files own is in their files. Invariant: an account is read from exactly the octets that were made of one; of
//! anything else, however little is missing or changed, comes what is wrong with it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::Account;
use super::edit::{Edit, Key, Record};
use super::zone::Zone;

/// A backup's lines, one after the other; the account is shared, not copied.
pub struct Lines {
    records: Box<dyn Iterator<Item = Record> + Send>,
    first: Option<String>,
    digest: Option<Context>,
    count: u64,
}

impl Lines {
    /// The backup of `account` as it is; `now` is when it was.
    pub fn new(account: Account, now: Timestamp) -> Self {
        let first = format!("{{\"waypost\":\"backup\",\"format\":{FORMAT},\"made_at\":\"{now}\"}}\n");
        Self { records: Box::new(records(account)), first: Some(first), digest: Some(Context::new(&SHA256)), count: 0 }
    }
}

impl Iterator for Lines {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let digest = self.digest.as_mut()?;
        if let Some(first) = self.first.take() {
            digest.update(first.as_bytes());
            return Some(first);
        }
        let Some(record) = self.records.next() else {
            let digest = hex(self.digest.take()?);
            return Some(format!("{{\"records\":{},\"sha256\":\"{digest}\"}}\n", self.count));
        };
        let line = line(&record);
        digest.update(line.as_bytes());
        self.count += 1;
        Some(line)
    }
}

fn line(record: &Record) -> String {
    let zone = match record {
        // Ids are letters and digits.
        Record::Rrset { zone, .. } => format!("\"zone\":\"{zone}\","),
        _ => String::new(),
    };
    format!("{{\"kind\":\"{}\",{zone}\"record\":{}}}\n", record.kind(), record.json())
}

/// Everything that the API owns, each zone before its record sets.
fn records(account: Account) -> impl Iterator<Item = Record> + Send {
    let Account { zones, checks, spent_references, collections, policies, instances, delegation_sets, query_logs, changes } =
        account;
    let zones = zones.into_values().filter(|zone| zone.record.file.is_none()).flat_map(zone_records);
    let checks = checks.into_values().filter(|check| check.file.is_none()).map(Record::Check);
    let collections = collections.into_values().filter(|collection| collection.file.is_none()).map(Record::Collection);
    zones
        .chain(checks)
        .chain(spent_references.into_values().map(Record::SpentReference))
        .chain(collections)
        .chain(policies.into_values().map(Record::Policy))
        .chain(instances.into_values().map(Record::Instance))
        .chain(delegation_sets.into_values().map(Record::DelegationSet))
        .chain(query_logs.into_values().map(Record::QueryLog))
        .chain(changes.into_values().map(Record::Change))
}

fn zone_records(zone: Arc<Zone>) -> impl Iterator<Item = Record> + Send {
    let id = zone.record.id.clone();
    let rrsets: Vec<_> = zone.rrsets().values().cloned().collect();
    let rrsets = rrsets.into_iter().map(move |rrset| Record::Rrset { zone: id.clone(), rrset });
    std::iter::once(Record::Zone(zone.record.clone())).chain(rrsets)
}

fn hex(digest: Context) -> String {
    digest.finish().as_ref().iter().fold(String::new(), |mut text, octet| {
        write!(text, "{octet:02x}").expect("a String takes every text");
        text
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct First {
    waypost: String,
    format: u32,
    #[serde(rename = "made_at")]
    _made_at: Timestamp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'l> {
    kind: &'l str,
    #[serde(default)]
    zone: &'l str,
    record: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Last<'l> {
    records: u64,
    sha256: &'l str,
}

/// Reads a backup.
///
/// # Errors
/// Everything that is wrong, each with its line, up to the first [`PROBLEMS_MAX`].
pub fn read(backup: &[u8]) -> Result<Account, Vec<String>> {
    let lines = whole_lines(backup).map_err(|what| vec![what])?;
    let (mut account, mut seen, mut wrong) = (Account::default(), BTreeSet::new(), Vec::new());
    for (at, line) in lines.iter().enumerate() {
        let outcome = parse_line(line).and_then(|record| put(&mut account, &mut seen, record));
        // The first line is the backup's own.
        wrong.extend(outcome.err().map(|what| format!("line {}: {what}", at + 2)));
        if wrong.len() == PROBLEMS_MAX {
            break;
        }
    }
    if wrong.is_empty() { Ok(account) } else { Err(wrong) }
}

/// The lines of the records, once the backup has been seen to be whole.
fn whole_lines(backup: &[u8]) -> Result<Vec<&str>, String> {
    let text = std::str::from_utf8(backup).map_err(|error| format!("octet {}: this is not UTF-8", error.valid_up_to()))?;
    let (first, _) = text.split_once('\n').unwrap_or((text, ""));
    let first: First = serde_json::from_str(first).map_err(|error| format!("line 1: this is no backup of waypost: {error}"))?;
    if first.waypost != "backup" || first.format != FORMAT {
        return Err(format!("line 1: a backup of format {}; this version reads {FORMAT}", first.format));
    }
    let cut_off = || "the last line does not say that the backup is whole: it was cut off".to_owned();
    let (before, last) = text.strip_suffix('\n').and_then(|text| text.rsplit_once('\n')).ok_or_else(cut_off)?;
    let last: Last<'_> = serde_json::from_str(last).map_err(|_| cut_off())?;
    let mut digest = Context::new(&SHA256);
    digest.update(before.as_bytes());
    digest.update(b"\n");
    let lines: Vec<&str> = before.lines().skip(1).collect();
    match lines.len() as u64 == last.records && hex(digest) == last.sha256 {
        true => Ok(lines),
        false => Err("the backup is damaged: its last line is the digest of other lines".to_owned()),
    }
}

fn parse_line(line: &str) -> Result<Record, String> {
    let line: Line<'_> = serde_json::from_str(line).map_err(|error| error.to_string())?;
    Record::parse_row(line.kind, line.zone, line.record.to_string().as_bytes())
}

fn put(account: &mut Account, seen: &mut BTreeSet<Key>, record: Record) -> Result<(), String> {
    if let Record::Rrset { zone, rrset } = &record
        && !account.zones.contains_key(zone)
    {
        return Err(format!("{} {} is in the zone {zone}, which is not before it", rrset.said.name, rrset.said.kind));
    }
    if !seen.insert(record.key()) {
        return Err(format!("{} is there twice", record.key()));
    }
    account.apply(vec![Edit::Put(record)]);
    Ok(())
}

/// Raised when a line changes its meaning.
const FORMAT: u32 = 1;
/// How many problems are told.
pub const PROBLEMS_MAX: usize = 100;

#[cfg(test)]
mod tests;
