//! What became of a check, remembered: over a restart, a kill, and a full disk; and told while it happens.
//!
//! Real endpoints and the program itself. Invariants: what was remembered is there after a kill, up to the last that was
//! still being written, and fits the verdict that is resumed; a disk that is full stops no answer, and is told of once.

#[path = "support/endpoint.rs"]
mod endpoint;
#[path = "support/serve.rs"]
mod serve;
mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Command;

use endpoint::Endpoint;
use serde_json::Value;
use serve::{Client, PATIENCE, Process, Serving, Site};
use support::{last_octets, name, query};
use waypost::wire::rtype::RecordType;

const STORE: &str = "\n[store]\npath = \"waypost.redb\"\n";

/// A site with one check, `fra`, that turns with each probe.
fn site(test: &str, endpoint: &Endpoint) -> Site {
    let zone = format!(
        r#"
zone = "example.org."
ns   = ["ns1.example.net."]

[probe.web]
type      = "http"
interval  = "100ms"
timeout   = "2s"
fall      = 1
objective = 99.9

[endpoint.fra]
address = ["192.0.2.1"]
probe   = "web"
target  = "127.0.0.1:{}"

[route.www]
policy  = "failover"
members = ["fra"]
"#,
        endpoint.port
    );
    let site = Site::with_zone(test, &zone);
    site.write("waypost.toml", &format!("{}{STORE}", serve::CONFIG));
    site
}

/// Turns the endpoint, and waits until its check has turned.
#[track_caller]
fn turn(server: &mut Serving, endpoint: &Endpoint, healthy: bool) {
    endpoint.set_healthy(healthy);
    let to = if healthy { "healthy" } else { "unhealthy" };
    server.process.await_event("health_transition", |event| event["to"] == to);
}

#[track_caller]
fn page(server: &Serving, path: &str) -> Value {
    let (status, body) = server.get(path);
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

/// What the check changed to, oldest first.
fn changes(server: &Serving) -> Vec<String> {
    let history = page(server, "/v1/checks/fra/history");
    let transitions = history["transitions"].as_array().unwrap().iter().rev();
    transitions.map(|change| format!("{} {}", change["at"].as_str().unwrap(), change["to"].as_str().unwrap())).collect()
}

#[test]
fn a_killed_server_remembers_what_became_of_its_checks() {
    let endpoint = Endpoint::start();
    let site = site("history-killed", &endpoint);
    let mut server = site.serve();
    for round in 0..4 {
        for healthy in [false, true, false, true] {
            turn(&mut server, &endpoint, healthy);
        }
        if round % 2 == 1 {
            turn(&mut server, &endpoint, false);
        }
        let before = changes(&server);
        assert!(before.len() > 4 * round, "{before:?}");
        server.process.signal("KILL");
        assert_eq!(server.process.ended().0.code(), None, "killed");
        server = site.serve();
        let after = changes(&server);
        // The last of them may have been on its way to the disk; each is a probe apart.
        let kept = before.iter().zip(&after).take_while(|(before, after)| before == after).count();
        assert!(kept + 2 >= before.len(), "round {round}: of {before:#?} there are {after:#?}");
        let check = page(&server, "/v1/checks/fra");
        assert!(after.last().unwrap().ends_with(check["status"].as_str().unwrap()), "{after:?} and {check}");
        assert_eq!(check["windows"][0]["unknown_secs"].as_f64().map(|secs| secs < 60.0), Some(true), "{check}");
        endpoint.set_healthy(true);
        if round % 2 == 1 {
            server.process.find_event("health_transition", |event| event["to"] == "healthy");
        }
    }
    let check = page(&server, "/v1/checks/fra");
    assert!(check["windows"][3]["failures"].as_u64().unwrap() >= 8, "{check}");
    assert_eq!(check["objective"], 99.9);
    assert!(check["windows"][2]["budget"]["left_secs"].as_f64().unwrap() < 2_592.0, "{check}");
    assert_eq!(check["phases"][0]["phase"], "connect", "{check}");
    assert!(check["phases"][0]["p99_ms"].as_f64() >= check["phases"][0]["p50_ms"].as_f64(), "{check}");
    assert!((0.0..1.0).contains(&server.metric("waypost_health_uptime_ratio{check=\"fra\",window=\"24h\"}")));
    server.stop();
}

#[test]
fn a_full_disk_is_told_of_once_and_costs_nothing_else() {
    let endpoint = Endpoint::start();
    let site = site("history-full", &endpoint);
    let serve = format!("trap '' XFSZ; exec '{}' serve -c waypost.toml", env!("CARGO_BIN_EXE_waypost"));
    let mut server = site.serve_by(Process::spawn(Command::new("sh").args(["-c", &serve]).current_dir(&site.0)));
    let mut client = Client::new(server.dns);
    turn(&mut server, &endpoint, false);
    // No octet beyond the first page can be written any more.
    limit_files(&server, "4096");
    turn(&mut server, &endpoint, true);
    server.process.find_event("store_failed", |_| true);
    for healthy in [false, true, false, true] {
        turn(&mut server, &endpoint, healthy);
        assert_eq!(last_octets(&client.ask(&query(&name("www"), RecordType::A))), [1]);
    }
    let before = changes(&server);
    limit_files(&server, "unlimited");
    turn(&mut server, &endpoint, false);
    server.process.find_event("store_resumed", |_| true);
    server.process.signal("KILL");
    let (_, said) = server.process.ended();
    assert_eq!(said.matches("\"store_failed\"").count(), 1, "{said}");
    let server = site.serve();
    // What waited was written when there was room again.
    assert_eq!(changes(&server)[..before.len()], before);
    server.stop();
}

/// Sets how large the server's files may become, in octets.
fn limit_files(server: &Serving, most: &str) {
    let pid = server.process.id().to_string();
    let limit = format!("--fsize={most}:unlimited");
    let limited = Command::new("prlimit").args(["--pid", &pid, &limit]).status().expect("prlimit is of util-linux");
    assert!(limited.success());
}

#[test]
fn a_change_is_told_to_those_who_follow_and_a_stop_ends_the_stream() {
    let endpoint = Endpoint::start();
    let site = site("history-events", &endpoint);
    let mut server = site.serve();
    let mut stream = TcpStream::connect(server.http).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET /v1/events?since=0 HTTP/1.1\r\nHost: waypost\r\n\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines();
    turn(&mut server, &endpoint, false);
    let told = lines.find_map(|line| {
        let told: Value = serde_json::from_str(line.unwrap().strip_prefix("data: ")?).unwrap();
        (told["to"] == "unhealthy").then_some(told)
    });
    let logged = server.process.find_event("health_transition", |event| event["to"] == "unhealthy");
    let told = told.unwrap();
    for field in ["event", "check", "from", "to", "healthy", "because", "since"] {
        assert_eq!(told[field], logged[field], "{field}");
    }
    site.write("example.org.toml", "zone = 7");
    server.process.await_event("reload_failed", |_| true);
    assert!(lines.any(|line| line.unwrap() == "event: reload_failed"));
    server.stop();
    let mut rest = String::new();
    lines.for_each(|line| rest += &line.unwrap_or_default());
    assert!(rest.contains(": this stream ends"), "{rest}");
}

#[test]
fn a_check_is_shown_in_full() {
    let endpoint = Endpoint::start();
    let site = site("history-status", &endpoint);
    let mut server = site.serve();
    turn(&mut server, &endpoint, false);
    let url = format!("http://{}", server.http);
    let status = |arguments: &[&str]| {
        let ran = Command::new(env!("CARGO_BIN_EXE_waypost")).arg("status").args(arguments).args(["--server", &url]).output();
        let ran = ran.unwrap();
        let mut out = String::new();
        ran.stdout.as_slice().read_to_string(&mut out).unwrap();
        (ran.status.code(), out, String::from_utf8(ran.stderr).unwrap())
    };
    let (code, out, _) = status(&["fra"]);
    assert_eq!(code, Some(1), "{out}");
    for text in
        ["fra is unhealthy since ", "HTTP status 503", "objective 99.9 % healthy", "WITHIN", "365d", "P99", "connect ", "CHANGED"]
    {
        assert!(out.contains(text), "{text:?} is not in:\n{out}");
    }
    let history: Value = serde_json::from_str(&status(&["fra", "--history", "--json"]).1).unwrap();
    assert_eq!(history["transitions"][0]["to"], "unhealthy");
    let full: Value = serde_json::from_str(&status(&["fra", "--json"]).1).unwrap();
    assert_eq!((&full["code"], &full["windows"][0]["failures"]), (&"bad_status".into(), &1.into()));
    let (code, _, said) = status(&["nobody"]);
    assert!(code == Some(1) && said.contains("there is no health check \\\"nobody\\\""), "{said}");
    assert_eq!(status(&["--history"]).0, Some(2));
    server.stop();
}
