//! `waypost test` as an operator and a CI system meet it: files, exit statuses, texts and reports.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use quick_xml::XmlVersion;
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
                let attributes = attributes
                    .map(|pair| (text(pair.key.as_ref()), pair.normalized_value(XmlVersion::Explicit1_0).unwrap().into_owned()));
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

const SPREAD: &str = r#"
zone = "example.org."
ns   = ["ns1.example.net."]

[probe.web]
type = "http"

[endpoint.fra]
address = ["192.0.2.10"]
probe   = "web"

[endpoint.iad]
address = ["198.51.100.10"]
probe   = "web"

[endpoint.reserve]
address = ["203.0.113.10"]
probe   = "web"

[route.www]
policy  = "weighted"
members = [{ use = "fra", weight = 1 }, { use = "iad", weight = 1 }, { use = "reserve", weight = 0 }]
"#;

const FOUND: &str = r#"FOUND waypost.toml: www.example.org. A sends everything to one endpoint, though others are healthy, while fra fails

  www.example.org. A, asked by the resolver 127.0.0.1

    1. zone example.org. is the closest that encloses the name
    2. www.example.org. A is weighted among 3 members
    3. fra (unhealthy since 1970-01-01T00:00:00Z: 3 failures in a row, the last: connection refused) is passed over: unhealthy
    4. reserve (healthy since 1970-01-01T00:00:00Z: HTTP status 200) is passed over: its weight of 0 counts only when nothing weightier is healthy
    5. iad (healthy since 1970-01-01T00:00:00Z: HTTP status 200) is chosen: drawn with weight 1 of 1

  ;; status: NOERROR, flags: qr aa, 60 octets

  ;; ANSWER SECTION:
  www.example.org.  60     IN  A      198.51.100.10

waypost.toml: 1 routed name, 4 combinations of up to 1 failed checks, 4 questions: 1 finding
"#;

#[test]
fn every_failure_is_searched_and_what_is_found_is_told() {
    let site = Site::new("all-failures");
    site.write("zone.toml", SPREAD);
    let search = ["--all-failures", "1", "-c", "waypost.toml"];
    assert_eq!(site.run(&search), (1, FOUND.to_owned(), String::new()));
    let (status, out, _) = site.run(&[&search[..], &["--json", "--junit", "report.xml"]].concat());
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let finding = &report["searches"][0]["findings"][0];
    assert_eq!((status, &report["held"], &finding["kind"]), (1, &false.into(), &"one_endpoint".into()));
    assert_eq!((&finding["failed"][0], &finding["name"]), (&"fra".into(), &"www.example.org.".into()));
    let found = parsed(&fs::read_to_string(site.0.join("report.xml")).unwrap());
    let elements: Vec<&str> = found.iter().map(|(element, _)| element.as_str()).collect();
    assert_eq!(elements, ["testsuites", "testsuite", "testcase", "failure", "text"]);
    assert_eq!(found[0].1[1..], [("tests".to_owned(), "1".to_owned()), ("failures".to_owned(), "1".to_owned())]);
}

#[test]
fn scenario_files_name_the_configuration_and_the_clients_of_a_search() {
    let site = Site::new("all-failures-files");
    let case = SCENARIOS.split("\n\n").take(2).collect::<Vec<_>>().join("\n\n");
    site.write("tests/s.toml", &format!("{case}\nclient = \"198.51.100.0/24\"\n"));
    site.write("tests/t.toml", &format!("{case}\nclient = \"2001:db8::/48\"\n"));
    let (status, out, err) = site.run(&["--all-failures", "2", "tests/s.toml", "tests/t.toml"]);
    // Each of seven names is asked by both clients and a resolver.
    let expected = "tests/../waypost.toml: 7 routed names, 28 combinations of up to 2 failed checks, 84 questions: 0 findings\n2 cases: all hold\n";
    assert_eq!((status, &*out, &*err), (0, expected, ""));
}

#[test]
fn a_search_without_anything_to_search_or_without_an_end_is_refused() {
    let site = Site::new("all-failures-refused");
    for arguments in [&["--all-failures", "1"][..], &["-c", "waypost.toml"], &["--all-failures", "x", "-c", "waypost.toml"]] {
        let (status, out, err) = site.run(arguments);
        assert_eq!((status, &*out, err.is_empty()), (2, "", false), "{arguments:?}");
    }
    let endpoints = (0..200).map(|at| format!("[endpoint.e{at}]\naddress = [\"10.0.0.{at}\"]\nprobe = \"web\"\n"));
    let members: Vec<String> = (0..200).map(|at| format!("\"e{at}\"")).collect();
    let zone = format!(
        "zone = \"example.org.\"\nns = [\"ns1.example.net.\"]\n[probe.web]\ntype = \"http\"\n{}[route.www]\npolicy = \"failover\"\nmembers = [{}]\n",
        endpoints.collect::<String>(),
        members.join(", ")
    );
    site.write("zone.toml", &zone);
    let (status, out, err) = site.run(&["--all-failures", "4", "-c", "waypost.toml"]);
    assert_eq!((status, &*out), (2, ""));
    let expected =
        "error: searching waypost.toml with up to 4 failed checks asks 66018451 questions; at most 2000000 are asked\n";
    assert!(err.starts_with(expected) && err.contains("--all-failures 3 is accepted"), "{err}");
}
