/** Targets that come and go while requests are served, by a whole process on real sockets. */

import assert from "node:assert/strict";
import { main } from "../../src/cli/program.ts";
import { discoveryConfig } from "../support/discovery_config.ts";
import { ServingSentinel } from "../support/process.ts";
import { okResponse, RawOrigin } from "../support/raw_origin.ts";
import { eventually } from "../support/servers.ts";
import { SteadyLoad } from "../support/steady_load.ts";

const CHANGES_UNDER_LOAD = 6;
const WAIT_MS = 15_000;

/** Replaces a file at once, as whoever writes lists of targets should. */
async function replace(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(`${path}.new`, text);
  await Deno.rename(`${path}.new`, path);
}

function list(...origins: RawOrigin[]): string {
  return JSON.stringify(origins.map(({ port }) => ({ address: `127.0.0.1:${port}` })));
}

interface UpstreamsPage {
  readonly upstreams: readonly {
    readonly targets: readonly { readonly address: string; readonly status: string }[];
    readonly discovery: {
      readonly subject: string;
      readonly targets: number | null;
      readonly ageSecs: number | null;
      readonly lastError: string | null;
      readonly failuresInARow: number;
      readonly keepsOld: boolean;
    };
  }[];
}

async function upstreamOf(sentinel: ServingSentinel) {
  const page = await (await sentinel.admin("/upstreams")).json() as UpstreamsPage;
  return page.upstreams[0]!;
}

/** Waits until exactly these targets are served. */
async function serves(sentinel: ServingSentinel, ...origins: RawOrigin[]): Promise<void> {
  const want = origins.map(({ port }) => `127.0.0.1:${port}`).sort().join();
  let got = "";
  const isSo = await eventually(WAIT_MS, async () => {
    got = (await upstreamOf(sentinel)).targets.map(({ address }) => address).sort().join();
    return got === want;
  });
  assert(isSo, `waited for ${want}, got ${got}\n${sentinel.process.output}`);
}

async function metric(sentinel: ServingSentinel, name: string): Promise<string | undefined> {
  const text = await (await sentinel.admin("/metrics")).text();
  return text.split("\n").find((line) => line.startsWith(name))?.split(" ").at(-1);
}

/** A process whose targets are the list in a file of its folder. */
async function withFile(
  first: string,
  wishes: { readonly upstream?: string; readonly workers?: number } = {},
): Promise<{ sentinel: ServingSentinel; path: string }> {
  let path = "";
  const sentinel = await ServingSentinel.start(({ folder, ...ports }) => {
    path = `${folder}/targets.json`;
    if (first !== "") Deno.writeTextFileSync(path, first);
    const upstream = `discovery "file" { path "${path}"; initial-wait 1; }\n${wishes.upstream ?? ""}`;
    return discoveryConfig({ ...ports, upstream, workers: wishes.workers ?? 1 });
  });
  return { sentinel, path };
}

Deno.test("discovery: targets change under load and no request is lost", async () => {
  await using one = new RawOrigin();
  await using two = new RawOrigin();
  await using three = new RawOrigin();
  const { sentinel, path } = await withFile(list(one, two), { workers: 2 });
  await using _ = sentinel;
  const load = new SteadyLoad({ port: sentinel.port, clients: 8, path: "/", body: "ok" });
  await load.requests(100);
  const sets = [[two, three], [three], [one, two, three], [one], [one, three], [two]];
  for (let i = 0; i < CHANGES_UNDER_LOAD; i++) {
    await replace(path, list(...sets[i]!));
    await serves(sentinel, ...sets[i]!);
    await load.requests(100);
  }
  const { requests, failures, reconnects } = await load.stop();
  assert.deepEqual(failures, []);
  assert.equal(reconnects, 0, "clients keep their connections");
  assert(requests >= 700, `${requests} requests are too few to tell`);
  assert.equal(await metric(sentinel, 'sentinel_discovery_updates_total{result="applied"}'), "6");
});

Deno.test("discovery: a target that leaves finishes what it has, and gets nothing new", async () => {
  const { promise: mayFinish, resolve: finish } = Promise.withResolvers<void>();
  await using leaving = new RawOrigin({
    script: async (connection, request) => {
      if (request.target !== "/slow") return await connection.send(okResponse("old"));
      await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
      await mayFinish;
      await connection.send("67890");
    },
  });
  await using staying = new RawOrigin({ script: (connection) => connection.send(okResponse("new")) });
  const { sentinel, path } = await withFile(list(leaving));
  await using _ = sentinel;
  const slow = await fetch(`http://127.0.0.1:${sentinel.port}/slow`);
  await replace(path, list(staying));
  await serves(sentinel, staying);
  for (let i = 0; i < 5; i++) {
    assert.equal(await (await fetch(`http://127.0.0.1:${sentinel.port}/`)).text(), "new");
  }
  finish();
  assert.equal(await slow.text(), "1234567890");
});

Deno.test("discovery: a half-written or missing file keeps the targets, and is told once", async () => {
  await using origin = new RawOrigin();
  await using other = new RawOrigin();
  const { sentinel, path } = await withFile(list(origin));
  await using _ = sentinel;
  await Deno.writeTextFile(path, list(origin, other).slice(0, 30));
  await sentinel.process.said(/Discovery failed; the last targets stay.*targets\.json/);
  const { targets, discovery } = await upstreamOf(sentinel);
  assert.equal(targets.length, 1);
  assert.match(discovery.lastError!, /targets\.json: \d+:\d+: /);
  assert(discovery.ageSecs! > 0);
  assert.equal(await metric(sentinel, 'sentinel_discovery_failing{upstream="found",type="file"}'), "1");
  await Deno.remove(path);
  assert(await eventually(WAIT_MS, async () => (await upstreamOf(sentinel)).discovery.failuresInARow === 2));
  assert.match((await upstreamOf(sentinel)).discovery.lastError!, /no such file/);
  await replace(path, list(origin, other));
  await serves(sentinel, origin, other);
  await sentinel.process.said(/Discovery works again/);
  assert.equal(sentinel.process.output.match(/Discovery failed/g)!.length, 1);
  assert.equal(await metric(sentinel, 'sentinel_discovery_failing{upstream="found",type="file"}'), "0");
  assert.equal((await fetch(`http://127.0.0.1:${sentinel.port}/`)).status, 200);
});

Deno.test("discovery: without an answer the start goes on with what is configured, or with nothing", async () => {
  await using fallback = new RawOrigin();
  {
    const { sentinel } = await withFile("", { upstream: `target "127.0.0.1:${fallback.port}"` });
    await using _ = sentinel;
    await serves(sentinel, fallback);
    assert.equal((await upstreamOf(sentinel)).discovery.targets, null);
    assert.equal((await fetch(`http://127.0.0.1:${sentinel.port}/`)).status, 200);
  }
  const { sentinel, path } = await withFile("");
  await using _ = sentinel;
  const refused = await fetch(`http://127.0.0.1:${sentinel.port}/`);
  await refused.body?.cancel();
  assert.equal(refused.status, 503);
  await replace(path, list(fallback));
  await serves(sentinel, fallback);
  assert.equal((await fetch(`http://127.0.0.1:${sentinel.port}/`)).status, 200);
});

Deno.test("discovery: an empty answer is kept out or applied, as configured", async () => {
  await using origin = new RawOrigin();
  for (const { onEmpty, want } of [{ onEmpty: "keep", want: 200 }, { onEmpty: "apply", want: 503 }]) {
    let path = "";
    await using sentinel = await ServingSentinel.start(({ folder, ...ports }) => {
      path = `${folder}/targets.json`;
      Deno.writeTextFileSync(path, list(origin));
      return discoveryConfig({
        ...ports,
        upstream: `discovery "file" { path "${path}"; on-empty "${onEmpty}"; }`,
      });
    });
    assert.equal((await fetch(`http://127.0.0.1:${sentinel.port}/`)).status, 200);
    await replace(path, "[]");
    await sentinel.process.said(
      onEmpty === "keep" ? /found no targets; the last ones stay/ : /changed.*targets=0/,
    );
    const isSo = await eventually(WAIT_MS, async () => {
      const response = await fetch(`http://127.0.0.1:${sentinel.port}/`);
      await response.body?.cancel();
      return response.status === want;
    });
    assert(isSo, onEmpty);
  }
});

Deno.test("discovery: health verdicts and targets survive reloads, and reloads survive a dead source", async () => {
  await using origin = new RawOrigin();
  await using other = new RawOrigin();
  let place: { port: number; adminPort: number } | undefined;
  let path = "";
  const upstream = (more = "") =>
    `discovery "file" { path "${path}"; ${more} }
     health-check { type "tcp"; interval 0.2; timeout 1; }`;
  await using sentinel = await ServingSentinel.start(({ folder, ...ports }) => {
    path = `${folder}/targets.json`;
    Deno.writeTextFileSync(path, list(origin));
    place = ports;
    return discoveryConfig({ ...ports, upstream: upstream() });
  });
  const healthy = () =>
    eventually(
      WAIT_MS,
      async () => (await upstreamOf(sentinel)).targets.every(({ status }) => status === "healthy"),
    );
  assert(await healthy());
  await replace(path, list(origin, other));
  await serves(sentinel, origin, other);
  const kept = (await upstreamOf(sentinel)).targets.find(({ address }) =>
    address.endsWith(`:${origin.port}`)
  );
  assert.equal(kept?.status, "healthy", "a target that stays keeps its verdict");
  assert(await healthy());
  // The source is dead, and a changed option starts it anew: what it last said about the same file stays.
  await Deno.remove(path);
  const text = discoveryConfig({ ...place!, upstream: upstream("max-targets 50"), mark: "two" });
  await Deno.writeTextFile(sentinel.configPath, text);
  const reload = await sentinel.admin("/-/reload", { method: "POST" });
  assert.equal(reload.status, 200, await reload.text());
  const response = await fetch(`http://127.0.0.1:${sentinel.port}/`);
  assert.deepEqual([response.status, response.headers.get("x-mark")], [200, "two"]);
  await serves(sentinel, origin, other);
});

Deno.test("discovery: test and validate look nothing up", async () => {
  let asked = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    asked++;
    return new Response("[]");
  });
  const path = await Deno.makeTempFile({ suffix: ".kdl" });
  const upstream = `discovery "consul" { url "http://127.0.0.1:${server.addr.port}"; service "api"; }`;
  await Deno.writeTextFile(path, discoveryConfig({ port: 8, adminPort: 9, upstream }));
  for (const verb of ["test", "validate"]) {
    let printed = "";
    const print = (text: string) => void (printed += `${text}\n`);
    const terminal = { out: print, err: print, env: () => undefined, color: false };
    assert.equal(await main([verb, "--config", path], terminal), 0, printed);
  }
  assert.equal(asked, 0);
  await Deno.remove(path);
  await server.shutdown();
});
