/** Consul's blocking queries over real sockets, and the ways in which a server fails. */

import assert from "node:assert/strict";
import type { Answer, Finder } from "../../src/discovery/discovery.ts";
import { addressesFrom, finderOf } from "../support/discovery_rig.ts";
import { FakeConsul } from "../support/fake_consul.ts";
import type { Fault } from "../support/fault.ts";
import { within } from "../support/raw_client.ts";
import { eventually } from "../support/servers.ts";

const FOREVER = new AbortController().signal;

function consulFinder(server: FakeConsul, more = ""): Finder {
  return finderOf(`discovery "consul" { url "${server.url}"; service "api"; ${more} }`);
}

const addresses = ({ targets }: Answer) => targets.map(({ address }) => address).sort();

Deno.test("consul: instances, their node's address, weights, tags and states", async () => {
  await using server = new FakeConsul([
    { address: "10.0.0.1", port: 80, tags: ["a", "b"], weights: { Passing: 5, Warning: 2 } },
    { port: 81, node: "10.0.0.2", tags: ["a"] },
    { address: "fd00::3", port: 82 },
    { address: "10.0.0.4", port: 83, status: "warning", weights: { Passing: 5, Warning: 2 } },
    { address: "10.0.0.5", port: 84, status: "critical" },
    { address: "10.0.0.6", port: 0 },
  ]);
  const cases = [
    { more: "", want: [["10.0.0.1:80", 5], ["10.0.0.2:81", 1], ["[fd00::3]:82", 1]] },
    {
      more: "passing-only #false",
      want: [["10.0.0.1:80", 5], ["10.0.0.2:81", 1], ["10.0.0.4:83", 2], ["[fd00::3]:82", 1]],
    },
    { more: 'tag "a" "b"', want: [["10.0.0.1:80", 5]] },
  ];
  for (const { more, want } of cases) {
    const { targets, rejected } = await consulFinder(server, more).next(FOREVER);
    const got = targets.map(({ address, weight }) => [address, weight]);
    assert.deepEqual(got.sort((a, b) => a[0]! < b[0]! ? -1 : 1), want, more);
    assert.equal(rejected?.count, more.startsWith("tag") ? undefined : 1, more);
  }
});

Deno.test("consul: a change ends the wait, and is seen at once", async () => {
  await using server = new FakeConsul([{ address: "10.0.0.1", port: 80 }]);
  const finder = consulFinder(server, 'datacenter "dc1"; namespace "team one!"'.replace(" one!", ""));
  assert.deepEqual(await addressesFrom(finder), ["10.0.0.1:80"]);
  const next = finder.next(FOREVER);
  server.set([{ address: "10.0.0.2", port: 80 }]);
  assert.deepEqual(addresses(await next), ["10.0.0.2:80"]);
  const [first, second] = server.requests.map(({ query }) => query);
  assert.equal(first!.get("index"), null, "the state is asked for first");
  assert.deepEqual([second!.get("index"), second!.get("wait")], ["10", "300000ms"]);
  assert.deepEqual([second!.get("dc"), second!.get("ns"), second!.get("passing")], ["dc1", "team", "true"]);
});

Deno.test("consul: a wait without a change is no failure; an index that falls starts over", async () => {
  await using server = new FakeConsul([{ address: "10.0.0.1", port: 80 }]);
  const finder = consulFinder(server, "wait 1");
  await finder.next(FOREVER);
  assert.deepEqual(addresses(await finder.next(FOREVER)), ["10.0.0.1:80"]);
  server.set([{ address: "10.0.0.3", port: 80 }], 3);
  assert.deepEqual(addresses(await finder.next(FOREVER)), ["10.0.0.3:80"]);
  server.set([{ address: "10.0.0.4", port: 80 }], 4);
  assert.deepEqual(addresses(await finder.next(FOREVER)), ["10.0.0.4:80"]);
  const indexes = server.requests.map(({ query }) => query.get("index"));
  assert.deepEqual(indexes, [null, "10", "10", null]);
});

Deno.test("consul: the token comes from the option or a file that is read anew", async () => {
  await using server = new FakeConsul([{ address: "10.0.0.1", port: 80 }]);
  server.token = "first";
  assert.equal((await addressesFrom(consulFinder(server, 'token "first"'))).length, 1);
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, "old\n");
  const finder = consulFinder(server, `token-file "${file}"`);
  await assert.rejects(finder.next(FOREVER), /status 403: Permission denied/);
  await Deno.writeTextFile(file, "first\n");
  assert.deepEqual(await addressesFrom(finder), ["10.0.0.1:80"]);
  await Deno.writeTextFile(file, "a b\n");
  await assert.rejects(finder.next(FOREVER), /holds no token/);
  await Deno.remove(file);
});

const FAULTS: readonly { readonly name: string; readonly fault: Fault; readonly want: RegExp }[] = [
  {
    name: "an error",
    fault: { type: "status", status: 500, body: "rpc error: No cluster leader\nx" },
    want: /status 500: rpc error: No cluster leader$/,
  },
  { name: "a redirection", fault: { type: "status", status: 307, body: "" }, want: /status 307/ },
  { name: "bad JSON", fault: { type: "text", text: '[{"Service":' }, want: /is no JSON/ },
  { name: "an object", fault: { type: "text", text: "{}" }, want: /no JSON list/ },
  { name: "half an answer", fault: { type: "cut", text: '[{"Ser' }, want: /broke off/ },
  { name: "too much", fault: { type: "flood", bytes: 17_000_000 }, want: /larger than 16777216 bytes/ },
];

for (const { name, fault, want } of FAULTS) {
  Deno.test(`consul: ${name} is a failure, and the next answer is taken`, async () => {
    await using server = new FakeConsul([{ address: "10.0.0.1", port: 80 }]);
    const finder = consulFinder(server);
    await finder.next(FOREVER);
    server.faults.push(fault);
    await assert.rejects(finder.next(FOREVER), want);
    assert.deepEqual(await addressesFrom(finder), ["10.0.0.1:80"], "the state is asked for, without a wait");
  });
}

Deno.test("consul: a server that hangs can be called off, before and after it was asked", async () => {
  await using server = new FakeConsul([]);
  for (const isAsked of [false, true]) {
    server.faults.push({ type: "hang" });
    const abort = new AbortController();
    const ended = consulFinder(server).next(abort.signal).then(() => "answered", () => "ended");
    if (isAsked) assert(await eventually(5000, () => server.requests.length > 0));
    abort.abort();
    assert.equal(await within(5000, ended, "hangs"), "ended");
  }
});
