"""boto3, through every operation of its model: each succeeds, its answer is as the model has it, and DNS follows.

Every paginator gives the same list whatever the size of its pages.
"""

import json

from botocore.exceptions import ClientError

from boto3_model import compare_answers
from server import Endpoint, Server, expect, say

VPC = {"VPCRegion": "eu-central-1", "VPCId": "vpc-0a1b2c3d"}
KMS = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
LOGS = "arn:aws:logs:us-east-1:111122223333:log-group:/aws/route53/example.org"


# waypost does not sign, and says so.
REFUSED = {"EnableHostedZoneDNSSEC", "DisableHostedZoneDNSSEC"}


def main():
    with Server() as server:
        client = server.client()
        compare_answers(client)
        succeeded = set()
        client.meta.events.register("after-call.route-53", lambda model, parsed, **_: note(succeeded, model, parsed))
        account = Account(server, client)
        for part in (zones, records, checks, tags, networks, places, policies, delegation, logs, views, signing, protections):
            say(f"-- {part.__name__}")
            part(account)
        missed = set(client.meta.service_model.operation_names) - succeeded
        expect(missed, REFUSED, f"each of {len(succeeded)} operations was called and succeeded, and nothing else is refused")
        expect(server.dig("www.example.org"), ["192.0.2.1"], "what was not changed is answered as before")


def note(succeeded, model, parsed):
    if parsed["ResponseMetadata"]["HTTPStatusCode"] < 300:
        succeeded.add(model.name)


class Account:
    """What the parts leave to each other."""

    def __init__(self, server, client):
        self.server, self.client = server, client
        self.dig = server.dig
        self.references = 0

    def reference(self):
        self.references += 1
        return f"reference-{self.references}"

    def zone(self, name, **more):
        made = self.client.create_hosted_zone(Name=name, CallerReference=self.reference(), **more)
        expect("/2013-04-01/hostedzone/" in made["Location"], True, f"{name} has a place")
        return made["HostedZone"]["Id"].removeprefix("/hostedzone/")

    def change(self, action, *record_sets, zone=None):
        changes = [{"Action": action, "ResourceRecordSet": one} for one in record_sets]
        made = self.client.change_resource_record_sets(HostedZoneId=zone or self.example, ChangeBatch={"Changes": changes})
        self.client.get_waiter("resource_record_sets_changed").wait(Id=made["ChangeInfo"]["Id"])

    def refused(self, call, *words, **input):
        """The error that a call ends in."""
        try:
            call(*words, **input)
        except ClientError as error:
            say(f"  refused: {error}")
            return error.response["Error"]
        raise AssertionError("it is not refused")

    def same_pages(self, name, key, **input):
        """The list that a paginator gives, the same whatever the size of the pages."""
        paginator = self.client.get_paginator(name)
        # The model has no limit for one of the paginators; the operation has.
        has_limit = self.client.meta.method_to_api_mapping[name] != "ListVPCAssociationAuthorizations"

        def pages(size):
            limit = {"PaginationConfig": {"PageSize": size}} if has_limit else {"MaxResults": str(size)}
            return [one for page in paginator.paginate(**input, **limit) for one in page[key]]

        whole = [one for page in paginator.paginate(**input) for one in page[key]]
        for size in range(1, len(whole) + 1):
            expect(pages(size) == whole, True, f"{name} by {size}: the same {len(whole)}")
        expect(len(whole) > 1, True, f"{name} has pages")
        return whole


def a_set(name, *values, rtype="A", ttl=60, **more):
    return {"Name": name, "Type": rtype, "TTL": ttl, "ResourceRecords": [{"Value": value} for value in values], **more}


def zones(account):
    client = account.client
    account.example = account.zone("example.org", HostedZoneConfig={"Comment": "<&> \u00e9"})
    account.other = account.zone("example.net")
    shown = client.get_hosted_zone(Id=account.example)["HostedZone"]
    expect((shown["Config"]["Comment"], shown["ResourceRecordSetCount"]), ("<&> \u00e9", 2), "a zone begins with NS and SOA")
    commented = client.update_hosted_zone_comment(Id=account.example, Comment="other")["HostedZone"]
    expect(commented["Config"]["Comment"], "other", "its comment is changed")
    bare = client.update_hosted_zone_comment(Id=account.example)["HostedZone"]
    expect("Comment" in bare["Config"], False, "and removed by none")
    client.update_hosted_zone_features(HostedZoneId=account.example, EnableAcceleratedRecovery=True)
    expect(client.get_hosted_zone_count()["HostedZoneCount"], 2, "both are counted")
    listed = [zone["Name"] for zone in account.same_pages("list_hosted_zones", "HostedZones")]
    expect(sorted(listed), ["example.net.", "example.org."], "both are listed")
    by_name = client.list_hosted_zones_by_name()["HostedZones"]
    expect([zone["Name"] for zone in by_name], ["example.net.", "example.org."], "by labels from the last on")
    limit = client.get_hosted_zone_limit(Type="MAX_RRSETS_BY_ZONE", HostedZoneId=account.example)
    expect(limit["Count"], 2, "a zone's limit says how many record sets it has")
    expect(client.get_account_limit(Type="MAX_HOSTED_ZONES_BY_OWNER")["Count"], 2, "and the account's how many zones")
    client.delete_hosted_zone(Id=account.zone("example.com"))
    expect(account.dig("example.com", "SOA"), [], "a zone that is deleted is not served")


def records(account):
    weighted = [a_set("w.example.org", f"192.0.2.{at}", SetIdentifier=str(at), Weight=at) for at in range(3)]
    alias = {"HostedZoneId": account.example, "DNSName": "www.example.org", "EvaluateTargetHealth": True}
    account.change("CREATE", a_set("www.example.org", "192.0.2.1"), a_set("*.example.org", '"a" "b"', rtype="TXT"), *weighted)
    account.change("UPSERT", {"Name": "example.org", "Type": "A", "AliasTarget": alias})
    listed = account.same_pages("list_resource_record_sets", "ResourceRecordSets", HostedZoneId=account.example)
    names = [(one["Name"], one["Type"]) for one in listed]
    expect(names[:4], [("example.org.", "A"), ("example.org.", "NS"), ("example.org.", "SOA"), ("\\052.example.org.", "TXT")], "order")
    expect(len(listed), 8, "each member of a group is listed")
    expect(account.dig("example.org"), ["192.0.2.1"], "an alias answers")
    expect(account.dig("x.example.org", "TXT"), ['"a" "b"'], "a wildcard answers")
    tested = account.client.test_dns_answer(HostedZoneId=account.example, RecordName="w.example.org", RecordType="A")
    expect((tested["RecordData"][0][:8], tested["Protocol"]), ("192.0.2.", "UDP"), "a test query is answered as DNS would be")


def checks(account):
    client, endpoint = account.client, Endpoint()
    config = {"Type": "HTTP", "IPAddress": "127.0.0.1", "Port": endpoint.port, "RequestInterval": 10, "FailureThreshold": 1}
    create = lambda config: client.create_health_check(CallerReference=account.reference(), HealthCheckConfig=config)
    made = create(config)["HealthCheck"]
    of_it = {"Type": "CALCULATED", "ChildHealthChecks": [made["Id"]], "HealthThreshold": 1, "Inverted": True}
    inverted = create(of_it)["HealthCheck"]["Id"]
    account.check = made["Id"]
    expect(client.get_health_check(HealthCheckId=made["Id"])["HealthCheck"], made, "a health check reads as it was made")
    updated = client.update_health_check(HealthCheckId=made["Id"], HealthCheckVersion=1, ResourcePath="/x")["HealthCheck"]
    expect((updated["HealthCheckVersion"], updated["HealthCheckConfig"]["ResourcePath"]), (2, "/x"), "a change makes a version")
    expect(client.get_health_check_count()["HealthCheckCount"], 2, "both are counted")
    expect({one["Id"] for one in account.same_pages("list_health_checks", "HealthChecks")}, {made["Id"], inverted}, "and listed")
    expect(len(client.get_checker_ip_ranges()["CheckerIpRanges"]) > 0, True, "checkers have addresses")
    names = [a_set(f"{name}.example.org", "192.0.2.7", HealthCheckId=check, SetIdentifier="1", Failover="PRIMARY") for name, check in
             (("up", made["Id"]), ("down", inverted))]
    others = [{**one, "ResourceRecords": [{"Value": "192.0.2.8"}], "SetIdentifier": "2", "Failover": "SECONDARY"} for one in names]
    for other in others:
        del other["HealthCheckId"]
    account.change("CREATE", *names, *others)
    expect(account.dig("up.example.org"), ["192.0.2.7"], "the primary is answered while it is healthy")
    endpoint.stop()
    account.server.await_event("health_transition", check=made["Id"], to="unhealthy")
    expect(account.dig("up.example.org"), ["192.0.2.8"], "the secondary once it is not")
    expect(account.dig("down.example.org"), ["192.0.2.7"], "and the other way round where the check is inverted")
    status = client.get_health_check_status(HealthCheckId=made["Id"])["HealthCheckObservations"][0]["StatusReport"]["Status"]
    expect(status.startswith("Failure"), True, f"its status says so: {status}")
    last = client.get_health_check_last_failure_reason(HealthCheckId=made["Id"])["HealthCheckObservations"]
    expect(last[0]["StatusReport"]["Status"], status, "and so does its last failure")
    client.delete_health_check(HealthCheckId=create({**config, "Disabled": True})["HealthCheck"]["Id"])


def tags(account):
    client, zone = account.client, {"ResourceType": "hostedzone", "ResourceId": account.example}
    client.change_tags_for_resource(**zone, AddTags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}])
    client.change_tags_for_resource(**zone, RemoveTagKeys=["a"])
    shown = client.list_tags_for_resource(**zone)["ResourceTagSet"]
    expect((shown["ResourceId"], shown["Tags"]), (account.example, [{"Key": "b", "Value": ""}]), "a zone has the tags it was given")
    both = client.list_tags_for_resources(ResourceType="hostedzone", ResourceIds=[account.example, account.other])["ResourceTagSets"]
    expect([one["Tags"] for one in both], [[{"Key": "b", "Value": ""}], []], "and so have several")


def networks(account):
    client = account.client
    made = client.create_cidr_collection(Name="offices", CallerReference=account.reference())["Collection"]
    other = client.create_cidr_collection(Name="unused", CallerReference=account.reference())["Collection"]
    put = lambda location, *blocks: {"LocationName": location, "Action": "PUT", "CidrList": list(blocks)}
    client.change_cidr_collection(Id=made["Id"], CollectionVersion=1, Changes=[put("fra", "203.0.113.0/24", "2001:db8::/48"), put("nyc", "198.51.100.0/24")])
    collections = account.same_pages("list_cidr_collections", "CidrCollections")
    expect({one["Name"]: one["Version"] for one in collections}, {"offices": 2, "unused": 1}, "a change makes a version")
    blocks = account.same_pages("list_cidr_blocks", "CidrBlocks", CollectionId=made["Id"])
    expect(len(blocks), 3, "all blocks are listed")
    locations = account.same_pages("list_cidr_locations", "CidrLocations", CollectionId=made["Id"])
    expect([one["LocationName"] for one in locations], ["fra", "nyc"], "and their locations")
    routed = lambda location: {"CollectionId": made["Id"], "LocationName": location}
    account.change("CREATE", *[
        a_set("net.example.org", address, SetIdentifier=location, CidrRoutingConfig=routed(location))
        for location, address in (("fra", "192.0.2.11"), ("nyc", "192.0.2.12"), ("*", "192.0.2.13"))
    ])
    expect(account.dig("net.example.org", subnet="203.0.113.0/24"), ["192.0.2.11"], "a client's network decides")
    expect(account.dig("net.example.org", subnet="198.51.100.0/24"), ["192.0.2.12"], "which is it")
    expect(account.dig("net.example.org", subnet="192.0.2.0/24"), ["192.0.2.13"], "or none")
    client.delete_cidr_collection(Id=other["Id"])


def places(account):
    client = account.client
    texas = client.get_geo_location(CountryCode="US", SubdivisionCode="TX")["GeoLocationDetails"]
    expect((texas["CountryName"], texas["SubdivisionName"]), ("United States", "Texas"), "a place has names")
    listed, page = [], client.list_geo_locations(MaxItems="7")
    while True:
        listed += page["GeoLocationDetailsList"]
        if not page["IsTruncated"]:
            break
        following = {f"Start{key.removeprefix('Next')}": page[key] for key in page if key.startswith("Next")}
        page = client.list_geo_locations(MaxItems="7", **following)
    expect(listed, client.list_geo_locations(MaxItems="1000")["GeoLocationDetailsList"], "pages of seven give every place")
    expect(texas in listed, True, "Texas among them")


def policies(account):
    client = account.client
    document = lambda address: json.dumps({
        "AWSPolicyFormatVersion": "2015-10-01",
        "RecordType": "A",
        "StartRule": "failover",
        "Endpoints": {"one": {"Type": "value", "Value": address}, "two": {"Type": "value", "Value": "192.0.2.22"}},
        "Rules": {"failover": {
            "RuleType": "failover",
            "Primary": {"EndpointReference": "one", "HealthCheck": account.check},
            "Secondary": {"EndpointReference": "two"},
        }},
    })
    made = client.create_traffic_policy(Name="p", Document=document("192.0.2.21"), Comment="first")["TrafficPolicy"]
    version = client.create_traffic_policy_version(Id=made["Id"], Document=document("192.0.2.23"))["TrafficPolicy"]["Version"]
    expect(version, 2, "a second version")
    client.update_traffic_policy_comment(Id=made["Id"], Version=2, Comment="second")
    expect(client.get_traffic_policy(Id=made["Id"], Version=2)["TrafficPolicy"]["Comment"], "second", "has its comment")
    expect(client.list_traffic_policies()["TrafficPolicySummaries"][0]["TrafficPolicyCount"], 2, "both versions are counted")
    versions = client.list_traffic_policy_versions(Id=made["Id"])["TrafficPolicies"]
    expect([one["Version"] for one in versions], [1, 2], "and listed")
    given = {"TTL": 60, "TrafficPolicyId": made["Id"], "TrafficPolicyVersion": 1}
    instance = client.create_traffic_policy_instance(HostedZoneId=account.example, Name="policy.example.org", **given)
    id = instance["TrafficPolicyInstance"]["Id"]
    expect(account.dig("policy.example.org"), ["192.0.2.22"], "the policy fails over, for its primary's check is unhealthy")
    client.update_traffic_policy_instance(Id=id, **{**given, "TrafficPolicyVersion": 2})
    expect(client.get_traffic_policy_instance(Id=id)["TrafficPolicyInstance"]["State"], "Applied", "a version is applied at once")
    expect(client.get_traffic_policy_instance_count()["TrafficPolicyInstanceCount"], 1, "one instance is counted")
    expect(client.get_account_limit(Type="MAX_TRAFFIC_POLICIES_BY_OWNER")["Count"], 1, "one policy, too")
    lists = [
        client.list_traffic_policy_instances(),
        client.list_traffic_policy_instances_by_hosted_zone(HostedZoneId=account.example),
        client.list_traffic_policy_instances_by_policy(TrafficPolicyId=made["Id"], TrafficPolicyVersion=2),
    ]
    expect([one["TrafficPolicyInstances"][0]["Id"] for one in lists], [id] * 3, "and listed in three ways")
    client.delete_traffic_policy_instance(Id=id)
    expect(account.dig("policy.example.org", "TXT"), ['"a" "b"'], "with the instance goes its name, and the wildcard covers it")
    client.delete_traffic_policy(Id=made["Id"], Version=1)


def delegation(account):
    client = account.client
    made = client.create_reusable_delegation_set(CallerReference=account.reference())["DelegationSet"]
    expect(client.get_reusable_delegation_set(Id=made["Id"])["DelegationSet"], made, "a delegation set reads as it was made")
    zone = account.zone("example.edu", DelegationSetId=made["Id"])
    servers = [server + "." if not server.endswith(".") else server for server in made["NameServers"]]
    expect(account.dig("example.edu", "NS"), sorted(servers), "a zone made with it is served by its name servers")
    expect(client.get_reusable_delegation_set_limit(Type="MAX_ZONES_BY_REUSABLE_DELEGATION_SET", DelegationSetId=made["Id"])["Count"], 1, "one zone")
    expect([one["Id"] for one in client.list_reusable_delegation_sets()["DelegationSets"]], [made["Id"]], "it is listed")
    client.delete_hosted_zone(Id=zone)
    client.delete_reusable_delegation_set(Id=made["Id"])


def logs(account):
    client = account.client
    make = lambda zone, group: client.create_query_logging_config(HostedZoneId=zone, CloudWatchLogsLogGroupArn=LOGS + group)
    made = [make(account.example, "")["QueryLoggingConfig"], make(account.other, "2")["QueryLoggingConfig"]]
    expect(client.get_query_logging_config(Id=made[0]["Id"])["QueryLoggingConfig"], made[0], "a config reads as it was made")
    listed = account.same_pages("list_query_logging_configs", "QueryLoggingConfigs")
    expect(sorted(one["Id"] for one in listed), sorted(one["Id"] for one in made), "both are listed")
    for one in made:
        client.delete_query_logging_config(Id=one["Id"])


def views(account):
    client = account.client
    zone = account.zone("example.internal", VPC=VPC, HostedZoneConfig={"PrivateZone": True})
    others = [{**VPC, "VPCId": f"vpc-0000000{at}"} for at in range(3)]
    for other in others:
        client.create_vpc_association_authorization(HostedZoneId=zone, VPC=other)
    authorized = account.same_pages("list_vpc_association_authorizations", "VPCs", HostedZoneId=zone)
    expect(len(authorized), 3, "all authorizations are listed")
    client.associate_vpc_with_hosted_zone(HostedZoneId=zone, VPC=others[0])
    shown = client.get_hosted_zone(Id=zone)
    expect((len(shown["VPCs"]), shown["HostedZone"]["Config"]["PrivateZone"]), (2, True), "a private zone has two VPCs")
    by_vpc = client.list_hosted_zones_by_vpc(**others[0])["HostedZoneSummaries"]
    expect([one["HostedZoneId"] for one in by_vpc], [zone], "and is found by either")
    client.disassociate_vpc_from_hosted_zone(HostedZoneId=zone, VPC=others[0])
    client.delete_vpc_association_authorization(HostedZoneId=zone, VPC=others[1])
    expect(account.dig("example.internal", "SOA"), [], "who is in no network of a private zone does not see it")
    client.delete_hosted_zone(Id=zone)


def signing(account):
    client, key = account.client, {"HostedZoneId": account.other, "Name": "ksk"}
    client.create_key_signing_key(**key, CallerReference="k", KeyManagementServiceArn=KMS, Status="INACTIVE")
    client.activate_key_signing_key(**key)
    shown = client.get_dnssec(HostedZoneId=account.other)
    found = (shown["Status"]["ServeSignature"], shown["KeySigningKeys"][0]["Status"])
    expect(found, ("NOT_SIGNING", "ACTIVE"), "a key is kept, and nothing is signed")
    for refused in (client.enable_hosted_zone_dnssec, client.disable_hosted_zone_dnssec):
        account.refused(refused, HostedZoneId=account.other)
    client.deactivate_key_signing_key(**key)
    client.delete_key_signing_key(**key)
    expect(client.get_dnssec(HostedZoneId=account.other)["KeySigningKeys"], [], "the key is gone")


def protections(account):
    client, names = account.client, ["www.example.org.", "example.org."]
    keys = [{"RecordName": name, "RecordType": "A"} for name in names]
    client.create_resource_record_set_protections(HostedZoneId=account.example, Protections=keys)
    listed = account.same_pages("list_resource_record_set_protections", "ResourceRecordSetProtections", HostedZoneId=account.example)
    expect(len(listed), 2, "both are listed")
    error = account.refused(account.change, "UPSERT", a_set("www.example.org", "192.0.2.99"))
    expect(error["Code"], "InvalidChangeBatch", "a protected record set is not changed")
    client.delete_resource_record_set_protections(HostedZoneId=account.example, Protections=keys)


if __name__ == "__main__":
    main()
