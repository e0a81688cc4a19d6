//! The Route 53 API when the process is killed, and when the disk is full.
//!
//! Invariants: what was acknowledged is there after any crash; what was not is there whole or not at all; what a full disk
//! refused is nowhere, and the server goes on. Where a write stops is chance: the seed is told by what fails.

#[path = "support/api.rs"]
mod api;
#[path = "support/serve.rs"]
mod serve;
mod support;
#[path = "support/xml.rs"]
mod texts;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::SocketAddr;
use std::process::Command;
use std::sync::mpsc::{self, Sender};
use std::thread;

use api::{Api, CONFIG, STORE, batch, change, exchange};
use serve::{Client, Process, Serving, Site};
use support::{last_octets, name, query};
use texts::{elements, root};
use waypost::wire::rtype::RecordType;

/// A batch of two record sets, which are there both or neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pair {
    writer: u32,
    number: u32,
}

impl Pair {
    fn owners(self) -> [String; 2] {
        ["a", "b"].map(|side| format!("{side}{}-{}", self.writer, self.number))
    }

    fn changes(self, action: &str) -> String {
        let address = format!("10.{}.0.{}", self.writer, self.last_octet());
        let owners = self.owners().map(|owner| format!("{owner}.example.org"));
        owners.iter().map(|owner| change(action, owner, "A", &[&address])).collect()
    }

    fn last_octet(self) -> u8 {
        (self.number % 250 + 1) as u8
    }
}

/// What is known of each pair: that it is there, that it is not, or that nobody was told.
type Known = BTreeMap<Pair, Option<bool>>;

const WRITERS: u32 = 3;
const ROUNDS: u32 = 8;

#[test]
fn a_killed_server_has_what_it_acknowledged_and_no_half_of_anything() {
    let site = Site::new("crash-killed");
    site.write("waypost.toml", &format!("{CONFIG}{STORE}"));
    let mut server = site.serve();
    let zone = Api::new(server.http).zone("example.org");
    let mut known = Known::new();
    for round in 0..ROUNDS {
        let kill_after = 5 + (RandomState::new().build_hasher().finish() % 20) as usize;
        let (acknowledged, heard) = mpsc::channel();
        let http = server.http;
        let learned: Vec<Known> = thread::scope(|scope| {
            let start = |writer| {
                let (zone, acknowledged) = (&zone, acknowledged.clone());
                scope.spawn(move || write_until_killed(http, zone, Pair { writer, number: round * 1_000 }, &acknowledged))
            };
            let writers: Vec<_> = (0..WRITERS).map(start).collect();
            assert_eq!(heard.iter().take(kill_after).count(), kill_after);
            server.process.signal("KILL");
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        learned.into_iter().for_each(|learned| known.extend(learned));
        assert_eq!(server.process.ended().0.code(), None, "killed");
        server = site.serve();
        check(&server, &zone, &mut known, &format!("round {round}, killed after {kill_after}"));
    }
    assert!(known.values().filter(|there| **there == Some(true)).count() > 10);
    server.stop();
}

/// Creates pairs and deletes every third one again, and says what is known of them when no answer comes any more.
fn write_until_killed(http: SocketAddr, zone: &str, first: Pair, acknowledged: &Sender<()>) -> Known {
    let api = Api::new(http);
    let mut known = Known::new();
    for number in first.number.. {
        let pair = Pair { number, ..first };
        for (action, is_there) in [("CREATE", true), ("DELETE", false)] {
            if action == "DELETE" && number % 3 != 0 {
                continue;
            }
            known.insert(pair, None);
            let request =
                api.request("POST", &format!("/2013-04-01/hostedzone/{zone}/rrset/"), batch(&pair.changes(action)).as_bytes());
            match exchange(http, &request) {
                Some(response) => assert_eq!(response.status, 200, "{response:?}"),
                None => return known,
            }
            known.insert(pair, Some(is_there));
            acknowledged.send(()).unwrap();
        }
    }
    known
}

/// That the server has what is known, and that DNS says what the API says. What was not known is then.
#[track_caller]
fn check(server: &Serving, zone: &str, known: &mut Known, when: &str) {
    let list = Api::new(server.http).ok("GET", &format!("hostedzone/{zone}/rrset?maxitems=10000"), "");
    let listed: BTreeSet<String> = elements(&list, "Name").into_iter().collect();
    let mut client = Client::new(server.dns);
    for (pair, is_known) in known {
        let there = pair.owners().map(|owner| listed.contains(&format!("{owner}.example.org.")));
        assert_eq!(there[0], there[1], "half of {pair:?}, {when}");
        assert!(is_known.is_none_or(|is_known| is_known == there[0]), "{pair:?} was acknowledged: {is_known:?}, {when}");
        *is_known = Some(there[0]);
        for owner in pair.owners() {
            let answer = last_octets(&client.ask(&query(&name(&owner), RecordType::A)));
            let expected = if there[0] { vec![pair.last_octet()] } else { Vec::new() };
            assert_eq!(answer, expected, "{owner}, {when}");
        }
    }
}

#[test]
fn a_full_disk_refuses_changes_and_nothing_else() {
    let site = Site::new("crash-full");
    site.write("waypost.toml", &format!("{CONFIG}{STORE}"));
    let server = serve_limited(&site);
    let api = Api::new(server.http);
    let zone = api.zone("example.org");
    let pair = |number| Pair { writer: 9, number };
    let mut known = Known::new();
    assert_eq!(api.change(&zone, &pair(0).changes("CREATE")).status, 200);
    known.insert(pair(0), Some(true));
    let file_len = site.0.join("waypost.redb").metadata().unwrap().len();
    limit_files(&server, &file_len.to_string());
    // Until there is no more room; each text is long enough to need some.
    let filler: Vec<String> = (0..200).map(|at| format!("\"{}\"", format!("{at:03}").repeat(80))).collect();
    let filler: Vec<&str> = filler.iter().map(|text| &**text).collect();
    let mut refused = Vec::new();
    for number in 1..400 {
        let big = change("CREATE", &format!("big{number}.example.org"), "TXT", &filler);
        let response = api.change(&zone, &(pair(number).changes("CREATE") + &big));
        known.insert(pair(number), Some(response.status == 200));
        if response.status != 200 {
            assert_eq!(response.refusal(), "503 ServiceUnavailable");
            assert!(!response.body.contains("redb"), "the detail is the operator's: {response:?}");
            refused.push(number);
        }
        if refused.len() == 3 {
            break;
        }
    }
    assert_eq!(refused.len(), 3, "the disk was never full");
    check(&server, &zone, &mut known, "with a full disk");
    assert_eq!(server.get("/readyz").0, 200);
    let made = root("CreateHostedZone", "<Name>refused.example</Name><CallerReference>x</CallerReference>");
    let made = api.ask("POST", "hostedzone", &made);
    assert!(made.status == 201 || made.refusal() == "503 ServiceUnavailable", "{made:?}");
    assert_eq!(api.ok("GET", "hostedzone", "").contains("refused.example"), made.status == 201);
    // There is room again.
    limit_files(&server, "unlimited");
    let last = pair(1_000);
    let response = api.change(&zone, &last.changes("CREATE"));
    assert_eq!(response.status, 200, "{response:?}");
    known.insert(last, Some(true));
    check(&server, &zone, &mut known, "with room again");
    server.process.signal("KILL");
    let _ = server.process.ended();
    let server = site.serve();
    check(&server, &zone, &mut known, "after a crash");
    server.stop();
}

/// A server that is told of the limit of a file's size by an error, not by a signal that ends it.
fn serve_limited(site: &Site) -> Serving {
    let mut shell = Command::new("sh");
    let serve = format!("trap '' XFSZ; exec '{}' serve -c waypost.toml", env!("CARGO_BIN_EXE_waypost"));
    site.serve_by(Process::spawn(shell.args(["-c", &serve]).current_dir(&site.0)))
}

/// Sets how large the server's files may become, in octets.
fn limit_files(server: &Serving, most: &str) {
    let pid = server.process.id().to_string();
    let limit = format!("--fsize={most}:unlimited");
    let limited = Command::new("prlimit").args(["--pid", &pid, &limit]).status().expect("prlimit is of util-linux");
    assert!(limited.success());
}
