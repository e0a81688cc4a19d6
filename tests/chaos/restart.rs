//! What outlives kill -9 at any time, and what a full disk does not stop.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::api::{CONFIG, STORE, exchange};
use crate::asking::{Asking, BACKUP, PRIMARY, answer};
use crate::serve::{Client, Process, Serving, Site};
use crate::targets::{Fault, Target, Town};
use waypost::clock;

/// How often the server is killed.
const KILLS: u32 = 6;
/// It is killed within so long of its first answer.
const LIVES_AT_MOST_MS: u64 = 700;
const WITHIN: Duration = Duration::from_secs(20);

const NAMES: [&str; 3] = ["dead", "held", "drained"];

/// Names that lead to an endpoint each, else to one that is not probed. What falls is held for longer than the test takes.
fn site(test: &str, targets: &[Target; 3], hold: &str) -> Site {
    let mut zone = format!(
        "zone = \"example.org.\"\nns = [\"ns1.example.net.\"]\n[endpoint.backup]\naddress = [\"192.0.2.{BACKUP}\"]\n\
         [probe.web]\ntype = \"http\"\nprofile = \"default\"\ninterval = \"250ms\"\nretry = \"100ms\"\nhold = \"{hold}\"\n\
         timeout = \"5s\"\nanswer_timeout = \"5s\"\n"
    );
    for (name, target) in NAMES.iter().zip(targets) {
        zone += &format!(
            "[endpoint.{name}]\naddress = [\"192.0.2.{PRIMARY}\"]\nprobe = \"web\"\ntarget = \"127.0.0.1:{}\"\n\
             [route.{name}]\npolicy = \"failover\"\nmembers = [\"{name}\", \"backup\"]\n",
            target.port
        );
    }
    let site = Site::new(test);
    site.write(
        "waypost.toml",
        &[CONFIG, STORE, "\n[brakes]\nfleet = \"off\"\n[zones]\nfiles = [\"example.org.toml\"]\n"].concat(),
    );
    site.write("example.org.toml", &zone);
    site
}

fn await_healthy(server: &mut Serving) {
    for name in NAMES {
        server.process.find_event("health_transition", |event| event["check"] == name && event["to"] == "healthy");
    }
}

fn drain(server: &Serving, endpoint: &str) {
    let body = format!(
        r#"{{"action":"drain","target":"endpoint:{endpoint}","reason":"moving racks","author":"alice","expires_in":"30m"}}"#
    );
    let head = "POST /v1/overrides HTTP/1.1\r\nHost: waypost\r\nConnection: close\r\nContent-Type: application/json\r\n";
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    let made = exchange(server.http, request.as_bytes()).expect("a response");
    assert_eq!(made.status, 201, "{made:?}");
}

#[test]
fn a_server_that_is_killed_during_an_outage_never_answers_with_what_is_out_of_service() {
    let town = Town::new();
    let targets = [town.target(), town.target(), town.target()];
    let [dead, held, _] = &targets;
    let site = site("chaos-killed", &targets, "10m");
    let mut server = site.serve();
    await_healthy(&mut server);
    let mut asking = Asking::start(server.dns, NAMES.to_vec());
    drain(&server, "drained");
    let began = Instant::now();
    dead.suffers(Fault::Crashed);
    held.suffers(Fault::Resets);
    for name in NAMES {
        asking.await_answer(name, BACKUP, began, WITHIN);
    }
    held.suffers(Fault::None);
    // The writer does not keep the verdicts waiting, and nobody waits for the writer.
    asking.listen_until(Instant::now() + Duration::from_secs(1));
    asking.stop();
    let seed = clock::random_u128() as u64;
    println!("seed {seed:#018x}");
    let mut numbers = seed;
    for kill in 0..KILLS {
        server.process.kill();
        server = site.serve();
        numbers = numbers.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let lives = Duration::from_millis((numbers >> 33) % LIVES_AT_MOST_MS);
        let (mut client, killed_at) = (Client::new(server.dns), Instant::now() + lives);
        // At least once, however short its life.
        loop {
            for name in NAMES {
                assert_eq!(answer(&mut client, name), BACKUP, "{name}, after kill {kill}, seed {seed:#x}");
            }
            if Instant::now() >= killed_at {
                break;
            }
        }
    }
    let listed = server.get("/v1/overrides").1;
    assert!(listed.contains("endpoint:drained") && listed.contains("moving racks"), "{listed}");
    let health = server.get("/v1/health").1;
    assert!(health.contains("held"), "{health}");
    server.stop();
}

#[test]
fn answers_go_on_with_a_full_disk_which_is_told_once() {
    let town = Town::new();
    let targets = [town.target(), town.target(), town.target()];
    let site = site("chaos-full", &targets, "0s");
    let mut shell = Command::new("sh");
    let serve = format!("trap '' XFSZ; exec '{}' serve -c waypost.toml", env!("CARGO_BIN_EXE_waypost"));
    let mut server = site.serve_by(Process::spawn(shell.args(["-c", &serve]).current_dir(&site.0)));
    await_healthy(&mut server);
    let mut asking = Asking::start(server.dns, NAMES.to_vec());
    limit_files(&server, "0");
    let turn = |asking: &mut Asking| {
        for (fault, member) in [(Fault::Crashed, BACKUP), (Fault::None, PRIMARY)] {
            let began = Instant::now();
            targets.iter().for_each(|target| target.suffers(fault));
            for name in NAMES {
                asking.await_answer(name, member, began, WITHIN);
            }
        }
    };
    (0..3).for_each(|_| turn(&mut asking));
    server.process.find_event("store_failed", |_| true);
    limit_files(&server, "unlimited");
    turn(&mut asking);
    server.process.find_event("store_resumed", |_| true);
    asking.stop();
    server.process.signal("TERM");
    let (status, said) = server.process.ended();
    assert_eq!(status.code(), Some(0), "{said}");
    for event in ["store_failed", "store_resumed"] {
        assert_eq!(said.matches(&format!("\"event\":\"{event}\"")).count(), 1, "{said}");
    }
}

/// Sets how large the server's files may become, in octets.
fn limit_files(server: &Serving, most: &str) {
    let (pid, limit) = (server.process.id().to_string(), format!("--fsize={most}:unlimited"));
    let limited = Command::new("prlimit").args(["--pid", &pid, &limit]).status().expect("prlimit is of util-linux");
    assert!(limited.success());
}
