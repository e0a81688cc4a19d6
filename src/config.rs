//! `waypost.toml`: the server's own settings, and which files hold its zones.
//!
//! [`parse`] is pure; [`read_zone_files`] and [`Files`] are the edge that opens files. Knows no zone's inside.
//! Invariant: a [`Config`] that exists was free of errors. Keys and their defaults: `docs/configuration.md`.

pub mod brakes;
mod floods;
pub mod http;
pub mod route53;
mod vpcs;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use self::brakes::{Brakes, read_brakes};
use self::floods::{read_rate_limit, read_shed_after};
use self::http::{Http, read_http};
use self::route53::{Route53, hide_secrets, read_route53};
use crate::problem::{Place, Problem, Problems};
use crate::rate_limit::Rules;
use crate::text::Text;
use crate::toml_table::{Document, Table, Value};

pub use crate::toml_table::{parse_duration, show_duration};
use crate::zone::master::{Include, Source};

/// Everything in `waypost.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    pub server: Server,
    /// None: there is no HTTP server.
    pub http: Option<Http>,
    /// The store's file, as written; none: nothing is kept over a restart.
    pub store: Option<PathBuf>,
    /// Which files are zones, each with the place it was written at.
    pub zone_files: Vec<(String, Place)>,
    pub geo: Geo,
    pub route53: Route53,
    pub resolver: Resolver,
    /// Commands of checks that may run at one time.
    pub commands_max: usize,
    pub brakes: Brakes,
    pub failover: Failover,
    /// None: no response is held back.
    pub rate_limit: Option<Rules>,
    pub log: Log,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// UDP and TCP on each.
    pub listen: Vec<SocketAddr>,
    /// UDP threads; 0: one per core.
    pub workers: usize,
    /// Answered to NSID and `id.server.`; none: neither is answered.
    pub nsid: Option<String>,
    /// Answered to `version.bind.`; none: refused.
    pub version: Option<String>,
    pub udp_payload_size: u16,
    /// Adds the apex NS to positive answers.
    pub authority: bool,
    /// How long a query may wait to be answered before the oldest are shed; none: as long as it takes.
    pub shed_after: Option<Duration>,
    pub tcp: Tcp,
}

/// Limits on TCP connections (RFC 7766 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tcp {
    pub max_connections: usize,
    pub max_connections_per_client: usize,
    /// Until a connection on which nothing is asked is closed.
    pub idle_timeout: Duration,
    /// Until a message that has begun must be whole.
    pub read_timeout: Duration,
}

/// What tells where clients are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Geo {
    /// A database in MaxMind's format.
    pub mmdb: Option<NamedFile>,
    /// What was measured: lines of `prefix,region,ms`.
    pub latency: Option<NamedFile>,
    /// By how much less a member's latency must be before it takes another's place.
    pub margin: Duration,
}

/// Who resolves names in the configuration, and how long an answer may be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolver {
    /// None: the system's.
    pub servers: Vec<SocketAddr>,
    /// How old the last answer for an alias's target may become when no other is to be had.
    pub keep: Duration,
}

/// Who is asked before a member leaves whose group wants that confirmed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failover {
    /// A program, by HTTP; none: operators alone.
    pub ask: Option<String>,
}

/// A file that the configuration names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    /// As written: relative to the configuration's own file.
    pub path: String,
    /// Where it is named.
    pub place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    pub format: LogFormat,
    pub level: LogLevel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Config {
    /// Where the HTTP server listens, if it does.
    pub fn http_listen(&self) -> Option<SocketAddr> {
        self.http.as_ref().map(|http| http.listen)
    }

    /// Whether anybody can ask the Route 53 API.
    pub fn serves_route53(&self) -> bool {
        self.http.is_some() && self.route53.enabled
    }
}

/// Reads the text of `waypost.toml`. The configuration is none when a problem is an error.
pub fn parse(file: &Arc<str>, text: &str) -> (Option<Config>, Problems) {
    let text = Text::new(file.clone(), text);
    let document = Document::parse(&text);
    let config = read_config(document.root());
    let problems = hide_secrets(text.content(), document.into_problems());
    (config.filter(|_| !problems.has_errors()), problems)
}

/// Reads the file `path`; a file that cannot be read is a problem like any other.
pub fn read(path: &Path) -> (Option<Config>, Problems) {
    let file: Arc<str> = path.to_string_lossy().into();
    match fs::read_to_string(path) {
        Ok(text) => parse(&file, &text),
        Err(error) => (None, Problem::error(format!("reading the configuration {file}: {error}")).into()),
    }
}

/// Opens every zone file of `config`, whose own file was `path`. What could be opened is returned beside the problems.
pub fn read_zone_files(config: &Config, path: &Path) -> (Vec<Source>, Problems) {
    let mut problems = Problems::default();
    let mut paths: Vec<(PathBuf, &Place)> = Vec::new();
    for (pattern, place) in &config.zone_files {
        match matching(&beside(path, pattern)) {
            Ok(found) if found.is_empty() => {
                let problem = Problem::error(format!("looking for zone files: nothing matches {pattern:?}"));
                let help = format!("paths are relative to {}", beside(path, ".").display());
                problems.push(problem.help(help).at(place.clone()));
            }
            Ok(found) => paths.extend(found.into_iter().map(|path| (path, place))),
            Err((at, error)) => {
                let problem = Problem::error(format!("looking for zone files in {}: {error}", at.display()));
                problems.push(problem.at(place.clone()));
            }
        }
    }
    let mut sources = Vec::with_capacity(paths.len());
    let mut seen = std::collections::HashSet::new();
    for (path, place) in paths.into_iter().filter(|(path, _)| seen.insert(path.clone())) {
        match fs::read(&path) {
            Ok(octets) => sources.push(Source { file: path.to_string_lossy().into(), octets }),
            Err(error) => {
                let problem = Problem::error(format!("reading the zone file {}: {error}", path.display()));
                problems.push(problem.at(place.clone()));
            }
        }
    }
    (sources, problems)
}

/// Loads included files from disk, each relative to the file that includes it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Files;

impl Include for Files {
    fn load(&mut self, path: &str, from: &str) -> Result<Source, String> {
        let path = beside(Path::new(from), path);
        match fs::read(&path) {
            Ok(octets) => Ok(Source { file: path.to_string_lossy().into(), octets }),
            Err(error) => Err(format!("{}: {error}", path.display())),
        }
    }
}

/// The path `relative` to the directory of `file`.
pub fn beside(file: &Path, relative: &str) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).join(relative)
}

/// The files that a path means, sorted; its last part may hold `*`, which stands for any characters.
fn matching(path: &Path) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let pattern = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if !pattern.contains('*') {
        return Ok(vec![path.to_owned()]);
    }
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = |error| (directory.to_owned(), error);
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let path = path.with_file_name(&name);
        // As in a shell, `*` finds no hidden file.
        let name = name.to_string_lossy();
        if matches(&pattern, &name) && !name.starts_with('.') && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(name) = name.strip_prefix(head) else { return false };
    let ends = (0..=name.len()).filter(|at| name.is_char_boundary(*at));
    ends.into_iter().any(|at| matches(rest, &name[at..]))
}

fn read_config(mut root: Table<'_>) -> Option<Config> {
    let server = match root.required("server", "{ listen = [\"127.0.0.1:5300\"] }, or the table [server]") {
        Some(value) => value.table().and_then(read_server),
        None => None,
    };
    let http = root.table("http").and_then(read_http);
    let store = root.table("store").and_then(read_store);
    // With the API, zones need not come from files.
    let zone_files = read_zones(&mut root, http.is_none());
    let log = root.table("log").map_or(Log { format: LogFormat::Text, level: LogLevel::Info }, read_log);
    let geo = root.table("geo").map(read_geo).unwrap_or_default();
    let route53 = root.table("route53").map(read_route53).unwrap_or_default();
    let resolver = root.table("resolver").map(read_resolver).unwrap_or_default();
    let commands_max = root.table("probes").and_then(read_commands_max).unwrap_or(COMMANDS_MAX);
    let brakes = read_brakes(&mut root);
    let failover = root.table("failover").map(read_failover).unwrap_or_default();
    let rate_limit = root.table("rate_limit").map(read_rate_limit);
    root.finish();
    Some(Config {
        server: server?,
        http,
        store,
        zone_files,
        geo,
        route53,
        resolver,
        commands_max,
        brakes,
        failover,
        rate_limit,
        log,
    })
}

fn read_failover(mut table: Table<'_>) -> Failover {
    let ask = table.optional("ask").and_then(|value| {
        let url = value.string()?;
        let is_http = ["http://", "https://"].iter().any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
        if !is_http {
            value.wrong(format_args!("{url:?} is no URL of HTTP"), "such as \"https://ops.example.org/failover\"");
        }
        is_http.then(|| url.to_owned())
    });
    table.finish();
    Failover { ask }
}

fn read_server(mut table: Table<'_>) -> Option<Server> {
    let listen = table.required("listen", "[\"127.0.0.1:5300\", \"[::1]:5300\"]").map(|value| read_listen(&value));
    let server = Server {
        listen: listen.unwrap_or_default(),
        workers: table.optional_int("workers", 0..=1_024).map_or(0, to_usize),
        nsid: table.optional("nsid").and_then(|value| read_identity(&value, NSID_MAX)),
        version: table.optional("version").and_then(|value| read_identity(&value, VERSION_MAX)),
        udp_payload_size: table.optional_int("udp_payload_size", 512..=4_096).map_or(1_232, |size| size as u16),
        authority: table.bool_or("authority", false),
        shed_after: read_shed_after(&mut table),
        tcp: read_tcp(&mut table),
    };
    table.finish();
    Some(server)
}

fn read_listen(value: &Value<'_>) -> Vec<SocketAddr> {
    let items = value.items();
    if value.is_empty_array() {
        value.wrong("the server listens nowhere", "such as listen = [\"127.0.0.1:5300\"]");
    }
    let mut listen = Vec::new();
    for item in items {
        let Some(address) = item.parsed::<SocketAddr>("an address and a port, such as 127.0.0.1:5300 or [::1]:5300") else {
            continue;
        };
        // Port 0 is a different port each time.
        if listen.contains(&address) && address.port() != 0 {
            item.error(format_args!("{address} is listed twice"));
        }
        listen.push(address);
    }
    listen
}

/// What is readable and fits (RFC 1035 §3.3, RFC 5001 §2.3).
fn read_identity(value: &Value<'_>, max: usize) -> Option<String> {
    let written = value.string()?;
    if !(1..=max).contains(&written.len()) {
        value.error(format_args!("has {} octets; 1 to {max} are accepted", written.len()));
        return None;
    }
    Some(written.to_owned())
}

/// Octets of an NSID: with every other option and the longest question it fits into 512.
const NSID_MAX: usize = 64;
/// Octets of one TXT string.
const VERSION_MAX: usize = 255;

fn read_tcp(server: &mut Table<'_>) -> Tcp {
    let mut tcp = Tcp {
        max_connections: 1_024,
        max_connections_per_client: 64,
        idle_timeout: Duration::from_secs(10),
        read_timeout: Duration::from_secs(5),
    };
    let Some(mut table) = server.table("tcp") else { return tcp };
    let timeouts = Duration::from_millis(100)..=Duration::from_secs(3_600);
    for (key, limit) in
        [("max_connections", &mut tcp.max_connections), ("max_connections_per_client", &mut tcp.max_connections_per_client)]
    {
        *limit = table.optional_int(key, 1..=1_000_000).map_or(*limit, to_usize);
    }
    for (key, timeout) in [("idle_timeout", &mut tcp.idle_timeout), ("read_timeout", &mut tcp.read_timeout)] {
        *timeout = table.optional_duration(key, timeouts.clone()).unwrap_or(*timeout);
    }
    table.finish();
    tcp
}

fn to_usize(count: i64) -> usize {
    usize::try_from(count).expect("the accepted ranges begin at 0 and end below 2^31")
}

/// The key of `[probes]`.
fn read_commands_max(mut table: Table<'_>) -> Option<usize> {
    let max = table.optional_int("commands_max", 0..=1_024).map(to_usize);
    table.finish();
    max
}

/// The most commands of checks that run at one time, where nothing else is said.
pub const COMMANDS_MAX: usize = 16;

fn read_store(mut table: Table<'_>) -> Option<PathBuf> {
    let path = table.required("path", "\"waypost.redb\"").and_then(|value| value.string());
    table.finish();
    path.map(PathBuf::from)
}

fn read_zones(root: &mut Table<'_>, are_needed: bool) -> Vec<(String, Place)> {
    let value = match are_needed {
        true => root.required("zones", "{ files = [\"zones/*.toml\"] }, or the table [zones]"),
        false => root.optional("zones"),
    };
    let Some(value) = value else { return Vec::new() };
    let Some(mut table) = value.table() else { return Vec::new() };
    let document = table.document();
    let files = table.required("files", "[\"zones/*.toml\"]");
    table.finish();
    let Some(files) = files else { return Vec::new() };
    let mut patterns = Vec::new();
    for item in files.items() {
        let Some(pattern) = item.string() else { continue };
        if Path::new(pattern).parent().is_some_and(|directory| directory.to_string_lossy().contains('*')) {
            item.wrong("* may stand in the last part of the path only", "such as zones/*.toml");
        }
        patterns.push((pattern.to_owned(), document.place(&item.span)));
    }
    if files.is_empty_array() && are_needed {
        files.wrong("the server has no zone files", "such as files = [\"zones/*.toml\"]");
    }
    patterns
}

fn read_geo(mut table: Table<'_>) -> Geo {
    let document = table.document();
    let mut file = |key| {
        let value = table.optional(key)?;
        let path = value.string()?.to_owned();
        Some(NamedFile { path, place: document.place(&value.span) })
    };
    let (mmdb, latency) = (file("mmdb"), file("latency"));
    let margin = table.optional_duration("margin", Duration::ZERO..=Duration::from_secs(60)).unwrap_or_default();
    table.finish();
    Geo { mmdb, latency, margin }
}

fn read_resolver(mut table: Table<'_>) -> Resolver {
    const ACCEPTED: &str = "an address, perhaps with a port: 192.0.2.53, 127.0.0.1:5353 or [2001:db8::53]:53";
    let written = table.optional("servers");
    if let Some(empty) = written.as_ref().filter(|value| value.is_empty_array()) {
        empty.wrong("nobody is asked", ACCEPTED);
    }
    let mut servers = Vec::new();
    for item in written.map(|value| value.items()).unwrap_or_default() {
        let Some(text) = item.string() else { continue };
        let with_port = text.parse().ok();
        servers.extend(with_port.or_else(|| Some(SocketAddr::new(item.parsed(ACCEPTED)?, DNS_PORT))));
    }
    let keep = table.optional_duration("keep", Duration::from_secs(60)..=Duration::from_secs(7 * 86_400));
    table.finish();
    Resolver { servers, keep: keep.unwrap_or(Resolver::default().keep) }
}

const DNS_PORT: u16 = 53;

impl Default for Resolver {
    fn default() -> Self {
        Self { servers: Vec::new(), keep: Duration::from_secs(3_600) }
    }
}

fn read_log(mut table: Table<'_>) -> Log {
    const FORMATS: [(&str, LogFormat); 2] = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    const LEVELS: [(&str, LogLevel); 5] = [
        ("error", LogLevel::Error),
        ("warn", LogLevel::Warn),
        ("info", LogLevel::Info),
        ("debug", LogLevel::Debug),
        ("trace", LogLevel::Trace),
    ];
    let format = table.optional("format").and_then(|value| value.word(&FORMATS)).unwrap_or(LogFormat::Text);
    let level = table.optional("level").and_then(|value| value.word(&LEVELS)).unwrap_or(LogLevel::Info);
    table.finish();
    Log { format, level }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_configuration_has_the_documented_defaults() {
        let text = "[server]\nlisten = [\"127.0.0.1:5300\"]\n[zones]\nfiles = [\"zones/*.toml\"]\n";
        let (config, problems) = parse(&"waypost.toml".into(), text);
        assert_eq!(problems.to_string(), "");
        let config = config.expect("there is no problem");
        assert_eq!((config.server.workers, config.server.udp_payload_size, config.server.authority), (0, 1_232, false));
        assert_eq!((config.http, config.store, config.server.version), (None, None, None));
        assert_eq!((config.rate_limit, config.server.shed_after), (None, Some(Duration::from_millis(500))));
        assert_eq!(config.zone_files[0].0, "zones/*.toml");
        assert_eq!(config.geo, Geo::default());
        assert_eq!((config.resolver.servers.len(), config.resolver.keep.as_secs()), (0, 3_600));
        assert_eq!(config.commands_max, 16);
    }

    #[test]
    fn commands_at_one_time_are_none_to_a_thousand() {
        let text = "[server]\nlisten = [\"127.0.0.1:5300\"]\n[zones]\nfiles = [\"*.toml\"]\n[probes]\n";
        let read = |more: &str| parse(&"f".into(), &format!("{text}{more}"));
        for (written, expected) in [("", 16), ("commands_max = 0\n", 0), ("commands_max = 1024\n", 1_024)] {
            assert_eq!(read(written).0.map(|config| config.commands_max), Some(expected));
        }
        assert_eq!(read("commands_max = -1\n").1.errors(), 1);
        assert_eq!(read("commands = 1\n").1.errors(), 1);
    }

    #[test]
    fn resolvers_are_addresses_with_or_without_a_port() {
        let text = "[server]\nlisten = [\"127.0.0.1:5300\"]\n[zones]\nfiles = [\"*.toml\"]\n[resolver]\n";
        let read = |more: &str| parse(&"f".into(), &format!("{text}{more}"));
        let (config, problems) = read("servers = [\"192.0.2.53\", \"127.0.0.1:5353\", \"2001:db8::53\"]\nkeep = \"2m\"\n");
        assert_eq!(problems.to_string(), "");
        let servers: Vec<String> = config.unwrap().resolver.servers.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["192.0.2.53:53", "127.0.0.1:5353", "[2001:db8::53]:53"]);
        let (config, problems) = read("servers = [\"dns.example\", 1]\nkeep = \"5s\"\n");
        assert_eq!((config, problems.errors()), (None, 3), "{problems}");
        assert_eq!(read("servers = []\n").1.errors(), 1);
    }

    #[test]
    fn every_problem_of_a_configuration_is_reported_in_one_run() {
        let text = "[server]\nlisten = [\"127.0.0.1\", \"[::1]:53\", \"[::1]:53\"]\nworker = 2\nudp_payload_size = 100\n\
                    [server.tcp]\nidle_timeout = \"10\"\n[geo]\nmmdb = 1\nmargin = \"2m\"\nlatncy = \"x\"\n[log]\nformat = \"jsno\"\n";
        let (config, problems) = parse(&"f".into(), text);
        assert_eq!(config, None);
        let places: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let expected = [
            "f:1:1: error: zones is missing",
            "f:2:11: error: an item of listen: \"127.0.0.1\": invalid socket address syntax",
            "f:2:36: error: an item of listen: [::1]:53 is listed twice",
            "f:3:1: error: server: unknown key \"worker\" (did you mean \"workers\"?)",
            "f:4:20: error: udp_payload_size: 100 is not within 512-4096",
            "f:6:16: error: idle_timeout: \"10\" is not a duration",
            "f:8:8: error: mmdb: ",
            "f:9:10: error: margin: 2m is not within 0s to 1m",
            "f:10:1: error: [geo]: unknown key \"latncy\" (did you mean \"latency\"?)",
            "f:12:10: error: format: \"jsno\" is not known (did you mean \"json\"?)",
        ];
        assert_eq!(places.len(), expected.len(), "{problems}");
        for (found, expected) in places.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}\n{expected}");
        }
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, name, expected) in [
            ("*.toml", "a.toml", true),
            ("*.toml", ".toml", true),
            ("*.toml", "a.toml.bak", false),
            ("a*b*c", "axbxbc", true),
            ("a*b*c", "axc", false),
            ("*", "ö", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn the_quickstart_configuration_finds_its_zones() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart/waypost.toml");
        let (config, problems) = read(&path);
        assert_eq!(problems.to_string(), "");
        let (sources, problems) = read_zone_files(&config.expect("there is no problem"), &path);
        assert_eq!(problems.to_string(), "");
        let (state, problems) = crate::control::load::load_zones(sources, &mut Files, 1);
        assert_eq!(problems.to_string(), "");
        assert_eq!(state.expect("there is no problem").zones.len(), 1);
    }

    #[test]
    fn a_pattern_without_a_file_and_a_file_that_is_missing_are_problems() {
        let text =
            "[server]\nlisten = [\"127.0.0.1:0\"]\n[zones]\nfiles = [\"*.nothing\", \"missing.toml\", \"nowhere/*.toml\"]\n";
        let (config, _) = parse(&"f".into(), text);
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("waypost.toml");
        let (sources, problems) = read_zone_files(&config.expect("the text is good"), &manifest);
        assert!(sources.is_empty());
        assert_eq!(problems.errors(), 3, "{problems}");
        assert!(problems.to_string().contains("nothing matches \"*.nothing\""), "{problems}");
    }
}
