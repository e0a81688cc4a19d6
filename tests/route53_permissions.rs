//! What access keys open, asked by signed requests over a socket: every operation of the model, by a key that only reads
//! and by keys of other zones.
//!
//! Not whether signatures hold: see `sigv4` and `route53_hostile`. Invariant: whoever may not see a zone is answered as if
//! it were not there, whatever they ask.

#[path = "support/api.rs"]
mod api;
#[path = "support/serve.rs"]
mod serve;
#[path = "support/xml.rs"]
mod texts;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use api::{Api, CONFIG, Key, Response, batch, change};
use serve::{PATIENCE, Serving, Site};
use texts::{element, escape, root};
use waypost::route53::bounds::Rules;
use waypost::route53::ops::only_reads;
use waypost::route53::request;
use waypost::route53::shapes::Model;

const ADMIN: Key = Key { id: "AKIAADMIN", secret: "of-the-admin-and-long-enough" };
const READER: Key = Key { id: "AKIAREADER", secret: "of-the-reader-and-long-enough" };
const OWNER: Key = Key { id: "AKIAOWNER", secret: "of-the-owner-and-long-enough" };
const OTHER: Key = Key { id: "AKIAOTHER", secret: "of-another-and-long-enough" };
const OTHER_READER: Key = Key { id: "AKIAOTHERREADER", secret: "of-another-reader-and-long-enough" };

/// What an operation is about, as far as permission goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    /// The zones example.org. and hidden.example.: nobody's business but their keys'.
    Zone,
    /// The account, or the Earth: read by everybody, lists without what is of other zones; written by keys of all zones.
    Account,
}
use Of::{Account, Zone};

type Row = (&'static str, Of, &'static str, &'static str);

/// Every operation, with parameters that would have it done; words in braces stand for ids.
const OPERATIONS: &[Row] = &[
    ("ActivateKeySigningKey", Zone, "POST keysigningkey/{ZONE}/hidden_key/activate", ""),
    ("AssociateVPCWithHostedZone", Zone, "POST hostedzone/{PRIVATE}/associatevpc", NEW_VPC),
    ("ChangeCidrCollection", Account, "POST cidrcollection/{COLLECTION}", CIDR_CHANGES),
    (
        "ChangeResourceRecordSets",
        Zone,
        "POST hostedzone/{ZONE}/rrset/",
        "<ChangeBatch><Changes>{CHANGES}</Changes></ChangeBatch>",
    ),
    ("ChangeTagsForResource", Zone, "POST tags/hostedzone/{ZONE}", "<AddTags><Tag><Key>k</Key><Value>v</Value></Tag></AddTags>"),
    ("CreateCidrCollection", Account, "POST cidrcollection", "<Name>new</Name><CallerReference>new</CallerReference>"),
    ("CreateHealthCheck", Account, "POST healthcheck", NEW_CHECK),
    ("CreateHostedZone", Zone, "POST hostedzone", "<Name>example.org</Name><CallerReference>new</CallerReference>"),
    ("CreateKeySigningKey", Zone, "POST keysigningkey", NEW_SIGNING_KEY),
    ("CreateQueryLoggingConfig", Zone, "POST queryloggingconfig", NEW_LOG),
    ("CreateResourceRecordSetProtections", Zone, "POST hostedzone/{ZONE}/rrsetprotection", NEW_PROTECTION),
    ("CreateReusableDelegationSet", Account, "POST delegationset", "<CallerReference>new</CallerReference>"),
    ("CreateTrafficPolicy", Account, "POST trafficpolicy", "<Name>new</Name><Document>{DOCUMENT}</Document>"),
    ("CreateTrafficPolicyInstance", Zone, "POST trafficpolicyinstance", NEW_INSTANCE),
    ("CreateTrafficPolicyVersion", Account, "POST trafficpolicy/{POLICY}", "<Document>{DOCUMENT}</Document>"),
    ("CreateVPCAssociationAuthorization", Zone, "POST hostedzone/{PRIVATE}/authorizevpcassociation", NEW_VPC),
    ("DeactivateKeySigningKey", Zone, "POST keysigningkey/{ZONE}/hidden_key/deactivate", ""),
    ("DeleteCidrCollection", Account, "DELETE cidrcollection/{COLLECTION}", ""),
    ("DeleteHealthCheck", Account, "DELETE healthcheck/{CHECK}", ""),
    ("DeleteHostedZone", Zone, "DELETE hostedzone/{PRIVATE}", ""),
    ("DeleteKeySigningKey", Zone, "DELETE keysigningkey/{ZONE}/hidden_key", ""),
    ("DeleteQueryLoggingConfig", Zone, "DELETE queryloggingconfig/{LOG}", ""),
    ("DeleteResourceRecordSetProtections", Zone, "POST hostedzone/{ZONE}/rrsetprotection/delete", OLD_PROTECTION),
    ("DeleteReusableDelegationSet", Account, "DELETE delegationset/{SET}", ""),
    ("DeleteTrafficPolicy", Account, "DELETE trafficpolicy/{POLICY}/1", ""),
    ("DeleteTrafficPolicyInstance", Zone, "DELETE trafficpolicyinstance/{INSTANCE}", ""),
    ("DeleteVPCAssociationAuthorization", Zone, "POST hostedzone/{PRIVATE}/deauthorizevpcassociation", NEW_VPC),
    ("DisableHostedZoneDNSSEC", Zone, "POST hostedzone/{ZONE}/disable-dnssec", ""),
    ("DisassociateVPCFromHostedZone", Zone, "POST hostedzone/{PRIVATE}/disassociatevpc", OLD_VPC),
    ("EnableHostedZoneDNSSEC", Zone, "POST hostedzone/{ZONE}/enable-dnssec", ""),
    ("GetAccountLimit", Account, "GET accountlimit/MAX_TRAFFIC_POLICY_INSTANCES_BY_OWNER", ""),
    ("GetChange", Zone, "GET change/{CHANGE}", ""),
    ("GetCheckerIpRanges", Account, "GET checkeripranges", ""),
    ("GetDNSSEC", Zone, "GET hostedzone/{ZONE}/dnssec", ""),
    ("GetGeoLocation", Account, "GET geolocation?continentcode=EU", ""),
    ("GetHealthCheck", Account, "GET healthcheck/{CHECK}", ""),
    ("GetHealthCheckCount", Account, "GET healthcheckcount", ""),
    ("GetHealthCheckLastFailureReason", Account, "GET healthcheck/{CHECK}/lastfailurereason", ""),
    ("GetHealthCheckStatus", Account, "GET healthcheck/{CHECK}/status", ""),
    ("GetHostedZone", Zone, "GET hostedzone/{ZONE}", ""),
    ("GetHostedZoneCount", Account, "GET hostedzonecount", ""),
    ("GetHostedZoneLimit", Zone, "GET hostedzonelimit/{ZONE}/MAX_RRSETS_BY_ZONE", ""),
    ("GetQueryLoggingConfig", Zone, "GET queryloggingconfig/{LOG}", ""),
    ("GetReusableDelegationSet", Account, "GET delegationset/{SET}", ""),
    ("GetReusableDelegationSetLimit", Account, "GET reusabledelegationsetlimit/{SET}/MAX_ZONES_BY_REUSABLE_DELEGATION_SET", ""),
    ("GetTrafficPolicy", Account, "GET trafficpolicy/{POLICY}/1", ""),
    ("GetTrafficPolicyInstance", Zone, "GET trafficpolicyinstance/{INSTANCE}", ""),
    ("GetTrafficPolicyInstanceCount", Account, "GET trafficpolicyinstancecount", ""),
    ("ListCidrBlocks", Account, "GET cidrcollection/{COLLECTION}/cidrblocks", ""),
    ("ListCidrCollections", Account, "GET cidrcollection", ""),
    ("ListCidrLocations", Account, "GET cidrcollection/{COLLECTION}", ""),
    ("ListGeoLocations", Account, "GET geolocations", ""),
    ("ListHealthChecks", Account, "GET healthcheck", ""),
    ("ListHostedZones", Account, "GET hostedzone?delegationsetid={SET}", ""),
    ("ListHostedZonesByName", Account, "GET hostedzonesbyname?dnsname=example.org", ""),
    ("ListHostedZonesByVPC", Account, "GET hostedzonesbyvpc?vpcid=vpc-hidden&vpcregion=us-east-1", ""),
    ("ListQueryLoggingConfigs", Account, "GET queryloggingconfig", ""),
    ("ListResourceRecordSetProtections", Zone, "GET hostedzone/{ZONE}/rrsetprotection", ""),
    ("ListResourceRecordSets", Zone, "GET hostedzone/{ZONE}/rrset", ""),
    ("ListReusableDelegationSets", Account, "GET delegationset", ""),
    ("ListTagsForResource", Zone, "GET tags/hostedzone/{ZONE}", ""),
    ("ListTagsForResources", Zone, "POST tags/hostedzone", "<ResourceIds><ResourceId>{ZONE}</ResourceId></ResourceIds>"),
    ("ListTrafficPolicies", Account, "GET trafficpolicies", ""),
    ("ListTrafficPolicyInstances", Account, "GET trafficpolicyinstances", ""),
    ("ListTrafficPolicyInstancesByHostedZone", Zone, "GET trafficpolicyinstances/hostedzone?id={ZONE}", ""),
    ("ListTrafficPolicyInstancesByPolicy", Account, "GET trafficpolicyinstances/trafficpolicy?id={POLICY}&version=1", ""),
    ("ListTrafficPolicyVersions", Account, "GET trafficpolicies/{POLICY}/versions", ""),
    ("ListVPCAssociationAuthorizations", Zone, "GET hostedzone/{PRIVATE}/authorizevpcassociation", ""),
    ("TestDNSAnswer", Zone, "GET testdnsanswer?hostedzoneid={ZONE}&recordname=www.example.org&recordtype=A", ""),
    ("UpdateHealthCheck", Account, "POST healthcheck/{CHECK}", "<Port>81</Port>"),
    ("UpdateHostedZoneComment", Zone, "POST hostedzone/{ZONE}", "<Comment>new</Comment>"),
    (
        "UpdateHostedZoneFeatures",
        Zone,
        "POST hostedzone/{ZONE}/features",
        "<EnableAcceleratedRecovery>true</EnableAcceleratedRecovery>",
    ),
    ("UpdateTrafficPolicyComment", Account, "POST trafficpolicy/{POLICY}/1", "<Comment>new</Comment>"),
    ("UpdateTrafficPolicyInstance", Zone, "POST trafficpolicyinstance/{INSTANCE}", UPDATED_INSTANCE),
];

/// The same operations by other ways: other kinds of resource, ids where lists go on.
const MORE: &[Row] = &[
    (
        "ChangeTagsForResource",
        Account,
        "POST tags/healthcheck/{CHECK}",
        "<AddTags><Tag><Key>k</Key><Value>v</Value></Tag></AddTags>",
    ),
    (
        "CreateReusableDelegationSet",
        Account,
        "POST delegationset",
        "<CallerReference>n</CallerReference><HostedZoneId>{ZONE}</HostedZoneId>",
    ),
    ("GetAccountLimit", Account, "GET accountlimit/MAX_HOSTED_ZONES_BY_OWNER", ""),
    ("GetHostedZone", Zone, "GET hostedzone/{PRIVATE}", ""),
    ("GetHostedZone", Zone, "GET hostedzone/%2Fhostedzone%2F{ZONE}", ""),
    ("ListHostedZones", Account, "GET hostedzone?hostedzonetype=PrivateHostedZone", ""),
    ("ListHostedZones", Account, "GET hostedzone", ""),
    ("ListQueryLoggingConfigs", Zone, "GET queryloggingconfig?hostedzoneid={ZONE}", ""),
    ("ListResourceRecordSets", Zone, "GET hostedzone/{PRIVATE}/rrset", ""),
    ("TestDNSAnswer", Zone, "GET testdnsanswer?hostedzoneid={PRIVATE}&recordname=www.hidden.example&recordtype=A", ""),
];

/// Lists that go on where ids say.
const MARKED: &[&str] = &[
    "GET hostedzone?marker={ZONE}",
    "GET hostedzone?marker={PRIVATE}",
    "GET hostedzonesbyname?dnsname=a&hostedzoneid={ZONE}",
    "GET hostedzonesbyvpc?vpcid=vpc-hidden&vpcregion=us-east-1&nexttoken={PRIVATE}",
    "GET queryloggingconfig?nexttoken={LOG}",
    "GET trafficpolicyinstances?hostedzoneid={ZONE}&trafficpolicyinstancename=a",
    "GET trafficpolicyinstances/trafficpolicy?id={POLICY}&version=1&hostedzoneid={ZONE}",
];

const NEW_VPC: &str = "<VPC><VPCRegion>us-east-1</VPCRegion><VPCId>vpc-new</VPCId></VPC>";
const OLD_VPC: &str = "<VPC><VPCRegion>us-east-1</VPCRegion><VPCId>vpc-hidden</VPCId></VPC>";
const CIDR_CHANGES: &str = "<Changes><member><LocationName>new</LocationName><Action>PUT</Action><CidrList><Cidr>192.0.2.0/24</Cidr></CidrList></member></Changes>";
const NEW_CHECK: &str = "<CallerReference>new</CallerReference><HealthCheckConfig><IPAddress>127.0.0.1</IPAddress><Port>9</Port><Type>TCP</Type></HealthCheckConfig>";
const NEW_SIGNING_KEY: &str = "<CallerReference>new</CallerReference><HostedZoneId>{ZONE}</HostedZoneId><KeyManagementServiceArn>arn:aws:kms:us-east-1:123456789012:key/new</KeyManagementServiceArn><Name>new</Name><Status>INACTIVE</Status>";
const NEW_LOG: &str = "<HostedZoneId>{ZONE}</HostedZoneId><CloudWatchLogsLogGroupArn>arn:aws:logs:us-east-1:123456789012:log-group:/aws/route53/new</CloudWatchLogsLogGroupArn>";
const NEW_PROTECTION: &str = "<Protections><ResourceRecordSetProtectionConfig><RecordName>new.example.org</RecordName><RecordType>A</RecordType></ResourceRecordSetProtectionConfig></Protections>";
const OLD_PROTECTION: &str = "<Protections><ResourceRecordSetProtectionKey><RecordName>kept.example.org</RecordName><RecordType>A</RecordType></ResourceRecordSetProtectionKey></Protections>";
const NEW_INSTANCE: &str = "<HostedZoneId>{ZONE}</HostedZoneId><Name>new.example.org</Name><TTL>60</TTL><TrafficPolicyId>{POLICY}</TrafficPolicyId><TrafficPolicyVersion>1</TrafficPolicyVersion>";
const UPDATED_INSTANCE: &str =
    "<TTL>61</TTL><TrafficPolicyId>{POLICY}</TrafficPolicyId><TrafficPolicyVersion>1</TrafficPolicyVersion>";

const DOCUMENT: &str = r#"{"AWSPolicyFormatVersion": "2015-10-01", "RecordType": "A", "StartEndpoint": "one", "Endpoints": {"one": {"Type": "value", "Value": "192.0.2.8"}}}"#;

/// What is said of the zones in lists and errors, beside their ids.
const WORDS: [&str; 7] =
    ["example.org", "hidden.example", "192.0.2.77", "hidden comment", "hidden tag", "vpc-hidden", "/aws/route53/hidden"];

/// A server with two zones and all that may be said of them, and one zone of somebody else.
struct World {
    server: Serving,
    /// What the words in braces stand for.
    ids: BTreeMap<&'static str, String>,
    other_zone: String,
}

impl World {
    fn start(test: &str) -> Self {
        let site = Site::new(test);
        let key = |key: Key, more: &str| format!("\n[[route53.key]]\nid = \"{}\"\nsecret = \"{}\"\n{more}\n", key.id, key.secret);
        let keys = [
            key(ADMIN, ""),
            key(READER, "access = \"read\""),
            key(OWNER, "zones = [\"example.org.\", \"hidden.example.\"]"),
            key(OTHER, "zones = [\"other.example.\"]"),
            key(OTHER_READER, "zones = [\"other.example.\"]\naccess = \"read\""),
        ];
        site.write("waypost.toml", &format!("{CONFIG}\n[resolver]\nservers = [\"127.0.0.1:9\"]\n{}", keys.concat()));
        let server = site.serve();
        let mut world = Self { server, ids: BTreeMap::new(), other_zone: String::new() };
        world.fill();
        world
    }

    fn fill(&mut self) {
        let admin = self.by(ADMIN);
        let made = |path: &str, operation: &str, content: &str| {
            let id = element(&admin.ok("POST", path, &root(operation, content)), "Id");
            id.rsplit('/').next().unwrap().to_owned()
        };
        let set = made("delegationset", "CreateReusableDelegationSet", "<CallerReference>set</CallerReference>");
        let zone = format!(
            "<Name>example.org</Name><CallerReference>hidden reference</CallerReference><HostedZoneConfig><Comment>hidden comment</Comment></HostedZoneConfig><DelegationSetId>{set}</DelegationSetId>"
        );
        let zone = made("hostedzone", "CreateHostedZone", &zone);
        let private = format!("<Name>hidden.example</Name><CallerReference>private</CallerReference>{OLD_VPC}");
        let private = made("hostedzone", "CreateHostedZone", &private);
        let check = made("healthcheck", "CreateHealthCheck", &NEW_CHECK.replace("new", "check"));
        let collection = made("cidrcollection", "CreateCidrCollection", "<Name>c</Name><CallerReference>c</CallerReference>");
        let document = format!("<Name>policy</Name><Document>{}</Document>", escape(DOCUMENT));
        let policy = made("trafficpolicy", "CreateTrafficPolicy", &document);
        let about = |text: &str| text.replace("{ZONE}", &zone).replace("{POLICY}", &policy).replace("new", "hidden");
        let instance = made("trafficpolicyinstance", "CreateTrafficPolicyInstance", &about(NEW_INSTANCE));
        let log = made("queryloggingconfig", "CreateQueryLoggingConfig", &about(NEW_LOG));
        let signing_key = about(NEW_SIGNING_KEY).replace("<Name>hidden<", "<Name>hidden_key<");
        admin.ok("POST", "keysigningkey", &root("CreateKeySigningKey", &signing_key));
        let tags = "<AddTags><Tag><Key>hidden tag</Key><Value>v</Value></Tag></AddTags>";
        admin.ok("POST", &format!("tags/hostedzone/{zone}"), &root("ChangeTagsForResource", tags));
        let protection = root("CreateResourceRecordSetProtections", &NEW_PROTECTION.replace("new", "kept"));
        admin.ok("POST", &format!("hostedzone/{zone}/rrsetprotection"), &protection);
        let authorized = root("CreateVPCAssociationAuthorization", &OLD_VPC.replace("vpc-hidden", "vpc-hidden-2"));
        admin.ok("POST", &format!("hostedzone/{private}/authorizevpcassociation"), &authorized);
        let www = |name: &str| change("CREATE", name, "A", &["192.0.2.77"]);
        assert_eq!(admin.change(&private, &www("www.hidden.example")).status, 200);
        let commented = batch(&www("www.example.org")).replace("<ChangeBatch>", "<ChangeBatch><Comment>hidden comment</Comment>");
        let changed = admin.ok("POST", &format!("hostedzone/{zone}/rrset/"), &commented);
        let change = element(&changed, "Id").replace("/change/", "");
        self.other_zone = admin.zone("other.example");
        self.ids = [
            ("ZONE", zone),
            ("PRIVATE", private),
            ("CHECK", check),
            ("COLLECTION", collection),
            ("POLICY", policy),
            ("INSTANCE", instance),
            ("SET", set),
            ("LOG", log),
            ("CHANGE", change),
        ]
        .into();
    }

    fn by(&self, key: Key) -> Api {
        Api::with(self.server.http, key)
    }

    fn ask(&self, key: Key, row: &Row) -> Response {
        self.ask_about(&self.ids, key, row)
    }

    fn ask_about(&self, ids: &BTreeMap<&str, String>, key: Key, (operation, _, line, content): &Row) -> Response {
        let changes = change("CREATE", "new.example.org", "A", &["192.0.2.9"]);
        let content = content.replace("{CHANGES}", &changes).replace("{DOCUMENT}", &escape(DOCUMENT));
        let body = if content.is_empty() { String::new() } else { root(operation, &put_ids(ids, &content)) };
        let line = put_ids(ids, line);
        let (method, path) = line.split_once(' ').unwrap();
        self.by(key).ask(method, path, &body)
    }

    /// Ids of the same forms that nothing has, for what only keys of the zones may know.
    fn ids_of_nothing(&self) -> BTreeMap<&'static str, String> {
        let hidden = ["ZONE", "PRIVATE", "INSTANCE", "LOG", "CHANGE"];
        let turned = |id: &String| id.chars().map(turned).collect();
        self.ids.iter().map(|(&word, id)| (word, if hidden.contains(&word) { turned(id) } else { id.clone() })).collect()
    }

    /// Everything that the API tells whoever may see all of it, once its check has been probed: that says more a moment
    /// later.
    fn everything(&self) -> Vec<String> {
        let status = OPERATIONS.iter().find(|row| row.0 == "GetHealthCheckStatus").expect("it is an operation");
        let deadline = Instant::now() + PATIENCE;
        while !self.ask(ADMIN, status).body.contains("CheckedTime") {
            assert!(Instant::now() < deadline, "the check is never probed");
            std::thread::yield_now();
        }
        let reads = OPERATIONS.iter().chain(MORE).filter(|(_, _, line, _)| line.starts_with("GET "));
        reads.map(|row| self.ask(ADMIN, row)).map(|response| without_request_id(&response)).collect()
    }
}

/// The words in braces as ids.
fn put_ids(ids: &BTreeMap<&str, String>, text: &str) -> String {
    ids.iter().fold(text.to_owned(), |text, (word, id)| text.replace(&format!("{{{word}}}"), id))
}

/// Another letter or digit, so that an id keeps its form.
fn turned(c: char) -> char {
    match c {
        '0'..='8' => (c as u8 + 1) as char,
        '9' => '0',
        'a'..='e' => (c as u8 + 1) as char,
        'f' => 'a',
        c => c,
    }
}

fn without_request_id(response: &Response) -> String {
    let body = match response.body.split_once("<RequestId>") {
        Some((body, _)) => body.to_owned(),
        None => response.body.clone(),
    };
    format!("{} {body}", response.status)
}

/// What deletes comes last.
fn in_order() -> Vec<&'static Row> {
    let mut rows: Vec<&Row> = OPERATIONS.iter().chain(MORE).collect();
    rows.sort_by_key(|(name, ..)| name.starts_with("Delete"));
    rows
}

#[test]
fn the_table_has_every_operation_and_each_line_asks_for_its_own() {
    let model = Model::new();
    let known: BTreeSet<&str> = model.operations().iter().map(|operation| operation.name).collect();
    assert_eq!(OPERATIONS.iter().map(|(name, ..)| *name).collect::<BTreeSet<_>>(), known);
    assert_eq!(OPERATIONS.len(), 74);
    for (name, _, line, _) in OPERATIONS.iter().chain(MORE) {
        let (method, target) = line.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let uuids =
            ["CHECK", "COLLECTION", "POLICY", "INSTANCE", "LOG"].map(|word| (word, "11111111-2222-3333-4444-555555555555"));
        let others = ["ZONE", "PRIVATE", "SET", "CHANGE"].map(|word| (word, "Z1"));
        let ids: BTreeMap<&str, String> = uuids.into_iter().chain(others).map(|(word, id)| (word, id.to_owned())).collect();
        let (path, query) = (put_ids(&ids, path), put_ids(&ids, query));
        let found = request::read(&model, method, &format!("/2013-04-01/{path}"), &query, Rules::default());
        assert_eq!(found.map(|(operation, _)| operation.name).as_ref(), Ok(name), "{line}");
    }
}

#[test]
fn a_key_that_reads_writes_nothing_and_reads_everything() {
    let world = World::start("permissions-reader");
    let before = world.everything();
    let model = Model::new();
    for row in OPERATIONS.iter().chain(MORE) {
        let operation = model.operation(row.0).unwrap();
        let response = world.ask(READER, row);
        match only_reads(operation) {
            true => assert_eq!(without_request_id(&response), without_request_id(&world.ask(ADMIN, row)), "{row:?}"),
            false => assert_eq!(response.refusal(), "403 AccessDenied", "{row:?}"),
        }
    }
    assert_eq!(world.everything(), before);
    // The rows would be done for whoever may: nothing above was refused for another reason.
    for row in in_order() {
        let response = world.ask(ADMIN, row);
        assert!(response.status < 500 && response.status != 403 && response.status != 404, "{row:?}: {response:?}");
    }
    world.server.stop();
}

#[test]
fn a_key_of_zones_does_to_them_what_it_may_and_nothing_to_the_account() {
    let world = World::start("permissions-owner");
    let model = Model::new();
    for row in in_order() {
        let reads = only_reads(model.operation(row.0).unwrap());
        let response = world.ask(OWNER, row);
        match reads || row.1 == Zone {
            true => assert!(response.status < 500 && response.status != 403, "{row:?}: {response:?}"),
            false => assert_eq!(response.refusal(), "403 AccessDenied", "{row:?}"),
        }
    }
    world.server.stop();
}

#[test]
fn to_a_key_of_another_zone_a_zone_is_not_there() {
    let world = World::start("permissions-other");
    let before = world.everything();
    let model = Model::new();
    let nothing = world.ids_of_nothing();
    let hidden: Vec<&str> = ["ZONE", "PRIVATE", "INSTANCE", "LOG", "CHANGE"].iter().map(|word| &*world.ids[word]).collect();
    for key in [OTHER, OTHER_READER] {
        for row in OPERATIONS.iter().chain(MORE) {
            let response = world.ask(key, row);
            let reads = only_reads(model.operation(row.0).unwrap());
            match row {
                ("GetChange", ..) => assert_eq!(response.refusal(), "404 NoSuchChange"),
                (_, Account, ..) if reads => assert_eq!(response.status, 200, "{row:?}: {response:?}"),
                _ => assert_eq!(response.refusal(), "403 AccessDenied", "{row:?}"),
            }
            // Of what they did not say themselves they hear nothing.
            let asked = put_ids(&world.ids, &format!("{} {}", row.2, row.3));
            for word in WORDS.iter().chain(&hidden).filter(|word| !asked.contains(**word)) {
                assert!(!response.body.contains(word) && !response.head.contains(word), "{row:?} tells {word}: {response:?}");
            }
        }
        let marked = MARKED.iter().map(|line| ("", Account, *line, ""));
        for row in OPERATIONS.iter().chain(MORE).copied().chain(marked) {
            let there = without_request_id(&world.ask(key, &row));
            let nowhere = without_request_id(&world.ask_about(&nothing, key, &row));
            let ids = hidden.iter().zip(["ZONE", "PRIVATE", "INSTANCE", "LOG", "CHANGE"].map(|word| &*nothing[word]));
            let there = ids.fold(there, |text, (id, other)| text.replace(id, other));
            assert_eq!(there, nowhere, "{row:?} tells whether there is such a thing");
        }
    }
    assert_eq!(world.everything(), before);
    world.server.stop();
}

#[test]
fn counts_are_of_what_a_key_sees() {
    let world = World::start("permissions-counts");
    let counts = |key: Key| {
        let count = |path: &str, name: &str| element(&world.by(key).ok("GET", &put_ids(&world.ids, path), ""), name);
        [
            count("hostedzonecount", "HostedZoneCount"),
            count("accountlimit/MAX_HOSTED_ZONES_BY_OWNER", "Count"),
            count("trafficpolicyinstancecount", "TrafficPolicyInstanceCount"),
            count("accountlimit/MAX_TRAFFIC_POLICY_INSTANCES_BY_OWNER", "Count"),
            count("reusabledelegationsetlimit/{SET}/MAX_ZONES_BY_REUSABLE_DELEGATION_SET", "Count"),
        ]
    };
    assert_eq!(counts(ADMIN), ["3", "3", "1", "1", "1"]);
    assert_eq!(counts(OWNER), ["2", "2", "1", "1", "1"]);
    assert_eq!(counts(OTHER), ["1", "1", "0", "0", "0"]);
    world.server.stop();
}

#[test]
fn what_a_key_does_in_its_own_zone_tells_nothing_of_another() {
    let world = World::start("permissions-own-zone");
    let other = world.by(OTHER);
    let nothing = world.ids_of_nothing();
    let alias = |zone: &str, target: &str| {
        let alias = format!(
            "<AliasTarget><HostedZoneId>{zone}</HostedZoneId><DNSName>{target}</DNSName><EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget>"
        );
        let set = format!("<ResourceRecordSet><Name>a.other.example</Name><Type>A</Type>{alias}</ResourceRecordSet>");
        let response = other.change(&world.other_zone, &format!("<Change><Action>UPSERT</Action>{set}</Change>"));
        (response.status, response.body.split_once("<Message>").map(|(_, rest)| rest.split_once('<').unwrap().0.to_owned()))
    };
    for (word, targets) in
        [("ZONE", ["www.example.org", "no.example.org"]), ("PRIVATE", ["www.hidden.example", "no.hidden.example"])]
    {
        for target in targets.into_iter().chain(["www.elsewhere.example"]) {
            assert_eq!(alias(&world.ids[word], target), alias(&nothing[word], target), "{word} {target}");
        }
    }
    // A caller's reference is theirs.
    let taken = root("CreateHostedZone", "<Name>other.example</Name><CallerReference>hidden reference</CallerReference>");
    assert_eq!(other.ask("POST", "hostedzone", &taken).status, 201);
    world.server.stop();
}
