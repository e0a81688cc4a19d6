//! Runs all checks from start to stop, whether or not anyone asks.
//!
//! One task turns the schedule and the board; each probe under way is a task of its own, so one that hangs delays no
//! other. What the board decides is handed to the [`Watcher`] at once, before anything else is awaited. Decides nothing
//! itself. Invariants: a check has at most one probe under way; a disabled one has none; an observation of a check that
//! has been replaced since is dropped; every table handed out fits the checks of the last [`RunnerHandle::replace`]; the
//! times of observations differ by what has passed between them, even when the wall clock is set.

mod lag;

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::MissedTickBehavior;

use self::lag::LagMeter;
use super::{ProbeReport, Prober};
use crate::clock::{self, Chance, Steady};
use crate::health::adaptive::Adaptive;
use crate::health::board::{Board, Event, NoSuchRoute, Notice, Obeyed, SavedGate, SavedVerdict};
use crate::health::check::EndpointCheck;
use crate::health::gate::Order;
use crate::health::observation::{NotRun, Observation, Outcome};
use crate::health::overrides::Overrides;
use crate::health::plan::Plan;
use crate::health::schedule::Schedule;
use crate::health::signal::Signal;
use crate::health::table::{HealthTable, Status};
use crate::health::timing::Timing;
use crate::ids::{HealthCheckId, HealthIndex};

/// Something that can probe an endpoint once: a [`Prober`], or a script in a test.
pub trait Probe: Send + Sync + 'static {
    fn probe(&self, id: &HealthCheckId, check: &EndpointCheck) -> impl Future<Output = ProbeReport> + Send;
}

/// Who is told what happens. Called on the runner's task: it must not block.
pub trait Watcher: Send + 'static {
    /// Statuses changed; the table is to be published before this returns.
    fn changed(&mut self, change: Change);
    /// A probe begins, so long after it was due.
    fn begins(&mut self, _id: &HealthCheckId, _late: Duration) {}
    /// A probe ended.
    fn probed(&mut self, id: &HealthCheckId, report: &ProbeReport);
    /// Probes have ended since a table was last handed over, and no status has changed: what was last seen is news.
    fn refreshed(&mut self, _table: HealthTable) {}
    /// The probes of a check could not be made twice in a row, and why; or, with none, are made again.
    fn obstructed(&mut self, _id: &HealthCheckId, _because: Option<&NotRun>) {}
    /// The wall clock was set, by so much; the times that the table shows have been moved accordingly.
    fn clock_was_set(&mut self, _by: SignedDuration, _table: HealthTable) {}
    /// Once a second: by how much the latest probe of the last second was late.
    fn lagged(&mut self, _worst: Duration) {}
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
    /// What brakes, operators and gates did.
    pub notices: Vec<Notice>,
    /// What a restart should know of gates; none where nothing happened to any.
    pub gates: Option<Vec<SavedGate>>,
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
    Replace(Box<Plan>, Adopt, oneshot::Sender<()>),
    Step(Step, oneshot::Sender<()>),
    Override(Overrides, oneshot::Sender<()>),
    Signal(Vec<(HealthCheckId, Signal)>, oneshot::Sender<usize>),
    Order(Box<Ordered>, oneshot::Sender<Carried>),
    WouldBreak(Overrides, oneshot::Sender<Vec<Arc<str>>>),
    Stop(oneshot::Sender<Vec<SavedVerdict>>),
}

/// What an operator orders of a group's members, or of one.
struct Ordered {
    route: String,
    member: Option<String>,
    order: Order,
}

/// What an order did, and what gates are at since; or that there is no such route.
type Carried = Result<(Vec<Obeyed>, Vec<SavedGate>), NoSuchRoute>;

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
    steady: Steady,
    wall: Wall,
    chance: Chance,
    first_round: watch::Sender<bool>,
    /// A probe has ended since a table was last handed over.
    has_news: bool,
    lag: LagMeter,
    /// What was learned of the checks whose deadlines adapt.
    adaptive: HashMap<HealthCheckId, Adaptive>,
    /// How many probes in a row could not be made, of the checks that this is true of.
    obstructed: HashMap<HealthCheckId, u32>,
}

type Wall = Box<dyn Fn() -> Timestamp + Send>;

impl RunnerHandle {
    /// Starts probing the checks of `board` on the current tokio runtime, at most `probes_max` at a time.
    pub fn spawn(board: Board, prober: Arc<impl Probe>, watcher: impl Watcher, probes_max: usize) -> Self {
        Self::spawn_by(board, prober, watcher, probes_max, clock::now)
    }

    /// The same, by another wall clock.
    pub fn spawn_by(
        board: Board,
        prober: Arc<impl Probe>,
        watcher: impl Watcher,
        probes_max: usize,
        wall: impl Fn() -> Timestamp + Send + 'static,
    ) -> Self {
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
            steady: Steady::starting(wall()),
            wall: Box::new(wall),
            chance: Chance::new(),
            first_round,
            has_news: false,
            lag: LagMeter::default(),
            adaptive: HashMap::new(),
            obstructed: HashMap::new(),
        };
        tokio::spawn(runner.run(orders));
        Self { commands, first_round: watched }
    }

    /// Makes these the checks, keeping what is known of those that probe the same. `adopt` is called with the new table
    /// at the moment of the change: after the last table for the old checks, before the first for the new.
    pub async fn replace(&self, plan: impl Into<Plan>, adopt: impl FnOnce(Change) + Send + 'static) {
        let (done, adopted) = oneshot::channel();
        // A runner that has stopped has nothing to replace.
        if self.commands.send(Command::Replace(Box::new(plan.into()), Box::new(adopt), done)).await.is_ok() {
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

    /// Makes these the overrides; what they change is published when this ends.
    pub async fn override_with(&self, overrides: Overrides) {
        let (done, taken) = oneshot::channel();
        // A runner that has stopped decides nothing any more.
        if self.commands.send(Command::Override(overrides, done)).await.is_ok() {
            let _ = taken.await;
        }
    }

    /// Tells these checks what was said of them; what that changes is published, all at once, when this ends. Returns
    /// how many of them are checks that are told.
    pub async fn signal(&self, signals: Vec<(HealthCheckId, Signal)>) -> usize {
        let (done, taken) = oneshot::channel();
        if self.commands.send(Command::Signal(signals, done)).await.is_err() {
            return 0;
        }
        taken.await.unwrap_or_default()
    }

    /// Carries out an operator's order for the members of a group, or for one; what it did is published when this ends.
    /// Gives that, and what a restart should know of gates since.
    ///
    /// # Errors
    /// When the route's name is none, or may be several.
    pub async fn order(&self, route: String, member: Option<String>, order: Order) -> Carried {
        let (done, obeyed) = oneshot::channel();
        // A runner that has stopped moves nothing any more.
        if self.commands.send(Command::Order(Box::new(Ordered { route, member, order }), done)).await.is_err() {
            return Ok(Default::default());
        }
        obeyed.await.unwrap_or_else(|_| Ok(Default::default()))
    }

    /// The rules that these overrides would break, and those in use do not.
    pub async fn would_break(&self, overrides: Overrides) -> Vec<Arc<str>> {
        let (done, broken) = oneshot::channel();
        if self.commands.send(Command::WouldBreak(overrides, done)).await.is_err() {
            return Vec::new();
        }
        broken.await.unwrap_or_default()
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
        let mut moment = tokio::time::interval(TICK_EVERY);
        moment.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut refresh = tokio::time::interval(REFRESH_EVERY);
        refresh.set_missed_tick_behavior(MissedTickBehavior::Delay);
        refresh.reset();
        loop {
            self.start_due();
            let wake = self.next_wake();
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(Command::Replace(plan, adopt, done)) => {
                        self.replace(*plan, adopt);
                        // Nobody waiting any more is no reason to stop.
                        let _ = done.send(());
                    }
                    Some(Command::Step(step, done)) => {
                        step();
                        let _ = done.send(());
                    }
                    Some(Command::Override(overrides, done)) => {
                        let events = self.board.set_overrides(overrides, self.steady.now());
                        self.publish(events);
                        let _ = done.send(());
                    }
                    Some(Command::Signal(signals, done)) => {
                        let _ = done.send(self.signal(signals));
                    }
                    Some(Command::Order(ordered, done)) => {
                        let Ordered { route, member, order } = *ordered;
                        let obeyed = self.board.order(&route, member.as_deref(), order, self.steady.now());
                        self.publish(Vec::new());
                        let gates = self.board.saved_gates(self.steady.now());
                        let _ = done.send(obeyed.map(|obeyed| (obeyed, gates)));
                    }
                    Some(Command::WouldBreak(overrides, done)) => {
                        let _ = done.send(self.board.broken_by(overrides, self.steady.now()));
                    }
                    Some(Command::Stop(done)) => {
                        let _ = done.send(self.board.saved());
                        return;
                    }
                    None => return,
                },
                _ = checkpoint.tick() => self.watcher.checkpoint(self.board.saved()),
                _ = refresh.tick() => self.refresh(),
                _ = moment.tick() => self.tick(),
                Some(ended) = self.probes.join_next_with_id() => self.take(ended),
                () = tokio::time::sleep_until(wake.unwrap_or(self.began).into()), if wake.is_some() => {}
            }
        }
    }

    /// Starts every probe that is due, as far as there is room.
    fn start_due(&mut self) {
        let now = self.now();
        let mut late = Duration::ZERO;
        while self.probes.len() < self.probes_max {
            let Some(due) = self.schedule.next_due() else { break };
            let Some(id) = self.schedule.take_due(now) else { break };
            let Some(index) = self.board.index(&id) else { continue };
            let this_late = now.saturating_sub(due);
            late = late.max(this_late);
            self.watcher.begins(&id, this_late);
            self.start(id, index);
        }
        let has_room = self.probes.len() < self.probes_max;
        if has_room {
            self.board.lagged(late, self.steady.now());
        }
        self.lag.note(now, late, has_room);
    }

    fn start(&mut self, id: HealthCheckId, index: HealthIndex) {
        let (check, prober) = (self.board.check(index).clone(), self.prober.clone());
        let adapted = self.adapted(&id, index);
        let handle = self.probes.spawn(async move {
            let configured = check.probed().expect("only probed checks are scheduled");
            prober.probe(&check.id, adapted.as_ref().unwrap_or(configured)).await
        });
        self.under_way.insert(handle.id(), (id, handle));
    }

    /// The check with the deadlines that it has earned, where those count.
    fn adapted(&self, id: &HealthCheckId, index: HealthIndex) -> Option<EndpointCheck> {
        let endpoint = self.board.check(index).probed().filter(|endpoint| endpoint.timing.adaptive)?;
        let is_healthy = self.board.state(index)?.status == Status::Healthy;
        let learned = self.adaptive.get(id).filter(|_| is_healthy)?;
        let deadlines = learned.deadlines(endpoint.timing.deadlines);
        Some(EndpointCheck { timing: Timing { deadlines, ..endpoint.timing }, ..endpoint.clone() })
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
        self.hand_over(change);
        // What only counts comes after what changes answers.
        for (id, report) in &taken {
            self.watcher.probed(id, report);
        }
        self.first_round.send_if_modified(|done| {
            let before = std::mem::replace(done, self.board.first_round_done());
            before != *done
        });
    }

    /// Publishes what was brought about by something other than a probe.
    fn publish(&mut self, events: Vec<Event>) {
        let saved = events.iter().filter_map(|event| self.board.saved_of(&event.id)).collect();
        self.hand_over(Change { events, saved, ..Change::default() });
    }

    /// Hands over a change, and all else that has happened on the board, if anything has.
    fn hand_over(&mut self, change: Change) {
        let notices = self.board.take_notices();
        let has_changed = self.board.take_changed();
        let gates = self.board.take_moved_gates(self.steady.now());
        if change.events.is_empty() && notices.is_empty() && !has_changed && gates.is_none() {
            return;
        }
        self.has_news = false;
        self.watcher.changed(Change { notices, gates, table: self.board.table(), ..change });
    }

    fn signal(&mut self, signals: Vec<(HealthCheckId, Signal)>) -> usize {
        let (now, mut events, mut told) = (self.steady.now(), Vec::new(), 0);
        for (id, signal) in signals {
            let Some(index) = self.board.index(&id) else { continue };
            told += usize::from(self.board.check(index).signalled().is_some());
            events.extend(self.board.signal(index, signal, now));
        }
        // Reasons may have changed where no status has.
        self.has_news = true;
        self.publish(events);
        told
    }

    /// Time passes for the board.
    fn tick(&mut self) {
        let events = self.board.tick(self.steady.now());
        self.publish(events);
    }

    /// Feeds one ended probe to the board and puts its check back on the schedule.
    fn observe(
        &mut self,
        ended: Result<(Id, ProbeReport), JoinError>,
        change: &mut Change,
    ) -> Option<(HealthCheckId, ProbeReport)> {
        let task = ended.as_ref().map_or_else(JoinError::id, |(task, _)| *task);
        let (id, _) = self.under_way.remove(&task)?;
        let mut report = ended.map_or_else(panicked, |(_, report)| report);
        report.observation.at = self.steady.now();
        let index = self.board.index(&id)?;
        let events = self.board.observe(index, &report.observation);
        let pace = self.board.pace(index, &report.observation.outcome)?;
        let draw = self.chance.next();
        self.schedule.finished(&id, self.now(), pace, draw);
        self.learn(&id, index, &report);
        self.note_obstruction(&id, &report.observation.outcome);
        if !events.is_empty() {
            change.saved.extend(self.board.saved_of(&id));
            change.events.extend(events);
        }
        Some((id, report))
    }

    /// Learns what a check's probes take, from those that passed while it was healthy.
    fn learn(&mut self, id: &HealthCheckId, index: HealthIndex, report: &ProbeReport) {
        let is_adaptive = self.board.check(index).probed().is_some_and(|endpoint| endpoint.timing.adaptive);
        let is_healthy = self.board.state(index).is_some_and(|state| state.status == Status::Healthy);
        if !is_adaptive || !is_healthy {
            self.adaptive.remove(id);
        } else if report.observation.outcome.passed() == Some(true) {
            let learned = self.adaptive.entry(id.clone()).or_default();
            report.phases.iter().for_each(|phase| learned.record(phase.name, phase.took));
        }
    }

    /// Says once that a check's probes cannot be made, and once that they can again. One that could not is nothing to
    /// wake anybody for.
    fn note_obstruction(&mut self, id: &HealthCheckId, outcome: &Outcome) {
        if let Outcome::NotRun(because) = outcome {
            let in_a_row = self.obstructed.entry(id.clone()).or_default();
            *in_a_row = in_a_row.saturating_add(1);
            if *in_a_row == OBSTRUCTED_AFTER {
                self.watcher.obstructed(id, Some(because));
            }
        } else if self.obstructed.remove(id).is_some_and(|in_a_row| in_a_row >= OBSTRUCTED_AFTER) {
            self.watcher.obstructed(id, None);
        }
    }

    /// What is due once a second.
    fn refresh(&mut self) {
        self.watcher.lagged(self.lag.worst(self.now()));
        if let Some(by) = self.steady.follow((self.wall)()) {
            self.board.shift(by, self.steady.now());
            self.has_news = false;
            self.watcher.clock_was_set(by, self.board.table());
            self.watcher.checkpoint(self.board.saved());
        }
        if self.board.is_followed() {
            self.board.refresh_changes(self.steady.now());
            self.has_news = true;
        }
        if std::mem::take(&mut self.has_news) {
            self.watcher.refreshed(self.board.table());
        }
    }

    fn replace(&mut self, plan: Plan, adopt: Adopt) {
        let replaced = self.board.replace(plan, self.steady.now());
        let (board, fresh) = (&self.board, &replaced.fresh);
        self.under_way.retain(|_, (id, probe)| {
            let kept = !fresh.contains(id) && board.index(id).is_some_and(|index| board.check(index).probed().is_some());
            if !kept {
                probe.abort();
            }
            kept
        });
        self.adaptive.retain(|id, _| board.index(id).is_some() && !fresh.contains(id));
        self.obstructed.retain(|id, _| board.index(id).is_some() && !fresh.contains(id));
        let now = self.now();
        self.schedule.replace(intervals(&self.board), now, |id| replaced.fresh.contains(id));
        let (notices, gates) = (self.board.take_notices(), self.board.take_moved_gates(self.steady.now()));
        let (table, saved) = (self.board.table(), self.board.saved());
        self.board.take_changed();
        adopt(Change { events: replaced.events, table, saved, notices, gates });
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
    ProbeReport::of(Observation { at: clock::now(), outcome })
}

fn words(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!("the probe panicked: {}", text.unwrap_or("no message"))
}

/// How often all verdicts are handed over to be saved, so that a crash loses at most their last minute.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(60);
/// How often what was last seen is handed over while no status changes.
const REFRESH_EVERY: Duration = Duration::from_secs(1);
/// Probes in a row that could not be made, before it is said.
const OBSTRUCTED_AFTER: u32 = 2;
/// How often the board is told that time passes: leases end, brakes let go, weights ramp up.
const TICK_EVERY: Duration = Duration::from_millis(250);
/// Commands that may wait; every sender awaits its own.
const COMMANDS_MAX: usize = 4;
