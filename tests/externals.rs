//! Aliases of names outside their zone: followed over loopback to name servers that answer, change, fail and die.
//!
//! The name servers are waypost's own answering code behind sockets of the test's. Decisions are tested in
//! `external::machine` and `tests/cases/routing/externals.case`; here is what reaches the client. Waits are for what the
//! follower publishes. Invariant: nothing leaves the machine.

#[path = "support/serve.rs"]
mod serve;
#[path = "support/shown.rs"]
mod shown;
mod support;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serve::{CONFIG, Client, Site};
use support::{ask, name, query};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::mpsc;
use tokio::time::timeout;
use waypost::answer::{Asker, Identity, Transport, respond};
use waypost::control::build::{Built, build};
use waypost::control::load::load_zones;
use waypost::external::{Event, Follower, LOOKS_MAX, Pace, Resolver, Seen, Watcher};
use waypost::places::Places;
use waypost::resolver::NameServers;
use waypost::routing::draw::Draw;
use waypost::snapshot::Snapshot;
use waypost::wire::rtype::RecordType;
use waypost::zone::external::{ExternalTarget, Externals};
use waypost::zone::master::{NoFiles, Source};

/// An alias at the apex, and one that is passed over when its target has no address.
const ZONE: &str = r#"
zone = "example.org."
ns   = ["ns1.example.com."]

[[record]]
name  = "@"
type  = "A"
alias = { name = "lb.example.net.", evaluate_target_health = false }

[[record]]
name           = "www"
type           = "A"
set_identifier = "lb"
failover       = "PRIMARY"
alias          = { name = "lb.example.net.", evaluate_target_health = true }

[[record]]
name           = "www"
type           = "A"
set_identifier = "own"
failover       = "SECONDARY"
values         = ["192.0.2.80"]
"#;

/// The zone of the name servers: `records` is in master-file form.
fn elsewhere(records: &str) -> String {
    format!("$ORIGIN example.net.\n$TTL 40\n@ SOA ns1 hostmaster 1 7200 900 1209600 20\n@ NS ns1\nns1 A 127.0.0.1\n{records}\n")
}

#[tokio::test]
async fn a_target_is_resolved_through_its_cnames_and_its_changes_are_followed() {
    let upstream = Upstream::start(&elsewhere("lb 300 CNAME real\nreal 50 A 203.0.113.1\nreal 50 A 203.0.113.2")).await;
    let mut world = World::start(&upstream, QUICK);
    assert_eq!(world.answer("@"), ["SERVFAIL", "opt size 1232 ede 22"], "before the first answer");
    assert_eq!(world.answer("www"), ["NOERROR aa", "answer www.example.org. 60 A 192.0.2.80", "opt size 1232"]);
    world.until(|answer| answer[0] == "NOERROR aa").await;
    let answers = world.answer("@");
    assert_eq!(answers.len(), 4, "{answers:?}");
    for (line, address) in answers[1..3].iter().zip(["203.0.113.1", "203.0.113.2"]) {
        // The smallest TTL on the way, which may have begun to count down.
        assert!(line == &format!("answer example.org. 50 A {address}") || line == &format!("answer example.org. 49 A {address}"));
    }
    assert!(world.answer("www")[1].contains("A 203.0.113."), "{:?}", world.answer("www"));
    upstream.say(&elsewhere("lb 0 A 203.0.113.7"));
    world.until(|answer| answer[1..] == ["answer example.org. 1 A 203.0.113.7", "opt size 1232"]).await;
    assert!(world.generations >= 2, "each change is a generation, and no second that passes");
}

#[tokio::test]
async fn the_last_good_answer_is_kept_stale_until_it_is_too_old() {
    let upstream = Upstream::start(&elsewhere("lb 0 A 203.0.113.1")).await;
    let mut world = World::start(&upstream, Pace { keep: Duration::from_millis(1_500), ..QUICK });
    world.until(|answer| answer[0] == "NOERROR aa").await;
    upstream.fail();
    let stale = ["NOERROR aa", "answer example.org. 30 A 203.0.113.1", "opt size 1232 ede 3"];
    world.until(|answer| *answer == stale).await;
    world.until(|answer| *answer == ["SERVFAIL", "opt size 1232 ede 22"]).await;
    assert_eq!(world.answer("www")[1], "answer www.example.org. 60 A 192.0.2.80");
    let events: Vec<&str> = world.events.iter().map(|event| event.split(['(', ' ']).next().unwrap_or_default()).collect();
    assert_eq!(events, ["Resolved", "Failed", "Dropped"], "{:?}", world.events);
    upstream.say(&elsewhere("lb 0 A 203.0.113.2"));
    world.until(|answer| answer.iter().any(|line| line.ends_with("A 203.0.113.2"))).await;
}

#[tokio::test]
async fn what_never_answers_is_servfail_and_passed_over_where_its_health_counts() {
    let upstream = Upstream::start(&elsewhere("")).await;
    upstream.fail();
    let mut world = World::start(&upstream, QUICK);
    world.follower.first_round().await;
    while world.events.is_empty() {
        world.next().await;
    }
    assert_eq!(world.answer("@")[0], "SERVFAIL");
    assert_eq!(world.answer("www")[1], "answer www.example.org. 60 A 192.0.2.80");
    assert!(world.because("@").contains("no address is known: it could not be resolved"), "{}", world.because("@"));
}

#[tokio::test]
async fn a_name_that_is_gone_is_no_data_after_a_second_look() {
    for (records, because) in [("other A 192.0.2.1", "it does not exist"), ("lb TXT nothing", "it has none")] {
        let upstream = Upstream::start(&elsewhere("lb 0 A 203.0.113.1")).await;
        let mut world = World::start(&upstream, QUICK);
        world.until(|answer| answer[0] == "NOERROR aa").await;
        upstream.say(&elsewhere(records));
        world.until(|answer| answer[1].starts_with("authority example.org. 60 SOA")).await;
        assert!(world.because("@").contains(because), "{}", world.because("@"));
        assert!(world.events[1].contains("looked at once more") && world.events[2].starts_with("Gone"), "{:?}", world.events);
        assert_eq!(world.answer("www")[1], "answer www.example.org. 60 A 192.0.2.80");
    }
}

#[tokio::test]
async fn a_thousand_addresses_are_a_message_of_64() {
    let mut records = String::new();
    (0..1_000).for_each(|at| writeln!(records, "lb 20 A 203.0.{}.{}", at >> 8, at & 0xff).unwrap());
    let upstream = Upstream::start(&elsewhere(&records)).await;
    let mut world = World::start(&upstream, QUICK);
    world.until(|answer| answer[0] != "SERVFAIL").await;
    // 64 times 16 octets fit into 1,232.
    assert_eq!(world.answer("@").iter().filter(|line| line.starts_with("answer")).count(), 64);
}

#[tokio::test]
async fn new_targets_are_followed_and_what_is_known_of_old_ones_stays() {
    let upstream = Upstream::start(&elsewhere("lb 30 A 203.0.113.1\nmore A 203.0.113.9")).await;
    let mut world = World::start(&upstream, Pace::default());
    world.until(|answer| answer[0] == "NOERROR aa").await;
    let built = built(&format!(
        "{ZONE}\n[[record]]\nname = \"more\"\ntype = \"A\"\nalias = {{ name = \"more.example.net.\", evaluate_target_health = false }}\n"
    ));
    let known = world.follower.replace(built.externals.clone()).await;
    let has_address = |externals: &Externals| externals.iter().map(|(_, known)| known.addresses().is_some()).collect::<Vec<_>>();
    assert_eq!(has_address(&known), [true, false]);
    world.snapshot = snapshot(&built);
    world.snapshot.externals = known;
    world.until(|answer| answer[0] == "NOERROR aa").await;
    world.follower.first_round().await;
    while has_address(&world.snapshot.externals) != [true, true] {
        world.next().await;
    }
    assert_eq!(world.answer("more")[1], "answer more.example.org. 40 A 203.0.113.9");
}

#[tokio::test]
async fn an_answer_from_outside_the_zone_allocates_nothing() {
    let upstream = Upstream::start(&elsewhere("lb 30 A 203.0.113.1\nlb 30 A 203.0.113.2")).await;
    let mut world = World::start(&upstream, QUICK);
    let message = query(&name("@"), RecordType::A);
    let mut out = vec![0; 1_232];
    let asker = Asker { address: [192, 0, 2, 53].into(), transport: Transport::Udp };
    let identity = Identity::default();
    for _ in 0..2 {
        let counted = allocation_counter::measure(|| {
            for draw in 0..100 {
                let draw = Draw::new(draw << 56);
                assert!(respond(&world.snapshot, &identity, &message, &asker, 0, draw, &mut out).len > 0);
            }
        });
        assert_eq!(counted.count_total, 0);
        world.until(|answer| answer[0] == "NOERROR aa").await;
    }
}

/// Two servers as processes: the second follows the first, over its own configuration, and outlives it.
#[test]
fn a_server_answers_from_its_start_and_goes_on_when_the_name_servers_die() {
    let there = Site::with_zone("externals-upstream", "");
    there.write("waypost.toml", &CONFIG.replace("example.org.toml", "example.net.zone"));
    there.write("example.net.zone", &elsewhere("lb 5 A 203.0.113.1\nlb AAAA 2001:db8::1"));
    let there = there.serve();
    let site = Site::with_zone("externals", ZONE);
    site.write("waypost.toml", &format!("{CONFIG}\n[resolver]\nservers = [\"{}\"]\n", there.dns));
    let mut here = site.serve();
    let mut client = Client::new(here.dns);
    let mut answer = |owner: &str, rtype| shown::lines(&client.ask(&query(&name(owner), rtype)));
    let first = answer("@", RecordType::A);
    assert!(first[0] == "NOERROR aa" && first[1].ends_with("A 203.0.113.1"), "the start waits for the first round: {first:?}");
    let page = here.get("/v1/explain?name=example.org&type=A&client=127.0.0.1&draw=0").1;
    for part in ["\"step\":\"external\"", "\"target\":\"lb.example.net.\"", "\"addresses\":[\"203.0.113.1\"]", "\"age_secs\":"] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    assert_eq!(here.metric("waypost_alias_target_addresses{target=\"lb.example.net.\",type=\"A\"}"), 1.0);
    let also =
        ZONE.replacen("[[record]]", "[[record]]\nname = \"@\"\ntype = \"AAAA\"\nalias = \"lb.example.net.\"\n\n[[record]]", 1);
    site.write("example.org.toml", &also);
    here.process.find_event("reloaded", |_| true);
    assert!(answer("@", RecordType::A)[1].ends_with("A 203.0.113.1"), "a reload keeps what is known");
    here.process.find_event("alias_target_resolved", |event| event["type"] == "AAAA");
    assert!(answer("@", RecordType::AAAA)[1].ends_with("AAAA 2001:db8::1"));
    there.process.kill();
    let failed = here.process.await_event("alias_target_failed", |event| event["type"] == "A");
    assert_eq!(failed["target"], "lb.example.net.");
    assert_eq!(answer("@", RecordType::A), ["NOERROR aa", "answer example.org. 30 A 203.0.113.1", "opt size 1232 ede 3"]);
    assert_eq!(here.metric("waypost_alias_target_stale{target=\"lb.example.net.\",type=\"A\"}"), 1.0);
    assert!(here.metric("waypost_alias_target_lookups_total{target=\"lb.example.net.\",type=\"A\",result=\"failed\"}") >= 1.0);
    here.stop();
}

/// As fast as a test should be.
const QUICK: Pace = {
    let quick = Duration::from_millis(20);
    Pace { refresh: quick..=quick, second_look: quick..=quick, retry: quick, keep: Duration::from_secs(3_600) }
};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server's snapshot, kept up to date by a follower.
struct World {
    snapshot: Snapshot,
    follower: Follower,
    published: mpsc::UnboundedReceiver<(Arc<Externals>, Vec<String>)>,
    events: Vec<String>,
    generations: usize,
}

struct Told(mpsc::UnboundedSender<(Arc<Externals>, Vec<String>)>);

impl Watcher for Told {
    fn known(&mut self, externals: Arc<Externals>, events: &[(ExternalTarget, Event)]) {
        let events = events.iter().map(|(_, event)| format!("{event:?}")).collect();
        // A test that has seen enough does not listen.
        let _ = self.0.send((externals, events));
    }

    fn looked(&mut self, _: &ExternalTarget, _: &Seen) {}
}

impl World {
    fn start(upstream: &Upstream, pace: Pace) -> Self {
        let built = built(ZONE);
        let (resolver, warning) = Resolver::new(&NameServers::Only(vec![upstream.address]));
        assert_eq!(warning, None);
        let (told, published) = mpsc::unbounded_channel();
        let follower = Follower::spawn(built.externals.clone(), resolver, Told(told), pace, LOOKS_MAX);
        Self { snapshot: snapshot(&built), follower, published, events: Vec::new(), generations: 0 }
    }

    /// Takes the next publication.
    async fn next(&mut self) {
        let (externals, events) = timeout(PATIENCE, self.published.recv()).await.expect("in time").expect("it follows");
        self.generations += usize::from(!events.is_empty());
        self.events.extend(events);
        if externals.targets() == self.snapshot.externals.targets() {
            self.snapshot.externals = externals;
        }
    }

    /// Takes publications until the apex is answered so.
    async fn until(&mut self, is_so: impl Fn(&[String]) -> bool) {
        loop {
            self.next().await;
            if is_so(&self.answer("@")) {
                return;
            }
        }
    }

    fn answer(&self, owner: &str) -> Vec<String> {
        shown::lines(&ask(&self.snapshot, &query(&name(owner), RecordType::A), 0).0)
    }

    fn because(&self, owner: &str) -> String {
        ask(&self.snapshot, &query(&name(owner), RecordType::A), 0).2.to_string()
    }
}

/// Name servers on one address, over UDP and TCP.
struct Upstream {
    address: SocketAddr,
    says: Arc<Mutex<Option<Arc<Snapshot>>>>,
}

impl Upstream {
    async fn start(zone: &str) -> Self {
        // The port of a TCP socket that the system chose is nearly always free for UDP too.
        let (tcp, udp) = loop {
            let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
            if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()).await {
                break (tcp, udp);
            }
        };
        let upstream = Self { address: tcp.local_addr().unwrap(), says: Arc::default() };
        upstream.say(zone);
        let says = upstream.says.clone();
        tokio::spawn(async move {
            let mut message = [0; 4_096];
            while let Ok((len, peer)) = udp.recv_from(&mut message).await {
                let _ = udp.send_to(&reply(&says, &message[..len], Transport::Udp), peer).await;
            }
        });
        let says = upstream.says.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = tcp.accept().await {
                let says = says.clone();
                tokio::spawn(async move {
                    while let Ok(len) = stream.read_u16().await {
                        let mut message = vec![0; len.into()];
                        stream.read_exact(&mut message).await?;
                        let reply = reply(&says, &message, Transport::Tcp);
                        stream.write_all(&[&(reply.len() as u16).to_be_bytes()[..], &reply].concat()).await?;
                    }
                    std::io::Result::Ok(())
                });
            }
        });
        upstream
    }

    /// Answers from this zone from now on.
    fn say(&self, zone: &str) {
        *self.says.lock().unwrap() = Some(Arc::new(snapshot(&built(zone))));
    }

    /// Answers SERVFAIL from now on.
    fn fail(&self) {
        *self.says.lock().unwrap() = None;
    }
}

fn reply(says: &Mutex<Option<Arc<Snapshot>>>, message: &[u8], transport: Transport) -> Vec<u8> {
    let says = says.lock().unwrap().clone();
    let (failing, snapshot) = (says.is_none(), says.unwrap_or_default());
    let asker = Asker { address: [127, 0, 0, 1].into(), transport };
    let mut out = vec![0; 65_535];
    let report = respond(&snapshot, &Identity::default(), message, &asker, 0, Draw::new(0), &mut out);
    out.truncate(report.len);
    if failing {
        out[3] = out[3] & 0xf0 | 2;
    }
    out
}

fn built(zone: &str) -> Built {
    let file = if zone.starts_with('$') { "zone.zone" } else { "zone.toml" };
    let source = Source { file: file.into(), octets: zone.as_bytes().to_vec() };
    let (state, problems) = load_zones(vec![source], &mut NoFiles, 1);
    build(state.unwrap_or_else(|| panic!("{problems}")), &Places::default(), None).unwrap()
}

fn snapshot(built: &Built) -> Snapshot {
    let Built { catalog, maps, externals, .. } = built.clone();
    let health = built.supposing(Vec::new()).into();
    Snapshot { catalog, maps, externals, health, generation: 0 }
}
