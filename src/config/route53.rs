//! `[route53]` of `waypost.toml`: the Route 53 API, and the access keys it knows.
//!
//! `read_route53` is pure; [`read_keys`] is the edge that opens files of secrets. Not what keys may do: see
//! `route53::access`. Invariants: no secret is in a message; ids are there once.
//! Source: docs/configuration.md, "The Route 53 API".

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use super::vpcs::read_vpcs;
use super::{NamedFile, beside};
use crate::control::state::View;
use crate::problem::{Problem, Problems};
use crate::route53::access::{Access, Auth, Key, Keys, Principal, Zones};
use crate::route53::name::{parse_name, show_name};
use crate::route53::sigv4::{AccessKey, Secret};
use crate::toml_table::{Document, Table, Value};
use crate::wire::name::Name;

/// What the Route 53 API does and whom it lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route53 {
    /// Served on the HTTP listener, where there is one.
    pub enabled: bool,
    /// Route 53's own limits are kept, for testing against.
    pub strict: bool,
    pub auth: Auth,
    /// The name servers of new zones, as Route 53 shows them; empty for names that cannot exist.
    pub name_servers: Vec<String>,
    pub keys: Vec<KeyEntry>,
    /// The networks whose clients see private hosted zones.
    pub vpcs: Vec<View>,
    /// Where the queries of zones that log theirs are written; nowhere if none.
    pub query_log: Option<NamedFile>,
}

/// One `[[route53.key]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEntry {
    pub id: String,
    /// Whose it is, in the audit log.
    pub name: String,
    pub secret: SecretSource,
    pub session_token: Option<Secret>,
    pub access: Access,
    pub zones: Zones,
}

/// Where a secret is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    Here(Secret),
    /// In a file of its own, which may end in a line end.
    File(NamedFile),
}

/// Without the table: served, for this host only.
impl Default for Route53 {
    fn default() -> Self {
        let (name_servers, keys, vpcs) = (Vec::new(), Vec::new(), Vec::new());
        Self { enabled: true, strict: false, auth: Auth::Loopback, name_servers, keys, vpcs, query_log: None }
    }
}

/// Builds the keys of `route53`, opening files beside the configuration at `config_path`. What could be built is returned
/// beside the problems.
pub fn read_keys(route53: &Route53, config_path: &Path) -> (Keys, Problems) {
    let mut problems = Problems::default();
    let mut keys = Vec::with_capacity(route53.keys.len());
    for entry in &route53.keys {
        let secret = match &entry.secret {
            SecretSource::Here(secret) => secret.clone(),
            SecretSource::File(file) => match read_secret(file, config_path, &mut problems) {
                Some(secret) => secret,
                None => continue,
            },
        };
        keys.push(entry.key(secret));
    }
    (Keys::new(route53.auth, keys), problems)
}

/// Whether queries can be logged where `route53` says: a warning if not, for queries are answered all the same, and a
/// directory that comes later is written to.
pub fn check_query_log(route53: &Route53, config_path: &Path) -> Problems {
    let mut problems = Problems::default();
    let Some(named) = &route53.query_log else { return problems };
    let path = beside(config_path, &named.path);
    let shown = path.display();
    let found = match fs::metadata(&path) {
        Ok(found) if found.is_dir() => return problems,
        Ok(_) => format!("logging queries in {shown}: it is no directory"),
        Err(cause) => format!("logging queries in {shown}: {cause}"),
    };
    let help = "a directory that this process may write to: it is not made";
    problems.push(Problem::warning(found).help(help).at(named.place.clone()));
    problems
}

impl KeyEntry {
    fn key(&self, secret: Secret) -> Key {
        let key_id: Arc<str> = self.id.as_str().into();
        let (access, zones) = (self.access, self.zones.clone());
        Key {
            access_key: AccessKey { id: self.id.clone(), secret, session_token: self.session_token.clone() },
            principal: Principal { name: self.name.as_str().into(), key_id: Some(key_id), access, zones },
        }
    }
}

pub(super) fn read_secret(file: &NamedFile, config_path: &Path, problems: &mut Problems) -> Option<Secret> {
    let path = beside(config_path, &file.path);
    let shown = path.display();
    let mut error = |message: String, help: &str| {
        problems.push(Problem::error(message).help(help).at(file.place.clone()));
    };
    let (text, mode) = match read_small(&path) {
        Ok(read) => read,
        Err(cause) => {
            error(format!("reading the secret in {shown}: {cause}"), "a file with the secret and nothing else");
            return None;
        }
    };
    let secret = text.strip_suffix('\n').unwrap_or(&text);
    let secret = secret.strip_suffix('\r').unwrap_or(secret);
    if !is_secret(secret) {
        error(format!("reading the secret in {shown}: it is no secret"), SECRET_ACCEPTED);
        return None;
    }
    if mode & 0o077 != 0 {
        let problem = Problem::warning(format!("the secret in {shown} is open to others: its mode is {:04o}", mode & 0o7777));
        problems.push(problem.help("0600 or 0400 keeps it to its owner").at(file.place.clone()));
    }
    Some(Secret::new(secret))
}

/// The text and the mode of a file; one longer than any secret is not read to its end.
fn read_small(path: &Path) -> io::Result<(String, u32)> {
    let file = File::open(path)?;
    let mode = file.metadata()?.permissions().mode();
    let mut text = String::new();
    file.take(2 * SECRET_MAX as u64).read_to_string(&mut text)?;
    Ok((text, mode))
}

/// Reads `[route53]`.
pub(super) fn read_route53(mut table: Table<'_>) -> Route53 {
    const AUTHS: [(&str, Auth); 2] = [("keys", Auth::Keys), ("loopback", Auth::Loopback)];
    let enabled = table.bool_or("enabled", true);
    let strict = table.bool_or("strict", false);
    let name_servers = table.optional("name_servers").map_or_else(Vec::new, |value| read_name_servers(&value));
    let query_log = table.optional("query_log").and_then(|value| read_directory(&value, table.document()));
    let written = table.optional("auth");
    let tables = table.array_of_tables("key");
    let default = if tables.is_empty() { Auth::Loopback } else { Auth::Keys };
    let auth = written.as_ref().and_then(|value| value.word(&AUTHS));
    if let (Some(value), Some(auth)) = (&written, auth) {
        check_auth(value, auth, !tables.is_empty());
    }
    let mut ids = Vec::new();
    let keys = tables.into_iter().filter_map(|table| read_key(table, &mut ids)).collect();
    let vpcs = read_vpcs(table.array_of_tables("vpc"));
    table.finish();
    Route53 { enabled, strict, auth: auth.unwrap_or(default), name_servers, keys, vpcs, query_log }
}

fn read_directory(value: &Value<'_>, document: &Document<'_>) -> Option<NamedFile> {
    let path = value.string()?;
    if path.is_empty() {
        value.wrong("it names no directory", "a directory; leave it out to log no queries");
        return None;
    }
    Some(NamedFile { path: path.to_owned(), place: document.place(&value.span) })
}

/// At least one, as every zone needs one (RFC 1035 §3.3.11 has no NS set that is empty).
fn read_name_servers(value: &Value<'_>) -> Vec<String> {
    if value.is_empty_array() {
        value.wrong("new zones need a name server", "such as [\"ns1.example.net\", \"ns2.example.net\"]");
    }
    let name = |item: Value<'_>| {
        let text = item.string()?;
        let name = parse_name(text);
        name.map(|name| show_name(&name)).map_err(|fatal| item.wrong(fatal, "the name of a host")).ok()
    };
    value.items().into_iter().filter_map(name).collect()
}

/// Makes sure that no line shown beside a problem shows a secret: one under a misspelt key, or on a line that is no TOML.
pub(super) fn hide_secrets(content: &str, problems: Problems) -> Problems {
    let mut is_inside = false;
    // Tables whose lines may hold secrets.
    let has_secrets = |bare: &str| bare.starts_with("route53") || bare.starts_with("http");
    let may_hold = content.lines().map(|line| {
        let bare = line.trim_start_matches(['[', ' ', '\t', '"', '\'']);
        if line.trim_start().starts_with('[') {
            is_inside = has_secrets(bare);
        }
        is_inside || has_secrets(bare)
    });
    let may_hold: Vec<bool> = may_hold.collect();
    let mut hidden = Problems::default();
    for mut problem in problems {
        if let Some(place) = &mut problem.place
            && may_hold.get(place.line.saturating_sub(1) as usize) == Some(&true)
        {
            place.text = hide_secret(&place.text);
        }
        hidden.push(problem);
    }
    hidden
}

/// The line with what may be a secret starred out, each character by one, so that columns stay.
fn hide_secret(line: &str) -> Box<str> {
    let bare = line.trim();
    let (key, value) = line.split_once('=').unwrap_or(("", line));
    let is_shown = SHOWN_KEYS.contains(&key.trim()) && !value.contains('=');
    if is_shown || bare.starts_with('[') || bare.starts_with('#') {
        return line.into();
    }
    let shown = line.len() - value.len();
    line.char_indices().map(|(at, shown_as)| if at < shown || shown_as == ' ' { shown_as } else { '*' }).collect()
}

/// Keys whose lines hold no secret.
const SHOWN_KEYS: [&str; 13] = [
    "enabled",
    "strict",
    "auth",
    "name",
    "name_servers",
    "query_log",
    "secret_file",
    "access",
    "zones",
    "region",
    "networks",
    "listen",
    "may",
];

fn check_auth(value: &Value<'_>, auth: Auth, has_keys: bool) {
    match (auth, has_keys) {
        (Auth::Keys, false) => value.wrong("there are no keys, and nobody is let in", "add a [[route53.key]]"),
        (Auth::Loopback, true) => {
            let problem =
                Problem::warning("auth: the keys of [[route53.key]] are not asked for, and every program on this host may write");
            value.report(problem.help("auth = \"keys\" asks for them"));
        }
        (Auth::Keys, true) | (Auth::Loopback, false) => {}
    }
}

fn read_key(mut table: Table<'_>, ids: &mut Vec<String>) -> Option<KeyEntry> {
    const ACCESSES: [(&str, Access); 2] = [("read", Access::Read), ("write", Access::Write)];
    let id = table.required("id", "\"AKIAIOSFODNN7EXAMPLE\"").and_then(|value| read_id(&value, ids));
    let name = table.optional("name").and_then(|value| read_name(&value));
    let secret = read_source(&mut table);
    let session_token = table.optional("session_token").and_then(|value| read_hidden(&value, TOKEN_MAX));
    let access = table.optional("access").and_then(|value| value.word(&ACCESSES)).unwrap_or(Access::Write);
    let zones = table.optional("zones").map_or(Zones::All, |value| read_zones(&value));
    table.finish();
    let id = id?;
    Some(KeyEntry { name: name.unwrap_or_else(|| id.clone()), id, secret: secret?, session_token, access, zones })
}

fn read_id(value: &Value<'_>, ids: &mut Vec<String>) -> Option<String> {
    let id = value.string()?;
    let is_id = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.".contains(&octet);
    if !(1..=ID_MAX).contains(&id.len()) || !id.bytes().all(is_id) {
        // Not repeated: it may be the secret, in the wrong place.
        value.wrong("it is no access key id", "1 to 128 of A-Z, a-z, 0-9, - _ .");
        return None;
    }
    if ids.iter().any(|known| known == id) {
        value.error(format_args!("{id:?} is the id of another key too"));
    }
    ids.push(id.to_owned());
    Some(id.to_owned())
}

fn read_name(value: &Value<'_>) -> Option<String> {
    let name = value.string()?;
    if !(1..=NAME_MAX).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        value.error(format_args!("{name:?} is no name: 1 to {NAME_MAX} characters are accepted, and no control characters"));
        return None;
    }
    Some(name.to_owned())
}

pub(super) fn read_source(table: &mut Table<'_>) -> Option<SecretSource> {
    let here = table.optional("secret");
    let file = table.optional("secret_file");
    match (here, file) {
        (Some(value), None) => read_hidden(&value, SECRET_MAX).map(SecretSource::Here),
        (None, Some(value)) => {
            let path = value.string()?.to_owned();
            let mut place = table.document().place(&value.span);
            place.text = hide_secret(&place.text);
            Some(SecretSource::File(NamedFile { path, place }))
        }
        (None, None) => {
            table.error("secret is missing: secret = \"…\", or secret_file = \"path\"");
            None
        }
        (Some(_), Some(value)) => {
            value.wrong("there is a secret already", "secret or secret_file");
            None
        }
    }
}

/// A text that messages do not repeat.
fn read_hidden(value: &Value<'_>, max: usize) -> Option<Secret> {
    let text = value.string()?;
    if text.len() > max || !is_secret(text) {
        value.wrong("it is no secret", if max == SECRET_MAX { SECRET_ACCEPTED } else { TOKEN_ACCEPTED });
        return None;
    }
    Some(Secret::new(text))
}

/// As those that AWS makes: characters that stay what they are in a header.
fn is_secret(text: &str) -> bool {
    (1..=TOKEN_MAX).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_graphic())
}

fn read_zones(value: &Value<'_>) -> Zones {
    if value.is_empty_array() {
        value.wrong("the key opens no zone", "a list of zones; leave it out for all");
    }
    let name = |item: Value<'_>| {
        let text = item.string()?;
        let name = Name::parse(text, Some(&Name::root()));
        name.map_err(|error| item.wrong(format_args!("{text:?}: {error}"), "the name of a zone, such as example.org.")).ok()
    };
    Zones::Only(value.items().into_iter().filter_map(name).collect())
}

/// Characters of an access key id; AWS's longest.
const ID_MAX: usize = 128;
const NAME_MAX: usize = 64;
/// AWS's have 40.
const SECRET_MAX: usize = 128;
const SECRET_ACCEPTED: &str = "1 to 128 ASCII characters without spaces";
/// AWS's are as long as they are; some have 2,000.
const TOKEN_MAX: usize = 8_192;
const TOKEN_ACCEPTED: &str = "1 to 8192 ASCII characters without spaces";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;

    const SERVER: &str = "[server]\nlisten = [\"127.0.0.1:0\"]\n[zones]\nfiles = [\"*.toml\"]\n";

    fn read(text: &str) -> (Option<Route53>, String) {
        let (config, problems) = parse(&"f".into(), &[SERVER, text].concat());
        (config.map(|config| config.route53), problems.to_string())
    }

    #[test]
    fn without_keys_the_api_is_for_this_host_and_with_keys_for_those_who_have_one() {
        assert_eq!(read(""), (Some(Route53::default()), String::new()));
        let (route53, problems) = read("[[route53.key]]\nid = \"AKIDEXAMPLE\"\nsecret = \"wJalrXUtnFEMI\"\n");
        assert_eq!(problems, "");
        let route53 = route53.unwrap();
        assert_eq!((route53.enabled, route53.strict, route53.auth), (true, false, Auth::Keys));
        let key = &route53.keys[0];
        assert_eq!((&*key.name, key.access, &key.zones), ("AKIDEXAMPLE", Access::Write, &Zones::All));
    }

    #[test]
    fn name_servers_are_kept_as_they_are_shown() {
        let (route53, problems) = read("[route53]\nname_servers = [\"NS1.example.net\", \"ns2.example.net.\"]\n");
        assert_eq!((route53.unwrap().name_servers, &*problems), (vec!["ns1.example.net.".into(), "ns2.example.net.".into()], ""));
        for (bad, found) in [("[]", "need a name server"), ("[\"a..b\"]", "empty"), ("[7]", "string")] {
            let (_, problems) = read(&format!("[route53]\nname_servers = {bad}\n"));
            assert!(problems.contains(found), "{bad}: {problems}");
        }
    }

    #[test]
    fn a_query_log_is_a_directory_and_one_that_is_not_there_is_a_warning_at_its_line() {
        let (route53, problems) = read("[route53]\nquery_log = \"logs\"\n");
        assert_eq!(problems, "");
        let said = |query_log: &str| {
            let named = route53.as_ref().unwrap().query_log.as_ref().unwrap();
            let query_log = Some(NamedFile { path: query_log.to_owned(), place: named.place.clone() });
            let route53 = Route53 { query_log, ..Route53::default() };
            let problems = check_query_log(&route53, Path::new(env!("CARGO_MANIFEST_DIR")).join("waypost.toml").as_path());
            assert!(!problems.has_errors());
            problems.to_string()
        };
        assert_eq!(said("src"), "");
        let (missing, file) = (said("no such directory"), said("Cargo.toml"));
        assert!(missing.contains("f:6:") && missing.contains("/no such directory: No such file"), "{missing}");
        assert!(file.contains("/Cargo.toml: it is no directory"), "{file}");
        assert!(read("[route53]\nquery_log = \"\"\n").1.contains("query_log: it names no directory"));
    }

    #[test]
    fn a_key_says_whose_it_is_and_what_it_opens() {
        let (route53, problems) = read(
            "[route53]\nenabled = false\nstrict = true\n[[route53.key]]\nid = \"A\"\nsecret = \"s\"\nname = \"ci\"\n\
             access = \"read\"\nzones = [\"example.org.\", \"Example.COM\"]\nsession_token = \"t\"\n",
        );
        assert_eq!(problems, "");
        let route53 = route53.unwrap();
        assert!(route53.strict && !route53.enabled);
        let (keys, problems) = read_keys(&route53, Path::new("waypost.toml"));
        assert_eq!(problems.to_string(), "");
        assert!(!format!("{route53:?}{keys:?}").contains("\"s\""));
        let zones = ["example.org.", "example.com."].map(|name| Name::parse(name, None).unwrap());
        let expected = (Access::Read, &Zones::Only(zones.to_vec()));
        assert_eq!((route53.keys[0].access, &route53.keys[0].zones), expected);
    }

    #[test]
    fn every_problem_of_the_keys_is_reported_in_one_run_and_no_secret_with_it() {
        let (route53, problems) = read(
            "[route53]\nauth = \"key\"\nstrct = true\n[[route53.key]]\nid = \"A B\"\nsecret = \"with a space\"\n\
             [[route53.key]]\nid = \"C\"\nsecret = \"hidden1\"\nsecret_file = \"f\"\nacess = \"read\"\n\
             [[route53.key]]\nid = \"C\"\nzones = []\naccess = \"all\"\n[[route53.key]]\nsecret = \"hidden2\"\nzones = [\"a..b\"]\n",
        );
        assert_eq!(route53, None);
        let expected = [
            "f:6:8: error: auth: \"key\" is not known (did you mean \"keys\"?)",
            "f:7:1: error: [route53]: unknown key \"strct\" (did you mean \"strict\"?)",
            "f:9:6: error: id: it is no access key id",
            "f:10:10: error: secret: it is no secret (1 to 128 ASCII characters without spaces)",
            "f:14:15: error: secret_file: there is a secret already (secret or secret_file)",
            "f:15:1: error: [[key]]: unknown key \"acess\" (did you mean \"access\"?)",
            "f:16:1: error: [[key]]: secret is missing",
            "f:17:6: error: id: \"C\" is the id of another key too",
            "f:18:9: error: zones: the key opens no zone",
            "f:19:10: error: access: \"all\" is not known",
            "f:20:1: error: [[key]]: id is missing",
            "f:22:10: error: an item of zones: \"a..b\": ",
        ];
        assert_eq!(problems.lines().count(), expected.len(), "{problems}");
        for (found, expected) in problems.lines().zip(expected) {
            assert!(found.starts_with(expected), "{found}\n{expected}");
        }
        assert!(!problems.contains("hidden") && !problems.contains("with a space"), "{problems}");
    }

    #[test]
    fn no_line_beside_a_problem_shows_a_secret() {
        let hidden = [
            "[[route53.key]]\nid = \"A\"\nsecrt = \"HIDDEN\"\n",
            "[[route53.key]]\nsecret = \"HIDDEN HIDDEN\"\n",
            "[[route53.key]]\nid = \"A\"\nsecret = \"HIDDEN\n",
            "[[route53.key]]\nid = \"A\"\nsecret HIDDEN\n",
            "[[route53.key]]\nid = \"A\"\nsession_token = \"HID DEN\"\n",
            "[[route53.key]]\nid = \"HIDDEN/+\"\nsecret = \"s\"\n",
            "[route53]\nsecret = \"HIDDEN\"\n",
            "[route53]\nkey = [{ id = \"A B\", secret = \"HIDDEN\" }]\n",
            "[\"route53\"]\nkey = [{ id = \"A B\", secret = \"HIDDEN\" }]\n",
            "[[route53.key]]\nzones = [\"a..b\"] # secret = HIDDEN\n",
        ];
        for text in hidden {
            let (config, problems) = parse(&"f".into(), &[SERVER, text].concat());
            assert!(config.is_none() && problems.has_errors(), "{text}");
            assert!(!format!("{problems:?}").contains("HID"), "{text}: {problems:?}");
        }
        let (_, problems) = parse(&"f".into(), &[SERVER, "[route53]\nauth = \"kys\"\n"].concat());
        assert_eq!(&*problems.iter().next().unwrap().place.as_ref().unwrap().text, "auth = \"kys\"");
        assert_eq!(&*hide_secret("  secrt = \"ab cd\""), "  secrt = *** ***");
    }

    #[test]
    fn an_auth_that_the_keys_contradict_is_reported() {
        let (route53, problems) = read("[route53]\nauth = \"keys\"\n");
        assert!(route53.is_none() && problems.contains("there are no keys, and nobody is let in"), "{problems}");
        let key = "[[route53.key]]\nid = \"A\"\nsecret = \"s\"\n";
        let (route53, problems) = read(&["[route53]\nauth = \"loopback\"\n", key].concat());
        assert!(problems.contains("warning: auth: the keys of [[route53.key]] are not asked for"), "{problems}");
        assert_eq!(route53.unwrap().auth, Auth::Loopback);
    }
}
