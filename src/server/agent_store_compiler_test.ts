import assert from "node:assert/strict";
import { attack, fixture } from "../../tests/agents/corpus.ts";
import { AgentLoadError } from "../agents/guest.ts";
import { agentDefaults } from "../agents/options.ts";
import { AgentStore } from "./agent_store.ts";
import { agentCompiler, askedCapabilities, componentLimits } from "./agent_store_compiler.ts";

const LIMITS = componentLimits(agentDefaults("a", "a.wasm"));

async function refusal(bytes: Uint8Array<ArrayBuffer>, limits = LIMITS): Promise<string> {
  try {
    await agentCompiler.compile(bytes, limits);
  } catch (cause) {
    assert.ok(cause instanceof AgentLoadError, String(cause));
    return cause.message;
  }
  return assert.fail("it was taken");
}

Deno.test("agent compiler: components of both worlds, and what they ask for", async () => {
  const reference = await agentCompiler.compile(await fixture("c"), LIMITS);
  assert.deepEqual(reference.world, { package: "zentinel:agent", version: "2.0.0" });
  assert.deepEqual(askedCapabilities(reference), []);
  const own = await agentCompiler.compile(await attack("sentinel", "flood_clock"), LIMITS);
  assert.deepEqual(own.world, { package: "sentinel:agent", version: "1.0.0" });
  // It imports http too, which every agent may.
  assert.deepEqual(askedCapabilities(own).slice(0, 3), ["log", "clock", "random"]);
});

Deno.test("agent compiler: what is no agent is refused with what is wrong", async () => {
  assert.match(await refusal(new TextEncoder().encode("no wasm")), /component/);
  const small = { ...LIMITS, moduleBytesMax: 1000 };
  assert.match(await refusal(await fixture("c"), small), /at most 1000 are allowed/);
});

Deno.test("agent compiler: every file that is cut off is refused, wherever that is", async () => {
  const bytes = await fixture("c");
  for (let length = 0; length < bytes.length; length += 97) await refusal(bytes.slice(0, length));
});

Deno.test("agent compiler: options set the limits, and the store compiles by them", async () => {
  const options = {
    ...agentDefaults("a", "a.wasm"),
    fuelAccounting: "block" as const,
    memory: 2 * 1024 * 1024,
  };
  const limits = componentLimits(options);
  assert.equal(limits.accounting, "block");
  assert.equal(limits.memoryBytesMax, 2 * 1024 * 1024);
  assert.equal(limits.moduleBytesMax, options.maxModuleBytes);
  assert.equal(limits.functionBytesMax, options.maxFunctionBytes);
  const atStart = (wish: { readonly fuel: number; readonly configureFuel: number }) =>
    componentLimits({ ...options, ...wish }).fuelAtStart;
  assert.equal(atStart({ fuel: 1000, configureFuel: 100_000_000 }), 10_000_000);
  assert.equal(atStart({ fuel: 50_000_000, configureFuel: 100_000_000 }), 50_000_000);
  assert.equal(atStart({ fuel: 50_000_000, configureFuel: 5000 }), 5000);
  const folder = await Deno.makeTempDir();
  const path = `${folder}/guard.wasm`;
  await Deno.writeFile(path, await fixture("rust"));
  const store = new AgentStore(agentCompiler);
  const [first, second] = await store.load([
    { id: "x", path, limits },
    { id: "y", path, limits: { ...limits, memoryBytesMax: 65_536 } },
  ]);
  assert.equal(first?.type, "loaded");
  assert.ok(second?.type === "problem", "a megabyte of stack does not fit into 64 KiB");
  assert.match(second.problem, /^Cannot load agent "y" from .*guard\.wasm: /);
  await Deno.remove(folder, { recursive: true });
});
