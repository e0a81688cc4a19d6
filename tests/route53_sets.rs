//! Delegation sets, query logging, networks of private zones, signing keys and features through the Route 53 API: what is
//! kept, said and refused.

#[path = "route53/mod.rs"]
mod route53;

use route53::{Api, element, root};
use waypost::route53::account::edit::Record;

const KMS: &str = "arn:aws:kms:us-east-1:123456789012:key/1111";
const LOGS: &str = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/route53/example.org";

fn delegation_set(reference: &str, zone: &str) -> String {
    let zone = if zone.is_empty() { String::new() } else { format!("<HostedZoneId>{zone}</HostedZoneId>") };
    root("CreateReusableDelegationSet", &format!("<CallerReference>{reference}</CallerReference>{zone}"))
}

#[test]
fn a_delegation_set_is_made_shared_and_deleted() {
    let mut api = Api::new();
    let made = api.ok("POST", "delegationset", &delegation_set("one", ""));
    let id = element(&made, "Id").trim_start_matches("/delegationset/").to_owned();
    let servers =
        "<NameServers><NameServer>ns1.waypost.invalid</NameServer><NameServer>ns2.waypost.invalid</NameServer></NameServers>";
    let set =
        format!("<DelegationSet><Id>/delegationset/{id}</Id><CallerReference>one</CallerReference>{servers}</DelegationSet>");
    assert_eq!(made, set);
    assert!(id.starts_with('N'), "{id}");
    assert_eq!(api.ok("GET", &format!("delegationset/{id}"), ""), set);
    let listed = format!(
        "<DelegationSets>{set}</DelegationSets><Marker></Marker><IsTruncated>false</IsTruncated><MaxItems>100</MaxItems>"
    );
    assert_eq!(api.ok("GET", "delegationset", ""), listed);
    let zone = "<Name>example.org</Name><CallerReference>z</CallerReference>";
    let zone = api.ok("POST", "hostedzone", &root("CreateHostedZone", &format!("{zone}<DelegationSetId>{id}</DelegationSetId>")));
    assert!(zone.contains(&set), "{zone}");
    let zone = element(&zone, "Id").trim_start_matches("/hostedzone/").to_owned();
    let refused = api.refused("DELETE", &format!("delegationset/{id}"), "");
    assert_eq!(refused, format!("400 DelegationSetInUse: The delegation set {id} is in use by the hosted zone {zone}."));
    api.ok("DELETE", &format!("hostedzone/{zone}"), "");
    assert_eq!(api.ok("DELETE", &format!("delegationset/{id}"), ""), "");
    assert_eq!(
        api.refused("GET", &format!("delegationset/{id}"), ""),
        format!("400 NoSuchDelegationSet: No delegation set found with ID: {id}")
    );
    assert!(api.refused("DELETE", &format!("delegationset/{id}"), "").starts_with("400 NoSuchDelegationSet"));
}

#[test]
fn the_name_servers_of_a_zone_become_a_set() {
    let mut api = Api::new();
    let zone = api.zone("example.org");
    api.settings.name_servers = vec!["other.example.".to_owned()];
    let made = api.ok("POST", "delegationset", &delegation_set("one", &format!("/hostedzone/{zone}")));
    assert_eq!(element(&made, "NameServer"), "ns1.waypost.invalid");
    let id = element(&made, "Id").to_owned();
    assert!(api.ok("GET", &format!("hostedzone/{zone}"), "").contains(&format!("<DelegationSet><Id>{id}</Id>")));
    let refused =
        |api: &mut Api, reference: &str, zone: &str| api.refused("POST", "delegationset", &delegation_set(reference, zone));
    assert_eq!(
        refused(&mut api, "one", ""),
        "400 DelegationSetAlreadyCreated: A delegation set with the same owner and caller reference combination has already been created."
    );
    assert!(refused(&mut api, "two", &zone).starts_with("400 DelegationSetAlreadyReusable: "));
    assert_eq!(refused(&mut api, "two", "Z0"), "400 HostedZoneNotFound: The specified HostedZone can't be found: Z0");
    let private = api.private_zone("example.net", "us-east-1", "vpc-1");
    assert!(refused(&mut api, "two", &private).starts_with("400 InvalidArgument: "));
    api.settings.rules.strict = true;
    (0..99).for_each(|number| drop(api.ok("POST", "delegationset", &delegation_set(&format!("more {number}"), ""))));
    assert!(refused(&mut api, "too many", "").starts_with("400 LimitsExceeded: "));
    let page = api.ok("GET", "delegationset?maxitems=60", "");
    assert_eq!((page.matches("<DelegationSet>").count(), element(&page, "IsTruncated")), (60, "true".into()));
    let page = api.ok("GET", &format!("delegationset?marker={}", element(&page, "NextMarker")), "");
    assert_eq!((page.matches("<DelegationSet>").count(), element(&page, "IsTruncated")), (40, "false".into()));
    assert!(api.refused("GET", "delegationset?marker=N0", "").starts_with("400 InvalidInput: "));
}

fn query_log(zone: &str, arn: &str) -> String {
    let arn = format!("<CloudWatchLogsLogGroupArn>{arn}</CloudWatchLogsLogGroupArn>");
    root("CreateQueryLoggingConfig", &format!("<HostedZoneId>{zone}</HostedZoneId>{arn}"))
}

#[test]
fn query_logging_is_configured_once_for_a_public_zone() {
    let mut api = Api::new();
    let zone = api.zone("example.org");
    let made = api.ok("POST", "queryloggingconfig", &query_log(&zone, LOGS));
    let id = element(&made, "Id").to_owned();
    let config = format!(
        "<QueryLoggingConfig><Id>{id}</Id><HostedZoneId>{zone}</HostedZoneId><CloudWatchLogsLogGroupArn>{LOGS}</CloudWatchLogsLogGroupArn></QueryLoggingConfig>"
    );
    assert_eq!(made, config);
    assert_eq!(api.ok("GET", &format!("queryloggingconfig/{id}"), ""), config);
    assert_eq!(api.ok("GET", "queryloggingconfig", ""), format!("<QueryLoggingConfigs>{config}</QueryLoggingConfigs>"));
    let again = api.refused("POST", "queryloggingconfig", &query_log(&zone, LOGS));
    assert_eq!(again, "409 QueryLoggingConfigAlreadyExists: A query logging configuration already exists for this hosted zone.");
    for arn in [
        "x",
        "arn:aws:logs:eu-west-1:123456789012:log-group:x",
        "arn:aws:logs:us-east-1:12:log-group:x",
        "arn:aws:logs:us-east-1:123456789012:log-group:",
        "arn:aws:logs:us-east-1:123456789012:log-group:a b",
        "arn:aws:logs:us-east-1:123456789012:stream:x",
    ] {
        let refused = api.refused("POST", "queryloggingconfig", &query_log(&zone, arn));
        assert_eq!(refused, "400 InvalidInput: The ARN for the CloudWatch Logs log group is invalid", "{arn}");
    }
    let private = api.private_zone("example.net", "us-east-1", "vpc-1");
    assert!(api.refused("POST", "queryloggingconfig", &query_log(&private, LOGS)).starts_with("400 InvalidInput: Query logging"));
    assert_eq!(
        api.refused("POST", "queryloggingconfig", &query_log("Z0", LOGS)),
        "404 NoSuchHostedZone: No hosted zone found with ID: Z0"
    );
    assert_eq!(api.ok("GET", &format!("queryloggingconfig?hostedzoneid={private}"), ""), "<QueryLoggingConfigs/>");
    assert!(api.refused("GET", "queryloggingconfig?hostedzoneid=Z0", "").starts_with("404 NoSuchHostedZone"));
    assert!(api.refused("GET", "queryloggingconfig?nexttoken=x", "").starts_with("400 InvalidPaginationToken"));
    let other = api.zone("example.com");
    api.ok("POST", "queryloggingconfig", &query_log(&other, &format!("{LOGS}:*")));
    let page = api.ok("GET", "queryloggingconfig?maxresults=1", "");
    let rest = api.ok("GET", &format!("queryloggingconfig?nexttoken={}", element(&page, "NextToken")), "");
    assert_eq!((page.matches("<Id>").count(), rest.matches("<Id>").count(), rest.contains("NextToken")), (1, 1, false));
    assert_eq!(api.ok("DELETE", &format!("queryloggingconfig/{id}"), ""), "");
    let gone = "404 NoSuchQueryLoggingConfig: The query logging configuration does not exist.";
    assert_eq!(api.refused("DELETE", &format!("queryloggingconfig/{id}"), ""), gone);
    assert_eq!(api.refused("GET", &format!("queryloggingconfig/{id}"), ""), gone);
    // A zone takes its configuration with it.
    api.ok("DELETE", &format!("hostedzone/{other}"), "");
    assert_eq!(api.ok("GET", "queryloggingconfig", ""), "<QueryLoggingConfigs/>");
}

fn vpc(operation: &str, region: &str, id: &str) -> String {
    root(operation, &format!("<VPC><VPCRegion>{region}</VPCRegion><VPCId>{id}</VPCId></VPC>"))
}

#[test]
fn networks_are_associated_with_private_zones() {
    let mut api = Api::new();
    let zone = api.private_zone("example.org", "us-east-1", "vpc-1");
    let (on, off) = (format!("hostedzone/{zone}/associatevpc"), format!("hostedzone/{zone}/disassociatevpc"));
    let associate = |region: &str, id: &str| vpc("AssociateVPCWithHostedZone", region, id);
    let disassociate = |region: &str, id: &str| vpc("DisassociateVPCFromHostedZone", region, id);
    let with_comment = associate("eu-west-1", "vpc-2").replace("</VPC>", "</VPC><Comment>why</Comment>");
    let change = api.ok("POST", &on, &with_comment);
    let id = element(&change, "Id");
    assert_eq!(
        change,
        format!(
            "<ChangeInfo><Id>{id}</Id><Status>INSYNC</Status><SubmittedAt>2026-01-02T03:04:05.678Z</SubmittedAt><Comment>why</Comment></ChangeInfo>"
        )
    );
    let shown = api.ok("GET", &format!("hostedzone/{zone}"), "");
    assert!(shown.contains("<VPC><VPCRegion>eu-west-1</VPCRegion><VPCId>vpc-2</VPCId></VPC></VPCs>"), "{shown}");
    let listed = api.ok("GET", "hostedzonesbyvpc?vpcid=vpc-2&vpcregion=eu-west-1", "");
    assert_eq!(
        listed,
        format!(
            "<HostedZoneSummaries><HostedZoneSummary><HostedZoneId>{zone}</HostedZoneId><Name>example.org.</Name><Owner><OwningAccount>000000000000</OwningAccount></Owner></HostedZoneSummary></HostedZoneSummaries><MaxItems>100</MaxItems>"
        )
    );
    let nobody = api.ok("GET", "hostedzonesbyvpc?vpcid=vpc-2&vpcregion=us-east-1", "");
    assert_eq!(nobody, "<HostedZoneSummaries/><MaxItems>100</MaxItems>");
    assert!(
        api.refused("GET", "hostedzonesbyvpc?vpcid=v&vpcregion=us-east-1&nexttoken=x", "")
            .starts_with("400 InvalidPaginationToken")
    );
    assert!(api.refused("GET", "hostedzonesbyvpc?vpcid=v", "").starts_with("400 InvalidInput"));
    assert_eq!(
        api.refused("POST", &on, &associate("eu-west-1", "vpc-2")),
        format!(
            "400 ConflictingDomainExists: The VPC vpc-2 in region eu-west-1 has already been associated with the hosted zone {zone} with the same domain name."
        )
    );
    let second = api.private_zone("example.org", "us-east-1", "vpc-3");
    assert!(
        api.refused("POST", &format!("hostedzone/{second}/associatevpc"), &associate("us-east-1", "vpc-1"))
            .starts_with("400 ConflictingDomainExists")
    );
    assert_eq!(
        api.refused("POST", &off, &disassociate("us-east-1", "vpc-2")),
        format!("404 VPCAssociationNotFound: The VPC vpc-2 in region us-east-1 is not associated with the hosted zone {zone}.")
    );
    assert!(api.ok("POST", &off, &disassociate("us-east-1", "vpc-1")).contains("INSYNC"));
    assert!(api.refused("POST", &off, &disassociate("eu-west-1", "vpc-2")).starts_with("400 LastVPCAssociation: "));
    let twin = "<Name>example.org</Name><CallerReference>twin</CallerReference><VPC><VPCRegion>us-east-1</VPCRegion><VPCId>vpc-3</VPCId></VPC>";
    let refused = api.refused("POST", "hostedzone", &root("CreateHostedZone", twin));
    assert!(refused.starts_with("400 ConflictingDomainExists: The VPC vpc-3 "), "{refused}");
    let refused = api.refused("POST", "hostedzone", &root("CreateHostedZone", &twin.replace("vpc-3", "")));
    assert!(refused.starts_with("400 InvalidVPCId: "), "{refused}");
    let public = api.zone("example.net");
    assert!(
        api.refused("POST", &format!("hostedzone/{public}/associatevpc"), &associate("us-east-1", "vpc-1"))
            .starts_with("400 PublicZoneVPCAssociation: ")
    );
    assert!(api.refused("POST", &on, &root("AssociateVPCWithHostedZone", "<VPC/>")).starts_with("400 InvalidVPCId: "));
    assert!(api.refused("POST", &on, &associate("moon-1", "vpc-1")).starts_with("400 InvalidInput: Invalid XML"));
    assert!(
        api.refused("POST", "hostedzone/Z0/associatevpc", &associate("us-east-1", "vpc-1")).starts_with("404 NoSuchHostedZone")
    );
    api.settings.rules.strict = true;
    assert!(api.refused("POST", &on, &associate("us-east-1", "vpc-9")).starts_with("400 InvalidVPCId: "));
    api.ok("POST", &on, &associate("us-east-1", "vpc-0123456789abcdef0"));
    // Nobody learns of a private zone.
    assert_eq!(api.dig("example.org.", "SOA"), ["REFUSED"]);
}

#[test]
fn associations_are_authorized_in_a_list() {
    let mut api = Api::new();
    let zone = api.private_zone("example.org", "us-east-1", "vpc-1");
    let (on, off) =
        (format!("hostedzone/{zone}/authorizevpcassociation"), format!("hostedzone/{zone}/deauthorizevpcassociation"));
    let authorize = |id: &str| vpc("CreateVPCAssociationAuthorization", "us-east-1", id);
    let expected = format!("<HostedZoneId>{zone}</HostedZoneId><VPC><VPCRegion>us-east-1</VPCRegion><VPCId>vpc-c</VPCId></VPC>");
    assert_eq!(api.ok("POST", &on, &authorize("vpc-c")), expected);
    assert_eq!(api.ok("POST", &on, &authorize("vpc-c")), expected);
    api.ok("POST", &on, &authorize("vpc-a"));
    api.ok("POST", &on, &authorize("vpc-b"));
    let page = api.ok("GET", &format!("{on}?maxresults=2"), "");
    assert_eq!((page.matches("<VPCId>").count(), element(&page, "VPCId")), (2, "vpc-a".into()));
    let rest = api.ok("GET", &format!("{on}?nexttoken={}", element(&page, "NextToken")), "");
    assert_eq!(
        rest,
        format!(
            "<HostedZoneId>{zone}</HostedZoneId><VPCs><VPC><VPCRegion>us-east-1</VPCRegion><VPCId>vpc-c</VPCId></VPC></VPCs>"
        )
    );
    let delete = |id: &str| vpc("DeleteVPCAssociationAuthorization", "us-east-1", id);
    assert_eq!(api.ok("POST", &off, &delete("vpc-c")), "");
    assert_eq!(
        api.refused("POST", &off, &delete("vpc-c")),
        "404 VPCAssociationAuthorizationNotFound: The VPC vpc-c in region us-east-1 is not authorized for association."
    );
    assert!(api.refused("GET", &format!("{on}?nexttoken=x"), "").starts_with("400 InvalidPaginationToken"));
    let public = api.zone("example.net");
    let refused = api.refused("POST", &format!("hostedzone/{public}/authorizevpcassociation"), &authorize("vpc-1"));
    assert_eq!(refused, "400 InvalidInput: VPCs are only associated with private hosted zones.");
    api.settings.rules.strict = true;
    let id = |number: usize| format!("vpc-{number:08x}");
    (0..998).for_each(|number| drop(api.ok("POST", &on, &authorize(&id(number)))));
    assert!(api.refused("POST", &on, &authorize(&id(999))).starts_with("400 TooManyVPCAssociationAuthorizations: "));
}

fn signing_key(zone: &str, name: &str, arn: &str, status: &str) -> String {
    root(
        "CreateKeySigningKey",
        &format!(
            "<CallerReference>{name}</CallerReference><HostedZoneId>{zone}</HostedZoneId><KeyManagementServiceArn>{arn}</KeyManagementServiceArn><Name>{name}</Name><Status>{status}</Status>"
        ),
    )
}

#[test]
fn signing_keys_are_kept_and_no_zone_is_signed() {
    let mut api = Api::new();
    let zone = api.zone("example.org");
    let dnssec = format!("hostedzone/{zone}/dnssec");
    assert_eq!(api.ok("GET", &dnssec, ""), "<Status><ServeSignature>NOT_SIGNING</ServeSignature></Status><KeySigningKeys/>");
    let enable = format!("hostedzone/{zone}/enable-dnssec");
    assert!(api.refused("POST", &enable, "").starts_with("400 KeySigningKeyWithActiveStatusNotFound: "));
    let made = api.ok("POST", "keysigningkey", &signing_key(&zone, "key_1", KMS, "INACTIVE"));
    let key = |status: &str, modified: &str| {
        format!(
            "<Name>key_1</Name><KmsArn>{KMS}</KmsArn><Flag>257</Flag><SigningAlgorithmMnemonic>ECDSAP256SHA256</SigningAlgorithmMnemonic><SigningAlgorithmType>13</SigningAlgorithmType><DigestAlgorithmMnemonic>SHA-256</DigestAlgorithmMnemonic><DigestAlgorithmType>2</DigestAlgorithmType><Status>{status}</Status><CreatedDate>2026-01-02T03:04:05.678Z</CreatedDate><LastModifiedDate>{modified}</LastModifiedDate>"
        )
    };
    assert!(made.ends_with(&format!("<KeySigningKey>{}</KeySigningKey>", key("INACTIVE", "2026-01-02T03:04:05.678Z"))), "{made}");
    assert!(api.refused("POST", &enable, "").starts_with("400 KeySigningKeyWithActiveStatusNotFound: "));
    api.now = "2026-01-02T04:00:00Z".parse().expect("a time");
    let path = format!("keysigningkey/{zone}/key_1");
    assert!(api.ok("POST", &format!("{path}/activate"), "").contains("<Status>INSYNC</Status>"));
    let shown = api.ok("GET", &dnssec, "");
    let member = format!("<KeySigningKeys><member>{}</member></KeySigningKeys>", key("ACTIVE", "2026-01-02T04:00:00.000Z"));
    assert_eq!(shown, format!("<Status><ServeSignature>NOT_SIGNING</ServeSignature></Status>{member}"));
    assert_eq!(
        api.refused("POST", &enable, ""),
        format!("400 InvalidArgument: The hosted zone {zone} can't be signed: waypost does not sign zones.")
    );
    assert!(api.refused("POST", &format!("hostedzone/{zone}/disable-dnssec"), "").starts_with("400 DNSSECNotFound: "));
    assert!(api.refused("DELETE", &path, "").starts_with("400 InvalidKeySigningKeyStatus: "));
    api.ok("POST", &format!("{path}/deactivate"), "");
    let refused = api.refused("DELETE", &format!("hostedzone/{zone}"), "");
    assert!(refused.starts_with("400 HostedZoneNotEmpty: ") && refused.contains("Key Signing Keys"), "{refused}");
    api.ok("DELETE", &path, "");
    assert!(api.refused("DELETE", &path, "").starts_with("404 NoSuchKeySigningKey: "));
    assert!(api.refused("POST", "keysigningkey/Z0/key_1/activate", "").starts_with("404 NoSuchKeySigningKey: "));
    api.ok("DELETE", &format!("hostedzone/{zone}"), "");
}

#[test]
fn signing_keys_are_refused_for_what_aws_refuses() {
    let mut api = Api::new();
    let zone = api.zone("example.org");
    api.ok("POST", "keysigningkey", &signing_key(&zone, "key_1", KMS, "ACTIVE"));
    let mut refused = |name: &str, arn: &str, status: &str| {
        let refused = api.refused("POST", "keysigningkey", &signing_key(&zone, name, arn, status));
        refused.split_once(": ").map(|(code, _)| code.to_owned()).expect("a code and a message")
    };
    assert_eq!(refused("key_1", KMS, "ACTIVE"), "409 KeySigningKeyAlreadyExists");
    assert_eq!(refused("key-2", KMS, "ACTIVE"), "400 InvalidKeySigningKeyName");
    assert_eq!(refused("key_2", "arn:aws:kms:us-east-1:123456789012:alias/x", "ACTIVE"), "400 InvalidKMSArn");
    assert_eq!(refused("key_2", KMS, "DELETING"), "400 InvalidKeySigningKeyStatus");
    assert_eq!(refused("k", KMS, "ACTIVE"), "400 InvalidInput");
    api.ok("POST", "keysigningkey", &signing_key(&zone, "key_2", KMS, "ACTIVE"));
    assert!(
        api.refused("POST", "keysigningkey", &signing_key(&zone, "key_3", KMS, "ACTIVE"))
            .starts_with("400 TooManyKeySigningKeys: ")
    );
    let private = api.private_zone("example.net", "us-east-1", "vpc-1");
    for (method, path) in [("GET", "dnssec"), ("POST", "enable-dnssec"), ("POST", "disable-dnssec")] {
        let refused = api.refused(method, &format!("hostedzone/{private}/{path}"), "");
        assert_eq!(refused, "400 InvalidArgument: Operation is unsupported for private hosted zones.", "{path}");
        assert!(api.refused(method, &format!("hostedzone/Z0/{path}"), "").starts_with("404 NoSuchHostedZone: "));
    }
    assert!(
        api.refused("POST", "keysigningkey", &signing_key(&private, "key_1", KMS, "ACTIVE")).starts_with("400 InvalidArgument: ")
    );
}

#[test]
fn the_feature_of_a_zone_is_kept() {
    let mut api = Api::new();
    let zone = api.zone("example.org");
    let path = format!("hostedzone/{zone}/features");
    let body =
        |is: bool| root("UpdateHostedZoneFeatures", &format!("<EnableAcceleratedRecovery>{is}</EnableAcceleratedRecovery>"));
    assert_eq!(api.ok("POST", &path, &body(true)), "");
    let shown = api.ok("GET", &format!("hostedzone/{zone}"), "");
    assert!(shown.contains("<Features><AcceleratedRecoveryStatus>ENABLED</AcceleratedRecoveryStatus></Features>"), "{shown}");
    api.ok("POST", &path, &body(false));
    assert!(!api.ok("GET", &format!("hostedzone/{zone}"), "").contains("Features"));
    let private = api.private_zone("example.net", "us-east-1", "vpc-1");
    let refused = api.refused("POST", &format!("hostedzone/{private}/features"), &body(true));
    assert_eq!(refused, "400 InvalidInput: Accelerated recovery is only supported for public hosted zones.");
    assert!(api.refused("POST", "hostedzone/Z0/features", &body(true)).starts_with("404 NoSuchHostedZone: "));
}

#[test]
fn what_a_file_owns_is_not_written() {
    let mut api = Api::new();
    let zone = api.zone("example.org");
    let mut record = (*api.account.zones[&zone].record).clone();
    record.file = Some("zones/example.org.toml".to_owned());
    api.put([Record::Zone(record.into())]);
    let denied = "403 AccessDenied: The hosted zone example.org. is written in the file zones/example.org.toml: change it there.";
    for (path, body) in [
        (format!("hostedzone/{zone}/features"), root("UpdateHostedZoneFeatures", "")),
        (format!("hostedzone/{zone}/associatevpc"), vpc("AssociateVPCWithHostedZone", "us-east-1", "vpc-1")),
        (format!("hostedzone/{zone}/authorizevpcassociation"), vpc("CreateVPCAssociationAuthorization", "us-east-1", "vpc-1")),
        (format!("hostedzone/{zone}/enable-dnssec"), String::new()),
        ("keysigningkey".to_owned(), signing_key(&zone, "key_1", KMS, "ACTIVE")),
        ("queryloggingconfig".to_owned(), query_log(&zone, LOGS)),
        ("delegationset".to_owned(), delegation_set("one", &zone)),
    ] {
        assert_eq!(api.refused("POST", &path, &body), denied, "{path}");
    }
    assert!(api.ok("GET", &format!("hostedzone/{zone}/dnssec"), "").contains("NOT_SIGNING"));
}
