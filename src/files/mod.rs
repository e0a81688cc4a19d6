//! The operator's files, from disk to what can be served: one call for `serve`, its reloads, and the commands.
//!
//! Opens and judges nothing itself: `config`, `control::load` and `control::build` do. Invariant: all or nothing; what
//! comes back can be served as it is, and every problem in every file is reported in one run.

mod cores;
mod geo;

use std::path::Path;
use std::sync::Arc;

use crate::config::http::{Tokens, read_tokens};
use crate::config::route53::{check_query_log, read_keys};
use crate::config::{self, Config, Files};
use crate::control::build::{Built, build, build_by};
use crate::control::let_go::let_go;
use crate::control::load::{join_zones, read_zone};
use crate::control::serial::fill_serials;
use crate::control::state::State;
use crate::jobs::DoJobs;
use crate::problem::{Problem, Problems};
use crate::route53::access::Keys;
use crate::zone::compile::CompileError;
pub use cores::OnAllCores;
use geo::GeoFiles;

/// What the files say.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub config: Config,
    /// What the files say.
    pub state: Arc<State>,
    /// That and what was added to it.
    pub built: Arc<Built>,
    /// Who may use the Route 53 API.
    pub keys: Arc<Keys>,
    /// Who may change things through the admin API.
    pub tokens: Arc<Tokens>,
    pub warnings: Problems,
    geo: GeoFiles,
}

/// What is to be built of the configuration and of what the files say.
pub type Add<'a> = dyn FnMut(&Config, &State) -> Result<State, Problems> + 'a;

/// Reads the server's file at `path`, its zones and what they include, and what is known of clients.
///
/// `now_secs` (since 1970) becomes the serial of SOAs that leave theirs to us; what has not changed since `before` is
/// shared with it.
///
/// # Errors
/// Every problem in every file, when one of them is an error.
pub fn load(path: &Path, now_secs: u32, before: Option<&Loaded>) -> Result<Loaded, Problems> {
    load_with(path, now_secs, before, &mut |_, state| Ok(state.clone()))
}

/// The same, building what `add` makes of the state that the files say: with what is kept elsewhere.
///
/// # Errors
/// Every problem in every file, or those of `add`.
pub fn load_with(path: &Path, now_secs: u32, before: Option<&Loaded>, add: &mut Add<'_>) -> Result<Loaded, Problems> {
    let (config, mut problems) = config::read(path);
    let Some(config) = config else { return Err(problems) };
    let known = before.map(|before| before.geo.clone()).unwrap_or_default();
    let (geo, found) = GeoFiles::read(&config.geo, path, &known);
    problems.append(found);
    let (keys, found) = read_keys(&config.route53, path);
    problems.append(found);
    let (tokens, found) = config.http.as_ref().map(|http| read_tokens(http, path)).unwrap_or_default();
    problems.append(found);
    problems.append(check_query_log(&config.route53, path));
    let (sources, found) = config::read_zone_files(&config, path);
    problems.append(found);
    let (state, found) = join_zones(OnAllCores.map(sources, |source| read_zone(source, &mut Files, LEFT_TO_US)));
    problems.append(found);
    let Some(state) = state.filter(|_| !problems.has_errors()) else { return Err(problems) };
    let before = before.map(|before| &*before.built);
    let served = before.map(|before| before.state.clone()).unwrap_or_default();
    let state = match fill_serials(state, &served, config.serves_route53(), now_secs) {
        Ok(state) => {
            let brakes = Arc::new(config.brakes.rules.clone());
            State { views: config.route53.vpcs.clone(), brakes, ..state }
        }
        Err(found) => {
            problems.append(found);
            return Err(problems);
        }
    };
    let whole = add(&config, &state)?;
    problems.append(config.brakes.check(&whole.checks.keys().map(|id| id.as_str()).collect::<Vec<_>>()));
    if problems.has_errors() {
        return Err(problems);
    }
    match build_by(&OnAllCores, whole, &geo.places(&config.geo), before) {
        Ok(built) => {
            let (state, built) = (Arc::new(state), Arc::new(built));
            let (keys, tokens) = (Arc::new(keys), Arc::new(tokens));
            Ok(Loaded { config, state, built, keys, tokens, warnings: problems, geo })
        }
        Err(errors) => {
            errors.into_iter().for_each(|error| problems.push(Problem::error(error.to_string())));
            Err(problems)
        }
    }
}

impl Loaded {
    /// The same files, with another build of what they and others say.
    pub fn with(&self, built: Built) -> Self {
        Self { built: Arc::new(built), ..self.clone() }
    }

    /// The same without the record sets that nobody will ask for; those that the API shows are packed.
    pub fn letting_go(&self) -> Self {
        let state = let_go(&self.state, self.config.serves_route53());
        let mut whole = State { let_go: state.let_go.clone(), ..self.built.state.clone() };
        // The files' zones are the first of both, and shared.
        whole.zones.splice(..state.zones.len(), state.zones.iter().cloned());
        let built = Arc::new(Built::clone(&self.built).holding(&whole));
        Self { state: Arc::new(state), built, ..self.clone() }
    }

    /// Builds `state` with what is known of clients, sharing what has not changed; on one core, as the others answer.
    ///
    /// # Errors
    /// Every reason why a zone of it cannot be compiled.
    pub fn build(&self, state: State) -> Result<Built, Vec<CompileError>> {
        build(state, self.built.maps.places(), Some(&self.built))
    }
}

/// The serial that asks to be filled in.
const LEFT_TO_US: u32 = 0;
