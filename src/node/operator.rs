//! What operators decide and what checks are told: kept first, then in use, then answered.
//!
//! Changes take turns here; each is on the disk with its entry in the audit log before the runner hears of it. Decides
//! nothing: `health::overrides` says which override holds, `health::signal` what a signal means. Invariant: what the
//! runner goes by is what the store holds, whenever nobody has the turn.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;

use super::keeper::Keeper;
use crate::api::desk::{Addressee, AuditLine, Desk, Moved, Push, Refused, Reply, RouteOrder, Standing, Told};
use crate::clock;
use crate::config::http::Tokens;
use crate::health::board::Obeyed;
use crate::health::check::{CheckKind, HealthCheck};
use crate::health::gate::{Order, Passage};
use crate::health::overrides::{NewOverride, Override, Overrides, Subject, TargetKind};
use crate::health::remark::Remark;
use crate::health::signal::{SavedStanding, Signal, SignalCheck, SignalSource};
use crate::ids::HealthCheckId;
use crate::prober::runner::RunnerHandle;
use crate::store::{AuditEntry, Store, StoreError};
use crate::telemetry::{Event, Telemetry, events};

/// Keeps overrides and signals, and hands them to the runner.
pub(super) struct Operator {
    state: Mutex<State>,
    /// Held from reading to applying, by whoever changes something.
    turn: tokio::sync::Mutex<()>,
    /// Told when the next expiry may have changed.
    changed: Notify,
    keeper: Arc<Keeper>,
    store: Arc<Store>,
    runner: RunnerHandle,
    telemetry: Arc<Telemetry>,
}

struct State {
    overrides: Overrides,
    /// What each check was told last.
    told: BTreeMap<HealthCheckId, SavedStanding>,
}

impl Operator {
    /// Of what the store held; the board has it already.
    pub fn new(
        overrides: Overrides,
        told: Vec<(HealthCheckId, SavedStanding)>,
        keeper: Arc<Keeper>,
        store: Arc<Store>,
        runner: RunnerHandle,
        telemetry: Arc<Telemetry>,
    ) -> Self {
        let state = State { overrides, told: told.into_iter().collect() };
        Self { state: Mutex::new(state), turn: Default::default(), changed: Notify::new(), keeper, store, runner, telemetry }
    }

    /// Removes overrides when they expire, for as long as it is polled. The board passes over them by itself: this is for
    /// the list and for the audit log.
    pub async fn expire_forever(self: Arc<Self>) {
        loop {
            let next = self.with(|state| state.overrides.iter().filter_map(|known| known.expires_at).min());
            let Some(next) = next else {
                self.changed.notified().await;
                continue;
            };
            let left: Duration = next.duration_since(clock::now()).try_into().unwrap_or_default();
            if left.is_zero() {
                if let Err(refused) = self.clone().expire().await {
                    events::warning(&format!("removing an override that has expired: {}", refused.error));
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
                continue;
            }
            // Never long, for the wall clock may be set meanwhile.
            tokio::select! {
                () = tokio::time::sleep(left.min(LOOK_AT_LEAST_EVERY)) => {}
                () = self.changed.notified() => {}
            }
        }
    }

    async fn expire(self: Arc<Self>) -> Result<(), Refused> {
        let _turn = self.turn.lock().await;
        let now = clock::now();
        for expired in self.with(|state| state.overrides.clone()).expire(now) {
            let mut next = self.with(|state| state.overrides.clone());
            next.remove(expired.id);
            let entry = entry_of("override-expired", &expired, "waypost", "its time was over", now);
            self.apply(next, entry).await?;
            self.tell(now, Event::overridden("expired", &expired, "waypost", "its time was over"));
        }
        Ok(())
    }

    async fn make_now(self: Arc<Self>, new: NewOverride) -> Result<Override, Refused> {
        let _turn = self.turn.lock().await;
        let mut next = self.with(|state| state.overrides.clone());
        let made = next.add(new).map_err(|error| Refused::new(409, error.to_string()))?.clone();
        let broken = self.runner.would_break(next.clone()).await;
        if !broken.is_empty() {
            let error = format!("{} {} would break a rule: {}", made.action, made.target, broken.join("; "));
            return Err(Refused::new(409, error));
        }
        let entry = entry_of("override", &made, made.author.as_str(), made.reason.as_str(), made.made_at);
        self.apply(next, entry).await?;
        self.tell(made.made_at, Event::overridden("made", &made, made.author.as_str(), made.reason.as_str()));
        Ok(made)
    }

    async fn remove_now(self: Arc<Self>, id: u64, author: Remark, reason: Remark) -> Result<Override, Refused> {
        let _turn = self.turn.lock().await;
        let mut next = self.with(|state| state.overrides.clone());
        let removed = next.remove(id).ok_or_else(|| {
            Refused::new(404, format!("there is no override {id}; GET /v1/overrides lists those that there are"))
        })?;
        let entry = entry_of("override-removed", &removed, author.as_str(), reason.as_str(), clock::now());
        self.apply(next, entry).await?;
        self.tell(clock::now(), Event::overridden("removed", &removed, author.as_str(), reason.as_str()));
        Ok(removed)
    }

    fn tell(&self, at: Timestamp, event: Event) {
        self.telemetry.tell(at, event);
    }

    /// Keeps these overrides and puts them to use; for whoever has the turn.
    async fn apply(&self, next: Overrides, entry: AuditEntry) -> Result<(), Refused> {
        let (store, kept) = (self.store.clone(), next.clone());
        written(move || store.change_overrides(&kept, entry)).await?;
        self.with(|state| state.overrides = next.clone());
        self.runner.override_with(next).await;
        self.changed.notify_one();
        Ok(())
    }

    async fn order_now(self: Arc<Self>, order: RouteOrder) -> Result<Vec<Moved>, Refused> {
        let _turn = self.turn.lock().await;
        let RouteOrder { route, member, order, author, reason } = order;
        let obeyed = self.runner.order(route.clone(), member, order).await;
        let (obeyed, gates) = obeyed.map_err(|error| Refused::new(404, error.to_string()))?;
        let moved: Vec<Moved> = obeyed.iter().map(moved).collect();
        if !moved.is_empty() {
            let detail = moved.iter().map(|moved| format!("{} {}", moved.member, moved.became)).collect::<Vec<_>>().join(", ");
            let action = if order == Order::BringBack { "failback" } else { "failover" };
            let entry = AuditEntry {
                at: clock::now(),
                author: author.to_string(),
                action: action.to_owned(),
                target: format!("route:{}", moved[0].route),
                reason: reason.to_string(),
                detail,
            };
            let store = self.store.clone();
            let kept = written(move || store.change_gates(&gates, entry)).await;
            // What moved has moved: it only may not outlive a restart, and is not in the audit log.
            kept.map_err(|refused| Refused::new(refused.status, "it was done, but could not be written to the store"))?;
        }
        Ok(moved)
    }

    async fn signal_now(self: Arc<Self>, push: Push) -> Result<Vec<Told>, Refused> {
        let _turn = self.turn.lock().await;
        let now = clock::now();
        let checks = self.addressed(&push.to)?;
        let signals: Vec<(HealthCheckId, SignalCheck, Signal)> = checks
            .into_iter()
            .map(|(id, check)| {
                let until = check.end_of_lease(push.lease, now);
                let (state, reason, author) = (push.state, push.reason.clone(), push.author.clone());
                (id, check, Signal { state, reason, author, at: now, until })
            })
            .collect();
        let told: Vec<_> = signals.iter().map(|(id, check, signal)| (id.clone(), self.after(id, check, signal))).collect();
        let news: Vec<&(HealthCheckId, SignalCheck, Signal)> =
            signals.iter().filter(|(id, check, signal)| self.is_news(id, check, signal)).collect();
        // A lease that is only renewed would fill the audit log.
        let entry = news.first().map(|(.., signal)| signal_entry(&push.to, &news, signal));
        let (store, kept) = (self.store.clone(), told.clone());
        written(move || store.save_signals(&kept, entry)).await?;
        news.iter().for_each(|(id, _, signal)| self.tell(now, Event::signalled(id, signal)));
        self.with(|state| state.told.extend(told));
        let show = |(id, _, signal): &(HealthCheckId, SignalCheck, Signal)| Told {
            check: id.to_string(),
            state: signal.state.as_str(),
            until: signal.until,
        };
        let shown = signals.iter().map(show).collect();
        self.runner.signal(signals.into_iter().map(|(id, _, signal)| (id, signal)).collect()).await;
        Ok(shown)
    }

    /// The checks that a signal is for; at least one.
    fn addressed(&self, to: &Addressee) -> Result<Vec<(HealthCheckId, SignalCheck)>, Refused> {
        let loaded = self.keeper.loaded();
        let checks = &loaded.built.state.checks;
        if let Addressee::Check(id) = to {
            let check = checks.get(id).ok_or_else(|| Refused::new(404, format!("there is no health check {:?}", id.as_str())))?;
            let signal = check.signalled().ok_or_else(|| {
                let error = format!("the health check {:?} is {}; one of type signal is told", id.as_str(), what_it_is(check));
                Refused::new(409, error)
            })?;
            return Ok(vec![(id.clone(), signal.clone())]);
        }
        let is_meant = |source: &SignalSource| match (to, source) {
            (Addressee::Alarm { region, name }, SignalSource::Alarm { region: own_region, name: own_name }) => {
                **own_region == **region && **own_name == **name
            }
            (Addressee::Control(arn), SignalSource::Control(own)) => **own == **arn,
            _ => false,
        };
        let meant = checks.iter().filter_map(|(id, check)| Some((id, check.signalled()?)));
        let meant: Vec<_> =
            meant.filter(|(_, signal)| is_meant(&signal.source)).map(|(id, signal)| (id.clone(), signal.clone())).collect();
        match meant.is_empty() {
            false => Ok(meant),
            true => Err(Refused::new(404, format!("no health check goes by the {}", address(to)))),
        }
    }

    /// What is to be kept of a check once it is told `signal`.
    fn after(&self, id: &HealthCheckId, check: &SignalCheck, signal: &Signal) -> SavedStanding {
        let source = check.source.to_string();
        let before = self.with(|state| state.told.get(id).filter(|told| *told.source == *source).cloned());
        let before = before.map(crate::health::signal::Standing::from).unwrap_or_default();
        before.observe(signal.clone()).saved(&check.source).expect("something was just said")
    }

    /// Whether a signal says something else than the last, or somebody else says it, or the last had ended.
    fn is_news(&self, id: &HealthCheckId, check: &SignalCheck, signal: &Signal) -> bool {
        let source = check.source.to_string();
        self.with(|state| {
            state.told.get(id).filter(|told| *told.source == *source).is_none_or(|told| {
                let last = &told.last;
                let has_ended = last.until.is_some_and(|until| until <= signal.at);
                has_ended || last.state != signal.state || last.author != signal.author || last.reason != signal.reason
            })
        })
    }

    /// The overrides in their order, each with the checks that it decides for at `now`.
    fn standing(&self, now: Timestamp) -> Vec<Standing> {
        let overrides = self.with(|state| state.overrides.clone());
        let loaded = self.keeper.loaded();
        let mut decided: BTreeMap<u64, Vec<HealthCheckId>> = BTreeMap::new();
        if !overrides.is_empty() {
            for (id, check) in &loaded.built.state.checks {
                if let Some(known) = overrides.of(&Subject::of_check(check), now) {
                    decided.entry(known.id).or_default().push(id.clone());
                }
            }
        }
        let holding = overrides.iter().filter(|known| !known.has_expired(now));
        let standing = holding.map(|known| {
            let mut checks = decided.remove(&known.id).unwrap_or_default();
            let checks_total = checks.len();
            checks.truncate(CHECKS_SHOWN);
            let is_of_checks = known.target.kind != TargetKind::Route;
            Standing { known: known.clone(), checks: is_of_checks.then_some(checks), checks_total }
        });
        standing.collect()
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Desk for Operator {
    fn tokens(&self) -> Arc<Tokens> {
        self.keeper.loaded().tokens.clone()
    }

    fn overrides(self: Arc<Self>) -> Reply<Vec<Standing>> {
        // Many overrides and many checks take a while: off the runtime's threads.
        let listed = tokio::task::spawn_blocking(move || self.standing(clock::now()));
        Box::pin(async move { listed.await.map_err(|error| Refused::new(500, error.to_string())) })
    }

    fn make(self: Arc<Self>, new: NewOverride) -> Reply<Override> {
        to_its_end(self.make_now(new))
    }

    fn remove(self: Arc<Self>, id: u64, author: Remark, reason: Remark) -> Reply<Override> {
        to_its_end(self.remove_now(id, author, reason))
    }

    fn audit(&self, limit: usize, before: Option<Timestamp>) -> Vec<AuditLine> {
        let show =
            |AuditEntry { at, author, action, target, reason, detail }| AuditLine { at, author, action, target, reason, detail };
        self.store.audit(limit, before).into_iter().map(show).collect()
    }

    fn order(self: Arc<Self>, order: RouteOrder) -> Reply<Vec<Moved>> {
        to_its_end(self.order_now(order))
    }

    fn signal(self: Arc<Self>, push: Push) -> Reply<Vec<Told>> {
        to_its_end(self.signal_now(push))
    }
}

fn moved(obeyed: &Obeyed) -> Moved {
    let became = match obeyed.passage {
        Passage::In(_) => "in_service",
        Passage::Out(_) => "out",
        Passage::Refused(_) | Passage::Proposed { .. } => "kept",
    };
    Moved { route: obeyed.owner.to_string(), member: obeyed.member.to_string(), became }
}

/// A task of its own: a client that goes away must not stop a change half-way.
fn to_its_end<T: Send + 'static>(change: impl Future<Output = Result<T, Refused>> + Send + 'static) -> Reply<T> {
    let changed = tokio::spawn(change);
    Box::pin(async move { changed.await.unwrap_or_else(|error| Err(Refused::new(500, error.to_string()))) })
}

/// Writes to the store, off the runtime's threads.
async fn written(write: impl FnOnce() -> Result<(), StoreError> + Send + 'static) -> Result<(), Refused> {
    let written = tokio::task::spawn_blocking(write).await;
    written.map_err(|error| Refused::new(500, error.to_string()))?.map_err(|error| {
        // Where the store is, and what ails it, is the operator's business.
        events::warning(&format!("an operator's change was refused: {error}"));
        Refused::new(503, "nothing was changed: it could not be written to the store")
    })
}

fn entry_of(action: &str, known: &Override, author: &str, reason: &str, at: Timestamp) -> AuditEntry {
    let until = known.expires_at.map_or_else(|| "for ever".to_owned(), |end| format!("until {end}"));
    AuditEntry {
        at,
        author: author.to_owned(),
        action: action.to_owned(),
        target: known.target.to_string(),
        reason: reason.to_owned(),
        detail: format!("override {}: {} {until}", known.id, known.action),
    }
}

fn signal_entry(to: &Addressee, news: &[&(HealthCheckId, SignalCheck, Signal)], signal: &Signal) -> AuditEntry {
    let until = signal.until.map_or_else(|| "until the next".to_owned(), |end| format!("until {end}"));
    let checks = news.iter().take(CHECKS_SHOWN).map(|(id, ..)| id.as_str()).collect::<Vec<_>>().join(", ");
    AuditEntry {
        at: signal.at,
        author: signal.author.to_string(),
        action: "signal".to_owned(),
        target: address(to),
        reason: signal.reason.to_string(),
        detail: format!("{} {until}: {checks}", signal.state),
    }
}

fn address(to: &Addressee) -> String {
    match to {
        Addressee::Check(id) => format!("check:{id}"),
        Addressee::Alarm { region, name } => format!("alarm {region}/{name}"),
        Addressee::Control(arn) => format!("routing control {arn}"),
    }
}

fn what_it_is(check: &HealthCheck) -> &'static str {
    match check.kind {
        CheckKind::Endpoint(_) => "probed",
        CheckKind::Calculated { .. } => "calculated",
        CheckKind::Signal(_) => "told",
    }
}

/// How long to wait after the store has failed.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// How often the wall clock is looked at while something is to expire.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_secs(1);
/// Checks that are listed of those that one override or signal is for.
const CHECKS_SHOWN: usize = 100;
