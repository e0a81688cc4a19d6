//! Signing a request: what `verify` asks for, made with the same canonical request.
//!
//! For waypost's own client. No clock: the time is an argument. Of the forms that signers make the first is made: the path
//! without dot segments, the query encoded anew. Source: "Create a signed AWS API request".

use super::canonical::CanonicalRequests;
use super::claim::{Claim, Scope, TERMINATOR};
use super::{ALGORITHM, AccessKey, Refusal, Request, SERVICE, key, stamp};

/// The headers that sign the request, to be added to its own: all of those are signed, so `host` must be among them.
///
/// # Errors
/// [`Refusal`] when the request has no host.
pub fn sign(
    request: &Request<'_>,
    access_key: &AccessKey,
    region: &str,
    now_secs: u64,
) -> Result<Vec<(&'static str, String)>, Refusal> {
    let signed_secs = i64::try_from(now_secs).unwrap_or(i64::MAX);
    let (stamp, body_hash) = (stamp::show(signed_secs), key::sha256_hex(request.body));
    let mut added = vec![("x-amz-date", stamp.clone()), ("x-amz-content-sha256", body_hash.clone())];
    added.extend(access_key.session_token.as_ref().map(|token| ("x-amz-security-token", token.expose())));
    let mut headers = request.headers.to_vec();
    headers.extend(added.iter().map(|(name, value)| (*name, value.as_bytes())));
    let mut names: Vec<String> = headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.sort();
    names.dedup();
    let claim = Claim {
        key_id: access_key.id.clone(),
        scope: Scope {
            date: stamp[..8].to_owned(),
            region: region.to_owned(),
            service: SERVICE.to_owned(),
            terminator: TERMINATOR.to_owned(),
        },
        signed_headers: names.join(";"),
        signature: String::new(),
        stamp,
        token: None,
        body_hash: Some(body_hash.clone()),
        expires_secs: None,
        signed_secs,
    };
    let request = Request { headers: &headers, ..*request };
    claim.check_signed_headers(&request)?;
    let digests = CanonicalRequests::new(&request, &claim, &body_hash)?.digests();
    let digest = digests.first().expect("a request has at least one form");
    let signature = access_key.secret.signing_key(&claim.scope).sign(claim.string_to_sign(digest).as_bytes());
    let Claim { key_id, scope, signed_headers, .. } = &claim;
    let authorization = format!("{ALGORITHM} Credential={key_id}/{scope}, SignedHeaders={signed_headers}, Signature={signature}");
    added.push(("authorization", authorization));
    Ok(added)
}
