//! MariaDB's role, told by a real server that is made read-only and back.

#[path = "support/probing.rs"]
mod probing;
#[path = "support/serve.rs"]
mod serve;
mod support;
#[path = "support/writer.rs"]
mod writer;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use probing::{probe, prober, role, told};
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use serve::{Process, Site};
use waypost::health::protocol::Protocol;
use waypost::health::role::{Encryption, Engine, Role, RoleCheck};
use writer::{A, B, Follower, await_status, free_port, is_there};

#[test]
fn the_writers_name_follows_the_server_that_takes_writes() {
    if !is_there(Path::new(MARIADB)) {
        return;
    }
    let site = Site::new("roles_mysql");
    let password = site.0.join("password");
    fs::write(&password, "secret\n").unwrap();
    let cellar = Cellar::new("writer");
    let (a, b) = (cellar.server("a", &[]), cellar.server("b", &[]));
    b.sql("SET GLOBAL read_only = 1");
    let probe = format!("type = \"mysql\"\nuser = \"waypost\"\npassword_file = {password:?}");
    let mut server = writer::serve(&site, &probe, [a.port, b.port]);
    await_status(&mut server, B, "unhealthy");
    let mut follower = Follower::start(server.dns);
    follower.await_answer(A);
    a.sql("SET GLOBAL read_only = 1");
    await_status(&mut server, A, "unhealthy");
    follower.assert_unchanged();
    b.sql("SET GLOBAL read_only = 0");
    follower.await_answer(B);
    println!("{} queries, each with one answer", follower.stop());
    server.stop();
}

#[tokio::test]
async fn a_server_is_asked_for_its_role_and_every_refusal_has_its_name() {
    if !is_there(Path::new(MARIADB)) {
        return;
    }
    let cellar = Cellar::new("refusals");
    let authority = authority();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["db.example.org".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let (certificate, key) = (cellar.write("certificate", &certificate.pem()), cellar.write("key", &key.serialize_pem()));
    let encrypts = [format!("--ssl-cert={certificate}"), format!("--ssl-key={key}")];
    let (server, plain) = (cellar.server("encrypts", &encrypts), cellar.server("plain", &[]));
    let good = RoleCheck { password_file: Some(cellar.write("good", "secret\n")), ..role(Engine::Mysql) };
    let with_tls = |name: Option<&str>, verify| {
        let encryption = Encryption::On { server_name: name.map(str::to_owned), verify };
        RoleCheck { encryption, ..good.clone() }
    };
    let with_file = |password_file| RoleCheck { password_file, ..good.clone() };
    let user = |user: &str| RoleCheck { user: user.into(), ..good.clone() };
    let (all, tls) = ("connect login query", "connect tls login query");
    let denied = "login refused: Access denied for user 'waypost'@'localhost' (using password:";
    let another = "certificate not valid: certificate not valid for name \"other.example.org\"; \
        certificate is only valid for DnsName(\"db.example.org\")";
    let unspoken = "probe not made: impossible: the server wants the login method \"client_ed25519\"; \
        spoken are mysql_native_password, caching_sha2_password, mysql_clear_password";
    let prober = prober(vec![authority.der().clone()]);
    for (server, role, expected, phases) in [
        (&server, good.clone(), "primary", all),
        (&server, RoleCheck { wanted: Role::Replica, ..good.clone() }, "wrong role: primary; wanted is replica", all),
        (&server, with_tls(Some("db.example.org"), true), "primary", tls),
        (&server, with_tls(Some("other.example.org"), true), another, "connect tls"),
        (&server, with_tls(None, false), "primary", tls),
        (&plain, with_tls(None, false), "TLS handshake failed: the server has no TLS", "connect tls"),
        (&plain, with_file(None), &format!("{denied} NO) (1045)"), "connect login"),
        (&plain, with_file(Some(cellar.write("wrong", "Secret"))), &format!("{denied} YES) (1045)"), "connect login"),
        (&plain, RoleCheck { password_file: None, ..user("open") }, "primary", all),
        (&plain, user("curved"), unspoken, "connect login"),
    ] {
        let report =
            probe(&prober, SocketAddr::from(([127, 0, 0, 1], server.port)), Protocol::Role(Box::new(role.clone()))).await;
        let (words, passed, _) = told(&report);
        assert_eq!((&*words, &*passed), (expected, phases), "{role}");
    }
    plain.sql("SET GLOBAL read_only = 1");
    for (wanted, expected) in [
        (Role::Primary, "wrong role: replica: read_only is 1; wanted is primary"),
        (Role::Replica, "replica: read_only is 1"),
        (Role::Any, "replica: read_only is 1"),
    ] {
        let asked = Protocol::Role(Box::new(RoleCheck { wanted, ..good.clone() }));
        let report = probe(&prober, SocketAddr::from(([127, 0, 0, 1], plain.port)), asked).await;
        assert_eq!(told(&report).0, expected);
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A folder in which servers keep their data; it goes with its value. The servers are run by whoever runs the test.
struct Cellar(PathBuf);

impl Cellar {
    fn new(test: &str) -> Self {
        // Sockets have short names.
        let folder = std::env::temp_dir().join(format!("waypost-mysql-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// A server with a user `waypost` whose password is `secret`, one `open` without a password, and one `curved` who
    /// logs in by a method that waypost does not speak.
    fn server(&self, name: &str, more: &[String]) -> Server {
        let (data, socket, port) = (self.0.join(name), self.0.join(format!("{name}.socket")), free_port());
        let data = format!("--datadir={}", data.display());
        // A server that starts clears its temporary folder of tables, those of others too.
        let temporary = self.0.join(format!("{name}.temporary"));
        fs::create_dir(&temporary).unwrap();
        let mut install = Command::new("mariadb-install-db");
        install.env("TMPDIR", &temporary);
        install.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", &data]);
        run(install.args(user()));
        let mut command = Command::new(MARIADB);
        command.env("TMPDIR", &temporary);
        command.args(["--no-defaults", "--bind-address=127.0.0.1", &format!("--port={port}"), &data]).args(user());
        command.args(["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=8M", "--plugin-load-add=auth_ed25519"]);
        command.args(["--innodb-log-file-size=8M", &format!("--socket={}", socket.display())]).args(more);
        let server = Server { port, socket, _process: Process::spawn(&mut command) };
        run(server.client("mariadb-admin").args(["--wait=30", "--connect-timeout=5", "ping"]));
        server.sql(
            "CREATE USER waypost@localhost IDENTIFIED BY 'secret'; CREATE USER open@localhost; \
             CREATE USER curved@localhost IDENTIFIED VIA ed25519 USING PASSWORD('secret')",
        );
        server
    }
}

impl Drop for Cellar {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Server {
    port: u16,
    socket: PathBuf,
    _process: Process,
}

impl Server {
    fn sql(&self, statements: &str) {
        run(self.client("mariadb").arg("-e").arg(statements));
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.args(["--no-defaults", "-uroot", "-S"]).arg(&self.socket);
        command
    }
}

fn run(command: &mut Command) {
    let done = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    assert!(done.as_ref().is_ok_and(|status| status.success()), "{command:?}: {done:?}");
}

/// The server runs as root only when told to.
fn user() -> Option<&'static str> {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let is_root = status.lines().any(|line| line.starts_with("Uid:") && line.split_whitespace().nth(2) == Some("0"));
    is_root.then_some("--user=root")
}

const MARIADB: &str = "/usr/sbin/mariadbd";
