//! `waypost test` as an operator and a CI system meet it: files, exit statuses, texts and reports.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use quick_xml::reader::Reader;

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

/// What a reader of XML finds: each element with its attributes, and each text.
fn parsed(document: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut reader = Reader::from_str(document);
    reader.config_mut().expand_empty_elements = true;
    let mut found = Vec::new();
    let mut text = String::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) => {
                let attributes = element.attributes().map(Result::unwrap);
                let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).unwrap();
                let attributes = attributes.map(|pair| (text(pair.key.as_ref()), pair.unescape_value().unwrap().into_owned()));
                found.push((text(element.name().as_ref()), attributes.collect()));
            }
            Event::Text(part) => text.push_str(&part.decode().unwrap()),
            Event::GeneralRef(entity) => match entity.resolve_char_ref().unwrap() {
                Some(character) => text.push(character),
                None => text.push_str(resolve_predefined_entity(&entity.decode().unwrap()).unwrap()),
            },
            Event::End(element) if element.name().as_ref() == b"failure" => {
                found.push(("text".to_owned(), vec![(String::new(), text.trim().to_owned())]));
            }
            Event::Eof => return found,
            _ => {}
        }
    }
}

#[test]
fn the_junit_report_is_xml_that_says_what_the_text_says() {
    let site = Site::new("junit");
    let (status, out, err) = site.run(&["tests/s.toml", "--junit", "report.xml"]);
    assert_eq!((status, &*out, &*err), (1, FAILED, ""));
    let found = parsed(&fs::read_to_string(site.0.join("report.xml")).unwrap());
    let attributes = |pairs: &[(&str, &str)]| pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    let place = [("classname", "tests/s.toml"), ("file", "tests/s.toml")];
    let message = "answer: expected 198.51.100.10, got 192.0.2.10";
    let expected: Vec<(&str, Vec<(String, String)>)> = vec![
        ("testsuites", attributes(&[("name", "waypost"), ("tests", "2"), ("failures", "1")])),
        ("testsuite", attributes(&[("name", "tests/s.toml"), ("tests", "2"), ("failures", "1")])),
        ("testcase", attributes(&[("name", "fra down: iad answers"), place[0], place[1], ("line", "3")])),
        ("testcase", attributes(&[("name", "<fra> & \"iad\""), place[0], place[1], ("line", "9")])),
        ("failure", attributes(&[("message", message)])),
    ];
    for (at, (element, attributes)) in expected.iter().enumerate() {
        assert_eq!((found[at].0.as_str(), &found[at].1), (*element, attributes));
    }
    let (element, text) = &found[expected.len()];
    assert_eq!((element.as_str(), found.len()), ("text", expected.len() + 1));
    assert!(text[0].1.starts_with(message) && text[0].1.contains("3. fra (healthy since"), "{}", text[0].1);
}

#[test]
fn a_report_that_cannot_be_written_is_said() {
    let (status, out, err) = Site::new("junit-nowhere").run(&["tests/s.toml", "--junit", "nowhere/report.xml"]);
    assert_eq!((status, &*out), (1, ""));
    assert!(err.contains("writing the report to nowhere/report.xml: No such file"), "{err}");
}
