//! Requests signed by real clients: each verifies as it was sent, and no octet of it can change.
//!
//! The requests are recorded in `tests/fixtures/sigv4`, with the programs that signed them. AWS's published vectors, and
//! the texts of refusals, are in `src/route53/sigv4/tests.rs`.
//! Invariant: every recorded request is read.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use proptest::prelude::*;
use serde::Deserialize;

use waypost::config;
use waypost::config::route53::read_keys;
use waypost::route53::access::{Access, Action, Keys, Principal, Zones};
use waypost::route53::sigv4::{AccessKey, Refusal, Request, Secret, verify};
use waypost::wire::name::Name;

const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// One recorded request.
#[derive(Clone, Debug, Deserialize)]
struct Recorded {
    name: String,
    now_secs: u64,
    token: Option<String>,
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// The same as octets, which a test may change.
#[derive(Clone)]
struct Sent {
    method: Vec<u8>,
    path: Vec<u8>,
    query: Vec<u8>,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    body: Vec<u8>,
}

impl Recorded {
    fn sent(&self) -> Sent {
        let octets = |text: &String| text.clone().into_bytes();
        let headers = self.headers.iter().map(|(name, value)| (octets(name), octets(value))).collect();
        let (method, path, query, body) = (octets(&self.method), octets(&self.path), octets(&self.query), octets(&self.body));
        Sent { method, path, query, headers, body }
    }

    /// The headers that are signed, and the one that says so: not those that HTTP clients add afterwards.
    fn covered_headers(&self) -> Vec<usize> {
        let is_named = |text: &str, separators: &[char], name: &str| text.split(separators).any(|found| found == name);
        let names = |name: &str| {
            let in_header = self
                .headers
                .iter()
                .any(|(sent, value)| sent.eq_ignore_ascii_case("authorization") && is_named(value, &[',', ';', '='], name));
            in_header || is_named(&self.query.replace("%3B", ";"), &['&', ';', '='], name)
        };
        let is_covered = |name: &str| name == "authorization" || names(name);
        let headers = self.headers.iter().enumerate();
        headers.filter(|(_, (name, _))| is_covered(&name.to_lowercase())).map(|(at, _)| at).collect()
    }

    fn key(&self, secret: &str) -> AccessKey {
        let session_token = self.token.as_deref().map(Secret::new);
        AccessKey { id: KEY_ID.into(), secret: Secret::new(secret), session_token }
    }
}

impl Sent {
    /// What comes of `judge` for the request; none when HTTP could not carry it.
    fn with<T>(&self, judge: impl FnOnce(&Request<'_>) -> T) -> Option<T> {
        let text = |octets| str::from_utf8(octets).ok();
        let names: Option<Vec<&str>> = self.headers.iter().map(|(name, _)| text(name)).collect();
        let headers: Vec<(&str, &[u8])> = names?.into_iter().zip(self.headers.iter().map(|(_, value)| &value[..])).collect();
        let (method, path, query) = (text(&self.method)?, text(&self.path)?, text(&self.query)?);
        Some(judge(&Request { method, path, query, headers: &headers, body: &self.body }))
    }

    fn verify(&self, key: &AccessKey, now_secs: u64) -> Option<Result<(), Refusal>> {
        self.with(|request| verify(request, now_secs, |id| (id == key.id).then_some(key)).map(|_| ()))
    }
}

fn recorded() -> Vec<Recorded> {
    let read = |file| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sigv4").join(file);
        let text = fs::read_to_string(&path).unwrap();
        let all: Vec<Recorded> = serde_json::from_str(&text).unwrap();
        assert!(all.len() >= 12, "{} has {} requests", path.display(), all.len());
        all
    };
    ["botocore.json", "javascript.json"].into_iter().flat_map(read).collect()
}

#[test]
fn the_headers_that_are_known_to_be_covered_are() {
    for (name, expected) in [("a change", 3), ("presigned", 1), ("presigned, with a header", 2)] {
        assert_eq!(by_name(name).covered_headers().len(), expected, "{name}");
    }
}

fn by_name(name: &str) -> Recorded {
    recorded().into_iter().find(|recorded| recorded.name == name).unwrap()
}

#[test]
fn what_real_clients_signed_verifies_and_another_secret_does_not() {
    for recorded in recorded() {
        let verify = |secret| recorded.sent().verify(&recorded.key(secret), recorded.now_secs).unwrap();
        assert_eq!(verify(SECRET), Ok(()), "{recorded:?}");
        assert_eq!(verify("another"), Err(Refusal::WrongSignature), "{}", recorded.name);
    }
}

#[test]
fn no_octet_of_what_was_signed_can_change() {
    let mut altered_count = 0;
    for recorded in recorded() {
        let (sent, key) = (recorded.sent(), recorded.key(SECRET));
        let check = |altered: &Sent, what: &str| {
            // None: not even a request.
            if let Some(verified) = altered.verify(&key, recorded.now_secs) {
                assert!(verified.is_err(), "{}: accepted with {what}", recorded.name);
            }
        };
        let mut alter = |part: fn(&mut Sent, usize) -> &mut Vec<u8>, index: usize, what: &str| {
            let mut altered = sent.clone();
            for at in 0..part(&mut altered, index).len() {
                for mask in [0x01, 0x20] {
                    let original = part(&mut altered, index).clone();
                    part(&mut altered, index)[at] ^= mask;
                    if !is_neutral(what, &original, at, mask) {
                        check(&altered, &format!("octet {at} of {what} changed"));
                        altered_count += 1;
                    }
                    *part(&mut altered, index) = original;
                }
            }
        };
        alter(|sent, _| &mut sent.method, 0, "method");
        // In a path with empty and dot segments, some changes are to the same path.
        if !recorded.path.contains("//") && !recorded.path.contains("/.") {
            alter(|sent, _| &mut sent.path, 0, "path");
        }
        alter(|sent, _| &mut sent.query, 0, "query");
        alter(|sent, _| &mut sent.body, 0, "body");
        for at in recorded.covered_headers() {
            alter(|sent, at| &mut sent.headers[at].0, at, "header name");
            alter(|sent, at| &mut sent.headers[at].1, at, "header value");
        }
    }
    assert!(altered_count > 20_000, "{altered_count}");
}

/// Whether a change changes nothing that HTTP or URLs mean: the case of a header's name, or of an escape's digits in a
/// query, where it is decoded before it is signed.
fn is_neutral(what: &str, original: &[u8], at: usize, mask: u8) -> bool {
    let changes_case = mask == 0x20 && original[at].is_ascii_alphabetic();
    let is_escape = original[at].is_ascii_hexdigit()
        && [1, 2].iter().any(|back| at.checked_sub(*back).is_some_and(|at| original[at] == b'%'));
    changes_case && (what == "header name" || what == "query" && is_escape)
}

#[test]
fn what_is_added_or_taken_away_is_noticed() {
    for recorded in recorded() {
        let (sent, key) = (recorded.sent(), recorded.key(SECRET));
        let mut changed = Vec::new();
        for at in recorded.covered_headers() {
            let mut without = sent.clone();
            without.headers.remove(at);
            let mut twice = sent.clone();
            twice.headers.push(sent.headers[at].clone());
            changed.extend([without, twice]);
        }
        let mut with = |change: fn(&mut Sent)| {
            let mut altered = sent.clone();
            change(&mut altered);
            changed.push(altered);
        };
        with(|sent| sent.body.push(b' '));
        with(|sent| sent.path.push(b'x'));
        with(|sent| sent.query.extend_from_slice(b"&x=1"));
        with(|sent| sent.headers.push((b"X-Amz-Target".to_vec(), b"x".to_vec())));
        for altered in changed {
            let verified = altered.verify(&key, recorded.now_secs).unwrap();
            assert!(verified.is_err(), "{}: {:?}", recorded.name, altered.headers);
        }
    }
}

#[test]
fn a_presigned_request_is_good_until_it_expires() {
    let recorded = by_name("presigned");
    let verify = |now_secs| recorded.sent().verify(&recorded.key(SECRET), now_secs).unwrap();
    let signed_secs = recorded.now_secs;
    for now_secs in [signed_secs - 300, signed_secs, signed_secs + 60] {
        assert_eq!(verify(now_secs), Ok(()));
    }
    let expired = verify(signed_secs + 61).unwrap_err();
    assert_eq!((expired.code(), expired.status(), &*expired.to_string()), ("RequestExpired", 400, "Request has expired."));
    assert_eq!(verify(signed_secs - 301).unwrap_err().code(), "SignatureDoesNotMatch");
}

#[test]
fn the_parameters_of_a_presigned_request_are_checked() {
    let recorded = by_name("presigned");
    for (from, to, code, text) in [
        (
            "X-Amz-Expires=60",
            "X-Amz-Expires=0",
            "IncompleteSignature",
            "X-Amz-Expires must be a number of seconds from 1 to 604800",
        ),
        ("X-Amz-Expires=60", "X-Amz-Expires=604801", "IncompleteSignature", "X-Amz-Expires must be"),
        ("X-Amz-Expires=60", "X-Amz-Expires=%2B60", "IncompleteSignature", "X-Amz-Expires must be"),
        ("X-Amz-Expires=60", "X-Amz-Expires=604800", "SignatureDoesNotMatch", "The request signature we calculated"),
        ("X-Amz-Expires=60&", "", "IncompleteSignature", "AWS query-string parameters must include 'X-Amz-Expires'. Re-examine"),
        ("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1", "IncompleteSignature", "X-Amz-Algorithm only supports"),
        (
            "X-Amz-Expires=60",
            "X-Amz-Expires=60&X-Amz-Expires=60",
            "IncompleteSignature",
            "'X-Amz-Expires' is given more than once.",
        ),
    ] {
        let mut sent = recorded.sent();
        sent.query = recorded.query.replace(from, to).into_bytes();
        let refusal = sent.verify(&recorded.key(SECRET), recorded.now_secs).unwrap().unwrap_err();
        assert_eq!(refusal.code(), code, "{to}");
        assert!(refusal.to_string().starts_with(text), "{refusal}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_sent_is_refused_with_a_code(
        authorization in prop::option::of("(AWS4-HMAC-SHA256 )?(Credential|Signature|SignedHeaders|=|/|,|;| |host|\\PC){0,20}"),
        query in "((X-Amz-(Algorithm|Credential|Date|Expires|SignedHeaders|Signature))?(=|&|%|%2F|AWS4-HMAC-SHA256|\\PC){0,3}){0,8}",
        path in "(/|\\.|%|\\PC){0,12}",
        date in "[0-9TZ]{14,17}|\\PC{0,20}",
    ) {
        let recorded = by_name("list zones");
        let mut sent = recorded.sent();
        sent.headers.retain(|(name, _)| name == b"Host");
        sent.headers.extend(authorization.map(|value| (b"Authorization".to_vec(), value.into_bytes())));
        sent.headers.push((b"X-Amz-Date".to_vec(), date.into_bytes()));
        (sent.path, sent.query) = (path.into_bytes(), query.into_bytes());
        let refusal = sent.verify(&recorded.key(SECRET), recorded.now_secs).unwrap().unwrap_err();
        prop_assert!([400, 403].contains(&refusal.status()));
        prop_assert!(!refusal.to_string().is_empty() && !refusal.to_string().contains(SECRET));
    }
}

fn keys(text: &str) -> Keys {
    let server = "[server]\nlisten = [\"127.0.0.1:0\"]\n[zones]\nfiles = [\"*.toml\"]\n";
    let (config, problems) = config::parse(&"f".into(), &[server, text].concat());
    assert_eq!(problems.to_string(), "");
    let (keys, problems) = read_keys(&config.unwrap().route53, Path::new("waypost.toml"));
    assert_eq!(problems.to_string(), "");
    keys
}

const REMOTE: &str = "192.0.2.1";

/// Who a request is from, or the code and the start of the text that it is refused with.
fn authenticate(keys: &Keys, recorded: &Recorded, peer: &str) -> Result<Principal, String> {
    let peer: IpAddr = peer.parse().unwrap();
    let found = recorded.sent().with(|request| keys.authenticate(request, peer, recorded.now_secs)).unwrap();
    found.map_err(|refused| format!("{} {}: {refused}", refused.status(), refused.code()))
}

#[test]
fn a_configured_key_makes_its_holder_a_principal_from_anywhere_and_nobody_else_gets_in() {
    let text = format!("[[route53.key]]\nid = \"{KEY_ID}\"\nsecret = \"{SECRET}\"\nname = \"ci\"\nzones = [\"example.org.\"]\n");
    let keys = keys(&text);
    for peer in ["127.0.0.1", REMOTE] {
        let principal = authenticate(&keys, &by_name("a change"), peer).unwrap();
        assert_eq!((&*principal.name, principal.key_id.as_deref()), ("ci", Some(KEY_ID)));
        assert!(matches!(principal.zones, Zones::Only(_)) && principal.access == Access::Write);
    }
    let mut unsigned = by_name("a change");
    unsigned.headers.retain(|(name, _)| name != "Authorization");
    let refused = authenticate(&keys, &unsigned, "127.0.0.1").unwrap_err();
    assert_eq!(refused, "403 MissingAuthenticationToken: Missing Authentication Token");
    let refused = authenticate(&keys, &by_name("a session token"), REMOTE).unwrap_err();
    assert_eq!(refused, "403 InvalidClientTokenId: The security token included in the request is invalid.");
}

#[test]
fn without_keys_only_this_host_gets_in_and_not_for_another() {
    let keys = keys("");
    let request = by_name("a change");
    for peer in ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"] {
        let principal = authenticate(&keys, &request, peer).unwrap();
        assert_eq!((&*principal.name, principal.key_id.as_deref()), ("loopback", None));
        assert!(principal.permits(Action::Write, None));
    }
    for peer in [REMOTE, "::ffff:192.0.2.1", "2001:db8::1", "0.0.0.0"] {
        assert!(authenticate(&keys, &request, peer).unwrap_err().starts_with("403 AccessDenied: Without access keys"), "{peer}");
    }
    for header in ["x-forwarded-for", "Forwarded", "Via", "Origin", "sec-fetch-site"] {
        let mut relayed = request.clone();
        relayed.headers.push((header.to_owned(), "x".to_owned()));
        assert!(authenticate(&keys, &relayed, "127.0.0.1").unwrap_err().starts_with("403 AccessDenied"), "{header}");
    }
}

#[test]
fn a_secret_in_a_file_is_read_and_one_that_others_can_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sigv4");
    fs::create_dir_all(&folder).unwrap();
    let text = format!(
        "[server]\nlisten = [\"127.0.0.1:0\"]\n[zones]\nfiles = [\"*.toml\"]\n[[route53.key]]\nid = \"{KEY_ID}\"\n\
         secret_file = \"secret\"\n"
    );
    let (config, problems) = config::parse(&"waypost.toml".into(), &text);
    assert_eq!(problems.to_string(), "");
    let route53 = config.unwrap().route53;
    let read = |content: &str, mode: u32| {
        fs::write(folder.join("secret"), content).unwrap();
        fs::set_permissions(folder.join("secret"), fs::Permissions::from_mode(mode)).unwrap();
        read_keys(&route53, &folder.join("waypost.toml"))
    };
    let (keys, problems) = read(&format!("{SECRET}\n"), 0o600);
    assert_eq!(problems.to_string(), "");
    assert_eq!(authenticate(&keys, &by_name("list zones"), REMOTE).unwrap().name, KEY_ID.into());
    let (_, problems) = read(SECRET, 0o644);
    assert!(problems.to_string().starts_with("waypost.toml:7:15: warning: the secret in "), "{problems}");
    assert!(problems.to_string().contains("its mode is 0644"), "{problems}");
    let long = "long ".repeat(1_000);
    for wrong in ["", "\n", "two words\n", long.trim()] {
        let (keys, problems) = read(wrong, 0o600);
        assert!(problems.has_errors() && !problems.to_string().contains("two words"), "{problems}");
        assert!(authenticate(&keys, &by_name("list zones"), "127.0.0.1").is_err(), "a key that cannot be read lets nobody in");
    }
    fs::remove_file(folder.join("secret")).unwrap();
    let (_, problems) = read_keys(&route53, &folder.join("waypost.toml"));
    assert!(problems.to_string().contains("error: reading the secret in "), "{problems}");
}

#[test]
fn what_a_principal_may_do_is_what_the_table_says() {
    let name = |text| Name::parse(text, None).unwrap();
    let principal = |access, zones| Principal { name: "ci".into(), key_id: Some(KEY_ID.into()), access, zones };
    let listed = || Zones::Only(vec![name("example.org."), name("Example.com.")]);
    // action, zone, then: all zones read, all zones write, a list read, a list write
    let rows = [
        (Action::Read, Some("example.org."), [true, true, true, true]),
        (Action::Read, Some("EXAMPLE.COM."), [true, true, true, true]),
        (Action::Read, Some("sub.example.org."), [true, true, false, false]),
        (Action::Read, Some("org."), [true, true, false, false]),
        (Action::Read, None, [true, true, true, true]),
        (Action::Write, Some("example.org."), [false, true, false, true]),
        (Action::Write, Some("sub.example.org."), [false, true, false, false]),
        (Action::Write, None, [false, true, false, false]),
    ];
    for (action, zone, expected) in rows {
        let zone = zone.map(name);
        let found = [
            principal(Access::Read, Zones::All),
            principal(Access::Write, Zones::All),
            principal(Access::Read, listed()),
            principal(Access::Write, listed()),
        ]
        .map(|principal| principal.permits(action, zone.as_ref()));
        assert_eq!(found, expected, "{action:?} {zone:?}");
    }
    let scoped = principal(Access::Read, listed());
    assert!(scoped.sees(&name("example.org.")) && !scoped.sees(&name("a.example.org.")));
}
