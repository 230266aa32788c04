import assert from "node:assert/strict";
import type { AgentView } from "../server/agent_view.ts";
import { agentListVerb } from "./agent_list.ts";
import type { Terminal } from "./terminal.ts";

const AGENT: AgentView = {
  id: "waf",
  condition: "live",
  version: "1.2.3",
  summary: "Says no.",
  world: "sentinel:agent@1.0.0",
  digest: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  origin: "dropped",
  path: "/agents/waf.wasm",
  bytes: 8192,
  mode: "live",
  events: ["request-headers", "request-body"],
  capabilities: { asked: ["log", "kv"], granted: ["log"] },
  limits: {
    fuel: 10_000_000,
    configureFuel: 100_000_000,
    memoryBytes: 64 * 1024 * 1024,
    instancesPerWorker: 4,
    isolation: "shared",
    resultBytes: 262_144,
    listLength: 1024,
    timeoutMs: 1000,
    slowCallMs: 20,
    requestBodyBytes: 1_048_576,
    responseBodyBytes: 1_048_576,
  },
  instances: { live: 2, idle: 2, memoryBytes: 131_072 },
  calls: { active: 0, waiting: 0 },
  lastFailure: null,
  workers: { total: 2, impaired: 0 },
};

interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the verb against an admin listener that answers so. */
async function list(
  answer: { readonly status?: number; readonly body: string },
  options: { readonly json?: boolean } = {},
): Promise<Outcome> {
  const asked: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    asked.push(new URL(request.url).pathname);
    return new Response(answer.body, { status: answer.status ?? 200 });
  });
  const texts = { out: "", err: "" };
  const terminal: Terminal = {
    out: (text) => texts.out += `${text}\n`,
    err: (text) => texts.err += `${text}\n`,
    env: () => undefined,
    color: false,
  };
  const status = await agentListVerb({ admin: `127.0.0.1:${server.addr.port}`, ...options }, terminal);
  await server.shutdown();
  assert.deepEqual(asked, ["/agents"]);
  return { status, ...texts };
}

function view(agents: readonly AgentView[], problems: readonly string[] = []): { body: string } {
  return {
    body: JSON.stringify({
      summary: { total: agents.length, live: agents.length, problems: problems.length },
      agents,
      problems: problems.map((message) => ({ message })),
    }),
  };
}

Deno.test("agent list: a table, everything the issue of an operator is about", async () => {
  const draining: AgentView = {
    ...AGENT,
    condition: "draining",
    digest: "0".repeat(64),
    version: null,
    origin: null,
    path: null,
    bytes: null,
    capabilities: { asked: null, granted: [] },
    limits: null,
    mode: "shadow",
  };
  const { status, out, err } = await list(view([AGENT, draining]));
  assert.equal(status, 0);
  assert.equal(err, "");
  const events = "request-headers,request-body";
  assert.deepEqual(out.trimEnd().split("\n").map((line) => line.split(/ {2,}/)), [
    ["ID", "VERSION", "DIGEST", "WORLD", "EVENTS", "ASKED", "GRANTED", "LIMITS", "STATE"],
    [
      "waf",
      "1.2.3",
      "ba7816bf8f01",
      "sentinel:agent@1.0.0",
      events,
      "log,kv",
      "log",
      "fuel 10M, 64 MiB, 4 shared",
      "live",
    ],
    ["waf", "-", "000000000000", "sentinel:agent@1.0.0", events, "-", "-", "-", "draining (shadow)"],
  ]);
});

Deno.test("agent list: fails when something is wrong, and says what", async () => {
  const broken: AgentView = {
    ...AGENT,
    condition: "out-of-service",
    workers: { total: 2, impaired: 1 },
    lastFailure: { kind: "fuel", message: "out of fuel", at: "2026-01-01T00:00:00.000Z" },
  };
  const sick = await list(view([broken]));
  assert.equal(sick.status, 1);
  assert.match(sick.out, /out-of-service in 1 of 2 workers/);
  assert.match(sick.out, /\nwaf: last failure 2026-01-01T00:00:00.000Z, fuel: out of fuel\n/);
  const bad = await list(view([AGENT], ['Cannot load agent "x" from x.wasm: it is cut off']));
  assert.equal(bad.status, 1);
  assert.equal(bad.err, 'sentinel: Cannot load agent "x" from x.wasm: it is cut off\n');
});

Deno.test("agent list: no agents, JSON, and answers that are none", async () => {
  assert.deepEqual(await list(view([])), { status: 0, out: "no agents\n", err: "" });
  const json = await list(view([AGENT]), { json: true });
  assert.deepEqual((JSON.parse(json.out) as { agents: unknown }).agents, [AGENT]);
  const cases = [
    { answer: { status: 404, body: "nothing here" }, want: /answers 404: nothing here$/m },
    { answer: { body: "<html>" }, want: /does not answer as the admin listener of a sentinel does$/m },
    {
      answer: { body: '{"agents":[{"id":1}],"problems":[]}' },
      want: /does not answer as the admin listener/,
    },
    { answer: { body: "null" }, want: /does not answer as the admin listener/ },
  ];
  for (const { answer, want } of cases) {
    const outcome = await list(answer);
    assert.equal(outcome.status, 1);
    assert.equal(outcome.out, "");
    assert.match(outcome.err, want);
  }
});

Deno.test("agent list: nobody there, and an option that is no URL", async () => {
  const probe = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = probe.addr as Deno.NetAddr;
  probe.close();
  for (const admin of [`http://127.0.0.1:${port}`, "http://"]) {
    let err = "";
    const terminal: Terminal = {
      out: () => assert.fail(),
      err: (text) => err += text,
      env: () => undefined,
      color: false,
    };
    assert.equal(await agentListVerb({ admin }, terminal), 1);
    assert.match(err, admin === "http://" ? /is no URL of an admin listener/ : /does not answer: /);
  }
});
