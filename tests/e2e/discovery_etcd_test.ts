/** etcd's JSON gateway over real sockets: range, watch, login, and the ways in which a server fails. */

import assert from "node:assert/strict";
import type { Answer, Finder } from "../../src/discovery/discovery.ts";
import { addressesFrom, finderOf } from "../support/discovery_rig.ts";
import { FakeEtcd } from "../support/fake_etcd.ts";
import type { Fault } from "../support/fault.ts";
import { freePort, hasCommand, Server } from "../support/servers.ts";

const FOREVER = new AbortController().signal;

function etcdFinder(server: { readonly url: string }, more = ""): Finder {
  return finderOf(`discovery "etcd" { url "${server.url}"; prefix "/api/"; ${more} }`);
}

const addresses = ({ targets }: Answer) => targets.map(({ address }) => address).sort();

Deno.test("etcd: values of all forms, and nothing beyond the prefix", async () => {
  await using server = new FakeEtcd({
    "/api/1": "10.0.0.1:80",
    "/api/2": '{"address":"10.0.0.2:80","weight":3,"priority":1,"zone":"eu"}',
    "/api/3": '{"Op":0,"Addr":"10.0.0.3:80","Metadata":null}',
    "/api/4": "not an address",
    "/api/5": '{"address":',
    "/api/6": "unix:/run/docker.sock",
    "/api/7": "",
    "/api0": "10.0.0.9:80",
    "/apa/1": "10.0.0.9:80",
  });
  const { targets, rejected } = await etcdFinder(server).next(FOREVER);
  assert.deepEqual(targets, [
    { address: "10.0.0.1:80", weight: 1 },
    { address: "10.0.0.2:80", weight: 3, priority: 1, zone: "eu" },
    { address: "10.0.0.3:80", weight: 1 },
  ]);
  assert.equal(rejected?.count, 4);
});

Deno.test("etcd: puts and deletes are seen, also those between two watches", async () => {
  await using server = new FakeEtcd({ "/api/1": "10.0.0.1:80" });
  const finder = etcdFinder(server);
  await finder.next(FOREVER);
  const next = finder.next(FOREVER);
  await server.watched();
  server.put("/other", "10.0.0.9:80");
  server.put("/api/2", "10.0.0.2:80");
  assert.deepEqual(addresses(await next), ["10.0.0.1:80", "10.0.0.2:80"]);
  server.delete("/api/1");
  assert.deepEqual(await addressesFrom(finder), ["10.0.0.2:80"]);
  server.endWatches();
  assert.deepEqual(await addressesFrom(finder), ["10.0.0.2:80"]);
  server.put("/api/3", "10.0.0.3:80");
  assert.deepEqual(await addressesFrom(finder), ["10.0.0.2:80", "10.0.0.3:80"]);
  assert.equal(server.ranges, 1, "the watch went on where it ended");
  finder.close();
});

Deno.test("etcd: a revision that was compacted is answered by another range", async () => {
  await using server = new FakeEtcd({ "/api/1": "10.0.0.1:80" });
  const finder = etcdFinder(server);
  await finder.next(FOREVER);
  server.put("/api/1", "10.0.0.2:80");
  server.compact();
  assert.deepEqual(await addressesFrom(finder), ["10.0.0.2:80"]);
  assert.equal(server.ranges, 2);
  finder.close();
});

Deno.test("etcd: logs in, and again when the token is worthless", async () => {
  await using server = new FakeEtcd({ "/api/1": "10.0.0.1:80" });
  server.login = { name: "proxy", password: "pass word" };
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, "wrong\n");
  const finder = etcdFinder(server, `user "proxy"; password-file "${file}"`);
  await assert.rejects(finder.next(FOREVER), /status 400: etcdserver: authentication failed/);
  await Deno.writeTextFile(file, "pass word\n");
  assert.deepEqual(await addressesFrom(finder), ["10.0.0.1:80"]);
  server.forgetTokens();
  await assert.rejects(finder.next(FOREVER), /status 401: etcdserver: invalid auth token/);
  assert.deepEqual(await addressesFrom(finder), ["10.0.0.1:80"]);
  await Deno.remove(file);
});

Deno.test("etcd: the next server is asked when one fails", async () => {
  await using dead = new FakeEtcd({});
  await using alive = new FakeEtcd({ "/api/1": "10.0.0.1:80" });
  dead.faults.push({ type: "status", status: 503, body: '{"error":"etcdserver: no leader"}' });
  const finder = finderOf(`discovery "etcd" { urls "${dead.url}" "${alive.url}/"; prefix "/api/"; }`);
  await assert.rejects(finder.next(FOREVER), /status 503: etcdserver: no leader/);
  assert.deepEqual(await addressesFrom(finder), ["10.0.0.1:80"]);
});

const RANGE_FAULTS: readonly { readonly name: string; readonly fault: Fault; readonly want: RegExp }[] = [
  { name: "bad JSON", fault: { type: "text", text: "no" }, want: /is no JSON/ },
  { name: "no revision", fault: { type: "text", text: '{"kvs":[]}' }, want: /without a revision/ },
  { name: "an entry without a key", fault: { type: "text", text: '{"kvs":[{}]}' }, want: /without a key/ },
  { name: "half an answer", fault: { type: "cut", text: '{"header":' }, want: /broke off/ },
  { name: "too much", fault: { type: "flood", bytes: 34_000_000 }, want: /larger than/ },
];

for (const { name, fault, want } of RANGE_FAULTS) {
  Deno.test(`etcd: ${name} instead of a range is a failure, and the next one is taken`, async () => {
    await using server = new FakeEtcd({ "/api/1": "10.0.0.1:80" });
    server.faults.push(fault);
    const finder = etcdFinder(server);
    await assert.rejects(finder.next(FOREVER), want);
    assert.deepEqual(await addressesFrom(finder), ["10.0.0.1:80"]);
  });
}

const WATCH_FAULTS: readonly { readonly name: string; readonly text: string; readonly want: RegExp }[] = [
  { name: "bad JSON", text: '{"result":\n', want: /is no JSON/ },
  {
    name: "an error",
    text: '{"error":{"code":14,"message":"etcdserver: leader changed"}}\n',
    want: /leader changed/,
  },
  {
    name: "a cancel",
    text: '{"result":{"canceled":true,"cancel_reason":"permission denied"}}\n',
    want: /permission denied/,
  },
  {
    name: "an unknown event",
    text: '{"result":{"header":{"revision":"9"},"events":[{"type":"MOVE","kv":{"key":"YQ=="}}]}}\n',
    want: /unknown type/,
  },
  { name: "an endless line", text: "x".repeat(8_500_000), want: /longer than 8388608/ },
];

for (const { name, text, want } of WATCH_FAULTS) {
  Deno.test(`etcd: ${name} within a watch is a failure, and everything is read again`, async () => {
    await using server = new FakeEtcd({ "/api/1": "10.0.0.1:80" });
    const finder = etcdFinder(server);
    await finder.next(FOREVER);
    const next = finder.next(FOREVER);
    await server.watched();
    server.raw(text);
    await assert.rejects(next, want);
    assert.deepEqual(await addressesFrom(finder), ["10.0.0.1:80"]);
    assert.equal(server.ranges, 2);
    finder.close();
  });
}

const isSkipped = !hasCommand("etcd") && Deno.env.get("CI") === undefined;
if (isSkipped) {
  console.log("etcd is not installed (Debian package etcd-server): the real server is not tested");
}

/** Calls the gateway of a real server. */
async function post(url: string, path: string, body: unknown): Promise<void> {
  const response = await fetch(`${url}${path}`, { method: "POST", body: JSON.stringify(body) });
  assert.equal(response.status, 200, await response.text());
}

Deno.test({
  name: "etcd: a real server, with changes, a restart and a compaction",
  ignore: isSkipped,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "sentinel-etcd-" });
    const [port, peerPort] = [freePort(), freePort()];
    const url = `http://127.0.0.1:${port}`;
    const peer = `http://127.0.0.1:${peerPort}`;
    const start = () =>
      Server.start({
        command: "etcd",
        args: [
          ...["--data-dir", folder, "--listen-client-urls", url, "--advertise-client-urls", url],
          ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
          ...["--initial-cluster", `default=${peer}`],
        ],
        ready: port,
      });
    const key = (name: string) => btoa(`/api/${name}`);
    const put = (name: string, value: string) =>
      post(url, "/v3/kv/put", { key: key(name), value: btoa(value) });
    let server = await start();
    try {
      const finder = etcdFinder({ url });
      assert.deepEqual(await addressesFrom(finder), []);
      await put("1", "10.0.0.1:80");
      assert.deepEqual(await addressesFrom(finder), ["10.0.0.1:80"]);
      await put("2", '{"address":"10.0.0.2:80","weight":2}');
      assert.deepEqual(await addressesFrom(finder), ["10.0.0.1:80", "10.0.0.2:80"]);
      await post(url, "/v3/kv/deleterange", { key: key("1") });
      assert.deepEqual(await addressesFrom(finder), ["10.0.0.2:80"]);
      const cutOff = finder.next(FOREVER).catch((cause: Error) => cause);
      await server.stop();
      const outcome = await cutOff;
      assert(outcome instanceof Error || addresses(outcome).join() === "10.0.0.2:80");
      server = await start();
      await put("3", "10.0.0.3:80");
      const later = etcdFinder({ url });
      const found = await later.next(FOREVER);
      assert.deepEqual(addresses(found), ["10.0.0.2:80", "10.0.0.3:80"]);
      await put("2", "10.0.0.4:80");
      const { header } = await (await fetch(`${url}/v3/kv/range`, {
        method: "POST",
        body: JSON.stringify({ key: key("2") }),
      })).json();
      await post(url, "/v3/kv/compaction", { revision: header.revision });
      assert.deepEqual(
        await addressesFrom(later),
        ["10.0.0.3:80", "10.0.0.4:80"],
        "compacted, so read again",
      );
      finder.close();
      later.close();
    } finally {
      await server.stop();
      await Deno.remove(folder, { recursive: true });
    }
  },
});
