//! A zone put into a running server through the Route 53 API: its health checks, its CIDR collections, its record sets.
//!
//! Reads no notation. Doing it again changes nothing: checks are made under references that follow from their names, and
//! only what differs is sent. Invariant: record sets are sent last, so that what they name is there.

use std::collections::BTreeMap;
use std::hash::Hasher;
use std::io::Write;
use std::sync::Arc;

use siphasher::sip128::{Hasher128, SipHasher24};

use super::{OWN_ZONE, is_apex_key};
use crate::cli::api::Api;
use crate::cli::client::BaseUrl;
use crate::cli::problems::counted;
use crate::cli::zones::{find_id, list};
use crate::cli::{Ending, Failure};
use crate::clock;
use crate::problem::Problem;
use crate::route53::account::entities::CheckConfig;
use crate::route53::checks::config;
use crate::route53::cidr::Locations;
use crate::route53::exchange::batches::{self, Size, Step};
use crate::route53::name::show_name;
use crate::route53::records::rrset::Rrset;
use crate::route53::records::rrsets::Rrsets;
use crate::route53::records::shape::Action;
use crate::route53::request::bare;
use crate::route53::value::{Struct, Value};
use crate::wire::name::Name;
use crate::zone::record_set::Content;

/// Which server, and how.
#[derive(Debug, clap::Args)]
pub(super) struct ServerArgs {
    /// Put the zone into a running server: its `[http] listen`, as a URL
    #[arg(long, value_name = "URL")]
    pub server: Option<BaseUrl>,
    /// Delete what the server's zone has and the file does not
    #[arg(long, requires = "server")]
    replace: bool,
    /// Put the SOA and NS at the apex too, in the place of those that the server has made
    #[arg(long, requires = "server")]
    apex: bool,
    /// Leave out, or say as nearly as can be, what the API has no words for
    #[arg(long, requires = "server")]
    pub lossy: bool,
    /// So many changes in a batch, instead of as many as AWS takes (each batch is made whole or not at all)
    #[arg(long, value_name = "N", requires = "server")]
    batch: Option<usize>,
}

/// What is put.
pub(super) struct Put {
    pub name: Name,
    pub rrsets: Rrsets,
    /// The changes themselves, where those were read.
    pub changes: Option<Vec<Step>>,
    /// By the ids that record sets name them by.
    pub checks: BTreeMap<String, CheckConfig>,
    pub collections: BTreeMap<String, Locations>,
}

/// What the server calls what is put.
struct Ids {
    zone: String,
    checks: BTreeMap<String, String>,
    collections: BTreeMap<String, String>,
}

impl Put {
    pub fn run(&self, args: &ServerArgs, out: &mut dyn Write) -> Result<Ending, Failure> {
        let Some(server) = &args.server else { return Ok(Ending::Held) };
        let api = Api::new(server)?;
        let (zone, is_new) = self.zone(&api)?;
        let ids = Ids { zone, checks: self.make_checks(&api)?, collections: self.make_collections(&api)? };
        let steps = self.steps(&api, args, &ids)?;
        let count = steps.len();
        let batches = batches::split(steps, args.batch.map_or(Size::Aws, Size::Changes));
        let many = batches.len();
        for (at, batch) in batches.iter().enumerate() {
            let input = Struct::new().with("HostedZoneId", &*ids.zone).with("ChangeBatch", batches::put(batch));
            api.ask("ChangeResourceRecordSets", &input).map_err(|failure| after(failure, at, many))?;
        }
        let made = if is_new { "made" } else { "found" };
        let (changes, batches) = (counted(count, "change"), counted(many, "batch").replace("batchs", "batches"));
        writeln!(out, "{} {made} as {}: {changes} in {batches}", show_name(&self.name), ids.zone)?;
        Ok(Ending::Held)
    }

    /// The id of the server's zone, which is made if there is none.
    fn zone(&self, api: &Api) -> Result<(String, bool), Failure> {
        let name = show_name(&self.name);
        if let Some((id, _)) = find_id(api, &name)? {
            return Ok((id, false));
        }
        // A reference is for one zone only, and one that was deleted may be made again.
        let reference = format!("waypost import {:016x}", clock::random_u64());
        let input = Struct::new().with("Name", &*name).with("CallerReference", reference);
        let made = api.ask("CreateHostedZone", &input)?;
        let id = made.structure("HostedZone").map(|zone| bare(zone.word("Id")).to_owned()).unwrap_or_default();
        Ok((id, true))
    }

    /// Makes the checks, children first; those that were made before are found by their references.
    fn make_checks(&self, api: &Api) -> Result<BTreeMap<String, String>, Failure> {
        let mut made = BTreeMap::new();
        let mut left: Vec<(&String, &CheckConfig)> = self.checks.iter().collect();
        while !left.is_empty() {
            let is_ready = |config: &CheckConfig, made: &BTreeMap<String, String>| {
                config.child_health_checks.iter().all(|child| made.contains_key(child) || !self.checks.contains_key(child))
            };
            let Some(at) = left.iter().position(|(_, config)| is_ready(config, &made)) else {
                let names: Vec<&str> = left.iter().map(|(id, _)| id.as_str()).collect();
                return Err(Failure::bad_input(Problem::error(format!(
                    "these health checks depend on themselves: {}",
                    names.join(", ")
                ))));
            };
            let (id, config) = left.remove(at);
            let children = config.child_health_checks.iter().map(|child| made.get(child).unwrap_or(child).clone());
            let config = CheckConfig { child_health_checks: children.collect(), ..config.clone() };
            let reference = self.reference(id, &config);
            let input = Struct::new().with("CallerReference", reference).with("HealthCheckConfig", config::put(&config));
            let answer = api.ask("CreateHealthCheck", &input)?;
            let new = answer.structure("HealthCheck").map(|check| check.word("Id").to_owned()).unwrap_or_default();
            made.insert(id.clone(), new);
        }
        Ok(made)
    }

    /// The same for the same check, and another once its configuration is another: a reference is good for one.
    fn reference(&self, id: &str, config: &CheckConfig) -> String {
        let config = serde_json::to_string(config).expect("a configuration is a structure of texts, numbers and lists");
        let mut hasher = SipHasher24::new_with_key(b"waypost imports.");
        hasher.write(format!("{}\n{id}\n{config}", show_name(&self.name)).as_bytes());
        format!("waypost import {:032x}", hasher.finish128().as_u128())
    }

    /// Makes the collections, or puts the blocks into those of their names.
    fn make_collections(&self, api: &Api) -> Result<BTreeMap<String, String>, Failure> {
        let mut made = BTreeMap::new();
        for (name, locations) in &self.collections {
            let id = match collection_id(api, name)? {
                Some(id) => id,
                None => {
                    let reference = format!("waypost import {:016x}", clock::random_u64());
                    let input = Struct::new().with("Name", &**name).with("CallerReference", reference);
                    let answer = api.ask("CreateCidrCollection", &input)?;
                    answer.structure("Collection").map(|collection| collection.word("Id").to_owned()).unwrap_or_default()
                }
            };
            let changes = locations.iter().map(|(location, blocks)| {
                let blocks: Value = blocks.iter().map(String::as_str).collect();
                Struct::new().with("LocationName", &**location).with("Action", "PUT").with("CidrList", blocks)
            });
            let input = Struct::new().with("Id", &*id).with("Changes", changes.collect::<Value>());
            api.ask("ChangeCidrCollection", &input)?;
            made.insert(name.clone(), id);
        }
        Ok(made)
    }

    /// What is to be sent.
    fn steps(&self, api: &Api, args: &ServerArgs, ids: &Ids) -> Result<Vec<Step>, Failure> {
        let is_kept = |rrset: &Rrset| !args.apex && is_apex_key(&rrset.key(), &self.name);
        if let Some(changes) = &self.changes {
            let steps = changes.iter().filter(|step| !is_kept(&step.rrset));
            return steps.map(|step| Ok(Step { action: step.action, rrset: self.named_by(&step.rrset, ids)? })).collect();
        }
        let before = list(api, &ids.zone)?;
        let now: Result<Vec<Arc<Rrset>>, Failure> = self.rrsets.values().map(|rrset| self.named_by(rrset, ids)).collect();
        let now: Rrsets = now?.into_iter().collect();
        let mut steps = batches::changes(&before, &now, |key| !args.apex && is_apex_key(key, &self.name));
        let stays = |step: &Step| args.replace || step.action != Action::Delete;
        steps.retain(stays);
        Ok(steps)
    }

    /// The record set with the server's ids.
    fn named_by(&self, rrset: &Rrset, ids: &Ids) -> Result<Arc<Rrset>, Failure> {
        let mut said = rrset.said.clone();
        if let (Some(alias), Content::Alias(target)) = (&mut said.alias_target, &rrset.set.content)
            && (alias.hosted_zone_id == OWN_ZONE || target.target.is_at_or_below(&self.name))
        {
            alias.hosted_zone_id = ids.zone.clone();
        }
        if let Some(id) = said.health_check_id.as_mut()
            && let Some(new) = ids.checks.get(id)
        {
            id.clone_from(new);
        }
        if let Some(cidr) = said.cidr_routing_config.as_mut()
            && let Some(new) = ids.collections.get(&cidr.collection_id)
        {
            cidr.collection_id.clone_from(new);
        }
        let named =
            Rrset::new(said).map_err(|invalid| Failure::bad_input(Problem::error(format!("{}: {invalid}", rrset.said.name))))?;
        Ok(Arc::new(named))
    }
}

/// The failure of one batch, with how many were made before it.
fn after(failure: Failure, at: usize, many: usize) -> Failure {
    match failure {
        Failure::Failed(reason) if many > 1 => {
            Failure::Failed(format!("batch {} of {many}, those before it are made: {reason}", at + 1))
        }
        failure => failure,
    }
}

fn collection_id(api: &Api, name: &str) -> Result<Option<String>, Failure> {
    let mut next = Struct::new();
    loop {
        let page = api.ask("ListCidrCollections", &next)?;
        let found = page.structures("CidrCollections").find(|collection| collection.word("Name") == name);
        if let Some(found) = found {
            return Ok(Some(found.word("Id").to_owned()));
        }
        let Some(token) = page.text("NextToken") else { return Ok(None) };
        next = Struct::new().with("NextToken", token);
    }
}
