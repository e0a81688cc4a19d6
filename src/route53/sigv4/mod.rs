//! Signature Version 4: whether a request was signed with the secret of the access key that it names, and lately.
//!
//! Not who may do what: see `access`. No clock: the time is an argument. A request heard twice within its time is
//! accepted twice, as it is by AWS; only TLS keeps it from being heard.
//! Invariants: no octet of what was signed can change unnoticed; what is compared with a secret is compared in constant
//! time; an access key that nobody has costs what a wrong signature costs.
//! Source: AWS Identity and Access Management User Guide, "AWS Signature Version 4 for API requests".

mod canonical;
mod claim;
mod key;
mod refusal;
mod sign;
mod stamp;

use self::canonical::{CanonicalRequests, body_hash, given_hash};
use self::claim::Claim;

pub use self::key::{AccessKey, Secret};
pub use self::refusal::Refusal;
pub use self::sign::sign;

/// A request as it was received.
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    pub method: &'r str,
    /// As sent, with its escapes; without the query. It may be signed with its dot segments and repeated slashes removed:
    /// whoever acts on it removes them too, or refuses it.
    pub path: &'r str,
    /// As sent, without the question mark; empty when there is none. A plus in it means a space.
    pub query: &'r str,
    /// In the order sent; names in any case. In HTTP/2 the caller adds `host` from `:authority`.
    pub headers: &'r [(&'r str, &'r [u8])],
    pub body: &'r [u8],
}

/// Returns the access key that signed the request for Route 53 not long before `now_secs` (since 1970).
///
/// `find` knows the access keys by their ids. Any region is accepted: clients with an endpoint of their own sign for the
/// region that they are configured with.
///
/// # Errors
/// [`Refusal`], with AWS's code, status and text.
pub fn verify<'k>(
    request: &Request<'_>,
    now_secs: u64,
    find: impl FnOnce(&str) -> Option<&'k AccessKey>,
) -> Result<&'k AccessKey, Refusal> {
    verify_for(SERVICE, request, now_secs, find)
}

/// As [`verify`], of a request whose body nobody has read yet; returns the hash, in hexadecimal, that its body must have.
///
/// # Errors
/// [`Refusal`], also when the request does not say the hash of its body.
pub fn verify_head<'k>(
    request: &Request<'_>,
    now_secs: u64,
    find: impl FnOnce(&str) -> Option<&'k AccessKey>,
) -> Result<(&'k AccessKey, String), Refusal> {
    let claim = Claim::parse(request)?;
    let hash = given_hash(&claim)?;
    verify_claim(SERVICE, request, &claim, || Ok(hash.clone()), now_secs, find).map(|key| (key, hash))
}

/// Whether these octets have this hash, in hexadecimal.
pub fn has_hash(octets: &[u8], hash: &str) -> bool {
    key::sha256_hex(octets).eq_ignore_ascii_case(hash)
}

fn verify_for<'k>(
    service: &str,
    request: &Request<'_>,
    now_secs: u64,
    find: impl FnOnce(&str) -> Option<&'k AccessKey>,
) -> Result<&'k AccessKey, Refusal> {
    let claim = Claim::parse(request)?;
    let hash = || body_hash(request, &claim);
    verify_claim(service, request, &claim, hash, now_secs, find)
}

fn verify_claim<'k>(
    service: &str,
    request: &Request<'_>,
    claim: &Claim,
    body_hash: impl FnOnce() -> Result<String, Refusal>,
    now_secs: u64,
    find: impl FnOnce(&str) -> Option<&'k AccessKey>,
) -> Result<&'k AccessKey, Refusal> {
    claim.check_scope(service)?;
    claim.check_time(i64::try_from(now_secs).unwrap_or(i64::MAX))?;
    claim.check_signed_headers(request)?;
    let canonical = CanonicalRequests::new(request, claim, &body_hash()?)?;
    let key = find(&claim.key_id);
    let nobody = Secret::new("the secret of nobody, as long as others");
    let secret = key.map_or(&nobody, |key| &key.secret);
    let is_genuine = is_signed_with(secret, claim, &canonical);
    match key {
        None => Err(Refusal::UnknownKey),
        // Before the token: whoever lacks the secret must not learn whether a token is right.
        Some(_) if !is_genuine => Err(Refusal::WrongSignature),
        Some(key) if !key.has_token(claim.token.as_deref()) => Err(Refusal::UnknownKey),
        Some(key) => Ok(key),
    }
}

/// Whether one of the forms that signers make of the request has the claimed signature.
fn is_signed_with(secret: &Secret, claim: &Claim, canonical: &CanonicalRequests) -> bool {
    let key = secret.signing_key(&claim.scope);
    let is_of = |digest: String| {
        let signature = key.sign(claim.string_to_sign(&digest).as_bytes());
        key::is_equal(signature.as_bytes(), claim.signature.as_bytes())
    };
    // All of them, found or not: how long it takes depends on the request alone.
    canonical.digests().into_iter().map(is_of).fold(false, |found, is_equal| found | is_equal)
}

const SERVICE: &str = "route53";
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

#[cfg(test)]
mod signing;
#[cfg(test)]
mod tests;
