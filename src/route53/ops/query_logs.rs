//! Query logging configurations: which zones log their queries, and into which log group.
//!
//! Not the logs. Every log group exists that can be named: nobody here knows better.
//! Source: Route 53 API 2013-04-01, the operations of these names; the messages are unverified, but that of a wrong ARN.

use std::sync::Arc;

use super::common::{page, page_size};
use super::{Context, Done};
use crate::route53::account::Account;
use crate::route53::account::edit::{Edit, Key, Record};
use crate::route53::account::entities::QueryLog;
use crate::route53::error::ApiError;
use crate::route53::request::bare;
use crate::route53::value::{Struct, Value};

/// Configurations of one page at most.
const PAGE_MAX: usize = 100;

pub(super) fn create(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let zone = context.own_zone(input.word("HostedZoneId"))?;
    let arn = input.word("CloudWatchLogsLogGroupArn");
    if QueryLog::log_group_of(arn).is_none() {
        return Err(ApiError::invalid_input("The ARN for the CloudWatch Logs log group is invalid"));
    }
    if zone.record.private {
        return Err(ApiError::invalid_input("Query logging is only supported for public hosted zones."));
    }
    if context.account.query_logs.values().any(|log| log.zone == zone.record.id) {
        let message = "A query logging configuration already exists for this hosted zone.";
        return Err(ApiError::new("QueryLoggingConfigAlreadyExists", 409, message));
    }
    let log = QueryLog { id: context.new_uuid(), zone: zone.record.id.clone(), log_group_arn: arn.to_owned() };
    let location = format!("queryloggingconfig/{}", log.id);
    let output = Struct::new().with("QueryLoggingConfig", query_logging_config(&log));
    Done::creating(location, output, vec![Edit::Put(Record::QueryLog(Arc::new(log)))])
}

pub(super) fn get(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let log = find(input.word("Id"), context.account)?;
    Done::reading(Struct::new().with("QueryLoggingConfig", query_logging_config(log)))
}

pub(super) fn delete(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let log = find(input.word("Id"), context.account)?;
    Done::writing(Struct::new(), vec![Edit::Delete(Key::QueryLog(log.id.clone()))])
}

fn find<'a>(id: &str, account: &'a Account) -> Result<&'a Arc<QueryLog>, ApiError> {
    let message = "The query logging configuration does not exist.";
    account.query_logs.get(id).ok_or_else(|| ApiError::new("NoSuchQueryLoggingConfig", 404, message))
}

pub(super) fn list(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let size = page_size(input, "MaxResults", PAGE_MAX, PAGE_MAX)?;
    let zone = input.text("HostedZoneId").map(bare).filter(|id| !id.is_empty());
    zone.map(|id| context.zone(id)).transpose()?;
    let token = input.text("NextToken").unwrap_or_default();
    if !token.is_empty() && !context.account.query_logs.get(token).is_some_and(|log| context.sees_in(&log.zone)) {
        let message =
            "Route 53 can't get the next page of query logging configurations because the specified NextToken value is invalid.";
        return Err(ApiError::new("InvalidPaginationToken", 400, message));
    }
    let logs = context.account.query_logs.range(token.to_owned()..).map(|(_, log)| log);
    let (logs, next) = page(logs.filter(|log| zone.is_none_or(|id| log.zone == id) && context.sees_in(&log.zone)), size);
    let output = Struct::new()
        .with("QueryLoggingConfigs", logs.into_iter().map(|log| query_logging_config(log)).collect::<Value>())
        .with_some("NextToken", next.map(|log| &*log.id));
    Done::reading(output)
}

/// Route 53's `QueryLoggingConfig`.
fn query_logging_config(log: &QueryLog) -> Struct {
    Struct::new().with("Id", &*log.id).with("HostedZoneId", &*log.zone).with("CloudWatchLogsLogGroupArn", &*log.log_group_arn)
}
