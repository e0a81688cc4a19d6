//! Who may ask for what of the pages for operators.
//!
//! Knows no page. Invariants: nothing is changed but by who has a token that opens it, or, where there are no tokens,
//! from this host; a browser changes nothing, for it acts for pages that nobody here has seen. Source: RFC 6750 §2.1.
//!
//! ```text
//! tokens   asks to   lets in
//! none     read      everybody, as all pages that only read
//! none     change    this host, where no proxy or browser speaks for another
//! some     read      who has a token that may read or override
//! some     change    who has a token that may do just that; no browser
//! ```

use axum::http::{HeaderMap, header};

use super::Peer;
use super::desk::Refused;
use crate::config::http::{Permission, Tokens};
use crate::health::remark::Remark;
use crate::route53::access::relaying_header;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    /// The name of their token; none where there are no tokens.
    token: Option<Remark>,
}

/// Lets in who may read what only operators need to see.
pub(super) fn admit_reader(tokens: &Tokens, headers: &HeaderMap) -> Result<(), Refused> {
    if tokens.is_empty() {
        return Ok(());
    }
    identify(tokens, headers, &[Permission::Read, Permission::Override]).map(drop)
}

/// Lets in who may change things, and says who they are.
pub(super) fn admit_changer(tokens: &Tokens, headers: &HeaderMap, peer: Peer, permission: Permission) -> Result<Caller, Refused> {
    if headers.contains_key(header::ORIGIN) {
        return Err(Refused::new(403, "the request has an Origin header: browsers cannot change anything here"));
    }
    if !tokens.is_empty() {
        return identify(tokens, headers, &[permission]);
    }
    if !peer.0.to_canonical().is_loopback() {
        let error = "without [[http.token]] in the configuration, changes are accepted from the server's own host only";
        return Err(Refused::new(403, error));
    }
    match relaying_header(|name| headers.contains_key(name)) {
        Some(header) => {
            let error = format!(
                "the request has the header {header}, so it may be another host's; without [[http.token]] in the \
                 configuration, changes are accepted from the server's own host only"
            );
            Err(Refused::new(403, error))
        }
        None => Ok(Caller { token: None }),
    }
}

fn identify(tokens: &Tokens, headers: &HeaderMap, permissions: &[Permission]) -> Result<Caller, Refused> {
    let presented = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(bearer);
    let Some(presented) = presented else {
        return Err(Refused::new(401, "a token is needed: Authorization: Bearer TOKEN"));
    };
    let Some(token) = tokens.holder(presented) else {
        return Err(Refused::new(401, "the token is none of [[http.token]]"));
    };
    if !permissions.iter().any(|permission| token.may.contains(permission)) {
        let words = |permissions: &[Permission]| permissions.iter().map(|one| one.as_str()).collect::<Vec<_>>();
        let (may, needed) = (words(&token.may).join(", "), words(permissions).join(" or "));
        let error = format!("the token {:?} may {may}; {needed} is needed", token.name.as_str());
        return Err(Refused::new(403, error));
    }
    Ok(Caller { token: Some(token.name.clone()) })
}

/// What follows the scheme, whose case makes no difference (RFC 9110 §11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl Caller {
    /// Who goes into the audit log: the token's name, and what they say themselves as just that.
    pub fn author(&self, said: Option<&str>) -> Result<Remark, Refused> {
        let refuse = |found: String| Refused::bad_request(format!("author {found}; 1 to {SAID_MAX} characters are accepted"));
        let said = said.map(|said| Remark::new(said).map_err(|error| refuse(error.to_string()))).transpose()?;
        let length = said.as_ref().map_or(0, |said| said.as_str().chars().count());
        if length > SAID_MAX {
            return Err(refuse(format!("has {length} characters")));
        }
        let text = match (&self.token, said) {
            (Some(token), None) => return Ok(token.clone()),
            (Some(token), Some(said)) => format!("{token} ({said})"),
            (None, Some(said)) => format!("{said} (unverified)"),
            (None, None) => "somebody on this host".to_owned(),
        };
        Ok(Remark::new(&text).expect("a token's name and what is said beside it are short enough together"))
    }
}

/// Characters of what somebody says of themselves.
const SAID_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use axum::http::{HeaderName, HeaderValue};

    use super::*;
    use crate::config::http::{Http, read_tokens};

    fn tokens() -> Tokens {
        let text = "[server]\nlisten = [\"127.0.0.1:0\"]\n[http]\nlisten = \"127.0.0.1:0\"\n\
                    [[http.token]]\nname = \"ops\"\nsecret = \"ops-0123456789abcdef\"\nmay = [\"override\"]\n\
                    [[http.token]]\nname = \"ci\"\nsecret = \"ci-0123456789abcdef\"\nmay = [\"signal\"]\n";
        let (config, problems) = crate::config::parse(&"f".into(), text);
        assert_eq!(problems.to_string(), "");
        let http: Http = config.unwrap().http.unwrap();
        read_tokens(&http, std::path::Path::new("f")).0
    }

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    fn peer(address: &str) -> Peer {
        Peer(address.parse::<IpAddr>().unwrap())
    }

    const OPS: (&str, &str) = ("authorization", "Bearer ops-0123456789abcdef");
    const CI: (&str, &str) = ("authorization", "bearer ci-0123456789abcdef");

    #[test]
    fn without_tokens_this_host_may_change_things_and_nobody_for_another() {
        for (from, list, expected) in [
            ("127.0.0.1", &[][..], Ok(())),
            ("::1", &[], Ok(())),
            ("::ffff:127.0.0.1", &[], Ok(())),
            ("192.0.2.1", &[], Err(403)),
            ("127.0.0.1", &[("origin", "http://evil.example")], Err(403)),
            ("127.0.0.1", &[("origin", "null")], Err(403)),
            ("127.0.0.1", &[("x-forwarded-for", "192.0.2.1")], Err(403)),
            ("127.0.0.1", &[("sec-fetch-site", "same-origin")], Err(403)),
        ] {
            let admitted = admit_changer(&Tokens::default(), &headers(list), peer(from), Permission::Override);
            assert_eq!(admitted.map(drop).map_err(|refused| refused.status), expected, "{from} {list:?}");
            assert!(admit_reader(&Tokens::default(), &headers(list)).is_ok());
        }
    }

    #[test]
    fn with_tokens_each_opens_what_it_says_from_wherever() {
        use Permission::{Override, Signal};
        for (list, permission, expected) in [
            (&[OPS][..], Override, Ok(())),
            (&[OPS], Signal, Err(403)),
            (&[CI], Signal, Ok(())),
            (&[CI], Override, Err(403)),
            (&[], Override, Err(401)),
            (&[("authorization", "Bearer ops-0123456789abcdee")], Override, Err(401)),
            (&[("authorization", "Bearer ")], Override, Err(401)),
            (&[("authorization", "Basic ops-0123456789abcdef")], Override, Err(401)),
            (&[OPS, ("origin", "https://ns.example")], Override, Err(403)),
            (&[OPS, ("x-forwarded-for", "192.0.2.1")], Override, Ok(())),
        ] {
            let admitted = admit_changer(&tokens(), &headers(list), peer("192.0.2.1"), permission);
            assert_eq!(admitted.map(drop).map_err(|refused| refused.status), expected, "{list:?} {permission:?}");
        }
        let read = |list: &[_]| admit_reader(&tokens(), &headers(list)).map_err(|refused| refused.status);
        assert_eq!((read(&[OPS]), read(&[CI]), read(&[])), (Ok(()), Err(403), Err(401)));
    }

    #[test]
    fn a_refusal_says_what_is_needed_and_never_the_secret() {
        let refused = admit_changer(&tokens(), &headers(&[CI]), peer("::1"), Permission::Override).unwrap_err();
        assert_eq!(refused.error, "the token \"ci\" may signal; override is needed");
    }

    #[test]
    fn an_author_is_who_the_token_says_and_only_claims_to_be_more() {
        let long = "x".repeat(SAID_MAX);
        let token = Some(Remark::new(&"t".repeat(64)).unwrap());
        for (token, said, expected) in [
            (Some("ops"), None, "ops"),
            (Some("ops"), Some("alice"), "ops (alice)"),
            (None, Some("alice"), "alice (unverified)"),
            (None, None, "somebody on this host"),
        ] {
            let caller = Caller { token: token.map(|name| Remark::new(name).unwrap()) };
            assert_eq!(caller.author(said).unwrap().as_str(), expected);
        }
        let caller = Caller { token };
        assert!(caller.author(Some(&long)).is_ok());
        assert_eq!(caller.author(Some(&(long + "x"))).unwrap_err().status, 400);
        assert_eq!(caller.author(Some("two\nlines")).unwrap_err().status, 400);
    }
}
