/** `share-configured`: one instance is configured, and all others start from its state. */

import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { agentOptions, agentSpec, FakeBudget, FakeMeter } from "../../tests/support/fake_agent.ts";
import { FakeTime } from "../../tests/support/fake_socket.ts";
import { MetricStore } from "../agents/host/metric_store.ts";
import type { AgentSpec } from "../agents/runtime/agent_spec.ts";
import { LiveAgent } from "../agents/runtime/live_agent.ts";
import { WARM_UP_REQUEST } from "../agents/runtime/warm_up.ts";
import { agentFactory, type AgentPorts } from "../engine/agent_factory.ts";
import type { AgentComponent } from "../engine/agent_plan.ts";
import { agentCompiler, componentLimits } from "./agent_store_compiler.ts";
import { createAgentTrial } from "./agent_trial.ts";
import { createClock, createRandom, createTimers } from "./platform.ts";

const FOLDER = fileURLToPath(new URL("../../wasm-agents/fixtures/", import.meta.url));
const MIB = 1024 * 1024;

const PORTS = { clock: createClock(), random: createRandom(), log: () => {} };
const AGENT_PORTS: AgentPorts = {
  verifier: { verify: () => ({ type: "error", value: "no" }) },
  transport: () => Promise.resolve({ type: "error", value: { reason: "failed", message: "no" } }),
};

async function specOf(file: string, body: string): Promise<AgentSpec<AgentComponent>> {
  const options = agentOptions(`share-configured #true\n${body}`);
  const compiled = await agentCompiler.compile(await Deno.readFile(FOLDER + file), componentLimits(options));
  return { ...agentSpec(), options, component: { compiled, assets: [] } };
}

function trial(spec: AgentSpec<AgentComponent>) {
  return createAgentTrial({ ...PORTS, timers: createTimers(), agentPorts: AGENT_PORTS })(spec);
}

function live(spec: AgentSpec<AgentComponent>): LiveAgent {
  const silent = { call() {}, answer() {}, refused() {} };
  const host = {
    ports: PORTS,
    agentPorts: AGENT_PORTS,
    shared: {},
    metrics: new MetricStore(),
    meter: silent,
  };
  const time = new FakeTime();
  const factory = agentFactory(spec, host);
  const deps = {
    factory,
    clock: time,
    timers: time,
    log: () => {},
    budget: new FakeBudget(),
    meter: new FakeMeter(),
  };
  return new LiveAgent(spec, deps);
}

/** Headers that a request is answered with. */
function answer(agent: LiveAgent): Record<string, string> {
  const visit = agent.visit();
  const result = visit.onRequestHeaders(WARM_UP_REQUEST);
  ok(!(result instanceof Promise) && result.failed === undefined, JSON.stringify(result));
  visit.end();
  const { decision } = result.value;
  ok(decision.type === "block");
  return Object.fromEntries(decision.value.headers.map(({ name, value }) => [name, value]));
}

Deno.test("share-configured: instances answer as one that was configured itself, each with a state of its own", async () => {
  const spec = await specOf("table/table.wasm", "config { megabytes 2 }");
  const { image } = await trial(spec);
  const kept = image!.memories.reduce((sum, { content }) => sum + content.byteLength, 0);
  ok(kept > 2 * MIB && kept < 2.2 * MIB, `${kept} bytes`);
  const configured = live(spec);
  const agents = [1, 2].map(() => live({ ...spec, component: { ...spec.component, image } }));
  for (const agent of agents) {
    await agent.start();
    equal(answer(agent)["x-table"], answer(configured)["x-table"]);
    equal(answer(agent)["x-answered"], "2");
  }
});

Deno.test("share-configured: with isolation, every request finds the configured state", async () => {
  for (const isolation of ["reset", "fresh"]) {
    const spec = await specOf("table/table.wasm", `isolation "${isolation}"; config { megabytes 2 }`);
    const { image } = await trial(spec);
    const agent = live({ ...spec, component: { ...spec.component, image } });
    const counts = [1, 2, 3].map(() => answer(agent)["x-answered"]);
    // With reset the state is remembered after one request that nobody sent.
    deepEqual(new Set(counts), new Set([isolation === "reset" ? "2" : "1"]));
  }
});

Deno.test("share-configured: says why it cannot work", async () => {
  for (
    const [file, body, problem] of [
      ["table/table.wasm", `grant "kv"; config { kv #true }`, /it uses kv while it is configured/],
      ["guard_c.wasm", `config { prefix "/a"; word "w" }`, /component of zentinel:agent/],
      [
        "guard_js.wasm",
        `fuel-accounting "block"; config { prefix "/a"; word "w" }`,
        /component of zentinel:agent/,
      ],
    ] as const
  ) {
    await rejects(trial(await specOf(file, body)), (cause: Error) => {
      match(cause.message, /: set share-configured #false$/);
      match(cause.message, problem);
      return true;
    });
  }
});
