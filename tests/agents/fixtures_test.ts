/** The same agent in C, Rust and JavaScript runs unchanged, and decides the same. */

import assert from "node:assert/strict";
import type { CallResult, LiveAgent } from "../../src/agents/runtime/live_agent.ts";
import { fixture } from "./corpus.ts";
import { type AgentStage, agentStage, type RequestSketch } from "./stage.ts";

const LANGUAGES = ["c", "rust", "js"] as const;

/** An interpreter is one large loop, which would be charged whole for each of its instructions. */
const OPTIONS = { c: {}, rust: {}, js: { fuelAccounting: "block" } } as const;

const AUTHORIZED = [{ name: "Authorization", value: "Basic dTpw" }];

const REQUESTS: readonly {
  readonly name: string;
  readonly request: RequestSketch;
  readonly status: number;
}[] = [
  { name: "open path", request: { target: "/open" }, status: 0 },
  { name: "guarded path", request: { target: "/private/a?b=c" }, status: 403 },
  { name: "guarded path itself", request: { target: "/private" }, status: 403 },
  { name: "shorter than the prefix", request: { target: "/priv" }, status: 0 },
  { name: "with authorization", request: { target: "/private", headers: AUTHORIZED }, status: 0 },
  { name: "no headers", request: { target: "/private/", headers: [] }, status: 403 },
  {
    name: "many headers",
    request: {
      target: "/private/",
      headers: Array.from({ length: 100 }, (_, i) => ({ name: `x-${i}`, value: "v".repeat(i) })),
    },
    status: 403,
  },
  {
    name: "text beyond ASCII",
    request: { target: "/Käse/€/🧀", headers: [{ name: "x", value: "ÿ" }] },
    status: 0,
  },
  { name: "long target", request: { target: `/${"a".repeat(8000)}` }, status: 0 },
];

const BODIES = [
  { name: "nothing", body: "", status: 0 },
  { name: "harmless", body: "hello", status: 0 },
  { name: "the word", body: "attack", status: 403 },
  { name: "the word at the end", body: `${"x".repeat(5000)} at attack`, status: 403 },
  { name: "most of the word", body: "an attac", status: 0 },
];

async function withGuards(
  run: (guards: { readonly stage: AgentStage; readonly agents: readonly LiveAgent[] }) => Promise<void>,
): Promise<void> {
  await using stage = agentStage();
  const agents: LiveAgent[] = [];
  for (const language of LANGUAGES) agents.push(await stage.guard(language, OPTIONS[language]));
  await run({ stage, agents });
}

/** A result that can be compared: without what a call cost. */
function decided<T>(result: CallResult<T>): T {
  assert.ok(result.failed === undefined, JSON.stringify(result.failed));
  return result.value;
}

Deno.test("agents in three languages decide the same about requests", async (t) => {
  await withGuards(async ({ stage, agents }) => {
    for (const { name, request, status } of REQUESTS) {
      await t.step(name, async () => {
        const outcomes = [];
        for (const agent of agents) outcomes.push(decided(await stage.ask(agent, request)));
        const { decision, requestHeaders, audit } = outcomes[0]!;
        assert.equal(decision.type === "block" ? decision.value.status : 0, status);
        const mark = { type: "set", value: { name: "x-waf", value: "clean" } };
        assert.deepEqual(requestHeaders, status === 0 ? [mark] : []);
        assert.deepEqual(audit.ruleIds, status === 0 ? [] : ["prefix"]);
        for (const outcome of outcomes) assert.deepEqual(outcome, outcomes[0]);
      });
    }
  });
});

Deno.test("agents in three languages decide the same about bodies", async (t) => {
  await withGuards(async ({ stage, agents }) => {
    for (const { name, body, status } of BODIES) {
      await t.step(name, async () => {
        const outcomes = [];
        for (const agent of agents) {
          const chunk = { data: new TextEncoder().encode(body), index: 0, last: true };
          const visit = agent.visit();
          outcomes.push(decided(await visit.onRequestBody(stage.request({}), chunk)));
          visit.end();
        }
        const { decision } = outcomes[0]!.outcome;
        assert.equal(decision.type === "block" ? decision.value.status : 0, status);
        for (const outcome of outcomes) assert.deepEqual(outcome, outcomes[0]);
      });
    }
  });
});

Deno.test("agents in three languages refuse the same configuration", async () => {
  await using stage = agentStage();
  for (const language of LANGUAGES) {
    const agent = stage.load(await fixture(language), { config: "prefix=/x;colour=red" });
    await assert.rejects(async () => await agent.start(), /unknown setting: colour/, language);
  }
});

Deno.test("agents in three languages are well, and say so", async () => {
  await withGuards(async ({ agents }) => {
    for (const agent of agents) assert.deepEqual(await agent.health(), { type: "ok", value: "ready" });
  });
});

Deno.test("an instance serves a thousand requests without growing", async (t) => {
  for (const language of ["c", "rust"] as const) {
    await t.step(language, async () => {
      await using stage = agentStage();
      const agent = await stage.guard(language);
      decided(await stage.ask(agent, { target: "/warm" }));
      const before = agent.state().memoryBytes;
      for (let i = 0; i < 1000; i++) decided(await stage.ask(agent, { target: `/path/${i}` }));
      assert.deepEqual([agent.state().memoryBytes, agent.state().instances], [before, 1]);
    });
  }
});
