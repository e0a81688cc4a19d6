//! What operators and signals said when the process is killed, and when the disk is full.
//!
//! Invariant: what was acknowledged is there after any crash, an override and its entry in the audit log both or neither.

use std::collections::BTreeSet;
use std::sync::mpsc;
use std::thread;

use super::*;

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
        if id.is_multiple_of(3) {
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
