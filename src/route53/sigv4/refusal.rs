//! Why a request is not accepted as signed, in AWS's words.
//!
//! Invariant: a text says only what the client sent or the clock says, never what was expected of a secret.
//! Source: Route 53 API Reference, "Common Errors"; texts as AWS's services are seen to answer.

use std::fmt;

use super::stamp;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not signed.
    Unsigned,
    /// Its signature lacks a part, or has one that cannot be read; in words.
    Incomplete(String),
    /// Nobody has the access key, or its session token is another.
    UnknownKey,
    /// It was signed with another secret, or changed since.
    WrongSignature,
    /// It was signed for something else; in words.
    WrongScope(String),
    /// A header that must be signed is not.
    NotSigned(String),
    /// The hash that it gives of its body is another's.
    WrongBody,
    /// It was signed too long ago; both in seconds since 1970.
    TooOld { signed_secs: i64, now_secs: i64 },
    /// It is signed for a time to come.
    TooNew { signed_secs: i64, now_secs: i64 },
    /// It was signed in advance for a time that is over.
    Expired,
}

impl Refusal {
    /// AWS's error code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unsigned => "MissingAuthenticationToken",
            Self::Incomplete(_) => "IncompleteSignature",
            Self::UnknownKey => "InvalidClientTokenId",
            Self::WrongSignature
            | Self::WrongScope(_)
            | Self::NotSigned(_)
            | Self::WrongBody
            | Self::TooOld { .. }
            | Self::TooNew { .. } => "SignatureDoesNotMatch",
            Self::Expired => "RequestExpired",
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Incomplete(_) | Self::Expired => 400,
            _ => 403,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned => f.write_str("Missing Authentication Token"),
            Self::Incomplete(why) | Self::WrongScope(why) => f.write_str(why),
            Self::UnknownKey => f.write_str("The security token included in the request is invalid."),
            Self::WrongSignature => f.write_str(
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key \
                 and signing method. Consult the service documentation for details.",
            ),
            Self::NotSigned(header) => write!(f, "{header} must be a 'SignedHeader' in the AWS Authorization."),
            Self::WrongBody => f.write_str("The provided 'x-amz-content-sha256' header does not match what was computed."),
            Self::TooOld { signed_secs, now_secs } => {
                let earliest = stamp::show(now_secs - SKEW_SECS);
                let (signed, now) = (stamp::show(*signed_secs), stamp::show(*now_secs));
                write!(f, "Signature expired: {signed} is now earlier than {earliest} ({now} - 5 min.)")
            }
            Self::TooNew { signed_secs, now_secs } => {
                let latest = stamp::show(now_secs.saturating_add(SKEW_SECS));
                let (signed, now) = (stamp::show(*signed_secs), stamp::show(*now_secs));
                write!(f, "Signature not yet current: {signed} is still later than {latest} ({now} + 5 min.)")
            }
            Self::Expired => f.write_str("Request has expired."),
        }
    }
}

impl std::error::Error for Refusal {}

/// How far a client's clock may be off, and how long a request may be on its way.
pub(super) const SKEW_SECS: i64 = 300;
