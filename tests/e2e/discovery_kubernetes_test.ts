/** EndpointSlices by list and watch over real sockets, and the ways in which a server fails. */

import assert from "node:assert/strict";
import type { Answer, Finder } from "../../src/discovery/discovery.ts";
import { addressesFrom, finderOf } from "../support/discovery_rig.ts";
import { FakeKubernetes, type SliceSpec } from "../support/fake_kubernetes.ts";
import type { Fault } from "../support/fault.ts";

const FOREVER = new AbortController().signal;

function kubernetesFinder(server: FakeKubernetes, more = 'token-file "none"'): Finder {
  return finderOf(
    `discovery "kubernetes" { url "${server.url}"; service "api"; namespace "shop"; ${more} }`,
  );
}

const slice = (...addresses: string[]): SliceSpec => ({
  endpoints: addresses.map((address) => ({ addresses: [address] })),
});
const addresses = ({ targets }: Answer) => targets.map(({ address }) => address).sort();

Deno.test("kubernetes: pages of slices are one list, and events change it", async () => {
  await using server = new FakeKubernetes({
    a: slice("10.0.0.1"),
    b: slice("10.0.0.2", "10.0.0.3"),
    c: slice("10.0.0.4"),
  });
  const finder = kubernetesFinder(server);
  assert.deepEqual(await addressesFrom(finder), [
    "10.0.0.1:8080",
    "10.0.0.2:8080",
    "10.0.0.3:8080",
    "10.0.0.4:8080",
  ]);
  assert.equal(server.lists, 2, "two pages");
  const steps: { change: () => void; want: string[] }[] = [
    { change: () => server.set("b", slice("10.0.0.9")), want: ["10.0.0.1", "10.0.0.4", "10.0.0.9"] },
    { change: () => server.delete("a"), want: ["10.0.0.4", "10.0.0.9"] },
    { change: () => server.set("d", slice("10.0.0.5")), want: ["10.0.0.4", "10.0.0.5", "10.0.0.9"] },
    { change: () => server.set("d", { endpoints: [] }), want: ["10.0.0.4", "10.0.0.9"] },
  ];
  for (const { change, want } of steps) {
    const next = finder.next(FOREVER);
    await server.watched();
    change();
    assert.deepEqual(addresses(await next), want.map((ip) => `${ip}:8080`));
  }
  assert.deepEqual([server.lists, server.watches], [2, 1]);
  finder.close();
});

Deno.test("kubernetes: a watch that ends goes on from its bookmark, and misses nothing", async () => {
  await using server = new FakeKubernetes({ a: slice("10.0.0.1") });
  const finder = kubernetesFinder(server);
  await finder.next(FOREVER);
  const ended = finder.next(FOREVER);
  await server.watched();
  server.bookmark();
  server.endWatches();
  assert.deepEqual(addresses(await ended), ["10.0.0.1:8080"]);
  server.set("a", slice("10.0.0.2"));
  assert.deepEqual(await addressesFrom(finder), ["10.0.0.2:8080"]);
  assert.equal(server.lists, 1);
  const [first, second] = server.requests.slice(-2).map(({ query }) => Number(query.get("resourceVersion")));
  assert.equal(second! - first!, 1, "the bookmark counts");
  assert.equal(server.requests.at(-1)!.query.get("allowWatchBookmarks"), "true");
  finder.close();
});

Deno.test("kubernetes: 410 Gone, as an event or a status, is answered by another list", async () => {
  await using server = new FakeKubernetes({ a: slice("10.0.0.1") });
  const finder = kubernetesFinder(server);
  await finder.next(FOREVER);
  server.set("a", slice("10.0.0.2"));
  server.set("a", slice("10.0.0.3"));
  server.compact();
  assert.deepEqual(await addressesFrom(finder), ["10.0.0.3:8080"]);
  assert.equal(server.lists, 2);
  server.faults.push({ type: "status", status: 410, body: '{"kind":"Status","code":410}' });
  server.set("a", slice("10.0.0.4"));
  assert.deepEqual(await addressesFrom(finder), ["10.0.0.4:8080"]);
  assert.equal(server.lists, 3);
  finder.close();
});

Deno.test("kubernetes: conditions, zones and ports", async () => {
  const ready = { addresses: ["10.0.0.1", "10.0.0.101"], zone: "eu-1a" };
  const silent = { addresses: ["10.0.0.2"], conditions: { ready: false } };
  const leaving = { addresses: ["10.0.0.3"], conditions: { ready: false, serving: true, terminating: true } };
  const gone = { addresses: ["10.0.0.4"], conditions: { ready: false, serving: false, terminating: true } };
  const ports = [
    { name: "dns", port: 53, protocol: "UDP" },
    { name: "http", port: 8080 },
    { name: "admin", port: 9000, protocol: "TCP" },
  ];
  const cases: { name: string; spec: SliceSpec; more?: string; want: string[]; rejected?: number }[] = [
    {
      name: "only ready ones",
      spec: { ports, endpoints: [ready, silent, leaving, gone] },
      want: ["10.0.0.1:8080"],
    },
    {
      name: "those that leave when no other is left",
      spec: { ports, endpoints: [silent, leaving, gone] },
      want: ["10.0.0.3:8080"],
    },
    { name: "none", spec: { ports, endpoints: [silent, gone] }, want: [] },
    {
      name: "a port by name",
      more: 'port "admin"',
      spec: { ports, endpoints: [ready] },
      want: ["10.0.0.1:9000"],
    },
    {
      name: "a port by number",
      more: "port 9000",
      spec: { ports, endpoints: [ready] },
      want: ["10.0.0.1:9000"],
    },
    { name: "no such port", more: 'port "grpc"', spec: { ports, endpoints: [ready] }, want: [], rejected: 1 },
    {
      name: "UDP is no port",
      more: 'port "dns"',
      spec: { ports, endpoints: [ready] },
      want: [],
      rejected: 1,
    },
  ];
  for (const { name, spec, more = "", want, rejected } of cases) {
    await using server = new FakeKubernetes({ a: spec });
    const answer = await kubernetesFinder(server, `token-file "none"; ${more}`).next(FOREVER);
    assert.deepEqual(addresses(answer), want, name);
    assert.equal(answer.rejected?.count, rejected, name);
    if (name === "only ready ones") assert.equal(answer.targets[0]!.zone, "eu-1a");
  }
});

Deno.test("kubernetes: the token's file is read for every request", async () => {
  await using server = new FakeKubernetes({ a: slice("10.0.0.1") });
  server.token = "one";
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, "one\n");
  const finder = kubernetesFinder(server, `token-file "${file}"`);
  assert.deepEqual(await addressesFrom(finder), ["10.0.0.1:8080"]);
  server.token = "two";
  await assert.rejects(finder.next(FOREVER), /status 401: Unauthorized/);
  await Deno.writeTextFile(file, "two\n");
  assert.deepEqual(await addressesFrom(finder), ["10.0.0.1:8080"]);
  await Deno.remove(file);
});

const EVENT_FAULTS: readonly { readonly name: string; readonly text: string; readonly want: RegExp }[] = [
  { name: "bad JSON", text: '{"type":"ADDED",\n', want: /is no JSON/ },
  { name: "an unknown type", text: '{"type":"RENAMED","object":{}}\n', want: /unknown type/ },
  {
    name: "no version",
    text: '{"type":"ADDED","object":{"metadata":{"name":"x"}}}\n',
    want: /resourceVersion/,
  },
  {
    name: "an error",
    text: '{"type":"ERROR","object":{"code":500,"message":"etcd is gone"}}\n',
    want: /etcd is gone/,
  },
  { name: "an endless line", text: `{"type":"${"x".repeat(4_300_000)}`, want: /longer than 4194304/ },
];

for (const { name, text, want } of EVENT_FAULTS) {
  Deno.test(`kubernetes: ${name} within a watch is a failure, and the list is read again`, async () => {
    await using server = new FakeKubernetes({ a: slice("10.0.0.1") });
    const finder = kubernetesFinder(server);
    await finder.next(FOREVER);
    const next = finder.next(FOREVER);
    await server.watched();
    server.raw(text);
    await assert.rejects(next, want);
    assert.deepEqual(await addressesFrom(finder), ["10.0.0.1:8080"]);
    assert.equal(server.lists, 2);
    finder.close();
  });
}

const LIST_FAULTS: readonly { readonly name: string; readonly fault: Fault; readonly want: RegExp }[] = [
  {
    name: "an error",
    fault: { type: "status", status: 503, body: '{"message":"apiserver is shutting down"}' },
    want: /status 503: apiserver is shutting down/,
  },
  { name: "bad JSON", fault: { type: "text", text: "<html>" }, want: /is no JSON/ },
  { name: "half a line", fault: { type: "cut", text: '{"items":[' }, want: /broke off/ },
  {
    name: "no version",
    fault: { type: "text", text: '{"items":[],"metadata":{}}' },
    want: /resourceVersion/,
  },
  { name: "an endless list", fault: { type: "flood", bytes: 34_000_000 }, want: /larger than/ },
];

for (const { name, fault, want } of LIST_FAULTS) {
  Deno.test(`kubernetes: ${name} instead of a list is a failure, and the next one is taken`, async () => {
    await using server = new FakeKubernetes({ a: slice("10.0.0.1") });
    server.faults.push(fault);
    const finder = kubernetesFinder(server);
    await assert.rejects(finder.next(FOREVER), want);
    assert.deepEqual(await addressesFrom(finder), ["10.0.0.1:8080"]);
  });
}

Deno.test("kubernetes: a list that never ends is given up", async () => {
  await using server = new FakeKubernetes({});
  server.pageSize = 1;
  for (let i = 0; i < 6; i++) server.set(`slice-${i}`, slice(`10.0.0.${i}`));
  await assert.rejects(kubernetesFinder(server).next(FOREVER), /more than 500 EndpointSlices/);
});
