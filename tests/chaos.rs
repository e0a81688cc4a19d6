//! Endpoints in every kind of trouble, a server that is killed, a disk that is full, a clock that jumps: answers go on.
//!
//! What is claimed is what a client sees: every query is answered, with an endpoint that is up, within a bound that follows
//! from the checks' knobs; and that nothing grows meanwhile. Which probe fails how is for `probes.rs`. Bounds are generous, as
//! the machine may be busy; waits are for what is answered or logged, with a deadline.

#[path = "support/api.rs"]
mod api;
#[path = "chaos/asking.rs"]
mod asking;
#[path = "chaos/clock.rs"]
mod clock;
#[path = "chaos/restart.rs"]
mod restart;
#[path = "support/serve.rs"]
mod serve;
mod support;
#[path = "chaos/targets.rs"]
mod targets;
#[path = "support/xml.rs"]
mod texts;

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use asking::{Asking, BACKUP, PRIMARY};
use serve::{Process, Serving, Site};
use targets::{Fault, Target, Town};

/// The knobs of the checks below.
const INTERVAL: Duration = Duration::from_secs(1);
const DEADLINE: Duration = Duration::from_secs(2);
const FALL: u32 = 3;
const TOLERATED: u32 = 6;
const CLEAR: u32 = 8;
const HOLD: Duration = Duration::from_secs(3);
/// What a busy machine may add.
const ALLOWANCE: Duration = Duration::from_secs(10);

const PROBE: &str = r#"
profile        = "default"
interval       = "1s"
retry          = "250ms"
timeout        = "2s"
answer_timeout = "2s"
fall           = 3
rise           = 3
tolerate       = 6
clear          = 8
hold           = "3s"
search         = "ready"
"#;

/// A name that leads to an endpoint, else to another that is always up.
struct Route {
    name: &'static str,
    target: Target,
    fault: Fault,
    /// Within what it leaves service; none where it is not to.
    leaves_within: Option<Duration>,
    /// It may come and go.
    flaps: bool,
}

/// What each kind of trouble is to lead to.
fn routes(town: &Town) -> Vec<Route> {
    let route = |name, fault, leaves_within| Route { name, target: town.target(), fault, leaves_within, flaps: false };
    // A whole interval may pass before the first failure, which the others confirm; each takes as long as it may.
    let at_once = Some(INTERVAL + Duration::from_millis(250) * FALL);
    let by_deadline = Some(INTERVAL + DEADLINE * FALL);
    // Every other probe fails, and half of the waits are for a confirmation.
    let isolated = Some(INTERVAL * 2 * TOLERATED);
    let flapping = |name, period| Route { flaps: true, ..route(name, Fault::Flaps(Duration::from_millis(period)), None) };
    vec![
        route("crashed", Fault::Crashed, at_once),
        route("hangs", Fault::Hangs, by_deadline),
        route("too-slow", Fault::Slow(DEADLINE + Duration::from_millis(500)), by_deadline),
        route("slow", Fault::Slow(DEADLINE / 2), None),
        route("half-body", Fault::HalfBody, at_once),
        route("resets", Fault::Resets, at_once),
        route("loses-half", Fault::LosesHalf, isolated),
        Route { target: town.secure_target(), ..route("expired", Fault::Expired, at_once) },
        route("gzip-bomb", Fault::GzipBomb, at_once),
        route("endless-headers", Fault::EndlessHeaders, at_once),
        route("drips", Fault::Drips, by_deadline),
        flapping("flaps-fast", 400),
        flapping("flaps", 3_000),
        flapping("flaps-slowly", 7_000),
    ]
}

fn zone(routes: &[Route]) -> String {
    let mut zone = format!(
        "zone = \"example.org.\"\nns = [\"ns1.example.net.\"]\n[endpoint.backup]\naddress = [\"192.0.2.{BACKUP}\"]\n\
         [probe.http]\ntype = \"http\"\n{PROBE}\n[probe.https]\ntype = \"https\"\nhost = \"127.0.0.1\"\n{PROBE}\n"
    );
    for Route { name, target, fault, .. } in routes {
        let probe = if *fault == Fault::Expired { "https" } else { "http" };
        zone += &format!(
            "[endpoint.{name}]\naddress = [\"192.0.2.{PRIMARY}\"]\nprobe = \"{probe}\"\ntarget = \"127.0.0.1:{}\"\n\
             [route.{name}]\npolicy = \"failover\"\nmembers = [\"{name}\", \"backup\"]\nttl = 1\n",
            target.port
        );
    }
    zone
}

#[test]
fn every_name_is_answered_with_what_is_up_whatever_ails_the_endpoints() {
    let town = Town::new();
    let routes = routes(&town);
    let site = Site::with_zone("chaos", &zone(&routes));
    // All of this happens at once, and on purpose.
    site.write("waypost.toml", &format!("{}\n[brakes]\nfleet = \"off\"\nmass = \"off\"\n", serve::CONFIG));
    town.write_authority(&site.0.join("authority.pem"));
    let mut serving = Command::new(env!("CARGO_BIN_EXE_waypost"));
    serving.args(["serve", "-c", "waypost.toml"]).current_dir(&site.0).env("SSL_CERT_FILE", "authority.pem");
    let mut server = site.serve_by(Process::spawn(&mut serving));
    for Route { name, .. } in &routes {
        server.process.find_event("health_transition", |event| event["check"] == *name && event["to"] == "healthy");
    }
    let mut asking = Asking::start(server.dns, routes.iter().map(|route| route.name).collect());
    for Route { name, .. } in &routes {
        asking.await_answer(name, PRIMARY, Instant::now(), ALLOWANCE);
    }
    let in_use = (server.process.memory_kib("VmRSS:"), descriptors(&server));

    let began = Instant::now();
    routes.iter().for_each(|route| route.target.suffers(route.fault));
    for Route { name, leaves_within, .. } in &routes {
        let Some(within) = leaves_within else { continue };
        let left = asking.await_answer(name, BACKUP, began, *within + ALLOWANCE);
        println!("{name}: out of service after {left:?}, {within:?} were allowed on an idle machine");
    }
    // For a while nothing that is out comes back, and what is in stays.
    asking.listen_until(Instant::now() + HOLD);
    for Route { name, leaves_within, flaps, .. } in &routes {
        let changes = asking.changes(name, began).len();
        assert!(*flaps || changes == usize::from(leaves_within.is_some()), "{name}: {:?}", asking.changes(name, began));
    }

    let repaired = Instant::now();
    routes.iter().filter(|route| !route.flaps).for_each(|route| route.target.suffers(Fault::None));
    // Held, or waiting for as many passes as it takes, the longer of which an isolated failure asks for.
    let back_within = (HOLD + INTERVAL * 3).max(INTERVAL * (CLEAR + 1));
    for Route { name, leaves_within, .. } in routes.iter().filter(|route| !route.flaps) {
        if leaves_within.is_some() {
            let back = asking.await_answer(name, PRIMARY, repaired, back_within + ALLOWANCE);
            println!("{name}: back after {back:?}");
        }
    }
    for Route { name, .. } in routes.iter().filter(|route| route.flaps) {
        check_flaps(name, &asking.changes(name, began), began.elapsed());
    }
    println!("{} queries, 0 unanswered", asking.stop());
    let grown = server.process.memory_kib("VmRSS:").saturating_sub(in_use.0);
    println!("{} MiB more in memory, {} descriptors before, {} now", grown >> 10, in_use.1, descriptors(&server));
    assert!(grown < 64 << 10, "{grown} KiB more");
    assert!(descriptors(&server) <= in_use.1 + routes.len(), "{} before, {} now", in_use.1, descriptors(&server));
    server.stop();
}

/// That holds, each twice as long as the one before, left no time for more.
fn check_flaps(name: &str, changes: &[(Instant, u8)], passed: Duration) {
    let falls = changes.iter().filter(|(_, member)| *member == BACKUP).count() as u32;
    println!("{name}: {falls} times out of service in {passed:?}");
    // The penalty that doubles them decays a little meanwhile.
    let held_before_the_last = HOLD.mul_f64(0.9) * (2_u32.pow(falls.saturating_sub(1)) - 1);
    assert!(held_before_the_last <= passed, "{name}: {falls} falls in {passed:?}: {changes:?}");
}

fn descriptors(server: &Serving) -> usize {
    fs::read_dir(format!("/proc/{}/fd", server.process.id())).unwrap().count()
}
