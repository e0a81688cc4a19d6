//! Health checks: made, changed, listed, deleted.
//!
//! Two things differ from AWS: a check can't be deleted as long as a record set or a calculated check names it, where AWS
//! leaves those in a state that it calls unpredictable; and, without strict rules, calculated checks may have calculated
//! children, as long as none comes to depend on itself. Invariant: each update adds one to the check's version.
//! Source: Route 53 API 2013-04-01, the operations of these names.

use std::sync::Arc;

use super::common::{page, page_size};
use super::limits::CHECKS_MAX;
use super::{Context, Done};
use crate::route53::account::edit::{Edit, Key, Record};
use crate::route53::account::entities::{Check, CheckConfig, SpentReference};
use crate::route53::checks::{config, rules};
use crate::route53::error::ApiError;
use crate::route53::value::{Struct, Value};

/// Checks of one page at most.
const PAGE_MAX: usize = 100;
/// References of deleted checks that are remembered; older ones may be used again.
const SPENT_MAX: usize = 10_000;

impl<'c> Context<'c> {
    pub(super) fn check(&self, id: &str) -> Result<&'c Arc<Check>, ApiError> {
        self.account.checks.get(id).ok_or_else(|| ApiError::no_such_health_check(id))
    }

    /// The check, which must not be written in a file.
    pub(super) fn own_check(&self, id: &str) -> Result<&'c Arc<Check>, ApiError> {
        let check = self.check(id)?;
        match &check.file {
            Some(file) => Err(ApiError::in_a_file(&format!("The health check {id}"), file)),
            None => Ok(check),
        }
    }
}

pub(super) fn create(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let reference = input.word("CallerReference");
    let said = input.structure("HealthCheckConfig").map(config::read).unwrap_or_default();
    let account = context.account;
    let known = account.checks.values().find(|check| check.file.is_none() && check.caller_reference == reference);
    match known {
        Some(known) if known.config == said => {
            return Done::creating(location(known), Struct::new().with("HealthCheck", health_check(known)), Vec::new());
        }
        None if !account.spent_references.contains_key(reference) => {}
        _ => {
            // The words are waypost's own.
            let message = format!("A health check with the caller reference {reference} has already been created.");
            return Err(ApiError::new("HealthCheckAlreadyExists", 409, message));
        }
    }
    judge(&said, None, context)?;
    if context.settings.rules.strict && account.checks.len() >= CHECKS_MAX {
        let message = format!("The limit of {CHECKS_MAX} health checks has been reached.");
        return Err(ApiError::new("TooManyHealthChecks", 400, message));
    }
    let (id, caller_reference) = (context.new_uuid(), reference.to_owned());
    let made = Arc::new(Check { id, caller_reference, version: 1, config: said, tags: Default::default(), file: None });
    let output = Struct::new().with("HealthCheck", health_check(&made));
    Done::creating(location(&made), output, vec![Edit::Put(Record::Check(made))])
}

/// Refuses a configuration, by itself or for the checks that it names; `id` is the check's own, if it is one already.
fn judge(config: &CheckConfig, id: Option<&str>, context: &Context<'_>) -> Result<(), ApiError> {
    let invalid = |message: String| Err(ApiError::invalid_input(message));
    if let Some(message) = rules::check(config, context.settings.rules) {
        return invalid(message);
    }
    // The words are waypost's own.
    for (at, child) in config.child_health_checks.iter().enumerate() {
        let Some(known) = context.account.checks.get(child) else {
            return invalid(format!("Invalid parameter : The child health check {child} does not exist."));
        };
        if config.child_health_checks[..at].contains(child) {
            return invalid(format!("Invalid parameter : The child health check {child} is specified more than once."));
        }
        if context.settings.rules.strict && known.config.kind == "CALCULATED" {
            return invalid(format!(
                "Invalid parameter : The child health check {child} is a calculated health check, which can't be the child of another."
            ));
        }
        if id.is_some_and(|id| depends(child, id, context)) {
            return invalid(format!("Invalid parameter : The health check would depend on itself, by its child {child}."));
        }
    }
    Ok(())
}

/// Whether the check `from` is `on`, or depends on it; none of those that exist depends on itself.
fn depends(from: &str, on: &str, context: &Context<'_>) -> bool {
    let mut pending = vec![from];
    let mut seen = std::collections::BTreeSet::new();
    while let Some(id) = pending.pop() {
        if id == on {
            return true;
        }
        let check = context.account.checks.get(id).filter(|_| seen.insert(id));
        pending.extend(check.into_iter().flat_map(|check| check.config.child_health_checks.iter().map(|child| &**child)));
    }
    false
}

pub(super) fn update(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let check = context.own_check(input.word("HealthCheckId"))?;
    if input.number("HealthCheckVersion").is_some_and(|version| u64::try_from(version) != Ok(check.version)) {
        // The words are waypost's own.
        let message = format!(
            "The health check version {} doesn't match the current version {} of the health check {}.",
            input.word("HealthCheckVersion"),
            check.version,
            check.id
        );
        return Err(ApiError::new("HealthCheckVersionMismatch", 409, message));
    }
    let next = config::updated(&check.config, input);
    if next.ip_address.is_some() != check.config.ip_address.is_some() {
        let message = "Invalid parameter : An IP address can't be added to a health check that was created without one.";
        return Err(ApiError::invalid_input(message));
    }
    judge(&next, Some(&check.id), context)?;
    let next = Arc::new(Check { version: check.version + 1, config: next, ..(**check).clone() });
    let output = Struct::new().with("HealthCheck", health_check(&next));
    Done::writing(output, vec![Edit::Put(Record::Check(next))])
}

pub(super) fn delete(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let check = context.own_check(input.word("HealthCheckId"))?;
    if let Some(user) = user(&check.id, context) {
        return Err(ApiError::new("HealthCheckInUse", 400, format!("The health check {} is in use by {user}.", check.id)));
    }
    let mut edits = vec![Edit::Delete(Key::Check(check.id.clone()))];
    let spent = &context.account.spent_references;
    if spent.len() >= SPENT_MAX {
        let oldest = spent.values().min_by_key(|spent| spent.spent_at);
        edits.extend(oldest.map(|oldest| Edit::Delete(Key::SpentReference(oldest.reference.clone()))));
    }
    let spent = SpentReference { reference: check.caller_reference.clone(), spent_at: context.now };
    edits.push(Edit::Put(Record::SpentReference(Arc::new(spent))));
    Done::writing(Struct::new(), edits)
}

/// A record set or a calculated check that names the check.
fn user(id: &str, context: &Context<'_>) -> Option<String> {
    let mut parents = context.account.checks.values();
    if let Some(parent) = parents.find(|parent| parent.config.child_health_checks.iter().any(|child| child == id)) {
        return Some(format!("the calculated health check {}", parent.id));
    }
    let mut rrsets = context.account.zones.values().flat_map(|zone| zone.rrsets().values());
    let rrset = rrsets.find(|rrset| rrset.said.health_check_id.as_deref() == Some(id))?;
    Some(format!("the record set {} {}", rrset.said.name, rrset.said.kind))
}

pub(super) fn get(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let check = context.check(input.word("HealthCheckId"))?;
    Done::reading(Struct::new().with("HealthCheck", health_check(check)))
}

pub(super) fn count(_: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    Done::reading(Struct::new().with("HealthCheckCount", context.account.checks.len()))
}

pub(super) fn list(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let size = page_size(input, "MaxItems", PAGE_MAX, PAGE_MAX)?;
    let marker = input.text("Marker").unwrap_or_default().to_owned();
    let (checks, next) = page(context.account.checks.range(marker..).map(|(_, check)| check), size);
    let output = Struct::new()
        .with("HealthChecks", checks.into_iter().map(|check| health_check(check)).collect::<Value>())
        .with_some("Marker", input.text("Marker"))
        .with("IsTruncated", next.is_some())
        .with_some("NextMarker", next.map(|check| &*check.id))
        .with("MaxItems", size);
    Done::reading(output)
}

/// Route 53's `HealthCheck`.
fn health_check(check: &Check) -> Struct {
    Struct::new()
        .with("Id", &*check.id)
        .with("CallerReference", &*check.caller_reference)
        .with("HealthCheckConfig", config::put(&check.config))
        .with("HealthCheckVersion", check.version)
}

fn location(check: &Check) -> String {
    format!("healthcheck/{}", check.id)
}
