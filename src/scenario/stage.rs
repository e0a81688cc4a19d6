//! Runs cases on one setting: health for each, its responses, and the judgement.
//!
//! Invariant: cases with the same health share one table, and no case changes what another sees.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ask::{TooManyPaths, ask};
use super::case::{Case, Health, Setting};
use super::judge::{Got, Mismatch, judge};
use super::timeline::healthy_board;
use crate::control::build::Built;
use crate::explain::ExplainReport;
use crate::health::board::Board;
use crate::health::table::HealthTable;
use crate::snapshot::Snapshot;
use crate::zone::external::Externals;
use jiff::Timestamp;

/// Where cases run.
#[derive(Debug)]
pub struct Stage<'s> {
    setting: &'s Setting,
    tables: BTreeMap<Health, Arc<HealthTable>>,
    /// Made when the first timeline asks for it.
    healthy: Option<Board>,
}

/// How one case ended.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// None: it holds.
    pub mismatches: Vec<Mismatch>,
    /// A response that does not hold, with its reasons.
    pub explanation: Option<ExplainReport>,
}

impl<'s> Stage<'s> {
    pub fn new(setting: &'s Setting) -> Self {
        Self { setting, tables: BTreeMap::new(), healthy: None }
    }

    pub fn run(&mut self, case: &Case) -> Outcome {
        let health = self.table(&case.health);
        let externals = &self.setting.built.externals;
        let externals = case.elsewhere.known(externals, Timestamp::UNIX_EPOCH, "the scenario does not say what it has");
        let snapshot = self.setting.snapshot(health, externals);
        match ask(&snapshot, &self.setting.identity, case) {
            Ok(mut responses) => {
                let (mismatches, first) = judge(case, &responses);
                Outcome { mismatches, explanation: first.map(|at| responses.swap_remove(at).report) }
            }
            Err(too_many) => too_many.into(),
        }
    }

    /// How many tables of verdicts the cases needed until now.
    pub fn tables(&self) -> usize {
        self.tables.len()
    }

    fn table(&mut self, health: &Health) -> Arc<HealthTable> {
        if let Some(known) = self.tables.get(health) {
            return known.clone();
        }
        let built = &self.setting.built;
        let table = match health {
            Health::Supposed(supposed) => {
                built.supposing(supposed.verdicts(&built.state.checks, Timestamp::UNIX_EPOCH, "marked down by the scenario"))
            }
            Health::Probed(timeline) => {
                let healthy = self.healthy.get_or_insert_with(|| healthy_board(&built.plan()));
                timeline.table(&built.plan(), healthy)
            }
        };
        self.tables.entry(health.clone()).or_insert(Arc::new(table)).clone()
    }
}

impl Setting {
    /// What is served when this is known of health and of names outside the zones.
    pub(super) fn snapshot(&self, health: Arc<HealthTable>, externals: Arc<Externals>) -> Snapshot {
        let Built { catalog, maps, .. } = &self.built;
        Snapshot { catalog: catalog.clone(), health, maps: maps.clone(), externals, generation: 0 }
    }
}

impl From<TooManyPaths> for Outcome {
    fn from(too_many: TooManyPaths) -> Self {
        let expected = format!("at most {} ways that chance can fall", too_many.max);
        let got = vec![Got { text: "more".to_owned(), share: 1.0 }];
        Self { mismatches: vec![Mismatch { what: "chance", expected, got }], explanation: None }
    }
}
