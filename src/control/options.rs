//! What a route or a `[[group]]` does beyond its policy.
//!
//! Whether an option fits the group's policy is `zone::check`'s question. Invariant: a group has options from one
//! place, and only a group that is there has any. Route 53 has none of these; this is waypost's own.

use crate::geography::area::Area;
use crate::toml_table::{Table, Value};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::group_options::{GroupOptions, MinHealthy, Share, TtlRange};
use crate::zone::hosted_zone::HostedZone;

use super::located::{AREA_KEYS, read_area};
use super::modes::read_modes;
use super::raw_record::{read_name, read_ttl, read_type};

/// Reads the options that a table says; one that is wrong is left out.
pub(super) fn read_options(table: &mut Table<'_>) -> GroupOptions {
    let min_healthy = table.optional("min_healthy").and_then(|value| read_min_healthy(&value));
    GroupOptions {
        min_healthy: min_healthy.unwrap_or_default(),
        fence: table.optional("fence").map(|value| read_fence(&value)).unwrap_or_default(),
        trickle: table.optional("trickle").and_then(|value| read_percent(&value, TRICKLE_MAX)).unwrap_or_default(),
        panic: table.optional("panic").and_then(|value| read_percent(&value, 100.0)).unwrap_or_default(),
        ttl: None,
        modes: read_modes(table),
        sticky: table.bool_or("sticky", false),
        nearest: table.optional_int("nearest", 1..=8).map_or(0, |count| u8::try_from(count).expect("1 to 8")),
    }
}

/// Reads the `[[group]]` tables into `zone`, whose record sets have all been read if it `is_whole`.
pub(super) fn read_groups(root: &mut Table<'_>, zone: &mut HostedZone, is_whole: bool) {
    for mut table in root.array_of_tables("group") {
        let named = table.required("name", "\"www\"");
        let span = named.as_ref().map_or_else(|| table.span.clone(), |value| value.span.clone());
        let name = named.and_then(|value| read_name(&value, Some(&zone.name)));
        let rtype = table.required("type", "\"A\"").and_then(|value| read_type(&value));
        let ttl = table.optional("ttl").and_then(|value| read_ttl_range(&value));
        let options = GroupOptions { ttl, ..read_options(&mut table) };
        let document = table.document();
        table.finish();
        let (Some(name), Some(rtype)) = (name, rtype) else { continue };
        if is_whole && !has_group(zone, &name, rtype) {
            let message = format!("[[group]]: no record is named {name} {rtype}, so there is no group to have options");
            document.error(&span, message);
        } else if options != GroupOptions::default() && zone.groups.insert((name.clone(), rtype), options).is_some() {
            document.error(&span, format!("[[group]]: {name} {rtype} has options already; a group has them in one place"));
        }
    }
}

/// `{ max = 300, min = 20 }`: the TTL follows how soon the answer could change.
pub(super) fn read_ttl_range(value: &Value<'_>) -> Option<TtlRange> {
    if !value.is_table() {
        value.wrong("a group's ttl is a range; its records have a TTL each", "ttl = { max = 300, min = 20 }");
        return None;
    }
    let mut table = value.table()?;
    let mut read = |key, example| table.required(key, example).and_then(|value| read_ttl(&value)).map(|ttl| ttl.secs());
    let (max, min) = (read("max", "300"), read("min", "20"));
    table.finish();
    let range = TtlRange { min: min?, max: max? };
    if range.min > range.max {
        value.wrong(format_args!("min {} is above max {}", range.min, range.max), "such as ttl = { max = 300, min = 20 }");
        return None;
    }
    Some(range)
}

fn has_group(zone: &HostedZone, name: &Name, rtype: RecordType) -> bool {
    zone.record_sets.iter().any(|set| set.rtype == rtype && set.name == *name)
}

/// A count, or a share of the members.
fn read_min_healthy(value: &Value<'_>) -> Option<MinHealthy> {
    if value.is_int() {
        return value.int(1..=65_535).map(|count| MinHealthy::Count(u16::try_from(count).expect("1 to 65535")));
    }
    read_percent(value, 100.0).map(MinHealthy::Share)
}

fn read_fence(value: &Value<'_>) -> Vec<Area> {
    if value.is_empty_array() {
        value.wrong("no place is inside it", "such as fence = [{ continent = \"EU\" }, { country = \"CH\" }]");
    }
    value.items().iter().filter_map(read_fenced).collect()
}

fn read_fenced(item: &Value<'_>) -> Option<Area> {
    let mut table = item.table()?;
    let area = read_area(&mut table, &AREA_KEYS);
    table.finish();
    let area = area?;
    if area.is_none() {
        item.wrong("says no place", "{ continent = \"EU\" } or { country = \"CH\" }");
    }
    area
}

/// A share above 0 and up to `max`, in percent.
fn read_percent(value: &Value<'_>, max: f64) -> Option<Share> {
    let written = value.string()?;
    let percent: Option<f64> = written.strip_suffix('%').and_then(|number| number.trim_end().parse().ok());
    let share = percent.filter(|percent| *percent <= max).and_then(|percent| Share::new(percent / 100.0));
    let share = share.filter(|share| share.parts() > 0);
    if share.is_none() {
        value.wrong(format_args!("{written:?} is not within 0.01% to {max}%"), "a share such as \"10%\" or \"0.5%\"");
    }
    share
}

/// A standby that gets more than half is no standby.
const TRICKLE_MAX: f64 = 50.0;
