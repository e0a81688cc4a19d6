//! Zones as other programs write them: the JSON of the AWS CLI, and batches that another server takes.
//!
//! Pure, and no part of the API: `waypost import` and `waypost export` are made of it. Invariant: what is written here
//! reads back as it was. Sources: Route 53 API 2013-04-01; AWS CLI, `route53 list-resource-record-sets`,
//! `list-health-checks`, `list-cidr-blocks`, `change-resource-record-sets --change-batch`.

pub mod batches;
pub mod documents;
pub mod json;
pub mod words;

#[cfg(test)]
mod tests;
