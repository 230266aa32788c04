import assert from "node:assert/strict";
import { agentDefaults } from "../agents/options.ts";
import type { AgentState } from "../agents/runtime/live_agent.ts";
import { agentsView, conditionOf } from "./agent_view.ts";
import type { AgentFacts } from "./agent_view.ts";

function state(over: Partial<AgentState> = {}): AgentState {
  return {
    id: "waf",
    digest: "d1",
    world: "sentinel:agent@1.0.0",
    mode: "live",
    events: ["request-headers"],
    grants: ["log"],
    instances: 2,
    idleInstances: 1,
    memoryBytes: 65536,
    calls: 1,
    waiting: 0,
    breaker: "closed",
    quarantine: "in-service",
    isDraining: false,
    lastFailure: undefined,
    ...over,
  };
}

const FACTS: AgentFacts = {
  id: "waf",
  origin: "dropped",
  path: "/agents/waf.wasm",
  bytes: 8192,
  digest: "d1",
  world: "sentinel:agent@1.0.0",
  version: "1.2.3",
  summary: "Says no.",
  asked: ["log", "clock"],
  options: agentDefaults("waf", "/agents/waf.wasm"),
};

Deno.test("agents view: counts of all threads are summed, and what is known of the file is there", () => {
  const view = agentsView([FACTS], [[state()], [state({ instances: 3, calls: 4 })]]);
  assert.deepEqual(view.summary, { total: 1, live: 1, problems: 0 });
  const [agent] = view.agents;
  assert.deepEqual(agent!.instances, { live: 5, idle: 2, memoryBytes: 131072 });
  assert.deepEqual(agent!.calls, { active: 5, waiting: 0 });
  assert.deepEqual(agent!.workers, { total: 2, impaired: 0 });
  assert.deepEqual(agent!.capabilities, { asked: ["log", "clock"], granted: ["log"] });
  assert.equal(agent!.version, "1.2.3");
  assert.equal(agent!.limits!.fuel, 10_000_000);
  assert.equal(agent!.limits!.instancesPerWorker, 4);
  assert.deepEqual(JSON.parse(JSON.stringify(view)), view, "nothing is lost on the way to JSON");
});

Deno.test("agents view: the worst condition of any thread counts", () => {
  const cases: { over: Partial<AgentState>; want: string }[] = [
    { over: {}, want: "live" },
    { over: { breaker: "open" }, want: "paused" },
    { over: { breaker: "half-open" }, want: "paused" },
    { over: { quarantine: "out-of-service" }, want: "out-of-service" },
    { over: { quarantine: "trial", breaker: "open" }, want: "out-of-service" },
    { over: { isDraining: true, quarantine: "out-of-service" }, want: "draining" },
  ];
  for (const { over, want } of cases) assert.equal(conditionOf(state(over)), want);
  const view = agentsView([FACTS], [[state()], [state({ quarantine: "out-of-service" })], [state()]]);
  assert.equal(view.agents[0]!.condition, "out-of-service");
  assert.deepEqual(view.agents[0]!.workers, { total: 3, impaired: 1 });
  assert.equal(view.summary.live, 0);
});

Deno.test("agents view: one that drains stands beside the one that replaced it, also when the file is the same", () => {
  for (const digest of ["d0", "d1"]) {
    const view = agentsView([FACTS], [[state({ digest, isDraining: true, instances: 1 }), state()], [
      state(),
    ]]);
    assert.deepEqual(view.agents.map(({ condition, instances }) => [condition, instances.live]), [
      ["live", 4],
      ["draining", 1],
    ]);
    assert.equal(view.agents[1]!.path, null);
  }
});

Deno.test("agents view: the latest failure of all threads, and files that are no agents", () => {
  const failure = (message: string, wallMs: number) => ({ kind: "fuel" as const, message, wallMs });
  const view = agentsView([FACTS], [
    [state({ lastFailure: failure("early", 1_000) })],
    [state({ lastFailure: failure("late", 2_000) })],
    [state()],
  ], [{ id: "x", message: "x.wasm is no component" }, { message: "too many" }]);
  assert.deepEqual(view.agents[0]!.lastFailure, {
    kind: "fuel",
    message: "late",
    at: "1970-01-01T00:00:02.000Z",
  });
  assert.deepEqual(view.problems, [{ id: "x", message: "x.wasm is no component" }, { message: "too many" }]);
  assert.equal(view.summary.problems, 2);
});
