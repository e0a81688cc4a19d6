"""boto3's ways in: which keys, tokens and presigned URLs are let in, and what it makes of the errors.

Every request is signed, and this server has keys: one, one with a session token, one that may read and no more.
"""

import datetime
import time
import urllib.error
import urllib.request
from unittest import mock

from botocore.exceptions import ClientError, WaiterError

from server import Server, expect

KEYS = """
[[route53.key]]
id            = "ASIASESSION"
secret        = "a-secret-of-a-session"
session_token = "a+token/with=signs"

[[route53.key]]
id     = "AKIAREADER"
secret = "a-secret-of-a-reader"
access = "read"
"""


def main():
    with Server(KEYS) as server:
        keys(server)
        urls(server)
        zone = server.client().create_hosted_zone(Name="example.org", CallerReference="1")["HostedZone"]["Id"]
        reader(server, zone)
        errors(server, zone)
        waits(server, zone)
        prefixes(server, zone)
        expect(server.dig("x.example.org"), ["192.0.2.1"], "what was allowed is answered")


def keys(server):
    def refused(**more):
        return code_of(server.client(**more).list_hosted_zones)

    unknown, secret = {"aws_access_key_id": "AKIDSTRANGER"}, {"aws_secret_access_key": "wrong"}
    session = {"aws_access_key_id": "ASIASESSION", "aws_secret_access_key": "a-secret-of-a-session"}
    expect(refused(), None, "a key of the configuration is let in")
    expect(refused(**unknown), "InvalidClientTokenId", "a key that is not there")
    expect(refused(**secret), "SignatureDoesNotMatch", "another secret")
    expect(refused(**session), "InvalidClientTokenId", "a session without its token")
    expect(refused(**session, aws_session_token="another"), "InvalidClientTokenId", "with another token")
    expect(refused(**session, aws_session_token="a+token/with=signs"), None, "with its own it is let in")
    expect(refused(aws_session_token="a+token"), "InvalidClientTokenId", "a token where the key has none")
    expect(refused(region_name="eu-central-1"), None, "any region may be signed for")


def urls(server):
    """Presigned, and asked for by somebody without a key."""
    session = {"aws_access_key_id": "ASIASESSION", "aws_secret_access_key": "a-secret-of-a-session"}
    for name, client in (("a key", server.client()), ("a session", server.client(**session, aws_session_token="a+token/with=signs"))):
        url = client.generate_presigned_url("list_hosted_zones", {"MaxItems": "7"}, ExpiresIn=60)
        expect(status_of(url), 200, f"a presigned URL of {name}")
        expect(status_of(url.replace("maxitems=7", "maxitems=8")), 403, "with another parameter")
    past = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=2)
    with mock.patch("botocore.auth.get_current_datetime", lambda **_: past.replace(tzinfo=None)):
        old = [server.client().generate_presigned_url("get_hosted_zone_count", ExpiresIn=secs) for secs in (60, 180)]
    expect([status_of(url) for url in old], [400, 200], "a URL of two minutes ago, signed for one minute and for three")
    expect(status_of(f"{server.endpoint}/2013-04-01/hostedzone"), 403, "no signature at all")


def status_of(url):
    try:
        with urllib.request.urlopen(url) as page:
            return page.status
    except urllib.error.HTTPError as error:
        return error.code


def reader(server, zone):
    client = server.client(aws_access_key_id="AKIAREADER", aws_secret_access_key="a-secret-of-a-reader")
    expect(client.get_hosted_zone(Id=zone)["HostedZone"]["Name"], "example.org.", "a key for reading reads")
    expect(code_of(client.delete_hosted_zone, Id=zone), "AccessDenied", "and does not write")


def errors(server, zone):
    client = server.client()
    batch = [{"Action": "DELETE", "ResourceRecordSet": a_set(f"{name}.example.org")} for name in "ab"]
    try:
        client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": batch})
        expect(True, False, "a batch that can't be applied is refused")
    except client.exceptions.InvalidChangeBatch as error:
        expect(error.response["ResponseMetadata"]["HTTPStatusCode"], 400, "a batch that can't be applied is refused")
        said = [f"Tried to delete resource record set [name='{name}.example.org.', type='A'] but it was not found" for name in "ab"]
        expect(error.response["Error"]["Message"], f"[{', '.join(said)}]", "with a message for each change, in Route 53's words")
        request_id = error.response["ResponseMetadata"].get("RequestId")
        expect(bool(request_id), True, "and a request id")
    try:
        client.get_health_check(HealthCheckId="abcdef11-2222-3333-4444-555555fedcba")
        expect(True, False, "a health check that is not there has an error of its own")
    except client.exceptions.NoSuchHealthCheck as error:
        expect(error.response["ResponseMetadata"]["HTTPStatusCode"], 404, "a health check that is not there has an error of its own")
        expect(error.response["Error"]["Type"], "Sender", "which is the client's")
    expect(code_of(client.create_hosted_zone, Name="example.com", CallerReference="1"), "HostedZoneAlreadyExists", "a reference used twice")
    expect(code_of(client.delete_hosted_zone, Id="Z0000000000000"), "NoSuchHostedZone", "no such zone")
    expect(code_of(client.create_hosted_zone, Name="exa mple..org", CallerReference="2"), "InvalidDomainName", "no name")


def waits(server, zone):
    client = server.client()
    made = client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": a_set("x.example.org")}]})
    began = time.monotonic()
    client.get_waiter("resource_record_sets_changed").wait(Id=made["ChangeInfo"]["Id"])
    expect(time.monotonic() - began < 10, True, "a waiter need not ask twice")
    try:
        client.get_waiter("resource_record_sets_changed").wait(Id="C0000000000000", WaiterConfig={"MaxAttempts": 1})
        expect(True, False, "a waiter for a change that is not there fails")
    except WaiterError as error:
        expect("NoSuchChange" in str(error), True, "a waiter for a change that is not there fails")


def prefixes(server, zone):
    """An id as it was given, with its kind, and bare."""
    client = server.client()
    for id in (zone, zone.removeprefix("/hostedzone/")):
        expect(client.get_hosted_zone(Id=id)["HostedZone"]["Id"], zone, f"{id} is found")


def a_set(name):
    return {"Name": name, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}


def code_of(call, **input):
    """The code of the error that a call ends in, or none."""
    try:
        call(**input)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


if __name__ == "__main__":
    main()
