//! Backup and restore as an operator runs them: the built binary, and servers on loopback.
//!
//! Laws of the format are in `src/route53/account/backup/tests.rs`. Here: that a backup under changes is of one moment,
//! that a restore is whole or nothing, also for whoever asks meanwhile, and that what is damaged changes nothing.

mod support {
    pub mod exchange;
    pub mod serve;
}

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::Value;
use support::exchange::{address, records, run, site, url, with_zone};
use support::serve::{PATIENCE, Serving, Site};

#[test]
fn a_restore_brings_back_what_was_backed_up_and_takes_away_the_rest() {
    let (site, server) = with_zone("restore");
    let said = run(&site, &["backup", "then.jsonl", "--server", &url(&server)]).held();
    assert!(said.starts_with("then.jsonl: "), "{said}");
    let then = records(&server, &site);
    site.write("more.toml", "zone = \"more.example.\"\nns = [\"x.example.net.\"]\n[[record]]\nname = \"a\"\ntype = \"A\"\nvalues = [\"192.0.2.77\"]\n");
    run(&site, &["import", "toml", "more.toml", "--server", &url(&server)]).held();
    site.write("less.toml", "zone = \"example.org.\"\nns = [\"x.example.net.\"]\n[[record]]\nname = \"www\"\ntype = \"A\"\nvalues = [\"192.0.2.9\"]\n");
    run(&site, &["import", "toml", "less.toml", "--server", &url(&server), "--replace"]).held();
    assert_eq!((address(&server, "a.more.example"), address(&server, "www.example.org")), (Some(77), Some(9)));
    let said = run(&site, &["restore", "then.jsonl", "--server", &url(&server)]).held();
    assert!(said.starts_with("restored 1 zone, 13 record sets, 1 health check: "), "{said}");
    assert_eq!((address(&server, "a.more.example"), address(&server, "www.example.org")), (None, Some(1)));
    assert_eq!(records(&server, &site), then);
    // What files own is as it was.
    assert_eq!(address(&server, "ns1.file.example"), Some(53));
    let said = run(&site, &["restore", "then.jsonl", "--server", &url(&server)]).held();
    assert!(said.ends_with(": 0 changes\n"), "{said}");

    // Into an empty server, in memory as this one.
    let other = self::site("restore-other");
    let second = other.serve();
    fs::copy(site.0.join("then.jsonl"), other.0.join("then.jsonl")).unwrap();
    run(&other, &["restore", "then.jsonl", "--server", &url(&second)]).held();
    assert_eq!(records(&second, &other), then);
    let again = run(&other, &["backup", "-", "--server", &url(&second)]).held();
    let lines = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    let first = fs::read_to_string(site.0.join("then.jsonl")).unwrap();
    let (again, first) = (lines(&again), lines(&first));
    assert_eq!(again[..again.len() - 1], first[..first.len() - 1]);
}

#[test]
fn a_damaged_backup_is_refused_by_program_and_server_and_changes_nothing() {
    let (site, server) = with_zone("damaged");
    let whole = run(&site, &["backup", "-", "--server", &url(&server)]).held();
    let zone = whole.lines().find(|line| line.contains("\"kind\":\"rrset\"") && line.contains("192.0.2.8")).unwrap();
    let before = records(&server, &site);
    let cuts = (0..whole.len()).step_by(whole.len() / 40).map(|len| whole[..len].to_owned());
    let changed = [whole.replace("192.0.2.8", "192.0.2.9"), whole.replace(&format!("{zone}\n"), ""), format!("{whole}\n")];
    for damaged in cuts.chain(changed) {
        let (status, said) = put(&server, "/v1/route53/restore", damaged.as_bytes());
        assert_eq!(status, 400, "{said}");
        assert!(said.contains("nothing was changed"), "{said}");
    }
    site.write("cut.jsonl", &whole[..whole.len() / 2]);
    run(&site, &["restore", "cut.jsonl", "--server", &url(&server)]).failed(2, &["cut.jsonl", "cut off"]);
    assert_eq!(records(&server, &site), before);
    assert_eq!(address(&server, "x.wild.example.org"), Some(8));
}

#[test]
fn a_backup_that_no_operations_could_have_made_is_refused_whole_with_everything_that_is_wrong() {
    let (site, server) = with_zone("unsound");
    let whole = run(&site, &["backup", "-", "--server", &url(&server)]).held();
    let lines: Vec<&str> = whole.lines().collect();
    let zone = lines[1].split("\"id\":\"").nth(1).unwrap().split('"').next().unwrap();
    let rrset = |record: &str| format!("{{\"kind\":\"rrset\",\"zone\":\"{zone}\",\"record\":{{{record}}}}}");
    let good = rrset(r#""name":"new.example.org.","type":"A","ttl":1,"values":["192.0.2.99"]"#);
    let beside = rrset(r#""name":"text.example.org.","type":"CNAME","ttl":1,"values":["x."]"#);
    let unknown = rrset(r#""name":"b.example.org.","type":"A","ttl":1,"values":["192.0.2.1"],"health_check_id":"nobody""#);
    let sealed = |more: &[&str]| {
        let text: String = lines[..lines.len() - 1].iter().chain(more).map(|line| format!("{line}\n")).collect();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        let digest: String = digest.as_ref().iter().map(|octet| format!("{octet:02x}")).collect();
        format!("{text}{{\"records\":{},\"sha256\":\"{digest}\"}}\n", lines.len() - 2 + more.len())
    };
    site.write("unsound.jsonl", &sealed(&[&good, &beside, &unknown]));
    let restore = |file: &str| run(&site, &["restore", file, "--server", &url(&server)]);
    restore("unsound.jsonl").failed(2, &["CNAME", "there is no health check nobody"]);
    assert_eq!(address(&server, "new.example.org"), None);
    assert_eq!(run(&site, &["backup", "-", "--server", &url(&server)]).held().lines().nth(1), Some(lines[1]));
    site.write("sound.jsonl", &sealed(&[&good]));
    assert!(restore("sound.jsonl").held().ends_with(": 1 change\n"));
    assert_eq!(address(&server, "new.example.org"), Some(99));
}

#[test]
fn queries_are_answered_from_before_or_after_a_restore_and_never_from_between() {
    let site = site("atomic");
    let server = site.serve();
    let zone = |target: &str, last: u8| {
        format!(
            "zone = \"example.org.\"\nns = [\"x.example.net.\"]\n[[record]]\nname = \"www\"\ntype = \"CNAME\"\nvalues = [\"{target}\"]\n\
             [[record]]\nname = \"{target}\"\ntype = \"A\"\nvalues = [\"192.0.2.{last}\"]\n"
        )
    };
    for (file, target, last) in [("one", "a", 1), ("two", "b", 2)] {
        site.write(&format!("{file}.toml"), &zone(target, last));
        run(&site, &["import", "toml", &format!("{file}.toml"), "--server", &url(&server), "--replace"]).held();
        run(&site, &["backup", &format!("{file}.jsonl"), "--server", &url(&server)]).held();
    }
    let (url, done) = (url(&server), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..12 {
                run(&site, &["restore", ["one.jsonl", "two.jsonl"][n % 2], "--server", &url]).held();
            }
            done.store(true, Ordering::SeqCst);
        });
        let mut seen = [0, 0];
        while !done.load(Ordering::SeqCst) {
            // Through the CNAME to the address behind it: of a part of a restore one would be missing.
            let last = address(&server, "www.example.org").expect("there is an answer");
            seen[usize::from(last - 1)] += 1;
        }
        assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
    });
}

#[test]
fn a_backup_under_writes_holds_whole_batches_only() {
    let site = site("concurrent");
    let server = site.serve();
    let pair = |n: usize| {
        let change = |name: &str| {
            format!(
                r#"{{"Action": "UPSERT", "ResourceRecordSet": {{"Name": "{name}.example.org.", "Type": "TXT", "TTL": 60, "ResourceRecords": [{{"Value": "\"{n}\""}}]}}}}"#
            )
        };
        // In the middle of the zone and at its end, with a name of its own between them.
        format!(r#"{{"Changes": [{}, {}, {}]}}"#, change("a"), change(&format!("m{n}")), change("z"))
    };
    site.write("batch-0.json", &pair(0));
    let url = url(&server);
    let import = |site: &Site, n: usize| {
        let file = format!("batch-{n}.json");
        run(site, &["import", "route53", &file, "--zone", "example.org", "--server", &url]).held()
    };
    import(&site, 0);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1..16 {
                site.write(&format!("batch-{n}.json"), &pair(n));
                import(&site, n);
            }
            done.store(true, Ordering::SeqCst);
        });
        let mut seen = Vec::new();
        while !done.load(Ordering::SeqCst) || seen.is_empty() {
            let text = server.get("/v1/route53/backup").1;
            let text = unchunked(&text);
            let value = |name: &str| {
                let line = text.lines().find(|line| line.contains(&format!("\"name\":\"{name}.example.org.\""))).unwrap();
                serde_json::from_str::<Value>(line).unwrap()["record"]["values"][0]
                    .as_str()
                    .unwrap()
                    .trim_matches('"')
                    .parse::<usize>()
                    .unwrap()
            };
            let (a, z) = (value("a"), value("z"));
            let middle = text.lines().filter(|line| line.contains("\"name\":\"m")).count();
            assert_eq!((a, middle), (z, a + 1), "a part of a batch");
            waypost::route53::account::backup::read(text.as_bytes()).unwrap();
            seen.push(a);
        }
        assert!(seen.is_sorted(), "{seen:?}");
    });
}

/// Sends a body; the status and the text of the answer.
fn put(server: &Serving, path: &str, body: &[u8]) -> (u16, String) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(server.http).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "PUT {path} HTTP/1.1\r\nHost: waypost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len())
        .unwrap();
    stream.write_all(body).unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    let (head, text) = page.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), text.to_owned())
}

/// A body that came in chunks (RFC 9112 §7.1).
fn unchunked(body: &str) -> String {
    let (mut text, mut rest) = (String::new(), body);
    while let Some((len, tail)) = rest.split_once("\r\n") {
        let len = usize::from_str_radix(len, 16).unwrap();
        if len == 0 {
            break;
        }
        text.push_str(&tail[..len]);
        rest = &tail[len + 2..];
    }
    text
}
