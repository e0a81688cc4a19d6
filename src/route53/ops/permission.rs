//! Whether the caller may do what they ask for: by the zone that it is about, or by the account.
//!
//! What the caller may see of lists is the lists' business. Invariant: an operation that names a zone, by whatever member,
//! is judged by that zone's name; what is not there counts as the account's, so that only those who may see everything
//! learn that it is not. Source: docs/configuration.md, "The Route 53 API".

use super::{Context, only_reads};
use crate::route53::access::Action;
use crate::route53::error::ApiError;
use crate::route53::name::parse_name;
use crate::route53::request::bare;
use crate::route53::shapes::{Operation, Segment};
use crate::route53::value::Struct;
use crate::wire::name::Name;

/// Lets the operation through, or says that the caller may not.
pub(super) fn check(operation: &Operation, input: &Struct, context: &Context<'_>) -> Result<(), ApiError> {
    // Public facts of the Earth, for which AWS asks for no permission either; and changes, whose ids nobody can guess and
    // of which whoever made one waits to hear that it is served.
    if matches!(operation.name, "GetGeoLocation" | "ListGeoLocations" | "GetChange") {
        return Ok(());
    }
    let action = if only_reads(operation) { Action::Read } else { Action::Write };
    if subjects(operation, input, context).iter().all(|zone| context.caller.permits(action, zone.as_ref())) {
        return Ok(());
    }
    let resource = match input.text("HostedZoneId").or(input.text("Id")) {
        Some(id) => format!(" on resource: arn:aws:route53:::hostedzone/{}", bare(id)),
        None => String::new(),
    };
    let (who, what) = (&context.caller.name, operation.name);
    Err(ApiError::new("AccessDenied", 403, format!("User: {who} is not authorized to perform: route53:{what}{resource}")))
}

/// The zones that the operation is about; none stands for the account.
fn subjects(operation: &Operation, input: &Struct, context: &Context<'_>) -> Vec<Option<Name>> {
    let of_zone = |id: &str| context.account.zones.get(bare(id)).and_then(|zone| parse_name(&zone.record.name).ok());
    let is_of_zones = input.text("ResourceType") == Some("hostedzone");
    match operation.name {
        "CreateHostedZone" => vec![parse_name(input.word("Name")).ok()],
        "ListTagsForResources" if is_of_zones => input.texts("ResourceIds").map(of_zone).collect(),
        "ChangeTagsForResource" | "ListTagsForResource" if is_of_zones => vec![of_zone(input.word("ResourceId"))],
        // Lists of which the caller sees a part.
        "ListHostedZonesByName" | "ListTrafficPolicyInstances" | "ListTrafficPolicyInstancesByPolicy" => vec![None],
        name if name.ends_with("TrafficPolicyInstance") && input.has("Id") => {
            vec![context.account.instances.get(input.word("Id")).and_then(|instance| of_zone(&instance.zone))]
        }
        name if name.ends_with("QueryLoggingConfig") && input.has("Id") => {
            vec![context.account.query_logs.get(input.word("Id")).and_then(|log| of_zone(&log.zone))]
        }
        _ if input.has("HostedZoneId") => vec![of_zone(input.word("HostedZoneId"))],
        _ if operation.path.first() == Some(&Segment::Literal("hostedzone")) && input.has("Id") => {
            vec![of_zone(input.word("Id"))]
        }
        _ => vec![None],
    }
}
