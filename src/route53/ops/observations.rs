//! What this server's probes saw of a health check's endpoint, and where its probes come from.
//!
//! There is one checker, this server: so one observation, or none as long as nothing was probed. Checks that do not probe
//! have none. Source: Route 53 API 2013-04-01, GetHealthCheckStatus, GetHealthCheckLastFailureReason, GetCheckerIpRanges.

use std::sync::Arc;

use super::{Context, Done};
use crate::health::observation::Observation;
use crate::health::table::Seen;
use crate::ids::HealthCheckId;
use crate::route53::checks::observed;
use crate::route53::error::ApiError;
use crate::route53::value::{Struct, Value};

/// Where probes come from, as far as nobody says which addresses this server has: from itself. Sorted, as in AWS.
const CHECKER_RANGES: [&str; 2] = ["127.0.0.0/8", "::1/128"];

pub(super) fn status(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    observations(input, context, |seen| seen.last.as_ref())
}

pub(super) fn last_failure(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    observations(input, context, |seen| seen.last_failure.as_ref())
}

fn observations(input: &Struct, context: &Context<'_>, which: fn(&Seen) -> Option<&Arc<Observation>>) -> Result<Done, ApiError> {
    let check = context.check(input.word("HealthCheckId"))?;
    let health = &context.snapshot.health;
    let index = HealthCheckId::new(&check.id).ok().and_then(|id| health.index(&id));
    let seen = index.and_then(|index| which(health.seen(index)));
    let observations: Value = seen.into_iter().map(|seen| observed::put(seen)).collect();
    Done::reading(Struct::new().with("HealthCheckObservations", observations))
}

pub(super) fn checker_ranges(_: &Struct, _: &mut Context<'_>) -> Result<Done, ApiError> {
    Done::reading(Struct::new().with("CheckerIpRanges", CHECKER_RANGES.into_iter().collect::<Value>()))
}
