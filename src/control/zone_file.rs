//! One zone's file, TOML or master, made into a hosted zone and the health checks it defines.
//!
//! Judges no zone (`zone::check`) and no reference between files (`references`).
//! Invariant: file 0 of the hosted zone is the zone's own, and the record sets' origins count in its files.
//! Sources: RFC 1035 §5 (master files), RFC 2308 §4 (negative TTL), RFC 1912 §2.2 (SOA values).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::collections::{DefinedCollection, read_collections};
use super::load::Reading;
use super::options::read_groups;
use super::probed::{DefinedCheck, read_checks, read_probes};
use super::raw_record::{read_name, read_records, read_ttl};
use super::routed::read_routed;
use crate::problem::{Place, Problem, Problems};
use crate::text::Text;
use crate::toml_table::{Document, Table, Value};
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::hosted_zone::HostedZone;
use crate::zone::master::{self, Include, Source};
use crate::zone::record_set::{Origin, RdataList, RecordSet, Ttl};

/// What one file says.
pub(super) struct ZoneFile {
    /// None where not even its name could be read.
    pub zone: Option<HostedZone>,
    /// Where the zone is named.
    pub place: Option<Place>,
    pub checks: Vec<DefinedCheck>,
    pub collections: Vec<DefinedCollection>,
    pub problems: Problems,
}

/// Reads a zone: a file named `*.zone` is a master file, every other is zone TOML.
pub(super) fn read(source: Source, texts: &mut Reading<'_>, serial: u32) -> ZoneFile {
    if source.file.ends_with(".zone") { read_master(source, texts) } else { read_toml(source, texts, serial) }
}

fn read_master(source: Source, texts: &mut Reading<'_>) -> ZoneFile {
    let file = source.file.clone();
    let read = master::read(source, None, None, texts);
    keep(&read, texts);
    let place = read.record_sets.iter().find(|set| set.rtype == RecordType::SOA).map(|soa| {
        let file = read.files.get(usize::from(soa.origin.file)).unwrap_or(&file);
        texts.place_of_line(file, soa.origin.line)
    });
    let zone = read.apex.map(|name| HostedZone {
        name,
        record_sets: read.record_sets,
        hidden: 0,
        groups: BTreeMap::new(),
        files: read.files,
    });
    ZoneFile { zone, place, checks: Vec::new(), collections: Vec::new(), problems: read.problems }
}

/// Keeps what a master file and those that it includes say.
fn keep(read: &master::Read, texts: &mut Reading<'_>) {
    read.files.iter().zip(&read.texts).for_each(|(file, octets)| texts.keep(file, octets.clone()));
}

fn read_toml(source: Source, texts: &mut Reading<'_>, serial: u32) -> ZoneFile {
    texts.keep(&source.file, Arc::new(source.octets.clone()));
    let content = match String::from_utf8(source.octets) {
        Ok(content) => content,
        Err(error) => {
            let valid = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]).into_owned();
            let (text, at) = (Text::new(source.file, valid.as_str()), valid.len());
            let problem = Problem::error("reading TOML: the text is not UTF-8 here").at(text.place(at..at + 1));
            return ZoneFile { zone: None, place: None, checks: Vec::new(), collections: Vec::new(), problems: problem.into() };
        }
    };
    let text = Text::new(source.file, content);
    let document = Document::parse(&text);
    let read = read_document(&document, texts, serial);
    let mut problems = document.into_problems();
    problems.append(read.problems);
    ZoneFile { problems, ..read }
}

/// What a document says; the problems are those of the files it includes.
fn read_document(document: &Document<'_>, texts: &mut Reading<'_>, serial: u32) -> ZoneFile {
    let mut problems = Problems::default();
    let mut root = document.root();
    let named = root.required("zone", "\"example.org.\"").and_then(|value| Some((read_zone_name(&value)?, value.span)));
    let name = named.as_ref().map_or_else(Name::root, |(name, _)| name.clone());
    let ttl = root.optional("ttl").and_then(|value| read_ttl(&value)).unwrap_or_else(default_ttl);
    let servers = read_servers(&mut root, &name);
    let soa = read_soa(&mut root, &name);
    let mut zone = HostedZone {
        name,
        record_sets: Vec::new(),
        hidden: 0,
        groups: BTreeMap::new(),
        files: vec![document.text().file().clone()],
    };
    read_includes(&mut root, &mut zone, ttl, texts, &mut problems);
    let probes = read_probes(&mut root);
    let routed = read_routed(&mut root, &zone.name, ttl, &probes);
    let mut checks = read_checks(&mut root);
    checks.extend(routed.checks);
    zone.record_sets.extend(routed.record_sets);
    zone.groups = routed.groups;
    zone.record_sets.extend(read_records(&mut root, &zone.name, ttl));
    let collections = read_collections(&mut root);
    if let Some((servers, line)) = servers {
        make_apex(&mut zone, &servers, &soa, serial, line);
    }
    let is_whole = !document.has_errors() && !problems.has_errors();
    read_groups(&mut root, &mut zone, is_whole);
    root.finish();
    let place = named.as_ref().map(|(_, span)| document.place(span));
    ZoneFile { zone: named.is_some().then_some(zone), place, checks, collections, problems }
}

fn read_zone_name(value: &Value<'_>) -> Option<Name> {
    // The final dot may be left out here: there is nothing that the name could be relative to.
    read_name(value, Some(&Name::root()))
}

/// The name servers of `ns`, with the line they are on.
fn read_servers(root: &mut Table<'_>, zone: &Name) -> Option<(Vec<Name>, u32)> {
    let value = root.optional("ns")?;
    let items = value.items();
    if value.is_empty_array() {
        value.wrong("has no name servers", "such as ns = [\"ns1.example.org.\"]");
    }
    let servers: Vec<Name> = items.iter().filter_map(|item| read_name(item, Some(zone))).collect();
    (!servers.is_empty()).then(|| (servers, root.document().line(&value.span)))
}

/// The parts of an SOA that the operator may set.
struct Soa {
    mname: Option<Name>,
    rname: Option<Name>,
    ttl: Ttl,
    /// Refresh, retry, expire, minimum.
    times: [u32; 4],
}

fn read_soa(root: &mut Table<'_>, zone: &Name) -> Soa {
    let mut soa = Soa { mname: None, rname: None, ttl: seconds(SOA_TTL), times: SOA_TIMES };
    let Some(mut table) = root.table("soa") else { return soa };
    soa.mname = table.optional("mname").and_then(|value| read_name(&value, Some(zone)));
    soa.rname = table.optional("rname").and_then(|value| read_name(&value, Some(zone)));
    if let Some(ttl) = table.optional("ttl").and_then(|value| read_ttl(&value)) {
        soa.ttl = ttl;
    }
    for (key, time) in ["refresh", "retry", "expire", "minimum"].into_iter().zip(&mut soa.times) {
        if let Some(secs) = table.optional_int(key, 0..=Ttl::MAX.into()) {
            *time = u32::try_from(secs).expect("0 to 2147483647");
        }
    }
    table.finish();
    soa
}

fn read_includes(root: &mut Table<'_>, zone: &mut HostedZone, ttl: Ttl, texts: &mut Reading<'_>, problems: &mut Problems) {
    let from = zone.files[0].clone();
    for item in root.array("include") {
        let Some(path) = item.string() else { continue };
        match texts.load(path, &from) {
            Ok(source) => {
                let mut read = master::read(source, Some(&zone.name), Some(ttl), texts);
                keep(&read, texts);
                let Ok(first) = u16::try_from(zone.files.len()) else { continue };
                read.record_sets.iter_mut().for_each(|set| set.origin.file = set.origin.file.saturating_add(first));
                zone.files.append(&mut read.files);
                zone.record_sets.append(&mut read.record_sets);
                problems.append(read.problems);
            }
            Err(error) => item.error(format_args!("including {path:?}: {error}")),
        }
    }
}

/// Adds the SOA and NS at the apex that nothing else gives.
fn make_apex(zone: &mut HostedZone, servers: &[Name], soa: &Soa, serial: u32, line: u32) {
    let has = |rtype| zone.record_sets.iter().any(|set| set.rtype == rtype && set.name == zone.name);
    let (has_soa, has_ns) = (has(RecordType::SOA), has(RecordType::NS));
    let apex = zone.name.clone();
    let mut made = Vec::new();
    let mut make = |rtype, ttl, rdata: &[Vec<u8>]| {
        let origin = Origin { file: 0, line };
        made.push(RecordSet { origin, ..RecordSet::simple(apex.clone(), rtype, ttl, RdataList::new(rdata)) });
    };
    if !has_soa {
        make(RecordType::SOA, soa.ttl, &[soa_rdata(&zone.name, &servers[0], soa, serial)]);
    }
    if !has_ns {
        let rdata: Vec<Vec<u8>> = servers.iter().map(|server| server.as_wire().to_vec()).collect();
        make(RecordType::NS, seconds(NS_TTL), &rdata);
    }
    zone.record_sets.splice(0..0, made);
}

/// RFC 1035 §3.3.13.
fn soa_rdata(zone: &Name, first_server: &Name, soa: &Soa, serial: u32) -> Vec<u8> {
    let mname = soa.mname.as_ref().unwrap_or(first_server);
    // A zone whose name has no room for another label has its own name as mailbox.
    let rname = soa.rname.clone().unwrap_or_else(|| zone.child(b"hostmaster").unwrap_or_else(|_| zone.clone()));
    let mut rdata = [mname.as_wire(), rname.as_wire()].concat();
    for number in std::iter::once(serial).chain(soa.times) {
        rdata.extend_from_slice(&number.to_be_bytes());
    }
    rdata
}

fn default_ttl() -> Ttl {
    seconds(60)
}

fn seconds(secs: u32) -> Ttl {
    Ttl::new(secs.into()).expect("the constants are below 2^31")
}

/// Of an SOA made here, as of Route 53's.
const SOA_TTL: u32 = 900;
/// Refresh, retry, expire as Route 53 has them; minimum, the negative TTL, so short that a new name is soon seen.
const SOA_TIMES: [u32; 4] = [7_200, 900, 1_209_600, 60];
/// Of NS made here: as Route 53's, and as parents commonly have for the same records.
const NS_TTL: u32 = 172_800;
