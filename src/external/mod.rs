//! Follows the names outside the zones that aliases lead to, in the background, from start to stop.
//!
//! One task holds what is known of every target; each look is a task of its own, so one that hangs delays no other.
//! Decides nothing itself: `machine` does. What changes or ages is handed to the [`Watcher`] at once, and once a second
//! at the latest. Invariants: a target has at most one look under way; what is handed out fits the targets of the last
//! [`Follower::replace`].

mod lookup;
mod machine;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{Id, JoinError, JoinSet};

pub use self::lookup::{Look, Resolver};
pub use self::machine::{Event, KEEP, Pace, Seen};
use self::machine::{Now, State};
use crate::clock::{self, Chance};
use crate::zone::external::{ExternalTarget, Externals};

/// Who is told what happens. Called on the follower's task: it must not block.
pub trait Watcher: Send + 'static {
    /// What is known now, to be published before this returns; `events` say what has changed but for ages.
    fn known(&mut self, externals: Arc<Externals>, events: &[(ExternalTarget, Event)]);
    /// A look at one of the targets ended.
    fn looked(&mut self, target: &ExternalTarget, seen: &Seen);
}

/// A running follower. Dropping it stops it.
#[derive(Debug)]
pub struct Follower {
    commands: mpsc::Sender<Replace>,
    first_round: watch::Receiver<bool>,
}

/// New targets, and where to say what is known of them.
struct Replace(Arc<Externals>, oneshot::Sender<Arc<Externals>>);

struct Following<L, W> {
    /// The targets, with nothing known.
    unresolved: Arc<Externals>,
    /// By index.
    states: Vec<State>,
    look: Arc<L>,
    watcher: W,
    pace: Pace,
    looks_max: usize,
    looks: JoinSet<Seen>,
    under_way: HashMap<Id, ExternalTarget>,
    events: Vec<(ExternalTarget, Event)>,
    chance: Chance,
    first_round: watch::Sender<bool>,
}

/// The most looks under way at one time, where nothing else is said.
pub const LOOKS_MAX: usize = 32;

impl Follower {
    /// Starts following `targets` on the current tokio runtime, with at most `looks_max` looks under way.
    pub fn spawn(targets: Arc<Externals>, look: impl Look, watcher: impl Watcher, pace: Pace, looks_max: usize) -> Self {
        let (commands, orders) = mpsc::channel(1);
        let (first_round, watched) = watch::channel(targets.targets().is_empty());
        let following = Following {
            states: targets.iter().map(|_| State::new(now())).collect(),
            unresolved: targets,
            look: Arc::new(look),
            watcher,
            pace,
            looks_max: looks_max.max(1),
            looks: JoinSet::new(),
            under_way: HashMap::new(),
            events: Vec::new(),
            chance: Chance::new(),
            first_round,
        };
        tokio::spawn(following.run(orders));
        Self { commands, first_round: watched }
    }

    /// Makes these the targets, and says what is known of them: of those that were followed before, what it was.
    pub async fn replace(&self, targets: Arc<Externals>) -> Arc<Externals> {
        let (done, replaced) = oneshot::channel();
        // A follower that has stopped knows nothing.
        match self.commands.send(Replace(targets.clone(), done)).await {
            Ok(()) => replaced.await.unwrap_or(targets),
            Err(_) => targets,
        }
    }

    /// Waits until each target has been looked at once.
    pub async fn first_round(&self) {
        // The other end goes away only with the follower, and then there is nothing to wait for.
        let _ = self.first_round.clone().wait_for(|done| *done).await;
    }
}

impl<L: Look, W: Watcher> Following<L, W> {
    async fn run(mut self, mut orders: mpsc::Receiver<Replace>) {
        let mut tick = tokio::time::interval(TICK);
        loop {
            self.start_due();
            let wake = self.next_wake();
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(Replace(targets, done)) => {
                        self.replace(targets);
                        // Nobody waiting any more is no reason to stop.
                        let _ = done.send(self.known());
                    }
                    None => return,
                },
                Some(ended) = self.looks.join_next_with_id() => {
                    self.take(ended);
                    self.publish();
                }
                _ = tick.tick(), if !self.states.is_empty() => {
                    self.age();
                    self.publish();
                }
                () = sleep_until(wake), if wake.is_some() => {}
            }
        }
    }

    /// Starts every look that is due, the longest due first, as far as there is room.
    fn start_due(&mut self) {
        let now = clock::monotonic();
        while self.looks.len() < self.looks_max {
            let Some((due, at)) = self.next_due().filter(|(due, _)| *due <= now) else { return };
            let target = self.unresolved.targets()[at].clone();
            // Until the look ends, which says when the next one is due.
            self.states[at].due = due + NOT_SOON;
            let (look, looked_at) = (self.look.clone(), target.clone());
            let task = self.looks.spawn(async move { look.look(&looked_at).await });
            self.under_way.insert(task.id(), target);
        }
    }

    fn next_due(&self) -> Option<(Instant, usize)> {
        self.states.iter().enumerate().map(|(at, state)| (state.due, at)).min()
    }

    /// When the next look is due; none while there is no room for it.
    fn next_wake(&self) -> Option<Instant> {
        self.next_due().map(|(due, _)| due).filter(|_| self.looks.len() < self.looks_max)
    }

    /// Takes a look that ended, and all that ended by now.
    fn take(&mut self, ended: Result<(Id, Seen), JoinError>) {
        let mut next = Some(ended);
        while let Some(ended) = next {
            self.observe(ended);
            next = self.looks.try_join_next_with_id();
        }
        let done = self.states.iter().all(State::was_looked_at);
        self.first_round.send_if_modified(|before| std::mem::replace(before, done) != done);
    }

    fn observe(&mut self, ended: Result<(Id, Seen), JoinError>) {
        let task = ended.as_ref().map_or_else(JoinError::id, |(task, _)| *task);
        let Some(target) = self.under_way.remove(&task) else { return };
        // A look that panicked is a fault of ours, and says nothing of the target.
        let seen = ended.map_or_else(|error| Seen::Failed(format!("the look failed: {error}").into()), |(_, seen)| seen);
        let Some(index) = self.unresolved.index(&target.name, target.rtype) else { return };
        self.watcher.looked(&target, &seen);
        let event = self.states[index.0 as usize].observe(seen, now(), &self.pace, self.chance.next());
        self.events.extend(event.map(|event| (target, event)));
    }

    /// Drops what has become too old.
    fn age(&mut self) {
        let now = now();
        for (state, target) in self.states.iter_mut().zip(self.unresolved.targets().iter()) {
            self.events.extend(state.age(now, &self.pace).map(|event| (target.clone(), event)));
        }
    }

    fn publish(&mut self) {
        let events = std::mem::take(&mut self.events);
        self.watcher.known(self.known(), &events);
    }

    fn known(&self) -> Arc<Externals> {
        let now = now();
        Arc::new(self.unresolved.with(|index, _| self.states[index.0 as usize].known(now)))
    }

    fn replace(&mut self, targets: Arc<Externals>) {
        let before: Vec<State> = std::mem::take(&mut self.states);
        let known = |target: &ExternalTarget| {
            let index = self.unresolved.index(&target.name, target.rtype)?;
            Some(before[index.0 as usize].clone())
        };
        self.states = targets.targets().iter().map(|target| known(target).unwrap_or_else(|| State::new(now()))).collect();
        self.unresolved = targets;
        self.first_round.send_replace(self.states.iter().all(State::was_looked_at));
    }
}

fn now() -> Now {
    Now { monotonic: clock::monotonic(), wall: clock::now() }
}

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake.into()).await,
        None => std::future::pending().await,
    }
}

/// How often TTLs and ages are published: they are whole seconds.
const TICK: Duration = Duration::from_secs(1);
/// Longer than any look takes.
const NOT_SOON: Duration = Duration::from_secs(86_400);
