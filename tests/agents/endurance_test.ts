/** Thousands of traps in a row: nothing stays behind, and no more instances live than may. */

import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { agentDefaults } from "../../src/agents/options.ts";
import { attack } from "./corpus.ts";
import { agentStage } from "./stage.ts";

const CALLS = 10_000;
/** What ten thousand calls may leave behind, for all that is cached: less than 500 bytes each. */
const HEAP_BYTES_LEFT = 4 * 1024 * 1024;
/** Memory that was given back stays with the process for a while; a page kept by each call would be 640 MiB. */
const RESIDENT_BYTES_LEFT = 128 * 1024 * 1024;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Bytes in use once nothing is left to collect. */
async function memoryInUse(): Promise<{ readonly heap: number; readonly resident: number }> {
  for (let i = 0; i < 3; i++) {
    collectGarbage();
    // What only a finalizer lets go of is let go in a later turn.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  const { heapUsed, external, rss } = Deno.memoryUsage();
  return { heap: heapUsed + external, resident: rss };
}

/** So little that an endless loop is over at once, and enough for every other call. */
const FUEL = 20_000;

Deno.test("ten thousand attacks in a row leave nothing behind", async (t) => {
  const paths = ["/loop", "/trap", "/result", "/memory", "/", "/deep"];
  for (const isolation of ["shared", "reset", "fresh"] as const) {
    await t.step(isolation, async () => {
      await using stage = agentStage();
      const agent = stage.load(await attack("zentinel", "harmful_if_asked"), {
        isolation,
        fuel: FUEL,
        memory: 1 << 20,
      });
      await agent.start();
      const calls = isolation === "shared" ? CALLS : CALLS / 5;
      const round = async (count: number): Promise<void> => {
        for (let i = 0; i < count; i++) {
          const target = paths[i % paths.length]!;
          const { failed } = await stage.ask(agent, { target });
          assert.equal(failed === undefined, target === "/", `${target}: ${failed}`);
        }
      };
      await round(calls / 2);
      const before = await memoryInUse();
      await round(calls);
      const after = await memoryInUse();
      assert.ok(after.heap - before.heap < HEAP_BYTES_LEFT, `heap ${before.heap} → ${after.heap}`);
      assert.ok(
        after.resident - before.resident < RESIDENT_BYTES_LEFT,
        `resident ${before.resident} → ${after.resident}`,
      );
      // The one that just trapped, and the one in its place.
      assert.ok(stage.mostInstances <= 2, `${stage.mostInstances} instances lived at a time`);
      agent.dispose("removed");
      assert.equal(stage.liveInstances, 0);
    });
  }
});

Deno.test("an agent that fails on every call is out of service, and others are not", async () => {
  await using stage = agentStage();
  const agent = stage.load(await attack("zentinel", "trap_always"), {
    quarantine: agentDefaults("attack", "attack.wasm").quarantine,
  });
  const bystander = await stage.guard("c");
  await agent.start();
  const failures: (string | undefined)[] = [];
  for (let i = 0; i < 30; i++) {
    failures.push((await stage.ask(agent, {})).failed);
    assert.equal((await stage.ask(bystander, { target: "/open" })).failed, undefined);
  }
  assert.deepEqual(failures, [
    ...Array<string>(10).fill("unreachable"),
    ...Array<string>(20).fill("quarantined"),
  ]);
  assert.equal(agent.state().quarantine, "out-of-service");
});

Deno.test("an agent never has more instances than it may, whoever asks", async () => {
  const most = 5;
  await using stage = agentStage();
  const agent = stage.load(await attack("zentinel", "leak_memory"), {
    isolation: "fresh",
    maxInstances: most,
  });
  await agent.start();
  const visits = Array.from({ length: 60 }, () => agent.visit());
  const asked = visits.map(async (visit) => {
    const result = await visit.onRequestHeaders(stage.request({}));
    assert.ok(agent.state().instances <= most);
    visit.end();
    return result.failed;
  });
  assert.deepEqual(await Promise.all(asked), visits.map(() => undefined));
  assert.equal(stage.mostInstances, most);
});

Deno.test("all agents together never have more instances than the process can bear", async () => {
  const most = 300;
  await using stage = agentStage(most);
  const bytes = await attack("zentinel", "leak_memory");
  const agents = Array.from({ length: 3 }, () => {
    return stage.load(bytes, {
      isolation: "fresh",
      maxInstances: 256,
      timeoutMs: 1,
      maxConcurrentCalls: 1000,
    });
  });
  const visits = agents.flatMap((agent) => Array.from({ length: 200 }, () => agent.visit()));
  const asked = await Promise.all(
    visits.map(async (visit) => await visit.onRequestHeaders(stage.request({}))),
  );
  const served = asked.filter(({ failed }) => failed === undefined).length;
  assert.equal(served, most);
  assert.ok(asked.every(({ failed }) => failed === undefined || failed === "busy"));
  assert.deepEqual([stage.liveInstances, stage.mostInstances], [most, most]);
  for (const visit of visits) visit.end();
  // There is room again.
  assert.equal((await stage.ask(agents[0]!, {})).failed, undefined);
});
