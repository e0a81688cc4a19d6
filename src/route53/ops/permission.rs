//! Whether the caller may do what they ask for: by the zone that it is about, or by the account.
//!
//! What the caller may see of lists and changes is theirs to say. Invariant: an operation that names a zone, by whatever
//! member, is judged by that zone's name; what is not there is refused to whoever may not see everything, in the words
//! for what they may not see, so that they do not learn which it is. Source: docs/configuration.md, "The Route 53 API".

use super::{Context, only_reads};
use crate::route53::access::{Action, Zones};
use crate::route53::error::ApiError;
use crate::route53::name::parse_name;
use crate::route53::request::bare;
use crate::route53::shapes::{Operation, Segment};
use crate::route53::value::Struct;
use crate::wire::name::Name;

/// Lets the operation through, or says that the caller may not.
pub(super) fn check(operation: &Operation, input: &Struct, context: &Context<'_>) -> Result<(), ApiError> {
    // Public facts of the Earth, for which AWS asks for no permission either; and changes, which say whose they are.
    if matches!(operation.name, "GetGeoLocation" | "ListGeoLocations" | "GetChange") {
        return Ok(());
    }
    let action = if only_reads(operation) { Action::Read } else { Action::Write };
    let may = |subject: &Subject| match subject {
        Subject::Account => context.caller.permits(action, None),
        Subject::Zone(zone) => context.caller.permits(action, Some(zone)),
        Subject::Nothing => context.caller.zones == Zones::All && context.caller.permits(action, None),
    };
    if subjects(operation, input, context).iter().all(may) {
        return Ok(());
    }
    let resource = match zone_id(operation, input) {
        Some(id) => format!(" on resource: arn:aws:route53:::hostedzone/{}", bare(id)),
        None => String::new(),
    };
    let (who, what) = (&context.caller.name, operation.name);
    Err(ApiError::new("AccessDenied", 403, format!("User: {who} is not authorized to perform: route53:{what}{resource}")))
}

/// What an operation is about.
enum Subject {
    /// The account, or a list of which the caller sees a part.
    Account,
    /// The zone of this name.
    Zone(Name),
    /// An id that nothing has.
    Nothing,
}

fn subjects(operation: &Operation, input: &Struct, context: &Context<'_>) -> Vec<Subject> {
    let account = context.account;
    let named = |name: &str| parse_name(name).map_or(Subject::Nothing, Subject::Zone);
    let of_zone = |id: &str| account.zones.get(bare(id)).map_or(Subject::Nothing, |zone| named(&zone.record.name));
    let of_part = |zone: Option<&String>| zone.map_or(Subject::Nothing, |zone| of_zone(zone));
    let (id, is_of_zones) = (input.word("Id"), input.text("ResourceType") == Some("hostedzone"));
    match operation.name {
        "CreateHostedZone" => vec![named(input.word("Name"))],
        "ListTagsForResources" if is_of_zones => input.texts("ResourceIds").map(of_zone).collect(),
        "ChangeTagsForResource" | "ListTagsForResource" if is_of_zones => vec![of_zone(input.word("ResourceId"))],
        // What is made is the account's, whichever zone it is made from.
        "CreateReusableDelegationSet" => vec![Subject::Account],
        // Where a list goes on.
        "ListHostedZonesByName" => vec![Subject::Account],
        name if name.ends_with("TrafficPolicyInstance") && input.has("Id") => {
            vec![of_part(account.instances.get(id).map(|instance| &instance.zone))]
        }
        name if name.ends_with("QueryLoggingConfig") && input.has("Id") => {
            vec![of_part(account.query_logs.get(id).map(|log| &log.zone))]
        }
        _ => vec![zone_id(operation, input).map_or(Subject::Account, of_zone)],
    }
}

/// The id of the zone that the operation names, by whichever member.
fn zone_id<'i>(operation: &Operation, input: &'i Struct) -> Option<&'i str> {
    let is_by_id = operation.path.first() == Some(&Segment::Literal("hostedzone"));
    let id = input.text("HostedZoneId").or_else(|| input.text("Id").filter(|_| is_by_id));
    id.filter(|id| !id.is_empty())
}
