//! What a probe saw, in the words of Route 53's checkers.
//!
//! Sentences for statuses and timeouts of connections are AWS's as its users have logged them; the others are waypost's
//! own in the same form. Invariant: each begins with `Success: ` or `Failure: `.
//! Sources: Route 53 API 2013-04-01, `StatusReport`; IANA's registry of HTTP status codes.

use crate::health::observation::{Failure, Observation, Outcome, Passed};
use crate::route53::value::{Struct, timestamp};

/// Where AWS's API says that its checker is; this server is in none of AWS's regions.
const REGION: &str = "us-east-1";
/// The checker's address: this server's, by which name none but itself can know it.
const ADDRESS: &str = "127.0.0.1";

/// Route 53's `HealthCheckObservation`.
pub fn put(seen: &Observation) -> Struct {
    let report = Struct::new().with("Status", words(&seen.outcome)).with("CheckedTime", timestamp(seen.at));
    Struct::new().with("Region", REGION).with("IPAddress", ADDRESS).with("StatusReport", report)
}

fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Passed(Passed::Connected) => "Success: TCP connection established".to_owned(),
        Outcome::Passed(Passed::Status(code) | Passed::SearchStringFound(code) | Passed::PatternMatched(code)) => {
            format!("Success: {}", status(*code))
        }
        Outcome::Passed(other) => format!("Success: {other}"),
        Outcome::Failed(failure) => format!("Failure: {}", of_failure(failure)),
        // Those are not kept: they say nothing of the endpoint.
        Outcome::NotRun(reason) => format!("Failure: {reason}"),
    }
}

fn of_failure(failure: &Failure) -> String {
    match failure {
        Failure::NameNotResolved(detail) => format!("DNS resolution failed: {detail}"),
        Failure::Refused => "Connection refused".to_owned(),
        Failure::ConnectTimeout(_) | Failure::Unreachable => UNREACHABLE.to_owned(),
        Failure::TlsTimeout(_) => "SSL handshake timed out".to_owned(),
        Failure::TlsHandshake(detail) => format!("SSL handshake failed: {detail}"),
        Failure::CertificateInvalid(detail) => format!("SSL certificate is not valid: {detail}"),
        Failure::StatusTimeout(limit) => format!("No HTTP status code was received within {} seconds", limit.as_secs_f64()),
        Failure::BadStatus(code) => status(*code),
        Failure::MalformedResponse(detail) => format!("The HTTP response is malformed: {detail}"),
        Failure::HeadersTooLarge => "The HTTP response headers exceed 16384 bytes".to_owned(),
        Failure::BodyTimeout(limit) => {
            format!("The search string was not received within {} seconds", limit.as_secs_f64())
        }
        Failure::SearchStringAbsent => "The search string was not found in the first 5120 bytes of the response body".to_owned(),
        // Of kinds and options that Route 53 does not have.
        failure @ (Failure::CertificateExpires { .. }
        | Failure::PatternAbsent
        | Failure::BadRedirect(_)
        | Failure::AnswerTimeout(_)
        | Failure::MalformedAnswer(_)
        | Failure::BadRcode { .. }
        | Failure::AnswerAbsent { .. }
        | Failure::NotServing(_)
        | Failure::GrpcStatus(_)
        | Failure::LoginRefused(_)
        | Failure::LoginTimeout(_)
        | Failure::QueryTimeout(_)
        | Failure::DatabaseError(_)
        | Failure::WrongRole { .. }
        | Failure::CommandTimeout(_)
        | Failure::CommandFailed(_)) => failure.to_string(),
        Failure::ConnectionClosed => "The connection was closed before the response was complete".to_owned(),
    }
}

const UNREACHABLE: &str = "Connection timed out. The endpoint or the internet connection is down, or requests are being blocked by your firewall. See https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-router-firewall-rules.html";

/// `HTTP Status Code 200, OK`; without words where IANA has none.
fn status(code: u16) -> String {
    match REASONS.binary_search_by_key(&code, |(known, _)| *known) {
        Ok(at) => format!("HTTP Status Code {code}, {}", REASONS[at].1),
        Err(_) => format!("HTTP Status Code {code}"),
    }
}

#[rustfmt::skip]
static REASONS: &[(u16, &str)] = &[
    (200, "OK"), (201, "Created"), (202, "Accepted"), (203, "Non-Authoritative Information"), (204, "No Content"),
    (205, "Reset Content"), (206, "Partial Content"), (207, "Multi-Status"), (208, "Already Reported"), (226, "IM Used"),
    (300, "Multiple Choices"), (301, "Moved Permanently"), (302, "Found"), (303, "See Other"), (304, "Not Modified"),
    (305, "Use Proxy"), (307, "Temporary Redirect"), (308, "Permanent Redirect"),
    (400, "Bad Request"), (401, "Unauthorized"), (402, "Payment Required"), (403, "Forbidden"), (404, "Not Found"),
    (405, "Method Not Allowed"), (406, "Not Acceptable"), (407, "Proxy Authentication Required"), (408, "Request Timeout"),
    (409, "Conflict"), (410, "Gone"), (411, "Length Required"), (412, "Precondition Failed"), (413, "Content Too Large"),
    (414, "URI Too Long"), (415, "Unsupported Media Type"), (416, "Range Not Satisfiable"), (417, "Expectation Failed"),
    (421, "Misdirected Request"), (422, "Unprocessable Content"), (423, "Locked"), (424, "Failed Dependency"),
    (425, "Too Early"), (426, "Upgrade Required"), (428, "Precondition Required"), (429, "Too Many Requests"),
    (431, "Request Header Fields Too Large"), (451, "Unavailable For Legal Reasons"),
    (500, "Internal Server Error"), (501, "Not Implemented"), (502, "Bad Gateway"), (503, "Service Unavailable"),
    (504, "Gateway Timeout"), (505, "HTTP Version Not Supported"), (506, "Variant Also Negotiates"),
    (507, "Insufficient Storage"), (508, "Loop Detected"), (511, "Network Authentication Required"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_statuses_are_named_and_others_only_numbered() {
        assert!(REASONS.is_sorted());
        let said = |outcome: Outcome| words(&outcome);
        assert_eq!(said(Outcome::Passed(Passed::Status(200))), "Success: HTTP Status Code 200, OK");
        assert_eq!(said(Failure::BadStatus(503).into()), "Failure: HTTP Status Code 503, Service Unavailable");
        assert_eq!(said(Failure::BadStatus(599).into()), "Failure: HTTP Status Code 599");
        assert_eq!(said(Failure::Refused.into()), "Failure: Connection refused");
    }
}
