import assert from "node:assert/strict";
import { refuses, ServingSentinel } from "../support/process.ts";
import { RawClient } from "../support/raw_client.ts";
import { okResponse, RawOrigin } from "../support/raw_origin.ts";
import { reloadConfig } from "../support/reload_config.ts";
import type { ReloadConfig } from "../support/reload_config.ts";
import { eventually } from "../support/servers.ts";
import { SteadyLoad } from "../support/steady_load.ts";

const RELOADS_UNDER_LOAD = 22;
const RELOAD_INTERVAL_MS = 500;
const MB = 1024 * 1024;

type Wishes = Omit<ReloadConfig, "port" | "adminPort" | "originPort" | "mark">;

async function start(origin: RawOrigin, wishes: Wishes = {}): Promise<ServingSentinel> {
  return await ServingSentinel.start((place) =>
    reloadConfig({ ...place, originPort: origin.port, mark: "one", ...wishes })
  );
}

function write(
  sentinel: ServingSentinel,
  origin: RawOrigin,
  wishes: Wishes & { mark: string },
): Promise<void> {
  const { port, adminPort } = sentinel;
  return Deno.writeTextFile(
    sentinel.configPath,
    reloadConfig({ port, adminPort, originPort: origin.port, ...wishes }),
  );
}

async function markOf(sentinel: ServingSentinel): Promise<string | null> {
  const response = await fetch(`http://127.0.0.1:${sentinel.port}/`);
  await response.body?.cancel();
  return response.headers.get("x-mark");
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

Deno.test("reload: SIGHUP, POST and the file watch each bring the new configuration", async () => {
  await using origin = new RawOrigin();
  await using sentinel = await start(origin, { system: "auto-reload #true" });
  assert.equal(await markOf(sentinel), "one");

  await write(sentinel, origin, { mark: "two", system: "auto-reload #true" });
  await sentinel.process.said(/Reload applied.*trigger=watch/);
  assert.equal(await markOf(sentinel), "two");

  await write(sentinel, origin, { mark: "three" });
  await sentinel.process.said(/Reload applied.*trigger=watch/, 2);
  assert.equal(await markOf(sentinel), "three");

  // The watch is off now, so only what asks for it reloads.
  await write(sentinel, origin, { mark: "four" });
  sentinel.process.signal("SIGHUP");
  await sentinel.process.said(/Reload applied.*trigger=signal/);
  assert.equal(await markOf(sentinel), "four");

  await write(sentinel, origin, { mark: "five" });
  const response = await sentinel.admin("/-/reload", { method: "POST" });
  assert.equal(response.status, 200);
  const result = await response.json();
  assert.equal(result.outcome, "applied");
  assert.equal(result.generation, 5);
  assert.equal(await markOf(sentinel), "five");

  const metrics = await (await sentinel.admin("/metrics")).text();
  assert.match(metrics, /^sentinel_reloads_total\{result="applied"\} 4$/m);
  assert.match(metrics, /^sentinel_config_generation 5$/m);
});

Deno.test("reload: a bad file changes nothing and says why, in the log and at admin", async () => {
  await using origin = new RawOrigin();
  await using sentinel = await start(origin);
  await Deno.writeTextFile(sentinel.configPath, 'system { }\nlisteners {\n  listner "x" { }\n}\n');
  const response = await sentinel.admin("/-/reload", { method: "POST" });
  assert.equal(response.status, 409);
  const { reasons, generation } = await response.json();
  assert.match(reasons, /sentinel\.kdl:3:3/);
  assert.match(reasons, /listner/);
  assert.equal(generation, 1);
  await sentinel.process.said(/Reload failed/);
  assert.equal(await markOf(sentinel), "one");
  assert.match(await (await sentinel.admin("/")).text(), /listner/);
  assert.match(
    await (await sentinel.admin("/metrics")).text(),
    /^sentinel_reloads_total\{result="failed"\} 1$/m,
  );
  assert.equal((await sentinel.admin("/ready")).status, 200);
});

Deno.test("reload: an address that cannot be bound is refused as a whole", async () => {
  await using origin = new RawOrigin();
  await using sentinel = await start(origin);
  const busy = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const text = await Deno.readTextFile(sentinel.configPath);
  await Deno.writeTextFile(
    sentinel.configPath,
    text.replace('mark "one"', 'mark "two"').replace(
      "listeners {",
      `listeners {\n    listener "second" { address "127.0.0.1:${busy.addr.port}"; }`,
    ),
  );
  const response = await sentinel.admin("/-/reload", { method: "POST" });
  assert.equal(response.status, 409);
  assert.match((await response.json()).reasons, new RegExp(`127\\.0\\.0\\.1:${busy.addr.port}.*in use`));
  assert.equal(await markOf(sentinel), "one");
  busy.close();
});

Deno.test("reload: listeners come and go; connections of one that goes are finished", async () => {
  await using origin = new RawOrigin();
  await using sentinel = await start(origin);
  const probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const second = probe.addr.port;
  probe.close();
  const one = await Deno.readTextFile(sentinel.configPath);
  const two = one.replace(
    "listeners {",
    `listeners {\n    listener "second" { address "127.0.0.1:${second}"; }`,
  );
  await Deno.writeTextFile(sentinel.configPath, two);
  assert.equal((await sentinel.admin("/-/reload", { method: "POST" })).status, 200);
  const client = await RawClient.connect(second);
  await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  assert.equal((await client.response({ timeoutMs: 5000 }))?.status, 200);

  await Deno.writeTextFile(sentinel.configPath, one);
  assert.equal((await sentinel.admin("/-/reload", { method: "POST" })).status, 200);
  assert.equal(await client.closedWithin(5000), true, "idle connections of a gone listener are closed");
  assert(await eventually(5000, () => refuses(second)), "nobody listens there any more");
  assert.equal(await markOf(sentinel), "one");
  client.close();
});

Deno.test("reload: a long response body survives several reloads", async () => {
  const chunk = new Uint8Array(MB).fill(0x61);
  const { promise: finish, resolve: release } = Promise.withResolvers<void>();
  await using origin = new RawOrigin({
    script: async (connection, request) => {
      if (request.target !== "/long") return await connection.send(okResponse("ok"));
      await connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${4 * MB}\r\n\r\n`);
      await connection.send(chunk);
      await finish;
      for (let i = 1; i < 4; i++) await connection.send(chunk);
    },
  });
  await using sentinel = await start(origin);
  const response = await fetch(`http://127.0.0.1:${sentinel.port}/long`);
  for (const mark of ["two", "three", "four"]) {
    await write(sentinel, origin, { mark });
    assert.equal((await sentinel.admin("/-/reload", { method: "POST" })).status, 200);
    assert.equal(await markOf(sentinel), mark);
  }
  release();
  const body = new Uint8Array(await response.arrayBuffer());
  assert.equal(response.headers.get("x-mark"), "one", "a request keeps the configuration it began with");
  assert.equal(body.length, 4 * MB);
  assert(body.every((byte) => byte === 0x61));
});

Deno.test("reload: twice a second under load loses nothing and closes no connection", async () => {
  await using origin = new RawOrigin();
  await using sentinel = await start(origin);
  const load = new SteadyLoad({ port: sentinel.port, clients: 8, path: "/", body: "ok" });
  const startedMs = performance.now();
  for (let i = 1; i <= RELOADS_UNDER_LOAD; i++) {
    await write(sentinel, origin, { mark: `mark-${i}` });
    sentinel.process.signal("SIGHUP");
    // The rate is the point of this test.
    await pause(Math.max(0, startedMs + i * RELOAD_INTERVAL_MS - performance.now()));
  }
  await sentinel.process.said(/Reload applied/, RELOADS_UNDER_LOAD);
  const { requests, failures, reconnects } = await load.stop();
  assert.deepEqual(failures, []);
  assert.equal(reconnects, 0);
  assert(requests > 1000, `${requests} requests are too few to tell`);
  assert.equal(await markOf(sentinel), `mark-${RELOADS_UNDER_LOAD}`);
  assert.equal(/Reload failed/.test(sentinel.process.stderr), false);
});
