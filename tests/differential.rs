//! waypost, Knot and NSD answer the same queries over the same zone alike, or the difference is listed with its reason.
//!
//! waypost answers by `answer::respond`, which is the whole server without a socket; the peers run as Debian ships
//! them, on loopback. Where the two peers disagree, agreeing with either is enough.
//! Invariant: every query has an answer of each, and every listed difference is seen.
//! Source: RFC 1034 §4.3.2, RFC 4592, RFC 6672, RFC 2308, RFC 6891, by two other readers of them.

use std::path::{Path, PathBuf};

use waypost::answer::{Asker, Identity, Transport, respond};
use waypost::control::build::build;
use waypost::control::state::State;
use waypost::routing::draw::Draw;
use waypost::snapshot::Snapshot;
use waypost::wire::name::Name;
use waypost::wire::rtype::RecordType;
use waypost::zone::hosted_zone::HostedZone;
use waypost::zone::master::{NoFiles, Source, read};

#[path = "differential/differences.rs"]
mod differences;
#[path = "differential/peers.rs"]
mod peers;
#[path = "differential/queries.rs"]
mod queries;
#[path = "differential/view.rs"]
mod view;

use differences::{DIFFERENCES, Difference};
use peers::{KNOT, Kind, NSD, Peer};
use queries::{Asked, generate};
use view::View;

/// How many disagreements are printed in full.
const SHOWN: usize = 40;

#[test]
fn answers_agree_with_knot_or_nsd_or_the_difference_is_listed() {
    let Some(peers) = start_peers() else { return };
    let zone = read_zone();
    let queries = generate(&zone);
    assert!(queries.len() > 3_000, "only {} queries", queries.len());
    let snapshot = snapshot(&zone);
    let mut tally = Tally::default();
    for (at, asked) in queries.iter().enumerate() {
        let query = asked.encode(at as u16);
        let ours = view_of("waypost", asked, &query, &respond_to(&snapshot, &query));
        let theirs: Vec<View> = peers.iter().map(|peer| ask(peer, asked, &query)).collect();
        tally.count(asked, &ours, &theirs);
    }
    tally.report(&peers);
}

#[test]
fn differences_are_documented_and_documented_differences_exist() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/differences.md");
    let document = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let headings: Vec<&str> = document.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let titles: Vec<&str> = DIFFERENCES.iter().map(|difference| difference.title).collect();
    assert_eq!(headings, titles);
    for difference in DIFFERENCES {
        assert!(difference.why.len() > 20, "{}: a reason is needed", difference.title);
    }
}

/// What the comparison has found.
#[derive(Default)]
struct Tally {
    agreed: usize,
    /// Queries on which the peers themselves disagree.
    peers_disagreed: usize,
    explained: Vec<usize>,
    unexplained: Vec<String>,
}

impl Tally {
    fn count(&mut self, asked: &Asked, ours: &View, theirs: &[View]) {
        self.explained.resize(DIFFERENCES.len(), 0);
        self.peers_disagreed += usize::from(theirs.windows(2).any(|pair| pair[0] != pair[1]));
        if theirs.contains(ours) {
            self.agreed += 1;
            return;
        }
        let explains = |difference: &Difference| theirs.iter().any(|view| (difference.explains)(asked, ours, view));
        match DIFFERENCES.iter().position(explains) {
            Some(at) => self.explained[at] += 1,
            None => self.unexplained.push(describe(asked, ours, theirs)),
        }
    }

    /// Prints the counts; fails on what nothing explains, and on an explanation that nothing needs.
    fn report(&self, peers: &[Peer]) {
        println!("agreed: {}; the peers disagreed with each other: {}", self.agreed, self.peers_disagreed);
        for (difference, count) in DIFFERENCES.iter().zip(&self.explained) {
            println!("{count}: {}", difference.title);
        }
        let names: Vec<&str> = peers.iter().map(|peer| peer.name).collect();
        let shown: Vec<&str> = self.unexplained.iter().take(SHOWN).map(String::as_str).collect();
        let found = self.unexplained.len();
        assert!(found == 0, "{found} answers differ from those of {names:?}:\n{}", shown.join("\n"));
        for (difference, count) in DIFFERENCES.iter().zip(&self.explained) {
            assert!(*count > 0, "nothing differs any more by: {}", difference.title);
        }
    }
}

fn describe(asked: &Asked, ours: &View, theirs: &[View]) -> String {
    let peers: String = theirs.iter().map(|view| format!("    peer: {view}")).collect();
    format!("  {asked}\n    ours: {ours}{peers}")
}

fn ask(peer: &Peer, asked: &Asked, query: &[u8]) -> View {
    let response = peer.ask(query).unwrap_or_else(|| panic!("{} does not answer {asked}", peer.name));
    view_of(peer.name, asked, query, &response)
}

fn view_of(who: &str, asked: &Asked, query: &[u8], response: &[u8]) -> View {
    View::of(query, response).unwrap_or_else(|error| panic!("{asked}: the answer of {who} {error}: {response:02x?}"))
}

/// The peers, or none when one is missing where that is allowed: not under CI.
fn start_peers() -> Option<Vec<Peer>> {
    let missing: Vec<&str> = [KNOT, NSD].iter().map(|kind| kind.program).filter(|program| !Path::new(program).exists()).collect();
    if !missing.is_empty() {
        let notice = format!("not compared: {} is needed (apt-get install knot nsd)", missing.join(" and "));
        assert!(std::env::var_os("CI").is_none(), "{notice}");
        println!("{notice}");
        return None;
    }
    Some([&KNOT, &NSD].map(start).into())
}

fn start(kind: &Kind) -> Peer {
    let apex = Name::parse(queries::APEX, None).expect("a valid name");
    let ready = Asked::new(apex, RecordType::SOA).encode(0);
    Peer::start(kind, &zone_file(), &ready).unwrap_or_else(|error| panic!("{error}"))
}

fn zone_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/zone.zone")
}

fn read_zone() -> String {
    std::fs::read_to_string(zone_file()).expect("the zone is committed")
}

/// The zone as waypost answers from it.
fn snapshot(text: &str) -> Snapshot {
    let source = Source { file: "zone.zone".into(), octets: text.as_bytes().to_vec() };
    let read = read(source, None, None, &mut NoFiles);
    assert!(read.problems.is_empty(), "{}", read.problems);
    let name = read.apex.expect("the zone has a SOA");
    let hosted = HostedZone { name, record_sets: read.record_sets, hidden: 0, groups: Default::default(), files: read.files };
    let built =
        build(State { zones: vec![hosted.into()], ..State::default() }, &Default::default(), None).expect("the zone compiles");
    Snapshot { catalog: built.catalog, ..Snapshot::default() }
}

/// Answers as peers are configured to: over UDP, up to 4,096 octets.
fn respond_to(snapshot: &Snapshot, query: &[u8]) -> Vec<u8> {
    let identity = Identity { udp_payload_size: 4_096, ..Identity::default() };
    let asker = Asker { address: [127, 0, 0, 1].into(), transport: Transport::Udp };
    let mut out = vec![0; 65_535];
    let report = respond(snapshot, &identity, query, &asker, 0, Draw::new(0), &mut out);
    out.truncate(report.len);
    out
}
