//! TLS checks: the handshake, the certificate, and how long it holds.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use waypost::clock;
use waypost::health::protocol::Protocol;
use waypost::health::protocol::http::HttpRequest;
use waypost::health::protocol::tls::{TlsCheck, TlsOptions};
use waypost::health::timing::Deadlines;

use crate::targets::*;

const NAME: &str = "www.example.org";

fn tls(tls: TlsOptions, alpn: &[&str]) -> Protocol {
    Protocol::Tls(TlsCheck { tls, alpn: alpn.iter().map(|name| (*name).to_owned()).collect() })
}

fn with_days(days_left: u16, verify: bool) -> TlsOptions {
    TlsOptions { days_left: Some(days_left), ..tls_options(Some(NAME), verify) }
}

async fn secured(certificate: Certificate) -> SocketAddr {
    Server::secured("", certificate).await.address
}

#[tokio::test]
async fn a_handshake_with_a_valid_certificate_passes() {
    let address = secured(Certificate::issued(NAME, 2000, 4000)).await;
    let report = probe(address, tls(tls_options(Some(NAME), true), &[]), PATIENTLY).await;
    assert_eq!(summary(&report), "passed: connect tls");
    assert_eq!(report.observation.outcome.to_string(), "TLS established");
    assert_eq!(report.certificate_not_after, Some("4000-01-01T00:00:00Z".parse().unwrap()));
}

#[tokio::test]
async fn certificates_that_are_not_valid_fail_unless_nobody_cares() {
    for (certificate, seen) in [
        (Certificate::issued(NAME, 2000, 2001), "certificate not valid: expired"),
        (Certificate::self_signed(NAME), "certificate not valid: issued by an unknown authority"),
        (
            Certificate::issued("other.example.org", 2000, 4000),
            "certificate not valid: certificate not valid for name \"www.example.org\"; \
             certificate is only valid for DnsName(\"other.example.org\")",
        ),
    ] {
        let address = secured(certificate).await;
        check(address, tls(tls_options(Some(NAME), true), &[]), PATIENTLY, seen).await;
        check(address, tls(tls_options(Some(NAME), false), &[]), PATIENTLY, "TLS established").await;
    }
}

#[tokio::test]
async fn the_time_of_expiry_is_told_even_when_it_has_passed() {
    let address = secured(Certificate::issued(NAME, 2000, 2001)).await;
    for verify in [true, false] {
        let report = probe(address, tls(tls_options(Some(NAME), verify), &[]), PATIENTLY).await;
        assert_eq!(report.certificate_not_after, Some("2001-01-01T00:00:00Z".parse().unwrap()), "verify = {verify}");
    }
    let report = probe(address, tls(with_days(1, false), &[]), PATIENTLY).await;
    assert_eq!(report.observation.outcome.code(), "certificate_expires");
}

#[tokio::test]
async fn a_certificate_with_too_few_days_left_fails_with_its_date() {
    let address = secured(Certificate::expiring(NAME, 24 * 14 - 1)).await;
    let passes = probe(address, tls(with_days(13, true), &[]), PATIENTLY).await;
    assert_eq!(passes.observation.outcome.to_string(), "TLS established");
    let report = probe(address, tls(with_days(14, true), &[]), PATIENTLY).await;
    let not_after = report.certificate_not_after.expect("it was shown");
    assert!(not_after > clock::now());
    assert_eq!(summary(&report), "certificate_expires: connect tls");
    let seen = format!("certificate expires at {not_after}: fewer than 14 days are left");
    assert_eq!(report.observation.outcome.to_string(), seen);
}

#[tokio::test]
async fn days_left_counts_for_https_before_anything_is_asked() {
    let mut server = Server::secured("HTTP/1.1 200 OK\r\n\r\n", Certificate::expiring(NAME, 24 * 14 - 1)).await;
    let request = || HttpRequest::get(NAME, "/");
    check(server.address, Protocol::Https(request(), with_days(13, true)), PATIENTLY, "HTTP status 200").await;
    server.requests.recv().await.unwrap();
    let report = probe(server.address, Protocol::Https(request(), with_days(14, true)), PATIENTLY).await;
    assert_eq!(summary(&report), "certificate_expires: connect tls");
    assert_eq!(server.requests.recv().await.unwrap(), "", "nothing was asked");
}

#[tokio::test]
async fn one_of_the_protocols_offered_must_be_chosen() {
    let server = Server::choosing("", Certificate::issued(NAME, 2000, 4000), &["imap", "h2"]).await;
    for (offered, passes) in [(&["h2", "http/1.1"][..], true), (&["http/1.1"], false), (&[], true)] {
        let report = probe(server.address, tls(tls_options(Some(NAME), true), offered), PATIENTLY).await;
        assert_eq!(report.observation.outcome.passed(), Some(passes), "{offered:?}: {}", report.observation.outcome);
    }
    let without = secured(Certificate::issued(NAME, 2000, 4000)).await;
    let seen = "TLS handshake failed: the endpoint chose none of the protocols h2, imap";
    check(without, tls(tls_options(Some(NAME), true), &["h2", "imap"]), PATIENTLY, seen).await;
}

#[tokio::test]
async fn each_phase_ends_with_its_own_failure() {
    let any = || tls(tls_options(Some(NAME), true), &[]);
    check(nobody().await, any(), PATIENTLY, "connection refused").await;
    let short = Deadlines { connect: SHORT, ..PATIENTLY };
    check(BlackHole::dig().address, any(), short, "not connected within 150ms").await;
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    check(mute.local_addr().unwrap(), any(), short, "connected, but TLS not established within 150ms").await;
    let plain = Server::answering("220 mail.example.org ESMTP\r\n").await;
    let report = probe(plain.address, any(), PATIENTLY).await;
    assert_eq!(summary(&report), "tls_handshake: connect tls");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_shows_the_phases_and_when_the_certificate_expires() {
    let address = secured(Certificate::issued(NAME, 2000, 4000)).await;
    let folder = std::env::temp_dir().join(format!("waypost-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let zone = format!(
        "zone = \"example.org.\"\nns = [\"ns1.example.org.\"]\n[check.web]\ntype = \"tls\"\ntarget = \"127.0.0.1\"\n\
         port = {}\nhost = \"{NAME}\"\nverify = false\n",
        address.port()
    );
    std::fs::write(folder.join("zone.toml"), zone).unwrap();
    let config = "[server]\nlisten = [\"127.0.0.1:0\"]\n[zones]\nfiles = [\"zone.toml\"]\n";
    std::fs::write(folder.join("waypost.toml"), config).unwrap();
    let run = |folder: std::path::PathBuf, more: &'static [&'static str]| async move {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_waypost"));
        command.args(["probe", "web", "-c"]).arg(folder.join("waypost.toml")).args(more);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let said = run(folder.clone(), &[]).await;
    assert!(said.starts_with(&format!("health check web: tls {address} as {NAME}\n")), "{said}");
    assert!(said.contains("\n  connect ") && said.contains("\n  tls "), "{said}");
    assert!(said.ends_with("  the certificate expires at 4000-01-01T00:00:00Z\npassed: TLS established\n"), "{said}");
    assert!(run(folder.clone(), &["--json"]).await.contains("\"certificate_not_after\": \"4000-01-01T00:00:00Z\""));
    std::fs::remove_dir_all(folder).unwrap();
}
