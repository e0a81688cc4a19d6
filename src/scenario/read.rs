//! Scenario files, from text to cases.
//!
//! Opens no file: the configuration that a file names is handed in by the caller. Every problem is kept at its line.
//! Invariant: each health check that a case names exists, and what its timeline names is probed. Format: `docs/scenarios.md`.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use super::case::{Case, Expect, Health, Scenarios, Setting, Share};
use super::elsewhere::{Elsewhere, Found, find_external};
use super::supposed::{Checks, Supposition, find_check};
use super::timeline::{Behaviour, Change, Start, Timeline};
use crate::explain::Client;
use crate::ids::HealthCheckId;
use crate::problem::{Problem, Problems};
use crate::text::Text;
use crate::toml_table::{Document, Table, Value};
use crate::wire::header::Rcode;
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::external::Externals;
use crate::zone::rdata;

/// Reads a scenario file. `configure` gives what the configuration at a path, as written, would serve, or none when that
/// has problems, which it keeps. The scenarios are none when a problem is an error.
pub fn read(text: &Text, configure: impl FnOnce(&str) -> Option<Arc<Setting>>) -> (Option<Scenarios>, Problems) {
    let document = Document::parse(text);
    let mut root = document.root();
    let config = root.required("config", "\"waypost.toml\"").and_then(|value| value.string());
    let setting = config.and_then(configure);
    let mut reader = Reader {
        document: &document,
        checks: setting.as_ref().map(|setting| &setting.built.state.checks),
        externals: setting.as_ref().map(|setting| &*setting.built.externals),
        elsewhere: Elsewhere::default(),
    };
    reader.elsewhere = reader.elsewhere(&mut root);
    let tables = root.array_of_tables("case");
    if tables.is_empty() && document.is_whole() {
        root.error("there is no [[case]]: the file tests nothing");
    }
    let cases = tables.into_iter().filter_map(|table| reader.case(table)).flatten().collect();
    root.finish();
    let problems = document.into_problems();
    let scenarios = setting.filter(|_| !problems.has_errors()).map(|setting| Scenarios { setting, cases });
    (scenarios, problems)
}

/// What the values of a case are read with.
struct Reader<'d> {
    document: &'d Document<'d>,
    /// None when the configuration has problems: no check is called unknown then.
    checks: Option<&'d Checks>,
    externals: Option<&'d Externals>,
    /// What the file says for all its cases.
    elsewhere: Elsewhere,
}

impl<'d> Reader<'d> {
    /// The cases of one `[[case]]`, one for each client; none when something is missing or wrong.
    fn case(&self, mut table: Table<'d>) -> Option<Vec<Case>> {
        let name = table.required("name", "\"fra down: iad answers\"").and_then(|value| value.string());
        let question = table.required("query", "\"www.example.org A\"").and_then(|value| read_question(&value));
        let clients = self.clients(&mut table);
        let resolver = self.resolver(&mut table, &clients);
        let health = self.health(&mut table);
        let elsewhere = self.elsewhere(&mut table);
        let qtype = question.as_ref().map(|(_, qtype)| *qtype);
        let expect = self.expect(&mut table, qtype, &clients);
        let place = self.document.place(&table.span);
        table.finish();
        let ((qname, qtype), name) = (question?, name?);
        let several = clients.len() > 1;
        let case = |client: Client| Case {
            name: if several { format!("{name} [{client}]") } else { name.to_owned() },
            place: place.clone(),
            qname: qname.clone(),
            qtype,
            client,
            resolver,
            health: health.clone(),
            elsewhere: elsewhere.clone(),
            expect: expect.clone(),
        };
        Some(clients.into_iter().map(case).collect())
    }

    fn clients(&self, table: &mut Table<'d>) -> Vec<Client> {
        const ACCEPTED: &str = "such as 192.0.2.53, or 198.51.100.0/24 for a client told by ECS";
        let one = table.optional("client");
        if one.is_some() {
            table.refuse("clients", "says again who asks, beside client");
        }
        let several = table.optional("clients").filter(|_| one.is_none());
        if let Some(empty) = several.as_ref().filter(|value| value.is_empty_array()) {
            empty.wrong("nobody asks", ACCEPTED);
        }
        let written = one.map_or_else(|| several.map(|value| value.items()).unwrap_or_default(), |one| vec![one]);
        let clients: Vec<Client> = written.iter().filter_map(|value| value.parsed(ACCEPTED)).collect();
        if clients.is_empty() { vec![Client::Resolver(Ipv4Addr::LOCALHOST.into())] } else { clients }
    }

    fn resolver(&self, table: &mut Table<'d>, clients: &[Client]) -> Option<IpAddr> {
        let value = table.optional("resolver")?;
        if clients.iter().any(|client| matches!(client, Client::Resolver(_))) {
            value.wrong("the client has no length, so it is the resolver itself", "a client such as 198.51.100.0/24");
        }
        value.parsed("such as 192.0.2.53")
    }

    fn health(&self, table: &mut Table<'d>) -> Health {
        if let Some(changes) = table.optional("timeline") {
            for key in ["down", "unknown"] {
                table.refuse(key, "says verdicts, and a timeline makes them: one of both is accepted");
            }
            return Health::Probed(self.timeline(table, &changes));
        }
        table.refuse("at", "means something only with a timeline");
        table.refuse("start", "means something only with a timeline");
        let down = table.optional("down");
        let unknown = table.optional("unknown");
        let supposed = Supposition {
            down: down.iter().flat_map(|value| self.checks_in(value)).collect(),
            unknown: unknown.iter().flat_map(|value| self.checks_in(value)).collect(),
        };
        if let (Some(both), Some(value)) = (supposed.down.intersection(&supposed.unknown).next(), unknown) {
            value.error(format_args!("{} is down already", both.as_str()));
        }
        Health::Supposed(supposed)
    }

    /// `external = { "lb.example.net" = ["192.0.2.1"] }`, beside what the file says for all cases.
    fn elsewhere(&self, table: &mut Table<'d>) -> Elsewhere {
        let mut elsewhere = self.elsewhere.clone();
        let entries = table.table("external").map(|table| table.entries()).unwrap_or_default();
        for (written, _, value) in entries {
            let name = match self.externals.map(|externals| find_external(externals, written)) {
                Some(Ok(name)) => name,
                Some(Err(problem)) => {
                    value.report(problem);
                    continue;
                }
                None => continue,
            };
            elsewhere.suppose(name, read_found(&value));
        }
        elsewhere
    }

    fn timeline(&self, table: &mut Table<'d>, changes: &Value<'d>) -> Timeline {
        const STARTS: [(&str, Start); 2] = [("healthy", Start::Healthy), ("unknown", Start::Unknown)];
        let at = table.required("at", "\"19s\"").and_then(|value| value.duration(TIMES));
        let start = table.optional("start").and_then(|value| value.word(&STARTS));
        let tables = changes.items().into_iter().filter_map(|item| item.table());
        let mut changes: Vec<Change> = tables.flat_map(|entry| self.changes(entry)).collect();
        changes.sort_by_key(|change| change.at);
        Timeline { start: start.unwrap_or_default(), changes, at: at.unwrap_or_default() }
    }

    /// `{ at = "30s", pass = ["fra"] }`
    fn changes(&self, mut entry: Table<'d>) -> Vec<Change> {
        let at = entry.required("at", "\"30s\"").and_then(|value| value.duration(TIMES));
        let mut changes: Vec<Change> = Vec::new();
        for (key, behaviour) in [("fail", Behaviour::Fails), ("pass", Behaviour::Passes), ("hang", Behaviour::Hangs)] {
            let Some(value) = entry.optional(key) else { continue };
            for check in self.checks_in(&value) {
                if changes.iter().any(|change| change.check == check && change.behaviour != behaviour) {
                    value.error(format_args!("{} does something else at the same time", check.as_str()));
                }
                self.check_probed(&check, &value);
                changes.push(Change { at: at.unwrap_or_default(), check, behaviour });
            }
        }
        if changes.is_empty() && self.document.is_whole() {
            entry.error("nothing happens; fail, pass or hang, such as fail = [\"fra\"], is accepted");
        }
        entry.finish();
        changes
    }

    /// Only what is probed can pass, fail or hang.
    fn check_probed(&self, id: &HealthCheckId, value: &Value<'d>) {
        let check = self.checks.and_then(|checks| checks.get(id));
        if check.is_some_and(|check| check.probed().is_none()) {
            value.wrong(
                format_args!("{} is calculated or disabled, so nothing probes it", id.as_str()),
                "a check that probes an endpoint",
            );
        }
    }

    /// The health checks that are named, each of which must exist.
    fn checks_in(&self, value: &Value<'d>) -> Vec<HealthCheckId> {
        let items = value.items();
        let named = items.iter().filter_map(|item| Some((item, item.string()?)));
        named.filter_map(|(item, found)| self.check(item, found)).collect()
    }

    fn check(&self, item: &Value<'d>, found: &str) -> Option<HealthCheckId> {
        match self.checks.map(|checks| find_check(checks, found)) {
            Some(Ok(id)) => Some(id.clone()),
            Some(Err(problem)) => {
                item.report(problem);
                None
            }
            None => HealthCheckId::new(found).ok(),
        }
    }

    fn expect(&self, table: &mut Table<'d>, qtype: Option<RecordType>, clients: &[Client]) -> Expect {
        let written = table.optional("expect");
        let share = table.optional("share");
        if written.is_none() && share.is_none() && self.document.is_whole() {
            let missing = Problem::error("[[case]]: nothing is expected");
            self.document.report(&table.span, missing.help("such as expect = { answer = [\"192.0.2.10\"] }, or a share"));
        }
        let mut expect =
            written.and_then(|value| value.table()).map(|table| self.expected(table, qtype, clients)).unwrap_or_default();
        expect.share = share.and_then(|value| value.table()).map(|table| read_shares(table, qtype)).unwrap_or_default();
        expect
    }

    fn expected(&self, mut table: Table<'d>, qtype: Option<RecordType>, clients: &[Client]) -> Expect {
        let scope = table.optional("scope");
        if let Some(value) = &scope
            && clients.iter().any(|client| matches!(client, Client::Resolver(_)))
        {
            value.wrong("a scope is told only of a client that came by ECS", "a client with a length, such as 198.51.100.0/24");
        }
        let expect = Expect {
            rcode: table.optional("rcode").and_then(|value| read_rcode(&value)),
            answer: table.optional("answer").map(|value| read_values(&value, qtype)),
            one_of: table.optional("one_of").map(|value| read_values(&value, qtype)),
            ttl: table.optional_int("ttl", 0..=i32::MAX.into()).map(|secs| secs as u32),
            scope: scope.and_then(|value| value.int(0..=128)).map(|bits| bits as u8),
            count: table.optional_int("count", 0..=u16::MAX.into()).map(|count| count as usize),
            aa: table.optional("aa").and_then(|value| value.bool()),
            explains: table.optional("explains").and_then(|value| value.string()).map(str::to_owned),
            share: Vec::new(),
        };
        if table.is_empty() {
            table.error("nothing is expected; answer, one_of, rcode, ttl, scope, count, aa or explains is accepted");
        }
        table.finish();
        expect
    }
}

/// `www.example.org A`; the type is A when it is left out, and a final dot is not needed.
fn read_question(value: &Value<'_>) -> Option<(Name, RecordType)> {
    const ACCEPTED: &str = "a name and a type, such as www.example.org A";
    let written = value.string()?;
    let mut words = written.split_whitespace();
    let (Some(name), rtype, None) = (words.next(), words.next().unwrap_or("A"), words.next()) else {
        value.wrong(format_args!("{written:?} is no question"), ACCEPTED);
        return None;
    };
    let name = Name::parse(name, Some(&Name::root())).map_err(|error| value.wrong(format_args!("{name:?}: {error}"), ACCEPTED));
    let rtype = rtype.parse().map_err(|error| value.error(error));
    Some((name.ok()?, rtype.ok()?))
}

/// Values of the type asked, sorted, in one form.
fn read_values(value: &Value<'_>, qtype: Option<RecordType>) -> Vec<String> {
    let items = value.items();
    let mut values: Vec<String> =
        items.iter().filter_map(|item| Some((item, item.string()?))).map(|(item, text)| read_rdata(item, text, qtype)).collect();
    values.sort();
    values
}

/// The one form of a value; reported when it is none of the type asked.
fn read_rdata(item: &Value<'_>, text: &str, qtype: Option<RecordType>) -> String {
    let Some(qtype) = qtype.filter(|qtype| *qtype != RecordType::ANY) else { return text.to_owned() };
    rdata_text(qtype, text).unwrap_or_else(|error| {
        item.wrong(error.message, error.help.unwrap_or_else(|| format!("a value of type {qtype}, as zone files have it")));
        text.to_owned()
    })
}

/// The one form of a value that may be written in several.
pub(super) fn rdata_text(qtype: RecordType, text: &str) -> Result<String, rdata::InvalidRdata> {
    rdata::parse(qtype, text, Some(&Name::root())).map(|octets| rdata::show(qtype, &octets).to_string())
}

/// `["192.0.2.1", "2001:db8::1"]`, or `"unresolved"`.
fn read_found(value: &Value<'_>) -> Found {
    if value.is_string() {
        // Another word is reported.
        value.word(&[("unresolved", ())]);
        return Found::Unresolved;
    }
    let items = value.items();
    Found::Addresses(items.iter().filter_map(|item| item.parsed("such as 192.0.2.10 or 2001:db8::10")).collect())
}

/// `{ "192.0.2.10" = 0.9, "198.51.100.10" = 0.1 }`
fn read_shares(table: Table<'_>, qtype: Option<RecordType>) -> Vec<Share> {
    if table.is_empty() {
        table.error("nothing is expected; such as share = { \"192.0.2.10\" = 0.9 }");
    }
    let entries = table.entries().into_iter();
    entries.filter_map(|(text, _, value)| Some(Share { value: read_rdata(&value, text, qtype), ..read_share(&value)? })).collect()
}

fn read_share(value: &Value<'_>) -> Option<Share> {
    let expected = value.number()?;
    if !(0.0..=1.0).contains(&expected) {
        value.error(format_args!("{expected} is not within 0 to 1"));
        return None;
    }
    Some(Share { value: String::new(), expected, decimals: value.decimals() })
}

fn read_rcode(value: &Value<'_>) -> Option<String> {
    let words: Vec<(&str, &str)> = Rcode::ALL.iter().filter_map(|rcode| rcode.mnemonic()).map(|word| (word, word)).collect();
    value.word(&words).map(str::to_owned)
}

/// How far a virtual clock runs: a day is 864,000 of the most frequent probes.
const TIMES: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(86_400);
