//! PostgreSQL's role, told by real servers: a primary and a streaming standby that change places.
//!
//! What is claimed: the writer's name leads to the promoted standby, to one database at a time, and not back to the old
//! primary, be it down or a standby. While nobody is a primary the first one is answered: routing's last resort.

#[path = "support/postgres.rs"]
mod postgres;
#[path = "support/probing.rs"]
mod probing;
#[path = "support/serve.rs"]
mod serve;
mod support;
#[path = "support/writer.rs"]
mod writer;

use std::fs;
use std::net::SocketAddr;

use postgres::{Cellar, Server, programs};
use probing::{probe, prober, role, told};
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use serve::Site;
use waypost::health::protocol::Protocol;
use waypost::health::role::{Encryption, Engine, Role, RoleCheck};
use writer::{A, B, Follower, await_failures, await_status, is_there};

fn are_there() -> bool {
    is_there(&programs().unwrap_or("/usr/lib/postgresql/15/bin".into()).join("postgres"))
}

#[test]
fn the_writers_name_follows_the_promoted_standby_and_never_leads_to_the_old_primary() {
    if !are_there() {
        return;
    }
    let (cellar, site) = (Cellar::new("writer"), Site::new("roles_postgres"));
    let password = site.0.join("password");
    fs::write(&password, "secret\n").unwrap();
    let a = cellar.primary("a");
    let b = cellar.standby("b", &a);
    let probe = format!("type = \"postgres\"\nuser = \"waypost\"\npassword_file = {password:?}");
    let mut server = writer::serve(&site, &probe, [a.port, b.port]);
    await_status(&mut server, B, "unhealthy");
    let mut follower = Follower::start(server.dns);
    follower.await_answer(A);

    a.kill();
    await_status(&mut server, A, "unhealthy");
    // Nobody is a primary now: the last resort, which is the first in order.
    follower.assert_unchanged();
    b.promote();
    follower.await_answer(B);

    // The old primary comes back, on its port, as a standby of the new one.
    let port = a.port;
    drop(a);
    let a = cellar.standby_at("a", &b, port);
    await_failures(&server, A, "wrong role: replica, in recovery; wanted is primary");
    follower.assert_unchanged();

    b.kill();
    await_status(&mut server, B, "unhealthy");
    a.promote();
    follower.await_answer(A);
    println!("{} queries, each with one answer", follower.stop());
    server.stop();
}

#[tokio::test]
async fn a_server_is_asked_for_its_role_and_every_refusal_has_its_name() {
    if !are_there() {
        return;
    }
    let cellar = Cellar::new("refusals");
    let server = cellar.primary("only");
    let standby = cellar.standby("standby", &server);
    let good = RoleCheck { password_file: Some(cellar.write("good", "secret\r\n")), ..role(postgres()) };
    let wanting = |wanted| RoleCheck { wanted, ..good.clone() };
    let with_file = |name: &str, text: &str| RoleCheck { password_file: Some(cellar.write(name, text)), ..good.clone() };
    let somebody = |user: &str| RoleCheck { user: user.into(), ..good.clone() };
    let refused = "login refused: password authentication failed for user";

    check(&server, good.clone(), "primary", "connect login query").await;
    check(&server, wanting(Role::Any), "primary", "connect login query").await;
    check(&server, wanting(Role::Replica), "wrong role: primary; wanted is replica", "connect login query").await;
    check(&standby, good.clone(), "wrong role: replica, in recovery; wanted is primary", "connect login query").await;
    check(&standby, wanting(Role::Replica), "replica, in recovery", "connect login query").await;
    check(&server, with_file("wrong", "Secret\n"), &format!("{refused} \"waypost\" (28P01)"), "connect login").await;
    check(&server, somebody("nobody"), &format!("{refused} \"nobody\" (28P01)"), "connect login").await;
    let none = RoleCheck { password_file: None, ..good.clone() };
    check(&server, none, "login refused: password missing", "connect login").await;
    let elsewhere = RoleCheck { engine: Engine::Postgres { database: "shop".into() }, ..good.clone() };
    check(&server, elsewhere, "login refused: database \"shop\" does not exist (3D000)", "connect login").await;
    let missing = format!("{}/none", cellar.folder.display());
    let expected =
        format!("probe not made: impossible: reading the password file {missing}: No such file or directory (os error 2)");
    check(&server, RoleCheck { password_file: Some(missing), ..good.clone() }, &expected, "connect").await;
    let tls = Encryption::On { server_name: None, verify: false };
    let plain = RoleCheck { encryption: tls, ..good.clone() };
    check(&server, plain, "TLS handshake failed: the server has no TLS", "connect tls").await;

    server.sql("ALTER ROLE waypost SET default_transaction_read_only = on");
    check(&server, good.clone(), "wrong role: not in recovery, but read-only; wanted is primary", "connect login query").await;
    check(&server, wanting(Role::Any), "not in recovery, but read-only", "connect login query").await;
    server.sql("ALTER ROLE waypost RESET default_transaction_read_only; ALTER ROLE waypost CONNECTION LIMIT 0");
    let full = "database error: too many connections for role \"waypost\" (53300)";
    check(&server, good, full, "connect login").await;
}

#[tokio::test]
async fn tls_is_spoken_before_anything_is_told() {
    if !are_there() {
        return;
    }
    let cellar = Cellar::new("tls");
    let server = cellar.primary("only");
    let authority = authority();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["db.example.org".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let (certificate, key) = (cellar.write("certificate", &certificate.pem()), cellar.write("key", &key.serialize_pem()));
    server.configure(&format!("ssl = on\nssl_cert_file = '{certificate}'\nssl_key_file = '{key}'"));
    let good = RoleCheck { password_file: Some(cellar.write("good", "secret")), ..role(postgres()) };
    let encrypted = |name: Option<&str>, verify| {
        let encryption = Encryption::On { server_name: name.map(str::to_owned), verify };
        RoleCheck { encryption, ..good.clone() }
    };
    let prober = prober(vec![authority.der().clone()]);
    for (role, expected) in [
        (encrypted(Some("db.example.org"), true), "primary"),
        (encrypted(Some("other.example.org"), true), OF_ANOTHER_NAME),
        (encrypted(None, false), "primary"),
    ] {
        let report = probe(&prober, loopback(server.port), Protocol::Role(Box::new(role))).await;
        let phases = if expected == "primary" { "connect tls login query" } else { "connect tls" };
        let (words, passed, _) = told(&report);
        assert_eq!((&*words, &*passed), (expected, phases));
    }
}

const OF_ANOTHER_NAME: &str = "certificate not valid: certificate not valid for name \"other.example.org\"; \
    certificate is only valid for DnsName(\"db.example.org\")";

fn postgres() -> Engine {
    Engine::Postgres { database: "postgres".into() }
}

async fn check(server: &Server<'_>, role: RoleCheck, expected: &str, phases: &str) {
    let report = probe(&prober(Vec::new()), loopback(server.port), Protocol::Role(Box::new(role))).await;
    let (words, passed, _) = told(&report);
    assert_eq!((&*words, &*passed), (expected, phases));
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}
