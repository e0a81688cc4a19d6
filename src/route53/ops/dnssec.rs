//! DNSSEC of a hosted zone, as far as state goes: key-signing keys are kept, and no zone is signed.
//!
//! Invariant: nothing says that a zone is signed, and a key has no public part, so that nobody publishes a DS record for
//! it. Source: Route 53 API 2013-04-01, the operations of these names; the messages are unverified, but that of private
//! zones, which clients look for.

use std::sync::Arc;

use super::{Context, Done};
use crate::route53::account::edit::{Edit, Record};
use crate::route53::account::zone::{SigningKey, Zone, ZoneRecord};
use crate::route53::error::ApiError;
use crate::route53::request::bare;
use crate::route53::value::{Struct, Value, timestamp};

/// Keys of one zone at most.
const KEYS_MAX: usize = 2;

pub(super) fn get(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let zone = context.zone(input.word("HostedZoneId"))?;
    refuse_private(zone)?;
    let output = Struct::new()
        .with("Status", Struct::new().with("ServeSignature", "NOT_SIGNING"))
        .with("KeySigningKeys", zone.record.signing_keys.iter().map(key_signing_key).collect::<Value>());
    Done::reading(output)
}

/// Zones are not signed, so it can't be enabled; what else is wrong is told first, as it would be.
pub(super) fn enable(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let zone = context.own_zone(input.word("HostedZoneId"))?;
    refuse_private(zone)?;
    if !zone.record.signing_keys.iter().any(|key| key.is_active) {
        let message = "There must be at least one key-signing key (KSK) with the status ACTIVE.";
        return Err(ApiError::new("KeySigningKeyWithActiveStatusNotFound", 400, message));
    }
    let message = format!("The hosted zone {} can't be signed: waypost does not sign zones.", zone.record.id);
    Err(ApiError::new("InvalidArgument", 400, message))
}

pub(super) fn disable(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let zone = context.own_zone(input.word("HostedZoneId"))?;
    refuse_private(zone)?;
    Err(ApiError::new("DNSSECNotFound", 400, "The hosted zone doesn't have any DNSSEC resources."))
}

fn refuse_private(zone: &Zone) -> Result<(), ApiError> {
    match zone.record.private {
        true => Err(ApiError::new("InvalidArgument", 400, "Operation is unsupported for private hosted zones.")),
        false => Ok(()),
    }
}

pub(super) fn create_key(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let zone = context.own_zone(input.word("HostedZoneId"))?;
    refuse_private(zone)?;
    let (name, arn) = (input.word("Name"), input.word("KeyManagementServiceArn"));
    if !name.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'_') {
        let message = "The name of a key-signing key has letters, digits and underscores only.";
        return Err(ApiError::new("InvalidKeySigningKeyName", 400, message));
    }
    if !is_kms_arn(arn) {
        let message = format!("The KeyManagementServiceArn {arn} is not the ARN of a key.");
        return Err(ApiError::new("InvalidKMSArn", 400, message));
    }
    let is_active = match input.word("Status") {
        "ACTIVE" => true,
        "INACTIVE" => false,
        status => {
            let message = format!("The status of a new key-signing key is ACTIVE or INACTIVE, not {status}.");
            return Err(ApiError::new("InvalidKeySigningKeyStatus", 400, message));
        }
    };
    let reference = input.word("CallerReference");
    let keys = &zone.record.signing_keys;
    if keys.iter().any(|key| key.name == name || key.caller_reference == reference) {
        let message = "A key-signing key with this name or caller reference already exists for the hosted zone.";
        return Err(ApiError::new("KeySigningKeyAlreadyExists", 409, message));
    }
    if keys.len() >= KEYS_MAX {
        let message = format!("The hosted zone has {KEYS_MAX} key-signing keys already.");
        return Err(ApiError::new("TooManyKeySigningKeys", 400, message));
    }
    let key = SigningKey {
        name: name.to_owned(),
        kms_arn: arn.to_owned(),
        caller_reference: reference.to_owned(),
        is_active,
        created_at: context.now,
        changed_at: context.now,
    };
    let location = format!("keysigningkey/{}/{name}", zone.record.id);
    let (info, mut edits) = context.change(Some(&zone.record), None);
    let output = Struct::new().with("ChangeInfo", info).with("KeySigningKey", key_signing_key(&key));
    edits.push(put(zone, keys.iter().cloned().chain([key]).collect()));
    Done::creating(location, output, edits)
}

/// Whether it is of the form `arn:aws:kms:us-east-1:123456789012:key/ID`; in which partition and region does not matter.
fn is_kms_arn(arn: &str) -> bool {
    let parts: Vec<&str> = arn.split(':').collect();
    match parts[..] {
        ["arn", partition, "kms", region, account, key] => {
            let is_key = key.strip_prefix("key/").is_some_and(|id| !id.is_empty());
            let is_account = account.len() == 12 && account.bytes().all(|octet| octet.is_ascii_digit());
            partition.starts_with("aws") && !region.is_empty() && is_account && is_key
        }
        _ => false,
    }
}

pub(super) fn activate_key(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    set_active(input, context, true)
}

pub(super) fn deactivate_key(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    set_active(input, context, false)
}

fn set_active(input: &Struct, context: &mut Context<'_>, is_active: bool) -> Result<Done, ApiError> {
    let (zone, at) = find_key(input, context)?;
    let mut keys = zone.record.signing_keys.clone();
    keys[at] = SigningKey { is_active, changed_at: context.now, ..keys[at].clone() };
    changed(zone, keys, context)
}

pub(super) fn delete_key(input: &Struct, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let (zone, at) = find_key(input, context)?;
    let mut keys = zone.record.signing_keys.clone();
    if keys[at].is_active {
        let message = "A key-signing key is deactivated before it is deleted.";
        return Err(ApiError::new("InvalidKeySigningKeyStatus", 400, message));
    }
    keys.remove(at);
    changed(zone, keys, context)
}

/// The key of a request, by its place in its zone.
fn find_key<'c>(input: &Struct, context: &Context<'c>) -> Result<(&'c Arc<Zone>, usize), ApiError> {
    let (id, name) = (bare(input.word("HostedZoneId")), input.word("Name"));
    let no_such = || {
        let message = format!("No key-signing key {name} was found in the hosted zone {id}.");
        ApiError::new("NoSuchKeySigningKey", 404, message)
    };
    if !context.account.zones.contains_key(id) {
        return Err(no_such());
    }
    let zone = context.own_zone(id)?;
    let at = zone.record.signing_keys.iter().position(|key| key.name == name).ok_or_else(no_such)?;
    Ok((zone, at))
}

fn changed(zone: &Zone, keys: Vec<SigningKey>, context: &mut Context<'_>) -> Result<Done, ApiError> {
    let (info, mut edits) = context.change(Some(&zone.record), None);
    edits.push(put(zone, keys));
    Done::writing(Struct::new().with("ChangeInfo", info), edits)
}

fn put(zone: &Zone, signing_keys: Vec<SigningKey>) -> Edit {
    Edit::Put(Record::Zone(Arc::new(ZoneRecord { signing_keys, ..(*zone.record).clone() })))
}

/// Route 53's `KeySigningKey`, with what every key of its has (RFC 8624 §3.1) and nothing that only a real one could.
fn key_signing_key(key: &SigningKey) -> Struct {
    Struct::new()
        .with("Name", &*key.name)
        .with("KmsArn", &*key.kms_arn)
        .with("Flag", 257_u32)
        .with("SigningAlgorithmMnemonic", "ECDSAP256SHA256")
        .with("SigningAlgorithmType", 13_u32)
        .with("DigestAlgorithmMnemonic", "SHA-256")
        .with("DigestAlgorithmType", 2_u32)
        .with("Status", if key.is_active { "ACTIVE" } else { "INACTIVE" })
        .with("CreatedDate", timestamp(key.created_at))
        .with("LastModifiedDate", timestamp(key.changed_at))
}
