//! Runs all checks from start to stop, whether or not anyone asks.
//!
//! One task turns the schedule and the board; each probe under way is a task of its own, so one that hangs delays no
//! other. What the board decides is handed to the [`Watcher`] at once, before anything else is awaited. Decides nothing
//! itself. Invariants: a check has at most one probe under way; a disabled one has none; an observation of a check that
//! has been replaced since is dropped; every table handed out fits the checks of the last [`RunnerHandle::replace`].

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::MissedTickBehavior;

use super::{ProbeReport, Prober};
use crate::clock::{self, Chance};
use crate::health::board::{Board, Event, SavedVerdict};
use crate::health::check::{EndpointCheck, HealthCheck};
use crate::health::observation::{NotRun, Observation};
use crate::health::schedule::Schedule;
use crate::health::table::HealthTable;
use crate::ids::HealthCheckId;

/// Something that can probe an endpoint once: a [`Prober`], or a script in a test.
pub trait Probe: Send + Sync + 'static {
    fn probe(&self, id: &HealthCheckId, check: &EndpointCheck) -> impl Future<Output = ProbeReport> + Send;
}

/// Who is told what happens. Called on the runner's task: it must not block.
pub trait Watcher: Send + 'static {
    /// Statuses changed; the table is to be published before this returns.
    fn changed(&mut self, change: Change);
    /// A probe ended.
    fn probed(&mut self, id: &HealthCheckId, report: &ProbeReport);
    /// Probes have ended since a table was last handed over, and no status has changed: what was last seen is news.
    fn refreshed(&mut self, _table: HealthTable) {}
    /// Once a minute: everything that a restart should know.
    fn checkpoint(&mut self, saved: Vec<SavedVerdict>);
}

/// One or more statuses changed at one time.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub events: Vec<Event>,
    /// All verdicts, the changed ones included.
    pub table: HealthTable,
    /// What a restart should know of the endpoints that changed.
    pub saved: Vec<SavedVerdict>,
}

/// A running runner. Dropping the last handle stops the runner.
#[derive(Clone, Debug)]
pub struct RunnerHandle {
    commands: mpsc::Sender<Command>,
    first_round: watch::Receiver<bool>,
}

/// The most probes under way at one time, where nothing else is said.
pub const PROBES_MAX: usize = 4_096;

type Adopt = Box<dyn FnOnce(Change) + Send>;
type Step = Box<dyn FnOnce() + Send>;

enum Command {
    Replace(BTreeMap<HealthCheckId, HealthCheck>, Adopt, oneshot::Sender<()>),
    Step(Step, oneshot::Sender<()>),
    Stop(oneshot::Sender<Vec<SavedVerdict>>),
}

struct Runner<P, W> {
    board: Board,
    schedule: Schedule,
    prober: Arc<P>,
    watcher: W,
    probes_max: usize,
    probes: JoinSet<ProbeReport>,
    /// Which check each probe is for; a probe that is not here is of no interest any more.
    under_way: HashMap<Id, (HealthCheckId, AbortHandle)>,
    began: Instant,
    chance: Chance,
    first_round: watch::Sender<bool>,
    /// A probe has ended since a table was last handed over.
    has_news: bool,
}

impl RunnerHandle {
    /// Starts probing the checks of `board` on the current tokio runtime, at most `probes_max` at a time.
    pub fn spawn(board: Board, prober: Arc<impl Probe>, watcher: impl Watcher, probes_max: usize) -> Self {
        let (commands, orders) = mpsc::channel(COMMANDS_MAX);
        let (first_round, watched) = watch::channel(board.first_round_done());
        let runner = Runner {
            board,
            schedule: Schedule::default(),
            prober,
            watcher,
            probes_max: probes_max.max(1),
            probes: JoinSet::new(),
            under_way: HashMap::new(),
            began: clock::monotonic(),
            chance: Chance::new(),
            first_round,
            has_news: false,
        };
        tokio::spawn(runner.run(orders));
        Self { commands, first_round: watched }
    }

    /// Makes these the checks, keeping what is known of those that probe the same. `adopt` is called with the new table
    /// at the moment of the change: after the last table for the old checks, before the first for the new.
    pub async fn replace(&self, checks: BTreeMap<HealthCheckId, HealthCheck>, adopt: impl FnOnce(Change) + Send + 'static) {
        let (done, adopted) = oneshot::channel();
        // A runner that has stopped has nothing to replace.
        if self.commands.send(Command::Replace(checks, Box::new(adopt), done)).await.is_ok() {
            let _ = adopted.await;
        }
    }

    /// Calls `step` between two changes of the table: what it publishes fits the table that was published last.
    pub async fn in_step(&self, step: impl FnOnce() + Send + 'static) {
        let (done, taken) = oneshot::channel();
        // A runner that has stopped publishes nothing any more.
        if self.commands.send(Command::Step(Box::new(step), done)).await.is_ok() {
            let _ = taken.await;
        }
    }

    /// Waits until each probed check has been observed at least once.
    pub async fn first_round(&self) {
        // The other end goes away only with the runner, and then there is nothing to wait for.
        let _ = self.first_round.clone().wait_for(|done| *done).await;
    }

    /// Stops: probes under way are dropped. Returns what a restart should know.
    pub async fn stop(self) -> Vec<SavedVerdict> {
        let (done, stopped) = oneshot::channel();
        if self.commands.send(Command::Stop(done)).await.is_err() {
            return Vec::new();
        }
        stopped.await.unwrap_or_default()
    }
}

impl<P: Probe, W: Watcher> Runner<P, W> {
    async fn run(mut self, mut orders: mpsc::Receiver<Command>) {
        let checks = intervals(&self.board);
        self.schedule.replace(checks, self.now(), |_| false);
        let mut checkpoint = tokio::time::interval(CHECKPOINT_EVERY);
        checkpoint.reset();
        let mut refresh = tokio::time::interval(REFRESH_EVERY);
        refresh.set_missed_tick_behavior(MissedTickBehavior::Delay);
        refresh.reset();
        loop {
            self.start_due();
            let wake = self.next_wake();
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(Command::Replace(checks, adopt, done)) => {
                        self.replace(&checks, adopt);
                        // Nobody waiting any more is no reason to stop.
                        let _ = done.send(());
                    }
                    Some(Command::Step(step, done)) => {
                        step();
                        let _ = done.send(());
                    }
                    Some(Command::Stop(done)) => {
                        let _ = done.send(self.board.saved());
                        return;
                    }
                    None => return,
                },
                _ = checkpoint.tick() => self.watcher.checkpoint(self.board.saved()),
                _ = refresh.tick(), if self.has_news => self.refresh(),
                Some(ended) = self.probes.join_next_with_id() => self.take(ended),
                () = tokio::time::sleep_until(wake.unwrap_or(self.began).into()), if wake.is_some() => {}
            }
        }
    }

    /// Starts every probe that is due, as far as there is room.
    fn start_due(&mut self) {
        let now = self.now();
        while self.probes.len() < self.probes_max {
            let Some(id) = self.schedule.take_due(now) else { return };
            let Some(index) = self.board.index(&id) else { continue };
            let (check, prober) = (self.board.check(index).clone(), self.prober.clone());
            let handle = self.probes.spawn(async move {
                let endpoint = check.probed().expect("only probed checks are scheduled");
                prober.probe(&check.id, endpoint).await
            });
            self.under_way.insert(handle.id(), (id, handle));
        }
    }

    /// When the next probe is due; none while there is no room for it.
    fn next_wake(&mut self) -> Option<Instant> {
        let due = self.schedule.next_due().filter(|_| self.probes.len() < self.probes_max)?;
        Some(self.began + due)
    }

    /// Takes a probe that ended and all that ended by now, and publishes what they changed in one go.
    fn take(&mut self, ended: Result<(Id, ProbeReport), JoinError>) {
        let mut change = Change::default();
        let mut next = Some(ended);
        let mut taken = Vec::new();
        while let Some(ended) = next {
            taken.extend(self.observe(ended, &mut change));
            next = self.probes.try_join_next_with_id();
        }
        self.has_news = true;
        if !change.events.is_empty() {
            change.table = self.board.table();
            self.has_news = false;
            self.watcher.changed(change);
        }
        // What only counts comes after what changes answers.
        for (id, report) in &taken {
            self.watcher.probed(id, report);
        }
        self.first_round.send_if_modified(|done| {
            let before = std::mem::replace(done, self.board.first_round_done());
            before != *done
        });
    }

    /// Feeds one ended probe to the board and puts its check back on the schedule.
    fn observe(
        &mut self,
        ended: Result<(Id, ProbeReport), JoinError>,
        change: &mut Change,
    ) -> Option<(HealthCheckId, ProbeReport)> {
        let task = ended.as_ref().map_or_else(JoinError::id, |(task, _)| *task);
        let (id, _) = self.under_way.remove(&task)?;
        let report = ended.map_or_else(panicked, |(_, report)| report);
        let draw = self.chance.next();
        self.schedule.finished(&id, self.now(), draw);
        let index = self.board.index(&id)?;
        let events = self.board.observe(index, &report.observation);
        if !events.is_empty() {
            change.saved.extend(self.board.saved_of(&id));
            change.events.extend(events);
        }
        Some((id, report))
    }

    fn refresh(&mut self) {
        self.has_news = false;
        self.watcher.refreshed(self.board.table());
    }

    fn replace(&mut self, checks: &BTreeMap<HealthCheckId, HealthCheck>, adopt: Adopt) {
        let replaced = self.board.replace(checks, clock::now());
        let (board, fresh) = (&self.board, &replaced.fresh);
        self.under_way.retain(|_, (id, probe)| {
            let kept = !fresh.contains(id) && board.index(id).is_some_and(|index| board.check(index).probed().is_some());
            if !kept {
                probe.abort();
            }
            kept
        });
        let now = self.now();
        self.schedule.replace(intervals(&self.board), now, |id| replaced.fresh.contains(id));
        adopt(Change { events: replaced.events, table: self.board.table(), saved: self.board.saved() });
        self.first_round.send_replace(self.board.first_round_done());
    }

    /// The schedule's clock.
    fn now(&self) -> Duration {
        clock::monotonic() - self.began
    }
}

impl Probe for Prober {
    fn probe(&self, id: &HealthCheckId, check: &EndpointCheck) -> impl Future<Output = ProbeReport> + Send {
        Prober::probe(self, id, check)
    }
}

fn intervals(board: &Board) -> Vec<(HealthCheckId, Duration)> {
    board.probed().map(|(id, check)| (id.clone(), check.timing.interval)).collect()
}

/// A probe that panicked is a fault of ours: it counts neither way, and the check goes on.
fn panicked(error: JoinError) -> ProbeReport {
    let detail = match error.try_into_panic() {
        Ok(payload) => words(&*payload),
        Err(_) => "the probe was cancelled".into(),
    };
    let outcome = NotRun::Impossible(detail).into();
    ProbeReport {
        observation: Observation { at: clock::now(), outcome },
        phases: Vec::new(),
        address: None,
        certificate_not_after: None,
    }
}

fn words(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!("the probe panicked: {}", text.unwrap_or("no message"))
}

/// How often all verdicts are handed over to be saved, so that a crash loses at most their last minute.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(60);
/// How often what was last seen is handed over while no status changes.
const REFRESH_EVERY: Duration = Duration::from_secs(1);
/// Commands that may wait; every sender awaits its own.
const COMMANDS_MAX: usize = 4;
