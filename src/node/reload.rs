//! Reloading: the files read again, and all of them in use or none.
//!
//! Invariant: a problem leaves the snapshot, the checks and the identity as they were, and says why. Addresses, the
//! store and the number of workers are read at the start only; a change of those is a warning.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Parts, identity, publish};
use crate::clock;
use crate::config::Config;
use crate::control::build::Built;
use crate::files::{self, Loaded};
use crate::problem::Problems;
use crate::snapshot::Snapshot;
use crate::telemetry::events;

/// What asked for a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Because {
    Signal,
    FileChanged,
}

/// Knows what is in use.
pub(super) struct Reloader {
    config_path: PathBuf,
    loaded: Arc<Loaded>,
    /// The last attempt left the old configuration in use, so that a good one is news even if it is the old.
    has_failed: bool,
}

impl Reloader {
    pub fn new(config_path: &Path, loaded: Loaded) -> Self {
        Self { config_path: config_path.to_owned(), loaded: Arc::new(loaded), has_failed: false }
    }

    /// What is in use.
    pub fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    /// Reads the files again and puts them to use, or says why not.
    pub async fn reload(&mut self, parts: &Parts, because: Because) {
        match self.read().await {
            // A file was touched and says what it said: nobody needs to hear of it.
            Ok(next) if because == Because::FileChanged && self.is_same(&next) => {}
            Ok(next) => self.adopt(next, parts).await,
            Err(problems) => {
                self.has_failed = true;
                parts.telemetry.reload_failed();
                events::reload_failed(&problems);
            }
        }
    }

    fn is_same(&self, next: &Loaded) -> bool {
        let same_places = self.loaded.built.maps.places().is_same(next.built.maps.places());
        same_places && self.loaded.built.state == next.built.state && self.loaded.config == next.config && !self.has_failed
    }

    /// Reading and compiling a large zone takes a while: not on the runtime's threads.
    async fn read(&self) -> Result<Loaded, Problems> {
        let (path, before) = (self.config_path.clone(), self.loaded.clone());
        let read = tokio::task::spawn_blocking(move || files::load(&path, clock::unix_secs() as u32, Some(&before)));
        read.await.expect("reading files does not panic, and the runtime outlives the reload")
    }

    async fn adopt(&mut self, next: Loaded, parts: &Parts) {
        next.warnings.iter().for_each(|warning| events::warning(&warning.to_string()));
        if needs_restart(&self.loaded.config, &next.config) {
            events::warning(
                "listen addresses, workers, limits, the log, the resolver and the store are read at the start only: restart to change them",
            );
        }
        let secret = parts.identity.load().cookie_secret;
        parts.identity.store(Arc::new(identity(&next.config, secret)));
        let (published, telemetry, store) = (parts.published.clone(), parts.telemetry.clone(), parts.store.clone());
        let Built { catalog, maps, externals, .. } = next.built.clone();
        let checks = next.built.state.checks.clone();
        telemetry.keep_checks(&checks.keys().cloned().collect());
        let externals = parts.follower.replace(externals).await;
        telemetry.keep_targets(externals.targets());
        let adopt = move |change: crate::prober::runner::Change| {
            let health = Arc::new(change.table);
            published.update(|now| {
                let (catalog, health, maps) = (catalog.clone(), health.clone(), maps.clone());
                // What was published since is newer.
                let is_same = now.externals.targets() == externals.targets();
                let externals = if is_same { &now.externals } else { &externals }.clone();
                Some(Snapshot { catalog, health, maps, externals, generation: now.generation + 1 })
            });
            publish::tell(&telemetry, &change.events);
            store.save_all(change.saved);
        };
        parts.runner.replace(checks, adopt).await;
        parts.telemetry.reloaded(clock::now());
        let state = &next.built.state;
        events::reloaded(parts.published.load().generation, state.zones.len(), state.checks.len());
        (self.loaded, self.has_failed) = (Arc::new(next), false);
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
            config.http,
            config.store.clone(),
            config.resolver.clone(),
            config.log,
        )
    };
    started_with(before) != started_with(next)
}
