//! Overrides, signals, and the audit log: `waypost serve` as operators change it, over HTTP and by the command line.
//!
//! What an override does to answers is tested where answers are. Invariants tested here: who may not change things
//! changes nothing; what was acknowledged is there after any crash, with its entry in the audit log; the documents'
//! commands hold. Waits are for log lines.

#[path = "support/api.rs"]
mod api;
#[path = "overrides/command.rs"]
mod command;
#[path = "overrides/crash.rs"]
mod crash;
#[path = "support/serve.rs"]
mod serve;
#[path = "overrides/signals.rs"]
mod signals;
mod support;
#[path = "support/xml.rs"]
mod texts;

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use api::{Api, CONFIG, Response, STORE, exchange};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use serve::{Client, Process, Serving, Site};
use support::{last_octets, name, query};
use texts::{element, root};
use waypost::clock;
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
    let (site, before) = (site("override-life"), clock::now());
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
