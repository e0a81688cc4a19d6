//! Overrides, signals, and the audit log: `waypost serve` as operators change it, over HTTP and by the command line.
//!
//! What an override does to answers is tested where answers are. Invariants tested here: who may not change things
//! changes nothing; what was acknowledged is there after any crash, with its entry in the audit log; the documents'
//! commands hold. Waits are for log lines.

#[path = "support/api.rs"]
mod api;
#[path = "support/serve.rs"]
mod serve;
mod support;
#[path = "support/xml.rs"]
mod texts;

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use api::{Api, CONFIG, Response, STORE, exchange};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use serve::{Client, Process, Serving, Site};
use support::{last_octets, name, query};
use texts::{element, root};
use waypost::wire::rtype::RecordType;

const ZONES: &str = "\n[zones]\nfiles = [\"example.org.toml\"]\n";

/// A name that follows a switch, a check by each kind of signal, and an endpoint where nobody listens.
const ZONE: &str = r#"
zone = "example.org."
ns   = ["ns1.example.net."]

[probe.web]
type     = "tcp"
interval = "1h"

[endpoint.fra]
address = ["192.0.2.10"]
probe   = "web"
target  = "127.0.0.1:1"

[check.queue-depth]
type = "signal"

[check.strict]
type         = "signal"
lease        = "1s"
insufficient = "unhealthy"

[check.errors]
type             = "cloudwatch_metric"
alarm_identifier = { region = "eu-central-1", name = "errors" }

[check.drill]
type                = "recovery_control"
routing_control_arn = "arn:aws:route53-recovery-control::123456789012:controlpanel/1/routingcontrol/2"

[check.both]
type             = "calculated"
children         = ["queue-depth", "errors"]
health_threshold = 2

[[record]]
name           = "www"
type           = "A"
set_identifier = "first"
failover       = "PRIMARY"
values         = ["192.0.2.1"]
ttl            = 5
health_check   = "queue-depth"

[[record]]
name           = "www"
type           = "A"
set_identifier = "second"
failover       = "SECONDARY"
values         = ["192.0.2.2"]
ttl            = 5
"#;

fn site(test: &str) -> Site {
    let site = Site::new(test);
    site.write("waypost.toml", &[CONFIG, STORE, ZONES].concat());
    site.write("example.org.toml", ZONE);
    site
}

/// The pages of a server, asked by one client.
#[derive(Clone)]
struct Pages {
    at: SocketAddr,
    headers: String,
}

impl Pages {
    fn of(server: &Serving) -> Self {
        Self { at: server.http, headers: "Content-Type: application/json\r\n".to_owned() }
    }

    fn with_token(&self, token: &str) -> Self {
        Self { headers: format!("{}Authorization: Bearer {token}\r\n", self.headers), ..self.clone() }
    }

    fn try_ask(&self, method: &str, path: &str, body: &str) -> Option<Response> {
        let (headers, len) = (&self.headers, body.len());
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: waypost\r\nConnection: close\r\nContent-Length: {len}\r\n{headers}\r\n");
        exchange(self.at, [head, body.to_owned()].concat().as_bytes())
    }

    /// The status and the JSON of a page.
    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let response = self.try_ask(method, path, body).unwrap_or_else(|| panic!("{method} {path}: no response"));
        (response.status, serde_json::from_str(&response.body).unwrap_or_else(|error| panic!("{error}: {response:?}")))
    }

    #[track_caller]
    fn made(&self, body: &Value) -> u64 {
        let (status, made) = self.ask("POST", "/v1/overrides", &body.to_string());
        assert_eq!(status, 201, "{made}");
        made["id"].as_u64().unwrap()
    }

    fn overrides(&self) -> Vec<Value> {
        self.ask("GET", "/v1/overrides", "").1["overrides"].as_array().unwrap().clone()
    }

    fn ids(&self) -> Vec<u64> {
        self.overrides().iter().map(|known| known["id"].as_u64().unwrap()).collect()
    }

    fn audit(&self) -> Vec<Value> {
        self.ask("GET", "/v1/audit?limit=10000", "").1["entries"].as_array().unwrap().clone()
    }

    #[track_caller]
    fn signal(&self, path: &str, state: &str, lease: Option<&str>) -> Value {
        let body = json!({ "state": state, "reason": "the test says so", "lease": lease });
        let (status, told) = self.ask("PUT", path, &body.to_string());
        assert_eq!(status, 200, "{told}");
        told["signalled"].clone()
    }

    /// A check's status and reason.
    fn health(&self, check: &str) -> (String, String) {
        let (_, page) = self.ask("GET", "/v1/health", "");
        let found = page["checks"].as_array().unwrap().iter().find(|one| one["id"] == check).unwrap();
        (found["status"].as_str().unwrap().to_owned(), found["because"].as_str().unwrap().to_owned())
    }

    fn status(&self, check: &str) -> String {
        self.health(check).0
    }
}

fn wanted(action: &str, target: &str) -> Value {
    json!({ "action": action, "target": target, "reason": "moving racks", "author": "alice", "expires_in": "30m" })
}

#[test]
fn overrides_are_made_listed_and_removed_and_each_is_in_the_audit_log() {
    let (site, before) = (site("override-life"), Timestamp::now());
    let server = site.serve();
    let pages = Pages::of(&server);
    assert_eq!((pages.overrides(), pages.audit()), (vec![], vec![]));
    assert_eq!(pages.made(&wanted("down", "check:*")), 1);
    assert_eq!(pages.made(&wanted("up", "endpoint:FRA")), 2);
    assert_eq!(pages.made(&json!({ "action": "drain", "target": "route:www.example.org.", "reason": "r", "forever": true })), 3);
    let list = pages.overrides();
    let facts = |known: &Value| [&known["action"], &known["target"], &known["author"], &known["checks"]].map(Value::clone);
    assert_eq!(
        list.iter().map(facts).collect::<Vec<_>>(),
        [
            // All but that for which the later one decides.
            [
                json!("down"),
                json!("check:*"),
                json!("alice (unverified)"),
                json!(["both", "drill", "errors", "queue-depth", "strict"])
            ],
            [json!("up"), json!("endpoint:FRA"), json!("alice (unverified)"), json!(["fra"])],
            [json!("drain"), json!("route:www.example.org"), json!("somebody on this host"), Value::Null],
        ]
    );
    let time = |known: &Value, key: &str| known[key].as_str().unwrap().parse::<Timestamp>().unwrap();
    assert!(time(&list[0], "made_at") >= before);
    assert_eq!(time(&list[0], "expires_at").duration_since(time(&list[0], "made_at")), SignedDuration::from_mins(30));
    assert_eq!(list[2]["expires_at"], Value::Null);
    let (status, removed) = pages.ask("DELETE", "/v1/overrides/2", r#"{"reason": "back", "author": "bob"}"#);
    assert_eq!((status, &removed["id"]), (200, &json!(2)));
    assert_eq!(pages.ids(), [1, 3]);
    assert_eq!(pages.made(&wanted("freeze", "region:aws:*")), 4, "ids are not given twice");
    let audit = pages.audit();
    let facts = |entry: &Value| {
        [&entry["action"], &entry["target"], &entry["author"], &entry["reason"]].map(|it| it.as_str().unwrap().to_owned())
    };
    let found: Vec<[String; 4]> = audit.iter().map(facts).collect();
    let expected = [
        ["override", "region:aws:*", "alice (unverified)", "moving racks"],
        ["override-removed", "endpoint:FRA", "bob (unverified)", "back"],
        ["override", "route:www.example.org", "somebody on this host", "r"],
        ["override", "endpoint:FRA", "alice (unverified)", "moving racks"],
        ["override", "check:*", "alice (unverified)", "moving racks"],
    ];
    assert_eq!(found, expected.map(|entry| entry.map(str::to_owned)));
    assert_eq!(audit[2]["detail"], "override 3: drain for ever");
    assert_eq!(pages.ask("GET", "/v1/audit?limit=1", "").1["entries"].as_array().unwrap().len(), 1);
    server.stop();
}

#[test]
fn what_cannot_be_is_refused_with_what_could_and_changes_nothing() {
    let site = site("override-refused");
    let server = site.serve();
    let pages = Pages::of(&server);
    let post = |body: &str| pages.ask("POST", "/v1/overrides", body);
    for (body, status, error) in [
        ("{", 400, "the body: EOF"),
        (r#"{"action": "up", "target": "check:a", "forever": true}"#, 400, "the body: missing field `reason`"),
        (r#"{"acton": "up"}"#, 400, "the body: unknown field `acton`, expected one of `action`, `target`"),
        (
            r#"{"action": "off", "target": "check:a", "reason": "r", "forever": true}"#,
            400,
            "action: \"off\" is no action; up, down",
        ),
        (
            r#"{"action": "up", "target": "a", "reason": "r", "forever": true}"#,
            400,
            "target \"a\" does not say what it is for; check:NAME",
        ),
        (
            r#"{"action": "up", "target": "check:[z-a]", "reason": "r", "forever": true}"#,
            400,
            "target \"check:[z-a]\" has a pattern that",
        ),
        (r#"{"action": "up", "target": "check:a", "reason": " ", "forever": true}"#, 400, "reason is empty; 1 to 255"),
        (r#"{"action": "up", "target": "check:a", "reason": "a\nb", "forever": true}"#, 400, "reason has the control character"),
        (r#"{"action": "up", "target": "check:a", "reason": "r"}"#, 400, "nothing says when the override ends"),
    ] {
        let (found, answer) = post(body);
        assert_eq!(found, status, "{body}: {answer}");
        assert!(answer["error"].as_str().unwrap().starts_with(error), "{body}: {answer}");
    }
    assert_eq!(post(&format!("{}{}", wanted("up", "check:a"), " ".repeat(20_000))).0, 413);
    for (method, path, body, status) in [
        ("DELETE", "/v1/overrides/7", r#"{"reason": "r"}"#, 404),
        ("DELETE", "/v1/overrides/x", r#"{"reason": "r"}"#, 400),
        ("DELETE", "/v1/overrides/1", "{}", 400),
        ("GET", "/v1/audit?limit=0", "", 400),
        ("GET", "/v1/audit?before=yesterday", "", 400),
        ("PUT", "/v1/signals/nothing", r#"{"state": "OK", "reason": "r"}"#, 404),
        ("PUT", "/v1/signals/fra", r#"{"state": "OK", "reason": "r"}"#, 409),
        ("PUT", "/v1/signals/both", r#"{"state": "OK", "reason": "r"}"#, 409),
        ("PUT", "/v1/signals/errors", r#"{"state": "FINE", "reason": "r"}"#, 400),
        ("PUT", "/v1/signals/errors", r#"{"state": "OK", "reason": "r", "lease": "0s"}"#, 400),
        ("PUT", "/v1/signals", r#"{"state": "OK", "reason": "r"}"#, 400),
        ("PUT", "/v1/signals?alarm=errors", r#"{"state": "OK", "reason": "r"}"#, 400),
        ("PUT", "/v1/signals?alarm=eu-west-1/errors", r#"{"state": "OK", "reason": "r"}"#, 404),
    ] {
        let (found, answer) = pages.ask(method, path, body);
        assert_eq!(found, status, "{method} {path} {body}: {answer}");
        assert!(answer["error"].is_string(), "{answer}");
    }
    // What a page elsewhere can make a browser send.
    let body = wanted("down", "check:*").to_string();
    for (headers, status) in [
        ("Content-Type: text/plain\r\n", 415),
        ("", 415),
        ("Content-Type: application/x-www-form-urlencoded\r\n", 415),
        ("Content-Type: application/json\r\nOrigin: http://evil.example\r\n", 403),
        ("Content-Type: application/json\r\nOrigin: null\r\n", 403),
        ("Content-Type: application/json\r\nX-Forwarded-For: 192.0.2.1\r\n", 403),
        ("Content-Type: application/json; charset=utf-8\r\n", 201),
    ] {
        let pages = Pages { headers: headers.to_owned(), ..pages.clone() };
        assert_eq!(pages.ask("POST", "/v1/overrides", &body).0, status, "{headers}");
    }
    assert_eq!((pages.ids(), pages.audit().len()), (vec![1], 1));
    server.stop();
}

#[test]
fn with_tokens_only_their_holders_change_things_and_no_secret_is_told() {
    let site = site("override-tokens");
    let token =
        |name: &str, may: &str| format!("\n[[http.token]]\nname = \"{name}\"\nsecret_file = \"{name}.token\"\nmay = [{may}]\n");
    let with = |tokens: &str| [&CONFIG.replace("[log]", &format!("{tokens}\n[log]")), STORE, ZONES].concat();
    for name in ["ops", "ci", "eve"] {
        site.write(&format!("{name}.token"), &format!("{name}-0123456789abcdef\n"));
    }
    let some = [token("ops", "\"override\""), token("ci", "\"signal\"")].concat();
    site.write("waypost.toml", &with(&some));
    let mut server = site.serve();
    let pages = Pages::of(&server);
    let (ops, ci) = (pages.with_token("ops-0123456789abcdef"), pages.with_token("ci-0123456789abcdef"));
    let eve = pages.with_token("eve-0123456789abcdef");
    let post = |pages: &Pages| pages.ask("POST", "/v1/overrides", &wanted("down", "check:fra").to_string()).0;
    let push = |pages: &Pages| pages.ask("PUT", "/v1/signals/errors", r#"{"state": "OK", "reason": "r"}"#).0;
    let read = |pages: &Pages, path: &str| pages.ask("GET", path, "").0;
    assert_eq!([&pages, &eve, &ci, &ops].map(post), [401, 401, 403, 201]);
    assert_eq!([&pages, &eve, &ops, &ci].map(push), [401, 401, 403, 200]);
    for path in ["/v1/overrides", "/v1/audit"] {
        assert_eq!([&pages, &eve, &ci, &ops].map(|pages| read(pages, path)), [401, 401, 403, 200], "{path}");
    }
    assert_eq!(read(&pages, "/v1/health"), 200, "as open as it was");
    let challenge = pages.try_ask("GET", "/v1/overrides", "").unwrap().head.to_lowercase();
    assert!(challenge.contains("www-authenticate: bearer"), "{challenge}");
    assert_eq!(ops.overrides()[0]["author"], "ops (alice)");
    assert_eq!(ops.audit()[0]["author"], "ci");
    // A reload lets others in.
    site.write("waypost.toml", &with(&[some, token("eve", "\"override\", \"read\"")].concat()));
    server.process.await_event("reloaded", |_| true);
    assert_eq!(post(&eve), 201);
    server.process.signal("TERM");
    let (status, said) = server.process.ended();
    assert!(status.success() && !said.contains("0123456789"), "{said}");
}

#[test]
fn an_override_ends_by_itself_and_the_audit_log_says_so() {
    let site = site("override-expiry");
    let mut server = site.serve();
    let pages = Pages::of(&server);
    let made = json!({ "action": "down", "target": "check:fra", "reason": "for a moment", "expires_in": "1s" });
    assert_eq!((pages.made(&made), pages.made(&wanted("up", "check:fra"))), (1, 2));
    let event = server.process.await_event("override", |line| line["change"] == "expired");
    assert_eq!((&event["id"], &event["author"]), (&json!(1), &json!("waypost")));
    assert_eq!(pages.ids(), [2]);
    let newest = pages.audit().swap_remove(0);
    assert_eq!((&newest["action"], &newest["target"]), (&json!("override-expired"), &json!("check:fra")));
    server.stop();
}

#[test]
fn a_signal_moves_answers_until_its_lease_ends() {
    let site = site("signal-moves");
    let mut server = site.serve();
    let (pages, mut client) = (Pages::of(&server), Client::new(server.dns));
    let mut answer = || last_octets(&client.ask(&query(&name("www"), RecordType::A)));
    assert_eq!((pages.health("queue-depth"), answer()), (("unknown".to_owned(), "no signal yet".to_owned()), vec![1]));
    let told = pages.signal("/v1/signals/queue-depth", "ALARM", None);
    assert_eq!(told, json!([{ "check": "queue-depth", "state": "ALARM", "until": null }]));
    assert_eq!(answer(), [2]);
    let because = "signal ALARM by somebody on this host: the test says so";
    assert_eq!(pages.health("queue-depth"), ("unhealthy".to_owned(), because.to_owned()));
    pages.signal("/v1/signals/queue-depth", "OK", None);
    assert_eq!(answer(), [1]);
    // The parents follow.
    assert_eq!(pages.status("both"), "unknown");
    pages.signal("/v1/signals?alarm=eu-central-1/errors", "OK", None);
    assert_eq!((pages.status("errors"), pages.status("both")), ("healthy".to_owned(), "healthy".to_owned()));
    pages.signal(
        "/v1/signals?control=arn:aws:route53-recovery-control::123456789012:controlpanel/1/routingcontrol/2",
        "OFF",
        None,
    );
    assert_eq!(pages.status("drill"), "unhealthy");
    // The check's own lease, and a longer one that is said.
    assert_eq!(pages.status("strict"), "unhealthy");
    pages.signal("/v1/signals/strict", "OK", None);
    let ended = server.process.await_event("health_transition", |line| line["check"] == "strict" && line["to"] == "unhealthy");
    assert!(ended["because"].as_str().unwrap().starts_with("the lease of the last signal ended at"), "{ended}");
    let until: Timestamp = pages.signal("/v1/signals/strict", "OK", Some("1h"))[0]["until"].as_str().unwrap().parse().unwrap();
    assert!(until.duration_since(Timestamp::now()) > SignedDuration::from_mins(59));
    // What is only renewed is no news.
    let before = pages.audit().len();
    pages.signal("/v1/signals/strict", "OK", Some("2h"));
    assert_eq!(pages.audit().len(), before);
    pages.signal("/v1/signals/strict", "INSUFFICIENT", None);
    assert_eq!((pages.status("strict"), pages.audit().len()), ("unhealthy".to_owned(), before + 1));
    server.stop();
}

#[test]
fn checks_of_the_route53_api_are_told_by_alarm_and_by_routing_control() {
    let site = site("signal-route53");
    let server = site.serve();
    let (pages, api) = (Pages::of(&server), Api::new(server.http));
    let create = |reference: &str, config: &str| {
        let content = format!("<CallerReference>{reference}</CallerReference><HealthCheckConfig>{config}</HealthCheckConfig>");
        element(&api.ok("POST", "healthcheck", &root("CreateHealthCheck", &content)), "Id")
    };
    let alarm = "<Type>CLOUDWATCH_METRIC</Type><Inverted>true</Inverted><AlarmIdentifier><Region>eu-central-1</Region><Name>errors</Name></AlarmIdentifier>\
                 <InsufficientDataHealthStatus>Unhealthy</InsufficientDataHealthStatus>";
    let control = "<Type>RECOVERY_CONTROL</Type><RoutingControlArn>arn:aws:x</RoutingControlArn>";
    let (alarm, control) = (create("a", alarm), create("c", control));
    assert_eq!((pages.status(&alarm), pages.status(&control)), ("healthy".to_owned(), "unknown".to_owned()));
    // With the check of the file that goes by the same alarm.
    let told = pages.signal("/v1/signals?alarm=eu-central-1/errors", "OK", None);
    assert_eq!(told.as_array().unwrap().len(), 2);
    assert_eq!((pages.status(&alarm), pages.status("errors")), ("unhealthy".to_owned(), "healthy".to_owned()));
    pages.signal("/v1/signals?control=arn:aws:x", "OFF", None);
    assert_eq!(pages.status(&control), "unhealthy");
    pages.signal(&format!("/v1/signals/{control}"), "ON", None);
    assert_eq!(pages.status(&control), "healthy");
    assert!(
        !api.ok("GET", &format!("healthcheck/{control}/status"), "").contains("<HealthCheckObservation>"),
        "nothing is probed"
    );
    server.process.kill();
    let server = site.serve();
    let pages = Pages::of(&server);
    assert_eq!((pages.status(&alarm), pages.status(&control)), ("unhealthy".to_owned(), "healthy".to_owned()));
    server.stop();
}

#[test]
fn a_restart_begins_with_what_operators_and_signals_said() {
    let site = site("override-restart");
    let server = site.serve();
    let pages = Pages::of(&server);
    for action in ["up", "down", "drain", "freeze"] {
        pages.made(&wanted(action, &format!("check:{action}")));
    }
    pages.ask("DELETE", "/v1/overrides/4", r#"{"reason": "r"}"#);
    pages.signal("/v1/signals/queue-depth", "ALARM", Some("1h"));
    pages.signal("/v1/signals/errors", "OK", None);
    pages.signal("/v1/signals/strict", "OK", Some("1s"));
    let (overrides, audit, since) = (pages.overrides(), pages.audit(), pages.ask("GET", "/v1/health", "").1);
    server.process.kill();
    // While nobody runs, the check by another source is another check.
    site.write("example.org.toml", &ZONE.replace("name = \"errors\" }", "name = \"faults\" }"));
    let mut server = site.serve();
    let (pages, mut client) = (Pages::of(&server), Client::new(server.dns));
    assert_eq!(last_octets(&client.ask(&query(&name("www"), RecordType::A))), [2], "the first answer goes by the signal");
    assert_eq!((pages.overrides(), pages.audit()), (overrides, audit));
    let of = |page: &Value| page["checks"].as_array().unwrap().iter().find(|one| one["id"] == "queue-depth").unwrap().clone();
    let now = pages.ask("GET", "/v1/health", "").1;
    assert_eq!(of(&now)["because"], of(&since)["because"]);
    assert_eq!(pages.health("errors").1, "no signal yet");
    if pages.status("strict") == "healthy" {
        server.process.await_event("health_transition", |line| line["check"] == "strict");
    }
    assert_eq!(pages.status("strict"), "unhealthy", "leases run on while nobody runs");
    assert_eq!(pages.made(&wanted("up", "check:x")), 5, "ids go on");
    server.stop();
}

#[test]
fn a_killed_server_has_every_override_that_it_acknowledged_with_its_entry() {
    let site = site("override-killed");
    let mut server = site.serve();
    let (mut made, mut removed) = (BTreeSet::new(), BTreeSet::new());
    for round in 1..=4 {
        let pages = Pages::of(&server);
        let (acknowledged, heard) = mpsc::channel();
        let learned = thread::scope(|scope| {
            let writer = scope.spawn(move || write_until_killed(&pages, &acknowledged));
            assert_eq!(heard.iter().take(7 * round).count(), 7 * round);
            server.process.signal("KILL");
            writer.join().unwrap()
        });
        assert_eq!(server.process.ended().0.code(), None, "killed");
        made.extend(learned.0);
        removed.extend(learned.1);
        server = site.serve();
        let pages = Pages::of(&server);
        let (ids, audit): (BTreeSet<u64>, _) = (pages.ids().into_iter().collect(), pages.audit());
        let entries = |action: &str| -> BTreeSet<u64> {
            let of = audit.iter().filter(|entry| entry["action"] == action);
            of.map(|entry| number(entry["detail"].as_str().unwrap())).collect()
        };
        let (logged, gone) = (entries("override"), entries("override-removed"));
        assert!(logged.is_superset(&made) && gone.is_superset(&removed), "round {round}");
        // One more may have been written and not answered; then it is there whole.
        assert!(logged.len() <= made.len() + round && gone.len() <= removed.len() + round, "round {round}");
        assert_eq!(ids, logged.difference(&gone).copied().collect(), "round {round}: the list is what the log says");
        made.extend(logged);
        removed.extend(gone);
    }
    server.stop();
}

#[test]
fn a_full_disk_refuses_overrides_and_signals_and_nothing_else() {
    let site = site("override-full");
    let mut shell = Command::new("sh");
    // Told of the limit by an error, not by a signal that ends the server.
    let serve = format!("trap '' XFSZ; exec '{}' serve -c waypost.toml", env!("CARGO_BIN_EXE_waypost"));
    let server = site.serve_by(Process::spawn(shell.args(["-c", &serve]).current_dir(&site.0)));
    let limit_files = |most: &str| {
        let (pid, limit) = (server.process.id().to_string(), format!("--fsize={most}:unlimited"));
        assert!(Command::new("prlimit").args(["--pid", &pid, &limit]).status().expect("of util-linux").success());
    };
    let pages = Pages::of(&server);
    pages.signal("/v1/signals/queue-depth", "OK", None);
    limit_files(&site.0.join("waypost.redb").metadata().unwrap().len().to_string());
    let long = json!({ "action": "up", "target": "check:x", "reason": "x".repeat(255), "forever": true }).to_string();
    let (mut made, mut refused) = (Vec::new(), 0);
    while refused < 3 {
        let (status, answer) = pages.ask("POST", "/v1/overrides", &long);
        match status {
            201 => made.push(answer["id"].as_u64().unwrap()),
            503 => refused += 1,
            _ => panic!("{status} after {}: {answer}", made.len()),
        }
    }
    assert_eq!(pages.ids(), made);
    let alarm = r#"{"state": "ALARM", "reason": "r"}"#;
    assert_eq!(pages.ask("PUT", "/v1/signals/queue-depth", alarm).0, 503);
    assert_eq!(pages.status("queue-depth"), "healthy", "what could not be kept is not in use");
    // There is room again.
    limit_files("unlimited");
    made.push(pages.made(&wanted("down", "check:x")));
    assert_eq!(pages.ask("PUT", "/v1/signals/queue-depth", alarm).0, 200);
    let (overrides, audit) = (pages.overrides(), pages.audit());
    server.process.kill();
    let server = site.serve();
    let pages = Pages::of(&server);
    assert_eq!((pages.overrides(), pages.audit(), pages.ids()), (overrides, audit, made));
    assert_eq!(pages.status("queue-depth"), "unhealthy");
    server.stop();
}

/// Makes overrides, and removes every third, until nobody answers; says which of both were acknowledged.
fn write_until_killed(pages: &Pages, acknowledged: &mpsc::Sender<()>) -> (Vec<u64>, Vec<u64>) {
    let (mut made, mut removed) = (Vec::new(), Vec::new());
    loop {
        let body = wanted("down", "check:fra").to_string();
        let Some(response) = pages.try_ask("POST", "/v1/overrides", &body) else { return (made, removed) };
        assert_eq!(response.status, 201, "{response:?}");
        let id = serde_json::from_str::<Value>(&response.body).unwrap()["id"].as_u64().unwrap();
        made.push(id);
        let _ = acknowledged.send(());
        if id % 3 == 0 {
            let path = format!("/v1/overrides/{id}");
            let Some(response) = pages.try_ask("DELETE", &path, r#"{"reason": "r"}"#) else { return (made, removed) };
            assert_eq!(response.status, 200, "{response:?}");
            removed.push(id);
        }
    }
}

/// `override 3: …`
fn number(detail: &str) -> u64 {
    detail.strip_prefix("override ").unwrap().split(':').next().unwrap().parse().unwrap()
}

/// Runs the command line in the site's folder, against its server; the exit status, what was printed, what was wrong.
fn run(site: &Site, command: &str, server: &Serving) -> (Option<i32>, String, String) {
    let binary = Path::new(env!("CARGO_BIN_EXE_waypost"));
    let command = format!("{} {} --server http://{}", binary.display(), command.strip_prefix("waypost ").unwrap(), server.http);
    let mut shell = Command::new("sh");
    let ran = shell.args(["-c", &command]).current_dir(&site.0).env("USER", "carol").stdin(Stdio::null()).output().unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    (ran.status.code(), text(ran.stdout), text(ran.stderr))
}

#[test]
fn the_commands_of_the_documents_hold() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md")).unwrap();
    let help = |command: &str| {
        let ran = Command::new(env!("CARGO_BIN_EXE_waypost")).args(["help", command]).output().unwrap();
        String::from_utf8(ran.stdout).unwrap()
    };
    for (test, text, commands) in [("docs", page, 10), ("help-override", help("override"), 6), ("help-signal", help("signal"), 3)]
    {
        let site = site(&format!("override-{test}"));
        let server = site.serve();
        let is_ours = |line: &&str| line.starts_with("waypost override ") || line.starts_with("waypost signal ");
        let shown: Vec<&str> = text.lines().map(str::trim).filter(is_ours).collect();
        assert_eq!(shown.len(), commands, "{test}: {shown:?}");
        for command in shown {
            let (status, out, wrong) = run(&site, command, &server);
            assert_eq!(status, Some(0), "{command}: {wrong}");
            assert!(!out.is_empty(), "{command}");
        }
        server.stop();
    }
}

#[test]
fn the_command_line_shows_what_it_did_and_how_it_ended() {
    let site = site("override-cli");
    site.write("wrong.token", "0123456789abcdef\n");
    let server = site.serve();
    let run = |command: &str| run(&site, command, &server);
    let (status, out, _) = run("waypost override down 'check:queue*' --reason 'moving racks' --until 2999-01-01T00:00:00Z");
    assert_eq!((status, &*out), (Some(0), "override 1: down check:queue* until 2999-01-01T00:00:00Z\n"));
    let (_, out, _) = run("waypost override up route:www --reason r --forever --author dave --json");
    let made: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&made["id"], &made["author"], &made["expires_at"]), (&json!(2), &json!("dave (unverified)"), &Value::Null));
    let lines = |text: &str| text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>();
    let expected = [
        "ID ACTION TARGET UNTIL DECIDES FOR AUTHOR REASON",
        "1 down check:queue* 2999-01-01T00:00:00Z queue-depth carol (unverified) moving racks",
        "2 up route:www for ever - dave (unverified) r",
    ];
    assert_eq!(lines(&run("waypost override list").1), expected);
    assert_eq!(run("waypost override remove 2 --reason done").1, "override 2 is removed: up route:www\n");
    let log = lines(&run("waypost override log --limit 1").1);
    assert!(log[1].ends_with("carol (unverified) override-removed route:www override 2: up for ever done"), "{log:?}");
    assert_eq!(run("waypost signal queue-depth alarm --reason deep").1, "queue-depth: ALARM until the next\n");
    let told: Value = serde_json::from_str(&run("waypost override list --json").1).unwrap();
    assert_eq!(told["overrides"][0]["checks"], json!(["queue-depth"]));
    for (command, status, words) in [
        ("waypost override down fra --reason r --forever", 2, "does not say what it is for; check:NAME"),
        ("waypost override down check:fra --reason r", 2, "required arguments were not provided"),
        ("waypost override down check:fra --reason r --for 1h --forever", 2, "cannot be used with"),
        ("waypost override down check:fra --reason r --for soon", 2, "expires_in \"soon\" is not within"),
        ("waypost override down check:fra --reason '' --forever", 2, "reason is empty"),
        ("waypost override remove 9 --reason r", 1, "404 Not Found: there is no override 9"),
        ("waypost override list --token-file missing.token", 2, "reading the token in missing.token: No such file"),
        ("waypost signal fra ok --reason r", 1, "\"fra\" is probed; one of type signal is told"),
        ("waypost signal queue-depth fine --reason r", 2, "\"fine\" is no state of a signal"),
    ] {
        let (found, out, wrong) = run(command);
        assert_eq!((found, &*out), (Some(status), ""), "{command}: {wrong}");
        assert!(wrong.contains(words), "{command}: {wrong}");
    }
    let mut probe = Command::new(env!("CARGO_BIN_EXE_waypost"));
    let probed = probe.args(["probe", "queue-depth"]).current_dir(&site.0).output().unwrap();
    let wrong = String::from_utf8(probed.stderr).unwrap();
    assert!(wrong.contains("\"queue-depth\" is told by signals: it has no endpoint to probe"), "{wrong}");
    let tokens = format!("{CONFIG}{STORE}{ZONES}")
        .replace("[log]", "[[http.token]]\nname = \"ops\"\nsecret = \"ops-0123456789abcdef\"\nmay = [\"override\"]\n\n[log]");
    server.stop();
    site.write("waypost.toml", &tokens);
    site.write("ops.token", "ops-0123456789abcdef\n");
    let server = site.serve();
    let command = |token: &str| format!("waypost override freeze check:fra --reason r --for 1h {token}");
    for (token, status) in [("", 1), ("--token-file wrong.token", 1), ("--token-file ops.token", 0)] {
        assert_eq!(self::run(&site, &command(token), &server).0, Some(status), "{token}");
    }
    server.stop();
}
