//! Redis's role, told by real servers: a primary and a replica that change places.
//!
//! What is claimed is the same as of PostgreSQL (`tests/roles_postgres.rs`); promotion is `REPLICAOF NO ONE`, as
//! Sentinel sends it.

#[path = "support/probing.rs"]
mod probing;
#[path = "support/serve.rs"]
mod serve;
mod support;
#[path = "support/writer.rs"]
mod writer;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;

use probing::{probe, prober, role, told};
use serve::{PATIENCE, Process, Site};
use waypost::health::protocol::Protocol;
use waypost::health::role::{Engine, Role, RoleCheck};
use writer::{A, B, Follower, await_failures, await_listener, await_status, free_port, is_there};

#[test]
fn the_writers_name_follows_the_promoted_replica_and_never_leads_to_the_old_primary() {
    if !is_there(Path::new(REDIS)) {
        return;
    }
    let site = Site::new("roles_redis");
    let password = site.0.join("password");
    fs::write(&password, "secret\n").unwrap();
    let ports = [free_port(), free_port()];
    let a = redis(&site, "a", ports[0], &[]);
    let b = redis(&site, "b", ports[1], &replica_of(ports[0]));
    let probe = format!("type = \"redis\"\npassword_file = {password:?}");
    let mut server = writer::serve(&site, &probe, ports);
    await_status(&mut server, B, "unhealthy");
    let mut follower = Follower::start(server.dns);
    follower.await_answer(A);

    a.kill();
    await_status(&mut server, A, "unhealthy");
    // Nobody is a primary now: the last resort, which is the first in order.
    follower.assert_unchanged();
    promote(ports[1]);
    follower.await_answer(B);

    let _a = redis(&site, "a again", ports[0], &replica_of(ports[1]));
    await_failures(&server, A, "wrong role: replica; wanted is primary");
    follower.assert_unchanged();

    b.kill();
    await_status(&mut server, B, "unhealthy");
    promote(ports[0]);
    follower.await_answer(A);
    println!("{} queries, each with one answer", follower.stop());
    server.stop();
}

#[tokio::test]
async fn a_server_is_asked_for_its_role_and_every_refusal_has_its_name() {
    if !is_there(Path::new(REDIS)) {
        return;
    }
    let site = Site::new("roles_redis_refusals");
    let port = free_port();
    let user = ["--user", "waypost", "on", ">other", "+role", "--user", "mute", "on", "nopass", "-@all", "+auth"];
    let _server = redis(&site, "only", port, &user.map(str::to_owned));
    await_listener(port);
    let file = |text: &str| {
        let path = site.0.join(format!("password of {}", text.trim_end()));
        fs::write(&path, text).unwrap();
        Some(path.display().to_string())
    };
    let good = RoleCheck { user: "default".into(), password_file: file("secret\n"), ..role(Engine::Redis) };
    let named = |user: &str, password_file| RoleCheck { user: user.into(), password_file, ..good.clone() };
    let wrong = "login refused: WRONGPASS invalid username-password pair or user is disabled.";
    for (role, expected, phases) in [
        (good.clone(), "primary", "connect login query"),
        (RoleCheck { wanted: Role::Any, ..good.clone() }, "primary", "connect login query"),
        (RoleCheck { wanted: Role::Replica, ..good.clone() }, "wrong role: primary; wanted is replica", "connect login query"),
        (named("waypost", file("other\n")), "primary", "connect login query"),
        (named("waypost", file("wrong")), wrong, "connect login"),
        (named("default", file("wrong")), wrong, "connect login"),
        (named("default", None), "login refused: NOAUTH Authentication required.", "connect query"),
        (
            named("mute", None),
            "login refused: NOPERM this user has no permissions to run the 'role' command",
            "connect login query",
        ),
    ] {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let report = probe(&prober(Vec::new()), address, Protocol::Role(Box::new(role.clone()))).await;
        let (words, passed, _) = told(&report);
        assert_eq!((words.trim_end_matches(" or its subcommand"), &*passed), (expected, phases), "{role}");
    }
}

/// Starts a server with the password `secret`, in a folder of its own.
fn redis(site: &Site, instance: &str, port: u16, more: &[String]) -> Process {
    let folder = site.0.join(instance);
    fs::create_dir_all(&folder).unwrap();
    let mut command = Command::new(REDIS);
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no", "--dir"]);
    command.arg(folder).args(["--requirepass", "secret", "--masterauth", "secret"]);
    Process::spawn(command.args(more))
}

fn replica_of(port: u16) -> [String; 3] {
    ["--replicaof".into(), "127.0.0.1".into(), port.to_string()]
}

/// Makes a replica the primary.
fn promote(port: u16) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"AUTH secret\r\nREPLICAOF NO ONE\r\n").unwrap();
    let mut answers = [0; 10];
    stream.read_exact(&mut answers).unwrap();
    assert_eq!(&answers, b"+OK\r\n+OK\r\n");
}

const REDIS: &str = "/usr/bin/redis-server";
