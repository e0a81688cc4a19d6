"""The AWS CLI: every tutorial's failover, and it happens. `awscli.py PATH VERSION`, with the major version that is at PATH.

The tutorial's own health check has `RequestInterval=30,FailureThreshold=3`: it is made as written, for the secondary. The
primary's is as fast as the client lets it be.
"""

import json
import sys

from server import Endpoint, Server, expect

AWS, VERSION = sys.argv[1:]

# With what the client ends when the server says no.
REFUSED = {"1": 255, "2": 254}[VERSION]


def main():
    primary, secondary = Endpoint(), Endpoint()
    with Server() as server:
        expect(server.run(AWS, "--version").split(".")[0], f"aws-cli/{VERSION}", "it is the version that is meant")

        def aws(*words, status=0):
            printed = server.run(AWS, "--endpoint-url", server.endpoint, "--output", "json", "route53", *words, status=status)
            return json.loads(printed) if status == 0 and printed.strip() else printed

        zone = created_zone(aws)
        checks = {
            "primary": created_check(aws, "primary", primary.port, "RequestInterval=10,FailureThreshold=1"),
            "secondary": created_check(aws, "secondary", secondary.port, "RequestInterval=30,FailureThreshold=3"),
        }
        change(aws, server, zone, "CREATE", [failover("PRIMARY", "192.0.2.1", checks), failover("SECONDARY", "192.0.2.2", checks)])
        lists(aws, zone, checks)
        refuses(aws, server, zone, checks)
        expect(server.dig("www.example.org"), ["192.0.2.1"], "the primary is answered while it is healthy")

        server.await_event("health_transition", check=checks["primary"], to="healthy")
        expect(checkers(aws, checks["primary"])[0].startswith("Success"), True, "the checker has seen the primary answer")
        primary.stop()
        server.await_event("health_transition", check=checks["primary"], to="unhealthy")
        expect(server.dig("www.example.org"), ["192.0.2.2"], "the secondary is answered once the primary is gone")
        expect(tested(aws, zone), ["192.0.2.2"], "test-dns-answer says the same")
        expect(checkers(aws, checks["primary"])[0].startswith("Failure"), True, "the checker has seen the primary fail")

        cleans_up(aws, server, zone, checks)


def created_zone(aws):
    made = aws("create-hosted-zone", "--name", "example.org", "--caller-reference", "1", "--hosted-zone-config", "Comment=a tutorial")
    expect(made["HostedZone"]["Name"], "example.org.", "the zone is made")
    expect(made["ChangeInfo"]["Status"], "INSYNC", "and served before the call returns")
    aws("wait", "resource-record-sets-changed", "--id", made["ChangeInfo"]["Id"])
    return made["HostedZone"]["Id"].removeprefix("/hostedzone/")


def created_check(aws, reference, port, pace):
    config = f"IPAddress=127.0.0.1,Port={port},Type=HTTP,ResourcePath=/,{pace}"
    made = aws("create-health-check", "--caller-reference", reference, "--health-check-config", config)["HealthCheck"]
    expect(made["HealthCheckVersion"], 1, f"the {reference}'s health check is made")
    expect(aws("get-health-check", "--health-check-id", made["Id"])["HealthCheck"], made, "and reads as it was made")
    return made["Id"]


def failover(role, address, checks):
    return {
        "Name": "www.example.org",
        "Type": "A",
        "SetIdentifier": role.lower(),
        "Failover": role,
        "TTL": 60,
        "ResourceRecords": [{"Value": address}],
        "HealthCheckId": checks[role.lower()],
    }


def change(aws, server, zone, action, record_sets):
    """From a file, as the tutorials have it, and waited for."""
    batch = {"Comment": "failover", "Changes": [{"Action": action, "ResourceRecordSet": one} for one in record_sets]}
    (server.folder / "batch.json").write_text(json.dumps(batch))
    info = aws("change-resource-record-sets", "--hosted-zone-id", zone, "--change-batch", "file://batch.json")["ChangeInfo"]
    aws("wait", "resource-record-sets-changed", "--id", info["Id"])
    shown = aws("get-change", "--id", info["Id"])["ChangeInfo"]
    expect((shown["Status"], shown["Comment"]), ("INSYNC", "failover"), "the change is shown, and done")


def lists(aws, zone, checks):
    sets = aws("list-resource-record-sets", "--hosted-zone-id", zone)["ResourceRecordSets"]
    shown = [(one["Name"], one["Type"], one.get("Failover")) for one in sets]
    expected = [("example.org.", "NS", None), ("example.org.", "SOA", None)]
    expected += [("www.example.org.", "A", "PRIMARY"), ("www.example.org.", "A", "SECONDARY")]
    expect(shown, expected, "the record sets are listed in Route 53's order")
    expect(sets[2]["HealthCheckId"], checks["primary"], "with their health checks")
    one_each = aws("list-resource-record-sets", "--hosted-zone-id", zone, "--page-size", "1")["ResourceRecordSets"]
    expect(one_each, sets, "pages of one give the same list")
    three = aws("list-resource-record-sets", "--hosted-zone-id", zone, "--max-items", "3")
    rest = aws("list-resource-record-sets", "--hosted-zone-id", zone, "--starting-token", three["NextToken"])
    expect(three["ResourceRecordSets"] + rest["ResourceRecordSets"], sets, "and so does a list continued")
    only = aws("list-resource-record-sets", "--hosted-zone-id", zone, "--query", "ResourceRecordSets[?Type == 'A'].SetIdentifier")
    expect(only, ["primary", "secondary"], "a query of the client's own works on what was parsed")
    ids = {one["Id"] for one in aws("list-health-checks")["HealthChecks"]}
    expect(ids, set(checks.values()), "both health checks are listed")
    zones = aws("list-hosted-zones-by-name", "--dns-name", "example.org")["HostedZones"]
    expect((zones[0]["Id"], zones[0]["ResourceRecordSetCount"]), (f"/hostedzone/{zone}", 4), "the zone is found by its name")


def refuses(aws, server, zone, checks):
    """What the client prints when the server says no, and that it ends with its own status for that."""
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": failover("PRIMARY", "192.0.2.1", checks)}]}
    (server.folder / "again.json").write_text(json.dumps(batch))
    words = ("change-resource-record-sets", "--hosted-zone-id", zone, "--change-batch", "file://again.json")
    said = aws(*words, status=REFUSED)
    claim = "a record set that is there already is refused in Route 53's words"
    expect("(InvalidChangeBatch) when calling the ChangeResourceRecordSets operation" in said, True, claim)
    expect("set-identifier='primary'] but it already exists" in said, True, "and the message names it")
    said = aws("get-hosted-zone", "--id", "Z0000000000000", status=REFUSED)
    expect("(NoSuchHostedZone)" in said, True, "a zone that does not exist is refused")


def checkers(aws, check):
    return [
        one["StatusReport"]["Status"]
        for one in aws("get-health-check-status", "--health-check-id", check)["HealthCheckObservations"]
    ]


def tested(aws, zone):
    words = ("--hosted-zone-id", zone, "--record-name", "www.example.org", "--record-type", "A")
    answer = aws("test-dns-answer", *words)
    expect(answer["ResponseCode"], "NOERROR", "test-dns-answer answers")
    return answer["RecordData"]


def cleans_up(aws, server, zone, checks):
    change(aws, server, zone, "DELETE", [failover("PRIMARY", "192.0.2.1", checks), failover("SECONDARY", "192.0.2.2", checks)])
    for check in checks.values():
        aws("delete-health-check", "--health-check-id", check)
    expect(aws("list-health-checks")["HealthChecks"], [], "no health check is left")
    aws("delete-hosted-zone", "--id", zone)
    expect(server.dig("www.example.org"), [], "a zone that is deleted is not served")


if __name__ == "__main__":
    main()
