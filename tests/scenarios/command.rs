//! `waypost test` as an operator and a CI system meet it: files, exit statuses, texts and reports.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::ZONE;

const CONFIG: &str = "[server]\nlisten = [\"127.0.0.1:0\"]\n[zones]\nfiles = [\"zone.toml\"]\n";

const SCENARIOS: &str = r#"config = "../waypost.toml"

[[case]]
name   = "fra down: iad answers"
down   = ["fra"]
query  = "www.example.org A"
expect = { answer = ["198.51.100.10"] }

[[case]]
name   = "<fra> & \"iad\""
query  = "www.example.org A"
expect = { answer = ["198.51.100.10"], ttl = 30 }
"#;

/// A directory of its own with a configuration, and scenario files in a folder beside it.
struct Site(PathBuf);

impl Site {
    fn new(test: &str) -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scenarios").join(test);
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(directory.join("tests")).unwrap();
        let site = Self(directory);
        site.write("waypost.toml", CONFIG);
        site.write("zone.toml", ZONE);
        site.write("tests/s.toml", SCENARIOS);
        site
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.0.join(file), text).unwrap();
    }

    /// The exit status, what was printed, and what was said to be wrong.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
        let ran = command.arg("test").args(arguments).current_dir(&self.0).stdin(Stdio::null()).output().unwrap();
        let text = |octets| String::from_utf8(octets).unwrap();
        (ran.status.code().unwrap(), text(ran.stdout), text(ran.stderr))
    }
}

const FAILED: &str = r#"FAILED tests/s.toml:9: <fra> & "iad"
  answer: expected 198.51.100.10, got 192.0.2.10

  www.example.org. A, asked by the resolver 127.0.0.1

    1. zone example.org. is the closest that encloses the name
    2. www.example.org. A is failover among 2 members
    3. fra (healthy since 1970-01-01T00:00:00Z: not marked down) is chosen: primary

  ;; status: NOERROR, flags: qr aa, 60 octets

  ;; ANSWER SECTION:
  www.example.org.  30     IN  A      192.0.2.10

2 cases: 1 hold, 1 failed
"#;

#[test]
fn a_case_that_fails_is_told_with_its_line_and_the_decision() {
    assert_eq!(Site::new("fails").run(&["tests/s.toml"]), (1, FAILED.to_owned(), String::new()));
}

#[test]
fn a_filter_runs_what_it_matches_and_is_refused_when_that_is_nothing() {
    let site = Site::new("only");
    assert_eq!(site.run(&["tests/s.toml", "--only", "fra down"]), (0, "1 case: all hold\n".to_owned(), String::new()));
    let (status, out, err) = site.run(&["tests/s.toml", "--only", "fra up"]);
    assert_eq!((status, &*out), (2, ""));
    assert!(err.contains("no case has \"fra up\" in its name"), "{err}");
}

#[test]
fn a_file_that_is_wrong_lets_nothing_run() {
    let site = Site::new("bad");
    site.write(
        "tests/t.toml",
        "config = \"../waypost.toml\"\n[[case]]\nname = \"x\"\nquery = \"www.example.org\"\nexpcet = {}\n",
    );
    let (status, out, err) = site.run(&["tests/s.toml", "tests/t.toml"]);
    assert_eq!((status, &*out), (2, ""));
    assert!(err.contains("tests/t.toml:5:1") && err.contains("did you mean \"expect\"?"), "{err}");
    site.write("zone.toml", &ZONE.replace("interval = ", "intervall = "));
    let (status, _, err) = site.run(&["tests/s.toml", "nowhere.toml"]);
    assert_eq!(status, 2);
    assert!(err.contains("intervall = \"10s\"") && err.contains("nowhere.toml: No such file"), "{err}");
}

#[test]
fn the_report_in_json_has_every_case() {
    let (status, out, _) = Site::new("json").run(&["tests/s.toml", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, &report["held"], &report["cases"][0]["held"]), (1, &false.into(), &true.into()));
    let failed = &report["cases"][1];
    assert_eq!((&failed["line"], &failed["mismatches"][0]["got"][0]["text"]), (&9.into(), &"192.0.2.10".into()));
    assert_eq!(failed["explanation"]["answer"]["answer"][0]["rdata"], "192.0.2.10");
}
