//! Health checks over the Route 53 API: what is accepted, what is shown, and what probes saw.

#[path = "route53/mod.rs"]
mod route53;

use std::time::Duration;

use jiff::SignedDuration;
use route53::{Api, check_request, element, elements};
use waypost::health::observation::{Failure, NotRun, Outcome, Passed};
use waypost::route53::records::rrset::Said;

const HTTP: &str = "<IPAddress>192.0.2.1</IPAddress><Port>80</Port><Type>HTTP</Type><ResourcePath>/</ResourcePath><FullyQualifiedDomainName>example.com</FullyQualifiedDomainName><RequestInterval>30</RequestInterval><FailureThreshold>3</FailureThreshold>";

/// The configuration that comes of creating a check with this one.
#[track_caller]
fn echo(config: &str) -> String {
    let created = Api::new().accepted("POST", "healthcheck", &check_request("one", config));
    element(&created, "HealthCheckConfig")
}

#[test]
fn the_check_of_every_tutorial_is_created_and_shown() {
    let mut api = Api::new();
    let created = api.accepted("POST", "healthcheck", &check_request("one", HTTP));
    let id = element(&created, "Id");
    let check = format!(
        "<Id>{id}</Id><CallerReference>one</CallerReference><HealthCheckConfig>{HTTP}<MeasureLatency>false</MeasureLatency><Inverted>false</Inverted><Disabled>false</Disabled><EnableSNI>false</EnableSNI></HealthCheckConfig><HealthCheckVersion>1</HealthCheckVersion>"
    );
    assert_eq!(created, format!("<CreateHealthCheckResponse><HealthCheck>{check}</HealthCheck></CreateHealthCheckResponse>"));
    assert_eq!(api.location, Some(format!("healthcheck/{id}")));
    assert_eq!(
        api.accepted("GET", &format!("healthcheck/{id}"), ""),
        format!("<GetHealthCheckResponse><HealthCheck>{check}</HealthCheck></GetHealthCheckResponse>")
    );
    assert_eq!(
        api.accepted("GET", "healthcheck", ""),
        format!(
            "<ListHealthChecksResponse><HealthChecks><HealthCheck>{check}</HealthCheck></HealthChecks><IsTruncated>false</IsTruncated><MaxItems>100</MaxItems></ListHealthChecksResponse>"
        )
    );
    assert_eq!(
        api.accepted("GET", "healthcheckcount", ""),
        "<GetHealthCheckCountResponse><HealthCheckCount>1</HealthCheckCount></GetHealthCheckCountResponse>"
    );
    assert_eq!(api.accepted("DELETE", &format!("healthcheck/{id}"), ""), "<DeleteHealthCheckResponse/>");
    let gone = format!("404 NoSuchHealthCheck: A health check with id {id} does not exist.");
    for path in ["", "/status", "/lastfailurereason"] {
        assert_eq!(api.refused("GET", &format!("healthcheck/{id}{path}"), ""), gone);
    }
    assert_eq!(api.refused("POST", &format!("healthcheck/{id}"), "<Port>81</Port>"), gone);
    assert_eq!(api.refused("DELETE", &format!("healthcheck/{id}"), ""), gone);
}

#[test]
fn each_type_is_shown_with_its_defaults() {
    let probed = "<RequestInterval>30</RequestInterval><FailureThreshold>3</FailureThreshold><MeasureLatency>false</MeasureLatency><Inverted>false</Inverted><Disabled>false</Disabled>";
    let plain = "<Inverted>false</Inverted><Disabled>false</Disabled>";
    let name = "<FullyQualifiedDomainName>a.example.com</FullyQualifiedDomainName>";
    let search = "<SearchString>it is up</SearchString>";
    let cases = [
        (
            format!("<Type>HTTP</Type>{name}"),
            format!("<Port>80</Port><Type>HTTP</Type>{name}{probed}<EnableSNI>false</EnableSNI>"),
        ),
        (
            format!("<Type>HTTPS</Type>{name}"),
            format!("<Port>443</Port><Type>HTTPS</Type>{name}{probed}<EnableSNI>true</EnableSNI>"),
        ),
        (
            format!("<Type>HTTPS_STR_MATCH</Type>{name}{search}<EnableSNI>false</EnableSNI>"),
            format!("<Port>443</Port><Type>HTTPS_STR_MATCH</Type>{name}{search}{probed}<EnableSNI>false</EnableSNI>"),
        ),
        (
            format!("<Type>HTTP_STR_MATCH</Type>{name}{search}"),
            format!("<Port>80</Port><Type>HTTP_STR_MATCH</Type>{name}{search}{probed}<EnableSNI>false</EnableSNI>"),
        ),
        (
            // IPv6 in full; an empty element is none.
            "<IPAddress>2001:4860:4860::8842</IPAddress><Port>53</Port><Type>TCP</Type><ResourcePath></ResourcePath>".to_owned(),
            format!(
                "<IPAddress>2001:4860:4860:0:0:0:0:8842</IPAddress><Port>53</Port><Type>TCP</Type>{probed}<EnableSNI>false</EnableSNI>"
            ),
        ),
        (
            "<Type>CALCULATED</Type><HealthThreshold>0</HealthThreshold>".to_owned(),
            format!("<Type>CALCULATED</Type>{plain}<HealthThreshold>0</HealthThreshold><ChildHealthChecks/>"),
        ),
        (
            "<Type>CLOUDWATCH_METRIC</Type><AlarmIdentifier><Region>us-east-1</Region><Name>a</Name></AlarmIdentifier>"
                .to_owned(),
            format!(
                "<Type>CLOUDWATCH_METRIC</Type>{plain}<AlarmIdentifier><Region>us-east-1</Region><Name>a</Name></AlarmIdentifier><InsufficientDataHealthStatus>LastKnownStatus</InsufficientDataHealthStatus>"
            ),
        ),
        (
            "<Type>RECOVERY_CONTROL</Type><RoutingControlArn>arn:aws:x</RoutingControlArn>".to_owned(),
            format!("<Type>RECOVERY_CONTROL</Type>{plain}<RoutingControlArn>arn:aws:x</RoutingControlArn>"),
        ),
    ];
    for (config, expected) in cases {
        assert_eq!(echo(&config), expected);
    }
}

#[test]
fn what_a_type_does_not_have_is_refused_in_the_words_of_aws() {
    let ip = "<IPAddress>198.51.100.7</IPAddress>";
    let cases = [
        (
            format!("{ip}<Type>HTTP</Type><AlarmIdentifier><Region>us-east-1</Region><Name>a</Name></AlarmIdentifier>"),
            "Invalid parameter : Basic health checks must not have an metric region specified.",
        ),
        (
            format!("{ip}<Type>HTTP</Type><InsufficientDataHealthStatus>Healthy</InsufficientDataHealthStatus>"),
            "Invalid parameter : Basic health checks must not have an insufficient data health state specified.",
        ),
        (
            format!("{ip}<Port>1</Port><Type>TCP</Type><ResourcePath>/</ResourcePath>"),
            "TCP health checks must not have a resource path specified.",
        ),
        (
            format!("{ip}<Port>1</Port><Type>TCP</Type><FullyQualifiedDomainName>a.example</FullyQualifiedDomainName>"),
            "TCP health checks that have IP address must not have a fully qualified domain name specified.",
        ),
        (
            "<Type>CALCULATED</Type><HealthThreshold>1</HealthThreshold><FailureThreshold>3</FailureThreshold>".to_owned(),
            "Calculated health checks must not have a failure threshold specified.",
        ),
        (format!("{ip}<Type>TCP</Type>"), "TCP health checks must have a port specified."),
        (
            format!("{ip}<Type>HTTP_STR_MATCH</Type>"),
            "Invalid parameter : Basic health checks must have a search string specified.",
        ),
        (
            format!("{ip}<Type>HTTPS</Type><SearchString>x</SearchString>"),
            "Invalid parameter : Basic health checks must not have a search string specified.",
        ),
        ("<Type>CALCULATED</Type>".to_owned(), "Calculated health checks must have a health threshold specified."),
        (
            "<Type>HTTP</Type>".to_owned(),
            "Invalid parameter : Basic health checks must have an IP address or a fully qualified domain name specified.",
        ),
        (
            "<Type>HTTP</Type><FullyQualifiedDomainName>a b</FullyQualifiedDomainName>".to_owned(),
            "Invalid parameter : The fully qualified domain name a b is not valid.",
        ),
        (
            format!("{ip}<Type>HTTP</Type><ResourcePath>/ HTTP/1.1</ResourcePath>"),
            "Invalid parameter : The resource path / HTTP/1.1 is not valid.",
        ),
        (
            "<Type>CALCULATED</Type><HealthThreshold>1</HealthThreshold><ChildHealthChecks><ChildHealthCheck>x</ChildHealthCheck></ChildHealthChecks>"
                .to_owned(),
            "Invalid parameter : The child health check x does not exist.",
        ),
        (
            format!("{ip}<Type>HTTP</Type><RequestInterval>3601</RequestInterval>"),
            "Invalid parameter : The request interval 3601 is not valid. Valid values are 1 to 3600 seconds.",
        ),
        (
            "<Type>RECOVERY_CONTROL</Type>".to_owned(),
            "Invalid parameter : Recovery control health checks must have a routing control ARN specified.",
        ),
    ];
    for (config, expected) in cases {
        let refused = Api::new().refused("POST", "healthcheck", &check_request("one", &config));
        assert_eq!(refused, format!("400 InvalidInput: {expected}"), "{config}");
    }
    let unknown = Api::new().refused("POST", "healthcheck", &check_request("one", "<Type>PING</Type>"));
    assert!(unknown.starts_with("400 InvalidInput: Invalid XML ; "), "{unknown}");
}

#[test]
fn only_strict_rules_refuse_what_protects_aws() {
    let check = |address: &str, interval: u32| {
        let config = format!("<IPAddress>{address}</IPAddress><Type>HTTP</Type><RequestInterval>{interval}</RequestInterval>");
        check_request(&format!("{address} {interval}"), &config)
    };
    for address in ["10.1.2.3", "127.0.0.1", "192.0.2.1", "100.64.0.1", "::1", "fd00::1", "2001:db8::1"] {
        Api::new().accepted("POST", "healthcheck", &check(address, 1));
        let refused = Api::strict().refused("POST", "healthcheck", &check(address, 30));
        assert!(refused.ends_with("in a local, private, nonroutable or multicast range, which can't be checked."), "{refused}");
    }
    Api::strict().accepted("POST", "healthcheck", &check("8.8.8.8", 10));
    assert_eq!(
        Api::strict().refused("POST", "healthcheck", &check("8.8.8.8", 20)),
        "400 InvalidInput: Invalid parameter : The request interval 20 is not valid. Valid values are 10 or 30 seconds."
    );
    let mut api = Api::strict();
    (0..200).for_each(|at| drop(api.create_check(&at.to_string(), "<IPAddress>8.8.8.8</IPAddress><Type>HTTP</Type>")));
    assert_eq!(
        api.refused("POST", "healthcheck", &check("8.8.8.8", 30)),
        "400 TooManyHealthChecks: The limit of 200 health checks has been reached."
    );
}

#[test]
fn a_caller_reference_makes_one_check_for_ever() {
    let mut api = Api::new();
    let created = api.accepted("POST", "healthcheck", &check_request("one", HTTP));
    // The same again, said with its defaults: the same check.
    let again = HTTP.to_owned() + "<Inverted>false</Inverted>";
    assert_eq!(api.accepted("POST", "healthcheck", &check_request("one", &again)), created);
    let exists =
        "409 HealthCheckAlreadyExists: A health check with the caller reference one has already been created.".to_owned();
    let other = HTTP.to_owned() + "<Inverted>true</Inverted>";
    assert_eq!(api.refused("POST", "healthcheck", &check_request("one", &other)), exists);
    api.accepted("DELETE", &format!("healthcheck/{}", element(&created, "Id")), "");
    assert_eq!(api.refused("POST", "healthcheck", &check_request("one", HTTP)), exists);
    api.accepted("POST", "healthcheck", &check_request("two", HTTP));
}

#[test]
fn an_update_changes_what_it_says_and_resets_what_it_names() {
    let mut api = Api::new();
    let id = api.create_check("one", HTTP);
    let path = format!("healthcheck/{id}");
    let updated =
        api.accepted("POST", &path, "<HealthCheckVersion>1</HealthCheckVersion><Port>8080</Port><Inverted>true</Inverted>");
    assert!(updated.starts_with("<UpdateHealthCheckResponse><HealthCheck><Id>"), "{updated}");
    let config = element(&updated, "HealthCheckConfig");
    assert_eq!((element(&updated, "HealthCheckVersion"), element(&config, "Port")), ("2".to_owned(), "8080".to_owned()));
    assert_eq!((element(&config, "Inverted"), element(&config, "ResourcePath")), ("true".to_owned(), "/".to_owned()));
    assert_eq!(
        api.refused("POST", &path, "<HealthCheckVersion>1</HealthCheckVersion><Port>81</Port>"),
        format!(
            "409 HealthCheckVersionMismatch: The health check version 1 doesn't match the current version 2 of the health check {id}."
        )
    );
    let reset = "<ResetElements><ResettableElementName>ResourcePath</ResettableElementName><ResettableElementName>FullyQualifiedDomainName</ResettableElementName></ResetElements>";
    let config = element(&api.accepted("POST", &path, reset), "HealthCheckConfig");
    assert!(!config.contains("ResourcePath") && !config.contains("FullyQualifiedDomainName"), "{config}");
    let named = api.create_check("two", "<FullyQualifiedDomainName>a.example</FullyQualifiedDomainName><Type>HTTP</Type>");
    let path = format!("healthcheck/{named}");
    assert_eq!(
        api.refused("POST", &path, "<IPAddress>192.0.2.1</IPAddress>"),
        "400 InvalidInput: Invalid parameter : An IP address can't be added to a health check that was created without one."
    );
    assert_eq!(
        api.refused("POST", &path, reset),
        "400 InvalidInput: Invalid parameter : Basic health checks must have an IP address or a fully qualified domain name specified."
    );
}

fn calculated(children: &[&String]) -> String {
    let children: String = children.iter().map(|child| format!("<ChildHealthCheck>{child}</ChildHealthCheck>")).collect();
    format!("<Type>CALCULATED</Type><HealthThreshold>1</HealthThreshold><ChildHealthChecks>{children}</ChildHealthChecks>")
}

#[test]
fn calculated_checks_nest_but_never_in_a_circle() {
    let mut api = Api::new();
    let leaf = api.create_check("leaf", HTTP);
    let middle = api.create_check("middle", &calculated(&[&leaf]));
    let top = api.create_check("top", &calculated(&[&middle, &leaf]));
    let children = |child: &str| format!("<ChildHealthChecks><ChildHealthCheck>{child}</ChildHealthCheck></ChildHealthChecks>");
    for child in [&top, &middle] {
        assert_eq!(
            api.refused("POST", &format!("healthcheck/{middle}"), &children(child)),
            format!("400 InvalidInput: Invalid parameter : The health check would depend on itself, by its child {child}.")
        );
    }
    let twice = check_request("twice", &calculated(&[&leaf, &leaf]));
    assert_eq!(
        api.refused("POST", "healthcheck", &twice),
        format!("400 InvalidInput: Invalid parameter : The child health check {leaf} is specified more than once.")
    );
    api.settings.rules.strict = true;
    assert_eq!(
        api.refused("POST", "healthcheck", &check_request("more", &calculated(&[&middle]))),
        format!(
            "400 InvalidInput: Invalid parameter : The child health check {middle} is a calculated health check, which can't be the child of another."
        )
    );
}

#[test]
fn a_check_in_use_is_not_deleted() {
    let mut api = Api::new();
    let zone = api.zone("example.org");
    let (leaf, free) = (api.create_check("leaf", HTTP), api.create_check("free", HTTP));
    let parent = api.create_check("parent", &calculated(&[&leaf]));
    assert_eq!(
        api.refused("DELETE", &format!("healthcheck/{leaf}"), ""),
        format!("400 HealthCheckInUse: The health check {leaf} is in use by the calculated health check {parent}.")
    );
    api.put_rrset(&zone, primary("www.example.org.", "192.0.2.1", &free));
    assert_eq!(
        api.refused("DELETE", &format!("healthcheck/{free}"), ""),
        format!("400 HealthCheckInUse: The health check {free} is in use by the record set www.example.org. A.")
    );
    api.accepted("DELETE", &format!("healthcheck/{parent}"), "");
    api.accepted("DELETE", &format!("healthcheck/{leaf}"), "");
}

fn primary(name: &str, value: &str, check: &str) -> Said {
    Said {
        name: name.to_owned(),
        kind: "A".to_owned(),
        ttl: Some(60),
        values: vec![value.to_owned()],
        set_identifier: Some("primary".to_owned()),
        failover: Some("PRIMARY".to_owned()),
        health_check_id: Some(check.to_owned()),
        ..Said::default()
    }
}

#[test]
fn lists_have_pages() {
    let mut api = Api::new();
    let mut ids: Vec<String> = (0..5).map(|at| api.create_check(&at.to_string(), HTTP)).collect();
    ids.sort();
    let page = api.accepted("GET", "healthcheck?maxitems=2", "");
    assert_eq!(elements(&page, "Id"), ids[..2]);
    assert!(page.ends_with(&format!(
        "</HealthChecks><IsTruncated>true</IsTruncated><NextMarker>{}</NextMarker><MaxItems>2</MaxItems></ListHealthChecksResponse>",
        ids[2]
    )));
    let page = api.accepted("GET", &format!("healthcheck?marker={}", ids[2]), "");
    assert_eq!(elements(&page, "Id"), ids[2..]);
    assert!(page.contains(&format!("<Marker>{}</Marker><IsTruncated>false</IsTruncated><MaxItems>100</MaxItems>", ids[2])));
}

#[test]
fn status_and_last_failure_are_what_probes_saw() {
    let mut api = Api::new();
    let id = api.create_check("one", HTTP);
    let observed = |api: &mut Api, page: &str| api.accepted("GET", &format!("healthcheck/{id}/{page}"), "");
    assert_eq!(
        observed(&mut api, "status"),
        "<GetHealthCheckStatusResponse><HealthCheckObservations/></GetHealthCheckStatusResponse>"
    );
    let report = |status: &str, api: &Api| {
        let at = api.now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
        format!(
            "<HealthCheckObservations><HealthCheckObservation><Region>us-east-1</Region><IPAddress>127.0.0.1</IPAddress><StatusReport><Status>{status}</Status><CheckedTime>{at}</CheckedTime></StatusReport></HealthCheckObservation></HealthCheckObservations>"
        )
    };
    let cases: [(Outcome, &str); 5] = [
        (Failure::Refused.into(), "Failure: Connection refused"),
        (Failure::BadStatus(503).into(), "Failure: HTTP Status Code 503, Service Unavailable"),
        (
            Failure::ConnectTimeout(Duration::from_secs(4)).into(),
            "Failure: Connection timed out. The endpoint or the internet connection is down, or requests are being blocked by your firewall. See https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-router-firewall-rules.html",
        ),
        (Outcome::Passed(Passed::Connected), "Success: TCP connection established"),
        (Outcome::Passed(Passed::Status(200)), "Success: HTTP Status Code 200, OK"),
    ];
    let mut last_failure = String::new();
    for (outcome, status) in cases {
        let failed = outcome.passed() == Some(false);
        api.probed(&id, outcome);
        let expected = report(status, &api);
        if failed {
            last_failure = expected.clone();
        }
        assert_eq!(
            observed(&mut api, "status"),
            format!("<GetHealthCheckStatusResponse>{expected}</GetHealthCheckStatusResponse>")
        );
        // It outlives the recovery.
        assert_eq!(
            observed(&mut api, "lastfailurereason"),
            format!("<GetHealthCheckLastFailureReasonResponse>{last_failure}</GetHealthCheckLastFailureReasonResponse>")
        );
    }
    // A probe that could not be made says nothing of the endpoint; a change of the threshold changes nothing of it.
    let before = observed(&mut api, "status");
    api.probed(&id, NotRun::Impossible("no reason".into()));
    api.accepted("POST", &format!("healthcheck/{id}"), "<FailureThreshold>1</FailureThreshold>");
    assert_eq!(observed(&mut api, "status"), before);
    // Another endpoint has been seen by nobody.
    api.accepted("POST", &format!("healthcheck/{id}"), "<Port>81</Port>");
    assert!(observed(&mut api, "status").contains("<HealthCheckObservations/>"));
}

#[test]
fn checkers_are_this_server() {
    assert_eq!(
        Api::new().accepted("GET", "checkeripranges", ""),
        "<GetCheckerIpRangesResponse><CheckerIpRanges><member>127.0.0.0/8</member><member>::1/128</member></CheckerIpRanges></GetCheckerIpRangesResponse>"
    );
}

#[test]
fn a_test_query_is_answered_as_a_client_is() {
    let mut api = Api::new();
    let zone = api.zone("example.org");
    let check = api.create_check("one", HTTP.replace("<FailureThreshold>3", "<FailureThreshold>1").as_str());
    api.put_rrset(&zone, primary("www.example.org.", "192.0.2.1", &check));
    let secondary = Said {
        set_identifier: Some("secondary".to_owned()),
        failover: Some("SECONDARY".to_owned()),
        health_check_id: None,
        ..primary("www.example.org.", "192.0.2.2", &check)
    };
    api.put_rrset(&zone, secondary);
    let ask = |api: &mut Api, query: &str| api.accepted("GET", &format!("testdnsanswer?hostedzoneid={zone}&{query}"), "");
    let answered = |name: &str, kind: &str, data: &str, code: &str| {
        format!(
            "<TestDNSAnswerResponse><Nameserver>ns1.waypost.invalid</Nameserver><RecordName>{name}</RecordName><RecordType>{kind}</RecordType>{data}<ResponseCode>{code}</ResponseCode><Protocol>UDP</Protocol></TestDNSAnswerResponse>"
        )
    };
    let entry = |data: &str| format!("<RecordData><RecordDataEntry>{data}</RecordDataEntry></RecordData>");
    let www = "recordname=www.example.org&recordtype=A";
    assert_eq!(ask(&mut api, www), answered("www.example.org", "A", &entry("192.0.2.1"), "NOERROR"));
    api.probed(&check, Failure::Refused);
    assert_eq!(ask(&mut api, www), answered("www.example.org", "A", &entry("192.0.2.2"), "NOERROR"));
    assert_eq!(
        ask(&mut api, "recordname=example.org&recordtype=SOA"),
        answered(
            "example.org",
            "SOA",
            &entry("ns1.waypost.invalid. hostmaster.example.org. 1 7200 900 1209600 86400"),
            "NOERROR"
        )
    );
    assert_eq!(
        ask(&mut api, "recordname=none.example.org&recordtype=A"),
        answered("none.example.org", "A", "<RecordData/>", "NXDOMAIN")
    );
    assert_eq!(
        ask(&mut api, "recordname=www.example.org&recordtype=TXT"),
        answered("www.example.org", "TXT", "<RecordData/>", "NOERROR")
    );
}

#[test]
fn a_test_query_has_the_identity_that_it_is_given() {
    let mut api = Api::new();
    let zone = api.zone("example.org");
    let request = "<Name>c</Name><CallerReference>c</CallerReference>";
    let collection = element(&api.accepted("POST", "cidrcollection", request), "Id");
    let put = |location: &str, block: &str| {
        format!(
            "<Changes><member><LocationName>{location}</LocationName><Action>PUT</Action><CidrList><Cidr>{block}</Cidr></CidrList></member></Changes>"
        )
    };
    let path = format!("cidrcollection/{collection}");
    api.accepted("POST", &path, &put("fra", "203.0.113.0/24"));
    for (location, value) in [("fra", "192.0.2.1"), ("*", "192.0.2.2")] {
        api.put_rrset(&zone, routed("ip.example.org.", value, &collection, location));
    }
    let ask = |api: &mut Api, who: &str| {
        let query = format!("testdnsanswer?hostedzoneid=/hostedzone/{zone}&recordname=ip.example.org.&recordtype=A{who}");
        element(&api.accepted("GET", &query, ""), "RecordDataEntry")
    };
    let cases = [
        ("", "192.0.2.2"),
        ("&resolverip=203.0.113.9", "192.0.2.1"),
        ("&resolverip=203.0.113.9&edns0clientsubnetip=198.51.100.1", "192.0.2.2"),
        ("&edns0clientsubnetip=203.0.113.77", "192.0.2.1"),
        ("&edns0clientsubnetip=203.0.113.77&edns0clientsubnetmask=32", "192.0.2.1"),
        // Wider than the block.
        ("&edns0clientsubnetip=203.0.113.77&edns0clientsubnetmask=16", "192.0.2.2"),
    ];
    for (who, expected) in cases {
        assert_eq!(ask(&mut api, who), expected, "{who}");
    }
    // A change of the collection is served at once.
    api.accepted("POST", &path, &put("fra", "198.51.100.0/24"));
    assert_eq!(ask(&mut api, "&edns0clientsubnetip=198.51.100.1"), "192.0.2.1");
    let delete = put("fra", "203.0.113.0/24").replace("PUT", "DELETE_IF_EXISTS");
    api.accepted("POST", &path, &delete);
    assert_eq!(ask(&mut api, "&resolverip=203.0.113.9"), "192.0.2.2");
    // The last block of a location that is named stays, and so does the collection.
    let delete = put("fra", "198.51.100.0/24").replace("PUT", "DELETE_IF_EXISTS");
    assert_eq!(
        api.refused("POST", &path, &delete),
        "400 CidrBlockInUseException: The last CIDR block of the location fra is in use by the record set ip.example.org."
    );
}

fn routed(name: &str, value: &str, collection: &str, location: &str) -> Said {
    let config = waypost::route53::records::rrset::CidrRoutingConfig {
        collection_id: collection.to_owned(),
        location_name: location.to_owned(),
    };
    Said {
        name: name.to_owned(),
        kind: "A".to_owned(),
        ttl: Some(60),
        values: vec![value.to_owned()],
        set_identifier: Some(location.to_owned()),
        cidr_routing_config: Some(config),
        ..Said::default()
    }
}

#[test]
fn a_test_query_that_cannot_be_is_refused() {
    let mut api = Api::new();
    let zone = api.zone("example.org");
    api.now += SignedDuration::from_secs(1);
    let younger = api.zone("example.org");
    let private = element(
        &api.accepted(
            "POST",
            "hostedzone",
            "<Name>example.org</Name><VPC><VPCRegion>us-east-1</VPCRegion><VPCId>vpc-1</VPCId></VPC><CallerReference>p</CallerReference>",
        ),
        "Id",
    );
    let cases = [
        ("Z9", "recordname=example.org&recordtype=A", "404 NoSuchHostedZone: No hosted zone found with ID: Z9".to_owned()),
        (
            &zone,
            "recordname=example.net&recordtype=A",
            "400 InvalidInput: The record name is not in the hosted zone example.org.".to_owned(),
        ),
        (
            &zone,
            "recordname=example.org&recordtype=A&edns0clientsubnetip=192.0.2.1&edns0clientsubnetmask=33",
            "400 InvalidInput: The subnet mask 33 is not valid: it must be between 0 and 32.".to_owned(),
        ),
        (
            &private,
            "recordname=example.org&recordtype=A",
            "400 InvalidInput: TestDNSAnswer supports public hosted zones only.".to_owned(),
        ),
        (
            &younger,
            "recordname=example.org&recordtype=A",
            format!("400 InvalidInput: The hosted zone {younger} is not served: an older one has the same name, example.org."),
        ),
        (
            &zone,
            "recordname=example.org",
            "400 InvalidInput: 1 validation error detected: Value null at 'recordType' failed to satisfy constraint: Member must not be null".to_owned(),
        ),
    ];
    for (zone, query, expected) in cases {
        assert_eq!(api.refused("GET", &format!("testdnsanswer?hostedzoneid={zone}&{query}"), ""), expected);
    }
}

#[test]
fn a_long_answer_is_told_over_tcp() {
    let mut api = Api::new();
    let zone = api.zone("example.org");
    let values: Vec<String> = (0..100).map(|at| format!("\"{at:03}{}\"", "x".repeat(100))).collect();
    let said = Said {
        name: "long.example.org.".to_owned(),
        kind: "TXT".to_owned(),
        ttl: Some(60),
        values: values.clone(),
        ..Said::default()
    };
    api.put_rrset(&zone, said);
    let told = api.accepted("GET", &format!("testdnsanswer?hostedzoneid={zone}&recordname=long.example.org&recordtype=TXT"), "");
    assert_eq!(element(&told, "Protocol"), "TCP");
    // Answers rotate.
    let mut shown: Vec<String> = elements(&told, "RecordDataEntry").iter().map(|entry| entry.replace("&quot;", "\"")).collect();
    shown.sort();
    assert!(shown == values);
}
