/**
 * What one request leaves in an instance must not be there for the next, unless the operator chose so. Each leak
 * keeps something in another place; under `shared` it shows, which proves that the leak is one.
 */

import assert from "node:assert/strict";
import type { CallResult } from "../../src/agents/runtime/live_agent.ts";
import type { Outcome } from "../../src/agents/contract/sentinel_types.ts";
import { attack, attacksOn } from "./corpus.ts";
import { type AgentStage, agentStage } from "./stage.ts";

const LEAKS = attacksOn("zentinel").filter((name) => name.startsWith("leak_"));
/** The first is the longest, so that what it leaves behind is not covered by what comes after. */
const SECRETS = [`/${"x".repeat(300)}/secret-one`, "/secret-two", "/secret-six"];
/** Instances are set back to how they were after a request, and segments stay used up: these fail evenly then. */
const FAIL_EVENLY = new Set(["reset leak_segment", "reset leak_elements"]);

type Isolation = "shared" | "reset" | "fresh";

/** What the agent let slip at each of the requests: its tags, or that it failed. */
async function slips(stage: AgentStage, isolation: Isolation, name: string): Promise<string[]> {
  const agent = stage.load(await attack("zentinel", name), { isolation });
  await agent.start();
  const said: string[] = [];
  for (const target of SECRETS) said.push(word(await stage.ask(agent, { target })));
  agent.dispose("removed");
  return said;
}

function word(result: CallResult<Outcome>): string {
  return result.failed ?? result.value.audit.tags.join();
}

Deno.test("every leak is one: shared instances tell a request of the one before", async (t) => {
  for (const name of LEAKS) {
    await t.step(name, async () => {
      await using stage = agentStage();
      const [first, ...later] = await slips(stage, "shared", name);
      assert.ok(later.some((said) => said !== first), `${name} said ${first}, and then nothing else`);
    });
  }
  assert.ok(LEAKS.length >= 12, "leaks are missing");
});

for (const isolation of ["reset", "fresh"] as const) {
  Deno.test(`isolation ${isolation}: no request sees what another left`, async (t) => {
    for (const name of LEAKS) {
      await t.step(name, async () => {
        await using stage = agentStage();
        const said = await slips(stage, isolation, name);
        assert.deepEqual(said, said.map(() => said[0]), `${name} told requests apart`);
        assert.ok(!said.join().includes("secret"), `${name} told a secret: ${said}`);
        assert.equal(said[0] === "memory", FAIL_EVENLY.has(`${isolation} ${name}`), `${name} said ${said}`);
      });
    }
  });

  Deno.test(`isolation ${isolation}: requests at the same time have instances of their own`, async () => {
    await using stage = agentStage();
    const agent = stage.load(await attack("zentinel", "leak_memory"), { isolation });
    await agent.start();
    const visits = SECRETS.map(() => agent.visit());
    const said: string[] = [];
    for (const [i, visit] of visits.entries()) {
      said.push(word(await visit.onRequestHeaders(stage.request({ target: SECRETS[i]! }))));
    }
    assert.equal(agent.state().instances, SECRETS.length);
    // The second event of a request finds what its first one left, and nothing of the others.
    for (const [i, visit] of visits.entries()) {
      const again = word(await visit.onRequestHeaders(stage.request({ target: "/again" })));
      assert.equal(again, SECRETS[i]);
      visit.end();
    }
    assert.deepEqual(said, said.map(() => said[0]));
    assert.ok(!said.join().includes("secret"));
    agent.dispose("removed");
  });
}
