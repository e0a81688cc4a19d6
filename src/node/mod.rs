//! The running server: every part started in order, and stopped in the reverse of it.
//!
//! Names everything, decides nothing. Start: files, log, sockets, store; the admin pages; the checks and their first
//! round; then the first answer. Stop: no longer ready, drain the sockets, stop the checks, save what they know.
//! Invariants: bad input starts nothing; a reload that fails changes nothing.

mod ask;
mod keeper;
mod operator;
mod publish;
mod reload;
mod watch;

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::keeper::{Keeper, Publishing};
use self::operator::Operator;
use self::publish::{ExternalPublisher, Publisher};
use self::reload::{Because, Reloader};
use self::watch::FileWatch;
use crate::answer::Identity;
use crate::api::route53::Route53;
use crate::api::{self, Admin, HttpLimits, Readiness};
use crate::clock;
use crate::config::{self, Config, LogFormat, LogLevel};
use crate::control::build::Built;
use crate::control::state::State;
use crate::external::{Follower, LOOKS_MAX, Pace, Resolver};
use crate::files::{self, Loaded};
use crate::health::board::Board;
use crate::health::signal::SavedStanding;
use crate::health::table::HealthTable;
use crate::ids::HealthCheckId;
use crate::prober::runner::{PROBES_MAX, RunnerHandle};
use crate::prober::{Prober, Trust};
use crate::problem::{Problem, Problems};
use crate::resolver::NameServers;
use crate::route53::account::Account;
use crate::server::{self, Answers, Caps, Limits, Listeners, RateLimits, Running, StreamLimits};
use crate::snapshot::{Published, Snapshot};
use crate::store::{Histories, Past, Store, StoreError};
use crate::telemetry::query_log::QueryLogs;
use crate::telemetry::{Telemetry, events, logs};

/// Why the server did not start, or did not stop well.
#[derive(Debug)]
pub enum ServeError {
    /// What the operator asked for cannot be had: files, addresses, the store.
    BadInput(Problems),
    /// The system would not let us.
    Failed { doing: &'static str, cause: io::Error },
}

/// Serves what the file at `config_path` says, until SIGTERM or SIGINT.
///
/// # Errors
/// [`ServeError`], before the first query is answered.
pub fn serve(config_path: &Path) -> Result<(), ServeError> {
    let mut opened = None;
    let open = &mut |config: &Config, state: &State| {
        let (store, mut account) = open_store(config, config_path)?;
        let whole = account.served(state);
        if config.serves_route53() {
            account.adopt_files(state);
        }
        opened = Some((store, account));
        Ok(whole)
    };
    let loaded = files::load_with(config_path, clock::unix_secs() as u32, None, open).map_err(ServeError::BadInput)?;
    let (store, account) = opened.expect("what could be loaded was built with the account");
    start_log(&loaded)?;
    let config = &loaded.config.server;
    let listeners = Listeners::bind(&config.listen, loaded.config.http_listen(), server::workers(config.workers))
        .map_err(|error| ServeError::BadInput(error.into()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|cause| ServeError::Failed { doing: "starting the runtime", cause })?;
    let stopped = runtime.block_on(run(config_path, loaded, account, listeners, store));
    // What may still run is a file watcher's or a resolver's thread: nothing is lost with it.
    runtime.shutdown_timeout(Duration::from_millis(100));
    stopped
}

/// The signals that are listened to, from before the first probe on.
struct Signals {
    reload: Signal,
    terminate: Signal,
    interrupt: Signal,
}

/// What runs beside the sockets.
struct Parts {
    published: Arc<Published>,
    telemetry: Arc<Telemetry>,
    readiness: Arc<Readiness>,
    identity: Arc<ArcSwap<Identity>>,
    runner: RunnerHandle,
    follower: Arc<Follower>,
    store: Arc<Store>,
    query_logs: QueryLogs,
    rate_limits: Arc<RateLimits>,
}

async fn run(
    config_path: &Path,
    loaded: Loaded,
    account: Account,
    mut listeners: Listeners,
    mut store: Store,
) -> Result<(), ServeError> {
    let mut signals = Signals::new().map_err(|cause| ServeError::Failed { doing: "listening for signals", cause })?;
    // From before the first round on, which may take seconds in which a file changes.
    let watch = FileWatch::start(config_path, &loaded);
    let mut board = Board::new(loaded.built.plan(), clock::now());
    let (overrides, told) = (store.take_overrides(), take_signals(&mut store, &board)?);
    // Before the first answer: what was forced stays forced, and what was frozen is found as it was.
    board.set_overrides(overrides.clone(), clock::now());
    board.resume_signals(told.iter().cloned(), clock::now());
    board.resume(store.take_saved(), clock::now());
    board.resume_gates(store.take_gates(), clock::now());
    let parts =
        Parts::start(&loaded, board, store).map_err(|cause| ServeError::Failed { doing: "starting the query log", cause })?;
    parts.query_logs.set_directory(query_log_directory(&loaded.config, config_path));
    let keeper = Arc::new(Keeper::new(account, loaded, parts.publishing()));
    keeper.warn_of_unwritten_logs();
    let operator = Arc::new(Operator::new(
        overrides,
        told,
        keeper.clone(),
        parts.store.clone(),
        parts.runner.clone(),
        parts.telemetry.clone(),
    ));
    let expiring = tokio::spawn(operator.clone().expire_forever());
    let asking = tokio::spawn(ask::ask_forever(parts.telemetry.clone(), keeper.clone(), operator.clone()));
    let http_stop = CancellationToken::new();
    let http_address = listeners.http_address();
    let http = listeners.take_http().map(|listener| {
        let admin = Admin::new(parts.published.clone(), parts.telemetry.clone(), parts.readiness.clone());
        let admin = admin.answering_as(parts.identity.clone());
        let router = admin.router().merge(Route53::new(keeper.clone()).router()).merge(api::overrides::router(operator.clone()));
        tokio::spawn(api::serve(listener, router, HttpLimits::default(), http_stop.clone()))
    });
    let stopped = tokio::select! {
        () = parts.first_rounds() => None,
        because = signals.stop() => Some(because),
    };
    let ended = match stopped {
        Some(_) => Ok(()),
        None => {
            let reloader = Reloader::new(config_path, keeper.clone());
            serve_until_stopped(reloader, &keeper, watch, listeners, http_address, &parts, &mut signals).await
        }
    };
    // Before the checks and the store: a change that has begun is still published and kept.
    http_stop.cancel();
    if let Some(http) = http {
        // A page that cannot be finished is nobody's loss now.
        let _ = http.await;
    }
    asking.abort();
    let _ = asking.await;
    expiring.abort();
    // Both hold the store, which is closed last.
    let _ = expiring.await;
    drop((operator, keeper));
    parts.stop().await;
    ended
}

async fn serve_until_stopped(
    mut reloader: Reloader,
    keeper: &Arc<Keeper>,
    mut watch: FileWatch,
    listeners: Listeners,
    http_address: Option<std::net::SocketAddr>,
    parts: &Parts,
    signals: &mut Signals,
) -> Result<(), ServeError> {
    let addresses: Vec<_> = listeners.addresses().collect();
    let config = keeper.loaded().config.clone();
    let answers = Answers::new(parts.published.clone(), parts.identity.clone())
        .logging_to(parts.query_logs.log())
        .limited_by(parts.rate_limits.clone());
    let running = listeners
        .start(answers, limits(&config), &parts.telemetry)
        .map_err(|cause| ServeError::Failed { doing: "starting the workers", cause })?;
    let rate_limits = parts.rate_limits.clone();
    let telling = tokio::spawn(async move { rate_limits.tell_forever().await });
    parts.readiness.set_ready();
    parts.telemetry.reloaded(clock::now());
    events::started(&addresses, http_address, server::workers(config.server.workers).get());
    keeper.settle().await;
    let because = loop {
        let because = tokio::select! {
            told = signals.next() => match told {
                Some(because) => break because,
                None => Because::Signal,
            },
            () = watch.changed() => Because::FileChanged,
        };
        reloader.reload(parts, because).await;
        watch.follow(&keeper.loaded());
    };
    telling.abort();
    drain(running, parts, because).await;
    Ok(())
}

async fn drain(running: Running, parts: &Parts, because: &'static str) {
    parts.readiness.set_draining();
    events::draining(because);
    let drained = running.drain(DRAIN_WITHIN).await;
    events::drained(drained.cut);
}

impl Parts {
    fn publishing(&self) -> Publishing {
        let (published, telemetry) = (self.published.clone(), self.telemetry.clone());
        Publishing {
            published,
            telemetry,
            store: self.store.clone(),
            runner: self.runner.clone(),
            follower: self.follower.clone(),
        }
    }

    /// Publishes the first snapshot and starts the checks.
    fn start(loaded: &Loaded, board: Board, mut store: Store) -> io::Result<Self> {
        let Built { catalog, maps, externals, .. } = (*loaded.built).clone();
        let first = Snapshot { catalog, health: Arc::new(board.table()), maps, externals, generation: 1 };
        let published = Arc::new(Published::new(first));
        let telemetry = Arc::new(Telemetry::of_run(clock::now()));
        resume(&telemetry, &mut store, &loaded.built.state, &published.load().health);
        let query_logs = QueryLogs::spawn(telemetry.query_log())?;
        let store = Arc::new(store);
        let name_servers = NameServers::of(&loaded.config.resolver.servers);
        let (prober, mut warnings) = Prober::new(Trust::System, &name_servers);
        let prober = prober.with_commands_max(loaded.config.commands_max);
        let (resolver, warning) = Resolver::new(&name_servers);
        let has_targets = !loaded.built.externals.targets().is_empty();
        warnings.extend(warning.filter(|_| has_targets));
        warnings.iter().for_each(|warning| events::warning(warning));
        let follows = ExternalPublisher { published: published.clone(), telemetry: telemetry.clone() };
        let publisher = Publisher { published: published.clone(), telemetry: telemetry.clone(), store: store.clone() };
        let pace = Pace { keep: loaded.config.resolver.keep, ..Pace::default() };
        let follower = Arc::new(Follower::spawn(loaded.built.externals.clone(), resolver, follows, pace, LOOKS_MAX));
        let runner = RunnerHandle::spawn(board, Arc::new(prober), publisher, PROBES_MAX);
        let mut cookie_secret = [0; 16];
        clock::fill_random(&mut cookie_secret);
        let identity = Arc::new(ArcSwap::from_pointee(identity(&loaded.config, cookie_secret)));
        let workers = server::workers(loaded.config.server.workers);
        let rate_limits = Arc::new(RateLimits::new(loaded.config.rate_limit.clone(), workers));
        let readiness = Arc::default();
        Ok(Self { published, telemetry, readiness, identity, runner, follower, store, query_logs, rate_limits })
    }

    /// Waits for the first round of probes, and for that of names outside the zones; bounded, because what hangs must not
    /// keep the whole server from answering.
    async fn first_rounds(&self) {
        let probes = timeout(FIRST_ROUND_AT_MOST, self.runner.first_round());
        let _ = tokio::join!(probes, timeout(FIRST_LOOKS_AT_MOST, self.follower.first_round()));
    }

    /// Stops the checks and saves what they know; writes what the query logs still have.
    async fn stop(self) {
        let query_logs = self.query_logs;
        let written = tokio::task::spawn_blocking(move || query_logs.stop(LOGS_WRITTEN_WITHIN)).await;
        if !matches!(written, Ok(true)) {
            events::warning("the last lines of the query logs could not be written in time");
        }
        let saved = self.runner.stop().await;
        self.store.save_all(saved, Histories::new());
        match Arc::into_inner(self.store).map(Store::close) {
            // The runner holds the store too, and has just stopped; without a last close the writer still ends by itself.
            Some(Ok(())) | None => {}
            Some(Err(error)) => events::warning(&error.to_string()),
        }
    }
}

/// Takes up the pasts of the checks, as far as they are configured.
fn resume(telemetry: &Telemetry, store: &mut Store, state: &State, table: &HealthTable) {
    let (Past { histories, until }, now) = (store.take_past(), clock::now());
    let changed = telemetry.histories().resume(histories, until, table, now);
    telemetry.configure(&state.checks, now);
    store.keep_histories(state.checks.keys().cloned().collect());
    store.save(Vec::new(), changed);
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            reload: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for any signal: none to reload, or what says to stop.
    async fn next(&mut self) -> Option<&'static str> {
        tokio::select! {
            _ = self.reload.recv() => None,
            _ = self.terminate.recv() => Some("SIGTERM"),
            _ = self.interrupt.recv() => Some("SIGINT"),
        }
    }

    /// Waits to be told to stop; says by what.
    async fn stop(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

fn start_log(loaded: &Loaded) -> Result<(), ServeError> {
    let format = match loaded.config.log.format {
        LogFormat::Text => logs::Format::Text,
        LogFormat::Json => logs::Format::Json,
    };
    let level = match loaded.config.log.level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    match logs::init(format, level) {
        Ok(()) => {}
        // Somebody who runs a server inside a program of theirs has a log already.
        Err(logs::LogError::AlreadySet) => {}
        Err(error) => return Err(ServeError::BadInput(Problem::error(error.to_string()).into())),
    }
    loaded.warnings.iter().for_each(|warning| events::warning(&warning.to_string()));
    Ok(())
}

/// Opens the store, and takes the account that it holds.
fn open_store(config: &Config, config_path: &Path) -> Result<(Store, Account), Problems> {
    let store = Store::open(store_path(config, config_path).as_deref());
    let mut store = store.map_err(|error| Problems::from(Problem::error(error.to_string())))?;
    let account = store.take_account();
    Ok((store, account))
}

/// The account in the store of a server that does not run; none where there is no store.
///
/// # Errors
/// When the store is not ours, damaged, or in use by a running server.
pub fn stored_account(config: &Config, config_path: &Path) -> Result<Option<Account>, Problems> {
    let Some(path) = store_path(config, config_path).filter(|path| path.exists()) else { return Ok(None) };
    let store = Store::open(Some(&path)).map_err(|error| {
        let problem = Problem::error(error.to_string());
        Problems::from(match error {
            StoreError::InUse { .. } => problem.help("ask the running server for it: --server URL"),
            _ => problem,
        })
    });
    let mut store = store?;
    let account = store.take_account();
    store.close().map_err(|error| Problems::from(Problem::error(error.to_string())))?;
    Ok(Some(account))
}

/// Takes what checks had been told, and forgets what was told of checks that are told no more.
fn take_signals(store: &mut Store, board: &Board) -> Result<Vec<(HealthCheckId, SavedStanding)>, ServeError> {
    let is_told = |id: &HealthCheckId| board.index(id).is_some_and(|index| board.check(index).signalled().is_some());
    let mut signals = store.take_signals();
    let before = signals.len();
    signals.retain(|(id, _)| is_told(id));
    if signals.len() < before {
        let forgotten = store.retain_signals(|id| HealthCheckId::new(id).is_ok_and(|id| is_told(&id)));
        forgotten.map_err(|error| ServeError::BadInput(Problem::error(error.to_string()).into()))?;
    }
    Ok(signals)
}

/// Where query logs are written, if anywhere.
fn query_log_directory(config: &Config, config_path: &Path) -> Option<std::path::PathBuf> {
    config.route53.query_log.as_ref().map(|directory| config::beside(config_path, &directory.path))
}

fn store_path(config: &Config, config_path: &Path) -> Option<std::path::PathBuf> {
    config.store.as_ref().map(|store| config::beside(config_path, &store.to_string_lossy()))
}

fn limits(config: &Config) -> Limits {
    let tcp = config.server.tcp;
    let streams = StreamLimits { idle: tcp.idle_timeout, read: tcp.read_timeout, ..StreamLimits::default() };
    let connections = Caps { total: tcp.max_connections, per_client: tcp.max_connections_per_client };
    Limits { streams, connections, shed_after: config.server.shed_after }
}

/// What the configuration says of the server itself.
fn identity(config: &Config, cookie_secret: [u8; 16]) -> Identity {
    let octets = |text: &String| text.as_bytes().into();
    let idle_tenths = config.server.tcp.idle_timeout.as_millis() / 100;
    Identity {
        nsid: config.server.nsid.as_ref().map(octets),
        version: config.server.version.as_ref().map(octets),
        udp_payload_size: config.server.udp_payload_size.min(server::UDP_REPLY_MAX as u16),
        cookie_secret,
        authority: config.server.authority,
        keepalive_tenths: u16::try_from(idle_tenths).unwrap_or(u16::MAX),
    }
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadInput(problems) => write!(f, "{problems}"),
            Self::Failed { doing, cause } => write!(f, "{doing}: {cause}"),
        }
    }
}

impl std::error::Error for ServeError {}

/// How long the first answer waits for the first round of probes: a black-holed endpoint takes longer, and is unknown.
const FIRST_ROUND_AT_MOST: Duration = Duration::from_secs(5);
/// How long it waits for the first addresses of names outside the zones: without them it answers SERVFAIL for those.
const FIRST_LOOKS_AT_MOST: Duration = Duration::from_secs(2);
/// How long streams may take to finish after SIGTERM.
const DRAIN_WITHIN: Duration = Duration::from_secs(5);
/// How long the query logs may take to be written after that: longer only where the disk hangs.
const LOGS_WRITTEN_WITHIN: Duration = Duration::from_secs(2);
