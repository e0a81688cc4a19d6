//! Who changes what is served: the files' reader and the Route 53 API take turns here.
//!
//! A change of the account is built, written to the disk and published, in that order, before it is answered; one that
//! cannot be built or written is taken back. Invariant: the account, the store and what is served say the same whenever
//! nobody has the turn.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::publish;
use crate::api::route53::{Ask, Held, Ledger, Replied, Restored, Terms};
use crate::clock;
use crate::control::build::Built;
use crate::external::Follower;
use crate::files::Loaded;
use crate::health::table::HealthTable;
use crate::prober::runner::{Change, RunnerHandle};
use crate::route53::access::Principal;
use crate::route53::account::Account;
use crate::route53::account::edit::{Edit, Record};
use crate::route53::account::sound;
use crate::route53::bounds::Rules;
use crate::route53::error::ApiError;
use crate::route53::ops::{Context, Done, Settings};
use crate::snapshot::{Published, Snapshot};
use crate::store::Store;
use crate::telemetry::{Event, Telemetry, events};
use crate::zone::external::Externals;

/// Keeps the account and what is in use of the files.
pub(super) struct Keeper {
    account: RwLock<Account>,
    loaded: Mutex<Arc<Loaded>>,
    /// Held from reading to publishing, by whoever changes what is served.
    turn: tokio::sync::Mutex<()>,
    publishing: Publishing,
}

/// What publishing takes.
#[derive(Clone)]
pub(super) struct Publishing {
    pub published: Arc<Published>,
    pub telemetry: Arc<Telemetry>,
    pub store: Arc<Store>,
    pub runner: RunnerHandle,
    pub follower: Arc<Follower>,
}

impl Keeper {
    pub fn new(account: Account, loaded: Loaded, publishing: Publishing) -> Self {
        let (account, loaded, turn) = (RwLock::new(account), Mutex::new(Arc::new(loaded)), tokio::sync::Mutex::default());
        Self { account, loaded, turn, publishing }
    }

    /// What of the files is in use.
    pub fn loaded(&self) -> Arc<Loaded> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_loaded(&self, loaded: Loaded) {
        *self.loaded.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(loaded);
    }

    /// Waits for the turn to change what is served.
    pub async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// The account, for whoever has the turn.
    pub fn account(&self) -> std::sync::RwLockWriteGuard<'_, Account> {
        self.account.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts what the files say now to use; for whoever has the turn.
    pub async fn adopt(self: &Arc<Self>, next: Loaded) {
        self.publishing.publish(&next.built, false).await;
        let (keeper, state) = (self.clone(), next.state.clone());
        let is_shown = next.config.serves_route53();
        self.set_loaded(next);
        if is_shown {
            // A large file takes a while: off the threads that probes run on.
            let shown = tokio::task::spawn_blocking(move || keeper.account().adopt_files(&state));
            shown.await.expect("showing files does not panic, and the runtime outlives the reload");
        }
    }

    /// Lets go of the record sets that nobody will ask for, once the server answers. Not on the runtime's threads, as many take
    /// a while; and on one that ends when it is idle, as the allocator then gives back what was freed.
    pub async fn settle(self: &Arc<Self>) {
        let _turn = self.turn().await;
        let keeper = self.clone();
        let gone = tokio::task::spawn_blocking(move || {
            let loaded = keeper.loaded().letting_go();
            if loaded.config.serves_route53() {
                keeper.account().adopt_files(&loaded.state);
            }
            keeper.set_loaded(loaded);
        });
        gone.await.expect("letting go does not panic, and the runtime outlives it");
    }

    /// How many zones and health checks are in use.
    pub fn counts(&self) -> (usize, usize) {
        let loaded = self.loaded();
        (loaded.built.state.zones.len(), loaded.built.state.checks.len())
    }

    /// Says so when zones are to log their queries and nobody said where.
    pub fn warn_of_unwritten_logs(&self) {
        let loaded = self.loaded();
        let zones = loaded.built.state.logged.len();
        if zones > 0 && loaded.config.route53.query_log.is_none() {
            events::warning(&format!(
                "the queries of {zones} zones are to be logged, and are not: [route53] query_log names no directory"
            ));
        }
    }

    fn ask(&self, account: &Account, ask: &Ask) -> Result<Done, ApiError> {
        let snapshot = self.publishing.published.load();
        let settings = self.settings();
        let mut context = Context {
            account,
            now: clock::now(),
            random: &mut clock::random_u128,
            settings: &settings,
            caller: &ask.caller,
            snapshot: &snapshot,
        };
        ask.perform(&mut context)
    }

    fn settings(&self) -> Settings {
        let route53 = &self.loaded().config.route53;
        let settings = Settings { rules: Rules { strict: route53.strict }, ..Settings::default() };
        match route53.name_servers.is_empty() {
            true => settings,
            false => Settings { name_servers: route53.name_servers.clone(), ..settings },
        }
    }

    /// Makes the edits that were asked for, up to but without publishing.
    fn change(&self, ask: &Ask) -> Result<(Done, Option<Built>), ApiError> {
        let mut account = self.account();
        let done = self.ask(&account, ask)?;
        if done.edits.is_empty() {
            return Ok((done, None));
        }
        let built = self.make(&mut account, &done.edits)?;
        Ok((done, Some(built)))
    }

    /// Makes the edits and builds and keeps what comes of them; what fails leaves the account as it was.
    fn make(&self, account: &mut Account, edits: &[Edit]) -> Result<Built, ApiError> {
        let undo = account.undoing(edits);
        account.apply(edits.to_vec());
        let made = catch_unwind(AssertUnwindSafe(|| self.build_and_commit(account, edits, &undo)));
        let made = made.unwrap_or_else(|_| Err(ApiError::internal("The change was not made, because of a defect.")));
        if made.is_err() {
            account.apply(undo);
        }
        made
    }

    fn build_and_commit(&self, account: &mut Account, edits: &[Edit], undo: &[Edit]) -> Result<Built, ApiError> {
        let loaded = self.loaded();
        let built = loaded.build(account.served(&loaded.state)).map_err(|errors| {
            let messages: Vec<String> = errors.iter().map(ToString::to_string).collect();
            ApiError::invalid_change_batch(&messages)
        })?;
        self.publishing.store.commit(edits, undo).map_err(|error| {
            // Where the store is, and what ails it, is the operator's business.
            events::warning(&format!("a change of the account was refused: {error}"));
            ApiError::new("ServiceUnavailable", 503, "The change was not made: it could not be written to the store.")
        })?;
        Ok(built)
    }

    async fn write(self: Arc<Self>, ask: Arc<Ask>) -> Result<Done, ApiError> {
        let _turn = self.turn.lock().await;
        let (keeper, caller, operation) = (self.clone(), ask.caller.clone(), ask.operation().name);
        let (done, built) = blocking(move || keeper.change(&ask)).await?;
        if let Some(built) = built {
            self.put_to_use(built).await;
            if done.edits.iter().any(|edit| matches!(edit, Edit::Put(Record::QueryLog(_)))) {
                self.warn_of_unwritten_logs();
            }
            let edits: Vec<_> = done.edits.iter().map(ToString::to_string).collect();
            self.tell(Event::account_changed(&caller, operation, &edits));
        }
        Ok(done)
    }

    fn tell(&self, event: Event) {
        self.publishing.telemetry.tell(clock::now(), event);
    }

    /// Publishes what was built; for whoever has the turn.
    async fn put_to_use(&self, built: Built) {
        let same_checks = self.loaded().built.watches_as(&built);
        self.publishing.publish(&built, same_checks).await;
        self.set_loaded(self.loaded().with(built));
    }

    /// Puts `next` in the place of what the API owns; how many edits it took, or what is wrong with it.
    async fn restore(self: Arc<Self>, next: Account, caller: Principal) -> Result<Result<usize, Vec<String>>, ApiError> {
        let _turn = self.turn.lock().await;
        let keeper = self.clone();
        let replaced = blocking(move || {
            let mut account = keeper.account();
            let wrong = sound::check(&next, &account);
            if !wrong.is_empty() {
                return Ok(Err(wrong));
            }
            let edits = account.replacing(&next);
            let built = (!edits.is_empty()).then(|| keeper.make(&mut account, &edits)).transpose()?;
            Ok(Ok((edits.len(), built)))
        });
        let (count, built) = match replaced.await? {
            Ok(replaced) => replaced,
            Err(wrong) => return Ok(Err(wrong)),
        };
        if let Some(built) = built {
            self.put_to_use(built).await;
            self.tell(Event::account_changed(&caller, "Restore", &[format!("restored a backup: {count} edits")]));
        }
        Ok(Ok(count))
    }
}

impl Publishing {
    /// Puts what was built to use; `same_checks` says that its checks are those in use.
    pub async fn publish(&self, built: &Built, same_checks: bool) {
        let Self { published, telemetry, store, runner, follower } = self.clone();
        let plan = built.plan();
        let Built { catalog, maps, externals, state, .. } = built.clone();
        let externals = follower.replace(externals).await;
        telemetry.keep_targets(externals.targets());
        let publish = move |health: Option<Arc<HealthTable>>| {
            published.update(|now| {
                // What was published since is newer.
                let is_same = now.externals.targets() == externals.targets();
                let externals = if is_same { &now.externals } else { &externals }.clone();
                let health = health.as_ref().unwrap_or(&now.health).clone();
                let (catalog, maps) = (catalog.clone(), maps.clone());
                Some(Snapshot { catalog, health, maps, externals, generation: now.generation + 1 })
            });
        };
        if same_checks {
            runner.in_step(move || publish(None)).await;
        } else {
            let configured = state.checks.clone();
            let adopt = move |change: Change| {
                publish(Some(Arc::new(change.table)));
                telemetry.configure(&configured, clock::now());
                let histories = publish::tell(&telemetry, &change.events);
                publish::tell_beside(&telemetry, change.notices, &change.events, &change.saved);
                change.gates.into_iter().for_each(|gates| store.save_gates(gates));
                store.keep_histories(configured.into_keys().collect());
                store.save_all(change.saved, histories);
            };
            runner.replace(plan, adopt).await;
        }
        self.publish_externals(&built.externals).await;
    }

    /// Publishes what became known of the targets while they were not yet in use, which nobody could publish then.
    async fn publish_externals(&self, targets: &Arc<Externals>) {
        if targets.targets().is_empty() {
            return;
        }
        let known = self.follower.replace(targets.clone()).await;
        self.published.update(|now| {
            let is_same = now.externals.targets() == known.targets();
            is_same.then(|| Snapshot { externals: known.clone(), ..Snapshot::clone(now) })
        });
    }
}

impl Ledger for Keeper {
    fn terms(&self) -> Terms {
        let loaded = self.loaded();
        let route53 = &loaded.config.route53;
        Terms { keys: loaded.keys.clone(), enabled: route53.enabled, rules: Rules { strict: route53.strict } }
    }

    fn read(self: Arc<Self>, ask: Ask) -> Replied {
        Box::pin(blocking(move || {
            let account = self.account.read().unwrap_or_else(PoisonError::into_inner);
            self.ask(&account, &ask)
        }))
    }

    fn write(self: Arc<Self>, ask: Ask) -> Replied {
        // A task of its own: a client that goes away must not stop a change half-way.
        let written = tokio::spawn(Self::write(self, Arc::new(ask)));
        Box::pin(async move { written.await.unwrap_or_else(|error| Err(ApiError::internal(error.to_string()))) })
    }

    fn held(self: Arc<Self>) -> Held {
        Box::pin(blocking(move || Ok(self.account.read().unwrap_or_else(PoisonError::into_inner).clone())))
    }

    fn restore(self: Arc<Self>, account: Account, caller: Principal) -> Restored {
        let restored = tokio::spawn(Self::restore(self, account, caller));
        Box::pin(async move { restored.await.unwrap_or_else(|error| Err(ApiError::internal(error.to_string()))) })
    }
}

/// Runs what may take long, or wait for the disk, off the runtime's threads.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, ApiError> + Send + 'static) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(ApiError::internal(error.to_string())))
}
