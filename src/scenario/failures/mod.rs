//! Every combination of failed health checks, searched for answers that nobody wants, with the fewest failures that
//! bring one about.
//!
//! Decides nothing: probes that fail go to `health::board`, and `routing::choose` answers. For each routed name and type,
//! each combination of at most K of the probed checks that it depends on fails; calculated and inverted checks follow.
//! Each combination is asked by every client, over every path of chance. What is found:
//!
//! ```text
//! empty          some client is answered with nothing, though the name has members
//! outside fence  a value is answered that stands outside of the fences that it was reached through
//! one endpoint   every client on every path is answered with the values of one member, though another one's health
//!                checks are healthy, and though answers differ when nothing has failed
//! ```
//!
//! A failover that sends everything to its primary does so by design, and is no finding: its answers do not differ when
//! nothing has failed. Invariants: of each name, type and kind the first finding is told, in the order of the number of
//! failures, so that no smaller one exists; the same files find the same.

mod combinations;
mod leaves;
mod target;

use jiff::Timestamp;
use serde::Serialize;

use self::combinations::{combinations, for_each};
use self::target::{Target, Wrong, targets};
use super::case::Setting;
use super::timeline::healthy_board;
use crate::explain::{Client, ExplainReport, ExplainRequest, explain_by};
use crate::health::board::Board;
use crate::health::observation::{Failure, Observation, Outcome, Passed};
use crate::ids::HealthCheckId;
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;

/// What a search went through, and what it found.
#[derive(Debug, Default)]
pub struct Searched {
    /// Names, each with a type.
    pub names: usize,
    /// Combinations of failed checks, over all names.
    pub combinations: u64,
    /// A client and a combination, answered on every path of chance.
    pub questions: u64,
    /// Names of which chance can fall in more ways than were tried.
    pub not_exhausted: Vec<(Name, RecordType)>,
    pub findings: Vec<Finding>,
}

/// One answer that nobody wants.
#[derive(Debug)]
pub struct Finding {
    pub kind: Kind,
    pub name: Name,
    pub rtype: RecordType,
    /// The checks whose probes fail; no fewer bring it about.
    pub failed: Vec<HealthCheckId>,
    pub client: Client,
    pub explanation: ExplainReport,
}

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Empty,
    OutsideFence,
    OneEndpoint,
}

/// A search that would take too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyQuestions {
    pub found: u64,
    /// The most failures that would do; none: the clients alone are too many.
    pub enough: Option<usize>,
}

/// The most questions of one search.
pub const QUESTIONS_MAX: u64 = 2_000_000;

/// Searches every combination of up to `failures` failed checks, asked by `clients` and by one more for each order of
/// members that the configuration's maps hold.
///
/// # Errors
/// [`TooManyQuestions`] above [`QUESTIONS_MAX`]; nothing was searched.
pub fn search(setting: &Setting, clients: &[Client], failures: usize) -> Result<Searched, TooManyQuestions> {
    let mut targets = targets(setting, clients);
    let questions = |failures| targets.iter().map(|target| target.questions(failures)).fold(0, u64::saturating_add);
    let found = questions(failures);
    if found > QUESTIONS_MAX {
        let enough = (0..failures).rev().find(|fewer| questions(*fewer) <= QUESTIONS_MAX);
        return Err(TooManyQuestions { found, enough });
    }
    let mut searched = Searched { names: targets.len(), ..Searched::default() };
    let board = healthy_board(&setting.built.plan().unguarded());
    let mut probes = Probes { board, failed: Vec::new(), now: Timestamp::UNIX_EPOCH };
    for target in &mut targets {
        search_target(setting, target, failures, &mut probes, &mut searched);
    }
    Ok(searched)
}

fn search_target(setting: &Setting, target: &mut Target<'_>, failures: usize, probes: &mut Probes, searched: &mut Searched) {
    let checks = target.checks.clone();
    for size in 0..=failures.min(checks.len()) {
        for_each(checks.len(), size, &mut |chosen| {
            probes.fail_only(chosen.iter().map(|at| &checks[*at]).collect());
            searched.combinations += 1;
            searched.questions += target.clients.len() as u64;
            for wrong in target.judge(&probes.board, size) {
                let explanation = explained(setting, target, &probes.board, &wrong);
                let Wrong { kind, client, .. } = wrong;
                let (name, rtype, failed) = (target.name.clone(), target.rtype, probes.failed.clone());
                searched.findings.push(Finding { kind, name, rtype, failed, client, explanation });
            }
        });
    }
    probes.fail_only(Vec::new());
    searched.not_exhausted.extend(target.not_exhausted.then(|| (target.name.clone(), target.rtype)));
}

/// The response that a finding is about.
fn explained(setting: &Setting, target: &Target<'_>, board: &Board, wrong: &Wrong) -> ExplainReport {
    let snapshot = setting.snapshot(board.table().into(), target.externals.clone());
    let request = ExplainRequest { name: target.name.clone(), rtype: target.rtype, client: wrong.client, draw: 0 };
    explain_by(&snapshot, &setting.identity, &request, wrong.client.resolver(), wrong.path.clone().again())
}

/// A board whose probes pass, but for a few.
struct Probes {
    board: Board,
    failed: Vec<HealthCheckId>,
    /// Late enough for every hold to be over whose check has passed again.
    now: Timestamp,
}

impl Probes {
    /// Lets these fail, as often in a row as it takes, and all others pass. What was so before is left as it is, for most
    /// combinations differ from the one before in one check.
    fn fail_only(&mut self, failed: Vec<&HealthCheckId>) {
        let before = std::mem::take(&mut self.failed);
        for id in before.iter().filter(|id| !failed.contains(id)) {
            self.observe(id, |_, rise| (rise, Outcome::Passed(Passed::Connected)));
        }
        for id in failed.iter().filter(|id| !before.contains(id)) {
            self.observe(id, |fall, _| (fall, Outcome::Failed(Failure::Refused)));
        }
        self.failed = failed.into_iter().cloned().collect();
    }

    fn observe(&mut self, id: &HealthCheckId, seen: impl FnOnce(u8, u8) -> (u8, Outcome)) {
        let index = self.board.index(id).expect("the checks of a target are of the setting");
        let check = self.board.check(index).clone();
        let thresholds = check.probed().expect("only probed checks are failed").timing.thresholds;
        let (times, outcome) = seen(thresholds.fall.get(), thresholds.rise.get());
        let held_until = self.board.state(index).and_then(|state| state.distrust.held_until);
        self.now = held_until.map_or(self.now, |until| until.max(self.now));
        let observation = Observation { at: self.now, outcome };
        for _ in 0..times {
            self.board.observe(index, &observation);
        }
    }
}

/// How many combinations of at most `failures` of `checks` there are.
fn combinations_up_to(checks: usize, failures: usize) -> u64 {
    (0..=failures.min(checks)).map(|size| combinations(checks, size)).fold(0, u64::saturating_add)
}
