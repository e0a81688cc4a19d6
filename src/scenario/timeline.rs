//! Health as probes would have found it: a virtual clock, endpoints that pass, fail and hang, and the machine that serves.
//!
//! Waits for nothing. Every check is probed on its own schedule (`health::schedule`, without jitter) from 0s on, and what
//! the probes see goes to the board (`health::board`) in the order of time: thresholds, calculated checks and inversion
//! are those of the server. Invariant: the table is what is known just after `at`; a probe that ends at `at` counts.
//!
//! ```text
//! interval 10s, fall 3; fail at 0s      probes fail at 0s, 10s, 20s           unhealthy from 20s on
//! the same, hang, timeout 4s            probes end at 4s, 18s, 32s            unhealthy from 32s on
//! profile "default"; fail at 0s         probes fail at 0s, 0.25s, 0.5s        unhealthy from 0.5s on
//! the same, hang                        probes end at 0.4s, 0.8s, 1.2s        unhealthy from 1.2s on
//! ```
//!
//! A check that the timeline does not name passes every probe, and all of them after the first change nothing: one is
//! made. Rejected: the runner's spread of first probes over a start, which would make each check's times depend on how
//! many others there are.

use std::time::Duration;

use jiff::Timestamp;

use crate::health::board::Board;
use crate::health::check::EndpointCheck;
use crate::health::machine::{self, Rules, State};
use crate::health::observation::{Failure, Observation, Outcome};
use crate::health::plan::Plan;
use crate::health::schedule::Schedule;
use crate::health::table::HealthTable;
use crate::ids::HealthCheckId;

/// What happens to the endpoints, and when it is looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timeline {
    pub start: Start,
    /// In the order of time; of one time, in the order written.
    pub changes: Vec<Change>,
    pub at: Duration,
}

/// What was known before 0s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Start {
    /// Every probe had passed.
    #[default]
    Healthy,
    /// Nothing: the server has just started.
    Unknown,
}

/// From `at` on, the endpoint of this check behaves so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    pub at: Duration,
    pub check: HealthCheckId,
    pub behaviour: Behaviour,
}

/// What a probe that begins now will see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Behaviour {
    /// At once.
    Passes,
    /// Refuses the connection, at once.
    Fails,
    /// Does not accept the connection: the probe takes all the time it has for that.
    Hangs,
}

/// The board of a server whose checks all passed at 0s, before anything else; `clone` it for each timeline.
pub fn healthy_board(plan: &Plan) -> Board {
    let mut board = Board::new(plan.clone(), Timestamp::UNIX_EPOCH);
    let probed: Vec<HealthCheckId> = board.probed().map(|(id, _)| id.clone()).collect();
    for id in probed {
        observe(&mut board, &id, Duration::ZERO, |check| Outcome::Passed(check.protocol.passed()));
    }
    board
}

impl Timeline {
    /// What is known at the timeline's end. `healthy` is the `healthy_board` of `checks`.
    pub fn table(&self, plan: &Plan, healthy: &Board) -> HealthTable {
        let mut board = match self.start {
            Start::Healthy => healthy.clone(),
            Start::Unknown => self.first_round(plan),
        };
        for seen in self.probes(&board) {
            board.tick(Timestamp::UNIX_EPOCH + seen.ended);
            observe(&mut board, seen.check, seen.ended, |_| seen.outcome);
        }
        board.tick(Timestamp::UNIX_EPOCH + self.at);
        board.table()
    }

    /// The board of a server that has just started, after the checks that the timeline does not name passed at 0s.
    fn first_round(&self, plan: &Plan) -> Board {
        let mut board = Board::new(plan.clone(), Timestamp::UNIX_EPOCH);
        let unnamed = board.probed().map(|(id, _)| id).filter(|id| !self.names(id));
        for id in unnamed.cloned().collect::<Vec<_>>() {
            observe(&mut board, &id, Duration::ZERO, |check| Outcome::Passed(check.protocol.passed()));
        }
        board
    }

    fn names(&self, check: &HealthCheckId) -> bool {
        self.changes.iter().any(|change| change.check == *check)
    }

    /// Every probe of the checks that the timeline names, by the time it ended.
    fn probes<'t>(&'t self, board: &Board) -> Vec<Probe<'t>> {
        let mut named: Vec<&HealthCheckId> = self.changes.iter().map(|change| &change.check).collect();
        named.sort();
        named.dedup();
        let mut probes = Vec::new();
        for id in named {
            let index = board.index(id).expect("the reader of the timeline found the check");
            let check = board.check(index).clone();
            let endpoint = check.probed().expect("the reader refuses checks that are not probed");
            let known = board.state(index).expect("what is probed has a state").clone();
            self.probe(id, endpoint, known, &mut probes);
        }
        probes.sort_by_key(|probe| probe.ended);
        probes
    }

    /// Every probe of one check, of which so much is known: when each begins depends on what those before it saw.
    fn probe<'t>(&'t self, id: &'t HealthCheckId, check: &EndpointCheck, known: State, probes: &mut Vec<Probe<'t>>) {
        let mut state = known;
        let mut schedule = Schedule::default();
        schedule.replace(vec![(id.clone(), check.timing.interval)], Duration::ZERO, |_| false);
        while let Some(began) = schedule.next_due().filter(|due| *due <= self.at) {
            let (lasts, outcome) = see(check, self.behaviour(id, began));
            let ended = began + lasts;
            let observation = Observation { at: Timestamp::UNIX_EPOCH + ended, outcome };
            state = machine::observe(state, &observation, Rules::from(check)).0;
            schedule.take_due(began);
            schedule.finished(id, ended, machine::pace(&state, &check.timing, &observation.outcome), NO_JITTER);
            if ended <= self.at {
                probes.push(Probe { check: id, ended, outcome: observation.outcome });
            }
        }
    }

    fn behaviour(&self, check: &HealthCheckId, at: Duration) -> Behaviour {
        let until_now = self.changes.iter().take_while(|change| change.at <= at);
        until_now.filter(|change| change.check == *check).last().map_or(Behaviour::Passes, |change| change.behaviour)
    }
}

/// One probe that ended.
struct Probe<'t> {
    check: &'t HealthCheckId,
    ended: Duration,
    outcome: Outcome,
}

/// How long a probe takes, and what it sees.
fn see(check: &EndpointCheck, behaviour: Behaviour) -> (Duration, Outcome) {
    match behaviour {
        Behaviour::Passes => (Duration::ZERO, Outcome::Passed(check.protocol.passed())),
        Behaviour::Fails => (Duration::ZERO, Failure::Refused.into()),
        Behaviour::Hangs => {
            let (took, failure) = check.protocol.hung(check.timing.deadlines);
            (took, failure.into())
        }
    }
}

fn observe(board: &mut Board, id: &HealthCheckId, ended: Duration, outcome: impl FnOnce(&EndpointCheck) -> Outcome) {
    let index = board.index(id).expect("the id is of a check of the board");
    let check = board.check(index).clone();
    let outcome = outcome(check.probed().expect("only probed checks are observed"));
    board.observe(index, &Observation { at: Timestamp::UNIX_EPOCH + ended, outcome });
}

/// Of the jitter that `Schedule::finished` draws.
const NO_JITTER: u64 = 0;
