//! The latency table: measured round trips from networks to regions, as the operator's CSV has them.
//!
//! Knows no geography: what nobody measured is estimated elsewhere (see `map`). A row of a longer prefix replaces the same
//! region's row of a shorter one; other regions are inherited.
//! Invariant: no prefix has two rows of one region. Source: Route 53 developer guide, "Latency-based routing".

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::ops::Range;

use ipnet::IpNet;

use super::nested::{Blocks, blocks, flatten};
use super::numbered::Numbered;
use super::ranges::{Address, Builder, Families, Ranges};
use crate::geography::site::RegionName;
use crate::problem::{Problem, Problems};
use crate::text::Text;

/// What was measured, by address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatencyTable {
    /// For each address, its place in `sets`.
    families: Families,
    /// What applies together; the first is empty.
    sets: Box<[RowSet]>,
    /// Every region that a row names.
    regions: Box<[RegionName]>,
    rows: usize,
}

/// The rows that apply to some addresses, by region.
type RowSet = Box<[Row]>;

/// One number as it applies to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Row {
    /// A place in `LatencyTable::regions`.
    region: u32,
    pub(super) micros: u32,
    /// How long the prefix of its row is.
    pub(super) prefix_len: u8,
}

/// A number that the table has for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    pub micros: u32,
    /// The prefix of the row that says so.
    pub prefix: IpNet,
}

/// The most that a row may say: a minute.
const MS_MAX: f64 = 60_000.0;
/// How many errors are shown.
const SHOWN_MAX: usize = 100;
const ACCEPTED: &str = "a line is prefix,region,ms, as 203.0.113.0/24,aws:eu-central-1,12.5";

impl LatencyTable {
    /// Reads a table: lines of `prefix,region,ms`; empty lines, `#` comments and a header line are passed over.
    /// There is none if a line is wrong.
    pub fn read(text: &Text) -> (Option<Self>, Problems) {
        let mut reader = Reader {
            text,
            rows: BTreeMap::new(),
            regions: HashMap::new(),
            names: Vec::new(),
            found: Problems::default(),
            errors: 0,
        };
        let mut is_first = true;
        let mut at = 0;
        for line in text.content().split_inclusive('\n') {
            let span = at..at + line.trim_end().len();
            at += line.len();
            if line.trim().is_empty() || line.trim_start().starts_with('#') {
                continue;
            }
            if !(std::mem::take(&mut is_first) && is_header(line)) {
                reader.read_line(span);
            }
        }
        reader.finish()
    }

    /// What a region was measured at from an address.
    pub fn measured(&self, address: IpAddr, region: &RegionName) -> Option<Measured> {
        let region = self.region(region)?;
        let row = self.row(self.set(address), region)?;
        let prefix = IpNet::new(address, row.prefix_len).expect("a row's prefix is of its family").trunc();
        Some(Measured { micros: row.micros, prefix })
    }

    /// How many rows the table has.
    pub fn row_count(&self) -> usize {
        self.rows
    }

    /// What the table takes in memory, in octets.
    pub fn memory_octets(&self) -> usize {
        self.families.memory_octets() + self.sets.iter().map(|set| size_of_val(set) + size_of_val(&**set)).sum::<usize>()
    }

    pub(super) fn families(&self) -> &Families {
        &self.families
    }

    /// The number by which rows know a region.
    pub(super) fn region(&self, name: &RegionName) -> Option<u32> {
        self.regions.binary_search(name).ok().map(|at| at as u32)
    }

    /// The set of rows that apply to an address.
    pub(super) fn set(&self, address: IpAddr) -> u32 {
        self.families.lookup(address).0
    }

    /// What the rows of a set say of a region.
    pub(super) fn row(&self, set: u32, region: u32) -> Option<&Row> {
        let set = &self.sets[set as usize];
        set.binary_search_by_key(&region, |row| row.region).ok().map(|at| &set[at])
    }
}

fn is_header(line: &str) -> bool {
    let mut fields = line.split(',').map(str::trim);
    ["prefix", "region", "ms"].iter().all(|name| fields.next().is_some_and(|field| field.eq_ignore_ascii_case(name)))
}

/// A table while it is read.
struct Reader<'t> {
    text: &'t Text,
    /// What each prefix says of each region, and in which line.
    rows: BTreeMap<IpNet, BTreeMap<u32, (u32, u32)>>,
    regions: HashMap<RegionName, u32>,
    names: Vec<RegionName>,
    found: Problems,
    errors: usize,
}

impl Reader<'_> {
    /// Reads the line at `span`, without its end.
    fn read_line(&mut self, span: Range<usize>) {
        let line = &self.text.content()[span.clone()];
        let fields: Vec<Range<usize>> = fields(line).map(|field| span.start + field.start..span.start + field.end).collect();
        let Ok([prefix, region, ms]) = <[Range<usize>; 3]>::try_from(fields) else {
            let count = line.split(',').count();
            return self.error(span, format!("a row of {count} fields"), ACCEPTED);
        };
        // Each is read, so that each is told.
        let (network, name, micros) = (self.read_prefix(prefix.clone()), self.read_region(region), self.read_ms(ms));
        if let (Some(network), Some(name), Some(micros)) = (network, name, micros) {
            self.put(prefix, network, name, micros);
        }
    }

    fn read_prefix(&mut self, span: Range<usize>) -> Option<IpNet> {
        let found = &self.text.content()[span.clone()];
        let accepted = "an IPv4 or IPv6 prefix, as 203.0.113.0/24";
        match found.parse::<IpNet>() {
            Ok(network) if network == network.trunc() => Some(network),
            Ok(network) => {
                let accepted = format!("{} has none", network.trunc());
                self.error(span, format!("the prefix {found} has bits set beyond its length"), accepted);
                None
            }
            Err(_) => {
                self.error(span, format!("{found:?} is no prefix"), accepted);
                None
            }
        }
    }

    fn read_region(&mut self, span: Range<usize>) -> Option<RegionName> {
        let parsed = RegionName::parse(&self.text.content()[span.clone()]);
        parsed.map_err(|invalid| self.error(span, invalid.to_string(), "a name such as aws:eu-central-1")).ok()
    }

    fn read_ms(&mut self, span: Range<usize>) -> Option<u32> {
        let found = &self.text.content()[span.clone()];
        let is_decimal = found.bytes().all(|octet| octet.is_ascii_digit() || octet == b'.');
        match found.parse::<f64>() {
            Ok(ms) if is_decimal && (0.0..=MS_MAX).contains(&ms) => Some((ms * 1_000.0).round() as u32),
            _ => {
                self.error(span, format!("{found:?} are no milliseconds"), format!("a decimal number within 0-{MS_MAX}"));
                None
            }
        }
    }

    fn put(&mut self, span: Range<usize>, network: IpNet, name: RegionName, micros: u32) {
        let line = self.text.line_at(span.start);
        let count = self.names.len() as u32;
        let region = *self.regions.entry(name.clone()).or_insert_with(|| {
            self.names.push(name.clone());
            count
        });
        let rows = self.rows.entry(network).or_default();
        match rows.get(&region) {
            None => {
                rows.insert(region, (micros, line));
            }
            Some((_, first)) => {
                let message = format!("{network} has a row of {name} in line {first} already");
                self.error(span, message, "one row for each prefix and region");
            }
        }
    }

    fn error(&mut self, span: Range<usize>, message: String, accepted: impl Into<String>) {
        self.errors += 1;
        if self.errors <= SHOWN_MAX {
            self.found.push(Problem::error(message).help(accepted).at(self.text.place(span)));
        }
    }

    fn finish(mut self) -> (Option<LatencyTable>, Problems) {
        if self.errors > SHOWN_MAX {
            self.found.push(Problem::error(format!("{} more errors are not shown", self.errors - SHOWN_MAX)));
        }
        let table = (self.errors == 0).then(|| compile(self.rows, &self.names));
        (table, self.found)
    }
}

/// Where the fields of a line are, without the blanks around them.
fn fields(line: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    line.split(',').map(move |field| {
        let start = at + field.len() - field.trim_start().len();
        at += field.len() + 1;
        start..start + field.trim().len()
    })
}

/// Sorts regions by name, and flattens nested prefixes.
fn compile(rows: BTreeMap<IpNet, BTreeMap<u32, (u32, u32)>>, names: &[RegionName]) -> LatencyTable {
    let mut regions = names.to_vec();
    regions.sort();
    let number = |named: u32| regions.binary_search(&names[named as usize]).expect("it has every name") as u32;
    let count = rows.values().map(BTreeMap::len).sum();
    let networks: Vec<IpNet> = rows.keys().copied().collect();
    let own = rows.iter().map(|(network, rows)| {
        let row = |(region, (micros, _)): (&u32, &(u32, u32))| (number(*region), (*micros, network.prefix_len()));
        rows.iter().map(row).collect()
    });
    let mut sets = Sets { own: own.collect(), of_block: vec![None; networks.len()], sets: Numbered::default() };
    let none = sets.sets.number(Box::default());
    let (v4, v6) = blocks(&networks);
    let families = Families { v4: sets.flatten(&v4, none), v6: sets.flatten(&v6, none) };
    LatencyTable { families, sets: sets.sets.finish(), regions: regions.into(), rows: count }
}

/// Sets of rows, each kept once.
struct Sets {
    /// What each block itself says: micros and the length of its prefix, by region.
    own: Vec<BTreeMap<u32, (u32, u8)>>,
    /// The set that applies in a block, outside of the blocks within.
    of_block: Vec<Option<u32>>,
    sets: Numbered<RowSet>,
}

impl Sets {
    fn flatten<A: Address>(&mut self, blocks: &Blocks<A>, none: u32) -> Ranges<A> {
        let mut builder = Builder::new(none);
        flatten(blocks, |start, chain| builder.push(start, chain.last().map_or(none, |block| self.of(*block, chain))));
        builder.finish()
    }

    /// The set of the innermost block of a chain.
    fn of(&mut self, block: usize, chain: &[usize]) -> u32 {
        if let Some(number) = self.of_block[block] {
            return number;
        }
        let mut rows = BTreeMap::new();
        for holding in chain {
            rows.extend(&self.own[*holding]);
        }
        let set = rows.into_iter().map(|(region, (micros, prefix_len))| Row { region, micros, prefix_len });
        let number = self.sets.number(set.collect());
        self.of_block[block] = Some(number);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> (Option<LatencyTable>, Problems) {
        LatencyTable::read(&Text::new("latency.csv".into(), content))
    }

    fn ms(table: &LatencyTable, address: &str, region: &str) -> Option<(f64, String)> {
        let region = RegionName::parse(region).expect("a name");
        let measured = table.measured(address.parse().expect("an address"), &region)?;
        Some((f64::from(measured.micros) / 1_000.0, measured.prefix.to_string()))
    }

    #[test]
    fn a_longer_prefix_replaces_its_own_regions_and_inherits_the_rest() {
        let (table, problems) = read(
            "# measured in May\nPrefix, Region, ms\n\n10.0.0.0/8,aws:eu-central-1,12.5\r\n10.0.0.0/8, us-east-1 ,90\n\
             10.1.0.0/16,eu-central-1,3\n2001:db8::/32,gcp:europe-west3,0.0004\n0.0.0.0/0,azure:westeurope,60000",
        );
        assert_eq!(problems.to_string(), "");
        let table = table.expect("all lines are right");
        let found = |ms: f64, prefix: &str| Some((ms, prefix.to_owned()));
        assert_eq!(ms(&table, "10.200.0.1", "eu-central-1"), found(12.5, "10.0.0.0/8"));
        assert_eq!(ms(&table, "10.1.255.255", "eu-central-1"), found(3.0, "10.1.0.0/16"));
        assert_eq!(ms(&table, "10.1.0.0", "us-east-1"), found(90.0, "10.0.0.0/8"));
        assert_eq!(ms(&table, "10.1.0.0", "azure:westeurope"), found(60_000.0, "0.0.0.0/0"));
        assert_eq!(ms(&table, "11.0.0.0", "us-east-1"), None);
        assert_eq!(ms(&table, "2001:db8::1", "gcp:europe-west3"), found(0.0, "2001:db8::/32"));
        assert_eq!(ms(&table, "2001:db9::1", "gcp:europe-west3"), None);
        assert_eq!(ms(&table, "10.1.0.0", "home:berlin"), None);
        assert_eq!(table.row_count(), 5);
    }

    #[test]
    fn every_wrong_line_is_told_with_its_place() {
        let (table, problems) = read(
            "10.0.0.0/8,eu-central-1,1\n10.0.0.0/8,aws:eu-central-1,2\n10.0.0.1/8,eu central,-1\nten,eu-central-1,1e3\n\
             10.0.0.0/8,eu-central-1\n10.0.0.0/8,eu-west-1,60000.1\n10.0.0.0,eu-west-1,1\nprefix,region,ms\n10.0.0.0/9,eu-west-1,NaN",
        );
        assert_eq!(table, None);
        let expected = [
            "latency.csv:2:1: error: 10.0.0.0/8 has a row of aws:eu-central-1 in line 1 already (one row for each prefix and region)",
            "latency.csv:3:1: error: the prefix 10.0.0.1/8 has bits set beyond its length (10.0.0.0/8 has none)",
            "latency.csv:3:12: error: \"eu central\" is no name of a region (a name such as aws:eu-central-1)",
            "latency.csv:3:23: error: \"-1\" are no milliseconds (a decimal number within 0-60000)",
            "latency.csv:4:1: error: \"ten\" is no prefix (an IPv4 or IPv6 prefix, as 203.0.113.0/24)",
            "latency.csv:4:18: error: \"1e3\" are no milliseconds (a decimal number within 0-60000)",
            "latency.csv:5:1: error: a row of 2 fields (a line is prefix,region,ms, as 203.0.113.0/24,aws:eu-central-1,12.5)",
            "latency.csv:6:22: error: \"60000.1\" are no milliseconds (a decimal number within 0-60000)",
            "latency.csv:7:1: error: \"10.0.0.0\" is no prefix (an IPv4 or IPv6 prefix, as 203.0.113.0/24)",
            "latency.csv:8:1: error: \"prefix\" is no prefix (an IPv4 or IPv6 prefix, as 203.0.113.0/24)",
            "latency.csv:8:15: error: \"ms\" are no milliseconds (a decimal number within 0-60000)",
            "latency.csv:9:22: error: \"NaN\" are no milliseconds (a decimal number within 0-60000)",
        ];
        assert_eq!(problems.to_string().lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_hundred_errors_are_shown_and_the_rest_counted() {
        let (table, problems) = read(&"x\n".repeat(1_000));
        assert_eq!(table, None);
        assert_eq!(problems.iter().count(), SHOWN_MAX + 1);
        let last = problems.iter().last().expect("there are some");
        assert_eq!(last.message, "900 more errors are not shown");
    }
}
