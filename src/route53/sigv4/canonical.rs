//! The canonical request: what signer and verifier must agree on, octet by octet.
//!
//! Signers differ in two points, and where they do each form is tried: botocore and the SDKs for JavaScript and Java
//! remove dot segments and repeated slashes from the path, those for Go do not; botocore takes the query as it is sent,
//! the others encode it anew. In each form every octet counts that the API reads.
//! Invariant: the forms depend on the request alone, and there are one to four.
//! Source: "Create a signed AWS API request", step 1.

use aws_lc_rs::digest;

use super::claim::Claim;
use super::{Refusal, Request, key};
use crate::route53::percent::{decode_query, encode};

/// The forms that signers make of one request.
pub(super) struct CanonicalRequests {
    method: String,
    paths: Vec<String>,
    queries: Vec<String>,
    /// From the headers to the hash of the body.
    rest: Vec<u8>,
}

impl CanonicalRequests {
    /// # Errors
    /// [`Refusal`] when a signed header is not there.
    pub fn new(request: &Request<'_>, claim: &Claim, body_hash: &str) -> Result<Self, Refusal> {
        let mut rest = canonical_headers(request.headers, &claim.signed_headers)?;
        rest.extend_from_slice(format!("\n{}\n{body_hash}", claim.signed_headers).as_bytes());
        let mut paths = vec![encode(remove_dot_segments(request.path).as_bytes(), true), as_sent(request.path)];
        let mut queries = vec![encoded_query(request.query, claim)];
        // What no HTTP request line can hold, least of all the line ends that part the canonical request, is not tried.
        if !request.query.bytes().any(|octet| octet <= b' ' || octet == 0x7F) {
            queries.push(sent_query(request.query, claim));
        }
        paths.dedup();
        queries.dedup();
        Ok(Self { method: request.method.to_owned(), paths, queries, rest })
    }

    /// The hash of each form, in hexadecimal.
    pub fn digests(&self) -> Vec<String> {
        let forms = self.paths.iter().flat_map(|path| self.queries.iter().map(move |query| (path, query)));
        let digest = |(path, query): (&String, &String)| {
            let mut context = digest::Context::new(&digest::SHA256);
            context.update(format!("{}\n{path}\n{query}\n", self.method).as_bytes());
            context.update(&self.rest);
            key::hex(context.finish().as_ref())
        };
        forms.map(digest).collect()
    }
}

fn as_sent(path: &str) -> String {
    encode(if path.is_empty() { "/" } else { path }.as_bytes(), true)
}

/// RFC 3986 §5.2.4, and repeated slashes made one, as botocore's `normalize_url_path` does both.
fn remove_dot_segments(path: &str) -> String {
    let mut kept = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            _ => kept.push(segment),
        }
    }
    let first = if path.is_empty() || path.starts_with('/') { "/" } else { "" };
    let last = if path.ends_with('/') && !kept.is_empty() { "/" } else { "" };
    format!("{first}{}{last}", kept.join("/"))
}

/// The parameters decoded, encoded and sorted.
fn encoded_query(query: &str, claim: &Claim) -> String {
    let recoded = |text: &str| encode(&decode_query(text), false);
    let pairs = signed_pairs(query, claim).filter(|pair| *pair != ("", ""));
    sorted(pairs.map(|(name, value)| (recoded(name), recoded(value))).collect())
}

/// The parameters as they were sent, sorted.
fn sent_query(query: &str, claim: &Claim) -> String {
    sorted(signed_pairs(query, claim).map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// The parameters that are signed: all but the signature itself.
fn signed_pairs<'q>(query: &'q str, claim: &Claim) -> impl Iterator<Item = (&'q str, &'q str)> {
    let is_presigned = claim.expires_secs.is_some();
    let pairs = query.split('&').filter(move |_| !query.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.filter(move |(name, _)| !is_presigned || decode_query(name) != b"X-Amz-Signature")
}

fn sorted(mut pairs: Vec<(String, String)>) -> String {
    pairs.sort();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// A line for each signed header, its values in the order sent.
fn canonical_headers(headers: &[(&str, &[u8])], signed: &str) -> Result<Vec<u8>, Refusal> {
    let mut sent: Vec<(String, &[u8])> = headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), *value)).collect();
    // Stable: values of one name stay in their order.
    sent.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut lines = Vec::new();
    for name in signed.split(';') {
        let from = sent.partition_point(|(sent, _)| sent.as_str() < name);
        let values: Vec<Vec<u8>> =
            sent[from..].iter().take_while(|(sent, _)| sent == name).map(|(_, value)| trim_all(value)).collect();
        if values.is_empty() {
            // Not the same as an empty one: it was signed, and is gone.
            return Err(Refusal::WrongSignature);
        }
        lines.extend_from_slice(name.as_bytes());
        lines.push(b':');
        lines.extend(values.join(&b','));
        lines.push(b'\n');
    }
    Ok(lines)
}

/// Without white space around it, and with one space for each run of it within.
fn trim_all(value: &[u8]) -> Vec<u8> {
    let words: Vec<&[u8]> = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
    words.join(&b' ')
}

/// What stands for the body: its hash, or that it is not signed, which only a presigned request may say.
///
/// # Errors
/// [`Refusal`] when the hash given of the body is another's.
pub(super) fn body_hash(request: &Request<'_>, claim: &Claim) -> Result<String, Refusal> {
    let computed = key::sha256_hex(request.body);
    match claim.body_hash.as_deref() {
        None => Ok(computed),
        Some(given) if given == computed => Ok(computed),
        Some(UNSIGNED) if claim.expires_secs.is_some() => Ok(UNSIGNED.to_owned()),
        Some(_) => Err(Refusal::WrongBody),
    }
}

/// What stands for a body that nobody has read yet: the hash that the request gives of it.
///
/// # Errors
/// [`Refusal`] when it gives none.
pub(super) fn given_hash(claim: &Claim) -> Result<String, Refusal> {
    let is_hash = |hash: &&String| hash.len() == 64 && hash.bytes().all(|digit| digit.is_ascii_hexdigit());
    let missing = || Refusal::Incomplete("The header 'x-amz-content-sha256' must hold the hash of the body.".to_owned());
    claim.body_hash.as_ref().filter(is_hash).cloned().ok_or_else(missing)
}

const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_segments_and_repeated_slashes_are_removed_and_the_last_slash_stays() {
        for (path, expected) in [
            ("", "/"),
            ("/", "/"),
            ("//", "/"),
            ("/.", "/"),
            ("/a/..", "/"),
            ("/../a", "/a"),
            ("/a/./b//c/../d/", "/a/b/d/"),
            ("/a/.b/..c", "/a/.b/..c"),
            ("a/./b", "a/b"),
        ] {
            assert_eq!(remove_dot_segments(path), expected, "{path}");
        }
    }

    #[test]
    fn values_of_one_header_are_joined_in_the_order_sent() {
        let headers: [(&str, &[u8]); 4] = [("My", b"  b  \t c "), ("Host", b"h"), ("my", b"a"), ("MY", b"")];
        assert_eq!(canonical_headers(&headers, "host;my"), Ok(b"host:h\nmy:b c,a,\n".to_vec()));
        assert_eq!(canonical_headers(&headers, "host;other"), Err(Refusal::WrongSignature));
    }
}
