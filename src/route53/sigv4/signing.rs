//! What is signed here verifies here, and nothing else does.

use proptest::prelude::*;

use super::*;

const NOW_SECS: u64 = 1_795_000_000;

fn key(token: Option<&str>) -> AccessKey {
    AccessKey { id: "AKIDEXAMPLE".into(), secret: Secret::new("a secret"), session_token: token.map(Secret::new) }
}

/// The headers of a request as it is sent, signed.
fn signed(request: &Request<'_>, key: &AccessKey) -> Vec<(String, Vec<u8>)> {
    let own = request.headers.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec()));
    let added = sign(request, key, "eu-central-1", NOW_SECS).expect("it has a host");
    own.chain(added.into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes()))).collect()
}

fn borrowed(headers: &[(String, Vec<u8>)]) -> Vec<(&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect()
}

proptest! {
    #[test]
    fn what_is_signed_verifies_and_what_is_changed_does_not(
        path in "/[ -~&&[^?#]]{0,30}",
        query in "([a-z]{1,3}=[a-zA-Z0-9%._~-]{0,5}&){0,3}",
        body in proptest::collection::vec(any::<u8>(), 0..40),
        token in proptest::option::of("[!-~]{1,20}"),
        change in 0usize..4,
    ) {
        let key = key(token.as_deref());
        let host: [(&str, &[u8]); 1] = [("Host", b"127.0.0.1:8053")];
        let request = Request { method: "POST", path: &path, query: &query, headers: &host, body: &body };
        let headers = signed(&request, &key);
        let headers = borrowed(&headers);
        let sent = Request { headers: &headers, ..request };
        let find = |id: &str| (id == key.id).then_some(&key);
        prop_assert_eq!(verify(&sent, NOW_SECS + 60, find), Ok(&key));
        let head = verify_head(&Request { body: &[], ..sent }, NOW_SECS, find);
        prop_assert!(head.is_ok_and(|(_, hash)| has_hash(&body, &hash) && !has_hash(b"another", &hash)));
        let (longer, more) = (format!("{path}x"), [&body[..], b"x"].concat());
        let parameter = format!("{query}x=y");
        let changed = match change {
            0 => Request { method: "GET", ..sent },
            1 => Request { path: &longer, ..sent },
            2 => Request { query: &parameter, ..sent },
            _ => Request { body: &more, ..sent },
        };
        prop_assert!(verify(&changed, NOW_SECS, find).is_err());
    }
}

#[test]
fn a_signature_is_of_its_time_its_key_and_its_host() {
    let key = key(None);
    let host: [(&str, &[u8]); 1] = [("host", b"ns.example")];
    let request = Request { method: "GET", path: "/", query: "", headers: &host, body: b"" };
    let headers = signed(&request, &key);
    let headers = borrowed(&headers);
    let sent = Request { headers: &headers, ..request };
    let other = AccessKey { secret: Secret::new("another"), ..key.clone() };
    assert!(matches!(verify(&sent, NOW_SECS + 400, |_| Some(&key)), Err(Refusal::TooOld { .. })));
    assert_eq!(verify(&sent, NOW_SECS, |_| Some(&other)), Err(Refusal::WrongSignature));
    let elsewhere: Vec<(&str, &[u8])> =
        headers.iter().map(|(name, value)| (*name, if *name == "host" { b"other.example" } else { *value })).collect();
    assert_eq!(verify(&Request { headers: &elsewhere, ..sent }, NOW_SECS, |_| Some(&key)), Err(Refusal::WrongSignature));
    assert!(sign(&Request { headers: &[], ..request }, &key, "eu-central-1", NOW_SECS).is_err(), "without a host");
}

#[test]
fn a_head_that_does_not_say_the_hash_of_its_body_is_refused() {
    let headers: [(&str, &[u8]); 3] = [
        ("host", b"ns.example"),
        ("x-amz-date", b"20261118T110640Z"),
        (
            "authorization",
            b"AWS4-HMAC-SHA256 Credential=a/20261118/r/route53/aws4_request, SignedHeaders=host;x-amz-date, Signature=0",
        ),
    ];
    let request = Request { method: "PUT", path: "/", query: "", headers: &headers, body: b"" };
    assert!(matches!(verify_head(&request, NOW_SECS, |_| None), Err(Refusal::Incomplete(_))));
}
