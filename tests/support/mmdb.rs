//! Writes geo databases in MaxMind's format, for tests: a search tree, a data section, metadata.
//!
//! Not a library: it writes whatever it is told, and the reader is the judge. Of networks that lie in each other the
//! longer one holds. Invariant: equal arguments give equal octets. Source: MaxMind DB file format 2.0.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::IpNet;

/// What a record says; what is left out is not in it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Place {
    pub continent: Option<&'static str>,
    pub country: Option<&'static str>,
    pub subdivision: Option<&'static str>,
    /// Degrees north and east.
    pub coordinates: Option<(f64, f64)>,
    pub city: Option<&'static str>,
}

/// How a file is written.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// 4, or 6: then IPv4 is below ::/96.
    pub ip_version: u16,
    /// 24, 28 or 32.
    pub record_bits: u16,
    pub form: Form,
    pub database_type: &'static str,
}

/// What records look like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// MaxMind's own.
    Nested,
    /// As made from CSV.
    Flat,
    /// A number and an organization: no place.
    AutonomousSystem,
}

impl Default for Layout {
    fn default() -> Self {
        Self { ip_version: 6, record_bits: 28, form: Form::Nested, database_type: "Test-City" }
    }
}

/// A database of both families, in MaxMind's form.
pub fn write(networks: &[(&str, Place)]) -> Vec<u8> {
    let networks: Vec<(IpNet, Place)> =
        networks.iter().map(|(network, place)| (network.parse().expect("the test's networks are right"), *place)).collect();
    write_with(Layout::default(), &networks)
}

/// A database of this layout.
pub fn write_with(layout: Layout, networks: &[(IpNet, Place)]) -> Vec<u8> {
    let mut networks = networks.to_vec();
    networks.sort_by_key(|(network, _)| network.prefix_len());
    let (mut tree, mut data, mut written) = (vec![[Record::Empty; 2]], Vec::new(), HashMap::new());
    for (network, place) in &networks {
        let record = encode(layout.form, place);
        let offset = *written.entry(record.clone()).or_insert_with(|| {
            data.extend_from_slice(&record);
            data.len() - record.len()
        });
        put(&mut tree, &bits(layout.ip_version, *network), Record::Data(offset));
    }
    let mut file = Vec::new();
    for node in &tree {
        put_node(&mut file, node.map(|record| number(record, tree.len())), layout.record_bits);
    }
    file.extend_from_slice(&[0; 16]);
    file.extend_from_slice(&data);
    file.extend_from_slice(b"\xab\xcd\xefMaxMind.com");
    file.extend_from_slice(&metadata(layout, tree.len()));
    file
}

#[derive(Clone, Copy, Debug)]
enum Record {
    Empty,
    Node(usize),
    Data(usize),
}

/// The bits of a network from the root of the tree.
fn bits(ip_version: u16, network: IpNet) -> Vec<usize> {
    let (address, before) = match network.addr() {
        IpAddr::V4(address) if ip_version == 4 => (u128::from(address.to_bits()) << 96, 0),
        IpAddr::V4(address) => (u128::from(address.to_bits()), 96),
        IpAddr::V6(address) if ip_version == 6 => (address.to_bits(), 0),
        IpAddr::V6(_) => panic!("{network} is in no IPv4 database"),
    };
    (0..before + network.prefix_len()).map(|bit| (address >> (127 - bit)) as usize & 1).collect()
}

fn put(tree: &mut Vec<[Record; 2]>, bits: &[usize], data: Record) {
    let (last, path) = bits.split_last().expect("no test's network is everyone");
    let mut node = 0;
    for bit in path {
        node = match tree[node][*bit] {
            Record::Node(next) => next,
            // What held for the whole holds for both halves until one is written.
            whole => {
                tree.push([whole; 2]);
                let next = tree.len() - 1;
                tree[node][*bit] = Record::Node(next);
                next
            }
        };
    }
    tree[node][*last] = data;
}

fn number(record: Record, nodes: usize) -> u32 {
    let number = match record {
        Record::Empty => nodes,
        Record::Node(node) => node,
        Record::Data(offset) => nodes + 16 + offset,
    };
    number.try_into().expect("tests' databases are small enough")
}

fn put_node(file: &mut Vec<u8>, [left, right]: [u32; 2], record_bits: u16) {
    let ([l0, l1, l2, l3], [r0, r1, r2, r3]) = (left.to_be_bytes(), right.to_be_bytes());
    match record_bits {
        24 => file.extend_from_slice(&[l1, l2, l3, r1, r2, r3]),
        28 => file.extend_from_slice(&[l1, l2, l3, l0 << 4 | r0, r1, r2, r3]),
        32 => file.extend_from_slice(&[l0, l1, l2, l3, r0, r1, r2, r3]),
        other => panic!("records of {other} bits are not in the format"),
    }
}

fn encode(form: Form, place: &Place) -> Vec<u8> {
    let code = |name: &str, code: &str| map(&[(name, text(code))]);
    let mut fields: Vec<(&str, Vec<u8>)> = Vec::new();
    match form {
        Form::Nested => {
            fields.extend(place.continent.map(|continent| ("continent", code("code", continent))));
            fields.extend(place.country.map(|country| ("country", code("iso_code", country))));
            fields.extend(place.subdivision.map(|subdivision| ("subdivisions", list(&[code("iso_code", subdivision)]))));
            let location = |(north, east)| map(&[("latitude", double(north)), ("longitude", double(east))]);
            fields.extend(place.coordinates.map(|coordinates| ("location", location(coordinates))));
            fields.extend(place.city.map(|city| ("city", map(&[("names", code("en", city))]))));
        }
        Form::Flat => {
            fields.extend(place.continent.map(|continent| ("continent_code", text(continent))));
            fields.push(("country_code", text(place.country.unwrap_or(""))));
            fields.extend(place.subdivision.map(|state| ("state1", text(state))));
            fields.extend(place.coordinates.map(|(north, _)| ("latitude", float(north as f32))));
            fields.extend(place.coordinates.map(|(_, east)| ("longitude", float(east as f32))));
            fields.push(("city", text(place.city.unwrap_or(""))));
        }
        Form::AutonomousSystem => {
            fields.push(("autonomous_system_number", unsigned(6, 64_500)));
            fields.push(("autonomous_system_organization", text("Example")));
        }
    }
    map(&fields)
}

fn metadata(layout: Layout, nodes: usize) -> Vec<u8> {
    map(&[
        ("binary_format_major_version", unsigned(5, 2)),
        ("binary_format_minor_version", unsigned(5, 0)),
        ("build_epoch", unsigned(9, BUILD_EPOCH)),
        ("database_type", text(layout.database_type)),
        ("description", map(&[("en", text("made by a test"))])),
        ("ip_version", unsigned(5, layout.ip_version.into())),
        ("languages", list(&[text("en")])),
        ("node_count", unsigned(6, nodes as u64)),
        ("record_size", unsigned(5, layout.record_bits.into())),
    ])
}

/// When every file was made: 2026-01-01.
pub const BUILD_EPOCH: u64 = 1_767_225_600;

fn map(fields: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let content: Vec<u8> = fields.iter().flat_map(|(name, value)| [text(name), value.clone()].concat()).collect();
    [control(7, fields.len()), content].concat()
}

fn list(values: &[Vec<u8>]) -> Vec<u8> {
    [control(11, values.len()), values.concat()].concat()
}

fn text(text: &str) -> Vec<u8> {
    [&control(2, text.len()), text.as_bytes()].concat()
}

fn double(number: f64) -> Vec<u8> {
    [&control(3, 8)[..], &number.to_be_bytes()].concat()
}

fn float(number: f32) -> Vec<u8> {
    [&control(15, 4)[..], &number.to_be_bytes()].concat()
}

/// A number of the kind 5 (16 bits), 6 (32) or 9 (64), without zeros in front.
fn unsigned(kind: u8, number: u64) -> Vec<u8> {
    let octets: Vec<u8> = number.to_be_bytes().into_iter().skip_while(|octet| *octet == 0).collect();
    [control(kind, octets.len()), octets].concat()
}

/// What stands in front of a value: its kind and size.
fn control(kind: u8, size: usize) -> Vec<u8> {
    let (size, more) = if size < 29 { (size as u8, None) } else { (29, Some(u8::try_from(size - 29).expect("a short text"))) };
    let first = if kind < 8 { vec![kind << 5 | size] } else { vec![size, kind - 7] };
    first.into_iter().chain(more).collect()
}
