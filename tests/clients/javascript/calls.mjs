// The AWS SDK for JavaScript, told of an endpoint and of two ports to probe: everything up to the first query, or the end.
//
// `node calls.mjs make PRIMARY_PORT SECONDARY_PORT` prints the ids as JSON; `node calls.mjs clean ID…` takes them away.
// The SDK is found where CLIENTS says. Claims are `assert`'s.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";

const load = createRequire(path.join(process.env.CLIENTS, "javascript", "package.json"));
const sdk = load("@aws-sdk/client-route-53");
const client = new sdk.Route53Client({ endpoint: process.env.AWS_ENDPOINT_URL_ROUTE_53, maxAttempts: 1 });
const wait = { client, maxWaitTime: 5, minDelay: 1 };
const named = (id) => id.replace(/^\/[a-z]+\//, "");

const [step, ...words] = process.argv.slice(2);
await { make, clean }[step](...words);

async function make(...ports) {
  const zone = await client.send(new sdk.CreateHostedZoneCommand({ Name: "example.org", CallerReference: "js" }));
  assert.equal(zone.$metadata.httpStatusCode, 201);
  assert.match(zone.Location, /\/2013-04-01\/hostedzone\/Z/);
  assert.ok(zone.ChangeInfo.SubmittedAt instanceof Date);
  const id = named(zone.HostedZone.Id);
  const checks = [];
  for (const port of ports) {
    checks.push(await check(port));
  }
  await refuse(id);
  await change(id, "CREATE", checks);
  await list(id, checks);
  console.log(JSON.stringify({ zone: id, checks }));
}

async function check(port) {
  const config = { Type: "HTTP", IPAddress: "127.0.0.1", Port: Number(port), ResourcePath: "/?a=1&b=<2>", RequestInterval: 1 };
  const input = { CallerReference: port, HealthCheckConfig: { ...config, FailureThreshold: 2 } };
  const made = (await client.send(new sdk.CreateHealthCheckCommand(input))).HealthCheck;
  assert.equal(made.HealthCheckConfig.ResourcePath, config.ResourcePath, "what XML escapes comes back as it was");
  return made.Id;
}

async function change(HostedZoneId, Action, checks) {
  const failover = ["PRIMARY", "SECONDARY"].map((Failover, at) => ({
    Name: "www.example.org.",
    Type: "A",
    SetIdentifier: Failover,
    Failover,
    TTL: 5,
    ResourceRecords: [{ Value: `192.0.2.${at + 1}` }],
    HealthCheckId: checks[at],
  }));
  // Text that XML, the API's own escapes and DNS each have a word for.
  const text = { Name: "*.\\052.example.org", Type: "TXT", TTL: 5, ResourceRecords: [{ Value: '"<a & b>" "\\"\\344"' }] };
  const Changes = [...failover, text].map((ResourceRecordSet) => ({ Action, ResourceRecordSet }));
  const batch = { HostedZoneId, ChangeBatch: { Comment: "<&>", Changes } };
  const { ChangeInfo } = await client.send(new sdk.ChangeResourceRecordSetsCommand(batch));
  const { state, reason } = await sdk.waitUntilResourceRecordSetsChanged(wait, { Id: ChangeInfo.Id });
  assert.equal(state, "SUCCESS");
  assert.equal(reason.ChangeInfo.Comment, "<&>");
}

async function refuse(HostedZoneId) {
  const record = { Name: "www.example.net", Type: "A", TTL: 5, ResourceRecords: [{ Value: "192.0.2.1" }] };
  const ChangeBatch = { Changes: [{ Action: "CREATE", ResourceRecordSet: record }] };
  await assert.rejects(client.send(new sdk.ChangeResourceRecordSetsCommand({ HostedZoneId, ChangeBatch })), (error) => {
    assert.ok(error instanceof sdk.InvalidChangeBatch, `${error}`);
    assert.equal(error.$metadata.httpStatusCode, 400);
    // The SDK looks for its text under another name than Route 53 writes, and leaves it where it was.
    assert.match(error.Error.Message, /RRSet with DNS name www\.example\.net\. is not permitted in zone example\.org\./);
    return true;
  });
  await assert.rejects(client.send(new sdk.GetHostedZoneCommand({ Id: "Z0000000000000" })), sdk.NoSuchHostedZone);
  const stranger = new sdk.Route53Client({ endpoint: process.env.AWS_ENDPOINT_URL_ROUTE_53, credentials: { accessKeyId: "AKIDSTRANGER", secretAccessKey: "x" } });
  await assert.rejects(stranger.send(new sdk.ListHostedZonesCommand({})), { name: "InvalidClientTokenId" });
}

async function list(HostedZoneId, checks) {
  const whole = await recordSets(HostedZoneId, 100);
  assert.deepEqual(whole.map((one) => one.Type), ["NS", "SOA", "TXT", "A", "A"]);
  assert.equal(whole[2].Name, "\\052.\\052.example.org.");
  assert.equal(whole[2].ResourceRecords[0].Value, '"<a & b>" "\\"\\344"');
  assert.deepEqual(whole.slice(3).map((one) => one.HealthCheckId), checks);
  for (let size = 1; size <= whole.length; size += 1) {
    assert.deepEqual(await recordSets(HostedZoneId, size), whole);
  }
  const listed = await pages(sdk.paginateListHealthChecks, {}, "HealthChecks", 1);
  assert.deepEqual(new Set(listed.map((one) => one.Id)), new Set(checks));
}

// The SDK has no paginator for lists that go on from more than one name.
async function recordSets(HostedZoneId, MaxItems) {
  const all = [];
  let next = {};
  do {
    const page = await client.send(new sdk.ListResourceRecordSetsCommand({ HostedZoneId, MaxItems, ...next }));
    all.push(...page.ResourceRecordSets);
    assert.ok(page.ResourceRecordSets.length <= MaxItems);
    const { NextRecordName: StartRecordName, NextRecordType: StartRecordType, NextRecordIdentifier: StartRecordIdentifier } = page;
    next = page.IsTruncated && { StartRecordName, StartRecordType, StartRecordIdentifier };
  } while (next);
  return all;
}

async function pages(paginate, input, member, pageSize) {
  const all = [];
  for await (const page of paginate({ client, pageSize }, input)) {
    all.push(...page[member]);
  }
  return all;
}

async function clean(zone, ...checks) {
  await change(zone, "DELETE", checks);
  for (const HealthCheckId of checks) {
    await client.send(new sdk.DeleteHealthCheckCommand({ HealthCheckId }));
  }
  await client.send(new sdk.DeleteHostedZoneCommand({ Id: zone }));
  assert.deepEqual((await client.send(new sdk.ListHostedZonesCommand({}))).HostedZones, []);
}
