//! How long a certificate holds.
//!
//! Only the endpoint's own is looked at: others that it shows may have expired without anybody minding. Whether it is
//! valid at all is judged elsewhere (`tls`). Source: RFC 5280 §4.1.2.5.

use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::Decode;

use crate::health::observation::{Failure, Outcome};

/// When the first of the certificates expires; none where it cannot be read.
pub(super) fn not_after(shown: Option<&[CertificateDer<'_>]>) -> Option<Timestamp> {
    let certificate = Certificate::from_der(shown?.first()?).ok()?;
    Some(timestamp(certificate.tbs_certificate.validity.not_after.to_unix_duration().as_secs()))
}

/// Seconds since 1970, as far as there is a calendar: `99991231235959Z` says that there is no end (RFC 5280 §4.1.2.5).
pub(super) fn timestamp(secs: u64) -> Timestamp {
    i64::try_from(secs).ok().and_then(|secs| Timestamp::from_second(secs).ok()).unwrap_or(Timestamp::MAX)
}

/// Fails when fewer days are left at `now` than there should be.
pub(super) fn check_days(not_after: Option<Timestamp>, days_left: Option<u16>, now: Timestamp) -> Result<(), Outcome> {
    let Some(days_left) = days_left else { return Ok(()) };
    let Some(not_after) = not_after else {
        return Err(Failure::CertificateInvalid("its time of expiry cannot be read".into()).into());
    };
    if not_after.duration_since(now) < SignedDuration::from_hours(24 * i64::from(days_left)) {
        return Err(Failure::CertificateExpires { not_after, days_left }.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_fails_once_fewer_days_are_left() {
        let now: Timestamp = "2026-03-01T10:00:00Z".parse().unwrap();
        for (not_after, passes) in [
            ("2026-03-15T10:00:00Z", true),
            ("2026-03-15T09:59:59Z", false),
            ("2026-02-01T00:00:00Z", false),
            ("9999-01-01T00:00:00Z", true),
        ] {
            let judged = check_days(not_after.parse().ok(), Some(14), now);
            assert_eq!(judged.is_ok(), passes, "{not_after}");
            assert_eq!(check_days(not_after.parse().ok(), None, now), Ok(()));
        }
        assert_eq!(check_days(None, Some(14), now).unwrap_err().code(), "certificate_invalid");
        assert_eq!(timestamp(u64::MAX), Timestamp::MAX);
    }
}
