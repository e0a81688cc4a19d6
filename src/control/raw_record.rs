//! `[[record]]` tables: Route 53's own form of a record set, its field names in snake_case.
//!
//! Does not judge one record set beside another: see `zone::check`. Invariant: each value is valid rdata for its
//! type. Source: Route 53 API reference, `ResourceRecordSet`.

use crate::geography::area::Area;
use crate::ids::SetIdentifier;
use crate::toml_table::{Table, Value};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::rdata;
use crate::zone::record_set::{Alias, Content, Origin, RdataList, RecordSet, Ttl, Weight};

use super::located::{AREA_KEYS, read_area};
use super::probed::read_id;
use super::raw_policy::read_policy;

/// The record sets of every `[[record]]`.
pub(super) fn read_records(root: &mut Table<'_>, zone: &Name, default_ttl: Ttl) -> Vec<RecordSet> {
    root.array_of_tables("record").into_iter().filter_map(|table| read_record(table, zone, default_ttl)).collect()
}

fn read_record(mut table: Table<'_>, zone: &Name, default_ttl: Ttl) -> Option<RecordSet> {
    let named = table.required("name", "\"www\"");
    // The line that tells the record set from others, rather than its header.
    let span = named.as_ref().map_or(&table.span, |value| &value.span);
    let origin = Origin { file: 0, line: table.document().line(span) };
    let name = named.and_then(|value| read_name(&value, Some(zone)));
    let rtype = table.required("type", "\"A\"").and_then(|value| read_type(&value));
    let set_identifier = table.optional("set_identifier").and_then(|value| read_set_identifier(&value));
    let policy = read_policy(&mut table);
    let health_check = table.optional("health_check").and_then(|value| read_id(&value));
    let place = table.table("place").and_then(read_place);
    let content = read_content(&mut table, rtype, zone, default_ttl);
    table.finish();
    Some(RecordSet {
        name: name?,
        rtype: rtype?,
        set_identifier,
        policy: policy?,
        content: content?,
        health_check,
        place,
        origin,
    })
}

/// Where what is answered stands: a country or a subdivision.
fn read_place(mut table: Table<'_>) -> Option<Area> {
    table.refuse("continent", "is too wide; say the country");
    let area = read_area(&mut table, &AREA_KEYS)?;
    if area.is_none() {
        table.error("says no country; such as place = { country = \"DE\" }");
    }
    table.finish();
    area
}

/// Reads a name, relative to `origin` if there is one.
pub(super) fn read_name(value: &Value<'_>, origin: Option<&Name>) -> Option<Name> {
    Name::parse(value.string()?, origin).map_err(|error| value.error(error)).ok()
}

pub(super) fn read_type(value: &Value<'_>) -> Option<RecordType> {
    let rtype: RecordType = value.parsed("such as A, AAAA, CNAME, MX, TXT")?;
    if !rtype.is_data() {
        value.error(format_args!("{rtype} is a type of question, which no zone can hold"));
        return None;
    }
    Some(rtype)
}

fn read_set_identifier(value: &Value<'_>) -> Option<SetIdentifier> {
    SetIdentifier::new(value.string()?).map_err(|error| value.error(format_args!("the set identifier {error}"))).ok()
}

pub(super) fn read_weight(value: &Value<'_>) -> Option<Weight> {
    value.int(0..=255).map(|weight| Weight::new(weight).expect("0 to 255"))
}

fn read_content(table: &mut Table<'_>, rtype: Option<RecordType>, zone: &Name, default_ttl: Ttl) -> Option<Content> {
    if let Some(alias) = table.optional("alias") {
        table.refuse("ttl", "has no meaning for an alias, which answers with its target's");
        table.refuse("values", "and alias exclude each other");
        return read_alias(&alias, zone);
    }
    let ttl = table.optional("ttl").map_or(Some(default_ttl), |value| read_ttl(&value));
    let values = table.required("values", "[\"192.0.2.1\"], or alias = { name = \"…\" }")?.items();
    let rtype = rtype?;
    let read: Vec<Option<Vec<u8>>> = values.iter().map(|value| read_value(value, rtype, zone)).collect();
    let rdata: Option<Vec<Vec<u8>>> = read.into_iter().collect();
    Some(Content::Values { ttl: ttl?, rdata: RdataList::new(rdata?) })
}

pub(super) fn read_ttl(value: &Value<'_>) -> Option<Ttl> {
    value.int(0..=Ttl::MAX.into()).map(|ttl| Ttl::new(ttl).expect("0 to 2147483647"))
}

fn read_value(value: &Value<'_>, rtype: RecordType, zone: &Name) -> Option<Vec<u8>> {
    match rdata::parse(rtype, value.string()?, Some(zone)) {
        Ok(octets) => Some(octets),
        Err(invalid) => {
            match invalid.help {
                Some(help) => value.wrong(invalid.message, help),
                None => value.error(invalid.message),
            }
            None
        }
    }
}

/// A name alone is an alias that evaluates its target's health.
fn read_alias(value: &Value<'_>, zone: &Name) -> Option<Content> {
    if value.is_string() {
        let target = read_name(value, Some(zone))?;
        return Some(Content::Alias(Box::new(Alias { target, evaluate_target_health: true })));
    }
    let mut table = value.table()?;
    let target = table.required("name", "\"www\"").and_then(|value| read_name(&value, Some(zone)));
    let evaluates = table.required("evaluate_target_health", "true").and_then(|value| value.bool());
    table.finish();
    Some(Content::Alias(Box::new(Alias { target: target?, evaluate_target_health: evaluates? })))
}
