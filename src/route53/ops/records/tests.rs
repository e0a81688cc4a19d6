//! Operations on record sets as clients ask for them, from path and body to the answer's text.

use std::sync::Arc;

use jiff::Timestamp;

use crate::route53::access::{Access, Principal, Zones};
use crate::route53::account::Account;
use crate::route53::account::edit::{Edit, Record};
use crate::route53::bounds::Rules;
use crate::route53::ops::{Context, Settings, perform};
use crate::route53::records::batch::fixture::Fixture;
use crate::route53::shapes::Model;
use crate::route53::{request, xml};
use crate::snapshot::Snapshot;

struct Client {
    model: Model,
    account: Account,
    settings: Settings,
    asked: u128,
}

impl Client {
    fn new(lines: &[&str]) -> Self {
        Self { model: Model::new(), account: Fixture::new(lines).account, settings: Settings::default(), asked: 0 }
    }

    fn strict(self) -> Self {
        Self { settings: Settings { rules: Rules { strict: true }, ..self.settings }, ..self }
    }

    /// The answer's body, without its declaration and namespace.
    fn ask(&mut self, line: &str, body: &str) -> String {
        let (method, path) = line.split_once(' ').expect("a method and a path");
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let rules = self.settings.rules;
        let answer = request::read(&self.model, method, &format!("/2013-04-01/{path}"), query, rules).and_then(
            |(operation, mut input)| {
                let shape = operation.input.expect("these operations have inputs");
                if !body.is_empty() {
                    input.take(xml::read::read(&self.model, shape, body.as_bytes(), rules)?);
                }
                self.asked += 1;
                let asked = self.asked;
                let mut random = move || asked;
                let mut context = Context {
                    account: &self.account,
                    now: Timestamp::UNIX_EPOCH,
                    random: &mut random,
                    settings: &self.settings,
                    caller: &Principal { name: "tests".into(), key_id: None, access: Access::Write, zones: Zones::All },
                    snapshot: &Snapshot::default(),
                };
                let done = perform(operation, &input, &mut context)?;
                self.account.apply(done.edits);
                Ok(xml::write::response(&self.model, operation.output.expect("these operations have outputs"), &done.output))
            },
        );
        let text = answer.unwrap_or_else(|error| xml::write::error(&self.model, &error, "id"));
        text.replace("<?xml version=\"1.0\"?>\n", "").replace(" xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"", "")
    }

    fn change(&mut self, changes: &str) -> String {
        let batch = format!("<ChangeBatch><Comment>why</Comment><Changes>{changes}</Changes></ChangeBatch>");
        self.ask(
            "POST hostedzone/Z1/rrset/",
            &format!("<ChangeResourceRecordSetsRequest>{batch}</ChangeResourceRecordSetsRequest>"),
        )
    }
}

fn change(action: &str, set: &str) -> String {
    format!("<Change><Action>{action}</Action><ResourceRecordSet>{set}</ResourceRecordSet></Change>")
}

const WWW: &str = "<Name>*.Example.org</Name><Type>A</Type><TTL>60</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.1</Value></ResourceRecord></ResourceRecords>";

fn error(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>id</RequestId></ErrorResponse>"
    )
}

#[test]
fn a_change_is_made_told_of_and_listed() {
    let mut client = Client::new(&[]);
    let made = client.change(&change("CREATE", WWW));
    let info = made
        .strip_prefix("<ChangeResourceRecordSetsResponse>")
        .and_then(|rest| rest.strip_suffix("</ChangeResourceRecordSetsResponse>"));
    let info = info.unwrap_or_else(|| panic!("{made}"));
    assert!(
        info.contains("<Status>INSYNC</Status><SubmittedAt>1970-01-01T00:00:00.000Z</SubmittedAt><Comment>why</Comment>"),
        "{info}"
    );
    let id = info.split("/change/").nth(1).and_then(|rest| rest.split('<').next()).expect("an id");
    assert_eq!(client.ask(&format!("GET change/{id}"), ""), format!("<GetChangeResponse>{info}</GetChangeResponse>"));
    assert_eq!(client.ask("GET change/CNONE", ""), error("NoSuchChange", "Could not find resource with ID: CNONE"));
    let listed = client.ask("GET hostedzone/Z1/rrset?name=*.example.org&type=A&maxitems=1", "");
    let set = WWW.replace("*.Example.org", "\\052.example.org.");
    let expected = format!(
        "<ResourceRecordSets><ResourceRecordSet>{set}</ResourceRecordSet></ResourceRecordSets><IsTruncated>false</IsTruncated><MaxItems>1</MaxItems>"
    );
    assert_eq!(listed, format!("<ListResourceRecordSetsResponse>{expected}</ListResourceRecordSetsResponse>"));
    let first = client.ask("GET hostedzone/Z1/rrset?maxitems=2", "");
    assert!(first.contains("<IsTruncated>true</IsTruncated><NextRecordName>\\052.example.org.</NextRecordName><NextRecordType>A</NextRecordType><MaxItems>2</MaxItems>"), "{first}");
}

#[test]
fn what_is_refused_is_told_as_route_53_does_and_changes_nothing() {
    let mut client = Client::new(&[]);
    let exists = "[Tried to delete resource record set [name='\\052.example.org.', type='A'] but it was not found]";
    let refused = client.change(&[change("CREATE", &WWW.replace("*", "www")), change("DELETE", WWW)].concat());
    assert_eq!(refused, error("InvalidChangeBatch", exists));
    assert!(!client.ask("GET hostedzone/Z1/rrset", "").contains("www.example.org."));
    assert_eq!(client.ask("GET hostedzone/ZNONE/rrset", ""), error("NoSuchHostedZone", "No hosted zone found with ID: ZNONE"));
    assert!(client.ask("GET hostedzone/Z1/rrset?type=A", "").contains("<Code>InvalidInput</Code>"));
    let checked = WWW.replace("</ResourceRecords>", "</ResourceRecords><HealthCheckId>none</HealthCheckId>");
    assert_eq!(
        client.change(&change("CREATE", &checked)),
        error("NoSuchHealthCheck", "A health check with id none does not exist.")
    );
    let no_ttl = client.change(&change("CREATE", &WWW.replace("<TTL>60</TTL>", "")));
    assert!(no_ttl.contains("<Code>InvalidInput</Code><Message>Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords]"), "{no_ttl}");
    let elsewhere = client.ask(
        "POST hostedzone/ZNONE/rrset",
        &format!(
            "<ChangeResourceRecordSetsRequest><ChangeBatch><Changes>{}</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>",
            change("CREATE", WWW)
        ),
    );
    assert_eq!(elsewhere, error("NoSuchHostedZone", "No hosted zone found with ID: ZNONE"));
}

#[test]
fn a_zone_of_a_file_is_listed_and_changed_in_its_file() {
    let mut client = Client::new(&["CREATE www A ttl=60 192.0.2.1"]);
    let mut record = (*client.account.zones["Z1"].record).clone();
    record.file = Some("zones/example.org.toml".to_owned());
    client.account.apply(vec![Edit::Put(Record::Zone(Arc::new(record)))]);
    assert!(client.ask("GET hostedzone/Z1/rrset", "").contains("<Name>www.example.org.</Name>"));
    let refused = client.change(&change("CREATE", WWW));
    assert!(refused.contains("<Code>AccessDenied</Code>") && refused.contains("zones/example.org.toml"), "{refused}");
}

#[test]
fn pages_are_as_large_as_asked_and_route_53s_are_bounded() {
    let lines: Vec<String> = (0..399).map(|at| format!("CREATE h{at} A ttl=60 192.0.2.1")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let sizes = |client: &mut Client| {
        ["", "?maxitems=400", "?maxitems=99999999999999999999", "?maxitems=0"].map(|query| {
            let answer = client.ask(&format!("GET hostedzone/Z1/rrset{query}"), "");
            (answer.matches("<ResourceRecordSet>").count(), answer.contains("InvalidInput"))
        })
    };
    let mut client = Client::new(&lines);
    assert_eq!(sizes(&mut client)[..2], [(100, false), (400, false)]);
    assert_eq!(sizes(&mut client)[3], (0, true));
    assert_eq!(sizes(&mut client.strict())[..2], [(100, false), (300, false)]);
}

fn protections(operation: &str, entries: &[(&str, &str)]) -> String {
    let item = if operation == "Create" { "ResourceRecordSetProtectionConfig" } else { "ResourceRecordSetProtectionKey" };
    let entries: String = entries
        .iter()
        .map(|(name, rtype)| format!("<{item}><RecordName>{name}</RecordName><RecordType>{rtype}</RecordType></{item}>"))
        .collect();
    format!(
        "<{operation}ResourceRecordSetProtectionsRequest><Protections>{entries}</Protections></{operation}ResourceRecordSetProtectionsRequest>"
    )
}

#[test]
fn protections_are_made_listed_and_taken_away_all_or_none() {
    let (path, delete) = ("POST hostedzone/Z1/rrsetprotection", "POST hostedzone/Z1/rrsetprotection/delete");
    let mut client = Client::new(&[]);
    let made =
        client.ask(path, &protections("Create", &[("www.example.org", "A"), ("*.example.org", "A"), ("www.example.org", "TXT")]));
    assert!(made.starts_with("<CreateResourceRecordSetProtectionsResponse"), "{made}");
    let refused = client.change(&change("CREATE", WWW));
    assert!(refused.contains("<Code>InvalidChangeBatch</Code>") && refused.contains("is protected"), "{refused}");

    let names = |answer: &str| answer.matches("<RecordName>").count();
    let page = client.ask("GET hostedzone/Z1/rrsetprotection?maxresults=2", "");
    let token = page.split("<NextToken>").nth(1).and_then(|rest| rest.split('<').next()).expect("a token");
    assert_eq!(names(&page), 2);
    let rest = client.ask(&format!("GET hostedzone/Z1/rrsetprotection?nexttoken={token}"), "");
    assert_eq!(
        (names(&rest), rest.contains("<RecordType>TXT</RecordType>"), rest.contains("NextToken")),
        (1, true, false),
        "{rest}"
    );
    assert!(client.ask("GET hostedzone/Z1/rrsetprotection?nexttoken=x", "").contains("<Code>InvalidPaginationToken</Code>"));
    assert_eq!(names(&client.ask("GET hostedzone/Z1/rrsetprotection?name=www.example.org&type=TXT", "")), 1);

    for (entries, code, each) in [
        (&[("www.example.org", "A"), ("*.example.org", "A")][..], "ProtectionAlreadyExists", ["ProtectionAlreadyExists"; 2]),
        (
            &[("www.example.org", "A"), ("new.example.org", "A")],
            "InvalidResourceRecordSetProtectionBatch",
            ["ProtectionAlreadyExists", "ProtectionAlreadyExists"],
        ),
        (
            &[("www.example.com", "A"), ("www.example.org", "A")],
            "InvalidResourceRecordSetProtectionBatch",
            ["InvalidInput", "InvalidInput"],
        ),
        (
            &[("new.example.org", "A"), ("NEW.example.org.", "A")],
            "InvalidResourceRecordSetProtectionBatch",
            ["InvalidInput", "InvalidInput"],
        ),
    ] {
        let answer = client.ask(path, &protections("Create", entries));
        assert!(answer.contains(&format!("<Code>{code}</Code>")), "{answer}");
        assert!(each.iter().all(|code| answer.contains(&format!("<Code>{code}</Code>"))), "{answer}");
    }
    assert_eq!(names(&client.ask("GET hostedzone/Z1/rrsetprotection", "")), 3);

    let unknown = client.ask(delete, &protections("Delete", &[("www.example.org", "A"), ("new.example.org", "A")]));
    assert!(unknown.contains("<Code>ProtectionNotFound</Code>") && names(&unknown) == 1, "{unknown}");
    client.ask(delete, &protections("Delete", &[("\\052.example.org", "A")]));
    assert_eq!(names(&client.ask("GET hostedzone/Z1/rrsetprotection", "")), 2);
    assert!(client.change(&change("CREATE", WWW)).contains("INSYNC"));
}
