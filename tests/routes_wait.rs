//! Routes that wait for somebody: `failback = "manual"`, `failover = "confirm"` and a program that is asked, rules that
//! refuse an override; with a real server, its command line, and `kill -9`.
//!
//! Checks are told, so that no time passes but what the test lets pass. Waits are for log lines.

#[path = "support/serve.rs"]
mod serve;
mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use serve::{CONFIG, Client, Serving, Site};
use support::{last_octets, name, query};
use waypost::wire::rtype::RecordType;

const ZONE: &str = r#"
zone = "example.org."
ns   = ["ns1.example.net."]

[check.first]
type = "signal"
[check.second]
type = "signal"

[[record]]
name           = "www"
type           = "A"
set_identifier = "one"
failover       = "PRIMARY"
values         = ["192.0.2.1"]
health_check   = "first"
[[record]]
name           = "www"
type           = "A"
set_identifier = "two"
failover       = "SECONDARY"
values         = ["192.0.2.2"]
health_check   = "second"
"#;

fn site(test: &str, group: &str, config: &str) -> Site {
    let site = Site::new(test);
    site.write("waypost.toml", &format!("{CONFIG}\n[store]\npath = \"waypost.redb\"\n{config}"));
    site.write("example.org.toml", &format!("{ZONE}\n[[group]]\nname = \"www\"\ntype = \"A\"\n{group}\n"));
    site
}

/// Runs `waypost` with these words against the server; gives the exit status and what it said.
fn run(server: &Serving, words: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
    command.args(words.split(' ')).args([
        "--reason",
        "a test",
        "--author",
        "ops",
        "--server",
        &format!("http://{}", server.http),
    ]);
    let ran = command.output().unwrap();
    (ran.status.code(), String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap())
}

#[track_caller]
fn told(server: &Serving, check: &str, state: &str) {
    let (status, said) = run(server, &format!("signal {check} {state}"));
    assert_eq!(status, Some(0), "{said}");
}

fn answer(server: &Serving) -> u8 {
    let response = Client::new(server.dns).ask(&query(&name("www"), RecordType::A));
    last_octets(&response)[0]
}

#[test]
fn a_manual_failback_waits_for_its_command_and_outlives_a_kill() {
    let site = site("wait-failback", "failback = \"manual\"", "");
    let mut server = site.serve();
    assert_eq!(answer(&server), 1);
    told(&server, "first", "alarm");
    let left = server.process.await_event("failover", |_| true);
    assert_eq!((left["member"].as_str(), left["by"].as_str()), (Some("one"), Some("health")));
    told(&server, "first", "ok");
    assert_eq!(answer(&server), 2);
    server.process.kill();

    let mut server = site.serve();
    assert_eq!(answer(&server), 2, "it was out when the server was killed");
    assert_eq!(run(&server, "failback www.example.org --member two"), (Some(1), NOTHING.to_owned()));
    assert_eq!(run(&server, "failback www"), (Some(0), "www.example.org. one: in service\n".to_owned()));
    let back = server.process.await_event("failback", |_| true);
    assert_eq!((back["member"].as_str(), back["by"].as_str()), (Some("one"), Some("operator")));
    assert_eq!(answer(&server), 1);
    server.process.kill();

    let server = site.serve();
    assert_eq!(answer(&server), 1, "what was acknowledged is kept");
    let (status, log) = run_plain(&server, "override log --limit 1");
    assert!(status == Some(0) && log.contains("failback") && log.contains("route:www.example.org."), "{log}");
    let (status, said) = run(&server, "failback wwww");
    assert!(status == Some(1) && said.contains("\"wwww\" is no routed name; these are: www.example.org."), "{said}");
    server.stop();
}

const NOTHING: &str = "nothing moved: no member of www.example.org waits for this\n";

/// As [`run`], of a command that takes neither reason nor author.
fn run_plain(server: &Serving, words: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
    command.args(words.split(' ')).args(["--server", &format!("http://{}", server.http)]);
    let ran = command.output().unwrap();
    (ran.status.code(), String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap())
}

#[test]
fn a_proposal_is_approved_or_refused_by_command() {
    let site = site("wait-confirm", "failover = { confirm = \"24h\", else = \"refuse\" }", "");
    let mut server = site.serve();
    told(&server, "first", "alarm");
    let proposed = server.process.await_event("failover_proposed", |_| true);
    assert_eq!((proposed["member"].as_str(), proposed["default"].as_bool()), (Some("one"), Some(false)));
    assert_eq!(answer(&server), 1, "it stays until somebody approves");
    assert_eq!(run(&server, "failover www --refuse"), (Some(0), "www.example.org. one: kept\n".to_owned()));
    server.process.await_event("failover_refused", |_| true);
    assert_eq!(answer(&server), 1);
    assert_eq!(run(&server, "failover www"), (Some(0), "www.example.org. one: out\n".to_owned()));
    assert_eq!(answer(&server), 2);
    server.stop();
}

/// A program that answers each question with the next of these bodies, and hands the questions over.
fn program(answers: Vec<&'static str>) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/decide", listener.local_addr().unwrap());
    let (asked, questions) = mpsc::channel();
    thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut len = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    len = value.trim().parse().unwrap();
                }
                if line == "\r\n" {
                    break;
                }
            }
            let mut body = vec![0; len];
            reader.read_exact(&mut body).unwrap();
            asked.send(String::from_utf8(body).unwrap()).unwrap();
            write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{answer}", answer.len()).unwrap();
        }
    });
    (url, questions)
}

#[test]
fn a_program_is_asked_again_when_it_makes_no_sense_and_its_answer_counts() {
    let (url, questions) = program(vec!["perhaps", r#"{"decision": "approve", "reason": "fra is down"}"#]);
    let config = format!("\n[failover]\nask = \"{url}\"\n");
    let site = site("wait-ask", "failover = { confirm = \"24h\", else = \"refuse\" }", &config);
    let mut server = site.serve();
    told(&server, "first", "alarm");
    let left = server.process.await_event("failover", |_| true);
    assert_eq!((left["member"].as_str(), left["by"].as_str()), (Some("one"), Some("operator")));
    assert_eq!(answer(&server), 2);
    let asked: Vec<serde_json::Value> = questions.iter().map(|body| serde_json::from_str(&body).unwrap()).collect();
    assert_eq!(asked.len(), 2);
    assert_eq!((asked[0]["route"].as_str(), asked[0]["default"].as_str()), (Some("www.example.org."), Some("refuse")));
    server.stop();
}

#[test]
fn an_override_that_breaks_a_rule_is_refused_and_changes_nothing() {
    let config = "\n[[brakes.rule]]\nname = \"one of both\"\nat_least = 1\nof = [\"check:first\", \"check:second\"]\n";
    let site = site("wait-rule", "", config);
    let server = site.serve();
    let (status, said) = run(&server, "override down check:first --forever");
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(answer(&server), 2);
    let (status, said) = run(&server, "override drain check:* --forever");
    assert!(status == Some(1) && said.contains("would break a rule: one of both"), "{said}");
    assert_eq!(answer(&server), 2);
    server.stop();
}
