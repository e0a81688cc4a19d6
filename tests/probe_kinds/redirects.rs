//! Redirects: how far they are followed, where to, and what goes along.

use std::net::SocketAddr;

use waypost::health::protocol::Protocol;
use waypost::health::protocol::http::HttpRequest;
use waypost::prober::{ProbeReport, Prober, Trust};
use waypost::resolver::NameServers;

use crate::targets::*;

fn redirect(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}

/// A check whose Host is the address it probes, as one without `host` has.
fn following(address: SocketAddr, follow: u8) -> HttpRequest {
    HttpRequest {
        follow,
        headers: vec![("authorization".into(), "secret".into())],
        ..HttpRequest::get(address.to_string(), "/a/b")
    }
}

async fn probe_following(server: &Server, follow: u8) -> ProbeReport {
    probe(server.address, Protocol::Http(following(server.address, follow)), PATIENTLY).await
}

#[tokio::test]
async fn a_redirect_is_followed_to_another_place_and_as_often_as_the_check_says() {
    let last = Server::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let middle = Server::answering(redirect(&format!("http://{}/last", last.address))).await;
    let first = Server::answering(redirect(&format!("http://{}/middle", middle.address))).await;
    let report = probe_following(&first, 2).await;
    assert_eq!(report.observation.outcome.to_string(), "HTTP status 204");
    assert_eq!(summary(&report), "passed: connect status connect status connect status");
    assert_eq!(report.address, Some(first.address));
    let report = probe_following(&first, 1).await;
    assert_eq!(report.observation.outcome.to_string(), "redirect not followed: 1 have been, and there is one more");
    assert_eq!(summary(&report), "bad_redirect: connect status connect status");
    let report = probe_following(&first, 0).await;
    assert_eq!(report.observation.outcome.to_string(), "HTTP status 302");
}

#[tokio::test]
async fn a_loop_ends() {
    let mut server = Server::answering(redirect("next")).await;
    let report = probe_following(&server, 10).await;
    assert_eq!(report.observation.outcome.to_string(), "redirect not followed: 10 have been, and there is one more");
    assert!(server.requests.recv().await.unwrap().starts_with("GET /a/b HTTP/1.1\r\n"));
    assert!(server.requests.recv().await.unwrap().starts_with("GET /a/next HTTP/1.1\r\n"));
}

#[tokio::test]
async fn the_last_response_is_judged_and_not_the_way_to_it() {
    let last = Server::answering("HTTP/1.1 503 Oops\r\n\r\n").await;
    let first = Server::answering(redirect(&format!("http://{}/", last.address))).await;
    assert_eq!(probe_following(&first, 3).await.observation.outcome.to_string(), "HTTP status 503");
    // A 304 leads nowhere, and neither does a 302 without a location.
    for response in ["HTTP/1.1 304 Not Modified\r\nLocation: /x\r\n\r\n", "HTTP/1.1 302 Found\r\n\r\n"] {
        let server = Server::answering(response).await;
        assert_eq!(probe_following(&server, 3).await.observation.outcome.passed(), Some(true), "{response}");
    }
}

#[tokio::test]
async fn what_a_check_adds_is_sent_to_its_own_host_only() {
    let mut names = Names::answering(|_| Some((0, vec![vec![127, 0, 0, 1]]))).await;
    let mut other = Server::answering("HTTP/1.1 200 OK\r\n\r\n").await;
    let mut first = Server::answering(redirect(&format!("http://other.test:{}/", other.address.port()))).await;
    let (prober, _) = Prober::new(Trust::Only(Vec::new()), &NameServers::Only(vec![names.address]));
    let target = named("127.0.0.1", first.address.port());
    let check = endpoint(target, Protocol::Http(following(first.address, 1)), PATIENTLY);
    let report = prober.probe(&id(), &check).await;
    assert_eq!(report.observation.outcome.to_string(), "HTTP status 200");
    assert_eq!(names.asked.recv().await.unwrap(), 1);
    assert!(first.requests.recv().await.unwrap().contains("\r\nauthorization: secret\r\n"));
    let told = other.requests.recv().await.unwrap();
    assert!(told.contains(&format!("\r\nhost: other.test:{}\r\n", other.address.port())), "{told}");
    assert!(!told.contains("secret"), "{told}");
}

#[tokio::test]
async fn the_endpoints_own_name_stays_at_the_address_that_is_probed() {
    // Nobody resolves www.example.org here: there is no name server.
    let mut second = Server::answering("HTTP/1.1 200 OK\r\n\r\n").await;
    let first = Server::answering(redirect(&format!("http://WWW.example.org:{}/x?y=1", second.address.port()))).await;
    let request = HttpRequest { host: format!("www.example.org:{}", first.address.port()), ..following(first.address, 1) };
    check(first.address, Protocol::Http(request), PATIENTLY, "HTTP status 200").await;
    let told = second.requests.recv().await.unwrap();
    assert!(told.starts_with("GET /x?y=1 HTTP/1.1\r\n") && told.contains("authorization: secret"), "{told}");
}

#[tokio::test]
async fn from_http_to_https_the_certificate_is_verified_and_back_down_nothing_is_followed() {
    let certificate = || Certificate::issued("www.example.org", 2000, 4000);
    let secured = Server::secured("HTTP/1.1 200 OK\r\n\r\n", certificate()).await;
    let up = Server::answering(redirect(&format!("https://www.example.org:{}/", secured.address.port()))).await;
    let request = |port| HttpRequest { host: format!("www.example.org:{port}"), ..following(up.address, 1) };
    let report = probe(up.address, Protocol::Http(request(up.address.port())), PATIENTLY).await;
    assert_eq!(summary(&report), "passed: connect status connect tls status", "{}", report.observation.outcome);
    assert!(report.certificate_not_after.is_some());
    let wrong = Server::secured("HTTP/1.1 200 OK\r\n\r\n", Certificate::issued("other.example.org", 2000, 4000)).await;
    let up = Server::answering(redirect(&format!("https://www.example.org:{}/", wrong.address.port()))).await;
    let report = probe(up.address, Protocol::Http(request(up.address.port())), PATIENTLY).await;
    assert_eq!(report.observation.outcome.code(), "certificate_invalid");

    let down = Server::secured(&redirect("http://www.example.org/"), certificate()).await;
    let protocol = Protocol::Https(request(down.address.port()), tls_options(Some("www.example.org"), true));
    let seen = "redirect not followed: \"http://www.example.org/\": it leads from https down to http";
    check(down.address, protocol, PATIENTLY, seen).await;
}

#[tokio::test]
async fn the_certificate_of_another_host_is_not_reported() {
    let names = Names::answering(|_| Some((0, vec![vec![127, 0, 0, 1]]))).await;
    let other = Server::secured("HTTP/1.1 200 OK\r\n\r\n", Certificate::issued("other.test", 2000, 4000)).await;
    let first = Server::answering(redirect(&format!("https://other.test:{}/", other.address.port()))).await;
    let trust = Trust::Only(vec![AUTHORITY.der().clone()]);
    let (prober, _) = Prober::new(trust, &NameServers::Only(vec![names.address]));
    let check = endpoint(named("127.0.0.1", first.address.port()), Protocol::Http(following(first.address, 1)), PATIENTLY);
    let report = prober.probe(&id(), &check).await;
    assert_eq!(report.observation.outcome.to_string(), "HTTP status 200");
    assert_eq!(report.certificate_not_after, None);
}
