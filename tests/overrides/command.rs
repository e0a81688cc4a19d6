//! `waypost override` and `waypost signal`, against a server, and the commands that the documents show.

use std::fs;
use std::path::Path;

use super::*;

/// Runs the command line in the site's folder, against its server; the exit status, what was printed, what was wrong.
fn run(site: &Site, command: &str, server: &Serving) -> (Option<i32>, String, String) {
    let binary = Path::new(env!("CARGO_BIN_EXE_waypost"));
    let command = format!("{} {} --server http://{}", binary.display(), command.strip_prefix("waypost ").unwrap(), server.http);
    let mut shell = Command::new("sh");
    let ran = shell.args(["-c", &command]).current_dir(&site.0).env("USER", "carol").stdin(Stdio::null()).output().unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    (ran.status.code(), text(ran.stdout), text(ran.stderr))
}

#[test]
fn the_commands_of_the_documents_hold() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md")).unwrap();
    let help = |command: &str| {
        let ran = Command::new(env!("CARGO_BIN_EXE_waypost")).args(["help", command]).output().unwrap();
        String::from_utf8(ran.stdout).unwrap()
    };
    let texts = [
        ("docs", page, 13, true),
        ("help-override", help("override"), 6, false),
        ("help-signal", help("signal"), 3, false),
        ("help-failover", help("failover"), 2, true),
        ("help-failback", help("failback"), 2, true),
    ];
    for (test, text, commands, moves) in texts {
        let site = site(&format!("override-{test}"));
        let server = site.serve();
        let is_order = |line: &str| line.starts_with("waypost failover ") || line.starts_with("waypost failback ");
        let is_ours =
            |line: &&str| line.starts_with("waypost override ") || line.starts_with("waypost signal ") || is_order(line);
        let shown: Vec<&str> = text.lines().map(str::trim).filter(is_ours).collect();
        assert_eq!(shown.len(), commands, "{test}: {shown:?}");
        for command in shown {
            let (status, out, wrong) = run(&site, command, &server);
            // Nothing waits for these orders here, which is said with 1; `tests/routes_wait.rs` has members that do.
            let expected = if moves && is_order(command) { 1 } else { 0 };
            assert_eq!(status, Some(expected), "{command}: {wrong}");
            assert!(!out.is_empty(), "{command}");
        }
        server.stop();
    }
}

#[test]
fn the_command_line_shows_what_it_did_and_how_it_ended() {
    let site = site("override-cli");
    site.write("wrong.token", "0123456789abcdef\n");
    let server = site.serve();
    let run = |command: &str| run(&site, command, &server);
    let (status, out, _) = run("waypost override down 'check:queue*' --reason 'moving racks' --until 2999-01-01T00:00:00Z");
    assert_eq!((status, &*out), (Some(0), "override 1: down check:queue* until 2999-01-01T00:00:00Z\n"));
    let (_, out, _) = run("waypost override up route:www --reason r --forever --author dave --json");
    let made: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&made["id"], &made["author"], &made["expires_at"]), (&json!(2), &json!("dave (unverified)"), &Value::Null));
    let lines = |text: &str| text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>();
    let expected = [
        "ID ACTION TARGET UNTIL DECIDES FOR AUTHOR REASON",
        "1 down check:queue* 2999-01-01T00:00:00Z queue-depth carol (unverified) moving racks",
        "2 up route:www for ever - dave (unverified) r",
    ];
    assert_eq!(lines(&run("waypost override list").1), expected);
    assert_eq!(run("waypost override remove 2 --reason done").1, "override 2 is removed: up route:www\n");
    let log = lines(&run("waypost override log --limit 1").1);
    assert!(log[1].ends_with("carol (unverified) override-removed route:www override 2: up for ever done"), "{log:?}");
    assert_eq!(run("waypost signal queue-depth alarm --reason deep").1, "queue-depth: ALARM until the next\n");
    let told: Value = serde_json::from_str(&run("waypost override list --json").1).unwrap();
    assert_eq!(told["overrides"][0]["checks"], json!(["queue-depth"]));
    for (command, status, words) in [
        ("waypost override down fra --reason r --forever", 2, "does not say what it is for; check:NAME"),
        ("waypost override down check:fra --reason r", 2, "required arguments were not provided"),
        ("waypost override down check:fra --reason r --for 1h --forever", 2, "cannot be used with"),
        ("waypost override down check:fra --reason r --for soon", 2, "expires_in \"soon\" is not within"),
        ("waypost override down check:fra --reason '' --forever", 2, "reason is empty"),
        ("waypost override remove 9 --reason r", 1, "404 Not Found: there is no override 9"),
        ("waypost override list --token-file missing.token", 2, "reading the token in missing.token: No such file"),
        ("waypost signal fra ok --reason r", 1, "\"fra\" is probed; one of type signal is told"),
        ("waypost signal queue-depth fine --reason r", 2, "\"fine\" is no state of a signal"),
    ] {
        let (found, out, wrong) = run(command);
        assert_eq!((found, &*out), (Some(status), ""), "{command}: {wrong}");
        assert!(wrong.contains(words), "{command}: {wrong}");
    }
    let mut probe = Command::new(env!("CARGO_BIN_EXE_waypost"));
    let probed = probe.args(["probe", "queue-depth"]).current_dir(&site.0).output().unwrap();
    let wrong = String::from_utf8(probed.stderr).unwrap();
    assert!(wrong.contains("\"queue-depth\" is told by signals: it has no endpoint to probe"), "{wrong}");
    let tokens = format!("{CONFIG}{STORE}{ZONES}")
        .replace("[log]", "[[http.token]]\nname = \"ops\"\nsecret = \"ops-0123456789abcdef\"\nmay = [\"override\"]\n\n[log]");
    server.stop();
    site.write("waypost.toml", &tokens);
    site.write("ops.token", "ops-0123456789abcdef\n");
    let server = site.serve();
    let command = |token: &str| format!("waypost override freeze check:fra --reason r --for 1h {token}");
    for (token, status) in [("", 1), ("--token-file wrong.token", 1), ("--token-file ops.token", 0)] {
        assert_eq!(self::run(&site, &command(token), &server).0, Some(status), "{token}");
    }
    server.stop();
}
