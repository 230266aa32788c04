/** Agents in a running proxy: named by the configuration, and dropped into the folder. */

import assert from "node:assert/strict";
import type { AgentsView } from "../../src/server/agent_view.ts";
import { ServingSentinel } from "../support/process.ts";
import { okResponse, RawOrigin } from "../support/raw_origin.ts";
import { ROOT } from "../support/servers.ts";
import { SteadyLoad } from "../support/steady_load.ts";

const FIXTURES = `${ROOT}wasm-agents/fixtures`;
/** Time from a file in its place to its being served, as promised. */
const DROP_TO_LIVE_MS = 1000;
const REPLACEMENTS = 8;
/** A machine that is busy with other tests takes its time. */
const WAIT_MS = 10_000;

interface Wishes {
  readonly workers?: number;
  /** Blocks at the top level. */
  readonly top?: string;
  /** Filters of the route. */
  readonly filters?: string;
}

async function start(origin: RawOrigin, { workers = 1, top = "", filters = "" }: Wishes) {
  return await ServingSentinel.start(({ port, adminPort, folder }) => `
system { worker-threads ${workers}; }
listeners { listener "main" { address "127.0.0.1:${port}"; }; }
agents-dir "${folder}/agents"
${top}
routes {
    route "all" { priority "low"; matches { path-prefix "/"; }; upstream "origin"
${filters}
 }
}
upstreams { upstream "origin" { target "127.0.0.1:${origin.port}"; }; }
observability {
    metrics { address "127.0.0.1:${adminPort}"; }
    logging { level "info"; format "text"; access-log { file "-"; format "json"; buffer-size 0; }; }
}
`);
}

async function status(sentinel: ServingSentinel, path: string, init?: RequestInit): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${sentinel.port}${path}`, init);
  await response.body?.cancel();
  return response.status;
}

async function agents(sentinel: ServingSentinel): Promise<AgentsView> {
  return await (await sentinel.admin("/agents")).json();
}

/** Puts a file in its place at once, as deployment tools do. */
async function drop(sentinel: ServingSentinel, name: string, source: string): Promise<void> {
  await Deno.mkdir(`${sentinel.folder}/agents`, { recursive: true });
  await Deno.copyFile(source, `${sentinel.folder}/agents/.${name}.part`);
  await Deno.rename(`${sentinel.folder}/agents/.${name}.part`, `${sentinel.folder}/agents/${name}`);
}

async function configure(sentinel: ServingSentinel, name: string, options: string): Promise<void> {
  await Deno.mkdir(`${sentinel.folder}/agents`, { recursive: true });
  await Deno.writeTextFile(`${sentinel.folder}/agents/${name}.kdl`, options);
}

function answering(body = "ok"): RawOrigin {
  return new RawOrigin({ script: (connection) => connection.send(okResponse(body)) });
}

/** Looks again until nothing is wrong any more; then what was still wrong is the failure. */
async function eventually(look: () => Promise<void>): Promise<void> {
  const dueMs = performance.now() + WAIT_MS;
  while (true) {
    try {
      return await look();
    } catch (cause) {
      if (performance.now() > dueMs) throw cause;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const GUARD = (file: string, more = "") => `
agents { agent "guard" { wasm "${FIXTURES}/${file}"; config { prefix "/secret"; }
${more}
 }; }
filters { filter "guard" { type "agent"; agent "guard"; }; }
`;

for (const file of ["guard_c.wasm", "guard_rust.wasm", "guard_js.wasm"]) {
  Deno.test(`agents: ${file} of the reference's world decides, and is seen everywhere`, async () => {
    await using origin = answering();
    const fuel = file === "guard_js.wasm"
      ? 'fuel 100000000; configure-fuel 1000000000; fuel-accounting "block"'
      : "";
    await using sentinel = await start(origin, { top: GUARD(file, fuel), filters: 'filters "guard"' });
    assert.equal(await status(sentinel, "/open"), 200);
    assert.equal(await status(sentinel, "/secret/x"), 403);
    assert.equal(await status(sentinel, "/secret/x", { headers: { authorization: "Bearer x" } }), 200);
    // What the agent added reaches the upstream.
    assert.match(origin.requests[0]!.head, /^x-waf: clean$/im);

    const view = await agents(sentinel);
    assert.equal(view.agents[0]!.id, "guard");
    assert.equal(view.agents[0]!.condition, "live");
    assert.equal(view.agents[0]!.world, "zentinel:agent@2.0.0");
    const metrics = await (await sentinel.admin("/metrics")).text();
    assert.match(
      metrics,
      /^sentinel_agent_verdicts_total\{agent="guard",event="request-headers",verdict="block"\} 1$/m,
    );
    assert.match(metrics, /^sentinel_blocked_requests_total\{reason="agent_blocked"\} 1$/m);
    await sentinel.process.said(/"agents":\[\{"agent":"guard","verdict":"block".*"fuel":\d+\}\]/);
  });
}

Deno.test("agents: a dropped file is live within a second, replaced, and gone when removed", async () => {
  await using origin = answering();
  await using sentinel = await start(origin, { workers: 2 });
  assert.equal(await status(sentinel, "/secret/x"), 200);

  await configure(sentinel, "guard", 'config { prefix "/secret"; }\n');
  await drop(sentinel, "guard.wasm", `${FIXTURES}/guard_c.wasm`);
  const droppedMs = performance.now();
  await eventually(async () => assert.equal(await status(sentinel, "/secret/x"), 403));
  const liveMs = performance.now() - droppedMs;
  assert.ok(liveMs < DROP_TO_LIVE_MS * 3, `live after ${liveMs} ms on a busy machine`);
  const before = (await agents(sentinel)).agents[0]!;
  assert.equal(before.origin, "dropped");

  await drop(sentinel, "guard.wasm", `${FIXTURES}/guard_rust.wasm`);
  await eventually(async () => {
    const [now] = (await agents(sentinel)).agents;
    assert.notEqual(now!.digest, before.digest);
  });
  assert.equal(await status(sentinel, "/secret/x"), 403);

  await Deno.remove(`${sentinel.folder}/agents/guard.wasm`);
  await eventually(async () => assert.equal(await status(sentinel, "/secret/x"), 200));
  assert.deepEqual((await agents(sentinel)).agents, []);
});

Deno.test("agents: garbage is refused with the reason, and what runs goes on", async () => {
  await using origin = answering();
  await using sentinel = await start(origin, {});
  await configure(sentinel, "guard", 'config { prefix "/secret"; }\n');
  await drop(sentinel, "guard.wasm", `${FIXTURES}/guard_c.wasm`);
  await eventually(async () => assert.equal(await status(sentinel, "/secret/x"), 403));

  await Deno.writeTextFile(`${sentinel.folder}/agents/.x`, "this is no component");
  await Deno.rename(`${sentinel.folder}/agents/.x`, `${sentinel.folder}/agents/guard.wasm`);
  await sentinel.process.said(/agents folder is not taken.*guard\.wasm/);
  const view = await agents(sentinel);
  assert.equal(view.agents[0]!.condition, "live", "the one before still runs");
  assert.match(view.problems[0]!.message, /guard\.wasm/);
  assert.equal(await status(sentinel, "/secret/x"), 403);

  // Options that are wrong have their place in the file.
  await configure(sentinel, "guard", 'isolaton "reset"\n');
  await eventually(async () => {
    const { problems } = await agents(sentinel);
    assert.match(problems.map((each: { message: string }) => each.message).join("\n"), /guard\.kdl:1:1/);
  });
  assert.equal(await status(sentinel, "/open"), 200);
});

Deno.test("agents: replaced again and again under load without a lost or wrongly answered request", async () => {
  await using origin = answering("proxied");
  await using sentinel = await start(origin, { workers: 2 });
  await configure(sentinel, "guard", 'config { prefix "/secret"; }\n');
  await drop(sentinel, "guard.wasm", `${FIXTURES}/guard_c.wasm`);
  await eventually(async () => assert.equal(await status(sentinel, "/secret/x"), 403));
  const load = new SteadyLoad({ port: sentinel.port, clients: 4, path: "/open", body: "proxied" });
  for (let i = 0; i < REPLACEMENTS; i++) {
    await load.requests(50);
    await drop(sentinel, "guard.wasm", `${FIXTURES}/guard_${i % 2 === 0 ? "rust" : "c"}.wasm`);
    await sentinel.process.said(/Reload applied.*trigger=agents/, i + 2);
    assert.equal(await status(sentinel, "/secret/x"), 403, "every version guards");
  }
  const { failures, requests } = await load.stop();
  assert.deepEqual(failures, []);
  assert.ok(requests > REPLACEMENTS * 50);
  await eventually(async () => assert.equal((await agents(sentinel)).agents.length, 1));
});

Deno.test("agents: a configuration with a bad agent is not served", async () => {
  await using origin = answering();
  const wrong = "0".repeat(64);
  const rows: [name: string, block: string, reason: RegExp][] = [
    ["no such file", 'wasm "/nowhere/x.wasm"', /there is no such file/],
    ["another digest", `wasm "${FIXTURES}/guard_c.wasm"; sha256 "${wrong}"`, /SHA-256/],
    [
      "its configuration",
      `wasm "${FIXTURES}/guard_c.wasm"; config { nonsense 1; }`,
      /configuration is refused/,
    ],
  ];
  for (const [name, block, reason] of rows) {
    const top = `agents { agent "guard" { ${block}; }; }`;
    await assert.rejects(start(origin, { top }), reason, name);
  }
});

Deno.test("agents: in shadow mode nothing is refused, and what would have been is counted", async () => {
  await using origin = answering();
  const top = GUARD("guard_c.wasm", 'mode "shadow"');
  await using sentinel = await start(origin, { top, filters: 'filters "guard"' });
  assert.equal(await status(sentinel, "/secret/x"), 200);
  assert.doesNotMatch(origin.requests[0]!.head, /x-waf/i, "not even its edits are made");
  await sentinel.process.said(/"agents":\[\{"agent":"guard","verdict":"block","shadow":true/);
  const metrics = await (await sentinel.admin("/metrics")).text();
  assert.match(metrics, /^sentinel_agent_shadow_calls_total\{agent="guard",agreement="stricter"\} 1$/m);
});
