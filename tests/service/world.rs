//! A zone, a board and queries, on a clock that the test turns.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use waypost::control::build::{Built, build};
use waypost::control::load::load_zones;
use waypost::control::state::State;
use waypost::health::board::{Board, Notice, SavedGate};
use waypost::health::brakes::BrakeRules;
use waypost::health::gate::Order;
use waypost::health::observation::{Failure, Observation, Outcome, Passed};
use waypost::health::overrides::{Action, NewOverride, Overrides};
use waypost::health::remark::Remark;
use waypost::health::signal::{Signal, SignalState};
use waypost::ids::HealthCheckId;
use waypost::snapshot::Snapshot;
use waypost::wire::name::Name;
use waypost::wire::rtype::RecordType;
use waypost::zone::master::{NoFiles, Source};

use crate::support::{ask, last_octets, query};

/// A server without sockets.
pub struct World {
    built: Built,
    pub board: Board,
    overrides: Overrides,
    /// What the runner last handed to the store.
    kept: Vec<SavedGate>,
    /// What has happened and no test has asked for.
    notices: Vec<Notice>,
    now: i64,
}

/// The lines before every zone: probes that fall and rise at once.
const HEAD: &str = r#"
zone = "example.org."
ns = ["ns1.example.net."]
[probe.web]
type = "tcp"
port = 80
interval = "1s"
fall = 1
"#;

impl World {
    /// The world of a zone, after every probe has passed.
    pub fn new(zone: &str) -> Self {
        Self::braked(zone, BrakeRules::default())
    }

    pub fn braked(zone: &str, brakes: BrakeRules) -> Self {
        let built = built_of(zone, brakes);
        let board = Board::new(built.plan(), at(0));
        let mut world = Self { built, board, overrides: Overrides::default(), kept: Vec::new(), notices: Vec::new(), now: 0 };
        let checks: Vec<String> = world.board.probed().map(|(id, _)| id.to_string()).collect();
        checks.iter().for_each(|check| world.see(check, true));
        world.notices.clear();
        world
    }

    /// The same world, to go on another way.
    pub fn fork(&self) -> Self {
        let (built, board, overrides) = (self.built.clone(), self.board.clone(), self.overrides.clone());
        Self { built, board, overrides, kept: self.kept.clone(), notices: self.notices.clone(), now: self.now }
    }

    /// Puts another zone and other brakes to use.
    pub fn reload(&mut self, zone: &str, brakes: BrakeRules) {
        self.built = built_of(zone, brakes);
        self.board.replace(self.built.plan(), at(self.now));
        self.keep();
    }

    /// Keeps what the runner would have the store keep.
    fn keep(&mut self) {
        let gates = self.board.take_moved_gates(at(self.now));
        self.kept = gates.unwrap_or_else(|| self.kept.clone());
        self.notices.extend(self.board.take_notices());
    }

    /// A board of the same plan that has just started, with what a store would have kept of this one.
    pub fn restarted(&self) -> Self {
        let mut board = Board::new(self.built.plan(), at(self.now));
        let told = self.built.state.checks.iter().filter_map(|(id, check)| {
            let index = self.board.index(id)?;
            Some((id.clone(), self.board.standing(index).saved(&check.signalled()?.source)?))
        });
        board.set_overrides(self.overrides.clone(), at(self.now));
        board.resume_signals(told, at(self.now));
        board.resume(self.board.saved(), at(self.now));
        board.resume_gates(self.kept.clone(), at(self.now));
        Self { board, ..self.fork() }
    }

    pub fn fail(&mut self, checks: &[&str]) {
        checks.iter().for_each(|check| self.see(check, false));
    }

    pub fn pass(&mut self, checks: &[&str]) {
        checks.iter().for_each(|check| self.see(check, true));
    }

    fn see(&mut self, check: &str, passed: bool) {
        let outcome = if passed { Outcome::Passed(Passed::Connected) } else { Outcome::Failed(Failure::Refused) };
        let index = self.board.index(&HealthCheckId::new(check).unwrap()).unwrap_or_else(|| panic!("{check} is a check"));
        self.board.observe(index, &Observation { at: at(self.now), outcome });
        self.keep();
    }

    /// Tells a check how it stands, until it is told anew.
    pub fn tell(&mut self, check: &str, state: SignalState) {
        let index = self.board.index(&HealthCheckId::new(check).unwrap()).unwrap_or_else(|| panic!("{check} is a check"));
        let remark = |text| Remark::new(text).unwrap();
        let signal = Signal { state, reason: remark("a test"), author: remark("ops"), at: at(self.now), until: None };
        self.board.signal(index, signal, at(self.now));
        self.keep();
    }

    /// Sets the clock, which all that is known follows.
    pub fn set_clock(&mut self, by: i64) {
        self.now += by;
        self.board.shift(SignedDuration::from_secs(by), at(self.now));
        self.keep();
    }

    /// Lets so many seconds pass, four ticks in each.
    pub fn wait(&mut self, secs: i64) {
        for quarter in 1..=secs * 4 {
            self.board.tick(at(self.now) + SignedDuration::from_millis(quarter * 250));
        }
        self.now += secs;
        self.keep();
        self.board.refresh_changes(at(self.now));
    }

    pub fn say(&mut self, action: Action, target: &str, lasts: Option<u64>) -> u64 {
        let remark = |text| Remark::new(text).unwrap();
        let expires_at = lasts.map(|secs| at(self.now) + Duration::from_secs(secs));
        let (target, made_at) = (target.parse().unwrap(), at(self.now));
        let new = NewOverride { action, target, reason: remark("a test"), author: remark("ops"), made_at, expires_at };
        let id = self.overrides.add(new).unwrap().id;
        self.board.set_overrides(self.overrides.clone(), at(self.now));
        self.keep();
        id
    }

    pub fn unsay(&mut self, id: u64) {
        self.overrides.remove(id).unwrap();
        self.board.set_overrides(self.overrides.clone(), at(self.now));
        self.keep();
    }

    /// What would be broken if this were said, too.
    pub fn would_break(&self, action: Action, target: &str) -> Vec<String> {
        let mut other = self.fork();
        other.say(action, target, None);
        self.board.broken_by(other.overrides, at(self.now)).iter().map(ToString::to_string).collect()
    }

    pub fn order(&mut self, route: &str, order: Order) -> usize {
        let obeyed = self.board.order(route, None, order, at(self.now)).unwrap_or_else(|error| panic!("{error}"));
        self.keep();
        obeyed.len()
    }

    pub fn notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    fn snapshot(&self) -> Snapshot {
        let Built { catalog, maps, externals, .. } = self.built.clone();
        Snapshot { catalog, health: Arc::new(self.board.table()), maps, externals, generation: 0 }
    }

    /// The last octet of what a name is answered with for this draw.
    pub fn drawn(&self, name: &str, draw: u64) -> u8 {
        let name = Name::parse(&format!("{name}.example.org."), None).unwrap();
        let (response, ..) = ask(&self.snapshot(), &query(&name, RecordType::A), draw);
        last_octets(&response)[0]
    }

    pub fn answer(&self, name: &str) -> u8 {
        self.drawn(name, 0)
    }

    /// The last octet of a name's IPv6 address.
    pub fn answer_aaaa(&self, name: &str) -> u8 {
        let name = Name::parse(&format!("{name}.example.org."), None).unwrap();
        let (response, ..) = ask(&self.snapshot(), &query(&name, RecordType::AAAA), 0);
        match &hickory_proto::op::Message::from_vec(&response).unwrap().answers[0].data {
            hickory_proto::rr::RData::AAAA(address) => address.octets()[15],
            other => panic!("{other:?} is no IPv6 address"),
        }
    }

    /// How often each last octet comes up in so many draws.
    pub fn shares(&self, name: &str, draws: u64) -> Vec<(u8, usize)> {
        let drawn: Vec<u8> = (0..draws).map(|draw| self.drawn(name, draw)).collect();
        let mut octets = drawn.clone();
        octets.sort_unstable();
        octets.dedup();
        octets.into_iter().map(|octet| (octet, drawn.iter().filter(|other| **other == octet).count())).collect()
    }

    /// The answer's TTL.
    pub fn ttl(&self, name: &str) -> u32 {
        let name = Name::parse(&format!("{name}.example.org."), None).unwrap();
        let (response, ..) = ask(&self.snapshot(), &query(&name, RecordType::A), 0);
        hickory_proto::op::Message::from_vec(&response).unwrap().answers[0].ttl
    }

    pub fn ttl_aaaa(&self, name: &str) -> u32 {
        let name = Name::parse(&format!("{name}.example.org."), None).unwrap();
        let (response, ..) = ask(&self.snapshot(), &query(&name, RecordType::AAAA), 0);
        hickory_proto::op::Message::from_vec(&response).unwrap().answers[0].ttl
    }

    /// Why a name is answered as it is.
    pub fn explained(&self, name: &str) -> String {
        let name = Name::parse(&format!("{name}.example.org."), None).unwrap();
        ask(&self.snapshot(), &query(&name, RecordType::A), 0).2.to_string()
    }
}

fn built_of(zone: &str, brakes: BrakeRules) -> Built {
    let octets = [HEAD, zone].concat().into_bytes();
    let (state, problems) = load_zones(vec![Source { file: "test.toml".into(), octets }], &mut NoFiles, 1);
    let state = state.unwrap_or_else(|| panic!("{problems}"));
    build(State { brakes: Arc::new(brakes), ..state }, &Default::default(), None).expect("the zone compiles")
}

pub fn at(secs: i64) -> Timestamp {
    Timestamp::from_second(1_000_000_000 + secs).unwrap()
}
