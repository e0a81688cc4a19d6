//! Decision cases as text: a zone, what is known of its health, queries, and the responses with their explanations.
//!
//! `tests/cases/README.md` says how to write one; it needs no Rust. `UPDATE_CASES=1 cargo test --test cases` writes what
//! the server says now into the files: the diff is the review. Nothing here opens a socket or reads a clock.

#[path = "support/mmdb.rs"]
mod mmdb;
#[path = "support/shown.rs"]
mod shown;
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use waypost::answer::{Asker, Identity, Report, Transport, respond_traced};
use waypost::control::build::{Built, build};
use waypost::control::load::load_zones;
use waypost::health::check::HealthCheck;
use waypost::health::table::{Status, Verdict};
use waypost::ids::HealthCheckId;
use waypost::places::Places;
use waypost::places::database::Database;
use waypost::places::latency::LatencyTable;
use waypost::routing::draw::Draw;
use waypost::routing::trace::Explanation;
use waypost::snapshot::Snapshot;
use waypost::text::Text;
use waypost::wire::name::Name;
use waypost::wire::rtype::RecordType;
use waypost::zone::external::{Addresses, ExternalTarget, Known, Resolved};
use waypost::zone::master::{Include, Source};

/// One file, on its way through.
struct Case {
    path: PathBuf,
    /// The zones that are served together.
    sources: Vec<Source>,
    built: Option<Built>,
    /// Health check id -> how its verdict differs from healthy.
    health: BTreeMap<String, (Status, String)>,
    /// Name outside the zones -> what is known of its addresses of a type.
    external: BTreeMap<Name, Box<dyn Fn(RecordType) -> Known>>,
    identity: Identity,
    /// The geo database: networks and where they are.
    networks: Vec<(String, mmdb::Place)>,
    /// Rows of the latency table.
    latencies: String,
}

#[test]
fn every_case_is_answered_and_explained_as_its_file_says() {
    let update = std::env::var_os("UPDATE_CASES").is_some();
    let mut wrong = Vec::new();
    let files = case_files(Path::new("tests/cases"));
    assert!(files.len() >= 10, "the cases are found: {files:?}");
    for path in files {
        let text = fs::read_to_string(&path).expect("cases are readable");
        let actual = run(&path, &text);
        if actual == text {
            continue;
        }
        match update {
            true => fs::write(&path, actual).expect("cases are writable"),
            false => wrong.push(difference(&path, &text, &actual)),
        }
    }
    assert!(wrong.is_empty(), "UPDATE_CASES=1 writes what is said now\n{}", wrong.join("\n"));
}

fn case_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("tests run in the project's folder");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    files.sort();
    let (folders, files): (Vec<_>, Vec<_>) = files.into_iter().partition(|path| path.is_dir());
    let below = folders.iter().flat_map(|folder| case_files(folder));
    files.into_iter().filter(|path| path.extension().is_some_and(|kind| kind == "case")).chain(below).collect()
}

fn difference(path: &Path, expected: &str, actual: &str) -> String {
    let (at, (expected, actual)) = expected
        .lines()
        .chain([""])
        .zip(actual.lines().chain([""]))
        .enumerate()
        .find(|(_, (expected, actual))| expected != actual)
        .unwrap_or((0, ("", "")));
    format!("{}:{}:\n  file says  {expected}\n  server says {actual}", path.display(), at + 1)
}

/// The file as it should be: its own lines, with what the server says under each query.
fn run(path: &Path, text: &str) -> String {
    let mut case = Case {
        path: path.to_owned(),
        sources: Vec::new(),
        built: None,
        health: BTreeMap::new(),
        external: BTreeMap::new(),
        identity: Identity::default(),
        networks: Vec::new(),
        latencies: String::new(),
    };
    let mut written = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        written.push_str(line);
        written.push('\n');
        let mut block = Vec::new();
        let takes_block = ["zone", "also", "query", "message"].contains(&line.split_whitespace().next().unwrap_or_default());
        while takes_block && is_indented(lines.clone(), line.starts_with("zone") || line.starts_with("also")) {
            block.extend(lines.next());
        }
        for shown in case.take(line, &block) {
            written.push_str(format!("  {shown}").trim_end());
            written.push('\n');
        }
    }
    written
}

/// Whether the next line belongs to the block; within a zone, empty lines do when the zone goes on behind them.
fn is_indented<'l>(rest: impl Iterator<Item = &'l str>, may_be_empty: bool) -> bool {
    let mut rest = rest.skip_while(|line| may_be_empty && line.is_empty());
    rest.next().is_some_and(|line| line.starts_with("  "))
}

impl Case {
    /// Carries out one line; gives what belongs under it.
    fn take(&mut self, line: &str, block: &[&str]) -> Vec<String> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "zone" | "also" => {
                if word == "zone" {
                    self.sources.clear();
                }
                self.load(rest, block);
                return block.iter().map(|line| unindented(line).to_owned()).collect();
            }
            "query" => return self.ask(rest),
            "message" => return self.send(&octets(rest), &Options::default()),
            "identity" => self.identify(rest),
            "network" => self.locate(rest),
            "latency" => self.latencies.push_str(&format!("{rest}\n")),
            "healthy" | "unhealthy" | "unknown" => self.set_health(word, rest),
            "external" => self.set_external(rest),
            "" | "#" => {}
            _ if line.starts_with('#') => {}
            other => {
                panic!(
                    "{}: {other:?} is not network, latency, zone, also, query, message, identity, external, healthy, unhealthy or unknown",
                    self.path.display()
                )
            }
        }
        Vec::new()
    }

    fn load(&mut self, file: &str, block: &[&str]) {
        let source = match block {
            [] => source(file),
            // A master file in the case begins with its $ORIGIN, zone TOML does not.
            block => {
                let text: String = block.iter().map(|line| format!("{}\n", unindented(line))).collect();
                let extension = if text.starts_with('$') { "zone" } else { "toml" };
                let number = self.sources.len();
                Source { file: format!("{}.{number}.{extension}", self.path.display()).into(), octets: text.into_bytes() }
            }
        };
        self.sources.push(source);
        let (state, problems) = load_zones(self.sources.clone(), &mut Files, 1);
        let state = state.unwrap_or_else(|| panic!("{}: {problems}", self.path.display()));
        self.built = Some(build(state, &self.places(), None).expect("a state without problems compiles"));
        self.health.clear();
        self.external.clear();
    }

    /// Adds a network to the geo database: `203.0.113.0/24 country=DE at=50.11,8.68 city=Frankfurt`.
    fn locate(&mut self, rest: &str) {
        let mut words = rest.split_whitespace();
        let network = words.next().expect("a network").to_owned();
        let mut place = mmdb::Place::default();
        for word in words {
            let (key, value) = word.split_once('=').expect("key=value");
            // Cases are few, and tests end soon.
            let value: &'static str = Box::leak(value.to_owned().into_boxed_str());
            match key {
                "continent" => place.continent = Some(value),
                "country" => place.country = Some(value),
                "subdivision" => place.subdivision = Some(value),
                "city" => place.city = Some(value),
                "at" => {
                    let (north, east) = value.split_once(',').expect("degrees north, degrees east");
                    place.coordinates = Some((north.parse().expect("degrees"), east.parse().expect("degrees")));
                }
                _ => panic!("{}: network takes continent, country, subdivision, city and at, not {key}", self.path.display()),
            }
        }
        self.networks.push((network, place));
    }

    fn places(&self) -> Places {
        let networks: Vec<(&str, mmdb::Place)> = self.networks.iter().map(|(network, place)| (&**network, *place)).collect();
        let database = || Arc::new(Database::read(mmdb::write(&networks)).expect("the fixture is a database"));
        let table = || {
            let (table, problems) = LatencyTable::read(&Text::new("the case's latencies".into(), &*self.latencies));
            Arc::new(table.unwrap_or_else(|| panic!("{}: {problems}", self.path.display())))
        };
        Places {
            database: (!networks.is_empty()).then(database),
            latency: (!self.latencies.is_empty()).then(table),
            margin_micros: 0,
        }
    }

    fn set_health(&mut self, word: &str, rest: &str) {
        let (ids, because) = rest.split_once(": ").unwrap_or((rest, "the case says so"));
        let status = match word {
            "healthy" => Status::Healthy,
            "unhealthy" => Status::Unhealthy,
            _ => Status::Unknown,
        };
        for id in ids.split(',').map(str::trim) {
            let known = &self.built.as_ref().expect("a zone comes first").state.checks;
            assert!(known.keys().any(|known| known.as_str() == id), "{}: no health check {id}", self.path.display());
            self.health.insert(id.to_owned(), (status, because.to_owned()));
        }
    }

    /// What is known of a name outside the zones: `lb.example.net. 192.0.2.1,2001:db8::1 ttl=37 age=23 stale: why`,
    /// `lb.example.net. nothing` or `lb.example.net. unresolved: why`.
    fn set_external(&mut self, rest: &str) {
        let (rest, because) = rest.split_once(": ").unwrap_or((rest, ""));
        let mut words = rest.split_whitespace().map(str::to_owned);
        let name = Name::parse(&words.next().expect("a name"), None).expect("a valid name");
        let targets = self.built.as_ref().expect("a zone comes first").externals.targets();
        assert!(targets.iter().any(|target| target.name == name), "{}: no alias leads to {name}", self.path.display());
        let what = words.next().expect("addresses, nothing or unresolved");
        let words: Vec<String> = words.collect();
        let number = |key: &str| words.iter().find_map(|word| word.strip_prefix(key)?.parse::<u32>().ok());
        let (ttl_secs, age_secs) = (number("ttl=").unwrap_or(60), number("age=").unwrap_or(0).into());
        let at: Timestamp = "2026-11-21T12:00:00Z".parse().expect("a time");
        let is_stale = words.iter().any(|word| word == "stale");
        let because: Arc<str> = because.into();
        let addresses: Vec<IpAddr> = match &*what {
            "nothing" | "missing" | "unresolved" => Vec::new(),
            list => list.split(',').map(|address| address.parse().expect("an address")).collect(),
        };
        let known = move |rtype| {
            let found = Addresses::new(rtype, addresses.iter().copied()).map(Arc::new);
            let stale = is_stale.then(|| because.clone());
            match found {
                Some(addresses) => Known::Addresses(Resolved { addresses, ttl_secs, at, age_secs, stale }),
                None if what == "unresolved" => Known::Unresolved { because: because.clone() },
                None => Known::Nothing { exists: what != "missing", at, age_secs },
            }
        };
        self.external.insert(name, Box::new(known));
    }

    fn identify(&mut self, rest: &str) {
        for word in rest.split_whitespace() {
            match word.split_once('=') {
                Some(("nsid", nsid)) => self.identity.nsid = Some(nsid.as_bytes().into()),
                Some(("version", version)) => self.identity.version = Some(version.as_bytes().into()),
                Some(("size", size)) => self.identity.udp_payload_size = size.parse().expect("a size"),
                None if word == "authority" => self.identity.authority = true,
                _ => panic!("{}: identity takes nsid=, version=, size= and authority, not {word}", self.path.display()),
            }
        }
    }

    fn snapshot(&self) -> Snapshot {
        let built = self.built.as_ref().expect("a zone comes first");
        let since = "2026-11-21T12:00:00Z".parse().expect("a time");
        let verdict = |(id, check): (&HealthCheckId, &HealthCheck)| {
            let known = self.health.get(id.as_str());
            let (status, because) = known.cloned().unwrap_or((Status::Healthy, "HTTP 200".to_owned()));
            // What an inverted check counts as before its first verdict is the other way round too.
            let healthy = status == Status::Healthy || status == Status::Unknown && !check.inverted;
            Verdict { healthy, ..Verdict::plain(id.clone(), status, since, because.into()) }
        };
        let verdicts = built.state.checks.iter().map(verdict).collect();
        let known = |target: &ExternalTarget| self.external.get(&target.name).map(|known| known(target.rtype));
        let externals = built.externals.with(|_, target| known(target).unwrap_or_else(Known::not_yet));
        Snapshot {
            catalog: built.catalog.clone(),
            health: Arc::new(built.supposing(verdicts)),
            maps: built.maps.clone(),
            externals: Arc::new(externals),
            generation: 0,
        }
    }

    fn ask(&self, rest: &str) -> Vec<String> {
        let mut words = rest.split_whitespace();
        let name = Name::parse(words.next().expect("a name"), Some(&Name::root())).expect("a valid name");
        let rtype: RecordType = words.next().unwrap_or("A").parse().expect("a type");
        let options = Options::parse(words);
        self.send(&options.message(&name, rtype), &options)
    }

    fn send(&self, message: &[u8], options: &Options) -> Vec<String> {
        let mut out = vec![0; 65_535];
        let mut explanation = Explanation::default();
        let asker = Asker { address: options.from, transport: options.transport };
        let report = respond_traced(
            &self.snapshot(),
            &self.identity,
            message,
            &asker,
            0,
            Draw::new(options.draw),
            &mut out,
            &mut explanation,
        );
        let mut lines = reported(&report, &out[..report.len]);
        if !explanation.steps.is_empty() {
            lines.push("because".to_owned());
            lines.extend(explanation.steps.iter().map(|step| format!("  {step}")));
        }
        lines
    }
}

fn reported(report: &Report, response: &[u8]) -> Vec<String> {
    let malformed = report.malformed.map(|kind| format!("malformed: {}", kind.word()));
    let response = if response.is_empty() { vec!["dropped".to_owned()] } else { shown::lines(response) };
    malformed.into_iter().chain(response).collect()
}

/// How a query is asked.
struct Options {
    from: IpAddr,
    transport: Transport,
    draw: u64,
    /// No OPT record at all.
    plain: bool,
    /// EDNS options, in wire form.
    edns: Vec<u8>,
    flags: u8,
    size: u16,
    class: u16,
    version: u8,
}

impl Default for Options {
    fn default() -> Self {
        let from = [192, 0, 2, 53].into();
        let transport = Transport::Udp;
        Self { from, transport, draw: 0, plain: false, edns: Vec::new(), flags: 0, size: 1232, class: 1, version: 0 }
    }
}

impl Options {
    fn parse<'l>(mut words: impl Iterator<Item = &'l str>) -> Self {
        let mut options = Self::default();
        while let Some(word) = words.next() {
            let mut value = || words.next().unwrap_or_else(|| panic!("{word} takes a value"));
            match word {
                "from" => options.from = value().parse().expect("an address"),
                "draw" => options.draw = value().parse().expect("a number"),
                "size" => options.size = value().parse().expect("a number"),
                "edns-version" => options.version = value().parse().expect("a number"),
                "class" => options.class = if value() == "CH" { 3 } else { 255 },
                "ecs" => options.ecs(value()),
                "cookie" => options.option(10, &octets(value())),
                "option" => {
                    let code = value().parse().expect("a number");
                    options.option(code, &octets(value()));
                }
                "nsid" => options.option(3, &[]),
                "keepalive" => options.option(11, &[]),
                "do" => options.flags = 0x80,
                "tcp" => options.transport = Transport::Tcp,
                "plain" => options.plain = true,
                other => panic!("{other:?} is no way to ask; tests/cases/README.md has them"),
            }
        }
        options
    }

    fn option(&mut self, code: u16, data: &[u8]) {
        self.edns.extend(code.to_be_bytes());
        self.edns.extend((data.len() as u16).to_be_bytes());
        self.edns.extend(data);
    }

    fn ecs(&mut self, subnet: &str) {
        let network: ipnet::IpNet = subnet.parse().expect("a prefix");
        let (family, address) = match network.network() {
            IpAddr::V4(address) => (1, address.octets().to_vec()),
            IpAddr::V6(address) => (2, address.octets().to_vec()),
        };
        let kept = usize::from(network.prefix_len()).div_ceil(8);
        self.option(8, &[&[0, family, network.prefix_len(), 0], &address[..kept]].concat());
    }

    fn message(&self, name: &Name, rtype: RecordType) -> Vec<u8> {
        let mut message = vec![0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(!self.plain)];
        message.extend(name.as_wire());
        message.extend(rtype.0.to_be_bytes());
        message.extend(self.class.to_be_bytes());
        if !self.plain {
            message.extend([0, 0, 41]);
            message.extend(self.size.to_be_bytes());
            message.extend([0, self.version, self.flags, 0]);
            message.extend((self.edns.len() as u16).to_be_bytes());
            message.extend(&self.edns);
        }
        message
    }
}

/// A line of a block without its indent.
fn unindented(line: &str) -> &str {
    line.strip_prefix("  ").unwrap_or(line)
}

fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|octet| !octet.is_ascii_whitespace()).collect();
    let digit = |octet: u8| (octet as char).to_digit(16).expect("hexadecimal digits") as u8;
    digits.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// Files that a case or its zone names, from the project's folder.
struct Files;

impl Include for Files {
    fn load(&mut self, path: &str, from: &str) -> Result<Source, String> {
        let beside = Path::new(from).parent().map(|folder| folder.join(path)).unwrap_or_else(|| path.into());
        Ok(source(&beside.display().to_string()))
    }
}

fn source(file: &str) -> Source {
    let octets = fs::read(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    Source { file: file.into(), octets }
}
