//! AWS's published vectors, and what is refused, in AWS's words.
//!
//! The vectors are of `aws-sig-v4-test-suite`, each with the signature published there. Requests signed by real clients
//! are in `tests/sigv4.rs`.

use super::*;

const KEY_ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// 20150830T123600Z.
const SIGNED_SECS: u64 = 1_440_938_160;
const GET_VANILLA: &str = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";

/// A request whose parts a test may change.
#[derive(Clone)]
struct Sent {
    method: &'static str,
    path: String,
    query: String,
    headers: Vec<(String, Vec<u8>)>,
    body: &'static str,
}

impl Sent {
    /// `GET /` of the suite, signed as it says.
    fn vanilla() -> Self {
        signed("GET", "/", "", &[], "", "host;x-amz-date", GET_VANILLA)
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(sent, _)| !sent.eq_ignore_ascii_case(name));
        self.add(name, value)
    }

    fn add(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(sent, _)| sent != name);
        self
    }

    fn verify_at(&self, now_secs: u64, token: Option<&str>) -> Result<(), Refusal> {
        let key = AccessKey { id: KEY_ID.into(), secret: Secret::new(SECRET), session_token: token.map(Secret::new) };
        let headers: Vec<(&str, &[u8])> = self.headers.iter().map(|(name, value)| (name.as_str(), &value[..])).collect();
        let (path, query) = (&self.path, &self.query);
        let request = Request { method: self.method, path, query, headers: &headers, body: self.body.as_bytes() };
        let find = |id: &str| (id == key.id).then_some(&key);
        verify_for("service", &request, now_secs, find).map(|found| assert_eq!(found.id, KEY_ID))
    }

    fn verify(&self) -> Result<(), Refusal> {
        self.verify_at(SIGNED_SECS, None)
    }
}

fn signed(
    method: &'static str,
    path: &str,
    query: &str,
    headers: &[(&str, &str)],
    body: &'static str,
    names: &str,
    signature: &str,
) -> Sent {
    let credential = format!("{KEY_ID}/20150830/us-east-1/service/aws4_request");
    let authorization = format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}");
    let mut all: Vec<(String, Vec<u8>)> =
        vec![("Host".into(), "example.amazonaws.com".into()), ("X-Amz-Date".into(), "20150830T123600Z".into())];
    all.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())));
    all.push(("Authorization".into(), authorization.into()));
    Sent { method, path: path.into(), query: query.into(), headers: all, body }
}

#[test]
fn the_published_requests_without_a_body_verify() {
    let unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let cases: &[(&str, &str, &str, &str, &str)] = &[
        ("get-vanilla", "GET", "/", "", GET_VANILLA),
        ("get-vanilla-query", "GET", "/", "", GET_VANILLA),
        (
            "get-vanilla-query-order-key-case",
            "GET",
            "/",
            "Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "get-vanilla-empty-query-key",
            "GET",
            "/",
            "Param1=value1",
            "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
        ),
        (
            "get-vanilla-query-unreserved",
            "GET",
            "/",
            &format!("{unreserved}={unreserved}"),
            "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
        ),
        ("get-vanilla-utf8-query", "GET", "/", "ሴ=bar", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"),
        ("get-utf8", "GET", "/ሴ", "", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
        (
            "get-unreserved",
            "GET",
            &format!("/{unreserved}"),
            "",
            "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
        ),
        ("get-space", "GET", "/example space/", "", "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"),
        ("get-relative", "GET", "/example/..", "", GET_VANILLA),
        ("get-relative-relative", "GET", "/example1/example2/../..", "", GET_VANILLA),
        ("get-slash", "GET", "//", "", GET_VANILLA),
        ("get-slash-dot-slash", "GET", "/./", "", GET_VANILLA),
        ("get-slash-pointless-dot", "GET", "/./example", "", "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"),
        ("get-slashes", "GET", "//example//", "", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"),
        ("post-vanilla", "POST", "/", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ("post-vanilla-query", "POST", "/", "Param1=value1", "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"),
    ];
    for (name, method, path, query, signature) in cases {
        let method = if *method == "GET" { "GET" } else { "POST" };
        let sent = signed(method, path, query, &[], "", "host;x-amz-date", signature);
        assert_eq!(sent.verify(), Ok(()), "{name}");
    }
}

#[test]
fn the_published_requests_with_headers_and_bodies_verify() {
    type Case = (&'static str, &'static [(&'static str, &'static str)], &'static str, &'static str, &'static str, &'static str);
    let cases: &[Case] = &[
        (
            "get-header-key-duplicate",
            &[("My-Header1", "value2"), ("My-Header1", "value2"), ("My-Header1", "value1")],
            "GET",
            "",
            "host;my-header1;x-amz-date",
            "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
        ),
        (
            "get-header-value-order",
            &[("My-Header1", "value4"), ("My-Header1", "value1"), ("My-Header1", "value3"), ("My-Header1", "value2")],
            "GET",
            "",
            "host;my-header1;x-amz-date",
            "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
        ),
        (
            "get-header-value-trim",
            &[("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")],
            "GET",
            "",
            "host;my-header1;my-header2;x-amz-date",
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        ),
        (
            "post-header-key-sort",
            &[("My-Header1", "value1")],
            "POST",
            "",
            "host;my-header1;x-amz-date",
            "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
        ),
        (
            "post-x-www-form-urlencoded",
            &[("Content-Type", "application/x-www-form-urlencoded")],
            "POST",
            "Param1=value1",
            "content-type;host;x-amz-date",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
        (
            "post-x-www-form-urlencoded-parameters",
            &[("Content-Type", "application/x-www-form-urlencoded; charset=utf8")],
            "POST",
            "Param1=value1",
            "content-type;host;x-amz-date",
            "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe",
        ),
    ];
    for (name, headers, method, body, names, signature) in cases {
        assert_eq!(signed(method, "/", "", headers, body, names, signature).verify(), Ok(()), "{name}");
    }
}

const TOKEN: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7\
                     mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6\
                     d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

#[test]
fn a_session_token_must_be_the_keys_own_and_a_key_without_one_takes_none() {
    let names = "host;x-amz-date;x-amz-security-token";
    let signature = "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead";
    let sent = signed("POST", "/", "", &[("X-Amz-Security-Token", TOKEN)], "", names, signature);
    assert_eq!(sent.verify_at(SIGNED_SECS, Some(TOKEN)), Ok(()), "post-sts-header-before");
    assert_eq!(sent.verify_at(SIGNED_SECS, Some("another")), Err(Refusal::UnknownKey));
    assert_eq!(sent.verify_at(SIGNED_SECS, None), Err(Refusal::UnknownKey));
    assert_eq!(Sent::vanilla().verify_at(SIGNED_SECS, Some(TOKEN)), Err(Refusal::UnknownKey));
    // Whoever has no secret does not learn whether a token is right.
    let forged = sent.set("X-Amz-Security-Token", "guess");
    assert_eq!(forged.verify_at(SIGNED_SECS, Some("guess")), Err(Refusal::WrongSignature));
}

fn check(sent: &Sent, code: &str, status: u16, text: &str) {
    let refusal = sent.verify().expect_err(text);
    assert_eq!((refusal.code(), refusal.status(), &*refusal.to_string()), (code, status, text));
}

#[test]
fn a_request_that_cannot_be_verified_is_refused_in_awss_words() {
    let vanilla = Sent::vanilla;
    check(&vanilla().without("Authorization"), "MissingAuthenticationToken", 403, "Missing Authentication Token");
    let mut other_path = vanilla();
    other_path.path = "/other".into();
    check(
        &other_path,
        "SignatureDoesNotMatch",
        403,
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and \
         signing method. Consult the service documentation for details.",
    );
    check(
        &vanilla().set("Authorization", "AWS AKIDEXAMPLE:c2ln").without("X-Amz-Date"),
        "IncompleteSignature",
        400,
        "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. \
         Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a \
         'X-Amz-Date' or a 'Date' header. (Hashed with SHA-256 and encoded with Base64) \
         Authorization=B3d59DOF3B0gJuLKhBCw8DE+Zpmbi5nwjgo8/6IL8g0=",
    );
    check(
        &vanilla().set("X-Amz-Date", "Sun, 30 Aug 2015 12:36:00 GMT"),
        "IncompleteSignature",
        400,
        "Date must be in ISO-8601 'basic format'. Got 'Sun, 30 Aug 2015 12:36:00 GMT'. See http://en.wikipedia.org/wiki/ISO_8601",
    );
    check(
        &vanilla().set("X-Amz-Date", "20150831T000000Z"),
        "SignatureDoesNotMatch",
        403,
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20150830' != '20150831', \
         from '20150831T000000Z'.",
    );
    let authorized = |credential: &str, names: &str| {
        let value = format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={GET_VANILLA}");
        vanilla().set("Authorization", &value)
    };
    check(
        &authorized("AKIDEXAMPLE/20150830//route53/aws3_request", "host;x-amz-date"),
        "SignatureDoesNotMatch",
        403,
        "Credential should be scoped to a valid region, not ''. Credential should be scoped to correct service: 'service'. \
         Credential should be scoped with a valid terminator: 'aws4_request', not 'aws3_request'.",
    );
    check(
        &authorized("AKIDEXAMPLE/20150830/us-east-1/service", "host;x-amz-date"),
        "IncompleteSignature",
        400,
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got \
         'AKIDEXAMPLE/20150830/us-east-1/service'.",
    );
    let scope = "20150830/us-east-1/service/aws4_request";
    check(
        &authorized(&format!("AKIDNOBODY/{scope}"), "host;x-amz-date"),
        "InvalidClientTokenId",
        403,
        "The security token included in the request is invalid.",
    );
    check(
        &authorized(&format!("AKIDEXAMPLE/{scope}"), "x-amz-date"),
        "SignatureDoesNotMatch",
        403,
        "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
    );
    check(
        &authorized(&format!("AKIDEXAMPLE/{scope}"), "host"),
        "SignatureDoesNotMatch",
        403,
        "'x-amz-date' must be a 'SignedHeader' in the AWS Authorization.",
    );
    for names in ["x-amz-date;host", "Host;x-amz-date", "host;host;x-amz-date", "", "host;", "host;a:b"] {
        let refusal = authorized(&format!("AKIDEXAMPLE/{scope}"), names).verify().unwrap_err();
        assert_eq!(refusal.code(), "IncompleteSignature", "{names:?}: {refusal}");
    }
}

#[test]
fn what_is_given_twice_is_refused() {
    let vanilla = Sent::vanilla();
    let authorization = String::from_utf8(vanilla.headers.last().unwrap().1.clone()).unwrap();
    for sent in [
        vanilla.clone().add("authorization", &authorization),
        vanilla.clone().add("x-amz-date", "20150830T123600Z"),
        vanilla.clone().set("Authorization", &format!("{authorization}, Signature={GET_VANILLA}")),
        Sent { query: "X-Amz-Signature=0".into(), ..vanilla },
    ] {
        assert_eq!(sent.verify().unwrap_err().code(), "IncompleteSignature");
    }
}

#[test]
fn a_request_is_good_for_five_minutes_before_and_after_its_date() {
    let vanilla = Sent::vanilla();
    for now_secs in [SIGNED_SECS - 300, SIGNED_SECS, SIGNED_SECS + 300] {
        assert_eq!(vanilla.verify_at(now_secs, None), Ok(()));
    }
    for (now_secs, text) in [
        (
            SIGNED_SECS + 301,
            "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T124101Z - 5 min.)",
        ),
        (
            SIGNED_SECS - 301,
            "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T123059Z + 5 min.)",
        ),
    ] {
        let refusal = vanilla.verify_at(now_secs, None).unwrap_err();
        assert_eq!((refusal.code(), refusal.status(), &*refusal.to_string()), ("SignatureDoesNotMatch", 403, text));
    }
    for now_secs in [0, u64::MAX] {
        assert!(vanilla.verify_at(now_secs, None).is_err());
    }
}

#[test]
fn a_hash_of_the_body_must_be_its_own_and_a_header_cannot_leave_it_unsigned() {
    for hash in [&key::sha256_hex(b"other"), "UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", ""] {
        let names = "host;x-amz-content-sha256;x-amz-date";
        let sent = signed("GET", "/", "", &[("X-Amz-Content-Sha256", hash)], "", names, GET_VANILLA);
        assert_eq!(sent.verify(), Err(Refusal::WrongBody), "{hash}");
    }
}

#[test]
fn hostile_authorizations_are_refused_in_time_and_without_a_panic() {
    let long = "A".repeat(1 << 20);
    let many = format!("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders={}, Signature=0", "a;".repeat(1 << 19));
    let commas = format!("AWS4-HMAC-SHA256 {}", ",".repeat(1 << 20));
    let slashes = format!("AWS4-HMAC-SHA256 Credential={}, SignedHeaders=host, Signature=0", "/".repeat(1 << 20));
    let texts = [
        "",
        " ",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 ",
        "AWS4-HMAC-SHA256 =",
        "AWS4-HMAC-SHA256 Credential=,SignedHeaders=,Signature=",
        "AWS4-HMAC-SHA256 Credential=////,SignedHeaders=host;x-amz-date,Signature=",
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/\u{e9}/service/aws4_request,SignedHeaders=host;x-amz-date,Signature=\u{e9}",
        &long,
        &many,
        &commas,
        &slashes,
    ];
    for text in texts {
        assert!(Sent::vanilla().set("Authorization", text).verify().is_err());
    }
    let mut octets = Sent::vanilla();
    octets.headers.last_mut().unwrap().1 = (0..=255).collect();
    assert!(octets.verify().is_err());
}

#[test]
fn no_secret_is_shown() {
    let key = AccessKey { id: KEY_ID.into(), secret: Secret::new(SECRET), session_token: Some(Secret::new(TOKEN)) };
    let shown = format!("{key:?} {key:#?}");
    assert!(!shown.contains("wJalr") && !shown.contains("AQoD") && shown.contains(KEY_ID), "{shown}");
}
