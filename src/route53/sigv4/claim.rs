//! What a request says of its signature, in the Authorization header or in the query.
//!
//! Reads and checks what needs no secret. Invariant: each part is there exactly once; a part given twice is refused, for
//! signer and verifier might read different ones.
//! Source: "Create a signed AWS API request", step 5; "Query parameters" of the same guide; texts as AWS's services answer.

use std::fmt;

use aws_lc_rs::digest;
use domain::utils::base64;

use super::refusal::SKEW_SECS;
use super::{ALGORITHM, Refusal, Request, stamp};
use crate::route53::percent::decode_query;

/// Who claims to have signed, what, and when.
#[derive(Debug)]
pub(super) struct Claim {
    pub key_id: String,
    pub scope: Scope,
    /// As written: they are signed in this form.
    pub signed_headers: String,
    /// In hexadecimal.
    pub signature: String,
    /// When it was signed, as it is signed.
    pub stamp: String,
    pub token: Option<Vec<u8>>,
    /// What the request says of its body.
    pub body_hash: Option<String>,
    /// For how long; none when the signature is in a header.
    pub expires_secs: Option<u32>,
    pub signed_secs: i64,
}

/// What a signature is good for.
#[derive(Debug)]
pub(super) struct Scope {
    pub date: String,
    pub region: String,
    pub service: String,
    pub terminator: String,
}

impl Claim {
    /// # Errors
    /// [`Refusal::Unsigned`] or [`Refusal::Incomplete`].
    pub fn parse(request: &Request<'_>) -> Result<Self, Refusal> {
        let parameters = amz_parameters(request.query);
        let is_presigned = parameters.iter().any(|(name, _)| REQUIRED_PARAMETERS.contains(&name.as_str()));
        match (only_header(request, "authorization")?, is_presigned) {
            (Some(_), true) => {
                Err(incomplete("Only one of the Authorization header and the query-string parameters may hold a signature."))
            }
            (Some(authorization), false) => Self::parse_header(request, authorization),
            (None, true) => Self::parse_query(request, &parameters),
            (None, false) => Err(Refusal::Unsigned),
        }
    }

    fn parse_header(request: &Request<'_>, authorization: &[u8]) -> Result<Self, Refusal> {
        let text = String::from_utf8_lossy(authorization);
        let parts = text.strip_prefix(ALGORITHM).and_then(|rest| rest.strip_prefix(' ')).unwrap_or_default();
        let [credential, signed_headers, signature] = parse_parts(parts)?;
        let amz_date = only_text(request, "x-amz-date")?;
        let date = only_text(request, "date")?;
        let missing: Vec<&str> = [
            (credential.is_none(), "Authorization header requires 'Credential' parameter."),
            (signature.is_none(), "Authorization header requires 'Signature' parameter."),
            (signed_headers.is_none(), "Authorization header requires 'SignedHeaders' parameter."),
            (
                amz_date.is_none() && date.is_none(),
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
            ),
        ]
        .into_iter()
        .filter_map(|(is_missing, text)| is_missing.then_some(text))
        .collect();
        let (Some(credential), Some(signed_headers), Some(signature), []) =
            (credential, signed_headers, signature, missing.as_slice())
        else {
            let hash = hashed(authorization);
            let why = format!("{} (Hashed with SHA-256 and encoded with Base64) Authorization={hash}", missing.join(" "));
            return Err(Refusal::Incomplete(why));
        };
        let signed_secs = match (&amz_date, &date) {
            (Some(date), _) => stamp::parse_basic(date),
            (None, date) => date.as_deref().and_then(stamp::parse_header),
        };
        let Some(signed_secs) = signed_secs else { return Err(bad_date(&amz_date.or(date).unwrap_or_default())) };
        let (key_id, scope) = parse_credential(&credential)?;
        Ok(Self {
            key_id,
            scope,
            signed_headers,
            signature,
            stamp: stamp::show(signed_secs),
            token: only_header(request, "x-amz-security-token")?.map(|token| token.trim_ascii().to_vec()),
            body_hash: only_text(request, "x-amz-content-sha256")?,
            expires_secs: None,
            signed_secs,
        })
    }

    fn parse_query(request: &Request<'_>, parameters: &[(String, String)]) -> Result<Self, Refusal> {
        let [algorithm, credential, date, expires, signed_headers, signature] = REQUIRED_PARAMETERS
            .map(|name| only(name, parameters.iter().filter(|(found, _)| found == name).map(|(_, value)| value.clone())));
        let (algorithm, credential, date) = (algorithm?, credential?, date?);
        let (expires, signed_headers, signature) = (expires?, signed_headers?, signature?);
        let (Some(algorithm), Some(credential), Some(date), Some(expires), Some(signed_headers), Some(signature)) =
            (algorithm, credential, date, expires, signed_headers, signature)
        else {
            return Err(missing_parameters(parameters));
        };
        if algorithm != ALGORITHM {
            return Err(incomplete(format_args!("X-Amz-Algorithm only supports \"{ALGORITHM}\", got '{algorithm}'.")));
        }
        let Some(signed_secs) = stamp::parse_basic(&date) else { return Err(bad_date(&date)) };
        let is_number = !expires.is_empty() && expires.bytes().all(|octet| octet.is_ascii_digit());
        let expires_secs = expires.parse().ok().filter(|secs| is_number && (1..=EXPIRES_SECS_MAX).contains(secs));
        let Some(expires_secs) = expires_secs else {
            let why = format_args!("X-Amz-Expires must be a number of seconds from 1 to {EXPIRES_SECS_MAX}, got '{expires}'.");
            return Err(incomplete(why));
        };
        let (key_id, scope) = parse_credential(&credential)?;
        let either = |name: &str, header: &str| -> Result<Option<String>, Refusal> {
            let in_query = parameters.iter().filter(|(found, _)| found == name).map(|(_, value)| value.clone());
            only(name, in_query.chain(only_text(request, header)?))
        };
        Ok(Self {
            key_id,
            scope,
            signed_headers,
            signature,
            stamp: date,
            token: either("X-Amz-Security-Token", "x-amz-security-token")?.map(String::into_bytes),
            body_hash: either("X-Amz-Content-Sha256", "x-amz-content-sha256")?,
            expires_secs: Some(expires_secs),
            signed_secs,
        })
    }

    /// What the signature is of, where the canonical request has this digest.
    pub fn string_to_sign(&self, digest: &str) -> String {
        format!("{ALGORITHM}\n{}\n{}\n{digest}", self.stamp, self.scope)
    }

    /// Whether it was signed for `service`, on the day of its date.
    pub fn check_scope(&self, service: &str) -> Result<(), Refusal> {
        let Scope { date, region, service: found, terminator } = &self.scope;
        let mut wrong = Vec::new();
        if region.is_empty() || !region.bytes().all(|octet| octet.is_ascii_graphic()) {
            wrong.push(format!("Credential should be scoped to a valid region, not '{region}'."));
        }
        if found != service {
            wrong.push(format!("Credential should be scoped to correct service: '{service}'."));
        }
        if terminator != TERMINATOR {
            wrong.push(format!("Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{terminator}'."));
        }
        let day = &self.stamp[..8];
        if date != day {
            let stamp = &self.stamp;
            wrong.push(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
                 '{date}' != '{day}', from '{stamp}'."
            ));
        }
        if wrong.is_empty() { Ok(()) } else { Err(Refusal::WrongScope(wrong.join(" "))) }
    }

    /// Whether its time has come and is not over.
    pub fn check_time(&self, now_secs: i64) -> Result<(), Refusal> {
        let signed_secs = self.signed_secs;
        if signed_secs > now_secs.saturating_add(SKEW_SECS) {
            return Err(Refusal::TooNew { signed_secs, now_secs });
        }
        match self.expires_secs {
            Some(expires) if now_secs > signed_secs + i64::from(expires) => Err(Refusal::Expired),
            None if signed_secs < now_secs - SKEW_SECS => Err(Refusal::TooOld { signed_secs, now_secs }),
            _ => Ok(()),
        }
    }

    /// Whether the host and all of AWS's own headers are signed, and the list of those that are is as signers write it.
    pub fn check_signed_headers(&self, request: &Request<'_>) -> Result<(), Refusal> {
        let names: Vec<&str> = self.signed_headers.split(';').collect();
        let is_lower = |octet: u8| octet.is_ascii_graphic() && !octet.is_ascii_uppercase() && octet != b':';
        let is_name = |name: &&str| !name.is_empty() && name.bytes().all(is_lower);
        if !names.is_sorted_by(|a, b| a < b) || !names.iter().all(is_name) {
            let found = &self.signed_headers;
            return Err(incomplete(format_args!("SignedHeaders must be in lower case and sorted, each once, got '{found}'.")));
        }
        if names.binary_search(&"host").is_err() {
            return Err(Refusal::NotSigned("'Host' or ':authority'".to_owned()));
        }
        let sent = request.headers.iter().map(|(name, _)| name.to_ascii_lowercase());
        match sent.into_iter().find(|name| name.starts_with("x-amz-") && names.binary_search(&name.as_str()).is_err()) {
            Some(name) => Err(Refusal::NotSigned(format!("'{name}'"))),
            None => Ok(()),
        }
    }
}

/// As it is signed, behind the key's id.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { date, region, service, terminator } = self;
        write!(f, "{date}/{region}/{service}/{terminator}")
    }
}

/// `Credential`, `SignedHeaders` and `Signature`, in any order.
fn parse_parts(parts: &str) -> Result<[Option<String>; 3], Refusal> {
    let mut found = [const { None }; 3];
    for part in parts.split(',').map(|part| part.trim_matches(' ')).filter(|part| !part.is_empty()) {
        let Some((name, value)) = part.split_once('=') else {
            let hash = hashed(part.as_bytes());
            return Err(incomplete(format_args!(
                "Invalid key=value pair (missing equal-sign) in Authorization header \
                 (hashed with SHA-256 and encoded with Base64): '{hash}'."
            )));
        };
        let Some(at) = ["Credential", "SignedHeaders", "Signature"].iter().position(|known| *known == name) else { continue };
        if found[at].replace(value.to_owned()).is_some() {
            return Err(incomplete(format_args!("Authorization header has the parameter '{name}' more than once.")));
        }
    }
    Ok(found)
}

fn parse_credential(credential: &str) -> Result<(String, Scope), Refusal> {
    let parts: Vec<String> = credential.split('/').map(str::to_owned).collect();
    let Ok([key_id, date, region, service, terminator]) = <[String; 5]>::try_from(parts) else {
        return Err(incomplete(format_args!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{credential}'."
        )));
    };
    Ok((key_id, Scope { date, region, service, terminator }))
}

/// The parameters of AWS's own, decoded.
fn amz_parameters(query: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| String::from_utf8_lossy(&decode_query(text)).into_owned();
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let pairs = pairs.map(|(name, value)| (decoded(name), value));
    pairs.filter(|(name, _)| name.starts_with("X-Amz-")).map(|(name, value)| (name, decoded(value))).collect()
}

fn missing_parameters(parameters: &[(String, String)]) -> Refusal {
    let is_missing = |name: &&str| !parameters.iter().any(|(found, _)| found == name);
    let missing: Vec<String> = REQUIRED_PARAMETERS
        .iter()
        .filter(|name| is_missing(name))
        .map(|name| format!("AWS query-string parameters must include '{name}'."))
        .collect();
    incomplete(format_args!("{} Re-examine the query-string parameters.", missing.join(" ")))
}

fn bad_date(found: &str) -> Refusal {
    incomplete(format_args!("Date must be in ISO-8601 'basic format'. Got '{found}'. See http://en.wikipedia.org/wiki/ISO_8601"))
}

/// The header's value, which is sent at most once.
fn only_header<'r>(request: &Request<'r>, name: &str) -> Result<Option<&'r [u8]>, Refusal> {
    only(name, request.headers.iter().filter(|(sent, _)| sent.eq_ignore_ascii_case(name)).map(|(_, value)| *value))
}

fn only_text(request: &Request<'_>, name: &str) -> Result<Option<String>, Refusal> {
    Ok(only_header(request, name)?.map(|value| String::from_utf8_lossy(value.trim_ascii()).into_owned()))
}

fn only<T>(name: &str, mut values: impl Iterator<Item = T>) -> Result<Option<T>, Refusal> {
    let first = values.next();
    match values.next() {
        None => Ok(first),
        Some(_) => Err(incomplete(format_args!("'{name}' is given more than once."))),
    }
}

/// In place of what would let others repeat the request, were it logged.
fn hashed(octets: &[u8]) -> String {
    base64::encode_string(digest::digest(&digest::SHA256, octets).as_ref())
}

fn incomplete(why: impl fmt::Display) -> Refusal {
    Refusal::Incomplete(why.to_string())
}

pub(super) const TERMINATOR: &str = "aws4_request";
/// What a presigned request has in its query.
const REQUIRED_PARAMETERS: [&str; 6] =
    ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"];
/// A week.
const EXPIRES_SECS_MAX: u32 = 604_800;
