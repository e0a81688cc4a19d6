//! The Route 53 API under requests that nobody means well with, over its real socket.
//!
//! Each is answered by an error of the API, with its code and the request's id, or loses its connection where it is no
//! HTTP; none by a 5xx. Invariant: whatever was sent, nothing of it is in the zone, and the server answers DNS and the API
//! right after.

#[path = "support/api.rs"]
mod api;
#[path = "support/serve.rs"]
mod serve;
mod support;
#[path = "support/xml.rs"]
mod texts;

use std::io::Write;
use std::time::{Duration, Instant};

use api::{Api, CONFIG, Key, batch, change, connect, end_and_read, exchange, now, sign};
use serve::{Client, Serving, Site};
use support::{last_octets, name, query};
use texts::{NAMESPACE, root};
use waypost::wire::rtype::RecordType;

const KEY: Key = Key { id: "AKIAHOSTILE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };

/// A server with one zone of one record set, and what is in it.
struct Target {
    server: Serving,
    api: Api,
    zone: String,
    content: String,
}

impl Target {
    fn start(test: &str) -> Self {
        Self::with(test, "", None)
    }

    fn with(test: &str, more: &str, key: Option<Key>) -> Self {
        let site = Site::new(test);
        site.write("waypost.toml", &format!("{CONFIG}{more}"));
        let server = site.serve();
        let api = Api { at: server.http, key };
        let zone = api.zone("example.org");
        assert_eq!(api.change(&zone, &change("CREATE", "www.example.org", "A", &["192.0.2.1"])).status, 200);
        let content = api.ok("GET", &format!("hostedzone/{zone}/rrset"), "");
        Self { server, api, zone, content }
    }

    fn rrset(&self) -> String {
        format!("hostedzone/{}/rrset/", self.zone)
    }

    /// That nothing has changed, and that it answers.
    #[track_caller]
    fn is_unharmed(&self) {
        assert_eq!(self.api.ok("GET", &format!("hostedzone/{}/rrset", self.zone), ""), self.content);
        let zones = self.api.ok("GET", "hostedzone", "");
        assert_eq!(texts::elements(&zones, "HostedZone").len(), 1, "{zones}");
        let answer = Client::new(self.server.dns).ask(&query(&name("www"), RecordType::A));
        assert_eq!(last_octets(&answer), [1]);
    }

    /// That this body is refused as a batch of changes, in time, and how.
    #[track_caller]
    fn refuses_batch(&self, body: &[u8]) -> String {
        let begun = Instant::now();
        let request = self.api.request("POST", &format!("/2013-04-01/{}", self.rrset()), body);
        let response = exchange(self.api.at, &request).expect("a response");
        assert!(begun.elapsed() < IN_TIME, "{:?} for {} octets", begun.elapsed(), body.len());
        // Nobody is sent back much more than they sent.
        assert!(response.body.len() < 4_096 + 2 * body.len().min(100_000), "{} octets", response.body.len());
        let refusal = response.refusal();
        self.is_unharmed();
        refusal
    }
}

/// Longer than any refusal takes, even where the code is not optimized and the machine is shared.
const IN_TIME: Duration = Duration::from_secs(20);
/// As in `api::route53`.
const BODY_MAX: usize = 16 << 20;

#[test]
fn documents_that_are_no_batch_are_refused() {
    let target = Target::start("hostile-documents");
    let good = batch(&change("CREATE", "new.example.org", "A", &["192.0.2.9"]));
    let without_declaration = good.split_once('\n').unwrap().1;
    let lol = |of: &str| format!("&{of};").repeat(10);
    let entities: String =
        ('b'..='j').zip('a'..).map(|(of, from)| format!("<!ENTITY {of} \"{}\">", lol(&from.to_string()))).collect();
    let bomb = format!("<!DOCTYPE x [<!ENTITY a \"lol\">{entities}]>");
    let deep = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    let change_inside = |inside: &str| batch(&format!("<Change><Action>CREATE</Action>{inside}</Change>"));
    let cases: Vec<(&str, String)> = vec![
        ("nothing", String::new()),
        ("no XML", "hello".into()),
        ("JSON", r#"{"ChangeBatch": {}}"#.into()),
        ("a billion laughs", format!("<?xml version=\"1.0\"?>{bomb}{}", without_declaration.replace("192.0.2.9", "&j;"))),
        ("a quadratic blow-up", format!("<!DOCTYPE x [<!ENTITY a \"{}\">]><x>{}</x>", "a".repeat(50_000), "&a;".repeat(50_000))),
        ("a file's entity", good.replace("<Change", "<!DOCTYPE x [<!ENTITY f SYSTEM \"file:///etc/passwd\">]><Change")),
        ("an external DTD", format!("<!DOCTYPE x SYSTEM \"http://127.0.0.1:9/x.dtd\">{without_declaration}")),
        ("a parameter entity", format!("<!DOCTYPE x [<!ENTITY % p SYSTEM \"http://127.0.0.1:9/\"> %p;]>{without_declaration}")),
        ("an entity of nobody's", good.replace("192.0.2.9", "&unknown;")),
        ("a character that is none", good.replace("192.0.2.9", "&#0;")),
        ("a surrogate", good.replace("192.0.2.9", "&#xD800;")),
        ("a number that is too large", good.replace("192.0.2.9", "&#99999999999999999999;")),
        ("nested ten thousand deep", deep(10_000)),
        ("nested a million deep", deep(1_000_000)),
        ("never closed", "<a>".repeat(1_000_000)),
        ("nested deep where a value goes", change_inside(&format!("<ResourceRecordSet>{}</ResourceRecordSet>", deep(10_000)))),
        ("another namespace", good.replace(NAMESPACE, "https://example.org/")),
        ("an older namespace", good.replace("2013-04-01", "2012-12-12")),
        ("a prefix of nobody's", good.replace("<Action>", "<x:Action>").replace("</Action>", "</x:Action>")),
        ("another root", root("CreateHostedZone", "<Name>evil.example</Name><CallerReference>x</CallerReference>")),
        (
            "the root without its ending",
            without_declaration.replace("ChangeResourceRecordSetsRequest", "ChangeResourceRecordSets"),
        ),
        ("two roots", format!("{good}{without_declaration}")),
        ("text behind the root", format!("{good}x")),
        ("cut short", good[..good.len() - 20].into()),
        ("crossed", good.replace("</Type>", "</TTL>")),
        ("an element twice", good.replace("<Action>", "<Action>DELETE</Action><Action>")),
        ("a list twice", good.replace("</Changes>", "</Changes><Changes></Changes>")),
        ("a batch twice", good.replace("</ChangeBatch>", "</ChangeBatch><ChangeBatch></ChangeBatch>")),
        ("an element of no meaning", good.replace("<Action>", "<Evil>1</Evil><Action>")),
        ("text among elements", good.replace("<Action>", "evil<Action>")),
        ("an element in a value", good.replace("192.0.2.9", "192.0.2.9<x/>")),
        ("no change", batch("")),
        ("a change of nothing", batch("<Change/>")),
        ("NUL", good.replace("new", "n\0w")),
        ("a control character", good.replace("new", "n\u{1}w")),
        ("a character that is none in XML", good.replace("new", "n\u{ffff}w")),
        ("a TTL that is too large", good.replace(">60<", ">99999999999999999999<")),
        ("a TTL below nothing", good.replace(">60<", ">-1<")),
        ("a name that is too long", good.replace("new", &"a".repeat(300))),
        ("a name with an escape that is none", good.replace("new", "\\999")),
        ("a good change and a bad one", {
            let bad = change("CREATE", "bad.example.org", "A", &["no address"]);
            batch(&format!("{}{bad}", change("CREATE", "new.example.org", "A", &["192.0.2.9"])))
        }),
        ("a good change and one of another zone", {
            let other = change("CREATE", "www.example.com", "A", &["192.0.2.9"]);
            batch(&format!("{}{other}", change("CREATE", "new.example.org", "A", &["192.0.2.9"])))
        }),
    ];
    for (what, body) in cases {
        let refusal = target.refuses_batch(body.as_bytes());
        assert!(["400 InvalidInput", "400 InvalidChangeBatch"].contains(&&*refusal), "{what}: {refusal}");
    }
    for octets in [&b"\xff\xfe<\0a\0"[..], b"\x80", b"<a>\xc0\x80</a>", b"<\xf5/>", &[0; 4_096]] {
        assert_eq!(target.refuses_batch(octets), "400 InvalidInput", "{octets:02x?}");
    }
    let latin = good.replace("<?xml version=\"1.0\"?>", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>");
    let latin: Vec<u8> = latin.replace("192.0.2.9", "\u{e9}").chars().map(|c| c as u8).collect();
    assert_eq!(target.refuses_batch(&latin), "400 InvalidInput");
    target.server.stop();
}

#[test]
fn documents_that_are_large_cost_time_and_memory_in_proportion() {
    let target = Target::start("hostile-large");
    let fill = |unit: &str| unit.repeat((BODY_MAX - 4_096) / unit.len());
    let many = |unit: &str, count: usize| unit.repeat(count);
    let declarations = |count: usize| (0..count).map(|at| format!(" xmlns:a{at}=\"b\"")).collect::<String>();
    let attributes = |count: usize| (0..count).map(|at| format!(" a{at}=\"b\"")).collect::<String>();
    let bodies = [
        ("a million tiny elements", format!("<a>{}</a>", many("<b/>", 1_000_000))),
        ("as many as fit", format!("<a>{}</a>", fill("<b/>"))),
        ("as many as fit where changes go", batch(&fill("<b/>"))),
        ("a million empty changes", batch(&many("<Change/>", 1_000_000))),
        ("as many comments as fit", format!("<a>{}</a>", fill("<!---->"))),
        ("as many references as fit", format!("<a>{}</a>", fill("&lt;"))),
        ("one name", format!("<{0}></{0}>", "a".repeat((8 << 20) - 3))),
        ("one value", batch(&change(&fill("CREATE"), "new.example.org", "A", &["192.0.2.9"]))),
        (
            "one value that is refused with what it says",
            batch(&change("CREATE", "new.example.org", &fill("&#38;"), &["192.0.2.9"])),
        ),
        ("one name of a record set", batch(&change("CREATE", &fill("a."), "A", &["192.0.2.9"]))),
        ("as many attributes as fit", format!("<a{}/>", attributes(1_000_000))),
        ("as many namespaces as fit", format!("<a{}/>", declarations(800_000))),
        ("namespaces at every depth", {
            let open: String = (0..31).map(|_| format!("<a{}>", declarations(250))).collect();
            let inside = many("<b/>", 2_000_000);
            format!("{open}{inside}{}", many("</a>", 31))
        }),
        ("the same record set over and over", batch(&many(&change("CREATE", "new.example.org", "A", &["192.0.2.9"]), 20_000))),
        ("record sets that are all refused", {
            let bad: String =
                (0..20_000).map(|at| change("DELETE", &format!("a{at}.example.org"), "A", &["192.0.2.9"])).collect();
            batch(&bad)
        }),
    ];
    for (what, body) in bodies {
        assert!(body.len() <= BODY_MAX, "{what}: {}", body.len());
        let begun = Instant::now();
        let request = target.api.request("POST", &format!("/2013-04-01/{}", target.rrset()), body.as_bytes());
        let response = exchange(target.api.at, &request).expect("a response");
        let took = begun.elapsed();
        println!(
            "{what}: {} octets, {took:?}, {} octets back, {} KiB",
            body.len(),
            response.body.len(),
            peak_kib(&target.server)
        );
        assert!(["400 InvalidInput", "400 InvalidChangeBatch"].contains(&&*response.refusal()), "{what}");
        target.is_unharmed();
        assert!(took < IN_TIME, "{what}: {took:?}");
    }
    assert!(peak_kib(&target.server) < MEMORY_MAX_KIB, "{} KiB", peak_kib(&target.server));
    target.server.stop();
}

/// The most memory that the server has ever had.
fn peak_kib(server: &Serving) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Of a document with as many elements as there may be, and the server.
const MEMORY_MAX_KIB: u64 = 400 << 10;

#[test]
fn request_lines_that_are_no_operations_are_refused() {
    let target = Target::start("hostile-lines");
    let zone = format!("/2013-04-01/hostedzone/{}", target.zone);
    let long = format!("{zone}/{}", "a".repeat(10_000));
    let refused = |method: &str, path: &str| {
        let response = exchange(target.api.at, &target.api.request(method, path, b"")).expect("a response");
        if method == "HEAD" {
            assert!(response.body.is_empty() && response.head.contains("x-amzn-requestid: "), "{response:?}");
            return response.status;
        }
        response.refusal();
        response.status
    };
    for method in ["HEAD", "OPTIONS", "PUT", "PATCH", "TRACE", "get", "BREW", "DELETE"] {
        assert_eq!(refused(method, "/2013-04-01/hostedzone"), 405, "{method}");
        assert_eq!(refused(method, &format!("{zone}/rrset")), 405, "{method}");
    }
    let nowhere = ["", "/", "/x", "/hostedzone/%", "/%00", "/%ff%fe", "/%zz", "/hostedzone%2F", "/hostedzone/x/y/z/a/b"];
    for path in nowhere {
        assert_eq!(refused("GET", &format!("/2013-04-01{path}")), 404, "{path}");
    }
    for path in [&*long, &format!("{zone}/.."), &format!("{zone}/./rrset"), &format!("/2013-04-01/../2013-04-01{zone}")] {
        assert_eq!(refused("GET", path), 404, "{path}");
    }
    let ids = ["%00", "%0d%0aX-Evil:%201", "%ff", "%", "%zz", "%2e%2e", "..%2f..", "'", "%3Cx%3E", "Z1%20", "%F0%9F%92%A5", "*"];
    for id in ids {
        let status = refused("GET", &format!("/2013-04-01/hostedzone/{id}"));
        assert!(matches!(status, 400 | 404), "{id}: {status}");
    }
    let queries = [
        "maxitems=0",
        "maxitems=-1",
        "maxitems=x",
        "maxitems=99999999999999999999999",
        "maxitems=%00",
        "maxitems=%ff",
        "name=%ff",
        "name=%00%00&type=A&identifier=%",
        "type=A",
        "identifier=x",
        "name=a&type=EVIL",
        "name=a&identifier=x",
        "maxitems=1&maxitems=x%00&name=..",
    ];
    for query in queries {
        // Some say nothing wrong: what counts is that nothing breaks.
        let response = exchange(target.api.at, &target.api.request("GET", &format!("{zone}/rrset?{query}"), b"")).unwrap();
        assert!(response.status < 500 && response.head.contains("x-amzn-requestid: "), "{query}: {response:?}");
        assert!(!response.head.to_lowercase().contains("x-evil"), "{response:?}");
    }
    target.is_unharmed();
    target.server.stop();
}

#[test]
fn bodies_that_are_missing_or_of_no_use_change_nothing() {
    let target = Target::start("hostile-bodies");
    let api = target.api;
    let post =
        ["hostedzone", &*target.rrset(), "healthcheck", "cidrcollection", "delegationset", "trafficpolicy", "queryloggingconfig"];
    for path in post {
        assert_eq!(api.refused("POST", path, ""), "400 InvalidInput", "{path}");
        assert_eq!(api.refused("POST", path, " \n"), "400 InvalidInput", "{path}");
    }
    let evil = batch(&change("CREATE", "evil.example.org", "A", &["192.0.2.9"]));
    assert_eq!(api.ask("GET", &format!("hostedzone/{}", target.zone), &evil).status, 200);
    assert_eq!(api.refused("DELETE", &format!("hostedzone/{}", target.zone), &evil), "400 HostedZoneNotEmpty");
    target.is_unharmed();
    let head = |more: &str| format!("POST /2013-04-01/{} HTTP/1.1\r\nHost: waypost\r\n{more}\r\n", target.rrset());
    // The response may be lost with the connection where the server does not read to the end.
    let too_large = [head(&format!("Content-Length: {}\r\n", BODY_MAX + 1)).into_bytes(), vec![b'x'; BODY_MAX + 1]].concat();
    let refused = exchange(api.at, &too_large).map(|response| response.refusal());
    assert!(refused.is_none_or(|refused| refused == "413 RequestEntityTooLarge"));
    target.is_unharmed();
    let mut stream = connect(api.at);
    stream.write_all(head("Transfer-Encoding: chunked\r\n").as_bytes()).unwrap();
    let chunk = [&b"10000\r\n"[..], &[b'x'; 0x10000], b"\r\n"].concat();
    let sent = (0..1_024).take_while(|_| stream.write_all(&chunk).is_ok()).count();
    assert!(sent < 1_024, "64 MiB were taken");
    let refused = end_and_read(stream).map(|response| response.refusal());
    assert!(refused.is_none_or(|refused| refused == "413 RequestEntityTooLarge"));
    target.is_unharmed();
    for (sent, ended) in [
        ("Content-Length: 1000\r\n", &*evil),
        ("Transfer-Encoding: chunked\r\n", "10\r\n<a"),
        ("Transfer-Encoding: chunked\r\n", "evil\r\n"),
    ] {
        let mut stream = connect(api.at);
        write!(stream, "{}{ended}", head(sent)).unwrap();
        let refused = end_and_read(stream).map(|response| response.refusal());
        assert!(refused.as_ref().is_none_or(|refused| refused == "400 IncompleteBody"), "{refused:?}");
    }
    target.is_unharmed();
    target.server.stop();
}

#[test]
fn slow_senders_hold_up_nobody() {
    let target = Target::start("hostile-slow");
    let evil = batch(&change("CREATE", "evil.example.org", "A", &["192.0.2.9"]));
    let request = target.api.request("POST", &format!("/2013-04-01/{}", target.rrset()), evil.as_bytes());
    // Fewer than there are places for.
    let slow: Vec<_> = (1..100)
        .map(|at| {
            let mut stream = connect(target.api.at);
            stream.write_all(&request[..request.len() * at / 100]).unwrap();
            stream
        })
        .collect();
    target.is_unharmed();
    drop(slow);
    target.is_unharmed();
    target.server.stop();
}

#[test]
fn what_is_no_http_loses_its_connection() {
    let target = Target::start("hostile-http");
    let line = "GET /2013-04-01/hostedzone HTTP/1.1\r\nHost: waypost\r\nConnection: close\r\n";
    let flood: String = (0..1_000).map(|at| format!("X-{at}: x\r\n")).collect();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", b"".to_vec()),
        ("zeros", vec![0; 10_000]),
        ("a flood of headers", format!("{line}{flood}\r\n").into()),
        ("a header that is too long", format!("{line}X: {}\r\n\r\n", "x".repeat(1 << 20)).into()),
        ("a path that is too long", line.replace("hostedzone", &"x".repeat(1 << 20)).into()),
        ("a header without an end", format!("{line}X: x").into()),
        ("a header without a colon", format!("{line}evil\r\n\r\n").into()),
        ("NUL in a header", format!("{line}X: \0\r\n\r\n").into()),
        ("a length that is none", format!("{line}Content-Length: -1\r\n\r\n").into()),
        ("a length of a thousand digits", format!("{line}Content-Length: {}\r\n\r\n", "9".repeat(1_000)).into()),
        ("two lengths", format!("{line}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx").into()),
        ("another version", line.replace("1.1", "9.9").into()),
        ("no version", b"GET /2013-04-01/hostedzone\r\n\r\n".to_vec()),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
        ("TLS", [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &[7; 508]].concat()),
        ("a path of octets", [b"GET /2013-04-01/\xff\xfe HTTP/1.1\r\n".as_slice(), b"Host: x\r\n\r\n"].concat()),
    ];
    for (what, octets) in cases {
        let mut stream = connect(target.api.at);
        let _ = stream.write_all(&octets);
        let response = end_and_read(stream);
        assert!(response.as_ref().is_none_or(|response| (400..500).contains(&response.status)), "{what}: {response:?}");
        target.is_unharmed();
    }
    target.server.stop();
}

#[test]
fn a_signature_is_good_for_what_was_signed_and_for_a_while() {
    let key = format!("\n[[route53.key]]\nid = \"{}\"\nsecret = \"{}\"\n", KEY.id, KEY.secret);
    let target = Target::with("hostile-signatures", &key, Some(KEY));
    let path = format!("/2013-04-01/{}", target.rrset());
    let evil = batch(&change("CREATE", "evil.example.org", "A", &["192.0.2.9"]));
    let with = |signed: &str, method: &str, path: &str, body: &str| {
        let len = body.len();
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: waypost\r\nConnection: close\r\nContent-Length: {len}\r\n{signed}\r\n");
        exchange(target.api.at, &[head.as_bytes(), body.as_bytes()].concat()).expect("a response").refusal()
    };
    let good = sign(KEY, "POST", &path, evil.as_bytes(), &now());
    let nobodys = sign(Key { id: "AKIANOBODY", ..KEY }, "POST", &path, evil.as_bytes(), &now());
    let guessed = sign(Key { secret: "guess", ..KEY }, "POST", &path, evil.as_bytes(), &now());
    let other_body = sign(KEY, "POST", &path, b"", &now());
    let read_only = sign(KEY, "GET", &path, evil.as_bytes(), &now());
    let other_service = good.replace("/route53/", "/s3/");
    let cases = [
        ("no signature", "", "403 MissingAuthenticationToken"),
        ("nobody's key", &nobodys, "403 InvalidClientTokenId"),
        ("a guessed secret", &guessed, "403 SignatureDoesNotMatch"),
        ("another body's", &other_body, "403 SignatureDoesNotMatch"),
        ("another method's", &read_only, "403 SignatureDoesNotMatch"),
        ("another service's", &other_service, "403 SignatureDoesNotMatch"),
        ("years ago", &sign(KEY, "POST", &path, evil.as_bytes(), "20200101T000000Z"), "403 SignatureDoesNotMatch"),
        ("years to come", &sign(KEY, "POST", &path, evil.as_bytes(), "21000101T000000Z"), "403 SignatureDoesNotMatch"),
        ("another time's", &good.replace("X-Amz-Date: 20", "X-Amz-Date: 21"), "403 SignatureDoesNotMatch"),
        ("two of them", &format!("{good}{good}"), "400 IncompleteSignature"),
        ("half of it", &good.replace("Signature=", "Signatura="), "400 IncompleteSignature"),
        ("nothing signed", &good.replace("SignedHeaders=host;x-amz-date", "SignedHeaders="), "400 IncompleteSignature"),
        ("the host unsigned", &good.replace("SignedHeaders=host;", "SignedHeaders="), "403 SignatureDoesNotMatch"),
        ("a token that nobody asked for", &format!("{good}X-Amz-Security-Token: x\r\n"), "403 SignatureDoesNotMatch"),
        ("no Latin", &good.replace("AKIA", "\u{e9}"), "403 InvalidClientTokenId"),
    ];
    for (what, signed, expected) in cases {
        assert_eq!(with(signed, "POST", &path, &evil), expected, "{what}");
        target.is_unharmed();
    }
    let tampered = [
        ("POST", path.clone(), evil.replace("192.0.2.9", "192.0.2.8")),
        ("POST", path.clone(), format!("{evil} ")),
        ("POST", format!("{path}?x=1"), evil.clone()),
        ("POST", path.replace("rrset/", "rrset"), evil.clone()),
        ("PUT", path.clone(), evil.clone()),
    ];
    for (method, path, body) in tampered {
        assert_eq!(with(&good, method, &path, &body), "403 SignatureDoesNotMatch", "{method} {path} {body}");
        target.is_unharmed();
    }
    // Sent again within its time a request is done again, as it is by AWS: what creates is then refused for what is there.
    let mine = batch(&change("CREATE", "mine.example.org", "A", &["192.0.2.9"]));
    let replayed = target.api.request("POST", &path, mine.as_bytes());
    assert_eq!(exchange(target.api.at, &replayed).unwrap().status, 200);
    assert_eq!(exchange(target.api.at, &replayed).unwrap().refusal(), "400 InvalidChangeBatch");
    target.server.stop();
}
