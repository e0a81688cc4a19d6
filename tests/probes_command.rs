//! Commands as probes: what they are told, what their end means, and that nothing of them stays.

#[path = "support/probing.rs"]
mod probing;
#[path = "support/processes.rs"]
mod processes;
#[path = "support/serve.rs"]
mod serve;

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use probing::{PATIENTLY, SHORT, endpoint, id, prober, told};
use processes::await_end_of_group;
use waypost::health::check::EndpointCheck;
use waypost::health::command::CommandCheck;
use waypost::health::protocol::Protocol;
use waypost::health::timing::Deadlines;

#[tokio::test]
async fn the_exit_status_decides_and_the_first_line_says_why() {
    for (script, expected, code) in [
        ("echo; echo ' up '; echo more", "up", "passed"),
        ("exit 0", "command passed", "passed"),
        ("echo 'CRITICAL - no answer'; exit 2", "command failed: exit status 2: CRITICAL - no answer", "command_failed"),
        ("echo said elsewhere >&2; exit 1", "command failed: exit status 1: said elsewhere", "command_failed"),
        ("exit 255", "command failed: exit status 255", "command_failed"),
        ("kill -TERM $$", "command failed: killed by signal 15", "command_failed"),
        ("printf 'no end'; exit 1", "command failed: exit status 1: no end", "command_failed"),
        ("printf '\\033[31mred\\377\\n'", "[31mred\u{fffd}", "passed"),
    ] {
        check(shell(script), expected, code).await;
    }
}

#[tokio::test]
async fn a_command_is_told_whom_it_is_for_and_nothing_of_its_surroundings() {
    let arguments = ["-0", "/usr/bin/env", "-0"].map(str::to_owned).to_vec();
    let expected =
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin WAYPOST_CHECK=web-fra WAYPOST_TARGET=127.0.0.1:81";
    check(command("/usr/bin/env", &arguments[2..]), expected, "passed").await;
    let arguments = ["-H", "{address}", "-p{port}", "$(id)", "a b"].map(str::to_owned);
    check(command("/bin/echo", &arguments), "-H 127.0.0.1 -p81 $(id) a b", "passed").await;
    check(shell("pwd"), "/", "passed").await;
}

#[tokio::test]
async fn a_command_has_none_of_the_descriptors_that_are_open_here() {
    let _file = File::create(folder("descriptors").join("marked")).unwrap();
    let _socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    // Tokio's own are anonymous. What this process was given by its parent is not ours to close.
    let count = "for fd in /proc/$$/fd/*; do readlink $fd; done | grep -c -e marked -e anon_inode -e socket; exit 0";
    check(shell(count), "0", "passed").await;
    check(shell("readlink /proc/$$/fd/0"), "/dev/null", "passed").await;
}

#[tokio::test]
async fn what_cannot_be_started_is_not_held_against_the_endpoint() {
    let folder = folder("not_started");
    let plain = folder.join("plain");
    fs::write(&plain, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o644)).unwrap();
    for (program, why) in [
        ("/no/such/command", "No such file or directory (os error 2)"),
        (plain.to_str().unwrap(), "Permission denied (os error 13)"),
    ] {
        let expected = format!("probe not made: impossible: starting {program}: {why}");
        check(command(program, &[]), &expected, "not_run_impossible").await;
    }
}

#[tokio::test]
async fn at_its_deadline_a_command_ends_with_all_that_it_started() {
    let note = folder("deadline").join("group");
    let script =
        format!("echo $$ > {0}.new; mv {0}.new {0}; /bin/sleep 1000 & /bin/sleep 1000 | /bin/sleep 1000", note.display());
    // A deadline that passes before the shell has come so far proves nothing: then it is run again.
    let group = loop {
        let report = prober(Vec::new()).probe(&id(), &within(SHORT, shell(&script))).await;
        let (words, phases, code) = told(&report);
        assert_eq!((&*words, &*phases, code), ("command not ended within 150ms", "run", "command_timeout"));
        if let Ok(group) = fs::read_to_string(&note) {
            break group;
        }
    };
    await_end_of_group(group.trim().parse().unwrap());
}

#[tokio::test]
async fn what_a_command_leaves_behind_ends_with_it() {
    // The child keeps the output open, too: its end is not waited for.
    let report = prober(Vec::new()).probe(&id(), &patiently(shell("/bin/sleep 1000 & echo $$"))).await;
    let (group, _, code) = told(&report);
    assert_eq!(code, "passed", "{group}");
    await_end_of_group(group.parse().unwrap());
}

#[tokio::test]
async fn a_command_whose_probe_is_dropped_ends() {
    let folder = folder("dropped");
    let (fifo, note) = (fifo(&folder), folder.join("group"));
    let script = format!("echo $$ > {}; read line < {}", note.display(), fifo.display());
    let probing = tokio::spawn(async move { prober(Vec::new()).probe(&id(), &patiently(shell(&script))).await });
    let writer = held(&fifo).await;
    let group = fs::read_to_string(&note).unwrap().trim().parse().unwrap();
    probing.abort();
    assert!(probing.await.is_err());
    await_end_of_group(group);
    drop(writer);
}

#[tokio::test]
async fn who_writes_without_end_is_read_no_further() {
    check(command("/usr/bin/yes", &["{check}".to_owned()]), "command failed: killed by signal 13: {check}", "command_failed")
        .await;
    // More than the pipe holds is read all the same, and the first line is what counts.
    check(shell("echo first; head -c 200000 /dev/zero; echo last"), "first", "passed").await;
}

#[tokio::test]
async fn over_the_limit_commands_wait_and_are_not_run_when_they_waited_too_long() {
    let fifo = fifo(&folder("limit"));
    let prober = Arc::new(prober(Vec::new()).with_commands_max(1));
    let (first, holding) = (prober.clone(), patiently(shell(&format!("read line < {}", fifo.display()))));
    let first = tokio::spawn(async move { first.probe(&id(), &holding).await });
    let writer = held(&fifo).await;
    let report = prober.probe(&id(), &within(SHORT, shell("exit 0"))).await;
    let (words, phases, code) = told(&report);
    assert_eq!(words, "probe not made: out of local resources: none of the 1 commands that may run at once ended in 150ms");
    assert_eq!((&*phases, code), ("wait", "not_run_resources"));
    let second = prober.clone();
    let second = tokio::spawn(async move { second.probe(&id(), &patiently(shell("echo after"))).await });
    (&writer).write_all(b"go\n").unwrap();
    let (_, phases, code) = told(&first.await.unwrap());
    assert_eq!((&*phases, code), ("run", "passed"));
    let (words, _, code) = told(&second.await.unwrap());
    assert_eq!((&*words, code), ("after", "passed"));
    let none = probing::prober(Vec::new()).with_commands_max(0).probe(&id(), &within(SHORT, shell("exit 0"))).await;
    assert_eq!(told(&none).2, "not_run_resources");
}

#[test]
fn a_server_that_stops_leaves_no_command_running() {
    let site = serve::Site::new("commands");
    let note = site.0.join("group");
    let script = format!("echo $$ > {0}.new; mv {0}.new {0}; exec /bin/sleep 1000", note.display());
    let zone = format!(
        "zone = \"example.org.\"\nns = [\"ns1.example.net.\"]\n[probe.long]\ntype = \"command\"\ntimeout = \"60s\"\n\
         command = [\"/bin/sh\", \"-c\", {script:?}]\n[endpoint.a]\naddress = [\"192.0.2.1\"]\nprobe = \"long\"\n\
         [route.www]\npolicy = \"failover\"\nmembers = [\"a\"]\n"
    );
    site.write("waypost.toml", serve::CONFIG);
    site.write("example.org.toml", &zone);
    let server = site.serve();
    let group = fs::read_to_string(&note).expect("the first round of probes has begun").trim().parse().unwrap();
    assert!(processes::processes().iter().any(|process| process.group == group), "it runs");
    server.stop();
    await_end_of_group(group);
}

// What the tests are made of

async fn check(command: CommandCheck, expected: &str, code: &str) {
    let what = command.to_string();
    let report = prober(Vec::new()).probe(&id(), &patiently(command)).await;
    let (words, phases, found) = told(&report);
    assert_eq!((&*words, found), (expected, code), "{what}");
    assert_eq!(phases, if code.starts_with("not_run") { "" } else { "run" }, "{what}");
}

fn command(program: &str, arguments: &[String]) -> CommandCheck {
    CommandCheck { program: program.into(), arguments: arguments.to_vec() }
}

fn shell(script: &str) -> CommandCheck {
    command("/bin/sh", &["-c".to_owned(), script.to_owned()])
}

fn patiently(command: CommandCheck) -> EndpointCheck {
    endpoint(SocketAddr::from(([127, 0, 0, 1], 81)), Protocol::Command(command), PATIENTLY)
}

fn within(limit: std::time::Duration, command: CommandCheck) -> EndpointCheck {
    let deadlines = Deadlines { connect: limit, ..PATIENTLY };
    endpoint(SocketAddr::from(([127, 0, 0, 1], 81)), Protocol::Command(command), deadlines)
}

fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("probes_command").join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn fifo(folder: &Path) -> PathBuf {
    let fifo = folder.join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    fifo
}

/// Opens a FIFO to write, which waits for the command to open it to read: it runs then.
async fn held(fifo: &Path) -> File {
    let fifo = fifo.to_owned();
    tokio::task::spawn_blocking(move || OpenOptions::new().write(true).open(fifo).unwrap()).await.unwrap()
}
