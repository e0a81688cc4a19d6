//! The program as an operator meets it: what goes in, what comes out where, and the exit status.
//!
//! Runs the built binary; knows nothing of its inside but the pages of a server that `--server` asks. What is right in
//! a zone is tested elsewhere. Source: DESIGN §6 (names, exit statuses), docs/commands.md.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use waypost::api::{Admin, HttpLimits, Readiness, serve};
use waypost::files::load;
use waypost::health::table::{Status, Verdict};
use waypost::snapshot::{Published, Snapshot};
use waypost::telemetry::Telemetry;

const CONFIG: &str = r#"
[server]
listen = ["127.0.0.1:0"]

[zones]
files = ["zones/*.toml"]
"#;

const ZONE: &str = r#"
zone = "example.org."
ns   = ["ns1.example.net."]

[probe.web]
type     = "http"
interval = "10s"
timeout  = "4s"
fall     = 3

[endpoint.fra]
address = ["192.0.2.10"]
probe   = "web"
target  = "127.0.0.1:8081"

[endpoint.iad]
address = ["198.51.100.10"]
probe   = "web"
target  = "127.0.0.1:8082"

[check.any]
type             = "calculated"
children         = ["fra", "iad"]
health_threshold = 1

[route.www]
policy  = "failover"
members = ["fra", "iad"]
ttl     = 30

[route.mix]
policy  = "weighted"
members = [{ use = "fra", weight = 1 }, { use = "iad", weight = 1 }]
"#;

/// A directory with a configuration in it, apart from every other test's.
struct Site(PathBuf);

impl Site {
    fn new(test: &str, zone: &str) -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli").join(test);
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(directory.join("zones")).unwrap();
        let site = Self(directory);
        site.write("waypost.toml", CONFIG);
        site.write("zones/example.org.toml", zone);
        site
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.0.join(file), text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(waypost(arguments).current_dir(&self.0).output().unwrap())
    }
}

fn waypost(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
    command.args(arguments).env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

/// What one run said, and its exit status.
struct Ran {
    status: i32,
    out: String,
    err: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        let text = |octets| String::from_utf8(octets).unwrap();
        Self { status: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    #[track_caller]
    fn held(self) -> String {
        assert_eq!((self.status, &*self.err), (0, ""), "{}", self.out);
        self.out
    }

    /// Bad input: said on stderr, exit status 2, nothing on stdout.
    #[track_caller]
    fn refused(self, saying: &[&str]) {
        assert_eq!((self.status, &*self.out), (2, ""), "{}", self.err);
        for text in saying {
            assert!(self.err.contains(text), "{text:?} is not in:\n{}", self.err);
        }
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn check_tells_each_zone_and_how_long_each_name_takes_to_fail_over() {
    let out = Site::new("check", ZONE).run(&["check"]).held();
    assert!(out.contains("zone example.org."), "{out}");
    let row = out.lines().find(|line| line.trim_start().starts_with("www.example.org.")).unwrap();
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells[..3], ["www.example.org.", "A", "failover"], "{out}");
    let seconds: Vec<f64> = cells.iter().filter_map(|cell| cell.parse().ok()).collect();
    assert_eq!(seconds.len(), 3, "{row}");
    // Three intervals at least, and the TTL.
    assert!(seconds[0] >= 30.0 && seconds[1] == 30.0 && seconds[2] == seconds[0] + seconds[1], "{row}");
}

#[test]
fn check_in_json_says_the_same_as_the_table() {
    let report = json(&Site::new("check-json", ZONE).run(&["check", "--json"]).held());
    assert_eq!(report["accepted"], true);
    assert_eq!(report["zones"][0]["zone"], "example.org.");
    let time = &report["failover_times"][0];
    assert_eq!((&time["name"], &time["cache_ms"]), (&"www.example.org.".into(), &30_000.into()));
}

#[test]
fn an_unknown_key_is_shown_with_its_file_its_line_and_the_nearest_key() {
    let site = Site::new("unknown-key", &ZONE.replace("interval = ", "intervall = "));
    site.run(&["check"]).refused(&[
        "zones/example.org.toml:7:1",
        "intervall = \"10s\"",
        "^^^^^^^^^",
        "did you mean \"interval\"?",
    ]);
    let ran = site.run(&["check", "--json"]);
    let report = json(&ran.out);
    assert_eq!((ran.status, &report["accepted"]), (2, &Value::Bool(false)));
    assert_eq!((&report["problems"][0]["line"], &report["problems"][0]["severity"]), (&7.into(), &"error".into()));
}

#[test]
fn every_problem_is_reported_in_one_run() {
    let zone = ZONE.replace("interval = ", "intervall = ").replace("\"127.0.0.1:8082\"", "\"nowhere:x\"");
    Site::new("every-problem", &zone).run(&["explain", "www.example.org"]).refused(&["intervall", "nowhere:x", "errors, "]);
}

#[test]
fn a_file_that_is_missing_is_named() {
    let site = Site::new("missing", ZONE);
    site.run(&["check", "-c", "elsewhere.toml"]).refused(&["elsewhere.toml", "No such file"]);
    site.write("waypost.toml", &CONFIG.replace("zones/*.toml", "zones/example.com.toml"));
    for command in [&["check"][..], &["explain", "www.example.org"], &["probe", "fra"]] {
        site.run(command).refused(&["waypost.toml:6:10", "zones/example.com.toml", "No such file"]);
    }
}

#[test]
fn a_pattern_without_a_match_is_shown_where_it_was_written() {
    let site = Site::new("no-match", ZONE);
    site.write("waypost.toml", &CONFIG.replace("zones/*.toml", "zones/*.zone"));
    site.run(&["check"]).refused(&["waypost.toml:6:10", "files = [\"zones/*.zone\"]", "nothing matches"]);
}

#[test]
fn an_expanded_zone_reads_back_as_itself() {
    let site = Site::new("expand", ZONE);
    let expanded = site.run(&["check", "--expand"]).held();
    assert!(expanded.contains("failover = \"PRIMARY\"") && !expanded.contains("[route."), "{expanded}");
    site.write("zones/example.org.toml", &expanded);
    assert_eq!(site.run(&["check", "--expand"]).held(), expanded);
}

#[test]
fn explain_goes_to_the_secondary_when_the_primary_is_down() {
    let site = Site::new("explain", ZONE);
    let answer = |arguments: &[&str]| {
        let report = json(&site.run(&[&["explain", "www.example.org", "--json"], arguments].concat()).held());
        report["answer"]["answer"][0]["rdata"].as_str().unwrap().to_owned()
    };
    assert_eq!(answer(&[]), "192.0.2.10");
    assert_eq!(answer(&["--down", "fra"]), "198.51.100.10");
    assert_eq!(answer(&["--down", "iad"]), "192.0.2.10");
    assert_eq!(answer(&["--down", "fra,iad"]), "192.0.2.10");
}

#[test]
fn explain_says_why_and_shows_the_answer() {
    let site = Site::new("explain-text", ZONE);
    let out = site.run(&["explain", "WWW.example.org", "--down", "fra", "--client", "198.51.100.0/24"]).held();
    for text in [
        "WWW.example.org. A, asked by a resolver for the subnet 198.51.100.0/24",
        "1. zone example.org. is the closest that encloses the name",
        "marked down by --down) is passed over: unhealthy",
        "is chosen: secondary",
        ";; status: NOERROR, flags: qr aa",
        ";; client subnet: 198.51.100.0/24, scope 0: holds for every client",
        "WWW.example.org.  30     IN  A      198.51.100.10",
    ] {
        assert!(out.contains(text), "{text:?} is not in:\n{out}");
    }
}

#[test]
fn explain_tells_missing_names_from_missing_types_and_from_others_zones() {
    let site = Site::new("explain-negative", ZONE);
    for (question, rcode, step) in [
        (["www.example.org", "MX"], "NOERROR", "no_data"),
        (["no.example.org", "A"], "NXDOMAIN", "name_error"),
        (["www.example.com", "A"], "REFUSED", "not_ours"),
    ] {
        let report = json(&site.run(&["explain", question[0], question[1], "--json"]).held());
        let steps = report["steps"].as_array().unwrap();
        assert_eq!((&report["answer"]["rcode"], &steps.last().unwrap()["step"]), (&rcode.into(), &step.into()));
    }
}

#[test]
fn the_draw_decides_among_weights() {
    let site = Site::new("draw", ZONE);
    let chosen = |draw: &str| site.run(&["explain", "mix.example.org", "--draw", draw]).held();
    assert!(chosen("0").contains("192.0.2.10") && chosen("1").contains("198.51.100.10"));
}

#[test]
fn what_is_no_check_is_refused_with_the_nearest_that_is() {
    let site = Site::new("unknown-check", ZONE);
    site.run(&["explain", "www.example.org", "--down", "frra"]).refused(&["\"frra\" is no health check", "\"fra\""]);
    site.run(&["probe", "iat"]).refused(&["\"iat\" is no health check", "\"iad\""]);
    site.run(&["probe", "any"]).refused(&["calculated", "fra, iad"]);
}

#[test]
fn usage_errors_are_bad_input() {
    let site = Site::new("usage", ZONE);
    site.run(&["explain", "a..b"]).refused(&["a..b"]);
    site.run(&["explain", "www.example.org", "AAAAA"]).refused(&["is not a record type"]);
    site.run(&["explain", "www.example.org", "--client", "fra"]).refused(&["198.51.100.0/24"]);
    site.run(&["explain", "www.example.org", "--server", "127.0.0.1:1"]).refused(&["http://127.0.0.1:8053"]);
    let live = ["explain", "www.example.org", "--server", "http://127.0.0.1:1", "--down", "fra"];
    site.run(&live).refused(&["cannot be used with"]);
    site.run(&["chekc"]).refused(&["'check'"]);
}

#[test]
fn a_probe_passes_fails_and_says_what_it_saw() {
    // An address of its own: on the other tests' one of them may take the port as soon as it is free.
    let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 9), 0)).unwrap();
    let target = listener.local_addr().unwrap().to_string();
    let zone = ZONE.replace("type     = \"http\"", "type     = \"tcp\"").replace("127.0.0.1:8081", &target);
    let site = Site::new("probe", &zone);
    let out = site.run(&["probe", "fra"]).held();
    assert!(out.contains("connect") && out.contains("passed: connected"), "{out}");
    drop(listener);
    let ran = site.run(&["probe", "fra", "--json"]);
    let report = json(&ran.out);
    assert_eq!((ran.status, &report["passed"], &report["code"]), (1, &Value::Bool(false), &"refused".into()));
    assert_eq!(report["address"], target);
}

#[test]
fn a_running_server_is_explained_as_the_same_files_are() {
    let site = Site::new("server", ZONE);
    let server = Running::start(&site, &["iad"]);
    let offline = json(&site.run(&["explain", "mix.example.org", "--down", "iad", "--json"]).held());
    let live = json(&site.run(&["explain", "mix.example.org", "--server", &server.url, "--json"]).held());
    assert_eq!((&live["answer"], &live["question"]), (&offline["answer"], &offline["question"]));
    let steps = |report: &Value| report["steps"].as_array().unwrap().iter().map(|step| step["step"].clone()).collect::<Vec<_>>();
    assert_eq!(steps(&live), steps(&offline));
}

#[test]
fn serve_refuses_files_with_errors_as_check_does() {
    let site = Site::new("serve-broken", &ZONE.replace("interval = ", "intervall = "));
    site.run(&["serve"]).refused(&["zones/example.org.toml:7:1", "did you mean \"interval\"?"]);
    site.run(&["serve", "-c", "elsewhere.toml"]).refused(&["elsewhere.toml", "No such file"]);
}

#[test]
fn serve_names_the_address_that_is_in_use() {
    let site = Site::new("serve-in-use", ZONE);
    let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    site.write("waypost.toml", &CONFIG.replace("127.0.0.1:0", &address));
    site.run(&["serve"]).refused(&[&address, "in use"]);
}

#[test]
fn the_demo_fails_over_and_back_without_an_unanswered_query() {
    let out = Ran::of(waypost(&["demo"]).output().unwrap()).held();
    for text in ["the answer is 198.51.100.10 (iad, the secondary)", "is passed over: unhealthy", " 0 unanswered"] {
        assert!(out.contains(text), "{text:?} is not in:\n{out}");
    }
}

#[test]
fn status_does_not_hold_while_a_check_is_unhealthy() {
    let site = Site::new("status", ZONE);
    assert_eq!(site.run(&["status", "--server", &Running::start(&site, &[]).url]).status, 0);
    let ran = site.run(&["status", "--server", &Running::start(&site, &["fra"]).url]);
    let row = ran.out.lines().find(|line| line.trim_start().starts_with("fra ")).unwrap();
    assert_eq!((ran.status, row.contains("unhealthy") && row.contains("as the test has it")), (1, true), "{}", ran.out);
}

#[test]
fn a_server_that_does_not_answer_is_no_bad_input() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let ran = Ran::of(waypost(&["status", "--server", &url]).output().unwrap());
    assert_eq!((ran.status, &*ran.out), (1, ""));
    assert!(ran.err.contains(&url) && ran.err.contains("refused"), "{}", ran.err);
}

#[test]
fn completions_and_manual_pages_name_every_command() {
    let commands = ["serve", "check", "explain", "test", "probe", "status", "demo", "completions"];
    for shell in ["bash", "zsh", "fish"] {
        let script = Ran::of(waypost(&["completions", shell]).output().unwrap()).held();
        assert!(commands.iter().all(|command| script.contains(command)), "{shell}");
    }
    let page = Ran::of(waypost(&["man"]).output().unwrap()).held();
    assert!(page.contains(".TH waypost 1") && commands.iter().all(|command| page.contains(&format!("waypost\\-{command}(1)"))));
    let site = Site::new("man", ZONE);
    site.run(&["man", "."]).held();
    for command in commands {
        let page = fs::read_to_string(site.0.join(format!("waypost-{command}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{page}");
    }
    site.run(&["man", "nowhere"]).refused(&["nowhere", "existing"]);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = waypost(&["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ran = Ran::of(child.wait_with_output().unwrap());
    assert_eq!((ran.status, &*ran.err), (0, ""));
}

/// The admin pages of a server with these files, these checks unhealthy.
struct Running {
    url: String,
    stop: CancellationToken,
    _runtime: tokio::runtime::Runtime,
}

impl Running {
    fn start(site: &Site, down: &[&str]) -> Self {
        let built = load(&site.0.join("waypost.toml"), 1, None).unwrap().built;
        let verdicts = built.state.checks.keys().map(|id| {
            let healthy = !down.contains(&id.as_str());
            let status = if healthy { Status::Healthy } else { Status::Unhealthy };
            Verdict::plain(id.clone(), status, Timestamp::UNIX_EPOCH, "as the test has it".into())
        });
        let health = built.supposing(verdicts.collect()).into();
        let (catalog, maps, externals) = (built.catalog.clone(), built.maps.clone(), built.externals.clone());
        let published = Arc::new(Published::new(Snapshot { catalog, health, maps, externals, generation: 1 }));
        let admin = Admin::new(published, Arc::new(Telemetry::new()), Arc::new(Readiness::default()));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let stop = CancellationToken::new();
        runtime.spawn(serve(listener, admin.router(), HttpLimits::default(), stop.clone()));
        Self { url, stop, _runtime: runtime }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
