//! One zone, wherever it is kept: in files, in the store of a server that does not run, behind the API of one that does.
//!
//! Prints and changes nothing. Invariant: what comes back has every health check and CIDR collection that the zone names,
//! as far as its keeper has them.

use std::sync::Arc;

use super::api::Api;
use super::client::BaseUrl;
use super::{ConfigFile, Failure, files};
use crate::clock;
use crate::control::state::State;
use crate::node;
use crate::problem::{Problem, nearest};
use crate::route53::account::Account;
use crate::route53::account::entities::{Check, Collection};
use crate::route53::account::zone::{Zone, ZoneRecord};
use crate::route53::checks::config;
use crate::route53::name::{parse_name, show_name};
use crate::route53::records::rrset::Rrset;
use crate::route53::records::rrsets::Rrsets;
use crate::route53::records::said;
use crate::route53::request::bare;
use crate::route53::value::Struct;
use crate::wire::name::Name;
use crate::zone::hosted_zone::HostedZone;
use crate::zone::record_set::RoutingPolicy;

/// A zone and what it needs.
pub(super) struct Known {
    pub zone: Arc<HostedZone>,
    /// Checks and collections of this zone alone.
    pub state: State,
    /// Its id and its record sets as the API was told of them; none where it is written in a file.
    pub said: Option<(String, Rrsets)>,
    /// What traffic policy instances make in the zone, and is not among the record sets, in words.
    pub made: Vec<String>,
}

/// Where a zone is looked for.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Keeper {
    /// The configuration whose files have the zone, or whose store: of a server that does not run [default: waypost.toml]
    #[arg(short = 'c', long = "config", value_name = "FILE", conflicts_with = "server")]
    config: Option<std::path::PathBuf>,
    /// Ask a running server for the zone: its `[http] listen`, as a URL
    #[arg(long, value_name = "URL")]
    server: Option<BaseUrl>,
}

impl Keeper {
    /// The zone of this name or id.
    pub fn find(&self, zone: &str) -> Result<Known, Failure> {
        match &self.server {
            Some(server) => of_server(&Api::new(server)?, zone),
            None => {
                let config = self.config.clone().unwrap_or_else(|| "waypost.toml".into());
                of_files(&ConfigFile { config }, zone)
            }
        }
    }
}

/// The zone in the configuration's files, else in its store.
fn of_files(file: &ConfigFile, zone: &str) -> Result<Known, Failure> {
    let loaded = files::load(&file.config, clock::unix_secs() as u32, None).map_err(Failure::BadInput)?;
    let name = Name::parse(zone, Some(&Name::root())).ok();
    if let Some(found) = loaded.state.zones.iter().find(|known| Some(&known.name) == name.as_ref()) {
        return Ok(Known { zone: found.clone(), state: loaded.state.of_zone(found), said: None, made: Vec::new() });
    }
    let account = node::stored_account(&loaded.config, &file.config).map_err(Failure::BadInput)?.unwrap_or_default();
    let shown = name.as_ref().map(show_name);
    let known = loaded.state.zones.iter().map(|zone| zone.name.to_string());
    let known: Vec<String> = known.chain(account.zones.values().map(|zone| zone.record.name.clone())).collect();
    match pick(&account, zone, shown.as_deref())? {
        Some(id) => Ok(of_account(account, &id)),
        None => {
            Err(no_zone(zone, &format!("neither in the files of {0} nor in the store of {0}", file.config.display()), &known))
        }
    }
}

/// The id of the zone that is meant, by id or by name.
fn pick(account: &Account, zone: &str, name: Option<&str>) -> Result<Option<String>, Failure> {
    if account.zones.contains_key(zone) {
        return Ok(Some(zone.to_owned()));
    }
    let named: Vec<&String> =
        account.zones.iter().filter(|(_, known)| Some(&*known.record.name) == name).map(|(id, _)| id).collect();
    match named[..] {
        [] => Ok(None),
        [id] => Ok(Some(id.clone())),
        _ => Err(several(zone, named.into_iter())),
    }
}

fn several<'i>(zone: &str, ids: impl Iterator<Item = &'i String>) -> Failure {
    let ids: Vec<&str> = ids.map(String::as_str).collect();
    Failure::bad_input(
        Problem::error(format!("several zones are named {zone}")).help(format!("say which by id: {}", ids.join(", "))),
    )
}

fn no_zone(zone: &str, places: &str, known: &[String]) -> Failure {
    let problem = Problem::error(format!("the zone {zone} is {places}"));
    let problem = match nearest(zone, known.iter().map(String::as_str)) {
        Some(near) => problem.help(format!("did you mean {near:?}?")),
        None if known.is_empty() => problem,
        None => problem.help(format!("there are {}", known.join(", "))),
    };
    Failure::bad_input(problem)
}

/// The zone of this id, which the account has.
pub(super) fn of_account(mut account: Account, id: &str) -> Known {
    let own = account.zones.get(id).expect("the caller has found the id there");
    let (record, all) = (own.record.clone(), own.rrsets().values());
    let (made, rest): (Vec<_>, Vec<_>) = all.cloned().partition(|rrset| rrset.said.traffic_policy_instance_id.is_some());
    let made = made.iter().map(|rrset| format!("{} {}: a traffic policy instance", rrset.said.name, rrset.said.kind)).collect();
    let rrsets: Rrsets = rest.into_iter().collect();
    let zone = Arc::new(HostedZone {
        name: parse_name(&record.name).expect("an account's zones have names that were read"),
        record_sets: rrsets.values().map(|rrset| rrset.set.clone()).collect(),
        groups: Default::default(),
        files: vec![format!("hosted zone {id}").into()],
        hidden: Default::default(),
    });
    account.zones.clear();
    let state = account.served(&State::default()).of_zone(&zone);
    Known { zone, state, said: Some((id.to_owned(), rrsets)), made }
}

fn of_server(api: &Api, zone: &str) -> Result<Known, Failure> {
    let found = find_id(api, zone)?.ok_or_else(|| no_zone(zone, "not among those that the server shows", &[]))?;
    let (id, name) = found;
    let rrsets = list(api, &id)?;
    let mut account = Account::default();
    let record = ZoneRecord { id: id.clone(), name, ..ZoneRecord::default() };
    let mut zone = Zone::new(Arc::new(record));
    rrsets.values().for_each(|rrset| zone.put(rrset.clone()));
    account.zones.insert(id.clone(), Arc::new(zone));
    let named = rrsets.values().filter_map(|rrset| rrset.said.health_check_id.clone());
    add_checks(api, named.collect(), &mut account)?;
    add_collections(api, &rrsets, &mut account)?;
    Ok(of_account(account, &id))
}

/// The id and the name of the server's zone that is meant, by name or by id.
pub(super) fn find_id(api: &Api, zone: &str) -> Result<Option<(String, String)>, Failure> {
    let told = |zone: &Struct| (bare(zone.word("Id")).to_owned(), zone.word("Name").to_owned());
    if let Ok(name) = parse_name(zone) {
        let name = show_name(&name);
        let said = api.ask("ListHostedZonesByName", &Struct::new().with("DNSName", &*name))?;
        let named: Vec<(String, String)> = said.structures("HostedZones").map(told).filter(|(_, found)| *found == name).collect();
        match &named[..] {
            [] => {}
            [one] => return Ok(Some(one.clone())),
            _ => return Err(several(zone, named.iter().map(|(id, _)| id))),
        }
    }
    if zone.contains('.') || zone.len() > ID_MAX {
        return Ok(None);
    }
    match api.try_ask("GetHostedZone", &Struct::new().with("Id", zone)) {
        Ok(said) => Ok(said.structure("HostedZone").map(told)),
        Err(super::api::Unanswered::Refused { code, .. }) if code == "NoSuchHostedZone" => Ok(None),
        Err(unanswered) => Err(unanswered.into()),
    }
}

/// The longest id of a zone (Route 53 API, `ResourceId`).
const ID_MAX: usize = 32;

/// All record sets of the server's zone.
pub(super) fn list(api: &Api, id: &str) -> Result<Rrsets, Failure> {
    let mut all = Rrsets::new();
    let mut next = Struct::new().with("HostedZoneId", id).with("MaxItems", PAGE);
    loop {
        let page = api.ask("ListResourceRecordSets", &next)?;
        for set in page.structures("ResourceRecordSets") {
            let rrset = Rrset::new(said::read(set)).map_err(|invalid| {
                let problem = format!("{} {}: {invalid}", set.word("Name"), set.word("Type"));
                Failure::bad_input(
                    Problem::error(problem).help("a zone that is written in a file says more than Route 53: export it with -c"),
                )
            })?;
            all.put(Arc::new(rrset));
        }
        if page.flag("IsTruncated") != Some(true) {
            return Ok(all);
        }
        next = Struct::new()
            .with("HostedZoneId", id)
            .with("MaxItems", PAGE)
            .with("StartRecordName", page.word("NextRecordName"))
            .with("StartRecordType", page.word("NextRecordType"))
            .with_some("StartRecordIdentifier", page.text("NextRecordIdentifier"));
    }
}

/// Record sets of a page; a strict server gives fewer.
const PAGE: &str = "10000";

/// The health checks of these ids and the children of those.
fn add_checks(api: &Api, mut needed: Vec<String>, account: &mut Account) -> Result<(), Failure> {
    while let Some(id) = needed.pop() {
        if account.checks.contains_key(&id) {
            continue;
        }
        let said = api.ask("GetHealthCheck", &Struct::new().with("HealthCheckId", &*id))?;
        let check = said.structure("HealthCheck").and_then(|check| check.structure("HealthCheckConfig"));
        let config = check.map(config::read).unwrap_or_default();
        needed.extend(config.child_health_checks.iter().cloned());
        let caller_reference = id.clone();
        let check = Check { id: id.clone(), caller_reference, version: 1, config, tags: Default::default(), file: None };
        account.checks.insert(id, Arc::new(check));
    }
    Ok(())
}

/// The CIDR collections that record sets name.
fn add_collections(api: &Api, rrsets: &Rrsets, account: &mut Account) -> Result<(), Failure> {
    for rrset in rrsets.values() {
        let RoutingPolicy::IpBased(cidr) = &rrset.set.policy else { continue };
        let id = cidr.collection.as_str();
        if account.collections.contains_key(id) {
            continue;
        }
        let mut collection = Collection {
            id: id.to_owned(),
            name: id.to_owned(),
            caller_reference: id.to_owned(),
            version: 1,
            locations: Default::default(),
            file: None,
        };
        let mut next = Struct::new().with("CollectionId", id);
        loop {
            let page = api.ask("ListCidrBlocks", &next)?;
            for block in page.structures("CidrBlocks") {
                let blocks = collection.locations.entry(block.word("LocationName").to_owned()).or_default();
                blocks.push(block.word("CidrBlock").to_owned());
            }
            let Some(token) = page.text("NextToken") else { break };
            next = Struct::new().with("CollectionId", id).with("NextToken", token);
        }
        account.collections.insert(id.to_owned(), Arc::new(collection));
    }
    Ok(())
}
