//! `[brakes]` of `waypost.toml`: what keeps automation from taking too much out of service.
//!
//! `health::brakes` and `health::doubt` say what each does. Invariant: shares are 1 to 100 percent, and a rule asks for no
//! more than it names.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::health::brakes::{AssertionRule, BrakeRules, Velocity};
use crate::health::doubt::DoubtRules;
use crate::health::overrides::Pattern;
use crate::ids::HealthCheckId;
use crate::problem::{Place, Problem, Problems, nearest};
use crate::toml_table::{Table, Value};

/// The brakes, and where the checks are named that are canaries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brakes {
    pub rules: BrakeRules,
    pub canaries: Vec<(HealthCheckId, Place)>,
}

/// Reads the table; what it does not say is as it is by default.
pub(super) fn read_brakes(root: &mut Table<'_>) -> Brakes {
    let mut brakes = Brakes::default();
    let Some(mut table) = root.table("brakes") else { return brakes };
    if let Some(value) = table.optional("fleet") {
        brakes.rules.fleet = read_velocity(&value);
    }
    brakes.rules.region = table.optional("region").and_then(|value| read_velocity(&value));
    brakes.rules.group = table.optional("group").and_then(|value| read_velocity(&value));
    brakes.canaries = table.array("canaries").iter().filter_map(read_canary).collect();
    let canaries: BTreeSet<HealthCheckId> = brakes.canaries.iter().map(|(id, _)| id.clone()).collect();
    brakes.rules.doubt = DoubtRules { canaries, ..read_doubt(&mut table) };
    brakes.rules.rules = table.array_of_tables("rule").into_iter().filter_map(read_rule).collect();
    table.finish();
    brakes
}

impl Brakes {
    /// What is wrong with the canaries, where `is_check` says what a check is.
    pub fn check(&self, known: &[&str]) -> Problems {
        let mut problems = Problems::default();
        for (id, place) in self.canaries.iter().filter(|(id, _)| !known.contains(&id.as_str())) {
            let near = nearest(id.as_str(), known.iter().copied());
            let help = near
                .map_or_else(|| "a canary is a health check of a zone file".to_owned(), |near| format!("did you mean {near:?}?"));
            problems
                .push(Problem::error(format!("the canary {:?} is no health check", id.as_str())).help(help).at(place.clone()));
        }
        problems
    }
}

/// `"off"`, or `{ share = "50%", at_least = 10, per = "1m" }`.
fn read_velocity(value: &Value<'_>) -> Option<Velocity> {
    if is_off(value)? {
        return None;
    }
    let mut table = value.table()?;
    let percent = table.required("share", "\"50%\"").and_then(|value| read_percent(&value));
    let at_least = table.optional_int("at_least", 1..=1_000_000).unwrap_or(1);
    let per = table.optional_duration("per", PERIODS).unwrap_or(Duration::from_secs(60));
    table.finish();
    Some(Velocity { percent: percent?, at_least: u32::try_from(at_least).expect("1 to 1000000"), per })
}

/// Whether a value is `"off"`; none where it is another word.
fn is_off(value: &Value<'_>) -> Option<bool> {
    if value.is_table() {
        return Some(false);
    }
    value.word(&[("off", true)])
}

fn read_doubt(table: &mut Table<'_>) -> DoubtRules {
    let mut doubt = DoubtRules::default();
    match table.optional("mass").map(|value| (is_off(&value), value)) {
        Some((Some(true), _)) => doubt.mass_percent = 0,
        Some((Some(false), value)) => read_mass(&value, &mut doubt),
        _ => {}
    }
    if let Some(value) = table.optional("lag") {
        doubt.lag = match value.string() {
            Some("off") => Duration::ZERO,
            _ => value.duration(LAGS).unwrap_or(doubt.lag),
        };
    }
    doubt
}

fn read_mass(value: &Value<'_>, doubt: &mut DoubtRules) {
    let Some(mut table) = value.table() else { return };
    if let Some(percent) = table.optional("share").and_then(|value| read_percent(&value)) {
        doubt.mass_percent = percent;
    }
    if let Some(count) = table.optional_int("at_least", 2..=1_000_000) {
        doubt.mass_at_least = u32::try_from(count).expect("2 to 1000000");
    }
    doubt.mass_lasts = table.optional_duration("lasts", LASTS).unwrap_or(doubt.mass_lasts);
    table.finish();
}

fn read_percent(value: &Value<'_>) -> Option<u8> {
    let written = value.string()?;
    let percent = written.strip_suffix('%').and_then(|number| number.trim_end().parse().ok());
    let percent = percent.filter(|percent| (1..=100).contains(percent));
    if percent.is_none() {
        value.wrong(format_args!("{written:?} is not within 1% to 100%"), "a share such as \"50%\"");
    }
    percent
}

fn read_canary(value: &Value<'_>) -> Option<(HealthCheckId, Place)> {
    let id = HealthCheckId::new(value.string()?).map_err(|error| value.error(format_args!("the name {error}"))).ok()?;
    Some((id, value.place()))
}

/// `name = "a writer"`, `at_least = 1`, `of = ["endpoint:fra", "endpoint:iad"]`.
fn read_rule(mut table: Table<'_>) -> Option<AssertionRule> {
    let name = table.required("name", "\"one region stays\"").and_then(|value| value.string());
    let at_least = table.required("at_least", "1");
    let of = table.required("of", "[\"endpoint:fra\", \"endpoint:iad\"]");
    table.finish();
    let of: Vec<Pattern> = of?.items().iter().filter_map(read_thing).collect();
    let at_least = at_least?;
    let found = at_least.int(1..=1_000_000)?;
    if found > of.len() as i64 {
        at_least.wrong(format_args!("{found} of {} things never stay in service", of.len()), "at most as many as `of` names");
        return None;
    }
    Some(AssertionRule { name: name?.into(), at_least: u32::try_from(found).expect("1 to 1000000"), of })
}

/// A pattern; a name alone is a check's.
fn read_thing(value: &Value<'_>) -> Option<Pattern> {
    let written = value.string()?;
    let whole = if written.contains(':') { written.to_owned() } else { format!("check:{written}") };
    whole.parse().map_err(|error| value.error(format_args!("{written:?}: {error}"))).ok()
}

const PERIODS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(24 * 3_600);
const LASTS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(600);
const LAGS: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    const SERVER: &str = "[server]\nlisten = [\"127.0.0.1:53\"]\n[http]\nlisten = \"127.0.0.1:80\"\n";

    fn read(text: &str) -> Brakes {
        let (config, problems) = parse(&"waypost.toml".into(), &[SERVER, text].concat());
        config.unwrap_or_else(|| panic!("{problems}")).brakes
    }

    fn wrong(text: &str) -> String {
        let (config, problems) = parse(&"waypost.toml".into(), &[SERVER, "[brakes]\n", text].concat());
        assert!(config.is_none(), "{text}");
        problems.to_string()
    }

    #[test]
    fn what_is_not_said_is_as_by_default() {
        assert_eq!(read(""), read("[brakes]\n"));
        assert_eq!(read("").rules, BrakeRules::default());
        assert_eq!(read("[brakes]\nfleet = \"off\"\nmass = \"off\"\nlag = \"off\"\n").rules, BrakeRules::none());
    }

    #[test]
    fn every_brake_is_read() {
        let brakes = read(
            "[brakes]\nfleet = { share = \"10%\" }\nregion = { share = \"100%\", at_least = 2, per = \"5m\" }\n\
             group = { share = \"50%\", at_least = 1, per = \"10s\" }\ncanaries = [\"dns\"]\nlag = \"1s\"\n\
             mass = { share = \"40%\", at_least = 20, lasts = \"1m\" }\n\
             [[brakes.rule]]\nname = \"one stays\"\nat_least = 1\nof = [\"fra\", \"region:aws:us-*\"]\n",
        );
        let secs = Duration::from_secs;
        assert_eq!(brakes.rules.fleet, Some(Velocity { percent: 10, at_least: 1, per: secs(60) }));
        assert_eq!(brakes.rules.region, Some(Velocity { percent: 100, at_least: 2, per: secs(300) }));
        assert_eq!(brakes.rules.group, Some(Velocity { percent: 50, at_least: 1, per: secs(10) }));
        let DoubtRules { canaries, mass_percent, mass_at_least, mass_lasts, lag } = brakes.rules.doubt;
        assert_eq!((canaries.len(), mass_percent, mass_at_least, mass_lasts, lag), (1, 40, 20, secs(60), secs(1)));
        let of: Vec<String> = brakes.rules.rules[0].of.iter().map(ToString::to_string).collect();
        assert_eq!(of, ["check:fra", "region:aws:us-*"]);
    }

    #[test]
    fn what_cannot_be_is_told_with_what_could() {
        for (text, words) in [
            ("fleet = \"on\"\n", "fleet: \"on\" is not known (did you mean \"off\"?)"),
            ("fleet = { at_least = 3 }\n", "share is missing"),
            ("region = { share = \"0%\" }\n", "\"0%\" is not within 1% to 100%"),
            ("mass = { share = \"30%\", least = 2 }\n", "unknown key \"least\""),
            ("lag = \"1ms\"\n", "1ms is not within 10ms to 10s"),
            ("[[brakes.rule]]\nname = \"n\"\nat_least = 2\nof = [\"a\"]\n", "2 of 1 things never stay in service"),
            ("[[brakes.rule]]\nname = \"n\"\nat_least = 1\nof = [\"zone:a\"]\n", "\"zone:a\": "),
        ] {
            let problems = wrong(text);
            assert!(problems.contains(words), "{text}{problems}");
        }
    }

    #[test]
    fn a_canary_is_a_check() {
        let known = |known: &[&str]| read("[brakes]\ncanaries = [\"fre\"]\n").check(known).to_string();
        assert!(!known(&["fre"]).contains("error"));
        assert!(known(&["fra"]).contains("the canary \"fre\" is no health check (did you mean \"fra\"?)"), "{}", known(&["fra"]));
    }
}
