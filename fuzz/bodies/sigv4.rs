//! Any octets are verified as a signed request, and never with a panic: accepted, or refused with a code and a text.
//!
//! Reads the octets much as HTTP/1 is written: a line with method and target, headers, an empty line, the body. Not a
//! test of HTTP, nor of which signatures are right: see `tests/sigv4.rs`.
//! Invariants: what is accepted is refused with another secret, another body, another method or at another time; what is
//! refused is so in the same words whatever the secret is. Source: src/route53/sigv4/mod.rs.

use waypost::route53::sigv4::{AccessKey, Refusal, Request, Secret, verify};

pub fn run(octets: &[u8]) {
    let Some(sent) = Sent::read(octets) else { return };
    let Err(refusal) = sent.verify(SECRET, NOW_SECS) else {
        check_accepted(&sent);
        return;
    };
    assert!([400, 403].contains(&refusal.status()), "{refusal:?}");
    assert!(refusal.code().bytes().all(|octet| octet.is_ascii_alphabetic()), "{refusal:?}");
    assert!(!refusal.to_string().is_empty(), "{refusal:?}");
    // A text may repeat what was sent, escaped or not, and a fuzzer that watches comparisons sends the secret.
    let told = sent.verify("another", NOW_SECS);
    // Whoever signed with the secret, and lacks the session's token, is told of an unknown key.
    let is_signed = refusal == Refusal::UnknownKey && told == Err(Refusal::WrongSignature);
    assert!(is_signed || told == Err(refusal.clone()), "a refusal tells of the secret: {refusal:?}, {told:?}");
}

fn check_accepted(sent: &Sent<'_>) {
    assert_eq!(sent.verify("another", NOW_SECS), Err(Refusal::WrongSignature));
    let longer = [sent.body, b"x"].concat();
    if !sent.query.contains("UNSIGNED-PAYLOAD") {
        assert!(Sent { body: &longer, ..sent.clone() }.verify(SECRET, NOW_SECS).is_err());
    }
    assert!(Sent { method: "PATCH", ..sent.clone() }.verify(SECRET, NOW_SECS).is_err());
    for now_secs in [0, NOW_SECS + 604_801, u64::MAX] {
        assert!(sent.verify(SECRET, now_secs).is_err());
    }
}

#[derive(Clone)]
struct Sent<'r> {
    method: &'r str,
    path: &'r str,
    query: &'r str,
    headers: Vec<(&'r str, &'r [u8])>,
    body: &'r [u8],
}

impl<'r> Sent<'r> {
    /// None when HTTP could not carry it.
    fn read(octets: &'r [u8]) -> Option<Self> {
        let mut lines = octets.split(|octet| *octet == b'\n');
        let (method, target) = str::from_utf8(lines.next()?).ok()?.split_once(' ')?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers = Vec::new();
        let mut head_len = method.len() + 1 + target.len() + 1;
        for line in lines {
            head_len += line.len() + 1;
            let Some(colon) = line.iter().position(|octet| *octet == b':') else { break };
            headers.push((str::from_utf8(&line[..colon]).ok()?, line[colon + 1..].trim_ascii()));
        }
        Some(Self { method, path, query, headers, body: octets.get(head_len..).unwrap_or_default() })
    }

    fn verify(&self, secret: &str, now_secs: u64) -> Result<(), Refusal> {
        let key = AccessKey { id: "AKIAIOSFODNN7EXAMPLE".into(), secret: Secret::new(secret), session_token: None };
        let Self { method, path, query, headers, body } = self;
        let request = Request { method, path, query, headers, body };
        verify(&request, now_secs, |id| (id == key.id).then_some(&key)).map(|_| ())
    }
}

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
/// When the seeds were signed.
const NOW_SECS: u64 = 1_767_323_045;
