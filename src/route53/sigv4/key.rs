//! Access keys: their secrets, and what is derived from them.
//!
//! Not who holds one: see `access`. Invariant: a secret is in no text that can be printed.
//! Source: "Create a signed AWS API request", steps 3 and 4 (calculate the signature).

use std::fmt::{self, Write};

use aws_lc_rs::{constant_time, digest, hmac};

use super::claim::Scope;

/// One access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey {
    /// Public: it is in every request.
    pub id: String,
    pub secret: Secret,
    /// Temporary credentials have one, and each of their requests says it.
    pub session_token: Option<Secret>,
}

/// A text that is never shown.
#[derive(Clone)]
pub struct Secret(Box<[u8]>);

/// Signs for one day, region and service.
pub(super) struct SigningKey(hmac::Key);

impl AccessKey {
    /// Whether this token, or that there is none, is what the key asks for.
    pub(super) fn has_token(&self, token: Option<&[u8]>) -> bool {
        match (&self.session_token, token) {
            (Some(own), Some(token)) => is_equal(&own.0, token),
            (None, None) => true,
            _ => false,
        }
    }
}

impl Secret {
    pub fn new(text: &str) -> Self {
        Self(text.as_bytes().into())
    }

    /// How many octets it has: what may be told of it.
    #[expect(clippy::len_without_is_empty, reason = "an empty text is a secret that is too short like any other")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The text, for the one place where it must be said: a session token, to the server.
    pub(super) fn expose(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }

    pub(super) fn signing_key(&self, scope: &Scope) -> SigningKey {
        let first = [b"AWS4", &*self.0].concat();
        let steps = [&scope.date, &scope.region, &scope.service, &scope.terminator];
        SigningKey(steps.into_iter().fold(hmac::Key::new(hmac::HMAC_SHA256, &first), |key, step| {
            hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, step.as_bytes()).as_ref())
        }))
    }
}

impl SigningKey {
    /// The signature in hexadecimal.
    pub fn sign(&self, string_to_sign: &[u8]) -> String {
        hex(hmac::sign(&self.0, string_to_sign).as_ref())
    }
}

/// Compares in a time that depends on the lengths alone.
pub(super) fn is_equal(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// SHA-256 in hexadecimal.
pub(super) fn sha256_hex(octets: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, octets).as_ref())
}

pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(2 * octets.len()), |mut text, octet| {
        write!(text, "{octet:02x}").expect("a String takes every text");
        text
    })
}

/// Constant in time, as equality of configurations compares secrets too.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        is_equal(&self.0, &other.0)
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}
