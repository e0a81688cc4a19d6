//! The program that is traced: a server of two workers, each with a socket full of queries, that take turns.
//!
//! Between turns a worker is inside `Responder::batch`, so that a turn is all of its loop, sockets included.
//! Invariant: nothing that the workers share to take turns is touched while a window is open.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use arc_swap::ArcSwap;
use waypost::answer::{Asker, Identity, Report};
use waypost::clock::Chance;
use waypost::geography::area::Area;
use waypost::ids::{CollectionId, LocationName, SetIdentifier};
use waypost::places::Places;
use waypost::places::cidr::CidrCollection;
use waypost::places::database::Database;
use waypost::rate_limit::{Limit, Rules};
use waypost::server::{Answers, Limits, Listeners, RateLimits, Responder};
use waypost::snapshot::{Published, Snapshot};
use waypost::telemetry::Telemetry;
use waypost::wire::rtype::RecordType;
use waypost::zone::record_set::{Alias, CidrLocation, Content, RecordSet, RoutingPolicy, Weight};

#[path = "../support/mmdb.rs"]
mod mmdb;

use crate::support::{member, name, query, record_set, snapshot_placed};

/// Workers whose turns are traced, a window each.
pub const WINDOWS: usize = 2;
/// What is said before the addresses of the marks, and of the line that is shared on purpose.
pub const MARKS_AT: &str = "marks at ";
pub const SHARED_AT: &str = "shared at ";

/// Datagrams that a worker takes at once.
const BATCH: usize = 64;
/// Turns in their order: the worker, and which of its batches. The second is traced; the third is begun, and no more.
const ORDER: [(usize, u32); 4] = [(0, 1), (1, 1), (0, 2), (1, 2)];
const TRACED_BATCH: u32 = 2;
/// Its number among system calls, on x86-64 and elsewhere.
const FUTEX: &str = if cfg!(target_arch = "x86_64") { "202" } else { "98" };

/// Apart from everything else.
#[repr(align(128))]
struct Apart<T>(T);

/// A store to the first closes a window, to another opens one.
static MARKS: Apart<[AtomicU64; WINDOWS + 1]> = Apart([const { AtomicU64::new(0) }; WINDOWS + 1]);
/// What workers must not have: a counter of all of them.
static SHARED: Apart<AtomicU64> = Apart(AtomicU64::new(0));

/// Serves until both turns were traced.
pub fn run() {
    say(format!("{MARKS_AT}{:x}\n", std::ptr::from_ref(&MARKS).addr()));
    say(format!("{SHARED_AT}{:x}\n", std::ptr::from_ref(&SHARED).addr()));
    let published = Arc::new(Published::new(snapshot()));
    let identity = Arc::new(ArcSwap::from_pointee(Identity::default()));
    let turns = Arc::new(Turns::default());
    // The system's source of chance costs more instructions to start than all of the rest.
    let answers = Answers::drawing(published, identity, Chance::seeded(1));
    let limits = RateLimits::seeded(Some(rules()), NonZeroUsize::MIN.saturating_add(1), || [1, 2]);
    let answers = answers.limited_by(Arc::new(limits));
    let responder = Taking { worker: Forks::default(), batches: 0, turns: turns.clone(), answers };
    let addresses: Vec<SocketAddr> = ["127.0.0.1:0", "127.0.0.2:0"].map(|address| address.parse().unwrap()).into();
    let listeners = Listeners::bind(&addresses, None, NonZeroUsize::MIN).unwrap();
    let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    for address in listeners.addresses() {
        let messages = messages();
        assert_eq!(messages.len(), BATCH);
        // One more than the batches that are traced, for the batch that ends the last.
        let all = messages.iter().cycle().take(BATCH * TRACED_BATCH as usize + 1);
        all.for_each(|message| assert!(client.send_to(message, address).is_ok()));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let running = listeners.start(responder, Limits::default(), &Arc::new(Telemetry::new())).unwrap();
        // Blocks the runtime, too: nothing but the workers runs.
        turns.wait_until(|turn| turn == ORDER.len());
        running.drain(Duration::ZERO).await;
    });
}

/// Limits that nothing reaches: what is limited is told, some sixty times a second, and that is shared on purpose.
fn rules() -> Rules {
    Rules {
        per_second: [1_000_000; Limit::ALL.len()],
        window: Duration::from_secs(15),
        slip: 2,
        ipv4_prefix_len: 24,
        ipv6_prefix_len: 56,
        exempt: Vec::new(),
        table_size: 1_024,
        dry_run: false,
    }
}

/// Says a line at once: the trace goes the same way, between any two writes.
fn say(line: String) {
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// Whose turn it is.
#[derive(Default)]
struct Turns {
    turn: Mutex<usize>,
    changed: Condvar,
    /// The threads that take turns, and the one that waits for the end, by their places in /proc.
    waiting: Mutex<BTreeSet<PathBuf>>,
}

impl Turns {
    fn wait_until(&self, is_mine: impl Fn(usize) -> bool) {
        self.waiting.lock().unwrap().insert(fs::read_link("/proc/thread-self").unwrap());
        drop(self.changed.wait_while(self.turn.lock().unwrap(), |turn| !is_mine(*turn)).unwrap());
    }

    fn next(&self) {
        *self.turn.lock().unwrap() += 1;
        self.changed.notify_all();
    }

    /// Waits until the other threads sleep in `wait_until`: on its way there one would be seen in the caller's window.
    fn await_sleep_of_others(&self) {
        let myself = fs::read_link("/proc/thread-self").unwrap();
        let threads = self.waiting.lock().unwrap().clone();
        for thread in threads.iter().filter(|thread| **thread != myself) {
            while !self.holds(&fs::read_to_string(Path::new("/proc").join(thread).join("syscall")).unwrap()) {
                thread::yield_now();
            }
        }
    }

    /// Whether a thread waits for a change, by its system call: `202 0x7f…` and more is futex(2) with its word.
    fn holds(&self, syscall: &str) -> bool {
        let mut words = syscall.split_whitespace();
        let is_futex = words.next().is_some_and(|number| number == FUTEX);
        let word = words.next().and_then(|word| usize::from_str_radix(word.trim_start_matches("0x"), 16).ok());
        let start = std::ptr::from_ref(&self.changed).addr();
        is_futex && word.is_some_and(|word| (start..start + size_of::<Condvar>()).contains(&word))
    }
}

/// Answers, when it is its turn.
struct Taking {
    worker: Forks,
    batches: u32,
    turns: Arc<Turns>,
    answers: Answers,
}

/// The responders that were made of the first one; streams have one each, too.
#[derive(Default)]
struct Forks(usize);

impl Responder for Taking {
    fn fork(&mut self) -> Self {
        self.worker.0 += 1;
        // Of each address the first is its UDP worker's, the second for streams.
        let worker = Forks((self.worker.0 - 1) / 2);
        Self { worker, batches: 0, turns: self.turns.clone(), answers: self.answers.fork() }
    }

    fn batch(&mut self) -> impl FnMut(&[u8], &Asker, &mut [u8]) -> Report {
        MARKS.0[0].store(1, Ordering::SeqCst);
        if self.batches > 0 && self.batches <= TRACED_BATCH {
            self.turns.next();
        }
        self.batches += 1;
        let mine = (self.worker.0, self.batches);
        // Beyond its turns a worker answers what is left, unseen.
        self.turns.wait_until(|turn| ORDER.get(turn).is_none_or(|next| *next == mine));
        if self.batches == TRACED_BATCH {
            self.turns.await_sleep_of_others();
            MARKS.0[1 + self.worker.0].store(1, Ordering::SeqCst);
        }
        let mut answer = self.answers.batch();
        move |message, asker, out| {
            SHARED.0.fetch_add(1, Ordering::Relaxed);
            answer(message, asker, out)
        }
    }
}

/// Each kind of answer with and without a cookie, some with a client subnet, until a batch is full.
fn messages() -> Vec<Vec<u8>> {
    let asked = [
        ("www", RecordType::A),
        ("www", RecordType::AAAA),
        ("nothing", RecordType::A),
        ("any.wild", RecordType::A),
        ("www.sub", RecordType::A),
        ("mail", RecordType::MX),
        ("alias", RecordType::A),
        ("failover", RecordType::A),
        ("weighted", RecordType::A),
        ("multivalue", RecordType::A),
        ("tree", RecordType::A),
        ("geolocation", RecordType::A),
        ("ip-based", RecordType::A),
        ("www", RecordType::AXFR),
        ("www", RecordType::ANY),
        ("www.example.net.", RecordType::A),
    ];
    let options: [&[u8]; 4] = [
        &[],
        &[0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8],
        &[0, 8, 0, 7, 0, 1, 24, 0, 198, 51, 100],
        &[0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 8, 0, 7, 0, 1, 24, 0, 203, 0, 113],
    ];
    let each = asked.iter().flat_map(|asked| options.map(|option| (asked, option)));
    let mut messages: Vec<Vec<u8>> = each
        .map(|((owner, rtype), option)| {
            let mut message = query(&name(owner), *rtype);
            *message.last_mut().expect("OPT is last") += option.len() as u8;
            [message, option.to_vec()].concat()
        })
        .collect();
    // In place of the last: a message that is none, and one that is refused as such.
    messages[BATCH - 1].truncate(5);
    messages[BATCH - 2][2] |= 0x28;
    messages
}

fn snapshot() -> Snapshot {
    let weighted = |at: u8| RoutingPolicy::Weighted(Weight::new(at.into()).expect("in range"));
    let collection = || CollectionId::new("offices").expect("not empty");
    let located = |at: usize| {
        let location = (at == 0).then(|| LocationName::new("north").expect("not empty"));
        RoutingPolicy::IpBased(Box::new(CidrLocation { collection: collection(), location }))
    };
    let areas = [Area::Country("DE".parse().expect("a country")), Area::Anywhere];
    let mut sets = vec![
        record_set("www", RecordType::A, &[&[192, 0, 2, 1], &[192, 0, 2, 2]]),
        record_set("*.wild", RecordType::A, &[&[192, 0, 2, 1]]),
        record_set("sub", RecordType::NS, &[name("ns.sub").as_wire()]),
        record_set("ns.sub", RecordType::A, &[&[192, 0, 2, 3]]),
        record_set("mail", RecordType::MX, &[&[&[0, 10], name("www").as_wire()].concat()]),
        record_set("alias", RecordType::CNAME, &[name("www").as_wire()]),
        member("tree", "secondary", RoutingPolicy::Failover(1), [192, 0, 2, 30], None),
        branch("tree", "weighted"),
    ];
    for (at, (id, area)) in ["one", "two"].into_iter().zip(areas).enumerate() {
        let address = [192, 0, 2, 10 + at as u8];
        sets.push(member("failover", id, RoutingPolicy::Failover(at as u16), address, Some(id)));
        sets.push(member("weighted", id, weighted(10 + at as u8), address, Some(id)));
        sets.push(member("multivalue", id, RoutingPolicy::Multivalue, address, Some(id)));
        sets.push(member("ip-based", id, located(at), address, Some(id)));
        sets.push(member("geolocation", id, RoutingPolicy::Geolocation(area), address, Some(id)));
    }
    let block = ("198.51.100.0/24".parse().unwrap(), LocationName::new("north").expect("not empty"));
    let collections = BTreeMap::from([(collection(), Arc::new(CidrCollection::new([block]).expect("no block twice")))]);
    let germany = mmdb::Place { country: Some("DE"), ..mmdb::Place::default() };
    let database = Database::read(mmdb::write(&[("198.51.100.0/24", germany)])).expect("the test writes a database");
    let places = Places { database: Some(Arc::new(database)), ..Places::default() };
    snapshot_placed(sets, &[("one", true), ("two", false)], collections, &places)
}

/// A primary that leads to another group.
fn branch(owner: &str, target: &str) -> RecordSet {
    let alias = Alias { target: name(target), evaluate_target_health: true };
    RecordSet {
        set_identifier: Some(SetIdentifier::new("primary").expect("not empty")),
        content: Content::Alias(Box::new(alias)),
        ..member(owner, "primary", RoutingPolicy::Failover(0), [0; 4], None)
    }
}
