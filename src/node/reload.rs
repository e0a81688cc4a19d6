//! Reloading: the files read again, and all of them in use or none.
//!
//! Invariant: a problem leaves the snapshot, the checks and the identity as they were, and says why. Addresses, the
//! store and the number of workers are read at the start only; a change of those is a warning.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::keeper::Keeper;
use super::{Parts, identity, query_log_directory};
use crate::clock;
use crate::config::Config;
use crate::control::state::State;
use crate::files::{self, Loaded};
use crate::problem::Problems;
use crate::telemetry::{Event, events};

/// What asked for a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Because {
    Signal,
    FileChanged,
}

/// Reads the files again when it is told to.
pub(super) struct Reloader {
    config_path: PathBuf,
    keeper: Arc<Keeper>,
    /// The last attempt left the old configuration in use, so that a good one is news even if it is the old.
    has_failed: bool,
}

impl Reloader {
    pub fn new(config_path: &Path, keeper: Arc<Keeper>) -> Self {
        Self { config_path: config_path.to_owned(), keeper, has_failed: false }
    }

    /// Reads the files again and puts them to use, or says why not.
    pub async fn reload(&mut self, parts: &Parts, because: Because) {
        let keeper = self.keeper.clone();
        let _turn = keeper.turn().await;
        match self.read().await {
            // A file was touched and says what it said: nobody needs to hear of it.
            Ok(next) if because == Because::FileChanged && self.is_same(&next) => {}
            Ok(next) => self.adopt(next, parts).await,
            Err(problems) => {
                self.has_failed = true;
                parts.telemetry.reload_failed();
                parts.telemetry.tell(clock::now(), Event::ReloadFailed { problems: problems.to_string() });
            }
        }
    }

    fn is_same(&self, next: &Loaded) -> bool {
        let loaded = self.keeper.loaded();
        let same_places = loaded.built.maps.places().is_same(next.built.maps.places());
        same_places
            && loaded.keys == next.keys
            && loaded.tokens == next.tokens
            && loaded.built.state == next.built.state
            && loaded.config == next.config
            && !self.has_failed
    }

    /// Reading and compiling a large zone takes a while: not on the runtime's threads.
    async fn read(&self) -> Result<Loaded, Problems> {
        let (path, keeper) = (self.config_path.clone(), self.keeper.clone());
        let read = tokio::task::spawn_blocking(move || {
            let before = keeper.loaded();
            let add = &mut |_: &Config, state: &State| Ok(keeper.account().served(state));
            files::load_with(&path, clock::unix_secs() as u32, Some(&before), add).map(|next| next.letting_go())
        });
        read.await.expect("reading files does not panic, and the runtime outlives the reload")
    }

    async fn adopt(&mut self, next: Loaded, parts: &Parts) {
        next.warnings.iter().for_each(|warning| events::warning(&warning.to_string()));
        if needs_restart(&self.keeper.loaded().config, &next.config) {
            events::warning(
                "listen addresses, workers, limits, probes, the log, the resolver and the store are read at the start only: restart to change them",
            );
        }
        let secret = parts.identity.load().cookie_secret;
        parts.identity.store(Arc::new(identity(&next.config, secret)));
        parts.rate_limits.replace(next.config.rate_limit.clone());
        parts.query_logs.set_directory(query_log_directory(&next.config, &self.config_path));
        self.keeper.adopt(next).await;
        self.keeper.warn_of_unwritten_logs();
        parts.telemetry.reloaded(clock::now());
        let (zones, checks) = self.keeper.counts();
        let generation = parts.published.load().generation;
        parts.telemetry.tell(clock::now(), Event::Reloaded { generation, zones, checks });
        self.has_failed = false;
    }
}

/// Whether something changed that only a restart can put to use.
fn needs_restart(before: &Config, next: &Config) -> bool {
    let started_with = |config: &Config| {
        let server = &config.server;
        (
            server.listen.clone(),
            server.workers,
            server.tcp,
            server.shed_after,
            config.commands_max,
            config.http_listen(),
            config.store.clone(),
            config.resolver.clone(),
            config.log,
        )
    };
    started_with(before) != started_with(next)
}
