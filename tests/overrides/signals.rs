//! Checks that are told, over HTTP: what their signals do to answers.

use super::*;

#[test]
fn a_signal_moves_answers_until_its_lease_ends() {
    let site = site("signal-moves");
    let mut server = site.serve();
    let (pages, mut client) = (Pages::of(&server), Client::new(server.dns));
    let mut answer = || last_octets(&client.ask(&query(&name("www"), RecordType::A)));
    assert_eq!((pages.health("queue-depth"), answer()), (("unknown".to_owned(), "no signal yet".to_owned()), vec![1]));
    let told = pages.signal("/v1/signals/queue-depth", "ALARM", None);
    assert_eq!(told, json!([{ "check": "queue-depth", "state": "ALARM", "until": null }]));
    assert_eq!(answer(), [2]);
    let because = "signal ALARM by somebody on this host: the test says so";
    assert_eq!(pages.health("queue-depth"), ("unhealthy".to_owned(), because.to_owned()));
    pages.signal("/v1/signals/queue-depth", "OK", None);
    assert_eq!(answer(), [1]);
    // The parents follow.
    assert_eq!(pages.status("both"), "unknown");
    pages.signal("/v1/signals?alarm=eu-central-1/errors", "OK", None);
    assert_eq!((pages.status("errors"), pages.status("both")), ("healthy".to_owned(), "healthy".to_owned()));
    pages.signal(
        "/v1/signals?control=arn:aws:route53-recovery-control::123456789012:controlpanel/1/routingcontrol/2",
        "OFF",
        None,
    );
    assert_eq!(pages.status("drill"), "unhealthy");
    // The check's own lease, and a longer one that is said.
    assert_eq!(pages.status("strict"), "unhealthy");
    pages.signal("/v1/signals/strict", "OK", None);
    let ended = server.process.await_event("health_transition", |line| line["check"] == "strict" && line["to"] == "unhealthy");
    assert!(ended["because"].as_str().unwrap().starts_with("the lease of the last signal ended at"), "{ended}");
    let until: Timestamp = pages.signal("/v1/signals/strict", "OK", Some("1h"))[0]["until"].as_str().unwrap().parse().unwrap();
    assert!(until.duration_since(clock::now()) > SignedDuration::from_mins(59));
    // What is only renewed is no news.
    let before = pages.audit().len();
    pages.signal("/v1/signals/strict", "OK", Some("2h"));
    assert_eq!(pages.audit().len(), before);
    pages.signal("/v1/signals/strict", "INSUFFICIENT", None);
    assert_eq!((pages.status("strict"), pages.audit().len()), ("unhealthy".to_owned(), before + 1));
    server.stop();
}

#[test]
fn checks_of_the_route53_api_are_told_by_alarm_and_by_routing_control() {
    let site = site("signal-route53");
    let server = site.serve();
    let (pages, api) = (Pages::of(&server), Api::new(server.http));
    let create = |reference: &str, config: &str| {
        let content = format!("<CallerReference>{reference}</CallerReference><HealthCheckConfig>{config}</HealthCheckConfig>");
        element(&api.ok("POST", "healthcheck", &root("CreateHealthCheck", &content)), "Id")
    };
    let alarm = "<Type>CLOUDWATCH_METRIC</Type><Inverted>true</Inverted><AlarmIdentifier><Region>eu-central-1</Region><Name>errors</Name></AlarmIdentifier>\
                 <InsufficientDataHealthStatus>Unhealthy</InsufficientDataHealthStatus>";
    let control = "<Type>RECOVERY_CONTROL</Type><RoutingControlArn>arn:aws:x</RoutingControlArn>";
    let (alarm, control) = (create("a", alarm), create("c", control));
    assert_eq!((pages.status(&alarm), pages.status(&control)), ("healthy".to_owned(), "unknown".to_owned()));
    // With the check of the file that goes by the same alarm.
    let told = pages.signal("/v1/signals?alarm=eu-central-1/errors", "OK", None);
    assert_eq!(told.as_array().unwrap().len(), 2);
    assert_eq!((pages.status(&alarm), pages.status("errors")), ("unhealthy".to_owned(), "healthy".to_owned()));
    pages.signal("/v1/signals?control=arn:aws:x", "OFF", None);
    assert_eq!(pages.status(&control), "unhealthy");
    pages.signal(&format!("/v1/signals/{control}"), "ON", None);
    assert_eq!(pages.status(&control), "healthy");
    assert!(
        !api.ok("GET", &format!("healthcheck/{control}/status"), "").contains("<HealthCheckObservation>"),
        "nothing is probed"
    );
    server.process.kill();
    let server = site.serve();
    let pages = Pages::of(&server);
    assert_eq!((pages.status(&alarm), pages.status(&control)), ("unhealthy".to_owned(), "healthy".to_owned()));
    server.stop();
}
