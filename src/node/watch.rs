//! Notices that a file of the configuration changed.
//!
//! Watches folders, not files: editors and deployment tools replace files rather than write them. Reads no file.
//! Invariants: many changes in a row are one, told when they have paused; a file that is open for writing is no change
//! yet. Where watching is not to be had, SIGHUP is. Source: inotify(7).

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::config;
use crate::config::route53::SecretSource;
use crate::files::Loaded;
use crate::telemetry::events;

/// The folders being watched.
pub(super) struct FileWatch {
    config_path: PathBuf,
    watcher: Option<RecommendedWatcher>,
    changes: mpsc::Receiver<()>,
    watched: BTreeSet<PathBuf>,
    /// The names of the files that were read, shared with the watcher's thread.
    known: Arc<ArcSwap<BTreeSet<OsString>>>,
}

impl FileWatch {
    /// Watches every folder that holds a file of `loaded`.
    pub fn start(config_path: &Path, loaded: &Loaded) -> Self {
        // One waiting change is enough: it says that there was at least one.
        let (changed, changes) = mpsc::channel(1);
        let known: Arc<ArcSwap<BTreeSet<OsString>>> = Arc::default();
        let names = known.clone();
        let noticed = move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| matters(&event, &names.load())) {
                // A full channel says so already.
                let _ = changed.try_send(());
            }
        };
        let watcher = match notify::recommended_watcher(noticed) {
            Ok(watcher) => Some(watcher),
            Err(error) => {
                events::warning(&format!("watching files for changes: {error}; SIGHUP still reloads"));
                None
            }
        };
        let mut watch = Self { config_path: config_path.to_owned(), watcher, changes, watched: BTreeSet::new(), known };
        watch.follow(loaded);
        watch
    }

    /// Watches the folders of `loaded` too; those no longer needed cost nothing.
    pub fn follow(&mut self, loaded: &Loaded) {
        let config_path = &self.config_path;
        let names = files(config_path, loaded).filter_map(|file| file.file_name().map(OsStr::to_owned));
        self.known.store(Arc::new(names.collect()));
        let Some(watcher) = &mut self.watcher else { return };
        for folder in folders(config_path, loaded) {
            if self.watched.contains(&folder) {
                continue;
            }
            if let Err(error) = watcher.watch(&folder, RecursiveMode::NonRecursive) {
                let folder = folder.display();
                events::warning(&format!("watching {folder} for changes: {error}; SIGHUP still reloads"));
            }
            self.watched.insert(folder);
        }
    }

    /// Waits for a change, and for the changes to pause.
    pub async fn changed(&mut self) {
        if self.changes.recv().await.is_none() {
            return std::future::pending().await;
        }
        while let Ok(Some(())) = timeout(PAUSE, self.changes.recv()).await {}
    }
}

/// Whether an event can have changed what the files say: reading does not, nor does what else lies in their folders,
/// such as the store or a log.
fn matters(event: &Event, known: &BTreeSet<OsString>) -> bool {
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default();
        // Also those that were not there when they were to be read.
        let is_of_kind = path.extension().is_some_and(|kind| KINDS.iter().any(|known| kind == *known));
        // Mounted configurations are swapped by a link whose name begins with two dots.
        is_of_kind || known.contains(name) || name.as_encoded_bytes().starts_with(b"..")
    };
    is_whole(event) && event.paths.iter().any(is_ours)
}

/// Whether what an event is about can be read whole: who makes a file or adds to it has yet to close it, and half a
/// zone may read as a zone. A link is whole at once, and so is what is moved into its place.
fn is_whole(event: &Event) -> bool {
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Data(_)) => false,
        EventKind::Create(_) => event.paths.iter().any(|path| path.is_symlink()),
        EventKind::Any | EventKind::Modify(_) | EventKind::Remove(_) | EventKind::Other => true,
    }
}

/// Every file that was read: the server's, the zones', what they include, what is known of clients, and the secrets of
/// access keys and tokens.
fn files(config_path: &Path, loaded: &Loaded) -> impl Iterator<Item = PathBuf> {
    let geo = &loaded.config.geo;
    let places = [&geo.mmdb, &geo.latency].into_iter().flatten().map(|file| config::beside(config_path, &file.path));
    let zones = loaded.built.state.zones.iter().flat_map(|zone| &zone.files).map(|file| PathBuf::from(&**file));
    let tokens = loaded.config.http.iter().flat_map(|http| &http.tokens).map(|token| &token.secret);
    let keys = loaded.config.route53.keys.iter().map(|key| &key.secret);
    let secrets = keys.chain(tokens).filter_map(|secret| match secret {
        SecretSource::File(file) => Some(config::beside(config_path, &file.path)),
        SecretSource::Here(_) => None,
    });
    zones.chain(places).chain(secrets).chain([config_path.to_owned()])
}

/// The folders of those files, and of the patterns that find zones.
fn folders(config_path: &Path, loaded: &Loaded) -> BTreeSet<PathBuf> {
    let patterns = loaded.config.zone_files.iter().map(|(pattern, _)| config::beside(config_path, pattern));
    let folder = |file: PathBuf| match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    patterns.chain(files(config_path, loaded)).map(folder).collect()
}

/// What files that may be read are called, after the last dot.
const KINDS: [&str; 4] = ["toml", "zone", "mmdb", "csv"];

/// How long files must rest: an editor writes in several steps.
const PAUSE: Duration = Duration::from_millis(100);
