//! `waypost export`: one zone as text, for other programs or for another waypost.
//!
//! Decides nothing about a zone. Invariant: what is printed reads back as the zone; what the notation has no words for is
//! refused with all of it, unless the operator says that it may be lost.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::problems::counted;
use super::zones::{Keeper, Known};
use super::{Ending, Failure, tell};
use crate::control::expand::expand;
use crate::control::load::load_zones;
use crate::control::state::State;
use crate::problem::{Problem, Problems, Severity};
use crate::route53::exchange::batches::{self, Size, Step};
use crate::route53::exchange::{json, words};
use crate::route53::records::rrset::Rrset;
use crate::route53::records::shape::Action;
use crate::route53::shapes::Model;
use crate::wire::rtype::RecordType;
use crate::zone::hosted_zone::HostedZone;
use crate::zone::master::{NoFiles, Source};
use crate::zone::print::print;
use crate::zone::record_set::{Content, RecordSet, RoutingPolicy};

/// Print one zone: as zone TOML, as a master file, or as a change batch for Route 53
///
/// The zone is looked for in the configuration's files, then in the store that the configuration names (of a server that
/// does not run: a running one has its store to itself), or, with --server, behind the API of a running server.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
Exit status: 0 when all of the zone was printed, 1 when a server does not answer, 2 when there is no such zone or the notation
has no words for something in it.

Examples:
  waypost export example.org --format toml
  waypost export toml example.org --server http://127.0.0.1:8053
  waypost export master example.org --lossy
  waypost export route53 example.org --hosted-zone-id Z0123456789ABCDEFGHIJ > batch.json
  aws route53 change-resource-record-sets --hosted-zone-id Z0123456789ABCDEFGHIJ --change-batch file://batch.json"
)]
pub(super) struct ExportArgs {
    #[command(subcommand)]
    notation: Option<Notation>,
    /// The notation
    #[arg(long, value_enum, required = true)]
    format: Option<Format>,
    #[command(flatten)]
    batch: BatchArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Notation {
    /// A ChangeBatch as JSON, as `aws route53 change-resource-record-sets --change-batch` takes it
    ///
    /// It creates every record set but the SOA and NS at the apex, which a hosted zone has already. A zone that is more
    /// than one batch may hold becomes several files: --out says where.
    Route53(BatchArgs),
    /// Zone TOML, with the health checks and CIDR collections that the zone names
    Toml(ZoneArgs),
    /// A master file (RFC 1035)
    Master(ZoneArgs),
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    Route53,
    Toml,
    Master,
}

#[derive(Debug, clap::Args)]
struct BatchArgs {
    #[command(flatten)]
    zone: ZoneArgs,
    /// route53: the id of the zone that the batch is for, which aliases within the zone must say
    #[arg(long, value_name = "ID")]
    hosted_zone_id: Option<String>,
    /// route53: the id there of a health check here; once for each
    #[arg(long, value_name = "NAME=ID")]
    health_check: Vec<String>,
    /// route53: write batch-1.json, batch-2.json, … into this directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// route53: so many changes in a batch, instead of as many as AWS takes
    #[arg(long, value_name = "N")]
    batch: Option<usize>,
}

#[derive(Debug, clap::Args)]
struct ZoneArgs {
    /// The zone's name, or its id
    // Not there only where a subcommand has its own.
    #[arg(required = true)]
    zone: Option<String>,
    #[command(flatten)]
    keeper: Keeper,
    /// Leave out, or say as nearly as can be, what the notation has no words for
    #[arg(long)]
    lossy: bool,
}

impl ZoneArgs {
    fn find(&self) -> Result<Known, Failure> {
        self.keeper.find(self.zone.as_deref().unwrap_or_default())
    }
}

pub(super) fn run(args: &ExportArgs, out: &mut dyn Write) -> Result<Ending, Failure> {
    match (&args.notation, args.format) {
        (Some(Notation::Route53(args)), _) => route53(args, out),
        (None, Some(Format::Route53)) => route53(&args.batch, out),
        (Some(Notation::Toml(args)), _) => toml(args, out),
        (Some(Notation::Master(args)), _) => master(args, out),
        (None, Some(Format::Master)) => master(&args.batch.zone, out),
        (None, Some(Format::Toml) | None) => toml(&args.batch.zone, out),
    }
}

fn toml(args: &ZoneArgs, out: &mut dyn Write) -> Result<Ending, Failure> {
    let known = args.find()?;
    refuse_loss(&known.made, args.lossy, "zone TOML")?;
    out.write_all(zone_toml(&known.state)?.as_bytes())?;
    Ok(Ending::Held)
}

/// The text of a state of one zone, once it was seen to read back.
pub(super) fn zone_toml(state: &State) -> Result<String, Failure> {
    zone_toml_with(state, "")
}

/// The same with a line behind that which names the zone.
pub(super) fn zone_toml_with(state: &State, line: &str) -> Result<String, Failure> {
    let text: String = expand(state).into_iter().map(|expanded| expanded.text.replacen('\n', &format!("\n{line}"), 1)).collect();
    let source = Source { file: "zone.toml".into(), octets: text.clone().into_bytes() };
    let (read, problems) = load_zones(vec![source], &mut NoFiles, 0);
    if read.is_some() {
        return Ok(text);
    }
    let mut unplaced = Problems::default();
    // Lines of a text that nobody sees would not help.
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
    errors.for_each(|problem| unplaced.push(Problem { place: None, ..problem.clone() }));
    Err(Failure::BadInput(unplaced))
}

fn master(args: &ZoneArgs, out: &mut dyn Write) -> Result<Ending, Failure> {
    let Known { zone, made, .. } = args.find()?;
    let mut lost: Vec<String> = zone.record_sets.iter().filter_map(lost_in_master).collect();
    lost.extend(words::options(&zone));
    lost.extend(made);
    refuse_loss(&lost, args.lossy, "a master file")?;
    // The SOA comes first (RFC 1035 §5.2).
    let is_soa = |set: &&RecordSet| set.rtype == RecordType::SOA;
    let (soa, others) = (zone.record_sets.iter().filter(is_soa), zone.record_sets.iter().filter(|set| !is_soa(set)));
    out.write_all(print(soa.chain(others)).as_bytes())?;
    Ok(Ending::Held)
}

fn lost_in_master(set: &RecordSet) -> Option<String> {
    let what = match (&set.content, &set.policy) {
        (Content::Alias(alias), _) => format!("an alias of {}", alias.target),
        (_, RoutingPolicy::Simple) if set.health_check.is_none() => return None,
        (_, RoutingPolicy::Simple) => "a health check".to_owned(),
        (_, policy) => format!("policy {}", policy.word()),
    };
    Some(format!("{} {}: {what}", set.name, set.rtype))
}

/// Refuses what would be lost, all of it; or tells it.
pub(super) fn refuse_loss(lost: &[String], is_lossy: bool, notation: &str) -> Result<(), Failure> {
    let mut problems = Problems::default();
    for what in lost {
        let message = format!("{notation} has no words for it: {what}");
        problems.push(if is_lossy { Problem::warning(message) } else { Problem::error(message) });
    }
    match problems.is_empty() {
        true => Ok(()),
        false if is_lossy => {
            super::warn(&problems);
            Ok(())
        }
        false => {
            problems.push(
                Problem::warning("nothing was done").help("--lossy leaves out, or says as nearly as can be, what has no words"),
            );
            Err(Failure::BadInput(problems))
        }
    }
}

fn route53(args: &BatchArgs, out: &mut dyn Write) -> Result<Ending, Failure> {
    let known = args.zone.find()?;
    refuse_loss(&known.made, args.zone.lossy, "a change batch")?;
    let ids = check_ids(&args.health_check)?;
    let rrsets = said(&known, args)?.into_iter().map(|rrset| with_check_id(rrset, &ids)).collect::<Vec<_>>();
    if known.said.is_none() {
        warn_of_checks(&rrsets, &ids);
    }
    let is_apex =
        |rrset: &Rrset| rrset.set.name == known.zone.name && matches!(rrset.set.rtype, RecordType::SOA | RecordType::NS);
    let ordered = batches::in_order(rrsets.into_iter().filter(|rrset| !is_apex(rrset)));
    let steps = ordered.into_iter().map(|rrset| Step { action: Action::Create, rrset }).collect();
    let batches = batches::split(steps, args.batch.map_or(Size::Aws, Size::Changes));
    let model = Model::new();
    let texts: Vec<String> = batches.iter().map(|batch| json::show(&model, "ChangeBatch", &batches::put(batch).into())).collect();
    match (&args.out, &texts[..]) {
        (Some(directory), texts) => write_batches(directory, texts, out),
        (None, [text]) => {
            out.write_all(text.as_bytes())?;
            Ok(Ending::Held)
        }
        (None, []) => Err(Failure::bad_input(Problem::error(format!(
            "{} has nothing but its SOA and NS: there is no change to make",
            known.zone.name
        )))),
        (None, several) => {
            let problem = format!(
                "{} takes {} batches, each of at most {} records and {} characters",
                known.zone.name,
                several.len(),
                batches::RECORDS_MAX,
                batches::CHARACTERS_MAX
            );
            Err(Failure::bad_input(
                Problem::error(problem).help("--out DIR writes each to a file; --batch N makes them of N changes"),
            ))
        }
    }
}

/// The record sets as the API would be told of them, for the zone of the id that was given.
fn said(known: &Known, args: &BatchArgs) -> Result<Vec<Arc<Rrset>>, Failure> {
    let Some((id, rrsets)) = &known.said else { return of_file(&known.zone, args) };
    let id = args.hosted_zone_id.as_ref().map(|wanted| (id, wanted));
    Ok(rrsets.values().map(|rrset| with_zone_id(rrset, id)).collect())
}

/// The ids there by the names here.
fn check_ids(given: &[String]) -> Result<BTreeMap<&str, &str>, Failure> {
    given
        .iter()
        .map(|given| {
            given.split_once('=').ok_or_else(|| {
                let problem = Problem::error(format!("--health-check {given:?} has no id"));
                Failure::bad_input(problem.help("such as --health-check fra=01234567-89ab-cdef-0123-456789abcdef"))
            })
        })
        .collect()
}

fn with_check_id(rrset: Arc<Rrset>, ids: &BTreeMap<&str, &str>) -> Arc<Rrset> {
    let mut rrset = rrset;
    let id = rrset.said.health_check_id.as_deref().and_then(|id| ids.get(id).copied());
    if let Some(id) = id {
        Arc::make_mut(&mut rrset).said.health_check_id = Some(id.to_owned());
    }
    rrset
}

/// AWS makes the ids of its checks itself, so that those of files are not known there.
fn warn_of_checks(rrsets: &[Arc<Rrset>], ids: &BTreeMap<&str, &str>) {
    let named: BTreeSet<&str> = rrsets.iter().filter_map(|rrset| rrset.said.health_check_id.as_deref()).collect();
    let unknown: Vec<&str> = named.into_iter().filter(|name| !ids.values().any(|id| id == name)).collect();
    if !unknown.is_empty() {
        let warning = Problem::warning(format!("the batch names health checks as the files do: {}", unknown.join(", ")));
        super::warn(&warning.help("--health-check NAME=ID says the id that one has where the batch goes").into());
    }
}

/// The same record set in a zone of another id.
fn with_zone_id(rrset: &Arc<Rrset>, id: Option<(&String, &String)>) -> Arc<Rrset> {
    let mut rrset = rrset.clone();
    if let Some((own, wanted)) = id
        && rrset.said.alias_target.as_ref().is_some_and(|alias| alias.hosted_zone_id == *own)
        && let Some(alias) = &mut Arc::make_mut(&mut rrset).said.alias_target
    {
        alias.hosted_zone_id = wanted.clone();
    }
    rrset
}

fn of_file(zone: &HostedZone, args: &BatchArgs) -> Result<Vec<Arc<Rrset>>, Failure> {
    let id = args.hosted_zone_id.as_deref().unwrap_or(words::UNKNOWN_ZONE);
    let mut lost = words::options(zone);
    lost.extend(words::unknown_targets(zone));
    let has_aliases = zone.record_sets.iter().any(|set| matches!(set.content, Content::Alias(_)) && zone.external(set).is_none());
    if has_aliases && args.hosted_zone_id.is_none() {
        let problem = Problem::error(format!("{}: aliases within a zone say its id, and a zone of a file has none", zone.name));
        return Err(Failure::bad_input(problem.help("give the id of the zone that the batch is for: --hosted-zone-id ID")));
    }
    let mut rrsets = Vec::new();
    for set in &zone.record_sets {
        let (rrset, found) = words::rrset(set, zone, id);
        rrsets.extend(rrset.map(Arc::new));
        lost.extend(found);
    }
    refuse_loss(&lost, args.zone.lossy, "Route 53")?;
    Ok(rrsets)
}

fn write_batches(directory: &Path, texts: &[String], out: &mut dyn Write) -> Result<Ending, Failure> {
    for (at, text) in texts.iter().enumerate() {
        let file = directory.join(format!("batch-{}.json", at + 1));
        fs::write(&file, text).map_err(|error| Failure::Failed(format!("writing {}: {error}", file.display())))?;
        writeln!(out, "{}", file.display())?;
    }
    tell(&format!("{}; send them in this order\n", counted(texts.len(), "batch file")));
    Ok(Ending::Held)
}
