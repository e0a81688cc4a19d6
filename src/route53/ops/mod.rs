//! The operations: each a function from what was asked and the account to what is answered and which edits to make.
//!
//! Knows no HTTP and no XML; time, chance and what is served come as a [`Context`]. Invariant: an operation that fails
//! has asked for no edit, and one that only reads never asks for any. Source: Route 53 API 2013-04-01.

mod checks;
mod cidr;
mod common;
mod delegation_sets;
mod dnssec;
mod geo;
mod instances;
mod limits;
mod observations;
mod permission;
mod policies;
mod protections;
mod query_logs;
mod records;
mod tags;
mod test_answer;
mod vpc_authorizations;
mod vpcs;
mod zones;

use jiff::Timestamp;

use super::access::Principal;
use super::account::Account;
use super::account::edit::Edit;
use super::bounds::Rules;
use super::error::ApiError;
use super::shapes::Operation;
use super::value::Struct;
use crate::snapshot::Snapshot;

/// What an operation may know beside what was asked.
pub struct Context<'c> {
    pub account: &'c Account,
    pub now: Timestamp,
    /// A new number with every call, which nobody can guess.
    pub random: &'c mut dyn FnMut() -> u128,
    pub settings: &'c Settings,
    /// Who asks.
    pub caller: &'c Principal,
    /// What is being served: health, and answers for tests.
    pub snapshot: &'c Snapshot,
}

/// What the operator has decided for the API as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub rules: Rules,
    /// The name servers that new zones are delegated to, as shown.
    pub name_servers: Vec<String>,
}

impl Default for Settings {
    /// The names cannot exist (RFC 6761 §6.4), so that nobody delegates to them by mistake.
    fn default() -> Self {
        let name_servers = ["ns1.waypost.invalid.", "ns2.waypost.invalid."].map(str::to_owned).into();
        Self { rules: Rules::default(), name_servers }
    }
}

/// What came of an operation.
#[derive(Clone, Debug, Default)]
pub struct Done {
    pub output: Struct,
    /// What makes it so; empty for an operation that reads.
    pub edits: Vec<Edit>,
    /// The path of what was created, below the API's version: `hostedzone/Z1`.
    pub location: Option<String>,
}

type Perform = fn(&Struct, &mut Context<'_>) -> Result<Done, ApiError>;

/// Does what was asked for, of an input that is of the operation's shape.
///
/// # Errors
/// `AccessDenied` where the caller may not; else the operation's own.
pub fn perform(operation: &Operation, input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    permission::check(operation, input, context)?;
    match performer(operation.name) {
        Some(perform) => perform(input, context),
        None => Err(ApiError::invalid_input(format!("{} is not supported.", operation.name))),
    }
}

/// Whether the operation changes nothing, so that nobody need wait for it.
pub fn only_reads(operation: &Operation) -> bool {
    operation.method == "GET" || operation.name == "ListTagsForResources"
}

fn performer(name: &str) -> Option<Perform> {
    Some(match name {
        "ActivateKeySigningKey" => dnssec::activate_key,
        "AssociateVPCWithHostedZone" => vpcs::associate,
        "ChangeCidrCollection" => cidr::change,
        "ChangeResourceRecordSets" => records::change,
        "ChangeTagsForResource" => tags::change,
        "CreateCidrCollection" => cidr::create,
        "CreateHealthCheck" => checks::create,
        "CreateHostedZone" => zones::create,
        "CreateKeySigningKey" => dnssec::create_key,
        "CreateQueryLoggingConfig" => query_logs::create,
        "CreateResourceRecordSetProtections" => protections::create,
        "CreateReusableDelegationSet" => delegation_sets::create,
        "CreateTrafficPolicy" => policies::create,
        "CreateTrafficPolicyInstance" => instances::create,
        "CreateTrafficPolicyVersion" => policies::create_version,
        "CreateVPCAssociationAuthorization" => vpc_authorizations::create,
        "DeactivateKeySigningKey" => dnssec::deactivate_key,
        "DeleteCidrCollection" => cidr::delete,
        "DeleteHealthCheck" => checks::delete,
        "DeleteHostedZone" => zones::delete,
        "DeleteKeySigningKey" => dnssec::delete_key,
        "DeleteQueryLoggingConfig" => query_logs::delete,
        "DeleteResourceRecordSetProtections" => protections::delete,
        "DeleteReusableDelegationSet" => delegation_sets::delete,
        "DeleteTrafficPolicy" => policies::delete,
        "DeleteTrafficPolicyInstance" => instances::delete,
        "DeleteVPCAssociationAuthorization" => vpc_authorizations::delete,
        "DisableHostedZoneDNSSEC" => dnssec::disable,
        "DisassociateVPCFromHostedZone" => vpcs::disassociate,
        "EnableHostedZoneDNSSEC" => dnssec::enable,
        "GetAccountLimit" => limits::account,
        "GetChange" => records::get_change,
        "GetCheckerIpRanges" => observations::checker_ranges,
        "GetDNSSEC" => dnssec::get,
        "GetGeoLocation" => geo::get,
        "GetHealthCheck" => checks::get,
        "GetHealthCheckCount" => checks::count,
        "GetHealthCheckLastFailureReason" => observations::last_failure,
        "GetHealthCheckStatus" => observations::status,
        "GetHostedZone" => zones::get,
        "GetHostedZoneCount" => zones::count,
        "GetHostedZoneLimit" => limits::hosted_zone,
        "GetQueryLoggingConfig" => query_logs::get,
        "GetReusableDelegationSet" => delegation_sets::get,
        "GetReusableDelegationSetLimit" => limits::delegation_set,
        "GetTrafficPolicy" => policies::get,
        "GetTrafficPolicyInstance" => instances::get,
        "GetTrafficPolicyInstanceCount" => instances::count,
        "ListCidrBlocks" => cidr::list_blocks,
        "ListCidrCollections" => cidr::list,
        "ListCidrLocations" => cidr::list_locations,
        "ListGeoLocations" => geo::list,
        "ListHealthChecks" => checks::list,
        "ListHostedZones" => zones::list,
        "ListHostedZonesByName" => zones::list_by_name,
        "ListHostedZonesByVPC" => vpcs::list_zones,
        "ListQueryLoggingConfigs" => query_logs::list,
        "ListResourceRecordSetProtections" => protections::list,
        "ListResourceRecordSets" => records::list,
        "ListReusableDelegationSets" => delegation_sets::list,
        "ListTagsForResource" => tags::list,
        "ListTagsForResources" => tags::list_of_several,
        "ListTrafficPolicies" => policies::list,
        "ListTrafficPolicyInstances" => instances::list,
        "ListTrafficPolicyInstancesByHostedZone" => instances::list_by_zone,
        "ListTrafficPolicyInstancesByPolicy" => instances::list_by_policy,
        "ListTrafficPolicyVersions" => policies::list_versions,
        "ListVPCAssociationAuthorizations" => vpc_authorizations::list,
        "TestDNSAnswer" => test_answer::test,
        "UpdateHealthCheck" => checks::update,
        "UpdateHostedZoneComment" => zones::update_comment,
        "UpdateHostedZoneFeatures" => zones::update_features,
        "UpdateTrafficPolicyComment" => policies::update_comment,
        "UpdateTrafficPolicyInstance" => instances::update,
        _ => return None,
    })
}

impl Done {
    /// An answer that changes nothing.
    pub fn reading(output: Struct) -> Result<Self, ApiError> {
        Ok(Self { output, ..Self::default() })
    }

    pub fn writing(output: Struct, edits: Vec<Edit>) -> Result<Self, ApiError> {
        Ok(Self { output, edits, location: None })
    }

    pub fn creating(location: String, output: Struct, edits: Vec<Edit>) -> Result<Self, ApiError> {
        Ok(Self { output, edits, location: Some(location) })
    }
}
