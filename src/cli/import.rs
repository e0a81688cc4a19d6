//! `waypost import`: a zone that another program wrote, as zone TOML or into a running server.
//!
//! Reads and hands on; what a zone may hold is judged where zones are. Invariant: without --server nothing is asked and
//! nothing written but standard output; with it, what fits one batch is put whole or not at all.

mod put;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::put::{Put, ServerArgs};
use super::export::{refuse_loss, zone_toml, zone_toml_with};
use super::zones::of_account;
use super::{Ending, Failure, warn};
use crate::config::Files;
use crate::control::load::load_zones;
use crate::control::state::State;
use crate::problem::{Problem, Problems};
use crate::route53::account::Account;
use crate::route53::account::entities::{Check, CheckConfig, Collection};
use crate::route53::account::zone::{Zone, ZoneRecord};
use crate::route53::exchange::batches::Step;
use crate::route53::exchange::{documents, words};
use crate::route53::name::{parse_name, show_name};
use crate::route53::records::rrset::{Rrset, RrsetKey};
use crate::route53::records::rrsets::Rrsets;
use crate::route53::records::shape::{Action, Change};
use crate::route53::shapes::Model;
use crate::wire::name::Name;
use crate::wire::rtype::RecordType;
use crate::zone::hosted_zone::HostedZone;
use crate::zone::master::{self, Source};
use crate::zone::record_set::{RecordSet, RoutingPolicy};

/// Read a zone that another program wrote: print it as zone TOML, or put it into a running server
///
/// Without --server the zone is printed as zone TOML, ready for the configuration's `[zones]`. With --server it is put
/// into the server's zone of that name, which is made if there is none. FILE may be - for standard input.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 when the zone was printed or put, 1 when the server does not answer or refuses, 2 when the input is wrong.

Examples:
  aws route53 list-resource-record-sets --hosted-zone-id Z0123456789ABCDEFGHIJ > records.json
  aws route53 list-health-checks > checks.json
  waypost import route53 records.json --zone example.org --health-checks checks.json --ns ns1.example.org,ns2.example.org
  waypost import toml zones/example.org.toml --server http://127.0.0.1:8053
  waypost import master example.org.zone --server http://127.0.0.1:8053 --replace")]
pub(super) struct ImportArgs {
    #[command(subcommand)]
    notation: Notation,
}

#[derive(Debug, clap::Subcommand)]
enum Notation {
    /// What `aws route53 list-resource-record-sets` prints, all pages one after the other; or a change batch
    Route53(Route53Args),
    /// Zone TOML
    Toml(FileArgs),
    /// A master file (RFC 1035)
    Master(MasterArgs),
}

#[derive(Debug, clap::Args)]
struct Route53Args {
    /// The JSON; - for standard input
    file: PathBuf,
    /// The zone's name
    #[arg(long, value_name = "NAME")]
    zone: String,
    /// What `aws route53 list-health-checks` prints: the checks that the records name
    #[arg(long, value_name = "FILE")]
    health_checks: Option<PathBuf>,
    /// Take the records without their health checks
    #[arg(long, conflicts_with = "health_checks")]
    without_health_checks: bool,
    /// What `aws route53 list-cidr-blocks --collection-id ID` prints; once for each collection that the records name
    #[arg(long, value_name = "ID=FILE")]
    cidr_blocks: Vec<String>,
    /// The zone's name servers from now on, in the place of those that the JSON names (zone TOML only)
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', conflicts_with = "server")]
    ns: Vec<String>,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, clap::Args)]
struct FileArgs {
    /// The file; - for standard input
    file: PathBuf,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, clap::Args)]
struct MasterArgs {
    /// The zone's name; left out: the owner of the SOA record
    #[arg(long, value_name = "NAME")]
    zone: Option<String>,
    #[command(flatten)]
    file: FileArgs,
}

pub(super) fn run(args: &ImportArgs, out: &mut dyn Write) -> Result<Ending, Failure> {
    match &args.notation {
        Notation::Route53(args) => route53(args, out),
        Notation::Toml(args) => finish(toml(&args.file)?, &args.server, out),
        Notation::Master(args) => finish(master(&args.file.file, args.zone.as_deref())?, &args.file.server, out),
    }
}

/// A zone of a file, with its checks and collections: printed, or put into a server.
fn finish(state: State, server: &ServerArgs, out: &mut dyn Write) -> Result<Ending, Failure> {
    if server.server.is_none() {
        out.write_all(zone_toml(&state)?.as_bytes())?;
        return Ok(Ending::Held);
    }
    let Some(zone) = state.zones.first() else { return Err(Failure::bad_input(Problem::error("there is no zone in it"))) };
    let mut lost = words::options(zone);
    let (checks, lost_of_checks) = checks_of(&state);
    let mut rrsets = Rrsets::new();
    for set in &zone.record_sets {
        let (rrset, found) = words::rrset(set, zone, OWN_ZONE);
        if let Some(mut rrset) = rrset {
            rrset.said.health_check_id = rrset.said.health_check_id.filter(|id| checks.contains_key(id));
            rrsets.put(Arc::new(rrset));
        }
        lost.extend(found);
    }
    lost.extend(lost_of_checks);
    refuse_loss(&lost, server.lossy, "Route 53")?;
    let mut collections = BTreeMap::new();
    for (id, blocks) in &state.collections {
        let mut locations: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (block, location) in blocks.blocks() {
            locations.entry(location.as_str().to_owned()).or_default().push(block.to_string());
        }
        collections.insert(id.as_str().to_owned(), locations);
    }
    let put = Put { name: zone.name.clone(), rrsets, changes: None, checks, collections };
    put.run(server, out)
}

/// The checks that Route 53 has words for, and what is lost with all of them.
fn checks_of(state: &State) -> (BTreeMap<String, CheckConfig>, Vec<String>) {
    let (mut checks, mut lost) = (BTreeMap::new(), Vec::new());
    for check in state.checks.values() {
        let (config, found) = words::check(check);
        checks.extend(config.map(|config| (check.id.as_str().to_owned(), config)));
        lost.extend(found);
    }
    let there: BTreeSet<String> = checks.keys().cloned().collect();
    checks.values_mut().for_each(|config| config.child_health_checks.retain(|child| there.contains(child)));
    (checks, lost)
}

/// Stands for the id of the zone that is not made yet; no zone has it.
const OWN_ZONE: &str = "ZOWN";

fn toml(file: &Path) -> Result<State, Failure> {
    let octets = read(file)?;
    // Not `*.zone`, which would be a master file.
    let source = Source { file: format!("{}", file.display()).trim_end_matches(".zone").into(), octets };
    let (state, problems) = load_zones(vec![source], &mut Files, 0);
    let Some(state) = state else { return Err(Failure::BadInput(problems)) };
    warn(&problems);
    Ok(state)
}

fn master(file: &Path, zone: Option<&str>) -> Result<State, Failure> {
    let zone = zone.map(zone_name).transpose()?;
    let source = Source { file: file.display().to_string().into(), octets: read(file)? };
    let read = master::read(source, zone.as_ref(), None, &mut Files);
    let Some(name) = zone.or(read.apex).filter(|_| !read.problems.has_errors()) else {
        return Err(Failure::BadInput(read.problems));
    };
    warn(&read.problems);
    let zone = HostedZone {
        name,
        record_sets: read.record_sets,
        groups: BTreeMap::new(),
        files: read.files,
        hidden: Default::default(),
    };
    Ok(State { zones: vec![Arc::new(zone)], ..State::default() })
}

fn route53(args: &Route53Args, out: &mut dyn Write) -> Result<Ending, Failure> {
    let (name, model) = (zone_name(&args.zone)?, Model::new());
    let place = args.file.display().to_string();
    let said = documents::read_record_sets(&model, &read_text(&args.file)?).map_err(|wrong| refused(&place, wrong))?;
    warn_of(&said.warnings);
    let mut changes = said.changes;
    if args.without_health_checks {
        changes.iter_mut().for_each(|change| change.said.health_check_id = None);
    }
    let checks = match &args.health_checks {
        Some(file) => {
            let read = documents::read_health_checks(&model, &read_text(file)?);
            read.map_err(|wrong| refused(&file.display().to_string(), wrong))?
        }
        None => BTreeMap::new(),
    };
    let mut collections = BTreeMap::new();
    for given in &args.cidr_blocks {
        let (id, file) = given.split_once('=').ok_or_else(|| {
            Failure::bad_input(
                Problem::error(format!("--cidr-blocks {given:?} has no id before the file")).help("such as ID=blocks.json"),
            )
        })?;
        let read = documents::read_cidr_blocks(id, &read_text(Path::new(file))?);
        let collection = read.map_err(|wrong| refused(file, wrong))?;
        collections.insert(id.to_owned(), collection);
    }
    let (rrsets, steps) = meaning(&place, changes)?;
    if args.server.server.is_some() {
        let named = named_checks(&rrsets, &checks);
        let checks = checks.into_iter().filter(|(id, _)| named.contains(id)).collect();
        let collections = collections.into_iter().map(|(id, collection)| (id, collection.locations)).collect();
        let changes = said.is_batch.then_some(steps);
        return Put { name, rrsets, changes, checks, collections }.run(&args.server, out);
    }
    let mut account = Account::default();
    let record = ZoneRecord { id: OWN_ZONE.to_owned(), name: show_name(&name), ..ZoneRecord::default() };
    let mut zone = Zone::new(Arc::new(record));
    rrsets.values().for_each(|rrset| zone.put(rrset.clone()));
    account.zones.insert(OWN_ZONE.to_owned(), Arc::new(zone));
    for (id, config) in checks {
        let caller_reference = id.clone();
        let check = Check { id: id.clone(), caller_reference, version: 1, config, tags: BTreeMap::new(), file: None };
        account.checks.insert(id, Arc::new(check));
    }
    account.collections =
        collections.into_iter().map(|(id, collection): (String, Collection)| (id, Arc::new(collection))).collect();
    let state = of_account(account, OWN_ZONE).state;
    check_references(&place, &state)?;
    out.write_all(with_servers(state, &args.ns)?.as_bytes())?;
    Ok(Ending::Held)
}

/// The ids of the checks that record sets name, and of the children of those.
fn named_checks(rrsets: &Rrsets, checks: &BTreeMap<String, crate::route53::account::entities::CheckConfig>) -> Vec<String> {
    let mut named: Vec<String> = rrsets.values().filter_map(|rrset| rrset.said.health_check_id.clone()).collect();
    let mut at = 0;
    while let Some(id) = named.get(at) {
        let children = checks.get(id).map(|config| config.child_health_checks.clone()).unwrap_or_default();
        named.extend(children.into_iter().filter(|child| !named.contains(child)).collect::<Vec<_>>());
        at += 1;
    }
    named
}

/// The record sets that the changes leave, and the changes as they are.
fn meaning(place: &str, changes: Vec<Change>) -> Result<(Rrsets, Vec<Step>), Failure> {
    let (mut rrsets, mut steps, mut wrong) = (Rrsets::new(), Vec::new(), Vec::new());
    for change in changes {
        let named = format!("{} {}", change.said.name, change.said.kind);
        match Rrset::new(change.said) {
            Ok(rrset) => {
                let rrset = Arc::new(rrset);
                match change.action {
                    Action::Delete => drop(rrsets.remove(&rrset.key())),
                    Action::Create | Action::Upsert => rrsets.put(rrset.clone()),
                }
                steps.push(Step { action: change.action, rrset });
            }
            Err(invalid) => wrong.push(format!("{named}: {invalid}")),
        }
    }
    if wrong.is_empty() { Ok((rrsets, steps)) } else { Err(refused(place, wrong)) }
}

/// Tells what the records name and nobody gave, each once.
fn check_references(place: &str, state: &State) -> Result<(), Failure> {
    let mut problems = Problems::default();
    let sets: Vec<&RecordSet> = state.zones.iter().flat_map(|zone| &zone.record_sets).collect();
    let ids: std::collections::BTreeSet<_> = sets.iter().filter_map(|set| set.health_check.as_ref()).collect();
    for id in ids.into_iter().filter(|id| !state.checks.contains_key(*id)) {
        let problem = Problem::error(format!("{place}: records name the health check {id}, which is not known"));
        problems
            .push(problem.help("--health-checks FILE, what `aws route53 list-health-checks` prints; or --without-health-checks"));
    }
    let collections: std::collections::BTreeSet<_> = sets
        .iter()
        .filter_map(|set| match &set.policy {
            RoutingPolicy::IpBased(cidr) => Some(&cidr.collection),
            _ => None,
        })
        .collect();
    for id in collections.into_iter().filter(|id| !state.collections.contains_key(*id)) {
        let problem = Problem::error(format!("{place}: records name the CIDR collection {id}, which is not known"));
        problems.push(
            problem.help(format!("--cidr-blocks {id}=FILE, what `aws route53 list-cidr-blocks --collection-id {id}` prints")),
        );
    }
    if problems.is_empty() { Ok(()) } else { Err(Failure::BadInput(problems)) }
}

/// The zone's text; with name servers, its SOA and NS are made of them instead of those that it has.
fn with_servers(state: State, servers: &[String]) -> Result<String, Failure> {
    let Some(zone) = state.zones.first() else { return Ok(String::new()) };
    let is_apex = |set: &RecordSet| set.name == zone.name && is_of_apex(set.rtype);
    if servers.is_empty() {
        if !zone.record_sets.iter().any(is_apex) {
            let problem = Problem::error(format!("{}: there is neither SOA nor NS in it", zone.name));
            return Err(Failure::bad_input(problem.help("name its name servers: --ns ns1.example.org,ns2.example.org")));
        }
        let warning = format!("{}: its SOA and NS are still those of where it came from", zone.name);
        warn(&Problem::warning(warning).help("--ns NAME,… makes them those of its servers from now on").into());
        return zone_toml(&state);
    }
    let servers: Vec<String> =
        servers.iter().map(|server| zone_name(server).map(|name| name.to_string())).collect::<Result<_, _>>()?;
    let record_sets = zone.record_sets.iter().filter(|set| !is_apex(set)).cloned().collect();
    let rest = Arc::new(HostedZone { record_sets, ..(**zone).clone() });
    let quoted: Vec<String> = servers.iter().map(|server| format!("{server:?}")).collect();
    let first = format!("ns = [{}]\n", quoted.join(", "));
    zone_toml_with(&State { zones: vec![rest], ..state }, &first)
}

fn is_of_apex(rtype: RecordType) -> bool {
    matches!(rtype, RecordType::SOA | RecordType::NS)
}

/// Whether this is the key of an SOA or NS record set at the apex.
fn is_apex_key(key: &RrsetKey, apex: &Name) -> bool {
    is_of_apex(key.rtype.0) && key.name == crate::route53::name::NameKey::new(apex)
}

fn zone_name(text: &str) -> Result<Name, Failure> {
    parse_name(text).map_err(|fatal| Failure::bad_input(Problem::error(format!("the name {text:?}: {fatal}"))))
}

fn refused(place: &str, wrong: Vec<String>) -> Failure {
    let mut problems = Problems::default();
    wrong.into_iter().for_each(|what| problems.push(Problem::error(format!("{place}: {what}"))));
    Failure::BadInput(problems)
}

fn warn_of(warnings: &[String]) {
    let mut problems = Problems::default();
    warnings.iter().for_each(|warning| problems.push(Problem::warning(warning.clone())));
    warn(&problems);
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut octets = Vec::new();
    let outcome = match file == Path::new("-") {
        true => io::stdin().read_to_end(&mut octets).map(|_| octets),
        false => fs::read(file),
    };
    outcome.map_err(|error| Failure::bad_input(Problem::error(format!("reading {}: {error}", file.display()))))
}

fn read_text(file: &Path) -> Result<String, Failure> {
    let wrong = |_| Failure::bad_input(Problem::error(format!("reading {}: it is not UTF-8", file.display())));
    String::from_utf8(read(file)?).map_err(wrong)
}
